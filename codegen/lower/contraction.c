#include "codegen/lower/contraction.h"

static Ex operand_load(Ex e)
{
    if (e->op == EX_GUARD)
        e = e->arg[1];
    return e->op == EX_LOAD ? e : NULL;
}

static AxisRole role_of(Ex a, Ex b, Ex axis)
{
    bool in_a = ex_uses(a, axis), in_b = ex_uses(b, axis);
    return in_a && in_b ? ROLE_BATCH : in_a ? ROLE_M : in_b ? ROLE_N : ROLE_REPEAT;
}

/* Tries `b` as the side of vectors: *score says how good it is; false when it cannot be. */
static bool try_side(Lowering *l, Stage *s, Ex a, Ex b, Contraction *c, int *score)
{
    ExPool *p = l->pool;
    Ex load = operand_load(b);
    *c = (Contraction){.s = s, .a = a, .b = b, .n = -1};
    c->b_constant = load->buf->space == SPACE_CONST;
    *score = -1;
    for (int i = 0; i < s->naxis; i++) {
        c->role[i] = role_of(a, b, s->axis[i]);
        if (c->role[i] != ROLE_N)
            continue;
        int64_t n = extent_of(p, s->axis[i]);
        Ex out = ex_affine(p, s->stores.at[0].index[0], s->axis[i], NULL);
        Ex own = ex_affine(p, load->arg[0], s->axis[i], NULL);
        if (!out || !own)
            continue;
        bool stored = ex_is(out, 1), contiguous = ex_is(own, 1);
        int good = 4 * stored + 2 * c->b_constant + contiguous;
        if (n >= 0 && n < l->lanes / 2)
            good -= 4;
        if (good > *score) {
            *score = good;
            c->n = i;
            c->b_contiguous = contiguous;
        }
    }
    if (c->n < 0)
        return false;
    for (int i = 0; i < s->nred; i++) /* a window: some reduction axis adds to an output axis of B */
        for (int k = 0; k < s->naxis; k++)
            if (c->role[k] != ROLE_BATCH && ex_uses(load, s->red[i]) && ex_uses(load, s->axis[k])) {
                Ex x = ex_affine(p, load->arg[0], s->axis[k], NULL);
                Ex y = ex_affine(p, load->arg[0], s->red[i], NULL);
                int64_t vx, vy;
                if (x && y && ex_is_int(x, &vx) && ex_is_int(y, &vy) &&
                    vy * extent_of(p, s->red[i]) > vx && vx * MAX(extent_of(p, s->axis[k]), 1) > vy &&
                    !c->b_constant)
                    c->window = true;
            }
    return true;
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
