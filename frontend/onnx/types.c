/* TypeProto -> Type, and the symbols that stand for dimensions known only at run time.
 *
 * A named dimension is one symbol wherever the name appears. Names that say nothing ("?", "-1")
 * and dimensions without name or value each get a symbol of their own. Symbols are at least 1,
 * which is what shape inference needs to see that they do not broadcast; the exception are
 * dimensions that occur only in inputs named past...: the caches of a sequence model, which are
 * empty in the first step. */
#include "frontend/onnx/reader.h"

#include <strings.h>

static bool is_cache(const char *input)
{
    return strncasecmp(input, "past", 4) == 0;
}

static const char *dim_name(const Onnx__TensorShapeProto__Dimension *d)
{
    static const char *const says_nothing[] = {"",     "?",    "-1",  "*",
                                               "None", "none", "unk", "unknown"};
    if (d->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM || !d->dim_param)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(says_nothing); i++)
        if (str_eq(d->dim_param, says_nothing[i]))
            return NULL;
    return d->dim_param;
}

static const Onnx__TensorShapeProto *shape_of(const Onnx__TypeProto *p)
{
    bool tensor = p && p->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE && p->tensor_type;
    return tensor ? p->tensor_type->shape : NULL;
}

void type_symbols(Reader *r, const Onnx__GraphProto *g)
{
    for (size_t i = 0; i < g->n_input; i++) {
        const Onnx__TensorShapeProto *shape = shape_of(g->input[i]->type);
        bool cache = is_cache(g->input[i]->name ? g->input[i]->name : "");
        for (size_t k = 0; shape && k < shape->n_dim; k++) {
            const char *name = dim_name(shape->dim[k]);
            if (!name)
                continue;
            map_set(&r->symbols, name, r);
            if (!cache && shape->n_dim > 1) /* a list may be empty */
                map_set(&r->nonempty, name, r);
        }
    }
}

/* A symbol called "value_axis", in the characters of an identifier, that nothing else uses. */
static Ex fresh_symbol(Reader *r, const char *value, size_t axis)
{
    char *name = arena_printf(r->scratch, "%s_%zu", *value ? value : "dim", axis);
    for (char *c = name; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        if (!letter && !(*c >= '0' && *c <= '9'))
            *c = '_';
    }
    const char *unique = name;
    for (size_t k = r->symbols.len; map_has(&r->symbols, unique); k++)
        unique = arena_printf(r->scratch, "%s_%zu", name, k);
    map_set(&r->symbols, unique, r);
    return ex_sym(r->pool, unique, is_cache(value) ? 0 : 1);
}

static Ex named_symbol(Reader *r, const char *name)
{
    return ex_sym(r->pool, name, map_has(&r->nonempty, name) ? 1 : 0);
}

static Status read_shape(Reader *r, const Onnx__TensorShapeProto *p, const char *value, Type *t)
{
    int64_t size = elem_bits[t->elem];
    if (p->n_dim > MAX_RANK)
        return diag_error(r->ctx, E0302, (Loc){.file = r->path}, MLC_INPUT,
                          "value '%s' has %zu dimensions; at most %d are supported", value,
                          p->n_dim, MAX_RANK);
    t->rank = (int)p->n_dim;
    for (size_t i = 0; i < p->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *d = p->dim[i];
        bool given = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (given && d->dim_value < -1)
            return well_formed_error(r, NULL, NULL, "dimension %zu of value '%s' is %lld", i, value,
                                     (long long)d->dim_value);
        if (given && d->dim_value >= 0) {
            t->dim[i] = ex_int(r->pool, d->dim_value);
            if (__builtin_mul_overflow(size, MAX(d->dim_value, 1), &size))
                return diag_error(r->ctx, E0304, (Loc){.file = r->path}, MLC_INPUT,
                                  "value '%s': the size in bits exceeds 63 bits", value);
            continue;
        }
        const char *name = dim_name(d);
        t->dim[i] = name ? named_symbol(r, name) : fresh_symbol(r, value, i);
    }
    return MLC_OK;
}

static Status read_elem(Reader *r, int32_t number, const char *value, Elem *e)
{
    *e = elem_from_onnx(number);
    if (*e != ELEM_NONE)
        return MLC_OK;
    return diag_error(r->ctx, E0204, (Loc){.file = r->path}, MLC_INPUT,
                      "value '%s' has element type number %d, which is unknown", value, number);
}

