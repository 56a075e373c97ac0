/* Scalar expressions: one hash-consed DAG for everything that is computed or counted.
 *
 * A dimension, a loop extent, an index into a tensor and the value stored there are all `Ex`. Equal
 * expressions of one pool are one pointer, so equality is `==`.
 *
 * Integers of type i64 are kept in a normal form: a sum of monomials with constant coefficients,
 *     c0 + c1*m1 + c2*m2 + ...      (EX_LIN; each m a sorted product of atoms, EX_PROD, or an atom)
 * sorted by id, without zero coefficients. So (i + 1) * n - n is i*n, and two affine indices are
 * equal exactly when their pointers are. Division and modulus by the extents that variables range
 * over cancel: with j < n, (i*n + j) floor_div n is i. Arithmetic wraps; sizes were checked to fit
 * 63 bits where they entered (types, reader), which is what makes these rewrites sound.
 *
 * Floats are never reordered. Arithmetic on a storage type (f16, ...) becomes f32 arithmetic
 * with a cast back after every operation. */
#ifndef MLC_EXPR_H
#define MLC_EXPR_H

#include "ir/expr/tensor.h"

typedef enum ExOp {
    EX_CONST, /* `i` (integers, bool) or `f` (floats) */
    EX_SYM,   /* symbol number `i`: a size known at run time; i64, at least its minimum */
    EX_VAR,   /* loop variable or axis number `i`, 0 <= var < extent; i64 */
    EX_ACC,   /* result number `i` of the stage's reduction, or the running left side of a combine */
    EX_RHS,   /* right side number `i` of a reduction's combine */
    EX_LOAD,  /* buf[arg0, arg1, ...] */
    EX_GUARD, /* arg0 ? arg1 : arg2, where loads inside arg1 happen only if arg0 holds */
    EX_CAST,  /* arg0 converted to `elem` as ONNX Cast does (float to int truncates and wraps
                 as the hardware instruction for in-range values; float8 saturates if i != 0) */
    EX_BITS,  /* arg0's bits seen as `elem` of the same size */
    EX_LIN,   /* i + sum of coef[k] * arg[k] */
    EX_PROD,  /* product of two or more atoms */
#define X(id, name, arity, result) EX_##id,
#include "ir/expr/scalar.def"
#undef X
    EX_OP_COUNT
} ExOp;

typedef struct Expr Expr;
typedef const Expr *Ex;

/* What a load reads from. Kernels and stages own the descriptor; expressions only name it. */
typedef struct Buf Buf;

struct Expr {
    uint16_t op;   /* ExOp */
    uint8_t  elem; /* Elem of the result */
    uint8_t  narg;
    uint32_t id;   /* creation order within the pool: the order of everything sorted */
    union {
        int64_t i;
        double  f;
    };
    union {
        const Buf     *buf;  /* EX_LOAD */
        const int64_t *coef; /* EX_LIN */
    };
    Ex arg[];
};

typedef struct ExPool ExPool;

ExPool *ex_pool_new(Arena *a);
Arena  *ex_pool_arena(const ExPool *p);

/* ---- leaves ---- */
Ex ex_int(ExPool *p, int64_t v);              /* i64 */
Ex ex_const_i(ExPool *p, Elem e, int64_t v);  /* any integer type or bool, wrapped to its width */
Ex ex_const_f(ExPool *p, Elem e, double v);   /* any float type, rounded to it */
Ex ex_const(ExPool *p, Elem e, double v);     /* either, by type */
Ex ex_bool(ExPool *p, bool v);
/* A new run-time size with its least possible value (usually 1; 0 when it may be empty). `name`
 * is for people and is unique in the pool; a second call with one name gives the same symbol. */
Ex ex_sym(ExPool *p, const char *name, int64_t min);
Ex ex_sym_at(ExPool *p, int number);
int         ex_sym_count(const ExPool *p);
const char *ex_sym_name(const ExPool *p, int number);
int64_t     ex_sym_min(const ExPool *p, int number);
int64_t     ex_sym_max(const ExPool *p, int number); /* -1: unbounded */
/* A value to judge by where one is needed: what was said, or 1 or the least. */
int64_t     ex_sym_typical(const ExPool *p, int number);
/* Sets them; `max` -1: unbounded, `typical` 0: not known. What is made before does not profit. */
void        ex_sym_bound(ExPool *p, int number, int64_t min, int64_t max, int64_t typical);
/* A size or an element that only the run finds out: a step of the program sets it. At least `min`,
 * at most `max`, both of any sign. Always a new one; `name` is made unique. */
Ex   ex_sym_run_time(ExPool *p, const char *name, int64_t min, int64_t max);
bool ex_sym_is_run_time(const ExPool *p, int number);
/* Symbols that follow from the shapes of the inputs. Once ex_sym_keep() has put the pool in order
 * they are the first ones. */
int  ex_sym_bound_count(const ExPool *p);
/* Does e hold a run-time symbol? */
bool ex_is_run_time(const ExPool *p, Ex e);
/* Symbols that are not used[number] leave the pool; the others are renumbered in their order,
 * run-time symbols last. No expression that is still needed may hold one that leaves. */
