/* Words of a string of options: blanks part them, '...' and "..." keep them together, a backslash
 * takes the next character as it is. See words.h. */
#include "cli/words.h"

#include "ir/base/vec.h"

static Status unfinished(const Cli *cli, const char *text)
{
    return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE, "a quote does not end in '%s'", text);
}

Status words_reparse(const Cli *cli, const char *more, Cli *out)
{
    Arena *a = cli->arena;
    VEC(char *) argv = {0};
    for (int i = 0; i < cli->argc; i++)
        vec_push(a, &argv, cli->argv[i]);
    for (const char *at = more;;) {
        at += strspn(at, " \t\n");
        if (!*at)
            break;
        Str  word = str_new(a);
        char quote = 0;
        str_add(&word, "");
        for (; *at && (quote || !strchr(" \t\n", *at)); at++) {
            if (quote ? *at == quote : *at == '\'' || *at == '"')
                quote = quote ? 0 : *at;
            else if (*at == '\\' && quote != '\'' && at[1])
                str_addc(&word, *++at);
            else
                str_addc(&word, *at);
        }
        if (quote)
            return unfinished(cli, more);
        vec_push(a, &argv, arena_strdup(a, str_text(&word)));
    }
    int argc = (int)argv.len;
    vec_push(a, &argv, NULL);
    *out = (Cli){.ctx = cli->ctx, .arena = a, .quiet = cli->quiet, .color = cli->color};
    return cli_parse(out, argc, argv.at);
}
