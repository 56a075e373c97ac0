/* Scaler, Normalizer, Binarizer, Imputer, ArrayFeatureExtractor and FeatureVectorizer of ai.onnx.ml:
 * what makes rows of features ready. */
#include "ir/base/str.h"
#include "ir/ops/scores.h"

#include <math.h>

/* ---- Scaler: y = (x - offset) * scale ---- */

#define SCALER_ATTRS(A, S)                                               \
    A(S, floats, offset, "", "taken away first: one, or one a feature")  \
    A(S, floats, scale, "", "what is left is multiplied by it: likewise")
ATTRS(ScalerAttrs, SCALER_ATTRS);

/* One number, or one for each element of the last dimension. */
static Status need_per_feature(Graph *g, const Node *n, const char *name, int count)
{
    const Type *x = &n->in[0]->type;
    if (count <= 1)
        return MLC_OK;
    if (x->rank == 0)
        return node_error(n, E0301, "%d numbers in '%s' for one element", count, name);
    return node_need_equal(n, x->dim[x->rank - 1], ex_int(g->pool, count),
                           arena_printf(g->arena, "features and '%s'", name));
}

static Status infer_scaler(Graph *g, Node *n)
{
    const ScalerAttrs *a = n->attrs;
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(need_per_feature(g, n, "offset", a->offset.n));
    TRY(need_per_feature(g, n, "scale", a->scale.n));
    TRY(infer_same(g, n));
    n->out[0]->type.elem = ELEM_F32;
    return MLC_OK;
}

/* The number of an attribute for this element of the open stage. */
static Ex per_feature(Te *t, Tx x, Elem e, const Floats *f)
{
    Ex at = f->n > 1 ? te_axis(t, x->rank - 1) : te_int(t, 0);
    return te_load(t, te_floats(t, e, f->n, f->at), &at);
}

/* Sizes that infer could not compare. */
static void require_features(Te *t, Tx x, int count)
{
    if (count > 1)
        te_require_equal(t, x->dim[x->rank - 1], te_int(t, count));
}

static void define_scaler(Te *t, const Node *n)
{
    const ScalerAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    Elem e = score_elem(x->elem);
    require_features(t, x, a->offset.n);
    require_features(t, x, a->scale.n);
    te_stage(t, te_out(t, 0));
    Ex v = te_cast(t, e, te_wide(t, te_load(t, x, t->stage->axis)));
    if (a->offset.n)
        v = te_sub(t, v, per_feature(t, x, e, &a->offset));
    if (a->scale.n)
        v = te_mul(t, v, per_feature(t, x, e, &a->scale));
    te_yield(t, v);
}

OP(scaler) = {
    .name = "Scaler", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    ATTRS_OF(ScalerAttrs), .infer = infer_scaler, .define = define_scaler,
    .doc = "y = (x - offset) * scale",
};

/* ---- Normalizer: y = x / max x, x / sum |x| or x / sqrt(sum x^2) of a row; x where that is 0 ---- */

#define NORMALIZER_ATTRS(A, S) A(S, str, norm, "MAX", "MAX, L1 or L2")
ATTRS(NormalizerAttrs, NORMALIZER_ATTRS);

static Status infer_normalizer(Graph *g, Node *n)
{
    const NormalizerAttrs *a = n->attrs;
    TRY(node_need_rows(n));
    if (!str_eq(a->norm, "MAX") && !str_eq(a->norm, "L1") && !str_eq(a->norm, "L2"))
        return node_error(n, E0203, "attribute 'norm' is '%s'", a->norm);
    TRY(infer_same(g, n));
    n->out[0]->type.elem = ELEM_F32;
    return MLC_OK;
}

static void define_normalizer(Te *t, const Node *n)
{
    const NormalizerAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    Elem e = score_elem(x->elem);
    Ex rows = rows_of(t->pool, x->rank, x->dim);
    Tx norm = te_temp(t, e, 1, &rows);
    te_stage(t, norm);
    Ex v = te_feature(t, x, e, te_axis(t, 0), te_red(t, features_of(x->rank, x->dim)));
    if (str_eq(a->norm, "MAX"))
        te_yield(t, te_max_over(t, v));
    else if (str_eq(a->norm, "L1"))
        te_yield(t, te_sum(t, te_abs(t, v)));
    else
        te_yield(t, te_sqrt(t, te_sum(t, te_mul(t, v, v))));
    te_stage(t, te_out(t, 0));
    Ex row = x->rank == 2 ? te_axis(t, 0) : te_int(t, 0), d = te_load(t, norm, &row);
    v = te_feature(t, x, e, row, te_axis(t, x->rank - 1));
    te_yield(t, te_select(t, te_eq(t, d, te_like(t, d, 0)), v, te_div(t, v, d)));
}

