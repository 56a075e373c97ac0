/* ConvTranspose, in the form that gathers:
 *     y[n, g*M + m, o...] = bias + sum over c, r... of x[n, g*C + c, q...] * w[g*C + c, m, r...]
 * where q = (o + pad - r*d) / s, taken only where that is whole and inside x. Output size:
 *     s*(in - 1) + output_padding + (k - 1)*d + 1 - pads
 *
 * With a stride s > 1 only every s-th tap meets an element of x. An axis with d = 1 is split by phase,
 * o = s*i + f, so that just those are summed:
 *     r = (f + pad) mod s + s*j,   q = i + floor((f + pad) / s) - j,   j < ceil(k / s)
 * This makes a tensor z with axes i, f in place of o, which y reads in order. */
#include "ir/ops/window.h"

#define CONV_TRANSPOSE_ATTRS(A, S)                                           \
    A(S, str, auto_pad, "NOTSET", "NOTSET, SAME_UPPER, SAME_LOWER, VALID")   \
    A(S, ints, dilations, "", "distance of taps per spatial axis")           \
    A(S, int, group, "1", "number of groups")                                \
    A(S, ints, kernel_shape, "", "taps per spatial axis, default from w")    \
    A(S, ints, output_padding, "", "added to the end per spatial axis")      \
    A(S, ints, output_shape, "", "size per spatial axis; gives the pads")    \
    A(S, ints, pads, "", "begins, then ends, per spatial axis")              \
    A(S, ints, strides, "", "step per spatial axis")
ATTRS(ConvTransposeAttrs, CONV_TRANSPOSE_ATTRS);

/* Value i of a list with n values, `dflt` without the list. */
static Status list_value(const Node *node, const char *name, const Ints *l, int n, int i,
                         int64_t dflt, int64_t *out)
{
    *out = dflt;
    if (!l->set || l->n == 0)
        return MLC_OK;
    if (l->n != n)
        return node_error(node, E0203, "attribute '%s' has %d values, must have %d", name, l->n, n);
    *out = l->at[i];
    return node_need_size(node, name, *out, 0);
}

/* Padding that makes the output as large as `want`: total = have - want, never below 0. */
static void pad_for(ExPool *p, Window *w, int i, Ex have, Ex want, bool upper)
{
    Ex total = ex_max(p, ex_sub(p, have, want), ex_int(p, 0));
    Ex half = ex_floor_div(p, total, ex_int(p, 2)), rest = ex_sub(p, total, half);
    w->begin[i] = upper ? half : rest;
    w->end[i] = upper ? rest : half;
    w->out[i] = want;
}

static Status output_axis(ExPool *p, const Node *n, Window *w, int i, Ex in)
{
    const ConvTransposeAttrs *a = n->attrs;
    bool same, lower, valid;
    int64_t extra, want, begin, end, out;
    TRY(window_auto_pad(n, a->auto_pad, &same, &lower, &valid));
    TRY(list_value(n, "output_padding", &a->output_padding, w->n, i, 0, &extra));
    bool shaped = a->output_shape.n > 0;
    int skip = a->output_shape.n == w->n + 2 ? 2 : 0; /* some exporters give n and c, too */
    TRY(list_value(n, "output_shape", &a->output_shape, w->n + skip, i + skip, 0, &want));
    TRY(list_value(n, "pads", &a->pads, 2 * w->n, i, 0, &begin));
    TRY(list_value(n, "pads", &a->pads, 2 * w->n, w->n + i, 0, &end));
    Ex s = ex_int(p, w->stride[i]), one = ex_int(p, 1);
    Ex full = ex_mul(p, s, ex_sub(p, in, one));
    full = ex_add(p, full, ex_int(p, extra + (w->kernel[i] - 1) * w->dilation[i] + 1));
    if (shaped || same) {
        pad_for(p, w, i, full, shaped ? ex_int(p, want) : ex_mul(p, in, s), same && !lower);
    } else {
        w->begin[i] = ex_int(p, valid ? 0 : begin);
        w->end[i] = ex_int(p, valid ? 0 : end);
        w->out[i] = ex_sub(p, ex_sub(p, full, w->begin[i]), w->end[i]);
    }
    if (ex_is_int(w->out[i], &out) && out <= 0)
        return node_error(n, E0301, "the output would have size %lld along axis %d",
                          (long long)out, i + 2);
    return MLC_OK;
}

