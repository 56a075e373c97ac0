/* Identity: y = x. */
#include "ir/ops/columns.h"

static const char *columns_identity(Graph *g, const Node *n)
{
    Str s = str_new(g->arena);
    for (int k = 0; k < column_count(&n->in[0]->type); k++)
        str_printf(&s, "out %%%d\n", k);
    return str_text(&s);
}

static void define_identity(Te *t, const Node *n)
{
    (void)n;
    te_stage(t, te_out(t, 0));
    te_yield(t, te_load(t, te_in(t, 0), t->stage->axis));
}

OP(identity) = {
    .name = "Identity", .since = {1, 13, 14, 16, 19, 21, 23, 24, 25}, .min_in = 1, .max_in = 1,
    .traits = OP_IDENTITY, .infer = infer_same, .define = define_identity, .grad = "out %d",
    .columns = columns_identity, .doc = "y = x",
};
