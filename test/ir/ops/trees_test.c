/* Decision trees of ai.onnx.ml: values against a walk written here, and attributes that are wrong. */
#include "test/ir/ops/values.h"

#include <stdio.h>

/* expect_values() any number of times in one test. */
static void same(void **state, const char *body, int n, const double *want)
{
    teardown(state);
    setup(state);
    expect_values(state, body, n, want);
}

#define REGRESSOR "ai.onnx.ml::TreeEnsembleRegressor"
#define CLASSIFIER "ai.onnx.ml::TreeEnsembleClassifier"
#define ENSEMBLE "ai.onnx.ml::TreeEnsemble"

/* One node that compares feature 0 with 1: leaf 1 where it holds, leaf 2 where not. */
#define STUMP(mode)                                                                                \
    "nodes_treeids=[0,0,0], nodes_nodeids=[0,1,2], nodes_featureids=[0,0,0], nodes_modes=[\"" mode \
    "\",\"LEAF\",\"LEAF\"], nodes_values=[1,0,0], nodes_truenodeids=[1,0,0], "                     \
    "nodes_falsenodeids=[2,0,0], "
#define TWO_WEIGHTS                                                                   \
    "target_treeids=[0,0], target_nodeids=[1,2], target_ids=[0,0], target_weights=[10,20], n_targets=1"
#define ROWS "const %x : f32[4,1] = {0,1,2,nan} "

static void stump(void **state, const char *attrs, const double *y)
{
    char body[1000];
    snprintf(body, sizeof body, "%s%%y = %s(%%x) {%s " TWO_WEIGHTS "}", ROWS, REGRESSOR, attrs);
    same(state, body, 4, y);
}

static void modes_compare(void **state)
{
    stump(state, STUMP("BRANCH_LEQ"), (double[]){10, 10, 20, 20});
    stump(state, STUMP("BRANCH_LT"), (double[]){10, 20, 20, 20});
    stump(state, STUMP("BRANCH_GTE"), (double[]){20, 10, 10, 20});
    stump(state, STUMP("BRANCH_GT"), (double[]){20, 20, 10, 20});
    stump(state, STUMP("BRANCH_EQ"), (double[]){20, 10, 20, 20});
    stump(state, STUMP("BRANCH_NEQ"), (double[]){10, 20, 10, 10});
}

#define TRACKS "nodes_missing_value_tracks_true=[1,0,0], "

static void nan_follows_the_flag(void **state)
{
    stump(state, STUMP("BRANCH_LEQ") TRACKS, (double[]){10, 10, 20, 10});
    stump(state, STUMP("BRANCH_LT") TRACKS, (double[]){10, 20, 20, 10});
    stump(state, STUMP("BRANCH_GTE") TRACKS, (double[]){20, 10, 10, 10});
    stump(state, STUMP("BRANCH_GT") TRACKS, (double[]){20, 20, 10, 10});
    stump(state, STUMP("BRANCH_EQ") TRACKS, (double[]){20, 10, 20, 10});
    stump(state, STUMP("BRANCH_NEQ") TRACKS, (double[]){10, 20, 10, 10});
}

/* Tree 0 is the stump, with weights for target 0 (leaf 1) and 1 (leaf 2); tree 1 a leaf with 4 for
 * target 0. Rows are 0 and 2. */
#define PAIR(how)                                                                                  \
    "const %x : f32[2,1] = {0,2} %y = " REGRESSOR "(%x) {aggregate_function=\"" how "\", "         \
    "nodes_treeids=[0,0,0,1], nodes_nodeids=[0,1,2,0], nodes_featureids=[0,0,0,0], "               \
    "nodes_modes=[\"BRANCH_LEQ\",\"LEAF\",\"LEAF\",\"LEAF\"], nodes_values=[1,0,0,0], "            \
    "nodes_truenodeids=[1,0,0,0], nodes_falsenodeids=[2,0,0,0], target_treeids=[0,0,1], "          \
    "target_nodeids=[1,2,0], target_ids=[0,1,0], target_weights=[10,-20,4], n_targets=2, "         \
    "base_values=[1,2]}"

