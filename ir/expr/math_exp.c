/* exp and what is made of it.
 *
 *     x = n ln 2 + r, |r| <= ln 2 / 2;   e^x = 2^n (1 + r + r^2 q(r))
 * n is rounded by adding 1.5 * 2^mantissa, whose low bits then hold it as an integer too. 2^n is
 * applied in two halves, so that overflow gives infinity and underflow is gradual. */
#include "ir/expr/math.h"

typedef struct Power {
    Ex n; /* integer */
    Ex r;
} Power;

static const double exp_f32[] = {0x1p-1, 0x1.555482p-3, 0x1.555526p-5, 0x1.124486p-7,
                                 0x1.6cff42p-10};
static const double exp_f64[] = {
    0x1.0000000000000p-1,  0x1.555555555555cp-3,  0x1.5555555555556p-5,  0x1.111111110e97cp-7,
    0x1.6c16c16c15f08p-10, 0x1.a01a01b48f9ccp-13, 0x1.a01a01a90b60ap-16, 0x1.71dded94e2ca2p-19,
    0x1.27e4d3e8b715cp-22, 0x1.af70248778dcep-26, 0x1.1f836f58e4688p-29};

static const double LOG2_E = 0x1.71547652b82fep+0;

static Power reduce(const Math *m, Ex x)
{
    Ex magic = num2(m, 0x1.8p23, 0x1.8p52);
    Ex t = fused(m, x, num(m, LOG2_E), magic), n = minus(m, t, magic);
    Power w;

    w.n = minus(m, as_int(m, t), as_int(m, magic));
    w.r = fused(m, n, num2(m, -0x1.62e430p-1, -0x1.62e42fefa39efp-1), x);
    w.r = fused(m, n, num2(m, 0x1.05c610p-29, -0x1.abc9e3b39803fp-56), w.r);
    return w;
}

/* e^r - 1 */
static Ex exp_less_one(const Math *m, Ex r)
{
    return fused(m, times(m, r, r), POLY2(m, r, exp_f32, exp_f64), r);
}

/* 2^n for a normal result */
static Ex power_of_two(const Math *m, Ex n)
{
    return as_float(m, shift_left(m, plus(m, n, whole(m, m->bias)), m->mantissa));
}

/* v * 2^n */
static Ex scale(const Math *m, Ex v, Ex n)
{
    Ex half = shift_right(m, n, 1);

    v = times(m, v, power_of_two(m, half));
    return times(m, v, power_of_two(m, minus(m, n, half)));
}

static Ex upper(const Math *m)
{
    return num2(m, 89, 710);
}
static Ex lower(const Math *m)
{
    return num2(m, -104, -746);
}

static Ex exp_limited(const Math *m, Ex x)
{
    Power w = reduce(m, x);

    return scale(m, plus(m, exp_less_one(m, w.r), num(m, 1)), w.n);
}

Ex math_exp(const Math *m, Ex x)
{
    return exp_limited(m, ex_min(m->p, ex_max(m->p, x, lower(m)), upper(m)));
}

Ex math_exp_near(const Math *m, Ex x)
{
    Power w = reduce(m, x);

    return times(m, plus(m, exp_less_one(m, w.r), num(m, 1)), power_of_two(m, w.n));
}

/* 2^n (e^r - 1) + (2^n - 1), with 2^(n-1) so that the largest n is still finite. */
Ex math_expm1(const Math *m, Ex x)
{
    Power w = reduce(m, ex_min(m->p, ex_max(m->p, x, num2(m, -20, -40)), upper(m)));
    Ex half = power_of_two(m, minus(m, w.n, whole(m, 1)));
    Ex v = fused(m, half, exp_less_one(m, w.r), minus(m, half, num(m, 0.5)));

    v = plus(m, v, v);
    return choose(m, ex_eq(m->p, x, num(m, 0)), x, v);
}

/* e^x / 2, which is finite where sinh and cosh are. */
static Ex exp_half(const Math *m, Ex x)
{
    Power w = reduce(m, ex_min(m->p, x, num2(m, 91, 712)));

    return scale(m, plus(m, exp_less_one(m, w.r), num(m, 1)), minus(m, w.n, whole(m, 1)));
}

