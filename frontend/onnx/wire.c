#include "frontend/onnx/wire.h"

#include "onnx.pb-c.h"

/* One frame per open message, on an explicit stack. The output's length prefixes are all five
 * bytes wide, so that a parent's can be filled in when its end is known; decoders accept that.
 *
 * Memory is judged as the walk goes: what decoding takes may never exceed BASE + RATIO times the
 * bytes read so far, tensor data aside. The densest honest models stay below 20 bytes a byte; an
 * array of empty messages takes more than 100. */

enum { MEMORY_BASE = 64 << 20, MEMORY_RATIO = 32 };
enum { LENGTH_WIDTH = 5 };
enum { MEMBER_BYTES = 100, MEMBERS_FREE = 16 }; /* protobuf-c's record of a field while it parses */
enum {
    WIRE_VARINT = 0,
    WIRE_64 = 1,
    WIRE_BYTES = 2,
    WIRE_GROUP = 3,
    WIRE_GROUP_END = 4,
    WIRE_32 = 5
};

typedef struct Frame {
    const ProtobufCMessageDescriptor *type;
    size_t end;       /* of the message in the input */
    size_t length_at; /* of its length prefix in the output */
    uint64_t seen;    /* singular sub-messages so far, by index of the field */
    size_t members;
} Frame;

typedef struct Scan {
    Ctx *ctx;
    Arena *arena;
    const char *path;
    const uint8_t *in;
    size_t at;
    size_t chunk_bytes;
    WireLimits limits;
    Frame *stack;
    int depth; /* frames in use */
    WireMessage *out;
} Scan;

/* One field as it lies in the input. */
typedef struct Field {
    unsigned number, wire;
    size_t start, end; /* of the payload, length prefix excluded */
    uint64_t varint;   /* of WIRE_VARINT */
} Field;

static Status malformed(Scan *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static Status malformed(Scan *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *what = arena_vprintf(s->arena, fmt, ap);
    va_end(ap);
    diag_error(s->ctx, E0102, (Loc){.file = s->path}, MLC_INPUT, "byte %zu: %s", s->at, what);
    diag_help(s->ctx, "the file may be truncated or damaged: compare its size with the original");
    return MLC_INPUT;
}

bool wire_varint(const uint8_t *data, size_t end, size_t *at, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (*at >= end)
            return false;
        uint8_t b = data[(*at)++];
        if (shift == 63 && b > 1)
            return false;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *out = v;
            return true;
        }
    }
    return false;
}

/* ---- output ---- */
static void put_varint(Scan *s, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        vec_push(s->arena, &s->out->bytes, (uint8_t)(v | 0x80));
    vec_push(s->arena, &s->out->bytes, (uint8_t)v);
}

static void put_bytes(Scan *s, size_t start, size_t end)
{
    if (start == end)
        return;
    vec_reserve(s->arena, &s->out->bytes, end - start);
    memcpy(s->out->bytes.at + s->out->bytes.len, s->in + start, end - start);
    s->out->bytes.len += end - start;
}

static void put_length(Scan *s, size_t at, uint64_t length)
{
    for (int i = 0; i < LENGTH_WIDTH; i++, length >>= 7)
        s->out->bytes.at[at + (size_t)i] =
            (uint8_t)((length & 0x7f) | (i + 1 < LENGTH_WIDTH ? 0x80 : 0));
}

static void put_field(Scan *s, const Field *f)
{
    put_varint(s, (uint64_t)f->number << 3 | f->wire);
    if (f->wire == WIRE_BYTES)
        put_varint(s, f->end - f->start);
    put_bytes(s, f->start, f->end);
}

static void put_le(Scan *s, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        vec_push(s->arena, &s->out->bytes, (uint8_t)(v >> (8 * i)));
}

