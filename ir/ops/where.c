/* Where: y = condition ? a : b, with numpy broadcasting of all three. */
#include "ir/ops/check.h"

static Status infer(Graph *g, Node *n)
{
    for (int i = 0; i < 3; i++)
        TRY(node_need_rank(n, i, 0, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_BOOL));
    TRY(node_need_elem(n, 1, IS_ANY));
    TRY(node_need_same_elem(n, 1, 2));
    Type data, out;
    TRY(broadcast_shapes(g, n, &n->in[1]->type, &n->in[2]->type, &data));
    TRY(broadcast_shapes(g, n, &data, &n->in[0]->type, &out));
    out.elem = n->in[1]->type.elem;
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    (void)n;
    te_stage(t, te_out(t, 0));
    Ex c = te_load_bcast(t, te_in(t, 0));
    Ex a = te_load_bcast(t, te_in(t, 1));
    Ex b = te_load_bcast(t, te_in(t, 2));
    te_yield(t, te_select(t, c, a, b));
}

OP(where) = {
    .name = "Where", .since = {9, 16}, .min_in = 3, .max_in = 3, .traits = OP_ELEMENTWISE,
    .infer = infer, .define = define, .doc = "y = condition ? a : b",
};
