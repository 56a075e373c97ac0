/* Element types: every code of every small format, rounding at every tie, packing, ranges. */
#include "ir/base/ctx.h"
#include "ir/expr/tensor.h"
#include "ir/base/arena.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static double value(Elem e, uint64_t code)
{
    return elem_get_f64(e, &code, 0);
}

static uint64_t code(Elem e, double v)
{
    uint64_t c = 0;
    elem_set_f64(e, &c, 0, v);
    return c;
}

static const Elem small_floats[] = {
    ELEM_F16,    ELEM_BF16,       ELEM_F8E4M3FN, ELEM_F8E4M3FNUZ,
    ELEM_F8E5M2, ELEM_F8E5M2FNUZ, ELEM_F4E2M1,   ELEM_F8E8M0,
};

static void every_code_survives(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(small_floats); k++) {
        Elem e = small_floats[k];
        for (uint64_t c = 0; c < 1u << elem_bits[e]; c++) {
            double v = value(e, c);
            if (isnan(v))
                assert_true(isnan(value(e, code(e, v))));
            else if (!isinf(v) || e == ELEM_F16 || e == ELEM_BF16) /* f8e5m2 saturates */
                assert_int_equal(code(e, v), c);
        }
    }
}

/* Between neighbours a < b: the middle goes to the even code, anything nearer to its neighbour. */
static void rounds_to_nearest_even(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(small_floats); k++) {
        Elem e = small_floats[k];
        uint64_t codes = UINT64_C(1) << (elem_bits[e] - (e != ELEM_F8E8M0));
        for (uint64_t c = 0; c + 1 < codes; c++) {
            double a = value(e, c), b = value(e, c + 1);
            if (!isfinite(a) || !isfinite(b))
                continue;
            double middle = (a + b) / 2;
            assert_int_equal(code(e, middle), c % 2 ? c + 1 : c);
            assert_int_equal(code(e, nextafter(middle, a)), c);
            assert_int_equal(code(e, nextafter(middle, b)), c + 1);
        }
    }
}

static void known_values(void **state)
{
    (void)state;
    static const struct {
        Elem e;
        uint64_t code;
        double value;
    } row[] = {
        {ELEM_F16, 0x3c00, 1},         {ELEM_F16, 0x7bff, 65504},
        {ELEM_F16, 1, 0x1p-24},        {ELEM_F16, 0x7c00, INFINITY},
        {ELEM_BF16, 0x3f80, 1},        {ELEM_BF16, 0x7f7f, 0x1.fep127},
        {ELEM_F8E4M3FN, 0x7e, 448},    {ELEM_F8E4M3FN, 1, 0x1p-9},
        {ELEM_F8E4M3FN, 0x80, -0.0},   {ELEM_F8E4M3FNUZ, 0x7f, 240},
        {ELEM_F8E4M3FNUZ, 1, 0x1p-10}, {ELEM_F8E4M3FNUZ, 0x40, 1},
        {ELEM_F8E5M2, 0x7b, 57344},    {ELEM_F8E5M2, 1, 0x1p-16},
        {ELEM_F8E5M2, 0x7c, INFINITY}, {ELEM_F8E5M2FNUZ, 0x7f, 57344},
        {ELEM_F8E5M2FNUZ, 1, 0x1p-17}, {ELEM_F4E2M1, 7, 6},
        {ELEM_F4E2M1, 1, 0.5},         {ELEM_F4E2M1, 0xd, -3},
        {ELEM_F8E8M0, 127, 1},         {ELEM_F8E8M0, 0, 0x1p-127},
        {ELEM_F8E8M0, 254, 0x1p127},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++)
        assert_true(value(row[i].e, row[i].code) == row[i].value);
    assert_true(isnan(value(ELEM_F8E4M3FN, 0x7f)) && isnan(value(ELEM_F8E4M3FNUZ, 0x80)));
    assert_true(isnan(value(ELEM_F8E5M2FNUZ, 0x80)) && isnan(value(ELEM_F8E8M0, 255)));
}

static void overflow_saturates_or_not(void **state)
{
    (void)state;
    static const Elem saturates[] = {ELEM_F8E4M3FN, ELEM_F8E4M3FNUZ, ELEM_F8E5M2, ELEM_F8E5M2FNUZ,
                                     ELEM_F4E2M1};
    static const double largest[] = {448, 240, 57344, 57344, 6};
    for (size_t i = 0; i < COUNT_OF(saturates); i++) {
        assert_true(value(saturates[i], code(saturates[i], 1e30)) == largest[i]);
        assert_true(value(saturates[i], code(saturates[i], -INFINITY)) == -largest[i]);
    }
    assert_int_equal(code(ELEM_F16, 65519.99), 0x7bff);
    assert_int_equal(code(ELEM_F16, 65520), 0x7c00);
    assert_int_equal(code(ELEM_F16, -1e10), 0xfc00);
    assert_int_equal(code(ELEM_F8E4M3FNUZ, -0.0), 0); /* 0x80 would be NaN */
    assert_int_equal(code(ELEM_F8E4M3FNUZ, -0x1p-12), 0);
}

#ifdef __FLT16_MANT_DIG__
static void f16_agrees_with_the_compiler(void **state)
{
    (void)state;
    uint32_t u = 1;
    for (int i = 0; i < 2000000; i++) {
        u = u * 1664525u + 1013904223u;
        float f;
        memcpy(&f, &u, sizeof f);
        if (isnan(f))
            continue;
        _Float16 h = (_Float16)f;
        uint16_t bits;
        memcpy(&bits, &h, sizeof bits);
        assert_int_equal(f32_to_f16(f), bits);
        assert_true(f16_to_f32(bits) == (float)h);
    }
}
#endif

