/* MaxUnpool: the elements of x at the flat positions that MaxPool's second output gave, in a tensor
 * of zeros. The positions count in the shape that the pooling had as its input,
 *     (dim - 1) * stride - begin - end + kernel
 * along spatial axes; `output_shape` may make the result larger at the end of each axis. */
#include "ir/ops/window.h"
#include "runtime/mlc_abi.h"

#define UNPOOL_ATTRS(A, S)                                             \
    A(S, ints, kernel_shape, NULL, "taps per spatial axis")            \
    A(S, ints, pads, "", "begins, then ends, per spatial axis")        \
    A(S, ints, strides, "", "step per spatial axis")
ATTRS(UnpoolAttrs, UNPOOL_ATTRS);

/* The shape in which positions count. */
static Status pooled_shape(ExPool *p, const Node *n, Ex dim[MAX_RANK])
{
    const UnpoolAttrs *a = n->attrs;
    const Type *x = &n->in[0]->type;
    int spatial = x->rank - 2;
    WindowAttrs wa = {"NOTSET", a->kernel_shape, a->strides, {0}, {0}, false};
    Window w;
    if (a->kernel_shape.n != spatial)
        return node_error(n, E0203, "attribute 'kernel_shape' has %d values for %d spatial axes",
                          a->kernel_shape.n, spatial);
    if (a->pads.n && a->pads.n != 2 * spatial)
        return node_error(n, E0203, "attribute 'pads' has %d values for %d spatial axes",
                          a->pads.n, spatial);
    TRY(window_shape(n, &wa, spatial, &w));
    memcpy(dim, x->dim, (size_t)x->rank * sizeof *dim);
    for (int i = 0; i < spatial; i++) {
        int64_t size, pads = 0;
        for (int k = i; k < a->pads.n; k += spatial) {
            TRY(node_need_size(n, "pads", a->pads.at[k], 0));
            pads += a->pads.at[k];
        }
        Ex steps = ex_sub(p, x->dim[i + 2], ex_int(p, 1));
        dim[i + 2] = ex_add(p, ex_mul(p, steps, ex_int(p, w.stride[i])),
                            ex_int(p, w.kernel[i] - pads));
        if (ex_is_int(dim[i + 2], &size) && size < 0)
            return node_error(n, E0301, "the pads leave nothing of axis %d", i + 2);
    }
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 3, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(node_need_elem(n, 1, IS_INT));
    const Type *x = &n->in[0]->type;
    TRY(node_need_rank(n, 1, x->rank, x->rank));
    for (int i = 0; i < x->rank; i++)
        TRY(node_need_equal(n, x->dim[i], n->in[1]->type.dim[i], "x and the positions"));
    Ex dim[MAX_RANK];
    TRY(pooled_shape(g->pool, n, dim));
    if (node_has(n, 2)) {
        const Ex *given;
        int count;
        TRY(node_known_ints(g, n, 2, MAX_RANK, &given, &count));
        if (count != x->rank)
            return node_error(n, E0301, "output_shape has %d elements for rank %d", count, x->rank);
        for (int i = 0; i < count; i++) {
            int64_t least, have;
            if (ex_is_int(given[i], &have) && ex_is_int(dim[i], &least) && have < least)
                return node_error(n, E0301, "output_shape %d is %lld, at least %lld is needed", i,
                                  (long long)have, (long long)least);
            dim[i] = given[i];
        }
    }
    node_set_type(n, 0, type_tensor(x->elem, x->rank, dim));
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), at = te_in(t, 1), y = te_out(t, 0);
    Ex dim[MAX_RANK], index[MAX_RANK];
    Status st = pooled_shape(t->pool, n, dim);
    assert(st == MLC_OK);
    (void)st;
    Ex count = te_int(t, 1);
    for (int i = 0; i < x->rank; i++) {
        te_require_equal(t, x->dim[i], at->dim[i]);
        if (dim[i] != y->dim[i])
            te_require(t, te_le(t, dim[i], y->dim[i]));
        count = te_mul(t, count, dim[i]);
    }
    te_stage(t, y);
    te_yield(t, te_const(t, y->elem, 0));
    te_stage_axes(t, at->rank, at->dim);
    Ex flat = te_cast(t, ELEM_I64, te_load(t, at, t->stage->axis));
    te_check(t, te_and(t, te_le(t, te_int(t, 0), flat), te_lt(t, flat, count)), MLC_RUN_INDEX);
    te_close(t);
    te_stage_axes(t, x->rank, x->dim);
    flat = te_cast(t, ELEM_I64, te_load(t, at, t->stage->axis));
    unflatten(t->pool, flat, 0, x->rank, dim, index);
    t->stage->kind = STAGE_SCATTER;
    te_yield_at(t, y, index, te_load(t, x, t->stage->axis));
}

OP(max_unpool) = {
    .name = "MaxUnpool", .since = {9, 11, 22}, .min_in = 2, .max_in = 3, ATTRS_OF(UnpoolAttrs),
    .infer = infer, .define = define, .doc = "elements back at the positions of a MaxPool",
};
