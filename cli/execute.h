/* A model that can be run: compiled for a target, or an artifact that is there already, or a
 * program in the interpreter. `run`, `verify` and `bench` see no difference. */
#ifndef MLC_CLI_EXECUTE_H
#define MLC_CLI_EXECUTE_H

#include "cli/cli.h"
#include "cli/compile.h"
#include "codegen/run/client.h"

typedef struct Execution {
    Cli           *cli;
    Ctx           *ctx;
    Arena         *arena;
    const char    *path;
    CompileOptions options;
    Graph         *graph;    /* NULL for an artifact */
    Programs       programs; /* n 0 for an artifact */
    Program       *program;  /* the first of them; NULL for an artifact */
    Runner        *runner;   /* NULL in the interpreter */
    RunnerInfo     info;     /* names, types, shapes, symbols; also in the interpreter */
    double        *quantum;  /* of each output that a DequantizeLinear makes: its scale; else 0.
                                NULL for an artifact */
    const char    *weights;  /* the weights file of a model that was compiled here; NULL: none */
    const char    *dir;      /* temporary folder of the compiled artifact, or NULL */
    const char    *backend;  /* "native", "qemu-aarch64", "interpreter" */
    int64_t        compile_ns;
    int64_t        artifact_bytes;
} Execution;

typedef struct ExecutionOptions {
    bool    profile;       /* the artifact takes time stamps */
    bool    prefer_shared; /* link a shared object when a C compiler is there */
    int64_t timeout_ns;    /* for one run in an artifact; 0: none */
} ExecutionOptions;

/* Compiles `path`, a model, or loads it, an artifact, as the command line says. */
Status execution_open(Cli *cli, const char *path, const ExecutionOptions *o, Execution *out);
/* A target can run on this machine, emulators counted. E0402 or E0004, MLC_SYSTEM, if not. */
Status execution_possible(Ctx *c, Arena *a, const CompileOptions *o);
/* Shapes of all inputs: constants, --dim, and 1 (or its least value) for every other symbol. */
Status execution_shapes(Execution *e, RunnerIo *inputs);
/* Runs once; see runner_run(). */
Status execution_run(Execution *e, const Tensor *const *in, const Tensor **out);
Status execution_bench(Execution *e, const Tensor *const *in, int64_t runs, int64_t min_ns,
                       int64_t warm_ns, RunnerBench *out);
void   execution_close(Execution *e);

#endif
