/* Names. A body may use the values of every graph around it; the graph IR has no such thing, so a
 * value that crosses a boundary becomes an explicit input of the body, and of the node that owns
 * the body, once for each boundary. Constants need no input: the body gets its own reference. */
#include "frontend/onnx/reader.h"

Value omitted_value;

Value *scope_find(Reader *r, Scope *s, const char *name)
{
    Value *v = map_get(&s->names, name);
    if (v || !s->outer)
        return v;
    Value *outer = scope_find(r, s->outer, name); /* as deep as bodies nest, which is limited */
    if (!outer || outer == &omitted_value)
        return outer;
    if (outer->data) {
        v = graph_const(s->graph, outer->name, outer->data);
    } else {
        v = graph_input(s->graph, outer->name, outer->type);
        vec_push(r->scratch, &s->captures, (Capture){outer, v});
    }
    map_set(&s->names, name, v);
    return v;
}

Status scope_define(Reader *r, Scope *s, const char *name, Value *v, const char *node)
{
    if (map_has(&s->names, name))
        return well_formed_error(r, node, NULL, "value '%s' is defined twice", name);
    map_set(&s->names, name, v);
    return MLC_OK;
}

const char *scope_graph_name(Reader *r, const Scope *s, const char *name)
{
    const char *renamed = map_get(&s->renamed, name);
    if (renamed || !*s->prefix)
        return renamed ? renamed : name;
    return arena_printf(r->scratch, "%s%s", s->prefix, name);
}

/* The outer values that any of the bodies captures, in order of first use. Values of one graph have
 * different names, so the name is a key. */
static void union_of_captures(Scope *const *bodies, size_t n, Map *outers)
{
    for (size_t b = 0; b < n; b++)
        for (size_t i = 0; i < bodies[b]->captures.len; i++) {
            Value *outer = bodies[b]->captures.at[i].outer;
            map_set(outers, outer->name, outer);
        }
}

static void append_captures(Reader *r, Scope *body, const Map *outers)
{
    Graph *g = body->graph;
    Map inner = map_new(r->scratch);
    for (size_t i = 0; i < body->captures.len; i++)
        map_set(&inner, body->captures.at[i].outer->name, body->captures.at[i].inner);
    for (size_t i = 0; i < outers->len; i++) {
        const Value *outer = outers->at[i].value;
        Value *v = map_get(&inner, outer->name);
        if (v)
            vec_push(g->arena, &g->inputs, v);
        else
            graph_input(g, outer->name, outer->type);
    }
}

void scope_join_captures(Reader *r, RawNode *raw, Scope *const *bodies, size_t n)
{
    Map outers = map_new(r->scratch);
    size_t formal = 0;
    for (size_t b = 0; b < n; b++) {
        Graph *g = bodies[b]->graph;
        g->inputs.len -= bodies[b]->captures.len; /* captures follow the formal inputs */
        formal = MAX(formal, g->inputs.len);
    }
    union_of_captures(bodies, n, &outers);
    if (!outers.len)
        return;
    for (size_t b = 0; b < n; b++) {
        append_captures(r, bodies[b], &outers);
        bodies[b]->graph->captures = (int)outers.len;
    }
    while (raw->in.len < formal) /* omitted inputs at the end of the list */
        vec_push(raw->graph->arena, &raw->in, NULL);
    for (size_t i = 0; i < outers.len; i++)
        vec_push(raw->graph->arena, &raw->in, outers.at[i].value);
}
