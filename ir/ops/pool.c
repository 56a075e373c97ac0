/* MaxPool, AveragePool, LpPool over sliding windows, and their global forms.
 *
 *     MaxPool      y = max of x over the taps inside x
 *     AveragePool  y = sum of x / number of taps inside x (count_include_pad: inside the padding)
 *     LpPool       y = (sum of |x|^p) ^ (1/p) */
#include "ir/ops/window.h"

#define POOL_ATTRS(A, S)                                                                      \
    A(S, str, auto_pad, "NOTSET", "NOTSET, SAME_UPPER, SAME_LOWER, VALID")                    \
    A(S, int, ceil_mode, "0", "1: the number of windows is rounded up")                       \
    A(S, int, count_include_pad, "0", "AveragePool: 1 counts padding")                        \
    A(S, ints, dilations, "", "distance of taps per spatial axis")                            \
    A(S, ints, kernel_shape, NULL, "taps per spatial axis")                                   \
    A(S, int, p, "2", "LpPool: the norm")                                                     \
    A(S, ints, pads, "", "begins, then ends, per spatial axis")                               \
    A(S, int, storage_order, "0", "MaxPool indices: 1 counts the first spatial axis fastest") \
    A(S, ints, strides, "", "step per spatial axis")
ATTRS(PoolAttrs, POOL_ATTRS);

static Status make_window(ExPool *p, const Node *n, Window *w)
{
    const PoolAttrs *a = n->attrs;
    const Type *x = &n->in[0]->type;
    WindowAttrs wa = {a->auto_pad, a->kernel_shape, a->strides, a->dilations, a->pads,
                      a->ceil_mode != 0};
    if (a->kernel_shape.n != x->rank - 2)
        return node_error(n, E0203, "attribute 'kernel_shape' has %d values for %d spatial axes",
                          a->kernel_shape.n, x->rank - 2);
    return window_make(p, n, &wa, x->rank - 2, &x->dim[2], w);
}

static Status infer_classes(Graph *g, Node *n, unsigned classes)
{
    TRY(node_need_rank(n, 0, 3, MAX_RANK));
    TRY(node_need_elem(n, 0, classes));
    Window w;
    TRY(make_window(g->pool, n, &w));
    const Type *x = &n->in[0]->type;
    Type out = *x;
    for (int i = 0; i < w.n; i++)
        out.dim[i + 2] = w.out[i];
    node_set_type(n, 0, out);
    out.elem = ELEM_I64;
    node_set_type(n, 1, out);
    return MLC_OK;
}

static Status infer_float_pool(Graph *g, Node *n)
{
    return infer_classes(g, n, IS_FLOAT);
}

static Status infer_max(Graph *g, Node *n)
{
    const PoolAttrs *a = n->attrs;
    if (a->storage_order != 0 && a->storage_order != 1)
        return node_error(n, E0203, "attribute 'storage_order' is %lld",
                          (long long)a->storage_order);
    return infer_classes(g, n, IS_NUMBER);
}

static Status infer_lp(Graph *g, Node *n)
{
    const PoolAttrs *a = n->attrs;
    TRY(node_need_size(n, "p", a->p, 1));
    return infer_classes(g, n, IS_FLOAT);
}

/* Opens the stage of output y; fills the window and the index of a tap. */
static Window open_window(Te *t, const Node *n, Tx y, Ex *index)
{
    Window w;
    Status st = make_window(t->pool, n, &w);
    assert(st == MLC_OK);
    (void)st;
    te_stage(t, y);
    index[0] = te_axis(t, 0);
    index[1] = te_axis(t, 1);
    for (int i = 0; i < w.n; i++)
        index[i + 2] = window_at(t, &w, i, te_axis(t, i + 2), window_tap(t, &w, i));
    return w;
}

/* ---- MaxPool ---- */

/* Position of index[] in x, counted over the whole tensor. */
static Ex flat_position(Te *t, Tx x, const Ex *index, bool first_fastest)
{
    Ex at = te_add(t, te_mul(t, index[0], x->dim[1]), index[1]), in = te_int(t, 0);
    Ex area = te_int(t, 1);
    for (int i = 2; i < x->rank; i++) {
        int k = first_fastest ? x->rank + 1 - i : i;
        in = te_add(t, te_mul(t, in, x->dim[k]), index[k]);
        area = te_mul(t, area, x->dim[k]);
    }
    return te_add(t, te_mul(t, at, area), in);
}

