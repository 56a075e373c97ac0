/* mlc-codegen on programs of a known shape: a register tile, tails, padding, symbols, checks,
 * steps in sequence, weights of both kinds; and what its output looks like. */
#include "test/codegen/emit/llvm/model.h"

#include "ir/base/file.h"
#include "ir/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static Ex I(Model *m, int64_t v)
{
    return ex_int(m->pool, v);
}
static Ex mul(Model *m, Ex a, int64_t v)
{
    return ex_mul(m->pool, a, I(m, v));
}
static Ex add(Model *m, Ex a, Ex b)
{
    return ex_add(m->pool, a, b);
}
static Ex load(Model *m, const Buf *b, Ex i)
{
    return ex_load(m->pool, b, b->elem, 1, &i);
}
static Ex var(Model *m, int64_t n)
{
    return ex_var(m->pool, I(m, n));
}

static Stmt *loop(Model *m, Ex v, LoopKind k, Stmt *body)
{
    return stmt_loop(m->arena, v, k, body);
}

static Stmt *store(Model *m, Buf *b, Ex i, Ex v, Ex guard)
{
    return stmt_store(m->arena, b, i, v, guard);
}

static void check_everywhere(void (*build)(Model *m))
{
    const char *const *target = model_targets();

    for (int t = 0; target[t] != NULL; t++) {
        Model m;

        model_open(&m, "test");
        build(&m);
        model_fill(&m, 42);
        assert_int_equal(model_interp(&m), MLC_OK);
        assert_int_equal(model_run(&m, target[t]), 0);
        model_compare(&m);
        model_close(&m);
    }
}

/* ---- a register tile: C[24 x 64] = relu(A[24 x k] * W, W packed by 16 columns) ---- */

enum { MR = 6, NV = 2, VL = 8, M = 24, N = 64 };

static Ex tile_index(Model *m, Ex r, Ex v, Ex lane)
{
    return add(m, mul(m, add(m, mul(m, r, NV), v), VL), lane);
}

static Stmt *tile_loops(Model *m, const Ex v[3], Stmt *s)
{
    return loop(m, v[0], LOOP_UNROLLED,
                loop(m, v[1], LOOP_UNROLLED, loop(m, v[2], LOOP_VECTOR, s)));
}

static void gemm(Model *m, int64_t depth)
{
    Kernel *k = model_kernel(m, "k0_gemm");
    Buf *a = model_input(m, "a", ELEM_F32, I(m, M * depth));
    Buf *b = model_input(m, "w", ELEM_F32, I(m, depth * N));
    Buf *c = model_output(m, "c", ELEM_F32, I(m, M * N));
    Buf *acc = model_register(m, "acc", ELEM_F32, MR * NV * VL);
    Ex mo = var(m, M / MR), no = var(m, N / (NV * VL)), kk = var(m, depth), v[3][3], at, sum;
    Stmt *init, *body, *out;

    for (int i = 0; i < 9; i++)
        v[i / 3][i % 3] = var(m, i % 3 == 0 ? MR : i % 3 == 1 ? NV : VL);
    init = store(m, acc, tile_index(m, v[0][0], v[0][1], v[0][2]), ex_const_f(m->pool, ELEM_F32, 0),
                 NULL);
    at = tile_index(m, v[1][0], v[1][1], v[1][2]);
    sum = ex_fma(m->pool, load(m, a, add(m, mul(m, add(m, mul(m, mo, MR), v[1][0]), depth), kk)),
                 load(m, b,
                      add(m, mul(m, no, depth * NV * VL),
                          add(m, mul(m, kk, NV * VL), add(m, mul(m, v[1][1], VL), v[1][2])))),
                 load(m, acc, at));
    body = loop(m, kk, LOOP_SERIAL, tile_loops(m, v[1], store(m, acc, at, sum, NULL)));
    at = add(m, mul(m, add(m, mul(m, mo, MR), v[2][0]), N),
             add(m, mul(m, no, NV * VL), add(m, mul(m, v[2][1], VL), v[2][2])));
    out = store(m, c, at,
                ex_max(m->pool, load(m, acc, tile_index(m, v[2][0], v[2][1], v[2][2])),
                       ex_const_f(m->pool, ELEM_F32, 0)),
                NULL);
    k->body =
        loop(m, mo, LOOP_PARALLEL,
             loop(m, no, LOOP_PARALLEL,
                  stmt_seq(tile_loops(m, v[0], init), stmt_seq(body, tile_loops(m, v[2], out)))));
}

