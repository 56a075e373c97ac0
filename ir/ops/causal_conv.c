/* CausalConvWithState: a depthwise convolution that sees the present and the past only.
 *     z = past (or zeros) followed by x, along the last dimension
 *     y[b, c, i] = f(bias[c] + sum over k of w[c, 0, k] z[b, c, i + k]), f the identity or SiLU
 *     state = the last size(w) - 1 positions of z */
#include "ir/base/str.h"
#include "ir/ops/check.h"

#define CAUSAL_ATTRS(A, S) A(S, str, activation, "none", "none, silu or swish (the same)")
ATTRS(CausalAttrs, CAUSAL_ATTRS);

enum { IN_X, IN_W, IN_BIAS, IN_PAST };
enum { OUT_Y, OUT_STATE };

static Status infer(Graph *g, Node *n)
{
    const CausalAttrs *a = n->attrs;
    ExPool *p = g->pool;
    int64_t taps;
    if (!str_eq(a->activation, "none") && !str_eq(a->activation, "silu") &&
        !str_eq(a->activation, "swish"))
        return node_error(n, E0203, "attribute 'activation' is '%s'", a->activation);
    for (int i = IN_X; i < n->nin; i++) {
        if (!node_has(n, i))
            continue;
        TRY(node_need_rank(n, i, i == IN_BIAS ? 1 : 3, i == IN_BIAS ? 1 : 3));
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_same_elem(n, IN_X, i));
    }
    Type x = n->in[IN_X]->type, w = n->in[IN_W]->type, state = x;
    TRY(node_need_equal(n, w.dim[0], x.dim[1], "channels of w and x"));
    TRY(node_need_equal(n, w.dim[1], ex_int(p, 1), "dimension 1 of w"));
    if (ex_is_int(w.dim[2], &taps) && taps < 1)
        return node_error(n, E0301, "w has no taps");
    if (node_has(n, IN_BIAS))
        TRY(node_need_equal(n, n->in[IN_BIAS]->type.dim[0], x.dim[1], "channels of bias and x"));
    state.dim[2] = ex_sub(p, w.dim[2], ex_int(p, 1));
    for (int i = 0; i < 3 && node_has(n, IN_PAST); i++)
        TRY(node_need_equal(n, n->in[IN_PAST]->type.dim[i], state.dim[i], "past state"));
    node_set_type(n, OUT_Y, x);
    node_set_type(n, OUT_STATE, state);
    return MLC_OK;
}

/* z[b, c, i], i counted from the first of the `before` positions of the past. */
static Ex load_joined(Te *t, Ex b, Ex c, Ex i, Ex before)
{
    Tx x = te_in(t, IN_X), past = te_in(t, IN_PAST);
    Ex none = te_const(t, x->elem, 0);
    Ex old = past ? te_load_padded_from(t, past, 2, (Ex[]){b, c, i}, none) : none;
    return te_wide(t, te_load_padded_from(t, x, 2, (Ex[]){b, c, te_sub(t, i, before)}, old));
}

static void define(Te *t, const Node *n)
{
    const CausalAttrs *a = n->attrs;
    Tx x = te_in(t, IN_X), w = te_in(t, IN_W), bias = te_in(t, IN_BIAS), past = te_in(t, IN_PAST);
    Tx y = te_out(t, OUT_Y), state = te_out(t, OUT_STATE);
    Ex before = te_sub(t, w->dim[2], te_int(t, 1));
    te_require_equal(t, w->dim[0], x->dim[1]);
    te_require_equal(t, w->dim[1], te_int(t, 1));
    if (bias)
        te_require_equal(t, bias->dim[0], x->dim[1]);
    if (past) {
        te_require_equal(t, past->dim[0], x->dim[0]);
        te_require_equal(t, past->dim[1], x->dim[1]);
        te_require_equal(t, past->dim[2], before);
    }
    if (y) {
        te_stage(t, y);
        Ex b = te_axis(t, 0), c = te_axis(t, 1), k = te_red(t, w->dim[2]);
        Ex tap = te_wide(t, te_load(t, w, (Ex[]){c, te_int(t, 0), k}));
        Ex v = load_joined(t, b, c, te_add(t, te_axis(t, 2), k), before);
        v = te_sum(t, te_mul(t, tap, v));
        if (bias)
            v = te_add(t, v, te_wide(t, te_load(t, bias, &c)));
        te_yield(t, str_eq(a->activation, "none") ? v : te_mul(t, v, te_sigmoid(t, v)));
    }
    if (state) {
        te_stage(t, state);
        Ex i = te_add(t, te_axis(t, 2), x->dim[2]);
        te_yield(t, load_joined(t, te_axis(t, 0), te_axis(t, 1), i, before));
    }
}

OP(causal_conv_with_state) = {
    .name = "CausalConvWithState", .since = {27}, .min_in = 2, .max_in = 4, .min_out = 1,
    .max_out = 2, ATTRS_OF(CausalAttrs), .infer = infer, .define = define,
    .doc = "depthwise convolution of past and present, with its state",
};
