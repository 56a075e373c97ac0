/* Statements -> items: which loops become lanes, which run one iteration after another.
 *
 * Loops become lanes when their iterations may run in lock step: parallel and vector loops by their
 * meaning; any nest around a single store when the value depends on no element that another
 * iteration stores. A serial reduction around few lanes evaluates its body in lanes as well and
 * folds them in order, which gives the very same bits. */
#include "ir/kernel/interp.h"

enum { MAX_CHAIN = 24, FEW_LANES = 16, MAX_REG_BYTES = 8 << 20 };

/* Perfectly nested loops of constant extents. */
typedef struct Chain {
    int n;
    Ex var[MAX_CHAIN];
    int64_t extent[MAX_CHAIN];
    LoopKind kind[MAX_CHAIN];
    Stmt *body[MAX_CHAIN]; /* of each loop */
} Chain;

typedef struct Frame {
    Item *item;
    Region *floor;
    int checks;
    size_t nvars;
    Scope *scope, *top;
    Item *mask;
} Frame;

/* ---- frames: a region with what is undone when it is left ---- */

static Frame frame_open(InterpPlan *p, Item *it)
{
    Frame f = {it, p->load_floor, p->checks, p->vars.len, p->scope, p->top, p->mask};
    Region *r = NEW(p->arena, Region);
    r->parent = p->region;
    r->depth = p->region->depth + 1;
    r->open = true;
    p->region = r;
    return f;
}

static void frame_leave(InterpPlan *p, const Frame *f)
{
    p->region->open = false;
    p->region = p->region->parent;
    p->load_floor = p->checks != f->checks ? p->region : f->floor;
    p->vars.len = f->nvars;
    p->scope = f->scope;
    p->top = f->top;
    p->mask = f->mask;
}

static void frame_close(InterpPlan *p, const Frame *f)
{
    frame_leave(p, f);
    f->item->region = p->region;
    item_place(f->item, p);
}

static Var *var_push(InterpPlan *p, Ex var)
{
    Var *v = NEW(p->arena, Var);
    v->var = var;
    v->region = p->region;
    v->at = &v->value;
    vec_push(p->arena, &p->vars, v);
    return v;
}

static Frame open_loop(InterpPlan *p, Ex var, Item *extent, bool may_be_empty)
{
    Item *it = item_new(p, ITEM_LOOP, ELEM_NONE, p->uniform, p->region);
    Frame f = frame_open(p, it);
    extent->uses++;
    it->loop.extent = extent;
    it->loop.body = p->region;
    it->loop.var = var_push(p, var);
    if (may_be_empty)
        p->load_floor = p->region;
    return f;
}

/* Opens a scope over loops first..n-1 of the chain, the first of them cut in chunks when it does
 * not fit whole. */
static Frame open_scope(InterpPlan *p, const Chain *c, int first, int64_t chunk)
{
    Item *it = item_new(p, ITEM_LANES, ELEM_NONE, p->uniform, p->region);
    Frame f = frame_open(p, it);
    Scope *s = NEW(p->arena, Scope);
    *s = *p->scope;
    s->parent = p->scope;
    s->depth = p->scope->depth + 1;
    s->first = p->scope->ndim;
    s->gen = 1;
    s->home = s->depth == 1 ? p->root : p->region;
    for (int k = first; k < c->n; k++) {
        Var *v = var_push(p, c->var[k]);
        v->scope = s;
        v->dim = s->ndim;
        s->dim[s->ndim++] = k == first ? chunk : c->extent[k];
        s->nmax *= k == first ? chunk : c->extent[k];
        if (k == first && chunk < c->extent[k]) {
            v->has_base = true;
            it->lanes.chunked = v;
        }
    }
    s->n = s->nmax;
    it->lanes.scope = s;
    it->lanes.extent = c->extent[first];
    it->lanes.chunk = chunk;
    it->lanes.body = p->region;
    vec_push(p->arena, &p->scopes, s);
    p->scope = s;
    return f;
}

