/* Every edit of `mlc reduce`, of every item alone and of all together, leaves a valid graph or says
 * that it cannot; and an edit that was taken leaves fewer of its items. */
#include "cli/reduce_edit.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const models[] = {
    "graph \"chain\" opset 17 { in %x : f32[2,4] const %w : f32[4,4] = splat {0x1p-1}"
    " const %b : f32[4] = {0x1p+0, 0x1p+1, 0x0p+0, 0x1p-1} %i = Identity(%x)"
    " %m = Gemm(%i, %w, %b) %l = Relu(%m) %r = Tanh(%m) %s = Add(%l, %r) out %s out %m }",
    "graph \"symbols\" opset 17 { sym n >= 1 sym s >= 2 in %x : f32[n,s,6] in %y : f32[n,s,6]"
    " %a = Add(%x, %y) %sh = Shape(%a) %f = Flatten(%a) %t = Transpose(%a) {perm=[0,2,1]}"
    " %back = Reshape(%f, %sh) out %t out %back out %sh }",
    "graph \"conv\" opset 17 { in %x : f32[1,2,5,5] const %w : f32[4,2,3,3] = splat {0x1p-3}"
    " const %b : f32[4] = splat {0x1p+0} const %to : i64[2] = {1, 36} %c = Conv(%x, %w, %b)"
    " %r = Relu(%c) %v = Reshape(%r, %to) out %v }",
    "graph \"two results\" opset 17 { in %x : f32[6,4] %a, %b = Split(%x) {axis=0, num_outputs=2}"
    " %s = Sub(%a, %b) %n = Neg(%s) %p = Neg(%n) out %p }",
};

static Graph *parse(Ctx *c, const char *text)
{
    Graph *g = NULL;
    return graph_parse(c, text, "test.mlc", &g) == MLC_OK && graph_infer(g) == MLC_OK ? g : NULL;
}

/* How many items are left; -1: refused; -2: what came out is broken. */
static int edited(const char *text, const Edit *e, int from, int to, int *before)
{
    Ctx c;
    ctx_init(&c);
    Graph *g = parse(&c, text), *out;
    int left = -2;
    *before = -1;
    if (g) {
        *before = e->count(g);
        if (to <= *before) {
            left = -1;
            Status s = e->apply(g, from, to) ? edit_finish(g, &out) : MLC_NO;
            if (s == MLC_OK)
                left = graph_verify(out) == MLC_OK && graph_infer(out) == MLC_OK ? e->count(out)
                                                                                 : -2;
            else if (s == MLC_BUG)
                left = -2;
        }
    }
    ctx_free(&c);
    return left;
}

static void every_edit_keeps_a_valid_graph(void **state)
{
    (void)state;
    int taken = 0, parsed = 0;
    for (size_t m = 0; m < COUNT_OF(models); m++)
        for (size_t k = 0; k < edit_count; k++) {
            const Edit *e = &edit_table[k];
            int items, left;
            edited(models[m], e, 0, 0, &items);
            if (items < 0)
                continue;
            parsed++;
            for (int i = 0; i < items; i++) {
                left = edited(models[m], e, i, i + 1, &items);
                assert_true(left >= -1);
                assert_true(left == -1 || left < items || !strcmp(e->name, "sizes by half"));
                taken += left >= 0;
            }
            if (items > 1 && !e->one_by_one)
                assert_true(edited(models[m], e, 0, items, &items) >= -1);
        }
    assert_int_equal(parsed, (int)(COUNT_OF(models) * edit_count));
    assert_in_range(taken, 25, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_edit_keeps_a_valid_graph)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
