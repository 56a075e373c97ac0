/* --custom-op DOMAIN::OP=HEADER:SYMBOL: operators whose kernel is a C function of the user's, with the
 * interface of runtime/mlc_custom.h.
 *
 * HEADER declares SYMBOL. An object has it as an undefined symbol, C source includes the header: the
 * user links the function. Where mlc itself links or runs (a shared object, run, verify, bench, profile,
 * compare), the function comes from what lies beside the header: HEADER without its suffix and with
 * .c, else .o. */
#ifndef MLC_CLI_CUSTOM_OP_H
#define MLC_CLI_CUSTOM_OP_H

#include "cli/cli.h"
#include "cli/compile.h"

/* Understands the options and makes the operators known to the context. E0502; E0002 without header. */
Status custom_ops_register(Cli *cli, CompileOptions *o);
/* An object and the functions of its custom operators -> one object, in `out`. Nothing but a copy of
 * the name when there are none. `dir`: a temporary folder. E0004, E0502 (no .c or .o), E0602. */
Status custom_ops_link(Ctx *c, Arena *a, const CompileOptions *o, const char *dir,
                       const char *object, const char **out);
/* Arguments for a C compiler that finds headers and functions: -I DIR, FILE. `dir` as above, where the
 * interface is written. With `functions` false only where headers are. */
Status custom_ops_words(Ctx *c, Arena *a, const CompileOptions *o, const char *dir, bool functions,
                        const char ***words, int *n);

#endif
