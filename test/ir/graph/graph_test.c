/* Graphs: building, changing, attributes, raw nodes, inference with known content, the verifier. */
#include "ir/base/str.h"
#include "ir/graph/op_info.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct Fixture {
    Ctx ctx;
    Graph *g;
} Fixture;

static int setup(void **state)
{
    static Fixture f;
    ctx_init(&f.ctx);
    f.g = graph_new(&f.ctx, "test.onnx", NULL);
    f.g->opset = 17;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    ctx_free(&((Fixture *)*state)->ctx);
    return 0;
}

static Type f32(Graph *g, int rank, const int64_t *dim)
{
    return type_tensor_const(g->pool, ELEM_F32, rank, dim);
}

static Value *input(Graph *g, const char *name)
{
    return graph_input(g, name, f32(g, 2, (int64_t[]){2, 3}));
}

static Value *unary(Graph *g, const char *op, Value *x, const char *name)
{
    return graph_insert(g, NULL, op_find(NULL, op), name, 1, &x, 1, NULL, NULL)->out[0];
}

static const Diag *last_diag(Graph *g)
{
    return g->ctx->diags.last;
}

/* ---- building ---- */

static void names_are_unique_and_yield(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    Value *x = input(g, "x");
    Value *second = input(g, "x");
    assert_string_not_equal(x->name, second->name);
    Value *y = unary(g, "Relu", x, "conv1"); /* a made name */
    assert_string_equal(y->name, "conv1");
    assert_false(graph_has_name(g, "conv1"));
    Value *real = input(g, "conv1");
    assert_string_equal(real->name, "conv1");
    assert_ptr_equal(map_get(&g->by_name, "conv1"), real);
    assert_ptr_equal(map_get(&g->by_name, y->name), y);
    assert_false(value_rename(g, y, "x"));
    assert_true(value_rename(g, y, "free"));
    graph_output(g, y);
    assert_int_equal(graph_verify(g), MLC_OK);
}

static void replace_keeps_output_names(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    Value *x = input(g, "x");
    Value *a = unary(g, "Relu", x, "a");
    Value *b = unary(g, "Abs", a, "b");
    Value *c = unary(g, "Neg", b, "c");
    graph_output(g, b);
    graph_output(g, c);
    assert_true(graph_replace(g, b, a));
    assert_string_equal(a->name, "b");
    assert_ptr_equal(g->outputs.at[0], a);
    assert_ptr_equal(c->def->in[0], a);
    assert_true(value_is_dead(g, b));
    graph_erase(g, b->def);
    assert_int_equal(graph_count(g), 2);
    assert_int_equal(graph_verify(g), MLC_OK);
    /* An input cannot take an output's name: the output stays. */
    assert_false(graph_replace(g, a, x));
    assert_ptr_equal(g->outputs.at[0], a);
    assert_ptr_equal(c->def->in[0], x);
    assert_int_equal(graph_verify(g), MLC_OK);
}

static void inputs_come_and_go(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    Value *x = graph_input(g, "x", f32(g, 4, (int64_t[]){1, 2, 8, 8}));
    Tensor *t = tensor_new(g->arena, ELEM_F32, 4, (int64_t[]){4, 2, 3, 3});
    Value *w = graph_const(g, "w", t);
    Value *b = graph_const(g, "b", tensor_new(g->arena, ELEM_F32, 1, (int64_t[]){4}));
    Node *n = graph_insert(g, NULL, op_find(NULL, "Conv"), "conv", 3, (Value *[]){x, w, NULL}, 1,
                           NULL, NULL);
    assert_int_equal(n->nin, 2);
    assert_null(n->in[2]); /* may be read */
    graph_set_input(n, 2, b);
    assert_int_equal(n->nin, 3);
    assert_int_equal(b->uses.len, 1);
    graph_output(g, n->out[0]);
    assert_int_equal(graph_verify(g), MLC_OK);
    assert_int_equal(graph_infer(g), MLC_OK);
    graph_set_input(n, 2, NULL);
    assert_int_equal(n->nin, 2);
    assert_int_equal(b->uses.len, 0);
    assert_int_equal(graph_verify(g), MLC_OK);
}

static void origins_merge_in_order(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    Value *x = input(g, "x");
    Node *a = unary(g, "Relu", x, "a")->def, *b = unary(g, "Abs", a->out[0], "b")->def;
    graph_merge_origin(b, a);
    graph_merge_origin(b, a);
    assert_int_equal(b->norigin, 2);
    assert_string_equal(b->origin[0], "b");
    assert_string_equal(b->origin[1], "a");
    Node *c = graph_insert(g, NULL, op_find(NULL, "Neg"), "c", 1, &x, 1, NULL, b);
    assert_int_equal(c->norigin, 2);
    assert_string_equal(c->origin[0], "b");
}

