/* MultiHeadAttention of com.microsoft: ONNX's Attention with a bias, padding and packed forms.
 *
 * Inputs 0 to 2 are q, k, v as [batch, length, hidden]; or one [batch, length, heads, 3, size]; or q
 * and [batch, length, heads, 2, size]; or q and, ready from before, [batch, heads, length, size]. */
#include "ir/ops/head_attention.h"

#define MHA_ATTRS(A, S)                                                   \
    A(S, float, mask_filter_value, "-10000", "added where the mask forbids") \
    A(S, int, num_heads, NULL, "number of heads")                         \
    A(S, float, scale, "0", "of the product, 0: 1 / sqrt(size of a head)") \
    A(S, int, unidirectional, "0", "1: no key behind the query counts")
ATTRS(MhaAttrs, MHA_ATTRS);

enum { IN_Q, IN_K, IN_V, IN_BIAS, IN_PADDING, IN_ADDED, IN_PAST_K, IN_PAST_V, IN_PAST_LENGTH };
enum { OUT_QK = 3 };

static bool is_packed(const Node *n, int i) { return node_has(n, i) && n->in[i]->type.rank == 5; }
static bool is_ready(const Node *n) { return node_has(n, IN_K) && n->in[IN_K]->type.rank == 4; }

/* A packed input i has one element of dimension 2 for each head and of dimension 3 for each part. */
static Status check_packed(const Node *n, int i, int parts)
{
    const MhaAttrs *a = n->attrs;
    if (!is_packed(n, i))
        return MLC_OK;
    const Type *x = &n->in[i]->type;
    ExPool *p = n->graph->pool;
    TRY(node_need_equal(n, x->dim[2], ex_int(p, a->num_heads), "heads of a packed input"));
    return node_need_equal(n, x->dim[3], ex_int(p, parts), "parts of a packed input");
}

/* The hidden size of input i as a constant. */
static Status read_hidden(const Node *n, int i, int64_t *hidden)
{
    const MhaAttrs *a = n->attrs;
    const Type *x = &n->in[i]->type;
    if (!ex_is_int(x->dim[x->rank - 1], hidden))
        return node_error(n, E0303, "the size of a head is not constant");
    if (x->rank != 3)
        *hidden *= a->num_heads;
    if (*hidden % a->num_heads)
        return node_error(n, E0301, "%lld is not a multiple of %lld heads", (long long)*hidden,
                          (long long)a->num_heads);
    return MLC_OK;
}

/* The input that holds v. */
static int input_of_v(const Node *n)
{
    return is_packed(n, IN_Q) ? IN_Q : is_packed(n, IN_K) ? IN_K : IN_V;
}

static Status check_inputs(const Node *n)
{
    TRY(node_need_rank(n, IN_Q, 3, 5));
    if (n->in[IN_Q]->type.rank == 4)
        return node_error(n, E0302, "input 0 has rank 4, must be 3 or 5");
    TRY(node_need_elem(n, IN_Q, IS_FLOAT));
    bool alone = is_packed(n, IN_Q);
    if (alone != !node_has(n, IN_K))
        return node_error(n, E0202, "input 1 %s", alone ? "does not go with a packed input 0" : "is omitted");
    if (!alone) {
        TRY(node_need_rank(n, IN_K, 3, 5));
        TRY(node_need_same_elem(n, IN_Q, IN_K));
    }
    if (is_packed(n, IN_Q) || is_packed(n, IN_K)) {
        if (node_has(n, IN_V))
            return node_error(n, E0202, "input 2 does not go with a packed input");
    } else if (!node_has(n, IN_V)) {
        return node_error(n, E0202, "input 2 is omitted");
    } else {
        TRY(node_need_rank(n, IN_V, n->in[IN_K]->type.rank, n->in[IN_K]->type.rank));
        TRY(node_need_same_elem(n, IN_Q, IN_V));
    }
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    const MhaAttrs *a = n->attrs;
    int64_t q, v;
    TRY(node_need_size(n, "num_heads", a->num_heads, 1));
    TRY(check_inputs(n));
    TRY(read_hidden(n, IN_Q, &q));
    TRY(read_hidden(n, input_of_v(n), &v));
    TRY(check_packed(n, IN_Q, 3));
    TRY(check_packed(n, IN_K, 2));
    TRY(key_mask_check(n, IN_PADDING, n->in[IN_Q]->type.dim[0]));
    if (node_has(n, IN_BIAS)) {
        TRY(node_need_rank(n, IN_BIAS, 1, 1));
        TRY(node_need_same_elem(n, IN_Q, IN_BIAS));
        TRY(node_need_equal(n, n->in[IN_BIAS]->type.dim[0], ex_int(g->pool, 2 * q + v),
                            "size of the bias"));
    }
    if (node_has(n, IN_ADDED)) {
        TRY(node_need_rank(n, IN_ADDED, 4, 4));
        TRY(node_need_same_elem(n, IN_Q, IN_ADDED));
    }
    if (node_has(n, IN_PAST_K) != node_has(n, IN_PAST_V))
        return node_error(n, E0202, "past_key and past_value belong together");
    for (int i = IN_PAST_K; i <= IN_PAST_V && node_has(n, i); i++)
        TRY(node_need_rank(n, i, 4, 4));
    if (n->nin > IN_PAST_LENGTH)
        return node_error(n, E0205, "input %d: a cache that is written in place", n->nin - 1);
    return infer_composite(g, n);
}

