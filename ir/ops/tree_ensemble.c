/* TreeEnsembleRegressor, TreeEnsembleClassifier and TreeEnsemble of ai.onnx.ml (trees.h).
 *
 *     regressor    transform(aggregate over trees of the leaves' weights + base)
 *     classifier   the class of the largest sum of weights + base, and transform(sums)
 *
 * Weights for one of two classes alone are a score s of the second class, as ONNX Runtime has it: the
 * second class is chosen where s > 1/2 if no weight is negative, else where s > 0. A score of class 0
 * then becomes (1 - s, s) or (-s, s); of class 1 it is (0, s). One class is 1 where s > 0, else 0.
 * Version 5 only calls the two older operators obsolete: what is written has version 3. */
#include "ir/base/str.h"
#include "ir/ops/scores.h"
#include "ir/ops/trees.h"

#define NODE_ATTRS(A, S)                                                                \
    A(S, floats, base_values, "", "added to the sums")                                  \
    A(S, tensor, base_values_as_tensor, "", "likewise")                                 \
    A(S, ints, nodes_falsenodeids, "", "where nodes go if the comparison fails")        \
    A(S, ints, nodes_featureids, "", "what nodes look at")                              \
    A(S, floats, nodes_hitrates, "", "no meaning")                                      \
    A(S, tensor, nodes_hitrates_as_tensor, "", "no meaning")                            \
    A(S, ints, nodes_missing_value_tracks_true, "", "1: the comparison holds for NaN")  \
    A(S, strs, nodes_modes, "", "the comparison: BRANCH_LEQ, LEAF ...")                 \
    A(S, ints, nodes_nodeids, "", "number of each node in its tree")                    \
    A(S, ints, nodes_treeids, "", "the tree of each node")                              \
    A(S, ints, nodes_truenodeids, "", "where nodes go if the comparison holds")         \
    A(S, floats, nodes_values, "", "what features are compared with")                   \
    A(S, tensor, nodes_values_as_tensor, "", "likewise")                                \
    A(S, str, post_transform, "NONE", "NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT")

/* The lists that both operators name alike. */
#define NODE_LISTS(a)                                                                             \
    .trees = &(a)->nodes_treeids, .ids = &(a)->nodes_nodeids, .features = &(a)->nodes_featureids, \
    .yes = &(a)->nodes_truenodeids, .no = &(a)->nodes_falsenodeids,                               \
    .missing = &(a)->nodes_missing_value_tracks_true, .modes = &(a)->nodes_modes,                 \
    .values = {&(a)->nodes_values, (a)->nodes_values_as_tensor}

/* ---- what all three share ---- */

/* Reads where input 0 stands; features and numbers of f64 make all computations f64. */
static void settle_elems(const Node *n, Trees *tr)
{
    if (n->in[0]->type.elem == ELEM_F64)
        tr->value_elem = tr->weight_elem = ELEM_F64;
}

static Status need_wide_rows(Graph *g, const Node *n, const Trees *tr)
{
    const Type *x = &n->in[0]->type;
    int64_t have, need = trees_features(tr);
    (void)g;
    if (ex_is_int(features_of(x->rank, x->dim), &have) && have < need)
        return node_error(n, E0301, "trees look at feature %lld of %lld", (long long)need - 1,
                          (long long)have);
    return MLC_OK;
}

static Status need_base(const Node *n, const Reals *base, int64_t targets)
{
    TRY(reals_check(n, "base_values", base));
    int64_t count = reals_count(base);
    if (count > 1 && count != targets)
        return node_error(n, E0203, "%lld base values for %lld targets", (long long)count,
                          (long long)targets);
    return MLC_OK;
}

/* scores + base; a single base value is for all of them. */
static Tx add_base(Te *t, Tx scores, const Reals *base)
{
    int64_t n = reals_count(base);
    if (n == 0)
        return scores;
    Tensor *data = tensor_new(t->arena, scores->elem, 1, &n);
    for (int64_t i = 0; i < n; i++)
        elem_set_f64(data->elem, (void *)(uintptr_t)data->data, (size_t)i, reals_at(base, i));
    Tx table = te_table(t, data), y = te_temp(t, scores->elem, 2, scores->dim);
    te_stage(t, y);
    Ex at = n == 1 || ex_is(scores->dim[1], 1) ? te_int(t, 0) : te_axis(t, 1);
    te_yield(t, te_add(t, te_load(t, scores, t->stage->axis), te_load(t, table, &at)));
    return y;
}

