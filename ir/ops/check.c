/* Checks, upgrades and index arithmetic that many operators share (check.h). */
#include "ir/ops/check.h"
#include "runtime/mlc_abi.h"

/* ---- inputs ---- */

bool node_has(const Node *n, int i)
{
    return i < n->nin && n->in[i];
}

static unsigned elem_class(Elem e)
{
    if (elem_is_float(e))
        return IS_FLOAT;
    if (elem_is_int(e))
        return IS_INT;
    return e == ELEM_BOOL ? IS_BOOL : e == ELEM_STRING ? IS_STRING : 0;
}

Status node_need_elem(const Node *n, int i, unsigned classes)
{
    if (!node_has(n, i))
        return MLC_OK;
    const Type *t = &n->in[i]->type;
    if (t->kind != TYPE_TENSOR)
        return node_error(n, E0204, "input %d is not a tensor", i);
    if (elem_class(t->elem) & classes)
        return MLC_OK;
    return node_error(n, E0204, "input %d has element type %s", i, elem_name[t->elem]);
}

void node_set_type(Node *n, int i, Type type)
{
    if (i < n->nout && n->out[i])
        n->out[i]->type = type;
}

Status node_axes(const Node *n, int rank, int count, const int64_t *axes, bool on[MAX_RANK])
{
    memset(on, 0, MAX_RANK * sizeof *on);
    for (int i = 0; i < count; i++) {
        int a;
        TRY(node_axis(n, axes[i], rank, &a));
        if (on[a])
            return node_error(n, E0302, "axis %d is given twice", a);
        on[a] = true;
    }
    return MLC_OK;
}

Status node_const_ints(Graph *g, const Node *n, int i, int max, int64_t *out, int *count,
                       bool *given)
{
    *count = 0;
    if (given)
        *given = node_has(n, i);
    if (!node_has(n, i))
        return MLC_OK;
    if (!value_ints(g, n->in[i], max, out, count)) {
        int known;
        if (value_content(g, n->in[i], &known) && known > max)
            return node_error(n, E0301, "input %d has %d elements, at most %d are possible", i,
                              known, max);
        return node_error(n, E0303, "input %d ('%s') is not constant", i, n->in[i]->name);
    }
    return MLC_OK;
}

Status node_known_ints(Graph *g, const Node *n, int i, int max, const Ex **out, int *count)
{
    *out = NULL;
    *count = 0;
    if (!node_has(n, i))
        return MLC_OK;
    const Ex *known = value_demand(g, n->in[i], count);
    if (!known)
        return node_error(n, E0303, "input %d ('%s') is computed at run time", i, n->in[i]->name);
    if (*count > max)
        return node_error(n, E0301, "input %d has %d elements, at most %d are possible", i, *count,
                          max);
    Ex *wide = NEW_ARRAY(g->arena, Ex, *count);
    for (int k = 0; k < *count; k++) {
        if (elem_is_float((Elem)known[k]->elem))
            return node_error(n, E0204, "input %d has element type %s", i,
                              elem_name[known[k]->elem]);
        wide[k] = ex_cast(g->pool, ELEM_I64, known[k]);
    }
    *out = wide;
    return MLC_OK;
}

Status node_need_equal(const Node *n, Ex a, Ex b, const char *what)
{
    int64_t va, vb;
    if (ex_is_int(a, &va) && ex_is_int(b, &vb) && va != vb)
        return node_error(n, E0301, "%s: %lld against %lld", what, (long long)va, (long long)vb);
    return MLC_OK;
}

Status node_need_size(const Node *n, const char *attr, int64_t v, int64_t min)
{
    if (v >= min && v <= MAX_ATTR_SIZE)
        return MLC_OK;
    return node_error(n, E0203, "attribute '%s' is %lld, it must be in %lld..%lld", attr,
                      (long long)v, (long long)min, (long long)MAX_ATTR_SIZE);
}

Status infer_float(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_FLOAT));
    return infer_same(g, n);
}

