/* The parser: argv -> Cli, by the tables.
 *
 * Long options `--opt VALUE`, `--opt=VALUE`, `--no-flag`; short options `-j 2`, `-j2`, `-vq`; `--`
 * ends the options; `-` alone is an operand. Options may stand before or after operands; those
 * before the command word must be known to every command. */
#include "cli/cli.h"

#include "ir/base/vec.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* A number with an optional fraction, not negative: where it ends, or NULL. */
static const char *number(const char *text, double *out)
{
    if (!(*text >= '0' && *text <= '9') && *text != '.')
        return NULL;
    char *end;
    *out = strtod(text, &end);
    return end != text && isfinite(*out) ? end : NULL;
}

typedef struct Unit {
    const char *text;
    double      factor;
} Unit;

static bool scaled(const char *text, const Unit *unit, size_t nunit, int64_t *out)
{
    double v;
    const char *end = number(text, &v);
    if (!end || text[strspn(text, "0123456789.")] == 'x')
        return false;
    for (size_t i = 0; i < nunit; i++)
        if (str_eq(end, unit[i].text)) {
            v *= unit[i].factor;
            if (v >= 9.2e18)
                return false;
            *out = (int64_t)v;
            return true;
        }
    return false;
}

bool parse_size(const char *text, int64_t *bytes)
{
    static const Unit unit[] = {
        {"", 1},         {"B", 1},          {"K", 1 << 10},  {"KiB", 1 << 10}, {"kB", 1e3},
        {"KB", 1e3},     {"M", 1 << 20},    {"MiB", 1 << 20}, {"MB", 1e6},     {"G", 1 << 30},
        {"GiB", 1 << 30}, {"GB", 1e9},      {"k", 1 << 10},
    };
    return scaled(text, unit, COUNT_OF(unit), bytes);
}

bool parse_time(const char *text, int64_t *ns)
{
    static const Unit unit[] = {
        {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"", 1e9},
    };
    return scaled(text, unit, COUNT_OF(unit), ns);
}

Status unknown_word(Ctx *c, const char *what, const char *word, const char *const *known, size_t n,
                    const char *help)
{
    diag_report(c, E0501, (Loc){0}, "unknown %s '%s'", what, word);
    const char *near = str_nearest(word, known, n);
    if (near)
        diag_help(c, "did you mean '%s'?", near);
    else if (help)
        diag_help(c, "%s", help);
    return MLC_USAGE;
}

/* ---- one option ---- */

/* "-o/--output" is spoken of as it was written. */
static const char *spelled(Cli *cli, OptionId o)
{
    return arena_printf(cli->arena, "%s%s", option_dashes(&option_table[o]), option_table[o].name);
}

static Status bad_value(Cli *cli, OptionId o, const char *text, Loc where, const char *want)
{
    return diag_error(cli->ctx, E0502, where, MLC_USAGE, "%s is '%s', which is not %s",
                      spelled(cli, o), text, want);
}

/* Is `word` (n bytes) one of the choices? A reserved one is told apart. */
static Status check_choice(Cli *cli, OptionId o, const char *word, Loc where)
{
    const char *known[32];
    size_t n = 0;
    char *copy = arena_strdup(cli->arena, option_table[o].choices), *save;
    for (char *w = strtok_r(copy, "|", &save); w; w = strtok_r(NULL, "|", &save)) {
        bool reserved = *w == '!';
        if (str_eq(w + reserved, word))
            return !reserved ? MLC_OK
                             : diag_error(cli->ctx, E0502, where, MLC_USAGE,
                                          "'%s' of %s is not available in this version", word,
                                          spelled(cli, o));
        if (!reserved)
            known[n++] = w;
    }
    Str list = str_new(cli->arena);
    for (size_t i = 0; i < n; i++)
        str_printf(&list, "%s%s", i ? ", " : "", known[i]);
    bad_value(cli, o, word, where, "one of its values");
    const char *near = strlen(word) > 3 ? str_nearest(word, known, n) : NULL;
    diag_help(cli->ctx, near ? "did you mean '%s'?" : "the values are %s",
              near ? near : str_text(&list));
    return MLC_USAGE;
}

static void push(Cli *cli, OptionValue *v, const char *text)
{
    size_t used = (size_t)v->nlist * sizeof *v->list;
    v->list = arena_grow(cli->arena, v->list, used, used + sizeof *v->list, _Alignof(char *));
    v->list[v->nlist++] = text;
}

