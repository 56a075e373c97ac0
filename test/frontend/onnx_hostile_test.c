/* Hostile ONNX files: each must be refused with the right code, quickly, without much memory. */
#include "ir/base/file.h"
#include "ir/base/str.h"
#include "test/frontend/model.h"

#include <setjmp.h>
#include <sys/resource.h>

#include <cmocka.h>

static void expect(Msg m, DiagCode code)
{
    Read *r = read_msg(m);
    if (r->status != MLC_INPUT || !has_code(r, code))
        fail_msg("status %d, %zu errors, first %s; %s expected", r->status, r->ctx.diags.errors,
                 r->ctx.diags.first ? r->ctx.diags.first->message : "none", diag_code_name[code]);
    assert_null(r->graph);
    assert_int_equal(r->ctx.memory_used, 0); /* nothing is left behind */
    read_free(r);
}

/* A model with everything: inputs, constants of several kinds, attributes, a function, a body. */
static Msg rich_model(void)
{
    static const float w[3] = {1, 2, 3};
    Model m = {0};
    Msg f = {0}, opset = {0}, call, attr = {0}, body = {0}, n = {0}, seq = {0}, tp = {0}, vi = {0};
    m_str(&f, 1, "twice");
    m_str(&f, 10, "my");
    m_str(&f, 4, "u");
    m_str(&f, 5, "v");
    m_int(&opset, 2, 17);
    m_msg(&f, 9, opset);
    m_msg(&f, 7, node("Add", "u", "u", "v"));
    m_msg(&m.model, 25, f);
    import(&m, "my", 1);
    m_msg(&m.graph, 11, value_info("x", 1, "batch", "3", NULL));
    m_msg(&m.graph, 5, raw_tensor("w", 1, 1, (int64_t[]){3}, w, sizeof w));
    m_msg(&tp, 1, (Msg){0});
    m_msg(&seq, 4, tp);
    m_str(&vi, 1, "s");
    m_msg(&vi, 2, seq);
    m_msg(&m.graph, 13, vi);
    add_node2(&m, "Add", "x", "w", "a");
    call = node("twice", "a", NULL, "b");
    m_str(&call, 7, "my");
    m_msg(&m.graph, 1, call);
    m_str(&body, 2, "body");
    m_msg(&body, 1, node("Relu", "b", NULL, "c"));
    m_str(&attr, 1, "then_branch");
    m_msg(&attr, 6, body);
    m_int(&attr, 20, 5);
    m_str(&n, 1, "b");
    m_str(&n, 2, "d");
    m_str(&n, 4, "NoSuchOperator");
    m_msg(&n, 5, attr);
    m_msg(&m.graph, 1, n);
    add_output(&m, "b");
    return finish(&m);
}

static Msg copy_of(const Msg *m, size_t n)
{
    Msg out = {0};
    m_bytes(&out, m->at, n);
    return out;
}

static void test_every_truncation(void **state)
{
    (void)state;
    Msg models[] = {relu_model(), rich_model()};
    for (size_t k = 0; k < COUNT_OF(models); k++) {
        for (size_t n = 0; n < models[k].len; n++) {
            Read *r = read_msg(copy_of(&models[k], n));
            assert_int_equal(r->status, MLC_INPUT); /* the operator set is the last field */
            assert_true(r->ctx.diags.errors > 0);
            assert_int_equal(r->ctx.memory_used, 0);
            read_free(r);
        }
        free(models[k].at);
    }
}

static void test_every_byte_changed(void **state)
{
    (void)state;
    static const uint8_t masks[] = {0xff, 0x80, 0x01, 0x7f, 0x08, 0x05};
    Msg models[] = {relu_model(), rich_model()};
    for (size_t k = 0; k < COUNT_OF(models); k++) {
        for (size_t n = 0; n < models[k].len * COUNT_OF(masks); n++) {
            Msg m = copy_of(&models[k], models[k].len);
            m.at[n / COUNT_OF(masks)] ^= masks[n % COUNT_OF(masks)];
            Read *r = read_msg(m);
            assert_true(r->status == MLC_OK || r->status == MLC_INPUT);
            assert_true(r->status == MLC_OK || r->ctx.diags.errors > 0);
            read_free(r);
        }
        free(models[k].at);
    }
}

