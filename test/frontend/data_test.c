/* Data files: .pb, .npy, .npz, idx; good ones round trip, bad ones are refused. */
#include "frontend/data/data.h"
#include "ir/base/arena.h"
#include "ir/base/file.h"
#include "test/frontend/message.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

typedef enum Kind { PB, NPY, NPZ, IDX } Kind;

typedef struct Fix {
    Ctx ctx;
    Arena *arena;
    char path[64];
} Fix;

static int setup(void **state)
{
    Fix *f = calloc(1, sizeof *f);
    ctx_init(&f->ctx);
    f->arena = arena_new(&f->ctx);
    snprintf(f->path, sizeof f->path, "/tmp/mlc-test-XXXXXX");
    close(mkstemp(f->path));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    Fix *f = *state;
    unlink(f->path);
    ctx_free(&f->ctx);
    free(f);
    return 0;
}

static Status read_as(Fix *f, Kind k, const DataLimits *l, const Tensor **t)
{
    NamedTensors all = {0};
    Status s = MLC_OK;
    *t = NULL;
    switch (k) {
    case PB:
        return tensor_read_pb(&f->ctx, f->arena, f->path, l, t, NULL);
    case NPY:
        return npy_read(&f->ctx, f->arena, f->path, l, t);
    case IDX:
        return idx_read(&f->ctx, f->arena, f->path, l, t);
    default:
        s = npz_read(&f->ctx, f->arena, f->path, l, &all);
        *t = all.len ? all.at[0].tensor : NULL;
        return s;
    }
}

/* Saves, reads, frees. */
static Status read_msg(Fix *f, Kind k, Msg m, const Tensor **t)
{
    m_save(&m, f->path);
    free(m.at);
    return read_as(f, k, NULL, t);
}

static void refused(Fix *f, Kind k, Msg m)
{
    const Tensor *t;
    size_t before = f->ctx.diags.errors;
    assert_int_equal(read_msg(f, k, m, &t), MLC_INPUT);
    assert_int_equal(f->ctx.diags.errors, before + 1);
}

static Msg of_bytes(const void *p, size_t n)
{
    Msg m = {0};
    m_bytes(&m, p, n);
    return m;
}

/* Cut at every length and with every byte changed: never a crash, and cut files are refused. */
static void shake(Fix *f, Kind k, const Msg *m)
{
    const Tensor *t;
    for (size_t n = 0; n < m->len; n++) {
        Status s = read_msg(f, k, of_bytes(m->at, n), &t);
        assert_true(s == MLC_INPUT || s == MLC_OK);
    }
    for (size_t n = 0; n < m->len * 4; n++) {
        Msg c = of_bytes(m->at, m->len);
        c.at[n / 4] ^= (uint8_t)(0xff80017f >> (8 * (n % 4)));
        Status s = read_msg(f, k, c, &t);
        assert_true(s == MLC_INPUT || s == MLC_OK);
        assert_true(f->ctx.memory_used < 100 << 20);
    }
}

/* ---- .pb ---- */
static void test_pb_round_trip(void **state)
{
    Fix *f = *state;
    for (int e = 1; e < ELEM_COUNT; e++) {
        int64_t dim[2] = {3, 5};
        Tensor *t = tensor_new(f->arena, (Elem)e, 2, dim);
        if (e == ELEM_STRING)
            for (int i = 0; i < 15; i++)
                ((const char **)t->data)[i] = i % 2 ? "odd" : "";
        else
            for (size_t i = 0; i < t->size_bytes; i++)
                ((uint8_t *)t->data)[i] = (uint8_t)(e == ELEM_BOOL ? i % 2 : i * 37);
        const Tensor *back;
        const char *name;
        assert_int_equal(tensor_write_pb(&f->ctx, f->path, "some name", t), MLC_OK);
        assert_int_equal(tensor_read_pb(&f->ctx, f->arena, f->path, NULL, &back, &name), MLC_OK);
        assert_string_equal(name, "some name");
        assert_true(tensor_equal(t, back));
    }
}

static void test_pb_splat(void **state)
{
    Fix *f = *state;
    int64_t dim[1] = {7};
    uint8_t nibble = 0x05;
    Tensor t = {.elem = ELEM_U4,
                .rank = 1,
                .dim = {dim[0]},
                .data = &nibble,
                .size_bytes = 1,
                .fd = -1,
                .splat = true};
    const Tensor *back;
    assert_int_equal(tensor_write_pb(&f->ctx, f->path, "s", &t), MLC_OK);
    assert_int_equal(read_as(f, PB, NULL, &back), MLC_OK);
    for (int i = 0; i < 7; i++)
        assert_int_equal(tensor_get_i64(back, i), 5);
}

