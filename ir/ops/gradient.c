/* Gradient of ai.onnx.preview.training: dy/dx of a value y of the graph by the values xs, at the
 * point where the values xs and zs have the inputs of the node. It names values of the graph around
 * it, so that passes/gradient.c, and not this file, puts the derivative in its place: the chain rule
 * over OpInfo.grad of the nodes between. */
#include "ir/ops/check.h"

#define GRADIENT_ATTRS(A, S)                                       \
    A(S, strs, xs, NULL, "values to differentiate by")             \
    A(S, str, y, NULL, "the value that is differentiated")         \
    A(S, strs, zs, "", "further values that inputs stand for")
ATTRS(GradientAttrs, GRADIENT_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const GradientAttrs *a = n->attrs;
    (void)g;
    if (a->xs.n < 1 || a->xs.n + a->zs.n != n->nin)
        return node_error(n, E0202, "%d inputs stand for %d values", n->nin, a->xs.n + a->zs.n);
    if (n->nout > a->xs.n)
        return node_error(n, E0202, "%d outputs for %d values", n->nout, a->xs.n);
    for (int i = 0; i < a->xs.n; i++) {
        TRY(node_need_rank(n, i, 0, MAX_RANK));
        TRY(node_need_elem(n, i, IS_FLOAT));
        node_set_type(n, i, n->in[i]->type);
    }
    return MLC_OK;
}

OP(gradient) = {
    .name = "Gradient", .domain = "ai.onnx.preview.training", .since = {1}, .min_in = 1,
    .max_in = VARIADIC, .min_out = 1, .max_out = VARIADIC, ATTRS_OF(GradientAttrs), .infer = infer,
    .doc = "derivatives of a value by others",
};
