/* Completion scripts for bash, zsh and fish, made from the tables. */
#include "cli/cli.h"

/* The values of an option: its choices, or what its argument is made of. */
static void values(Str *s, const Option *o)
{
    if (o->choices) {
        char *copy = arena_strdup(s->arena, o->choices), *save;
        for (char *w = strtok_r(copy, "|", &save); w; w = strtok_r(NULL, "|", &save))
            if (*w != '!')
                str_printf(s, "%s%s", s->len && s->at[s->len - 1] != '(' ? " " : "", w);
    } else if (o->arg && str_eq(o->arg, "TARGET")) {
        str_add(s, "$(mlc list targets -q 2>/dev/null | cut -d' ' -f1)");
    }
}

static bool offered(const Option *o, int cmd)
{
    return option_shown(o, (CommandId)cmd) && option_is_named(o);
}

static bool takes_words(const Option *o)
{
    return o->choices || (o->arg && str_eq(o->arg, "TARGET"));
}

/* The operands of a command when they are words ("bash|zsh|fish"), else NULL. */
static const char *operand_words(Arena *a, CommandId id)
{
    if (id == CMD_list || id == CMD_completion) {
        char *copy = arena_strdup(a, command_table[id].usage);
        for (char *p = copy; *p; p++)
            if (*p == '|')
                *p = ' ';
        return copy;
    }
    if (id != CMD_help)
        return NULL;
    Str s = str_new(a);
    for (int i = 0; i < CMD_COUNT; i++)
        str_printf(&s, "%s%s", i ? " " : "", command_table[i].name);
    return str_text(&s);
}

static void bash(Str *s)
{
    str_add(s, "_mlc()\n{\n"
               "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= w\n"
               "    for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
               "        case $w in -*) ;; *) cmd=$w; break ;; esac\n    done\n"
               "    if [[ $cur == = ]]; then cur=; fi\n"
               "    if [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
               "    case $cmd:$prev in\n");
    for (int i = 0; i < OPT_COUNT; i++) {
        const Option *o = &option_table[i];
        if (!o->ready || !takes_words(o))
            continue;
        str_printf(s, "    *:%s%s%s%.1s) COMPREPLY=($(compgen -W \"", option_dashes(o), o->name,
                   o->sh ? "|*:-" : "", o->sh ? &o->sh : "");
        Str v = str_new(s->arena);
        values(&v, o);
        str_printf(s, "%s\" -- \"$cur\")); return ;;\n", str_text(&v));
    }
    str_add(s, "    esac\n    case $cmd in\n    '') w='");
    for (int i = 0; i < CMD_COUNT; i++)
        str_printf(s, "%s ", command_table[i].name);
    str_add(s, "--help --version' ;;\n");
    for (int i = 0; i < CMD_COUNT; i++) {
        const char *words = operand_words(s->arena, (CommandId)i);
        str_printf(s, "    %s) w='%s", command_table[i].name, words ? words : "");
        for (int k = 0; k < OPT_COUNT; k++)
            if (offered(&option_table[k], i))
                str_printf(s, " %s%s", option_dashes(&option_table[k]), option_table[k].name);
        str_add(s, "' ;;\n");
    }
    str_add(s, "    *) w= ;;\n    esac\n"
               "    COMPREPLY=($(compgen -W \"$w\" -- \"$cur\"))\n"
               "    [[ $cur == -* ]] || COMPREPLY+=($(compgen -f -- \"$cur\"))\n}\n"
               "complete -o filenames -F _mlc mlc\n");
}

/* Help text inside single quotes and brackets of zsh, or single quotes of fish. */
static void quoted(Str *s, const char *text, const char *escaped)
{
    for (; *text; text++) {
        if (*text == '\'')
            str_add(s, "'\\''");
        else if (strchr(escaped, *text))
            str_printf(s, "\\%c", *text);
        else
            str_addc(s, *text);
    }
}

static void zsh(Str *s)
{
    str_add(s, "#compdef mlc\n_mlc() {\n  local -a commands\n  commands=(\n");
    for (int i = 0; i < CMD_COUNT; i++) {
        str_printf(s, "    '%s:", command_table[i].name);
        quoted(s, command_table[i].line, ":");
        str_add(s, "'\n");
    }
    str_add(s, "  )\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
               "  case $words[2] in\n");
    for (int i = 0; i < CMD_COUNT; i++) {
        str_printf(s, "  %s) _arguments", command_table[i].name);
        for (int k = 0; k < OPT_COUNT; k++) {
            const Option *o = &option_table[k];
            if (!offered(o, i))
                continue;
            bool two = str_eq(option_dashes(o), "--");
            str_printf(s, " \\\n    '%s%s%s[", option_dashes(o), o->name,
                       o->arg && two ? "=" : "");
            quoted(s, o->help, "[]:");
            str_add(s, "]");
            if (o->arg) {
                str_add(s, ":");
                quoted(s, o->arg, ":[]");
                str_add(s, takes_words(o) ? ":(" : ":_files");
                if (takes_words(o) && o->choices)
                    values(s, o);
                else if (takes_words(o))
                    str_add(s, "'$(mlc list targets -q 2>/dev/null | cut -d\" \" -f1)'");
                str_add(s, takes_words(o) ? ")" : "");
            }
            str_add(s, "'");
        }
        const char *words = operand_words(s->arena, (CommandId)i);
        if (words)
            str_printf(s, " \\\n    '2:word:(%s)'", words);
        else
            str_add(s, " \\\n    '*:file:_files'");
        str_add(s, " ;;\n");
    }
    str_add(s, "  esac\n}\n_mlc \"$@\"\n");
}

static void fish(Str *s)
{
    for (int i = 0; i < CMD_COUNT; i++) {
        const Command *m = &command_table[i];
        str_printf(s, "complete -c mlc -n __fish_use_subcommand -f -a %s -d '", m->name);
        quoted(s, m->line, "");
        str_add(s, "'\n");
        const char *words = operand_words(s->arena, (CommandId)i);
        if (words)
            str_printf(s, "complete -c mlc -n '__fish_seen_subcommand_from %s' -f -a '%s'\n",
                       m->name, words);
        for (int k = 0; k < OPT_COUNT; k++) {
            const Option *o = &option_table[k];
            if (!offered(o, i))
                continue;
            bool two = str_eq(option_dashes(o), "--");
            str_printf(s, "complete -c mlc -n '__fish_seen_subcommand_from %s'", m->name);
            if (two || option_is_named(o))
                str_printf(s, " %s %s", two ? "-l" : "-o", o->name);
            if (o->sh)
                str_printf(s, " -s %c", o->sh);
            if (takes_words(o)) {
                Str v = str_new(s->arena);
                values(&v, o);
                str_add(s, " -x -a '");
                quoted(s, str_text(&v)[0] == '$' ? "(mlc list targets -q | string split -f1 ' ')"
                                                 : str_text(&v), "");
                str_add(s, "'");
            } else if (o->arg) {
                str_add(s, " -r");
            }
            str_add(s, " -d '");
            quoted(s, o->help, "");
            str_add(s, "'\n");
        }
    }
}

bool completion_script(Str *s, const char *shell)
{
    static const struct {
        const char *name;
        void      (*write)(Str *s);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < COUNT_OF(shells); i++)
        if (str_eq(shell, shells[i].name)) {
            shells[i].write(s);
            return true;
        }
    return false;
}
