/* Probabilities out of comparisons of pairs of classes. */
#ifndef MLC_OPS_SVM_H
#define MLC_OPS_SVM_H

#include "ir/ops/op.h"

/* y[rows, k]: probabilities of k classes by pairwise coupling, of r[rows, k, k], where r[i, j] is the
 * probability of class i against class j. */
void te_couple(Te *t, Tx y, Tx r);

#endif
