/* mlc bisect: the first rewrite of the pipeline after which a test fails.
 *
 * The rewrites of a compilation have numbers, and -X rewrite-limit=N refuses those after the N-th.
 * Invariant: the test passes with `good` rewrites and fails with `bad`; the interval is halved until
 * bad = good + 1. What rewrite number `bad` did is then seen by comparing the two graphs. */
#include "cli/cli.h"
#include "cli/compile.h"
#include "cli/process.h"
#include "cli/test_command.h"

#include <jansson.h>
#include <unistd.h>

typedef struct Bisection {
    Cli        *cli;
    const char *model;
    const char *words;  /* the options that were given, quoted: " '-t' 'host'" */
    const char *plain;  /* the same without quotes */
    int64_t     total;
    int         tests;
} Bisection;

/* The options of a compilation that were given, for the test command. */
static void collect_options(Bisection *b)
{
    static const OptionId passed[] = {OPT_target, OPT_level, OPT_threads, OPT_strict, OPT_precision,
                                      OPT_shape,  OPT_dim,   OPT_custom_op, OPT_x};
    Cli *cli = b->cli;
    Str words = str_new(cli->arena), plain = str_new(cli->arena);
    for (size_t i = 0; i < COUNT_OF(passed); i++) {
        const OptionValue *v = &cli->opt[passed[i]];
        const Option      *row = &option_table[passed[i]];
        int                n = !v->given ? 0 : row->kind == OPT_KIND_list ? v->nlist : 1;
        for (int k = 0; k < n; k++) {
            const char *value = row->kind == OPT_KIND_list ? v->list[k] : v->text;
            const char *word = row->kind == OPT_KIND_bool
                                   ? arena_printf(cli->arena, "--%s%s", v->flag ? "" : "no-",
                                                  row->name)
                               : option_is_named(row) ? arena_printf(cli->arena, "--%s=%s", row->name, value)
                                              : arena_printf(cli->arena, "-%s%s", row->name, value);
            str_printf(&words, " %s", shell_quoted(cli->arena, word));
            str_printf(&plain, "%s ", word);
        }
    }
    b->words = str_text(&words);
    b->plain = str_text(&plain);
}

/* Runs the passes with at most `limit` rewrites (-1: all). The graph is the caller's to free. */
static Status passes_with(Bisection *b, int64_t limit, Graph **g, PipelineReport *report)
{
    CompileOptions o;
    Ctx           *c = b->cli->ctx;
    TRY(compile_options(b->cli, NULL, &o));
    c->rewrite_limit = limit;
    Status s = compile_load(c, b->model, &o, g);
    if (s == MLC_OK)
        s = compile_passes(*g, &o, report);
    c->rewrite_limit = -1;
    return s;
}

/* Does the test fail with the first n rewrites? */
static Status test(Bisection *b, int64_t n, bool *fails)
{
    Arena      *a = b->cli->arena;
    const char *limit = arena_printf(a, "-Xrewrite-limit=%lld", (long long)n);
    int         code;
    progress(b->cli, "testing with %lld of %lld rewrites", (long long)n, (long long)b->total);
    TRY(test_command_run(b->cli,
                         arena_printf(a, "%s%s %s", shell_quoted(a, b->model), b->words, limit),
                         b->model, arena_printf(a, "%s%s", b->plain, limit), &code));
    b->tests++;
    if (code == TEST_UNDECIDED)
        return diag_error(b->cli->ctx, E0603, (Loc){0}, MLC_NO,
                          "the test cannot say (exit %d) with the first %lld rewrites", code,
                          (long long)n);
    *fails = code != 0;
    talk_more(b->cli, "  %lld rewrites: %s\n", (long long)n,
              code ? arena_printf(a, "fails (%s)", test_code_text(a, code)) : "passes");
    return MLC_OK;
}

/* ---- what a rewrite did ---- */

static bool same_node(const Node *a, const Node *b)
{
    if (a->op != b->op || a->nin != b->nin || a->nout != b->nout || !str_eq(a->name, b->name))
        return false;
    for (int i = 0; i < a->nin; i++)
        if (!a->in[i] != !b->in[i] || (a->in[i] && !str_eq(a->in[i]->name, b->in[i]->name)))
            return false;
    return true;
}

static bool has_node(const Graph *g, const Node *n)
{
    for (const Node *m = g->first; m; m = m->next)
        if (same_node(m, n))
            return true;
    return false;
}

/* The user's nodes behind those of `g` that `other` does not have, once each; and what they do:
 * "MatMul + Add". */
static void changed_nodes(const Graph *g, const Graph *other, json_t *origins, Str *what)
{
    for (const Node *n = g->first; n; n = n->next) {
        if (has_node(other, n))
            continue;
        str_printf(what, "%s%s", what->len ? " + " : "", n->op->name);
        for (int i = 0; i < n->norigin; i++) {
            const char *name = str_printable_in(what->arena, n->origin[i]);
            bool   known = false;
            size_t k;
            json_t *o;
            json_array_foreach(origins, k, o)
                known |= str_eq(json_string_value(o), name);
            if (!known)
                json_array_append_new(origins, json_string(name));
        }
    }
}