static Ex quarter_over(const Math *m, Ex h)
{
    return ex_div(m->p, num(m, 0.25), h);
}

static const double sinh_f32[] = {0x1.55559ap-3, 0x1.10f6fap-7, 0x1.ab5454p-13};
static const double sinh_f64[] = {
    0x1.5555555555556p-3,  0x1.1111111111020p-7,  0x1.a01a01a036c5ap-13, 0x1.71de3a3b6c2aep-19,
    0x1.ae646f9579f10p-26, 0x1.61171e42596c4p-33, 0x1.b5baf074aed1fp-41};

/* x + x^3 P(x^2) */
#define ODD(m, x, f, d)                                                                            \
    fused((m), times((m), times((m), (x), (x)), (x)), POLY2((m), times((m), (x), (x)), f, d), (x))

Ex math_sinh(const Math *m, Ex x)
{
    Ex a = magnitude(m, x), h = exp_half(m, a);
    Ex v = choose(m, less(m, a, num(m, 1)), ODD(m, a, sinh_f32, sinh_f64),
                  minus(m, h, quarter_over(m, h)));

    return math_copy_sign(m, v, x);
}

Ex math_cosh(const Math *m, Ex x)
{
    Ex h = exp_half(m, magnitude(m, x));

    return plus(m, h, quarter_over(m, h));
}

static const double tanh_f32[] = {-0x1.55554cp-2, 0x1.110d6cp-3, -0x1.b93276p-5, 0x1.598706p-6,
                                  -0x1.9cb07ap-8};
static const double tanh_f64[] = {
    -0x1.5555555555555p-2,  0x1.111111111107ap-3,  -0x1.ba1ba1ba0ff9dp-5,  0x1.664f487f2504fp-6,
    -0x1.226e34b69bd72p-7,  0x1.d6d3aa06d7a88p-9,  -0x1.7da06306baf85p-10, 0x1.352f6b1b73de7p-11,
    -0x1.f285437fb629fp-13, 0x1.839f888fedc71p-14, -0x1.f539b68f3d8edp-16, 0x1.0383d1baa6bd5p-18,
    0x1.ec528d1c06d3ep-20};

/* 1 - 2 / (e^2x + 1), and a polynomial where that would cancel. */
Ex math_tanh(const Math *m, Ex x)
{
    Ex a = magnitude(m, x), t = ex_min(m->p, a, num2(m, 10, 22));
    Ex e = math_exp_near(m, plus(m, t, t));
    Ex far = minus(m, num(m, 1), ex_div(m->p, num(m, 2), plus(m, e, num(m, 1))));
    Ex v = choose(m, less(m, a, num(m, 0.55)), ODD(m, a, tanh_f32, tanh_f64), far);

    return math_copy_sign(m, v, x);
}

/* e^-r - 1 = r^2 q(-r) - r; q has n coefficients. */
static Ex exp_minus_less_one(const Math *m, Ex r, const double *q, int n)
{
    double c[16];

    for (int i = 0; i < n; i++)
        c[i] = i % 2 ? -q[i] : q[i];
    return fused(m, times(m, r, r), math_poly(m, r, c, n), ex_neg(m->p, r));
}

/* 1 / (1 + e^-x) as c / (c + c e^-x) with c = 2^-24 (f64: 2^-54): c e^-x is a normal number wherever
 * the result is not 1, and the division alone rounds results to subnormal ones.
 *
 *     -x = n ln 2 - r;   c + c e^-x = ((e^-r - 1) 2^n c + c) + 2^n c
 * The large term comes last: where 2^n is 2^24, c is half of its last place, and 2^n c + c first would
 * lose it.
 * The number that rounds n holds the bias of c's exponent too, so its low bits are those of 2^n c. */
