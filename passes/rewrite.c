/* Matching and replacing, shared by all passes.
 *
 * Invariant: every change of a graph goes through a function that asked pass_step() first; nodes
 * that were made to try something and are not wanted are erased again. */
#include "passes/rewrite.h"

#include <math.h>

bool node_is(const Node *n, const char *op)
{
    return n && !n->op->domain && str_eq(n->op->name, op);
}

void *attr_field(const OpInfo *op, void *attrs, const char *name)
{
    for (const AttrDesc *d = op->attrs; d && d->name; d++) {
        if (str_eq(d->name, name))
            return (char *)attrs + d->offset;
    }
    return NULL;
}

int64_t node_attr_int(const Node *n, const char *name, int64_t otherwise)
{
    const attr_int *v = attr_field(n->op, n->attrs, name);
    return v && *v != ATTR_INT_ABSENT ? *v : otherwise;
}

double node_attr_float(const Node *n, const char *name, double otherwise)
{
    const attr_float *v = attr_field(n->op, n->attrs, name);
    return v && !isnan(*v) ? (double)*v : otherwise;
}

Ints node_attr_ints(const Node *n, const char *name)
{
    const Ints *v = attr_field(n->op, n->attrs, name);
    return v ? *v : (Ints){0};
}

void *node_attrs_copy(const Node *n)
{
    void *copy = arena_alloc(n->graph->arena, n->op->attrs_size, _Alignof(max_align_t));
    if (n->op->attrs_size)
        memcpy(copy, n->attrs, n->op->attrs_size);
    return copy;
}

Node *sole_def(const Graph *g, const Value *v)
{
    return v && v->def && v->uses.len == 1 && !graph_is_output(g, v) ? v->def : NULL;
}

bool only_first_output(const Graph *g, const Node *n)
{
    for (int i = 1; i < n->nout; i++) {
        if (n->out[i] && !value_is_dead(g, n->out[i]))
            return false;
    }
    return n->nout > 0 && n->out[0];
}

bool is_ranked(const Value *v)
{
    return v && v->type.kind == TYPE_TENSOR && v->type.rank >= 0;
}

bool is_f32_or_f64(Elem e)
{
    return e == ELEM_F32 || e == ELEM_F64;
}

bool value_uniform(const Value *v, double *out)
{
    enum { MOST = 4096 };
    if (!v || !v->data || elem_bits[v->data->elem] > 64 || v->data->elem == ELEM_STRING)
        return false;
    const Tensor *t = v->data;
    int64_t n = tensor_count(t);
    if (n == 0 || (n > MOST && !t->splat))
        return false;
    uint64_t first = elem_get_bits(t->elem, t->data, 0);
    for (int64_t i = 1; i < n && !t->splat; i++) {
        if (elem_get_bits(t->elem, t->data, (size_t)i) != first)
            return false;
    }
    *out = tensor_get_f64(t, 0);
    return true;
}

bool can_replace(const Graph *g, const Value *from, const Value *to)
{
    if (from == to)
        return false;
    return from->uses.len > 0 ||
           (graph_is_output(g, from) && !to->is_input && !graph_is_output(g, to));
}

static bool all_dead(const Graph *g, const Node *n)
{
    for (int i = 0; i < n->nout; i++) {
        if (n->out[i] && !value_is_dead(g, n->out[i]))
            return false;
    }
    return true;
}

bool step_replace(Graph *g, Node *n, Value *from, Value *to)
{
    if (!can_replace(g, from, to) || !pass_step(g))
        return false;
    graph_replace(g, from, to);
    if (all_dead(g, n))
        graph_erase(g, n);
    return true;
}

Node *insert_inferred(Graph *g, Node *before, const char *op, int nin, Value *const *in,
                      const void *attrs)
{
    const OpInfo *info = op_find(NULL, op);
    if (!info)
        return NULL;
    Node *n = graph_insert(g, before, info, before->name, nin, in, 1, attrs, before);
    if (graph_try_infer_node(g, n))
        return n;
    graph_erase(g, n);
    return NULL;
}

void value_take_name(Graph *g, Value *from, Value *to, const char *name)
{
    const char *other = to->name;
    if (str_eq(other, name))
        return;
    if (value_rename(g, from, arena_printf(g->arena, "%s.was", name))) {
        value_rename(g, to, name);
        value_rename(g, from, other);
    }
}

bool step_swap(Graph *g, Node *n, Node *fresh)
{
    if (!fresh)
        return false;
    Value *from = n->out[0], *to = fresh->out[0];
    const char *name = from->name;
    if (!type_equal(&from->type, &to->type) || !can_replace(g, from, to) || !pass_step(g)) {
        graph_erase(g, fresh);
        return false;
    }
    graph_replace(g, from, to);
    value_take_name(g, from, to, name);
    if (all_dead(g, n))
        graph_erase(g, n);
    return true;
}
