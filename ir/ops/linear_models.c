/* LinearRegressor and LinearClassifier of ai.onnx.ml: s = x C^T + b, with one row of C for each target
 * or class, then transform(s).
 *
 * One score for two classes is, as ONNX Runtime has it, that of the second: (1 - s, s), or after
 * LOGISTIC (sigmoid(-s), sigmoid(s)); the second class is chosen where s > 0. Without names the classes
 * are 0, 1, ... */
#include "ir/ops/scores.h"

/* Scores of the rows x; infer has checked the sizes. */
static Tx linear_scores(Te *t, Tx x, int64_t width, const Floats *coefficients, const Floats *intercepts)
{
    Elem e = score_elem(x->elem);
    int64_t features = coefficients->n / width;
    te_require_equal(t, features_of(x->rank, x->dim), te_int(t, features));
    Tx s = te_scores(t, x, e, width), c = te_floats(t, e, coefficients->n, coefficients->at);
    te_stage(t, s);
    Ex row = te_axis(t, 0), class = te_axis(t, 1), f = te_red(t, te_int(t, features));
    Ex at = te_add(t, te_mul(t, class, te_int(t, features)), f);
    Ex v = te_sum(t, te_mul(t, te_feature(t, x, e, row, f), te_load(t, c, &at)));
    if (intercepts->n)
        v = te_add(t, v, te_load(t, te_floats(t, e, intercepts->n, intercepts->at), &class));
    te_yield(t, v);
    return s;
}

static Status check_sizes(Graph *g, const Node *n, int64_t width, const Floats *coefficients,
                          const Floats *intercepts)
{
    if (coefficients->n == 0 || coefficients->n % width)
        return node_error(n, E0203, "%d coefficients for %lld scores", coefficients->n,
                          (long long)width);
    if (intercepts->n && intercepts->n != width)
        return node_error(n, E0203, "%d intercepts for %lld scores", intercepts->n, (long long)width);
    return node_need_features(g, n, coefficients->n / width);
}

/* ---- LinearRegressor ---- */

#define REGRESSOR_ATTRS(A, S)                                            \
    A(S, floats, coefficients, "", "by target, then by feature")         \
    A(S, floats, intercepts, "", "added to the sums, one a target")      \
    A(S, str, post_transform, "NONE", "NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT") \
    A(S, int, targets, "1", "number of targets")
ATTRS(RegressorAttrs, REGRESSOR_ATTRS);

static Status infer_regressor(Graph *g, Node *n)
{
    const RegressorAttrs *a = n->attrs;
    TRY(node_need_rows(n));
    TRY(node_need_transform(n, a->post_transform));
    TRY(node_need_size(n, "targets", a->targets, 1));
    TRY(check_sizes(g, n, a->targets, &a->coefficients, &a->intercepts));
    node_set_rows(g, n, 0, ELEM_F32, a->targets);
    return MLC_OK;
}

static void define_regressor(Te *t, const Node *n)
{
    const RegressorAttrs *a = n->attrs;
    Tx s = linear_scores(t, te_in(t, 0), a->targets, &a->coefficients, &a->intercepts);
    te_transform(t, te_out(t, 0), s, transform_named(a->post_transform));
}

OP(linear_regressor) = {
    .name = "LinearRegressor", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    .traits = OP_ELEM_TYPE, ATTRS_OF(RegressorAttrs), .infer = infer_regressor,
    .define = define_regressor, .doc = "x c^T + b",
};

/* ---- LinearClassifier ---- */

#define CLASSIFIER_ATTRS(A, S)                                           \
    A(S, ints, classlabels_ints, "", "names of the classes")             \
    A(S, strs, classlabels_strings, "", "likewise")                      \
    A(S, floats, coefficients, NULL, "by class, then by feature")        \
    A(S, floats, intercepts, "", "added to the sums, one a class")       \
    A(S, int, multi_class, "0", "no meaning: how the model was trained") \
    A(S, str, post_transform, "NONE", "NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT")
ATTRS(ClassifierAttrs, CLASSIFIER_ATTRS);

/* The number of scores: of intercepts, else what the features leave of the coefficients, else of names. */
static Status read_classifier(const Node *n, Labels *labels, int64_t *width)
{
    const ClassifierAttrs *a = n->attrs;
    const Type *x = &n->in[0]->type;
    int64_t features;
    TRY(node_labels(n, &a->classlabels_ints, &a->classlabels_strings, labels));
    if (a->intercepts.n)
        *width = a->intercepts.n;
    else if (ex_is_int(features_of(x->rank, x->dim), &features) && features > 0)
        *width = a->coefficients.n / features;
    else
        *width = labels->n;
    if (*width < 1)
        return node_error(n, E0203, "%d coefficients do not make a score", a->coefficients.n);
    bool pair = *width == 1 && labels->n == 2;
    if (labels->n && labels->n != *width && !pair)
        return node_error(n, E0203, "%d class labels for %lld scores", labels->n, (long long)*width);
    if (labels->n == 1 && labels->strings)
        return node_error(n, E0205, "a single class has a name that is a string");
    return MLC_OK;
}

static Status infer_classifier(Graph *g, Node *n)
{
    const ClassifierAttrs *a = n->attrs;
    Labels labels;
    int64_t width;
    TRY(node_need_rows(n));
    TRY(node_need_transform(n, a->post_transform));
    TRY(read_classifier(n, &labels, &width));
    TRY(check_sizes(g, n, width, &a->coefficients, &a->intercepts));
    node_set_rows(g, n, 0, labels_elem(&labels), -1);
    node_set_rows(g, n, 1, ELEM_F32, MAX(width, labels.n));
    return MLC_OK;
}

static void define_classifier(Te *t, const Node *n)
{
    const ClassifierAttrs *a = n->attrs;
    Transform how = transform_named(a->post_transform);
    Labels labels;
    int64_t width = 1;
    Status st = read_classifier(n, &labels, &width);
    assert(st == MLC_OK);
    (void)st;
    Tx s = linear_scores(t, te_in(t, 0), width, &a->coefficients, &a->intercepts);
    if (width > 1) {
        te_yield_labels(t, &labels, te_best(t, s));
        te_transform(t, te_out(t, 1), s, how);
        return;
    }
    if (labels.n == 1) /* the other class is 0 */
        labels = (Labels){.n = 2, .ints = &(Ints){true, 2, (int64_t[]){0, labels.ints->at[0]}}};
    te_yield_labels(t, &labels, te_exceeds(t, s, 0, 0));
    if (labels.n == 2 && te_out(t, 1) && ex_is(te_out(t, 1)->dim[1], 2))
        te_transform_pair(t, te_out(t, 1), s, false, how);
    else
        te_transform(t, te_out(t, 1), s, how);
}

OP(linear_classifier) = {
    .name = "LinearClassifier", .domain = "ai.onnx.ml", .since = {1}, .min_in = 1, .max_in = 1,
    .min_out = 1, .max_out = 2, .traits = OP_ELEM_TYPE, ATTRS_OF(ClassifierAttrs),
    .infer = infer_classifier, .define = define_classifier,
    .doc = "the class of the largest of x c^T + b, and the scores of all",
};
