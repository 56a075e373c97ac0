/* SequenceMap: a graph for each element of a sequence. passes/columns.c makes it a Loop. */
#include "ir/ops/columns.h"
#include "ir/ops/control.h"

#define MAP_ATTRS(A, S) A(S, graph, body, NULL, "what is done with an element")
ATTRS(MapAttrs, MAP_ATTRS);

/* The body's input i is an element of the node's, or all of it where that is a tensor. */
static Status take_element(Graph *g, const Node *n, Graph *body, int i)
{
    const Type *of = NULL;
    Value *in = body->inputs.at[i];
    if (!node_has(n, i))
        return node_error(n, E0202, "input %d is omitted", i);
    if (i > 0 && n->in[i]->type.kind == TYPE_TENSOR) {
        body_take(body, (size_t)i, n->in[i]);
        return MLC_OK;
    }
    TRY(node_need_sequence(n, i, &of));
    Type t = *of;
    if (t.rank < 0 && in->type.kind == TYPE_TENSOR && in->type.elem == t.elem)
        t = in->type;
    for (int k = 0; k < t.rank; k++)
        if (!ex_is_int(t.dim[k], NULL))
            t.dim[k] = assigned_dim(g, in, k);
    in->type = t;
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    Graph *body = ((const MapAttrs *)n->attrs)->body;
    int    own = n->nin - body->captures;
    if (own < 1 || (int)body->inputs.len != n->nin || (int)body->outputs.len != n->nout)
        return node_error(n, E0202, "the body has %zu inputs and %zu outputs, the node %d and %d",
                          body->inputs.len - (size_t)body->captures, body->outputs.len, own, n->nout);
    for (int i = 0; i < own; i++)
        TRY(take_element(g, n, body, i));
    TRY(body_captures(n, body));
    TRY(graph_infer(body));
    for (int i = 0; i < n->nout; i++) {
        const Type *of = &body->outputs.at[i]->type;
        if (of->kind != TYPE_TENSOR)
            return node_error(n, E0206, "output %d of the body is not a tensor", i);
        if (n->out[i])
            n->out[i]->type = sequence_of(g, of->elem, of);
    }
    return MLC_OK;
}

OP(sequence_map) = {
    .name = "SequenceMap", .since = {17}, .min_in = 1, .max_in = VARIADIC, .min_out = 1,
    .max_out = VARIADIC, .traits = OP_CONTROL, ATTRS_OF(MapAttrs), .infer = infer,
    .doc = "the sequence of body(element)",
};
