/* GridSample: y[n, c, o...] = x[n, c] at the real coordinates grid[n, o..., :], which lie in [-1, 1]
 * for positions inside x and name the last spatial axis first.
 *
 *     align_corners   p = (g + 1) / 2 * (size - 1), inside [0, size - 1]
 *     otherwise       p = ((g + 1) * size - 1) / 2, inside [-1/2, size - 1/2]
 *
 * Outside, p is clamped (border), mirrored at the limits (reflection) or reads 0 (zeros); taps of
 * the linear and cubic interpolation that fall outside are treated in the same way. */
#include "ir/ops/check.h"

#define GRID_ATTRS(A, S)                                                       \
    A(S, int, align_corners, "0", "1: -1 and 1 are centers of the outer elements") \
    A(S, str, mode, "linear", "linear, nearest or cubic")                      \
    A(S, str, padding_mode, "zeros", "zeros, border or reflection")
ATTRS(GridAttrs, GRID_ATTRS);

enum { MAX_GRID = 3 };

typedef enum GridMode { GRID_LINEAR, GRID_NEAREST, GRID_CUBIC } GridMode;
typedef enum GridPadding { PAD_ZEROS, PAD_BORDER, PAD_REFLECTION } GridPadding;

/* The position of `word` among the three of a list, -1 when it is none. */
static int choice(const char *word, const char *const list[3])
{
    for (int i = 0; i < 3; i++)
        if (strcmp(word, list[i]) == 0)
            return i;
    return -1;
}

static int mode_of(const GridAttrs *a)
{
    return choice(a->mode, (const char *const[]){"linear", "nearest", "cubic"});
}

static int padding_of(const GridAttrs *a)
{
    return choice(a->padding_mode, (const char *const[]){"zeros", "border", "reflection"});
}

static Status infer(Graph *g, Node *n)
{
    const GridAttrs *a = n->attrs;
    (void)g;
    TRY(node_need_rank(n, 0, 3, MAX_GRID + 2));
    const Type *x = &n->in[0]->type, *grid = &n->in[1]->type;
    int spatial = x->rank - 2;
    TRY(node_need_rank(n, 1, x->rank, x->rank));
    TRY(node_need_elem(n, 1, IS_FLOAT));
    if (mode_of(a) < 0)
        return node_error(n, E0203, "attribute 'mode' is '%s'", a->mode);
    if (padding_of(a) < 0)
        return node_error(n, E0203, "attribute 'padding_mode' is '%s'", a->padding_mode);
    TRY(node_need_elem(n, 0, mode_of(a) == GRID_NEAREST ? IS_DATA : IS_NUMBER));
    TRY(node_need_equal(n, x->dim[0], grid->dim[0], "batches of x and grid"));
    if (!ex_is(grid->dim[x->rank - 1], spatial))
        return node_error(n, E0301, "the grid's last dimension must be %d", spatial);
    Type y = *x;
    for (int i = 0; i < spatial; i++)
        y.dim[i + 2] = grid->dim[i + 1];
    node_set_type(n, 0, y);
    return MLC_OK;
}

/* What one spatial axis of x needs: its size, and the limits between which p is inside. */
typedef struct GridAxis {
    Ex size, low, high;
} GridAxis;

static GridAxis grid_axis(Te *t, const GridAttrs *a, Elem e, Ex size)
{
    Ex s = te_float_of(t, e, size);
    double edge = a->align_corners ? 0 : 0.5;
    return (GridAxis){size, te_const(t, e, -edge), te_sub(t, s, te_const(t, e, 1 - edge))};
}

