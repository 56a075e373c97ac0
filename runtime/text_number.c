/* SPDX-License-Identifier: 0BSD
 *
 * Numbers as strings and back, in any locale: the C library only sees digits and an exponent.
 *
 * "text_of_number"
 *     results   y, heap
 *     operands  x (floats of 32 or 64 bits, integers, bool), pool
 *     params    bytes of the heap that are taken, ONNX type whose values they are
 *               The fewest digits that give the value back in that type; an exponent below 1e-4 and
 *               from 1e16 on; always a point or an exponent, unless it is an integer type. NaN, INF,
 *               -INF, True, False. At most MLC_TEXT_NUMBER bytes with the end.
 * "text_number"
 *     results   y (f32, f64, i64 or u64)
 *     operands  x, pool, heap
 *     params    ONNX type, of those: what y holds
 *               A decimal number, with or without sign, point and exponent, white space around it;
 *               inf, infinity and nan in any case. Floats become integers towards zero. All else, and
 *               an integer beyond its type, is MLC_RUN_TEXT. */
#include "runtime/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_F32 = 1, NUMBER_I64 = 7, NUMBER_BOOL = 9, NUMBER_F64 = 11, NUMBER_U64 = 13 };
/* Digits that decide how a decimal number rounds to a double, and one that says that more follow. */
enum { NUMBER_DIGITS = 768, NUMBER_ROOM = NUMBER_DIGITS + 24 };

/* ---- numbers to strings ---- */

/* Formats that are not the C library's: mantissa bits behind the point, least exponent. */
static const struct {
    int elem, mantissa, least;
} number_formats[] = {
    {10, 10, -14}, {16, 7, -126}, {17, 3, -6}, {18, 3, -7}, {19, 2, -14}, {20, 2, -15},
    {23, 1, 0},    {24, 0, -127},
};

/* Does `back`, read from few digits, round to v in a type? */
static int number_is_back(double back, double v, int64_t elem)
{
    if (elem == NUMBER_F64)
        return back == v;
    for (size_t i = 0; i < sizeof number_formats / sizeof *number_formats; i++) {
        if (number_formats[i].elem != elem)
            continue;
        int exponent, least = number_formats[i].least;
        double m = frexp(fabs(v), &exponent);
        int e = v == 0 || exponent - 1 < least ? least : exponent - 1;
        double unit = ldexp(1, e - number_formats[i].mantissa);
        if (m == 0.5 && fabs(back) < fabs(v) && e > least)
            unit /= 2; /* numbers are closer below a power of two */
        return fabs(back - v) < unit / 2;
    }
    return (float)back == (float)v;
}

/* The number digits * 10^exponent, of n digits, without a point, which locales write in their ways. */
static double number_read(const char *digits, int n, int exponent, int is_float)
{
    char text[NUMBER_ROOM];
    memcpy(text, digits, (size_t)n);
    snprintf(text + n, sizeof text - (size_t)n, "e%d", exponent);
    return is_float ? (double)strtof(text, NULL) : strtod(text, NULL);
}

/* The fewest digits of |v|, finite: how many there are; |v| = 0.ddd * 10^exponent. */
static int number_digits(double v, int64_t elem, char digits[20], int *exponent)
{
    for (int n = 1;; n++) {
        char text[40];
        int k = 0;
        const char *at = text;
        snprintf(text, sizeof text, "%.*e", n - 1, fabs(v));
        for (; *at != 'e'; at++)
            if (*at >= '0' && *at <= '9')
                digits[k++] = *at;
        *exponent = atoi(at + 1) + 1;
        if (n == 17 || number_is_back(copysign(number_read(digits, n, *exponent - n,
                                                           elem == NUMBER_F32), v), v, elem)) {
            while (n > 1 && digits[n - 1] == '0')
                n--;
            return n;
        }
    }
}

