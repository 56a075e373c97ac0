/* The page of a report: well-formed, nothing to fetch or run in it, names of the model escaped wherever
 * they stand, the numbers of the JSON in the order of the JSON, the same bytes every time. */
#include "codegen/emit/report/html.h"

#include "codegen/emit/report/report.h"
#include "codegen/lower/lower.h"

#include <ctype.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define EVIL "</title><script>alert('1' & \\\"2\\\")</script>"

static const TargetDesc machine = {.name = "test", .kind = TARGET_OBJECT, .vector_bits = 256,
                                   .vector_regs = 16, .has_fma = true, .triple = "t", .cpu = "c",
                                   .features = "+f"};

/* A model whose every name is hostile; `dim` is its first dimension. */
static const char *json_of(Ctx *c, const char *dim)
{
    Arena *a = arena_new(c);
    Graph *g;
    Program *p;
    const char *text = arena_printf(
        a,
        "graph \"g\" opset 17 { %s in %%\"" EVIL "\" : f32[%s,4,8,8] const %%w : f32[4,4,3,3] = splat {0x1p-3}"
        " %%\"" EVIL "a\" = Conv(%%\"" EVIL "\", %%w) {pads=[1,1,1,1]} name \"" EVIL "b\""
        " %%s = Softmax(%%\"" EVIL "a\") {axis=1} %%m = ReduceMax(%%s) {keepdims=0}"
        " %%\"out" EVIL "\" = Sub(%%s, %%m) out %%\"out" EVIL "\" }",
        isdigit((unsigned char)*dim) ? "" : "sym batch >= 1", dim);
    assert_int_equal(graph_parse(c, text, "evil", &g), MLC_OK);
    assert_int_equal(graph_infer(g), MLC_OK);
    assert_int_equal(lower_graph(g, &machine, NULL, &p), MLC_OK);
    diag_report(c, W0101, (Loc){.node = "<b>&amp;</b>"}, "value '<i>' is '\"'");
    const char *command[] = {"optimize", "<model>.onnx"};
    ReportPass pass = {"fold", 1234567, 12, 11};
    ReportTarget target = {&machine, p, 4321};
    ReportInfo info = {
        .version = "1", .command = command, .ncommand = 2, .model = "<model>.onnx", .sha256 = "abc",
        .opset = 17, .nodes_before = 12, .nodes_after = 11, .params = 144, .param_bytes = 576,
        .macs = 36864, .model_bytes = 999, .example = "batch=1", .target_names = "test",
        .targets = &target, .ntargets = 1, .prefix = "m", .code_bytes = 4321, .rodata_bytes = -1,
        .artifact_bytes = 123456789, .example_workspace_bytes = 4096, .passes = &pass, .npasses = 1,
    };
    Str s = str_new(a);
    report_emit(p, &info, &s);
    return str_text(&s);
}

static const char *page_of(Ctx *c, const char *json)
{
    Str s = str_new(arena_new(c));
    report_html(json, &s);
    return str_text(&s);
}

/* ---- well-formed ---- */

/* Every element is closed by its own name, in order; no '<' or '&' stands for itself. */
static void check_tags(const char *page)
{
    const char *open[64];
    size_t depth = 0, len;
    assert_true(str_starts(page, "<!DOCTYPE html>\n"));
    for (const char *at = page + strlen("<!DOCTYPE html>"); *at; at++) {
        if (*at == '&')
            assert_non_null(memchr(at, ';', strnlen(at, 8)));
        if (*at != '<')
            continue;
        const char *name = at + 1 + (at[1] == '/'), *end = strchr(at, '>');
        assert_non_null(end);
        assert_true(islower((unsigned char)*name));
        len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
        assert_null(memchr(at + 1, '<', (size_t)(end - at - 1)));
        if (at[1] == '/') {
            assert_true(depth > 0);
            depth--;
            assert_memory_equal(open[depth], name, len);
            assert_false(isalnum((unsigned char)open[depth][len]));
        } else if (end[-1] != '/') {
            assert_true(depth < COUNT_OF(open));
            open[depth++] = name;
        }
        at = end;
    }
    assert_int_equal(depth, 0);
}

static void page_is_well_formed_and_alone(void **state)
{
    static const char *const never[] = {"<script", "http:", "https:", "src=", "href=", "url(", "@import",
                                        "<b>",     "<i>'",  "<model"};
    static const char *const dims[] = {"2", "batch"};
    Ctx *c = *state;
    for (size_t i = 0; i < COUNT_OF(dims); i++) {
        const char *page = page_of(c, json_of(c, dims[i]));
        check_tags(page);
        for (size_t k = 0; k < COUNT_OF(never); k++)
            assert_null(strstr(page, never[k]));
        assert_non_null(strstr(page, "default-src 'none'"));
        assert_non_null(strstr(page, "&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)"));
        assert_non_null(strstr(page, "<td>&lt;b&gt;&amp;amp;&lt;/b&gt;</td>"));
    }
}

