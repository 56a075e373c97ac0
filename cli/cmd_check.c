/* mlc check: will a model compile for a target? Everything up to the code generator is tried, and
 * everything that is wrong at one stage is reported at once. */
#include "cli/cli.h"
#include "cli/compile.h"
#include "cli/facts.h"
#include "ir/base/file.h"

#include <jansson.h>

/* ---- trying ---- */

static bool inputs_typed(const Node *n)
{
    for (int i = 0; i < n->nin; i++)
        if (n->in[i] && n->in[i]->type.kind == TYPE_NONE)
            return false;
    return true;
}

/* Infers types behind errors too. What depends on a node that failed is not judged. */
static Status infer_all(Graph *g)
{
    Status all = MLC_OK;
    for (Node *n = g->first; n; n = n->next) {
        Status s = inputs_typed(n) ? graph_infer_node(g, n) : MLC_OK;
        if (s != MLC_OK && s != MLC_INPUT)
            return s;
        all = all == MLC_OK ? s : all;
    }
    return all;
}

/* Fixing them helps where a shape is not known. */
static void suggest_dims(Cli *cli, Graph *g)
{
    bool shapes = false;
    for (const Diag *d = cli->ctx->diags.first; d; d = d->next)
        shapes |= d->code == E0303 || d->code == E0301;
    if (!shapes)
        return;
    Str s = str_new(cli->arena);
    for (int i = 0; i < ex_sym_count(g->pool); i++)
        if (symbol_is_used(g, i))
            str_printf(&s, " --dim '%s=%lld'",
                       str_printable_in(cli->arena, ex_sym_name(g->pool, i)),
                       (long long)ex_sym_typical(g->pool, i));
    if (s.len)
        talk(cli, "fixing dynamic dimensions may help:%s\n", str_text(&s));
}

/* Weights of 4 bits become floats, and those are packed: 16 times the file, beside the rest. */
static Status lower_all(Cli *cli, CompileOptions *o, Graph *g)
{
    enum { PACKED = 16 };
    Programs p;
    Ctx *c = cli->ctx;
    size_t room = PACKED * (size_t)o->model_bytes;
    if (c->memory_per_input && c->memory_limit <= SIZE_MAX - room)
        c->memory_limit += room;
    return compile_lower_all(g, o, &p);
}

static Status try_all(Cli *cli, CompileOptions *o, Graph **g, ModelFacts *f)
{
    TRY(compile_read(cli->ctx, cli->arg[0], o, g));
    Status s = infer_all(*g);
    if (s == MLC_OK)
        facts_of(*g, f);
    if (s == MLC_OK)
        s = compile_passes(*g, o, NULL);
    if (s == MLC_OK)
        s = lower_all(cli, o, *g);
    if (s != MLC_OK)
        suggest_dims(cli, *g);
    return s;
}

/* ---- saying ---- */

static void set_text(Cli *cli, json_t *o, const char *key, const char *text)
{
    json_object_set_new(o, key, text ? json_string(str_printable_in(cli->arena, text)) : json_null());
}

static json_t *problems(Cli *cli)
{
    json_t *list = json_array();
    for (const Diag *d = cli->ctx->diags.first; d; d = d->next) {
        if (d->severity != ERROR)
            continue;
        json_t *o = json_object();
        set_text(cli, o, "code", diag_code_name[d->code]);
        set_text(cli, o, "node", d->loc.node);
        set_text(cli, o, "op", d->loc.op);
        json_object_set_new(o, "count", json_integer(MAX(d->count, 1)));
        set_text(cli, o, "message", d->message);
        set_text(cli, o, "help", d->help);
        json_array_append_new(list, o);
    }
    return list;
}

static void print_json(Cli *cli, const CompileOptions *o, const ModelFacts *f, bool ok)
{
    json_t *doc = json_object();
    set_text(cli, doc, "schema", "mlc-check/1");
    set_text(cli, doc, "model", cli->arg[0]);
    set_text(cli, doc, "target", o->target_names);
    set_text(cli, doc, "verdict", ok ? "ok" : "unsupported");
    if (ok) {
        json_object_set_new(doc, "nodes", json_integer(f->nodes));
        json_object_set_new(doc, "operators", json_integer((json_int_t)f->ops.len));
    }
    json_object_set_new(doc, "problems", problems(cli));
    out_json(doc, JSON_INDENT(2));
    json_decref(doc);
}

Status cmd_check(Cli *cli)
{
    CompileOptions o;
    ModelFacts f = {0};
    Graph *g = NULL;
    ctx_limit_by_input(cli->ctx);
    TRY(compile_options(cli, NULL, &o));
    Status s = try_all(cli, &o, &g, &f);
    if (s != MLC_OK && s != MLC_INPUT)
        return s;
    if (opt_flag(cli, OPT_json))
        print_json(cli, &o, &f, s == MLC_OK);
    else if (s == MLC_OK)
        out_printf("%s: %d nodes, %zu operators: supported by %s\n",
                   str_printable_in(cli->arena, path_base(cli->arg[0])), f.nodes, f.ops.len,
                   o.target_names);
    return s;
}
