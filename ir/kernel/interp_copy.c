/* Copies with a permutation: dst[sum d_k i_k] = src[sum s_k i_k] over a box.
 *
 * Dimensions are sorted by destination stride and merged where both sides allow it. Rows that are
 * contiguous on both sides are memcpy; where one dimension is contiguous in the destination and
 * another in the source, both are walked in tiles, so that every cache line is used whole. */
#include "ir/kernel/interp.h"

enum { TILE_SRC = 32, TILE_DST = 64 };

static int by_dst(const CopyDim *a, const CopyDim *b)
{
    return a->dst != b->dst ? (a->dst < b->dst ? 1 : -1) : 0;
}

static void sort_dims(CopyDim *d, int n)
{
    for (int i = 1; i < n; i++) {
        CopyDim x = d[i];
        int k = i;
        for (; k > 0 && by_dst(&d[k - 1], &x) > 0; k--)
            d[k] = d[k - 1];
        d[k] = x;
    }
}

/* Every destination element is written once: strides exceed what the inner dimensions reach. */
static bool is_distinct(const CopyDim *d, int n)
{
    int64_t reach = 0, far;
    for (int k = n - 1; k >= 0; k--)
        if (d[k].dst <= reach || __builtin_mul_overflow(d[k].dst, d[k].extent - 1, &far) ||
            __builtin_add_overflow(reach, far, &reach))
            return false;
    return true;
}

static int merge_dims(CopyDim *d, int n)
{
    int m = 0;
    for (int k = 0; k < n; k++) {
        if (m && d[m - 1].dst == d[k].dst * d[k].extent && d[m - 1].src == d[k].src * d[k].extent)
            d[m - 1] = (CopyDim){d[m - 1].extent * d[k].extent, d[k].dst, d[k].src};
        else
            d[m++] = d[k];
    }
    return m;
}

bool plan_copy(InterpPlan *p, int n, const Ex *var, const int64_t *extent, const Stmt *store)
{
    Ex v = store->store.value;
    if (store->store.guard || v->op != EX_LOAD || n > MAX_AXES)
        return false;
    Mem *dst = plan_mem(p, store->store.buf), *src = plan_mem(p, v->buf);
    int64_t dc[MAX_AXES] = {0}, sc[MAX_AXES] = {0};
    Copy *c = NEW(p->arena, Copy);
    bool rest = false;
    if (!dst || !src || src->written || dst->is_reg || dst->packed_bits || src->packed_bits ||
        dst->elem != src->elem ||
        !plan_affine(p, store->store.index, n, var, dc, &c->dst_base, &rest) ||
        !plan_affine(p, v->arg[0], n, var, sc, &c->src_base, &rest) || rest)
        return false;
    c->dst = dst;
    c->src = src;
    c->dim = NEW_ARRAY(p->arena, CopyDim, n);
    for (int k = 0; k < n; k++) {
        if (extent[k] == 1)
            continue;
        bool flip = dc[k] < 0;
        if (flip) {
            c->dst_base += dc[k] * (extent[k] - 1);
            c->src_base += sc[k] * (extent[k] - 1);
        }
        c->dim[c->n++] = (CopyDim){extent[k], flip ? -dc[k] : dc[k], flip ? -sc[k] : sc[k]};
    }
    sort_dims(c->dim, c->n);
    if (!is_distinct(c->dim, c->n))
        return false;
    c->n = merge_dims(c->dim, c->n);
    Item *it = item_new(p, ITEM_COPY, dst->elem, p->uniform, p->region);
    it->copy = c;
    item_place(it, p);
    return true;
}

/* ---- running ---- */

typedef struct CopyRun {
    const Lanes *fn;
    const CopyDim *row, *column; /* innermost; and the source's contiguous one, or NULL */
    const CopyDim *outer[MAX_AXES];
    int nouter, log2;
    char *dst;
    const char *src;
} CopyRun;

