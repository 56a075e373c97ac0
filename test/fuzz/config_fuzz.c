/* Bytes -> mlc.toml, read for `mlc optimize` and for `mlc run`. */
#include "cli/cli.h"
#include "test/fuzz/fuzz.h"

static Status read_for(FuzzInput *in, CommandId id, const char *path)
{
    Cli *cli = NEW(in->arena, Cli);
    cli->ctx = in->ctx;
    cli->arena = in->arena;
    cli->id = id;
    cli->command = &command_table[id];
    return config_read(cli, path);
}

static Status body(FuzzInput *in)
{
    const char *path = fuzz_file(in->data, in->size, "mlc.toml");
    TRY(read_for(in, CMD_optimize, path));
    return read_for(in, CMD_run, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(data, size, body);
}
