/* Sliding windows of convolutions and poolings: kernel, stride, dilation and padding per spatial
 * axis, out of the attributes that these operators share.
 *
 *     eff = (kernel - 1) * dilation + 1
 *     out = floor((in + begin + end - eff) / stride) + 1
 *     SAME: out = ceil(in / stride), begin + end = max((out - 1) * stride + eff - in, 0)
 *     ceil_mode: rounds up, but no window starts beyond the input and its padding at the begin */
#ifndef MLC_OPS_WINDOW_H
#define MLC_OPS_WINDOW_H

#include "ir/ops/check.h"

enum { MAX_SPATIAL = MAX_RANK - 2 };

typedef struct WindowAttrs {
    const char *auto_pad;
    Ints        kernel, strides, dilations, pads;
    bool        ceil_mode;
} WindowAttrs;

typedef struct Window {
    int     n; /* spatial axes */
    int64_t kernel[MAX_SPATIAL], stride[MAX_SPATIAL], dilation[MAX_SPATIAL];
    Ex      begin[MAX_SPATIAL], end[MAX_SPATIAL]; /* padding */
    Ex      out[MAX_SPATIAL];
} Window;

/* The window over n spatial dimensions in[]. An attribute that is not set gets its default: 1, no
 * padding; the kernel must be set. Errors: E0203, E0301. */
Status window_make(ExPool *p, const Node *node, const WindowAttrs *a, int n, const Ex *in,
                   Window *w);
/* Kernel, stride, dilation only: for transposed convolutions. */
Status window_shape(const Node *node, const WindowAttrs *a, int n, Window *w);
/* A reduction axis over the taps along axis i; 0 where there is only one. */
Ex     window_tap(Te *t, const Window *w, int i);
/* The input coordinate of tap k at output position o, along axis i. */
Ex     window_at(Te *t, const Window *w, int i, Ex o, Ex k);
/* Is auto_pad one of the four words? SAME_UPPER and SAME_LOWER set *same, the latter *lower. */
Status window_auto_pad(const Node *node, const char *auto_pad, bool *same, bool *lower,
                       bool *valid);

#endif
