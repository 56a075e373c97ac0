/* SPDX-License-Identifier: 0BSD
 *
 * The interface of a custom operator: a C function that the user gives to mlc for an operator of
 * theirs, `mlc optimize m.onnx --custom-op my.domain::Op=op.h:op_function`. Plain C99, usable from C++.
 *
 *     int op_function(const mlc_tensor_v1 *in, int nin, mlc_tensor_v1 *out, int nout);
 *
 * in: the node's inputs, then its attributes by name in alphabetical order: int as int64 of rank 0,
 * ints as int64 of rank 1, float and floats as float likewise. out: the node's outputs, with the
 * shapes that the model declares (value_info); the function fills in their elements. Elements are
 * row-major. Nothing may be kept: memory is only valid during the call. Runs may be concurrent.
 *
 * Returns 0, or another number, which is then the status of P_run. Small numbers have the meanings of
 * MLC_RUN_* in mlc_abi.h; its own are 100 to 999. */
#ifndef MLC_CUSTOM_1
#define MLC_CUSTOM_1

#include <stdint.h>

typedef struct mlc_tensor_v1 {
    void   *data;
    int32_t elem;    /* number of ONNX TensorProto.DataType: 1 float, 7 int64, ... */
    int32_t rank;
    int64_t dim[12]; /* `rank` of them */
} mlc_tensor_v1;

#endif
