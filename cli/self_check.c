/* The check of an artifact against the interpreter: see self_check.h.
 *
 * It has a context of its own, so that what goes wrong here is no diagnostic of the compilation. */
#include "cli/self_check.h"

#include "cli/facts.h"
#include "cli/inputs.h"
#include "cli/process.h"
#include "ir/base/str.h"

#include <math.h>
#include <stdio.h>

/* The interpreter in double precision takes about 20 ns for a multiply-accumulate. */
enum { MOST_MACS = 40000000, MOST_BYTES = 64 << 20 };

typedef struct Check {
    Ctx                  *ctx;
    const char           *model, *object, *weights;
    const CompileOptions *options;
    double                worst;
} Check;

static bool is_plain(Elem e) { return elem_is_float(e) || elem_is_int(e) || e == ELEM_BOOL; }

/* An input or output at given symbols. */
static RunnerIo io_at(const ProgramIo *p, const int64_t *sym)
{
    RunnerIo io = {.name = p->name, .elem = p->elem, .rank = p->rank};
    for (int k = 0; k < p->rank; k++)
        io.dim[k] = ex_eval_size(p->dim[k], sym);
    return io;
}

/* Relative to the largest magnitude of the wanted output; infinite where one is not finite. */
static double difference(const Tensor *got, const Tensor *want)
{
    int64_t n = tensor_count(want);
    double most = 0, worst = 0;
    for (int64_t i = 0; i < n; i++) {
        double w = tensor_get_f64(want, i), g = tensor_get_f64(got, i);
        if (isfinite(w))
            most = fmax(most, fabs(w));
        if (w != g && !(isnan(w) && isnan(g)))
            worst = fmax(worst, isfinite(w) && isfinite(g) ? fabs(w - g) : INFINITY);
    }
    return worst == 0 || most == 0 ? worst : worst / most;
}

static Status load(Check *k, Arena *a, Program **out)
{
    CompileOptions o = *k->options;
    Graph *g;
    o.arena = a;
    o.level = 0;
    o.passes = NULL;
    o.after_pass = NULL;
    TRY(target_find(k->ctx, "interp", &o.target));
    o.targets[0] = o.target;
    o.ntargets = 1;
    TRY(compile_load(k->ctx, k->model, &o, &g));
    TRY(compile_passes(g, &o, NULL));
    ModelFacts f;
    facts_of(g, &f);
    if (f.macs > MOST_MACS || f.tensor_bytes > MOST_BYTES || f.param_bytes > MOST_BYTES)
        return MLC_NO;
    return compile_lower(g, &o, out);
}

static Status run(void *arg)
{
    Check *k = arg;
    Arena *a = arena_new(k->ctx);
    Program *p;
    TRY(load(k, a, &p));
    if (program_has_control(p))
        return MLC_NO; /* seeded numbers are no sensible shapes, conditions or counts */
    const int64_t *sym = example_symbols(a, p->pool);
    size_t nin = p->inputs.len, nout = p->outputs.len;
    const Tensor **in = NEW_ARRAY(a, const Tensor *, nin), **got = NEW_ARRAY(a, const Tensor *, nout);
    const Tensor **want = NEW_ARRAY(a, const Tensor *, nout);
    const void **in_data = NEW_ARRAY(a, const void *, nin);
    void **want_data = NEW_ARRAY(a, void *, nout);
    for (size_t i = 0; i < nin; i++) {
        RunnerIo io = io_at(&p->inputs.at[i], sym);
        if (!is_plain(io.elem))
            return MLC_NO;
        in[i] = input_random(a, &io, i + 1);
        in_data[i] = in[i]->data;
    }
    for (size_t i = 0; i < nout; i++) {
        RunnerIo io = io_at(&p->outputs.at[i], sym);
        if (!is_plain(io.elem))
            return MLC_NO;
        want[i] = tensor_new(a, io.elem, io.rank, io.dim);
        want_data[i] = (void *)want[i]->data;
    }
    TRY(program_interp(p, INTERP_F64, sym, in_data, want_data));

    RunnerOptions ro = {
        .runner = process_beside(a, "mlc-runner", "MLC_RUNNER"),
        .runner_jit = process_beside(a, "mlc-runner-jit", "MLC_RUNNER_JIT"),
        .weights = k->weights,
        .timeout_ns = (int64_t)20 * 1000000000,
    };
    Runner *r = NULL;
    Status s = runner_open(k->ctx, a, k->object, &ro, &r);
    if (s == MLC_OK)
        s = runner_run(r, in, got);
    runner_close(r);
    for (size_t i = 0; i < nout && s == MLC_OK; i++)
        k->worst = fmax(k->worst, difference(got[i], want[i]));
    return s;
}

bool self_check(const char *model, const CompileOptions *o, const char *object, const char *weights,
                double *worst, const char **why)
{
    *why = NULL;
    if (!compile_runs_here(o))
        return false;
    Ctx ctx;
    ctx_init(&ctx);
    ctx.memory_limit = (size_t)2 << 30;
    Check k = {.ctx = &ctx, .model = model, .object = object, .weights = weights, .options = o};
    Status s = ctx_protect(&ctx, run, &k);
    const Diag *d = ctx.diags.first;
    while (d && d->severity != ERROR)
        d = d->next;
    char said[400] = "";
    if (s != MLC_OK && s != MLC_NO)
        snprintf(said, sizeof said, "%s", d ? d->message : "it failed");
    ctx_free(&ctx);
    if (*said)
        *why = str_printable_in(o->arena, said);
    *worst = k.worst;
    return s == MLC_OK;
}
