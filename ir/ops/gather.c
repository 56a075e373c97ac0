/* Gather, GatherElements, GatherND: y = x at positions that a tensor of indices gives. Negative
 * indices count from the end; run-time indices are checked before they are used. */
#include "ir/ops/check.h"
#include "runtime/mlc_abi.h"

#define AXIS_ATTRS(A, S) A(S, int, axis, "0", "the dimension that is indexed")
ATTRS(AxisAttrs, AXIS_ATTRS);

static int axis_of(const Node *n)
{
    const AxisAttrs *a = n->attrs;
    return (int)(a->axis < 0 ? a->axis + n->in[0]->type.rank : a->axis);
}

/* ---- Gather: y[a..., i..., b...] = x[a..., indices[i...], b...] ---- */

static Status infer_gather(Graph *g, Node *n)
{
    (void)g;
    const AxisAttrs *a = n->attrs;
    int axis;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    const Type *x = &n->in[0]->type, *idx = &n->in[1]->type;
    TRY(node_need_rank(n, 1, 0, MAX_RANK - x->rank + 1));
    TRY(node_need_elem(n, 1, IS_INT));
    TRY(node_axis(n, a->axis, x->rank, &axis));
    TRY(node_check_index(n, 1, x->dim[axis]));
    Type out = {.kind = TYPE_TENSOR, .elem = x->elem, .rank = x->rank - 1 + idx->rank};
    for (int i = 0; i < out.rank; i++)
        out.dim[i] = i < axis               ? x->dim[i]
                     : i < axis + idx->rank ? idx->dim[i - axis]
                                            : x->dim[i - idx->rank + 1];
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define_gather(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), idx = te_in(t, 1);
    int axis = axis_of(n);
    te_check_index(t, idx, n->in[1], x->dim[axis]);
    te_stage(t, te_out(t, 0));
    Ex at[MAX_RANK], index[MAX_RANK];
    for (int i = 0; i < idx->rank; i++)
        at[i] = te_axis(t, axis + i);
    for (int i = 0; i < x->rank; i++)
        index[i] = i == axis ? te_load_index(t, idx, n->in[1], at, x->dim[axis])
                             : te_axis(t, i < axis ? i : i + idx->rank - 1);
    te_yield(t, te_load(t, x, index));
}

OP(gather) = {
    .name = "Gather", .since = {1, 11, 13}, .min_in = 2, .max_in = 2, ATTRS_OF(AxisAttrs),
    .infer = infer_gather, .define = define_gather, .doc = "rows of x by number",
};

/* ---- GatherElements: y[i...] = x[i... with dimension `axis` replaced by indices[i...]] ---- */

static Status infer_elements(Graph *g, Node *n)
{
    (void)g;
    const AxisAttrs *a = n->attrs;
    int axis;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    const Type *x = &n->in[0]->type, *idx = &n->in[1]->type;
    TRY(node_need_rank(n, 1, x->rank, x->rank));
    TRY(node_need_elem(n, 1, IS_INT));
    TRY(node_axis(n, a->axis, x->rank, &axis));
    TRY(node_check_index(n, 1, x->dim[axis]));
    for (int i = 0; i < x->rank; i++) {
        int64_t have, want;
        if (i != axis && ex_is_int(x->dim[i], &have) && ex_is_int(idx->dim[i], &want) &&
            want > have)
            return node_error(n, E0301, "dimension %d of the indices is %lld, of the data %lld", i,
                              (long long)want, (long long)have);
    }
    Type out = *idx;
    out.elem = x->elem;
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define_elements(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), idx = te_in(t, 1);
    int axis = axis_of(n);
    for (int i = 0; i < x->rank; i++)
        if (i != axis && idx->dim[i] != x->dim[i])
            te_require(t, ex_le(t->pool, idx->dim[i], x->dim[i]));
    te_check_index(t, idx, n->in[1], x->dim[axis]);
    te_stage(t, te_out(t, 0));
    Ex index[MAX_RANK];
    memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
    index[axis] = te_load_index(t, idx, n->in[1], t->stage->axis, x->dim[axis]);
    te_yield(t, te_load(t, x, index));
}

