/* MatMul: y[..., m, n] = sum over k of a[..., m, k] * b[..., k, n]; leading dimensions broadcast as
 * in numpy; a vector on the left is a row, on the right a column, and its dimension disappears. */
#include "ir/ops/matmul.h"

Status matmul_infer(Graph *g, Node *n, int ia, int ib, Elem e)
{
    TRY(node_need_rank(n, ia, 1, MAX_RANK));
    TRY(node_need_rank(n, ib, 1, MAX_RANK));
    const Type *a = &n->in[ia]->type, *b = &n->in[ib]->type;
    Ex ka = a->dim[a->rank - 1], kb = b->dim[b->rank > 1 ? b->rank - 2 : 0];
    TRY(node_need_equal(n, ka, kb, "inner dimensions of the product differ"));
    Type lead_a = {.kind = TYPE_TENSOR, .elem = e, .rank = MAX(a->rank - 2, 0)};
    Type lead_b = {.kind = TYPE_TENSOR, .elem = e, .rank = MAX(b->rank - 2, 0)};
    memcpy(lead_a.dim, a->dim, (size_t)lead_a.rank * sizeof(Ex));
    memcpy(lead_b.dim, b->dim, (size_t)lead_b.rank * sizeof(Ex));
    Type out;
    TRY(broadcast_shapes(g, n, &lead_a, &lead_b, &out));
    if (a->rank > 1)
        out.dim[out.rank++] = a->dim[a->rank - 2];
    if (b->rank > 1)
        out.dim[out.rank++] = b->dim[b->rank - 1];
    out.elem = e;
    node_set_type(n, 0, out);
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(node_need_same_elem(n, 0, 1));
    return matmul_infer(g, n, 0, 1, n->in[0]->type.elem);
}

/* Index of the leading dimensions of x at the output's leading axes. */
static void lead_index(Te *t, Tx x, int out_lead, Ex *index)
{
    int lead = x->rank - 2;
    for (int i = 0; i < lead; i++)
        index[i] = te_bcast_index(t, x->dim[i], te_axis(t, out_lead - lead + i));
}

void matmul_open(Te *t, Tx a, Tx b, Tx y, Ex *ia, Ex *ib)
{
    Ex k_extent = a->dim[a->rank - 1];
    te_require_equal(t, k_extent, b->dim[b->rank > 1 ? b->rank - 2 : 0]);
    te_stage(t, y);
    int lead = MAX(MAX(a->rank, b->rank) - 2, 0), axis = lead;
    Ex k = te_red(t, k_extent);
    lead_index(t, a, lead, ia);
    lead_index(t, b, lead, ib);
    if (a->rank > 1)
        ia[a->rank - 2] = te_axis(t, axis++);
    ia[a->rank - 1] = k;
    ib[b->rank > 1 ? b->rank - 2 : 0] = k;
    if (b->rank > 1)
        ib[b->rank - 1] = te_axis(t, axis);
}

static void define(Te *t, const Node *n)
{
    (void)n;
    Tx a = te_in(t, 0), b = te_in(t, 1);
    Ex ia[MAX_RANK], ib[MAX_RANK];
    matmul_open(t, a, b, te_out(t, 0), ia, ib);
    Ex va = te_wide(t, te_load(t, a, ia)), vb = te_wide(t, te_load(t, b, ib));
    te_yield(t, te_sum(t, te_mul(t, va, vb)));
}

OP(matmul) = {
    .name = "MatMul", .since = {1, 9, 13}, .min_in = 2, .max_in = 2, .infer = infer,
    .define = define, .doc = "y = a b, batched",
    .grad = "%a = Einsum(%d, %1) {equation=\"...ij,...kj->...ik\"}"
            " %b = Einsum(%0, %d) {equation=\"...ij,...ik->...jk\"} out %a out %b",
};