/* %q, %k and %v without a bias yet; each [batch, length, hidden], unless k and v are ready. */
static void write_parts(Str *s, const Node *n)
{
    static const char *const packed[2] = {
        "%q5, %k5, %v5 = Split(%0) {axis=3, num_outputs=3} %q0 = Reshape(%q5, %flat)",
        "%q0 = Identity(%0) %k5, %v5 = Split(%1) {axis=3, num_outputs=2}"};
    str_add(s, "const %flat : i64[3] = {0,0,-1} ");
    if (is_packed(n, IN_Q) || is_packed(n, IN_K)) {
        str_add(s, packed[!is_packed(n, IN_Q)]);
        str_add(s, " %k0 = Reshape(%k5, %flat) %v0 = Reshape(%v5, %flat) ");
    } else {
        str_add(s, "%q0 = Identity(%0) %k0 = Identity(%1) %v0 = Identity(%2) ");
    }
}

static void write_bias(Str *s, const Node *n)
{
    int64_t q = 0, v = 0;
    bool known = read_hidden(n, IN_Q, &q) == MLC_OK && read_hidden(n, input_of_v(n), &v) == MLC_OK;
    assert(known);
    (void)known;
    if (!node_has(n, IN_BIAS)) {
        str_add(s, "%q1 = Identity(%q0) %k1 = Identity(%k0) %v1 = Identity(%v0) ");
        return;
    }
    text_ints(s, "hidden", 3, (int64_t[]){q, q, v});
    str_add(s, "%bq, %bk, %bv = Split(%3, %hidden) {axis=0} %q1 = Add(%q0, %bq) ");
    str_add(s, is_ready(n) ? "%k1 = Identity(%k0) %v1 = Identity(%v0) "
                           : "%k1 = Add(%k0, %bk) %v1 = Add(%v0, %bv) ");
}

/* %total: the number of keys, those of the past included. */
static void write_total(Str *s, const Node *n)
{
    str_printf(s, "%%now = Shape(%%k1) {start=%d, end=%d} ", is_ready(n) ? 2 : 1,
               is_ready(n) ? 3 : 2);
    str_add(s, node_has(n, IN_PAST_K)
                   ? "%before_now = Shape(%6) {start=2, end=3} %total = Add(%now, %before_now) "
                   : "%total = Identity(%now) ");
}

static void compose(Str *s, const Node *n)
{
    const MhaAttrs *a = n->attrs;
    bool ready = is_ready(n);
    write_parts(s, n);
    write_bias(s, n);
    write_total(s, n);
    bool masked = text_key_mask(s, n, IN_PADDING, IN_ADDED, (double)a->mask_filter_value);
    if (ready) {
        text_ints(s, "by_head", 4, (int64_t[]){0, 0, a->num_heads, -1});
        str_add(s, "%qr = Reshape(%q1, %by_head) %q2 = Transpose(%qr) {perm=[0,2,1,3]} ");
    } else {
        str_add(s, "%q2 = Identity(%q1) ");
    }
    str_printf(s, "%%y1, %s, %s, %s = Attention(%%q2, %%k1, %%v1, %s, %%6, %%7)",
               n->nout > 1 ? "%pk" : "_", n->nout > 2 ? "%pv" : "_", n->nout > OUT_QK ? "%qk" : "_",
               masked ? "%mask" : "_");
    text_head_attrs(s, a->num_heads, a->unidirectional, (double)a->scale);
    str_add(s, ready ? "%yt = Transpose(%y1) {perm=[0,2,1,3]} %y = Reshape(%yt, %flat) out %y"
                     : "out %y1");
    str_add(s, n->nout > 1 ? " out %pk" : "");
    str_add(s, n->nout > 2 ? " out %pv" : "");
    str_add(s, n->nout > OUT_QK ? " out %qk" : "");
}

OP(multi_head_attention) = {
    .name = "MultiHeadAttention", .domain = "com.microsoft", .since = {1}, .min_in = 1,
    .max_in = 10, .min_out = 1, .max_out = 4, ATTRS_OF(MhaAttrs), .infer = infer,
    .compose = compose, .doc = "y = softmax(scale * q k' + mask) v by heads",
};
