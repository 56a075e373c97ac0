/* Sums of i64: scalar part, lane pattern, lane arrays. */
#include "ir/kernel/interp.h"

Lin *lin_new(InterpPlan *p)
{
    Lin *l = NEW(p->arena, Lin);
    l->region = l->lane_region = p->root;
    l->scope = p->uniform;
    return l;
}

static int64_t wrap_mul(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

static void add_constant(Lin *l, int64_t v)
{
    l->constant = (int64_t)((uint64_t)l->constant + (uint64_t)v);
}

static void add_var(InterpPlan *p, Lin *l, Ex e, int64_t scale)
{
    Var *v = plan_var(p, e);
    if (!v)
        return;
    if (v->scope) {
        l->coef[v->dim] = (int64_t)((uint64_t)l->coef[v->dim] + (uint64_t)scale);
        l->scope = scope_deeper(l->scope, v->scope);
        if (!v->has_base)
            return;
    }
    vec_push(p->arena, &l->scalars, (ScalarTerm){scale, &v->at});
    l->region = region_deeper(l->region, v->region);
}

static void add_item(InterpPlan *p, Lin *l, Item *it, int64_t scale)
{
    if (!it)
        return;
    it->uses++;
    l->region = region_deeper(l->region, it->region);
    if (it->scope == p->uniform) {
        vec_push(p->arena, &l->scalars, (ScalarTerm){scale, (const void *const *)&it->p});
        return;
    }
    vec_push(p->arena, &l->lanes, (LaneTerm){scale, it});
    l->lane_region = region_deeper(l->lane_region, it->region);
    l->scope = scope_deeper(l->scope, it->scope);
}

/* A product of what is not constant. */
static Item *product(InterpPlan *p, int n, const Ex *atom)
{
    Item *r = plan_value(p, atom[0]);
    for (int i = 1; i < n && r; i++) {
        Item *f = plan_value(p, atom[i]);
        if (!f)
            return NULL;
        Scope *s = scope_deeper(r->scope, f->scope);
        Item *m = item_new(p, ITEM_OP, ELEM_I64, s,
                           region_deeper(region_deeper(r->region, f->region), s->home));
        m->fn = p->fn->op[EX_MUL][ELEM_I64];
        m->arg[0] = plan_widen(p, r, s);
        m->arg[1] = plan_widen(p, f, s);
        item_place(m, p);
        r = m;
    }
    return r;
}

static void add_product(InterpPlan *p, Lin *l, int n, const Ex *arg, int64_t scale)
{
    Ex atom[256];
    int m = 0;
    for (int i = 0; i < n; i++) {
        int64_t v;
        if (plan_constant(p, arg[i], &v))
            scale = wrap_mul(scale, v);
        else
            atom[m++] = arg[i];
    }
    if (m == 0)
        add_constant(l, scale);
    else if (m == 1)
        lin_add(p, l, atom[0], scale);
    else
        add_item(p, l, product(p, m, atom), scale);
}

void lin_add(InterpPlan *p, Lin *l, Ex e, int64_t scale)
{
    switch (e->op) {
    case EX_CONST:
        add_constant(l, wrap_mul(scale, e->i));
        return;
    case EX_SYM:
        if (p->sym)
            add_constant(l, wrap_mul(scale, p->sym[e->i]));
        else
            plan_fail(p, "the values of its symbols are not given");
        return;
    case EX_VAR:
        add_var(p, l, e, scale);
        return;
    case EX_LIN:
        add_constant(l, wrap_mul(scale, e->i));
        for (int k = 0; k < e->narg; k++)
            lin_add(p, l, e->arg[k], wrap_mul(scale, e->coef[k]));
        return;
    case EX_ADD:
    case EX_SUB:
        lin_add(p, l, e->arg[0], scale);
        lin_add(p, l, e->arg[1], e->op == EX_ADD ? scale : wrap_mul(scale, -1));
        return;
    case EX_NEG:
        lin_add(p, l, e->arg[0], wrap_mul(scale, -1));
        return;
    case EX_PROD:
    case EX_MUL:
        add_product(p, l, e->narg, e->arg, scale);
        return;
    default:
        add_item(p, l, plan_value(p, e), scale);
    }
}

/* The pattern of these coefficients, one object per scope and coefficients. */
static Pattern *pattern_of(InterpPlan *p, Scope *s, const int64_t *coef)
{
    for (size_t i = 0; i < p->patterns.len; i++) {
        Pattern *t = p->patterns.at[i];
        if (t->scope == s && memcmp(t->coef, coef, (size_t)s->ndim * sizeof *coef) == 0)
            return t;
    }
    Pattern *t = NEW(p->arena, Pattern);
    t->scope = s;
    memcpy(t->coef, coef, (size_t)s->ndim * sizeof *coef);
    vec_push(p->arena, &p->patterns, t);
    return t;
}

void lin_finish(InterpPlan *p, Lin *l, Scope *s)
{
    l->scope = scope_deeper(l->scope, s);
    l->region = region_deeper(l->region, l->scope->home);
    l->pattern = pattern_of(p, l->scope, l->coef);
}

int64_t lin_scalar(const Lin *l)
{
    uint64_t v = (uint64_t)l->constant;
    for (size_t i = 0; i < l->scalars.len; i++)
        v += (uint64_t)l->scalars.at[i].coef * *(const uint64_t *)*l->scalars.at[i].at;
    return (int64_t)v;
}

void pattern_sync(Pattern *t)
{
    const Scope *s = t->scope;
    if (t->synced && t->gen == s->gen)
        return;
    t->synced = true;
    t->gen = s->gen;
    t->lo = t->hi = 0;
    for (int k = 0; k < s->ndim; k++) {
        int64_t far = wrap_mul(t->coef[k], s->dim[k] - 1);
        *(far < 0 ? &t->lo : &t->hi) += far;
    }
    t->run = 1;
    t->stride = 0;
    bool first = true;
    for (int k = s->ndim - 1; k >= 0; k--) {
        if (s->dim[k] == 1)
            continue;
        if (!first && t->coef[k] != wrap_mul(t->stride, t->run))
            break;
        if (first)
            t->stride = t->coef[k];
        first = false;
        t->run *= s->dim[k];
    }
}

/* Are all lanes, for every chunk, consecutive elements? */
bool pattern_is_contiguous(const Pattern *t)
{
    int64_t next = 1;
    for (int k = t->scope->ndim - 1; k >= 0; k--) {
        if (t->scope->dim[k] != 1 && t->coef[k] != next)
            return false;
        next *= t->scope->dim[k];
    }
    return true;
}

/* Offsets of dimensions k.. around `at`, appended to `out`. */
static int64_t *fill(const Pattern *t, int k, int64_t at, int64_t *out)
{
    const Scope *s = t->scope;
    if (k == s->ndim) {
        *out = at;
        return out + 1;
    }
    int64_t n = s->dim[k], c = t->coef[k];
    if (k == s->ndim - 1) {
        for (int64_t i = 0; i < n; i++)
            out[i] = at + i * c;
        return out + n;
    }
    for (int64_t i = 0; i < n; i++)
        out = fill(t, k + 1, at + i * c, out);
    return out;
}

/* In a scope right inside the uniform one a smaller chunk is a prefix of the full one, so its
 * offsets are filled once; in deeper scopes they follow the dimensions. */
const int64_t *pattern_offsets(InterpPlan *p, Pattern *t)
{
    Scope *s = t->scope;
    if (!t->off)
        t->off = NEW_ARRAY(p->arena, int64_t, s->nmax);
    if (!t->off_filled || (s->depth > 1 && t->off_gen != s->gen)) {
        Scope full = *s;
        Pattern whole = *t;
        if (s->depth == 1 && s->n < s->nmax) {
            int64_t inner = s->n / s->dim[0];
            full.dim[0] = s->nmax / inner;
        }
        whole.scope = &full;
        fill(&whole, 0, 0, t->off);
        t->off_filled = true;
        t->off_gen = s->gen;
    }
    return t->off;
}
