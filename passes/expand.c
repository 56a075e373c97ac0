/* Expand: a node of a composite operator becomes the simpler nodes that its `expand` text says.
 *
 *     "%mean = ReduceMean(%0, %1) {keepdims=1}"
 *     "%y = Sub(%0, %mean)"
 *     "out %y"
 *
 * The text is parsed into a sub-graph of its own, whose inputs are stand-ins with the types of the
 * node's inputs, so that its names cannot meet those of the model; then its nodes move to the place
 * of the node. What they expand to in turn is expanded by the same walk. */
#include "passes/rewrite.h"

#include "ir/graph/text.h"

/* A text that leads back to its own operator would never end. */
enum { MAX_NODES = 100000 };

/* ---- the text of one node ---- */

static void print_f32(Str *s, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    text_print_float(s, ELEM_F32, bits);
}

static void print_element(Str *s, AttrKind kind, const void *list, int i)
{
    if (kind == ATTR_ints)
        str_printf(s, "%lld", (long long)((const Ints *)list)->at[i]);
    else if (kind == ATTR_floats)
        print_f32(s, ((const Floats *)list)->at[i]);
    else
        text_quote(s, ((const Strings *)list)->at[i]);
}

/* Ints, Floats and Strings begin alike: {set, n}. */
static void print_list(Str *s, AttrKind kind, const void *list)
{
    const Ints *head = list;
    for (int i = 0; i < head->n; i++) {
        str_add(s, i ? "," : "[");
        print_element(s, kind, list, i);
    }
    str_add(s, head->n ? "]" : head->set ? "[]" : "none");
}

static void print_attr(Str *s, const AttrDesc *d, const void *v)
{
    switch (d->kind) {
    case ATTR_int:
        if (*(const attr_int *)v == ATTR_INT_ABSENT)
            str_add(s, "none");
        else
            str_printf(s, "%lld", (long long)*(const attr_int *)v);
        break;
    case ATTR_float:
        print_f32(s, *(const attr_float *)v);
        break;
    case ATTR_str:
        if (*(const attr_str *)v)
            text_quote(s, *(const attr_str *)v);
        else
            str_add(s, "none");
        break;
    case ATTR_ints:
    case ATTR_floats:
    case ATTR_strs:
        print_list(s, d->kind, v);
        break;
    case ATTR_tensor:
        if (*(const attr_tensor *)v)
            text_print_tensor(s, *(const attr_tensor *)v);
        else
            str_add(s, "none");
        break;
    case ATTR_graph:
        assert(!"a sub-graph cannot be named in an expansion");
        break;
    }
}

static size_t word_length(const char *at)
{
    size_t n = 0;
    while (at[n] == '_' || (at[n] >= 'a' && at[n] <= 'z') || (at[n] >= 'A' && at[n] <= 'Z') ||
           (at[n] >= '0' && at[n] <= '9'))
        n++;
    return n;
}

static void print_named_attr(Str *s, const Node *n, const char *name)
{
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++) {
        if (str_eq(d->name, name))
            print_attr(s, d, (const char *)n->attrs + d->offset);
    }
}

/* %k of an omitted input. */
static bool is_omitted(const Node *n, const char *word)
{
    if (*word < '0' || *word > '9')
        return false;
    int k = 0;
    for (const char *c = word; *c >= '0' && *c <= '9' && k < VARIADIC; c++)
        k = k * 10 + (*c - '0');
    return k >= n->nin || !n->in[k];
}

/* The text with attributes filled in and omitted inputs written as _. */
static const char *instantiate(const Node *n)
{
    Arena *a = n->graph->arena;
    Str s = str_new(a);
    for (const char *at = n->op->expand; *at;) {
        size_t len = *at == '$' || *at == '%' ? word_length(at + 1) : 0;
        if (!len) {
            str_addc(&s, *at++);
            continue;
        }
        const char *word = arena_strndup(a, at + 1, len);
        if (*at == '$')
            print_named_attr(&s, n, word);
        else if (is_omitted(n, word))
            str_addc(&s, '_');
        else
            str_printf(&s, "%%%s", word);
        at += len + 1;
    }
    return str_text(&s);
}

/* ---- into the graph ---- */

static void adopt_bodies(Graph *g, const Node *n)
{
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++) {
        Graph *body = d->kind == ATTR_graph ? *(Graph **)((char *)n->attrs + d->offset) : NULL;
        if (body)
            body->parent = g;
    }
}

/* The value of the graph that stands for one of the expansion; map is by its id. */
static Value *mapped(Graph *g, Value **map, Value *v)
{
    if (v && !map[v->id] && v->data)
        map[v->id] = graph_const(g, v->name, v->data);
    return v ? map[v->id] : NULL;
}

static Status move_nodes(Graph *g, Node *at, const Graph *body, Value **map)
{
    for (const Node *n = body->first; n; n = n->next) {
        Value **in = NEW_ARRAY(g->arena, Value *, n->nin);
        for (int i = 0; i < n->nin; i++)
            in[i] = mapped(g, map, n->in[i]);
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

/* Output v of node n is `to` from now on. What cannot take over the name of a graph output (an input
 * of the graph, another output) is passed through Identity. */
static Status connect(Graph *g, Node *n, Value *v, Value *to)
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

static Status expand_node(Graph *g, Node *n)
{
    Graph *body = graph_new(g->ctx, n->op->name, g);
    for (int i = 0; i < n->nin; i++) {
        Type none = {0};
        graph_input(body, arena_printf(g->arena, "%d", i), n->in[i] ? n->in[i]->type : none);
    }
    TRY(graph_parse_items(body, instantiate(n)));
    Value **map = NEW_ARRAY(g->arena, Value *, body->values.len);
    for (int i = 0; i < n->nin; i++)
        map[body->inputs.at[i]->id] = n->in[i];
    TRY(move_nodes(g, n, body, map));
    for (int i = 0; i < n->nout; i++) {
        if (!n->out[i])
            continue;
        if ((size_t)i >= body->outputs.len)
            return node_error(n, E0205, "output %d is not supported", i);
        TRY(connect(g, n, n->out[i], mapped(g, map, body->outputs.at[i])));
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
    return n->op->expand && (!n->op->expand_if || is_private(n));
}

static Status expand_nodes(Graph *g, bool (*wanted)(const Node *n))
{
    int made = 0;
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
        next = before ? before->next : g->first;
    }
    return MLC_OK;
}

Status pass_expand(Graph *g)
{
    return expand_nodes(g, is_composite);
}

Status expand_private(Graph *g)
{
    return expand_nodes(g, is_private);
}
