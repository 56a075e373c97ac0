/* The text form: print and parse are inverses; hostile text is refused with a line number. */
#include "ir/base/file.h"
#include "ir/base/str.h"
#include "ir/graph/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
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

static const char *print(Graph *g)
{
    Str s = str_new(g->arena);
    graph_print(&s, g);
    return str_text(&s);
}

static Graph *parse(Ctx *c, const char *text, const char *file)
{
    Graph *g;
    Status st = graph_parse(c, text, file, &g);
    if (st != MLC_OK)
        fail_msg("line %d: %s", c->diags.last->loc.line, c->diags.last->message);
    assert_int_equal(graph_verify(g), MLC_OK);
    return g;
}

/* ---- are two graphs identical? ---- */

static void same_type(Graph *a, Graph *b, const Type *x, const Type *y)
{
    Str s = str_new(a->arena), t = str_new(b->arena);
    type_print(&s, a->pool, x);
    type_print(&t, b->pool, y);
    assert_string_equal(str_text(&s), str_text(&t));
}

static void same_value(Graph *a, Graph *b, const Value *x, const Value *y)
{
    assert_int_equal(!x, !y);
    if (!x)
        return;
    assert_string_equal(x->name, y->name);
    same_type(a, b, &x->type, &y->type);
    assert_int_equal(!x->data, !y->data);
    if (x->data) {
        assert_true(tensor_equal(x->data, y->data));
        assert_int_equal(x->data->splat, y->data->splat);
    }
    assert_int_equal(x->is_input, y->is_input);
    assert_int_equal(x->uses.len, y->uses.len);
}

static void same_graph(Graph *a, Graph *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->opset, b->opset);
    assert_int_equal(a->inputs.len, b->inputs.len);
    assert_int_equal(a->outputs.len, b->outputs.len);
    for (size_t i = 0; i < a->inputs.len; i++)
        same_value(a, b, a->inputs.at[i], b->inputs.at[i]);
    for (size_t i = 0; i < a->outputs.len; i++)
        same_value(a, b, a->outputs.at[i], b->outputs.at[i]);
    Node *m = b->first;
    for (Node *n = a->first; n; n = n->next, m = m->next) {
        assert_non_null(m);
        assert_ptr_equal(n->op, m->op);
        assert_string_equal(n->name, m->name);
        assert_int_equal(n->norigin, m->norigin);
        for (int i = 0; i < n->norigin; i++)
            assert_string_equal(n->origin[i], m->origin[i]);
        assert_int_equal(n->nin, m->nin);
        assert_int_equal(n->nout, m->nout);
        for (int i = 0; i < n->nin; i++)
            same_value(a, b, n->in[i], m->in[i]);
        for (int i = 0; i < n->nout; i++)
            same_value(a, b, n->out[i], m->out[i]);
        bool graphs = false;
        for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
            graphs = graphs || d->kind == ATTR_graph;
        if (!graphs)
            assert_true(attrs_equal(n->op, n->attrs, m->attrs));
    }
    assert_null(m);
}

static void round_trip(Graph *g, const char *file)
{
    const char *text = print(g);
    Graph *again = parse(g->ctx, text, file);
    assert_string_equal(print(again), text);
    same_graph(g, again);
}

/* ---- graphs ---- */

static const char sample[] =
    "graph \"mnist\" opset 13 {\n"
    "  sym batch >= 1\n"
    "  sym \"odd name\" >= 0\n"
    "  in %image : f32[batch,1,28,28]\n"
    "  in %unknown : f32[*]\n"
    "  in %list : seq(optional(f32[batch]))\n"
    "  const %w : f32[8,1,5,5] = splat {0x1.8p+0}\n"
    "  const %\"onnx::b\" : f32[8] = {0x0p+0, -0x0p+0, inf, -inf, nan(0x7fc00000), "
    "nan(0xffc12345), 0x1p-149, 0x1.fffffep+127}\n"
    "  %conv : f32[batch,8,28,28] = Conv(%image, %w, %\"onnx::b\") {group=2, pads=[2,2,2,2]} "
    "name \"c\\\"1\" from [\"Conv_0\", \"BN_1\"]\n"
    "  %clip : f32[batch,8,28,28] = Clip(%conv)\n"
    "  %leaky : f32[batch,8,28,28] = LeakyRelu(%clip) {alpha=nan(0x7fc00001)} from [\"x\"]\n"
    "  %untyped = Relu(%leaky)\n"
    "  out %leaky : f32[batch,8,28,28]\n"
    "  out %untyped\n"
    "}\n";

