/* FlexAttention: scaled dot-product attention with two places for graphs of the user.
 *
 *     score = score_mod(scale * Q K^T)        p = prob_mod(softmax(score))        Y = p V
 *
 * All have rank 4: batch, head, position, feature. Fewer heads of K and V than of Q: neighbouring heads
 * of Q share one. Everything between the two products has the element type of softmax_precision. */
#include "ir/ops/control.h"

#define FLEX_ATTRS(A, S)                                                              \
    A(S, graph, prob_mod, "", "of the probabilities, rank 4; absent: they stay")      \
    A(S, float, scale, "", "default 1 / sqrt(features of Q)")                         \
    A(S, graph, score_mod, "", "of the scores before softmax; absent: they stay")     \
    A(S, int, softmax_precision, "", "element type; default f32, f64 for f64")
ATTRS(FlexAttrs, FLEX_ATTRS);

enum { BATCH, HEAD, PLACE, FEATURE };

static Status precision_of(const Node *n, Elem *out)
{
    const FlexAttrs *a = n->attrs;
    *out = n->in[0]->type.elem == ELEM_F64 ? ELEM_F64 : ELEM_F32;
    if (a->softmax_precision == ATTR_INT_ABSENT)
        return MLC_OK;
    int64_t v = a->softmax_precision;
    *out = elem_from_onnx(v < 0 || v > 99 ? 0 : (int)v);
    if (elem_is_float(*out) && elem_bits[*out] >= 16)
        return MLC_OK;
    return node_error(n, E0204, "attribute 'softmax_precision' is %lld", (long long)v);
}

static Status infer_body(const Node *n, const char *name, Graph *body, const Type *scores)
{
    const Type *y;
    if (!body)
        return MLC_OK;
    if ((int)body->inputs.len - body->captures != 1 || body->outputs.len != 1)
        return node_error(n, E0202, "'%s' takes %zu values and gives %zu, must be 1 and 1", name,
                          body->inputs.len - (size_t)body->captures, body->outputs.len);
    body->inputs.at[0]->type = *scores;
    body->inputs.at[0]->content = NULL;
    TRY(body_captures(n, body));
    TRY(graph_infer(body));
    TRY(body_output(n, body, 0, &y));
    if (y->elem != scores->elem || y->rank != scores->rank)
        return node_error(n, E0206, "'%s' changes element type or rank", name);
    for (int i = 0; i < y->rank; i++)
        TRY(node_need_equal(n, y->dim[i], scores->dim[i], "dimensions of what the body gives"));
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    const FlexAttrs *a = n->attrs;
    int64_t heads, shared;
    Elem e;
    for (int i = 0; i < 3; i++) {
        TRY(node_need_rank(n, i, 4, 4));
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_same_elem(n, 0, i));
    }
    TRY(precision_of(n, &e));
    const Type *q = &n->in[0]->type, *k = &n->in[1]->type, *v = &n->in[2]->type;
    TRY(node_need_equal(n, q->dim[BATCH], k->dim[BATCH], "batch of Q and K"));
    TRY(node_need_equal(n, q->dim[BATCH], v->dim[BATCH], "batch of Q and V"));
    TRY(node_need_equal(n, k->dim[HEAD], v->dim[HEAD], "heads of K and V"));
    TRY(node_need_equal(n, k->dim[PLACE], v->dim[PLACE], "positions of K and V"));
    TRY(node_need_equal(n, q->dim[FEATURE], k->dim[FEATURE], "features of Q and K"));
    if (ex_is_int(q->dim[HEAD], &heads) && ex_is_int(k->dim[HEAD], &shared) &&
        (shared < 1 || heads % shared))
        return node_error(n, E0301, "%lld heads share %lld", (long long)heads, (long long)shared);
    Type scores = *q, y = *q;
    scores.elem = e;
    scores.dim[FEATURE] = k->dim[PLACE];
    y.dim[FEATURE] = v->dim[FEATURE];
    TRY(infer_body(n, "score_mod", a->score_mod, &scores));
    TRY(infer_body(n, "prob_mod", a->prob_mod, &scores));
    node_set_type(n, 0, y);
    (void)g;
    return MLC_OK;
}

/* ---- define ---- */

static void require_shapes(Te *t)
{
    Tx q = te_in(t, 0), k = te_in(t, 1), v = te_in(t, 2);
    te_require_equal(t, q->dim[BATCH], k->dim[BATCH]);
    te_require_equal(t, q->dim[BATCH], v->dim[BATCH]);
    te_require_equal(t, k->dim[HEAD], v->dim[HEAD]);
    te_require_equal(t, k->dim[PLACE], v->dim[PLACE]);
    te_require_equal(t, q->dim[FEATURE], k->dim[FEATURE]);
    te_require(t, ex_lt(t->pool, te_int(t, 0), k->dim[HEAD]));
    Ex shared = ex_max(t->pool, k->dim[HEAD], te_int(t, 1));
    te_require_equal(t, ex_floor_mod(t->pool, q->dim[HEAD], shared), te_int(t, 0));
}

