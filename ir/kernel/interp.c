/* The kernel interpreter: prepare, run, free. How it works is written in interp.h. */
#include "ir/kernel/interp.h"

static _Thread_local int64_t evals;

int64_t interp_evals(void)
{
    return evals;
}

/* ---- memory of lanes ---- */

/* A place for lanes that is free again. */
typedef struct Spare {
    void *at;
    size_t bytes;
    struct Spare *next;
} Spare;

static size_t lane_bytes(const Item *it)
{
    return (size_t)it->scope->nmax << it->log2;
}

static void note_use(Item *used, const Item *user, size_t at)
{
    if (!used)
        return;
    if (used->region != user->region)
        used->last_use = SIZE_MAX;
    else if (used->last_use != SIZE_MAX)
        used->last_use = MAX(used->last_use, at);
}

static void note_uses(Region *r)
{
    for (size_t i = 0; i < r->items.len; i++) {
        Item *it = r->items.at[i];
        it->last_use = MAX(it->last_use, i);
        for (int k = 0; k < 3; k++)
            note_use(it->arg[k], it, i);
        note_use(it->mask, it, i);
        note_use(it->offsets, it, i);
        if (it->kind == ITEM_LOOP)
            note_use(it->loop.extent, it, i);
        for (size_t k = 0; it->lin && !it->offsets && k < it->lin->lanes.len; k++)
            note_use(it->lin->lanes.at[k].item, it, i);
    }
}

/* A selection may hand on an argument's memory, which then lives as long as the selection. */
static void extend_aliased(Region *r)
{
    for (size_t i = r->items.len; i-- > 0;) {
        Item *it = r->items.at[i];
        if (it->kind != ITEM_SELECT && it->kind != ITEM_AND)
            continue;
        for (int k = 0; k < 3; k++)
            if (it->arg[k] && it->arg[k]->region == r)
                it->arg[k]->last_use = MAX(it->arg[k]->last_use, it->last_use);
    }
}

static void *take_lanes(InterpPlan *p, Spare **spare, size_t bytes)
{
    for (Spare **s = spare; *s; s = &(*s)->next)
        if ((*s)->bytes == bytes) {
            void *at = (*s)->at;
            *s = (*s)->next;
            return at;
        }
    return arena_alloc(p->arena, bytes, 64);
}

static bool needs_lanes(const InterpPlan *p, const Item *it)
{
    return it->scope != p->uniform && !it->own && (it->kind < ITEM_STORE || it->kind == ITEM_FOLD);
}

static void assign_lanes(InterpPlan *p, Region *r)
{
    Spare *spare = NULL;
    VEC(Item *) live = {0};
    for (size_t i = 0; i < r->items.len; i++) {
        Item *it = r->items.at[i];
        if (needs_lanes(p, it)) {
            it->p = it->own = take_lanes(p, &spare, lane_bytes(it));
            if (it->last_use != SIZE_MAX)
                vec_push(p->arena, &live, it);
        }
        size_t kept = 0;
        for (size_t k = 0; k < live.len; k++) {
            Item *l = live.at[k];
            if (l->last_use > i) {
                live.at[kept++] = l;
                continue;
            }
            Spare *s = NEW(p->arena, Spare);
            *s = (Spare){l->own, lane_bytes(l), spare};
            spare = s;
        }
        live.len = kept;
    }
}

/* Calls fn for a region and all below it. */
static void each_region(InterpPlan *p, Region *r, void (*fn)(InterpPlan *, Region *))
{
    for (size_t i = 0; i < r->items.len; i++) {
        Item *it = r->items.at[i];
        if (it->kind == ITEM_LOOP)
            each_region(p, it->loop.body, fn);
        if (it->kind == ITEM_LANES)
            each_region(p, it->lanes.body, fn);
        if (it->kind == ITEM_IF) {
            each_region(p, it->branch.then, fn);
            each_region(p, it->branch.otherwise, fn);
        }
    }
    fn(p, r);
}

static void lifetimes_first(InterpPlan *p, Region *r)
{
    (void)p;
    note_uses(r);
}

