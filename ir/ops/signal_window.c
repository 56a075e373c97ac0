/* HannWindow, HammingWindow, BlackmanWindow and MelWeightMatrix: tables of signal processing.
 *
 *     window  w[i] = a0 - a1 cos(2 pi i / m) + a2 cos(4 pi i / m), m = size if periodic, size - 1
 *             if symmetric
 *     mel     triangles over the bins of a spectrum, equally wide on the scale
 *             2595 log10(1 + f / 700) */
#include "ir/ops/check.h"

#include <math.h>

#define WINDOW_ATTRS(A, S)                                              \
    A(S, int, output_datatype, "1", "element type, by its ONNX number") \
    A(S, int, periodic, "1", "0: symmetric")
ATTRS(SignalWindowAttrs, WINDOW_ATTRS);

static Status output_type(const Node *n, int64_t number, Elem *out)
{
    *out = number < 1 || number > 99 ? ELEM_NONE : elem_from_onnx((int)number);
    if (elem_is_float(*out) || elem_is_int(*out))
        return MLC_OK;
    return node_error(n, E0204, "attribute 'output_datatype' is %lld", (long long)number);
}

static Status infer_window(Graph *g, Node *n)
{
    const SignalWindowAttrs *a = n->attrs;
    const Ex *size;
    Elem e;
    int count;
    int64_t v;
    TRY(output_type(n, a->output_datatype, &e));
    TRY(node_known_ints(g, n, 0, 1, &size, &count));
    if (count != 1 || (ex_is_int(size[0], &v) && v < 0))
        return node_error(n, E0301, "the size must be one number, at least 0");
    node_set_type(n, 0, type_tensor(e, 1, size));
    return MLC_OK;
}

static void define_window(Te *t, const Node *n, double a0, double a1, double a2)
{
    const SignalWindowAttrs *a = n->attrs;
    Tx y = te_out(t, 0);
    Elem e = elem_is_float(y->elem) ? te_wide_elem(y->elem) : ELEM_F32;
    te_stage(t, y);
    Ex one = te_int(t, 1);
    Ex m = a->periodic ? y->dim[0] : te_sub(t, y->dim[0], one); /* 0, and so NaN, for one sample */
    Ex angle = te_mul(t, te_cast(t, e, te_axis(t, 0)), te_const(t, e, 2 * M_PI));
    angle = te_div(t, angle, te_float_of(t, e, m));
    Ex twice = te_mul(t, angle, te_const(t, e, 2));
    Ex v = te_const(t, e, a0);
    v = te_sub(t, v, te_mul(t, te_const(t, e, a1), ex_op(t->pool, EX_COS, 1, &angle)));
    if (a2 != 0)
        v = te_add(t, v, te_mul(t, te_const(t, e, a2), ex_op(t->pool, EX_COS, 1, &twice)));
    te_yield(t, v);
}

static void define_hann(Te *t, const Node *n)
{
    define_window(t, n, 0.5, 0.5, 0);
}

static void define_hamming(Te *t, const Node *n)
{
    define_window(t, n, 25.0 / 46, 21.0 / 46, 0);
}

static void define_blackman(Te *t, const Node *n)
{
    define_window(t, n, 0.42, 0.5, 0.08);
}

#define RECORD(text, definition, formula)                                               \
    {.name = text, .since = {17}, .min_in = 1, .max_in = 1, ATTRS_OF(SignalWindowAttrs), \
     .infer = infer_window, .define = definition, .doc = formula}

OP(hann_window) = RECORD("HannWindow", define_hann, "w = 0.5 - 0.5 cos(2 pi i / m)");
OP(hamming_window) = RECORD("HammingWindow", define_hamming, "w = 25/46 - 21/46 cos(2 pi i / m)");
OP(blackman_window) = RECORD("BlackmanWindow", define_blackman,
                             "w = 0.42 - 0.5 cos(2 pi i / m) + 0.08 cos(4 pi i / m)");

/* ---- MelWeightMatrix: inputs bins, DFT length, sample rate, lower and upper edge ---- */

#define MEL_ATTRS(A, S) A(S, int, output_datatype, "1", "element type, by its ONNX number")
ATTRS(MelAttrs, MEL_ATTRS);

enum { MEL_BINS, MEL_LENGTH, MEL_RATE, MEL_LOWER, MEL_UPPER, MEL_INPUTS };

/* Sizes of the result, and the checks of what is constant. */
static Status mel_inputs(Graph *g, const Node *n, Ex v[MEL_LOWER])
{
    for (int i = 0; i < MEL_LOWER; i++) {
        const Ex *at;
        int count;
        int64_t k;
        TRY(node_known_ints(g, n, i, 1, &at, &count));
        if (count != 1 || (ex_is_int(at[0], &k) && (k < 1 || k > 1 << 24)))
            return node_error(n, E0301, "input %d must be one number from 1 to 2^24", i);
        v[i] = ex_cast(g->pool, ELEM_I64, at[0]);
    }
    return MLC_OK;
}

