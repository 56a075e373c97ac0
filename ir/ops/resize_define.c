/* Resize: samples x at the coordinate of each output position, dimension by dimension. With
 * scale = s and coordinate c = num / den, floor(c) = i, c - i = f:
 *     nearest  x[round(c)]
 *     linear   (1 - f) * x[i] + f * x[i + 1]
 *     cubic    sum of w(k - f) * x[i + k], k = -1..2, w the cubic kernel with coefficient a
 * Indices are clamped to x. antialias stretches the kernel by 1/s where s < 1; it and
 * exclude_outside divide by the sum of the weights. */
#include "ir/ops/resize.h"

typedef struct Sampler {
    Te                *t;
    const ResizeAttrs *attrs;
    ResizePlan         plan;
    Tx                 x;
    Elem               e;               /* the sums are computed in */
    Ex                 outside;         /* tf_crop_and_resize: beyond the region; or NULL */
    Ex                 floor[MAX_RANK]; /* i */
    Ex                 frac[MAX_RANK];  /* f */
} Sampler;

static Ratio fraction(Te *t, double v)
{
    int64_t num, den;
    if (v == 0)
        return (Ratio){te_int(t, 0), te_int(t, 1)};
    resize_rational(v < 0 ? -v : v, &num, &den);
    return (Ratio){te_int(t, v < 0 ? -num : num), te_int(t, den)};
}

/* begin*(in-1) + o*(end-begin)*(in-1)/(s*in - 1), or the middle where s*in is 1. */
static Ratio crop_coordinate(Te *t, const ResizePlan *plan, int i, Ex o, Ex in, Ex spread)
{
    Ratio s = plan->scale[i], begin = fraction(t, plan->roi[i][0]);
    Ratio part = fraction(t, plan->roi[i][1] - plan->roi[i][0]);
    Ex last = te_sub(t, in, te_int(t, 1)), num, den;
    if (ex_is(spread, 0)) {
        num = te_mul(t, part.num, last);
        den = te_mul(t, te_int(t, 2), part.den);
    } else {
        num = te_mul(t, te_mul(t, o, part.num), te_mul(t, last, s.den));
        den = te_mul(t, spread, part.den);
    }
    Ex shift = te_mul(t, te_mul(t, begin.num, last), den);
    return (Ratio){te_add(t, te_mul(t, num, begin.den), shift), te_mul(t, den, begin.den)};
}

/* The same where the run finds out the region: in floating point, as a multiple of 2^-20. */
static Ratio crop_of_run(Te *t, const ResizePlan *plan, int i, Ex o, Ex in)
{
    enum { GRID = 1 << 20 };
    Tx roi = te_in(t, 1);
    Ratio s = plan->scale[i];
    int place = 0;
    while (place < plan->count && plan->listed[place] != i)
        place++;
    if (place == plan->count)
        return (Ratio){o, te_int(t, 1)};
    Elem e = ELEM_F64;
    Ex at[2] = {te_int(t, place), te_int(t, place + plan->count)};
    Ex begin = te_cast(t, e, te_load(t, roi, &at[0])), end = te_cast(t, e, te_load(t, roi, &at[1]));
    Ex one = te_const(t, e, 1), last = te_float_of(t, e, te_sub(t, in, te_int(t, 1)));
    Ex size = te_div(t, te_float_of(t, e, te_mul(t, in, s.num)), te_float_of(t, e, s.den));
    Ex many = te_lt(t, one, size), steps = te_select(t, many, te_sub(t, size, one), one);
    Ex part = te_select(t, many, te_div(t, te_float_of(t, e, o), steps), te_const(t, e, 0.5));
    Ex c = te_mul(t, te_add(t, begin, te_mul(t, part, te_sub(t, end, begin))), last);
    Ex limit = te_const(t, e, 0x1p40), low = te_const(t, e, -0x1p40);
    c = te_max(t, low, te_min(t, limit, te_mul(t, c, te_const(t, e, GRID))));
    return (Ratio){te_cast(t, ELEM_I64, te_round_even(t, c)), te_int(t, GRID)};
}

