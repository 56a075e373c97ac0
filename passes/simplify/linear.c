/* Linear nodes with constant weights: recognising them and scaling their channels.
 *
 * Invariant: a new weight is made in double precision from the old one and rounded once. */
#include "passes/simplify/linear.h"

#include <math.h>

/* Weights with other users may be copied up to this size. */
enum { SHARED_BYTES = 1 << 20 };

static void set_layout(Linear *l, int64_t outer, int64_t n, int64_t inner, int64_t outer_per_group)
{
    l->outer = outer;
    l->n = n;
    l->inner = inner;
    l->outer_per_group = outer_per_group;
    l->channels = outer_per_group ? outer / outer_per_group * n : n;
}

static int64_t product(const Tensor *t, int from)
{
    int64_t n = 1;
    for (int i = from; i < t->rank; i++)
        n *= t->dim[i];
    return n;
}

/* W[M, C/g, k...] */
static bool conv_layout(const Node *n, const Tensor *w, Linear *l)
{
    (void)n;
    l->axis = 1;
    set_layout(l, 1, w->dim[0], product(w, 1), 1);
    return w->rank >= 3;
}

/* W[C, M/g, k...] */
static bool conv_transpose_layout(const Node *n, const Tensor *w, Linear *l)
{
    int64_t group = node_attr_int(n, "group", 1);
    if (w->rank < 3 || group < 1 || w->dim[0] < group || w->dim[0] % group)
        return false;
    l->axis = 1;
    set_layout(l, w->dim[0], w->dim[1], product(w, 2), w->dim[0] / group);
    return true;
}

/* B[K, N], or B[N, K] with transB; y = alpha * A * B + beta * C */
static bool gemm_layout(const Node *n, const Tensor *w, Linear *l)
{
    bool transposed = node_attr_int(n, "transB", 0) != 0;
    l->axis = 1;
    l->bias_factor = node_attr_float(n, "beta", 1);
    if (transposed)
        set_layout(l, 1, w->dim[0], w->dim[1], 1);
    else
        set_layout(l, w->dim[0], w->dim[1], 1, 0);
    return w->rank == 2;
}

/* B[K, N] */
static bool matmul_layout(const Node *n, const Tensor *w, Linear *l)
{
    l->axis = n->out[0]->type.rank - 1;
    set_layout(l, w->dim[0], w->dim[1], 1, 0);
    return w->rank == 2 && n->in[0]->type.rank >= 2;
}

static const struct {
    const char *op;
    int         weight, bias;
    bool      (*layout)(const Node *n, const Tensor *w, Linear *l);
} linear_ops[] = {
    {"Conv", 1, 2, conv_layout},
    {"ConvTranspose", 1, 2, conv_transpose_layout},
    {"Gemm", 1, 2, gemm_layout},
    {"MatMul", 1, -1, matmul_layout},
};

static bool has_constant_weights(const Linear *l)
{
    const Node *n = l->node;
    const Value *w = l->weight < n->nin ? n->in[l->weight] : NULL;
    if (!w || !w->data || !is_f32_or_f64(w->data->elem) || w->data->rank < 2)
        return false;
    return w->uses.len == 1 || w->data->size_bytes <= SHARED_BYTES;
}

static Value *bias_of(const Linear *l)
{
    return l->bias >= 0 && l->bias < l->node->nin ? l->node->in[l->bias] : NULL;
}

bool linear_match(const Node *n, Linear *l)
{
    for (size_t i = 0; n && i < COUNT_OF(linear_ops); i++) {
        if (!node_is(n, linear_ops[i].op))
            continue;
        *l = (Linear){.node = (Node *)n, .weight = linear_ops[i].weight,
                      .bias = linear_ops[i].bias, .bias_factor = 1};
        if (!has_constant_weights(l) || !is_ranked(n->in[0]) || !is_ranked(n->out[0]) ||
            !linear_ops[i].layout(n, n->in[l->weight]->data, l) || l->channels < 1)
            return false;
        const Value *b = bias_of(l);
        return !b || (b->data && b->data->rank <= 2);
    }
    return false;
}

/* Sets element i, unless it became infinite or NaN. */
static bool set_element(Tensor *t, int64_t i, double v)
{
    elem_set_f64(t->elem, (void *)t->data, (size_t)i, v);
    return isfinite(elem_get_f64(t->elem, t->data, (size_t)i));
}

/* Elements [at, at + n) of t are those of w times s. False when one became infinite or NaN. Weights
 * are most of a model: no calls per element. */
