/* DeformConv: a convolution whose taps are moved by an offset and weighted by a mask:
 *     s[n, c, k, o] = mask[n, g K + k, o] x[n, c] at o * stride - pad + k * dilation
 *                     + offset[n, (g K + k) D + axis, o], g = c / (C / offset groups)
 *     y[n, m, o] = bias[m] + sum over c, k of w[m, c, k] s[n, first channel of m's group + c, k, o]
 * with K taps on D axes. Between elements x is linear, outside of them 0. */
#include "ir/ops/window.h"

#define DEFORM_ATTRS(A, S)                                                   \
    A(S, ints, dilations, "", "distance of taps per spatial axis")           \
    A(S, int, group, "1", "number of groups")                                \
    A(S, ints, kernel_shape, "", "taps per spatial axis, default from w")    \
    A(S, int, offset_group, "1", "groups of channels that share offsets")    \
    A(S, ints, pads, "", "begins, then ends, per spatial axis")              \
    A(S, ints, strides, "", "step per spatial axis")
ATTRS(DeformAttrs, DEFORM_ATTRS);

enum { IN_X, IN_W, IN_OFFSET, IN_BIAS, IN_MASK };
enum { MAX_DEFORM = 3 };

static Status make_window(ExPool *p, const Node *n, Window *win)
{
    const DeformAttrs *a = n->attrs;
    const Type *x = &n->in[IN_X]->type, *w = &n->in[IN_W]->type;
    int spatial = x->rank - 2;
    int64_t size[MAX_DEFORM];
    for (int i = 0; i < spatial; i++) {
        if (!ex_is_int(w->dim[i + 2], &size[i]))
            return node_error(n, E0303, "the kernel's dimension %d is not constant", i + 2);
        if (a->kernel_shape.n == spatial && a->kernel_shape.at[i] != size[i])
            return node_error(n, E0301, "attribute 'kernel_shape' says %lld, input w has %lld",
                              (long long)a->kernel_shape.at[i], (long long)size[i]);
    }
    WindowAttrs wa = {"NOTSET", {true, spatial, size}, a->strides, a->dilations, a->pads, false};
    return window_make(p, n, &wa, spatial, &x->dim[2], win);
}

static int64_t taps_of(const Window *w)
{
    int64_t taps = 1;
    for (int i = 0; i < w->n; i++)
        taps *= w->kernel[i];
    return taps;
}

static Status check_channels(ExPool *p, const Node *n, const Window *win)
{
    const DeformAttrs *a = n->attrs;
    const Type *x = &n->in[IN_X]->type, *w = &n->in[IN_W]->type;
    int64_t outs, channels, taps = taps_of(win);
    TRY(node_need_size(n, "group", a->group, 1));
    TRY(node_need_size(n, "offset_group", a->offset_group, 1));
    TRY(node_need_equal(n, x->dim[1], ex_mul(p, w->dim[1], ex_int(p, a->group)),
                        "channels of x and of w times groups differ"));
    if (!ex_is_int(x->dim[1], &channels) || !ex_is_int(w->dim[0], &outs))
        return node_error(n, E0303, "the number of channels is not constant");
    if (outs % a->group || channels % a->offset_group)
        return node_error(n, E0301, "%lld outputs in %lld groups, %lld channels in %lld",
                          (long long)outs, (long long)a->group, (long long)channels,
                          (long long)a->offset_group);
    if (taps < 1 || taps > MAX_ATTR_SIZE / a->offset_group)
        return node_error(n, E0301, "the kernel has %lld taps", (long long)taps);
    taps *= a->offset_group;
    TRY(node_need_equal(n, n->in[IN_OFFSET]->type.dim[1], ex_int(p, taps * win->n),
                        "channels of the offset"));
    if (node_has(n, IN_MASK))
        TRY(node_need_equal(n, n->in[IN_MASK]->type.dim[1], ex_int(p, taps),
                            "channels of the mask"));
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    Window win;
    TRY(node_need_rank(n, IN_X, 3, MAX_DEFORM + 2));
    const Type *x = &n->in[IN_X]->type;
    for (int i = IN_X; i < n->nin; i++) {
        if (!node_has(n, i))
            continue;
        TRY(node_need_rank(n, i, i == IN_BIAS ? 1 : x->rank, i == IN_BIAS ? 1 : x->rank));
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_same_elem(n, IN_X, i));
    }
    TRY(make_window(g->pool, n, &win));
    TRY(check_channels(g->pool, n, &win));
    Type y = *x;
    y.dim[1] = n->in[IN_W]->type.dim[0];
    memcpy(&y.dim[2], win.out, (size_t)win.n * sizeof *win.out);
    for (int i = IN_OFFSET; i < n->nin; i++)
        for (int d = 0; d < y.rank && i != IN_BIAS && node_has(n, i); d++)
            if (d != 1)
                TRY(node_need_equal(n, n->in[i]->type.dim[d], y.dim[d],
                                    "dimensions of offset or mask and of the output"));
    if (node_has(n, IN_BIAS))
        TRY(node_need_equal(n, n->in[IN_BIAS]->type.dim[0], y.dim[1], "size of the bias"));
    node_set_type(n, 0, y);
    return MLC_OK;
}

