/* Constant data: counting, reading, comparing. */
#include "ir/expr/tensor.h"

#include "ir/base/arena.h"
#include "ir/base/map.h"

int64_t tensor_count(const Tensor *t)
{
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= t->dim[i];
    return n;
}

Tensor *tensor_over(Arena *a, Elem e, int rank, const int64_t *dim, const void *data)
{
    assert(rank >= 0 && rank <= MAX_RANK);
    Tensor *t = NEW(a, Tensor);
    t->elem = e;
    t->rank = rank;
    for (int i = 0; i < rank; i++)
        t->dim[i] = dim[i];
    t->fd = -1;
    t->size_bytes = elem_size_bytes(e, (size_t)tensor_count(t));
    t->data = data;
    return t;
}

Tensor *tensor_new(Arena *a, Elem e, int rank, const int64_t *dim)
{
    Tensor *t = tensor_over(a, e, rank, dim, NULL);
    t->data = arena_alloc(a, t->size_bytes, 64);
    return t;
}

double tensor_get_f64(const Tensor *t, int64_t i)
{
    return elem_get_f64(t->elem, t->data, t->splat ? 0 : (size_t)i);
}

int64_t tensor_get_i64(const Tensor *t, int64_t i)
{
    return elem_get_i64(t->elem, t->data, t->splat ? 0 : (size_t)i);
}

static bool same_shape(const Tensor *a, const Tensor *b)
{
    return a->elem == b->elem && a->rank == b->rank &&
           memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

static bool element_equal(const Tensor *a, const Tensor *b, int64_t i)
{
    size_t ia = a->splat ? 0 : (size_t)i, ib = b->splat ? 0 : (size_t)i;
    if (a->elem == ELEM_STRING)
        return strcmp(((const char *const *)a->data)[ia], ((const char *const *)b->data)[ib]) == 0;
    if (elem_bits[a->elem] > 64)
        return memcmp((const char *)a->data + ia * 16, (const char *)b->data + ib * 16, 16) == 0;
    return elem_get_bits(a->elem, a->data, ia) == elem_get_bits(b->elem, b->data, ib);
}

bool tensor_equal(const Tensor *a, const Tensor *b)
{
    if (a == b)
        return true;
    if (!same_shape(a, b))
        return false;
    int64_t n = tensor_count(a);
    if (!a->splat && !b->splat && a->elem != ELEM_STRING && elem_bits[a->elem] >= 8)
        return a->data == b->data || !memcmp(a->data, b->data, elem_size_bytes(a->elem, (size_t)n));
    if (a->splat && b->splat)
        n = MIN(n, 1);
    for (int64_t i = 0; i < n; i++) {
        if (!element_equal(a, b, i))
            return false;
    }
    return true;
}

/* Equal tensors have equal hashes although one may be a splat: only the first and last elements
 * and a few between them take part. */
uint64_t tensor_hash(const Tensor *t)
{
    enum { SAMPLES = 64 };
    uint64_t h = hash_bytes(&t->elem, sizeof t->elem, 0);
    h = hash_bytes(t->dim, (size_t)t->rank * sizeof *t->dim, h);
    int64_t n = tensor_count(t), step = n / SAMPLES + 1;
    for (int64_t i = 0; i < n; i += step) {
        size_t at = t->splat ? 0 : (size_t)i;
        if (t->elem == ELEM_STRING) {
            const char *s = ((const char *const *)t->data)[at];
            h = hash_bytes(s, strlen(s), h);
        } else if (elem_bits[t->elem] > 64) {
            h = hash_bytes((const char *)t->data + at * 16, 16, h);
        } else {
            uint64_t bits = elem_get_bits(t->elem, t->data, at);
            h = hash_bytes(&bits, sizeof bits, h);
        }
    }
    return h;
}
