/* mlc cut: the part of a model between named values, as a model of its own. */
#include "cli/cli.h"
#include "cli/compile.h"
#include "cli/outputs.h"

#include "frontend/onnx/writer.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

typedef VEC(Value *) ValueList;

static void add(Arena *a, ValueList *list, Value *v)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->at[i] == v)
            return;
    vec_push(a, list, v);
}

static Status unknown_value(Cli *cli, Graph *g, const char *name)
{
    VEC(const char *) known = {0};
    for (size_t i = 0; i < g->values.len; i++)
        vec_push(g->arena, &known, g->values.at[i]->name);
    for (Node *n = g->first; n; n = n->next)
        vec_push(g->arena, &known, n->name);
    return unknown_word(cli->ctx, "value", name, known.at, known.len,
                        "'mlc ir MODEL' shows the names of values");
}

/* A value, or the outputs of a node. */
static Status add_named(Cli *cli, Graph *g, const char *name, ValueList *list)
{
    Value *v = map_get(&g->by_name, name);
    if (v) {
        add(g->arena, list, v);
        return MLC_OK;
    }
    bool found = false;
    for (Node *n = g->first; n; n = n->next)
        for (int i = 0; str_eq(n->name, name) && i < n->nout; i++)
            if (n->out[i]) {
                add(g->arena, list, n->out[i]);
                found = true;
            }
    return found ? MLC_OK : unknown_value(cli, g, name);
}

/* "a,b": names may hold commas themselves, so the whole is tried first. All unknown ones are
 * reported. */
static Status find_values(Cli *cli, Graph *g, OptionId option, ValueList *list)
{
    Status s = MLC_OK;
    for (int i = 0; i < cli->opt[option].nlist; i++) {
        const char *text = cli->opt[option].list[i];
        if (map_has(&g->by_name, text)) {
            add(g->arena, list, map_get(&g->by_name, text));
            continue;
        }
        for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
            const char *name = arena_strndup(g->arena, at, strcspn(at, ","));
            if (*name && add_named(cli, g, name, list) != MLC_OK)
                s = MLC_USAGE;
        }
    }
    return s;
}

/* The model's own inputs where none are named: those that the outputs need. */
static void default_inputs(Graph *g, const ValueList *out, ValueList *in)
{
    bool *needed = NEW_ARRAY(g->arena, bool, g->values.len);
    for (size_t i = 0; i < out->len; i++)
        needed[out->at[i]->id] = true;
    for (Node *n = g->last; n; n = n->prev) {
        bool any = false;
        for (int i = 0; i < n->nout; i++)
            any |= n->out[i] && needed[n->out[i]->id];
        for (int i = 0; any && i < n->nin; i++)
            if (n->in[i])
                needed[n->in[i]->id] = true;
    }
    for (size_t i = 0; i < g->inputs.len; i++)
        if (needed[g->inputs.at[i]->id])
            add(g->arena, in, g->inputs.at[i]);
}

static Status cut(Cli *cli, Graph *g, Graph **out)
{
    ValueList in = {0}, to = {0};
    Status s = find_values(cli, g, OPT_cut_inputs, &in);
    if (find_values(cli, g, OPT_cut_outputs, &to) != MLC_OK || s != MLC_OK)
        return MLC_USAGE;
    for (size_t i = 0; !opt_given(cli, OPT_cut_outputs) && i < g->outputs.len; i++)
        add(g->arena, &to, g->outputs.at[i]);
    if (!opt_given(cli, OPT_cut_inputs))
        default_inputs(g, &to, &in);
    TRY(graph_cut(g, in.len, in.at, to.len, to.at, out));
    for (size_t i = 0; i < (*out)->inputs.len; i++) {
        const Value *v = (*out)->inputs.at[i];
        if (value_is_dead(*out, v))
            talk(cli, "input '%s' has no influence on the outputs\n",
                 str_printable_in(cli->arena, v->name));
    }
    return MLC_OK;
}

static Status write(Cli *cli, Graph *g, Outputs *o)
{
    Output *model = &o->at[OUTPUT_onnx];
    OnnxFile f;
    OnnxWriteOptions options = {.external = str_eq(opt_text(cli, OPT_weights), "file"),
                                .version = MLC_VERSION};
    TRY(outputs_open(cli, o));
    if (o->at[OUTPUT_ir].wanted) {
        Str s = str_new(cli->arena);
        graph_print(&s, g);
        TRY(output_write(cli, &o->at[OUTPUT_ir], &s));
    } else {
        TRY(onnx_encode(cli->ctx, cli->arena, g, &options, model->path, &f));
        if (f.data.len)
            TRY(outputs_add_data(cli, o, f.data_path));
        TRY(onnx_put(cli->ctx, &f, &model->file, &o->onnx_data.file));
    }
    return outputs_commit(cli, o);
}

static json_t *json_names(Arena *a, Value *const *v, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(str_printable_in(a, v[i]->name)));
    return list;
}

static void say(Cli *cli, const Graph *whole, const Graph *part, const char *path)
{
    int n = graph_count(part);
    if (!opt_flag(cli, OPT_json)) {
        talk(cli, "wrote %s: %d of %d nodes, %zu input%s, %zu output%s\n",
             str_printable_in(cli->arena, path), n, graph_count(whole), part->inputs.len,
             part->inputs.len == 1 ? "" : "s", part->outputs.len,
             part->outputs.len == 1 ? "" : "s");
        return;
    }
    json_t *doc = json_pack("{s:s, s:i, s:i, s:o, s:o}", "schema", "mlc-cut/1", "nodes", n,
                            "nodes_of_model", graph_count(whole), "inputs",
                            json_names(cli->arena, part->inputs.at, part->inputs.len), "outputs",
                            json_names(cli->arena, part->outputs.at, part->outputs.len));
    out_json(doc, JSON_COMPACT);
    json_decref(doc);
}

Status cmd_cut(Cli *cli)
{
    CompileOptions options;
    Outputs files;
    Graph *g, *part;
    const char *path = opt_text(cli, OPT_cut_output);
    if (!path || (!opt_given(cli, OPT_cut_inputs) && !opt_given(cli, OPT_cut_outputs))) {
        diag_report(cli->ctx, E0503, (Loc){0}, "%s",
                    path ? "--inputs or --outputs must name where to cut"
                         : "-o must name the file to write");
        diag_help(cli->ctx, "mlc cut model.onnx --outputs VALUE -o part.onnx");
        return MLC_USAGE;
    }
    bool text = str_ends(path, ".mlc");
    TRY(outputs_plan_one(cli, cli->arg[0], path, text ? OUTPUT_ir : OUTPUT_onnx, &files));
    if (files.to_stdout && opt_flag(cli, OPT_json))
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "-o - and --json both want standard output");
    TRY(compile_options(cli, "interp", &options));
    TRY(compile_load(cli->ctx, cli->arg[0], &options, &g));
    TRY(expand_private(g));
    TRY(cut(cli, g, &part));
    Status s = write(cli, part, &files);
    outputs_close(&files);
    if (s == MLC_OK)
        say(cli, g, part, path);
    return s;
}
