/* The activation functions of recurrent cells (gate.h). The table has a row for each; what they mean
 * is said where the operators of these names are. */
#include "ir/ops/gate.h"

#include "ir/ops/activation.h"

#include <math.h>
#include <strings.h>

typedef Ex (*GateValue)(Te *t, Ex x, double alpha, double beta);

typedef struct GateFunction {
    const char *name;
    int         params; /* 1: alpha, 2: alpha and beta */
    double      alpha, beta;
    GateValue   value;
} GateFunction;

#define K(v) te_like(t, x, v)
#define GATE(name, formula)                                 \
    static Ex name(Te *t, Ex x, double alpha, double beta)  \
    {                                                       \
        (void)alpha;                                        \
        (void)beta;                                         \
        return formula;                                     \
    }

GATE(affine, te_add(t, te_mul(t, K(alpha), x), K(beta)))
GATE(elu, elu_of(t, x, alpha))
GATE(hard_sigmoid, hard_sigmoid_of(t, x, alpha, beta))
GATE(leaky_relu, leaky_relu_of(t, x, alpha))
GATE(relu, te_max(t, x, K(0)))
GATE(scaled_tanh, te_mul(t, K(alpha), te_tanh(t, te_mul(t, K(beta), x))))
GATE(sigmoid, te_sigmoid(t, x))
GATE(softplus, softplus_of(t, x))
GATE(softsign, softsign_of(t, x))
GATE(tanh_, te_tanh(t, x))
GATE(thresholded_relu, thresholded_relu_of(t, x, alpha))

static const GateFunction function[] = {
    {"Affine", 2, 1, 0, affine},
    {"Elu", 1, 1, 0, elu},
    {"HardSigmoid", 2, 0.2, 0.5, hard_sigmoid},
    {"LeakyRelu", 1, 0.01, 0, leaky_relu},
    {"Relu", 0, 0, 0, relu},
    {"ScaledTanh", 2, 1, 1, scaled_tanh},
    {"Sigmoid", 0, 0, 0, sigmoid},
    {"Softplus", 0, 0, 0, softplus},
    {"Softsign", 0, 0, 0, softsign},
    {"Tanh", 0, 0, 0, tanh_},
    {"ThresholdedRelu", 1, 1, 0, thresholded_relu},
};

/* Case does not matter: exporters differ. */
static const GateFunction *find(const char *name)
{
    for (size_t i = 0; i < sizeof function / sizeof *function; i++)
        if (!strcasecmp(function[i].name, name))
            return &function[i];
    return NULL;
}

Status gates_read(const Node *n, const Strings *names, const Floats *alpha, const Floats *beta,
                  int ndflt, const char *const *dflt, int count, Gate *out)
{
    bool given = names->set && names->n > 0;
    int a = 0, b = 0;
    if (given && names->n != count)
        return node_error(n, E0203, "attribute 'activations' has %d names, %d are needed", names->n,
                          count);
    for (int i = 0; i < count; i++) {
        const char *name = given ? names->at[i] : dflt[i % ndflt];
        const GateFunction *f = find(name);
        if (!f)
            return node_error(n, E0203, "attribute 'activations' has the unknown function '%s'",
                              name);
        out[i] = (Gate){.fn = f, .alpha = f->alpha, .beta = f->beta};
        if (f->params >= 1 && alpha->set && a < alpha->n)
            out[i].alpha = alpha->at[a++];
        if (f->params >= 2 && beta->set && b < beta->n)
            out[i].beta = beta->at[b++];
    }
    return MLC_OK;
}

Ex gate_apply(Te *t, const Gate *g, double clip, Ex x)
{
    if (!isnan(clip))
        x = te_max(t, K(-clip), te_min(t, K(clip), x));
    return g->fn->value(t, x, g->alpha, g->beta);
}
