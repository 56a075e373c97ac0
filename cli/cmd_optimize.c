/* mlc optimize: model -> artifact, header, report.
 *
 *     read -> passes -> lower -> code generator -> check -> all files appear
 *
 * One line is said for each phase, and every number in it was counted or measured. */
#include "cli/cli.h"
#include "cli/compile.h"
#include "cli/csource.h"
#include "cli/custom_op.h"
#include "cli/depfile.h"
#include "cli/facts.h"
#include "cli/gates.h"
#include "cli/outputs.h"
#include "cli/self_check.h"
#include "cli/weights.h"

#include "codegen/emit/header/header.h"
#include "codegen/emit/object/archive.h"
#include "codegen/emit/report/html.h"
#include "codegen/emit/report/report.h"
#include "frontend/onnx/writer.h"
#include "ir/base/file.h"

#include <stdio.h>
#include <sys/stat.h>

enum { PHASE_READ, PHASE_PASSES, PHASE_LOWER, PHASE_CODEGEN, PHASE_CHECK, PHASE_COUNT };

typedef struct Job {
    Cli            *cli;
    Ctx            *ctx;
    const char     *model;
    CompileOptions  options;
    Outputs         out;
    Graph          *graph;
    Str             depends;  /* the dependency file */
    Programs        programs;
    Program        *program;  /* the first of them; NULL: none is needed */
    PipelineReport  passes;
    ModelFacts      before;   /* of the graph as read */
    OnnxFile        onnx;     /* encoded */
    int64_t         macs;
    int             nodes_after;
    bool            weights_in_file;
    ObjectSizes     sizes;
    int64_t         object_bytes; /* -1: no object */
    int64_t         example_workspace;
    const char     *example;  /* "batch=1" */
    Gates           gates;
    int64_t         phase_ns[PHASE_COUNT];
    int64_t         start_ns;
} Job;

/* ---- phases ---- */

static void print_graph_after(void *arg, const char *pass, Graph *g)
{
    Job *j = arg;
    const char *wanted = opt_x(j->cli, "print-after");
    if (!str_eq(wanted, "all") && !str_eq(wanted, pass))
        return;
    Str s = str_new(g->arena);
    graph_print(&s, g);
    talk(j->cli, "# after %s\n%s", pass, str_text(&s));
}

static Status read_model(Job *j)
{
    progress(j->cli, "reading %s", j->model);
    TRY(compile_load(j->ctx, j->model, &j->options, &j->graph));
    j->depends = str_new(j->cli->arena);
    depfile_emit(j->cli, j->model, j->graph, &j->out, &j->depends);
    facts_of(j->graph, &j->before);
    j->example = example_text(j->graph);
    return MLC_OK;
}

static Status encode_onnx(Job *j)
{
    const Output *out = &j->out.at[OUTPUT_onnx];
    OnnxWriteOptions o = {.external = str_eq(opt_text(j->cli, OPT_weights), "file"),
                          .version = MLC_VERSION};
    return out->wanted ? onnx_encode(j->ctx, j->cli->arena, j->graph, &o, out->path, &j->onnx)
                       : MLC_OK;
}

/* What is written as a graph keeps the model's own types: the pass that widens half types follows
 * afterwards. */
static Status write_graph(Job *j)
{
    CompileOptions o = j->options;
    o.rounds = ~(uint64_t)0;
    TRY(compile_passes(j->graph, &o, &j->passes));
    if (j->out.at[OUTPUT_ir].wanted) {
        Str s = str_new(j->cli->arena);
        graph_print(&s, j->graph);
        TRY(output_write(j->cli, &j->out.at[OUTPUT_ir], &s));
    }
    return encode_onnx(j);
}

