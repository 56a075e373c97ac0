/* Writing ONNX: what is written and read again is the graph that was written. */
#include "frontend/onnx/onnx.h"
#include "frontend/onnx/opset.h"
#include "frontend/onnx/writer.h"
#include "ir/base/file.h"
#include "ir/graph/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Fixture {
    Ctx c;
    char dir[64];
} Fixture;

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    ctx_init(&f->c);
    snprintf(f->dir, sizeof f->dir, "/tmp/mlc-test-XXXXXX");
    *state = f;
    return mkdtemp(f->dir) ? 0 : -1;
}

static int teardown(void **state)
{
    Fixture *f = *state;
    char command[96];
    ctx_free(&f->c);
    snprintf(command, sizeof command, "rm -r '%s'", f->dir);
    int failed = system(command);
    free(f);
    return failed;
}

static const char *path_in(const Fixture *f, const char *name)
{
    static char buf[4][128];
    static int at;
    at = (at + 1) % 4;
    snprintf(buf[at], sizeof buf[at], "%s/%s", f->dir, name);
    return buf[at];
}

static void require(Ctx *c, Status s)
{
    if (s != MLC_OK)
        fail_msg("%s", c->diags.last ? c->diags.last->message : "no message");
}

static Graph *parse(Ctx *c, const char *text)
{
    Graph *g = NULL;
    require(c, graph_parse(c, text, "t.mlc", &g));
    require(c, graph_infer(g));
    return g;
}

static Graph *read_model(Ctx *c, const char *path)
{
    Graph *g = NULL;
    require(c, onnx_read(c, path, NULL, &g));
    require(c, graph_infer(g));
    require(c, graph_verify(g));
    return g;
}

/* The text without the first line, and without the data of constants that lie in files. */
static const char *shape_of(Graph *g)
{
    Str all = str_new(g->arena), kept = str_new(g->arena);
    graph_print(&all, g);
    const char *line = strchr(str_text(&all), '\n');
    while (line && *++line) {
        size_t n = strcspn(line, "\n");
        const char *text = arena_strndup(g->arena, line, n), *data = strstr(text, " = ");
        bool constant = str_starts(text, "  const ") && data;
        bool far = constant && (str_starts(data, " = ref ") || str_starts(data, " = hex ") ||
                                str_starts(data, " = splat "));
        str_addn(&kept, text, far ? (size_t)(data - text) : n);
        str_addc(&kept, '\n');
        line += n;
    }
    return str_text(&kept);
}

static void same_constants(const Graph *a, const Graph *b)
{
    for (size_t i = 0; i < a->values.len; i++) {
        const Value *v = a->values.at[i];
        if (!v->data || !v->uses.len)
            continue;
        const Value *w = map_get(&b->by_name, v->name);
        assert_non_null(w);
        assert_non_null(w->data);
        if (!tensor_equal(v->data, w->data))
            fail_msg("constant '%s' differs", v->name);
    }
}

static Graph *round_trip(Fixture *f, Graph *g, const OnnxWriteOptions *o)
{
    const char *path = path_in(f, "m.onnx");
    require(&f->c, onnx_write(&f->c, g, o, path));
    Graph *back = read_model(&f->c, path);
    assert_string_equal(shape_of(g), shape_of(back));
    same_constants(g, back);
    return back;
}

/* Attributes of all kinds, omitted inputs, dynamic dimensions, two users. */
static const char everything[] =
    "graph \"every thing\" opset 18 {\n"
    "  sym batch >= 1\n  sym \"len 2\" >= 0\n"
    "  in %x : f32[batch,4,8,8]\n"
    "  in %\"odd name/1\" : i64[\"len 2\"]\n"
    "  const %w : f32[4,4,3,3] = splat {0x1.8p-1}\n"
    "  const %high : f32[] = {0x1p+2}\n"
    "  const %n : i64[1] = {3}\n"
    "  const %zero : i64[1] = {0}\n"
    "  const %empty : f32[0] = {}\n"
    "  %c = Conv(%x, %w) {pads=[1,1,1,1]} name \"conv\"\n"
    "  %l = LeakyRelu(%c) {alpha=0x1.99999ap-4} name \"the node\"\n"
    "  %cl = Clip(%l, _, %high)\n"
    "  %r = ReduceMean(%cl) {keepdims=0}\n"
    "  %p = MaxPool(%cl) {kernel_shape=[2,2]}\n"
    "  %q = Pad(%p, %pads) {mode=\"reflect\"}\n"
    "  %k = ConstantOfShape(%n) {value=i64[1] {-7}}\n"
    "  %s = Slice(%\"odd name/1\", %zero, %n, %zero)\n"
    "  %d = Concat(%\"odd name/1\", %\"odd name/1\") {axis=0}\n"
    "  %z = Identity(%empty)\n"
    "  out %q\n  out %r\n  out %k\n  out %s\n  out %d\n  out %z\n}\n";