static bool scale_run(Tensor *t, const Tensor *w, int64_t at, int64_t n, double s)
{
    int64_t step = w->splat ? 0 : 1;
    bool ok = true;
    if (t->elem == ELEM_F32) {
        const float *from = (const float *)w->data + at * step;
        float *to = (float *)t->data + at;
        for (int64_t i = 0; i < n; i++) {
            to[i] = (float)(from[i * step] * s);
            ok &= isfinite(to[i]) != 0;
        }
    } else {
        const double *from = (const double *)w->data + at * step;
        double *to = (double *)t->data + at;
        for (int64_t i = 0; i < n; i++) {
            to[i] = from[i * step] * s;
            ok &= isfinite(to[i]) != 0;
        }
    }
    return ok;
}

static Value *scaled_weights(Graph *g, const Linear *l, const double *scale)
{
    const Value *v = l->node->in[l->weight];
    const Tensor *w = v->data;
    for (int64_t c = 0; c < l->channels; c++) {
        if (!isfinite(scale[c]))
            return NULL;
    }
    Tensor *t = tensor_new(g->arena, w->elem, w->rank, w->dim);
    int64_t at = 0;
    for (int64_t o = 0; o < l->outer; o++) {
        int64_t first = l->outer_per_group ? o / l->outer_per_group * l->n : 0;
        for (int64_t j = 0; j < l->n; j++, at += l->inner) {
            if (!scale_run(t, w, at, l->inner, scale[first + j]))
                return NULL;
        }
    }
    return graph_const(g, v->name, t);
}

/* NULL with *ok true: no bias is needed. */
static Value *scaled_bias(Graph *g, const Linear *l, const double *scale, const double *shift,
                          bool *ok)
{
    const Value *old = bias_of(l);
    int64_t m = l->channels;
    bool needed = old != NULL;
    for (int64_t c = 0; c < m && shift && !needed; c++)
        needed = shift[c] != 0;
    *ok = true;
    if (!needed)
        return NULL;
    double *b = NEW_ARRAY(g->arena, double, m);
    *ok = l->bias >= 0 && (!old || value_per_channel(old, l->axis + 1, l->axis, m, b));
    if (!*ok)
        return NULL;
    Elem e = l->node->in[l->weight]->data->elem;
    Tensor *t = tensor_new(g->arena, e, 1, &m);
    for (int64_t c = 0; c < m && *ok; c++)
        *ok = set_element(t, c, b[c] * l->bias_factor * scale[c] + (shift ? shift[c] : 0));
    const char *name = old ? old->name : arena_printf(g->arena, "%s.bias", l->node->out[0]->name);
    return *ok ? graph_const(g, name, t) : NULL;
}

Node *linear_scaled(Graph *g, const Linear *l, const double *scale, const double *bias_scale,
                    const double *shift)
{
    bool ok;
    Value *bias = scaled_bias(g, l, bias_scale, shift, &ok);
    Value *weights = ok ? scaled_weights(g, l, scale) : NULL;
    if (!weights)
        return NULL;
    Node *n = l->node;
    Value *in[3] = {n->in[0], weights, bias};
    void *attrs = node_attrs_copy(n);
    float *beta = attr_field(n->op, attrs, "beta");
    if (beta)
        *beta = 1;
    return insert_inferred(g, n, n->op->name, bias ? 3 : 2, in, attrs);
}

/* The new constant has the old one's name, once that is out of use. */
static void inherit_name(Graph *g, Value *old, Value *made)
{
    if (old && made && old != made && value_is_dead(g, old))
        value_take_name(g, old, made, old->name);
}

bool linear_swap(Graph *g, const Linear *l, Node *n, Node *scaled, const Node *absorbed)
{
    if (!scaled)
        return false;
    Node *old = l->node;
    Value *weight = old->in[l->weight], *bias = bias_of(l);
    graph_merge_origin(scaled, absorbed);
    if (!step_swap(g, n, scaled))
        return false;
    if (old->graph && value_is_dead(g, old->out[0]))
        graph_erase(g, old);
    inherit_name(g, weight, scaled->in[l->weight]);
    if (bias)
        inherit_name(g, bias, scaled->in[l->bias]);
    return true;
}

bool value_per_channel(const Value *v, int rank, int axis, int64_t channels, double *out)
{
    const Tensor *t = v ? v->data : NULL;
    if (!t || t->rank > rank || !elem_is_float(t->elem))
        return false;
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++) {
        bool is_axis = i + rank - t->rank == axis;
        if (t->dim[i] != 1 && !(is_axis && t->dim[i] == channels))
            return false;
        count *= t->dim[i];
    }
    for (int64_t c = 0; c < channels; c++)
        out[c] = tensor_get_f64(t, count == 1 ? 0 : c);
    return true;
}
