/* The pass manager: order and reports, permission by number, lists of names, expansion of composite
 * operators. What each pass does is in the golden tests beside this file. */
#include "ir/base/ctx.h"
#include "ir/base/str.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

static int setup(void **state)
{
    static Ctx c;
    ctx_init(&c);
    c.verify_each = true;
    *state = &c;
    return 0;
}

static int teardown(void **state)
{
    ctx_free(*state);
    return 0;
}

static Graph *parse(Ctx *c, const char *text)
{
    Graph *g = NULL;
    assert_int_equal(graph_parse(c, text, "test", &g), MLC_OK);
    assert_int_equal(graph_infer(g), MLC_OK);
    return g;
}

static const char *print(Graph *g)
{
    Str s = str_new(g->arena);
    graph_print(&s, g);
    return str_text(&s);
}

/* Four rewrites: one dead node, which is required, then three identities. */
static const char *const chain = "graph \"g\" opset 17 { in %x : f32[2]"
                                 " %a = Identity(%x) %b = Identity(%a) %c = Identity(%b)"
                                 " %dead = Neg(%c) %y = Relu(%c) out %y }";

static void runs_until_stable(void **state)
{
    Ctx *c = *state;
    Graph *g = parse(c, chain);
    PipelineReport report = {0};
    assert_int_equal(pipeline_run(g, &(PipelineOptions){.level = 2}, &report), MLC_OK);
    assert_int_equal(graph_count(g), 1);
    int64_t sum = 0;
    for (size_t i = 0; i < report.passes.len; i++) {
        const PassReport *r = &report.passes.at[i];
        assert_true(r->nodes_after <= r->nodes_before);
        sum += r->rewrites;
    }
    assert_int_equal(sum, 4);
    assert_int_equal(c->rewrites, 4);
    assert_string_equal(report.passes.at[0].name, "columns");
    assert_int_equal(vec_last(&report.passes).rewrites, 0);
}

static void level_0_only_prepares(void **state)
{
    Graph *g = parse(*state, chain);
    assert_int_equal(pipeline_run(g, &(PipelineOptions){.level = 0}, NULL), MLC_OK);
    assert_int_equal(graph_count(g), 4);
}

/* With a limit of k exactly k rewrites happen beside those that lowering requires, whatever k is,
 * and the graph is valid; the limit itself stays what it was. */
static void every_limit_is_kept(void **state)
{
    Ctx *c = *state;
    for (int limit = 0; limit <= 3; limit++) {
        Graph *g = parse(c, chain);
        PipelineReport report = {0};
        c->rewrite_limit = limit;
        assert_int_equal(pipeline_run(g, &(PipelineOptions){.level = 2}, &report), MLC_OK);
        assert_int_equal(graph_verify(g), MLC_OK);
        assert_int_equal(graph_count(g), 4 - limit);
        int64_t limited = 0, required = 0;
        for (size_t i = 0; i < report.passes.len; i++)
            *(report.passes.at[i].required ? &required : &limited) += report.passes.at[i].rewrites;
        assert_int_equal(limited, limit);
        assert_int_equal(required, 1);
        assert_int_equal(c->rewrite_limit, limit);
    }
}

static void count_call(void *arg, const char *pass, Graph *g)
{
    (void)g;
    Str *s = arg;
    str_printf(s, "%s;", pass);
}

static void names_run_in_their_order(void **state)
{
    Ctx *c = *state;
    Graph *g = parse(c, chain);
    Str s = str_new(g->arena);
    PipelineOptions o = {.only = "dead-code, identity,dead-code", .after = count_call,
                         .after_arg = &s};
    assert_int_equal(pipeline_run(g, &o, NULL), MLC_OK);
    assert_string_equal(str_text(&s), "dead-code;identity;dead-code;");
}

static void unknown_name_runs_nothing(void **state)
{
    Ctx *c = *state;
    Graph *g = parse(c, chain);
    assert_int_equal(pipeline_run(g, &(PipelineOptions){.only = "dead-code,identiy"}, NULL),
                     MLC_USAGE);
    assert_int_equal(c->diags.last->code, E0501);
    assert_string_equal(c->diags.last->help, "did you mean 'identity'?");
    assert_int_equal(graph_count(g), 5);
}

