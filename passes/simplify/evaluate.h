/* Evaluating one node at compile time: its definition, as stages, as kernels, in the interpreter. */
#ifndef MLC_EVALUATE_H
#define MLC_EVALUATE_H

#include "ir/graph/op_info.h"

typedef struct EvaluateBudget {
    int64_t points; /* points of loop nests that may still be visited */
    int64_t bytes;  /* bytes of constants that may still be made */
} EvaluateBudget;

/* What a node may cost: see evaluate_node(). */
enum {
    EVALUATE_FREE_BYTES = 1 << 20,   /* results up to this size are always welcome */
    EVALUATE_GROWTH = 4,             /* larger ones may be this many times the inputs' size */
    EVALUATE_NODE_POINTS = 1 << 28,
};

/* Computes n's outputs when all its inputs are constants, its definition is a tensor expression
 * with static shapes, and cost and size stay inside the budget, which it then reduces. MLC_NO when
 * it may not or cannot be computed now (a failed run-time check included: the run shall report
 * it). out[i] is NULL for an omitted output; a result whose elements are all equal is a splat when
 * the inputs were. */
Status evaluate_node(Graph *g, const Node *n, EvaluateBudget *budget, const Tensor **out);

#endif