static void weights_are_aggregated(void **state)
{
    same(state, PAIR("SUM"), 4, (double[]){15, 2, 5, -18});
    same(state, PAIR("AVERAGE"), 4, (double[]){8, 2, 3, -8});
    same(state, PAIR("MIN"), 4, (double[]){5, 2, 5, -18});
    same(state, PAIR("MAX"), 4, (double[]){11, 2, 5, -18});
}

/* ---- a forest by recursion ---- */

enum { FEATURES = 3, DEPTH = 5, ROWS_OF_X = 12 };

static double threshold_of(int tree, int node) { return ((tree * 31 + node * 17) % 41 - 20) / 8.0; }
static double weight_of(int tree, int node) { return ((tree * 13 + node * 7) % 29 - 14) / 4.0; }
static double element(int i) { return ((i * 37) % 61 - 30) / 10.0; }

/* Trees are unlike: tree k has leaves at depth k, and everywhere node % 5 == 4. */
static bool is_leaf(int tree, int node, int depth) { return depth >= tree || node % 5 == 4; }

static double walk(int tree, const double *x, int node, int depth)
{
    if (is_leaf(tree, node, depth))
        return weight_of(tree, node);
    bool yes = x[node % FEATURES] <= threshold_of(tree, node);
    return walk(tree, x, 2 * node + (yes ? 1 : 2), depth + 1);
}

/* The attributes of a tree, in the order of the nodes. */
enum { TREE, ID, FEATURE, MODE, VALUE, YES, NO, WEIGHT_TREE, WEIGHT_NODE, WEIGHT_TARGET, WEIGHT, LISTS };
static const char *const list_name[LISTS] = {
    "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_modes", "nodes_values",
    "nodes_truenodeids", "nodes_falsenodeids", "target_treeids", "target_nodeids", "target_ids",
    "target_weights",
};

static void put(Str *list, const char *fmt, double v)
{
    str_add(list, list->len ? "," : "");
    str_printf(list, fmt, v);
}

static void add_node(Str *l, int tree, int node, int depth)
{
    bool leaf = is_leaf(tree, node, depth);
    put(&l[TREE], "%.0f", tree);
    put(&l[ID], "%.0f", node);
    put(&l[FEATURE], "%.0f", node % FEATURES);
    put(&l[MODE], leaf ? "\"LEAF\"" : "\"BRANCH_LEQ\"", 0);
    put(&l[VALUE], "%.3f", leaf ? 0 : threshold_of(tree, node));
    put(&l[YES], "%.0f", leaf ? 0 : 2 * node + 1);
    put(&l[NO], "%.0f", leaf ? 0 : 2 * node + 2);
    if (!leaf) {
        add_node(l, tree, 2 * node + 1, depth + 1);
        add_node(l, tree, 2 * node + 2, depth + 1);
        return;
    }
    put(&l[WEIGHT_TREE], "%.0f", tree);
    put(&l[WEIGHT_NODE], "%.0f", node);
    put(&l[WEIGHT_TARGET], "%.0f", 0);
    put(&l[WEIGHT], "%.3f", weight_of(tree, node));
}

/* Trees first .. last together. */
static void expect_forest(void **state, int first, int last)
{
    teardown(state);
    setup(state);
    Arena *a = arena_new(&((World *)*state)->ctx);
    Str l[LISTS], body = str_new(a);
    double y[ROWS_OF_X] = {0};
    for (int i = 0; i < LISTS; i++)
        l[i] = str_new(a);
    for (int tree = first; tree <= last; tree++)
        add_node(l, tree, 0, 0);
    str_printf(&body, "const %%x : f32[%d,%d] = {", ROWS_OF_X, FEATURES);
    for (int i = 0; i < ROWS_OF_X * FEATURES; i++)
        str_printf(&body, "%s%.3f", i ? "," : "", element(i));
    str_add(&body, "} %y = " REGRESSOR "(%x) {n_targets=1");
    for (int i = 0; i < LISTS; i++)
        str_printf(&body, ", %s=[%s]", list_name[i], str_text(&l[i]));
    str_add(&body, "}");
    for (int i = 0; i < ROWS_OF_X; i++) {
        double row[FEATURES];
        for (int k = 0; k < FEATURES; k++)
            row[k] = element(i * FEATURES + k);
        for (int tree = first; tree <= last; tree++)
            y[i] += walk(tree, row, 0, 0);
    }
    expect_values(state, str_text(&body), ROWS_OF_X, y);
    arena_free(a);
}