static Status run_passes(Job *j)
{
    bool as_graph = j->out.at[OUTPUT_onnx].wanted || j->out.at[OUTPUT_ir].wanted;
    CompileOptions o = j->options;
    progress(j->cli, "simplifying");
    if (opt_x(j->cli, "print-after")) {
        j->options.after_pass = print_graph_after;
        j->options.after_arg = j;
    }
    if (as_graph) {
        TRY(write_graph(j));
        o.passes = "widen";
    }
    if (outputs_need_program(&j->out) || !as_graph)
        TRY(compile_passes(j->graph, &o, &j->passes));
    j->nodes_after = graph_count(j->graph);
    j->macs = facts_macs(j->graph);
    return MLC_OK;
}

static Status lower(Job *j)
{
    if (!outputs_need_program(&j->out))
        return MLC_OK;
    progress(j->cli, "lowering");
    TRY(compile_lower_all(j->graph, &j->options, &j->programs));
    j->program = j->programs.at[0];
    for (int k = 0; k < j->programs.n; k++) {
        Program *p = j->programs.at[k];
        int64_t bytes = p->workspace_bytes;
        if (bytes < 0) {
            int64_t *offset = NEW_ARRAY(j->cli->arena, int64_t, p->mem.len + 1);
            bytes = program_plan(p, example_symbols(j->cli->arena, p->pool), offset);
        }
        j->example_workspace = MAX(j->example_workspace, bytes);
        if (opt_x(j->cli, "print-program")) {
            Str s = str_new(j->cli->arena);
            program_print(&s, p);
            talk(j->cli, "%s", str_text(&s));
        }
    }
    return MLC_OK;
}

/* The object file: an output, or temporary where only what is made of it is wanted. */
static const char *object_path(Job *j)
{
    if (j->out.at[OUTPUT_obj].wanted)
        return output_tmp(&j->out, OUTPUT_obj);
    if (j->out.at[OUTPUT_so].wanted || j->out.at[OUTPUT_lib].wanted ||
        j->out.at[OUTPUT_html].wanted)
        return arena_printf(j->cli->arena, "%s/model.o", j->out.temp_dir);
    return NULL;
}

static Status make_library(Job *j)
{
    Output *lib = &j->out.at[OUTPUT_lib];
    if (!lib->wanted)
        return MLC_OK;
    const char *member = arena_printf(j->cli->arena, "%s.o", j->out.name);
    return archive_write(j->ctx, j->cli->arena, object_path(j), member, &lib->file);
}

/* C source: of its own, and compiled where a shared object is wanted. */
static Status generate_c(Job *j)
{
    const char *source = output_tmp(&j->out, OUTPUT_c), *so = output_tmp(&j->out, OUTPUT_so);
    if (source) {
        TRY(csource_write(j->program, &j->options, j->model, source));
        TRY(file_size(j->ctx, source, &j->object_bytes));
    }
    if (so)
        TRY(csource_shared(j->ctx, j->program, &j->options, so, NULL));
    if (!j->out.at[OUTPUT_lib].wanted)
        return MLC_OK;
    TRY(csource_object(j->ctx, j->program, &j->options, object_path(j)));
    return make_library(j);
}

/* The weights file, where there is one: the header only tells of it. */
static Status place_weights(Job *j)
{
    static const OutputKind code[] = {OUTPUT_obj, OUTPUT_so,      OUTPUT_lib,
                                      OUTPUT_asm, OUTPUT_llvm_ir, OUTPUT_c};
    bool used = false;
    for (size_t i = 0; i < COUNT_OF(code); i++)
        used |= j->out.at[code[i]].wanted;
    if (!used && !j->out.at[OUTPUT_header].wanted)
        return MLC_OK;
    TRY(weights_place(j->cli, &j->options, &j->programs, &j->weights_in_file));
    if (!used || !j->weights_in_file)
        return MLC_OK;
    TRY(outputs_add_weights(j->cli, &j->out, j->model));
    return weights_to_file(j->ctx, &j->programs, &j->out.weights.file);
}

