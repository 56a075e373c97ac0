/* mlc verify: every case in a process of its own, several at a time, results in order.
 *
 * A child sends "LETTER MAX_ERROR REASON" and ends; one that ends without a word (killed, crashed,
 * too slow) is a failure, so one bad case never stops the others. Their temporary files lie in one
 * folder of the parent, which removes it whatever happened to them. */
#include "cli/verify_case.h"

#include "cli/process.h"
#include "codegen/run/tempdir.h"
#include "ir/base/file.h"

#include <errno.h>
#include <jansson.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_JOBS = 32, CASE_LIMIT_S = 900, MESSAGE = 2048 };

typedef struct Case {
    const char *name, *dir;
    CaseResult  result;
    bool        done;
} Case;

/* A running child. */
typedef struct Job {
    size_t  number; /* of its case */
    pid_t   pid;    /* 0: free */
    int     fd;
    int64_t deadline;
    size_t  len;
    char    text[MESSAGE];
} Job;

typedef struct Verify {
    Cli      *cli;
    Tolerance tolerance;
    VEC(Case) cases;
    Job       job[MAX_JOBS];
    int       njobs;
    size_t    started, printed;
    size_t    count[3]; /* by verdict */
} Verify;

static const char *const verdict_name[] = {"PASS", "FAIL", "SKIP"};

/* ---- which cases ---- */

static bool is_case(Arena *a, const char *dir)
{
    return access(arena_printf(a, "%s/model.onnx", dir), F_OK) == 0;
}

static const char *without_slash(Arena *a, const char *dir)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    return arena_strndup(a, dir, n);
}

static void add_case(Verify *v, const char *dir)
{
    Arena      *a = v->cli->arena;
    const char *base = path_base(dir);
    char        full[4096];
    if ((str_eq(base, ".") || str_eq(base, "..")) && realpath(dir, full))
        base = arena_strdup(a, path_base(full));
    vec_push(a, &v->cases, (Case){.name = base, .dir = dir});
}

static Status find_cases(Verify *v, const char *arg)
{
    Arena       *a = v->cli->arena;
    const char  *dir = without_slash(a, arg), **names;
    size_t       n, before = v->cases.len;
    struct stat  st;
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
        return diag_error(v->cli->ctx, E0002, (Loc){.file = dir}, MLC_SYSTEM, "no folder '%s'",
                          dir);
    if (is_case(a, dir)) {
        add_case(v, dir);
        return MLC_OK;
    }
    TRY(list_folders(v->cli->ctx, a, dir, "", &names, &n));
    for (size_t i = 0; i < n; i++) {
        const char *sub = arena_printf(a, "%s/%s", dir, names[i]);
        if (is_case(a, sub))
            add_case(v, sub);
    }
    if (v->cases.len == before)
        return diag_error(v->cli->ctx, E0602, (Loc){.file = dir}, MLC_INPUT,
                          "'%s' is no test directory and has none in it", dir);
    return MLC_OK;
}

/* ---- children ---- */

typedef struct ChildArgs {
    Verify    *verify;
    Case      *c;
    CaseResult result;
} ChildArgs;

static Status run_case(void *arg)
{
    ChildArgs *x = arg;
    x->result = verify_case(x->verify->cli, x->c->dir, &x->verify->tolerance);
    return MLC_OK;
}

/* In the child. Does not return. */
static _Noreturn void child(Verify *v, Case *c, int fd, pid_t parent)
{
    ChildArgs x = {v, c, {.verdict = CASE_FAIL, .reason = "out of memory"}};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(MLC_SYSTEM);
    if (!v->cli->verbose)
        v->cli->ctx->diags.hook = NULL; /* the reason says it */
    ctx_protect(v->cli->ctx, run_case, &x);
    char text[MESSAGE];
    int  n = snprintf(text, sizeof text, "%c %a %s", verdict_name[x.result.verdict][0],
                      x.result.max_error, x.result.reason ? x.result.reason : "");
    n = MIN(n, MESSAGE - 1);
    _exit(write(fd, text, (size_t)n) == n ? 0 : MLC_SYSTEM);
}

static Status start_case(Verify *v, Job *j)
{
    int   fd[2];
    pid_t parent = getpid();
    fflush(NULL);
    if (pipe2(fd, O_CLOEXEC) != 0)
        return diag_error(v->cli->ctx, E0004, (Loc){0}, MLC_SYSTEM, "pipe: %s", strerror(errno));
    j->pid = fork();
    if (j->pid == 0) {
        close(fd[0]);
        child(v, &v->cases.at[v->started], fd[1], parent);
    }
    close(fd[1]);
    if (j->pid < 0) {
        close(fd[0]);
        j->pid = 0;
        return diag_error(v->cli->ctx, E0004, (Loc){0}, MLC_SYSTEM, "fork: %s", strerror(errno));
    }
    j->fd = fd[0];
    j->len = 0;
    j->number = v->started++;
    j->deadline = clock_ns() + (int64_t)CASE_LIMIT_S * 1000000000;
    return MLC_OK;
}

/* What the child said, or what its end says. */
static CaseResult judge(Verify *v, Job *j, int status)
{
    Arena      *a = v->cli->arena;
    CaseResult  r = {.verdict = CASE_FAIL};
    char       *rest;
    j->text[j->len] = 0;
    if (j->len > 2 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        r.verdict = j->text[0] == 'P' ? CASE_PASS : j->text[0] == 'S' ? CASE_SKIP : CASE_FAIL;
        r.max_error = strtod(j->text + 2, &rest);
        r.reason = *rest && rest[1] ? arena_strdup(a, rest + 1) : NULL;
    } else if (clock_ns() >= j->deadline) {
        r.reason = arena_printf(a, "stopped after %d s", CASE_LIMIT_S);
    } else if (WIFSIGNALED(status)) {
        r.reason = arena_printf(a, "mlc died of signal %d", WTERMSIG(status));
    } else {
        r.reason = arena_printf(a, "mlc ended with code %d", WEXITSTATUS(status));
    }
    return r;
}