static const char *joined(Arena *a, const json_t *names)
{
    enum { SHOWN = 8 };
    Str    s = str_new(a);
    size_t k;
    json_t *o;
    json_array_foreach(names, k, o)
    {
        if (k < SHOWN)
            str_printf(&s, "%s'%s'", k ? ", " : "", json_string_value(o));
    }
    if (json_array_size(names) > SHOWN)
        str_printf(&s, " and %zu more", json_array_size(names) - SHOWN);
    return str_text(&s);
}

static void say(Bisection *b, int64_t n, const char *pass, const json_t *nodes, const char *from,
                const char *to)
{
    Cli *cli = b->cli;
    if (opt_flag(cli, OPT_json)) {
        json_t *o = json_pack("{s:s, s:I, s:I, s:s, s:O, s:s, s:s, s:i}", "schema", "mlc-bisect/1",
                              "rewrite", (json_int_t)n, "rewrites", (json_int_t)b->total, "pass",
                              pass, "nodes", nodes, "before", from, "after", to, "tests", b->tests);
        out_json(o, JSON_COMPACT);
        json_decref(o);
        return;
    }
    out_printf("first bad rewrite: number %lld of %lld, in pass '%s'\n", (long long)n,
               (long long)b->total, pass);
    out_printf("  nodes    %s\n", joined(cli->arena, nodes));
    out_printf("  before   %s\n", *from ? from : "nothing");
    out_printf("  after    %s\n", *to ? to : "nothing");
    const char *level = opt_given(cli, OPT_level)
                            ? arena_printf(cli->arena, " -O%s", opt_text(cli, OPT_level)) : "";
    out_printf("  see it   mlc ir %s%s -p all -X rewrite-limit=%lld\n",
               shell_quoted(cli->arena, b->model), level, (long long)n);
}

/* Compares the graphs without and with rewrite number n, the last one that is permitted. */
static Status explain(Bisection *b, int64_t n)
{
    Graph *before = NULL, *after = NULL;
    PipelineReport report = {0};
    TRY(passes_with(b, n - 1, &before, NULL));
    TRY(passes_with(b, n, &after, &report));
    const char *pass = "";
    for (size_t i = 0; i < report.passes.len; i++)
        if (report.passes.at[i].rewrites && !report.passes.at[i].required)
            pass = report.passes.at[i].name;
    json_t *nodes = json_array();
    Str from = str_new(b->cli->arena), to = str_new(b->cli->arena);
    changed_nodes(before, after, nodes, &from);
    changed_nodes(after, before, nodes, &to);
    say(b, n, pass, nodes, str_text(&from), str_text(&to));
    json_decref(nodes);
    return MLC_OK;
}

/* ---- the command ---- */

static Status no_culprit(Bisection *b, const char *why, const char *help)
{
    out_printf(opt_flag(b->cli, OPT_json)
                   ? "{\"schema\":\"mlc-bisect/1\",\"rewrite\":null,\"rewrites\":%lld,"
                     "\"reason\":\"%s\"}\n"
                   : "no rewrite is to blame: of %lld, %s\n",
               (long long)b->total, why);
    if (!opt_flag(b->cli, OPT_json))
        talk(b->cli, "  %s\n", help);
    return MLC_NO;
}

static Status bisect(Bisection *b)
{
    Graph *g;
    PipelineReport report = {0};
    TRY(passes_with(b, -1, &g, &report));
    for (size_t i = 0; i < report.passes.len; i++)
        b->total += report.passes.at[i].required ? 0 : report.passes.at[i].rewrites;
    bool fails;
    TRY(test(b, b->total, &fails));
    if (!fails)
        return no_culprit(b, "the test passes with all",
                          "the test must exit 0 for a good result and not 0 for a bad one");
    TRY(test(b, 0, &fails));
    if (fails)
        return no_culprit(b, "the test fails with none",
                          "'mlc reduce' finds the smallest model that fails");
    int64_t good = 0, bad = b->total;
    while (bad - good > 1) {
        int64_t middle = good + (bad - good) / 2;
        TRY(test(b, middle, &fails));
        if (fails)
            bad = middle;
        else
            good = middle;
    }
    progress_clear();
    return explain(b, bad);
}

Status cmd_bisect(Cli *cli)
{
    Bisection b = {.cli = cli, .model = cli->arg[0]};
    if (!opt_given(cli, OPT_test)) {
        diag_report(cli->ctx, E0503, (Loc){0}, "--test must give the command that fails");
        diag_help(cli->ctx, "mlc bisect model.onnx --test 'mlc verify $MLC_OPTIONS cases/'");
        return MLC_USAGE;
    }
    if (str_eq(b.model, "-"))
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "the model must be a file: the test reads it again and again");
    if (opt_x(cli, "rewrite-limit"))
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "-X rewrite-limit is what 'mlc bisect' varies");
    collect_options(&b);
    return bisect(&b);
}
