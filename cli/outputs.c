/* Output files of optimize: see outputs.h. */
#include "cli/outputs.h"

#include "cli/depfile.h"
#include "codegen/run/tempdir.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *word, *suffix;
    bool        needs_program;
} kinds[OUTPUT_COUNT] = {
#define OUTPUT(id, word, suffix, program) [OUTPUT_##id] = {word, suffix, program},
#include "cli/outputs.def"
#undef OUTPUT
};

/* Every file, data before what refers to it. */
enum { FILE_COUNT = OUTPUT_COUNT + 4 };
static Output *file_at(Outputs *o, int k)
{
    return k == 0                  ? &o->onnx_data
           : k <= OUTPUT_COUNT     ? &o->at[k - 1]
           : k == OUTPUT_COUNT + 1 ? &o->weights
           : k == FILE_COUNT - 1 ? &o->depfile
                                 : &o->times;
}

static bool is_stdout(const Output *out)
{
    return str_eq(out->path, "-");
}

static OutputKind kind_of_word(const char *word)
{
    int k = 0;
    while (k < OUTPUT_COUNT && !str_eq(kinds[k].word, word))
        k++;
    return (OutputKind)k;
}

/* The kind whose suffix ends the path, or OUTPUT_COUNT. */
static OutputKind kind_of_suffix(const char *path)
{
    int k = 0;
    while (k < OUTPUT_COUNT && !(str_ends(path, kinds[k].suffix) &&
                                 strlen(path_base(path)) > strlen(kinds[k].suffix)))
        k++;
    return (OutputKind)k;
}

static Status check_reserved(Cli *cli, const char *path)
{
    static const char *const reserved[] = {
#define OUTPUT(id, word, suffix, program)
#define RESERVED(suffix) suffix,
#include "cli/outputs.def"
#undef OUTPUT
    };
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (str_ends(path, reserved[i]))
            return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                              "writing '*%s' files is not available in this version", reserved[i]);
    return MLC_OK;
}

static bool is_dir(const char *path)
{
    struct stat st;
    return str_ends(path, "/") || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

/* An output onto the model itself would destroy it. */
static Status check_not_model(Cli *cli, const char *path, const char *model)
{
    struct stat a, b;
    if (stat(path, &a) != 0 || stat(model, &b) != 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino)
        return MLC_OK;
    diag_report(cli->ctx, E0003, (Loc){.file = path}, "'%s' is the model itself", path);
    diag_help(cli->ctx, "-o names other outputs");
    return MLC_USAGE;
}

static Status one_file(Cli *cli, const char *path, OutputKind k, Outputs *o)
{
    const OptionValue *emit = &cli->opt[OPT_emit];
    for (int i = 0; emit->given && i < emit->nlist; i++)
        if (kind_of_word(emit->list[i]) != k)
            return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                              "-o %s names one file, which contradicts --emit %s", path,
                              emit->list[i]);
    o->at[k] = (Output){.wanted = true, .path = path, .file.fd = -1};
    o->base = arena_strndup(cli->arena, path, strlen(path) - strlen(kinds[k].suffix));
    return MLC_OK;
}

static Status to_stdout(Cli *cli, Outputs *o)
{
    const OptionValue *emit = &cli->opt[OPT_emit];
    if (!emit->given || emit->nlist != 1) {
        diag_report(cli->ctx, E0502, (Loc){0}, "-o - needs exactly one --emit");
        diag_help(cli->ctx, "--emit asm -o -");
        return MLC_USAGE;
    }
    if (opt_flag(cli, OPT_json))
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "-o - and --json both want standard output");
    o->to_stdout = true;
    o->at[kind_of_word(emit->list[0])] = (Output){.wanted = true, .path = "-", .file.fd = -1};
    return MLC_OK;
}

static Status plan_paths(Cli *cli, const char *given, const char *stem, Outputs *o)
{
    OutputKind k = given ? kind_of_suffix(given) : OUTPUT_COUNT;
    o->base = !given        ? arena_printf(cli->arena, "./%s", stem)
              : is_dir(given) ? arena_printf(cli->arena, "%s%s%s", given,
                                             str_ends(given, "/") ? "" : "/", stem)
                              : given;
    if (given && str_eq(given, "-")) {
        o->base = stem;
        return to_stdout(cli, o);
    }
    if (k != OUTPUT_COUNT && !is_dir(given))
        return one_file(cli, given, k, o);
    if (given)
        TRY(check_reserved(cli, given));
    const OptionValue *emit = &cli->opt[OPT_emit];
    for (int i = 0; i < emit->nlist; i++) {
        k = kind_of_word(emit->list[i]);
        assert(k != OUTPUT_COUNT);
        o->at[k] = (Output){
            .wanted = true,
            .path = arena_printf(cli->arena, "%s%s", o->base, kinds[k].suffix),
            .file.fd = -1,
        };
    }
    return MLC_OK;
}