static Status generate(Job *j)
{
    const char *object = object_path(j), *so = output_tmp(&j->out, OUTPUT_so), *linked;
    const char *listing = output_tmp(&j->out, OUTPUT_asm);
    const char *llvm_ir = output_tmp(&j->out, OUTPUT_llvm_ir);
    if (!j->program)
        return MLC_OK;
    progress(j->cli, "generating code for %s", j->options.target_names);
    TRY(place_weights(j));
    if (j->options.target.kind == TARGET_C)
        return generate_c(j);
    if (object) {
        TRY(compile_codegen(j->ctx, &j->programs, &j->options, CODEGEN_OBJ, object));
        TRY(object_sizes(j->ctx, object, &j->options, &j->sizes));
        TRY(file_size(j->ctx, object, &j->object_bytes));
    }
    if (so) {
        TRY(custom_ops_link(j->ctx, j->cli->arena, &j->options, j->out.temp_dir, object, &linked));
        TRY(compile_link_shared(j->ctx, linked, so));
    }
    TRY(make_library(j));
    if (listing)
        TRY(compile_codegen(j->ctx, &j->programs, &j->options, CODEGEN_ASM, listing));
    if (llvm_ir)
        TRY(compile_codegen(j->ctx, &j->programs, &j->options, CODEGEN_LLVM_IR, llvm_ir));
    return MLC_OK;
}

/* ---- what is said ---- */

static const char *count(char buf[32], int64_t n) { return str_count(buf, (double)n); }
static const char *bytes(char buf[32], int64_t n) { return str_bytes(buf, (double)n); }

static void say_model(const Job *j)
{
    char a[32], b[32], m[32];
    const char *macs = count(m, j->macs);
    talk(j->cli, "%s: %d nodes, %s parameters (%s), %s%sMAC%s%s, opset %d\n",
         str_printable_in(j->cli->arena, path_base(j->model)), j->before.nodes,
         count(a, j->before.params), bytes(b, j->before.param_bytes), macs,
         strchr(macs, ' ') ? "" : " ", *j->example ? " at " : "", j->example, j->graph->opset);
}

/* Rewrites by pass, each pass once, those that did something. */
static void say_passes(const Job *j)
{
    Str s = str_new(j->cli->arena);
    for (size_t i = 0; i < j->passes.passes.len; i++) {
        const char *name = j->passes.passes.at[i].name;
        int64_t n = 0;
        bool again = false;
        for (size_t k = 0; k < j->passes.passes.len; k++) {
            bool same = str_eq(j->passes.passes.at[k].name, name);
            n += same ? j->passes.passes.at[k].rewrites : 0;
            again |= same && k < i;
        }
        if (n && !again)
            str_printf(&s, "%s%s %lld", s.len ? ", " : "", name, (long long)n);
    }
    talk(j->cli, "  simplify    %d -> %d%s%s\n", j->before.nodes, j->nodes_after,
         s.len ? "    " : "", str_text(&s));
}

static void say_program(const Job *j)
{
    char a[32], b[32];
    const Program *p = j->program;
    if (!p)
        return;
    int launches = 0;
    for (size_t i = 0; i < p->steps.len; i++)
        launches += p->steps.at[i].kind == STEP_LAUNCH;
    talk(j->cli, "  lower       %d kernel%s, %zu distinct, weights packed (%s)\n", launches,
         launches == 1 ? "" : "s", p->kernels.len, bytes(a, p->weights_bytes));
    talk(j->cli, "  memory      %s workspace%s%s (tensors alone: %s)\n",
         bytes(a, j->example_workspace), *j->example ? " at " : "", j->example,
         bytes(b, j->before.tensor_bytes));
}

static void say_code(const Job *j)
{
    char a[32];
    const CompileOptions *o = &j->options;
    if (!j->program)
        return;
    Str s = str_new(j->cli->arena);
    if (j->object_bytes >= 0 && o->target.kind == TARGET_OBJECT)
        str_printf(&s, ", %s of code", bytes(a, j->sizes.code));
    for (int k = 0; s.len && o->ntargets > 1 && k < o->ntargets; k++)
        str_printf(&s, "%s%s: %s%s", k ? ", " : " (", o->targets[k].name,
                   bytes(a, j->sizes.of_target[k]), k == o->ntargets - 1 ? ")" : "");
    bool alias = !str_eq(o->target_asked, o->target_names);
    talk(j->cli, "  codegen     %s%s%s%s%s\n", o->target_names, alias ? " (" : "",
         alias ? o->target_asked : "", alias ? ")" : "", str_text(&s));
}

