/* TensorScatter: a copy of a cache in which `update` replaces elements along `axis`, from
 * write_indices[batch] on (0 when omitted). Circular: positions beyond the end go on at the begin. */
#include "ir/ops/check.h"
#include "runtime/mlc_abi.h"

#define TENSOR_SCATTER_ATTRS(A, S)                           \
    A(S, int, axis, "-2", "the dimension of positions")      \
    A(S, str, mode, "linear", "linear or circular")
ATTRS(TensorScatterAttrs, TENSOR_SCATTER_ATTRS);

static bool is_circular(const Node *n)
{
    const TensorScatterAttrs *a = n->attrs;
    return strcmp(a->mode, "circular") == 0;
}

static Status infer(Graph *g, Node *n)
{
    const TensorScatterAttrs *a = n->attrs;
    int axis;
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    const Type *x = &n->in[0]->type, *u = &n->in[1]->type;
    TRY(node_need_elem(n, 0, IS_ANY));
    TRY(node_need_same_elem(n, 0, 1));
    TRY(node_need_rank(n, 1, x->rank, x->rank));
    TRY(node_axis(n, a->axis, x->rank, &axis));
    if (axis == 0)
        return node_error(n, E0302, "axis 0 is the batch");
    if (!is_circular(n) && strcmp(a->mode, "linear") != 0)
        return node_error(n, E0203, "attribute 'mode' is '%s'", a->mode);
    for (int i = 0; i < x->rank; i++) {
        int64_t have, more;
        if (i != axis)
            TRY(node_need_equal(n, x->dim[i], u->dim[i], "cache and update differ"));
        else if (ex_is_int(x->dim[i], &have) && ex_is_int(u->dim[i], &more) && more > have)
            return node_error(n, E0301, "%lld positions do not fit a cache of %lld",
                              (long long)more, (long long)have);
    }
    if (node_has(n, 2)) {
        TRY(node_need_rank(n, 2, 1, 1));
        TRY(node_need_elem(n, 2, IS_INT));
        TRY(node_need_equal(n, n->in[2]->type.dim[0], x->dim[0], "batches of write_indices"));
    }
    return infer_same(g, n);
}

static void define(Te *t, const Node *n)
{
    const TensorScatterAttrs *a = n->attrs;
    Tx x = te_in(t, 0), u = te_in(t, 1), at = te_in(t, 2), y = te_out(t, 0);
    int axis = (int)(a->axis < 0 ? a->axis + x->rank : a->axis);
    Ex index[MAX_RANK], size = x->dim[axis], zero = te_int(t, 0);
    for (int i = 0; i < x->rank; i++)
        if (i != axis)
            te_require_equal(t, x->dim[i], u->dim[i]);
    te_require(t, te_le(t, u->dim[axis], size));
    if (at) {
        te_require_equal(t, at->dim[0], x->dim[0]);
        te_stage_axes(t, 1, at->dim);
        Ex begin = te_cast(t, ELEM_I64, te_load(t, at, t->stage->axis));
        Ex last = is_circular(n) ? te_sub(t, size, te_int(t, 1)) : te_sub(t, size, u->dim[axis]);
        te_check(t, te_and(t, te_le(t, zero, begin), te_le(t, begin, last)), MLC_RUN_INDEX);
        te_close(t);
    }
    te_stage(t, y);
    te_yield(t, te_load(t, x, t->stage->axis));
    te_stage_axes(t, u->rank, u->dim);
    memcpy(index, t->stage->axis, (size_t)u->rank * sizeof *index);
    Ex begin = at ? te_cast(t, ELEM_I64, te_load(t, at, index)) : zero;
    index[axis] = te_add(t, index[axis], begin);
    if (is_circular(n))
        index[axis] = te_select(t, te_lt(t, index[axis], size), index[axis],
                                te_sub(t, index[axis], size));
    t->stage->kind = STAGE_SCATTER;
    te_yield_at(t, y, index, te_load(t, u, t->stage->axis));
}

OP(tensor_scatter) = {
    .name = "TensorScatter", .since = {24}, .min_in = 2, .max_in = 3,
    ATTRS_OF(TensorScatterAttrs), .infer = infer, .define = define,
    .doc = "a cache with new elements",
};
