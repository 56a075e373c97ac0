/* Casts. f32 and f64 are the only floats with arithmetic; the others are bits, decoded to f32 and
 * encoded from it with one rounding to nearest even. */
#include "codegen/emit/c/emit.h"

static Text cast_to(Walk *w, const char *type, Text t)
{
    return text_of(w, PREC_UNARY, "(%s)%s", type, within(w, t, PREC_UNARY));
}

static Text apply(Walk *w, const char *fn, Text t)
{
    return text_of(w, PREC_PRIMARY, "%s(%s)", fn, t.s);
}

static Text decode(Walk *w, Elem e, Text t)
{
    if (e == ELEM_F16)
        return apply(w, helper(w->u, "f16_value", ELEM_F16), t);
    if (e == ELEM_BF16)
        return apply(w, helper(w->u, "bf16_value", ELEM_BF16), t);
    return text_of(w, PREC_PRIMARY, "%s[%s]", helper_table(w->u, e), t.s);
}

/* t is a float. */
static Text encode(Walk *w, Elem e, Text t, bool saturates)
{
    if (e == ELEM_BF16)
        return apply(w, helper(w->u, "bf16_code", ELEM_BF16), t);
    if (e == ELEM_F8E8M0)
        return apply(w, helper(w->u, "f8e8m0_code", ELEM_F8E8M0), t);
    return text_of(w, PREC_PRIMARY, "%s(%s, %d)", helper_encode(w->u, e), t.s,
                   saturates && e != ELEM_F16);
}

static Text wrap(Walk *w, Elem to, Text t)
{
    return apply(w, helper(w->u, "wrap", to), t);
}

/* Through 32 bits, or 64 for u32 and wider types. */
static Text float_to_int(Walk *w, Text t, Elem from, Elem to)
{
    bool wide = elem_bits[to] == 64 || to == ELEM_U32;

    if (to == ELEM_U64)
        return apply(w, helper(w->u, "to_u64", from), t);
    t = apply(w, helper(w->u, wide ? "to_i64" : "to_i32", from), t);
    if (is_packed(to))
        return wrap(w, to, t);
    return to == ELEM_I32 || to == ELEM_I64 ? t : cast_to(w, type_value(to), t);
}

static Text from_float(Walk *w, Ex e, Text t, Elem from, Elem to)
{
    if (to == from)
        return t;
    if (to == ELEM_BOOL)
        return text_of(w, PREC_EQUAL, "%s != 0", within(w, t, PREC_ADD));
    if (to == ELEM_F64 || to == ELEM_F32)
        return cast_to(w, type_value(to), t);
    if (elem_is_int(to))
        return float_to_int(w, t, from, to);
    if (from == ELEM_F64)
        t = apply(w, helper(w->u, "to_odd", ELEM_F64), t);
    return encode(w, to, t, e->i != 0 || to == ELEM_F4E2M1);
}

static Text from_int(Walk *w, Ex e, Text t, Elem to)
{
    if (to == ELEM_BOOL)
        return text_of(w, PREC_EQUAL, "%s != 0", within(w, t, PREC_ADD));
    if (is_packed(to) && elem_is_int(to))
        return wrap(w, to, cast_to(w, "int", t));
    if (elem_is_int(to) || to == ELEM_F32 || to == ELEM_F64)
        return cast_to(w, type_value(to), t);
    t = apply(w, helper(w->u, "to_odd", ELEM_F64), cast_to(w, "double", t));
    return encode(w, to, t, e->i != 0 || to == ELEM_F4E2M1);
}

static bool is_known(Elem e)
{
    return type_value(e) != NULL;
}

Text emit_cast(Walk *w, Ex e)
{
    Elem from = (Elem)e->arg[0]->elem, to = (Elem)e->elem;
    Text t = emit_value(w, e->arg[0]);

    if (from == to)
        return t;
    if (!is_known(from) || !is_known(to))
        return emit_failure(w, to, "a cast");
    if (elem_is_float(from) && !elem_is_native(from)) {
        t = decode(w, from, t);
        from = ELEM_F32;
    }
    return elem_is_float(from) ? from_float(w, e, t, from, to) : from_int(w, e, t, to);
}

Text emit_bits(Walk *w, Ex e)
{
    Elem from = (Elem)e->arg[0]->elem, to = (Elem)e->elem;
    bool is_float = from == ELEM_F32 || from == ELEM_F64 || to == ELEM_F32 || to == ELEM_F64;
    Text t;

    if (to == ELEM_BOOL || from == ELEM_BOOL || elem_bits[to] < 8 || !is_known(from) ||
        !is_known(to))
        return emit_failure(w, to, "a reinterpretation of bits");
    t = emit_value(w, e->arg[0]);
    if (from == to)
        return t;
    return is_float ? apply(w, helper_bits(w->u, from, to), t) : cast_to(w, type_value(to), t);
}