/* The coordinate in x of position o along dimension i. */
static Ratio coordinate(Te *t, const ResizePlan *plan, int i, Ex o, Ex in)
{
    ExPool *p = t->pool;
    Ratio s = plan->scale[i];
    Ex one = te_int(t, 1), two = te_int(t, 2);
    Ex middle = te_mul(t, te_add(t, te_mul(t, two, o), one), s.den); /* (o + 1/2) * 2*s.den */
    Ex twice = te_mul(t, two, s.num), half = te_sub(t, middle, s.num);
    Ex spread = te_sub(t, te_mul(t, in, s.num), s.den); /* (s*in - 1) * s.den */
    Ex many = ex_proved_le(p, one, spread) ? spread : te_max(t, spread, one);
    switch (plan->coord) {
    case COORD_ASYMMETRIC:
        return (Ratio){te_mul(t, o, s.den), s.num};
    case COORD_ALIGN_CORNERS:
        return (Ratio){te_mul(t, te_mul(t, o, te_sub(t, in, one)), s.den), many};
    case COORD_TF_CROP:
        if (plan->run_roi)
            return crop_of_run(t, plan, i, o, in);
        return crop_coordinate(t, plan, i, o, in, ex_is(spread, 0) ? spread : many);
    case COORD_TF_HALF_PIXEL:
        return (Ratio){middle, twice};
    case COORD_PYTORCH: {
        Ex single = te_eq(t, spread, te_int(t, 0));
        return (Ratio){te_select(t, single, te_sub(t, te_int(t, 0), s.num), half), twice};
    }
    case COORD_SYMMETRIC: {
        Ex have = te_mul(t, in, s.num), got = te_mul(t, plan->out[i], s.den);
        return (Ratio){te_add(t, te_sub(t, have, got), half), twice};
    }
    case COORD_HALF_PIXEL:
    case RESIZE_COORDS:
        break;
    }
    return (Ratio){half, twice};
}

static Ex clamp_index(Te *t, Ex i, Ex dim)
{
    Ex zero = te_int(t, 0), last = te_sub(t, dim, te_int(t, 1));
    if (!ex_nonneg(t->pool, i))
        i = te_max(t, i, zero);
    return ex_proved_le(t->pool, i, last) ? i : te_min(t, i, last);
}

static Ex round_index(Te *t, ResizeRound how, Ratio scale, Ratio c)
{
    ExPool *p = t->pool;
    if (how == ROUND_BY_SCALE)
        return te_select(t, te_lt(t, scale.num, scale.den), ex_ceil_div(p, c.num, c.den),
                         te_floor_div(t, c.num, c.den));
    Ex two = te_int(t, 2), num2 = te_mul(t, two, c.num), den2 = te_mul(t, two, c.den);
    switch (how) {
    case ROUND_PREFER_FLOOR:
        return ex_ceil_div(p, te_sub(t, num2, c.den), den2);
    case ROUND_PREFER_CEIL:
        return te_floor_div(t, te_add(t, num2, c.den), den2);
    case ROUND_CEIL:
        return ex_ceil_div(p, c.num, c.den);
    case ROUND_FLOOR:
    case ROUND_BY_SCALE:
    case RESIZE_ROUNDS:
        break;
    }
    return te_floor_div(t, c.num, c.den);
}

/* tf_crop_and_resize: outside x the value is a constant. */
static void note_outside(Sampler *s, Ratio c, Ex in)
{
    Te *t = s->t;
    if (s->plan.coord != COORD_TF_CROP)
        return;
    Ex last = te_mul(t, te_sub(t, in, te_int(t, 1)), c.den);
    Ex out = te_or(t, te_lt(t, c.num, te_int(t, 0)), te_lt(t, last, c.num));
    s->outside = s->outside ? te_or(t, s->outside, out) : out;
}

static void yield(Sampler *s, Ex v)
{
    Te *t = s->t;
    if (s->outside)
        v = te_select(t, s->outside, te_like(t, v, s->attrs->extrapolation_value), v);
    bool to_int = elem_is_float((Elem)v->elem) && elem_is_int(s->x->elem);
    te_yield(t, to_int ? te_round_even(t, v) : v);
}

