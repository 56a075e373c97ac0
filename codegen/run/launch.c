/* Starting runners: natively, or linked with the artifact by the cross compiler and under an
 * emulator. Children have no core files, no stderr of ours, and die with mlc. */
#include "codegen/run/launch.h"

#include "ir/base/file.h"
#include "ir/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* codegen/run/linked for arm64, an object file; made by make/runtime.mk. */
extern const unsigned char mlc_runner_aarch64_o[];
extern const size_t        mlc_runner_aarch64_o_size;

static const char *const arm64_linkers[] = {"aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc-12"};
static const char *const arm64_emulators[] = {"qemu-aarch64", "qemu-aarch64-static"};

/* The child's side: becomes argv[0] with fd as stdin and stdout and `err` as stderr. */
static _Noreturn void become(char *const argv[], int fd, int err, pid_t parent)
{
    struct rlimit none = {0, 0};
    sigset_t      empty;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    static const int handled[] = {SIGINT,  SIGTERM, SIGPIPE, SIGSEGV, SIGBUS,
                                  SIGFPE,  SIGILL,  SIGABRT, SIGHUP};
    for (size_t i = 0; i < COUNT_OF(handled); i++)
        signal(handled[i], SIG_DFL);
    sigemptyset(&empty);
    sigprocmask(SIG_SETMASK, &empty, NULL);
    setrlimit(RLIMIT_CORE, &none);
    dup2(fd, 0);
    dup2(fd, 1);
    if (err >= 0)
        dup2(err, 2);
    close_range(3, ~0u, 0);
    execvp(argv[0], argv);
    _exit(127);
}

/* Starts argv; its stdin and stdout are `child_fd`. */
static Status start(Ctx *c, char *const argv[], int child_fd, int err, pid_t *pid)
{
    pid_t parent = getpid();
    *pid = fork();
    if (*pid == 0)
        become(argv, child_fd, err, parent);
    if (*pid < 0)
        return diag_error(c, E0004, (Loc){0}, MLC_SYSTEM, "cannot start '%s': %s", argv[0],
                          strerror(errno));
    return MLC_OK;
}

/* Is one of the names an executable in PATH? */
static const char *in_path(Arena *a, const char *name)
{
    const char *at = getenv("PATH");
    while (at && *at) {
        size_t      n = strcspn(at, ":");
        const char *file = arena_printf(a, "%.*s/%s", (int)n, at, name);
        if (n > 0 && access(file, X_OK) == 0)
            return file;
        at += n + (at[n] == ':');
    }
    return NULL;
}

static Status absent(Ctx *c, const char *tool, const char *what, const char *packages)
{
    Status s = diag_error(c, E0004, (Loc){0}, MLC_SYSTEM, "no %s to %s arm64 programs with", tool,
                          what);
    diag_help(c, "apt-get install %s", packages);
    return s;
}

/* What runs arm64 artifacts on another machine. */
static Status arm64_tools(Ctx *c, Arena *a, const char **emulator, const char **linker)
{
    *emulator = *linker = NULL;
    for (size_t i = 0; i < COUNT_OF(arm64_emulators) && !*emulator; i++)
        *emulator = in_path(a, arm64_emulators[i]);
    for (size_t i = 0; i < COUNT_OF(arm64_linkers) && !*linker; i++)
        *linker = in_path(a, arm64_linkers[i]);
    if (!*emulator)
        return absent(c, arm64_emulators[0], "run", "qemu-user");
    if (!*linker)
        return absent(c, arm64_linkers[0], "link",
                      "gcc-aarch64-linux-gnu libc6-dev-arm64-cross");
    return MLC_OK;
}

Status runner_tools(Ctx *c, Arena *a)
{
    const char *emulator, *linker;
    return arm64_tools(c, a, &emulator, &linker);
}

Status runner_cross_compiler(Ctx *c, Arena *a, const char **out)
{
    const char *emulator;
    return arm64_tools(c, a, &emulator, out);
}

