/* --shape and --dim for an artifact, whose dimensions are those that it was compiled with. */
#ifndef MLC_CLI_ARTIFACT_SHAPES_H
#define MLC_CLI_ARTIFACT_SHAPES_H

#include "cli/execute.h"

/* Checks what the command line says against the artifact's inputs and symbols. What --shape says of
 * a symbol is added to e->options.dims. E0501 for names that it does not have, E0502 for what
 * contradicts it or itself. */
Status artifact_shapes(Execution *e);

#endif
