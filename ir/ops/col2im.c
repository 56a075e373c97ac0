/* Col2Im: the sum of overlapping blocks. Column p of x[n, c * K + k, p] is tap k (of K) of the block
 * at position p; an image element sums all taps that fall on it:
 *     y[n, c, i...] = sum over k with q * stride = i + begin - k * dilation of x[n, c * K + k, q] */
#include "ir/ops/window.h"

#define COL2IM_ATTRS(A, S)                                                  \
    A(S, ints, dilations, "", "distance of taps per spatial axis")          \
    A(S, ints, pads, "", "begins, then ends, per spatial axis")             \
    A(S, ints, strides, "", "distance of blocks per spatial axis")
ATTRS(Col2ImAttrs, COL2IM_ATTRS);

/* The window whose input is the image; *blocks is the number of its positions. */
static Status make_window(Graph *g, const Node *n, Window *w, const Ex **image, int64_t *taps,
                          Ex *blocks)
{
    const Col2ImAttrs *a = n->attrs;
    int64_t kernel[MAX_SPATIAL];
    int spatial, count;
    TRY(node_const_ints(g, n, 2, MAX_SPATIAL, kernel, &spatial, NULL));
    TRY(node_known_ints(g, n, 1, MAX_SPATIAL, image, &count));
    if (count != spatial || count < 1)
        return node_error(n, E0301, "image_shape has %d elements, block_shape %d", count, spatial);
    Ints *shape = NEW(g->arena, Ints);
    int64_t *at = NEW_ARRAY(g->arena, int64_t, spatial);
    memcpy(at, kernel, (size_t)spatial * sizeof *at);
    *shape = (Ints){true, spatial, at};
    WindowAttrs wa = {"NOTSET", *shape, a->strides, a->dilations, a->pads, false};
    TRY(window_make(g->pool, n, &wa, spatial, *image, w));
    *taps = 1;
    *blocks = ex_int(g->pool, 1);
    for (int i = 0; i < spatial; i++) {
        if (__builtin_mul_overflow(*taps, kernel[i], taps))
            return node_error(n, E0304, "the block has too many elements");
        *blocks = ex_mul(g->pool, *blocks, w->out[i]);
    }
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    Window w;
    const Ex *image;
    int64_t taps, rows;
    Ex blocks;
    TRY(node_need_rank(n, 0, 3, 3));
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(make_window(g, n, &w, &image, &taps, &blocks));
    const Type *x = &n->in[0]->type;
    if (ex_is_int(x->dim[1], &rows) && rows % taps)
        return node_error(n, E0301, "%lld rows are not a multiple of a block of %lld",
                          (long long)rows, (long long)taps);
    TRY(node_need_equal(n, x->dim[2], blocks, "number of blocks"));
    Ex dim[MAX_RANK] = {x->dim[0], ex_floor_div(g->pool, x->dim[1], ex_int(g->pool, taps))};
    for (int i = 0; i < w.n; i++)
        dim[i + 2] = image[i];
    node_set_type(n, 0, type_tensor(x->elem, w.n + 2, dim));
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    Tx x = te_in(t, 0);
    Window w;
    const Ex *image;
    int64_t taps = 1;
    Ex blocks = NULL;
    Status st = make_window(n->graph, n, &w, &image, &taps, &blocks);
    assert(st == MLC_OK);
    (void)st;
    te_require_equal(t, x->dim[2], blocks);
    te_stage(t, te_out(t, 0));
    Ex tap = te_int(t, 0), block = te_int(t, 0), on = ex_bool(t->pool, true), zero = te_int(t, 0);
    for (int i = 0; i < w.n; i++) {
        Ex k = window_tap(t, &w, i), stride = te_int(t, w.stride[i]);
        Ex at = te_add(t, te_axis(t, i + 2), w.begin[i]);
        at = te_sub(t, at, te_mul(t, k, te_int(t, w.dilation[i])));
        Ex q = te_floor_div(t, at, stride);
        on = te_and(t, on, te_eq(t, te_floor_mod(t, at, stride), zero));
        on = te_and(t, on, te_and(t, te_le(t, zero, q), te_lt(t, q, w.out[i])));
        tap = te_add(t, te_mul(t, tap, te_int(t, w.kernel[i])), k);
        block = te_add(t, te_mul(t, block, w.out[i]), q);
    }
    Ex row = te_add(t, te_mul(t, te_axis(t, 1), te_int(t, taps)), tap);
    Ex v = te_wide(t, te_load(t, x, (Ex[]){te_axis(t, 0), row, block}));
    te_yield(t, te_sum(t, ex_guard(t->pool, on, v, te_like(t, v, 0))));
}

OP(col2im) = {
    .name = "Col2Im", .since = {18}, .min_in = 3, .max_in = 3, ATTRS_OF(Col2ImAttrs),
    .infer = infer, .define = define, .doc = "image as the sum of overlapping blocks",
};