/* ---- the verifier ---- */

static void verifier_sees_defects(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    Value *x = input(g, "x");
    Node *a = unary(g, "Relu", x, "a")->def, *b = unary(g, "Abs", a->out[0], "b")->def;
    graph_output(g, b->out[0]);
    assert_int_equal(graph_verify(g), MLC_OK);

    b->in[0] = x; /* behind the back of the use lists */
    assert_int_equal(graph_verify(g), MLC_BUG);
    assert_int_equal(last_diag(g)->code, E0901);
    b->in[0] = a->out[0];
    a->out[0]->uses.at[0].index = 1;
    assert_int_equal(graph_verify(g), MLC_BUG);
    a->out[0]->uses.at[0].index = 0;
    graph_set_input(a, 0, b->out[0]); /* a cycle */
    assert_int_equal(graph_verify(g), MLC_BUG);
    graph_set_input(a, 0, x);
    x->name = "other";
    assert_int_equal(graph_verify(g), MLC_BUG);
    x->name = "x";
    g->outputs.len = 0;
    assert_int_equal(graph_verify(g), MLC_BUG);
    g->outputs.len = 1;
    assert_int_equal(graph_verify(g), MLC_OK);
}

/* ---- attributes ---- */

#define ALL_ATTRS(A, S)                                                                            \
    A(S, int, one, "1", "")                                                                        \
    A(S, int, absent, "", "")                                                                      \
    A(S, float, eps, "0.5", "")                                                                    \
    A(S, str, mode, "linear", "")                                                                  \
    A(S, ints, pads, "[1,-2]", "")                                                                 \
    A(S, ints, axes, "", "")                                                                       \
    A(S, floats, scales, "[0.5]", "")                                                              \
    A(S, strs, words, "[a,b]", "")                                                                 \
    A(S, tensor, value, "", "")                                                                    \
    A(S, int, to, NULL, "")
ATTRS(AllAttrs, ALL_ATTRS);
static const OpInfo all_op = {
    .name = "All",
    .since = {1},
    .max_in = VARIADIC,
    ATTRS_OF(AllAttrs),
};

static const char *attrs_text(Graph *g, const AllAttrs *a)
{
    Str s = str_new(g->arena);
    attrs_print(&s, &all_op, a, 0);
    return str_text(&s);
}

static void attributes_have_defaults(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    AllAttrs *a = attrs_default(g->arena, &all_op), *b = attrs_default(g->arena, &all_op);
    assert_true(a->one == 1 && a->absent == ATTR_INT_ABSENT && a->eps == 0.5f);
    assert_string_equal(a->mode, "linear");
    assert_true(a->pads.set && a->pads.n == 2 && a->pads.at[1] == -2 && !a->axes.set);
    assert_true(a->scales.n == 1 && a->scales.at[0] == 0.5f);
    assert_true(a->words.n == 2 && str_eq(a->words.at[1], "b"));
    assert_true(attrs_equal(&all_op, a, b));
    assert_true(attrs_hash(&all_op, a) == attrs_hash(&all_op, b));
    a->to = b->to = 7;
    assert_string_equal(attrs_text(g, a), " {to=7}");
    a->axes.set = true;
    assert_false(attrs_equal(&all_op, a, b));
    a->mode = NULL;
    a->eps = -INFINITY;
    assert_string_equal(attrs_text(g, a), " {eps=-inf, mode=none, axes=[], to=7}");
    b->words.at = (const char *[]){"a", "c\n"};
    assert_string_equal(attrs_text(g, b), " {words=[\"a\",\"c\\n\"], to=7}");
    assert_true(attrs_hash(&all_op, a) != attrs_hash(&all_op, b));
}

static void raw_attributes_are_checked(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    RawNode raw = {.graph = g, .op = "All", .name = "n"};
    void *attrs = NULL;
    assert_int_equal(attrs_from_raw(&raw, &all_op, &attrs), MLC_INPUT);
    assert_non_null(strstr(last_diag(g)->message, "'to' is missing"));
    raw_set_int(&raw, "to", 3);
    raw_set_str(&raw, "mode", "cubic");
    assert_int_equal(attrs_from_raw(&raw, &all_op, &attrs), MLC_OK);
    assert_int_equal(((AllAttrs *)attrs)->to, 3);
    assert_string_equal(((AllAttrs *)attrs)->mode, "cubic");
    raw_set_int(&raw, "pad", 3);
    assert_int_equal(attrs_from_raw(&raw, &all_op, &attrs), MLC_INPUT);
    assert_int_equal(last_diag(g)->code, E0203);
    assert_string_equal(last_diag(g)->help, "did you mean 'pads'?");
    raw_drop(&raw, "pad");
    raw_set_int(&raw, "mode", 1);
    assert_int_equal(attrs_from_raw(&raw, &all_op, &attrs), MLC_INPUT);
    assert_string_equal(last_diag(g)->message, "attribute 'mode' is an integer, must be a string");
}

