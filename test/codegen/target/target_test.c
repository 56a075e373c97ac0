/* Several targets for one artifact: found, put in order, refused together. */
#include "codegen/target/target.h"

#include "ir/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct Fixture {
    Ctx        ctx;
    Arena     *arena;
    TargetDesc t[MAX_TARGETS];
    int        n;
} Fixture;

static Fixture f;

static int setup(void **state)
{
    (void)state;
    ctx_init(&f.ctx);
    f.arena = arena_new(&f.ctx);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ctx_free(&f.ctx);
    return 0;
}

static Status find(const char *list)
{
    return target_find_all(&f.ctx, f.arena, list, f.t, &f.n);
}

static void test_order(void **state)
{
    (void)state;
    static const char *const lists[] = {"x86-sse2,x86-avx2,x86-avx512", "x86-avx512,x86-sse2,x86-avx2",
                                        "x86-avx2,x86-avx512,x86-sse2"};
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        assert_int_equal(find(lists[i]), MLC_OK);
        assert_int_equal(f.n, 3);
        assert_string_equal(f.t[0].name, "x86-avx512");
        assert_string_equal(f.t[1].name, "x86-avx2");
        assert_string_equal(f.t[2].name, "x86-sse2");
    }
    assert_int_equal(find("arm64-neon,arm64-dotprod"), MLC_OK);
    assert_string_equal(f.t[0].name, "arm64-dotprod");
}

static void test_one(void **state)
{
    (void)state;
    assert_int_equal(find("c99"), MLC_OK); /* alone it may be of any kind */
    assert_int_equal(f.n, 1);
    assert_string_equal(f.t[0].name, "c99");
}

static void refused(const char *list, DiagCode code, const char *words)
{
    assert_int_equal(find(list), MLC_USAGE);
    assert_int_equal(f.ctx.diags.last->code, code);
    assert_non_null(strstr(f.ctx.diags.last->message, words));
}

static void test_refused(void **state)
{
    (void)state;
    refused("x86-avx2,arm64-neon", E0402, "different architectures");
    refused("x86-avx2,interp", E0402, "makes no object");
    refused("c99,x86-avx2", E0402, "makes no object");
    refused("x86-avx2,x86-avx2", E0402, "need the same CPU");
    refused("x86-avx2,", E0401, "unknown target ''");
    refused(",x86-avx2", E0401, "unknown target ''");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
