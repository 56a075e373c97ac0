/* The Winograd skeleton: a contraction whose rows slide a constant 3x3 filter over an image, in steps
 * of one, with 36 products for each 4x4 outputs instead of 144: F(4x4, 3x3), points 0, 1, -1, 2, -2 and
 * infinity (Lavin and Gray, 2015).
 *
 *     V = B' d B      of each 6x6 piece d of the image, which overlaps its neighbours by 2
 *     M = V U         36 small matrix products; U = G g G' of each filter g, at compile time, in double
 *     Y = A' M A      the 4x4 outputs
 *
 *     parallel (parts)
 *         for (blocks of a part)
 *             for (tiles of the block)  V[36][tile][channel]
 *             for (36, panels, tiles)   M[36][tile][column] = sum over channels of V U
 *             for (tiles of the block)  out = epilogue(Y)
 *
 * A block is so long that V and M stay in the L2 cache; each part has a V and an M of its own. Pieces
 * beyond the edge read the last row or column again: outputs that exist do not depend on them.
 *
 * Sums are reassociated: --strict forbids it. Where the transforms or the larger U cost more than they
 * save, the stage is left to the GEMM skeleton. */
#include "codegen/lower/contraction.h"
#include "codegen/lower/pack.h"
#include "codegen/lower/tile.h"

enum { OUT = 4, TAPS = 3, IN = OUT + TAPS - 1, POINTS = IN * IN };
enum { PARTS = 8, LARGE_EXPR = 40, SIZE_LEVEL = 4 };

typedef struct Winograd {
    Lowering   *l;
    Contraction c;
    Stage      *s;
    Ex          outer[MAX_AXES]; /* rows that are no image axes */
    int         nouter;
    Ex          axis[2], tap[2]; /* image axes and the filter's: vertical, horizontal */
    Ex          channel;
    int64_t     channels, columns;
    Ex          tiles[2], all;   /* tiles of an image axis; all of them */
    int64_t     likely;          /* tiles that are cut into equal blocks: all, or those of an image */
    int         mr, nv;
    int64_t     block, panels;   /* tiles of a block; panels of nv vectors */
    int64_t     v_row, m_row, v_plane, m_plane; /* strides of V and M */
    Buf        *u, *v, *m;
    Ex          part, first;     /* of a part; the first tile of a block */
} Winograd;

/* ---- the transforms in one dimension ---- */

typedef void (*Transform)(const Lowering *l, const Ex *from, Ex *to);

/* a * k + b */
static Ex scaled_add(const Lowering *l, Ex a, double k, Ex b)
{
    Ex f = ex_const_f(l->pool, ELEM_F32, k);
    return l->target->has_fma ? ex_fma(l->pool, a, f, b) : ex_add(l->pool, ex_mul(l->pool, a, f), b);
}

static void input_transform(const Lowering *l, const Ex *d, Ex *v)
{
    ExPool *p = l->pool;
    Ex a = scaled_add(l, d[2], -4, d[4]), b = scaled_add(l, d[1], -4, d[3]);
    Ex c = ex_sub(p, d[4], d[2]), e = ex_sub(p, d[3], d[1]);
    v[0] = scaled_add(l, d[0], 4, scaled_add(l, d[2], -5, d[4]));
    v[1] = ex_add(p, a, b);
    v[2] = ex_sub(p, a, b);
    v[3] = scaled_add(l, e, 2, c);
    v[4] = scaled_add(l, e, -2, c);
    v[5] = scaled_add(l, d[1], 4, scaled_add(l, d[3], -5, d[5]));
}

static void output_transform(const Lowering *l, const Ex *m, Ex *y)
{
    ExPool *p = l->pool;
    Ex s = ex_add(p, m[1], m[2]), d = ex_sub(p, m[1], m[2]);
    Ex t = ex_add(p, m[3], m[4]), u = ex_sub(p, m[3], m[4]);
    y[0] = ex_add(p, m[0], ex_add(p, s, t));
    y[1] = scaled_add(l, u, 2, d);
    y[2] = scaled_add(l, t, 4, s);
    y[3] = ex_add(p, scaled_add(l, u, 8, d), m[5]);
}

