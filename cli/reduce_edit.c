/* Steps that make a model smaller: see reduce_edit.h.
 *
 * None of them keeps the meaning. What they keep is validity: every value that a graph still uses
 * has a type, and where it comes from something that was taken away it is an input of the model. */
#include "cli/reduce_edit.h"

#include "ir/base/str.h"
#include "ir/expr/tensor.h"
#include "ir/graph/op_info.h"

/* `fresh` takes over the name of `v`, which is on its way out. */
static void take_name(Graph *g, Value *v, Value *fresh)
{
    const char *name = v->name;
    value_rename(g, v, arena_printf(g->arena, "%s.removed", name));
    value_rename(g, fresh, name);
}

static void replace_constant(Graph *g, Value *v, const Tensor *t)
{
    Value *fresh = graph_const(g, NULL, t);
    graph_replace(g, v, fresh);
    take_name(g, v, fresh);
}

/* ---- outputs ---- */

static void remove_output(Graph *g, size_t at)
{
    g->outputs.at[at]->noutputs--;
    memmove(g->outputs.at + at, g->outputs.at + at + 1,
            (g->outputs.len - at - 1) * sizeof *g->outputs.at);
    g->outputs.len--;
}

static int count_outputs(Graph *g) { return (int)g->outputs.len; }

static bool drop_outputs(Graph *g, int from, int to)
{
    if (to - from >= (int)g->outputs.len)
        return false;
    for (int i = to - 1; i >= from; i--)
        remove_output(g, (size_t)i);
    return true;
}

/* ---- nodes ---- */

static bool is_listed(const Graph *g, const Value *v)
{
    for (size_t i = 0; i < g->outputs.len; i++)
        if (g->outputs.at[i] == v)
            return true;
    return false;
}

/* A constant in place of a value whose elements are known; NULL when they are not. */
static Value *as_constant(Graph *g, const Value *v)
{
    int     n;
    int64_t dim[MAX_RANK];
    const Ex *content = v->type.kind == TYPE_TENSOR ? value_content(g, v, &n) : NULL;
    if (!content || !elem_is_int(v->type.elem))
        return NULL;
    for (int k = 0; k < v->type.rank; k++)
        if (!ex_is_int(v->type.dim[k], &dim[k]))
            return NULL;
    Tensor *t = tensor_new(g->arena, v->type.elem, v->type.rank, dim);
    for (int i = 0; i < n; i++) {
        int64_t x;
        if (!ex_is_int(content[i], &x))
            return NULL;
        elem_set_i64(t->elem, (void *)(uintptr_t)t->data, (size_t)i, x);
    }
    return graph_const(g, NULL, t);
}

/* The uses of `v`, which a node computed that is taken away, get a constant or an input. */
static bool feed(Graph *g, Value *v)
{
    Value *fresh = as_constant(g, v);
    if (!fresh && (v->type.kind != TYPE_TENSOR || v->type.rank < 0))
        return false;
    if (!fresh)
        fresh = graph_input(g, NULL, v->type);
    take_name(g, v, fresh);
    while (v->uses.len) {
        Use u = v->uses.at[0];
        graph_set_input(u.node, u.index, fresh);
    }
    return true;
}

static bool drop_node(Graph *g, Node *n)
{
    for (int i = 0; i < n->nout; i++) {
        Value *v = n->out[i];
        for (size_t k = g->outputs.len; v && k-- > 0;)
            if (g->outputs.at[k] == v)
                remove_output(g, k);
        if (v && v->uses.len && !feed(g, v))
            return false;
    }
    /* What it read shall not be lost with it. */
    for (int i = 0; i < n->nin; i++) {
        Value *v = n->in[i];
        if (v && v->def && v->type.kind == TYPE_TENSOR && !is_listed(g, v))
            graph_output(g, v);
    }
    graph_erase(g, n);
    return true;
}

static int count_nodes(Graph *g) { return graph_count(g); }

static bool drop_nodes(Graph *g, int from, int to)
{
    VEC(Node *) gone = {0};
    int i = 0;
    for (Node *n = g->first; n; n = n->next, i++)
        if (i >= from && i < to)
            vec_push(g->arena, &gone, n);
    for (size_t k = gone.len; k-- > 0;)
        if (!drop_node(g, gone.at[k]))
            return false;
    return g->outputs.len > 0;
}

/* ---- bypasses ---- */

/* The input that may take the place of a node's only result; NULL: none. */
static Value *bypass_of(const Graph *g, const Node *n)
{
    for (int i = 1; i < n->nout; i++)
        if (n->out[i] && !value_is_dead(g, n->out[i]))
            return NULL;
    for (int i = 0; i < n->nin; i++)
        if (n->in[i] && !n->in[i]->data && n->out[0] &&
            type_equal(&n->in[i]->type, &n->out[0]->type))
            return n->in[i];
    return NULL;
}

static int count_bypasses(Graph *g)
{
    int count = 0;
    for (const Node *n = g->first; n; n = n->next)
        count += bypass_of(g, n) != NULL;
    return count;
}

