/* EmbedLayerNormalization of com.microsoft: the input of BERT,
 *     sum = word[id] + position[place] + segment[segment id];  y = LayerNormalization(sum)
 * Output 1 counts the tokens that the mask keeps, output 2 is the sum. */
#include "ir/base/str.h"
#include "ir/ops/check.h"

#define EMBED_ATTRS(A, S)                                        \
    A(S, float, epsilon, "1e-12", "added to the variance")       \
    A(S, int, mask_index_type, "0", "without effect")
ATTRS(EmbedAttrs, EMBED_ATTRS);

enum { IN_IDS, IN_SEGMENTS, IN_WORD, IN_POSITION, IN_SEGMENT, IN_GAMMA, IN_BETA, IN_MASK, IN_PLACES };
enum { OUT_Y, OUT_COUNT, OUT_SUM };

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_rank(n, IN_IDS, 2, 2));
    TRY(node_need_elem(n, IN_IDS, IS_INT));
    if (node_has(n, IN_SEGMENTS) != node_has(n, IN_SEGMENT))
        return node_error(n, E0202, "segment ids and their embedding belong together");
    for (int i = IN_WORD; i <= IN_BETA; i++) {
        if (!node_has(n, i) && i == IN_SEGMENT)
            continue;
        if (!node_has(n, i))
            return node_error(n, E0202, "input %d is omitted", i);
        TRY(node_need_elem(n, i, IS_FLOAT));
        TRY(node_need_rank(n, i, i >= IN_GAMMA ? 1 : 2, i >= IN_GAMMA ? 1 : 2));
    }
    for (int i = IN_MASK; i <= IN_PLACES; i++)
        if (node_has(n, i)) {
            TRY(node_need_rank(n, i, 2, 2));
            TRY(node_need_elem(n, i, IS_INT));
        }
    return infer_composite(g, n);
}

static void compose(Str *s, const Node *n)
{
    str_add(s, "const %zero : i64[] = {0} const %one : i64[] = {1} const %last : i64[1] = {1}"
               " %ids_shape = Shape(%0) %length = Gather(%ids_shape, %one)"
               " %words = Gather(%2, %0) ");
    str_add(s, node_has(n, IN_PLACES) ? "%places = Gather(%3, %8) "
                                      : "%steps = Range(%zero, %length, %one)"
                                        " %places = Gather(%3, %steps) ");
    str_add(s, "%placed = Add(%words, %places) ");
    str_add(s, node_has(n, IN_SEGMENTS) ? "%segments = Gather(%4, %1) %sum = Add(%placed, %segments) "
                                        : "%sum = Identity(%placed) ");
    str_add(s, "%y = LayerNormalization(%sum, %5, %6) {epsilon=$epsilon} out %y");
    if (n->nout <= OUT_COUNT)
        return;
    str_add(s, node_has(n, IN_MASK)
                   ? " %count = ReduceSum(%7, %last) {keepdims=0} out %count"
                   : " %batch = Shape(%0) {start=0, end=1}"
                     " %count = ConstantOfShape(%batch) {value=i32[1] {0}} out %count");
    if (n->nout > OUT_SUM)
        str_add(s, " out %sum");
}

OP(embed_layer_normalization) = {
    .name = "EmbedLayerNormalization", .domain = "com.microsoft", .since = {1}, .min_in = 7,
    .max_in = 9, .min_out = 1, .max_out = 3, .traits = OP_GAPS, ATTRS_OF(EmbedAttrs), .infer = infer,
    .compose = compose, .doc = "normalized sum of word, position and segment embeddings",
};