static void paths_end_at_the_right_leaf(void **state)
{
    for (int tree = 0; tree <= DEPTH; tree++)
        expect_forest(state, tree, tree);
    expect_forest(state, 0, 4);
}

/* ---- the classifier ---- */

#define CLASSES(ids, weights, rest)                                                          \
    "const %x : f32[2,1] = {0,2} %l, %y = " CLASSIFIER "(%x) {" STUMP("BRANCH_LEQ")          \
    "class_treeids=[0,0], class_nodeids=[1,2], class_ids=" ids ", class_weights=" weights ", " \
    rest "}"
#define LABEL(ids, weights, rest)                                                            \
    "const %x : f32[2,1] = {0,2} %y, %z = " CLASSIFIER "(%x) {" STUMP("BRANCH_LEQ")          \
    "class_treeids=[0,0], class_nodeids=[1,2], class_ids=" ids ", class_weights=" weights ", " \
    rest "}"

static void one_score_decides_between_two(void **state)
{
    same(state, LABEL("[0,0]", "[0.25,0.75]", "classlabels_int64s=[5,7]"), 2, (double[]){5, 7});
    same(state, CLASSES("[0,0]", "[0.25,0.75]", "classlabels_int64s=[5,7]"), 4,
                  (double[]){0.75, 0.25, 0.25, 0.75});
    same(state, LABEL("[0,0]", "[-0.5,0.25]", "classlabels_int64s=[5,7]"), 2, (double[]){5, 7});
    same(state, CLASSES("[0,0]", "[-0.5,0.25]", "classlabels_int64s=[5,7]"), 4,
                  (double[]){0.5, -0.5, -0.25, 0.25});
    double a = 1 / (1 + exp(0.5)), b = 1 / (1 + exp(-0.25));
    same(state,
                  CLASSES("[0,0]", "[-0.5,0.25]", "classlabels_int64s=[5,7], post_transform=\"LOGISTIC\""),
                  4, (double[]){1 - a, a, 1 - b, b});
    same(state, CLASSES("[1,1]", "[-0.5,0.25]", "classlabels_int64s=[5,7]"), 4,
                  (double[]){0, -0.5, 0, 0.25});
    same(state, LABEL("[0,0]", "[-0.5,0.25]", "classlabels_int64s=[9]"), 2, (double[]){0, 1});
}

static void the_largest_score_wins(void **state)
{
    same(state, LABEL("[0,2]", "[0.5,0.25]", "classlabels_int64s=[5,7,9]"), 2, (double[]){5, 9});
    same(state, LABEL("[0,2]", "[-0.5,0.25]", "classlabels_int64s=[5,7,9]"), 2, (double[]){7, 9});
    double e = exp(0.5), f = exp(0.25);
    same(state, CLASSES("[0,2]", "[0.5,0.25]", "classlabels_int64s=[5,7,9], post_transform=\"SOFTMAX\""),
                  6, (double[]){e / (e + 2), 1 / (e + 2), 1 / (e + 2), 1 / (f + 2), 1 / (f + 2), f / (f + 2)});
    same(state,
                  CLASSES("[0,2]", "[0.5,0.25]", "classlabels_int64s=[5,7,9], post_transform=\"SOFTMAX_ZERO\""),
                  6, (double[]){1, 0, 0, 0, 0, 1});
    same(state, CLASSES("[0,2]", "[0,0]", "classlabels_int64s=[5,7,9], post_transform=\"SOFTMAX_ZERO\""),
                  6, (double[]){0.5, 0.5, 0.5, 0.5, 0.5, 0.5});
}

/* ---- TreeEnsemble ---- */

