/* RandomNormal, RandomUniform, their Like forms, Bernoulli and Multinomial: by the generator of
 * random.h. Every run of a model draws the same numbers.
 *
 *     Bernoulli    y = 1 where u < x, else 0
 *     Multinomial  y = the number of classes whose cumulative probability is at most u, the
 *                  probabilities being softmax(x) of each row */
#include "ir/ops/random.h"
#include "ir/ops/check.h"

static Status random_elem(const Node *n, int64_t number, unsigned classes, Elem *out)
{
    *out = number < 1 || number > 99 ? ELEM_NONE : elem_from_onnx((int)number);
    bool fits = ((classes & IS_FLOAT) && elem_is_float(*out)) ||
                ((classes & IS_INT) && elem_is_int(*out)) ||
                ((classes & IS_BOOL) && *out == ELEM_BOOL);
    if (fits)
        return MLC_OK;
    return node_error(n, E0204, "attribute 'dtype' is %lld", (long long)number);
}

static Status infer_shape(Graph *g, Node *n, Ints shape, int64_t dtype)
{
    Elem e;
    TRY(random_elem(n, dtype, IS_FLOAT, &e));
    if (shape.n > MAX_RANK)
        return node_error(n, E0302, "rank %d, at most %d is supported", shape.n, MAX_RANK);
    for (int i = 0; i < shape.n; i++)
        TRY(node_need_size(n, "shape", shape.at[i], 0));
    node_set_type(n, 0, type_tensor_const(g->pool, e, shape.n, shape.at));
    return MLC_OK;
}

static Status infer_like(Node *n, int64_t dtype, unsigned classes)
{
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    Type y = n->in[0]->type;
    if (dtype != ATTR_INT_ABSENT)
        TRY(random_elem(n, dtype, classes, &y.elem));
    else
        TRY(node_need_elem(n, 0, classes));
    node_set_type(n, 0, y);
    return MLC_OK;
}

static void yield_normal(Te *t, float seed, float mean, float scale)
{
    Tx y = te_out(t, 0);
    Elem e = te_wide_elem(y->elem);
    te_stage(t, y);
    Ex z = random_normal(t, e, random_key(t->node, seed), y->rank, y->dim);
    te_yield(t, te_add(t, te_const(t, e, mean), te_mul(t, te_const(t, e, scale), z)));
}

static void yield_uniform(Te *t, float seed, float low, float high)
{
    Tx y = te_out(t, 0);
    Elem e = te_wide_elem(y->elem);
    te_stage(t, y);
    Ex u = random_uniform(t, e, random_key(t->node, seed), y->rank, y->dim);
    double span = (double)high - (double)low;
    te_yield(t, te_add(t, te_const(t, e, low), te_mul(t, te_const(t, e, span), u)));
}

/* ---- RandomNormal, RandomNormalLike ---- */

#define NORMAL_ATTRS(A, S)                                       \
    A(S, int, dtype, "1", "element type, by its ONNX number")    \
    A(S, float, mean, "0", "of the distribution")                \
    A(S, float, scale, "1", "standard deviation")                \
    A(S, float, seed, "", "default: from the node's name")       \
    A(S, ints, shape, NULL, "of the result")
ATTRS(NormalAttrs, NORMAL_ATTRS);

static Status infer_normal(Graph *g, Node *n)
{
    const NormalAttrs *a = n->attrs;
    return infer_shape(g, n, a->shape, a->dtype);
}

static void define_normal(Te *t, const Node *n)
{
    const NormalAttrs *a = n->attrs;
    yield_normal(t, a->seed, a->mean, a->scale);
}

OP(random_normal) = {
    .name = "RandomNormal", .since = {1, 22}, .min_in = 0, .max_in = 0, .traits = OP_RANDOM,
    ATTRS_OF(NormalAttrs), .infer = infer_normal, .define = define_normal,
    .doc = "normally distributed numbers",
};

#define NORMAL_LIKE_ATTRS(A, S)                                  \
    A(S, int, dtype, "", "element type, default that of x")      \
    A(S, float, mean, "0", "of the distribution")                \
    A(S, float, scale, "1", "standard deviation")                \
    A(S, float, seed, "", "default: from the node's name")
ATTRS(NormalLikeAttrs, NORMAL_LIKE_ATTRS);

static Status infer_normal_like(Graph *g, Node *n)
{
    (void)g;
    const NormalLikeAttrs *a = n->attrs;
    return infer_like(n, a->dtype, IS_FLOAT);
}

static void define_normal_like(Te *t, const Node *n)
{
    const NormalLikeAttrs *a = n->attrs;
    yield_normal(t, a->seed, a->mean, a->scale);
}

OP(random_normal_like) = {
    .name = "RandomNormalLike", .since = {1, 22}, .min_in = 1, .max_in = 1,
    .traits = OP_RANDOM | OP_SHAPE_ONLY, ATTRS_OF(NormalLikeAttrs), .infer = infer_normal_like,
    .define = define_normal_like, .doc = "normally distributed numbers, as many as x has",
};

/* ---- RandomUniform, RandomUniformLike ---- */

#define UNIFORM_ATTRS(A, S)                                      \
    A(S, int, dtype, "1", "element type, by its ONNX number")    \
    A(S, float, high, "1", "upper bound")                        \
    A(S, float, low, "0", "lower bound")                         \
    A(S, float, seed, "", "default: from the node's name")       \
    A(S, ints, shape, NULL, "of the result")
ATTRS(UniformAttrs, UNIFORM_ATTRS);

static Status infer_uniform(Graph *g, Node *n)
{
    const UniformAttrs *a = n->attrs;
    return infer_shape(g, n, a->shape, a->dtype);
}

