/* The characters of a TOML document: see toml_value.h. */
#include "frontend/config/toml_value.h"

#include <errno.h>
#include <stdlib.h>

Loc toml_loc(const TomlText *t) { return (Loc){.file = t->file, .line = t->line}; }

Status toml_malformed(const TomlText *t, const char *what)
{
    return diag_error(t->ctx, E0504, toml_loc(t), MLC_USAGE, "%s", what);
}

/* Bytes of the character at `p`, 0 when it is malformed: too long a form, a surrogate, too large. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t   n = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
    uint32_t v = n == 1 ? *p : *p & (0x7fu >> n);
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    return v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff) ? 0 : n;
}

Status toml_text(Ctx *c, Arena *a, const char *file, const void *data, size_t size, TomlText *t)
{
    const unsigned char *p = data;
    *t = (TomlText){.ctx = c, .arena = a, .file = file, .at = data, .line = 1};
    t->end = t->at + size;
    for (size_t i = 0, n; i < size; i += n) {
        n = utf8_length(p + i, size - i);
        if (n == 0)
            return toml_malformed(t, "the text is not UTF-8");
        t->line += p[i] == '\n';
    }
    t->line = 1;
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        t->at += 3;
    return MLC_OK;
}

bool toml_eat(TomlText *t, char c)
{
    bool here = toml_at(t, c);
    t->at += here;
    return here;
}

static bool is_control(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

void toml_skip_blanks(TomlText *t)
{
    while (toml_at(t, ' ') || toml_at(t, '\t'))
        t->at++;
}

/* A line end, LF or CR LF. */
static bool eat_line_end(TomlText *t)
{
    size_t n = toml_at(t, '\n') ? 1 : toml_at(t, '\r') && t->end - t->at > 1 && t->at[1] == '\n' ? 2 : 0;
    t->at += n;
    t->line += n > 0;
    return n > 0;
}

static Status skip_comment(TomlText *t)
{
    if (!toml_eat(t, '#'))
        return MLC_OK;
    while (t->at < t->end && !is_control(*t->at))
        t->at++;
    bool crlf = toml_at(t, '\r') && t->end - t->at > 1 && t->at[1] == '\n';
    return t->at == t->end || *t->at == '\n' || crlf
               ? MLC_OK
               : toml_malformed(t, "a control character in a comment");
}

Status toml_skip_lines(TomlText *t)
{
    do {
        toml_skip_blanks(t);
        TRY(skip_comment(t));
    } while (eat_line_end(t));
    return MLC_OK;
}

Status toml_line_end(TomlText *t)
{
    toml_skip_blanks(t);
    TRY(skip_comment(t));
    return t->at == t->end || eat_line_end(t)
               ? MLC_OK
               : toml_malformed(t, "the line goes on after its value");
}

/* ---- strings ---- */

static void add_utf8(Str *s, uint32_t v)
{
    if (v < 0x80) {
        str_addc(s, (char)v);
        return;
    }
    int more = v < 0x800 ? 1 : v < 0x10000 ? 2 : 3;
    static const unsigned char head[] = {0, 0xc0, 0xe0, 0xf0};
    str_addc(s, (char)(head[more] | v >> (6 * more)));
    while (more--)
        str_addc(s, (char)(0x80 | (v >> (6 * more) & 0x3f)));
}

static Status read_unicode(TomlText *t, int digits, Str *s)
{
    uint32_t v = 0;
    for (int i = 0; i < digits; i++, t->at++) {
        char c = t->at < t->end ? *t->at : 0;
        int  d = c >= '0' && c <= '9'   ? c - '0'
                 : c >= 'a' && c <= 'f' ? c - 'a' + 10
                 : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                        : -1;
        if (d < 0 || v >> 28)
            return toml_malformed(t, "\\u needs 4 and \\U 8 hexadecimal digits");
        v = v << 4 | (uint32_t)d;
    }
    if (v == 0 || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
        return toml_malformed(t, "\\u names no character that a string may hold");
    add_utf8(s, v);
    return MLC_OK;
}

static Status read_escape(TomlText *t, bool many_lines, Str *s)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    char        c = t->at < t->end ? *t->at : 0;
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        t->at++;
        str_addc(s, to[known - from]);
        return MLC_OK;
    }
    if (c == 'u' || c == 'U') {
        t->at++;
        return read_unicode(t, c == 'u' ? 4 : 8, s);
    }
    /* The line goes on after the blanks that follow. */
    toml_skip_blanks(t);
    if (!many_lines || !eat_line_end(t))
        return toml_malformed(t, "unknown escape in a string: a backslash is written \\\\, or the "
                                 "string in single quotes");
    do
        toml_skip_blanks(t);
    while (eat_line_end(t));
    return MLC_OK;
}

static bool at_three(const TomlText *t, char quote)
{
    return t->end - t->at >= 3 && t->at[0] == quote && t->at[1] == quote && t->at[2] == quote;
}

