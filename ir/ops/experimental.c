/* Operators of opset 1 that were called experimental and left the standard with opset 10. Models that
 * converters of that time wrote still have them. */
#include "ir/ops/check.h"

/* ---- elementwise ---- */

#define ALPHA_BETA_ATTRS(A, S)       \
    A(S, float, alpha, "1", "slope") \
    A(S, float, beta, "1", "factor of x")
ATTRS(AlphaBetaAttrs, ALPHA_BETA_ATTRS);

#define AFFINE_ATTRS(A, S)           \
    A(S, float, alpha, "1", "slope") \
    A(S, float, beta, "0", "value at 0")
ATTRS(AffineAttrs, AFFINE_ATTRS);

#define SCALE_ATTRS(A, S) A(S, float, scale, "1", "factor")
ATTRS(ScaleAttrs, SCALE_ATTRS);

static Ex open_map(Te *t)
{
    te_stage(t, te_out(t, 0));
    return te_wide(t, te_load_bcast(t, te_in(t, 0)));
}

static Ex times(Te *t, Ex x, float factor) { return te_mul(t, x, te_like(t, x, factor)); }

static void define_affine(Te *t, const Node *n)
{
    const AffineAttrs *a = n->attrs;
    Ex x = open_map(t);
    te_yield(t, te_add(t, times(t, x, a->alpha), te_like(t, x, a->beta)));
}

static void define_scale(Te *t, const Node *n)
{
    const ScaleAttrs *a = n->attrs;
    te_yield(t, times(t, open_map(t), a->scale));
}

static void define_scaled_tanh(Te *t, const Node *n)
{
    const AlphaBetaAttrs *a = n->attrs;
    te_yield(t, times(t, te_tanh(t, times(t, open_map(t), a->beta)), a->alpha));
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which cannot overflow. */
static void define_softplus(Te *t, const Node *n)
{
    const AlphaBetaAttrs *a = n->attrs;
    Ex x = times(t, open_map(t), a->beta);
    Ex small = te_exp(t, te_neg(t, te_abs(t, x)));
    Ex v = te_add(t, te_max(t, x, te_like(t, x, 0)), ex_op(t->pool, EX_LOG1P, 1, &small));
    te_yield(t, times(t, v, a->alpha));
}

#define MAP(text, Attrs, definition, formula)                                              \
    {.name = text, .since = {1}, .min_in = 1, .max_in = 1, .traits = OP_ELEMENTWISE,       \
     ATTRS_OF(Attrs), .infer = infer_float, .define = definition, .doc = formula}

OP(affine) = MAP("Affine", AffineAttrs, define_affine, "y = alpha * x + beta");
OP(scale) = MAP("Scale", ScaleAttrs, define_scale, "y = scale * x");
OP(scaled_tanh) = MAP("ScaledTanh", AlphaBetaAttrs, define_scaled_tanh, "y = alpha * tanh(beta * x)");
OP(parametric_softplus) = MAP("ParametricSoftplus", AlphaBetaAttrs, define_softplus,
                              "y = alpha * log(1 + e^(beta * x))");

/* ---- images ---- */

#define IMAGE_SCALER_ATTRS(A, S)                    \
    A(S, floats, bias, "", "added to every channel") \
    A(S, float, scale, "1", "factor")
ATTRS(ImageScalerAttrs, IMAGE_SCALER_ATTRS);

static Status infer_image_scaler(Graph *g, Node *n)
{
    const ImageScalerAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 4, 4));
    TRY(node_need_equal(n, n->in[0]->type.dim[1], ex_int(g->pool, a->bias.n), "channels and biases"));
    return infer_float(g, n);
}

static void define_image_scaler(Te *t, const Node *n)
{
    const ImageScalerAttrs *a = n->attrs;
    int64_t count = a->bias.n;
    Tensor *bias = tensor_new(t->arena, ELEM_F32, 1, &count);
    for (int i = 0; i < a->bias.n; i++)
        elem_set_f64(ELEM_F32, (void *)(uintptr_t)bias->data, (size_t)i, (double)a->bias.at[i]);
    Tx table = te_table(t, bias);
    te_require_equal(t, te_in(t, 0)->dim[1], te_int(t, count));
    Ex x = open_map(t), c = te_axis(t, 1);
    te_yield(t, te_add(t, times(t, x, a->scale), te_cast(t, (Elem)x->elem, te_load(t, table, &c))));
}

OP(image_scaler) = {
    .name = "ImageScaler", .since = {1}, .min_in = 1, .max_in = 1, ATTRS_OF(ImageScalerAttrs),
    .infer = infer_image_scaler, .define = define_image_scaler, .doc = "y = scale * x + bias[channel]",
};

#define CROP_ATTRS(A, S)                                              \
    A(S, ints, border, NULL, "left, top, right and bottom, cut off")  \
    A(S, ints, scale, "", "height and width of the result, instead of right and bottom")
ATTRS(CropAttrs, CROP_ATTRS);

static Status infer_crop(Graph *g, Node *n)
{
    const CropAttrs *a = n->attrs;
    ExPool *p = g->pool;
    TRY(node_need_rank(n, 0, 4, 4));
    TRY(node_need_elem(n, 0, IS_DATA));
    if (a->border.n != 4 || (a->scale.n != 0 && a->scale.n != 2))
        return node_error(n, E0203, "attribute 'border' has %d values, 'scale' %d", a->border.n,
                          a->scale.n);
    Type y = n->in[0]->type;
    for (int i = 0; i < 2; i++) {
        int64_t begin = a->border.at[1 - i], end = a->border.at[3 - i], size;
        TRY(node_need_size(n, "border", begin, 0));
        TRY(node_need_size(n, "border", end, 0));
        if (a->scale.n)
            TRY(node_need_size(n, "scale", a->scale.at[i], 1));
        Ex rest = ex_sub(p, y.dim[i + 2], ex_int(p, begin + (a->scale.n ? a->scale.at[i] : end)));
        if (ex_is_int(rest, &size) && size < 0)
            return node_error(n, E0301, "more is cut off than dimension %d has", i + 2);
        y.dim[i + 2] = a->scale.n ? ex_int(p, a->scale.at[i]) : rest;
    }
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void define_crop(Te *t, const Node *n)
{
    const CropAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    Ex index[4];
    for (int i = 0; i < 2; i++) {
        Ex end = te_add(t, y->dim[i + 2], te_int(t, a->border.at[1 - i]));
        te_require(t, ex_le(t->pool, end, x->dim[i + 2]));
    }
    te_stage(t, y);
    for (int i = 0; i < 4; i++)
        index[i] = i < 2 ? te_axis(t, i) : te_add(t, te_axis(t, i), te_int(t, a->border.at[3 - i]));
    te_yield(t, te_load(t, x, index));
}

OP(crop) = {
    .name = "Crop", .since = {1}, .min_in = 1, .max_in = 1, ATTRS_OF(CropAttrs),
    .infer = infer_crop, .define = define_crop, .doc = "the inside of an image",
};
