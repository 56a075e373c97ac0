/* Fuse: stages are substituted into each other until only what must touch memory remains.
 *
 * Two moves, both for a stage P whose result T has to exist only for others:
 *   inline   every load of T in a consumer becomes P's expression. Always for pure index maps
 *            (transpose, slice, pad, cast, broadcast) as long as no division by an extent remains;
 *            for arithmetic only where no element is computed twice, and never into an operand of
 *            a contraction; nor a conversion to float there, unless of constants.
 *   attach   the one consumer C of T is a map that reads T once, at an index that can be solved for
 *            C's axes: C's expression becomes P's epilogue, C's store becomes P's store. So bias,
 *            activation, residual, a slice of a concat and a split of heads happen in registers.
 * Nothing here asks which operator a stage came from. */
#include "codegen/lower/lowering.h"

enum { LARGEST_EXPR = 160 }; /* nodes; beyond it, fusing costs more than it saves */

typedef struct Fusion {
    Lowering *l;
    VEC(int) *consumers; /* by buffer id: positions of stages that load it, may hold stale ones */
    bool     *dead;      /* by position */
    int      *segment;   /* by position: control stages that change what may be read part them */
} Fusion;

typedef struct Register {
    Fusion *f;
    int     at;
} Register;

static void register_load(void *arg, Ex load)
{
    Register *r = arg;
    int id = load->buf->id;
    size_t n = r->f->consumers[id].len;
    for (size_t i = 0; i < n; i++)
        if (r->f->consumers[id].at[i] == r->at)
            return;
    vec_push(r->f->l->arena, &r->f->consumers[id], r->at);
}

static void register_loads(Fusion *f, int at)
{
    stage_each_load(f->l->pool, f->l->stages.at[at], register_load, &(Register){f, at});
}

/* Live consumers of b: their number; the first in *only. */
static int live_consumers(Fusion *f, const Buf *b, int *only)
{
    int n = 0;
    for (size_t i = 0; i < f->consumers[b->id].len; i++) {
        int at = f->consumers[b->id].at[i];
        if (f->dead[at] || !stage_loads_of(f->l->pool, f->l->stages.at[at], b, NULL))
            continue;
        if (n++ == 0)
            *only = at;
    }
    return n;
}

/* ---- questions about expressions ---- */

static bool is_index_map(Ex e)
{
    switch (e->op) {
    case EX_LOAD:
    case EX_CONST:
        return true;
    case EX_CAST:
        return is_index_map(e->arg[0]);
    case EX_GUARD:
        return is_index_map(e->arg[1]) && e->arg[2]->op == EX_CONST;
    default:
        return false;
    }
}

typedef struct HardIndex {
    ExPool *pool;
    int     n;
} HardIndex;

static bool has_division(Ex e)
{
    return ex_uses_op(e, EX_FLOOR_DIV) || ex_uses_op(e, EX_FLOOR_MOD) || ex_uses_op(e, EX_SELECT) ||
           ex_uses_op(e, EX_LOAD);
}

static void count_hard(void *arg, Ex load)
{
    HardIndex *h = arg;
    for (int i = 0; i < load->narg; i++)
        h->n += has_division(load->arg[i]);
}

/* Loads of the stage whose index needs division, selection or another load. */
static int hard_indices(ExPool *p, const Stage *s)
{
    HardIndex h = {.pool = p};
    stage_each_load(p, s, count_hard, &h);
    return h.n;
}

static bool is_contraction(const Stage *s)
{
    return s->kind == STAGE_REDUCE && s->nacc == 1 && s->op[0] == REDUCE_SUM &&
           s->body[0]->op == EX_MUL;
}

/* Does it convert what is not constant? Operands of a contraction are read many times: a copy in
 * the right type is made once. */
static bool converts_data(Ex e)
{
    if (e->op == EX_GUARD)
        e = e->arg[1];
    return e->op == EX_CAST && stored_constant(e) == e;
}

typedef struct Padding {
    ExPool      *pool;
    const Stage *producer; /* an index map */
    bool         kept;
} Padding;

/* A load of T that may leave it along dimension d: does that stay the edge of the buffer it is read
 * from? */
static void look_at_padding(void *arg, Ex load)
{
    Padding *w = arg;
    const StageStore *o = &w->producer->stores.at[0];
    Ex source = o->value;
    while (source->op == EX_CAST || source->op == EX_GUARD)
        source = source->arg[source->op == EX_GUARD];
    for (int d = 0; load->buf == o->buf && source->op == EX_LOAD && d < load->narg; d++) {
        Ex at = load->arg[d], dim = o->buf->dim[d];
        bool edge = ex_nonneg(w->pool, at) && ex_proved_lt(w->pool, at, dim);
        for (int k = 0; k < source->narg && !edge; k++)
            edge = source->arg[k] == w->producer->axis[d] && source->buf->dim[k] == dim;
        w->kept &= edge;
    }
}

