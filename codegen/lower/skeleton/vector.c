/* The vector skeleton: lanes run along an output axis that is contiguous in memory; in a reduction also
 * along one that is contiguous where it reads, and is stored element by element.
 *
 *     parallel (other axes, blocks of the vector axis)
 *         acc[x][lane] = init
 *         for (reduction axes)  acc[x][lane] = acc (+) body       x: a few points, unrolled
 *         out[x][lane] = value
 *
 * Constant weights whose lanes lie apart (depthwise convolution) are packed lane by lane.
 *
 * Serves elementwise stages (no reduction), depthwise convolution and pooling (channels innermost),
 * and reductions over outer dimensions. A rest that does not fill a vector is covered by narrower
 * vectors of half, quarter, ... width, so every point is computed exactly once. */
#include "codegen/lower/contraction.h"
#include "codegen/lower/pack.h"

enum { POINTS = 8, UNROLL_LIMIT = 128 };

/* How well would lanes along `axis` read memory? Constants do not count: they can be packed. */
typedef struct Contiguity {
    Lowering *l;
    Ex        axis;
    int       contiguous, strided;
} Contiguity;

static void look_at_load(void *arg, Ex load)
{
    Contiguity *c = arg;
    if (!ex_uses(load, c->axis) || load->buf->space == SPACE_CONST)
        return;
    Ex coef = ex_affine(c->l->pool, load->arg[0], c->axis, NULL);
    if (coef && ex_is(coef, 1))
        c->contiguous++;
    else
        c->strided++;
}

static bool store_is_contiguous(Lowering *l, const Stage *s, Ex axis)
{
    for (size_t i = 0; i < s->stores.len; i++) {
        Ex coef = ex_affine(l->pool, s->stores.at[i].index[0], axis, NULL);
        if (!coef || !ex_is(coef, 1))
            return false;
    }
    return true;
}

static Contiguity contiguity(Lowering *l, const Stage *s, Ex axis)
{
    Contiguity c = {.l = l, .axis = axis};
    stage_each_load(l->pool, s, look_at_load, &c);
    return c;
}

/* The axis along which a reduction reads contiguous memory alone; the few stores after many loads may
 * be scattered. */
static int reading_axis(Lowering *l, const Stage *s)
{
    enum { READS_PER_STORE = 8 };
    ExPool *p = l->pool;
    int64_t reads;
    Ex all = ex_int(p, 1);
    for (int i = 0; i < s->nred; i++)
        all = ex_mul(p, all, ex_var_extent(p, s->red[i]));
    if (!s->nacc || !ex_is_int(all, &reads) || reads < READS_PER_STORE)
        return -1;
    for (int i = 0; i < s->naxis; i++) {
        Contiguity c = contiguity(l, s, s->axis[i]);
        bool affine = true;
        for (size_t k = 0; k < s->stores.len; k++)
            affine &= ex_affine(p, s->stores.at[k].index[0], s->axis[i], NULL) != NULL;
        if (affine && c.contiguous && !c.strided && extent_of(p, s->axis[i]) >= l->lanes / 2)
            return i;
    }
    return -1;
}

/* A map that turns memory around: lanes along an axis that it reads in steps of one or two, while it
 * stores lane by lane; the axis that it stores contiguously, a short one, is unrolled in *points so that
 * each line of memory is completed at once. */
static int turning_axis(Lowering *l, const Stage *s, int *points)
{
    ExPool *p = l->pool;
    Ex coef;
    *points = -1;
    if (s->nacc || s->stores.len != 1)
        return -1;
    for (int i = 0; i < s->naxis; i++) {
        coef = ex_affine(p, s->stores.at[0].index[0], s->axis[i], NULL);
        int64_t n = extent_of(p, s->axis[i]);
        if (coef && ex_is(coef, 1) && n > 1 && n <= POINTS)
            *points = i;
    }
    for (int i = 0; i < s->naxis && *points >= 0; i++) {
        Ex load = s->stores.at[0].value;
        coef = load->op == EX_LOAD ? ex_affine(p, load->arg[0], s->axis[i], NULL) : NULL;
        if (i != *points && coef && (ex_is(coef, 1) || ex_is(coef, 2)) && extent_of(p, s->axis[i]) >= 2 * l->lanes &&
            ex_affine(p, s->stores.at[0].index[0], s->axis[i], NULL))
            return i;
    }
    return -1;
}

/* Position of the axis to run vectors along, or -1. */
static int vector_axis(Lowering *l, const Stage *s)
{
    for (int i = 0; i < s->naxis; i++) {
        int64_t n = extent_of(l->pool, s->axis[i]);
        if ((n >= 0 && n < 4) || !store_is_contiguous(l, s, s->axis[i]))
            continue;
        Contiguity c = contiguity(l, s, s->axis[i]);
        if (c.strided <= c.contiguous || !s->nred)
            return i;
        break;
    }
    return reading_axis(l, s);
}

