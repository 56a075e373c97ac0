/* Child processes. A child lives in a table from before it runs until it was waited for, so that
 * the signal handler finds every one; it dies with mlc even if mlc is killed. */
#include "cli/process.h"

#include "ir/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t live[64]; /* process ids; 0: free */
static volatile sig_atomic_t group[64]; /* it leads a process group */

void process_kill_all(void)
{
    for (size_t i = 0; i < COUNT_OF(live); i++)
        if (live[i] > 0)
            kill(group[i] ? -(pid_t)live[i] : (pid_t)live[i], SIGKILL);
}

static void limit(int which, int64_t value)
{
    struct rlimit r;
    if (getrlimit(which, &r) != 0)
        return;
    rlim_t want = (rlim_t)value;
    if (r.rlim_max == RLIM_INFINITY || want < r.rlim_max)
        r.rlim_max = want;
    r.rlim_cur = MIN(want, r.rlim_max);
    setrlimit(which, &r);
}

static void redirect(int from, int to)
{
    if (from >= 0 && from != to)
        dup2(from, to);
    else if (from == to)
        fcntl(from, F_SETFD, 0);
}

/* In the child: everything between fork and exec. Does not return. */
static _Noreturn void become(char *const argv[], const ProcessOptions *o, int report, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127); /* the parent died in between */
    if (o->group)
        setpgid(0, 0);
    static const int handled[] = {SIGINT, SIGTERM, SIGPIPE, SIGSEGV, SIGBUS,
                                  SIGFPE, SIGILL,  SIGABRT, SIGHUP};
    for (size_t i = 0; i < COUNT_OF(handled); i++)
        signal(handled[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    redirect(o->in, 0);
    redirect(o->out, 1);
    redirect(o->err, 2);
    redirect(o->report, 3);
    for (int i = 0; i < o->nkeep; i++)
        fcntl(o->keep[i], F_SETFD, 0);
#ifndef __SANITIZE_ADDRESS__ /* its shadow takes more address space than there is memory */
    if (o->memory_bytes)
        limit(RLIMIT_AS, o->memory_bytes);
#endif
    if (o->cpu_seconds)
        limit(RLIMIT_CPU, o->cpu_seconds);
    if (!o->core)
        limit(RLIMIT_CORE, 0);
    execvp(argv[0], argv);
    int err = errno;
    ssize_t n = write(report, &err, sizeof err);
    _exit(n == sizeof err ? 127 : 126);
}

/* A pipe that tells the parent why exec failed, out of the way of descriptors 0 to 3. */
static bool exec_report(int report[2])
{
    if (pipe2(report, O_CLOEXEC) != 0)
        return false;
    int high = fcntl(report[1], F_DUPFD_CLOEXEC, 10);
    close(report[1]);
    report[1] = high;
    if (high < 0)
        close(report[0]);
    return high >= 0;
}

static Status cannot_start(Ctx *c, const char *program, const char *why)
{
    return diag_error(c, E0004, (Loc){0}, MLC_SYSTEM, "cannot start '%s': %s", program, why);
}

Status process_start(Ctx *c, char *const argv[], const ProcessOptions *o, int *pid)
{
    size_t slot = 0;
    while (slot < COUNT_OF(live) && live[slot])
        slot++;
    int report[2];
    if (slot == COUNT_OF(live) || !exec_report(report))
        return cannot_start(c, argv[0], "too many processes or files");

    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before); /* no handler may run before the child is listed */
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        become(argv, o, report[1], parent);
    int fork_error = errno;
    if (child > 0) {
        if (o->group)
            setpgid(child, child); /* whoever comes first, it or the child */
        group[slot] = o->group;
        live[slot] = child;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);

    close(report[1]);
    int err = 0;
    ssize_t n = 0;
    while (child > 0 && (n = read(report[0], &err, sizeof err)) < 0 && errno == EINTR)
        ;
    close(report[0]);
    if (child < 0)
        return cannot_start(c, argv[0], strerror(fork_error));
    *pid = (int)child;
    if (n != sizeof err)
        return MLC_OK;
    int code;
    TRY(process_wait(c, *pid, &code));
    return cannot_start(c, argv[0], strerror(err));
}

Status process_wait(Ctx *c, int pid, int *code)
{
    int status = 0;
    pid_t got;
    while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    for (size_t i = 0; i < COUNT_OF(live); i++)
        if (live[i] == pid)
            live[i] = 0;
    if (got < 0)
        return diag_error(c, E0004, (Loc){0}, MLC_SYSTEM, "cannot wait for process %d: %s", pid,
                          strerror(errno));
    *code = WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
    return MLC_OK;
}

static bool leads_group(int pid)
{
    for (size_t i = 0; i < COUNT_OF(live); i++)
        if (live[i] == pid)
            return group[i];
    return false;
}

Status process_wait_for(Ctx *c, int pid, int64_t timeout_ns, int *code)
{
    int64_t end = clock_ns() + timeout_ns;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0), ready = 0;
    for (int64_t left = timeout_ns; fd >= 0 && ready == 0 && left > 0; left = end - clock_ns()) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ready = poll(&p, 1, (int)MIN(left / 1000000 + 1, INT32_MAX));
        ready = ready < 0 && errno == EINTR ? 0 : ready;
    }
    bool late = fd >= 0 && ready == 0;
    bool all = leads_group(pid);
    if (fd >= 0)
        close(fd);
    if (late)
        kill(all ? -pid : pid, SIGKILL);
    TRY(process_wait(c, pid, code));
    if (all)
        kill(-pid, SIGKILL); /* what it left running */
    if (late)
        *code = PROCESS_TIMED_OUT;
    return MLC_OK;
}

Status process_run(Ctx *c, char *const argv[], const ProcessOptions *o, int *code)
{
    int pid;
    TRY(process_start(c, argv, o, &pid));
    return process_wait(c, pid, code);
}

const char *process_beside(Arena *a, const char *program, const char *env)
{
    const char *given = env ? getenv(env) : NULL;
    if (given && *given)
        return access(given, X_OK) == 0 ? arena_strdup(a, given) : NULL;
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return NULL;
    self[n] = 0;
    const char *bin = path_dir(a, self);
    const char *installed = arena_printf(a, "%s/libexec/mlc", path_dir(a, bin));
    const char *dirs[] = {bin, installed};
    for (size_t i = 0; i < COUNT_OF(dirs); i++) {
        const char *path = arena_printf(a, "%s/%s", dirs[i], program);
        if (access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

const char *process_in_path(Arena *a, const char *const *names, size_t n)
{
    const char *path = getenv("PATH");
    for (size_t i = 0; path && i < n; i++) {
        char *copy = arena_strdup(a, path), *save;
        for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
            const char *file = arena_printf(a, "%s/%s", dir, names[i]);
            if (access(file, X_OK) == 0)
                return file;
        }
    }
    return NULL;
}
