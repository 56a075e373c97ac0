/* Derivatives: of constants, so that folding leaves numbers; against difference quotients and what was
 * worked out by hand. */
#include "ir/base/str.h"
#include "ir/graph/text.h"
#include "passes/pass.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define GRADIENT "ai.onnx.preview.training::Gradient"

static Status fold(Ctx *c, const char *items, Graph **g)
{
    char text[2048];
    snprintf(text, sizeof text, "graph \"\" opset 18 { %s }", items);
    if (graph_parse(c, text, NULL, g) != MLC_OK || graph_infer(*g) != MLC_OK)
        fail_msg("%s: %s", items, c->diags.last->message);
    return pipeline_run(*g, &(PipelineOptions){.level = 1}, NULL);
}

/* The last output is constant data with these elements. */
static void expect(const char *items, int n, const double *want)
{
    Ctx c;
    Graph *g;
    ctx_init(&c);
    if (fold(&c, items, &g) != MLC_OK)
        fail_msg("%s: %s", items, c.diags.last->message);
    assert_int_equal(graph_verify(g), MLC_OK);
    const Value *y = vec_last(&g->outputs);
    assert_non_null(y->data);
    assert_int_equal(tensor_count(y->data), n);
    for (int i = 0; i < n; i++) {
        double got = tensor_get_f64(y->data, i);
        if (!(fabs(got - want[i]) <= 1e-4 * (1 + fabs(want[i]))))
            fail_msg("%s: element %d is %g, want %g", items, i, got, want[i]);
    }
    ctx_free(&c);
}

static void refuse(const char *items, DiagCode code)
{
    Ctx c;
    Graph *g;
    ctx_init(&c);
    assert_int_equal(fold(&c, items, &g), MLC_INPUT);
    assert_int_equal(c.diags.last->code, code);
    ctx_free(&c);
}

#define EXPECT(items, ...)                                    \
    do {                                                      \
        const double want[] = {__VA_ARGS__};                  \
        expect(items, (int)COUNT_OF(want), want);             \
    } while (0)

