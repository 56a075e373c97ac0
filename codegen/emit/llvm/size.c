/* Sizes: i64 expressions of symbols, for the host side. Sums and products are checked: the values
 * come from the caller of the artifact. */
#include "codegen/emit/llvm/emit.h"

typedef struct Sizes {
    Unit *u;
    LLVMValueRef sym, overflow;
} Sizes;

static LLVMValueRef checked(Sizes *s, const char *name, LLVMValueRef a, LLVMValueRef b)
{
    Unit *u = s->u;
    LLVMTypeRef type = LLVMTypeOf(a);
    LLVMValueRef args[2] = {a, b}, r = unit_call(u, u->b, name, &type, 1, args, 2);
    LLVMValueRef bad = LLVMBuildExtractValue(u->b, r, 1, "");

    s->overflow = LLVMBuildOr(u->b, s->overflow, bad, "");
    return LLVMBuildExtractValue(u->b, r, 0, "");
}

static LLVMValueRef plus(Sizes *s, LLVMValueRef a, LLVMValueRef b)
{
    return checked(s, "llvm.sadd.with.overflow", a, b);
}

static LLVMValueRef times(Sizes *s, LLVMValueRef a, LLVMValueRef b)
{
    return checked(s, "llvm.smul.with.overflow", a, b);
}

/* Divisors of sizes are positive; 1 stands in for what is not. */
static LLVMValueRef quotient(Sizes *s, ExOp op, LLVMValueRef a, LLVMValueRef b)
{
    LLVMBuilderRef at = s->u->b;
    LLVMTypeRef type = LLVMTypeOf(b);
    LLVMValueRef zero = LLVMConstNull(type), one = LLVMConstInt(type, 1, false), r, fix;
    bool is_quotient = op == EX_DIV || op == EX_FLOOR_DIV;

    b = LLVMBuildSelect(at, LLVMBuildICmp(at, LLVMIntSGT, b, zero, ""), b, one, "");
    r = LLVMBuildSRem(at, a, b, "");
    fix = LLVMBuildICmp(at, LLVMIntSLT, r, zero, "");
    if (op == EX_DIV || op == EX_REM)
        return is_quotient ? LLVMBuildSDiv(at, a, b, "") : r;
    if (is_quotient)
        return LLVMBuildAdd(at, LLVMBuildSDiv(at, a, b, ""), LLVMBuildSExt(at, fix, type, ""),
                            "");
    return LLVMBuildSelect(at, fix, LLVMBuildAdd(at, r, b, ""), r, "");
}

static LLVMValueRef size_of(Sizes *s, Ex e);

static LLVMValueRef operation(Sizes *s, Ex e)
{
    Unit *u = s->u;
    LLVMValueRef v[3] = {NULL, NULL, NULL};
    LLVMTypeRef type;
    bool is_min = e->op == EX_MIN;

    for (int i = 0; i < e->narg && i < 3; i++)
        v[i] = size_of(s, e->arg[i]);
    switch (e->op) {
    case EX_ADD:
        return plus(s, v[0], v[1]);
    case EX_MUL:
        return times(s, v[0], v[1]);
    case EX_SUB:
        return checked(s, "llvm.ssub.with.overflow", v[0], v[1]);
    case EX_NEG:
        return checked(s, "llvm.ssub.with.overflow", LLVMConstNull(LLVMTypeOf(v[0])), v[0]);
    case EX_DIV:
    case EX_REM:
    case EX_FLOOR_DIV:
    case EX_FLOOR_MOD:
        return quotient(s, (ExOp)e->op, v[0], v[1]);
    case EX_MIN:
    case EX_MAX:
        type = LLVMTypeOf(v[0]);
        return unit_call(u, u->b, is_min ? "llvm.smin" : "llvm.smax", &type, 1, v, 2);
    case EX_AND:
        return LLVMBuildAnd(u->b, v[0], v[1], "");
    case EX_OR:
        return LLVMBuildOr(u->b, v[0], v[1], "");
    case EX_NOT:
        return LLVMBuildNot(u->b, v[0], "");
    case EX_LT:
        return LLVMBuildICmp(u->b, LLVMIntSLT, v[0], v[1], "");
    case EX_LE:
        return LLVMBuildICmp(u->b, LLVMIntSLE, v[0], v[1], "");
    case EX_EQ:
        return LLVMBuildICmp(u->b, LLVMIntEQ, v[0], v[1], "");
    case EX_NE:
        return LLVMBuildICmp(u->b, LLVMIntNE, v[0], v[1], "");
    case EX_CAST:
        if (e->elem == ELEM_BOOL)
            return LLVMBuildICmp(u->b, LLVMIntNE, v[0], LLVMConstNull(LLVMTypeOf(v[0])), "");
        return LLVMBuildIntCast2(u->b, v[0], unit_type(u, (Elem)e->elem),
                                 elem_is_signed((Elem)e->arg[0]->elem), "");
    case EX_GUARD:
    case EX_SELECT:
        return LLVMBuildSelect(u->b, v[0], v[1], v[2], "");
    default:
        s->overflow = LLVMConstInt(u->i1, 1, false);
        return unit_i64(u, 0);
    }
}

static LLVMValueRef size_of(Sizes *s, Ex e)
{
    Unit *u = s->u;
    LLVMValueRef v, t, index;

    switch (e->op) {
    case EX_CONST:
        return LLVMConstInt(unit_type(u, (Elem)e->elem), (uint64_t)e->i, true);
    case EX_SYM:
        index = unit_i64(u, e->i);
        return LLVMBuildLoad2(u->b, u->i64,
                              LLVMBuildInBoundsGEP2(u->b, u->i64, s->sym, &index, 1, ""), "");
    case EX_LIN:
        v = unit_i64(u, e->i);
        for (int i = 0; i < e->narg; i++) {
            t = size_of(s, e->arg[i]);
            if (e->coef[i] != 1)
                t = times(s, t, unit_i64(u, e->coef[i]));
            v = plus(s, v, t);
        }
        return v;
    case EX_PROD:
        v = size_of(s, e->arg[0]);
        for (int i = 1; i < e->narg; i++)
            v = times(s, v, size_of(s, e->arg[i]));
        return v;
    default:
        return operation(s, e);
    }
}

LLVMValueRef emit_size(Unit *u, Ex e, LLVMValueRef sym, LLVMValueRef *overflow)
{
    Sizes s = {u, sym, LLVMConstInt(u->i1, 0, false)};
    LLVMValueRef v = size_of(&s, e);

    if (overflow != NULL)
        *overflow = s.overflow;
    return v;
}
