/* Graphs as text: the parser. text.h describes the form. Nodes are made by op_make(), which checks
 * arity and attributes as it does for a model file. */
#include "ir/graph/text_parse.h"

#include <limits.h>

static Status parse_graph(Parser *p, Graph *parent, Graph **out);

/* ---- attributes ---- */

/* Brackets around `one` per entry; *n counts. */
static Status parse_list(Parser *p, Status (*one)(Parser *, void *), void *arg)
{
    TRY(parse_expect(p, "["));
    bool more = !parse_is(p, "]");
    while (more) {
        TRY(one(p, arg));
        TRY(parse_accept(p, ",", &more));
    }
    return parse_expect(p, "]");
}

typedef VEC(int64_t) IntList;
typedef VEC(float) FloatList;
typedef VEC(const char *) StringList;

static Status one_int(Parser *p, void *arg)
{
    int64_t v;
    TRY(parse_int(p, &v));
    vec_push(p->arena, (IntList *)arg, v);
    return MLC_OK;
}

static Status one_float(Parser *p, void *arg)
{
    float v = 0;
    TRY(parse_element(p, ELEM_F32, &v, 0));
    vec_push(p->arena, (FloatList *)arg, v);
    return MLC_OK;
}

static Status one_string(Parser *p, void *arg)
{
    const char *v;
    TRY(parse_string(p, &v));
    vec_push(p->arena, (StringList *)arg, v);
    return MLC_OK;
}

static Status parse_tensor(Parser *p, const Tensor **out)
{
    Type type;
    Tensor *t = NULL;
    TRY(parse_type(p, &type));
    TRY(parse_data(p, &type, &t));
    *out = t;
    return MLC_OK;
}

static Status parse_attr_value(Parser *p, Graph *g, RawAttr *a)
{
    IntList ints = {0};
    FloatList floats = {0};
    StringList strings = {0};
    switch (a->kind) {
    case ATTR_int:
        return parse_int(p, &a->i);
    case ATTR_float:
        return parse_element(p, ELEM_F32, &a->f, 0);
    case ATTR_str:
        return parse_string(p, &a->s);
    case ATTR_ints:
        TRY(parse_list(p, one_int, &ints));
        a->ints = (Ints){true, (int)ints.len, ints.at};
        return MLC_OK;
    case ATTR_floats:
        TRY(parse_list(p, one_float, &floats));
        a->floats = (Floats){true, (int)floats.len, floats.at};
        return MLC_OK;
    case ATTR_strs:
        TRY(parse_list(p, one_string, &strings));
        a->strs = (Strings){true, (int)strings.len, strings.at};
        return MLC_OK;
    case ATTR_tensor:
        return parse_tensor(p, &a->tensor);
    case ATTR_graph:
        return parse_graph(p, g, &a->graph);
    }
    return MLC_OK;
}

static Status no_attribute(Parser *p, const OpInfo *op, const char *name)
{
    StringList known = {0};
    for (const AttrDesc *d = op->attrs; d && d->name; d++)
        vec_push(p->arena, &known, d->name);
    Status st = parse_error(p, "operator '%s' has no attribute '%.40s'", op->name, name);
    const char *near = known.len ? str_nearest(name, known.at, known.len) : NULL;
    if (near)
        diag_help(p->ctx, "did you mean '%s'?", near);
    return st;
}

/* ---- nodes ---- */

typedef struct NodeText {
    RawNode raw;
    StringList names;             /* of results; NULL entries are omitted ones */
    VEC(Type) types;              /* of results */
    VEC(const AttrDesc *) absent; /* attributes given as `none` */
    StringList origin;
    const OpInfo *op;
} NodeText;

static Status parse_attrs(Parser *p, NodeText *t)
{
    bool more;
    TRY(parse_accept(p, "{", &more));
    if (!more)
        return MLC_OK;
    while (more) {
        const AttrDesc *d = t->op->attrs;
        while (d && d->name && !parse_is(p, d->name))
            d++;
        if (!d || !d->name)
            return no_attribute(p, t->op, p->text);
        RawAttr a = {.name = d->name, .kind = d->kind};
        bool none;
        TRY(parse_next(p));
        TRY(parse_expect(p, "="));
        TRY(parse_accept(p, "none", &none));
        if (none) {
            vec_push(p->arena, &t->absent, d);
        } else {
            TRY(parse_attr_value(p, t->raw.graph, &a));
            vec_push(p->arena, &t->raw.attrs, a);
        }
        TRY(parse_accept(p, ",", &more));
    }
    return parse_expect(p, "}");
}

