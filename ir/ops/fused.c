/* FusedConv, FusedMatMul and FusedGemm of com.microsoft: a convolution or a product followed by an
 * activation, a scale or a sum. ONNX Runtime's optimizer writes them. */
#include "ir/ops/fused.h"

#include "ir/ops/conv.h"

#include <math.h>

static const char *const activations[] = {
    "Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid",
};

static bool is_none(const char *name)
{
    return !name || !*name;
}

Status fused_check(const Node *n, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(activations); i++)
        if (is_none(name) || strcmp(name, activations[i]) == 0)
            return MLC_OK;
    return node_error(n, E0203, "attribute 'activation' is '%s'", name);
}

static Ex or_default(Te *t, Ex x, double v, double dflt)
{
    return te_like(t, x, isnan(v) ? dflt : v);
}

Ex fused_apply(Te *t, const char *name, double alpha, double beta, Ex x)
{
    Ex zero = te_like(t, x, 0), one = te_like(t, x, 1);
    if (is_none(name))
        return x;
    if (strcmp(name, "Relu") == 0)
        return te_max(t, x, zero);
    if (strcmp(name, "Tanh") == 0)
        return te_tanh(t, x);
    if (strcmp(name, "Sigmoid") == 0)
        return te_sigmoid(t, x);
    if (strcmp(name, "LeakyRelu") == 0)
        return te_select(t, te_lt(t, x, zero), te_mul(t, or_default(t, x, alpha, 0.01), x), x);
    if (strcmp(name, "Clip") == 0)
        return te_min(t, te_max(t, x, or_default(t, x, alpha, -INFINITY)),
                      or_default(t, x, beta, INFINITY));
    Ex line = te_add(t, te_mul(t, or_default(t, x, alpha, 0.2), x), or_default(t, x, beta, 0.5));
    return te_max(t, zero, te_min(t, one, line));
}

/* ---- FusedConv: activation(conv(x, w) + bias + z) ---- */

#define FUSED_CONV_ATTRS(A, S)                                                \
    CONV_ATTRS(A, S)                                                          \
    A(S, str, activation, "", "Relu, Tanh, Sigmoid, LeakyRelu, Clip, HardSigmoid") \
    A(S, floats, activation_params, "", "its alpha and beta, or minimum and maximum")
ATTRS(FusedConvAttrs, FUSED_CONV_ATTRS);

static ConvAttrs conv_part(const FusedConvAttrs *a)
{
    return (ConvAttrs){a->auto_pad, a->dilations, a->group, a->kernel_shape, a->pads, a->strides};
}

static Status infer_conv(Graph *g, Node *n)
{
    const FusedConvAttrs *a = n->attrs;
    ConvAttrs conv = conv_part(a);
    TRY(fused_check(n, a->activation));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    for (int i = 1; i < n->nin; i++)
        if (node_has(n, i))
            TRY(node_need_same_elem(n, 0, i));
    TRY(conv_infer(g, n, &conv, 0, 1, n->in[0]->type.elem));
    TRY(conv_need_bias(n, 2, 1));
    if (!node_has(n, 3))
        return MLC_OK;
    const Type *y = &n->out[0]->type, *z = &n->in[3]->type;
    TRY(node_need_rank(n, 3, y->rank, y->rank));
    for (int i = 0; i < y->rank; i++)
        TRY(node_need_equal(n, y->dim[i], z->dim[i], "the summand and the convolution"));
    return MLC_OK;
}