/* Is feature 0 one of 1 and 3, or of none? */
static void sets_are_looked_up(void **state)
{
    same(state,
                  "const %x : f32[5,1] = {1,2,3,4,nan} %y = " ENSEMBLE "(%x) {leaf_targetids=[0,0,0], "
                  "leaf_weights=f32[3] {10,20,30}, membership_values=f32[4] {1,3,nan,nan}, n_targets=1, "
                  "nodes_falseleafs=[0,1], nodes_falsenodeids=[1,2], nodes_featureids=[0,0], "
                  "nodes_modes=u8[2] {6,6}, nodes_splits=f32[2] {0,0}, nodes_trueleafs=[1,1], "
                  "nodes_truenodeids=[0,1], tree_roots=[0]}",
                  5, (double[]){10, 30, 10, 30, 30});
}

static void a_root_may_be_a_leaf(void **state)
{
    same(state,
                  "const %x : f32[2,1] = {1,2} %y = " ENSEMBLE "(%x) {leaf_targetids=[1], "
                  "leaf_weights=f32[1] {10}, n_targets=2, nodes_falseleafs=[1], nodes_falsenodeids=[0], "
                  "nodes_featureids=[0], nodes_modes=u8[1] {0}, nodes_splits=f32[1] {0}, "
                  "nodes_trueleafs=[1], nodes_truenodeids=[0], tree_roots=[0,0]}",
                  4, (double[]){0, 20, 0, 20});
}

/* ---- what is wrong ---- */

static void refused(void **state, const char *body, const char *message)
{
    World *w = *state;
    char text[4096];
    teardown(state);
    setup(state);
    snprintf(text, sizeof text, "graph \"\" opset 22 { %s out %%y }", body);
    assert_int_equal(graph_parse(&w->ctx, text, NULL, &w->g), MLC_OK);
    assert_int_equal(graph_infer(w->g), MLC_INPUT);
    if (!strstr(w->ctx.diags.first->message, message))
        fail_msg("%s: not '%s'", w->ctx.diags.first->message, message);
}

#define NODES3(ids, features, modes, yes, no)                                                     \
    ROWS "%y = " REGRESSOR "(%x) {nodes_treeids=[0,0,0], nodes_nodeids=" ids ", nodes_featureids=" \
    features ", nodes_modes=" modes ", nodes_values=[1,0,0], nodes_truenodeids=" yes              \
    ", nodes_falsenodeids=" no ", " TWO_WEIGHTS "}"
#define LEQ "[\"BRANCH_LEQ\",\"LEAF\",\"LEAF\"]"

static void wrong_nodes_are_errors(void **state)
{
    refused(state, NODES3("[0,1,2]", "[0,0,0]", "[\"BRANCH_LEQ\",\"BRANCH_LEQ\",\"LEAF\"]", "[1,0,0]", "[2,2,0]"),
            "form a cycle");
    refused(state, NODES3("[0,1,2]", "[0,0,0]", LEQ, "[0,0,0]", "[2,0,0]"), "form a cycle");
    refused(state, NODES3("[0,1,2]", "[0,0,0]", LEQ, "[1,0,0]", "[9,0,0]"), "goes to node 9");
    refused(state, NODES3("[0,1,2]", "[0,0,0]", LEQ, "[-1,0,0]", "[2,0,0]"), "goes to node -1");
    refused(state, NODES3("[0,1,1]", "[0,0,0]", LEQ, "[1,0,0]", "[1,0,0]"), "two nodes 1");
    refused(state, NODES3("[0,1,2]", "[1,0,0]", LEQ, "[1,0,0]", "[2,0,0]"), "feature 1 of 1");
    refused(state, NODES3("[0,1,2]", "[-1,0,0]", LEQ, "[1,0,0]", "[2,0,0]"), "nodes_featureids");
    refused(state, NODES3("[0,1,2]", "[0,0]", LEQ, "[1,0,0]", "[2,0,0]"), "must have 3");
    refused(state, NODES3("[0,1,2]", "[0,0,0]", LEQ, "[1,0]", "[2,0,0]"), "must have 3");
    refused(state, NODES3("[0,1,2]", "[0,0,0]", "[\"NEAR\",\"LEAF\",\"LEAF\"]", "[1,0,0]", "[2,0,0]"), "'NEAR'");
}

