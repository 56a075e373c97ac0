/* Nodes of older opsets become nodes of the newest meaning. */
#include "ir/base/str.h"
#include "ir/graph/op_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct World {
    Ctx    ctx;
    Graph *g;
} World;

static int setup(void **state)
{
    static World w;
    ctx_init(&w.ctx);
    w.g = graph_new(&w.ctx, "old.onnx", NULL);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    ctx_free(&((World *)*state)->ctx);
    return 0;
}

/* A new f32 graph input; rank 0 to 4. */
static Value *input(World *w, int rank, const int64_t *dim)
{
    return graph_input(w->g, NULL, type_tensor_const(w->g->pool, ELEM_F32, rank, dim));
}

static RawNode raw(World *w, const char *op, int version, int nin, Value *const *in)
{
    RawNode r = {.graph = w->g, .op = op, .name = "node", .version = version, .nout = 1};
    for (int i = 0; i < nin; i++)
        vec_push(w->g->arena, &r.in, in[i]);
    return r;
}

static void add_ints(RawNode *r, const char *name, int n, const int64_t *v)
{
    vec_push(r->graph->arena, &r->attrs,
             (RawAttr){.name = name, .kind = ATTR_ints, .ints = {true, n, v}});
}

static void add_floats(RawNode *r, const char *name, int n, const float *v)
{
    vec_push(r->graph->arena, &r->attrs,
             (RawAttr){.name = name, .kind = ATTR_floats, .floats = {true, n, v}});
}

/* Makes the node, infers it and compares its operator and its result's type. */
static Node *expect(World *w, RawNode *r, const char *op, const char *type)
{
    Node *n;
    if (op_make(r, &n) != MLC_OK || graph_infer(w->g) != MLC_OK)
        fail_msg("%s: %s", r->op, w->ctx.diags.first->message);
    assert_string_equal(n->op->name, op);
    Str s = str_new(w->g->arena);
    type_print(&s, w->g->pool, &n->out[0]->type);
    assert_string_equal(str_text(&s), type);
    return n;
}

static void refuse(World *w, RawNode *r, DiagCode code)
{
    Node *n;
    Status st = op_make(r, &n);
    if (st == MLC_OK)
        st = graph_infer(w->g);
    assert_int_equal(st, MLC_INPUT);
    assert_int_equal(w->ctx.diags.first->code, code);
}

static const int64_t image[4] = {2, 3, 4, 5};

static void broadcast_along_an_axis(void **state)
{
    World *w = *state;
    RawNode r = raw(w, "Add", 6, 2, (Value *[]){input(w, 4, image), input(w, 1, &image[1])});
    raw_set_int(&r, "broadcast", 1);
    raw_set_int(&r, "axis", 1);
    Node *n = expect(w, &r, "Add", "f32[2,3,4,5]");
    assert_int_equal(n->in[1]->type.rank, 3);
    assert_string_equal(n->in[1]->def->op->name, "Unsqueeze");
}

static void broadcast_axis_must_fit(void **state)
{
    World *w = *state;
    RawNode r = raw(w, "Mul", 1, 2, (Value *[]){input(w, 4, image), input(w, 2, image)});
    raw_set_int(&r, "broadcast", 1);
    raw_set_int(&r, "axis", 3);
    refuse(w, &r, E0302);
}

static void slope_per_channel(void **state)
{
    World *w = *state;
    RawNode r = raw(w, "PRelu", 6, 2, (Value *[]){input(w, 4, image), input(w, 1, &image[1])});
    Node *n = expect(w, &r, "PRelu", "f32[2,3,4,5]");
    assert_int_equal(n->in[1]->type.rank, 3);
}

static void softmax_was_flat(void **state)
{
    World *w = *state;
    RawNode r = raw(w, "Softmax", 11, 1, (Value *[]){input(w, 4, image)});
    expect(w, &r, "Softmax", "f32[2,3,4,5]");
    assert_int_equal(raw_attr(&r, "axis")->i, 1);
    assert_int_equal(raw_attr(&r, "coerce")->i, 1);
}

