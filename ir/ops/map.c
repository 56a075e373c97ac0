/* Operators on maps, on columns (columns.h): keys and values are tensors. */
#include "ir/graph/text.h"
#include "ir/ops/columns.h"
#include "ir/ops/control.h"

/* ---- ZipMap ---- */

#define ZIP_ATTRS(A, S)                                        \
    A(S, ints, classlabels_int64s, "", "the keys")             \
    A(S, strs, classlabels_strings, "", "the keys")
ATTRS(ZipAttrs, ZIP_ATTRS);

static Status infer_zip(Graph *g, Node *n)
{
    const ZipAttrs *a = n->attrs;
    TRY(node_need_rank(n, 0, 1, 2));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    if (a->classlabels_int64s.n > 0 && a->classlabels_strings.n > 0)
        return node_error(n, E0203, "keys are given as integers and as strings");
    bool        strings = a->classlabels_strings.n > 0;
    const Type *x = &n->in[0]->type;
    TRY(node_need_equal(n, x->dim[x->rank - 1],
                        ex_int(g->pool, strings ? a->classlabels_strings.n : a->classlabels_int64s.n),
                        "keys and values"));
    Type *map = NEW(g->arena, Type), *value = NEW(g->arena, Type);
    *value = type_tensor(x->elem, 0, NULL);
    *map = (Type){.kind = TYPE_MAP, .elem = strings ? ELEM_STRING : ELEM_I64, .rank = -1, .of = value};
    n->out[0]->type = (Type){.kind = TYPE_SEQUENCE, .rank = -1, .of = map};
    return MLC_OK;
}

static void add_keys(Str *s, const Ints *ints, const Strings *strings)
{
    str_printf(s, "const %%keys : %s[%d] = {", strings->n ? "string" : "i64",
               strings->n ? strings->n : ints->n);
    for (int i = 0; i < ints->n; i++)
        str_printf(s, "%s%lld", i ? ", " : "", (long long)ints->at[i]);
    for (int i = 0; i < strings->n; i++) {
        str_add(s, i ? ", " : "");
        text_quote(s, strings->at[i]);
    }
    str_add(s, "}\n");
}

static const char *columns_zip(Graph *g, const Node *n)
{
    const ZipAttrs *a = n->attrs;
    Str s = str_new(g->arena);
    add_keys(&s, &a->classlabels_int64s, &a->classlabels_strings);
    if (n->in[0]->type.rank == 1)
        str_add(&s, "const %zero : i64[1] = {0}\n%values = Unsqueeze(%0, %zero)\n"
                    "out %keys\nout %values\n");
    else
        str_add(&s, "out %keys\nout %0\n");
    return str_text(&s);
}

OP(zip_map) = {
    .name = "ZipMap", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    ATTRS_OF(ZipAttrs), .infer = infer_zip, .columns = columns_zip,
    .doc = "a map from key to value for each row",
};

/* ---- DictVectorizer, CastMap ---- */

static Status need_map(const Node *n, const Type **map)
{
    const Type *t = node_has(n, 0) ? &n->in[0]->type : NULL;
    if (!t || t->kind != TYPE_MAP || column_count(t) == 0)
        return node_error(n, E0206, "input 0 is not a map to numbers");
    *map = t;
    return MLC_OK;
}

#define DICT_ATTRS(A, S)                                   \
    A(S, ints, int64_vocabulary, "", "the keys, in order") \
    A(S, strs, string_vocabulary, "", "the keys, in order")
ATTRS(DictAttrs, DICT_ATTRS);

static Status infer_dict(Graph *g, Node *n)
{
    const DictAttrs *a = n->attrs;
    const Type *map;
    TRY(need_map(n, &map));
    bool strings = a->string_vocabulary.n > 0;
    if (strings != (map->elem == ELEM_STRING))
        return node_error(n, E0203, "keys are %s, the vocabulary is not", elem_name[map->elem]);
    Ex dim[2] = {ex_int(g->pool, 1),
                 ex_int(g->pool, strings ? a->string_vocabulary.n : a->int64_vocabulary.n)};
    node_set_type(n, 0, type_tensor(map->of->elem, 2, dim));
    return MLC_OK;
}