static void define_conv(Te *t, const Node *n)
{
    const FusedConvAttrs *a = n->attrs;
    ConvAttrs conv = conv_part(a);
    Tx x = te_in(t, 0), w = te_in(t, 1), bias = te_in(t, 2), z = te_in(t, 3);
    Ex ix[MAX_RANK], iw[MAX_RANK];
    for (int i = 0; z && i < z->rank; i++)
        te_require_equal(t, z->dim[i], te_out(t, 0)->dim[i]);
    conv_open(t, n, &conv, 0, 1, te_out(t, 0), ix, iw);
    Ex vx = te_load_padded_from(t, x, 2, ix, te_const(t, x->elem, 0));
    Ex v = te_sum(t, te_mul(t, te_wide(t, vx), te_wide(t, te_load(t, w, iw))));
    if (bias)
        v = te_add(t, v, te_wide(t, te_load(t, bias, &iw[0])));
    if (z)
        v = te_add(t, v, te_wide(t, te_load(t, z, t->stage->axis)));
    const Floats *p = &a->activation_params;
    double alpha = p->n > 0 ? (double)p->at[0] : NAN, beta = p->n > 1 ? (double)p->at[1] : NAN;
    te_yield(t, fused_apply(t, a->activation, alpha, beta, v));
}

OP(fused_conv) = {
    .name = "FusedConv", .domain = "com.microsoft", .since = {1}, .min_in = 2, .max_in = 4,
    ATTRS_OF(FusedConvAttrs), .infer = infer_conv, .define = define_conv,
    .doc = "y = activation(conv(x, w) + bias + z)",
};

/* ---- FusedMatMul: alpha * a' b', where ' exchanges the last two dimensions if asked to ---- */

#define FUSED_MATMUL_ATTRS(A, S)                                      \
    A(S, float, alpha, "1", "scale of the product")                   \
    A(S, int, transA, "0", "1: a is transposed")                      \
    A(S, int, transB, "0", "1: b is transposed")                      \
    A(S, int, transBatchA, "0", "1: dimension 0 of a moves to the rows") \
    A(S, int, transBatchB, "0", "1: dimension 0 of b moves to the rows")
ATTRS(FusedMatMulAttrs, FUSED_MATMUL_ATTRS);

