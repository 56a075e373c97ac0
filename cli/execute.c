/* Compile and run, behind one face. An artifact runs in a process of its own (codegen/run); the
 * interpreter runs here. A target never falls back to the interpreter. */
#include "cli/execute.h"

#include "cli/artifact_shapes.h"
#include "cli/csource.h"
#include "cli/custom_op.h"
#include "cli/process.h"
#include "cli/weights.h"
#include "codegen/emit/object/archive.h"
#include "codegen/run/tempdir.h"
#include "ir/base/file.h"

#include <stdlib.h>
#include <sys/resource.h>

static const char *const compilers[] = {"cc", "gcc", "clang"};

Status execution_possible(Ctx *c, Arena *a, const CompileOptions *o)
{
    const TargetDesc *t = &o->target;
    const char *cc;
    if (t->kind == TARGET_C)
        return csource_compiler(c, a, &cc);
    if (t->kind == TARGET_INTERP || compile_runs_here(o))
        return MLC_OK;
    if (!t->emulator)
        return diag_error(c, E0402, (Loc){0}, MLC_SYSTEM,
                          "programs for '%s' do not run on this machine", o->target_names);
    return runner_tools(c, a);
}

/* ---- open ---- */

static Status open_runner(Execution *e, const char *artifact, const ExecutionOptions *o)
{
    RunnerOptions r = {
        .runner = process_beside(e->arena, "mlc-runner", "MLC_RUNNER"),
        .runner_jit = process_beside(e->arena, "mlc-runner-jit", "MLC_RUNNER_JIT"),
        .weights = e->weights,
        .shown = e->path,
        .timeout_ns = o->timeout_ns,
    };
    TRY(runner_open(e->ctx, e->arena, artifact, &r, &e->runner));
    if (e->artifact_bytes == 0)
        TRY(file_size(e->ctx, artifact, &e->artifact_bytes));
    if (opt_int(e->cli, OPT_threads) > 0)
        TRY(runner_threads(e->runner, (int)opt_int(e->cli, OPT_threads)));
    e->info = *runner_info(e->runner);
    e->backend = !e->info.emulated ? "native" : "qemu-aarch64";
    return MLC_OK;
}

static RunnerIo io_of(const ProgramIo *p)
{
    RunnerIo io = {.name = p->name, .elem = p->elem, .rank = p->rank};
    for (int k = 0; k < p->rank; k++)
        if (!ex_is_int(p->dim[k], &io.dim[k]))
            io.dim[k] = -1;
    return io;
}

static void open_interpreter(Execution *e)
{
    Program *p = e->program;
    e->backend = "interpreter";
    e->info = (RunnerInfo){
        .name = p->name, .target = "interp", .selected = "interp", .version = MLC_VERSION, .threads = 1,
        .workspace_bytes = p->workspace_bytes,
    };
    for (size_t i = 0; i < p->inputs.len; i++)
        vec_push(e->arena, &e->info.inputs, io_of(&p->inputs.at[i]));
    for (size_t i = 0; i < p->outputs.len; i++)
        vec_push(e->arena, &e->info.outputs, io_of(&p->outputs.at[i]));
    for (int k = 0; k < ex_sym_bound_count(p->pool); k++)
        vec_push(e->arena, &e->info.symbols,
                 (RunnerSymbol){ex_sym_name(p->pool, k), ex_sym_min(p->pool, k),
                                ex_sym_max(p->pool, k), -1, -1});
}

/* The scale of the DequantizeLinear that makes each output. */
static void find_quanta(Execution *e)
{
    Graph *g = e->graph;
    e->quantum = NEW_ARRAY(e->arena, double, g->outputs.len);
    for (size_t i = 0; i < g->outputs.len; i++) {
        const Node *n = g->outputs.at[i]->def;
        if (n && str_eq(n->op->name, "DequantizeLinear") && n->nin > 1 && n->in[1])
            value_scalar(n->in[1], &e->quantum[i]);
    }
}

/* DIR/model.weights, where the weights are in a file. */
static Status make_weights(Execution *e)
{
    bool in_file;
    TRY(weights_place(e->cli, &e->options, &e->programs, &in_file));
    if (!in_file)
        return MLC_OK;
    FileOut out;
    e->weights = arena_printf(e->arena, "%s/model.weights", e->dir);
    TRY(file_out_open(e->ctx, e->weights, &out));
    out.scratch = true;
    Status s = weights_to_file(e->ctx, &e->programs, &out);
    if (s == MLC_OK)
        return file_out_commit(e->ctx, &out);
    file_out_abort(&out);
    return s;
}

