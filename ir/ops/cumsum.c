/* CumSum, CumProd: running sum or product along one axis, of the elements before it (exclusive) or
 * up to it. A scan: linear. */
#include "ir/ops/check.h"

#define CUM_ATTRS(A, S)                                          \
    A(S, int, exclusive, "0", "1: without the element itself")   \
    A(S, int, reverse, "0", "1: from the end")
ATTRS(CumAttrs, CUM_ATTRS);

static Status read_axis(Graph *g, const Node *n, int *axis)
{
    int64_t v;
    int count;
    TRY(node_const_ints(g, n, 1, 1, &v, &count, NULL));
    if (count != 1)
        return node_error(n, E0301, "input 1 has %d elements, must have 1", count);
    return node_axis(n, v, n->in[0]->type.rank, axis);
}

static Status infer(Graph *g, Node *n)
{
    int axis;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(read_axis(g, n, &axis));
    return infer_number(g, n);
}

/* The stage's axes are y's with the scanned one last. */
static void define_scan(Te *t, const Node *n, ReduceOp op)
{
    const CumAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    int axis = 0, count = 0;
    Status st = read_axis(n->graph, n, &axis);
    assert(st == MLC_OK);
    (void)st;
    Ex extent[MAX_RANK], index[MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        if (i != axis)
            extent[count++] = x->dim[i];
    extent[count] = x->dim[axis];
    te_stage_axes(t, x->rank, extent);
    for (int i = 0, k = 0; i < x->rank; i++)
        if (i != axis)
            index[i] = te_axis(t, k++);
    Ex k = te_axis(t, count);
    index[axis] = a->reverse ? te_sub(t, te_sub(t, x->dim[axis], te_int(t, 1)), k) : k;
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