/* Padding costs nothing as a margin of zeros around a buffer (layout.c). The middle of a larger buffer
 * has none: a slice that is padded is copied. */
static bool keeps_padding(const Lowering *l, const Stage *producer, const Stage *c)
{
    Padding w = {l->pool, producer, true};
    if (l->lanes > 1 && is_contraction(c))
        stage_each_load(l->pool, c, look_at_padding, &w);
    return w.kept;
}

/* ---- inline ---- */

typedef struct Inline {
    const Stage *producer;
    const Buf   *buf;
} Inline;

static Ex inline_load(void *arg, ExPool *p, Ex built, Ex original)
{
    const Inline *in = arg;
    if (original->op != EX_LOAD || original->buf != in->buf)
        return NULL;
    return ex_subst(p, in->producer->stores.at[0].value, in->producer->naxis, in->producer->axis,
                    built->arg);
}

static bool largest_fits(ExPool *p, const Stage *s)
{
    for (int i = 0; i < s->nacc; i++)
        if (ex_size(p, s->body[i]) > LARGEST_EXPR)
            return false;
    for (size_t i = 0; i < s->stores.len; i++)
        if (ex_size(p, s->stores.at[i].value) > LARGEST_EXPR)
            return false;
    return true;
}

/* Would every element of T be computed at most once in C? */
static bool computes_once(Fusion *f, const Stage *c, const Buf *t)
{
    ExPool *p = f->l->pool;
    Ex load, size = ex_int(p, 1);
    if (stage_loads_of(p, c, t, &load) != 1)
        return false;
    for (int i = 0; i < t->rank; i++)
        size = ex_mul(p, size, t->dim[i]);
    return ex_proved_le(p, stage_points(p, c, true), size);
}

static bool try_inline(Fusion *f, int from, int into)
{
    Lowering *l = f->l;
    Stage *producer = l->stages.at[from], *c = l->stages.at[into];
    const Buf *t = producer->stores.at[0].buf;
    Ex value = producer->stores.at[0].value;
    bool pure = is_index_map(value) &&
                !(is_contraction(c) && elem_is_float((Elem)value->elem) && converts_data(value)) &&
                keeps_padding(l, producer, c);
    int consumer;
    if (c->kind == STAGE_SCAN || c->kind == STAGE_SCATTER)
        return false;
    if (!pure && (is_contraction(c) || live_consumers(f, t, &consumer) != 1 ||
                  !computes_once(f, c, t)))
        return false;
    Stage *trial = stage_copy(l->arena, c);
    stage_rewrite(l->pool, trial, inline_load, &(Inline){producer, t});
    if (!largest_fits(l->pool, trial) || hard_indices(l->pool, trial) > hard_indices(l->pool, c))
        return false;
    for (size_t i = 0; i < producer->origin.len; i++)
        vec_push(l->arena, &trial->origin, producer->origin.at[i]);
    l->stages.at[into] = trial;
    register_loads(f, into);
    return true;
}

/* A stage that only computes one whole temporary, point by point. */
static bool is_plain_map(const Stage *s)
{
    return s->kind == STAGE_MAP && s->stores.len == 1 && s->checks.len == 0 &&
           index_is_axes(s, s->stores.at[0].buf->rank, s->stores.at[0].index);
}

static void inline_everywhere(Fusion *f, int at)
{
    Stage *s = f->l->stages.at[at];
    if (!is_plain_map(s))
        return;
    Buf *t = s->stores.at[0].buf;
    if (t->space != SPACE_TEMP || buf_info(t)->stores != 1 || buf_info(t)->pinned)
        return;
    bool all = true;
    for (size_t i = 0; i < f->consumers[t->id].len; i++) {
        int into = f->consumers[t->id].at[i];
        if (!f->dead[into] && stage_loads_of(f->l->pool, f->l->stages.at[into], t, NULL))
            all = f->segment[at] == f->segment[into] && try_inline(f, at, into) && all;
    }
    f->dead[at] = all;
}

/* ---- attach ---- */

/* Solves index(C's axes) == the place in T that P stores: solution[i] is what C's axis i is in terms
 * of P's axes. Consecutive dimensions of T that split one C axis are joined in row-major order, then
 * verified. P has as many points as T has elements, so it stores each once. */
static bool solve_axes(ExPool *p, const Stage *producer, const Stage *c, Ex load, Ex *solution)
{
    const StageStore *o = &producer->stores.at[0];
    Ex points = stage_points(p, producer, false), size = ex_int(p, 1);
    for (int k = 0; k < load->narg; k++)
        size = ex_mul(p, size, o->buf->dim[k]);
    for (int i = 0; i < c->naxis; i++) {
        Ex joined = ex_int(p, 0);
        for (int k = 0; k < load->narg; k++)
            if (ex_uses(load->arg[k], c->axis[i]))
                joined = ex_add(p, ex_mul(p, joined, o->buf->dim[k]), o->index[k]);
        solution[i] = joined;
    }
    for (int k = 0; k < load->narg; k++)
        if (!ex_is(o->buf->dim[k], 1) &&
            ex_subst(p, load->arg[k], c->naxis, c->axis, solution) != o->index[k])
            return false;
    return points == size && stage_points(p, c, false) == points;
}

