/* The memory planner: no two objects that live at once overlap; hostile sizes are refused. */
#include "runtime/rt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MAX = 60 };

static uint64_t seed = 1;

static int64_t random_below(int64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((seed >> 33) % (uint64_t)n);
}

static void check_plan(int n, const int64_t *size, const int32_t *first, const int32_t *last)
{
    int64_t offset[MAX], sum = 0, live_max = 0;
    int64_t total = mlc_rt_plan(n, size, first, last, offset);
    assert_true(total >= 0 && total % 64 == 0);
    for (int i = 0; i < n; i++) {
        int64_t live = 0;
        assert_true(offset[i] >= 0 && offset[i] % 64 == 0 && offset[i] + size[i] <= total);
        sum += (size[i] + 63) / 64 * 64;
        for (int k = 0; k < n; k++) {
            if (first[k] <= first[i] && first[i] <= last[k])
                live += (size[k] + 63) / 64 * 64;
            if (k == i || last[k] < first[i] || last[i] < first[k] || !size[i] || !size[k])
                continue;
            assert_true(offset[i] + size[i] <= offset[k] || offset[k] + size[k] <= offset[i]);
        }
        live_max = live > live_max ? live : live_max;
    }
    assert_true(total <= sum && total >= live_max);
}

static void random_lifetimes_do_not_overlap(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        int64_t size[MAX];
        int32_t first[MAX], last[MAX];
        int     n = (int)random_below(MAX + 1);
        for (int i = 0; i < n; i++) {
            size[i] = random_below(3) ? random_below(5000) : 0;
            first[i] = (int32_t)random_below(40);
            last[i] = first[i] + (int32_t)random_below(6);
        }
        check_plan(n, size, first, last);
    }
}

static void chain_takes_two_buffers(void **state)
{
    const int64_t size[] = {1000, 1000, 1000, 1000};
    const int32_t first[] = {0, 1, 2, 3}, last[] = {1, 2, 3, 4};
    int64_t       offset[4];
    (void)state;
    assert_int_equal(mlc_rt_plan(4, size, first, last, offset), 2048);
    assert_int_equal(offset[0], 0);
    assert_int_equal(offset[1], 1024);
    assert_int_equal(offset[2], 0);
    assert_int_equal(offset[3], 1024);
    assert_int_equal(mlc_rt_plan(0, NULL, NULL, NULL, NULL), 0);
}

static void overflow_is_refused(void **state)
{
    const int32_t first[] = {0, 0, 0, 0, 0}, last[] = {1, 1, 1, 1, 1};
    int64_t       offset[5];
    (void)state;
    assert_int_equal(mlc_rt_plan(1, (int64_t[]){-1}, first, last, offset), -1);
    assert_int_equal(mlc_rt_plan(1, (int64_t[]){INT64_MAX}, first, last, offset), -1);
    assert_int_equal(mlc_rt_plan(5, (int64_t[]){INT64_MAX / 3, INT64_MAX / 3, INT64_MAX / 3,
                                                INT64_MAX / 3, INT64_MAX / 3},
                                 first, last, offset),
                     -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lifetimes_do_not_overlap),
        cmocka_unit_test(chain_takes_two_buffers),
        cmocka_unit_test(overflow_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
