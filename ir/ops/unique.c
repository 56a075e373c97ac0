/* Unique: the different elements of a tensor, or its different slices along `axis`; where each stands
 * first, which of them each element is, and how often each occurs. Sorted, or in the order of their
 * first places. Strings are ordered by their bytes. NaNs equal each other, are above every number, and -0 equals 0. A function of the
 * runtime finds them (runtime/unique.c). */
#include "ir/ops/control.h"
#include "ir/ops/strings.h"

#define UNIQUE_ATTRS(A, S)                                                \
    A(S, int, axis, "", "the dimension of the slices; absent: elements")  \
    A(S, int, sorted, "1", "0: in the order of the input")
ATTRS(UniqueAttrs, UNIQUE_ATTRS);

/* -1: elements. */
static Status read_axis(const Node *n, int *axis)
{
    const UniqueAttrs *a = n->attrs;
    *axis = -1;
    return a->axis == ATTR_INT_ABSENT ? MLC_OK : node_axis(n, a->axis, n->in[0]->type.rank, axis);
}

static Status infer(Graph *g, Node *n)
{
    int axis;
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_ANY));
    const Type *x = &n->in[0]->type;
    if (!elem_is_native(x->elem) && x->elem != ELEM_F16 && x->elem != ELEM_BF16 &&
        x->elem != ELEM_STRING)
        return node_error(n, E0204, "input 0 has element type %s", elem_name[x->elem]);
    TRY(read_axis(n, &axis));
    Ex all = axis < 0 ? type_count(g->pool, x) : x->dim[axis], found = NULL;
    for (int i = 0; i < n->nout && !found; i++)
        if (n->out[i] && i != 2)
            found = assigned_dim(g, n->out[i], i == 0 && axis > 0 ? axis : 0);
    Type y = axis < 0 ? type_tensor(x->elem, 1, &found) : *x;
    if (axis >= 0 && found)
        y.dim[axis] = found;
    if (found)
        node_set_type(n, 0, y);
    for (int i = 1; i < n->nout; i++)
        node_set_type(n, i, type_tensor(ELEM_I64, 1, i == 2 ? &all : &found));
    return MLC_OK;
}

/* y = from, whose first elements are meant. */
static void copy_found(Te *t, Tx y, Tx from)
{
    if (!y)
        return;
    te_stage(t, y);
    te_yield(t, te_load(t, from, t->stage->axis));
}

static void take_first(Te *t, Tx y, Tx x, Tx first, int axis)
{
    Ex at[MAX_RANK];
    te_stage(t, y);
    Ex from = te_load(t, first, (Ex[]){te_axis(t, MAX(axis, 0))});
    memcpy(at, t->stage->axis, (size_t)y->rank * sizeof *at);
    if (axis < 0)
        unflatten(t->pool, from, 0, x->rank, x->dim, at);
    else
        at[axis] = from;
    te_yield(t, te_load(t, x, at));
}

/* Numbers in the order of the strings x, equal where they are. */
static Tx rank_of(Te *t, Tx x, Ex count)
{
    Ex room = te_mul(t, te_int(t, 2), count);
    Tx out[2] = {te_temp(t, ELEM_I64, x->rank, x->dim), te_temp(t, ELEM_I64, 1, &room)};
    te_text_call(t, "text_rank", 2, out, 1, &x, 0, NULL);
    return out[0];
}

static void define(Te *t, const Node *n)
{
    const UniqueAttrs *a = n->attrs;
    ExPool *p = t->pool;
    Tx x = te_in(t, 0), y = te_out(t, 0), inverse = te_out(t, 2);
    int axis;
    Status st = read_axis(n, &axis);
    assert(st == MLC_OK);
    (void)st;
    Ex all = axis < 0 ? type_count(p, &n->in[0]->type) : x->dim[axis], one = te_int(t, 1);
    Ex room = ex_mul(p, te_int(t, 4), all);
    Tx first = te_temp(t, ELEM_I64, 1, &all), counts = te_temp(t, ELEM_I64, 1, &all);
    Tx number = te_temp(t, ELEM_I64, 1, &one);
    bool is_text = n->in[0]->type.elem == ELEM_STRING;
    Tx keys = is_text ? rank_of(t, x, type_count(p, &n->in[0]->type)) : x;
    te_call(t, "unique", 5,
            (Tx[]){first, inverse ? inverse : te_temp(t, ELEM_I64, 1, &all), counts, number,
                   te_temp(t, ELEM_I64, 1, &room)},
            1, &keys, 2, (Ex[]){te_int(t, axis), te_int(t, a->sorted != 0)});
    Tx sized = y ? y : te_out(t, 1) ? te_out(t, 1) : te_out(t, 3);
    if (sized)
        te_set_element(t, sized->dim[y ? MAX(axis, 0) : 0], number, te_int(t, 0));
    if (y)
        take_first(t, y, x, first, axis);
    copy_found(t, te_out(t, 1), first);
    copy_found(t, te_out(t, 3), counts);
}

OP(unique) = {
    .name = "Unique", .since = {11, 28}, .later = {{"bf16", 28}}, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 4,
    .traits = OP_CONTROL, ATTRS_OF(UniqueAttrs), .infer = infer, .define = define,
    .doc = "the different elements or slices",
};
