/* The command of --test: a line for the shell that says whether a candidate shows what is looked for.
 *
 *     '{}'          each is replaced by what the command shall look at, quoted for the shell
 *     MLC_MODEL     the model, and
 *     MLC_OPTIONS   the options that make the candidate of it, without quotes: both are exported
 *
 * Standard output and error of the command are shown with -v and lost otherwise. */
#ifndef MLC_CLI_TEST_COMMAND_H
#define MLC_CLI_TEST_COMMAND_H

#include "cli/cli.h"

/* What a command exits with that cannot say. Others, and death by a signal, are an answer. */
enum { TEST_UNDECIDED = 125, TEST_NOT_RUNNABLE = 126, TEST_NOT_FOUND = 127 };

/* Runs the command of --test for at most --timeout. `shown` replaces '{}' and is quoted already.
 * *code: its exit code, 256 + signal, or PROCESS_TIMED_OUT. */
Status test_command_run(Cli *cli, const char *shown, const char *model, const char *options,
                        int *code);
/* One word for a shell, in `a`. */
const char *shell_quoted(Arena *a, const char *word);
/* "exit 3", "killed by signal 11", "out of time". */
const char *test_code_text(Arena *a, int code);

#endif
