/* SPDX-License-Identifier: 0BSD
 *
 * Functions that make strings in the heap (text.h). Params begin with the bytes of it that are taken.
 *
 * "text_concat"
 *     results   y, heap
 *     operands  a, b, pool, all of y's shape
 * "text_case"
 *     results   y, heap
 *     operands  x, pool
 *     params    taken; 1: to upper case, 0: to lower case. A character whose other case takes another
 *               number of bytes stays; bytes that are no UTF-8 stay.
 * "text_count"
 *     results   pieces (i64) of each element of x, most (i64, 1): the largest of them
 *     operands  x, delimiter, pool, heap
 *     params    cuts at most, -1: any number
 * "text_split"
 *     results   y: of each element of x its pieces, and "" where they are fewer; heap
 *     operands  x, delimiter, pool
 *     params    taken; pieces in y; cuts at most, -1: any number
 *               The delimiter "" is any run of white space, and those at the ends cut nothing. */
#include "runtime/text.h"

#include <string.h>

MLC_RT_API int mlc_rt_text_concat(const mlc_rt_arg *arg, const int64_t *param)
{
    const mlc_rt_arg *heap = &arg[1], *pool = &arg[4];
    const uint64_t *a = (const uint64_t *)arg[2].data, *b = (const uint64_t *)arg[3].data;
    uint64_t *y = (uint64_t *)arg[0].data;
    int64_t n = mlc_rt_count(&arg[0]);
    mlc_rt_writer w = mlc_rt_heap_writer(heap, param[0]);
    for (int64_t i = 0; i < n; i++) {
        const char *s = mlc_rt_text(pool, heap, a[i]), *t = mlc_rt_text(pool, heap, b[i]);
        size_t ns = strlen(s), nt = strlen(t);
        char *to = mlc_rt_text_new(&w, (int64_t)(ns + nt), &y[i]);
        if (!to)
            return MLC_RUN_MEMORY;
        memcpy(to, s, ns);
        memcpy(to + ns, t, nt);
    }
    return MLC_RUN_OK;
}

/* ---- case ---- */

/* Upper case from `first` to `last`, every `step`th of them; lower case is `shift` above it. After
 * UnicodeData.txt, where both take the same number of bytes in UTF-8 and the mapping is one to one. */
static const struct {
    uint16_t first, last, step, shift;
} text_cases[] = {
    {0x41, 0x5a, 1, 32},       {0xc0, 0xd6, 1, 32},       {0xd8, 0xde, 1, 32},
    {0x100, 0x12e, 2, 1},      {0x132, 0x136, 2, 1},      {0x139, 0x147, 2, 1},
    {0x14a, 0x176, 2, 1},      {0x179, 0x17d, 2, 1},      {0x1cd, 0x1db, 2, 1},
    {0x1de, 0x1ee, 2, 1},      {0x1f8, 0x21e, 2, 1},      {0x222, 0x232, 2, 1},
    {0x386, 0x386, 1, 38},     {0x388, 0x38a, 1, 37},     {0x38c, 0x38c, 1, 64},
    {0x38e, 0x38f, 1, 63},     {0x391, 0x3a1, 1, 32},     {0x3a3, 0x3ab, 1, 32},
    {0x3d8, 0x3ee, 2, 1},      {0x400, 0x40f, 1, 80},     {0x410, 0x42f, 1, 32},
    {0x460, 0x480, 2, 1},      {0x48a, 0x4be, 2, 1},      {0x4c1, 0x4cd, 2, 1},
    {0x4d0, 0x52e, 2, 1},      {0x531, 0x556, 1, 48},     {0x10a0, 0x10c5, 1, 7264},
    {0x1e00, 0x1e94, 2, 1},    {0x1ea0, 0x1efe, 2, 1},    {0x2160, 0x216f, 1, 16},
    {0x24b6, 0x24cf, 1, 26},   {0x2c00, 0x2c2f, 1, 48},   {0xa640, 0xa66c, 2, 1},
    {0xff21, 0xff3a, 1, 32},
};

static uint32_t text_case_of(uint32_t c, int64_t to_upper)
{
    for (size_t i = 0; i < sizeof text_cases / sizeof *text_cases; i++) {
        uint32_t shift = text_cases[i].shift, upper = to_upper ? c - shift : c;
        if (upper >= text_cases[i].first && upper <= text_cases[i].last &&
            (upper - text_cases[i].first) % text_cases[i].step == 0)
            return to_upper ? upper : c + shift;
    }
    return c;
}

/* Bytes of the character at s, at most 3 as all that has a case here; 0: it stays as it is. */
static int text_character(const unsigned char *s, uint32_t *c)
{
    *c = s[0];
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] < 0xe0 && (s[1] & 0xc0) == 0x80) {
        *c = (uint32_t)(s[0] & 31) << 6 | (s[1] & 63);
        return 2;
    }
    if (s[0] >= 0xe0 && s[0] < 0xf0 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80) {
        *c = (uint32_t)(s[0] & 15) << 12 | (uint32_t)(s[1] & 63) << 6 | (s[2] & 63);
        return *c >= 0x800 ? 3 : 0;
    }
    return 0;
}