/* An attribute that prints as `none`: see is_absent() of attr.c. */
static void set_absent(const AttrDesc *d, void *attrs)
{
    static const size_t size[] = {
        [ATTR_str] = sizeof(attr_str),       [ATTR_ints] = sizeof(attr_ints),
        [ATTR_floats] = sizeof(attr_floats), [ATTR_strs] = sizeof(attr_strs),
        [ATTR_tensor] = sizeof(attr_tensor), [ATTR_graph] = sizeof(attr_graph),
    };
    void *field = (char *)attrs + d->offset;
    if (d->kind == ATTR_int)
        *(attr_int *)field = ATTR_INT_ABSENT;
    else if (d->kind == ATTR_float)
        *(attr_float *)field = __builtin_nanf("");
    else
        memset(field, 0, size[d->kind]);
}

static Status parse_results(Parser *p, NodeText *t)
{
    bool more = true;
    while (more) {
        const char *name = NULL;
        Type type = {0};
        bool omitted, typed = false;
        TRY(parse_accept(p, "_", &omitted));
        if (!omitted) {
            if (p->kind != TOK_VALUE)
                return parse_error(p, "a node, in, const, out, sym or '}' is expected, not '%.40s'",
                                   p->kind ? p->text : "the end");
            name = p->text;
            TRY(parse_next(p));
            TRY(parse_accept(p, ":", &typed));
        }
        if (typed)
            TRY(parse_type(p, &type));
        vec_push(p->arena, &t->names, name);
        vec_push(p->arena, &t->types, type);
        TRY(parse_accept(p, ",", &more));
    }
    return parse_expect(p, "=");
}

static Status parse_op(Parser *p, NodeText *t)
{
    bool qualified;
    if (p->kind != TOK_WORD && p->kind != TOK_STRING)
        return parse_error(p, "an operator is expected, not '%.40s'",
                           p->kind ? p->text : "the end");
    t->raw.op = p->text;
    TRY(parse_next(p));
    TRY(parse_accept(p, "::", &qualified));
    if (qualified) {
        if (p->kind != TOK_WORD)
            return parse_error(p, "an operator is expected after the domain");
        t->raw.domain = t->raw.op;
        t->raw.op = p->text;
        TRY(parse_next(p));
    }
    t->op = op_find_for(t->raw.graph->ctx, t->raw.domain, t->raw.op);
    if (t->op)
        return MLC_OK;
    Loc loc = {.file = p->file, .line = p->line, .op = t->raw.op};
    return op_unknown(t->raw.graph, t->raw.domain, t->raw.op, t->raw.graph->opset, loc, 1);
}

static Status parse_value(Parser *p, Graph *g, Value **out)
{
    if (p->kind != TOK_VALUE)
        return parse_error(p, "a value is expected, not '%.40s'", p->kind ? p->text : "the end");
    *out = map_get(&g->by_name, p->text);
    if (!*out)
        return parse_error(p, "value '%s' is not defined before its use", p->text);
    return parse_next(p);
}

static Status parse_inputs(Parser *p, NodeText *t)
{
    TRY(parse_expect(p, "("));
    bool more = !parse_is(p, ")");
    while (more) {
        Value *v = NULL;
        bool omitted;
        TRY(parse_accept(p, "_", &omitted));
        if (!omitted)
            TRY(parse_value(p, t->raw.graph, &v));
        vec_push(p->arena, &t->raw.in, v);
        TRY(parse_accept(p, ",", &more));
    }
    return parse_expect(p, ")");
}

static Status parse_name_and_origin(Parser *p, NodeText *t)
{
    bool taken;
    TRY(parse_accept(p, "name", &taken));
    if (taken)
        TRY(parse_string(p, &t->raw.name));
    TRY(parse_accept(p, "from", &taken));
    return taken ? parse_list(p, one_string, &t->origin) : MLC_OK;
}

