/* Dropout: y = x at inference; in training, with u uniform in [0, 1),
 *     mask = u >= ratio;  y = mask ? x / (1 - ratio) : 0
 * Training with a ratio of 0 keeps everything. What is known to be inference is folded away
 * (passes/simplify/identity.c). */
#include "ir/ops/check.h"
#include "ir/ops/random.h"

#define DROPOUT_ATTRS(A, S) A(S, int, seed, "", "of the generator, default: from the node's name")
ATTRS(DropoutAttrs, DROPOUT_ATTRS);

enum { IN_X, IN_RATIO, IN_TRAINING };

static Status infer_dropout(Graph *g, Node *n)
{
    double ratio;
    TRY(node_need_rank(n, IN_X, 0, MAX_RANK));
    TRY(node_need_elem(n, IN_X, IS_FLOAT));
    TRY(node_need_elem(n, IN_RATIO, IS_FLOAT));
    TRY(node_need_elem(n, IN_TRAINING, IS_BOOL));
    for (int i = IN_RATIO; i <= IN_TRAINING; i++)
        if (node_has(n, i)) {
            TRY(node_need_rank(n, i, 0, 1));
            TRY(node_need_equal(n, type_count(g->pool, &n->in[i]->type), ex_int(g->pool, 1),
                                i == IN_RATIO ? "size of the ratio" : "size of training_mode"));
        }
    if (node_has(n, IN_RATIO) && value_scalar(n->in[IN_RATIO], &ratio) &&
        !(ratio >= 0 && ratio < 1))
        return node_error(n, E0301, "the ratio is %g, must be at least 0 and below 1", ratio);
    TRY(infer_same(g, n));
    Type mask = n->in[IN_X]->type;
    mask.elem = ELEM_BOOL;
    node_set_type(n, 1, mask);
    return MLC_OK;
}

/* Is the element at the open stage kept? */
static Ex kept(Te *t, Tx x, Ex ratio, Ex training)
{
    const DropoutAttrs *a = t->node->attrs;
    RandomKey key = random_key_of_name(t->node);
    if (a->seed != ATTR_INT_ABSENT)
        key = (RandomKey){{(uint32_t)a->seed, (uint32_t)((uint64_t)a->seed >> 32)}};
    Ex u = random_uniform(t, (Elem)ratio->elem, key, x->rank, x->dim);
    return te_or(t, te_not(t, training), te_le(t, ratio, u));
}

static Ex load_one(Te *t, int i)
{
    Ex zero = te_int(t, 0);
    return te_load(t, te_in(t, i), &zero);
}

static void define_dropout(Te *t, const Node *n)
{
    (void)n;
    Tx x = te_in(t, IN_X), out[2] = {te_out(t, 0), te_out(t, 1)};
    Elem e = te_wide_elem(x->elem);
    for (int i = 0; i < 2; i++) {
        if (!out[i])
            continue;
        te_stage(t, out[i]);
        Ex training = te_in(t, IN_TRAINING) ? load_one(t, IN_TRAINING) : ex_bool(t->pool, false);
        Ex ratio = te_in(t, IN_RATIO) ? te_wide(t, load_one(t, IN_RATIO)) : te_const(t, e, 0.5);
        Ex keep = kept(t, x, ratio, training);
        if (i == 1) {
            te_yield(t, keep);
            continue;
        }
        Ex v = te_wide(t, te_load(t, x, t->stage->axis));
        Ex rest = te_sub(t, te_like(t, v, 1), te_cast(t, e, ratio));
        Ex scaled = te_select(t, training, te_div(t, v, rest), v);
        te_yield(t, te_select(t, keep, scaled, te_like(t, v, 0)));
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
    .max_out = 2, .traits = OP_RANDOM, ATTRS_OF(DropoutAttrs), .upgrade = upgrade_ratio,
    .infer = infer_dropout, .define = define_dropout,
    .doc = "y = x (inference); u >= ratio ? x / (1 - ratio) : 0 (training)",
};
