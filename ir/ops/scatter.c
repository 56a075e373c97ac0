/* ScatterElements, ScatterND: a copy of x in which `updates` replace or change elements at run-time
 * positions. Two stages: the copy, then a scatter, which runs in axis order so that of duplicate
 * positions the last one wins and reductions see all. */
#include "ir/ops/check.h"
#include "runtime/mlc_abi.h"

#define SCATTER_ELEMENTS_ATTRS(A, S)                               \
    A(S, int, axis, "0", "the dimension that is indexed")          \
    A(S, str, reduction, "none", "none, add, mul, max or min")
ATTRS(ScatterElementsAttrs, SCATTER_ELEMENTS_ATTRS);

#define SCATTER_ND_ATTRS(A, S) A(S, str, reduction, "none", "none, add, mul, max or min")
ATTRS(ScatterNdAttrs, SCATTER_ND_ATTRS);

/* 0: replace; else 1 + ReduceOp; -1: unknown. */
static int reduction_of(const char *word)
{
    static const char *const name[] = {"none", "add", "mul", "min", "max"};
    for (size_t i = 0; i < COUNT_OF(name); i++)
        if (strcmp(word, name[i]) == 0)
            return (int)i;
    return -1;
}

static Status check(const Node *n, const char *reduction)
{
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_need_rank(n, 1, 1, MAX_RANK));
    TRY(node_need_rank(n, 2, 0, MAX_RANK));
    TRY(node_need_elem(n, 1, IS_INT));
    TRY(node_need_same_elem(n, 0, 2));
    int r = reduction_of(reduction);
    if (r < 0)
        return node_error(n, E0203, "attribute 'reduction' is '%s'", reduction);
    return node_need_elem(n, 0, r ? IS_NUMBER : IS_ANY);
}

static void copy_data(Te *t, Tx x, Tx y)
{
    te_stage(t, y);
    te_yield(t, te_load(t, x, t->stage->axis));
}

/* Closes the open scatter stage: y[index] becomes or absorbs v. */
static void yield_scatter(Te *t, Tx y, const Ex *index, Ex v, const char *reduction)
{
    int r = reduction_of(reduction);
    t->stage->kind = STAGE_SCATTER;
    if (r > 0)
        v = reduce_combine(t->pool, (ReduceOp)(r - 1), te_wide(t, te_load(t, y, index)),
                           te_wide(t, v));
    te_yield_at(t, y, index, v);
}

/* ---- ScatterElements ---- */

static Status infer_elements(Graph *g, Node *n)
{
    const ScatterElementsAttrs *a = n->attrs;
    int axis;
    TRY(check(n, a->reduction));
    const Type *x = &n->in[0]->type, *idx = &n->in[1]->type, *up = &n->in[2]->type;
    TRY(node_need_rank(n, 1, x->rank, x->rank));
    TRY(node_need_rank(n, 2, x->rank, x->rank));
    TRY(node_axis(n, a->axis, x->rank, &axis));
    TRY(node_check_index(n, 1, x->dim[axis]));
    for (int i = 0; i < x->rank; i++) {
        int64_t have, want;
        TRY(node_need_equal(n, idx->dim[i], up->dim[i], "indices and updates differ"));
        if (i != axis && ex_is_int(x->dim[i], &have) && ex_is_int(idx->dim[i], &want) &&
            want > have)
            return node_error(n, E0301, "dimension %d of the indices is %lld, of the data %lld", i,
                              (long long)want, (long long)have);
    }
    return infer_same(g, n);
}

static void define_elements(Te *t, const Node *n)
{
    const ScatterElementsAttrs *a = n->attrs;
    Tx x = te_in(t, 0), idx = te_in(t, 1), up = te_in(t, 2), y = te_out(t, 0);
    int axis = (int)(a->axis < 0 ? a->axis + x->rank : a->axis);
    for (int i = 0; i < x->rank; i++) {
        te_require_equal(t, idx->dim[i], up->dim[i]);
        if (i != axis && idx->dim[i] != x->dim[i])
            te_require(t, ex_le(t->pool, idx->dim[i], x->dim[i]));
    }
    te_check_index(t, idx, n->in[1], x->dim[axis]);
    copy_data(t, x, y);
    te_stage_axes(t, idx->rank, idx->dim);
    Ex index[MAX_RANK];
    memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
    index[axis] = te_load_index(t, idx, n->in[1], t->stage->axis, x->dim[axis]);
    yield_scatter(t, y, index, te_load(t, up, t->stage->axis), a->reduction);
}