/* The bodies of a node capture the same values: its last inputs. */
static Status check_captures(Parser *p, const RawNode *raw)
{
    int captures = -1;
    for (size_t i = 0; i < raw->attrs.len; i++) {
        const RawAttr *a = &raw->attrs.at[i];
        if (a->kind != ATTR_graph || !a->graph)
            continue;
        if (captures >= 0 && a->graph->captures != captures)
            return parse_error(p, "one body captures %d values, another %d", captures,
                               a->graph->captures);
        captures = a->graph->captures;
        if ((size_t)captures > raw->in.len)
            return parse_error(p, "a body captures %d values of a node with %zu inputs", captures,
                               raw->in.len);
    }
    return MLC_OK;
}

static Status parse_node(Parser *p, Graph *g)
{
    NodeText t = {.raw = {.graph = g, .version = INT_MAX}};
    TRY(parse_results(p, &t));
    TRY(parse_op(p, &t));
    TRY(parse_inputs(p, &t));
    TRY(parse_attrs(p, &t));
    TRY(check_captures(p, &t.raw));
    TRY(parse_name_and_origin(p, &t));
    t.raw.nout = (int)t.names.len;
    t.raw.out_names = t.names.at;
    Node *n = NULL;
    TRY(op_make(&t.raw, &n));
    for (size_t i = 0; i < t.absent.len; i++)
        set_absent(t.absent.at[i], n->attrs);
    for (int i = 0; i < n->nout; i++) {
        if (n->out[i])
            n->out[i]->type = t.types.at[i];
    }
    if (t.origin.len) {
        n->origin = t.origin.at;
        n->norigin = (int)t.origin.len;
    }
    return MLC_OK;
}

/* ---- the other items ---- */

/* ["max" int "typical" int], of a symbol. */
static Status parse_bounds(Parser *p, Ex sym, int64_t min)
{
    bool bounded;
    int64_t max, typical;
    TRY(parse_accept(p, "max", &bounded));
    if (!bounded)
        return MLC_OK;
    TRY(parse_int(p, &max));
    TRY(parse_expect(p, "typical"));
    TRY(parse_int(p, &typical));
    if (max < min || typical < min || typical > max)
        return parse_error(p, "the bounds of a symbol are not in order");
    ex_sym_bound(p->pool, (int)sym->i, min, max, typical);
    return MLC_OK;
}

/* "run" symbol ">=" int "max" int: what only the run finds out; inference says anew from what. */
static Status parse_run_symbol(Parser *p, const char *name, int64_t min)
{
    int64_t max;
    TRY(parse_expect(p, "max"));
    TRY(parse_int(p, &max));
    if (max < min)
        return parse_error(p, "the bounds of a symbol are not in order");
    map_set(&p->symbols, name, (void *)ex_sym_run_time(p->pool, name, min, max));
    return MLC_OK;
}

static Status parse_symbol(Parser *p, Graph *g, bool run_time)
{
    if (g->parent)
        return parse_error(p, "symbols are declared at the outermost graph");
    if (p->kind != TOK_WORD && p->kind != TOK_STRING)
        return parse_error(p, "a symbol is expected, not '%.40s'", p->kind ? p->text : "the end");
    const char *name = p->text;
    int64_t min;
    TRY(parse_next(p));
    TRY(parse_expect(p, ">="));
    TRY(parse_int(p, &min));
    if (map_has(&p->symbols, name) || !*name || (min < 0 && !run_time))
        return parse_error(p, "symbol '%.40s' is declared twice, or its minimum is negative", name);
    if (run_time)
        return parse_run_symbol(p, name, min);
    Ex sym = ex_sym(p->pool, name, min);
    map_set(&p->symbols, name, (void *)sym);
    return parse_bounds(p, sym, min);
}

/* value ":" type, of a value that is new. */
static Status parse_typed(Parser *p, const Graph *g, const char **name, Type *type)
{
    if (p->kind != TOK_VALUE)
        return parse_error(p, "a value is expected, not '%.40s'", p->kind ? p->text : "the end");
    if (graph_has_name(g, p->text))
        return parse_error(p, "value '%s' is defined twice", p->text);
    *name = p->text;
    TRY(parse_next(p));
    TRY(parse_expect(p, ":"));
    return parse_type(p, type);
}

