/* Shape operands: the target shape of a Reshape or Expand becomes a constant wherever inference
 * knows enough of the result, so that the Shape -> Gather -> Concat arithmetic of exporters, which
 * exists only to carry sizes along, has no user left.
 *
 * Reshape(x, s): each dimension of the result is written as
 *     its constant, if it has one (and is not 0);  0 if it is x's dimension at the same place;
 *     -1, once, otherwise.
 * Expand(x, s): its constant; or 1 where it is x's own dimension. The shape operand then says what
 * the type says already, no less and no more. */
#include "passes/rewrite.h"

/* Is the operand computed at run time? */
static bool has_computed_shape(const Node *n)
{
    return n->nin == 2 && n->in[1] && !n->in[1]->data && is_ranked(n->in[0]) &&
           is_ranked(n->out[0]);
}

static bool reshape_target(const Node *n, int64_t *target)
{
    const Type *x = &n->in[0]->type, *y = &n->out[0]->type;
    bool inferred = false;
    for (int i = 0; i < y->rank; i++) {
        bool copied = i < x->rank && x->dim[i] == y->dim[i];
        int64_t c;
        if (copied)
            target[i] = ex_is_int(y->dim[i], &c) && c != 0 ? c : 0;
        else if (ex_is_int(y->dim[i], &c) && c != 0)
            target[i] = c;
        else if (!inferred && !ex_is_int(y->dim[i], NULL))
            inferred = true, target[i] = -1;
        else
            return false;
    }
    return true;
}

static bool expand_target(const Node *n, int64_t *target)
{
    const Type *x = &n->in[0]->type, *y = &n->out[0]->type;
    for (int i = 0; i < y->rank; i++) {
        int k = i - (y->rank - x->rank);
        if (ex_is_int(y->dim[i], &target[i]))
            continue;
        if (k < 0 || x->dim[k] != y->dim[i])
            return false;
        target[i] = 1;
    }
    return true;
}

static const struct {
    const char *op;
    bool      (*target)(const Node *n, int64_t *target);
} with_shape_operand[] = {
    {"Reshape", reshape_target},
    {"Expand", expand_target},
};

Status pass_shape_operand(Graph *g)
{
    bool changed = false;
    for (Node *n = g->first; n; n = n->next) {
        for (size_t i = 0; i < COUNT_OF(with_shape_operand); i++) {
            int64_t target[MAX_RANK];
            if (!node_is(n, with_shape_operand[i].op) || !has_computed_shape(n))
                continue;
            if (node_attr_int(n, "allowzero", 0) || !with_shape_operand[i].target(n, target) ||
                !pass_step(g))
                continue;
            const char *name = arena_printf(g->arena, "%s.shape", n->out[0]->name);
            graph_set_input(n, 1, graph_const_ints(g, name, n->out[0]->type.rank, target));
            changed = true;
        }
    }
    /* Sizes that came through casts and arithmetic are now seen to be those of the inputs. */
    return changed ? graph_infer(g) : MLC_OK;
}
