/* After compiling: does the artifact compute what the model says? One seeded random input, the
 * artifact in a process of its own against the interpreter, in double precision, on the program
 * without any optimization. */
#ifndef MLC_CLI_SELF_CHECK_H
#define MLC_CLI_SELF_CHECK_H

#include "cli/compile.h"

/* True: *worst is the largest difference, relative to the largest magnitude of the output that it
 * was found in. False: not done, because it would take long (about a second), the target does not
 * run here, the input is one that the model refuses, or a tool is absent. Never reports. */
bool self_check(const char *model, const CompileOptions *o, const char *object, double *worst);

#endif
