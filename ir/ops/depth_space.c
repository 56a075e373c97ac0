/* DepthToSpace and SpaceToDepth: blocks of b x b positions become channels and back.
 *     DCR  y[n, c, h*b + i, w*b + j] = x[n, (i*b + j)*C + c, h, w]
 *     CRD  y[n, c, h*b + i, w*b + j] = x[n, c*b*b + i*b + j, h, w]
 *     SpaceToDepth  y[n, (i*b + j)*C + c, h, w] = x[n, c, h*b + i, w*b + j] */
#include "ir/ops/check.h"

#define DEPTH_ATTRS(A, S)                            \
    A(S, int, blocksize, NULL, "size of a block")    \
    A(S, str, mode, "DCR", "DCR or CRD")
ATTRS(DepthAttrs, DEPTH_ATTRS);

static bool is_crd(const DepthAttrs *a)
{
    return strcmp(a->mode, "CRD") == 0;
}

static Status need_multiple(const Node *n, Ex dim, int64_t by, int i)
{
    int64_t v;
    if (ex_is_int(dim, &v) && v % by)
        return node_error(n, E0301, "dimension %d is %lld, not a multiple of %lld", i,
                          (long long)v, (long long)by);
    return MLC_OK;
}

static Status check(const Node *n)
{
    const DepthAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 4, 4));
    TRY(node_need_size(n, "blocksize", a->blocksize, 1));
    if (!is_crd(a) && strcmp(a->mode, "DCR") != 0)
        return node_error(n, E0203, "attribute 'mode' is '%s'", a->mode);
    return MLC_OK;
}

static Status infer_to_space(Graph *g, Node *n)
{
    const DepthAttrs *a = n->attrs;
    TRY(check(n));
    ExPool *p = g->pool;
    Type out = n->in[0]->type;
    Ex b = ex_int(p, a->blocksize);
    TRY(need_multiple(n, out.dim[1], a->blocksize * a->blocksize, 1));
    out.dim[1] = ex_floor_div(p, out.dim[1], ex_mul(p, b, b));
    out.dim[2] = ex_mul(p, out.dim[2], b);
    out.dim[3] = ex_mul(p, out.dim[3], b);
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define_to_space(Te *t, const Node *n)
{
    const DepthAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    Ex b = te_int(t, a->blocksize), bb = te_mul(t, b, b);
    te_require_equal(t, te_mul(t, y->dim[1], bb), x->dim[1]);
    te_stage(t, y);
    Ex c = te_axis(t, 1), h = te_axis(t, 2), w = te_axis(t, 3);
    Ex inner = te_add(t, te_mul(t, te_floor_mod(t, h, b), b), te_floor_mod(t, w, b));
    Ex channel = is_crd(a) ? te_add(t, te_mul(t, c, bb), inner)
                           : te_add(t, te_mul(t, inner, y->dim[1]), c);
    te_yield(t, te_load(t, x, (Ex[]){te_axis(t, 0), channel, te_floor_div(t, h, b),
                                     te_floor_div(t, w, b)}));
}

OP(depth_to_space) = {
    .name = "DepthToSpace", .since = {1, 11, 13, 28}, .min_in = 1, .max_in = 1,
    ATTRS_OF(DepthAttrs), .infer = infer_to_space, .define = define_to_space,
    .doc = "channels become blocks of positions",
};

static Status infer_to_depth(Graph *g, Node *n)
{
    const DepthAttrs *a = n->attrs;
    TRY(check(n));
    if (is_crd(a))
        return node_error(n, E0205, "mode CRD of SpaceToDepth is not supported");
    ExPool *p = g->pool;
    Type out = n->in[0]->type;
    Ex b = ex_int(p, a->blocksize);
    TRY(need_multiple(n, out.dim[2], a->blocksize, 2));
    TRY(need_multiple(n, out.dim[3], a->blocksize, 3));
    out.dim[1] = ex_mul(p, out.dim[1], ex_mul(p, b, b));
    out.dim[2] = ex_floor_div(p, out.dim[2], b);
    out.dim[3] = ex_floor_div(p, out.dim[3], b);
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define_to_depth(Te *t, const Node *n)
{
    const DepthAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    Ex b = te_int(t, a->blocksize);
    for (int i = 2; i < 4; i++)
        te_require_equal(t, te_mul(t, y->dim[i], b), x->dim[i]);
    te_stage(t, y);
    Ex c = te_axis(t, 1), h = te_axis(t, 2), w = te_axis(t, 3);
    bool empty = ex_is(x->dim[1], 0);
    Ex channel = empty ? te_int(t, 0) : te_floor_mod(t, c, x->dim[1]);
    Ex inner = empty ? te_int(t, 0) : te_floor_div(t, c, x->dim[1]);
    Ex i = te_floor_div(t, inner, b), j = te_floor_mod(t, inner, b);
    te_yield(t, te_load(t, x, (Ex[]){te_axis(t, 0), channel, te_add(t, te_mul(t, h, b), i),
                                     te_add(t, te_mul(t, w, b), j)}));
}

OP(space_to_depth) = {
    .name = "SpaceToDepth", .since = {1, 13, 28}, .min_in = 1, .max_in = 1, ATTRS_OF(DepthAttrs),
    .later = {{"mode", 28}}, .infer = infer_to_depth, .define = define_to_depth,
    .doc = "blocks of positions become channels",
};
