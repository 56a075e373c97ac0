/* The operator set of a graph that is written.
 *
 * Nodes have the newest meaning of their operator, but most of what newer versions brought are
 * element types and attributes that a node may not use; an old operator set is read by more
 * programs. From 18 on, when the last operators had turned attributes into inputs, a node means the
 * same in version v when
 *   - the operator exists in v,
 *   - its `upgrade` from v changes nothing,
 *   - it uses no attribute and no element type that came later (OpInfo.later, elem_since).
 * A meaning that only versions before 18 had is a private attribute, which cannot be written. */
#include "frontend/onnx/opset.h"

#include "ir/base/str.h"

enum { OLDEST_WRITTEN = 18, NEWEST_WRITTEN = 28, ALL_BF16 = 22 };

/* The operator set that brought the type; 0: older than OLDEST_WRITTEN and everywhere. */
static int elem_since(Elem e)
{
    switch (e) {
    case ELEM_BF16:
        return 13;
    case ELEM_F8E4M3FN:
    case ELEM_F8E4M3FNUZ:
    case ELEM_F8E5M2:
    case ELEM_F8E5M2FNUZ:
        return 19;
    case ELEM_U4:
    case ELEM_I4:
        return 21;
    case ELEM_F4E2M1:
        return 23;
    case ELEM_F8E8M0:
        return 24;
    case ELEM_U2:
    case ELEM_I2:
        return 25;
    default:
        return 0;
    }
}

static Elem elem_of(const Value *v)
{
    return v && v->type.kind == TYPE_TENSOR ? v->type.elem : ELEM_NONE;
}

/* The version from which on the operator takes the type: the last that changed it up to the set in
 * which the type was last spread over all operators. */
static int since_for(const OpInfo *op, Elem e)
{
    int brought = elem_since(e), v = brought;
    for (size_t i = 0; brought && i < COUNT_OF(op->since) && op->since[i]; i++)
        if (op->since[i] <= MAX(brought, ALL_BF16))
            v = MAX(v, op->since[i]);
    for (size_t i = 0; i < COUNT_OF(op->later) && op->later[i].what; i++)
        if (e != ELEM_NONE && str_eq(op->later[i].what, elem_name[e]))
            v = MAX(v, op->later[i].since);
    return v;
}

static int types_since(const Node *n)
{
    int v = 0;
    for (int i = 0; i < n->nin; i++)
        v = MAX(v, since_for(n->op, elem_of(n->in[i])));
    for (int i = 0; i < n->nout; i++)
        v = MAX(v, since_for(n->op, elem_of(n->out[i])));
    return v;
}

static int attrs_since(const Node *n)
{
    int v = 0;
    const void *dflt = attrs_default(n->graph->arena, n->op);
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
        for (size_t i = 0; i < COUNT_OF(n->op->later) && n->op->later[i].what; i++) {
            const char *what = n->op->later[i].what, *value = strchr(what, '=');
            size_t len = value ? (size_t)(value - what) : strlen(what);
            if (strlen(d->name) != len || strncmp(d->name, what, len) ||
                attr_is_default(d, n->attrs, dflt) || attr_is_absent(d, n->attrs))
                continue;
            const void *field = (const char *)n->attrs + d->offset;
            if (!value || (d->kind == ATTR_str && str_eq(*(const attr_str *)field, value + 1)))
                v = MAX(v, n->op->later[i].since);
        }
    return v;
}

static void raw_attrs_of(const Node *n, RawNode *raw)
{
    const void *dflt = attrs_default(n->graph->arena, n->op);
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++) {
        const void *v = (const char *)n->attrs + d->offset;
        RawAttr a = {.name = d->name, .kind = d->kind};
        if (attr_is_default(d, n->attrs, dflt) || attr_is_absent(d, n->attrs))
            continue;
        switch (d->kind) {
        case ATTR_int:
            a.i = *(const attr_int *)v;
            break;
        case ATTR_float:
            a.f = *(const attr_float *)v;
            break;
        case ATTR_str:
            a.s = *(const attr_str *)v;
            break;
        case ATTR_ints:
            a.ints = *(const Ints *)v;
            break;
        case ATTR_floats:
            a.floats = *(const Floats *)v;
            break;
        case ATTR_strs:
            a.strs = *(const Strings *)v;
            break;
        case ATTR_tensor:
            a.tensor = *(const attr_tensor *)v;
            break;
        case ATTR_graph:
            a.graph = *(const attr_graph *)v;
            break;
        }
        vec_push(n->graph->arena, &raw->attrs, a);
    }
}

/* Would the reader, finding the node in version v, understand this node? */
static bool reads_back(const Node *n, int v)
{
    int newest = 0;
    for (size_t i = 0; i < COUNT_OF(n->op->since) && n->op->since[i]; i++)
        newest = n->op->since[i];
    if (!n->op->upgrade || v >= newest)
        return true;
    RawNode raw = {.graph = n->graph, .op = n->op->name, .name = n->name, .version = v,
                   .nout = n->nout};
    void *attrs;
    raw_attrs_of(n, &raw);
    for (int i = 0; i < n->nin; i++)
        vec_push(n->graph->arena, &raw.in, n->in[i]);
    if (n->op->upgrade(&raw) != MLC_OK || !str_eq(raw.op, n->op->name) ||
        raw.in.len != (size_t)n->nin || attrs_from_raw(&raw, n->op, &attrs) != MLC_OK)
        return false;
    for (int i = 0; i < n->nin; i++)
        if (raw.in.at[i] != n->in[i])
            return false;
    return attrs_equal(n->op, n->attrs, attrs);
}

/* Private attributes are expressed by OpInfo.expand. */
static bool is_private(const Node *n)
{
    const void *dflt = attrs_default(n->graph->arena, n->op);
    for (const AttrDesc *d = n->op->attrs; n->op->expand_if && d && d->name; d++)
        if (str_eq(d->name, n->op->expand_if))
            return !attr_is_default(d, n->attrs, dflt);
    return false;
}

static Status node_opset(Graph *g, const Node *n, int *version)
{
    const OpInfo *op = n->op;
    int v = MAX(*version, op->since[0]);
    v = MAX(v, MAX(types_since(n), attrs_since(n)));
    while (v <= NEWEST_WRITTEN && !reads_back(n, v))
        v++;
    if (v > MAX(NEWEST_WRITTEN, g->opset) || is_private(n))
        return node_error(n, E0205, "operator '%s' in this form is in no ONNX operator set",
                          op->name);
    *version = v;
    return MLC_OK;
}

static Status graph_opset(Graph *g, int *version)
{
    for (const Node *n = g->first; n; n = n->next) {
        for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
            if (d->kind == ATTR_graph && !attr_is_absent(d, n->attrs))
                TRY(graph_opset(*(Graph **)((char *)n->attrs + d->offset), version));
        if (!n->op->domain)
            TRY(node_opset(g, n, version));
    }
    return MLC_OK;
}

Status onnx_opset_of(Graph *g, int *version)
{
    *version = MAX(OLDEST_WRITTEN, g->opset);
    return graph_opset(g, version);
}

int onnx_domain_version(const OpInfo *op)
{
    int v = 1;
    for (size_t i = 0; i < COUNT_OF(op->since) && op->since[i]; i++)
        v = op->since[i];
    return v;
}

int onnx_ir_version(int opset)
{
    return opset <= 18 ? 8 : opset <= 20 ? 9 : opset <= 22 ? 10 : opset == 23 ? 11
         : opset == 24 ? 12 : opset <= 27 ? 13 : 14;
}