/* ---- limits ---- */
static Status charge(Scan *s, size_t bytes)
{
    s->out->memory += bytes;
    size_t fair = (size_t)MEMORY_BASE + MEMORY_RATIO * (s->at - s->chunk_bytes);
    if (s->out->memory <= MIN(fair, s->limits.memory))
        return MLC_OK;
    diag_error(s->ctx, E0104, (Loc){.file = s->path}, MLC_INPUT,
               "decoding the first %zu bytes takes more than %zu bytes of memory", s->at,
               MIN(fair, s->limits.memory));
    return MLC_INPUT;
}

static Status push(Scan *s, const ProtobufCMessageDescriptor *type, size_t end, size_t length_at)
{
    if (s->depth >= s->limits.depth) {
        diag_error(s->ctx, E0103, (Loc){.file = s->path}, MLC_INPUT,
                   "byte %zu: messages are nested more than %d deep", s->at, s->limits.depth);
        return MLC_INPUT;
    }
    s->stack[s->depth++] = (Frame){.type = type, .end = end, .length_at = length_at};
    return charge(s, type->sizeof_message + 16);
}

/* ---- fields ---- */
static Status read_field(Scan *s, size_t end, Field *f)
{
    uint64_t tag, length;
    if (!wire_varint(s->in, end, &s->at, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
        return malformed(s, "invalid field tag");
    *f = (Field){.number = (unsigned)(tag >> 3), .wire = tag & 7, .start = s->at};
    switch (f->wire) {
    case WIRE_VARINT:
        if (!wire_varint(s->in, end, &s->at, &f->varint))
            return malformed(s, "invalid number in field %u", f->number);
        break;
    case WIRE_64:
    case WIRE_32:
        length = f->wire == WIRE_64 ? 8 : 4;
        if (length > end - s->at)
            return malformed(s, "field %u is cut off", f->number);
        s->at += length;
        break;
    case WIRE_BYTES:
        if (!wire_varint(s->in, end, &s->at, &length))
            return malformed(s, "invalid length of field %u", f->number);
        if (length > end - s->at)
            return malformed(s, "field %u claims %llu bytes, %zu remain", f->number,
                             (unsigned long long)length, end - s->at);
        f->start = s->at;
        s->at += length;
        break;
    case WIRE_GROUP:
    case WIRE_GROUP_END:
        return malformed(s, "field %u uses the group encoding, which ONNX does not have",
                         f->number);
    default:
        return malformed(s, "field %u has the invalid wire type %u", f->number, f->wire);
    }
    f->end = s->at;
    return MLC_OK;
}

/* The wire type of one value of a field. */
static unsigned wire_of(const ProtobufCFieldDescriptor *d)
{
    switch (d->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        return WIRE_BYTES;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return WIRE_32;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return WIRE_64;
    default:
        return WIRE_VARINT;
    }
}

/* Values of a packed array: whole values only. */
static bool packed_count(const Scan *s, const Field *f, unsigned wire, size_t *count)
{
    size_t bytes = f->end - f->start;
    if (wire != WIRE_VARINT) {
        size_t width = wire == WIRE_64 ? 8 : 4;
        *count = bytes / width;
        return bytes % width == 0;
    }
    *count = 0;
    for (size_t i = f->start; i < f->end; i++)
        *count += !(s->in[i] & 0x80);
    return bytes == 0 || !(s->in[f->end - 1] & 0x80);
}

static bool is_dropped(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *d)
{
    return (d->type == PROTOBUF_C_TYPE_STRING && strcmp(d->name, "doc_string") == 0) ||
           (type == &onnx__graph_proto__descriptor && d->id == 14) || /* annotations */
           (type == &onnx__model_proto__descriptor && (d->id == 14 || d->id == 20));
}

/* Tensor data: float_data, int32_data, int64_data, raw_data, double_data, uint64_data. */
static bool is_chunk(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *d)
{
    return type == &onnx__tensor_proto__descriptor &&
           (d->id == 4 || d->id == 5 || d->id == 7 || d->id == 9 || d->id == 10 || d->id == 11);
}

static Status put_chunk(Scan *s, const Field *f, const ProtobufCFieldDescriptor *d)
{
    size_t index = s->out->chunks.len;
    vec_push(s->arena, &s->out->chunks, (WireChunk){f->start, f->end - f->start});
    s->chunk_bytes += f->end - f->start;
    if (d->type == PROTOBUF_C_TYPE_BYTES) {
        put_varint(s, (uint64_t)f->number << 3 | WIRE_BYTES);
        put_varint(s, 4);
        put_le(s, index, 4);
    } else {
        unsigned wire = wire_of(d);
        put_varint(s, (uint64_t)f->number << 3 | wire);
        if (wire == WIRE_VARINT)
            put_varint(s, index);
        else
            put_le(s, index, wire == WIRE_64 ? 8 : 4);
    }
    return charge(s, sizeof(WireChunk) * 2 + 16);
}

/* Fields that Debian's schema is too old to know and that matter here. They reach the caller as
 * unknown fields, checked all the same: FunctionProto.attribute_proto, .overload,
 * NodeProto.overload. */
static const ProtobufCMessageDescriptor *newer_message(const ProtobufCMessageDescriptor *type,
                                                       unsigned number)
{
    return type == &onnx__function_proto__descriptor && number == 11
               ? &onnx__attribute_proto__descriptor
               : NULL;
}

static bool newer_string(const ProtobufCMessageDescriptor *type, unsigned number)
{
    return (type == &onnx__function_proto__descriptor && number == 13) ||
           (type == &onnx__node_proto__descriptor && number == 8);
}

static Status open_message(Scan *s, const Field *f, const ProtobufCMessageDescriptor *type)
{
    put_varint(s, (uint64_t)f->number << 3 | WIRE_BYTES);
    size_t length_at = s->out->bytes.len;
    put_le(s, 0, LENGTH_WIDTH);
    s->at = f->start;
    return push(s, type, f->end, length_at);
}

static Status unknown_field(Scan *s, const Field *f, const ProtobufCMessageDescriptor *type)
{
    const ProtobufCMessageDescriptor *message = newer_message(type, f->number);
    if (f->wire == WIRE_BYTES && message) {
        TRY(charge(s, 64 + 2 * (f->end - f->start)));
        return open_message(s, f, message);
    }
    if (f->wire == WIRE_BYTES && newer_string(type, f->number)) {
        put_field(s, f);
        return charge(s, 64 + (f->end - f->start));
    }
    return MLC_OK;
}

/* Numbers of a repeated field, one field each, become a packed one: the lists of large forests of
 * decision trees would take protobuf-c's record of a member for each number. */
static Status put_run(Scan *s, const Frame *top, const Field *first)
{
    Field f = *first;
    size_t count = 0, next;
    put_varint(s, (uint64_t)f.number << 3 | WIRE_BYTES);
    size_t length_at = s->out->bytes.len;
    put_le(s, 0, LENGTH_WIDTH);
    do {
        put_bytes(s, f.start, f.end);
        count++;
        next = s->at;
        if (next < top->end)
            TRY(read_field(s, top->end, &f));
    } while (next < top->end && f.number == first->number && f.wire == first->wire);
    s->at = next;
    put_length(s, length_at, s->out->bytes.len - length_at - LENGTH_WIDTH);
    return charge(s, count * 8 + 16);
}

static Status known_field(Scan *s, Frame *top, const Field *f, const ProtobufCFieldDescriptor *d)
{
    const ProtobufCMessageDescriptor *type = top->type;
    unsigned wire = wire_of(d);
    bool repeated = d->label == PROTOBUF_C_LABEL_REPEATED;
    bool packed = repeated && wire != WIRE_BYTES && f->wire == WIRE_BYTES;
    size_t count = 1;
    if (f->wire != wire && !packed)
        return malformed(s, "field '%s' of %s has wire type %u, not %u", d->name, type->short_name,
                         f->wire, wire);
    if (packed && !packed_count(s, f, wire, &count))
        return malformed(s, "field '%s' of %s ends inside a value", d->name, type->short_name);
    if (is_dropped(type, d)) {
        s->out->training_info |= d->type == PROTOBUF_C_TYPE_MESSAGE && d->id == 20;
        return MLC_OK;
    }
    if (is_chunk(type, d))
        return put_chunk(s, f, d);
    if (d->type == PROTOBUF_C_TYPE_MESSAGE) {
        uint64_t bit = (uint64_t)1 << ((size_t)(d - type->fields) & 63);
        if (!repeated && (top->seen & bit))
            return malformed(s, "field '%s' of %s is given twice", d->name, type->short_name);
        top->seen |= bit;
        TRY(charge(s, 16));
        return open_message(s, f, d->descriptor);
    }
    if (repeated && wire != WIRE_BYTES && !packed)
        return put_run(s, top, f);
    put_field(s, f);
    size_t bytes = wire == WIRE_BYTES ? f->end - f->start + 32 : count * 8;
    return charge(s, bytes + (repeated ? 16 : 0));
}

static Status next_field(Scan *s)
{
    Frame *top = &s->stack[s->depth - 1];
    Field f;
    TRY(read_field(s, top->end, &f));
    if (++top->members > MEMBERS_FREE)
        TRY(charge(s, MEMBER_BYTES));
    const ProtobufCFieldDescriptor *d =
        protobuf_c_message_descriptor_get_field(top->type, f.number);
    return d ? known_field(s, top, &f, d) : unknown_field(s, &f, top->type);
}

Status wire_reduce(Ctx *c, Arena *a, const char *path, const ProtobufCMessageDescriptor *type,
                   const uint8_t *data, size_t size, WireLimits limits, WireMessage *out)
{
    *out = (WireMessage){0};
    Scan s = {.ctx = c, .arena = a, .path = path, .in = data, .limits = limits, .out = out};
    s.stack = NEW_ARRAY(a, Frame, limits.depth);
    TRY(push(&s, type, size, 0));
    while (s.depth) {
        Frame *top = &s.stack[s.depth - 1];
        if (s.at < top->end) {
            TRY(next_field(&s));
        } else {
            s.depth--;
            if (s.depth)
                put_length(&s, top->length_at, out->bytes.len - top->length_at - LENGTH_WIDTH);
        }
    }
    return MLC_OK;
}

bool wire_plausible(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size)
{
    size_t at = 0;
    uint64_t tag;
    if (!wire_varint(data, size, &at, &tag) || tag > UINT32_MAX)
        return false;
    const ProtobufCFieldDescriptor *d =
        protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
    unsigned wire = tag & 7;
    return d &&
           (wire == wire_of(d) || (d->label == PROTOBUF_C_LABEL_REPEATED && wire == WIRE_BYTES));
}

/* ---- decoding ---- */
typedef struct Budget {
    Arena *arena;
    size_t left;
    bool spent;
} Budget;

static void *budget_alloc(void *data, size_t size)
{
    Budget *b = data;
    if (size > b->left) {
        b->spent = true;
        return NULL;
    }
    b->left -= size;
    return arena_alloc(b->arena, size, 16);
}

static void budget_free(void *data, void *p)
{
    (void)data;
    (void)p; /* the arena frees all at once */
}

Status wire_unpack(Ctx *c, Arena *a, const char *path, const ProtobufCMessageDescriptor *type,
                   const uint8_t *data, size_t size, size_t memory, ProtobufCMessage **out)
{
    Budget b = {.arena = a, .left = memory};
    ProtobufCAllocator alloc = {budget_alloc, budget_free, &b};
    *out = protobuf_c_message_unpack(type, &alloc, size, data);
    if (*out)
        return MLC_OK;
    if (b.spent)
        return diag_error(c, E0104, (Loc){.file = path}, MLC_INPUT,
                          "decoding the model takes more than %zu bytes of memory", memory);
    return diag_error(c, E0102, (Loc){.file = path}, MLC_INPUT, "the %s cannot be decoded",
                      type->short_name);
}
