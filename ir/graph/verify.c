/* The invariants of graph.h, checked one by one. The first that fails is reported as E0901: it is a
 * defect of whatever changed the graph last. */
#include "ir/graph/op_info.h"

#include "ir/base/str.h"

typedef struct Check {
    Graph *g;
    Arena *scratch;
    uint32_t *position; /* by node id: place in the list, from 1; 0: not in the list */
    uint32_t positions; /* length of that */
    int *refs;          /* by value id: inputs of nodes that name it */
    int *first_slot;    /* by node position: number of its first input among all inputs */
    bool *slot_used;    /* by that number: listed in a use list */
} Check;

static Status broken(const Check *k, const Node *n, const char *fmt, ...) PRINTF_LIKE(3, 4);

static Status broken(const Check *k, const Node *n, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(k->scratch, fmt, ap);
    va_end(ap);
    Loc loc = {.file = k->g->file, .node = n ? n->name : NULL, .op = n ? n->op->name : NULL};
    return diag_error(k->g->ctx, E0901, loc, MLC_BUG, "%s", text);
}

static bool belongs(const Check *k, const Value *v)
{
    return v->id < k->g->values.len && k->g->values.at[v->id] == v;
}

static bool in_list(const Check *k, const Node *n)
{
    return n && n->graph == k->g && n->id < k->positions && k->position[n->id];
}

static Status check_list(Check *k)
{
    Graph *g = k->g;
    uint32_t count = 0;
    int slots = 0;
    const Node *prev = NULL;
    k->positions = g->node_count;
    k->position = NEW_ARRAY(k->scratch, uint32_t, g->node_count);
    k->first_slot = NEW_ARRAY(k->scratch, int, (size_t)g->node_count + 1);
    for (const Node *n = g->first; n; prev = n, n = n->next) {
        if (n->prev != prev || n->graph != g || n->id >= g->node_count)
            return broken(k, n, "the node list is not linked correctly");
        if (k->position[n->id])
            return broken(k, n, "a node is in the list twice");
        k->position[n->id] = ++count;
        k->first_slot[count] = slots;
        slots += n->nin;
    }
    if (g->last != prev)
        return broken(k, NULL, "the last node is not the end of the list");
    k->slot_used = NEW_ARRAY(k->scratch, bool, slots);
    return MLC_OK;
}

static Status check_type(const Check *k, const Value *v)
{
    const Type *t = &v->type;
    if (t->kind == TYPE_TENSOR) {
        if (t->rank < -1 || t->rank > MAX_RANK || t->elem >= ELEM_COUNT)
            return broken(k, v->def, "value '%s' has an impossible type", v->name);
        for (int i = 0; i < t->rank; i++) {
            if (!t->dim[i] || t->dim[i]->elem != ELEM_I64)
                return broken(k, v->def, "dimension %d of value '%s' is not a size", i, v->name);
        }
    }
    if (!v->data)
        return MLC_OK;
    Type have = type_of_tensor(k->g->pool, v->data);
    if (!type_equal(&have, t))
        return broken(k, NULL, "constant '%s' differs from its type", v->name);
    return MLC_OK;
}

static Status check_input(Check *k, const Node *n, int i)
{
    const Value *v = n->in[i];
    if (!v)
        return MLC_OK;
    if (!belongs(k, v))
        return broken(k, n, "input %d is no value of this graph", i);
    k->refs[v->id]++;
    if (!v->def && !v->is_input && !v->data)
        return broken(k, n, "input '%s' is not defined", v->name);
    if (v->def && (!in_list(k, v->def) || k->position[v->def->id] >= k->position[n->id]))
        return broken(k, n, "input '%s' is used before it is defined", v->name);
    return MLC_OK;
}

static Status check_attrs(const Check *k, const Node *n)
{
    if (!n->op->attrs_size)
        return MLC_OK;
    if (!n->attrs)
        return broken(k, n, "the node has no attributes");
    for (const AttrDesc *d = n->op->attrs; d->name; d++) {
        Graph *sub = d->kind == ATTR_graph ? *(Graph **)((char *)n->attrs + d->offset) : NULL;
        if (!sub)
            continue;
        if (sub->parent != k->g || sub->pool != k->g->pool)
            return broken(k, n, "sub-graph '%s' belongs to another graph", d->name);
        TRY(graph_verify(sub));
    }
    return MLC_OK;
}

