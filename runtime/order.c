/* SPDX-License-Identifier: 0BSD
 *
 * Keys: integers move their sign to the top, floats count from the middle of the range by magnitude.
 * Sorting: runs of ORDER_RUN by insertion, then merging of neighbours, twice as long each time. */
#include "runtime/order.h"

#include <string.h>

#define ORDER_MIDDLE ((uint64_t)1 << 63)

enum { ORDER_RUN = 16 };

/* ONNX's numbers of element types. */
enum {
    ORDER_F32 = 1, ORDER_U8 = 2, ORDER_I8 = 3, ORDER_U16 = 4, ORDER_I16 = 5, ORDER_I32 = 6,
    ORDER_I64 = 7, ORDER_BOOL = 9, ORDER_F16 = 10, ORDER_F64 = 11, ORDER_U32 = 12, ORDER_U64 = 13,
    ORDER_BF16 = 16,
};

MLC_RT_API int64_t mlc_rt_elem_bytes(int32_t elem)
{
    switch (elem) {
    case ORDER_U8: case ORDER_I8: case ORDER_BOOL:
        return 1;
    case ORDER_U16: case ORDER_I16: case ORDER_F16: case ORDER_BF16:
        return 2;
    case ORDER_F32: case ORDER_I32: case ORDER_U32:
        return 4;
    case ORDER_I64: case ORDER_F64: case ORDER_U64:
        return 8;
    default:
        return 0;
    }
}

/* `inf`: the bits of infinity in a format of `width` bits. */
static uint64_t order_float_key(uint64_t bits, int width, uint64_t inf)
{
    uint64_t sign = (uint64_t)1 << (width - 1), size = bits & (sign - 1);
    if (size > inf)
        return UINT64_MAX;
    return bits & sign ? ORDER_MIDDLE - size : ORDER_MIDDLE + size;
}

MLC_RT_API uint64_t mlc_rt_key(const void *data, int32_t elem, int64_t i)
{
    uint8_t b1;
    uint16_t b2;
    uint32_t b4;
    uint64_t b8;
    int64_t bytes = mlc_rt_elem_bytes(elem);
    const char *at = (const char *)data + i * bytes;
    switch (bytes) {
    case 1:
        memcpy(&b1, at, 1);
        b8 = b1;
        break;
    case 2:
        memcpy(&b2, at, 2);
        b8 = b2;
        break;
    case 4:
        memcpy(&b4, at, 4);
        b8 = b4;
        break;
    default:
        memcpy(&b8, at, 8);
    }
    switch (elem) {
    case ORDER_F32:
        return order_float_key(b8, 32, 0x7f800000);
    case ORDER_F64:
        return order_float_key(b8, 64, (uint64_t)0x7ff << 52);
    case ORDER_F16:
        return order_float_key(b8, 16, 0x7c00);
    case ORDER_BF16:
        return order_float_key(b8, 16, 0x7f80);
    case ORDER_I8:
        return (uint64_t)(int64_t)(int8_t)b8 ^ ORDER_MIDDLE;
    case ORDER_I16:
        return (uint64_t)(int64_t)(int16_t)b8 ^ ORDER_MIDDLE;
    case ORDER_I32:
        return (uint64_t)(int64_t)(int32_t)b8 ^ ORDER_MIDDLE;
    case ORDER_I64:
        return b8 ^ ORDER_MIDDLE;
    default:
        return b8;
    }
}

MLC_RT_API int mlc_rt_compare(const mlc_rt_rows *r, const mlc_rt_item *a, const mlc_rt_item *b)
{
    if (a->key != b->key || !r)
        return a->key < b->key ? -1 : a->key > b->key;
    for (int64_t o = 0; o < r->outer; o++)
        for (int64_t i = 0; i < r->inner; i++) {
            uint64_t x = mlc_rt_key(r->data, r->elem, (o * r->n + a->row) * r->inner + i);
            uint64_t y = mlc_rt_key(r->data, r->elem, (o * r->n + b->row) * r->inner + i);
            if (x != y)
                return x < y ? -1 : 1;
        }
    return 0;
}

static void order_run(mlc_rt_item *a, int64_t n, const mlc_rt_rows *r)
{
    for (int64_t i = 1; i < n; i++) {
        mlc_rt_item v = a[i];
        int64_t k = i;
        for (; k > 0 && mlc_rt_compare(r, &v, &a[k - 1]) < 0; k--)
            a[k] = a[k - 1];
        a[k] = v;
    }
}

static void order_merge(mlc_rt_item *to, const mlc_rt_item *a, const mlc_rt_item *a_end,
                        const mlc_rt_item *b, const mlc_rt_item *b_end, const mlc_rt_rows *r)
{
    while (a < a_end && b < b_end)
        *to++ = mlc_rt_compare(r, b, a) < 0 ? *b++ : *a++;
    while (a < a_end)
        *to++ = *a++;
    while (b < b_end)
        *to++ = *b++;
}

MLC_RT_API void mlc_rt_sort(mlc_rt_item *a, mlc_rt_item *other, int64_t n, const mlc_rt_rows *r)
{
    mlc_rt_item *from = a, *to = other;
    for (int64_t i = 0; i < n; i += ORDER_RUN)
        order_run(a + i, n - i < ORDER_RUN ? n - i : ORDER_RUN, r);
    for (int64_t w = ORDER_RUN; w < n; w *= 2) {
        for (int64_t i = 0; i < n; i += 2 * w) {
            int64_t middle = i + w < n ? i + w : n, end = i + 2 * w < n ? i + 2 * w : n;
            order_merge(to + i, from + i, from + middle, from + middle, from + end, r);
        }
        mlc_rt_item *swap = from;
        from = to;
        to = swap;
    }
    if (from != a && n > 0)
        memcpy(a, from, (size_t)n * sizeof *a);
}
