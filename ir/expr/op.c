/* Operations: constant folding and the identities that hold exactly. */
#include "ir/expr/pool.h"

#include <math.h>

/* ---- folding ---- */

static bool fold_float(ExOp op, double a, double b, double c, Elem e, double *r)
{
    switch (op) {
    case EX_ADD: *r = a + b; return true;
    case EX_SUB: *r = a - b; return true;
    case EX_MUL: *r = a * b; return true;
    case EX_DIV: *r = a / b; return true;
    case EX_REM: *r = fmod(a, b); return true;
    case EX_MIN: *r = isnan(a) || isnan(b) ? NAN : a < b ? a : b; return true;
    case EX_MAX: *r = isnan(a) || isnan(b) ? NAN : a > b ? a : b; return true;
    case EX_NEG: *r = -a; return true;
    case EX_ABS: *r = fabs(a); return true;
    case EX_SQRT: *r = sqrt(a); return true;
    case EX_FLOOR: *r = floor(a); return true;
    case EX_CEIL: *r = ceil(a); return true;
    case EX_TRUNC: *r = trunc(a); return true;
    case EX_ROUND_EVEN: *r = rint(a); return true;
    case EX_FMA: *r = e == ELEM_F32 ? fmaf((float)a, (float)b, (float)c) : fma(a, b, c); return true;
    default: return false;
    }
}

static bool fold_int(ExOp op, int64_t a, int64_t b, Elem e, int64_t *r)
{
    bool u = elem_is_unsigned(e);
    unsigned bits = e == ELEM_BOOL ? 1 : elem_bits[e];
    switch (op) {
    case EX_ADD: *r = (int64_t)((uint64_t)a + (uint64_t)b); return true;
    case EX_SUB: *r = (int64_t)((uint64_t)a - (uint64_t)b); return true;
    case EX_MUL: *r = (int64_t)((uint64_t)a * (uint64_t)b); return true;
    case EX_NEG: *r = (int64_t)(0 - (uint64_t)a); return true;
    case EX_ABS: *r = !u && a < 0 ? (int64_t)(0 - (uint64_t)a) : a; return true;
    case EX_MIN: *r = (u ? (uint64_t)a < (uint64_t)b : a < b) ? a : b; return true;
    case EX_MAX: *r = (u ? (uint64_t)a > (uint64_t)b : a > b) ? a : b; return true;
    case EX_AND: *r = a & b; return true;
    case EX_OR: *r = a | b; return true;
    case EX_XOR: *r = a ^ b; return true;
    case EX_NOT: *r = e == ELEM_BOOL ? !a : ~a; return true;
    case EX_SHL: *r = (int64_t)((uint64_t)a << ((uint64_t)b % bits)); return true;
    case EX_SHR: *r = u ? (int64_t)((uint64_t)a >> ((uint64_t)b % bits)) : a >> ((uint64_t)b % bits); return true;
    case EX_FLOOR: case EX_CEIL: case EX_TRUNC: case EX_ROUND_EVEN: *r = a; return true;
    default: break;
    }
    if (b == 0 || (!u && b == -1 && a == INT64_MIN))
        return false;
    switch (op) {
    case EX_DIV: *r = u ? (int64_t)((uint64_t)a / (uint64_t)b) : a / b; return true;
    case EX_REM: *r = u ? (int64_t)((uint64_t)a % (uint64_t)b) : a % b; return true;
    case EX_FLOOR_DIV: *r = u ? (int64_t)((uint64_t)a / (uint64_t)b) : a / b - (a % b != 0 && (a % b < 0) != (b < 0)); return true;
    case EX_FLOOR_MOD: *r = u ? (int64_t)((uint64_t)a % (uint64_t)b) : a % b + (a % b != 0 && (a % b < 0) != (b < 0) ? b : 0); return true;
    default: return false;
    }
}

static bool fold_compare(ExOp op, Ex x, Ex y, bool *r)
{
    Elem e = (Elem)x->elem;
    bool lt, eq;
    if (elem_is_float(e)) {
        lt = x->f < y->f;
        eq = x->f == y->f;
    } else {
        lt = elem_is_unsigned(e) ? (uint64_t)x->i < (uint64_t)y->i : x->i < y->i;
        eq = x->i == y->i;
    }
    switch (op) {
    case EX_LT: *r = lt; return true;
    case EX_LE: *r = lt || eq; return true;
    case EX_EQ: *r = eq; return true;
    case EX_NE: *r = !eq; return true;
    default: return false;
    }
}