static Status infer_mel(Graph *g, Node *n)
{
    const MelAttrs *a = n->attrs;
    ExPool *p = g->pool;
    Ex v[MEL_LOWER];
    Elem e;
    TRY(output_type(n, a->output_datatype, &e));
    TRY(mel_inputs(g, n, v));
    for (int i = MEL_LOWER; i < MEL_INPUTS; i++) {
        TRY(node_need_rank(n, i, 0, 1));
        TRY(node_need_elem(n, i, IS_FLOAT));
    }
    Ex half = ex_floor_div(p, v[MEL_LENGTH], ex_int(p, 2));
    Ex dim[2] = {ex_add(p, half, ex_int(p, 1)), v[MEL_BINS]};
    node_set_type(n, 0, type_tensor(e, 2, dim));
    return MLC_OK;
}

/* 2595 log10(1 + f / 700) of input i. */
static Ex mel_of(Te *t, int i)
{
    Elem e = ELEM_F64;
    Ex zero[1] = {te_int(t, 0)}, f = te_cast(t, e, te_load(t, te_in(t, i), zero));
    Ex ratio = te_add(t, te_const(t, e, 1), te_div(t, f, te_const(t, e, 700)));
    return te_mul(t, te_log(t, ratio), te_const(t, e, 2595 / M_LN10));
}

/* The bin of the spectrum at each corner of the triangles. */
static Tx mel_corners(Te *t, const Ex v[MEL_LOWER])
{
    Elem e = ELEM_F64;
    Ex count = te_add(t, v[MEL_BINS], te_int(t, 2)), one = te_const(t, e, 1);
    Tx corners = te_temp(t, ELEM_I64, 1, &count);
    te_stage(t, corners);
    Ex low = mel_of(t, MEL_LOWER), high = mel_of(t, MEL_UPPER), i = te_cast(t, e, te_axis(t, 0));
    Ex step = te_div(t, te_sub(t, high, low), te_float_of(t, e, count));
    Ex mel = te_add(t, low, te_mul(t, i, step));
    Ex power = te_exp(t, te_mul(t, mel, te_const(t, e, M_LN10 / 2595)));
    Ex hertz = te_mul(t, te_const(t, e, 700), te_sub(t, power, one));
    Ex points = te_float_of(t, e, te_add(t, v[MEL_LENGTH], te_int(t, 1)));
    Ex bin = te_div(t, te_mul(t, points, hertz), te_float_of(t, e, v[MEL_RATE]));
    te_yield(t, te_cast(t, ELEM_I64, te_floor(t, bin)));
    return corners;
}

static void define_mel(Te *t, const Node *n)
{
    Ex v[MEL_LOWER];
    Status st = mel_inputs(n->graph, n, v);
    assert(st == MLC_OK);
    (void)st;
    for (int i = 0; i < MEL_LOWER; i++)
        te_require(t, ex_lt(t->pool, te_int(t, 0), v[i]));
    Tx y = te_out(t, 0), corners = mel_corners(t, v);
    te_stage(t, y);
    Ex i = te_axis(t, 0), corner[3];
    for (int k = 0; k < 3; k++) {
        Ex at = te_add(t, te_axis(t, 1), te_int(t, k));
        corner[k] = te_load(t, corners, &at);
    }
    Elem e = ELEM_F32;
    Ex rise = te_cast(t, e, te_sub(t, corner[1], corner[0]));
    Ex fall = te_cast(t, e, te_sub(t, corner[2], corner[1]));
    Ex one = te_const(t, e, 1), zero = te_const(t, e, 0);
    Ex up = te_div(t, te_cast(t, e, te_sub(t, i, corner[0])), te_max(t, rise, one));
    Ex down = te_div(t, te_cast(t, e, te_sub(t, corner[2], i)), te_max(t, fall, one));
    Ex on_down = te_and(t, te_le(t, corner[1], i), te_lt(t, i, corner[2]));
    Ex on_up = te_and(t, te_le(t, corner[0], i), te_le(t, i, corner[1]));
    up = te_select(t, te_eq(t, rise, zero), one, up);
    Ex w = te_select(t, on_up, up, zero);
    te_yield(t, te_select(t, on_down, down, w));
}

OP(mel_weight_matrix) = {
    .name = "MelWeightMatrix", .since = {17}, .min_in = 5, .max_in = 5, ATTRS_OF(MelAttrs),
    .infer = infer_mel, .define = define_mel, .doc = "from a spectrum to mel bands",
};
