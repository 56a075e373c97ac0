/* Layout: who shares memory with whom, in which order of dimensions, with which zero margin.
 *
 *   alias   a copy whose source and destination run through memory in the same order (Reshape,
 *           Flatten) is no copy: both names mean one memory.
 *   order   buffers that are walked together form a class; every stage votes, weighted by its
 *           points, for dimension 1 (channels) to become the innermost where that axis is the one
 *           that vectors run along: output channels of a convolution, channels of a pooling.
 *   halo    a guarded read around the edge of an image (padding, otherwise 0) is unguarded when the
 *           buffer has a margin of zeros; inputs of the model get it by a copy. */
#include "codegen/lower/lowering.h"

enum { LARGEST_HALO = 32 };

/* ---- alias ---- */

static Buf *root_of(Buf *b)
{
    while (buf_info(b)->alias)
        b = buf_info(b)->alias;
    return b;
}

static bool try_alias(Lowering *l, const Stage *s)
{
    if (s->kind != STAGE_MAP || s->stores.len != 1 || s->checks.len)
        return false;
    const StageStore *o = &s->stores.at[0];
    if (o->value->op != EX_LOAD || !index_is_axes(s, o->buf->rank, o->index) ||
        buf_info(o->buf)->stores != 1)
        return false;
    Buf *out = o->buf, *src = (Buf *)o->value->buf;
    if (buf_flat(l->pool, src, o->value->arg) != buf_flat(l->pool, out, s->axis) ||
        src->size != out->size || src->elem != out->elem)
        return false;
    Buf *root = root_of(src);
    if (buf_info(out)->pinned || buf_info(root)->pinned)
        return false;
    if (out->space == SPACE_TEMP) {
        buf_info(out)->alias = root;
        buf_info(out)->row_major = true;
    } else if (out->space == SPACE_OUTPUT && root->space == SPACE_TEMP) {
        buf_info(root)->alias = out;
    } else {
        return false;
    }
    buf_info(root)->row_major = true;
    return true;
}

static void find_aliases(Lowering *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->stages.len; i++)
        if (!try_alias(l, l->stages.at[i]))
            l->stages.at[n++] = l->stages.at[i];
    l->stages.len = n;
}

/* ---- order ---- */

typedef struct Votes {
    Lowering *l;
    int      *parent; /* union-find over buffer ids */
    double   *score;  /* > 0: dimension 1 innermost */
    const Stage *stage;
    double    weight;
} Votes;

static int find(const Votes *v, int i)
{
    while (v->parent[i] != i)
        i = v->parent[i] = v->parent[v->parent[i]];
    return i;
}

static bool can_reorder(const Buf *b)
{
    return b->rank >= 3 && b->space == SPACE_TEMP && !buf_info(b)->row_major;
}

static double points(ExPool *p, const Stage *s)
{
    int64_t n;
    Ex e = stage_points(p, s, true);
    int64_t sym[64];
    if (ex_is_int(e, &n))
        return (double)n;
    for (int i = 0; i < 64; i++)
        sym[i] = i < ex_sym_count(p) ? ex_sym_typical(p, i) : 1;
    return ex_sym_count(p) <= 64 ? (double)ex_eval_size(e, sym) : 1;
}

static bool uses_reduction(const Stage *s, Ex e)
{
    for (int i = 0; i < s->nred; i++)
        if (ex_uses(e, s->red[i]))
            return true;
    return false;
}

/* Buffers read at the place that is written walk together. */
static void unite_load(void *arg, Ex load)
{
    Votes *v = arg;
    const StageStore *o = &v->stage->stores.at[0];
    if (load->narg != o->buf->rank || load->buf->rank < 3)
        return;
    for (int k = 1; k < load->narg; k++) {
        int64_t shift;
        if (!ex_is_int(ex_sub(v->l->pool, load->arg[k], o->index[k]), &shift))
            return;
    }
    v->parent[find(v, load->buf->id)] = find(v, o->buf->id);
}

/* A reduction's operand: windows or a reduced dimension 1 want channels innermost; a reduction
 * along the last dimension alone wants it to stay last. */
