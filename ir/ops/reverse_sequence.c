/* ReverseSequence: the first `sequence_lens[b]` positions along the time axis in reverse order. */
#include "ir/ops/check.h"
#include "runtime/mlc_abi.h"

#define REVERSE_ATTRS(A, S)                        \
    A(S, int, batch_axis, "1", "dimension of b")   \
    A(S, int, time_axis, "0", "reversed dimension")
ATTRS(ReverseAttrs, REVERSE_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const ReverseAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_rank(n, 1, 1, 1));
    TRY(node_need_elem(n, 1, IS_INT));
    if (a->batch_axis < 0 || a->batch_axis > 1 || a->time_axis != 1 - a->batch_axis)
        return node_error(n, E0203, "batch_axis is %lld and time_axis %lld",
                          (long long)a->batch_axis, (long long)a->time_axis);
    TRY(node_need_equal(n, n->in[1]->type.dim[0], n->in[0]->type.dim[a->batch_axis],
                        "number of sequences"));
    return infer_same(g, n);
}

static void define(Te *t, const Node *n)
{
    const ReverseAttrs *a = n->attrs;
    ExPool *p = t->pool;
    Tx x = te_in(t, 0), lens = te_in(t, 1);
    Ex time = x->dim[a->time_axis];
    te_require_equal(t, lens->dim[0], x->dim[a->batch_axis]);
    te_stage_axes(t, 1, lens->dim);
    Ex len = te_cast(t, ELEM_I64, te_load(t, lens, t->stage->axis));
    te_check(t, ex_and(p, ex_le(p, te_int(t, 0), len), ex_le(p, len, time)), MLC_RUN_INDEX);
    te_close(t);
    te_stage(t, te_out(t, 0));
    Ex index[MAX_RANK], b = te_axis(t, (int)a->batch_axis), i = te_axis(t, (int)a->time_axis);
    memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
    len = te_cast(t, ELEM_I64, te_load(t, lens, &b));
    Ex mirrored = te_sub(t, te_sub(t, len, te_int(t, 1)), i);
    index[a->time_axis] = te_select(t, te_lt(t, i, len), mirrored, i);
    te_yield(t, te_load(t, x, index));
}

OP(reverse_sequence) = {
    .name = "ReverseSequence", .since = {10, 28}, .min_in = 2, .max_in = 2,
    ATTRS_OF(ReverseAttrs), .infer = infer, .define = define,
    .doc = "reverses the start of each sequence",
};