static void build_gemm(Model *m)
{
    gemm(m, 37);
}

static void register_tile(void **state)
{
    (void)state;
    check_everywhere(build_gemm);
}

static int occurrences(const char *text, const char *end, const char *word)
{
    int n = 0;

    for (const char *p = strstr(text, word); p != NULL && p < end; p = strstr(p + 1, word))
        n++;
    return n;
}

/* The loop over k holds 12 fused multiply-adds, 6 broadcasts and 2 loads; nothing is spilled. */
static void tile_assembly(void **state)
{
    Model m;
    char path[128];
    FileMap map;
    const char *text, *end, *back, *at;

    (void)state;
    model_open(&m, "test");
    gemm(&m, 768);
    assert_int_equal(
        model_emit(&m, "--emit asm --cpu haswell --features +avx2,+fma,+bmi2", ".s", path), 0);
    assert_int_equal(file_map(&m.ctx, path, &map), MLC_OK);
    text = arena_strndup(m.arena, (const char *)map.data, map.size);
    file_unmap(&map);
    text = strstr(text, "P_k0_k0_gemm:");
    assert_non_null(text);
    end = strstr(text, ".Lfunc_end");
    assert_non_null(end);
    assert_int_equal(occurrences(text, end, "Spill"), 0);
    assert_int_equal(occurrences(text, end, "vfmadd231ps"), MR * NV);
    assert_int_equal(occurrences(text, end, "vmaxps"), MR * NV);
    assert_int_equal(occurrences(text, end, "call"), 0);
    at = strstr(text, "vfmadd231ps");
    back = at;
    while (*back != ':')
        back--;
    end = strstr(at, "\tj");
    assert_int_equal(occurrences(back, end, "vfmadd231ps"), MR * NV);
    assert_int_equal(occurrences(back, end, "vbroadcastss"), MR);
    assert_true(occurrences(back, end, "\n") <= MR * NV + MR + 2 + 4);
    model_close(&m);
}

/* ---- tails and padding ---- */

/* y[i] = exp(x[i]) for i < 1003 in vectors of 16, several threads' worth of iterations. */
static void build_tail(Model *m)
{
    Kernel *k = model_kernel(m, "k0_tail");
    Buf *x = model_input(m, "x", ELEM_F32, I(m, 1003)),
        *y = model_output(m, "y", ELEM_F32, I(m, 1003));
    Ex o = var(m, 63), lane = var(m, 16), i = add(m, mul(m, o, 16), lane), v = load(m, x, i);

    v = ex_op(m->pool, EX_EXP, 1, &v);
    k->body = loop(m, o, LOOP_PARALLEL,
                   loop(m, lane, LOOP_VECTOR, store(m, y, i, v, ex_lt(m->pool, i, I(m, 1003)))));
}

/* y[r, c] = sum of x[r + i - 1, c + j - 1] * w[i, j], zero outside, on 7 x 13. */
static void build_padding(Model *m)
{
    ExPool *p = m->pool;
    Kernel *k = model_kernel(m, "k0_pad");
    Buf *x = model_input(m, "x", ELEM_F32, I(m, 91)), *w = model_input(m, "w", ELEM_F32, I(m, 9));
    Buf *y = model_output(m, "y", ELEM_F32, I(m, 91));
    Buf *acc = model_register(m, "acc", ELEM_F32, 8);
    Ex r = var(m, 7), c = var(m, 2), i = var(m, 3), j = var(m, 3), l[3], col, row, inside, v;
    Stmt *s;

    for (int n = 0; n < 3; n++)
        l[n] = var(m, 8);
    row = ex_sub(p, add(m, r, i), I(m, 1));
    col = ex_sub(p, add(m, add(m, mul(m, c, 8), l[1]), j), I(m, 1));
    inside = ex_and(p, ex_and(p, ex_le(p, I(m, 0), row), ex_lt(p, row, I(m, 7))),
                    ex_and(p, ex_le(p, I(m, 0), col), ex_lt(p, col, I(m, 13))));
    v = ex_guard(p, inside, load(m, x, add(m, mul(m, row, 13), col)), ex_const_f(p, ELEM_F32, 0));
    v = ex_fma(p, v, load(m, w, add(m, mul(m, i, 3), j)), load(m, acc, l[1]));
    s = loop(m, i, LOOP_SERIAL,
             loop(m, j, LOOP_UNROLLED, loop(m, l[1], LOOP_VECTOR, store(m, acc, l[1], v, NULL))));
    s = stmt_seq(loop(m, l[0], LOOP_VECTOR, store(m, acc, l[0], ex_const_f(p, ELEM_F32, 0), NULL)),
                 s);
    col = add(m, mul(m, c, 8), l[2]);
    s = stmt_seq(s, loop(m, l[2], LOOP_VECTOR,
                         store(m, y, add(m, mul(m, r, 13), col), load(m, acc, l[2]),
                               ex_lt(p, col, I(m, 13)))));
    k->body = loop(m, r, LOOP_PARALLEL, loop(m, c, LOOP_PARALLEL, s));
}

