/* Memory of the runner: plain, or so placed that a step over its end is seen. */
#include "codegen/run/block.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void block_free(Block *b)
{
    if (b->map)
        munmap(b->map, b->map_bytes);
    else
        free(b->data);
    memset(b, 0, sizeof *b);
}

int block_make(Block *b, int64_t bytes, int guard)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    b->bytes = bytes;
    if (bytes < 0 || (uint64_t)bytes > SIZE_MAX / 2)
        return 0;
    if (!guard) {
        b->data = aligned_alloc(64, ((size_t)bytes + 64) & ~(size_t)63);
        if (b->data)
            memset(b->data, 0, (size_t)bytes);
        return b->data != NULL;
    }
    size_t body = ((size_t)bytes + page - 1) & ~(page - 1);
    b->map_bytes = body + 2 * page;
    char *p = mmap(NULL, b->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return 0;
    b->map = p;
    b->data = p + page + body - (size_t)bytes;
    if (body && mprotect(p + page, body, PROT_READ | PROT_WRITE) != 0)
        return 0;
    memset(b->data, 0xff, (size_t)bytes);
    return 1;
}

void *block_alloc(void *context, size_t bytes)
{
    (void)context;
    return aligned_alloc(64, (bytes + 63) & ~(size_t)63);
}

void block_release(void *context, void *data)
{
    (void)context;
    free(data);
}

/* Bits of an element type, by ONNX number; 0: not a type with plain storage. */
static int element_bits(int onnx)
{
    switch (onnx) {
#define X(id, text, number, bits, cls, ctype) \
    case number:                              \
        return #cls[0] == 'T' ? 0 : bits;
#include "ir/expr/elem.def"
#undef X
    default:
        return 0;
    }
}

int64_t block_tensor_bytes(const mlc_io_v1 *io, const int64_t *dim)
{
    int64_t n = 1, bits = element_bits(io->elem);
    if (bits == 0)
        return -1;
    for (int k = 0; k < io->rank; k++)
        if (dim[k] < 0 || __builtin_mul_overflow(n, dim[k], &n))
            return -1;
    if (__builtin_mul_overflow(n, bits, &n) || n > INT64_MAX - 7)
        return -1;
    return (n + 7) / 8;
}
