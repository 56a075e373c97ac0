/* mlc list: what this build can do. Each list is rows of two or three columns, for people and as
 * JSON from the same rows. */
#include "cli/cli.h"
#include "cli/op_facts.h"

#include "codegen/target/target.h"
#include "passes/pass.h"

#include <jansson.h>

enum { MAX_COLUMNS = 6 };

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

/* "float" and its like stand for a whole row; a type alone has its own name. */
static const char *elems_text(Arena *a, uint64_t elems)
{
#define BIT(e) ((uint64_t)1 << ELEM_##e)
#define FLOAT (BIT(F16) | BIT(BF16) | BIT(F32) | BIT(F64))
#define SMALL (BIT(F8E4M3FN) | BIT(F8E4M3FNUZ) | BIT(F8E5M2) | BIT(F8E5M2FNUZ) | BIT(F8E8M0) | BIT(F4E2M1))
#define INT   (BIT(I8) | BIT(I16) | BIT(I32) | BIT(I64))
#define UINT  (BIT(U8) | BIT(U16) | BIT(U32) | BIT(U64))
#define INT4  (BIT(I4) | BIT(U4) | BIT(I2) | BIT(U2))
    static const struct {
        const char *name;
        uint64_t    all;
    } rows[] = {
        {"number", FLOAT | SMALL | INT | UINT | INT4},
        {"float", FLOAT},
        {"float8", SMALL},
        {"int", INT},
        {"uint", UINT},
        {"int4", INT4},
        {"complex", BIT(C64) | BIT(C128)},
    };
#undef BIT
#undef FLOAT
#undef SMALL
#undef INT
#undef UINT
#undef INT4
    Str s = str_new(a);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if ((elems & rows[i].all) == rows[i].all) {
            str_printf(&s, "%s%s", s.len ? "," : "", rows[i].name);
            elems &= ~rows[i].all;
        }
    for (Elem e = 1; e < ELEM_COUNT; e++)
        if (elems >> e & 1)
            str_printf(&s, "%s%s", s.len ? "," : "", elem_name[e]);
    return s.len ? str_text(&s) : "?";
}

/* "all", or those that lack it, whichever is known. */
static const char *targets_text(Arena *a, uint64_t targets)
{
    if (!targets)
        return "?";
    Str s = str_new(a);
    for (size_t i = 0; i < target_count; i++)
        if (!(targets >> i & 1))
            str_printf(&s, "%s%s", s.len ? "," : "not ", target_table[i]->desc.name);
    return s.len ? str_text(&s) : "all";
}

static void ops(Table *t)
{
    t->column[0] = "name";
    t->column[1] = "kind";
    t->column[2] = "versions";
    t->column[3] = "types";
    t->column[4] = "targets";
    t->column[5] = "help";
    for (size_t i = 0; i < op_count; i++) {
        const OpInfo *op = op_table[i];
        OpFacts f = op_facts(op);
        Str since = str_new(t->arena);
        for (size_t k = 0; k < COUNT_OF(op->since) && op->since[k]; k++)
            if (op->since[k] != SINCE_REPLACED)
                str_printf(&since, "%s%d", k ? "," : "", op->since[k]);
        cell(t, op->domain ? arena_printf(t->arena, "%s::%s", op->domain, op->name) : op->name);
        cell(t, f.kind);
        cell(t, str_text(&since));
        cell(t, !op->max_in || str_eq(f.kind, "replaced") ? "-" : elems_text(t->arena, f.elems));
        cell(t, str_eq(f.kind, "replaced") ? "-" : targets_text(t->arena, f.targets));
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
