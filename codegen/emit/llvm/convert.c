/* Casts. f32 and f64 are the only floats with arithmetic; f16, bf16 and the 8- and 4-bit floats are
 * bits in integers, decoded to f32 and encoded from it with one rounding to nearest even.
 * A double becomes a small float through f32 rounded to odd, which keeps the second rounding
 * correct. */
#include "codegen/emit/llvm/emit.h"

static LLVMValueRef cast_int(Walk *w, LLVMValueRef v, LLVMTypeRef one, bool is_signed)
{
    return LLVMBuildIntCast2(w->b, v, shaped(w, one, v), is_signed, "");
}

static LLVMValueRef bits_to(Walk *w, LLVMValueRef v, LLVMTypeRef one)
{
    return LLVMBuildBitCast(w->b, v, shaped(w, one, v), "");
}

static LLVMValueRef c32(LLVMValueRef like, int64_t v)
{
    return const_of(LLVMTypeOf(like), v);
}

#define AND(x, k)        LLVMBuildAnd(w->b, (x), c32((x), (k)), "")
#define OR(x, y)         LLVMBuildOr(w->b, (x), (y), "")
#define ADD(x, y)        LLVMBuildAdd(w->b, (x), (y), "")
#define ADD_K(x, k)      LLVMBuildAdd(w->b, (x), c32((x), (k)), "")
#define SHL_K(x, k)      LLVMBuildShl(w->b, (x), c32((x), (k)), "")
#define SHR_K(x, k)      LLVMBuildLShr(w->b, (x), c32((x), (k)), "")
#define COMPARE(p, x, k) LLVMBuildICmp(w->b, (p), (x), c32((x), (k)), "")
#define SELECT(p, x, y)  LLVMBuildSelect(w->b, (p), (x), (y), "")

/* ---- small floats -> f32 ---- */

static LLVMValueRef f16_decode(Walk *w, LLVMValueRef h)
{
    LLVMTypeRef half = LLVMHalfTypeInContext(w->u->cx);
    LLVMValueRef u, em, sign, top, v, factor;

    if (w->u->has_f16c)
        return LLVMBuildFPExt(w->b, bits_to(w, h, half), shaped(w, w->u->f32, h), "");
    u = cast_int(w, h, w->u->i32, false);
    em = AND(u, 0x7fff);
    sign = SHL_K(AND(u, 0x8000), 16);
    /* exponent and mantissa in place are the value times 2^-112, subnormals included */
    v = bits_to(w, SHL_K(em, 13), w->u->f32);
    factor = LLVMConstReal(w->u->f32, 0x1p112);
    if (is_vector(v))
        factor = splat(w, factor);
    v = bits_to(w, LLVMBuildFMul(w->b, v, factor, ""), w->u->i32);
    top = OR(SHL_K(em, 13), c32(em, 0x7f800000));
    v = SELECT(COMPARE(LLVMIntUGE, em, 0x7c00), top, v);
    return bits_to(w, OR(v, sign), w->u->f32);
}

/* A table of all codes. */
static LLVMValueRef table_decode(Walk *w, Elem e, LLVMValueRef code)
{
    Unit *u = w->u;
    unsigned n = 1u << elem_bits[e];
    const char *name = arena_printf(u->arena, "decode_%s", elem_name[e]);
    LLVMTypeRef t = LLVMArrayType2(u->f32, n);
    LLVMValueRef at[256], table = LLVMGetNamedGlobal(u->module, name), index, v;

    if (table == NULL) {
        for (unsigned i = 0; i < n; i++) {
            uint8_t byte = (uint8_t)i;

            at[i] = LLVMConstReal(u->f32, elem_get_f64(e, &byte, 0));
        }
        table = LLVMAddGlobal(u->module, t, name);
        LLVMSetInitializer(table, LLVMConstArray2(u->f32, at, n));
        LLVMSetGlobalConstant(table, true);
        LLVMSetLinkage(table, LLVMInternalLinkage);
        LLVMSetAlignment(table, 64);
    }
    index = cast_int(w, code, u->i64, false);
    if (!is_vector(code))
        return LLVMBuildLoad2(w->b, u->f32,
                              LLVMBuildInBoundsGEP2(w->b, u->f32, table, &index, 1, ""), "");
    v = LLVMGetPoison(LLVMVectorType(u->f32, w->width));
    for (unsigned i = 0; i < w->width; i++) {
        LLVMValueRef lane = unit_i64(u, i);
        LLVMValueRef k = LLVMBuildExtractElement(w->b, index, lane, "");
        LLVMValueRef x =
            LLVMBuildLoad2(w->b, u->f32, LLVMBuildInBoundsGEP2(w->b, u->f32, table, &k, 1, ""), "");

        v = LLVMBuildInsertElement(w->b, v, x, lane, "");
    }
    return v;
}

