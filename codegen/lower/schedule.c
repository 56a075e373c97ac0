/* Schedule: each stage becomes kernels by the first skeleton that fits. */
#include "codegen/lower/schedule.h"

static Buf *memory_of(Buf *b)
{
    while (b->user && buf_info(b)->alias)
        b = buf_info(b)->alias;
    return b;
}

/* ---- flat accesses ---- */

static Ex flatten_load(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)arg;
    (void)original;
    if (built->op != EX_LOAD)
        return NULL;
    Buf *b = (Buf *)built->buf;
    Ex at = buf_flat(p, b, built->arg);
    return ex_load(p, memory_of(b), b->elem, 1, &at);
}

static void flatten(Lowering *l, Stage *s)
{
    stage_rewrite(l->pool, s, flatten_load, NULL);
    for (size_t i = 0; i < s->stores.len; i++) {
        StageStore *o = &s->stores.at[i];
        o->index[0] = buf_flat(l->pool, o->buf, o->index);
        Buf *flat = NEW(l->arena, Buf); /* same memory seen as one dimension */
        *flat = *memory_of(o->buf);
        flat->rank = 1;
        flat->stride[0] = ex_int(l->pool, 1);
        flat->offset = ex_int(l->pool, 0);
        flat->user = buf_info(memory_of(o->buf));
        o->buf = flat;
    }
}

/* ---- axes ---- */

typedef struct SplitScan {
    Lowering *l;
    Ex        axis;
    int64_t   by; /* a constant by which the axis is divided somewhere; 0: none */
} SplitScan;

static Ex find_divisor(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)built;
    (void)p;
    SplitScan *s = arg;
    int64_t d;
    if ((original->op == EX_FLOOR_DIV || original->op == EX_FLOOR_MOD) && original->arg[0] == s->axis &&
        ex_is_int(original->arg[1], &d) && d > 1 && extent_of(p, s->axis) % d == 0)
        s->by = d;
    return original;
}

/* axis = outer * by + inner, so that axis / by and axis % by are plain variables. */
static bool split_axis(Lowering *l, Stage *s, Ex *list, int *n, int k)
{
    SplitScan scan = {.l = l, .axis = list[k]};
    if (extent_of(l->pool, list[k]) <= 0 || *n + 1 >= MAX_AXES)
        return false;
    for (int i = 0; i < s->nacc; i++)
        ex_rewrite(l->pool, s->body[i], find_divisor, &scan);
    for (size_t i = 0; i < s->stores.len; i++) {
        ex_rewrite(l->pool, s->stores.at[i].value, find_divisor, &scan);
        ex_rewrite(l->pool, s->stores.at[i].index[0], find_divisor, &scan);
    }
    if (!scan.by)
        return false;
    Ex axis = list[k];
    Ex outer = ex_var(l->pool, ex_int(l->pool, extent_of(l->pool, axis) / scan.by));
    Ex inner = ex_var(l->pool, ex_int(l->pool, scan.by));
    memmove(list + k + 1, list + k, (size_t)(*n - k) * sizeof *list);
    (*n)++;
    list[k] = outer;
    list[k + 1] = inner;
    Ex joined = ex_add(l->pool, ex_mul(l->pool, outer, ex_int(l->pool, scan.by)), inner);
    stage_subst(l->pool, s, 1, &axis, &joined);
    return true;
}

/* Axes of extent 1 become 0. */
static void drop_unit_axes(Lowering *l, Stage *s, Ex *list, int *n)
{
    Ex zero = ex_int(l->pool, 0);
    int m = 0;
    for (int i = 0; i < *n; i++) {
        if (extent_of(l->pool, list[i]) == 1)
            stage_subst(l->pool, s, 1, &list[i], &zero);
        else
            list[m++] = list[i];
    }
    *n = m;
}

static void normalize(Lowering *l, Stage *s)
{
    drop_unit_axes(l, s, s->axis, &s->naxis);
    drop_unit_axes(l, s, s->red, &s->nred);
    for (int i = 0; i < s->naxis; i++)
        while (split_axis(l, s, s->axis, &s->naxis, i))
            ;
    for (int i = 0; i < s->nred; i++)
        while (split_axis(l, s, s->red, &s->nred, i))
            ;
}

static bool has_seam(Ex e)
{
    return ex_uses_op(e, EX_FLOOR_DIV) || ex_uses_op(e, EX_FLOOR_MOD);
}

static int seams(const Stage *s)
{
    int n = 0;
    for (int i = 0; i < s->nacc; i++)
        n += has_seam(s->body[i]);
    for (size_t i = 0; i < s->stores.len; i++)
        n += has_seam(s->stores.at[i].value) + has_seam(s->stores.at[i].index[0]);
    return n;
}

