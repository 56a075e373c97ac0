/* Shape and Size: what is known of a tensor without its data. */
#include "ir/ops/check.h"

#define SHAPE_ATTRS(A, S)                                    \
    A(S, int, end, "", "first dimension that is left out")   \
    A(S, int, start, "0", "first dimension")
ATTRS(ShapeAttrs, SHAPE_ATTRS);

static int clamp_axis(int64_t v, int rank)
{
    if (v < 0)
        v = v < -rank ? 0 : v + rank;
    return (int)MIN(v, (int64_t)rank);
}

static void range_of(const Node *n, int rank, int *start, int *end)
{
    const ShapeAttrs *a = n->attrs;
    *start = clamp_axis(a->start, rank);
    *end = a->end == ATTR_INT_ABSENT ? rank : clamp_axis(a->end, rank);
    *end = MAX(*start, *end);
}

static Status infer_shape(Graph *g, Node *n)
{
    int start, end;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    range_of(n, n->in[0]->type.rank, &start, &end);
    Ex count = ex_int(g->pool, end - start);
    node_set_type(n, 0, type_tensor(ELEM_I64, 1, &count));
    return MLC_OK;
}

static void define_shape(Te *t, const Node *n)
{
    int start, end;
    Tx y = te_out(t, 0);
    range_of(n, n->in[0]->type.rank, &start, &end);
    for (int i = start; i < end; i++) {
        Ex at = te_int(t, i - start);
        te_stage_axes(t, 0, NULL);
        te_yield_at(t, y, &at, n->in[0]->type.dim[i]);
    }
}

OP(shape) = {
    .name = "Shape", .since = {1, 13, 15, 19, 21, 23, 24, 25}, .min_in = 1, .max_in = 1,
    .traits = OP_SHAPE_ONLY, ATTRS_OF(ShapeAttrs), .infer = infer_shape, .define = define_shape,
    .doc = "the dimensions of x",
};

static Status infer_size(Graph *g, Node *n)
{
    (void)g;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    node_set_type(n, 0, type_tensor(ELEM_I64, 0, NULL));
    return MLC_OK;
}

static void define_size(Te *t, const Node *n)
{
    te_stage(t, te_out(t, 0));
    te_yield(t, type_count(t->pool, &n->in[0]->type));
}

OP(size) = {
    .name = "Size", .since = {1, 13, 19, 21, 23, 24, 25}, .min_in = 1, .max_in = 1,
    .traits = OP_SHAPE_ONLY, .infer = infer_size, .define = define_size,
    .doc = "the number of elements of x",
};