bool ex_fold(ExOp op, Elem e, int n, const Ex *args, ExPool *p, Ex *out)
{
    for (int i = 0; i < n; i++)
        if (args[i]->op != EX_CONST)
            return false;
    bool truth;
    if (n == 2 && fold_compare(op, args[0], args[1], &truth)) {
        *out = ex_bool(p, truth);
        return true;
    }
    if (elem_is_float(e)) {
        double r;
        if (!fold_float(op, args[0]->f, n > 1 ? args[1]->f : 0, n > 2 ? args[2]->f : 0, e, &r))
            return false;
        *out = ex_const_f(p, e, r);
        return true;
    }
    int64_t r;
    if (!fold_int(op, args[0]->i, n > 1 ? args[1]->i : 0, e, &r))
        return false;
    *out = ex_const_i(p, e, r);
    return true;
}

/* ---- identities ---- */

static bool is_compare(ExOp op) { return op == EX_LT || op == EX_LE || op == EX_EQ || op == EX_NE; }

/* i64 arithmetic goes to the normal form. NULL: not one of those. */
static Ex int_op(ExPool *p, ExOp op, const Ex *a)
{
    switch (op) {
    case EX_ADD: return ex_int_add(p, a[0], a[1], 1);
    case EX_SUB: return ex_int_add(p, a[0], a[1], -1);
    case EX_NEG: return ex_int_add(p, ex_int(p, 0), a[0], -1);
    case EX_MUL: return ex_int_mul(p, a[0], a[1]);
    case EX_FMA: return ex_int_add(p, ex_int_mul(p, a[0], a[1]), a[2], 1);
    case EX_FLOOR_DIV: return ex_int_floor_div(p, a[0], a[1]);
    case EX_FLOOR_MOD: return ex_int_floor_mod(p, a[0], a[1]);
    case EX_DIV: return ex_nonneg(p, a[0]) && ex_proved_lt(p, ex_int(p, 0), a[1]) ? ex_int_floor_div(p, a[0], a[1]) : NULL;
    case EX_REM: return ex_nonneg(p, a[0]) && ex_proved_lt(p, ex_int(p, 0), a[1]) ? ex_int_floor_mod(p, a[0], a[1]) : NULL;
    case EX_MIN: return ex_proved_le(p, a[0], a[1]) ? a[0] : ex_proved_le(p, a[1], a[0]) ? a[1] : NULL;
    case EX_MAX: return ex_proved_le(p, a[0], a[1]) ? a[1] : ex_proved_le(p, a[1], a[0]) ? a[0] : NULL;
    case EX_ABS: return ex_nonneg(p, a[0]) ? a[0] : NULL;
    case EX_LT: return ex_proved_lt(p, a[0], a[1]) ? ex_bool(p, true) : ex_proved_le(p, a[1], a[0]) ? ex_bool(p, false) : NULL;
    case EX_LE: return ex_proved_le(p, a[0], a[1]) ? ex_bool(p, true) : ex_proved_lt(p, a[1], a[0]) ? ex_bool(p, false) : NULL;
    case EX_EQ:
    case EX_NE:
        if (a[0] == a[1])
            return ex_bool(p, op == EX_EQ);
        if (ex_proved_lt(p, a[0], a[1]) || ex_proved_lt(p, a[1], a[0]))
            return ex_bool(p, op == EX_NE);
        return NULL;
    default: return NULL;
    }
}

static Ex bool_op(ExPool *p, ExOp op, const Ex *a)
{
    (void)p;
    switch (op) {
    case EX_AND: return ex_is(a[0], 1) || a[0] == a[1] ? a[1] : ex_is(a[1], 1) ? a[0] : ex_is(a[0], 0) ? a[0] : ex_is(a[1], 0) ? a[1] : NULL;
    case EX_OR: return ex_is(a[0], 0) || a[0] == a[1] ? a[1] : ex_is(a[1], 0) ? a[0] : ex_is(a[0], 1) ? a[0] : ex_is(a[1], 1) ? a[1] : NULL;
    case EX_NOT: return a[0]->op == EX_NOT ? a[0]->arg[0] : NULL;
    default: return NULL;
    }
}