static bool take_bypasses(Graph *g, int from, int to)
{
    int i = 0;
    for (Node *n = g->first, *next; n; n = next) {
        next = n->next;
        Value *in = bypass_of(g, n);
        if (!in || i++ < from || i > to)
            continue;
        if (!graph_replace(g, n->out[0], in))
            return false;
        graph_erase(g, n);
    }
    return true;
}

/* ---- optional inputs ---- */

static bool may_omit(const Node *n, int i)
{
    return n->in[i] && i >= n->op->min_in && n->op->max_in != VARIADIC;
}

static int count_optional(Graph *g)
{
    int count = 0;
    for (const Node *n = g->first; n; n = n->next)
        for (int i = 0; i < n->nin; i++)
            count += may_omit(n, i);
    return count;
}

static bool omit_optional(Graph *g, int from, int to)
{
    int k = 0;
    for (Node *n = g->first; n; n = n->next)
        for (int i = 0, nin = n->nin; i < nin && i < n->nin; i++) {
            if (!may_omit(n, i) || k++ < from || k > to)
                continue;
            graph_set_input(n, i, NULL);
        }
    return true;
}

/* ---- symbols ---- */

static bool uses_symbol(const Graph *g, Ex sym)
{
    for (size_t i = 0; i < g->inputs.len; i++) {
        const Type *t = &g->inputs.at[i]->type;
        for (int k = 0; t->kind == TYPE_TENSOR && k < t->rank; k++)
            if (ex_uses(t->dim[k], sym))
                return true;
    }
    return false;
}

static int count_symbols(Graph *g)
{
    int count = 0;
    for (int k = 0; k < ex_sym_count(g->pool); k++)
        count += uses_symbol(g, ex_sym_at(g->pool, k));
    return count;
}

static void substitute(Graph *g, Ex sym, Ex value)
{
    for (size_t i = 0; i < g->values.len; i++) {
        Type *t = &g->values.at[i]->type;
        g->values.at[i]->content = NULL;
        for (int k = 0; t->kind == TYPE_TENSOR && k < t->rank; k++)
            t->dim[k] = ex_subst(g->pool, t->dim[k], 1, &sym, &value);
    }
}

static bool fix_symbols(Graph *g, int from, int to)
{
    int i = 0, n = ex_sym_count(g->pool);
    for (int k = 0; k < n; k++) {
        Ex sym = ex_sym_at(g->pool, k);
        if (uses_symbol(g, sym) && i++ >= from && i <= to)
            substitute(g, sym, ex_int(g->pool, MAX(1, ex_sym_min(g->pool, k))));
    }
    return true;
}

/* ---- sizes ---- */

typedef VEC(int64_t) Sizes;

static void add_size(Graph *g, Sizes *s, int64_t d)
{
    size_t at = 0;
    while (at < s->len && s->at[at] > d)
        at++;
    if (d < 2 || (at < s->len && s->at[at] == d))
        return;
    vec_push(g->arena, s, d);
    memmove(s->at + at + 1, s->at + at, (s->len - 1 - at) * sizeof *s->at);
    s->at[at] = d;
}

/* The distinct dimensions above 1 of inputs and constants, the largest first. */
static Sizes sizes_of(Graph *g)
{
    Sizes s = {0};
    int64_t d;
    for (size_t i = 0; i < g->values.len; i++) {
        const Value *v = g->values.at[i];
        bool source = v->is_input || (v->data && v->uses.len);
        for (int k = 0; source && v->type.kind == TYPE_TENSOR && k < v->type.rank; k++)
            if (ex_is_int(v->type.dim[k], &d))
                add_size(g, &s, d);
    }
    return s;
}

static int count_sizes(Graph *g) { return (int)sizes_of(g).len; }

/* The first `to` of every `from` elements along the axes that have `from`. */
static const Tensor *sliced(Arena *a, const Tensor *t, int64_t from, int64_t to)
{
    int64_t dim[MAX_RANK];
    bool    any = false;
    for (int k = 0; k < t->rank; k++) {
        any |= t->dim[k] == from;
        dim[k] = t->dim[k] == from ? to : t->dim[k];
    }
    if (!any || elem_bits[t->elem] % 8 || t->elem == ELEM_STRING)
        return t;
    size_t bytes = (size_t)elem_bits[t->elem] / 8;
    if (t->splat) {
        Tensor *s = NEW(a, Tensor);
        *s = *t;
        memcpy(s->dim, dim, sizeof dim);
        return s;
    }
    Tensor *s = tensor_new(a, t->elem, t->rank, dim);
    int64_t n = tensor_count(s);
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i, at = 0, stride = 1;
        for (int k = t->rank - 1; k >= 0; k--) {
            at += rest % dim[k] * stride;
            rest /= dim[k];
            stride *= t->dim[k];
        }
        memcpy((char *)(uintptr_t)s->data + (size_t)i * bytes,
               (const char *)t->data + (size_t)at * bytes, bytes);
    }
    return s;
}

