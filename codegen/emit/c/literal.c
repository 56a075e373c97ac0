/* Types and constants of C. Floats are hex floats, so that they are exact; small whole numbers are
 * written as people write them. */
#include "codegen/emit/c/emit.h"

#include <math.h>

enum { PLAIN_MOST = 1 << 20 }; /* whole numbers up to it are decimal */

static const char *const memory_type[ELEM_COUNT] = {
#define X(id, text, onnx, bits, cls, ctype) [ELEM_##id] = #ctype,
#include "ir/expr/elem.def"
#undef X
};

const char *type_memory(Elem e)
{
    bool has_none = e == ELEM_STRING || e == ELEM_C64 || e == ELEM_C128;

    return has_none ? NULL : memory_type[e];
}

const char *type_value(Elem e)
{
    switch (e) {
    case ELEM_BOOL:
        return "int";
    case ELEM_I4:
    case ELEM_I2:
        return "int8_t";
    default:
        return type_memory(e);
    }
}

const char *literal_int(Arena *a, Elem e, int64_t v)
{
    if (e == ELEM_U64)
        return arena_printf(a, "UINT64_C(%llu)", (unsigned long long)v);
    if (e == ELEM_U32)
        return arena_printf(a, "%lluu", (unsigned long long)(uint32_t)v);
    if (v == INT64_MIN)
        return "INT64_MIN";
    if (v == INT32_MIN)
        return e == ELEM_I64 ? "(int64_t)INT32_MIN" : "INT32_MIN";
    if (v > INT32_MAX || v < INT32_MIN)
        return arena_printf(a, v < 0 ? "-INT64_C(%lld)" : "INT64_C(%lld)",
                            v < 0 ? -(long long)v : (long long)v);
    return arena_printf(a, "%lld", (long long)v);
}

/* The bits of an encoded float. */
static const char *literal_code(Arena *a, Elem e, double v)
{
    uint64_t bits = 0;

    elem_set_f64(e, &bits, 0, v);
    return arena_printf(a, "0x%0*llx", elem_bits[e] / 4, (unsigned long long)bits);
}

const char *literal_float(Arena *a, Elem e, double v, bool *is_math)
{
    const char *suffix = e == ELEM_F32 ? "f" : "", *wide = e == ELEM_F64 ? "(double)" : "";

    if (e != ELEM_F32 && e != ELEM_F64)
        return literal_code(a, e, v);
    if (v != v || isinf(v)) {
        *is_math = true;
        return v != v  ? arena_printf(a, "%sNAN", wide)
               : v < 0 ? arena_printf(a, "-%sINFINITY", wide)
                       : arena_printf(a, "%sINFINITY", wide);
    }
    if (v == floor(v) && fabs(v) <= PLAIN_MOST)
        return arena_printf(a, "%.1f%s", v, suffix);
    return arena_printf(a, "%a%s", v, suffix);
}

bool is_negative_text(const char *s)
{
    return *s == '-';
}
