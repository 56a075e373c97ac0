/* The scalar operations of scalar.def as LLVM instructions, on scalars and vectors alike.
 *
 * No fast-math flag is ever set. Integer division must not trap or be undefined where other lanes
 * or an overflow would make it so: the divisor is replaced by 1 there. */
#include "codegen/emit/llvm/emit.h"

typedef LLVMValueRef Build1(LLVMBuilderRef, LLVMValueRef, const char *);
typedef LLVMValueRef Build2(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *);

static LLVMValueRef call1(Walk *w, const char *name, LLVMValueRef a)
{
    LLVMTypeRef t = LLVMTypeOf(a);

    return unit_call(w->u, w->b, name, &t, 1, &a, 1);
}

static LLVMValueRef call2(Walk *w, const char *name, LLVMValueRef a, LLVMValueRef b)
{
    LLVMTypeRef t = LLVMTypeOf(a);
    LLVMValueRef args[2] = {a, b};

    return unit_call(w->u, w->b, name, &t, 1, args, 2);
}

/* ---- floats ---- */

static bool is_number(Ex e)
{
    double v;

    return (ex_is_float(e, &v) && v == v) ||
           (e->op == EX_CAST && !elem_is_float((Elem)e->arg[0]->elem));
}

/* x86: max(a, b) as `a > b ? a : b` is one instruction and gives b when either is NaN. So the
 * operand that cannot be NaN goes first; if both may, one more selection brings a's NaN back. */
static LLVMValueRef float_minmax(Walk *w, Ex e, LLVMValueRef a, LLVMValueRef b)
{
    bool is_max = e->op == EX_MAX, swap = !is_number(e->arg[0]);
    LLVMRealPredicate order = is_max ? LLVMRealOGT : LLVMRealOLT;
    LLVMValueRef r, x = swap ? b : a, y = swap ? a : b;

    if (w->u->is_arm64)
        return call2(w, is_max ? "llvm.maximum" : "llvm.minimum", a, b);
    r = LLVMBuildSelect(w->b, LLVMBuildFCmp(w->b, order, x, y, ""), x, y, "");
    if (is_number(e->arg[0]) || is_number(e->arg[1]))
        return r;
    return LLVMBuildSelect(w->b, LLVMBuildFCmp(w->b, LLVMRealUNO, x, x, ""), x, r, "");
}

/* The remainder with the sign of the divisor. */
static LLVMValueRef float_mod(Walk *w, LLVMValueRef a, LLVMValueRef b)
{
    LLVMValueRef zero = LLVMConstNull(LLVMTypeOf(a)), r = LLVMBuildFRem(w->b, a, b, "");
    LLVMValueRef differ = LLVMBuildXor(w->b, LLVMBuildFCmp(w->b, LLVMRealOLT, r, zero, ""),
                                       LLVMBuildFCmp(w->b, LLVMRealOLT, b, zero, ""), "");
    LLVMValueRef fix =
        LLVMBuildAnd(w->b, differ, LLVMBuildFCmp(w->b, LLVMRealUNE, r, zero, ""), "");

    return LLVMBuildSelect(w->b, fix, LLVMBuildFAdd(w->b, r, b, ""), r, "");
}

static LLVMValueRef float_fma(Walk *w, Ex e, LLVMValueRef *v)
{
    LLVMTypeRef t = LLVMTypeOf(v[0]);

    return w->u->has_fma ? unit_call(w->u, w->b, "llvm.fma", &t, 1, v, 3)
                         : soften_fma(w, (Elem)e->elem, v);
}

static LLVMValueRef float_round(Walk *w, ExOp op, LLVMValueRef x)
{
    if (!w->u->has_round)
        return soften_round(w, op, x);
    return call1(w,
                 op == EX_FLOOR   ? "llvm.floor"
                 : op == EX_CEIL  ? "llvm.ceil"
                 : op == EX_TRUNC ? "llvm.trunc"
                                  : "llvm.roundeven",
                 x);
}

