/* The forms of Gelu of com.microsoft:
 *     Gelu, BiasGelu   y = x/2 (1 + erf(x / sqrt 2))
 *     FastGelu         y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
 *     QuickGelu        y = x sigmoid(alpha x)
 * with x + bias, a vector along the last dimension, for x where there is a second input. */
#include "ir/ops/check.h"

static Status infer(Graph *g, Node *n)
{
    if (node_has(n, 1)) {
        TRY(node_need_rank(n, 0, 1, MAX_RANK));
        TRY(node_need_rank(n, 1, 1, 1));
        TRY(node_need_same_elem(n, 0, 1));
        const Type *x = &n->in[0]->type;
        TRY(node_need_equal(n, x->dim[x->rank - 1], n->in[1]->type.dim[0], "size of the bias"));
    }
    return infer_float(g, n);
}

/* Opens the stage and loads x with its bias. */
static Ex open_input(Te *t)
{
    Tx x = te_in(t, 0), bias = te_in(t, 1);
    if (bias)
        te_require_equal(t, bias->dim[0], x->dim[x->rank - 1]);
    te_stage(t, te_out(t, 0));
    Ex v = te_wide(t, te_load(t, x, t->stage->axis));
    return bias ? te_add(t, v, te_wide(t, te_load(t, bias, (Ex[]){te_axis(t, x->rank - 1)}))) : v;
}

static void yield_half(Te *t, Ex x, Ex inner)
{
    Ex half = te_mul(t, te_like(t, x, 0.5), x);
    te_yield(t, te_mul(t, half, te_add(t, te_like(t, x, 1), inner)));
}

static void define_gelu(Te *t, const Node *n)
{
    (void)n;
    Ex x = open_input(t);
    yield_half(t, x, te_erf(t, te_mul(t, x, te_like(t, x, 0.70710678118654752440))));
}

static void define_fast(Te *t, const Node *n)
{
    (void)n;
    Ex x = open_input(t), x3 = te_mul(t, te_mul(t, x, x), x);
    Ex u = te_add(t, x, te_mul(t, te_like(t, x, 0.044715), x3));
    yield_half(t, x, te_tanh(t, te_mul(t, te_like(t, x, 0.79788456080286535588), u)));
}

#define QUICK_GELU_ATTRS(A, S) A(S, float, alpha, "1.702", "slope of the sigmoid")
ATTRS(QuickGeluAttrs, QUICK_GELU_ATTRS);

static void define_quick(Te *t, const Node *n)
{
    const QuickGeluAttrs *a = n->attrs;
    Ex x = open_input(t);
    te_yield(t, te_mul(t, x, te_sigmoid(t, te_mul(t, te_like(t, x, a->alpha), x))));
}

#define RECORD(text, least, most, definition, formula)                                    \
    .name = text, .domain = "com.microsoft", .since = {1}, .min_in = least, .max_in = most, \
    .infer = infer, .define = definition, .doc = formula

OP(ms_gelu) = {RECORD("Gelu", 1, 1, define_gelu, "y = x * Phi(x)")};
OP(bias_gelu) = {RECORD("BiasGelu", 2, 2, define_gelu, "y = (x + bias) * Phi(x + bias)")};
OP(fast_gelu) = {RECORD("FastGelu", 1, 2, define_fast, "y = x * Phi(x), by tanh")};
OP(quick_gelu) = {RECORD("QuickGelu", 1, 1, define_quick, "y = x * sigmoid(alpha * x)"),
                  ATTRS_OF(QuickGeluAttrs)};
