/* Conv: y[n, o, p...] = bias[o] + sum over c, r... of x[n, g*C + c, p*s + r*d - pad] * w[o, c, r]
 * with g = o / (O / groups) and C input channels per group; outside of x is 0. */
#include "ir/ops/conv.h"

/* The window, with the kernel's size from w, where kernel_shape may only agree. */
static Status make_window(ExPool *p, const Node *n, const ConvAttrs *a, const Type *x,
                          const Type *w, Window *out)
{
    int spatial = x->rank - 2;
    int64_t size[MAX_SPATIAL];
    for (int i = 0; i < spatial; i++) {
        if (!ex_is_int(w->dim[i + 2], &size[i]))
            return node_error(n, E0303, "the kernel's dimension %d is not constant", i + 2);
        if (a->kernel_shape.n == spatial && a->kernel_shape.at[i] != size[i])
            return node_error(n, E0301, "attribute 'kernel_shape' says %lld, input w has %lld",
                              (long long)a->kernel_shape.at[i], (long long)size[i]);
    }
    if (a->kernel_shape.n && a->kernel_shape.n != spatial)
        return node_error(n, E0203, "attribute 'kernel_shape' has %d values for %d spatial axes",
                          a->kernel_shape.n, spatial);
    WindowAttrs wa = {a->auto_pad, {true, spatial, size}, a->strides, a->dilations, a->pads, false};
    return window_make(p, n, &wa, spatial, &x->dim[2], out);
}

/* Channels: x has groups * C, w is [O, C, ...], O a multiple of groups. */
static Status check_channels(Graph *g, const Node *n, const ConvAttrs *a, const Type *x,
                             const Type *w)
{
    int64_t outs;
    TRY(node_need_size(n, "group", a->group, 1));
    Ex groups = ex_int(g->pool, a->group);
    TRY(node_need_equal(n, x->dim[1], ex_mul(g->pool, w->dim[1], groups),
                        "channels of x and of w times groups differ"));
    if (ex_is_int(w->dim[0], &outs) && outs % a->group)
        return node_error(n, E0301, "%lld output channels are not a multiple of %lld groups",
                          (long long)outs, (long long)a->group);
    return MLC_OK;
}

Status conv_need_bias(const Node *n, int i, int iw)
{
    if (!node_has(n, i))
        return MLC_OK;
    TRY(node_need_rank(n, i, 1, 1));
    return node_need_equal(n, n->in[i]->type.dim[0], n->in[iw]->type.dim[0], "size of the bias");
}

Status conv_infer(Graph *g, Node *n, const ConvAttrs *a, int ix, int iw, Elem e)
{
    TRY(node_need_rank(n, ix, 3, MAX_RANK));
    const Type *x = &n->in[ix]->type, *w = &n->in[iw]->type;
    TRY(node_need_rank(n, iw, x->rank, x->rank));
    TRY(check_channels(g, n, a, x, w));
    Window win;
    TRY(make_window(g->pool, n, a, x, w, &win));
    Ex dim[MAX_RANK] = {x->dim[0], w->dim[0]};
    for (int i = 0; i < win.n; i++)
        dim[i + 2] = win.out[i];
    node_set_type(n, 0, type_tensor(e, x->rank, dim));
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(node_need_same_elem(n, 0, 1));
    if (node_has(n, 2))
        TRY(node_need_same_elem(n, 0, 2));
    TRY(conv_infer(g, n, n->attrs, 0, 1, n->in[0]->type.elem));
    return conv_need_bias(n, 2, 1);
}

void conv_open(Te *t, const Node *n, const ConvAttrs *a, int ix, int iw, Tx y, Ex *vx, Ex *vw)
{
    Tx x = te_in(t, ix), w = te_in(t, iw);
    Window win;
    Status st = make_window(t->pool, n, a, &n->in[ix]->type, &n->in[iw]->type, &win);
    assert(st == MLC_OK);
    (void)st;
    Ex groups = te_int(t, a->group);
    te_require_equal(t, x->dim[1], te_mul(t, w->dim[1], groups));
    te_stage(t, y);
    Ex o = te_axis(t, 1);
    bool depthwise = ex_is(w->dim[1], 1) && w->dim[0] == groups;
    vw[0] = o;
    vw[1] = ex_is(w->dim[1], 1) ? te_int(t, 0) : te_red(t, w->dim[1]);
    vx[0] = te_axis(t, 0);
    if (depthwise) {
        vx[1] = o;
    } else {
        Ex per_group = te_floor_div(t, w->dim[0], groups);
        Ex g = a->group == 1 ? te_int(t, 0) : te_floor_div(t, o, per_group);
        vx[1] = te_add(t, te_mul(t, g, w->dim[1]), vw[1]);
    }
    for (int i = 0; i < win.n; i++) {
        vw[i + 2] = window_tap(t, &win, i);
        vx[i + 2] = window_at(t, &win, i, te_axis(t, i + 2), vw[i + 2]);
    }
}

static void define(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), w = te_in(t, 1), bias = te_in(t, 2);
    Ex ix[MAX_RANK], iw[MAX_RANK];
    conv_open(t, n, n->attrs, 0, 1, te_out(t, 0), ix, iw);
    Ex vx = te_load_padded_from(t, x, 2, ix, te_const(t, x->elem, 0));
    Ex vw = te_load(t, w, iw);
    Ex sum = te_sum(t, te_mul(t, te_wide(t, vx), te_wide(t, vw)));
    te_yield(t, bias ? te_add(t, sum, te_wide(t, te_load(t, bias, &iw[0]))) : sum);
}

OP(conv) = {
    .name = "Conv", .since = {1, 11, 22}, .min_in = 2, .max_in = 3, ATTRS_OF(ConvAttrs),
    .infer = infer, .define = define, .doc = "y = x convolved with w, plus bias",
};
