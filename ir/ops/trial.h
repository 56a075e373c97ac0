/* Inference of what comes behind a node, to see whether it can go on from the types that the node's
 * outputs have now. */
#ifndef MLC_OPS_TRIAL_H
#define MLC_OPS_TRIAL_H

#include "ir/graph/op_info.h"

/* True when the nodes behind n can all be inferred, or all up to a node that calls trial_ends().
 * Nothing is reported, and types, contents and symbols are as they were afterwards. */
bool trial_goes_on(Graph *g, const Node *n);
/* Is a trial under way? Then it ends here. */
bool trial_ends(Graph *g);

#endif
