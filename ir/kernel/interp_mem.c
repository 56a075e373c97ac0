/* Loads, stores and folds of lanes. Bounds are checked for every lane: by the least and largest
 * offset of the pattern, or lane by lane under a mask. */
#include "ir/kernel/interp.h"

bool run_out_of_bounds(InterpPlan *p, const Mem *m, int64_t at)
{
    plan_fail(p, "element %lld of '%s', which has %lld, is accessed", (long long)at, m->buf->name,
              (long long)m->count);
    return false;
}

/* Least and largest offset of the lanes. */
static void lane_range(Item *it, int64_t *lo, int64_t *hi)
{
    if (it->offsets) {
        *lo = it->offsets->lo;
        *hi = it->offsets->hi;
        return;
    }
    pattern_sync(it->lin->pattern);
    *lo = it->lin->pattern->lo;
    *hi = it->lin->pattern->hi;
}

static bool check_range(InterpPlan *p, Item *it, int64_t base)
{
    int64_t lo, hi;
    lane_range(it, &lo, &hi);
    if (it->offsets && (base + lo < 0 || base + hi >= it->mem->count))
        p->fn->min_max(it->offsets->p, it->scope->n, &lo, &hi); /* they covered a whole chunk */
    bool wraps = __builtin_add_overflow(base, lo, &lo) | __builtin_add_overflow(base, hi, &hi);
    if (wraps || lo < 0 || hi >= it->mem->count)
        return run_out_of_bounds(p, it->mem, !wraps && lo >= 0 ? hi : lo);
    return true;
}

static const int64_t *lane_offsets(InterpPlan *p, Item *it)
{
    return it->offsets ? it->offsets->p : pattern_offsets(p, it->lin->pattern);
}

/* The lane that is out of bounds, for the message. */
static bool report_lane(InterpPlan *p, const Item *it, int64_t base, const int64_t *off)
{
    const uint8_t *mask = it->mask->p;
    for (int64_t i = 0; i < it->scope->n; i++)
        if (mask[i] && (uint64_t)(base + off[i]) >= (uint64_t)it->mem->count)
            return run_out_of_bounds(p, it->mem, base + off[i]);
    return run_out_of_bounds(p, it->mem, base);
}

/* ---- elements that share bytes ---- */

static bool packed(InterpPlan *p, Item *it, int64_t base, bool store)
{
    Mem *m = it->mem;
    const int64_t *off = lane_offsets(p, it);
    const uint8_t *mask = it->mask && it->mask->state != MASK_ALL ? it->mask->p : NULL;
    uint8_t *lane = store ? it->arg[0]->p : it->own;
    for (int64_t i = 0; i < it->scope->n; i++) {
        int64_t at = base + off[i];
        if (!store)
            lane[i] = 0;
        if (mask && !mask[i])
            continue;
        if ((uint64_t)at >= (uint64_t)m->count)
            return run_out_of_bounds(p, m, at);
        if (store)
            elem_set_bits(m->elem, m->data, (size_t)at, lane[i]);
        else
            lane[i] = (uint8_t)elem_get_bits(m->elem, m->data, m->splat ? 0 : (size_t)at);
    }
    if (!store)
        it->p = it->own;
    return true;
}

/* ---- loads ---- */

static void load_lanes(InterpPlan *p, Item *it, const char *from)
{
    const Lanes *fn = p->fn;
    int z = it->log2;
    int64_t n = it->scope->n;
    it->p = it->own;
    if (it->offsets) {
        fn->gather[z](it->own, from, it->offsets->p, n);
        return;
    }
    Pattern *t = it->lin->pattern;
    int64_t run = t->run;
    if (run == n && t->stride == 1) {
        it->p = (void *)(uintptr_t)from;
    } else if (run == n) {
        if (t->stride == 0)
            fn->fill[z](it->own, from, n);
        else
            fn->load_strided[z](it->own, from, t->stride, n);
    } else if (run < 8 || (t->stride != 0 && t->stride != 1)) {
        fn->gather[z](it->own, from, pattern_offsets(p, t), n);
    } else {
        const int64_t *off = pattern_offsets(p, t);
        char *d = it->own;
        size_t bytes = (size_t)run << z;
        for (int64_t i = 0; i < n; i += run, d += bytes) {
            const char *s = from + off[i] * (1 << z);
            if (t->stride == 0)
                fn->fill[z](d, s, run);
            else
                memcpy(d, s, bytes);
        }
    }
}

