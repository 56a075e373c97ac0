/* Memory of the runner: plain, or so placed that a step over its end is seen. */
#include "codegen/run/block.h"

#include <stdio.h>
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
        return bits;
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

int block_transfer(const Block *b, const char *path, int write)
{
    FILE *f = fopen(path, write ? "wb" : "rb");
    if (!f)
        return 0;
    size_t want = (size_t)b->bytes;
    size_t got = write ? fwrite(b->data, 1, want, f) : fread(b->data, 1, want, f);
    int    longer = !write && getc(f) != EOF;
    return !((fclose(f) != 0 && write) || got != want || longer);
}

int block_read_strings(const Block *b, char **text, const char *path)
{
    FILE *f = fopen(path, "rb");
    long  bytes = -1;
    if (f && fseek(f, 0, SEEK_END) == 0)
        bytes = ftell(f) - (long)b->bytes;
    free(*text);
    *text = bytes >= 0 ? malloc((size_t)bytes + 1) : NULL;
    int good = *text && fseek(f, 0, SEEK_SET) == 0 &&
               fread(b->data, 1, (size_t)b->bytes, f) == (size_t)b->bytes &&
               fread(*text, 1, (size_t)bytes, f) == (size_t)bytes;
    if (f)
        fclose(f);
    uint64_t *at = b->data;
    for (int64_t k = 0; good && k < b->bytes / 8; k++) {
        good = at[k] < (uint64_t)bytes;
        at[k] += (uint64_t)(uintptr_t)*text;
    }
    if (good)
        (*text)[bytes] = 0;
    return good;
}

void block_strings_to_offsets(const mlc_result_v1 *r, int rank)
{
    uint64_t *at = r->data;
    int64_t   n = 1;
    for (int k = 0; k < rank; k++)
        n *= r->dim[k];
    for (int64_t i = 0; i < n; i++)
        at[i] -= (uint64_t)(uintptr_t)(at + n);
}

int block_is_text(const mlc_io_v1 *io) { return io->elem == 8; }

int block_is_found(const mlc_io_v1 *io)
{
    for (int k = 0; k < io->rank; k++)
        if (io->dim[k] == MLC_DIM_FOUND)
            return 1;
    return 0;
}
