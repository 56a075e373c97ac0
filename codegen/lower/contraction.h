/* Contraction: a stage that sums products of two operands, recognised by shape.
 *
 *     out[batch, m, n] = epilogue( sum over k of A[batch, m, k] * B[batch, k, n] )
 *
 * Each output axis gets its role from where it appears: in both operands (batch), in A alone (m), in
 * B alone (n), in neither (the value repeats along it). MatMul, Gemm, every convolution and attention
 * are cases of it. B is the side whose axis n is contiguous in the output, so that vectors of n
 * can be stored; windows (an index that adds an output and a reduction axis) need no special care. */
#ifndef MLC_CONTRACTION_H
#define MLC_CONTRACTION_H

#include "codegen/lower/schedule.h"

typedef enum AxisRole { ROLE_BATCH, ROLE_M, ROLE_N, ROLE_REPEAT } AxisRole;

typedef struct Contraction {
    Stage   *s;
    Ex       a, b;            /* factors: see operand_load() */
    AxisRole role[MAX_AXES];  /* of s->axis */
    int      n;               /* position of the axis that vectors run along */
    bool     b_contiguous;    /* B's own elements run along it */
    bool     b_constant;
    bool     window;          /* B's index adds output and reduction axes */
} Contraction;

/* The load of a factor: itself, under a guard, or a constant that is converted as it is read; NULL
 * for any other expression. */
Ex   operand_load(Ex e);
/* False when the stage is none. */
bool contraction_match(Lowering *l, Stage *s, Contraction *c);
/* Reduction axes ordered so that A's memory is walked forward. */
void contraction_order(Lowering *l, Stage *s, Ex a);
/* Neighbours among them joined where A's walk has no seam; B, which will be packed in that order, does
 * not matter. Both factors are rewritten, the stage's own body is not. */
void contraction_join(Lowering *l, Stage *s, Ex *a, Ex *b);

#endif
