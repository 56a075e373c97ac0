/* Tokens of the text form. Tokens are copied out of the text, so that each is a C string. */
#include "ir/graph/text_parse.h"

#include <errno.h>
#include <stdlib.h>

Status parse_error(Parser *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(p->arena, fmt, ap);
    va_end(ap);
    return diag_error(p->ctx, E0109, (Loc){.file = p->file, .line = p->line}, MLC_INPUT, "%s",
                      text);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '.';
}

static void skip_space(Parser *p)
{
    for (; p->at < p->end; p->at++) {
        if (*p->at == '#') {
            while (p->at < p->end && *p->at != '\n')
                p->at++;
        }
        if (p->at == p->end || !strchr(" \t\r\n", *p->at))
            return;
        p->line += *p->at == '\n';
    }
}

static void set_token(Parser *p, TokKind kind, const char *from, size_t len)
{
    p->kind = kind;
    p->text = arena_strndup(p->arena, from, len);
    p->len = len;
    p->at = from + len;
}

/* A number may go on after the sign of its exponent: 0x1p-3, 1.5e+2. */
static size_t word_length(const Parser *p)
{
    const char *at = p->at;
    bool number = is_digit(*at);
    bool hex = number && at[0] == '0' && at + 1 < p->end && (at[1] == 'x' || at[1] == 'X');
    while (at < p->end) {
        char before = at > p->at ? (char)(at[-1] | 0x20) : 0;
        bool exponent_sign = number && (*at == '+' || *at == '-') && before == (hex ? 'p' : 'e');
        if (!is_word(*at) && !exponent_sign)
            break;
        at++;
    }
    return (size_t)(at - p->at);
}

static int hex_digit(char c)
{
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character after a backslash at p->at; 0 for a wrong one. */
static char escape(Parser *p)
{
    char c = p->at < p->end ? *p->at++ : 0;
    if (c == 'n')
        return '\n';
    if (c == '"' || c == '\\')
        return c;
    if (c != 'x' || p->end - p->at < 2)
        return 0;
    int hi = hex_digit(p->at[0]), lo = hex_digit(p->at[1]);
    p->at += 2;
    return hi < 0 || lo < 0 ? 0 : (char)(hi << 4 | lo);
}

static Status lex_string(Parser *p)
{
    const char *close = ++p->at;
    while (close < p->end && *close != '"' && *close != '\n')
        close += *close == '\\' && close + 1 < p->end ? 2 : 1;
    if (close >= p->end || *close != '"')
        return parse_error(p, "a string does not end on its line");
    char *text = NEW_ARRAY(p->arena, char, close - p->at + 1);
    size_t len = 0;
    while (p->at < close) {
        char c = *p->at++;
        if (c == '\\' && !(c = escape(p)))
            return parse_error(p, "a string has an unknown escape");
        text[len++] = c;
    }
    p->kind = TOK_STRING;
    p->text = text;
    p->len = len;
    p->at = close + 1;
    return MLC_OK;
}

static Status lex_value(Parser *p)
{
    p->at++;
    if (p->at < p->end && *p->at == '"') {
        TRY(lex_string(p));
        p->kind = TOK_VALUE;
    } else {
        const char *end = p->at;
        while (end < p->end && is_word(*end))
            end++;
        set_token(p, TOK_VALUE, p->at, (size_t)(end - p->at));
    }
    return p->len ? MLC_OK : parse_error(p, "a value has no name");
}

Status parse_next(Parser *p)
{
    skip_space(p);
    if (p->at == p->end) {
        set_token(p, TOK_END, p->at, 0);
        return MLC_OK;
    }
    char c = *p->at;
    if (c == '"')
        return lex_string(p);
    if (c == '%')
        return lex_value(p);
    if (is_word(c)) {
        set_token(p, TOK_WORD, p->at, word_length(p));
        return MLC_OK;
    }
    bool two =
        p->end - p->at > 1 && ((c == ':' && p->at[1] == ':') || (c == '>' && p->at[1] == '='));
    if (!two && !strchr("{}[](),:=*+-?", c))
        return parse_error(p, "character 0x%02x has no meaning here", (unsigned char)c);
    set_token(p, TOK_PUNCT, p->at, two ? 2 : 1);
    return MLC_OK;
}

bool parse_is(const Parser *p, const char *what)
{
    return (p->kind == TOK_WORD || p->kind == TOK_PUNCT) && str_eq(p->text, what);
}

Status parse_accept(Parser *p, const char *what, bool *taken)
{
    *taken = parse_is(p, what);
    return *taken ? parse_next(p) : MLC_OK;
}

Status parse_expect(Parser *p, const char *what)
{
    if (!parse_is(p, what))
        return parse_error(p, "'%s' is expected, not '%.40s'", what, p->kind ? p->text : "the end");
    return parse_next(p);
}

Status parse_string(Parser *p, const char **out)
{
    if (p->kind != TOK_STRING)
        return parse_error(p, "a string is expected, not '%.40s'", p->kind ? p->text : "the end");
    *out = p->text;
    return parse_next(p);
}

Status parse_int(Parser *p, int64_t *out)
{
    bool minus;
    TRY(parse_accept(p, "-", &minus));
    if (p->kind != TOK_WORD || !is_digit(p->text[0]))
        return parse_error(p, "a number is expected, not '%.40s'", p->kind ? p->text : "the end");
    char *end;
    errno = 0;
    uint64_t v = strtoull(p->text, &end, 0);
    if (*end || errno || (minus && v > (uint64_t)INT64_MAX + 1))
        return parse_error(p, "'%.40s' is no integer of 64 bits", p->text);
    *out = (int64_t)(minus ? 0 - v : v);
    return parse_next(p);
}

/* nan(BITS) is parse_element()'s; here a plain nan is the quiet one. */
Status parse_float(Parser *p, double *out)
{
    bool minus;
    TRY(parse_accept(p, "-", &minus));
    bool named = parse_is(p, "inf") || parse_is(p, "nan");
    if (p->kind != TOK_WORD || !(named || is_digit(p->text[0]) || p->text[0] == '.'))
        return parse_error(p, "a number is expected, not '%.40s'", p->kind ? p->text : "the end");
    char *end;
    double v = strtod(p->text, &end);
    if (*end)
        return parse_error(p, "'%.40s' is no number", p->text);
    *out = minus ? -v : v;
    return parse_next(p);
}

Status parse_enter(Parser *p)
{
    if (++p->depth > TEXT_MAX_DEPTH)
        return parse_error(p, "nested more than %d deep", TEXT_MAX_DEPTH);
    return MLC_OK;
}

void parse_leave(Parser *p)
{
    p->depth--;
}