static void test_round_trip(void **state)
{
    Fixture *f = *state;
    Str text = str_new(arena_new(&f->c));
    const char *cut = strstr(everything, "  %c = ");
    str_addn(&text, everything, (size_t)(cut - everything));
    str_add(&text, "  const %pads : i64[8] = {0, 0, 1, 1, 0, 0, 1, 1}\n");
    str_add(&text, cut);
    Graph *g = parse(&f->c, str_text(&text));
    Graph *back = round_trip(f, g, NULL);
    assert_int_equal(back->opset, 18);
    round_trip(f, back, NULL);
    round_trip(f, g, &(OnnxWriteOptions){.external = true, .version = "1"});
}

/* Constants of every element type, alone and as splats that are longer than the writer's chunk. */
static void test_element_types(void **state)
{
    Fixture *f = *state;
    Graph *g = graph_new(&f->c, "t", NULL);
    const OpInfo *identity = op_find(NULL, "Identity");
    g->opset = 18;
    for (int e = ELEM_NONE + 1; e < ELEM_COUNT; e++) {
        int64_t few = 5, many = 70001;
        Tensor *t = tensor_new(g->arena, (Elem)e, 1, &few);
        Tensor *one = tensor_new(g->arena, (Elem)e, 1, &(int64_t){1});
        for (size_t i = 0; i < t->size_bytes && e != ELEM_STRING; i++)
            ((uint8_t *)t->data)[i] = (uint8_t)(17 * i + 1);
        for (size_t i = 0; i < one->size_bytes && e != ELEM_STRING; i++)
            ((uint8_t *)one->data)[i] = (uint8_t)(i + 1);
        if (e == ELEM_BOOL)
            memset((void *)t->data, 1, t->size_bytes);
        if (elem_bits[e] < 8)
            for (size_t i = 5; i < t->size_bytes * 8 / elem_bits[e]; i++)
                elem_set_bits((Elem)e, (void *)t->data, i, 0);
        for (int i = 0; i < 5 && e == ELEM_STRING; i++)
            ((const char **)t->data)[i] = i == 3 ? "" : "a \xc3\xa9";
        if (e == ELEM_STRING)
            *(const char **)one->data = "b";
        one->dim[0] = many;
        one->splat = true;
        for (int k = 0; k < 2; k++) {
            Value *v = graph_const(g, arena_printf(g->arena, "%s%d", elem_name[e], k), k ? one : t);
            Node *n = graph_insert(g, NULL, identity, NULL, 1, &v, 1, NULL, NULL);
            graph_output(g, n->out[0]);
        }
    }
    require(&f->c, graph_infer(g));
    for (int external = 0; external < 2; external++) {
        const char *path = path_in(f, "e.onnx");
        require(&f->c, onnx_write(&f->c, g, &(OnnxWriteOptions){.external = external}, path));
        Graph *back = read_model(&f->c, path);
        same_constants(g, back);
        assert_int_equal(back->opset, 25); /* that of u2 */
    }
}

static int opset_of_node(Fixture *f, int opset, const char *type, const char *node)
{
    Arena *a = arena_new(&f->c);
    int version = 0;
    Graph *g = parse(&f->c, arena_printf(a,
                                         "graph \"\" opset %d {\n in %%x : %s[1,4,8,8]\n"
                                         " const %%n : i64[8] = {0, 0, 1, 1, 0, 0, 1, 1}\n"
                                         " const %%c : f32[2] = {0x1p+0, 0x1p+0}\n"
                                         " %%y = %s\n out %%y\n}\n",
                                         opset, type, node));
    return onnx_opset_of(g, &version) == MLC_OK ? version : -1;
}

