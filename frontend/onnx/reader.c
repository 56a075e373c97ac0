/* onnx_read(): what kind of file it is, the wire scan, decoding, versions, then the graph. */
#include "frontend/onnx/reader.h"

#include "frontend/onnx/sniff.h"

enum { NEWEST_IR = 20, NEWEST_OPSET = 64 }; /* beyond any that may mean what is known today */
/* As ctx_limit_by_input(), and for every command: a kilobyte a node is plenty. */
enum { MEMORY_BASE = 160 << 20, MEMORY_RATIO = 3 };

const char *domain_of(const char *proto_domain)
{
    return !proto_domain || str_eq(proto_domain, "ai.onnx") ? "" : proto_domain;
}

Status well_formed_error(Reader *r, const char *node, const char *op, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *what = arena_vprintf(r->scratch, fmt, ap);
    va_end(ap);
    return diag_error(r->ctx, E0107, (Loc){.file = r->path, .node = node, .op = op}, MLC_INPUT,
                      "%s", what);
}

/* ---- versions ---- */
Status opsets_read(Reader *r, Onnx__OperatorSetIdProto **protos, size_t n, OpsetList *out)
{
    for (size_t i = 0; i < n; i++) {
        Opset o = {domain_of(protos[i]->domain), protos[i]->version};
        if (o.version < 1 || o.version > (*o.domain ? INT32_MAX : NEWEST_OPSET))
            return diag_error(r->ctx, E0108, (Loc){.file = r->path}, MLC_INPUT,
                              "version %lld of operator set '%s' does not exist",
                              (long long)o.version, *o.domain ? o.domain : "ai.onnx");
        bool known = false;
        for (size_t k = 0; k < out->len && !known; k++) {
            known = str_eq(out->at[k].domain, o.domain);
            if (known && out->at[k].version != o.version)
                return diag_error(r->ctx, E0108, (Loc){.file = r->path}, MLC_INPUT,
                                  "operator set '%s' is imported in versions %lld and %lld",
                                  *o.domain ? o.domain : "ai.onnx", (long long)out->at[k].version,
                                  (long long)o.version);
        }
        if (!known)
            vec_push(r->scratch, out, o);
        if (out->len > 1000)
            return diag_error(r->ctx, E0104, (Loc){.file = r->path}, MLC_INPUT,
                              "more than 1000 operator sets are imported");
    }
    return MLC_OK;
}

int64_t opset_of(const OpsetList *l, const char *domain)
{
    for (size_t i = 0; i < l->len; i++)
        if (str_eq(l->at[i].domain, domain))
            return l->at[i].version;
    return 0;
}

static Status check_versions(Reader *r, OpsetList *opsets)
{
    int64_t ir = r->model->has_ir_version ? r->model->ir_version : 1;
    if (ir < 1 || ir > NEWEST_IR) {
        diag_error(r->ctx, E0108, (Loc){.file = r->path}, MLC_INPUT,
                   "IR version %lld is unknown; versions 1 to %d are read", (long long)ir,
                   NEWEST_IR);
        return MLC_INPUT;
    }
    TRY(opsets_read(r, r->model->opset_import, r->model->n_opset_import, opsets));
    if (ir < 3 && !opset_of(opsets, "")) /* the field is as old as IR version 3 */
        vec_push(r->scratch, opsets, (Opset){"", 1});
    return MLC_OK;
}

/* ---- the file ---- */
static OnnxLimits with_defaults(const OnnxLimits *given)
{
    OnnxLimits l = given ? *given : (OnnxLimits){0};
    l.max_depth = l.max_depth > 0 ? MIN(l.max_depth, 1000) : 256;
    l.max_bytes = l.max_bytes ? l.max_bytes : (size_t)16 << 30;
    l.max_nodes = l.max_nodes ? l.max_nodes : 1000000;
    l.max_tensor_elements = l.max_tensor_elements ? l.max_tensor_elements : (int64_t)1 << 40;
    return l;
}

static Status not_onnx(Reader *r, const char *what, const char *help)
{
    diag_error(r->ctx, E0101, (Loc){.file = r->path}, MLC_INPUT, "not an ONNX model: it is %s",
               what);
    diag_help(r->ctx, "%s", help);
    return MLC_INPUT;
}

static Status check_kind(Reader *r, const FileMap *f)
{
    Sniffed s;
    if (sniff(f->data, f->size, &s))
        return not_onnx(r, s.what, s.help);
    if (!wire_plausible(&onnx__model_proto__descriptor, f->data, f->size))
        return not_onnx(r, "of an unknown kind", "give a file made by an ONNX exporter");
    if (f->size > r->limits.max_bytes)
        return diag_error(r->ctx, E0104, (Loc){.file = r->path}, MLC_INPUT,
                          "the file has %zu bytes, the limit is %zu", f->size, r->limits.max_bytes);
    return MLC_OK;
}

