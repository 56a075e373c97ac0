/* NhwcMaxPool of com.microsoft: MaxPool of bytes with the channels last. */
#include "ir/base/str.h"
#include "ir/ops/check.h"

#define NHWC_POOL_ATTRS(A, S)                                                 \
    A(S, str, auto_pad, "NOTSET", "NOTSET, SAME_UPPER, SAME_LOWER, VALID")    \
    A(S, int, ceil_mode, "0", "1: the number of windows is rounded up")       \
    A(S, ints, dilations, "", "distance of taps per spatial axis")            \
    A(S, ints, kernel_shape, NULL, "taps per spatial axis")                   \
    A(S, ints, pads, "", "begins, then ends, per spatial axis")               \
    A(S, ints, strides, "", "step per spatial axis")
ATTRS(NhwcPoolAttrs, NHWC_POOL_ATTRS);

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 3, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_NUMBER));
    return infer_composite(g, n);
}

static void compose(Str *s, const Node *n)
{
    int rank = n->in[0]->type.rank;
    str_printf(s, "%%x = Transpose(%%0) {perm=[0,%d", rank - 1);
    for (int i = 1; i < rank - 1; i++)
        str_printf(s, ",%d", i);
    str_add(s, "]} %p = MaxPool(%x) {auto_pad=$auto_pad, ceil_mode=$ceil_mode,"
               " dilations=$dilations, kernel_shape=$kernel_shape, pads=$pads, strides=$strides}"
               " %y = Transpose(%p) {perm=[0");
    for (int i = 2; i < rank; i++)
        str_printf(s, ",%d", i);
    str_add(s, ",1]} out %y");
}

OP(nhwc_max_pool) = {
    .name = "NhwcMaxPool", .domain = "com.microsoft", .since = {1}, .min_in = 1, .max_in = 1,
    ATTRS_OF(NhwcPoolAttrs), .infer = infer, .compose = compose,
    .doc = "largest element of each window, channels last",
};
