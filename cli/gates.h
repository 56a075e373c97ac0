/* Limits of an artifact: --max-size and --max-ram. A gate that fails is exit code 1, with everything
 * written, so that the report can be looked at; one that cannot be measured is exit code 2. */
#ifndef MLC_CLI_GATES_H
#define MLC_CLI_GATES_H

#include "cli/cli.h"
#include "cli/compile.h"
#include "codegen/emit/report/report.h"

typedef struct Gates {
    ReportGate at[2];
    int        n;
} Gates;

/* Measures what the gates of the command line ask for. `size_bytes`: code and constants of the
 * object, -1: no object is made. E0502, MLC_USAGE, for what cannot be measured. */
Status gates_measure(Cli *cli, const Programs *p, const CompileOptions *o, int64_t size_bytes,
                     Gates *out);
/* E0404, MLC_NO, for each one that failed; MLC_OK: none did. */
Status gates_verdict(Cli *cli, const Gates *g);

#endif
