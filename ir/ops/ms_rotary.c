/* RotaryEmbedding of com.microsoft: ONNX's, with the tables behind the positions, and positions that
 * may be one offset for the whole batch. */
#include "ir/base/str.h"
#include "ir/ops/check.h"

#define MS_ROTARY_ATTRS(A, S)                                                 \
    A(S, int, interleaved, "0", "1: pairs are neighbours")                    \
    A(S, int, is_packed_batching, "0", "must be 0")                           \
    A(S, int, num_heads, "0", "heads of an input of rank 3, 0: by the tables") \
    A(S, int, rotary_embedding_dim, "0", "elements of a head that turn; 0: all") \
    A(S, float, scale, "1", "must be 1")
ATTRS(MsRotaryAttrs, MS_ROTARY_ATTRS);

enum { IN_X, IN_PLACES, IN_COS, IN_SIN };

static Status count_heads(const Node *n, int64_t *heads)
{
    const MsRotaryAttrs *a = n->attrs;
    const Type *x = &n->in[IN_X]->type;
    int64_t hidden, half;
    *heads = a->num_heads;
    if (x->rank == 4 || a->num_heads > 0)
        return MLC_OK;
    if (!ex_is_int(x->dim[2], &hidden) || !ex_is_int(n->in[IN_COS]->type.dim[1], &half))
        return node_error(n, E0303, "the size of a head is not constant");
    if (a->rotary_embedding_dim || half < 1 || hidden % (2 * half))
        return node_error(n, E0301, "%lld elements in heads of %lld", (long long)hidden,
                          (long long)(2 * half));
    *heads = hidden / (2 * half);
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    const MsRotaryAttrs *a = n->attrs;
    int64_t heads;
    if (a->is_packed_batching || a->scale != 1)
        return node_error(n, E0205, "attribute '%s' is not %d",
                          a->is_packed_batching ? "is_packed_batching" : "scale",
                          !a->is_packed_batching);
    TRY(node_need_elem(n, IN_X, IS_FLOAT));
    TRY(node_need_rank(n, IN_X, 3, 4));
    TRY(node_need_rank(n, IN_PLACES, 1, 2));
    TRY(node_need_elem(n, IN_PLACES, IS_INT));
    for (int i = IN_COS; i <= IN_SIN; i++)
        TRY(node_need_rank(n, i, 2, 2));
    TRY(count_heads(n, &heads));
    return infer_composite(g, n);
}

static void compose(Str *s, const Node *n)
{
    int64_t heads = 0;
    Status st = count_heads(n, &heads);
    assert(st == MLC_OK);
    (void)st;
    int at = n->in[IN_X]->type.rank - 2; /* the dimension of positions */
    if (n->in[IN_PLACES]->type.rank == 1)
        str_printf(s, "const %%zero : i64[] = {0} const %%one : i64[] = {1}"
                      " %%batch = Shape(%%0) {start=0, end=1}"
                      " %%length = Shape(%%0) {start=%d, end=%d} %%steps = Squeeze(%%length)"
                      " %%range = Range(%%zero, %%steps, %%one) %%offset = Cast(%%1) {to=7}"
                      " %%row = Add(%%range, %%offset) %%all = Concat(%%batch, %%length) {axis=0}"
                      " %%places = Expand(%%row, %%all) ", at, at + 1);
    else
        str_add(s, "%places = Cast(%1) {to=7} ");
    str_printf(s, "%%y = RotaryEmbedding(%%0, %%2, %%3, %%places) {interleaved=$interleaved,"
                  " num_heads=%lld, rotary_embedding_dim=$rotary_embedding_dim} out %%y",
               (long long)heads);
}

OP(ms_rotary_embedding) = {
    .name = "RotaryEmbedding", .domain = "com.microsoft", .since = {1}, .min_in = 4, .max_in = 4,
    ATTRS_OF(MsRotaryAttrs), .infer = infer, .compose = compose,
    .doc = "pairs of elements turned by their position",
};
