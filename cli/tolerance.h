/* When is an output right? */
#ifndef MLC_CLI_TOLERANCE_H
#define MLC_CLI_TOLERANCE_H

#include "ir/base/ctx.h"
#include "ir/expr/tensor.h"

typedef struct Tolerance {
    double rtol, atol, mtol;
    bool   argmax;  /* instead: equal arg max along the last axis, and */
    double cosine;  /* at least this cosine; 0: not asked */
    double quantum; /* instead: within so many quanta of the output's scale; 0: not asked */
    double share;   /* for at least this share of the elements */
} Tolerance;

#define TOLERANCE_DEFAULT {.rtol = 1e-3, .atol = 1e-5, .mtol = 1e-5}

/* DIR/tolerance.json over what *t holds; nothing when there is no such file. E0602 malformed. */
Status tolerance_read(Ctx *c, const char *dir, Tolerance *t);

typedef struct Comparison {
    bool        equal;
    double      max_error; /* largest |d| of a float tensor; NaN against a number is infinite */
    const char *reason;    /* when not equal */
} Comparison;

/* got against want. `scale`: of the DequantizeLinear that made it, 0 unknown (then the smallest
 * step between reference values stands for it). */
Comparison tensor_compare(Arena *a, const Tensor *got, const Tensor *want, const Tolerance *t,
                          double scale);

#endif
