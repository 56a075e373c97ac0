/* Constant, ConstantOfShape, EyeLike: tensors out of nothing but a shape. */
#include "ir/ops/check.h"

/* ---- Constant ---- */

#define CONSTANT_ATTRS(A, S)                             \
    A(S, tensor, value, "", "the data")                  \
    A(S, float, value_float, "0", "a scalar")            \
    A(S, floats, value_floats, "", "a vector")           \
    A(S, int, value_int, "", "a scalar")                 \
    A(S, ints, value_ints, "", "a vector")               \
    A(S, str, value_string, "", "a scalar")              \
    A(S, strs, value_strings, "", "a vector")
ATTRS(ConstantAttrs, CONSTANT_ATTRS);

static const Tensor *vector(Arena *arena, Elem e, int rank, int64_t n, const void *data)
{
    Tensor *t = NEW(arena, Tensor);
    *t = (Tensor){.elem = e, .rank = rank, .dim = {n}, .data = data, .fd = -1};
    t->size_bytes = elem_size_bytes(e, (size_t)n);
    return t;
}

/* The data, whichever attribute gives it. A float scalar has no absent form: it is the last one. */
static const Tensor *constant_data(Arena *arena, const Node *n)
{
    const ConstantAttrs *a = n->attrs;
    if (a->value)
        return a->value;
    if (a->value_ints.set)
        return vector(arena, ELEM_I64, 1, a->value_ints.n, a->value_ints.at);
    if (a->value_floats.set)
        return vector(arena, ELEM_F32, 1, a->value_floats.n, a->value_floats.at);
    if (a->value_strings.set)
        return vector(arena, ELEM_STRING, 1, a->value_strings.n, a->value_strings.at);
    if (a->value_string)
        return vector(arena, ELEM_STRING, 0, 1, &a->value_string);
    if (a->value_int != ATTR_INT_ABSENT)
        return vector(arena, ELEM_I64, 0, 1, &a->value_int);
    return vector(arena, ELEM_F32, 0, 1, &a->value_float);
}

static Status infer_constant(Graph *g, Node *n)
{
    const Tensor *d = constant_data(g->arena, n);
    node_set_type(n, 0, type_tensor_const(g->pool, d->elem, d->rank, d->dim));
    return MLC_OK;
}

static void define_constant(Te *t, const Node *n)
{
    Tx data = te_table(t, constant_data(t->arena, n));
    te_stage(t, te_out(t, 0));
    te_yield(t, te_load(t, data, t->stage->axis));
}

OP(constant) = {
    .name = "Constant", .since = {1, 9, 11, 12, 13, 19, 21, 23, 24, 25}, .min_in = 0, .max_in = 0,
    ATTRS_OF(ConstantAttrs), .infer = infer_constant, .define = define_constant,
    .doc = "data of the model",
};

/* ---- ConstantOfShape ---- */

#define OF_SHAPE_ATTRS(A, S) A(S, tensor, value, "", "the one element, default f32 0")
ATTRS(OfShapeAttrs, OF_SHAPE_ATTRS);

static Status infer_of_shape(Graph *g, Node *n)
{
    const OfShapeAttrs *a = n->attrs;
    const Ex *dim;
    int rank;
    int64_t v;
    if (a->value && tensor_count(a->value) != 1)
        return node_error(n, E0203, "attribute 'value' has %lld elements, must have 1",
                          (long long)tensor_count(a->value));
    TRY(node_known_ints(g, n, 0, MAX_RANK, &dim, &rank));
    for (int i = 0; i < rank; i++)
        if (ex_is_int(dim[i], &v) && v < 0)
            return node_error(n, E0301, "dimension %d is %lld", i, (long long)v);
    node_set_type(n, 0, type_tensor(a->value ? a->value->elem : ELEM_F32, rank, dim));
    return MLC_OK;
}

static void define_of_shape(Te *t, const Node *n)
{
    const OfShapeAttrs *a = n->attrs;
    Tx y = te_out(t, 0);
    te_stage(t, y);
    if (!a->value)
        te_yield(t, te_const(t, y->elem, 0));
    else if (elem_is_float(y->elem))
        te_yield(t, ex_const_f(t->pool, y->elem, tensor_get_f64(a->value, 0)));
    else
        te_yield(t, ex_const_i(t->pool, y->elem, tensor_get_i64(a->value, 0)));
}

OP(constant_of_shape) = {
    .name = "ConstantOfShape", .since = {9, 20, 21, 23, 24, 25}, .min_in = 1, .max_in = 1,
    ATTRS_OF(OfShapeAttrs), .infer = infer_of_shape, .define = define_of_shape,
    .doc = "one value everywhere",
};

/* ---- EyeLike ---- */

#define EYE_LIKE_ATTRS(A, S)                                     \
    A(S, int, dtype, "", "element type, default that of x")      \
    A(S, int, k, "0", "the diagonal; above the main one if > 0")
ATTRS(EyeLikeAttrs, EYE_LIKE_ATTRS);

static Status infer_eye(Graph *g, Node *n)
{
    (void)g;
    const EyeLikeAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 2, 2));
    Type out = n->in[0]->type;
    if (a->dtype != ATTR_INT_ABSENT)
        out.elem = elem_from_onnx(a->dtype < 0 || a->dtype > 99 ? 0 : (int)a->dtype);
    if (!elem_is_float(out.elem) && !elem_is_int(out.elem) && out.elem != ELEM_BOOL)
        return node_error(n, E0204, "element type number %lld", (long long)a->dtype);
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define_eye(Te *t, const Node *n)
{
    const EyeLikeAttrs *a = n->attrs;
    int64_t k = MAX(-MAX_ATTR_SIZE, MIN(MAX_ATTR_SIZE, a->k));
    Tx y = te_out(t, 0);
    te_stage(t, y);
    Elem e = te_wide_elem(y->elem);
    Ex on = te_eq(t, te_add(t, te_axis(t, 0), te_int(t, k)), te_axis(t, 1));
    te_yield(t, te_select(t, on, te_const(t, e, 1), te_const(t, e, 0)));
}

OP(eye_like) = {
    .name = "EyeLike", .since = {9, 22}, .min_in = 1, .max_in = 1, .traits = OP_SHAPE_ONLY,
    ATTRS_OF(EyeLikeAttrs), .infer = infer_eye, .define = define_eye,
    .doc = "1 on a diagonal, 0 elsewhere",
};
