/* Operators on optionals, on columns (columns.h): an optional tensor is a sequence of one element or
 * none, an optional sequence has a flag. */
#include "ir/ops/columns.h"

#include "ir/graph/text.h"

#define OPTIONAL_ATTRS(A, S) A(S, str, type, "", "the type of what an empty one may hold, as text")
ATTRS(OptionalAttrs, OPTIONAL_ATTRS);

static Status infer_optional(Graph *g, Node *n)
{
    const OptionalAttrs *a = n->attrs;
    Type *of = NEW(g->arena, Type);
    if (node_has(n, 0))
        *of = n->in[0]->type;
    else if (!a->type)
        return node_error(n, E0203, "an empty optional needs attribute 'type'");
    else
        TRY(graph_parse_type(g, a->type, of));
    n->out[0]->type = (Type){.kind = TYPE_OPTIONAL, .rank = -1, .of = of};
    return MLC_OK;
}

static const char *columns_optional(Graph *g, const Node *n)
{
    const Type *of = n->out[0]->type.of;
    if (of->kind == TYPE_TENSOR && node_has(n, 0))
        return construct_text(g, n);
    if (of->kind == TYPE_SEQUENCE && node_has(n, 0))
        return "const %has : bool[1] = {1}\nout %has\nout %0\nout %1\n";
    const Type *tensor = of->kind == TYPE_SEQUENCE ? of->of : of;
    return arena_printf(g->arena,
                        "const %%shapes : i64[0,%d] = {}\nconst %%data : %s[0] = {}\n"
                        "%sout %%shapes\nout %%data\n",
                        COLUMNS_WIDTH, elem_name[tensor->elem],
                        of->kind == TYPE_SEQUENCE ? "const %has : bool[1] = {0}\nout %has\n" : "");
}

OP(optional) = {
    .name = "Optional", .since = {15}, .max_in = 1, ATTRS_OF(OptionalAttrs),
    .infer = infer_optional, .columns = columns_optional, .doc = "an optional that holds x",
};

static Status infer_has(Graph *g, Node *n)
{
    (void)g;
    node_set_type(n, 0, type_tensor(ELEM_BOOL, 0, NULL));
    return MLC_OK;
}

static const char *columns_has(Graph *g, const Node *n)
{
    const Type *t = node_has(n, 0) ? &n->in[0]->type : NULL;
    if (t && t->kind == TYPE_OPTIONAL && t->of && t->of->kind == TYPE_SEQUENCE)
        return "const %scalar : i64[0] = {}\n%y = Reshape(%0, %scalar)\nout %y\n";
    if (t && t->kind == TYPE_OPTIONAL)
        return "%count = Shape(%0) {end=1}\nconst %scalar : i64[0] = {}\n"
               "const %zero : i64[] = {0}\n%n = Reshape(%count, %scalar)\n"
               "%y = Greater(%n, %zero)\nout %y\n";
    return arena_printf(g->arena, "const %%y : bool[] = {%d}\nout %%y\n", t != NULL);
}

OP(optional_has_element) = {
    .name = "OptionalHasElement", .since = {15, 18}, .max_in = 1, .infer = infer_has,
    .columns = columns_has, .doc = "does the optional hold something?",
};

static Status infer_get(Graph *g, Node *n)
{
    if (!node_has(n, 0))
        return node_error(n, E0202, "input 0 is omitted");
    const Type *t = &n->in[0]->type;
    if (t->kind == TYPE_OPTIONAL && t->of && t->of->kind == TYPE_TENSOR)
        return infer_element(g, n, t->of);
    if (t->kind == TYPE_OPTIONAL && !t->of)
        return node_error(n, E0206, "what input 0 ('%s') may hold is not known", n->in[0]->name);
    n->out[0]->type = t->kind == TYPE_OPTIONAL ? *t->of : *t;
    return MLC_OK;
}

static const char *columns_get(Graph *g, const Node *n)
{
    const Type *t = &n->in[0]->type;
    if (t->kind == TYPE_OPTIONAL && t->of->kind == TYPE_TENSOR)
        return element_text(g, n, -1);
    if (t->kind != TYPE_OPTIONAL)
        return column_count(t) == 1 ? "out %0\n" : "out %0\nout %1\n";
    /* Position 0, or 2 of a vector of one element, where the run fails, when it holds nothing. */
    return "const %zero : i64[1] = {0}\nconst %two : i64[1] = {2}\n%flag = Cast(%0) {to=7}\n"
           "%at = Mul(%flag, %two)\n%where = Sub(%two, %at)\n%nothing = Gather(%zero, %where)\n"
           "%shapes = Add(%1, %nothing)\nout %shapes\nout %2\n";
}

OP(optional_get_element) = {
    .name = "OptionalGetElement", .since = {15, 18}, .min_in = 1, .max_in = 1, .infer = infer_get,
    .columns = columns_get, .doc = "what the optional holds",
};