static void raw_nodes_become_nodes(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    Value *x = input(g, "x");
    RawNode raw = {.graph = g,
                   .op = "Add",
                   .domain = "ai.onnx",
                   .name = "add",
                   .version = 14,
                   .nout = 1,
                   .out_names = (const char *[]){"y"}};
    Node *n = NULL;
    vec_push(g->arena, &raw.in, x);
    assert_int_equal(op_make(&raw, &n), MLC_INPUT);
    assert_int_equal(last_diag(g)->code, E0202);
    vec_push(g->arena, &raw.in, NULL);
    assert_int_equal(op_make(&raw, &n), MLC_INPUT);
    raw.in.at[0] = NULL;
    raw.in.at[1] = x;
    assert_int_equal(op_make(&raw, &n), MLC_INPUT);
    raw.in.at[0] = x;
    assert_int_equal(op_make(&raw, &n), MLC_OK);
    assert_string_equal(n->name, "add");
    assert_string_equal(n->out[0]->name, "y");
    assert_int_equal(x->uses.len, 2);
    assert_int_equal(op_make(&raw, &n), MLC_INPUT); /* y twice */
    assert_int_equal(last_diag(g)->code, E0107);
    raw.op = "Addd";
    assert_int_equal(op_make(&raw, &n), MLC_INPUT);
    assert_int_equal(last_diag(g)->code, E0201);
    assert_string_equal(last_diag(g)->help, "did you mean 'Add'?");
    assert_string_equal(last_diag(g)->loc.node, "add");
}

static void attributes_become_inputs(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    RawNode raw = {.graph = g, .op = "Clip", .name = "clip"};
    vec_push(g->arena, &raw.in, input(g, "x"));
    vec_push(g->arena, &raw.attrs, (RawAttr){.name = "max", .kind = ATTR_float, .f = 6});
    raw_attr_to_input(&raw, "max", 2, ELEM_F16);
    assert_int_equal(raw.in.len, 3);
    assert_int_equal(raw.attrs.len, 0);
    assert_null(raw.in.at[1]);
    double v;
    assert_true(value_scalar(raw.in.at[2], &v) && v == 6);
    assert_int_equal(raw.in.at[2]->type.elem, ELEM_F16);
    assert_int_equal(raw.in.at[2]->type.rank, 0);
}

/* ---- the index ---- */

static void index_is_sorted_and_complete(void **state)
{
    (void)state;
    assert_true(op_count > 10);
    for (size_t i = 0; i < op_count; i++) {
        if (i)
            assert_true(strcmp(op_table[i - 1]->name, op_table[i]->name) <= 0);
        assert_ptr_equal(op_find(op_table[i]->domain, op_table[i]->name), op_table[i]);
        assert_true(op_table[i]->since[0] > 0);
    }
    assert_null(op_find("com.example", "Add"));
    assert_null(op_find(NULL, ""));
}

/* ---- inference ---- */

static void dimensions_broadcast(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    ExPool *p = g->pool;
    Ex n = ex_sym(p, "n", 1), m = ex_sym(p, "m", 1), z = ex_sym(p, "z", 0);
    Ex one = ex_int(p, 1), four = ex_int(p, 4), five = ex_int(p, 5);
    assert_ptr_equal(broadcast_dim(g, n, n), n);
    assert_ptr_equal(broadcast_dim(g, n, one), n);
    assert_ptr_equal(broadcast_dim(g, one, four), four);
    assert_ptr_equal(broadcast_dim(g, n, four), four);
    assert_ptr_equal(broadcast_dim(g, ex_int(p, 0), one), ex_int(p, 0));
    assert_null(broadcast_dim(g, four, five));
    Ex twice = ex_add(p, n, one); /* at least 2 */
    assert_ptr_equal(broadcast_dim(g, twice, m), twice);
    int64_t sym[3] = {1, 6, 0};
    assert_int_equal(ex_eval_size(broadcast_dim(g, n, m), sym), 6);
    assert_int_equal(ex_eval_size(broadcast_dim(g, n, z), sym), 0);
}

