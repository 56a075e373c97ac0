/* Constant folding, in two ways.
 *
 * Known content: a value whose elements are known integers, bools or floats (type inference follows
 * small tensors symbolically) becomes a constant, whatever computes it: Shape -> Gather -> Concat
 * of a static shape costs nothing here.
 * Evaluation: a node whose inputs are all constants is computed by the interpreter from its own
 * definition, within a budget of work and size, so that neither a huge Expand nor an adversarial
 * model can blow up the compiler. Random operators stay. */
#include "passes/rewrite.h"
#include "passes/simplify/evaluate.h"

/* For all foldings of one run: work, and bytes beside those in proportion to the constants there are
 * (4-bit weights become floats of 8 times their size). */
enum { TOTAL_POINTS = 1 << 30, TOTAL_BYTES = 64 << 20, TOTAL_RATIO = 8 };

/* In a graph that is to stay compact, constants up to this size may grow all the same. */
enum { COMPACT_BYTES = 1024 };

/* The known elements of v as a tensor; NULL when some are unknown. */
static Tensor *tensor_of_content(Graph *g, const Value *v)
{
    int n;
    const Ex *content = type_is_static(&v->type) ? value_content(g, v, &n) : NULL;
    if (!content)
        return NULL;
    bool is_float = elem_is_float(v->type.elem);
    for (int i = 0; i < n; i++) {
        if (is_float ? !ex_is_float(content[i], NULL) : !ex_is_int(content[i], NULL))
            return NULL;
    }
    int64_t dim[MAX_RANK];
    for (int i = 0; i < v->type.rank; i++)
        ex_is_int(v->type.dim[i], &dim[i]);
    Tensor *t = tensor_new(g->arena, v->type.elem, v->type.rank, dim);
    for (int i = 0; i < n; i++) {
        double f;
        int64_t k;
        if (is_float && ex_is_float(content[i], &f))
            elem_set_f64(t->elem, (void *)t->data, (size_t)i, f);
        else if (!is_float && ex_is_int(content[i], &k))
            elem_set_i64(t->elem, (void *)t->data, (size_t)i, k);
    }
    return t;
}

/* Node n's output v becomes the constant t. True when n is gone. */
static bool become_constant(Graph *g, Node *n, Value *v, const Tensor *t)
{
    const char *name = v->name;
    Value *c = graph_const(g, name, t);
    if (!step_replace(g, n, v, c))
        return false;
    value_take_name(g, v, c, name);
    return !n->graph;
}

/* True when the node is gone. */
static bool fold_content(Graph *g, Node *n)
{
    for (int i = 0; i < n->nout; i++) {
        Value *v = n->out[i];
        if (!v || value_is_dead(g, v))
            continue;
        Tensor *t = tensor_of_content(g, v);
        if (t && become_constant(g, n, v, t))
            return true;
    }
    return false;
}

/* Quantized weights are 4 times smaller than what DequantizeLinear makes of them. */
static bool grows(Graph *g, const Node *n)
{
    int64_t before = 0, after = 0, dim;
    for (int i = 0; i < n->nin; i++)
        if (n->in[i] && n->in[i]->data)
            before += (int64_t)elem_size_bytes(n->in[i]->data->elem,
                                               (size_t)tensor_count(n->in[i]->data));
    for (int i = 0; i < n->nout; i++) {
        const Type *t = n->out[i] ? &n->out[i]->type : NULL;
        if (t && type_is_static(t) && ex_is_int(type_count(g->pool, t), &dim) &&
            dim < INT64_MAX / 16)
            after += (int64_t)elem_size_bytes(t->elem, (size_t)dim);
    }
    return after > before && after > COMPACT_BYTES;
}

static bool is_compact(const Graph *g)
{
    while (g->parent)
        g = g->parent;
    return g->compact;
}

static Status fold_node(Graph *g, Node *n, EvaluateBudget *budget)
{
    if (is_compact(g) && grows(g, n))
        return MLC_OK;
    const Tensor **out = NEW_ARRAY(g->arena, const Tensor *, n->nout);
    Status s = evaluate_node(g, n, budget, out);
    if (s != MLC_OK)
        return s == MLC_NO ? MLC_OK : s;
    for (int i = 0; i < n->nout && n->graph; i++) {
        if (out[i] && !value_is_dead(g, n->out[i]))
            become_constant(g, n, n->out[i], out[i]);
    }
    return MLC_OK;
}

static int64_t bytes_allowed(const Graph *g)
{
    int64_t sum = 0, bytes;
    for (size_t i = 0; i < g->values.len; i++) {
        const Tensor *t = g->values.at[i]->data;
        if (t && !t->splat && __builtin_add_overflow(sum, (int64_t)t->size_bytes, &sum))
            return INT64_MAX;
    }
    return __builtin_mul_overflow(sum, TOTAL_RATIO, &bytes) ||
                   __builtin_add_overflow(bytes, TOTAL_BYTES, &bytes)
               ? INT64_MAX
               : bytes;
}

Status pass_fold(Graph *g)
{
    EvaluateBudget budget = {.points = TOTAL_POINTS, .bytes = bytes_allowed(g)};
    for (Node *n = g->first, *next; n; n = next) {
        next = n->next;
        if (!(n->op->traits & OP_RANDOM) && !fold_content(g, n))
            TRY(fold_node(g, n, &budget));
    }
    return MLC_OK;
}
