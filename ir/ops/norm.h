/* Mean and deviation over some dimensions: what the normalizations share. */
#ifndef MLC_OPS_NORM_H
#define MLC_OPS_NORM_H

#include "ir/ops/check.h"

typedef struct Moments {
    Tx   mean;    /* NULL: taken as 0 */
    Tx   inverse; /* 1 / sqrt(variance + epsilon) */
    bool over[MAX_RANK]; /* the dimensions of x that were reduced */
} Moments;

/* Adds the stages that compute, over the dimensions marked in over[], the mean of x (unless
 * !centered) and 1 / sqrt(mean((x - mean)^2) + epsilon). Both have the other dimensions only. */
Moments te_moments(Te *t, Tx x, const bool over[MAX_RANK], bool centered, double epsilon);
/* (x[axes] - mean) * inverse at the open stage, whose axes are x's dimensions. */
Ex      te_normalized(Te *t, Tx x, const Moments *m);
/* x of a tensor with the reduced dimensions left out, at the open stage's position. */
Ex      te_load_kept(Te *t, Tx x, const bool over[MAX_RANK]);

#endif
