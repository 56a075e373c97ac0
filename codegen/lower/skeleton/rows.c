/* The row skeleton: a reduction whose operands are contiguous along a reduction axis (softmax,
 * LayerNorm, mean over the last axis, dot products).
 *
 *     parallel (axes)
 *         acc[lane] = init
 *         for (outer reduction axes, blocks)  acc[lane] = acc[lane] (+) body at lane
 *         rest[0] = init (+) the elements that fill no vector
 *         out = value of  rest (+) acc[0] (+) acc[1] ...
 *
 * Constant weights that belong to all points alike (a convolution with one output channel, whose
 * contraction has no side to put in vectors) are packed first in the order in which the other factor
 * lies in memory.
 *
 * The sum is reassociated, the same way for every thread count; --strict forbids it for floats. */
#include "codegen/lower/contraction.h"
#include "codegen/lower/pack.h"

typedef struct RowCheck {
    Lowering *l;
    Ex        axis;
    int       contiguous, other;
} RowCheck;

static void check_load(void *arg, Ex load)
{
    RowCheck *c = arg;
    if (!ex_uses(load, c->axis))
        return;
    Ex coef = ex_affine(c->l->pool, load->arg[0], c->axis, NULL);
    if (coef && ex_is(coef, 1))
        c->contiguous++;
    else
        c->other++;
}

/* Position of the reduction axis that runs along memory, or -1. */
static int row_axis(Lowering *l, const Stage *s)
{
    for (int i = 0; i < s->nred; i++) {
        RowCheck c = {.l = l, .axis = s->red[i]};
        for (int k = 0; k < s->nacc; k++)
            ex_each_load(l->pool, s->body[k], check_load, &c);
        int64_t n = extent_of(l->pool, s->red[i]);
        if (c.contiguous && !c.other && (n < 0 || n >= 2 * l->lanes))
            return i;
    }
    return -1;
}

/* Elements of the row that are computed at once, in at most four vectors: the least number of dependent
 * steps, those of the rest and of the sum over the lanes included. */
static int row_width(const Lowering *l, const Stage *s, int at)
{
    int64_t n = extent_of(l->pool, s->red[at]), times = 1, best = 0;
    int width = 2 * l->lanes;
    if (n < 0)
        return width;
    for (int i = 0; i < s->nred; i++)
        times *= i == at ? 1 : MAX(extent_of(l->pool, s->red[i]), 1);
    for (int w = 4 * l->lanes; w >= 4 && w >= l->lanes / 2; w /= 2) {
        int64_t steps = times * (n / w + n % w) + w;
        if (n < w || (best && steps >= best))
            continue;
        best = steps;
        width = w;
    }
    return width;
}

/* ---- weights in the order of the data ---- */

/* Is one factor of the sum constant, the same at every output, and the other memory? */
static bool find_weights(const Stage *s, Ex *x, Ex *w)
{
    if (s->nacc != 1 || s->op[0] != REDUCE_SUM || s->body[0]->op != EX_MUL || s->body[0]->elem != ELEM_F32)
        return false;
    for (int side = 0; side < 2; side++) {
        Ex load = operand_load(s->body[0]->arg[side]), other = operand_load(s->body[0]->arg[!side]);
        bool constant = load && load->buf->space == SPACE_CONST && s->body[0]->arg[side]->op != EX_GUARD;
        for (int i = 0; i < s->naxis && constant; i++)
            constant = !ex_uses(load, s->axis[i]);
        if (!constant || !other || other->buf->space == SPACE_CONST)
            continue;
        *w = s->body[0]->arg[side];
        *x = s->body[0]->arg[!side];
        return true;
    }
    return false;
}

/* True when the weights of s were packed so that a row of them lies beside a row of data. */
static bool pack_weights(Lowering *l, Stage *s)
{
    ExPool *p = l->pool;
    Ex x, w, zero = ex_int(p, 0);
    Stage *trial = stage_copy(l->arena, s);
    if (!find_weights(trial, &x, &w) || s->naxis + s->nred + 2 > MAX_RANK)
        return false;
    contraction_order(l, trial, x);
    contraction_join(l, trial, &x, &w);
    trial->body[0] = x; /* do the data alone lie in rows? */
    if (row_axis(l, trial) != trial->nred - 1)
        return false;
    PackSpec spec = {.operand = w, .n_axis = ex_var(p, ex_int(p, 2)), .panels = 1, .width = 1, .limit = 1};
    if (pack_operand(l, trial, &spec, &w) != MLC_OK)
        return false;
    Ex from[] = {spec.panel_var, spec.column_var}, to[] = {zero, zero};
    trial->body[0] = ex_mul(p, x, ex_subst(p, w, 2, from, to));
    *s = *trial;
    return true;
}

static bool may_reassociate(const Lowering *l, const Stage *s)
{
    for (int i = 0; i < s->nacc; i++) {
        bool exact = !elem_is_float((Elem)s->init[i]->elem) || s->op[i] == REDUCE_MIN || s->op[i] == REDUCE_MAX;
        if (s->op[i] == REDUCE_GENERAL || (l->options->strict && !exact))
            return false;
    }
    return true;
}

typedef struct Rows {
    Lowering *l;
    Stage    *s;      /* axes already expressed by loop variables, but for `axis` */
    Ex        axis;
    int       width;
    Buf      *acc[MAX_ACC], *rest[MAX_ACC];
} Rows;