/* The object, or a shared object where that was preferred and is possible. */
static Status make_artifact(Execution *e, const ExecutionOptions *o, const char **artifact)
{
    TRY(temp_dir_make(e->ctx, e->arena, &e->dir));
    TRY(make_weights(e));
    if (e->options.target.kind == TARGET_C) {
        *artifact = arena_printf(e->arena, "%s/model.so", e->dir);
        return csource_shared(e->ctx, e->program, &e->options, *artifact, &e->artifact_bytes);
    }
    const char *object = arena_printf(e->arena, "%s/model.o", e->dir);
    TRY(compile_codegen(e->ctx, &e->programs, &e->options, CODEGEN_OBJ, object));
    int64_t more = 0;
    TRY(file_size(e->ctx, object, &e->artifact_bytes));
    if (e->weights)
        TRY(file_size(e->ctx, e->weights, &more));
    e->artifact_bytes += more;
    TRY(custom_ops_link(e->ctx, e->arena, &e->options, e->dir, object, &object));
    *artifact = object;
    if (!o->prefer_shared || !compile_runs_here(&e->options) ||
        !process_in_path(e->arena, compilers, COUNT_OF(compilers)))
        return MLC_OK;
    *artifact = arena_printf(e->arena, "%s/model.so", e->dir);
    return compile_link_shared(e->ctx, object, *artifact);
}

static Status open_model(Execution *e, const ExecutionOptions *o)
{
    const char *artifact = NULL;
    int64_t     start = clock_ns();
    TRY(execution_possible(e->ctx, e->arena, &e->options));
    TRY(compile_load(e->ctx, e->path, &e->options, &e->graph));
    find_quanta(e);
    TRY(compile_passes(e->graph, &e->options, NULL));
    TRY(compile_lower_all(e->graph, &e->options, &e->programs));
    e->program = e->programs.at[0];
    if (e->options.target.kind != TARGET_INTERP)
        TRY(make_artifact(e, o, &artifact));
    e->compile_ns = clock_ns() - start;
    if (artifact)
        return open_runner(e, artifact, o);
    open_interpreter(e);
    return MLC_OK;
}

static Status open_artifact(Execution *e, const ExecutionOptions *o)
{
    TRY(open_runner(e, e->path, o));
    return artifact_shapes(e);
}

static Status no_library(Execution *e)
{
    diag_report(e->ctx, E0602, (Loc){.file = e->path}, "a static library is linked into programs");
    diag_help(e->ctx, "--emit obj or so makes what mlc loads");
    return MLC_INPUT;
}

Status execution_open(Cli *cli, const char *path, const ExecutionOptions *o, Execution *e)
{
    *e = (Execution){.cli = cli, .ctx = cli->ctx, .arena = cli->arena, .path = path};
    Status s = compile_options(cli, NULL, &e->options);
    e->options.profile |= o->profile;
    if (s == MLC_OK && archive_is(path))
        s = no_library(e);
    else if (s == MLC_OK)
        s = elf_is(path) ? open_artifact(e, o) : open_model(e, o);
    if (s != MLC_OK)
        execution_close(e);
    return s;
}

void execution_close(Execution *e)
{
    runner_close(e->runner);
    e->runner = NULL;
    if (e->dir)
        temp_dir_remove(e->dir);
    e->dir = NULL;
}

/* ---- shapes ---- */

/* The value of a symbol that nothing determines: --dim, else 1 or the least. */
static int64_t symbol_value(const Execution *e, const RunnerSymbol *s)
{
    for (size_t i = 0; i < e->options.dims.len; i++)
        if (str_eq(e->options.dims.at[i].name, s->name))
            return e->options.dims.at[i].value;
    for (size_t i = 0; i < e->options.ranges.len; i++)
        if (str_eq(e->options.ranges.at[i].name, s->name) && e->options.ranges.at[i].typical)
            return e->options.ranges.at[i].typical;
    return MAX(s->min, 1);
}

Status execution_shapes(Execution *e, RunnerIo *inputs)
{
    size_t   nsym = e->info.symbols.len, n = e->info.inputs.len;
    int64_t *value = NEW_ARRAY(e->arena, int64_t, nsym);
    for (size_t k = 0; k < nsym; k++)
        value[k] = symbol_value(e, &e->info.symbols.at[k]);
    if (nsym > 0 && e->runner)
        return runner_shapes(e->runner, value, inputs);
    for (size_t i = 0; i < n; i++) {
        inputs[i] = e->info.inputs.at[i];
        for (int k = 0; k < inputs[i].rank; k++)
            if (inputs[i].dim[k] < 0)
                inputs[i].dim[k] = ex_eval_size(e->program->inputs.at[i].dim[k], value);
    }
    return MLC_OK;
}

/* ---- run ---- */