OP(normalizer) = {
    .name = "Normalizer", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    ATTRS_OF(NormalizerAttrs), .infer = infer_normalizer, .define = define_normalizer,
    .doc = "rows divided by their largest element, sum or length",
};

/* ---- Binarizer: y = x > threshold ---- */

#define BINARIZER_ATTRS(A, S) A(S, float, threshold, "0", "what is above becomes 1, all else 0")
ATTRS(BinarizerAttrs, BINARIZER_ATTRS);

static void define_binarizer(Te *t, const Node *n)
{
    const BinarizerAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    te_stage(t, te_out(t, 0));
    Ex v = te_wide(t, te_load(t, x, t->stage->axis));
    if (v->elem != ELEM_F32)
        v = te_cast(t, ELEM_F64, v);
    Ex above = te_lt(t, te_like(t, v, (double)a->threshold), v);
    te_yield(t, te_select(t, above, te_like(t, v, 1), te_like(t, v, 0)));
}

OP(binarizer) = {
    .name = "Binarizer", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    ATTRS_OF(BinarizerAttrs), .infer = infer_number, .define = define_binarizer,
    .doc = "1 above a threshold, else 0",
};

/* ---- Imputer: y = x where it is not the number to replace, else a number for its feature ---- */

#define IMPUTER_ATTRS(A, S)                                                       \
    A(S, floats, imputed_value_floats, "", "what stands in: one, or one a feature") \
    A(S, ints, imputed_value_int64s, "", "likewise")                              \
    A(S, float, replaced_value_float, "0", "what is replaced")                    \
    A(S, int, replaced_value_int64, "0", "likewise")
ATTRS(ImputerAttrs, IMPUTER_ATTRS);

static Status infer_imputer(Graph *g, Node *n)
{
    const ImputerAttrs *a = n->attrs;
    TRY(infer_number(g, n));
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    bool floats = elem_is_float(n->in[0]->type.elem);
    int count = floats ? a->imputed_value_floats.n : a->imputed_value_int64s.n;
    if (count == 0)
        return node_error(n, E0203, "attribute '%s' is not given for elements of type %s",
                          floats ? "imputed_value_floats" : "imputed_value_int64s",
                          elem_name[n->in[0]->type.elem]);
    return need_per_feature(g, n, floats ? "imputed_value_floats" : "imputed_value_int64s", count);
}

static void define_imputer(Te *t, const Node *n)
{
    const ImputerAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    int64_t count = a->imputed_value_int64s.n;
    bool floats = elem_is_float(x->elem);
    require_features(t, x, floats ? a->imputed_value_floats.n : (int)count);
    te_stage(t, te_out(t, 0));
    Ex v = te_wide(t, te_load(t, x, t->stage->axis)), is, put;
    if (floats) {
        is = isnan(a->replaced_value_float) ? te_ne(t, v, v)
                                            : te_eq(t, v, te_like(t, v, (double)a->replaced_value_float));
        put = per_feature(t, x, (Elem)v->elem, &a->imputed_value_floats);
    } else {
        Tx table = te_table(t, tensor_over(t->arena, ELEM_I64, 1, &count, a->imputed_value_int64s.at));
        Ex at = count > 1 ? te_axis(t, x->rank - 1) : te_int(t, 0);
        is = te_eq(t, te_cast(t, ELEM_I64, v), te_int(t, a->replaced_value_int64));
        put = te_cast(t, (Elem)v->elem, te_load(t, table, &at));
    }
    te_yield(t, te_select(t, is, put, v));
}

OP(imputer) = {
    .name = "Imputer", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    ATTRS_OF(ImputerAttrs), .infer = infer_imputer, .define = define_imputer,
    .doc = "numbers in the place of those that are missing",
};

/* ---- ArrayFeatureExtractor: y[a..., i] = x[a..., indices[i]]; a vector x is one row ---- */

