/* DFT and STFT, said as sums: y[k] = sum over i of x[i] e^(-+ 2 pi i k / n) (inverse: / n). Complex
 * numbers are pairs in the last dimension; a last dimension of 1 is real. The factors are a table
 * of n pairs, indexed by i * k mod n. A sum costs n^2. Axis, length and step may be found out by the
 * run.
 *
 * The one-sided inverse reads the first n / 2 + 1 elements; the others are their conjugates,
 * x[i] = conj(x[n - i]), and the result is real. */
#include "ir/ops/axes.h"

#include <math.h>

/* Longer tables are computed by the run. */
enum { MOST_TABLE = 4096 };

static Status need_length(const Node *n, Ex length)
{
    int64_t v;
    if (ex_is_int(length, &v) && (v < 1 || v > MAX_ATTR_SIZE))
        return node_error(n, E0301, "the length of the transform is %lld", (long long)v);
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

/* Multiples of a quarter turn are exact. */
#define LEAST_FACTOR 1e-12

static double snapped(double v)
{
    return fabs(v) < LEAST_FACTOR ? 0 : v;
}

static Tx constant_factors(Te *t, Elem e, int64_t n)
{
    Tensor *data = tensor_new(t->arena, e, 2, (int64_t[]){n, 2});
    for (int64_t k = 0; k < n; k++) {
        double angle = 2 * M_PI * (double)k / (double)n;
        elem_set_f64(e, (void *)(uintptr_t)data->data, (size_t)(2 * k), snapped(cos(angle)));
        elem_set_f64(e, (void *)(uintptr_t)data->data, (size_t)(2 * k + 1), snapped(sin(angle)));
    }
    return te_table(t, data);
}

/* cos and sin of 2 pi k / n, each k. */
static Tx factor_table(Te *t, Elem e, Ex n)
{
    int64_t points;
    if (ex_is_int(n, &points) && points <= MOST_TABLE)
        return constant_factors(t, e, points);
    Tx table = te_temp(t, e, 2, (Ex[]){n, te_int(t, 2)});
    te_stage(t, table);
    Ex k = te_cast(t, ELEM_F64, te_axis(t, 0)), all = te_cast(t, ELEM_F64, n);
    Ex angle = te_div(t, te_mul(t, k, te_const(t, ELEM_F64, 2 * M_PI)), all);
    Ex v = te_select(t, te_eq(t, te_axis(t, 1), te_int(t, 0)), ex_op(t->pool, EX_COS, 1, &angle),
                     ex_op(t->pool, EX_SIN, 1, &angle));
    Ex zero = te_const(t, ELEM_F64, 0), least = te_const(t, ELEM_F64, LEAST_FACTOR);
    te_yield(t, te_select(t, te_lt(t, te_abs(t, v), least), zero, v));
    return table;
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

/* What a transform needs to know; the expressions fold where the inputs are constant. */
typedef struct Dft {
    Axes axis;
    Ex   in, length; /* elements of x along the axis, points */
    Ex   results;
} Dft;

static Ex half_of(ExPool *p, Ex n)
{
    return ex_add(p, ex_floor_div(p, n, ex_int(p, 2)), ex_int(p, 1));
}

static Status make_dft(Graph *g, const Node *n, Dft *d)
{
    const DftAttrs *a = n->attrs;
    const Type *x = &n->in[0]->type;
    ExPool *p = g->pool;
    const Ex *v;
    int count;
    TRY(axes_read(g, n, 2, x->rank, &d->axis));
    if (d->axis.count > 1)
        return node_error(n, E0301, "input 2 has %d elements, must have 1", d->axis.count);
    if (d->axis.count == 0) {
        d->axis.count = 1;
        d->axis.axis[0] = ex_int(p, x->rank - 2);
        d->axis.on[x->rank - 2] = ex_bool(p, true);
    }
    if (ex_is(d->axis.on[x->rank - 1], 1))
        return node_error(n, E0302, "axis %d holds the parts of complex numbers", x->rank - 1);
    d->in = axes_pick(p, d->axis.axis[0], x->rank, x->dim, ex_int(p, 1));
    TRY(node_known_ints(g, n, 1, 1, &v, &count));
    bool real = a->inverse && a->onesided;
    Ex whole = real ? ex_mul(p, ex_int(p, 2), ex_sub(p, d->in, ex_int(p, 1))) : d->in;
    d->length = count ? ex_cast(p, ELEM_I64, v[0]) : whole;
    d->results = a->onesided && !real ? half_of(p, d->length) : d->length;
    return need_length(n, d->length);
}

static Status infer_dft(Graph *g, Node *n)
{
    const DftAttrs *a = n->attrs;
    Dft d;
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(need_parts(n));
    TRY(make_dft(g, n, &d));
    Type y = n->in[0]->type;
    for (int i = 0; i < y.rank; i++)
        y.dim[i] = ex_select(g->pool, d.axis.on[i], d.results, y.dim[i]);
    y.dim[y.rank - 1] = ex_int(g->pool, a->inverse && a->onesided ? 1 : 2);
    node_set_type(n, 0, y);
    return MLC_OK;
}

/* Requires what inference could not check; returns the points, at least 1. */
static Ex checked_length(Te *t, Ex length)
{
    if (ex_is_int(length, NULL))
        return length;
    te_require(t, ex_le(t->pool, te_int(t, 1), length));
    return te_max(t, length, te_int(t, 1));
}

static void define_dft(Te *t, const Node *n)
{
    const DftAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    int last = x->rank - 1;
    bool inverse = a->inverse != 0, real = a->inverse && a->onesided;
    Dft d;
    Ex index[MAX_RANK], zero = te_const(t, x->elem, 0), im = NULL, k = te_int(t, 0);
    Status st = make_dft(n->graph, n, &d);
    assert(st == MLC_OK);
    (void)st;
    te_require_axes(t, &d.axis);
    te_require(t, ex_not(t->pool, d.axis.on[last]));
    Ex length = checked_length(t, d.length);
    Tx table = factor_table(t, te_wide_elem(x->elem), length);
    te_stage(t, te_out(t, 0));
    Ex i = te_red(t, length), from = i, mirrored = ex_bool(t->pool, false);
    if (real) {
        mirrored = te_le(t, half_of(t->pool, length), i);
        from = te_select(t, mirrored, te_sub(t, length, i), i);
    }
    for (int m = 0; m < last; m++) {
        index[m] = te_select(t, d.axis.on[m], from, te_axis(t, m));
        k = te_select(t, d.axis.on[m], te_axis(t, m), k);
    }
    index[last] = te_int(t, 0);
    Ex re = te_wide(t, te_load_padded(t, x, index, zero));
    index[last] = te_int(t, 1);
    if (ex_is(x->dim[last], 2))
        im = te_wide(t, te_load_padded(t, x, index, zero));
    if (im && real)
        im = te_select(t, mirrored, te_neg(t, im), im);
    Ex part = real ? te_int(t, 0) : te_axis(t, last);
    Ex v = te_sum(t, product(t, table, re, im, te_mul(t, i, k), inverse, part));
    te_yield(t, inverse ? te_div(t, v, te_float_of(t, (Elem)v->elem, length)) : v);
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
static Status stft_frame(Graph *g, const Node *n, Ex *points, Ex *step)
{
    ExPool *p = g->pool;
    const Ex *v;
    int count;
    int64_t k;
    TRY(node_known_ints(g, n, 1, 1, &v, &count));
    if (count != 1 || (ex_is_int(v[0], &k) && (k < 1 || k > MAX_ATTR_SIZE)))
        return node_error(n, E0301, "the step between frames must be one number above 0");
    *step = ex_cast(p, ELEM_I64, v[0]);
    TRY(node_known_ints(g, n, 3, 1, &v, &count));
    if (!count && !node_has(n, 2))
        return node_error(n, E0202, "operator 'STFT' needs a window or a frame length");
    *points = count ? ex_cast(p, ELEM_I64, v[0]) : n->in[2]->type.dim[0];
    return need_length(n, *points);
}

static Status infer_stft(Graph *g, Node *n)
{
    const StftAttrs *a = n->attrs;
    Ex points, step;
    int64_t frames;
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
        TRY(node_need_equal(n, n->in[2]->type.dim[0], points, "window and frame length"));
    ExPool *p = g->pool;
    Ex room = ex_sub(p, x->dim[1], points), one = ex_int(p, 1);
    if (!ex_is_int(step, NULL))
        step = ex_max(p, step, one);
    Ex count = ex_add(p, ex_floor_div(p, room, step), one);
    if (ex_is_int(count, &frames) && frames < 1)
        return node_error(n, E0301, "the signal is shorter than a frame");
    Ex dim[4] = {x->dim[0], count, a->onesided ? half_of(p, points) : points, ex_int(p, 2)};
    node_set_type(n, 0, type_tensor(x->elem, 4, dim));
    return MLC_OK;
}

static void define_stft(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), window = te_in(t, 2);
    Ex points, step;
    Status st = stft_frame(n->graph, n, &points, &step);
    assert(st == MLC_OK);
    (void)st;
    if (window)
        te_require_equal(t, window->dim[0], points);
    te_require(t, ex_le(t->pool, te_int(t, 1), step));
    te_require(t, ex_le(t->pool, points, x->dim[1]));
    points = checked_length(t, points);
    Tx table = factor_table(t, te_wide_elem(x->elem), points);
    te_stage(t, te_out(t, 0));
    Ex i = te_red(t, points), k = te_axis(t, 2), im = NULL;
    Ex index[3] = {te_axis(t, 0), te_add(t, te_mul(t, te_axis(t, 1), step), i), te_int(t, 0)};
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