static Status check_types(const Execution *e, const Tensor *const *in)
{
    for (size_t i = 0; i < e->info.inputs.len; i++) {
        const RunnerIo *io = &e->info.inputs.at[i];
        Loc             loc = {.file = e->path, .node = io->name};
        if (in[i]->elem != io->elem)
            return diag_error(e->ctx, E0601, loc, MLC_INPUT, "input '%s' is %s, and the data is %s",
                              io->name, elem_name[io->elem], elem_name[in[i]->elem]);
        if (in[i]->rank != io->rank)
            return diag_error(e->ctx, E0601, loc, MLC_INPUT,
                              "input '%s' has rank %d, and the data %d", io->name, io->rank,
                              in[i]->rank);
    }
    return MLC_OK;
}

/* A tensor's elements, all of them there. */
static const void *spread(Arena *a, const Tensor *t)
{
    if (!t->splat)
        return t->data;
    Tensor *full = tensor_new(a, t->elem, t->rank, t->dim);
    for (int64_t i = 0; i < tensor_count(t); i++)
        if (t->elem == ELEM_STRING)
            ((const char **)(uintptr_t)full->data)[i] = *(const char *const *)t->data;
        else if (elem_is_float(t->elem))
            elem_set_f64(t->elem, (void *)(uintptr_t)full->data, (size_t)i, tensor_get_f64(t, i));
        else
            elem_set_i64(t->elem, (void *)(uintptr_t)full->data, (size_t)i, tensor_get_i64(t, i));
    return full->data;
}

/* A size that may be negative or too large: E0601. */
static Status output_shape(const Execution *e, const ProgramIo *io, const int64_t *sym,
                           int64_t *dim)
{
    int64_t n = 16;
    for (int k = 0; k < io->rank; k++) {
        dim[k] = ex_eval_size(io->dim[k], sym);
        if (dim[k] < 0 || __builtin_mul_overflow(n, MAX(dim[k], 1), &n))
            return diag_error(e->ctx, E0601, (Loc){.file = e->path, .node = io->name}, MLC_INPUT,
                              "dimension %d of output '%s' would be %lld", k, io->name,
                              (long long)dim[k]);
    }
    return MLC_OK;
}

static Status run_interpreter(Execution *e, const Tensor *const *in, const Tensor **out)
{
    Program         *p = e->program;
    const int64_t  **shape = NEW_ARRAY(e->arena, const int64_t *, p->inputs.len);
    const void     **src = NEW_ARRAY(e->arena, const void *, p->inputs.len);
    void           **dst = NEW_ARRAY(e->arena, void *, p->outputs.len);
    int64_t         *sym = NEW_ARRAY(e->arena, int64_t, ex_sym_count(p->pool) + 1);
    TRY(check_types(e, in));
    for (size_t i = 0; i < p->inputs.len; i++) {
        shape[i] = in[i]->dim;
        src[i] = spread(e->arena, in[i]);
    }
    ProgramResult *result = NEW_ARRAY(e->arena, ProgramResult, p->outputs.len);
    TRY(program_bind(p, shape, sym));
    for (size_t i = 0; i < p->outputs.len; i++) {
        int64_t dim[MAX_RANK];
        if (memobj_is_dynamic(p, p->outputs.at[i].obj))
            continue;
        TRY(output_shape(e, &p->outputs.at[i], sym, dim));
        Tensor *t = tensor_new(e->arena, p->outputs.at[i].elem, p->outputs.at[i].rank, dim);
        dst[i] = (void *)(uintptr_t)t->data;
        out[i] = t;
    }
    TRY(program_interp_results(p, INTERP_EXACT, sym, src, dst, e->arena, result));
    for (size_t i = 0; i < p->outputs.len; i++) {
        const ProgramIo *io = &p->outputs.at[i];
        if (memobj_is_dynamic(p, io->obj))
            out[i] = tensor_over(e->arena, io->elem, io->rank, result[i].dim, result[i].data);
    }
    return MLC_OK;
}

Status execution_run(Execution *e, const Tensor *const *in, const Tensor **out)
{
    return e->runner ? runner_run(e->runner, in, out) : run_interpreter(e, in, out);
}

Status execution_bench(Execution *e, const Tensor *const *in, int64_t runs, int64_t min_ns,
                       int64_t warm_ns, RunnerBench *out)
{
    if (e->runner)
        return runner_bench(e->runner, in, runs, min_ns, warm_ns, out);
    const Tensor **result = NEW_ARRAY(e->arena, const Tensor *, e->info.outputs.len);
    VEC(int64_t) times = {0};
    TRY(execution_run(e, in, result));
    for (int64_t start = clock_ns(), t = start;
         (int64_t)times.len < runs || t - start < min_ns;) {
        TRY(execution_run(e, in, result));
        int64_t end = clock_ns();
        vec_push(e->arena, &times, end - t);
        t = end;
    }
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    *out = (RunnerBench){.ns = times.at, .runs = (int64_t)times.len,
                         .peak_rss_bytes = use.ru_maxrss * 1024,
                         .workspace_bytes = e->info.workspace_bytes};
    return MLC_OK;
}