/* G g, for taps that are `step` apart. */
static void filter_transform(const double *g, int step, double *u, int to)
{
    double even = g[0] + g[2 * step], odd = g[step];
    double far = g[0] + 4 * g[2 * step];
    u[0] = g[0] / 4;
    u[to] = -(even + odd) / 6;
    u[2 * to] = -(even - odd) / 6;
    u[3 * to] = (far + 2 * odd) / 24;
    u[4 * to] = (far - 2 * odd) / 24;
    u[5 * to] = g[2 * step];
}

/* ---- does it fit? ---- */

/* The image axis that a tap of the filter moves along, or -1. */
static int axis_of_tap(const Winograd *w, Ex tap)
{
    ExPool *p = w->l->pool;
    Ex at = w->c.a->arg[0], c = ex_affine(p, at, tap, NULL);
    for (int i = 0; c && i < w->s->naxis; i++)
        if (w->c.role[i] == ROLE_M && ex_affine(p, at, w->s->axis[i], NULL) == c)
            return i;
    return -1;
}

static bool find_axes(Winograd *w)
{
    ExPool *p = w->l->pool;
    Stage *s = w->s;
    int at[2], n = 0;
    if (w->c.a->op != EX_LOAD || stored_constant(w->c.b)->op != EX_LOAD || !w->c.b_constant || s->nred != 3)
        return false;
    for (int i = 0; i < s->nred; i++) {
        int axis = extent_of(p, s->red[i]) == TAPS ? axis_of_tap(w, s->red[i]) : -1;
        if (axis >= 0 && n < 2) {
            at[n] = axis;
            w->tap[n++] = s->red[i];
        } else {
            w->channel = s->red[i];
        }
    }
    Ex channel = w->channel && n == 2 ? ex_affine(p, w->c.a->arg[0], w->channel, NULL) : NULL;
    if (!channel || !ex_is(channel, 1) || at[0] == at[1])
        return false;
    for (int i = 0; i < s->naxis; i++) {
        if (i == at[0] || i == at[1])
            w->axis[i == at[1]] = s->axis[i];
        else if (w->c.role[i] == ROLE_M)
            w->outer[w->nouter++] = s->axis[i];
        else if (i != w->c.n)
            return false;
    }
    w->channels = extent_of(p, w->channel);
    w->columns = extent_of(p, s->axis[w->c.n]);
    Ex store = ex_affine(p, s->stores.at[0].index[0], s->axis[w->c.n], NULL);
    return store && ex_is(store, 1) && w->channels > 0;
}

/* The widest vectors, up to a register, that n elements fill. */
static int64_t vector_width(const Lowering *l, int64_t n)
{
    int64_t width = l->lanes;
    while (width > 1 && n % width)
        width /= 2;
    return width;
}

static void find_tiles(Winograd *w)
{
    enum { SOME = 96 };
    ExPool *p = w->l->pool;
    Ex image = ex_int(p, 1);
    for (int i = 0; i < 2; i++) {
        w->tiles[i] = ex_ceil_div(p, ex_var_extent(p, w->axis[i]), ex_int(p, OUT));
        image = ex_mul(p, image, w->tiles[i]);
    }
    w->all = image;
    for (int i = 0; i < w->nouter; i++)
        w->all = ex_mul(p, w->all, ex_var_extent(p, w->outer[i]));
    if (!ex_is_int(w->all, &w->likely) && !ex_is_int(image, &w->likely))
        w->likely = SOME;
}

