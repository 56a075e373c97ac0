/* Options from mlc.toml:
 *
 *     strict = true                # for every command that has the option
 *     [optimize]
 *     target = "x86-avx2"
 *     threads = 4
 *     dim = ["batch=1", "seq=128"]
 *
 * Keys are the long names of options, tables the names of commands. The command line wins over the
 * table of the command, which wins over what stands before the tables. Every key of every table must
 * exist; values are looked at for the command that runs. */
#include "cli/cli.h"

#include "frontend/config/toml.h"
#include "ir/base/file.h"

typedef struct Reader {
    Cli        *cli;
    const char *file;
    int         from[OPT_COUNT]; /* how near what set an option stands to the command: 0 nothing, 1
                                    before the tables, 2 its table, 3 the command line */
} Reader;

static Loc loc_of(const Reader *r, int line) { return (Loc){.file = r->file, .line = line}; }

/* What a configuration may set: not itself, not what shows help, and no command for a shell: a
 * file that merely lies in the folder shall not run anything. */
static bool may_be_set(int o)
{
    return o != OPT_config && o != OPT_help && o != OPT_version && o != OPT_test;
}

static Status unknown(Reader *r, const char *what, const char *name, int line,
                      const char *const *known, size_t n, const char *help)
{
    diag_report(r->cli->ctx, E0501, loc_of(r, line), "unknown %s '%s'", what, name);
    const char *near = str_nearest(name, known, n);
    if (near)
        diag_help(r->cli->ctx, "did you mean '%s'?", near);
    else
        diag_help(r->cli->ctx, "%s", help);
    return MLC_USAGE;
}

/* The command of a table; CMD_COUNT for the keys before the first. */
static Status command_of(Reader *r, const char *const *path, int n, int line, CommandId *out)
{
    const char *known[CMD_COUNT];
    *out = n ? command_find(path[0]) : CMD_COUNT;
    if (n == 0 || (n == 1 && *out != CMD_COUNT))
        return MLC_OK;
    for (int i = 0; i < CMD_COUNT; i++)
        known[i] = command_table[i].name;
    return unknown(r, "table", path[n - 1], line, known, n == 1 ? CMD_COUNT : 0,
                   "tables are named after commands, and hold options only");
}

/* The option that a key names for the running command; OPT_COUNT: it is for others only. */
static Status find(Reader *r, const char *key, CommandId section, int line, OptionId *out)
{
    const char *known[OPT_COUNT];
    size_t      n = 0;
    bool        exists = false;
    *out = OPT_COUNT;
    for (int i = 0; i < OPT_COUNT; i++) {
        const Option *row = &option_table[i];
        if (!may_be_set(i) || (section != CMD_COUNT && !(row->cmds >> section & 1)))
            continue;
        known[n++] = row->name;
        if (!str_eq(row->name, key))
            continue;
        exists = true;
        if ((section == CMD_COUNT || section == r->cli->id) && (row->cmds >> r->cli->id & 1))
            *out = (OptionId)i;
    }
    return exists ? MLC_OK
                  : unknown(r, "option", key, line, known, n, "'mlc list options' shows them all");
}

/* A word for the kind of value that an option takes. */
static const char *wanted(OptionKind k)
{
    return k == OPT_KIND_bool ? "true or false" : k == OPT_KIND_int ? "a whole number" : "a string";
}

static Status check_kind(Reader *r, const TomlEntry *e, OptionId o)
{
    static const char *const kind[] = {"a string", "a whole number", "a number", "true or false"};
    const Option *row = &option_table[o];
    if (e->is_list && row->kind != OPT_KIND_list)
        return diag_error(r->cli->ctx, E0502, loc_of(r, e->line), MLC_USAGE,
                          "'%s' is a list, and %s is expected", row->name, wanted(row->kind));
    for (size_t i = 0; i < e->values.len; i++) {
        TomlKind k = e->values.at[i].kind;
        bool ok = row->kind == OPT_KIND_bool  ? k == TOML_BOOL
                  : row->kind == OPT_KIND_int ? k == TOML_INTEGER
                                              : k != TOML_BOOL;
        if (!ok)
            return diag_error(r->cli->ctx, E0502, loc_of(r, e->line), MLC_USAGE,
                              "'%s' is %s, and %s is expected", row->name, kind[k],
                              wanted(row->kind));
    }
    return MLC_OK;
}

static Status take(Reader *r, const TomlEntry *e)
{
    CommandId section;
    OptionId  o;
    TRY(command_of(r, e->path, e->npath - 1, e->line, &section));
    TRY(find(r, e->path[e->npath - 1], section, e->line, &o));
    int from = section == CMD_COUNT ? 1 : 2;
    if (o == OPT_COUNT || r->from[o] >= from)
        return MLC_OK;
    TRY(check_kind(r, e, o));
    r->from[o] = from;
    r->cli->opt[o].given = false; /* a list starts anew */
    r->cli->opt[o].nlist = 0;
    for (size_t i = 0; i < e->values.len; i++)
        TRY(cli_set(r->cli, o, e->values.at[i].text, loc_of(r, e->line)));
    return MLC_OK;
}

static Status apply(Reader *r, const TomlDoc *doc)
{
    CommandId section;
    for (size_t i = 0; i < doc->tables.len; i++)
        TRY(command_of(r, doc->tables.at[i].path, doc->tables.at[i].npath, doc->tables.at[i].line,
                       &section));
    for (size_t i = 0; i < doc->entries.len; i++)
        TRY(take(r, &doc->entries.at[i]));
    return MLC_OK;
}

Status config_read(Cli *cli, const char *path)
{
    FileMap map;
    TomlDoc doc;
    Reader  r = {.cli = cli, .file = path};
    TRY(file_map(cli->ctx, path, &map));
    for (int i = 0; i < OPT_COUNT; i++)
        r.from[i] = cli->opt[i].given ? 3 : 0;
    Status s = toml_read(cli->ctx, cli->arena, path, map.data, map.size, &doc);
    file_unmap(&map);
    return s == MLC_OK ? apply(&r, &doc) : s;
}