static Status set_list(Cli *cli, OptionId o, const char *text, Loc where)
{
    OptionValue *v = &cli->opt[o];
    if (!v->given)
        v->nlist = 0; /* what is given replaces the default */
    if (!option_table[o].choices) {
        push(cli, v, text);
        return MLC_OK;
    }
    char *save;
    for (char *w = strtok_r(arena_strdup(cli->arena, text), ",", &save); w;
         w = strtok_r(NULL, ",", &save)) {
        TRY(check_choice(cli, o, w, where));
        push(cli, v, w);
    }
    return v->nlist ? MLC_OK : bad_value(cli, o, text, where, "one of its values");
}

static Status set_int(Cli *cli, OptionId o, const char *text, Loc where)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (end == text || *end || errno || n < 0 || n > INT32_MAX)
        return bad_value(cli, o, text, where, "a whole number of 0 or more");
    cli->opt[o].num = n;
    return MLC_OK;
}

static Status set_float(Cli *cli, OptionId o, const char *text, Loc where)
{
    char *end;
    double d = strtod(text, &end);
    if (end == text || *end || !isfinite(d) || d < 0)
        return bad_value(cli, o, text, where, "a number of 0 or more");
    cli->opt[o].real = d;
    return MLC_OK;
}

static Status set_bool(Cli *cli, OptionId o, const char *text, Loc where)
{
    if (!str_eq(text, "true") && !str_eq(text, "false"))
        return bad_value(cli, o, text, where, "true or false");
    cli->opt[o].flag = text[0] == 't';
    return MLC_OK;
}

static Status set_value(Cli *cli, OptionId o, const char *text, Loc where)
{
    OptionValue *v = &cli->opt[o];
    switch (option_table[o].kind) {
    case OPT_KIND_bool:
        return set_bool(cli, o, text, where);
    case OPT_KIND_int:
        return set_int(cli, o, text, where);
    case OPT_KIND_float:
        return set_float(cli, o, text, where);
    case OPT_KIND_size:
        return parse_size(text, &v->num)
                   ? MLC_OK
                   : bad_value(cli, o, text, where, "a size (512K, 2M, 30MiB)");
    case OPT_KIND_time:
        return parse_time(text, &v->num) ? MLC_OK
                                         : bad_value(cli, o, text, where, "a time (5ms, 200us)");
    case OPT_KIND_string:
        return *text ? MLC_OK : bad_value(cli, o, text, where, "a name");
    case OPT_KIND_choice:
        return check_choice(cli, o, text, where);
    case OPT_KIND_list:
        return set_list(cli, o, text, where);
    }
    return MLC_BUG;
}

Status cli_set(Cli *cli, OptionId o, const char *text, Loc where)
{
    if (!option_table[o].ready)
        return diag_error(cli->ctx, E0501, where, MLC_USAGE,
                          "option '%s' is not available in this version", spelled(cli, o));
    TRY(set_value(cli, o, text, where));
    cli->opt[o].text = text;
    cli->opt[o].given = true;
    return MLC_OK;
}

static Status set_defaults(Cli *cli)
{
    for (int i = 0; i < OPT_COUNT; i++) {
        const char *dflt = option_table[i].dflt;
        if (cli->opt[i].given || !dflt)
            continue;
        TRY(set_value(cli, (OptionId)i, dflt, (Loc){0}));
        cli->opt[i].text = dflt;
    }
    return MLC_OK;
}

/* ---- the command line ---- */

typedef struct Parser {
    Cli  *cli;
    int   at;
    bool  has_command;
    VEC(const char *) args;
} Parser;

static bool applies(const Parser *p, OptionId o)
{
    uint64_t cmds = option_table[o].cmds;
    return p->has_command ? (cmds >> p->cli->id & 1) != 0 : cmds == UINT64_MAX;
}

/* The command word: sets the command, or says what is wrong with it. */
static Status take_command(Parser *p, const char *word)
{
    Cli *cli = p->cli;
    static const char *const reserved[] = {
#define COMMAND(id, usage, min, max, group, line, text)
#define RESERVED(name) name,
#include "cli/commands.def"
#undef COMMAND
    };
    const char *known[CMD_COUNT];
    for (int i = 0; i < CMD_COUNT; i++)
        known[i] = command_table[i].name;
    cli->id = command_find(word);
    if (cli->id != CMD_COUNT) {
        cli->command = &command_table[cli->id];
        p->has_command = true;
        return MLC_OK;
    }
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (str_eq(word, reserved[i]))
            return diag_error(cli->ctx, E0501, (Loc){0}, MLC_USAGE,
                              "command '%s' is not available in this version", word);
    return unknown_word(cli->ctx, "command", word, known, CMD_COUNT,
                        "'mlc -h' lists the commands");
}