static void check(Job *j)
{
    double worst;
    const char *object = object_path(j), *why;
    if (!object || j->cli->quiet || j->options.target.kind == TARGET_C)
        return;
    if (j->options.custom.len) {
        talk(j->cli, "  verify      not done: functions of custom operators run in compiled code only\n");
        return;
    }
    progress(j->cli, "checking");
    const char *weights = j->weights_in_file ? j->out.weights.file.tmp_path : NULL;
    if (self_check(j->model, &j->options, object, weights, &worst, &why))
        talk(j->cli, "  verify      worst error %.1e against the unoptimized program, "
                     "1 random input\n", worst);
    else if (why)
        talk(j->cli, "  verify      not done: %s\n", why);
}

/* Before they get their names: afterwards nothing may fail. */
static const char *name_files(const Job *j)
{
    Str s = str_new(j->cli->arena);
    for (int k = 0; k < OUTPUT_COUNT; k++) {
        const Output *out = &j->out.at[k];
        struct stat st;
        char size[32];
        if (!out->wanted)
            continue;
        str_printf(&s, "%s%s", s.len ? ", " : "", str_printable_in(s.arena, out->path));
        if (s.len == strlen(out->path) && stat(out->file.tmp_path, &st) == 0)
            str_printf(&s, " (%s)", bytes(size, st.st_size));
    }
    if (j->out.weights.wanted)
        str_printf(&s, ", %s", str_printable_in(j->cli->arena, j->out.weights.path));
    if (j->out.onnx_data.wanted)
        str_printf(&s, ", %s", str_printable_in(s.arena, j->out.onnx_data.path));
    return str_text(&s);
}

/* ---- files ---- */

/* The words of the command line that decide the result: the model's name without folders, and the
 * options without those of output and talk. */
static int command_words(const Job *j, const char ***out)
{
    static const OptionId ignored[] = {
        OPT_output, OPT_jobs,        OPT_verbose, OPT_quiet,
        OPT_json,   OPT_diag_format, OPT_color,   OPT_config,
        OPT_depfile, OPT_depfile_path, OPT_depfile_target,
    };
    Arena *a = j->cli->arena;
    VEC(const char *) w = {0};
    vec_push(a, &w, "optimize");
    vec_push(a, &w, path_base(j->model));
    for (int i = 0; i < OPT_COUNT; i++) {
        const OptionValue *v = &j->cli->opt[i];
        bool skip = !v->given || !(option_table[i].cmds >> CMD_optimize & 1);
        for (size_t k = 0; k < COUNT_OF(ignored); k++)
            skip |= ignored[k] == (OptionId)i;
        const char *name = option_table[i].name;
        if (skip)
            continue;
        if (option_table[i].kind == OPT_KIND_bool)
            vec_push(a, &w, arena_printf(a, "--%s%s", v->flag ? "" : "no-", name));
        else if (option_table[i].kind != OPT_KIND_list)
            vec_push(a, &w, arena_printf(a, "--%s=%s", name, v->text));
        for (int k = 0; option_table[i].kind == OPT_KIND_list && k < v->nlist; k++)
            vec_push(a, &w, arena_printf(a, "--%s=%s", name, v->list[k]));
    }
    *out = w.at;
    return (int)w.len;
}

