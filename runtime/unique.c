/* SPDX-License-Identifier: 0BSD
 *
 * "unique": the different rows of a tensor along one dimension, or its different elements.
 *
 *     results   first (i64: of each different row the first position), inverse (i64: of each row the
 *               number of its equal), counts (i64), all with room for n, the number of rows; how many
 *               are different (i64); room for 4 n i64
 *     operand   x
 *     params    dimension, or -1 for elements; 1: in ascending order, 0: in the order of x
 *
 * Sorting by merging brings equal rows together, the first one first. */
#include "runtime/calls.h"
#include "runtime/order.h"

/* Groups in the order of their first rows. `room` is for 2 n items, whose content is lost. */
static void unique_by_first(int64_t n, int64_t groups, int64_t *first, int64_t *inverse,
                            int64_t *counts, mlc_rt_item *room)
{
    int64_t *place = (int64_t *)(void *)(room + n), *old = place + n;
    for (int64_t g = 0; g < groups; g++) {
        room[g].key = (uint64_t)first[g];
        room[g].row = g;
    }
    mlc_rt_sort(room, room + n, groups, NULL);
    for (int64_t g = 0; g < groups; g++)
        old[g] = counts[g];
    for (int64_t g = 0; g < groups; g++) {
        first[g] = (int64_t)room[g].key;
        counts[g] = old[room[g].row];
        place[room[g].row] = g;
    }
    for (int64_t i = 0; i < n; i++)
        inverse[i] = place[inverse[i]];
}

MLC_RT_API int mlc_rt_unique(const mlc_rt_arg *arg, const int64_t *param)
{
    const mlc_rt_arg *x = &arg[5];
    int64_t *first = (int64_t *)arg[0].data, *inverse = (int64_t *)arg[1].data;
    int64_t *counts = (int64_t *)arg[2].data, *number = (int64_t *)arg[3].data, groups = 0;
    mlc_rt_item *a = (mlc_rt_item *)arg[4].data;
    mlc_rt_rows r;
    r.data = x->data;
    r.elem = x->elem;
    r.outer = r.n = r.inner = 1;
    for (int i = 0; i < x->rank; i++) {
        if (param[0] >= 0 && i < param[0])
            r.outer *= x->dim[i];
        else if (param[0] >= 0 && i > param[0])
            r.inner *= x->dim[i];
        else
            r.n *= x->dim[i];
    }
    if (mlc_rt_elem_bytes(x->elem) == 0)
        return MLC_RUN_ARGUMENT;
    for (int64_t i = 0; i < r.n; i++) {
        a[i].key = r.outer * r.inner > 0 ? mlc_rt_key(x->data, x->elem, i * r.inner) : 0;
        a[i].row = i;
    }
    mlc_rt_sort(a, a + r.n, r.n, &r);
    for (int64_t i = 0; i < r.n; i++) {
        if (i == 0 || mlc_rt_compare(&r, &a[i - 1], &a[i]) != 0) {
            first[groups] = a[i].row;
            counts[groups++] = 0;
        }
        counts[groups - 1]++;
        inverse[a[i].row] = groups - 1;
    }
    *number = groups;
    if (!param[1])
        unique_by_first(r.n, groups, first, inverse, counts, a);
    return MLC_RUN_OK;
}
