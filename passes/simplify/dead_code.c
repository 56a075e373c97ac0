/* Dead code: a node goes when nobody uses any of its outputs. From last to first, so that one run
 * takes whole chains along. Constants without uses are no part of a graph and need no work. */
#include "passes/rewrite.h"

static bool is_dead(const Graph *g, const Node *n)
{
    for (int i = 0; i < n->nout; i++) {
        if (n->out[i] && !value_is_dead(g, n->out[i]))
            return false;
    }
    return true;
}

Status pass_dead_code(Graph *g)
{
    for (Node *n = g->last, *prev; n; n = prev) {
        prev = n->prev;
        if (is_dead(g, n) && pass_step(g))
            graph_erase(g, n);
    }
    return MLC_OK;
}
