/* NonZero, Compress: what stands where a flag is set. With before[i] the number of set flags before i,
 *     place[before[i]] = i     in ascending i, so that the last writer, which is the set flag, stays
 * lists the set flags; how many there are is the size of the result. All linear: a sum, a scan, a
 * scatter, and a map that reads `place`. */
#include "ir/ops/control.h"

static Ex flag_at(Te *t, TeFlag flag, Tx of, Ex i)
{
    return te_cast(t, ELEM_I64, flag(t, of, i));
}

Tx te_list_set(Te *t, Ex all, TeFlag flag, Tx of, Ex size)
{
    Ex one = te_int(t, 1), next = te_add(t, all, one);
    if (!ex_is_int(size, NULL)) {
        Tx number = te_temp(t, ELEM_I64, 1, &one);
        te_stage(t, number);
        te_yield(t, te_sum(t, flag_at(t, flag, of, te_red(t, all))));
        te_set_element(t, size, number, te_int(t, 0));
    }
    Tx before = te_temp(t, ELEM_I64, 1, &all), place = te_temp(t, ELEM_I64, 1, &next);
    te_stage(t, before);
    Ex i = te_axis(t, 0), sum = te_scan(t, te_int(t, 0));
    te_scan_step(t, te_add(t, sum, flag_at(t, flag, of, i)));
    te_yield_at(t, before, &i, sum);
    te_stage_axes(t, 1, &all);
    t->stage->kind = STAGE_SCATTER;
    i = te_axis(t, 0);
    Ex to = te_load(t, before, &i);
    te_yield_at(t, place, &to, i);
    return place;
}

static Ex load_flat(Te *t, Tx x, Ex i)
{
    Ex at[MAX_RANK];
    unflatten(t->pool, i, 0, x->rank, x->dim, at);
    return te_load(t, x, at);
}

static Ex flat_size(ExPool *p, int rank, const Ex *dim)
{
    Ex all = ex_int(p, 1);
    for (int i = 0; i < rank; i++)
        all = ex_mul(p, all, dim[i]);
    return all;
}

/* ---- NonZero ---- */

static bool is_zero(Ex v)
{
    return elem_is_float((Elem)v->elem) ? v->f == 0 : ex_is(v, 0);
}

/* The whole result where x is constant and small. */
static bool known_places(Graph *g, Node *n)
{
    const Value *x = n->in[0];
    int count, found = 0, rank = x->type.rank;
    const Ex *at = value_content(g, x, &count);
    for (int i = 0; at && i < count; i++) {
        if (at[i]->op != EX_CONST)
            return false;
        found += !is_zero(at[i]);
    }
    if (!at)
        return false;
    Ex *content = NEW_ARRAY(g->arena, Ex, rank * found + 1);
    Ex dim[2] = {ex_int(g->pool, rank), ex_int(g->pool, found)};
    for (int i = 0, k = 0; i < count; i++) {
        Ex index[MAX_RANK];
        if (is_zero(at[i]))
            continue;
        unflatten(g->pool, ex_int(g->pool, i), 0, rank, x->type.dim, index);
        for (int d = 0; d < rank; d++)
            content[d * found + k] = index[d];
        k++;
    }
    node_set_type(n, 0, type_tensor(ELEM_I64, 2, dim));
    n->out[0]->content = content;
    return true;
}

static Status infer_non_zero(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    TRY(node_need_elem(n, 0, IS_DATA));
    if (known_places(g, n))
        return MLC_OK;
    Ex dim[2] = {ex_int(g->pool, n->in[0]->type.rank), assigned_dim(g, n->out[0], 1)};
    node_set_type(n, 0, type_tensor(ELEM_I64, 2, dim));
    return MLC_OK;
}

static Ex is_set(Te *t, Tx x, Ex i)
{
    Ex v = te_wide(t, load_flat(t, x, i));
    return te_ne(t, v, te_like(t, v, 0));
}

