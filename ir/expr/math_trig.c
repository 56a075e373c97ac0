/* sin, cos, tan and their inverses.
 *
 *     x = n pi/2 + r, |r| <= pi/4;  sin r = r + r^3 S(r^2);  cos r = 1 - r^2/2 + r^4 C(r^2)
 * The reduction is done in f64, also for f32, with pi/2 in three parts (Cody and Waite): the fused
 * multiply-adds are exact as long as n has few enough bits, |x| <= 2^45. Beyond, r is limited, so
 * that results stay within their range. */
#include "ir/expr/math.h"

static const double sin_f32[] = {-0x1.555546p-3, 0x1.11077ap-7, -0x1.99548ep-13};
static const double sin_f64[] = {-0x1.5555555555549p-3,  0x1.111111110f893p-7,
                                 -0x1.a01a019c12516p-13, 0x1.71de3576fa5c9p-19,
                                 -0x1.ae5e64e05838ep-26, 0x1.5d926faf9d81bp-33};
static const double cos_f32[] = {0x1.55554ap-5, -0x1.6c0c1ap-10, 0x1.99e0d0p-16};
static const double cos_f64[] = {0x1.555555555554cp-5,  -0x1.6c16c16c15210p-10,
                                 0x1.a01a019cbcdcap-16, -0x1.27e4f8104ac0ap-22,
                                 0x1.1ee9ef57b199ap-29, -0x1.8fb004a62cb47p-37};

static const double HALF_PI_1 = 0x1.921fb54442d18p+0;
static const double HALF_PI_2 = 0x1.1a62633145c07p-54;
static const double HALF_PI_3 = -0x1.f1976b7ed8fbcp-110;

typedef struct Angle {
    Ex quarter;  /* n mod 4, as a float */
    Ex sin, cos; /* of r */
} Angle;

static Angle reduce(const Math *m, Ex x)
{
    Math d = math_of(m->p, ELEM_F64);
    Ex v = m->is_double ? x : ex_cast(m->p, ELEM_F64, x), n, r, square, q;
    Angle a;

    n = times(&d, v, num(&d, 0x1.45f306dc9c883p-1));
    n = ex_op(m->p, EX_ROUND_EVEN, 1, &n);
    r = fused(&d, n, num(&d, -HALF_PI_1), v);
    r = fused(&d, n, num(&d, -HALF_PI_2), r);
    if (m->is_double)
        r = fused(&d, n, num(&d, -HALF_PI_3), r);
    r = ex_min(m->p, ex_max(m->p, r, num(&d, -0.875)), num(&d, 0.875));
    q = times(&d, n, num(&d, 0.25));
    q = fused(&d, num(&d, -4), ex_op(m->p, EX_FLOOR, 1, &q), n);
    a.quarter = ex_cast(m->p, m->e, q);
    r = ex_cast(m->p, m->e, r);
    square = times(m, r, r);
    a.sin = fused(m, times(m, square, r), POLY2(m, square, sin_f32, sin_f64), r);
    v = fused(m, square, POLY2(m, square, cos_f32, cos_f64), num(m, -0.5));
    a.cos = fused(m, square, v, num(m, 1));
    return a;
}

static Ex is_odd(const Math *m, Ex quarter)
{
    return ex_or(m->p, ex_eq(m->p, quarter, num(m, 1)), ex_eq(m->p, quarter, num(m, 3)));
}

Ex math_sin(const Math *m, Ex x)
{
    Angle a = reduce(m, magnitude(m, x));
    Ex v = choose(m, is_odd(m, a.quarter), a.cos, a.sin);

    v = choose(m, less(m, a.quarter, num(m, 2)), v, ex_neg(m->p, v));
    return math_flip_sign(m, v, x);
}

Ex math_cos(const Math *m, Ex x)
{
    Angle a = reduce(m, magnitude(m, x));
    Ex v = choose(m, is_odd(m, a.quarter), a.sin, a.cos);
    Ex between = ex_or(m->p, ex_eq(m->p, a.quarter, num(m, 1)), ex_eq(m->p, a.quarter, num(m, 2)));

    return choose(m, between, ex_neg(m->p, v), v);
}

Ex math_tan(const Math *m, Ex x)
{
    Angle a = reduce(m, magnitude(m, x));
    Ex odd = is_odd(m, a.quarter);
    Ex v = ex_div(m->p, choose(m, odd, ex_neg(m->p, a.cos), a.sin), choose(m, odd, a.sin, a.cos));

    return math_flip_sign(m, v, x);
}

/* ---- asin, acos: beyond 1/2 by asin x = pi/2 - 2 asin sqrt((1-x)/2) ---- */