static Status infer_extractor(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_need_rank(n, 1, 0, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_ANY));
    TRY(node_need_elem(n, 1, IS_INT));
    const Type *x = &n->in[0]->type, *idx = &n->in[1]->type;
    TRY(node_check_index(n, 1, x->dim[x->rank - 1]));
    Ex count = ex_int(g->pool, 1);
    for (int i = 0; i < idx->rank; i++)
        count = ex_mul(g->pool, count, idx->dim[i]);
    Type y = *x;
    y.rank = MAX(x->rank, 2);
    if (x->rank == 1)
        y.dim[0] = ex_int(g->pool, 1);
    y.dim[y.rank - 1] = count;
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void define_extractor(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), idx = te_in(t, 1), y = te_out(t, 0);
    int last = x->rank - 1;
    te_check_index(t, idx, n->in[1], x->dim[last]);
    te_stage(t, y);
    Ex index[MAX_RANK], at[MAX_RANK];
    for (int i = 0; i < last; i++)
        index[i] = te_axis(t, i);
    unflatten(t->pool, te_axis(t, y->rank - 1), 0, idx->rank, idx->dim, at);
    index[last] = te_load_index(t, idx, n->in[1], at, x->dim[last]);
    te_yield(t, te_load(t, x, index));
}

OP(array_feature_extractor) = {
    .name = "ArrayFeatureExtractor", .domain = "ai.onnx.ml", .since = {1}, .min_in = 2, .max_in = 2,
    .infer = infer_extractor, .define = define_extractor, .doc = "features by number",
};

/* ---- FeatureVectorizer: the rows of all inputs behind one another, each cut or padded with 0 ---- */

#define VECTORIZER_ATTRS(A, S) A(S, ints, inputdimensions, "", "elements that each input has a row")
ATTRS(VectorizerAttrs, VECTORIZER_ATTRS);

static Ex row_size(ExPool *p, int rank, const Ex *dim)
{
    Ex n = ex_int(p, 1);
    for (int i = rank > 1; i < rank; i++)
        n = ex_mul(p, n, dim[i]);
    return n;
}

static Ex width_of(ExPool *p, const VectorizerAttrs *a, int i, int rank, const Ex *dim)
{
    return a->inputdimensions.n ? ex_int(p, a->inputdimensions.at[i]) : row_size(p, rank, dim);
}

static Status infer_vectorizer(Graph *g, Node *n)
{
    const VectorizerAttrs *a = n->attrs;
    Ex dim[2] = {NULL, ex_int(g->pool, 0)};
    if (a->inputdimensions.n && a->inputdimensions.n != n->nin)
        return node_error(n, E0203, "attribute 'inputdimensions' has %d entries for %d inputs",
                          a->inputdimensions.n, n->nin);
    for (int i = 0; i < n->nin; i++) {
        const Type *x = &n->in[i]->type;
        TRY(node_need_rank(n, i, 1, MAX_RANK));
        TRY(node_need_elem(n, i, IS_NUMBER));
        if (a->inputdimensions.n)
            TRY(node_need_size(n, "inputdimensions", a->inputdimensions.at[i], 0));
        Ex rows = x->rank > 1 ? x->dim[0] : ex_int(g->pool, 1);
        if (dim[0])
            TRY(node_need_equal(n, dim[0], rows, "rows of the inputs"));
        if (!dim[0] || ex_is_int(rows, NULL))
            dim[0] = rows;
        dim[1] = ex_add(g->pool, dim[1], width_of(g->pool, a, i, x->rank, x->dim));
    }
    node_set_type(n, 0, type_tensor(ELEM_F32, 2, dim));
    return MLC_OK;
}

static void define_vectorizer(Te *t, const Node *n)
{
    const VectorizerAttrs *a = n->attrs;
    Tx y = te_out(t, 0);
    Ex start = te_int(t, 0), index[MAX_RANK];
    for (int i = 0; i < n->nin; i++) {
        Tx x = te_in(t, i);
        Ex width = width_of(t->pool, a, i, x->rank, x->dim), size = row_size(t->pool, x->rank, x->dim);
        if (x->rank > 1)
            te_require_equal(t, x->dim[0], y->dim[0]);
        te_stage_axes(t, 2, (Ex[]){y->dim[0], width});
        Ex k = te_axis(t, 1), v = NULL;
        index[0] = te_axis(t, 0);
        unflatten(t->pool, k, x->rank > 1, x->rank, x->dim, index);
        v = te_cast(t, ELEM_F32, te_wide(t, te_load(t, x, index)));
        if (!ex_proved_le(t->pool, width, size))
            v = ex_guard(t->pool, te_lt(t, k, size), v, te_const(t, ELEM_F32, 0));
        te_yield_at(t, y, (Ex[]){te_axis(t, 0), te_add(t, start, k)}, v);
        start = te_add(t, start, width);
    }
}

OP(feature_vectorizer) = {
    .name = "FeatureVectorizer", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = VARIADIC,
    ATTRS_OF(VectorizerAttrs), .infer = infer_vectorizer, .define = define_vectorizer,
    .doc = "the rows of all inputs behind one another",
};
