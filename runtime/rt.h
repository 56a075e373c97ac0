/* SPDX-License-Identifier: 0BSD
 *
 * Between generated code and the runtime that is linked into the same artifact. Not public.
 *
 * The code generator emits, all internal but P_model, P_bind and P_run:
 *     void P_kN(mlc_rt_frame *f, int64_t begin, int64_t end)   iterations [begin, end) of the
 *                                  kernel's parallel loop ([0, 1) for a kernel without one)
 *     void P_eval(const int64_t *sym, int64_t *out)   dimensions of inputs and outputs in order,
 *                                  then the bytes of every workspace object
 *     int  P_exec(const mlc_rt_run *r)                all steps, by calling mlc_rt_launch
 *     mlc_rt_model P_rt                               the constants below
 *     P_bind = mlc_rt_bind(&P_rt, ...), P_run = mlc_rt_run_model(&P_rt, ...), P_model
 * An artifact of several targets has all but the last line once for each, chained by `next`. */
#ifndef MLC_RT_H
#define MLC_RT_H

#include "runtime/mlc_abi.h"

/* C artifacts carry this file, plan.c and rt.c as text: `static`, and without what stands between
 * `#ifndef MLC_RT_SERIAL` and its #endif, which make/runtime.mk takes out. */
#ifndef MLC_RT_API
#define MLC_RT_API
#endif

#ifndef MLC_RT_SERIAL
/* What a kernel sees: its buffers in the order of its parameters, and the symbols. */
typedef struct mlc_rt_frame {
    int32_t        status; /* first failed check's code; written with relaxed atomics */
    int32_t        reserved;
    const int64_t *sym;
    void          *buf[1]; /* as many as the kernel has parameters */
} mlc_rt_frame;
#endif

typedef struct mlc_rt_run {
    const int64_t     *sym;
    const int64_t     *offset;    /* of workspace objects, by their number among them */
    const void *const *io;        /* inputs, then outputs */
    char              *workspace;
#ifndef MLC_RT_SERIAL
    const char        *weights;   /* of a file; NULL where they are inside */
#endif
    const mlc_alloc_v1 *alloc; /* NULL for a model that does not allocate */
} mlc_rt_run;

#ifndef MLC_RT_SERIAL
/* The first bytes of a weights file, little-endian. What follows is the weights section. */
#define MLC_RT_WEIGHTS_MAGIC {'M', 'L', 'C', 'W', 'T', 'S', 0, 1}
typedef struct mlc_rt_weights_head {
    unsigned char magic[8];
    int64_t       bytes;        /* of the section */
    unsigned char identity[16]; /* XXH3-128 of the section */
    unsigned char zero[32];
} mlc_rt_weights_head;

/* The weights of an artifact whose weights are in a file. */
typedef struct mlc_rt_weights {
    char         *base; /* of the mapped section; NULL: not loaded. Accessed atomically */
    int64_t       bytes;
    unsigned char identity[16];
} mlc_rt_weights;
/* Memory of its own: NULL, or of at least so many bytes. */
typedef struct mlc_rt_dyn {
    void   *data;
    int64_t bytes;
} mlc_rt_dyn;
#endif

/* The words of mlc_sizes_v1, which the code generator writes into P_model.sizes_words:
 *     [0] workspace bytes | symbols | dimensions of inputs and outputs |
 *     with symbols only: bytes of the workspace objects | their offsets */
#define MLC_RT_SIZES_WORDS(nsymbols, ndim, ntemp) \
    (1 + (nsymbols) + (ndim) + ((nsymbols) ? 2 * (ntemp) : 0))