static void copy_tiles(const CopyRun *r, char *dst, const char *src)
{
    const CopyDim *i = r->column, *j = r->row;
    for (int64_t jj = 0; jj < j->extent; jj += TILE_DST)
        for (int64_t ii = 0; ii < i->extent; ii += TILE_SRC)
            r->fn->transpose[r->log2](dst + ((ii * i->dst + jj) << r->log2), i->dst,
                                      src + (ii + jj * j->src) * (1 << r->log2), j->src,
                                      MIN(TILE_SRC, i->extent - ii), MIN(TILE_DST, j->extent - jj));
}

static void copy_row(const CopyRun *r, char *dst, const char *src)
{
    const CopyDim *d = r->row;
    if (!d) {
        memmove(dst, src, (size_t)1 << r->log2);
    } else if (d->dst == 1 && d->src == 1) {
        memmove(dst, src, (size_t)d->extent << r->log2);
    } else if (d->dst == 1 && d->src == 0) {
        r->fn->fill[r->log2](dst, src, d->extent);
    } else if (d->dst == 1) {
        r->fn->load_strided[r->log2](dst, src, d->src, d->extent);
    } else {
        char block[512 * 8];
        for (int64_t k = 0; k < d->extent; k += 512) {
            int64_t m = MIN(512, d->extent - k);
            r->fn->load_strided[r->log2](block, src + k * d->src * (1 << r->log2), d->src, m);
            r->fn->store_strided[r->log2](dst + ((k * d->dst) << r->log2), block, d->dst, m);
        }
    }
}

static void copy_outer(const CopyRun *r, int k, char *dst, const char *src)
{
    if (k == r->nouter) {
        (r->column ? copy_tiles : copy_row)(r, dst, src);
        return;
    }
    const CopyDim *d = r->outer[k];
    for (int64_t i = 0; i < d->extent; i++)
        copy_outer(r, k + 1, dst + ((i * d->dst) << r->log2), src + i * d->src * (1 << r->log2));
}

/* All offsets lie in [0, count); reports otherwise. */
static bool in_bounds(InterpPlan *p, const Mem *m, const Copy *c, int64_t base, bool is_dst)
{
    int64_t lo = base, hi = base;
    for (int k = 0; k < c->n; k++) {
        int64_t far;
        if (__builtin_mul_overflow(is_dst ? c->dim[k].dst : c->dim[k].src, c->dim[k].extent - 1,
                                   &far) ||
            __builtin_add_overflow(far < 0 ? lo : hi, far, far < 0 ? &lo : &hi))
            return run_out_of_bounds(p, m, base);
    }
    return lo >= 0 && hi < m->count ? true : run_out_of_bounds(p, m, lo < 0 ? lo : hi);
}

bool run_copy(InterpPlan *p, const Item *it)
{
    const Copy *c = it->copy;
    if (!in_bounds(p, c->dst, c, c->dst_base, true) || !in_bounds(p, c->src, c, c->src_base, false))
        return false;
    CopyDim splat[MAX_AXES];
    CopyRun r = {.fn = p->fn, .log2 = c->dst->log2};
    const CopyDim *dim = c->dim;
    if (c->src->splat) {
        for (int k = 0; k < c->n; k++)
            splat[k] = (CopyDim){c->dim[k].extent, c->dim[k].dst, 0};
        dim = splat;
    }
    int n = c->n;
    int64_t total = 1;
    for (int k = 0; k < n; k++)
        total *= dim[k].extent;
    r.row = n ? &dim[n - 1] : NULL;
    if (r.row && r.row->dst == 1 && r.row->src != 1 && r.row->src != 0)
        for (int k = 0; k < n - 1; k++)
            if (dim[k].src == 1)
                r.column = &dim[k];
    for (int k = 0; k < n - 1; k++)
        if (&dim[k] != r.column)
            r.outer[r.nouter++] = &dim[k];
    copy_outer(&r, 0, c->dst->data + (c->dst_base << r.log2),
               c->src->data + (c->src->splat ? 0 : c->src_base << r.log2));
    p->evals += total;
    return true;
}
