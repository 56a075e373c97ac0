/* CumSum, CumProd: running sum or product along one axis, of the elements before it (exclusive) or
 * up to it. A scan: linear.
 *
 * x is read as [outer, n, inner] around the axis, so that the run may say which one it is. */
#include "ir/ops/axes.h"

#define CUM_ATTRS(A, S)                                          \
    A(S, int, exclusive, "0", "1: without the element itself")   \
    A(S, int, reverse, "0", "1: from the end")
ATTRS(CumAttrs, CUM_ATTRS);

static Status read_axis(Graph *g, const Node *n, Axes *axis)
{
    TRY(axes_read(g, n, 1, n->in[0]->type.rank, axis));
    if (axis->count != 1)
        return node_error(n, E0301, "input 1 has %d elements, must have 1", axis->count);
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    Axes axis;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(read_axis(g, n, &axis));
    return infer_number(g, n);
}

/* Opens a stage over y's dimensions with the scanned one last; index[] is the point's place in x. */
static void open_scan(Te *t, const Tx x, int axis, Ex *index)
{
    Ex extent[MAX_RANK];
    int count = 0;
    for (int i = 0; i < x->rank; i++)
        if (i != axis)
            extent[count++] = x->dim[i];
    extent[count] = x->dim[axis];
    te_stage_axes(t, x->rank, extent);
    for (int i = 0, k = 0; i < x->rank; i++)
        index[i] = te_axis(t, i == axis ? count : k++);
}

/* The same where the run says which axis it is. The element at scan position k of line (outer, inner)
 * stands at (outer * n + k) * inner's size + inner. */
static void open_any_scan(Te *t, const Tx x, Ex axis, bool reverse, Ex *index)
{
    ExPool *p = t->pool;
    Ex one = te_int(t, 1), size[3] = {one, one, one}; /* outer, inner, n */
    for (int i = 0; i < x->rank; i++) {
        Ex d = te_int(t, i);
        size[0] = ex_mul(p, size[0], ex_select(p, ex_lt(p, d, axis), x->dim[i], one));
        size[1] = ex_mul(p, size[1], ex_select(p, ex_lt(p, axis, d), x->dim[i], one));
        size[2] = ex_mul(p, size[2], ex_select(p, ex_eq(p, axis, d), x->dim[i], one));
    }
    te_stage_axes(t, 3, size);
    Ex k = te_axis(t, 2);
    if (reverse)
        k = te_sub(t, te_sub(t, size[2], one), k);
    Ex flat = te_add(t, te_mul(t, te_add(t, te_mul(t, te_axis(t, 0), size[2]), k), size[1]),
                     te_axis(t, 1));
    unflatten(p, flat, 0, x->rank, x->dim, index);
}

static void define_scan(Te *t, const Node *n, ReduceOp op)
{
    const CumAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    Axes axes;
    int64_t axis;
    Status st = read_axis(n->graph, n, &axes);
    assert(st == MLC_OK);
    (void)st;
    Ex index[MAX_RANK];
    te_require_axes(t, &axes);
    if (ex_is_int(axes.axis[0], &axis)) {
        open_scan(t, x, (int)axis, index);
        if (a->reverse)
            index[axis] = te_sub(t, te_sub(t, x->dim[axis], te_int(t, 1)), index[axis]);
    } else {
        open_any_scan(t, x, axes.axis[0], a->reverse != 0, index);
    }
    Ex v = te_wide(t, te_load(t, x, index));
    Ex before = te_scan(t, reduce_init(t->pool, op, (Elem)v->elem));
    Ex after = reduce_combine(t->pool, op, before, v);
    te_scan_step(t, after);
    te_yield_at(t, y, index, a->exclusive ? before : after);
}

static void define_sum(Te *t, const Node *n)
{
    define_scan(t, n, REDUCE_SUM);
}

static void define_prod(Te *t, const Node *n)
{
    define_scan(t, n, REDUCE_PROD);
}

OP(cum_sum) = {
    .name = "CumSum", .since = {11, 14}, .min_in = 2, .max_in = 2, ATTRS_OF(CumAttrs),
    .infer = infer, .define = define_sum, .doc = "running sum",
};
OP(cum_prod) = {
    .name = "CumProd", .since = {26}, .min_in = 2, .max_in = 2, ATTRS_OF(CumAttrs),
    .infer = infer, .define = define_prod, .doc = "running product",
};