static double softplus(double x) { return log1p(exp(x)); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double relu(double x) { return x > 0 ? x : 0; }
static double negative(double x) { return -x; }
static double reciprocal(double x) { return 1 / x; }
static double same(double x) { return x; }

static const struct {
    const char *op;
    double    (*f)(double);
} functions[] = {
    {"Neg", negative}, {"Exp", exp}, {"Log", log}, {"Sqrt", sqrt}, {"Reciprocal", reciprocal},
    {"Sigmoid", sigmoid}, {"Tanh", tanh}, {"Sin", sin}, {"Cos", cos}, {"Sinh", sinh},
    {"Cosh", cosh}, {"Softplus", softplus}, {"Relu", relu}, {"Abs", fabs}, {"Identity", same},
};

static void functions_of_one_number(void **state)
{
    (void)state;
    const double at[2] = {0.7, 1.9}, h = 1e-5;
    for (size_t k = 0; k < COUNT_OF(functions); k++) {
        char items[512];
        double want[2];
        snprintf(items, sizeof items, "const %%x : f64[2] = {0.7,1.9} %%y = %s(%%x)"
                 " %%d = " GRADIENT "(%%x) {xs=[\"x\"], y=\"y\"} out %%y out %%d", functions[k].op);
        for (int i = 0; i < 2; i++)
            want[i] = (functions[k].f(at[i] + h) - functions[k].f(at[i] - h)) / (2 * h);
        expect(items, 2, want);
    }
    EXPECT("const %x : f32[2] = {-1.0,2.0} %y = Relu(%x) %d = " GRADIENT "(%x) {xs=[\"x\"], y=\"y\"}"
           " out %y out %d", 0, 1);
}

/* y = a / b - a b + a at (3, 2) */
#define TWO "const %a : f32[] = {3.0} const %b : f32[] = {2.0} %q = Div(%a, %b) %p = Mul(%a, %b)" \
            " %s = Sub(%q, %p) %y = Add(%s, %a) "
static void several_ways_add_up(void **state)
{
    (void)state;
    EXPECT(TWO "%d, %e = " GRADIENT "(%a, %b) {xs=[\"a\",\"b\"], y=\"y\"} out %y out %d", -0.5);
    EXPECT(TWO "%d, %e = " GRADIENT "(%a, %b) {xs=[\"a\",\"b\"], y=\"y\"} out %y out %e", -3.75);
    EXPECT(TWO "%d = " GRADIENT "(%p) {xs=[\"p\"], y=\"y\"} out %y out %d", -1);
}

/* What stands for a and b need not be a and b: here (5, 4). */
static void at_another_point(void **state)
{
    (void)state;
    EXPECT(TWO "const %u : f32[] = {5.0} const %v : f32[] = {4.0} %d, %e = " GRADIENT
               "(%u, %v) {xs=[\"a\",\"b\"], y=\"y\"} out %y out %e", -5.3125);
    EXPECT(TWO "const %u : f32[] = {5.0} const %v : f32[] = {4.0} %e = " GRADIENT
               "(%v, %u) {xs=[\"b\"], zs=[\"a\"], y=\"y\"} out %y out %e", -5.3125);
}

static void repeated_inputs_sum(void **state)
{
    (void)state;
    const char *bias = "const %x : f32[2,3] = {1.0,2.0,3.0,4.0,5.0,6.0} const %b : f32[3] = {1.0,1.0,1.0}"
                       " const %c : f32[2,1] = {1.0,2.0} %m = Mul(%x, %b) %y = Mul(%m, %c)";
    char items[1024];
    snprintf(items, sizeof items, "%s %%d = " GRADIENT "(%%b) {xs=[\"b\"], y=\"y\"} out %%y out %%d", bias);
    EXPECT(items, 9, 12, 15);
    snprintf(items, sizeof items, "%s %%d = " GRADIENT "(%%c) {xs=[\"c\"], y=\"y\"} out %%y out %%d", bias);
    EXPECT(items, 6, 15);
}

#define MATRICES "const %a : f32[2,2] = {1.0,2.0,3.0,4.0} const %b : f32[2,3] = {1.0,2.0,3.0,4.0,5.0,6.0}" \
                 " %p = MatMul(%a, %b) const %axes : i64[1] = {0} "
static void products_and_means(void **state)
{
    (void)state;
    EXPECT(MATRICES "%d = " GRADIENT "(%a) {xs=[\"a\"], y=\"p\"} out %p out %d", 6, 15, 6, 15);
    EXPECT(MATRICES "%d = " GRADIENT "(%b) {xs=[\"b\"], y=\"p\"} out %p out %d", 4, 4, 4, 6, 6, 6);
    EXPECT(MATRICES "%m = ReduceMean(%p, %axes) {keepdims=0} %s = ReduceSum(%m) {keepdims=0}"
                    " %d = " GRADIENT "(%b) {xs=[\"b\"], y=\"s\"} out %s out %d", 2, 2, 2, 3, 3, 3);
    EXPECT(MATRICES "const %form : i64[1] = {6} const %w : f32[6] = {1.0,2.0,3.0,4.0,5.0,6.0}"
                    " %r = Reshape(%p, %form) %y = Mul(%r, %w) %d = " GRADIENT
                    "(%p) {xs=[\"p\"], y=\"y\"} out %y out %d", 1, 2, 3, 4, 5, 6);
}

/* x^3, twice */
static void derivatives_of_derivatives(void **state)
{
    (void)state;
    EXPECT("const %x : f32[] = {2.0} %q = Mul(%x, %x) %y = Mul(%q, %x)"
           " %d = " GRADIENT "(%x) {xs=[\"x\"], y=\"y\"} %e = " GRADIENT "(%x) {xs=[\"x\"], y=\"d\"}"
           " out %d out %e", 12);
}

static void without_a_way(void **state)
{
    (void)state;
    EXPECT("const %x : f32[2] = {1.0,2.0} const %z : f32[] = {1.0} %y = Neg(%z)"
           " %d = " GRADIENT "(%x) {xs=[\"x\"], y=\"y\"} out %y out %d", 0, 0);
    refuse("const %x : f32[] = {1.0} %y = Neg(%x) %d = " GRADIENT "(%x) {xs=[\"x\"], y=\"w\"}"
           " out %y out %d", E0203);
    refuse("const %x : f32[] = {1.0} %y = Neg(%x) %d = " GRADIENT "(%x) {xs=[\"v\"], y=\"y\"}"
           " out %y out %d", E0203);
    refuse("const %x : f32[] = {1.0} %y = Floor(%x) %d = " GRADIENT "(%x) {xs=[\"x\"], y=\"y\"}"
           " out %y out %d", E0205);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_of_one_number), cmocka_unit_test(several_ways_add_up),
        cmocka_unit_test(at_another_point), cmocka_unit_test(repeated_inputs_sum),
        cmocka_unit_test(products_and_means), cmocka_unit_test(derivatives_of_derivatives),
        cmocka_unit_test(without_a_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