static void test_pb_refused(void **state)
{
    Fix *f = *state;
    refused(f, PB, (Msg){0});
    refused(f, PB, of_bytes("hello, world", 12));
    Msg external = {0}, deep = {0};
    m_int(&external, 1, 4);
    m_int(&external, 2, 1);
    m_int(&external, 14, 1);
    refused(f, PB, external);
    Msg segment = {0};
    m_int(&segment, 2, 1);
    m_msg(&segment, 3, (Msg){0});
    refused(f, PB, segment);
    for (int i = 0; i < 100; i++) {
        Msg outer = {0};
        m_msg(&outer, 3, deep);
        deep = outer;
    }
    refused(f, PB, deep);
    Msg good = {0};
    m_int(&good, 1, 2);
    m_int(&good, 2, 1);
    m_str(&good, 8, "n");
    m_blob(&good, 9, "12345678", 8);
    const Tensor *t;
    assert_int_equal(read_msg(f, PB, of_bytes(good.at, good.len), &t), MLC_OK);
    assert_int_equal(t->dim[0], 2);
    shake(f, PB, &good);
    free(good.at);
}

/* ---- .npy ---- */
static Msg npy(const char *dict, const void *data, size_t n)
{
    Msg m = {0};
    size_t len = strlen(dict);
    m_bytes(&m, "\x93NUMPY\1\0", 8);
    m_bytes(&m, (char[]){(char)(len & 0xff), (char)(len >> 8)}, 2);
    m_bytes(&m, dict, len);
    m_bytes(&m, data, n);
    return m;
}

static void test_npy_round_trip(void **state)
{
    Fix *f = *state;
    static const Elem elems[] = {ELEM_F32, ELEM_F64,  ELEM_F16, ELEM_I8,  ELEM_I16,
                                 ELEM_I32, ELEM_I64,  ELEM_U8,  ELEM_U16, ELEM_U32,
                                 ELEM_U64, ELEM_BOOL, ELEM_C64, ELEM_C128};
    static const int64_t dims[][3] = {{2, 3, 4}, {5, 1, 0}, {7, 0, 0}, {0, 0, 0}};
    for (size_t i = 0; i < COUNT_OF(elems); i++)
        for (int rank = 0; rank <= 3; rank++) {
            Tensor *t = tensor_new(f->arena, elems[i], rank, dims[3 - rank]);
            const Tensor *back;
            for (size_t k = 0; k < t->size_bytes; k++)
                ((uint8_t *)t->data)[k] = (uint8_t)(elems[i] == ELEM_BOOL ? k % 2 : k * 29);
            assert_int_equal(npy_write(&f->ctx, f->path, t), MLC_OK);
            assert_int_equal(read_as(f, NPY, NULL, &back), MLC_OK);
            assert_true(tensor_equal(t, back));
        }
}

