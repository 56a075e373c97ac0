/* SPDX-License-Identifier: 0BSD
 *
 * Elements of every type in one order, and sorting. */
#ifndef MLC_RT_ORDER_H
#define MLC_RT_ORDER_H

#include "runtime/rt.h"

/* The key of an element: a < b as elements is key(a) < key(b), and equal elements have one key. -0 is
 * 0; a NaN equals a NaN and is above every number. */
MLC_RT_API uint64_t mlc_rt_key(const void *data, int32_t elem, int64_t i);
/* Bytes of an element; 0: a type without an order. */
MLC_RT_API int64_t mlc_rt_elem_bytes(int32_t elem);

/* A row of a tensor that is read as [outer, n, inner]: row j is [.., j, ..]. `key` is that of the
 * row's first element. */
typedef struct mlc_rt_item {
    uint64_t key;
    int64_t  row;
} mlc_rt_item;

typedef struct mlc_rt_rows {
    const void *data;
    int32_t     elem;
    int64_t     outer, n, inner;
} mlc_rt_rows;

/* Less than, equal to or greater than 0: row a before, equal to or after row b, element by element. */
MLC_RT_API int mlc_rt_compare(const mlc_rt_rows *r, const mlc_rt_item *a, const mlc_rt_item *b);
/* Sorts a[0..n), ascending; equal ones keep their order. By merging, O(n log n); `other` has room for
 * n more. r: NULL where the keys alone decide. */
MLC_RT_API void mlc_rt_sort(mlc_rt_item *a, mlc_rt_item *other, int64_t n,
                            const mlc_rt_rows *r);

#endif