/* v mirrored at both limits until it is between them. */
static Ex reflect(Te *t, const GridAxis *g, Ex v)
{
    Ex range = te_sub(t, g->high, g->low), zero = te_like(t, v, 0), two = te_like(t, v, 2);
    Ex below = te_lt(t, v, g->low), above = te_lt(t, g->high, v);
    Ex d = te_select(t, below, te_sub(t, g->low, v), te_sub(t, v, g->high));
    Ex some = te_select(t, te_lt(t, zero, range), range, te_like(t, v, 1));
    Ex turns = te_trunc(t, te_div(t, d, some)), rest = te_sub(t, d, te_mul(t, turns, some));
    Ex half = te_div(t, turns, two), even = te_eq(t, te_floor(t, half), half);
    Ex from_low = te_eq(t, below, even);
    Ex inside = te_select(t, from_low, te_add(t, g->low, rest), te_sub(t, g->high, rest));
    inside = te_select(t, te_lt(t, zero, range), inside, g->low);
    return te_select(t, te_or(t, below, above), inside, v);
}

/* The stage that computes the coordinate along spatial axis `axis` for every position of y. */
static Tx coordinates(Te *t, const GridAttrs *a, Tx x, Tx grid, int axis)
{
    int spatial = x->rank - 2;
    Elem e = te_wide_elem(grid->elem);
    Ex index[MAX_RANK], one = te_const(t, e, 1), half = te_const(t, e, 0.5);
    Tx out = te_temp(t, e, grid->rank - 1, grid->dim);
    te_stage(t, out);
    memcpy(index, t->stage->axis, (size_t)(grid->rank - 1) * sizeof *index);
    index[grid->rank - 1] = te_int(t, spatial - 1 - axis);
    GridAxis g = grid_axis(t, a, e, x->dim[axis + 2]);
    Ex v = te_add(t, te_wide(t, te_load(t, grid, index)), one), size = te_float_of(t, e, g.size);
    if (a->align_corners)
        v = te_mul(t, te_mul(t, v, half), te_sub(t, size, one));
    else
        v = te_mul(t, te_sub(t, te_mul(t, v, size), one), half);
    if (mode_of(a) == GRID_NEAREST)
        v = te_round_even(t, v);
    if (padding_of(a) == PAD_BORDER)
        v = te_min(t, te_max(t, v, te_const(t, e, 0)), te_sub(t, size, one));
    else if (padding_of(a) == PAD_REFLECTION)
        v = reflect(t, &g, v);
    te_yield(t, v);
    return out;
}

/* Tap number `k` relative to `base` along one axis as an index; *inside becomes false where the
 * tap is outside and reads 0. An index is in range whatever the coordinate is, NaN included. */
static Ex tap_index(Te *t, const GridAttrs *a, const GridAxis *g, Ex base, int k, Ex *inside)
{
    Ex v = te_add(t, base, te_like(t, base, k)), zero = te_int(t, 0);
    if (padding_of(a) == PAD_REFLECTION)
        v = reflect(t, g, v);
    Ex i = te_cast(t, ELEM_I64, v), last = te_sub(t, g->size, te_int(t, 1));
    if (padding_of(a) == PAD_ZEROS)
        *inside = te_and(t, *inside, te_and(t, te_le(t, zero, i), te_le(t, i, last)));
    return te_max(t, te_min(t, i, last), zero);
}

/* Keys' cubic kernel at distance d < 1 (near) or 1 <= d <= 2 (far), with a = -0.75. */
static Ex cubic_near(Te *t, Ex d)
{
    Ex p = te_sub(t, te_mul(t, te_like(t, d, 1.25), d), te_like(t, d, 2.25));
    return te_add(t, te_mul(t, te_mul(t, p, d), d), te_like(t, d, 1));
}

static Ex cubic_far(Te *t, Ex d)
{
    Ex p = te_add(t, te_mul(t, te_like(t, d, -0.75), d), te_like(t, d, 3.75));
    p = te_sub(t, te_mul(t, p, d), te_like(t, d, 6));
    return te_add(t, te_mul(t, p, d), te_like(t, d, 3));
}