/* Runs a tool to its end, its output in DIR/log. */
static Status run_tool(Ctx *c, Arena *a, char *const argv[], const char *dir)
{
    const char *log = arena_printf(a, "%s/log", dir);
    int         fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    pid_t       pid;
    int         status = -1;
    if (fd < 0)
        return diag_error(c, E0003, (Loc){.file = log}, MLC_SYSTEM, "%s", strerror(errno));
    Status s = start(c, argv, fd, fd, &pid);
    while (s == MLC_OK && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    char    text[400];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    if (s == MLC_OK && status != 0)
        return diag_error(c, E0603, (Loc){0}, MLC_BUG, "'%s' cannot link the artifact: %s", argv[0],
                          text);
    return s;
}

/* DIR/runner: the embedded runner and the artifact, linked. */
static Status link_arm64(Ctx *c, Arena *a, const char *linker, const char *artifact,
                         const ElfInfo *elf, const char *dir, const char **program)
{
    const char *object = arena_printf(a, "%s/runner.o", dir);
    TRY(file_write(c, object, mlc_runner_aarch64_o, mlc_runner_aarch64_o_size));
    const char *glue = arena_printf(a, "%s/model.c", dir);
    const char *text = arena_printf(a,
                                    "extern const char %s[];\n"
                                    "const void *const mlc_linked_model = %s;\n",
                                    elf->symbol, elf->symbol);
    TRY(file_write(c, glue, text, strlen(text)));
    *program = arena_printf(a, "%s/runner", dir);
    VEC(const char *) argv = {0};
    const char *const words[] = {
        linker, "-o", *program, object, glue, artifact,
        elf->shared ? arena_printf(a, "-Wl,-rpath,%s", path_dir(a, artifact)) : "-static",
        "-lm", "-lpthread", NULL,
    };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        vec_push(a, &argv, words[i]);
    return run_tool(c, a, (char *const *)argv.at, dir);
}

/* The command line for an arm64 artifact. */
static Status arm64_command(Ctx *c, Arena *a, const char *artifact, const ElfInfo *elf,
                            const char *dir, const char *argv[8])
{
    const char *qemu, *linker, *program;
    TRY(arm64_tools(c, a, &qemu, &linker));
    TRY(link_arm64(c, a, linker, artifact, elf, dir, &program));
    int n = 0;
    argv[n++] = qemu;
    if (elf->shared) {
        argv[n++] = "-L";
        argv[n++] = "/usr/aarch64-linux-gnu";
    }
    argv[n++] = program;
    argv[n++] = dir;
    argv[n] = NULL;
    return MLC_OK;
}

static Status native_command(Ctx *c, const char *artifact, const ElfInfo *elf,
                             const RunnerOptions *o, const char *dir, const char *argv[8])
{
    const char *program = elf->shared ? o->runner : o->runner_jit;
    if (!program)
        return diag_error(c, E0004, (Loc){.file = artifact}, MLC_SYSTEM,
                          "%s is neither beside mlc nor in ../libexec/mlc",
                          elf->shared ? "mlc-runner" : "mlc-runner-jit");
    argv[0] = program;
    argv[1] = artifact;
    argv[2] = elf->symbol;
    argv[3] = dir;
    argv[4] = NULL;
    return MLC_OK;
}

static bool is_native(ElfMachine m)
{
#if defined(__aarch64__)
    return m == MACHINE_AARCH64;
#else
    return m == MACHINE_X86_64;
#endif
}

Status launch_runner(Ctx *c, Arena *a, const char *artifact, const ElfInfo *elf,
                     const RunnerOptions *o, const char *dir, Launched *out)
{
    const char *argv[8];
    int         pair[2], null;
    /* dlopen() searches names without a slash elsewhere; a linker takes "-x" for an option. */
    if (!strchr(artifact, '/'))
        artifact = arena_printf(a, "./%s", artifact);
    out->emulated = !is_native(elf->machine);
    if (!out->emulated)
        TRY(native_command(c, artifact, elf, o, dir, argv));
    else if (elf->machine == MACHINE_AARCH64)
        TRY(arm64_command(c, a, artifact, elf, dir, argv));
    else
        return diag_error(c, E0004, (Loc){.file = artifact}, MLC_SYSTEM,
                          "x86-64 programs do not run on this machine");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return diag_error(c, E0004, (Loc){0}, MLC_SYSTEM, "cannot start '%s': %s", argv[0],
                          strerror(errno));
    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    Status s = start(c, (char *const *)argv, pair[1], null, &out->pid);
    close(pair[1]);
    if (null >= 0)
        close(null);
    if (s != MLC_OK)
        close(pair[0]);
    out->fd = pair[0];
    return s;
}
