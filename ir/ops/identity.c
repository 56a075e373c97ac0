/* Identity, and Dropout as it is at inference: y = x. */
#include "ir/ops/check.h"

static void copy(Te *t)
{
    te_stage(t, te_out(t, 0));
    te_yield(t, te_load(t, te_in(t, 0), t->stage->axis));
}

static void define_identity(Te *t, const Node *n)
{
    (void)n;
    copy(t);
}

OP(identity) = {
    .name = "Identity", .since = {1, 13, 14, 16, 19, 21, 23, 24, 25}, .min_in = 1, .max_in = 1,
    .traits = OP_IDENTITY, .infer = infer_same, .define = define_identity, .doc = "y = x",
};

#define DROPOUT_ATTRS(A, S) A(S, int, seed, "0", "of the random generator, in training")
ATTRS(DropoutAttrs, DROPOUT_ATTRS);

/* Training with a ratio of 0 keeps everything. */
static Status infer_dropout(Graph *g, Node *n)
{
    double training = 0, ratio = 0.5;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    for (int i = 1; i < 3; i++) {
        double *v = i == 1 ? &ratio : &training;
        if (node_has(n, 2) && node_has(n, i) && !value_scalar(n->in[i], v))
            return node_error(n, E0303, "input %d ('%s') is not constant", i, n->in[i]->name);
    }
    if (training != 0 && ratio != 0)
        return node_error(n, E0205, "training mode of Dropout is not supported");
    TRY(infer_same(g, n));
    Type mask = n->in[0]->type;
    mask.elem = ELEM_BOOL;
    node_set_type(n, 1, mask);
    return MLC_OK;
}

static void define_dropout(Te *t, const Node *n)
{
    (void)n;
    Tx mask = te_out(t, 1);
    if (te_out(t, 0))
        copy(t);
    if (mask) {
        te_stage(t, mask);
        te_yield(t, ex_bool(t->pool, true));
    }
}

static Status upgrade_dropout(RawNode *raw)
{
    upgrade_plain(raw);
    raw_drop(raw, "is_test");
    raw_drop(raw, "ratio");
    return MLC_OK;
}

static Status upgrade_ratio(RawNode *raw)
{
    return raw->version < 12 ? upgrade_dropout(raw) : MLC_OK;
}

OP(dropout) = {
    .name = "Dropout", .since = {1, 6, 7, 10, 12, 13, 22}, .min_in = 1, .max_in = 3, .min_out = 1,
    .max_out = 2, .traits = OP_IDENTITY, ATTRS_OF(DropoutAttrs), .upgrade = upgrade_ratio,
    .infer = infer_dropout, .define = define_dropout, .doc = "y = x (inference)",
};
