/* The ONNX reader: what it understands. What it refuses: onnx_hostile_test.c. */
#include "frontend/onnx/onnx.h"
#include "ir/graph/op_info.h"
#include "test/frontend/model.h"

#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- plain models ---- */
static void test_small_model(void **state)
{
    (void)state;
    Read *r = read_msg(relu_model());
    assert_int_equal(r->status, MLC_OK);
    Graph *g = r->graph;
    assert_int_equal(g->opset, 17);
    assert_string_equal(g->name, "g");
    assert_int_equal(graph_count(g), 1);
    assert_int_equal(g->inputs.len, 1);
    assert_int_equal(g->outputs.len, 1);
    Value *x = g->inputs.at[0];
    assert_string_equal(x->name, "x");
    assert_int_equal(x->type.elem, ELEM_F32);
    assert_int_equal(x->type.rank, 2);
    assert_true(x->type.dim[0] == ex_sym(g->pool, "batch", 1));
    assert_int_equal(ex_sym_min(g->pool, 0), 1);
    assert_true(ex_is(x->type.dim[1], 3));
    assert_string_equal(g->outputs.at[0]->name, "y");
    assert_string_equal(g->first->op->name, "Relu");
    assert_string_equal(g->first->name, "relu_1");
    assert_true(g->first->in[0] == x);
    assert_int_equal(graph_verify(g), MLC_OK);
    read_free(r);
}

static void test_dimensions(void **state)
{
    (void)state;
    Model m = {0};
    Msg type = {0}, shape = {0};
    m_msg(&shape, 1, (Msg){0});
    Msg question = {0}, minus = {0}, zero = {0};
    m_str(&question, 2, "?");
    m_int(&minus, 1, -1);
    m_int(&zero, 1, 0);
    m_msg(&shape, 1, question);
    m_msg(&shape, 1, minus);
    m_msg(&shape, 1, zero);
    m_int(&type, 1, 1);
    m_msg(&type, 2, shape);
    Msg tp = {0}, vi = {0};
    m_msg(&tp, 1, type);
    m_str(&vi, 1, "in:0");
    m_msg(&vi, 2, tp);
    m_msg(&m.graph, 11, vi);
    m_msg(&m.graph, 11, value_info("past_k", 1, "2", "past_len", NULL));
    add_node(&m, "Relu", "in:0", "y");
    add_output(&m, "y");
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_OK);
    const Type *t = &r->graph->inputs.at[0]->type;
    ExPool *p = r->graph->pool;
    assert_int_equal(t->rank, 4);
    assert_int_equal(t->dim[0]->op, EX_SYM);
    assert_string_equal(ex_sym_name(p, (int)t->dim[0]->i), "in_0_0");
    assert_string_equal(ex_sym_name(p, (int)t->dim[1]->i), "in_0_1");
    assert_string_equal(ex_sym_name(p, (int)t->dim[2]->i), "in_0_2");
    assert_true(ex_is(t->dim[3], 0));
    const Type *past = &r->graph->inputs.at[1]->type;
    assert_int_equal(ex_sym_min(p, (int)past->dim[1]->i), 0); /* a cache may be empty */
    read_free(r);
}

static void test_initializer_listed_as_input(void **state)
{
    (void)state;
    Model m = {0};
    static const float w[3] = {1, 2, 3};
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
    m_msg(&m.graph, 11, value_info("w", 1, "3", NULL));
    m_msg(&m.graph, 5, raw_tensor("w", 1, 1, (int64_t[]){3}, w, sizeof w));
    add_node2(&m, "Add", "x", "w", "y");
    add_output(&m, "y");
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_OK);
    assert_int_equal(r->graph->inputs.len, 1);
    const Tensor *t = r->graph->first->in[1]->data;
    assert_non_null(t);
    assert_int_equal(tensor_count(t), 3);
    assert_memory_equal(t->data, w, sizeof w);
    assert_true(t->fd >= 0);
    float back[3]; /* fd and offset say where the file has it */
    assert_int_equal(pread(t->fd, back, sizeof back, t->offset), sizeof back);
    assert_memory_equal(back, w, sizeof w);
    assert_int_equal((uintptr_t)t->data % 4, 0);
    read_free(r);
}

