/* After compiling: does the artifact compute what the model says? One seeded random input, the
 * artifact in a process of its own against the interpreter, in double precision, on the program
 * without any optimization. */
#ifndef MLC_CLI_SELF_CHECK_H
#define MLC_CLI_SELF_CHECK_H

#include "cli/compile.h"

/* True: *worst is the largest difference, relative to the largest magnitude of the output that it
 * was found in. False: not done. *why is NULL where that was to be expected, because it would take
 * long (about a second), or the target does not run here; else what came in between, in the arena
 * of the options: memory, a tool, an input that the model refuses. Never reports. */
bool self_check(const char *model, const CompileOptions *o, const char *object, const char *weights,
                double *worst, const char **why);

#endif
