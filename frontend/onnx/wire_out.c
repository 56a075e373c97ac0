/* Protobuf's wire format: a field is (number << 3 | kind) and a value, kind 0 a varint, 2 bytes
 * with their length before them, 5 four bytes. See wire_out.h. */
#include "frontend/onnx/wire_out.h"

enum { KIND_VARINT = 0, KIND_BYTES = 2, KIND_FIXED32 = 5, SPLAT_CHUNK_BYTES = 1 << 16 };

static void put(WireOut *w, const void *data, size_t n)
{
    vec_reserve(w->arena, &w->bytes, n);
    if (n)
        memcpy(w->bytes.at + w->bytes.len, data, n);
    w->bytes.len += n;
}

static void put_varint(WireOut *w, uint64_t v)
{
    uint8_t buf[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        buf[n++] = (uint8_t)(v | 0x80);
    buf[n++] = (uint8_t)v;
    put(w, buf, n);
}

static void put_tag(WireOut *w, int field, int kind)
{
    put_varint(w, (uint64_t)field << 3 | (unsigned)kind);
}

void wire_out_int(WireOut *w, int field, int64_t v)
{
    put_tag(w, field, KIND_VARINT);
    put_varint(w, (uint64_t)v);
}

void wire_out_f32(WireOut *w, int field, float v)
{
    put_tag(w, field, KIND_FIXED32);
    put(w, &v, sizeof v);
}

void wire_out_bytes(WireOut *w, int field, const void *data, size_t n)
{
    put_tag(w, field, KIND_BYTES);
    put_varint(w, n);
    put(w, data, n);
}

void wire_out_text(WireOut *w, int field, const char *text)
{
    wire_out_bytes(w, field, text, strlen(text));
}

void wire_out_message(WireOut *w, int field, const WireOut *sub)
{
    put_tag(w, field, KIND_BYTES);
    put_varint(w, wire_out_size(sub));
    for (size_t i = 0; i < sub->blobs.len; i++)
        vec_push(w->arena, &w->blobs,
                 (WireBlob){w->bytes.len + sub->blobs.at[i].at, sub->blobs.at[i].tensor});
    w->blob_bytes += sub->blob_bytes;
    put(w, sub->bytes.at, sub->bytes.len);
}

void wire_out_tensor(WireOut *w, int field, const Tensor *t)
{
    size_t n = tensor_raw_bytes(t);
    put_tag(w, field, KIND_BYTES);
    put_varint(w, n);
    vec_push(w->arena, &w->blobs, (WireBlob){w->bytes.len, t});
    w->blob_bytes += n;
}

/* ---- tensor data ---- */

size_t tensor_raw_bytes(const Tensor *t)
{
    return elem_size_bytes(t->elem, (size_t)tensor_count(t));
}

/* Fills `to` with the one element over and over, and returns the bytes that are a whole number of
 * elements. */
static size_t spread(const Tensor *t, uint8_t *to)
{
    if (elem_bits[t->elem] < 8) {
        size_t count = (size_t)SPLAT_CHUNK_BYTES * 8 / elem_bits[t->elem];
        memset(to, 0, SPLAT_CHUNK_BYTES);
        for (size_t i = 0; i < count; i++)
            elem_set_bits(t->elem, to, i, elem_get_bits(t->elem, t->data, 0));
        return SPLAT_CHUNK_BYTES;
    }
    size_t size = elem_size_bytes(t->elem, 1);
    for (size_t at = 0; at + size <= SPLAT_CHUNK_BYTES; at += size)
        memcpy(to + at, t->data, size);
    return SPLAT_CHUNK_BYTES / size * size;
}

Status tensor_raw_write(Ctx *c, const Tensor *t, FileOut *out)
{
    size_t left = tensor_raw_bytes(t);
    if (!t->splat)
        return file_out_write(c, out, t->data, left);
    uint8_t chunk[SPLAT_CHUNK_BYTES];
    size_t whole = spread(t, chunk);
    for (; left; left -= MIN(left, whole))
        TRY(file_out_write(c, out, chunk, MIN(left, whole)));
    return MLC_OK;
}

Status wire_out_write(Ctx *c, const WireOut *w, FileOut *out)
{
    size_t done = 0;
    for (size_t i = 0; i < w->blobs.len; i++) {
        const WireBlob *b = &w->blobs.at[i];
        TRY(file_out_write(c, out, w->bytes.at + done, b->at - done));
        TRY(tensor_raw_write(c, b->tensor, out));
        done = b->at;
    }
    return file_out_write(c, out, w->bytes.at + done, w->bytes.len - done);
}
