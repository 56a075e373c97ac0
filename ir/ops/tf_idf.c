/* TfIdfVectorizer, of integers or strings: how often each n-gram of a pool occurs in a sequence.
 *     tf[j] = number of (i, s), s in [0, max_skip_count], with x[i + k (s + 1)] = gram_j[k] for all k
 * where an n-gram of one element is counted with s = 0 only. The output is tf (TF), weights * tf
 * (TFIDF), or the weight where tf > 0 (IDF). Strings are counted as their places in the sorted pool. */
#include "ir/base/str.h"
#include "ir/ops/strings.h"

#define TF_IDF_ATTRS(A, S)                                                        \
    A(S, int, max_gram_length, NULL, "longest n-gram that counts")                \
    A(S, int, max_skip_count, NULL, "elements that may be skipped between two")   \
    A(S, int, min_gram_length, NULL, "shortest n-gram that counts")               \
    A(S, str, mode, NULL, "TF, IDF or TFIDF")                                     \
    A(S, ints, ngram_counts, NULL, "where in the pool n-grams of each length begin") \
    A(S, ints, ngram_indexes, NULL, "output position of each n-gram")             \
    A(S, ints, pool_int64s, "", "the n-grams, shortest first")                    \
    A(S, strs, pool_strings, "", "the same, of strings")                          \
    A(S, floats, weights, "", "of the n-grams, by output position, default 1")
ATTRS(TfIdfAttrs, TF_IDF_ATTRS);

/* What stands at each output position: the n-gram's place in the pool and its length, 0 where there
 * is none that counts. */
typedef struct Grams {
    int64_t  count, longest;
    int64_t *at, *length;
} Grams;

/* Elements of the pool. */
static int pool_size(const TfIdfAttrs *a)
{
    return a->pool_strings.set ? a->pool_strings.n : a->pool_int64s.n;
}

static Status count_outputs(const Node *n, int64_t *count)
{
    const TfIdfAttrs *a = n->attrs;
    *count = 0;
    for (int i = 0; i < a->ngram_indexes.n; i++) {
        TRY(node_need_size(n, "ngram_indexes", a->ngram_indexes.at[i], 0));
        *count = MAX(*count, a->ngram_indexes.at[i] + 1);
    }
    if (*count < 1 || *count > 4 * (int64_t)a->ngram_indexes.n + 1024)
        return node_error(n, E0203, "%d n-grams for %lld output positions", a->ngram_indexes.n,
                          (long long)*count);
    return MLC_OK;
}

/* N-grams of `length` elements between two places of the pool; *gram counts all of them. */
static Status read_length(const Node *n, int64_t length, int64_t from, int64_t to, int *gram,
                          Grams *out)
{
    const TfIdfAttrs *a = n->attrs;
    if (from < 0 || to < from || to > pool_size(a) || (to - from) % length)
        return node_error(n, E0203, "n-grams of length %lld stand at %lld to %lld of a pool of %d",
                          (long long)length, (long long)from, (long long)to, pool_size(a));
    for (int64_t i = from; i < to; i += length, (*gram)++) {
        if (*gram >= a->ngram_indexes.n)
            return node_error(n, E0203, "more n-grams than the %d of 'ngram_indexes'",
                              a->ngram_indexes.n);
        if (length < a->min_gram_length || length > a->max_gram_length)
            continue;
        int64_t j = a->ngram_indexes.at[*gram];
        if (out->length[j])
            return node_error(n, E0205, "two n-grams have output position %lld", (long long)j);
        out->at[j] = i;
        out->length[j] = length;
        out->longest = MAX(out->longest, length);
    }
    return MLC_OK;
}

static Status read_grams(Arena *arena, const Node *n, Grams *out)
{
    const TfIdfAttrs *a = n->attrs;
    int gram = 0;
    TRY(count_outputs(n, &out->count));
    out->longest = 1;
    out->at = NEW_ARRAY(arena, int64_t, out->count);
    out->length = NEW_ARRAY(arena, int64_t, out->count);
    for (int i = 0; i < a->ngram_counts.n; i++) {
        bool last = i + 1 == a->ngram_counts.n;
        TRY(read_length(n, i + 1, a->ngram_counts.at[i],
                        last ? pool_size(a) : a->ngram_counts.at[i + 1], &gram, out));
    }
    return MLC_OK;
}

enum { MAX_GRAM = 64, MAX_SKIP = 1 << 20 };

static Status infer(Graph *g, Node *n)
{
    const TfIdfAttrs *a = n->attrs;
    Grams grams;
    TRY(node_need_rank(n, 0, 1, 2));
    TRY(node_need_elem(n, 0, a->pool_strings.set ? IS_STRING : IS_INT));
    if (!str_eq(a->mode, "TF") && !str_eq(a->mode, "IDF") && !str_eq(a->mode, "TFIDF"))
        return node_error(n, E0203, "attribute 'mode' is '%s'", a->mode);
    TRY(node_need_size(n, "min_gram_length", a->min_gram_length, 1));
    TRY(node_need_size(n, "max_gram_length", a->max_gram_length, a->min_gram_length));
    TRY(node_need_size(n, "max_skip_count", a->max_skip_count, 0));
    if (a->ngram_counts.n > MAX_GRAM || a->max_skip_count > MAX_SKIP)
        return node_error(n, E0205, "n-grams of up to %d elements with %lld skipped",
                          a->ngram_counts.n, (long long)a->max_skip_count);
    TRY(read_grams(g->arena, n, &grams));
    if (a->weights.set && a->weights.n < grams.count)
        return node_error(n, E0203, "%d weights for %lld output positions", a->weights.n,
                          (long long)grams.count);
    Type y = n->in[0]->type;
    y.elem = ELEM_F32;
    y.dim[y.rank - 1] = ex_int(g->pool, grams.count);
    node_set_type(n, 0, y);
    return MLC_OK;
}