/* Opens the chain's loops, at most `budget` iterations of the inner ones as lanes. Returns the
 * number of frames. */
static int open_box(InterpPlan *p, const Chain *c, int64_t budget, Frame *frames)
{
    int64_t lanes = 1, chunk;
    int first = c->n, nframes = 0;
    while (first > 0 && c->extent[first - 1] <= budget / lanes)
        lanes *= c->extent[--first];
    chunk = first < c->n ? c->extent[first] : 1;
    if (first > 0 && budget / lanes > 1) { /* a part of one more loop, in equal pieces */
        int64_t e = c->extent[--first], pieces = (e + budget / lanes - 1) / (budget / lanes);
        chunk = (e + pieces - 1) / pieces;
        lanes *= chunk;
    }
    if (lanes == 1 || p->scope->ndim + c->n - first > SCOPE_DIMS)
        first = c->n;
    for (int k = 0; k < first; k++)
        frames[nframes++] =
            open_loop(p, c->var[k], plan_value(p, ex_int(p->pool, c->extent[k])), false);
    if (first < c->n)
        frames[nframes++] = open_scope(p, c, first, chunk);
    return nframes;
}

static void close_box(InterpPlan *p, int n, const Frame *frames)
{
    while (n-- > 0)
        frame_close(p, &frames[n]);
}

/* ---- what may become lanes ---- */

/* Every load in `e` of a buffer stored to by one of the statements is of `index` (NULL: none). */
static bool loads_only(InterpPlan *p, Ex e, const Stmt *stores, Ex index)
{
    if (!(expr_flags(p, e) & HAS_WRITTEN))
        return true;
    if (e->op == EX_LOAD) {
        for (const Stmt *s = stores; s; s = s->next)
            if (s->kind == STMT_STORE && s->store.buf == e->buf && e->arg[0] != index)
                return false;
    }
    for (int i = 0; i < e->narg; i++)
        if (!loads_only(p, e->arg[i], stores, index))
            return false;
    return true;
}

/* Different points of the loops give different values of `index`. */
static bool is_injective(InterpPlan *p, const Chain *c, Ex index)
{
    int64_t coef[MAX_CHAIN] = {0}, constant = 0;
    bool rest = false, done[MAX_CHAIN] = {false};
    if (!plan_affine(p, index, c->n, c->var, coef, &constant, &rest))
        return false;
    int64_t reach = 0; /* largest difference that the loops seen so far make */
    for (int round = 0; round < c->n; round++) {
        int least = -1;
        for (int k = 0; k < c->n; k++) {
            if (coef[k] < 0)
                coef[k] = -coef[k];
            if (!done[k] && (least < 0 || coef[k] < coef[least]))
                least = k;
        }
        done[least] = true;
        if (c->extent[least] == 1)
            continue;
        int64_t far;
        if (coef[least] <= reach ||
            __builtin_mul_overflow(coef[least], c->extent[least] - 1, &far) ||
            __builtin_add_overflow(reach, far, &reach))
            return false;
    }
    return true;
}

/* A chain around one store whose iterations may run in lock step, stores in order. */
static bool is_independent(InterpPlan *p, const Chain *c, const Stmt *s)
{
    if (s->kind != STMT_STORE || s->next)
        return false;
    bool by_kind = true;
    for (int k = 0; k < c->n; k++)
        by_kind = by_kind && (c->kind[k] == LOOP_PARALLEL || c->kind[k] == LOOP_VECTOR);
    if (by_kind)
        return true;
    Ex parts[3] = {s->store.value, s->store.index, s->store.guard};
    bool reads_own = false;
    for (int i = 0; i < 3; i++) {
        if (!parts[i])
            continue;
        if (!loads_only(p, parts[i], s, i == 1 ? NULL : s->store.index))
            return false;
        reads_own = reads_own || !loads_only(p, parts[i], s, NULL);
    }
    return !reads_own || is_injective(p, c, s->store.index);
}

