/* Te: builds stages from the definitions of operators (te.h).
 *
 * Invariant: t->stage is the stage being built, already with its axes; closing it appends it to
 * t->stages, so that stages stand in the order in which they must run. */
#include "ir/ops/te.h"
#include "runtime/mlc_abi.h"

Tx te_in(Te *t, int i)
{
    const Node *n = t->node;
    if (i >= n->nin || !n->in[i])
        return NULL;
    return t->buf_of(t->buf_arg, n->in[i]);
}

Tx te_out(Te *t, int i)
{
    const Node *n = t->node;
    if (i >= n->nout || !n->out[i])
        return NULL;
    return t->buf_of(t->buf_arg, n->out[i]);
}

Tx te_temp(Te *t, Elem e, int rank, const Ex *dim)
{
    int id = t->next_id++;
    return buf_new(t->arena, t->pool, id, arena_printf(t->arena, "tmp%d", id), e, SPACE_TEMP, rank,
                   dim);
}

Tx te_table(Te *t, const Tensor *data)
{
    Ex dim[MAX_RANK];
    for (int i = 0; i < data->rank; i++)
        dim[i] = te_int(t, data->dim[i]);
    int id = t->next_id++;
    Buf *b = buf_new(t->arena, t->pool, id, arena_printf(t->arena, "tab%d", id), data->elem,
                     SPACE_CONST, data->rank, dim);
    b->data = data;
    return b;
}

/* ---- stages ---- */

static Stage *open_stage(Te *t, Tx target, int n, const Ex *extent)
{
    assert(!t->stage && n <= MAX_AXES);
    Stage *s = NEW(t->arena, Stage);
    s->naxis = n;
    for (int i = 0; i < n; i++)
        s->axis[i] = ex_var(t->pool, extent[i]);
    t->stage = s;
    t->target = target;
    return s;
}

void te_stage(Te *t, Tx out)
{
    open_stage(t, out, out->rank, out->dim);
}

void te_stage_axes(Te *t, int n, const Ex *extent)
{
    open_stage(t, NULL, n, extent);
}

int te_rank(const Te *t)
{
    return t->stage->naxis;
}

Ex te_axis(Te *t, int i)
{
    assert(i >= 0 && i < t->stage->naxis);
    return t->stage->axis[i];
}

Ex te_red(Te *t, Ex extent)
{
    Stage *s = t->stage;
    assert(s->nred < MAX_AXES && s->nacc == 0);
    return s->red[s->nred++] = ex_var(t->pool, extent);
}

void te_close(Te *t)
{
    Stage *s = t->stage;
    s->id = (int)t->stages->len;
    for (int i = 0; t->node && i < t->node->norigin; i++)
        vec_push(t->arena, &s->origin, t->node->origin[i]);
    vec_push(t->arena, t->stages, s);
    t->stage = NULL;
    t->target = NULL;
}

void te_store(Te *t, Tx out, const Ex *index, Ex value)
{
    StageStore st = {.buf = out};
    for (int i = 0; i < out->rank; i++)
        st.index[i] = index[i];
    st.value = value->elem == out->elem ? value : ex_cast(t->pool, out->elem, value);
    vec_push(t->arena, &t->stage->stores, st);
}

void te_yield_at(Te *t, Tx out, const Ex *index, Ex value)
{
    te_store(t, out, index, value);
    te_close(t);
}

void te_yield(Te *t, Ex value)
{
    assert(t->target);
    te_yield_at(t, t->target, t->stage->axis, value);
}

void te_check(Te *t, Ex cond, int code)
{
    if (ex_is(cond, 1))
        return;
    vec_push(t->arena, &t->stage->checks, (StageCheck){.cond = cond, .code = code});
}

/* Is the condition checked already? */
static bool is_required(const Te *t, Ex cond)
{
    for (size_t i = t->stages->len; i-- > 0;) {
        const Stage *s = t->stages->at[i];
        if (s->naxis == 0 && s->checks.len == 1 && s->checks.at[0].cond == cond)
            return true;
    }
    return false;
}

void te_require(Te *t, Ex cond)
{
    if (ex_is(cond, 1) || is_required(t, cond))
        return;
    Stage *open = t->stage;
    Tx target = t->target;
    t->stage = NULL;
    te_stage_axes(t, 0, NULL);
    te_check(t, cond, MLC_RUN_SHAPE);
    te_close(t);
    t->stage = open;
    t->target = target;
}