static void vote_load(void *arg, Ex load)
{
    Votes *v = arg;
    const Stage *s = v->stage;
    int r = load->buf->rank;
    if (r < 3 || load->buf->space == SPACE_CONST || !s->nred)
        return;
    bool inner = false, last = uses_reduction(s, load->arg[r - 1]);
    for (int k = 2; k < r; k++)
        inner = inner || uses_reduction(s, load->arg[k]);
    bool channel = uses_reduction(s, load->arg[1]);
    double w = 0;
    if (inner && !(r == 3 && s->naxis == 3 && !channel && load->arg[2]->op == EX_VAR))
        w = v->weight; /* windows, or a mean over the image */
    else if (channel)
        w = v->weight;
    if (r == 3 && last && load->arg[2]->op == EX_VAR)
        w = -v->weight; /* rows of a matrix */
    v->score[load->buf->id] += w;
}

/* The written side: is dimension 1 an axis that the first operand does not have (output channels),
 * or one that every operand has outside its windows (depthwise, pooling)? */
static void vote_store(Votes *v)
{
    const Stage *s = v->stage;
    const StageStore *o = &s->stores.at[0];
    if (o->buf->rank < 3 || s->kind != STAGE_REDUCE)
        return;
    Ex body = s->body[0];
    if (body->op != EX_MUL)
        return;
    Ex last = o->index[o->buf->rank - 1];
    for (int side = 0; side < 2; side++) {
        Ex weight = stored_constant(body->arg[side]);
        if (weight->op != EX_LOAD || weight->buf->space != SPACE_CONST)
            continue;
        bool channels = false, innermost = false;
        for (int i = 0; i < s->naxis; i++) {
            channels = channels || (ex_uses(weight, s->axis[i]) && ex_uses(o->index[1], s->axis[i]));
            innermost = innermost || (ex_uses(weight, s->axis[i]) && ex_uses(last, s->axis[i]));
        }
        v->score[o->buf->id] += channels ? v->weight : innermost ? -v->weight : 0;
    }
}

static void choose_orders(Lowering *l)
{
    size_t n = l->bufs.len;
    Votes v = {.l = l, .parent = NEW_ARRAY(l->arena, int, n + 1), .score = NEW_ARRAY(l->arena, double, n + 1)};
    for (size_t i = 0; i < n; i++)
        v.parent[i] = (int)i;
    for (size_t i = 0; i < l->stages.len; i++) {
        v.stage = l->stages.at[i];
        v.weight = points(l->pool, v.stage);
        if (v.stage->stores.len != 1)
            continue;
        for (size_t k = 0; k < v.stage->stores.len; k++)
            ex_each_load(l->pool, v.stage->stores.at[k].value, unite_load, &v);
        for (int k = 0; k < v.stage->nacc; k++)
            ex_each_load(l->pool, v.stage->body[k], unite_load, &v);
        stage_each_load(l->pool, v.stage, vote_load, &v);
        vote_store(&v);
    }
    for (size_t i = 0; i < n; i++)
        if (find(&v, (int)i) != (int)i)
            v.score[find(&v, (int)i)] += v.score[i];
    for (size_t i = 0; i < n; i++) {
        Buf *b = l->bufs.at[i];
        if (!can_reorder(b) || v.score[find(&v, (int)i)] <= 0)
            continue;
        Ex dim[MAX_RANK], stride[MAX_RANK];
        for (int k = 0; k < b->rank; k++)
            dim[k] = b->dim[k == 0 ? 0 : k == b->rank - 1 ? 1 : k + 1];
        buf_row_major(l->pool, b->rank, dim, stride);
        for (int k = 0; k < b->rank; k++)
            b->stride[k == 0 ? 0 : k == b->rank - 1 ? 1 : k + 1] = stride[k];
    }
}

/* ---- halo ---- */

typedef struct HaloWalk {
    Lowering *l;
    Stage    *stage;
    Buf      *copy_of; /* an input that needs a copy with a margin, or NULL */
} HaloWalk;

static bool is_zero(Ex e)
{
    double f;
    return ex_is(e, 0) || (ex_is_float(e, &f) && f == 0);
}

typedef struct Largest {
    ExPool *pool;
    Ex      index;
    bool    found; /* every variable of the index counts upward */
    Ex      division;
} Largest;

/* A variable becomes its last value. */
static Ex last_value(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)built;
    Largest *w = arg;
    int64_t coef;
    if (original->op != EX_VAR)
        return NULL;
    Ex c = ex_affine(p, w->index, original, NULL);
    w->found &= c && ex_is_int(c, &coef) && coef >= 0;
    return ex_sub(p, ex_var_extent(p, original), ex_int(p, 1));
}

static Ex find_division(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)p;
    (void)built;
    Largest *w = arg;
    if (original->op == EX_FLOOR_DIV && ex_is_int(original->arg[1], NULL))
        w->division = original;
    return original;
}

