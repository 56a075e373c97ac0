/* SPDX-License-Identifier: 0BSD
 *
 * JPEG (ITU-T T.81), sequential with Huffman codes, 8 bits, one or three components. The inverse
 * transform is that of Loeffler, Ligtenberg and Moschytz in integers of 13 bits, colours that were
 * stored at half the width or height are interpolated with weights 3 and 1, and both are rounded as the
 * common decoders do, so that pictures agree with theirs to the bit.
 *
 * The scratch memory holds one plane of whole blocks per component. */
#include "runtime/image.h"

#include <string.h>

enum { JPEG_TABLES = 4, JPEG_COMPONENTS = 3, JPEG_BLOCK = 64 };

typedef struct JpegCode {
    bool    set;
    uint8_t count[17], symbol[256];
} JpegCode;

typedef struct JpegComponent {
    int      id, h, v, quant; /* samples per unit; its table */
    int      dc, ac, last;    /* codes; the DC of the block before */
    int64_t  width, height;   /* samples that count */
    int64_t  blocks, rows;    /* of blocks, whole units */
    uint8_t *plane;
    bool     decoded; /* a scan had it: each component is in one alone */
} JpegComponent;

typedef struct Jpeg {
    mlc_rt_image *m;
    int64_t       at;
    uint16_t      quant[JPEG_TABLES][JPEG_BLOCK];
    JpegCode      code[2][JPEG_TABLES]; /* DC, AC */
    JpegComponent part[JPEG_COMPONENTS];
    int           parts, hmax, vmax, restart;
    bool          plain_rgb; /* not luma and chroma */
    uint32_t      bits;
    int           count;
    bool          failed;
} Jpeg;

static const uint8_t jpeg_order[JPEG_BLOCK] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/* ---- segments ---- */

static bool jpeg_quant(Jpeg *j, const uint8_t *p, int64_t n)
{
    while (n > 0) {
        int wide = p[0] >> 4, table = p[0] & 15;
        int64_t size = 1 + JPEG_BLOCK * (wide + 1);
        if (wide > 1 || table >= JPEG_TABLES || n < size)
            return false;
        for (int i = 0; i < JPEG_BLOCK; i++)
            j->quant[table][jpeg_order[i]] = (uint16_t)mlc_rt_big(p + 1 + i * (wide + 1), wide + 1);
        p += size;
        n -= size;
    }
    return true;
}

static bool jpeg_codes(Jpeg *j, const uint8_t *p, int64_t n)
{
    while (n >= 17) {
        int kind = p[0] >> 4, table = p[0] & 15, all = 0, room = 1;
        if (kind > 1 || table >= JPEG_TABLES)
            return false;
        JpegCode *c = &j->code[kind][table];
        c->set = true;
        for (int l = 1; l <= 16; l++) {
            c->count[l] = p[l];
            all += p[l];
            room = 2 * room - p[l];
            if (room < 0)
                return false;
        }
        if (all > 256 || n < 17 + all)
            return false;
        memcpy(c->symbol, p + 17, (size_t)all);
        p += 17 + all;
        n -= 17 + all;
    }
    return n == 0;
}

static bool jpeg_frame(Jpeg *j, const uint8_t *p, int64_t n)
{
    int64_t units, all = 0;
    if (n < 6 || p[0] != 8 || (p[5] != 1 && p[5] != 3) || n < 6 + 3 * p[5] || j->parts)
        return false;
    j->m->height = mlc_rt_big(p + 1, 2);
    j->m->width = mlc_rt_big(p + 3, 2);
    j->parts = p[5];
    j->hmax = j->vmax = 1;
    for (int i = 0; i < j->parts; i++) {
        const uint8_t *q = p + 6 + 3 * i;
        JpegComponent *c = &j->part[i];
        *c = (JpegComponent){.id = q[0], .h = q[1] >> 4, .v = q[1] & 15, .quant = q[2]};
        if (c->h < 1 || c->h > 4 || c->v < 1 || c->v > 4 || c->quant >= JPEG_TABLES)
            return false;
        j->hmax = c->h > j->hmax ? c->h : j->hmax;
        j->vmax = c->v > j->vmax ? c->v : j->vmax;
    }
    if (!j->m->width || !j->m->height)
        return false;
    int64_t across = (j->m->width + 8 * j->hmax - 1) / (8 * j->hmax);
    int64_t down = (j->m->height + 8 * j->vmax - 1) / (8 * j->vmax);
    units = across * down;
    for (int i = 0; i < j->parts; i++) {
        JpegComponent *c = &j->part[i];
        c->blocks = across * c->h;
        c->rows = down * c->v;
        c->width = (j->m->width * c->h + j->hmax - 1) / j->hmax;
        c->height = (j->m->height * c->v + j->vmax - 1) / j->vmax;
        all += units * c->h * c->v;
    }
    j->m->room = all * JPEG_BLOCK;
    return all / 4 <= j->m->size; /* a block has two codes at least, of a bit each */
}

