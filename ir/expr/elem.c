/* Element types: their tables, and exact conversion of single values.
 *
 * Every small float is described by {exponent bits, mantissa bits, bias, what the top codes mean}
 * and goes through one pair of functions. Encoding rounds once, from double to nearest even, so
 * that nothing is rounded twice. */
#include "ir/expr/elem.h"

#include <math.h>

const char *const elem_name[ELEM_COUNT] = {
    [ELEM_NONE] = "none",
#define X(id, text, onnx, bits, cls, ctype) [ELEM_##id] = text,
#include "ir/expr/elem.def"
#undef X
};

const uint8_t elem_bits[ELEM_COUNT] = {
#define X(id, text, onnx, bits, cls, ctype) [ELEM_##id] = bits,
#include "ir/expr/elem.def"
#undef X
};

static const char elem_class[ELEM_COUNT] = {
#define X(id, text, onnx, bits, cls, ctype) [ELEM_##id] = #cls[0],
#include "ir/expr/elem.def"
#undef X
};

static const int elem_onnx[ELEM_COUNT] = {
#define X(id, text, onnx, bits, cls, ctype) [ELEM_##id] = onnx,
#include "ir/expr/elem.def"
#undef X
};

bool elem_is_float(Elem e)
{
    return elem_class[e] == 'F';
}
bool elem_is_signed(Elem e)
{
    return elem_class[e] == 'S';
}
bool elem_is_unsigned(Elem e)
{
    return elem_class[e] == 'U';
}
bool elem_is_int(Elem e)
{
    return elem_is_signed(e) || elem_is_unsigned(e);
}

bool elem_is_native(Elem e)
{
    return e == ELEM_F32 || e == ELEM_F64 || e == ELEM_BOOL ||
           (elem_is_int(e) && elem_bits[e] >= 8);
}

Elem elem_stored(Elem e)
{
    return e == ELEM_STRING ? ELEM_U64 : e;
}

Elem elem_from_name(const char *text)
{
    for (int e = 1; e < ELEM_COUNT; e++) {
        if (strcmp(text, elem_name[e]) == 0)
            return (Elem)e;
    }
    return ELEM_NONE;
}

Elem elem_from_onnx(int onnx)
{
    for (int e = 1; e < ELEM_COUNT; e++) {
        if (elem_onnx[e] == onnx)
            return (Elem)e;
    }
    return ELEM_NONE;
}

int elem_to_onnx(Elem e)
{
    return elem_onnx[e];
}

size_t elem_size_bytes(Elem e, size_t count)
{
    if (elem_bits[e] >= 8)
        return count * (elem_bits[e] / 8);
    size_t per_byte = 8u / elem_bits[e];
    return count / per_byte + (count % per_byte != 0);
}

/* ---- small floats ---- */

typedef enum TopCodes {
    TOP_IEEE,     /* the largest exponent is infinity or NaN */
    TOP_NAN_ALL,  /* only all ones is NaN; no infinity ("fn") */
    TOP_NEG_ZERO, /* the code of -0 is the only NaN; no infinity ("fnuz") */
    TOP_NUMBERS,  /* every code is a number */
} TopCodes;

typedef struct FloatFormat {
    int8_t exp_bits, man_bits;
    int16_t bias;
    uint8_t top;    /* TopCodes */
    bool saturates; /* beyond the largest number comes the largest number, not infinity */
} FloatFormat;

static const FloatFormat format_of[ELEM_COUNT] = {
    [ELEM_F16] = {5, 10, 15, TOP_IEEE, false},
    [ELEM_BF16] = {8, 7, 127, TOP_IEEE, false},
    [ELEM_F8E4M3FN] = {4, 3, 7, TOP_NAN_ALL, true},
    [ELEM_F8E4M3FNUZ] = {4, 3, 8, TOP_NEG_ZERO, true},
    [ELEM_F8E5M2] = {5, 2, 15, TOP_IEEE, true},
    [ELEM_F8E5M2FNUZ] = {5, 2, 16, TOP_NEG_ZERO, true},
    [ELEM_F4E2M1] = {2, 1, 1, TOP_NUMBERS, true},
};

