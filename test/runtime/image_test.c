/* Pictures: small files of every kind, written by hand, and what is left of them after damage. */
#include "runtime/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Decodes into memory of exactly the size that is asked for, from memory that ends with the file.
 * Returns the status; the picture goes to `out`, at most `most` bytes of it. */
static int decode(const uint8_t *file, int64_t n, int format, uint8_t *out, size_t most, int64_t size[3])
{
    uint8_t *copy = malloc(n ? (size_t)n : 1);
    memcpy(copy, file, (size_t)n);
    mlc_rt_arg measure[2] = {{size, 7, 1, {3}}, {copy, 2, 1, {n}}};
    int code = mlc_rt_image_size(measure, NULL);
    if (code == MLC_RUN_OK) {
        int64_t channels = format == MLC_RT_GRAY ? 1 : 3, bytes = size[0] * size[1] * channels;
        uint8_t *y = malloc((size_t)bytes), *room = malloc(size[2] ? (size_t)size[2] : 1);
        mlc_rt_arg arg[3] = {{y, 2, 3, {size[0], size[1], channels}}, {room, 2, 1, {size[2]}},
                             {copy, 2, 1, {n}}};
        code = mlc_rt_image_decode(arg, (int64_t[]){format});
        memcpy(out, y, (size_t)bytes < most ? (size_t)bytes : most);
        free(y);
        free(room);
    }
    free(copy);
    return code;
}

/* ---- files ---- */

static const uint8_t pnm[] = "P6 # two pixels\n2 1\n255\n\1\2\3\310\144\062";
static const uint8_t pgm[] = "P5\n2 1 15\n\0\17";

static const uint8_t bmp[] = {
    'B', 'M', 70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 24, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    3, 2, 1, 0, /* the lower row, blue first */
    50, 100, 200, 0,
};

static const uint8_t tiff[] = {
    'I', 'I', 42, 0, 8, 0, 0, 0, 4, 0,
    0, 1, 3, 0, 1, 0, 0, 0, 2, 0, 0, 0, /* width 2 */
    1, 1, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, /* height 1 */
    6, 1, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, /* black is 0 */
    17, 1, 4, 0, 1, 0, 0, 0, 62, 0, 0, 0, /* the strip */
    0, 0, 0, 0, 7, 9,
};

/* 3x2 grey with 8 bits; rows filtered by "up" and Paeth; one block of fixed codes would be shorter, a
 * stored one can be read here. */
static const uint8_t png[] = {
    0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R',
    0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 9, 'I', 'D', 'A', 'T', 0x78, 1, 1, 8, 0, 0xf7, 0xff, 2, 10, 0, 0, 0, 0,
    0, 0, 0, 10, 'I', 'D', 'A', 'T', 20, 30, 4, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 'I', 'E', 'N', 'D', 0, 0, 0, 0,
};

/* 8x8 grey: quantum 8, DC code "0" is 5 bits, AC code "0" ends the block; DC 20: 20 * 8 / 8 + 128. */
static uint8_t jpeg[256];
static int64_t jpeg_size;

static void jpeg_add(const uint8_t *p, size_t n)
{
    memcpy(jpeg + jpeg_size, p, n);
    jpeg_size += (int64_t)n;
}

static int make_jpeg(void **state)
{
    (void)state;
    uint8_t quanta[69] = {0xff, 0xdb, 0, 67, 0};
    memset(quanta + 5, 8, 64);
    uint8_t codes[23] = {0xff, 0xc4, 0, 20, 0, 1};
    codes[21] = 5;
    jpeg_size = 0;
    jpeg_add((const uint8_t[]){0xff, 0xd8}, 2);
    jpeg_add(quanta, sizeof quanta);
    jpeg_add((const uint8_t[]){0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0}, 13);
    jpeg_add(codes, 22);
    codes[4] = 0x10;
    codes[21] = 0;
    jpeg_add(codes, 22);
    jpeg_add((const uint8_t[]){0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x51, 0xff, 0xd9}, 13);
    return 0;
}

/* ---- what they show ---- */

static void expect(const uint8_t *file, size_t n, int format, int64_t h, int64_t w, const char *pixels)
{
    uint8_t out[64];
    int64_t size[3];
    assert_int_equal(decode(file, (int64_t)n, format, out, sizeof out, size), MLC_RUN_OK);
    assert_int_equal(size[0], h);
    assert_int_equal(size[1], w);
    for (int i = 0; *pixels; i++) {
        char *end;
        assert_int_equal(out[i], strtol(pixels, &end, 10));
        pixels = end;
    }
}

static void formats(void **state)
{
    (void)state;
    expect(pnm, sizeof pnm - 1, MLC_RT_RGB, 1, 2, "1 2 3 200 100 50");
    expect(pnm, sizeof pnm - 1, MLC_RT_BGR, 1, 2, "3 2 1 50 100 200");
    expect(pnm, sizeof pnm - 1, MLC_RT_GRAY, 1, 2, "2 124");
    expect(pgm, sizeof pgm - 1, MLC_RT_RGB, 1, 2, "0 0 0 255 255 255");
    expect(bmp, sizeof bmp, MLC_RT_RGB, 2, 1, "200 100 50 1 2 3");
    expect(tiff, sizeof tiff, MLC_RT_GRAY, 1, 2, "7 9");
    expect(png, sizeof png, MLC_RT_GRAY, 2, 3, "10 20 30 11 21 31");
    expect(jpeg, (size_t)jpeg_size, MLC_RT_RGB, 8, 8, "148 148 148 148");
}

static void refused(void **state)
{
    (void)state;
    uint8_t out[64];
    int64_t size[3];
    assert_int_equal(decode(png, 0, 0, out, 0, size), MLC_RUN_IMAGE);
    assert_int_equal(decode((const uint8_t *)"RIFFxxxxWEBP", 12, 0, out, 0, size), MLC_RUN_IMAGE);
    /* a header that promises far more than there is */
    uint8_t huge[sizeof png];
    memcpy(huge, png, sizeof png);
    huge[18] = huge[22] = 0xff;
    assert_int_equal(decode(huge, sizeof huge, 0, out, 0, size), MLC_RUN_IMAGE);
    assert_int_equal(decode((const uint8_t *)"P6\n9999 9999\n255\n", 17, 0, out, 0, size), MLC_RUN_IMAGE);
}

/* Any damage is a status: memory is of the exact size, so that the sanitizers see what leaves it. */
static void damaged(void **state)
{
    (void)state;
    const struct {
        const uint8_t *at;
        int64_t n;
    } file[] = {{pnm, sizeof pnm - 1}, {bmp, sizeof bmp}, {tiff, sizeof tiff}, {png, sizeof png},
                {jpeg, jpeg_size}};
    uint8_t out[64], copy[256];
    int64_t size[3];
    for (size_t f = 0; f < sizeof file / sizeof *file; f++) {
        for (int64_t n = 0; n < file[f].n; n++)
            (void)decode(file[f].at, n, MLC_RT_RGB, out, sizeof out, size);
        for (int64_t i = 0; i < file[f].n; i++)
            for (int bit = 0; bit < 8; bit++) {
                memcpy(copy, file[f].at, (size_t)file[f].n);
                copy[i] ^= (uint8_t)(1 << bit);
                int code = decode(copy, file[f].n, MLC_RT_GRAY, out, sizeof out, size);
                assert_true(code == MLC_RUN_OK || code == MLC_RUN_IMAGE);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(refused),
        cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, make_jpeg, NULL);
}
