/* InstanceNormalization, LayerNormalization, RMSNormalization and
 * MeanVarianceNormalization: y = (x - mean) / sqrt(variance + epsilon) * scale + bias, which differ
 * in the dimensions that mean and variance are taken over. Statistics are f32 (f64 for f64). */
#include "ir/ops/norm.h"

/* ---- the shared part ---- */

/* Opens a stage over the dimensions that are kept; index[] gets axes and reduction axes. */
static void open_reduction(Te *t, Tx x, Tx out, const bool over[MAX_RANK], Ex *index)
{
    te_stage(t, out);
    for (int i = 0, k = 0; i < x->rank; i++)
        index[i] = over[i] ? te_red(t, x->dim[i]) : te_axis(t, k++);
}

Ex te_load_kept(Te *t, Tx x, const bool over[MAX_RANK])
{
    Ex index[MAX_RANK];
    for (int i = 0, k = 0; i < te_rank(t); i++)
        if (!over[i])
            index[k++] = te_axis(t, i);
    return te_load(t, x, index);
}

Moments te_moments(Te *t, Tx x, const bool over[MAX_RANK], bool centered, double epsilon)
{
    Moments m = {0};
    Elem e = te_wide_elem(x->elem);
    Ex kept[MAX_RANK], index[MAX_RANK];
    int rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (!(m.over[i] = over[i]))
            kept[rank++] = x->dim[i];
    Ex count = te_float_of(t, e, dims_product(t->pool, x->rank, x->dim, over));
    if (centered) {
        m.mean = te_temp(t, e, rank, kept);
        open_reduction(t, x, m.mean, over, index);
        te_yield(t, te_div(t, te_sum(t, te_load(t, x, index)), count));
    }
    m.inverse = te_temp(t, e, rank, kept);
    open_reduction(t, x, m.inverse, over, index);
    Ex d = te_wide(t, te_load(t, x, index));
    if (centered)
        d = te_sub(t, d, te_load(t, m.mean, t->stage->axis));
    Ex variance = te_div(t, te_sum(t, te_mul(t, d, d)), count);
    Ex root = te_sqrt(t, te_add(t, variance, te_const(t, e, epsilon)));
    te_yield(t, te_div(t, te_const(t, e, 1), root));
    return m;
}

Ex te_normalized(Te *t, Tx x, const Moments *m)
{
    Ex v = te_wide(t, te_load(t, x, t->stage->axis));
    if (m->mean)
        v = te_sub(t, v, te_load_kept(t, m->mean, m->over));
    return te_mul(t, v, te_load_kept(t, m->inverse, m->over));
}

/* ---- InstanceNormalization: over the spatial dimensions ---- */

#define EPSILON_ATTRS(A, S) A(S, float, epsilon, "1e-5", "added to the variance")
ATTRS(EpsilonAttrs, EPSILON_ATTRS);

/* Inputs 1 and 2 are vectors of one number per channel. */
static Status check_channel_vectors(const Node *n)
{
    for (int i = 1; i < 3; i++) {
        TRY(node_need_rank(n, i, 1, 1));
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_equal(n, n->in[i]->type.dim[0], n->in[0]->type.dim[1],
                            "scale or bias against channels"));
    }
    return MLC_OK;
}

static Status infer_instance(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(check_channel_vectors(n));
    return infer_float(g, n);
}

static void define_instance(Te *t, const Node *n)
{
    const EpsilonAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    bool over[MAX_RANK] = {0};
    for (int i = 2; i < x->rank; i++)
        over[i] = true;
    Moments m = te_moments(t, x, over, true, a->epsilon);
    te_stage(t, te_out(t, 0));
    Ex c = te_axis(t, 1), y = te_normalized(t, x, &m);
    Elem e = (Elem)y->elem;
    Ex scale = te_cast(t, e, te_load(t, te_in(t, 1), &c));
    Ex bias = te_cast(t, e, te_load(t, te_in(t, 2), &c));
    te_yield(t, te_add(t, te_mul(t, y, scale), bias));
}

OP(instance_normalization) = {
    .name = "InstanceNormalization", .since = {1, 6, 22}, .min_in = 3, .max_in = 3,
    ATTRS_OF(EpsilonAttrs), .upgrade = upgrade_plain, .infer = infer_instance,
    .define = define_instance, .doc = "normalizes each channel of each sample",
};

/* ---- LayerNormalization and RMSNormalization: over the trailing dimensions ---- */

#define LAYER_ATTRS(A, S)                                        \
    A(S, int, axis, "-1", "first dimension that is normalized")  \
    A(S, float, epsilon, "1e-5", "added to the variance")        \
    A(S, int, stash_type, "1", "element type of the statistics")
ATTRS(LayerAttrs, LAYER_ATTRS);

