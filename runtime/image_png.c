/* SPDX-License-Identifier: 0BSD
 *
 * PNG (ISO/IEC 15948) with deflate (RFC 1951): all colour types and depths, interlaced or not. 16 bits
 * become the upper 8, grey of fewer is spread over 0..255, transparency is left out, checksums are not
 * looked at. The rows of all passes are inflated into the scratch memory, which is the window too. */
#include "runtime/image.h"

#include <string.h>

/* ---- bits, out of the IDAT chunks one after the other ---- */

typedef struct PngBits {
    const mlc_rt_image *m;
    int64_t at, end, next; /* in the chunk; where the one after it begins */
    uint32_t bits;
    int      count;
    bool     failed;
} PngBits;

static bool png_next_chunk(PngBits *b)
{
    while (b->next + 12 <= b->m->size) {
        const uint8_t *p = b->m->in + b->next;
        int64_t length = mlc_rt_big(p, 4);
        if (length > b->m->size - b->next - 12)
            return false;
        b->at = b->next + 8;
        b->end = b->at + length;
        b->next = b->end + 4;
        if (!memcmp(p + 4, "IDAT", 4))
            return true;
        if (!memcmp(p + 4, "IEND", 4))
            return false;
    }
    return false;
}

static int png_byte(PngBits *b)
{
    while (!b->failed && b->at >= b->end)
        b->failed = !png_next_chunk(b);
    return b->failed ? 0 : b->m->in[b->at++];
}

static uint32_t png_bits(PngBits *b, int n)
{
    while (b->count < n) {
        b->bits |= (uint32_t)png_byte(b) << b->count;
        b->count += 8;
    }
    uint32_t v = b->bits & ((1u << n) - 1);
    b->bits >>= n;
    b->count -= n;
    return v;
}

/* ---- deflate ---- */

enum { LONGEST_CODE = 15, MOST_CODES = 288 };

/* A canonical code: how many codes have each length, and the symbols in the order of their codes. */
typedef struct PngCode {
    uint16_t count[LONGEST_CODE + 1], symbol[MOST_CODES];
} PngCode;

static bool png_make_code(PngCode *c, const uint8_t *length, int n)
{
    uint16_t first[LONGEST_CODE + 2] = {0};
    int left = 1;
    memset(c->count, 0, sizeof c->count);
    for (int i = 0; i < n; i++)
        c->count[length[i]]++;
    c->count[0] = 0;
    for (int l = 1; l <= LONGEST_CODE; l++) {
        left = 2 * left - c->count[l];
        if (left < 0)
            return false;
        first[l + 1] = (uint16_t)(first[l] + c->count[l]);
    }
    for (int i = 0; i < n; i++)
        if (length[i])
            c->symbol[first[length[i]]++] = (uint16_t)i;
    return true;
}

static int png_symbol(PngBits *b, const PngCode *c)
{
    int code = 0, first = 0, index = 0;
    for (int l = 1; l <= LONGEST_CODE; l++) {
        code |= (int)png_bits(b, 1);
        if (code - first < c->count[l])
            return c->symbol[index + code - first];
        index += c->count[l];
        first = (first + c->count[l]) << 1;
        code <<= 1;
    }
    b->failed = true;
    return 0;
}

typedef struct PngOut {
    uint8_t *at;
    int64_t  count, size;
} PngOut;

static void png_stored(PngBits *b, PngOut *out)
{
    b->bits = 0;
    b->count = 0;
    int low = png_byte(b), n = low | png_byte(b) << 8;
    int check = png_byte(b);
    check |= png_byte(b) << 8;
    b->failed = b->failed || (n ^ check) != 0xffff;
    for (; n > 0 && !b->failed && out->count < out->size; n--)
        out->at[out->count++] = (uint8_t)png_byte(b);
}

/* The length or distance of a symbol: a base and further bits, whose number grows every `per` symbols. */
static int png_extended(PngBits *b, int symbol, int per, int base)
{
    if (symbol < 2 * per)
        return base + symbol;
    int extra = symbol / per - 1;
    return base + ((per + symbol % per) << extra) + (int)png_bits(b, extra);
}

