/* LRN: y[n, c, ...] = x / (bias + alpha / size * sum of x[n, c', ...]^2) ^ beta, over the channels
 * c' in [c - floor((size-1)/2), c + ceil((size-1)/2)] that exist. */
#include "ir/ops/check.h"

#define LRN_ATTRS(A, S)                             \
    A(S, float, alpha, "0.0001", "scale of the sum")\
    A(S, float, beta, "0.75", "exponent")           \
    A(S, float, bias, "1", "added to the sum")      \
    A(S, int, size, NULL, "channels in the sum")
ATTRS(LrnAttrs, LRN_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const LrnAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_size(n, "size", a->size, 1));
    return infer_float(g, n);
}

static void define(Te *t, const Node *n)
{
    const LrnAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    te_stage(t, te_out(t, 0));
    Ex k = te_red(t, te_int(t, a->size)), index[MAX_RANK];
    memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
    index[1] = te_add(t, te_axis(t, 1), te_sub(t, k, te_int(t, (a->size - 1) / 2)));
    Ex v = te_wide(t, te_load_padded(t, x, index, te_const(t, x->elem, 0)));
    Ex sum = te_sum(t, te_mul(t, v, v));
    Ex base = te_add(t, te_like(t, sum, a->bias),
                     te_mul(t, te_like(t, sum, (double)a->alpha / (double)a->size), sum));
    Ex here = te_wide(t, te_load(t, x, t->stage->axis));
    te_yield(t, te_div(t, here, te_pow(t, base, te_like(t, base, a->beta))));
}

OP(lrn) = {
    .name = "LRN", .since = {1, 13}, .min_in = 1, .max_in = 1, ATTRS_OF(LrnAttrs),
    .infer = infer, .define = define, .doc = "local response normalization across channels",
};
