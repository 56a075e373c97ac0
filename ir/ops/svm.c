/* SVMRegressor and SVMClassifier of ai.onnx.ml: sums of kernels K(x, v) over the support vectors v,
 *     LINEAR x.v    POLY (gamma x.v + coef0)^degree    RBF exp(-gamma |x - v|^2)    SIGMOID tanh(gamma x.v + coef0)
 * or, without support vectors, of coefficients times features.
 *
 * The classifier compares every pair of classes i < j, as libsvm does:
 *     s = rho + sum over v of class i: c[j-1,v] K(x,v)  +  sum over v of class j: c[i,v] K(x,v)
 * s > 0 is a vote for i, else for j; most votes win, the first class of equal ones. Scores are the s of
 * all pairs; with prob_a and prob_b the classes' probabilities, coupled from 1 / (1 + exp(a s + b)).
 * The s of two classes becomes, as ONNX Runtime has it, (-s, s), or (1 - s, s) with a transform. Without
 * vectors the classes' own scores compare: of two, the second wins where the larger score is positive
 * (at least 1/2 where no coefficient is negative), also when it is the first one's. SVMRegressor has
 * no transform there, nor here. */
#include "ir/ops/svm.h"

#include "ir/base/str.h"
#include "ir/ops/scores.h"

#include <math.h>

enum { MAX_COUPLED = 1024 }; /* classes with probabilities */

/* ---- kernels ---- */

typedef struct Kernels {
    const char   *type;
    const Floats *params, *vectors;
    int64_t       count, features; /* vectors; 0: there are none */
} Kernels;

