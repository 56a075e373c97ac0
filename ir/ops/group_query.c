/* GroupQueryAttention of com.microsoft: attention with a cache, whose heads serve groups of query heads.
 *
 * Sample b has seqlens_k[b] + 1 keys, the last of which are those of this call: they stand behind the
 * first past[b] = seqlens_k[b] + 1 - length keys of the cache (0 in the first call, where all
 * `total_sequence_length` keys are new and shorter samples are padded behind). Query i of sample b
 * stands at position past[b] + i; it sees the keys up to there, with local_window_size w only the
 * last w. Rotation turns by these positions, or by position_ids. */
#include "ir/ops/head_attention.h"

#define GQA_ATTRS(A, S)                                                          \
    A(S, int, do_rotary, "0", "1: q and k are turned by their position")         \
    A(S, str, k_quant_type, "NONE", "must be NONE")                              \
    A(S, int, kv_cache_bit_width, "0", "must be 0")                              \
    A(S, int, kv_num_heads, NULL, "heads of k and v")                            \
    A(S, int, local_window_size, "-1", "keys before the query that count, -1: all") \
    A(S, int, num_heads, NULL, "heads of q")                                     \
    A(S, int, qk_output, "0", "must be 0")                                       \
    A(S, int, rotary_interleaved, "0", "1: pairs are neighbours")                \
    A(S, float, scale, "0", "of the product, 0: 1 / sqrt(size of a head)")       \
    A(S, int, smooth_softmax, "0", "must not be 1")                              \
    A(S, float, softcap, "0", "limits the product softly if above 0")            \
    A(S, str, v_quant_type, "NONE", "must be NONE")
ATTRS(GqaAttrs, GQA_ATTRS);

enum {
    IN_Q, IN_K, IN_V, IN_PAST_K, IN_PAST_V, IN_SEQLENS, IN_TOTAL, IN_COS, IN_SIN, IN_PLACES, IN_ADDED,
    IN_SINK
};

static Status read_size(const Node *n, int64_t *size)
{
    const GqaAttrs *a = n->attrs;
    int64_t hidden, heads = a->num_heads + (node_has(n, IN_K) ? 0 : 2 * a->kv_num_heads);
    if (!ex_is_int(n->in[IN_Q]->type.dim[2], &hidden))
        return node_error(n, E0303, "the size of a head is not constant");
    if (hidden % heads)
        return node_error(n, E0301, "%lld is not a multiple of %lld heads", (long long)hidden,
                          (long long)heads);
    *size = hidden / heads;
    return MLC_OK;
}

static Status check_attrs(const Node *n)
{
    const GqaAttrs *a = n->attrs;
    TRY(node_need_size(n, "num_heads", a->num_heads, 1));
    TRY(node_need_size(n, "kv_num_heads", a->kv_num_heads, 1));
    if (a->num_heads % a->kv_num_heads)
        return node_error(n, E0203, "%lld heads of q are no multiple of %lld heads of k",
                          (long long)a->num_heads, (long long)a->kv_num_heads);
    if (!str_eq(a->k_quant_type, "NONE") || !str_eq(a->v_quant_type, "NONE") ||
        a->kv_cache_bit_width)
        return node_error(n, E0205, "a quantized cache");
    if (a->qk_output)
        return node_error(n, E0205, "attribute 'qk_output' is not 0");
    if (a->smooth_softmax == 1 || n->nin > IN_SINK)
        return node_error(n, E0205, "a softmax with a sink");
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    const GqaAttrs *a = n->attrs;
    int64_t size;
    TRY(check_attrs(n));
    TRY(node_need_elem(n, IN_Q, IS_FLOAT));
    TRY(node_need_rank(n, IN_Q, 3, 3));
    TRY(read_size(n, &size));
    if (node_has(n, IN_K) != node_has(n, IN_V))
        return node_error(n, E0202, "key and value belong together");
    if (node_has(n, IN_PAST_K) != node_has(n, IN_PAST_V))
        return node_error(n, E0202, "past_key and past_value belong together");
    for (int i = IN_K; i <= IN_PAST_V; i++)
        if (node_has(n, i)) {
            TRY(node_need_rank(n, i, i < IN_PAST_K ? 3 : 4, i < IN_PAST_K ? 3 : 4));
            TRY(node_need_same_elem(n, IN_Q, i));
        }
    for (int i = IN_SEQLENS; i <= IN_TOTAL; i++)
        TRY(node_need_elem(n, i, IS_INT));
    if (a->do_rotary && (!node_has(n, IN_COS) || !node_has(n, IN_SIN)))
        return node_error(n, E0202, "attribute 'do_rotary' needs the tables of inputs 7 and 8");
    for (int i = IN_COS; i <= IN_SIN && a->do_rotary; i++)
        TRY(node_need_rank(n, i, 2, 2));
    if (node_has(n, IN_ADDED))
        TRY(node_need_rank(n, IN_ADDED, 4, 4));
    return infer_composite(g, n);
}

