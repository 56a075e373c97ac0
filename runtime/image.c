/* SPDX-License-Identifier: 0BSD
 *
 * "image_size" and "image_decode": pictures of the formats BMP, PNM, TIFF (not compressed), PNG and
 * JPEG (sequential), told apart by how they begin.
 *
 *     image_size     result   i64[3]: height, width, bytes of room that decoding needs
 *                    operand  the file, u8
 *     image_decode   results  u8[height, width, channels], the room
 *                    operand  the file
 *                    params   0: red green blue; 1: blue green red; 2: grey */
#include "runtime/image.h"

#include <string.h>

static int image_check(const mlc_rt_image *m)
{
    bool fits = m->width > 0 && m->height > 0 && m->width < 65536 && m->height < 65536 &&
                m->width * m->height <= MLC_RT_MOST_PIXELS;
    return fits ? MLC_RUN_OK : MLC_RUN_IMAGE;
}

/* ---- PNM: P5 and P6, binary grey and colour ---- */

typedef struct PnmHeader {
    int64_t data, most;
    int     channels;
} PnmHeader;

/* The next number of the header, after blanks and comments; -1 when there is none. */
static int64_t pnm_number(const mlc_rt_image *m, int64_t *at)
{
    int64_t v = -1;
    for (bool comment = false; *at < m->size; (*at)++) {
        uint8_t c = m->in[*at];
        if (c == '#')
            comment = true;
        else if (c == '\n')
            comment = false;
        else if (!comment && c != ' ' && c != '\t' && c != '\r')
            break;
    }
    for (; *at < m->size && m->in[*at] >= '0' && m->in[*at] <= '9' && v < 1 << 20; (*at)++)
        v = (v < 0 ? 0 : v) * 10 + (m->in[*at] - '0');
    return v;
}

static int pnm_open(mlc_rt_image *m, PnmHeader *h)
{
    int64_t at = 2;
    h->channels = m->in[1] == '6' ? 3 : 1;
    m->width = pnm_number(m, &at);
    m->height = pnm_number(m, &at);
    h->most = pnm_number(m, &at);
    h->data = at + 1; /* one blank ends the header */
    if (image_check(m) || h->most < 1 || h->most > 255 ||
        m->width * m->height * h->channels > m->size - h->data)
        return MLC_RUN_IMAGE;
    return MLC_RUN_OK;
}

static int pnm_decode(mlc_rt_image *m)
{
    PnmHeader h;
    if (pnm_open(m, &h))
        return MLC_RUN_IMAGE;
    for (int64_t i = 0; i < m->width * m->height; i++) {
        const uint8_t *p = m->in + h.data + i * h.channels;
        int v[3];
        for (int c = 0; c < 3; c++) {
            int raw = p[h.channels == 3 ? c : 0];
            v[c] = raw > h.most ? 255 : (int)((raw * 255 * 2 + h.most) / (2 * h.most));
        }
        mlc_rt_put(m, i % m->width, i / m->width, v[0], v[1], v[2]);
    }
    return MLC_RUN_OK;
}

/* ---- BMP: 1, 4, 8 (with a palette), 24 and 32 bits, not compressed ---- */

typedef struct BmpHeader {
    int64_t data, palette, colors, row; /* row: bytes */
    int     bits;
    bool    down; /* the first row is the top */
} BmpHeader;

static int bmp_open(mlc_rt_image *m, BmpHeader *h)
{
    const uint8_t *p = m->in;
    if (m->size < 54)
        return MLC_RUN_IMAGE;
    uint32_t header = mlc_rt_little(p + 14, 4), packing = mlc_rt_little(p + 30, 4);
    int32_t height = (int32_t)mlc_rt_little(p + 22, 4);
    h->data = mlc_rt_little(p + 10, 4);
    h->bits = (int)mlc_rt_little(p + 28, 2);
    h->down = height < 0;
    m->width = (int32_t)mlc_rt_little(p + 18, 4);
    m->height = h->down ? -(int64_t)height : height;
    bool known = h->bits == 1 || h->bits == 4 || h->bits == 8 || h->bits == 24 || h->bits == 32;
    if (header < 40 || header > 1024 || packing != 0 || !known || image_check(m))
        return MLC_RUN_IMAGE;
    h->row = (m->width * h->bits + 31) / 32 * 4;
    h->palette = 14 + (int64_t)header;
    h->colors = mlc_rt_little(p + 46, 4);
    if (h->bits > 8)
        h->colors = 0;
    else if (h->colors == 0 || h->colors > 1 << h->bits)
        h->colors = 1 << h->bits;
    if (h->palette + h->colors * 4 > m->size || h->data > m->size ||
        h->row * m->height > m->size - h->data)
        return MLC_RUN_IMAGE;
    return MLC_RUN_OK;
}