static void axes_become_an_input(void **state)
{
    World *w = *state;
    const int64_t axes[2] = {1, -1};
    RawNode r = raw(w, "ReduceMean", 13, 1, (Value *[]){input(w, 4, image)});
    add_ints(&r, "axes", 2, axes);
    expect(w, &r, "ReduceMean", "f32[2,1,4,1]");
    r = raw(w, "Unsqueeze", 11, 1, (Value *[]){input(w, 4, image)});
    add_ints(&r, "axes", 2, axes);
    expect(w, &r, "Unsqueeze", "f32[2,1,3,4,5,1]");
}

static void slice_by_attributes(void **state)
{
    World *w = *state;
    const int64_t starts[1] = {1}, ends[1] = {-1}, axes[1] = {2};
    RawNode r = raw(w, "Slice", 9, 1, (Value *[]){input(w, 4, image)});
    add_ints(&r, "starts", 1, starts);
    add_ints(&r, "ends", 1, ends);
    add_ints(&r, "axes", 1, axes);
    expect(w, &r, "Slice", "f32[2,3,2,5]");
}

static void split_by_attribute(void **state)
{
    World *w = *state;
    const int64_t parts[2] = {1, 2};
    RawNode r = raw(w, "Split", 11, 1, (Value *[]){input(w, 4, image)});
    r.nout = 2;
    raw_set_int(&r, "axis", 1);
    add_ints(&r, "split", 2, parts);
    expect(w, &r, "Split", "f32[2,1,4,5]");
}

static void reshape_by_attribute(void **state)
{
    World *w = *state;
    const int64_t shape[2] = {0, -1};
    RawNode r = raw(w, "Reshape", 1, 1, (Value *[]){input(w, 4, image)});
    add_ints(&r, "shape", 2, shape);
    expect(w, &r, "Reshape", "f32[2,60]");
}

static void pad_by_attributes(void **state)
{
    World *w = *state;
    const int64_t pads[8] = {0, 0, 1, 1, 0, 0, 1, 2};
    RawNode r = raw(w, "Pad", 1, 1, (Value *[]){input(w, 4, image)});
    add_ints(&r, "paddings", 8, pads);
    vec_push(w->g->arena, &r.attrs, (RawAttr){.name = "value", .kind = ATTR_float, .f = 7});
    Node *n = expect(w, &r, "Pad", "f32[2,3,6,8]");
    double fill;
    assert_true(value_scalar(n->in[2], &fill));
    assert_true(fill == 7);
}

static void clip_bounds(void **state)
{
    World *w = *state;
    RawNode r = raw(w, "Clip", 6, 1, (Value *[]){input(w, 4, image)});
    vec_push(w->g->arena, &r.attrs, (RawAttr){.name = "max", .kind = ATTR_float, .f = 6});
    Node *n = expect(w, &r, "Clip", "f32[2,3,4,5]");
    assert_int_equal(n->nin, 3);
    assert_null(n->in[1]);
}

/* A body that adds up, over a batch of 2 with sequences of at most 4: with and without lengths. */
static void scan_over_a_batch(void **state)
{
    World *w = *state;
    for (int with_length = 0; with_length < 2; with_length++) {
        Graph *body = graph_new(&w->ctx, "old.onnx", w->g);
        assert_int_equal(graph_parse_items(body, "in %a : ? in %b : ? %c = Add(%a, %b) out %c out %c"),
                         MLC_OK);
        Type length = type_tensor_const(w->g->pool, ELEM_I64, 1, (int64_t[]){2});
        RawNode r = raw(w, "Scan", 8, 3,
                        (Value *[]){with_length ? graph_input(w->g, NULL, length) : NULL,
                                    input(w, 2, (int64_t[]){2, 3}),
                                    input(w, 3, (int64_t[]){2, 4, 3})});
        vec_push(w->g->arena, &r.attrs, (RawAttr){.name = "body", .kind = ATTR_graph, .graph = body});
        raw_set_int(&r, "num_scan_inputs", 1);
        r.nout = 2;
        Node *n = expect(w, &r, "Scan", "f32[2,3]");
        assert_int_equal(n->nin, 2 + with_length);
        assert_int_equal(n->out[1]->type.rank, 3);
        assert_true(ex_is(n->out[1]->type.dim[2], 3));
    }
}

