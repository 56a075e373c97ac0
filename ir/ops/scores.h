/* What the classifiers and regressors of ai.onnx.ml share: rows of features, transforms of scores,
 * names of classes. Scores are [rows, classes]. */
#ifndef MLC_OPS_SCORES_H
#define MLC_OPS_SCORES_H

#include "ir/ops/check.h"

typedef enum Transform {
    TRANSFORM_NONE, TRANSFORM_SOFTMAX, TRANSFORM_LOGISTIC, TRANSFORM_SOFTMAX_ZERO, TRANSFORM_PROBIT,
    TRANSFORM_COUNT,
} Transform;

/* The attribute post_transform: E0203 when it is none of them. */
Status    node_need_transform(const Node *n, const char *name);
Transform transform_named(const char *name);

/* Input 0 is numbers, [rows, features] or the features of one row: E0302, E0204. */
Status node_need_rows(const Node *n);
Ex     rows_of(ExPool *p, int rank, const Ex *dim);
Ex     features_of(int rank, const Ex *dim);
/* Fails with E0301 unless a row has `count` features, where that is known. */
Status node_need_features(Graph *g, const Node *n, int64_t count);
/* Output i is e[rows], or e[rows, width] where width >= 0. */
void   node_set_rows(Graph *g, Node *n, int i, Elem e, int64_t width);
/* What scores are computed in: f64 for inputs of f64, else f32. */
Elem   score_elem(Elem input);

/* A feature of x as a number of type e. */
Ex te_feature(Te *t, Tx x, Elem e, Ex row, Ex feature);
/* e[rows of x, width]. */
Tx te_scores(Te *t, Tx x, Elem e, int64_t width);
/* The position of each row's largest score, the first of equal ones: i64[rows]. */
Tx te_best(Te *t, Tx scores);
/* i64[rows]: 1 where score `at` of a row exceeds the threshold, else 0. */
Tx te_exceeds(Te *t, Tx scores, int64_t at, double threshold);
/* y = the scores transformed; one score alone knows PROBIT only. y NULL: nobody wants it. */
void te_transform(Te *t, Tx y, Tx scores, Transform how);
/* y[rows, 2]: both classes of one score s[rows, 1]. The other class has -s where `opposite`, else
 * 1 - s; LOGISTIC gives sigmoid(-s) and sigmoid(s). */
void te_transform_pair(Te *t, Tx y, Tx s, bool opposite, Transform how);

/* The classes' names: integers, strings, or none. */
typedef struct Labels {
    int         n;
    const Ints *ints;       /* one of these two, or neither */
    const Strings *strings;
} Labels;

/* Fails with E0203 when both are given. */
Status node_labels(const Node *n, const Ints *ints, const Strings *strings, Labels *out);
Elem   labels_elem(const Labels *l);
/* The name of class `place`, an index; without names the place itself. */
Ex     te_label(Te *t, const Labels *l, Ex place);
/* Output 0, unless it is omitted: the names of the classes at place[rows]. */
void   te_yield_labels(Te *t, const Labels *l, Tx place);

/* Constants of a definition. */
Tx te_floats(Te *t, Elem e, int64_t n, const float *at);
/* Integers that are not negative, in the narrowest unsigned or signed type. */
Tx te_numbers(Te *t, int64_t n, const int64_t *at);

#endif
