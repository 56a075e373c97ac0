/* idx, the format of MNIST: two zero bytes, a type, the rank, big-endian 32-bit dimensions, then
 * big-endian data. Plain, or compressed with gzip. */
#include "frontend/data/data_file.h"

#include "frontend/data/inflate.h"
#include "ir/base/arena.h"

typedef struct Source {
    Ctx *ctx;
    const char *path;
    const uint8_t *data;
    size_t size;
    bool gzip;
} Source;

/* The first n bytes of the unpacked file; with `all`, exactly these. */
static Status first_bytes(const Source *s, uint8_t *to, size_t n, bool all)
{
    if (s->gzip) {
        const char *wrong = inflate_bytes(INFLATE_GZIP, s->data, s->size, to, n, all);
        return wrong ? data_error(s->ctx, s->path, "%s", wrong) : MLC_OK;
    }
    if (all ? s->size != n : s->size < n)
        return data_error(s->ctx, s->path, "type and shape take %zu bytes, the file has %zu", n,
                          s->size);
    memcpy(to, s->data, n);
    return MLC_OK;
}

static Elem elem_of(uint8_t type)
{
    static const uint8_t types[] = {
        [0x08] = ELEM_U8,  [0x09] = ELEM_I8,  [0x0b] = ELEM_I16,
        [0x0c] = ELEM_I32, [0x0d] = ELEM_F32, [0x0e] = ELEM_F64,
    };
    return type < COUNT_OF(types) ? (Elem)types[type] : ELEM_NONE;
}

static Status read_from(const Source *s, Arena *a, const DataLimits *limits, const Tensor **out)
{
    uint8_t head[4 + 4 * MAX_RANK];
    int64_t dim[MAX_RANK], count;
    size_t bytes;
    TRY(first_bytes(s, head, 4, false));
    Elem e = elem_of(head[2]);
    int rank = head[3];
    if (head[0] || head[1] || e == ELEM_NONE || rank < 1 || rank > MAX_RANK)
        return data_error(s->ctx, s->path, "not an idx file");
    size_t start = 4 + 4 * (size_t)rank;
    TRY(first_bytes(s, head, start, false));
    for (int i = 0; i < rank; i++) {
        const uint8_t *p = head + 4 + 4 * i;
        dim[i] = (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
    }
    TRY(data_shape(s->ctx, s->path, e, rank, dim, limits, &count, &bytes));
    size_t most = s->gzip ? inflate_most(s->size) : s->size;
    if (bytes > limits->max_bytes || bytes > most)
        return data_error(s->ctx, s->path, "type and shape take %zu bytes, the file has fewer",
                          bytes);
    /* The data begins at an aligned address: room for the header is kept before it. */
    size_t room = (start + 63) / 64 * 64;
    uint8_t *whole = arena_alloc(a, room + bytes, 64);
    TRY(first_bytes(s, whole + room - start, start + bytes, true));
    Tensor *t = NEW(a, Tensor);
    *t = (Tensor){.elem = e, .rank = rank, .fd = -1, .size_bytes = bytes, .data = whole + room};
    memcpy(t->dim, dim, (size_t)rank * sizeof *dim);
    data_swap(whole + room, (size_t)count, elem_bits[e] / 8);
    *out = t;
    return MLC_OK;
}

Status idx_read(Ctx *c, Arena *a, const char *path, const DataLimits *limits, const Tensor **out)
{
    DataLimits l = data_limits(limits);
    FileMap *m;
    TRY(data_map(c, a, path, &l, &m));
    Source s = {c, path, m->data, m->size, data_kind(m->data, m->size) == DATA_GZIP};
    TRY(read_from(&s, a, &l, out));
    file_unmap(m);
    return MLC_OK;
}
