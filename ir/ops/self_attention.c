/* Attention and QAttention of com.microsoft: one product x W gives q, k and v of self-attention,
 *     y = softmax(scale * q k' + mask) v,   [q k v] = x W + bias
 * W of QAttention is quantized, and so is x. Past and present hold keys and values together as
 * [2, batch, heads, length, size]. */
#include "ir/ops/head_attention.h"

#define ATTENTION_ATTRS(A, S)                                                       \
    A(S, int, do_rotary, "0", "must be 0")                                          \
    A(S, float, mask_filter_value, "-10000", "added where the mask forbids")        \
    A(S, int, num_heads, NULL, "number of heads")                                   \
    A(S, int, past_present_share_buffer, "0", "must be 0")                          \
    A(S, ints, qkv_hidden_sizes, "", "of q, k and v, default a third of W each")    \
    A(S, int, rotary_embedding_dim, "0", "of the rotation, which is not there")     \
    A(S, float, scale, "0", "of the product, 0: 1 / sqrt(size of a head)")          \
    A(S, int, unidirectional, "0", "1: no key behind the query counts")
ATTRS(SelfAttrs, ATTENTION_ATTRS);

enum { IN_X, IN_W, IN_BIAS };

/* Inputs that differ between the two operators. */
typedef struct Places {
    int mask, past, added, last;
} Places;

static const Places plain = {3, 4, 5, 5}, quantized = {5, 8, 99, 8};

static Status read_sizes(const Node *n, int64_t size[3])
{
    const SelfAttrs *a = n->attrs;
    int64_t all;
    if (!ex_is_int(n->in[IN_W]->type.dim[1], &all))
        return node_error(n, E0303, "the number of columns of the weights is not constant");
    for (int i = 0; i < 3; i++)
        size[i] = a->qkv_hidden_sizes.n == 3 ? a->qkv_hidden_sizes.at[i] : all / 3;
    for (int i = 0; i < 3; i++)
        if (size[i] < 1 || size[i] > all || size[i] % a->num_heads)
            return node_error(n, E0301, "size %lld of a part is not a multiple of %lld heads",
                              (long long)size[i], (long long)a->num_heads);
    if (size[0] + size[1] + size[2] != all || size[0] != size[1])
        return node_error(n, E0301, "q, k and v have sizes %lld, %lld and %lld of %lld",
                          (long long)size[0], (long long)size[1], (long long)size[2],
                          (long long)all);
    return MLC_OK;
}

static Status check(Graph *g, Node *n, const Places *at)
{
    const SelfAttrs *a = n->attrs;
    int64_t size[3];
    if (a->do_rotary || a->past_present_share_buffer)
        return node_error(n, E0205, "attribute '%s' is not 0",
                          a->do_rotary ? "do_rotary" : "past_present_share_buffer");
    if (n->nin > at->last + 1)
        return node_error(n, E0205, "input %d: a cache that is written in place", n->nin - 1);
    TRY(node_need_size(n, "num_heads", a->num_heads, 1));
    TRY(node_need_rank(n, IN_X, 3, 3));
    TRY(node_need_rank(n, IN_W, 2, 2));
    TRY(node_need_equal(n, n->in[IN_X]->type.dim[2], n->in[IN_W]->type.dim[0],
                        "sizes of input and weights"));
    TRY(read_sizes(n, size));
    if (node_has(n, IN_BIAS)) {
        TRY(node_need_rank(n, IN_BIAS, 1, 1));
        TRY(node_need_equal(n, n->in[IN_BIAS]->type.dim[0], n->in[IN_W]->type.dim[1],
                            "size of the bias"));
    }
    TRY(key_mask_check(n, at->mask, n->in[IN_X]->type.dim[0]));
    if (node_has(n, at->past))
        TRY(node_need_rank(n, at->past, 5, 5));
    if (node_has(n, at->added))
        TRY(node_need_rank(n, at->added, 4, 4));
    return infer_composite(g, n);
}

/* %qkv is there: everything behind the product. */
static void write_attention(Str *s, const Node *n, const Places *at)
{
    const SelfAttrs *a = n->attrs;
    int64_t size[3] = {0};
    Status st = read_sizes(n, size);
    assert(st == MLC_OK);
    (void)st;
    bool past = node_has(n, at->past);
    text_ints(s, "sizes", 3, size);
    str_add(s, "const %first : i64[1] = {0} %q0, %k, %v = Split(%qkv, %sizes) {axis=2}"
               " %now = Shape(%q0) {start=1, end=2} ");
    if (past)
        str_printf(s, "%%past_k1, %%past_v1 = Split(%%%d) {axis=0, num_outputs=2}"
                      " %%past_k = Squeeze(%%past_k1, %%first) %%past_v = Squeeze(%%past_v1, %%first)"
                      " %%before_now = Shape(%%%d) {start=3, end=4}"
                      " %%total = Add(%%now, %%before_now) ", at->past, at->past);
    else
        str_add(s, "%total = Identity(%now) ");
    bool masked = text_key_mask(s, n, at->mask, at->added, (double)a->mask_filter_value);
    str_printf(s, "%%y, %s = Attention(%%q0, %%k, %%v, %s, %s)",
               n->nout > 1 ? "%pk, %pv" : "_, _", masked ? "%mask" : "_",
               past ? "%past_k, %past_v" : "_, _");
    text_head_attrs(s, a->num_heads, a->unidirectional, (double)a->scale);
    str_add(s, "out %y");
    if (n->nout > 1)
        str_add(s, " %pk1 = Unsqueeze(%pk, %first) %pv1 = Unsqueeze(%pv, %first)"
                   " %present = Concat(%pk1, %pv1) {axis=0} out %present");
}

/* ---- Attention: x, W, bias, mask, past, what is added to the scores ---- */

static Status infer_plain(Graph *g, Node *n)
{
    TRY(node_need_elem(n, IN_X, IS_FLOAT));
    TRY(node_need_same_elem(n, IN_X, IN_W));
    return check(g, n, &plain);
}

static void compose_plain(Str *s, const Node *n)
{
    str_add(s, node_has(n, IN_BIAS) ? "%xw = MatMul(%0, %1) %qkv = Add(%xw, %2) "
                                    : "%qkv = MatMul(%0, %1) ");
    write_attention(s, n, &plain);
}

OP(ms_attention) = {
    .name = "Attention", .domain = "com.microsoft", .since = {1}, .min_in = 2, .max_in = 7,
    .min_out = 1, .max_out = 2, ATTRS_OF(SelfAttrs), .infer = infer_plain,
    .compose = compose_plain, .doc = "self-attention of x by one product",
};

/* ---- QAttention: x, W, bias, scales of x and W, mask, zero points of x and W, past ---- */

static Status infer_quantized(Graph *g, Node *n)
{
    return check(g, n, &quantized);
}

static void compose_quantized(Str *s, const Node *n)
{
    str_add(s, "%qkv = com.microsoft::MatMulIntegerToFloat(%0, %1, %3, %4, %6, %7, %2) ");
    write_attention(s, n, &quantized);
}

OP(qattention) = {
    .name = "QAttention", .domain = "com.microsoft", .since = {1}, .min_in = 5, .max_in = 9,
    .min_out = 1, .max_out = 2, ATTRS_OF(SelfAttrs), .infer = infer_quantized,
    .compose = compose_quantized, .doc = "self-attention of quantized x and weights",
};