/* Tiles, panels and blocks: blocks of equal length whose V and M fit. */
static void choose_blocks(Winograd *w)
{
    enum { LEAST = 12, PAD = 16 };
    const Lowering *l = w->l;
    int64_t vectors = (w->columns + l->lanes - 1) / l->lanes, cache = l->target->l2_bytes;
    int64_t longest = MAX(cache / ((w->channels + w->columns) * POINTS * 4), LEAST), blocks;
    double best = 0;
    for (int v = 1; v <= 4 && v <= vectors; v++) {
        int m;
        int64_t panels = (vectors + v - 1) / v;
        double t = (double)panels * tile_panel_cycles(l, 0, MIN(w->likely, longest), v, &m);
        if (best && t >= best)
            continue;
        best = t;
        w->nv = v;
        w->mr = m;
        w->panels = panels;
    }
    blocks = (w->likely + longest - 1) / longest;
    w->block = (w->likely + blocks - 1) / blocks;
    if (blocks > 1)
        w->block = MIN((w->block + w->mr - 1) / w->mr, longest / w->mr) * w->mr;
    w->v_row = w->channels + (w->channels % 256 ? 0 : l->lanes);
    w->m_row = w->panels * w->nv * l->lanes;
    w->v_plane = w->block * w->v_row + PAD;
    w->m_plane = w->block * w->m_row + PAD;
}

/* Cycles of a tile here against 16 outputs one by one. */
static bool is_worth_it(const Winograd *w)
{
    enum { VERTICES = 110, OUTPUTS = 90, WEIGHTS_PER_CYCLE = 8 };
    const Lowering *l = w->l;
    int64_t dim[2], least = l->lanes / 2;
    int64_t wide = vector_width(l, w->channels), out = vector_width(l, w->columns);
    double filled = 1, rate = 2.0 * l->lanes;
    if (wide < MAX(least, 4) || out < MAX(least, 4) || (int64_t)POINTS * 4 * w->channels * w->m_row > l->target->l3_bytes)
        return false;
    for (int i = 0; i < 2; i++)
        if (ex_is_int(ex_var_extent(l->pool, w->axis[i]), &dim[i]))
            filled *= (double)dim[i] / (double)((dim[i] + OUT - 1) / OUT * OUT);
    double products = (double)w->channels * (double)w->m_row;
    double direct = filled * OUT * OUT * TAPS * TAPS * products / rate;
    double matrix = POINTS * products / (w->nv * l->lanes) * tile_cycles(w->mr, w->nv) / w->mr;
    double transforms = (double)(w->channels / wide * VERTICES + w->columns / out * OUTPUTS);
    double weights = POINTS * products / (double)(w->block * WEIGHTS_PER_CYCLE);
    return direct > 1.25 * (matrix + transforms + weights);
}

/* ---- the filters ---- */

/* The filters in the order [vertical][horizontal][channel][column]. */
static Status ordered_filters(const Winograd *w, Tensor **out)
{
    Lowering *l = w->l;
    ExPool *p = l->pool;
    Stage *s = NEW(l->arena, Stage);
    Ex axis[] = {w->tap[0], w->tap[1], w->channel, w->s->axis[w->c.n]}, dim[COUNT_OF(axis)], stride[COUNT_OF(axis)];
    StageStore o = {.value = w->c.b, .index = {ex_int(p, 0)}};
    for (size_t i = 0; i < COUNT_OF(axis); i++)
        dim[i] = ex_var_extent(p, axis[i]);
    Ex size = buf_row_major(p, COUNT_OF(axis), dim, stride);
    for (size_t i = 0; i < COUNT_OF(axis); i++) {
        s->axis[s->naxis++] = axis[i];
        o.index[0] = ex_add(p, o.index[0], ex_mul(p, axis[i], stride[i]));
    }
    o.buf = lower_buf(l, "filters", ELEM_F32, SPACE_TEMP, 1, &size);
    s->origin = w->s->origin;
    vec_push(l->arena, &s->stores, o);
    TRY(fold_stage(l, s, o.buf));
    *out = (Tensor *)o.buf->data;
    return MLC_OK;
}

