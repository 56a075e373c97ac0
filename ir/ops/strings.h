/* What operators on strings share: calls of the runtime's functions on them (runtime/text.h). */
#ifndef MLC_OPS_STRINGS_H
#define MLC_OPS_STRINGS_H

#include "ir/ops/check.h"

/* Calls a function that reads strings: operands are `in`, then pool and heap. */
void te_text_call(Te *t, const char *name, int nout, const Tx *out, int nin, const Tx *in, int nparam,
                  const Ex *param);
/* Calls a function that makes strings of at most `bytes` bytes, their ends included: results are `out`,
 * then the heap; operands `in`, then the pool; params the bytes of the heap that are taken, then
 * `param`. */
void te_text_make(Te *t, const char *name, Ex bytes, int nout, const Tx *out, int nin, const Tx *in,
                  int nparam, const Ex *param);
/* The bytes of all strings of x, their ends included: a symbol. */
Ex   te_text_bytes(Te *t, Tx x);
/* x with the dimensions of y, by numpy broadcasting. */
Tx   te_bcast_to(Te *t, Tx x, Tx y);
/* Constant strings. */
Tx   te_text_table(Te *t, int n, const char *const *text);
/* For each element of x its place in `text`, sorted by text_sort(), or -1: i64 of x's shape. */
Tx   te_text_find(Te *t, Tx x, int n, const char *const *text);
/* The strings in ascending order of their bytes, each once; from[k], unless NULL, is where the k-th one
 * stood last. Returns how many. */
int  text_sort(Arena *a, int n, const char *const *text, const char **out, int *from);
/* Where s is among n sorted strings, or -1. */
int  text_place(int n, const char *const *sorted, const char *s);
/* y = x in upper or lower case. */
void te_text_case(Te *t, Tx y, Tx x, bool to_upper);
/* Cast: y = x, numbers of type e, as strings; y = the numbers that the strings x are. */
void te_text_of_number(Te *t, Tx y, Tx x, Elem e);
void te_text_number(Te *t, Tx y, Tx x);
/* y = a == b. */
void te_text_equal(Te *t, Tx y, Tx a, Tx b);

#endif
