/* Columns: a value that is no tensor becomes the tensors that ir/ops/columns.h says, and an operator on
 * it what OpInfo.columns says of them.
 *
 * One walk from front to back, with inference anew on the way: a column says more than the type did
 * (the sizes of elements that are constants). Bodies follow their nodes: what goes in and out of a
 * body has the columns of the type that inference gave it, and a value is adapted to that type on
 * either side (a sequence where an optional one is carried). Nodes that were replaced go at the end,
 * when nobody reads them any more. */
#include "passes/rewrite.h"

#include "ir/ops/columns.h"
#include "ir/ops/control.h"

typedef struct Columns {
    int    n;
    Value *at[COLUMNS_MAX];
} Columns;

typedef struct Walk {
    Graph *g;
    Map    columns; /* name of a value that is no tensor -> Columns */
    VEC(Node *) replaced;
} Walk;

static Status convert(Walk *w);

/* ---- does a graph need it? ---- */

static Graph *body_at(const Node *n, const AttrDesc *d)
{
    return d->kind == ATTR_graph ? *(Graph **)((char *)n->attrs + d->offset) : NULL;
}

static bool has_composite(const Graph *g)
{
    for (size_t i = 0; i < g->inputs.len; i++)
        if (type_is_composite(&g->inputs.at[i]->type))
            return true;
    for (const Node *n = g->first; n; n = n->next) {
        if (!n->op->define && n->op->columns)
            return true;
        for (int i = 0; i < n->nout; i++)
            if (n->out[i] && type_is_composite(&n->out[i]->type))
                return true;
        for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
            if (body_at(n, d) && has_composite(body_at(n, d)))
                return true;
    }
    return false;
}

static bool touches_composite(const Node *n)
{
    bool any = !n->op->define && n->op->columns;
    for (int i = 0; i < n->nin; i++)
        any |= n->in[i] && type_is_composite(&n->in[i]->type);
    for (int i = 0; i < n->nout; i++)
        any |= n->out[i] && type_is_composite(&n->out[i]->type);
    return any;
}

/* ---- values ---- */

/* A tensor is its own column; what is omitted is one that is omitted. */
static Columns columns_of(Walk *w, Value *v)
{
    Columns one = {1, {v}}, *c;
    if (!v || !type_is_composite(&v->type))
        return one;
    c = map_get(&w->columns, v->name);
    return c ? *c : (Columns){0};
}

static void set_columns(Walk *w, const Value *v, int n, Value *const *at)
{
    Columns *c = NEW(w->g->arena, Columns);
    c->n = n;
    memcpy(c->at, at, (size_t)n * sizeof *at);
    map_set(&w->columns, v->name, c);
}

static Status flat_inputs(Walk *w, const Node *n, int *count, Value ***out)
{
    *out = NEW_ARRAY(w->g->arena, Value *, n->nin * COLUMNS_MAX + 1);
    *count = 0;
    for (int i = 0; i < n->nin; i++) {
        Columns c = columns_of(w, n->in[i]);
        if (c.n == 0)
            return node_error(n, E0204, "input '%s' is of a type that is not supported",
                              n->in[i]->name);
        for (int k = 0; k < c.n; k++)
            (*out)[(*count)++] = c.at[k];
    }
    return MLC_OK;
}

/* The outputs of n from the columns of all of them. */
static Status set_outputs(Walk *w, Node *n, int count, Value *const *at)
{
    int used = 0;
    for (int i = 0; i < n->nout; i++) {
        Value *v = n->out[i];
        int    k = v ? column_count(&v->type) : 1;
        if (k == 0 || used + k > count)
            return node_error(n, E0204, "output %d is of a type that is not supported", i);
        if (v && type_is_composite(&v->type))
            set_columns(w, v, k, at + used);
        else if (v)
            TRY(replace_output(w->g, n, v, at[used]));
        used += k;
    }
    return MLC_OK;
}