/* ---- codes ---- */

static int jpeg_bit(Jpeg *j)
{
    if (j->count == 0) {
        const mlc_rt_image *m = j->m;
        j->count = 8;
        j->bits = 0; /* what is missing at the end reads as 0 */
        if (j->at < m->size && (m->in[j->at] != 0xff || (j->at + 1 < m->size && !m->in[j->at + 1]))) {
            j->bits = m->in[j->at];
            j->at += m->in[j->at] == 0xff ? 2 : 1;
        }
    }
    j->count--;
    return (int)(j->bits >> j->count & 1);
}

static int jpeg_symbol(Jpeg *j, const JpegCode *c)
{
    int code = 0, first = 0, index = 0;
    for (int l = 1; l <= 16; l++) {
        code |= jpeg_bit(j);
        if (code - first < c->count[l])
            return c->symbol[index + code - first];
        index += c->count[l];
        first = (first + c->count[l]) << 1;
        code <<= 1;
    }
    j->failed = true;
    return 0;
}

/* A number of n bits whose upper half is positive. */
static int jpeg_number(Jpeg *j, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++)
        v = v << 1 | jpeg_bit(j);
    return n && v < 1 << (n - 1) ? v - (1 << n) + 1 : v;
}

/* ---- the inverse transform of a block ---- */

static void jpeg_pass(const int64_t *in, int step, int shift, int64_t *out)
{
    int64_t x[8], round = (int64_t)1 << (shift - 1);
    for (int i = 0; i < 8; i++)
        x[i] = in[i * step];
    int64_t z = (x[2] + x[6]) * 4433, low = z - x[6] * 15137, high = z + x[2] * 6270;
    int64_t sum = (x[0] + x[4]) * 8192, difference = (x[0] - x[4]) * 8192;
    int64_t even[4] = {sum + high, difference + low, difference - low, sum - high};
    int64_t z1 = -(x[7] + x[1]) * 7373, z2 = -(x[5] + x[3]) * 20995;
    int64_t z3 = -(x[7] + x[3]) * 16069, z4 = -(x[5] + x[1]) * 3196;
    int64_t z5 = (x[7] + x[3] + x[5] + x[1]) * 9633;
    z3 += z5;
    z4 += z5;
    int64_t odd[4] = {x[1] * 12299 + z1 + z4, x[3] * 25172 + z2 + z3, x[5] * 16819 + z2 + z4,
                      x[7] * 2446 + z1 + z3};
    for (int i = 0; i < 4; i++) {
        out[i * step] = (even[i] + odd[i] + round) >> shift;
        out[(7 - i) * step] = (even[i] - odd[i] + round) >> shift;
    }
}