static Status check_kernels(Graph *g, const Node *n, Kernels *k, int64_t coefficients)
{
    static const char *const type[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    int i = 0;
    while (i < 4 && !str_eq(k->type, type[i]))
        i++;
    if (i == 4)
        return node_error(n, E0203, "attribute 'kernel_type' is '%s'", k->type);
    if (k->params->n && k->params->n != 3)
        return node_error(n, E0203, "attribute 'kernel_params' has %d entries, must have 3",
                          k->params->n);
    if (k->count > 0 && (k->vectors->n == 0 || k->vectors->n % k->count))
        return node_error(n, E0203, "%d numbers for %lld support vectors", k->vectors->n,
                          (long long)k->count);
    k->features = k->count > 0 ? k->vectors->n / k->count : coefficients;
    return node_need_features(g, n, k->features);
}

static double param(const Kernels *k, int i)
{
    return k->params->n ? (double)k->params->at[i] : 0;
}

/* s^degree: by products where the degree is a small number. */
static Ex power(Te *t, Ex s, double degree)
{
    enum { MOST_PRODUCTS = 64 };
    if (degree != floor(degree) || degree < 0 || degree > MOST_PRODUCTS)
        return te_pow(t, s, te_like(t, s, degree));
    Ex y = te_like(t, s, 1);
    for (int64_t n = (int64_t)degree; n > 0; n /= 2) {
        if (n % 2)
            y = te_mul(t, y, s);
        s = te_mul(t, s, s);
    }
    return y;
}

/* K(row of x, vector): e[rows, vectors]. */
static Tx kernel_values(Te *t, const Kernels *k, Tx x, Elem e)
{
    Tx vectors = te_floats(t, e, k->vectors->n, k->vectors->at), y = te_scores(t, x, e, k->count);
    te_stage(t, y);
    Ex f = te_red(t, te_int(t, k->features)), v = te_axis(t, 1);
    Ex at = te_add(t, te_mul(t, v, te_int(t, k->features)), f);
    Ex a = te_feature(t, x, e, te_axis(t, 0), f), b = te_load(t, vectors, &at);
    Ex gamma = te_const(t, e, param(k, 0)), coef0 = te_const(t, e, param(k, 1)), s;
    if (str_eq(k->type, "RBF")) {
        Ex d = te_sub(t, a, b);
        s = te_sum(t, te_mul(t, d, d));
        te_yield(t, te_exp(t, te_neg(t, te_mul(t, gamma, s))));
        return y;
    }
    s = te_sum(t, te_mul(t, a, b));
    if (!str_eq(k->type, "LINEAR"))
        s = te_add(t, te_mul(t, gamma, s), coef0);
    te_yield(t, str_eq(k->type, "POLY")      ? power(t, s, param(k, 2))
                : str_eq(k->type, "SIGMOID") ? te_tanh(t, s) : s);
    return y;
}

/* What coefficients multiply: kernels, or where there are none the features themselves. */
static Tx terms(Te *t, const Kernels *k, Tx x, Elem e)
{
    te_require_equal(t, features_of(x->rank, x->dim), te_int(t, k->features));
    if (k->count > 0)
        return kernel_values(t, k, x, e);
    Tx y = te_scores(t, x, e, k->features);
    te_stage(t, y);
    te_yield(t, te_feature(t, x, e, te_axis(t, 0), te_axis(t, 1)));
    return y;
}

/* s[row, j] = sum over i of c[j, i] x[row, i] + rho. */
static Tx sums(Te *t, Tx x, int64_t width, const Floats *c, const Floats *rho)
{
    Elem e = x->elem;
    int64_t n = c->n / width;
    Tx s = te_scores(t, x, e, width), table = te_floats(t, e, c->n, c->at);
    te_stage(t, s);
    Ex i = te_red(t, te_int(t, n)), at = te_add(t, te_mul(t, te_axis(t, 1), te_int(t, n)), i);
    Ex v = te_sum(t, te_mul(t, te_load(t, x, (Ex[]){te_axis(t, 0), i}), te_load(t, table, &at)));
    te_yield(t, te_add(t, v, te_const(t, e, rho->n ? (double)rho->at[0] : 0)));
    return s;
}

/* ---- SVMRegressor ---- */

#define REGRESSOR_ATTRS(A, S)                                              \
    A(S, floats, coefficients, "", "of support vectors, else of features") \
    A(S, floats, kernel_params, "", "gamma, coef0 and degree")             \
    A(S, str, kernel_type, "LINEAR", "LINEAR, POLY, RBF or SIGMOID")       \
    A(S, int, n_supports, "0", "number of support vectors")                \
    A(S, int, one_class, "0", "1: the sign of the sum")                    \
    A(S, str, post_transform, "NONE", "no meaning for one score")          \
    A(S, floats, rho, "", "added to the sum")                              \
    A(S, floats, support_vectors, "", "one behind another")
ATTRS(RegressorAttrs, REGRESSOR_ATTRS);

static Status read_regressor(Graph *g, const Node *n, Kernels *k)
{
    const RegressorAttrs *a = n->attrs;
    *k = (Kernels){.type = a->kernel_type, .params = &a->kernel_params,
                   .vectors = &a->support_vectors, .count = a->n_supports};
    TRY(node_need_size(n, "n_supports", a->n_supports, 0));
    if (a->coefficients.n == 0 || (k->count > 0 && a->coefficients.n != k->count))
        return node_error(n, E0203, "%d coefficients for %lld support vectors", a->coefficients.n,
                          (long long)k->count);
    return check_kernels(g, n, k, a->coefficients.n);
}

static Status infer_regressor(Graph *g, Node *n)
{
    const RegressorAttrs *a = n->attrs;
    Kernels k;
    TRY(node_need_rows(n));
    TRY(node_need_transform(n, a->post_transform));
    TRY(read_regressor(g, n, &k));
    node_set_rows(g, n, 0, ELEM_F32, 1);
    return MLC_OK;
}

static void define_regressor(Te *t, const Node *n)
{
    const RegressorAttrs *a = n->attrs;
    Kernels k;
    Status st = read_regressor(n->graph, n, &k);
    assert(st == MLC_OK);
    (void)st;
    Tx x = te_in(t, 0), s = sums(t, terms(t, &k, x, score_elem(x->elem)), 1, &a->coefficients, &a->rho);
    te_stage(t, te_out(t, 0));
    Ex v = te_load(t, s, t->stage->axis), one = te_like(t, v, 1);
    if (a->one_class)
        v = te_select(t, te_lt(t, te_like(t, v, 0), v), one, te_neg(t, one));
    te_yield(t, v);
}

OP(svm_regressor) = {
    .name = "SVMRegressor", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    .traits = OP_ELEM_TYPE, ATTRS_OF(RegressorAttrs), .infer = infer_regressor,
    .define = define_regressor, .doc = "sums of kernels",
};

/* ---- SVMClassifier ---- */

#define CLASSIFIER_ATTRS(A, S)                                               \
    A(S, ints, classlabels_ints, "", "names of the classes")                 \
    A(S, strs, classlabels_strings, "", "likewise")                          \
    A(S, floats, coefficients, "", "by class, then by vector or feature")    \
    A(S, floats, kernel_params, "", "gamma, coef0 and degree")               \
    A(S, str, kernel_type, "LINEAR", "LINEAR, POLY, RBF or SIGMOID")         \
    A(S, str, post_transform, "NONE", "NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT") \
    A(S, floats, prob_a, "", "of each pair: its probability is sigmoid(-(a s + b))") \
    A(S, floats, prob_b, "", "likewise")                                     \
    A(S, floats, rho, "", "of each pair")                                    \
    A(S, floats, support_vectors, "", "one behind another, by class")        \
    A(S, ints, vectors_per_class, "", "their number")
ATTRS(ClassifierAttrs, CLASSIFIER_ATTRS);

typedef struct Classifier {
    const ClassifierAttrs *a;
    Kernels k;
    Labels  labels;
    int64_t classes, pairs;
    bool    coupled; /* probabilities */
} Classifier;

/* With support vectors. */
static Status check_pairs(const Node *n, Classifier *c)
{
    const ClassifierAttrs *a = c->a;
    if (a->vectors_per_class.n != c->labels.n || c->classes < 2)
        return node_error(n, E0203, "%d class labels for the vectors of %d classes", c->labels.n,
                          a->vectors_per_class.n);
    c->pairs = c->classes * (c->classes - 1) / 2;
    if (a->coefficients.n / c->k.count != c->classes - 1 || a->coefficients.n % c->k.count)
        return node_error(n, E0203, "%d coefficients for %lld vectors of %lld classes",
                          a->coefficients.n, (long long)c->k.count, (long long)c->classes);
    if (a->rho.n != c->pairs)
        return node_error(n, E0203, "attribute 'rho' has %d entries for %lld pairs of classes", a->rho.n,
                          (long long)c->pairs);
    c->coupled = a->prob_a.n > 0;
    if (a->prob_a.n != a->prob_b.n || (c->coupled && a->prob_a.n != c->pairs))
        return node_error(n, E0203, "%d prob_a and %d prob_b for %lld pairs of classes", a->prob_a.n,
                          a->prob_b.n, (long long)c->pairs);
    if (c->coupled && c->classes > MAX_COUPLED)
        return node_error(n, E0205, "probabilities of %lld classes", (long long)c->classes);
    return MLC_OK;
}

static Status read_classifier(Graph *g, const Node *n, Classifier *c)
{
    const ClassifierAttrs *a = n->attrs;
    *c = (Classifier){.a = a, .k = {.type = a->kernel_type, .params = &a->kernel_params,
                                    .vectors = &a->support_vectors}};
    TRY(node_labels(n, &a->classlabels_ints, &a->classlabels_strings, &c->labels));
    c->classes = MAX(c->labels.n, 1);
    for (int i = 0; i < a->vectors_per_class.n; i++) {
        TRY(node_need_size(n, "vectors_per_class", a->vectors_per_class.at[i], 0));
        c->k.count += a->vectors_per_class.at[i];
    }
    if (a->coefficients.n == 0)
        return node_error(n, E0203, "there are no coefficients");
    if (c->k.count > 0)
        TRY(check_pairs(n, c));
    else if (a->coefficients.n % c->classes)
        return node_error(n, E0203, "%d coefficients for %lld classes", a->coefficients.n,
                          (long long)c->classes);
    return check_kernels(g, n, &c->k, a->coefficients.n / c->classes);
}

/* Numbers in a row of the output. */
static int64_t score_count(const Classifier *c)
{
    return c->k.count == 0 || c->coupled || c->classes == 2 ? c->classes : c->pairs;
}

static Status infer_classifier(Graph *g, Node *n)
{
    const ClassifierAttrs *a = n->attrs;
    Classifier c;
    TRY(node_need_rows(n));
    TRY(node_need_transform(n, a->post_transform));
    TRY(read_classifier(g, n, &c));
    node_set_rows(g, n, 0, labels_elem(&c.labels), -1);
    node_set_rows(g, n, 1, ELEM_F32, score_count(&c));
    return MLC_OK;
}

static Ex number_at(Te *t, Tx table, Ex i)
{
    return te_cast(t, ELEM_I64, te_load(t, table, &i));
}

/* part[row, i, m] = sum over v of class i: c[m, v] K(x, v). */
static Tx class_sums(Te *t, const Classifier *c, Tx kernels)
{
    Elem e = kernels->elem;
    int64_t most = 0, *start = NEW_ARRAY(t->arena, int64_t, c->classes);
    const Ints *count = &c->a->vectors_per_class;
    for (int i = 0; i < count->n; i++) {
        most = MAX(most, count->at[i]);
        if (i + 1 < count->n)
            start[i + 1] = start[i] + count->at[i];
    }
    Tx first = te_numbers(t, c->classes, start), size = te_numbers(t, c->classes, count->at);
    Tx table = te_floats(t, e, c->a->coefficients.n, c->a->coefficients.at);
    Tx part = te_temp(t, e, 3, (Ex[]){kernels->dim[0], te_int(t, c->classes), te_int(t, c->classes - 1)});
    te_stage(t, part);
    Ex i = te_axis(t, 1), j = te_red(t, te_int(t, most));
    Ex v = te_min(t, te_add(t, number_at(t, first, i), j), te_int(t, c->k.count - 1));
    Ex at = te_add(t, te_mul(t, te_axis(t, 2), te_int(t, c->k.count)), v);
    Ex x = te_mul(t, te_load(t, table, &at), te_load(t, kernels, (Ex[]){te_axis(t, 0), v}));
    te_yield(t, te_sum(t, te_select(t, te_lt(t, j, number_at(t, size, i)), x, te_const(t, e, 0))));
    return part;
}

/* Classes of the pairs, the lower first, in their order. */
typedef struct Pairs {
    Tx low, high;
} Pairs;

static Pairs make_pairs(Te *t, const Classifier *c)
{
    int64_t *low = NEW_ARRAY(t->arena, int64_t, c->pairs), *high = NEW_ARRAY(t->arena, int64_t, c->pairs), n = 0;
    for (int64_t i = 0; i < c->classes; i++)
        for (int64_t j = i + 1; j < c->classes; j++, n++)
            low[n] = i, high[n] = j;
    return (Pairs){te_numbers(t, c->pairs, low), te_numbers(t, c->pairs, high)};
}

/* s[row, pair]. */
static Tx pair_scores(Te *t, const Classifier *c, const Pairs *p, Tx kernels)
{
    if (c->classes == 2)
        return sums(t, kernels, 1, &c->a->coefficients, &c->a->rho);
    Elem e = kernels->elem;
    Tx part = class_sums(t, c, kernels), rho = te_floats(t, e, c->pairs, c->a->rho.at);
    Tx s = te_temp(t, e, 2, (Ex[]){kernels->dim[0], te_int(t, c->pairs)});
    te_stage(t, s);
    Ex row = te_axis(t, 0), pair = te_axis(t, 1), i = number_at(t, p->low, pair), j = number_at(t, p->high, pair);
    Ex v = te_add(t, te_load(t, part, (Ex[]){row, i, te_sub(t, j, te_int(t, 1))}),
                  te_load(t, part, (Ex[]){row, j, i}));
    te_yield(t, te_add(t, v, te_load(t, rho, &pair)));
    return s;
}

/* The class with the most votes. */
static Tx elected(Te *t, const Classifier *c, const Pairs *p, Tx s)
{
    Tx votes = te_temp(t, ELEM_F32, 2, (Ex[]){s->dim[0], te_int(t, c->classes)});
    te_stage(t, votes);
    Ex pair = te_red(t, te_int(t, c->pairs)), v = te_load(t, s, (Ex[]){te_axis(t, 0), pair});
    Ex winner = te_select(t, te_lt(t, te_like(t, v, 0), v), number_at(t, p->low, pair),
                          number_at(t, p->high, pair));
    Ex one = te_const(t, ELEM_F32, 1), zero = te_const(t, ELEM_F32, 0);
    te_yield(t, te_sum(t, te_select(t, te_eq(t, winner, te_axis(t, 1)), one, zero)));
    return te_best(t, votes);
}

/* r[row, i, j]: the probability of class i against class j. */
static Tx pair_probabilities(Te *t, const Classifier *c, Tx s)
{
    int64_t k = c->classes, *number = NEW_ARRAY(t->arena, int64_t, k * k), n = 0;
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = i + 1; j < k; j++, n++)
            number[i * k + j] = number[j * k + i] = n;
    Tx pairs = te_numbers(t, k * k, number), r = te_temp(t, s->elem, 3, (Ex[]){s->dim[0], te_int(t, k), te_int(t, k)});
    Tx a = te_floats(t, s->elem, c->pairs, c->a->prob_a.at), b = te_floats(t, s->elem, c->pairs, c->a->prob_b.at);
    te_stage(t, r);
    Ex i = te_axis(t, 1), j = te_axis(t, 2), at = te_add(t, te_mul(t, i, te_int(t, k)), j);
    Ex pair = number_at(t, pairs, at), v = te_load(t, s, (Ex[]){te_axis(t, 0), pair});
    v = te_neg(t, te_add(t, te_mul(t, v, te_load(t, a, &pair)), te_load(t, b, &pair)));
    v = te_max(t, te_min(t, te_sigmoid(t, v), te_like(t, v, 1 - 1e-7)), te_like(t, v, 1e-7));
    te_yield(t, te_select(t, te_lt(t, i, j), v, te_sub(t, te_like(t, v, 1), v)));
    return r;
}

