/* mlc bench: latency of whole runs, after a warm-up, in a process of its own. Percentiles are of
 * the nearest rank: the smallest time that at least p % of the runs do not exceed. */
#include "cli/inputs.h"

#include "ir/base/file.h"

#include <jansson.h>
#include <stdlib.h>

enum { WARM_NS = 200000000 };

typedef struct Latency { /* microseconds */
    double mean, median, p90, p95, p99, min, max;
} Latency;

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double percentile(const int64_t *sorted, int64_t n, int p)
{
    int64_t rank = (n * p + 99) / 100;
    return (double)sorted[rank > 0 ? rank - 1 : 0] / 1e3;
}

/* Sorts the times. */
static Latency latency_of(RunnerBench *b)
{
    int64_t sum = 0, n = b->runs;
    qsort(b->ns, (size_t)n, sizeof *b->ns, by_time);
    for (int64_t i = 0; i < n; i++)
        sum += b->ns[i];
    double median = ((double)b->ns[(n - 1) / 2] + (double)b->ns[n / 2]) / 2e3;
    return (Latency){
        .mean = (double)sum / (double)n / 1e3, .median = median,
        .p90 = percentile(b->ns, n, 90), .p95 = percentile(b->ns, n, 95),
        .p99 = percentile(b->ns, n, 99), .min = (double)b->ns[0] / 1e3,
        .max = (double)b->ns[n - 1] / 1e3,
    };
}

static void print_json(const Execution *e, const RunnerBench *b, const Latency *l)
{
    json_t *us = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "mean", l->mean, "median",
                           l->median, "p90", l->p90, "p95", l->p95, "p99", l->p99, "min", l->min,
                           "max", l->max);
    json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:I, s:o, s:f, s:I, s:f}", "schema", "mlc-bench/1",
                          "model", e->path, "target", e->info.target, "threads", e->info.threads,
                          "runs", (json_int_t)b->runs, "latency_us", us, "throughput_per_s",
                          1e6 / l->mean, "peak_rss_bytes", (json_int_t)b->peak_rss_bytes, "load_us",
                          (double)e->info.load_ns / 1e3);
    json_object_set_new(o, "compile_ms",
                        e->program ? json_real((double)e->compile_ns / 1e6) : json_null());
    json_object_set_new(o, "artifact_bytes", json_integer(e->artifact_bytes));
    json_object_set_new(o, "workspace_bytes", json_integer(b->workspace_bytes));
    json_object_set_new(o, "backend", json_string(e->backend));
    out_json(o, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(o);
}

static void print_text(const Execution *e, const RunnerBench *b, const Latency *l)
{
    char rss[32], workspace[32], size[32];
    out_printf("%s: %s, %d threads, %lld runs\n", e->path, e->info.target, e->info.threads,
               (long long)b->runs);
    out_printf("  latency     median %.1f us, mean %.1f, p90 %.1f, p95 %.1f, p99 %.1f, "
               "min %.1f, max %.1f\n",
               l->median, l->mean, l->p90, l->p95, l->p99, l->min, l->max);
    out_printf("  throughput  %.1f runs/s\n", 1e6 / l->mean);
    out_printf("  memory      %s peak of the process, %s workspace\n",
               str_bytes(rss, (double)b->peak_rss_bytes),
               str_bytes(workspace, (double)b->workspace_bytes));
    out_printf("  load        %.1f us", (double)e->info.load_ns / 1e3);
    if (e->program)
        out_printf(", compile %.0f ms", (double)e->compile_ns / 1e6);
    if (e->artifact_bytes)
        out_printf(", artifact %s", str_bytes(size, (double)e->artifact_bytes));
    out_printf("\n");
}

static Status emulated(Ctx *c, const char *path, const char *target)
{
    return diag_error(c, E0402, (Loc){.file = path}, MLC_USAGE,
                      "target '%s' runs under an emulator here, whose latency means nothing",
                      target);
}

static Status bench(Execution *e, Cli *cli)
{
    const Tensor **in = NEW_ARRAY(cli->arena, const Tensor *, e->info.inputs.len);
    const char    *dir = opt_text(cli, OPT_input_dir);
    int64_t        runs = opt_int(cli, OPT_runs), min_ns = opt_int(cli, OPT_min_time);
    RunnerBench    b;
    if (e->info.emulated)
        return emulated(e->ctx, e->path, e->info.target);
    if (runs > 0 && !opt_given(cli, OPT_min_time))
        min_ns = 0;
    if (dir)
        TRY(input_read_set(e->ctx, cli->arena, dir, "input", e->info.inputs.at,
                           e->info.inputs.len, in));
    TRY(input_fill(e, (uint64_t)opt_int(cli, OPT_seed), in));
    TRY(execution_bench(e, in, MAX(runs, 1), min_ns, MIN(WARM_NS, MAX(min_ns, WARM_NS / 10)), &b));
    Latency l = latency_of(&b);
    opt_flag(cli, OPT_json) ? print_json(e, &b, &l) : print_text(e, &b, &l);
    return MLC_OK;
}

Status cmd_bench(Cli *cli)
{
    Execution        e;
    ExecutionOptions o = {.prefer_shared = true};
    CompileOptions   compile;
    /* Before the work: an emulator's latency is refused anyway. */
    TRY(compile_options(cli, NULL, &compile));
    if (!elf_is(cli->arg[0])) {
        TRY(execution_possible(cli->ctx, cli->arena, &compile));
        if (compile.target.kind == TARGET_OBJECT && !compile_runs_here(&compile))
            return emulated(cli->ctx, cli->arg[0], compile.target_names);
    }
    TRY(execution_open(cli, cli->arg[0], &o, &e));
    Status s = bench(&e, cli);
    execution_close(&e);
    return s;
}
