/* StringConcat: a followed by b, element by element, with numpy broadcasting.
 * StringSplit: the pieces of each string between delimiters, and how many there are; where they are
 * fewer than the most, "" follows. No delimiter is any run of white space. The function of the runtime
 * is runtime/text_make.c. */
#include "ir/ops/control.h"
#include "ir/ops/strings.h"

static Status infer_concat(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_STRING));
    TRY(node_need_elem(n, 1, IS_STRING));
    return infer_broadcast(g, n);
}

static void define_concat(Te *t, const Node *n)
{
    (void)n;
    Tx y = te_out(t, 0), in[2] = {te_bcast_to(t, te_in(t, 0), y), te_bcast_to(t, te_in(t, 1), y)};
    Ex bytes = te_add(t, te_text_bytes(t, in[0]), te_text_bytes(t, in[1]));
    te_text_make(t, "text_concat", bytes, 1, &y, 2, in, 0, NULL);
}

OP(string_concat) = {
    .name = "StringConcat", .since = {20}, .min_in = 2, .max_in = 2, .infer = infer_concat,
    .define = define_concat, .doc = "y = a followed by b",
};

/* ---- StringSplit ---- */

#define SPLIT_ATTRS(A, S)                                                          \
    A(S, str, delimiter, "", "what stands between pieces; \"\": white space")      \
    A(S, int, maxsplit, "", "cuts at most; absent: any number")
ATTRS(SplitAttrs, SPLIT_ATTRS);

static Status infer_split(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 0, MAX_RANK - 1));
    TRY(node_need_elem(n, 0, IS_STRING));
    Type y = n->in[0]->type, count = y;
    count.elem = ELEM_I64;
    node_set_type(n, 1, count);
    if (n->nout > 0 && n->out[0]) {
        y.dim[y.rank] = assigned_dim(g, n->out[0], y.rank);
        y.rank++;
        node_set_type(n, 0, y);
    }
    return MLC_OK;
}

static void define_split(Te *t, const Node *n)
{
    const SplitAttrs *a = n->attrs;
    const char *delimiter = a->delimiter ? a->delimiter : "";
    Tx x = te_in(t, 0), y = te_out(t, 0), pieces = te_out(t, 1);
    Ex one = te_int(t, 1);
    Ex cuts = te_int(t, a->maxsplit == ATTR_INT_ABSENT || a->maxsplit < 0 ? -1 : a->maxsplit);
    Tx in[2] = {x, te_text_table(t, 1, &delimiter)}, most = te_temp(t, ELEM_I64, 1, &one);
    if (!pieces)
        pieces = te_temp(t, ELEM_I64, x->rank, x->dim);
    te_text_call(t, "text_count", 2, (Tx[]){pieces, most}, 2, in, 1, &cuts);
    if (!y)
        return;
    te_set_element(t, y->dim[x->rank], most, te_int(t, 0));
    te_text_make(t, "text_split", te_text_bytes(t, x), 1, &y, 2, in, 2,
                 (Ex[]){y->dim[x->rank], cuts});
}

OP(string_split) = {
    .name = "StringSplit", .since = {20}, .min_in = 1, .max_in = 1, .min_out = 2, .max_out = 2,
    .traits = OP_CONTROL, ATTRS_OF(SplitAttrs), .infer = infer_split, .define = define_split,
    .doc = "the pieces of each string, and their number",
};
