/* Helpers of the emitter's tests: programs of one kernel a step, built by hand; compiled by
 * mlc-codegen and the system's linker; run against the interpreter. */
#ifndef TEST_LLVM_MODEL_H
#define TEST_LLVM_MODEL_H

#include "ir/base/ctx.h"
#include "ir/program/program.h"

enum { MAX_IO = 32 };

typedef struct Model {
    Ctx ctx;
    Arena *arena;
    ExPool *pool;
    Program *program;
    char dir[64]; /* temporary files */
    char codegen[512];
    int nbuf;
    Kernel *kernel; /* the one being built */
    void *in[MAX_IO], *out[MAX_IO], *expected[MAX_IO];
    size_t out_bytes[MAX_IO], in_bytes[MAX_IO];
    int64_t sym[8];
} Model;

/* Sets where mlc-codegen lies: next to the test directory that argv[0] names. */
void model_find_codegen(const char *argv0);

void model_open(Model *m, const char *name);
void model_close(Model *m);
/* A new kernel, launched once by a new step. */
Kernel *model_kernel(Model *m, const char *name);
/* Buffers of the current kernel, with memory behind them. Elements: `size`. */
Buf *model_input(Model *m, const char *name, Elem e, Ex size);
Buf *model_output(Model *m, const char *name, Elem e, Ex size);
Buf *model_register(Model *m, const char *name, Elem e, int64_t size);
Buf *model_temp(Model *m, const char *name, Elem e, Ex size);
Buf *model_const(Model *m, const char *name, Tensor *t);
/* Binds an object that an earlier kernel made to the current one. */
Buf *model_bind(Model *m, MemObj *obj);
MemObj *model_object(Model *m, const Buf *b);

/* Fills inputs with numbers that suit their types. */
void model_fill(Model *m, uint64_t seed);
/* Compiles, loads and runs; returns P_run's status. `target`: options of mlc-codegen. */
int model_run(Model *m, const char *target);
/* The same program in the interpreter. */
Status model_interp(Model *m);
/* Asserts that all outputs are equal, bit for bit, but NaN to any NaN and 0 to -0. */
void model_compare(Model *m);
/* Runs mlc-codegen only; the path of its output is written to `path`. */
int model_emit(Model *m, const char *options, const char *suffix, char path[128]);

/* x86-64 options that this CPU can run, strongest last; then "c99", the C emitter, whose `+fma` says
 * that it rounds a fused multiply-add once. NULL-terminated. */
const char *const *model_targets(void);

#endif
