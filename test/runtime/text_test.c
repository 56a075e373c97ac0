/* Functions of the runtime on strings: numbers in all their spellings, cases, pieces, order. */
#include "runtime/text.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char heap_bytes[1 << 16];
static char pool_bytes[4] = "";

static mlc_rt_arg of(void *data, int elem, int64_t n)
{
    return (mlc_rt_arg){data, elem, 1, {n}};
}
static mlc_rt_arg heap(void) { return of(heap_bytes, 2, sizeof heap_bytes); }
static mlc_rt_arg pool(void) { return of(pool_bytes, 2, sizeof pool_bytes); }

static const char *text(uint64_t ref)
{
    mlc_rt_arg p = pool(), h = heap();
    return mlc_rt_text(&p, &h, ref);
}
static uint64_t ref(const char *s) { return (uint64_t)(uintptr_t)s; }

/* ---- numbers ---- */

static const char *printed(void *data, int elem, int as)
{
    static uint64_t y[1];
    mlc_rt_arg arg[4] = {of(y, 8, 1), heap(), of(data, elem, 1), pool()};
    assert_int_equal(mlc_rt_text_of_number(arg, (int64_t[]){0, as}), MLC_RUN_OK);
    return text(y[0]);
}

static void check_f64(double v, const char *want) { assert_string_equal(printed(&v, 11, 11), want); }
static void check_f32(float v, const char *want) { assert_string_equal(printed(&v, 1, 1), want); }
static void check_as(float v, int as, const char *want)
{
    assert_string_equal(printed(&v, 1, as), want);
}

static void test_print(void **state)
{
    (void)state;
    check_f64(0, "0.0");
    check_f64(-0.0, "-0.0");
    check_f64(1, "1.0");
    check_f64(-120, "-120.0");
    check_f64(314.15926, "314.15926");
    check_f64(0.1, "0.1");
    check_f64(1e-4, "0.0001");
    check_f64(1.5e-5, "1.5e-05");
    check_f64(1e15, "1000000000000000.0");
    check_f64(1e16, "1e+16");
    check_f64(123456789012345680.0, "1.2345678901234568e+17");
    check_f64(5e-324, "5e-324");
    check_f64(1.7976931348623157e308, "1.7976931348623157e+308");
    check_f64(9007199254740993.0, "9007199254740992.0");
    check_f64(NAN, "NaN");
    check_f64(-INFINITY, "-INF");
    check_f32(0.1f, "0.1");
    check_f32(0.9767611f, "0.9767611");
    check_f32(16777216, "16777216.0");
    check_f32(3.4028235e38f, "3.4028235e+38");
    check_f32(1e-45f, "1e-45");
    check_as(0.099975586f, 10, "0.1");
    check_as(65504, 10, "65500.0");
    check_as(1, 16, "1.0");
    check_as(0.100097656f, 16, "0.1");
    int64_t least = INT64_MIN;
    uint64_t most = UINT64_MAX;
    int8_t small = -128;
    uint8_t yes = 1;
    assert_string_equal(printed(&least, 7, 7), "-9223372036854775808");
    assert_string_equal(printed(&most, 13, 13), "18446744073709551615");
    assert_string_equal(printed(&small, 3, 3), "-128");
    assert_string_equal(printed(&yes, 9, 9), "True");
}

static int read_as(const char *s, int elem, void *y)
{
    uint64_t x[1] = {ref(s)};
    mlc_rt_arg arg[4] = {of(y, elem, 1), of(x, 8, 1), pool(), heap()};
    return mlc_rt_text_number(arg, (int64_t[]){elem});
}

static void check_read(const char *s, double want)
{
    double y = -1;
    assert_int_equal(read_as(s, 11, &y), MLC_RUN_OK);
    assert_true(y == want || (y != y && want != want));
}