Status infer_number(Graph *g, Node *n)
{
    TRY(node_need_elem(n, 0, IS_NUMBER));
    return infer_same(g, n);
}

Status node_check_index(const Node *n, int i, Ex dim)
{
    const Tensor *d = n->in[i]->data;
    int64_t size, count = d ? tensor_count(d) : 0;
    if (!d || !ex_is_int(dim, &size))
        return MLC_OK;
    for (int64_t k = 0; k < (d->splat ? MIN(count, 1) : count); k++) {
        int64_t v = tensor_get_i64(d, k);
        if (v < -size || v >= size)
            return node_error(n, E0301, "index %lld is outside a dimension of %lld", (long long)v,
                              (long long)size);
    }
    return MLC_OK;
}

/* ---- upgrades ---- */

Status upgrade_plain(RawNode *raw)
{
    raw_drop(raw, "consumed_inputs");
    return MLC_OK;
}

static bool is_typed(const Node *n)
{
    return n->nout == 0 || !n->out[0] || n->out[0]->type.kind != TYPE_NONE;
}

int raw_rank(RawNode *raw, int i)
{
    Graph *g = raw->graph;
    if ((size_t)i >= raw->in.len || !raw->in.at[i])
        return -1;
    Value *v = raw->in.at[i];
    if (v->def && (v->type.kind == TYPE_NONE || v->type.rank < 0)) {
        Node *first = g->last; /* from which on none has types: only the end was never inferred */
        while (first && first->prev && !is_typed(first->prev))
            first = first->prev;
        for (Node *n = first; n; n = n->next)
            if (!is_typed(n) && !graph_try_infer_node(g, n))
                return -1;
    }
    return v->type.kind == TYPE_TENSOR ? v->type.rank : -1;
}

Status raw_trailing_ones(RawNode *raw, int i, int count)
{
    Graph *g = raw->graph;
    int rank = raw_rank(raw, i);
    int64_t axes[MAX_RANK];
    if (count <= 0)
        return MLC_OK;
    if (rank < 0 || rank + count > MAX_RANK)
        return diag_error(g->ctx, E0303, raw_loc(raw), MLC_INPUT,
                          "input %d is broadcast along 'axis', but its rank is not known", i);
    for (int k = 0; k < count; k++)
        axes[k] = rank + k;
    const OpInfo *op = op_find(NULL, "Unsqueeze");
    Value *in[2] = {raw->in.at[i], graph_const_ints(g, NULL, count, axes)};
    Node *n = graph_insert(g, NULL, op, raw->name, 2, in, 1, NULL, NULL);
    TRY(graph_infer_node(g, n));
    raw->in.at[i] = n->out[0];
    return MLC_OK;
}

Status upgrade_broadcast(RawNode *raw)
{
    raw_drop(raw, "consumed_inputs");
    RawAttr *axis = raw_attr(raw, "axis"), *bc = raw_attr(raw, "broadcast");
    if (raw->version < 7 && axis && bc && bc->i == 1 && raw->in.len == 2) {
        int ra = raw_rank(raw, 0), rb = raw_rank(raw, 1);
        int64_t a = axis->i < 0 ? axis->i + ra : axis->i;
        if (ra < 0 || rb < 0 || a < 0 || a > ra - rb)
            return diag_error(raw->graph->ctx, E0302, raw_loc(raw), MLC_INPUT,
                              "attribute 'axis' is %lld for inputs of rank %d and %d",
                              (long long)axis->i, ra, rb);
        TRY(raw_trailing_ones(raw, 1, ra - (int)a - rb));
    }
    raw_drop(raw, "axis");
    raw_drop(raw, "broadcast");
    return MLC_OK;
}

/* ---- index arithmetic ---- */

Ex dims_product(ExPool *p, int rank, const Ex *dim, const bool on[MAX_RANK])
{
    Ex count = ex_int(p, 1);
    for (int i = 0; i < rank; i++)
        if (on[i])
            count = ex_mul(p, count, dim[i]);
    return count;
}