static void png_block(PngBits *b, PngOut *out, const PngCode *lengths, const PngCode *distances)
{
    while (!b->failed) {
        int symbol = png_symbol(b, lengths);
        if (symbol == 256)
            return;
        if (out->count >= out->size) /* more than the picture needs */
            return;
        if (symbol < 256) {
            out->at[out->count++] = (uint8_t)symbol;
            continue;
        }
        int n = symbol == 285 ? 258 : png_extended(b, symbol - 257, 4, 3);
        int d = png_symbol(b, distances);
        if (symbol > 285 || d > 29) {
            b->failed = true;
            return;
        }
        d = png_extended(b, d, 2, 1);
        if (d > out->count) {
            b->failed = true;
            return;
        }
        for (; n > 0 && out->count < out->size; n--, out->count++)
            out->at[out->count] = out->at[out->count - d];
    }
}

static void png_fixed(PngCode *lengths, PngCode *distances)
{
    uint8_t length[MOST_CODES];
    for (int i = 0; i < MOST_CODES; i++)
        length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    png_make_code(lengths, length, MOST_CODES);
    memset(length, 5, 30);
    png_make_code(distances, length, 30);
}

static void png_dynamic(PngBits *b, PngCode *lengths, PngCode *distances)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t length[MOST_CODES + 32] = {0};
    int nl = (int)png_bits(b, 5) + 257, nd = (int)png_bits(b, 5) + 1, n = (int)png_bits(b, 4) + 4;
    for (int i = 0; i < n; i++)
        length[order[i]] = (uint8_t)png_bits(b, 3);
    if (nl > 286 || nd > 30 || !png_make_code(lengths, length, 19)) {
        b->failed = true;
        return;
    }
    memset(length, 0, sizeof length);
    for (int i = 0; i < nl + nd && !b->failed;) {
        int s = png_symbol(b, lengths), times = 1, value = s;
        if (s == 16) {
            value = i ? length[i - 1] : 0;
            b->failed = b->failed || i == 0;
            times = 3 + (int)png_bits(b, 2);
        } else if (s > 16) {
            value = 0;
            times = s == 17 ? 3 + (int)png_bits(b, 3) : 11 + (int)png_bits(b, 7);
        }
        for (; times > 0 && i < nl + nd; times--)
            length[i++] = (uint8_t)value;
    }
    if (!png_make_code(lengths, length, nl) || !png_make_code(distances, length + nl, nd))
        b->failed = true;
}

static bool png_inflate(PngBits *b, PngOut *out)
{
    PngCode lengths, distances;
    int method = png_byte(b);
    png_byte(b);
    for (bool last = false; !last && !b->failed && out->count < out->size;) {
        last = png_bits(b, 1) != 0;
        uint32_t kind = png_bits(b, 2);
        if (kind == 0) {
            png_stored(b, out);
            continue;
        }
        if (kind == 1)
            png_fixed(&lengths, &distances);
        else if (kind == 2)
            png_dynamic(b, &lengths, &distances);
        else
            b->failed = true;
        if (!b->failed)
            png_block(b, out, &lengths, &distances);
    }
    return (method & 15) == 8 && out->count == out->size;
}

/* ---- the picture ---- */

typedef struct PngPass {
    int x, y, dx, dy;
} PngPass;