static double decode(const FloatFormat *f, uint32_t code)
{
    uint32_t man = code & ((1u << f->man_bits) - 1);
    int exp = (int)(code >> f->man_bits & ((1u << f->exp_bits) - 1));
    int exp_top = (1 << f->exp_bits) - 1;
    bool negative = code >> (f->exp_bits + f->man_bits) & 1;
    if (f->top == TOP_IEEE && exp == exp_top)
        return man ? NAN : negative ? -INFINITY : INFINITY;
    if (f->top == TOP_NAN_ALL && exp == exp_top && man == (1u << f->man_bits) - 1)
        return NAN;
    if (f->top == TOP_NEG_ZERO && negative && !exp && !man)
        return NAN;
    double v = exp ? ldexp((double)(man | 1u << f->man_bits), exp - f->bias - f->man_bits)
                   : ldexp((double)man, 1 - f->bias - f->man_bits);
    return negative ? -v : v;
}

/* The largest finite magnitude, as a code without sign. */
static uint32_t largest_code(const FloatFormat *f)
{
    uint32_t all = (1u << (f->exp_bits + f->man_bits)) - 1;
    if (f->top == TOP_IEEE)
        return all - (1u << f->man_bits);
    return f->top == TOP_NAN_ALL ? all - 1 : all;
}

static uint32_t encode_nan(const FloatFormat *f)
{
    uint32_t sign = 1u << (f->exp_bits + f->man_bits);
    switch ((TopCodes)f->top) {
    case TOP_IEEE:
        return largest_code(f) + 1 + (1u << (f->man_bits - 1));
    case TOP_NAN_ALL:
        return sign - 1;
    case TOP_NEG_ZERO:
        return sign;
    case TOP_NUMBERS:
        break;
    }
    return sign; /* float4 has no NaN: the reference data of ONNX Cast holds -0 */
}

/* Codes without sign are ordered as the numbers they stand for, and a step of one code is one unit
 * in the last place: the magnitude in such units, rounded to even, is the code. */
static uint32_t encode(const FloatFormat *f, double v)
{
    if (isnan(v))
        return encode_nan(f);
    uint32_t sign = signbit(v) ? 1u << (f->exp_bits + f->man_bits) : 0;
    uint32_t largest = largest_code(f);
    uint32_t beyond = f->saturates ? largest : largest + 1;
    double a = fabs(v);
    uint32_t code;
    if (isinf(a)) {
        code = beyond;
    } else {
        int e = INT16_MIN; /* zero is below every exponent */
        if (a > 0)
            frexp(a, &e); /* a in [2^(e-1), 2^e) */
        int exp = MAX(e - 1, 1 - f->bias);
        double units = rint(ldexp(a, f->man_bits - exp)); /* below 2^(man_bits + 1), or equal */
        /* A normal number has `units` >= 2^man_bits and exponent code exp + bias, whose value is
         * added on top of the implicit one; a carry moves on to the next exponent by itself. */
        double c = units + ldexp((double)(exp + f->bias - 1), f->man_bits);
        code = c > largest ? beyond : (uint32_t)c;
    }
    if (f->top == TOP_NEG_ZERO && code == 0)
        sign = 0;
    return sign | code;
}

/* f8e8m0: 2^(code - 127); 255 is NaN; no sign and no zero. */
static double decode_e8m0(uint32_t code)
{
    return code == 255 ? NAN : ldexp(1.0, (int)code - 127);
}

static uint32_t encode_e8m0(double v)
{
    if (isnan(v))
        return 255;
    if (v <= ldexp(1.0, -127))
        return 0;
    if (v >= ldexp(1.0, 127))
        return 254;
    int e;
    double m = frexp(v, &e) * 2; /* v = m * 2^(e-1), 1 <= m < 2 */
    uint32_t code = (uint32_t)(e - 1 + 127);
    return code + (m > 1.5 || (m == 1.5 && (code & 1)));
}

static uint32_t f32_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float bits_f32(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

float f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, man = h & 1023;
    if (exp == 31)
        return bits_f32(sign | 0x7f800000 | man << 13);
    if (exp)
        return bits_f32(sign | (exp + 112) << 23 | man << 13);
    float f = (float)man * 0x1p-24f;
    return sign ? -f : f;
}

uint16_t f32_to_f16(float f)
{
    return (uint16_t)encode(&format_of[ELEM_F16], (double)f);
}
float bf16_to_f32(uint16_t h)
{
    return bits_f32((uint32_t)h << 16);
}

