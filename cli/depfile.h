/* Dependency files for make and ninja (-MD -MF -MT). */
#ifndef MLC_CLI_DEPFILE_H
#define MLC_CLI_DEPFILE_H

#include "cli/outputs.h"
#include "ir/graph/graph.h"

/* Plans the file that -MD asks for: -MF, or the outputs' common name with ".d". MLC_USAGE when -MF
 * or -MT is given without -MD. */
Status depfile_plan(Cli *cli, Outputs *o);
/* "outputs: model, its data files, the configuration". `g` as it was read. */
void depfile_emit(Cli *cli, const char *model, const Graph *g, const Outputs *o, Str *s);

#endif
