/* LinearAttention: a matrix S per head of keys, which every position t of the sequence updates:
 *     S' = exp(g) S                         g: decay, 0 where there is none
 *     v' = beta (v - S'^T k)                delta rules; v otherwise
 *     S  = S' + k v'^T;  y = scale S^T q
 * Heads are packed into the last dimension; each head of k and v serves a group of heads of q. */
#include "ir/base/str.h"
#include "ir/ops/check.h"

#define LINEAR_ATTENTION_ATTRS(A, S)                                               \
    A(S, int, chunk_size, "64", "a hint, without effect on the result")            \
    A(S, int, kv_num_heads, NULL, "heads of k and v")                              \
    A(S, int, q_num_heads, NULL, "heads of q")                                     \
    A(S, float, scale, "0", "of the output, 0: 1 / sqrt(size of a head of q)")     \
    A(S, str, update_rule, "gated_delta", "linear, gated, delta or gated_delta")
ATTRS(LinearAttentionAttrs, LINEAR_ATTENTION_ATTRS);

enum { IN_Q, IN_K, IN_V, IN_PAST, IN_DECAY, IN_BETA };
enum { OUT_Y, OUT_STATE };

static bool is_gated(const LinearAttentionAttrs *a)
{
    return str_starts(a->update_rule, "gated");
}

static bool is_delta(const LinearAttentionAttrs *a)
{
    return str_eq(a->update_rule, "delta") || str_eq(a->update_rule, "gated_delta");
}

static Status check_attrs(const Node *n)
{
    const LinearAttentionAttrs *a = n->attrs;
    TRY(node_need_size(n, "q_num_heads", a->q_num_heads, 1));
    TRY(node_need_size(n, "kv_num_heads", a->kv_num_heads, 1));
    if (a->q_num_heads % a->kv_num_heads)
        return node_error(n, E0203, "q_num_heads, %lld, is no multiple of kv_num_heads, %lld",
                          (long long)a->q_num_heads, (long long)a->kv_num_heads);
    if (!is_delta(a) && !str_eq(a->update_rule, "gated") && !str_eq(a->update_rule, "linear"))
        return node_error(n, E0203, "attribute 'update_rule' is '%s'", a->update_rule);
    if (is_gated(a) != node_has(n, IN_DECAY))
        return node_error(n, E0202, "rule '%s' %s input %d, the decay", a->update_rule,
                          is_gated(a) ? "needs" : "has no", IN_DECAY);
    if (is_delta(a) != node_has(n, IN_BETA))
        return node_error(n, E0202, "rule '%s' %s input %d, beta", a->update_rule,
                          is_delta(a) ? "needs" : "has no", IN_BETA);
    return MLC_OK;
}

/* Sizes: of the batch, the sequence, and a head of q or k and of v. */
typedef struct Sizes {
    Ex batch, length, dk, dv;
} Sizes;

static Sizes sizes_of(ExPool *p, const Node *n)
{
    const LinearAttentionAttrs *a = n->attrs;
    const Type *q = &n->in[IN_Q]->type, *v = &n->in[IN_V]->type;
    return (Sizes){q->dim[0], q->dim[1], ex_floor_div(p, q->dim[2], ex_int(p, a->q_num_heads)),
                   ex_floor_div(p, v->dim[2], ex_int(p, a->kv_num_heads))};
}

/* The last dimension of input i is `heads` times something. */
static Status check_packed(const Node *n, int i, int64_t heads)
{
    int64_t v;
    TRY(node_need_rank(n, i, 3, 3));
    TRY(node_need_elem(n, i, IS_FLOAT));
    if (ex_is_int(n->in[i]->type.dim[2], &v) && v % heads)
        return node_error(n, E0301, "input %d: %lld is not a multiple of %lld heads", i,
                          (long long)v, (long long)heads);
    return MLC_OK;
}