/* %q1, %k1, %v1: [batch, heads, length, size]. */
static void write_heads(Str *s, const Node *n, int64_t size)
{
    const GqaAttrs *a = n->attrs;
    text_ints(s, "q_form", 4, (int64_t[]){0, 0, a->num_heads, size});
    text_ints(s, "k_form", 4, (int64_t[]){0, 0, a->kv_num_heads, size});
    if (node_has(n, IN_K)) {
        str_add(s, "%q0 = Identity(%0) %k0 = Identity(%1) %v0 = Identity(%2) ");
    } else {
        text_ints(s, "sizes", 3, (int64_t[]){a->num_heads * size, a->kv_num_heads * size,
                                             a->kv_num_heads * size});
        str_add(s, "%q0, %k0, %v0 = Split(%0, %sizes) {axis=2} ");
    }
    for (const char *x = "qkv"; *x; x++)
        str_printf(s, "%%%c_parts = Reshape(%%%c0, %%%c_form)"
                      " %%%c1 = Transpose(%%%c_parts) {perm=[0,2,1,3]} ",
                   *x, *x, *x == 'q' ? 'q' : 'k', *x, *x);
}

/* %past: keys before those of this call, by sample; %at: [batch, length], where queries stand. */
static void write_positions(Str *s)
{
    str_add(s, "const %zero : i64[] = {0} const %one : i64[] = {1} const %flat : i64[1] = {-1}"
               " const %last : i64[1] = {1} %length = Shape(%q0) {start=1, end=2}"
               " %total_in = Cast(%6) {to=7} %total_new = Reshape(%total_in, %flat)"
               " %lens_in = Cast(%5) {to=7} %lens_flat = Reshape(%lens_in, %flat)"
               " %lens = Add(%lens_flat, %one) %before = Sub(%lens, %length)"
               " %first = Equal(%length, %total_new) %past = Where(%first, %zero, %before)"
               " %length_scalar = Squeeze(%length) %steps = Range(%zero, %length_scalar, %one)"
               " %past_column = Unsqueeze(%past, %last) %at = Add(%past_column, %steps) ");
}

static void write_rotation(Str *s, const Node *n, int64_t size)
{
    const GqaAttrs *a = n->attrs;
    int64_t half;
    if (!a->do_rotary) {
        str_add(s, "%q2 = Identity(%q1) %k2 = Identity(%k1) ");
        return;
    }
    bool all = !ex_is_int(n->in[IN_COS]->type.dim[1], &half) || 2 * half == size;
    str_add(s, node_has(n, IN_PLACES) ? "%turns = Cast(%9) {to=7} " : "%turns = Identity(%at) ");
    for (const char *x = "qk"; *x; x++)
        str_printf(s, "%%%c2 = RotaryEmbedding(%%%c1, %%7, %%8, %%turns)"
                      " {interleaved=$rotary_interleaved, rotary_embedding_dim=%lld} ",
                   *x, *x, all ? 0 : (long long)(2 * half));
}