static void test_opset(void **state)
{
    Fixture *f = *state;
    assert_int_equal(opset_of_node(f, 7, "f32", "Relu(%x)"), 18);
    assert_int_equal(opset_of_node(f, 21, "f32", "Relu(%x)"), 21);
    assert_int_equal(opset_of_node(f, 7, "f32", "Transpose(%x) {perm=[1,0,2,3]}"), 18);
    assert_int_equal(opset_of_node(f, 7, "f32", "AveragePool(%x) {kernel_shape=[2,2]}"), 18);
    assert_int_equal(
        opset_of_node(f, 7, "f32", "AveragePool(%x) {kernel_shape=[2,2], dilations=[2,2]}"), 19);
    assert_int_equal(opset_of_node(f, 7, "f32", "Pad(%x, %n) {mode=\"edge\"}"), 18);
    assert_int_equal(opset_of_node(f, 7, "f32", "Pad(%x, %n) {mode=\"wrap\"}"), 19);
    assert_int_equal(opset_of_node(f, 7, "bool", "ReduceMax(%x)"), 20);
    assert_int_equal(opset_of_node(f, 7, "bf16", "Relu(%x)"), 18);
    assert_int_equal(opset_of_node(f, 7, "bf16", "Elu(%x)"), 22);
    assert_int_equal(opset_of_node(f, 7, "f8e5m2", "Cast(%x) {to=1}"), 21);
    /* Forms that are older than what is written: the pipeline expands them. */
    assert_int_equal(opset_of_node(f, 7, "f32", "Softmax(%x) {axis=1, coerce=1}"), -1);
    assert_int_equal(opset_of_node(f, 18, "f32",
                                   "GroupNormalization(%x, %c, %c) {num_groups=2, per_group=1}"),
                     -1);
}

static const char weights[] = "graph \"\" opset 18 {\n in %x : f32[4,512]\n"
                              " const %a : f32[512] = splat {0x1p+1}\n"
                              " const %b : f32[512] = splat {0x1p+0}\n"
                              " const %c : f32[1] = {0x1p+3}\n"
                              " %u = Mul(%x, %a)\n %v = Add(%u, %b)\n %w = Sub(%v, %c)\n"
                              " out %w\n}\n";

/* Large tensors lie in the other file, on page boundaries; small ones in the model. */
static void test_external(void **state)
{
    Fixture *f = *state;
    const OnnxWriteOptions o = {.external = true};
    Graph *back = round_trip(f, parse(&f->c, weights), &o);
    const Value *a = map_get(&back->by_name, "a"), *b = map_get(&back->by_name, "b");
    assert_string_equal(a->data->path, "m.onnx.data");
    assert_int_equal(a->data->offset, 0);
    assert_int_equal(b->data->offset, 4096);
    struct stat st;
    assert_int_equal(stat(path_in(f, "m.onnx.data"), &st), 0);
    assert_int_equal(st.st_size, 4096 + 2048);
    /* The data of the model that is read is not replaced under it. */
    assert_int_equal(onnx_write(&f->c, back, &o, path_in(f, "m.onnx")), MLC_USAGE);
    assert_non_null(strstr(f->c.diags.last->message, "holds the weights of the model"));
    require(&f->c, onnx_write(&f->c, back, &o, path_in(f, "n.onnx")));
}

static void test_cannot_write(void **state)
{
    Fixture *f = *state;
    Graph *g = parse(&f->c, weights);
    assert_int_equal(onnx_write(&f->c, g, NULL, path_in(f, "absent/m.onnx")), MLC_SYSTEM);
    char command[128];
    mkdir(path_in(f, "d.onnx.data"), 0755);
    assert_int_equal(
        onnx_write(&f->c, g, &(OnnxWriteOptions){.external = true}, path_in(f, "d.onnx")),
        MLC_SYSTEM);
    snprintf(command, sizeof command, "test \"$(ls '%s')\" = d.onnx.data", f->dir);
    assert_int_equal(system(command), 0);
}

/* Two values of one model that the writer must keep apart although a pass gave nodes one name. */
static void test_node_names(void **state)
{
    Fixture *f = *state;
    Graph *g = parse(&f->c, "graph \"\" opset 18 {\n in %x : f32[2]\n"
                            " %a = Relu(%x) name \"n\"\n %b = Neg(%a) name \"n\"\n out %b\n}\n");
    require(&f->c, onnx_write(&f->c, g, NULL, path_in(f, "m.onnx")));
    Graph *back = read_model(&f->c, path_in(f, "m.onnx"));
    assert_string_equal(back->first->name, "n");
    assert_string_equal(back->last->name, "n_1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_element_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_opset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_external, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_node_names, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
