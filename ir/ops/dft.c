/* DFT and STFT, said as sums: y[k] = sum over i of x[i] e^(-+ 2 pi i k / n) (inverse: / n). Complex
 * numbers are pairs in the last dimension; a last dimension of 1 is real. The factors are a table
 * of n pairs, indexed by i * k mod n. A sum costs n^2, which is accepted up to MAX_SUM points. */
#include "ir/ops/check.h"

#include <math.h>

enum { MAX_SUM = 64 };

static Status need_length(const Node *n, Ex length, int64_t *out)
{
    if (!ex_is_int(length, out))
        return node_error(n, E0303, "the length of the transform is not constant");
    if (*out < 1)
        return node_error(n, E0301, "the length of the transform is %lld", (long long)*out);
    if (*out > MAX_SUM)
        return node_error(n, E0205, "a transform of %lld points, at most %d are supported",
                          (long long)*out, MAX_SUM);
    return MLC_OK;
}

/* Is the last dimension of input 0 that of real (1) or complex (2) numbers? */
static Status need_parts(const Node *n)
{
    const Type *x = &n->in[0]->type;
    Ex last = x->dim[x->rank - 1];
    if (ex_is(last, 1) || ex_is(last, 2))
        return MLC_OK;
    return node_error(n, E0301, "the last dimension must be 1 (real) or 2 (complex)");
}

/* cos and sin of 2 pi k / n, each k. */
static Tx factor_table(Te *t, Elem e, int64_t n)
{
    Tensor *data = tensor_new(t->arena, e, 2, (int64_t[]){n, 2});
    for (int64_t k = 0; k < n; k++) {
        double angle = 2 * M_PI * (double)k / (double)n;
        elem_set_f64(e, (void *)(uintptr_t)data->data, (size_t)(2 * k), cos(angle));
        elem_set_f64(e, (void *)(uintptr_t)data->data, (size_t)(2 * k + 1), sin(angle));
    }
    return te_table(t, data);
}

/* A product of x = (re, im), im NULL for a real one, and the factor of i * k; `part` says which
 * half of the result. */
static Ex product(Te *t, Tx table, Ex re, Ex im, Ex ik, bool inverse, Ex part)
{
    Ex at = te_floor_mod(t, ik, table->dim[0]);
    Ex c = te_load(t, table, (Ex[]){at, te_int(t, 0)});
    Ex s = te_load(t, table, (Ex[]){at, te_int(t, 1)});
    if (!inverse)
        s = te_neg(t, s);
    Ex real = te_mul(t, re, c), imaginary = te_mul(t, re, s);
    if (im) {
        real = te_sub(t, real, te_mul(t, im, s));
        imaginary = te_add(t, imaginary, te_mul(t, im, c));
    }
    return te_select(t, te_eq(t, part, te_int(t, 0)), real, imaginary);
}

/* ---- DFT ---- */

#define DFT_ATTRS(A, S)                                            \
    A(S, int, inverse, "0", "1: the inverse transform")            \
    A(S, int, onesided, "0", "1: only the first n / 2 + 1 results")
ATTRS(DftAttrs, DFT_ATTRS);

static Status dft_axis(Graph *g, const Node *n, int *axis)
{
    int64_t v = -2;
    int count;
    bool given;
    TRY(node_const_ints(g, n, 2, 1, &v, &count, &given));
    TRY(node_axis(n, given && count ? v : -2, n->in[0]->type.rank, axis));
    if (*axis == n->in[0]->type.rank - 1)
        return node_error(n, E0302, "axis %d holds the parts of complex numbers", *axis);
    return MLC_OK;
}

static Status dft_length(Graph *g, const Node *n, int axis, Ex *length)
{
    const Ex *v;
    int count;
    TRY(node_known_ints(g, n, 1, 1, &v, &count));
    *length = count ? v[0] : n->in[0]->type.dim[axis];
    return MLC_OK;
}

