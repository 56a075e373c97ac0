/* The lane functions: the two builds of them give the same bits for every operation and type. */
#include "ir/kernel/interp_lanes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { N = 1021, BYTES = N * 8 };

static uint64_t a[N], b[N], c[N], got[N], want[N];
static uint64_t seed = 3;

static uint64_t next(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 20 ^ seed << 44;
}

/* Every kind of value of the type: small, random bits, and for floats infinities and NaN. */
static void fill(Elem e, uint64_t *to)
{
    for (size_t i = 0; i < N; i++) {
        uint64_t r = next();
        if (e == ELEM_BOOL)
            elem_set_bits(e, to, i, r & 1);
        else if (r % 3 == 0)
            elem_set_bits(e, to, i, r >> 2);
        else
            elem_set_f64(e, to, i, (double)(r % 41) * (elem_is_float(e) ? 0.5 : 1) - 7);
    }
}

/* NaN may differ in sign and payload. */
static void check_same(Elem e, const char *what)
{
    for (size_t i = 0; i < N; i++) {
        if (elem_get_bits(e, got, i) == elem_get_bits(e, want, i))
            continue;
        double x = elem_get_f64(e, got, i), y = elem_get_f64(e, want, i);
        if (!elem_is_float(e) || x == x || y == y)
            fail_msg("%s of %s, lane %zu: %.17g and %.17g", what, elem_name[e], i, x, y);
    }
}

static void test_operations(void **state)
{
    (void)state;
    const Lanes *fast = interp_lanes();
    for (int op = 0; op < EX_OP_COUNT; op++)
        for (int e = 1; e < ELEM_COUNT; e++) {
            if (!lanes_base.op[op][e] || op >= EX_EXP)
                continue;
            bool is_bool = op == EX_LT || op == EX_LE || op == EX_EQ || op == EX_NE;
            fill((Elem)e, a);
            fill((Elem)e, b);
            fill((Elem)e, c);
            fast->op[op][e](got, a, b, c, N);
            lanes_base.op[op][e](want, a, b, c, N);
            check_same(is_bool ? ELEM_BOOL : (Elem)e, ex_op_name[op]);
        }
}

static void test_casts(void **state)
{
    (void)state;
    const Lanes *fast = interp_lanes();
    for (int from = 1; from < ELEM_COUNT; from++)
        for (int to = 1; to < ELEM_COUNT; to++) {
            if (!lanes_base.cast[from][to])
                continue;
            fill((Elem)from, a);
            fast->cast[from][to](got, a, NULL, NULL, N);
            lanes_base.cast[from][to](want, a, NULL, NULL, N);
            check_same((Elem)to, elem_name[from]);
        }
}

static void test_folds(void **state)
{
    (void)state;
    const Lanes *fast = interp_lanes();
    for (int side = 0; side < 2; side++)
        for (int op = 0; op < EX_OP_COUNT; op++)
            for (int e = 1; e < ELEM_COUNT; e++) {
                if (!lanes_base.fold[side][op][e])
                    continue;
                size_t size = (size_t)1 << lane_log2_bytes((Elem)e);
                fill((Elem)e, a);
                fill((Elem)e, b);
                memcpy(got, a, BYTES);
                memcpy(want, a, BYTES);
                fast->fold[side][op][e](got, b, 5, N / 5);
                for (size_t i = 0; i < N / 5 * 5; i++) { /* one element at a time */
                    char *acc = (char *)want + i / (N / 5) * size, *v = (char *)b + i * size;
                    lanes_base.op[op][e](acc, side == FOLD_LEFT ? acc : v,
                                         side == FOLD_LEFT ? v : acc, NULL, 1);
                }
                check_same((Elem)e, ex_op_name[op]);
            }
}

static void test_memory(void **state)
{
    (void)state;
    static int64_t off[N];
    static uint8_t mask[N];
    for (int i = 0; i < N; i++) {
        off[i] = (int64_t)(next() % N);
        mask[i] = next() % 2;
    }
    fill(ELEM_U64, a);
    for (int z = 0; z < 4; z++) {
        static const Elem by_size[] = {ELEM_U8, ELEM_U16, ELEM_U32, ELEM_U64};
        Elem e = by_size[z];
        const Lanes *fn = interp_lanes();
        fn->gather[z](got, a, off, N);
        for (size_t i = 0; i < N; i++)
            elem_set_bits(e, want, i, elem_get_bits(e, a, (size_t)off[i]));
        check_same(e, "gather");
        int64_t bad = 0, count = fn->gather_masked[z](got, a, -3, off, mask, N / 2, N);
        for (size_t i = 0; i < N; i++) {
            bool in = off[i] >= 3 && off[i] - 3 < N / 2;
            bad += mask[i] && !in;
            elem_set_bits(e, want, i, mask[i] && in ? elem_get_bits(e, a, (size_t)off[i] - 3) : 0);
        }
        check_same(e, "gather under a mask");
        assert_int_equal(count, bad);
        fn->transpose[z](got, 37, a, 27, 27, 37);
        for (size_t i = 0; i < 27; i++)
            for (size_t j = 0; j < 37; j++)
                elem_set_bits(e, want, i * 37 + j, elem_get_bits(e, a, i + j * 27));
        for (size_t i = 27 * 37; i < N; i++)
            elem_set_bits(e, want, i, elem_get_bits(e, got, i));
        check_same(e, "transpose");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_casts),
        cmocka_unit_test(test_folds),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
