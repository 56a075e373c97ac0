/* The activations that com.microsoft fuses into convolutions and products. */
#ifndef MLC_OPS_FUSED_H
#define MLC_OPS_FUSED_H

#include "ir/ops/check.h"

/* Fails with E0203 unless `name` (NULL or "": none) is known. */
Status fused_check(const Node *n, const char *name);
/* The activation of x; parameters alpha and beta, or NaN for the defaults. */
Ex     fused_apply(Te *t, const char *name, double alpha, double beta, Ex x);

#endif
