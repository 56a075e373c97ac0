/* zlib behind one function: a known number of bytes, no more and no fewer. */
#ifndef MLC_DATA_INFLATE_H
#define MLC_DATA_INFLATE_H

#include "ir/base/base.h"

typedef enum InflateFormat { INFLATE_RAW, INFLATE_GZIP } InflateFormat;

/* What `size` compressed bytes can grow to at most: deflate gives 1032 bytes for one. */
size_t inflate_most(size_t size);
/* Unpacks the first `want` bytes. With `all`, the stream must end there and its checksum agree.
 * NULL, or what is wrong. */
const char *inflate_bytes(InflateFormat f, const uint8_t *data, size_t size, uint8_t *out,
                          size_t want, bool all);

#endif
