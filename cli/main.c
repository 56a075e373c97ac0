/* mlc: dispatch, signals, exit codes.
 *
 * Whatever ends mlc, no temporary file and no child process stays behind: SIGINT and SIGTERM exit
 * 130 and 143; a crash of mlc itself says so, leaves the command line in a file, and exits 70. */
#include "cli/cli.h"
#include "cli/process.h"
#include "codegen/run/tempdir.h"

#include "ir/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What the crash handler writes: prepared at the start, because it may call next to nothing. */
static struct {
    char   path[128];
    char   text[16384];
    size_t len;
} reproducer;

static void add_bytes(const char *s, size_t n)
{
    n = MIN(n, sizeof reproducer.text - 1 - reproducer.len);
    memcpy(reproducer.text + reproducer.len, s, n);
    reproducer.len += n;
}

static void add(const char *s) { add_bytes(s, strlen(s)); }

/* The command line, quoted for a shell, and where it ran. */
static void prepare_reproducer(int argc, char **argv)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || *tmp != '/' || strlen(tmp) > 80)
        tmp = "/tmp";
    snprintf(reproducer.path, sizeof reproducer.path, "%s/mlc-crash-%d.txt", tmp, (int)getpid());
    char dir[4096];
    add("# mlc " MLC_VERSION "; please send this file with the model that it names\ncd '");
    add(getcwd(dir, sizeof dir) ? dir : ".");
    add("'\nmlc");
    for (int i = 1; i < argc; i++) {
        add(" '");
        for (const char *p = argv[i]; *p; p++)
            *p == '\'' ? add("'\\''") : add_bytes(p, 1);
        add("'");
    }
    add("\n");
}

/* Async-signal-safe. */
static void say(const char *s)
{
    ssize_t n = write(STDERR_FILENO, s, strlen(s));
    (void)n;
}

static void report_bug(const char *what)
{
    say("mlc: bug in mlc: ");
    say(what);
    int fd = open(reproducer.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && write(fd, reproducer.text, reproducer.len) == (ssize_t)reproducer.len) {
        say("; the command line is in ");
        say(reproducer.path);
    }
    if (fd >= 0)
        close(fd);
    say("\n");
}

static void on_interrupt(int sig)
{
    process_kill_all();
    file_out_abort_all();
    temp_dir_remove_all();
    _exit(128 + sig);
}

static void on_crash(int sig)
{
    process_kill_all();
    file_out_abort_all();
    temp_dir_remove_all();
    report_bug(sig == SIGABRT  ? "aborted"
               : sig == SIGFPE ? "arithmetic exception"
               : sig == SIGILL ? "illegal instruction"
                               : "invalid memory access");
    _exit(MLC_BUG);
}

static void handle(int sig, void (*fn)(int))
{
    struct sigaction a = {.sa_handler = fn, .sa_flags = SA_ONSTACK};
    sigemptyset(&a.sa_mask);
    sigaction(sig, &a, NULL);
}

static void install_handlers(void)
{
    static char stack[1 << 16]; /* a crash may be an exhausted stack */
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    handle(SIGPIPE, SIG_IGN);
    handle(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a failed write */
    handle(SIGABRT, on_crash);
#ifndef __SANITIZE_ADDRESS__ /* its own reports say more */
    handle(SIGSEGV, on_crash);
    handle(SIGBUS, on_crash);
    handle(SIGFPE, on_crash);
    handle(SIGILL, on_crash);
#endif
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < COUNT_OF(ending); i++) {
        struct sigaction now;
        if (sigaction(ending[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            handle(ending[i], on_interrupt); /* nohup and background jobs keep ignoring */
    }
}

/* A closed 0, 1 or 2 must not become a file that mlc opens. */
static void open_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd ? O_WRONLY : O_RDONLY) < 0)
            _exit(MLC_SYSTEM);
}

static DiagFormat format_of(const char *word)
{
    return !word                    ? DIAG_human
           : str_eq(word, "json")   ? DIAG_json
           : str_eq(word, "github") ? DIAG_github
           : str_eq(word, "sarif")  ? DIAG_sarif
                                    : DIAG_human;
}

/* Of the words, for when the command line is wrong, or memory is out, before the option is reached. */
static const char *format_word(int argc, char **argv)
{
    static const char option[] = "--diag-format=";
    const char *word = NULL;
    for (int i = 1; i < argc; i++)
        if (str_starts(argv[i], option))
            word = argv[i] + strlen(option);
    return word;
}

typedef struct MainArgs {
    Ctx   *ctx;
    int    argc;
    char **argv;
} MainArgs;

static Status run(void *arg)
{
    MainArgs *m = arg;
    Ctx *c = m->ctx;
    Arena *a = arena_new(c);
    Cli *cli = NEW(a, Cli);
    cli->ctx = c;
    cli->arena = a;
    json_memory(a);
    Status s = cli_parse(cli, m->argc, m->argv);
    const char *color = opt_text(cli, OPT_color);
    const char *said = opt_given(cli, OPT_diag_format) ? NULL : format_word(m->argc, m->argv);
    DiagFormat format = format_of(said ? said : opt_text(cli, OPT_diag_format));
    cli->color = color_wanted(color ? color : "auto");
    cli->quiet = opt_flag(cli, OPT_quiet) || format == DIAG_json || format == DIAG_sarif;
    diag_print_start(c, format, cli->color);
    const char *limit = opt_x(cli, "memory-limit");
    int64_t bytes;
    if (s == MLC_OK && limit && !parse_size(limit, &bytes))
        s = diag_error(c, E0502, (Loc){0}, MLC_USAGE, "-X memory-limit is '%s', which is not a size",
                       limit);
    else if (s == MLC_OK && limit)
        c->memory_limit = (size_t)bytes;
    if (s == MLC_OK)
        s = cli->command->run(cli);
    progress_clear();
    return s;
}

int main(int argc, char **argv)
{
    open_standard_files();
    prepare_reproducer(argc, argv);
    install_handlers();

    Ctx ctx;
    ctx_init(&ctx);
    MainArgs m = {&ctx, argc, argv};
    Status s = ctx_protect(&ctx, run, &m);
    file_out_abort_all(); /* what an unwound command left */
    temp_dir_remove_all();
    Status closed = out_close(&ctx);
    if (s == MLC_OK || s == MLC_NO)
        s = closed != MLC_OK ? closed : s;
    if (!ctx.diags.hook)
        diag_print_start(&ctx, format_of(format_word(argc, argv)), color_wanted("auto"));
    diag_print_finish(&ctx);
    if (s == MLC_BUG)
        report_bug("an internal check failed");
    ctx_free(&ctx);
    return s;
}
