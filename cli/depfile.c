/* Dependency files: one rule, `targets: files`, in the syntax that make and ninja share. A file that
 * does not exist any more makes make stop; so every one gets an empty rule too, as gcc -MP does. */
#include "cli/depfile.h"

Status depfile_plan(Cli *cli, Outputs *o)
{
    const char *path = opt_text(cli, OPT_depfile_path);
    if (!opt_flag(cli, OPT_depfile)) {
        if (path || opt_text(cli, OPT_depfile_target))
            return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE, "%s has no effect without -MD",
                              path ? "-MF" : "-MT");
        return MLC_OK;
    }
    o->depfile = (Output){
        .wanted = true,
        .path = path ? path : arena_printf(cli->arena, "%s.d", o->base),
        .file.fd = -1,
    };
    return MLC_OK;
}

/* Blanks, '#', '\' before them, ':' in a target and '$' mean something to make. */
static void add_name(Str *s, const char *name)
{
    for (const char *at = name; *at; at++) {
        if (*at == '$')
            str_addc(s, '$');
        else if (*at == ' ' || *at == '#' || *at == ':' ||
                 (*at == '\\' && (at[1] == ' ' || at[1] == '#')))
            str_addc(s, '\\');
        str_addc(s, *at);
    }
}

static void add_targets(Cli *cli, const Outputs *o, Str *s)
{
    const char *given = opt_text(cli, OPT_depfile_target);
    if (given)
        str_add(s, given); /* as it is, like gcc's -MT */
    for (int k = 0; !given && k < OUTPUT_COUNT; k++) {
        if (!o->at[k].wanted)
            continue;
        str_add(s, s->len ? " " : "");
        add_name(s, o->to_stdout ? o->base : o->at[k].path);
    }
}

/* Files beside the model that constants come from, each once. */
static void collect_data(Cli *cli, const char *model, const Graph *g, Map *files)
{
    const char *dir = strchr(model, '/') ? path_dir(cli->arena, model) : NULL;
    for (size_t i = 0; i < g->values.len; i++) {
        const Tensor *t = g->values.at[i]->data;
        if (!t || !t->path || str_eq(t->path, path_base(model)))
            continue;
        const char *path = dir ? arena_printf(cli->arena, "%s/%s", dir, t->path) : t->path;
        map_set(files, path, files);
    }
}

void depfile_emit(Cli *cli, const char *model, const Graph *g, const Outputs *o, Str *s)
{
    Map files = map_new(cli->arena);
    if (!str_eq(model, "-"))
        map_set(&files, model, &files);
    collect_data(cli, model, g, &files);
    if (opt_text(cli, OPT_config))
        map_set(&files, opt_text(cli, OPT_config), &files);
    add_targets(cli, o, s);
    str_addc(s, ':');
    for (size_t i = 0; i < files.len; i++) {
        str_add(s, " \\\n  ");
        add_name(s, files.at[i].key);
    }
    str_addc(s, '\n');
    for (size_t i = 0; i < files.len; i++) {
        str_addc(s, '\n');
        add_name(s, files.at[i].key);
        str_add(s, ":\n");
    }
}
