/* Adagrad, Adam, Momentum (ai.onnx.preview.training): one update of k tensors X with gradients G.
 *
 *     g = G + norm_coefficient X
 *     Adagrad   H' = H + g^2;  X' = X - R / (1 + T decay) g / (sqrt(H') + epsilon)
 *     Adam      V' = alpha V + (1 - alpha) g;  H' = beta H + (1 - beta) g^2
 *               r = R sqrt(1 - beta^T) / (1 - alpha^T), R where T is 0
 *               X' = (1 - norm_coefficient_post) (X - r V' / (sqrt(H') + epsilon))
 *     Momentum  V' = alpha V + b g, b = beta, 1 where T is 0;  X' = X - R V'
 *               nesterov: X' = X - R (g + alpha V')
 *
 * Inputs are R, T, then k of each tensor kind; outputs k of each kind, without the gradients. */
#include "ir/base/str.h"
#include "ir/ops/check.h"

enum { IN_RATE, IN_COUNT, IN_FIRST };

/* Kinds of tensors: X, G and the `states` accumulators. */
static Status infer_update(Node *n, int states)
{
    int kinds = 2 + states, k = (n->nin - IN_FIRST) / kinds;
    for (int i = IN_RATE; i <= IN_COUNT; i++) {
        TRY(node_need_rank(n, i, 0, 1));
        TRY(node_need_elem(n, i, i == IN_RATE ? IS_FLOAT : IS_INT));
        if (n->in[i]->type.rank == 1)
            TRY(node_need_equal(n, n->in[i]->type.dim[0], ex_int(n->graph->pool, 1),
                                i == IN_RATE ? "size of R" : "size of T"));
    }
    if ((n->nin - IN_FIRST) % kinds || k == 0)
        return node_error(n, E0202, "%d tensors after R and T, must be a multiple of %d",
                          n->nin - IN_FIRST, kinds);
    if (n->nout > k * (1 + states))
        return node_error(n, E0202, "%d outputs for %d optimized tensors, at most %d are possible",
                          n->nout, k, k * (1 + states));
    for (int i = IN_FIRST; i < n->nin; i++) {
        int x = IN_FIRST + (i - IN_FIRST) % k;
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_rank(n, x, 0, MAX_RANK));
        TRY(node_need_rank(n, i, n->in[x]->type.rank, n->in[x]->type.rank));
        TRY(node_need_same_elem(n, x, i));
        for (int d = 0; d < n->in[x]->type.rank; d++)
            TRY(node_need_equal(n, n->in[x]->type.dim[d], n->in[i]->type.dim[d],
                                "dimensions of X and what belongs to it"));
    }
    for (int i = 0; i < n->nout; i++)
        node_set_type(n, i, n->in[IN_FIRST + i % k]->type);
    return MLC_OK;
}

/* Tensor number i of k at the open stage. */
typedef struct Update {
    int  i, k;
    Elem elem;
    Ex   rate, count; /* as floats of elem */
    Ex   x, g;        /* g with the regularization */
} Update;

static Ex load_state(Te *t, const Update *u, int kind)
{
    Tx x = te_in(t, IN_FIRST + kind * u->k + u->i);
    return te_wide(t, te_load(t, x, t->stage->axis));
}

static Ex load_scalar(Te *t, Elem e, int i)
{
    Ex zero = te_int(t, 0);
    return te_cast(t, e, te_load(t, te_in(t, i), &zero));
}

/* Opens the stage that updates tensor i. */
static Update open_update(Te *t, int states, int i, float norm)
{
    const Node *n = t->node;
    int kinds = 2 + states;
    Update u = {.i = i, .k = (n->nin - IN_FIRST) / kinds};
    Tx x = te_in(t, IN_FIRST + i);
    for (int kind = 1; kind < kinds; kind++)
        for (int d = 0; d < x->rank; d++)
            te_require_equal(t, x->dim[d], te_in(t, IN_FIRST + kind * u.k + i)->dim[d]);
    te_stage_axes(t, x->rank, x->dim);
    u.elem = te_wide_elem(x->elem);
    u.rate = load_scalar(t, u.elem, IN_RATE);
    u.count = load_scalar(t, u.elem, IN_COUNT);
    u.x = load_state(t, &u, 0);
    u.g = te_add(t, te_mul(t, te_const(t, u.elem, norm), u.x), load_state(t, &u, 1));
    return u;
}

/* Stores what became of tensor kind `kind` (0: X) and its accumulators. */
static void store_update(Te *t, const Update *u, int kind, Ex v)
{
    Tx y = te_out(t, kind * u->k + u->i);
    if (y)
        te_store(t, y, t->stage->axis, v);
}

static int updated(const Node *n, int states)
{
    return (n->nin - IN_FIRST) / (2 + states);
}

/* ---- Adagrad ---- */

#define ADAGRAD_ATTRS(A, S)                                               \
    A(S, float, decay_factor, "0", "how fast the rate decays with T")     \
    A(S, float, epsilon, "1e-6", "added to the root")                     \
    A(S, float, norm_coefficient, "0", "of the regularization of X")
ATTRS(AdagradAttrs, ADAGRAD_ATTRS);

static Status infer_adagrad(Graph *g, Node *n)
{
    (void)g;
    return infer_update(n, 1);
}

static void define_adagrad(Te *t, const Node *n)
{
    const AdagradAttrs *a = n->attrs;
    for (int i = 0; i < updated(n, 1); i++) {
        Update u = open_update(t, 1, i, a->norm_coefficient);
        Ex one = te_const(t, u.elem, 1);
        Ex decay = te_mul(t, u.count, te_const(t, u.elem, a->decay_factor));
        Ex rate = te_div(t, u.rate, te_add(t, one, decay));
        Ex h = te_add(t, load_state(t, &u, 2), te_mul(t, u.g, u.g));
        Ex root = te_add(t, te_sqrt(t, h), te_const(t, u.elem, a->epsilon));
        store_update(t, &u, 0, te_sub(t, u.x, te_div(t, te_mul(t, rate, u.g), root)));
        store_update(t, &u, 1, h);
        te_close(t);
    }
}

