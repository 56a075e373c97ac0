/* Graph -> GraphProto: constants become initializers, attributes that are not at their default are
 * written, inferred types become value_info.
 *
 * In a body, the inputs that stand for values of the enclosing graph (Graph.captures) are written
 * as uses of those values, which is what ONNX means by them. */
#include "frontend/onnx/encode.h"

enum {
    GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12,
    GRAPH_VALUE_INFO = 13,
    NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7,
    ATTR_NAME = 1, ATTR_F = 2, ATTR_I = 3, ATTR_S = 4, ATTR_T = 5, ATTR_G = 6, ATTR_FLOATS = 7,
    ATTR_INTS = 8, ATTR_STRINGS = 9, ATTR_TYPE = 20,
};

/* AttributeProto.AttributeType. */
static const int attr_type[] = {
    [ATTR_float] = 1,  [ATTR_int] = 2,  [ATTR_str] = 3,  [ATTR_tensor] = 4,
    [ATTR_graph] = 5, [ATTR_floats] = 6, [ATTR_ints] = 7, [ATTR_strs] = 8,
};

/* ---- names ---- */

/* The name as it is, or with a number where another has it. */
static const char *free_name(Encoder *e, Map *taken, const char *name)
{
    const char *free = name;
    for (size_t k = 1; map_has(taken, free); k++)
        free = arena_printf(e->arena, "%s_%zu", name, k < 64 ? k : taken->len + k);
    map_set(taken, free, e);
    return free;
}

static bool is_written(const Value *v)
{
    return v->uses.len || v->noutputs || v->is_input;
}

static const char **name_values(Encoder *e, const Graph *g, const char *const *captured)
{
    const char **names = NEW_ARRAY(e->arena, const char *, g->values.len);
    size_t formal = g->inputs.len - (size_t)g->captures;
    for (size_t i = formal; i < g->inputs.len; i++)
        names[g->inputs.at[i]->id] = captured[i - formal];
    for (size_t i = 0; i < g->values.len; i++) {
        const Value *v = g->values.at[i];
        if (!names[i] && (v->def || v->is_input || (v->data && is_written(v))))
            names[i] = free_name(e, &e->names, v->name);
    }
    return names;
}

/* ---- nodes ---- */

static Status encode_attr(Encoder *e, WireOut *node, const AttrDesc *d, const void *v,
                          const char *const *captured)
{
    WireOut w = wire_out_new(e->arena);
    const Ints *ints = v;
    const Floats *floats = v;
    const Strings *strs = v;
    wire_out_text(&w, ATTR_NAME, d->name);
    switch (d->kind) {
    case ATTR_int:
        wire_out_int(&w, ATTR_I, *(const attr_int *)v);
        break;
    case ATTR_float:
        wire_out_f32(&w, ATTR_F, *(const attr_float *)v);
        break;
    case ATTR_str:
        wire_out_text(&w, ATTR_S, *(const attr_str *)v);
        break;
    case ATTR_ints:
        for (int i = 0; i < ints->n; i++)
            wire_out_int(&w, ATTR_INTS, ints->at[i]);
        break;
    case ATTR_floats:
        for (int i = 0; i < floats->n; i++)
            wire_out_f32(&w, ATTR_FLOATS, floats->at[i]);
        break;
    case ATTR_strs:
        for (int i = 0; i < strs->n; i++)
            wire_out_text(&w, ATTR_STRINGS, strs->at[i]);
        break;
    case ATTR_tensor:
        encode_tensor(e, &w, ATTR_T, NULL, *(const attr_tensor *)v);
        break;
    case ATTR_graph:
        TRY(encode_graph(e, &w, ATTR_G, *(const attr_graph *)v, captured));
        break;
    }
    wire_out_int(&w, ATTR_TYPE, attr_type[d->kind]);
    wire_out_message(node, NODE_ATTRIBUTE, &w);
    return MLC_OK;
}

/* Inputs at the end of a node that its bodies see as captures. */
static int captures_of(const Node *n)
{
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
        if (d->kind == ATTR_graph && !attr_is_absent(d, n->attrs))
            return (*(const attr_graph *)((const char *)n->attrs + d->offset))->captures;
    return 0;
}

static Status encode_attrs(Encoder *e, WireOut *w, const Node *n, const char *const *captured)
{
    const void *dflt = attrs_default(e->arena, n->op);
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
        if (!attr_is_default(d, n->attrs, dflt) && !attr_is_absent(d, n->attrs))
            TRY(encode_attr(e, w, d, (const char *)n->attrs + d->offset, captured));
    return MLC_OK;
}

