/* Pow: y = a ^ b in a's element type; b may have another. Integer bases are computed in f64, where
 * a whole power that fits is exact after rounding; other results are truncated. */
#include "ir/ops/check.h"

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_rank(n, 1, 0, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(node_need_elem(n, 1, IS_NUMBER));
    Type out;
    TRY(broadcast_shapes(g, n, &n->in[0]->type, &n->in[1]->type, &out));
    out.elem = n->in[0]->type.elem;
    node_set_type(n, 0, out);
    return MLC_OK;
}

/* Small whole exponents are products, which is exact for integers and much faster. */
static void define(Te *t, const Node *n)
{
    double k;
    te_stage(t, te_out(t, 0));
    Ex a = te_wide(t, te_load_bcast(t, te_in(t, 0)));
    if (value_scalar(n->in[1], &k) && (k == 1 || k == 2 || k == 3)) {
        Ex y = k == 1 ? a : te_mul(t, a, a);
        te_yield(t, k == 3 ? te_mul(t, y, a) : y);
        return;
    }
    bool is_float = elem_is_float((Elem)a->elem);
    Elem e = is_float ? (Elem)a->elem : ELEM_F64;
    Ex b = te_cast(t, e, te_load_bcast(t, te_in(t, 1)));
    Ex y = te_pow(t, te_cast(t, e, a), b);
    if (!is_float)
        y = te_select(t, te_eq(t, b, te_trunc(t, b)), te_round_even(t, y), y);
    te_yield(t, y);
}

OP(pow) = {
    .name = "Pow", .since = {1, 7, 12, 13, 15}, .min_in = 2, .max_in = 2,
    .traits = OP_ELEMENTWISE, .upgrade = upgrade_broadcast, .infer = infer, .define = define,
    .doc = "y = a ^ b",
};