/* One kernel: the vector axis covers [start, start + blocks * width). */
typedef struct Range {
    Ex  start, blocks;
    int width;
    int axis;   /* position of the vector axis */
    int points; /* position of the axis of which several points are unrolled, or -1 */
    int npoints;
} Range;

static LoopKind red_kind(Lowering *l, const Stage *s, int i, int unrolled)
{
    int64_t n = 1;
    for (int k = i; k < s->nred; k++) {
        int64_t e = extent_of(l->pool, s->red[k]);
        if (e < 0 || e > 16)
            return LOOP_SERIAL;
        n *= e;
    }
    return n * unrolled <= UNROLL_LIMIT && n <= 16 ? LOOP_UNROLLED : LOOP_SERIAL;
}

static Stmt *emit_points(Lowering *l, const Range *r, Ex point, Ex lane, Stmt *body)
{
    if (r->width > 1)
        body = stmt_loop(l->arena, lane, LOOP_VECTOR, body);
    return point ? stmt_loop(l->arena, point, LOOP_UNROLLED, body) : body;
}

/* All accumulators at once: a general combination reads every one of them, so its results wait in
 * registers of their own until all are computed. */
static Stmt *reduce_update(Lowering *l, const Stage *s, Buf *const *reg, Ex slot, const Ex *acc)
{
    Stmt *step = NULL, *settle = NULL;
    bool wait = s->nacc > 1 && s->op[0] == REDUCE_GENERAL;
    for (int i = 0; i < s->nacc; i++) {
        int64_t count = reg[i]->size->i;
        Buf *to = wait ? lower_reg(l, reg[i]->elem, count) : reg[i];
        step = stmt_seq(step, stmt_store(l->arena, to, slot, reduce_step(l, s, i, acc, s->body), NULL));
        if (wait)
            settle = stmt_seq(settle, stmt_store(l->arena, reg[i], slot, reg_load(l->pool, to, slot), NULL));
    }
    return stmt_seq(step, settle);
}

static Stmt *range_body(Lowering *l, const Stage *s, const Range *r, Nest *inner, Ex point, Ex lane)
{
    ExPool *p = l->pool;
    Ex acc[MAX_ACC], slot = lane;
    Buf *reg[MAX_ACC];
    Stmt *init = NULL, *step = NULL, *stores = NULL;
    if (point)
        slot = ex_add(p, ex_mul(p, point, ex_int(p, r->width)), lane);
    for (int i = 0; i < s->nacc; i++) {
        reg[i] = lower_reg(l, (Elem)s->init[i]->elem, (int64_t)r->width * r->npoints);
        acc[i] = reg_load(p, reg[i], slot);
        init = stmt_seq(init, stmt_store(l->arena, reg[i], slot, s->init[i], NULL));
    }
    step = reduce_update(l, s, reg, slot, acc);
    for (size_t i = 0; i < s->stores.len; i++) {
        const StageStore *o = &s->stores.at[i];
        stores = stmt_seq(stores, stmt_store(l->arena, o->buf, o->index[0], with_acc(l, o->value, s->nacc, acc), NULL));
    }
    Stmt *all = NULL;
    if (s->nacc)
        all = stmt_seq(emit_points(l, r, point, lane, init),
                       nest_close(inner, emit_points(l, r, point, lane, step)));
    return stmt_seq(all, emit_points(l, r, point, lane, stores));
}

static Status emit_range(Lowering *l, const Stage *stage, const Range *r)
{
    ExPool *p = l->pool;
    Nest outer = {.l = l}, inner = {.l = l};
    AxisMap map = {0};
    Ex point = NULL, zero = ex_int(p, 0);
    Ex lane = r->width > 1 ? ex_var(p, ex_int(p, r->width)) : zero;
    for (int i = 0; i < stage->naxis; i++) {
        Ex axis = stage->axis[i];
        if (i == r->axis)
            continue;
        if (i != r->points) {
            axis_set(&map, axis, nest_loop(&outer, LOOP_PARALLEL, ex_var_extent(p, axis)));
            continue;
        }
        Ex blocks = ex_int(p, extent_of(p, axis) / r->npoints);
        Ex block = nest_loop(&outer, LOOP_PARALLEL, blocks);
        point = ex_var(p, ex_int(p, r->npoints));
        axis_set(&map, axis, ex_add(p, ex_mul(p, block, ex_int(p, r->npoints)), point));
    }
    Ex block = nest_loop(&outer, LOOP_PARALLEL, r->blocks);
    Ex at = ex_add(p, ex_add(p, r->start, ex_mul(p, block, ex_int(p, r->width))), lane);
    axis_set(&map, stage->axis[r->axis], at);
    for (int i = 0; i < stage->nred; i++)
        axis_set(&map, stage->red[i], nest_loop(&inner, red_kind(l, stage, i, r->npoints), ex_var_extent(p, stage->red[i])));
    Stage *s = stage_copy(l->arena, stage);
    stage_subst(p, s, map.n, map.from, map.to);
    Stmt *body = nest_close(&outer, range_body(l, s, r, &inner, point, lane));
    Ex points = ex_mul(p, ex_mul(p, r->blocks, ex_int(p, r->width)), ex_int(p, 1));
    for (int i = 0; i < stage->naxis; i++)
        if (i != r->axis)
            points = ex_mul(p, points, ex_var_extent(p, stage->axis[i]));
    for (int i = 0; i < stage->nred; i++)
        points = ex_mul(p, points, ex_var_extent(p, stage->red[i]));
    bool macs = stage->nacc && stage->body[0]->op == EX_MUL;
    return lower_emit(l, stage, "vector", stage->nacc ? "reduce" : "map", body, macs ? points : NULL);
}