static void text_survives(void **state)
{
    Graph *g = parse(*state, sample, "x.mlc");
    assert_string_equal(print(g), sample);
    round_trip(g, "x.mlc");
    assert_int_equal(g->first->norigin, 2);
    assert_string_equal(g->first->name, "c\"1");
}

static void layout_and_comments_do_not_matter(void **state)
{
    Graph *g = parse(
        *state, "# a comment\ngraph\"g\"opset 1{in %x:f32[2]%y=Clip(%x,_,%x)# end\nout%y}", NULL);
    assert_int_equal(g->first->nin, 3);
    assert_null(g->first->in[1]);
    round_trip(g, NULL);
    g = parse(*state, "graph \"\" opset 1 { const %x : f32[2] = {1.5, 2e-3} %y = Relu(%x) out %y }",
              NULL);
    double v = tensor_get_f64(g->first->in[0]->data, 1);
    assert_true(v == (double)2e-3f);
}

static void dimensions_survive(void **state)
{
    static const char *const dims[][2] = {
        {"2*n + 1", NULL},
        {"n*m", "m*n"},
        {"m + n", NULL},
        {"n + m", "m + n"},
        {"-n + 5", NULL},
        {"m - 2*n - 3", NULL},
        {"floor_div(n + 1, 2)", NULL},
        {"(n + 1)*2", "2*n + 2"},
        {"max(n, m)", "max(m, n)"},
        {"min(floor_mod(n, 3), m)", NULL},
        {"floor_div(n, 3) + floor_div(m, 2)", "floor_div(m, 2) + floor_div(n, 3)"},
        {"cast_i64(floor(mul(cast_f32(n), 0x1.8p+0:f32)))", NULL},
        {"select(lt(m, n), m, 3)", NULL},
        {"n*n*m", "m*n*n"},
        {"--n", "n"},
        {"n - n", "0"},
        {"cast_i64(and(7:i32, cast_i32(n)))", NULL},
    };
    Ctx *c = *state;
    for (size_t i = 0; i < COUNT_OF(dims); i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "graph \"\" opset 1 { sym m >= 1 sym n >= 1 in %%x : f32[%s] out %%x }",
                 dims[i][0]);
        Graph *g = parse(c, text, NULL);
        Str s = str_new(g->arena);
        text_print_dim(&s, g->pool, g->inputs.at[0]->type.dim[0]);
        assert_string_equal(str_text(&s), dims[i][1] ? dims[i][1] : dims[i][0]);
        round_trip(g, NULL);
    }
}

/* The order in which expressions were first made must not show. */
static void text_is_canonical(void **state)
{
    Ctx *c = *state;
    Graph *g = graph_new(c, NULL, NULL);
    Ex n = ex_sym(g->pool, "n", 1), m = ex_sym(g->pool, "m", 1), two = ex_int(g->pool, 2);
    Ex late = ex_floor_div(g->pool, n, two), early = ex_floor_div(g->pool, m, two);
    Type t = type_tensor(ELEM_F32, 2,
                         (Ex[]){ex_mul(g->pool, early, late), ex_add(g->pool, late, early)});
    graph_output(g, graph_input(g, "x", t));
    assert_non_null(strstr(print(g), "f32[floor_div(m, 2)*floor_div(n, 2),"
                                     "floor_div(m, 2) + floor_div(n, 2)]"));
    round_trip(g, NULL);
}

/* ---- data ---- */

