/* Random numbers as expressions: Philox4x32-10, a counter-based generator (Salmon, Moraes, Dror and
 * Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011).
 *
 * Element i of a tensor gets the four words philox(counter = {i, i >> 32, 0, 0}, key): no state, no
 * order. The same key gives the same numbers in every build, on every target and in every run. */
#ifndef MLC_OPS_RANDOM_H
#define MLC_OPS_RANDOM_H

#include "ir/ops/op.h"

typedef struct RandomKey {
    uint32_t word[2];
} RandomKey;

/* The key of a given seed: its bits, 0. Without one (NaN): the hash of the node's name. */
RandomKey random_key(const Node *n, float seed);
RandomKey random_key_of_name(const Node *n);

/* The four words, u32, of a counter, i64. */
void random_words(Te *t, RandomKey key, Ex counter, Ex word[4]);
/* Uniform in [0, 1), a multiple of 2^-24 (f32) or 2^-53 (f64), at the open stage's position in a
 * tensor with dimensions `dim`. */
Ex random_uniform(Te *t, Elem e, RandomKey key, int rank, const Ex *dim);
/* Normal with mean 0 and variance 1, likewise. */
Ex random_normal(Te *t, Elem e, RandomKey key, int rank, const Ex *dim);

#endif
