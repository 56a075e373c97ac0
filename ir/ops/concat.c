/* Concat: the inputs one after another along `axis`. One stage per input stores its slice. */
#include "ir/ops/check.h"

#define CONCAT_ATTRS(A, S) A(S, int, axis, NULL, "the dimension to join")
ATTRS(ConcatAttrs, CONCAT_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const ConcatAttrs *a = n->attrs;
    int axis;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    Type out = n->in[0]->type;
    TRY(node_axis(n, a->axis, out.rank, &axis));
    for (int i = 1; i < n->nin; i++) {
        TRY(node_need_rank(n, i, out.rank, out.rank));
        TRY(node_need_same_elem(n, 0, i));
        const Type *x = &n->in[i]->type;
        for (int k = 0; k < out.rank; k++) {
            if (k == axis)
                continue;
            TRY(node_need_equal(n, out.dim[k], x->dim[k], "dimensions of the inputs differ"));
            if (ex_is_int(x->dim[k], NULL))
                out.dim[k] = x->dim[k];
        }
        out.dim[axis] = ex_add(g->pool, out.dim[axis], x->dim[axis]);
    }
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    const ConcatAttrs *a = n->attrs;
    Tx y = te_out(t, 0);
    int axis = (int)(a->axis < 0 ? a->axis + y->rank : a->axis);
    Ex at = te_int(t, 0), index[MAX_RANK];
    for (int i = 0; i < n->nin; i++) {
        Tx x = te_in(t, i);
        for (int k = 0; k < y->rank; k++)
            if (k != axis)
                te_require_equal(t, x->dim[k], y->dim[k]);
        te_stage_axes(t, x->rank, x->dim);
        memcpy(index, t->stage->axis, (size_t)y->rank * sizeof *index);
        index[axis] = te_add(t, at, index[axis]);
        te_yield_at(t, y, index, te_load(t, x, t->stage->axis));
        at = te_add(t, at, x->dim[axis]);
    }
}

/* Version 1 had a default. */
static Status upgrade(RawNode *raw)
{
    if (raw->version < 4 && !raw_attr(raw, "axis"))
        raw_set_int(raw, "axis", 1);
    return MLC_OK;
}

OP(concat) = {
    .name = "Concat", .since = {1, 4, 11, 13}, .min_in = 1, .max_in = VARIADIC,
    ATTRS_OF(ConcatAttrs), .upgrade = upgrade, .infer = infer, .define = define,
    .doc = "joins tensors along `axis`",
};
