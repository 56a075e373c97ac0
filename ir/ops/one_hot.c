/* OneHot: y[..., k, ...] = values[1] where k (along the new axis) is the index, else values[0].
 * Negative indices count from `depth`; those outside give values[0] everywhere. A depth that is a float
 * and computed is a size that the run finds out. */
#include "ir/ops/control.h"

#define ONE_HOT_ATTRS(A, S) A(S, int, axis, "-1", "place of the new dimension")
ATTRS(OneHotAttrs, ONE_HOT_ATTRS);

/* The depth, which may be given as a float. */
static Status read_depth(Graph *g, const Node *n, int axis, Ex *depth)
{
    const Ex *at;
    double v;
    int count;
    if (value_scalar(n->in[1], &v) && v >= 1 && v < (double)MAX_ATTR_SIZE) {
        *depth = ex_int(g->pool, (int64_t)v);
        return MLC_OK;
    }
    if (!n->in[1]->data && elem_is_float(n->in[1]->type.elem)) {
        TRY(node_need_rank(n, 1, 0, 1));
        if (n->in[1]->type.rank == 1)
            TRY(node_need_equal(n, n->in[1]->type.dim[0], ex_int(g->pool, 1), "size of the depth"));
        *depth = assigned_dim(g, n->out[0], axis);
        return MLC_OK;
    }
    TRY(node_known_ints(g, n, 1, 1, &at, &count));
    if (count != 1 || (ex_is_int(at[0], NULL) && !ex_nonneg(g->pool, at[0])))
        return node_error(n, E0301, "the depth is not a positive number");
    *depth = at[0];
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    const OneHotAttrs *a = n->attrs;
    int axis;
    Ex depth = NULL;
    TRY(node_need_rank(n, 0, 0, MAX_RANK - 1));
    TRY(node_need_rank(n, 2, 1, 1));
    for (int i = 0; i < 2; i++)
        TRY(node_need_elem(n, i, IS_NUMBER));
    TRY(node_need_elem(n, 2, IS_ANY));
    TRY(node_need_equal(n, n->in[2]->type.dim[0], ex_int(g->pool, 2), "size of the values"));
    const Type *idx = &n->in[0]->type;
    TRY(node_axis(n, a->axis, idx->rank + 1, &axis));
    TRY(read_depth(g, n, axis, &depth));
    Type out = {.kind = TYPE_TENSOR, .elem = n->in[2]->type.elem, .rank = idx->rank + 1};
    for (int i = 0; i < out.rank; i++)
        out.dim[i] = i == axis ? depth : idx->dim[i - (i > axis)];
    node_set_type(n, 0, out);
    return MLC_OK;
}

/* size := the float depth, towards 0. */
static void set_depth(Te *t, Ex size)
{
    Tx depth = te_in(t, 1);
    Ex zero[1] = {te_int(t, 0)}, one = te_int(t, 1);
    if (depth->rank == 1)
        te_require_equal(t, depth->dim[0], one);
    Tx whole = te_temp(t, ELEM_I64, 1, &one);
    te_stage(t, whole);
    te_yield(t, te_cast(t, ELEM_I64, te_wide(t, te_load(t, depth, zero))));
    te_set_element(t, size, whole, zero[0]);
}

static void define(Te *t, const Node *n)
{
    const OneHotAttrs *a = n->attrs;
    Tx idx = te_in(t, 0), values = te_in(t, 2), y = te_out(t, 0);
    int axis = (int)(a->axis < 0 ? a->axis + y->rank : a->axis);
    if (!n->in[1]->data && elem_is_float(n->in[1]->type.elem))
        set_depth(t, y->dim[axis]);
    te_stage(t, y);
    Ex at[MAX_RANK];
    for (int i = 0; i < idx->rank; i++)
        at[i] = te_axis(t, i + (i >= axis));
    Ex i = te_cast(t, ELEM_I64, te_load(t, idx, at)), zero = te_int(t, 0);
    Ex here = te_select(t, te_lt(t, i, zero), te_add(t, i, y->dim[axis]), i);
    Ex off = te_load(t, values, &zero), on = te_load(t, values, (Ex[]){te_int(t, 1)});
    te_yield(t, te_select(t, te_eq(t, here, te_axis(t, axis)), on, off));
}

OP(one_hot) = {
    .name = "OneHot", .since = {9, 11, 28}, .min_in = 3, .max_in = 3, ATTRS_OF(OneHotAttrs),
    .infer = infer, .define = define, .doc = "one value at the index, another elsewhere",
};
