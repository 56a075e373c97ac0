/* The GEMM skeleton: register tiles of MR rows by NV vectors for every contraction.
 *
 *     parallel (batch axes, blocks of rows, panels of columns, tiles)
 *         acc[MR][NV][lane] = 0
 *         for (k)  acc[i][j] = fma(A[m + i, k], B[panel][k][j], acc[i][j])     i, j unrolled
 *         out[m + i, n + j] = epilogue(acc[i][j])
 *
 * Rows are all axes of role m, joined: one long dimension, whatever the image's shape, so tails are
 * short; the address of a row is computed once a tile. Elements of A are broadcast from where they
 * lie. B is packed into panels [panel][k][NV * lanes]: at compile time when constant, by a kernel
 * before this one when it is reused by enough rows, and read in place otherwise. Rows and columns
 * that fill no tile get kernels with exactly fitting smaller tiles.
 *
 * The tile with the least estimated time is taken: FMAs and loads at two a cycle, and no more
 * accumulators than registers: MR * NV + NV + 1 <= registers. Where joined rows cross a seam of the
 * image, a tile that divides its width needs one address; another needs one per row, and more than
 * POINTERS of those spill. */
#include "codegen/lower/contraction.h"
#include "codegen/lower/pack.h"
#include "codegen/lower/tile.h"

enum { L2_SHARE = 256 * 1024, PACK_ROWS = 24 };

typedef struct Gemm {
    Lowering   *l;
    Contraction c;
    Stage      *s;
    Ex          m_axis[MAX_AXES]; /* axes of role m, in output order */
    int         nm;
    Ex          rows;             /* product of their extents */
    Ex          k_total;
    int64_t     columns;          /* extent of the vector axis */
    int64_t     row_width;        /* addresses of rows are affine within so many; 0: in all */
    bool        pack;
} Gemm;

typedef struct Tile {
    Ex      m0, count; /* rows [m0, m0 + count * mr) */
    int     mr, nv;
    int64_t n0, panels; /* columns [n0, n0 + panels * nv * lanes), cut at limit */
    int64_t limit;
} Tile;

static int64_t rows_or(const Gemm *g, int64_t unknown)
{
    int64_t m;
    return ex_is_int(g->rows, &m) ? m : unknown;
}

/* ---- one kernel ---- */

/* m = m0 + ... expressed per row axis. */
static void map_rows(Gemm *g, AxisMap *map, Ex m)
{
    ExPool *p = g->l->pool;
    for (int i = g->nm - 1; i >= 0; i--) {
        Ex extent = ex_var_extent(p, g->m_axis[i]);
        axis_set(map, g->m_axis[i], i ? ex_floor_mod(p, m, extent) : m);
        if (i)
            m = ex_floor_div(p, m, extent);
    }
}

/* Width within which row addresses are affine, 0 when the whole length is. */
static int64_t seam_width(Gemm *g)
{
    ExPool *p = g->l->pool;
    AxisMap map = {0};
    if (g->nm < 2)
        return 0;
    map_rows(g, &map, ex_var(p, g->rows));
    Ex a = axis_apply(g->l, &map, g->c.a);
    bool seam = ex_uses_op(a, EX_FLOOR_DIV) || ex_uses_op(a, EX_FLOOR_MOD);
    return seam ? MAX(extent_of(p, g->m_axis[g->nm - 1]), 1) : 0;
}

typedef struct Body {
    Gemm *g;
    Nest  outer, inner;
    Ex    n, n_limit;  /* column; NULL limit: all exist */
    Ex    a, b, index, value;
    int   mr, nv;
    Ex    row, vec, lane;
} Body;

static Stmt *over_tile(const Body *b, Stmt *body)
{
    Arena *a = b->g->l->arena;
    body = stmt_loop(a, b->lane, LOOP_VECTOR, body);
    if (b->nv > 1)
        body = stmt_loop(a, b->vec, LOOP_UNROLLED, body);
    return b->mr > 1 ? stmt_loop(a, b->row, LOOP_UNROLLED, body) : body;
}

static Stmt *tile_body(Body *b)
{
    Lowering *l = b->g->l;
    ExPool *p = l->pool;
    int64_t lanes = l->lanes;
    Buf *reg = lower_reg(l, ELEM_F32, lanes * b->mr * b->nv);
    Ex slot = ex_add(p, ex_mul(p, ex_add(p, ex_mul(p, b->row, ex_int(p, b->nv)), b->vec), ex_int(p, lanes)), b->lane);
    Ex acc = reg_load(p, reg, slot), zero = ex_const_f(p, ELEM_F32, 0);
    Ex next = l->target->has_fma ? ex_fma(p, b->a, b->b, acc) : ex_add(p, acc, ex_mul(p, b->a, b->b));
    Stmt *init = over_tile(b, stmt_store(l->arena, reg, slot, zero, NULL));
    Stmt *step = over_tile(b, stmt_store(l->arena, reg, slot, next, NULL));
    Buf *out = b->g->s->stores.at[0].buf;
    Ex value = with_acc(l, b->value, 1, &acc), guard = NULL;
    if (b->n_limit) {
        guard = ex_lt(p, b->n, b->n_limit);
        value = ex_guard(p, guard, value, ex_const(p, out->elem, 0));
    }
    Stmt *store = over_tile(b, stmt_store(l->arena, out, b->index, value, guard));
    return stmt_seq(stmt_seq(init, nest_close(&b->inner, step)), store);
}