static Status infer_layer(Graph *g, Node *n)
{
    const LayerAttrs *a = n->attrs;
    int axis;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(node_axis(n, a->axis, n->in[0]->type.rank, &axis));
    Type x = n->in[0]->type, fits;
    for (int i = 1; i < n->nin; i++) {
        if (!node_has(n, i))
            continue;
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_rank(n, i, 0, x.rank));
        TRY(broadcast_shapes(g, n, &x, &n->in[i]->type, &fits));
        for (int k = 0; k < x.rank; k++)
            TRY(node_need_equal(n, x.dim[k], fits.dim[k], "scale or bias does not fit x"));
    }
    node_set_type(n, 0, x);
    x.elem = te_wide_elem(x.elem);
    for (int i = axis; i < x.rank; i++)
        x.dim[i] = ex_int(g->pool, 1);
    node_set_type(n, 1, x);
    node_set_type(n, 2, x);
    return MLC_OK;
}

/* Output i is a copy of the statistics, whose dimensions from `axis` on are 1 there. */
static void copy_statistics(Te *t, int i, Tx from)
{
    Tx out = te_out(t, i);
    if (!out)
        return;
    te_stage(t, out);
    te_yield(t, te_load(t, from, t->stage->axis));
}

static void define_trailing(Te *t, const Node *n, bool centered)
{
    const LayerAttrs *a = n->attrs;
    Tx x = te_in(t, 0), scale = te_in(t, 1), bias = te_in(t, 2), y = te_out(t, 0);
    bool over[MAX_RANK] = {0};
    for (int i = (int)(a->axis < 0 ? a->axis + x->rank : a->axis); i < x->rank; i++)
        over[i] = true;
    Moments m = te_moments(t, x, over, centered, a->epsilon);
    if (y) {
        te_stage(t, y);
        Ex v = te_normalized(t, x, &m);
        Elem e = (Elem)v->elem;
        if (scale)
            v = te_mul(t, v, te_cast(t, e, te_load_bcast(t, scale)));
        if (bias)
            v = te_add(t, v, te_cast(t, e, te_load_bcast(t, bias)));
        te_yield(t, v);
    }
    if (centered)
        copy_statistics(t, 1, m.mean);
    copy_statistics(t, 2, m.inverse);
}

static void define_layer(Te *t, const Node *n)
{
    define_trailing(t, n, true);
}

static void define_rms(Te *t, const Node *n)
{
    define_trailing(t, n, false);
}

/* Before opset 17 ONNX Runtime has these two in ONNX's domain, with the same meaning. */
OP(layer_normalization) = {
    .name = "LayerNormalization", .since = {1, 17}, .min_in = 2, .max_in = 3, .min_out = 1,
    .max_out = 3, ATTRS_OF(LayerAttrs), .infer = infer_layer, .define = define_layer,
    .doc = "normalizes the trailing dimensions",
};
static void define_simplified(Te *t, const Node *n)
{
    const LayerAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0), inverse = te_out(t, 1);
    bool over[MAX_RANK] = {0};
    for (int i = (int)(a->axis < 0 ? a->axis + x->rank : a->axis); i < x->rank; i++)
        over[i] = true;
    Moments m = te_moments(t, x, over, false, a->epsilon);
    if (inverse)
        copy_statistics(t, 1, m.inverse);
    if (!y)
        return;
    te_stage(t, y);
    Ex v = te_normalized(t, x, &m);
    te_yield(t, te_mul(t, v, te_cast(t, (Elem)v->elem, te_load_bcast(t, te_in(t, 1)))));
}

OP(simplified_layer_normalization) = {
    .name = "SimplifiedLayerNormalization", .since = {1}, .min_in = 2, .max_in = 2, .min_out = 1,
    .max_out = 2, ATTRS_OF(LayerAttrs), .infer = infer_layer, .define = define_simplified,
    .doc = "x / rms(x) * scale",
};
OP(rms_normalization) = {
    .name = "RMSNormalization", .since = {23}, .min_in = 2, .max_in = 2, ATTRS_OF(LayerAttrs),
    .infer = infer_layer, .define = define_rms, .doc = "x / rms(x) * scale",
};

/* ---- MeanVarianceNormalization ---- */

#define MVN_ATTRS(A, S) A(S, ints, axes, "[0,2,3]", "dimensions of mean and variance")
ATTRS(MvnAttrs, MVN_ATTRS);

static Status infer_mvn(Graph *g, Node *n)
{
    const MvnAttrs *a = n->attrs;
    bool over[MAX_RANK];
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_axes(n, n->in[0]->type.rank, a->axes.n, a->axes.at, over));
    return infer_float(g, n);
}

static void define_mvn(Te *t, const Node *n)
{
    const MvnAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    bool over[MAX_RANK];
    Status st = node_axes(n, x->rank, a->axes.n, a->axes.at, over);
    assert(st == MLC_OK);
    (void)st;
    Moments m = te_moments(t, x, over, true, 1e-9);
    te_stage(t, te_out(t, 0));
    te_yield(t, te_normalized(t, x, &m));
}

OP(mean_variance_normalization) = {
    .name = "MeanVarianceNormalization", .since = {9, 13}, .min_in = 1, .max_in = 1,
    ATTRS_OF(MvnAttrs), .infer = infer_mvn, .define = define_mvn,
    .doc = "y = (x - mean) / deviation over `axes`",
};
