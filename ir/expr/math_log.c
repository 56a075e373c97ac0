/* log and what is made of it, and pow.
 *
 *     x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt 2;   log x = k ln 2 + log(1 + f)
 *     f32: log(1+f) = f - f^2/2 + f^3 P(f)
 *     f64: with s = f / (2+f): log(1+f) = f - (f^2/2 - s (f^2/2 + s^2 P(s^2)))
 * The exponent k becomes a float by way of 1.5 * 2^mantissa + k, which needs no conversion. */
#include "ir/expr/math.h"

#include <math.h>

typedef struct Split {
    Ex k; /* integer */
    Ex f;
} Split;

static const double log_f32[] = {0x1.55554ap-2, -0x1.000220p-2, 0x1.99a5b8p-3, -0x1.547892p-3,
                                 0x1.226f16p-3, -0x1.0cf85ep-3, 0x1.07d3b4p-3, -0x1.40ebc0p-4};
static const double log_f64[] = {0x1.5555555555555p-1, 0x1.9999999999d16p-2, 0x1.2492492438e47p-2,
                                 0x1.c71c724c46b22p-3, 0x1.745ce179d38bfp-3, 0x1.3b203320f09e9p-3,
                                 0x1.0f65e66a8cb1fp-3, 0x1.0f1ad216c7fb7p-3};

static Split split(const Math *m, Ex x)
{
    Ex bits = as_int(m, x), root_half = whole(m, m->is_double ? 0x3fe6a09e667f3bcd : 0x3f3504f3);
    Split s;

    s.k = shift_right(m, minus(m, bits, root_half), m->mantissa);
    s.f = as_float(m, minus(m, bits, shift_left(m, s.k, m->mantissa)));
    s.f = minus(m, s.f, num(m, 1));
    return s;
}

static Ex int_to_float(const Math *m, Ex k)
{
    Ex magic = num2(m, 0x1.8p23, 0x1.8p52);

    return minus(m, as_float(m, plus(m, k, as_int(m, magic))), magic);
}

/* k ln 2 + log(1 + f); k is a float here. ln 2 in two parts, the first of which gives exact
 * products. */
static Ex finish(const Math *m, Ex k, Ex f)
{
    Ex hi = num2(m, 0x1.62e400p-1, 0x1.62e42fee00000p-1);
    Ex lo = num2(m, 0x1.7f7d1cp-20, 0x1.a39ef35793c76p-33), square = times(m, f, f), half, s, z, v;

    if (!m->is_double) {
        v = fused(m, POLY(m, f, log_f32), f, num(m, -0.5));
        v = fused(m, v, square, times(m, k, lo));
        return fused(m, k, hi, plus(m, f, v));
    }
    half = times(m, num(m, 0.5), square);
    s = ex_div(m->p, f, plus(m, f, num(m, 2)));
    z = times(m, s, s);
    v = fused(m, z, POLY(m, z, log_f64), half);
    v = fused(m, s, v, times(m, k, lo));
    v = minus(m, f, minus(m, half, v));
    return fused(m, k, hi, v);
}

/* What is not a number or not finite: log 0 = -inf, log(< 0) = NaN, log inf = inf, NaN = NaN. */
static Ex exceptions(const Math *m, Ex x, Ex v, Ex zero_at)
{
    v = choose(m, less(m, x, num(m, INFINITY)), v, x);
    v = choose(m, ex_eq(m->p, x, zero_at), num(m, -INFINITY), v);
    return choose(m, less(m, x, zero_at), num(m, NAN), v);
}

Ex math_log(const Math *m, Ex x)
{
    Ex is_small = less(m, x, num2(m, 0x1p-126, 0x1p-1022)), k;
    Ex up = choose(m, is_small, num2(m, 0x1p32, 0x1p64), num(m, 1));
    Split s = split(m, times(m, x, up));

    k = minus(m, int_to_float(m, s.k), choose(m, is_small, num2(m, 32, 64), num(m, 0)));
    return exceptions(m, x, finish(m, k, s.f), num(m, 0));
}