static Status unknown_option(Parser *p, const char *word)
{
    Cli *cli = p->cli;
    const char *known[OPT_COUNT + 1];
    size_t n = 0;
    for (int i = 0; i < OPT_COUNT; i++) {
        if (applies(p, (OptionId)i) && option_table[i].ready && option_is_named(&option_table[i]))
            known[n++] = spelled(cli, (OptionId)i);
        else if (str_starts(word, "--") && str_eq(word + 2, option_table[i].name) &&
                 p->has_command)
            return diag_error(cli->ctx, E0501, (Loc){0}, MLC_USAGE,
                              "option '%s' does not belong to 'mlc %s'", word,
                              cli->command->name);
    }
    const char *help = p->has_command
                           ? arena_printf(cli->arena, "'mlc %s -h' lists the options",
                                          cli->command->name)
                           : "'mlc -h' shows how mlc is called; options of a command come after it";
    return unknown_word(cli->ctx, "option", word, known, n, help);
}

/* The option's argument when it is a word of its own. */
static Status next_word(Parser *p, OptionId o, const char *written, const char **out)
{
    Cli *cli = p->cli;
    const char *word = p->at < cli->argc ? cli->argv[p->at] : NULL;
    bool looks_like_option = word && word[0] == '-' && word[1] && word[1] != '.' &&
                             !(word[1] >= '0' && word[1] <= '9');
    if (word && str_eq(option_table[o].arg, "OPTIONS"))
        looks_like_option = false; /* that is what it shall look like */
    if (!word || looks_like_option) {
        diag_report(cli->ctx, E0503, (Loc){0}, "option '%s' needs an argument: %s", written,
                    option_table[o].arg);
        if (word)
            diag_help(cli->ctx, "write --%s=%s if '%s' is meant", option_table[o].name, word, word);
        return MLC_USAGE;
    }
    p->at++;
    *out = word;
    return MLC_OK;
}

static Status take_long(Parser *p, const char *word)
{
    Cli *cli = p->cli;
    const char *eq = strchr(word, '=');
    size_t n = eq ? (size_t)(eq - word) : strlen(word);
    const char *name = arena_strndup(cli->arena, word + 2, n - 2);
    bool negated = !eq && str_starts(name, "no-");
    for (int i = 0; i < OPT_COUNT; i++) {
        const Option *row = &option_table[i];
        OptionId o = (OptionId)i;
        if (!applies(p, o))
            continue;
        if (negated && row->kind == OPT_KIND_bool && str_eq(name + 3, row->name))
            return cli_set(cli, o, "false", (Loc){0});
        if (!str_eq(name, row->name))
            continue;
        if (row->kind == OPT_KIND_bool && eq && row->ready)
            return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                              "option '--%s' takes no argument", name);
        const char *value = row->kind == OPT_KIND_bool ? "true" : eq ? eq + 1 : NULL;
        if (o == OPT_verbose)
            cli->verbose++;
        if (!value && row->ready)
            TRY(next_word(p, o, word, &value));
        return cli_set(cli, o, value, (Loc){0});
    }
    return unknown_option(p, arena_printf(cli->arena, "--%s", name));
}

/* -MD, -MF FILE, -MFFILE: options with a long name and one dash. */
static Status take_capital(Parser *p, const char *word, bool *taken)
{
    Cli *cli = p->cli;
    for (int i = 0; i < OPT_COUNT; i++) {
        const Option *row = &option_table[i];
        const char *value = word + 1 + strlen(row->name);
        if (!row->name[1] || str_eq(option_dashes(row), "--") || !applies(p, (OptionId)i) ||
            !str_starts(word + 1, row->name) || (row->kind == OPT_KIND_bool && *value))
            continue;
        *taken = true;
        if (row->kind == OPT_KIND_bool)
            value = "true";
        else if (!*value)
            TRY(next_word(p, (OptionId)i, word, &value));
        return cli_set(cli, (OptionId)i, value + (*value == '='), (Loc){0});
    }
    return MLC_OK;
}

/* -v, -vq, -j2, -j 2 */
static Status take_short(Parser *p, const char *word)
{
    Cli *cli = p->cli;
    bool taken = false;
    TRY(take_capital(p, word, &taken));
    for (const char *at = word + 1; *at && !taken; at++) {
        int i = 0;
        while (i < OPT_COUNT && !(option_table[i].sh == *at && applies(p, (OptionId)i)))
            i++;
        const char *written = arena_printf(cli->arena, "-%c", *at);
        if (i == OPT_COUNT)
            return unknown_option(p, word[2] ? word : written);
        OptionId o = (OptionId)i;
        if (option_table[i].kind == OPT_KIND_bool) {
            cli->verbose += o == OPT_verbose;
            TRY(cli_set(cli, o, "true", (Loc){0}));
            continue;
        }
        const char *value = at[1] == '=' ? at + 2 : at + 1;
        if (!*value && option_table[i].ready)
            TRY(next_word(p, o, written, &value));
        return cli_set(cli, o, value, (Loc){0});
    }
    return MLC_OK;
}

