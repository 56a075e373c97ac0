/* External data: what a location may name, and above all what it may not. */
#include "test/frontend/model.h"

#include <setjmp.h>
#include <sys/stat.h>

#include <cmocka.h>

typedef struct Fixture {
    char dir[64];   /* the model's directory */
    char other[64]; /* a directory beside it */
} Fixture;

static const float payload[4] = {1, 2, 3, 4};

static const char *in_dir(const char *dir, const char *name)
{
    static char buf[4][256];
    static int at;
    at = (at + 1) % 4;
    snprintf(buf[at], sizeof buf[at], "%s/%s", dir, name);
    return buf[at];
}

static void put_file(const char *path, const void *data, size_t n)
{
    Msg m = {0};
    m_bytes(&m, data, n);
    m_save(&m, path);
    free(m.at);
}

static int setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/mlc-test-XXXXXX");
    snprintf(f->other, sizeof f->other, "/tmp/mlc-test-XXXXXX");
    if (!mkdtemp(f->dir) || !mkdtemp(f->other))
        return -1;
    char bytes[20] = {0};
    memcpy(bytes + 1, payload, sizeof payload);
    put_file(in_dir(f->dir, "w.bin"), payload, sizeof payload);
    put_file(in_dir(f->dir, "odd.bin"), bytes, sizeof bytes);
    put_file(in_dir(f->other, "secret.bin"), payload, sizeof payload);
    mkdir(in_dir(f->dir, "sub"), 0755);
    put_file(in_dir(f->dir, "sub/w.bin"), payload, sizeof payload);
    bool ok = symlink(in_dir(f->other, "secret.bin"), in_dir(f->dir, "link.bin")) == 0 &&
              symlink(f->other, in_dir(f->dir, "linkdir")) == 0 &&
              symlink("w.bin", in_dir(f->dir, "inner.bin")) == 0 &&
              symlink("/dev/zero", in_dir(f->dir, "zero.bin")) == 0 &&
              link(in_dir(f->other, "secret.bin"), in_dir(f->dir, "hard.bin")) == 0 &&
              mkfifo(in_dir(f->dir, "fifo.bin"), 0644) == 0;
    *state = f;
    return ok ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const names[] = {"w.bin",    "odd.bin",  "sub/w.bin", "sub",
                                        "link.bin", "linkdir",  "inner.bin", "zero.bin",
                                        "hard.bin", "fifo.bin", "m.onnx"};
    Fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        remove(in_dir(f->dir, names[i]));
    remove(in_dir(f->other, "secret.bin"));
    rmdir(f->dir);
    rmdir(f->other);
    free(f);
    return 0;
}

static Read *read_external(const Fixture *f, const char *location, const char *key,
                           const char *value, const char *root)
{
    Msg t = {0}, e = {0};
    m_int(&t, 1, 4);
    m_int(&t, 2, 1);
    m_str(&t, 8, "w");
    m_int(&t, 14, 1);
    m_str(&e, 1, "location");
    m_str(&e, 2, location);
    m_msg(&t, 13, e);
    if (key) {
        Msg k = {0};
        m_str(&k, 1, key);
        m_str(&k, 2, value);
        m_msg(&t, 13, k);
    }
    Msg m = constant_model(t);
    m_save(&m, in_dir(f->dir, "m.onnx"));
    free(m.at);
    return read_path(in_dir(f->dir, "m.onnx"), &(OnnxLimits){.external_data_root = root});
}

