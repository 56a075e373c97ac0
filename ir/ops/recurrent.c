/* Shapes of recurrent operators and their run along a sequence (recurrent.h).
 *
 * Output 0 is [seq, dirs, batch, hidden], the last states are [dirs, batch, hidden]; with layout 1
 * the batch comes first. Behind the length of a sequence output 0 is 0; the last state of a sequence
 * without any step is 0 too. */
#include "ir/ops/recurrent.h"

#include "ir/base/str.h"
#include "runtime/mlc_abi.h"

#include <math.h>

/* ---- shapes ---- */

static bool is_bidirectional(const RecurrentAttrs *a) { return str_eq(a->direction, "bidirectional"); }

static Recurrence read_form(ExPool *p, const Node *n, const Cell *cell)
{
    const RecurrentAttrs *a = n->attrs;
    const Ex *x = n->in[IN_X]->type.dim;
    Ex hidden = n->in[IN_R]->type.dim[2];
    if (a->hidden_size != ATTR_INT_ABSENT)
        hidden = ex_int(p, a->hidden_size);
    return (Recurrence){.cell = cell, .attrs = a, .seq = x[!!a->layout], .batch = x[!a->layout],
                        .in = x[2], .hidden = hidden, .dirs = is_bidirectional(a) ? 2 : 1,
                        .elem = te_wide_elem(n->in[IN_X]->type.elem)};
}

static Ex times(ExPool *p, int k, Ex e) { return ex_mul(p, ex_int(p, k), e); }

/* The dimensions that input i has to have. Returns the rank. */
static int input_dims(ExPool *p, const Recurrence *r, int i, Ex dim[3])
{
    bool batch_first = r->attrs->layout;
    Ex dirs = ex_int(p, r->dirs), rows = times(p, r->cell->gates, r->hidden);
    dim[0] = dirs;
    switch (i) {
    case IN_X:
        dim[0] = batch_first ? r->batch : r->seq;
        dim[1] = batch_first ? r->seq : r->batch;
        dim[2] = r->in;
        return 3;
    case IN_W:
    case IN_R:
        dim[1] = rows;
        dim[2] = i == IN_W ? r->in : r->hidden;
        return 3;
    case IN_B:
        dim[1] = times(p, 2, rows);
        return 2;
    case IN_LENS:
        dim[0] = r->batch;
        return 1;
    case IN_P:
        dim[1] = times(p, 3, r->hidden);
        return 2;
    default:
        dim[0] = batch_first ? r->batch : dirs;
        dim[1] = batch_first ? dirs : r->batch;
        dim[2] = r->hidden;
        return 3;
    }
}

static const char *const input_name[] = {"x", "W", "R", "B", "sequence_lens", "initial_h",
                                         "initial_c", "P"};
static const int input_rank[] = {3, 3, 3, 2, 1, 3, 3, 2};

static Status check_attrs(const Node *n, const Cell *cell)
{
    const RecurrentAttrs *a = n->attrs;
    Gate act[6];
    if (!str_eq(a->direction, "forward") && !str_eq(a->direction, "reverse") && !is_bidirectional(a))
        return node_error(n, E0203, "attribute 'direction' is '%s'", a->direction);
    if (a->layout != 0 && a->layout != 1)
        return node_error(n, E0203, "attribute 'layout' is %lld", (long long)a->layout);
    if (!isnan(a->clip) && !(a->clip > 0))
        return node_error(n, E0203, "attribute 'clip' is %g", (double)a->clip);
    if (a->hidden_size != ATTR_INT_ABSENT)
        TRY(node_need_size(n, "hidden_size", a->hidden_size, 1));
    return gates_read(n, &a->activations, &a->activation_alpha, &a->activation_beta, cell->nact,
                      cell->activations, cell->nact * (is_bidirectional(a) ? 2 : 1), act);
}

