/* Element by element operators of com.microsoft on quantized tensors:
 *     y = saturate(round(f(scale * (x - zero_point)) / y_scale) + y_zero_point)
 * and the poolings and Concat that do the same behind a mean or a copy. */
#include "ir/ops/quant.h"
#include "ir/ops/window.h"

/* Inputs: q, scale and zero point, `first` .. `first` + 2. */
static Status check_operand(const Node *n, int first)
{
    TRY(quant_need_byte(n, first));
    TRY(node_need_elem(n, first + 1, IS_FLOAT));
    TRY(quant_need_scalar(n, first + 1));
    TRY(quant_need_scalar(n, first + 2));
    if (node_has(n, first + 2))
        TRY(node_need_same_elem(n, first, first + 2));
    return MLC_OK;
}

/* Inputs `first`, `first` + 1: scale and zero point of the output, which has element type e. */
static Status check_result(const Node *n, int first, Elem e)
{
    TRY(node_need_elem(n, first, IS_FLOAT));
    TRY(quant_need_scalar(n, first));
    TRY(quant_need_scalar(n, first + 1));
    if (node_has(n, first + 1) && n->in[first + 1]->type.elem != e)
        return node_error(n, E0206, "the zero point of the output is %s, the output %s",
                          elem_name[n->in[first + 1]->type.elem], elem_name[e]);
    return MLC_OK;
}

/* q as a real number, by scale and zero point at inputs `first` + 1 and `first` + 2. */
static Ex real_of(Te *t, Ex q, int first)
{
    Ex centered = quant_centered(t, q, quant_zero(t, first + 2, NULL));
    return te_mul(t, te_cast(t, ELEM_F32, centered), quant_scale(t, first + 1, NULL));
}

static void yield_quantized(Te *t, Ex real, int first, Elem e)
{
    Ex v = te_div(t, real, quant_scale(t, first, NULL));
    te_yield(t, quant_round(t, v, quant_zero(t, first + 1, NULL), e));
}

/* ---- QLinearAdd, QLinearMul ---- */

static Status infer_binary(Graph *g, Node *n)
{
    Type y;
    TRY(check_operand(n, 0));
    TRY(check_operand(n, 3));
    TRY(node_need_same_elem(n, 0, 3));
    TRY(check_result(n, 6, n->in[0]->type.elem));
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_rank(n, 3, 0, MAX_RANK));
    TRY(broadcast_shapes(g, n, &n->in[0]->type, &n->in[3]->type, &y));
    y.elem = n->in[0]->type.elem;
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void define_binary(Te *t, ExOp op)
{
    Tx y = te_out(t, 0);
    te_stage(t, y);
    Ex v[2];
    for (int i = 0; i < 2; i++)
        v[i] = real_of(t, te_load_bcast(t, te_in(t, 3 * i)), 3 * i);
    yield_quantized(t, ex_op(t->pool, op, 2, v), 6, y->elem);
}

static void define_add(Te *t, const Node *n)
{
    (void)n;
    define_binary(t, EX_ADD);
}

static void define_mul(Te *t, const Node *n)
{
    (void)n;
    define_binary(t, EX_MUL);
}

OP(qlinear_add) = {
    .name = "QLinearAdd", .domain = "com.microsoft", .since = {1}, .min_in = 7, .max_in = 8,
    .infer = infer_binary, .define = define_add, .doc = "y = a + b, all quantized",
};
OP(qlinear_mul) = {
    .name = "QLinearMul", .domain = "com.microsoft", .since = {1}, .min_in = 7, .max_in = 8,
    .infer = infer_binary, .define = define_mul, .doc = "y = a * b, all quantized",
};

/* ---- QLinearSigmoid, QLinearLeakyRelu ---- */

static Status infer_unary(Graph *g, Node *n)
{
    TRY(check_operand(n, 0));
    TRY(check_result(n, 3, n->in[0]->type.elem));
    return infer_same(g, n);
}

static void define_sigmoid(Te *t, const Node *n)
{
    (void)n;
    te_stage(t, te_out(t, 0));
    Ex x = real_of(t, te_load(t, te_in(t, 0), t->stage->axis), 0);
    yield_quantized(t, te_sigmoid(t, x), 3, te_out(t, 0)->elem);
}

#define Q_LEAKY_ATTRS(A, S) A(S, float, alpha, "0.01", "slope where x < 0")
ATTRS(QLeakyAttrs, Q_LEAKY_ATTRS);

static void define_leaky(Te *t, const Node *n)
{
    const QLeakyAttrs *a = n->attrs;
    te_stage(t, te_out(t, 0));
    Ex x = real_of(t, te_load(t, te_in(t, 0), t->stage->axis), 0), zero = te_like(t, x, 0);
    Ex scaled = te_mul(t, te_like(t, x, a->alpha), x);
    yield_quantized(t, te_select(t, te_lt(t, x, zero), scaled, x), 3, te_out(t, 0)->elem);
}