/* U[point][panel][channel][column of the panel]; columns that do not exist are 0. */
static Status transform_filters(Winograd *w)
{
    Lowering *l = w->l;
    Tensor *filters, *t;
    int64_t width = (int64_t)w->nv * l->lanes, plane = w->channels * w->m_row, size = POINTS * plane;
    TRY(ordered_filters(w, &filters));
    const float *g = (const float *)filters->data;
    t = tensor_new(l->arena, ELEM_F32, 1, &size);
    float *u = (float *)t->data;
    for (int64_t c = 0; c < w->channels; c++)
        for (int64_t n = 0; n < w->m_row; n++) {
            double tap[TAPS * TAPS] = {0}, half[IN * TAPS], full[POINTS];
            for (int i = 0; i < TAPS * TAPS && n < w->columns; i++)
                tap[i] = (double)g[(i * w->channels + c) * w->columns + n];
            for (int j = 0; j < TAPS; j++)
                filter_transform(tap + j, TAPS, half + j, TAPS);
            for (int i = 0; i < IN; i++)
                filter_transform(half + (ptrdiff_t)i * TAPS, 1, full + (ptrdiff_t)i * IN, 1);
            for (int i = 0; i < POINTS; i++)
                u[i * plane + (n / width * w->channels + c) * width + n % width] = (float)full[i];
        }
    Ex count = ex_int(l->pool, size);
    w->u = lower_buf(l, "winograd_filters", ELEM_F32, SPACE_CONST, 1, &count);
    w->u->data = t;
    return MLC_OK;
}

/* ---- the kernel ---- */

static Ex plus(ExPool *p, Ex a, int64_t b) { return ex_add(p, a, ex_int(p, b)); }
static Ex times(ExPool *p, Ex a, int64_t b) { return ex_mul(p, a, ex_int(p, b)); }

/* Rows of the stage in terms of a tile: outer axes, and the tile's place in the image. */
static void place_tile(const Winograd *w, Ex tile, AxisMap *map, Ex *place)
{
    ExPool *p = w->l->pool;
    for (int i = 1; i >= 0; i--) {
        place[i] = times(p, i || w->nouter ? ex_floor_mod(p, tile, w->tiles[i]) : tile, OUT);
        tile = ex_floor_div(p, tile, w->tiles[i]);
    }
    for (int i = w->nouter - 1; i >= 0; i--) {
        Ex extent = ex_var_extent(p, w->outer[i]);
        axis_set(map, w->outer[i], i ? ex_floor_mod(p, tile, extent) : tile);
        tile = ex_floor_div(p, tile, extent);
    }
}

/* Row or column number k of a piece that starts at `place`; not beyond the last one that there is. */
static Ex row_of_piece(const Winograd *w, int i, Ex place, int k)
{
    ExPool *p = w->l->pool;
    int64_t dim = -1;
    Ex extent = ex_var_extent(p, w->axis[i]), at = plus(p, place, k);
    bool exact = ex_is_int(extent, &dim) && k < (dim - 1) % OUT + TAPS;
    return k < TAPS || exact ? at : ex_min(p, at, plus(p, extent, TAPS - 2));
}

static Stmt *in_lanes(const Winograd *w, Ex lane, Stmt *body)
{
    return stmt_loop(w->l->arena, lane, LOOP_VECTOR, body);
}

static Stmt *to_reg(const Winograd *w, Buf *reg, int slot, Ex lane, int64_t width, Ex value)
{
    return stmt_store(w->l->arena, reg, plus(w->l->pool, lane, slot * width), value, NULL);
}

