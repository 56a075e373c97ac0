/* AffineGrid: grid[n, o..., j] = sum over i of theta[n, j, i] * p_i + theta[n, j, last] with the
 * normalized coordinates p of output position o, last axis first:
 *     align_corners  p = 2 o / (size - 1) - 1        otherwise  p = (2 o + 1) / size - 1 */
#include "ir/ops/check.h"

#define AFFINE_ATTRS(A, S) A(S, int, align_corners, "0", "1: -1 and 1 are outer centers")
ATTRS(AffineAttrs, AFFINE_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const Ex *size;
    int count;
    TRY(node_need_rank(n, 0, 3, 3));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(node_known_ints(g, n, 1, 5, &size, &count));
    if (count != 4 && count != 5)
        return node_error(n, E0301, "the size has %d elements, must have 4 or 5", count);
    const Type *theta = &n->in[0]->type;
    int spatial = count - 2;
    TRY(node_need_equal(n, theta->dim[0], size[0], "batches of theta and size"));
    TRY(node_need_equal(n, theta->dim[1], ex_int(g->pool, spatial), "rows of theta"));
    TRY(node_need_equal(n, theta->dim[2], ex_int(g->pool, spatial + 1), "columns of theta"));
    Ex dim[MAX_RANK] = {size[0]};
    for (int i = 0; i < spatial; i++)
        dim[i + 1] = size[i + 2];
    dim[spatial + 1] = ex_int(g->pool, spatial);
    node_set_type(n, 0, type_tensor(theta->elem, spatial + 2, dim));
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    const AffineAttrs *a = n->attrs;
    Tx theta = te_in(t, 0), y = te_out(t, 0);
    int spatial = y->rank - 2;
    te_require_equal(t, theta->dim[0], y->dim[0]);
    te_stage(t, y);
    Ex index[3] = {te_axis(t, 0), te_axis(t, y->rank - 1), te_int(t, spatial)};
    Ex sum = te_wide(t, te_load(t, theta, index)), one = te_like(t, sum, 1);
    Elem e = (Elem)sum->elem;
    for (int i = 0; i < spatial; i++) {
        int axis = spatial - i;
        Ex size = te_float_of(t, e, y->dim[axis]), p = te_cast(t, e, te_axis(t, axis));
        p = te_mul(t, p, te_like(t, p, 2));
        if (a->align_corners)
            p = te_div(t, p, te_max(t, te_sub(t, size, one), one));
        else
            p = te_div(t, te_add(t, p, one), size);
        index[2] = te_int(t, i);
        p = te_mul(t, te_wide(t, te_load(t, theta, index)), te_sub(t, p, one));
        sum = te_add(t, sum, p);
    }
    te_yield(t, sum);
}

OP(affine_grid) = {
    .name = "AffineGrid", .since = {20}, .min_in = 2, .max_in = 2, ATTRS_OF(AffineAttrs),
    .infer = infer, .define = define, .doc = "sampling grid of an affine map",
};