Status recurrent_infer(Graph *g, Node *n, const Cell *cell)
{
    ExPool *p = g->pool;
    TRY(check_attrs(n, cell));
    TRY(node_need_elem(n, IN_X, IS_FLOAT));
    for (int i = 0; i < n->nin; i++) {
        if (!node_has(n, i))
            continue;
        TRY(node_need_rank(n, i, input_rank[i], input_rank[i]));
        TRY(i == IN_LENS ? node_need_elem(n, i, IS_INT) : node_need_same_elem(n, IN_X, i));
    }
    Recurrence r = read_form(p, n, cell);
    for (int i = 0; i < n->nin; i++) {
        Ex dim[3];
        int rank = node_has(n, i) ? input_dims(p, &r, i, dim) : 0;
        for (int k = 0; k < rank; k++)
            TRY(node_need_equal(n, n->in[i]->type.dim[k], dim[k],
                                arena_printf(g->arena, "dimension %d of %s", k, input_name[i])));
    }
    Elem e = n->in[IN_X]->type.elem;
    Ex dirs = ex_int(p, r.dirs), last[3];
    input_dims(p, &r, IN_H, last);
    Ex all[4] = {r.seq, dirs, r.batch, r.hidden}, batch_first[4] = {r.batch, r.seq, dirs, r.hidden};
    node_set_type(n, OUT_SEQUENCE, type_tensor(e, 4, r.attrs->layout ? batch_first : all));
    for (int i = 0; i < cell->states; i++)
        node_set_type(n, OUT_H + i, type_tensor(e, 3, last));
    return MLC_OK;
}

Status recurrent_upgrade(RawNode *raw)
{
    raw_drop(raw, "output_sequence");
    return MLC_OK;
}

/* ---- before the steps ---- */

/* Is every length known to be the number of steps? */
static bool all_full(const Node *n, Ex seq)
{
    int count;
    const Ex *len = value_content(n->graph, n->in[IN_LENS], &count);
    for (int i = 0; len && i < count; i++) {
        Ex e = len[i];
        int64_t a, b;
        while (e->op == EX_CAST)
            e = e->arg[0];
        if (e != seq && !(ex_is_int(e, &a) && ex_is_int(seq, &b) && a == b))
            return false;
    }
    return len != NULL;
}

static Ex length_of(Recurrence *r, Ex b)
{
    return te_cast(r->t, ELEM_I64, te_load(r->t, r->lens, &b));
}

static void check_lengths(Recurrence *r)
{
    Te *t = r->t;
    te_stage_axes(t, 1, r->lens->dim);
    Ex len = length_of(r, te_axis(t, 0));
    te_check(t, te_and(t, te_le(t, te_int(t, 0), len), te_le(t, len, r->seq)), MLC_RUN_INDEX);
    te_close(t);
}

/* Element [dir, i] of an input of rank 2. */
static Ex load_vector(Recurrence *r, int input, Ex i)
{
    Te *t = r->t;
    Ex v = te_load(t, te_in(t, input), (Ex[]){te_int(t, r->dir), i});
    return te_cast(t, r->elem, v);
}

static Tx state_temp(Recurrence *r)
{
    return te_temp(r->t, r->elem, 2, (Ex[]){r->batch, r->hidden});
}

/* The index of this direction's [b, j] in a state that the node takes or gives. */
static void state_index(Recurrence *r, Ex index[3])
{
    Te *t = r->t;
    bool batch_first = r->attrs->layout;
    index[!batch_first] = te_axis(t, 0);
    index[batch_first] = te_int(t, r->dir);
    index[2] = te_axis(t, 1);
}

/* A state before the first step; NULL where it is 0. */
static Tx initial_state(Recurrence *r, int i)
{
    Te *t = r->t;
    Tx from = te_in(t, IN_H + i);
    if (!from)
        return NULL;
    Tx x = state_temp(r);
    Ex index[3];
    te_stage(t, x);
    state_index(r, index);
    te_yield(t, te_cast(t, r->elem, te_load(t, from, index)));
    return x;
}

static Tx zero_state(Recurrence *r)
{
    Tx x = state_temp(r);
    te_stage(r->t, x);
    te_yield(r->t, te_const(r->t, r->elem, 0));
    return x;
}