/* u = 1 + x loses c = x - (u - 1), which is added to f again at its scale. */
Ex math_log1p(const Math *m, Ex x)
{
    Ex u = plus(m, x, num(m, 1)), c = minus(m, x, minus(m, u, num(m, 1))), k, v;
    Split s = split(m, u);

    k = ex_min(m->p, s.k, whole(m, m->is_double ? 1000 : 100));
    k = as_float(m, shift_left(m, minus(m, whole(m, m->bias), k), m->mantissa));
    v = finish(m, int_to_float(m, s.k), fused(m, c, k, s.f));
    v = choose(m, ex_eq(m->p, x, num(m, 0)), x, v);
    return exceptions(m, x, v, num(m, -1));
}

static const double LN_2 = 0x1.62e42fefa39efp-1;

/* log1p(v), or log(2x) where x is so large that v would be 2x. */
static Ex log_of(const Math *m, Ex x, Ex v)
{
    Ex is_large = less(m, num2(m, 0x1p28, 0x1p56), x);

    v = math_log1p(m, choose(m, is_large, x, v));
    return plus(m, v, choose(m, is_large, num(m, LN_2), num(m, 0)));
}

Ex math_asinh(const Math *m, Ex x)
{
    Ex a = magnitude(m, x), square = times(m, a, a), one = num(m, 1);
    Ex v = ex_div(m->p, square, plus(m, one, root(m, plus(m, square, one))));

    return math_copy_sign(m, log_of(m, a, plus(m, a, v)), x);
}

Ex math_acosh(const Math *m, Ex x)
{
    Ex t = minus(m, x, num(m, 1)), v;

    v = plus(m, t, root(m, times(m, t, plus(m, x, num(m, 1)))));
    return choose(m, less(m, x, num(m, 1)), num(m, NAN), log_of(m, x, v));
}

Ex math_atanh(const Math *m, Ex x)
{
    Ex a = magnitude(m, x);
    Ex v = ex_div(m->p, plus(m, a, a), minus(m, num(m, 1), a));

    return math_copy_sign(m, times(m, num(m, 0.5), math_log1p(m, v)), x);
}

/* ---- pow ---- */

/* A number as the sum of two, |lo| <= ulp(hi) / 2. */
typedef struct Pair {
    Ex hi, lo;
} Pair;

static Pair sum_of(const Math *m, Ex a, Ex b)
{
    Pair r = {plus(m, a, b), NULL};
    Ex bb = minus(m, r.hi, a);

    r.lo = plus(m, minus(m, a, minus(m, r.hi, bb)), minus(m, b, bb));
    return r;
}

static Pair product_of(const Math *m, Ex a, Ex b)
{
    Ex hi = times(m, a, b);

    return (Pair){hi, fused(m, a, b, ex_neg(m->p, hi))};
}

static Pair pair_times(const Math *m, Pair a, Pair b)
{
    Pair r = product_of(m, a.hi, b.hi);

    r.lo = plus(m, r.lo, fused(m, a.hi, b.lo, times(m, a.lo, b.hi)));
    return r;
}

static Pair pair_plus(const Math *m, Pair a, Pair b)
{
    Pair r = sum_of(m, a.hi, b.hi);
    Ex lo = plus(m, r.lo, plus(m, a.lo, b.lo)), hi = plus(m, r.hi, lo);

    return (Pair){hi, plus(m, minus(m, r.hi, hi), lo)};
}

