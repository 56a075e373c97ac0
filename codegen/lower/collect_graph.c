/* The nodes of one graph, the model's or a body's, say their stages; what they decide about sizes is
 * set before it is used.
 *
 * A symbol for an element of a value is set right after the node that computes it, at the start of the
 * graph for inputs and constants; a symbol for a size right before the first node whose result has that
 * size. Both stand in the graph that computes what they need, so a loop sets them in every round. */
#include "codegen/lower/lowering.h"

Scope *lower_scope(Lowering *l, const Graph *g)
{
    for (size_t i = l->scopes.len; i-- > 0;)
        if (l->scopes.at[i].graph == g)
            return &l->scopes.at[i];
    vec_push(l->arena, &l->scopes,
             (Scope){.graph = g, .buf_of = NEW_ARRAY(l->arena, Buf *, g->values.len + 1)});
    return &l->scopes.at[l->scopes.len - 1];
}

Buf *lower_value_buf(void *lowering, const Value *v)
{
    Lowering *l = lowering;
    Buf **at = &lower_scope(l, v->graph)->buf_of[v->id];
    if (!*at) {
        Buf *b = lower_buf(l, v->name, v->type.elem, v->data ? SPACE_CONST : SPACE_TEMP,
                           v->type.rank, v->type.dim);
        b->data = v->data;
        *at = b;
    }
    return *at;
}

/* Is it set by this graph or one around it? */
static bool is_set(Lowering *l, const Graph *g, Ex symbol)
{
    for (; g; g = g->parent) {
        const Scope *s = lower_scope(l, g);
        for (size_t i = 0; i < s->set.len; i++)
            if (s->set.at[i] == symbol)
                return true;
    }
    return false;
}

static void add_set(Lowering *l, Te *t, const Graph *g, const SymDef *d)
{
    if (d->v)
        te_set_element(t, d->symbol, lower_value_buf(l, d->v), ex_int(l->pool, d->index));
    else
        te_set(t, d->symbol, d->size);
    l->stages.at[l->stages.len - 1]->again = false;
    vec_push(l->arena, &lower_scope(l, g)->set, d->symbol);
}

static void set_elements(Lowering *l, Te *t, const Graph *g, const Value *v)
{
    const Graph *root = l->graph;
    if (!v || !v->symbols)
        return;
    for (size_t i = 0; i < root->sym_defs.len; i++)
        if (root->sym_defs.at[i].v == v)
            add_set(l, t, g, &root->sym_defs.at[i]);
}

/* Sizes of a node's results. */
static void set_sizes(Lowering *l, Te *t, const Graph *g, const Node *n)
{
    const Graph *root = l->graph;
    for (size_t i = 0; i < root->sym_defs.len; i++) {
        const SymDef *d = &root->sym_defs.at[i];
        bool used = false;
        for (int o = 0; !d->v && o < n->nout && !used; o++)
            for (int k = 0; n->out[o] && k < n->out[o]->type.rank; k++)
                used = used || ex_uses(n->out[o]->type.dim[k], d->symbol);
        if (used && !is_set(l, g, d->symbol))
            add_set(l, t, g, d);
    }
}

void collect_graph(void *lowering, Te *t, const Graph *g)
{
    Lowering *l = lowering;
    t->node = NULL;
    for (size_t i = 0; i < g->values.len; i++) {
        const Value *v = g->values.at[i];
        if (!v->def && (v->data || v->is_input))
            set_elements(l, t, g, v);
    }
    for (Node *n = g->first; n; n = n->next) {
        t->node = n;
        set_sizes(l, t, g, n);
        te_define(t, n);
        for (int i = 0; i < n->nout; i++)
            set_elements(l, t, g, n->out[i]);
    }
    t->node = NULL;
}