/* y[0, j] = sum of the values whose key is word j: at most one is. */
static const char *columns_dict(Graph *g, const Node *n)
{
    const DictAttrs *a = n->attrs;
    Str s = str_new(g->arena);
    add_keys(&s, &a->int64_vocabulary, &a->string_vocabulary);
    str_printf(&s,
               "const %%one : i64[1] = {1}\nconst %%zero : i64[1] = {0}\nconst %%none : %s[] = {0}\n"
               "%%words = Unsqueeze(%%keys, %%one)\n%%same = Equal(%%words, %%0)\n"
               "%%found = Where(%%same, %%1, %%none)\n%%sum = ReduceSum(%%found, %%one) {keepdims=0}\n"
               "%%y = Unsqueeze(%%sum, %%zero)\nout %%y\n",
               elem_name[n->in[0]->type.of->elem]);
    return str_text(&s);
}

OP(dict_vectorizer) = {
    .name = "DictVectorizer", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    ATTRS_OF(DictAttrs), .infer = infer_dict, .columns = columns_dict,
    .doc = "the values of a map in the order of a vocabulary",
};

#define CAST_MAP_ATTRS(A, S)                                            \
    A(S, str, cast_to, "\"TO_FLOAT\"", "TO_FLOAT, TO_INT64 or TO_STRING") \
    A(S, str, map_form, "\"DENSE\"", "SPARSE: the key is the position")   \
    A(S, int, max_map, "1", "elements of a sparse result")
ATTRS(CastMapAttrs, CAST_MAP_ATTRS);

static bool is_sparse(const CastMapAttrs *a) { return str_eq(a->map_form, "SPARSE"); }

static Elem cast_elem(const CastMapAttrs *a)
{
    return str_eq(a->cast_to, "TO_FLOAT")    ? ELEM_F32
           : str_eq(a->cast_to, "TO_INT64")  ? ELEM_I64
           : str_eq(a->cast_to, "TO_STRING") ? ELEM_STRING : ELEM_NONE;
}

static Status infer_cast_map(Graph *g, Node *n)
{
    const CastMapAttrs *a = n->attrs;
    const Type *map;
    TRY(need_map(n, &map));
    if (cast_elem(a) == ELEM_NONE || (!is_sparse(a) && !str_eq(a->map_form, "DENSE")))
        return node_error(n, E0203, "cast_to \"%s\", map_form \"%s\"", a->cast_to, a->map_form);
    if (is_sparse(a) && (a->max_map < 1 || a->max_map > INT32_MAX))
        return node_error(n, E0203, "max_map is %lld", (long long)a->max_map);
    if (map->elem != ELEM_I64)
        return node_error(n, E0206, "the keys are %s, must be i64", elem_name[map->elem]);
    Ex dim[2] = {ex_int(g->pool, 1),
                 is_sparse(a) ? ex_int(g->pool, a->max_map) : assigned_dim(g, n->out[0], 1)};
    node_set_type(n, 0, type_tensor(cast_elem(a), 2, dim));
    return MLC_OK;
}

/* Dense: the values in ascending order of keys. */
static const char *columns_cast_map(Graph *g, const Node *n)
{
    const CastMapAttrs *a = n->attrs;
    Str s = str_new(g->arena);
    str_printf(&s, "const %%zero : i64[1] = {0}\nconst %%zeros : i64[] = {0}\n"
                   "%%cast = Cast(%%1) {to=%d}\n", (int)elem_to_onnx(cast_elem(a)));
    if (is_sparse(a))
        str_printf(&s, "const %%size : i64[1] = {%lld}\n%%none = ConstantOfShape(%%size) {value=%s[1] "
                       "{%s}}\n%%row = ScatterElements(%%none, %%0, %%cast) {axis=0}\n",
                   (long long)a->max_map, elem_name[cast_elem(a)],
                   cast_elem(a) == ELEM_STRING ? "\"\"" : "0");
    else
        str_add(&s, "%n = Shape(%0)\n%keys, %order = TopK(%0, %n) {axis=0, largest=0, sorted=1}\n"
                    "%row = Gather(%cast, %order)\n");
    str_add(&s, "%y = Unsqueeze(%row, %zero)\nout %y\n");
    return str_text(&s);
}

OP(cast_map) = {
    .name = "CastMap", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    ATTRS_OF(CastMapAttrs), .infer = infer_cast_map, .columns = columns_cast_map,
    .doc = "the values of a map as a tensor",
};