static void table_names_every_pass_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < pass_count; i++) {
        assert_non_null(pass_table[i].run);
        assert_true(strlen(pass_table[i].doc) > 10);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(pass_table[i].name, pass_table[k].name);
    }
}

static void random_is_never_merged(void **state)
{
    Ctx *c = *state;
    OpInfo random = *op_find(NULL, "Relu");
    random.traits |= OP_RANDOM;
    Graph *g = parse(c, "graph \"g\" opset 17 { const %k : f32[1] = {1} in %x : f32[1]"
                        " %a = Relu(%k) %b = Relu(%k) %s = Sub(%a, %b) %y = Add(%s, %x) out %y }");
    g->first->op = g->first->next->op = &random;
    for (Node *n = g->first; n; n = n->next)
        n->out[0]->content = NULL; /* what inference knew when it was Relu */
    assert_int_equal(graph_infer(g), MLC_OK);
    assert_int_equal(pipeline_run(g, &(PipelineOptions){.level = 3}, NULL), MLC_OK);
    assert_int_equal(graph_count(g), 4);
}

/* ---- expansion ---- */

#define COMPOSITE_ATTRS(A, S)                     \
    A(S, float, alpha, "0.5", "slope")            \
    A(S, ints, perm, "", "order of the result")
ATTRS(CompositeAttrs, COMPOSITE_ATTRS);

static Status infer_pair(Graph *g, Node *n)
{
    (void)g;
    for (int i = 0; i < n->nout; i++)
        n->out[i]->type = n->in[0]->type;
    return MLC_OK;
}

static const OpInfo composite = {
    .name = "Composite", .domain = "test", .since = {1}, .min_in = 1, .max_in = 2, .min_out = 1,
    .max_out = 2, ATTRS_OF(CompositeAttrs), .infer = infer_pair,
    .expand = "const %half : f32[] = {0.5}"
              "%t = Clip(%0, %1, %half)"
              "%x = LeakyRelu(%t) {alpha=$alpha}"
              "%y = Transpose(%x) {perm=$perm}"
              "out %y out %0",
};

static void expansion_takes_the_place_of_the_node(void **state)
{
    Ctx *c = *state;
    Graph *g = parse(c, "graph \"g\" opset 17 { sym n >= 1 in %x : f32[n,n]"
                        " %t = Neg(%x) %y = Relu(%t) out %y }");
    int64_t perm[2] = {1, 0};
    CompositeAttrs a = {.alpha = 0.25f, .perm = {true, 2, perm}};
    Node *relu = g->last;
    Node *n = graph_insert(g, relu, &composite, "comp", 1, g->first->out, 2, &a, NULL);
    assert_int_equal(graph_infer_node(g, n), MLC_OK);
    graph_set_input(relu, 0, n->out[0]);
    graph_output(g, n->out[1]);
    value_rename(g, n->out[1], "second");
    assert_int_equal(pipeline_run(g, &(PipelineOptions){.level = 0}, NULL), MLC_OK);
    assert_string_equal(
        print(g), "graph \"g\" opset 17 {\n"
                  "  sym n >= 1\n"
                  "  in %x : f32[n,n]\n"
                  "  const %half : f32[] = {0x1p-1}\n"
                  "  %second : f32[n,n] = Neg(%x) name \"t\"\n"
                  "  %comp.t : f32[n,n] = Clip(%second, _, %half) from [\"comp\"]\n"
                  "  %comp.x : f32[n,n] = LeakyRelu(%comp.t) {alpha=0x1p-2} from [\"comp\"]\n"
                  "  %comp : f32[n,n] = Transpose(%comp.x) {perm=[1,0]} name \"comp.y\" from "
                  "[\"comp\"]\n"
                  "  %y : f32[n,n] = Relu(%comp)\n"
                  "  out %y : f32[n,n]\n"
                  "  out %second : f32[n,n]\n"
                  "}\n");
}

/* A size that the run finds out is one of the nodes that are there now, for those behind as well. */
static void sizes_after_expansion(void **state)
{
    Graph *g = parse(*state, "graph \"g\" opset 18 { in %a : i64[] in %b : i64[]"
                             " %r = com.microsoft::Range(%a, %b) %y = Neg(%r) out %y }");
    Ex before = g->outputs.at[0]->type.dim[0];
    assert_int_equal(pipeline_run(g, &(PipelineOptions){.only = "expand"}, NULL), MLC_OK);
    const Value *y = g->outputs.at[0];
    assert_ptr_equal(y->type.dim[0], y->def->in[0]->type.dim[0]);
    assert_ptr_not_equal(y->type.dim[0], before);
}