static void define_nearest(Sampler *s)
{
    Te *t = s->t;
    Ex index[MAX_RANK];
    for (int i = 0; i < s->x->rank; i++) {
        Ex o = te_axis(t, i), in = s->x->dim[i];
        if (s->plan.same[i]) {
            index[i] = o;
            continue;
        }
        Ratio c = coordinate(t, &s->plan, i, o, in);
        note_outside(s, c, in);
        index[i] = clamp_index(t, round_index(t, s->plan.round, s->plan.scale[i], c), in);
    }
    yield(s, te_load(t, s->x, index));
}

/* floor[i] and frac[i] of position o. */
static Ratio split_coordinate(Sampler *s, int i, Ex o)
{
    Te *t = s->t;
    Ratio c = coordinate(t, &s->plan, i, o, s->x->dim[i]);
    s->floor[i] = te_floor_div(t, c.num, c.den);
    Ex rest = te_floor_mod(t, c.num, c.den);
    s->frac[i] = te_div(t, te_cast(t, s->e, rest), te_float_of(t, s->e, c.den));
    return c;
}

static void split_coordinates(Sampler *s)
{
    for (int i = 0; i < s->x->rank; i++)
        if (!s->plan.same[i])
            note_outside(s, split_coordinate(s, i, te_axis(s->t, i)), s->x->dim[i]);
}

/* Interpolates dimensions i and later by nesting; index[0..i) is chosen. */
static Ex lerp(Sampler *s, int i, Ex *index)
{
    Te *t = s->t;
    if (i == s->x->rank)
        return te_cast(t, s->e, te_load(t, s->x, index));
    if (s->plan.same[i]) {
        index[i] = te_axis(t, i);
        return lerp(s, i + 1, index);
    }
    Ex in = s->x->dim[i], f = s->frac[i];
    index[i] = clamp_index(t, s->floor[i], in);
    Ex low = lerp(s, i + 1, index);
    index[i] = clamp_index(t, te_add(t, s->floor[i], te_int(t, 1)), in);
    Ex high = lerp(s, i + 1, index);
    Ex rest = te_sub(t, te_const(t, s->e, 1), f);
    return te_add(t, te_mul(t, low, rest), te_mul(t, high, f));
}

/* The kernel at distance d >= 0. */
static Ex kernel(Sampler *s, Ex d)
{
    Te *t = s->t;
    double a = s->attrs->cubic_coeff_a;
    Ex zero = te_like(t, d, 0), one = te_like(t, d, 1);
    if (s->plan.mode == RESIZE_LINEAR)
        return te_max(t, zero, te_sub(t, one, d));
    Ex near = te_sub(t, te_mul(t, te_like(t, d, a + 2), d), te_like(t, d, a + 3));
    near = te_add(t, te_mul(t, te_mul(t, near, d), d), one);
    Ex far = te_sub(t, te_mul(t, te_like(t, d, a), d), te_like(t, d, 5 * a));
    far = te_add(t, te_mul(t, far, d), te_like(t, d, 8 * a));
    far = te_sub(t, te_mul(t, far, d), te_like(t, d, 4 * a));
    Ex outer = te_select(t, te_lt(t, d, te_like(t, d, 2)), far, zero);
    return te_select(t, te_le(t, d, one), near, outer);
}

/* The scale where it stretches the kernel: below 1 with antialias. Else 1. */
static Ratio stretch_of(const Sampler *s, int i)
{
    Te *t = s->t;
    Ratio r = s->plan.scale[i];
    if (!s->attrs->antialias)
        return (Ratio){te_int(t, 1), te_int(t, 1)};
    return (Ratio){te_min(t, r.num, r.den), r.den};
}

/* Weight of tap k (an offset from floor) along dimension i, not normalized. */
static Ex tap_weight(Sampler *s, int i, Ex k)
{
    Te *t = s->t;
    Ratio by = stretch_of(s, i);
    Ex d = te_abs(t, te_sub(t, te_cast(t, s->e, k), s->frac[i]));
    if (by.num != by.den)
        d = te_div(t, te_mul(t, d, te_float_of(t, s->e, by.num)), te_float_of(t, s->e, by.den));
    Ex w = kernel(s, d);
    if (!s->attrs->exclude_outside)
        return w;
    Ex at = te_add(t, s->floor[i], k), zero = te_int(t, 0);
    Ex inside = te_and(t, te_le(t, zero, at), te_lt(t, at, s->x->dim[i]));
    return te_select(t, inside, w, te_const(t, s->e, 0));
}