Ex math_sigmoid(const Math *m, Ex x)
{
    Ex magic = num2(m, 0x1.8p23 + 127 - 24, 0x1.8p52 + 1023 - 54), c = num2(m, 0x1p-24, 0x1p-54);
    Ex near = ex_min(m->p, ex_max(m->p, x, lower(m)), num2(m, 70, 600));
    Ex t = fused(m, near, num(m, -LOG2_E), magic), n = minus(m, t, magic);
    Ex power = as_float(m, shift_left(m, as_int(m, t), m->mantissa)), r;

    r = fused(m, n, num2(m, 0x1.62e430p-1, 0x1.62e42fefa39efp-1), near);
    r = fused(m, n, num2(m, -0x1.05c610p-29, 0x1.abc9e3b39803fp-56), r);
    r = m->is_double ? exp_minus_less_one(m, r, exp_f64, COUNT_OF(exp_f64))
                     : exp_minus_less_one(m, r, exp_f32, COUNT_OF(exp_f32));
    return ex_div(m->p, c, plus(m, fused(m, r, power, c), power));
}

/* ---- erf: x + x P(x^2) near 0; f32: 1 - e^-g(x) beyond; f64: 1 - e^(-x^2) h((x-2) / (x+2)) ----
 */

static const double erf_f32[] = {0x1.06eba8p-3, -0x1.812740p-2,  0x1.ce2d60p-4, -0x1.b80088p-6,
                                 0x1.54433cp-8, -0x1.a5c74ap-11, 0x1.4e843cp-14};
static const double erf_f64[] = {
    0x1.06eba8214db69p-3,  -0x1.812746b037a32p-2,  0x1.ce2f21a046d5fp-4,  -0x1.b82ce313eefb6p-6,
    0x1.565bcd4e0d40dp-8,  -0x1.c02dc1738ea7cp-11, 0x1.f9a4f9ff24631p-14, -0x1.f4fcca760dba9p-17,
    0x1.bc89fdd899653p-20, -0x1.7c417e35ddd75p-23, 0x1.d2a143fe865e4p-26, -0x1.2658ea999a0a2p-27,
    0x1.697bdf36701a7p-29, -0x1.b08bdf6ec1f63p-32};
static const double erf_far_f32[] = {-0x1.763ec0p-13, 0x1.212916p+0,  0x1.44412ep-1,
                                     0x1.bbaf10p-4,   -0x1.9bff08p-6, 0x1.12071ap-8,
                                     -0x1.c9ce4ep-12, 0x1.65086ap-16};
static const double erf_far_f64[] = {
    0x1.058671b52c776p-2,   -0x1.b57034efd3f72p-2, 0x1.eeea7dc8a78b4p-3,   -0x1.437f0b68c0c2dp-4,
    0x1.e94715979eeebp-9,   0x1.ca95ed53481dcp-8,  -0x1.bc25a47bfca95p-11, -0x1.016b5ce817991p-10,
    0x1.6d5ef97a77b64p-15,  0x1.6da96ca624c09p-13, 0x1.cdcbae63b9afbp-16,  -0x1.cead2850fec12p-16,
    -0x1.d46a01e69f463p-17, 0x1.6e1a7d2c7c8bcp-20, 0x1.ed61ddce8abafp-19,  0x1.4ef5bcf4f21d2p-20};

static Ex erf_far(const Math *m, Ex a)
{
    Ex t = ex_min(m->p, a, num2(m, 4, 6)), e;

    if (!m->is_double) {
        e = math_exp_near(m, ex_neg(m->p, POLY(m, t, erf_far_f32)));
        return minus(m, num(m, 1), e);
    }
    e = math_exp_near(m, ex_neg(m->p, times(m, t, t)));
    t = ex_div(m->p, minus(m, t, num(m, 2)), plus(m, t, num(m, 2)));
    return fused(m, ex_neg(m->p, e), POLY(m, t, erf_far_f64), num(m, 1));
}

Ex math_erf(const Math *m, Ex x)
{
    Ex a = magnitude(m, x);
    Ex near = fused(m, a, POLY2(m, times(m, a, a), erf_f32, erf_f64), a);
    Ex v = choose(m, less(m, a, num2(m, 0.9375, 1)), near, erf_far(m, a));

    return math_copy_sign(m, v, x);
}
