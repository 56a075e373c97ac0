/* The protobuf wire format, written.
 *
 * A message is bytes plus the places where tensor data goes between them: the data itself is never
 * copied into the message, it goes from where it is mapped straight to the file. */
#ifndef MLC_ONNX_WIRE_OUT_H
#define MLC_ONNX_WIRE_OUT_H

#include "ir/base/ctx.h"
#include "ir/base/file.h"
#include "ir/base/vec.h"
#include "ir/expr/tensor.h"

/* The data of a tensor, in ONNX's form of raw_data. */
typedef struct WireBlob {
    size_t at; /* it stands before this byte of `bytes` */
    const Tensor *tensor;
} WireBlob;

typedef struct WireOut {
    Arena *arena;
    VEC(uint8_t) bytes;
    VEC(WireBlob) blobs;
    size_t blob_bytes; /* of all blobs */
} WireOut;

static inline WireOut wire_out_new(Arena *a) { return (WireOut){.arena = a}; }
/* Of the whole message. */
static inline size_t wire_out_size(const WireOut *w) { return w->bytes.len + w->blob_bytes; }

void wire_out_int(WireOut *w, int field, int64_t v);
void wire_out_f32(WireOut *w, int field, float v);
void wire_out_bytes(WireOut *w, int field, const void *data, size_t n);
void wire_out_text(WireOut *w, int field, const char *text);
void wire_out_message(WireOut *w, int field, const WireOut *sub);
void wire_out_tensor(WireOut *w, int field, const Tensor *t);

/* Bytes of a tensor's data in a file, splats written out. */
size_t tensor_raw_bytes(const Tensor *t);
/* Writes them. Not for strings. */
Status tensor_raw_write(Ctx *c, const Tensor *t, FileOut *out);
/* Writes the whole message. */
Status wire_out_write(Ctx *c, const WireOut *w, FileOut *out);

#endif
