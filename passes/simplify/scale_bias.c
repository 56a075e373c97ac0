/* Constant factors and terms per channel move into the weights and bias of a linear node.
 *
 * After it, if nobody else reads it and the shape stays (f = linear(x), c constant per channel):
 *     f * c, c * f:  W*c, b*c        f / c:  W/c, b/c
 *     f + c, c + f:  b+c             f - c:  b-c          c - f:  -W, c-b
 * Before it, a single factor s that is the only use of x*s or x/s:
 *     linear(x * s):  W*s, b         also with padding, for zeros stay zeros.
 * A term before a padded convolution does not move: padding adds zeros after the term. MatMul has no
 * bias, so an Add after it stays (it costs nothing there). */
#include "passes/simplify/linear.h"

#include <math.h>

/* The operation with f as operand `side` and c as the other is f * factor + term. */

static void affine_mul(double c, int side, double *factor, double *term)
{
    (void)side;
    *factor = c;
    *term = 0;
}

static void affine_div(double c, int side, double *factor, double *term)
{
    (void)side;
    *factor = 1 / c;
    *term = 0;
}

static void affine_add(double c, int side, double *factor, double *term)
{
    (void)side;
    *factor = 1;
    *term = c;
}

static void affine_sub(double c, int side, double *factor, double *term)
{
    *factor = side ? -1 : 1;
    *term = side ? c : -c;
}

static const struct {
    const char *op;
    bool        either_side; /* the linear node may be operand 1 too */
    void      (*affine)(double c, int side, double *factor, double *term);
} affine_ops[] = {
    {"Mul", true, affine_mul},
    {"Div", false, affine_div},
    {"Add", true, affine_add},
    {"Sub", true, affine_sub},
};

/* Row of affine_ops for n, or -1. */
static int affine_row(const Node *n)
{
    for (size_t i = 0; i < COUNT_OF(affine_ops); i++) {
        if (node_is(n, affine_ops[i].op) && n->nin == 2 && n->in[0] && n->in[1])
            return (int)i;
    }
    return -1;
}

/* ---- after ---- */

static bool fold_after(Graph *g, Node *n, int row, int side)
{
    Linear l;
    const Value *f = n->in[side], *c = n->in[!side];
    if (!c->data || !linear_match(sole_def(g, f), &l) || !type_equal(&f->type, &n->out[0]->type))
        return false;
    double *v = NEW_ARRAY(g->arena, double, l.channels * 3);
    double *factor = v + l.channels, *term = factor + l.channels;
    if (!value_per_channel(c, f->type.rank, l.axis, l.channels, v))
        return false;
    bool has_term = false;
    for (int64_t k = 0; k < l.channels; k++) {
        affine_ops[row].affine(v[k], side, &factor[k], &term[k]);
        has_term |= term[k] != 0;
        if (!isfinite(factor[k]) || !isfinite(term[k]))
            return false;
    }
    if (has_term && l.bias < 0)
        return false;
    Node *fresh = linear_scaled(g, &l, factor, factor, has_term ? term : NULL);
    return linear_swap(g, &l, n, fresh, n);
}

/* ---- before ---- */

/* x * s, s * x, x / s with one constant s and the type of x: x and the factor. */
static bool match_scalar_factor(const Node *n, Value **x, double *factor)
{
    bool is_div = node_is(n, "Div");
    if (!is_div && !node_is(n, "Mul"))
        return false;
    for (int side = 0; side < (is_div ? 1 : 2); side++) {
        double s;
        if (!value_scalar(n->in[!side], &s) || !type_equal(&n->in[side]->type, &n->out[0]->type))
            continue;
        *x = n->in[side];
        *factor = is_div ? 1 / s : s;
        return isfinite(*factor);
    }
    return false;
}

static void fold_before(Graph *g, Node *n)
{
    Linear l;
    Value *x;
    double s;
    Node *scaling = n->nin ? sole_def(g, n->in[0]) : NULL;
    if (!scaling || !match_scalar_factor(scaling, &x, &s) || !linear_match(n, &l))
        return;
    double *factor = NEW_ARRAY(g->arena, double, l.channels * 2), *one = factor + l.channels;
    for (int64_t c = 0; c < l.channels; c++) {
        factor[c] = s;
        one[c] = 1;
    }
    Node *fresh = linear_scaled(g, &l, factor, one, NULL);
    if (!fresh)
        return;
    graph_set_input(fresh, 0, x);
    linear_swap(g, &l, n, fresh, scaling);
}

Status pass_scale_bias(Graph *g)
{
    for (Node *n = g->first, *next; n; n = next) {
        next = n->next;
        int row = affine_row(n);
        if (row < 0)
            fold_before(g, n);
        else if (!fold_after(g, n, row, 0) && affine_ops[row].either_side)
            fold_after(g, n, row, 1);
    }
    return MLC_OK;
}
