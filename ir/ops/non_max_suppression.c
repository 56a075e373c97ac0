/* NonMaxSuppression: for each batch and class the boxes in the order of their scores, without those
 * that overlap a better one by more than iou_threshold. A function of the runtime selects
 * (runtime/suppress.c); how many it selected is the first dimension. */
#include "ir/ops/control.h"

#define NMS_ATTRS(A, S) \
    A(S, int, center_point_box, "0", "1: a box is its centre and size, 0: two corners")
ATTRS(NmsAttrs, NMS_ATTRS);

static Status need_one(const Node *n, int i)
{
    int64_t dim;
    if (!node_has(n, i))
        return MLC_OK;
    TRY(node_need_rank(n, i, 0, 1));
    if (n->in[i]->type.rank == 1 && ex_is_int(n->in[i]->type.dim[0], &dim) && dim != 1)
        return node_error(n, E0301, "input %d has %lld elements, must have 1", i, (long long)dim);
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    for (int i = 0; i < 2; i++) {
        TRY(node_need_rank(n, i, 3, 3));
        if (n->in[i]->type.elem != ELEM_F32)
            return node_error(n, E0204, "input %d has element type %s", i,
                              elem_name[n->in[i]->type.elem]);
    }
    for (int i = 2; i < 5; i++)
        TRY(need_one(n, i));
    if (node_has(n, 2) && n->in[2]->type.elem != ELEM_I64)
        return node_error(n, E0204, "input 2 has element type %s", elem_name[n->in[2]->type.elem]);
    for (int i = 3; i < 5; i++)
        if (node_has(n, i) && n->in[i]->type.elem != ELEM_F32)
            return node_error(n, E0204, "input %d has element type %s", i,
                              elem_name[n->in[i]->type.elem]);
    const Type *boxes = &n->in[0]->type, *scores = &n->in[1]->type;
    TRY(node_need_equal(n, boxes->dim[0], scores->dim[0], "batches of boxes and scores"));
    TRY(node_need_equal(n, boxes->dim[1], scores->dim[2], "numbers of boxes and scores"));
    TRY(node_need_equal(n, boxes->dim[2], ex_int(g->pool, 4), "numbers of a box"));
    Ex dim[2] = {assigned_dim(g, n->out[0], 0), ex_int(g->pool, 3)};
    node_set_type(n, 0, type_tensor(ELEM_I64, 2, dim));
    return MLC_OK;
}

static Tx number_or(Te *t, int i, Elem e, int64_t otherwise)
{
    Tx x = te_in(t, i);
    if (x && x->rank == 1)
        te_require_equal(t, x->dim[0], te_int(t, 1));
    return x ? x : te_scalar(t, e, 0, te_int(t, otherwise));
}

static void define(Te *t, const Node *n)
{
    const NmsAttrs *a = n->attrs;
    ExPool *p = t->pool;
    Tx boxes = te_in(t, 0), scores = te_in(t, 1), y = te_out(t, 0);
    Ex each = boxes->dim[1], one = te_int(t, 1);
    int64_t most;
    int count;
    te_require_equal(t, boxes->dim[0], scores->dim[0]);
    te_require_equal(t, boxes->dim[1], scores->dim[2]);
    te_require_equal(t, boxes->dim[2], te_int(t, 4));
    bool known = node_has(n, 2) && value_ints(n->graph, n->in[2], 1, &most, &count);
    if (known && most >= 0)
        each = ex_min(p, each, te_int(t, most));
    Ex all = ex_mul(p, ex_mul(p, scores->dim[0], scores->dim[1]), each);
    Ex room = ex_mul(p, te_int(t, 4), boxes->dim[1]);
    Tx selected = te_temp(t, ELEM_I64, 2, (Ex[]){all, te_int(t, 3)});
    Tx number = te_temp(t, ELEM_I64, 1, &one);
    Tx in[5] = {boxes, scores, number_or(t, 2, ELEM_I64, 0), number_or(t, 3, ELEM_F32, 0),
                number_or(t, 4, ELEM_F32, 0)};
    te_call(t, "suppress", 3, (Tx[]){selected, number, te_temp(t, ELEM_I64, 1, &room)}, 5, in, 2,
            (Ex[]){te_int(t, a->center_point_box != 0), te_int(t, te_in(t, 4) != NULL)});
    te_set_element(t, y->dim[0], number, te_int(t, 0));
    te_stage(t, y);
    te_yield(t, te_load(t, selected, t->stage->axis));
}

OP(non_max_suppression) = {
    .name = "NonMaxSuppression", .since = {10, 11}, .min_in = 2, .max_in = 5, .traits = OP_CONTROL,
    ATTRS_OF(NmsAttrs), .infer = infer, .define = define,
    .doc = "the best boxes that do not overlap",
};