/* The columns of a value of type `from` as one of type `to`, which takes it in or, where `from` is an
 * optional, is what it holds. */
static Status adapt(Graph *g, Node *before, Columns *c, const Type *from, const Type *to)
{
    const char *node = NULL;
    Value     **out;
    int         count;
    if (from->kind == to->kind)
        return MLC_OK;
    if (to->kind == TYPE_OPTIONAL)
        node = "Optional";
    else if (from->kind == TYPE_OPTIONAL)
        node = "OptionalGetElement";
    if (!node)
        return node_error(before, E0206, "a value changes its kind");
    Node stand_in = {.op = op_find(NULL, node), .graph = g, .name = before->name, .nin = 1, .nout = 1};
    Value in = {.type = *from, .name = "x"}, result = {.type = *to, .name = "y"};
    Value *ins[] = {&in}, *outs[] = {&result};
    stand_in.in = ins;
    stand_in.out = outs;
    const char *text = stand_in.op->columns(g, &stand_in);
    if (!text)
        return node_error(before, E0303, "the rank of an optional is not known");
    TRY(insert_text(g, before, text, c->n, c->at, &count, &out));
    c->n = count;
    memcpy(c->at, out, (size_t)count * sizeof *out);
    return MLC_OK;
}

/* ---- interfaces of graphs ---- */

static void take_input(Walk *w, Value *v)
{
    Graph  *g = w->g;
    Columns c = {.n = column_count(&v->type)};
    for (int k = 0; k < c.n; k++) {
        const char *column = column_name(&v->type, k);
        const char *name = arena_printf(g->arena, "%s.%s", v->name, column);
        c.at[k] = graph_input(g, name, column_type(g, &v->type, k, v->name, !g->parent));
    }
    v->is_input = false;
    set_columns(w, v, c.n, c.at);
}

static void take_inputs(Walk *w)
{
    Graph *g = w->g;
    size_t n = g->inputs.len;
    Value **old = g->inputs.at;
    memset(&g->inputs, 0, sizeof g->inputs);
    for (size_t i = 0; i < n; i++) {
        if (type_is_composite(&old[i]->type))
            take_input(w, old[i]);
        else
            vec_push(g->arena, &g->inputs, old[i]);
    }
}

/* Output v of the outermost graph: its columns, each as a value of its own with its name. */
static Status give_output(Walk *w, Value *v)
{
    Graph  *g = w->g;
    Columns c = columns_of(w, v);
    if (c.n == 0)
        return diag_error(g->ctx, E0204, (Loc){.file = g->file}, MLC_INPUT,
                          "output '%s' is of a type that is not supported", v->name);
    for (int k = 0; k < c.n; k++) {
        Node *copy = graph_insert(g, NULL, op_find(NULL, "Identity"), v->name, 1, &c.at[k], 1, NULL,
                                  v->def);
        TRY(graph_infer_node(g, copy));
        value_rename(g, copy->out[0],
                     arena_printf(g->arena, "%s.%s", v->name, column_name(&v->type, k)));
        graph_output(g, copy->out[0]);
    }
    return MLC_OK;
}

static Status give_outputs(Walk *w)
{
    Graph *g = w->g;
    size_t n = g->outputs.len;
    Value **old = g->outputs.at;
    memset(&g->outputs, 0, sizeof g->outputs);
    for (size_t i = 0; i < n; i++)
        old[i]->noutputs--;
    for (size_t i = 0; i < n; i++) {
        if (type_is_composite(&old[i]->type))
            TRY(give_output(w, old[i]));
        else
            graph_output(g, old[i]);
    }
    return MLC_OK;
}

/* ---- nodes with bodies ---- */