void fuse_axes(Lowering *l, Stage *s, Ex *axes, int *n)
{
    if (seams(s))
        return;
    for (int i = 0; i + 1 < *n; i++) {
        for (int j = 0; j < *n; j++) {
            if (j == i)
                continue;
            Ex inner = ex_var_extent(l->pool, axes[j]);
            Ex both = ex_var(l->pool, ex_mul(l->pool, ex_var_extent(l->pool, axes[i]), inner));
            Ex from[2] = {axes[i], axes[j]};
            Ex to[2] = {ex_floor_div(l->pool, both, inner), ex_floor_mod(l->pool, both, inner)};
            Stage *trial = stage_copy(l->arena, s);
            stage_subst(l->pool, trial, 2, from, to);
            if (seams(trial))
                continue;
            *s = *trial;
            axes[MIN(i, j)] = both;
            memmove(axes + MAX(i, j), axes + MAX(i, j) + 1, (size_t)(*n - MAX(i, j) - 1) * sizeof *axes);
            (*n)--;
            i = -1; /* start over with the shorter list */
            break;
        }
    }
}

/* ---- nests ---- */

Ex nest_loop(Nest *n, LoopKind kind, Ex extent)
{
    if (ex_is(extent, 1) && kind != LOOP_VECTOR)
        return ex_int(n->l->pool, 0);
    assert(n->n < MAX_AXES * 2);
    n->kind[n->n] = kind;
    n->var[n->n] = ex_var(n->l->pool, extent);
    return n->var[n->n++];
}

Stmt *nest_close(Nest *n, Stmt *body)
{
    for (int i = n->n - 1; i >= 0; i--)
        body = stmt_loop(n->l->arena, n->var[i], n->kind[i], body);
    n->n = 0;
    return body;
}

void axis_set(AxisMap *m, Ex axis, Ex value)
{
    m->from[m->n] = axis;
    m->to[m->n++] = value;
}

Ex axis_apply(Lowering *l, const AxisMap *m, Ex e)
{
    return ex_subst(l->pool, e, m->n, m->from, m->to);
}

Buf *lower_reg(Lowering *l, Elem e, int64_t count)
{
    Ex dim = ex_int(l->pool, count);
    return buf_new(l->arena, l->pool, -1, "r", e, SPACE_REG, 1, &dim);
}

Ex reg_load(ExPool *p, const Buf *reg, Ex index) { return ex_load(p, reg, reg->elem, 1, &index); }

Ex with_acc(Lowering *l, Ex e, int nacc, const Ex *acc)
{
    Ex from[MAX_ACC];
    for (int i = 0; i < nacc; i++)
        from[i] = ex_acc(l->pool, (Elem)acc[i]->elem, i);
    return ex_subst(l->pool, e, nacc, from, acc);
}

Ex reduce_step(Lowering *l, const Stage *s, int i, const Ex *prior, const Ex *body)
{
    ExPool *p = l->pool;
    if (s->op[i] == REDUCE_GENERAL) {
        Ex from[MAX_ACC];
        for (int k = 0; k < s->nacc; k++)
            from[k] = ex_rhs(p, (Elem)body[k]->elem, k);
        return ex_subst(p, with_acc(l, s->combine[i], s->nacc, prior), s->nacc, from, body);
    }
    Ex b = body[i];
    if (s->op[i] == REDUCE_SUM && b->op == EX_MUL && elem_is_float((Elem)b->elem) && l->target->has_fma)
        return ex_fma(p, b->arg[0], b->arg[1], prior[i]);
    return reduce_combine(p, s->op[i], prior[i], b);
}

/* ---- the driver ---- */

Status lower_stage(Lowering *l, Stage *s)
{
    static const Skeleton skeletons[] = {skeleton_winograd, skeleton_gemm, skeleton_reduce_rows, skeleton_vector};
    if (l->lanes > 1 && l->options->level > 0)
        for (size_t i = 0; i < COUNT_OF(skeletons); i++) {
            Status st = skeletons[i](l, stage_copy(l->arena, s));
            if (st != MLC_NO)
                return st;
        }
    return skeleton_reference(l, s);
}

Status lower_schedule(Lowering *l)
{
    for (size_t i = 0; i < l->stages.len; i++) {
        if (stage_is_control(l->stages.at[i])) {
            lower_control(l, l->stages.at[i]);
            continue;
        }
        Stage *s = stage_copy(l->arena, l->stages.at[i]);
        flatten(l, s);
        if (s->kind == STAGE_MAP || s->kind == STAGE_REDUCE)
            normalize(l, s);
        TRY(lower_stage(l, s));
    }
    return MLC_OK;
}
