/* Attention: y = softmax(cap(scale * q k') + bias) v, per head.
 *
 * q, k, v are [batch, heads, length, size], or [batch, length, heads * size] with the heads as
 * attributes. A group of query heads shares a head of keys and values. Keys and values may follow
 * those of earlier calls (past_key, past_value). The bias is -inf where a key is not allowed: by the
 * mask, by causality (a key j counts for query i if j <= i + offset), by a window around that
 * diagonal, or beyond nonpad_kv_seqlen. A query without any allowed key gives 0. */
#include "ir/ops/check.h"

#include <math.h>

#define ATTENTION_ATTRS(A, S)                                                       \
    A(S, int, is_causal, "0", "1: no key behind the query counts")                  \
    A(S, int, kv_num_heads, "", "heads of k and v, if of rank 3")                   \
    A(S, int, left_window_size, "-1", "keys before the query that count, -1: all")  \
    A(S, int, q_num_heads, "", "heads of q, if of rank 3")                          \
    A(S, int, qk_matmul_output_mode, "0", "output 3: 0 product, 1 capped, 2 with bias, 3 softmax") \
    A(S, int, right_window_size, "-1", "keys behind the query that count, -1: all") \
    A(S, float, scale, "", "scale of the product, default 1 / sqrt(size)")          \
    A(S, float, softcap, "0", "limits the product softly if above 0")               \
    A(S, int, softmax_precision, "", "element type of the softmax")
ATTRS(AttentionAttrs, ATTENTION_ATTRS);

enum { IN_Q, IN_K, IN_V, IN_MASK, IN_PAST_K, IN_PAST_V, IN_NONPAD };
enum { OUT_Y, OUT_K, OUT_V, OUT_QK };
enum { MODE_PRODUCT, MODE_CAPPED, MODE_BIAS, MODE_SOFTMAX };

/* ---- shapes ---- */

/* One of q, k, v as [batch, heads, length, size]. */
typedef struct Heads {
    Ex batch, heads, length, size;
} Heads;

static Status read_heads(Graph *g, const Node *n, int i, int64_t heads, Heads *out)
{
    const Type *x = &n->in[i]->type;
    int64_t hidden;
    if (x->rank == 4) {
        *out = (Heads){x->dim[0], x->dim[1], x->dim[2], x->dim[3]};
        return MLC_OK;
    }
    if (heads == ATTR_INT_ABSENT)
        return node_error(n, E0203, "inputs of rank 3 need 'q_num_heads' and 'kv_num_heads'");
    TRY(node_need_size(n, i == IN_Q ? "q_num_heads" : "kv_num_heads", heads, 1));
    if (ex_is_int(x->dim[2], &hidden) && hidden % heads)
        return node_error(n, E0301, "input %d: %lld is not a multiple of %lld heads", i,
                          (long long)hidden, (long long)heads);
    Ex count = ex_int(g->pool, heads);
    *out = (Heads){x->dim[0], count, x->dim[1], ex_floor_div(g->pool, x->dim[2], count)};
    return MLC_OK;
}

/* All three; total is the number of keys with those of the past. */
typedef struct Shapes {
    Heads q, k, v;
    Ex    past, total;
} Shapes;

static Status read_shapes(Graph *g, const Node *n, Shapes *s)
{
    const AttentionAttrs *a = n->attrs;
    TRY(read_heads(g, n, IN_Q, a->q_num_heads, &s->q));
    TRY(read_heads(g, n, IN_K, a->kv_num_heads, &s->k));
    TRY(read_heads(g, n, IN_V, a->kv_num_heads, &s->v));
    s->past = node_has(n, IN_PAST_K) ? n->in[IN_PAST_K]->type.dim[2] : ex_int(g->pool, 0);
    s->total = ex_add(g->pool, s->past, s->k.length);
    return MLC_OK;
}

static Status check_shapes(const Node *n, const Shapes *s)
{
    int64_t hq, hk;
    TRY(node_need_equal(n, s->q.batch, s->k.batch, "batches of q and k"));
    TRY(node_need_equal(n, s->q.batch, s->v.batch, "batches of q and v"));
    TRY(node_need_equal(n, s->q.size, s->k.size, "sizes of q and k"));
    TRY(node_need_equal(n, s->k.heads, s->v.heads, "heads of k and v"));
    TRY(node_need_equal(n, s->k.length, s->v.length, "lengths of k and v"));
    if (!ex_is_int(s->q.heads, &hq) || !ex_is_int(s->k.heads, &hk))
        return node_error(n, E0303, "the number of heads is not constant");
    if (hk < 1 || hq % hk)
        return node_error(n, E0301, "%lld heads of q are no multiple of %lld heads of k",
                          (long long)hq, (long long)hk);
    for (int i = IN_PAST_K; i <= IN_PAST_V; i++) {
        const Heads *now = i == IN_PAST_K ? &s->k : &s->v;
        if (!node_has(n, i))
            continue;
        const Type *past = &n->in[i]->type;
        TRY(node_need_equal(n, past->dim[0], now->batch, "batches of the past"));
        TRY(node_need_equal(n, past->dim[1], now->heads, "heads of the past"));
        TRY(node_need_equal(n, past->dim[2], s->past, "lengths of the past"));
        TRY(node_need_equal(n, past->dim[3], now->size, "sizes of the past"));
    }
    return MLC_OK;
}