/* x W' + b of all steps. */
static void project_input(Recurrence *r)
{
    Te *t = r->t;
    Tx x = te_in(t, IN_X);
    Ex rows = times(t->pool, r->cell->gates, r->hidden);
    r->input = te_temp(t, r->elem, 3, (Ex[]){r->seq, r->batch, rows});
    te_stage(t, r->input);
    Ex k = te_red(t, r->in), s = te_axis(t, 0), b = te_axis(t, 1), n = te_axis(t, 2);
    Ex vx = te_wide(t, te_load(t, x, r->attrs->layout ? (Ex[]){b, s, k} : (Ex[]){s, b, k}));
    Ex w = te_wide(t, te_load(t, te_in(t, IN_W), (Ex[]){te_int(t, r->dir), n, k}));
    Ex sum = te_sum(t, te_mul(t, vx, w));
    if (te_in(t, IN_B)) {
        Ex bias = load_vector(r, IN_B, n);
        if (!r->cell->own_bias)
            bias = te_add(t, bias, load_vector(r, IN_B, te_add(t, rows, n)));
        sum = te_add(t, sum, bias);
    }
    te_yield(t, sum);
}

/* ---- one step ---- */

Tx recurrent_product(Recurrence *r, Tx v, int first, int count)
{
    Te *t = r->t;
    ExPool *p = t->pool;
    Tx y = te_temp(t, r->elem, 2, (Ex[]){r->batch, times(p, count, r->hidden)});
    te_stage(t, y);
    Ex b = te_axis(t, 0), n = te_add(t, times(p, first, r->hidden), te_axis(t, 1)), sum = NULL;
    if (v) {
        Ex k = te_red(t, r->hidden);
        Ex w = te_load(t, te_in(t, IN_R), (Ex[]){te_int(t, r->dir), n, k});
        sum = te_sum(t, te_mul(t, te_load(t, v, (Ex[]){b, k}), te_wide(t, w)));
    }
    Ex more = NULL;
    if (!r->cell->own_bias)
        more = te_load(t, r->input, (Ex[]){r->at, b, n});
    else if (te_in(t, IN_B))
        more = load_vector(r, IN_B, te_add(t, times(p, r->cell->gates, r->hidden), n));
    if (sum && more)
        sum = te_add(t, sum, more);
    te_yield(t, sum ? sum : more ? more : te_const(t, r->elem, 0));
    return y;
}

void recurrent_stage(Recurrence *r)
{
    te_stage_axes(r->t, 2, (Ex[]){r->batch, r->hidden});
}

/* Where element j of gate k stands. */
static Ex gate_row(Recurrence *r, int k)
{
    return te_add(r->t, times(r->t->pool, k, r->hidden), te_axis(r->t, 1));
}

Ex recurrent_gate(Recurrence *r, Tx product, int k)
{
    return te_load(r->t, product, (Ex[]){te_axis(r->t, 0), gate_row(r, k)});
}

Ex recurrent_input(Recurrence *r, int k)
{
    return te_load(r->t, r->input, (Ex[]){r->at, te_axis(r->t, 0), gate_row(r, k)});
}

Ex recurrent_state(Recurrence *r, int i)
{
    if (!r->state[i])
        return te_const(r->t, r->elem, 0);
    return te_load(r->t, r->state[i], r->t->stage->axis);
}

Ex recurrent_act(Recurrence *r, int k, Ex x)
{
    return gate_apply(r->t, &r->act[k], r->attrs->clip, x);
}

void recurrent_yield(Recurrence *r, Ex h, Ex c)
{
    Te *t = r->t;
    Tx y = te_out(t, OUT_SEQUENCE);
    Ex value[2] = {h, c}, b = te_axis(t, 0), j = te_axis(t, 1), d = te_int(t, r->dir), index[3];
    Ex runs = r->lens ? te_lt(t, r->at, length_of(r, b)) : ex_bool(t->pool, true);
    Ex zero = te_const(t, r->elem, 0);
    if (y)
        te_store(t, y, r->attrs->layout ? (Ex[]){b, r->at, d, j} : (Ex[]){r->at, d, b, j},
                 te_select(t, runs, h, zero));
    for (int i = 0; i < r->cell->states; i++) {
        Tx last = te_out(t, OUT_H + i);
        state_index(r, index);
        if (r->next[i])
            te_store(t, r->next[i], t->stage->axis,
                     te_select(t, runs, value[i], recurrent_state(r, i)));
        else if (last)
            te_store(t, last, index, te_select(t, runs, value[i], zero));
    }
    te_close(t);
}

