/* The command of --test: see test_command.h. */
#include "cli/test_command.h"

#include "cli/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

const char *shell_quoted(Arena *a, const char *word)
{
    Str s = str_new(a);
    str_addc(&s, '\'');
    for (const char *p = word; *p; p++)
        if (*p == '\'')
            str_add(&s, "'\\''");
        else
            str_addc(&s, *p);
    str_addc(&s, '\'');
    return str_text(&s);
}

const char *test_code_text(Arena *a, int code)
{
    if (code == PROCESS_TIMED_OUT)
        return "out of time";
    return code >= 256 ? arena_printf(a, "killed by signal %d", code - 256)
                       : arena_printf(a, "exit %d", code);
}

static const char *filled_in(Arena *a, const char *command, const char *shown)
{
    Str s = str_new(a);
    for (const char *at; (at = strstr(command, "{}")); command = at + 2) {
        str_addn(&s, command, (size_t)(at - command));
        str_add(&s, shown);
    }
    str_add(&s, command);
    return str_text(&s);
}

Status test_command_run(Cli *cli, const char *shown, const char *model, const char *options,
                        int *code)
{
    Arena *a = arena_new(cli->ctx);
    const char *line = filled_in(a, opt_text(cli, OPT_test), shown);
    const char *argv[] = {"/bin/sh", "-c", line, NULL};
    int pid, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    ProcessOptions o = PROCESS_DEFAULT;
    o.group = true;
    o.in = null;
    o.out = cli->verbose ? STDERR_FILENO : null; /* stdout is for the answer */
    o.err = cli->verbose ? -1 : null;
    Status s = MLC_OK;
    if (null < 0 || setenv("MLC_MODEL", model, 1) != 0 || setenv("MLC_OPTIONS", options, 1) != 0)
        s = diag_error(cli->ctx, E0004, (Loc){0}, MLC_SYSTEM, "cannot start the test command");
    if (s == MLC_OK)
        s = process_start(cli->ctx, (char *const *)argv, &o, &pid);
    if (s == MLC_OK)
        s = process_wait_for(cli->ctx, pid, opt_int(cli, OPT_test_timeout), code);
    if (null >= 0)
        close(null);
    if (s == MLC_OK && (*code == TEST_NOT_FOUND || *code == TEST_NOT_RUNNABLE)) {
        s = diag_error(cli->ctx, E0004, (Loc){0}, MLC_SYSTEM,
                       "the test command cannot be run: the shell exits with %d", *code);
        diag_help(cli->ctx, "what the shell runs is: %s", line);
    }
    arena_free(a);
    return s;
}
