/* Stages as data: walking, copying and substituting. */
#include "codegen/lower/lowering.h"

typedef struct EachLoad {
    void (*fn)(void *arg, Ex load);
    void *arg;
} EachLoad;

static Ex visit_load(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)p;
    (void)built;
    const EachLoad *e = arg;
    if (original->op == EX_LOAD)
        e->fn(e->arg, original);
    return original;
}

void ex_each_load(ExPool *p, Ex e, void (*fn)(void *arg, Ex load), void *arg)
{
    ex_rewrite(p, e, visit_load, &(EachLoad){fn, arg});
}

void stage_rewrite(ExPool *p, Stage *s, ExRewrite fn, void *arg)
{
    for (int i = 0; i < s->nacc; i++) {
        s->init[i] = ex_rewrite(p, s->init[i], fn, arg);
        s->body[i] = ex_rewrite(p, s->body[i], fn, arg);
        if (s->combine[i])
            s->combine[i] = ex_rewrite(p, s->combine[i], fn, arg);
    }
    for (size_t i = 0; i < s->stores.len; i++) {
        StageStore *o = &s->stores.at[i];
        o->value = ex_rewrite(p, o->value, fn, arg);
        for (int k = 0; k < o->buf->rank; k++)
            o->index[k] = ex_rewrite(p, o->index[k], fn, arg);
    }
    for (size_t i = 0; i < s->checks.len; i++)
        s->checks.at[i].cond = ex_rewrite(p, s->checks.at[i].cond, fn, arg);
}

typedef struct Renaming {
    int       n;
    const Ex *from, *to;
} Renaming;

static Ex rename_leaf(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)p;
    (void)built;
    const Renaming *r = arg;
    for (int i = 0; i < r->n; i++)
        if (original == r->from[i])
            return r->to[i];
    return NULL;
}

void stage_subst(ExPool *p, Stage *s, int n, const Ex *from, const Ex *to)
{
    stage_rewrite(p, s, rename_leaf, &(Renaming){n, from, to});
}

void stage_each_load(ExPool *p, const Stage *s, void (*fn)(void *arg, Ex load), void *arg)
{
    for (int i = 0; i < s->nacc; i++) {
        ex_each_load(p, s->init[i], fn, arg);
        ex_each_load(p, s->body[i], fn, arg);
    }
    for (size_t i = 0; i < s->stores.len; i++) {
        ex_each_load(p, s->stores.at[i].value, fn, arg);
        for (int k = 0; k < s->stores.at[i].buf->rank; k++)
            ex_each_load(p, s->stores.at[i].index[k], fn, arg);
    }
    for (size_t i = 0; i < s->checks.len; i++)
        ex_each_load(p, s->checks.at[i].cond, fn, arg);
}

typedef struct CountLoads {
    const Buf *buf;
    int        n;
    Ex         first;
} CountLoads;

static void count_load(void *arg, Ex load)
{
    CountLoads *c = arg;
    if (load->buf != c->buf || load == c->first)
        return;
    if (!c->n++)
        c->first = load;
}

int stage_loads_of(ExPool *p, const Stage *s, const Buf *b, Ex *first)
{
    CountLoads c = {.buf = b};
    stage_each_load(p, s, count_load, &c);
    if (first)
        *first = c.first;
    return c.n;
}

Stage *stage_copy(Arena *a, const Stage *s)
{
    Stage *c = NEW(a, Stage);
    *c = *s;
    c->stores.at = NULL;
    c->stores.cap = c->stores.len = 0;
    for (size_t i = 0; i < s->stores.len; i++)
        vec_push(a, &c->stores, s->stores.at[i]);
    c->checks.at = NULL;
    c->checks.cap = c->checks.len = 0;
    for (size_t i = 0; i < s->checks.len; i++)
        vec_push(a, &c->checks, s->checks.at[i]);
    return c;
}

Ex stage_points(ExPool *p, const Stage *s, bool with_red)
{
    Ex n = ex_int(p, 1);
    for (int i = 0; i < s->naxis; i++)
        n = ex_mul(p, n, ex_var_extent(p, s->axis[i]));
    for (int i = 0; with_red && i < s->nred; i++)
        n = ex_mul(p, n, ex_var_extent(p, s->red[i]));
    return n;
}

bool index_is_axes(const Stage *s, int n, const Ex *index)
{
    if (n != s->naxis)
        return false;
    for (int i = 0; i < n; i++)
        if (index[i] != s->axis[i])
            return false;
    return true;
}

int64_t extent_of(const ExPool *p, Ex var)
{
    int64_t n;
    return ex_is_int(ex_var_extent(p, var), &n) ? n : -1;
}

Ex stored_constant(Ex e)
{
    Ex in = e->op == EX_CAST ? e->arg[0] : e;
    return in->op == EX_LOAD && in->buf->space == SPACE_CONST ? in : e;
}
