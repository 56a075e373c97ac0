/* Widening: what a model computes in float16 or bfloat16 is computed and kept in float32, and rounded
 * only where the model hands it out: at its outputs, at a Cast to a smaller type, and before the
 * few nodes that need the type itself (bodies of control flow, BitCast, CastLike, Cast to strings).
 *
 *     y = f(x, W)      y' = f(Cast(x), Cast(W))      where x' exists already, it takes the place of Cast(x)
 *
 * A node is widened when its type inference agrees: with float32 operands every output keeps its
 * type or becomes float32 where it was a half. The value itself changes its type, so a reader that
 * stays half reads Cast(value). Weights keep their storage: they are cast by the node that reads
 * them, and lowering takes the Cast along into the loads. Scalars and vectors (bias, scale) are
 * converted here.
 *
 * Types that the graph rounds to (Graph.rounds) stay; so does a graph that will be written as a
 * model. A body of control flow has its types from outside: its inputs and outputs stay half. */
#include "passes/rewrite.h"

enum { MOST_CONVERTED = 4096 }; /* elements of a constant vector that becomes float32 here */

typedef struct Widening {
    Graph  *g;
    size_t  nvalues;  /* those that were there at the beginning; by their id: */
    Elem   *was;      /* the half type of a value that is float32 now, else ELEM_NONE */
    Value **wide;     /* Cast of a half value to float32 */
    Value **narrow;   /* Cast of a widened value to its half type */
} Widening;

static const Graph *outermost(const Graph *g)
{
    while (g->parent)
        g = g->parent;
    return g;
}

/* Is it a type whose arithmetic shall happen in float32? */
static bool is_half(const Graph *g, Elem e)
{
    return (e == ELEM_F16 || e == ELEM_BF16) && !(outermost(g)->rounds >> e & 1);
}

static bool is_half_tensor(const Graph *g, const Value *v)
{
    return v && v->type.kind == TYPE_TENSOR && is_half(g, v->type.elem);
}

/* ---- values in the other type ---- */

/* A Cast of v, where every user of v can read it: behind its definition, or first of all. */
static Value *cast_of(Widening *w, Value *v, Elem to, const Node *origin)
{
    Graph *g = w->g;
    const OpInfo *op = op_find(NULL, "Cast");
    void *attrs = attrs_default(g->arena, op);
    *(attr_int *)attr_field(op, attrs, "to") = elem_to_onnx(to);
    Node *at = v->def ? v->def->next : g->first;
    Node *n = graph_insert(g, at, op, arena_printf(g->arena, "%s.%s", v->name, elem_name[to]), 1, &v, 1,
                           attrs, v->def ? v->def : origin);
    Status s = graph_infer_node(g, n);
    assert(s == MLC_OK);
    (void)s;
    return n->out[0];
}

/* One element, one element many times, or a row of them. */
static bool is_vector(const Tensor *t)
{
    int64_t most = 1, n = tensor_count(t);
    for (int i = 0; i < t->rank; i++)
        most = MAX(most, t->dim[i]);
    return t->splat || (n == most && n <= MOST_CONVERTED);
}

static Value *converted(Graph *g, const Value *v)
{
    const Tensor *t = v->data;
    Tensor *f = tensor_new(g->arena, ELEM_F32, t->splat ? 0 : t->rank, t->dim);
    for (int64_t i = 0, n = tensor_count(f); i < n; i++)
        elem_set_f64(ELEM_F32, (void *)f->data, (size_t)i, tensor_get_f64(t, i));
    f->rank = t->rank;
    memcpy(f->dim, t->dim, sizeof f->dim);
    f->splat = t->splat;
    return graph_const(g, arena_printf(g->arena, "%s.f32", v->name), f);
}

/* A half value as float32. */
static Value *wide_of(Widening *w, Value *v, const Node *reader)
{
    assert(v->id < w->nvalues);
    if (!w->wide[v->id])
        w->wide[v->id] = v->data && is_vector(v->data) ? converted(w->g, v)
                                                       : cast_of(w, v, ELEM_F32, reader);
    return w->wide[v->id];
}

static Elem half_of(const Widening *w, const Value *v)
{
    return v && v->id < w->nvalues ? w->was[v->id] : ELEM_NONE;
}

/* A widened value, rounded to the type that it had. */
static Value *narrow_of(Widening *w, Value *v)
{
    if (!w->narrow[v->id])
        w->narrow[v->id] = cast_of(w, v, w->was[v->id], NULL);
    return w->narrow[v->id];
}

/* ---- nodes ---- */

/* Does a half operand take part, here or in the value that was widened? */
static bool reads_half(const Widening *w, const Node *n)
{
    for (int i = 0; i < n->nin; i++) {
        if (is_half_tensor(w->g, n->in[i]) || half_of(w, n->in[i]))
            return true;
    }
    return false;
}

