/* Stages: what is computed.  Buffers with a shape, and for each element one expression.
 *
 * A stage means: for every point of its axes, in no particular order,
 *     acc[i] = combination over the reduction axes of body[i], starting from init[i]
 *     store[s].buf[store[s].index...] = store[s].value            (value may use EX_ACC i)
 * Stages run one after another. A map has no reduction axes. Points of a map or reduce stage write
 * different elements. A scan's last axis is sequential: EX_ACC i is the running state before the
 * point, body[i] the state after it. A scatter may write an element more than once, in axis order.
 *
 * Loads are in bounds: proved, or excluded by EX_GUARD, or by a check of an earlier stage. A load
 * that is not is reported by the interpreter as a defect. */
#ifndef MLC_STAGE_H
#define MLC_STAGE_H

#include "ir/base/vec.h"
#include "ir/expr/buf.h"

enum { MAX_AXES = 24, MAX_ACC = 4 };

typedef enum StageKind { STAGE_MAP, STAGE_REDUCE, STAGE_SCAN, STAGE_SCATTER } StageKind;
typedef enum ReduceOp { REDUCE_SUM, REDUCE_PROD, REDUCE_MIN, REDUCE_MAX, REDUCE_GENERAL } ReduceOp;

typedef struct StageStore {
    Buf *buf;
    Ex   index[MAX_RANK]; /* buf->rank of them */
    Ex   value;
} StageStore;

typedef struct StageCheck {
    Ex  cond;
    int code;
} StageCheck;

typedef struct Stage {
    int       id; /* position of creation */
    StageKind kind;
    int       naxis, nred;
    Ex        axis[MAX_AXES]; /* EX_VAR */
    Ex        red[MAX_AXES];
    int       nacc;
    ReduceOp  op[MAX_ACC];      /* all REDUCE_GENERAL, or none */
    Ex        init[MAX_ACC];
    Ex        body[MAX_ACC];
    Ex        combine[MAX_ACC]; /* REDUCE_GENERAL: in EX_ACC and EX_RHS */
    VEC(StageStore) stores;
    VEC(StageCheck) checks;
    VEC(const char *) origin; /* names of the user's nodes */
} Stage;

typedef VEC(Stage *) StageList;

/* A row-major buffer. */
Buf *buf_new(Arena *a, ExPool *p, int id, const char *name, Elem e, BufSpace space, int rank,
             const Ex *dim);
/* Row-major strides for the given dimensions; returns the number of elements. */
Ex   buf_row_major(ExPool *p, int rank, const Ex *dim, Ex *stride);
/* offset + sum index * stride. */
Ex   buf_flat(ExPool *p, const Buf *b, const Ex *index);

/* The value a reduction starts from: 0, 1, +inf / largest, -inf / smallest. */
Ex   reduce_init(ExPool *p, ReduceOp op, Elem e);
/* a combined with b. Not for REDUCE_GENERAL. */
Ex   reduce_combine(ExPool *p, ReduceOp op, Ex a, Ex b);

void stage_print(Str *s, const ExPool *p, const Stage *st);

#endif