static void test_order_is_restored(void **state)
{
    (void)state;
    Model m = {0};
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
    add_node(&m, "Relu", "c", "d");
    add_node(&m, "Abs", "a", "b");
    add_node(&m, "Neg", "b", "c");
    add_node(&m, "Exp", "x", "a");
    add_output(&m, "d");
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_OK);
    static const char *const want[] = {"Exp", "Abs", "Neg", "Relu"};
    const Node *n = r->graph->first;
    for (size_t i = 0; i < COUNT_OF(want); i++, n = n->next)
        assert_string_equal(n->op->name, want[i]);
    assert_int_equal(graph_verify(r->graph), MLC_OK);
    read_free(r);
}

static void test_unused_domain_and_wrong_hint(void **state)
{
    (void)state;
    Model m = {0};
    m_msg(&m.graph, 11, value_info("x", 1, "2", "3", NULL));
    add_node(&m, "Relu", "x", "y");
    m_msg(&m.graph, 12, value_info("y", 7, "5", "5", "5", NULL)); /* wrong in every way */
    Msg unused = {0};
    m_str(&unused, 1, "com.example.unused");
    m_int(&unused, 2, 3);
    m_msg(&m.model, 8, unused);
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_OK);
    assert_int_equal(graph_infer(r->graph), MLC_OK);
    assert_int_equal(r->graph->outputs.at[0]->type.elem, ELEM_F32);
    assert_int_equal(r->graph->outputs.at[0]->type.rank, 2);
    assert_int_equal(r->ctx.diags.errors, 0);
    assert_true(has_code(r, W0101));
    read_free(r);
}

/* ---- tensors ---- */
typedef struct TypedCase {
    int onnx;       /* element type */
    unsigned field; /* of TensorProto */
    int64_t dim;
    size_t n;
    uint64_t v[6];
    const char *bytes; /* expected */
    size_t size;
} TypedCase;

static Msg typed_tensor(const TypedCase *t, bool packed)
{
    Msg m = {0}, values = {0};
    m_int(&m, 1, t->dim);
    m_int(&m, 2, t->onnx);
    for (size_t i = 0; i < t->n && !packed; i++)
        m_int(&m, t->field, (int64_t)t->v[i]);
    for (size_t i = 0; i < t->n && packed; i++)
        m_varint(&values, t->v[i]);
    if (packed)
        m_msg(&m, t->field, values);
    m_str(&m, 8, "w");
    return m;
}