/* Input i of the body stands for columns c of the node's input. Those that are captured are known. */
static void bind_input(Walk *w, Value *in, const Columns *c, bool captured)
{
    Graph *g = w->g;
    if (!type_is_composite(&in->type)) {
        vec_push(g->arena, &g->inputs, in);
        if (captured && c->at[0])
            body_take(g, g->inputs.len - 1, c->at[0]);
        return;
    }
    take_input(w, in);
    for (int k = 0; captured && k < c->n; k++)
        body_take(g, g->inputs.len - (size_t)(c->n - k), c->at[k]);
}

static void bind_inputs(Walk *outer, Walk *w, const Node *n)
{
    Graph  *body = w->g;
    size_t  count = body->inputs.len, first = (size_t)n->nin - count;
    size_t  own = count - (size_t)body->captures;
    Value **old = body->inputs.at;
    memset(&body->inputs, 0, sizeof body->inputs);
    body->captures = 0;
    for (size_t i = 0; i < count; i++) {
        Columns c = columns_of(outer, n->in[first + i]);
        bind_input(w, old[i], &c, i >= own);
        body->captures += i >= own ? c.n : 0;
    }
}

/* The outputs of a body, adapted to the types as[], NULL where they stay what they are. */
static Status bind_outputs(Walk *w, const Type *const *as)
{
    Graph  *body = w->g;
    size_t  count = body->outputs.len;
    Value **old = body->outputs.at;
    memset(&body->outputs, 0, sizeof body->outputs);
    for (size_t i = 0; i < count; i++)
        old[i]->noutputs--;
    for (size_t i = 0; i < count; i++) {
        Columns c = columns_of(w, old[i]);
        if (as[i] && as[i]->kind != old[i]->type.kind) {
            Node *end = graph_insert(body, NULL, op_find(NULL, "Identity"), old[i]->name, 1, &c.at[0],
                                     1, NULL, NULL);
            TRY(adapt(body, end, &c, &old[i]->type, as[i]));
            graph_erase(body, end);
        }
        for (int k = 0; k < c.n; k++)
            graph_output(body, c.at[k]);
    }
    return MLC_OK;
}

static void erase_replaced(Walk *w)
{
    for (size_t i = w->replaced.len; i-- > 0;)
        graph_erase(w->g, w->replaced.at[i]);
}

static Status convert_body(Walk *outer, const Node *n, Graph *body, const Type *const *as)
{
    Walk w = {.g = body, .columns = map_new(body->arena)};
    bind_inputs(outer, &w, n);
    TRY(convert(&w));
    TRY(bind_outputs(&w, as));
    erase_replaced(&w);
    return MLC_OK;
}

/* What a node with bodies carries around: input 2 + k, body input 2 + k, body output 1 + k and output k
 * of a Loop are one value. Of If, output k of both bodies is output k. */
typedef struct Control {
    Node  *n;
    Graph *body[2];
    int    carried; /* of a Loop */
} Control;

static Control control_of(Node *n)
{
    Control c = {.n = n};
    int     bodies = 0;
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
        if (body_at(n, d) && bodies < 2)
            c.body[bodies++] = body_at(n, d);
    if (node_is(n, "Loop"))
        c.carried = (int)c.body[0]->inputs.len - c.body[0]->captures - 2;
    return c;
}

/* The type under which output i of the node leaves the bodies. */
static Type passed_type(const Control *c, int i)
{
    if (i < c->carried)
        return c->body[0]->inputs.at[2 + i]->type;
    return c->n->out[i] ? c->n->out[i]->type : (Type){.kind = TYPE_TENSOR};
}

static Status control_inputs(Walk *w, const Control *c, int *nin, Value ***in)
{
    Node *n = c->n;
    *in = NEW_ARRAY(w->g->arena, Value *, n->nin * COLUMNS_MAX + 1);
    *nin = 0;
    for (int i = 0; i < n->nin; i++) {
        Columns v = columns_of(w, n->in[i]);
        if (i >= 2 && i < 2 + c->carried)
            TRY(adapt(w->g, n, &v, &n->in[i]->type, &c->body[0]->inputs.at[i]->type));
        for (int k = 0; k < v.n; k++)
            (*in)[(*nin)++] = v.at[k];
    }
    return MLC_OK;
}