/* The loop over reduction axis i: long ones are unrolled by 2 or 4. */
static Ex k_loop(Lowering *l, Nest *n, Ex extent, bool innermost, int work)
{
    ExPool *p = l->pool;
    int64_t e;
    if (!innermost || !ex_is_int(extent, &e))
        return nest_loop(n, LOOP_SERIAL, extent);
    if (e <= 12 && e * work <= 160)
        return nest_loop(n, LOOP_UNROLLED, extent);
    int by = e % 4 == 0 && work <= 16 ? 4 : e % 2 == 0 && work < 24 ? 2 : 1;
    if (by == 1)
        return nest_loop(n, LOOP_SERIAL, extent);
    Ex outer = nest_loop(n, LOOP_SERIAL, ex_int(p, e / by));
    return ex_add(p, ex_mul(p, outer, ex_int(p, by)), nest_loop(n, LOOP_UNROLLED, ex_int(p, by)));
}

/* Tiles of rows that share a panel of B while it is in L1, in blocks whose rows of A fit L2. */
static int64_t tiles_per_block(const Gemm *g, const Tile *t)
{
    int64_t tiles, k;
    if (!ex_is_int(t->count, &tiles) || !ex_is_int(g->k_total, &k) || t->panels == 1)
        return 1;
    int64_t fit = MAX(L2_SHARE / (4 * k * t->mr), 1);
    for (int64_t d = MIN(fit, tiles); d > 1; d--)
        if (tiles % d == 0)
            return d;
    return 1;
}

static Status emit_tile(Gemm *g, const Tile *t)
{
    Lowering *l = g->l;
    ExPool *p = l->pool;
    Body b = {.g = g, .outer.l = l, .inner.l = l, .mr = t->mr, .nv = t->nv};
    int64_t width = (int64_t)t->nv * l->lanes;
    AxisMap map = {0};
    for (int i = 0; i < g->s->naxis; i++) {
        bool other_n = g->c.role[i] == ROLE_N && i != g->c.n;
        if (g->c.role[i] == ROLE_BATCH || g->c.role[i] == ROLE_REPEAT || other_n)
            axis_set(&map, g->s->axis[i], nest_loop(&b.outer, LOOP_PARALLEL, ex_var_extent(p, g->s->axis[i])));
    }
    int64_t block = tiles_per_block(g, t);
    bool columns_first = !ex_is_int(t->count, NULL);
    Ex panel = NULL;
    if (columns_first)
        panel = nest_loop(&b.outer, LOOP_PARALLEL, ex_int(p, t->panels));
    Ex m_block = nest_loop(&b.outer, LOOP_PARALLEL, ex_floor_div(p, t->count, ex_int(p, block)));
    if (!columns_first)
        panel = nest_loop(&b.outer, LOOP_PARALLEL, ex_int(p, t->panels));
    Ex m_tile = nest_loop(&b.outer, LOOP_PARALLEL, ex_int(p, block));
    b.row = t->mr > 1 ? ex_var(p, ex_int(p, t->mr)) : ex_int(p, 0);
    b.vec = t->nv > 1 ? ex_var(p, ex_int(p, t->nv)) : ex_int(p, 0);
    b.lane = ex_var(p, ex_int(p, l->lanes));
    Ex tile = ex_add(p, ex_mul(p, m_block, ex_int(p, block)), m_tile);
    Ex m = ex_add(p, ex_add(p, t->m0, ex_mul(p, tile, ex_int(p, t->mr))), b.row);
    Ex column = ex_add(p, ex_mul(p, b.vec, ex_int(p, l->lanes)), b.lane);
    b.n = ex_add(p, ex_add(p, ex_int(p, t->n0), ex_mul(p, panel, ex_int(p, width))), column);
    if (t->n0 + t->panels * width > t->limit)
        b.n_limit = ex_int(p, t->limit);
    map_rows(g, &map, m);
    axis_set(&map, g->s->axis[g->c.n], b.n);
    for (int i = 0; i < g->s->nred; i++)
        axis_set(&map, g->s->red[i], k_loop(l, &b.inner, ex_var_extent(p, g->s->red[i]), i == g->s->nred - 1, t->mr * t->nv));
    b.a = axis_apply(l, &map, g->c.a);
    b.b = axis_apply(l, &map, g->c.b);
    if (g->pack) {
        PackSpec spec = {.operand = g->c.b, .n_axis = g->s->axis[g->c.n], .n0 = t->n0,
                         .panels = t->panels, .width = width, .limit = t->limit};
        TRY(pack_operand(l, g->s, &spec, &b.b));
        Ex from[] = {spec.panel_var, spec.column_var}, to[] = {panel, column};
        b.b = axis_apply(l, &map, ex_subst(p, b.b, 2, from, to));
    } else if (b.n_limit) {
        b.b = ex_guard(p, ex_lt(p, b.n, b.n_limit), b.b, ex_const_f(p, ELEM_F32, 0));
    }
    b.index = axis_apply(l, &map, g->s->stores.at[0].index[0]);
    b.value = axis_apply(l, &map, g->s->stores.at[0].value);
    Ex macs = ex_mul(p, ex_mul(p, t->count, ex_int(p, (int64_t)t->mr * MIN(t->panels * width, t->limit - t->n0))), g->k_total);
    for (int i = 0; i < g->s->naxis; i++)
        if (g->c.role[i] == ROLE_BATCH || (g->c.role[i] == ROLE_N && i != g->c.n))
            macs = ex_mul(p, macs, ex_var_extent(p, g->s->axis[i]));
    Stmt *body = tile_body(&b);
    return lower_emit(l, g->s, "gemm", "gemm", nest_close(&b.outer, body), macs);
}