static int bmp_decode(mlc_rt_image *m)
{
    BmpHeader h;
    if (bmp_open(m, &h))
        return MLC_RUN_IMAGE;
    for (int64_t y = 0; y < m->height; y++) {
        const uint8_t *row = m->in + h.data + (h.down ? y : m->height - 1 - y) * h.row;
        for (int64_t x = 0; x < m->width; x++) {
            const uint8_t *p = row + x * (h.bits / 8);
            if (h.bits <= 8) {
                int64_t bit = x * h.bits;
                int i = row[bit / 8] >> (8 - h.bits - bit % 8) & ((1 << h.bits) - 1);
                if (i >= h.colors)
                    return MLC_RUN_IMAGE;
                p = m->in + h.palette + 4 * i;
            }
            mlc_rt_put(m, x, y, p[2], p[1], p[0]);
        }
    }
    return MLC_RUN_OK;
}

/* ---- TIFF: 8 bits, grey or colour, strips, not compressed ---- */

typedef struct TiffHeader {
    uint32_t (*number)(const uint8_t *p, int bytes);
    int64_t strips, nstrips, strip_size, rows; /* where the offsets stand and how wide each is */
    int     channels, photometric;
} TiffHeader;

/* Value i of the entry at p: 16 or 32 bits each, inside the entry or where it points to. */
static int64_t tiff_value(const mlc_rt_image *m, const TiffHeader *h, const uint8_t *p, uint32_t i)
{
    int width = h->number(p + 2, 2) == 3 ? 2 : 4;
    uint32_t count = h->number(p + 4, 4);
    if (i >= count)
        return -1;
    int64_t at = (int64_t)count * width <= 4 ? (p + 8) - m->in : (int64_t)h->number(p + 8, 4);
    at += (int64_t)i * width;
    return at + width <= m->size ? (int64_t)h->number(m->in + at, width) : -1;
}

static int tiff_entry(mlc_rt_image *m, TiffHeader *h, const uint8_t *p)
{
    uint32_t tag = h->number(p, 2), count = h->number(p + 4, 4);
    int64_t v = tiff_value(m, h, p, 0);
    switch (tag) {
    case 256:
        m->width = v;
        break;
    case 257:
        m->height = v;
        break;
    case 258: /* bits */
        for (uint32_t i = 0; i < count && i < 4; i++)
            if (tiff_value(m, h, p, i) != 8)
                return MLC_RUN_IMAGE;
        break;
    case 259: /* packing */
    case 284: /* planes together */
        return v == 1 ? MLC_RUN_OK : MLC_RUN_IMAGE;
    case 262:
        h->photometric = (int)v;
        break;
    case 273:
        h->nstrips = count;
        h->strip_size = h->number(p + 2, 2) == 3 ? 2 : 4;
        h->strips = (int64_t)count * h->strip_size <= 4 ? (p + 8) - m->in : h->number(p + 8, 4);
        break;
    case 277:
        h->channels = v == 1 || v == 3 || v == 4 ? (int)v : 0;
        break;
    case 278:
        h->rows = v;
        break;
    default:
        break;
    }
    return MLC_RUN_OK;
}

