#include "codegen/lower/contraction.h"

Ex operand_load(Ex e)
{
    if (e->op == EX_GUARD)
        e = e->arg[1];
    e = stored_constant(e);
    return e->op == EX_LOAD ? e : NULL;
}

static AxisRole role_of(Ex a, Ex b, Ex axis)
{
    bool in_a = ex_uses(a, axis), in_b = ex_uses(b, axis);
    return in_a && in_b ? ROLE_BATCH : in_a ? ROLE_M : in_b ? ROLE_N : ROLE_REPEAT;
}

/* Does B's index add an output axis and a reduction axis that overlap? Such an operand cannot be
 * packed without repeating its elements. */
static bool has_window(ExPool *p, const Stage *s, Ex load)
{
    for (int i = 0; i < s->nred; i++)
        for (int k = 0; k < s->naxis; k++) {
            int64_t vx, vy;
            Ex x = ex_affine(p, load->arg[0], s->axis[k], NULL);
            Ex y = ex_affine(p, load->arg[0], s->red[i], NULL);
            if (!x || !y)
                return true;
            if (ex_is_int(x, &vx) && ex_is_int(y, &vy) && vx && vy &&
                vy * extent_of(p, s->red[i]) > vx && vx * MAX(extent_of(p, s->axis[k]), 1) > vy)
                return true;
        }
    return false;
}

/* Tries `b` as the side of vectors: *score says how good it is; false when it cannot be. */
static bool try_side(Lowering *l, Stage *s, Ex a, Ex b, Contraction *c, int *score)
{
    ExPool *p = l->pool;
    Ex load = operand_load(b);
    *c = (Contraction){.s = s, .a = a, .b = b, .n = -1};
    c->b_constant = load->buf->space == SPACE_CONST;
    c->window = !c->b_constant && has_window(p, s, load);
    *score = -100;
    for (int i = 0; i < s->naxis; i++) {
        c->role[i] = role_of(a, b, s->axis[i]);
        int64_t n = extent_of(p, s->axis[i]);
        if (c->role[i] != ROLE_N || n < 0)
            continue;
        Ex out = ex_affine(p, s->stores.at[0].index[0], s->axis[i], NULL);
        Ex own = ex_affine(p, load->arg[0], s->axis[i], NULL);
        bool contiguous = own && ex_is(own, 1);
        if (!out || (c->window && !contiguous))
            continue;
        int good = 4 * ex_is(out, 1) + 2 * c->b_constant + contiguous - (n < l->lanes / 2 ? 8 : 0);
        if (good > *score) {
            *score = good;
            c->n = i;
            c->b_contiguous = contiguous;
        }
    }
    return c->n >= 0;
}

bool contraction_match(Lowering *l, Stage *s, Contraction *c)
{
    if (s->kind != STAGE_REDUCE || s->nacc != 1 || s->op[0] != REDUCE_SUM || s->stores.len != 1 ||
        s->checks.len || s->body[0]->op != EX_MUL || s->body[0]->elem != ELEM_F32)
        return false;
    Ex a = s->body[0]->arg[0], b = s->body[0]->arg[1];
    double zero;
    if (!operand_load(a) || !operand_load(b) || a == b || !ex_is_float(s->init[0], &zero) || zero != 0)
        return false;
    Contraction ab, ba;
    int sab, sba;
    bool okab = try_side(l, s, a, b, &ab, &sab), okba = try_side(l, s, b, a, &ba, &sba);
    if (!okab && !okba)
        return false;
    *c = okab && (!okba || sab >= sba) ? ab : ba;
    return true;
}

void contraction_order(Lowering *l, Stage *s, Ex a)
{
    Ex load = operand_load(a);
    for (int i = 1; i < s->nred; i++)
        for (int k = i; k > 0; k--) {
            Ex x = ex_affine(l->pool, load->arg[0], s->red[k - 1], NULL);
            Ex y = ex_affine(l->pool, load->arg[0], s->red[k], NULL);
            if (!x || !y || !ex_proved_lt(l->pool, x, y))
                break;
            Ex t = s->red[k];
            s->red[k] = s->red[k - 1];
            s->red[k - 1] = t;
        }
}

void contraction_join(Lowering *l, Stage *s, Ex *a, Ex *b)
{
    for (int i = s->nred - 1; i > 0; i--) {
        Ex inner = ex_var_extent(l->pool, s->red[i]);
        Ex both = ex_var(l->pool, ex_mul(l->pool, ex_var_extent(l->pool, s->red[i - 1]), inner));
        Ex from[2] = {s->red[i - 1], s->red[i]};
        Ex to[2] = {ex_floor_div(l->pool, both, inner), ex_floor_mod(l->pool, both, inner)};
        Ex joined = ex_subst(l->pool, *a, 2, from, to);
        if (ex_uses_op(joined, EX_FLOOR_DIV) || ex_uses_op(joined, EX_FLOOR_MOD))
            continue;
        *a = joined;
        *b = ex_subst(l->pool, *b, 2, from, to);
        s->red[i - 1] = both;
        memmove(s->red + i, s->red + i + 1, (size_t)(s->nred - 1 - i) * sizeof *s->red);
        s->nred--;
    }
}