/* Weights of the taps first, first + 1, ... at fraction f behind tap 0. */
static int tap_weights(Te *t, GridMode mode, Ex f, int *first, Ex weight[4])
{
    Ex one = te_like(t, f, 1), back = te_sub(t, one, f);
    *first = mode == GRID_CUBIC ? -1 : 0;
    switch (mode) {
    case GRID_NEAREST:
        weight[0] = one;
        return 1;
    case GRID_LINEAR:
        weight[0] = back;
        weight[1] = f;
        return 2;
    case GRID_CUBIC:
        weight[0] = cubic_far(t, te_add(t, f, one));
        weight[1] = cubic_near(t, f);
        weight[2] = cubic_near(t, back);
        weight[3] = cubic_far(t, te_add(t, back, one));
        return 4;
    }
    return 0;
}

typedef struct Sampling {
    const GridAttrs *a;
    Tx       x;
    Elem     e;
    GridAxis axis[MAX_GRID];
    Ex       base[MAX_GRID];
    int      first[MAX_GRID], count[MAX_GRID];
    Ex       weight[MAX_GRID][4];
    Ex       index[MAX_RANK];
} Sampling;

/* The interpolation over axes i and later; those before have their index. */
static Ex interpolate(Te *t, Sampling *s, int i, Ex inside)
{
    if (i == s->x->rank - 2) {
        Ex v = te_wide(t, te_load(t, s->x, s->index));
        v = ex_is(inside, 1) ? v : ex_guard(t->pool, inside, v, te_like(t, v, 0));
        return mode_of(s->a) == GRID_NEAREST ? v : te_cast(t, s->e, v);
    }
    Ex sum = NULL;
    for (int k = 0; k < s->count[i]; k++) {
        Ex in = inside;
        s->index[i + 2] = tap_index(t, s->a, &s->axis[i], s->base[i], s->first[i] + k, &in);
        Ex v = interpolate(t, s, i + 1, in);
        if (s->count[i] > 1)
            v = te_mul(t, v, s->weight[i][k]);
        sum = sum ? te_add(t, sum, v) : v;
    }
    return sum;
}

static void define(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), grid = te_in(t, 1), at[MAX_GRID];
    Sampling s = {.a = n->attrs, .x = x, .e = te_wide_elem(x->elem)};
    if (!elem_is_float(s.e))
        s.e = ELEM_F32;
    te_require_equal(t, x->dim[0], grid->dim[0]);
    for (int i = 0; i < x->rank - 2; i++)
        at[i] = coordinates(t, s.a, x, grid, i);
    te_stage(t, te_out(t, 0));
    Ex position[MAX_RANK] = {te_axis(t, 0)};
    s.index[0] = te_axis(t, 0);
    s.index[1] = te_axis(t, 1);
    for (int i = 0; i < x->rank - 2; i++)
        position[i + 1] = te_axis(t, i + 2);
    for (int i = 0; i < x->rank - 2; i++) {
        Ex p = te_load(t, at[i], position);
        s.axis[i] = grid_axis(t, s.a, (Elem)p->elem, x->dim[i + 2]);
        s.base[i] = te_floor(t, p);
        Ex f = te_cast(t, s.e, te_sub(t, p, s.base[i]));
        s.count[i] = tap_weights(t, mode_of(s.a), f, &s.first[i], s.weight[i]);
    }
    te_yield(t, interpolate(t, &s, 0, ex_bool(t->pool, true)));
}

/* The modes had the names of their 2-D forms. */
static Status upgrade(RawNode *raw)
{
    const RawAttr *mode = raw_attr(raw, "mode");
    if (raw->version >= 20)
        return MLC_OK;
    if (!mode || strcmp(mode->s, "bilinear") == 0)
        raw_set_str(raw, "mode", "linear");
    else if (strcmp(mode->s, "bicubic") == 0)
        raw_set_str(raw, "mode", "cubic");
    return MLC_OK;
}

OP(grid_sample) = {
    .name = "GridSample", .since = {16, 20, 22}, .min_in = 2, .max_in = 2, ATTRS_OF(GridAttrs),
    .later = {{"mode=cubic", 20}},
    .upgrade = upgrade, .infer = infer, .define = define,
    .doc = "x at real coordinates, interpolated",
};
