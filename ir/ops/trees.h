/* Ensembles of decision trees as arrays, whatever way an operator writes them.
 *
 * Nodes are inner ones, 0 .. inner - 1, then leaves. Every inner node says: go to child[0] where its
 * comparison holds, else to child[1]. Trees may share nodes; a path never comes back to a node, and
 * takes at most `depth` comparisons. */
#ifndef MLC_OPS_TREES_H
#define MLC_OPS_TREES_H

#include "ir/ops/check.h"

/* How a node compares: one of these, with or without TREE_NAN, by which NaN goes to child[0]. The
 * other comparisons are these with the children exchanged. */
enum { TREE_LE, TREE_LT, TREE_EQ, TREE_KIND = 3, TREE_NAN = 4 };

typedef struct TreeNode {
    int64_t feature, child[2];
    double  value;
    int     how;
    int64_t entry; /* its place in the nodes_* attributes, for messages */
} TreeNode;

typedef struct TreeWeight {
    int64_t leaf, target; /* leaf from 0 */
    double  value;
} TreeWeight;

typedef struct Trees {
    int64_t     inner, leaves, trees, targets, nweights;
    TreeNode   *node;   /* inner ones */
    int64_t    *root;   /* of each tree */
    int64_t    *depth;  /* of each tree */
    TreeWeight *weight; /* by leaf, in the order of the file */
    Elem      value_elem, weight_elem; /* f64 or f32 */
} Trees;

/* Numbers of an attribute: a list or a tensor. */
typedef struct Reals {
    const Floats *list;
    const Tensor *tensor;
} Reals;
int64_t reals_count(const Reals *r);
double  reals_at(const Reals *r, int64_t i);
/* f64 where the tensor says so, else f32. */
Elem    reals_elem(const Reals *r);
/* Fails with E0203 when both are given or the tensor has no floats. */
Status  reals_check(const Node *n, const char *name, const Reals *r);

/* The arrays of TreeEnsembleRegressor and TreeEnsembleClassifier. */
typedef struct TreeLists {
    const Ints    *trees, *ids, *features, *yes, *no, *missing;
    const Strings *modes;
    Reals          values;
    const Ints    *weight_trees, *weight_ids, *weight_targets;
    Reals          weights;
    int64_t        targets;
} TreeLists;
/* Reports what is wrong with them: E0203. */
Status trees_from_lists(Arena *a, const Node *n, const TreeLists *l, Trees *out);

/* The arrays of TreeEnsemble. */
typedef struct TreeArrays {
    const Ints   *features, *yes, *no, *yes_is_leaf, *no_is_leaf, *missing, *roots, *leaf_targets;
    const Tensor *modes, *splits, *leaf_weights, *members;
    int64_t       targets;
} TreeArrays;
Status trees_from_arrays(Arena *a, const Node *n, const TreeArrays *l, Trees *out);

/* The number of features that a row must have at least. */
int64_t trees_features(const Trees *tr);

typedef enum Aggregate { AGGREGATE_AVERAGE, AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX } Aggregate;
/* scores[rows, targets]: the weights of the leaves that the rows come to. A target that none of
 * them has gets 0. */
void te_trees(Te *t, const Trees *tr, Tx x, Aggregate how, Tx scores);

#endif
