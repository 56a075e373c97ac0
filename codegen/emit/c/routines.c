/* Small functions that kernels call, written to the file when first used, each after those that it
 * uses itself. They are the meaning of scalar.def where C's operators mean less: integers that
 * wrap, division that cannot trap, NaN-propagating min and max, conversions that are defined
 * everywhere.
 *
 * In the texts: @ prefix, $E element, $T its value type, $U the unsigned type that computes, $F the
 * suffix of float constants and functions, $W width in bits; !name! a helper of the same element.
 */
#include "codegen/emit/c/emit.h"

typedef enum Class { ANY, SIGNED, UNSIGNED, FLOAT } Class;

typedef struct Helper {
    const char *name;
    Class class;
    const char *text;
} Helper;

static const Helper table[] = {
    {"add", ANY, "$T @($T a, $T b)\n{\n    return ($T)(($U)a + ($U)b);\n}\n"},
    {"sub", ANY, "$T @($T a, $T b)\n{\n    return ($T)(($U)a - ($U)b);\n}\n"},
    {"mul", ANY, "$T @($T a, $T b)\n{\n    return ($T)(($U)a * ($U)b);\n}\n"},
    {"neg", ANY, "$T @($T a)\n{\n    return ($T)(($U)0 - ($U)a);\n}\n"},
    {"not", ANY, "$T @($T a)\n{\n    return ($T)~($U)a;\n}\n"},
    {"abs", SIGNED, "$T @($T a)\n{\n    return a < 0 ? ($T)(($U)0 - ($U)a) : a;\n}\n"},
    {"abs", UNSIGNED, "$T @($T a)\n{\n    return a;\n}\n"},
    {"fma", ANY, "$T @($T a, $T b, $T c)\n{\n    return ($T)(($U)a * ($U)b + ($U)c);\n}\n"},
    {"div", SIGNED,
     "$T @($T a, $T b)\n{\n"
     "    return b == 0 ? 0 : b == -1 ? ($T)(($U)0 - ($U)a) : ($T)(a / b);\n}\n"},
    {"div", UNSIGNED, "$T @($T a, $T b)\n{\n    return b == 0 ? ($T)0 : ($T)(a / b);\n}\n"},
    {"rem", SIGNED, "$T @($T a, $T b)\n{\n    return b == 0 || b == -1 ? 0 : ($T)(a % b);\n}\n"},
    {"rem", UNSIGNED, "$T @($T a, $T b)\n{\n    return b == 0 ? ($T)0 : ($T)(a % b);\n}\n"},
    {"floor_div", SIGNED,
     "$T @($T a, $T b)\n{\n"
     "    $T q = !div!(a, b), r = !rem!(a, b);\n"
     "    return r != 0 && (r < 0) != (b < 0) ? ($T)(q - 1) : q;\n}\n"},
    {"floor_div", UNSIGNED, "$T @($T a, $T b)\n{\n    return !div!(a, b);\n}\n"},
    {"floor_div", FLOAT, "$T @($T a, $T b)\n{\n    return floor$F(a / b);\n}\n"},
    {"floor_mod", SIGNED,
     "$T @($T a, $T b)\n{\n"
     "    $T r = !rem!(a, b);\n"
     "    return r != 0 && (r < 0) != (b < 0) ? ($T)(r + b) : r;\n}\n"},
    {"floor_mod", UNSIGNED, "$T @($T a, $T b)\n{\n    return !rem!(a, b);\n}\n"},
    {"floor_mod", FLOAT,
     "$T @($T a, $T b)\n{\n"
     "    $T r = fmod$F(a, b);\n"
     "    return r != 0 && (r < 0) != (b < 0) ? r + b : r;\n}\n"},
    {"min", FLOAT, "$T @($T a, $T b)\n{\n    return a != a ? a : b != b ? b : a < b ? a : b;\n}\n"},
    {"max", FLOAT, "$T @($T a, $T b)\n{\n    return a != a ? a : b != b ? b : a > b ? a : b;\n}\n"},
    {"min", ANY, "$T @($T a, $T b)\n{\n    return a < b ? a : b;\n}\n"},
    {"max", ANY, "$T @($T a, $T b)\n{\n    return a > b ? a : b;\n}\n"},
    {"shl", ANY, "$T @($T a, $T n)\n{\n    return ($T)(($U)a << (($U)n & ($W - 1)));\n}\n"},
    {"shr", ANY, "$T @($T a, $T n)\n{\n    return ($T)(a >> (($U)n & ($W - 1)));\n}\n"},
    /* Float to integer: what does not fit gives the smallest integer of 32 or 64 bits. */
    {"to_i32", FLOAT,
     "int32_t @($T x)\n{\n"
     "    return x >= -2147483648.0$F && x < 2147483648.0$F ? (int32_t)x : INT32_MIN;\n}\n"},
    {"to_i64", FLOAT,
     "int64_t @($T x)\n{\n"
     "    return x >= -0x1p63$F && x < 0x1p63$F ? (int64_t)x : INT64_MIN;\n}\n"},
    {"to_u64", FLOAT,
     "uint64_t @($T x)\n{\n"
     "    return x >= 0x1p63$F && x < 0x1p64$F ? (uint64_t)x : (uint64_t)!to_i64!(x);\n}\n"},
    /* double to float, rounded to odd: a second rounding to fewer bits is then the only one. */
    {"to_odd", FLOAT,
     "float @($T x)\n{\n"
     "    float f = (float)x;\n"
     "    uint32_t u;\n"
     "    memcpy(&u, &f, sizeof u);\n"
     "    if ((double)f != x && x == x) {\n"
     "        if (fabs((double)f) > fabs(x))\n"
     "            u--;\n"
     "        u |= 1;\n"
     "    }\n"
     "    memcpy(&f, &u, sizeof f);\n"
     "    return f;\n}\n"},
    /* Packed elements: $W bits each, low bits first. */
    {"load", SIGNED,
     "int8_t @(const uint8_t *p, int64_t i)\n{\n"
     "    unsigned v = p[i / (8 / $W)] >> ($W * (unsigned)(i % (8 / $W)));\n"
     "    return (int8_t)((int)((v & ((1u << $W) - 1)) ^ (1u << ($W - 1))) - (1 << ($W - "
     "1)));\n}\n"},
    {"load", ANY,
     "uint8_t @(const uint8_t *p, int64_t i)\n{\n"
     "    unsigned v = p[i / (8 / $W)] >> ($W * (unsigned)(i % (8 / $W)));\n"
     "    return (uint8_t)(v & ((1u << $W) - 1));\n}\n"},
    {"store", ANY,
     "void @(uint8_t *p, int64_t i, int v)\n{\n"
     "    unsigned shift = $W * (unsigned)(i % (8 / $W)), mask = ((1u << $W) - 1) << shift;\n"
     "    uint8_t *at = p + i / (8 / $W);\n"
     "    *at = (uint8_t)((*at & ~mask) | (((unsigned)v << shift) & mask));\n}\n"},
    {"wrap", SIGNED,
     "int8_t @(int v)\n{\n"
     "    return (int8_t)((int)(((unsigned)v & ((1u << $W) - 1)) ^ (1u << ($W - 1))) - "
     "(1 << ($W - 1)));\n}\n"},
    {"wrap", ANY,
     "uint8_t @(int v)\n{\n    return (uint8_t)((unsigned)v & ((1u << $W) - 1));\n}\n"},
    /* Storage floats. */
    {"f16_value", ANY,
     "float @(uint16_t h)\n{\n"
     "    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, man = h & 1023;\n"
     "    uint32_t u = exp == 31 ? 0x7f800000u | man << 13 : (exp + 112) << 23 | man << 13;\n"
     "    float f = (float)man * 0x1p-24f;\n"
     "    if (exp == 0)\n"
     "        memcpy(&u, &f, sizeof u);\n"
     "    u |= sign;\n"
     "    memcpy(&f, &u, sizeof f);\n"
     "    return f;\n}\n"},
    {"bf16_value", ANY,
     "float @(uint16_t h)\n{\n"
     "    uint32_t u = (uint32_t)h << 16;\n"
     "    float f;\n"
     "    memcpy(&f, &u, sizeof f);\n"
     "    return f;\n}\n"},
    {"bf16_code", ANY,
     "uint16_t @(float x)\n{\n"
     "    uint32_t u;\n"
     "    memcpy(&u, &x, sizeof u);\n"
     "    if (x != x)\n"
     "        return (uint16_t)(u >> 16 | 0x40);\n"
     "    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);\n}\n"},
    {"f8e8m0_code", ANY,
     "uint8_t @(float x)\n{\n"
     "    uint32_t u, code, man;\n"
     "    memcpy(&u, &x, sizeof u);\n"
     "    code = u >> 23 & 255;\n"
     "    man = u & 0x7fffff;\n"
     "    if (x != x)\n"
     "        return 255;\n"
     "    if (x <= 0x1p-127f)\n"
     "        return 0;\n"
     "    if (code == 0) /* between 2^-127 and 2^-126 */\n"
     "        man = (man & 0x3fffff) << 1;\n"
     "    code += man > 0x400000 || (man == 0x400000 && (code & 1));\n"
     "    return (uint8_t)(code > 254 ? 254 : code);\n}\n"},
    /* Sizes out of symbols: *bad is set when a result does not fit. */
    {"size_add", ANY,
     "int64_t @(int64_t a, int64_t b, int *bad)\n{\n"
     "    if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b) {\n"
     "        *bad = 1;\n"
     "        return 0;\n"
     "    }\n"
     "    return a + b;\n}\n"},
    {"size_mul", ANY,
     "int64_t @(int64_t a, int64_t b, int *bad)\n{\n"
     "    if (a == 0 || b == 0)\n"
     "        return 0;\n"
     "    if (a > 0 ? (b > 0 ? a > INT64_MAX / b : b < INT64_MIN / a)\n"
     "              : (b > 0 ? a < INT64_MIN / b : a < INT64_MAX / b)) {\n"
     "        *bad = 1;\n"
     "        return 0;\n"
     "    }\n"
     "    return a * b;\n}\n"},
    /* Divisors of sizes are positive; 1 stands in for what is not. */
    {"size_div", ANY,
     "int64_t @(int64_t a, int64_t b)\n{\n"
     "    b = b > 0 ? b : 1;\n"
     "    return a / b - (a % b < 0);\n}\n"},
    {"size_mod", ANY,
     "int64_t @(int64_t a, int64_t b)\n{\n"
     "    b = b > 0 ? b : 1;\n"
     "    return a % b < 0 ? a % b + b : a % b;\n}\n"},
};

