/* Type inference over a graph, and the pieces that operators share.
 *
 * The type that inference finds is what counts; a declared one (value_info of the file) only serves
 * where inference leaves something open, and is a warning where it contradicts. */
#include "ir/graph/op_info.h"

#include "ir/base/str.h"

/* Do two types contradict for certain? */
static bool contradicts(const Type *a, const Type *b)
{
    if (!a || !b || a->kind == TYPE_NONE || b->kind == TYPE_NONE)
        return false;
    if (a->kind != b->kind || (a->elem && b->elem && a->elem != b->elem))
        return true;
    if (a->kind != TYPE_TENSOR)
        return contradicts(a->of, b->of);
    if (a->rank < 0 || b->rank < 0)
        return false;
    for (int i = 0; i < a->rank && a->rank == b->rank; i++) {
        int64_t x, y;
        if (ex_is_int(a->dim[i], &x) && ex_is_int(b->dim[i], &y) && x != y)
            return true;
    }
    return a->rank != b->rank;
}

static void warn_declared(Graph *g, const Node *n, const Value *v, const Type *declared)
{
    Str was = str_new(g->arena), is = str_new(g->arena);
    type_print(&was, g->pool, declared);
    type_print(&is, g->pool, &v->type);
    diag_report(g->ctx, W0101, node_loc(n), "value '%s' is declared as %s, but is %s", v->name,
                str_text(&was), str_text(&is));
}

Status graph_infer(Graph *g)
{
    for (Node *n = g->first; n; n = n->next) {
        Type *declared = NEW_ARRAY(g->arena, Type, n->nout);
        for (int i = 0; i < n->nout; i++) {
            if (n->out[i])
                declared[i] = n->out[i]->type;
        }
        TRY(graph_infer_node(g, n));
        for (int i = 0; i < n->nout; i++) {
            if (n->out[i] && contradicts(&declared[i], &n->out[i]->type))
                warn_declared(g, n, n->out[i], &declared[i]);
        }
    }
    return MLC_OK;
}

/* ---- questions about a node's inputs ---- */

/* Input i as a tensor type, or an error. */
static Status need_tensor(const Node *n, int i, const Type **out)
{
    if (i >= n->nin || !n->in[i])
        return node_error(n, E0202, "input %d is omitted", i);
    const Type *t = &n->in[i]->type;
    if (t->kind != TYPE_TENSOR)
        return node_error(n, E0206, "input %d ('%s') is not a tensor", i, n->in[i]->name);
    *out = t;
    return MLC_OK;
}

Status node_need_rank(const Node *n, int i, int min_rank, int max_rank)
{
    const Type *t = NULL;
    TRY(need_tensor(n, i, &t));
    const char *name = n->in[i]->name;
    if (t->rank < 0)
        return node_error(n, E0303, "the rank of input %d ('%s') is not known", i, name);
    if (t->rank >= min_rank && t->rank <= max_rank)
        return MLC_OK;
    if (min_rank == max_rank)
        return node_error(n, E0302, "input %d ('%s') has rank %d, must have rank %d", i, name,
                          t->rank, min_rank);
    return node_error(n, E0302, "input %d ('%s') has rank %d, must have rank %d to %d", i, name,
                      t->rank, min_rank, max_rank);
}

Status node_need_same_elem(const Node *n, int i, int j)
{
    const Type *a = NULL, *b = NULL;
    TRY(need_tensor(n, i, &a));
    TRY(need_tensor(n, j, &b));
    if (a->elem == b->elem)
        return MLC_OK;
    return node_error(n, E0206, "input %d is %s and input %d is %s, must be the same type", i,
                      elem_name[a->elem], j, elem_name[b->elem]);
}

Status node_axis(const Node *n, int64_t axis, int rank, int *out)
{
    if (axis < -rank || axis >= rank)
        return node_error(n, E0302, "axis %lld is outside a tensor of rank %d", (long long)axis,
                          rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return MLC_OK;
}

/* ---- shared infer functions ---- */

Status infer_same(Graph *g, Node *n)
{
    (void)g;
    if (n->nin < 1 || !n->in[0])
        return node_error(n, E0202, "input 0 is omitted");
    n->out[0]->type = n->in[0]->type;
    return MLC_OK;
}

Ex broadcast_dim(Graph *g, Ex a, Ex b)
{
    ExPool *p = g->pool;
    if (a == b || ex_is(b, 1))
        return a;
    if (ex_is(a, 1))
        return b;
    bool const_a = ex_is_int(a, NULL), const_b = ex_is_int(b, NULL);
    if (const_a || const_b)
        return const_a && const_b ? NULL : const_a ? a : b;
    Ex one = ex_int(p, 1);
    if (ex_proved_lt(p, one, a))
        return a;
    if (ex_proved_lt(p, one, b))
        return b;
    if (ex_proved_le(p, one, a) && ex_proved_le(p, one, b))
        return ex_max(p, a, b); /* equal, or one of them 1 */
    return ex_select(p, ex_eq(p, a, one), b, a);
}

Status broadcast_shapes(Graph *g, const Node *n, const Type *a, const Type *b, Type *out)
{
    if (a->rank < 0 || b->rank < 0)
        return node_error(n, E0303, "the rank of an input is not known");
    Type t = {.kind = TYPE_TENSOR, .elem = a->elem, .rank = MAX(a->rank, b->rank)};
    for (int i = 0; i < t.rank; i++) {
        int ia = i - (t.rank - a->rank), ib = i - (t.rank - b->rank);
        if (ia < 0 || ib < 0) {
            t.dim[i] = ia < 0 ? b->dim[ib] : a->dim[ia];
            continue;
        }
        t.dim[i] = broadcast_dim(g, a->dim[ia], b->dim[ib]);
        if (t.dim[i])
            continue;
        Str sa = str_new(g->arena), sb = str_new(g->arena);
        type_print(&sa, g->pool, a);
        type_print(&sb, g->pool, b);
        return node_error(n, E0301, "cannot broadcast dimension %d of %s against %s", i,
                          str_text(&sa), str_text(&sb));
    }
    *out = t;
    return MLC_OK;
}

static Status broadcast_inputs(Graph *g, Node *n, Type *out)
{
    const Type *t = NULL;
    TRY(need_tensor(n, 0, &t));
    Type sum = *t;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    for (int i = 1; i < n->nin; i++) {
        TRY(node_need_same_elem(n, 0, i));
        TRY(broadcast_shapes(g, n, &sum, &n->in[i]->type, &sum));
    }
    *out = sum;
    return MLC_OK;
}

Status infer_broadcast(Graph *g, Node *n)
{
    return broadcast_inputs(g, n, &n->out[0]->type);
}

Status infer_compare(Graph *g, Node *n)
{
    Type t;
    TRY(broadcast_inputs(g, n, &t));
    t.elem = ELEM_BOOL;
    n->out[0]->type = t;
    return MLC_OK;
}
