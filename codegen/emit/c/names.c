/* Identifiers, comments and strings out of names that come from the model. */
#include "codegen/emit/c/emit.h"

enum { NAME_LIMIT = 40 };

/* Keywords of C and C++, macros of the headers that are included, and of common systems. */
static const char *const reserved[] = {
    "alignas",     "alignof",    "and",          "and_eq",
    "asm",         "auto",       "bitand",       "bitor",
    "bool",        "break",      "case",         "catch",
    "char",        "class",      "compl",        "concept",
    "const",       "continue",   "default",      "delete",
    "do",          "double",     "else",         "enum",
    "errno",       "explicit",   "export",       "extern",
    "false",       "float",      "for",          "friend",
    "goto",        "if",         "inline",       "int",
    "linux",       "long",       "mutable",      "namespace",
    "new",         "noexcept",   "not",          "not_eq",
    "nullptr",     "operator",   "or",           "or_eq",
    "private",     "public",     "register",     "requires",
    "restrict",    "return",     "short",        "signed",
    "sizeof",      "static",     "struct",       "switch",
    "sym",         "template",   "this",         "throw",
    "true",        "try",        "typedef",      "typeid",
    "typename",    "union",      "unix",         "unsigned",
    "using",       "virtual",    "void",         "volatile",
    "wchar_t",     "while",      "xor",          "xor_eq",
    "protected",   "co_await",   "co_return",    "co_yield",
    "constexpr",   "decltype",   "thread_local", "static_assert",
    "static_cast", "const_cast", "dynamic_cast", "reinterpret_cast",
    "typeof",      "EOF",        "NULL",         "NAN",
    "INFINITY",    "y0",         "y1",           "yn",
    "j0",          "j1",         "jn",           "exp",
    "log",         "sin",        "cos",          "tan",
    "pow",         "sqrt",       "fabs",         "floor",
    "ceil",        "gamma",      "index",        "memcpy",
    "memset",      "status",     "bad",          "i386",
    "fma",         "rint",       "trunc",        "fmod",
    "div",         "abs",        "round",        "signbit",
    "isnan",       "isinf",      "main",         "erf",
    "tanh",
};

static bool is_reserved(const char *s)
{
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (str_eq(reserved[i], s))
            return true;
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Local names that the emitter makes: a letter and digits. */
static bool looks_made(const char *s)
{
    if (!is_letter(*s) || s[1] == 0)
        return false;
    while (*++s)
        if (*s < '0' || *s > '9')
            return false;
    return true;
}

static const char *sanitize(Arena *a, const char *text)
{
    char out[NAME_LIMIT + 8];
    size_t n = 0;
    bool gap = false;

    for (; *text && n < NAME_LIMIT; text++) {
        bool digit = *text >= '0' && *text <= '9';

        if (!is_letter(*text) && !digit) {
            gap = n > 0;
            continue;
        }
        if (n == 0 && digit)
            out[n++] = 't';
        if (gap)
            out[n++] = '_';
        gap = false;
        out[n++] = *text;
    }
    out[n] = 0;
    if (n == 0)
        return "tensor";
    if (looks_made(out) || is_reserved(out))
        strcpy(out + n, "_");
    return arena_strdup(a, out);
}

const char *name_unique(Arena *a, Map *taken, const char *text)
{
    const char *base = sanitize(a, text), *name = base;

    for (int k = 2; map_has(taken, name); k++)
        name = arena_printf(a, "%s_%d", base, k);
    map_set(taken, name, (void *)(uintptr_t)name);
    return name;
}

void comment_add(Str *s, const char *text)
{
    for (; *text; text++) {
        bool plain = *text >= ' ' && *text <= '~' && *text != '\\' && *text != '?';
        bool ends = *text == '/' && s->len > 0 && s->at[s->len - 1] == '*';
        bool opens = *text == '*' && s->len > 0 && s->at[s->len - 1] == '/';

        str_addc(s, plain && !ends && !opens ? *text : '_');
    }
}

void literal_string(Str *s, const char *text)
{
    str_addc(s, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < ' ' || c > '~' || c == '?') /* octal: at most three digits, so nothing follows in */
            str_printf(s, "\\%03o", c);
        else if (c == '"' || c == '\\')
            str_printf(s, "\\%c", c);
        else
            str_addc(s, (char)c);
    }
    str_addc(s, '"');
}

const char *unit_name(Unit *u, const char *suffix)
{
    return arena_printf(u->arena, "%s_%s", u->info->prefix, suffix);
}
