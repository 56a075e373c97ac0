/* Graphs: building and changing them. Here, and only here, use lists and name tables are written.
 *
 * Invariant of names: by_name maps the name of every value of the graph to it. */
#include "ir/graph/graph.h"

#include "ir/base/str.h"
#include "ir/graph/op_info.h"

Graph *graph_new(Ctx *c, const char *file, Graph *parent)
{
    Arena *a = parent ? parent->arena : arena_new(c);
    Graph *g = NEW(a, Graph);
    g->ctx = c;
    g->arena = a;
    g->pool = parent ? parent->pool : ex_pool_new(a);
    g->file = file ? arena_strdup(a, file) : NULL;
    g->name = "";
    g->opset = parent ? parent->opset : 0;
    g->parent = parent;
    g->by_name = map_new(a);
    return g;
}

void graph_free(Graph *g)
{
    if (g && !g->parent)
        arena_free(g->arena);
}

/* ---- values ---- */

static const char *fresh_name(Graph *g, const char *base)
{
    for (size_t k = g->values.len;; k++) {
        const char *name = base && *base ? arena_printf(g->arena, "%s_%zu", base, k)
                                         : arena_printf(g->arena, "t%zu", k);
        if (!map_get(&g->by_name, name))
            return name;
    }
}

bool graph_has_name(const Graph *g, const char *name)
{
    const Value *v = map_get(&g->by_name, name);
    return v && !v->made_name;
}

static void set_name(Graph *g, Value *v, const char *name, bool made)
{
    v->name = name;
    v->made_name = made;
    map_set(&g->by_name, name, v);
}

/* Gives v the name, which somebody asked for, if it is free. */
static bool take_name(Graph *g, Value *v, const char *name)
{
    if (!name || !*name || graph_has_name(g, name))
        return false;
    Value *holder = map_get(&g->by_name, name);
    if (holder)
        set_name(g, holder, fresh_name(g, name), true);
    set_name(g, v, arena_strdup(g->arena, name), false);
    return true;
}

Value *graph_value(Graph *g, const char *name, Type type)
{
    assert(g->values.len < UINT32_MAX);
    Value *v = NEW(g->arena, Value);
    v->id = (uint32_t)g->values.len;
    v->graph = g;
    v->type = type;
    vec_push(g->arena, &g->values, v);
    if (!take_name(g, v, name))
        set_name(g, v, fresh_name(g, name), true);
    return v;
}

Value *graph_input(Graph *g, const char *name, Type type)
{
    Value *v = graph_value(g, name, type);
    v->is_input = true;
    vec_push(g->arena, &g->inputs, v);
    return v;
}

Value *graph_const(Graph *g, const char *name, const Tensor *t)
{
    Value *v = graph_value(g, name, type_of_tensor(g->pool, t));
    v->data = t;
    return v;
}

Value *graph_const_ints(Graph *g, const char *name, int n, const int64_t *v)
{
    int64_t dim = n;
    Tensor *t = tensor_new(g->arena, ELEM_I64, n >= 0, &dim);
    memcpy((void *)t->data, v, (size_t)(n < 0 ? 1 : n) * sizeof *v);
    return graph_const(g, name, t);
}

Value *graph_const_f32(Graph *g, const char *name, float v)
{
    Tensor *t = tensor_new(g->arena, ELEM_F32, 0, NULL);
    memcpy((void *)t->data, &v, sizeof v);
    return graph_const(g, name, t);
}

void graph_output(Graph *g, Value *v)
{
    vec_push(g->arena, &g->outputs, v);
    v->noutputs++;
}

bool value_rename(Graph *g, Value *v, const char *name)
{
    if (str_eq(v->name, name)) {
        v->made_name = false;
        return true;
    }
    if (!*name || graph_has_name(g, name))
        return false;
    map_set(&g->by_name, v->name, NULL);
    return take_name(g, v, name);
}

/* ---- uses ---- */

