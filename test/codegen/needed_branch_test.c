/* An If whose branches differ in rank, where what follows can take one of them only. */
#include "test/codegen/run_text.h"

/* A vector or a matrix of a row, by the condition. */
#define CHOICE(then_text, else_text) "in %c : bool[] in %w : f32[2,2] %m = If(%c) {" \
    "then_branch=graph \"t\" opset 18 {" then_text " out %a }, " \
    "else_branch=graph \"e\" opset 18 {" else_text " out %b }} "
#define VECTOR(name) "const %" name " : f32[2] = {1.0,2.0}"
#define MATRIX(name) "const %" name " : f32[1,2] = {3.0,4.0}"

static void the_other_branch_fails(void **state)
{
    (void)state;
    const char *matrix = CHOICE(VECTOR("a"), MATRIX("b")) "%y = Gemm(%m, %w) out %y";
    expect(matrix, "0 | 1 2 3 4", "1x2: 15 22");
    expect_failure(matrix, "1 | 1 2 3 4");
    const char *first = CHOICE(MATRIX("a"), VECTOR("b")) "%y = Gemm(%m, %w) out %y";
    expect(first, "1 | 1 2 3 4", "1x2: 15 22");
    expect_failure(first, "0 | 1 2 3 4");
}

/* The need shows only behind nodes that take both. */
static void needs_may_show_later(void **state)
{
    (void)state;
    expect(CHOICE(VECTOR("a"), MATRIX("b"))
           "%i = Identity(%m) %y = Gemm(%i, %w) out %y", "0 | 1 2 3 4", "1x2: 15 22");
}

static void refuse(const char *body)
{
    Ctx c;
    Graph *g;
    char text[2048];
    ctx_init(&c);
    snprintf(text, sizeof text, "graph \"\" opset 18 { %s }", body);
    assert_int_equal(graph_parse(&c, text, NULL, &g), MLC_OK);
    assert_int_equal(graph_infer(g), MLC_INPUT);
    assert_string_equal(diag_code_name[c.diags.last->code], "E0303");
    ctx_free(&c);
}

/* What was tried is put back: nothing seems declared otherwise. */
static void trials_leave_no_trace(void **state)
{
    (void)state;
    Ctx c;
    Graph *g;
    ctx_init(&c);
    const char *text = "graph \"\" opset 18 { " CHOICE(MATRIX("a"), VECTOR("b"))
                       "%i = Unsqueeze(%m, %axes) %j = Squeeze(%i, %axes) %y = Gemm(%j, %w) out %y }";
    char whole[2048];
    snprintf(whole, sizeof whole, "graph \"\" opset 18 { const %%axes : i64[1] = {0} %s",
             strchr(text, '{') + 1);
    assert_int_equal(graph_parse(&c, whole, NULL, &g), MLC_OK);
    assert_int_equal(graph_infer(g), MLC_OK);
    assert_null(c.diags.first);
    assert_int_equal(g->last->prev->in[0]->type.rank, 3);
    ctx_free(&c);
}

/* What takes both, or none, leaves the rank open. */
static void open_ranks_are_refused(void **state)
{
    (void)state;
    refuse(CHOICE(VECTOR("a"), MATRIX("b")) "%y = MatMul(%m, %w) out %y");
    refuse(CHOICE(VECTOR("a"), MATRIX("b")) "%y = Conv(%m, %w) out %y");
}

/* A second choice ends the search for what the first one must be. */
static void choices_in_a_row(void **state)
{
    (void)state;
    const char *two = CHOICE(VECTOR("a"), MATRIX("b")) "%y = Gemm(%m, %w) "
                      "%n = If(%c) {then_branch=graph \"t\" opset 18 {" VECTOR("a") " out %a }, "
                      "else_branch=graph \"e\" opset 18 {" MATRIX("b") " out %b }} "
                      "%z = Gemm(%n, %y) {transA=1} out %z";
    expect(two, "0 | 1 2 3 4", "2x2: 45 66 60 88");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_other_branch_fails), cmocka_unit_test(needs_may_show_later),
        cmocka_unit_test(open_ranks_are_refused), cmocka_unit_test(trials_leave_no_trace), cmocka_unit_test(choices_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