OP(adagrad) = {
    .name = "Adagrad", .domain = "ai.onnx.preview.training", .since = {1}, .min_in = 5,
    .max_in = VARIADIC, .min_out = 1, .max_out = VARIADIC, ATTRS_OF(AdagradAttrs),
    .infer = infer_adagrad, .define = define_adagrad,
    .doc = "x' = x - r g / (sqrt(h + g^2) + epsilon)",
};

/* ---- Adam ---- */

#define ADAM_ATTRS(A, S)                                                    \
    A(S, float, alpha, "0.9", "share of V that stays")                      \
    A(S, float, beta, "0.999", "share of H that stays")                     \
    A(S, float, epsilon, "1e-6", "added to the root")                       \
    A(S, float, norm_coefficient, "0", "of the regularization of X")        \
    A(S, float, norm_coefficient_post, "0", "of the one after the update")
ATTRS(AdamAttrs, ADAM_ATTRS);

static Status infer_adam(Graph *g, Node *n)
{
    (void)g;
    return infer_update(n, 2);
}

/* share * old + (1 - share) * new. */
static Ex average(Te *t, const Update *u, float share, Ex old, Ex new)
{
    double s = share;
    return te_add(t, te_mul(t, te_const(t, u->elem, s), old),
                  te_mul(t, te_const(t, u->elem, 1 - s), new));
}

static Ex one_minus_power(Te *t, const Update *u, float base)
{
    return te_sub(t, te_const(t, u->elem, 1),
                  te_pow(t, te_const(t, u->elem, base), u->count));
}

static void define_adam(Te *t, const Node *n)
{
    const AdamAttrs *a = n->attrs;
    for (int i = 0; i < updated(n, 2); i++) {
        Update u = open_update(t, 2, i, a->norm_coefficient);
        Elem e = u.elem;
        Ex v = average(t, &u, a->alpha, load_state(t, &u, 2), u.g);
        Ex h = average(t, &u, a->beta, load_state(t, &u, 3), te_mul(t, u.g, u.g));
        Ex rate = te_div(t, te_mul(t, u.rate, te_sqrt(t, one_minus_power(t, &u, a->beta))),
                         one_minus_power(t, &u, a->alpha));
        rate = te_select(t, te_lt(t, te_const(t, e, 0), u.count), rate, u.rate);
        Ex root = te_add(t, te_sqrt(t, h), te_const(t, e, a->epsilon));
        Ex x = te_sub(t, u.x, te_div(t, te_mul(t, rate, v), root));
        double post = 1 - (double)a->norm_coefficient_post;
        store_update(t, &u, 0, te_mul(t, x, te_const(t, e, post)));
        store_update(t, &u, 1, v);
        store_update(t, &u, 2, h);
        te_close(t);
    }
}

OP(adam) = {
    .name = "Adam", .domain = "ai.onnx.preview.training", .since = {1}, .min_in = 6,
    .max_in = VARIADIC, .min_out = 1, .max_out = VARIADIC, ATTRS_OF(AdamAttrs),
    .infer = infer_adam, .define = define_adam, .doc = "x' = x - r v' / (sqrt(h') + epsilon)",
};

/* ---- Momentum ---- */

#define MOMENTUM_ATTRS(A, S)                                             \
    A(S, float, alpha, NULL, "share of V that stays")                    \
    A(S, float, beta, NULL, "what g counts, after the first update")     \
    A(S, str, mode, NULL, "standard or nesterov")                        \
    A(S, float, norm_coefficient, NULL, "of the regularization of X")
ATTRS(MomentumAttrs, MOMENTUM_ATTRS);

static Status infer_momentum(Graph *g, Node *n)
{
    (void)g;
    const MomentumAttrs *a = n->attrs;
    if (!str_eq(a->mode, "standard") && !str_eq(a->mode, "nesterov"))
        return node_error(n, E0203, "attribute 'mode' is '%s', must be 'standard' or 'nesterov'",
                          a->mode);
    return infer_update(n, 1);
}

static void define_momentum(Te *t, const Node *n)
{
    const MomentumAttrs *a = n->attrs;
    for (int i = 0; i < updated(n, 1); i++) {
        Update u = open_update(t, 1, i, a->norm_coefficient);
        Elem e = u.elem;
        Ex alpha = te_const(t, e, a->alpha);
        Ex beta = te_select(t, te_lt(t, te_const(t, e, 0), u.count), te_const(t, e, a->beta),
                            te_const(t, e, 1));
        Ex v = te_add(t, te_mul(t, alpha, load_state(t, &u, 2)), te_mul(t, beta, u.g));
        Ex step = str_eq(a->mode, "nesterov") ? te_add(t, u.g, te_mul(t, alpha, v)) : v;
        store_update(t, &u, 0, te_sub(t, u.x, te_mul(t, u.rate, step)));
        store_update(t, &u, 1, v);
        te_close(t);
    }
}

OP(momentum) = {
    .name = "Momentum", .domain = "ai.onnx.preview.training", .since = {1}, .min_in = 5,
    .max_in = VARIADIC, .min_out = 1, .max_out = VARIADIC, ATTRS_OF(MomentumAttrs),
    .infer = infer_momentum, .define = define_momentum,
    .doc = "v' = alpha v + beta g; x' = x - r v'",
};
