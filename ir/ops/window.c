/* Sliding windows: see window.h for the formulas. */
#include "ir/ops/window.h"
#include "ir/base/str.h"

Status window_auto_pad(const Node *node, const char *auto_pad, bool *same, bool *lower, bool *valid)
{
    *lower = str_eq(auto_pad, "SAME_LOWER");
    *same = *lower || str_eq(auto_pad, "SAME_UPPER");
    *valid = str_eq(auto_pad, "VALID");
    if (*same || *valid || str_eq(auto_pad, "NOTSET") || str_eq(auto_pad, ""))
        return MLC_OK;
    return node_error(node, E0203, "attribute 'auto_pad' is '%s'", auto_pad);
}

static Status copy_sizes(const Node *node, const char *name, const Ints *from, int n, int64_t *to)
{
    if (from->set && from->n > 0 && from->n != n)
        return node_error(node, E0203, "attribute '%s' has %d values for %d spatial axes", name,
                          from->n, n);
    for (int i = 0; i < n; i++) {
        to[i] = from->set && from->n > 0 ? from->at[i] : 1;
        TRY(node_need_size(node, name, to[i], 1));
    }
    return MLC_OK;
}

Status window_shape(const Node *node, const WindowAttrs *a, int n, Window *w)
{
    w->n = n;
    TRY(copy_sizes(node, "kernel_shape", &a->kernel, n, w->kernel));
    TRY(copy_sizes(node, "strides", &a->strides, n, w->stride));
    return copy_sizes(node, "dilations", &a->dilations, n, w->dilation);
}

static Status copy_pads(ExPool *p, const Node *node, const Ints *pads, Window *w)
{
    bool given = pads->set && pads->n > 0;
    if (given && pads->n != 2 * w->n)
        return node_error(node, E0203, "attribute 'pads' has %d values for %d spatial axes",
                          pads->n, w->n);
    for (int i = 0; i < w->n; i++) {
        int64_t begin = given ? pads->at[i] : 0, end = given ? pads->at[w->n + i] : 0;
        TRY(node_need_size(node, "pads", begin, 0));
        TRY(node_need_size(node, "pads", end, 0));
        w->begin[i] = ex_int(p, begin);
        w->end[i] = ex_int(p, end);
    }
    return MLC_OK;
}

static int64_t effective(const Window *w, int i)
{
    return (w->kernel[i] - 1) * w->dilation[i] + 1;
}

/* SAME: the output size first, the padding out of it. */
static void pad_same(ExPool *p, Window *w, int i, Ex in, bool lower)
{
    Ex s = ex_int(p, w->stride[i]), zero = ex_int(p, 0);
    w->out[i] = ex_ceil_div(p, in, s);
    Ex last = ex_mul(p, ex_sub(p, w->out[i], ex_int(p, 1)), s);
    Ex total = ex_sub(p, ex_add(p, last, ex_int(p, effective(w, i))), in);
    total = ex_max(p, total, zero);
    Ex half = ex_floor_div(p, total, ex_int(p, 2)), rest = ex_sub(p, total, half);
    w->begin[i] = lower ? rest : half;
    w->end[i] = lower ? half : rest;
}

static void count_windows(ExPool *p, Window *w, int i, Ex in, bool ceil_mode)
{
    Ex s = ex_int(p, w->stride[i]), one = ex_int(p, 1);
    Ex from_begin = ex_add(p, in, w->begin[i]);
    Ex room = ex_sub(p, ex_add(p, from_begin, w->end[i]), ex_int(p, effective(w, i)));
    if (ceil_mode)
        w->out[i] = ex_min(p, ex_add(p, ex_ceil_div(p, room, s), one),
                           ex_ceil_div(p, from_begin, s));
    else
        w->out[i] = ex_add(p, ex_floor_div(p, room, s), one);
}

Status window_make(ExPool *p, const Node *node, const WindowAttrs *a, int n, const Ex *in,
                   Window *w)
{
    bool same, lower, valid;
    TRY(window_auto_pad(node, a->auto_pad, &same, &lower, &valid));
    TRY(window_shape(node, a, n, w));
    TRY(copy_pads(p, node, same || valid ? &(Ints){0} : &a->pads, w));
    for (int i = 0; i < n; i++) {
        int64_t out, size;
        if (same)
            pad_same(p, w, i, in[i], lower);
        else
            count_windows(p, w, i, in[i], a->ceil_mode);
        if (ex_is_int(w->out[i], &out) && out <= 0 && !(same && out == 0))
            return node_error(node, E0301,
                              "a window of %lld does not fit the padded input of %lld (axis %d)",
                              (long long)effective(w, i),
                              (long long)(ex_is_int(in[i], &size) ? size : 0), i + 2);
    }
    return MLC_OK;
}

Ex window_tap(Te *t, const Window *w, int i)
{
    Ex taps = te_int(t, w->kernel[i]);
    return w->kernel[i] == 1 ? te_int(t, 0) : te_red(t, taps);
}

Ex window_at(Te *t, const Window *w, int i, Ex o, Ex k)
{
    Ex at = te_mul(t, o, te_int(t, w->stride[i]));
    at = te_add(t, at, te_mul(t, k, te_int(t, w->dilation[i])));
    return te_sub(t, at, w->begin[i]);
}
