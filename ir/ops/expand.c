/* Expand and Tile: repetition of a tensor. */
#include "ir/ops/check.h"

/* ---- Expand: numpy broadcasting against a shape, in both directions ---- */

static Status infer_expand(Graph *g, Node *n)
{
    const Ex *dim;
    int rank;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_known_ints(g, n, 1, MAX_RANK, &dim, &rank));
    Type shape = type_tensor(n->in[0]->type.elem, rank, dim), out;
    TRY(broadcast_shapes(g, n, &n->in[0]->type, &shape, &out));
    node_set_type(n, 0, out);
    return MLC_OK;
}

/* The result has the dimensions of x or of the shape; that both agree is left to check of the shape. */
static void define_expand(Te *t, const Node *n)
{
    const Ex *dim;
    int rank;
    Tx y = te_out(t, 0);
    Status st = node_known_ints(n->graph, n, 1, MAX_RANK, &dim, &rank);
    assert(st == MLC_OK);
    (void)st;
    for (int i = 0; i < rank; i++) {
        Ex to = y->dim[y->rank - rank + i];
        te_require(t, ex_or(t->pool, ex_eq(t->pool, dim[i], te_int(t, 1)),
                            ex_eq(t->pool, dim[i], to)));
    }
    te_stage(t, y);
    te_yield(t, te_load_bcast(t, te_in(t, 0)));
}

OP(expand) = {
    .name = "Expand", .since = {8, 13}, .min_in = 2, .max_in = 2, .infer = infer_expand,
    .define = define_expand,
    .grad = "out %d", .doc = "repeats dimensions of size 1",
};

/* ---- Tile: y[i] = x[i mod dim] ---- */

static Status infer_tile(Graph *g, Node *n)
{
    const Ex *times;
    int count;
    int64_t v;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    Type out = n->in[0]->type;
    TRY(node_known_ints(g, n, 1, MAX_RANK, &times, &count));
    if (count != out.rank)
        return node_error(n, E0301, "%d repeats are given for rank %d", count, out.rank);
    for (int i = 0; i < out.rank; i++) {
        if (ex_is_int(times[i], &v) && (v < 0 || v > MAX_ATTR_SIZE))
            return node_error(n, E0301, "repeats[%d] is %lld", i, (long long)v);
        out.dim[i] = ex_mul(g->pool, out.dim[i], times[i]);
    }
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define_tile(Te *t, const Node *n)
{
    (void)n;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    te_stage(t, y);
    Ex index[MAX_RANK];
    for (int i = 0; i < x->rank; i++) {
        bool once = x->dim[i] == y->dim[i], empty = ex_is(x->dim[i], 0);
        index[i] = once ? te_axis(t, i)
                   : empty ? te_int(t, 0) : te_floor_mod(t, te_axis(t, i), x->dim[i]);
    }
    te_yield(t, te_load(t, x, index));
}

/* Version 1: scalars `tiles` and `axis` as inputs. */
static Status upgrade_tile(RawNode *raw)
{
    if (raw->version >= 6)
        return MLC_OK;
    Graph *g = raw->graph;
    int64_t tiles, axis, times[MAX_RANK];
    int rank = raw_rank(raw, 0), count = 0;
    bool known = raw->in.len == 3 && rank > 0 &&
                 value_ints(g, raw->in.at[1], 1, &tiles, &count) && count == 1 &&
                 value_ints(g, raw->in.at[2], 1, &axis, &count) && count == 1;
    if (!known || axis < 0 || axis >= rank)
        return diag_error(g->ctx, E0205, raw_loc(raw), MLC_INPUT,
                          "Tile of version 1 needs constant 'tiles' and 'axis'");
    for (int i = 0; i < rank; i++)
        times[i] = i == axis ? tiles : 1;
    raw->in.len = 2;
    raw->in.at[1] = graph_const_ints(g, NULL, rank, times);
    return MLC_OK;
}

OP(tile) = {
    .name = "Tile", .since = {1, 6, 13}, .min_in = 2, .max_in = 2, .upgrade = upgrade_tile,
    .infer = infer_tile, .define = define_tile, .doc = "repeats a tensor",
};
