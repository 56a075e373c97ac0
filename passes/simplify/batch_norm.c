/* BatchNormalization with constant parameters:
 *     y = (x - mean) * s + B  with  s = scale / sqrt(var + epsilon), per channel.
 * After a linear node that nobody else reads it moves into that node's weights and bias:
 *     W'[c] = W[c] * s[c],  b'[c] = (b[c] - mean[c]) * s[c] + B[c].
 * Elsewhere it becomes Mul and Add by constants. All in double, rounded once. */
#include "passes/simplify/linear.h"

#include <math.h>

/* y = x * factor[c] + term[c], with axis 1 the channels. */
typedef struct Affine {
    int64_t channels;
    double *factor, *term;
} Affine;

static bool is_plain(const Graph *g, const Node *n)
{
    return node_is(n, "BatchNormalization") && n->nin == 5 && only_first_output(g, n) &&
           node_attr_int(n, "training_mode", 0) == 0 && is_ranked(n->in[0]) &&
           n->in[0]->type.rank >= 2 && is_f32_or_f64(n->in[0]->type.elem);
}

static bool match_parameters(Graph *g, const Node *n, Affine *a)
{
    for (int i = 1; i < 5; i++) {
        const Tensor *t = n->in[i] ? n->in[i]->data : NULL;
        if (!t || t->rank != 1 || !elem_is_float(t->elem) ||
            t->dim[0] != n->in[1]->data->dim[0])
            return false;
    }
    const Tensor *scale = n->in[1]->data, *b = n->in[2]->data;
    const Tensor *mean = n->in[3]->data, *var = n->in[4]->data;
    double epsilon = node_attr_float(n, "epsilon", 1e-5f);
    a->channels = scale->dim[0];
    a->factor = NEW_ARRAY(g->arena, double, a->channels);
    a->term = NEW_ARRAY(g->arena, double, a->channels);
    for (int64_t c = 0; c < a->channels; c++) {
        double s = tensor_get_f64(scale, c) / sqrt(tensor_get_f64(var, c) + epsilon);
        a->factor[c] = s;
        a->term[c] = tensor_get_f64(b, c) - tensor_get_f64(mean, c) * s;
        if (!isfinite(s) || !isfinite(a->term[c]))
            return false;
    }
    return a->channels > 0;
}

/* A constant [C, 1, 1, ...] that broadcasts along axis 1 of x; NULL when an element overflows. */
static Value *channel_constant(Graph *g, const Value *x, const char *name, int64_t n,
                               const double *v)
{
    int64_t dim[MAX_RANK] = {n};
    int rank = x->type.rank - 1;
    for (int i = 1; i < rank; i++)
        dim[i] = 1;
    Tensor *t = tensor_new(g->arena, x->type.elem, rank, dim);
    for (int64_t c = 0; c < n; c++) {
        elem_set_f64(t->elem, (void *)t->data, (size_t)c, v[c]);
        if (!isfinite(tensor_get_f64(t, c)))
            return NULL;
    }
    return graph_const(g, name, t);
}

/* True when the node is gone. */
static bool fold_into_weights(Graph *g, Node *n, const Affine *a)
{
    Linear l;
    Node *def = sole_def(g, n->in[0]);
    if (!linear_match(def, &l) || l.axis != 1 || l.channels != a->channels)
        return false;
    Node *fresh = linear_scaled(g, &l, a->factor, a->factor, a->term);
    return linear_swap(g, &l, n, fresh, n);
}

static void split(Graph *g, Node *n, const Affine *a)
{
    Value *x = n->in[0];
    Value *factor = channel_constant(g, x, arena_printf(g->arena, "%s.factor", n->out[0]->name),
                                     a->channels, a->factor);
    Value *term = channel_constant(g, x, arena_printf(g->arena, "%s.term", n->out[0]->name),
                                   a->channels, a->term);
    if (!factor || !term)
        return;
    Node *mul = insert_inferred(g, n, "Mul", 2, (Value *[]){x, factor}, NULL);
    if (!mul)
        return;
    Node *add = insert_inferred(g, n, "Add", 2, (Value *[]){mul->out[0], term}, NULL);
    if (!step_swap(g, n, add))
        graph_erase(g, mul);
}

Status pass_batch_norm(Graph *g)
{
    for (Node *n = g->first, *next; n; n = next) {
        next = n->next;
        Affine a;
        if (is_plain(g, n) && match_parameters(g, n, &a) && !fold_into_weights(g, n, &a))
            split(g, n, &a);
    }
    return MLC_OK;
}