/* In operands of shapes, which are short vectors of integers, the number changes too. */
static const Tensor *resized(Graph *g, const Tensor *t, int64_t from, int64_t to)
{
    t = sliced(g->arena, t, from, to);
    if (t->elem != ELEM_I64 || t->rank > 1 || t->splat || tensor_count(t) > MAX_RANK)
        return t;
    Tensor *s = tensor_new(g->arena, t->elem, t->rank, t->dim);
    for (int64_t i = 0; i < tensor_count(t); i++) {
        int64_t x = tensor_get_i64(t, i);
        elem_set_i64(s->elem, (void *)(uintptr_t)s->data, (size_t)i, x == from ? to : x);
    }
    return s;
}

static bool resize(Graph *g, int item, int64_t (*smaller)(int64_t d))
{
    Sizes s = sizes_of(g);
    int64_t from = s.at[item], to = smaller(from), d;
    if (to >= from)
        return false;
    for (size_t i = 0, n = g->values.len; i < n; i++) {
        Value *v = g->values.at[i];
        v->content = NULL;
        if (v->data && v->uses.len) {
            const Tensor *t = resized(g, v->data, from, to);
            if (t != v->data)
                replace_constant(g, v, t);
        }
        for (int k = 0; !v->data && v->type.kind == TYPE_TENSOR && k < v->type.rank; k++)
            if (ex_is_int(v->type.dim[k], &d) && d == from)
                v->type.dim[k] = ex_int(g->pool, to);
    }
    return true;
}

static int64_t one(int64_t d) { return MIN(d, 1); }
static int64_t half(int64_t d) { return d / 2; }
static bool shrink_sizes(Graph *g, int from, int to) { return to > from && resize(g, from, one); }
static bool halve_sizes(Graph *g, int from, int to) { return to > from && resize(g, from, half); }

/* ---- constants ---- */

static bool is_plain(const Value *v)
{
    const Tensor *t = v->data;
    if (!t || !v->uses.len || !elem_is_float(t->elem))
        return true;
    int64_t n = tensor_count(t);
    if (n == 0 || t->splat)
        return true;
    size_t bytes = (size_t)elem_bits[t->elem] / 8;
    return bytes == 0 || (n > 1 && memcmp(t->data, (const char *)t->data + bytes,
                                          ((size_t)n - 1) * bytes) == 0) ||
           (n == 1 && tensor_get_f64(t, 0) == 1);
}

static int count_constants(Graph *g)
{
    int count = 0;
    for (size_t i = 0; i < g->values.len; i++)
        count += !is_plain(g->values.at[i]);
    return count;
}

static bool fill_constants(Graph *g, int from, int to)
{
    int k = 0;
    for (size_t i = 0, n = g->values.len; i < n; i++) {
        Value *v = g->values.at[i];
        if (is_plain(v) || k++ < from || k > to)
            continue;
        Tensor *t = NEW(g->arena, Tensor), *element = tensor_new(g->arena, v->data->elem, 0, NULL);
        elem_set_f64(element->elem, (void *)(uintptr_t)element->data, 0, 1);
        *t = *v->data;
        t->data = element->data;
        t->size_bytes = element->size_bytes;
        t->splat = true;
        t->fd = -1;
        t->path = NULL;
        replace_constant(g, v, t);
    }
    return true;
}

/* In the order of use: what takes most away comes first. */
const Edit edit_table[] = {
    {"outputs", false, count_outputs, drop_outputs},
    {"nodes", false, count_nodes, drop_nodes},
    {"bypasses", false, count_bypasses, take_bypasses},
    {"optional inputs", false, count_optional, omit_optional},
    {"symbols", false, count_symbols, fix_symbols},
    {"sizes to 1", true, count_sizes, shrink_sizes},
    {"sizes by half", true, count_sizes, halve_sizes},
    {"constants", false, count_constants, fill_constants},
};
const size_t edit_count = COUNT_OF(edit_table);

Status edit_finish(Graph *g, Graph **out)
{
    TRY(graph_infer(g));
    bool *needed = NEW_ARRAY(g->arena, bool, g->values.len);
    VEC(Value *) in = {0};
    for (size_t i = 0; i < g->outputs.len; i++)
        needed[g->outputs.at[i]->id] = true;
    for (const Node *n = g->last; n; n = n->prev) {
        bool any = false;
        for (int i = 0; i < n->nout; i++)
            any |= n->out[i] && needed[n->out[i]->id];
        for (int i = 0; any && i < n->nin; i++)
            if (n->in[i])
                needed[n->in[i]->id] = true;
    }
    for (size_t i = 0; i < g->inputs.len; i++) {
        if (needed[g->inputs.at[i]->id])
            vec_push(g->arena, &in, g->inputs.at[i]);
        if (is_listed(g, g->inputs.at[i]))
            return MLC_NO;
    }
    TRY(graph_cut(g, in.len, in.at, g->outputs.len, g->outputs.at, out));
    return graph_count(*out) ? graph_verify(*out) : MLC_NO;
}