/* %keys and %values with those of the past, and %places, where they stand. What the cache holds
 * behind the past is 0. */
static void write_cache(Str *s, const Node *n)
{
    bool past = node_has(n, IN_PAST_K);
    if (past)
        str_add(s, "%room = Shape(%3) {start=2, end=3} %total = Max(%room, %total_new) ");
    else
        str_add(s, "%keys = Identity(%k2) %values = Identity(%v1) %total = Identity(%length) ");
    str_add(s, "%total_scalar = Squeeze(%total) %places = Range(%zero, %total_scalar, %one) ");
    if (past)
        str_add(s, "const %axis : i64[1] = {2} const %nothing : i64[1] = {0}"
                   " const %zero_f32 : f32[] = {0.0} %zero_like = CastLike(%zero_f32, %0)"
                   " %more = Sub(%total, %room) %pads = Concat(%nothing, %more) {axis=0}"
                   " %wide_k = Pad(%3, %pads, _, %axis) %wide_v = Pad(%4, %pads, _, %axis)"
                   " %is_old = Less(%places, %past_column) const %old_axes : i64[2] = {1,3}"
                   " %is_old_row = Unsqueeze(%is_old, %old_axes)"
                   " %old_k = Where(%is_old_row, %wide_k, %zero_like)"
                   " %old_v = Where(%is_old_row, %wide_v, %zero_like)"
                   " %keys = TensorScatter(%old_k, %k2, %past) {axis=2}"
                   " %values = TensorScatter(%old_v, %v1, %past) {axis=2} ");
}

static void write_mask(Str *s, const Node *n)
{
    const GqaAttrs *a = n->attrs;
    str_add(s, "const %at_axes : i64[1] = {2} %at_column = Unsqueeze(%at, %at_axes)"
               " const %lens_axes : i64[2] = {1,2} %lens_column = Unsqueeze(%lens, %lens_axes)"
               " %is_there = Less(%places, %lens_column) %is_before = LessOrEqual(%places, %at_column)"
               " %seen = And(%is_there, %is_before) ");
    if (a->local_window_size >= 0)
        str_printf(s, "const %%window : i64[] = {%lld} %%end = Add(%%places, %%window)"
                      " %%recent = Greater(%%end, %%at_column) %%kept = And(%%seen, %%recent) ",
                   (long long)a->local_window_size);
    else
        str_add(s, "%kept = Identity(%seen) ");
    str_add(s, "%kept_heads = Unsqueeze(%kept, %last) ");
    if (node_has(n, IN_ADDED))
        str_add(s, "const %never_f32 : f32[] = {-inf} %never = CastLike(%never_f32, %0)"
                   " %mask = Where(%kept_heads, %10, %never) ");
    else
        str_add(s, "%mask = Identity(%kept_heads) ");
}

static void compose(Str *s, const Node *n)
{
    const GqaAttrs *a = n->attrs;
    int64_t size = 0;
    Status st = read_size(n, &size);
    assert(st == MLC_OK);
    (void)st;
    write_heads(s, n, size);
    write_positions(s);
    write_rotation(s, n, size);
    write_cache(s, n);
    write_mask(s, n);
    str_add(s, "const %back : i64[3] = {0,0,-1} %y1 = Attention(%q2, %keys, %values, %mask)"
               " {softcap=$softcap");
    if (a->scale > 0)
        str_add(s, ", scale=$scale");
    str_add(s, "} %y2 = Transpose(%y1) {perm=[0,2,1,3]} %y = Reshape(%y2, %back) out %y");
    str_add(s, n->nout > 1 ? " out %keys" : "");
    str_add(s, n->nout > 2 ? " out %values" : "");
}

OP(group_query_attention) = {
    .name = "GroupQueryAttention", .domain = "com.microsoft", .since = {1}, .min_in = 7,
    .max_in = 14, .min_out = 1, .max_out = 4, .traits = OP_GAPS, ATTRS_OF(GqaAttrs), .infer = infer,
    .compose = compose, .doc = "attention by groups of heads, with a cache",
};
