#include "frontend/onnx/tensor.h"

#include "ir/base/str.h"

/* Data stands in one of three places: raw_data, a typed field, or an external file. raw_data and
 * the fixed-width typed fields have the layout that a Tensor wants, so one run of bytes that is
 * aligned in the file is used where it lies. */

static Status wrong(TensorSource *s, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
static Status wrong(TensorSource *s, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *why = arena_vprintf(s->arena, fmt, ap);
    va_end(ap);
    return diag_error(s->ctx, s->malformed, (Loc){.file = s->path}, MLC_INPUT, "tensor '%s': %s",
                      name, why);
}

static const char *name_of(const Onnx__TensorProto *p)
{
    return p->name ? p->name : "";
}

Status tensor_check_shape(TensorSource *s, const char *name, Elem e, size_t rank,
                          const int64_t *dim, int64_t *count)
{
    Loc loc = {.file = s->path};
    int64_t product = 1, bits;
    bool empty = false;
    if (rank > MAX_RANK)
        return diag_error(s->ctx, E0302, loc, MLC_INPUT,
                          "tensor '%s' has %zu dimensions; at most %d are supported", name, rank,
                          MAX_RANK);
    for (size_t i = 0; i < rank; i++) {
        if (dim[i] < 0)
            return wrong(s, name, "dimension %zu is %lld", i, (long long)dim[i]);
        empty |= dim[i] == 0;
        if (__builtin_mul_overflow(product, MAX(dim[i], 1), &product))
            return diag_error(s->ctx, E0304, loc, MLC_INPUT,
                              "tensor '%s': the number of elements exceeds 63 bits", name);
    }
    if (__builtin_mul_overflow(product, (int64_t)elem_bits[e], &bits))
        return diag_error(s->ctx, E0304, loc, MLC_INPUT,
                          "tensor '%s': the size in bits exceeds 63 bits", name);
    *count = empty ? 0 : product;
    if (*count > s->max_elements)
        return diag_error(s->ctx, E0104, loc, MLC_INPUT,
                          "tensor '%s' has %lld elements, more than the limit of %lld", name,
                          (long long)*count, (long long)s->max_elements);
    return MLC_OK;
}

/* ---- bytes ---- */
static bool is_aligned(const void *p, Elem e)
{
    size_t align = elem_bits[e] <= 8 ? 1 : MIN((size_t)elem_bits[e] / 8, 8u);
    return (uintptr_t)p % align == 0;
}

/* bool bytes must be 0 or 1: everything downstream relies on it. */
static bool bools_are_clean(const uint8_t *b, size_t n)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= b[i];
    return any <= 1;
}

static void use_bytes(TensorSource *s, Tensor *t, const FileMap *file, size_t offset)
{
    const uint8_t *p = file->data + offset;
    bool clean = t->elem != ELEM_BOOL || bools_are_clean(p, t->size_bytes);
    if (clean && !s->copy) {
        t->fd = file->fd;
        t->offset = (int64_t)offset;
        t->path = path_base(file->path);
        if (file != s->file)
            t->path = file->path;
    }
    t->data = p;
    if (clean && !s->copy && is_aligned(p, t->elem))
        return;
    uint8_t *copy = arena_alloc(s->arena, t->size_bytes, 64);
    memcpy(copy, p, t->size_bytes);
    for (size_t i = 0; !clean && i < t->size_bytes; i++)
        copy[i] = copy[i] != 0;
    t->data = copy;
}

/* wire_reduce() wrote the index in place of the data. */
static const WireChunk *chunk_at(const TensorSource *s, uint64_t index)
{
    assert(index < s->nchunks);
    return &s->chunks[index];
}

