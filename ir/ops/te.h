/* Te: the language in which operators say what they mean.
 *
 * A definition is a sequence of stages. Each stage has one axis per dimension of the tensor it
 * writes, may have reduction axes, and yields one scalar expression per element:
 *
 *     te_stage(t, te_out(t, 0));                       // axes 0..rank-1 of the output
 *     Ex k = te_red(t, te_dim(t, x, 1));               // sum over k
 *     Ex s = te_sum(t, te_mul(t, te_load(t, x, (Ex[]){te_axis(t, 0), k}), ...));
 *     te_yield(t, te_max(t, s, te_const(t, elem, 0)));
 *
 * Definitions never mention order, vectors, threads or memory. Anything wrong with the node was
 * reported by `infer`; here it is an assertion. */
#ifndef MLC_TE_H
#define MLC_TE_H

#include "ir/graph/op_info.h"
#include "ir/kernel/stage.h"

/* A tensor in a definition: an input, an output or an intermediate. */
typedef Buf *Tx;

/* A constant string is this and its offset in the pool; 0 is "". As runtime/text.h says. */
#define TE_TEXT_POOL ((uint64_t)0x7f5 << 52)

/* Where strings lie: runtime/text.h. */
typedef struct TeText {
    Tx   pool, heap; /* bytes */
    Ex   room;       /* symbol: of the heap, all of them taken; NULL: nothing makes strings */
} TeText;

struct Te {
    ExPool      *pool;
    Arena       *arena;
    StageList   *stages;         /* where finished stages go */
    const Node  *node;
    Tx         (*buf_of)(void *arg, const Value *v); /* the buffer that stands for a value */
    void        *buf_arg;
    /* Control flow: NULL where a definition is only looked at (folding). */
    void       (*bind)(void *arg, const Value *v, Buf *b);
    void       (*graph)(void *arg, struct Te *t, const Graph *body);
    TeText      *text;           /* NULL where a definition is only looked at */
    int          next_id;        /* Buf.id of the next intermediate */
    Stage       *stage;          /* being built, or NULL */
    Tx           target;         /* what te_yield() writes; NULL after te_stage_axes() */
};

Tx te_in(Te *t, int i);   /* input i; NULL when omitted */
Tx te_out(Te *t, int i);  /* output i; NULL when omitted */
/* An intermediate tensor of this definition. */
Tx te_temp(Te *t, Elem e, int rank, const Ex *dim);
/* Constant data of this definition. */
Tx te_table(Te *t, const Tensor *data);
static inline Ex te_dim(Tx x, int i) { return x->dim[i]; }

/* Opens a stage that computes every element of `out`. */
void te_stage(Te *t, Tx out);
/* Opens a stage with free axes, for te_yield_at(): Concat, Scatter. */
void te_stage_axes(Te *t, int n, const Ex *extent);
int  te_rank(const Te *t);          /* axes of the open stage, reductions aside */
Ex   te_axis(Te *t, int i);         /* axis i of the open stage */
Ex   te_red(Te *t, Ex extent);      /* a new reduction axis */

/* x[index...] with exactly x->rank indices. */
Ex te_load(Te *t, Tx x, const Ex *index);
/* x at the stage's position by numpy broadcasting: aligned at the last axis; a dimension of 1
 * repeats. A dimension that may be 1 or more at run time gets index `dim == 1 ? 0 : axis`. */
Ex te_load_bcast(Te *t, Tx x);
/* That index: of a dimension `dim` which an axis of the open stage runs over or repeats. */
Ex te_bcast_index(Te *t, Ex dim, Ex axis);
/* x[index...] where every index is inside the tensor, `otherwise` elsewhere. Proved bounds cost
 * nothing. */
Ex te_load_padded(Te *t, Tx x, const Ex *index, Ex otherwise);
/* The same where only dimensions `first` and later can be left. */
Ex te_load_padded_from(Te *t, Tx x, int first, const Ex *index, Ex otherwise);

/* Reductions over all of the stage's reduction axes, in no promised order. At most one call per
 * stage; the result may be used in te_yield(). */
Ex te_sum(Te *t, Ex x);
Ex te_prod(Te *t, Ex x);
Ex te_min_over(Te *t, Ex x);
Ex te_max_over(Te *t, Ex x);
/* Several values reduced together, each by its own operation; out[i] are the results. */
void te_reduce_many(Te *t, int n, const ReduceOp *op, const Ex *x, Ex *out);
/* A general associative reduction of n values. `combine` is in terms of ex_acc(i) (what came
 * earlier in axis order) and ex_rhs(i) (what came later). */
void te_reduce_general(Te *t, int n, const Ex *init, const Ex *x, const Ex *combine, Ex *out);

/* A scan along the last axis: te_scan() returns the state before the point (init at its start) and
 * te_scan_step() says the state after it. At most one scan per stage, without reduction axes. Its
 * points may store to one element again and load what earlier ones stored; stores come before the step. */
Ex   te_scan(Te *t, Ex init);
void te_scan_step(Te *t, Ex next);
/* The same with n states, at most MAX_ACC. */
void te_scan_many(Te *t, int n, const Ex *init, Ex *state);
void te_scan_step_many(Te *t, int n, const Ex *next);