static void define_pairs(Te *t, const Classifier *c, Tx kernels, Transform how)
{
    Pairs p = make_pairs(t, c);
    Tx s = pair_scores(t, c, &p, kernels), z = te_out(t, 1);
    te_yield_labels(t, &c->labels, elected(t, c, &p, s));
    if (!z)
        return;
    if (c->coupled) {
        Tx y = te_temp(t, s->elem, 2, (Ex[]){s->dim[0], te_int(t, c->classes)});
        te_couple(t, y, pair_probabilities(t, c, s));
        te_transform(t, z, y, how);
    } else if (c->classes == 2) {
        te_transform_pair(t, z, s, how == TRANSFORM_NONE, how);
    } else {
        te_transform(t, z, s, how);
    }
}

/* 1 where the larger of two scores is above a threshold, else where it stands. */
static Tx better_of_two(Te *t, Tx s, double threshold, bool equal)
{
    Tx best = te_best(t, s), y = te_temp(t, ELEM_I64, 1, s->dim);
    te_stage(t, y);
    Ex row = te_axis(t, 0), place = te_load(t, best, &row), v = te_load(t, s, (Ex[]){row, place});
    Ex least = te_like(t, v, threshold), above = equal ? te_le(t, least, v) : te_lt(t, least, v);
    te_yield(t, te_select(t, above, te_int(t, 1), place));
    return y;
}

