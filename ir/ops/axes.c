/* Dimensions given by an input: selections among the dimensions of a tensor. */
#include "ir/ops/axes.h"

Status axes_read(Graph *g, const Node *n, int i, int rank, Axes *out)
{
    ExPool *p = g->pool;
    const Ex *at;
    int64_t fixed[MAX_RANK];
    bool on[MAX_RANK];
    int nfixed = 0;
    *out = (Axes){.rank = rank};
    TRY(node_known_ints(g, n, i, MAX_RANK, &at, &out->count));
    for (int k = 0; k < out->count; k++) {
        if (ex_is_int(at[k], &fixed[nfixed]))
            nfixed++;
        Ex back = ex_add(p, at[k], ex_int(p, rank));
        out->axis[k] = ex_select(p, ex_lt(p, at[k], ex_int(p, 0)), back, at[k]);
    }
    TRY(node_axes(n, rank, nfixed, fixed, on));
    if (out->count > rank)
        return node_error(n, E0302, "%d axes of %d dimensions", out->count, rank);
    for (int d = 0; d < rank; d++) {
        out->on[d] = ex_bool(p, false);
        for (int k = 0; k < out->count; k++)
            out->on[d] = ex_or(p, out->on[d], ex_eq(p, out->axis[k], ex_int(p, d)));
    }
    return MLC_OK;
}

void axes_all(ExPool *p, Axes *a)
{
    for (int d = 0; d < a->rank; d++)
        a->axis[d] = ex_int(p, d), a->on[d] = ex_bool(p, true);
    a->count = a->rank;
}

Ex axes_kept_before(ExPool *p, const Axes *a, int i)
{
    Ex n = ex_int(p, i);
    for (int d = 0; d < i; d++)
        n = ex_sub(p, n, ex_cast(p, ELEM_I64, a->on[d]));
    return n;
}

void axes_drop(ExPool *p, const Axes *a, const Ex *dim, Ex *out)
{
    for (int j = 0; j < a->rank - a->count; j++) {
        out[j] = ex_int(p, 1);
        for (int i = MIN(a->rank - 1, j + a->count); i >= j; i--) {
            Ex here = ex_eq(p, axes_kept_before(p, a, i), ex_int(p, j));
            Ex kept = ex_select(p, a->on[i], ex_bool(p, false), here);
            out[j] = ex_select(p, kept, dim[i], out[j]);
        }
    }
}

Ex axes_pick(ExPool *p, Ex k, int n, const Ex *from, Ex otherwise)
{
    Ex e = otherwise;
    for (int i = n; i-- > 0;)
        e = ex_select(p, ex_eq(p, k, ex_int(p, i)), from[i], e);
    return e;
}

void te_require_axes(Te *t, const Axes *a)
{
    ExPool *p = t->pool;
    for (int k = 0; k < a->count; k++) {
        if (ex_is_int(a->axis[k], NULL))
            continue;
        te_require(t, ex_le(p, ex_int(p, 0), a->axis[k]));
        te_require(t, ex_lt(p, a->axis[k], ex_int(p, a->rank)));
        for (int j = 0; j < a->count; j++)
            if (j < k || (j > k && ex_is_int(a->axis[j], NULL)))
                te_require(t, ex_ne(p, a->axis[k], a->axis[j]));
    }
}