static void test_typed_fields(void **state)
{
    (void)state;
    static const TypedCase cases[] = {
        {6, 5, 3, 3, {1, (uint64_t)-2, 3}, "\1\0\0\0\xfe\xff\xff\xff\3\0\0\0", 12},
        {10, 5, 2, 2, {0x3c00, 0xc000}, "\0\x3c\0\xc0", 4},   /* f16 */
        {16, 5, 2, 2, {0x3f80, 0xc000}, "\x80\x3f\0\xc0", 4}, /* bf16 */
        {3, 5, 2, 2, {(uint64_t)-128, 127}, "\x80\x7f", 2},   /* i8 */
        {2, 5, 2, 2, {255, 1}, "\xff\1", 2},                  /* u8 */
        {9, 5, 3, 3, {0, 1, 7}, "\0\1\1", 3},                 /* bool */
        {7, 7, 1, 1, {(uint64_t)-5}, "\xfb\xff\xff\xff\xff\xff\xff\xff", 8},
        {12, 11, 1, 1, {0xffffffff}, "\xff\xff\xff\xff", 4}, /* u32 */
        {13, 11, 1, 1, {UINT64_MAX}, "\xff\xff\xff\xff\xff\xff\xff\xff", 8},
        {17, 5, 2, 2, {0x38, 0xb8}, "\x38\xb8", 2}, /* f8e4m3fn */
        {22, 5, 3, 2, {0xf1, 0x07}, "\xf1\x07", 2}, /* i4: two a byte */
        {25, 5, 5, 2, {0xe4, 0x03}, "\xe4\x03", 2}, /* u2: four a byte */
        {6, 5, 0, 0, {0}, "", 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases) * 2; i++) {
        const TypedCase *c = &cases[i / 2];
        Model m = {0};
        m_msg(&m.graph, 11, value_info("x", 1, "1", NULL));
        m_msg(&m.graph, 5, typed_tensor(c, i % 2));
        add_node(&m, "Relu", "x", "y");
        add_output(&m, "y");
        add_output(&m, "w");
        Read *r = read_msg(finish(&m));
        assert_int_equal(r->status, MLC_OK);
        const Tensor *t = r->graph->outputs.at[1]->data;
        assert_non_null(t);
        assert_int_equal(t->size_bytes, c->size);
        assert_memory_equal(t->data, c->bytes, c->size);
        read_free(r);
    }
}

static void test_float_data_is_mapped(void **state)
{
    (void)state;
    static const float w[4] = {1.5f, -2, 0, 4};
    Msg t = {0};
    m_int(&t, 1, 4);
    m_int(&t, 2, 1);
    m_blob(&t, 4, w, sizeof w);
    m_str(&t, 8, "w");
    Read *r = read_msg(constant_model(t));
    assert_int_equal(r->status, MLC_OK);
    assert_memory_equal(r->graph->outputs.at[0]->data->data, w, sizeof w);
    assert_true(r->graph->outputs.at[0]->data->fd >= 0);
    read_free(r);
}

static void test_strings(void **state)
{
    (void)state;
    Msg t = {0};
    m_int(&t, 1, 2);
    m_int(&t, 2, 8);
    m_str(&t, 6, "cat");
    m_str(&t, 6, "");
    m_str(&t, 8, "w");
    Read *r = read_msg(constant_model(t));
    assert_int_equal(r->status, MLC_OK);
    const char *const *s = r->graph->outputs.at[0]->data->data;
    assert_string_equal(s[0], "cat");
    assert_string_equal(s[1], "");
    read_free(r);
}

static void test_sparse_initializer(void **state)
{
    (void)state;
    static const float v[2] = {5, 7};
    static const int64_t at[4] = {0, 1, 2, 0}; /* [0,1] and [2,0] of a 3x2 matrix */
    Msg sparse = {0};
    m_msg(&sparse, 1, raw_tensor("w", 1, 1, (int64_t[]){2}, v, sizeof v));
    m_msg(&sparse, 2, raw_tensor("i", 7, 2, (int64_t[]){2, 2}, at, sizeof at));
    m_int(&sparse, 3, 3);
    m_int(&sparse, 3, 2);
    Model m = {0};
    m_msg(&m.graph, 15, sparse);
    add_output(&m, "w");
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_OK);
    static const float want[6] = {0, 5, 0, 0, 7, 0};
    assert_memory_equal(r->graph->outputs.at[0]->data->data, want, sizeof want);
    read_free(r);
}

/* ---- Constant ---- */
static Msg attribute(const char *name, int type)
{
    Msg a = {0};
    m_str(&a, 1, name);
    m_int(&a, 20, type);
    return a;
}

