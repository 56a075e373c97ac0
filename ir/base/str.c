#include "ir/base/str.h"

#include <stdio.h>

static void reserve(Str *s, size_t more)
{
    size_t need = s->len + more + 1;
    if (need <= s->cap)
        return;
    size_t cap = MAX(need, s->cap ? s->cap * 2 : 64);
    s->at = arena_grow(s->arena, s->at, s->len, cap, 1);
    s->cap = cap;
}

void str_addn(Str *s, const char *text, size_t n)
{
    reserve(s, n);
    memcpy(s->at + s->len, text, n);
    s->len += n;
    s->at[s->len] = 0;
}

void str_add(Str *s, const char *text) { str_addn(s, text, strlen(text)); }

void str_addc(Str *s, char c) { str_addn(s, &c, 1); }

void str_printf(Str *s, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    assert(n >= 0);
    reserve(s, (size_t)n);
    vsnprintf(s->at + s->len, (size_t)n + 1, fmt, again);
    s->len += (size_t)n;
    va_end(again);
    va_end(ap);
}

const char *str_text(const Str *s) { return s->at ? s->at : ""; }

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n >= k && memcmp(s + n - k, suffix, k) == 0;
}

bool str_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

int str_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t na = strnlen(a, LONGEST), nb = strnlen(b, LONGEST);
    int row[LONGEST + 1];
    for (size_t j = 0; j <= nb; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int substitute = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = MIN(substitute, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[nb];
}

const char *str_nearest(const char *name, const char *const *names, size_t n)
{
    const char *best = NULL;
    int best_distance = (int)strlen(name) / 3 + 1;
    for (size_t i = 0; i < n; i++) {
        int d = str_distance(name, names[i]);
        if (d < best_distance || (d == best_distance && !best && d <= 2)) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}

static const char *scaled(char buf[32], double n, double base, const char *const *units, int count)
{
    int u = 0;
    while (n >= base && u + 1 < count) {
        n /= base;
        u++;
    }
    int digits = u == 0 ? 0 : n < 10 ? 2 : n < 100 ? 1 : 0;
    snprintf(buf, 32, "%.*f%s%s", digits, n, *units[u] ? " " : "", units[u]);
    return buf;
}

const char *str_count(char buf[32], double n)
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    return scaled(buf, n, 1000, units, COUNT_OF(units));
}

const char *str_bytes(char buf[32], double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    return scaled(buf, bytes, 1024, units, COUNT_OF(units));
}

/* Length of the well-formed UTF-8 sequence of a printable character at p, or 0. */
static int printable_bytes(const unsigned char *p)
{
    if (p[0] < 0x80)
        return p[0] >= 0x20 && p[0] != 0x7f;
    int n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    uint32_t v = p[0] & (0xffu >> (n + 1));
    for (int i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool surrogate = v >= 0xd800 && v < 0xe000;
    return v >= least[n] && v <= 0x10ffff && !surrogate && v >= 0xa0 ? n : 0;
}

int str_printable_next(const char **text, char out[5])
{
    const unsigned char *p = (const unsigned char *)*text;
    int n = *p ? printable_bytes(p) : 0;
    *text += n ? n : *p != 0;
    if (*p && !n)
        return snprintf(out, 5, "\\x%02x", *p);
    memcpy(out, p, (size_t)n);
    out[n] = 0;
    return n;
}

void str_printable(char *out, const char *text)
{
    char piece[5];
    for (int n; (n = str_printable_next(&text, piece)) > 0; out += n)
        memcpy(out, piece, (size_t)n);
    *out = 0;
}

const char *str_printable_in(Arena *a, const char *text)
{
    char *out = arena_alloc(a, STR_PRINTABLE_BYTES(text), 1);
    str_printable(out, text);
    return out;
}