/* ---- the wire format ---- */
static void test_deep_type(void **state)
{
    (void)state;
    Msg t = {0}, vi = {0};
    for (int i = 0; i < 5000; i++) { /* TypeProto { sequence_type { elem_type { ... } } } */
        Msg seq = {0}, outer = {0};
        m_msg(&seq, 1, t);
        m_msg(&outer, 4, seq);
        t = outer;
    }
    Model m = {0};
    m_str(&vi, 1, "x");
    m_msg(&vi, 2, t);
    m_msg(&m.graph, 11, vi);
    expect(finish(&m), E0103);
}

static void test_deep_bodies(void **state)
{
    (void)state;
    Msg g = {0};
    for (int i = 0; i < 2000; i++) {
        Msg a = {0}, n = {0}, outer = {0};
        m_str(&a, 1, "b");
        m_msg(&a, 6, g);
        m_str(&n, 4, "If");
        m_msg(&n, 5, a);
        m_msg(&outer, 1, n);
        g = outer;
    }
    Model m = {.graph = g};
    expect(finish(&m), E0103);
}

static long peak_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static void test_memory_amplification(void **state)
{
    (void)state;
    enum { HALF = 5 << 20 };
    static const unsigned fields[] = {5, 1, 11, 13, 15}; /* initializers, nodes, value infos */
    long before = peak_kb();
    for (size_t k = 0; k < COUNT_OF(fields); k++) {
        Model m = {0};
        for (int i = 0; i < HALF; i++) {
            m_tag(&m.graph, fields[k], 2);
            m_varint(&m.graph, 0);
        }
        int64_t start = clock_ns();
        expect(finish(&m), E0104);
        assert_true(clock_ns() - start < 5000000000);
    }
    assert_true(peak_kb() - before < 300000);
}

static void test_wire_errors(void **state)
{
    (void)state;
    Msg m = relu_model();
    m_tag(&m, 3, 3); /* a group */
    expect(m, E0102);
    m = relu_model();
    m_tag(&m, 3, 6);
    expect(m, E0102);
    m = relu_model();
    m_tag(&m, 0, 0);
    expect(m, E0102);
    m = relu_model();
    m_tag(&m, 5, 0);
    m_bytes(&m, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11); /* eleven bytes */
    expect(m, E0102);
    m = relu_model();
    m_tag(&m, 2, 2);
    m_varint(&m, UINT64_MAX); /* a length */
    expect(m, E0102);
    m = relu_model();
    m_msg(&m, 7, (Msg){0}); /* a second graph */
    expect(m, E0102);
    m = relu_model();
    m_int(&m, 7, 1); /* a graph that is a number */
    expect(m, E0102);
}

/* ---- files of other kinds ---- */
static void expect_other(const void *bytes, size_t n, const char *word)
{
    Msg m = {0};
    m_bytes(&m, bytes, n);
    Read *r = read_msg(m);
    assert_int_equal(r->status, MLC_INPUT);
    assert_int_equal(r->ctx.diags.errors, 1);
    const Diag *d = r->ctx.diags.first;
    assert_int_equal(d->code, E0101);
    if (!strstr(d->message, word))
        fail_msg("'%s' lacks '%s'", d->message, word);
    assert_non_null(d->help);
    read_free(r);
}

static void test_other_files(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *word;
    } files[] = {
        {"", 0, "empty"},
        {"<!DOCTYPE html><html>", 21, "web page"},
        {"\n <HTML>", 8, "web page"},
        {"version https://git-lfs.github.com/spec/v1\n", 43, "git-lfs"},
        {"PK\3\4....", 8, "zip"},
        {"\x80\2}q\0", 5, "pickle"},
        {"\x1c\0\0\0TFL3....", 12, "TensorFlow Lite"},
        {"\x89HDF\r\n\x1a\n", 8, "HDF5"},
        {"{\"a\": 1}", 8, "JSON"},
        {"\x10\0\0\0\0\0\0\0{\"w\":{}}", 16, "safetensors"},
        {"ir_version: 8", 13, "text form"},
        {"hello, world", 12, "text file"},
        {"\x7f"
         "ELF\2\1\1\0",
         8, "program"},
        {"\x93NUMPY\1\0", 8, "NumPy"},
        {"\x0a\x10\x0a\x05"
         "input\x12\x05"
         "Const",
         16, "TensorFlow"},
        {"\xff\xff\xff\xff", 4, "unknown kind"},
        {"\x08\x07", 2, "without a graph"},
    };
    for (size_t i = 0; i < COUNT_OF(files); i++)
        expect_other(files[i].bytes, files[i].n, files[i].word);
}

