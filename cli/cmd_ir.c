/* mlc ir: reads a model, runs passes, prints the text form. */
#include "cli/cli.h"
#include "cli/compile.h"

#include <jansson.h>

static void print_graph(void *arg, const char *pass, Graph *g)
{
    const char *wanted = arg;
    if (!str_eq(wanted, "all") && !str_eq(wanted, pass))
        return;
    Str s = str_new(g->arena);
    graph_print(&s, g);
    out_printf("# after %s\n%s", pass, str_text(&s));
}

Status cmd_ir(Cli *cli)
{
    CompileOptions o;
    Graph *g;
    const char *passes = opt_text(cli, OPT_passes);
    ctx_limit_by_input(cli->ctx);
    TRY(compile_options(cli, "interp", &o));
    o.passes = passes && !str_eq(passes, "all") ? passes : NULL;
    o.after_pass = opt_x(cli, "print-after") ? print_graph : NULL;
    o.after_arg = (void *)opt_x(cli, "print-after");
    TRY(compile_load(cli->ctx, cli->arg[0], &o, &g));
    if (passes)
        TRY(compile_passes(g, &o, NULL));
    Str s = str_new(cli->arena);
    graph_print(&s, g);
    if (!opt_flag(cli, OPT_json)) {
        out_text(str_text(&s));
        return MLC_OK;
    }
    json_t *doc = json_pack("{s:s, s:s}", "schema", "mlc-ir/1", "text", str_text(&s));
    bool ok = out_json(doc, JSON_COMPACT);
    json_decref(doc);
    return ok ? MLC_OK
                : diag_error(cli->ctx, E0105, (Loc){.file = cli->arg[0]}, MLC_INPUT,
                             "the text is not UTF-8 and cannot be JSON");
}
