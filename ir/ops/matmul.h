/* The shapes and indices of batched matrix products, shared by those of floats and of integers. */
#ifndef MLC_OPS_MATMUL_H
#define MLC_OPS_MATMUL_H

#include "ir/ops/check.h"

/* Sets output 0 to the product of inputs ia and ib with element type e. */
Status matmul_infer(Graph *g, Node *n, int ia, int ib, Elem e);
/* Opens the stage of y, the product of a and b, with the reduction axis; ia and ib are the indices
 * of their elements. */
void   matmul_open(Te *t, Tx a, Tx b, Tx y, Ex *ia, Ex *ib);

#endif
