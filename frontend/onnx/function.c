/* Model-local functions: a call is replaced by the function's nodes, the formal names bound to the
 * actual values. A function sees nothing of its caller but inputs and attributes. */
#include "frontend/onnx/reader.h"

enum { MOST_CALLS = 32 }; /* functions that call functions */

static const char *function_key(Reader *r, const char *domain, const char *name,
                                const char *overload)
{
    return arena_printf(r->scratch, "%s\n%s\n%s", domain_of(domain), name ? name : "", overload);
}

/* Strings and messages that the schema is too old for: the payload after its length prefix. */
static bool newer_field(const ProtobufCMessage *m, size_t i, unsigned number,
                        ProtobufCBinaryData *out)
{
    const ProtobufCMessageUnknownField *f = &m->unknown_fields[i];
    size_t at = 0;
    uint64_t len;
    if (f->tag != number || f->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED ||
        !wire_varint(f->data, f->len, &at, &len) || len != f->len - at)
        return false;
    *out = (ProtobufCBinaryData){(size_t)len, f->data + at};
    return true;
}

static const char *overload_of(Reader *r, const ProtobufCMessage *m, unsigned number)
{
    ProtobufCBinaryData b;
    for (size_t i = 0; i < m->n_unknown_fields; i++)
        if (newer_field(m, i, number, &b))
            return arena_strndup(r->scratch, (const char *)b.data, b.len);
    return "";
}

static Status read_defaults(Reader *r, Function *f)
{
    const ProtobufCMessage *m = &f->proto->base;
    for (size_t i = 0; i < m->n_unknown_fields; i++) {
        ProtobufCBinaryData b;
        ProtobufCMessage *a;
        if (!newer_field(m, i, 11, &b))
            continue;
        TRY(wire_unpack(r->ctx, r->scratch, r->path, &onnx__attribute_proto__descriptor, b.data,
                        b.len, r->limits.max_memory, &a));
        const Onnx__AttributeProto *dflt = (const Onnx__AttributeProto *)a;
        if (dflt->name && *dflt->name)
            vec_push(r->scratch, &f->defaults, dflt);
    }
    return MLC_OK;
}

Status functions_read(Reader *r)
{
    for (size_t i = 0; i < r->model->n_functions; i++) {
        const Onnx__FunctionProto *p = r->model->functions[i];
        Function *f = NEW(r->scratch, Function);
        f->proto = p;
        TRY(opsets_read(r, p->opset_import, p->n_opset_import, &f->opsets));
        TRY(read_defaults(r, f));
        const char *key = function_key(r, p->domain, p->name, overload_of(r, &p->base, 13));
        if (map_set(&r->functions, key, f))
            return well_formed_error(r, NULL, NULL, "function '%s' is defined twice",
                                     p->name ? p->name : "");
    }
    return MLC_OK;
}

const Function *function_find(Reader *r, const Onnx__NodeProto *p)
{
    if (!r->functions.len)
        return NULL;
    return map_get(&r->functions,
                   function_key(r, p->domain, p->op_type, overload_of(r, &p->base, 8)));
}

static Status bind_inputs(Reader *r, Scope *fs, const Onnx__FunctionProto *fp, const RawNode *raw)
{
    if (raw->in.len > fp->n_input)
        return diag_error(r->ctx, E0202, raw_loc(raw), MLC_INPUT,
                          "function '%s' takes %zu inputs, %zu are given", raw->op, fp->n_input,
                          raw->in.len);
    for (size_t i = 0; i < fp->n_input; i++) {
        Value *v = i < raw->in.len ? raw->in.at[i] : NULL;
        TRY(scope_define(r, fs, fp->input[i], v ? v : &omitted_value, raw->name));
    }
    return MLC_OK;
}

Status function_expand(Reader *r, Scope *s, const Function *f, const RawNode *raw,
                       const Onnx__NodeProto *p)
{
    const Onnx__FunctionProto *fp = f->proto;
    Scope fs = {.graph = s->graph,
                .opsets = &f->opsets,
                .names = map_new(r->scratch),
                .renamed = map_new(r->scratch),
                .function = f,
                .calls = s->calls + 1};
    AttrList call = {0};
    if (fs.calls > MOST_CALLS)
        return diag_error(r->ctx, E0103, raw_loc(raw), MLC_INPUT,
                          "functions call each other more than %d deep", MOST_CALLS);
    if (p->n_output > fp->n_output)
        return diag_error(r->ctx, E0202, raw_loc(raw), MLC_INPUT,
                          "function '%s' has %zu outputs, %zu are used", raw->op, fp->n_output,
                          p->n_output);
    for (size_t i = 0; i < raw->attrs.len; i++)
        vec_push(r->scratch, &call, raw->attrs.at[i]);
    fs.call = &call;
    fs.prefix = arena_printf(r->scratch, "%s%s/", s->prefix, node_label(p));
    TRY(bind_inputs(r, &fs, fp, raw));
    for (size_t i = 0; i < p->n_output; i++)
        if (*p->output[i])
            map_set(&fs.renamed, fp->output[i], (void *)scope_graph_name(r, s, p->output[i]));
    TRY(nodes_read(r, &fs, fp->node, fp->n_node));
    for (size_t i = 0; i < p->n_output; i++) {
        Value *v = map_get(&fs.names, fp->output[i]);
        if (!*p->output[i])
            continue;
        if (!v || v == &omitted_value)
            return well_formed_error(r, raw->name, raw->op,
                                     "function '%s' does not define its output '%s'", raw->op,
                                     fp->output[i]);
        TRY(scope_define(r, s, p->output[i], v, raw->name));
    }
    return MLC_OK;
}