/* ---- all steps ---- */

/* A state after the last step goes into output OUT_H + i. */
static void yield_last(Recurrence *r, int i)
{
    Te *t = r->t;
    Tx last = te_out(t, OUT_H + i);
    Ex index[3];
    if (!last)
        return;
    recurrent_stage(r);
    state_index(r, index);
    Ex v = recurrent_state(r, i);
    if (r->lens)
        v = te_select(t, te_lt(t, te_int(t, 0), length_of(r, te_axis(t, 0))), v,
                      te_const(t, r->elem, 0));
    te_yield_at(t, last, index, v);
}

static void define_loop(Recurrence *r)
{
    Te *t = r->t;
    ExPool *p = t->pool;
    Ex step = te_symbol(t, "step", 0, (int64_t)1 << 40);
    for (int i = 0; i < r->cell->states; i++) {
        Tx first = r->state[i] ? r->state[i] : zero_state(r);
        r->state[i] = state_temp(r);
        r->next[i] = state_temp(r);
        te_move(t, r->state[i], first);
    }
    te_set(t, step, te_int(t, 0));
    te_loop(t, te_cast(t, ELEM_I64, te_lt(t, step, r->seq)));
    r->at = step;
    if (r->reverse)
        r->at = te_sub(t, te_sub(t, r->seq, te_int(t, 1)), step);
    r->cell->step(r);
    for (int i = 0; i < r->cell->states; i++)
        te_move(t, r->state[i], r->next[i]);
    te_set(t, step, ex_add(p, step, te_int(t, 1)));
    te_end(t);
    for (int i = 0; i < r->cell->states; i++)
        yield_last(r, i);
}

static void define_direction(Recurrence *r)
{
    project_input(r);
    for (int i = 0; i < r->cell->states; i++)
        r->state[i] = initial_state(r, i);
    if (!ex_is(r->seq, 1)) {
        define_loop(r);
        return;
    }
    r->at = te_int(r->t, 0);
    r->cell->step(r);
}

void recurrent_define(Te *t, const Node *n, const Cell *cell)
{
    Recurrence r = read_form(t->pool, n, cell);
    const RecurrentAttrs *a = r.attrs;
    Tx y = te_out(t, OUT_SEQUENCE);
    Gate act[6];
    r.t = t;
    if (!y && !te_out(t, OUT_H) && !te_out(t, OUT_C))
        return;
    Status s = gates_read(n, &a->activations, &a->activation_alpha, &a->activation_beta,
                          cell->nact, cell->activations, cell->nact * r.dirs, act);
    assert(s == MLC_OK);
    (void)s;
    for (int i = IN_W; i < n->nin; i++) {
        Ex dim[3];
        int rank = node_has(n, i) ? input_dims(t->pool, &r, i, dim) : 0;
        for (int k = 0; k < rank; k++)
            te_require_equal(t, te_in(t, i)->dim[k], dim[k]);
    }
    if (node_has(n, IN_LENS) && !all_full(n, r.seq)) {
        r.lens = te_in(t, IN_LENS);
        check_lengths(&r);
    }
    if (y && !ex_is(r.seq, 1)) {
        Ex all = te_int(t, 1);
        for (int k = 0; k < y->rank; k++)
            all = te_mul(t, all, y->dim[k]);
        te_grow(t, y, all);
    }
    for (int d = 0; d < r.dirs; d++) {
        Recurrence one = r;
        one.dir = d;
        one.reverse = d == 1 || str_eq(a->direction, "reverse");
        memcpy(one.act, act + d * cell->nact, (size_t)cell->nact * sizeof *act);
        define_direction(&one);
    }
}