static void test_read(void **state)
{
    (void)state;
    check_read("3.14", 3.14);
    check_read(" -1000 ", -1000);
    check_read("1E8", 1e8);
    check_read("1e-5", 1e-5);
    check_read(".5", 0.5);
    check_read("5.", 5);
    check_read("+INF", INFINITY);
    check_read("-infinity", -INFINITY);
    check_read("nan", NAN);
    check_read("1e999999999999999999", INFINITY);
    check_read("1e-999999999999999999", 0);
    check_read("0e99999", 0);
    check_read("0.000000000000000000000000000000000000001e39", 1);
    static const char *const bad[] = {"", " ", "-", ".", "e5", "1e", "1e+", "0x10", "1,5", "1_0",
                                      "Hello", "1 2", "infinit", "--1", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double y;
        assert_int_equal(read_as(bad[i], 11, &y), MLC_RUN_TEXT);
    }
    /* A tie that only the 800th digit breaks: 1 + 2^-53 rounds to even, anything above it up. */
    char tie[1000] = "1.00000000000000011102230246251565404236316680908203125";
    memset(tie + strlen(tie), '0', 800);
    check_read(tie, 1);
    tie[820] = '1';
    check_read(tie, nextafter(1, 2));
    float f;
    assert_int_equal(read_as("16777217.0000000000000000000001", 1, &f), MLC_RUN_OK);
    assert_true(f == 16777218.0f); /* rounded once */
}

static void test_read_integers(void **state)
{
    (void)state;
    int64_t y;
    uint64_t u;
    assert_int_equal(read_as("-9223372036854775808", 7, &y), MLC_RUN_OK);
    assert_true(y == INT64_MIN);
    assert_int_equal(read_as("9223372036854775807", 7, &y), MLC_RUN_OK);
    assert_true(y == INT64_MAX);
    assert_int_equal(read_as("9223372036854775808", 7, &y), MLC_RUN_TEXT);
    assert_int_equal(read_as("18446744073709551615", 13, &u), MLC_RUN_OK);
    assert_true(u == UINT64_MAX);
    assert_int_equal(read_as("18446744073709551616", 13, &u), MLC_RUN_TEXT);
    assert_int_equal(read_as("-1", 13, &u), MLC_RUN_TEXT);
    assert_int_equal(read_as("000000000000000000000000000012", 7, &y), MLC_RUN_OK);
    assert_true(y == 12);
    assert_int_equal(read_as("100.5", 7, &y), MLC_RUN_OK);
    assert_true(y == 100);
    assert_int_equal(read_as("-1.2e3", 7, &y), MLC_RUN_OK);
    assert_true(y == -1200);
    assert_int_equal(read_as("NaN", 7, &y), MLC_RUN_TEXT);
    assert_int_equal(read_as("1e30", 7, &y), MLC_RUN_TEXT);
}

/* Programs that use a locale get the same strings. */
static void test_locale(void **state)
{
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
        skip();
    test_print(state);
    test_read(state);
    setlocale(LC_NUMERIC, "C");
}

/* Every 2^20th float is read back as it was. */
static void test_round_trip(void **state)
{
    (void)state;
    for (uint64_t bits = 12345; bits < UINT32_MAX; bits += 1 << 20) {
        uint32_t b = (uint32_t)bits;
        float v, back;
        memcpy(&v, &b, sizeof v);
        if (v != v)
            continue;
        assert_int_equal(read_as(printed(&v, 1, 1), 1, &back), MLC_RUN_OK);
        assert_memory_equal(&v, &back, sizeof v);
    }
}

/* ---- strings ---- */

static const char *in_case(const char *s, int upper)
{
    static uint64_t y[1];
    uint64_t x[1] = {ref(s)};
    mlc_rt_arg arg[4] = {of(y, 8, 1), heap(), of(x, 8, 1), pool()};
    assert_int_equal(mlc_rt_text_case(arg, (int64_t[]){0, upper}), MLC_RUN_OK);
    return text(y[0]);
}

static void test_case(void **state)
{
    (void)state;
    assert_string_equal(in_case("Monday 12", 1), "MONDAY 12");
    assert_string_equal(in_case("ÄÖÜ Éñ ΑΩ ДЯё Ž", 0), "äöü éñ αω дяё ž");
    assert_string_equal(in_case("äöü éñ αω дяё ž", 1), "ÄÖÜ ÉÑ ΑΩ ДЯЁ Ž");
    assert_string_equal(in_case("ß ı × ÷ 漢", 1), "ß ı × ÷ 漢");
    assert_string_equal(in_case("\xff\xc3 a\xe2\x82", 1), "\xff\xc3 A\xe2\x82"); /* no UTF-8 */
}