static void add_use(Value *v, Node *n, int index)
{
    if (v)
        vec_push(n->graph->arena, &v->uses, (Use){n, index});
}

static void drop_use(Value *v, const Node *n, int index)
{
    if (!v)
        return;
    for (size_t i = v->uses.len; i-- > 0;) {
        if (v->uses.at[i].node != n || v->uses.at[i].index != index)
            continue;
        memmove(v->uses.at + i, v->uses.at + i + 1, (v->uses.len - i - 1) * sizeof *v->uses.at);
        v->uses.len--;
        return;
    }
    assert(!"use list lacks a use");
}

void graph_set_input(Node *n, int index, Value *v)
{
    assert(index >= 0 && (index < n->nin || (n->op->max_in != VARIADIC && index < n->op->max_in)));
    if (n->in[index] == v)
        return;
    drop_use(n->in[index], n, index);
    n->in[index] = v;
    add_use(v, n, index);
    n->nin = MAX(n->nin, index + 1);
    while (n->nin > n->op->min_in && !n->in[n->nin - 1])
        n->nin--;
}

/* ---- nodes ---- */

static void link_before(Graph *g, Node *n, Node *before)
{
    n->next = before;
    n->prev = before ? before->prev : g->last;
    *(n->prev ? &n->prev->next : &g->first) = n;
    *(before ? &before->prev : &g->last) = n;
}

static int room(int n, int most)
{
    return MAX(n, most == VARIADIC ? 0 : MAX(most, 1));
}

static Node *node_new(Graph *g, Node *before, const OpInfo *op, int nin, Value *const *in, int nout,
                      const void *attrs)
{
    while (nin > op->min_in && !in[nin - 1])
        nin--; /* an omitted input at the end is as good as none */
    Node *n = NEW(g->arena, Node);
    n->id = g->node_count++;
    n->op = op;
    n->graph = g;
    n->nin = nin;
    n->nout = nout;
    n->in = NEW_ARRAY(g->arena, Value *, room(nin, op->max_in));
    n->out = NEW_ARRAY(g->arena, Value *, room(nout, op->max_out));
    if (attrs && op->attrs_size) {
        n->attrs = arena_alloc(g->arena, op->attrs_size, _Alignof(max_align_t));
        memcpy(n->attrs, attrs, op->attrs_size);
    } else {
        n->attrs = attrs_default(g->arena, op);
    }
    for (int i = 0; i < nin; i++) {
        n->in[i] = in[i];
        add_use(in[i], n, i);
    }
    link_before(g, n, before);
    return n;
}

static void set_name_and_origin(Node *n, const char *name, const Node *origin)
{
    Arena *a = n->graph->arena;
    const char *first = NULL;
    for (int i = 0; i < n->nout && !first; i++)
        first = n->out[i] ? n->out[i]->name : NULL;
    n->name = name && *name ? arena_strdup(a, name) : first ? first : "";
    const char **names = NEW_ARRAY(a, const char *, origin ? origin->norigin : 1);
    n->norigin = origin ? origin->norigin : 1;
    names[0] = n->name;
    if (origin)
        memcpy(names, origin->origin, (size_t)origin->norigin * sizeof *names);
    n->origin = names;
}

static Value *new_output(Node *n, int i, const char *name)
{
    Value *v = graph_value(n->graph, name, (Type){0});
    v->def = n;
    v->def_index = i;
    return v;
}

Node *graph_insert(Graph *g, Node *before, const OpInfo *op, const char *name, int nin,
                   Value *const *in, int nout, const void *attrs, const Node *origin)
{
    Node *n = node_new(g, before, op, nin, in, nout, attrs);
    for (int i = 0; i < nout; i++)
        n->out[i] = new_output(n, i, name);
    set_name_and_origin(n, name, origin);
    for (int i = 0; i < nout; i++)
        n->out[i]->made_name = true;
    return n;
}

