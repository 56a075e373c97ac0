/* Pad: x with elements before and after it along each axis (or fewer, where a pad is negative).
 *     constant  a value          edge  the nearest element
 *     reflect   mirrored at the border element          wrap  periodic */
#include "ir/ops/axes.h"

#define PAD_ATTRS(A, S) A(S, str, mode, "constant", "constant, edge, reflect or wrap")
ATTRS(PadAttrs, PAD_ATTRS);

typedef enum PadMode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP, PAD_MODES } PadMode;

static PadMode mode_of(const Node *n)
{
    static const char *const name[PAD_MODES] = {"constant", "edge", "reflect", "wrap"};
    const PadAttrs *a = n->attrs;
    PadMode m = PAD_CONSTANT;
    while (m < PAD_MODES && strcmp(a->mode, name[m]) != 0)
        m++;
    return m;
}

/* Pads per dimension, from inputs 1 (pads) and 3 (axes). */
static Status read_pads(Graph *g, const Node *n, int rank, Axes *a, Ex *begin, Ex *end)
{
    const Ex *pads;
    ExPool *p = g->pool;
    int count;
    int64_t v;
    TRY(node_known_ints(g, n, 1, 2 * MAX_RANK, &pads, &count));
    TRY(axes_read(g, n, 3, rank, a));
    if (!node_has(n, 3))
        axes_all(p, a);
    if (count != 2 * a->count)
        return node_error(n, E0301, "%d pads are given for %d axes", count, a->count);
    for (int i = 0; i < rank; i++)
        begin[i] = end[i] = ex_int(g->pool, 0);
    for (int i = 0; i < count; i++) {
        if (ex_is_int(pads[i], &v) && (v > MAX_ATTR_SIZE || v < -MAX_ATTR_SIZE))
            return node_error(n, E0301, "pads[%d] is %lld", i, (long long)v);
        Ex *side = i < a->count ? begin : end;
        for (int d = 0; d < rank; d++)
            side[d] = ex_select(p, ex_eq(p, a->axis[i % a->count], ex_int(p, d)), pads[i], side[d]);
    }
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    ExPool *p = g->pool;
    const PadAttrs *a = n->attrs;
    Axes axes;
    Ex begin[MAX_RANK], end[MAX_RANK];
    int64_t v = 1;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    if (mode_of(n) == PAD_MODES)
        return node_error(n, E0203, "attribute 'mode' is '%s'", a->mode);
    if (mode_of(n) == PAD_CONSTANT)
        TRY(node_need_elem(n, 0, IS_ANY));
    if (node_has(n, 2)) {
        TRY(node_need_same_elem(n, 0, 2));
        TRY(node_need_rank(n, 2, 0, 1));
    }
    Type out = n->in[0]->type;
    TRY(read_pads(g, n, out.rank, &axes, begin, end));
    for (int i = 0; i < out.rank; i++) {
        Ex in = out.dim[i];
        out.dim[i] = ex_add(p, ex_add(p, in, begin[i]), end[i]);
        if (ex_is_int(out.dim[i], &v) && v < 0)
            return node_error(n, E0301, "the pads make dimension %d %lld", i, (long long)v);
        if (mode_of(n) != PAD_CONSTANT && ex_is(in, 0) && v != 0)
            return node_error(n, E0301, "dimension %d is empty and cannot be repeated", i);
    }
    node_set_type(n, 0, out);
    return MLC_OK;
}

/* The coordinate that stands for i outside of [0, dim). */
static Ex inner_index(Te *t, PadMode mode, Ex i, Ex dim)
{
    Ex zero = te_int(t, 0), one = te_int(t, 1), last = te_sub(t, dim, one);
    switch (mode) {
    case PAD_EDGE:
        return te_min(t, te_max(t, i, zero), last);
    case PAD_WRAP:
        return te_floor_mod(t, i, dim);
    case PAD_REFLECT: {
        Ex period = te_mul(t, te_int(t, 2), last);
        if (!ex_proved_le(t->pool, one, period))
            period = te_max(t, period, one);
        Ex m = te_floor_mod(t, i, period);
        return te_min(t, m, te_sub(t, period, m));
    }
    case PAD_CONSTANT:
    case PAD_MODES:
        break;
    }
    return i;
}

static Ex fill_value(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), fill = te_in(t, 2);
    double v;
    if (!fill)
        return te_const(t, x->elem, 0);
    if (value_scalar(n->in[2], &v) && elem_bits[x->elem] <= 32)
        return te_const(t, x->elem, v);
    return te_load(t, fill, (Ex[]){te_int(t, 0)});
}

static void define(Te *t, const Node *n)
{
    Tx x = te_in(t, 0);
    PadMode mode = mode_of(n);
    Ex begin[MAX_RANK], end[MAX_RANK], index[MAX_RANK];
    Axes axes;
    Status st = read_pads(n->graph, n, x->rank, &axes, begin, end);
    assert(st == MLC_OK);
    (void)st;
    te_require_axes(t, &axes);
    te_stage(t, te_out(t, 0));
    for (int i = 0; mode != PAD_CONSTANT && i < x->rank; i++)
        te_require_source(t, x->dim[i], te_out(t, 0)->dim[i]);
    for (int i = 0; i < x->rank; i++) {
        bool whole = ex_is(begin[i], 0) && ex_is(end[i], 0);
        index[i] = te_sub(t, te_axis(t, i), begin[i]);
        if (!whole && !ex_is(x->dim[i], 0))
            index[i] = inner_index(t, mode, index[i], x->dim[i]);
    }
    te_yield(t, mode == PAD_CONSTANT ? te_load_padded(t, x, index, fill_value(t, n))
                                     : te_load(t, x, index));
}

/* Pads and value were attributes before 11, version 1 called the pads `paddings`. */
static Status upgrade(RawNode *raw)
{
    if (raw->version >= 11)
        return MLC_OK;
    RawAttr *old = raw_attr(raw, "paddings");
    if (old)
        old->name = "pads";
    raw_attr_to_input(raw, "pads", 1, ELEM_I64);
    const RawAttr *mode = raw_attr(raw, "mode");
    bool constant = !mode || (mode->kind == ATTR_str && strcmp(mode->s, "constant") == 0);
    if (!constant) {
        raw_drop(raw, "value");
        return MLC_OK;
    }
    if (raw_attr(raw, "value")) {
        Elem e = raw_rank(raw, 0) >= 0 ? raw->in.at[0]->type.elem : ELEM_F32;
        raw_attr_to_input(raw, "value", 2, elem_is_float(e) ? e : ELEM_F32);
    }
    return MLC_OK;
}

OP(pad) = {
    .name = "Pad", .since = {1, 2, 11, 13, 18, 19, 21, 23, 24, 25}, .min_in = 2, .max_in = 4,
    .later = {{"mode=wrap", 19}},
    ATTRS_OF(PadAttrs), .upgrade = upgrade, .infer = infer, .define = define,
    .doc = "extends or crops a tensor",
};
OP(ms_pad) = {
    .name = "Pad", .domain = "com.microsoft", .since = {1}, .min_in = 2, .max_in = 3,
    ATTRS_OF(PadAttrs), .infer = infer, .define = define, .doc = "x with a border",
};