static int64_t split(const char *s, const char *delimiter, int64_t cuts, const char *want)
{
    uint64_t x[1] = {ref(s)}, d[1] = {ref(delimiter)}, y[16];
    int64_t n[1], most[1];
    char got[100] = "";
    mlc_rt_arg count[6] = {of(n, 7, 1), of(most, 7, 1), of(x, 8, 1), of(d, 8, 1), pool(), heap()};
    assert_int_equal(mlc_rt_text_count(count, &cuts), MLC_RUN_OK);
    assert_int_equal(n[0], most[0]);
    mlc_rt_arg arg[5] = {of(y, 8, 16), heap(), of(x, 8, 1), of(d, 8, 1), pool()};
    assert_int_equal(mlc_rt_text_split(arg, (int64_t[]){0, 16, cuts}), MLC_RUN_OK);
    for (int64_t i = 0; i < 16; i++) {
        strcat(got, i && i < n[0] ? "|" : "");
        strcat(got, text(y[i]));
    }
    assert_string_equal(got, want);
    return n[0];
}

static void test_split(void **state)
{
    (void)state;
    assert_int_equal(split("a-b--c-", "-", -1, "a|b||c|"), 5);
    assert_int_equal(split("", "-", -1, ""), 1);
    assert_int_equal(split("  a  b ", "", -1, "a|b"), 2);
    assert_int_equal(split(" \t\n", "", -1, ""), 0);
    assert_int_equal(split("a b  c ", "", 1, "a|b  c "), 2);
    assert_int_equal(split("a::b::c", "::", 1, "a|b::c"), 2);
    assert_int_equal(split("a::b", "::", 0, "a::b"), 1);
}

/* Programs that are not position independent have strings at small addresses. */
static void test_references(void **state)
{
    (void)state;
    mlc_rt_arg p = pool(), h = heap();
    static const uint64_t pointers[] = {0x402000, 0xfffffff8, 0x7fffffffe000, (uint64_t)1 << 55,
                                        (uint64_t)0xb4 << 56 | 0x7f5000, (uint64_t)0x7f << 56 | 8};
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++)
        assert_ptr_equal(mlc_rt_text(&p, &h, pointers[i]), (void *)(uintptr_t)pointers[i]);
    assert_ptr_equal(mlc_rt_text(&p, &h, MLC_RT_TEXT_POOL + 2), pool_bytes + 2);
    assert_ptr_equal(mlc_rt_text(&p, &h, MLC_RT_TEXT_HEAP + 9), heap_bytes + 9);
    assert_string_equal(mlc_rt_text(&p, &h, 0), "");
}

static void test_full_heap(void **state)
{
    (void)state;
    uint64_t x[1] = {ref("abc")}, y[1];
    mlc_rt_arg arg[5] = {of(y, 8, 1), heap(), of(x, 8, 1), of(x, 8, 1), pool()};
    arg[1].dim[0] = 7;
    assert_int_equal(mlc_rt_text_concat(arg, (int64_t[]){0}), MLC_RUN_OK);
    assert_string_equal(text(y[0]), "abcabc");
    assert_int_equal(mlc_rt_text_concat(arg, (int64_t[]){1}), MLC_RUN_MEMORY);
}

static void test_order(void **state)
{
    (void)state;
    uint64_t x[5] = {ref("b"), ref(""), 0, ref("ab"), ref("b")};
    int64_t y[5], room[10];
    mlc_rt_arg rank[5] = {of(y, 7, 5), of(room, 7, 10), of(x, 8, 5), pool(), heap()};
    assert_int_equal(mlc_rt_text_rank(rank, NULL), MLC_RUN_OK);
    assert_memory_equal(y, ((int64_t[]){2, 0, 0, 1, 2}), sizeof y);
    uint64_t table[3] = {ref("a"), ref("ab"), ref("b")};
    mlc_rt_arg find[5] = {of(y, 7, 5), of(x, 8, 5), of(table, 8, 3), pool(), heap()};
    for (int64_t sorted = 0; sorted < 2; sorted++) {
        assert_int_equal(mlc_rt_text_find(find, &sorted), MLC_RUN_OK);
        assert_memory_equal(y, ((int64_t[]){2, -1, -1, 1, 2}), sizeof y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),      cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_integers), cmocka_unit_test(test_locale),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_case),
        cmocka_unit_test(test_split),      cmocka_unit_test(test_full_heap),
        cmocka_unit_test(test_order),      cmocka_unit_test(test_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