/* A branch whose condition differs by lane, inside a vector loop. */
static void build_branch(Model *m)
{
    ExPool *p = m->pool;
    Kernel *k = model_kernel(m, "k0_if");
    Buf *x = model_input(m, "x", ELEM_F32, I(m, 64)), *y = model_output(m, "y", ELEM_F32, I(m, 64));
    Ex o = var(m, 4), lane = var(m, 16), i = add(m, mul(m, o, 16), lane), v = load(m, x, i);

    k->body = loop(
        m, o, LOOP_SERIAL,
        loop(m, lane, LOOP_VECTOR,
             stmt_if(m->arena, ex_lt(p, v, ex_const_f(p, ELEM_F32, 0)),
                     store(m, y, i, ex_neg(p, v), NULL), store(m, y, i, ex_add(p, v, v), NULL))));
}

static void tails(void **state)
{
    (void)state;
    check_everywhere(build_tail);
    check_everywhere(build_padding);
    check_everywhere(build_branch);
}

/* ---- programs ---- */

/* Two steps with memory between, sizes by a symbol, division of the iteration range by it. */
static void symbols(void **state)
{
    const char *const *target = model_targets();
    static const int64_t sizes[] = {1, 5, 64, 200};

    (void)state;
    for (int t = 0; target[t] != NULL; t++) {
        for (size_t n = 0; n < COUNT_OF(sizes); n++) {
            Model m;
            Ex s, r, c, i;
            Buf *x, *mid, *y;
            Kernel *k;
            MemObj *o;

            model_open(&m, "test");
            m.sym[0] = sizes[n];
            s = ex_sym(m.pool, "n", 1);
            k = model_kernel(&m, "k0_first");
            x = model_input(&m, "x", ELEM_F32, s);
            mid = model_temp(&m, "mid", ELEM_F32, mul(&m, s, 7));
            o = model_object(&m, mid);
            r = var(&m, 7);
            c = ex_var(m.pool, s);
            k->body = loop(
                &m, r, LOOP_PARALLEL,
                loop(&m, c, LOOP_PARALLEL,
                     store(&m, mid, add(&m, ex_mul(m.pool, r, s), c),
                           ex_mul(m.pool, load(&m, x, c), ex_cast(m.pool, ELEM_F32, r)), NULL)));
            k = model_kernel(&m, "k1_second");
            mid = model_bind(&m, o);
            y = model_output(&m, "y", ELEM_F32, mul(&m, s, 7));
            i = ex_var(m.pool, mul(&m, s, 7));
            k->body = loop(&m, i, LOOP_PARALLEL,
                           store(&m, y, i,
                                 ex_add(m.pool, load(&m, mid, i), ex_const_f(m.pool, ELEM_F32, 1)),
                                 NULL));
            model_fill(&m, 7);
            assert_int_equal(model_interp(&m), MLC_OK);
            assert_int_equal(model_run(&m, target[t]), 0);
            model_compare(&m);
            model_close(&m);
        }
    }
}

/* A check that fails ends the run with its code. */
static void checks(void **state)
{
    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        Model m;
        Kernel *k;
        Buf *x, *y;
        Ex i, v;

        model_open(&m, "test");
        k = model_kernel(&m, "k0_check");
        x = model_input(&m, "x", ELEM_I32, I(&m, 32));
        y = model_output(&m, "y", ELEM_I32, I(&m, 32));
        i = var(&m, 32);
        v = load(&m, x, i);
        k->body = loop(
            &m, i, LOOP_VECTOR,
            stmt_seq(stmt_check(m.arena, ex_lt(m.pool, v, ex_const_i(m.pool, ELEM_I32, 90)), 2),
                     store(&m, y, i, v, NULL)));
        model_fill(&m, 1);
        for (int n = 0; n < 32; n++)
            ((int32_t *)m.in[0])[n] = n == 31 && bad ? 90 : n;
        assert_int_equal(model_run(&m, model_targets()[0]), bad ? 2 : 0);
        model_close(&m);
    }
}

