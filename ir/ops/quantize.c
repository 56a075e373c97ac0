/* QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
 *
 *     quantize    y = saturate(round(x / scale) + zero_point), ties to even
 *     dequantize  y = (x - zero_point) * scale
 *
 * Scale and zero point are for the whole tensor (one element), per index of dimension `axis`
 * (a vector), or per block of block_size elements along it (a tensor of x's rank). */
#include "ir/ops/quant.h"

#define QUANTIZE_ATTRS(A, S)                                                        \
    A(S, int, axis, "1", "dimension of a vector of scales, or of the blocks")       \
    A(S, int, block_size, "0", "elements that share a scale; 0: no blocks")         \
    A(S, int, output_dtype, "0", "element type of y; 0: that of the zero point")    \
    A(S, int, precision, "0", "element type of the division; 0: that of the scale") \
    A(S, int, saturate, "1", "float8: 1 limits to the largest number")
ATTRS(QuantizeAttrs, QUANTIZE_ATTRS);

#define DEQUANTIZE_ATTRS(A, S)                                                      \
    A(S, int, axis, "1", "dimension of a vector of scales, or of the blocks")       \
    A(S, int, block_size, "0", "elements that share a scale; 0: no blocks")         \
    A(S, int, output_dtype, "0", "element type of y; 0: that of the scale")
ATTRS(DequantizeAttrs, DEQUANTIZE_ATTRS);

/* ---- scales of three kinds ---- */

typedef enum Granularity { PER_TENSOR, PER_AXIS, PER_BLOCK } Granularity;

static Granularity granularity(const Type *scale, int64_t block_size)
{
    if (block_size > 0)
        return PER_BLOCK;
    return scale->rank == 1 && !ex_is(scale->dim[0], 1) ? PER_AXIS : PER_TENSOR;
}

static Status check_blocks(Graph *g, const Node *n, int axis, int64_t size)
{
    const Type *x = &n->in[0]->type, *s = &n->in[1]->type;
    TRY(node_need_rank(n, 1, x->rank, x->rank));
    for (int i = 0; i < x->rank; i++) {
        Ex want = i == axis ? ex_ceil_div(g->pool, x->dim[i], ex_int(g->pool, size)) : x->dim[i];
        TRY(node_need_equal(n, s->dim[i], want, "dimensions of the scale"));
    }
    return MLC_OK;
}

static Status check_scale(Graph *g, const Node *n, int64_t axis_attr, int64_t block_size)
{
    int axis;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_rank(n, 1, 0, MAX_RANK));
    TRY(node_need_elem(n, 1, IS_FLOAT));
    TRY(node_need_size(n, "block_size", block_size, 0));
    const Type *x = &n->in[0]->type, *s = &n->in[1]->type;
    Granularity kind = granularity(s, block_size);
    if (kind == PER_TENSOR) {
        TRY(quant_need_scalar(n, 1));
    } else {
        TRY(node_axis(n, axis_attr, x->rank, &axis));
        if (kind == PER_AXIS)
            TRY(node_need_equal(n, s->dim[0], x->dim[axis], "size of the scale"));
        else
            TRY(check_blocks(g, n, axis, block_size));
    }
    if (!node_has(n, 2))
        return MLC_OK;
    if (kind == PER_TENSOR)
        return quant_need_scalar(n, 2);
    TRY(node_need_rank(n, 2, s->rank, s->rank));
    for (int i = 0; i < s->rank; i++)
        TRY(node_need_equal(n, s->dim[i], n->in[2]->type.dim[i],
                            "dimensions of scale and zero point"));
    return MLC_OK;
}

/* Conditions on sizes that only the run knows. */
static void require_sizes(Te *t, int64_t axis_attr, int64_t block_size)
{
    Tx x = te_in(t, 0), scale = te_in(t, 1), zero = te_in(t, 2);
    Granularity kind = granularity(&t->node->in[1]->type, block_size);
    int axis = (int)(axis_attr < 0 ? axis_attr + x->rank : axis_attr);
    if (kind == PER_AXIS)
        te_require_equal(t, scale->dim[0], x->dim[axis]);
    for (int i = 0; kind == PER_BLOCK && i < x->rank; i++)
        te_require_equal(t, scale->dim[i],
                         i == axis ? ex_ceil_div(t->pool, x->dim[i], te_int(t, block_size))
                                   : x->dim[i]);
    for (int i = 0; zero && kind != PER_TENSOR && i < scale->rank; i++)
        te_require_equal(t, zero->dim[i], scale->dim[i]);
}

