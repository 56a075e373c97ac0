/* The pool: hash consing of nodes, and the leaves. */
#include "ir/expr/pool.h"

#include <math.h>

const char *const ex_op_name[EX_OP_COUNT] = {
    [EX_CONST] = "const", [EX_SYM] = "sym",     [EX_VAR] = "var",   [EX_ACC] = "acc",
    [EX_RHS] = "rhs",     [EX_LOAD] = "load",   [EX_GUARD] = "guard", [EX_CAST] = "cast",
    [EX_BITS] = "bits",   [EX_LIN] = "lin",     [EX_PROD] = "prod",
#define X(id, name, arity, result) [EX_##id] = name,
#include "ir/expr/scalar.def"
#undef X
};
const uint8_t ex_op_arity[EX_OP_COUNT] = {
#define X(id, name, arity, result) [EX_##id] = arity,
#include "ir/expr/scalar.def"
#undef X
};

ExPool *ex_pool_new(Arena *a)
{
    ExPool *p = NEW(a, ExPool);
    p->arena = a;
    p->nslots = 1024;
    p->slots = NEW_ARRAY(a, Expr *, p->nslots);
    p->sym_by_name = map_new(a);
    return p;
}

Arena *ex_pool_arena(const ExPool *p) { return p->arena; }

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static uint64_t hash_node(const Expr *e, const Ex *args, const int64_t *coef)
{
    uint64_t h = mix(mix(e->op, e->elem), (uint64_t)e->i);
    if (e->op == EX_LOAD)
        h = mix(h, (uint64_t)(uintptr_t)e->buf); /* slots only: never an order */
    for (int k = 0; k < e->narg; k++) {
        h = mix(h, args[k]->id);
        if (e->op == EX_LIN)
            h = mix(h, (uint64_t)coef[k]);
    }
    return h;
}

static bool same_node(const Expr *a, const Expr *b, const Ex *args, const int64_t *coef)
{
    if (a->op != b->op || a->elem != b->elem || a->narg != b->narg || a->i != b->i)
        return false;
    if (a->op == EX_LOAD && a->buf != b->buf)
        return false;
    if (a->narg && memcmp(a->arg, args, a->narg * sizeof *args) != 0)
        return false;
    return a->op != EX_LIN || memcmp(a->coef, coef, a->narg * sizeof *coef) == 0;
}

/* The table again, with `nslots` slots. */
static void rehash(ExPool *p, size_t nslots)
{
    Expr **old = p->slots;
    size_t n = p->nslots;
    p->nslots = nslots;
    p->slots = NEW_ARRAY(p->arena, Expr *, p->nslots);
    for (size_t i = 0; i < n; i++) {
        if (!old[i])
            continue;
        size_t s = hash_node(old[i], old[i]->arg, old[i]->coef) & (p->nslots - 1);
        while (p->slots[s])
            s = (s + 1) & (p->nslots - 1);
        p->slots[s] = old[i];
    }
}

Ex ex_intern(ExPool *p, const Expr *want, const Ex *args, const int64_t *coef)
{
    if (p->count * 2 >= p->nslots)
        rehash(p, p->nslots * 2);
    size_t s = hash_node(want, args, coef) & (p->nslots - 1);
    for (; p->slots[s]; s = (s + 1) & (p->nslots - 1))
        if (same_node(p->slots[s], want, args, coef))
            return p->slots[s];
    Expr *e = arena_alloc(p->arena, sizeof *e + want->narg * sizeof(Ex), _Alignof(Expr));
    *e = *want;
    if (want->narg)
        memcpy(e->arg, args, want->narg * sizeof(Ex));
    if (want->op == EX_LIN) {
        int64_t *c = NEW_ARRAY(p->arena, int64_t, want->narg);
        memcpy(c, coef, want->narg * sizeof *c);
        e->coef = c;
    }
    e->id = p->next_id++;
    p->slots[s] = e;
    p->count++;
    return e;
}

Ex ex_raw(ExPool *p, ExOp op, Elem elem, int n, const Ex *args)
{
    assert(n <= EX_MAX_ARGS);
    return ex_intern(p, &(Expr){.op = (uint16_t)op, .elem = (uint8_t)elem, .narg = (uint8_t)n},
                     args, NULL);
}

static Ex leaf(ExPool *p, ExOp op, Elem elem, int64_t i)
{
    return ex_intern(p, &(Expr){.op = (uint16_t)op, .elem = (uint8_t)elem, .i = i}, NULL, NULL);
}

/* `v` wrapped to the width of integer type `e`. */
static int64_t wrap(Elem e, int64_t v)
{
    int bits = elem_bits[e];
    if (e == ELEM_BOOL)
        return v != 0;
    if (bits >= 64)
        return v;
    uint64_t u = (uint64_t)v << (64 - bits);
    return elem_is_unsigned(e) ? (int64_t)(u >> (64 - bits)) : (int64_t)u >> (64 - bits);
}

Ex ex_int(ExPool *p, int64_t v) { return leaf(p, EX_CONST, ELEM_I64, v); }

Ex ex_const_i(ExPool *p, Elem e, int64_t v)
{
    if (elem_is_float(e))
        return ex_const_f(p, e, (double)v);
    return leaf(p, EX_CONST, e, wrap(e, v));
}

Ex ex_const_f(ExPool *p, Elem e, double v)
{
    assert(elem_is_float(e));
    if (e == ELEM_F32) {
        v = (float)v;
    } else if (e != ELEM_F64) {
        uint64_t bytes = 0;
        elem_set_f64(e, &bytes, 0, v);
        v = elem_get_f64(e, &bytes, 0);
    }
    return ex_intern(p, &(Expr){.op = EX_CONST, .elem = (uint8_t)e, .f = v}, NULL, NULL);
}

