/* Expressions -> items: one item per distinct expression, mask and region; see interp.h. */
#include "ir/kernel/interp.h"

#include <stdio.h>

void plan_fail(InterpPlan *p, const char *fmt, ...)
{
    if (p->status != MLC_OK)
        return;
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    p->status =
        diag_error(p->ctx, E0901, (Loc){0}, MLC_BUG, "kernel '%s': %s", p->kernel->name, text);
}

Elem plan_elem(const InterpPlan *p, Elem e)
{
    return p->mode == INTERP_F64 && elem_is_float(e) ? ELEM_F64 : e;
}

Mem *plan_mem(InterpPlan *p, const Buf *b)
{
    for (size_t i = 0; i < p->mems.len; i++)
        if (p->mems.at[i]->buf == b)
            return p->mems.at[i];
    plan_fail(p, "buffer '%s' is neither parameter nor register", b->name);
    return NULL;
}

Var *plan_var(InterpPlan *p, Ex var)
{
    for (size_t i = p->vars.len; i-- > 0;)
        if (p->vars.at[i]->var == var)
            return p->vars.at[i];
    plan_fail(p, "variable i%lld is used outside its loop", (long long)var->i);
    return NULL;
}

/* ---- what is known of expressions ---- */

static void info_grow(InterpPlan *p)
{
    ExprInfo *old = p->info;
    size_t n = p->info_cap;
    p->info_cap = n ? n * 2 : 256;
    p->info = NEW_ARRAY(p->arena, ExprInfo, p->info_cap);
    for (size_t i = 0; i < n; i++) {
        if (!old[i].e)
            continue;
        size_t s = (old[i].e->id * 0x9e3779b9u) & (p->info_cap - 1);
        while (p->info[s].e)
            s = (s + 1) & (p->info_cap - 1);
        p->info[s] = old[i];
    }
}

/* Valid until the next call. */
static ExprInfo *info_of(InterpPlan *p, Ex e)
{
    if (p->ninfo * 2 >= p->info_cap)
        info_grow(p);
    size_t s = (e->id * 0x9e3779b9u) & (p->info_cap - 1);
    while (p->info[s].e && p->info[s].e != e)
        s = (s + 1) & (p->info_cap - 1);
    if (!p->info[s].e) {
        p->info[s].e = e;
        p->ninfo++;
    }
    return &p->info[s];
}

uint8_t expr_flags(InterpPlan *p, Ex e)
{
    uint8_t flags = info_of(p, e)->flags;
    if (flags)
        return flags;
    flags = HAS_KNOWN | (e->op >= EX_EXP ? HAS_MATH : 0);
    if (e->op == EX_LOAD) {
        Mem *m = plan_mem(p, e->buf);
        flags |= HAS_LOAD | (m && m->written ? HAS_WRITTEN : 0);
    }
    for (int i = 0; i < e->narg; i++)
        flags |= expr_flags(p, e->arg[i]);
    info_of(p, e)->flags = flags;
    return flags;
}

Ex plan_expr(InterpPlan *p, Ex e)
{
    if (p->mode == INTERP_EXACT && (expr_flags(p, e) & HAS_MATH))
        return ex_expand_math(p->pool, e);
    return e;
}

bool plan_constant(InterpPlan *p, Ex e, int64_t *v)
{
    bool rest = false;
    *v = 0;
    return plan_affine(p, e, 0, NULL, NULL, v, &rest) && !rest;
}

static bool affine(InterpPlan *p, Ex e, int64_t scale, int n, const Ex *var, int64_t *coef,
                   int64_t *constant, bool *rest);