/* Constants: small ones as an LLVM constant, large ones by the assembler, one of them a splat. */
static void weights(void **state)
{
    static const int64_t sizes[] = {100, 60000};

    (void)state;
    for (size_t n = 0; n < COUNT_OF(sizes); n++) {
        Model m;
        Kernel *k;
        Tensor *t, splat;
        Buf *a, *b, *y;
        Ex i;

        model_open(&m, "test");
        t = tensor_new(m.arena, ELEM_F32, 1, &sizes[n]);
        for (int64_t e = 0; e < sizes[n]; e++)
            ((float *)(uintptr_t)t->data)[e] = (float)(e % 97);
        t->fd = -1;
        splat = *t;
        splat.splat = true;
        splat.data = (const float *)t->data + 5;
        splat.size_bytes = sizeof(float);
        k = model_kernel(&m, "k0_weights");
        a = model_const(&m, "a", t);
        b = model_const(&m, "b", &splat);
        y = model_output(&m, "y", ELEM_F32, I(&m, sizes[n]));
        i = var(&m, sizes[n]);
        k->body = loop(&m, i, LOOP_PARALLEL,
                       store(&m, y, i, ex_mul(m.pool, load(&m, a, i), load(&m, b, i)), NULL));
        model_fill(&m, 3);
        assert_int_equal(model_interp(&m), MLC_OK);
        assert_int_equal(model_run(&m, model_targets()[0]), 0);
        model_compare(&m);
        model_close(&m);
    }
}

/* ---- the object ---- */

static const char *emitted(Model *m, const char *options, const char *suffix, size_t *size)
{
    char path[128];
    FileMap map;
    char *copy;

    assert_int_equal(model_emit(m, options, suffix, path), 0);
    assert_int_equal(file_map(&m->ctx, path, &map), MLC_OK);
    *size = map.size;
    copy = arena_strndup(m->arena, "", 0);
    copy = arena_alloc(m->arena, map.size, 1);
    memcpy(copy, map.data, map.size);
    file_unmap(&map);
    return copy;
}

static void same_bytes(void **state)
{
    Model m;
    size_t n[2];
    const char *a, *b;

    (void)state;
    model_open(&m, "test");
    gemm(&m, 32);
    a = emitted(&m, model_targets()[0], ".o", &n[0]);
    b = emitted(&m, model_targets()[0], "2.o", &n[1]);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(a, b, n[0]);
    assert_null(memmem(a, n[0], m.dir, strlen(m.dir)));
    model_close(&m);
}

/* Only the public names are global, and every other architecture compiles too. */
static void names_and_targets(void **state)
{
    Model m;
    char path[128], command[512];

    (void)state;
    model_open(&m, "test");
    gemm(&m, 32);
    assert_int_equal(model_emit(&m, model_targets()[0], ".o", path), 0);
    snprintf(command, sizeof command,
             "test \"$(nm -g --defined-only %s | cut -c18- | LC_ALL=C sort | tr '\\n' ' ')\" = "
             "'D P_model T P_bind T P_run W mlc_pool_v1 '",
             path);
    assert_int_equal(system(command), 0);
    assert_int_equal(model_emit(&m,
                                "--triple aarch64-unknown-linux-gnu --cpu generic --features +neon",
                                "a.o", path),
                     0);
    assert_int_equal(model_emit(&m, "--emit llvm-ir", ".ll", path), 0);
    assert_int_equal(model_emit(&m, "--emit bc", ".bc", path), 0);
    assert_int_equal(model_emit(&m, "--triple mips-unknown-linux 2>/dev/null", ".o", path),
                     MLC_USAGE);
    assert_int_equal(model_emit(&m, "--threads x 2>/dev/null", ".o", path), MLC_USAGE);
    model_close(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(register_tile), cmocka_unit_test(tile_assembly),
        cmocka_unit_test(tails),         cmocka_unit_test(symbols),
        cmocka_unit_test(checks),        cmocka_unit_test(weights),
        cmocka_unit_test(same_bytes),    cmocka_unit_test(names_and_targets),
    };

    (void)argc;
    model_find_codegen(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
