/* The part of a graph between values.
 *
 * What is needed is found backwards from the outputs, since nodes stand in topological order; then
 * it is copied front to back. Types and known content are copied too, not inferred again: what
 * determined them may lie outside of the part. */
#include "ir/graph/op_info.h"

#include "ir/base/str.h"

typedef struct Cut {
    Graph *from, *to;
    bool *is_in;  /* by the id of a value: it is an input of the part */
    bool *needed; /* value by id */
    Value **copy; /* value by id */
} Cut;

/* Marks what the values marked already need, through nodes up to the inputs of the part. */
static void mark_needed(const Cut *c, bool *needed)
{
    for (Node *n = c->from->last; n; n = n->prev) {
        bool any = false;
        for (int i = 0; i < n->nout; i++)
            any |= n->out[i] && needed[n->out[i]->id] && !c->is_in[n->out[i]->id];
        for (int i = 0; any && i < n->nin; i++)
            if (n->in[i])
                needed[n->in[i]->id] = true;
    }
}

/* Reports graph inputs that one output needs and the part does not have. */
static Status check_output(const Cut *c, const Value *out)
{
    Graph *g = c->from;
    Str missing = str_new(g->arena), more = str_new(g->arena);
    bool *needed = NEW_ARRAY(g->arena, bool, g->values.len);
    needed[out->id] = true;
    mark_needed(c, needed);
    for (size_t i = 0; i < g->inputs.len; i++) {
        const Value *v = g->inputs.at[i];
        if (!needed[v->id] || c->is_in[v->id])
            continue;
        str_printf(&missing, "%s'%s'", missing.len ? ", " : "", v->name);
        str_printf(&more, ",%s", v->name);
    }
    if (!missing.len)
        return MLC_OK;
    diag_error(g->ctx, E0502, (Loc){.file = g->file}, MLC_USAGE,
               "output '%s' of the part also needs the graph's input %s", out->name,
               str_text(&missing));
    diag_help(g->ctx, "add to the inputs: %s", str_text(&more) + 1);
    return MLC_USAGE;
}

static Value *copied(Cut *c, Value *v)
{
    if (!v)
        return NULL;
    if (!c->copy[v->id] && v->data)
        c->copy[v->id] = graph_const(c->to, v->name, v->data);
    return c->copy[v->id];
}

static void copy_outputs(Cut *c, const Node *n, const Node *made)
{
    for (int i = 0; i < n->nout; i++) {
        Value *v = n->out[i];
        if (!v)
            continue;
        made->out[i]->type = v->type;
        made->out[i]->content = v->content;
        if (!c->is_in[v->id])
            c->copy[v->id] = made->out[i];
    }
}

static void copy_node(Cut *c, Node *n)
{
    Graph *g = c->to;
    Value **in = NEW_ARRAY(g->arena, Value *, n->nin);
    const char **names = NEW_ARRAY(g->arena, const char *, n->nout);
    for (int i = 0; i < n->nin; i++)
        in[i] = copied(c, n->in[i]);
    for (int i = 0; i < n->nout; i++) {
        names[i] = n->out[i] ? n->out[i]->name : NULL;
        /* An output whose place an input of the part takes. */
        for (int k = 1; names[i] && graph_has_name(g, names[i]); k++)
            names[i] = arena_printf(g->arena, "%s_%d", n->out[i]->name, k);
    }
    Node *made = graph_insert_named(g, NULL, n->op, n->name, n->nin, in, n->nout, names, n->attrs,
                                    n);
    copy_outputs(c, n, made);
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
        if (d->kind == ATTR_graph && !attr_is_absent(d, n->attrs))
            (*(Graph **)((char *)n->attrs + d->offset))->parent = g;
}

static bool node_is_needed(const Cut *c, const Node *n)
{
    for (int i = 0; i < n->nout; i++)
        if (n->out[i] && c->needed[n->out[i]->id] && !c->is_in[n->out[i]->id])
            return true;
    return false;
}

static Status check(Cut *c, size_t nout, Value *const *out)
{
    Status s = MLC_OK;
    for (size_t i = 0; i < nout; i++) {
        if (c->is_in[out[i]->id]) {
            s = diag_error(c->from->ctx, E0502, (Loc){.file = c->from->file}, MLC_USAGE,
                           "'%s' is both an input and an output of the part", out[i]->name);
            continue;
        }
        c->needed[out[i]->id] = true;
        if (check_output(c, out[i]) != MLC_OK)
            s = MLC_USAGE;
    }
    return s;
}

Status graph_cut(Graph *g, size_t nin, Value *const *in, size_t nout, Value *const *out,
                 Graph **cut)
{
    Cut c = {
        .from = g,
        .is_in = NEW_ARRAY(g->arena, bool, g->values.len),
        .needed = NEW_ARRAY(g->arena, bool, g->values.len),
        .copy = NEW_ARRAY(g->arena, Value *, g->values.len),
    };
    for (size_t i = 0; i < nin; i++)
        c.is_in[in[i]->id] = true;
    TRY(check(&c, nout, out));
    mark_needed(&c, c.needed);
    c.to = graph_new(g->ctx, g->file, g);
    c.to->parent = NULL;
    c.to->name = g->name;
    for (size_t i = 0; i < nin; i++)
        if (!c.copy[in[i]->id])
            c.copy[in[i]->id] = graph_input(c.to, in[i]->name, in[i]->type);
    for (Node *n = g->first; n; n = n->next)
        if (node_is_needed(&c, n))
            copy_node(&c, n);
    for (size_t i = 0; i < nout; i++) {
        Value *v = copied(&c, out[i]);
        if (!v->noutputs)
            graph_output(c.to, v);
    }
    *cut = c.to;
    return MLC_OK;
}
