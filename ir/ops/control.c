/* Bodies: how values of the enclosing graph and of the body correspond. */
#include "ir/ops/control.h"

void body_take(Graph *body, size_t i, const Value *outer)
{
    Value *in = body->inputs.at[i];
    in->type = outer->type;
    int n;
    const Ex *content = value_content(outer->graph, outer, &n);
    in->content = content;
}

Status body_captures(const Node *n, Graph *body)
{
    int first = n->nin - body->captures;
    if (first < 0 || (size_t)body->captures > body->inputs.len)
        return node_error(n, E0202, "a body captures %d values, the node has %d", body->captures,
                          n->nin);
    for (int i = 0; i < body->captures; i++) {
        const Value *outer = n->in[first + i];
        if (outer)
            body_take(body, body->inputs.len - (size_t)body->captures + (size_t)i, outer);
    }
    return MLC_OK;
}

Status body_output(const Node *n, const Graph *body, size_t i, const Type **out)
{
    if (i >= body->outputs.len)
        return node_error(n, E0202, "a body has %zu outputs", body->outputs.len);
    const Value *v = body->outputs.at[i];
    if (v->type.kind != TYPE_TENSOR)
        return node_error(n, E0206, "output '%s' of a body is not a tensor", v->name);
    if (v->type.rank < 0)
        return node_error(n, E0303, "the rank of '%s' is not known", v->name);
    *out = &v->type;
    return MLC_OK;
}

Ex assigned_dim(Graph *g, const Value *v, int k)
{
    const int64_t most = (int64_t)1 << 40;
    const Graph *root = graph_root(g);
    Ex old = v->type.kind == TYPE_TENSOR && k < v->type.rank ? v->type.dim[k] : NULL;
    bool ours = old && old->op == EX_SYM && ex_sym_is_run_time(g->pool, (int)old->i);
    for (size_t i = 0; ours && i < root->sym_defs.len; i++)
        ours = root->sym_defs.at[i].symbol != old;
    return ours ? old : ex_sym_run_time(g->pool, arena_printf(g->arena, "%s.%d", v->name, k), 0, most);
}

/* ---- define ---- */

void te_bind_captures(Te *t, const Node *n, const Graph *body)
{
    int first = n->nin - body->captures;
    for (int i = 0; i < body->captures; i++)
        if (n->in[first + i])
            te_bind(t, body->inputs.at[body->inputs.len - (size_t)body->captures + (size_t)i],
                    te_in(t, first + i));
}

void te_set_dims(Te *t, const Type *to, const Type *from)
{
    Ex now[MAX_RANK];
    int n = 0;
    for (int k = 0; k < to->rank; k++)
        n += to->dim[k] != from->dim[k];
    for (int k = 0; k < to->rank && n > 1; k++) { /* all at once: one may need another's old value */
        now[k] = to->dim[k] == from->dim[k] ? NULL : te_symbol(t, "size", 0, (int64_t)1 << 40);
        if (now[k])
            te_set(t, now[k], from->dim[k]);
    }
    for (int k = 0; k < to->rank; k++) {
        if (to->dim[k] == from->dim[k])
            continue;
        if (to->dim[k]->op == EX_SYM && ex_sym_is_run_time(t->pool, (int)to->dim[k]->i))
            te_set(t, to->dim[k], n > 1 ? now[k] : from->dim[k]);
        else
            te_require_equal(t, to->dim[k], from->dim[k]);
    }
}

Tx te_copy(Te *t, Tx x)
{
    Tx y = te_temp(t, x->elem, x->rank, x->dim);
    te_stage(t, y);
    te_yield(t, te_load(t, x, t->stage->axis));
    return y;
}

Tx te_scalar(Te *t, Elem e, int rank, Ex v)
{
    Ex one[MAX_RANK];
    for (int k = 0; k < rank; k++)
        one[k] = te_int(t, 1);
    Tx y = te_temp(t, e, rank, one);
    te_stage(t, y);
    te_yield(t, te_cast(t, e, v));
    return y;
}

void te_store_slice(Te *t, Tx y, int axis, Ex i, Tx x)
{
    Ex index[MAX_RANK];
    te_stage_axes(t, x->rank, x->dim);
    for (int k = 0; k < y->rank; k++)
        index[k] = k == axis ? i : te_axis(t, k - (k > axis));
    te_yield_at(t, y, index, te_load(t, x, t->stage->axis));
}
