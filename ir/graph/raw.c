/* From a node as the file has it to a node that the compiler understands: find the operator,
 * rewrite an older version into the newest, understand the attributes, check the arity. */
#include "ir/graph/op_info.h"

#include "ir/base/str.h"

static const char *const kind_name[] = {
    [ATTR_int] = "an integer",
    [ATTR_float] = "a float",
    [ATTR_str] = "a string",
    [ATTR_ints] = "a list of integers",
    [ATTR_floats] = "a list of floats",
    [ATTR_strs] = "a list of strings",
    [ATTR_tensor] = "a tensor",
    [ATTR_graph] = "a graph",
};

Loc raw_loc(const RawNode *n)
{
    const char *name = n->name && *n->name ? n->name : NULL;
    for (int i = 0; i < n->nout && !name && n->out_names; i++)
        name = n->out_names[i];
    return (Loc){.file = n->graph->file, .node = name, .op = n->op};
}

/* ---- helpers for `upgrade` ---- */

RawAttr *raw_attr(RawNode *n, const char *name)
{
    for (size_t i = 0; i < n->attrs.len; i++) {
        if (str_eq(n->attrs.at[i].name, name))
            return &n->attrs.at[i];
    }
    return NULL;
}

void raw_drop(RawNode *n, const char *name)
{
    RawAttr *a = raw_attr(n, name);
    if (!a)
        return;
    size_t at = (size_t)(a - n->attrs.at);
    memmove(a, a + 1, (n->attrs.len - at - 1) * sizeof *a);
    n->attrs.len--;
}

static RawAttr *set_attr(RawNode *n, const char *name, AttrKind kind)
{
    RawAttr *a = raw_attr(n, name);
    if (!a) {
        vec_push(n->graph->arena, &n->attrs, (RawAttr){.name = name});
        a = &vec_last(&n->attrs);
    }
    a->kind = kind;
    return a;
}

void raw_set_int(RawNode *n, const char *name, int64_t v)
{
    set_attr(n, name, ATTR_int)->i = v;
}

void raw_set_str(RawNode *n, const char *name, const char *v)
{
    set_attr(n, name, ATTR_str)->s = v;
}

void raw_attr_to_input(RawNode *n, const char *name, int index, Elem e)
{
    RawAttr *a = raw_attr(n, name);
    if (!a)
        return;
    Graph *g = n->graph;
    bool scalar = a->kind == ATTR_int || a->kind == ATTR_float;
    int64_t count = a->kind == ATTR_ints ? a->ints.n : a->kind == ATTR_floats ? a->floats.n : 1;
    if (!scalar && a->kind != ATTR_ints && a->kind != ATTR_floats)
        return; /* left in place, where the attribute table will refuse it */
    Tensor *t = tensor_new(g->arena, e, !scalar, &count);
    for (int64_t i = 0; i < count; i++) {
        bool is_int = a->kind == ATTR_int || a->kind == ATTR_ints;
        int64_t vi = a->kind == ATTR_int ? a->i : a->kind == ATTR_ints ? a->ints.at[i] : 0;
        double vf = a->kind == ATTR_float    ? (double)a->f
                    : a->kind == ATTR_floats ? (double)a->floats.at[i]
                                             : 0;
        if (is_int)
            elem_set_i64(e, (void *)t->data, (size_t)i, vi);
        else
            elem_set_f64(e, (void *)t->data, (size_t)i, vf);
    }
    while (n->in.len <= (size_t)index)
        vec_push(g->arena, &n->in, NULL);
    const char *base = raw_loc(n).node;
    n->in.at[index] = graph_const(g, base ? arena_printf(g->arena, "%s_%s", base, name) : name, t);
    n->in.at[index]->made_name = true;
    raw_drop(n, name);
}

/* ---- attributes ---- */

static Status unknown_attr(const RawNode *n, const OpInfo *op, const char *name)
{
    VEC(const char *) known = {0};
    for (const AttrDesc *d = op->attrs; d && d->name; d++)
        vec_push(n->graph->arena, &known, d->name);
    Status st = diag_error(n->graph->ctx, E0203, raw_loc(n), MLC_INPUT,
                           "operator '%s' has no attribute '%s'", op->name, name);
    const char *near = known.len ? str_nearest(name, known.at, known.len) : NULL;
    if (near)
        diag_help(n->graph->ctx, "did you mean '%s'?", near);
    return st;
}

static void store(const RawAttr *a, void *to)
{
    switch (a->kind) {
    case ATTR_int:
        *(attr_int *)to = a->i;
        break;
    case ATTR_float:
        *(attr_float *)to = a->f;
        break;
    case ATTR_str:
        *(attr_str *)to = a->s;
        break;
    case ATTR_ints:
        *(Ints *)to = (Ints){true, a->ints.n, a->ints.at};
        break;
    case ATTR_floats:
        *(Floats *)to = (Floats){true, a->floats.n, a->floats.at};
        break;
    case ATTR_strs:
        *(Strings *)to = (Strings){true, a->strs.n, a->strs.at};
        break;
    case ATTR_tensor:
        *(attr_tensor *)to = a->tensor;
        break;
    case ATTR_graph:
        *(attr_graph *)to = a->graph;
        break;
    }
}

static const AttrDesc *find_desc(const OpInfo *op, const char *name)
{
    for (const AttrDesc *d = op->attrs; d && d->name; d++) {
        if (str_eq(d->name, name))
            return d;
    }
    return NULL;
}

