/* TensorProto files: the .pb of ONNX's test directories. In this folder since they are protobuf;
 * the interface is frontend/data/data.h. */
#include "frontend/data/data_file.h"
#include "frontend/onnx/tensor.h"
#include "ir/base/str.h"

static Status parse(Ctx *c, Arena *a, Arena *scratch, const FileMap *f, const DataLimits *limits,
                    const Tensor **out, const char **name)
{
    const ProtobufCMessageDescriptor *type = &onnx__tensor_proto__descriptor;
    WireLimits wire_limits = {16, (size_t)2 << 30};
    WireMessage wire;
    ProtobufCMessage *m;
    if (f->size == 0)
        return data_error(c, f->path, "the file is empty");
    TRY(wire_reduce(c, scratch, f->path, type, f->data, f->size, wire_limits, &wire));
    TRY(wire_unpack(c, scratch, f->path, type, wire.bytes.at, wire.bytes.len,
                    wire.memory * 2 + (1 << 20), &m));
    const Onnx__TensorProto *p = (const Onnx__TensorProto *)m;
    TensorSource s = {.ctx = c,
                      .arena = a,
                      .path = f->path,
                      .malformed = E0602,
                      .file = f,
                      .chunks = wire.chunks.at,
                      .nchunks = wire.chunks.len,
                      .max_elements = limits->max_elements,
                      .copy = true};
    if (name)
        *name = arena_strdup(a, p->name ? p->name : "");
    return tensor_from_proto(&s, p, out);
}

Status tensor_parse_pb(Ctx *c, Arena *a, const char *path, const uint8_t *data, size_t size,
                       const DataLimits *limits, const Tensor **out, const char **name)
{
    DataLimits l = data_limits(limits);
    FileMap f = {.path = path, .data = data, .size = size, .fd = -1};
    Arena *scratch = arena_new(c);
    Status status = parse(c, a, scratch, &f, &l, out, name);
    arena_free(scratch);
    return status;
}

Status tensor_read_pb(Ctx *c, Arena *a, const char *path, const DataLimits *limits,
                      const Tensor **out, const char **name)
{
    DataLimits l = data_limits(limits);
    FileMap *m;
    TRY(data_map(c, a, path, &l, &m));
    TRY(tensor_parse_pb(c, a, path, m->data, m->size, &l, out, name));
    file_unmap(m);
    return MLC_OK;
}

/* ---- writing ---- */
static void fill_strings(Arena *a, const Tensor *t, size_t count, Onnx__TensorProto *p)
{
    p->n_string_data = count;
    p->string_data = NEW_ARRAY(a, ProtobufCBinaryData, count);
    for (size_t i = 0; i < count; i++) {
        const char *s = ((const char *const *)t->data)[t->splat ? 0 : i];
        p->string_data[i] = (ProtobufCBinaryData){strlen(s), (uint8_t *)s};
    }
}

static void fill_raw(Arena *a, const Tensor *t, size_t count, Onnx__TensorProto *p)
{
    size_t bytes = elem_size_bytes(t->elem, count);
    uint8_t *data = (uint8_t *)t->data;
    if (t->splat) {
        data = arena_alloc(a, bytes, 64);
        size_t width = elem_bits[t->elem] / 8;
        for (size_t i = 0; i < count; i++) {
            if (elem_bits[t->elem] > 64)
                memcpy(data + i * width, t->data, width);
            else
                elem_set_bits(t->elem, data, i, elem_get_bits(t->elem, t->data, 0));
        }
    }
    p->has_raw_data = 1;
    p->raw_data = (ProtobufCBinaryData){bytes, data};
}

Status tensor_write_pb(Ctx *c, const char *path, const char *name, const Tensor *t)
{
    Arena *a = arena_new(c);
    Onnx__TensorProto p = ONNX__TENSOR_PROTO__INIT;
    size_t count = (size_t)tensor_count(t);
    p.n_dims = (size_t)t->rank;
    p.dims = (int64_t *)t->dim;
    p.has_data_type = 1;
    p.data_type = elem_to_onnx(t->elem);
    p.name = (char *)name;
    if (t->elem == ELEM_STRING)
        fill_strings(a, t, count, &p);
    else
        fill_raw(a, t, count, &p);
    size_t size = onnx__tensor_proto__get_packed_size(&p);
    uint8_t *bytes = arena_alloc(a, size, 1);
    onnx__tensor_proto__pack(&p, bytes);
    Status s = file_write(c, path, bytes, size);
    arena_free(a);
    return s;
}
