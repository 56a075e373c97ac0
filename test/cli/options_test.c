/* Values of options, and the pieces of text that reports and messages are made from. */
#include "cli/cli.h"
#include "cli/compile.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t size(const char *text)
{
    int64_t v = -1;
    return parse_size(text, &v) ? v : -1;
}

static int64_t time_ns(const char *text)
{
    int64_t v = -1;
    return parse_time(text, &v) ? v : -1;
}

static void sizes(void **state)
{
    (void)state;
    assert_int_equal(size("0"), 0);
    assert_int_equal(size("512K"), 512 << 10);
    assert_int_equal(size("2M"), 2 << 20);
    assert_int_equal(size("30MiB"), 30 << 20);
    assert_int_equal(size("1.5K"), 1536);
    assert_int_equal(size("1kB"), 1000);
    assert_int_equal(size("3G"), (int64_t)3 << 30);
    static const char *const bad[] = {"",     "-1",  "K",        "1X",  "1 K", "0x10",
                                      "1e400", "inf", "99999999999G", "1KK", "nan"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(size(bad[i]), -1);
}

static void times(void **state)
{
    (void)state;
    assert_int_equal(time_ns("5ms"), 5000000);
    assert_int_equal(time_ns("200us"), 200000);
    assert_int_equal(time_ns("0.5s"), 500000000);
    assert_int_equal(time_ns("2"), 2000000000);
    assert_int_equal(time_ns("1min"), (int64_t)60000000000);
    assert_int_equal(time_ns("5parsecs"), -1);
    assert_int_equal(time_ns("-5ms"), -1);
}

static void printable_text(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"/conv/Relu_0", "/conv/Relu_0"},
        {"a\033[31m\r\n", "a\\x1b[31m\\x0d\\x0a"},
        {"gr\xc3\xb6\xc3\x9f" "e \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xb6\xc3\x9f" "e \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xc2\x9b" "31m", "\\xc2\\x9b31m"},          /* a C1 control */
        {"\xc0\xaf", "\\xc0\\xaf"},                    /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           /* a surrogate */
        {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},  /* beyond Unicode */
        {"cut \xe2\x82", "cut \\xe2\\x82"},
        {"\x7f", "\\x7f"},
    };
    Ctx c;
    ctx_init(&c);
    Arena *a = arena_new(&c);
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        assert_string_equal(str_printable_in(a, pairs[i][0]), pairs[i][1]);
    }
    ctx_free(&c);
}

static void identifiers(void **state)
{
    (void)state;
    Ctx c;
    ctx_init(&c);
    Arena *a = arena_new(&c);
    assert_string_equal(identifier_from(a, "resnet50-v1.2"), "resnet50_v1_2");
    assert_string_equal(identifier_from(a, "2nd"), "m_2nd");
    assert_string_equal(identifier_from(a, "_x"), "_x");
    assert_true(is_identifier("a_1"));
    assert_false(is_identifier("1a"));
    assert_false(is_identifier(""));
    assert_false(is_identifier("a-b"));
    ctx_free(&c);
}

/* Every option is reachable and no two of one command share a name or a letter. */
static void tables(void **state)
{
    (void)state;
    for (int i = 0; i < OPT_COUNT; i++) {
        const Option *a = &option_table[i];
        assert_true(a->cmds != 0);
        assert_true((a->kind == OPT_KIND_bool) == (a->arg == NULL));
        for (int k = 0; k < i; k++) {
            const Option *b = &option_table[k];
            if (a->cmds & b->cmds) {
                assert_string_not_equal(a->name, b->name);
                assert_true(!a->sh || a->sh != b->sh);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),       cmocka_unit_test(times),  cmocka_unit_test(printable_text),
        cmocka_unit_test(identifiers), cmocka_unit_test(tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