static LLVMValueRef float_op(Walk *w, Ex e, LLVMValueRef *v)
{
    LLVMBuilderRef b = w->b;

    switch (e->op) {
    case EX_ADD:
        return LLVMBuildFAdd(b, v[0], v[1], "");
    case EX_SUB:
        return LLVMBuildFSub(b, v[0], v[1], "");
    case EX_MUL:
        return LLVMBuildFMul(b, v[0], v[1], "");
    case EX_DIV:
        return LLVMBuildFDiv(b, v[0], v[1], "");
    case EX_REM:
        return LLVMBuildFRem(b, v[0], v[1], "");
    case EX_FLOOR_DIV:
        return float_round(w, EX_FLOOR, LLVMBuildFDiv(b, v[0], v[1], ""));
    case EX_FLOOR_MOD:
        return float_mod(w, v[0], v[1]);
    case EX_MIN:
    case EX_MAX:
        return float_minmax(w, e, v[0], v[1]);
    case EX_NEG:
        return LLVMBuildFNeg(b, v[0], "");
    case EX_ABS:
        return call1(w, "llvm.fabs", v[0]);
    case EX_SQRT:
        return call1(w, "llvm.sqrt", v[0]);
    case EX_FLOOR:
    case EX_CEIL:
    case EX_TRUNC:
    case EX_ROUND_EVEN:
        return float_round(w, (ExOp)e->op, v[0]);
    case EX_FMA:
        return float_fma(w, e, v);
    case EX_LT:
        return LLVMBuildFCmp(b, LLVMRealOLT, v[0], v[1], "");
    case EX_LE:
        return LLVMBuildFCmp(b, LLVMRealOLE, v[0], v[1], "");
    case EX_EQ:
        return LLVMBuildFCmp(b, LLVMRealOEQ, v[0], v[1], "");
    case EX_NE:
        return LLVMBuildFCmp(b, LLVMRealUNE, v[0], v[1], "");
    default:
        return emit_failure(w, (Elem)e->elem, ex_op_name[e->op]);
    }
}

/* ---- integers ---- */

/* i64 quotients of a vector whose operands fit 31 bits are computed in i32. */
static bool fits_31_bits(Walk *w, Ex e)
{
    int64_t lo, hi;

    if (e->elem != ELEM_I64 || has_load(w, e))
        return false;
    ex_range(w->pool, e, &lo, &hi);
    return lo >= 0 && hi < INT32_MAX;
}

static LLVMValueRef narrow_division(Walk *w, Ex e, LLVMValueRef *v)
{
    LLVMTypeRef t = LLVMVectorType(w->u->i32, w->width);
    LLVMValueRef a = LLVMBuildTrunc(w->b, v[0], t, ""), b = LLVMBuildTrunc(w->b, v[1], t, "");
    bool is_quotient = e->op == EX_DIV || e->op == EX_FLOOR_DIV;

    a = is_quotient ? LLVMBuildUDiv(w->b, a, b, "") : LLVMBuildURem(w->b, a, b, "");
    return LLVMBuildZExt(w->b, a, LLVMTypeOf(v[0]), "");
}

/* Quotient or remainder, truncating; b = 0 gives 0 for the quotient, and INT_MIN / -1 wraps. */
static LLVMValueRef safe_division(Walk *w, LLVMValueRef a, LLVMValueRef b, bool is_signed,
                                  bool is_quotient)
{
    LLVMBuilderRef at = w->b;
    LLVMTypeRef t = LLVMTypeOf(a);
    LLVMValueRef zero = LLVMConstNull(t), ones = LLVMConstAllOnes(t), bad, minus, r;

    bad = LLVMBuildICmp(at, LLVMIntEQ, b, zero, "");
    if (!is_signed) {
        b = LLVMBuildSelect(at, bad, const_of(t, 1), b, "");
        r = is_quotient ? LLVMBuildUDiv(at, a, b, "") : LLVMBuildURem(at, a, b, "");
        return LLVMBuildSelect(at, bad, zero, r, "");
    }
    minus = LLVMBuildICmp(at, LLVMIntEQ, b, ones, "");
    b = LLVMBuildSelect(at, LLVMBuildOr(at, bad, minus, ""), const_of(t, 1), b, "");
    r = is_quotient ? LLVMBuildSDiv(at, a, b, "") : LLVMBuildSRem(at, a, b, "");
    if (is_quotient)
        r = LLVMBuildSelect(at, minus, LLVMBuildNeg(at, a, ""), r, "");
    return LLVMBuildSelect(at, bad, zero, r, "");
}

