/* Loop: i = 0, 1, ... while i < M and the condition holds: the body maps (i, condition, carried values)
 * to (condition, carried values, elements of the scan outputs).
 *
 * A carried value whose shape changes from round to round has symbols for those dimensions, which
 * each round sets. Scan outputs of a known number of rounds are written in place; others grow. */
#include "ir/ops/columns.h"
#include "ir/ops/control.h"

#define LOOP_ATTRS(A, S) A(S, graph, body, NULL, "one round")
ATTRS(LoopAttrs, LOOP_ATTRS);

static int carried_count(const Node *n, const Graph *body)
{
    (void)n;
    return (int)body->inputs.len - body->captures - 2;
}

/* Nobody but M ends the loop. */
static bool counts_only(const Node *n, const Graph *body)
{
    int count;
    const Ex *c = node_has(n, 1) ? value_content(n->graph, n->in[1], &count) : NULL;
    if (node_has(n, 1) && (!c || count != 1 || !ex_is(c[0], 1)))
        return false;
    const Value *out = body->outputs.at[0];
    while (out->def && (out->def->op->traits & OP_IDENTITY))
        out = out->def->in[0];
    if (out == body->inputs.at[1])
        return true;
    c = value_content((Graph *)body, out, &count);
    return c && count == 1 && ex_is(c[0], 1);
}

/* The number of rounds where it is known before the first; NULL otherwise. */
static Ex known_rounds(const Node *n, const Graph *body)
{
    int count;
    if (!node_has(n, 0) || !counts_only(n, body))
        return NULL;
    const Ex *m = value_demand(n->graph, n->in[0], &count);
    if (!m || count != 1)
        return NULL;
    ExPool *p = n->graph->pool;
    return ex_max(p, ex_cast(p, ELEM_I64, m[0]), ex_int(p, 0));
}

/* ---- infer ---- */

static void set_scalar(ExPool *p, Value *v, Elem e)
{
    int rank = v->type.kind == TYPE_TENSOR && v->type.rank == 1 ? 1 : 0;
    Ex one = ex_int(p, 1);
    v->type = type_tensor(e, rank, &one);
    v->content = NULL;
}

/* A carried value that is no tensor is of the type that its value before the loop and its values after
 * a round have in common. */
static Status generalize_composite(Graph *g, const Node *n, Graph *body, int k, bool *changed)
{
    Value *in = body->inputs.at[2 + k];
    Type joined;
    if ((size_t)k + 1 >= body->outputs.len ||
        !type_join(g, &in->type, &body->outputs.at[k + 1]->type, &joined))
        return node_error(n, E0206, "carried value '%s' changes its kind", in->name);
    *changed |= !type_equal(&joined, &in->type);
    in->type = joined;
    return MLC_OK;
}

/* Dimensions of carried value k that the body does not keep become symbols. True: some did. */
static Status generalize(Graph *g, const Node *n, Graph *body, int k, bool *changed)
{
    Value *in = body->inputs.at[2 + k];
    const Type *out;
    if (type_is_composite(&in->type))
        return generalize_composite(g, n, body, k, changed);
    TRY(body_output(n, body, (size_t)k + 1, &out));
    if (out->elem != in->type.elem)
        return node_error(n, E0206, "carried value '%s' begins as %s and goes on as %s", in->name,
                          elem_name[in->type.elem], elem_name[out->elem]);
    if (out->rank != in->type.rank)
        return node_error(n, E0303, "carried value '%s' begins with rank %d and goes on with %d",
                          in->name, in->type.rank, out->rank);
    for (int d = 0; d < out->rank; d++) {
        Ex have = in->type.dim[d];
        if (out->dim[d] == have)
            continue;
        const Value *outer = n->in[2 + k];
        if (have != outer->type.dim[d])
            continue; /* a symbol already */
        Ex symbol = assigned_dim(g, in, d);
        if (symbol == have)
            symbol = ex_sym_run_time(g->pool, in->name, 0, (int64_t)1 << 40);
        in->type.dim[d] = symbol;
        *changed = true;
    }
    return MLC_OK;
}

