/* The driver's other second half: program -> C source, and the source -> shared object by the
 * system's compiler, which is how C artifacts are run here. */
#include "cli/csource.h"

#include "cli/custom_op.h"
#include "cli/process.h"
#include "codegen/emit/c/emit_c.h"
#include "codegen/run/tempdir.h"
#include "ir/base/file.h"

#include <stdio.h>

static const char *const compilers[] = {"cc", "gcc", "clang"};

Status csource_write(Program *p, const CompileOptions *o, const char *model, const char *path)
{
    const char **header = NEW_ARRAY(o->arena, const char *, o->custom.len + 1);
    for (size_t i = 0; i < o->custom.len; i++)
        header[i] = path_base(o->custom.at[i].header);
    CInfo info = {
        .prefix = o->prefix,
        .target = o->target.name,
        .mlc_version = MLC_VERSION,
        .source = model ? path_base(model) : NULL,
        .sha256 = o->sha256,
        .header = header,
        .nheader = (int)o->custom.len,
    };
    return c_emit_file(p, &info, path);
}

Status csource_compiler(Ctx *c, Arena *a, const char **out)
{
    *out = process_in_path(a, compilers, COUNT_OF(compilers));
    if (*out)
        return MLC_OK;
    diag_report(c, E0004, (Loc){0}, "no C compiler: none of cc, gcc, clang is in PATH");
    diag_help(c, "-t host needs none");
    return MLC_SYSTEM;
}

/* The first line of the compiler's words that says "error", or the first. */
static const char *complaint(Arena *a, const char *log)
{
    FileMap map;
    if (file_map(arena_ctx(a), log, &map) != MLC_OK)
        return "";
    const char *text = arena_strndup(a, (const char *)map.data, MIN(map.size, (size_t)1 << 16));
    file_unmap(&map);
    const char *error = strstr(text, "error:");
    const char *at = error ? error : text;
    return arena_strndup(a, at, strcspn(at, "\n"));
}

static Status run_compiler(Ctx *c, Arena *a, const CompileOptions *o, const char *dir,
                           const char *source, const char *path, bool shared)
{
    const char **more;
    int nmore;
    TRY(custom_ops_words(c, a, o, dir, shared, &more, &nmore));
    const char *cc, *log = arena_printf(a, "%s/cc.log", dir);
    TRY(csource_compiler(c, a, &cc));
    FILE *f = fopen(log, "we");
    if (!f)
        return diag_error(c, E0003, (Loc){.file = log}, MLC_SYSTEM, "cannot write '%s'", log);
    const char *const link[] = {"-shared", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-lm", NULL};
    const char *const fixed[] = {cc, "-std=c99", "-O2", "-fPIC", "-o", path, source};
    const char **argv = NEW_ARRAY(a, const char *, 16 + (size_t)nmore);
    int n = 0;
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        argv[n++] = fixed[i];
    for (int i = 0; i < nmore; i++)
        argv[n++] = more[i];
    if (!shared)
        argv[n++] = "-c";
    for (int i = 0; shared && link[i]; i++)
        argv[n++] = link[i];
    ProcessOptions po = PROCESS_DEFAULT;
    po.out = po.err = fileno(f);
    int code = 0;
    Status s = process_run(c, (char *const *)argv, &po, &code);
    fclose(f);
    if (s == MLC_OK && code != 0 && nmore)
        s = diag_error(c, E0602, (Loc){.file = o->custom.at[0].header}, MLC_INPUT,
                       "'%s' cannot compile the C source with its custom operators: %s", cc,
                       complaint(a, log));
    else if (s == MLC_OK && code != 0)
        s = diag_error(c, E0403, (Loc){0}, MLC_BUG, "'%s' cannot compile the C source: %s", cc,
                       complaint(a, log));
    return s;
}

static Status build(Ctx *c, Program *p, const CompileOptions *o, const char *path, bool shared,
                    int64_t *source_bytes)
{
    Arena *a = arena_new(c);
    const char *dir;
    Status s = temp_dir_make(c, a, &dir);
    if (s == MLC_OK) {
        const char *source = arena_printf(a, "%s/model.c", dir);
        s = csource_write(p, o, NULL, source);
        if (s == MLC_OK)
            s = run_compiler(c, a, o, dir, source, path, shared);
        if (s == MLC_OK && source_bytes)
            s = file_size(c, source, source_bytes);
        temp_dir_remove(dir);
    }
    arena_free(a);
    return s;
}

Status csource_shared(Ctx *c, Program *p, const CompileOptions *o, const char *path,
                      int64_t *source_bytes)
{
    return build(c, p, o, path, true, source_bytes);
}

Status csource_object(Ctx *c, Program *p, const CompileOptions *o, const char *path)
{
    return build(c, p, o, path, false, NULL);
}