/* Is floor(x/d) the same as floor((dim + a)/s)? Also where dim = floor(y/t) + e and the two divisions
 * became one:  floor((floor(y/t) + b)/s) = floor((y + t*b)/(t*s)). */
static bool divides_dim(ExPool *p, Ex division, Ex dim, int64_t *a, int64_t *s)
{
    Largest w = {.pool = p};
    int64_t t, b, e;
    if (!ex_is_int(division->arg[1], s))
        return false;
    if (ex_is_int(ex_sub(p, division->arg[0], dim), a))
        return true;
    ex_rewrite(p, dim, find_division, &w);
    if (!w.division || !ex_is_int(w.division->arg[1], &t) || *s % t != 0 ||
        !ex_is_int(ex_sub(p, division->arg[0], w.division->arg[0]), &b) || b % t != 0 ||
        !ex_is_int(ex_sub(p, dim, w.division), &e))
        return false;
    *s /= t;
    *a = b / t - e;
    return true;
}

/* How far the largest value of an index is beyond the last of a dimension whose size the run knows. The
 * index of a window ends at  last = dim + c  or, with a stride s, at  last = s*floor((dim + a)/s) + c,
 * which is dim + a + c at most. */
static bool excess_of(ExPool *p, Ex index, Ex dim, int64_t *excess)
{
    Largest w = {.pool = p, .index = index, .found = true};
    Ex last = ex_rewrite(p, index, last_value, &w), rest;
    int64_t s, a, c;
    if (!w.found)
        return false;
    if (ex_is_int(ex_sub(p, last, dim), &c)) {
        *excess = c + 1;
        return true;
    }
    ex_rewrite(p, last, find_division, &w);
    if (!w.division || !divides_dim(p, w.division, dim, &a, &s))
        return false;
    Ex q = ex_var(p, dim), from = w.division;
    Ex coef = ex_affine(p, ex_subst(p, last, 1, &from, &q), q, &rest);
    if (!coef || !ex_is(coef, s) || !ex_is_int(rest, &c))
        return false;
    *excess = a + c + 1;
    return true;
}

/* The margin that a load's indices need in each dimension; false when it is not bounded. */
static bool margin_of(ExPool *p, Ex load, int64_t *margin)
{
    for (int k = 0; k < load->narg; k++) {
        int64_t lo, hi, dim;
        margin[k] = 0;
        if (ex_nonneg(p, load->arg[k]) && ex_proved_lt(p, load->arg[k], load->buf->dim[k]))
            continue;
        ex_range(p, load->arg[k], &lo, &hi);
        if (lo == INT64_MIN)
            return false;
        if (ex_is_int(load->buf->dim[k], &dim) && hi != INT64_MAX)
            hi -= dim - 1;
        else if (!excess_of(p, load->arg[k], load->buf->dim[k], &hi))
            return false;
        margin[k] = MAX(-lo, hi);
        if (margin[k] > LARGEST_HALO || k < 1)
            return false;
    }
    return true;
}

static Ex want_halo(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)built;
    HaloWalk *w = arg;
    int64_t margin[MAX_RANK];
    if (original->op != EX_GUARD || original->arg[1]->op != EX_LOAD || !is_zero(original->arg[2]))
        return NULL;
    Buf *b = (Buf *)original->arg[1]->buf;
    if (!margin_of(p, original->arg[1], margin))
        return NULL;
    if (!can_reorder(b) || b->space != SPACE_TEMP) {
        if (b->space == SPACE_INPUT || b->space == SPACE_TEMP || b->space == SPACE_OUTPUT)
            w->copy_of = b;
        return NULL;
    }
    BufInfo *info = buf_info(b);
    for (int k = 0; k < b->rank; k++)
        info->halo[k] = MAX(info->halo[k], margin[k]);
    return NULL;
}

typedef struct Replace {
    const Buf *from, *to;
} Replace;

static Ex replace_buf(void *arg, ExPool *p, Ex built, Ex original)
{
    const Replace *r = arg;
    if (original->op != EX_LOAD || original->buf != r->from)
        return NULL;
    return ex_load(p, r->to, (Elem)built->elem, built->narg, built->arg);
}

