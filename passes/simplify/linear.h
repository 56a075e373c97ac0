/* Nodes that are linear in their data input, with constant weights (Conv, ConvTranspose, Gemm,
 * MatMul), seen alike: y[.., c, ..] = sum of weights of channel c times inputs, plus bias[c]. */
#ifndef MLC_LINEAR_H
#define MLC_LINEAR_H

#include "passes/rewrite.h"

/* The weights are laid out as [outer][per group: channels/groups][inner]; the channel of element
 * (o, j, i) is o / outer_per_group * n + j. */
typedef struct Linear {
    Node         *node;
    int           weight, bias; /* numbers of the inputs; bias -1: the operator has none */
    int           axis;         /* of the channels in the output */
    int64_t       channels;
    int64_t       outer, n, inner, outer_per_group;
    double        bias_factor;  /* Gemm: beta */
} Linear;

/* Is n such a node, of f32 or f64, with constant weights and constant or no bias? Weights that
 * others use too are only accepted while copying them is cheap. */
bool linear_match(const Node *n, Linear *l);

/* A node with weights * scale[c] and bias * bias_scale[c] + shift[c], before l->node, typed,
 * not yet in use: for linear_swap(). All in double, rounded once. NULL when a
 * number does not fit the element type, or a shift is needed and there is no bias. Arrays of
 * l->channels; shift NULL: none. */
Node *linear_scaled(Graph *g, const Linear *l, const double *scale, const double *bias_scale,
                    const double *shift);

/* `scaled` takes the place of n, which follows or is l->node; `absorbed` is the node whose work it
 * took over. With permission; false: nothing changed. */
bool linear_swap(Graph *g, const Linear *l, Node *n, Node *scaled, const Node *absorbed);

/* Constant v, broadcast against a tensor of `rank`, varies at most along `axis`: its `channels`
 * numbers. */
bool value_per_channel(const Value *v, int rank, int axis, int64_t channels, double *out);

#endif