static LLVMValueRef decode(Walk *w, Elem e, LLVMValueRef v)
{
    if (e == ELEM_F16)
        return f16_decode(w, v);
    if (e == ELEM_BF16)
        return bits_to(w, SHL_K(cast_int(w, v, w->u->i32, false), 16), w->u->f32);
    return table_decode(w, e, v);
}

/* ---- f32 -> small floats ---- */

typedef struct Small {
    int exp_bits, man_bits, bias;
    int largest;  /* code of the largest finite magnitude */
    int overflow; /* what comes beyond it, without saturation */
    int nan;
    bool has_negative_zero;
} Small;

static bool small_format(Elem e, Small *s)
{
    switch (e) {
    case ELEM_F16:
        *s = (Small){5, 10, 15, 0x7bff, 0x7c00, 0x7e00, true};
        return true;
    case ELEM_F8E4M3FN:
        *s = (Small){4, 3, 7, 0x7e, 0x7f, 0x7f, true};
        return true;
    case ELEM_F8E4M3FNUZ:
        *s = (Small){4, 3, 8, 0x7f, 0x80, 0x80, false};
        return true;
    case ELEM_F8E5M2:
        *s = (Small){5, 2, 15, 0x7b, 0x7c, 0x7e, true};
        return true;
    case ELEM_F8E5M2FNUZ:
        *s = (Small){5, 2, 16, 0x7f, 0x80, 0x80, false};
        return true;
    case ELEM_F4E2M1:
        *s = (Small){2, 1, 1, 7, 7, 8, true}; /* NaN becomes -0, as in elem.c */
        return true;
    default:
        return false;
    }
}

/* Round to nearest even by integer addition: normal numbers drop low mantissa bits; small ones are
 * added to a float whose unit in the last place is the format's smallest step. Codes without sign
 * are ordered as their values, so a carry moves to the next exponent by itself. */
static LLVMValueRef small_encode(Walk *w, const Small *s, LLVMValueRef x, bool saturates)
{
    LLVMValueRef u = bits_to(w, x, w->u->i32), a = AND(u, 0x7fffffff), normal, small, code, sign;
    LLVMValueRef factor, zero;
    int drop = 23 - s->man_bits, min_exp = 1 - s->bias;
    int beyond = saturates ? s->largest : s->overflow;
    int magic = (min_exp - s->man_bits + 23 + 127) << 23;

    normal = ADD(a, AND(SHR_K(a, drop), 1));
    normal = ADD_K(normal, (1 << (drop - 1)) - 1);
    normal = ADD_K(SHR_K(normal, drop), -((127 - s->bias) << s->man_bits));
    factor = bits_to(w, c32(a, magic), w->u->f32);
    small = LLVMBuildFAdd(w->b, bits_to(w, a, w->u->f32), factor, "");
    small = ADD_K(bits_to(w, small, w->u->i32), -magic);
    code = SELECT(COMPARE(LLVMIntULT, a, (min_exp + 127) << 23), small, normal);
    code = SELECT(COMPARE(LLVMIntSGT, code, s->largest), c32(a, beyond), code);
    code = SELECT(COMPARE(LLVMIntUGE, a, 0x7f800000), c32(a, beyond), code);
    sign = AND(SHR_K(u, 31 - s->exp_bits - s->man_bits), 1 << (s->exp_bits + s->man_bits));
    zero = c32(a, 0);
    if (!s->has_negative_zero)
        sign = SELECT(
            LLVMBuildOr(w->b, COMPARE(LLVMIntEQ, code, 0), COMPARE(LLVMIntEQ, code, s->nan), ""),
            zero, sign);
    code = OR(code, sign);
    return SELECT(COMPARE(LLVMIntUGT, a, 0x7f800000), c32(a, s->nan), code);
}