static Class class_of(Elem e)
{
    return elem_is_float(e) ? FLOAT : elem_is_signed(e) ? SIGNED : UNSIGNED;
}

static const Helper *find(const char *name, Elem e)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (str_eq(table[i].name, name) && (table[i].class == ANY || table[i].class == class_of(e)))
            return &table[i];
    assert(!"no such helper");
    return NULL;
}

static const char *unsigned_type(Elem e)
{
    return elem_bits[e] == 64 ? "uint64_t" : "uint32_t";
}

/* Helpers that `text` calls, so that they come first. */
static void add_needed(Unit *u, const char *text, Elem e)
{
    const char *end;

    for (const char *at = strchr(text, '!'); at != NULL; at = strchr(end + 1, '!')) {
        end = strchr(at + 1, '!');
        if (at[1] == '=') {
            end = at;
            continue;
        }
        helper(u, arena_strndup(u->arena, at + 1, (size_t)(end - at - 1)), e);
    }
}

static void expand(Unit *u, Str *s, const char *text, const char *own, Elem e)
{
    const char *end;

    for (; *text; text++) {
        if (*text == '@') {
            str_add(s, own);
        } else if (*text == '!' && text[1] != '=') {
            end = strchr(text + 1, '!');
            str_add(s, helper(u, arena_strndup(u->arena, text + 1, (size_t)(end - text - 1)), e));
            text = end;
        } else if (*text == '$') {
            switch (*++text) {
            case 'T':
                str_add(s, type_value(e));
                break;
            case 'U':
                str_add(s, unsigned_type(e));
                break;
            case 'F':
                str_add(s, e == ELEM_F32 ? "f" : "");
                break;
            default:
                str_printf(s, "%d", elem_bits[e]);
                break;
            }
        } else {
            str_addc(s, *text);
        }
    }
}