typedef struct Attach {
    const Buf *t;
    Ex         value;
} Attach;

static Ex attach_load(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)p;
    (void)built;
    const Attach *a = arg;
    return original->op == EX_LOAD && original->buf == a->t ? a->value : NULL;
}

static bool try_attach(Fusion *f, int from)
{
    Lowering *l = f->l;
    ExPool *p = l->pool;
    Stage *s = l->stages.at[from];
    int into;
    Ex load, solution[MAX_AXES];
    if ((s->kind != STAGE_REDUCE && s->kind != STAGE_MAP) || s->stores.len != 1 ||
        s->checks.len != 0)
        return false;
    Buf *t = s->stores.at[0].buf;
    if (t->space != SPACE_TEMP || buf_info(t)->stores != 1 || buf_info(t)->pinned ||
        live_consumers(f, t, &into) != 1 || f->segment[from] != f->segment[into])
        return false;
    Stage *c = l->stages.at[into];
    if (c->kind != STAGE_MAP || c->stores.len != 1 || c->checks.len != 0 ||
        stage_loads_of(p, c, t, &load) != 1 || !solve_axes(p, s, c, load, solution))
        return false;
    Stage *joined = stage_copy(l->arena, s);
    StageStore *out = &joined->stores.at[0];
    const StageStore *of = &c->stores.at[0];
    out->buf = of->buf;
    for (int k = 0; k < of->buf->rank; k++)
        out->index[k] = ex_subst(p, of->index[k], c->naxis, c->axis, solution);
    Ex value = ex_subst(p, of->value, c->naxis, c->axis, solution);
    out->value = ex_rewrite(p, value, attach_load, &(Attach){t, s->stores.at[0].value});
    if (ex_size(p, out->value) > LARGEST_EXPR || hard_indices(p, joined) > hard_indices(p, s) + hard_indices(p, c))
        return false;
    for (size_t i = 0; i < c->origin.len; i++)
        vec_push(l->arena, &joined->origin, c->origin.at[i]);
    l->stages.at[into] = joined;
    f->dead[from] = true;
    register_loads(f, into);
    return true;
}

static void remove_dead(Fusion *f)
{
    StageList *s = &f->l->stages;
    size_t n = 0;
    for (size_t i = 0; i < s->len; i++)
        if (!f->dead[i])
            s->at[n++] = s->at[i];
    s->len = n;
}

/* Nothing moves across a stage that chooses, repeats, or changes memory or a symbol for good. */
static void find_segments(Fusion *f)
{
    const StageList *s = &f->l->stages;
    int segment = 0;
    f->segment = NEW_ARRAY(f->l->arena, int, s->len + 1);
    for (size_t i = 0; i < s->len; i++) {
        const Stage *st = s->at[i];
        bool parts = stage_is_control(st) && (st->kind != STAGE_SET || st->again);
        f->segment[i] = parts ? ++segment : segment;
        segment += parts;
    }
}

/* What is read in another segment than it is written in keeps the plain order: a margin of zeros, for
 * one, is made where the buffer is first written. */
static void pin_across(Fusion *f)
{
    Lowering *l = f->l;
    int *home = NEW_ARRAY(l->arena, int, l->bufs.len + 1);
    for (size_t i = 0; i < l->stages.len; i++)
        for (size_t k = 0; k < l->stages.at[i]->stores.len; k++)
            home[l->stages.at[i]->stores.at[k].buf->id] = f->segment[i] + 1;
    for (size_t b = 0; b < l->bufs.len; b++)
        for (size_t i = 0; home[b] && i < f->consumers[b].len; i++)
            if (f->segment[f->consumers[b].at[i]] + 1 != home[b])
                buf_info(l->bufs.at[b])->row_major = true;
}

void lower_fuse(Lowering *l)
{
    size_t nstages = l->stages.len;
    Fusion f = {.l = l};
    f.dead = NEW_ARRAY(l->arena, bool, nstages + 1);
    f.consumers = arena_array(l->arena, l->bufs.len + 1, sizeof *f.consumers, 8);
    for (size_t i = 0; i < nstages; i++) {
        register_loads(&f, (int)i);
        for (size_t k = 0; k < l->stages.at[i]->stores.len; k++)
            buf_info(l->stages.at[i]->stores.at[k].buf)->stores++;
    }
    find_segments(&f);
    pin_across(&f);
    if (l->options->level == 0)
        return;
    for (size_t i = 0; i < nstages; i++)
        inline_everywhere(&f, (int)i);
    for (size_t i = 0; i < nstages; i++)
        if (!f.dead[i])
            try_attach(&f, (int)i);
    remove_dead(&f);
}
