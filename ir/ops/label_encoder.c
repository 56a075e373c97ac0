/* LabelEncoder, CategoryMapper and OneHotEncoder of ai.onnx.ml: tables from keys to values.
 *
 * The place of an element among the keys comes first: that of strings by a function of the runtime in a
 * sorted table, that of numbers as max over j of (x = key_j ? j : -1), where NaN equals NaN; the last of
 * equal keys counts. The values have the default behind them. */
#include "ir/ops/strings.h"
#include "runtime/mlc_abi.h"

/* ---- tables ---- */

/* A list of an attribute as a tensor of rank 1. */
static const Tensor *list(Arena *a, const Floats *f, const Ints *i, const Strings *s, const Tensor *t)
{
    int64_t n = f->set ? f->n : i->set ? i->n : s->set ? s->n : 0;
    if (f->set)
        return tensor_over(a, ELEM_F32, 1, &n, f->at);
    if (i->set)
        return tensor_over(a, ELEM_I64, 1, &n, i->at);
    return s->set ? tensor_over(a, ELEM_STRING, 1, &n, s->at) : t;
}

/* 0, 1, .. n - 1. */
static const Tensor *counted(Arena *a, int64_t n)
{
    Tensor *t = tensor_new(a, ELEM_I64, 1, &n);
    for (int64_t i = 0; i < n; i++)
        elem_set_i64(ELEM_I64, (void *)(uintptr_t)t->data, (size_t)i, i);
    return t;
}

static const char *string_at(const Tensor *t, int64_t i)
{
    return ((const char *const *)t->data)[t->splat ? 0 : i];
}

static void copy_element(Tensor *to, int64_t at, const Tensor *from, int64_t i)
{
    void *data = (void *)(uintptr_t)to->data;
    if (to->elem == ELEM_STRING)
        ((const char **)data)[at] = string_at(from, i);
    else
        elem_set_bits(to->elem, data, (size_t)at,
                      elem_get_bits(from->elem, from->data, from->splat ? 0 : (size_t)i));
}

typedef struct Mapping {
    const Tensor *keys, *values, *otherwise; /* otherwise: one element of values' type */
} Mapping;

/* The default for values of type e; NULL: they are no values. */
static const Tensor *default_of(Arena *a, Elem e, double f, int64_t i, const char *s)
{
    if (e == ELEM_C64 || e == ELEM_C128)
        return NULL;
    int64_t one = 1;
    Tensor *t = tensor_new(a, e, 1, &one);
    void *data = (void *)(uintptr_t)t->data;
    if (e == ELEM_STRING)
        *(const char **)data = s;
    else if (elem_is_float(e))
        elem_set_f64(e, data, 0, f);
    else
        elem_set_i64(e, data, 0, i);
    return t;
}

static Status check_mapping(const Node *n, const Mapping *m)
{
    Elem x = n->in[0]->type.elem;
    if (!m->keys || !m->values)
        return node_error(n, E0203, "%s are not given", m->keys ? "values" : "keys");
    if (tensor_count(m->keys) != tensor_count(m->values))
        return node_error(n, E0203, "%lld keys for %lld values", (long long)tensor_count(m->keys),
                          (long long)tensor_count(m->values));
    if (m->keys->elem != x)
        return node_error(n, E0206, "input 0 has element type %s, the keys %s", elem_name[x],
                          elem_name[m->keys->elem]);
    if (!m->otherwise || elem_bits[m->values->elem] > 64)
        return node_error(n, E0204, "values of element type %s", elem_name[m->values->elem]);
    if (m->otherwise->elem != m->values->elem || tensor_count(m->otherwise) != 1)
        return node_error(n, E0203, "the default is not one element of type %s",
                          elem_name[m->values->elem]);
    return MLC_OK;
}

/* ---- the meaning ---- */

/* Places of the strings x among the keys, by way of the sorted ones. */
static Tx find_strings(Te *t, Tx x, const Tensor *keys)
{
    int n = (int)tensor_count(keys);
    const char **text = NEW_ARRAY(t->arena, const char *, n);
    const char **sorted = NEW_ARRAY(t->arena, const char *, n);
    int *from = NEW_ARRAY(t->arena, int, n);
    for (int i = 0; i < n; i++)
        text[i] = string_at(keys, i);
    int64_t rows = text_sort(t->arena, n, text, sorted, from);
    Tx found = te_text_find(t, x, (int)rows, sorted), y = te_temp(t, ELEM_I64, x->rank, x->dim);
    rows++; /* the last one is for what was not found */
    Tensor *place = tensor_new(t->arena, ELEM_I64, 1, &rows);
    for (int64_t i = 0; i < rows; i++)
        elem_set_i64(ELEM_I64, (void *)(uintptr_t)place->data, (size_t)i,
                     i + 1 < rows ? from[i] : -1);
    Tx table = te_table(t, place);
    te_stage(t, y);
    Ex i = te_load(t, found, t->stage->axis);
    i = te_select(t, te_lt(t, i, te_int(t, 0)), te_int(t, rows - 1), i);
    te_yield(t, te_load(t, table, &i));
    return y;
}