/* Both outputs: the pair (value, position) is reduced; the first of equal values wins. */
static void define_max_indices(Te *t, const Node *n)
{
    const PoolAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0), at = te_out(t, 1);
    Ex index[MAX_RANK], got[2], lowest = reduce_init(t->pool, REDUCE_MAX, x->elem);
    open_window(t, n, y ? y : at, index);
    Ex value = te_wide(t, te_load_padded_from(t, x, 2, index, lowest));
    Ex position = flat_position(t, x, index, a->storage_order != 0);
    if (t->stage->nred == 0) {
        got[0] = value;
        got[1] = position;
    } else {
        Elem e = (Elem)value->elem;
        Ex init[2] = {reduce_init(t->pool, REDUCE_MAX, e), te_int(t, 0)};
        Ex l = ex_acc(t->pool, e, 0), r = ex_rhs(t->pool, e, 0), better = te_lt(t, l, r);
        Ex combine[2] = {te_select(t, better, r, l),
                         te_select(t, better, ex_rhs(t->pool, ELEM_I64, 1),
                                   ex_acc(t->pool, ELEM_I64, 1))};
        te_reduce_general(t, 2, init, (Ex[]){value, position}, combine, got);
    }
    if (y)
        te_store(t, y, t->stage->axis, got[0]);
    te_yield_at(t, at, t->stage->axis, got[1]);
}

static void define_max(Te *t, const Node *n)
{
    if (te_out(t, 1)) {
        define_max_indices(t, n);
        return;
    }
    Tx x = te_in(t, 0);
    Ex index[MAX_RANK], lowest = reduce_init(t->pool, REDUCE_MAX, x->elem);
    open_window(t, n, te_out(t, 0), index);
    te_yield(t, te_max_over(t, te_load_padded_from(t, x, 2, index, lowest)));
}

OP(max_pool) = {
    .name = "MaxPool", .since = {1, 8, 10, 11, 12, 22}, .min_in = 1, .max_in = 1, .min_out = 1,
    .max_out = 2, ATTRS_OF(PoolAttrs), .infer = infer_max, .define = define_max,
    .doc = "largest element of each window",
};

/* ---- AveragePool ---- */

/* How many taps of axis i lie in [-before, in + after) at output position o. */
static Ex count_taps(Te *t, const Window *w, int i, Ex in, Ex o, Ex before, Ex after)
{
    ExPool *p = t->pool;
    Ex d = te_int(t, w->dilation[i]), k = te_int(t, w->kernel[i]), zero = te_int(t, 0);
    Ex first = te_sub(t, te_mul(t, o, te_int(t, w->stride[i])), w->begin[i]);
    Ex last = te_add(t, first, te_int(t, (w->kernel[i] - 1) * w->dilation[i]));
    Ex low = te_sub(t, zero, before), high = te_add(t, in, after);
    bool low_ok = ex_proved_le(p, low, first), high_ok = ex_proved_lt(p, last, high);
    Ex from = low_ok ? zero : te_max(t, zero, ex_ceil_div(p, te_sub(t, low, first), d));
    Ex to = high_ok ? k : te_min(t, k, ex_ceil_div(p, te_sub(t, high, first), d));
    return te_sub(t, to, from);
}

static void define_average(Te *t, const Node *n)
{
    const PoolAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    Ex index[MAX_RANK], none = te_int(t, 0);
    Window w = open_window(t, n, te_out(t, 0), index);
    Ex sum = te_sum(t, te_load_padded_from(t, x, 2, index, te_const(t, x->elem, 0)));
    Elem e = (Elem)sum->elem;
    Ex count = te_const(t, e, 1);
    for (int i = 0; i < w.n; i++) {
        bool pad = a->count_include_pad != 0;
        Ex taps = count_taps(t, &w, i, x->dim[i + 2], te_axis(t, i + 2), pad ? w.begin[i] : none,
                             pad ? w.end[i] : none);
        count = te_mul(t, count, te_float_of(t, e, taps));
    }
    te_yield(t, te_div(t, sum, count));
}

OP(average_pool) = {
    .name = "AveragePool", .since = {1, 7, 10, 11, 19, 22}, .min_in = 1, .max_in = 1,
    .later = {{"dilations", 19}},
    ATTRS_OF(PoolAttrs), .infer = infer_float_pool, .define = define_average,
    .doc = "mean of each window",
};

/* ---- LpPool ---- */

/* |x|^p, and the p-th root, with products and roots where they are exact. */
static Ex power(Te *t, Ex x, int64_t p)
{
    Ex m = te_abs(t, x);
    return p == 1 ? m : p == 2 ? te_mul(t, x, x) : te_pow(t, m, te_like(t, x, (double)p));
}

