/* One case of `mlc verify`. What mlc does not support is a skip with the reason, everything else
 * that goes wrong a failure: a case never ends the command. */
#include "cli/verify_case.h"

#include "cli/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { RUN_LIMIT_S = 300, REASON_MAX = 400 };

static int by_name(const void *a, const void *b)
{
    return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

Status list_folders(Ctx *c, Arena *a, const char *dir, const char *prefix, const char ***out,
                    size_t *n)
{
    VEC(const char *) names = {0};
    DIR *d = opendir(dir);
    if (!d)
        return diag_error(c, E0002, (Loc){.file = dir}, MLC_SYSTEM, "cannot read '%s': %s", dir,
                          strerror(errno));
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        if (e->d_name[0] == '.' || !str_starts(e->d_name, prefix) ||
            fstatat(dirfd(d), e->d_name, &st, 0) != 0 || !S_ISDIR(st.st_mode))
            continue;
        vec_push(a, &names, arena_strdup(a, e->d_name));
    }
    closedir(d);
    if (names.len)
        qsort(names.at, names.len, sizeof *names.at, by_name);
    *out = names.at;
    *n = names.len;
    return MLC_OK;
}

/* ---- results ---- */

static CaseResult result(Verdict v, const char *reason)
{
    return (CaseResult){.verdict = v, .reason = reason};
}

/* Is the cause that mlc cannot do this, rather than that it did it wrong? */
static bool is_unsupported(DiagCode code)
{
    return code == E0108 || code == E0201 || code == E0204 || code == E0205 || code == E0303 ||
           code == E0402;
}

/* The first error since `seen` errors were there, as a verdict. */
static CaseResult diagnosed(Cli *cli, Status s, size_t seen)
{
    const Diag *d = cli->ctx->diags.first;
    for (size_t errors = 0; d; d = d->next)
        if (d->severity == ERROR && errors++ == seen)
            break;
    if (!d)
        return result(CASE_FAIL, arena_printf(cli->arena, "exit status %d", (int)s));
    char *text = arena_printf(cli->arena, "%s: %.*s%s%s%s", diag_code_name[d->code], REASON_MAX,
                              d->message, d->loc.node ? " (node '" : "",
                              d->loc.node ? d->loc.node : "", d->loc.node ? "')" : "");
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return result(is_unsupported(d->code) ? CASE_SKIP : CASE_FAIL, text);
}

/* ---- one data set ---- */

static CaseResult compare_outputs(Execution *e, const char *set, const Tensor **got,
                                  const Tensor **want, const Tolerance *t)
{
    CaseResult r = {.verdict = CASE_PASS};
    Arena     *a = e->arena;
    for (size_t i = 0; i < e->info.outputs.len; i++) {
        if (!want[i])
            continue;
        Comparison c = tensor_compare(a, got[i], want[i], t, e->quantum[i]);
        r.max_error = MAX(r.max_error, c.max_error);
        if (c.equal || r.verdict != CASE_PASS)
            continue;
        r.verdict = CASE_FAIL;
        r.reason =
            arena_printf(a, "%s: output '%s': %s", set, e->info.outputs.at[i].name, c.reason);
    }
    return r;
}

static CaseResult run_set(Execution *e, const char *dir, const char *set, const Tolerance *t)
{
    Arena         *a = e->arena;
    size_t         nin = e->info.inputs.len, nout = e->info.outputs.len, have = 0;
    const char *path = arena_printf(a, "%s/%s", dir, set);
    const Tensor **in = NEW_ARRAY(a, const Tensor *, nin);
    const Tensor **got = NEW_ARRAY(a, const Tensor *, nout);
    const Tensor **want = NEW_ARRAY(a, const Tensor *, nout);
    size_t         seen = e->ctx->diags.errors;
    Status s = input_read_set(e->ctx, a, path, "input", e->info.inputs.at, nin, in);
    if (s == MLC_OK)
        s = input_read_set(e->ctx, a, path, "output", e->info.outputs.at, nout, want);
    if (s != MLC_OK)
        return diagnosed(e->cli, s, seen);
    for (size_t i = 0; i < nin; i++)
        if (!in[i])
            return result(CASE_FAIL, arena_printf(a, "%s has no data for input '%s'", set,
                                                  e->info.inputs.at[i].name));
    for (size_t i = 0; i < nout; i++)
        have += want[i] != NULL;
    if (have == 0)
        return result(CASE_SKIP, arena_printf(a, "%s has no reference outputs", set));
    s = execution_run(e, in, got);
    if (s != MLC_OK)
        return diagnosed(e->cli, s, seen);
    return compare_outputs(e, set, got, want, t);
}

CaseResult verify_case(Cli *cli, const char *dir, const Tolerance *given)
{
    Tolerance        t = *given;
    Execution        e;
    ExecutionOptions o = {.timeout_ns = (int64_t)RUN_LIMIT_S * 1000000000};
    const char      *limit = opt_x(cli, "run-limit");
    const char     **sets;
    size_t           n, seen = cli->ctx->diags.errors;
    CaseResult       all = {.verdict = CASE_PASS};
    if (limit)
        parse_time(limit, &o.timeout_ns); /* cmd_verify() has checked it */
    Status s = list_folders(cli->ctx, cli->arena, dir, "test_data_set_", &sets, &n);
    if (s == MLC_OK && n == 0)
        return result(CASE_SKIP, "no test_data_set_*");
    if (s == MLC_OK)
        s = tolerance_read(cli->ctx, dir, &t);
    if (s == MLC_OK)
        s = execution_open(cli, arena_printf(cli->arena, "%s/model.onnx", dir), &o, &e);
    if (s != MLC_OK)
        return diagnosed(cli, s, seen);
    for (size_t i = 0; i < n && all.verdict == CASE_PASS; i++) {
        double     before = all.max_error;
        CaseResult r = run_set(&e, dir, sets[i], &t);
        all = r;
        all.max_error = MAX(before, r.max_error);
    }
    execution_close(&e);
    return all;
}
