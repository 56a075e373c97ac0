/* mlc list: what this build can do. Each list is rows of two or three columns, for people and as
 * JSON from the same rows. */
#include "cli/cli.h"

#include "codegen/target/target.h"
#include "passes/pass.h"

#include <jansson.h>

enum { MAX_COLUMNS = 4 };

typedef struct Table {
    Arena      *arena;
    const char *column[MAX_COLUMNS]; /* JSON keys; NULL ends */
    VEC(const char *) cells;         /* row after row */
    int         columns;
} Table;

static void cell(Table *t, const char *text) { vec_push(t->arena, &t->cells, text); }

static void options(Table *t)
{
    t->column[0] = "name";
    t->column[1] = "status";
    t->column[2] = "help";
    for (int i = 0; i < OPT_COUNT; i++) {
        const Option *o = &option_table[i];
        Str name = str_new(t->arena);
        if (o->sh)
            str_printf(&name, "-%c", o->sh);
        if (option_is_named(o))
            str_printf(&name, "%s%s%s", o->sh ? ", " : "", option_dashes(o), o->name);
        if (o->arg)
            str_printf(&name, " %s", o->arg);
        cell(t, str_text(&name));
        cell(t, o->ready ? "ready" : "reserved");
        cell(t, o->help);
    }
}

static void targets(Table *t)
{
    t->column[0] = "name";
    t->column[1] = "here";
    t->column[2] = "help";
    for (size_t i = 0; i < target_count; i++) {
        const TargetDesc *d = &target_table[i]->desc;
        cell(t, d->name);
        cell(t, target_runs_here(d) ? "runs here" : "");
        cell(t, d->doc);
    }
    const Target *best = NULL;
    for (size_t i = 0; i < target_count; i++)
        if (target_table[i]->rank > (best ? best->rank : 0) &&
            target_runs_here(&target_table[i]->desc))
            best = target_table[i];
    cell(t, "host");
    cell(t, best ? "runs here" : "");
    cell(t, best ? arena_printf(t->arena, "the best for this machine: %s", best->desc.name)
                 : "the best for this machine: none");
}

static void devices(Table *t)
{
    t->column[0] = "name";
    t->column[1] = "help";
}

static void ops(Table *t)
{
    t->column[0] = "name";
    t->column[1] = "since";
    t->column[2] = "how";
    t->column[3] = "help";
    for (size_t i = 0; i < op_count; i++) {
        const OpInfo *op = op_table[i];
        Str since = str_new(t->arena);
        for (size_t k = 0; k < COUNT_OF(op->since) && op->since[k]; k++)
            str_printf(&since, "%s%d", k ? "," : "", op->since[k]);
        cell(t, op->domain ? arena_printf(t->arena, "%s::%s", op->domain, op->name) : op->name);
        cell(t, str_text(&since));
        cell(t, op->define ? "kernel" : op->expand || op->compose ? "composite" : op->kernel ? "extern" : "other");
        cell(t, op->doc ? op->doc : "");
    }
}

static void passes(Table *t)
{
    t->column[0] = "name";
    t->column[1] = "help";
    for (size_t i = 0; i < pass_count; i++) {
        cell(t, pass_table[i].name);
        cell(t, pass_table[i].doc);
    }
}

static void switches(Table *t)
{
    t->column[0] = "name";
    t->column[1] = "help";
    static const struct {
        const char *name, *arg, *help;
    } rows[] = {
#define SWITCH(name, arg, help) {name, arg, help},
#include "cli/switches.def"
#undef SWITCH
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cell(t, rows[i].arg ? arena_printf(t->arena, "%s=%s", rows[i].name, rows[i].arg)
                            : rows[i].name);
        cell(t, rows[i].help);
    }
}

static void print_text(const Table *t)
{
    int width[MAX_COLUMNS] = {0};
    for (size_t i = 0; i < t->cells.len; i++) {
        int n = (int)strlen(t->cells.at[i]), *w = &width[i % (size_t)t->columns];
        *w = MAX(*w, n);
    }
    for (size_t i = 0; i < t->cells.len; i++) {
        int k = (int)(i % (size_t)t->columns);
        if (k + 1 == t->columns)
            out_printf("%s\n", t->cells.at[i]);
        else
            out_printf("%-*s  ", width[k], t->cells.at[i]);
    }
}

static void print_json(const Table *t)
{
    json_t *list = json_array(), *row = NULL;
    for (size_t i = 0; i < t->cells.len; i++) {
        int k = (int)(i % (size_t)t->columns);
        if (k == 0)
            json_array_append_new(list, row = json_object());
        json_object_set_new(row, t->column[k], json_string(t->cells.at[i]));
    }
    out_json(list, JSON_INDENT(2));
    json_decref(list);
}

Status cmd_list(Cli *cli)
{
    static const struct {
        const char *name;
        void      (*fill)(Table *t);
    } lists[] = {
        {"options", options}, {"targets", targets}, {"devices", devices},
        {"ops", ops},         {"passes", passes},   {"x", switches},
    };
    const char *known[COUNT_OF(lists)];
    Table t = {.arena = cli->arena};
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        known[i] = lists[i].name;
        if (str_eq(cli->arg[0], lists[i].name))
            lists[i].fill(&t);
    }
    if (!t.column[0])
        return unknown_word(cli->ctx, "list", cli->arg[0], known, COUNT_OF(lists),
                            "the lists are options, targets, devices, ops, passes, x");
    while (t.columns < MAX_COLUMNS && t.column[t.columns])
        t.columns++;
    if (opt_flag(cli, OPT_json))
        print_json(&t);
    else
        print_text(&t);
    if (!t.cells.len)
        talk(cli, "no %s in this version\n", cli->arg[0]);
    return MLC_OK;
}
