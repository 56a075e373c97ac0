/* Split: cuts x along `axis` into its outputs. Sizes come from input 1; without it, the parts are
 * equal (the last may be smaller). */
#include "ir/ops/check.h"

#define SPLIT_ATTRS(A, S)                                        \
    A(S, int, axis, "0", "the dimension to cut")                 \
    A(S, int, num_outputs, "", "parts, where no sizes are given")
ATTRS(SplitAttrs, SPLIT_ATTRS);

/* The size of every part. */
static Status part_sizes(Graph *g, const Node *n, Ex dim, Ex *size)
{
    ExPool *p = g->pool;
    const Ex *given;
    int count;
    int64_t v;
    TRY(node_known_ints(g, n, 1, n->nout, &given, &count));
    if (node_has(n, 1) && count != n->nout)
        return node_error(n, E0301, "%d sizes are given for %d outputs", count, n->nout);
    Ex sum = ex_int(p, 0), parts = ex_int(p, n->nout);
    for (int i = 0; i < n->nout; i++) {
        if (node_has(n, 1))
            size[i] = given[i];
        else if (i < n->nout - 1)
            size[i] = ex_ceil_div(p, dim, parts);
        else
            size[i] = ex_sub(p, dim, sum);
        if (ex_is_int(size[i], &v) && (v < 0 || v > INT64_MAX / 64))
            return node_error(n, E0301, "output %d would have size %lld", i, (long long)v);
        sum = ex_add(p, sum, size[i]);
    }
    return node_need_equal(n, sum, dim, "sum of the sizes against the dimension");
}

static Status infer(Graph *g, Node *n)
{
    const SplitAttrs *a = n->attrs;
    int axis;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    Type out = n->in[0]->type;
    TRY(node_axis(n, a->axis, out.rank, &axis));
    if (a->num_outputs != ATTR_INT_ABSENT && a->num_outputs != n->nout)
        return node_error(n, E0203, "attribute 'num_outputs' is %lld for %d outputs",
                          (long long)a->num_outputs, n->nout);
    Ex *size = NEW_ARRAY(g->arena, Ex, n->nout);
    TRY(part_sizes(g, n, out.dim[axis], size));
    for (int i = 0; i < n->nout; i++) {
        out.dim[axis] = size[i];
        node_set_type(n, i, out);
    }
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    const SplitAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    int axis = (int)(a->axis < 0 ? a->axis + x->rank : a->axis);
    Ex *size = NEW_ARRAY(t->arena, Ex, n->nout), at = te_int(t, 0), index[MAX_RANK];
    Status st = part_sizes(n->graph, n, x->dim[axis], size);
    assert(st == MLC_OK);
    (void)st;
    for (int i = 0; i < n->nout; i++) {
        if (te_out(t, i)) {
            te_stage(t, te_out(t, i));
            memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
            index[axis] = te_add(t, index[axis], at);
            te_yield(t, te_load(t, x, index));
        }
        at = te_add(t, at, size[i]);
    }
    te_require_equal(t, at, x->dim[axis]);
}

/* Sizes were an attribute before 13 (in version 1 also an input already). */
static Status upgrade(RawNode *raw)
{
    if (raw->version < 13)
        raw_attr_to_input(raw, "split", 1, ELEM_I64);
    return MLC_OK;
}

OP(split) = {
    .name = "Split", .since = {1, 2, 11, 13, 18}, .min_in = 1, .max_in = 2, .min_out = 1,
    .max_out = VARIADIC, ATTRS_OF(SplitAttrs), .upgrade = upgrade, .infer = infer,
    .define = define, .doc = "cuts a tensor along `axis`",
};