static void test_constant_forms(void **state)
{
    (void)state;
    static const float f = 2.5f;
    Msg a[4] = {attribute("value_float", 1), attribute("value_ints", 7),
                attribute("value_strings", 8), attribute("value", 4)};
    m_tag(&a[0], 2, 5);
    m_bytes(&a[0], &f, 4);
    m_int(&a[1], 8, 4);
    m_int(&a[1], 8, -1);
    m_str(&a[2], 9, "s");
    m_msg(&a[3], 5, raw_tensor("", 1, 0, NULL, &f, 4));
    Model m = {0};
    for (int i = 0; i < 4; i++) {
        Msg n = {0};
        char name[2] = {(char)('a' + i), 0};
        m_str(&n, 2, name);
        m_str(&n, 4, "Constant");
        m_msg(&n, 5, a[i]);
        m_msg(&m.graph, 1, n);
        add_output(&m, name);
    }
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_OK);
    assert_int_equal(graph_count(r->graph), 0);
    const Tensor *t[4];
    for (int i = 0; i < 4; i++)
        t[i] = r->graph->outputs.at[i]->data;
    assert_true(t[0]->rank == 0 && tensor_get_f64(t[0], 0) == 2.5);
    assert_true(t[1]->elem == ELEM_I64 && t[1]->dim[0] == 2 && tensor_get_i64(t[1], 1) == -1);
    assert_string_equal(((const char *const *)t[2]->data)[0], "s");
    assert_true(t[3]->rank == 0 && tensor_get_f64(t[3], 0) == 2.5);
    read_free(r);
}

/* ---- functions ---- */
static Msg function(const char *name)
{
    Msg f = {0}, opset = {0};
    m_str(&f, 1, name);
    m_str(&f, 10, "my");
    m_int(&opset, 2, 17);
    m_msg(&f, 9, opset);
    return f;
}

/* scaled(u) = relu(u) * constant(@factor, default 3) */
/* Numbers of an attribute, a field each as proto2 writes them, between fields of other kinds. */
static void test_long_attributes(void **state)
{
    (void)state;
    enum { MANY = 4 << 20 };
    Model m = {0};
    Msg n = node("OneHotEncoder", "x", NULL, "y"), attr = {0};
    m_str(&n, 7, "ai.onnx.ml");
    m_int(&attr, 8, -5);
    m_str(&attr, 1, "cats_int64s");
    for (int i = 0; i < MANY; i++)
        m_int(&attr, 8, i % 100);
    m_int(&attr, 20, 7);
    m_int(&attr, 8, INT64_MAX);
    m_msg(&n, 5, attr);
    m_msg(&m.graph, 1, n);
    m_msg(&m.graph, 11, value_info("x", 7, "1", NULL));
    add_output(&m, "y");
    import(&m, "ai.onnx.ml", 1);
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_OK);
    const Node *read = r->graph->first;
    const AttrDesc *d = read->op->attrs;
    while (strcmp(d->name, "cats_int64s"))
        d++;
    const Ints *ints = (const Ints *)((const char *)read->attrs + d->offset);
    assert_int_equal(ints->n, MANY + 2);
    assert_int_equal(ints->at[0], -5);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(ints->at[1 + i], i % 100);
    assert_true(ints->at[MANY + 1] == INT64_MAX);
    read_free(r);
}