static Tx find_numbers(Te *t, Tx x, const Tensor *keys)
{
    int64_t n = tensor_count(keys);
    Tensor *flat = tensor_new(t->arena, keys->elem, 1, &n); /* whatever its rank was */
    for (int64_t i = 0; i < n; i++)
        copy_element(flat, i, keys, i);
    Tx y = te_temp(t, ELEM_I64, x->rank, x->dim), table = te_table(t, flat);
    te_stage(t, y);
    Ex v = te_wide(t, te_load(t, x, t->stage->axis)), none = te_int(t, -1);
    if (n == 0) {
        te_yield(t, none);
        return y;
    }
    Ex j = te_red(t, table->dim[0]), key = te_wide(t, te_load(t, table, &j)), same = te_eq(t, v, key);
    if (elem_is_float((Elem)v->elem))
        same = ex_or(t->pool, same, ex_and(t->pool, te_ne(t, v, v), te_ne(t, key, key)));
    te_yield(t, te_max_over(t, te_select(t, same, j, none)));
    return y;
}

static Tx find(Te *t, Tx x, const Tensor *keys)
{
    return keys->elem == ELEM_STRING ? find_strings(t, x, keys) : find_numbers(t, x, keys);
}

static void define_mapping(Te *t, const Mapping *m)
{
    Tx y = te_out(t, 0), place = find(t, te_in(t, 0), m->keys);
    int64_t n = tensor_count(m->keys), rows = n + 1;
    Tensor *values = tensor_new(t->arena, m->values->elem, 1, &rows);
    for (int64_t i = 0; i < n; i++)
        copy_element(values, i, m->values, i);
    copy_element(values, n, m->otherwise, 0);
    Tx table = te_table(t, values);
    te_stage(t, y);
    Ex i = te_load(t, place, t->stage->axis);
    i = te_select(t, te_lt(t, i, te_int(t, 0)), te_int(t, n), i);
    te_yield(t, te_load(t, table, &i));
}

/* ---- LabelEncoder ---- */

#define LABEL_ATTRS(A, S)                                                           \
    A(S, strs, classes_strings, "", "version 1: between 0, 1, .. and these")        \
    A(S, float, default_float, "-0.0", "the value of what is no key")               \
    A(S, int, default_int64, "-1", "likewise")                                      \
    A(S, str, default_string, "_Unused", "likewise")                                \
    A(S, tensor, default_tensor, "", "likewise")                                    \
    A(S, floats, keys_floats, "", "what is looked for")                             \
    A(S, ints, keys_int64s, "", "likewise")                                         \
    A(S, strs, keys_strings, "", "likewise")                                        \
    A(S, tensor, keys_tensor, "", "likewise")                                       \
    A(S, floats, values_floats, "", "what stands for the keys")                     \
    A(S, ints, values_int64s, "", "likewise")                                       \
    A(S, strs, values_strings, "", "likewise")                                      \
    A(S, tensor, values_tensor, "", "likewise")
ATTRS(LabelAttrs, LABEL_ATTRS);

static Mapping label_mapping(Arena *a, const Node *n)
{
    const LabelAttrs *l = n->attrs;
    Mapping m = {
        .keys = list(a, &l->keys_floats, &l->keys_int64s, &l->keys_strings, l->keys_tensor),
        .values = list(a, &l->values_floats, &l->values_int64s, &l->values_strings,
                       l->values_tensor),
        .otherwise = l->default_tensor,
    };
    if (l->classes_strings.set && !m.keys && !m.values) {
        int64_t count = l->classes_strings.n;
        const Tensor *classes = tensor_over(a, ELEM_STRING, 1, &count, l->classes_strings.at);
        bool of_strings = n->in[0]->type.elem == ELEM_STRING;
        m.keys = of_strings ? classes : counted(a, count);
        m.values = of_strings ? counted(a, count) : classes;
    }
    if (m.values && !m.otherwise)
        m.otherwise = default_of(a, m.values->elem, (double)l->default_float, l->default_int64,
                                 l->default_string);
    return m;
}

static Status infer_label(Graph *g, Node *n)
{
    Mapping m = label_mapping(g->arena, n);
    TRY(node_need_elem(n, 0, IS_ANY));
    TRY(check_mapping(n, &m));
    TRY(infer_same(g, n));
    n->out[0]->type.elem = m.values->elem;
    return MLC_OK;
}