static void test_npy_strings(void **state)
{
    Fix *f = *state;
    const Tensor *t;
    static const uint8_t points[] = {0, 0, 0, 'B', 0, 1, 0xf6, 0x00, 0, 0, 0x20, 0xac, 0, 0, 0, 0};
    const char *dict = "{'descr': '>U2', 'fortran_order': False, 'shape': (2,)}";
    assert_int_equal(read_msg(f, NPY, npy(dict, points, 16), &t), MLC_OK);
    const char *const *text = t->data;
    assert_int_equal(t->elem, ELEM_STRING);
    assert_string_equal(text[0], "B\xf0\x9f\x98\x80");
    assert_string_equal(text[1], "\xe2\x82\xac");
    const Tensor *back;
    assert_int_equal(npy_write(&f->ctx, f->path, t), MLC_OK);
    assert_int_equal(read_as(f, NPY, NULL, &back), MLC_OK);
    assert_true(tensor_equal(t, back));
    ((const char **)(uintptr_t)t->data)[1] = "\xc0\x80";
    assert_int_equal(npy_write(&f->ctx, f->path, t), MLC_INPUT);
    static const char *const bad[] = {
        "{'descr': '<U2', 'fortran_order': False, 'shape': (1,)}", /* no characters */
        "{'descr': '<U3', 'fortran_order': False, 'shape': (1,)}", /* 8 bytes follow */
        "{'descr': '<U', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<U9999999', 'fortran_order': False, 'shape': (0,)}",
        "{'descr': '<U1', 'fortran_order': True, 'shape': (1, 2)}",
        "{'descr': '<U999999', 'fortran_order': False, 'shape': (4611686018427,)}",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        refused(f, NPY, npy(bad[i], "12345678", 8));
}

static void test_npy_large_is_mapped(void **state)
{
    Fix *f = *state;
    int64_t dim[2] = {1024, 1024};
    Tensor *t = tensor_new(f->arena, ELEM_F32, 2, dim);
    const Tensor *back;
    ((float *)t->data)[12345] = 42;
    assert_int_equal(npy_write(&f->ctx, f->path, t), MLC_OK);
    size_t before = f->ctx.memory_used;
    assert_int_equal(read_as(f, NPY, NULL, &back), MLC_OK);
    assert_true(f->ctx.memory_used - before < 2 << 20); /* a block of the arena, no copy */
    assert_true(back->fd >= 0);
    assert_true(tensor_equal(t, back));
}

static void test_npy_forms(void **state)
{
    Fix *f = *state;
    const Tensor *t;
    static const uint8_t big[] = {0, 0, 1, 0, 0, 0, 0, 2};
    assert_int_equal(read_msg(f, NPY,
                              npy("{'descr': '>i4', 'fortran_order': False, "
                                  "'shape': (2,), }\n",
                                  big, 8),
                              &t),
                     MLC_OK);
    assert_int_equal(tensor_get_i64(t, 0), 256);
    assert_int_equal(tensor_get_i64(t, 1), 2);
    static const uint8_t columns[] = {1, 2, 3, 4, 5, 6}; /* of a 2x3 matrix */
    assert_int_equal(read_msg(f, NPY,
                              npy("{\"descr\": \"|u1\", 'fortran_order': True, "
                                  "'shape': (2L, 3L)}",
                                  columns, 6),
                              &t),
                     MLC_OK);
    static const uint8_t rows[] = {1, 3, 5, 2, 4, 6};
    assert_memory_equal(t->data, rows, 6);
    assert_int_equal(
        read_msg(f, NPY,
                 npy("{'shape': (), 'descr': '<f4', 'fortran_order': False}", "\0\0\x80\x3f", 4),
                 &t),
        MLC_OK);
    assert_true(t->rank == 0 && tensor_get_f64(t, 0) == 1);
    assert_int_equal(
        read_msg(f, NPY, npy("{'shape': (2,), 'descr': '|b1', 'fortran_order': False}", "\0\7", 2),
                 &t),
        MLC_OK);
    assert_memory_equal(t->data, "\0\1", 2);
}

static void test_npy_refused(void **state)
{
    Fix *f = *state;
    static const char *const bad[] = {
        "",
        "{",
        "{}",
        "{'descr': '<f4'}",
        "['descr']",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", /* 8 bytes follow */
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 2}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 8)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 8)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
        "{'descr': 'an extremely long description of a type', 'shape': (1,)}",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        refused(f, NPY, npy(bad[i], "12345678", 8));
    refused(f, NPY, of_bytes("\x93NUMPY\1\0\xff\xff{", 11));
    refused(f, NPY, of_bytes("\x93NUMPY\7\0\0\0", 10));
    refused(f, NPY, (Msg){0});
    Msg good = npy("{'descr': '>f4', 'fortran_order': True, 'shape': (1, 2)}", "12345678", 8);
    shake(f, NPY, &good);
    free(good.at);
    const Tensor *t;
    m_save(&(Msg){(uint8_t *)"12345678", 8, 8}, f->path);
    assert_int_equal(read_as(f, NPY, &(DataLimits){.max_bytes = 4}, &t), MLC_INPUT);
}

/* ---- .npz ---- */
static void put(Msg *m, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        m_bytes(m, (uint8_t[]){(uint8_t)(v >> (8 * i))}, 1);
}

typedef struct Part {
    const char *name;
    Msg content;
    bool deflate;
    uint32_t claim; /* unpacked size that the archive claims; 0: the true one */
} Part;

static Msg deflated(const Msg *in)
{
    Msg out = {0};
    z_stream z = {0};
    deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    out.cap = in->len + 100;
    out.at = malloc(out.cap);
    z.next_in = in->at;
    z.avail_in = (uInt)in->len;
    z.next_out = out.at;
    z.avail_out = (uInt)out.cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.len = z.total_out;
    deflateEnd(&z);
    return out;
}

