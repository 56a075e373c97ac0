/* mlc reduce: the smallest model for which a command still exits 0.
 *
 * Delta debugging (Zeller and Hildebrandt, 2002) in the form of llvm-reduce: for each kind of edit,
 * chunks of its items, from half of them down to one, are tried from the last to the first; what
 * keeps the model interesting is kept. Rounds over all kinds go on until one changes nothing.
 * Invariant: the best model is a file that the command found interesting. MODEL is never written. */
#include "cli/cli.h"
#include "cli/compile.h"
#include "cli/facts.h"
#include "cli/process.h"
#include "cli/reduce_edit.h"
#include "cli/test_command.h"
#include "codegen/run/tempdir.h"
#include "frontend/onnx/writer.h"
#include "ir/base/file.h"
#include "ir/base/map.h"

#include <jansson.h>
#include <sys/stat.h>
#include <xxhash.h>

typedef struct Reduction {
    Cli        *cli;
    const char *model;   /* what shall be reduced */
    const char *output;
    const char *best;    /* the file of the best model so far */
    const char *file[2]; /* candidates are written to the one that is not the best */
    Map         seen;    /* candidates that were tested, by the hash of their bytes */
    int64_t     deadline;
    int         tests;
    bool        late;
    bool        text;    /* the form that is written: .mlc or ONNX */
} Reduction;

/* One candidate: made in a context of its own, so that what fails here is no diagnostic. */
typedef struct Attempt {
    Reduction  *r;
    Ctx        *ctx;
    const Edit *edit; /* NULL: none, the model as mlc writes it */
    int         from, to;
    int         items; /* of the best model */
    const char *path;
} Attempt;

static Status write_model(Ctx *c, Graph *g, bool text, const char *path)
{
    OnnxWriteOptions o = {.version = MLC_VERSION};
    if (!text)
        return onnx_write(c, g, &o, path);
    Str s = str_new(g->arena);
    graph_print(&s, g);
    return file_write(c, path, str_text(&s), s.len);
}

/* Reads the best model; the first time the options of the command line fix its shapes. */
static Status load_best(Reduction *r, Ctx *c, Graph **g)
{
    CompileOptions o;
    if (r->best == r->model) {
        Cli cli = *r->cli;
        cli.ctx = c;
        cli.arena = arena_new(c);
        TRY(compile_options(&cli, "interp", &o));
    } else {
        TRY(compile_defaults(c, arena_new(c), "interp", &o));
    }
    return compile_load(c, r->best, &o, g);
}

static Status build(void *arg)
{
    Attempt *t = arg;
    Graph   *g;
    TRY(load_best(t->r, t->ctx, &g));
    if (t->edit) {
        t->items = t->edit->count(g);
        t->to = MIN(t->to, t->items);
        if (t->from >= t->to || !t->edit->apply(g, t->from, t->to))
            return MLC_NO;
    }
    Graph *part;
    TRY(edit_finish(g, &part));
    TRY(expand_private(part));
    return write_model(t->ctx, part, t->r->text, t->path);
}

/* Was a candidate with these bytes tested before? */
static bool is_known(Reduction *r, const char *path)
{
    FileMap map;
    if (file_map(r->cli->ctx, path, &map) != MLC_OK)
        return true;
    XXH128_hash_t h = XXH3_128bits(map.data, map.size);
    file_unmap(&map);
    const char *key = arena_printf(r->cli->arena, "%016llx%016llx", (unsigned long long)h.high64,
                                   (unsigned long long)h.low64);
    return map_set(&r->seen, key, r) != NULL;
}

static Status is_interesting(Reduction *r, const char *path, bool *yes)
{
    int code;
    TRY(test_command_run(r->cli, shell_quoted(r->cli->arena, path), path, "", &code));
    r->tests++;
    *yes = code == 0;
    return MLC_OK;
}

/* Tries one edit of the items [from, to); *items is how many the best model has now. */
static Status attempt(Reduction *r, const Edit *e, int from, int to, int *items, bool *accepted)
{
    Ctx     ctx;
    Attempt t = {.r = r, .ctx = &ctx, .edit = e, .from = from, .to = to,
                 .path = r->file[r->best == r->file[0]]};
    *accepted = false;
    if (e && clock_ns() > r->deadline) {
        r->late = true;
        return MLC_OK;
    }
    ctx_init(&ctx);
    ctx.memory_limit = r->cli->ctx->memory_limit;
    Status s = ctx_protect(&ctx, build, &t);
    ctx_free(&ctx);
    *items = t.items;
    if (s != MLC_OK || is_known(r, t.path))
        return MLC_OK;
    TRY(is_interesting(r, t.path, accepted));
    if (*accepted)
        r->best = t.path;
    return MLC_OK;
}

/* One kind of edit, chunks from large to small. */
static Status shrink(Reduction *r, const Edit *e, bool *changed)
{
    int  items = 0, before;
    bool accepted;
    TRY(attempt(r, e, 0, 0, &items, &accepted));
    before = items;
    int tests = r->tests;
    for (int chunk = e->one_by_one ? 1 : MAX(items / 2, 1); items && chunk && !r->late; chunk /= 2)
        for (int end = items; end > 0 && !r->late; end -= chunk) {
            progress(r->cli, "%s: %d of %d left, %d tests", e->name, items, before, r->tests);
            TRY(attempt(r, e, MAX(end - chunk, 0), end, &items, &accepted));
            *changed |= accepted;
        }
    TRY(attempt(r, e, 0, 0, &items, &accepted));
    progress_clear();
    if (!r->late && items != before)
        talk(r->cli, "  %-16s %d -> %d    %d tests\n", e->name, before, items, r->tests - tests);
    return MLC_OK;
}

