/* Functions of one number, element by element, without attributes. Each line is its formula.
 * Types without arithmetic of their own (f16, ...) are computed in f32 and rounded once. */
#include "ir/ops/activation.h"
#include "ir/ops/check.h"

#define CALL(op) ex_op(t->pool, EX_##op, 1, &x)
#define K(v) te_like(t, x, v)

#define DEFINE(name, value)                        \
    static void name(Te *t, const Node *n)         \
    {                                              \
        (void)n;                                   \
        te_stage(t, te_out(t, 0));                 \
        Ex x = te_wide(t, te_load_bcast(t, te_in(t, 0))); \
        te_yield(t, value);                        \
    }

/* log(1 + e^x) without overflow. */
Ex softplus_of(Te *t, Ex x)
{
    Ex e = te_exp(t, te_neg(t, te_abs(t, x)));
    return te_add(t, te_max(t, x, K(0)), ex_op(t->pool, EX_LOG1P, 1, &e));
}

Ex softsign_of(Te *t, Ex x)
{
    return te_div(t, x, te_add(t, K(1), te_abs(t, x)));
}

static Ex sign_of(Te *t, Ex x)
{
    Ex below = elem_is_unsigned((Elem)x->elem) ? x : te_select(t, te_lt(t, x, K(0)), K(-1), x);
    return te_select(t, te_lt(t, K(0), x), K(1), below);
}

static Ex abs_of(Te *t, Ex x)
{
    return elem_is_unsigned((Elem)x->elem) ? x : te_abs(t, x);
}

static Ex clamp01(Te *t, Ex x)
{
    return te_max(t, K(0), te_min(t, K(1), x));
}

DEFINE(define_abs, abs_of(t, x))
DEFINE(define_neg, te_neg(t, x))
DEFINE(define_sign, sign_of(t, x))
DEFINE(define_relu, te_max(t, x, K(0)))
DEFINE(define_exp, te_exp(t, x))
DEFINE(define_log, te_log(t, x))
DEFINE(define_sqrt, te_sqrt(t, x))
DEFINE(define_reciprocal, te_div(t, K(1), x))
DEFINE(define_floor, te_floor(t, x))
DEFINE(define_ceil, te_ceil(t, x))
DEFINE(define_round, te_round_even(t, x))
DEFINE(define_erf, te_erf(t, x))
DEFINE(define_sigmoid, te_sigmoid(t, x))
DEFINE(define_tanh, te_tanh(t, x))
DEFINE(define_sin, CALL(SIN))
DEFINE(define_cos, CALL(COS))
DEFINE(define_tan, CALL(TAN))
DEFINE(define_asin, CALL(ASIN))
DEFINE(define_acos, CALL(ACOS))
DEFINE(define_atan, CALL(ATAN))
DEFINE(define_sinh, CALL(SINH))
DEFINE(define_cosh, CALL(COSH))
DEFINE(define_asinh, CALL(ASINH))
DEFINE(define_acosh, CALL(ACOSH))
DEFINE(define_atanh, CALL(ATANH))
DEFINE(define_softplus, softplus_of(t, x))
DEFINE(define_softsign, softsign_of(t, x))
DEFINE(define_mish, te_mul(t, x, te_tanh(t, softplus_of(t, x))))
DEFINE(define_hard_swish,
       te_mul(t, x, clamp01(t, te_add(t, te_mul(t, x, K(1.0 / 6)), K(0.5)))))
DEFINE(define_not, te_not(t, x))

static Status infer_bool(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_BOOL));
    return infer_same(g, n);
}

static Status infer_int(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_INT));
    return infer_same(g, n);
}

#define RECORD(text, check, definition, formula, derivative, ...)                          \
    {.name = text, .since = {__VA_ARGS__}, .min_in = 1, .max_in = 1,                       \
     .traits = OP_ELEMENTWISE, .upgrade = upgrade_plain, .infer = check,                   \
     .define = definition, .grad = derivative, .doc = formula}

OP(abs) = RECORD("Abs", infer_number, define_abs, "y = |x|",
                 "%s = Sign(%0) %g = Mul(%d, %s) out %g", 1, 6, 13);
OP(neg) = RECORD("Neg", infer_number, define_neg, "y = -x",
                 "%g = Neg(%d) out %g", 1, 6, 13);
OP(sign) = RECORD("Sign", infer_number, define_sign, "y = -1, 0 or 1 as x is", NULL, 9, 13);
OP(relu) = RECORD("Relu", infer_number, define_relu, "y = max(x, 0)",
                 "%s = Sign(%y) %g = Mul(%d, %s) out %g", 1, 6, 13, 14);
