/* MATH operations as polynomials in the basic ones: the same expression for the interpreter, LLVM,
 * C and PTX, so that results compare bit for bit. No branches and no loads: every form vectorizes.
 *
 * Maximum errors in units in the last place, over all arguments where the C function is finite,
 * subnormal results included; tested in test/ir/expr/math_test.c. sin, cos and tan hold them for
 * |x| <= 2^45; beyond that results are finite, not accurate.
 *
 *            f32   f64               f32   f64               f32   f64
 *   exp      1.1   1.1     sin       1.6   1.6     sinh      1.8   1.8
 *   expm1    1.6   2.0     cos       1.6   1.6     cosh      1.6   1.6
 *   log      1.0   1.0     tan       3.2   3.2     tanh      1.6   1.6
 *   log1p    1.6   1.1     asin      2.2   2.4     asinh     2.5   2.5
 *   pow      0.6   2.5     acos      1.5   1.5     acosh     2.5   2.5
 *   erf      1.2   1.2     atan      2.0   2.0     atanh     2.5   2.5
 *   sigmoid  2.3   2.3
 *
 * Coefficients are minimax fits of the relative error (Remez exchange in 70 digits), the leading
 * ones rounded first and the others fitted again. */
#include "ir/expr/math.h"

Ex math_poly(const Math *m, Ex x, const double *c, int n)
{
    Ex r = num(m, c[n - 1]);

    for (int i = n - 2; i >= 0; i--)
        r = fused(m, r, x, num(m, c[i]));
    return r;
}

static Ex sign_bit(const Math *m, Ex x)
{
    int64_t mask = m->is_double ? INT64_MIN : INT32_MIN;

    return ex_and(m->p, as_int(m, x), whole(m, mask));
}

Ex math_copy_sign(const Math *m, Ex a, Ex x)
{
    return as_float(m, ex_or(m->p, as_int(m, a), sign_bit(m, x)));
}

Ex math_flip_sign(const Math *m, Ex a, Ex x)
{
    return as_float(m, ex_op(m->p, EX_XOR, 2, (Ex[]){as_int(m, a), sign_bit(m, x)}));
}

static Ex expand(void *arg, ExPool *p, Ex e, Ex original)
{
    Math m;

    (void)arg;
    (void)original;
    if (e->op < EX_EXP || !elem_is_float((Elem)e->elem))
        return NULL;
    m = math_of(p, (Elem)e->elem);
    switch (e->op) {
    case EX_EXP:
        return math_exp(&m, e->arg[0]);
    case EX_EXPM1:
        return math_expm1(&m, e->arg[0]);
    case EX_LOG:
        return math_log(&m, e->arg[0]);
    case EX_LOG1P:
        return math_log1p(&m, e->arg[0]);
    case EX_SIN:
        return math_sin(&m, e->arg[0]);
    case EX_COS:
        return math_cos(&m, e->arg[0]);
    case EX_TAN:
        return math_tan(&m, e->arg[0]);
    case EX_ASIN:
        return math_asin(&m, e->arg[0]);
    case EX_ACOS:
        return math_acos(&m, e->arg[0]);
    case EX_ATAN:
        return math_atan(&m, e->arg[0]);
    case EX_SINH:
        return math_sinh(&m, e->arg[0]);
    case EX_COSH:
        return math_cosh(&m, e->arg[0]);
    case EX_TANH:
        return math_tanh(&m, e->arg[0]);
    case EX_ASINH:
        return math_asinh(&m, e->arg[0]);
    case EX_ACOSH:
        return math_acosh(&m, e->arg[0]);
    case EX_ATANH:
        return math_atanh(&m, e->arg[0]);
    case EX_ERF:
        return math_erf(&m, e->arg[0]);
    case EX_POW:
        return math_pow(&m, e->arg[0], e->arg[1]);
    case EX_SIGMOID:
        return math_sigmoid(&m, e->arg[0]);
    default:
        return NULL;
    }
}

Ex ex_expand_math(ExPool *p, Ex e)
{
    return ex_rewrite(p, e, expand, NULL);
}