static Status infer_body(Graph *g, const Node *n, Graph *body)
{
    int carried = carried_count(n, body);
    if (carried < 0 || n->nin - body->captures - 2 != carried)
        return node_error(n, E0202, "the body takes %d carried values, the node has %d", carried,
                          n->nin - body->captures - 2);
    if ((int)body->outputs.len < 1 + carried)
        return node_error(n, E0202, "the body has %zu outputs, at least %d are needed",
                          body->outputs.len, 1 + carried);
    set_scalar(g->pool, body->inputs.at[0], ELEM_I64);
    set_scalar(g->pool, body->inputs.at[1], ELEM_BOOL);
    for (int k = 0; k < carried; k++) {
        if (!n->in[2 + k])
            return node_error(n, E0202, "input %d is omitted", 2 + k);
        Value *in = body->inputs.at[2 + k];
        in->content = NULL;
        if (type_is_composite(&n->in[2 + k]->type)) {
            in->type = n->in[2 + k]->type;
            continue;
        }
        TRY(node_need_rank(n, 2 + k, 0, MAX_RANK));
        Type old = in->type, now = n->in[2 + k]->type;
        for (int d = 0; old.kind == TYPE_TENSOR && old.rank == now.rank && d < now.rank; d++)
            if (old.dim[d]->op == EX_SYM && ex_sym_is_run_time(g->pool, (int)old.dim[d]->i) &&
                assigned_dim(g, in, d) == old.dim[d] && old.dim[d] != now.dim[d])
                now.dim[d] = old.dim[d]; /* found to change when this was inferred before */
        in->type = now;
    }
    TRY(body_captures(n, body));
    for (bool changed = true; changed;) {
        changed = false;
        TRY(graph_infer(body));
        for (int k = 0; k < carried; k++)
            TRY(generalize(g, n, body, k, &changed));
    }
    return MLC_OK;
}

static Status infer_loop(Graph *g, Node *n)
{
    Graph *body = ((const LoopAttrs *)n->attrs)->body;
    TRY(node_need_elem(n, 0, IS_INT));
    TRY(node_need_elem(n, 1, IS_BOOL));
    TRY(infer_body(g, n, body));
    int carried = carried_count(n, body);
    if (n->nout > (int)body->outputs.len - 1)
        return node_error(n, E0202, "the node has %d outputs, the body %zu", n->nout,
                          body->outputs.len);
    Ex rounds = known_rounds(n, body);
    for (int i = 0; i < n->nout; i++) {
        if (!n->out[i])
            continue;
        if (i < carried && type_is_composite(&body->inputs.at[2 + i]->type)) {
            n->out[i]->type = body->outputs.at[i + 1]->type;
            continue;
        }
        if (i < carried) {
            n->out[i]->type = body->inputs.at[2 + i]->type;
            continue;
        }
        const Type *each;
        TRY(body_output(n, body, (size_t)i + 1, &each));
        if (each->rank + 1 > MAX_RANK)
            return node_error(n, E0302, "a scan output has rank %d", each->rank + 1);
        Type t = type_tensor(each->elem, each->rank + 1, n->out[i]->type.dim);
        t.dim[0] = rounds ? graph_size_symbol(g, rounds, n->name) : assigned_dim(g, n->out[i], 0);
        for (int k = 0; k < each->rank; k++)
            t.dim[k + 1] = ex_is_run_time(g->pool, each->dim[k]) ? assigned_dim(g, n->out[i], k + 1)
                                                                 : each->dim[k];
        n->out[i]->type = t;
    }
    return MLC_OK;
}

/* ---- define ---- */

typedef struct LoopDef {
    Te          *t;
    const Node  *n;
    const Graph *body;
    int          carried;
    Ex           i, going, rounds;
    Tx           state[64];
} LoopDef;

static void bind_round(LoopDef *d)
{
    Te *t = d->t;
    const Value *iter = d->body->inputs.at[0], *cond = d->body->inputs.at[1];
    te_bind(t, iter, te_scalar(t, ELEM_I64, iter->type.rank, d->i));
    te_bind(t, cond, te_scalar(t, ELEM_BOOL, cond->type.rank, d->going));
}

/* Elements of one round of scan output y. */
static Ex round_elements(ExPool *p, const Buf *y)
{
    Ex n = ex_int(p, 1);
    for (int k = 1; k < y->rank; k++)
        n = ex_mul(p, n, y->dim[k]);
    return n;
}

static bool has_assigned(const LoopDef *d, const Buf *y, int first)
{
    for (int k = first; k < y->rank; k++)
        if (ex_is_run_time(d->t->pool, y->dim[k]))
            return true;
    return false;
}

/* A scan output has all its room before the first round. */
static bool in_place(const LoopDef *d, const Buf *y) { return d->rounds && !has_assigned(d, y, 1); }