static Status parse_const(Parser *p, Graph *g)
{
    const char *name;
    Type type;
    Tensor *t = NULL;
    TRY(parse_typed(p, g, &name, &type));
    TRY(parse_expect(p, "="));
    TRY(parse_data(p, &type, &t));
    graph_const(g, name, t);
    return MLC_OK;
}

static Status parse_out(Parser *p, Graph *g)
{
    Value *v;
    bool typed;
    Type type;
    TRY(parse_value(p, g, &v));
    TRY(parse_accept(p, ":", &typed));
    if (typed) {
        TRY(parse_type(p, &type));
        if (!type_equal(&type, &v->type))
            return parse_error(p, "output '%s' has another type than where it is defined", v->name);
    }
    graph_output(g, v);
    return MLC_OK;
}

static Status parse_input(Parser *p, Graph *g, bool capture)
{
    const char *name;
    Type type;
    TRY(parse_typed(p, g, &name, &type));
    if (capture && !g->parent)
        return parse_error(p, "'capture' stands outside of a body");
    if (!capture && g->captures)
        return parse_error(p, "input '%s' follows a capture", name);
    graph_input(g, name, type);
    g->captures += capture;
    return MLC_OK;
}

static Status parse_item(Parser *p, Graph *g)
{
    bool taken;
    TRY(parse_accept(p, "sym", &taken));
    if (taken)
        return parse_symbol(p, g, false);
    TRY(parse_accept(p, "run", &taken));
    if (taken)
        return parse_symbol(p, g, true);
    TRY(parse_accept(p, "in", &taken));
    if (taken)
        return parse_input(p, g, false);
    TRY(parse_accept(p, "capture", &taken));
    if (taken)
        return parse_input(p, g, true);
    TRY(parse_accept(p, "const", &taken));
    if (taken)
        return parse_const(p, g);
    TRY(parse_accept(p, "out", &taken));
    return taken ? parse_out(p, g) : parse_node(p, g);
}

static Status parse_body(Parser *p, Graph *g)
{
    int64_t opset;
    TRY(parse_enter(p));
    TRY(parse_expect(p, "graph"));
    TRY(parse_string(p, &g->name));
    TRY(parse_expect(p, "opset"));
    TRY(parse_int(p, &opset));
    if (opset < 0 || opset > INT_MAX)
        return parse_error(p, "opset %lld does not exist", (long long)opset);
    g->opset = (int)opset;
    TRY(parse_expect(p, "{"));
    while (!parse_is(p, "}"))
        TRY(parse_item(p, g));
    parse_leave(p);
    return parse_next(p);
}

static Status parse_graph(Parser *p, Graph *parent, Graph **out)
{
    *out = graph_new(p->ctx, p->file, parent);
    return parse_body(p, *out);
}

Status graph_parse(Ctx *c, const char *text, const char *file, Graph **out)
{
    Graph *g = graph_new(c, file, NULL);
    Parser p = {.ctx = c,
                .arena = g->arena,
                .pool = g->pool,
                .symbols = map_new(g->arena),
                .file = g->file,
                .at = text,
                .end = text + strlen(text),
                .line = 1};
    Status st = parse_next(&p);
    if (st == MLC_OK)
        st = parse_body(&p, g);
    if (st == MLC_OK && p.kind != TOK_END)
        st = parse_error(&p, "text follows the graph");
    if (st != MLC_OK) {
        graph_free(g);
        g = NULL;
    }
    *out = g;
    return st;
}

static Parser parser_in(Graph *g, const char *text)
{
    Parser p = {.ctx = g->ctx, .arena = g->arena, .pool = g->pool, .symbols = map_new(g->arena),
                .file = g->file, .at = text, .end = text + strlen(text), .line = 1};
    for (int i = 0; i < ex_sym_count(g->pool); i++)
        map_set(&p.symbols, ex_sym_name(g->pool, i), (void *)ex_sym_at(g->pool, i));
    return p;
}

Status graph_parse_type(Graph *g, const char *text, Type *out)
{
    Parser p = parser_in(g, text);
    TRY(parse_next(&p));
    return parse_type(&p, out);
}

Status graph_parse_items(Graph *g, const char *text)
{
    Parser p = parser_in(g, text);
    TRY(parse_next(&p));
    while (p.kind != TOK_END)
        TRY(parse_item(&p, g));
    return MLC_OK;
}