static bool affine_product(InterpPlan *p, Ex e, int64_t scale, int n, const Ex *var, int64_t *coef,
                           int64_t *constant, bool *rest)
{
    Ex other = NULL;
    for (int k = 0; k < e->narg; k++) {
        int64_t v = 0;
        if (plan_constant(p, e->arg[k], &v)) {
            scale *= v;
            continue;
        }
        if (other) { /* two factors vary: fine as long as the variables are in neither */
            for (int i = 0; i < n; i++)
                if (ex_uses(e, var[i]))
                    return false;
            *rest = true;
            return true;
        }
        other = e->arg[k];
    }
    if (!other) {
        *constant += scale;
        return true;
    }
    return affine(p, other, scale, n, var, coef, constant, rest);
}

static bool affine(InterpPlan *p, Ex e, int64_t scale, int n, const Ex *var, int64_t *coef,
                   int64_t *constant, bool *rest)
{
    switch (e->op) {
    case EX_CONST:
        *constant += scale * e->i;
        return true;
    case EX_SYM:
        if (!p->sym)
            return false;
        *constant += scale * p->sym[e->i];
        return true;
    case EX_VAR:
        for (int i = 0; i < n; i++)
            if (var[i] == e) {
                coef[i] += scale;
                return true;
            }
        *rest = true;
        return true;
    case EX_LIN:
        *constant += scale * e->i;
        for (int k = 0; k < e->narg; k++)
            if (!affine(p, e->arg[k], scale * e->coef[k], n, var, coef, constant, rest))
                return false;
        return true;
    case EX_PROD:
        return affine_product(p, e, scale, n, var, coef, constant, rest);
    default:
        if (!ex_uses_op(e, EX_VAR) && !ex_uses_op(e, EX_LOAD) &&
            (p->sym || !ex_uses_op(e, EX_SYM))) {
            *constant += scale * ex_eval_size(e, p->sym);
            return true;
        }
        for (int i = 0; i < n; i++)
            if (ex_uses(e, var[i]))
                return false;
        *rest = true;
        return true;
    }
}

bool plan_affine(InterpPlan *p, Ex e, int n, const Ex *var, int64_t *coef, int64_t *constant,
                 bool *rest)
{
    return e->elem == ELEM_I64 && affine(p, e, 1, n, var, coef, constant, rest);
}

/* ---- items ---- */

Item *item_new(InterpPlan *p, ItemKind kind, Elem elem, Scope *s, Region *r)
{
    Item *it = NEW(p->arena, Item);
    it->kind = kind;
    it->elem = elem;
    it->log2 = (uint8_t)lane_log2_bytes(elem);
    it->scope = s;
    it->region = r;
    it->state = MASK_MIXED;
    if (s == p->uniform)
        it->p = it->own = &it->scalar;
    return it;
}

void item_place(Item *it, InterpPlan *p)
{
    assert(it->region->open);
    vec_push(p->arena, &it->region->items, it);
}

static Item *fixed(InterpPlan *p, Elem e, uint64_t bits)
{
    Item *it = item_new(p, ITEM_FIXED, e, p->uniform, p->root);
    memcpy(&it->scalar, &bits, sizeof bits);
    if (e == ELEM_BOOL) {
        it->is_mask = true;
        it->state = bits ? MASK_ALL : MASK_NONE;
    }
    return it;
}

static Item *constant(InterpPlan *p, Ex e)
{
    uint64_t bits = 0;
    Elem elem = plan_elem(p, (Elem)e->elem);
    if (elem_is_float((Elem)e->elem))
        elem_set_f64(elem, &bits, 0, e->f);
    else
        elem_set_i64(elem, &bits, 0, e->i);
    return fixed(p, elem, bits);
}

Item *plan_widen(InterpPlan *p, Item *it, Scope *s)
{
    if (!it)
        return NULL;
    if (it->scope == s) {
        it->uses++;
        return it;
    }
    Region *r = region_deeper(it->region, s->home);
    for (Item *w = it->next_wide; w; w = w->next_wide)
        if (w->scope == s && w->region == r && r->open) {
            w->uses++;
            return w;
        }
    Item *w = item_new(p, ITEM_WIDEN, it->elem, s, r);
    w->arg[0] = it;
    it->uses++;
    item_place(w, p);
    w->next_wide = it->next_wide;
    it->next_wide = w;
    w->uses++;
    return w;
}