static Status upgrade_scatter(RawNode *raw)
{
    raw->op = "ScatterElements";
    raw->version = 18;
    return MLC_OK;
}

OP(scatter_elements) = {
    .name = "ScatterElements", .since = {11, 13, 16, 18}, .min_in = 3, .max_in = 3,
    ATTRS_OF(ScatterElementsAttrs), .infer = infer_elements, .define = define_elements,
    .doc = "x with elements replaced along `axis`",
};

/* The older name; always rewritten: its newest version is beyond all. */
OP(scatter) = {
    .name = "Scatter", .since = {9, 11, SINCE_REPLACED}, .min_in = 3, .max_in = 3,
    ATTRS_OF(ScatterElementsAttrs), .upgrade = upgrade_scatter, .infer = infer_elements,
    .define = define_elements, .doc = "the older name of ScatterElements",
};

/* ---- ScatterND: y[indices[i..., :], r...] = updates[i..., r...] ---- */

static Status infer_nd(Graph *g, Node *n)
{
    const ScatterNdAttrs *a = n->attrs;
    int64_t depth;
    TRY(check(n, a->reduction));
    const Type *x = &n->in[0]->type, *idx = &n->in[1]->type, *up = &n->in[2]->type;
    int lead = idx->rank - 1;
    if (!ex_is_int(idx->dim[lead], &depth))
        return node_error(n, E0303, "the last dimension of the indices is not constant");
    if (depth < 0 || depth > x->rank)
        return node_error(n, E0301, "indices of %lld numbers into a tensor of rank %d",
                          (long long)depth, x->rank);
    int64_t rank = lead + x->rank - depth;
    if (up->rank != rank)
        return node_error(n, E0302, "the updates have rank %d, must have rank %lld", up->rank,
                          (long long)rank);
    for (int i = 0; i < up->rank; i++)
        TRY(node_need_equal(n, up->dim[i],
                            i < lead ? idx->dim[i] : x->dim[i - lead + (int)depth],
                            "dimension of the updates"));
    return infer_same(g, n);
}

static void check_columns(Te *t, Tx idx, Tx x, int depth)
{
    ExPool *p = t->pool;
    te_stage_axes(t, idx->rank - 1, idx->dim);
    for (int k = 0; k < depth; k++) {
        Ex at[MAX_RANK], dim = x->dim[k], low = ex_sub(p, ex_int(p, 0), dim);
        memcpy(at, t->stage->axis, (size_t)(idx->rank - 1) * sizeof *at);
        at[idx->rank - 1] = te_int(t, k);
        Ex i = te_cast(t, ELEM_I64, te_load(t, idx, at));
        te_check(t, ex_and(p, ex_le(p, low, i), ex_lt(p, i, dim)), MLC_RUN_INDEX);
    }
    te_close(t);
}

static void define_nd(Te *t, const Node *n)
{
    const ScatterNdAttrs *a = n->attrs;
    Tx x = te_in(t, 0), idx = te_in(t, 1), up = te_in(t, 2), y = te_out(t, 0);
    int lead = idx->rank - 1;
    int64_t depth = 0;
    ex_is_int(idx->dim[lead], &depth);
    for (int i = 0; i < up->rank; i++)
        te_require_equal(t, up->dim[i],
                         i < lead ? idx->dim[i] : x->dim[i - lead + (int)depth]);
    check_columns(t, idx, x, (int)depth);
    copy_data(t, x, y);
    te_stage_axes(t, up->rank, up->dim);
    Ex at[MAX_RANK], index[MAX_RANK];
    memcpy(at, t->stage->axis, (size_t)lead * sizeof *at);
    for (int i = 0; i < x->rank; i++) {
        at[lead] = te_int(t, i);
        index[i] = i < depth ? te_load_index(t, idx, n->in[1], at, x->dim[i])
                             : te_axis(t, lead + i - (int)depth);
    }
    yield_scatter(t, y, index, te_load(t, up, t->stage->axis), a->reduction);
}

OP(scatter_nd) = {
    .name = "ScatterND", .since = {11, 13, 16, 18}, .min_in = 3, .max_in = 3,
    ATTRS_OF(ScatterNdAttrs), .infer = infer_nd, .define = define_nd,
    .doc = "x with elements or slices replaced",
};
