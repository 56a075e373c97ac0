/* Writing a graph as an ONNX model, in two steps: onnx_encode() decides everything and finds what
 * ONNX cannot express, onnx_put() streams to the files. */
#ifndef MLC_ONNX_WRITER_H
#define MLC_ONNX_WRITER_H

#include "frontend/onnx/wire_out.h"
#include "ir/graph/graph.h"

typedef struct OnnxWriteOptions {
    bool external;       /* tensors of 1 KiB or more go to a file beside the model. Models above
                            2 GiB, the limit of protobuf, are written so in any case */
    const char *version; /* of the producer, or NULL */
} OnnxWriteOptions;

/* A tensor in the file of external data. */
typedef struct OnnxExternal {
    const Tensor *tensor;
    size_t offset; /* a multiple of 4096 */
} OnnxExternal;

typedef struct OnnxFile {
    int opset;             /* of ai.onnx */
    WireOut model;
    VEC(OnnxExternal) data; /* empty: everything is in the model */
    const char *data_path;
} OnnxFile;

/* The model as it will be in `path`; external data in PATH.data. Types must be inferred. Nothing is
 * copied that is tensor data: the graph must live until onnx_put(). Errors: E0205 for what ONNX
 * cannot express, E0003 where the data file would replace one that the graph reads. */
Status onnx_encode(Ctx *c, Arena *a, Graph *g, const OnnxWriteOptions *o, const char *path,
                   OnnxFile *out);
/* `data` may be NULL where there is no external data. */
Status onnx_put(Ctx *c, const OnnxFile *f, FileOut *model, FileOut *data);
/* Both, under temporary names until all is written. */
Status onnx_write(Ctx *c, Graph *g, const OnnxWriteOptions *o, const char *path);

#endif