static bool shape_is_constant(const Onnx__TensorShapeProto *p)
{
    for (size_t i = 0; p && i < p->n_dim; i++)
        if (p->dim[i]->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ||
            p->dim[i]->dim_value < 0)
            return false;
    return p != NULL && p->n_dim <= MAX_RANK;
}

static Status read_any(Reader *r, const Onnx__TypeProto *p, const char *value, bool element,
                       Type *out);

/* Elements of a sequence differ in their dimensions, whatever these are called: the rank is known. */
static void element_rank(Reader *r, const Onnx__TensorShapeProto *p, const char *value, Type *t)
{
    if (!p || p->n_dim > MAX_RANK)
        return;
    t->rank = (int)p->n_dim;
    for (int i = 0; i < t->rank; i++)
        t->dim[i] = ex_sym_run_time(r->pool, arena_printf(r->arena, "%s.element.%d", value, i), 0,
                                    (int64_t)1 << 40);
}

static Status read_element(Reader *r, const Onnx__TypeProto *p, const char *value, Type *out)
{
    Type *of = NEW(r->arena, Type);
    out->of = of;
    TRY(read_any(r, p, value, true, of));
    if (of->kind == TYPE_TENSOR && of->rank < 0)
        element_rank(r, p->tensor_type->shape, value, of);
    return MLC_OK;
}

static Status read_any(Reader *r, const Onnx__TypeProto *p, const char *value, bool loose,
                       Type *out)
{
    *out = (Type){.rank = -1};
    switch (p ? p->value_case : ONNX__TYPE_PROTO__VALUE__NOT_SET) {
    case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
        out->kind = TYPE_TENSOR;
        TRY(read_elem(r, p->tensor_type->elem_type, value, &out->elem));
        if (!p->tensor_type->shape || (loose && !shape_is_constant(p->tensor_type->shape)))
            return MLC_OK;
        return read_shape(r, p->tensor_type->shape, value, out);
    case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
        out->kind = TYPE_SEQUENCE;
        return read_element(r, p->sequence_type->elem_type, value, out);
    case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
        out->kind = TYPE_OPTIONAL;
        return read_element(r, p->optional_type->elem_type, value, out);
    case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
        out->kind = TYPE_MAP;
        TRY(read_elem(r, p->map_type->key_type, value, &out->elem));
        return read_element(r, p->map_type->value_type, value, out);
    case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
        return diag_error(r->ctx, E0204, (Loc){.file = r->path}, MLC_INPUT,
                          "value '%s' is a sparse tensor; only sparse constants are supported",
                          value);
    default:
        return well_formed_error(r, NULL, NULL, "value '%s' has no type", value);
    }
}

Status type_read(Reader *r, const Onnx__TypeProto *p, const char *value, bool loose, Type *out)
{
    return read_any(r, p, value, loose, out);
}

/* What a custom operator makes is known from its declaration alone, so that may be dynamic, in the
 * dimensions that inputs have. */
static void type_declared(Reader *r, Value *v, const Onnx__TypeProto *p)
{
    int  before = ex_sym_count(r->pool);
    Type t = {.rank = -1};
    if (type_read(r, p, v->name, false, &t) == MLC_OK && ex_sym_count(r->pool) == before)
        v->type = t;
}

void type_hint(Reader *r, Value *v, const Onnx__TypeProto *p)
{
    if (v && v->def && v->def->op->traits & OP_CUSTOM && v->type.kind == TYPE_NONE && p)
        type_declared(r, v, p);
    const Onnx__TensorShapeProto *shape = shape_of(p);
    if (!v || v->data || v->is_input || v->type.kind != TYPE_NONE || !shape_is_constant(shape))
        return;
    Elem e = elem_from_onnx(p->tensor_type->elem_type);
    int64_t dim[MAX_RANK], size = elem_bits[e];
    for (size_t i = 0; i < shape->n_dim; i++) {
        dim[i] = shape->dim[i]->dim_value;
        if (__builtin_mul_overflow(size, MAX(dim[i], 1), &size))
            return;
    }
    if (e != ELEM_NONE)
        v->type = type_tensor_const(r->pool, e, (int)shape->n_dim, dim);
}