static void read_narrow(Widening *w, Node *n)
{
    for (int i = 0; i < n->nin; i++) {
        if (half_of(w, n->in[i]))
            graph_set_input(n, i, narrow_of(w, n->in[i]));
    }
}

/* Does `now` differ from `before` in nothing but a half that is float32? */
static bool is_widened(const Graph *g, const Type *before, const Type *now)
{
    if (before->kind != TYPE_TENSOR)
        return type_equal(before, now);
    bool same_elem = now->elem == before->elem;
    return now->kind == TYPE_TENSOR && now->rank == before->rank &&
           (same_elem || (is_half(g, before->elem) && now->elem == ELEM_F32));
}

/* Sizes that depend on data are fresh symbols at every inference: the types that the readers were
 * inferred from stay, element type aside. */
static bool infer_again(Widening *w, Node *n, const Type *before)
{
    bool ok = graph_try_infer_node(w->g, n);
    for (int i = 0; i < n->nout; i++) {
        if (n->out[i] && ok)
            ok = is_widened(w->g, &before[i], &n->out[i]->type);
    }
    for (int i = 0; i < n->nout; i++) {
        Value *v = n->out[i];
        if (!v)
            continue;
        Elem now = v->type.elem;
        v->type = before[i];
        if (!ok || now == before[i].elem)
            continue;
        v->type.elem = now;
        w->was[v->id] = before[i].elem;
    }
    return ok;
}

static void widen_node(Widening *w, Node *n)
{
    Graph *g = w->g;
    Value **in = NEW_ARRAY(g->arena, Value *, MAX(n->nin, 1));
    Type *before = NEW_ARRAY(g->arena, Type, MAX(n->nout, 1));
    int nin = n->nin;
    memcpy(in, n->in, (size_t)nin * sizeof *in);
    for (int i = 0; i < n->nout; i++) {
        if (n->out[i])
            before[i] = n->out[i]->type;
    }
    for (int i = 0; i < nin; i++) {
        if (is_half_tensor(g, in[i]))
            graph_set_input(n, i, wide_of(w, in[i], n));
    }
    if (infer_again(w, n, before))
        return;
    for (int i = 0; i < nin; i++)
        graph_set_input(n, i, in[i]);
    read_narrow(w, n);
    infer_again(w, n, before);
}

/* ---- outputs, and what became needless ---- */

/* The output keeps its type and its name; the readers of v keep v. */
static void round_output(Widening *w, Value *v)
{
    Graph *g = w->g;
    Value *rounded = narrow_of(w, v);
    size_t nuses = v->uses.len;
    Use *uses = NEW_ARRAY(g->arena, Use, MAX(nuses, 1));
    memcpy(uses, v->uses.at, nuses * sizeof *uses);
    const char *name = v->name;
    graph_replace(g, v, rounded);
    value_rename(g, v, arena_printf(g->arena, "%s.f32", name));
    for (size_t i = 0; i < nuses; i++)
        graph_set_input(uses[i].node, uses[i].index, v);
}

/* A Cast of the model to float32 that has nothing left to do. */
static void drop_casts(Graph *g)
{
    for (Node *n = g->first, *next; n; n = next) {
        next = n->next;
        if (node_is(n, "Cast") && type_equal(&n->in[0]->type, &n->out[0]->type))
            step_replace(g, n, n->out[0], n->in[0]);
    }
}

/* A number as a string has the digits of its type. */
static bool writes_strings(const Node *n)
{
    return n->nout > 0 && n->out[0] && n->out[0]->type.elem == ELEM_STRING;
}

Status pass_widen(Graph *g)
{
    if (outermost(g)->compact)
        return MLC_OK;
    Widening w = {.g = g, .nvalues = g->values.len};
    bool changed = false;
    w.was = NEW_ARRAY(g->arena, Elem, w.nvalues + 1);
    w.wide = NEW_ARRAY(g->arena, Value *, w.nvalues + 1);
    w.narrow = NEW_ARRAY(g->arena, Value *, w.nvalues + 1);
    for (Node *n = g->first, *next; n; n = next) {
        next = n->next;
        if (!reads_half(&w, n))
            continue;
        if (node_has_body(n) || (n->op->traits & OP_ELEM_TYPE) || writes_strings(n) ||
            !pass_step(g)) {
            read_narrow(&w, n);
            continue;
        }
        changed = true;
        widen_node(&w, n);
    }
    for (size_t i = 0; i < g->outputs.len; i++) {
        if (half_of(&w, g->outputs.at[i]))
            round_output(&w, g->outputs.at[i]);
    }
    if (changed)
        drop_casts(g);
    return MLC_OK;
}
