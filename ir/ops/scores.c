/* Rows of features, transforms of scores, names of classes. With m = max of a row:
 *     SOFTMAX       exp(s - m) / sum exp(s - m)
 *     SOFTMAX_ZERO  the same, but what is 0 stays 0; a row of zeros becomes 1/2
 *     LOGISTIC      1 / (1 + exp(-s))
 *     PROBIT        sqrt(2) erfinv(2 s - 1), with Winitzki's erfinv: for L = log(1 - x^2), a = 0.147,
 *                   sign(x) sqrt(sqrt((2/(pi a) + L/2)^2 - L/a) - 2/(pi a) - L/2) */
#include "ir/ops/scores.h"

#include "ir/base/str.h"
#include "ir/ops/strings.h"

static const char *const transform_name[TRANSFORM_COUNT] = {
    "NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT",
};

Transform transform_named(const char *name)
{
    int i = 0;
    while (i < TRANSFORM_COUNT && !str_eq(transform_name[i], name))
        i++;
    return (Transform)i;
}

Status node_need_transform(const Node *n, const char *name)
{
    if (transform_named(name) == TRANSFORM_COUNT)
        return node_error(n, E0203, "attribute 'post_transform' is '%s'", name);
    return MLC_OK;
}

/* ---- rows ---- */

Status node_need_rows(const Node *n)
{
    TRY(node_need_rank(n, 0, 1, 2));
    return node_need_elem(n, 0, IS_NUMBER);
}

Ex rows_of(ExPool *p, int rank, const Ex *dim)
{
    return rank == 2 ? dim[0] : ex_int(p, 1);
}

Ex features_of(int rank, const Ex *dim)
{
    return dim[rank - 1];
}

Status node_need_features(Graph *g, const Node *n, int64_t count)
{
    const Type *x = &n->in[0]->type;
    return node_need_equal(n, features_of(x->rank, x->dim), ex_int(g->pool, count),
                           "features of a row and of the model");
}

void node_set_rows(Graph *g, Node *n, int i, Elem e, int64_t width)
{
    const Type *x = &n->in[0]->type;
    Ex dim[2] = {rows_of(g->pool, x->rank, x->dim), ex_int(g->pool, width)};
    node_set_type(n, i, type_tensor(e, width < 0 ? 1 : 2, dim));
}

Elem score_elem(Elem input)
{
    return input == ELEM_F64 ? ELEM_F64 : ELEM_F32;
}

Ex te_feature(Te *t, Tx x, Elem e, Ex row, Ex feature)
{
    Ex index[2] = {row, feature};
    return te_cast(t, e, te_wide(t, te_load(t, x, x->rank == 2 ? index : &feature)));
}

Tx te_scores(Te *t, Tx x, Elem e, int64_t width)
{
    return te_temp(t, e, 2, (Ex[]){rows_of(t->pool, x->rank, x->dim), te_int(t, width)});
}

/* ---- transforms ---- */

Tx te_best(Te *t, Tx scores)
{
    Elem e = scores->elem;
    Tx place = te_temp(t, ELEM_I64, 1, scores->dim);
    te_stage(t, place);
    Ex k = te_red(t, scores->dim[1]), got[2];
    Ex value = te_load(t, scores, (Ex[]){te_axis(t, 0), k});
    Ex init[2] = {reduce_init(t->pool, REDUCE_MAX, e), te_int(t, 0)};
    Ex l = ex_acc(t->pool, e, 0), r = ex_rhs(t->pool, e, 0), take = te_lt(t, l, r);
    Ex combine[2] = {te_select(t, take, r, l), te_select(t, take, ex_rhs(t->pool, ELEM_I64, 1),
                                                         ex_acc(t->pool, ELEM_I64, 1))};
    te_reduce_general(t, 2, init, (Ex[]){value, k}, combine, got);
    te_yield(t, got[1]);
    return place;
}

Tx te_exceeds(Te *t, Tx scores, int64_t at, double threshold)
{
    Tx place = te_temp(t, ELEM_I64, 1, scores->dim);
    te_stage(t, place);
    Ex v = te_load(t, scores, (Ex[]){te_axis(t, 0), te_int(t, at)});
    te_yield(t, te_cast(t, ELEM_I64, te_lt(t, te_like(t, v, threshold), v)));
    return place;
}

static Ex probit(Te *t, Ex s)
{
    const double a = 0.147, pi = 3.14159265358979323846;
    Ex x = te_sub(t, te_mul(t, te_like(t, s, 2), s), te_like(t, s, 1));
    Ex log = ex_op(t->pool, EX_LOG1P, 1, (Ex[]){te_neg(t, te_mul(t, x, x))});
    Ex v = te_add(t, te_like(t, s, 2 / (pi * a)), te_mul(t, te_like(t, s, 0.5), log));
    Ex root = te_sqrt(t, te_sub(t, te_mul(t, v, v), te_mul(t, te_like(t, s, 1 / a), log)));
    Ex y = te_mul(t, te_like(t, s, 1.41421356237309505), te_sqrt(t, te_sub(t, root, v)));
    return te_select(t, te_lt(t, x, te_like(t, x, 0)), te_neg(t, y), y);
}