OP(qlinear_sigmoid) = {
    .name = "QLinearSigmoid", .domain = "com.microsoft", .since = {1}, .min_in = 4, .max_in = 5,
    .infer = infer_unary, .define = define_sigmoid, .doc = "y = sigmoid(x), quantized",
};
OP(qlinear_leaky_relu) = {
    .name = "QLinearLeakyRelu", .domain = "com.microsoft", .since = {1}, .min_in = 4, .max_in = 5,
    ATTRS_OF(QLeakyAttrs), .infer = infer_unary, .define = define_leaky,
    .doc = "y = x < 0 ? alpha * x : x, quantized",
};

/* ---- QLinearGlobalAveragePool, QLinearAveragePool ---- */

#define Q_GLOBAL_ATTRS(A, S) A(S, int, channels_last, "0", "1: the last dimension is the channel")
ATTRS(QGlobalAttrs, Q_GLOBAL_ATTRS);

static Status infer_global(Graph *g, Node *n)
{
    const QGlobalAttrs *a = n->attrs;
    TRY(check_operand(n, 0));
    TRY(check_result(n, 3, n->in[0]->type.elem));
    TRY(node_need_rank(n, 0, 3, MAX_RANK));
    Type y = n->in[0]->type;
    for (int i = 0; i < y.rank - 2; i++)
        y.dim[i + (a->channels_last ? 1 : 2)] = ex_int(g->pool, 1);
    node_set_type(n, 0, y);
    return MLC_OK;
}

/* The sum of centered integers is exact. */
static void define_global(Te *t, const Node *n)
{
    const QGlobalAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    int first = a->channels_last ? 1 : 2;
    te_stage(t, te_out(t, 0));
    Ex index[MAX_RANK], count = te_int(t, 1);
    memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
    for (int i = first; i < first + x->rank - 2; i++) {
        index[i] = te_red(t, x->dim[i]);
        count = te_mul(t, count, x->dim[i]);
    }
    Ex sum = te_sum(t, quant_centered(t, te_load(t, x, index), quant_zero(t, 2, NULL)));
    Ex v = te_mul(t, te_cast(t, ELEM_F32, sum), quant_scale(t, 1, NULL));
    yield_quantized(t, te_div(t, v, te_float_of(t, ELEM_F32, count)), 3, te_out(t, 0)->elem);
}

OP(qlinear_global_average_pool) = {
    .name = "QLinearGlobalAveragePool", .domain = "com.microsoft", .since = {1}, .min_in = 4,
    .max_in = 5, ATTRS_OF(QGlobalAttrs), .infer = infer_global, .define = define_global,
    .doc = "y = mean of each channel, quantized",
};

#define Q_POOL_ATTRS(A, S)                                                       \
    A(S, str, auto_pad, "NOTSET", "NOTSET, SAME_UPPER, SAME_LOWER, VALID")       \
    A(S, int, ceil_mode, "0", "1: the number of windows is rounded up")          \
    A(S, int, channels_last, "0", "1: the last dimension is the channel")        \
    A(S, int, count_include_pad, "0", "1 counts padding")                        \
    A(S, ints, kernel_shape, NULL, "taps per spatial axis")                      \
    A(S, ints, pads, "", "begins, then ends, per spatial axis")                  \
    A(S, ints, strides, "", "step per spatial axis")
ATTRS(QPoolAttrs, Q_POOL_ATTRS);

static Status make_window(ExPool *p, const Node *n, Window *w)
{
    const QPoolAttrs *a = n->attrs;
    const Type *x = &n->in[0]->type;
    WindowAttrs wa = {a->auto_pad, a->kernel_shape, a->strides, {0}, a->pads, a->ceil_mode != 0};
    if (a->kernel_shape.n != x->rank - 2)
        return node_error(n, E0203, "attribute 'kernel_shape' has %d values for %d spatial axes",
                          a->kernel_shape.n, x->rank - 2);
    return window_make(p, n, &wa, x->rank - 2, &x->dim[a->channels_last ? 1 : 2], w);
}

