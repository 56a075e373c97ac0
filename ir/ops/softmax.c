/* Softmax, LogSoftmax, Hardmax and LpNormalization along one axis.
 *
 *     m = max x;  s = sum e^(x - m);  softmax = e^(x - m) / s;  log_softmax = x - m - ln s
 *
 * Before opset 13 the tensor was seen as a matrix, cut before `axis`: all dimensions from there on
 * are reduced together, which the private attribute `coerce` says; in today's operators it is a
 * Flatten before and a Reshape after. */
#include "ir/ops/norm.h"

#define SOFTMAX_ATTRS(A, S)                                        \
    A(S, int, axis, "-1", "the dimension that sums to 1")          \
    A(S, int, coerce, "0", "1: and all after it (before opset 13)")
ATTRS(SoftmaxAttrs, SOFTMAX_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const SoftmaxAttrs *a = n->attrs;
    int axis;
    TRY(node_need_rank(n, 0, a->coerce ? 0 : 1, MAX_RANK));
    int rank = n->in[0]->type.rank;
    if (!(a->coerce && (a->axis == rank)))
        TRY(node_axis(n, a->axis, rank, &axis));
    return infer_float(g, n);
}

static void reduced_dims(const Node *n, int rank, bool over[MAX_RANK])
{
    const SoftmaxAttrs *a = n->attrs;
    int axis = (int)(a->axis < 0 ? a->axis + rank : a->axis);
    for (int i = 0; i < MAX_RANK; i++)
        over[i] = a->coerce ? i >= axis && i < rank : i == axis;
}

/* Opens a stage over the dimensions that are kept and loads x, widened. */
static Ex load_reduced(Te *t, Tx x, Tx out, const bool over[MAX_RANK])
{
    Ex index[MAX_RANK];
    te_stage(t, out);
    for (int i = 0, k = 0; i < x->rank; i++)
        index[i] = over[i] ? te_red(t, x->dim[i]) : te_axis(t, k++);
    return te_wide(t, te_load(t, x, index));
}

/* A temporary over the dimensions that are kept. */
static Tx kept_temp(Te *t, Tx x, Elem e, const bool over[MAX_RANK])
{
    Ex dim[MAX_RANK];
    int rank = 0;
    for (int i = 0; i < x->rank; i++)
        if (!over[i])
            dim[rank++] = x->dim[i];
    return te_temp(t, e, rank, dim);
}

static void define_either(Te *t, const Node *n, bool logarithm)
{
    Tx x = te_in(t, 0);
    Elem e = te_wide_elem(x->elem);
    bool over[MAX_RANK];
    reduced_dims(n, x->rank, over);
    Tx max = kept_temp(t, x, e, over), sum = kept_temp(t, x, e, over);
    te_yield(t, te_max_over(t, load_reduced(t, x, max, over)));
    Ex v = load_reduced(t, x, sum, over);
    v = te_exp(t, te_sub(t, v, te_load(t, max, t->stage->axis)));
    te_yield(t, te_sum(t, v));

    te_stage(t, te_out(t, 0));
    v = te_wide(t, te_load(t, x, t->stage->axis));
    v = te_sub(t, v, te_load_kept(t, max, over));
    Ex s = te_load_kept(t, sum, over);
    te_yield(t, logarithm ? te_sub(t, v, te_log(t, s)) : te_div(t, te_exp(t, v), s));
}

static void define_softmax(Te *t, const Node *n)
{
    define_either(t, n, false);
}

static void define_log_softmax(Te *t, const Node *n)
{
    define_either(t, n, true);
}