static Status control_outputs(Walk *w, Node *n, const Type *passed, Node *fresh)
{
    int used = 0;
    for (int i = 0; i < n->nout; i++) {
        Columns v = {.n = column_count(&passed[i])};
        for (int k = 0; k < v.n; k++)
            v.at[k] = fresh->out[used++];
        if (!n->out[i])
            continue;
        if (!type_is_composite(&n->out[i]->type)) {
            TRY(replace_output(w->g, n, n->out[i], v.at[0]));
            continue;
        }
        TRY(adapt(w->g, n, &v, &passed[i], &n->out[i]->type));
        set_columns(w, n->out[i], v.n, v.at);
    }
    return MLC_OK;
}

static Status convert_control(Walk *w, Node *n)
{
    Graph   *g = w->g;
    Control  c = control_of(n);
    Value  **in;
    int      nin, nout = 0;
    Type    *passed = NEW_ARRAY(g->arena, Type, n->nout + 1);
    const Type **as = NEW_ARRAY(g->arena, const Type *, n->nout + 2);
    for (int i = 0; i < n->nout; i++) {
        passed[i] = passed_type(&c, i);
        nout += column_count(&passed[i]);
        if (type_is_composite(&passed[i]))
            as[i + (c.carried > 0)] = &passed[i];
    }
    TRY(control_inputs(w, &c, &nin, &in));
    for (int b = 0; b < 2; b++)
        if (c.body[b] && !c.body[b]->unreached)
            TRY(convert_body(w, n, c.body[b], as));
    Node *fresh = graph_insert(g, n, n->op, n->name, nin, in, nout, n->attrs, n);
    TRY(graph_infer_node(g, fresh));
    TRY(control_outputs(w, n, passed, fresh));
    vec_push(g->arena, &w->replaced, n);
    return MLC_OK;
}

/* ---- SequenceMap ---- */

static Node *insert_in(Graph *g, Node *before, const char *op, int nin, Value *const *in,
                       const void *attrs)
{
    return graph_insert(g, before, op_find(NULL, op), op, nin, in, 1, attrs, NULL);
}

/* The element of body input `e` comes from the sequence, which the body captures. */
static Value *element_from(Graph *body, Value *e, const Type *sequence, Value *i)
{
    Value *s = graph_input(body, e->name, *sequence);
    Node  *at = insert_in(body, body->first, "SequenceAt", 2, (Value *[]){s, i}, NULL);
    at->out[0]->type = e->type;
    e->is_input = false;
    graph_replace(body, e, at->out[0]);
    return s;
}

/* The body of a SequenceMap becomes that of a Loop: (i, going, results, what the node reads). */
static void loop_body(const Node *n, Graph *body)
{
    Arena  *a = body->arena;
    size_t  count = body->inputs.len;
    Value **old = body->inputs.at, **list = NEW_ARRAY(a, Value *, n->nout + 1);
    memset(&body->inputs, 0, sizeof body->inputs);
    Value *i = graph_input(body, "i", type_tensor(ELEM_I64, 0, NULL));
    Value *going = graph_input(body, "going", type_tensor(ELEM_BOOL, 0, NULL));
    for (int k = 0; k < n->nout; k++)
        list[k] = graph_input(body, "list", (Type){0});
    for (size_t k = 0; k < count; k++) {
        bool own = k < count - (size_t)body->captures;
        if (own && type_is_composite(&n->in[k]->type))
            element_from(body, old[k], &n->in[k]->type, i);
        else
            vec_push(a, &body->inputs, old[k]);
    }
    body->captures = (int)count;
    Value **result = body->outputs.at;
    memset(&body->outputs, 0, sizeof body->outputs);
    for (int k = 0; k < n->nout; k++)
        result[k]->noutputs--;
    graph_output(body, going);
    for (int k = 0; k < n->nout; k++) {
        Node *add = insert_in(body, NULL, "SequenceInsert", 2, (Value *[]){list[k], result[k]}, NULL);
        graph_output(body, add->out[0]);
    }
}