static bool is_of_one_type(const char *name)
{
    return str_starts(name, "size_") || strstr(name, "_value") || strstr(name, "_code");
}

const char *helper(Unit *u, const char *name, Elem e)
{
    bool plain = is_of_one_type(name);
    const char *suffix = plain ? name : arena_printf(u->arena, "%s_%s", name, elem_name[e]);
    const char *own = map_get(&u->helper_names, suffix);
    const Helper *h;

    if (own != NULL)
        return own;
    h = find(name, e);
    add_needed(u, h->text, e);
    own = unit_name(u, suffix);
    map_set(&u->helper_names, suffix, (void *)(uintptr_t)own);
    str_add(&u->helpers, "static ");
    expand(u, &u->helpers, h->text, own, e);
    str_addc(&u->helpers, '\n');
    u->uses_math = u->uses_math || strstr(h->text, "floor$F") || strstr(h->text, "fmod$F") ||
                   strstr(h->text, "fabs(");
    return own;
}

const char *helper_bits(Unit *u, Elem from, Elem to)
{
    const char *suffix = arena_printf(u->arena, "%s_bits_of_%s", elem_name[to], elem_name[from]);
    const char *own = map_get(&u->helper_names, suffix);

    if (own != NULL)
        return own;
    own = unit_name(u, suffix);
    map_set(&u->helper_names, suffix, (void *)(uintptr_t)own);
    str_printf(
        &u->helpers,
        "static %s %s(%s x)\n{\n    %s y;\n    memcpy(&y, &x, sizeof y);\n    return y;\n}\n\n",
        type_value(to), own, type_value(from), type_value(to));
    return own;
}

