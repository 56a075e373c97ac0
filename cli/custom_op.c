/* Custom operators: see custom_op.h. Linking is a partial link (cc -r), so that what comes out is an
 * object as any other: for LLJIT, for dlopen and for the emulator alike. */
#include "cli/custom_op.h"

#include "cli/process.h"
#include "codegen/run/client.h"
#include "ir/base/file.h"
#include "ir/ops/custom.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

extern const unsigned char mlc_custom_h[];
extern const size_t        mlc_custom_h_size;

/* ---- the option ---- */

static Status malformed(Ctx *c, const char *text, const char *what)
{
    diag_report(c, E0502, (Loc){0}, "--custom-op is '%s', %s", text, what);
    diag_help(c, "--custom-op my.domain::Op=op.h:op_function");
    return MLC_USAGE;
}

/* "DOMAIN::OP=HEADER:SYMBOL". */
static Status parse(Cli *cli, const char *text, CustomOp *out)
{
    Arena      *a = cli->arena;
    const char *eq = strchr(text, '='), *colons = eq ? strstr(text, "::") : NULL;
    const char *colon = eq ? strrchr(eq, ':') : NULL;
    if (!eq || !colons || colons > eq || !colon || colon == eq + 1)
        return malformed(cli->ctx, text, "which is not of the form DOMAIN::OP=HEADER:SYMBOL");
    *out = (CustomOp){
        .domain = arena_strndup(a, text, (size_t)(colons - text)),
        .name = arena_strndup(a, colons + 2, (size_t)(eq - colons - 2)),
        .header = arena_strndup(a, eq + 1, (size_t)(colon - eq - 1)),
        .symbol = colon + 1,
    };
    if (!is_identifier(out->symbol))
        return malformed(cli->ctx, text, "whose symbol is no C name");
    if (!*out->name || strpbrk(path_base(out->header), "\"\\\n"))
        return malformed(cli->ctx, text, "whose operator or header has no usable name");
    return MLC_OK;
}

Status custom_ops_register(Cli *cli, CompileOptions *o)
{
    const OptionValue *v = &cli->opt[OPT_custom_op];
    cli->ctx->operators = NULL;
    for (int i = 0; i < v->nlist; i++) {
        CustomOp op;
        TRY(parse(cli, v->list[i], &op));
        if (access(op.header, R_OK) != 0)
            return diag_error(cli->ctx, E0002, (Loc){.file = op.header}, MLC_SYSTEM,
                              "cannot read '%s', the header of --custom-op", op.header);
        op_register_custom(cli->ctx, cli->arena, op.domain, op.name, op.symbol);
        vec_push(o->arena, &o->custom, op);
    }
    return MLC_OK;
}

/* ---- the functions ---- */

/* op.c or op.o beside op.h. */
static Status find_function(Ctx *c, Arena *a, const CustomOp *op, const char **out)
{
    static const char *const suffix[] = {"c", "o"};
    const char *stem = arena_printf(a, "%s/%s", path_dir(a, op->header), path_stem(a, op->header));
    for (size_t i = 0; i < COUNT_OF(suffix); i++) {
        *out = arena_printf(a, "%s.%s", stem, suffix[i]);
        if (access(*out, R_OK) == 0)
            return MLC_OK;
    }
    diag_report(c, E0502, (Loc){0}, "the function '%s' of operator '%s::%s' is nowhere", op->symbol,
                op->domain, op->name);
    diag_help(c, "it is looked for in '%s.c', then in '%s.o'", stem, stem);
    return MLC_USAGE;
}

static bool is_listed(const char *const *words, int n, const char *word)
{
    for (int i = 0; i < n; i++)
        if (str_eq(words[i], word))
            return true;
    return false;
}

Status custom_ops_words(Ctx *c, Arena *a, const CompileOptions *o, const char *dir, bool functions,
                        const char ***words, int *n)
{
    *words = NEW_ARRAY(a, const char *, 3 * o->custom.len + 3);
    *n = 0;
    if (!o->custom.len)
        return MLC_OK;
    TRY(file_write(c, arena_printf(a, "%s/mlc_custom.h", dir), mlc_custom_h, mlc_custom_h_size));
    for (size_t i = 0; i < o->custom.len; i++) {
        const CustomOp *op = &o->custom.at[i];
        const char     *file, *folder = arena_printf(a, "-I%s", path_dir(a, op->header));
        if (!is_listed(*words, *n, folder))
            (*words)[(*n)++] = folder;
        if (!functions)
            continue;
        TRY(find_function(c, a, op, &file));
        if (!is_listed(*words, *n, file))
            (*words)[(*n)++] = file;
    }
    (*words)[(*n)++] = arena_printf(a, "-I%s", dir);
    return MLC_OK;
}

/* The compiler of the target: this machine's, or a cross compiler. */
static Status find_compiler(Ctx *c, Arena *a, const CompileOptions *o, const char **out)
{
    static const char *const here[] = {"cc", "gcc", "clang"};
    if (!compile_runs_here(o) && str_starts(o->target.triple, "aarch64"))
        return runner_cross_compiler(c, a, out);
    *out = process_in_path(a, here, COUNT_OF(here));
    return *out ? MLC_OK
                : diag_error(c, E0004, (Loc){0}, MLC_SYSTEM,
                             "no C compiler to link custom operators with: none of cc, gcc, clang "
                             "is in PATH");
}

/* The compiler's words, the first line that says what is wrong. */
static const char *complaint(Arena *a, const char *log)
{
    FileMap map;
    if (file_map(arena_ctx(a), log, &map) != MLC_OK)
        return "";
    const char *text = arena_strndup(a, (const char *)map.data, MIN(map.size, (size_t)1 << 16));
    file_unmap(&map);
    const char *error = strstr(text, "error:"), *undefined = strstr(text, "undefined");
    const char *at = error ? error : undefined ? undefined : text;
    return arena_strndup(a, at, strcspn(at, "\n"));
}

Status custom_ops_link(Ctx *c, Arena *a, const CompileOptions *o, const char *dir,
                       const char *object, const char **out)
{
    const char **more, *cc, *log = arena_printf(a, "%s/custom.log", dir);
    int          n, code = 0, argc = 0;
    *out = object;
    if (!o->custom.len)
        return MLC_OK;
    TRY(find_compiler(c, a, o, &cc));
    TRY(custom_ops_words(c, a, o, dir, true, &more, &n));
    *out = arena_printf(a, "%s/custom.o", dir);
    const char *const fixed[] = {cc, "-O2", "-fPIC", "-r", "-nostdlib", "-o", *out, object};
    const char **argv = NEW_ARRAY(a, const char *, COUNT_OF(fixed) + (size_t)n + 1);
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        argv[argc++] = fixed[i];
    for (int i = 0; i < n; i++)
        argv[argc++] = more[i];
    int fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return diag_error(c, E0003, (Loc){.file = log}, MLC_SYSTEM, "cannot write '%s'", log);
    ProcessOptions po = PROCESS_DEFAULT;
    po.out = po.err = fd;
    Status s = process_run(c, (char *const *)argv, &po, &code);
    close(fd);
    if (s == MLC_OK && code != 0)
        s = diag_error(c, E0602, (Loc){.file = o->custom.at[0].header}, MLC_INPUT,
                       "'%s' cannot compile the functions of custom operators: %s", cc,
                       complaint(a, log));
    return s;
}
