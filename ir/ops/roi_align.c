/* RoiAlign: regions rois[r] = (x1, y1, x2, y2) of x[batch_indices[r]], each cut into output_height *
 * output_width bins; a bin is the mean (or maximum) of sampling_ratio^2 points, each interpolated
 * linearly between its four neighbours. A point more than 1 outside of x is 0.
 *
 * With a sampling_ratio of 0 a bin has as many points per axis as elements of x, rounded up: a stage
 * finds the most that a region of the run needs, and every bin leaves out what is beyond its own.
 *
 * The maximum is taken over the four weighted neighbours of all points, as the standard has it. */
#include "ir/ops/check.h"
#include "runtime/mlc_abi.h"

#define ROI_ATTRS(A, S)                                                               \
    A(S, str, coordinate_transformation_mode, "half_pixel", "half_pixel or output_half_pixel") \
    A(S, str, mode, "avg", "avg or max")                                              \
    A(S, int, output_height, "1", "bins per column")                                  \
    A(S, int, output_width, "1", "bins per row")                                      \
    A(S, int, sampling_ratio, "0", "points per bin and axis")                         \
    A(S, float, spatial_scale, "1", "scale of the regions' coordinates")
ATTRS(RoiAttrs, ROI_ATTRS);

/* More points per bin and axis than that are not taken. */
#define MOST_POINTS 65536.0

static bool is_max(const RoiAttrs *a)
{
    return strcmp(a->mode, "max") == 0;
}

static bool is_half_pixel(const RoiAttrs *a)
{
    return strcmp(a->coordinate_transformation_mode, "half_pixel") == 0;
}

static Status infer(Graph *g, Node *n)
{
    const RoiAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 4, 4));
    TRY(node_need_rank(n, 1, 2, 2));
    TRY(node_need_rank(n, 2, 1, 1));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(node_need_elem(n, 1, IS_FLOAT));
    TRY(node_need_elem(n, 2, IS_INT));
    TRY(node_need_size(n, "output_height", a->output_height, 1));
    TRY(node_need_size(n, "output_width", a->output_width, 1));
    TRY(node_need_size(n, "sampling_ratio", a->sampling_ratio, 0));
    if (!is_max(a) && strcmp(a->mode, "avg") != 0)
        return node_error(n, E0203, "attribute 'mode' is '%s'", a->mode);
    if (!is_half_pixel(a) && strcmp(a->coordinate_transformation_mode, "output_half_pixel") != 0)
        return node_error(n, E0203, "attribute 'coordinate_transformation_mode' is '%s'",
                          a->coordinate_transformation_mode);
    const Type *x = &n->in[0]->type, *rois = &n->in[1]->type;
    TRY(node_need_equal(n, rois->dim[1], ex_int(g->pool, 4), "coordinates of a region"));
    TRY(node_need_equal(n, rois->dim[0], n->in[2]->type.dim[0], "regions and batch indices"));
    TRY(node_check_index(n, 2, x->dim[0]));
    Ex dim[4] = {rois->dim[0], x->dim[1], ex_int(g->pool, a->output_height),
                 ex_int(g->pool, a->output_width)};
    node_set_type(n, 0, type_tensor(x->elem, 4, dim));
    return MLC_OK;
}

/* A region along one axis: where it begins and the size of a bin. */
typedef struct Span {
    Ex begin, step, points; /* points per bin */
} Span;

/* One point along one axis: two neighbours and their weights. */
typedef struct Point {
    Ex at[2], weight[2], inside;
} Point;

/* Region r along the axis whose limits are coordinates `first` and `first + 2`. */
static Span span_of(Te *t, const RoiAttrs *a, Ex r, int first, int64_t bins)
{
    Tx rois = te_in(t, 1);
    Ex limit[2];
    for (int i = 0; i < 2; i++) {
        Ex v = te_wide(t, te_load(t, rois, (Ex[]){r, te_int(t, first + 2 * i)}));
        v = te_mul(t, v, te_like(t, v, a->spatial_scale));
        limit[i] = is_half_pixel(a) ? te_sub(t, v, te_like(t, v, 0.5)) : v;
    }
    Ex length = te_sub(t, limit[1], limit[0]), zero = te_like(t, length, 0);
    if (!is_half_pixel(a))
        length = te_max(t, length, te_like(t, length, 1));
    Span s = {limit[0], te_div(t, length, te_like(t, length, (double)bins)),
              te_int(t, a->sampling_ratio)};
    if (a->sampling_ratio)
        return s;
    Ex points = te_ceil(t, te_min(t, te_max(t, s.step, zero), te_like(t, length, MOST_POINTS)));
    s.points = te_cast(t, ELEM_I64, points);
    return s;
}

