/* Options written in one word, "--a '-t x86-avx2 -O3'": split as a shell would. */
#ifndef MLC_CLI_WORDS_H
#define MLC_CLI_WORDS_H

#include "cli/cli.h"

/* The command line of `cli` with the words of `more` behind it, parsed anew into *out. What is wrong
 * with them is reported as for a command line. */
Status words_reparse(const Cli *cli, const char *more, Cli *out);

#endif