void te_require_equal(Te *t, Ex a, Ex b)
{
    if (a != b)
        te_require(t, ex_eq(t->pool, a, b));
}

void te_require_source(Te *t, Ex in, Ex out)
{
    ExPool *p = t->pool;
    if (in != out && !ex_proved_le(p, te_int(t, 1), in))
        te_require(t, ex_or(p, ex_le(p, te_int(t, 1), in), ex_eq(p, out, te_int(t, 0))));
}

/* ---- loads ---- */

Ex te_load(Te *t, Tx x, const Ex *index)
{
    return ex_load(t->pool, x, x->elem, x->rank, index);
}

Ex te_bcast_index(Te *t, Ex dim, Ex axis)
{
    ExPool *p = t->pool;
    Ex extent = ex_var_extent(p, axis), one = ex_int(p, 1), zero = ex_int(p, 0);
    if (dim == one)
        return zero;
    if (dim == extent)
        return axis;
    if (ex_proved_lt(p, one, dim)) {
        te_require_equal(t, dim, extent);
        return axis;
    }
    Ex repeats = ex_eq(p, dim, one);
    te_require(t, ex_or(p, repeats, ex_eq(p, dim, extent)));
    return ex_select(p, repeats, zero, axis);
}

Ex te_load_bcast(Te *t, Tx x)
{
    int shift = t->stage->naxis - x->rank;
    assert(shift >= 0);
    Ex index[MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        index[i] = te_bcast_index(t, x->dim[i], te_axis(t, i + shift));
    return te_load(t, x, index);
}

Ex te_load_padded(Te *t, Tx x, const Ex *index, Ex otherwise)
{
    return te_load_padded_from(t, x, 0, index, otherwise);
}

Ex te_load_padded_from(Te *t, Tx x, int first, const Ex *index, Ex otherwise)
{
    ExPool *p = t->pool;
    Ex inside = NULL;
    for (int i = first; i < x->rank; i++) {
        Ex bound[2];
        int n = 0;
        if (!ex_nonneg(p, index[i]))
            bound[n++] = ex_le(p, ex_int(p, 0), index[i]);
        if (!ex_proved_lt(p, index[i], x->dim[i]))
            bound[n++] = ex_lt(p, index[i], x->dim[i]);
        for (int k = 0; k < n; k++)
            inside = inside ? ex_and(p, inside, bound[k]) : bound[k];
    }
    Ex v = te_load(t, x, index);
    return inside ? ex_guard(p, inside, v, otherwise) : v;
}

/* ---- reductions ---- */

Elem te_wide_elem(Elem e)
{
    if (elem_is_native(e))
        return e;
    return elem_is_float(e) ? ELEM_F32 : ELEM_I32;
}

Ex te_wide(Te *t, Ex x)
{
    Elem e = te_wide_elem((Elem)x->elem);
    return e == x->elem ? x : ex_cast(t->pool, e, x);
}

void te_reduce_many(Te *t, int n, const ReduceOp *op, const Ex *x, Ex *out)
{
    Stage *s = t->stage;
    assert(s->nacc == 0 && n <= MAX_ACC);
    for (int i = 0; i < n; i++) {
        Ex body = te_wide(t, x[i]);
        out[i] = body;
        if (s->nred == 0)
            continue;
        s->op[i] = op[i];
        s->body[i] = body;
        s->init[i] = reduce_init(t->pool, op[i], (Elem)body->elem);
        out[i] = ex_acc(t->pool, (Elem)body->elem, i);
    }
    if (s->nred > 0) {
        s->kind = STAGE_REDUCE;
        s->nacc = n;
    }
}

void te_reduce_general(Te *t, int n, const Ex *init, const Ex *x, const Ex *combine, Ex *out)
{
    Stage *s = t->stage;
    assert(s->nacc == 0 && n <= MAX_ACC);
    s->kind = STAGE_REDUCE;
    s->nacc = n;
    for (int i = 0; i < n; i++) {
        s->op[i] = REDUCE_GENERAL;
        s->init[i] = init[i];
        s->body[i] = x[i];
        s->combine[i] = combine[i];
        out[i] = ex_acc(t->pool, (Elem)x[i]->elem, i);
    }
}

static Ex reduce_one(Te *t, ReduceOp op, Ex x)
{
    Ex out;
    te_reduce_many(t, 1, &op, &x, &out);
    return out;
}

Ex te_sum(Te *t, Ex x)
{
    return reduce_one(t, REDUCE_SUM, x);
}

Ex te_prod(Te *t, Ex x)
{
    return reduce_one(t, REDUCE_PROD, x);
}

Ex te_min_over(Te *t, Ex x)
{
    return reduce_one(t, REDUCE_MIN, x);
}

Ex te_max_over(Te *t, Ex x)
{
    return reduce_one(t, REDUCE_MAX, x);
}

void te_scan_many(Te *t, int n, const Ex *init, Ex *state)
{
    Stage *s = t->stage;
    assert(s->nacc == 0 && s->nred == 0 && s->naxis > 0 && n <= MAX_ACC);
    s->kind = STAGE_SCAN;
    s->nacc = n;
    for (int i = 0; i < n; i++) {
        s->init[i] = init[i];
        state[i] = ex_acc(t->pool, (Elem)init[i]->elem, i);
    }
}

void te_scan_step_many(Te *t, int n, const Ex *next)
{
    for (int i = 0; i < n; i++)
        t->stage->body[i] = next[i];
}

Ex te_scan(Te *t, Ex init)
{
    Ex state;
    te_scan_many(t, 1, &init, &state);
    return state;
}

void te_scan_step(Te *t, Ex next)
{
    te_scan_step_many(t, 1, &next);
}

/* ---- control ---- */

static Stage *control(Te *t, StageKind kind, Ex value)
{
    assert(!t->stage);
    Stage *s = open_stage(t, NULL, 0, NULL);
    s->kind = kind;
    s->value = value;
    return s;
}

static void add_arg(Te *t, Stage *s, Tx x)
{
    vec_push(t->arena, &s->args, x);
}

Ex te_symbol(Te *t, const char *name, int64_t min, int64_t max)
{
    return ex_sym_run_time(t->pool, name, min, max);
}

void te_set(Te *t, Ex symbol, Ex value)
{
    Stage *s = control(t, STAGE_SET, value);
    s->symbol = symbol;
    s->again = true;
    te_close(t);
}

void te_set_element(Te *t, Ex symbol, Tx x, Ex index)
{
    Stage *s = control(t, STAGE_SET, index);
    s->symbol = symbol;
    s->again = true;
    add_arg(t, s, x);
    te_close(t);
}

static void simple(Te *t, StageKind kind, Ex value)
{
    control(t, kind, value);
    te_close(t);
}

void te_if(Te *t, Ex cond) { simple(t, STAGE_IF, cond); }
void te_else(Te *t) { simple(t, STAGE_ELSE, NULL); }
void te_loop(Te *t, Ex cond) { simple(t, STAGE_LOOP, cond); }
void te_end(Te *t) { simple(t, STAGE_END, NULL); }

void te_move(Te *t, Tx to, Tx from)
{
    Stage *s = control(t, STAGE_MOVE, NULL);
    add_arg(t, s, to);
    add_arg(t, s, from);
    te_close(t);
}

void te_grow(Te *t, Tx x, Ex elements)
{
    add_arg(t, control(t, STAGE_GROW, elements), x);
    te_close(t);
}

void te_call(Te *t, const char *name, int nout, const Tx *out, int nin, const Tx *in, int nparam,
             const Ex *param)
{
    Stage *s = control(t, STAGE_CALL, NULL);
    s->call = name;
    s->nwritten = nout;
    for (int i = 0; i < nout; i++)
        add_arg(t, s, out[i]);
    for (int i = 0; i < nin; i++)
        add_arg(t, s, in[i]);
    for (int i = 0; i < nparam; i++)
        vec_push(t->arena, &s->params, param[i]);
    te_close(t);
}

void te_graph(Te *t, const Graph *body)
{
    const Node *node = t->node;
    t->graph(t->buf_arg, t, body);
    t->node = node;
}

void te_bind(Te *t, const Value *v, Tx x) { t->bind(t->buf_arg, v, x); }
Tx te_value(Te *t, const Value *v) { return t->buf_of(t->buf_arg, v); }

void te_define(Te *t, const Node *n)
{
    assert(n->op->define && !t->stage);
    t->node = n;
    n->op->define(t, n);
    assert(!t->stage);
}