/* `n` lines of `count` values x[line][k], or x[k][line], become values of reg, transformed. */
static Stmt *transform_lines(const Winograd *w, Transform f, const Ex (*x)[IN], int n, int to, Buf *reg,
                             Ex lane, int64_t width, bool columns)
{
    Stmt *all = NULL;
    for (int line = 0; line < n; line++) {
        Ex from[IN], out[IN];
        for (int k = 0; k < IN; k++)
            from[k] = columns ? x[k][line] : x[line][k];
        f(w->l, from, out);
        for (int k = 0; k < to; k++) {
            int slot = columns ? k * n + line : line * to + k;
            all = stmt_seq(all, to_reg(w, reg, slot, lane, width, out[k]));
        }
    }
    return in_lanes(w, lane, all);
}

static Ex v_index(const Winograd *w, Ex point, Ex tile)
{
    ExPool *p = w->l->pool;
    Ex at = ex_add(p, times(p, w->part, POINTS * w->v_plane), times(p, point, w->v_plane));
    return ex_add(p, at, times(p, tile, w->v_row));
}

static Ex m_index(const Winograd *w, Ex point, Ex tile)
{
    ExPool *p = w->l->pool;
    Ex at = ex_add(p, times(p, w->part, POINTS * w->m_plane), times(p, point, w->m_plane));
    return ex_add(p, at, times(p, tile, w->m_row));
}

static Ex reg_at(const Winograd *w, const Buf *reg, int slot, Ex lane, int64_t width)
{
    return reg_load(w->l->pool, reg, plus(w->l->pool, lane, slot * width));
}

/* V of one block. */
static Stmt *transform_inputs(const Winograd *w)
{
    Lowering *l = w->l;
    ExPool *p = l->pool;
    int64_t width = vector_width(l, w->channels);
    Nest nest = {.l = l};
    Ex t = nest_loop(&nest, LOOP_SERIAL, ex_int(p, w->block));
    Ex piece = nest_loop(&nest, LOOP_SERIAL, ex_int(p, w->channels / width));
    Ex lane = ex_var(p, ex_int(p, width)), place[2], x[IN][IN], y[IN][IN];
    Ex tile = ex_add(p, w->first, t), channel = ex_add(p, times(p, piece, width), lane);
    if (!ex_proved_lt(p, tile, w->all))
        tile = ex_min(p, tile, plus(p, w->all, -1));
    Buf *half = lower_reg(l, ELEM_F32, POINTS * width);
    AxisMap map = {0};
    place_tile(w, tile, &map, place);
    axis_set(&map, w->channel, channel);
    axis_set(&map, w->axis[0], ex_int(p, 0));
    axis_set(&map, w->axis[1], ex_int(p, 0));
    for (int i = 0; i < POINTS; i++) {
        AxisMap at = map;
        axis_set(&at, w->tap[0], row_of_piece(w, 0, place[0], i / IN));
        axis_set(&at, w->tap[1], row_of_piece(w, 1, place[1], i % IN));
        x[i / IN][i % IN] = axis_apply(l, &at, w->c.a);
        y[i / IN][i % IN] = reg_at(w, half, i, lane, width);
    }
    Stmt *body = transform_lines(w, input_transform, x, IN, IN, half, lane, width, true), *store = NULL;
    for (int i = 0; i < IN; i++) {
        Ex out[IN];
        input_transform(l, y[i], out);
        for (int j = 0; j < IN; j++) {
            Ex index = ex_add(p, v_index(w, ex_int(p, i * IN + j), t), channel);
            store = stmt_seq(store, stmt_store(l->arena, w->v, index, out[j], NULL));
        }
    }
    return nest_close(&nest, stmt_seq(body, in_lanes(w, lane, store)));
}