/* Closes the stage: out[axes] = value, converted to out's element type. */
void te_yield(Te *t, Ex value);
/* Closes the stage: out[index...] = value, converted likewise. */
void te_yield_at(Te *t, Tx out, const Ex *index, Ex value);
/* The same without closing the stage: a further output. */
void te_store(Te *t, Tx out, const Ex *index, Ex value);
/* The run fails with `code` (runtime/mlc_abi.h) unless cond holds everywhere. What may only happen
 * where cond holds (a load, a division) belongs into a later stage. */
void te_check(Te *t, Ex cond, int code);
/* The run fails with MLC_RUN_SHAPE unless cond, which is in symbols only, holds: a stage of its own
 * before the open one. Proved conditions cost nothing. */
void te_require(Te *t, Ex cond);
void te_require_equal(Te *t, Ex a, Ex b);
/* `out` elements along a dimension are read from `in` of them: unless there are none, in is not 0. */
void te_require_source(Te *t, Ex in, Ex out);
/* Closes the stage as it is: for stages that only check. */
void te_close(Te *t);

/* ---- control: what the host does between stages ---- */
/* A new symbol that te_set() gives its values. */
Ex   te_symbol(Te *t, const char *name, int64_t min, int64_t max);
/* symbol := value, which is in symbols. */
void te_set(Te *t, Ex symbol, Ex value);
/* symbol := element `index` (flat) of x, an integer or bool tensor. */
void te_set_element(Te *t, Ex symbol, Tx x, Ex index);
void te_if(Te *t, Ex cond); /* in symbols; te_else() is optional */
void te_else(Te *t);
void te_loop(Te *t, Ex cond); /* as long as cond is not 0 */
void te_end(Te *t);           /* of the innermost if or loop */
/* to := from; equal element counts when it happens. `from` is not read afterwards. */
void te_move(Te *t, Tx to, Tx from);
void te_grow(Te *t, Tx x, Ex elements);
/* Calls a function of the runtime (runtime/calls.h). */
void te_call(Te *t, const char *name, int nout, const Tx *out, int nin, const Tx *in, int nparam,
             const Ex *param);
/* Everything that the nodes of `body` compute, here. Its values have buffers of their own, but those
 * that te_bind() named. */
void te_graph(Te *t, const Graph *body);
/* `x` stands for the value of a body. */
void te_bind(Te *t, const Value *v, Tx x);
/* The buffer of any value, of a body too. */
Tx   te_value(Te *t, const Value *v);

/* x as a type with arithmetic of its own: f16, bf16 and f8 become f32, 2- and 4-bit integers i32.
 * Reductions widen by themselves. */
Ex   te_wide(Te *t, Ex x);
Elem te_wide_elem(Elem e);

/* Constants and arithmetic: short names for ex_*. */
static inline Ex te_int(Te *t, int64_t v) { return ex_int(t->pool, v); }
static inline Ex te_const(Te *t, Elem e, double v) { return ex_const(t->pool, e, v); }
#define TE1(id, fn) static inline Ex fn(Te *t, Ex a) { return ex_op(t->pool, EX_##id, 1, &a); }
#define TE2(id, fn) \
    static inline Ex fn(Te *t, Ex a, Ex b) { return ex_op(t->pool, EX_##id, 2, (Ex[]){a, b}); }
TE2(ADD, te_add)
TE2(SUB, te_sub)
TE2(MUL, te_mul)
TE2(DIV, te_div)
TE2(REM, te_rem)
TE2(FLOOR_DIV, te_floor_div)
TE2(FLOOR_MOD, te_floor_mod)
TE2(MIN, te_min)
TE2(MAX, te_max)
TE2(AND, te_and)
TE2(OR, te_or)
TE2(XOR, te_xor)
TE2(SHL, te_shl)
TE2(SHR, te_shr)
TE2(LT, te_lt)
TE2(LE, te_le)
TE2(EQ, te_eq)
TE2(NE, te_ne)
TE2(POW, te_pow)
TE1(NEG, te_neg)
TE1(ABS, te_abs)
TE1(NOT, te_not)
TE1(SQRT, te_sqrt)
TE1(FLOOR, te_floor)
TE1(CEIL, te_ceil)
TE1(TRUNC, te_trunc)
TE1(ROUND_EVEN, te_round_even)
TE1(EXP, te_exp)
TE1(LOG, te_log)
TE1(ERF, te_erf)
TE1(TANH, te_tanh)
TE1(SIGMOID, te_sigmoid)
#undef TE1
#undef TE2
static inline Ex te_select(Te *t, Ex c, Ex yes, Ex no) { return ex_select(t->pool, c, yes, no); }
static inline Ex te_cast(Te *t, Elem e, Ex a) { return ex_cast(t->pool, e, a); }
/* a as an expression of x's type. */
static inline Ex te_like(Te *t, Ex x, double v) { return ex_const(t->pool, (Elem)x->elem, v); }

/* Runs the node's definition, adding its stages. */
void te_define(Te *t, const Node *n);

#endif
