/* Element types: names, sizes, classes, and exact conversion of single values. */
#ifndef MLC_ELEM_H
#define MLC_ELEM_H

#include "ir/base/base.h"

typedef enum Elem {
    ELEM_NONE,
#define X(id, text, onnx, bits, cls, ctype) ELEM_##id,
#include "ir/expr/elem.def"
#undef X
    ELEM_COUNT
} Elem;

extern const char *const elem_name[ELEM_COUNT]; /* "f32" */
extern const uint8_t     elem_bits[ELEM_COUNT];

bool elem_is_float(Elem e);    /* F */
bool elem_is_signed(Elem e);   /* S: signed integers */
bool elem_is_unsigned(Elem e); /* U: unsigned integers */
bool elem_is_int(Elem e);      /* S or U; not bool */
/* Has arithmetic of its own in expressions: f32 f64 bool and the 8- to 64-bit integers. Others
 * (f16, bf16, f8*, 4- and 2-bit) are storage: arithmetic on them happens in f32 or i32 and rounds
 * back after every operation. */
bool elem_is_native(Elem e);

/* What programs hold: references of strings are u64 (runtime/text.h), all else is itself. */
Elem elem_stored(Elem e);

Elem elem_from_name(const char *text); /* ELEM_NONE when unknown */
Elem elem_from_onnx(int onnx);         /* ELEM_NONE when unknown */
int  elem_to_onnx(Elem e);
/* Bytes that `count` elements take; packed types round up. */
size_t elem_size_bytes(Elem e, size_t count);

/* Element `i` of an array as double / int64 (exact wherever the target can hold it), and back with
 * round to nearest even, saturating for the float8 and float4 types; integers saturate when set
 * from a double (NaN: 0) and wrap when set from an int64. Not for strings and complex. */
double  elem_get_f64(Elem e, const void *data, size_t i);
int64_t elem_get_i64(Elem e, const void *data, size_t i);
void    elem_set_f64(Elem e, void *data, size_t i, double v);
void    elem_set_i64(Elem e, void *data, size_t i, int64_t v);

/* The stored bits of element i of a type of at most 64 bits. */
uint64_t elem_get_bits(Elem e, const void *data, size_t i);
void     elem_set_bits(Elem e, void *data, size_t i, uint64_t bits);

float    f16_to_f32(uint16_t h);
uint16_t f32_to_f16(float f);
float    bf16_to_f32(uint16_t h);
uint16_t f32_to_bf16(float f);

#endif