static LLVMValueRef division(Walk *w, Ex e, LLVMValueRef *v)
{
    LLVMBuilderRef b = w->b;
    ExOp op = (ExOp)e->op;
    bool is_quotient = op == EX_DIV || op == EX_FLOOR_DIV;
    bool is_signed = elem_is_signed((Elem)e->elem);
    bool is_floor = is_signed && (op == EX_FLOOR_DIV || op == EX_FLOOR_MOD);
    int64_t divisor = 0;
    LLVMValueRef r, fix, rem;

    if (is_vector(v[0]) && fits_31_bits(w, e->arg[0]) && fits_31_bits(w, e->arg[1]) &&
        ex_is_int(e->arg[1], &divisor) && divisor > 0)
        return narrow_division(w, e, v);
    if (e->elem == ELEM_I64 && !has_load(w, e) && ex_nonneg(w->pool, e->arg[0]) &&
        ex_proved_lt(w->pool, ex_int(w->pool, 0), e->arg[1]))
        return is_quotient ? LLVMBuildUDiv(b, v[0], v[1], "") : LLVMBuildURem(b, v[0], v[1], "");
    r = safe_division(w, v[0], v[1], is_signed, is_quotient);
    if (!is_floor)
        return r;
    rem = is_quotient ? safe_division(w, v[0], v[1], true, false) : r;
    fix = LLVMBuildICmp(b, LLVMIntSLT, LLVMBuildXor(b, rem, v[1], ""),
                        LLVMConstNull(LLVMTypeOf(rem)), "");
    fix = LLVMBuildAnd(b, fix, LLVMBuildICmp(b, LLVMIntNE, rem, LLVMConstNull(LLVMTypeOf(rem)), ""),
                       "");
    return LLVMBuildSelect(b, fix,
                           is_quotient ? LLVMBuildAdd(b, r, LLVMConstAllOnes(LLVMTypeOf(r)), "")
                                       : LLVMBuildAdd(b, r, v[1], ""),
                           r, "");
}

static LLVMValueRef shift(Walk *w, Ex e, LLVMValueRef *v)
{
    LLVMTypeRef t = LLVMTypeOf(v[0]);
    LLVMValueRef n = LLVMBuildAnd(w->b, v[1], const_of(t, elem_bits[e->elem] - 1), "");

    if (e->op == EX_SHL)
        return LLVMBuildShl(w->b, v[0], n, "");
    return elem_is_signed((Elem)e->elem) ? LLVMBuildAShr(w->b, v[0], n, "")
                                         : LLVMBuildLShr(w->b, v[0], n, "");
}

static LLVMValueRef int_compare(Walk *w, Ex e, LLVMValueRef *v, bool is_signed)
{
    LLVMIntPredicate p = e->op == EX_EQ   ? LLVMIntEQ
                         : e->op == EX_NE ? LLVMIntNE
                         : e->op == EX_LT ? (is_signed ? LLVMIntSLT : LLVMIntULT)
                                          : (is_signed ? LLVMIntSLE : LLVMIntULE);

    return LLVMBuildICmp(w->b, p, v[0], v[1], "");
}