const char *helper_table(Unit *u, Elem e)
{
    const char *suffix = arena_printf(u->arena, "%s_value", elem_name[e]);
    const char *own = map_get(&u->helper_names, suffix);
    int n = 1 << elem_bits[e];

    if (own != NULL)
        return own;
    own = unit_name(u, suffix);
    map_set(&u->helper_names, suffix, (void *)(uintptr_t)own);
    str_printf(&u->helpers, "static const float %s[%d] = {", own, n);
    for (int i = 0; i < n; i++) {
        uint8_t code = (uint8_t)i;

        str_add(&u->helpers, i % 8 == 0 ? "\n    " : " ");
        str_printf(&u->helpers, "%s,",
                   literal_float(u->arena, ELEM_F32, elem_get_f64(e, &code, 0), &u->uses_math));
    }
    str_add(&u->helpers, "\n};\n\n");
    return own;
}

/* ---- f32 -> f16, float8, float4 ---- */

typedef struct Format {
    int exp_bits, man_bits, bias;
    int largest;  /* code of the largest finite magnitude */
    int overflow; /* what comes beyond it, without saturation */
    int nan;
    bool has_negative_zero;
} Format;

static Format format_of(Elem e)
{
    switch (e) {
    case ELEM_F8E4M3FN:
        return (Format){4, 3, 7, 0x7e, 0x7f, 0x7f, true};
    case ELEM_F8E4M3FNUZ:
        return (Format){4, 3, 8, 0x7f, 0x80, 0x80, false};
    case ELEM_F8E5M2:
        return (Format){5, 2, 15, 0x7b, 0x7c, 0x7e, true};
    case ELEM_F8E5M2FNUZ:
        return (Format){5, 2, 16, 0x7f, 0x80, 0x80, false};
    case ELEM_F4E2M1:
        return (Format){2, 1, 1, 7, 7, 8, true}; /* NaN becomes -0, as in elem.c */
    default:
        return (Format){5, 10, 15, 0x7bff, 0x7c00, 0x7e00, true};
    }
}

/* Round to nearest even by integer addition: normal numbers drop low mantissa bits; small ones are
 * added to a float whose unit in the last place is the format's smallest step. Codes without sign
 * are ordered as their values, so a carry moves to the next exponent by itself. */
const char *helper_encode(Unit *u, Elem e)
{
    const char *suffix = arena_printf(u->arena, "%s_code", elem_name[e]);
    const char *own = map_get(&u->helper_names, suffix), *type = type_memory(e);
    Format f = format_of(e);
    int drop = 23 - f.man_bits, least = 1 - f.bias, step = least - f.man_bits + 23;
    Str *s = &u->helpers;

    if (own != NULL)
        return own;
    own = unit_name(u, suffix);
    map_set(&u->helper_names, suffix, (void *)(uintptr_t)own);
    str_printf(s, "static %s %s(float x, int saturate)\n{\n", type, own);
    str_printf(s,
               "    const float magic = 0x1p%df;\n"
               "    uint32_t u, a, m, code, sign, beyond = saturate ? 0x%xu : 0x%xu;\n"
               "    float f;\n"
               "    memcpy(&u, &x, sizeof u);\n"
               "    a = u & 0x7fffffff;\n"
               "    if (a > 0x7f800000)\n        return 0x%x;\n",
               step, (unsigned)f.largest, (unsigned)f.overflow, (unsigned)f.nan);
    str_printf(s,
               "    if (a >= 0x%xu) {\n"
               "        code = ((a + (a >> %d & 1) + 0x%xu) >> %d) - 0x%xu;\n"
               "    } else {\n"
               "        memcpy(&f, &a, sizeof f);\n"
               "        f += magic;\n"
               "        memcpy(&m, &magic, sizeof m);\n"
               "        memcpy(&code, &f, sizeof code);\n"
               "        code -= m;\n"
               "    }\n"
               "    if (code > 0x%xu || a == 0x7f800000)\n        code = beyond;\n"
               "    sign = u >> 31 << %d;\n",
               (unsigned)(least + 127) << 23, drop, (1u << (drop - 1)) - 1, drop,
               (unsigned)(127 - f.bias) << f.man_bits, (unsigned)f.largest,
               f.exp_bits + f.man_bits);
    if (!f.has_negative_zero)
        str_printf(s, "    if (code == 0 || code == 0x%xu)\n        sign = 0;\n", (unsigned)f.nan);
    str_printf(s, "    return (%s)(sign | code);\n}\n\n", type);
    return own;
}