/* The accumulation `buf[i] = op(buf[i], body)` or `op(body, buf[i])`: which side buf[i] is on, or
 * -1. `all`: the statements that run together. */
static int fold_side(InterpPlan *p, const Chain *c, const Stmt *s, const Stmt *all)
{
    if (s->kind != STMT_STORE || s->store.guard)
        return -1;
    Ex v = plan_expr(p, s->store.value), index = s->store.index;
    Mem *m = plan_mem(p, s->store.buf);
    if (!m || v->op >= EX_OP_COUNT || m->packed_bits ||
        !p->fn->fold[FOLD_LEFT][v->op][plan_elem(p, (Elem)v->elem)] || v->narg != 2)
        return -1;
    for (int k = 0; k < c->n; k++)
        if (ex_uses(index, c->var[k]))
            return -1;
    if (!loads_only(p, index, all, NULL))
        return -1;
    for (int side = 0; side < 2; side++) {
        Ex acc = v->arg[side], body = v->arg[!side];
        if (acc->op == EX_LOAD && acc->buf == s->store.buf && acc->arg[0] == index &&
            loads_only(p, body, all, NULL))
            return side == 0 ? FOLD_LEFT : FOLD_RIGHT;
    }
    return -1;
}

static bool is_fold(InterpPlan *p, const Chain *c, const Stmt *body)
{
    int64_t total = 1;
    for (int k = 0; k < c->n; k++)
        total = total > LANE_BLOCK ? total : total * c->extent[k];
    if (p->mask || p->scope->nmax > FEW_LANES || total < 8 || !body)
        return false;
    for (const Stmt *s = body; s; s = s->next)
        if (fold_side(p, c, s, body) < 0)
            return false;
    return true;
}

/* ---- statements ---- */

/* Lets the last operation of a store write straight to memory. */
static void try_direct(InterpPlan *p, Item *store, Item *v, const Stmt *s)
{
    /* A sum of arrays writes its result in several passes, so it must not be one of its terms. */
    bool kind_ok = v->kind == ITEM_OP || v->kind == ITEM_CONVERT ||
                   (v->kind == ITEM_LIN && v->lin->lanes.len == 0);
    if (!kind_ok || v != store->arg[0] || v->uses != 1 || v->region != store->region ||
        vec_last(&v->region->items) != v || /* the address is known before v is computed */
        v->scope == p->uniform || store->mask || store->offsets || store->mem->packed_bits ||
        v->is_mask || !pattern_is_contiguous(store->lin->pattern) ||
        !loads_only(p, s->store.value, &(Stmt){.kind = STMT_STORE, .store = s->store},
                    s->store.index))
        return;
    v->into = store;
    v->expr = NULL; /* its memory may change: nobody else uses this instance */
}

static void plan_store(InterpPlan *p, const Stmt *s)
{
    Item *outer = p->mask;
    Mem *m = plan_mem(p, s->store.buf);
    p->seq++;
    if (s->store.guard) {
        Item *g = plan_value(p, plan_expr(p, s->store.guard));
        p->mask = plan_mask_and(p, outer, g);
    }
    if (!m || p->status != MLC_OK)
        return;
    Item *it = item_new(p, ITEM_STORE, m->elem, p->scope, p->region);
    it->mem = m;
    plan_address(p, it, s->store.index, p->scope);
    it->mask = plan_mask_and(p, plan_widen(p, p->mask, it->scope), NULL);
    Item *v = plan_value(p, plan_expr(p, s->store.value));
    p->mask = outer;
    if (!v)
        return;
    if (v->elem != m->elem) {
        plan_fail(p, "a value of type %s is stored to '%s' of type %s", elem_name[v->elem],
                  m->buf->name, elem_name[m->elem]);
        return;
    }
    it->arg[0] = plan_widen(p, v, it->scope);
    try_direct(p, it, v, s);
    item_place(it, p);
}

