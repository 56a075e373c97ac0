/* Passes: graph -> graph. The pipeline is passes/pipeline.def, in order.
 *
 * A rewrite is allowed only when pass_step() says so: that makes every rewrite countable and lets
 * `mlc bisect` find the first wrong one. Rewrites of REQUIRED rows, which lowering cannot do
 * without, are neither limited nor part of the numbering. */
#ifndef MLC_PASS_H
#define MLC_PASS_H

#include "ir/graph/op_info.h"

typedef struct PassReport {
    const char *name;
    int64_t     rewrites;
    int         nodes_before, nodes_after;
    bool        required; /* lowering needs what it does: no limit of rewrites stops it */
} PassReport;

typedef struct PipelineReport {
    VEC(PassReport) passes; /* one per pass that ran, in order; a pass that ran twice has two */
} PipelineReport;

typedef struct PipelineOptions {
    int         level; /* 0: only what lowering needs, 1, 2, 3; 4: small */
    const char *only;  /* comma-separated names of passes to run instead of the pipeline, or NULL */
    /* Called after every pass; may be NULL. */
    void      (*after)(void *arg, const char *pass, Graph *g);
    void       *after_arg;
    bool        compact; /* no folding that makes large constants larger */
    uint64_t    rounds;  /* see Graph.rounds */
} PipelineOptions;

/* Runs the pipeline, numbering its rewrites from 1; with ctx->verify_each the verifier after every pass. `report` may be NULL; its
 * records are in the graph's arena. E0501 and MLC_USAGE for an unknown name in `only`. */
Status pipeline_run(Graph *g, const PipelineOptions *o, PipelineReport *report);

typedef struct PassInfo {
    const char *name;
    const char *doc; /* one line */
    Status    (*run)(Graph *g);
} PassInfo;

/* Every pass once, in the order of its first run. */
extern const PassInfo pass_table[];
extern const size_t   pass_count;

/* Asks permission for one rewrite; counts it. False: leave the graph as it is. */
bool pass_step(Graph *g);

/* Rewrites the nodes whose attributes ONNX does not have (OpInfo.expand_if) and nothing else: what a
 * graph needs that is written as it was read. */
Status expand_private(Graph *g);

#endif
