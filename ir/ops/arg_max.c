/* ArgMax, ArgMin: the position of the largest or least element along one axis, the first or the
 * last of equal ones; a NaN counts as more extreme than any number. A reduction of pairs. */
#include "ir/ops/check.h"

#define ARG_ATTRS(A, S)                                                      \
    A(S, int, axis, "0", "the dimension to search")                          \
    A(S, int, keepdims, "1", "1: it stays, with size 1")                     \
    A(S, int, select_last_index, "0", "1: the last of equal elements")
ATTRS(ArgAttrs, ARG_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const ArgAttrs *a = n->attrs;
    int axis;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_NUMBER));
    Type out = n->in[0]->type;
    TRY(node_axis(n, a->axis, out.rank, &axis));
    if (ex_is(out.dim[axis], 0))
        return node_error(n, E0301, "dimension %d is empty", axis);
    out.elem = ELEM_I64;
    out.dim[axis] = ex_int(g->pool, 1);
    if (!a->keepdims) {
        out.rank--;
        memmove(&out.dim[axis], &out.dim[axis + 1], (size_t)(out.rank - axis) * sizeof(Ex));
    }
    node_set_type(n, 0, out);
    return MLC_OK;
}

/* Does r, which comes later, take the place of l? */
static Ex replaces(Te *t, bool largest, bool last, Ex l, Ex r)
{
    Ex lo = largest ? l : r, hi = largest ? r : l;
    Ex better = last ? te_le(t, lo, hi) : te_lt(t, lo, hi);
    if (!elem_is_float((Elem)l->elem))
        return better;
    Ex nan = te_ne(t, r, r);
    if (!last)
        nan = te_and(t, nan, te_eq(t, l, l));
    return te_or(t, better, nan);
}

static void define_arg(Te *t, const Node *n, bool largest)
{
    const ArgAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    int axis = (int)(a->axis < 0 ? a->axis + x->rank : a->axis);
    te_stage(t, te_out(t, 0));
    Ex k = te_red(t, x->dim[axis]), index[MAX_RANK], got[2];
    for (int i = 0, j = 0; i < x->rank; i++) {
        index[i] = i == axis ? k : te_axis(t, j);
        j += i != axis || a->keepdims;
    }
    Ex value = te_wide(t, te_load(t, x, index));
    Elem e = (Elem)value->elem;
    Ex init[2] = {reduce_init(t->pool, largest ? REDUCE_MAX : REDUCE_MIN, e), te_int(t, 0)};
    Ex l = ex_acc(t->pool, e, 0), r = ex_rhs(t->pool, e, 0);
    Ex take = replaces(t, largest, a->select_last_index != 0, l, r);
    Ex combine[2] = {te_select(t, take, r, l), te_select(t, take, ex_rhs(t->pool, ELEM_I64, 1),
                                                         ex_acc(t->pool, ELEM_I64, 1))};
    te_reduce_general(t, 2, init, (Ex[]){value, k}, combine, got);
    te_yield(t, got[1]);
}

static void define_max(Te *t, const Node *n)
{
    define_arg(t, n, true);
}

static void define_min(Te *t, const Node *n)
{
    define_arg(t, n, false);
}

#define RECORD(text, definition, formula)                                                     \
    {.name = text, .since = {1, 11, 12, 13}, .min_in = 1, .max_in = 1, ATTRS_OF(ArgAttrs),    \
     .infer = infer, .define = definition, .doc = formula}

OP(arg_max) = RECORD("ArgMax", define_max, "position of the largest element");
OP(arg_min) = RECORD("ArgMin", define_min, "position of the least element");