/* log x for x > 0 to 2^-65: log(1+f) = 2 s + s^3 (c0 + s^2 P), all but P in pairs. */
static Pair log_pair(const Math *m, Ex x)
{
    Ex is_small = less(m, x, num(m, 0x1p-1022)), k, two_plus, p;
    Split w = split(m, times(m, x, choose(m, is_small, num(m, 0x1p64), num(m, 1))));
    Pair den, s, z, t, r;

    k = minus(m, int_to_float(m, w.k), choose(m, is_small, num(m, 64), num(m, 0)));
    two_plus = num(m, 2);
    den = sum_of(m, two_plus, w.f);
    s.hi = ex_div(m->p, w.f, den.hi);
    s.lo = fused(m, ex_neg(m->p, s.hi), den.hi, w.f);
    s.lo = fused(m, ex_neg(m->p, s.hi), den.lo, s.lo);
    s.lo = ex_div(m->p, s.lo, den.hi);
    z = pair_times(m, s, s);
    p = math_poly(m, z.hi, log_f64 + 1, (int)COUNT_OF(log_f64) - 1);
    t = pair_plus(m, (Pair){num(m, 0x1.5555555555555p-1), num(m, 0x1.5555555555555p-55)},
                  product_of(m, z.hi, p));
    t = pair_times(m, pair_times(m, s, z), t);
    r = pair_plus(m, (Pair){plus(m, s.hi, s.hi), plus(m, s.lo, s.lo)}, t);
    return pair_plus(
        m, pair_times(m, (Pair){k, num(m, 0)}, (Pair){num(m, LN_2), num(m, 0x1.abc9e3b39803fp-56)}),
        r);
}

/* |x|^y for finite y and 0 < |x| < inf. f32: in f64. */
static Ex power(const Math *m, Ex a, Ex y)
{
    Pair l;
    Ex hi, e;

    if (!m->is_double) {
        Math d = math_of(m->p, ELEM_F64);

        hi = math_log(&d, ex_cast(m->p, ELEM_F64, a));
        return ex_cast(m->p, ELEM_F32, math_exp(&d, times(&d, hi, ex_cast(m->p, ELEM_F64, y))));
    }
    l = log_pair(m, a);
    l = pair_times(m, l, (Pair){y, num(m, 0)});
    hi = ex_max(m->p, ex_min(m->p, l.hi, num(m, 800)), num(m, -800));
    e = math_exp(m, hi);
    /* hi alone decides where it is out of range; lo may be anything there */
    e = choose(m, less(m, magnitude(m, l.hi), num(m, 746)), fused(m, e, l.lo, e), e);
    return e;
}

/* The special cases of C's pow. */
Ex math_pow(const Math *m, Ex x, Ex y)
{
    ExPool *p = m->p;
    Ex a = magnitude(m, x), b = magnitude(m, y), zero = num(m, 0), one = num(m, 1);
    Ex inf = num(m, INFINITY), half = times(m, y, num(m, 0.5)), is_whole, is_odd, v, grows;
    Ex is_extreme, is_one, is_nan;

    is_whole = ex_eq(p, ex_op(p, EX_TRUNC, 1, &y), y);
    is_odd = ex_and(p, is_whole, ex_ne(p, ex_op(p, EX_TRUNC, 1, &half), half));
    is_extreme = ex_or(p, ex_or(p, ex_eq(p, a, zero), ex_eq(p, a, inf)), ex_eq(p, b, inf));
    grows = ex_op(p, EX_XOR, 2, (Ex[]){less(m, one, a), less(m, y, zero)});
    v = choose(m, is_extreme, choose(m, grows, inf, zero), power(m, a, y));
    v = choose(m, is_odd, math_flip_sign(m, v, x), v);
    /* negative and finite to a power that is no integer */
    is_nan =
        ex_and(p, ex_and(p, less(m, x, zero), less(m, num(m, -INFINITY), x)), ex_not(p, is_whole));
    v = choose(m, is_nan, num(m, NAN), v);
    v = choose(m, ex_or(p, ex_ne(p, x, x), ex_ne(p, y, y)), num(m, NAN), v);
    is_one = ex_and(p, ex_eq(p, a, one), ex_eq(p, b, inf));
    is_one = ex_or(p, is_one, ex_or(p, ex_eq(p, y, zero), ex_eq(p, x, one)));
    return choose(m, is_one, one, v);
}