static void test_absent_file(void **state)
{
    (void)state;
    Read *r = read_path("/nonexistent/model.onnx", NULL);
    assert_int_equal(r->status, MLC_SYSTEM);
    assert_true(has_code(r, E0002));
    read_free(r);
}

/* ---- tensors ---- */
static Msg tensor(int elem, int rank, const int64_t *dim, const void *data, size_t size)
{
    return constant_model(raw_tensor("w", elem, rank, dim, data, size));
}

static void test_tensor_sizes(void **state)
{
    (void)state;
    static const int64_t huge[] = {1LL << 40, 1LL << 40}, wide[] = {1LL << 61};
    static const int64_t negative[] = {3, -1}, three[] = {3}, many[13] = {1}, big[] = {1LL << 41};
    static const int64_t sneaky[] = {0, 1LL << 62, 1LL << 62};
    expect(tensor(1, 2, huge, "", 0), E0304);
    expect(tensor(1, 1, wide, "", 0), E0304);
    expect(tensor(1, 3, sneaky, "", 0), E0304);
    expect(tensor(1, 1, big, "", 0), E0104);
    expect(tensor(1, 2, negative, "", 0), E0105);
    expect(tensor(1, 1, three, "12345678901", 11), E0105);
    expect(tensor(1, 1, three, "1234567890123", 13), E0105);
    expect(tensor(1, 1, three, "", 0), E0105);
    expect(tensor(1, 13, many, "1234", 4), E0302);
    expect(tensor(99, 1, three, "123", 3), E0204);
    expect(tensor(0, 1, three, "123", 3), E0204);
    expect(tensor(8, 1, three, "123", 3), E0105);
    expect(tensor(1, 1, (int64_t[]){1LL << 30}, "1234", 4), E0105);
}

static void test_typed_field_sizes(void **state)
{
    (void)state;
    Msg t = {0};
    m_int(&t, 1, 1LL << 35); /* many elements, one value */
    m_int(&t, 2, 6);
    m_int(&t, 5, 1);
    m_str(&t, 8, "w");
    expect(constant_model(t), E0105);
    Msg u = {0};
    m_int(&u, 1, 1);
    m_int(&u, 2, 2);
    m_int(&u, 5, 256); /* does not fit u8 */
    m_str(&u, 8, "w");
    expect(constant_model(u), E0105);
    Msg v = {0};
    m_int(&v, 1, 1);
    m_int(&v, 2, 1);
    m_blob(&v, 4, "12345", 5); /* float_data ends inside a value */
    m_str(&v, 8, "w");
    expect(constant_model(v), E0102);
}

static void test_input_dimensions(void **state)
{
    (void)state;
    Model m = {0};
    m_msg(&m.graph, 11, value_info("x", 1, "3", "-2", NULL));
    add_node(&m, "Relu", "x", "y");
    add_output(&m, "y");
    expect(finish(&m), E0107);
    m_msg(&m.graph, 11, value_info("x", 1, "4611686018427387904", "4", NULL));
    add_node(&m, "Relu", "x", "y");
    add_output(&m, "y");
    expect(finish(&m), E0304);
}

static void test_sparse(void **state)
{
    (void)state;
    static const float v[1] = {5};
    for (int k = 0; k < 3; k++) {
        int64_t at[1] = {k == 0 ? 9 : k == 1 ? -1 : 0};
        Msg sparse = {0};
        m_msg(&sparse, 1, raw_tensor("w", 1, 1, (int64_t[]){1}, v, sizeof v));
        m_msg(&sparse, 2, raw_tensor("i", 7, 1, (int64_t[]){1}, at, sizeof at));
        m_int(&sparse, 3, k == 2 ? 1LL << 35 : 9);
        Model m = {0};
        m_msg(&m.graph, 15, sparse);
        add_output(&m, "w");
        expect(finish(&m), k == 2 ? E0104 : E0105);
    }
    Model m = {0};
    m_msg(&m.graph, 15, (Msg){0});
    expect(finish(&m), E0105);
}

