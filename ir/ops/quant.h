/* Quantized numbers: real = scale * (q - zero_point). What the quantized operators share: checks and
 * loads of scales and zero points, and the rounding to a quantized type. */
#ifndef MLC_OPS_QUANT_H
#define MLC_OPS_QUANT_H

#include "ir/ops/check.h"

/* Scale or zero point i (omitted: fine) is for the whole tensor: it has one element. */
Status quant_need_scalar(const Node *n, int i);
/* It has one element, or is a vector of `dim` numbers. */
Status quant_need_vector(const Node *n, int i, Ex dim);
/* Input i's element type is one of u8 and i8. */
Status quant_need_byte(const Node *n, int i);

/* The one element of input i, or of a vector the one at `at`; `otherwise` where it is omitted. */
Ex quant_load(Te *t, int i, Ex at, Ex otherwise);
/* Input i like that as f32, which must be there. */
Ex quant_scale(Te *t, int i, Ex at);
/* Input i like that as i32, default 0. */
Ex quant_zero(Te *t, int i, Ex at);
/* q, an element of a quantized tensor, less its zero point: i32. */
Ex quant_centered(Te *t, Ex q, Ex zero);
/* real, a float already divided by the scale: rounded to nearest, ties to even, plus the zero point
 * (i32), limited to the range of integer type e. */
Ex quant_round(Te *t, Ex real, Ex zero, Elem e);
/* Adds the stage that computes scale and u8 zero point (rank 0) of a range that holds x and 0. */
void quant_range_of(Te *t, Tx x, Tx scale, Tx zero);
/* The range of integer type e. */
void quant_range(Elem e, double *low, double *high);

#endif