static Status infer_matmul(Graph *g, Node *n)
{
    const FusedMatMulAttrs *at = n->attrs;
    if (at->transBatchA || at->transBatchB)
        return node_error(n, E0205, "batch dimensions that are transposed");
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_rank(n, 1, 2, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(node_need_same_elem(n, 0, 1));
    Type a = n->in[0]->type, b = n->in[1]->type, out;
    int ra = a.rank, rb = b.rank, sa = !!at->transA, sb = !!at->transB;
    TRY(node_need_equal(n, a.dim[ra - 1 - sa], b.dim[rb - 2 + sb],
                        "inner dimensions of the product differ"));
    Ex rows = a.dim[ra - 2 + sa], columns = b.dim[rb - 1 - sb];
    a.rank -= 2;
    b.rank -= 2;
    TRY(broadcast_shapes(g, n, &a, &b, &out));
    out.dim[out.rank++] = rows;
    out.dim[out.rank++] = columns;
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define_matmul(Te *t, const Node *n)
{
    const FusedMatMulAttrs *at = n->attrs;
    Tx x[2] = {te_in(t, 0), te_in(t, 1)}, y = te_out(t, 0);
    bool swap[2] = {at->transA != 0, at->transB != 0};
    Ex extent = x[0]->dim[x[0]->rank - 1 - swap[0]], v[2];
    te_require_equal(t, extent, x[1]->dim[x[1]->rank - 2 + swap[1]]);
    te_stage(t, y);
    Ex k = te_red(t, extent);
    for (int s = 0; s < 2; s++) {
        int rank = x[s]->rank, shift = y->rank - rank;
        Ex index[MAX_RANK], own = te_axis(t, y->rank - 2 + s);
        for (int i = 0; i < rank - 2; i++)
            index[i] = te_bcast_index(t, x[s]->dim[i], te_axis(t, i + shift));
        bool k_first = (s == 1) != swap[s];
        index[rank - 2] = k_first ? k : own;
        index[rank - 1] = k_first ? own : k;
        v[s] = te_wide(t, te_load(t, x[s], index));
    }
    Ex sum = te_sum(t, te_mul(t, v[0], v[1]));
    te_yield(t, at->alpha == 1 ? sum : te_mul(t, te_like(t, sum, at->alpha), sum));
}

OP(fused_matmul) = {
    .name = "FusedMatMul", .domain = "com.microsoft", .since = {1}, .min_in = 2, .max_in = 2,
    ATTRS_OF(FusedMatMulAttrs), .infer = infer_matmul, .define = define_matmul,
    .doc = "y = alpha * a b, batched",
};

/* ---- FusedGemm: activation(alpha * a' b' + beta * c) ---- */

#define FUSED_GEMM_ATTRS(A, S)                                                     \
    A(S, str, activation, "", "Relu, Tanh, Sigmoid, LeakyRelu, Clip, HardSigmoid") \
    A(S, float, activation_alpha, "", "its first parameter")                       \
    A(S, float, activation_beta, "", "its second parameter")                       \
    A(S, float, activation_gamma, "", "its third parameter")                       \
    A(S, float, alpha, "1", "scale of the product")                                \
    A(S, float, beta, "1", "scale of c")                                           \
    A(S, int, transA, "0", "1: a is transposed")                                   \
    A(S, int, transB, "0", "1: b is transposed")
ATTRS(FusedGemmAttrs, FUSED_GEMM_ATTRS);

static Status infer_gemm(Graph *g, Node *n)
{
    const FusedGemmAttrs *at = n->attrs;
    TRY(fused_check(n, at->activation));
    TRY(node_need_rank(n, 0, 2, 2));
    TRY(node_need_rank(n, 1, 2, 2));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(node_need_same_elem(n, 0, 1));
    const Type *a = &n->in[0]->type, *b = &n->in[1]->type;
    TRY(node_need_equal(n, a->dim[!at->transA], b->dim[!!at->transB],
                        "inner dimensions of the product differ"));
    Ex dim[2] = {a->dim[!!at->transA], b->dim[!at->transB]};
    Type out = type_tensor(a->elem, 2, dim), sum;
    if (node_has(n, 2)) {
        TRY(node_need_same_elem(n, 0, 2));
        TRY(node_need_rank(n, 2, 0, 2));
        TRY(broadcast_shapes(g, n, &out, &n->in[2]->type, &sum));
        for (int i = 0; i < 2; i++)
            TRY(node_need_equal(n, dim[i], sum.dim[i], "input c does not fit the product"));
    }
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define_gemm(Te *t, const Node *n)
{
    const FusedGemmAttrs *at = n->attrs;
    Tx a = te_in(t, 0), b = te_in(t, 1), c = te_in(t, 2);
    Ex extent = a->dim[!at->transA];
    te_require_equal(t, extent, b->dim[!!at->transB]);
    te_stage(t, te_out(t, 0));
    Ex k = te_red(t, extent), i = te_axis(t, 0), j = te_axis(t, 1);
    Ex va = te_wide(t, te_load(t, a, at->transA ? (Ex[]){k, i} : (Ex[]){i, k}));
    Ex vb = te_wide(t, te_load(t, b, at->transB ? (Ex[]){j, k} : (Ex[]){k, j}));
    Ex y = te_sum(t, te_mul(t, va, vb));
    y = te_mul(t, te_like(t, y, at->alpha), y);
    if (c && at->beta != 0)
        y = te_add(t, y, te_mul(t, te_like(t, y, at->beta), te_wide(t, te_load_bcast(t, c))));
    te_yield(t, fused_apply(t, at->activation, at->activation_alpha, at->activation_beta, y));
}

OP(fused_gemm) = {
    .name = "FusedGemm", .domain = "com.microsoft", .since = {1}, .min_in = 2, .max_in = 3,
    ATTRS_OF(FusedGemmAttrs), .infer = infer_gemm, .define = define_gemm,
    .doc = "y = activation(alpha * a b + beta * c)",
};
