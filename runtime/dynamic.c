/* SPDX-License-Identifier: 0BSD
 *
 * Memory whose size the run finds out. It comes from the caller's allocator, object by object, and
 * every call that fails leaves the object as it was, so that mlc_rt_release_all() can clean up. */
#include "runtime/rt.h"

#include <string.h>

static void release(const mlc_alloc_v1 *a, mlc_rt_dyn *d)
{
    if (d->data)
        a->release(a->context, d->data);
    d->data = NULL;
    d->bytes = 0;
}

int mlc_rt_reserve(const mlc_alloc_v1 *a, mlc_rt_dyn *d, int64_t bytes)
{
    if (bytes < 0 || (uint64_t)bytes > SIZE_MAX / 2)
        return MLC_RUN_MEMORY;
    if (d->data && bytes <= d->bytes)
        return MLC_RUN_OK;
    release(a, d);
    d->data = a->alloc(a->context, bytes ? (size_t)bytes : 1);
    if (!d->data)
        return MLC_RUN_MEMORY;
    d->bytes = bytes;
    return MLC_RUN_OK;
}

int mlc_rt_grow(const mlc_alloc_v1 *a, mlc_rt_dyn *d, int64_t bytes)
{
    mlc_rt_dyn larger = {NULL, 0};
    if (bytes < 0 || bytes > INT64_MAX / 4)
        return MLC_RUN_MEMORY;
    if (d->data && bytes <= d->bytes)
        return MLC_RUN_OK;
    int code = mlc_rt_reserve(a, &larger, d->data && bytes < 2 * d->bytes ? 2 * d->bytes : bytes);
    if (code != MLC_RUN_OK)
        return code;
    if (d->bytes)
        memcpy(larger.data, d->data, (size_t)d->bytes);
    release(a, d);
    *d = larger;
    return MLC_RUN_OK;
}

void mlc_rt_swap(mlc_rt_dyn *a, mlc_rt_dyn *b)
{
    mlc_rt_dyn t = *a;
    *a = *b;
    *b = t;
}

void mlc_rt_release(const mlc_alloc_v1 *a, mlc_rt_dyn *d) { release(a, d); }

void mlc_rt_release_all(const mlc_alloc_v1 *a, mlc_rt_dyn *d, int n)
{
    for (int i = 0; i < n; i++)
        release(a, &d[i]);
}
