/* --weights: inside the artifact, or in a file of their own. */
#ifndef MLC_CLI_WEIGHTS_H
#define MLC_CLI_WEIGHTS_H

#include "cli/cli.h"
#include "cli/compile.h"
#include "ir/base/file.h"

/* What the option and the size of the weights decide. E0502 for a target whose weights are always
 * inside; E0404 when they shall be inside and are too large. */
Status weights_place(Cli *cli, const CompileOptions *o, const Programs *p, bool *in_file);
/* Writes the weights file. What compile_codegen() makes of the programs afterwards refers to it. */
Status weights_to_file(Ctx *c, Programs *p, FileOut *out);

#endif
