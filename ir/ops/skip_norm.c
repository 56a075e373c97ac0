/* SkipLayerNormalization and SkipSimplifiedLayerNormalization of com.microsoft:
 *     s = x + skip + bias;  y = (s - mean) / sqrt(variance + epsilon) * gamma + beta
 * over the last dimension; the simplified form takes the mean as 0 and has no beta. */
#include "ir/ops/norm.h"

#define SKIP_ATTRS(A, S) A(S, float, epsilon, "1e-12", "added to the variance")
ATTRS(SkipAttrs, SKIP_ATTRS);

enum { OUT_Y, OUT_MEAN, OUT_INVERSE, OUT_SUM };

/* Input i is a vector along the last dimension of x. */
static Status need_vector(const Node *n, int i)
{
    if (!node_has(n, i))
        return MLC_OK;
    const Type *x = &n->in[0]->type;
    TRY(node_need_rank(n, i, 1, 1));
    TRY(node_need_elem(n, i, IS_FLOAT));
    return node_need_equal(n, n->in[i]->type.dim[0], x->dim[x->rank - 1], "scale or bias");
}

static Status infer_skip(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    Type x = n->in[0]->type, fits;
    TRY(node_need_rank(n, 1, 1, x.rank));
    TRY(node_need_same_elem(n, 0, 1));
    TRY(broadcast_shapes(g, n, &x, &n->in[1]->type, &fits));
    for (int i = 0; i < x.rank; i++)
        TRY(node_need_equal(n, x.dim[i], fits.dim[i], "skip does not fit x"));
    for (int i = 2; i < n->nin; i++)
        TRY(need_vector(n, i));
    node_set_type(n, OUT_Y, x);
    node_set_type(n, OUT_SUM, x);
    x.elem = te_wide_elem(x.elem);
    x.dim[x.rank - 1] = ex_int(g->pool, 1);
    node_set_type(n, OUT_MEAN, x);
    node_set_type(n, OUT_INVERSE, x);
    return MLC_OK;
}

static Ex load_last(Te *t, Tx vector, Elem e)
{
    return te_cast(t, e, te_load(t, vector, (Ex[]){te_axis(t, te_rank(t) - 1)}));
}

static void copy_statistics(Te *t, int i, Tx from)
{
    Tx out = te_out(t, i);
    if (!out || !from)
        return;
    te_stage(t, out);
    te_yield(t, te_load(t, from, t->stage->axis));
}

static void define_norm(Te *t, Tx x, Tx gamma, Tx beta, bool centered, double epsilon)
{
    bool over[MAX_RANK] = {0};
    over[x->rank - 1] = true;
    if (gamma)
        te_require_equal(t, gamma->dim[0], x->dim[x->rank - 1]);
    Moments m = te_moments(t, x, over, centered, epsilon);
    if (te_out(t, OUT_Y)) {
        te_stage(t, te_out(t, OUT_Y));
        Ex v = te_normalized(t, x, &m);
        Elem e = (Elem)v->elem;
        v = te_mul(t, v, load_last(t, gamma, e));
        te_yield(t, beta ? te_add(t, v, load_last(t, beta, e)) : v);
    }
    copy_statistics(t, OUT_MEAN, m.mean);
    copy_statistics(t, OUT_INVERSE, m.inverse);
}

/* The sum is kept in f32, also where the output of it is f16. */
static void define_skip(Te *t, int beta, int bias, bool centered)
{
    const SkipAttrs *a = t->node->attrs;
    Tx x = te_in(t, 0), b = te_in(t, bias), out = te_out(t, OUT_SUM);
    Elem e = te_wide_elem(x->elem);
    Tx sum = te_temp(t, e, x->rank, x->dim);
    te_stage(t, sum);
    Ex v = te_wide(t, te_load(t, x, t->stage->axis));
    v = te_add(t, v, te_wide(t, te_load_bcast(t, te_in(t, 1))));
    te_yield(t, b ? te_add(t, v, load_last(t, b, e)) : v);
    if (out) {
        te_stage(t, out);
        te_yield(t, te_load(t, sum, t->stage->axis));
    }
    define_norm(t, sum, te_in(t, 2), beta ? te_in(t, beta) : NULL, centered, a->epsilon);
}

static void define_skip_layer(Te *t, const Node *n)
{
    (void)n;
    define_skip(t, 3, 4, true);
}

static void define_skip_simplified(Te *t, const Node *n)
{
    (void)n;
    define_skip(t, 0, 3, false);
}

OP(skip_layer_normalization) = {
    .name = "SkipLayerNormalization", .domain = "com.microsoft", .since = {1}, .min_in = 3,
    .max_in = 5, .min_out = 1, .max_out = 4, ATTRS_OF(SkipAttrs), .infer = infer_skip,
    .define = define_skip_layer, .doc = "layer normalization of x + skip + bias",
};
OP(skip_simplified_layer_normalization) = {
    .name = "SkipSimplifiedLayerNormalization", .domain = "com.microsoft", .since = {1},
    .min_in = 3, .max_in = 4, .min_out = 1, .max_out = 4, ATTRS_OF(SkipAttrs),
    .infer = infer_skip, .define = define_skip_simplified,
    .doc = "(x + skip + bias) / rms * gamma",
};