static void test_external_accepted(void **state)
{
    static const struct {
        const char *location, *key, *value, *name;
    } good[] = {
        {"w.bin", NULL, NULL, "w.bin"},
        {"w.bin", "length", "16", "w.bin"},
        {"odd.bin", "offset", "1", "odd.bin"},
        {"./sub/w.bin", "offset", "0", "./sub/w.bin"},
        {"w.bin", "checksum", "whatever", "w.bin"},
    };
    const Fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        Read *r = read_external(f, good[i].location, good[i].key, good[i].value, NULL);
        assert_int_equal(r->status, MLC_OK);
        const Tensor *t = r->graph->outputs.at[0]->data;
        assert_memory_equal(t->data, payload, sizeof payload);
        assert_int_equal((uintptr_t)t->data % 4, 0);
        assert_string_equal(t->path, good[i].name);
        float back[4];
        assert_int_equal(pread(t->fd, back, sizeof back, t->offset), sizeof back);
        assert_memory_equal(back, payload, sizeof back);
        read_free(r);
    }
}

static void test_external_refused(void **state)
{
    const Fixture *f = *state;
    char up[128], nested[128], absolute[128];
    snprintf(up, sizeof up, "../%s/secret.bin", strrchr(f->other, '/') + 1);
    snprintf(nested, sizeof nested, "sub/../../%s/secret.bin", strrchr(f->other, '/') + 1);
    snprintf(absolute, sizeof absolute, "%s/secret.bin", f->other);
    const struct {
        const char *location, *key, *value;
    } bad[] = {
        {up, NULL, NULL},
        {nested, NULL, NULL},
        {absolute, NULL, NULL},
        {"sub/../w.bin", NULL, NULL},
        {"..", NULL, NULL},
        {"", NULL, NULL},
        {"/dev/zero", NULL, NULL},
        {"zero.bin", NULL, NULL},
        {"link.bin", NULL, NULL},
        {"inner.bin", NULL, NULL},
        {"linkdir/secret.bin", NULL, NULL},
        {"hard.bin", NULL, NULL},
        {"fifo.bin", NULL, NULL},
        {"sub", NULL, NULL},
        {"*/_ORT_MEM_ADDR_/*", NULL, NULL},
        {"w.bin", "offset", "-4"},
        {"w.bin", "offset", "1"},
        {"w.bin", "offset", "0x0"},
        {"w.bin", "offset", " 0"},
        {"w.bin", "offset", ""},
        {"w.bin", "offset", "18446744073709551615"},
        {"w.bin", "offset", "999999999999999999"},
        {"w.bin", "location", "w.bin"},
        {"w.bin", "base64", "AAAA"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Read *r = read_external(f, bad[i].location, bad[i].key, bad[i].value, NULL);
        if (r->status != MLC_INPUT || !has_code(r, E0106))
            fail_msg("location '%s' %s=%s: status %d, %s", bad[i].location,
                     bad[i].key ? bad[i].key : "", bad[i].value ? bad[i].value : "", r->status,
                     r->ctx.diags.first ? r->ctx.diags.first->message : "");
        read_free(r);
    }
    Read *r = read_external(f, "w.bin", "length", "12", NULL);
    assert_true(r->status == MLC_INPUT && has_code(r, E0105));
    read_free(r);
    r = read_external(f, "absent.bin", NULL, NULL, NULL);
    assert_true(r->status == MLC_SYSTEM && has_code(r, E0002));
    read_free(r);
}

/* With a trusted root, links that stay below it are followed, and nothing else. */
static void test_external_root(void **state)
{
    static const char *const good[] = {"w.bin", "inner.bin", "hard.bin"};
    static const char *const bad[] = {"link.bin", "linkdir/secret.bin", "zero.bin", "fifo.bin"};
    const Fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        Read *r = read_external(f, good[i], NULL, NULL, f->dir);
        assert_int_equal(r->status, MLC_OK);
        assert_memory_equal(r->graph->outputs.at[0]->data->data, payload, sizeof payload);
        read_free(r);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Read *r = read_external(f, bad[i], NULL, NULL, f->dir);
        assert_true(r->status == MLC_INPUT && has_code(r, E0106));
        read_free(r);
    }
    Read *r = read_external(f, "secret.bin", NULL, NULL, f->other); /* the root is elsewhere */
    assert_int_equal(r->status, MLC_OK);
    read_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_external_accepted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_external_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_external_root, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
