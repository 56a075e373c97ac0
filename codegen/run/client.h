/* Running artifacts: each in a process of its own (mlc-runner), whose death is a diagnostic.
 *
 *     RunnerOptions o = {.runner = ..., .runner_jit = ...};
 *     TRY(runner_open(ctx, arena, "m.o", &o, &runner));
 *     TRY(runner_run(runner, inputs, outputs));
 *     runner_close(runner);
 *
 * x86-64 objects go through LLJIT, shared objects through dlopen; arm64 ones are linked with an
 * embedded runner by the cross compiler and run under qemu-aarch64. */
#ifndef MLC_CODEGEN_RUN_CLIENT_H
#define MLC_CODEGEN_RUN_CLIENT_H

#include "codegen/run/elf.h"
#include "ir/base/vec.h"
#include "ir/expr/tensor.h"

typedef struct RunnerOptions {
    const char *runner;     /* path of mlc-runner; NULL: shared objects cannot be run */
    const char *runner_jit; /* path of mlc-runner-jit; NULL: objects cannot be run */
    const char *weights;    /* the weights file; NULL: STEM.weights beside the artifact */
    const char *shown;      /* what messages call the artifact; NULL: its path */
    int64_t     timeout_ns; /* for one answer; 0: none */
} RunnerOptions;

/* An input or output as the artifact describes it; dim[k] -1: depends on symbols. */
typedef struct RunnerIo {
    const char *name;
    Elem        elem;
    int         rank;
    int64_t     dim[MAX_RANK];
} RunnerIo;

typedef struct RunnerSymbol {
    const char *name;
    int64_t     min, max;    /* max -1: unbounded */
    int         input, axis; /* where it is read; -1: nowhere */
} RunnerSymbol;

typedef struct RunnerInfo {
    const char *name, *target, *version;
    const char *selected; /* the one of several in `target` that this CPU runs; "" none */
    int64_t     workspace_bytes; /* -1: depends on symbols */
    int         threads;         /* that a run uses at most */
    int64_t     load_ns;
    bool        emulated;
    bool        weights_in_file;
    VEC(RunnerIo) inputs;
    VEC(RunnerIo) outputs;
    VEC(RunnerSymbol) symbols;
} RunnerInfo;

typedef struct RunnerBench {
    int64_t *ns; /* of each run, in order, in the arena */
    int64_t  runs;
    int64_t  peak_rss_bytes;
    int64_t  workspace_bytes;
} RunnerBench;

/* at[run * stamps + 1 + i] is how many nanoseconds the run spent in launch or call number i. */
typedef struct RunnerProfile {
    int64_t *at;
    int64_t  stamps, runs;
} RunnerProfile;

typedef struct Runner Runner;

/* The programs that arm64 artifacts need to run on another machine are there: an emulator and a
 * cross compiler. E0004, MLC_SYSTEM, if not. */
Status runner_tools(Ctx *c, Arena *a);
/* The compiler of such programs, in `a`. E0004, MLC_SYSTEM. */
Status runner_cross_compiler(Ctx *c, Arena *a, const char **out);
/* Starts a runner for the artifact and asks what it holds. E0602 not an artifact; E0004 a tool is
 * absent; E0603 it cannot be loaded. Everything lives in `a`. */
Status runner_open(Ctx *c, Arena *a, const char *artifact, const RunnerOptions *o, Runner **out);
const RunnerInfo *runner_info(const Runner *r);
/* At most n threads from now on; 0: the default. */
Status runner_threads(Runner *r, int n);
/* The shapes that symbol values (one for each of info->symbols) give: every dimension of `inputs`,
 * as many records as the model has inputs. */
Status runner_shapes(Runner *r, const int64_t *value, RunnerIo *inputs);
/* Runs once. in[i]: an input each, of its element type and a fitting shape (E0601 otherwise).
 * out[i]: new tensors, one for each output. E0603: the model's status, or its crash. */
Status runner_run(Runner *r, const Tensor *const *in, const Tensor **out);
/* Runs for warm_ns unmeasured, then at least `runs` times and min_ns. */
Status runner_bench(Runner *r, const Tensor *const *in, int64_t runs, int64_t min_ns,
                    int64_t warm_ns, RunnerBench *out);
/* The same for an artifact that takes time stamps (CompileOptions.profile). E0402, MLC_INPUT, for one
 * that does not. */
Status runner_profile(Runner *r, const Tensor *const *in, int64_t runs, int64_t min_ns,
                      int64_t warm_ns, RunnerProfile *out);
void   runner_close(Runner *r); /* NULL is fine */

/* "a run-time index is out of bounds". */
const char *runner_status_text(int code); /* MLC_RUN_* */

#endif