static void define_classifier(Te *t, const Node *n)
{
    Classifier c;
    Status st = read_classifier(n->graph, n, &c);
    assert(st == MLC_OK);
    (void)st;
    const Floats *f = &c.a->coefficients;
    Transform how = transform_named(c.a->post_transform);
    Tx x = te_in(t, 0), v = terms(t, &c.k, x, score_elem(x->elem)), place;
    if (c.k.count > 0) {
        define_pairs(t, &c, v, how);
        return;
    }
    bool signs = false;
    for (int i = 0; i < f->n; i++)
        signs |= f->at[i] < 0;
    Tx s = sums(t, v, c.classes, f, &c.a->rho);
    if (c.classes == 2)
        place = better_of_two(t, s, signs ? 0 : 0.5, !signs);
    else if (c.labels.n == 0)
        place = te_exceeds(t, s, 0, 0);
    else
        place = te_best(t, s);
    te_yield_labels(t, &c.labels, place);
    te_transform(t, te_out(t, 1), s, how);
}

OP(svm_classifier) = {
    .name = "SVMClassifier", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    .min_out = 1, .max_out = 2, .traits = OP_ELEM_TYPE, ATTRS_OF(ClassifierAttrs),
    .infer = infer_classifier, .define = define_classifier,
    .doc = "the class that most comparisons of pairs are for, and scores or probabilities",
};
