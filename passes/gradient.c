/* Gradient: a node of ai.onnx.preview.training::Gradient becomes the derivative that it names.
 *
 * With y = f(x): all that y needs is computed once more in the node's place, from the node's inputs
 * instead of the values that they stand for (equal nodes become one later). Then, from the last of
 * these nodes to the first, each that lies between an x and y hands the gradient of its output on to
 * its inputs (OpInfo.grad); what arrives at a value over several ways is added up. A gradient is
 * summed over the dimensions along which the input was repeated. */
#include "passes/rewrite.h"

typedef struct Chain {
    Graph  *g;
    Node   *at;     /* the Gradient node */
    Value **copy;   /* by value id: what stands for it */
    bool   *varies; /* by value id of the copies: does it depend on an x? */
    Value **grad;   /* by value id of the copies: the sum so far */
    size_t  room;   /* of varies and grad */
    bool    failed; /* arithmetic that the element type does not have */
    VEC(Node *) nodes; /* the copies in order */
} Chain;

/* ---- values by name ---- */

static Status find(Chain *c, const char *name, Value **out)
{
    *out = map_get(&c->g->by_name, name);
    if (!*out)
        return node_error(c->at, E0203, "the graph has no value '%s'", name);
    return MLC_OK;
}

/* Names of attribute `attr`; false when it is no list of strings. */
static Strings names_of(const Node *n, const char *attr)
{
    const Strings *s = attr_field(n->op, n->attrs, attr);
    return s ? *s : (Strings){0};
}

static const char *name_of_y(const Node *n)
{
    return *(const attr_str *)attr_field(n->op, n->attrs, "y");
}

/* ---- copies ---- */

/* Marks what `y` needs, back to values that have a copy already. */
static bool *needed_nodes(const Chain *c, const Value *y)
{
    Graph *g = c->g;
    bool *need = NEW_ARRAY(g->arena, bool, g->node_count + 1);
    if (y->def && !c->copy[y->id])
        need[y->def->id] = true;
    for (const Node *n = g->last; n; n = n->prev)
        for (int i = 0; i < n->nin && need[n->id]; i++)
            if (n->in[i] && n->in[i]->def && !c->copy[n->in[i]->id])
                need[n->in[i]->def->id] = true;
    return need;
}

static bool has_body(const Node *n)
{
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
        if (d->kind == ATTR_graph && !attr_is_absent(d, n->attrs))
            return true;
    return false;
}

static Status copy_node(Chain *c, Node *n)
{
    Graph *g = c->g;
    if (has_body(n) || (n->op->traits & OP_RANDOM))
        return node_error(c->at, E0205, "the way to '%s' leads through operator '%s'",
                          name_of_y(c->at), n->op->name);
    Value **in = NEW_ARRAY(g->arena, Value *, n->nin);
    for (int i = 0; i < n->nin; i++)
        in[i] = n->in[i] && c->copy[n->in[i]->id] ? c->copy[n->in[i]->id] : n->in[i];
    const char *name = arena_printf(g->arena, "%s.%s", c->at->name, n->name);
    Node *made = graph_insert(g, c->at, n->op, name, n->nin, in, n->nout, n->attrs, c->at);
    TRY(graph_infer_node(g, made));
    for (int i = 0; i < n->nout; i++)
        if (n->out[i])
            c->copy[n->out[i]->id] = made->out[i];
    vec_push(g->arena, &c->nodes, made);
    return MLC_OK;
}

static Status copy_way(Chain *c, Value *y, Value **out)
{
    Graph *g = c->g;
    bool *need = needed_nodes(c, y);
    uint32_t count = g->node_count;
    for (Node *n = g->first; n; n = n->next)
        if (n->id < count && need[n->id])
            TRY(copy_node(c, n));
    *out = c->copy[y->id] ? c->copy[y->id] : y;
    if (y->def && *out == y)
        return node_error(c->at, E0203, "the graph has no value '%s'", name_of_y(c->at));
    return MLC_OK;
}

/* ---- the chain rule ---- */

static void ensure_room(Chain *c)
{
    size_t need = c->g->values.len;
    if (need <= c->room)
        return;
    size_t room = need * 2;
    c->varies = arena_grow(c->g->arena, c->varies, c->room * sizeof *c->varies,
                           room * sizeof *c->varies, _Alignof(bool));
    c->grad = arena_grow(c->g->arena, c->grad, c->room * sizeof(Value *), room * sizeof(Value *),
                         _Alignof(Value *));
    c->room = room;
}

static Value *insert(Chain *c, const char *op, int nin, Value *const *in, const void *attrs)
{
    Node *made = insert_inferred(c->g, c->at, op, nin, in, attrs);
    c->failed = c->failed || !made;
    return made ? made->out[0] : in[0];
}

static Value *reduce_sum(Chain *c, Value *v, int n, const int64_t *axes, bool keep)
{
    const OpInfo *op = op_find(NULL, "ReduceSum");
    void *attrs = attrs_default(c->g->arena, op);
    *(attr_int *)attr_field(op, attrs, "keepdims") = keep;
    Value *in[2] = {v, graph_const_ints(c->g, "axes", n, axes)};
    return n ? insert(c, "ReduceSum", 2, in, attrs) : v;
}

