/* Reshape, Flatten, Squeeze, Unsqueeze: the same elements in the same order under another shape.
 * The definition is an index map; where storage allows, nothing is moved. */
#include "ir/ops/axes.h"

/* Output 0 is input 0 in row-major order. */
static void define(Te *t, const Node *n)
{
    (void)n;
    ExPool *p = t->pool;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    Ex index[MAX_RANK], have = te_int(t, 1), want = te_int(t, 1);
    for (int i = 0; i < x->rank; i++)
        have = ex_mul(p, have, x->dim[i]);
    for (int i = 0; i < y->rank; i++)
        want = ex_mul(p, want, y->dim[i]);
    te_require_equal(t, have, want);
    te_stage(t, y);
    reshape_index(p, x->rank, x->dim, y->rank, y->dim, t->stage->axis, index);
    te_yield(t, te_load(t, x, index));
}

/* ---- Reshape ---- */

#define RESHAPE_ATTRS(A, S) A(S, int, allowzero, "0", "1: a 0 in the shape is a size")
ATTRS(ReshapeAttrs, RESHAPE_ATTRS);

/* shape[i] is found out by the run: it may be -1, or 0, which stands for
 * `copied` unless that is NULL. The result is the size, -1 where it is open; *one has 1 there. */
static Ex run_time_dim(ExPool *p, Ex d, Ex copied, Ex *one)
{
    Ex zero = ex_int(p, 0), open = ex_int(p, -1);
    if (copied)
        d = ex_select(p, ex_eq(p, d, zero), copied, d);
    *one = ex_select(p, ex_eq(p, d, open), ex_int(p, 1), d);
    return d;
}

/* The dimensions that are -1 at run time take what the others leave of the `count` elements. */
static void close_dims(ExPool *p, Ex count, Ex known, const bool may_open[MAX_RANK], Type *out)
{
    Ex rest = ex_floor_div(p, count, ex_max(p, known, ex_int(p, 1)));
    for (int i = 0; i < out->rank; i++)
        if (may_open[i])
            out->dim[i] = ex_select(p, ex_eq(p, out->dim[i], ex_int(p, -1)), rest, out->dim[i]);
}

static Status resolve(Graph *g, const Node *n, const Ex *want, int rank, Type *out)
{
    const ReshapeAttrs *a = n->attrs;
    const Type *x = &n->in[0]->type;
    ExPool *p = g->pool;
    Ex known = ex_int(p, 1), count = type_count(p, x);
    int64_t v, have, need;
    int open = -1;
    bool may_open[MAX_RANK] = {false};
    for (int i = 0; i < rank; i++) {
        Ex d = want[i], factor = NULL;
        if (ex_is(d, 0) && !a->allowzero) {
            if (i >= x->rank)
                return node_error(n, E0301, "shape[%d] is 0, but the input has rank %d", i,
                                  x->rank);
            d = x->dim[i];
        } else if (ex_is(d, -1)) {
            if (open >= 0)
                return node_error(n, E0301, "shape has two dimensions of -1");
            open = i;
            continue;
        } else if (ex_is_int(d, &v) && (v < 0 || v > INT64_MAX / 64)) {
            return node_error(n, E0301, "shape[%d] is %lld", i, (long long)v);
        }
        may_open[i] = ex_is_run_time(p, d) && !ex_nonneg(p, d);
        if (may_open[i])
            d = run_time_dim(p, d, a->allowzero || i >= x->rank ? NULL : x->dim[i], &factor);
        out->dim[i] = d;
        known = ex_mul(p, known, factor ? factor : d);
    }
    bool fixed = ex_is_int(count, &have) && ex_is_int(known, &need);
    if (fixed && (open < 0 ? have != need : need == 0 ? true : have % need != 0))
        return node_error(n, E0301, "%lld elements do not fit a shape of %lld%s", (long long)have,
                          (long long)need, open < 0 ? "" : " and one open dimension");
    if (open >= 0 && ex_is(known, 0))
        return node_error(n, E0301, "shape has dimensions of 0 and -1");
    close_dims(p, count, known, may_open, out);
    if (open >= 0)
        out->dim[open] = ex_floor_div(p, count, known);
    return MLC_OK;
}

static Status infer_reshape(Graph *g, Node *n)
{
    const Ex *want;
    int rank;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_known_ints(g, n, 1, MAX_RANK, &want, &rank));
    Type out = {.kind = TYPE_TENSOR, .elem = n->in[0]->type.elem, .rank = rank};
    TRY(resolve(g, n, want, rank, &out));
    node_set_type(n, 0, out);
    return MLC_OK;
}

static Status upgrade_reshape(RawNode *raw)
{
    upgrade_plain(raw);
    if (raw->version < 5)
        raw_attr_to_input(raw, "shape", 1, ELEM_I64);
    return MLC_OK;
}