void unflatten(ExPool *p, Ex flat, int first, int last, const Ex *dim, Ex *index)
{
    Ex stride = ex_int(p, 1);
    int lead = first; /* the first dimension that is not 1 needs no modulus */
    while (lead < last && ex_is(dim[lead], 1))
        lead++;
    for (int i = last - 1; i >= first; i--) {
        if (ex_is(dim[i], 1)) {
            index[i] = ex_int(p, 0);
            continue;
        }
        Ex q = ex_floor_div(p, flat, stride);
        index[i] = i == lead ? q : ex_floor_mod(p, q, dim[i]);
        stride = ex_mul(p, stride, dim[i]);
    }
}

static Ex flatten(ExPool *p, int first, int last, const Ex *dim, const Ex *axis)
{
    Ex flat = ex_int(p, 0);
    for (int i = first; i < last; i++)
        flat = ex_add(p, ex_mul(p, flat, dim[i]), axis[i]);
    return flat;
}

static bool has_zero(int rank, const Ex *dim)
{
    for (int i = 0; i < rank; i++)
        if (ex_is(dim[i], 0))
            return true;
    return false;
}

/* Both shapes are cut into the shortest groups of neighbours with equal products; inside a group
 * the position is flattened and split again. Equal neighbours thus keep their plain index. */
void reshape_index(ExPool *p, int nfrom, const Ex *from, int nto, const Ex *to, const Ex *axis,
                   Ex *index)
{
    if (has_zero(nfrom, from) || has_zero(nto, to)) {
        for (int i = 0; i < nfrom; i++)
            index[i] = ex_int(p, 0);
        return;
    }
    int i = 0, j = 0;
    while (i < nfrom) {
        int i2 = nfrom, j2 = nto;
        Ex a = ex_int(p, 1);
        for (int k = i; k < nfrom && i2 == nfrom; k++) {
            a = ex_mul(p, a, from[k]);
            Ex b = ex_int(p, 1);
            for (int m = j; m < nto; m++) {
                b = ex_mul(p, b, to[m]);
                if (a == b) {
                    i2 = k + 1;
                    j2 = m + 1;
                    break;
                }
            }
        }
        /* what follows the last group is 1 in both */
        unflatten(p, flatten(p, j, j2, to, axis), i, i2, from, index);
        i = i2;
        j = j2;
    }
}

/* ---- pieces of definitions ---- */

Ex te_float_of(Te *t, Elem e, Ex i)
{
    int64_t v;
    return ex_is_int(i, &v) ? ex_const_f(t->pool, e, (double)v) : ex_cast(t->pool, e, i);
}

static bool has_negative(const Value *v)
{
    const Tensor *d = v->data;
    if (!d)
        return true;
    int64_t count = d->splat ? MIN(tensor_count(d), 1) : tensor_count(d);
    for (int64_t k = 0; k < count; k++)
        if (tensor_get_i64(d, k) < 0)
            return true;
    return false;
}

Ex te_load_index(Te *t, Tx idx, const Value *v, const Ex *at, Ex dim)
{
    ExPool *p = t->pool;
    double only;
    if (v->data && value_scalar(v, &only))
        return only < 0 ? ex_add(p, dim, te_int(t, (int64_t)only)) : te_int(t, (int64_t)only);
    Ex i = ex_cast(p, ELEM_I64, te_load(t, idx, at));
    if (elem_is_unsigned(idx->elem) || !has_negative(v))
        return i;
    return ex_select(p, ex_lt(p, i, ex_int(p, 0)), ex_add(p, i, dim), i);
}

void te_check_index(Te *t, Tx idx, const Value *v, Ex dim)
{
    if (v->data && ex_is_int(dim, NULL))
        return;
    ExPool *p = t->pool;
    te_stage_axes(t, idx->rank, idx->dim);
    Ex i = te_cast(t, ELEM_I64, te_load(t, idx, t->stage->axis));
    Ex low = ex_sub(p, ex_int(p, 0), dim);
    te_check(t, ex_and(p, ex_le(p, low, i), ex_lt(p, i, dim)), MLC_RUN_INDEX);
    te_close(t);
}