static const char *const halves = "graph \"g\" opset 17 { in %x : f16[2] in %z : bf16[2]"
                                  " %a = Exp(%x) %y = Neg(%a) %b = Exp(%z) %v = Neg(%b)"
                                  " out %y out %v }";

/* The element types of the outputs of the nodes, in order. */
static const char *types_after(Ctx *c, const PipelineOptions *o)
{
    Graph *g = parse(c, halves);
    Str s = str_new(g->arena);
    assert_int_equal(pipeline_run(g, o, NULL), MLC_OK);
    for (const Node *n = g->first; n; n = n->next) {
        if (!node_is(n, "Cast"))
            str_printf(&s, "%s%s", s.len ? " " : "", elem_name[n->out[0]->type.elem]);
    }
    return str_text(&s);
}

static void widening_spares_the_types_that_round(void **state)
{
    PipelineOptions o = {.only = "widen"};
    assert_string_equal(types_after(*state, &o), "f32 f32 f32 f32");
    o.rounds = 1u << ELEM_F16;
    assert_string_equal(types_after(*state, &o), "f16 f16 f32 f32");
    o.rounds = 1u << ELEM_BF16;
    assert_string_equal(types_after(*state, &o), "f32 f32 bf16 bf16");
    o = (PipelineOptions){.only = "widen", .compact = true};
    assert_string_equal(types_after(*state, &o), "f16 f16 bf16 bf16");
}

/* A body is widened inside; what goes in and out of it keeps the type that its node has. */
static void widening_keeps_the_types_of_bodies(void **state)
{
    Ctx *c = *state;
    Graph *g = parse(c, "graph \"g\" opset 21 { in %x : f16[3] in %n : i64[] const %c : bool[] = {1}"
                        " %a = Exp(%x) %y = Loop(%n, %c, %a) {body=graph \"b\" opset 21 {"
                        " in %i : i64[] in %k : bool[] in %s : f16[3]"
                        " %t = Exp(%s) %u = Neg(%t) %l = Identity(%k) out %l out %u }}"
                        " %z = Neg(%y) out %z }");
    assert_int_equal(pipeline_run(g, &(PipelineOptions){.only = "widen"}, NULL), MLC_OK);
    const Node *loop = g->first;
    while (!node_has_body(loop))
        loop = loop->next;
    const Graph *body = *(Graph **)attr_field(loop->op, loop->attrs, "body");
    assert_int_equal(loop->in[2]->type.elem, ELEM_F16);
    assert_int_equal(loop->out[0]->type.elem, ELEM_F16);
    assert_int_equal(body->inputs.at[2]->type.elem, ELEM_F16);
    assert_int_equal(body->outputs.at[1]->type.elem, ELEM_F16);
    assert_int_equal(body->outputs.at[1]->def->in[0]->type.elem, ELEM_F32);
    assert_true(node_is(body->outputs.at[1]->def, "Cast"));
    assert_int_equal(graph_verify(g), MLC_OK);
}

/* Every prefix of the rewrites is a valid graph, with the outputs' types as they were. */
static void widening_stops_anywhere(void **state)
{
    static const char *const want[] = {
        "f16 f16 bf16 bf16", "f32 f16 bf16 bf16", "f32 f32 bf16 bf16", "f32 f32 f32 bf16",
        "f32 f32 f32 f32",
    };
    Ctx *c = *state;
    PipelineOptions o = {.only = "widen"};
    for (int64_t limit = 0; limit < (int64_t)COUNT_OF(want); limit++) {
        c->rewrites = 0;
        c->rewrite_limit = limit;
        assert_string_equal(types_after(c, &o), want[limit]);
    }
    c->rewrite_limit = -1;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(runs_until_stable),         T(level_0_only_prepares),
        T(every_limit_is_kept),       T(names_run_in_their_order),
        T(unknown_name_runs_nothing), T(table_names_every_pass_once),
        T(random_is_never_merged),    T(widening_spares_the_types_that_round), T(widening_stops_anywhere),
        T(widening_keeps_the_types_of_bodies),
        T(expansion_takes_the_place_of_the_node),
        T(sizes_after_expansion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
