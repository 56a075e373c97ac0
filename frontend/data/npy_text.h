/* Strings of .npy: rows of code points of 32 bits, filled up with zeros. */
#ifndef MLC_NPY_TEXT_H
#define MLC_NPY_TEXT_H

#include "frontend/data/data_file.h"

/* `count` strings of `points` code points each as a tensor's data, UTF-8 in the arena; NULL where one is
 * no Unicode. */
const char **npy_text_read(Arena *a, const uint8_t *data, size_t count, size_t points,
                           bool big_endian);
/* The strings of t as rows of *points code points; *bad is the number of one that is no UTF-8, and -1
 * where there is none. */
uint32_t    *npy_text_write(Arena *a, const Tensor *t, size_t *points, int64_t *bad);

#endif