/* ---- the same numbers ---- */

static int64_t next_value(const char **at, const char *end)
{
    const char *v = strstr(*at, "<data value=\"");
    assert_true(v && v < end);
    *at = v + 1;
    return strtoll(v + strlen("<data value=\""), NULL, 10);
}

/* The integers of `keys` in every object of the list, in order, are all that the section shows. */
static void check_section(const char *page, const char *title, const json_t *list,
                          const char *const *keys, size_t nkeys)
{
    size_t i;
    const json_t *o;
    const char *at = strstr(page, title);
    assert_non_null(at);
    const char *end = strstr(at + 1, "<h2>");
    end = end ? end : at + strlen(at);
    json_array_foreach (list, i, o) {
        for (size_t k = 0; k < nkeys; k++) {
            const json_t *v = json_object_get(o, keys[k]);
            if (json_is_integer(v))
                assert_int_equal(next_value(&at, end), json_integer_value(v));
        }
    }
    const char *more = strstr(at, "<data ");
    assert_true(!more || more >= end);
}

#define SECTION(page, title, list, ...) \
    check_section(page, title, list, (const char *const[]){__VA_ARGS__}, \
                  COUNT_OF(((const char *const[]){__VA_ARGS__})))

static void numbers_are_those_of_the_json(void **state)
{
    static const char *const dims[] = {"2", "batch"};
    Ctx *c = *state;
    for (size_t i = 0; i < COUNT_OF(dims); i++) {
        const char *json = json_of(c, dims[i]), *page = page_of(c, json);
        json_t *doc = json_loads(json, 0, NULL);
        assert_true(json_array_size(json_object_get(doc, "layers")) >= 3);
        assert_true(json_array_size(json_object_get(doc, "memory")) >= 2);
        SECTION(page, "<h2>Layers</h2>", json_object_get(doc, "layers"), "step", "macs", "bytes");
        SECTION(page, "<h2>Memory</h2>", json_object_get(doc, "memory"), "bytes", "offset", "first",
                "last");
        SECTION(page, "<h2>Passes</h2>", json_object_get(doc, "passes"), "rewrites", "nodes_before",
                "nodes_after");
        SECTION(page, "<h2>Targets</h2>", json_object_get(doc, "targets"), "code", "weights",
                "workspace", "kernels");
        assert_non_null(strstr(page, "<th>artifact</th><td class=\"n\"><data value=\"123456789\">123,456,789</data>"));
        assert_non_null(strstr(page, "<th>read-only data, weights included</th><td class=\"n\">&#8211;</td>"));
        assert_non_null(strstr(page, "<data value=\"1234567\">1,234,567</data>"));
        json_decref(doc);
    }
}

/* Rectangles stay inside the frame, and no two that are alive at once overlap. */
static void timeline_shows_the_plan(void **state)
{
    Ctx *c = *state;
    const char *at = page_of(c, json_of(c, "2"));
    double x[64], y[64], w[64], h[64];
    size_t n = 0;
    at = strstr(at, "<svg");
    assert_non_null(at);
    for (; (at = strstr(at, "<rect x=")) != NULL; at++, n++) {
        assert_true(n < COUNT_OF(x));
        assert_int_equal(sscanf(at, "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"", &x[n], &y[n], &w[n], &h[n]), 4);
        assert_true(x[n] >= 80 && x[n] + w[n] <= 960.01 && y[n] >= -0.01 && y[n] + h[n] <= 320.01);
    }
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            bool apart = x[i] + w[i] <= x[k] + 0.02 || x[k] + w[k] <= x[i] + 0.02 ||
                         y[i] + h[i] <= y[k] + 0.02 || y[k] + h[k] <= y[i] + 0.02;
            assert_true(apart);
        }
}

static void same_report_same_bytes(void **state)
{
    Ctx *c = *state;
    const char *json = json_of(c, "batch");
    assert_string_equal(page_of(c, json), page_of(c, json));
}

static int setup(void **state)
{
    static Ctx c;
    ctx_init(&c);
    *state = &c;
    return 0;
}

static int teardown(void **state)
{
    ctx_free(*state);
    return 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(page_is_well_formed_and_alone),
        T(numbers_are_those_of_the_json),
        T(timeline_shows_the_plan),
        T(same_report_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
