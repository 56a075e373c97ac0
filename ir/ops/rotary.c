/* RotaryEmbedding: pairs of elements of each head are turned by an angle that depends on their
 * position:
 *     y1 = cos * x1 - sin * x2        y2 = sin * x1 + cos * x2
 * The pair's members are neighbours (interleaved) or lie half of the turned part apart; elements
 * behind the turned part stay. x is [batch, heads, length, size] or [batch, length, hidden]. */
#include "ir/ops/check.h"

#define ROTARY_ATTRS(A, S)                                                   \
    A(S, int, interleaved, "0", "1: pairs are neighbours")                   \
    A(S, int, num_heads, "0", "heads of an input of rank 3")                 \
    A(S, int, rotary_embedding_dim, "0", "elements of a head that turn; 0: all")
ATTRS(RotaryAttrs, ROTARY_ATTRS);

/* Elements of a head, and those that turn. */
static Status read_sizes(Graph *g, const Node *n, int64_t *size, int64_t *turned)
{
    const RotaryAttrs *a = n->attrs;
    const Type *x = &n->in[0]->type;
    Ex last = x->dim[x->rank - 1];
    if (x->rank == 3) {
        TRY(node_need_size(n, "num_heads", a->num_heads, 1));
        last = ex_floor_div(g->pool, last, ex_int(g->pool, a->num_heads));
    }
    if (!ex_is_int(last, size))
        return node_error(n, E0303, "the size of a head is not constant");
    *turned = a->rotary_embedding_dim ? a->rotary_embedding_dim : *size;
    if (*turned < 2 || *turned % 2 || *turned > *size)
        return node_error(n, E0203, "%lld of %lld elements of a head turn", (long long)*turned,
                          (long long)*size);
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    int64_t size, turned, angles;
    TRY(node_need_rank(n, 0, 3, 4));
    for (int i = 1; i < 3; i++) {
        TRY(node_need_rank(n, i, node_has(n, 3) ? 2 : 3, node_has(n, 3) ? 2 : 3));
        TRY(node_need_same_elem(n, 0, i));
    }
    TRY(read_sizes(g, n, &size, &turned));
    for (int i = 1; i < 3; i++) {
        const Type *c = &n->in[i]->type;
        if (ex_is_int(c->dim[c->rank - 1], &angles) && angles < turned / 2)
            return node_error(n, E0301, "%lld angles for %lld elements that turn",
                              (long long)angles, (long long)turned);
    }
    if (node_has(n, 3)) {
        TRY(node_need_rank(n, 3, 2, 2));
        TRY(node_need_elem(n, 3, IS_INT));
        TRY(node_check_index(n, 3, n->in[1]->type.dim[0]));
    }
    return infer_float(g, n);
}

static void define(Te *t, const Node *n)
{
    const RotaryAttrs *a = n->attrs;
    Tx x = te_in(t, 0), table[2] = {te_in(t, 1), te_in(t, 2)}, ids = te_in(t, 3);
    int64_t size = 2, turned = 2;
    Status st = read_sizes(n->graph, n, &size, &turned);
    assert(st == MLC_OK);
    (void)st;
    int last = x->rank - 1;
    Ex length = x->dim[last - 1], index[4], two = te_int(t, 2), half = te_int(t, turned / 2);
    if (x->rank == 3)
        length = x->dim[1];
    for (int i = 0; i < 2; i++)
        te_require(t, te_le(t, half, table[i]->dim[table[i]->rank - 1]));
    if (ids) {
        te_require_equal(t, table[0]->dim[0], table[1]->dim[0]);
        te_require_equal(t, ids->dim[0], x->dim[0]);
        te_require_equal(t, ids->dim[1], length);
        te_check_index(t, ids, n->in[3], table[0]->dim[0]);
    }
    for (int i = 0; i < 2 && !ids; i++) {
        te_require_equal(t, table[i]->dim[0], x->dim[0]);
        te_require_equal(t, table[i]->dim[1], length);
    }
    te_stage(t, te_out(t, 0));
    memcpy(index, t->stage->axis, (size_t)x->rank * sizeof *index);
    Ex own = index[last], head = te_int(t, 0), position = index[x->rank == 3 ? 1 : 2];
    if (x->rank == 3) {
        head = te_mul(t, te_floor_div(t, own, te_int(t, size)), te_int(t, size));
        own = te_floor_mod(t, own, te_int(t, size));
    }
    Ex pair = a->interleaved ? te_floor_div(t, own, two) : te_floor_mod(t, own, half);
    Ex first = a->interleaved ? te_eq(t, te_floor_mod(t, own, two), te_int(t, 0))
                              : te_lt(t, own, half);
    Ex apart = a->interleaved ? te_int(t, 1) : half;
    Ex other = te_select(t, first, te_add(t, own, apart), te_sub(t, own, apart));
    Ex at[3] = {index[0], position, pair}, sc[2];
    Ex turns = te_lt(t, own, te_int(t, turned)), stays = te_wide(t, te_load(t, x, index));
    for (int i = 0; i < 2; i++) {
        if (ids) {
            at[0] = te_load_index(t, ids, n->in[3], (Ex[]){index[0], position}, table[0]->dim[0]);
            at[1] = pair;
        }
        sc[i] = te_wide(t, te_load(t, table[i], at));
    }
    index[last] = te_add(t, head, other);
    Ex partner = te_mul(t, sc[1], te_wide(t, te_load(t, x, index)));
    Ex v = te_add(t, te_mul(t, sc[0], stays), te_select(t, first, te_neg(t, partner), partner));
    te_yield(t, turned == size ? v : ex_guard(t->pool, turns, v, stays));
}

OP(rotary_embedding) = {
    .name = "RotaryEmbedding", .since = {23}, .min_in = 3, .max_in = 4, ATTRS_OF(RotaryAttrs),
    .infer = infer, .define = define, .doc = "pairs of elements turned by their position",
};
