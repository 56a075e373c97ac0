/* Reads regular expressions (regex.h), by recursive descent; groups nest at most MOST_DEPTH deep. */
#include "ir/ops/regex.h"

enum { FOLD = 1, LINES = 2, DOT_NEWLINE = 4 }; /* flags i, m, s; U changes nothing here */
enum { MOST_DEPTH = 200, MOST_REPEATS = 1000, LAST = 0x10ffff };

static Re *fail(Regex *r, const char *why)
{
    if (!r->wrong)
        r->wrong = why;
    return NULL;
}

static Re *node(Regex *r, ReKind kind, Re *a, Re *b)
{
    Re *e = NEW(r->arena, Re);
    e->kind = kind;
    e->a = a;
    e->b = b;
    return e;
}

/* ---- classes ---- */

static void add_range(Regex *r, Ranges *to, int32_t first, int32_t last)
{
    vec_push(r->arena, to, ((Range){first, last}));
}

/* Letters in both cases; those of k and s are three. */
static void add_folded(Regex *r, Ranges *to, int32_t first, int32_t last)
{
    add_range(r, to, first, last);
    if (!(r->flags & FOLD))
        return;
    int32_t low = MAX(first, 'A'), high = MIN(last, 'Z');
    if (low <= high)
        add_range(r, to, low + 32, high + 32);
    low = MAX(first, 'a');
    high = MIN(last, 'z');
    if (low <= high)
        add_range(r, to, low - 32, high - 32);
    if ((first <= 'k' && last >= 'k') || (first <= 'K' && last >= 'K'))
        add_range(r, to, 0x212a, 0x212a);
    if ((first <= 's' && last >= 's') || (first <= 'S' && last >= 'S'))
        add_range(r, to, 0x17f, 0x17f);
    bool has_no_case = (first >= 0x2e80 && last < 0xa640) || (first >= 0xac00 && last < 0xfb00) ||
                       (first >= 0x1f000 && last <= LAST);
    if (last > 0x7f && last < LAST && !has_no_case)
        fail(r, "the flag i beside letters that are not ASCII");
}

/* Ascending and apart. Insertion: classes are short. */
static Ranges ordered(Regex *r, const Ranges *from)
{
    Ranges sorted = {0}, out = {0};
    for (size_t i = 0; i < from->len; i++) {
        vec_push(r->arena, &sorted, from->at[i]);
        for (size_t k = i; k > 0 && sorted.at[k].first < sorted.at[k - 1].first; k--) {
            Range t = sorted.at[k];
            sorted.at[k] = sorted.at[k - 1];
            sorted.at[k - 1] = t;
        }
    }
    for (size_t i = 0; i < sorted.len; i++) {
        Range *last = out.len ? &out.at[out.len - 1] : NULL;
        if (last && sorted.at[i].first <= last->last + 1)
            last->last = MAX(last->last, sorted.at[i].last);
        else
            vec_push(r->arena, &out, sorted.at[i]);
    }
    return out;
}

static Ranges all_but(Regex *r, const Ranges *from)
{
    Ranges in = ordered(r, from), out = {0};
    int32_t next = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (in.at[i].first > next)
            add_range(r, &out, next, in.at[i].first - 1);
        next = in.at[i].last + 1;
    }
    if (next <= LAST)
        add_range(r, &out, next, LAST);
    return out;
}

static void add_all(Regex *r, Ranges *to, const Ranges *from, bool negated)
{
    Ranges all = negated ? all_but(r, from) : *from;
    for (size_t i = 0; i < all.len; i++)
        add_range(r, to, all.at[i].first, all.at[i].last);
}

/* Pairs of first and last characters. */
static const struct {
    const char *name, *pairs;
} classes[] = {
    {"d", "09"},          {"w", "09AZ__az"},       {"s", "\t\n\f\r  "},
    {"alnum", "09AZaz"},  {"alpha", "AZaz"},       {"ascii", "\x01\x7f"},
    {"blank", "\t\t  "},  {"cntrl", "\x01\x1f\x7f\x7f"}, {"digit", "09"},
    {"graph", "!~"},      {"lower", "az"},         {"print", " ~"},
    {"punct", "!/:@[`{~"}, {"space", "\t\r  "},    {"upper", "AZ"},
    {"word", "09AZ__az"}, {"xdigit", "09AFaf"},
};

