/* UTF-8 and UTF-32. A zero ends a string in both. */
#include "frontend/data/npy_text.h"

#include "ir/base/arena.h"

static bool is_character(uint32_t c) { return c <= 0x10ffff && (c < 0xd800 || c >= 0xe000); }

static int utf8_bytes(uint32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

static char *put_utf8(char *to, uint32_t c)
{
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int n = utf8_bytes(c);
    for (int i = n - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(lead[n] | c);
    return to + n;
}

static uint32_t point_at(const uint8_t *p, bool big_endian)
{
    return big_endian ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
                      : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static const char *read_one(Arena *a, const uint8_t *data, size_t points, bool big_endian)
{
    size_t n = 0, bytes = 0;
    for (uint32_t c; n < points && (c = point_at(data + 4 * n, big_endian)) != 0; n++) {
        if (!is_character(c))
            return NULL;
        bytes += (size_t)utf8_bytes(c);
    }
    char *text = arena_alloc(a, bytes + 1, 1), *to = text;
    for (size_t i = 0; i < n; i++)
        to = put_utf8(to, point_at(data + 4 * i, big_endian));
    return text;
}

const char **npy_text_read(Arena *a, const uint8_t *data, size_t count, size_t points,
                           bool big_endian)
{
    const char **text = NEW_ARRAY(a, const char *, count);
    for (size_t i = 0; i < count; i++) {
        text[i] = points ? read_one(a, data + 4 * points * i, points, big_endian) : "";
        if (!text[i])
            return NULL;
    }
    return text;
}

/* The character at *s, which moves behind it; -1: no UTF-8. */
static int32_t take_utf8(const char **s)
{
    const uint8_t *p = (const uint8_t *)*s;
    int more = *p < 0x80 ? 0 : *p < 0xc2 ? -1 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : *p < 0xf5 ? 3 : -1;
    uint32_t c = more > 0 ? *p & (0x3fu >> more) : *p;
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -1;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (more < 0 || !is_character(c) || utf8_bytes(c) != more + 1)
        return -1;
    *s += more + 1;
    return (int32_t)c;
}

/* The characters of s, also into `to` unless it is NULL; -1: no UTF-8. */
static int64_t write_one(uint32_t *to, const char *s)
{
    int64_t n = 0;
    for (; *s; n++) {
        int32_t c = take_utf8(&s);
        if (c < 0)
            return -1;
        if (to)
            to[n] = (uint32_t)c;
    }
    return n;
}

uint32_t *npy_text_write(Arena *a, const Tensor *t, size_t *points, int64_t *bad)
{
    const char *const *text = t->data;
    int64_t n = tensor_count(t);
    *points = 1; /* as NumPy, which has no strings of no characters */
    *bad = -1;
    for (int64_t i = 0; i < (t->splat ? MIN(n, 1) : n); i++) {
        int64_t have = write_one(NULL, text[i]);
        if (have < 0)
            *bad = i;
        *points = MAX(*points, (size_t)MAX(have, 0));
    }
    if (*bad >= 0)
        return NULL;
    uint32_t *to = arena_array(a, (size_t)n, *points * sizeof *to, 8);
    for (int64_t i = 0; i < n; i++)
        write_one(to + (size_t)i * *points, text[t->splat ? 0 : i]);
    return to;
}
