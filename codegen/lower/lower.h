/* Lowering: graph -> program, for one target description. Five steps, a file each:
 *
 *     collect    every node says its stages (ir/ops)
 *     fuse       stages are substituted into each other; no operator name is asked
 *     separate   wide windows of maxima become two narrow ones
 *     layout     who shares memory with whom, in which order, with which margin
 *     schedule   each stage becomes kernels by the first skeleton that fits its shape
 *
 * and place.c writes the program down: memory objects, launches, lifetimes, one kernel for equal
 * structures. */
#ifndef MLC_LOWER_H
#define MLC_LOWER_H

#include "ir/graph/graph.h"
#include "ir/program/program.h"
#include "ir/target.h"

typedef struct LowerOptions {
    bool strict; /* no reassociation of float reductions */
    int  level;  /* 0: no fusion, reference kernels */
} LowerOptions;

/* Graph types must be inferred. Fails with E0201/E0303 for what cannot be lowered. */
Status lower_graph(Graph *g, const TargetDesc *t, const LowerOptions *o, Program **out);
/* The same for several targets: out[k] is the program for t[k]. They have the same symbols, inputs
 * and outputs, and share one weights section. */
Status lower_graph_for(Graph *g, const TargetDesc *t, int n, const LowerOptions *o, Program **out);

#endif
