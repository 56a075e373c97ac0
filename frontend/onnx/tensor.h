/* TensorProto -> Tensor. Sizes are checked exactly: a tensor either holds the elements that its
 * type and shape ask for, or is refused. */
#ifndef MLC_ONNX_TENSOR_H
#define MLC_ONNX_TENSOR_H

#include "frontend/onnx/external.h"
#include "frontend/onnx/wire.h"
#include "ir/expr/tensor.h"

#include "onnx.pb-c.h"

/* Where tensors of one file come from and go to. */
typedef struct TensorSource {
    Ctx *ctx;
    Arena *arena;            /* of the tensors */
    const char *path;        /* for messages */
    DiagCode malformed;      /* E0105, or E0602 for data files */
    const FileMap *file;     /* lives as long as the arena */
    const WireChunk *chunks; /* of wire_reduce() */
    size_t nchunks;
    External *external; /* NULL: external data is refused */
    int64_t max_elements;
    bool copy; /* copy even what is aligned: the file will be unmapped */
} TensorSource;

Status tensor_from_proto(TensorSource *s, const Onnx__TensorProto *p, const Tensor **out);
/* Filled with zeros where nothing is given. */
Status tensor_from_sparse(TensorSource *s, const Onnx__SparseTensorProto *p, const Tensor **out);

/* Checks a shape: no negative dimension, at most MAX_RANK of them, and a number of elements and
 * bytes that fit. `name` is for messages. */
Status tensor_check_shape(TensorSource *s, const char *name, Elem e, size_t rank,
                          const int64_t *dim, int64_t *count);

#endif
