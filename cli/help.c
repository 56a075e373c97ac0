/* Help: the overview, a page and a manual for every command, made from the tables; 80 columns. */
#include "cli/cli.h"

enum { COLUMNS = 79, OPTION_COLUMN = 28 };

bool option_shown(const Option *o, CommandId id)
{
    const char *c = o->choices;
    if (!o->ready || !(o->cmds >> id & 1))
        return false;
    while (c && *c) { /* two that are not reserved? */
        c = strchr(c, '|');
        c += c != NULL;
        if (c && *c != '!')
            return true;
    }
    return !o->choices;
}

const char *option_choices(Arena *a, const Option *o)
{
    if (!o->choices)
        return NULL;
    Str s = str_new(a);
    char *save;
    for (char *w = strtok_r(arena_strdup(a, o->choices), "|", &save); w;
         w = strtok_r(NULL, "|", &save))
        if (*w != '!')
            str_printf(&s, "%s%s", s.len ? ", " : "", w);
    return str_text(&s);
}

/* Words of `text` from column `at` on, wrapped, continued at column `indent`. Ends the line. */
static void wrap(Str *s, const char *text, size_t at, size_t indent)
{
    while (*text) {
        size_t n = strcspn(text, " ");
        if (at > indent && at + 1 + n > COLUMNS) {
            str_printf(s, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            str_addc(s, ' ');
            at++;
        }
        str_addn(s, text, n);
        at += n;
        text += n;
        text += *text == ' ';
    }
    str_addc(s, '\n');
}

/* Lines of `text`, each wrapped. */
static void paragraphs(Str *s, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        wrap(s, arena_strndup(s->arena, text, n), 0, 0);
        text += n + (text[n] != 0);
    }
}

static void option_line(Str *s, const Option *o)
{
    size_t start = s->len;
    if (o->sh && option_is_named(o))
        str_printf(s, "  -%c, --%s", o->sh, o->name);
    else if (o->sh)
        str_printf(s, "  -%c", o->sh);
    else
        str_printf(s, "      %s%s", option_dashes(o), o->name);
    if (o->arg)
        str_printf(s, " %s", o->arg);
    size_t width = s->len - start;
    if (width >= OPTION_COLUMN)
        str_printf(s, "\n%*s", OPTION_COLUMN, "");
    else
        str_printf(s, "%*s", (int)(OPTION_COLUMN - width), "");

    Str help = str_new(s->arena);
    str_add(&help, o->help);
    const char *choices = option_choices(s->arena, o);
    bool has_default = o->dflt && !str_eq(o->dflt, "0");
    if (choices && has_default)
        str_printf(&help, " (%s; default %s)", choices, o->dflt);
    else if (choices || has_default)
        str_printf(&help, " (%s%s)", choices ? "" : "default ", choices ? choices : o->dflt);
    wrap(s, str_text(&help), OPTION_COLUMN, OPTION_COLUMN);
}

static bool is_general(const Option *o) { return o->cmds == UINT64_MAX; }

void help_overview(Str *s)
{
    str_add(s, "mlc compiles neural networks (ONNX) to native code that needs nothing else.\n\n"
               "usage: mlc COMMAND [OPTIONS] OPERANDS\n");
    const char *group = "";
    for (int i = 0; i < CMD_COUNT; i++) {
        const Command *m = &command_table[i];
        if (!str_eq(group, m->group))
            str_printf(s, "\n%s\n", m->group);
        group = m->group;
        str_printf(s, "  %-12s%s\n", m->name, m->line);
    }
    str_add(s, "\noptions of every command\n");
    for (int i = 0; i < OPT_COUNT; i++)
        if (is_general(&option_table[i]))
            option_line(s, &option_table[i]);
    str_add(s, "\nexit: 0 done, 1 the answer is no, 2 usage, 3 the model cannot be processed,\n"
               "4 file, memory or tool missing, 70 a bug in mlc\n"
               "'mlc COMMAND -h' is a page, 'mlc help COMMAND' the manual.\n");
}

static void usage_line(Str *s, const Command *m)
{
    str_printf(s, "usage: mlc %s [OPTIONS]%s%s\n", m->name, *m->usage ? " " : "", m->usage);
}

/* The options of a command by group, the general ones last and, on a page, only named. */
static void option_groups(Str *s, CommandId id, bool general_too)
{
    const char *group = "";
    for (int i = 0; i < OPT_COUNT; i++) {
        const Option *o = &option_table[i];
        if (!option_shown(o, id) || (is_general(o) && !general_too))
            continue;
        const char *g = is_general(o) ? "every command" : o->group;
        if (!str_eq(group, g))
            str_printf(s, "\n%s\n", g);
        group = g;
        option_line(s, o);
    }
}

void help_page(Str *s, CommandId id)
{
    const Command *m = &command_table[id];
    usage_line(s, m);
    str_printf(s, "%s\n", m->line);
    option_groups(s, id, false);
    str_add(s, "\nevery command also takes -v -q -j N --json --color WHEN --diag-format FORM\n"
               "--config FILE -h -V; ");
    str_printf(s, "'mlc help %s' is the manual.\n", m->name);
}

void help_manual(Str *s, CommandId id)
{
    const Command *m = &command_table[id];
    str_printf(s, "mlc %s: %s\n\n", m->name, m->line);
    usage_line(s, m);
    str_addc(s, '\n');
    paragraphs(s, m->text);
    option_groups(s, id, true);
}
