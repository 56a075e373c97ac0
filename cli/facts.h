/* What a model is: counts for people and reports. */
#ifndef MLC_CLI_FACTS_H
#define MLC_CLI_FACTS_H

#include "ir/base/str.h"
#include "ir/graph/op_info.h"

typedef struct OpCount {
    const OpInfo *op;
    int           count;
} OpCount;

typedef struct ModelFacts {
    int     nodes;
    int64_t params;          /* elements of the weights; shape operands and indices do not count */
    int64_t param_bytes;
    int64_t macs;            /* multiply-accumulates; bodies of If, Loop and Scan not counted */
    int64_t tensor_bytes;    /* all values that nodes compute, each on its own */
    int64_t peak_bytes;      /* most bytes alive at once, in the order of the nodes */
    VEC(OpCount) ops;        /* most frequent first */
} ModelFacts;

/* Sizes that depend on symbols are taken at example_symbols(). In the graph's arena. */
void facts_of(Graph *g, ModelFacts *out);
/* Only the multiply-accumulates; operators without a definition of their own do not count. */
int64_t facts_macs(Graph *g);
/* A value for every symbol of a pool: the typical one, else 1 or its least. */
int64_t *example_symbols(Arena *a, const ExPool *p);
/* "batch=1, seq=1": these values of the symbols that types depend on; "" when there are none. */
const char *example_text(Graph *g);
/* Does the type of any value depend on symbol number `sym`? */
bool symbol_is_used(const Graph *g, int sym);

#endif