/* Sample k of bin `bin`. */
static Point sample_point(Te *t, const Span *s, Ex bin, Ex k, Ex size)
{
    Elem e = (Elem)s->step->elem;
    Ex zero = te_const(t, e, 0), one = te_const(t, e, 1);
    Ex points = te_float_of(t, e, s->points);
    if (!ex_is_int(s->points, NULL))
        points = te_max(t, points, one);
    Ex part = te_div(t, te_add(t, te_cast(t, e, k), te_const(t, e, 0.5)), points);
    Ex p = te_add(t, s->begin, te_mul(t, te_cast(t, e, bin), s->step));
    p = te_add(t, p, te_mul(t, part, s->step));

    Ex real_size = te_float_of(t, e, size), last = te_sub(t, size, te_int(t, 1));
    Point out;
    out.inside = te_and(t, te_le(t, te_const(t, e, -1), p), te_le(t, p, real_size));
    p = te_min(t, te_max(t, p, zero), te_sub(t, real_size, one));
    Ex base = te_floor(t, p);
    out.at[0] = te_max(t, te_min(t, te_cast(t, ELEM_I64, base), last), te_int(t, 0));
    out.at[1] = te_min(t, te_add(t, out.at[0], te_int(t, 1)), last);
    out.weight[1] = te_sub(t, p, base);
    out.weight[0] = te_sub(t, one, out.weight[1]);
    return out;
}

/* The most points per bin of all regions, for both axes. */
static void most_points(Te *t, const RoiAttrs *a, Ex most[2])
{
    Tx rois = te_in(t, 1), found = te_temp(t, ELEM_I64, 1, (Ex[]){te_int(t, 2)});
    te_stage(t, found);
    Ex r = te_red(t, rois->dim[0]), axis = te_axis(t, 0);
    Span y = span_of(t, a, r, 1, a->output_height), x = span_of(t, a, r, 0, a->output_width);
    Ex points = te_select(t, te_eq(t, axis, te_int(t, 0)), y.points, x.points);
    te_yield(t, te_max(t, te_max_over(t, points), te_int(t, 0)));
    for (int i = 0; i < 2; i++) {
        most[i] = te_symbol(t, "points", 0, (int64_t)MOST_POINTS);
        te_set_element(t, most[i], found, te_int(t, i));
    }
}

static void define(Te *t, const Node *n)
{
    const RoiAttrs *a = n->attrs;
    Tx x = te_in(t, 0), rois = te_in(t, 1), batch = te_in(t, 2), y = te_out(t, 0);
    te_require_equal(t, rois->dim[0], batch->dim[0]);
    te_require_equal(t, rois->dim[1], te_int(t, 4));
    te_check_index(t, batch, n->in[2], x->dim[0]);
    Ex most[2] = {te_int(t, a->sampling_ratio), te_int(t, a->sampling_ratio)};
    if (!a->sampling_ratio)
        most_points(t, a, most);
    te_stage(t, y);
    Ex r = te_axis(t, 0), ky = te_red(t, most[0]), kx = te_red(t, most[1]);
    Span sy = span_of(t, a, r, 1, a->output_height), sx = span_of(t, a, r, 0, a->output_width);
    Point py = sample_point(t, &sy, te_axis(t, 2), ky, x->dim[2]);
    Point px = sample_point(t, &sx, te_axis(t, 3), kx, x->dim[3]);
    Ex index[4] = {te_load_index(t, batch, n->in[2], &r, x->dim[0]), te_axis(t, 1)}, v = NULL;
    for (int i = 0; i < 4; i++) {
        index[2] = py.at[i / 2];
        index[3] = px.at[i % 2];
        Ex w = te_mul(t, py.weight[i / 2], px.weight[i % 2]);
        Ex part = te_wide(t, te_load(t, x, index));
        part = te_mul(t, part, te_cast(t, (Elem)part->elem, w));
        v = !v ? part : is_max(a) ? te_max(t, v, part) : te_add(t, v, part);
    }
    Ex zero = te_like(t, v, 0), none = is_max(a) ? te_like(t, v, -__builtin_inf()) : zero;
    v = te_select(t, te_and(t, py.inside, px.inside), v, zero);
    if (!a->sampling_ratio)
        v = te_select(t, te_and(t, te_lt(t, ky, sy.points), te_lt(t, kx, sx.points)), v, none);
    Ex count = te_mul(t, sy.points, sx.points), all = is_max(a) ? te_max_over(t, v) : te_sum(t, v);
    if (!is_max(a))
        te_yield(t, te_div(t, all, te_max(t, te_float_of(t, (Elem)v->elem, count), te_like(t, v, 1))));
    else
        te_yield(t, te_select(t, te_eq(t, count, te_int(t, 0)), zero, all));
}

static Status upgrade(RawNode *raw)
{
    if (raw->version < 16)
        raw_set_str(raw, "coordinate_transformation_mode", "output_half_pixel");
    return MLC_OK;
}

OP(roi_align) = {
    .name = "RoiAlign", .since = {10, 16, 22}, .min_in = 3, .max_in = 3, ATTRS_OF(RoiAttrs),
    .upgrade = upgrade, .infer = infer, .define = define,
    .doc = "regions of x, resampled to one size",
};
