/* Convolutions of quantized tensors. Elements are centered (less their zero point), which is 0 in
 * the padding, and summed in i32:
 *
 *     ConvInteger  y = sum (x - zx) * (w - zw)
 *     QLinearConv  y = saturate(round((that + bias) * (sx * sw / sy)) + zy)
 *
 * Scale and zero point of w are for the whole tensor or per output channel. */
#include "ir/ops/conv.h"
#include "ir/ops/quant.h"

static Status check_operands(const Node *n, int x, int w, int zx, int zw)
{
    TRY(quant_need_byte(n, x));
    TRY(quant_need_byte(n, w));
    TRY(quant_need_scalar(n, zx));
    TRY(node_need_rank(n, w, 3, MAX_RANK));
    TRY(quant_need_vector(n, zw, n->in[w]->type.dim[0]));
    if (node_has(n, zx))
        TRY(node_need_same_elem(n, x, zx));
    if (node_has(n, zw))
        TRY(node_need_same_elem(n, w, zw));
    return MLC_OK;
}

/* The sum of products at the open stage of y; *channel is that of the output. */
static Ex product(Te *t, const Node *n, int x, int w, int zx, int zw, Ex *channel)
{
    Tx tx = te_in(t, x), tw = te_in(t, w);
    Ex ix[MAX_RANK], iw[MAX_RANK];
    conv_open(t, n, n->attrs, x, w, te_out(t, 0), ix, iw);
    *channel = iw[0];
    Ex pad = quant_load(t, zx, NULL, te_const(t, tx->elem, 0));
    Ex vx = quant_centered(t, te_load_padded_from(t, tx, 2, ix, pad), quant_zero(t, zx, NULL));
    Ex vw = quant_centered(t, te_load(t, tw, iw), quant_zero(t, zw, iw[0]));
    return te_sum(t, te_mul(t, vx, vw));
}

static Status infer_integer(Graph *g, Node *n)
{
    TRY(check_operands(n, 0, 1, 2, 3));
    return conv_infer(g, n, n->attrs, 0, 1, ELEM_I32);
}

static void define_integer(Te *t, const Node *n)
{
    Ex channel;
    te_yield(t, product(t, n, 0, 1, 2, 3, &channel));
}

OP(conv_integer) = {
    .name = "ConvInteger", .since = {10}, .min_in = 2, .max_in = 4, ATTRS_OF(ConvAttrs),
    .infer = infer_integer, .define = define_integer,
    .doc = "y = x - zx convolved with w - zw, in i32",
};

static Status infer_linear(Graph *g, Node *n)
{
    TRY(check_operands(n, 0, 3, 2, 5));
    for (int i = 1; i < 7; i += i == 4 ? 2 : 3)
        TRY(node_need_elem(n, i, IS_FLOAT));
    TRY(quant_need_scalar(n, 1));
    TRY(quant_need_vector(n, 4, n->in[3]->type.dim[0]));
    TRY(quant_need_scalar(n, 6));
    TRY(quant_need_scalar(n, 7));
    TRY(quant_need_byte(n, 7));
    TRY(node_need_elem(n, 8, IS_INT));
    TRY(conv_infer(g, n, n->attrs, 0, 3, n->in[7]->type.elem));
    return conv_need_bias(n, 8, 3);
}

static void define_linear(Te *t, const Node *n)
{
    Tx y = te_out(t, 0), bias = te_in(t, 8);
    Ex channel, sum = product(t, n, 0, 3, 2, 5, &channel);
    if (bias)
        sum = te_add(t, sum, te_cast(t, ELEM_I32, te_load(t, bias, &channel)));
    Ex scale = te_mul(t, quant_scale(t, 1, NULL), quant_scale(t, 4, channel));
    scale = te_div(t, scale, quant_scale(t, 6, NULL));
    Ex real = te_mul(t, te_cast(t, ELEM_F32, sum), scale);
    te_yield(t, quant_round(t, real, quant_zero(t, 7, NULL), y->elem));
}

OP(qlinear_conv) = {
    .name = "QLinearConv", .since = {10}, .min_in = 8, .max_in = 9, ATTRS_OF(ConvAttrs),
    .infer = infer_linear, .define = define_linear,
    .doc = "y = x convolved with w, plus bias, all quantized",
};