/* The rewritten message is as large as the structure it describes: it goes as soon as it is decoded. */
static Status unpack(Reader *r, const FileMap *f, WireMessage *wire)
{
    WireLimits limits = {r->limits.max_depth, r->limits.max_memory};
    ProtobufCMessage *m = NULL;
    Arena *a = arena_new(r->ctx);
    Status s = wire_reduce(r->ctx, a, r->path, &onnx__model_proto__descriptor, f->data, f->size,
                           limits, wire);
    if (s == MLC_OK)
        s = wire_unpack(r->ctx, r->scratch, r->path, &onnx__model_proto__descriptor, wire->bytes.at,
                        wire->bytes.len, wire->memory * 2 + (1 << 20), &m);
    WireChunk *chunks = NEW_ARRAY(r->scratch, WireChunk, wire->chunks.len);
    if (wire->chunks.len)
        memcpy(chunks, wire->chunks.at, wire->chunks.len * sizeof *chunks);
    wire->chunks.at = chunks;
    arena_free(a);
    r->model = (const Onnx__ModelProto *)m;
    return s;
}

static Status decode(Reader *r, const FileMap *f)
{
    WireMessage *wire = NEW(r->scratch, WireMessage);
    TRY(unpack(r, f, wire));
    if (!r->model->graph)
        return not_onnx(r, "a protobuf message without a graph",
                        "if it is a tensor (input_0.pb), pass it with --input");
    r->tensors.file = f;
    r->tensors.chunks = wire->chunks.at;
    r->tensors.nchunks = wire->chunks.len;
    if (wire->training_info)
        diag_report(r->ctx, W0102, (Loc){.file = r->path},
                    "the training part of the model is ignored");
    return MLC_OK;
}

static Status report_causes(Reader *r, Graph *g)
{
    for (size_t i = 0; i < r->causes.len; i++) {
        const NodeCause *u = r->causes.at[i].value;
        if (u->op) {
            op_unknown(g, *u->domain ? u->domain : NULL, u->op, (int)u->version, u->first,
                       u->nodes);
            continue;
        }
        Diag *d =
            diag_report(r->ctx, E0108, u->first,
                        "the model uses operator set '%s' but does not import a version of it",
                        *u->domain ? u->domain : "ai.onnx");
        if (d)
            d->count = u->nodes;
    }
    return r->causes.len || r->node_errors ? MLC_INPUT : MLC_OK;
}

static Status read_model(Reader *r, Graph *g)
{
    const FileMap *file;
    OpsetList opsets = {0};
    TRY(file_map_in(r->ctx, r->arena, r->path, &file));
    TRY(check_kind(r, file));
    bool chosen = r->ctx->memory_limit && !r->ctx->memory_per_input; /* by the user */
    if (!r->limits.max_memory)
        r->limits.max_memory = chosen ? r->ctx->memory_limit : MEMORY_BASE + MEMORY_RATIO * file->size;
    TRY(decode(r, file));
    TRY(check_versions(r, &opsets));
    TRY(functions_read(r));
    g->opset = (int)opset_of(&opsets, "");
    Scope *top = NEW(r->scratch, Scope);
    *top = (Scope){.graph = g,
                   .opsets = &opsets,
                   .names = map_new(r->scratch),
                   .prefix = "",
                   .renamed = map_new(r->scratch)};
    type_symbols(r, r->model->graph);
    Status status = graph_body_read(r, top, r->model->graph);
    if ((status == MLC_OK || status == MLC_INPUT) && report_causes(r, g) != MLC_OK)
        return MLC_INPUT;
    if (status == MLC_OK && !g->outputs.len)
        return well_formed_error(r, NULL, NULL, "the model has no outputs");
    return status;
}

Status onnx_read(Ctx *c, const char *path, const OnnxLimits *limits, Graph **out)
{
    *out = NULL;
    Graph *g = graph_new(c, path, NULL);
    Arena *scratch = arena_new(c);
    External external =
        external_new(c, g->arena, g->file, limits ? limits->external_data_root : NULL);
    Reader r = {
        .ctx = c,
        .path = g->file,
        .limits = with_defaults(limits),
        .scratch = scratch,
        .arena = g->arena,
        .pool = g->pool,
        .memory_before = c->memory_used,
        .functions = map_new(scratch),
        .nonempty = map_new(scratch),
        .symbols = map_new(scratch),
        .causes = map_new(scratch),
    };
    r.tensors = (TensorSource){.ctx = c,
                               .arena = g->arena,
                               .path = g->file,
                               .malformed = E0105,
                               .external = &external,
                               .max_elements = r.limits.max_tensor_elements};
    Status status = read_model(&r, g);
    arena_free(scratch);
    if (status != MLC_OK) {
        graph_free(g);
        return status;
    }
    *out = g;
    return MLC_OK;
}
