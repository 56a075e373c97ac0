/* The serialized form: round trips, constants in files, and hostile bytes. */
#include "test/ir/program/sample.h"

#include "ir/base/str.h"
#include "ir/program/serial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static Ctx ctx;

static int setup(void **state)
{
    (void)state;
    ctx_init(&ctx);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ctx_free(&ctx);
    return 0;
}

static const char *text_of(const Program *p)
{
    Str s = str_new(p->arena);
    program_print(&s, p);
    return str_text(&s);
}

static Str written(Program *p)
{
    Str s = str_new(p->arena);
    assert_int_equal(program_write(p, &s), MLC_OK);
    return s;
}

static void check_run(Program *p, const Program *original)
{
    enum { ROWS = 4 };
    float x[ROWS * SAMPLE_K], y[ROWS * SAMPLE_N], want[ROWS * SAMPLE_N];
    for (int i = 0; i < ROWS * SAMPLE_K; i++)
        x[i] = (float)(i % 6) * 0.5f - 1;
    sample_reference(original, ROWS, x, want);
    int64_t sym[1] = {ROWS};
    const void *in[] = {x};
    void *out[] = {y};
    assert_int_equal(program_interp(p, INTERP_EXACT, sym, in, out), MLC_OK);
    assert_memory_equal(y, want, sizeof y);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int symbolic = 0; symbolic < 2; symbolic++) {
        Program *p = sample_program(&ctx, symbolic), *q;
        for (int i = 0; i < 5; i++) /* numbers of variables that the program does not use */
            ex_var(p->pool, ex_int(p->pool, 9));
        Str s = written(p), again;
        assert_int_equal(program_read(&ctx, s.at, s.len, &q), MLC_OK);
        assert_string_equal(text_of(q), text_of(p));
        again = written(q);
        assert_int_equal(again.len, s.len);
        assert_memory_equal(again.at, s.at, s.len);
        check_run(q, p);
        arena_free(q->arena);
        /* Wherever the bytes lie in memory. */
        char *moved = malloc(s.len + 3);
        memcpy(moved + 3, s.at, s.len);
        assert_int_equal(program_read(&ctx, moved + 3, s.len, &q), MLC_OK);
        check_run(q, p);
        arena_free(q->arena);
        free(moved);
    }
}

static void test_files(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, false), *q;
    const Tensor *w = p->mem.at[1]->data;
    int fd = memfd_create("weights", 0);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, w->data, w->size_bytes, 128), w->size_bytes);
    ((Tensor *)(uintptr_t)w)->fd = fd;
    ((Tensor *)(uintptr_t)w)->offset = 128;
    int files[4];
    assert_int_equal(program_files(p, files, 4), 1);
    assert_int_equal(files[0], fd);
    Str s = written(p);
    assert_int_equal(program_read(&ctx, s.at, s.len, &q), MLC_OK);
    assert_null(q->mem.at[1]->data->data);
    assert_int_equal(q->mem.at[1]->data->fd, 0);
    assert_int_equal(q->mem.at[1]->data->offset, 128);
    arena_free(q->arena);
    assert_int_equal(program_read_mapped(&ctx, s.at, s.len, 1, &fd, &q), MLC_OK);
    check_run(q, p);
    arena_free(q->arena);
    assert_int_equal(program_read_mapped(&ctx, s.at, s.len, 0, NULL, &q), MLC_INPUT);
    assert_int_equal(ftruncate(fd, 200), 0);
    assert_int_equal(program_read_mapped(&ctx, s.at, s.len, 1, &fd, &q), MLC_INPUT);
    close(fd);
}

static void test_without_constants(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, false), *q;
    size_t full = written(p).len, constants = 0;
    p->without_constants = true;
    Str s = written(p);
    assert_int_equal(program_files(p, NULL, 0), 0);
    assert_int_equal(program_read(&ctx, s.at, s.len, &q), MLC_OK);
    for (size_t i = 0; i < q->mem.len; i++) {
        const MemObj *m = q->mem.at[i];
        if (m->space != SPACE_CONST)
            continue;
        assert_null(m->data->data);
        assert_int_equal(m->offset, p->mem.at[i]->offset);
        constants += m->data->size_bytes;
    }
    assert_true(constants > 0 && s.len + constants <= full);
    arena_free(q->arena);
}

