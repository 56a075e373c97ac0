/* What the readers of data files share. */
#ifndef MLC_DATA_FILE_H
#define MLC_DATA_FILE_H

#include "frontend/data/data.h"
#include "ir/base/file.h"

DataLimits data_limits(const DataLimits *given);
/* E0602 at a file. */
Status data_error(Ctx *c, const char *where, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Maps a file and checks its size. It is unmapped when the arena is freed, or sooner by
 * file_unmap(). */
Status data_map(Ctx *c, Arena *a, const char *path, const DataLimits *limits, FileMap **out);
/* Elements and bytes of a shape; reports when they exceed the limits. */
Status data_shape(Ctx *c, const char *where, Elem e, int rank, const int64_t *dim,
                  const DataLimits *limits, int64_t *count, size_t *bytes);
/* Reverses the bytes of each of n elements of `width` bytes. */
void data_swap(void *data, size_t n, size_t width);

/* An .npy array in memory; `where` names the file, or the file and its member. With `keep`, the
 * bytes live as long as the arena, and the tensor may point at them. */
Status npy_parse(Ctx *c, Arena *a, const char *where, const uint8_t *data, size_t size, bool keep,
                 const DataLimits *limits, Tensor **out);

#endif