static const PngPass png_whole = {0, 0, 1, 1};
static const PngPass png_passes[7] = {
    {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
};

enum { PNG_GRAY, PNG_RGB = 2, PNG_PALETTE, PNG_GRAY_ALPHA, PNG_RGBA = 6 };

typedef struct Png {
    int depth, color, channels, passes;
    const uint8_t *palette;
    int64_t colors;
} Png;

static const PngPass *png_pass(const Png *p, int i) { return p->passes == 1 ? &png_whole : &png_passes[i]; }

static int64_t png_extent(int64_t size, int first, int step)
{
    return size > first ? (size - first + step - 1) / step : 0;
}

static int64_t png_row(const Png *p, int64_t width) { return (width * p->channels * p->depth + 7) / 8; }

static int png_header(mlc_rt_image *m, Png *p)
{
    static const int8_t channels[7] = {1, 0, 3, 1, 2, 0, 4};
    const uint8_t *h = m->in + 16;
    if (m->size < 33 || memcmp(m->in + 12, "IHDR", 4))
        return MLC_RUN_IMAGE;
    m->width = mlc_rt_big(h, 4);
    m->height = mlc_rt_big(h + 4, 4);
    *p = (Png){.depth = h[8], .color = h[9], .passes = h[12] ? 7 : 1};
    p->channels = p->color < 7 ? channels[p->color] : 0;
    bool small = p->depth == 1 || p->depth == 2 || p->depth == 4;
    bool deep = p->depth == 8 || (p->depth == 16 && p->color != PNG_PALETTE);
    if (!p->channels || !(deep || (small && p->channels == 1)) || h[10] || h[11] || h[12] > 1 ||
        m->width < 1 || m->height < 1 || m->width > 65535 || m->height > 65535)
        return MLC_RUN_IMAGE;
    m->room = 0;
    for (int i = 0; i < p->passes; i++) {
        const PngPass *s = png_pass(p, i);
        int64_t w = png_extent(m->width, s->x, s->dx), rows = png_extent(m->height, s->y, s->dy);
        m->room += w ? rows * (1 + png_row(p, w)) : 0;
    }
    /* deflate makes at most 1032 bytes out of one */
    return m->room / 1032 > m->size ? MLC_RUN_IMAGE : MLC_RUN_OK;
}

int mlc_rt_png_open(mlc_rt_image *m)
{
    Png p;
    return png_header(m, &p);
}

static void png_find_palette(const mlc_rt_image *m, Png *p)
{
    for (int64_t at = 33; at + 12 <= m->size;) {
        int64_t length = mlc_rt_big(m->in + at, 4);
        if (length > m->size - at - 12)
            return;
        if (!memcmp(m->in + at + 4, "PLTE", 4)) {
            p->palette = m->in + at + 8;
            p->colors = length / 3;
        }
        at += 12 + length;
    }
}

static int png_paeth(int a, int b, int c)
{
    int pa = b - c, pb = a - c, pc = pa + pb;
    pa = pa < 0 ? -pa : pa;
    pb = pb < 0 ? -pb : pb;
    pc = pc < 0 ? -pc : pc;
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* row[-1] is the filter; `above` is the row before, NULL for the first. */
static bool png_unfilter(uint8_t *row, const uint8_t *above, int64_t n, int step)
{
    int filter = row[-1];
    for (int64_t i = 0; i < n; i++) {
        int a = i >= step ? row[i - step] : 0, b = above ? above[i] : 0;
        int c = i >= step && above ? above[i - step] : 0;
        int guess = filter == 0   ? 0
                    : filter == 1 ? a
                    : filter == 2 ? b
                    : filter == 3 ? (a + b) / 2
                                  : png_paeth(a, b, c);
        row[i] = (uint8_t)(row[i] + guess);
    }
    return filter <= 4;
}

/* Sample i of a row, in 8 bits; an index of a palette as it is. */
static int png_sample(const Png *p, const uint8_t *row, int64_t i)
{
    if (p->depth >= 8)
        return row[i * (p->depth / 8)];
    int64_t bit = i * p->depth;
    int most = (1 << p->depth) - 1, v = row[bit / 8] >> (8 - p->depth - bit % 8) & most;
    return p->color == PNG_PALETTE ? v : v * 255 / most;
}

static bool png_put_row(mlc_rt_image *m, const Png *p, const PngPass *s, const uint8_t *row, int64_t y)
{
    for (int64_t i = 0, x = s->x; x < m->width; i++, x += s->dx) {
        int v = png_sample(p, row, i * p->channels), g = v, b = v;
        if (p->color == PNG_PALETTE) {
            if (v >= p->colors)
                return false;
            const uint8_t *entry = p->palette + 3 * v;
            v = entry[0];
            g = entry[1];
            b = entry[2];
        } else if (p->channels >= 3) {
            g = png_sample(p, row, i * p->channels + 1);
            b = png_sample(p, row, i * p->channels + 2);
        }
        mlc_rt_put(m, x, y, v, g, b);
    }
    return true;
}

int mlc_rt_png_decode(mlc_rt_image *m)
{
    Png p;
    if (png_header(m, &p))
        return MLC_RUN_IMAGE;
    PngBits bits = {.m = m, .next = 33};
    PngOut out = {m->scratch, 0, m->room};
    png_find_palette(m, &p);
    if (!png_inflate(&bits, &out))
        return MLC_RUN_IMAGE;
    uint8_t *row = m->scratch + 1;
    for (int i = 0; i < p.passes; i++) {
        const PngPass *s = png_pass(&p, i);
        int64_t n = png_row(&p, png_extent(m->width, s->x, s->dx));
        const uint8_t *above = NULL;
        for (int64_t y = s->y; n && y < m->height; y += s->dy, above = row, row += n + 1) {
            int step = p.channels * p.depth / 8;
            if (!png_unfilter(row, above, n, step ? step : 1) || !png_put_row(m, &p, s, row, y))
                return MLC_RUN_IMAGE;
        }
    }
    return MLC_RUN_OK;
}