/* ---- TreeEnsembleRegressor ---- */

#define REGRESSOR_ATTRS(A, S)                                          \
    A(S, str, aggregate_function, "SUM", "SUM, AVERAGE, MIN or MAX")   \
    A(S, int, n_targets, "", "number of targets")                      \
    NODE_ATTRS(A, S)                                                   \
    A(S, ints, target_ids, "", "the target of each weight")            \
    A(S, ints, target_nodeids, "", "the leaf of each weight")          \
    A(S, ints, target_treeids, "", "its tree")                         \
    A(S, floats, target_weights, "", "the weights")                    \
    A(S, tensor, target_weights_as_tensor, "", "likewise")
ATTRS(RegressorAttrs, REGRESSOR_ATTRS);

static Status find_aggregate(const Node *n, const char *name, Aggregate *out)
{
    static const char *const names[] = {"AVERAGE", "SUM", "MIN", "MAX"};
    for (int i = 0; i < 4; i++) {
        if (str_eq(name, names[i])) {
            *out = (Aggregate)i;
            return MLC_OK;
        }
    }
    return node_error(n, E0203, "attribute 'aggregate_function' is '%s'", name);
}

static Status need_targets(const Node *n, int64_t given, const Ints *ids, int64_t *out)
{
    *out = given;
    if (given != ATTR_INT_ABSENT)
        return node_need_size(n, "n_targets", given, 1);
    *out = 1;
    for (int i = 0; i < ids->n; i++)
        if (ids->at[i] < MAX_ATTR_SIZE)
            *out = MAX(*out, ids->at[i] + 1);
    return MLC_OK;
}

static Status read_regressor(Arena *arena, const Node *n, Trees *tr)
{
    const RegressorAttrs *a = n->attrs;
    TreeLists l = {NODE_LISTS(a), .weight_trees = &a->target_treeids,
                   .weight_ids = &a->target_nodeids, .weight_targets = &a->target_ids,
                   .weights = {&a->target_weights, a->target_weights_as_tensor}};
    TRY(need_targets(n, a->n_targets, &a->target_ids, &l.targets));
    TRY(trees_from_lists(arena, n, &l, tr));
    settle_elems(n, tr);
    return MLC_OK;
}

static Status infer_regressor(Graph *g, Node *n)
{
    const RegressorAttrs *a = n->attrs;
    Aggregate how;
    Trees tr;
    TRY(node_need_rows(n));
    TRY(find_aggregate(n, a->aggregate_function, &how));
    TRY(node_need_transform(n, a->post_transform));
    TRY(read_regressor(g->arena, n, &tr));
    TRY(need_wide_rows(g, n, &tr));
    TRY(need_base(n, &(Reals){&a->base_values, a->base_values_as_tensor}, tr.targets));
    node_set_rows(g, n, 0, ELEM_F32, tr.targets);
    return MLC_OK;
}

static void define_regressor(Te *t, const Node *n)
{
    const RegressorAttrs *a = n->attrs;
    Aggregate how = AGGREGATE_SUM;
    Trees tr;
    Status st = read_regressor(t->arena, n, &tr);
    st = st == MLC_OK ? find_aggregate(n, a->aggregate_function, &how) : st;
    assert(st == MLC_OK);
    (void)st;
    Tx s = te_scores(t, te_in(t, 0), tr.weight_elem, tr.targets);
    te_trees(t, &tr, te_in(t, 0), how, s);
    s = add_base(t, s, &(Reals){&a->base_values, a->base_values_as_tensor});
    te_transform(t, te_out(t, 0), s, transform_named(a->post_transform));
}

OP(tree_ensemble_regressor) = {
    .name = "TreeEnsembleRegressor", .domain = "ai.onnx.ml", .since = {1, 3}, .min_in = 1,
    .max_in = 1, .traits = OP_ELEM_TYPE, ATTRS_OF(RegressorAttrs), .infer = infer_regressor,
    .define = define_regressor, .doc = "sums of the weights of decision trees",
};

/* ---- TreeEnsembleClassifier ---- */

