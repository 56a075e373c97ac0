/* The protobuf wire format, read before protobuf-c sees it.
 *
 * protobuf-c recurses without limit and turns 2 bytes of input into hundreds of bytes of memory.
 * So a message is first walked here, without recursion, under a limit of depth and memory, and
 * rewritten into an equivalent one that is safe and small:
 *   - documentation, annotations and fields unknown to the schema are left out;
 *   - each piece of a tensor's data (raw_data, float_data, ...) is replaced by a number, which is
 *     its index in `chunks`: protobuf-c never touches tensor data. */
#ifndef MLC_ONNX_WIRE_H
#define MLC_ONNX_WIRE_H

#include "ir/base/ctx.h"
#include "ir/base/vec.h"

#include <protobuf-c/protobuf-c.h>

typedef struct WireChunk {
    size_t offset, size; /* in the input */
} WireChunk;

typedef struct WireMessage {
    VEC(uint8_t) bytes; /* the rewritten message */
    VEC(WireChunk) chunks;
    size_t memory;      /* estimate of what decoding it takes */
    bool training_info; /* the model has some; it was left out */
} WireMessage;

typedef struct WireLimits {
    int depth;
    size_t memory;
} WireLimits;

/* Could `data` begin a message of this type? Looks at the first field only. */
bool wire_plausible(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size);

/* Rewrites; everything is allocated in `a`. `path` is for messages. Errors: E0102..E0104, with
 * status MLC_INPUT. */
Status wire_reduce(Ctx *c, Arena *a, const char *path, const ProtobufCMessageDescriptor *type,
                   const uint8_t *data, size_t size, WireLimits limits, WireMessage *out);

/* Decodes bytes that wire_reduce() made, into `a`: freeing the arena frees the message. */
Status wire_unpack(Ctx *c, Arena *a, const char *path, const ProtobufCMessageDescriptor *type,
                   const uint8_t *data, size_t size, size_t memory, ProtobufCMessage **out);

/* Reads one varint from data[*at, end). False when truncated or longer than 64 bits. */
bool wire_varint(const uint8_t *data, size_t end, size_t *at, uint64_t *out);

#endif