static Status make_window(ExPool *p, const Node *n, Window *out)
{
    const ConvTransposeAttrs *a = n->attrs;
    const Type *x = &n->in[0]->type, *w = &n->in[1]->type;
    int spatial = x->rank - 2;
    int64_t size[MAX_SPATIAL];
    for (int i = 0; i < spatial; i++) {
        if (!ex_is_int(w->dim[i + 2], &size[i]))
            return node_error(n, E0303, "the kernel's dimension %d is not constant", i + 2);
        if (a->kernel_shape.n == spatial && a->kernel_shape.at[i] != size[i])
            return node_error(n, E0301, "attribute 'kernel_shape' says %lld, input w has %lld",
                              (long long)a->kernel_shape.at[i], (long long)size[i]);
    }
    WindowAttrs wa = {a->auto_pad, {true, spatial, size}, a->strides, a->dilations, a->pads, false};
    TRY(window_shape(n, &wa, spatial, out));
    for (int i = 0; i < spatial; i++)
        TRY(output_axis(p, n, out, i, x->dim[i + 2]));
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    const ConvTransposeAttrs *a = n->attrs;
    int64_t channels;
    TRY(node_need_rank(n, 0, 3, MAX_RANK));
    const Type *x = &n->in[0]->type, *w = &n->in[1]->type;
    TRY(node_need_rank(n, 1, x->rank, x->rank));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(node_need_same_elem(n, 0, 1));
    TRY(node_need_size(n, "group", a->group, 1));
    TRY(node_need_equal(n, x->dim[1], w->dim[0], "channels of x and w differ"));
    if (ex_is_int(w->dim[0], &channels) && channels % a->group)
        return node_error(n, E0301, "%lld channels are not a multiple of %lld groups",
                          (long long)channels, (long long)a->group);
    Window win;
    TRY(make_window(g->pool, n, &win));
    Type out = *x;
    out.dim[1] = ex_mul(g->pool, w->dim[1], ex_int(g->pool, a->group));
    for (int i = 0; i < win.n; i++)
        out.dim[i + 2] = win.out[i];
    if (node_has(n, 2)) {
        TRY(node_need_rank(n, 2, 1, 1));
        TRY(node_need_same_elem(n, 0, 2));
        TRY(node_need_equal(n, n->in[2]->type.dim[0], out.dim[1], "size of the bias"));
    }
    node_set_type(n, 0, out);
    return MLC_OK;
}

/* Is axis i split by phase? Its two axes must have room in z. */
static bool is_split(const Window *w, int i, int room)
{
    return w->stride[i] > 1 && w->dilation[i] == 1 && room > 0;
}

/* The dimensions of z; at[i] is the first of spatial axis i. */
static int phase_dims(Te *t, const Window *w, const Ex *batch_channels, Ex *dim, int *at)
{
    int rank = 2;
    dim[0] = batch_channels[0];
    dim[1] = batch_channels[1];
    for (int i = 0; i < w->n; i++) {
        Ex s = te_int(t, w->stride[i]);
        at[i] = rank;
        if (is_split(w, i, MAX_RANK - rank - (w->n - i))) {
            dim[rank++] = ex_ceil_div(t->pool, w->out[i], s);
            dim[rank++] = s;
        } else {
            dim[rank++] = w->out[i];
        }
    }
    at[w->n] = rank;
    return rank;
}

/* Tap and place in x along spatial axis i, whose axes in the open stage begin at `at`; *whole: does the
 * tap meet an element of x, and exist? */
static void window_back(Te *t, const Window *w, int i, int at, bool split, Ex *tap, Ex *q, Ex *whole)
{
    ExPool *p = t->pool;
    Ex s = te_int(t, w->stride[i]), k = te_int(t, w->kernel[i]), zero = te_int(t, 0);
    if (!split) {
        *tap = window_tap(t, w, i);
        Ex from = te_add(t, te_axis(t, at), w->begin[i]);
        from = te_sub(t, from, te_mul(t, *tap, te_int(t, w->dilation[i])));
        *whole = te_and(t, *whole, te_eq(t, te_floor_mod(t, from, s), zero));
        *q = te_floor_div(t, from, s);
        return;
    }
    Ex phase = te_add(t, te_axis(t, at + 1), w->begin[i]), taps = ex_ceil_div(p, k, s);
    Ex j = ex_is(taps, 1) ? zero : te_red(t, taps);
    *tap = te_add(t, te_floor_mod(t, phase, s), te_mul(t, s, j));
    *q = te_sub(t, te_add(t, te_axis(t, at), te_floor_div(t, phase, s)), j);
    if (w->kernel[i] % w->stride[i])
        *whole = te_and(t, *whole, te_lt(t, *tap, k));
}

