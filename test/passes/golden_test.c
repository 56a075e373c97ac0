/* Golden tests of passes. Every test/passes/NAME.mlc holds
 *
 *     # what it shows
 *     # passes: fold,dead-code        or  # pipeline: 2  for all passes of a level
 *     graph ... { ... }               the input
 *     ---
 *     graph ... { ... }               the text expected after the passes
 *
 * For each: the text after the passes is exact, it parses back and prints the same, the verifier is
 * content after every pass, and the interpreter computes the same outputs before and after.
 * MLC_UPDATE=1 writes the text that came out into the file instead. */
#include "ir/base/ctx.h"
#include "ir/base/file.h"
#include "ir/base/str.h"
#include "passes/pass.h"
#include "test/passes/eval.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char *const folder = "test/passes";

typedef struct Case {
    const char *input;   /* everything before --- */
    const char *want;    /* everything after it */
    PipelineOptions options;
} Case;

static void show_diags(const Ctx *c)
{
    for (const Diag *d = c->diags.first; d; d = d->next)
        fprintf(stderr, "  %s: %s: %s\n", diag_code_name[d->code], d->loc.node ? d->loc.node : "",
                d->message);
}

static const char *directive(Arena *a, const char *text, const char *key)
{
    const char *at = strstr(text, key);
    if (!at)
        return NULL;
    at += strlen(key);
    at += strspn(at, " ");
    return arena_strndup(a, at, strcspn(at, "\n"));
}

static bool read_case(Ctx *c, Arena *a, const char *path, Case *out)
{
    FileMap m;
    if (file_map(c, path, &m) != MLC_OK)
        return false;
    const char *text = arena_strndup(a, (const char *)m.data, m.size);
    file_unmap(&m);
    const char *line = strstr(text, "\n---\n");
    out->input = line ? arena_strndup(a, text, (size_t)(line + 1 - text)) : text;
    out->want = line ? line + 5 : "";
    const char *only = directive(a, out->input, "# passes:");
    const char *level = directive(a, out->input, "# pipeline:");
    out->options = (PipelineOptions){.level = level ? atoi(level) : 2, .only = only};
    return only || level;
}

static Graph *parse(Ctx *c, const char *text, const char *path)
{
    Graph *g = NULL;
    if (graph_parse(c, text, path, &g) == MLC_OK && graph_infer(g) == MLC_OK)
        return g;
    show_diags(c);
    return NULL;
}

static const char *print(Graph *g)
{
    Str s = str_new(g->arena);
    graph_print(&s, g);
    return str_text(&s);
}

static bool is_close(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    if (a == 0 && b == 0)
        return signbit(a) == signbit(b);
    return a == b || fabs(a - b) <= 1e-6 * (1 + fabs(a));
}

static bool same_results(Graph *before, Graph *after, const char *path)
{
    double *x, *y;
    int64_t nx, ny;
    if (!eval_can(before) || !eval_can(after))
        return true;
    Status sx = eval_graph(before, &x, &nx), sy = eval_graph(after, &y, &ny);
    if (sx == MLC_NO && sy == MLC_NO)
        return true;
    if (sx != MLC_OK || sy != MLC_OK || nx != ny) {
        fprintf(stderr, "%s: runs end with %d and %d, %lld and %lld results\n", path, sx, sy,
                (long long)nx, (long long)ny);
        return false;
    }
    for (int64_t i = 0; i < nx; i++) {
        if (!is_close(x[i], y[i])) {
            fprintf(stderr, "%s: result %lld is %.17g before and %.17g after\n", path,
                    (long long)i, x[i], y[i]);
            return false;
        }
    }
    return true;
}

static bool update(Ctx *c, const char *path, const Case *k, const char *have)
{
    Str s = str_new(arena_new(c));
    str_printf(&s, "%s---\n%s", k->input, have);
    return file_write(c, path, str_text(&s), s.len) == MLC_OK;
}

static bool run_case(Ctx *c, const char *path)
{
    Case k;
    if (!read_case(c, arena_new(c), path, &k))
        return false;
    Graph *g = parse(c, k.input, path), *before = parse(c, k.input, path);
    if (!g || !before)
        return false;
    if (pipeline_run(g, &k.options, NULL) != MLC_OK || graph_verify(g) != MLC_OK) {
        show_diags(c);
        return false;
    }
    const char *have = print(g);
    if (getenv("MLC_UPDATE"))
        return update(c, path, &k, have);
    if (!str_eq(have, k.want)) {
        fprintf(stderr, "%s: expected\n%s\nis\n%s\n", path, k.want, have);
        return false;
    }
    Graph *again = NULL;
    if (graph_parse(c, have, path, &again) != MLC_OK || !str_eq(print(again), have)) {
        fprintf(stderr, "%s: the text after the passes does not survive parsing\n", path);
        return false;
    }
    return same_results(before, g, path);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_case(const struct dirent *d)
{
    return str_ends(d->d_name, ".mlc");
}

static void golden(void **state)
{
    (void)state;
    struct dirent **list;
    int n = scandir(folder, &list, is_case, by_name), failed = 0;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        Ctx c;
        ctx_init(&c);
        c.verify_each = true;
        char path[512];
        snprintf(path, sizeof path, "%s/%.255s", folder, list[i]->d_name);
        if (!run_case(&c, path)) {
            fprintf(stderr, "FAIL %s\n", path);
            show_diags(&c);
            failed++;
        }
        free(list[i]);
        ctx_free(&c);
    }
    free(list);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(golden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