static void make_report(Job *j, Str *s)
{
    const PipelineReport *r = &j->passes;
    ReportPass *passes = NEW_ARRAY(j->cli->arena, ReportPass, r->passes.len);
    for (size_t i = 0; i < r->passes.len; i++)
        passes[i] = (ReportPass){r->passes.at[i].name, r->passes.at[i].rewrites,
                                 r->passes.at[i].nodes_before, r->passes.at[i].nodes_after};
    ReportTarget targets[MAX_TARGETS];
    bool object = j->object_bytes >= 0 && j->options.target.kind == TARGET_OBJECT;
    for (int k = 0; k < j->programs.n; k++)
        targets[k] = (ReportTarget){&j->options.targets[k], j->programs.at[k],
                                    object ? j->sizes.of_target[k] : -1};
    const char **words;
    ReportInfo info = {
        .version = MLC_VERSION, .model = path_base(j->model), .sha256 = j->options.sha256,
        .opset = j->graph->opset, .nodes_before = j->before.nodes, .nodes_after = j->nodes_after,
        .params = j->before.params, .param_bytes = j->before.param_bytes, .macs = j->macs,
        .model_bytes = j->options.model_bytes, .example = j->example,
        .prefix = j->options.prefix, .target_names = j->options.target_names,
        .code_bytes = object ? j->sizes.code : -1, .rodata_bytes = object ? j->sizes.rodata : -1,
        .weights_file = j->out.weights.wanted ? path_base(j->out.weights.path) : NULL,
        .weights_identity = j->programs.weights_identity, .artifact_bytes = j->object_bytes, .ntargets = j->programs.n,
        .example_workspace_bytes = j->example_workspace, .passes = passes,
        .npasses = r->passes.len, .gates = j->gates.at, .ngates = j->gates.n,
    };
    info.ncommand = command_words(j, &words);
    info.command = words;
    info.targets = targets;
    report_emit(j->program, &info, s);
}

static void make_times(const Job *j, Str *s)
{
    static const char *const name[PHASE_COUNT] = {"read", "passes", "lower", "codegen", "check"};
    str_add(s, "{\n \"schema\": \"mlc-time/1\"");
    for (int k = 0; k < PHASE_COUNT; k++)
        str_printf(s, ",\n \"%s_ms\": %.3f", name[k], (double)j->phase_ns[k] / 1e6);
    str_printf(s, ",\n \"total_ms\": %.3f\n}\n", (double)(clock_ns() - j->start_ns) / 1e6);
}

static Status write_onnx(Job *j)
{
    Output *out = &j->out.at[OUTPUT_onnx];
    if (!out->wanted)
        return MLC_OK;
    if (j->onnx.data.len)
        TRY(outputs_add_data(j->cli, &j->out, j->onnx.data_path));
    return onnx_put(j->ctx, &j->onnx, &out->file, &j->out.onnx_data.file);
}

static Status write_texts(Job *j)
{
    Str s = str_new(j->cli->arena);
    if (j->out.at[OUTPUT_header].wanted) {
        HeaderInfo info = {.target = j->options.target_names, .mlc_version = MLC_VERSION,
                           .source = path_base(j->model),
                           .weights_in_file = j->weights_in_file};
        TRY(header_emit((const Program *const *)j->programs.at, j->programs.n, j->options.prefix, &info, &s));
        TRY(output_write(j->cli, &j->out.at[OUTPUT_header], &s));
    }
    if (!j->program)
        return MLC_OK;
    s = str_new(j->cli->arena);
    make_report(j, &s);
    TRY(output_write(j->cli, &j->out.at[OUTPUT_report], &s));
    Str page = str_new(j->cli->arena);
    if (j->out.at[OUTPUT_html].wanted)
        report_html(str_text(&s), &page);
    TRY(output_write(j->cli, &j->out.at[OUTPUT_html], &page));
    if (opt_flag(j->cli, OPT_json))
        out_text(str_text(&s));
    s = str_new(j->cli->arena);
    make_times(j, &s);
    return output_write(j->cli, &j->out.times, &s);
}

/* ---- the command ---- */

static Status timed(Job *j, int phase, Status (*fn)(Job *j))
{
    int64_t t = clock_ns();
    Status s = fn(j);
    j->phase_ns[phase] = clock_ns() - t;
    return s;
}

