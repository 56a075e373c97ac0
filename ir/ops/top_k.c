/* TopK: the k greatest (or least) elements along one dimension and their positions, best first. Of
 * equal elements the one with the lower index comes first; a NaN is above every number. They are in
 * order also where `sorted` does not ask for it. A function of the runtime: runtime/top_k.c. */
#include "ir/ops/check.h"

#define TOP_K_ATTRS(A, S)                                          \
    A(S, int, axis, "-1", "the dimension to search")               \
    A(S, int, largest, "1", "0: the least elements")               \
    A(S, int, sorted, "1", "0: any order will do")
ATTRS(TopKAttrs, TOP_K_ATTRS);

/* So many are kept in a heap, which needs no further memory; more are sorted. */
enum { MOST_IN_HEAP = 1024 };

static Status infer(Graph *g, Node *n)
{
    const TopKAttrs *a = n->attrs;
    const Ex *k;
    int axis, count;
    int64_t have, want;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_NUMBER));
    Type out = n->in[0]->type;
    if (!elem_is_native(out.elem) && out.elem != ELEM_F16 && out.elem != ELEM_BF16)
        return node_error(n, E0204, "input 0 has element type %s", elem_name[out.elem]);
    TRY(node_axis(n, a->axis, out.rank, &axis));
    TRY(node_known_ints(g, n, 1, 1, &k, &count));
    if (count != 1)
        return node_error(n, E0301, "input 1 has %d elements, must have 1", count);
    if (ex_is_int(k[0], &want) &&
        (want < 0 || (ex_is_int(out.dim[axis], &have) && want > have)))
        return node_error(n, E0301, "k is %lld, the dimension %s", (long long)want,
                          want < 0 ? "not so small" : "is smaller");
    out.dim[axis] = k[0];
    node_set_type(n, 0, out);
    out.elem = ELEM_I64;
    node_set_type(n, 1, out);
    return MLC_OK;
}

static Tx result(Te *t, int i, Elem e, const Type *shape)
{
    Tx y = te_out(t, i);
    return y ? y : te_temp(t, e, shape->rank, shape->dim);
}

static void define(Te *t, const Node *n)
{
    const TopKAttrs *a = n->attrs;
    Tx x = te_in(t, 0);
    const Type *shape = &n->out[n->out[0] ? 0 : 1]->type;
    int axis = (int)(a->axis < 0 ? a->axis + x->rank : a->axis);
    int64_t k;
    bool sorts = !ex_is_int(shape->dim[axis], &k) || k > MOST_IN_HEAP;
    te_require(t, ex_le(t->pool, shape->dim[axis], x->dim[axis]));
    Ex room = sorts ? ex_mul(t->pool, te_int(t, 4), x->dim[axis]) : te_int(t, 1);
    Tx out[3] = {result(t, 0, x->elem, shape), result(t, 1, ELEM_I64, shape),
                 te_temp(t, ELEM_I64, 1, &room)};
    te_call(t, "top_k", 3, out, 1, &x, 3,
            (Ex[]){te_int(t, axis), te_int(t, a->largest != 0), te_int(t, sorts)});
}

/* k was an attribute before 10. */
static Status upgrade(RawNode *raw)
{
    if (raw->version < 10)
        raw_attr_to_input(raw, "k", 1, ELEM_I64);
    return MLC_OK;
}

OP(top_k) = {
    .name = "TopK", .since = {1, 10, 11, 24}, .later = {{"bf16", 24}}, .min_in = 2, .max_in = 2,
    .min_out = 2, .max_out = 2, ATTRS_OF(TopKAttrs), .upgrade = upgrade, .infer = infer,
    .define = define, .doc = "the k greatest or least elements and their positions",
};
