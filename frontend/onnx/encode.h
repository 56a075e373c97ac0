/* What the files of the writer share. */
#ifndef MLC_ONNX_ENCODE_H
#define MLC_ONNX_ENCODE_H

#include "frontend/onnx/writer.h"
#include "ir/base/map.h"
#include "ir/base/str.h"
#include "ir/graph/op_info.h"

typedef struct Encoder {
    Ctx *ctx;
    Arena *arena;
    ExPool *pool;
    OnnxFile *file;
    bool external;
    size_t data_bytes; /* of external data so far */
    Map names;         /* of values written so far, in all graphs: ONNX knows no shadowing */
    Map node_names;
    Map domains;       /* of nodes, except ai.onnx -> OpInfo * */
} Encoder;

/* A graph being written: a value's name in the file, by the value's id. */
typedef struct Names {
    const char **of;
} Names;

/* ---- encode_type.c ---- */
void encode_type(Encoder *e, WireOut *to, int field, const Type *t);
/* ValueInfoProto. */
void encode_value(Encoder *e, WireOut *to, int field, const char *name, const Type *t);
void encode_tensor(Encoder *e, WireOut *to, int field, const char *name, const Tensor *t);

/* ---- encode_graph.c ---- */
/* GraphProto. For a body, in[] are the names of the enclosing node's last `captures` inputs. */
Status encode_graph(Encoder *e, WireOut *to, int field, Graph *g, const char *const *in);

#endif
