/* Lane functions: one scalar operation over an array of lanes, for each native element type.
 *
 * The bodies (interp_lanes.inc) are compiled for the baseline CPU and, on x86, once more for
 * AVX2 + FMA; interp_lanes() chooses when the program runs. Both give the same bits: every function
 * is one correctly rounded operation per lane. The destination may be one of the arguments, but
 * must not overlap one in part. */
#ifndef MLC_INTERP_LANES_H
#define MLC_INTERP_LANES_H

#include "ir/expr/expr.h"

/* d[i] = op(a[i], b[i], c[i]) for i < n; unused arguments are NULL. */
typedef void (*LaneFn)(void *d, const void *a, const void *b, const void *c, int64_t n);

enum { FOLD_LEFT, FOLD_RIGHT };

/* Memory is seen as elements of 1 << size bytes. Offsets are in elements. */
typedef struct Lanes {
    LaneFn op[EX_OP_COUNT][ELEM_COUNT]; /* by type of the arguments; NULL: no such operation */
    LaneFn cast[ELEM_COUNT][ELEM_COUNT]; /* native to native */
    LaneFn select[4];                    /* a: bool, b: yes, c: no; by size */
    /* acc[t] = op(.. op(op(acc[t], v[t*n]), v[t*n+1]) ..), for FOLD_RIGHT op(v, acc). */
    void (*fold[2][EX_OP_COUNT][ELEM_COUNT])(void *acc, const void *v, int64_t t, int64_t n);
    void (*fill[4])(void *d, const void *value, int64_t n);
    void (*repeat[4])(void *d, const void *a, int64_t n, int64_t times);
    void (*load_strided[4])(void *d, const void *src, int64_t stride, int64_t n);
    void (*store_strided[4])(void *dst, const void *v, int64_t stride, int64_t n);
    void (*gather[4])(void *d, const void *src, const int64_t *off, int64_t n);
    /* Lanes without mask give 0. Returns the number of lanes with mask outside [0, count). */
    int64_t (*gather_masked[4])(void *d, const void *src, int64_t base, const int64_t *off,
                                const uint8_t *mask, int64_t count, int64_t n);
    void (*scatter[4])(void *dst, const void *v, const int64_t *off, int64_t n);
    int64_t (*scatter_masked[4])(void *dst, const void *v, int64_t base, const int64_t *off,
                                 const uint8_t *mask, int64_t count, int64_t n);
    /* dst[i*ds + j*1] = src[i*1 + j*ss] for i < n, j < m: a transposing tile. */
    void (*transpose[4])(void *dst, int64_t ds, const void *src, int64_t ss, int64_t n, int64_t m);
    void (*offset)(int64_t *d, const int64_t *a, int64_t base, int64_t n); /* a may be NULL */
    void (*scale_add)(int64_t *d, const int64_t *a, int64_t scale, int64_t n); /* d += a * scale */
    void (*min_max)(const int64_t *a, int64_t n, int64_t *lo, int64_t *hi);
    void (*at_least)(uint8_t *d, const int64_t *a, int64_t bound, int64_t n);
    int (*mask_state)(const uint8_t *a, int64_t n); /* MASK_* */
} Lanes;

enum { MASK_MIXED, MASK_ALL, MASK_NONE };

extern const Lanes lanes_base;
#if defined __x86_64__
extern const Lanes lanes_avx2;
#endif
const Lanes *interp_lanes(void);

/* Conversions from or to a storage type (one lane takes 1, 2, 4 or 8 bytes; types under 8 bits one
 * byte each). `saturate` is of float8 casts. */
void lanes_cast_any(void *d, Elem to, const void *a, Elem from, bool saturate, int64_t n);
/* Bytes of one lane of type e: 1, 2, 4, 8; and its binary logarithm. */
int lane_log2_bytes(Elem e);

#endif