uint16_t f32_to_bf16(float f)
{
    uint32_t u = f32_bits(f);
    if (f != f)
        return (uint16_t)(u >> 16 | 0x40); /* quiet, and never infinity */
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* ---- elements of arrays ---- */

uint64_t elem_get_bits(Elem e, const void *data, size_t i)
{
    const uint8_t *b = data;
    int bits = elem_bits[e];
    if (bits < 8) {
        size_t at = i * (size_t)bits;
        return b[at / 8] >> (at % 8) & ((1u << bits) - 1);
    }
    uint64_t v = 0;
    size_t size = (size_t)bits / 8;
    assert(size <= sizeof v);
    memcpy(&v, b + i * size, size); /* little-endian host, as all that mlc runs on */
    return v;
}

void elem_set_bits(Elem e, void *data, size_t i, uint64_t v)
{
    uint8_t *b = data;
    int bits = elem_bits[e];
    if (bits < 8) {
        size_t at = i * (size_t)bits;
        uint8_t mask = (uint8_t)(((1u << bits) - 1) << (at % 8));
        b[at / 8] = (uint8_t)((b[at / 8] & ~mask) | ((v << (at % 8)) & mask));
        return;
    }
    size_t size = (size_t)bits / 8;
    assert(size <= sizeof v);
    memcpy(b + i * size, &v, size);
}

static int64_t sign_extend(uint64_t v, int bits)
{
    return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

static double float_of_bits(Elem e, uint64_t bits)
{
    double d;
    switch (e) {
    case ELEM_F64:
        memcpy(&d, &bits, sizeof d);
        return d;
    case ELEM_F32:
        return (double)bits_f32((uint32_t)bits);
    case ELEM_F8E8M0:
        return decode_e8m0((uint32_t)bits);
    default:
        return decode(&format_of[e], (uint32_t)bits);
    }
}

static uint64_t bits_of_float(Elem e, double v)
{
    uint64_t u;
    switch (e) {
    case ELEM_F64:
        memcpy(&u, &v, sizeof u);
        return u;
    case ELEM_F32:
        return f32_bits((float)v);
    case ELEM_F8E8M0:
        return encode_e8m0(v);
    default:
        return encode(&format_of[e], v);
    }
}

double elem_get_f64(Elem e, const void *data, size_t i)
{
    uint64_t u = elem_get_bits(e, data, i);
    if (elem_is_float(e))
        return float_of_bits(e, u);
    return elem_is_signed(e) ? (double)sign_extend(u, elem_bits[e]) : (double)u;
}

int64_t elem_get_i64(Elem e, const void *data, size_t i)
{
    uint64_t u = elem_get_bits(e, data, i);
    if (elem_is_signed(e))
        return sign_extend(u, elem_bits[e]);
    if (!elem_is_float(e))
        return (int64_t)u;
    double v = float_of_bits(e, u);
    if (isnan(v))
        return 0;
    if (v >= 0x1p63)
        return INT64_MAX;
    return v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

static uint64_t bits_of_int(Elem e, double v)
{
    bool is_signed = elem_is_signed(e);
    int bits = elem_bits[e];
    if (isnan(v))
        return 0;
    double r = rint(v);
    double above = ldexp(1.0, is_signed ? bits - 1 : bits);
    double least = is_signed ? -above : 0.0;
    if (r >= above)
        return is_signed ? (UINT64_C(1) << (bits - 1)) - 1 : UINT64_MAX >> (64 - bits);
    if (r <= least)
        return is_signed ? UINT64_MAX << (bits - 1) : 0;
    return is_signed ? (uint64_t)(int64_t)r : (uint64_t)r;
}

void elem_set_f64(Elem e, void *data, size_t i, double v)
{
    uint64_t bits;
    if (elem_is_float(e))
        bits = bits_of_float(e, v);
    else if (e == ELEM_BOOL)
        bits = v != 0;
    else
        bits = bits_of_int(e, v);
    elem_set_bits(e, data, i, bits);
}

void elem_set_i64(Elem e, void *data, size_t i, int64_t v)
{
    if (elem_is_float(e)) {
        /* A conversion through double would round a large value twice on the way to f32. */
        elem_set_bits(e, data, i, e == ELEM_F32 ? f32_bits((float)v) : bits_of_float(e, (double)v));
        return;
    }
    elem_set_bits(e, data, i, e == ELEM_BOOL ? v != 0 : (uint64_t)v);
}