static void test_function_is_expanded(void **state)
{
    (void)state;
    static const float three = 3, five = 5;
    Msg f = function("scaled"), dflt = attribute("factor", 1), ref = {0}, n = {0};
    m_str(&f, 4, "u");
    m_str(&f, 5, "v");
    m_msg(&f, 7, node("Relu", "u", NULL, "t"));
    m_str(&ref, 1, "value_float");
    m_str(&ref, 21, "factor");
    m_int(&ref, 20, 1);
    m_str(&n, 2, "k");
    m_str(&n, 4, "Constant");
    m_msg(&n, 5, ref);
    m_msg(&f, 7, n);
    m_msg(&f, 7, node("Mul", "t", "k", "v"));
    m_tag(&dflt, 2, 5);
    m_bytes(&dflt, &three, 4);
    m_msg(&f, 11, dflt); /* newer than Debian's schema */
    Model m = {0};
    m_msg(&m.model, 25, f);
    import(&m, "my", 1);
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
    Msg first = node("scaled", "x", NULL, "a"), second = node("scaled", "a", NULL, "y");
    Msg given = attribute("factor", 1);
    m_tag(&given, 2, 5);
    m_bytes(&given, &five, 4);
    m_msg(&second, 5, given);
    m_str(&first, 7, "my");
    m_str(&second, 7, "my");
    m_str(&second, 3, "call");
    m_msg(&m.graph, 1, first);
    m_msg(&m.graph, 1, second);
    add_output(&m, "y");
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_OK);
    assert_int_equal(graph_verify(r->graph), MLC_OK);
    assert_int_equal(graph_count(r->graph), 4);
    const Node *last = r->graph->last;
    assert_string_equal(last->op->name, "Mul");
    assert_string_equal(last->out[0]->name, "y");
    assert_string_equal(last->name, "call/v");
    double v = 0;
    assert_true(value_scalar(last->in[1], &v) && v == 5);
    assert_true(value_scalar(r->graph->first->next->in[1], &v) && v == 3);
    read_free(r);
}

static void test_function_recursion_is_refused(void **state)
{
    (void)state;
    Msg f = function("again"), call = node("again", "u", NULL, "v");
    m_str(&f, 4, "u");
    m_str(&f, 5, "v");
    m_str(&call, 7, "my");
    m_msg(&f, 7, call);
    Model m = {0};
    m_msg(&m.model, 25, f);
    import(&m, "my", 1);
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
    Msg n = node("again", "x", NULL, "y");
    m_str(&n, 7, "my");
    m_msg(&m.graph, 1, n);
    add_output(&m, "y");
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_INPUT);
    assert_true(has_code(r, E0103));
    read_free(r);
}

/* 30 functions, each calling the next twice: 2^30 nodes if nobody counts. */
static void test_function_bomb_is_refused(void **state)
{
    (void)state;
    Model m = {0};
    import(&m, "my", 1);
    for (int i = 0; i < 30; i++) {
        char name[16], next[16];
        snprintf(name, sizeof name, "f%d", i);
        snprintf(next, sizeof next, "f%d", i + 1);
        Msg f = function(name);
        m_str(&f, 4, "u");
        m_str(&f, 5, "v");
        Msg a = node(i < 29 ? next : "Relu", "u", NULL, "t");
        Msg b = node(i < 29 ? next : "Relu", "t", NULL, "v");
        if (i < 29) {
            m_str(&a, 7, "my");
            m_str(&b, 7, "my");
        }
        m_msg(&f, 7, a);
        m_msg(&f, 7, b);
        m_msg(&m.model, 25, f);
    }
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
    Msg n = node("f0", "x", NULL, "y");
    m_str(&n, 7, "my");
    m_msg(&m.graph, 1, n);
    add_output(&m, "y");
    Read *r = read_limited(finish(&m), &(OnnxLimits){.max_nodes = 10000});
    assert_int_equal(r->status, MLC_INPUT);
    assert_true(has_code(r, E0104));
    read_free(r);
}

/* ---- bodies ---- */
static Msg branch(const char *op, const char *a, const char *b, const char *out)
{
    Msg g = {0}, vi = {0};
    m_str(&g, 2, out);
    m_msg(&g, 1, node(op, a, b, out));
    m_str(&vi, 1, out);
    m_msg(&g, 12, vi);
    return g;
}

static Msg if_node(Msg yes, Msg no, const char *out)
{
    Msg n = {0}, t = attribute("then_branch", 5), e = attribute("else_branch", 5);
    m_str(&n, 1, "cond");
    m_str(&n, 2, out);
    m_str(&n, 4, "If");
    m_msg(&t, 6, yes);
    m_msg(&e, 6, no);
    m_msg(&n, 5, t);
    m_msg(&n, 5, e);
    return n;
}

