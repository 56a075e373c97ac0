/* Options of mlc-codegen, from one table. */
#include "codegen/emit/llvm/options.h"

#include "ir/base/str.h"

#include <errno.h>
#include <stdlib.h>

typedef enum OptionType { OPTION_TEXT, OPTION_NUMBER, OPTION_UNSIGNED, OPTION_SIZE } OptionType;

typedef struct Option {
    const char *name;
    OptionType type;
    size_t at; /* offset in CodegenOptions, or in its newest Variant */
    int64_t max;
    bool of_variant;
} Option;

static const Option options[] = {
    {"--cpu", OPTION_TEXT, offsetof(Variant, cpu), 0, true},
    {"--features", OPTION_TEXT, offsetof(Variant, features), 0, true},
    {"--triple", OPTION_TEXT, offsetof(CodegenOptions, triple), 0, false},
    {"--prefix", OPTION_TEXT, offsetof(CodegenOptions, prefix), 0, false},
    {"--target-name", OPTION_TEXT, offsetof(Variant, target_name), 0, true},
    {"--sha256", OPTION_TEXT, offsetof(CodegenOptions, sha256), 0, false},
    {"--weights-identity", OPTION_TEXT, offsetof(CodegenOptions, weights_identity), 0, false},
    {"-o", OPTION_TEXT, offsetof(CodegenOptions, output), 0, false},
    {"--cpu-bits", OPTION_UNSIGNED, offsetof(Variant, cpu_bits), UINT32_MAX, true},
    {"--threads", OPTION_NUMBER, offsetof(CodegenOptions, threads), 4096, false},
    {"-O", OPTION_NUMBER, offsetof(CodegenOptions, level), 3, false},
    {"--memory-limit", OPTION_SIZE, offsetof(CodegenOptions, memory_limit), INT64_MAX, false},
    {"--cpu-limit", OPTION_SIZE, offsetof(CodegenOptions, cpu_limit), INT64_MAX, false},
};

static const char *const kinds[] = {"obj", "asm", "llvm-ir", "bc"};

static Status invalid(Ctx *c, const char *name, const char *value)
{
    return diag_error(c, E0502, (Loc){0}, MLC_USAGE, "invalid value '%s' of option %s", value,
                      name);
}

static Status parse_number(Ctx *c, const char *name, const char *text, int64_t max, int64_t *v)
{
    char *end;

    errno = 0;
    *v = strtoll(text, &end, 0);
    if (end == text || *end != '\0' || errno != 0 || *v < 0 || *v > max)
        return invalid(c, name, text);
    return MLC_OK;
}

static Status set_option(Ctx *c, CodegenOptions *o, const Option *op, const char *value)
{
    Variant *v_of = &o->variant[o->nvariant - 1];
    char *at = (op->of_variant ? (char *)v_of : (char *)o) + op->at;
    int64_t v = 0;

    if (op->type == OPTION_TEXT) {
        *(const char **)at = value;
        return MLC_OK;
    }
    TRY(parse_number(c, op->name, value, op->max, &v));
    if (op->type == OPTION_SIZE)
        *(int64_t *)at = v;
    else if (op->type == OPTION_UNSIGNED)
        *(unsigned *)at = (unsigned)v;
    else
        *(int *)at = (int)v;
    return MLC_OK;
}

static Status set_special(Ctx *c, CodegenOptions *o, const char *name, const char *value,
                          bool *known)
{
    int64_t v = 0;

    *known = true;
    if (str_eq(name, "--fd")) {
        Variant *of = &o->variant[o->nvariant - 1];

        TRY(parse_number(c, name, value, INT32_MAX, &v));
        if (of->nfd == MAX_FILES)
            return invalid(c, name, value);
        of->fd[of->nfd++] = (int)v;
        return MLC_OK;
    }
    if (str_eq(name, "--emit")) {
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
            if (str_eq(value, kinds[i])) {
                o->kind = (EmitKind)i;
                return MLC_OK;
            }
        }
        return invalid(c, name, value);
    }
    *known = false;
    return MLC_OK;
}

static bool is_identifier(const char *s)
{
    if (!(*s == '_' || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z')))
        return false;
    for (; *s != '\0'; s++) {
        if (!(*s == '_' || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
              (*s >= '0' && *s <= '9')))
            return false;
    }
    return true;
}

static Status check(Ctx *c, const CodegenOptions *o)
{
    if (o->output == NULL)
        return diag_error(c, E0503, (Loc){0}, MLC_USAGE, "no output file: -o is missing");
    if (o->profile && o->nvariant > 1)
        return diag_error(c, E0502, (Loc){0}, MLC_USAGE, "--profile with several targets");
    if (!is_identifier(o->prefix))
        return invalid(c, "--prefix", o->prefix);
    if (o->weights_identity != NULL &&
        (strlen(o->weights_identity) != 32 || strspn(o->weights_identity, "0123456789abcdef") != 32))
        return invalid(c, "--weights-identity", o->weights_identity);
    return MLC_OK;
}

static Status add_variant(Ctx *c, CodegenOptions *o)
{
    if (o->nvariant == MAX_VARIANTS)
        return diag_error(c, E0502, (Loc){0}, MLC_USAGE, "more than %d targets", MAX_VARIANTS);
    o->variant[o->nvariant++] =
        (Variant){.input = "-", .cpu = "x86-64", .features = "", .target_name = ""};
    return MLC_OK;
}

Status options_parse(Ctx *c, int argc, char **argv, CodegenOptions *o)
{
    *o = (CodegenOptions){
        .triple = "x86_64-unknown-linux-gnu", .prefix = "model", .sha256 = "", .level = 2};
    TRY(add_variant(c, o));
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        bool known = false;

        if (name[0] != '-' || str_eq(name, "-")) {
            o->variant[o->nvariant - 1].input = name;
            continue;
        }
        if (str_eq(name, "--next")) {
            TRY(add_variant(c, o));
            continue;
        }
        if (str_eq(name, "--profile")) {
            o->profile = true;
            continue;
        }
        if (str_eq(name, "--no-runtime")) {
            o->no_runtime = true;
            continue;
        }
        if (i + 1 == argc)
            return diag_error(c, E0503, (Loc){0}, MLC_USAGE, "option %s has no value", name);
        TRY(set_special(c, o, name, argv[i + 1], &known));
        for (size_t k = 0; k < COUNT_OF(options) && !known; k++) {
            if (str_eq(name, options[k].name)) {
                TRY(set_option(c, o, &options[k], argv[i + 1]));
                known = true;
            }
        }
        if (!known)
            return diag_error(c, E0501, (Loc){0}, MLC_USAGE, "unknown option '%s'", name);
        i++;
    }
    return check(c, o);
}