static Status check_inputs(const Node *n)
{
    for (int i = IN_Q; i <= IN_V; i++) {
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_rank(n, i, 3, 4));
        TRY(node_need_rank(n, i, n->in[IN_Q]->type.rank, n->in[IN_Q]->type.rank));
    }
    TRY(node_need_same_elem(n, IN_Q, IN_K));
    if (node_has(n, IN_MASK)) {
        TRY(node_need_rank(n, IN_MASK, 1, 4));
        TRY(node_need_elem(n, IN_MASK, IS_FLOAT | IS_BOOL));
    }
    if (node_has(n, IN_PAST_K) != node_has(n, IN_PAST_V))
        return node_error(n, E0202, "past_key and past_value belong together");
    for (int i = IN_PAST_K; i <= IN_PAST_V; i++)
        if (node_has(n, i)) {
            TRY(node_need_rank(n, i, 4, 4));
            TRY(node_need_same_elem(n, i - IN_PAST_K + IN_K, i));
        }
    if (node_has(n, IN_NONPAD)) {
        TRY(node_need_rank(n, IN_NONPAD, 1, 1));
        TRY(node_need_elem(n, IN_NONPAD, IS_INT));
    }
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    const AttentionAttrs *a = n->attrs;
    Shapes s;
    TRY(check_inputs(n));
    TRY(read_shapes(g, n, &s));
    TRY(check_shapes(n, &s));
    if (a->qk_matmul_output_mode < MODE_PRODUCT || a->qk_matmul_output_mode > MODE_SOFTMAX)
        return node_error(n, E0203, "attribute 'qk_matmul_output_mode' is %lld",
                          (long long)a->qk_matmul_output_mode);
    TRY(node_need_size(n, "left_window_size", a->left_window_size, -1));
    TRY(node_need_size(n, "right_window_size", a->right_window_size, -1));
    Elem e = n->in[IN_Q]->type.elem;
    if (n->in[IN_Q]->type.rank == 4)
        node_set_type(n, OUT_Y, type_tensor(e, 4, (Ex[]){s.q.batch, s.q.heads, s.q.length,
                                                          s.v.size}));
    else
        node_set_type(n, OUT_Y, type_tensor(e, 3, (Ex[]){s.q.batch, s.q.length,
                                                         ex_mul(g->pool, s.q.heads, s.v.size)}));
    node_set_type(n, OUT_K, type_tensor(n->in[IN_K]->type.elem, 4,
                                        (Ex[]){s.k.batch, s.k.heads, s.total, s.k.size}));
    node_set_type(n, OUT_V, type_tensor(n->in[IN_V]->type.elem, 4,
                                        (Ex[]){s.v.batch, s.v.heads, s.total, s.v.size}));
    node_set_type(n, OUT_QK, type_tensor(e, 4, (Ex[]){s.q.batch, s.q.heads, s.q.length, s.total}));
    return MLC_OK;
}

/* ---- definition ---- */

/* x[b, h, i, d] of q, k, v in either form. */
static void head_index(Te *t, int rank, Ex size, const Ex at[4], Ex *index)
{
    if (rank == 4) {
        memcpy(index, at, 4 * sizeof *index);
        return;
    }
    index[0] = at[0];
    index[1] = at[2];
    index[2] = te_add(t, te_mul(t, at[1], size), at[3]);
}

static Ex load_head(Te *t, Tx x, Ex size, const Ex at[4])
{
    Ex index[4];
    head_index(t, x->rank, size, at, index);
    return te_load(t, x, index);
}

/* Adds the stages that put what is new behind the past, into output `out` or a temporary. NULL when
 * there is no past and nobody wants the result. */
