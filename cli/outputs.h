/* Which files optimize writes, and their appearance all together: each is written under a temporary
 * name first; nothing is renamed before everything is complete. */
#ifndef MLC_CLI_OUTPUTS_H
#define MLC_CLI_OUTPUTS_H

#include "cli/cli.h"
#include "ir/base/file.h"

typedef enum OutputKind {
#define OUTPUT(id, word, suffix, program) OUTPUT_##id,
#include "cli/outputs.def"
#undef OUTPUT
    OUTPUT_COUNT
} OutputKind;

typedef struct Output {
    bool        wanted;
    const char *path; /* "-": stdout */
    FileOut     file; /* open from outputs_open() on; path "-": in a temporary folder */
} Output;

typedef struct Outputs {
    Output      at[OUTPUT_COUNT];
    Output      times;     /* PREFIX.time.json, with the report */
    Output      onnx_data; /* external data of the ONNX model; see outputs_add_data() */
    Output      weights;   /* of an artifact; see outputs_add_weights() */
    Output      depfile;   /* -MD; see depfile_plan() */
    const char *base;      /* "build/resnet" */
    const char *name;      /* "resnet": what symbols are made from */
    const char *temp_dir;  /* for what is not kept; NULL before outputs_open() */
    bool        to_stdout;
} Outputs;

/* Decides from -o and --emit. E0501, E0502, MLC_USAGE. */
Status outputs_plan(Cli *cli, const char *model, Outputs *o);
/* One file of a kind, at `path` or "-". */
Status outputs_plan_one(Cli *cli, const char *model, const char *path, OutputKind kind, Outputs *o);
/* For a target of C: the source takes the place of the object of the default --emit. */
Status outputs_as_source(Cli *cli, const char *model, Outputs *o);
bool   outputs_need_program(const Outputs *o);
/* Opens every file, so that a folder that cannot be written is found before the work. */
Status outputs_open(Cli *cli, Outputs *o);
/* Adds the file of external data, `path`. MLC_USAGE where the model goes to stdout. */
Status outputs_add_data(Cli *cli, Outputs *o, const char *path);
/* Adds PREFIX.weights beside the artifact. MLC_USAGE where that goes to stdout. */
Status outputs_add_weights(Cli *cli, Outputs *o, const char *model);
Status output_write(Cli *cli, Output *out, const Str *text);
/* Where a tool shall write the output; NULL when it is not wanted. */
const char *output_tmp(Outputs *o, OutputKind k);
/* Renames all, or copies to stdout. */
Status outputs_commit(Cli *cli, Outputs *o);
/* Removes what is temporary; harmless after commit. */
void   outputs_close(Outputs *o);

#endif