static Stmt *rows_init(Rows *r, Ex lane)
{
    Arena *a = r->l->arena;
    Stmt *wide = NULL, *one = NULL;
    for (int i = 0; i < r->s->nacc; i++) {
        Ex init = reduce_init(r->l->pool, r->s->op[i], (Elem)r->s->init[i]->elem);
        wide = stmt_seq(wide, stmt_store(a, r->acc[i], lane, init, NULL));
        one = stmt_seq(one, stmt_store(a, r->rest[i], ex_int(r->l->pool, 0), r->s->init[i], NULL));
    }
    return stmt_seq(stmt_loop(a, lane, LOOP_VECTOR, wide), one);
}

/* regs[slot] (+)= body at axis = at. */
static Stmt *rows_step(Rows *r, Buf *const *regs, Ex slot, Ex at)
{
    Ex body[MAX_ACC], prior[MAX_ACC];
    Stmt *all = NULL;
    for (int i = 0; i < r->s->nacc; i++) {
        body[i] = ex_subst(r->l->pool, r->s->body[i], 1, &r->axis, &at);
        prior[i] = reg_load(r->l->pool, regs[i], slot);
    }
    for (int i = 0; i < r->s->nacc; i++)
        all = stmt_seq(all, stmt_store(r->l->arena, regs[i], slot, reduce_step(r->l, r->s, i, prior, body), NULL));
    return all;
}

static Stmt *rows_finish(Rows *r)
{
    ExPool *p = r->l->pool;
    Ex zero = ex_int(p, 0), total[MAX_ACC];
    Stmt *all = NULL;
    Ex lane = ex_var(p, ex_int(p, r->width));
    for (int i = 0; i < r->s->nacc; i++) {
        total[i] = reg_load(p, r->rest[i], zero);
        Ex sum = reduce_combine(p, r->s->op[i], total[i], reg_load(p, r->acc[i], lane));
        all = stmt_seq(all, stmt_store(r->l->arena, r->rest[i], zero, sum, NULL));
    }
    all = stmt_loop(r->l->arena, lane, LOOP_UNROLLED, all);
    for (size_t i = 0; i < r->s->stores.len; i++) {
        const StageStore *o = &r->s->stores.at[i];
        all = stmt_seq(all, stmt_store(r->l->arena, o->buf, o->index[0], with_acc(r->l, o->value, r->s->nacc, total), NULL));
    }
    return all;
}

Status skeleton_reduce_rows(Lowering *l, Stage *s)
{
    ExPool *p = l->pool;
    if (s->kind != STAGE_REDUCE || s->checks.len || !may_reassociate(l, s))
        return MLC_NO;
    if (!pack_weights(l, s))
        fuse_axes(l, s, s->red, &s->nred);
    int at = row_axis(l, s);
    if (at < 0)
        return MLC_NO;
    Rows r = {.l = l, .axis = s->red[at]};
    r.width = row_width(l, s, at);
    Nest outer = {.l = l}, blocks = {.l = l}, tail = {.l = l};
    AxisMap map = {0};
    for (int i = 0; i < s->naxis; i++)
        axis_set(&map, s->axis[i], nest_loop(&outer, LOOP_PARALLEL, ex_var_extent(p, s->axis[i])));
    for (int i = 0; i < s->nred; i++) /* both loop nests run over the other reduction axes */
        if (i != at) {
            Ex v = nest_loop(&blocks, LOOP_SERIAL, ex_var_extent(p, s->red[i]));
            axis_set(&map, s->red[i], v);
            if (v->op == EX_VAR) {
                tail.var[tail.n] = v;
                tail.kind[tail.n++] = LOOP_SERIAL;
            }
        }
    r.s = stage_copy(l->arena, s);
    stage_subst(p, r.s, map.n, map.from, map.to);
    for (int i = 0; i < s->nacc; i++) {
        r.acc[i] = lower_reg(l, (Elem)s->init[i]->elem, r.width);
        r.rest[i] = lower_reg(l, (Elem)s->init[i]->elem, 1);
    }
    Ex width = ex_int(p, r.width), extent = ex_var_extent(p, r.axis);
    Ex lane = ex_var(p, width), whole = ex_floor_div(p, extent, width);
    Ex block = nest_loop(&blocks, LOOP_SERIAL, whole);
    Stmt *wide = rows_step(&r, r.acc, lane, ex_add(p, ex_mul(p, block, width), lane));
    Stmt *body = stmt_seq(rows_init(&r, lane), nest_close(&blocks, stmt_loop(l->arena, lane, LOOP_VECTOR, wide)));
    Ex left = ex_sub(p, extent, ex_mul(p, whole, width));
    if (!ex_is(left, 0)) {
        Ex t = nest_loop(&tail, LOOP_SERIAL, left);
        Stmt *step = rows_step(&r, r.rest, ex_int(p, 0), ex_add(p, ex_mul(p, whole, width), t));
        body = stmt_seq(body, nest_close(&tail, step));
    }
    body = nest_close(&outer, stmt_seq(body, rows_finish(&r)));
    Ex macs = s->body[0]->op == EX_MUL ? stage_points(p, s, true) : NULL;
    return lower_emit(l, s, "rows", "rows", body, macs);
}
