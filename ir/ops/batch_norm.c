/* BatchNormalization: y = (x - mean) / sqrt(variance + epsilon) * scale + bias with one number of
 * each per channel (dimension 1). In training mode mean and variance are the batch's own, and
 *     running = running * momentum + own * (1 - momentum)
 * is the second and third output. */
#include "ir/ops/check.h"

#define BATCH_NORM_ATTRS(A, S)                                                       \
    A(S, float, epsilon, "1e-5", "added to the variance")                            \
    A(S, float, momentum, "0.9", "of the running mean and variance, in training")    \
    A(S, int, training_mode, "0", "1: uses and updates statistics of the batch")
ATTRS(BatchNormAttrs, BATCH_NORM_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const BatchNormAttrs *a = n->attrs;
    if (!a->training_mode && n->nout > 1)
        return node_error(n, E0203, "%d outputs are asked for without training_mode", n->nout);
    TRY(node_need_rank(n, 0, a->training_mode ? 2 : 1, MAX_RANK));
    const Type *x = &n->in[0]->type;
    Ex channels = x->rank > 1 ? x->dim[1] : ex_int(g->pool, 1);
    for (int i = 1; i < 5; i++) {
        TRY(node_need_rank(n, i, 1, 1));
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_equal(n, n->in[i]->type.dim[0], channels, "parameter against channels"));
    }
    node_set_type(n, 1, n->in[3]->type);
    node_set_type(n, 2, n->in[4]->type);
    return infer_float(g, n);
}

/* Opens the stage of a vector over channels and loads x at a reduction over the rest. */
static Ex load_channel(Te *t, Tx x, Tx out, Ex *count)
{
    Ex index[MAX_RANK];
    te_stage(t, out);
    *count = te_int(t, 1);
    for (int i = 0; i < x->rank; i++) {
        index[i] = i == 1 ? te_axis(t, 0) : te_red(t, x->dim[i]);
        *count = i == 1 ? *count : te_mul(t, *count, x->dim[i]);
    }
    return te_wide(t, te_load(t, x, index));
}

/* The batch's own mean and variance, into temporaries; and the running ones. */
static void batch_statistics(Te *t, const BatchNormAttrs *a, Tx x, Tx own[2])
{
    Elem e = te_wide_elem(x->elem);
    for (int i = 0; i < 2; i++) {
        Ex count;
        own[i] = te_temp(t, e, 1, te_in(t, 3)->dim);
        Ex v = load_channel(t, x, own[i], &count);
        if (i) {
            v = te_sub(t, v, te_load(t, own[0], t->stage->axis));
            v = te_mul(t, v, v);
        }
        te_yield(t, te_div(t, te_sum(t, v), te_float_of(t, e, count)));
    }
    for (int i = 0; i < 2; i++) {
        if (!te_out(t, i + 1))
            continue;
        te_stage(t, te_out(t, i + 1));
        Ex before = te_cast(t, e, te_load(t, te_in(t, i + 3), t->stage->axis));
        Ex now = te_load(t, own[i], t->stage->axis);
        te_yield(t, te_add(t, te_mul(t, before, te_const(t, e, a->momentum)),
                           te_mul(t, now, te_const(t, e, 1 - (double)a->momentum))));
    }
}

static void define(Te *t, const Node *n)
{
    const BatchNormAttrs *a = n->attrs;
    Ex param[5];
    Tx from[5] = {NULL, te_in(t, 1), te_in(t, 2), te_in(t, 3), te_in(t, 4)};
    if (a->training_mode)
        batch_statistics(t, a, te_in(t, 0), &from[3]);
    te_stage(t, te_out(t, 0));
    Ex x = te_wide(t, te_load_bcast(t, te_in(t, 0)));
    Elem e = (Elem)x->elem;
    Ex c = te_rank(t) > 1 ? te_axis(t, 1) : te_int(t, 0);
    for (int i = 1; i < 5; i++)
        param[i] = te_cast(t, e, te_load(t, from[i], &c));
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
