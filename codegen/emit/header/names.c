/* C identifiers from ONNX names: "input.1" -> input_1, "495" -> t495, "class" -> class_.
 * Unique among all inputs and outputs of the model, because each also names macros. */
#include "codegen/emit/header/header.h"

#include "ir/base/map.h"

/* Keywords of C and C++, macros of common headers and compilers, and what the header itself uses:
 * `sizes` is a member, and WORKSPACE would give PREFIX_WORKSPACE_BYTES a second meaning. */
static const char *const reserved[] = {
    "EOF",          "I",           "NULL",          "WORKSPACE",     "alignas",
    "alignof",      "and",         "and_eq",        "asm",           "assert",
    "auto",         "bitand",      "bitor",         "bool",          "break",
    "case",         "catch",       "char",          "char16_t",      "char32_t",
    "char8_t",      "class",       "co_await",      "co_return",     "co_yield",
    "compl",        "complex",     "concept",       "const",         "const_cast",
    "consteval",    "constexpr",   "constinit",     "continue",      "decltype",
    "default",      "delete",      "do",            "double",        "dynamic_cast",
    "else",         "enum",        "errno",         "explicit",      "export",
    "extern",       "false",       "float",         "for",           "friend",
    "goto",         "i386",        "if",            "imaginary",     "inline",
    "int",          "linux",       "long",          "mutable",       "namespace",
    "new",          "noexcept",    "noreturn",      "not",           "not_eq",
    "nullptr",      "operator",    "or",            "or_eq",         "private",
    "protected",    "public",      "register",      "reinterpret_cast", "requires",
    "restrict",     "return",      "short",         "signed",        "sizeof",
    "sizes",        "static",      "static_assert", "static_cast",   "stderr",
    "stdin",        "stdout",      "struct",        "switch",        "template",
    "this",         "thread_local", "throw",        "true",          "try",
    "typedef",      "typeid",      "typename",      "typeof",        "typeof_unqual",
    "union",        "unix",        "unsigned",      "using",         "virtual",
    "void",         "volatile",    "wchar_t",       "while",         "xor",
    "xor_eq",
};

static bool is_reserved(const char *s)
{
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (str_eq(s, reserved[i]))
            return true;
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters, digits and single underscores between them; at most 48; never empty. */
static const char *sanitize(Arena *a, const char *name)
{
    char   text[64];
    size_t n = 0;
    bool   gap = false;
    for (; *name && n < 48; name++) {
        if (!is_letter(*name) && !is_digit(*name)) {
            gap = n > 0;
            continue;
        }
        if (n == 0 && is_digit(*name))
            text[n++] = 't';
        if (gap)
            text[n++] = '_';
        gap = false;
        text[n++] = *name;
    }
    text[n] = 0;
    if (n == 0)
        return "tensor";
    return is_reserved(text) ? arena_printf(a, "%s_", text) : arena_strdup(a, text);
}

const char *const *header_io_names(const Program *p, Arena *a)
{
    size_t       n = p->inputs.len + p->outputs.len;
    const char **names = NEW_ARRAY(a, const char *, n);
    Map          taken = map_new(a);
    for (size_t i = 0; i < n; i++) {
        const ProgramIo *io =
            i < p->inputs.len ? &p->inputs.at[i] : &p->outputs.at[i - p->inputs.len];
        const char *base = sanitize(a, io->name), *name = base;
        for (int k = 2; map_has(&taken, name); k++)
            name = arena_printf(a, "%s_%d", base, k);
        map_set(&taken, name, &names[i]);
        names[i] = name;
    }
    return names;
}