static Status encode_node(Encoder *e, WireOut *graph, const Node *n, const char **names)
{
    WireOut w = wire_out_new(e->arena);
    int captures = captures_of(n), formal = n->nin - captures;
    const char **captured = NEW_ARRAY(e->arena, const char *, captures);
    for (int i = 0; i < captures; i++)
        captured[i] = names[n->in[formal + i]->id];
    while (formal && !n->in[formal - 1])
        formal--;
    for (int i = 0; i < formal; i++)
        wire_out_text(&w, NODE_INPUT, n->in[i] ? names[n->in[i]->id] : "");
    int nout = n->nout;
    while (nout && !n->out[nout - 1])
        nout--;
    for (int i = 0; i < nout; i++)
        wire_out_text(&w, NODE_OUTPUT, n->out[i] ? names[n->out[i]->id] : "");
    wire_out_text(&w, NODE_NAME, free_name(e, &e->node_names, n->name));
    if (n->op->traits & OP_CUSTOM)
        return node_error(n, E0205, "a model with a custom operator cannot be written as ONNX");
    wire_out_text(&w, NODE_OP, n->op->name);
    TRY(encode_attrs(e, &w, n, captured));
    if (n->op->domain) {
        wire_out_text(&w, NODE_DOMAIN, n->op->domain);
        map_set(&e->domains, n->op->domain, (void *)n->op);
    }
    wire_out_message(graph, GRAPH_NODE, &w);
    return MLC_OK;
}

/* ---- graphs ---- */

/* ONNX gives an output of a body one name of its own: what is listed twice, or stands for something
 * outside, is copied. */
static const char *output_name(Encoder *e, WireOut *w, const Graph *g, size_t i, const char **names)
{
    const Value *v = g->outputs.at[i];
    bool again = false;
    for (size_t k = 0; k < i; k++)
        again |= g->outputs.at[k] == v;
    if (!again && !(g->parent && v->is_input))
        return names[v->id];
    WireOut node = wire_out_new(e->arena);
    const char *name = free_name(e, &e->names, arena_printf(e->arena, "%s_out", v->name));
    wire_out_text(&node, NODE_INPUT, names[v->id]);
    wire_out_text(&node, NODE_OUTPUT, name);
    wire_out_text(&node, NODE_NAME, free_name(e, &e->node_names, name));
    wire_out_text(&node, NODE_OP, "Identity");
    wire_out_message(w, GRAPH_NODE, &node);
    return name;
}

static void encode_infos(Encoder *e, WireOut *w, const Graph *g, const char **names)
{
    for (const Node *n = g->first; n; n = n->next)
        for (int i = 0; i < n->nout; i++)
            if (n->out[i] && !n->out[i]->noutputs && n->out[i]->type.kind != TYPE_NONE)
                encode_value(e, w, GRAPH_VALUE_INFO, names[n->out[i]->id], &n->out[i]->type);
}

Status encode_graph(Encoder *e, WireOut *to, int field, Graph *g, const char *const *in)
{
    WireOut w = wire_out_new(e->arena);
    const char **names = name_values(e, g, in);
    for (Node *n = g->first; n; n = n->next)
        TRY(encode_node(e, &w, n, names));
    const char **out = NEW_ARRAY(e->arena, const char *, g->outputs.len);
    for (size_t i = 0; i < g->outputs.len; i++)
        out[i] = output_name(e, &w, g, i, names);
    wire_out_text(&w, GRAPH_NAME, g->name && *g->name ? g->name : "graph");
    for (size_t i = 0; i < g->values.len; i++) {
        const Value *v = g->values.at[i];
        if (v->data && !v->is_input && is_written(v))
            encode_tensor(e, &w, GRAPH_INITIALIZER, names[i], v->data);
    }
    for (size_t i = 0; i + (size_t)g->captures < g->inputs.len; i++)
        encode_value(e, &w, GRAPH_INPUT, names[g->inputs.at[i]->id], &g->inputs.at[i]->type);
    for (size_t i = 0; i < g->outputs.len; i++)
        encode_value(e, &w, GRAPH_OUTPUT, out[i], &g->outputs.at[i]->type);
    encode_infos(e, &w, g, names);
    wire_out_message(to, field, &w);
    return MLC_OK;
}
