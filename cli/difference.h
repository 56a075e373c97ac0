/* How much one tensor differs from another, summed up over any number of pairs. */
#ifndef MLC_CLI_DIFFERENCE_H
#define MLC_CLI_DIFFERENCE_H

#include "ir/expr/tensor.h"

typedef struct Difference {
    int64_t elements;
    double  max_abs;              /* INFINITY where one is not finite or NaN and the other is */
    double  sum_squares;          /* of the differences of finite pairs */
    double  dot, norm_a, norm_b;  /* for the cosine */
    int64_t rows, same_argmax;    /* along the last axis */
} Difference;

/* Adds the pair: numbers of any type, of equal shape. */
void   difference_add(Difference *d, const Tensor *a, const Tensor *b);
double difference_rms(const Difference *d);
double difference_cosine(const Difference *d); /* 1 when both are zero */

#endif
