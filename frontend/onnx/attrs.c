/* AttributeProto -> RawAttr. Files older than IR version 2 leave out the type: then the field that
 * is present tells. Bodies are read here too, as they are attributes. */
#include "frontend/onnx/reader.h"

static Loc attr_loc(const Reader *r)
{
    return (Loc){.file = r->path};
}

static const char *bytes_text(Reader *r, const ProtobufCBinaryData *b)
{
    return b->len ? arena_strndup(r->arena, (const char *)b->data, b->len) : "";
}

static int type_of(const Onnx__AttributeProto *p)
{
    if (p->has_type && p->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED)
        return (int)p->type;
    if (p->has_f)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    if (p->has_i)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    if (p->has_s)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    if (p->t)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
    if (p->g)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
    if (p->n_floats)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS;
    if (p->n_strings)
        return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS;
    return ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
}

static Status read_ints(Reader *r, const Onnx__AttributeProto *p, RawAttr *out)
{
    int64_t *at = NEW_ARRAY(r->arena, int64_t, p->n_ints);
    for (size_t i = 0; i < p->n_ints; i++)
        at[i] = p->ints[i];
    out->kind = ATTR_ints;
    out->ints = (Ints){true, (int)p->n_ints, at};
    return MLC_OK;
}

static Status read_floats(Reader *r, const Onnx__AttributeProto *p, RawAttr *out)
{
    float *at = NEW_ARRAY(r->arena, float, p->n_floats);
    for (size_t i = 0; i < p->n_floats; i++)
        at[i] = p->floats[i];
    out->kind = ATTR_floats;
    out->floats = (Floats){true, (int)p->n_floats, at};
    return MLC_OK;
}

static Status read_strings(Reader *r, const Onnx__AttributeProto *p, RawAttr *out)
{
    const char **at = NEW_ARRAY(r->arena, const char *, p->n_strings);
    for (size_t i = 0; i < p->n_strings; i++)
        at[i] = bytes_text(r, &p->strings[i]);
    out->kind = ATTR_strs;
    out->strs = (Strings){true, (int)p->n_strings, at};
    return MLC_OK;
}

static Status read_graph(Reader *r, Scope *s, const Onnx__AttributeProto *p, RawAttr *out,
                         ScopeList *bodies)
{
    if (!p->g || !bodies)
        return diag_error(r->ctx, E0203, attr_loc(r), MLC_INPUT, "attribute '%s' has no graph",
                          out->name);
    Scope *body = NEW(r->scratch, Scope);
    *body = (Scope){.outer = s,
                    .opsets = s->opsets,
                    .names = map_new(r->scratch),
                    .prefix = s->prefix,
                    .renamed = map_new(r->scratch),
                    .call = s->call,
                    .function = s->function,
                    .calls = s->calls};
    body->graph = graph_new(r->ctx, r->path, s->graph);
    vec_push(r->scratch, bodies, body);
    out->kind = ATTR_graph;
    out->graph = body->graph;
    return graph_body_read(r, body, p->g);
}

/* A type, for `Optional`: as text, since nothing but types is made of it. */
static Status read_type(Reader *r, const Onnx__AttributeProto *p, RawAttr *out)
{
    Type t;
    Str text = str_new(r->arena);
    TRY(type_read(r, p->tp, out->name, true, &t));
    type_print(&text, r->pool, &t);
    out->kind = ATTR_str;
    out->s = str_text(&text);
    return MLC_OK;
}

static Status read_value(Reader *r, Scope *s, const Onnx__AttributeProto *p, RawAttr *out,
                         ScopeList *bodies)
{
    switch (type_of(p)) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
        out->kind = ATTR_float;
        out->f = p->f;
        return MLC_OK;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
        out->kind = ATTR_int;
        out->i = p->i;
        return MLC_OK;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING:
        out->kind = ATTR_str;
        out->s = bytes_text(r, &p->s);
        return MLC_OK;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
        return read_floats(r, p, out);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
        return read_ints(r, p, out);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS:
        return read_strings(r, p, out);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR:
        if (!p->t)
            break;
        out->kind = ATTR_tensor;
        return tensor_from_proto(&r->tensors, p->t, &out->tensor);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__SPARSE_TENSOR:
        if (!p->sparse_tensor)
            break;
        out->kind = ATTR_tensor;
        return tensor_from_sparse(&r->tensors, p->sparse_tensor, &out->tensor);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH:
        return read_graph(r, s, p, out, bodies);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TYPE_PROTO:
        return read_type(r, p, out);
    default:
        break;
    }
    return diag_error(r->ctx, E0203, attr_loc(r), MLC_INPUT,
                      "attribute '%s' of type %d has no value that is supported", out->name,
                      type_of(p));
}

