/* If: the results of one of two graphs.  A dimension in which they differ is found out by the run. Where
 * the branches give different ranks, the nodes behind can often take only one of them: that branch is
 * what the model means (`x.shape[-1] == 1 ? squeeze(x) : x` before what needs a matrix), and a run in
 * which the condition says otherwise fails. */
#include "ir/ops/columns.h"
#include "ir/ops/control.h"
#include "ir/ops/trial.h"

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
static bool ranks_agree(const Graph *g, const Value *out, const Type *a, const Type *b)
{
    return a->rank == b->rank ||
           (is_one_element(a) && is_one_element(b) && (g->parent || !graph_is_output(g, out)));
}

static Status join_types(Graph *g, Node *n, int i, const Type *a, const Type *b)
{
    if (a->elem != b->elem)
        return node_error(n, E0206, "output %d is %s in one branch and %s in the other", i,
                          elem_name[a->elem], elem_name[b->elem]);
    if (!ranks_agree(g, n->out[i], a, b))
        return node_error(n, E0303, "output %d has rank %d in one branch and %d in the other", i,
                          a->rank, b->rank);
    if (a->rank != b->rank) {
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

static const Type *type_of(const Graph *body, int i)
{
    return &body->outputs.at[i]->type;
}

/* The outputs are those of one branch. */
static Status take_branch(Graph *g, Node *n, Graph *body)
{
    for (int i = 0; i < n->nout; i++) {
        const Type *t = NULL;
        if (!n->out[i])
            continue;
        if (type_is_composite(type_of(body, i))) {
            n->out[i]->type = *type_of(body, i);
            continue;
        }
        TRY(body_output(n, body, (size_t)i, &t));
        TRY(join_types(g, n, i, t, t));
        take_output(g, n->out[i], body->outputs.at[i]);
    }
    return MLC_OK;
}

/* The branch that the rest of the graph needs, where the ranks differ: 0 or 1, or -1 where both or
 * none would do. */
static int needed_branch(Graph *g, Node *n, Graph *const body[2])
{
    bool can[2];
    if (trial_ends(g))
        return -1;
    for (int b = 0; b < 2; b++)
        can[b] = take_branch(g, n, body[b]) == MLC_OK && trial_goes_on(g, n);
    return can[0] == can[1] ? -1 : can[1];
}

static Status infer_bodies(Node *n, Graph *const body[2], int only)
{
    for (int b = 0; b < 2; b++) {
        body[b]->unreached = only == !b;
        if (body[b]->unreached)
            continue;
        TRY(body_captures(n, body[b]));
        TRY(graph_infer(body[b]));
        if ((int)body[b]->outputs.len != n->nout)
            return node_error(n, E0202, "the node has %d outputs, a branch %zu", n->nout,
                              body[b]->outputs.len);
    }
    return MLC_OK;
}

static Status join_outputs(Graph *g, Node *n, int i, const Type *a, const Type *b)
{
    if (!type_is_composite(a) && !type_is_composite(b))
        return join_types(g, n, i, a, b);
    if (!type_join(g, a, b, &n->out[i]->type))
        return node_error(n, E0206, "output %d is of different kinds in the branches", i);
    return MLC_OK;
}

static Status infer_if(Graph *g, Node *n)
{
    const IfAttrs *a = n->attrs;
    Graph *body[2] = {a->then_branch, a->else_branch};
    bool cond, agree = true;
    if (!n->in[0]) /* the captured values may be omitted, not this */
        return node_error(n, E0202, "the condition is omitted");
    TRY(node_need_elem(n, 0, IS_BOOL));
    bool known = known_condition(n, &cond);
    TRY(infer_bodies(n, body, known ? !cond : -1));
    if (known)
        return take_branch(g, n, body[!cond]);
    for (int i = 0; i < n->nout; i++) {
        const Type *t[2] = {NULL, NULL};
        if (type_is_composite(type_of(body[0], i)) || type_is_composite(type_of(body[1], i)))
            continue;
        for (int b = 0; b < 2 && n->out[i]; b++)
            TRY(body_output(n, body[b], (size_t)i, &t[b]));
        agree = agree && (!n->out[i] || ranks_agree(g, n->out[i], t[0], t[1]));
    }
    int needed = agree ? -1 : needed_branch(g, n, body);
    if (needed >= 0) {
        body[!needed]->unreached = true;
        return take_branch(g, n, body[needed]);
    }
    for (int i = 0; i < n->nout; i++)
        if (n->out[i])
            TRY(join_outputs(g, n, i, type_of(body[0], i), type_of(body[1], i)));
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
    if (a->then_branch->unreached || a->else_branch->unreached) {
        te_require_equal(t, c, te_int(t, a->else_branch->unreached));
        define_branch(t, n, a->else_branch->unreached ? a->then_branch : a->else_branch, true);
        return;
    }
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
