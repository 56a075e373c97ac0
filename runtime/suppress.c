/* SPDX-License-Identifier: 0BSD
 *
 * "suppress": for each batch and class the boxes with the highest scores, without those that overlap a
 * selected one by more than a threshold.
 *
 *     results   selected (i64, [most, 3]: batch, class, box), how many (i64), room for 4 n i64
 *     operands  boxes [batches, n, 4], scores [batches, classes, n], both f32; most per class (i64),
 *               largest overlap (f32), least score (f32)
 *     params    1 where a box is (x centre, y centre, width, height), 0 where it is two corners
 *               (y, x, y, x) in any order; 1 where the least score counts
 *
 * Of equal scores the lower index comes first. Floats are computed in the type of the boxes: a double
 * operation that is rounded to f32 is the f32 operation. */
#include "runtime/calls.h"
#include "runtime/order.h"

typedef struct Boxes {
    const mlc_rt_arg *arg;
    int               is_single, is_center;
} Boxes;

typedef struct Box {
    double low[2], high[2];
} Box;

static double suppress_get(const mlc_rt_arg *a, int64_t i)
{
    return a->elem == 1 ? (double)((const float *)a->data)[i] : ((const double *)a->data)[i];
}

static double suppress_round(const Boxes *b, double v)
{
    return b->is_single ? (double)(float)v : v;
}

static Box suppress_box(const Boxes *b, int64_t at)
{
    Box r;
    for (int k = 0; k < 2; k++) {
        double p = suppress_get(b->arg, 4 * at + k), q = suppress_get(b->arg, 4 * at + 2 + k);
        if (b->is_center) {
            double half = suppress_round(b, q / 2);
            r.low[k] = suppress_round(b, p - half);
            r.high[k] = suppress_round(b, p + half);
        } else {
            r.low[k] = p < q ? p : q;
            r.high[k] = p < q ? q : p;
        }
    }
    return r;
}

static double suppress_area(const Boxes *b, const Box *x)
{
    double w = suppress_round(b, x->high[0] - x->low[0]);
    return suppress_round(b, w * suppress_round(b, x->high[1] - x->low[1]));
}

/* Is the intersection more than `most` of the union? */
static int suppress_overlaps(const Boxes *b, const Box *x, const Box *y, double most)
{
    Box both;
    for (int k = 0; k < 2; k++) {
        both.low[k] = x->low[k] > y->low[k] ? x->low[k] : y->low[k];
        both.high[k] = x->high[k] < y->high[k] ? x->high[k] : y->high[k];
        if (!(both.high[k] > both.low[k]))
            return 0;
    }
    double common = suppress_area(b, &both), ax = suppress_area(b, x), ay = suppress_area(b, y);
    double all = suppress_round(b, suppress_round(b, ax + ay) - common);
    if (!(ax > 0) || !(ay > 0) || !(all > 0))
        return 0;
    return suppress_round(b, common / all) > most;
}

/* Adds the boxes of one class, out of the `n` candidates in order, to the list. */
static int64_t suppress_class(const Boxes *b, int64_t first, const mlc_rt_item *a, int64_t n,
                              int64_t most, double overlap, int64_t *list)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n && count < most; i++) {
        Box x = suppress_box(b, first + a[i].row);
        int ok = 1;
        for (int64_t k = 0; k < count && ok; k++) {
            Box y = suppress_box(b, first + list[3 * k + 2]);
            ok = !suppress_overlaps(b, &x, &y, overlap);
        }
        if (ok)
            list[3 * count++ + 2] = a[i].row;
    }
    return count;
}

MLC_RT_API int mlc_rt_suppress(const mlc_rt_arg *arg, const int64_t *param)
{
    const mlc_rt_arg *scores = &arg[4];
    mlc_rt_item *a = (mlc_rt_item *)arg[2].data;
    int64_t n = arg[3].dim[1], total = 0, most = *(const int64_t *)arg[5].data;
    double overlap = suppress_get(&arg[6], 0), least = suppress_get(&arg[7], 0);
    Boxes b;
    b.arg = &arg[3];
    b.is_single = arg[3].elem == 1;
    b.is_center = param[0] != 0;
    for (int64_t i = 0; i < scores->dim[0]; i++)
        for (int64_t c = 0; c < scores->dim[1]; c++) {
            int64_t line = (i * scores->dim[1] + c) * n, m = 0;
            int64_t *list = (int64_t *)arg[0].data + 3 * total;
            for (int64_t k = 0; k < n; k++) {
                if (param[1] && !(suppress_get(scores, line + k) > least))
                    continue;
                a[m].key = ~mlc_rt_key(scores->data, scores->elem, line + k);
                a[m++].row = k;
            }
            mlc_rt_sort(a, a + n, m, NULL);
            int64_t count = suppress_class(&b, i * n, a, m, most, overlap, list);
            for (int64_t k = 0; k < count; k++) {
                list[3 * k] = i;
                list[3 * k + 1] = c;
            }
            total += count;
        }
    *(int64_t *)arg[1].data = total;
    return MLC_RUN_OK;
}
