/* Runs passes: the pipeline of pipeline.def or a list of names; counts and permits rewrites.
 *
 * A pass sees one graph at a time. Bodies of control flow are graphs of their own: every pass runs
 * on them first, innermost outward. */
#include "passes/pass.h"

#include "passes/rewrite.h"

/* Turns of a REPEAT. Three are usual; the bound only guards against rewrites that undo each other. */
enum { MAX_TURNS = 12 };

/* The level of a row without which lowering cannot do. */
enum { REQUIRED = -1 };

const PassInfo pass_table[] = {
#define PASS(id, name, level, doc) {name, doc, pass_##id},
#define AGAIN(id, level)
#define REPEAT
#define UNTIL_STABLE
#include "passes/pipeline.def"
#undef PASS
#undef AGAIN
#undef REPEAT
#undef UNTIL_STABLE
};
const size_t pass_count = COUNT_OF(pass_table);

typedef enum PassId {
#define PASS(id, name, level, doc) PASS_##id,
#define AGAIN(id, level)
#define REPEAT
#define UNTIL_STABLE
#include "passes/pipeline.def"
#undef PASS
#undef AGAIN
#undef REPEAT
#undef UNTIL_STABLE
} PassId;

typedef enum RowKind { ROW_PASS, ROW_REPEAT, ROW_UNTIL_STABLE } RowKind;

typedef struct Row {
    RowKind kind;
    PassId  pass;
    int     level; /* least -O at which it runs, or REQUIRED */
} Row;

static const Row pipeline[] = {
#define PASS(id, name, level, doc) {ROW_PASS, PASS_##id, level},
#define AGAIN(id, level) {ROW_PASS, PASS_##id, level},
#define REPEAT {.kind = ROW_REPEAT},
#define UNTIL_STABLE {.kind = ROW_UNTIL_STABLE},
#include "passes/pipeline.def"
#undef PASS
#undef AGAIN
#undef REPEAT
#undef UNTIL_STABLE
};

bool pass_step(Graph *g)
{
    Ctx *c = g->ctx;
    c->rewrites++;
    if (c->rewrites_required && c->rewrite_limit >= 0)
        c->rewrite_limit++;
    return c->rewrites_required || c->rewrite_limit < 0 || c->rewrites <= c->rewrite_limit;
}

/* Rewrites that were permitted so far. */
static int64_t rewrites_done(const Ctx *c)
{
    return c->rewrite_limit < 0 ? c->rewrites : MIN(c->rewrites, c->rewrite_limit);
}

static Status run_on_all(const PassInfo *pass, Graph *g)
{
    for (Node *n = g->first; n; n = n->next) {
        for (const AttrDesc *d = n->op->attrs; d && d->name; d++) {
            Graph *body = d->kind == ATTR_graph ? *(Graph **)((char *)n->attrs + d->offset) : NULL;
            if (body)
                TRY(run_on_all(pass, body));
        }
    }
    return pass->run(g);
}

static Status run_pass(Graph *g, const PassInfo *pass, bool required, const PipelineOptions *o,
                       PipelineReport *report)
{
    PassReport r = {.name = pass->name, .nodes_before = graph_count(g), .required = required};
    int64_t before = rewrites_done(g->ctx);
    g->ctx->rewrites_required = required;
    Status s = run_on_all(pass, g);
    g->ctx->rewrites_required = false;
    TRY(s);
    r.rewrites = rewrites_done(g->ctx) - before;
    r.nodes_after = graph_count(g);
    if (report)
        vec_push(g->arena, &report->passes, r);
    if (g->ctx->verify_each)
        TRY(graph_verify(g));
    if (o->after)
        o->after(o->after_arg, pass->name, g);
    return MLC_OK;
}

/* Rows [from, to) once. */
static Status run_rows(Graph *g, const PipelineOptions *o, size_t from, size_t to,
                       PipelineReport *report)
{
    for (size_t i = from; i < to; i++) {
        if (pipeline[i].kind == ROW_PASS && o->level >= pipeline[i].level)
            TRY(run_pass(g, &pass_table[pipeline[i].pass], pipeline[i].level == REQUIRED, o, report));
    }
    return MLC_OK;
}

static size_t end_of_repeat(size_t begin)
{
    size_t end = begin;
    while (pipeline[end].kind != ROW_UNTIL_STABLE)
        end++;
    return end;
}

static Status run_pipeline(Graph *g, const PipelineOptions *o, PipelineReport *report)
{
    for (size_t i = 0; i < COUNT_OF(pipeline); i++) {
        if (pipeline[i].kind == ROW_PASS) {
            TRY(run_rows(g, o, i, i + 1, report));
            continue;
        }
        size_t end = end_of_repeat(i);
        int64_t before = -1;
        for (int turn = 0; turn < MAX_TURNS && rewrites_done(g->ctx) != before; turn++) {
            before = rewrites_done(g->ctx);
            TRY(run_rows(g, o, i + 1, end, report));
        }
        i = end;
    }
    return MLC_OK;
}

/* ---- a list of names ---- */

static const PassInfo *find_pass(const char *name)
{
    for (size_t i = 0; i < pass_count; i++) {
        if (str_eq(pass_table[i].name, name))
            return &pass_table[i];
    }
    return NULL;
}

static Status unknown_pass(Ctx *c, const char *name)
{
    const char *names[COUNT_OF(pass_table)];
    for (size_t i = 0; i < pass_count; i++)
        names[i] = pass_table[i].name;
    Status s = diag_error(c, E0501, (Loc){0}, MLC_USAGE, "there is no pass '%s'", name);
    const char *near = str_nearest(name, names, pass_count);
    if (near)
        diag_help(c, "did you mean '%s'?", near);
    else
        diag_help(c, "'mlc list passes' shows them all");
    return s;
}

static Status run_list(Graph *g, const PipelineOptions *o, PipelineReport *report)
{
    VEC(const PassInfo *) todo = {0};
    for (const char *at = o->only; *at;) {
        at += strspn(at, ", ");
        size_t len = strcspn(at, ", ");
        if (!len)
            break;
        const char *name = arena_strndup(g->arena, at, len);
        const PassInfo *pass = find_pass(name);
        if (!pass)
            return unknown_pass(g->ctx, name);
        vec_push(g->arena, &todo, pass);
        at += len;
    }
    for (size_t i = 0; i < todo.len; i++)
        TRY(run_pass(g, todo.at[i], false, o, report));
    return MLC_OK;
}

Status pipeline_run(Graph *g, const PipelineOptions *o, PipelineReport *report)
{
    int64_t limit = g->ctx->rewrite_limit;
    g->compact = o->compact;
    g->rounds = o->rounds;
    g->ctx->rewrites = 0;
    Status s = o->only ? run_list(g, o, report) : run_pipeline(g, o, report);
    g->ctx->rewrite_limit = limit;
    return s;
}
