/* Float to integer: toward zero; NaN and what does not fit give the smallest integer, as on x86.
 *
 * LLVM's fptosi is undefined there, and its passes use that: a conversion of `c ? NaN : x` becomes
 * one of x. So x86 uses its own instruction by name for f32 -> i32, which is what quantized
 * epilogues need; everything else saturates and is corrected. */
#include "codegen/emit/llvm/emit.h"

/* Lanes [at, at + n) of v; beyond its end the last one repeats. */
static LLVMValueRef lanes(Walk *w, LLVMValueRef v, unsigned at, unsigned n)
{
    LLVMValueRef k[64];
    unsigned size = LLVMGetVectorSize(LLVMTypeOf(v));

    for (unsigned i = 0; i < n; i++)
        k[i] = unit_i32(w->u, MIN(at + i, size - 1));
    return LLVMBuildShuffleVector(w->b, v, LLVMGetPoison(LLVMTypeOf(v)), LLVMConstVector(k, n), "");
}

/* a followed by b, cut to n lanes. */
static LLVMValueRef join(Walk *w, LLVMValueRef a, LLVMValueRef b, unsigned n)
{
    unsigned na = LLVMGetVectorSize(LLVMTypeOf(a)), nb = LLVMGetVectorSize(LLVMTypeOf(b));
    LLVMValueRef k[64];

    if (nb < na)
        b = lanes(w, b, 0, na);
    else if (na < nb)
        a = lanes(w, a, 0, nb);
    for (unsigned i = 0; i < n; i++)
        k[i] = unit_i32(w->u, i < na ? i : MAX(na, nb) + i - na);
    return LLVMBuildShuffleVector(w->b, a, b, LLVMConstVector(k, n), "");
}

static LLVMValueRef native(Walk *w, LLVMValueRef v, unsigned n)
{
    Unit *u = w->u;
    LLVMValueRef args[4] = {v, NULL, NULL, NULL};

    if (n == 4)
        return unit_call(u, w->b, "llvm.x86.sse2.cvttps2dq", NULL, 0, args, 1);
    if (n == 8)
        return unit_call(u, w->b, "llvm.x86.avx.cvtt.ps2dq.256", NULL, 0, args, 1);
    args[1] = LLVMConstNull(LLVMVectorType(u->i32, 16));
    args[2] = LLVMConstAllOnes(u->i16);
    args[3] = unit_i32(u, 4); /* the current direction; truncation needs none */
    return unit_call(u, w->b, "llvm.x86.avx512.mask.cvttps2dq.512", NULL, 0, args, 4);
}

static LLVMValueRef x86_vector(Walk *w, LLVMValueRef v)
{
    unsigned n = w->width, step = 4;
    LLVMValueRef r = NULL, part;

    if (w->u->has_avx && n > 4)
        step = w->u->has_avx512 && n > 8 ? 16 : 8;
    for (unsigned at = 0; at < n; at += step) {
        part = native(w, lanes(w, v, at, step), step);
        r = r == NULL ? part : join(w, r, part, at + step);
    }
    return n % step == 0 ? r : lanes(w, r, 0, n);
}

static LLVMValueRef x86_truncate(Walk *w, LLVMValueRef v)
{
    if (is_vector(v))
        return x86_vector(w, v);
    v = LLVMBuildInsertElement(w->b, LLVMConstNull(LLVMVectorType(w->u->f32, 4)), v,
                               unit_i64(w->u, 0), "");
    return unit_call(w->u, w->b, "llvm.x86.sse.cvttss2si", NULL, 0, &v, 1);
}

static LLVMValueRef float_const(Walk *w, LLVMValueRef like, double v)
{
    LLVMTypeRef t = LLVMTypeOf(like);
    LLVMValueRef c = LLVMConstReal(is_vector(like) ? LLVMGetElementType(t) : t, v);

    return is_vector(like) ? splat(w, c) : c;
}

/* To i32, or i64 when `wide`. */
static LLVMValueRef to_signed(Walk *w, LLVMValueRef v, Elem from, bool wide)
{
    LLVMTypeRef types[2] = {shaped(w, wide ? w->u->i64 : w->u->i32, v), LLVMTypeOf(v)};
    LLVMValueRef r, fits;

    if (from == ELEM_F32 && !wide && !w->u->is_arm64)
        return x86_truncate(w, v);
    r = unit_call(w->u, w->b, "llvm.fptosi.sat", types, 2, &v, 1);
    fits = LLVMBuildFCmp(w->b, LLVMRealOLT, v, float_const(w, v, wide ? 0x1p63 : 0x1p31), "");
    return LLVMBuildSelect(w->b, fits, r, const_of(types[0], wide ? INT64_MIN : INT32_MIN), "");
}

LLVMValueRef emit_truncate(Walk *w, LLVMValueRef v, Elem from, Elem to)
{
    LLVMValueRef r = to_signed(w, v, from, elem_bits[to] == 64 || to == ELEM_U32), top, upper;

    if (to != ELEM_U64)
        return LLVMBuildIntCast2(w->b, r, shaped(w, unit_type(w->u, to), r), elem_is_signed(to),
                                 "");
    upper = to_signed(w, LLVMBuildFSub(w->b, v, float_const(w, v, 0x1p63), ""), from, true);
    upper = LLVMBuildXor(w->b, upper, const_of(LLVMTypeOf(upper), INT64_MIN), "");
    top = LLVMBuildAnd(w->b, LLVMBuildFCmp(w->b, LLVMRealOGE, v, float_const(w, v, 0x1p63), ""),
                       LLVMBuildFCmp(w->b, LLVMRealOLT, v, float_const(w, v, 0x1p64), ""), "");
    return LLVMBuildSelect(w->b, top, upper, r, "");
}
