/* Identity: y = x. */
#include "ir/ops/check.h"

static void define_identity(Te *t, const Node *n)
{
    (void)n;
    te_stage(t, te_out(t, 0));
    te_yield(t, te_load(t, te_in(t, 0), t->stage->axis));
}

OP(identity) = {
    .name = "Identity", .since = {1, 13, 14, 16, 19, 21, 23, 24, 25}, .min_in = 1, .max_in = 1,
    .traits = OP_IDENTITY, .infer = infer_same, .define = define_identity, .grad = "out %d",
    .doc = "y = x",
};