static void lifetimes_second(InterpPlan *p, Region *r)
{
    (void)p;
    extend_aliased(r);
}

/* ---- preparing ---- */

static void mark_written(InterpPlan *p, const Stmt *s)
{
    for (; s; s = s->next) {
        Mem *m;
        switch (s->kind) {
        case STMT_STORE:
            m = plan_mem(p, s->store.buf);
            if (m)
                m->written = true;
            break;
        case STMT_LOOP:
            mark_written(p, s->loop.body);
            break;
        case STMT_IF:
            mark_written(p, s->cond.then);
            mark_written(p, s->cond.otherwise);
            break;
        case STMT_CHECK:
            break;
        }
    }
}

static void add_mem(InterpPlan *p, const Buf *b, int arg)
{
    Mem *m = NEW(p->arena, Mem);
    m->buf = b;
    m->elem = plan_elem(p, b->elem);
    m->log2 = lane_log2_bytes(m->elem);
    m->packed_bits = elem_bits[m->elem] < 8 && arg >= 0 ? elem_bits[m->elem] : 0;
    m->arg = arg;
    m->is_reg = arg < 0;
    if (m->is_reg)
        m->count = ex_eval_size(b->size, p->sym);
    vec_push(p->arena, &p->mems, m);
}

static void make_registers(InterpPlan *p)
{
    for (size_t i = 0; i < p->mems.len; i++) {
        Mem *m = p->mems.at[i];
        if (!m->is_reg)
            continue;
        m->count = MAX(m->count, 0) * p->reg_lanes;
        m->data = arena_array(p->arena, (size_t)m->count, (size_t)1 << m->log2, 64);
    }
}

Status interp_prepare(Ctx *c, const Kernel *k, InterpMode mode, const int64_t *sym,
                      InterpPlan **out)
{
    Arena *a = arena_new(c);
    InterpPlan *p = NEW(a, InterpPlan);
    *p = (InterpPlan){.ctx = c, .arena = a, .kernel = k, .pool = k->pool, .mode = mode, .sym = sym};
    p->fn = interp_lanes();
    p->reg_lanes = 1;
    p->root = p->region = p->load_floor = NEW(a, Region);
    p->root->open = true;
    p->uniform = p->scope = NEW(a, Scope);
    *p->uniform = (Scope){.home = p->root, .n = 1, .nmax = 1, .gen = 1};
    for (size_t i = 0; i < k->params.len; i++)
        add_mem(p, k->params.at[i], (int)i);
    for (size_t i = 0; i < k->regs.len; i++)
        add_mem(p, k->regs.at[i], -1);
    mark_written(p, k->body);
    plan_body(p, k->body);
    if (p->status != MLC_OK) {
        Status s = p->status;
        arena_free(a);
        return s;
    }
    each_region(p, p->root, lifetimes_first);
    each_region(p, p->root, lifetimes_second);
    each_region(p, p->root, assign_lanes);
    make_registers(p);
    *out = p;
    return MLC_OK;
}

Status interp_run(InterpPlan *p, const InterpArg *args, int *check_code)
{
    for (size_t i = 0; i < p->mems.len; i++) {
        Mem *m = p->mems.at[i];
        if (m->is_reg)
            continue;
        m->data = args[m->arg].data;
        m->count = args[m->arg].count;
        m->splat = args[m->arg].splat;
        if (m->splat && m->written)
            plan_fail(p, "'%s' is written, but holds one element for all", m->buf->name);
    }
    p->check_code = 0;
    p->evals = 0;
    if (p->status == MLC_OK)
        run_region(p, p->root);
    evals += p->evals;
    *check_code = p->check_code;
    Status s = p->status;
    p->status = MLC_OK;
    return s;
}

void interp_free(InterpPlan *p)
{
    if (p)
        arena_free(p->arena);
}

Status kernel_interp(Ctx *c, const Kernel *k, InterpMode mode, const InterpArg *args,
                     const int64_t *sym, int *check_code)
{
    InterpPlan *p;
    *check_code = 0;
    TRY(interp_prepare(c, k, mode, sym, &p));
    Status s = interp_run(p, args, check_code);
    interp_free(p);
    return s;
}
