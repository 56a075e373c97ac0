/* Lanes of storage types: conversion one by one through elem.h; and the choice of lane functions.
 */
#include "ir/kernel/interp_lanes.h"

#include <math.h>

const Lanes *interp_lanes(void)
{
#if defined __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &lanes_avx2;
#endif
    return &lanes_base;
}

int lane_log2_bytes(Elem e)
{
    int bits = elem_bits[e];
    return bits <= 8 ? 0 : bits <= 16 ? 1 : bits <= 32 ? 2 : 3;
}

/* Cast to float8 with saturate = 0: beyond the largest number is infinity, or NaN without one. */
static bool overflows_float8(Elem e, double v)
{
    double a = fabs(v);
    switch (e) {
    case ELEM_F8E4M3FN:
        return a > 464; /* 464 is a tie and goes to the even 448 */
    case ELEM_F8E4M3FNUZ:
        return a >= 248;
    case ELEM_F8E5M2:
    case ELEM_F8E5M2FNUZ:
        return a >= 61440;
    default:
        return false;
    }
}

static void set_float(Elem e, void *d, double v, bool saturate)
{
    if (saturate || !overflows_float8(e, v)) {
        elem_set_f64(e, d, 0, v);
    } else if (e == ELEM_F8E5M2) {
        *(uint8_t *)d = signbit(v) ? 0xfc : 0x7c;
    } else {
        elem_set_f64(e, d, 0, NAN);
        if (e == ELEM_F8E4M3FN && signbit(v))
            *(uint8_t *)d |= 0x80;
    }
}

/* As the lane functions do it: through 32 bits, or 64 for u32 and wider targets. */
static int64_t truncated(Elem to, double v)
{
    if (to == ELEM_U32 || elem_bits[to] == 64)
        return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
    return v >= -0x1p31 && v < 0x1p31 ? (int64_t)v : INT32_MIN;
}

static void cast_one(Elem to, void *d, Elem from, const void *a, bool saturate)
{
    bool from_float = elem_is_float(from);
    if (elem_is_float(to)) {
        if (from_float)
            set_float(to, d, elem_get_f64(from, a, 0), saturate);
        else if (from == ELEM_U64)
            set_float(to, d, (double)*(const uint64_t *)a, saturate);
        else if (elem_bits[to] <= 8)
            set_float(to, d, (double)elem_get_i64(from, a, 0), saturate);
        else
            elem_set_i64(to, d, 0, elem_get_i64(from, a, 0));
    } else if (!from_float) {
        elem_set_i64(to, d, 0, elem_get_i64(from, a, 0));
    } else {
        double v = elem_get_f64(from, a, 0);
        elem_set_i64(to, d, 0, to == ELEM_BOOL ? v != 0 : truncated(to, v));
    }
}

void lanes_cast_any(void *d, Elem to, const void *a, Elem from, bool saturate, int64_t n)
{
    const uint16_t *h = a;
    const float *f = a;
    if (from == ELEM_F16 && to == ELEM_F32) {
        for (int64_t i = 0; i < n; i++)
            ((float *)d)[i] = f16_to_f32(h[i]);
    } else if (from == ELEM_BF16 && to == ELEM_F32) {
        for (int64_t i = 0; i < n; i++)
            ((float *)d)[i] = bf16_to_f32(h[i]);
    } else if (from == ELEM_F32 && to == ELEM_F16) {
        for (int64_t i = 0; i < n; i++)
            ((uint16_t *)d)[i] = f32_to_f16(f[i]);
    } else if (from == ELEM_F32 && to == ELEM_BF16) {
        for (int64_t i = 0; i < n; i++)
            ((uint16_t *)d)[i] = f32_to_bf16(f[i]);
    } else {
        int ds = lane_log2_bytes(to), as = lane_log2_bytes(from);
        memset(d, 0, (size_t)n << ds); /* types under 8 bits leave the upper bits of a lane alone */
        for (int64_t i = 0; i < n; i++)
            cast_one(to, (char *)d + (i << ds), from, (const char *)a + (i << as), saturate);
    }
}
