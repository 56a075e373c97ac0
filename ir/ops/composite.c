/* Composite operators: what their text says, as a graph of its own.
 *
 *     "%mean = ReduceMean(%0, %1) {keepdims=1}"
 *     "%y = Sub(%0, %mean)"
 *     "out %y"
 *
 * The inputs of that graph, %0 and so on, are stand-ins with the types and the known content of the
 * node's inputs, so that its names cannot meet those of the model. */
#include "ir/ops/check.h"

#include "ir/graph/text.h"

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
static const char *instantiate(const Node *n, const char *text)
{
    Arena *a = n->graph->arena;
    Str s = str_new(a);
    for (const char *at = text; *at;) {
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

/* ---- the graph ---- */

static Graph *open_body(Graph *g, const Node *n)
{
    Graph *body = graph_new(g->ctx, n->op->name, g);
    for (int i = 0; i < n->nin; i++) {
        Type none = {0};
        Value *v = graph_input(body, arena_printf(g->arena, "%d", i),
                               n->in[i] ? n->in[i]->type : none);
        int count;
        v->content = n->in[i] ? value_content(g, n->in[i], &count) : NULL;
    }
    return body;
}

Status op_body(Graph *g, const Node *n, Graph **out)
{
    const char *text = n->op->expand;
    if (n->op->compose) {
        Str s = str_new(g->arena);
        n->op->compose(&s, n);
        text = str_text(&s);
    }
    *out = open_body(g, n);
    return graph_parse_items(*out, instantiate(n, text));
}

Status op_grad_body(Graph *g, const Node *n, Graph **out)
{
    *out = open_body(g, n);
    graph_input(*out, "y", n->out[0]->type);
    graph_input(*out, "d", n->out[0]->type);
    return graph_parse_items(*out, instantiate(n, n->op->grad));
}

Status infer_composite(Graph *g, Node *n)
{
    Graph *body;
    TRY(op_body(g, n, &body));
    TRY(graph_infer(body));
    for (int i = 0; i < n->nout; i++) {
        if (!n->out[i])
            continue;
        if ((size_t)i >= body->outputs.len)
            return node_error(n, E0205, "output %d is not supported", i);
        n->out[i]->type = body->outputs.at[i]->type;
    }
    return MLC_OK;
}