OP(exp) = RECORD("Exp", infer_float, define_exp, "y = e^x",
                 "%g = Mul(%d, %y) out %g", 1, 6, 13);
OP(log) = RECORD("Log", infer_float, define_log, "y = ln(x)",
                 "%g = Div(%d, %0) out %g", 1, 6, 13);
OP(sqrt) = RECORD("Sqrt", infer_float, define_sqrt, "y = sqrt(x)",
                 "%t = Add(%y, %y) %g = Div(%d, %t) out %g", 1, 6, 13);
OP(reciprocal) = RECORD("Reciprocal", infer_float, define_reciprocal, "y = 1 / x",
                 "%q = Mul(%y, %y) %p = Mul(%d, %q) %g = Neg(%p) out %g", 1, 6, 13);
OP(floor) = RECORD("Floor", infer_float, define_floor, "y = floor(x)", NULL, 1, 6, 13);
OP(ceil) = RECORD("Ceil", infer_float, define_ceil, "y = ceil(x)", NULL, 1, 6, 13);
OP(round) = RECORD("Round", infer_float, define_round, "nearest integer, ties to even", NULL,
                   11, 22);
OP(erf) = RECORD("Erf", infer_float, define_erf, "y = erf(x)", NULL, 9, 13);
OP(sigmoid) = RECORD("Sigmoid", infer_float, define_sigmoid, "y = 1 / (1 + e^-x)",
                 "%q = Mul(%y, %y) %s = Sub(%y, %q) %g = Mul(%d, %s) out %g", 1, 6, 13);
OP(tanh) = RECORD("Tanh", infer_float, define_tanh, "y = tanh(x)",
                 "%q = Mul(%y, %y) %p = Mul(%d, %q) %g = Sub(%d, %p) out %g", 1, 6, 13);
OP(sin) = RECORD("Sin", infer_float, define_sin, "y = sin(x)",
                 "%c = Cos(%0) %g = Mul(%d, %c) out %g", 7, 22);
OP(cos) = RECORD("Cos", infer_float, define_cos, "y = cos(x)",
                 "%s = Sin(%0) %p = Mul(%d, %s) %g = Neg(%p) out %g", 7, 22);
OP(tan) = RECORD("Tan", infer_float, define_tan, "y = tan(x)", NULL, 7, 22);
OP(asin) = RECORD("Asin", infer_float, define_asin, "y = asin(x)", NULL, 7, 22);
OP(acos) = RECORD("Acos", infer_float, define_acos, "y = acos(x)", NULL, 7, 22);
OP(atan) = RECORD("Atan", infer_float, define_atan, "y = atan(x)", NULL, 7, 22);
OP(sinh) = RECORD("Sinh", infer_float, define_sinh, "y = sinh(x)",
                 "%c = Cosh(%0) %g = Mul(%d, %c) out %g", 9, 22);
OP(cosh) = RECORD("Cosh", infer_float, define_cosh, "y = cosh(x)",
                 "%s = Sinh(%0) %g = Mul(%d, %s) out %g", 9, 22);
OP(asinh) = RECORD("Asinh", infer_float, define_asinh, "y = asinh(x)", NULL, 9, 22);
OP(acosh) = RECORD("Acosh", infer_float, define_acosh, "y = acosh(x)", NULL, 9, 22);
OP(atanh) = RECORD("Atanh", infer_float, define_atanh, "y = atanh(x)", NULL, 9, 22);
OP(softplus) = RECORD("Softplus", infer_float, define_softplus, "y = ln(1 + e^x)",
                 "%s = Sigmoid(%0) %g = Mul(%d, %s) out %g", 1, 22);
OP(softsign) = RECORD("Softsign", infer_float, define_softsign, "y = x / (1 + |x|)", NULL, 1, 22);
OP(mish) = RECORD("Mish", infer_float, define_mish, "y = x * tanh(softplus(x))", NULL, 18, 22);
OP(hard_swish) = RECORD("HardSwish", infer_float, define_hard_swish,
                        "y = x * clamp(x/6 + 1/2, 0, 1)", NULL, 14, 22);
OP(not) = RECORD("Not", infer_bool, define_not, "y = not x", NULL, 1);
OP(bitwise_not) = RECORD("BitwiseNot", infer_int, define_not, "y = ~x", NULL, 18);
