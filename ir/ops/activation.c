/* Activations with attributes. Each DEFINE is the formula; `a` is the attribute struct. */
#include "ir/ops/activation.h"
#include "ir/ops/check.h"

#define K(v) te_like(t, x, v)

#define DEFINE(name, Attrs, value)                        \
    static void name(Te *t, const Node *n)                \
    {                                                     \
        const Attrs *a = n->attrs;                        \
        te_stage(t, te_out(t, 0));                        \
        Ex x = te_wide(t, te_load_bcast(t, te_in(t, 0))); \
        te_yield(t, value);                               \
    }

#define RECORD(text, Attrs, check, definition, formula, ...)                               \
    {.name = text, .since = {__VA_ARGS__}, .min_in = 1, .max_in = 1,                       \
     .traits = OP_ELEMENTWISE, ATTRS_OF(Attrs), .upgrade = upgrade_plain, .infer = check,  \
     .define = definition, .doc = formula}

/* alpha * (e^x - 1) */
static Ex exp_minus_1(Te *t, double alpha, Ex x)
{
    return te_mul(t, K(alpha), ex_op(t->pool, EX_EXPM1, 1, &x));
}

#define LEAKY_RELU_ATTRS(A, S) A(S, float, alpha, "0.01", "slope where x < 0")
ATTRS(LeakyReluAttrs, LEAKY_RELU_ATTRS);
Ex leaky_relu_of(Te *t, Ex x, double alpha)
{
    return te_select(t, te_lt(t, x, K(0)), te_mul(t, K(alpha), x), x);
}
DEFINE(define_leaky_relu, LeakyReluAttrs, leaky_relu_of(t, x, a->alpha))
OP(leaky_relu) = RECORD("LeakyRelu", LeakyReluAttrs, infer_float, define_leaky_relu,
                        "y = x < 0 ? alpha * x : x", 1, 6, 16);

#define ELU_ATTRS(A, S) A(S, float, alpha, "1", "scale where x < 0")
ATTRS(EluAttrs, ELU_ATTRS);
Ex elu_of(Te *t, Ex x, double alpha)
{
    return te_select(t, te_lt(t, x, K(0)), exp_minus_1(t, alpha, x), x);
}
DEFINE(define_elu, EluAttrs, elu_of(t, x, a->alpha))
OP(elu) = RECORD("Elu", EluAttrs, infer_float, define_elu,
                 "y = x < 0 ? alpha * (e^x - 1) : x", 1, 6, 22);

static Status infer_celu(Graph *g, Node *n)
{
    const EluAttrs *a = n->attrs;
    if (a->alpha == 0)
        return node_error(n, E0203, "attribute 'alpha' is 0");
    return infer_float(g, n);
}
DEFINE(define_celu, EluAttrs,
       te_add(t, te_max(t, x, K(0)),
              te_min(t, K(0), exp_minus_1(t, a->alpha, te_div(t, x, K(a->alpha))))))
OP(celu) = {
    .name = "Celu", .since = {12, 28}, .later = {{"f16", 28}, {"f64", 28}}, .min_in = 1,
    .max_in = 1, .traits = OP_ELEMENTWISE, ATTRS_OF(EluAttrs), .infer = infer_celu,
    .define = define_celu,
    .doc = "y = max(x, 0) + min(0, alpha * (e^(x/alpha) - 1))",
};

#define SELU_ATTRS(A, S)                                                        \
    A(S, float, alpha, "1.67326319217681884765625", "scale where x <= 0")       \
    A(S, float, gamma, "1.05070102214813232421875", "scale of the whole")
ATTRS(SeluAttrs, SELU_ATTRS);
DEFINE(define_selu, SeluAttrs,
       te_mul(t, K(a->gamma), te_select(t, te_lt(t, K(0), x), x, exp_minus_1(t, a->alpha, x))))
static Status upgrade_selu(RawNode *raw);
OP(selu) = {
    .name = "Selu", .since = {1, 6, 22}, .min_in = 1, .max_in = 1, .traits = OP_ELEMENTWISE,
    ATTRS_OF(SeluAttrs), .upgrade = upgrade_selu, .infer = infer_float, .define = define_selu,
    .doc = "y = gamma * (x > 0 ? x : alpha * (e^x - 1))",
};

static void set_float(RawNode *raw, const char *name, float v)
{
    if (!raw_attr(raw, name))
        vec_push(raw->graph->arena, &raw->attrs,
                 (RawAttr){.name = name, .kind = ATTR_float, .f = v});
}

/* Version 1 had rounded defaults. */
static Status upgrade_selu(RawNode *raw)
{
    if (raw->version < 6) {
        set_float(raw, "alpha", 1.6732f);
        set_float(raw, "gamma", 1.0507f);
    }
    return upgrade_plain(raw);
}

#define HARD_SIGMOID_ATTRS(A, S)                 \
    A(S, float, alpha, "0.2", "slope")           \
    A(S, float, beta, "0.5", "value at 0")
ATTRS(HardSigmoidAttrs, HARD_SIGMOID_ATTRS);
Ex hard_sigmoid_of(Te *t, Ex x, double alpha, double beta)
{
    return te_max(t, K(0), te_min(t, K(1), te_add(t, te_mul(t, K(alpha), x), K(beta))));
}
DEFINE(define_hard_sigmoid, HardSigmoidAttrs, hard_sigmoid_of(t, x, a->alpha, a->beta))
OP(hard_sigmoid) = RECORD("HardSigmoid", HardSigmoidAttrs, infer_float, define_hard_sigmoid,
                          "y = clamp(alpha * x + beta, 0, 1)", 1, 6, 22);