/* Scale (input 1) or zero point (input 2) at the open stage's position. */
static Ex load_param(Te *t, int i, int64_t axis_attr, int64_t block_size, Ex otherwise)
{
    int rank = te_rank(t), axis = (int)(axis_attr < 0 ? axis_attr + rank : axis_attr);
    Ex index[MAX_RANK];
    switch (granularity(&t->node->in[1]->type, block_size)) {
    case PER_TENSOR:
        return quant_load(t, i, NULL, otherwise);
    case PER_AXIS:
        return quant_load(t, i, te_axis(t, axis), otherwise);
    case PER_BLOCK:
        break;
    }
    if (!te_in(t, i))
        return otherwise;
    for (int k = 0; k < rank; k++)
        index[k] = te_axis(t, k);
    index[axis] = te_floor_div(t, index[axis], te_int(t, block_size));
    return te_load(t, te_in(t, i), index);
}

static Status read_type(const Node *n, const char *attr, int64_t number, unsigned classes,
                        Elem otherwise, Elem *out)
{
    *out = number == 0 ? otherwise : number < 0 || number > 99 ? 0 : elem_from_onnx((int)number);
    if ((elem_is_float(*out) && (classes & IS_FLOAT)) || (elem_is_int(*out) && (classes & IS_INT)))
        return MLC_OK;
    return node_error(n, E0204, "attribute '%s' is element type number %lld", attr,
                      (long long)number);
}

/* ---- QuantizeLinear ---- */

static Status infer_quantize(Graph *g, Node *n)
{
    const QuantizeAttrs *a = n->attrs;
    Elem to, precision, zero = node_has(n, 2) ? n->in[2]->type.elem : ELEM_U8;
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(check_scale(g, n, a->axis, a->block_size));
    if (!node_has(n, 2) && a->output_dtype)
        zero = ELEM_NONE;
    TRY(read_type(n, "output_dtype", a->output_dtype, IS_NUMBER, zero, &to));
    TRY(read_type(n, "precision", a->precision, IS_FLOAT, n->in[1]->type.elem, &precision));
    if (node_has(n, 2) && to != zero)
        return node_error(n, E0206, "the zero point is %s, attribute 'output_dtype' says %s",
                          elem_name[zero], elem_name[to]);
    if (elem_bits[to] > 16)
        return node_error(n, E0204, "quantization to %s", elem_name[to]);
    Type y = n->in[0]->type;
    y.elem = to;
    node_set_type(n, 0, y);
    return MLC_OK;
}

/* The element type in which x is divided by the scale. */
static Elem division_type(const QuantizeAttrs *a, Elem scale)
{
    Elem e = a->precision ? elem_from_onnx((int)a->precision) : scale;
    return elem_bits[e] < 16 ? ELEM_F32 : e;
}

static void define_quantize(Te *t, const Node *n)
{
    const QuantizeAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    Elem e = division_type(a, te_in(t, 1)->elem);
    require_sizes(t, a->axis, a->block_size);
    te_stage(t, y);
    Ex scale = te_cast(t, e, load_param(t, 1, a->axis, a->block_size, NULL));
    Ex v = te_div(t, te_cast(t, e, te_load(t, x, t->stage->axis)), scale);
    if (elem_is_int(y->elem)) {
        Ex zero = load_param(t, 2, a->axis, a->block_size, ex_const_i(t->pool, y->elem, 0));
        te_yield(t, quant_round(t, v, te_wide(t, zero), y->elem));
        return;
    }
    v = te_wide(t, v);
    if (te_in(t, 2))
        v = te_add(t, v, te_cast(t, (Elem)v->elem,
                                 load_param(t, 2, a->axis, a->block_size, NULL)));
    te_yield(t, a->saturate ? ex_cast_saturating(t->pool, y->elem, v) : te_cast(t, y->elem, v));
}