/* Makes `it` keep its state up to date. */
static void make_mask(Item *it)
{
    it->is_mask = true;
    if (it->kind == ITEM_WIDEN)
        make_mask(it->arg[0]);
    if (it->kind == ITEM_AND) {
        make_mask(it->arg[0]);
        make_mask(it->arg[1]);
    }
}

static Item *and_items(InterpPlan *p, Item *a, Item *b)
{
    Scope *s = scope_deeper(a->scope, b->scope);
    Item *it = item_new(p, ITEM_AND, ELEM_BOOL, s,
                        region_deeper(region_deeper(a->region, b->region), s->home));
    it->arg[0] = plan_widen(p, a, s);
    it->arg[1] = plan_widen(p, b, s);
    make_mask(it);
    item_place(it, p);
    return it;
}

/* The conjunction of two masks, either of which may be NULL: no restriction. */
Item *plan_mask_and(InterpPlan *p, Item *a, Item *b)
{
    if (!a || !b || a == b) {
        Item *one = a ? a : b;
        if (one)
            make_mask(one);
        return one;
    }
    for (Item *it = a->next_and; it; it = it->next_and)
        if (it->under == b && it->region->open)
            return it;
    Item *it = and_items(p, a, b);
    it->under = b;
    it->next_and = a->next_and;
    a->next_and = it;
    return it;
}

void plan_address(InterpPlan *p, Item *it, Ex index, Scope *s)
{
    Lin *l = lin_new(p);
    Mem *m = it->mem;
    lin_add(p, l, index, 1);
    if (m->is_reg && p->top) { /* registers are private: [index][lane of the parallel loops] */
        int64_t width = p->top->nmax, at = 1;
        for (int k = 0; k < SCOPE_DIMS; k++)
            l->coef[k] *= width;
        l->constant *= width;
        for (size_t i = 0; i < l->scalars.len; i++)
            l->scalars.at[i].coef *= width;
        for (size_t i = 0; i < l->lanes.len; i++)
            l->lanes.at[i].coef *= width;
        for (int k = p->top->ndim - 1; k >= 0; k--) {
            l->coef[k] += at;
            at *= p->top->dim[k];
        }
        l->scope = scope_deeper(l->scope, p->top);
    }
    lin_finish(p, l, s);
    it->lin = l;
    it->scope = l->scope;
    if (l->lanes.len == 0)
        return;
    Item *off =
        item_new(p, ITEM_LIN, ELEM_I64, l->scope, region_deeper(l->lane_region, l->scope->home));
    off->want_range = true;
    off->lin = NEW(p->arena, Lin);
    *off->lin = *l;
    off->lin->constant = 0;
    off->lin->scalars.len = 0;
    for (size_t i = 0; i < l->lanes.len; i++)
        l->lanes.at[i].item = plan_widen(p, l->lanes.at[i].item, l->scope);
    off->lin->lanes = l->lanes;
    item_place(off, p);
    off->uses++;
    it->offsets = off;
}

static Item *load(InterpPlan *p, Ex e)
{
    Mem *m = plan_mem(p, e->buf);
    if (!m)
        return NULL;
    Item *it = item_new(p, ITEM_LOAD, m->elem, p->uniform, p->root);
    it->mem = m;
    Scope *s = p->mask ? p->mask->scope : p->uniform;
    plan_address(p, it, e->arg[0], s);
    Region *r = region_deeper(it->lin->region, p->load_floor);
    if (p->mask) {
        it->mask = plan_widen(p, p->mask, it->scope);
        make_mask(it->mask);
        r = region_deeper(r, it->mask->region);
    }
    if (it->offsets)
        r = region_deeper(r, it->offsets->region);
    it->region = m->written ? p->region : r;
    if (it->scope != p->uniform)
        it->p = it->own = NULL;
    item_place(it, p);
    return it;
}