Ex ex_const(ExPool *p, Elem e, double v)
{
    if (elem_is_float(e))
        return ex_const_f(p, e, v);
    int64_t i = v >= 0x1p63 ? (elem_is_unsigned(e) && v < 0x1p64 ? (int64_t)(uint64_t)v : INT64_MAX)
                : v <= -0x1p63 ? INT64_MIN
                               : (int64_t)v;
    return ex_const_i(p, e, i);
}

Ex ex_bool(ExPool *p, bool v) { return ex_const_i(p, ELEM_BOOL, v); }

Ex ex_sym(ExPool *p, const char *name, int64_t min)
{
    Ex known = map_get(&p->sym_by_name, name);
    if (known)
        return known;
    Ex e = leaf(p, EX_SYM, ELEM_I64, (int64_t)p->syms.len);
    const char *copy = arena_strdup(p->arena, name);
    vec_push(p->arena, &p->syms, (SymInfo){.name = copy, .min = min, .max = -1, .leaf = e});
    map_set(&p->sym_by_name, copy, (void *)e);
    return e;
}

Ex ex_sym_run_time(ExPool *p, const char *name, int64_t min, int64_t max)
{
    for (int i = 2; map_get(&p->sym_by_name, name); i++)
        name = arena_printf(p->arena, "%s_%d", name, i);
    Ex e = ex_sym(p, name, min);
    p->syms.at[e->i].max = max;
    p->syms.at[e->i].run_time = true;
    return e;
}

/* 0: bound, 1: set by the run, 2: leaves. */
static int sym_order(const SymInfo *s, bool used) { return !used ? 2 : s->run_time ? 1 : 0; }

void ex_sym_keep(ExPool *p, const bool *used)
{
    size_t kept = 0, n = p->syms.len;
    SymInfo *all = arena_grow(p->arena, NULL, 0, n * sizeof *all, _Alignof(SymInfo));
    if (n)
        memcpy(all, p->syms.at, n * sizeof *all);
    for (int order = 0; order <= 2; order++)
        for (size_t i = 0; i < n; i++)
            if (sym_order(&all[i], used[i]) == order) {
                ((Expr *)all[i].leaf)->i = (int64_t)kept;
                p->syms.at[kept++] = all[i];
                p->syms.len -= order == 2;
            }
    rehash(p, p->nslots);
}

bool ex_sym_is_run_time(const ExPool *p, int n) { return p->syms.at[n].run_time; }

int ex_sym_bound_count(const ExPool *p)
{
    int n = 0;
    for (size_t i = 0; i < p->syms.len; i++)
        n += !p->syms.at[i].run_time;
    return n;
}

bool ex_is_run_time(const ExPool *p, Ex e)
{
    for (size_t i = 0; i < p->syms.len; i++)
        if (p->syms.at[i].run_time && ex_uses(e, p->syms.at[i].leaf))
            return true;
    return false;
}

Ex          ex_sym_at(ExPool *p, int n) { return p->syms.at[n].leaf; }
int         ex_sym_count(const ExPool *p) { return (int)p->syms.len; }
const char *ex_sym_name(const ExPool *p, int n) { return p->syms.at[n].name; }
int64_t     ex_sym_min(const ExPool *p, int n) { return p->syms.at[n].min; }
int64_t     ex_sym_max(const ExPool *p, int n) { return p->syms.at[n].max; }

int64_t ex_sym_typical(const ExPool *p, int n)
{
    const SymInfo *s = &p->syms.at[n];
    int64_t least = MAX(s->min, 1);
    return s->typical ? s->typical : s->max >= 0 ? MIN(least, s->max) : least;
}

void ex_sym_bound(ExPool *p, int n, int64_t min, int64_t max, int64_t typical)
{
    SymInfo *s = &p->syms.at[n];
    s->min = min;
    s->max = max;
    s->typical = typical;
}

Ex ex_var(ExPool *p, Ex extent)
{
    Ex e = leaf(p, EX_VAR, ELEM_I64, (int64_t)p->var_extent.len);
    vec_push(p->arena, &p->var_extent, extent);
    vec_push(p->arena, &p->var_leaf, e);
    return e;
}

Ex  ex_var_extent(const ExPool *p, Ex var) { return p->var_extent.at[var->i]; }
int ex_var_count(const ExPool *p) { return (int)p->var_extent.len; }

Ex ex_acc(ExPool *p, Elem e, int i) { return leaf(p, EX_ACC, e, i); }
Ex ex_rhs(ExPool *p, Elem e, int i) { return leaf(p, EX_RHS, e, i); }

Ex ex_load(ExPool *p, const Buf *b, Elem e, int n, const Ex *index)
{
    return ex_intern(
        p, &(Expr){.op = EX_LOAD, .elem = (uint8_t)e, .narg = (uint8_t)n, .buf = b}, index, NULL);
}

bool ex_is_int(Ex e, int64_t *v)
{
    if (e->op != EX_CONST || elem_is_float((Elem)e->elem))
        return false;
    if (v)
        *v = e->i;
    return true;
}

bool ex_is(Ex e, int64_t v)
{
    int64_t k;
    return ex_is_int(e, &k) && k == v;
}

bool ex_is_float(Ex e, double *v)
{
    if (e->op != EX_CONST || !elem_is_float((Elem)e->elem))
        return false;
    if (v)
        *v = e->f;
    return true;
}