static int tiff_open(mlc_rt_image *m, TiffHeader *h)
{
    *h = (TiffHeader){.channels = 1, .photometric = -1, .rows = -1};
    h->number = m->in[0] == 'I' ? mlc_rt_little : mlc_rt_big;
    m->width = m->height = 0;
    if (m->size < 14)
        return MLC_RUN_IMAGE;
    int64_t at = h->number(m->in + 4, 4);
    if (at + 2 > m->size)
        return MLC_RUN_IMAGE;
    int64_t entries = h->number(m->in + at, 2);
    if (at + 2 + entries * 12 > m->size)
        return MLC_RUN_IMAGE;
    for (int64_t i = 0; i < entries; i++)
        if (tiff_entry(m, h, m->in + at + 2 + i * 12))
            return MLC_RUN_IMAGE;
    if (image_check(m) || !h->channels || h->photometric != (h->channels == 1 ? 1 : 2))
        return MLC_RUN_IMAGE;
    if (h->rows < 1 || h->rows > m->height)
        h->rows = m->height;
    if (h->nstrips * h->rows < m->height || h->strips + h->nstrips * h->strip_size > m->size ||
        m->width * m->height * h->channels > m->size)
        return MLC_RUN_IMAGE;
    return MLC_RUN_OK;
}

static int tiff_decode(mlc_rt_image *m)
{
    TiffHeader h;
    if (tiff_open(m, &h))
        return MLC_RUN_IMAGE;
    for (int64_t y = 0; y < m->height; y++) {
        const uint8_t *entry = m->in + h.strips + y / h.rows * h.strip_size;
        int64_t row = m->width * h.channels;
        int64_t at = h.number(entry, (int)h.strip_size) + y % h.rows * row;
        if (at + row > m->size)
            return MLC_RUN_IMAGE;
        for (int64_t x = 0; x < m->width; x++) {
            const uint8_t *p = m->in + at + x * h.channels;
            mlc_rt_put(m, x, y, p[0], p[h.channels > 1 ? 1 : 0], p[h.channels > 1 ? 2 : 0]);
        }
    }
    return MLC_RUN_OK;
}

/* ---- by what a file begins with ---- */

static int pnm_measure(mlc_rt_image *m) { return pnm_open(m, &(PnmHeader){0}); }
static int bmp_measure(mlc_rt_image *m) { return bmp_open(m, &(BmpHeader){0}); }
static int tiff_measure(mlc_rt_image *m) { return tiff_open(m, &(TiffHeader){0}); }

static const struct {
    const char *magic;
    int         length;
    int       (*open)(mlc_rt_image *m);
    int       (*decode)(mlc_rt_image *m);
} image_kinds[] = {
    {"BM", 2, bmp_measure, bmp_decode},
    {"P5", 2, pnm_measure, pnm_decode},
    {"P6", 2, pnm_measure, pnm_decode},
    {"II*\0", 4, tiff_measure, tiff_decode},
    {"MM\0*", 4, tiff_measure, tiff_decode},
    {"\211PNG\r\n\032\n", 8, mlc_rt_png_open, mlc_rt_png_decode},
    {"\377\330\377", 3, mlc_rt_jpeg_open, mlc_rt_jpeg_decode},
};

static int image_kind(const mlc_rt_image *m)
{
    int n = (int)(sizeof image_kinds / sizeof *image_kinds);
    for (int i = 0; i < n; i++)
        if (m->size >= image_kinds[i].length &&
            !memcmp(m->in, image_kinds[i].magic, (size_t)image_kinds[i].length))
            return i;
    return -1;
}

int mlc_rt_image_size(const mlc_rt_arg *arg, const int64_t *param)
{
    (void)param;
    int64_t *y = arg[0].data;
    mlc_rt_image m = {.in = arg[1].data, .size = arg[1].dim[0]};
    int kind = image_kind(&m);
    if (kind < 0 || image_kinds[kind].open(&m) || image_check(&m))
        return MLC_RUN_IMAGE;
    y[0] = m.height;
    y[1] = m.width;
    y[2] = m.room;
    return MLC_RUN_OK;
}

int mlc_rt_image_decode(const mlc_rt_arg *arg, const int64_t *param)
{
    mlc_rt_image m = {.in = arg[2].data, .size = arg[2].dim[0]};
    int kind = image_kind(&m);
    if (kind < 0 || image_kinds[kind].open(&m) || m.height != arg[0].dim[0] ||
        m.width != arg[0].dim[1] || m.room > arg[1].dim[0])
        return MLC_RUN_IMAGE;
    m.out = arg[0].data;
    m.scratch = arg[1].data;
    m.format = (int)param[0];
    return image_kinds[kind].decode(&m);
}
