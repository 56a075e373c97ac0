/* Formulas of activations, for operators that contain them. x has a type with arithmetic of its own. */
#ifndef MLC_OPS_ACTIVATION_H
#define MLC_OPS_ACTIVATION_H

#include "ir/ops/op.h"

/* activation.c */
Ex leaky_relu_of(Te *t, Ex x, double alpha);
Ex elu_of(Te *t, Ex x, double alpha);
Ex hard_sigmoid_of(Te *t, Ex x, double alpha, double beta);
Ex thresholded_relu_of(Te *t, Ex x, double alpha);
/* unary.c */
Ex softplus_of(Te *t, Ex x);
Ex softsign_of(Te *t, Ex x);

#endif
