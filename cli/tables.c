/* The tables of options and commands, as data. */
#include "cli/cli.h"

#define ALL UINT64_MAX
#define ON(id) (UINT64_C(1) << CMD_##id)
enum { STATUS_later = false, STATUS_ready = true };

_Static_assert(CMD_COUNT <= 64, "commands are a bit set");

const Command command_table[CMD_COUNT] = {
#define COMMAND(id, usage, min, max, group, line, text) \
    [CMD_##id] = {#id, usage, min, max, group, line, text, cmd_##id},
#include "cli/commands.def"
#undef COMMAND
};

const Option option_table[OPT_COUNT] = {
#define OPTION(id, name, sh, arg, kind, cmds, dflt, choices, group, status, help) \
    [OPT_##id] = {name,    sh,    arg,           OPT_KIND_##kind, cmds, dflt, \
                  choices, group, STATUS_##status, help},
#include "cli/options.def"
#undef OPTION
};

const char *option_dashes(const Option *o)
{
    return *o->name >= 'A' && *o->name <= 'Z' ? "-" : "--";
}

CommandId command_find(const char *name)
{
    for (int i = 0; i < CMD_COUNT; i++)
        if (str_eq(command_table[i].name, name))
            return (CommandId)i;
    return CMD_COUNT;
}
