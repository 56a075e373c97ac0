/* The command line: one table of options, one of commands, and what every command receives.
 *
 *     Status cmd_inspect(Cli *cli)
 *     {
 *         const char *model = cli->arg[0];
 *         if (opt_flag(cli, OPT_json)) ...
 *
 * A command prints its results with out_printf() (stdout, checked when mlc ends) and its talk with
 * talk() (stderr, silenced by -q). It reports what is wrong as diagnostics and returns a Status,
 * which is the exit code. Diagnostics are printed as they come: a command never prints them. */
#ifndef MLC_CLI_H
#define MLC_CLI_H

#include "ir/base/arena.h"
#include "ir/base/ctx.h"
#include "ir/base/str.h"

/* ---- tables ---- */
typedef enum CommandId {
#define COMMAND(id, usage, min, max, group, line, text) CMD_##id,
#include "cli/commands.def"
#undef COMMAND
    CMD_COUNT
} CommandId;

typedef enum OptionId {
#define OPTION(id, name, sh, arg, kind, cmds, dflt, choices, group, status, help) OPT_##id,
#include "cli/options.def"
#undef OPTION
    OPT_COUNT
} OptionId;

typedef enum OptionKind {
    OPT_KIND_bool,
    OPT_KIND_int,
    OPT_KIND_float,
    OPT_KIND_size,   /* 512K 2M 30MiB: bytes */
    OPT_KIND_time,   /* 5ms 200us 2s: nanoseconds */
    OPT_KIND_string,
    OPT_KIND_choice, /* one of `choices` */
    OPT_KIND_list,   /* may be given several times, order kept */
} OptionKind;

typedef struct Cli Cli;

typedef struct Command {
    const char *name, *usage;
    int         min_args, max_args; /* max -1: any number */
    const char *group, *line, *text;
    Status    (*run)(Cli *cli);
} Command;

typedef struct Option {
    const char *name;
    char        sh;      /* short name or 0 */
    const char *arg;     /* placeholder, NULL for bool */
    OptionKind  kind;
    uint64_t    cmds;    /* bit CMD_x: which commands have it */
    const char *dflt;    /* text of the default or NULL */
    const char *choices; /* "a|b|c" or NULL */
    const char *group;
    bool        ready;   /* false: reserved, refused with exit 2 */
    const char *help;
} Option;

extern const Command command_table[CMD_COUNT];
extern const Option  option_table[OPT_COUNT];

/* ---- what a command receives ---- */
typedef struct OptionValue {
    bool        given; /* on the command line or in --config; not by default */
    bool        flag;
    int64_t     num;   /* int, size, time */
    double      real;  /* float */
    const char *text;  /* as given, or the default; NULL */
    const char **list;
    int         nlist;
} OptionValue;

struct Cli {
    Ctx            *ctx;
    Arena          *arena;   /* lives as long as the command */
    CommandId       id;
    const Command  *command;
    int             nargs;   /* operands */
    const char    **arg;
    int             argc;    /* the whole command line, for reports */
    char          **argv;
    bool            quiet;
    int             verbose; /* number of -v */
    bool            color;   /* on stderr */
    OptionValue     opt[OPT_COUNT];
};

static inline bool        opt_given(const Cli *c, OptionId o) { return c->opt[o].given; }
static inline bool        opt_flag(const Cli *c, OptionId o) { return c->opt[o].flag; }
static inline int64_t     opt_int(const Cli *c, OptionId o) { return c->opt[o].num; }
static inline double      opt_float(const Cli *c, OptionId o) { return c->opt[o].real; }
static inline const char *opt_text(const Cli *c, OptionId o) { return c->opt[o].text; }
/* Values of a list option: `for (int i = 0; i < c->opt[OPT_dim].nlist; i++) c->opt[OPT_dim].list[i]` */

/* Value of `-X name=value`: "" for a bare name, NULL when not given. */
const char *opt_x(const Cli *cli, const char *name);

/* ---- parsing ---- */
/* Understands argv[1..]. Errors: E0501, E0502, E0503 with MLC_USAGE. `-h` and `-V` choose the
 * commands help and version. */
Status cli_parse(Cli *cli, int argc, char **argv);
/* Sets one option from text, as on the command line. `where` is for messages. */
Status cli_set(Cli *cli, OptionId o, const char *text, Loc where);
/* Reads options from a configuration file; what the command line gave wins. */
Status config_read(Cli *cli, const char *path);
/* "30MiB" -> bytes, "5ms" -> nanoseconds. False: malformed, negative or too large. */
bool parse_size(const char *text, int64_t *bytes);
bool parse_time(const char *text, int64_t *ns);

/* ---- output ---- */
/* stdout. A write error is found by out_close(). */
void out_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);
void out_text(const char *text);
/* Flushes stdout: E0003 and MLC_SYSTEM when something was lost. */
Status out_close(Ctx *c);
struct json_t;
/* JSON and a line end on stdout. `flags` are json_dumps()'s. False: `o` is NULL. */
bool out_json(const struct json_t *o, size_t flags);
/* From here on, jansson's memory lies in `a`: it never returns NULL, and json_dumps()'s result must
 * not be freed. */
void json_memory(Arena *a);
/* stderr, unless -q. */
void talk(const Cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* stderr with -v only. */
void talk_more(const Cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* One line of progress: rewritten in place on a terminal, nothing elsewhere. "" clears it. */
void progress(const Cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Removes the progress line, before something else is written to the terminal. */
void progress_clear(void);

/* ---- diagnostics ---- */
typedef enum DiagFormat { DIAG_human, DIAG_json, DIAG_github, DIAG_sarif } DiagFormat;
/* Prints diagnostics on stderr as they come (json: one object a line); sarif as one document at the
 * end. */
void diag_print_start(Ctx *c, DiagFormat format, bool color);
/* What is still held back: the help of the newest one, or the whole document. */
void diag_print_finish(Ctx *c);
/* May stderr have colour: --color, NO_COLOR, TERM, terminal. */
bool color_wanted(const char *when);

/* ---- commands ---- */
#define COMMAND(id, usage, min, max, group, line, text) Status cmd_##id(Cli *cli);
#include "cli/commands.def"
#undef COMMAND

/* The command of a name, or CMD_COUNT. */
CommandId command_find(const char *name);
/* Reports an unknown command, target, ... with "did you mean". Returns MLC_USAGE. */
Status unknown_word(Ctx *c, const char *what, const char *word, const char *const *known,
                    size_t n, const char *help);

/* Has it a name of more than the one letter that follows a dash, as in -X? */
static inline bool option_is_named(const Option *o) { return o->name[1] || !o->sh; }
/* "--"; "-" for names like MD and X. */
const char *option_dashes(const Option *o);
/* Does the help of a command name the option? Reserved ones, and those that have one value only,
 * are left out. */
bool option_shown(const Option *o, CommandId id);
/* "auto, always, never": the choices that are not reserved, in `a`; NULL when it has none. */
const char *option_choices(Arena *a, const Option *o);
/* Pages made from the tables. */
void help_overview(Str *s);
void help_page(Str *s, CommandId id);   /* mlc CMD -h */
void help_manual(Str *s, CommandId id); /* mlc help CMD */
void help_man(Str *s);                  /* mlc.1 */
bool completion_script(Str *s, const char *shell);

#endif
