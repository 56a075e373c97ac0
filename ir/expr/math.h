/* How MATH operations become polynomials: what the files math*.c share. Not for others. */
#ifndef MLC_MATH_H
#define MLC_MATH_H

#include "ir/expr/expr.h"

/* The type that a function is written for: f32 or f64, and the integer of its size. */
typedef struct Math {
    ExPool *p;
    Elem e, ie;
    bool is_double;
    int mantissa; /* bits after the point: 23 or 52 */
    int64_t bias; /* of the exponent: 127 or 1023 */
} Math;

static inline Math math_of(ExPool *p, Elem e)
{
    return e == ELEM_F64 ? (Math){p, ELEM_F64, ELEM_I64, true, 52, 1023}
                         : (Math){p, ELEM_F32, ELEM_I32, false, 23, 127};
}

/* Float and integer constants of the type; one for f32 and another for f64. */
static inline Ex num(const Math *m, double v)
{
    return ex_const_f(m->p, m->e, v);
}
static inline Ex whole(const Math *m, int64_t v)
{
    return ex_const_i(m->p, m->ie, v);
}
static inline Ex num2(const Math *m, double f, double d)
{
    return num(m, m->is_double ? d : f);
}

static inline Ex plus(const Math *m, Ex a, Ex b)
{
    return ex_add(m->p, a, b);
}
static inline Ex minus(const Math *m, Ex a, Ex b)
{
    return ex_sub(m->p, a, b);
}
static inline Ex times(const Math *m, Ex a, Ex b)
{
    return ex_mul(m->p, a, b);
}
static inline Ex fused(const Math *m, Ex a, Ex b, Ex c)
{
    return ex_fma(m->p, a, b, c);
}
static inline Ex magnitude(const Math *m, Ex a)
{
    return ex_op(m->p, EX_ABS, 1, &a);
}
static inline Ex root(const Math *m, Ex a)
{
    return ex_op(m->p, EX_SQRT, 1, &a);
}
static inline Ex choose(const Math *m, Ex c, Ex a, Ex b)
{
    return ex_select(m->p, c, a, b);
}
static inline Ex less(const Math *m, Ex a, Ex b)
{
    return ex_lt(m->p, a, b);
}
static inline Ex as_int(const Math *m, Ex a)
{
    return ex_bits(m->p, m->ie, a);
}
static inline Ex as_float(const Math *m, Ex a)
{
    return ex_bits(m->p, m->e, a);
}
static inline Ex shift_left(const Math *m, Ex a, int n)
{
    return ex_op(m->p, EX_SHL, 2, (Ex[]){a, whole(m, n)});
}
static inline Ex shift_right(const Math *m, Ex a, int n)
{
    return ex_op(m->p, EX_SHR, 2, (Ex[]){a, whole(m, n)});
}

/* c[0] + c[1]*x + ... by Horner's rule, in fused multiply-adds. */
Ex math_poly(const Math *m, Ex x, const double *c, int n);
#define POLY(m, x, table) math_poly((m), (x), (table), (int)COUNT_OF(table))
/* The polynomial of f32 or of f64. */
#define POLY2(m, x, f, d) ((m)->is_double ? POLY(m, x, d) : POLY(m, x, f))
/* |a| with the sign of x, for a >= 0; and a with its sign flipped where x is negative. */
Ex math_copy_sign(const Math *m, Ex a, Ex x);
Ex math_flip_sign(const Math *m, Ex a, Ex x);

Ex math_exp(const Math *m, Ex x);
Ex math_expm1(const Math *m, Ex x);
Ex math_sinh(const Math *m, Ex x);
Ex math_cosh(const Math *m, Ex x);
Ex math_tanh(const Math *m, Ex x);
Ex math_sigmoid(const Math *m, Ex x);
Ex math_erf(const Math *m, Ex x);
Ex math_log(const Math *m, Ex x);
Ex math_log1p(const Math *m, Ex x);
Ex math_asinh(const Math *m, Ex x);
Ex math_acosh(const Math *m, Ex x);
Ex math_atanh(const Math *m, Ex x);
Ex math_pow(const Math *m, Ex x, Ex y);
Ex math_sin(const Math *m, Ex x);
Ex math_cos(const Math *m, Ex x);
Ex math_tan(const Math *m, Ex x);
Ex math_asin(const Math *m, Ex x);
Ex math_acos(const Math *m, Ex x);
Ex math_atan(const Math *m, Ex x);

/* exp without limits on its result: |x| small enough that 2^n is a normal number. */
Ex math_exp_near(const Math *m, Ex x);

#endif