/* Nodes before n that do what it does; *first is the first of them. */
static Status map_to_loop(Walk *w, Node *n, Node **first)
{
    Graph        *g = w->g;
    const OpInfo *loop = op_find(NULL, "Loop"), *empty = op_find(NULL, "SequenceEmpty");
    Graph        *body = *(Graph **)attr_field(n->op, n->attrs, "body");
    void         *attrs = attrs_default(g->arena, loop);
    Value       **in = NEW_ARRAY(g->arena, Value *, 2 + n->nout + n->nin);
    Node *length = insert_in(g, n, "SequenceLength", 1, n->in, NULL);
    *first = length;
    in[0] = length->out[0];
    for (int k = 0; k < n->nout; k++) {
        void *kind = attrs_default(g->arena, empty);
        *(attr_int *)attr_field(empty, kind, "dtype") = elem_to_onnx(body->outputs.at[k]->type.elem);
        in[2 + k] = insert_in(g, n, "SequenceEmpty", 0, NULL, kind)->out[0];
    }
    memcpy(in + 2 + n->nout, n->in, (size_t)n->nin * sizeof *in);
    loop_body(n, body);
    *(Graph **)attr_field(loop, attrs, "body") = body;
    Node *made = graph_insert(g, n, loop, n->name, 2 + n->nout + n->nin, in, n->nout, attrs, n);
    for (int k = 0; k < n->nout; k++)
        if (n->out[k]) {
            const char *name = n->out[k]->name;
            graph_replace(g, n->out[k], made->out[k]);
            value_take_name(g, n->out[k], made->out[k], name);
        }
    graph_erase(g, n);
    return MLC_OK;
}

/* ---- the walk ---- */

static Status convert_text(Walk *w, Node *n)
{
    int     nin, nout;
    Value **in, **out;
    TRY(graph_infer_node(w->g, n));
    const char *text = n->op->columns(w->g, n);
    if (!text)
        return node_error(n, E0303, "the rank of the elements of '%s' is not known", n->in[0]->name);
    TRY(flat_inputs(w, n, &nin, &in));
    TRY(insert_text(w->g, n, text, nin, in, &nout, &out));
    TRY(set_outputs(w, n, nout, out));
    vec_push(w->g->arena, &w->replaced, n);
    return MLC_OK;
}

static bool has_body(const Node *n)
{
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
        if (body_at(n, d))
            return true;
    return false;
}

static bool body_has_composite(const Node *n)
{
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
        if (body_at(n, d) && has_composite(body_at(n, d)))
            return true;
    return false;
}

static Status convert_node(Walk *w, Node *n)
{
    if (has_body(n) && (touches_composite(n) || body_has_composite(n))) {
        TRY(graph_infer_node(w->g, n));
        return convert_control(w, n);
    }
    if (!touches_composite(n))
        return graph_infer_node(w->g, n);
    if (n->op->columns)
        return convert_text(w, n);
    return node_error(n, E0204, "%s of sequences, optionals or maps is not supported", n->op->name);
}

static Status convert(Walk *w)
{
    for (Node *n = w->g->first, *next; n; n = next) {
        if (node_is(n, "SequenceMap")) {
            TRY(graph_infer_node(w->g, n));
            TRY(map_to_loop(w, n, &n));
        }
        next = n->next;
        TRY(convert_node(w, n));
    }
    return MLC_OK;
}

Status pass_columns(Graph *g)
{
    Walk w = {.g = g, .columns = map_new(g->arena)};
    if (g->parent || g->compact || !has_composite(g) || !pass_step(g))
        return MLC_OK;
    take_inputs(&w);
    TRY(convert(&w));
    TRY(give_outputs(&w));
    erase_replaced(&w);
    return MLC_OK;
}
