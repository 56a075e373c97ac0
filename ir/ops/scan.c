/* Scan: runs a body along one axis of its scan inputs, with states from step to step; what it yields
 * per step is stacked along one axis of each scan output. */
#include "ir/ops/scan.h"

typedef struct ScanForm {
    int states, scans, outs;
} ScanForm;

static ScanForm form_of(const Node *n)
{
    const ScanAttrs *a = n->attrs;
    int formal = n->nin - a->body->captures;
    ScanForm f = {.scans = (int)a->num_scan_inputs, .states = formal - (int)a->num_scan_inputs};
    f.outs = n->nout - f.states;
    return f;
}

static int64_t nth(const Ints *v, int i) { return v->set && i < v->n ? v->at[i] : 0; }

static Status scan_axis(const Node *n, const Ints *axes, int i, int rank, int *out)
{
    return node_axis(n, nth(axes, i), rank, out);
}

static Status check_form(const Node *n, const ScanForm *f)
{
    const ScanAttrs *a = n->attrs;
    if (f->scans < 1 || f->states < 0)
        return node_error(n, E0202, "%lld of %d inputs are scanned", (long long)a->num_scan_inputs,
                          n->nin);
    if ((int)a->body->inputs.len - a->body->captures != f->states + f->scans ||
        (int)a->body->outputs.len < n->nout || f->outs < 0)
        return node_error(n, E0202, "the body takes %zu values and gives %zu, the node %d and %d",
                          a->body->inputs.len - (size_t)a->body->captures, a->body->outputs.len,
                          f->states + f->scans, n->nout);
    for (int i = 0; i < f->states + f->scans; i++) {
        if (!n->in[i])
            return node_error(n, E0202, "input %d is omitted", i);
        TRY(node_need_rank(n, i, i < f->states ? 0 : 1, MAX_RANK));
    }
    return MLC_OK;
}

static Status infer_inputs(Node *n, const ScanForm *f, Ex *steps)
{
    const ScanAttrs *a = n->attrs;
    for (int i = 0; i < f->states; i++) {
        body_take(a->body, (size_t)i, n->in[i]);
        a->body->inputs.at[i]->content = NULL;
    }
    for (int i = 0; i < f->scans; i++) {
        const Type *x = &n->in[f->states + i]->type;
        Value *in = a->body->inputs.at[f->states + i];
        int axis;
        TRY(scan_axis(n, &a->scan_input_axes, i, x->rank, &axis));
        Type each = type_tensor(x->elem, 0, NULL);
        for (int k = 0; k < x->rank; k++)
            if (k != axis)
                each.dim[each.rank++] = x->dim[k];
        in->type = each;
        in->content = NULL;
        if (i == 0)
            *steps = x->dim[axis];
        else
            TRY(node_need_equal(n, *steps, x->dim[axis], "numbers of steps"));
    }
    return body_captures(n, a->body);
}

static Status infer_scan(Graph *g, Node *n)
{
    const ScanAttrs *a = n->attrs;
    ScanForm f = form_of(n);
    Ex steps = NULL;
    TRY(check_form(n, &f));
    TRY(infer_inputs(n, &f, &steps));
    TRY(graph_infer(a->body));
    for (int i = 0; i < n->nout; i++) {
        const Type *each;
        TRY(body_output(n, a->body, (size_t)i, &each));
        if (!n->out[i])
            continue;
        if (i < f.states) {
            if (each->rank != n->in[i]->type.rank || each->elem != n->in[i]->type.elem)
                return node_error(n, E0206, "state %d changes its type", i);
            n->out[i]->type = n->in[i]->type;
            continue;
        }
        int axis;
        TRY(scan_axis(n, &a->scan_output_axes, i - f.states, each->rank + 1, &axis));
        if (each->rank + 1 > MAX_RANK)
            return node_error(n, E0302, "a scan output has rank %d", each->rank + 1);
        Type t = type_tensor(each->elem, each->rank + 1, n->out[i]->type.dim);
        for (int k = 0; k <= each->rank; k++)
            t.dim[k] = k == axis ? steps : each->dim[k - (k > axis)];
        n->out[i]->type = t;
    }
    (void)g;
    return MLC_OK;
}

/* ---- define ---- */

static Ex position(Te *t, const Ints *directions, int which, Ex i, Ex steps)
{
    if (!nth(directions, which))
        return i;
    return ex_sub(t->pool, ex_sub(t->pool, steps, te_int(t, 1)), i);
}

