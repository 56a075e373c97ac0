/* Reading ONNX models. The file is untrusted: see wire.h and external.h for what is refused. */
#ifndef MLC_ONNX_H
#define MLC_ONNX_H

#include "ir/graph/graph.h"

/* What a model may ask for. A field that is 0 (NULL) takes its default. */
typedef struct OnnxLimits {
    int max_depth;                  /* nested messages; 256, and at most 1000: an If costs three */
    size_t max_bytes;               /* of the model file: 16 GiB */
    size_t max_memory;              /* of what is read, mapped files aside: 160 MiB and 3 times the
                                       size of the file, or the limit of the context */
    int64_t max_nodes;              /* functions expanded, sub-graphs included: 1,000,000 */
    int64_t max_tensor_elements;    /* of one constant: 2^40 */
    const char *external_data_root; /* trusted directory: links that stay below it are followed.
                                       NULL: the model's directory, and no links of any kind */
} OnnxLimits;

/* Reads a model ("-": stdin) into a new graph: names and types of the file, nodes in topological
 * order with their newest meaning, `Constant` nodes as constants, model-local functions expanded.
 * Types of values other than graph inputs are not inferred; a wholly constant declared type is
 * left on the value as a hint.
 *
 * Bodies of If, Loop and Scan: a value of an enclosing graph that a body uses becomes one more
 * input of the body and one more input of the node, after those of the file; all bodies of one
 * node have the same such inputs in the same order. Constants are repeated in the body instead.
 *
 * Tensor data stays where the file was mapped when it is aligned there, and is copied otherwise;
 * either way Tensor.fd and offset say where the file has it. Mappings and descriptors live as
 * long as the graph's arena.
 *
 * Errors: E0002 (MLC_SYSTEM), E0101..E0108, E0201.., E0304 (MLC_INPUT). All unsupported operators
 * are reported, each once. */
Status onnx_read(Ctx *c, const char *path, const OnnxLimits *limits, Graph **out);

#endif