static Ex root(Te *t, Ex x, int64_t p)
{
    return p == 1 ? x : p == 2 ? te_sqrt(t, x) : te_pow(t, x, te_like(t, x, 1.0 / (double)p));
}

static void define_lp(Te *t, const Node *n)
{
    const PoolAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    Ex index[MAX_RANK];
    open_window(t, n, te_out(t, 0), index);
    Ex v = te_wide(t, te_load_padded_from(t, x, 2, index, te_const(t, x->elem, 0)));
    te_yield(t, root(t, te_sum(t, power(t, v, a->p)), a->p));
}

/* Version 1 of the Lp operators had a float p. */
static Status upgrade_lp(RawNode *raw)
{
    RawAttr *p = raw_attr(raw, "p");
    if (p && p->kind == ATTR_float && p->f >= 1 && p->f < 1e6f)
        raw_set_int(raw, "p", (int64_t)p->f);
    return MLC_OK;
}

OP(lp_pool) = {
    .name = "LpPool", .since = {1, 2, 11, 18, 22}, .min_in = 1, .max_in = 1, ATTRS_OF(PoolAttrs),
    .upgrade = upgrade_lp, .infer = infer_lp, .define = define_lp,
    .doc = "p-norm of each window",
};

/* ---- global forms ---- */

#define GLOBAL_LP_ATTRS(A, S) A(S, int, p, "2", "the norm")
ATTRS(GlobalLpAttrs, GLOBAL_LP_ATTRS);

static Status infer_global_classes(Graph *g, Node *n, unsigned classes)
{
    TRY(node_need_rank(n, 0, 2, MAX_RANK));
    TRY(node_need_elem(n, 0, classes));
    Type out = n->in[0]->type;
    for (int i = 2; i < out.rank; i++)
        out.dim[i] = ex_int(g->pool, 1);
    node_set_type(n, 0, out);
    return MLC_OK;
}

static Status infer_global(Graph *g, Node *n)
{
    return infer_global_classes(g, n, IS_FLOAT);
}

static Status infer_global_max(Graph *g, Node *n)
{
    return infer_global_classes(g, n, IS_NUMBER);
}

static Status infer_global_lp(Graph *g, Node *n)
{
    const GlobalLpAttrs *a = n->attrs;
    TRY(node_need_size(n, "p", a->p, 1));
    return infer_global_classes(g, n, IS_FLOAT);
}

/* Opens the stage over [N, C, 1...] and loads x at a reduction over all spatial axes. */
static Ex load_all(Te *t, Ex *count)
{
    Tx x = te_in(t, 0);
    te_stage(t, te_out(t, 0));
    Ex index[MAX_RANK] = {te_axis(t, 0), te_axis(t, 1)};
    *count = te_int(t, 1);
    for (int i = 2; i < x->rank; i++) {
        index[i] = te_red(t, x->dim[i]);
        *count = te_mul(t, *count, x->dim[i]);
    }
    return te_wide(t, te_load(t, x, index));
}

static void define_global_average(Te *t, const Node *n)
{
    (void)n;
    Ex count, sum = te_sum(t, load_all(t, &count));
    te_yield(t, te_div(t, sum, te_float_of(t, (Elem)sum->elem, count)));
}

static void define_global_max(Te *t, const Node *n)
{
    (void)n;
    Ex count;
    te_yield(t, te_max_over(t, load_all(t, &count)));
}

static void define_global_lp(Te *t, const Node *n)
{
    const GlobalLpAttrs *a = n->attrs;
    Ex count, x = load_all(t, &count);
    te_yield(t, root(t, te_sum(t, power(t, x, a->p)), a->p));
}

OP(global_average_pool) = {
    .name = "GlobalAveragePool", .since = {1, 22}, .min_in = 1, .max_in = 1,
    .infer = infer_global, .define = define_global_average, .doc = "mean of each channel",
};
OP(global_max_pool) = {
    .name = "GlobalMaxPool", .since = {1, 22}, .min_in = 1, .max_in = 1,
    .infer = infer_global_max, .define = define_global_max, .doc = "largest of each channel",
};
OP(global_lp_pool) = {
    .name = "GlobalLpPool", .since = {1, 2, 22}, .min_in = 1, .max_in = 1,
    ATTRS_OF(GlobalLpAttrs), .upgrade = upgrade_lp, .infer = infer_global_lp,
    .define = define_global_lp, .doc = "p-norm of each channel",
};
