/* Linear models and support vectors of ai.onnx.ml, against sums and libsvm's coupling written here. */
#include "test/ir/ops/values.h"

#include <stdio.h>

#define ML "ai.onnx.ml::"
#define X "const %x : f32[2,2] = {1,2,-1,0.5} "

/* ---- linear models ---- */

EXPECT(sums_of_features, X "%y = " ML "LinearRegressor(%x) {targets=2, coefficients=[1,2,-1,4], intercepts=[10,20]}",
       15, 27, 10, 23)
EXPECT(one_target, X "%y = " ML "LinearRegressor(%x) {coefficients=[1,2]}", 5, 0)

#define LINEAR(outs, rest) X outs " = " ML "LinearClassifier(%x) {coefficients=" rest "}"
EXPECT(largest_sum, LINEAR("%y, %z", "[1,2,-1,4], classlabels_ints=[7,9]"), 9, 9)
EXPECT(both_sums, LINEAR("%l, %y", "[1,2,-1,4], classlabels_ints=[7,9]"), 5, 7, 0, 3)
EXPECT(sign_of_one_sum, LINEAR("%y, %z", "[1,2], intercepts=[-1], classlabels_ints=[7,9]"), 9, 7)
EXPECT(one_sum_for_two, LINEAR("%l, %y", "[1,2], intercepts=[-1], classlabels_ints=[7,9]"), -3, 4, 2, -1)
EXPECT(one_sum_without_names, LINEAR("%l, %y", "[1,2], intercepts=[-1]"), 4, -1)

/* ---- kernels: vectors (1,0) and (0,2), coefficients 2 and -1, rho 0.5 ---- */

#define SVR(rest)                                                                                  \
    X "%y = " ML "SVMRegressor(%x) {n_supports=2, support_vectors=[1,0,0,2], coefficients=[2,-1], " \
    "rho=[0.5], kernel_params=[0.5,1,3]" rest "}"

/* x.v = 1, 4 | -1, 1;  |x - v|^2 = 4, 1 | 4.25, 3.25 */
static void kernels_are_summed(void **state)
{
    static const double dot[2][2] = {{1, 4}, {-1, 1}}, apart[2][2] = {{4, 1}, {4.25, 3.25}};
    double y[4][2];
    for (int i = 0; i < 2; i++) {
        const double *d = dot[i], *a = apart[i];
        y[0][i] = 2 * d[0] - d[1] + 0.5;
        y[1][i] = 2 * pow(0.5 * d[0] + 1, 3) - pow(0.5 * d[1] + 1, 3) + 0.5;
        y[2][i] = 2 * exp(-0.5 * a[0]) - exp(-0.5 * a[1]) + 0.5;
        y[3][i] = 2 * tanh(0.5 * d[0] + 1) - tanh(0.5 * d[1] + 1) + 0.5;
    }
    static const char *const body[] = {
        SVR(""), SVR(", kernel_type=\"POLY\""), SVR(", kernel_type=\"RBF\""), SVR(", kernel_type=\"SIGMOID\""),
    };
    for (int k = 0; k < 4; k++) {
        teardown(state);
        setup(state);
        expect_values(state, body[k], 2, y[k]);
    }
}

EXPECT(one_class_has_a_sign, SVR(", one_class=1"), -1, -1)
EXPECT(without_vectors, X "%y = " ML "SVMRegressor(%x) {coefficients=[2,1], rho=[0.5]}", 4.5, -1)

/* ---- three classes with one vector each ---- */

enum { K = 3 };
static const double vectors[K][2] = {{1, 0}, {0, 2}, {-1, 1}};
static const double coef[K - 1][K] = {{2, -1, 0.5}, {1, 0.25, -3}};
static const double rho[K] = {0.5, -0.25, 0.125}, prob_a[K] = {-1, -0.5, -2}, prob_b[K] = {0.25, 0, -0.5};
static const double rows[2][2] = {{1, 2}, {-1, 0.5}};