/* Input i has last dimension `one` or `other`, both times the heads of k. */
static Status check_choice(const Node *n, int i, Ex one, Ex other)
{
    int64_t v, a, b;
    TRY(node_need_rank(n, i, 3, 3));
    TRY(node_need_elem(n, i, IS_FLOAT));
    if (!ex_is_int(n->in[i]->type.dim[2], &v) || !ex_is_int(one, &a) || !ex_is_int(other, &b))
        return node_error(n, E0303, "the last dimension of input %d is not constant", i);
    if (v != a && v != b)
        return node_error(n, E0301, "input %d: %lld, must be %lld or %lld", i, (long long)v,
                          (long long)a, (long long)b);
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    const LinearAttentionAttrs *a = n->attrs;
    ExPool *p = g->pool;
    TRY(check_attrs(n));
    TRY(check_packed(n, IN_Q, a->q_num_heads));
    TRY(check_packed(n, IN_K, a->kv_num_heads));
    TRY(check_packed(n, IN_V, a->kv_num_heads));
    Sizes s = sizes_of(p, n);
    Ex heads = ex_int(p, a->kv_num_heads);
    TRY(node_need_equal(n, n->in[IN_K]->type.dim[2], ex_mul(p, heads, s.dk), "sizes of q and k"));
    if (is_gated(a))
        TRY(check_choice(n, IN_DECAY, heads, ex_mul(p, heads, s.dk)));
    if (is_delta(a))
        TRY(check_choice(n, IN_BETA, heads, ex_int(p, 1)));
    for (int i = IN_K; i < n->nin; i++)
        for (int d = 0; d < 2 && i != IN_PAST && node_has(n, i); d++)
            TRY(node_need_equal(n, n->in[IN_Q]->type.dim[d], n->in[i]->type.dim[d],
                                d == 0 ? "batches" : "lengths of the sequence"));
    Type state = type_tensor(n->in[IN_Q]->type.elem, 4, (Ex[]){s.batch, heads, s.dk, s.dv});
    if (node_has(n, IN_PAST)) {
        TRY(node_need_rank(n, IN_PAST, 4, 4));
        TRY(node_need_elem(n, IN_PAST, IS_FLOAT));
        state.elem = n->in[IN_PAST]->type.elem;
        for (int d = 0; d < 4; d++)
            TRY(node_need_equal(n, n->in[IN_PAST]->type.dim[d], state.dim[d], "past state"));
    }
    Ex dim[3] = {s.batch, s.length, ex_mul(p, ex_int(p, a->q_num_heads), s.dv)};
    node_set_type(n, OUT_Y, type_tensor(n->in[IN_Q]->type.elem, 3, dim));
    node_set_type(n, OUT_STATE, state);
    return MLC_OK;
}

/* ---- definition: everything is computed in float32 ---- */

typedef struct Rule {
    Te   *t;
    Sizes s;
    Ex    heads, group, at; /* heads of k; heads of q to each; the position */
    Tx    state, next, value;
} Rule;

/* Element d of head h of input i, in batch b, at the position. */
static Ex load(Rule *r, int i, Ex b, Ex h, Ex size, Ex d)
{
    Te *t = r->t;
    Ex index[3] = {b, r->at, te_add(t, te_mul(t, h, size), d)};
    return te_cast(t, ELEM_F32, te_load(t, te_in(t, i), index));
}

static Ex decayed(Rule *r, Ex b, Ex h, Ex d, Ex m)
{
    Te *t = r->t;
    Tx decay = te_in(t, IN_DECAY);
    Ex s = te_load(t, r->state, (Ex[]){b, h, d, m});
    if (!decay)
        return s;
    bool per_head = decay->dim[2] == r->heads;
    Ex g = load(r, IN_DECAY, b, h, per_head ? te_int(t, 1) : r->s.dk, per_head ? te_int(t, 0) : d);
    return te_mul(t, te_exp(t, g), s);
}

/* v' of the delta rules. */
static void define_value(Rule *r)
{
    Te *t = r->t;
    r->value = te_temp(t, ELEM_F32, 3, (Ex[]){r->s.batch, r->heads, r->s.dv});
    te_stage(t, r->value);
    Ex b = te_axis(t, 0), h = te_axis(t, 1), m = te_axis(t, 2), d = te_red(t, r->s.dk);
    Ex k = load(r, IN_K, b, h, r->s.dk, d);
    Ex known = te_sum(t, te_mul(t, decayed(r, b, h, d, m), k));
    bool shared = te_in(t, IN_BETA)->dim[2] != r->heads;
    Ex beta = load(r, IN_BETA, b, shared ? te_int(t, 0) : h, te_int(t, 1), te_int(t, 0));
    te_yield(t, te_mul(t, beta, te_sub(t, load(r, IN_V, b, h, r->s.dv, m), known)));
}