#define THRESHOLDED_RELU_ATTRS(A, S) A(S, float, alpha, "1", "threshold")
ATTRS(ThresholdedReluAttrs, THRESHOLDED_RELU_ATTRS);
Ex thresholded_relu_of(Te *t, Ex x, double alpha)
{
    return te_select(t, te_lt(t, K(alpha), x), x, K(0));
}
DEFINE(define_thresholded_relu, ThresholdedReluAttrs, thresholded_relu_of(t, x, a->alpha))
OP(thresholded_relu) = RECORD("ThresholdedRelu", ThresholdedReluAttrs, infer_float,
                              define_thresholded_relu, "y = x > alpha ? x : 0", 1, 10, 22);

#define SHRINK_ATTRS(A, S)                                  \
    A(S, float, bias, "0", "subtracted from the magnitude") \
    A(S, float, lambd, "0.5", "threshold")
ATTRS(ShrinkAttrs, SHRINK_ATTRS);
/* Thresholds are no integers, also where x is one. */
static void define_shrink(Te *t, const Node *n)
{
    const ShrinkAttrs *a = n->attrs;
    te_stage(t, te_out(t, 0));
    Ex x = te_wide(t, te_load_bcast(t, te_in(t, 0)));
    if (!elem_is_float(te_in(t, 0)->elem))
        x = te_cast(t, ELEM_F64, x);
    te_yield(t, te_select(t, te_lt(t, x, K(-a->lambd)), te_add(t, x, K(a->bias)),
                          te_select(t, te_lt(t, K(a->lambd), x), te_sub(t, x, K(a->bias)), K(0))));
}
OP(shrink) = RECORD("Shrink", ShrinkAttrs, infer_number, define_shrink,
                    "y = x < -lambd ? x + bias : x > lambd ? x - bias : 0", 9);

#define SWISH_ATTRS(A, S) A(S, float, alpha, "1", "slope of the sigmoid")
ATTRS(SwishAttrs, SWISH_ATTRS);
DEFINE(define_swish, SwishAttrs, te_mul(t, x, te_sigmoid(t, te_mul(t, K(a->alpha), x))))
OP(swish) = RECORD("Swish", SwishAttrs, infer_float, define_swish,
                   "y = x * sigmoid(alpha * x)", 24);

#define GELU_ATTRS(A, S) A(S, str, approximate, "none", "none or tanh")
ATTRS(GeluAttrs, GELU_ATTRS);

static bool is_tanh(const GeluAttrs *a)
{
    return strcmp(a->approximate, "tanh") == 0;
}

static Status infer_gelu(Graph *g, Node *n)
{
    const GeluAttrs *a = n->attrs;
    if (!is_tanh(a) && strcmp(a->approximate, "none") != 0)
        return node_error(n, E0203, "attribute 'approximate' is '%s'", a->approximate);
    return infer_float(g, n);
}

/* x/2 * (1 + erf(x / sqrt 2)), or with tanh(sqrt(2/pi) * (x + 0.044715 x^3)) for the erf. */
static Ex gelu_of(Te *t, const GeluAttrs *a, Ex x)
{
    Ex inner;
    if (is_tanh(a)) {
        Ex x3 = te_mul(t, te_mul(t, x, x), x);
        Ex u = te_add(t, x, te_mul(t, K(0.044715), x3));
        inner = te_tanh(t, te_mul(t, K(0.79788456080286535588), u));
    } else {
        inner = te_erf(t, te_mul(t, x, K(0.70710678118654752440)));
    }
    return te_mul(t, te_mul(t, K(0.5), x), te_add(t, K(1), inner));
}
DEFINE(define_gelu, GeluAttrs, gelu_of(t, a, x))
OP(gelu) = RECORD("Gelu", GeluAttrs, infer_gelu, define_gelu, "y = x * Phi(x)", 20);

#define IS_INF_ATTRS(A, S)                                       \
    A(S, int, detect_negative, "1", "count minus infinity")      \
    A(S, int, detect_positive, "1", "count plus infinity")
ATTRS(IsInfAttrs, IS_INF_ATTRS);

static Status infer_is(Graph *g, Node *n)
{
    TRY(infer_float(g, n));
    n->out[0]->type.elem = ELEM_BOOL;
    return MLC_OK;
}

static Ex is_inf(Te *t, const IsInfAttrs *a, Ex x)
{
    Ex no = ex_bool(t->pool, false);
    Ex plus = a->detect_positive ? te_eq(t, x, K(__builtin_inf())) : no;
    Ex minus = a->detect_negative ? te_eq(t, x, K(-__builtin_inf())) : no;
    return te_or(t, plus, minus);
}
DEFINE(define_is_inf, IsInfAttrs, is_inf(t, a, x))
OP(is_inf) = {
    .name = "IsInf", .since = {10, 20}, .later = {{"f16", 20}}, .min_in = 1, .max_in = 1,
    .traits = OP_ELEMENTWISE, ATTRS_OF(IsInfAttrs), .infer = infer_is, .define = define_is_inf,
    .doc = "y = x is infinite",
};

static void define_is_nan(Te *t, const Node *n)
{
    (void)n;
    te_stage(t, te_out(t, 0));
    Ex x = te_wide(t, te_load_bcast(t, te_in(t, 0)));
    te_yield(t, te_ne(t, x, x));
}
OP(is_nan) = {
    .name = "IsNaN", .since = {9, 13, 20}, .min_in = 1, .max_in = 1, .traits = OP_ELEMENTWISE,
    .infer = infer_is, .define = define_is_nan, .doc = "y = x is not a number",
};