/* M of the tiles [t0, t0 + count * mr) of the block. */
static Stmt *multiply(const Winograd *w, int64_t t0, int64_t count, int mr)
{
    Lowering *l = w->l;
    ExPool *p = l->pool;
    Arena *a = l->arena;
    int64_t width = (int64_t)w->nv * l->lanes, by = w->channels % 4 ? 1 : mr * w->nv <= 16 ? 4 : 2;
    Nest nest = {.l = l}, inner = {.l = l};
    Ex point = nest_loop(&nest, LOOP_SERIAL, ex_int(p, POINTS));
    Ex panel = nest_loop(&nest, LOOP_SERIAL, ex_int(p, w->panels));
    Ex group = nest_loop(&nest, LOOP_SERIAL, ex_int(p, count));
    Ex row = ex_var(p, ex_int(p, mr)), vec = ex_var(p, ex_int(p, w->nv)), lane = ex_var(p, ex_int(p, l->lanes));
    Ex k = times(p, nest_loop(&inner, LOOP_SERIAL, ex_int(p, w->channels / by)), by);
    k = ex_add(p, k, nest_loop(&inner, LOOP_UNROLLED, ex_int(p, by)));
    Ex t = ex_add(p, plus(p, times(p, group, mr), t0), row), column = ex_add(p, times(p, vec, l->lanes), lane);
    Ex slot = ex_add(p, times(p, row, width), column);
    Buf *reg = lower_reg(l, ELEM_F32, mr * width);
    Ex v = ex_add(p, v_index(w, point, t), k);
    Ex u = ex_add(p, times(p, ex_add(p, times(p, point, w->panels), panel), w->channels), k);
    u = ex_add(p, times(p, u, width), column);
    Ex m = ex_add(p, ex_add(p, m_index(w, point, t), times(p, panel, width)), column);
    Ex sum = reg_load(p, reg, slot), x = ex_load(p, w->v, ELEM_F32, 1, &v), y = ex_load(p, w->u, ELEM_F32, 1, &u);
    Ex next = l->target->has_fma ? ex_fma(p, x, y, sum) : ex_add(p, sum, ex_mul(p, x, y));
    Stmt *step[] = {stmt_store(a, reg, slot, ex_const_f(p, ELEM_F32, 0), NULL),
                    stmt_store(a, reg, slot, next, NULL), stmt_store(a, w->m, m, sum, NULL)};
    for (size_t i = 0; i < COUNT_OF(step); i++)
        step[i] = stmt_loop(a, row, LOOP_UNROLLED, stmt_loop(a, vec, LOOP_UNROLLED, in_lanes(w, lane, step[i])));
    return nest_close(&nest, stmt_seq(stmt_seq(step[0], nest_close(&inner, step[1])), step[2]));
}

/* The outputs of a tile out of reg, those that exist. */
static Stmt *store_outputs(const Winograd *w, Buf *reg, const AxisMap *tile, const Ex *place, Ex lane, int64_t width)
{
    Lowering *l = w->l;
    ExPool *p = l->pool;
    const StageStore *o = &w->s->stores.at[0];
    LoopKind kind = ex_size(p, o->value) > LARGE_EXPR ? LOOP_SERIAL : LOOP_UNROLLED;
    Ex at[2], exists = ex_bool(p, true);
    AxisMap map = *tile;
    for (int i = 0; i < 2; i++) {
        at[i] = ex_var(p, ex_int(p, OUT));
        Ex row = ex_add(p, place[i], at[i]), extent = ex_var_extent(p, w->axis[i]);
        axis_set(&map, w->axis[i], row);
        if (!ex_is(ex_floor_mod(p, extent, ex_int(p, OUT)), 0))
            exists = ex_and(p, exists, ex_lt(p, row, extent));
    }
    Ex slot = ex_add(p, times(p, ex_add(p, times(p, at[0], OUT), at[1]), width), lane), y = reg_load(p, reg, slot);
    Ex value = with_acc(l, axis_apply(l, &map, o->value), 1, &y);
    Stmt *body = in_lanes(w, lane, stmt_store(l->arena, o->buf, axis_apply(l, &map, o->index[0]), value, NULL));
    if (exists != ex_bool(p, true))
        body = stmt_if(l->arena, exists, body, NULL);
    return stmt_loop(l->arena, at[0], kind, stmt_loop(l->arena, at[1], kind, body));
}

