/* Transpose: y[i0, i1, ...] = x[...] with y's dimension k being x's dimension perm[k]. */
#include "ir/ops/check.h"

#define TRANSPOSE_ATTRS(A, S) A(S, ints, perm, "", "default: reversed")
ATTRS(TransposeAttrs, TRANSPOSE_ATTRS);

static int source(const Node *n, int rank, int i)
{
    const TransposeAttrs *a = n->attrs;
    return a->perm.set ? (int)a->perm.at[i] : rank - 1 - i;
}

static Status infer(Graph *g, Node *n)
{
    (void)g;
    const TransposeAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    const Type *x = &n->in[0]->type;
    bool seen[MAX_RANK];
    if (a->perm.set) {
        if (a->perm.n != x->rank)
            return node_error(n, E0203, "attribute 'perm' has %d values for rank %d", a->perm.n,
                              x->rank);
        for (int i = 0; i < a->perm.n; i++)
            if (a->perm.at[i] < 0 || a->perm.at[i] >= x->rank)
                return node_error(n, E0302, "perm[%d] is %lld for rank %d", i,
                                  (long long)a->perm.at[i], x->rank);
        TRY(node_axes(n, x->rank, a->perm.n, a->perm.at, seen));
    }
    Type out = *x;
    for (int i = 0; i < x->rank; i++)
        out.dim[i] = x->dim[source(n, x->rank, i)];
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    Tx x = te_in(t, 0);
    te_stage(t, te_out(t, 0));
    Ex index[MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        index[source(n, x->rank, i)] = te_axis(t, i);
    te_yield(t, te_load(t, x, index));
}

OP(transpose) = {
    .name = "Transpose", .since = {1, 13, 21, 23, 24, 25}, .min_in = 1, .max_in = 1,
    ATTRS_OF(TransposeAttrs), .infer = infer, .define = define, .doc = "permutes the dimensions",
};