/* Reads `b` through a copy that may have any layout. Inserts the copy before stage `at`. */
static void insert_copy(Lowering *l, size_t at, Buf *b)
{
    Buf *copy = lower_buf(l, arena_printf(l->arena, "%s_padded", b->name ? b->name : "t"), b->elem,
                          SPACE_TEMP, b->rank, b->dim);
    Stage *s = NEW(l->arena, Stage);
    s->naxis = b->rank;
    for (int i = 0; i < b->rank; i++)
        s->axis[i] = ex_var(l->pool, b->dim[i]);
    StageStore o = {.buf = copy};
    memcpy(o.index, s->axis, (size_t)b->rank * sizeof(Ex));
    o.value = ex_load(l->pool, b, b->elem, b->rank, s->axis);
    vec_push(l->arena, &s->stores, o);
    buf_info(copy)->stores = 1;
    s->origin = l->stages.at[at]->origin;
    stage_rewrite(l->pool, l->stages.at[at], replace_buf, &(Replace){b, copy});
    vec_push(l->arena, &l->stages, NULL);
    memmove(l->stages.at + at + 1, l->stages.at + at, (l->stages.len - 1 - at) * sizeof(Stage *));
    l->stages.at[at] = s;
}

/* Sums alone: what lies outside must not matter, and the margin holds zeros. */
static void plan_halos(Lowering *l)
{
    for (size_t i = 0; i < l->stages.len; i++) {
        Stage *s = l->stages.at[i];
        if (s->kind != STAGE_REDUCE || s->nacc != 1 || s->op[0] != REDUCE_SUM)
            continue;
        HaloWalk w = {.l = l, .stage = s};
        ex_rewrite(l->pool, s->body[0], want_halo, &w);
        if (w.copy_of) {
            insert_copy(l, i++, w.copy_of);
            ex_rewrite(l->pool, s->body[0], want_halo, &w);
        }
    }
}

/* Strides again, with the margins; the order of dimensions is kept. */
static void apply_halo(ExPool *p, Buf *b)
{
    BufInfo *info = buf_info(b);
    bool last_is_channel = b->rank >= 3 && ex_is(b->stride[1], 1) && !ex_is(b->stride[b->rank - 1], 1);
    Ex stride = ex_int(p, 1);
    Ex offset = ex_int(p, 0);
    for (int j = b->rank - 1; j >= 0; j--) {
        int k = !last_is_channel || j == 0 ? j : j == b->rank - 1 ? 1 : j + 1;
        b->stride[k] = stride;
        offset = ex_add(p, offset, ex_mul(p, stride, ex_int(p, info->halo[k])));
        stride = ex_mul(p, stride, ex_add(p, b->dim[k], ex_int(p, 2 * info->halo[k])));
    }
    b->offset = offset;
    b->size = stride;
}

static bool has_halo(const Buf *b)
{
    for (int k = 0; k < b->rank; k++)
        if (buf_info(b)->halo[k])
            return true;
    return false;
}

/* GUARD(pred, load, 0) where the margin makes part of pred needless. */
static Ex drop_guard(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)original;
    (void)arg;
    if (built->op != EX_GUARD || built->arg[1]->op != EX_LOAD || !is_zero(built->arg[2]))
        return NULL;
    Ex load = built->arg[1], pred = built->arg[0];
    const Buf *b = load->buf;
    int64_t margin[MAX_RANK];
    if (!b->user || !has_halo(b) || !margin_of(p, load, margin))
        return NULL;
    Ex left = ex_bool(p, true);
    for (Ex rest = pred; rest;) {
        Ex one = rest->op == EX_AND ? rest->arg[1] : rest;
        rest = rest->op == EX_AND ? rest->arg[0] : NULL;
        if (one->op == EX_AND) { /* conjunctions nest on either side */
            rest = rest ? ex_and(p, rest, one->arg[0]) : one->arg[0];
            one = one->arg[1];
        }
        bool needless = false;
        for (int k = 0; k < load->narg; k++)
            if (margin[k] <= buf_info(b)->halo[k])
                needless = needless || one == ex_le(p, ex_int(p, 0), load->arg[k]) ||
                           one == ex_lt(p, load->arg[k], b->dim[k]);
        if (!needless)
            left = ex_and(p, left, one);
    }
    return ex_guard(p, left, load, built->arg[2]);
}

void lower_layout(Lowering *l)
{
    if (l->options->level > 0)
        find_aliases(l);
    if (l->lanes == 1 || l->options->level == 0)
        return;
    plan_halos(l); /* inserts copies, whose layouts are then chosen like all others */
    choose_orders(l);
    for (size_t i = 0; i < l->bufs.len; i++)
        if (has_halo(l->bufs.at[i]))
            apply_halo(l->pool, l->bufs.at[i]);
    for (size_t i = 0; i < l->stages.len; i++)
        stage_rewrite(l->pool, l->stages.at[i], drop_guard, l);
}
