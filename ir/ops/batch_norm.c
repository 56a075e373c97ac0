/* BatchNormalization, inference: y = (x - mean) / sqrt(variance + epsilon) * scale + bias with one
 * number of each per channel (dimension 1). Training needs the batch's own statistics: refused. */
#include "ir/ops/check.h"

#define BATCH_NORM_ATTRS(A, S)                                                       \
    A(S, float, epsilon, "1e-5", "added to the variance")                            \
    A(S, float, momentum, "0.9", "of the running mean and variance, in training")    \
    A(S, int, training_mode, "0", "1: uses and updates statistics of the batch")
ATTRS(BatchNormAttrs, BATCH_NORM_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const BatchNormAttrs *a = n->attrs;
    if (a->training_mode || n->nout > 1)
        return node_error(n, E0205, "training mode of BatchNormalization is not supported");
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    const Type *x = &n->in[0]->type;
    Ex channels = x->rank > 1 ? x->dim[1] : ex_int(g->pool, 1);
    for (int i = 1; i < 5; i++) {
        TRY(node_need_rank(n, i, 1, 1));
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_equal(n, n->in[i]->type.dim[0], channels, "parameter against channels"));
    }
    return infer_float(g, n);
}

static void define(Te *t, const Node *n)
{
    const BatchNormAttrs *a = n->attrs;
    Ex param[5];
    te_stage(t, te_out(t, 0));
    Ex x = te_wide(t, te_load_bcast(t, te_in(t, 0)));
    Elem e = (Elem)x->elem;
    Ex c = te_rank(t) > 1 ? te_axis(t, 1) : te_int(t, 0);
    for (int i = 1; i < 5; i++)
        param[i] = te_cast(t, e, te_load(t, te_in(t, i), &c));
    Ex deviation = te_sqrt(t, te_add(t, param[4], te_const(t, e, a->epsilon)));
    Ex y = te_div(t, te_sub(t, x, param[3]), deviation);
    te_yield(t, te_add(t, te_mul(t, y, param[1]), param[2]));
}

/* Older versions said `is_test`, or meant training by asking for more outputs; `spatial` = 0 (one
 * number per element) is gone. */
static Status upgrade(RawNode *raw)
{
    upgrade_plain(raw);
    raw_drop(raw, "is_test");
    const RawAttr *spatial = raw_attr(raw, "spatial");
    if (spatial && spatial->i == 0)
        return diag_error(raw->graph->ctx, E0205, raw_loc(raw), MLC_INPUT,
                          "attribute 'spatial' of BatchNormalization is 0");
    raw_drop(raw, "spatial");
    if (raw->version < 14 && raw->nout > 1)
        return diag_error(raw->graph->ctx, E0205, raw_loc(raw), MLC_INPUT,
                          "training mode of BatchNormalization is not supported");
    return MLC_OK;
}

OP(batch_normalization) = {
    .name = "BatchNormalization", .since = {1, 6, 7, 9, 14, 15}, .min_in = 5, .max_in = 5,
    .min_out = 1, .max_out = 3, ATTRS_OF(BatchNormAttrs), .upgrade = upgrade, .infer = infer,
    .define = define, .doc = "y = (x - mean) / sqrt(variance + epsilon) * scale + bias",
};