/* A zip archive; the parts' contents are freed. `repeat`: directory entries for each part. */
static Msg zip(Part *parts, size_t n, int repeat)
{
    Msg m = {0}, dir = {0};
    for (size_t i = 0; i < n; i++) {
        Part *p = &parts[i];
        size_t at = m.len;
        uint32_t crc = (uint32_t)crc32_z(0, p->content.at, p->content.len);
        uint32_t size = p->claim ? p->claim : (uint32_t)p->content.len;
        Msg data = p->deflate ? deflated(&p->content) : of_bytes(p->content.at, p->content.len);
        Msg common = {0};
        put(&common, 20, 2);
        put(&common, 0, 2);
        put(&common, p->deflate ? 8 : 0, 2);
        put(&common, 0, 4);
        put(&common, crc, 4);
        put(&common, data.len, 4);
        put(&common, size, 4);
        put(&common, strlen(p->name), 2);
        put(&common, 0, 2);
        m_bytes(&m, "PK\3\4", 4);
        m_bytes(&m, common.at, common.len);
        m_bytes(&m, p->name, strlen(p->name));
        m_bytes(&m, data.at, data.len);
        for (int k = 0; k < repeat; k++) {
            m_bytes(&dir, "PK\1\2\24\0", 6);
            m_bytes(&dir, common.at, common.len);
            put(&dir, 0, 6);
            put(&dir, 0, 4);
            put(&dir, at, 4);
            m_bytes(&dir, p->name, strlen(p->name));
        }
        free(common.at);
        free(data.at);
        free(p->content.at);
    }
    size_t start = m.len;
    m_bytes(&m, dir.at, dir.len);
    m_bytes(&m, "PK\5\6\0\0\0\0", 8);
    put(&m, n * (size_t)repeat, 2);
    put(&m, n * (size_t)repeat, 2);
    put(&m, dir.len, 4);
    put(&m, start, 4);
    put(&m, 0, 2);
    free(dir.at);
    return m;
}

static Msg two_floats(void)
{
    static const float v[2] = {1.5f, -2};
    return npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", v, sizeof v);
}

static void test_npz(void **state)
{
    Fix *f = *state;
    Part parts[] = {{"x.npy", two_floats(), false, 0}, {"y.npy", two_floats(), true, 0}};
    Msg m = zip(parts, 2, 1);
    NamedTensors all = {0};
    m_save(&m, f->path);
    assert_int_equal(npz_read(&f->ctx, f->arena, f->path, NULL, &all), MLC_OK);
    assert_int_equal(all.len, 2);
    assert_string_equal(all.at[0].name, "x");
    assert_string_equal(all.at[1].name, "y");
    for (int i = 0; i < 2; i++) {
        assert_true(tensor_get_f64(all.at[i].tensor, 0) == 1.5);
        assert_true(tensor_get_f64(all.at[i].tensor, 1) == -2);
    }
    shake(f, NPZ, &m);
    free(m.at);
}

static void test_npz_bombs(void **state)
{
    Fix *f = *state;
    Part claims[] = {{"x.npy", two_floats(), true, 4000000000u}};
    refused(f, NPZ, zip(claims, 1, 1)); /* 90 bytes that claim to be 4 GB */
    Part stored[] = {{"x.npy", two_floats(), false, 4000000000u}};
    refused(f, NPZ, zip(stored, 1, 1));
    Part less[] = {{"x.npy", two_floats(), true, 40}};
    refused(f, NPZ, zip(less, 1, 1)); /* more comes out than was claimed */
    Part again[] = {{"x.npy", two_floats(), true, 0}};
    refused(f, NPZ, zip(again, 1, 1000)); /* one member, listed a thousand times */
    refused(f, NPZ, of_bytes("PK\3\4", 4));
    const Tensor *t;
    Part two[] = {{"x.npy", two_floats(), false, 0}, {"y.npy", two_floats(), true, 0}};
    Msg m = zip(two, 2, 1);
    m_save(&m, f->path);
    free(m.at);
    assert_int_equal(read_as(f, NPZ, &(DataLimits){.max_entries = 1}, &t), MLC_INPUT);
}

/* ---- idx ---- */
static void gzip(const char *path, const void *p, size_t n)
{
    gzFile z = gzopen(path, "wb");
    assert_non_null(z);
    assert_int_equal(gzwrite(z, p, (unsigned)n), n);
    gzclose(z);
}

static void test_idx(void **state)
{
    Fix *f = *state;
    static const uint8_t bytes[] = {0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 0xff, 0xfe};
    const Tensor *t;
    for (int packed = 0; packed < 2; packed++) {
        if (packed)
            gzip(f->path, bytes, sizeof bytes);
        else
            m_save(&(Msg){(uint8_t *)bytes, sizeof bytes, 0}, f->path);
        assert_int_equal(read_as(f, IDX, NULL, &t), MLC_OK);
        assert_int_equal(t->elem, ELEM_I16);
        assert_true(t->rank == 2 && t->dim[0] == 2 && t->dim[1] == 1);
        assert_int_equal(tensor_get_i64(t, 0), 258);
        assert_int_equal(tensor_get_i64(t, 1), -2);
    }
}

