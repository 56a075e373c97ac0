/* Clip: y = min(max(x, low), high). The bounds are scalars and may be run-time values. When
 * low > high, the result is high. */
#include "ir/ops/check.h"

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_NUMBER));
    for (int i = 1; i < 3; i++) {
        if (!node_has(n, i))
            continue;
        TRY(node_need_same_elem(n, 0, i));
        TRY(node_need_rank(n, i, 0, 1));
        if (n->in[i]->type.rank == 1)
            TRY(node_need_equal(n, n->in[i]->type.dim[0], ex_int(g->pool, 1), "size of a bound"));
    }
    return infer_same(g, n);
}

/* A bound, as a constant where it is one: then nobody has to load it. */
static Ex bound(Te *t, const Node *n, int i)
{
    double v;
    Tx b = te_in(t, i);
    Elem e = te_wide_elem(b->elem);
    if (value_scalar(n->in[i], &v) && elem_bits[e] <= 32)
        return te_const(t, e, v);
    return te_wide(t, te_load(t, b, (Ex[]){te_int(t, 0)}));
}

static void define(Te *t, const Node *n)
{
    te_stage(t, te_out(t, 0));
    Ex x = te_wide(t, te_load_bcast(t, te_in(t, 0)));
    if (node_has(n, 1))
        x = te_max(t, x, bound(t, n, 1));
    if (node_has(n, 2))
        x = te_min(t, x, bound(t, n, 2));
    te_yield(t, x);
}

static Elem input_elem(const RawNode *raw)
{
    Elem e = raw->in.len && raw->in.at[0] ? raw->in.at[0]->type.elem : ELEM_F32;
    return elem_is_float(e) ? e : ELEM_F32;
}

/* Before 11 the bounds were attributes. */
static Status upgrade(RawNode *raw)
{
    upgrade_plain(raw);
    if (raw->version < 11) {
        if (raw_attr(raw, "min") || raw_attr(raw, "max"))
            raw_rank(raw, 0);
        raw_attr_to_input(raw, "min", 1, input_elem(raw));
        raw_attr_to_input(raw, "max", 2, input_elem(raw));
    }
    return MLC_OK;
}

OP(clip) = {
    .name = "Clip", .since = {1, 6, 11, 12, 13}, .min_in = 1, .max_in = 3, .upgrade = upgrade,
    .infer = infer, .define = define, .doc = "y = min(max(x, low), high)",
};