OP(reshape) = {
    .name = "Reshape", .since = {1, 5, 13, 14, 19, 21, 23, 24, 25}, .min_in = 2, .max_in = 2,
    ATTRS_OF(ReshapeAttrs), .upgrade = upgrade_reshape, .infer = infer_reshape, .define = define,
    .grad = "%s = Shape(%0) %g = Reshape(%d, %s) out %g",
    .doc = "the same elements under another shape",
};

/* ---- Flatten ---- */

#define FLATTEN_ATTRS(A, S) A(S, int, axis, "1", "dimensions before it become rows")
ATTRS(FlattenAttrs, FLATTEN_ATTRS);

static Status infer_flatten(Graph *g, Node *n)
{
    const FlattenAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    const Type *x = &n->in[0]->type;
    int axis = x->rank;
    if (a->axis != x->rank)
        TRY(node_axis(n, a->axis, x->rank, &axis));
    Ex dim[2] = {ex_int(g->pool, 1), ex_int(g->pool, 1)};
    for (int i = 0; i < x->rank; i++)
        dim[i >= axis] = ex_mul(g->pool, dim[i >= axis], x->dim[i]);
    node_set_type(n, 0, type_tensor(x->elem, 2, dim));
    return MLC_OK;
}

OP(flatten) = {
    .name = "Flatten", .since = {1, 9, 11, 13, 21, 23, 24, 25}, .min_in = 1, .max_in = 1,
    ATTRS_OF(FlattenAttrs), .infer = infer_flatten, .define = define, .doc = "makes a matrix",
};

/* ---- Squeeze, Unsqueeze ---- */

static Status infer_squeeze(Graph *g, Node *n)
{
    Axes drop;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    const Type *x = &n->in[0]->type;
    TRY(axes_read(g, n, 1, x->rank, &drop));
    for (int i = 0; i < x->rank; i++) {
        if (!node_has(n, 1) && ex_is(x->dim[i], 1)) {
            drop.on[i] = ex_bool(g->pool, true);
            drop.count++;
        }
        if (ex_is(drop.on[i], 1))
            TRY(node_need_equal(n, x->dim[i], ex_int(g->pool, 1), "squeezed dimension"));
    }
    Type out = {.kind = TYPE_TENSOR, .elem = x->elem, .rank = x->rank - drop.count};
    axes_drop(g->pool, &drop, x->dim, out.dim);
    node_set_type(n, 0, out);
    return MLC_OK;
}

static Status infer_unsqueeze(Graph *g, Node *n)
{
    ExPool *p = g->pool;
    const Ex *at;
    Axes added;
    int count;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    const Type *x = &n->in[0]->type;
    TRY(node_known_ints(g, n, 1, MAX_RANK, &at, &count));
    int rank = x->rank + count;
    if (rank > MAX_RANK)
        return node_error(n, E0302, "the result has rank %d, at most %d is possible", rank,
                          MAX_RANK);
    TRY(axes_read(g, n, 1, rank, &added));
    Type out = {.kind = TYPE_TENSOR, .elem = x->elem, .rank = rank};
    for (int i = 0; i < rank; i++)
        out.dim[i] = ex_select(p, added.on[i], ex_int(p, 1),
                               axes_pick(p, axes_kept_before(p, &added, i), x->rank, x->dim,
                                         ex_int(p, 1)));
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define_squeeze(Te *t, const Node *n)
{
    Axes drop;
    Status st = axes_read(n->graph, n, 1, n->in[0]->type.rank, &drop);
    assert(st == MLC_OK);
    (void)st;
    te_require_axes(t, &drop);
    for (int i = 0; i < drop.rank; i++)
        if (!ex_is(drop.on[i], 0))
            te_require(t, ex_select(t->pool, drop.on[i],
                                    ex_eq(t->pool, te_in(t, 0)->dim[i], te_int(t, 1)),
                                    ex_bool(t->pool, true)));
    define(t, n);
}

static void define_unsqueeze(Te *t, const Node *n)
{
    Axes added;
    Status st = axes_read(n->graph, n, 1, n->out[0]->type.rank, &added);
    assert(st == MLC_OK);
    (void)st;
    te_require_axes(t, &added);
    define(t, n);
}

static Status upgrade_axes(RawNode *raw)
{
    if (raw->version < 13)
        raw_attr_to_input(raw, "axes", 1, ELEM_I64);
    return MLC_OK;
}

OP(squeeze) = {
    .name = "Squeeze", .since = {1, 11, 13, 21, 23, 24, 25}, .min_in = 1, .max_in = 2,
    .upgrade = upgrade_axes, .infer = infer_squeeze, .define = define_squeeze,
    .doc = "drops dimensions of size 1",
};
OP(unsqueeze) = {
    .name = "Unsqueeze", .since = {1, 11, 13, 21, 23, 24, 25}, .min_in = 2, .max_in = 2,
    .upgrade = upgrade_axes, .infer = infer_unsqueeze, .define = define_unsqueeze,
    .doc = "adds dimensions of size 1",
};
