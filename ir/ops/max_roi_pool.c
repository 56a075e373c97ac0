/* MaxRoiPool: regions rois[r] = (batch, x1, y1, x2, y2), corners included, each cut into bins; a bin is
 * the maximum of the elements of x that it touches, 0 where it touches none. Along one axis, with the
 * corners c1 and c2 rounded to elements:
 *     size = max(c2 - c1 + 1, 1)
 *     bin k is [c1 + floor(k * size / bins), c1 + ceil((k + 1) * size / bins)), cut to x
 * First the maximum of every bin's rows, then of its columns. */
#include "ir/ops/check.h"

#include "runtime/mlc_abi.h"

#define MAX_ROI_ATTRS(A, S)                                      \
    A(S, ints, pooled_shape, NULL, "bins per column and row")    \
    A(S, float, spatial_scale, "1", "scale of the regions' coordinates")
ATTRS(MaxRoiAttrs, MAX_ROI_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const MaxRoiAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 4, 4));
    TRY(node_need_rank(n, 1, 2, 2));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(node_need_same_elem(n, 0, 1));
    const Type *x = &n->in[0]->type, *rois = &n->in[1]->type;
    TRY(node_need_equal(n, rois->dim[1], ex_int(g->pool, 5), "numbers of a region"));
    if (a->pooled_shape.n != 2)
        return node_error(n, E0203, "attribute 'pooled_shape' has %d values, must have 2",
                          a->pooled_shape.n);
    for (int i = 0; i < 2; i++)
        TRY(node_need_size(n, "pooled_shape", a->pooled_shape.at[i], 1));
    Ex dim[4] = {rois->dim[0], x->dim[1], ex_int(g->pool, a->pooled_shape.at[0]),
                 ex_int(g->pool, a->pooled_shape.at[1])};
    node_set_type(n, 0, type_tensor(x->elem, 4, dim));
    return MLC_OK;
}

/* Coordinate `which` of region r. */
static Ex coordinate(Te *t, const MaxRoiAttrs *a, Ex r, int which)
{
    Ex v = te_wide(t, te_load(t, te_in(t, 1), (Ex[]){r, te_int(t, which)}));
    v = te_mul(t, v, te_like(t, v, a->spatial_scale));
    v = te_floor(t, te_add(t, v, te_like(t, v, 0.5)));
    return te_cast(t, ELEM_I64, te_min(t, te_max(t, v, te_like(t, v, -0x1p30)), te_like(t, v, 0x1p30)));
}

/* Does bin k of region r, along the axis of coordinates `first` and `first + 2`, touch element i? */
static Ex touches(Te *t, const MaxRoiAttrs *a, Ex r, int first, int64_t bins, Ex k, Ex i)
{
    Ex begin = coordinate(t, a, r, first), end = coordinate(t, a, r, first + 2), one = te_int(t, 1);
    Ex size = te_max(t, te_add(t, te_sub(t, end, begin), one), one), all = te_int(t, bins);
    Ex low = te_add(t, begin, te_floor_div(t, te_mul(t, k, size), all));
    Ex high = te_add(t, begin, ex_ceil_div(t->pool, te_mul(t, te_add(t, k, one), size), all));
    return te_and(t, te_le(t, low, i), te_lt(t, i, high));
}

static void check_batch(Te *t, Tx rois, Ex size)
{
    te_stage_axes(t, 1, rois->dim);
    Ex b = te_wide(t, te_load(t, rois, (Ex[]){te_axis(t, 0), te_int(t, 0)}));
    Ex last = te_float_of(t, (Elem)b->elem, size);
    te_check(t, te_and(t, te_le(t, te_like(t, b, 0), b), te_lt(t, b, last)), MLC_RUN_INDEX);
    te_close(t);
}

static void define(Te *t, const Node *n)
{
    const MaxRoiAttrs *a = n->attrs;
    Tx x = te_in(t, 0), rois = te_in(t, 1), y = te_out(t, 0);
    int64_t high = a->pooled_shape.at[0], wide = a->pooled_shape.at[1];
    te_require_equal(t, rois->dim[1], te_int(t, 5));
    check_batch(t, rois, x->dim[0]);
    Ex dim[4] = {rois->dim[0], x->dim[1], te_int(t, high), x->dim[3]};
    Tx rows = te_temp(t, te_wide_elem(x->elem), 4, dim);
    te_stage(t, rows);
    Ex r = te_axis(t, 0), i = te_red(t, x->dim[2]);
    Ex batch = te_cast(t, ELEM_I64, te_wide(t, te_load(t, rois, (Ex[]){r, te_int(t, 0)})));
    Ex v = te_wide(t, te_load(t, x, (Ex[]){batch, te_axis(t, 1), i, te_axis(t, 3)}));
    Ex none = te_like(t, v, -__builtin_inf());
    te_yield(t, te_max_over(t, te_select(t, touches(t, a, r, 2, high, te_axis(t, 2), i), v, none)));
    te_stage(t, y);
    r = te_axis(t, 0);
    i = te_red(t, x->dim[3]);
    v = te_load(t, rows, (Ex[]){r, te_axis(t, 1), te_axis(t, 2), i});
    v = te_max_over(t, te_select(t, touches(t, a, r, 1, wide, te_axis(t, 3), i), v, none));
    te_yield(t, te_select(t, te_eq(t, v, none), te_like(t, v, 0), v));
}

OP(max_roi_pool) = {
    .name = "MaxRoiPool", .since = {1, 22}, .min_in = 2, .max_in = 2, ATTRS_OF(MaxRoiAttrs),
    .infer = infer, .define = define, .doc = "the maxima of the bins of regions",
};
