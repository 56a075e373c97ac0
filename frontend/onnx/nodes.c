/* GraphProto -> Graph: initializers, inputs, nodes in topological order, outputs.
 *
 * A node that cannot be understood does not stop the reading: its outputs become values without a
 * definition, so that one run reports everything that is wrong. */
#include "frontend/onnx/reader.h"

enum { MOST_NODE_ERRORS = 20 };

static const char *text(const char *s)
{
    return s ? s : "";
}

/* ---- nodes ---- */
static Status resolve_inputs(Reader *r, Scope *s, const Onnx__NodeProto *p, RawNode *raw)
{
    size_t n = p->n_input;
    while (n && !*p->input[n - 1])
        n--;
    for (size_t i = 0; i < n; i++) {
        Value *v = *p->input[i] ? scope_find(r, s, p->input[i]) : NULL;
        if (*p->input[i] && !v)
            return well_formed_error(r, raw->name, raw->op, "input %zu, '%s', is not defined", i,
                                     p->input[i]);
        vec_push(r->arena, &raw->in, v == &omitted_value ? NULL : v);
    }
    while (raw->in.len && !vec_last(&raw->in))
        raw->in.len--; /* inputs that the call of a function omits */
    return MLC_OK;
}

/* Values that the upgrade of an operator made have names of no importance: they give way. */
static void free_name(Reader *r, Graph *g, const char *name)
{
    Value *taken = map_get(&g->by_name, name);
    for (unsigned k = 0; taken && k < 8; k++)
        if (value_rename(g, taken, arena_printf(r->scratch, "%s_%u", name, taken->id + k)))
            return;
}

static void name_outputs(Reader *r, Scope *s, const Onnx__NodeProto *p, RawNode *raw)
{
    size_t n = p->n_output;
    while (n && !*p->output[n - 1])
        n--;
    const char **names = NEW_ARRAY(r->arena, const char *, n);
    for (size_t i = 0; i < n; i++)
        if (*p->output[i])
            names[i] = arena_strdup(r->arena, scope_graph_name(r, s, p->output[i]));
    for (size_t i = 0; i < n; i++)
        if (names[i])
            free_name(r, s->graph, names[i]);
    raw->nout = (int)n;
    raw->out_names = names;
}

static Status define_outputs(Reader *r, Scope *s, const Onnx__NodeProto *p, const RawNode *raw,
                             const Node *n)
{
    for (int i = 0; i < raw->nout; i++) {
        if (!raw->out_names[i])
            continue;
        Value *v = n ? n->out[i] : graph_value(s->graph, raw->out_names[i], (Type){.rank = -1});
        TRY(scope_define(r, s, p->output[i], v, raw->name));
    }
    return MLC_OK;
}

static Status read_constant(Reader *r, Scope *s, const Onnx__NodeProto *p, const RawNode *raw)
{
    const Tensor *t;
    TRY(attr_constant(r, raw, &t));
    if (raw->nout != 1)
        return diag_error(r->ctx, E0202, raw_loc(raw), MLC_INPUT,
                          "'Constant' has %d outputs, not one", raw->nout);
    return scope_define(r, s, p->output[0], graph_const(s->graph, raw->out_names[0], t), raw->name);
}

/* Counts a cause that many nodes share; it is reported when the model was read. */
static void count_cause(Reader *r, const RawNode *raw, const char *op)
{
    const char *domain = text(raw->domain);
    const char *key = arena_printf(r->scratch, "%s\n%s\n%d", domain, op ? op : "", raw->version);
    NodeCause *u = map_get(&r->causes, key);
    if (!u) {
        u = NEW(r->scratch, NodeCause);
        *u = (NodeCause){domain, op, raw->version, raw_loc(raw), 0};
        map_set(&r->causes, key, u);
    }
    u->nodes++;
}

static bool is_known(const RawNode *raw)
{
    const OpInfo *op = op_find_for(raw->graph->ctx, raw->domain, raw->op);
    return op && raw->version >= op->since[0];
}

/* The node itself. MLC_INPUT: it was reported, and its outputs are still to be defined. */
static Status make_node(Reader *r, Scope *s, const Onnx__NodeProto *p, RawNode *raw, Node **made,
                        bool *defined)
{
    ScopeList bodies = {0};
    TRY(resolve_inputs(r, s, p, raw));
    TRY(attrs_read(r, s, p, raw, &bodies));
    const Function *f = is_known(raw) ? NULL : function_find(r, p);
    *defined = true;
    if (f)
        return function_expand(r, s, f, raw, p);
    if (!*text(raw->domain) && str_eq(raw->op, "Constant"))
        return read_constant(r, s, p, raw);
    *defined = false;
    if (!is_known(raw)) {
        count_cause(r, raw, raw->version ? raw->op : NULL);
        return MLC_OK;
    }
    scope_join_captures(r, raw, bodies.at, bodies.len);
    return op_make(raw, made);
}

/* A node takes about a kilobyte, of a few bytes in the file; functions multiply. */
static Status check_memory(Reader *r)
{
    size_t used = r->ctx->memory_used - r->memory_before;
    if (used <= r->limits.max_memory)
        return MLC_OK;
    diag_error(r->ctx, E0104, (Loc){.file = r->path}, MLC_INPUT,
               "reading takes more than %zu bytes of memory, functions expanded",
               r->limits.max_memory);
    diag_help(r->ctx, "raise the limit: -X memory-limit=SIZE");
    return MLC_INPUT;
}

