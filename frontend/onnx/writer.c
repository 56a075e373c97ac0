/* The ONNX model around a graph: versions, producer, external data. See writer.h. */
#include "frontend/onnx/writer.h"

#include "frontend/onnx/encode.h"
#include "frontend/onnx/opset.h"

#include <stdio.h>
#include <sys/stat.h>

enum {
    MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7,
    MODEL_OPSET_IMPORT = 8, OPSET_DOMAIN = 1, OPSET_VERSION = 2,
};

/* protobuf refuses messages of 2 GiB. */
enum { PROTOBUF_LIMIT = INT32_MAX - 1024 };

static void encode_opset(Encoder *e, WireOut *w, const char *domain, int version)
{
    WireOut o = wire_out_new(e->arena);
    wire_out_text(&o, OPSET_DOMAIN, domain);
    wire_out_int(&o, OPSET_VERSION, version);
    wire_out_message(w, MODEL_OPSET_IMPORT, &o);
}

static Status encode_model(Encoder *e, Graph *g, const OnnxWriteOptions *o)
{
    WireOut w = wire_out_new(e->arena);
    e->names = map_new(e->arena);
    e->node_names = map_new(e->arena);
    e->domains = map_new(e->arena);
    e->data_bytes = e->file->data.len = 0;
    wire_out_int(&w, MODEL_IR_VERSION, onnx_ir_version(e->file->opset));
    wire_out_text(&w, MODEL_PRODUCER, "mlc");
    if (o->version)
        wire_out_text(&w, MODEL_PRODUCER_VERSION, o->version);
    TRY(encode_graph(e, &w, MODEL_GRAPH, g, NULL));
    encode_opset(e, &w, "", e->file->opset);
    for (size_t i = 0; i < e->domains.len; i++)
        encode_opset(e, &w, e->domains.at[i].key, onnx_domain_version(e->domains.at[i].value));
    e->file->model = w;
    return MLC_OK;
}

/* Replacing the file that a constant is read from would leave other models without their data. */
static Status check_data_path(Ctx *c, const OnnxFile *f)
{
    struct stat there, from;
    if (!f->data.len || stat(f->data_path, &there) != 0)
        return MLC_OK;
    for (size_t i = 0; i < f->data.len; i++) {
        const Tensor *t = f->data.at[i].tensor;
        if (t->fd < 0 || fstat(t->fd, &from) != 0 || from.st_dev != there.st_dev ||
            from.st_ino != there.st_ino)
            continue;
        diag_error(c, E0003, (Loc){.file = f->data_path}, MLC_USAGE,
                   "'%s' holds the weights of the model that is read", f->data_path);
        diag_help(c, "give the output another name");
        return MLC_USAGE;
    }
    return MLC_OK;
}

Status onnx_encode(Ctx *c, Arena *a, Graph *g, const OnnxWriteOptions *o, const char *path,
                   OnnxFile *out)
{
    static const OnnxWriteOptions defaults = {0};
    *out = (OnnxFile){.data_path = arena_printf(a, "%s.data", path)};
    Encoder e = {.ctx = c, .arena = a, .pool = g->pool, .file = out};
    o = o ? o : &defaults;
    e.external = o->external;
    TRY(onnx_opset_of(g, &out->opset));
    TRY(encode_model(&e, g, o));
    if (!e.external && wire_out_size(&out->model) > PROTOBUF_LIMIT) {
        e.external = true;
        TRY(encode_model(&e, g, o));
    }
    return check_data_path(c, out);
}

static Status put_data(Ctx *c, const OnnxFile *f, FileOut *data)
{
    static const char zeros[4096];
    size_t at = 0;
    for (size_t i = 0; i < f->data.len; i++) {
        const OnnxExternal *x = &f->data.at[i];
        assert(x->offset - at < sizeof zeros);
        TRY(file_out_write(c, data, zeros, x->offset - at));
        TRY(tensor_raw_write(c, x->tensor, data));
        at = x->offset + tensor_raw_bytes(x->tensor);
    }
    return MLC_OK;
}

Status onnx_put(Ctx *c, const OnnxFile *f, FileOut *model, FileOut *data)
{
    if (f->data.len)
        TRY(put_data(c, f, data));
    return wire_out_write(c, &f->model, model);
}

static Status open_and_put(Ctx *c, const OnnxFile *f, FileOut *model, FileOut *data)
{
    if (f->data.len)
        TRY(file_out_open(c, f->data_path, data));
    TRY(onnx_put(c, f, model, data));
    return f->data.len ? file_out_commit(c, data) : MLC_OK;
}

Status onnx_write(Ctx *c, Graph *g, const OnnxWriteOptions *o, const char *path)
{
    Arena *a = arena_new(c);
    OnnxFile f;
    FileOut model = {.fd = -1}, data = {.fd = -1};
    Status s = onnx_encode(c, a, g, o, path, &f);
    if (s == MLC_OK)
        s = file_out_open(c, path, &model);
    if (s == MLC_OK)
        s = open_and_put(c, &f, &model, &data);
    if (s == MLC_OK)
        s = file_out_commit(c, &model);
    file_out_abort(&data);
    file_out_abort(&model);
    arena_free(a);
    return s;
}
