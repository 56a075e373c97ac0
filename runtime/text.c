/* SPDX-License-Identifier: 0BSD
 *
 * References to strings (text.h), and functions that read them.
 *
 * "text_bytes"
 *     results   bytes (i64, 1): of all strings of x, their ends included
 *     operands  x, pool, heap
 * "text_output"
 *     results   y: a pointer for each element of x, then the bytes that they point to,
 *               up to a multiple of 8
 *     operands  x, pool, heap
 * "text_equal"
 *     results   y (bool)
 *     operands  a, b, pool, heap, all of y's shape
 * "text_find"
 *     results   y (i64): of each element of x its place in a table of strings, or -1
 *     operands  x, table, pool, heap
 *     params    1: the table is in ascending order of bytes
 * "text_rank"
 *     results   y (i64): equal elements have equal numbers, and a < b in the order of bytes is
 *               rank(a) < rank(b); room for 2 n i64
 *     operands  x, pool, heap */
#include "runtime/text.h"

#include <string.h>

MLC_RT_API const char *mlc_rt_text(const mlc_rt_arg *pool, const mlc_rt_arg *heap, uint64_t ref)
{
    uint64_t kind = ref >> 52 << 52;
    if (kind == MLC_RT_TEXT_HEAP)
        return (const char *)heap->data + (ref - kind);
    if (kind == MLC_RT_TEXT_POOL)
        return (const char *)pool->data + (ref - kind);
    return ref ? (const char *)(uintptr_t)ref : "";
}

MLC_RT_API int64_t mlc_rt_count(const mlc_rt_arg *x)
{
    int64_t n = 1;
    for (int i = 0; i < x->rank; i++)
        n *= x->dim[i];
    return n;
}

MLC_RT_API mlc_rt_writer mlc_rt_heap_writer(const mlc_rt_arg *heap, int64_t taken)
{
    mlc_rt_writer w;
    w.data = (char *)heap->data;
    w.at = taken;
    w.room = heap->dim[0];
    return w;
}

MLC_RT_API char *mlc_rt_text_new(mlc_rt_writer *w, int64_t n, uint64_t *ref)
{
    if (n < 0 || n >= w->room - w->at)
        return NULL;
    char *to = w->data + w->at;
    to[n] = 0;
    *ref = MLC_RT_TEXT_HEAP | (uint64_t)w->at;
    w->at += n + 1;
    return to;
}

MLC_RT_API int mlc_rt_text_bytes(const mlc_rt_arg *arg, const int64_t *param)
{
    const uint64_t *x = (const uint64_t *)arg[1].data;
    int64_t n = mlc_rt_count(&arg[1]), sum = 0;
    (void)param;
    for (int64_t i = 0; i < n; i++) {
        size_t bytes = strlen(mlc_rt_text(&arg[2], &arg[3], x[i])) + 1;
        if (bytes > (size_t)(INT64_MAX / 2 - sum))
            return MLC_RUN_MEMORY;
        sum += (int64_t)bytes;
    }
    *(int64_t *)arg[0].data = sum;
    return MLC_RUN_OK;
}

MLC_RT_API int mlc_rt_text_output(const mlc_rt_arg *arg, const int64_t *param)
{
    const uint64_t *x = (const uint64_t *)arg[1].data;
    uint64_t *y = (uint64_t *)arg[0].data;
    int64_t n = mlc_rt_count(&arg[1]);
    char *to = (char *)(y + n);
    (void)param;
    for (int64_t i = 0; i < n; i++) {
        const char *s = mlc_rt_text(&arg[2], &arg[3], x[i]);
        size_t bytes = strlen(s) + 1;
        y[i] = (uint64_t)(uintptr_t)to;
        memcpy(to, s, bytes);
        to += bytes;
    }
    while ((uintptr_t)to & 7)
        *to++ = 0;
    return MLC_RUN_OK;
}

MLC_RT_API int mlc_rt_text_equal(const mlc_rt_arg *arg, const int64_t *param)
{
    const uint64_t *a = (const uint64_t *)arg[1].data, *b = (const uint64_t *)arg[2].data;
    uint8_t *y = (uint8_t *)arg[0].data;
    int64_t n = mlc_rt_count(&arg[0]);
    (void)param;
    for (int64_t i = 0; i < n; i++)
        y[i] = a[i] == b[i] || !strcmp(mlc_rt_text(&arg[3], &arg[4], a[i]),
                                       mlc_rt_text(&arg[3], &arg[4], b[i]));
    return MLC_RUN_OK;
}

/* Where s is among the first `high` strings of the table, or -1. */
static int64_t text_search(const mlc_rt_arg *arg, const char *s, int64_t high, int64_t sorted)
{
    const uint64_t *table = (const uint64_t *)arg[2].data;
    for (int64_t low = 0; low < high;) {
        int64_t at = sorted ? low + (high - low) / 2 : low;
        int order = strcmp(s, mlc_rt_text(&arg[3], &arg[4], table[at]));
        if (order == 0)
            return at;
        if (sorted && order < 0)
            high = at;
        else
            low = at + 1;
    }
    return -1;
}

MLC_RT_API int mlc_rt_text_find(const mlc_rt_arg *arg, const int64_t *param)
{
    const uint64_t *x = (const uint64_t *)arg[1].data;
    int64_t *y = (int64_t *)arg[0].data, n = mlc_rt_count(&arg[1]);
    for (int64_t i = 0; i < n; i++)
        y[i] = text_search(arg, mlc_rt_text(&arg[3], &arg[4], x[i]), arg[2].dim[0], param[0]);
    return MLC_RUN_OK;
}

static int text_order(const mlc_rt_arg *arg, int64_t a, int64_t b)
{
    const uint64_t *x = (const uint64_t *)arg[2].data;
    return strcmp(mlc_rt_text(&arg[3], &arg[4], x[a]), mlc_rt_text(&arg[3], &arg[4], x[b]));
}

MLC_RT_API int mlc_rt_text_rank(const mlc_rt_arg *arg, const int64_t *param)
{
    int64_t n = mlc_rt_count(&arg[2]), *y = (int64_t *)arg[0].data, rank = 0;
    int64_t *from = (int64_t *)arg[1].data, *to = from + n;
    (void)param;
    for (int64_t i = 0; i < n; i++)
        from[i] = i;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t i = 0; i < n; i += 2 * width) {
            int64_t middle = i + width < n ? i + width : n;
            int64_t end = i + 2 * width < n ? i + 2 * width : n;
            for (int64_t a = i, b = middle, k = i; k < end; k++)
                to[k] = b == end || (a < middle && text_order(arg, from[a], from[b]) <= 0)
                            ? from[a++]
                            : from[b++];
        }
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    for (int64_t i = 0; i < n; i++) {
        rank += i > 0 && text_order(arg, from[i - 1], from[i]) != 0;
        y[from[i]] = rank;
    }
    return MLC_RUN_OK;
}