/* ---- graphs ---- */
static void test_cycles(void **state)
{
    (void)state;
    Model m = {0};
    add_node(&m, "Relu", "y", "y");
    add_output(&m, "y");
    expect(finish(&m), E0107);
    for (int i = 0; i < 1000; i++) {
        char a[16], b[16];
        snprintf(a, sizeof a, "v%d", (i + 1) % 1000);
        snprintf(b, sizeof b, "v%d", i);
        add_node(&m, "Relu", a, b);
    }
    add_output(&m, "v0");
    expect(finish(&m), E0107);
}

static void test_names(void **state)
{
    (void)state;
    Model m = {0};
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL)); /* two nodes, one name */
    add_node(&m, "Relu", "x", "y");
    add_node(&m, "Neg", "x", "y");
    add_output(&m, "y");
    expect(finish(&m), E0107);
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL)); /* two inputs */
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
    add_output(&m, "x");
    expect(finish(&m), E0107);
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL)); /* a node that redefines an input */
    add_node(&m, "Relu", "x", "x2");
    add_node(&m, "Neg", "x2", "x");
    add_output(&m, "x");
    expect(finish(&m), E0107);
    m_msg(&m.graph, 5, raw_tensor("w", 1, 0, NULL, "1234", 4)); /* two initializers */
    m_msg(&m.graph, 5, raw_tensor("w", 1, 0, NULL, "1234", 4));
    add_output(&m, "w");
    expect(finish(&m), E0107);
    add_node(&m, "Relu", "nowhere", "y"); /* an input that nothing defines */
    add_output(&m, "y");
    expect(finish(&m), E0107);
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL)); /* an output that nothing defines */
    add_output(&m, "nowhere");
    expect(finish(&m), E0107);
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL)); /* no outputs at all */
    expect(finish(&m), E0107);
    m_msg(&m.graph, 1, (Msg){0}); /* a node that says nothing */
    expect(finish(&m), E0107);
}

static void test_attributes(void **state)
{
    (void)state;
    Model m = {0};
    Msg n = node("Relu", "x", NULL, "y");
    for (int i = 0; i < 2; i++) {
        Msg a = {0};
        m_str(&a, 1, "alpha");
        m_int(&a, 3, 1);
        m_int(&a, 20, 2);
        m_msg(&n, 5, a);
    }
    m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
    m_msg(&m.graph, 1, n);
    add_output(&m, "y");
    expect(finish(&m), E0203);
}

static void test_versions(void **state)
{
    (void)state;
    static const int64_t versions[] = {0, -1, 1000, INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        Model m = {.no_import = true};
        import(&m, "", versions[i]);
        m_msg(&m.graph, 11, value_info("x", 1, "3", NULL));
        add_output(&m, "x");
        expect(finish(&m), E0108);
    }
    Msg m = relu_model();
    m_int(&m, 1, 1000); /* IR version; the last one given counts */
    expect(m, E0108);
}

/* Every allocation fails once: reported as out of memory, nothing is leaked. */
static void test_allocation_failures(void **state)
{
    (void)state;
    char path[] = "/tmp/mlc-test-XXXXXX.onnx";
    Msg m = rich_model();
    close(mkstemps(path, 5));
    m_save(&m, path);
    free(m.at);
    int64_t n = 1;
    for (bool failed = true; failed; n++) {
        Read *r = calloc(1, sizeof *r);
        ReadArgs a = {r, path, NULL};
        ctx_init(&r->ctx);
        r->ctx.fail_alloc_at = n;
        r->status = ctx_protect(&r->ctx, read_protected, &a);
        failed = r->ctx.fail_alloc_at == 0;
        assert_int_equal(r->status, failed ? MLC_SYSTEM : MLC_INPUT);
        assert_true(has_code(r, failed ? E0001 : E0201));
        assert_null(r->ctx.arenas);
        read_free(r);
        assert_true(n < 100000);
    }
    assert_true(n > 100);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_deep_type),
        cmocka_unit_test(test_deep_bodies),
        cmocka_unit_test(test_memory_amplification),
        cmocka_unit_test(test_wire_errors),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_absent_file),
        cmocka_unit_test(test_tensor_sizes),
        cmocka_unit_test(test_typed_field_sizes),
        cmocka_unit_test(test_input_dimensions),
        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
