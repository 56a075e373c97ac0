/* Reductions over some dimensions: ReduceSum and its relatives. Each is
 *     y = after(reduce(before(x)))
 * with the functions of the table at the end. Without axes all dimensions are reduced, or none if
 * noop_with_empty_axes. Sums of f16 and bf16 are accumulated in f32.
 *
 * Where the run finds out which dimensions are reduced, each is an axis of the result and one of the
 * reduction, and one of the two has size 1. */
#include "ir/ops/axes.h"

#define REDUCE_ATTRS(A, S)                                                      \
    A(S, int, keepdims, "1", "1: reduced dimensions stay, with size 1")         \
    A(S, int, noop_with_empty_axes, "0", "1: without axes nothing is reduced")
ATTRS(ReduceAttrs, REDUCE_ATTRS);

/* The dimensions to reduce, from input 1. */
static Status reduced_dims(Graph *g, const Node *n, Axes *over)
{
    const ReduceAttrs *a = n->attrs;
    TRY(axes_read(g, n, 1, n->in[0]->type.rank, over));
    if (over->count == 0 && !a->noop_with_empty_axes)
        axes_all(g->pool, over);
    return MLC_OK;
}

static Status infer_classes(Graph *g, Node *n, unsigned classes)
{
    const ReduceAttrs *a = n->attrs;
    Axes over;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_elem(n, 0, classes));
    TRY(reduced_dims(g, n, &over));
    const Type *x = &n->in[0]->type;
    Type out = *x;
    if (!a->keepdims) {
        axes_drop(g->pool, &over, x->dim, out.dim);
        out.rank = x->rank - over.count;
    }
    for (int i = 0; i < x->rank && a->keepdims; i++)
        out.dim[i] = ex_select(g->pool, over.on[i], ex_int(g->pool, 1), x->dim[i]);
    node_set_type(n, 0, out);
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    return infer_classes(g, n, IS_NUMBER);
}

static Status infer_order(Graph *g, Node *n)
{
    return infer_classes(g, n, IS_DATA);
}

/* Opens the stage of `out` and loads x, widened, at axes and reduction axes. */
static Ex open_reduction(Te *t, const Node *n, Tx out, bool keepdims, Ex *count)
{
    Tx x = te_in(t, 0);
    Axes over;
    Status st = reduced_dims(n->graph, n, &over);
    assert(st == MLC_OK);
    (void)st;
    te_require_axes(t, &over);
    te_stage(t, out);
    Ex index[MAX_RANK], one = te_int(t, 1), zero = te_int(t, 0);
    *count = one;
    for (int i = 0; i < x->rank; i++) {
        Ex on = over.on[i], many = te_select(t, on, x->dim[i], one);
        Ex kept = keepdims ? te_axis(t, i)
                           : axes_pick(t->pool, axes_kept_before(t->pool, &over, i), out->rank,
                                       t->stage->axis, zero);
        index[i] = te_select(t, on, zero, kept);
        if (!ex_is(on, 0))
            index[i] = te_add(t, index[i], te_red(t, many));
        *count = te_mul(t, *count, many);
    }
    return te_wide(t, te_load(t, x, index));
}

static Ex no_change(Te *t, Ex x, Ex count)
{
    (void)t;
    (void)count;
    return x;
}

static Ex square(Te *t, Ex x, Ex count)
{
    (void)count;
    return te_mul(t, x, x);
}

static Ex magnitude(Te *t, Ex x, Ex count)
{
    (void)count;
    return elem_is_unsigned((Elem)x->elem) ? x : te_abs(t, x);
}

/* f(x), for integers computed in f64. */
static Ex as_float(Te *t, ExOp f, Ex x)
{
    Elem e = (Elem)x->elem;
    Ex v = elem_is_float(e) ? x : te_cast(t, ELEM_F64, x);
    return te_cast(t, e, ex_op(t->pool, f, 1, &v));
}

static Ex square_root(Te *t, Ex x, Ex count)
{
    (void)count;
    return as_float(t, EX_SQRT, x);
}

static Ex logarithm(Te *t, Ex x, Ex count)
{
    (void)count;
    return as_float(t, EX_LOG, x);
}

static Ex by_count(Te *t, Ex x, Ex count)
{
    Elem e = (Elem)x->elem;
    if (elem_is_float(e))
        return te_div(t, x, te_float_of(t, e, count));
    return te_div(t, x, te_max(t, te_cast(t, e, count), te_const(t, e, 1)));
}

typedef Ex (*Part)(Te *t, Ex x, Ex count);

static void define_by(Te *t, const Node *n, Part before, ReduceOp op, Part after)
{
    const ReduceAttrs *a = n->attrs;
    Ex count, y, x = open_reduction(t, n, te_out(t, 0), a->keepdims != 0, &count);
    bool is_bool = x->elem == ELEM_BOOL;
    Ex body = before(t, is_bool ? te_cast(t, ELEM_U8, x) : x, count);
    te_reduce_many(t, 1, &op, &body, &y);
    te_yield(t, after(t, y, count));
}