typedef struct mlc_rt_model {
    const mlc_model_v1 *model;
    int32_t             ntemp;       /* workspace objects */
    int32_t             ndim;        /* dimensions of all inputs and outputs */
    uint32_t            cpu_features; /* mlc_rt_cpu bits that must be there */
    int32_t             max_threads; /* 0: no limit of its own */
    const int32_t      *first, *last; /* lifetimes of workspace objects, in steps */
    const int64_t      *static_offset; /* without symbols: their offsets; else NULL */
    /* Never called for a model without symbols. A size that does not fit 63 bits is written as
     * -1. */
    void (*eval)(const int64_t *sym, int64_t *out);
    int (*exec)(const mlc_rt_run *r);
#ifndef MLC_RT_SERIAL
    const char *target;              /* "x86-avx2" */
    const struct mlc_rt_model *next; /* code for CPUs that lack cpu_features; NULL: there is none */
    mlc_rt_weights *weights;         /* NULL: inside the artifact */
#endif
} mlc_rt_model;

/* AVX2_FMA: all of x86-64-v3 (AVX2, FMA, F16C, BMI, LZCNT, MOVBE). AVX512: all of x86-64-v4 (the
 * same and AVX-512 F, BW, CD, DQ, VL). DOTPROD: dot products of bytes (arm64). */
enum { MLC_CPU_AVX2_FMA = 1, MLC_CPU_AVX512 = 2, MLC_CPU_DOTPROD = 4 };

/* Lifetimes -> offsets: the memory planner of mlc and of artifacts. Object i has size[i] >= 0 bytes
 * and lives from step first[i] to last[i], both included; objects that live at once do not overlap.
 * Largest first, each at the lowest offset that fits; offsets are multiples of 64. Returns the
 * bytes of the whole, a multiple of 64, or -1 when a size is negative or the sum overflows. */
MLC_RT_API int64_t mlc_rt_plan(int n, const int64_t *size, const int32_t *first,
                               const int32_t *last, int64_t *offset);

MLC_RT_API int mlc_rt_bind(const mlc_rt_model *m, const int64_t *dims, mlc_sizes_v1 *sizes);
MLC_RT_API int mlc_rt_run_model(const mlc_rt_model *m, const void *const *io, void *workspace);

#ifndef MLC_RT_SERIAL
/* The first of `m`, m->next, ... that this CPU can run, or NULL. */
const mlc_rt_model *mlc_rt_fitting(const mlc_rt_model *m);
/* Its target, or NULL. */
const char *mlc_rt_selected(const mlc_rt_model *m);
/* P_load_weights: maps the file, once; NULL unmaps. */
int mlc_rt_load_weights(mlc_rt_weights *w, const char *path);
/* The bits of `needed` (MLC_CPU_*) that this CPU or its operating system lacks. */
uint32_t mlc_rt_cpu_missing(uint32_t needed);
/* Nanoseconds of a monotonic clock. */
int64_t mlc_rt_now(void);

/* P_model of an artifact that is compiled to be profiled: struct_bytes tells. stamp[1 + i] is how many
 * nanoseconds the last run spent in launch or call number i; stamp[0] is the newest time taken. One
 * run at a time. */
typedef struct mlc_rt_profiled {
    mlc_model_v1 model;
    int64_t     *stamp;
    int64_t      nstamp;
} mlc_rt_profiled;

/* Cores that this process may use: affinity mask, CPU quota of its control group; at least 1. */
int mlc_rt_cores(void);

/* d has room for `bytes`, whatever it holds; mlc_rt_grow: and keeps what it holds. */
int mlc_rt_reserve(const mlc_alloc_v1 *a, mlc_rt_dyn *d, int64_t bytes);
int mlc_rt_grow(const mlc_alloc_v1 *a, mlc_rt_dyn *d, int64_t bytes);
void mlc_rt_swap(mlc_rt_dyn *a, mlc_rt_dyn *b);
void mlc_rt_release(const mlc_alloc_v1 *a, mlc_rt_dyn *d);
void mlc_rt_release_all(const mlc_alloc_v1 *a, mlc_rt_dyn *d, int n);

/* Runs a kernel over [0, n). work: estimated nanoseconds of the whole on one thread; below the
 * threshold (50 us) it stays on the caller. Returns f->status. */
int mlc_rt_launch(void (*fn)(mlc_rt_frame *, int64_t, int64_t), mlc_rt_frame *f, int64_t n,
                  int64_t work_ns, int max_threads);
#endif

#endif