/* y[n, m, o...] = z[n, m, o / s, o mod s, ...] */
static void join_phases(Te *t, const Window *w, Tx z, const int *at)
{
    te_stage(t, te_out(t, 0));
    Ex index[MAX_RANK] = {te_axis(t, 0), te_axis(t, 1)};
    for (int i = 0; i < w->n; i++) {
        Ex o = te_axis(t, i + 2), s = te_int(t, w->stride[i]);
        bool split = at[i + 1] - at[i] == 2;
        index[at[i]] = split ? te_floor_div(t, o, s) : o;
        if (split)
            index[at[i] + 1] = te_floor_mod(t, o, s);
    }
    te_yield(t, te_load(t, z, index));
}

static void define(Te *t, const Node *n)
{
    const ConvTransposeAttrs *a = n->attrs;
    ExPool *p = t->pool;
    Tx x = te_in(t, 0), w = te_in(t, 1), bias = te_in(t, 2);
    Window win;
    Status st = make_window(p, n, &win);
    assert(st == MLC_OK);
    (void)st;
    te_require_equal(t, x->dim[1], w->dim[0]);
    Ex dim[MAX_RANK];
    int at[MAX_SPATIAL + 1], rank = phase_dims(t, &win, te_out(t, 0)->dim, dim, at);
    bool split = rank > win.n + 2;
    Tx z = split ? te_temp(t, te_wide_elem(x->elem), rank, dim) : te_out(t, 0);
    te_stage(t, z);
    Ex o = te_axis(t, 1), groups = te_int(t, a->group), whole = ex_bool(p, true);
    Ex ix[MAX_RANK] = {te_axis(t, 0)}, iw[MAX_RANK];
    Ex per_group = te_floor_div(t, w->dim[0], groups);
    Ex c = te_red(t, per_group);
    bool grouped = a->group != 1;
    ix[1] = grouped ? te_add(t, te_mul(t, te_floor_div(t, o, w->dim[1]), per_group), c) : c;
    iw[0] = ix[1];
    iw[1] = grouped ? te_floor_mod(t, o, w->dim[1]) : o;
    for (int i = 0; i < win.n; i++)
        window_back(t, &win, i, at[i], at[i + 1] - at[i] == 2, &iw[i + 2], &ix[i + 2], &whole);
    Ex zero = te_const(t, x->elem, 0), vx = te_load_padded_from(t, x, 2, ix, zero);
    Ex vw = te_load(t, w, iw);
    if (!ex_is(whole, 1)) {
        vx = ex_guard(p, whole, vx, zero);
        vw = split ? ex_guard(p, whole, vw, te_const(t, w->elem, 0)) : vw; /* beyond the kernel */
    }
    Ex sum = te_sum(t, te_mul(t, te_wide(t, vx), te_wide(t, vw)));
    te_yield(t, bias ? te_add(t, sum, te_wide(t, te_load(t, bias, &o))) : sum);
    if (split)
        join_phases(t, &win, z, at);
}

/* Version 1 had the odd pad of a computed padding at the other side. */
static Status upgrade(RawNode *raw)
{
    const RawAttr *a = raw_attr(raw, "auto_pad");
    const char *was = a && a->kind == ATTR_str ? a->s : "NOTSET";
    if (raw->version >= 11 || strcmp(was, "VALID") == 0)
        return MLC_OK;
    if (strcmp(was, "SAME_UPPER") == 0)
        raw_set_str(raw, "auto_pad", "SAME_LOWER");
    else if (strcmp(was, "SAME_LOWER") == 0 || raw_attr(raw, "output_shape"))
        raw_set_str(raw, "auto_pad", "SAME_UPPER");
    return MLC_OK;
}

OP(conv_transpose) = {
    .name = "ConvTranspose", .since = {1, 11, 22}, .min_in = 2, .max_in = 3,
    ATTRS_OF(ConvTransposeAttrs), .upgrade = upgrade, .infer = infer, .define = define,
    .doc = "the transpose of a convolution, plus bias",
};
