/* SPDX-License-Identifier: 0BSD
 *
 * Pictures in files: what the decoders share. Every decoder has two functions: `open` reads the header
 * and says how large the picture is and how much room decoding needs; `decode` fills `out`. Both take
 * any bytes: they return MLC_RUN_IMAGE for what is no picture, not supported, or too large for the
 * number of its bytes, and never read or write beyond what they were given. */
#ifndef MLC_RT_IMAGE_H
#define MLC_RT_IMAGE_H

#include "runtime/calls.h"

#include <stdbool.h>

enum { MLC_RT_RGB, MLC_RT_BGR, MLC_RT_GRAY };

typedef struct mlc_rt_image {
    const uint8_t *in;
    int64_t        size;
    int64_t        width, height; /* below 65536 each */
    int64_t        room;          /* bytes of scratch */
    uint8_t       *out, *scratch;
    int            format;
} mlc_rt_image;

/* The most pixels of a picture. */
#define MLC_RT_MOST_PIXELS ((int64_t)1 << 28)

static inline uint32_t mlc_rt_big(const uint8_t *p, int bytes)
{
    uint32_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

static inline uint32_t mlc_rt_little(const uint8_t *p, int bytes)
{
    uint32_t v = 0;
    for (int i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

/* Pixel (x, y). Grey is luma as ITU-R BT.601 weighs it, in 16 bits, rounded. */
static inline void mlc_rt_put(mlc_rt_image *m, int64_t x, int64_t y, int r, int g, int b)
{
    int64_t at = y * m->width + x;
    if (m->format == MLC_RT_GRAY) {
        m->out[at] = (uint8_t)((r * 19595 + g * 38470 + b * 7471 + 32768) >> 16);
        return;
    }
    m->out[at * 3] = (uint8_t)(m->format == MLC_RT_RGB ? r : b);
    m->out[at * 3 + 1] = (uint8_t)g;
    m->out[at * 3 + 2] = (uint8_t)(m->format == MLC_RT_RGB ? b : r);
}

MLC_RT_API int mlc_rt_png_open(mlc_rt_image *m);
MLC_RT_API int mlc_rt_png_decode(mlc_rt_image *m);
MLC_RT_API int mlc_rt_jpeg_open(mlc_rt_image *m);
MLC_RT_API int mlc_rt_jpeg_decode(mlc_rt_image *m);

#endif