static Status infer_dft(Graph *g, Node *n)
{
    const DftAttrs *a = n->attrs;
    int axis;
    int64_t points;
    Ex length;
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(need_parts(n));
    TRY(dft_axis(g, n, &axis));
    TRY(dft_length(g, n, axis, &length));
    TRY(need_length(n, length, &points));
    if (a->inverse && a->onesided)
        return node_error(n, E0205, "a one-sided inverse transform");
    Type y = n->in[0]->type;
    y.dim[axis] = ex_int(g->pool, a->onesided ? points / 2 + 1 : points);
    y.dim[y.rank - 1] = ex_int(g->pool, 2);
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void define_dft(Te *t, const Node *n)
{
    const DftAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    int axis = 0, last = x->rank - 1;
    int64_t points = 1;
    Ex length = NULL, index[MAX_RANK];
    Status st = dft_axis(n->graph, n, &axis);
    if (st == MLC_OK)
        st = dft_length(n->graph, n, axis, &length);
    assert(st == MLC_OK);
    (void)st;
    ex_is_int(length, &points);
    Tx table = factor_table(t, te_wide_elem(x->elem), points);
    te_stage(t, te_out(t, 0));
    Ex i = te_red(t, length), k = te_axis(t, axis), zero = te_const(t, x->elem, 0), im = NULL;
    memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
    index[axis] = i;
    index[last] = te_int(t, 0);
    Ex re = te_wide(t, te_load_padded(t, x, index, zero));
    index[last] = te_int(t, 1);
    if (ex_is(x->dim[last], 2))
        im = te_wide(t, te_load_padded(t, x, index, zero));
    bool inverse = a->inverse != 0;
    Ex v = te_sum(t, product(t, table, re, im, te_mul(t, i, k), inverse, te_axis(t, last)));
    te_yield(t, inverse ? te_div(t, v, te_like(t, v, (double)points)) : v);
}

/* The axis was an attribute whose default was 1. */
static Status upgrade_dft(RawNode *raw)
{
    if (raw->version >= 20)
        return MLC_OK;
    if (!raw_attr(raw, "axis"))
        raw_set_int(raw, "axis", 1);
    raw_attr_to_input(raw, "axis", 2, ELEM_I64);
    return MLC_OK;
}

OP(dft) = {
    .name = "DFT", .since = {17, 20}, .min_in = 1, .max_in = 3, ATTRS_OF(DftAttrs),
    .upgrade = upgrade_dft, .infer = infer_dft, .define = define_dft,
    .doc = "y[k] = sum x[i] e^(-2 pi i k / n)",
};

/* ---- STFT: y[b, f, k] = DFT of window * x[b, f * step ...] ---- */

#define STFT_ATTRS(A, S) A(S, int, onesided, "1", "1: only the first n / 2 + 1 results")
ATTRS(StftAttrs, STFT_ATTRS);

/* Points of a frame and the distance of frames. */
static Status stft_frame(Graph *g, const Node *n, int64_t *points, int64_t *step)
{
    const Ex *length;
    int count;
    TRY(node_const_ints(g, n, 1, 1, step, &count, NULL));
    if (count != 1 || *step < 1 || *step > MAX_ATTR_SIZE)
        return node_error(n, E0301, "the step between frames must be one number above 0");
    TRY(node_known_ints(g, n, 3, 1, &length, &count));
    if (!count && !node_has(n, 2))
        return node_error(n, E0202, "operator 'STFT' needs a window or a frame length");
    return need_length(n, count ? length[0] : n->in[2]->type.dim[0], points);
}

static Status infer_stft(Graph *g, Node *n)
{
    const StftAttrs *a = n->attrs;
    int64_t points, step, frames;
    TRY(node_need_rank(n, 0, 2, 3));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    const Type *x = &n->in[0]->type;
    if (x->rank == 3)
        TRY(need_parts(n));
    if (node_has(n, 2)) {
        TRY(node_need_rank(n, 2, 1, 1));
        TRY(node_need_same_elem(n, 0, 2));
    }
    TRY(stft_frame(g, n, &points, &step));
    if (node_has(n, 2))
        TRY(node_need_equal(n, n->in[2]->type.dim[0], ex_int(g->pool, points),
                            "window and frame length"));
    ExPool *p = g->pool;
    Ex room = ex_sub(p, x->dim[1], ex_int(p, points));
    Ex count = ex_add(p, ex_floor_div(p, room, ex_int(p, step)), ex_int(p, 1));
    if (ex_is_int(count, &frames) && frames < 1)
        return node_error(n, E0301, "the signal is shorter than a frame of %lld",
                          (long long)points);
    Ex dim[4] = {x->dim[0], count, ex_int(p, a->onesided ? points / 2 + 1 : points), ex_int(p, 2)};
    node_set_type(n, 0, type_tensor(x->elem, 4, dim));
    return MLC_OK;
}

static void define_stft(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), window = te_in(t, 2);
    int64_t points = 1, step = 1;
    Status st = stft_frame(n->graph, n, &points, &step);
    assert(st == MLC_OK);
    (void)st;
    Tx table = factor_table(t, te_wide_elem(x->elem), points);
    if (window)
        te_require_equal(t, window->dim[0], te_int(t, points));
    te_stage(t, te_out(t, 0));
    Ex i = te_red(t, te_int(t, points)), k = te_axis(t, 2), im = NULL;
    Ex index[3] = {te_axis(t, 0), te_add(t, te_mul(t, te_axis(t, 1), te_int(t, step)), i),
                   te_int(t, 0)};
    Ex re = te_wide(t, te_load(t, x, index));
    index[2] = te_int(t, 1);
    if (x->rank == 3 && ex_is(x->dim[2], 2))
        im = te_wide(t, te_load(t, x, index));
    Ex w = window ? te_wide(t, te_load(t, window, &i)) : te_like(t, re, 1);
    re = te_mul(t, re, w);
    im = im ? te_mul(t, im, w) : NULL;
    te_yield(t, te_sum(t, product(t, table, re, im, te_mul(t, i, k), false, te_axis(t, 3))));
}

OP(stft) = {
    .name = "STFT", .since = {17}, .min_in = 2, .max_in = 4, ATTRS_OF(StftAttrs),
    .infer = infer_stft, .define = define_stft, .doc = "DFT of windowed frames of a signal",
};