OP(quantize_linear) = {
    .name = "QuantizeLinear", .since = {10, 13, 19, 21, 23, 24, 25, 28}, .min_in = 2, .max_in = 3,
    .later = {{"saturate", 19}, {"f16", 19}, {"block_size", 21}, {"output_dtype", 21}, {"u16", 21},
              {"i16", 21}, {"precision", 23}},
    ATTRS_OF(QuantizeAttrs), .infer = infer_quantize, .define = define_quantize,
    .doc = "y = saturate(round(x / scale) + zero_point)",
};

/* ---- DequantizeLinear ---- */

static Status infer_dequantize(Graph *g, Node *n)
{
    const DequantizeAttrs *a = n->attrs;
    Elem to;
    TRY(node_need_elem(n, 0, IS_NUMBER));
    TRY(check_scale(g, n, a->axis, a->block_size));
    TRY(read_type(n, "output_dtype", a->output_dtype, IS_FLOAT, n->in[1]->type.elem, &to));
    if (node_has(n, 2))
        TRY(node_need_same_elem(n, 0, 2));
    Type y = n->in[0]->type;
    y.elem = to;
    node_set_type(n, 0, y);
    return MLC_OK;
}

/* Integers are subtracted as i32. */
static void define_dequantize(Te *t, const Node *n)
{
    const DequantizeAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    Elem e = elem_is_float(x->elem) ? ELEM_F32 : ELEM_I32;
    require_sizes(t, a->axis, a->block_size);
    te_stage(t, te_out(t, 0));
    Ex v = te_cast(t, e, te_load(t, x, t->stage->axis));
    if (te_in(t, 2))
        v = te_sub(t, v, te_cast(t, e, load_param(t, 2, a->axis, a->block_size, NULL)));
    Ex scale = te_wide(t, load_param(t, 1, a->axis, a->block_size, NULL));
    te_yield(t, te_mul(t, te_cast(t, (Elem)scale->elem, v), scale));
}

OP(dequantize_linear) = {
    .name = "DequantizeLinear", .since = {10, 13, 19, 21, 23, 24, 25, 28}, .min_in = 2,
    .later = {{"f16", 19}, {"block_size", 21}, {"u16", 21}, {"i16", 21}, {"output_dtype", 23}},
    .max_in = 3, ATTRS_OF(DequantizeAttrs), .infer = infer_dequantize,
    .define = define_dequantize, .doc = "y = (x - zero_point) * scale",
};

/* ---- DynamicQuantizeLinear: u8, with a range that holds all of x and 0 ---- */

static Status infer_dynamic(Graph *g, Node *n)
{
    (void)g;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    Type y = n->in[0]->type;
    y.elem = ELEM_U8;
    node_set_type(n, 0, y);
    y.rank = 0;
    node_set_type(n, 2, y);
    y.elem = n->in[0]->type.elem;
    node_set_type(n, 1, y);
    return MLC_OK;
}

static void define_dynamic(Te *t, const Node *n)
{
    (void)n;
    Tx x = te_in(t, 0), y = te_out(t, 0), scale = te_out(t, 1), zero = te_out(t, 2);
    if (!scale)
        scale = te_temp(t, x->elem, 0, NULL);
    if (!zero)
        zero = te_temp(t, ELEM_U8, 0, NULL);
    quant_range_of(t, x, scale, zero);
    if (!y)
        return;
    te_stage(t, y);
    Ex v = te_wide(t, te_load(t, x, t->stage->axis));
    v = te_div(t, v, te_wide(t, te_load(t, scale, NULL)));
    te_yield(t, quant_round(t, v, te_load(t, zero, NULL), ELEM_U8));
}

OP(dynamic_quantize_linear) = {
    .name = "DynamicQuantizeLinear", .since = {11}, .min_in = 1, .max_in = 1, .min_out = 3,
    .max_out = 3, .infer = infer_dynamic, .define = define_dynamic,
    .doc = "u8 with scale and zero point out of the range of x",
};