static uint64_t read_le(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static Status from_raw(TensorSource *s, Tensor *t, const Onnx__TensorProto *p)
{
    if (t->elem == ELEM_STRING)
        return wrong(s, name_of(p), "strings cannot stand in raw_data");
    assert(p->raw_data.len == 4);
    const WireChunk *c = chunk_at(s, read_le(p->raw_data.data, 4));
    if (c->size != t->size_bytes)
        return wrong(s, name_of(p), "type and shape take %zu bytes, raw_data has %zu",
                     t->size_bytes, c->size);
    use_bytes(s, t, s->file, c->offset);
    return MLC_OK;
}

/* ---- typed fields ---- */
typedef enum TypedField { NO_FIELD, FLOATS, DOUBLES, INT32S, INT64S, UINT64S, STRINGS } TypedField;

static TypedField field_of(Elem e)
{
    switch (e) {
    case ELEM_F32:
    case ELEM_C64:
        return FLOATS;
    case ELEM_F64:
    case ELEM_C128:
        return DOUBLES;
    case ELEM_I64:
        return INT64S;
    case ELEM_U32:
    case ELEM_U64:
        return UINT64S;
    case ELEM_STRING:
        return STRINGS;
    default:
        return INT32S;
    }
}

static const char *const field_name[] = {
    [FLOATS] = "float_data", [DOUBLES] = "double_data", [INT32S] = "int32_data",
    [INT64S] = "int64_data", [UINT64S] = "uint64_data", [STRINGS] = "string_data",
};

static size_t field_pieces(const Onnx__TensorProto *p, TypedField f)
{
    switch (f) {
    case FLOATS:
        return p->n_float_data;
    case DOUBLES:
        return p->n_double_data;
    case INT32S:
        return p->n_int32_data;
    case INT64S:
        return p->n_int64_data;
    case UINT64S:
        return p->n_uint64_data;
    case STRINGS:
        return p->n_string_data;
    default:
        return 0;
    }
}

static uint64_t piece_index(const Onnx__TensorProto *p, TypedField f, size_t i)
{
    uint64_t bits = 0;
    switch (f) {
    case FLOATS:
        memcpy(&bits, &p->float_data[i], 4);
        return bits;
    case DOUBLES:
        memcpy(&bits, &p->double_data[i], 8);
        return bits;
    case INT32S:
        return (uint32_t)p->int32_data[i];
    case INT64S:
        return (uint64_t)p->int64_data[i];
    default:
        return p->uint64_data[i];
    }
}

/* The values of a field: numbers of `width` bytes, or varints where width is 0. */
static size_t values_in(const TensorSource *s, const WireChunk *c, size_t width)
{
    if (width)
        return c->size / width;
    size_t n = 0;
    const uint8_t *b = s->file->data + c->offset;
    for (size_t i = 0; i < c->size; i++)
        n += !(b[i] & 0x80);
    return n;
}

static void fixed_data(TensorSource *s, Tensor *t, const Onnx__TensorProto *p, TypedField f)
{
    size_t pieces = field_pieces(p, f), at = 0;
    if (pieces == 1) {
        use_bytes(s, t, s->file, chunk_at(s, piece_index(p, f, 0))->offset);
        return;
    }
    uint8_t *to = arena_alloc(s->arena, t->size_bytes, 64);
    for (size_t i = 0; i < pieces; i++) {
        const WireChunk *c = chunk_at(s, piece_index(p, f, i));
        memcpy(to + at, s->file->data + c->offset, c->size);
        at += c->size;
    }
    t->data = to;
}

/* Stores one number of int32_data and the like. Types under 8 bits come as whole bytes. */
static bool store_number(Tensor *t, size_t i, uint64_t v)
{
    int bits = elem_bits[t->elem] < 8 ? 8 : elem_bits[t->elem];
    uint8_t *to = (uint8_t *)t->data + i * (size_t)bits / 8;
    int64_t low = (int64_t)v;
    if (bits < 64 && (low < -((int64_t)1 << (bits - 1)) || low >= (int64_t)1 << bits))
        return false;
    if (t->elem == ELEM_BOOL)
        v = v != 0;
    memcpy(to, &v, (size_t)bits / 8);
    return true;
}

static Status varint_data(TensorSource *s, Tensor *t, const Onnx__TensorProto *p, TypedField f)
{
    size_t n = 0;
    t->data = arena_alloc(s->arena, t->size_bytes, 64);
    for (size_t k = 0; k < field_pieces(p, f); k++) {
        const WireChunk *c = chunk_at(s, piece_index(p, f, k));
        for (size_t at = c->offset, end = c->offset + c->size; at < end; n++) {
            uint64_t v;
            if (!wire_varint(s->file->data, end, &at, &v))
                return wrong(s, name_of(p), "value %zu of %s is damaged", n, field_name[f]);
            if (t->elem == ELEM_I32)
                v = (uint64_t)(int64_t)(int32_t)(uint32_t)v;
            if (!store_number(t, n, v))
                return wrong(s, name_of(p), "value %zu, %lld, does not fit %s", n, (long long)v,
                             elem_name[t->elem]);
        }
    }
    return MLC_OK;
}

static Status string_data(TensorSource *s, Tensor *t, const Onnx__TensorProto *p)
{
    const char **to = NEW_ARRAY(s->arena, const char *, p->n_string_data);
    for (size_t i = 0; i < p->n_string_data; i++) {
        const ProtobufCBinaryData *b = &p->string_data[i];
        if (b->len && memchr(b->data, 0, b->len))
            return wrong(s, name_of(p), "string %zu holds a zero byte", i);
        to[i] = b->len ? arena_strndup(s->arena, (const char *)b->data, b->len) : "";
    }
    t->data = to;
    return MLC_OK;
}

static Status from_field(TensorSource *s, Tensor *t, const Onnx__TensorProto *p, int64_t count)
{
    TypedField f = field_of(t->elem);
    size_t width = f == FLOATS ? 4 : f == DOUBLES ? 8 : 0; /* 0: varints */
    size_t have = 0, need = (size_t)count;
    if (t->elem == ELEM_C64 || t->elem == ELEM_C128)
        need *= 2;
    if (elem_bits[t->elem] < 8)
        need = t->size_bytes;
    for (size_t i = 0; f != STRINGS && i < field_pieces(p, f); i++)
        have += values_in(s, chunk_at(s, piece_index(p, f, i)), width);
    if (f == STRINGS)
        have = p->n_string_data;
    if (have != need)
        return wrong(s, name_of(p), "type and shape take %zu values, %s has %zu", need,
                     field_name[f], have);
    if (f == STRINGS)
        return string_data(s, t, p);
    if (!width)
        return varint_data(s, t, p, f);
    fixed_data(s, t, p, f);
    return MLC_OK;
}

/* ---- external data ---- */
static Status from_external(TensorSource *s, Tensor *t, const Onnx__TensorProto *p)
{
    ExternalRef ref = {0};
    const FileMap *file;
    size_t offset;
    if (!s->external)
        return diag_error(s->ctx, E0106, (Loc){.file = s->path}, MLC_INPUT,
                          "tensor '%s' has external data, which is not allowed here", name_of(p));
    if (t->elem == ELEM_STRING)
        return wrong(s, name_of(p), "strings cannot stand in external data");
    for (size_t i = 0; i < p->n_external_data; i++) {
        const char *key = p->external_data[i]->key ? p->external_data[i]->key : "";
        const char *value = p->external_data[i]->value ? p->external_data[i]->value : "";
        const char **to = str_eq(key, "location") ? &ref.location
                          : str_eq(key, "offset") ? &ref.offset
                          : str_eq(key, "length") ? &ref.length
                                                  : NULL;
        /* A checksum is of the whole file and rarely written; basepath is a trap. */
        if (!to && (str_eq(key, "checksum") || str_eq(key, "basepath")))
            continue;
        if (!to || *to)
            return diag_error(s->ctx, E0106, (Loc){.file = s->path}, MLC_INPUT,
                              "external data of tensor '%s': key '%.40s' %s", name_of(p), key,
                              to ? "is given twice" : "is unknown");
        *to = value;
    }
    TRY(external_find(s->external, name_of(p), &ref, t->size_bytes, &file, &offset));
    use_bytes(s, t, file, offset);
    return MLC_OK;
}

static Status check_type(TensorSource *s, const Onnx__TensorProto *p, Elem *e)
{
    *e = elem_from_onnx(p->data_type);
    if (*e != ELEM_NONE)
        return MLC_OK;
    return diag_error(s->ctx, E0204, (Loc){.file = s->path}, MLC_INPUT,
                      "tensor '%s' has element type number %d, which is unknown", name_of(p),
                      p->has_data_type ? p->data_type : 0);
}

Status tensor_from_proto(TensorSource *s, const Onnx__TensorProto *p, const Tensor **out)
{
    Elem e;
    int64_t count;
    TRY(check_type(s, p, &e));
    TRY(tensor_check_shape(s, name_of(p), e, p->n_dims, p->dims, &count));
    if (p->segment)
        return wrong(s, name_of(p), "its data is in segments, which nobody writes");
    Tensor *t = NEW(s->arena, Tensor);
    *t = (Tensor){.elem = e, .rank = (int)p->n_dims, .fd = -1};
    for (size_t i = 0; i < p->n_dims; i++)
        t->dim[i] = p->dims[i];
    t->size_bytes = elem_size_bytes(e, (size_t)count);
    *out = t;
    if (p->has_data_location && p->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return from_external(s, t, p);
    if (p->has_raw_data)
        return from_raw(s, t, p);
    return from_field(s, t, p, count);
}

/* ---- sparse ---- */
/* The row-major position that entry i of `index` names, or -1. `index` is [n] or [n, rank]. */
static int64_t sparse_position(const Tensor *index, const Tensor *dense, int64_t count, int64_t i)
{
    if (index->rank == 1) {
        int64_t at = tensor_get_i64(index, i);
        return at >= 0 && at < count ? at : -1;
    }
    int64_t at = 0;
    for (int k = 0; k < dense->rank; k++) {
        int64_t v = tensor_get_i64(index, i * dense->rank + k);
        if (v < 0 || v >= dense->dim[k])
            return -1;
        at = at * dense->dim[k] + v;
    }
    return at;
}

/* Bytes that a sparse tensor may be written out to: half of what is left, as a few bytes of input must not
 * ask for all memory. */
static int64_t most_dense(const Ctx *c)
{
    enum { MOST = 1 << 28 };
    size_t left = c->memory_limit > c->memory_used ? c->memory_limit - c->memory_used : 0;
    return c->memory_limit ? (int64_t)MIN(left / 2, (size_t)MOST) : MOST;
}

Status tensor_from_sparse(TensorSource *s, const Onnx__SparseTensorProto *p, const Tensor **out)
{
    const Tensor *values, *index;
    int64_t count;
    if (!p->values || !p->indices)
        return wrong(s, "", "a sparse tensor lacks its values or indices");
    const char *name = name_of(p->values);
    TRY(tensor_from_proto(s, p->values, &values));
    TRY(tensor_from_proto(s, p->indices, &index));
    TRY(tensor_check_shape(s, name, values->elem, p->n_dims, p->dims, &count));
    size_t width = elem_bits[values->elem] / 8;
    bool shaped = index->rank == 1 || (index->rank == 2 && index->dim[1] == (int64_t)p->n_dims);
    if (values->rank != 1 || index->elem != ELEM_I64 || !shaped ||
        index->dim[0] != values->dim[0] || width == 0 || values->elem == ELEM_STRING)
        return wrong(s, name, "the parts of this sparse tensor do not match");
    if (count > most_dense(s->ctx) / (int64_t)width)
        return diag_error(s->ctx, E0104, (Loc){.file = s->path}, MLC_INPUT,
                          "sparse tensor '%s' has %lld elements, too many to write out", name,
                          (long long)count);
    Tensor *t = tensor_new(s->arena, values->elem, (int)p->n_dims, p->dims);
    for (int64_t i = 0; i < values->dim[0]; i++) {
        int64_t at = sparse_position(index, t, count, i);
        if (at < 0)
            return wrong(s, name, "index %lld of this sparse tensor is outside its shape",
                         (long long)i);
        memcpy((char *)t->data + (size_t)at * width, (const char *)values->data + (size_t)i * width,
               width);
    }
    *out = t;
    return MLC_OK;
}
