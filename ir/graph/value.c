/* What is known of a value at compile time: its elements, constant or in terms of symbols. */
#include "ir/graph/graph.h"

enum { MOST_INTS = 4096, MOST_FLOATS = 64 };

static bool has_content(Elem e, int64_t count)
{
    if (!elem_is_native(e))
        return false;
    return count >= 0 && count <= (elem_is_float(e) ? MOST_FLOATS : MOST_INTS);
}

static Ex element(ExPool *p, const Tensor *t, int64_t i)
{
    if (elem_is_float(t->elem))
        return ex_const_f(p, t->elem, tensor_get_f64(t, i));
    return ex_const_i(p, t->elem, tensor_get_i64(t, i));
}

const Ex *value_content(Graph *g, const Value *v, int *n)
{
    if (v->data) {
        int64_t count = tensor_count(v->data);
        if (!has_content(v->data->elem, count))
            return NULL;
        *n = (int)count;
        if (!v->content) {
            Ex *content = NEW_ARRAY(g->arena, Ex, count);
            for (int64_t i = 0; i < count; i++)
                content[i] = element(g->pool, v->data, i);
            ((Value *)v)->content = content; /* a cache: what the value means stays the same */
        }
        return v->content;
    }
    const Ex *content = v->content ? v->content : v->symbols;
    if (!content)
        return NULL;
    int64_t count = 1, dim;
    for (int i = 0; i < v->type.rank; i++) {
        if (!ex_is_int(v->type.dim[i], &dim))
            return NULL;
        count *= dim;
    }
    *n = (int)count;
    return content;
}

/* ---- what the run finds out ---- */

enum { MOST_SYMBOLS = 64 };
/* Sizes stay far from overflow. */
static const int64_t LARGEST_SIZE = (int64_t)1 << 40;

Graph *graph_root(Graph *g)
{
    while (g->parent)
        g = g->parent;
    return g;
}

static void element_range(Elem e, int64_t *lo, int64_t *hi)
{
    int bits = elem_bits[e];
    *lo = e == ELEM_BOOL || elem_is_unsigned(e) ? 0 : -LARGEST_SIZE;
    *hi = e == ELEM_BOOL ? 1 : LARGEST_SIZE;
    if (e != ELEM_BOOL && bits < 40) {
        *hi = ((int64_t)1 << (bits - !elem_is_unsigned(e))) - 1;
        *lo = elem_is_unsigned(e) ? 0 : -*hi - 1;
    }
}

/* Constant number of elements, or -1. */
static int64_t static_elements(const Type *t)
{
    int64_t count = 1, dim;
    for (int i = 0; i < t->rank; i++) {
        if (!ex_is_int(t->dim[i], &dim) || dim > MOST_SYMBOLS)
            return -1;
        count *= dim;
        if (count > MOST_SYMBOLS)
            return -1;
    }
    return t->rank < 0 ? -1 : count;
}

/* A symbol of the run: one of that name that the text form declared and nothing defines yet, or a new
 * one. */
static Ex run_symbol(Graph *root, const char *name, int64_t lo, int64_t hi)
{
    ExPool *p = root->pool;
    for (int i = 0; i < ex_sym_count(p); i++) {
        if (!ex_sym_is_run_time(p, i) || strcmp(ex_sym_name(p, i), name) != 0 ||
            ex_sym_min(p, i) != lo || ex_sym_max(p, i) != hi)
            continue;
        for (size_t k = 0; k < root->sym_defs.len; k++)
            if (root->sym_defs.at[k].symbol == ex_sym_at(p, i))
                return ex_sym_run_time(p, name, lo, hi);
        return ex_sym_at(p, i);
    }
    return ex_sym_run_time(p, name, lo, hi);
}

const Ex *value_symbols(Graph *g, Value *v, int *n)
{
    const Ex *known = value_content(g, v, n);
    if (known)
        return known;
    Elem e = v->type.elem;
    int64_t count = v->type.kind == TYPE_TENSOR ? static_elements(&v->type) : -1;
    if (count < 0 || (!elem_is_int(e) && e != ELEM_BOOL) || !elem_is_native(e))
        return NULL;
    *n = (int)count;
    if (v->symbols)
        return v->symbols;
    Graph *root = graph_root(g);
    Ex *at = NEW_ARRAY(g->arena, Ex, count);
    int64_t lo, hi;
    element_range(e, &lo, &hi);
    for (int i = 0; i < (int)count; i++) {
        Ex s = run_symbol(root, arena_printf(g->arena, "%s[%d]", v->name, i), lo, hi);
        vec_push(root->arena, &root->sym_defs, (SymDef){s, v, i, NULL});
        at[i] = e == ELEM_I64 ? s : ex_cast(g->pool, e, s);
    }
    return v->symbols = at;
}

Ex graph_size_symbol(Graph *g, Ex size, const char *name)
{
    if (!ex_is_run_time(g->pool, size) || (size->op == EX_SYM && ex_nonneg(g->pool, size)))
        return size;
    Graph *root = graph_root(g);
    for (size_t i = 0; i < root->sym_defs.len; i++)
        if (root->sym_defs.at[i].size == size)
            return root->sym_defs.at[i].symbol;
    int64_t lo, hi;
    ex_range(g->pool, size, &lo, &hi);
    Ex s = run_symbol(root, name, MAX(lo, 0), hi < 0 ? 0 : MIN(hi, LARGEST_SIZE));
    vec_push(root->arena, &root->sym_defs, (SymDef){s, NULL, 0, size});
    return s;
}

bool value_ints(Graph *g, const Value *v, int max, int64_t *out, int *n)
{
    int len;
    const Ex *content = v ? value_content(g, v, &len) : NULL;
    if (!content || len > max)
        return false;
    for (int i = 0; i < len; i++) {
        if (elem_is_float((Elem)content[i]->elem) || !ex_is_int(content[i], &out[i]))
            return false;
    }
    *n = len;
    return true;
}

bool value_scalar(const Value *v, double *out)
{
    if (!v || !v->data || tensor_count(v->data) != 1)
        return false;
    Elem e = v->data->elem;
    if (!elem_is_float(e) && !elem_is_int(e) && e != ELEM_BOOL)
        return false;
    *out = tensor_get_f64(v->data, 0);
    return true;
}