Node *graph_insert_named(Graph *g, Node *before, const OpInfo *op, const char *name, int nin,
                         Value *const *in, int nout, const char *const *out_names,
                         const void *attrs, const Node *origin)
{
    Node *n = node_new(g, before, op, nin, in, nout, attrs);
    for (int i = 0; i < nout; i++)
        n->out[i] = out_names[i] ? new_output(n, i, out_names[i]) : NULL;
    set_name_and_origin(n, name, origin);
    return n;
}

void graph_erase(Graph *g, Node *n)
{
    assert(n->graph == g);
    for (int i = 0; i < n->nout; i++)
        assert(!n->out[i] || value_is_dead(g, n->out[i]));
    for (int i = 0; i < n->nin; i++)
        drop_use(n->in[i], n, i);
    *(n->prev ? &n->prev->next : &g->first) = n->next;
    *(n->next ? &n->next->prev : &g->last) = n->prev;
    n->prev = n->next = NULL;
    n->graph = NULL;
}

/* ---- replacing ---- */

static void exchange_names(Graph *g, Value *a, Value *b)
{
    const char *name = a->name;
    bool made = a->made_name;
    set_name(g, a, b->name, b->made_name);
    set_name(g, b, name, made);
}

/* What stood for elements of `from` stands for those of `to`. */
static void move_symbols(Graph *g, Value *from, Value *to)
{
    if (!from->symbols)
        return;
    Graph *root = graph_root(g);
    for (size_t i = 0; i < root->sym_defs.len; i++)
        if (root->sym_defs.at[i].v == from)
            root->sym_defs.at[i].v = to;
    if (!to->symbols)
        to->symbols = from->symbols;
    from->symbols = NULL;
}

bool graph_replace(Graph *g, Value *from, Value *to)
{
    if (from == to)
        return false;
    for (size_t i = 0; i < from->uses.len; i++) {
        Use u = from->uses.at[i];
        u.node->in[u.index] = to;
        vec_push(g->arena, &to->uses, u);
    }
    from->uses.len = 0;
    move_symbols(g, from, to);
    if (!graph_is_output(g, from))
        return true;
    if (to->is_input || graph_is_output(g, to))
        return false;
    for (size_t i = 0; i < g->outputs.len; i++) {
        if (g->outputs.at[i] == from)
            g->outputs.at[i] = to;
    }
    to->noutputs = from->noutputs;
    from->noutputs = 0;
    exchange_names(g, from, to);
    return true;
}

void graph_merge_origin(Node *n, const Node *from)
{
    const char **all = NEW_ARRAY(n->graph->arena, const char *, n->norigin + from->norigin);
    memcpy(all, n->origin, (size_t)n->norigin * sizeof *all);
    int len = n->norigin;
    for (int i = 0; i < from->norigin; i++) {
        bool known = false;
        for (int k = 0; k < n->norigin && !known; k++)
            known = str_eq(n->origin[k], from->origin[i]);
        if (!known)
            all[len++] = from->origin[i];
    }
    n->origin = all;
    n->norigin = len;
}

/* ---- questions ---- */

bool graph_is_output(const Graph *g, const Value *v)
{
    (void)g;
    return v->noutputs > 0;
}

int graph_count(const Graph *g)
{
    int n = 0;
    for (const Node *at = g->first; at; at = at->next)
        n++;
    return n;
}

bool value_is_dead(const Graph *g, const Value *v)
{
    return v->uses.len == 0 && !v->symbols && !graph_is_output(g, v);
}

/* ---- messages ---- */

Loc node_loc(const Node *n)
{
    return (Loc){.file = n->graph ? n->graph->file : NULL, .node = n->name, .op = n->op->name};
}

Status node_error(const Node *n, DiagCode code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(n->graph->arena, fmt, ap);
    va_end(ap);
    return diag_error(n->graph->ctx, code, node_loc(n), MLC_INPUT, "%s", text);
}