static void every_element_type_survives(void **state)
{
    Ctx *c = *state;
    for (int e = 1; e < ELEM_COUNT; e++) {
        for (int64_t count = 0; count <= 67; count += count < 3 ? 1 : 64) {
            Graph *g = graph_new(c, NULL, NULL);
            Tensor *t = tensor_new(g->arena, (Elem)e, 1, &count);
            uint8_t *bytes = (uint8_t *)t->data;
            for (size_t i = 0; i < t->size_bytes; i++)
                bytes[i] = (uint8_t)(i * 151 + 7);
            if (elem_bits[e] < 8 && count % 2) /* padding is no data */
                elem_set_bits((Elem)e, bytes, (size_t)count, 0);
            const char **strings = (const char **)t->data;
            for (int64_t i = 0; i < count && e == ELEM_STRING; i++)
                strings[i] = i % 2 ? "" : "a\"\\\n\x7f\xc3\xa4";
            graph_output(g, graph_const(g, "c", t));
            round_trip(g, NULL);
        }
    }
}

static void files_are_referenced(void **state)
{
    Ctx *c = *state;
    char dir[] = "/tmp/mlc_text_XXXXXX";
    assert_non_null(mkdtemp(dir));
    Graph *g = graph_new(c, NULL, NULL);
    const char *data = arena_printf(g->arena, "%s/w.bin", dir);
    const char *text_file = arena_printf(g->arena, "%s/g.mlc", dir);
    Tensor *t = tensor_new(g->arena, ELEM_F32, 1, (int64_t[]){100});
    for (int i = 0; i < 100; i++)
        ((float *)t->data)[i] = (float)i;
    assert_int_equal(file_write(c, data, t->data, t->size_bytes), MLC_OK);
    t->path = "w.bin";
    Tensor *part = tensor_new(g->arena, ELEM_F32, 1, (int64_t[]){80});
    memcpy((void *)part->data, (const float *)t->data + 5, 320);
    part->path = "w.bin";
    part->offset = 20;
    graph_output(g, graph_const(g, "all", t));
    graph_output(g, graph_const(g, "part", part));
    assert_non_null(strstr(print(g), "ref \"w.bin\" offset 20 size 320"));
    round_trip(g, text_file);

    static const char *const bad[] = {"../w.bin", "/etc/passwd", "absent", ".",
                                      "",         "link",        "w.bin/x"};
    assert_int_equal(symlink(data, arena_printf(g->arena, "%s/link", dir)), 0);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Graph *none;
        const char *text = arena_printf(
            g->arena, "graph \"\" opset 1 { const %%c : f32[1] = ref \"%s\" offset 0 size 4 }",
            bad[i]);
        assert_int_equal(graph_parse(c, text, text_file, &none), MLC_INPUT);
        assert_int_equal(c->diags.last->code, E0109);
    }
    Graph *none;
    assert_int_equal(graph_parse(c,
                                 "graph \"\" opset 1 { const %c : f32[200] = ref \"w.bin\" "
                                 "offset 0 size 800 }",
                                 text_file, &none),
                     MLC_INPUT);
    unlink(arena_printf(g->arena, "%s/link", dir));
    unlink(data);
    rmdir(dir);
}

/* ---- operators with sub-graphs ---- */

static void subgraphs_survive(void **state)
{
    static const char text[] = "graph \"outer\" opset 16 {\n"
                               "  in %c : bool[]\n"
                               "  in %x : f32[2]\n"
                               "  %y : f32[2] = If(%c, %x) {then_branch=graph \"t\" opset 16 {\n"
                               "    capture %x : f32[2]\n"
                               "    const %k : f32[2] = {0x1p+0, 0x1p+1}\n"
                               "    out %k : f32[2]\n"
                               "  }, else_branch=graph \"e\" opset 16 {\n"
                               "    capture %x : f32[2]\n"
                               "    %r : f32[2] = Relu(%x)\n"
                               "    out %r : f32[2]\n"
                               "  }}\n"
                               "  out %y : f32[2]\n"
                               "}\n";
    if (!op_find(NULL, "If"))
        skip();
    Graph *g = parse(*state, text, NULL);
    round_trip(g, NULL);
}

/* ---- hostile text ---- */

static char *nested(const char *open, int n)
{
    size_t len = strlen(open);
    char *s = malloc(len * (size_t)n + 1);
    for (int i = 0; i < n; i++)
        memcpy(s + len * (size_t)i, open, len + 1);
    return s;
}

