/* Inference through the arithmetic on shapes that exporters write: what is known stays known. */
#include "ir/base/str.h"
#include "ir/graph/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static int setup(void **state)
{
    static Ctx c;
    ctx_init(&c);
    *state = &c;
    return 0;
}

static int teardown(void **state)
{
    ctx_free(*state);
    return 0;
}

/* The type of the first output of the inferred graph. */
static void expect_type(Ctx *c, const char *text, const char *want)
{
    Graph *g;
    if (graph_parse(c, text, NULL, &g) != MLC_OK || graph_infer(g) != MLC_OK)
        fail_msg("%s", c->diags.last->message);
    assert_int_equal(graph_verify(g), MLC_OK);
    Str s = str_new(g->arena);
    type_print(&s, g->pool, &g->outputs.at[0]->type);
    assert_string_equal(str_text(&s), want);
}

static void flatten_by_shape(void **state)
{
    expect_type(*state,
                "graph \"\" opset 13 { sym batch >= 1 in %x : f32[batch,8,4,4]"
                " const %zero : i64[] = {0} const %ax : i64[1] = {0} const %rest : i64[1] = {-1}"
                " %s = Shape(%x) %b = Gather(%s, %zero) %u = Unsqueeze(%b, %ax)"
                " %t = Concat(%u, %rest) {axis=0} %y = Reshape(%x, %t) out %y }",
                "f32[batch,128]");
}

static void sizes_through_floats(void **state)
{
    expect_type(*state,
                "graph \"\" opset 13 { sym n >= 1 in %x : f32[n]"
                " const %two : f32[1] = {2.0} const %one : i64[1] = {1}"
                " %s = Shape(%x) %f = Cast(%s) {to=1} %m = Mul(%f, %two) %d = Floor(%m)"
                " %i = Cast(%d) {to=7} %t = Concat(%one, %i) {axis=0}"
                " %c = Expand(%two, %t) out %c }",
                "f32[1,cast_i64(floor(mul(cast_f32(n), 0x1p+1:f32)))]");
}

static void static_shapes_fold(void **state)
{
    expect_type(*state,
                "graph \"\" opset 13 { in %x : f32[6,5] const %st : i64[1] = {0}"
                " const %en : i64[1] = {1} const %k : i64[1] = {3}"
                " %s = Shape(%x) %a = Slice(%s, %st, %en) %d = Div(%a, %k)"
                " %p = ReduceProd(%s) {keepdims=1} %q = Div(%p, %d)"
                " %t = Concat(%d, %q) {axis=0} %y = Reshape(%x, %t) out %y }",
                "f32[2,15]");
}

static void comparisons_choose(void **state)
{
    expect_type(*state,
                "graph \"\" opset 13 { in %x : f32[2,3] const %w : i64[3] = {-1, 2, 3}"
                " const %m : i64[3] = {-1, -1, -1} const %one : i64[3] = {7, 7, 7}"
                " %e = Equal(%w, %m) %t = Where(%e, %one, %w) %y = Expand(%x, %t) out %y }",
                "f32[7,2,3]");
}

static void constants_count(void **state)
{
    expect_type(*state,
                "graph \"\" opset 13 { in %x : f32[6,5] %a = Constant() {value_ints=[5]}"
                " %b = Constant() {value=i64[1] {-1}} %t = Concat(%a, %b) {axis=0}"
                " %y = Reshape(%x, %t) out %y }",
                "f32[5,6]");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(flatten_by_shape),   T(sizes_through_floats), T(static_shapes_fold),
        T(comparisons_choose), T(constants_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