static void bf16_agrees_with_the_table(void **state)
{
    (void)state;
    uint32_t u = 1;
    for (int i = 0; i < 500000; i++) {
        u = u * 1664525u + 1013904223u;
        float f;
        memcpy(&f, &u, sizeof f);
        if (isnan(f))
            assert_true(isnan(bf16_to_f32(f32_to_bf16(f))));
        else
            assert_int_equal(f32_to_bf16(f), code(ELEM_BF16, (double)f));
    }
}

static void packed_integers(void **state)
{
    (void)state;
    uint8_t b[4] = {0};
    for (int i = 0; i < 8; i++)
        elem_set_i64(ELEM_I4, b, (size_t)i, i - 8);
    assert_int_equal(b[0], 0x98); /* low bits first */
    for (int i = 0; i < 8; i++)
        assert_int_equal(elem_get_i64(ELEM_I4, b, (size_t)i), i - 8);
    assert_int_equal(elem_get_i64(ELEM_U4, b, 1), 9);
    for (int i = 0; i < 16; i++)
        elem_set_i64(ELEM_U2, b, (size_t)i, i % 4);
    assert_int_equal(b[3], 0xe4);
    assert_int_equal(elem_get_i64(ELEM_I2, b, 3), -1);
    assert_int_equal(elem_size_bytes(ELEM_U4, 3), 2);
    assert_int_equal(elem_size_bytes(ELEM_I2, 5), 2);
    assert_int_equal(elem_size_bytes(ELEM_C128, 3), 48);
}

static void integers_saturate_and_wrap(void **state)
{
    (void)state;
    int64_t v;
    elem_set_f64(ELEM_I8, memset(&v, 0, 8), 0, 1000);
    assert_int_equal(elem_get_i64(ELEM_I8, &v, 0), 127);
    elem_set_f64(ELEM_I64, &v, 0, -1e30);
    assert_true(v == INT64_MIN);
    elem_set_f64(ELEM_U64, &v, 0, 0x1p63);
    assert_true((uint64_t)v == UINT64_C(1) << 63);
    assert_true(elem_get_f64(ELEM_U64, &v, 0) == 0x1p63);
    elem_set_f64(ELEM_U8, &v, 0, -3);
    assert_int_equal(elem_get_i64(ELEM_U8, &v, 0), 0);
    elem_set_f64(ELEM_I32, &v, 0, NAN);
    assert_int_equal(elem_get_i64(ELEM_I32, &v, 0), 0);
    elem_set_f64(ELEM_I32, &v, 0, 2.5);
    assert_int_equal(elem_get_i64(ELEM_I32, &v, 0), 2);
    elem_set_i64(ELEM_I8, &v, 0, 200);
    assert_int_equal(elem_get_i64(ELEM_I8, &v, 0), -56);
    elem_set_i64(ELEM_F32, &v, 0, (1 << 24) + 1);
    assert_true(elem_get_f64(ELEM_F32, &v, 0) == 1 << 24);
}

static void names_and_numbers(void **state)
{
    (void)state;
    for (int e = 1; e < ELEM_COUNT; e++) {
        assert_int_equal(elem_from_name(elem_name[e]), e);
        assert_int_equal(elem_from_onnx(elem_to_onnx((Elem)e)), e);
    }
    assert_int_equal(elem_from_name("f31"), ELEM_NONE);
    assert_int_equal(elem_from_onnx(99), ELEM_NONE);
    assert_true(elem_is_native(ELEM_F32) && elem_is_native(ELEM_I8) && !elem_is_native(ELEM_F16));
    assert_true(!elem_is_native(ELEM_I4) && !elem_is_int(ELEM_BOOL));
}

static void tensors_compare_by_value(void **state)
{
    (void)state;
    Ctx c;
    ctx_init(&c);
    Arena *a = arena_new(&c);
    Tensor *dense = tensor_new(a, ELEM_F32, 2, (int64_t[]){2, 3});
    for (int i = 0; i < 6; i++)
        ((float *)dense->data)[i] = 1.5f;
    Tensor splat = *dense;
    splat.splat = true;
    assert_true(tensor_equal(dense, &splat) && tensor_equal(&splat, dense));
    assert_true(tensor_hash(dense) == tensor_hash(&splat));
    Tensor *other = tensor_new(a, ELEM_F32, 2, (int64_t[]){2, 3});
    assert_false(tensor_equal(dense, other));
    Tensor *shape = tensor_new(a, ELEM_F32, 2, (int64_t[]){3, 2});
    assert_false(tensor_equal(shape, other));
    assert_true(tensor_get_f64(&splat, 5) == 1.5);
    const char *text[] = {"a", "b"};
    Tensor s = {.elem = ELEM_STRING, .rank = 1, .dim = {2}, .data = text, .fd = -1}, same = s;
    const char *copy[] = {"a", "b"};
    same.data = copy;
    assert_true(tensor_equal(&s, &same) && tensor_hash(&s) == tensor_hash(&same));
    ctx_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_survives),
        cmocka_unit_test(rounds_to_nearest_even),
        cmocka_unit_test(known_values),
        cmocka_unit_test(overflow_saturates_or_not),
#ifdef __FLT16_MANT_DIG__
        cmocka_unit_test(f16_agrees_with_the_compiler),
#endif
        cmocka_unit_test(bf16_agrees_with_the_table),
        cmocka_unit_test(packed_integers),
        cmocka_unit_test(integers_saturate_and_wrap),
        cmocka_unit_test(names_and_numbers),
        cmocka_unit_test(tensors_compare_by_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