static void plan_fold(InterpPlan *p, const Chain *c, const Stmt *body)
{
    Frame frames[MAX_CHAIN + 1];
    Scope *outer = p->scope;
    int n = open_box(p, c, LANE_BLOCK / outer->nmax, frames);
    for (const Stmt *s = body; s && p->status == MLC_OK; s = s->next) {
        p->seq++;
        int side = fold_side(p, c, s, body);
        Ex v = plan_expr(p, s->store.value);
        Item *b = plan_value(p, v->arg[side == FOLD_LEFT]);
        Mem *m = plan_mem(p, s->store.buf);
        if (!b || !m)
            break;
        Item *it = item_new(p, ITEM_FOLD, m->elem, outer, p->region);
        it->mem = m;
        plan_address(p, it, s->store.index, outer);
        it->arg[0] = plan_widen(p, b, p->scope);
        it->fold.inner = p->scope;
        it->fold.op = v->op;
        it->fold.side = side;
        if (b->elem != m->elem)
            plan_fail(p, "a value of type %s is folded into '%s'", elem_name[b->elem],
                      m->buf->name);
        item_place(it, p);
    }
    close_box(p, n, frames);
}

static void plan_check(InterpPlan *p, const Stmt *s)
{
    p->seq++;
    Item *cond = plan_value(p, plan_expr(p, s->check.cond));
    if (!cond)
        return;
    Scope *sc = p->mask ? scope_deeper(cond->scope, p->mask->scope) : cond->scope;
    Item *it = item_new(p, ITEM_CHECK, ELEM_NONE, sc, p->region);
    it->arg[0] = plan_widen(p, cond, sc);
    it->mask = plan_widen(p, p->mask, sc);
    it->code = s->check.code;
    item_place(it, p);
    p->checks++;
    p->load_floor = p->region;
}

static Item *plan_not(InterpPlan *p, Item *a)
{
    Item *it = item_new(p, ITEM_OP, ELEM_BOOL, a->scope, a->region);
    it->fn = p->fn->op[EX_NOT][ELEM_BOOL];
    it->arg[0] = a;
    a->uses++;
    item_place(it, p);
    return it;
}

static void plan_if(InterpPlan *p, const Stmt *s)
{
    p->seq++;
    Item *cond = plan_value(p, plan_expr(p, s->cond.cond)), *outer = p->mask;
    if (!cond)
        return;
    if (cond->scope != p->uniform) {
        p->mask = plan_mask_and(p, outer, cond);
        plan_body(p, s->cond.then);
        if (s->cond.otherwise && p->status == MLC_OK) {
            p->mask = plan_mask_and(p, outer, plan_not(p, cond));
            plan_body(p, s->cond.otherwise);
        }
        p->mask = outer;
        return;
    }
    Item *it = item_new(p, ITEM_IF, ELEM_NONE, p->uniform, p->region);
    it->arg[0] = cond;
    cond->uses++;
    Stmt *side[2] = {s->cond.then, s->cond.otherwise};
    for (int i = 0; i < 2; i++) {
        Frame f = frame_open(p, it);
        *(i ? &it->branch.otherwise : &it->branch.then) = p->region;
        p->load_floor = p->region;
        plan_body(p, side[i]);
        frame_leave(p, &f);
    }
    item_place(it, p);
}

/* ---- loops ---- */

static Chain chain_of(InterpPlan *p, const Stmt *s)
{
    Chain c = {0};
    while (s && s->kind == STMT_LOOP && c.n < MAX_CHAIN && (c.n == 0 || !s->next)) {
        int64_t e;
        if (!plan_constant(p, ex_var_extent(p->pool, s->loop.var), &e))
            break;
        c.var[c.n] = s->loop.var;
        c.extent[c.n] = e;
        c.kind[c.n] = s->loop.kind;
        c.body[c.n++] = s->loop.body;
        s = s->loop.body;
    }
    return c;
}

