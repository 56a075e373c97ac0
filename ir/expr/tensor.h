/* Tensor: constant data. The bytes are row-major, aligned to the element, and usually still where
 * the model file was mapped; nobody copies them before the artifact is written. */
#ifndef MLC_TENSOR_H
#define MLC_TENSOR_H

#include "ir/expr/elem.h"

enum { MAX_RANK = 12 };

typedef struct Tensor {
    Elem           elem;
    int            rank;
    int64_t        dim[MAX_RANK];
    const void    *data;       /* strings: const char *const [], each NUL-terminated */
    size_t         size_bytes; /* of `data` */
    int            fd;         /* file that holds it at `offset`, or -1: only in memory */
    int64_t        offset;
    const char    *path;       /* of that file, relative to the model's directory, or NULL */
    bool           splat;      /* `data` holds one element, which stands for all of them */
} Tensor;

/* Number of elements. The reader has checked that it and the size in bytes fit 63 bits. */
int64_t tensor_count(const Tensor *t);
/* A tensor with zeroed, writable data in the arena. */
Tensor *tensor_new(Arena *a, Elem e, int rank, const int64_t *dim);
/* The same over memory that is there. */
Tensor *tensor_over(Arena *a, Elem e, int rank, const int64_t *dim, const void *data);
/* Element i (row-major), splats included. */
double  tensor_get_f64(const Tensor *t, int64_t i);
int64_t tensor_get_i64(const Tensor *t, int64_t i);
/* Same type, shape and bytes (NaN equal to itself). */
bool    tensor_equal(const Tensor *a, const Tensor *b);
uint64_t tensor_hash(const Tensor *t);

#endif
