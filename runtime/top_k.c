/* SPDX-License-Identifier: 0BSD
 *
 * "top_k": the k greatest (or least) elements along one dimension and where they stand, best first; of
 * equal ones the lower index. A NaN is above every number.
 *
 *     results   values, indices (i64), both with k at the dimension; room for 4 n i64, n the
 *               dimension's size, or for none
 *     operand   x
 *     params    dimension, 1 for the greatest, 1 where there is room to sort in
 *
 * With room: sorting, O(n log n). Without: a heap in the place of the indices whose root is the worst
 * of the k best so far, O(n log k). */
#include "runtime/calls.h"
#include "runtime/order.h"

#include <string.h>

typedef struct Selection {
    const mlc_rt_arg *x;
    uint64_t flip;       /* of keys: 0 for the greatest, all ones for the least */
    int64_t  n, k, step; /* step: between neighbours of the dimension */
    int64_t  first;      /* position of x's first element in this line */
    int64_t *index;      /* of the line's results: at 0, step, 2 step ... */
} Selection;

static uint64_t selection_key(const Selection *s, int64_t i)
{
    return mlc_rt_key(s->x->data, s->x->elem, s->first + i * s->step) ^ s->flip;
}

/* Element a stands after element b. */
static int selection_after(uint64_t ka, int64_t a, uint64_t kb, int64_t b)
{
    return ka != kb ? ka < kb : a > b;
}

/* Puts element i into the heap of `n` at position `at` or below. */
static void heap_sink(const Selection *s, int64_t n, int64_t at, int64_t i)
{
    uint64_t key = selection_key(s, i);
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= n)
            break;
        int64_t c = s->index[child * s->step];
        uint64_t ck = selection_key(s, c);
        if (child + 1 < n) {
            int64_t d = s->index[(child + 1) * s->step];
            uint64_t dk = selection_key(s, d);
            if (selection_after(dk, d, ck, c)) {
                child++;
                c = d;
                ck = dk;
            }
        }
        if (!selection_after(ck, c, key, i))
            break;
        s->index[at * s->step] = c;
        at = child;
    }
    s->index[at * s->step] = i;
}

static void select_by_heap(const Selection *s)
{
    for (int64_t i = 0; i < s->k; i++)
        s->index[i * s->step] = i;
    for (int64_t i = s->k / 2; i-- > 0;)
        heap_sink(s, s->k, i, s->index[i * s->step]);
    uint64_t worst = selection_key(s, s->index[0]);
    for (int64_t i = s->k; i < s->n; i++)
        if (selection_key(s, i) > worst) {
            heap_sink(s, s->k, 0, i);
            worst = selection_key(s, s->index[0]);
        }
    for (int64_t n = s->k; n-- > 1;) {
        int64_t last = s->index[n * s->step];
        s->index[n * s->step] = s->index[0];
        heap_sink(s, n, 0, last);
    }
}

static void select_by_sorting(const Selection *s, mlc_rt_item *room)
{
    for (int64_t i = 0; i < s->n; i++) {
        room[i].key = ~selection_key(s, i);
        room[i].row = i;
    }
    mlc_rt_sort(room, room + s->n, s->n, NULL);
    for (int64_t i = 0; i < s->k; i++)
        s->index[i * s->step] = room[i].row;
}

MLC_RT_API int mlc_rt_top_k(const mlc_rt_arg *arg, const int64_t *param)
{
    const mlc_rt_arg *values = &arg[0], *index = &arg[1], *x = &arg[3];
    int axis = (int)param[0];
    int64_t outer = 1, inner = 1, bytes = mlc_rt_elem_bytes(x->elem);
    Selection s;
    s.x = x;
    s.flip = param[1] ? 0 : UINT64_MAX;
    s.n = x->dim[axis];
    s.k = values->dim[axis];
    if (s.k > s.n || bytes == 0)
        return MLC_RUN_SHAPE;
    for (int i = 0; i < axis; i++)
        outer *= x->dim[i];
    for (int i = axis + 1; i < x->rank; i++)
        inner *= x->dim[i];
    s.step = inner;
    for (int64_t o = 0; o < outer && s.k > 0; o++)
        for (int64_t i = 0; i < inner; i++) {
            int64_t to = o * s.k * inner + i;
            s.first = o * s.n * inner + i;
            s.index = (int64_t *)index->data + to;
            if (param[2])
                select_by_sorting(&s, (mlc_rt_item *)arg[2].data);
            else
                select_by_heap(&s);
            for (int64_t j = 0; j < s.k; j++)
                memcpy((char *)values->data + (to + j * inner) * bytes,
                       (const char *)x->data + (s.first + s.index[j * inner] * inner) * bytes,
                       (size_t)bytes);
        }
    return MLC_RUN_OK;
}