static void define_label(Te *t, const Node *n)
{
    Mapping m = label_mapping(t->arena, n);
    define_mapping(t, &m);
}

OP(label_encoder) = {
    .name = "LabelEncoder", .domain = "ai.onnx.ml", .since = {1, 2, 4}, .min_in = 1, .max_in = 1,
    .traits = OP_ELEM_TYPE, ATTRS_OF(LabelAttrs), .infer = infer_label, .define = define_label,
    .doc = "the value that stands for each key",
};

/* ---- CategoryMapper ---- */

#define CATEGORY_ATTRS(A, S)                                                  \
    A(S, ints, cats_int64s, "", "the numbers of the categories")              \
    A(S, strs, cats_strings, "", "their names")                               \
    A(S, int, default_int64, "-1", "the number of what is no category")       \
    A(S, str, default_string, "_Unused", "the name of what is no category")
ATTRS(CategoryAttrs, CATEGORY_ATTRS);

static Mapping category_mapping(Arena *a, const Node *n)
{
    const CategoryAttrs *c = n->attrs;
    int64_t names = c->cats_strings.n, numbers = c->cats_int64s.n;
    Mapping m = {.keys = tensor_over(a, ELEM_I64, 1, &numbers, c->cats_int64s.at),
                 .values = tensor_over(a, ELEM_STRING, 1, &names, c->cats_strings.at)};
    if (n->in[0]->type.elem == ELEM_STRING) {
        const Tensor *keys = m.keys;
        m.keys = m.values;
        m.values = keys;
    }
    m.otherwise = default_of(a, m.values->elem, 0, c->default_int64, c->default_string);
    return m;
}

static Status infer_category(Graph *g, Node *n)
{
    Mapping m = category_mapping(g->arena, n);
    TRY(node_need_elem(n, 0, IS_INT | IS_STRING));
    TRY(check_mapping(n, &m));
    TRY(infer_same(g, n));
    n->out[0]->type.elem = m.values->elem;
    return MLC_OK;
}

static void define_category(Te *t, const Node *n)
{
    Mapping m = category_mapping(t->arena, n);
    define_mapping(t, &m);
}

OP(category_mapper) = {
    .name = "CategoryMapper", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    .traits = OP_ELEM_TYPE, ATTRS_OF(CategoryAttrs), .infer = infer_category,
    .define = define_category, .doc = "names of categories for their numbers, and back",
};

/* ---- OneHotEncoder ---- */

#define ENCODER_ATTRS(A, S)                                                        \
    A(S, ints, cats_int64s, "", "the categories")                                  \
    A(S, strs, cats_strings, "", "likewise")                                       \
    A(S, int, zeros, "1", "0: the run fails where an element is no category")
ATTRS(EncoderAttrs, ENCODER_ATTRS);

static Status infer_encoder(Graph *g, Node *n)
{
    const EncoderAttrs *a = n->attrs;
    bool of_strings = a->cats_strings.set;
    TRY(node_need_rank(n, 0, 0, MAX_RANK - 1));
    TRY(node_need_elem(n, 0, of_strings ? IS_STRING : IS_NUMBER));
    if (of_strings == a->cats_int64s.set)
        return node_error(n, E0203, "attributes 'cats_int64s' and 'cats_strings': one must be given");
    Type y = n->in[0]->type;
    y.elem = ELEM_F32;
    y.dim[y.rank++] = ex_int(g->pool, of_strings ? a->cats_strings.n : a->cats_int64s.n);
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void define_encoder(Te *t, const Node *n)
{
    const EncoderAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    if (x->elem != ELEM_I64 && !a->cats_strings.set) {
        x = te_temp(t, ELEM_I64, x->rank, x->dim);
        te_stage(t, x);
        te_yield(t, te_wide(t, te_load(t, te_in(t, 0), t->stage->axis)));
    }
    Tx place = find(t, x, list(t->arena, &(Floats){0}, &a->cats_int64s, &a->cats_strings, NULL));
    if (!a->zeros) {
        te_stage_axes(t, x->rank, x->dim);
        te_check(t, te_le(t, te_int(t, 0), te_load(t, place, t->stage->axis)), MLC_RUN_INDEX);
        te_close(t);
    }
    te_stage(t, te_out(t, 0));
    Ex here = te_load(t, place, t->stage->axis), one = te_const(t, ELEM_F32, 1);
    te_yield(t, te_select(t, te_eq(t, here, te_axis(t, x->rank)), one, te_const(t, ELEM_F32, 0)));
}

OP(one_hot_encoder) = {
    .name = "OneHotEncoder", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    ATTRS_OF(EncoderAttrs), .infer = infer_encoder, .define = define_encoder,
    .doc = "1 at the place of its category, 0 elsewhere",
};