static void finish(Verify *v, Job *j)
{
    int status = 0;
    close(j->fd);
    while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
        ;
    Case *c = &v->cases.at[j->number];
    c->result = judge(v, j, status);
    c->done = true;
    j->pid = 0;
}

/* Waits until a child said something or ended. */
static void wait_some(Verify *v)
{
    struct pollfd p[MAX_JOBS];
    for (int i = 0; i < v->njobs; i++)
        p[i] = (struct pollfd){.fd = v->job[i].pid ? v->job[i].fd : -1, .events = POLLIN};
    poll(p, (nfds_t)v->njobs, 1000);
    for (int i = 0; i < v->njobs; i++) {
        Job *j = &v->job[i];
        if (!j->pid)
            continue;
        if (clock_ns() >= j->deadline) {
            kill(j->pid, SIGKILL);
            finish(v, j);
        } else if (p[i].revents) {
            ssize_t n = read(j->fd, j->text + j->len, MESSAGE - 1 - j->len);
            if (n > 0)
                j->len += (size_t)n;
            else if (n == 0 || errno != EINTR)
                finish(v, j);
        }
    }
}

/* ---- results ---- */

static void print_done(Verify *v)
{
    for (; v->printed < v->cases.len && v->cases.at[v->printed].done; v->printed++) {
        const Case *c = &v->cases.at[v->printed];
        v->count[c->result.verdict]++;
        if (opt_flag(v->cli, OPT_json))
            continue;
        progress(v->cli, "%s", "");
        out_printf("%s %s%s%s\n", verdict_name[c->result.verdict], c->name,
                   c->result.reason ? ": " : "", c->result.reason ? c->result.reason : "");
    }
    if (v->printed < v->cases.len)
        progress(v->cli, "%zu of %zu", v->printed, v->cases.len);
}

static void print_json(const Verify *v, const char *target)
{
    json_t *cases = json_array();
    for (size_t i = 0; i < v->cases.len; i++) {
        const Case *c = &v->cases.at[i];
        json_t     *o = json_pack("{s:s, s:s, s:s}", "name", c->name, "dir", c->dir, "result",
                                  verdict_name[c->result.verdict]);
        if (c->result.reason)
            json_object_set_new(o, "reason", json_string(c->result.reason));
        /* NULL, which is refused, for an infinite error. */
        json_t *e = json_real(c->result.max_error);
        json_object_set_new(o, "max_error", e ? e : json_null());
        json_array_append_new(cases, o);
    }
    json_t *o = json_pack("{s:s, s:s, s:i, s:i, s:i, s:o}", "schema", "mlc-verify/1", "target",
                          target, "passed", (int)v->count[CASE_PASS], "failed",
                          (int)v->count[CASE_FAIL], "skipped", (int)v->count[CASE_SKIP], "cases",
                          cases);
    out_json(o, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(o);
}

static Status run_all(Verify *v)
{
    Status s = MLC_OK;
    for (;;) {
        int running = 0;
        for (int i = 0; i < v->njobs; i++) {
            if (s == MLC_OK && !v->job[i].pid && v->started < v->cases.len)
                s = start_case(v, &v->job[i]);
            running += v->job[i].pid != 0;
        }
        if (running == 0)
            return s;
        wait_some(v);
        print_done(v);
    }
}

static int job_count(const Cli *cli)
{
    int64_t n = opt_int(cli, OPT_jobs);
    if (n <= 0)
        n = sysconf(_SC_NPROCESSORS_ONLN);
    return (int)MAX(1, MIN(n, MAX_JOBS));
}

static Status check_run_limit(const Cli *cli)
{
    const char *limit = opt_x(cli, "run-limit");
    int64_t     ns;
    if (!limit || (parse_time(limit, &ns) && ns > 0))
        return MLC_OK;
    return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                      "-X run-limit is '%s', which is not a time (5ms, 20s)", limit);
}

Status cmd_verify(Cli *cli)
{
    CompileOptions o;
    Verify        *v = NEW(cli->arena, Verify);
    const char    *tmp;
    *v = (Verify){.cli = cli, .tolerance = TOLERANCE_DEFAULT, .njobs = job_count(cli)};
    v->tolerance.rtol = opt_float(cli, OPT_rtol);
    v->tolerance.atol = opt_float(cli, OPT_atol);
    TRY(compile_options(cli, NULL, &o));
    TRY(check_run_limit(cli));
    TRY(execution_possible(cli->ctx, cli->arena, &o));
    for (int i = 0; i < cli->nargs; i++)
        TRY(find_cases(v, cli->arg[i]));
    TRY(temp_dir_make(cli->ctx, cli->arena, &tmp));
    setenv("TMPDIR", tmp, 1);
    Status s = run_all(v);
    temp_dir_remove(tmp);
    TRY(s);
    if (opt_flag(cli, OPT_json))
        print_json(v, o.target_names);
    else
        out_printf("%zu passed, %zu failed, %zu skipped\n", v->count[CASE_PASS],
                   v->count[CASE_FAIL], v->count[CASE_SKIP]);
    return v->count[CASE_FAIL] || v->count[CASE_SKIP] ? MLC_NO : MLC_OK;
}
