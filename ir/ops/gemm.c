/* Gemm: y = alpha * a' b' + beta * c, where ' transposes if asked to; c broadcasts to y. */
#include "ir/ops/check.h"

#define GEMM_ATTRS(A, S)                              \
    A(S, float, alpha, "1", "scale of the product")   \
    A(S, float, beta, "1", "scale of c")              \
    A(S, int, transA, "0", "1: a is transposed")      \
    A(S, int, transB, "0", "1: b is transposed")
ATTRS(GemmAttrs, GEMM_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const GemmAttrs *at = n->attrs;
    for (int i = 0; i < 2; i++)
        TRY(node_need_rank(n, i, 2, 2));
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(node_need_same_elem(n, 0, 1));
    const Type *a = &n->in[0]->type, *b = &n->in[1]->type;
    TRY(node_need_equal(n, a->dim[!at->transA], b->dim[!!at->transB],
                        "inner dimensions of the product differ"));
    Ex dim[2] = {a->dim[!!at->transA], b->dim[!at->transB]};
    Type out = type_tensor(a->elem, 2, dim);
    if (node_has(n, 2)) {
        TRY(node_need_same_elem(n, 0, 2));
        TRY(node_need_rank(n, 2, 0, 2));
        Type sum;
        TRY(broadcast_shapes(g, n, &out, &n->in[2]->type, &sum));
        for (int i = 0; i < 2; i++)
            TRY(node_need_equal(n, dim[i], sum.dim[i], "input c does not fit the product"));
    }
    node_set_type(n, 0, out);
    return MLC_OK;
}

/* factor * x, for integers computed as floats. */
static Ex scaled(Te *t, float factor, Ex x)
{
    Elem e = (Elem)x->elem;
    if (factor == 1)
        return x;
    if (elem_is_float(e))
        return te_mul(t, te_const(t, e, factor), x);
    Ex f = te_cast(t, ELEM_F64, x);
    return te_cast(t, e, te_mul(t, te_const(t, ELEM_F64, factor), f));
}

static void define(Te *t, const Node *n)
{
    const GemmAttrs *at = n->attrs;
    Tx a = te_in(t, 0), b = te_in(t, 1), c = te_in(t, 2);
    Ex extent = a->dim[!at->transA];
    te_require_equal(t, extent, b->dim[!!at->transB]);
    te_stage(t, te_out(t, 0));
    Ex k = te_red(t, extent), i = te_axis(t, 0), j = te_axis(t, 1);
    Ex va = te_wide(t, te_load(t, a, at->transA ? (Ex[]){k, i} : (Ex[]){i, k}));
    Ex vb = te_wide(t, te_load(t, b, at->transB ? (Ex[]){j, k} : (Ex[]){k, j}));
    Ex y = scaled(t, at->alpha, te_sum(t, te_mul(t, va, vb)));
    if (c && at->beta != 0)
        y = te_add(t, y, scaled(t, at->beta, te_wide(t, te_load_bcast(t, c))));
    te_yield(t, y);
}

static Status upgrade(RawNode *raw)
{
    raw_drop(raw, "broadcast");
    return MLC_OK;
}

OP(gemm) = {
    .name = "Gemm", .since = {1, 6, 7, 9, 11, 13}, .min_in = 2, .max_in = 3, ATTRS_OF(GemmAttrs),
    .upgrade = upgrade, .infer = infer, .define = define, .doc = "y = alpha * a b + beta * c",
};