#define CLASSIFIER_ATTRS(A, S)                                        \
    A(S, ints, class_ids, "", "the class of each weight")             \
    A(S, ints, class_nodeids, "", "the leaf of each weight")          \
    A(S, ints, class_treeids, "", "its tree")                         \
    A(S, floats, class_weights, "", "the weights")                    \
    A(S, tensor, class_weights_as_tensor, "", "likewise")             \
    A(S, ints, classlabels_int64s, "", "names of the classes")        \
    A(S, strs, classlabels_strings, "", "likewise")                   \
    NODE_ATTRS(A, S)
ATTRS(ClassifierAttrs, CLASSIFIER_ATTRS);

static Status read_classifier(Arena *arena, const Node *n, Trees *tr, Labels *labels)
{
    const ClassifierAttrs *a = n->attrs;
    TreeLists l = {NODE_LISTS(a), .weight_trees = &a->class_treeids,
                   .weight_ids = &a->class_nodeids, .weight_targets = &a->class_ids,
                   .weights = {&a->class_weights, a->class_weights_as_tensor}};
    TRY(node_labels(n, &a->classlabels_int64s, &a->classlabels_strings, labels));
    if (labels->n == 0)
        return node_error(n, E0203, "there are no class labels");
    if (labels->n == 1 && labels->strings)
        return node_error(n, E0205, "a single class has a name that is a string");
    l.targets = labels->n;
    TRY(trees_from_lists(arena, n, &l, tr));
    settle_elems(n, tr);
    return MLC_OK;
}

static Status infer_classifier(Graph *g, Node *n)
{
    const ClassifierAttrs *a = n->attrs;
    Labels labels;
    Trees tr;
    TRY(node_need_rows(n));
    TRY(node_need_transform(n, a->post_transform));
    TRY(read_classifier(g->arena, n, &tr, &labels));
    TRY(need_wide_rows(g, n, &tr));
    TRY(need_base(n, &(Reals){&a->base_values, a->base_values_as_tensor}, labels.n));
    node_set_rows(g, n, 0, labels_elem(&labels), -1);
    node_set_rows(g, n, 1, ELEM_F32, labels.n);
    return MLC_OK;
}

/* The only class that weights are for, or -1. */
static int64_t only_class(const Ints *ids)
{
    for (int i = 1; i < ids->n; i++)
        if (ids->at[i] != ids->at[0])
            return -1;
    return ids->n ? ids->at[0] : -1;
}

static bool any_negative(const Reals *r)
{
    for (int64_t i = 0; i < reals_count(r); i++)
        if (reals_at(r, i) < 0)
            return true;
    return false;
}

static void define_classifier(Te *t, const Node *n)
{
    const ClassifierAttrs *a = n->attrs;
    Labels labels;
    Trees tr;
    Status st = read_classifier(t->arena, n, &tr, &labels);
    assert(st == MLC_OK);
    (void)st;
    Reals weights = {&a->class_weights, a->class_weights_as_tensor};
    Transform how = transform_named(a->post_transform);
    int64_t only = labels.n == 2 ? only_class(&a->class_ids) : -1;
    bool signs = any_negative(&weights);
    if (only == 0)
        tr.targets = 1;
    Tx s = te_scores(t, te_in(t, 0), tr.weight_elem, tr.targets), place;
    te_trees(t, &tr, te_in(t, 0), AGGREGATE_SUM, s);
    s = add_base(t, s, &(Reals){&a->base_values, a->base_values_as_tensor});
    if (labels.n == 1)
        place = te_exceeds(t, s, 0, 0);
    else if (only >= 0)
        place = te_exceeds(t, s, only, signs ? 0 : 0.5);
    else
        place = te_best(t, s);
    if (labels.n == 1)
        labels.ints = NULL;
    te_yield_labels(t, &labels, place);
    if (only == 0)
        te_transform_pair(t, te_out(t, 1), s, signs, how);
    else
        te_transform(t, te_out(t, 1), s, how);
}

OP(tree_ensemble_classifier) = {
    .name = "TreeEnsembleClassifier", .domain = "ai.onnx.ml", .since = {1, 3}, .min_in = 1,
    .max_in = 1, .min_out = 1, .max_out = 2, .traits = OP_ELEM_TYPE, ATTRS_OF(ClassifierAttrs),
    .infer = infer_classifier, .define = define_classifier,
    .doc = "the class that decision trees are for, and the scores of all",
};

/* ---- TreeEnsemble ---- */