static Status check_node(Check *k, const Node *n)
{
    const OpInfo *op = n->op;
    int most_out = op->max_out ? op->max_out : 1;
    if (n->nin < op->min_in || (op->max_in != VARIADIC && n->nin > op->max_in))
        return broken(k, n, "%d inputs do not fit the operator", n->nin);
    if (n->nout < 1 || (most_out != VARIADIC && n->nout > most_out))
        return broken(k, n, "%d outputs do not fit the operator", n->nout);
    if (!n->name || n->norigin < 1)
        return broken(k, n, "the node has no name or origin");
    for (int i = 0; i < n->nin; i++)
        TRY(check_input(k, n, i));
    for (int i = 0; i < n->nout; i++) {
        const Value *v = n->out[i];
        if (v && (!belongs(k, v) || v->def != n || v->def_index != i || v->is_input || v->data))
            return broken(k, n, "output %d is not the node's own", i);
    }
    return check_attrs(k, n);
}

static Status check_value(Check *k, const Value *v)
{
    if (map_get(&k->g->by_name, v->name) != v)
        return broken(k, v->def, "name '%s' leads to another value", v->name);
    TRY(check_type(k, v));
    if ((size_t)k->refs[v->id] != v->uses.len)
        return broken(k, v->def, "value '%s' lists %zu uses and has %d", v->name, v->uses.len,
                      k->refs[v->id]);
    for (size_t i = 0; i < v->uses.len; i++) {
        Use u = v->uses.at[i];
        if (!in_list(k, u.node) || u.index < 0 || u.index >= u.node->nin ||
            u.node->in[u.index] != v)
            return broken(k, v->def, "value '%s' lists a use that is none", v->name);
        bool *seen = &k->slot_used[k->first_slot[k->position[u.node->id]] + u.index];
        if (*seen)
            return broken(k, v->def, "value '%s' lists a use twice", v->name);
        *seen = true;
    }
    return MLC_OK;
}

static Status check_ends(const Check *k)
{
    Graph *g = k->g;
    size_t listed = 0;
    for (size_t i = 0; i < g->values.len; i++)
        listed += g->values.at[i]->noutputs;
    if (listed != g->outputs.len)
        return broken(k, NULL, "%zu values say they are outputs, of %zu", listed, g->outputs.len);
    for (size_t i = 0; i < g->inputs.len; i++) {
        const Value *v = g->inputs.at[i];
        if (!belongs(k, v) || !v->is_input || v->def || v->data)
            return broken(k, NULL, "graph input %zu is not one", i);
    }
    for (size_t i = 0; i < g->outputs.len; i++) {
        const Value *v = g->outputs.at[i];
        if (!belongs(k, v) || !v->noutputs)
            return broken(k, NULL, "graph output %zu is no value of this graph", i);
        if (!v->is_input && !v->data && !in_list(k, v->def))
            return broken(k, NULL, "graph output '%s' is not defined", v->name);
    }
    return MLC_OK;
}

static Status check_all(Check *k)
{
    Graph *g = k->g;
    TRY(check_list(k));
    k->refs = NEW_ARRAY(k->scratch, int, g->values.len);
    for (size_t i = 0; i < g->values.len; i++) {
        if (g->values.at[i]->id != i)
            return broken(k, NULL, "value %zu has number %u", i, g->values.at[i]->id);
    }
    for (const Node *n = g->first; n; n = n->next)
        TRY(check_node(k, n));
    for (size_t i = 0; i < g->values.len; i++)
        TRY(check_value(k, g->values.at[i]));
    return check_ends(k);
}

Status graph_verify(Graph *g)
{
    Check k = {.g = g, .scratch = arena_new(g->ctx)};
    Status st = check_all(&k);
    arena_free(k.scratch);
    return st;
}
