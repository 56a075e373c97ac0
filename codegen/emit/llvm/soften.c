/* Float operations that x86 before AVX2 lacks: fused multiply-add and rounding to whole numbers.
 * LLVM would call a function of the C library for every lane.
 *
 *     fma f32: in double precision the product is exact; the sum is rounded twice
 *     fma f64: a*b = p + e exactly (Dekker), p + c = s + d exactly (Knuth); then s + (d + e)
 *     round:   (|x| + 2^mantissa) - 2^mantissa is |x| rounded to even, below 2^mantissa
 *
 * Both forms of fma differ from one rounding by at most one unit in the last place, in about one of
 * 2^29 (f32) or 2^53 (f64) cases. */
#include "codegen/emit/llvm/emit.h"

static LLVMValueRef number(LLVMTypeRef t, double v)
{
    LLVMValueRef one, lane[64];
    unsigned n;

    if (LLVMGetTypeKind(t) != LLVMVectorTypeKind)
        return LLVMConstReal(t, v);
    n = LLVMGetVectorSize(t);
    assert(n <= COUNT_OF(lane));
    one = LLVMConstReal(LLVMGetElementType(t), v);
    for (unsigned i = 0; i < n; i++)
        lane[i] = one;
    return LLVMConstVector(lane, n);
}

#define ADD(x, y) LLVMBuildFAdd(b, (x), (y), "")
#define SUB(x, y) LLVMBuildFSub(b, (x), (y), "")
#define MUL(x, y) LLVMBuildFMul(b, (x), (y), "")

static LLVMValueRef fma_single(Walk *w, LLVMValueRef *v)
{
    LLVMBuilderRef b = w->b;
    LLVMTypeRef wide = shaped(w, w->u->f64, v[0]);
    LLVMValueRef x[3];

    for (int i = 0; i < 3; i++)
        x[i] = LLVMBuildFPExt(b, v[i], wide, "");
    return LLVMBuildFPTrunc(b, ADD(MUL(x[0], x[1]), x[2]), LLVMTypeOf(v[0]), "");
}

/* x = high + low, each of half as many bits. */
static void split(LLVMBuilderRef b, LLVMValueRef x, LLVMValueRef *high, LLVMValueRef *low)
{
    LLVMValueRef c = MUL(x, number(LLVMTypeOf(x), 0x1p27 + 1));

    *high = SUB(c, SUB(c, x));
    *low = SUB(x, *high);
}

static LLVMValueRef fma_double(Walk *w, LLVMValueRef *v)
{
    LLVMBuilderRef b = w->b;
    LLVMValueRef p = MUL(v[0], v[1]), s = ADD(p, v[2]), high[2], low[2], e, d, t, r;

    for (int i = 0; i < 2; i++)
        split(b, v[i], &high[i], &low[i]);
    e = SUB(MUL(high[0], high[1]), p);
    e = ADD(ADD(e, MUL(high[0], low[1])), MUL(low[0], high[1]));
    e = ADD(e, MUL(low[0], low[1]));
    t = SUB(s, p);
    d = ADD(SUB(p, SUB(s, t)), SUB(v[2], t));
    r = ADD(s, ADD(d, e));
    /* infinities, NaN and factors beyond 2^996 make NaN of the corrections */
    return LLVMBuildSelect(b, LLVMBuildFCmp(b, LLVMRealORD, r, r, ""), r, s, "");
}

LLVMValueRef soften_fma(Walk *w, Elem e, LLVMValueRef *v)
{
    return e == ELEM_F64 ? fma_double(w, v) : fma_single(w, v);
}

LLVMValueRef soften_round(Walk *w, ExOp op, LLVMValueRef x)
{
    LLVMBuilderRef b = w->b;
    LLVMTypeRef t = LLVMTypeOf(x);
    LLVMValueRef size = unit_call(w->u, b, "llvm.fabs", &t, 1, &x, 1), r, args[2], off;
    LLVMValueRef from = op == EX_TRUNC ? size : x, one = number(t, 1), zero = number(t, 0);
    LLVMTypeRef single = is_vector(x) ? LLVMGetElementType(t) : t;
    LLVMValueRef magic = number(t, single == w->u->f64 ? 0x1p52 : 0x1p23);

    args[0] = SUB(ADD(size, magic), magic);
    args[1] = from;
    r = unit_call(w->u, b, "llvm.copysign", &t, 1, args, 2);
    off = LLVMBuildFCmp(b, op == EX_CEIL ? LLVMRealOLT : LLVMRealOGT, r, from, "");
    if (op != EX_ROUND_EVEN)
        r = (op == EX_CEIL ? LLVMBuildFAdd : LLVMBuildFSub)(
            b, r, LLVMBuildSelect(b, off, one, zero, ""), "");
    args[0] = r;
    args[1] = x;
    r = unit_call(w->u, b, "llvm.copysign", &t, 1, args, 2);
    return LLVMBuildSelect(b, LLVMBuildFCmp(b, LLVMRealOLT, size, magic, ""), r, x, "");
}