/* An axis of which a few points fit in registers, so that several sums run at once. */
static void choose_points(Lowering *l, const Stage *s, Range *r)
{
    if (!s->nacc)
        return;
    for (int i = s->naxis - 1; i >= 0; i--) {
        int64_t n = extent_of(l->pool, s->axis[i]);
        if (i == r->axis || n < 2)
            continue;
        for (int d = POINTS / s->nacc; d > 1; d--)
            if (n % d == 0) {
                r->points = i;
                r->npoints = d;
                return;
            }
    }
}

/* Weights of a sum of products, read at every reduction point but not lane by lane, are packed so that
 * they are. */
static Status pack_lanes(Lowering *l, Stage *s, Ex axis)
{
    ExPool *p = l->pool;
    int64_t n = extent_of(p, axis);
    if (s->nacc != 1 || s->op[0] != REDUCE_SUM || s->body[0]->op != EX_MUL || n < 0 ||
        s->body[0]->elem != ELEM_F32 || s->naxis + s->nred + 2 > MAX_RANK)
        return MLC_OK;
    for (int side = 0; side < 2; side++) {
        Ex w = s->body[0]->arg[side], load = stored_constant(w);
        if (load->op != EX_LOAD || load->buf->space != SPACE_CONST || !ex_uses(load, axis))
            continue;
        Ex coef = ex_affine(p, load->arg[0], axis, NULL);
        bool apart = !coef || !ex_is(coef, 1);
        for (int i = 0; i < s->nred; i++)
            apart &= ex_uses(load, s->red[i]);
        if (!apart)
            continue;
        PackSpec spec = {.operand = w, .n_axis = axis, .panels = 1, .width = n, .limit = n};
        Ex packed;
        TRY(pack_operand(l, s, &spec, &packed));
        Ex from[] = {spec.panel_var, spec.column_var}, to[] = {ex_int(p, 0), axis};
        packed = ex_subst(p, packed, 2, from, to);
        s->body[0] = ex_mul(p, side ? s->body[0]->arg[0] : packed, side ? packed : s->body[0]->arg[1]);
    }
    return MLC_OK;
}

Status skeleton_vector(Lowering *l, Stage *s)
{
    ExPool *p = l->pool;
    if ((s->kind != STAGE_MAP && s->kind != STAGE_REDUCE) || s->checks.len)
        return MLC_NO;
    fuse_axes(l, s, s->axis, &s->naxis);
    Range r = {.axis = vector_axis(l, s), .start = ex_int(p, 0), .points = -1, .npoints = 1};
    if (r.axis < 0) {
        r.axis = turning_axis(l, s, &r.points);
        r.npoints = r.points < 0 ? 1 : (int)extent_of(p, s->axis[r.points]);
    }
    if (r.axis < 0)
        return MLC_NO;
    TRY(pack_lanes(l, s, s->axis[r.axis]));
    choose_points(l, s, &r);
    Ex extent = ex_var_extent(p, s->axis[r.axis]);
    int64_t n = extent_of(p, s->axis[r.axis]);
    r.width = n < 0 || s->nacc || n < 4 * l->lanes ? l->lanes : 2 * l->lanes;
    if (n < 0) { /* run-time length: whole vectors, then single elements */
        Ex width = ex_int(p, r.width);
        r.blocks = ex_floor_div(p, extent, width);
        TRY(emit_range(l, s, &r));
        r.start = ex_mul(p, r.blocks, width);
        r.blocks = ex_floor_mod(p, extent, width);
        r.width = 1;
        return emit_range(l, s, &r);
    }
    for (int64_t start = 0; start < n; r.width /= 2) {
        int64_t blocks = (n - start) / r.width;
        if (!blocks)
            continue;
        r.start = ex_int(p, start);
        r.blocks = ex_int(p, blocks);
        TRY(emit_range(l, s, &r));
        start += blocks * r.width;
    }
    return MLC_OK;
}