static Status read_node(Reader *r, Scope *s, const Onnx__NodeProto *p)
{
    const char *domain = domain_of(p->domain), *label = node_label(p);
    bool expanded = *s->prefix != '\0';
    RawNode raw = {
        .graph = s->graph,
        .op = arena_strdup(r->arena, text(p->op_type)),
        .domain = *domain ? arena_strdup(r->arena, domain) : NULL,
        .name = expanded ? arena_printf(r->arena, "%s%s", s->prefix, label)
                         : arena_strdup(r->arena, label),
        .version = (int)opset_of(s->opsets, domain),
    };
    Node *made = NULL;
    bool defined = false;
    TRY(check_memory(r));
    if (!*raw.op)
        return well_formed_error(r, raw.name, NULL, "the node has no operator type");
    name_outputs(r, s, p, &raw);
    Status status = make_node(r, s, p, &raw, &made, &defined);
    if (status != MLC_OK && status != MLC_INPUT)
        return status;
    if (status == MLC_INPUT && (defined || ++r->node_errors >= MOST_NODE_ERRORS))
        return MLC_INPUT;
    return defined ? MLC_OK : define_outputs(r, s, p, &raw, made);
}

Status nodes_read(Reader *r, Scope *s, Onnx__NodeProto *const *nodes, size_t n)
{
    const uint32_t *order;
    r->nodes += (int64_t)n;
    if (r->nodes > r->limits.max_nodes)
        return diag_error(r->ctx, E0104, (Loc){.file = r->path}, MLC_INPUT,
                          "the model has more than %lld nodes, functions expanded",
                          (long long)r->limits.max_nodes);
    TRY(order_nodes(r, nodes, n, &order));
    for (size_t i = 0; i < n; i++)
        TRY(read_node(r, s, nodes[order[i]]));
    return MLC_OK;
}

/* ---- the rest of a graph ---- */
static Status define_constant(Reader *r, Scope *s, const char *name, const Tensor *t)
{
    if (!*name)
        return well_formed_error(r, NULL, NULL, "an initializer has no name");
    return scope_define(r, s, name, graph_const(s->graph, scope_graph_name(r, s, name), t), NULL);
}

static Status read_initializers(Reader *r, Scope *s, const Onnx__GraphProto *p)
{
    const Tensor *t;
    for (size_t i = 0; i < p->n_initializer; i++) {
        TRY(tensor_from_proto(&r->tensors, p->initializer[i], &t));
        TRY(define_constant(r, s, text(p->initializer[i]->name), t));
    }
    for (size_t i = 0; i < p->n_sparse_initializer; i++) {
        TRY(tensor_from_sparse(&r->tensors, p->sparse_initializer[i], &t));
        TRY(define_constant(r, s, text(p->sparse_initializer[i]->values->name), t));
    }
    return MLC_OK;
}

static Status read_inputs(Reader *r, Scope *s, const Onnx__GraphProto *p)
{
    for (size_t i = 0; i < p->n_input; i++) {
        const char *name = text(p->input[i]->name);
        Value *v = map_get(&s->names, name);
        Type t = {.rank = -1};
        if (!*name)
            return well_formed_error(r, NULL, NULL, "graph input %zu has no name", i);
        if (v && v->data && !v->uses.len && !s->outer)
            continue; /* an initializer: a default that this compiler makes final */
        if (p->input[i]->type || !s->outer)
            TRY(type_read(r, p->input[i]->type, name, s->outer != NULL, &t));
        v = graph_input(s->graph, scope_graph_name(r, s, name), t);
        TRY(scope_define(r, s, name, v, NULL));
    }
    return MLC_OK;
}

/* Gives a graph output the name it has in the file. A value that already has a name of its own, an
 * input that a function hands through, is copied. */
static Status name_output(Reader *r, Scope *s, const char *name, Value **v)
{
    Value *taken = map_get(&s->graph->by_name, name);
    if (taken == *v || s->outer)
        return MLC_OK;
    free_name(r, s->graph, name);
    if (!(*v)->is_input && !graph_is_output(s->graph, *v)) {
        value_rename(s->graph, *v, name);
        return MLC_OK;
    }
    RawNode raw = {.graph = s->graph,
                   .op = "Identity",
                   .name = name,
                   .version = s->graph->opset,
                   .nout = 1,
                   .out_names = &name};
    Node *n;
    vec_push(r->arena, &raw.in, *v);
    TRY(op_make(&raw, &n));
    *v = n->out[0];
    return MLC_OK;
}

static Status read_outputs(Reader *r, Scope *s, const Onnx__GraphProto *p)
{
    Map seen = map_new(r->scratch);
    for (size_t i = 0; i < p->n_output; i++) {
        const char *name = text(p->output[i]->name);
        Value *v = *name ? scope_find(r, s, name) : NULL;
        if (!v || v == &omitted_value)
            return well_formed_error(r, NULL, NULL, "graph output %zu, '%s', is not defined", i,
                                     name);
        if (map_set(&seen, name, v) && !s->outer)
            return well_formed_error(r, NULL, NULL, "graph output '%s' is listed twice", name);
        TRY(name_output(r, s, name, &v));
        type_hint(r, v, p->output[i]->type);
        graph_output(s->graph, v);
    }
    return MLC_OK;
}

Status graph_body_read(Reader *r, Scope *s, const Onnx__GraphProto *p)
{
    s->graph->name = arena_strdup(r->arena, text(p->name));
    TRY(read_initializers(r, s, p));
    TRY(read_inputs(r, s, p));
    TRY(nodes_read(r, s, p->node, p->n_node));
    for (size_t i = 0; i < p->n_value_info; i++)
        type_hint(r, map_get(&s->names, text(p->value_info[i]->name)), p->value_info[i]->type);
    return read_outputs(r, s, p);
}