static bool add_class(Regex *r, Ranges *to, const char *name, size_t n, bool negated)
{
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        if (strlen(classes[i].name) != n || memcmp(classes[i].name, name, n) != 0)
            continue;
        Ranges named = {0};
        for (const char *p = classes[i].pairs; *p; p += 2)
            add_folded(r, &named, p[0], p[1]);
        add_all(r, to, &named, negated);
        return true;
    }
    return false;
}

/* ---- characters ---- */

/* The character at r->at, -1 where it is no UTF-8. */
static int32_t take_character(Regex *r)
{
    const unsigned char *p = (const unsigned char *)r->at;
    int more = *p < 0x80 ? 0 : *p < 0xc2 ? -1 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : *p < 0xf5 ? 3 : -1;
    int32_t c = more > 0 ? *p & (0x3f >> more) : *p;
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            more = -1;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (more < 0 || c > LAST) {
        fail(r, "bytes that are no UTF-8");
        return -1;
    }
    r->at += more + 1;
    return c;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* \x7f, \x{10ffff}, behind the x. */
static int32_t take_hex(Regex *r)
{
    bool braces = *r->at == '{';
    int32_t c = 0;
    int n = 0;
    r->at += braces;
    for (; hex_digit(*r->at) >= 0 && n < (braces ? 6 : 2); n++)
        c = c * 16 + hex_digit(*r->at++);
    if (braces ? n == 0 || *r->at++ != '}' || c > LAST : n < 2)
        fail(r, "a malformed \\x");
    return c;
}

/* The character that an escape stands for; r->at is behind the backslash. */
static int32_t take_escape(Regex *r)
{
    static const char name[] = "afnrtv", value[] = "\a\f\n\r\t\v";
    char c = *r->at;
    const char *known = c ? strchr(name, c) : NULL;
    if (c >= '0' && c <= '7') { /* up to three octal digits; \1 would refer back */
        int32_t v = 0;
        if (c != '0' && !(r->at[1] >= '0' && r->at[1] <= '7'))
            fail(r, "a reference back to a group");
        for (int i = 0; i < 3 && *r->at >= '0' && *r->at <= '7'; i++)
            v = v * 8 + (*r->at++ - '0');
        return v;
    }
    if (!c)
        fail(r, "a backslash at its end");
    if ((unsigned char)c >= 0x80)
        return take_character(r);
    r->at++;
    if (known)
        return value[known - name];
    if (c == 'x')
        return take_hex(r);
    if (c == '_' || hex_digit(c) >= 0 || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        fail(r, c == 'p' || c == 'P' ? "a class of a Unicode property" : "an unknown escape");
    return c;
}

/* \d \D \s \S \w \W at r->at: added. */
static bool take_perl_class(Regex *r, Ranges *to)
{
    if (r->at[0] != '\\' || !r->at[1] || !strchr("dDsSwW", r->at[1]))
        return false;
    char lower = (char)(r->at[1] | 32);
    add_class(r, to, &lower, 1, r->at[1] != lower);
    r->at += 2;
    return true;
}

/* [:name:] or [:^name:] at r->at: added. */
static bool take_posix_class(Regex *r, Ranges *to)
{
    const char *end = r->at[0] == '[' && r->at[1] == ':' ? strstr(r->at + 2, ":]") : NULL;
    if (!end)
        return false;
    bool negated = r->at[2] == '^';
    const char *name = r->at + 2 + negated;
    if (!add_class(r, to, name, (size_t)(end - name), negated))
        fail(r, "an unknown class of characters");
    r->at = end + 2;
    return true;
}

static int32_t take_class_character(Regex *r)
{
    if (*r->at != '\\')
        return take_character(r);
    r->at++;
    return take_escape(r);
}

/* Behind a [. */
static Re *take_brackets(Regex *r)
{
    Ranges all = {0};
    bool negated = *r->at == '^', first = true;
    r->at += negated;
    for (; !r->wrong && (*r->at != ']' || first); first = false) {
        if (!*r->at)
            return fail(r, "a [ without its ]");
        if (take_posix_class(r, &all) || take_perl_class(r, &all))
            continue;
        int32_t low = take_class_character(r), high = low;
        if (r->at[0] == '-' && r->at[1] && r->at[1] != ']') {
            r->at++;
            high = take_class_character(r);
        }
        if (high < low)
            return fail(r, "a range whose end is before its beginning");
        add_folded(r, &all, low, high);
    }
    if (r->wrong)
        return NULL;
    r->at++;
    Re *e = node(r, RE_RANGES, NULL, NULL);
    e->ranges = negated ? all_but(r, &all) : ordered(r, &all);
    return e;
}

/* ---- expressions ---- */

static Re *take_or(Regex *r);

static Re *one_character(Regex *r, int32_t c)
{
    Re *e = node(r, RE_RANGES, NULL, NULL);
    Ranges one = {0};
    add_folded(r, &one, c, c);
    e->ranges = ordered(r, &one);
    return e;
}

static Re *assertion(Regex *r, int32_t condition)
{
    Re *e = node(r, RE_ASSERT, NULL, NULL);
    e->condition = condition;
    return e;
}

/* (?flags) or (?flags: at the flags; *group: it opens a group. */
static void take_flags(Regex *r, bool *group)
{
    static const char name[] = "imsU";
    bool off = false;
    for (; *r->at && *r->at != ')' && *r->at != ':'; r->at++) {
        const char *known = strchr(name, *r->at);
        if (*r->at == '-' && !off)
            off = true;
        else if (!known)
            fail(r, "an unknown flag of a group");
        else if (off)
            r->flags &= ~(1 << (known - name));
        else
            r->flags |= 1 << (known - name);
    }
    *group = *r->at == ':';
    if (!*r->at)
        fail(r, "a ( without its )");
    else
        r->at++;
}

/* Behind a (. Groups of all kinds are the same here: nobody asks what they matched. */
static Re *take_group(Regex *r)
{
    int flags = r->flags;
    bool group = true;
    if (r->at[0] == '?') {
        r->at++;
        const char *end = r->at[0] == 'P' && r->at[1] == '<' ? strchr(r->at, '>')
                          : r->at[0] == '<' ? strchr(r->at, '>') : NULL;
        if (r->at[0] == '<' && (r->at[1] == '=' || r->at[1] == '!'))
            return fail(r, "an assertion about what stands before");
        if (r->at[0] == '=' || r->at[0] == '!')
            return fail(r, "an assertion about what follows");
        if (end)
            r->at = end + 1;
        else
            take_flags(r, &group);
    }
    if (!group) /* flags for the rest of the group around */
        return node(r, RE_EMPTY, NULL, NULL);
    if (++r->depth > MOST_DEPTH)
        return fail(r, "groups that nest too deeply");
    Re *e = take_or(r);
    r->depth--;
    r->flags = flags;
    if (*r->at != ')')
        return fail(r, "a ( without its )");
    r->at++;
    return e;
}

static Re *take_backslash(Regex *r)
{
    Ranges set = {0};
    if (take_perl_class(r, &set)) {
        Re *e = node(r, RE_RANGES, NULL, NULL);
        e->ranges = ordered(r, &set);
        return e;
    }
    r->at++;
    switch (*r->at) {
    case 'A':
        r->at++;
        return assertion(r, AT_BEGIN);
    case 'z':
        r->at++;
        return assertion(r, AT_END);
    case 'b':
        r->at++;
        return assertion(r, AT_WORD);
    case 'B':
        r->at++;
        return assertion(r, AT_NO_WORD);
    default:
        return one_character(r, take_escape(r));
    }
}

static Re *take_atom(Regex *r)
{
    Re *e;
    switch (*r->at) {
    case '(':
        r->at++;
        return take_group(r);
    case '[':
        r->at++;
        return take_brackets(r);
    case '\\':
        return take_backslash(r);
    case '.':
        r->at++;
        e = node(r, RE_RANGES, NULL, NULL);
        if (!(r->flags & DOT_NEWLINE))
            add_range(r, &e->ranges, 0, '\n' - 1);
        add_range(r, &e->ranges, r->flags & DOT_NEWLINE ? 0 : '\n' + 1, LAST);
        return e;
    case '^':
        r->at++;
        return assertion(r, r->flags & LINES ? AT_LINE_BEGIN : AT_BEGIN);
    case '$':
        r->at++;
        return assertion(r, r->flags & LINES ? AT_LINE_END : AT_END);
    case '*':
    case '+':
    case '?':
        return fail(r, "a repetition of nothing");
    default:
        return one_character(r, take_character(r));
    }
}

/* {2}, {2,} or {2,5} at r->at; anything else is no repetition. */
static bool take_counts(Regex *r, int *min, int *max)
{
    const char *p = r->at + 1;
    int v[2] = {0, -1}, n = 0;
    for (;; p++, n++) {
        bool digits = *p >= '0' && *p <= '9';
        if (digits)
            for (v[n] = 0; *p >= '0' && *p <= '9'; p++)
                v[n] = MIN(v[n] * 10 + (*p - '0'), MOST_REPEATS + 1);
        else if (n == 0)
            return false;
        if (n == 1 || *p != ',')
            break;
    }
    if (*p != '}')
        return false;
    *min = v[0];
    *max = n == 0 ? v[0] : v[1];
    if (*min > MOST_REPEATS || *max > MOST_REPEATS || (*max >= 0 && *max < *min))
        fail(r, "a repetition of more than 1000 times, or of fewer times than its least");
    r->at = p + 1;
    return true;
}

/* \Q or \E at r->at: what stands between them has no meaning of its own. */
static bool take_quote(Regex *r)
{
    if (r->at[0] != '\\' || r->at[1] != (r->quoted ? 'E' : 'Q'))
        return false;
    r->quoted = !r->quoted;
    r->at += 2;
    return true;
}

static Re *take_repeated(Regex *r)
{
    Re *e = r->quoted ? one_character(r, take_character(r)) : take_atom(r);
    bool repeated = false;
    if (r->quoted && !take_quote(r))
        return e;
    while (!r->wrong) {
        int min = 0, max = -1;
        if (*r->at == '*' || *r->at == '+' || *r->at == '?') {
            min = *r->at == '+';
            max = *r->at == '?' ? 1 : -1;
            r->at++;
        } else if (*r->at != '{' || !take_counts(r, &min, &max)) {
            break;
        }
        if (repeated)
            return fail(r, "a repetition of a repetition");
        repeated = true;
        r->at += *r->at == '?'; /* whether few or many are tried first does not matter */
        e = node(r, RE_REPEAT, e, NULL);
        e->min = min;
        e->max = max;
    }
    return e;
}

static Re *take_or(Regex *r)
{
    Re *all = NULL, *seq = node(r, RE_EMPTY, NULL, NULL);
    while (!r->wrong && *r->at && (r->quoted || *r->at != ')')) {
        if (take_quote(r))
            continue;
        if (!r->quoted && *r->at == '|') {
            r->at++;
            all = all ? node(r, RE_OR, all, seq) : seq;
            seq = node(r, RE_EMPTY, NULL, NULL);
            continue;
        }
        seq = node(r, RE_SEQ, seq, take_repeated(r));
    }
    return all ? node(r, RE_OR, all, seq) : seq;
}

Re *regex_parse(Regex *r, const char *pattern)
{
    r->at = pattern;
    Re *e = take_or(r);
    if (!r->wrong && *r->at)
        fail(r, "a ) without its (");
    return e;
}
