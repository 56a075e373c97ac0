/* Expand: a node of a composite operator becomes the simpler nodes that its text says: op_body(), a
 * graph of its own, whose nodes move to the place of the node. What they expand to in turn is
 * expanded by the same walk. */
#include "passes/rewrite.h"

/* A text that leads back to its own operator would never end. */
enum { MAX_NODES = 100000 };

/* ---- into the graph ---- */

static void adopt_bodies(Graph *g, const Node *n)
{
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++) {
        Graph *body = d->kind == ATTR_graph ? *(Graph **)((char *)n->attrs + d->offset) : NULL;
        if (body)
            body->parent = g;
    }
}

Value *mapped_value(Graph *g, Value **map, Value *v)
{
    if (v && !map[v->id] && v->data)
        map[v->id] = graph_const(g, v->name, v->data);
    return v ? map[v->id] : NULL;
}

Status insert_body(Graph *g, Node *at, const Graph *body, Value **map)
{
    for (const Node *n = body->first; n; n = n->next) {
        Value **in = NEW_ARRAY(g->arena, Value *, n->nin);
        for (int i = 0; i < n->nin; i++)
            in[i] = mapped_value(g, map, n->in[i]);
        const char *name = arena_printf(g->arena, "%s.%s", at->name, n->name);
        Node *made = graph_insert(g, at, n->op, name, n->nin, in, n->nout, n->attrs, at);
        adopt_bodies(g, made);
        TRY(graph_infer_node(g, made));
        for (int i = 0; i < n->nout; i++) {
            if (n->out[i])
                map[n->out[i]->id] = made->out[i];
        }
    }
    return MLC_OK;
}

Status replace_output(Graph *g, Node *n, Value *v, Value *to)
{
    if (graph_is_output(g, v) && (to->is_input || graph_is_output(g, to))) {
        Node *copy = insert_inferred(g, n, "Identity", 1, &to, NULL);
        if (!copy)
            return node_error(n, E0205, "output '%s' is another value of the graph", v->name);
        to = copy->out[0];
    }
    const char *name = v->name;
    graph_replace(g, v, to);
    if (to->def)
        value_take_name(g, v, to, name);
    return MLC_OK;
}

Status insert_text(Graph *g, Node *at, const char *text, int nin, Value *const *in, int *nout,
                   Value ***out)
{
    Graph *body = graph_new(g->ctx, at->op->name, g);
    for (int i = 0; i < nin; i++) {
        Type none = {0};
        graph_input(body, arena_printf(g->arena, "%d", i), in[i] ? in[i]->type : none);
    }
    TRY(graph_parse_items(body, text));
    Value **map = NEW_ARRAY(g->arena, Value *, body->values.len);
    for (int i = 0; i < nin; i++)
        map[body->inputs.at[i]->id] = in[i];
    TRY(insert_body(g, at, body, map));
    *nout = (int)body->outputs.len;
    *out = NEW_ARRAY(g->arena, Value *, *nout);
    for (int i = 0; i < *nout; i++)
        (*out)[i] = mapped_value(g, map, body->outputs.at[i]);
    return MLC_OK;
}

static Status expand_node(Graph *g, Node *n)
{
    Graph *body;
    TRY(op_body(g, n, &body));
    Value **map = NEW_ARRAY(g->arena, Value *, body->values.len);
    for (int i = 0; i < n->nin; i++)
        map[body->inputs.at[i]->id] = n->in[i];
    TRY(insert_body(g, n, body, map));
    for (int i = 0; i < n->nout; i++) {
        if (!n->out[i])
            continue;
        if ((size_t)i >= body->outputs.len)
            return node_error(n, E0205, "output %d is not supported", i);
        TRY(replace_output(g, n, n->out[i], mapped_value(g, map, body->outputs.at[i])));
    }
    graph_erase(g, n);
    return MLC_OK;
}

static bool is_private(const Node *n)
{
    return n->op->expand_if && node_attr_int(n, n->op->expand_if, 0);
}

static bool is_composite(const Node *n)
{
    return (n->op->expand && (!n->op->expand_if || is_private(n))) || n->op->compose;
}

static Status expand_nodes(Graph *g, bool (*wanted)(const Node *n))
{
    int made = 0, expanded = 0;
    for (Node *n = g->first, *next; n; n = next) {
        next = n->next;
        if (!wanted(n))
            continue;
        Node *before = n->prev;
        if (made++ > MAX_NODES)
            return node_error(n, E0901, "the expansion of '%s' does not end", n->op->name);
        if (!pass_step(g))
            continue;
        TRY(expand_node(g, n));
        expanded++;
        next = before ? before->next : g->first;
    }
    return expanded ? graph_infer(g) : MLC_OK; /* sizes of the run have other names now */
}

Status pass_expand(Graph *g)
{
    return expand_nodes(g, is_composite);
}

Status expand_private(Graph *g)
{
    return expand_nodes(g, is_private);
}
