/* The steps by which `mlc reduce` makes a model smaller. Each is a list of things in a graph, found
 * in a fixed order, that can be taken away or simplified independently of each other. */
#ifndef MLC_CLI_REDUCE_EDIT_H
#define MLC_CLI_REDUCE_EDIT_H

#include "ir/graph/graph.h"

typedef struct Edit {
    const char *name; /* "nodes" */
    bool        one_by_one; /* never several at once */
    int       (*count)(Graph *g);
    /* Edits the items [from, to) of a graph whose types are inferred. False: nothing changed, or it
     * cannot be done; the graph is then not to be used any more. */
    bool      (*apply)(Graph *g, int from, int to);
} Edit;

extern const Edit   edit_table[];
extern const size_t edit_count;

/* What is left of `g` when nodes and inputs that its outputs do not need are gone; inferred and
 * verified. Any status but MLC_OK: it is no model any more. */
Status edit_finish(Graph *g, Graph **out);

#endif
