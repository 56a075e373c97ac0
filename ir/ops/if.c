/* If: the results of one of two graphs.  A dimension in which they differ is found out by the run. */
#include "ir/ops/control.h"

#define IF_ATTRS(A, S)                                        \
    A(S, graph, then_branch, NULL, "where the condition holds") \
    A(S, graph, else_branch, NULL, "where it does not")
ATTRS(IfAttrs, IF_ATTRS);

static bool known_condition(const Node *n, bool *cond)
{
    int count;
    const Ex *c = value_content(n->graph, n->in[0], &count);
    int64_t v;
    if (!c || count != 1 || !ex_is_int(c[0], &v))
        return false;
    *cond = v != 0;
    return true;
}

static bool is_one_element(const Type *t)
{
    for (int k = 0; k < t->rank; k++)
        if (!ex_is(t->dim[k], 1))
            return false;
    return true;
}

/* One element of different ranks is the same to those that broadcast: it gets the greater one. As an
 * output of the model its rank would show. */
static Status join_types(Graph *g, Node *n, int i, const Type *a, const Type *b)
{
    if (a->elem != b->elem)
        return node_error(n, E0206, "output %d is %s in one branch and %s in the other", i,
                          elem_name[a->elem], elem_name[b->elem]);
    if (a->rank != b->rank) {
        if (!is_one_element(a) || !is_one_element(b) || (!g->parent && graph_is_output(g, n->out[i])))
            return node_error(n, E0303, "output %d has rank %d in one branch and %d in the other", i,
                              a->rank, b->rank);
        n->out[i]->type = a->rank > b->rank ? *a : *b;
        return MLC_OK;
    }
    Type t = *a;
    for (int k = 0; k < a->rank; k++)
        if (a->dim[k] != b->dim[k] || ex_is_run_time(g->pool, a->dim[k]))
            t.dim[k] = assigned_dim(g, n->out[i], k);
    n->out[i]->type = t;
    return MLC_OK;
}

/* What the one branch that runs says of output i; not where it speaks of elements of the run, which
 * are found out inside. */
static void take_output(Graph *g, Value *out, const Value *from)
{
    int count;
    const Ex *content = value_content(g, from, &count);
    for (int k = 0; content && k < count; k++)
        if (ex_is_run_time(g->pool, content[k]))
            return;
    out->content = content;
}

static Status infer_if(Graph *g, Node *n)
{
    const IfAttrs *a = n->attrs;
    Graph *body[2] = {a->then_branch, a->else_branch};
    bool cond, known = known_condition(n, &cond);
    TRY(node_need_elem(n, 0, IS_BOOL));
    for (int b = 0; b < 2; b++) {
        body[b]->unreached = known && cond == (b == 1);
        if (body[b]->unreached)
            continue;
        TRY(body_captures(n, body[b]));
        TRY(graph_infer(body[b]));
        if ((int)body[b]->outputs.len != n->nout)
            return node_error(n, E0202, "the node has %d outputs, a branch %zu", n->nout,
                              body[b]->outputs.len);
    }
    for (int i = 0; i < n->nout; i++) {
        const Type *t[2] = {NULL, NULL};
        if (!n->out[i])
            continue;
        for (int b = 0; b < 2; b++)
            if (!known || cond == (b == 0))
                TRY(body_output(n, body[b], (size_t)i, &t[b]));
        if (known) {
            TRY(join_types(g, n, i, t[cond ? 0 : 1], t[cond ? 0 : 1]));
            take_output(g, n->out[i], body[cond ? 0 : 1]->outputs.at[i]);
        } else {
            TRY(join_types(g, n, i, t[0], t[1]));
        }
    }
    return MLC_OK;
}

static void define_branch(Te *t, const Node *n, const Graph *body, bool always)
{
    te_bind_captures(t, n, body);
    te_graph(t, body);
    for (int i = 0; i < n->nout; i++) {
        Tx out = te_out(t, i);
        if (!out)
            continue;
        Tx from = te_value(t, body->outputs.at[i]);
        if (always) {
            te_set_dims(t, &n->out[i]->type, &body->outputs.at[i]->type);
            te_stage(t, out);
            te_yield(t, te_load(t, from, t->stage->axis));
        } else {
            if (n->out[i]->type.rank == body->outputs.at[i]->type.rank)
                te_set_dims(t, &n->out[i]->type, &body->outputs.at[i]->type);
            te_move(t, out, from);
        }
    }
}

static void define_if(Te *t, const Node *n)
{
    const IfAttrs *a = n->attrs;
    bool cond;
    if (known_condition(n, &cond)) {
        define_branch(t, n, cond ? a->then_branch : a->else_branch, true);
        return;
    }
    Ex c = te_symbol(t, "condition", 0, 1);
    te_set_element(t, c, te_in(t, 0), te_int(t, 0));
    te_if(t, c);
    define_branch(t, n, a->then_branch, false);
    te_else(t);
    define_branch(t, n, a->else_branch, false);
    te_end(t);
}

OP(if_) = {
    .name = "If", .since = {1, 11, 13, 16, 19, 21, 23, 24, 25}, .min_in = 1, .max_in = VARIADIC,
    .max_out = VARIADIC, .min_out = 1, .traits = OP_CONTROL | OP_GAPS, ATTRS_OF(IfAttrs), .infer = infer_if,
    .define = define_if, .doc = "cond ? then_branch() : else_branch()",
};