/* Y of one block. */
static Stmt *transform_outputs(const Winograd *w)
{
    Lowering *l = w->l;
    ExPool *p = l->pool;
    int64_t width = vector_width(l, w->columns);
    Nest nest = {.l = l};
    Ex t = nest_loop(&nest, LOOP_SERIAL, ex_int(p, w->block));
    Ex piece = nest_loop(&nest, LOOP_SERIAL, ex_int(p, w->columns / width));
    Ex lane = ex_var(p, ex_int(p, width)), tile = ex_add(p, w->first, t), place[2], x[IN][IN], h[OUT][IN];
    Ex column = ex_add(p, times(p, piece, width), lane);
    Buf *half = lower_reg(l, ELEM_F32, OUT * IN * width), *full = lower_reg(l, ELEM_F32, OUT * OUT * width);
    AxisMap map = {0};
    place_tile(w, tile, &map, place);
    axis_set(&map, w->s->axis[w->c.n], column);
    for (int i = 0; i < POINTS; i++) {
        Ex index = ex_add(p, m_index(w, ex_int(p, i), t), column);
        x[i / IN][i % IN] = ex_load(p, w->m, ELEM_F32, 1, &index);
        if (i < OUT * IN)
            h[i / IN][i % IN] = reg_at(w, half, i, lane, width);
    }
    Stmt *body = transform_lines(w, output_transform, x, IN, OUT, half, lane, width, true);
    body = stmt_seq(body, transform_lines(w, output_transform, h, OUT, OUT, full, lane, width, false));
    body = stmt_seq(body, store_outputs(w, full, &map, place, lane, width));
    if (!ex_proved_lt(p, tile, w->all))
        body = stmt_if(l->arena, ex_lt(p, tile, w->all), body, NULL);
    return nest_close(&nest, body);
}

static Buf *scratch(const Winograd *w, const char *name, int64_t parts, int64_t plane)
{
    Ex size = ex_int(w->l->pool, parts * POINTS * plane);
    return lower_buf(w->l, name, ELEM_F32, SPACE_TEMP, 1, &size);
}

static Status emit(Winograd *w)
{
    Lowering *l = w->l;
    ExPool *p = l->pool;
    Nest nest = {.l = l};
    int64_t known, parts = PARTS;
    Ex blocks = ex_ceil_div(p, w->all, ex_int(p, w->block)), length = ex_ceil_div(p, blocks, ex_int(p, PARTS));
    if (ex_is_int(blocks, &known)) {
        parts = (known + length->i - 1) / length->i;
    }
    w->v = scratch(w, "winograd_in", parts, w->v_plane);
    w->m = scratch(w, "winograd_out", parts, w->m_plane);
    w->part = nest_loop(&nest, LOOP_PARALLEL, ex_int(p, parts));
    Ex block = ex_add(p, ex_mul(p, w->part, length), nest_loop(&nest, LOOP_SERIAL, length));
    w->first = times(p, block, w->block);
    int64_t rest = w->block % w->mr;
    Stmt *body = stmt_seq(transform_inputs(w), multiply(w, 0, w->block / w->mr, w->mr));
    if (rest)
        body = stmt_seq(body, multiply(w, w->block - rest, 1, (int)rest));
    body = stmt_seq(body, transform_outputs(w));
    if (!ex_proved_lt(p, block, blocks))
        body = stmt_if(l->arena, ex_lt(p, block, blocks), body, NULL);
    return lower_emit(l, w->s, "winograd", "winograd", nest_close(&nest, body), stage_points(p, w->s, true));
}

Status skeleton_winograd(Lowering *l, Stage *s)
{
    Winograd w = {.l = l, .s = s};
    if (l->options->strict || l->options->level == SIZE_LEVEL || !contraction_match(l, s, &w.c) || !find_axes(&w))
        return MLC_NO;
    find_tiles(&w);
    choose_blocks(&w);
    if (!is_worth_it(&w))
        return MLC_NO;
    TRY(transform_filters(&w));
    return emit(&w);
}