/* v summed over the dimensions along which x was repeated. */
static Value *sum_repeated(Chain *c, Value *v, const Value *x)
{
    int64_t axes[MAX_RANK];
    int lead = v->type.rank - x->type.rank, n = 0;
    for (int i = 0; i < lead; i++)
        axes[i] = i;
    v = reduce_sum(c, v, MAX(lead, 0), axes, false);
    for (int i = 0; i < x->type.rank && v->type.rank == x->type.rank; i++)
        if (v->type.dim[i] != x->type.dim[i])
            axes[n++] = i;
    return reduce_sum(c, v, n, axes, true);
}

static void add_grad(Chain *c, const Value *x, Value *v)
{
    v = sum_repeated(c, v, x);
    Value *old = c->grad[x->id];
    Value *sum = old ? insert(c, "Add", 2, (Value *[]){old, v}, NULL) : v;
    ensure_room(c);
    c->grad[x->id] = sum;
}

/* From the output of n to its inputs. */
static Status step_back(Chain *c, Node *n)
{
    Graph *body;
    Value *d = n->out[0] ? c->grad[n->out[0]->id] : NULL;
    bool wanted = false;
    for (int i = 0; i < n->nin; i++)
        wanted = wanted || (n->in[i] && c->varies[n->in[i]->id]);
    if (!d || !wanted)
        return MLC_OK;
    if (!n->op->grad)
        return node_error(c->at, E0205, "operator '%s' has no derivative", n->op->name);
    TRY(op_grad_body(c->g, n, &body));
    Value **map = NEW_ARRAY(c->g->arena, Value *, body->values.len);
    for (int i = 0; i < n->nin; i++)
        map[body->inputs.at[i]->id] = n->in[i];
    map[body->inputs.at[n->nin]->id] = n->out[0];
    map[body->inputs.at[n->nin + 1]->id] = d;
    TRY(insert_body(c->g, c->at, body, map));
    ensure_room(c);
    for (size_t i = 0; i < body->outputs.len && i < (size_t)n->nin; i++)
        if (n->in[i] && c->varies[n->in[i]->id])
            add_grad(c, n->in[i], mapped_value(c->g, map, body->outputs.at[i]));
    return MLC_OK;
}

static void mark_varying(Chain *c, Value *const *x, int n)
{
    ensure_room(c);
    for (int i = 0; i < n; i++)
        c->varies[x[i]->id] = true;
    for (size_t k = 0; k < c->nodes.len; k++) {
        const Node *m = c->nodes.at[k];
        bool varies = false;
        for (int i = 0; i < m->nin; i++)
            varies = varies || (m->in[i] && c->varies[m->in[i]->id]);
        for (int i = 0; i < m->nout; i++)
            if (m->out[i])
                c->varies[m->out[i]->id] = varies;
    }
}

/* A tensor like x, filled with v. */
static Value *filled(Chain *c, Value *x, float v)
{
    Value *shape = insert(c, "Shape", 1, &x, NULL);
    Value *number = graph_const_f32(c->g, "number", v);
    number = insert(c, "CastLike", 2, (Value *[]){number, x}, NULL);
    return insert(c, "Expand", 2, (Value *[]){number, shape}, NULL);
}

static Status differentiate(Graph *g, Node *n)
{
    Chain c = {.g = g, .at = n, .copy = NEW_ARRAY(g->arena, Value *, g->values.len)};
    Strings xs = names_of(n, "xs"), zs = names_of(n, "zs");
    Value *y;
    for (int i = 0; i < n->nin; i++) {
        Value *named;
        TRY(find(&c, i < xs.n ? xs.at[i] : zs.at[i - xs.n], &named));
        c.copy[named->id] = n->in[i];
    }
    TRY(find(&c, name_of_y(n), &y));
    TRY(copy_way(&c, y, &y));
    mark_varying(&c, n->in, xs.n);
    if (y->type.kind != TYPE_TENSOR || !elem_is_float(y->type.elem))
        return node_error(n, E0204, "'%s' is no tensor of floats", name_of_y(n));
    Value *one = filled(&c, y, 1);
    ensure_room(&c);
    c.grad[y->id] = one;
    for (size_t k = c.nodes.len; k-- > 0;)
        TRY(step_back(&c, c.nodes.at[k]));
    if (c.failed)
        return node_error(n, E0204, "'%s' has no arithmetic", elem_name[y->type.elem]);
    for (int i = 0; i < n->nout; i++) {
        if (!n->out[i])
            continue;
        Value *d = c.grad[n->in[i]->id];
        TRY(replace_output(g, n, n->out[i], d ? d : filled(&c, n->in[i], 0)));
    }
    graph_erase(g, n);
    return MLC_OK;
}

Status pass_gradient(Graph *g)
{
    const OpInfo *gradient = op_find("ai.onnx.preview.training", "Gradient");
    for (Node *n = g->first, *next; n; n = next) {
        next = n->next;
        if (n->op == gradient && pass_step(g))
            TRY(differentiate(g, n));
    }
    return MLC_OK;
}
