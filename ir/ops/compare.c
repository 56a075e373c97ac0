/* Comparisons with numpy broadcasting; the result is bool. */
#include "ir/ops/strings.h"

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(node_need_same_elem(n, 0, 1));
    return infer_compare(g, n);
}

static Status infer_equal(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_ANY));
    TRY(node_need_same_elem(n, 0, 1));
    return infer_compare(g, n);
}

#define DEFINE(name, value)                               \
    static void name(Te *t, const Node *n)                \
    {                                                     \
        (void)n;                                          \
        te_stage(t, te_out(t, 0));                        \
        Ex a = te_wide(t, te_load_bcast(t, te_in(t, 0))); \
        Ex b = te_wide(t, te_load_bcast(t, te_in(t, 1))); \
        te_yield(t, value);                               \
    }

DEFINE(define_equal_numbers, te_eq(t, a, b))
DEFINE(define_less, te_lt(t, a, b))
DEFINE(define_less_or_equal, te_le(t, a, b))
DEFINE(define_greater, te_lt(t, b, a))
DEFINE(define_greater_or_equal, te_le(t, b, a))

static void define_equal(Te *t, const Node *n)
{
    if (n->in[0]->type.elem == ELEM_STRING)
        te_text_equal(t, te_out(t, 0), te_in(t, 0), te_in(t, 1));
    else
        define_equal_numbers(t, n);
}

#define RECORD(text, check, definition, formula, ...)                                      \
    {.name = text, .since = {__VA_ARGS__}, .min_in = 2, .max_in = 2,                       \
     .traits = OP_ELEMENTWISE, .upgrade = upgrade_broadcast, .infer = check,               \
     .define = definition, .doc = formula}

OP(equal) = {
    .name = "Equal", .since = {1, 7, 11, 13, 19}, .later = {{"string", 19}}, .min_in = 2,
    .max_in = 2, .traits = OP_ELEMENTWISE | OP_COMMUTES, .upgrade = upgrade_broadcast,
    .infer = infer_equal, .define = define_equal, .doc = "y = a == b",
};
OP(less) = RECORD("Less", infer, define_less, "y = a < b", 1, 7, 9, 13);
OP(less_or_equal) = RECORD("LessOrEqual", infer, define_less_or_equal, "y = a <= b", 12, 16);
OP(greater) = RECORD("Greater", infer, define_greater, "y = a > b", 1, 7, 9, 13);
OP(greater_or_equal) =
    RECORD("GreaterOrEqual", infer, define_greater_or_equal, "y = a >= b", 12, 16);