static Status reduce(Reduction *r)
{
    for (bool changed = true; changed && !r->late;) {
        changed = false;
        for (size_t i = 0; i < edit_count && !r->late; i++)
            TRY(shrink(r, &edit_table[i], &changed));
    }
    return MLC_OK;
}

/* ---- before and after ---- */

/* The command must find the model interesting, and also as mlc writes it: that alone counts where
 * --dim or --shape change it. */
static Status check_start(Reduction *r)
{
    bool yes = true;
    int  items;
    if (!opt_given(r->cli, OPT_dim) && !opt_given(r->cli, OPT_shape))
        TRY(is_interesting(r, r->model, &yes));
    if (!yes) {
        diag_report(r->cli->ctx, E0603, (Loc){.file = r->model},
                    "the model is not interesting: the command does not exit 0 for it");
        diag_help(r->cli->ctx, "'!' before a command turns its exit code around");
        return MLC_NO;
    }
    TRY(attempt(r, NULL, 0, 0, &items, &yes));
    if (yes)
        return MLC_OK;
    return diag_error(r->cli->ctx, E0603, (Loc){.file = r->model}, MLC_NO,
                      "the model is interesting as it is, but not as mlc writes it");
}

static void say(Reduction *r, const ModelFacts *was, Graph *g)
{
    Cli       *cli = r->cli;
    ModelFacts f;
    facts_of(g, &f);
    if (opt_flag(cli, OPT_json)) {
        const char *model = str_printable_in(cli->arena, r->model);
        const char *output = str_printable_in(cli->arena, r->output);
        json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:I, s:i, s:i, s:i, s:b}", "schema",
                              "mlc-reduce/1", "model", model, "output", output, "nodes_before",
                              was->nodes, "nodes", f.nodes, "params_before",
                              (json_int_t)was->params, "params", (json_int_t)f.params, "inputs",
                              (int)g->inputs.len, "outputs", (int)g->outputs.len, "tests",
                              r->tests, "complete", !r->late);
        out_json(o, JSON_COMPACT);
        json_decref(o);
        return;
    }
    talk(cli, "wrote %s: %d of %d nodes, %zu input%s, %zu output%s, %d tests%s\n",
         str_printable_in(cli->arena, r->output), f.nodes, was->nodes, g->inputs.len,
         g->inputs.len == 1 ? "" : "s", g->outputs.len, g->outputs.len == 1 ? "" : "s", r->tests,
         r->late ? "; the time was over" : "");
}

static Status run(Reduction *r)
{
    Cli       *cli = r->cli;
    ModelFacts was;
    Graph     *g;
    FileOut    probe;
    r->best = r->model;
    TRY(file_out_open(cli->ctx, r->output, &probe)); /* not found out at the end */
    file_out_abort(&probe);
    TRY(load_best(r, cli->ctx, &g)); /* what is wrong with the model itself is said */
    facts_of(g, &was);
    TRY(check_start(r));
    TRY(reduce(r));
    TRY(load_best(r, cli->ctx, &g));
    TRY(write_model(cli->ctx, g, r->text, r->output));
    say(r, &was, g);
    return MLC_OK;
}

static Status usage(Cli *cli)
{
    if (!opt_given(cli, OPT_test)) {
        diag_report(cli->ctx, E0503, (Loc){0},
                    "--test must give the command that says whether a model is interesting");
        diag_help(cli->ctx, "mlc reduce model.onnx --test '! mlc run {}' -o small.onnx");
        return MLC_USAGE;
    }
    if (str_eq(cli->arg[0], "-"))
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "the model must be a file: the test reads it again");
    return MLC_OK;
}

Status cmd_reduce(Cli *cli)
{
    TRY(usage(cli));
    Arena      *a = cli->arena;
    const char *given = opt_text(cli, OPT_reduce_output), *dir;
    Reduction   r = {.cli = cli, .model = cli->arg[0], .seen = map_new(a)};
    r.text = str_ends(given ? given : r.model, ".mlc");
    const char *suffix = r.text ? "mlc" : "onnx";
    r.output = given ? given : arena_printf(a, "%s.reduced.%s", path_stem(a, r.model), suffix);
    r.deadline = clock_ns() + opt_int(cli, OPT_max_time);
    struct stat from, to;
    if (stat(r.model, &from) == 0 && stat(r.output, &to) == 0 && from.st_ino == to.st_ino &&
        from.st_dev == to.st_dev)
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "-o names the model itself, which stays as it is");
    TRY(temp_dir_make(cli->ctx, a, &dir));
    r.file[0] = arena_printf(a, "%s/a.%s", dir, suffix);
    r.file[1] = arena_printf(a, "%s/b.%s", dir, suffix);
    Status s = run(&r);
    temp_dir_remove(dir);
    return s;
}