/* The score at (row, class) of the open stage, or its power before the division by their sum. */
static Ex power_at(Te *t, Tx scores, Tx largest, Ex class, bool zeros)
{
    Ex row = te_axis(t, 0), m = te_load(t, largest, &row);
    Ex s = te_load(t, scores, (Ex[]){row, class}), e = te_exp(t, te_sub(t, s, m));
    if (!zeros)
        return e;
    Ex is_zero = te_le(t, te_abs(t, s), te_like(t, s, 1e-7));
    return te_select(t, is_zero, te_mul(t, s, te_exp(t, te_neg(t, m))), e);
}

static void softmax(Te *t, Tx y, Tx s, bool zeros)
{
    Tx largest = te_temp(t, s->elem, 1, s->dim), sum = te_temp(t, s->elem, 1, s->dim);
    te_stage(t, largest);
    te_yield(t, te_max_over(t, te_load(t, s, (Ex[]){te_axis(t, 0), te_red(t, s->dim[1])})));
    te_stage(t, sum);
    te_yield(t, te_sum(t, power_at(t, s, largest, te_red(t, s->dim[1]), zeros)));
    te_stage(t, y);
    Ex row = te_axis(t, 0), all = te_load(t, sum, &row);
    Ex part = te_div(t, power_at(t, s, largest, te_axis(t, 1), zeros), all);
    if (zeros)
        part = te_select(t, te_eq(t, all, te_like(t, all, 0)), te_like(t, all, 0.5), part);
    te_yield(t, part);
}

static Ex transform_one(Te *t, Ex s, Transform how)
{
    return how == TRANSFORM_LOGISTIC ? te_sigmoid(t, s) : how == TRANSFORM_PROBIT ? probit(t, s) : s;
}

void te_transform(Te *t, Tx y, Tx scores, Transform how)
{
    if (!y)
        return;
    if (ex_is(scores->dim[1], 1) && how != TRANSFORM_PROBIT)
        how = TRANSFORM_NONE;
    if (how == TRANSFORM_SOFTMAX || how == TRANSFORM_SOFTMAX_ZERO) {
        softmax(t, y, scores, how == TRANSFORM_SOFTMAX_ZERO);
        return;
    }
    te_stage(t, y);
    te_yield(t, transform_one(t, te_load(t, scores, t->stage->axis), how));
}

void te_transform_pair(Te *t, Tx y, Tx s, bool opposite, Transform how)
{
    if (!y)
        return;
    te_stage(t, y);
    Ex one = te_load(t, s, (Ex[]){te_axis(t, 0), te_int(t, 0)});
    opposite |= how == TRANSFORM_LOGISTIC;
    Ex other = te_sub(t, te_like(t, one, opposite ? 0 : 1), one);
    Ex v = te_select(t, te_eq(t, te_axis(t, 1), te_int(t, 0)), other, one);
    te_yield(t, transform_one(t, v, how));
}

/* ---- labels ---- */

Status node_labels(const Node *n, const Ints *ints, const Strings *strings, Labels *out)
{
    if (ints->n > 0 && strings->n > 0)
        return node_error(n, E0203, "labels are given as integers and as strings");
    *out = (Labels){.n = ints->n + strings->n, .ints = ints->n > 0 ? ints : NULL,
                    .strings = strings->n > 0 ? strings : NULL};
    return MLC_OK;
}

Elem labels_elem(const Labels *l)
{
    return l->strings ? ELEM_STRING : ELEM_I64;
}

Ex te_label(Te *t, const Labels *l, Ex place)
{
    int64_t n = l->n;
    if (l->strings)
        return te_load(t, te_text_table(t, l->n, l->strings->at), &place);
    if (l->ints)
        return te_load(t, te_table(t, tensor_over(t->arena, ELEM_I64, 1, &n, l->ints->at)), &place);
    return place;
}

void te_yield_labels(Te *t, const Labels *l, Tx place)
{
    if (!te_out(t, 0))
        return;
    te_stage(t, te_out(t, 0));
    te_yield(t, te_label(t, l, te_load(t, place, t->stage->axis)));
}

/* ---- constants ---- */

Tx te_floats(Te *t, Elem e, int64_t n, const float *at)
{
    Tensor *data = tensor_new(t->arena, e, 1, &n);
    for (int64_t i = 0; i < n; i++)
        elem_set_f64(e, (void *)(uintptr_t)data->data, (size_t)i, (double)at[i]);
    return te_table(t, data);
}

Tx te_numbers(Te *t, int64_t n, const int64_t *at)
{
    int64_t most = 0;
    for (int64_t i = 0; i < n; i++)
        most = MAX(most, at[i]);
    Elem e = most <= UINT8_MAX    ? ELEM_U8
             : most <= UINT16_MAX ? ELEM_U16
             : most <= INT32_MAX  ? ELEM_I32 : ELEM_I64;
    Tensor *data = tensor_new(t->arena, e, 1, &n);
    for (int64_t i = 0; i < n; i++)
        elem_set_i64(e, (void *)(uintptr_t)data->data, (size_t)i, at[i]);
    return te_table(t, data);
}