static void expect_refused(Ctx *c, const char *text, int line)
{
    Graph *g;
    size_t errors = c->diags.errors;
    assert_int_equal(graph_parse(c, text, NULL, &g), MLC_INPUT);
    assert_null(g);
    assert_int_equal(c->diags.errors, errors + 1);
    if (line)
        assert_int_equal(c->diags.last->loc.line, line);
}

static void wrong_text_is_refused(void **state)
{
    static const struct {
        const char *text;
        int line;
    } row[] = {
        {"", 1},
        {"graph", 1},
        {"graph \"a\" opset 13 {", 1},
        {"graph \"a\" opset x {}", 1},
        {"graph \"a\" opset 1 { capture %x : f32[] }", 1},
        {"graph \"a\" opset 1 { in %c : bool[]\n%y = If(%c) {then_branch=graph \"t\" opset 1 { "
         "capture %a : f32[] capture %b : f32[] out %a }, else_branch=graph \"e\" opset 1 { "
         "capture %a : f32[] capture %b : f32[] out %a }} }", 2},
        {"graph \"a\" opset 1 { in %c : bool[]\n%y = If(%c, %c) {then_branch=graph \"t\" opset 1 { "
         "capture %a : bool[] out %a }, else_branch=graph \"e\" opset 1 { in %a : bool[] out %a }} }", 2},
        {"graph \"a\" opset 1 { in %c : bool[]\n%y = If(%c, %c) {then_branch=graph \"t\" opset 1 { "
         "capture %a : bool[] in %b : bool[] out %a }} }", 2},
        {"graph \"a\" opset 13 {} graph", 1},
        {"graph \"a\nb\" opset 1 {}", 1},
        {"graph \"\\q\" opset 1 {}", 1},
        {"graph \"\\x00\" opset 1 {}", 1},
        {"graph \"\\", 1},
        {"graph \"\" opset 1 {\n\n %y = Relu(%x) }", 3},
        {"graph \"\" opset 1 {\n in %x : f32[2]\n in %x : f32[2] }", 3},
        {"graph \"\" opset 1 {\n in %x : f33[2] }", 2},
        {"graph \"\" opset 1 { in %x : f32[n] }", 1},
        {"graph \"\" opset 1 { in %x : f32[-3] }", 1},
        {"graph \"\" opset 1 { in %x : f32[1,1,1,1,1,1,1,1,1,1,1,1,1] }", 1},
        {"graph \"\" opset 1 { in %x : f32[1.5:f32] }", 1},
        {"graph \"\" opset 1 { in %x : f32[select(1, 2, 3)] }", 1},
        {"graph \"\" opset 1 { in %x : f32[add(1, 2:i32)] }", 1},
        {"graph \"\" opset 1 { in %x : f32[bits_f32(1)] }", 1},
        {"graph \"\" opset 1 { in %x : f32[cast_string(1)] }", 1},
        {"graph \"\" opset 1 { in %x : f32[nosuch(1)] }", 1},
        {"graph \"\" opset 1 { in %x : f32[add(1,2,3,4)] }", 1},
        {"graph \"\" opset 1 { sym n >= 1 sym n >= 1 }", 1},
        {"graph \"\" opset 1 { const %c : f32[3] = {1, 2} }", 1},
        {"graph \"\" opset 1 { const %c : f32[1] = {1, 2} }", 1},
        {"graph \"\" opset 1 { const %c : f32[1000000000000] = {1} }", 1},
        {"graph \"\" opset 1 { const %c : f32[1000000000000,1000000000000] = splat {1} }", 1},
        {"graph \"\" opset 1 { const %c : i8[1] = {128} }", 1},
        {"graph \"\" opset 1 { const %c : i64[1] = {9223372036854775808} }", 1},
        {"graph \"\" opset 1 { const %c : u64[1] = {-1} }", 1},
        {"graph \"\" opset 1 { const %c : u64[1] = {18446744073709551616} }", 1},
        {"graph \"\" opset 1 { const %c : f32[1] = hex \"00\" }", 1},
        {"graph \"\" opset 1 { const %c : f32[1] = hex \"0000000g\" }", 1},
        {"graph \"\" opset 1 { const %c : string[1] = hex \"0000000000000000\" }", 1},
        {"graph \"\" opset 1 { const %c : c64[1] = {1} }", 1},
        {"graph \"\" opset 1 { const %c : f32[1] = ref \"x\" offset 0 size 4 }", 1},
        {"graph \"\" opset 1 { const %c : seq(f32[1]) = {1} }", 1},
        {"graph \"\" opset 1 { in %x : f32[2] out %x : f32[3] }", 1},
        {"graph \"\" opset 1 { in %x : f32[2] %y = Relu(%x) {alpha=1} }", 1},
        {"graph \"\" opset 1 { in %x : f32[2] %y = LeakyRelu(%x) {alpha=\"a\"} }", 1},
        {"graph \"\" opset 1 { in %x : f32[2] %y = LeakyRelu(%x) {alpha=1, alpha=1} }", 0},
        {"graph \"\" opset 1 { in %x : f32[2] %y = Relu(%x, %x) }", 0},
        {"graph \"\" opset 1 { in %x : f32[2] %y, %y = Relu(%x) }", 0},
        {"graph \"\" opset 1 { in %x : f32[2] %y = Reluu(%x) }", 0},
        {"graph \"\" opset 1 { in %x : f32[2] %y = com.example::Relu(%x) }", 0},
        {"graph \"\" opset 1 { \x01 }", 1},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++)
        expect_refused(*state, row[i].text, row[i].line);
}