/* The head of K and V that head h of Q reads. */
static Ex shared_head(Te *t, Ex h)
{
    Ex have = te_in(t, 1)->dim[HEAD], one = te_int(t, 1);
    if (!ex_is_int(have, NULL))
        have = te_max(t, have, one);
    Ex group = te_floor_div(t, te_in(t, 0)->dim[HEAD], have);
    return te_floor_div(t, h, ex_is_int(group, NULL) ? group : te_max(t, group, one));
}

static Tx scores_of(Te *t, Elem e, float scale)
{
    Tx q = te_in(t, 0), k = te_in(t, 1);
    Elem wide = te_wide_elem(e);
    Ex dim[4] = {q->dim[BATCH], q->dim[HEAD], q->dim[PLACE], k->dim[PLACE]};
    Tx scores = te_temp(t, e, 4, dim);
    te_stage(t, scores);
    Ex b = te_axis(t, 0), h = te_axis(t, 1), i = te_red(t, q->dim[FEATURE]);
    Ex x = te_load(t, q, (Ex[]){b, h, te_axis(t, 2), i});
    Ex y = te_load(t, k, (Ex[]){b, shared_head(t, h), te_axis(t, 3), i});
    Ex sum = te_sum(t, te_mul(t, te_cast(t, wide, x), te_cast(t, wide, y)));
    Ex factor = te_sqrt(t, te_float_of(t, wide, q->dim[FEATURE]));
    if (scale == scale)
        te_yield(t, te_mul(t, sum, te_const(t, wide, scale)));
    else
        te_yield(t, te_div(t, sum, factor));
    return scores;
}

static Tx modified(Te *t, const Node *n, const Graph *body, Tx x)
{
    if (!body)
        return x;
    te_bind_captures(t, n, body);
    te_bind(t, body->inputs.at[0], x);
    te_graph(t, body);
    const Type *y = &body->outputs.at[0]->type;
    for (int i = 0; i < y->rank; i++)
        te_require_equal(t, y->dim[i], x->dim[i]);
    return te_value(t, body->outputs.at[0]);
}

static Tx softmax_of(Te *t, Tx x, const Ex *dim)
{
    Tx most = te_temp(t, x->elem, 3, dim), sum = te_temp(t, te_wide_elem(x->elem), 3, dim);
    Tx p = te_temp(t, x->elem, 4, dim);
    te_stage(t, most);
    Ex row[4] = {te_axis(t, 0), te_axis(t, 1), te_axis(t, 2), te_red(t, dim[3])};
    te_yield(t, te_max_over(t, te_load(t, x, row)));
    te_stage(t, sum);
    memcpy(row, (Ex[]){te_axis(t, 0), te_axis(t, 1), te_axis(t, 2), te_red(t, dim[3])}, sizeof row);
    te_yield(t, te_sum(t, te_exp(t, te_sub(t, te_wide(t, te_load(t, x, row)),
                                           te_wide(t, te_load(t, most, row))))));
    te_stage(t, p);
    const Ex *at = t->stage->axis;
    Ex e = te_exp(t, te_sub(t, te_wide(t, te_load(t, x, at)), te_wide(t, te_load(t, most, at))));
    te_yield(t, te_div(t, e, te_load(t, sum, at)));
    return p;
}

static void define(Te *t, const Node *n)
{
    const FlexAttrs *a = n->attrs;
    Tx v = te_in(t, 2);
    Elem e;
    Status st = precision_of(n, &e);
    assert(st == MLC_OK);
    (void)st;
    require_shapes(t);
    Tx scores = scores_of(t, e, a->scale);
    Tx p = softmax_of(t, modified(t, n, a->score_mod, scores), scores->dim);
    p = modified(t, n, a->prob_mod, p);
    te_stage(t, te_out(t, 0));
    Ex b = te_axis(t, 0), h = te_axis(t, 1), s = te_red(t, v->dim[PLACE]);
    Ex x = te_wide(t, te_load(t, p, (Ex[]){b, h, te_axis(t, 2), s}));
    Ex y = te_load(t, v, (Ex[]){b, shared_head(t, h), s, te_axis(t, 3)});
    te_yield(t, te_sum(t, te_mul(t, x, te_cast(t, (Elem)x->elem, y))));
}

OP(flex_attention) = {
    .name = "FlexAttention", .domain = "ai.onnx.preview", .since = {1}, .min_in = 3,
    .max_in = VARIADIC, .traits = OP_CONTROL, ATTRS_OF(FlexAttrs), .infer = infer, .define = define,
    .doc = "prob_mod(softmax(score_mod(scale Q K^T))) V",
};