Status outputs_plan(Cli *cli, const char *model, Outputs *o)
{
    *o = (Outputs){0};
    const char *stem = str_eq(model, "-") ? "model" : path_stem(cli->arena, model);
    TRY(plan_paths(cli, opt_text(cli, OPT_output), stem, o));
    o->name = path_base(o->base);
    if (o->at[OUTPUT_report].wanted && !o->to_stdout)
        o->times = (Output){
            .wanted = true,
            .path = arena_printf(cli->arena, "%s.time.json", o->base),
            .file.fd = -1,
        };
    TRY(depfile_plan(cli, o));
    for (int k = 0; k < FILE_COUNT; k++)
        if (file_at(o, k)->wanted && !is_stdout(file_at(o, k)) && !str_eq(model, "-"))
            TRY(check_not_model(cli, file_at(o, k)->path, model));
    return MLC_OK;
}

Status outputs_plan_one(Cli *cli, const char *model, const char *path, OutputKind kind, Outputs *o)
{
    *o = (Outputs){.base = path, .name = path_base(path), .to_stdout = str_eq(path, "-")};
    o->at[kind] = (Output){.wanted = true, .path = path, .file.fd = -1};
    return o->to_stdout || str_eq(model, "-") ? MLC_OK : check_not_model(cli, path, model);
}

Status outputs_as_source(Cli *cli, const char *model, Outputs *o)
{
    Output *c = &o->at[OUTPUT_c];
    if (opt_given(cli, OPT_emit) || !o->at[OUTPUT_obj].wanted || !o->at[OUTPUT_header].wanted)
        return MLC_OK;
    *c = o->at[OUTPUT_obj];
    o->at[OUTPUT_obj].wanted = false;
    c->path = arena_printf(cli->arena, "%s%s", o->base, kinds[OUTPUT_c].suffix);
    return str_eq(model, "-") ? MLC_OK : check_not_model(cli, c->path, model);
}

bool outputs_need_program(const Outputs *o)
{
    for (int k = 0; k < OUTPUT_COUNT; k++)
        if (o->at[k].wanted && kinds[k].needs_program)
            return true;
    return false;
}

static Status open_one(Cli *cli, Outputs *o, Output *out)
{
    if (!out->wanted)
        return MLC_OK;
    const char *path =
        is_stdout(out) ? arena_printf(cli->arena, "%s/stdout", o->temp_dir) : out->path;
    return file_out_open(cli->ctx, path, &out->file);
}

Status outputs_open(Cli *cli, Outputs *o)
{
    TRY(temp_dir_make(cli->ctx, cli->arena, &o->temp_dir));
    for (int k = 0; k < FILE_COUNT; k++)
        TRY(open_one(cli, o, file_at(o, k)));
    return MLC_OK;
}

Status outputs_add_data(Cli *cli, Outputs *o, const char *path)
{
    if (o->to_stdout)
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "a model with external data cannot go to standard output");
    o->onnx_data = (Output){.wanted = true, .path = path, .file.fd = -1};
    return open_one(cli, o, &o->onnx_data);
}

Status outputs_add_weights(Cli *cli, Outputs *o, const char *model)
{
    if (o->to_stdout)
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "an artifact with its weights in a file cannot go to standard output");
    o->weights = (Output){
        .wanted = true,
        .path = arena_printf(cli->arena, "%s.weights", o->base),
        .file.fd = -1,
    };
    if (!str_eq(model, "-"))
        TRY(check_not_model(cli, o->weights.path, model));
    return open_one(cli, o, &o->weights);
}

Status output_write(Cli *cli, Output *out, const Str *text)
{
    if (!out->wanted)
        return MLC_OK;
    return file_out_write(cli->ctx, &out->file, str_text(text), text->len);
}

const char *output_tmp(Outputs *o, OutputKind k)
{
    return o->at[k].wanted ? o->at[k].file.tmp_path : NULL;
}

static Status copy_to_stdout(Cli *cli, const char *path)
{
    FileMap map;
    TRY(file_map(cli->ctx, path, &map));
    bool ok = fwrite(map.data, 1, map.size, stdout) == map.size || errno == EPIPE;
    int err = errno;
    file_unmap(&map);
    return ok ? MLC_OK
              : diag_error(cli->ctx, E0003, (Loc){0}, MLC_SYSTEM,
                           "cannot write standard output: %s", strerror(err));
}

Status outputs_commit(Cli *cli, Outputs *o)
{
    Status s = MLC_OK;
    for (int k = 0; k < FILE_COUNT && s == MLC_OK; k++)
        if (file_at(o, k)->wanted)
            s = file_out_finish(cli->ctx, &file_at(o, k)->file);
    for (int k = 0; k < FILE_COUNT && s == MLC_OK; k++) {
        Output *out = file_at(o, k);
        if (out->wanted)
            s = is_stdout(out) ? copy_to_stdout(cli, out->file.tmp_path)
                               : file_out_commit(cli->ctx, &out->file);
    }
    return s;
}

void outputs_close(Outputs *o)
{
    for (int k = 0; k < FILE_COUNT; k++) {
        Output *out = file_at(o, k);
        if (out->wanted && out->file.tmp_path)
            file_out_abort(&out->file);
    }
    if (o->temp_dir)
        temp_dir_remove(o->temp_dir);
    o->temp_dir = NULL;
}