static void scan_of_too_few(void **state)
{
    World *w = *state;
    Graph *body = graph_new(&w->ctx, "old.onnx", w->g);
    RawNode r = raw(w, "Scan", 8, 2, (Value *[]){NULL, input(w, 3, image)});
    vec_push(w->g->arena, &r.attrs, (RawAttr){.name = "body", .kind = ATTR_graph, .graph = body});
    raw_set_int(&r, "num_scan_inputs", 2);
    refuse(w, &r, E0202);
}

static void upsample_is_resize(void **state)
{
    World *w = *state;
    const float scales[4] = {1, 1, 2, 3};
    RawNode r = raw(w, "Upsample", 7, 1, (Value *[]){input(w, 4, image)});
    add_floats(&r, "scales", 4, scales);
    raw_set_str(&r, "mode", "bilinear");
    expect(w, &r, "Resize", "f32[2,3,8,15]");
    assert_string_equal(raw_attr(&r, "coordinate_transformation_mode")->s, "asymmetric");
    assert_string_equal(raw_attr(&r, "mode")->s, "linear");
    RawNode first = raw(w, "Upsample", 1, 1, (Value *[]){input(w, 4, image)});
    vec_push(w->g->arena, &first.attrs, (RawAttr){.name = "height_scale", .kind = ATTR_float, .f = 2});
    vec_push(w->g->arena, &first.attrs, (RawAttr){.name = "width_scale", .kind = ATTR_float, .f = 3});
    expect(w, &first, "Resize", "f32[2,3,8,15]");
}

static void dropout_forgets_its_ratio(void **state)
{
    World *w = *state;
    RawNode r = raw(w, "Dropout", 6, 1, (Value *[]){input(w, 4, image)});
    vec_push(w->g->arena, &r.attrs, (RawAttr){.name = "ratio", .kind = ATTR_float, .f = 0.5f});
    raw_set_int(&r, "is_test", 1);
    expect(w, &r, "Dropout", "f32[2,3,4,5]");
}

static void batch_norm_with_old_attributes(void **state)
{
    World *w = *state;
    Value *c = input(w, 1, &image[1]), *x = input(w, 4, image);
    RawNode r = raw(w, "BatchNormalization", 7, 5, (Value *[]){x, c, c, c, c});
    raw_set_int(&r, "spatial", 1);
    expect(w, &r, "BatchNormalization", "f32[2,3,4,5]");
    r = raw(w, "BatchNormalization", 7, 5, (Value *[]){x, c, c, c, c});
    raw_set_int(&r, "spatial", 0);
    refuse(w, &r, E0205);
}

static void cast_by_name(void **state)
{
    World *w = *state;
    RawNode r = raw(w, "Cast", 1, 1, (Value *[]){input(w, 4, image)});
    raw_set_str(&r, "to", "INT32");
    expect(w, &r, "Cast", "i32[2,3,4,5]");
}

static void concat_had_a_default_axis(void **state)
{
    World *w = *state;
    RawNode r = raw(w, "Concat", 1, 2, (Value *[]){input(w, 4, image), input(w, 4, image)});
    expect(w, &r, "Concat", "f32[2,6,4,5]");
}

static void wrong_kind_of_attribute(void **state)
{
    World *w = *state;
    RawNode r = raw(w, "Squeeze", 11, 1, (Value *[]){input(w, 4, image)});
    raw_set_str(&r, "axes", "0");
    refuse(w, &r, E0203);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(broadcast_along_an_axis), T(broadcast_axis_must_fit), T(slope_per_channel),
        T(softmax_was_flat), T(axes_become_an_input), T(slice_by_attributes),
        T(split_by_attribute), T(reshape_by_attribute), T(pad_by_attributes), T(clip_bounds),
        T(scan_over_a_batch), T(scan_of_too_few), T(upsample_is_resize), T(dropout_forgets_its_ratio), T(batch_norm_with_old_attributes),
        T(cast_by_name), T(concat_had_a_default_axis), T(wrong_kind_of_attribute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
