/* mlc inspect: what a model is, before anything is done to it. */
#include "cli/cli.h"
#include "cli/compile.h"
#include "cli/facts.h"

#include "ir/base/file.h"

#include <jansson.h>

static const char *type_text(Graph *g, const Value *v)
{
    Str s = str_new(g->arena);
    type_print(&s, g->pool, &v->type);
    return str_printable_in(g->arena, str_text(&s));
}

static void print_values(Graph *g, const char *title, Value *const *at, size_t n)
{
    out_printf("%s\n", title);
    int width = 0;
    for (size_t i = 0; i < n; i++)
        width = MAX(width, (int)MIN(strlen(at[i]->name), (size_t)32));
    for (size_t i = 0; i < n; i++)
        out_printf("  %-*s  %s\n", width, str_printable_in(g->arena, at[i]->name),
                   type_text(g, at[i]));
}

static void print_text(Graph *g, const char *path, const ModelFacts *f)
{
    char a[32], b[32];
    const char *at = example_text(g);
    const char *sep = *at ? " at " : "";
    out_printf("%s: opset %d, %d nodes\n", str_printable_in(g->arena, path_base(path)), g->opset,
               f->nodes);
    print_values(g, "inputs", g->inputs.at, g->inputs.len);
    print_values(g, "outputs", g->outputs.at, g->outputs.len);
    bool first = true;
    for (int i = 0; i < ex_sym_count(g->pool); i++) {
        if (!symbol_is_used(g, i))
            continue;
        out_printf("%s  %s >= %lld", first ? "dynamic dimensions\n" : "",
                   str_printable_in(g->arena, ex_sym_name(g->pool, i)),
                   (long long)ex_sym_min(g->pool, i));
        if (ex_sym_max(g->pool, i) >= 0)
            out_printf(", at most %lld", (long long)ex_sym_max(g->pool, i));
        out_text("\n");
        first = false;
    }
    out_printf("size\n  parameters   %s (%s)\n", str_count(a, (double)f->params),
               str_bytes(b, (double)f->param_bytes));
    out_printf("  MACs         %s%s%s\n", str_count(a, (double)f->macs), sep, at);
    out_printf("  activations  %s in all, %s at the peak%s%s\n",
               str_bytes(a, (double)f->tensor_bytes), str_bytes(b, (double)f->peak_bytes), sep, at);
    out_printf("operators\n");
    for (size_t i = 0; i < f->ops.len; i++)
        out_printf("  %5d  %s%s%s\n", f->ops.at[i].count,
                   f->ops.at[i].op->domain ? f->ops.at[i].op->domain : "",
                   f->ops.at[i].op->domain ? "::" : "", f->ops.at[i].op->name);
}

static json_t *json_values(Graph *g, Value *const *at, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const Type *t = &at[i]->type;
        json_t *o = json_object();
        json_object_set_new(o, "name", json_string(str_printable_in(g->arena, at[i]->name)));
        json_object_set_new(o, "type", json_string(type_text(g, at[i])));
        json_t *dims = t->kind == TYPE_TENSOR && t->rank >= 0 ? json_array() : json_null();
        for (int k = 0; t->kind == TYPE_TENSOR && k < t->rank; k++) {
            int64_t v;
            Str s = str_new(g->arena);
            ex_print(&s, g->pool, t->dim[k]);
            json_array_append_new(dims, ex_is_int(t->dim[k], &v)
                                            ? json_integer(v)
                                            : json_string(str_printable_in(g->arena,
                                                                           str_text(&s))));
        }
        json_object_set_new(o, "shape", dims);
        json_array_append_new(list, o);
    }
    return list;
}

static void print_json(Graph *g, const char *path, const ModelFacts *f, const CompileOptions *o)
{
    json_t *doc = json_object(), *ops = json_array(), *symbols = json_array();
    for (size_t i = 0; i < f->ops.len; i++) {
        const OpInfo *op = f->ops.at[i].op;
        json_array_append_new(ops, json_pack("{s:s, s:s, s:i}", "name", op->name, "domain",
                                             op->domain ? op->domain : "ai.onnx", "count",
                                             f->ops.at[i].count));
    }
    for (int i = 0; i < ex_sym_count(g->pool); i++)
        if (symbol_is_used(g, i))
            json_array_append_new(
                symbols, json_pack("{s:s, s:I}", "name",
                                   str_printable_in(g->arena, ex_sym_name(g->pool, i)), "min",
                                   (json_int_t)ex_sym_min(g->pool, i)));
    json_object_set_new(doc, "schema", json_string("mlc-inspect/1"));
    json_object_set_new(doc, "model", json_string(str_printable_in(g->arena, path)));
    json_object_set_new(doc, "sha256", json_string(o->sha256));
    json_object_set_new(doc, "opset", json_integer(g->opset));
    json_object_set_new(doc, "nodes", json_integer(f->nodes));
    json_object_set_new(doc, "params", json_integer(f->params));
    json_object_set_new(doc, "param_bytes", json_integer(f->param_bytes));
    json_object_set_new(doc, "macs", json_integer(f->macs));
    json_object_set_new(doc, "activation_bytes", json_integer(f->tensor_bytes));
    json_object_set_new(doc, "activation_peak_bytes", json_integer(f->peak_bytes));
    json_object_set_new(doc, "inputs", json_values(g, g->inputs.at, g->inputs.len));
    json_object_set_new(doc, "outputs", json_values(g, g->outputs.at, g->outputs.len));
    json_object_set_new(doc, "dynamic", symbols);
    json_object_set_new(doc, "operators", ops);
    out_json(doc, JSON_INDENT(2));
    json_decref(doc);
}

Status cmd_inspect(Cli *cli)
{
    CompileOptions o;
    Graph *g;
    ModelFacts f;
    ctx_limit_by_input(cli->ctx);
    TRY(compile_options(cli, "interp", &o));
    TRY(compile_load(cli->ctx, cli->arg[0], &o, &g));
    facts_of(g, &f);
    /* Composite operators count what they expand to: on the same graph, after everything else. */
    CompileOptions expand = o;
    expand.passes = "expand";
    TRY(compile_passes(g, &expand, NULL));
    f.macs = facts_macs(g);
    if (opt_flag(cli, OPT_json))
        print_json(g, cli->arg[0], &f, &o);
    else
        print_text(g, cli->arg[0], &f);
    return MLC_OK;
}