static void test_idx_refused(void **state)
{
    Fix *f = *state;
    static const uint8_t huge[] = {0,    0,    8,    3,    0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
    static const uint8_t large[] = {0, 0, 8, 1, 0x7f, 0xff, 0xff, 0xff, 1};
    static const uint8_t more[] = {0, 0, 8, 1, 0, 0, 0, 1, 1, 2};
    static const uint8_t no_rank[] = {0, 0, 8, 0, 1};
    refused(f, IDX, of_bytes(huge, sizeof huge));
    refused(f, IDX, of_bytes(large, sizeof large));
    refused(f, IDX, of_bytes(more, sizeof more));
    refused(f, IDX, of_bytes(no_rank, sizeof no_rank));
    refused(f, IDX, of_bytes("\0\0\x0a\1\0\0\0\0", 8));
    const Tensor *t;
    static const uint8_t *const packed[] = {huge, large, more};
    static const size_t sizes[] = {sizeof huge, sizeof large, sizeof more};
    for (size_t i = 0; i < COUNT_OF(packed); i++) {
        gzip(f->path, packed[i], sizes[i]);
        assert_int_equal(read_as(f, IDX, NULL, &t), MLC_INPUT);
    }
    static const uint8_t good[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4};
    gzip(f->path, good, sizeof good);
    FILE *file = fopen(f->path, "rb");
    uint8_t buf[256];
    size_t n = fread(buf, 1, sizeof buf, file);
    fclose(file);
    Msg m = of_bytes(buf, n), plain = of_bytes(good, sizeof good);
    shake(f, IDX, &m);
    shake(f, IDX, &plain);
    free(m.at);
    free(plain.at);
}

static void test_fashion_mnist(void **state)
{
    Fix *f = *state;
    const char *dir = "/usr/share/datasets/fashion-mnist";
    char path[256];
    const Tensor *t;
    snprintf(path, sizeof path, "%s/t10k-images-idx3-ubyte.gz", dir);
    if (access(path, R_OK) != 0) {
        print_message("SKIP: no %s (Debian package dataset-fashion-mnist)\n", path);
        skip();
    }
    assert_int_equal(idx_read(&f->ctx, f->arena, path, NULL, &t), MLC_OK);
    assert_true(t->rank == 3 && t->dim[0] == 10000 && t->dim[1] == 28 && t->dim[2] == 28);
    snprintf(path, sizeof path, "%s/t10k-labels-idx1-ubyte.gz", dir);
    assert_int_equal(idx_read(&f->ctx, f->arena, path, NULL, &t), MLC_OK);
    assert_true(t->rank == 1 && t->dim[0] == 10000);
    int counts[10] = {0};
    for (int64_t i = 0; i < 10000; i++)
        counts[tensor_get_i64(t, i)]++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(counts[i], 1000);
}

/* ---- every test tensor that Debian ships ---- */
static void read_dir(Fix *f, const char *dir, int depth, int *files, int *tensors)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        char path[4096];
        size_t n = strlen(e->d_name);
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if (n > 3 && strcmp(e->d_name + n - 3, ".pb") == 0) {
            Arena *a = arena_new(&f->ctx);
            const Tensor *t;
            Status s = tensor_read_pb(&f->ctx, a, path, NULL, &t, NULL);
            assert_true(s == MLC_OK || s == MLC_INPUT);
            ++*files;
            *tensors += s == MLC_OK;
            arena_free(a);
        } else if (depth && e->d_type == DT_DIR) {
            read_dir(f, path, depth - 1, files, tensors);
        }
    }
    closedir(d);
}

static void test_debian_tensors(void **state)
{
    Fix *f = *state;
    int files = 0, tensors = 0;
    read_dir(f, "/usr/lib/python3/dist-packages/onnx/backend/test/data", 3, &files, &tensors);
    if (!files) {
        print_message("SKIP: no test data (Debian package libonnx-testdata)\n");
        skip();
    }
    print_message("%d .pb files, %d tensors\n", files, tensors);
    assert_true(tensors > files * 9 / 10);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_pb_round_trip),       T(test_pb_splat),  T(test_pb_refused),  T(test_npy_round_trip),
        T(test_npy_large_is_mapped), T(test_npy_forms), T(test_npy_refused), T(test_npz),
        T(test_npz_bombs),           T(test_idx),       T(test_idx_refused), T(test_fashion_mnist),
        T(test_debian_tensors),      T(test_npy_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
