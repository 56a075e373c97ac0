/* Running a prepared kernel: walks regions, item by item. */
#include "ir/kernel/interp.h"

static void run_lin(InterpPlan *p, Item *it, int64_t *d)
{
    Pattern *t = it->lin->pattern;
    int64_t n = it->scope->n;
    pattern_sync(t);
    bool flat = t->lo == 0 && t->hi == 0;
    p->fn->offset(d, flat ? NULL : pattern_offsets(p, t), lin_scalar(it->lin), n);
    for (size_t i = 0; i < it->lin->lanes.len; i++)
        p->fn->scale_add(d, it->lin->lanes.at[i].item->p, it->lin->lanes.at[i].coef, n);
}

static void run_at_least(InterpPlan *p, Item *it)
{
    Pattern *t = it->lin->pattern;
    int64_t n = it->scope->n, bound = it->bound - lin_scalar(it->lin);
    pattern_sync(t);
    it->state = t->lo >= bound ? MASK_ALL : t->hi < bound ? MASK_NONE : MASK_MIXED;
    if (it->state == MASK_MIXED)
        p->fn->at_least(it->own, pattern_offsets(p, t), bound, n);
    else
        memset(it->own, it->state == MASK_ALL, (size_t)n);
    it->p = it->own;
}

static void run_and(InterpPlan *p, Item *it)
{
    const Item *a = it->arg[0], *b = it->arg[1];
    int64_t n = it->scope->n;
    p->evals += n;
    if (a->is_mask && b->is_mask && (a->state != MASK_MIXED || b->state != MASK_MIXED)) {
        const Item *one = a->state == MASK_ALL || b->state == MASK_NONE ? b : a;
        it->p = one->p;
        it->state = one->state;
        return;
    }
    it->p = it->own;
    p->fn->op[EX_AND][ELEM_BOOL](it->own, a->p, b->p, NULL, n);
    it->state = MASK_MIXED;
    if (it->is_mask)
        it->state = (uint8_t)p->fn->mask_state(it->p, n);
}

static void run_select(InterpPlan *p, Item *it)
{
    const Item *cond = it->arg[0];
    int64_t n = it->scope->n;
    p->evals += n;
    if (cond->state != MASK_MIXED) {
        it->p = it->arg[cond->state == MASK_ALL ? 1 : 2]->p;
        return;
    }
    it->p = it->own;
    it->fn(it->own, cond->p, it->arg[1]->p, it->arg[2]->p, n);
}

static void run_widen(InterpPlan *p, Item *it)
{
    const Item *a = it->arg[0];
    Scope *s = it->scope;
    it->p = it->own;
    it->state = a->state;
    if (a->scope == p->uniform)
        p->fn->fill[it->log2](it->own, a->p, s->depth == 1 ? s->nmax : s->n);
    else
        p->fn->repeat[it->log2](it->own, a->p, a->scope->n, s->n / a->scope->n);
}

static bool run_check(InterpPlan *p, const Item *it)
{
    const uint8_t *cond = it->arg[0]->p, *mask = it->mask ? it->mask->p : NULL;
    for (int64_t i = 0; i < it->scope->n; i++)
        if (!cond[i] && (!mask || mask[i])) {
            p->check_code = it->code;
            return false;
        }
    return true;
}

static bool run_loop(InterpPlan *p, Item *it)
{
    const Item *e = it->loop.extent;
    int64_t n = e->scope == p->uniform ? *(const int64_t *)e->p : e->hi;
    Var *v = it->loop.var;
    for (v->value = 0; v->value < n; v->value++)
        if (!run_region(p, it->loop.body))
            return false;
    return true;
}

/* Takes over the parent's dimensions; the first own one is `chunk`. */
static void scope_set(Scope *s, int64_t chunk)
{
    int64_t first = s->dim[s->first];
    bool same = first == chunk;
    for (int k = 0; k < s->first; k++) {
        same = same && s->dim[k] == s->parent->dim[k];
        s->dim[k] = s->parent->dim[k];
    }
    if (same)
        return;
    s->dim[s->first] = chunk;
    s->n = s->parent->n;
    for (int k = s->first; k < s->ndim; k++)
        s->n *= s->dim[k];
    s->gen++;
}

static bool run_lanes(InterpPlan *p, Item *it)
{
    bool ok = true;
    for (int64_t at = 0; at < it->lanes.extent && ok; at += it->lanes.chunk) {
        scope_set(it->lanes.scope, MIN(it->lanes.chunk, it->lanes.extent - at));
        if (it->lanes.chunked)
            it->lanes.chunked->value = at;
        ok = run_region(p, it->lanes.body);
    }
    scope_set(it->lanes.scope, it->lanes.chunk); /* what runs outside sees whole chunks */
    return ok;
}

static bool run_operation(InterpPlan *p, Item *it)
{
    int64_t n = it->scope->n;
    void *d = it->into ? store_target(p, it->into) : it->own;
    if (!d)
        return false;
    it->p = d;
    p->evals += n;
    if (it->kind == ITEM_LIN)
        run_lin(p, it, d);
    else if (it->kind == ITEM_CONVERT)
        lanes_cast_any(d, it->elem, it->arg[0]->p, it->arg[0]->elem, it->saturate, n);
    else
        it->fn(d, it->arg[0]->p, it->arg[1] ? it->arg[1]->p : NULL,
               it->arg[2] ? it->arg[2]->p : NULL, n);
    return true;
}

static bool run_item(InterpPlan *p, Item *it)
{
    switch (it->kind) {
    case ITEM_FIXED:
        return true;
    case ITEM_SCALAR:
        it->scalar = lin_scalar(it->lin);
        p->evals++;
        return true;
    case ITEM_OP:
    case ITEM_CONVERT:
    case ITEM_LIN:
        return run_operation(p, it);
    case ITEM_WIDEN:
        run_widen(p, it);
        return true;
    case ITEM_LOAD:
        return run_load(p, it);
    case ITEM_SELECT:
        run_select(p, it);
        return true;
    case ITEM_AND:
        run_and(p, it);
        return true;
    case ITEM_AT_LEAST:
        run_at_least(p, it);
        p->evals += it->scope->n;
        return true;
    case ITEM_STORE:
        return run_store(p, it);
    case ITEM_FOLD:
        return run_fold(p, it);
    case ITEM_CHECK:
        return run_check(p, it);
    case ITEM_LOOP:
        return run_loop(p, it);
    case ITEM_LANES:
        return run_lanes(p, it);
    case ITEM_IF:
        return run_region(p,
                          *(const uint8_t *)it->arg[0]->p ? it->branch.then : it->branch.otherwise);
    case ITEM_COPY:
        return run_copy(p, it);
    }
    return true;
}

static bool keeps_state(ItemKind k)
{
    return k == ITEM_OP || k == ITEM_CONVERT || k == ITEM_LOAD || k == ITEM_SELECT;
}

bool run_region(InterpPlan *p, Region *r)
{
    for (size_t i = 0; i < r->items.len; i++) {
        Item *it = r->items.at[i];
        if (!run_item(p, it))
            return false;
        if (it->is_mask && keeps_state(it->kind))
            it->state = (uint8_t)p->fn->mask_state(it->p, it->scope->n);
        if (it->want_range)
            p->fn->min_max(it->p, it->scope->n, &it->lo, &it->hi);
    }
    return true;
}