static Tx join_past(Te *t, int in, int out, const Heads *h, Ex total)
{
    Tx now = te_in(t, in), past = te_in(t, in - IN_K + IN_PAST_K), all = te_out(t, out);
    Ex begin = te_int(t, 0);
    if (!all && !past)
        return NULL;
    if (!all)
        all = te_temp(t, now->elem, 4, (Ex[]){h->batch, h->heads, total, h->size});
    if (past) {
        te_stage_axes(t, 4, past->dim);
        te_yield_at(t, all, t->stage->axis, te_load(t, past, t->stage->axis));
        begin = past->dim[2];
    }
    te_stage_axes(t, 4, (Ex[]){h->batch, h->heads, h->length, h->size});
    Ex index[4];
    memcpy(index, t->stage->axis, sizeof index);
    index[2] = te_add(t, index[2], begin);
    te_yield_at(t, all, index, load_head(t, now, h->size, t->stage->axis));
    return all;
}

/* May query at[2] use key at[3], apart from the mask? */
static Ex allowed(Te *t, const Shapes *s, const Ex at[4])
{
    const AttentionAttrs *a = t->node->attrs;
    Tx nonpad = te_in(t, IN_NONPAD);
    Ex yes = ex_bool(t->pool, true), offset = s->past;
    if (nonpad) {
        Ex count = te_cast(t, ELEM_I64, te_load(t, nonpad, &at[0]));
        yes = te_lt(t, at[3], count);
        if (!te_in(t, IN_PAST_K))
            offset = te_sub(t, count, s->q.length);
    }
    Ex ahead = te_sub(t, at[3], te_add(t, at[2], offset));
    if (a->is_causal)
        yes = te_and(t, yes, te_le(t, ahead, te_int(t, 0)));
    if (a->left_window_size >= 0)
        yes = te_and(t, yes, te_le(t, te_int(t, -a->left_window_size), ahead));
    if (a->right_window_size >= 0)
        yes = te_and(t, yes, te_le(t, ahead, te_int(t, a->right_window_size)));
    return yes;
}

/* v with the bias. A mask that is shorter than the keys forbids the rest. */
static Ex biased(Te *t, const Shapes *s, Ex v, const Ex at[4])
{
    Tx mask = te_in(t, IN_MASK);
    Elem e = (Elem)v->elem;
    Ex yes = allowed(t, s, at), never = te_const(t, e, -INFINITY);
    if (mask) {
        Ex index[4];
        for (int i = 0; i < mask->rank - 1; i++)
            index[i] = te_bcast_index(t, mask->dim[i], at[4 - mask->rank + i]);
        index[mask->rank - 1] = at[3];
        Ex m = te_load(t, mask, index), zero = te_const(t, e, 0);
        m = mask->elem == ELEM_BOOL ? te_select(t, m, zero, never) : te_cast(t, e, m);
        Ex inside = te_lt(t, at[3], mask->dim[mask->rank - 1]);
        bool covers = ex_proved_le(t->pool, s->total, mask->dim[mask->rank - 1]);
        v = te_add(t, v, covers ? m : ex_guard(t->pool, inside, m, never));
    }
    return te_select(t, yes, v, never);
}

/* The scaled product of queries and keys. */
static Tx define_scores(Te *t, const Shapes *s, Tx keys, Elem e)
{
    const AttentionAttrs *a = t->node->attrs;
    Tx q = te_in(t, IN_Q), k = keys ? keys : te_in(t, IN_K);
    Tx score = te_temp(t, e, 4, (Ex[]){s->q.batch, s->q.heads, s->q.length, s->total});
    te_stage(t, score);
    Ex b = te_axis(t, 0), h = te_axis(t, 1), d = te_red(t, s->q.size);
    Ex group = te_floor_div(t, s->q.heads, s->k.heads), kv = te_floor_div(t, h, group);
    Ex vq = te_wide(t, load_head(t, q, s->q.size, (Ex[]){b, h, te_axis(t, 2), d}));
    Ex vk = te_wide(t, load_head(t, k, s->k.size, (Ex[]){b, kv, te_axis(t, 3), d}));
    Ex sum = te_sum(t, te_mul(t, vq, vk)), scale = te_like(t, sum, a->scale);
    if (isnan(a->scale))
        scale = te_div(t, te_like(t, sum, 1),
                       te_sqrt(t, te_float_of(t, (Elem)sum->elem, s->q.size)));
    te_yield(t, te_mul(t, sum, scale));
    return score;
}

static Ex capped(Te *t, Ex v)
{
    const AttentionAttrs *a = t->node->attrs;
    if (!(a->softcap > 0))
        return v;
    Ex cap = te_like(t, v, a->softcap);
    return te_mul(t, te_tanh(t, te_div(t, v, cap)), cap);
}

/* Output 3, which is one of four steps on the way. */
static void define_qk(Te *t, const Shapes *s, Tx score, Tx weight)
{
    const AttentionAttrs *a = t->node->attrs;
    Tx out = te_out(t, OUT_QK);
    if (!out)
        return;
    te_stage(t, out);
    const Ex *at = t->stage->axis;
    Ex v = te_load(t, a->qk_matmul_output_mode == MODE_SOFTMAX ? weight : score, at);
    if (a->qk_matmul_output_mode == MODE_CAPPED || a->qk_matmul_output_mode == MODE_BIAS)
        v = capped(t, v);
    if (a->qk_matmul_output_mode == MODE_BIAS)
        v = biased(t, s, v, at);
    te_yield(t, v);
}