static Status take_all(Parser *p)
{
    Cli *cli = p->cli;
    bool options = true;
    for (p->at = 1; p->at < cli->argc;) {
        const char *word = cli->argv[p->at++];
        if (options && str_eq(word, "--"))
            options = false;
        else if (options && str_starts(word, "--"))
            TRY(take_long(p, word));
        else if (options && word[0] == '-' && word[1])
            TRY(take_short(p, word));
        else if (!p->has_command)
            TRY(take_command(p, word));
        else
            vec_push(cli->arena, &p->args, word);
    }
    return MLC_OK;
}

static Status check_operands(Cli *cli)
{
    const Command *m = cli->command;
    if (cli->nargs < m->min_args) {
        diag_report(cli->ctx, E0503, (Loc){0}, "'mlc %s' needs %s", m->name, m->usage);
        diag_help(cli->ctx, "'mlc %s -h' shows how it is called", m->name);
        return MLC_USAGE;
    }
    if (m->max_args >= 0 && cli->nargs > m->max_args)
        return diag_error(cli->ctx, E0503, (Loc){0}, MLC_USAGE,
                          "'mlc %s' takes %d operand%s, but there is also '%s'", m->name,
                          m->max_args, m->max_args == 1 ? "" : "s", cli->arg[m->max_args]);
    return MLC_OK;
}

/* Every -X names a switch that exists. */
static Status check_switches(Cli *cli)
{
    static const char *const known[] = {
#define SWITCH(name, arg, help) name,
#include "cli/switches.def"
#undef SWITCH
    };
    const OptionValue *v = &cli->opt[OPT_x];
    for (int i = 0; i < v->nlist; i++) {
        size_t k = 0, n = strcspn(v->list[i], "=");
        while (k < COUNT_OF(known) &&
               !(strlen(known[k]) == n && memcmp(known[k], v->list[i], n) == 0))
            k++;
        if (k == COUNT_OF(known))
            return unknown_word(cli->ctx, "switch of -X",
                                arena_strndup(cli->arena, v->list[i], n), known, COUNT_OF(known),
                                "'mlc list x' lists them");
    }
    return MLC_OK;
}

/* --config FILE, else mlc.toml where mlc was started, if it is there. Commands that only inform do
 * not depend on it. */
static Status read_config(Cli *cli)
{
    static const CommandId informing[] = {CMD_help, CMD_version, CMD_list, CMD_completion,
                                          CMD_doctor};
    OptionValue *v = &cli->opt[OPT_config];
    bool         informs = false;
    for (size_t i = 0; i < COUNT_OF(informing); i++)
        informs |= cli->id == informing[i];
    if (!v->given && !informs && access("mlc.toml", F_OK) == 0)
        v->text = "mlc.toml";
    else if (v->given && str_eq(v->text, "none"))
        v->text = NULL;
    if (!v->text)
        return MLC_OK;
    TRY(config_read(cli, v->text));
    if (!v->given)
        talk_more(cli, "options from mlc.toml\n");
    return MLC_OK;
}

Status cli_parse(Cli *cli, int argc, char **argv)
{
    Parser p = {.cli = cli};
    cli->argc = argc;
    cli->argv = argv;
    cli->id = CMD_COUNT;
    Status s = take_all(&p);
    cli->arg = p.args.at;
    cli->nargs = (int)p.args.len;
    TRY(s);
    if (opt_flag(cli, OPT_help) || opt_flag(cli, OPT_version)) {
        OptionId which = opt_flag(cli, OPT_help) ? OPT_help : OPT_version;
        if (which == OPT_help && p.has_command)
            cli->opt[OPT_help].num = cli->id + 1; /* the page of this command */
        cli->id = which == OPT_help ? CMD_help : CMD_version;
        cli->command = &command_table[cli->id];
        cli->nargs = 0;
    }
    if (cli->id == CMD_COUNT) {
        diag_report(cli->ctx, E0503, (Loc){0}, "mlc needs a command");
        diag_help(cli->ctx, "'mlc -h' lists the commands");
        return MLC_USAGE;
    }
    TRY(read_config(cli));
    TRY(set_defaults(cli));
    TRY(check_switches(cli));
    return check_operands(cli);
}

const char *opt_x(const Cli *cli, const char *name)
{
    const OptionValue *v = &cli->opt[OPT_x];
    size_t n = strlen(name);
    for (int i = v->nlist - 1; i >= 0; i--)
        if (str_starts(v->list[i], name) && (v->list[i][n] == '=' || !v->list[i][n]))
            return v->list[i][n] ? v->list[i] + n + 1 : "";
    return NULL;
}
