/* SwiGLU: y = a sigmoid(alpha a) b, for a and b of one shape. */
#include "ir/ops/check.h"

#define SWIGLU_ATTRS(A, S) A(S, float, alpha, "1", "scales a inside the sigmoid")
ATTRS(SwigluAttrs, SWIGLU_ATTRS);

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_rank(n, 1, n->in[0]->type.rank, n->in[0]->type.rank));
    TRY(node_need_same_elem(n, 0, 1));
    for (int i = 0; i < n->in[0]->type.rank; i++)
        TRY(node_need_equal(n, n->in[0]->type.dim[i], n->in[1]->type.dim[i], "shapes of a and b"));
    return infer_float(g, n);
}

static void define(Te *t, const Node *n)
{
    const SwigluAttrs *s = n->attrs;
    Tx x = te_in(t, 0), y = te_in(t, 1);
    for (int i = 0; i < x->rank; i++)
        te_require_equal(t, x->dim[i], y->dim[i]);
    te_stage(t, te_out(t, 0));
    Ex a = te_wide(t, te_load(t, x, t->stage->axis)), b = te_wide(t, te_load(t, y, t->stage->axis));
    Ex gate = te_sigmoid(t, te_mul(t, te_like(t, a, s->alpha), a));
    te_yield(t, te_mul(t, te_mul(t, a, gate), b));
}

OP(swiglu) = {
    .name = "SwiGLU", .since = {28}, .min_in = 2, .max_in = 2, ATTRS_OF(SwigluAttrs),
    .infer = infer, .define = define, .doc = "y = a sigmoid(alpha a) b",
};
