#include "frontend/data/inflate.h"

#include <limits.h>
#include <zlib.h>

enum { MOST_RATIO = 1032, SLACK = 64 };

size_t inflate_most(size_t size)
{
    return size > (SIZE_MAX - SLACK) / MOST_RATIO ? SIZE_MAX : size * MOST_RATIO + SLACK;
}

/* zlib counts in 32 bits, so that both sides are given in pieces. */
static int run(z_stream *z, const uint8_t *data, size_t size, uint8_t *out, size_t want, bool all)
{
    size_t in_at = 0, out_at = 0;
    uint8_t extra; /* room for a byte that must not come */
    int rc = Z_OK;
    while (rc == Z_OK && (out_at < want || all)) {
        bool full = out_at == want;
        uInt in_piece = (uInt)MIN(size - in_at, (size_t)INT_MAX);
        uInt out_piece = full ? 1 : (uInt)MIN(want - out_at, (size_t)INT_MAX);
        z->next_in = (Bytef *)data + in_at;
        z->avail_in = in_piece;
        z->next_out = full ? &extra : out + out_at;
        z->avail_out = out_piece;
        rc = inflate(z, Z_NO_FLUSH);
        in_at += in_piece - z->avail_in;
        if (full && z->avail_out == 0)
            return Z_DATA_ERROR;
        if (!full)
            out_at += out_piece - z->avail_out;
    }
    if (out_at < want)
        return rc == Z_OK || rc == Z_STREAM_END ? Z_BUF_ERROR : rc;
    return all && rc != Z_STREAM_END ? Z_DATA_ERROR : Z_OK;
}

const char *inflate_bytes(InflateFormat f, const uint8_t *data, size_t size, uint8_t *out,
                          size_t want, bool all)
{
    z_stream z = {0};
    if (inflateInit2(&z, f == INFLATE_GZIP ? 16 + MAX_WBITS : -MAX_WBITS) != Z_OK)
        return "out of memory";
    int rc = run(&z, data, size, out, want, all);
    inflateEnd(&z);
    if (rc == Z_OK)
        return NULL;
    return rc == Z_MEM_ERROR   ? "out of memory"
           : rc == Z_BUF_ERROR ? "the compressed data is cut off"
                               : "the compressed data is damaged";
}