/* First tap, floor(-reach / stretch) + 1; the last is 1 - first. */
static Ex first_tap(const Sampler *s, int i)
{
    Te *t = s->t;
    Ratio by = stretch_of(s, i);
    Ex reach = te_mul(t, te_int(t, s->plan.mode == RESIZE_LINEAR ? 1 : 2), by.den);
    return te_sub(t, te_int(t, 1), ex_ceil_div(t->pool, reach, by.num));
}

/* A reduction axis over the taps along dimension i, as offsets from floor. */
static Ex tap(Sampler *s, int i)
{
    Te *t = s->t;
    Ex first = first_tap(s, i), two = te_int(t, 2);
    return te_add(t, te_red(t, te_sub(t, two, te_mul(t, two, first))), first);
}

/* The sums of the weights for every position along dimension i. */
static Tx weight_sums(Sampler *s, int i)
{
    Te *t = s->t;
    Tx sums = te_temp(t, s->e, 1, &s->plan.out[i]);
    te_stage(t, sums);
    split_coordinate(s, i, te_axis(t, 0));
    te_yield(t, te_sum(t, tap_weight(s, i, tap(s, i))));
    return sums;
}

/* The general form: a reduction over the taps of every dimension. */
static void define_taps(Sampler *s)
{
    Te *t = s->t;
    Ex index[MAX_RANK], weight = te_const(t, s->e, 1);
    Tx sums[MAX_RANK] = {0};
    bool normalize = s->attrs->antialias || s->attrs->exclude_outside;
    for (int i = 0; i < s->x->rank && normalize; i++)
        sums[i] = s->plan.same[i] ? NULL : weight_sums(s, i);
    te_stage(t, te_out(t, 0));
    split_coordinates(s);
    for (int i = 0; i < s->x->rank; i++) {
        Ex o = te_axis(t, i);
        index[i] = o;
        if (s->plan.same[i])
            continue;
        Ex k = tap(s, i), w = tap_weight(s, i, k);
        weight = te_mul(t, weight, sums[i] ? te_div(t, w, te_load(t, sums[i], &o)) : w);
        index[i] = clamp_index(t, te_add(t, s->floor[i], k), s->x->dim[i]);
    }
    Ex v = te_cast(t, s->e, te_load(t, s->x, index));
    yield(s, te_sum(t, te_mul(t, v, weight)));
}

void resize_define(Te *t, const Node *n)
{
    enum { MOST_NESTED = 3 };
    Sampler s = {.t = t, .attrs = n->attrs, .x = te_in(t, 0)};
    int resized = 0;
    Status st = resize_plan(n->graph, n, &s.plan);
    assert(st == MLC_OK);
    (void)st;
    s.e = elem_is_float(s.x->elem) ? te_wide_elem(s.x->elem) : ELEM_F32;
    for (int i = 0; i < s.x->rank; i++)
        resized += !s.plan.same[i];
    if (s.plan.run_scales)
        resize_scales_of_run(t, &s.plan);
    if (s.plan.run_roi)
        te_require_equal(t, te_in(t, 1)->dim[0], te_int(t, 2 * s.plan.count));
    for (int i = 0; i < s.x->rank; i++)
        te_require_source(t, s.x->dim[i], te_out(t, 0)->dim[i]);
    if (s.plan.mode == RESIZE_NEAREST) {
        te_stage(t, te_out(t, 0));
        define_nearest(&s);
        return;
    }
    bool plain = !s.attrs->antialias && !s.attrs->exclude_outside;
    if (s.plan.mode == RESIZE_LINEAR && plain && resized <= MOST_NESTED) {
        Ex index[MAX_RANK];
        te_stage(t, te_out(t, 0));
        split_coordinates(&s);
        yield(&s, lerp(&s, 0, index));
    } else {
        define_taps(&s);
    }
}