/* 1/c when it is exact: c a power of two in the safe range. */
static bool exact_reciprocal(double c, double *r)
{
    int exponent;
    if (!isfinite(c) || c == 0 || fabs(frexp(c, &exponent)) != 0.5 || exponent < -100 || exponent > 100)
        return false;
    *r = 1 / c;
    return true;
}

static Ex float_op(ExPool *p, ExOp op, Elem e, const Ex *a)
{
    double c;
    switch (op) {
    case EX_ADD:
        if (ex_is_float(a[1], &c) && c == 0 && signbit(c))
            return a[0];
        return ex_is_float(a[0], &c) && c == 0 && signbit(c) ? a[1] : NULL;
    case EX_SUB:
        return ex_is_float(a[1], &c) && c == 0 && !signbit(c) ? a[0] : NULL;
    case EX_MUL:
        if (ex_is_float(a[1], &c) && c == 1)
            return a[0];
        return ex_is_float(a[0], &c) && c == 1 ? a[1] : NULL;
    case EX_DIV:
        if (ex_is_float(a[1], &c) && c == 1)
            return a[0];
        if (ex_is_float(a[1], &c) && exact_reciprocal(c, &c))
            return ex_mul(p, a[0], ex_const_f(p, e, c));
        return NULL;
    case EX_MIN:
    case EX_MAX:
        return a[0] == a[1] ? a[0] : NULL;
    case EX_NEG:
        return a[0]->op == EX_NEG ? a[0]->arg[0] : NULL;
    default:
        return NULL;
    }
}

static bool commutes(ExOp op)
{
    return op == EX_ADD || op == EX_MUL || op == EX_AND || op == EX_OR || op == EX_XOR ||
           op == EX_EQ || op == EX_NE;
}

/* Arithmetic on a storage type: up, operate, back down. */
static Ex widened(ExPool *p, ExOp op, Elem e, int n, const Ex *args)
{
    Elem wide = elem_is_float(e) ? ELEM_F32 : ELEM_I32;
    Ex up[3];
    for (int i = 0; i < n; i++)
        up[i] = ex_cast(p, wide, args[i]);
    Ex r = ex_op(p, op, n, up);
    return is_compare(op) ? r : ex_cast(p, e, r);
}

Ex ex_op(ExPool *p, ExOp op, int n, const Ex *args)
{
    assert(ex_op_is_scalar(op) && n == ex_op_arity[op]);
    if (op == EX_SELECT)
        return ex_select(p, args[0], args[1], args[2]);
    Elem e = (Elem)args[0]->elem;
    for (int i = 1; i < n; i++)
        assert(args[i]->elem == e);
    if (!elem_is_native(e))
        return widened(p, op, e, n, args);
    Ex r;
    if (ex_fold(op, e, n, args, p, &r))
        return r;
    r = e == ELEM_I64 ? int_op(p, op, args) : e == ELEM_BOOL ? bool_op(p, op, args) : elem_is_float(e) ? float_op(p, op, e, args) : NULL;
    if (r)
        return r;
    if (n == 2 && commutes(op) && args[0]->id > args[1]->id && !elem_is_float(e))
        return ex_raw(p, op, is_compare(op) ? ELEM_BOOL : e, 2, (Ex[]){args[1], args[0]});
    return ex_raw(p, op, is_compare(op) ? ELEM_BOOL : e, n, args);
}

Ex ex_select(ExPool *p, Ex cond, Ex yes, Ex no)
{
    assert(cond->elem == ELEM_BOOL && yes->elem == no->elem);
    if (ex_is_int(cond, NULL))
        return cond->i ? yes : no;
    if (yes == no)
        return yes;
    if (yes->elem == ELEM_BOOL && ex_is(yes, 1) && ex_is(no, 0))
        return cond;
    return ex_raw(p, EX_SELECT, (Elem)yes->elem, 3, (Ex[]){cond, yes, no});
}

