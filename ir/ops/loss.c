/* NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. With x[n, c, d...] of log-probabilities, the
 * class t = target[n, d...] and a weight per class (1 without weights):
 *
 *     loss[n, d...] = t == ignore_index ? 0 : -weight[t] * x[n, t, d...]
 *     mean = sum of loss / sum of the weights of what is not ignored
 *
 * The second takes x = scores - max - ln(sum e^(scores - max)), over the classes. */
#include "ir/ops/norm.h"
#include "runtime/mlc_abi.h"

#define LOSS_ATTRS(A, S)                                          \
    A(S, int, ignore_index, "", "the class that does not count")  \
    A(S, str, reduction, "mean", "none, sum or mean")
ATTRS(LossAttrs, LOSS_ATTRS);

static bool reduction_is(const Node *n, const char *word)
{
    const LossAttrs *a = n->attrs;
    return strcmp(a->reduction, word) == 0;
}

/* ---- inference ---- */

static Status check_target(const Node *n)
{
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    const Type *x = &n->in[0]->type;
    TRY(node_need_rank(n, 1, x->rank - 1, x->rank - 1));
    TRY(node_need_elem(n, 1, IS_INT));
    for (int i = 0; i < x->rank - 1; i++)
        TRY(node_need_equal(n, x->dim[i ? i + 1 : 0], n->in[1]->type.dim[i],
                            "dimensions of x and target differ"));
    if (!node_has(n, 2))
        return MLC_OK;
    TRY(node_need_rank(n, 2, 1, 1));
    TRY(node_need_same_elem(n, 0, 2));
    return node_need_equal(n, n->in[2]->type.dim[0], x->dim[1], "classes and weights");
}

static Status infer(Graph *g, Node *n)
{
    const LossAttrs *a = n->attrs;
    (void)g;
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(check_target(n));
    if (!reduction_is(n, "none") && !reduction_is(n, "sum") && !reduction_is(n, "mean"))
        return node_error(n, E0203, "attribute 'reduction' is '%s'", a->reduction);
    Type x = n->in[0]->type, loss = n->in[1]->type;
    loss.elem = x.elem;
    if (!reduction_is(n, "none"))
        loss.rank = 0;
    node_set_type(n, 0, loss);
    node_set_type(n, 1, x);
    return MLC_OK;
}

/* ---- definition ---- */

/* target[axes], unless it is the class to ignore, for which *counts is false. */
static Ex load_class(Te *t, const Node *n, const Ex *at, Ex *counts)
{
    const LossAttrs *a = n->attrs;
    Ex c = te_cast(t, ELEM_I64, te_load(t, te_in(t, 1), at));
    *counts = a->ignore_index == ATTR_INT_ABSENT ? ex_bool(t->pool, true)
                                                 : te_ne(t, c, te_int(t, a->ignore_index));
    return c;
}

static void check_classes(Te *t, const Node *n, Tx x)
{
    Tx target = te_in(t, 1);
    for (int i = 0; i < target->rank; i++)
        te_require_equal(t, target->dim[i], x->dim[i ? i + 1 : 0]);
    if (te_in(t, 2))
        te_require_equal(t, te_in(t, 2)->dim[0], x->dim[1]);
    te_stage_axes(t, target->rank, target->dim);
    Ex counts, c = load_class(t, n, t->stage->axis, &counts);
    Ex inside = te_and(t, te_le(t, te_int(t, 0), c), te_lt(t, c, x->dim[1]));
    te_check(t, te_or(t, te_not(t, counts), inside), MLC_RUN_INDEX);
    te_close(t);
}

/* The loss out of log-probabilities x. */
static void define_loss(Te *t, const Node *n, Tx x)
{
    Tx target = te_in(t, 1), weight = te_in(t, 2), loss = te_out(t, 0);
    if (!loss)
        return;
    check_classes(t, n, x);
    bool none = reduction_is(n, "none");
    Ex at[MAX_RANK], index[MAX_RANK], counts, sum[2];
    te_stage(t, loss);
    for (int i = 0; i < target->rank; i++) {
        at[i] = none ? te_axis(t, i) : te_red(t, target->dim[i]);
        index[i ? i + 1 : 0] = at[i];
    }
    index[1] = load_class(t, n, at, &counts);
    Ex w = te_const(t, te_wide_elem(x->elem), 1), zero = te_like(t, w, 0);
    if (weight)
        w = te_wide(t, te_load(t, weight, &index[1]));
    Ex v = te_neg(t, te_mul(t, te_wide(t, te_load(t, x, index)), w));
    v = ex_guard(t->pool, counts, v, zero);
    if (none) {
        te_yield(t, v);
    } else if (reduction_is(n, "sum")) {
        te_yield(t, te_sum(t, v));
    } else {
        w = ex_guard(t->pool, counts, w, zero);
        te_reduce_many(t, 2, (ReduceOp[]){REDUCE_SUM, REDUCE_SUM}, (Ex[]){v, w}, sum);
        te_yield(t, te_div(t, sum[0], sum[1]));
    }
}

static void define_nll(Te *t, const Node *n)
{
    define_loss(t, n, te_in(t, 0));
}

/* Opens the stage of a value per sample and position, and loads the scores of all classes. */
static Ex load_classes(Te *t, Tx x, Tx out)
{
    Ex index[MAX_RANK];
    te_stage(t, out);
    for (int i = 0; i < x->rank; i++)
        index[i] = i == 1 ? te_red(t, x->dim[1]) : te_axis(t, i ? i - 1 : 0);
    return te_wide(t, te_load(t, x, index));
}

static void define_cross_entropy(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), p = te_out(t, 1);
    Elem e = te_wide_elem(x->elem);
    Ex kept[MAX_RANK];
    const bool over[MAX_RANK] = {false, true};
    for (int i = 0; i < x->rank; i++)
        if (i != 1)
            kept[i ? i - 1 : 0] = x->dim[i];
    Tx max = te_temp(t, e, x->rank - 1, kept), sum = te_temp(t, e, x->rank - 1, kept);
    te_yield(t, te_max_over(t, load_classes(t, x, max)));
    Ex v = load_classes(t, x, sum);
    v = te_sub(t, v, te_load(t, max, t->stage->axis));
    te_yield(t, te_sum(t, te_exp(t, v)));
    if (!p)
        p = te_temp(t, e, x->rank, x->dim);
    te_stage(t, p);
    v = te_sub(t, te_wide(t, te_load(t, x, t->stage->axis)), te_load_kept(t, max, over));
    te_yield(t, te_sub(t, v, te_log(t, te_load_kept(t, sum, over))));
    define_loss(t, n, p);
}

OP(negative_log_likelihood_loss) = {
    .name = "NegativeLogLikelihoodLoss", .since = {12, 13, 22}, .min_in = 2, .max_in = 3,
    ATTRS_OF(LossAttrs), .infer = infer, .define = define_nll,
    .doc = "loss = -weight[target] * x[target]",
};
OP(softmax_cross_entropy_loss) = {
    .name = "SoftmaxCrossEntropyLoss", .since = {12, 13}, .min_in = 2, .max_in = 3, .min_out = 1,
    .max_out = 2, ATTRS_OF(LossAttrs), .infer = infer, .define = define_cross_entropy,
    .doc = "loss = -weight[target] * log_softmax(x)[target]",
};