static Status read_string(TomlText *t, bool many_lines, const char **out)
{
    char quote = *t->at;
    int  first = t->line;
    Str  s = str_new(t->arena);
    t->at += many_lines ? 3 : 1;
    if (many_lines)
        eat_line_end(t);
    for (;;) {
        bool last = many_lines ? at_three(t, quote) : toml_at(t, quote);
        bool extra = last && many_lines && t->end - t->at > 3 && t->at[3] == quote;
        if (last && !extra) /* """" ends with a quote that belongs to the string */
            break;
        if (t->at == t->end || (!many_lines && is_control(*t->at))) {
            t->line = first;
            return toml_malformed(t, "a string does not end");
        }
        if (quote == '"' && toml_eat(t, '\\')) {
            TRY(read_escape(t, many_lines, &s));
        } else if (many_lines && eat_line_end(t)) {
            str_addc(&s, '\n');
        } else if (is_control(*t->at)) {
            return toml_malformed(t, "a control character in a string");
        } else {
            str_addc(&s, *t->at++);
        }
    }
    t->at += many_lines ? 3 : 1;
    *out = str_text(&s);
    return MLC_OK;
}

Status toml_string(TomlText *t, const char **out) { return read_string(t, false, out); }

/* ---- numbers ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '+' || c == '.' || c == ':';
}

/* Removes '_' between digits; false where one stands elsewhere. */
static bool without_underscores(char *w)
{
    char *to = w;
    for (char *p = w; *p; p++) {
        if (*p != '_') {
            *to++ = *p;
            continue;
        }
        bool between = p > w && p[-1] != '_' && p[-1] != '.' && p[1] && p[1] != '_' && p[1] != '.' &&
                       p[-1] != '+' && p[-1] != '-';
        if (!between)
            return false;
    }
    *to = 0;
    return true;
}

static bool integer_value(Arena *a, const char *w, TomlValue *out)
{
    bool        is_signed = *w == '+' || *w == '-';
    const char *digits = w + is_signed;
    int         base = 10;
    if (!is_signed && digits[0] == '0' && digits[1])
        base = digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8 : digits[1] == 'b' ? 2 : 0;
    else if (digits[0] == '0' && digits[1])
        base = 0;
    if (base != 10)
        digits += 2;
    if (base == 0 || !*digits || *digits == '+' || *digits == '-')
        return false;
    char *end;
    errno = 0;
    long long v = strtoll(base == 10 ? w : digits, &end, base);
    if (*end || errno)
        return false;
    *out = (TomlValue){TOML_INTEGER, arena_printf(a, "%lld", v)};
    return true;
}

static bool float_value(const char *w, TomlValue *out)
{
    const char *p = w + (*w == '+' || *w == '-');
    if (str_eq(p, "inf") || str_eq(p, "nan")) {
        *out = (TomlValue){TOML_FLOAT, w};
        return true;
    }
    size_t whole = strspn(p, "0123456789"), fraction = 0, exponent = 0;
    bool   zero = p[0] == '0' && whole > 1;
    p += whole;
    if (whole && *p == '.') {
        fraction = strspn(p + 1, "0123456789");
        p += 1 + fraction;
        if (!fraction)
            return false;
    }
    if (whole && (*p == 'e' || *p == 'E')) {
        p += 1 + (p[1] == '+' || p[1] == '-');
        exponent = strspn(p, "0123456789");
        p += exponent;
        if (!exponent)
            return false;
    }
    *out = (TomlValue){TOML_FLOAT, w};
    return whole && !zero && !*p && (fraction || exponent);
}

static bool looks_like_date(const char *w)
{
    return strspn(w, "0123456789") >= 2 && (strchr(w, ':') || strchr(w + 1, '-')) &&
           !strpbrk(w, "eE");
}

Status toml_scalar(TomlText *t, TomlValue *out)
{
    if (toml_at(t, '"') || toml_at(t, '\'')) {
        out->kind = TOML_STRING;
        return read_string(t, at_three(t, *t->at), &out->text);
    }
    const char *start = t->at;
    while (t->at < t->end && is_word(*t->at))
        t->at++;
    char *w = arena_strndup(t->arena, start, (size_t)(t->at - start));
    if (!*w)
        return toml_malformed(t, "a value is missing");
    if (str_eq(w, "true") || str_eq(w, "false")) {
        *out = (TomlValue){TOML_BOOL, w};
        return MLC_OK;
    }
    if (looks_like_date(w))
        return toml_malformed(t, "dates and times are not used here");
    char *plain = arena_strdup(t->arena, w);
    if (without_underscores(plain) &&
        (integer_value(t->arena, plain, out) || float_value(plain, out)))
        return MLC_OK;
    return diag_error(t->ctx, E0504, toml_loc(t), MLC_USAGE,
                      "'%s' is no value: a string stands in quotes", w);
}