#define SVC(outs, rest)                                                                          \
    X outs " = " ML "SVMClassifier(%x) {classlabels_ints=[5,6,7], vectors_per_class=[1,1,1], "   \
    "support_vectors=[1,0,0,2,-1,1], coefficients=[2,-1,0.5,1,0.25,-3], rho=[0.5,-0.25,0.125]" rest "}"

static void compare_pairs(const double *x, double *s)
{
    double k[K];
    for (int v = 0; v < K; v++)
        k[v] = x[0] * vectors[v][0] + x[1] * vectors[v][1];
    for (int i = 0, p = 0; i < K; i++)
        for (int j = i + 1; j < K; j++, p++)
            s[p] = rho[p] + coef[j - 1][i] * k[i] + coef[i][j] * k[j];
}

static void pairs_are_compared(void **state)
{
    double s[2][K], label[2];
    for (int r = 0; r < 2; r++) {
        int votes[K] = {0}, best = 0;
        compare_pairs(rows[r], s[r]);
        for (int i = 0, p = 0; i < K; i++)
            for (int j = i + 1; j < K; j++, p++)
                votes[s[r][p] > 0 ? i : j]++;
        for (int i = 1; i < K; i++)
            best = votes[i] > votes[best] ? i : best;
        label[r] = 5 + best;
    }
    expect_values(state, SVC("%l, %y", ""), 2 * K, s[0]);
    teardown(state);
    setup(state);
    expect_values(state, SVC("%y, %z", ""), 2, label);
}

static void couple(double r[K][K], double *p)
{
    double q[K][K] = {{0}}, qp[K], pqp;
    for (int t = 0; t < K; t++) {
        p[t] = 1.0 / K;
        for (int j = 0; j < K; j++) {
            if (j != t)
                q[t][t] += r[j][t] * r[j][t];
            if (j != t)
                q[t][j] = -r[j][t] * r[t][j];
        }
    }
    for (int round = 0; round < 100; round++) {
        double worst = 0;
        pqp = 0;
        for (int t = 0; t < K; t++) {
            qp[t] = 0;
            for (int j = 0; j < K; j++)
                qp[t] += q[t][j] * p[j];
            pqp += p[t] * qp[t];
        }
        for (int t = 0; t < K; t++)
            worst = fmax(worst, fabs(qp[t] - pqp));
        if (worst < 0.005 / K)
            return;
        for (int t = 0; t < K; t++) {
            double d = (pqp - qp[t]) / q[t][t];
            p[t] += d;
            pqp = (pqp + d * (d * q[t][t] + 2 * qp[t])) / (1 + d) / (1 + d);
            for (int j = 0; j < K; j++) {
                qp[j] = (qp[j] + d * q[t][j]) / (1 + d);
                p[j] /= 1 + d;
            }
        }
    }
}

static void probabilities_are_coupled(void **state)
{
    double p[2][K];
    for (int row = 0; row < 2; row++) {
        double s[K], r[K][K] = {{0}};
        compare_pairs(rows[row], s);
        for (int i = 0, n = 0; i < K; i++)
            for (int j = i + 1; j < K; j++, n++) {
                r[i][j] = 1 / (1 + exp(prob_a[n] * s[n] + prob_b[n]));
                r[j][i] = 1 - r[i][j];
            }
        couple(r, p[row]);
        assert_true(fabs(p[row][0] - 1.0 / K) > 0.01);
    }
    expect_values(state, SVC("%l, %y", ", prob_a=[-1,-0.5,-2], prob_b=[0.25,0,-0.5]"), 2 * K, p[0]);
}

/* s = 2 * 1 - 4 + 0.5 | 2 * -1 - 1 + 0.5 */
#define TWO(outs, rest)                                                                          \
    X outs " = " ML "SVMClassifier(%x) {classlabels_ints=[5,6], vectors_per_class=[1,1], "       \
    "support_vectors=[1,0,0,2], coefficients=[2,-1], rho=[0.5]" rest "}"