/* x and the pool as integers. */
typedef struct Numbers {
    Tx             x;
    const int64_t *pool;
} Numbers;

static Numbers numbers_of(Te *t)
{
    const TfIdfAttrs *a = t->node->attrs;
    int n = a->pool_strings.n;
    if (!a->pool_strings.set)
        return (Numbers){te_in(t, 0), a->pool_int64s.at};
    const char **sorted = NEW_ARRAY(t->arena, const char *, n);
    int64_t *pool = NEW_ARRAY(t->arena, int64_t, n);
    int distinct = text_sort(t->arena, n, a->pool_strings.at, sorted, NULL);
    for (int i = 0; i < n; i++)
        pool[i] = text_place(distinct, sorted, a->pool_strings.at[i]);
    return (Numbers){te_text_find(t, te_in(t, 0), distinct, sorted), pool};
}

/* Tables by output position: the n-grams, filled up with zeros, and their lengths. */
static Tx gram_table(Te *t, const Grams *grams, const int64_t *pool)
{
    Tensor *data = tensor_new(t->arena, ELEM_I64, 2, (int64_t[]){grams->count, grams->longest});
    int64_t *to = (int64_t *)(uintptr_t)data->data;
    memset(to, 0, (size_t)(grams->count * grams->longest) * sizeof *to);
    for (int64_t j = 0; j < grams->count; j++)
        for (int64_t k = 0; k < grams->length[j]; k++)
            to[j * grams->longest + k] = pool[grams->at[j] + k];
    return te_table(t, data);
}

static Tx vector(Te *t, Elem e, int64_t n, const void *at)
{
    Tensor *data = tensor_new(t->arena, e, 1, &n);
    memcpy((void *)(uintptr_t)data->data, at, elem_size_bytes(e, (size_t)n));
    return te_table(t, data);
}

/* Does the n-gram at the open stage's output position stand at i, every `step`-th element? */
static Ex occurs(Te *t, const Grams *grams, const Numbers *numbers, Ex i, Ex skip)
{
    Tx x = numbers->x, pool = gram_table(t, grams, numbers->pool);
    Tx lengths = vector(t, ELEM_I64, grams->count, grams->length);
    int last = x->rank - 1;
    Ex j = te_axis(t, last), length = te_load(t, lengths, &j), index[2] = {te_axis(t, 0)};
    Ex step = te_add(t, skip, te_int(t, 1)), one = te_int(t, 1);
    Ex end = te_add(t, i, te_mul(t, te_sub(t, length, one), step));
    Ex hit = te_and(t, te_le(t, one, length), te_lt(t, end, x->dim[last]));
    hit = te_and(t, hit, te_or(t, te_lt(t, one, length), te_eq(t, skip, te_int(t, 0))));
    for (int64_t k = 0; k < grams->longest; k++) {
        index[last] = te_add(t, i, te_mul(t, te_int(t, k), step));
        Ex v = te_cast(t, ELEM_I64, te_load_padded_from(t, x, last, index,
                                                        te_const(t, x->elem, 0)));
        Ex same = te_eq(t, v, te_load(t, pool, (Ex[]){j, te_int(t, k)}));
        hit = te_and(t, hit, te_or(t, te_le(t, length, te_int(t, k)), same));
    }
    return hit;
}

static void define(Te *t, const Node *n)
{
    const TfIdfAttrs *a = n->attrs;
    Grams grams;
    Status st = read_grams(t->arena, n, &grams);
    assert(st == MLC_OK);
    (void)st;
    Numbers numbers = numbers_of(t);
    Tx x = numbers.x, y = te_out(t, 0);
    te_stage(t, y);
    Ex i = te_red(t, x->dim[x->rank - 1]), skip = te_red(t, te_int(t, a->max_skip_count + 1));
    Ex count = te_sum(t, te_cast(t, ELEM_I64, occurs(t, &grams, &numbers, i, skip)));
    Ex v = te_cast(t, ELEM_F32, count);
    if (str_eq(a->mode, "IDF"))
        v = te_cast(t, ELEM_F32, te_lt(t, te_int(t, 0), count));
    if (a->weights.set && !str_eq(a->mode, "TF")) {
        Ex j = te_axis(t, x->rank - 1);
        v = te_mul(t, v, te_load(t, vector(t, ELEM_F32, grams.count, a->weights.at), &j));
    }
    te_yield(t, v);
}

OP(tf_idf_vectorizer) = {
    .name = "TfIdfVectorizer", .since = {9}, .min_in = 1, .max_in = 1, ATTRS_OF(TfIdfAttrs),
    .infer = infer, .define = define, .doc = "how often n-grams occur, weighted",
};