static void define_non_zero(Te *t, const Node *n)
{
    (void)n;
    Tx x = te_in(t, 0), y = te_out(t, 0);
    Tx place = te_list_set(t, flat_size(t->pool, x->rank, x->dim), is_set, x, y->dim[1]);
    Ex index[MAX_RANK];
    te_stage(t, y);
    Ex i = te_load(t, place, (Ex[]){te_axis(t, 1)}), v = te_int(t, 0);
    unflatten(t->pool, i, 0, x->rank, x->dim, index);
    for (int d = x->rank; d-- > 0;)
        v = te_select(t, te_eq(t, te_axis(t, 0), te_int(t, d)), index[d], v);
    te_yield(t, v);
}

OP(non_zero) = {
    .name = "NonZero", .since = {9, 13}, .min_in = 1, .max_in = 1, .traits = OP_CONTROL,
    .infer = infer_non_zero, .define = define_non_zero,
    .doc = "the indices of the elements that are not 0",
};

/* ---- Compress ---- */

#define COMPRESS_ATTRS(A, S) A(S, int, axis, "", "the dimension of the slices; absent: elements")
ATTRS(CompressAttrs, COMPRESS_ATTRS);

static Status read_axis(const Node *n, int *axis)
{
    const CompressAttrs *a = n->attrs;
    *axis = -1;
    return a->axis == ATTR_INT_ABSENT ? MLC_OK : node_axis(n, a->axis, n->in[0]->type.rank, axis);
}

static Status infer_compress(Graph *g, Node *n)
{
    int axis, count;
    int64_t flag[64], have, most, set = 0;
    TRY(node_need_rank(n, 0, 1, MAX_RANK));
    TRY(node_need_rank(n, 1, 1, 1));
    TRY(node_need_elem(n, 0, IS_ANY));
    TRY(node_need_elem(n, 1, IS_BOOL));
    TRY(read_axis(n, &axis));
    const Type *x = &n->in[0]->type;
    Ex all = axis < 0 ? type_count(g->pool, x) : x->dim[axis];
    if (ex_is_int(n->in[1]->type.dim[0], &have) && ex_is_int(all, &most) && have > most)
        return node_error(n, E0301, "%lld conditions for %lld slices", (long long)have,
                          (long long)most);
    bool known = value_ints(g, n->in[1], 64, flag, &count);
    for (int i = 0; known && i < count; i++)
        set += flag[i] != 0;
    Ex found = known ? ex_int(g->pool, set) : assigned_dim(g, n->out[0], MAX(axis, 0));
    Type y = axis < 0 ? type_tensor(x->elem, 1, &found) : *x;
    y.dim[MAX(axis, 0)] = found;
    node_set_type(n, 0, y);
    return MLC_OK;
}

static Ex is_kept(Te *t, Tx cond, Ex i)
{
    return te_load(t, cond, &i);
}

static void define_compress(Te *t, const Node *n)
{
    Tx x = te_in(t, 0), cond = te_in(t, 1), y = te_out(t, 0);
    int axis;
    Status st = read_axis(n, &axis);
    assert(st == MLC_OK);
    (void)st;
    Ex all = axis < 0 ? flat_size(t->pool, x->rank, x->dim) : x->dim[axis], at[MAX_RANK];
    te_require(t, ex_le(t->pool, cond->dim[0], all));
    Tx place = te_list_set(t, cond->dim[0], is_kept, cond, y->dim[MAX(axis, 0)]);
    te_stage(t, y);
    Ex from = te_load(t, place, (Ex[]){te_axis(t, MAX(axis, 0))});
    memcpy(at, t->stage->axis, (size_t)y->rank * sizeof *at);
    if (axis >= 0)
        at[axis] = from;
    te_yield(t, axis < 0 ? load_flat(t, x, from) : te_load(t, x, at));
}

OP(compress) = {
    .name = "Compress", .since = {9, 11, 28}, .later = {{"bf16", 28}}, .min_in = 2, .max_in = 2, .traits = OP_CONTROL,
    ATTRS_OF(CompressAttrs), .infer = infer_compress, .define = define_compress,
    .doc = "the slices where a condition holds",
};