/* x[batch, channel] at the real coordinates at[], linear along axis `d` and those behind it;
 * index[] holds what is chosen already. */
static Ex interpolate(Te *t, Tx x, int d, const Ex *at, Ex *index)
{
    if (d == x->rank - 2)
        return te_wide(t, te_load_padded_from(t, x, 2, index, te_const(t, x->elem, 0)));
    Ex low = te_floor(t, at[d]), share = te_sub(t, at[d], low);
    Ex i = te_cast(t, ELEM_I64, low);
    index[d + 2] = i;
    Ex a = interpolate(t, x, d + 1, at, index);
    index[d + 2] = te_add(t, i, te_int(t, 1));
    Ex b = interpolate(t, x, d + 1, at, index);
    return te_add(t, te_mul(t, te_sub(t, te_like(t, share, 1), share), a), te_mul(t, share, b));
}

/* The coordinate along axis d of the open stage's tap; beyond -1 and the size all is 0. */
static Ex coordinate(Te *t, const Window *win, Elem e, int d, Ex tap, const Ex *axis)
{
    Tx x = te_in(t, IN_X), offset = te_in(t, IN_OFFSET);
    const Ex *k = axis + 2, *o = axis + 2 + win->n;
    Ex index[MAX_RANK] = {axis[0]};
    index[1] = te_add(t, te_mul(t, tap, te_int(t, win->n)), te_int(t, d));
    memcpy(&index[2], o, (size_t)win->n * sizeof *o);
    Ex p = te_cast(t, e, window_at(t, win, d, o[d], k[d]));
    p = te_add(t, p, te_wide(t, te_load(t, offset, index)));
    p = te_max(t, p, te_const(t, e, -2));
    return te_min(t, p, te_float_of(t, e, te_add(t, x->dim[d + 2], te_int(t, 1))));
}

/* s of the formula, as [n, c, k..., o...]. */
static Tx define_samples(Te *t, const Window *win)
{
    const DeformAttrs *a = t->node->attrs;
    Tx x = te_in(t, IN_X), mask = te_in(t, IN_MASK);
    Ex dim[2 + 2 * MAX_DEFORM] = {x->dim[0], x->dim[1]}, at[MAX_DEFORM], index[MAX_RANK];
    Elem e = te_wide_elem(x->elem);
    for (int i = 0; i < win->n; i++) {
        dim[2 + i] = te_int(t, win->kernel[i]);
        dim[2 + win->n + i] = win->out[i];
    }
    Tx samples = te_temp(t, e, 2 + 2 * win->n, dim);
    te_stage(t, samples);
    const Ex *axis = t->stage->axis;
    Ex per_group = te_floor_div(t, x->dim[1], te_int(t, a->offset_group));
    Ex tap = te_floor_div(t, axis[1], per_group);
    for (int i = 0; i < win->n; i++)
        tap = te_add(t, te_mul(t, tap, dim[2 + i]), axis[2 + i]);
    for (int i = 0; i < win->n; i++)
        at[i] = coordinate(t, win, e, i, tap, axis);
    index[0] = axis[0];
    index[1] = axis[1];
    Ex v = interpolate(t, x, 0, at, index);
    if (mask) {
        index[1] = tap;
        memcpy(&index[2], axis + 2 + win->n, (size_t)win->n * sizeof *axis);
        v = te_mul(t, v, te_wide(t, te_load(t, mask, index)));
    }
    te_yield(t, v);
    return samples;
}

static void define(Te *t, const Node *n)
{
    const DeformAttrs *a = n->attrs;
    Window win;
    Status st = make_window(t->pool, n, &win);
    assert(st == MLC_OK);
    (void)st;
    Tx y = te_out(t, 0), w = te_in(t, IN_W), bias = te_in(t, IN_BIAS);
    for (int i = IN_OFFSET; i <= IN_MASK; i++)
        for (int d = 0; d < y->rank && i != IN_BIAS && te_in(t, i); d++)
            if (d != 1)
                te_require_equal(t, te_in(t, i)->dim[d], y->dim[d]);
    Tx samples = define_samples(t, &win);
    te_stage(t, y);
    const Ex *axis = t->stage->axis;
    Ex is[MAX_RANK], iw[MAX_RANK], c = te_red(t, w->dim[1]);
    Ex group = te_floor_div(t, axis[1], te_floor_div(t, w->dim[0], te_int(t, a->group)));
    is[0] = axis[0];
    is[1] = te_add(t, te_mul(t, group, w->dim[1]), c);
    iw[0] = axis[1];
    iw[1] = c;
    for (int i = 0; i < win.n; i++) {
        is[2 + i] = iw[2 + i] = window_tap(t, &win, i);
        is[2 + win.n + i] = axis[2 + i];
    }
    Ex v = te_sum(t, te_mul(t, te_load(t, samples, is), te_wide(t, te_load(t, w, iw))));
    te_yield(t, bias ? te_add(t, v, te_wide(t, te_load(t, bias, &axis[1]))) : v);
}

OP(deform_conv) = {
    .name = "DeformConv", .since = {19, 22}, .min_in = 3, .max_in = 5, ATTRS_OF(DeformAttrs),
    .infer = infer, .define = define, .doc = "convolution of taps that an offset moves",
};