static LLVMValueRef int_op(Walk *w, Ex e, LLVMValueRef *v)
{
    LLVMBuilderRef b = w->b;
    bool is_signed = elem_is_signed((Elem)e->arg[0]->elem);
    LLVMValueRef args[2] = {v[0], LLVMConstInt(w->u->i1, 0, false)};
    LLVMTypeRef t = LLVMTypeOf(v[0]);

    switch (e->op) {
    case EX_ADD:
        return LLVMBuildAdd(b, v[0], v[1], "");
    case EX_SUB:
        return LLVMBuildSub(b, v[0], v[1], "");
    case EX_MUL:
        return LLVMBuildMul(b, v[0], v[1], "");
    case EX_DIV:
    case EX_REM:
    case EX_FLOOR_DIV:
    case EX_FLOOR_MOD:
        return division(w, e, v);
    case EX_MIN:
        return call2(w, is_signed ? "llvm.smin" : "llvm.umin", v[0], v[1]);
    case EX_MAX:
        return call2(w, is_signed ? "llvm.smax" : "llvm.umax", v[0], v[1]);
    case EX_NEG:
        return LLVMBuildNeg(b, v[0], "");
    case EX_ABS:
        return is_signed ? unit_call(w->u, b, "llvm.abs", &t, 1, args, 2) : v[0];
    case EX_FMA:
        return LLVMBuildAdd(b, LLVMBuildMul(b, v[0], v[1], ""), v[2], "");
    case EX_AND:
        return LLVMBuildAnd(b, v[0], v[1], "");
    case EX_OR:
        return LLVMBuildOr(b, v[0], v[1], "");
    case EX_XOR:
        return LLVMBuildXor(b, v[0], v[1], "");
    case EX_NOT:
        return LLVMBuildNot(b, v[0], "");
    case EX_SHL:
    case EX_SHR:
        return shift(w, e, v);
    case EX_FLOOR:
    case EX_CEIL:
    case EX_TRUNC:
    case EX_ROUND_EVEN:
        return v[0];
    case EX_LT:
    case EX_LE:
    case EX_EQ:
    case EX_NE:
        return int_compare(w, e, v, is_signed);
    default:
        return emit_failure(w, (Elem)e->elem, ex_op_name[e->op]);
    }
}

/* ---- bool: values are i1; sum and product are or and and ---- */

static LLVMValueRef bool_op(Walk *w, Ex e, LLVMValueRef *v)
{
    switch (e->op) {
    case EX_ADD:
    case EX_MAX:
        return LLVMBuildOr(w->b, v[0], v[1], "");
    case EX_MUL:
    case EX_MIN:
        return LLVMBuildAnd(w->b, v[0], v[1], "");
    case EX_AND:
    case EX_OR:
    case EX_XOR:
    case EX_NOT:
    case EX_LT:
    case EX_LE:
    case EX_EQ:
    case EX_NE:
        return int_op(w, e, v);
    default:
        return emit_failure(w, ELEM_BOOL, ex_op_name[e->op]);
    }
}

static LLVMValueRef select_op(Walk *w, LLVMValueRef *v)
{
    if (is_vector(v[0]) || is_vector(v[1]) || is_vector(v[2])) {
        v[1] = splat(w, v[1]);
        v[2] = splat(w, v[2]);
    }
    return LLVMBuildSelect(w->b, v[0], v[1], v[2], "");
}

LLVMValueRef emit_scalar(Walk *w, Ex e)
{
    LLVMValueRef v[3], narrow;
    Elem of = (Elem)e->arg[0]->elem;
    bool wide = false;

    if (e->op >= EX_EXP)
        return emit_value(w, ex_expand_math(w->pool, e));
    narrow = emit_lane_compare(w, e);
    if (narrow != NULL)
        return narrow;
    for (int i = 0; i < e->narg; i++) {
        v[i] = emit_value(w, e->arg[i]);
        wide = wide || is_vector(v[i]);
    }
    if (e->op == EX_SELECT)
        return select_op(w, v);
    for (int i = 0; i < e->narg && wide; i++)
        v[i] = splat(w, v[i]);
    if (of == ELEM_F32 || of == ELEM_F64)
        return float_op(w, e, v);
    if (of == ELEM_BOOL)
        return bool_op(w, e, v);
    if (elem_is_int(of))
        return int_op(w, e, v);
    return emit_failure(w, of, ex_op_name[e->op]);
}
