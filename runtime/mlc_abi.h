/* SPDX-License-Identifier: 0BSD
 *
 * The ABI of compiled models, version 1. Every generated header contains this text, guarded, so a
 * program may include several of them. Plain C99, usable from C++.
 *
 * An artifact with prefix P exports
 *     P_model    descriptor: inputs, outputs, symbols, entry points
 *     P_bind     dims -> sizes: checks the dimensions, computes workspace size and shapes
 *     P_run      runs the model once
 *     P_load_weights   only where the weights are in a file: maps it, before the first run
 * and the weak, versioned thread pool mlc_pool_v1, which all artifacts of a program share.
 *
 * The caller owns all memory. The workspace is 64-byte aligned, MLC sizes say how large; inputs and
 * outputs are row-major, aligned to their element type, and must not overlap. Runs with separate
 * workspaces may be concurrent. Every call returns a status. */
#ifndef MLC_ABI_1
#define MLC_ABI_1

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MLC_RUN_OK = 0,
    MLC_RUN_SHAPE = 1,   /* a run-time shape contradicts the model or its bounds */
    MLC_RUN_INDEX = 2,   /* a run-time index is out of bounds */
    MLC_RUN_DIVIDE = 3,  /* integer division by zero */
    MLC_RUN_CPU = 4,     /* this CPU lacks what the artifact was compiled for */
    MLC_RUN_MEMORY = 5,  /* an allocation was refused, or the workspace is NULL or misaligned */
    MLC_RUN_ARGUMENT = 6, /* NULL pointer, wrong count, type or rank */
    MLC_RUN_WEIGHTS = 7, /* the weights are in a file, which is not loaded or cannot be opened */
    MLC_RUN_MISMATCH = 8, /* the weights file is truncated, or of another build */
    MLC_RUN_TEXT = 9,     /* a string that is to become a number is none */
    MLC_RUN_IMAGE = 10    /* data that is to be a picture is none, or of a kind that is not supported */
};

/* Element types: the numbers of ONNX TensorProto.DataType (1 float, 7 int64, 9 bool, ...). An element
 * of type 8, string, is a `const char *` to UTF-8 that ends with a zero byte; NULL is read as "". */

/* One input or output. dim[k] >= 0: constant; dim[k] < 0: depends on symbols, ask bind(). */
typedef struct mlc_io_v1 {
    const char    *name;
    int32_t        elem;
    int32_t        rank;
    const int64_t *dim;
} mlc_io_v1;

/* dim[k] == MLC_DIM_FOUND: the run finds it out. Where run() wants a pointer to the data of such an
 * output, or of any of strings, it takes one to this structure and fills it; the caller releases `data`,
 * also where the run fails and it is not NULL. Strings: `data` is an array of `const char *`, and what
 * they point to stands behind it in the same memory. */
enum { MLC_DIM_FOUND = -2 };
typedef struct mlc_result_v1 {
    void   *data;
    int64_t bytes;
    int64_t dim[12];
} mlc_result_v1;

/* Where memory comes from whose size the run finds out. alloc() returns 64-byte aligned memory or NULL;
 * both may be called by the thread that runs the model only. */
typedef struct mlc_alloc_v1 {
    void *context;
    void *(*alloc)(void *context, size_t bytes);
    void (*release)(void *context, void *data);
} mlc_alloc_v1;

/* A run-time dimension: `input`'s dimension `axis` has its value. */
typedef struct mlc_symbol_v1 {
    const char *name;
    int64_t     min, max; /* max -1: unbounded */
    int32_t     input, axis; /* where it can be read; -1, -1: nowhere directly */
} mlc_symbol_v1;

/* What bind() computed, in the caller's memory. A multiple of 8 bytes: `words` int64 of
 * P_SIZES_WORDS (model->sizes_words): [0] workspace bytes, then the symbols, then the dimensions of
 * all inputs and outputs in order, then private words (the memory plan). */
typedef int64_t mlc_sizes_v1;

typedef struct mlc_model_v1 {
    uint32_t             abi;          /* 1 */
    uint32_t             struct_bytes; /* sizeof(mlc_model_v1) when it was compiled */
    const char          *name;
    const char          *target;       /* "x86-avx2", "x86-avx512,x86-avx2" */
    const char          *mlc_version;
    const char          *source_sha256; /* hex, of the model file; "" unknown */
    int32_t              ninputs, noutputs, nsymbols, sizes_words;
    const mlc_io_v1     *inputs, *outputs;
    const mlc_symbol_v1 *symbols;
    int64_t              workspace_bytes; /* -1: depends on symbols, ask bind() */
    /* dims[k] is the value of symbol k. sizes has sizes_words words. Model without symbols: dims
     * may be NULL. */
    int (*bind)(const int64_t *dims, mlc_sizes_v1 *sizes);
    /* io: for a model with symbols first the sizes of bind(), then the inputs, then the outputs, in
     * order. */
    int (*run)(const void *const *io, void *workspace);
    /* The target whose code this CPU gets: one of those in `target`, where they are several, with
     * commas between them; NULL: it can run none, and bind and run return MLC_RUN_CPU. */
    const char *(*selected)(void);
    /* Maps the weights file at `path`, once for the whole program; further calls do nothing. NULL
     * unmaps it: no run may be going on. NULL function: the weights are inside. */
    int (*load_weights)(const char *path);
    /* 1: the run allocates; io begins with a pointer to mlc_alloc_v1, before the sizes. */
    int32_t allocates;
    int32_t reserved;
} mlc_model_v1;

/* The thread pool. op 0: run fn(arg, begin, end) over pieces of [0, n), at most `threads` threads
 * (0: as many as there are); the caller takes part and returns when all is done. op 1: use at most
 * n threads from now on in the whole program (0: the default, the cores this process may use);
 * returns the number. op 2: returns the number of threads that op 0 would use now. */
typedef void (*mlc_task_v1)(void *arg, int64_t begin, int64_t end);
int mlc_pool_v1(int op, mlc_task_v1 fn, void *arg, int64_t n, int64_t grain, int threads);

#ifdef __cplusplus
}
#endif
#endif
