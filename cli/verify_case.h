/* One case of `mlc verify`: compile, run on every data set, compare. */
#ifndef MLC_CLI_VERIFY_CASE_H
#define MLC_CLI_VERIFY_CASE_H

#include "cli/execute.h"
#include "cli/tolerance.h"

typedef enum Verdict { CASE_PASS, CASE_FAIL, CASE_SKIP } Verdict;

typedef struct CaseResult {
    Verdict     verdict;
    double      max_error; /* over all float outputs */
    const char *reason;    /* one line; NULL when it passed */
} CaseResult;

/* `dir` holds model.onnx and test_data_set_*. Never fails for what is in the folder: that is the
 * result. `t`: what the command line says; the folder's tolerance.json goes over it. */
CaseResult verify_case(Cli *cli, const char *dir, const Tolerance *t);

/* Folders in `dir` whose name begins with `prefix`, in natural order (set_2 before set_10). */
Status list_folders(Ctx *c, Arena *a, const char *dir, const char *prefix, const char ***out,
                    size_t *n);

#endif