static int text_store(unsigned char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (unsigned char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (unsigned char)(0xc0 | c >> 6);
        to[1] = (unsigned char)(0x80 | (c & 63));
        return 2;
    }
    to[0] = (unsigned char)(0xe0 | c >> 12);
    to[1] = (unsigned char)(0x80 | (c >> 6 & 63));
    to[2] = (unsigned char)(0x80 | (c & 63));
    return 3;
}

/* to: as many bytes as s, and an end. */
static void text_change_case(char *to, const char *s, int64_t to_upper)
{
    const unsigned char *from = (const unsigned char *)s;
    unsigned char *at = (unsigned char *)to, other[3];
    while (*from) {
        uint32_t c;
        int n = text_character(from, &c);
        if (n > 0 && text_store(other, text_case_of(c, to_upper)) == n)
            memcpy(at, other, (size_t)n);
        else
            memcpy(at, from, (size_t)(n = n > 0 ? n : 1));
        from += n;
        at += n;
    }
}

MLC_RT_API int mlc_rt_text_case(const mlc_rt_arg *arg, const int64_t *param)
{
    const uint64_t *x = (const uint64_t *)arg[2].data;
    uint64_t *y = (uint64_t *)arg[0].data;
    int64_t n = mlc_rt_count(&arg[0]);
    mlc_rt_writer w = mlc_rt_heap_writer(&arg[1], param[0]);
    for (int64_t i = 0; i < n; i++) {
        const char *s = mlc_rt_text(&arg[3], &arg[1], x[i]);
        char *to = mlc_rt_text_new(&w, (int64_t)strlen(s), &y[i]);
        if (!to)
            return MLC_RUN_MEMORY;
        text_change_case(to, s, param[1]);
    }
    return MLC_RUN_OK;
}

/* ---- pieces ---- */

static int text_is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The piece that begins at s: its bytes, and in *next where the following one begins, NULL: nowhere.
 * `cuts` more are allowed. */
static int64_t text_piece(const char *s, const char *delimiter, int64_t cuts, const char **next)
{
    size_t n, width = strlen(delimiter);
    *next = NULL;
    if (width) {
        const char *cut = cuts == 0 ? NULL : strstr(s, delimiter);
        *next = cut ? cut + width : NULL;
        return cut ? cut - s : (int64_t)strlen(s);
    }
    if (cuts == 0) /* the rest, with white space at its end */
        return (int64_t)strlen(s);
    for (n = 0; s[n] && !text_is_space(s[n]); n++)
        ;
    const char *rest = s + n;
    while (text_is_space(*rest))
        rest++;
    *next = *rest ? rest : NULL;
    return (int64_t)n;
}

/* Where the first piece of s begins; NULL: it has none, as where there is nothing but white space. */
static const char *text_first_piece(const char *s, const char *delimiter)
{
    if (*delimiter)
        return s;
    while (text_is_space(*s))
        s++;
    return *s ? s : NULL;
}

MLC_RT_API int mlc_rt_text_count(const mlc_rt_arg *arg, const int64_t *param)
{
    const uint64_t *x = (const uint64_t *)arg[2].data;
    int64_t *pieces = (int64_t *)arg[0].data, most = 0, n = mlc_rt_count(&arg[2]);
    const char *delimiter =
        mlc_rt_text(&arg[4], &arg[5], *(const uint64_t *)arg[3].data);
    for (int64_t i = 0; i < n; i++) {
        const char *s = text_first_piece(mlc_rt_text(&arg[4], &arg[5], x[i]), delimiter);
        int64_t cuts = param[0];
        for (pieces[i] = 0; s; pieces[i]++, cuts -= cuts > 0)
            text_piece(s, delimiter, cuts, &s);
        most = pieces[i] > most ? pieces[i] : most;
    }
    *(int64_t *)arg[1].data = most;
    return MLC_RUN_OK;
}

MLC_RT_API int mlc_rt_text_split(const mlc_rt_arg *arg, const int64_t *param)
{
    const mlc_rt_arg *heap = &arg[1], *pool = &arg[4];
    const uint64_t *x = (const uint64_t *)arg[2].data;
    uint64_t *y = (uint64_t *)arg[0].data;
    int64_t n = mlc_rt_count(&arg[2]);
    const char *delimiter = mlc_rt_text(pool, heap, *(const uint64_t *)arg[3].data);
    mlc_rt_writer w = mlc_rt_heap_writer(heap, param[0]);
    for (int64_t i = 0; i < n; i++) {
        const char *s = text_first_piece(mlc_rt_text(pool, heap, x[i]), delimiter), *next;
        int64_t cuts = param[2];
        for (int64_t k = 0; k < param[1]; k++, s = next, cuts -= cuts > 0) {
            next = NULL;
            y[i * param[1] + k] = 0;
            if (!s)
                continue;
            int64_t bytes = text_piece(s, delimiter, cuts, &next);
            char *to = mlc_rt_text_new(&w, bytes, &y[i * param[1] + k]);
            if (!to)
                return MLC_RUN_MEMORY;
            memcpy(to, s, (size_t)bytes);
        }
    }
    return MLC_RUN_OK;
}