/* Writes a float; returns its length. */
static int number_float(char *to, double v, int64_t elem)
{
    char digits[20];
    int exponent, at = 0;
    if (v != v)
        return snprintf(to, MLC_TEXT_NUMBER, "NaN");
    if (isinf(v))
        return snprintf(to, MLC_TEXT_NUMBER, v < 0 ? "-INF" : "INF");
    int n = number_digits(v, elem, digits, &exponent);
    int scientific = v != 0 && (exponent < -3 || exponent > 16), whole = scientific ? 1 : exponent;
    if (signbit(v))
        to[at++] = '-';
    if (whole < 1)
        to[at++] = '0';
    for (int i = 0; i < whole; i++)
        to[at++] = i < n ? digits[i] : '0';
    if (n > whole || !scientific)
        to[at++] = '.';
    for (int i = whole; i < 0; i++)
        to[at++] = '0';
    for (int i = whole < 0 ? 0 : whole; i < n; i++)
        to[at++] = digits[i];
    if (n <= whole && !scientific)
        to[at++] = '0';
    if (scientific)
        at += snprintf(to + at, 8, "e%c%02d", exponent < 1 ? '-' : '+', abs(exponent - 1));
    return at;
}

static int number_integer(char *to, uint64_t v, int negative)
{
    char back[24];
    int n = 0, at = 0;
    if (negative) {
        to[at++] = '-';
        v = 0 - v;
    }
    do
        back[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        to[at++] = back[--n];
    return at;
}

/* Element i of x as the string of a number. */
static int number_text(char *to, const mlc_rt_arg *x, int64_t i, int64_t elem)
{
    const void *p = x->data;
    int64_t s;
    switch (x->elem) {
    case NUMBER_F32:
        return number_float(to, (double)((const float *)p)[i], elem);
    case NUMBER_F64:
        return number_float(to, ((const double *)p)[i], elem);
    case NUMBER_BOOL:
        return snprintf(to, MLC_TEXT_NUMBER, ((const uint8_t *)p)[i] ? "True" : "False");
    case 2:
        return number_integer(to, ((const uint8_t *)p)[i], 0);
    case 4:
        return number_integer(to, ((const uint16_t *)p)[i], 0);
    case 12:
        return number_integer(to, ((const uint32_t *)p)[i], 0);
    case NUMBER_U64:
        return number_integer(to, ((const uint64_t *)p)[i], 0);
    case 3:
        s = ((const int8_t *)p)[i];
        break;
    case 5:
        s = ((const int16_t *)p)[i];
        break;
    case 6:
        s = ((const int32_t *)p)[i];
        break;
    default:
        s = ((const int64_t *)p)[i];
    }
    return number_integer(to, (uint64_t)s, s < 0);
}

MLC_RT_API int mlc_rt_text_of_number(const mlc_rt_arg *arg, const int64_t *param)
{
    uint64_t *y = (uint64_t *)arg[0].data;
    int64_t n = mlc_rt_count(&arg[0]);
    mlc_rt_writer w = mlc_rt_heap_writer(&arg[1], param[0]);
    for (int64_t i = 0; i < n; i++) {
        char text[2 * MLC_TEXT_NUMBER];
        int bytes = number_text(text, &arg[2], i, param[1]);
        char *to = mlc_rt_text_new(&w, bytes, &y[i]);
        if (!to)
            return MLC_RUN_MEMORY;
        memcpy(to, text, (size_t)bytes);
    }
    return MLC_RUN_OK;
}

/* ---- strings to numbers ---- */

/* digits * 10^exponent, or a value without digits. */
typedef struct Decimal {
    char digits[NUMBER_ROOM];
    int n, negative, plain; /* plain: nothing but digits */
    int64_t exponent;
    double special; /* INFINITY or NAN; 0: a number */
} Decimal;

static int number_is_digit(char c) { return c >= '0' && c <= '9'; }

/* Is `word`, in lower case, at s? */
static int number_word(const char **s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i++)
        if (((*s)[i] | 32) != word[i])
            return 0;
    *s += n;
    return 1;
}

/* The digits at s, `behind` the point or before it; what is beyond the ones that count only leaves a
 * sign that it was there. Returns how many there are. */