static void test_refused(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, true), *q;
    Str s = written(p);
    for (size_t n = 0; n < s.len; n++) { /* cut short, at any place */
        char *copy = memcpy(malloc(n + 1), s.at, n);
        assert_int_equal(program_read(&ctx, copy, n, &q), MLC_INPUT);
        free(copy);
    }
    for (size_t at = 0; at < s.len; at++) { /* any changed byte */
        char *copy = memcpy(malloc(s.len), s.at, s.len);
        copy[at] = (char)(copy[at] ^ 0x10);
        assert_int_equal(program_read(&ctx, copy, s.len, &q), MLC_INPUT);
        free(copy);
    }
}

/* The checksum made right again: what a deliberate attacker sends. */
static void sign(char *at, size_t n)
{
    uint64_t hash = XXH3_64bits(at + SERIAL_HASHED, n - SERIAL_HASHED);
    memcpy(at + SERIAL_HASHED - 8, &hash, sizeof hash);
    uint64_t size = n;
    memcpy(at + 16, &size, sizeof size);
}

typedef struct Attempt {
    const char *at;
    size_t size;
    int *accepted;
} Attempt;

static Status attempt(void *arg)
{
    const Attempt *a = arg;
    Program *q;
    Status s = program_read(&ctx, a->at, a->size, &q);
    if (s == MLC_OK) { /* whatever passes can be printed and written */
        Str text = str_new(q->arena);
        program_print(&text, q);
        Str again = str_new(q->arena);
        assert_int_equal(program_write(q, &again), MLC_OK);
        arena_free(q->arena);
        ++*a->accepted;
    }
    return s;
}

static uint64_t seed = 7;

static uint64_t below(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static void try_bytes(char *copy, size_t n, int *accepted, int *refused)
{
    sign(copy, n);
    Attempt a = {copy, n, accepted};
    Status s = ctx_protect(&ctx, attempt, &a);
    assert_true(s == MLC_OK || s == MLC_INPUT || s == MLC_BUG || s == MLC_SYSTEM);
    *refused += s != MLC_OK;
    diag_sink_free(&ctx.diags);
}

static void test_hostile(void **state)
{
    (void)state;
    int accepted = 0, refused = 0;
    ctx.memory_limit = 1 << 28;
    for (int symbolic = 0; symbolic < 2; symbolic++) {
        Program *p = sample_program(&ctx, symbolic);
        Str s = written(p);
        for (size_t at = SERIAL_HASHED; at < s.len; at++) /* one byte, each in several ways */
            for (int v = 0; v < 6; v++) {
                static const uint8_t flip[] = {0x01, 0x02, 0x10, 0x80, 0xff, 0x7f};
                char *copy = memcpy(malloc(s.len), s.at, s.len);
                copy[at] = (char)(copy[at] ^ flip[v]);
                try_bytes(copy, s.len, &accepted, &refused);
                free(copy);
            }
        for (int round = 0; round < 4000; round++) { /* several bytes, moved, cut, doubled */
            size_t n = s.len, from = SERIAL_HEADER + below(s.len - SERIAL_HEADER);
            char *copy = memcpy(malloc(2 * s.len), s.at, s.len);
            if (below(3) == 0) {
                size_t to = SERIAL_HEADER + below(s.len - SERIAL_HEADER);
                size_t len = below(s.len - MAX(from, to)) + 1;
                memmove(copy + to, copy + from, len);
            } else if (below(8) == 0) {
                n = from;
            }
            for (uint64_t k = below(4) + 1; k-- > 0 && n > SERIAL_HEADER;)
                copy[SERIAL_HEADER + below(n - SERIAL_HEADER)] = (char)below(256);
            try_bytes(copy, n, &accepted, &refused);
            free(copy);
        }
    }
    assert_true(refused > accepted && accepted > 0); /* names, data and the like may change */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_constants, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
