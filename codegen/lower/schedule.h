/* Building kernels: what the skeletons share.
 *
 * A skeleton gets a stage whose loads and stores are flat already (one index, in elements of the
 * buffer that owns the memory), writes a loop nest in which the stage's axes are expressions of new
 * loop variables, and hands it to lower_emit(). */
#ifndef MLC_SCHEDULE_H
#define MLC_SCHEDULE_H

#include "codegen/lower/lowering.h"

/* A loop nest being written: loops are pushed from the outside in. */
typedef struct Nest {
    Lowering *l;
    int       n;
    Ex        var[MAX_AXES * 2];
    LoopKind  kind[MAX_AXES * 2];
} Nest;

/* Adds a loop inside the others and returns its variable; none for a constant extent of 1. */
Ex    nest_loop(Nest *n, LoopKind kind, Ex extent);
/* The loops around `body`. */
Stmt *nest_close(Nest *n, Stmt *body);

/* An axis of a stage restricted to [start, start + count) and expressed by loop variables. */
typedef struct AxisMap {
    int n;
    Ex  from[MAX_AXES * 2], to[MAX_AXES * 2];
} AxisMap;
void axis_set(AxisMap *m, Ex axis, Ex value);
Ex   axis_apply(Lowering *l, const AxisMap *m, Ex e);

/* Joins pairs of axes that all accesses run through without a seam: fewer, longer loops. The list
 * `axes` (naxis of them, in stage order) is updated and the stage rewritten. */
void fuse_axes(Lowering *l, Stage *s, Ex *axes, int *n);

/* acc combined with the body of reduction i: an fma where it is a sum of products. `prior[k]` are
 * the present values of all accumulators. */
Ex reduce_step(Lowering *l, const Stage *s, int i, const Ex *prior, const Ex *body);
/* e with EX_ACC i replaced by acc[i]. */
/* Collects the buffers of k->body into k->params and k->regs, in order of first use. */
void  lower_params(Lowering *l, Kernel *k);
/* A stage as plain loops. */
Stmt *reference_nest(Lowering *l, const Stage *s);
/* Schedules a stage that is flat already. */
Status lower_stage(Lowering *l, Stage *s);
Ex with_acc(Lowering *l, Ex e, int nacc, const Ex *acc);

#endif
