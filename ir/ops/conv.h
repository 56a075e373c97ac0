/* Convolutions: what Conv shares with those of integers and those with an activation. */
#ifndef MLC_OPS_CONV_H
#define MLC_OPS_CONV_H

#include "ir/ops/window.h"

#define CONV_ATTRS(A, S)                                                     \
    A(S, str, auto_pad, "NOTSET", "NOTSET, SAME_UPPER, SAME_LOWER, VALID")   \
    A(S, ints, dilations, "", "distance of taps per spatial axis")           \
    A(S, int, group, "1", "number of groups")                                \
    A(S, ints, kernel_shape, "", "taps per spatial axis, default from w")    \
    A(S, ints, pads, "", "begins, then ends, per spatial axis")              \
    A(S, ints, strides, "", "step per spatial axis")
ATTRS(ConvAttrs, CONV_ATTRS);

/* Sets output 0 to the convolution of input ix with input iw, of element type e. Element types and
 * the bias are the caller's business. */
Status conv_infer(Graph *g, Node *n, const ConvAttrs *a, int ix, int iw, Elem e);
/* Fails unless input i, if there, is a vector of one number per output channel of input iw. */
Status conv_need_bias(const Node *n, int i, int iw);
/* Opens the stage of y with the reduction axes; vx and vw are the indices of the two factors. */
void   conv_open(Te *t, const Node *n, const ConvAttrs *a, int ix, int iw, Tx y, Ex *vx, Ex *vw);

#endif