#define ENSEMBLE_ATTRS(A, S)                                                              \
    A(S, int, aggregate_function, "1", "0 average, 1 sum, 2 least, 3 greatest")           \
    A(S, ints, leaf_targetids, NULL, "the target of each leaf")                           \
    A(S, tensor, leaf_weights, NULL, "the weights of the leaves")                         \
    A(S, tensor, membership_values, "", "sets of the nodes of mode 6, each ended by NaN") \
    A(S, int, n_targets, "", "number of targets")                                         \
    A(S, ints, nodes_falseleafs, NULL, "1: nodes_falsenodeids is a leaf")                 \
    A(S, ints, nodes_falsenodeids, NULL, "where nodes go if the comparison fails")        \
    A(S, ints, nodes_featureids, NULL, "what nodes look at")                              \
    A(S, tensor, nodes_hitrates, "", "no meaning")                                        \
    A(S, ints, nodes_missing_value_tracks_true, "", "1: the comparison holds for NaN")    \
    A(S, tensor, nodes_modes, NULL, "0 <=, 1 <, 2 >=, 3 >, 4 =, 5 not =, 6 a member")     \
    A(S, tensor, nodes_splits, NULL, "what features are compared with")                   \
    A(S, ints, nodes_trueleafs, NULL, "1: nodes_truenodeids is a leaf")                   \
    A(S, ints, nodes_truenodeids, NULL, "where nodes go if the comparison holds")         \
    A(S, int, post_transform, "0", "0 none, 1 softmax, 2 logistic, 3 softmax_zero, 4 probit") \
    A(S, ints, tree_roots, NULL, "the first node of each tree")
ATTRS(EnsembleAttrs, ENSEMBLE_ATTRS);

static Status read_ensemble(Arena *arena, const Node *n, Trees *tr)
{
    const EnsembleAttrs *a = n->attrs;
    TreeArrays l = {
        .features = &a->nodes_featureids, .yes = &a->nodes_truenodeids, .no = &a->nodes_falsenodeids,
        .yes_is_leaf = &a->nodes_trueleafs, .no_is_leaf = &a->nodes_falseleafs,
        .missing = &a->nodes_missing_value_tracks_true, .roots = &a->tree_roots,
        .leaf_targets = &a->leaf_targetids, .modes = a->nodes_modes, .splits = a->nodes_splits,
        .leaf_weights = a->leaf_weights, .members = a->membership_values,
    };
    TRY(need_targets(n, a->n_targets, &a->leaf_targetids, &l.targets));
    TRY(trees_from_arrays(arena, n, &l, tr));
    settle_elems(n, tr);
    return MLC_OK;
}

static Status infer_ensemble(Graph *g, Node *n)
{
    const EnsembleAttrs *a = n->attrs;
    Trees tr;
    TRY(node_need_rows(n));
    TRY(node_need_elem(n, 0, IS_FLOAT));
    if (a->aggregate_function < 0 || a->aggregate_function > AGGREGATE_MAX)
        return node_error(n, E0203, "attribute 'aggregate_function' is %lld",
                          (long long)a->aggregate_function);
    if (a->post_transform < 0 || a->post_transform >= TRANSFORM_COUNT)
        return node_error(n, E0203, "attribute 'post_transform' is %lld", (long long)a->post_transform);
    TRY(read_ensemble(g->arena, n, &tr));
    TRY(need_wide_rows(g, n, &tr));
    node_set_rows(g, n, 0, n->in[0]->type.elem, tr.targets);
    return MLC_OK;
}

static void define_ensemble(Te *t, const Node *n)
{
    const EnsembleAttrs *a = n->attrs;
    Trees tr;
    Status st = read_ensemble(t->arena, n, &tr);
    assert(st == MLC_OK);
    (void)st;
    Tx s = te_scores(t, te_in(t, 0), tr.weight_elem, tr.targets);
    te_trees(t, &tr, te_in(t, 0), (Aggregate)a->aggregate_function, s);
    te_transform(t, te_out(t, 0), s, (Transform)a->post_transform);
}

OP(tree_ensemble) = {
    .name = "TreeEnsemble", .domain = "ai.onnx.ml", .since = {5}, .min_in = 1, .max_in = 1,
    .traits = OP_ELEM_TYPE, ATTRS_OF(EnsembleAttrs), .infer = infer_ensemble,
    .define = define_ensemble, .doc = "sums of the weights of decision trees",
};
