/* PRelu: y = x < 0 ? slope * x : x; the slope broadcasts to x. */
#include "ir/ops/check.h"

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(node_need_same_elem(n, 0, 1));
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_rank(n, 1, 0, n->in[0]->type.rank));
    Type out;
    TRY(broadcast_shapes(g, n, &n->in[0]->type, &n->in[1]->type, &out));
    for (int i = 0; i < out.rank; i++)
        TRY(node_need_equal(n, out.dim[i], n->in[0]->type.dim[i], "the slope does not fit x"));
    return infer_same(g, n);
}

static void define(Te *t, const Node *n)
{
    (void)n;
    te_stage(t, te_out(t, 0));
    Ex x = te_wide(t, te_load_bcast(t, te_in(t, 0)));
    Ex slope = te_wide(t, te_load_bcast(t, te_in(t, 1)));
    te_yield(t, te_select(t, te_lt(t, x, te_like(t, x, 0)), te_mul(t, slope, x), x));
}

/* Before 7 the slope was one number or one per channel (dimension 1). */
static Status upgrade(RawNode *raw)
{
    upgrade_plain(raw);
    if (raw->version < 7 && raw->in.len == 2) {
        int rank = raw_rank(raw, 0), slope = raw_rank(raw, 1);
        const Value *v = raw->in.at[1];
        if (rank > 2 && slope == 1 && !ex_is(v->type.dim[0], 1))
            return raw_trailing_ones(raw, 1, rank - 2);
    }
    return MLC_OK;
}

OP(prelu) = {
    .name = "PRelu", .since = {1, 6, 7, 9, 16}, .min_in = 2, .max_in = 2,
    .traits = OP_ELEMENTWISE, .upgrade = upgrade, .infer = infer, .define = define,
    .doc = "y = x < 0 ? slope * x : x",
};