/* The softmax of the scores over the keys. */
static Tx define_weights(Te *t, const Shapes *s, Tx score)
{
    const AttentionAttrs *a = t->node->attrs;
    Elem e = a->softmax_precision == elem_to_onnx(ELEM_F64) ? ELEM_F64 : score->elem;
    Tx logit = te_temp(t, e, 4, score->dim), weight = te_temp(t, e, 4, score->dim);
    Tx max = te_temp(t, e, 3, score->dim), sum = te_temp(t, e, 3, score->dim);
    te_stage(t, logit);
    te_yield(t, biased(t, s, capped(t, te_load(t, score, t->stage->axis)), t->stage->axis));
    Ex at[4], zero = te_const(t, e, 0);
    te_stage(t, max);
    memcpy(at, t->stage->axis, 3 * sizeof *at);
    at[3] = te_red(t, s->total);
    Ex m = te_max_over(t, te_load(t, logit, at));
    te_yield(t, te_select(t, te_eq(t, m, te_const(t, e, -INFINITY)), zero, m));
    te_stage(t, sum);
    memcpy(at, t->stage->axis, 3 * sizeof *at);
    at[3] = te_red(t, s->total);
    Ex v = te_sub(t, te_load(t, logit, at), te_load(t, max, at));
    Ex total = te_sum(t, te_exp(t, v));
    te_yield(t, te_select(t, te_eq(t, total, zero), te_const(t, e, 1), total));
    te_stage(t, weight);
    v = te_sub(t, te_load(t, logit, t->stage->axis), te_load(t, max, t->stage->axis));
    te_yield(t, te_div(t, te_exp(t, v), te_load(t, sum, t->stage->axis)));
    return weight;
}

static void define_output(Te *t, const Shapes *s, Tx values, Tx weight)
{
    Tx y = te_out(t, OUT_Y), v = values ? values : te_in(t, IN_V);
    if (!y)
        return;
    te_stage_axes(t, 4, (Ex[]){s->q.batch, s->q.heads, s->q.length, s->v.size});
    const Ex *at = t->stage->axis;
    Ex k = te_red(t, s->total), index[4];
    Ex kv = te_floor_div(t, at[1], te_floor_div(t, s->q.heads, s->v.heads));
    Ex w = te_load(t, weight, (Ex[]){at[0], at[1], at[2], k});
    Ex x = te_cast(t, (Elem)w->elem, load_head(t, v, s->v.size, (Ex[]){at[0], kv, k, at[3]}));
    Ex sum = te_sum(t, te_mul(t, w, x));
    head_index(t, y->rank, s->v.size, at, index);
    te_yield_at(t, y, index, sum);
}

static void define(Te *t, const Node *n)
{
    Shapes s;
    Status st = read_shapes(n->graph, n, &s);
    assert(st == MLC_OK);
    (void)st;
    te_require_equal(t, s.q.batch, s.k.batch);
    te_require_equal(t, s.q.batch, s.v.batch);
    te_require_equal(t, s.q.size, s.k.size);
    te_require_equal(t, s.k.length, s.v.length);
    Tx past[2] = {te_in(t, IN_PAST_K), te_in(t, IN_PAST_V)};
    for (int i = 0; i < 2 && past[i]; i++) {
        te_require_equal(t, past[i]->dim[0], s.q.batch);
        te_require_equal(t, past[i]->dim[2], s.past);
        te_require_equal(t, past[i]->dim[3], i == 0 ? s.k.size : s.v.size);
    }
    if (te_in(t, IN_NONPAD))
        te_require_equal(t, te_in(t, IN_NONPAD)->dim[0], s.q.batch);
    Elem e = te_wide_elem(te_in(t, IN_Q)->elem);
    Tx keys = join_past(t, IN_K, OUT_K, &s.k, s.total);
    Tx values = join_past(t, IN_V, OUT_V, &s.v, s.total);
    Tx score = define_scores(t, &s, keys, e);
    Tx weight = define_weights(t, &s, score);
    define_qk(t, &s, score, weight);
    define_output(t, &s, values, weight);
}

OP(attention) = {
    .name = "Attention", .since = {23, 24, 25}, .min_in = 3, .max_in = 7, .min_out = 1,
    .max_out = 4, ATTRS_OF(AttentionAttrs), .infer = infer, .define = define,
    .doc = "y = softmax(scale * q k' + bias) v",
};
