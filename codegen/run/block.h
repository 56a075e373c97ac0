/* The memory that a runner gives to its artifact. Plain C and the C library alone, as serve.h. */
#ifndef MLC_CODEGEN_RUN_BLOCK_H
#define MLC_CODEGEN_RUN_BLOCK_H

#include "runtime/mlc_abi.h"

#include <stddef.h>
#include <stdint.h>

/* A piece of memory for one input, output or the workspace. */
typedef struct Block {
    void   *data;
    int64_t bytes;
    void   *map; /* what munmap() gets; NULL: data is from aligned_alloc() */
    size_t  map_bytes;
} Block;

/* Memory of `bytes`; with `guard` its last byte is the last before an unmapped page. Returns 0 when
 * the system refuses. */
int  block_make(Block *b, int64_t bytes, int guard);
void block_free(Block *b);

/* mlc_alloc_v1, on the C library. */
void *block_alloc(void *context, size_t bytes);
void  block_release(void *context, void *data);

/* Bytes of an input or output with the given dimensions; -1: too large or no plain type. */
int64_t block_tensor_bytes(const mlc_io_v1 *io, const int64_t *dim);

/* Writes all of the block to a new file, or fills it from one of its size. Returns 0 on failure. */
int  block_transfer(const Block *b, const char *path, int write);
/* Strings as serve.h describes them: the pointers in the block, the bytes in *text, which free() takes.
 * Returns 0 where the file cannot be read or is malformed. */
int  block_read_strings(const Block *b, char **text, const char *path);
/* And back: pointers of a result become offsets. */
void block_strings_to_offsets(const mlc_result_v1 *r, int rank);

/* Does it hold strings? Does the run find out its size? */
int  block_is_text(const mlc_io_v1 *io);
int  block_is_found(const mlc_io_v1 *io);

#endif