static void plan_lanes(InterpPlan *p, Chain c, int n, int64_t budget, bool is_top)
{
    Frame frames[MAX_CHAIN + 1];
    c.n = n;
    int nframes = open_box(p, &c, budget, frames);
    if (is_top && p->scope != p->uniform) {
        p->top = p->scope;
        p->reg_lanes = MAX(p->reg_lanes, p->top->nmax);
    }
    plan_body(p, c.body[n - 1]);
    close_box(p, nframes, frames);
}

/* Lanes for the parallel loops: fewer when each holds many registers. */
static int64_t top_budget(InterpPlan *p)
{
    int64_t bytes = 1;
    for (size_t i = 0; i < p->mems.len; i++)
        if (p->mems.at[i]->is_reg)
            bytes += p->mems.at[i]->count << p->mems.at[i]->log2;
    return MAX(1, MIN(LANE_BLOCK, MAX_REG_BYTES / bytes));
}

/* A loop whose extent varies, or that must run one iteration after another. */
static void plan_serial(InterpPlan *p, const Stmt *s, const Chain *c)
{
    Item *extent = plan_value(p, ex_var_extent(p->pool, s->loop.var));
    if (!extent)
        return;
    Frame f = open_loop(p, s->loop.var, extent, c->n == 0);
    if (extent->scope != p->uniform) { /* lanes leave the loop one after another */
        extent->want_range = true;
        Item *in = item_new(p, ITEM_OP, ELEM_BOOL, extent->scope, p->region);
        in->fn = p->fn->op[EX_LT][ELEM_I64];
        in->arg[0] = plan_widen(p, plan_value(p, s->loop.var), extent->scope);
        in->arg[1] = plan_widen(p, extent, extent->scope);
        item_place(in, p);
        p->mask = plan_mask_and(p, f.mask, in);
    }
    plan_body(p, s->loop.body);
    frame_close(p, &f);
}

static void plan_loop(InterpPlan *p, const Stmt *s)
{
    p->seq++;
    Chain c = chain_of(p, s);
    int64_t budget = LANE_BLOCK / p->scope->nmax;
    for (int k = 0; k < c.n; k++)
        if (c.extent[k] <= 0)
            return;
    if (c.n == 0) {
        plan_serial(p, s, &c);
        return;
    }
    Stmt *inner = c.body[c.n - 1];
    bool one_store = inner && inner->kind == STMT_STORE && !inner->next;
    if (one_store && p->scope == p->uniform && !p->mask &&
        plan_copy(p, c.n, c.var, c.extent, inner))
        return;
    if (c.kind[0] == LOOP_PARALLEL && p->scope == p->uniform) {
        bool regs = false;
        for (size_t i = 0; i < p->mems.len; i++)
            regs = regs || p->mems.at[i]->is_reg;
        int n = 1;
        while (n < c.n && (c.kind[n] == LOOP_PARALLEL || (c.kind[n] == LOOP_VECTOR && !regs)))
            n++;
        plan_lanes(p, c, n, top_budget(p), true);
    } else if (budget >= 4 && one_store && is_independent(p, &c, inner)) {
        plan_lanes(p, c, c.n, budget, false);
    } else if (is_fold(p, &c, inner)) {
        plan_fold(p, &c, inner);
    } else if (c.kind[0] == LOOP_VECTOR && c.extent[0] <= budget) {
        plan_lanes(p, c, 1, budget, false);
    } else {
        plan_serial(p, s, &c);
    }
}

void plan_body(InterpPlan *p, Stmt *s)
{
    for (; s && p->status == MLC_OK; s = s->next) {
        switch (s->kind) {
        case STMT_LOOP:
            plan_loop(p, s);
            break;
        case STMT_STORE:
            plan_store(p, s);
            break;
        case STMT_IF:
            plan_if(p, s);
            break;
        case STMT_CHECK:
            plan_check(p, s);
            break;
        }
    }
}
