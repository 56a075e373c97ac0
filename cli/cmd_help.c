/* mlc help, mlc version, mlc completion: pages made from the tables. */
#include "cli/cli.h"

Status cmd_help(Cli *cli)
{
    Str s = str_new(cli->arena);
    CommandId id = CMD_COUNT;
    bool page = cli->opt[OPT_help].num > 0; /* mlc CMD -h: see cli_parse() */
    if (page)
        id = (CommandId)(cli->opt[OPT_help].num - 1);
    else if (cli->nargs)
        id = command_find(cli->arg[0]);
    if (cli->nargs && id == CMD_COUNT) {
        const char *known[CMD_COUNT];
        for (int i = 0; i < CMD_COUNT; i++)
            known[i] = command_table[i].name;
        return unknown_word(cli->ctx, "command", cli->arg[0], known, CMD_COUNT,
                            "'mlc -h' lists the commands");
    }
    if (opt_flag(cli, OPT_man))
        help_man(&s);
    else if (id == CMD_COUNT)
        help_overview(&s);
    else if (page)
        help_page(&s, id);
    else
        help_manual(&s, id);
    out_text(str_text(&s));
    return MLC_OK;
}

Status cmd_version(Cli *cli)
{
    if (opt_flag(cli, OPT_json))
        out_printf("{\"name\":\"mlc\",\"version\":\"%s\",\"abi\":1}\n", MLC_VERSION);
    else
        out_printf("mlc %s\nLicense: Apache-2.0; generated code and runtime 0BSD\n", MLC_VERSION);
    return MLC_OK;
}

Status cmd_completion(Cli *cli)
{
    Str s = str_new(cli->arena);
    static const char *const shells[] = {"bash", "zsh", "fish"};
    if (!completion_script(&s, cli->arg[0]))
        return unknown_word(cli->ctx, "shell", cli->arg[0], shells, COUNT_OF(shells),
                            "the shells are bash, zsh and fish");
    out_text(str_text(&s));
    return MLC_OK;
}