OP(gather_elements) = {
    .name = "GatherElements", .since = {11, 13}, .min_in = 2, .max_in = 2, ATTRS_OF(AxisAttrs),
    .infer = infer_elements, .define = define_elements,
    .doc = "elements of x by number along `axis`",
};

/* ---- GatherND: y[b..., i..., r...] = x[b..., indices[b..., i..., :], r...] ---- */

#define GATHER_ND_ATTRS(A, S) A(S, int, batch_dims, "0", "leading dimensions that are common")
ATTRS(GatherNdAttrs, GATHER_ND_ATTRS);

static Status infer_nd(Graph *g, Node *n)
{
    (void)g;
    const GatherNdAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_need_rank(n, 1, 1, MAX_RANK));
    TRY(node_need_elem(n, 1, IS_INT));
    const Type *x = &n->in[0]->type, *idx = &n->in[1]->type;
    int64_t batch = a->batch_dims, depth;
    if (batch < 0 || batch >= MIN(x->rank, idx->rank))
        return node_error(n, E0203, "attribute 'batch_dims' is %lld for inputs of rank %d and %d",
                          (long long)batch, x->rank, idx->rank);
    if (!ex_is_int(idx->dim[idx->rank - 1], &depth))
        return node_error(n, E0303, "the last dimension of the indices is not constant");
    if (depth < 1 || depth > x->rank - batch)
        return node_error(n, E0301, "indices of %lld numbers into a tensor of rank %d",
                          (long long)depth, x->rank);
    for (int i = 0; i < batch; i++)
        TRY(node_need_equal(n, x->dim[i], idx->dim[i], "batch dimensions differ"));
    Type out = {.kind = TYPE_TENSOR, .elem = x->elem, .rank = idx->rank - 1};
    memcpy(out.dim, idx->dim, (size_t)out.rank * sizeof(Ex));
    for (int i = (int)(batch + depth); i < x->rank; i++) {
        if (out.rank == MAX_RANK)
            return node_error(n, E0302, "the result has a rank above %d", MAX_RANK);
        out.dim[out.rank++] = x->dim[i];
    }
    node_set_type(n, 0, out);
    return MLC_OK;
}

/* One check of indices[..., k] against a dimension of x, at every position. */
static void check_column(Te *t, Tx idx, int k, Ex dim)
{
    ExPool *p = t->pool;
    te_stage_axes(t, idx->rank - 1, idx->dim);
    Ex at[MAX_RANK];
    memcpy(at, t->stage->axis, (size_t)(idx->rank - 1) * sizeof *at);
    at[idx->rank - 1] = te_int(t, k);
    Ex i = te_cast(t, ELEM_I64, te_load(t, idx, at)), low = ex_sub(p, ex_int(p, 0), dim);
    te_check(t, ex_and(p, ex_le(p, low, i), ex_lt(p, i, dim)), MLC_RUN_INDEX);
    te_close(t);
}

static void define_nd(Te *t, const Node *n)
{
    const GatherNdAttrs *a = n->attrs;
    Tx x = te_in(t, 0), idx = te_in(t, 1);
    int batch = (int)a->batch_dims, lead = idx->rank - 1;
    int64_t depth = 0;
    ex_is_int(idx->dim[lead], &depth);
    for (int i = 0; i < batch; i++)
        te_require_equal(t, x->dim[i], idx->dim[i]);
    for (int k = 0; k < depth; k++)
        check_column(t, idx, k, x->dim[batch + k]);
    te_stage(t, te_out(t, 0));
    Ex at[MAX_RANK], index[MAX_RANK];
    memcpy(at, t->stage->axis, (size_t)lead * sizeof *at);
    for (int i = 0; i < x->rank; i++) {
        if (i < batch) {
            index[i] = te_axis(t, i);
        } else if (i < batch + depth) {
            at[lead] = te_int(t, i - batch);
            index[i] = te_load_index(t, idx, n->in[1], at, x->dim[i]);
        } else {
            index[i] = te_axis(t, lead + i - batch - (int)depth);
        }
    }
    te_yield(t, te_load(t, x, index));
}

OP(gather_nd) = {
    .name = "GatherND", .since = {11, 12, 13}, .min_in = 2, .max_in = 2, ATTRS_OF(GatherNdAttrs),
    .infer = infer_nd, .define = define_nd, .doc = "elements or slices of x by position",
};
