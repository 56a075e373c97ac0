/* SPDX-License-Identifier: 0BSD
 *
 * Functions of the runtime that programs call: what no tensor expression says (sorting by merging,
 * suppression of boxes, trees). They read and write memory that the caller sized; a result whose
 * size depends on the data goes into memory of the largest size, with its count in a further result.
 * A failure is a status of mlc_abi.h. */
#ifndef MLC_RT_CALLS_H
#define MLC_RT_CALLS_H

#include "runtime/rt.h"

typedef struct mlc_rt_arg {
    void   *data;
    int32_t elem; /* of ONNX */
    int32_t rank;
    int64_t dim[12];
} mlc_rt_arg;

/* Results first, then operands, as te_call() lists them. */
typedef int (*mlc_rt_call_fn)(const mlc_rt_arg *arg, const int64_t *param);

/* The functions, each described in its file. */
MLC_RT_API int mlc_rt_top_k(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_unique(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_suppress(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_image_size(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_image_decode(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_bytes(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_case(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_concat(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_count(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_equal(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_find(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_match(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_number(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_of_number(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_output(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_rank(const mlc_rt_arg *arg, const int64_t *param);
MLC_RT_API int mlc_rt_text_split(const mlc_rt_arg *arg, const int64_t *param);

/* NULL: there is none of that name. */
mlc_rt_call_fn mlc_rt_call_find(const char *name);

#endif
