/* CenterCropPad: x cut or filled with 0 on both sides until its dimensions `axes` have the sizes of
 * input 1; where the difference is odd, one more at the end. */
#include "ir/ops/check.h"

#define CROP_PAD_ATTRS(A, S) A(S, ints, axes, "", "the dimensions, default all")
ATTRS(CropPadAttrs, CROP_PAD_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const CropPadAttrs *a = n->attrs;
    const Ex *size;
    int count;
    bool on[MAX_RANK];
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_ANY));
    Type y = n->in[0]->type;
    TRY(node_axes(n, y.rank, a->axes.n, a->axes.at, on));
    TRY(node_known_ints(g, n, 1, MAX_RANK, &size, &count));
    if (count != (a->axes.set ? a->axes.n : y.rank))
        return node_error(n, E0301, "the shape has %d elements for %d dimensions", count,
                          a->axes.set ? a->axes.n : y.rank);
    for (int i = 0; i < count; i++) {
        int64_t axis = a->axes.set ? a->axes.at[i] : i, v;
        if (ex_is_int(size[i], &v) && v < 0)
            return node_error(n, E0301, "size %d is %lld", i, (long long)v);
        y.dim[axis < 0 ? axis + y.rank : axis] = size[i];
    }
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    (void)n;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    Ex index[MAX_RANK], two = te_int(t, 2);
    te_stage(t, y);
    for (int i = 0; i < x->rank; i++) {
        Ex more = te_sub(t, x->dim[i], y->dim[i]);
        Ex crop = te_floor_div(t, more, two), pad = te_floor_div(t, te_neg(t, more), two);
        Ex begin = te_select(t, te_le(t, te_int(t, 0), more), crop, te_neg(t, pad));
        index[i] = te_add(t, te_axis(t, i), begin);
    }
    te_yield(t, te_load_padded(t, x, index, te_const(t, x->elem, 0)));
}

OP(center_crop_pad) = {
    .name = "CenterCropPad", .since = {18}, .min_in = 2, .max_in = 2, ATTRS_OF(CropPadAttrs),
    .infer = infer, .define = define, .doc = "cut or filled around the center",
};