static int64_t number_take_digits(Decimal *d, const char **s, int behind)
{
    const char *from = *s;
    for (; number_is_digit(**s); ++*s) {
        int leading = d->n == 0 && **s == '0', full = d->n == NUMBER_DIGITS;
        if (!leading && !full)
            d->digits[d->n++] = **s;
        else if (full && **s != '0')
            d->digits[NUMBER_DIGITS - 1] |= 1;
        d->exponent += full - behind;
    }
    return *s - from;
}

static int64_t number_take_exponent(const char **s, int *good)
{
    int64_t e = 0;
    int negative = **s == '-';
    *s += **s == '-' || **s == '+';
    *good = number_is_digit(**s);
    for (; number_is_digit(**s); ++*s)
        e = e < 1000000 ? e * 10 + (**s - '0') : e;
    return negative ? -e : e;
}

static const char *number_blank(const char *s)
{
    while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
        s++;
    return s;
}

static int number_parse(const char *s, Decimal *d)
{
    int good = 1;
    d->n = 0;
    d->exponent = 0;
    d->special = 0;
    d->plain = 1;
    s = number_blank(s);
    d->negative = *s == '-';
    s += *s == '-' || *s == '+';
    if (number_word(&s, "nan")) {
        d->special = NAN;
    } else if (number_word(&s, "inf")) {
        number_word(&s, "inity");
        d->special = INFINITY;
    } else {
        int64_t n = number_take_digits(d, &s, 0);
        if (*s == '.') {
            s++;
            n += number_take_digits(d, &s, 1);
            d->plain = 0;
        }
        good = n > 0;
        if (good && (*s | 32) == 'e') {
            s++;
            d->exponent += number_take_exponent(&s, &good);
            d->plain = 0;
        }
    }
    return good && *number_blank(s) == 0;
}

static double number_value(const Decimal *d, int is_float)
{
    int64_t e = d->exponent < -100000 ? -100000 : d->exponent > 100000 ? 100000 : d->exponent;
    double v = d->special != 0 ? d->special
               : d->n          ? number_read(d->digits, d->n, (int)e, is_float)
                               : 0;
    return d->negative ? -v : v;
}

/* As an integer of 64 bits; 0: it is none that fits. */
static int number_as_integer(const Decimal *d, int is_signed, uint64_t *out)
{
    uint64_t v = 0, top = (uint64_t)1 << 63;
    if (!d->plain || d->special != 0 || d->n > 20) {
        double f = trunc(number_value(d, 0));
        int fits = is_signed ? f >= -0x1p63 && f < 0x1p63 : f >= 0 && f < 0x1p64;
        if (fits)
            *out = is_signed ? (uint64_t)(int64_t)f : (uint64_t)f;
        return fits;
    }
    for (int i = 0; i < d->n; i++)
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(d->digits[i] - '0'), &v))
            return 0;
    if (is_signed ? v > top - !d->negative : d->negative && v)
        return 0;
    *out = d->negative ? 0 - v : v;
    return 1;
}

MLC_RT_API int mlc_rt_text_number(const mlc_rt_arg *arg, const int64_t *param)
{
    const uint64_t *x = (const uint64_t *)arg[1].data;
    int64_t n = mlc_rt_count(&arg[0]);
    for (int64_t i = 0; i < n; i++) {
        Decimal d;
        if (!number_parse(mlc_rt_text(&arg[2], &arg[3], x[i]), &d))
            return MLC_RUN_TEXT;
        if (param[0] == NUMBER_F32 || param[0] == NUMBER_F64) {
            double v = number_value(&d, param[0] == NUMBER_F32);
            if (arg[0].elem == NUMBER_F32)
                ((float *)arg[0].data)[i] = (float)v;
            else
                ((double *)arg[0].data)[i] = v;
        } else if (!number_as_integer(&d, param[0] == NUMBER_I64, &((uint64_t *)arg[0].data)[i])) {
            return MLC_RUN_TEXT;
        }
    }
    return MLC_RUN_OK;
}