Status attrs_from_raw(const RawNode *n, const OpInfo *op, void **out)
{
    Ctx *c = n->graph->ctx;
    char *attrs = attrs_default(n->graph->arena, op);
    for (size_t i = 0; i < n->attrs.len; i++) {
        const RawAttr *a = &n->attrs.at[i];
        const AttrDesc *d = find_desc(op, a->name);
        if (!d)
            return unknown_attr(n, op, a->name);
        if (raw_attr((RawNode *)n, a->name) != a)
            return diag_error(c, E0203, raw_loc(n), MLC_INPUT, "attribute '%s' is given twice",
                              a->name);
        if (a->kind != d->kind)
            return diag_error(c, E0203, raw_loc(n), MLC_INPUT, "attribute '%s' is %s, must be %s",
                              a->name, kind_name[a->kind], kind_name[d->kind]);
        store(a, attrs + d->offset);
    }
    for (const AttrDesc *d = op->attrs; d && d->name; d++) {
        if (!d->dflt && !raw_attr((RawNode *)n, d->name))
            return diag_error(c, E0203, raw_loc(n), MLC_INPUT, "attribute '%s' is missing",
                              d->name);
    }
    *out = attrs;
    return MLC_OK;
}

/* ---- arity ---- */

static Status wrong_count(const RawNode *n, const char *what, size_t have, int least, int most)
{
    const char *range = least == most ? "" : most == VARIADIC ? " or more" : NULL;
    if (range)
        return diag_error(n->graph->ctx, E0202, raw_loc(n), MLC_INPUT,
                          "operator '%s' has %zu %s, needs %d%s", n->op, have, what, least, range);
    return diag_error(n->graph->ctx, E0202, raw_loc(n), MLC_INPUT,
                      "operator '%s' has %zu %s, needs %d to %d", n->op, have, what, least, most);
}

static Status check_arity(RawNode *n, const OpInfo *op)
{
    while (n->in.len > op->min_in && !vec_last(&n->in))
        n->in.len--; /* an omitted input at the end is as good as none */
    if (n->in.len < op->min_in || (op->max_in != VARIADIC && n->in.len > op->max_in))
        return wrong_count(n, "inputs", n->in.len, op->min_in, op->max_in);
    int least = op->max_out ? op->min_out : 1, most = op->max_out ? op->max_out : 1;
    if (n->nout < least || (most != VARIADIC && n->nout > most))
        return wrong_count(n, "outputs", (size_t)n->nout, least, most);
    if (op->traits & OP_GAPS)
        return MLC_OK;
    size_t needed = op->max_in == VARIADIC ? n->in.len : op->min_in;
    for (size_t i = 0; i < needed; i++) {
        if (!n->in.at[i])
            return diag_error(n->graph->ctx, E0202, raw_loc(n), MLC_INPUT,
                              "input %zu of operator '%s' is omitted", i, n->op);
    }
    return MLC_OK;
}

/* ---- the node ---- */

static int newest(const OpInfo *op)
{
    int v = 0;
    for (size_t i = 0; i < COUNT_OF(op->since) && op->since[i]; i++)
        v = op->since[i];
    return v;
}

/* Brings `raw` to the newest meaning, which may be that of another operator. */
static Status upgrade(RawNode *raw, const OpInfo **out)
{
    enum { MOST_SUCCESSORS = 4 };
    for (int i = 0; i < MOST_SUCCESSORS; i++) {
        const OpInfo *op = op_find_for(raw->graph->ctx, raw->domain, raw->op);
        if (!op || raw->version < op->since[0])
            return op_unknown(raw->graph, raw->domain, raw->op, raw->version, raw_loc(raw), 1);
        *out = op;
        if (!op->upgrade || raw->version >= newest(op))
            return MLC_OK;
        TRY(op->upgrade(raw));
        if (str_eq(raw->op, op->name))
            return MLC_OK;
    }
    return MLC_OK;
}

Status op_make(RawNode *raw, Node **out)
{
    const OpInfo *op = NULL;
    TRY(upgrade(raw, &op));
    TRY(check_arity(raw, op));
    void *attrs = NULL;
    TRY(attrs_from_raw(raw, op, &attrs));
    Graph *g = raw->graph;
    if (raw->nout == 0) { /* all may be omitted: the first is, in so many words */
        *out = graph_insert_named(g, NULL, op, raw->name, (int)raw->in.len, raw->in.at, 1,
                                  (const char *const[]){NULL}, attrs, NULL);
        return MLC_OK;
    }
    if (!raw->out_names) {
        *out = graph_insert(g, NULL, op, raw->name, (int)raw->in.len, raw->in.at, raw->nout, attrs,
                            NULL);
        return MLC_OK;
    }
    Map names = map_new(g->arena);
    for (int i = 0; i < raw->nout; i++) {
        const char *name = raw->out_names[i];
        if (name && (graph_has_name(g, name) || map_set(&names, name, raw)))
            return diag_error(g->ctx, E0107, raw_loc(raw), MLC_INPUT, "value '%s' is defined twice",
                              name);
    }
    *out = graph_insert_named(g, NULL, op, raw->name, (int)raw->in.len, raw->in.at, raw->nout,
                              raw->out_names, attrs, NULL);
    return MLC_OK;
}