static void test_captures_become_inputs(void **state)
{
    (void)state;
    if (!op_find(NULL, "If"))
        skip();
    static const float w[3] = {1, 2, 3};
    Model m = {0};
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
    m_msg(&m.graph, 11, value_info("z", 1, "3", NULL));
    m_msg(&m.graph, 11, value_info("cond", 9, NULL));
    m_msg(&m.graph, 5, raw_tensor("w", 1, 1, (int64_t[]){3}, w, sizeof w));
    /* The If stands before the node that makes "h", which it captures two levels down. */
    Msg inner = if_node(branch("Add", "h", "z", "p"), branch("Mul", "x", "w", "q"), "i");
    Msg outer = {0}, vi = {0};
    m_msg(&outer, 1, inner);
    m_str(&vi, 1, "i");
    m_msg(&outer, 12, vi);
    m_msg(&m.graph, 1, if_node(outer, branch("Neg", "z", NULL, "r"), "y"));
    add_node(&m, "Exp", "x", "h");
    add_output(&m, "y");
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_OK);
    assert_int_equal(graph_verify(r->graph), MLC_OK);
    const Node *n = r->graph->last;
    assert_string_equal(n->op->name, "If");
    static const char *const want[] = {"cond", "cond", "h", "z", "x"};
    assert_int_equal(n->nin, COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_string_equal(n->in[i]->name, want[i]);
    const Graph *const *bodies = n->attrs; /* the attributes of If are two graphs */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bodies[i]->inputs.len, COUNT_OF(want) - 1);
        for (size_t k = 1; k < COUNT_OF(want); k++)
            assert_string_equal(bodies[i]->inputs.at[k - 1]->name, want[k]);
        assert_int_equal(bodies[i]->outputs.len, 1);
    }
    read_free(r);
}

/* ---- what is reported ---- */
static void test_unknown_operators_are_reported_once(void **state)
{
    (void)state;
    Model m = {0};
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
    add_node(&m, "NoSuchOperator", "x", "a");
    add_node(&m, "NoSuchOperator", "a", "b");
    add_node(&m, "OtherStrangeOne", "b", "y");
    add_output(&m, "y");
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_INPUT);
    assert_null(r->graph);
    assert_int_equal(r->ctx.diags.errors, 2);
    const Diag *d = r->ctx.diags.first;
    assert_int_equal(d->code, E0201);
    assert_int_equal(d->count, 2);
    assert_string_equal(d->loc.node, "a");
    assert_non_null(strstr(d->message, "NoSuchOperator"));
    assert_int_equal(d->next->count, 1);
    read_free(r);
}

static void test_missing_import_is_reported_once(void **state)
{
    (void)state;
    Model m = {.no_import = true};
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
    add_node(&m, "Relu", "x", "a");
    add_node(&m, "Relu", "a", "y");
    add_output(&m, "y");
    Read *r = read_msg(finish(&m));
    assert_int_equal(r->status, MLC_INPUT);
    assert_int_equal(r->ctx.diags.errors, 1);
    assert_int_equal(r->ctx.diags.first->code, E0108);
    assert_int_equal(r->ctx.diags.first->count, 2);
    read_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_model),
        cmocka_unit_test(test_dimensions),
        cmocka_unit_test(test_initializer_listed_as_input),
        cmocka_unit_test(test_order_is_restored),
        cmocka_unit_test(test_unused_domain_and_wrong_hint),
        cmocka_unit_test(test_typed_fields),
        cmocka_unit_test(test_float_data_is_mapped),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_sparse_initializer),
        cmocka_unit_test(test_constant_forms),
        cmocka_unit_test(test_long_attributes),
        cmocka_unit_test(test_function_is_expanded),
        cmocka_unit_test(test_function_recursion_is_refused),
        cmocka_unit_test(test_function_bomb_is_refused),
        cmocka_unit_test(test_captures_become_inputs),
        cmocka_unit_test(test_unknown_operators_are_reported_once),
        cmocka_unit_test(test_missing_import_is_reported_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
