/* Where weights go. An object reaches its read-only data by 32-bit offsets, so that more than 2 GiB
 * cannot be linked; long before, building and loading such objects costs more than a mapped file. */
#include "cli/weights.h"

#include "codegen/emit/object/weights_file.h"

#define AUTO_FILE_BYTES ((int64_t)1 << 30)
#define MOST_EMBEDDED_BYTES (((int64_t)2 << 30) - ((int64_t)64 << 20)) /* room for code */

Status weights_place(Cli *cli, const CompileOptions *o, const Programs *p, bool *in_file)
{
    const char *where = opt_text(cli, OPT_weights);
    int64_t bytes = p->at[0]->weights_bytes;
    char size[32], most[32];
    bool file = str_eq(where, "file"), embed = str_eq(where, "embed");
    *in_file = false;
    if (o->target.kind == TARGET_C && file)
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "--weights file: target '%s' has its weights in its source",
                          o->target.name);
    if (o->target.kind != TARGET_OBJECT)
        return MLC_OK;
    *in_file = file || (!embed && bytes > AUTO_FILE_BYTES);
    if (*in_file || bytes <= MOST_EMBEDDED_BYTES)
        return MLC_OK;
    diag_report(cli->ctx, E0404, (Loc){0},
                "weights of %s are too large to be inside of the artifact: programs cannot link more "
                "than %s",
                str_bytes(size, (double)bytes), str_bytes(most, (double)MOST_EMBEDDED_BYTES));
    diag_help(cli->ctx, "--weights file puts them beside it");
    return MLC_INPUT;
}

Status weights_to_file(Ctx *c, Programs *p, FileOut *out)
{
    TRY(weights_file_write(c, p->at, p->n, out, p->weights_identity));
    for (int k = 0; k < p->n; k++)
        p->at[k]->without_constants = true;
    return MLC_OK;
}
