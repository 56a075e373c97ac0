/* Products of com.microsoft with quantized operands and float results (or quantized again):
 *     QGemm                  y = requantized(alpha * sa * sb * (a' b' + c))
 *     MatMulIntegerToFloat   y = sa * sb * (a b) + bias
 *     DynamicQuantizeMatMul  the same, with a quantized to u8 by its own range first
 *     MatMulNBits            y = a w' + bias, with w in blocks of `bits`-bit numbers
 * The integer products are of centered elements, summed in i32. */
#include "ir/ops/matmul.h"
#include "ir/ops/quant.h"

/* ---- QGemm: a, sa, za, b, sb, zb, c, sy, zy ---- */

#define QGEMM_ATTRS(A, S)                             \
    A(S, float, alpha, "1", "scale of the product")   \
    A(S, int, transA, "0", "1: a is transposed")      \
    A(S, int, transB, "0", "1: b is transposed")
ATTRS(QGemmAttrs, QGEMM_ATTRS);

static Status infer_qgemm(Graph *g, Node *n)
{
    const QGemmAttrs *at = n->attrs;
    for (int i = 0; i < 6; i += 3) {
        TRY(node_need_rank(n, i, 2, 2));
        TRY(quant_need_byte(n, i));
        TRY(node_need_elem(n, i + 1, IS_FLOAT));
        if (node_has(n, i + 2))
            TRY(node_need_same_elem(n, i, i + 2));
    }
    const Type *a = &n->in[0]->type, *b = &n->in[3]->type;
    TRY(node_need_equal(n, a->dim[!at->transA], b->dim[!!at->transB],
                        "inner dimensions of the product differ"));
    Ex dim[2] = {a->dim[!!at->transA], b->dim[!at->transB]};
    TRY(quant_need_scalar(n, 1));
    TRY(quant_need_scalar(n, 2));
    TRY(quant_need_vector(n, 4, dim[1]));
    TRY(quant_need_vector(n, 5, dim[1]));
    Type y = type_tensor(ELEM_F32, 2, dim), sum;
    if (node_has(n, 6)) {
        TRY(node_need_elem(n, 6, IS_INT));
        TRY(node_need_rank(n, 6, 0, 2));
        TRY(broadcast_shapes(g, n, &y, &n->in[6]->type, &sum));
        for (int i = 0; i < 2; i++)
            TRY(node_need_equal(n, dim[i], sum.dim[i], "input c does not fit the product"));
    }
    TRY(quant_need_scalar(n, 7));
    TRY(quant_need_scalar(n, 8));
    TRY(quant_need_byte(n, 8));
    if (node_has(n, 7))
        y.elem = node_has(n, 8) ? n->in[8]->type.elem : a->elem;
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void define_qgemm(Te *t, const Node *n)
{
    const QGemmAttrs *at = n->attrs;
    Tx a = te_in(t, 0), b = te_in(t, 3), c = te_in(t, 6), y = te_out(t, 0);
    Ex extent = a->dim[!at->transA];
    te_require_equal(t, extent, b->dim[!!at->transB]);
    te_stage(t, y);
    Ex k = te_red(t, extent), i = te_axis(t, 0), j = te_axis(t, 1);
    Ex va = te_load(t, a, at->transA ? (Ex[]){k, i} : (Ex[]){i, k});
    Ex vb = te_load(t, b, at->transB ? (Ex[]){j, k} : (Ex[]){k, j});
    Ex sum = te_sum(t, te_mul(t, quant_centered(t, va, quant_zero(t, 2, NULL)),
                              quant_centered(t, vb, quant_zero(t, 5, j))));
    if (c)
        sum = te_add(t, sum, te_cast(t, ELEM_I32, te_load_bcast(t, c)));
    Ex scale = te_mul(t, quant_scale(t, 1, NULL), quant_scale(t, 4, j));
    scale = te_mul(t, scale, te_like(t, scale, at->alpha));
    Ex v = te_cast(t, ELEM_F32, sum);
    if (!te_in(t, 7)) {
        te_yield(t, te_mul(t, v, scale));
        return;
    }
    v = te_mul(t, v, te_div(t, scale, quant_scale(t, 7, NULL)));
    te_yield(t, quant_round(t, v, quant_zero(t, 8, NULL), y->elem));
}

OP(qgemm) = {
    .name = "QGemm", .domain = "com.microsoft", .since = {1}, .min_in = 6, .max_in = 9,
    ATTRS_OF(QGemmAttrs), .infer = infer_qgemm, .define = define_qgemm,
    .doc = "y = alpha * a b + c, quantized",
};

/* ---- MatMulIntegerToFloat: a, b, sa, sb, za, zb, bias ---- */

static Status check_bias(const Node *n, int i, int b)
{
    if (!node_has(n, i))
        return MLC_OK;
    const Type *x = &n->in[b]->type;
    TRY(node_need_rank(n, i, 1, 1));
    TRY(node_need_elem(n, i, IS_FLOAT));
    return node_need_equal(n, n->in[i]->type.dim[0], x->dim[x->rank - 1], "size of the bias");
}

static Status infer_to_float(Graph *g, Node *n)
{
    for (int i = 0; i < 2; i++) {
        TRY(node_need_rank(n, i, 2, MAX_RANK));
        TRY(quant_need_byte(n, i));
        TRY(node_need_elem(n, i + 2, IS_FLOAT));
        if (node_has(n, i + 4))
            TRY(node_need_same_elem(n, i, i + 4));
    }
    const Type *b = &n->in[1]->type;
    TRY(quant_need_scalar(n, 2));
    TRY(quant_need_scalar(n, 4));
    TRY(quant_need_vector(n, 3, b->dim[b->rank - 1]));
    TRY(quant_need_vector(n, 5, b->dim[b->rank - 1]));
    TRY(check_bias(n, 6, 1));
    return matmul_infer(g, n, 0, 1, n->in[2]->type.elem);
}

/* Yields sa * sb[column] * sum + bias at the open stage. */
static void yield_scaled(Te *t, Ex sum, Ex sa, int sb, int bias)
{
    Ex column = te_axis(t, te_rank(t) - 1);
    Ex v = te_mul(t, te_cast(t, ELEM_F32, sum), te_mul(t, sa, quant_scale(t, sb, column)));
    if (te_in(t, bias))
        v = te_add(t, v, te_cast(t, ELEM_F32, te_load(t, te_in(t, bias), &column)));
    te_yield(t, v);
}

static void define_to_float(Te *t, const Node *n)
{
    (void)n;
    Tx a = te_in(t, 0), b = te_in(t, 1), y = te_out(t, 0);
    Ex ia[MAX_RANK], ib[MAX_RANK];
    matmul_open(t, a, b, y, ia, ib);
    Ex va = quant_centered(t, te_load(t, a, ia), quant_zero(t, 4, NULL));
    Ex vb = quant_centered(t, te_load(t, b, ib), quant_zero(t, 5, te_axis(t, y->rank - 1)));
    yield_scaled(t, te_sum(t, te_mul(t, va, vb)), quant_scale(t, 2, NULL), 3, 6);
}

OP(matmul_integer_to_float) = {
    .name = "MatMulIntegerToFloat", .domain = "com.microsoft", .since = {1}, .min_in = 4,
    .max_in = 7, .infer = infer_to_float, .define = define_to_float,
    .doc = "y = sa * sb * (a b) + bias",
};

/* ---- DynamicQuantizeMatMul: a, b, sb, zb, bias ---- */

static Status infer_dynamic(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_rank(n, 1, 2, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(quant_need_byte(n, 1));
    TRY(node_need_elem(n, 2, IS_FLOAT));
    if (node_has(n, 3))
        TRY(node_need_same_elem(n, 1, 3));
    const Type *b = &n->in[1]->type;
    TRY(quant_need_vector(n, 2, b->dim[b->rank - 1]));
    TRY(quant_need_vector(n, 3, b->dim[b->rank - 1]));
    TRY(check_bias(n, 4, 1));
    return matmul_infer(g, n, 0, 1, n->in[0]->type.elem);
}

static void define_dynamic(Te *t, const Node *n)
{
    (void)n;
    Tx a = te_in(t, 0), b = te_in(t, 1), y = te_out(t, 0);
    Tx scale = te_temp(t, ELEM_F32, 0, NULL), zero = te_temp(t, ELEM_U8, 0, NULL);
    Tx q = te_temp(t, ELEM_U8, a->rank, a->dim);
    quant_range_of(t, a, scale, zero);
    te_stage(t, q);
    Ex v = te_cast(t, ELEM_F32, te_load(t, a, t->stage->axis));
    v = te_div(t, v, te_load(t, scale, NULL));
    te_yield(t, quant_round(t, v, te_load(t, zero, NULL), ELEM_U8));
    Ex ia[MAX_RANK], ib[MAX_RANK];
    matmul_open(t, q, b, y, ia, ib);
    Ex za = te_cast(t, ELEM_I32, te_load(t, zero, NULL));
    Ex va = quant_centered(t, te_load(t, q, ia), za);
    Ex vb = quant_centered(t, te_load(t, b, ib), quant_zero(t, 3, te_axis(t, y->rank - 1)));
    yield_scaled(t, te_sum(t, te_mul(t, va, vb)), te_load(t, scale, NULL), 2, 4);
}

OP(dynamic_quantize_matmul) = {
    .name = "DynamicQuantizeMatMul", .domain = "com.microsoft", .since = {1}, .min_in = 3,
    .max_in = 5, .infer = infer_dynamic, .define = define_dynamic,
    .doc = "y = a b + bias, a quantized by its range",
};

/* ---- MatMulNBits: a, w[n, blocks, bytes], scales, zero points, g_idx, bias ---- */

#define NBITS_ATTRS(A, S)                                                   \
    A(S, int, K, NULL, "elements of a row of w")                            \
    A(S, int, N, NULL, "rows of w")                                         \
    A(S, int, accuracy_level, "0", "least precision of the computation")    \
    A(S, int, bits, "4", "bits of an element: 2, 4 or 8")                   \
    A(S, int, block_size, NULL, "elements that share a scale")
ATTRS(NBitsAttrs, NBITS_ATTRS);

static Status infer_nbits(Graph *g, Node *n)
{
    const NBitsAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(node_need_rank(n, 1, 3, 3));
    TRY(node_need_elem(n, 2, IS_FLOAT));
    TRY(node_need_size(n, "K", a->K, 1));
    TRY(node_need_size(n, "N", a->N, 1));
    TRY(node_need_size(n, "block_size", a->block_size, 1));
    if (a->bits != 2 && a->bits != 4 && a->bits != 8)
        return node_error(n, E0205, "elements of %lld bits", (long long)a->bits);
    if (node_has(n, 4))
        return node_error(n, E0205, "input 4 (g_idx) reorders the blocks");
    if (n->in[1]->type.elem != ELEM_U8)
        return node_error(n, E0204, "input 1 has element type %s, must be u8",
                          elem_name[n->in[1]->type.elem]);
    ExPool *p = g->pool;
    const Type *x = &n->in[0]->type, *w = &n->in[1]->type;
    int64_t blocks = (a->K + a->block_size - 1) / a->block_size;
    TRY(node_need_equal(n, x->dim[x->rank - 1], ex_int(p, a->K), "inner dimension and K"));
    TRY(node_need_equal(n, w->dim[0], ex_int(p, a->N), "rows of w and N"));
    TRY(node_need_equal(n, w->dim[1], ex_int(p, blocks), "blocks of w"));
    TRY(node_need_equal(n, w->dim[2], ex_int(p, (a->block_size * a->bits + 7) / 8), "bytes of w"));
    int64_t per_row = (blocks * a->bits + 7) / 8;
    for (int i = 2; i < 4; i++) {
        if (!node_has(n, i))
            continue;
        bool packed = n->in[i]->type.elem == ELEM_U8;
        TRY(node_need_rank(n, i, 1, 2));
        TRY(node_need_equal(n, type_count(p, &n->in[i]->type),
                            ex_int(p, a->N * (packed ? per_row : blocks)), "scales, zero points"));
    }
    if (node_has(n, 5)) {
        TRY(node_need_rank(n, 5, 1, 1));
        TRY(node_need_equal(n, n->in[5]->type.dim[0], ex_int(p, a->N), "size of the bias"));
    }
    Type y = *x;
    y.dim[y.rank - 1] = ex_int(p, a->N);
    node_set_type(n, 0, y);
    return MLC_OK;
}

/* Element `flat` of a tensor of rank 1 or 2. */
static Ex load_flat(Te *t, Tx x, Ex flat)
{
    Ex index[MAX_RANK];
    unflatten(t->pool, flat, 0, x->rank, x->dim, index);
    return te_load(t, x, index);
}

/* Number k of a byte that holds 8 / bits of them, low bits first. */
static Ex unpack(Te *t, Ex byte, Ex k, int64_t bits)
{
    Ex shift = te_mul(t, te_floor_mod(t, k, te_int(t, 8 / bits)), te_int(t, bits));
    Ex v = te_shr(t, te_cast(t, ELEM_I32, byte), te_cast(t, ELEM_I32, shift));
    return te_and(t, v, ex_const_i(t->pool, ELEM_I32, (1 << bits) - 1));
}

static void define_nbits(Te *t, const Node *n)
{
    const NBitsAttrs *a = n->attrs;
    Tx x = te_in(t, 0), q = te_in(t, 1), zeros = te_in(t, 3), bias = te_in(t, 5);
    Ex dim[2] = {te_int(t, a->N), te_int(t, a->K)}, index[MAX_RANK];
    int64_t blocks = (a->K + a->block_size - 1) / a->block_size;
    int64_t per_row = (blocks * a->bits + 7) / 8;
    Tx w = te_temp(t, ELEM_F32, 2, dim);
    te_require_equal(t, x->dim[x->rank - 1], dim[1]);
    te_stage(t, w);
    Ex row = te_axis(t, 0), k = te_axis(t, 1), size = te_int(t, a->block_size);
    Ex block = te_floor_div(t, k, size), in = te_floor_mod(t, k, size);
    Ex per_byte = te_int(t, 8 / a->bits);
    Ex byte = te_load(t, q, (Ex[]){row, block, te_floor_div(t, in, per_byte)});
    Ex v = te_cast(t, ELEM_F32, unpack(t, byte, in, a->bits));
    Ex zero = te_const(t, ELEM_F32, (double)(1 << (a->bits - 1)));
    Ex number = te_add(t, te_mul(t, row, te_int(t, blocks)), block);
    if (zeros && zeros->elem == ELEM_U8) {
        Ex at = te_add(t, te_mul(t, row, te_int(t, per_row)), te_floor_div(t, block, per_byte));
        zero = te_cast(t, ELEM_F32, unpack(t, load_flat(t, zeros, at), block, a->bits));
    } else if (zeros) {
        zero = te_cast(t, ELEM_F32, load_flat(t, zeros, number));
    }
    Ex scale = te_cast(t, ELEM_F32, load_flat(t, te_in(t, 2), number));
    te_yield(t, te_mul(t, te_sub(t, v, zero), scale));

    te_stage(t, te_out(t, 0));
    k = te_red(t, dim[1]);
    Ex column = te_axis(t, x->rank - 1);
    memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
    index[x->rank - 1] = k;
    v = te_cast(t, ELEM_F32, te_load(t, x, index));
    v = te_sum(t, te_mul(t, v, te_load(t, w, (Ex[]){column, k})));
    te_yield(t, bias ? te_add(t, v, te_cast(t, ELEM_F32, te_load(t, bias, &column))) : v);
}

OP(matmul_nbits) = {
    .name = "MatMulNBits", .domain = "com.microsoft", .since = {1}, .min_in = 3, .max_in = 6,
    ATTRS_OF(NBitsAttrs), .infer = infer_nbits, .define = define_nbits,
    .doc = "y = a w' + bias, w in blocks of few bits",
};
