#include "frontend/data/data_file.h"

#include "ir/base/arena.h"

#include <stdio.h>

DataLimits data_limits(const DataLimits *given)
{
    DataLimits l = given ? *given : (DataLimits){0};
    l.max_bytes = l.max_bytes ? l.max_bytes : (size_t)16 << 30;
    l.max_elements = l.max_elements ? l.max_elements : (int64_t)1 << 40;
    l.max_entries = l.max_entries ? l.max_entries : 100000;
    return l;
}

Status data_error(Ctx *c, const char *where, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return diag_error(c, E0602, (Loc){.file = where}, MLC_INPUT, "%s", what);
}

static void unmap_hook(void *map)
{
    file_unmap(map);
}

Status data_map(Ctx *c, Arena *a, const char *path, const DataLimits *limits, FileMap **out)
{
    FileMap *m = NEW(a, FileMap), opened;
    arena_at_free(a, unmap_hook, m); /* before the file is open: nothing may unwind after */
    TRY(file_map(c, arena_strdup(a, path), &opened));
    *m = opened;
    *out = m;
    if (m->size > limits->max_bytes)
        return data_error(c, path, "the file has %zu bytes, the limit is %zu", m->size,
                          limits->max_bytes);
    return MLC_OK;
}

Status data_shape(Ctx *c, const char *where, Elem e, int rank, const int64_t *dim,
                  const DataLimits *limits, int64_t *count, size_t *bytes)
{
    int64_t product = 1, bits;
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        empty |= dim[i] == 0;
        if (dim[i] < 0 || __builtin_mul_overflow(product, MAX(dim[i], 1), &product))
            return data_error(c, where, "dimension %d, %lld, is out of range", i,
                              (long long)dim[i]);
    }
    *count = empty ? 0 : product;
    if (*count > limits->max_elements ||
        __builtin_mul_overflow(product, (int64_t)elem_bits[e], &bits))
        return data_error(c, where, "%lld elements are more than the limit of %lld",
                          (long long)product, (long long)limits->max_elements);
    *bytes = elem_size_bytes(e, (size_t)*count);
    return MLC_OK;
}

void data_swap(void *data, size_t n, size_t width)
{
    uint8_t *p = data;
    for (size_t i = 0; width > 1 && i < n; i++, p += width)
        for (size_t lo = 0, hi = width - 1; lo < hi; lo++, hi--) {
            uint8_t t = p[lo];
            p[lo] = p[hi];
            p[hi] = t;
        }
}

DataKind data_kind(const uint8_t *data, size_t size)
{
    if (size >= 6 && memcmp(data, "\x93NUMPY", 6) == 0)
        return DATA_NPY;
    if (size >= 4 && (memcmp(data, "PK\3\4", 4) == 0 || memcmp(data, "PK\5\6", 4) == 0))
        return DATA_NPZ;
    if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b)
        return DATA_GZIP;
    if (size >= 4 && data[0] == 0 && data[1] == 0 && data[2] >= 8 && data[2] <= 14)
        return DATA_IDX;
    if (size >= 2 && (data[0] == 0x08 || data[0] == 0x0a || data[0] == 0x10))
        return DATA_PB; /* TensorProto.dims or .data_type */
    return DATA_UNKNOWN;
}
