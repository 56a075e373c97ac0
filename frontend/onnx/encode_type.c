/* Types and tensors in ONNX's form. */
#include "frontend/onnx/encode.h"

#include "ir/graph/text.h"

/* Field numbers of onnx.proto. */
enum {
    TYPE_TENSOR_TYPE = 1, TYPE_SEQUENCE_TYPE = 4, TYPE_MAP_TYPE = 5, TYPE_OPTIONAL_TYPE = 9,
    TENSOR_TYPE_ELEM = 1, TENSOR_TYPE_SHAPE = 2, SHAPE_DIM = 1, DIM_VALUE = 1, DIM_PARAM = 2,
    NESTED_ELEM = 1, MAP_KEY = 1, MAP_VALUE = 2,
    INFO_NAME = 1, INFO_TYPE = 2,
    TENSOR_DIMS = 1, TENSOR_DATA_TYPE = 2, TENSOR_STRING_DATA = 6, TENSOR_NAME = 8,
    TENSOR_RAW_DATA = 9, TENSOR_EXTERNAL = 13, TENSOR_LOCATION = 14, LOCATION_EXTERNAL = 1,
    ENTRY_KEY = 1, ENTRY_VALUE = 2,
};

/* Data this small stays in the model. */
enum { LEAST_EXTERNAL_BYTES = 1024, EXTERNAL_ALIGN = 4096 };

/* A constant, a symbol's name, or the text of an expression: equal texts are equal dimensions. */
static void encode_dim(Encoder *e, WireOut *shape, Ex dim)
{
    WireOut w = wire_out_new(e->arena);
    int64_t v;
    if (ex_is_int(dim, &v)) {
        wire_out_int(&w, DIM_VALUE, v);
    } else if (dim->op == EX_SYM) {
        wire_out_text(&w, DIM_PARAM, ex_sym_name(e->pool, (int)dim->i));
    } else {
        Str s = str_new(e->arena);
        text_print_dim(&s, e->pool, dim);
        wire_out_text(&w, DIM_PARAM, str_text(&s));
    }
    wire_out_message(shape, SHAPE_DIM, &w);
}

static void encode_tensor_type(Encoder *e, WireOut *type, const Type *t)
{
    WireOut w = wire_out_new(e->arena), shape = wire_out_new(e->arena);
    wire_out_int(&w, TENSOR_TYPE_ELEM, elem_to_onnx(t->elem));
    for (int i = 0; i < t->rank; i++)
        encode_dim(e, &shape, t->dim[i]);
    if (t->rank >= 0)
        wire_out_message(&w, TENSOR_TYPE_SHAPE, &shape);
    wire_out_message(type, TYPE_TENSOR_TYPE, &w);
}

static void encode_nested_type(Encoder *e, WireOut *type, int field, const Type *t)
{
    WireOut w = wire_out_new(e->arena);
    if (t->kind == TYPE_MAP)
        wire_out_int(&w, MAP_KEY, elem_to_onnx(t->elem));
    encode_type(e, &w, t->kind == TYPE_MAP ? MAP_VALUE : NESTED_ELEM, t->of);
    wire_out_message(type, field, &w);
}

void encode_type(Encoder *e, WireOut *to, int field, const Type *t)
{
    WireOut w = wire_out_new(e->arena);
    switch (t->kind) {
    case TYPE_TENSOR:
        encode_tensor_type(e, &w, t);
        break;
    case TYPE_SEQUENCE:
        encode_nested_type(e, &w, TYPE_SEQUENCE_TYPE, t);
        break;
    case TYPE_OPTIONAL:
        encode_nested_type(e, &w, TYPE_OPTIONAL_TYPE, t);
        break;
    case TYPE_MAP:
        encode_nested_type(e, &w, TYPE_MAP_TYPE, t);
        break;
    case TYPE_NONE:
        break;
    }
    wire_out_message(to, field, &w);
}

void encode_value(Encoder *e, WireOut *to, int field, const char *name, const Type *t)
{
    WireOut w = wire_out_new(e->arena);
    wire_out_text(&w, INFO_NAME, name);
    if (t->kind != TYPE_NONE)
        encode_type(e, &w, INFO_TYPE, t);
    wire_out_message(to, field, &w);
}

static void encode_entry(Encoder *e, WireOut *tensor, const char *key, const char *value)
{
    WireOut w = wire_out_new(e->arena);
    wire_out_text(&w, ENTRY_KEY, key);
    wire_out_text(&w, ENTRY_VALUE, value);
    wire_out_message(tensor, TENSOR_EXTERNAL, &w);
}

static void encode_external(Encoder *e, WireOut *w, const Tensor *t, size_t bytes)
{
    size_t offset = (e->data_bytes + EXTERNAL_ALIGN - 1) / EXTERNAL_ALIGN * EXTERNAL_ALIGN;
    e->data_bytes = offset + bytes;
    vec_push(e->arena, &e->file->data, (OnnxExternal){t, offset});
    encode_entry(e, w, "location", path_base(e->file->data_path));
    encode_entry(e, w, "offset", arena_printf(e->arena, "%zu", offset));
    encode_entry(e, w, "length", arena_printf(e->arena, "%zu", bytes));
    wire_out_int(w, TENSOR_LOCATION, LOCATION_EXTERNAL);
}

static void encode_strings(WireOut *w, const Tensor *t)
{
    const char *const *text = t->data;
    int64_t n = tensor_count(t);
    for (int64_t i = 0; i < n; i++)
        wire_out_text(w, TENSOR_STRING_DATA, text[t->splat ? 0 : i]);
}

void encode_tensor(Encoder *e, WireOut *to, int field, const char *name, const Tensor *t)
{
    WireOut w = wire_out_new(e->arena);
    for (int i = 0; i < t->rank; i++)
        wire_out_int(&w, TENSOR_DIMS, t->dim[i]);
    wire_out_int(&w, TENSOR_DATA_TYPE, elem_to_onnx(t->elem));
    if (name)
        wire_out_text(&w, TENSOR_NAME, name);
    size_t bytes = t->elem == ELEM_STRING ? 0 : tensor_raw_bytes(t);
    if (t->elem == ELEM_STRING)
        encode_strings(&w, t);
    else if (e->external && bytes >= LEAST_EXTERNAL_BYTES)
        encode_external(e, &w, t, bytes);
    else
        wire_out_tensor(&w, TENSOR_RAW_DATA, t);
    wire_out_message(to, field, &w);
}