static LLVMValueRef bf16_encode(Walk *w, LLVMValueRef x)
{
    LLVMValueRef u = bits_to(w, x, w->u->i32), r;

    r = SHR_K(ADD_K(ADD(u, AND(SHR_K(u, 16), 1)), 0x7fff), 16);
    return SELECT(LLVMBuildFCmp(w->b, LLVMRealUNO, x, x, ""), OR(SHR_K(u, 16), c32(u, 0x40)), r);
}

/* f8e8m0: the exponent, rounded by the mantissa; nothing below 2^-127 or above 2^127. */
static LLVMValueRef e8m0_encode(Walk *w, LLVMValueRef x)
{
    LLVMValueRef u = bits_to(w, x, w->u->i32), code = SHR_K(AND(u, 0x7f800000), 23);
    LLVMValueRef man = AND(u, 0x7fffff), up, tie;

    up = COMPARE(LLVMIntUGT, man, 0x400000);
    tie = LLVMBuildAnd(w->b, COMPARE(LLVMIntEQ, man, 0x400000), COMPARE(LLVMIntNE, AND(code, 1), 0),
                       "");
    up = LLVMBuildZExt(w->b, LLVMBuildOr(w->b, up, tie, ""), LLVMTypeOf(code), "");
    code = ADD(code, up);
    code = SELECT(COMPARE(LLVMIntUGT, code, 254), c32(code, 254), code);
    code = SELECT(COMPARE(LLVMIntSLE, u, 0x400000), c32(code, 0), code);
    return SELECT(LLVMBuildFCmp(w->b, LLVMRealUNO, x, x, ""), c32(code, 255), code);
}

static LLVMValueRef encode(Walk *w, Elem e, LLVMValueRef x, bool saturates)
{
    LLVMTypeRef half = LLVMHalfTypeInContext(w->u->cx);
    Small s;
    LLVMValueRef v;

    if (e == ELEM_F16 && w->u->has_f16c)
        return bits_to(w, LLVMBuildFPTrunc(w->b, x, shaped(w, half, x), ""), w->u->i16);
    if (e == ELEM_BF16)
        v = bf16_encode(w, x);
    else if (e == ELEM_F8E8M0)
        v = e8m0_encode(w, x);
    else if (small_format(e, &s))
        v = small_encode(w, &s, x, saturates);
    else
        return emit_failure(w, e, "a cast");
    return cast_int(w, v, unit_type(w->u, e), false);
}

/* double -> f32, rounded to odd: truncated, and the last bit set when inexact. */
static LLVMValueRef f32_odd(Walk *w, LLVMValueRef d)
{
    LLVMValueRef f = LLVMBuildFPTrunc(w->b, d, shaped(w, w->u->f32, d), ""), back, u, one;
    LLVMTypeRef t = LLVMTypeOf(d);
    LLVMValueRef away, inexact;

    back = LLVMBuildFPExt(w->b, f, t, "");
    u = bits_to(w, f, w->u->i32);
    away = LLVMBuildFCmp(w->b, LLVMRealOGT, unit_call(w->u, w->b, "llvm.fabs", &t, 1, &back, 1),
                         unit_call(w->u, w->b, "llvm.fabs", &t, 1, &d, 1), "");
    inexact = LLVMBuildFCmp(w->b, LLVMRealONE, back, d, "");
    one = c32(u, 1);
    u = LLVMBuildSub(w->b, u, LLVMBuildZExt(w->b, away, LLVMTypeOf(u), ""), "");
    u = SELECT(inexact, OR(u, one), u);
    return bits_to(w, u, w->u->f32);
}

