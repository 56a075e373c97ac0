/* StringNormalizer: the strings that are no stop words, in upper or lower case or as they are; "" where
 * none is left. Unless case matters, stop words are compared in lower case. The locale is not used:
 * cases are those of Unicode. A tensor is a row of strings, [n] or [1, n]. */
#include "ir/ops/control.h"
#include "ir/ops/strings.h"

#define NORMALIZER_ATTRS(A, S)                                                      \
    A(S, str, case_change_action, "NONE", "LOWER, UPPER or NONE")                   \
    A(S, int, is_case_sensitive, "0", "1: stop words only in the case they are in") \
    A(S, str, locale, "", "not used")                                               \
    A(S, strs, stopwords, "", "what is left out")
ATTRS(NormalizerAttrs, NORMALIZER_ATTRS);

static Status infer(Graph *g, Node *n)
{
    const NormalizerAttrs *a = n->attrs;
    const char *change = a->case_change_action;
    TRY(node_need_rank(n, 0, 1, 2));
    TRY(node_need_elem(n, 0, IS_STRING));
    if (strcmp(change, "NONE") != 0 && strcmp(change, "LOWER") != 0 && strcmp(change, "UPPER") != 0)
        return node_error(n, E0203, "attribute 'case_change_action' is '%s'", change);
    Type y = n->in[0]->type;
    if (y.rank == 2)
        TRY(node_need_equal(n, y.dim[0], ex_int(g->pool, 1), "rows of strings"));
    y.dim[y.rank - 1] = assigned_dim(g, n->out[0], y.rank - 1);
    y.dim[0] = y.rank == 2 ? ex_int(g->pool, 1) : y.dim[0];
    node_set_type(n, 0, y);
    return MLC_OK;
}

/* For each string of x its place among the stop words, or -1. */
static Tx find_stop_words(Te *t, const NormalizerAttrs *a, Tx x)
{
    int n = a->stopwords.n;
    Tx words = te_text_table(t, n, a->stopwords.at);
    if (!a->is_case_sensitive) {
        Tx lower[2] = {te_temp(t, x->elem, x->rank, x->dim), te_temp(t, words->elem, 1, words->dim)};
        te_text_case(t, lower[0], x, false);
        te_text_case(t, lower[1], words, false);
        x = lower[0];
        words = lower[1];
    }
    Tx found = te_temp(t, ELEM_I64, x->rank, x->dim);
    te_text_call(t, "text_find", 1, &found, 2, (Tx[]){x, words}, 1, (Ex[]){te_int(t, 0)});
    return found;
}

/* x[i], whether it is [n] or [1, n]. */
static Ex load_one(Te *t, Tx x, Ex i)
{
    Ex at[2] = {te_int(t, 0), i};
    return te_load(t, x, x->rank == 2 ? at : &at[1]);
}

static Ex is_kept(Te *t, Tx found, Ex i)
{
    return te_lt(t, load_one(t, found, i), te_int(t, 0));
}

static void define(Te *t, const Node *n)
{
    const NormalizerAttrs *a = n->attrs;
    Tx x = te_in(t, 0), y = te_out(t, 0), kept = y;
    int axis = x->rank - 1;
    bool changes = strcmp(a->case_change_action, "NONE") != 0;
    if (x->rank == 2)
        te_require_equal(t, x->dim[0], te_int(t, 1));
    Ex count = te_symbol(t, "kept", 0, INT64_MAX);
    Tx place = te_list_set(t, x->dim[axis], is_kept, find_stop_words(t, a, x), count);
    te_set(t, y->dim[axis], ex_max(t->pool, count, te_int(t, 1)));
    if (changes)
        kept = te_temp(t, y->elem, y->rank, y->dim);
    te_stage(t, kept);
    Ex i = te_axis(t, axis);
    te_yield(t, ex_guard(t->pool, te_lt(t, i, count), load_one(t, x, te_load(t, place, &i)),
                         te_const(t, x->elem, 0)));
    if (changes)
        te_text_case(t, y, kept, a->case_change_action[0] == 'U');
}

OP(string_normalizer) = {
    .name = "StringNormalizer", .since = {10}, .min_in = 1, .max_in = 1, .traits = OP_CONTROL,
    ATTRS_OF(NormalizerAttrs), .infer = infer, .define = define,
    .doc = "strings without stop words, in one case",
};