EXPECT(two_classes, TWO("%y, %z", ""), 6, 6)
EXPECT(two_scores, TWO("%l, %y", ""), 1.5, -1.5, 2.5, -2.5)
EXPECT(transformed_scores, TWO("%l, %y", ", post_transform=\"SOFTMAX\""), 2.5, -1.5, 3.5, -2.5)

static void wrong_models_are_errors(void **state)
{
#define MODEL(op, attrs) X "%y = " ML op "(%x) {" attrs "}"
    static const char *const bad[][2] = {
        {MODEL("LinearRegressor", "coefficients=[1,2,3]"), "2 against 3"},
        {MODEL("LinearRegressor", "coefficients=[1,2], targets=0"), "targets"},
        {MODEL("LinearRegressor", "coefficients=[1,2], intercepts=[1,2]"), "2 intercepts for 1"},
        {MODEL("LinearRegressor", "targets=2"), "0 coefficients"},
        {MODEL("LinearClassifier", "coefficients=[1,2,3,4], classlabels_ints=[1,2,3]"), "3 class labels for 2"},
        {MODEL("LinearClassifier", "coefficients=[1]"), "do not make a score"},
        {MODEL("SVMRegressor", "n_supports=2, coefficients=[1], support_vectors=[1,2,3,4]"), "1 coefficients for 2"},
        {MODEL("SVMRegressor", "n_supports=-1, coefficients=[1]"), "n_supports"},
        {MODEL("SVMRegressor", "n_supports=2, coefficients=[1,2], support_vectors=[1,2,3]"), "3 numbers for 2"},
        {MODEL("SVMRegressor", "n_supports=1, coefficients=[1], support_vectors=[1,2,3]"), "2 against 3"},
        {MODEL("SVMRegressor", "coefficients=[1,2], kernel_params=[1]"), "kernel_params"},
        {MODEL("SVMRegressor", "coefficients=[1,2], kernel_type=\"CUBIC\""), "'CUBIC'"},
        {MODEL("SVMClassifier", "coefficients=[1,2], classlabels_ints=[1,2], vectors_per_class=[2]"),
         "2 class labels for the vectors of 1"},
        {MODEL("SVMClassifier", "coefficients=[1,2], classlabels_ints=[1,2], vectors_per_class=[-1,2]"),
         "vectors_per_class"},
        {MODEL("SVMClassifier", "coefficients=[1,2,3], classlabels_ints=[1,2], vectors_per_class=[1,1]"),
         "3 coefficients for 2 vectors"},
        {MODEL("SVMClassifier", "coefficients=[1,2], classlabels_ints=[1,2], vectors_per_class=[1,1]"), "'rho' has 0"},
        {MODEL("SVMClassifier", "coefficients=[1,2], classlabels_ints=[1,2], vectors_per_class=[1,1], rho=[1], "
                                "prob_a=[1]"), "1 prob_a and 0 prob_b"},
        {MODEL("SVMClassifier", "coefficients=[1,2,3], classlabels_ints=[1,2]"), "3 coefficients for 2 classes"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        World *w;
        char text[1000];
        teardown(state);
        setup(state);
        w = *state;
        snprintf(text, sizeof text, "graph \"\" opset 22 { %s out %%y }", bad[i][0]);
        assert_int_equal(graph_parse(&w->ctx, text, NULL, &w->g), MLC_OK);
        assert_int_equal(graph_infer(w->g), MLC_INPUT);
        if (!strstr(w->ctx.diags.first->message, bad[i][1]))
            fail_msg("%s: not '%s'", w->ctx.diags.first->message, bad[i][1]);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(sums_of_features), T(one_target), T(largest_sum), T(both_sums), T(sign_of_one_sum),
        T(one_sum_for_two), T(one_sum_without_names), T(kernels_are_summed), T(one_class_has_a_sign),
        T(without_vectors), T(pairs_are_compared), T(probabilities_are_coupled), T(two_classes),
        T(two_scores), T(transformed_scores), T(wrong_models_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
