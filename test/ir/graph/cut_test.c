/* The part of a graph between values. */
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

static const char text[] = "graph \"\" opset 18 {\n"
                           "  sym n >= 1\n"
                           "  in %x : f32[n,4]\n  in %y : f32[n,2]\n"
                           "  const %w : f32[] = {0x1p+1}\n"
                           "  %left, %right = Split(%x) {axis=1, num_outputs=2}\n"
                           "  %a = Mul(%left, %w)\n"
                           "  %b = Mul(%right, %a)\n"
                           "  %c = Add(%b, %y)\n"
                           "  out %c\n}\n";

static Graph *parse(Ctx *c)
{
    Graph *g;
    assert_int_equal(graph_parse(c, text, "t.mlc", &g), MLC_OK);
    assert_int_equal(graph_infer(g), MLC_OK);
    return g;
}

static Status cut(Graph *g, size_t nin, const char *const *in, const char *out, Graph **part)
{
    Value *from[4], *to = map_get(&g->by_name, out);
    for (size_t i = 0; i < nin; i++)
        from[i] = map_get(&g->by_name, in[i]);
    return graph_cut(g, nin, from, 1, &to, part);
}

static void assert_print(Graph *g, const char *expected)
{
    Str s = str_new(g->arena);
    assert_int_equal(graph_verify(g), MLC_OK);
    graph_print(&s, g);
    assert_string_equal(str_text(&s), expected);
}

static void only_what_is_needed(void **state)
{
    Graph *part;
    assert_int_equal(cut(parse(*state), 2, (const char *[]){"right", "a"}, "b", &part), MLC_OK);
    assert_print(part, "graph \"\" opset 18 {\n"
                       "  sym n >= 1\n"
                       "  in %right : f32[n,2]\n  in %a : f32[n,2]\n"
                       "  %b : f32[n,2] = Mul(%right, %a)\n"
                       "  out %b : f32[n,2]\n}\n");
}

/* The node that made an input is still there for its other output. */
static void one_output_of_two(void **state)
{
    Graph *part;
    assert_int_equal(cut(parse(*state), 2, (const char *[]){"x", "left"}, "b", &part), MLC_OK);
    assert_print(part,
                 "graph \"\" opset 18 {\n"
                 "  sym n >= 1\n"
                 "  in %x : f32[n,4]\n  in %left : f32[n,2]\n"
                 "  const %w : f32[] = {0x1p+1}\n"
                 "  %left_1 : f32[n,2], %right : f32[n,2] = Split(%x) {axis=1, num_outputs=2}"
                 " name \"left\"\n"
                 "  %a : f32[n,2] = Mul(%left, %w)\n"
                 "  %b : f32[n,2] = Mul(%right, %a)\n"
                 "  out %b : f32[n,2]\n}\n");
}

/* A weight can be an input; a constant can be an output. */
static void constants(void **state)
{
    Graph *part;
    assert_int_equal(cut(parse(*state), 2, (const char *[]){"left", "w"}, "a", &part), MLC_OK);
    assert_print(part, "graph \"\" opset 18 {\n"
                       "  sym n >= 1\n"
                       "  in %left : f32[n,2]\n  in %w : f32[]\n"
                       "  %a : f32[n,2] = Mul(%left, %w)\n"
                       "  out %a : f32[n,2]\n}\n");
    assert_int_equal(cut(parse(*state), 0, NULL, "w", &part), MLC_OK);
    assert_int_equal(part->outputs.len, 1);
    assert_non_null(part->outputs.at[0]->data);
}

static void what_is_missing_is_named(void **state)
{
    Ctx *c = *state;
    Graph *part;
    assert_int_equal(cut(parse(c), 1, (const char *[]){"left"}, "c", &part), MLC_USAGE);
    assert_string_equal(c->diags.last->message,
                        "output 'c' of the part also needs the graph's input 'x', 'y'");
    assert_string_equal(c->diags.last->help, "add to the inputs: x,y");
    assert_int_equal(cut(parse(c), 1, (const char *[]){"a"}, "a", &part), MLC_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_is_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(one_output_of_two, setup, teardown),
        cmocka_unit_test_setup_teardown(constants, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_is_named, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