static Item *sum(InterpPlan *p, Ex e)
{
    Lin *l = lin_new(p);
    lin_add(p, l, e, 1);
    bool plain = l->constant == 0 && l->scalars.len == 0;
    for (int k = 0; k < SCOPE_DIMS && plain; k++)
        plain = l->coef[k] == 0;
    if (plain && l->lanes.len == 1 && l->lanes.at[0].coef == 1)
        return l->lanes.at[0].item;
    lin_finish(p, l, p->uniform);
    if (l->scope == p->uniform && l->scalars.len == 0)
        return fixed(p, ELEM_I64, (uint64_t)l->constant);
    Item *it =
        item_new(p, l->scope == p->uniform ? ITEM_SCALAR : ITEM_LIN, ELEM_I64, l->scope, l->region);
    for (size_t i = 0; i < l->lanes.len; i++)
        l->lanes.at[i].item = plan_widen(p, l->lanes.at[i].item, l->scope);
    it->lin = l;
    item_place(it, p);
    return it;
}

/* a <= b or a < b over i64 without arrays: one comparison of a pattern with a bound, often decided
 * for the whole block. */
static Item *affine_compare(InterpPlan *p, Ex e)
{
    Lin *l = lin_new(p);
    lin_add(p, l, e->arg[1], 1);
    lin_add(p, l, e->arg[0], -1);
    if (l->lanes.len)
        return NULL;
    lin_finish(p, l, p->uniform);
    Item *it = item_new(p, ITEM_AT_LEAST, ELEM_BOOL, l->scope, l->region);
    it->lin = l;
    it->bound = e->op == EX_LT;
    item_place(it, p);
    return it;
}

/* Arguments widened to one scope; scope and region of the result. False: one failed. */
static bool take_args(InterpPlan *p, Item *it, int n, Item **arg)
{
    Scope *s = p->uniform;
    Region *r = p->root;
    for (int i = 0; i < n; i++) {
        if (!arg[i])
            return false;
        s = scope_deeper(s, arg[i]->scope);
        r = region_deeper(r, arg[i]->region);
    }
    it->scope = s;
    it->region = region_deeper(r, s->home);
    if (s != p->uniform)
        it->p = it->own = NULL;
    for (int i = 0; i < n; i++)
        it->arg[i] = plan_widen(p, arg[i], s);
    item_place(it, p);
    return true;
}

static Item *convert(InterpPlan *p, Elem to, Item *a, bool saturate)
{
    if (!a || a->elem == to)
        return a;
    Item *it = item_new(p, ITEM_OP, to, p->uniform, p->root);
    it->fn = p->fn->cast[a->elem][to];
    if (!it->fn)
        it->kind = ITEM_CONVERT;
    it->saturate = saturate;
    return take_args(p, it, 1, &a) ? it : NULL;
}

/* The bits of a value of type `from` (in all-double mode: rounded to it) as type `to`. */
static Item *bits(InterpPlan *p, Ex e)
{
    Elem from = (Elem)e->arg[0]->elem, to = (Elem)e->elem;
    Item *a = convert(p, from, plan_value(p, e->arg[0]), false);
    if (!a)
        return NULL;
    Item *it = item_new(p, ITEM_OP, to, p->uniform, p->root);
    Elem same_size[] = {ELEM_U8, ELEM_U16, ELEM_U32, ELEM_U64};
    it->fn = p->fn->op[EX_FLOOR][same_size[it->log2]];
    return take_args(p, it, 1, &a) ? convert(p, plan_elem(p, to), it, false) : NULL;
}

static Item *choose(InterpPlan *p, Ex e)
{
    Item *outer = p->mask, *arg[3];
    arg[0] = plan_value(p, e->arg[0]);
    if (!arg[0])
        return NULL;
    if (e->op == EX_GUARD && (expr_flags(p, e->arg[1]) & HAS_LOAD))
        p->mask = plan_mask_and(p, outer, arg[0]);
    arg[1] = plan_value(p, e->arg[1]);
    p->mask = outer;
    arg[2] = plan_value(p, e->arg[2]);
    if (!arg[1] || !arg[2])
        return NULL;
    Item *it = item_new(p, ITEM_SELECT, arg[1]->elem, p->uniform, p->root);
    it->fn = p->fn->select[it->log2];
    if (!take_args(p, it, 3, arg))
        return NULL;
    make_mask(it->arg[0]);
    return it;
}