static bool load_masked(InterpPlan *p, Item *it, int64_t base)
{
    const int64_t *off = lane_offsets(p, it);
    Mem *m = it->mem;
    it->p = it->own;
    if (m->splat) { /* bounds are checked on the logical element */
        const uint8_t *mask = it->mask->p;
        for (int64_t i = 0; i < it->scope->n; i++)
            if (mask[i] && (uint64_t)(base + off[i]) >= (uint64_t)m->count)
                return run_out_of_bounds(p, m, base + off[i]);
        p->fn->fill[it->log2](it->own, m->data, it->scope->n);
        return true;
    }
    if (p->fn->gather_masked[it->log2](it->own, m->data, base, off, it->mask->p, m->count,
                                       it->scope->n))
        return report_lane(p, it, base, off);
    return true;
}

bool run_load(InterpPlan *p, Item *it)
{
    Mem *m = it->mem;
    int64_t base = lin_scalar(it->lin), n = it->scope->n;
    p->evals += n;
    if (it->mask && it->mask->state == MASK_NONE) {
        memset(it->own, 0, (size_t)n << it->log2);
        it->p = it->own;
        return true;
    }
    if (m->packed_bits)
        return packed(p, it, base, false);
    if (it->mask && it->mask->state == MASK_MIXED)
        return load_masked(p, it, base);
    if (!check_range(p, it, base))
        return false;
    if (m->splat) {
        it->p = it->own;
        p->fn->fill[it->log2](it->own, m->data, n);
        return true;
    }
    load_lanes(p, it, m->data + base * (1 << it->log2));
    return true;
}

/* ---- stores ---- */

static void store_lanes(InterpPlan *p, Item *it, char *to, const void *v)
{
    const Lanes *fn = p->fn;
    int z = it->log2;
    int64_t n = it->scope->n;
    if (it->offsets) {
        fn->scatter[z](to, v, it->offsets->p, n);
        return;
    }
    Pattern *t = it->lin->pattern;
    int64_t run = t->run;
    if (run == n && t->stride == 1) {
        if (to != v)
            memmove(to, v, (size_t)n << z);
    } else if (run == n) {
        fn->store_strided[z](to, v, t->stride, n);
    } else if (run < 8 || t->stride != 1) {
        fn->scatter[z](to, v, pattern_offsets(p, t), n);
    } else {
        const int64_t *off = pattern_offsets(p, t);
        const char *s = v;
        size_t bytes = (size_t)run << z;
        for (int64_t i = 0; i < n; i += run, s += bytes)
            memmove(to + off[i] * (1 << z), s, bytes);
    }
}

bool run_store(InterpPlan *p, Item *it)
{
    Mem *m = it->mem;
    int64_t base = lin_scalar(it->lin);
    if (it->mask && it->mask->state == MASK_NONE)
        return true;
    if (m->packed_bits)
        return packed(p, it, base, true);
    if (it->mask && it->mask->state == MASK_MIXED) {
        const int64_t *off = lane_offsets(p, it);
        if (p->fn->scatter_masked[it->log2](m->data, it->arg[0]->p, base, off, it->mask->p,
                                            m->count, it->scope->n))
            return report_lane(p, it, base, off);
        return true;
    }
    if (!check_range(p, it, base))
        return false;
    store_lanes(p, it, m->data + base * (1 << it->log2), it->arg[0]->p);
    return true;
}

void *store_target(InterpPlan *p, Item *store)
{
    int64_t base = lin_scalar(store->lin);
    if (!check_range(p, store, base))
        return NULL;
    return store->mem->data + base * (1 << store->log2);
}

/* ---- folds: acc = op(.. op(acc, lane 0) .., lane n-1) in place ---- */

bool run_fold(InterpPlan *p, Item *it)
{
    Mem *m = it->mem;
    int64_t base = lin_scalar(it->lin), n = it->scope->n;
    if (!check_range(p, it, base))
        return false;
    char *at = m->data + base * (1 << it->log2);
    load_lanes(p, it, at);
    void *acc = it->p;
    p->fn->fold[it->fold.side][it->fold.op][it->elem](acc, it->arg[0]->p, n, it->fold.inner->n / n);
    p->evals += it->fold.inner->n;
    if (acc == it->own)
        store_lanes(p, it, at, acc);
    return true;
}
