/* Options from a file, in the part of TOML that options need:
 *
 *     strict = true                # for every command that has the option
 *     [optimize]
 *     target = "x86-avx2"
 *     threads = 4
 *     dim = ["batch=1", "seq=128"]
 *
 * Keys are the long names of options. The command line wins over the file. */
#include "cli/cli.h"

#include "ir/base/file.h"

#include <ctype.h>

typedef struct Reader {
    Cli        *cli;
    const char *at, *end;
    Loc         loc;
    bool        ours; /* the section is for the command that runs */
    CommandId   section; /* CMD_COUNT: before the first section */
    bool        given[OPT_COUNT]; /* by the command line */
} Reader;

static Status malformed(Reader *r, const char *what)
{
    return diag_error(r->cli->ctx, E0502, r->loc, MLC_USAGE, "line %d: %s", r->loc.line, what);
}

/* Blanks and comments; with `lines`, line ends too. */
static void skip(Reader *r, bool lines)
{
    while (r->at < r->end) {
        if (*r->at == '#') {
            while (r->at < r->end && *r->at != '\n')
                r->at++;
        } else if (*r->at == '\n' && lines) {
            r->loc.line++;
            r->at++;
        } else if (*r->at == ' ' || *r->at == '\t' || *r->at == '\r') {
            r->at++;
        } else {
            return;
        }
    }
}

static bool eat(Reader *r, char c)
{
    if (r->at < r->end && *r->at == c) {
        r->at++;
        return true;
    }
    return false;
}

static const char *word(Reader *r)
{
    const char *start = r->at;
    while (r->at < r->end && (isalnum((unsigned char)*r->at) || strchr("_-.+", *r->at)))
        r->at++;
    return arena_strndup(r->cli->arena, start, (size_t)(r->at - start));
}

/* One value as the text that the command line would have. */
static Status scalar(Reader *r, const char **out)
{
    char quote = r->at < r->end ? *r->at : 0;
    if (quote != '"' && quote != '\'') {
        *out = word(r);
        return **out ? MLC_OK : malformed(r, "a value is missing");
    }
    r->at++;
    Str s = str_new(r->cli->arena);
    while (r->at < r->end && *r->at != quote && *r->at != '\n') {
        if (*r->at == '\\' && quote == '"') {
            r->at++;
            if (r->at == r->end || (*r->at != '"' && *r->at != '\\'))
                return malformed(r, "only \\\" and \\\\ are understood in a string");
        }
        str_addc(&s, *r->at++);
    }
    *out = str_text(&s);
    return eat(r, quote) ? MLC_OK : malformed(r, "a string does not end");
}

static Status set(Reader *r, OptionId o, const char *text)
{
    if (o == OPT_COUNT || r->given[o])
        return MLC_OK;
    return cli_set(r->cli, o, text, r->loc);
}

static Status values(Reader *r, OptionId o)
{
    const char *text;
    if (!eat(r, '[')) {
        TRY(scalar(r, &text));
        return set(r, o, text);
    }
    for (skip(r, true); !eat(r, ']'); skip(r, true)) {
        TRY(scalar(r, &text));
        TRY(set(r, o, text));
        skip(r, true);
        if (!eat(r, ',') && (r->at == r->end || *r->at != ']'))
            return malformed(r, "',' or ']' is expected in a list");
    }
    return MLC_OK;
}

/* The option that a key names for the running command; OPT_COUNT: it is of another command. */
static Status find(Reader *r, const char *key, OptionId *out)
{
    const char *known[OPT_COUNT];
    size_t n = 0;
    bool exists = false;
    *out = OPT_COUNT;
    for (int i = 0; i < OPT_COUNT; i++) {
        const Option *row = &option_table[i];
        if (r->section != CMD_COUNT && !(row->cmds >> r->section & 1))
            continue;
        known[n++] = row->name;
        if (!str_eq(row->name, key))
            continue;
        exists = true;
        if (r->ours && (row->cmds >> r->cli->id & 1) && i != OPT_config)
            *out = (OptionId)i;
    }
    if (exists)
        return MLC_OK;
    diag_report(r->cli->ctx, E0501, r->loc, "line %d: unknown option '%s'", r->loc.line, key);
    const char *near = str_nearest(key, known, n);
    if (near)
        diag_help(r->cli->ctx, "did you mean '%s'?", near);
    return MLC_USAGE;
}

static Status section(Reader *r)
{
    skip(r, false);
    const char *name = word(r);
    skip(r, false);
    if (!eat(r, ']'))
        return malformed(r, "']' is expected after the name of a section");
    r->section = command_find(name);
    r->ours = r->section == r->cli->id;
    if (r->section != CMD_COUNT)
        return MLC_OK;
    const char *known[CMD_COUNT];
    for (int i = 0; i < CMD_COUNT; i++)
        known[i] = command_table[i].name;
    return unknown_word(r->cli->ctx, "section", name, known, CMD_COUNT,
                        "sections are named after commands");
}

static Status line(Reader *r)
{
    if (eat(r, '['))
        return section(r);
    const char *key = word(r);
    if (!*key)
        return malformed(r, "'key = value' or '[command]' is expected");
    skip(r, false);
    if (!eat(r, '='))
        return malformed(r, "'=' is expected after the key");
    skip(r, false);
    OptionId o;
    TRY(find(r, key, &o));
    return values(r, o);
}

Status config_read(Cli *cli, const char *path)
{
    FileMap map;
    TRY(file_map(cli->ctx, path, &map));
    Reader r = {
        .cli = cli, .at = (const char *)map.data, .end = (const char *)map.data + map.size,
        .loc = {.file = path, .line = 1}, .ours = true, .section = CMD_COUNT,
    };
    for (int i = 0; i < OPT_COUNT; i++)
        r.given[i] = cli->opt[i].given;
    Status s = MLC_OK;
    for (skip(&r, true); s == MLC_OK && r.at < r.end; skip(&r, true)) {
        s = line(&r);
        skip(&r, false);
        if (s == MLC_OK && r.at < r.end && *r.at != '\n')
            s = malformed(&r, "the line goes on after its value");
    }
    file_unmap(&map);
    return s;
}