void ex_sym_keep(ExPool *p, const bool *used);
/* A new variable that ranges over [0, extent). */
Ex ex_var(ExPool *p, Ex extent);
Ex ex_var_extent(const ExPool *p, Ex var);
int ex_var_count(const ExPool *p);
Ex ex_acc(ExPool *p, Elem e, int i);
Ex ex_rhs(ExPool *p, Elem e, int i);
Ex ex_load(ExPool *p, const Buf *b, Elem e, int n, const Ex *index);
Ex ex_guard(ExPool *p, Ex pred, Ex value, Ex otherwise);
Ex ex_cast(ExPool *p, Elem to, Ex a);
Ex ex_cast_saturating(ExPool *p, Elem to, Ex a);
Ex ex_bits(ExPool *p, Elem as, Ex a);

/* ---- operations; constants are folded, identities that are exact are applied ---- */
Ex ex_op(ExPool *p, ExOp op, int n, const Ex *args);
#define EX1(id, fn) static inline Ex fn(ExPool *p, Ex a) { return ex_op(p, EX_##id, 1, &a); }
#define EX2(id, fn) \
    static inline Ex fn(ExPool *p, Ex a, Ex b) { return ex_op(p, EX_##id, 2, (Ex[]){a, b}); }
EX2(ADD, ex_add)
EX2(SUB, ex_sub)
EX2(MUL, ex_mul)
EX2(DIV, ex_div)
EX2(REM, ex_rem)
EX2(FLOOR_DIV, ex_floor_div)
EX2(FLOOR_MOD, ex_floor_mod)
EX2(MIN, ex_min)
EX2(MAX, ex_max)
EX2(AND, ex_and)
EX2(OR, ex_or)
EX2(LT, ex_lt)
EX2(LE, ex_le)
EX2(EQ, ex_eq)
EX2(NE, ex_ne)
EX1(NEG, ex_neg)
EX1(NOT, ex_not)
#undef EX1
#undef EX2
Ex ex_select(ExPool *p, Ex cond, Ex yes, Ex no);
Ex ex_fma(ExPool *p, Ex a, Ex b, Ex c);
/* Smallest integer >= a / b for b > 0. */
Ex ex_ceil_div(ExPool *p, Ex a, Ex b);

/* ---- questions ---- */
bool ex_is_int(Ex e, int64_t *v); /* integer constant? its value (v may be NULL) */
bool ex_is(Ex e, int64_t v);      /* the integer constant v? */
bool ex_is_float(Ex e, double *v);
/* Proved for all values of variables and symbols; false means "not proved". */
bool ex_nonneg(ExPool *p, Ex e);
bool ex_proved_le(ExPool *p, Ex a, Ex b);
bool ex_proved_lt(ExPool *p, Ex a, Ex b);
/* Interval of an i64 expression, INT64_MIN / INT64_MAX where unbounded. */
void ex_range(ExPool *p, Ex e, int64_t *lo, int64_t *hi);
/* Does `e` contain this very leaf or sub-expression? */
bool ex_uses(Ex e, Ex leaf);
bool ex_uses_op(Ex e, ExOp op);
/* Nodes of e as a tree, shared ones as often as they are met; more than `most` when there are more. */
int ex_tree_size(Ex e, int most);
/* e = result * var + rest, with rest free of var: the coefficient, or NULL if not affine in var.
 * *rest may be NULL. The coefficient may hold symbols and other variables. */
Ex ex_affine(ExPool *p, Ex e, Ex var, Ex *rest);
/* Number of distinct nodes. */
int ex_size(ExPool *p, Ex e);

/* ---- rewriting ---- */
/* Called bottom-up for every distinct node after its arguments were rewritten; returns the node's
 * replacement, or NULL to keep it (rebuilt from the rewritten arguments). */
typedef Ex (*ExRewrite)(void *arg, ExPool *p, Ex rebuilt, Ex original);
Ex ex_rewrite(ExPool *p, Ex e, ExRewrite fn, void *arg);
/* Replaces leaves from[k] by to[k]. */
Ex ex_subst(ExPool *p, Ex e, int n, const Ex *from, const Ex *to);
/* Rewrites MATH operations into polynomials of the basic ones, f32 and f64. Maximum errors in
 * units in the last place are listed at each function in math.c and tested. */
Ex ex_expand_math(ExPool *p, Ex e);

/* ---- evaluation of sizes ---- */
/* The value of an i64 expression without loads and variables. `sym[k]` is the value of symbol k. */
int64_t ex_eval_size(Ex e, const int64_t *sym);

/* Appends a readable form: "2*batch + i3", "max(acc0, 0x0p+0)". `names` may be NULL. */
typedef struct Str Str;
void ex_print(Str *s, const ExPool *p, Ex e);

extern const char *const ex_op_name[EX_OP_COUNT];
extern const uint8_t     ex_op_arity[EX_OP_COUNT]; /* scalar.def rows only */
static inline bool ex_op_is_scalar(ExOp op) { return op >= EX_ADD; }

#endif
