/* GroupNormalization: each group of C / G channels of a sample is normalized over its channels and
 * spatial dimensions, then scaled and shifted per channel.
 *     y[n, c, i] = (x[n, c, i] - mean[n, g]) / sqrt(var[n, g] + epsilon) * scale[c] + bias[c] */
#include "ir/ops/check.h"

#define GROUP_NORM_ATTRS(A, S)                                                 \
    A(S, float, epsilon, "1e-5", "added to the variance")                      \
    A(S, int, num_groups, NULL, "groups of channels")                          \
    A(S, int, per_group, "0", "1: scale and bias per group (before opset 21)") \
    A(S, int, stash_type, "1", "element type of the statistics")
ATTRS(GroupNormAttrs, GROUP_NORM_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const GroupNormAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_size(n, "num_groups", a->num_groups, 1));
    Ex channels = n->in[0]->type.dim[1], groups = ex_int(g->pool, a->num_groups);
    int64_t c;
    if (ex_is_int(channels, &c) && c % a->num_groups)
        return node_error(n, E0301, "%lld channels are not a multiple of %lld groups",
                          (long long)c, (long long)a->num_groups);
    for (int i = 1; i < 3; i++) {
        TRY(node_need_rank(n, i, 1, 1));
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_equal(n, n->in[i]->type.dim[0], a->per_group ? groups : channels,
                            "size of scale or bias"));
    }
    return infer_float(g, n);
}

/* Opens a stage over [N, G] and loads x at a reduction over the rest. */
static Ex load_group(Te *t, Tx x, Tx out, Ex per_group)
{
    te_stage(t, out);
    Ex c = te_red(t, per_group);
    Ex index[MAX_RANK] = {te_axis(t, 0)};
    index[1] = te_add(t, te_mul(t, te_axis(t, 1), per_group), c);
    for (int i = 2; i < x->rank; i++)
        index[i] = te_red(t, x->dim[i]);
    return te_wide(t, te_load(t, x, index));
}

static void define(Te *t, const Node *n)
{
    const GroupNormAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    Elem e = te_wide_elem(x->elem);
    Ex groups = te_int(t, a->num_groups), per_group = te_floor_div(t, x->dim[1], groups);
    te_require_equal(t, te_mul(t, per_group, groups), x->dim[1]);
    Ex dim[2] = {x->dim[0], groups}, count = per_group;
    for (int i = 2; i < x->rank; i++)
        count = te_mul(t, count, x->dim[i]);
    count = te_float_of(t, e, count);

    Tx mean = te_temp(t, e, 2, dim), inverse = te_temp(t, e, 2, dim);
    Ex v = load_group(t, x, mean, per_group);
    te_yield(t, te_div(t, te_sum(t, v), count));
    v = load_group(t, x, inverse, per_group);
    Ex d = te_sub(t, v, te_load(t, mean, t->stage->axis));
    Ex variance = te_div(t, te_sum(t, te_mul(t, d, d)), count);
    Ex root = te_sqrt(t, te_add(t, variance, te_const(t, e, a->epsilon)));
    te_yield(t, te_div(t, te_const(t, e, 1), root));

    te_stage(t, te_out(t, 0));
    Ex c = te_axis(t, 1), group = te_floor_div(t, c, per_group);
    Ex at[2] = {te_axis(t, 0), group}, param = a->per_group ? group : c;
    v = te_wide(t, te_load(t, x, t->stage->axis));
    Ex y = te_mul(t, te_sub(t, v, te_load(t, mean, at)), te_load(t, inverse, at));
    Ex scale = te_cast(t, e, te_load(t, te_in(t, 1), &param));
    Ex bias = te_cast(t, e, te_load(t, te_in(t, 2), &param));
    te_yield(t, te_add(t, te_mul(t, y, scale), bias));
}

static Status upgrade(RawNode *raw)
{
    raw_set_int(raw, "per_group", 1);
    return MLC_OK;
}

/* Scale and bias repeated for the channels of their group. */
#define PER_CHANNEL(input, name)                                        \
    "%" name "_rows = Unsqueeze(%" input ", %last)\n"                   \
    "%" name "_all = Expand(%" name "_rows, %repeat)\n"                 \
    "%" name " = Reshape(%" name "_all, %flat)\n"

#define PER_GROUP_TEXT                                                                     \
    "const %groups : i64[1] = {$num_groups}\n"                                             \
    "const %one : i64[1] = {1}\n"                                                          \
    "const %last : i64[1] = {1}\n"                                                         \
    "const %flat : i64[1] = {-1}\n"                                                        \
    "%channels = Shape(%0) {start=1, end=2}\n"                                             \
    "%each = Div(%channels, %groups)\n"                                                    \
    "%repeat = Concat(%one, %each) {axis=0}\n" PER_CHANNEL("1", "scale")                   \
    PER_CHANNEL("2", "bias")                                                               \
    "%y = GroupNormalization(%0, %scale, %bias) {num_groups=$num_groups, "                 \
    "epsilon=$epsilon, stash_type=$stash_type}\n"                                          \
    "out %y"

OP(group_normalization) = {
    .name = "GroupNormalization", .since = {18, 21}, .min_in = 3, .max_in = 3,
    ATTRS_OF(GroupNormAttrs), .upgrade = upgrade, .infer = infer, .define = define,
    .expand = PER_GROUP_TEXT, .expand_if = "per_group",
    .doc = "normalizes groups of channels of each sample",
};
