/* Which operator set a graph can be written in. */
#ifndef MLC_ONNX_OPSET_H
#define MLC_ONNX_OPSET_H

#include "ir/graph/op_info.h"

/* The smallest version of ai.onnx, at least that of the model read and 18, in which every node,
 * written as it stands, means what it means here. E0205 at a node that no version can express. */
Status onnx_opset_of(Graph *g, int *version);
/* The version of another domain that the node needs. */
int onnx_domain_version(const OpInfo *op);
/* The IR version that came with an operator set. */
int onnx_ir_version(int opset);

#endif
