/* Col2Im: the sum of overlapping blocks. Column p of x[n, c * K + k, p] is tap k (of K) of the block
 * at position p; an image element sums all taps that fall on it:
 *     y[n, c, i...] = sum over k with q * stride = i + begin - k * dilation of x[n, c * K + k, q] */
#include "ir/ops/window.h"

#define COL2IM_ATTRS(A, S)                                                  \
    A(S, ints, dilations, "", "distance of taps per spatial axis")          \
    A(S, ints, pads, "", "begins, then ends, per spatial axis")             \
    A(S, ints, strides, "", "distance of blocks per spatial axis")
ATTRS(Col2ImAttrs, COL2IM_ATTRS);

/* Blocks over an image; both sizes may be found out by the run. */
typedef struct Blocks {
    int     n; /* spatial axes */
    Ex      image[MAX_SPATIAL], kernel[MAX_SPATIAL], count[MAX_SPATIAL];
    int64_t stride[MAX_SPATIAL], dilation[MAX_SPATIAL], begin[MAX_SPATIAL];
    Ex      taps, all; /* products of kernel[] and count[] */
} Blocks;

/* Value i of an attribute of n values or none. */
static Status spatial(const Node *n, const char *name, const Ints *a, int count, int i, int64_t dflt,
                      int64_t *out)
{
    *out = dflt;
    if (!a->set || a->n == 0)
        return MLC_OK;
    if (a->n != count)
        return node_error(n, E0203, "attribute '%s' has %d values, must have %d", name, a->n, count);
    *out = a->at[i];
    return node_need_size(n, name, *out, dflt);
}

static Status make_axis(ExPool *p, const Node *n, int i, Blocks *b)
{
    const Col2ImAttrs *a = n->attrs;
    int64_t end, v;
    TRY(spatial(n, "strides", &a->strides, b->n, i, 1, &b->stride[i]));
    TRY(spatial(n, "dilations", &a->dilations, b->n, i, 1, &b->dilation[i]));
    TRY(spatial(n, "pads", &a->pads, 2 * b->n, i, 0, &b->begin[i]));
    TRY(spatial(n, "pads", &a->pads, 2 * b->n, b->n + i, 0, &end));
    if (ex_is_int(b->kernel[i], &v) && (v < 1 || v > MAX_ATTR_SIZE))
        return node_error(n, E0301, "block_shape[%d] is %lld", i, (long long)v);
    if (ex_is_int(b->image[i], &v) && (v < 1 || v > MAX_ATTR_SIZE))
        return node_error(n, E0301, "image_shape[%d] is %lld", i, (long long)v);
    Ex one = ex_int(p, 1);
    Ex reach = ex_add(p, ex_mul(p, ex_sub(p, b->kernel[i], one), ex_int(p, b->dilation[i])), one);
    Ex room = ex_sub(p, ex_add(p, b->image[i], ex_int(p, b->begin[i] + end)), reach);
    b->count[i] = ex_add(p, ex_floor_div(p, room, ex_int(p, b->stride[i])), one);
    if (ex_is_int(b->count[i], &v) && v < 1)
        return node_error(n, E0301, "a block does not fit the padded image (axis %d)", i + 2);
    b->taps = ex_mul(p, b->taps, b->kernel[i]);
    b->all = ex_mul(p, b->all, b->count[i]);
    return MLC_OK;
}

static Status make_blocks(Graph *g, const Node *n, Blocks *b)
{
    ExPool *p = g->pool;
    const Ex *image, *kernel;
    int count;
    TRY(node_known_ints(g, n, 2, MAX_SPATIAL, &kernel, &b->n));
    TRY(node_known_ints(g, n, 1, MAX_SPATIAL, &image, &count));
    if (count != b->n || count < 1)
        return node_error(n, E0301, "image_shape has %d elements, block_shape %d", count, b->n);
    b->taps = b->all = ex_int(p, 1);
    for (int i = 0; i < b->n; i++) {
        b->image[i] = image[i];
        b->kernel[i] = kernel[i];
        TRY(make_axis(p, n, i, b));
    }
    int64_t taps;
    if (ex_is_int(b->taps, &taps) && (taps < 1 || taps > MAX_ATTR_SIZE))
        return node_error(n, E0304, "the block has too many elements");
    return MLC_OK;
}

/* The taps as a divisor. */
static Ex divisor(ExPool *p, Ex taps)
{
    return ex_is_int(taps, NULL) ? taps : ex_max(p, taps, ex_int(p, 1));
}

static Status infer(Graph *g, Node *n)
{
    ExPool *p = g->pool;
    Blocks b;
    int64_t rows, taps;
    TRY(node_need_rank(n, 0, 3, 3));
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(make_blocks(g, n, &b));
    const Type *x = &n->in[0]->type;
    if (ex_is_int(x->dim[1], &rows) && ex_is_int(b.taps, &taps) && rows % taps)
        return node_error(n, E0301, "%lld rows are not a multiple of a block of %lld",
                          (long long)rows, (long long)taps);
    TRY(node_need_equal(n, x->dim[2], b.all, "number of blocks"));
    Ex dim[MAX_RANK] = {x->dim[0], ex_floor_div(p, x->dim[1], divisor(p, b.taps))};
    for (int i = 0; i < b.n; i++)
        dim[i + 2] = b.image[i];
    node_set_type(n, 0, type_tensor(x->elem, b.n + 2, dim));
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    ExPool *p = t->pool;
    Tx x = te_in(t, 0);
    Blocks b;
    Status st = make_blocks(n->graph, n, &b);
    assert(st == MLC_OK);
    (void)st;
    Ex tap = te_int(t, 0), block = te_int(t, 0), on = ex_bool(p, true), zero = te_int(t, 0);
    for (int i = 0; i < b.n; i++)
        te_require(t, ex_lt(p, zero, b.kernel[i]));
    te_require_equal(t, ex_floor_mod(p, x->dim[1], divisor(p, b.taps)), zero);
    te_require_equal(t, x->dim[2], b.all);
    te_stage(t, te_out(t, 0));
    for (int i = 0; i < b.n; i++) {
        Ex k = ex_is(b.kernel[i], 1) ? zero : te_red(t, b.kernel[i]);
        Ex stride = te_int(t, b.stride[i]), at = te_add(t, te_axis(t, i + 2), te_int(t, b.begin[i]));
        at = te_sub(t, at, te_mul(t, k, te_int(t, b.dilation[i])));
        Ex q = te_floor_div(t, at, stride);
        on = te_and(t, on, te_eq(t, te_floor_mod(t, at, stride), zero));
        on = te_and(t, on, te_and(t, te_le(t, zero, q), te_lt(t, q, b.count[i])));
        tap = te_add(t, te_mul(t, tap, b.kernel[i]), k);
        block = te_add(t, te_mul(t, block, b.count[i]), q);
    }
    Ex row = te_add(t, te_mul(t, te_axis(t, 1), b.taps), tap);
    Ex v = te_wide(t, te_load(t, x, (Ex[]){te_axis(t, 0), row, block}));
    te_yield(t, te_sum(t, ex_guard(p, on, v, te_like(t, v, 0))));
}

OP(col2im) = {
    .name = "Col2Im", .since = {18}, .min_in = 3, .max_in = 3, ATTRS_OF(Col2ImAttrs),
    .infer = infer, .define = define, .doc = "image as the sum of overlapping blocks",
};
