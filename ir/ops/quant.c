/* Scales, zero points and rounding of quantized operators (quant.h). */
#include "ir/ops/quant.h"

/* One element, whatever the rank. */
static bool is_single(const Type *t)
{
    for (int i = 0; i < t->rank; i++)
        if (!ex_is(t->dim[i], 1))
            return false;
    return t->rank >= 0;
}

Status quant_need_scalar(const Node *n, int i)
{
    if (!node_has(n, i))
        return MLC_OK;
    TRY(node_need_rank(n, i, 0, MAX_RANK));
    if (is_single(&n->in[i]->type))
        return MLC_OK;
    return node_error(n, E0301, "input %d is a scale or zero point and must have one element", i);
}

Status quant_need_vector(const Node *n, int i, Ex dim)
{
    if (!node_has(n, i))
        return MLC_OK;
    TRY(node_need_rank(n, i, 0, MAX_RANK));
    if (is_single(&n->in[i]->type))
        return MLC_OK;
    TRY(node_need_rank(n, i, 1, 1));
    return node_need_equal(n, n->in[i]->type.dim[0], dim, "size of a scale or zero point");
}

Status quant_need_byte(const Node *n, int i)
{
    TRY(node_need_elem(n, i, IS_INT));
    if (!node_has(n, i))
        return MLC_OK;
    Elem e = n->in[i]->type.elem;
    if (e == ELEM_U8 || e == ELEM_I8)
        return MLC_OK;
    return node_error(n, E0204, "input %d has element type %s, must be u8 or i8", i, elem_name[e]);
}

Ex quant_load(Te *t, int i, Ex at, Ex otherwise)
{
    Tx x = te_in(t, i);
    Ex index[MAX_RANK];
    double v;
    if (!x)
        return otherwise;
    if (value_scalar(t->node->in[i], &v))
        return te_const(t, x->elem, v);
    for (int k = 0; k < x->rank; k++)
        index[k] = te_int(t, 0);
    if (x->rank == 1 && at && !ex_is(x->dim[0], 1))
        index[0] = at;
    return te_load(t, x, index);
}

Ex quant_scale(Te *t, int i, Ex at)
{
    return te_cast(t, ELEM_F32, quant_load(t, i, at, NULL));
}

Ex quant_zero(Te *t, int i, Ex at)
{
    return te_cast(t, ELEM_I32, quant_load(t, i, at, ex_const_i(t->pool, ELEM_I32, 0)));
}

Ex quant_centered(Te *t, Ex q, Ex zero)
{
    return te_sub(t, te_cast(t, ELEM_I32, q), zero);
}

void quant_range(Elem e, double *low, double *high)
{
    int bits = elem_bits[e];
    bool is_signed = elem_is_signed(e);
    *low = is_signed ? -__builtin_ldexp(1, bits - 1) : 0;
    *high = __builtin_ldexp(1, is_signed ? bits - 1 : bits) - 1;
}

Ex quant_round(Te *t, Ex real, Ex zero, Elem e)
{
    double low, high;
    quant_range(e, &low, &high);
    Ex v = te_round_even(t, te_wide(t, real));
    v = te_add(t, v, te_cast(t, (Elem)v->elem, zero));
    v = te_min(t, te_max(t, v, te_like(t, v, low)), te_like(t, v, high));
    return te_cast(t, e, te_cast(t, ELEM_I32, v));
}

/* scale = (max - min) / 255, 1 where all is 0; zero = saturate(round(-min / scale)). */
void quant_range_of(Te *t, Tx x, Tx scale, Tx zero)
{
    Ex index[MAX_RANK], got[2];
    te_stage_axes(t, 0, NULL);
    for (int i = 0; i < x->rank; i++)
        index[i] = te_red(t, x->dim[i]);
    Ex v = te_wide(t, te_load(t, x, index)), none = te_like(t, v, 0);
    te_reduce_many(t, 2, (ReduceOp[]){REDUCE_MAX, REDUCE_MIN}, (Ex[]){v, v}, got);
    Ex high = te_max(t, got[0], none), low = te_min(t, got[1], none);
    Ex step = te_div(t, te_sub(t, high, low), te_like(t, v, 255));
    step = te_select(t, te_eq(t, step, none), te_like(t, v, 1), step);
    te_store(t, scale, NULL, step);
    te_yield_at(t, zero, NULL, quant_round(t, te_neg(t, te_div(t, low, step)),
                                           ex_const_i(t->pool, ELEM_I32, 0), ELEM_U8));
}