#define WEIGHTS(trees, nodes, ids, weights, rest)                                                \
    ROWS "%y = " REGRESSOR "(%x) {" STUMP("BRANCH_LEQ") "target_treeids=" trees ", target_nodeids=" \
    nodes ", target_ids=" ids ", target_weights=" weights rest "}"

static void wrong_weights_are_errors(void **state)
{
    refused(state, WEIGHTS("[0]", "[1,2]", "[0,0]", "[1,2]", ""), "2 weights for 1 trees");
    refused(state, WEIGHTS("[0,0]", "[1,7]", "[0,0]", "[1,2]", ""), "node 7 of tree 0");
    refused(state, WEIGHTS("[0,4]", "[1,1]", "[0,0]", "[1,2]", ""), "node 1 of tree 4");
    refused(state, WEIGHTS("[0,0]", "[1,2]", "[0,5]", "[1,2]", ", n_targets=2"), "target 5 of 2");
    refused(state, WEIGHTS("[0,0]", "[1,2]", "[0,-1]", "[1,2]", ""), "target -1");
    refused(state, WEIGHTS("[0,0]", "[1,2]", "[0,0]", "[1,2]", ", n_targets=0"), "n_targets");
    refused(state, WEIGHTS("[0,0]", "[1,2]", "[0,0]", "[1,2]", ", n_targets=2, base_values=[1,2,3]"),
            "3 base values for 2");
    refused(state, WEIGHTS("[0,0]", "[1,2]", "[0,0]", "[1,2]", ", post_transform=\"TANH\""), "'TANH'");
    refused(state, WEIGHTS("[0,0]", "[1,2]", "[0,0]", "[1,2]", ", aggregate_function=\"PRODUCT\""), "'PRODUCT'");
    refused(state, CLASSES("[0,3]", "[0.5,0.25]", "classlabels_int64s=[5,7,9]"), "target 3 of 3");
    refused(state, CLASSES("[0,0]", "[0.5,0.25]", "post_transform=\"NONE\""), "no class labels");
}

#define ARRAYS(modes, yes, yes_leaf, members, roots)                                             \
    "const %x : f32[2,1] = {1,2} %y = " ENSEMBLE "(%x) {leaf_targetids=[0,0], leaf_weights=f32[2] {1,2}, " \
    "n_targets=1, nodes_falseleafs=[1,1], nodes_falsenodeids=[0,1], nodes_featureids=[0,0], "    \
    "nodes_modes=u8[2] " modes ", nodes_splits=f32[2] {0,0}, nodes_trueleafs=" yes_leaf          \
    ", nodes_truenodeids=" yes members ", tree_roots=" roots "}"

static void wrong_arrays_are_errors(void **state)
{
    refused(state, ARRAYS("{0,0}", "[1,0]", "[0,0]", "", "[0]"), "form a cycle");
    refused(state, ARRAYS("{0,0}", "[2,0]", "[0,1]", "", "[0]"), "node 2 of 2");
    refused(state, ARRAYS("{0,0}", "[1,9]", "[0,1]", "", "[0]"), "leaf 9 of 2");
    refused(state, ARRAYS("{0,9}", "[1,0]", "[0,1]", "", "[0]"), "'nodes_modes' is 9");
    refused(state, ARRAYS("{0,6}", "[1,0]", "[0,1]", "", "[0]"), "has no end");
    refused(state, ARRAYS("{0,6}", "[1,0]", "[0,1]", ", membership_values=f32[2] {1,2}", "[0]"), "has no end");
    refused(state, ARRAYS("{0,0}", "[1,0]", "[0,1]", "", "[2]"), "begins at node 2");
    refused(state, ARRAYS("{0,0}", "[1,0]", "[0,1]", "", "[]"), "no roots");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(modes_compare), T(nan_follows_the_flag), T(weights_are_aggregated),
        T(paths_end_at_the_right_leaf), T(one_score_decides_between_two), T(the_largest_score_wins),
        T(sets_are_looked_up), T(a_root_may_be_a_leaf), T(wrong_nodes_are_errors),
        T(wrong_weights_are_errors), T(wrong_arrays_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