/* All rows for columns [n0, n0 + panels * nv vectors): whole tiles, then the rest of the rows. */
static Status emit_columns(Gemm *g, int64_t n0, int64_t panels, int nv, int mr)
{
    ExPool *p = g->l->pool;
    Tile t = {.m0 = ex_int(p, 0), .mr = mr, .nv = nv, .n0 = n0, .panels = panels, .limit = g->columns};
    int64_t m;
    t.count = ex_floor_div(p, g->rows, ex_int(p, mr));
    if (!ex_is(t.count, 0))
        TRY(emit_tile(g, &t));
    t.m0 = ex_mul(p, t.count, ex_int(p, mr));
    if (ex_is_int(g->rows, &m)) {
        if (m % mr == 0)
            return MLC_OK;
        t.mr = (int)(m % mr);
        t.count = ex_int(p, 1);
    } else {
        if (mr == 1)
            return MLC_OK;
        t.mr = 1;
        t.count = ex_floor_mod(p, g->rows, ex_int(p, mr));
    }
    return emit_tile(g, &t);
}

/* ---- the stage ---- */

static bool choose_packing(Gemm *g)
{
    const Contraction *c = &g->c;
    if (c->b_constant)
        return true;
    if (c->window)
        return false;
    return !c->b_contiguous || rows_or(g, PACK_ROWS) >= PACK_ROWS;
}

Status skeleton_gemm(Lowering *l, Stage *s)
{
    ExPool *p = l->pool;
    Gemm g = {.l = l, .s = s};
    if (!contraction_match(l, s, &g.c))
        return MLC_NO;
    g.columns = extent_of(p, s->axis[g.c.n]);
    if (s->naxis + s->nred + 2 > MAX_RANK)
        return MLC_NO;
    g.rows = ex_int(p, 1);
    g.k_total = ex_int(p, 1);
    for (int i = 0; i < s->naxis; i++)
        if (g.c.role[i] == ROLE_M) {
            g.m_axis[g.nm++] = s->axis[i];
            g.rows = ex_mul(p, g.rows, ex_var_extent(p, s->axis[i]));
        }
    g.pack = choose_packing(&g);
    if (!g.pack && !g.c.b_contiguous)
        return MLC_NO;
    contraction_order(l, s, g.c.a);
    if (g.pack)
        contraction_join(l, s, &g.c.a, &g.c.b);
    for (int i = 0; i < s->nred; i++)
        g.k_total = ex_mul(p, g.k_total, ex_var_extent(p, s->red[i]));
    g.row_width = seam_width(&g);
    int mr = 1, nv = 1;
    int64_t vectors = (g.columns + l->lanes - 1) / l->lanes;
    tile_choose(l, g.row_width, rows_or(&g, 96), g.columns, &mr, &nv);
    int64_t panels = vectors / nv, whole = panels * nv * l->lanes;
    if (panels && whole > g.columns && panels > 1 && nv > 1) {
        panels--; /* only the last panel needs masks */
        whole = panels * nv * l->lanes;
    }
    if (panels)
        TRY(emit_columns(&g, 0, panels, nv, mr));
    if (whole < g.columns) {
        int rest_nv = (int)((g.columns - whole + l->lanes - 1) / l->lanes), rest_mr = 1, unused = 1;
        tile_choose(l, g.row_width, rows_or(&g, 96), (int64_t)rest_nv * l->lanes, &rest_mr, &unused);
        rest_mr = 0;
        tile_panel_cycles(l, g.row_width, rows_or(&g, 96), rest_nv, &rest_mr);
        TRY(emit_columns(&g, whole, 1, rest_nv, rest_mr));
    }
    return MLC_OK;
}