static void deep_nesting_is_refused(void **state)
{
    static const char *const open[] = {"seq(", "optional(", "map(f32, "};
    static const char *const dims[] = {"(", "-", "add(1, ", "cast_i64("};
    char *text = malloc(2000000);
    for (size_t i = 0; i < COUNT_OF(open) + COUNT_OF(dims); i++) {
        bool dim = i >= COUNT_OF(open);
        char *deep = nested(dim ? dims[i - COUNT_OF(open)] : open[i], 100000);
        snprintf(text, 2000000, "graph \"\" opset 1 { in %%x : %s%s", dim ? "f32[" : "", deep);
        expect_refused(*state, text, 1);
        free(deep);
    }
    free(text);
}

/* Changed, cut and repeated text: refused or parsed, never a crash; what parses prints and parses.
 */
static void mutated_text_is_harmless(void **state)
{
    (void)state;
    static const char interesting[] = "{}[](),:=*-+%\"_ 09xnf\n";
    uint32_t seed = 12345;
    for (int round = 0; round < 3000; round++) {
        Ctx c;
        ctx_init(&c);
        char text[sizeof sample];
        memcpy(text, sample, sizeof sample);
        for (int k = 0; k < 1 + round % 3; k++) {
            seed = seed * 1664525u + 1013904223u;
            size_t at = (seed >> 8) % (sizeof sample - 1);
            text[at] = interesting[(seed >> 3) % (sizeof interesting - 1)];
        }
        Graph *g;
        if (graph_parse(&c, text, "x.mlc", &g) == MLC_OK) {
            assert_int_equal(graph_verify(g), MLC_OK);
            round_trip(g, "x.mlc");
        } else {
            assert_true(c.diags.errors == 1);
        }
        ctx_free(&c);
    }
}

/* Powers of sums and long chains stay polynomial. */
static void large_dimensions_are_cheap(void **state)
{
    Ctx *c = *state;
    Str s = str_new(arena_new(c));
    str_add(&s, "graph \"\" opset 1 { sym a >= 1 sym b >= 1 sym c >= 1 sym d >= 1 in %x : f32[1");
    for (int i = 0; i < 200; i++)
        str_add(&s, "*(a + b + c + d)");
    str_add(&s, "] out %x }");
    Graph *g;
    Status st = graph_parse(c, str_text(&s), NULL, &g);
    assert_true(st == MLC_OK || st == MLC_INPUT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(text_survives),
        T(layout_and_comments_do_not_matter),
        T(dimensions_survive),
        T(text_is_canonical),
        T(every_element_type_survives),
        T(files_are_referenced),
        T(subgraphs_survive),
        T(wrong_text_is_refused),
        T(deep_nesting_is_refused),
        T(mutated_text_is_harmless),
        T(large_dimensions_are_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
