/* Stages: what is computed.  Buffers with a shape, and for each element one expression.
 *
 * A stage means: for every point of its axes, in no particular order,
 *     acc[i] = combination over the reduction axes of body[i], starting from init[i]
 *     store[s].buf[store[s].index...] = store[s].value            (value may use EX_ACC i)
 * Stages run one after another. A map has no reduction axes. Points of a map or reduce stage write
 * different elements. A scan's last axis is sequential: EX_ACC i is the running state before the
 * point, body[i] the state after it; it may store to one element again and load what it stored. A scatter may write an element more than once, in axis order.
 *
 * Between stages that compute stand stages that control: they set symbols, choose, repeat, move memory
 * or call a function of the runtime. Their memory is args, their number is `value`:
 *     SET   symbol := element `value` of args[0], or `value` where there are no args; the run fails
 *           with MLC_RUN_SHAPE where the symbol's bounds do not hold
 *     IF    the stages to the matching ELSE where value is not 0, else those from there to END
 *     LOOP  the stages to the matching END as long as value is not 0
 *     MOVE  args[0] := args[1], whole, which nobody reads afterwards
 *     GROW  args[0] has room for `value` elements from now on and keeps what it holds
 *     CALL  a runtime function reads and writes args
 *
 * Loads are in bounds: proved, or excluded by EX_GUARD, or by a check of an earlier stage. A load
 * that is not is reported by the interpreter as a defect. */
#ifndef MLC_STAGE_H
#define MLC_STAGE_H

#include "ir/base/vec.h"
#include "ir/expr/buf.h"

enum { MAX_AXES = 24, MAX_ACC = 4 };

typedef enum StageKind { STAGE_MAP, STAGE_REDUCE, STAGE_SCAN, STAGE_SCATTER,
    STAGE_SET, STAGE_IF, STAGE_ELSE, STAGE_LOOP, STAGE_END, STAGE_MOVE, STAGE_GROW, STAGE_CALL,
} StageKind;
typedef enum ReduceOp { REDUCE_SUM, REDUCE_PROD, REDUCE_MIN, REDUCE_MAX, REDUCE_GENERAL } ReduceOp;

#define STAGE_USER_CALL "user:"

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
    /* control stages only */
    VEC(Buf *)  args;
    Ex          symbol;     /* SET */
    bool        again;      /* SET of a symbol that has more than one SET */
    Ex          value;
    const char *call;       /* CALL: name of the function; STAGE_USER_CALL and a C name: the user's */
    int         nwritten;   /* CALL: the first args are results */
    VEC(Ex)     params;     /* CALL: further numbers, of symbols */
} Stage;

static inline bool stage_is_control(const Stage *s) { return s->kind >= STAGE_SET; }

typedef VEC(Stage *) StageList;

/* A row-major buffer; strings are their references, u64. */
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
