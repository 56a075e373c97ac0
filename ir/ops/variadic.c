/* Min, Max, Sum, Mean of any number of tensors, with numpy broadcasting. */
#include "ir/ops/check.h"

/* One expression holds them all, nested as deep as there are inputs. */
enum { MOST_INPUTS = 1024 };

static Status infer_all(Graph *g, Node *n, unsigned classes)
{
    if (n->nin > MOST_INPUTS)
        return node_error(n, E0202, "the operator has %d inputs, at most %d are supported", n->nin,
                          MOST_INPUTS);
    for (int i = 0; i < n->nin; i++) {
        TRY(node_need_elem(n, i, classes));
        TRY(node_need_same_elem(n, 0, i));
    }
    return infer_broadcast(g, n);
}

static Status infer_number_all(Graph *g, Node *n)
{
    return infer_all(g, n, IS_NUMBER);
}

static Status infer_float_all(Graph *g, Node *n)
{
    return infer_all(g, n, IS_FLOAT);
}

static Ex combine_all(Te *t, const Node *n, ReduceOp op)
{
    te_stage(t, te_out(t, 0));
    Ex y = te_wide(t, te_load_bcast(t, te_in(t, 0)));
    for (int i = 1; i < n->nin; i++)
        y = reduce_combine(t->pool, op, y, te_wide(t, te_load_bcast(t, te_in(t, i))));
    return y;
}

static void define_min(Te *t, const Node *n)
{
    te_yield(t, combine_all(t, n, REDUCE_MIN));
}

static void define_max(Te *t, const Node *n)
{
    te_yield(t, combine_all(t, n, REDUCE_MAX));
}

static void define_sum(Te *t, const Node *n)
{
    te_yield(t, combine_all(t, n, REDUCE_SUM));
}

static void define_mean(Te *t, const Node *n)
{
    Ex sum = combine_all(t, n, REDUCE_SUM);
    te_yield(t, n->nin == 1 ? sum : te_div(t, sum, te_like(t, sum, n->nin)));
}

#define RECORD(text, check, definition, formula, ...)                                       \
    {.name = text, .since = {__VA_ARGS__}, .min_in = 1, .max_in = VARIADIC,                 \
     .traits = OP_ELEMENTWISE, .upgrade = upgrade_plain, .infer = check,                    \
     .define = definition, .doc = formula}

OP(min) = RECORD("Min", infer_number_all, define_min, "least of all inputs", 1, 6, 8, 12, 13);
OP(max) = RECORD("Max", infer_number_all, define_max, "largest of all inputs", 1, 6, 8, 12, 13);
OP(sum) = RECORD("Sum", infer_float_all, define_sum, "sum of all inputs", 1, 6, 8, 13);
OP(mean) = RECORD("Mean", infer_float_all, define_mean, "mean of all inputs", 1, 6, 8, 13);