static Status infer_pool(Graph *g, Node *n)
{
    const QPoolAttrs *a = n->attrs;
    Window w;
    TRY(check_operand(n, 0));
    TRY(check_result(n, 3, n->in[0]->type.elem));
    TRY(node_need_rank(n, 0, 3, MAX_RANK));
    TRY(make_window(g->pool, n, &w));
    if (a->count_include_pad && a->ceil_mode)
        return node_error(n, E0205, "ceil_mode together with count_include_pad");
    Type y = n->in[0]->type;
    for (int i = 0; i < w.n; i++)
        y.dim[i + (a->channels_last ? 1 : 2)] = w.out[i];
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void define_pool(Te *t, const Node *n)
{
    const QPoolAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    Window w;
    Status st = make_window(t->pool, n, &w);
    assert(st == MLC_OK);
    (void)st;
    int first = a->channels_last ? 1 : 2;
    te_stage(t, te_out(t, 0));
    Ex index[MAX_RANK], inside = ex_bool(t->pool, true), got[2];
    memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
    for (int i = 0; i < w.n; i++) {
        Ex at = window_at(t, &w, i, te_axis(t, i + first), window_tap(t, &w, i));
        index[i + first] = at;
        inside = te_and(t, inside, te_and(t, te_le(t, te_int(t, 0), at),
                                          te_lt(t, at, x->dim[i + first])));
    }
    Ex zero = ex_const_i(t->pool, ELEM_I32, 0), one = ex_const_i(t->pool, ELEM_I32, 1);
    Ex v = quant_centered(t, te_load(t, x, index), quant_zero(t, 2, NULL));
    v = ex_is(inside, 1) ? v : ex_guard(t->pool, inside, v, zero);
    Ex counts = a->count_include_pad ? one : te_select(t, inside, one, zero);
    te_reduce_many(t, 2, (ReduceOp[]){REDUCE_SUM, REDUCE_SUM}, (Ex[]){v, counts}, got);
    Ex real = te_mul(t, te_cast(t, ELEM_F32, got[0]), quant_scale(t, 1, NULL));
    yield_quantized(t, te_div(t, real, te_cast(t, ELEM_F32, got[1])), 3, te_out(t, 0)->elem);
}

OP(qlinear_average_pool) = {
    .name = "QLinearAveragePool", .domain = "com.microsoft", .since = {1}, .min_in = 4,
    .max_in = 5, ATTRS_OF(QPoolAttrs), .infer = infer_pool, .define = define_pool,
    .doc = "y = mean over a sliding window, quantized",
};

/* ---- QLinearConcat: y_scale, y_zero_point, then (q, scale, zero point) of each part ---- */

#define Q_CONCAT_ATTRS(A, S) A(S, int, axis, NULL, "the dimension along which the parts stand")
ATTRS(QConcatAttrs, Q_CONCAT_ATTRS);

static Status infer_concat(Graph *g, Node *n)
{
    const QConcatAttrs *a = n->attrs;
    int axis;
    if (n->nin < 5 || (n->nin - 2) % 3)
        return node_error(n, E0202, "operator 'QLinearConcat' has %d inputs, needs 2 and 3 per part",
                          n->nin);
    TRY(node_need_rank(n, 2, 1, MAX_RANK));
    Type y = n->in[2]->type;
    TRY(node_axis(n, a->axis, y.rank, &axis));
    TRY(check_result(n, 0, y.elem));
    y.dim[axis] = ex_int(g->pool, 0);
    for (int i = 2; i < n->nin; i += 3) {
        TRY(check_operand(n, i));
        TRY(node_need_same_elem(n, 2, i));
        TRY(node_need_rank(n, i, y.rank, y.rank));
        const Type *x = &n->in[i]->type;
        for (int k = 0; k < y.rank; k++)
            if (k != axis)
                TRY(node_need_equal(n, x->dim[k], y.dim[k], "dimensions of the parts"));
        y.dim[axis] = ex_add(g->pool, y.dim[axis], x->dim[axis]);
    }
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void define_concat(Te *t, const Node *n)
{
    const QConcatAttrs *a = n->attrs;
    Tx y = te_out(t, 0);
    int axis = (int)(a->axis < 0 ? a->axis + y->rank : a->axis);
    Ex begin = te_int(t, 0), index[MAX_RANK];
    for (int i = 2; i < n->nin; i += 3) {
        Tx x = te_in(t, i);
        for (int k = 0; k < x->rank; k++)
            if (k != axis)
                te_require_equal(t, x->dim[k], y->dim[k]);
        te_stage_axes(t, x->rank, x->dim);
        memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
        index[axis] = te_add(t, index[axis], begin);
        Ex v = real_of(t, te_load(t, x, t->stage->axis), i);
        v = te_div(t, v, quant_scale(t, 0, NULL));
        te_yield_at(t, y, index, quant_round(t, v, quant_zero(t, 1, NULL), y->elem));
        begin = te_add(t, begin, x->dim[axis]);
    }
}

OP(qlinear_concat) = {
    .name = "QLinearConcat", .domain = "com.microsoft", .since = {1}, .min_in = 5,
    .max_in = VARIADIC, ATTRS_OF(QConcatAttrs), .infer = infer_concat, .define = define_concat,
    .doc = "parts behind each other, requantized",
};