/* ---- numbers ---- */

/* Sub-byte integers keep their value in 8 bits. */
static LLVMValueRef wrap_small(Walk *w, LLVMValueRef v, Elem to)
{
    int drop = 8 - elem_bits[to];

    if (!elem_is_int(to) || drop <= 0)
        return v;
    v = SHL_K(v, drop);
    return elem_is_signed(to) ? LLVMBuildAShr(w->b, v, c32(v, drop), "") : SHR_K(v, drop);
}

static LLVMValueRef int_to_float(Walk *w, Ex e, LLVMValueRef v, Elem from, LLVMTypeRef to)
{
    int64_t lo, hi;
    bool is_signed = elem_is_signed(from);

    if (from == ELEM_I64 && is_vector(v) && !has_load(w, e)) {
        ex_range(w->pool, e->arg[0], &lo, &hi);
        if (lo >= INT32_MIN && hi <= INT32_MAX)
            v = cast_int(w, v, w->u->i32, true);
    }
    to = shaped(w, to, v);
    return is_signed ? LLVMBuildSIToFP(w->b, v, to, "") : LLVMBuildUIToFP(w->b, v, to, "");
}

static LLVMValueRef to_bool(Walk *w, LLVMValueRef v, bool is_float)
{
    LLVMValueRef zero = LLVMConstNull(LLVMTypeOf(v));

    return is_float ? LLVMBuildFCmp(w->b, LLVMRealUNE, v, zero, "")
                    : LLVMBuildICmp(w->b, LLVMIntNE, v, zero, "");
}

static LLVMValueRef from_float(Walk *w, Ex e, LLVMValueRef v, Elem from, Elem to)
{
    if (to == from)
        return v;
    if (to == ELEM_BOOL)
        return to_bool(w, v, true);
    if (to == ELEM_F64)
        return LLVMBuildFPExt(w->b, v, shaped(w, w->u->f64, v), "");
    if (to == ELEM_F32)
        return LLVMBuildFPTrunc(w->b, v, shaped(w, w->u->f32, v), "");
    if (elem_is_int(to))
        return wrap_small(w, emit_truncate(w, v, from, to), to);
    return encode(w, to, from == ELEM_F64 ? f32_odd(w, v) : v, e->i != 0 || to == ELEM_F4E2M1);
}

LLVMValueRef emit_cast(Walk *w, Ex e)
{
    Elem from = (Elem)e->arg[0]->elem, to = (Elem)e->elem;
    LLVMValueRef v = emit_value(w, e->arg[0]);

    if (from == to)
        return v;
    if (from == ELEM_STRING || to == ELEM_STRING || from == ELEM_C64 || from == ELEM_C128 ||
        to == ELEM_C64 || to == ELEM_C128)
        return emit_failure(w, to, "a cast");
    if (elem_is_float(from) && !elem_is_native(from)) {
        v = decode(w, from, v);
        from = ELEM_F32;
    }
    if (elem_is_float(from))
        return from_float(w, e, v, from, to);
    if (to == ELEM_BOOL)
        return to_bool(w, v, false);
    if (elem_is_int(to))
        return wrap_small(w, cast_int(w, v, unit_type(w->u, to), elem_is_signed(from)), to);
    if (to == ELEM_F32 || to == ELEM_F64)
        return int_to_float(w, e, v, from, unit_type(w->u, to));
    return encode(w, to, f32_odd(w, int_to_float(w, e, v, from, w->u->f64)),
                  e->i != 0 || to == ELEM_F4E2M1);
}

LLVMValueRef emit_bits(Walk *w, Ex e)
{
    LLVMValueRef v = emit_value(w, e->arg[0]);

    if (e->elem == ELEM_BOOL || e->arg[0]->elem == ELEM_BOOL || elem_bits[e->elem] < 8)
        return emit_failure(w, (Elem)e->elem, "a reinterpretation of bits");
    return bits_to(w, v, unit_type(w->u, (Elem)e->elem));
}