Status attr_read(Reader *r, Scope *s, const Onnx__AttributeProto *p, RawAttr *out,
                 ScopeList *bodies)
{
    *out = (RawAttr){.name = arena_strdup(r->arena, p->name ? p->name : "")};
    return read_value(r, s, p, out, bodies);
}

/* An attribute that stands for one of the enclosing function. Absent there: absent here. */
static Status read_reference(Reader *r, Scope *s, const Onnx__AttributeProto *p, RawNode *raw)
{
    const Onnx__AttributeProto *dflt = NULL;
    RawAttr a;
    if (!s->call)
        return well_formed_error(r, raw->name, raw->op,
                                 "attribute '%s' refers to '%s' of a function, but is in none",
                                 p->name ? p->name : "", p->ref_attr_name);
    for (size_t i = 0; i < s->call->len; i++)
        if (str_eq(s->call->at[i].name, p->ref_attr_name)) {
            a = s->call->at[i];
            a.name = arena_strdup(r->arena, p->name ? p->name : "");
            vec_push(r->arena, &raw->attrs, a);
            return MLC_OK;
        }
    for (size_t i = 0; s->function && i < s->function->defaults.len; i++)
        if (str_eq(s->function->defaults.at[i]->name, p->ref_attr_name))
            dflt = s->function->defaults.at[i];
    if (!dflt)
        return MLC_OK;
    TRY(attr_read(r, s, dflt, &a, NULL));
    a.name = arena_strdup(r->arena, p->name ? p->name : "");
    vec_push(r->arena, &raw->attrs, a);
    return MLC_OK;
}

Status attrs_read(Reader *r, Scope *s, const Onnx__NodeProto *p, RawNode *raw, ScopeList *bodies)
{
    Map seen = map_new(r->scratch);
    for (size_t i = 0; i < p->n_attribute; i++) {
        const Onnx__AttributeProto *ap = p->attribute[i];
        const char *name = ap->name ? ap->name : "";
        Loc loc = {.file = r->path, .node = raw->name, .op = raw->op};
        if (!*name || map_set(&seen, name, r))
            return diag_error(r->ctx, E0203, loc, MLC_INPUT, "attribute '%s' %s", name,
                              *name ? "is given twice" : "has no name");
        if (ap->ref_attr_name && *ap->ref_attr_name) {
            TRY(read_reference(r, s, ap, raw));
            continue;
        }
        RawAttr a;
        TRY(attr_read(r, s, ap, &a, bodies));
        vec_push(r->arena, &raw->attrs, a);
    }
    return MLC_OK;
}

/* ---- Constant ---- */
static const Tensor *vector(Reader *r, Elem e, int n, bool scalar, const void *data)
{
    int64_t dim = n;
    Tensor *t = tensor_new(r->arena, e, !scalar, &dim);
    memcpy((void *)t->data, data, t->size_bytes);
    return t;
}

Status attr_constant(Reader *r, const RawNode *raw, const Tensor **out)
{
    static const struct {
        const char *name;
        AttrKind kind;
    } forms[] = {
        {"value", ATTR_tensor},        {"sparse_value", ATTR_tensor}, {"value_float", ATTR_float},
        {"value_floats", ATTR_floats}, {"value_int", ATTR_int},       {"value_ints", ATTR_ints},
        {"value_string", ATTR_str},    {"value_strings", ATTR_strs},
    };
    Loc loc = {.file = r->path, .node = raw->name, .op = raw->op};
    if (raw->attrs.len != 1)
        return diag_error(r->ctx, E0203, loc, MLC_INPUT, "'Constant' has %zu attributes, not one",
                          raw->attrs.len);
    const RawAttr *a = &raw->attrs.at[0];
    bool known = false;
    for (size_t i = 0; i < COUNT_OF(forms) && !known; i++)
        known = str_eq(a->name, forms[i].name) && a->kind == forms[i].kind;
    if (!known)
        return diag_error(r->ctx, E0203, loc, MLC_INPUT,
                          "'Constant' has no attribute '%s' of this type", a->name);
    switch (a->kind) {
    case ATTR_float:
        *out = vector(r, ELEM_F32, 1, true, &a->f);
        break;
    case ATTR_floats:
        *out = vector(r, ELEM_F32, a->floats.n, false, a->floats.at);
        break;
    case ATTR_int:
        *out = vector(r, ELEM_I64, 1, true, &a->i);
        break;
    case ATTR_ints:
        *out = vector(r, ELEM_I64, a->ints.n, false, a->ints.at);
        break;
    case ATTR_str:
        *out = vector(r, ELEM_STRING, 1, true, &a->s);
        break;
    case ATTR_strs:
        *out = vector(r, ELEM_STRING, a->strs.n, false, a->strs.at);
        break;
    default:
        *out = a->tensor;
    }
    return MLC_OK;
}