static Status measure_gates(Job *j)
{
    bool object = object_path(j) && j->options.target.kind == TARGET_OBJECT && j->program;
    return gates_measure(j->cli, &j->programs, &j->options,
                         object ? j->sizes.code + j->sizes.rodata : -1, &j->gates);
}

static Status work(Job *j)
{
    TRY(timed(j, PHASE_READ, read_model));
    TRY(timed(j, PHASE_PASSES, run_passes));
    say_model(j);
    say_passes(j);
    TRY(timed(j, PHASE_LOWER, lower));
    say_program(j);
    TRY(timed(j, PHASE_CODEGEN, generate));
    say_code(j);
    TRY(measure_gates(j));
    int64_t t = clock_ns();
    check(j);
    j->phase_ns[PHASE_CHECK] = clock_ns() - t;
    TRY(write_texts(j));
    TRY(write_onnx(j));
    TRY(output_write(j->cli, &j->out.depfile, &j->depends));
    const char *files = name_files(j);
    TRY(outputs_commit(j->cli, &j->out));
    if (!j->out.to_stdout)
        talk(j->cli, "wrote %s in %.1f s\n", files, (double)(clock_ns() - j->start_ns) / 1e9);
    return gates_verdict(j->cli, &j->gates);
}

static Status choose_prefix(Job *j)
{
    const char *given = opt_text(j->cli, OPT_prefix);
    j->options.prefix = given ? given : identifier_from(j->cli->arena, j->out.name);
    if (!is_identifier(j->options.prefix))
        return diag_error(j->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "--prefix is '%s', which is not a C identifier", given);
    return MLC_OK;
}

/* What was asked for with -t; else a file that is C implies C, and one without code takes any. */
static const char *implied_target(const Job *j)
{
    if (opt_given(j->cli, OPT_target))
        return NULL;
    if (!outputs_need_program(&j->out))
        return "interp";
    return j->out.at[OUTPUT_c].wanted ? "c99" : NULL;
}

/* Objects are of machine targets, C source is of C targets. */
static Status check_outputs(Job *j)
{
    static const OutputKind of_objects[] = {OUTPUT_obj, OUTPUT_asm, OUTPUT_llvm_ir};
    const TargetDesc *t = &j->options.target;
    bool object = false;
    for (size_t i = 0; i < COUNT_OF(of_objects); i++)
        object |= j->out.at[of_objects[i]].wanted;
    if (outputs_need_program(&j->out) && t->kind == TARGET_INTERP)
        return diag_error(j->ctx, E0402, (Loc){0}, MLC_USAGE, "target '%s' makes no artifact",
                          t->name);
    if (t->kind == TARGET_C && object)
        return diag_error(j->ctx, E0402, (Loc){0}, MLC_USAGE,
                          "target '%s' makes C source (--emit c), no object", t->name);
    if (t->kind == TARGET_OBJECT && j->out.at[OUTPUT_c].wanted)
        return diag_error(j->ctx, E0402, (Loc){0}, MLC_USAGE,
                          "target '%s' makes objects, no C source; -t c99 does", t->name);
    return MLC_OK;
}

Status cmd_optimize(Cli *cli)
{
    Job j = {.cli = cli, .ctx = cli->ctx, .model = cli->arg[0], .start_ns = clock_ns(),
             .object_bytes = -1};
    TRY(outputs_plan(cli, j.model, &j.out));
    TRY(compile_options(cli, implied_target(&j), &j.options));
    if (j.options.target.kind == TARGET_C)
        TRY(outputs_as_source(cli, j.model, &j.out));
    j.options.compact = !outputs_need_program(&j.out);
    TRY(choose_prefix(&j));
    TRY(check_outputs(&j));
    Status s = outputs_open(cli, &j.out);
    if (s == MLC_OK)
        s = work(&j);
    outputs_close(&j.out);
    return s;
}