/* 1 at the first largest element, 0 elsewhere: the least flat position among the largest. */
static void define_hardmax(Te *t, const Node *n)
{
    Tx x = te_in(t, 0);
    Elem e = te_wide_elem(x->elem);
    bool over[MAX_RANK];
    reduced_dims(n, x->rank, over);
    Tx max = kept_temp(t, x, e, over), first = kept_temp(t, x, ELEM_I64, over);
    te_yield(t, te_max_over(t, load_reduced(t, x, max, over)));
    Ex v = load_reduced(t, x, first, over), at = te_int(t, 0);
    for (int i = 0, k = 0; i < x->rank; i++)
        if (over[i])
            at = te_add(t, te_mul(t, at, x->dim[i]), t->stage->red[k++]);
    Ex is_max = te_eq(t, v, te_load(t, max, t->stage->axis));
    te_yield(t, te_min_over(t, te_select(t, is_max, at, te_int(t, INT64_MAX))));

    te_stage(t, te_out(t, 0));
    at = te_int(t, 0);
    for (int i = 0; i < x->rank; i++)
        if (over[i])
            at = te_add(t, te_mul(t, at, x->dim[i]), te_axis(t, i));
    Ex hit = te_eq(t, at, te_load_kept(t, first, over));
    te_yield(t, te_select(t, hit, te_const(t, e, 1), te_const(t, e, 0)));
}

static Status upgrade(RawNode *raw)
{
    if (!raw_attr(raw, "axis"))
        raw_set_int(raw, "axis", 1);
    const RawAttr *axis = raw_attr(raw, "axis");
    int rank = raw_rank(raw, 0);
    if (raw->version >= 13 || (rank > 0 && (axis->i == rank - 1 || axis->i == -1)))
        return MLC_OK; /* nothing comes after it */
    raw_set_int(raw, "coerce", 1);
    return MLC_OK;
}

#define MATRIX_TEXT(text)                       \
    "%matrix = Flatten(%0) {axis=$axis}\n"      \
    "%result = " text "(%matrix)\n"             \
    "%shape = Shape(%0)\n"                      \
    "%y = Reshape(%result, %shape) {allowzero=1}\n" \
    "out %y"

#define RECORD(text, definition, formula)                                                 \
    {.name = text, .since = {1, 11, 13}, .min_in = 1, .max_in = 1, ATTRS_OF(SoftmaxAttrs), \
     .upgrade = upgrade, .infer = infer, .define = definition,                             \
     .expand = MATRIX_TEXT(text), .expand_if = "coerce", .doc = formula}

OP(softmax) = RECORD("Softmax", define_softmax, "y = e^x / sum e^x");
OP(log_softmax) = RECORD("LogSoftmax", define_log_softmax, "y = x - ln(sum e^x)");
OP(hardmax) = RECORD("Hardmax", define_hardmax, "y = 1 at the first largest element, else 0");

#define LP_ATTRS(A, S)                              \
    A(S, int, axis, "-1", "dimension of the norm")  \
    A(S, int, p, "2", "the norm: 1 or 2")
ATTRS(LpAttrs, LP_ATTRS);

static Status infer_lp(Graph *g, Node *n)
{
    const LpAttrs *a = n->attrs;
    int axis;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_axis(n, a->axis, n->in[0]->type.rank, &axis));
    if (a->p != 1 && a->p != 2)
        return node_error(n, E0203, "attribute 'p' is %lld, must be 1 or 2", (long long)a->p);
    return infer_float(g, n);
}

/* Where the norm is 0, the result is 0. */
static void define_lp(Te *t, const Node *n)
{
    const LpAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    Elem e = te_wide_elem(x->elem);
    bool over[MAX_RANK] = {0};
    over[a->axis < 0 ? a->axis + x->rank : a->axis] = true;
    Tx norm = kept_temp(t, x, e, over);
    Ex v = load_reduced(t, x, norm, over);
    Ex sum = te_sum(t, a->p == 1 ? te_abs(t, v) : te_mul(t, v, v));
    te_yield(t, a->p == 1 ? sum : te_sqrt(t, sum));
    te_stage(t, te_out(t, 0));
    v = te_wide(t, te_load(t, x, t->stage->axis));
    Ex d = te_load_kept(t, norm, over), zero = te_const(t, e, 0);
    te_yield(t, te_select(t, te_eq(t, d, zero), zero, te_div(t, v, d)));
}

OP(lp_normalization) = {
    .name = "LpNormalization", .since = {1, 22}, .min_in = 1, .max_in = 1, ATTRS_OF(LpAttrs),
    .infer = infer_lp, .define = define_lp, .doc = "y = x / |x|_p along `axis`",
};
