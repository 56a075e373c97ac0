/* SPDX-License-Identifier: 0BSD
 *
 * The memory planner: greedy by size. The largest object is placed first; each goes to the lowest
 * offset at which it overlaps no placed object that lives at the same time. Invariant: `low` never
 * passes a feasible offset, because an object that overlaps [low, low + bytes) also overlaps every
 * position between low and its own end. Quadratic in time, without memory of its own. Ties go by
 * number, so the plan is a function of its arguments. */
#include "runtime/rt.h"

enum { PLAN_ALIGN = 64 };

static int64_t align_up(int64_t bytes)
{
    return (bytes + (PLAN_ALIGN - 1)) & ~(int64_t)(PLAN_ALIGN - 1);
}

/* The lowest offset for object `i`, or -1 when it does not fit 63 bits. */
static int64_t lowest_fit(int i, int n, const int64_t *size, const int32_t *first,
                          const int32_t *last, const int64_t *offset)
{
    int64_t bytes = align_up(size[i]);
    int64_t low = 0;
    for (int moved = 1; moved;) {
        moved = 0;
        for (int k = 0; k < n; k++) {
            if (offset[k] < 0 || size[k] == 0 || last[k] < first[i] || last[i] < first[k])
                continue;
            int64_t end = offset[k] + align_up(size[k]);
            if (offset[k] < low + bytes && low < end) {
                low = end;
                moved = 1;
                if (low > INT64_MAX - PLAN_ALIGN - bytes)
                    return -1;
            }
        }
    }
    return low;
}

MLC_RT_API int64_t mlc_rt_plan(int n, const int64_t *size, const int32_t *first,
                               const int32_t *last, int64_t *offset)
{
    int64_t total = 0;
    for (int i = 0; i < n; i++) {
        if (size[i] < 0 || size[i] > INT64_MAX / 2)
            return -1;
        offset[i] = size[i] == 0 ? 0 : -1;
    }
    for (;;) {
        int big = -1;
        for (int i = 0; i < n; i++)
            if (offset[i] < 0 && (big < 0 || size[i] > size[big]))
                big = i;
        if (big < 0)
            return total;
        int64_t at = lowest_fit(big, n, size, first, last, offset);
        if (at < 0)
            return -1;
        offset[big] = at;
        if (at + align_up(size[big]) > total)
            total = at + align_up(size[big]);
    }
}