static void types_are_inferred(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    Ex n = ex_sym(g->pool, "n", 1);
    Value *a = graph_input(g, "a", type_tensor(ELEM_F32, 2, (Ex[]){n, ex_int(g->pool, 3)}));
    Value *b = graph_input(g, "b", f32(g, 1, (int64_t[]){1}));
    Value *c = graph_input(g, "c", f32(g, 1, (int64_t[]){4}));
    Node *add =
        graph_insert(g, NULL, op_find(NULL, "Add"), "s", 2, (Value *[]){a, b}, 1, NULL, NULL);
    add->out[0]->type = f32(g, 2, (int64_t[]){7, 5}); /* declared: 5 contradicts, 7 does not */
    Node *less =
        graph_insert(g, NULL, op_find(NULL, "Less"), "l", 2, (Value *[]){a, b}, 1, NULL, NULL);
    assert_int_equal(graph_infer(g), MLC_OK);
    assert_true(type_equal(&add->out[0]->type, &a->type));
    assert_int_equal(g->ctx->diags.warnings, 1);
    assert_int_equal(last_diag(g)->code, W0101);
    assert_int_equal(less->out[0]->type.elem, ELEM_BOOL);
    Node *bad =
        graph_insert(g, NULL, op_find(NULL, "Add"), "bad", 2, (Value *[]){a, c}, 1, NULL, NULL);
    assert_int_equal(graph_infer_node(g, bad), MLC_INPUT);
    assert_int_equal(last_diag(g)->code, E0301);
    assert_string_equal(last_diag(g)->loc.node, "bad");
}

static void huge_results_are_refused(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    int64_t big = INT64_C(1) << 40;
    Value *a = graph_input(g, "a", f32(g, 2, (int64_t[]){big, 1}));
    Value *b = graph_input(g, "b", f32(g, 1, (int64_t[]){big}));
    Node *n = graph_insert(g, NULL, op_find(NULL, "Add"), "s", 2, (Value *[]){a, b}, 1, NULL, NULL);
    assert_int_equal(graph_infer_node(g, n), MLC_INPUT);
    assert_int_equal(last_diag(g)->code, E0304);
}

static Value *binary(Graph *g, const char *op, Value *a, Value *b)
{
    Node *n = graph_insert(g, NULL, op_find(NULL, op), NULL, 2, (Value *[]){a, b}, 1, NULL, NULL);
    assert_int_equal(graph_infer_node(g, n), MLC_OK);
    return n->out[0];
}

static void content_is_symbolic(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    ExPool *p = g->pool;
    Ex n = ex_sym(p, "n", 1);
    Value *shape = graph_input(g, "shape", type_tensor_const(p, ELEM_I64, 1, (int64_t[]){2}));
    shape->content = (Ex[]){n, ex_int(p, 4)};
    Value *two = graph_const_ints(g, "two", -1, (int64_t[]){2});
    Value *vec = graph_const_ints(g, "vec", 2, (int64_t[]){1, -3});
    int len;
    const Ex *c = value_content(g, binary(g, "Add", binary(g, "Mul", shape, two), vec), &len);
    assert_non_null(c);
    assert_int_equal(len, 2);
    assert_ptr_equal(c[0], ex_add(p, ex_mul(p, n, ex_int(p, 2)), ex_int(p, 1)));
    assert_ptr_equal(c[1], ex_int(p, 5));
    int64_t ints[4];
    Value *constant = binary(g, "Mul", vec, vec);
    assert_true(value_ints(g, constant, 4, ints, &len) && len == 2 && ints[1] == 9);
    Value *unknown = graph_input(g, "u", type_tensor_const(p, ELEM_I64, 1, (int64_t[]){2}));
    assert_null(value_content(g, binary(g, "Add", unknown, vec), &len));
    assert_false(value_ints(g, shape, 4, ints, &len));
}

/* Squaring a sum again and again must not blow up. */
static void content_stays_small(void **state)
{
    Graph *g = ((Fixture *)*state)->g;
    ExPool *p = g->pool;
    Value *v = graph_input(g, "v", type_tensor_const(p, ELEM_I64, 0, NULL));
    v->content =
        (Ex[]){ex_add(p, ex_sym(p, "a", 1), ex_add(p, ex_sym(p, "b", 1), ex_sym(p, "c", 1)))};
    int len;
    for (int i = 0; i < 40; i++)
        v = binary(g, "Mul", v, v);
    assert_null(value_content(g, v, &len));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(names_are_unique_and_yield),   T(replace_keeps_output_names), T(inputs_come_and_go),
        T(origins_merge_in_order),       T(verifier_sees_defects),      T(attributes_have_defaults),
        T(raw_attributes_are_checked),   T(raw_nodes_become_nodes),     T(attributes_become_inputs),
        T(index_is_sorted_and_complete), T(dimensions_broadcast),       T(types_are_inferred),
        T(huge_results_are_refused),     T(content_is_symbolic),        T(content_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