static void define_uniform(Te *t, const Node *n)
{
    const UniformAttrs *a = n->attrs;
    yield_uniform(t, a->seed, a->low, a->high);
}

OP(random_uniform) = {
    .name = "RandomUniform", .since = {1, 22}, .min_in = 0, .max_in = 0, .traits = OP_RANDOM,
    ATTRS_OF(UniformAttrs), .infer = infer_uniform, .define = define_uniform,
    .doc = "uniformly distributed numbers",
};

#define UNIFORM_LIKE_ATTRS(A, S)                                 \
    A(S, int, dtype, "", "element type, default that of x")      \
    A(S, float, high, "1", "upper bound")                        \
    A(S, float, low, "0", "lower bound")                         \
    A(S, float, seed, "", "default: from the node's name")
ATTRS(UniformLikeAttrs, UNIFORM_LIKE_ATTRS);

static Status infer_uniform_like(Graph *g, Node *n)
{
    (void)g;
    const UniformLikeAttrs *a = n->attrs;
    return infer_like(n, a->dtype, IS_FLOAT);
}

static void define_uniform_like(Te *t, const Node *n)
{
    const UniformLikeAttrs *a = n->attrs;
    yield_uniform(t, a->seed, a->low, a->high);
}

OP(random_uniform_like) = {
    .name = "RandomUniformLike", .since = {1, 22}, .min_in = 1, .max_in = 1,
    .traits = OP_RANDOM | OP_SHAPE_ONLY, ATTRS_OF(UniformLikeAttrs), .infer = infer_uniform_like,
    .define = define_uniform_like, .doc = "uniformly distributed numbers, as many as x has",
};

/* ---- Bernoulli ---- */

#define BERNOULLI_ATTRS(A, S)                                    \
    A(S, int, dtype, "", "element type, default that of x")      \
    A(S, float, seed, "", "default: from the node's name")
ATTRS(BernoulliAttrs, BERNOULLI_ATTRS);

static Status infer_bernoulli(Graph *g, Node *n)
{
    (void)g;
    const BernoulliAttrs *a = n->attrs;
    TRY(node_need_elem(n, 0, IS_FLOAT));
    return infer_like(n, a->dtype, IS_DATA);
}

static void define_bernoulli(Te *t, const Node *n)
{
    const BernoulliAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    te_stage(t, y);
    Ex p = te_wide(t, te_load(t, x, t->stage->axis));
    Ex hit = te_lt(t, random_uniform(t, (Elem)p->elem, random_key(n, a->seed), x->rank, x->dim), p);
    te_yield(t, hit);
}

OP(bernoulli) = {
    .name = "Bernoulli", .since = {15, 22}, .min_in = 1, .max_in = 1, .traits = OP_RANDOM,
    ATTRS_OF(BernoulliAttrs), .infer = infer_bernoulli, .define = define_bernoulli,
    .doc = "1 with probability x, else 0",
};

/* ---- Multinomial ---- */

#define MULTINOMIAL_ATTRS(A, S)                                  \
    A(S, int, dtype, "6", "i32 or i64, by its ONNX number")      \
    A(S, int, sample_size, "1", "samples of each row")           \
    A(S, float, seed, "", "default: from the node's name")
ATTRS(MultinomialAttrs, MULTINOMIAL_ATTRS);

static Status infer_multinomial(Graph *g, Node *n)
{
    const MultinomialAttrs *a = n->attrs;
    Elem e;
    int64_t classes;
    TRY(node_need_rank(n, 0, 2, 2));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    TRY(random_elem(n, a->dtype, IS_INT, &e));
    TRY(node_need_size(n, "sample_size", a->sample_size, 1));
    if (ex_is_int(n->in[0]->type.dim[1], &classes) && classes < 1)
        return node_error(n, E0301, "input 0 has no classes");
    Ex dim[2] = {n->in[0]->type.dim[0], ex_int(g->pool, a->sample_size)};
    node_set_type(n, 0, type_tensor(e, 2, dim));
    return MLC_OK;
}

/* The count leaves out the last class, so that rounding never gives a class that is not there. */
static void define_multinomial(Te *t, const Node *n)
{
    const MultinomialAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    Elem e = te_wide_elem(x->elem);
    Tx max = te_temp(t, e, 1, x->dim), sum = te_temp(t, e, 2, x->dim);
    Ex classes = x->dim[1], one = te_int(t, 1), last = te_sub(t, classes, one);
    te_require(t, ex_le(t->pool, one, classes));
    te_stage(t, max);
    Ex row = te_axis(t, 0), k = te_red(t, classes);
    te_yield(t, te_max_over(t, te_load(t, x, (Ex[]){row, k})));
    te_stage(t, sum);
    row = te_axis(t, 0);
    Ex v = te_wide(t, te_load(t, x, t->stage->axis));
    v = te_exp(t, te_sub(t, v, te_load(t, max, &row)));
    Ex after = te_add(t, te_scan(t, te_const(t, e, 0)), v);
    te_scan_step(t, after);
    te_yield(t, after);
    te_stage(t, y);
    row = te_axis(t, 0);
    k = te_red(t, last);
    Ex u = random_uniform(t, e, random_key(n, a->seed), 2, y->dim);
    u = te_mul(t, u, te_load(t, sum, (Ex[]){row, last}));
    Ex below = te_le(t, te_load(t, sum, (Ex[]){row, k}), u);
    te_yield(t, te_sum(t, te_cast(t, ELEM_I64, below)));
}

OP(multinomial) = {
    .name = "Multinomial", .since = {7, 22}, .min_in = 1, .max_in = 1, .traits = OP_RANDOM,
    ATTRS_OF(MultinomialAttrs), .infer = infer_multinomial, .define = define_multinomial,
    .doc = "classes drawn with probability softmax(x)",
};