static Item *operation(InterpPlan *p, Ex e)
{
    if ((e->op == EX_LE || e->op == EX_LT) && e->arg[0]->elem == ELEM_I64) {
        Item *it = affine_compare(p, e);
        if (it)
            return it;
    }
    Item *arg[3] = {NULL};
    for (int i = 0; i < e->narg; i++)
        arg[i] = plan_value(p, e->arg[i]);
    if (!arg[0])
        return NULL;
    if (e->op == EX_SHL || e->op == EX_SHR)
        arg[1] = convert(p, arg[0]->elem, arg[1], false);
    Item *it = item_new(p, ITEM_OP, plan_elem(p, (Elem)e->elem), p->uniform, p->root);
    it->fn = p->fn->op[e->op][arg[0]->elem];
    if (!it->fn) {
        plan_fail(p, "operation %s has no meaning for type %s", ex_op_name[e->op],
                  elem_name[arg[0]->elem]);
        return NULL;
    }
    for (int i = 1; i < e->narg; i++)
        if (arg[i] && arg[i]->elem != arg[0]->elem) {
            plan_fail(p, "operation %s of types %s and %s", ex_op_name[e->op],
                      elem_name[arg[0]->elem], elem_name[arg[i]->elem]);
            return NULL;
        }
    if (e->op == EX_AND && it->elem == ELEM_BOOL)
        it->kind = ITEM_AND;
    return take_args(p, it, e->narg, arg) ? it : NULL;
}

static Item *build(InterpPlan *p, Ex e)
{
    switch (e->op) {
    case EX_CONST:
        return constant(p, e);
    case EX_LOAD:
        return load(p, e);
    case EX_GUARD:
    case EX_SELECT:
        return choose(p, e);
    case EX_CAST:
        return convert(p, plan_elem(p, (Elem)e->elem), plan_value(p, e->arg[0]), e->i != 0);
    case EX_BITS:
        return bits(p, e);
    case EX_SYM:
    case EX_VAR:
    case EX_LIN:
    case EX_PROD:
        return sum(p, e);
    case EX_ADD:
    case EX_SUB:
    case EX_NEG:
    case EX_MUL:
        return e->elem == ELEM_I64 ? sum(p, e) : operation(p, e);
    case EX_ACC:
    case EX_RHS:
        plan_fail(p, "%s is left in an expression", ex_op_name[e->op]);
        return NULL;
    default:
        return operation(p, e);
    }
}

/* Is `s` open now? An item of a closed nest may stand in a region that is still open. */
static bool scope_is_open(const InterpPlan *p, const Scope *s)
{
    const Scope *at = p->scope;
    while (at && at != s)
        at = at->parent;
    return at != NULL;
}

Item *plan_value(InterpPlan *p, Ex e)
{
    if (p->status != MLC_OK)
        return NULL;
    uint8_t flags = expr_flags(p, e);
    int seq = flags & HAS_WRITTEN ? p->seq : 0;
    Item *under = flags & HAS_LOAD ? p->mask : NULL;
    for (Item *it = info_of(p, e)->items; it; it = it->next_same)
        if (it->expr == e && it->seq == seq && it->under == under && it->region->open &&
            scope_is_open(p, it->scope))
            return it;
    Item *it = build(p, e);
    if (!it || it->expr) /* the item of another expression: an identity cast, a plain sum */
        return it;
    it->expr = e;
    it->seq = seq;
    it->under = under;
    ExprInfo *info = info_of(p, e);
    it->next_same = info->items;
    info->items = it;
    return it;
}