static void begin_scans(LoopDef *d)
{
    Te *t = d->t;
    for (int i = d->carried; i < d->n->nout; i++) {
        Tx y = te_out(t, i);
        if (!y)
            continue;
        Ex all = ex_mul(t->pool, y->dim[0], round_elements(t->pool, y));
        for (int k = 1; k < y->rank; k++)
            if (ex_is_run_time(t->pool, y->dim[k]))
                te_set(t, y->dim[k], te_int(t, 0));
        te_grow(t, y, in_place(d, y) ? all : te_int(t, 0));
    }
}

static void store_scans(LoopDef *d)
{
    Te *t = d->t;
    for (int i = d->carried; i < d->n->nout; i++) {
        Tx y = te_out(t, i);
        if (!y)
            continue;
        const Value *each = d->body->outputs.at[i + 1];
        Tx x = te_value(t, each);
        for (int k = 1; k < y->rank; k++)
            if (ex_is_run_time(t->pool, y->dim[k]))
                te_set(t, y->dim[k], each->type.dim[k - 1]);
        if (!in_place(d, y))
            te_grow(t, y, ex_mul(t->pool, ex_add(t->pool, d->i, te_int(t, 1)),
                                 round_elements(t->pool, y)));
        te_store_slice(t, y, 0, d->i, x);
    }
}

/* The carried values of the next round. One that is itself carried is copied first, because it will
 * be overwritten. */
static void carry(LoopDef *d)
{
    Te *t = d->t;
    Tx next[64];
    for (int k = 0; k < d->carried; k++) {
        next[k] = te_value(t, d->body->outputs.at[k + 1]);
        for (int j = 0; j < d->carried; j++)
            if (next[k] == d->state[j] && j != k) {
                next[k] = te_copy(t, next[k]);
                break;
            }
    }
    for (int k = 0; k < d->carried; k++) {
        const Value *in = d->body->inputs.at[2 + k];
        if (next[k] == d->state[k])
            continue;
        te_set_dims(t, &in->type, &d->body->outputs.at[k + 1]->type);
        te_move(t, d->state[k], next[k]);
    }
}

static void define_loop(Te *t, const Node *n)
{
    const Graph *body = ((const LoopAttrs *)n->attrs)->body;
    LoopDef d = {.t = t, .n = n, .body = body, .carried = carried_count(n, body),
                 .rounds = known_rounds(n, body)};
    ExPool *p = t->pool;
    const int64_t most = INT64_MAX;
    assert(d.carried <= 64);
    d.i = te_symbol(t, "i", 0, most);
    d.going = te_symbol(t, "going", 0, 1);
    Ex limit = te_symbol(t, "rounds", INT64_MIN, most);
    if (te_in(t, 0))
        te_set_element(t, limit, te_in(t, 0), te_int(t, 0));
    else
        te_set(t, limit, te_int(t, most));
    if (te_in(t, 1))
        te_set_element(t, d.going, te_in(t, 1), te_int(t, 0));
    else
        te_set(t, d.going, te_int(t, 1));
    te_set(t, d.i, te_int(t, 0));
    te_bind_captures(t, n, body);
    for (int k = 0; k < d.carried; k++) {
        const Value *in = body->inputs.at[2 + k];
        te_set_dims(t, &in->type, &n->in[2 + k]->type);
        d.state[k] = te_temp(t, in->type.elem, in->type.rank, in->type.dim);
        te_move(t, d.state[k], te_in(t, 2 + k));
        te_bind(t, in, d.state[k]);
    }
    begin_scans(&d);
    te_loop(t, ex_cast(p, ELEM_I64, ex_and(p, ex_lt(p, d.i, limit),
                                           ex_ne(p, d.going, te_int(t, 0)))));
    bind_round(&d);
    te_graph(t, body);
    store_scans(&d);
    te_set_element(t, d.going, te_value(t, body->outputs.at[0]), te_int(t, 0));
    carry(&d);
    te_set(t, d.i, ex_add(p, d.i, te_int(t, 1)));
    te_end(t);
    for (int i = 0; i < n->nout; i++) {
        Tx out = te_out(t, i);
        if (out && i < d.carried)
            te_move(t, out, d.state[i]);
        else if (out && !d.rounds)
            te_set(t, out->dim[0], d.i);
    }
}

OP(loop) = {
    .name = "Loop", .since = {1, 11, 13, 16, 19, 21, 23, 24, 25}, .min_in = 2, .max_in = VARIADIC,
    .min_out = 1, .max_out = VARIADIC, .traits = OP_CONTROL | OP_GAPS, ATTRS_OF(LoopAttrs),
    .infer = infer_loop, .define = define_loop, .doc = "repeats a graph with carried values",
};