static void bind_slice(Te *t, const Node *n, const ScanForm *f, int which, Ex i)
{
    const ScanAttrs *a = n->attrs;
    Tx x = te_in(t, f->states + which);
    const Value *in = a->body->inputs.at[f->states + which];
    int axis = (int)nth(&a->scan_input_axes, which);
    axis += axis < 0 ? x->rank : 0;
    Ex at = position(t, &a->scan_input_directions, which, i, x->dim[axis]), index[MAX_RANK];
    Tx slice = te_temp(t, x->elem, in->type.rank, in->type.dim);
    te_stage(t, slice);
    for (int k = 0; k < x->rank; k++)
        index[k] = k == axis ? at : te_axis(t, k - (k > axis));
    te_yield(t, te_load(t, x, index));
    te_bind(t, in, slice);
}

static void store_outputs(Te *t, const Node *n, const ScanForm *f, Ex i)
{
    const ScanAttrs *a = n->attrs;
    for (int k = 0; k < f->outs; k++) {
        Tx y = te_out(t, f->states + k);
        if (!y)
            continue;
        int axis = (int)nth(&a->scan_output_axes, k);
        axis += axis < 0 ? y->rank : 0;
        te_store_slice(t, y, axis,
                       position(t, &a->scan_output_directions, k, i, y->dim[axis]),
                       te_value(t, a->body->outputs.at[f->states + k]));
    }
}

static Ex elements(ExPool *p, const Buf *y)
{
    Ex n = ex_int(p, 1);
    for (int k = 0; k < y->rank; k++)
        n = ex_mul(p, n, y->dim[k]);
    return n;
}

/* The states after the step; all are computed before the first is overwritten. */
static void carry_states(Te *t, const Node *n, const ScanForm *f, Tx *state)
{
    const ScanAttrs *a = n->attrs;
    Tx next[64];
    for (int k = 0; k < f->states; k++) {
        next[k] = te_value(t, a->body->outputs.at[k]);
        for (int j = 0; j < f->states; j++)
            if (next[k] == state[j] && j != k) {
                next[k] = te_copy(t, next[k]);
                break;
            }
    }
    for (int k = 0; k < f->states; k++)
        if (next[k] != state[k]) {
            te_set_dims(t, &n->in[k]->type, &a->body->outputs.at[k]->type);
            te_move(t, state[k], next[k]);
        }
}

static void define_scan(Te *t, const Node *n)
{
    const ScanAttrs *a = n->attrs;
    ScanForm f = form_of(n);
    ExPool *p = t->pool;
    Tx state[64], x = te_in(t, f.states);
    assert(f.states <= 64);
    int axis = (int)nth(&a->scan_input_axes, 0);
    Ex steps = x->dim[axis < 0 ? axis + x->rank : axis];
    for (int k = 1; k < f.scans; k++) {
        int other = (int)nth(&a->scan_input_axes, k);
        Tx y = te_in(t, f.states + k);
        te_require_equal(t, steps, y->dim[other < 0 ? other + y->rank : other]);
    }
    Ex i = te_symbol(t, "step", 0, (int64_t)1 << 40);
    te_bind_captures(t, n, a->body);
    for (int k = 0; k < f.states; k++) {
        const Type *type = &n->in[k]->type;
        state[k] = te_temp(t, type->elem, type->rank, type->dim);
        te_move(t, state[k], te_in(t, k));
        te_bind(t, a->body->inputs.at[k], state[k]);
    }
    for (int k = 0; k < f.outs; k++)
        if (te_out(t, f.states + k))
            te_grow(t, te_out(t, f.states + k), elements(p, te_out(t, f.states + k)));
    te_set(t, i, te_int(t, 0));
    te_loop(t, ex_cast(p, ELEM_I64, ex_lt(p, i, steps)));
    for (int k = 0; k < f.scans; k++)
        bind_slice(t, n, &f, k, i);
    te_graph(t, a->body);
    store_outputs(t, n, &f, i);
    carry_states(t, n, &f, state);
    te_set(t, i, ex_add(p, i, te_int(t, 1)));
    te_end(t);
    for (int k = 0; k < f.states; k++)
        if (te_out(t, k))
            te_move(t, te_out(t, k), state[k]);
}

OP(scan) = {
    .name = "Scan", .since = {8, 9, 11, 16, 19, 21, 23, 24, 25}, .min_in = 1, .max_in = VARIADIC,
    .min_out = 1, .max_out = VARIADIC, .traits = OP_CONTROL | OP_GAPS, ATTRS_OF(ScanAttrs),
    .upgrade = scan_upgrade, .infer = infer_scan, .define = define_scan, .doc = "a body along an axis, with states",
};