Ex ex_guard(ExPool *p, Ex pred, Ex value, Ex otherwise)
{
    assert(pred->elem == ELEM_BOOL && value->elem == otherwise->elem);
    if (ex_is_int(pred, NULL))
        return pred->i ? value : otherwise;
    if (value == otherwise)
        return value;
    if (!ex_uses_op(value, EX_LOAD))
        return ex_select(p, pred, value, otherwise);
    if (value->op == EX_GUARD && value->arg[2] == otherwise)
        return ex_guard(p, ex_and(p, pred, value->arg[0]), value->arg[1], otherwise);
    return ex_raw(p, EX_GUARD, (Elem)value->elem, 3, (Ex[]){pred, value, otherwise});
}

Ex ex_fma(ExPool *p, Ex a, Ex b, Ex c) { return ex_op(p, EX_FMA, 3, (Ex[]){a, b, c}); }

Ex ex_ceil_div(ExPool *p, Ex a, Ex b)
{
    return ex_floor_div(p, ex_sub(p, ex_add(p, a, b), ex_int(p, 1)), b);
}

/* ---- conversions ---- */

/* Does every value of `from` survive in `to`? */
static bool holds(Elem to, Elem from)
{
    if (to == from || from == ELEM_BOOL)
        return true;
    if (elem_is_int(from) && elem_is_int(to))
        return elem_is_signed(to) == elem_is_signed(from) ? elem_bits[to] >= elem_bits[from]
                                                          : elem_is_signed(to) && elem_bits[to] > elem_bits[from];
    if (elem_is_float(from) && elem_is_float(to))
        return to == ELEM_F64 || (to == ELEM_F32 && from != ELEM_F64);
    if (elem_is_int(from) && elem_is_float(to))
        return (to == ELEM_F64 && elem_bits[from] <= 32) || (to == ELEM_F32 && elem_bits[from] <= 16);
    return false;
}

static Ex cast_const(ExPool *p, Elem to, Ex a)
{
    Elem from = (Elem)a->elem;
    if (elem_is_float(from)) {
        if (to == ELEM_BOOL)
            return ex_bool(p, a->f != 0);
        if (elem_is_float(to)) /* what overflows a float8 depends on saturation: at run time */
            return elem_bits[to] >= 16 ? ex_const_f(p, to, a->f) : NULL;
        if (!isfinite(a->f) || fabs(a->f) >= 0x1p62)
            return NULL;
        Ex r = ex_const_i(p, to, (int64_t)a->f);
        return r->i == (int64_t)a->f ? r : NULL; /* out of range: as the run does it */
    }
    if (to == ELEM_BOOL)
        return ex_bool(p, a->i != 0);
    if (!elem_is_float(to))
        return ex_const_i(p, to, a->i);
    if (to == ELEM_F32) /* one rounding, not two */
        return ex_const_f(p, to, from == ELEM_U64 ? (float)(uint64_t)a->i : (float)a->i);
    return ex_const_f(p, to, from == ELEM_U64 ? (double)(uint64_t)a->i : (double)a->i);
}

static Ex cast(ExPool *p, Elem to, Ex a, bool saturate)
{
    if (a->elem == to)
        return a;
    if (a->op == EX_CONST && !saturate) {
        Ex r = cast_const(p, to, a);
        if (r)
            return r;
    }
    if (a->op == EX_CAST && holds((Elem)a->elem, (Elem)a->arg[0]->elem) && to != ELEM_BOOL)
        return cast(p, to, a->arg[0], saturate);
    return ex_intern(
        p, &(Expr){.op = EX_CAST, .elem = (uint8_t)to, .narg = 1, .i = saturate}, &a, NULL);
}

Ex ex_cast(ExPool *p, Elem to, Ex a) { return cast(p, to, a, false); }
Ex ex_cast_saturating(ExPool *p, Elem to, Ex a) { return cast(p, to, a, true); }

Ex ex_bits(ExPool *p, Elem as, Ex a)
{
    assert(elem_bits[as] == elem_bits[a->elem]);
    if (a->elem == as)
        return a;
    if (a->op == EX_BITS)
        return ex_bits(p, as, a->arg[0]);
    return ex_raw(p, EX_BITS, as, 1, &a);
}