static void jpeg_inverse(int64_t *block, uint8_t *out, int64_t stride)
{
    for (int i = 0; i < 8; i++)
        jpeg_pass(block + i, 8, 11, block + i);
    for (int i = 0; i < 8; i++)
        jpeg_pass(block + 8 * i, 1, 18, block + 8 * i);
    for (int i = 0; i < JPEG_BLOCK; i++) {
        int64_t v = block[i] + 128;
        out[i / 8 * stride + i % 8] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static void jpeg_decode_block(Jpeg *j, JpegComponent *c, int64_t bx, int64_t by)
{
    int64_t block[JPEG_BLOCK] = {0};
    const uint16_t *q = j->quant[c->quant];
    int size = jpeg_symbol(j, &j->code[0][c->dc]);
    c->last += jpeg_number(j, size > 15 ? 15 : size);
    c->last = c->last > 32767 ? 32767 : c->last < -32768 ? -32768 : c->last;
    block[0] = (int64_t)c->last * q[0];
    for (int k = 1; k < JPEG_BLOCK && !j->failed; k++) {
        int s = jpeg_symbol(j, &j->code[1][c->ac]), bits = s & 15;
        if (!bits && s >> 4 != 15)
            break;
        k += s >> 4;
        if (k >= JPEG_BLOCK)
            break;
        block[jpeg_order[k]] = (int64_t)jpeg_number(j, bits) * q[jpeg_order[k]];
    }
    jpeg_inverse(block, c->plane + (by * c->blocks * 8 + bx) * 8, c->blocks * 8);
}

/* ---- a scan ---- */

static void jpeg_restart(Jpeg *j)
{
    const mlc_rt_image *m = j->m;
    j->count = 0;
    for (int i = 0; i < j->parts; i++)
        j->part[i].last = 0;
    if (j->at + 1 < m->size && m->in[j->at] == 0xff && (m->in[j->at + 1] & 0xf8) == 0xd0)
        j->at += 2;
}

static void jpeg_unit(Jpeg *j, JpegComponent *const *part, int n, int64_t ux, int64_t uy)
{
    if (n == 1) {
        jpeg_decode_block(j, part[0], ux, uy);
        return;
    }
    for (int i = 0; i < n; i++)
        for (int y = 0; y < part[i]->v; y++)
            for (int x = 0; x < part[i]->h; x++)
                jpeg_decode_block(j, part[i], ux * part[i]->h + x, uy * part[i]->v + y);
}

static bool jpeg_scan(Jpeg *j, const uint8_t *p, int64_t size)
{
    JpegComponent *part[JPEG_COMPONENTS];
    int n = size > 0 ? p[0] : 0;
    if (n < 1 || n > j->parts || size < 1 + 2 * n)
        return false;
    for (int i = 0; i < n; i++) {
        part[i] = NULL;
        for (int k = 0; k < j->parts; k++)
            if (j->part[k].id == p[1 + 2 * i])
                part[i] = &j->part[k];
        if (!part[i] || part[i]->decoded)
            return false;
        part[i]->decoded = true;
        part[i]->dc = p[2 + 2 * i] >> 4;
        part[i]->ac = p[2 + 2 * i] & 15;
        if (part[i]->dc >= JPEG_TABLES || part[i]->ac >= JPEG_TABLES ||
            !j->code[0][part[i]->dc].set || !j->code[1][part[i]->ac].set)
            return false;
    }
    const JpegComponent *first = part[0];
    int64_t across = n > 1 ? first->blocks / first->h : (first->width + 7) / 8;
    int64_t down = n > 1 ? first->rows / first->v : (first->height + 7) / 8;
    jpeg_restart(j);
    for (int64_t u = 0; u < across * down && !j->failed; u++) {
        if (j->restart && u && u % j->restart == 0)
            jpeg_restart(j);
        jpeg_unit(j, part, n, u % across, u / across);
    }
    j->count = 0;
    return !j->failed;
}

/* ---- the file ---- */

/* All segments up to the frame, or, where planes are there, to the end of the picture. */
static bool jpeg_read(Jpeg *j, bool measure)
{
    const mlc_rt_image *m = j->m;
    bool scanned = false;
    for (j->at = 2; j->at + 4 <= m->size;) {
        const uint8_t *p = m->in + j->at;
        if (p[0] != 0xff || p[1] == 0xff || p[1] == 0) { /* fill, and what a scan left */
            j->at++;
            continue;
        }
        int marker = p[1];
        if (marker == 0xd9)
            break;
        if (marker >= 0xd0 && marker <= 0xd8) {
            j->at += 2;
            continue;
        }
        int64_t n = (int64_t)mlc_rt_big(p + 2, 2) - 2;
        bool ok = n >= 0 && n <= m->size - j->at - 4;
        if (!ok)
            return scanned;
        j->at += 4 + n;
        p += 4;
        if (marker == 0xdb)
            ok = jpeg_quant(j, p, n);
        else if (marker == 0xc4)
            ok = jpeg_codes(j, p, n);
        else if (marker == 0xdd && n >= 2)
            j->restart = (int)mlc_rt_big(p, 2);
        else if (marker == 0xee && n >= 12 && !memcmp(p, "Adobe", 5))
            j->plain_rgb = p[11] == 0;
        else if (marker == 0xc0 || marker == 0xc1) {
            ok = jpeg_frame(j, p, n);
            if (measure)
                return ok;
            uint8_t *plane = m->scratch;
            for (int i = 0; ok && i < j->parts; i++) {
                j->part[i].plane = plane;
                plane += j->part[i].blocks * j->part[i].rows * JPEG_BLOCK;
            }
        } else if (marker == 0xda)
            ok = scanned = j->parts && jpeg_scan(j, p, n);
        else if (marker >= 0xc2 && marker <= 0xcf && marker != 0xcc)
            return false; /* progressive, lossless or arithmetic */
        if (!ok)
            return false;
    }
    return scanned;
}

int mlc_rt_jpeg_open(mlc_rt_image *m)
{
    Jpeg j = {.m = m};
    return jpeg_read(&j, true) ? MLC_RUN_OK : MLC_RUN_IMAGE;
}

/* ---- to the size of the picture ---- */

/* Sample (x, y) of a component, clamped to what counts. */
static int jpeg_at(const JpegComponent *c, int64_t x, int64_t y)
{
    x = x < 0 ? 0 : x >= c->width ? c->width - 1 : x;
    y = y < 0 ? 0 : y >= c->height ? c->height - 1 : y;
    return c->plane[y * c->blocks * 8 + x];
}

/* A column at half the height: three parts of the nearer sample, one of the other. */
static int jpeg_column(const JpegComponent *c, int64_t x, int64_t y)
{
    return 3 * jpeg_at(c, x, y / 2) + jpeg_at(c, x, y / 2 + (y % 2 ? 1 : -1));
}

static int jpeg_sample(const Jpeg *j, const JpegComponent *c, int64_t x, int64_t y)
{
    bool half_width = c->h * 2 == j->hmax, half_height = c->v * 2 == j->vmax;
    int64_t cx = x / 2, side = x % 2 ? cx + 1 : cx - 1;
    bool edge = side < 0 || side >= c->width;
    if (c->width > 2 && half_width && half_height) {
        int here = jpeg_column(c, cx, y);
        if (edge)
            return (4 * here + (x % 2 ? 7 : 8)) >> 4;
        return (3 * here + jpeg_column(c, side, y) + (x % 2 ? 7 : 8)) >> 4;
    }
    if (c->width > 2 && half_width && c->v == j->vmax)
        return edge ? jpeg_at(c, cx, y) : (3 * jpeg_at(c, cx, y) + jpeg_at(c, side, y) + (x % 2 ? 2 : 1)) >> 2;
    if (c->h == j->hmax && half_height)
        return (jpeg_column(c, x, y) + (y % 2 ? 2 : 1)) >> 2;
    return jpeg_at(c, x * c->h / j->hmax, y * c->v / j->vmax);
}

static int jpeg_clamp(int v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

int mlc_rt_jpeg_decode(mlc_rt_image *m)
{
    Jpeg j = {.m = m};
    memset(m->scratch, 128, (size_t)m->room);
    if (!jpeg_read(&j, false))
        return MLC_RUN_IMAGE;
    for (int64_t i = 0; i < m->width * m->height; i++) {
        int64_t x = i % m->width, y = i / m->width;
        int v[3];
        for (int k = 0; k < j.parts; k++)
            v[k] = jpeg_sample(&j, &j.part[k], x, y);
        if (j.parts == 1) {
            mlc_rt_put(m, x, y, v[0], v[0], v[0]);
        } else if (j.plain_rgb) {
            mlc_rt_put(m, x, y, v[0], v[1], v[2]);
        } else {
            int cb = v[1] - 128, cr = v[2] - 128;
            mlc_rt_put(m, x, y, jpeg_clamp(v[0] + ((91881 * cr + 32768) >> 16)),
                       jpeg_clamp(v[0] + ((-22554 * cb - 46802 * cr + 32768) >> 16)),
                       jpeg_clamp(v[0] + ((116130 * cb + 32768) >> 16)));
        }
    }
    return MLC_RUN_OK;
}