static const double asin_f32[] = {0x1.5555cap-3, 0x1.33016ap-4, 0x1.748a2ep-5, 0x1.8bb4ecp-6,
                                  0x1.59cd2ep-5};
static const double asin_f64[] = {
    0x1.5555555555387p-3, 0x1.333333336f86ap-4, 0x1.6db6db41d5dc8p-5,  0x1.f1c72c6c8fbfcp-6,
    0x1.6e89ef8b1bd73p-6, 0x1.1c6c26e097433p-6, 0x1.c6f88ab1721c3p-7,  0x1.8ee470195e857p-7,
    0x1.aab47576200f5p-8, 0x1.40b20a2acd0efp-6, -0x1.0af61b8bb7828p-6, 0x1.05cf1c6141a16p-5};

static Ex is_large(const Math *m, Ex a)
{
    return less(m, num(m, 0.5), a);
}

/* asin of |x|, or of sqrt((1-|x|)/2) where |x| is large */
static Ex asin_part(const Math *m, Ex a)
{
    Ex large = is_large(m, a), half = num(m, 0.5);
    Ex z = choose(m, large, times(m, minus(m, num(m, 1), a), half), times(m, a, a));
    Ex s = choose(m, large, root(m, z), a);

    return fused(m, times(m, s, z), POLY2(m, z, asin_f32, asin_f64), s);
}

/* c - v, where c = hi + lo; f32: hi and lo follow from the same double. */
static Ex from_angle(const Math *m, double c, double rest, Ex v)
{
    double hi = m->is_double ? c : (double)(float)c, lo = m->is_double ? rest : c - hi;

    return plus(m, minus(m, num(m, hi), v), num(m, lo));
}

static Ex twice(const Math *m, Ex v)
{
    return plus(m, v, v);
}

Ex math_asin(const Math *m, Ex x)
{
    Ex a = magnitude(m, x), v = asin_part(m, a);

    v = choose(m, is_large(m, a), from_angle(m, HALF_PI_1, HALF_PI_2, twice(m, v)), v);
    return math_copy_sign(m, v, x);
}

Ex math_acos(const Math *m, Ex x)
{
    Ex a = magnitude(m, x), v = asin_part(m, a), two = twice(m, v), large;

    large = choose(m, less(m, x, num(m, 0)), from_angle(m, 2 * HALF_PI_1, 2 * HALF_PI_2, two), two);
    v = from_angle(m, HALF_PI_1, HALF_PI_2, math_flip_sign(m, v, x));
    return choose(m, is_large(m, a), large, v);
}

/* ---- atan: for |x| above tan(pi/8) by (x-1)/(x+1), above tan(3 pi/8) by -1/x ---- */

static const double atan_f32[] = {-0x1.55554ap-2, 0x1.9991e8p-3, -0x1.23ba48p-3, 0x1.b22f64p-4,
                                  -0x1.f32132p-5};
static const double atan_f64[] = {
    -0x1.555555555553dp-2, 0x1.999999999589ap-3, -0x1.24924922af01ap-3, 0x1.c71c70e6c373ep-4,
    -0x1.745cf8f100aabp-4, 0x1.3b111a82fd5cbp-4, -0x1.10ebc788455adp-4, 0x1.df101c8f332f1p-5,
    -0x1.9cd62b795ee9dp-5, 0x1.37ddad0f9bb2ap-5, -0x1.257a64561831ep-6};

Ex math_atan(const Math *m, Ex x)
{
    Ex a = magnitude(m, x), one = num(m, 1), zero = num(m, 0);
    Ex middle = less(m, num(m, 0x1.a827999fcef32p-2), a);
    Ex far = less(m, num(m, 0x1.3504f333f9de6p+1), a);
    Ex top = choose(m, far, num(m, -1), choose(m, middle, minus(m, a, one), a));
    Ex bottom = choose(m, far, a, choose(m, middle, plus(m, a, one), one));
    Ex t = ex_div(m->p, top, bottom), square = times(m, t, t), v;
    double quarter_lo =
        m->is_double ? HALF_PI_2 / 2 : HALF_PI_1 / 2 - (double)(float)(HALF_PI_1 / 2);
    Ex hi = choose(m, far, num(m, HALF_PI_1), choose(m, middle, num(m, HALF_PI_1 / 2), zero));
    Ex lo = choose(m, far, num(m, 2 * quarter_lo), choose(m, middle, num(m, quarter_lo), zero));

    v = fused(m, times(m, square, t), POLY2(m, square, atan_f32, atan_f64), lo);
    v = plus(m, hi, plus(m, v, t));
    return math_copy_sign(m, v, x);
}
