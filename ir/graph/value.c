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
    if (!v->content)
        return NULL;
    int64_t count = 1, dim;
    for (int i = 0; i < v->type.rank; i++) {
        if (!ex_is_int(v->type.dim[i], &dim))
            return NULL;
        count *= dim;
    }
    *n = (int)count;
    return v->content;
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