/* ln(sum e^(x - m)) + m with m = max x, or 0 where that is infinite. */
static void define_log_sum_exp(Te *t, const Node *n)
{
    const ReduceAttrs *a = n->attrs;
    Tx y = te_out(t, 0);
    Elem e = te_wide_elem(y->elem), f = elem_is_float(e) ? e : ELEM_F64;
    Tx max = te_temp(t, f, y->rank, y->dim);
    Ex count, x = open_reduction(t, n, max, a->keepdims != 0, &count);
    Ex m = te_max_over(t, te_cast(t, f, x)), inf = te_const(t, f, __builtin_inf());
    te_yield(t, te_select(t, te_eq(t, te_abs(t, m), inf), te_const(t, f, 0), m));
    x = te_cast(t, f, open_reduction(t, n, y, a->keepdims != 0, &count));
    m = te_load(t, max, t->stage->axis);
    te_yield(t, te_add(t, te_log(t, te_sum(t, te_exp(t, te_sub(t, x, m)))), m));
}

/* Axes were an attribute: before 18, and before 13 for ReduceSum. */
static Status upgrade(RawNode *raw)
{
    if (raw->version < 18)
        raw_attr_to_input(raw, "axes", 1, ELEM_I64);
    return MLC_OK;
}

#define REDUCE(name, before, op, after)            \
    static void name(Te *t, const Node *n)         \
    {                                              \
        define_by(t, n, before, REDUCE_##op, after); \
    }

REDUCE(define_sum, no_change, SUM, no_change)
REDUCE(define_mean, no_change, SUM, by_count)
REDUCE(define_max, no_change, MAX, no_change)
REDUCE(define_min, no_change, MIN, no_change)
REDUCE(define_prod, no_change, PROD, no_change)
REDUCE(define_l1, magnitude, SUM, no_change)
REDUCE(define_l2, square, SUM, square_root)
REDUCE(define_sum_square, square, SUM, no_change)
REDUCE(define_log_sum, no_change, SUM, logarithm)

#define RECORD(text, check, definition, formula, derivative, ...)                            \
    {.name = text, .since = {__VA_ARGS__}, .min_in = 1, .max_in = 2, ATTRS_OF(ReduceAttrs),  \
     .upgrade = upgrade, .infer = check, .define = definition, .grad = derivative,            \
     .doc = formula}

/* %x is %d repeated along what was reduced. */
#define SPREAD(name)                                                                          \
    "%r = " name "(%0, %1) {keepdims=1, noop_with_empty_axes=$noop_with_empty_axes}"         \
    " %kept = Shape(%r) %e = Reshape(%d, %kept) %s = Shape(%0) %x = Expand(%e, %s) "
#define MEAN_GRAD                                                                             \
    SPREAD("ReduceMean") "%all = Size(%0) %some = Size(%r) %af = CastLike(%all, %d)"         \
    " %sf = CastLike(%some, %d) %t = Mul(%x, %sf) %g = Div(%t, %af) out %g"

OP(reduce_sum) = RECORD("ReduceSum", infer, define_sum, "sum",
                        SPREAD("ReduceSum") "out %x", 1, 11, 13);
OP(reduce_mean) = RECORD("ReduceMean", infer, define_mean, "mean", MEAN_GRAD, 1, 11, 13, 18);
OP(reduce_max) = {
    .name = "ReduceMax", .since = {1, 11, 12, 13, 18, 20}, .later = {{"bool", 20}}, .min_in = 1,
    .max_in = 2, ATTRS_OF(ReduceAttrs), .upgrade = upgrade, .infer = infer_order,
    .define = define_max, .doc = "largest",
};
OP(reduce_min) = {
    .name = "ReduceMin", .since = {1, 11, 12, 13, 18, 20}, .later = {{"bool", 20}}, .min_in = 1,
    .max_in = 2, ATTRS_OF(ReduceAttrs), .upgrade = upgrade, .infer = infer_order,
    .define = define_min, .doc = "least",
};
OP(reduce_prod) = RECORD("ReduceProd", infer, define_prod, "product", NULL, 1, 11, 13, 18);
OP(reduce_l1) = RECORD("ReduceL1", infer, define_l1, "sum |x|", NULL, 1, 11, 13, 18);
OP(reduce_l2) = RECORD("ReduceL2", infer, define_l2, "sqrt(sum x^2)", NULL, 1, 11, 13, 18);
OP(reduce_sum_square) = RECORD("ReduceSumSquare", infer, define_sum_square, "sum x^2",
                               NULL, 1, 11, 13, 18);
OP(reduce_log_sum) = RECORD("ReduceLogSum", infer, define_log_sum, "ln(sum x)",
                            NULL, 1, 11, 13, 18, 28);
OP(reduce_log_sum_exp) = RECORD("ReduceLogSumExp", infer, define_log_sum_exp, "ln(sum e^x)",
                                NULL, 1, 11, 13, 18, 28);
