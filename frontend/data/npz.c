/* .npz: a zip archive of .npy members, stored or deflated.
 *
 * The central directory at the end is what counts. Compressed members may not overlap, so that all
 * of them together unpack to at most 1032 times the file. */
#include "frontend/data/data_file.h"

#include "frontend/data/inflate.h"
#include "ir/base/arena.h"
#include "ir/base/str.h"

#include <zlib.h>

typedef struct Zip {
    Ctx *ctx;
    Arena *arena;
    const char *path;
    const uint8_t *data;
    size_t size;
    DataLimits limits;
    uint64_t entries, at, end; /* of the central directory */
    uint64_t packed, unpacked; /* bytes of the members so far */
} Zip;

typedef struct Member {
    const char *name;
    unsigned method, flags;
    uint32_t crc;
    uint64_t packed, unpacked, header;
} Member;

static uint64_t le(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* The end record, looked for backwards: a comment of up to 64 KiB may follow it. */
static bool find_end(const Zip *z, size_t *at)
{
    enum { END_SIZE = 22, MOST_COMMENT = 65535 };
    if (z->size < END_SIZE)
        return false;
    size_t last = z->size - END_SIZE, least = last > MOST_COMMENT ? last - MOST_COMMENT : 0;
    for (size_t i = last + 1; i-- > least;)
        if (memcmp(z->data + i, "PK\5\6", 4) == 0) {
            *at = i;
            return true;
        }
    return false;
}

static Status read_end(Zip *z)
{
    enum { LOCATOR = 20, END64 = 56 };
    size_t at;
    if (!find_end(z, &at))
        return data_error(z->ctx, z->path, "not a zip archive, or cut off");
    const uint8_t *p = z->data + at;
    uint64_t size = le(p + 12, 4);
    z->entries = le(p + 10, 2);
    z->at = le(p + 16, 4);
    if (at >= LOCATOR && memcmp(p - LOCATOR, "PK\6\7", 4) == 0) {
        uint64_t end64 = le(p - LOCATOR + 8, 8);
        if (end64 > at || at - end64 < END64 || memcmp(z->data + end64, "PK\6\6", 4) != 0)
            return data_error(z->ctx, z->path, "the archive's directory is damaged");
        z->entries = le(z->data + end64 + 32, 8);
        size = le(z->data + end64 + 40, 8);
        z->at = le(z->data + end64 + 48, 8);
    }
    if (z->at > at || size > at - z->at)
        return data_error(z->ctx, z->path, "the archive's directory is damaged");
    z->end = z->at + size;
    if (z->entries > (uint64_t)z->limits.max_entries)
        return data_error(z->ctx, z->path, "the archive has %llu members, the limit is %d",
                          (unsigned long long)z->entries, z->limits.max_entries);
    return MLC_OK;
}

/* Sizes beyond 32 bits stand in an extra field, in this order, each only where its place says so.
 */
static bool read_zip64(const uint8_t *extra, size_t n, Member *m)
{
    uint64_t *wide[] = {&m->unpacked, &m->packed, &m->header};
    while (n >= 4) {
        size_t len = (size_t)le(extra + 2, 2);
        const uint8_t *p = extra + 4;
        if (len > n - 4)
            return false;
        for (size_t i = 0, left = len; le(extra, 2) == 1 && i < COUNT_OF(wide); i++) {
            if (*wide[i] != UINT32_MAX)
                continue;
            if (left < 8)
                return false;
            *wide[i] = le(p, 8);
            p += 8;
            left -= 8;
        }
        extra += 4 + len;
        n -= 4 + len;
    }
    return true;
}

static Status read_entry(Zip *z, Member *m)
{
    enum { ENTRY = 46 };
    const uint8_t *p = z->data + z->at;
    if (z->end - z->at < ENTRY || memcmp(p, "PK\1\2", 4) != 0)
        return data_error(z->ctx, z->path, "the archive's directory is damaged");
    size_t name = (size_t)le(p + 28, 2), extra = (size_t)le(p + 30, 2);
    size_t whole = ENTRY + name + extra + (size_t)le(p + 32, 2);
    if (z->end - z->at < whole)
        return data_error(z->ctx, z->path, "the archive's directory is damaged");
    *m = (Member){
        .name = arena_strndup(z->arena, (const char *)p + ENTRY, name),
        .flags = (unsigned)le(p + 8, 2),
        .method = (unsigned)le(p + 10, 2),
        .crc = (uint32_t)le(p + 16, 4),
        .packed = le(p + 20, 4),
        .unpacked = le(p + 24, 4),
        .header = le(p + 42, 4),
    };
    z->at += whole;
    if (!read_zip64(p + ENTRY + name, extra, m))
        return data_error(z->ctx, z->path, "member '%.80s' has a damaged header", m->name);
    return MLC_OK;
}

/* Where the member's bytes begin, after its local header. */
static Status locate(Zip *z, const Member *m, const uint8_t **data)
{
    enum { LOCAL = 30 };
    uint64_t at = m->header;
    if (m->flags & 1)
        return data_error(z->ctx, z->path, "member '%.80s' is encrypted", m->name);
    if (m->method != 0 && m->method != 8)
        return data_error(z->ctx, z->path, "member '%.80s' is compressed by method %u", m->name,
                          m->method);
    if (at > z->size || z->size - at < LOCAL || memcmp(z->data + at, "PK\3\4", 4) != 0)
        return data_error(z->ctx, z->path, "member '%.80s' has a damaged header", m->name);
    at += LOCAL + le(z->data + at + 26, 2) + le(z->data + at + 28, 2);
    if (at > z->size || m->packed > z->size - at)
        return data_error(z->ctx, z->path, "member '%.80s' is cut off", m->name);
    if (m->method == 0 ? m->packed != m->unpacked : m->unpacked > inflate_most(m->packed))
        return data_error(z->ctx, z->path, "member '%.80s' claims an impossible size", m->name);
    z->packed += m->packed;
    if (z->packed > z->size)
        return data_error(z->ctx, z->path, "members of the archive overlap");
    if (m->unpacked > z->limits.max_bytes - z->unpacked)
        return data_error(z->ctx, z->path, "unpacked, the archive exceeds %zu bytes",
                          z->limits.max_bytes);
    z->unpacked += m->unpacked;
    *data = z->data + at;
    return MLC_OK;
}

static Status read_member(Zip *z, const Member *m, NamedTensors *out)
{
    const uint8_t *data = NULL;
    Tensor *t;
    size_t name = strlen(m->name);
    TRY(locate(z, m, &data));
    const char *where = arena_printf(z->arena, "%s:%s", z->path, m->name);
    if (m->method == 8) {
        uint8_t *to = arena_alloc(z->arena, (size_t)m->unpacked, 64);
        const char *wrong =
            inflate_bytes(INFLATE_RAW, data, (size_t)m->packed, to, (size_t)m->unpacked, true);
        if (wrong)
            return data_error(z->ctx, where, "%s", wrong);
        data = to;
    }
    if ((uint32_t)crc32_z(0, data, (size_t)m->unpacked) != m->crc)
        return data_error(z->ctx, where, "the checksum does not agree");
    TRY(npy_parse(z->ctx, z->arena, where, data, (size_t)m->unpacked, m->method == 8, &z->limits,
                  &t));
    if (str_ends(m->name, ".npy"))
        name -= 4;
    vec_push(z->arena, out, (NamedTensor){arena_strndup(z->arena, m->name, name), t});
    return MLC_OK;
}

Status npz_read(Ctx *c, Arena *a, const char *path, const DataLimits *limits, NamedTensors *out)
{
    FileMap *f;
    Zip z = {.ctx = c, .arena = a, .path = path, .limits = data_limits(limits)};
    TRY(data_map(c, a, path, &z.limits, &f));
    z.data = f->data;
    z.size = f->size;
    TRY(read_end(&z));
    for (uint64_t i = 0; i < z.entries; i++) {
        Member m;
        TRY(read_entry(&z, &m));
        TRY(read_member(&z, &m, out));
    }
    file_unmap(f);
    return MLC_OK;
}
