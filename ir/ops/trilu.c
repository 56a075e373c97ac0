/* Trilu: the upper (j - i >= k) or lower (j - i <= k) triangle of the last two dimensions; the rest
 * is 0. k may be a run-time value. */
#include "ir/ops/check.h"

#define TRILU_ATTRS(A, S) A(S, int, upper, "1", "1: upper, 0: lower")
ATTRS(TriluAttrs, TRILU_ATTRS);

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_ANY));
    if (node_has(n, 1)) {
        TRY(node_need_rank(n, 1, 0, 1));
        TRY(node_need_elem(n, 1, IS_INT));
    }
    return infer_same(g, n);
}

static void define(Te *t, const Node *n)
{
    const TriluAttrs *a = n->attrs;
    Tx x = te_in(t, 0), k = te_in(t, 1);
    int64_t v;
    int count;
    te_stage(t, te_out(t, 0));
    Ex diagonal = te_int(t, 0);
    if (k && value_ints(n->graph, n->in[1], 1, &v, &count) && count == 1)
        diagonal = te_int(t, MAX(-MAX_ATTR_SIZE, MIN(MAX_ATTR_SIZE, v)));
    else if (k)
        diagonal = te_cast(t, ELEM_I64, te_load(t, k, (Ex[]){te_int(t, 0)}));
    Ex i = te_axis(t, x->rank - 2), j = te_axis(t, x->rank - 1), edge = te_add(t, i, diagonal);
    Ex keep = a->upper ? te_le(t, edge, j) : te_le(t, j, edge);
    te_yield(t, te_select(t, keep, te_load(t, x, t->stage->axis), te_const(t, x->elem, 0)));
}

OP(trilu) = {
    .name = "Trilu", .since = {14}, .min_in = 1, .max_in = 2, ATTRS_OF(TriluAttrs),
    .infer = infer, .define = define, .doc = "a triangle of each matrix",
};
OP(ms_trilu) = {
    .name = "Trilu", .domain = "com.microsoft", .since = {1}, .min_in = 1, .max_in = 2,
    ATTRS_OF(TriluAttrs), .infer = infer, .define = define, .doc = "a triangle of each matrix",
};