static void define_step(Rule *r)
{
    Te *t = r->t;
    const LinearAttentionAttrs *a = t->node->attrs;
    if (is_delta(a))
        define_value(r);
    te_stage(t, r->next);
    Ex b = te_axis(t, 0), h = te_axis(t, 1), d = te_axis(t, 2), m = te_axis(t, 3);
    Ex v = r->value ? te_load(t, r->value, (Ex[]){b, h, m}) : load(r, IN_V, b, h, r->s.dv, m);
    Ex write = te_mul(t, load(r, IN_K, b, h, r->s.dk, d), v);
    te_yield(t, te_add(t, decayed(r, b, h, d, m), write));
    if (!te_out(t, OUT_Y))
        return;
    te_stage_axes(t, 3, (Ex[]){r->s.batch, te_int(t, a->q_num_heads), r->s.dv});
    b = te_axis(t, 0), h = te_axis(t, 1), m = te_axis(t, 2), d = te_red(t, r->s.dk);
    Ex s = te_load(t, r->next, (Ex[]){b, te_floor_div(t, h, r->group), d, m});
    Ex sum = te_sum(t, te_mul(t, load(r, IN_Q, b, h, r->s.dk, d), s));
    Ex one = te_const(t, ELEM_F32, 1), scale = te_const(t, ELEM_F32, a->scale);
    if (a->scale == 0)
        scale = te_div(t, one, te_sqrt(t, te_float_of(t, ELEM_F32, r->s.dk)));
    Ex index[3] = {b, r->at, te_add(t, te_mul(t, h, r->s.dv), m)};
    te_yield_at(t, te_out(t, OUT_Y), index, te_mul(t, scale, sum));
}

static void require_shapes(Te *t, const Node *n, const Sizes *s)
{
    for (int i = IN_K; i < n->nin; i++)
        for (int d = 0; d < 2 && i != IN_PAST && te_in(t, i); d++)
            te_require_equal(t, te_in(t, IN_Q)->dim[d], te_in(t, i)->dim[d]);
    Ex heads = te_int(t, ((const LinearAttentionAttrs *)n->attrs)->kv_num_heads);
    te_require_equal(t, te_in(t, IN_K)->dim[2], te_mul(t, heads, s->dk));
    Tx past = te_in(t, IN_PAST);
    if (past) {
        te_require_equal(t, past->dim[0], s->batch);
        te_require_equal(t, past->dim[2], s->dk);
        te_require_equal(t, past->dim[3], s->dv);
    }
}

static void define(Te *t, const Node *n)
{
    const LinearAttentionAttrs *a = n->attrs;
    Tx past = te_in(t, IN_PAST), y = te_out(t, OUT_Y), last = te_out(t, OUT_STATE);
    Rule r = {.t = t, .s = sizes_of(t->pool, n), .heads = te_int(t, a->kv_num_heads),
              .group = te_int(t, a->q_num_heads / a->kv_num_heads)};
    require_shapes(t, n, &r.s);
    Ex dim[4] = {r.s.batch, r.heads, r.s.dk, r.s.dv};
    r.state = te_temp(t, ELEM_F32, 4, dim);
    r.next = te_temp(t, ELEM_F32, 4, dim);
    te_stage(t, r.state);
    te_yield(t, past ? te_load(t, past, t->stage->axis) : te_const(t, ELEM_F32, 0));
    if (y)
        te_grow(t, y, te_mul(t, te_mul(t, y->dim[0], y->dim[1]), y->dim[2]));
    r.at = te_symbol(t, "step", 0, (int64_t)1 << 40);
    te_set(t, r.at, te_int(t, 0));
    te_loop(t, te_cast(t, ELEM_I64, te_lt(t, r.at, r.s.length)));
    define_step(&r);
    te_move(t, r.state, r.next);
    te_set(t, r.at, te_add(t, r.at, te_int(t, 1)));
    te_end(t);
    if (last) {
        te_stage(t, last);
        te_yield(t, te_load(t, r.state, t->stage->axis));
    }
}

OP(linear_attention) = {
    .name = "LinearAttention", .since = {27}, .min_in = 3, .max_in = 6, .min_out = 1, .max_out = 2,
    .traits = OP_CONTROL, ATTRS_OF(LinearAttentionAttrs), .infer = infer, .define = define,
    .doc = "s = exp(g) s + k v'; y = scale s' q along a sequence",
};
