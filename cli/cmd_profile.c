/* mlc profile: the time of every launch and call of a run, by ONNX node.
 *
 * The artifact takes a time stamp between launches (CompileOptions.profile), which ordinary ones do
 * not. Shares are of the sum of all medians, which one disturbed run does not change. The trace has the
 * times of the run of median length, one event for each launch, also where a loop repeats it. */
#include "cli/inputs.h"
#include "cli/profile.h"
#include "ir/base/file.h"

#include <jansson.h>

enum { WARM_NS = 200000000, SHOWN = 25 };

static double gflops(const ProfileLayer *l)
{
    return l->macs > 0 && l->median_ns > 0 ? 2.0 * (double)l->macs / l->median_ns : 0;
}

static double share(const Profile *p, const ProfileLayer *l)
{
    double sum = 0;
    for (size_t i = 0; i < p->layers.len; i++)
        sum += p->layers.at[i].median_ns;
    return sum > 0 ? l->median_ns / sum : 0;
}

/* "conv1, relu1 and 3 more" in a table, everything elsewhere. */
static const char *node_names(Arena *a, const ProfileLayer *l, size_t most)
{
    Str s = str_new(a);
    for (size_t i = 0; i < l->nnode && i < most; i++)
        str_printf(&s, "%s%s", i ? ", " : "", str_printable_in(a, l->node[i]));
    if (l->nnode > most)
        str_printf(&s, " and %zu more", l->nnode - most);
    return l->nnode ? str_text(&s) : str_printable_in(a, l->name);
}

/* ---- as JSON ---- */

static json_t *times(double mean, double median, double least)
{
    return json_pack("{s:f, s:f, s:f}", "mean", mean / 1e3, "median", median / 1e3, "min",
                     least / 1e3);
}

static json_t *known(int64_t v) { return v < 0 ? json_null() : json_integer(v); }

static json_t *json_layer(Arena *a, const Profile *p, const ProfileLayer *l)
{
    json_t *nodes = json_array();
    for (size_t i = 0; i < l->nnode; i++)
        json_array_append_new(nodes, json_string(str_printable_in(a, l->node[i])));
    return json_pack("{s:s, s:s, s:o, s:o, s:f, s:o, s:f, s:o}", "name",
                     str_printable_in(a, l->name), "kernel", l->skeleton, "nodes", nodes, "us",
                     times(l->mean_ns, l->median_ns, l->min_ns), "share", share(p, l), "macs",
                     known(l->macs), "gflops", gflops(l), "live_bytes", known(l->live_bytes));
}

static void print_json(const Execution *e, const Profile *p)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < p->layers.len; i++)
        json_array_append_new(layers, json_layer(e->arena, p, &p->layers.at[i]));
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:o, s:o, s:o, s:o}", "schema",
                          "mlc-profile/1", "model", str_printable_in(e->arena, e->path), "target",
                          e->info.target, "backend", e->backend, "threads", e->info.threads,
                          "runs", (json_int_t)p->runs, "us",
                          times(p->mean_ns, p->median_ns, p->min_ns), "workspace_bytes",
                          known(p->workspace_bytes), "peak_live_bytes", known(p->peak_bytes),
                          "layers", layers);
    out_json(o, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(o);
}

/* ---- as a table ---- */

/* Positions of the layers, the slowest first. */
static size_t *slowest_first(Arena *a, const Profile *p)
{
    size_t *at = NEW_ARRAY(a, size_t, p->layers.len + 1);
    for (size_t i = 0; i < p->layers.len; i++) {
        size_t k = i;
        for (; k > 0 && p->layers.at[at[k - 1]].median_ns < p->layers.at[i].median_ns; k--)
            at[k] = at[k - 1];
        at[k] = i;
    }
    return at;
}

static void print_row(Arena *a, const Profile *p, const ProfileLayer *l)
{
    char macs[32], live[32], speed[32] = "-";
    if (gflops(l) > 0)
        snprintf(speed, sizeof speed, "%.1f", gflops(l));
    out_printf("%10.1f  %5.1f%%  %8s  %8s  %9s  %-9s  %s\n", l->median_ns / 1e3,
               100 * share(p, l), l->macs > 0 ? str_count(macs, (double)l->macs) : "-", speed,
               l->live_bytes >= 0 ? str_bytes(live, (double)l->live_bytes) : "-", l->skeleton,
               node_names(a, l, 3));
}

static void print_text(const Execution *e, const Profile *p)
{
    const Cli *cli = e->cli;
    char       live[32], all[32];
    size_t     n = p->layers.len, shown = cli->verbose ? n : MIN(n, SHOWN);
    size_t    *order = slowest_first(e->arena, p);
    double     rest = 0;
    out_printf("%s: %s, %d thread%s, %lld runs\n", str_printable_in(e->arena, e->path),
               e->info.target, e->info.threads, e->info.threads == 1 ? "" : "s",
               (long long)p->runs);
    out_printf("  run      median %.1f us, mean %.1f, min %.1f; %zu launches\n",
               p->median_ns / 1e3, p->mean_ns / 1e3, p->min_ns / 1e3, n);
    if (p->peak_bytes >= 0)
        out_printf("  memory   %s of %s workspace in use at most, at launch %zu: %s\n",
                   str_bytes(live, (double)p->peak_bytes),
                   str_bytes(all, (double)p->workspace_bytes), p->peak_layer + 1,
                   node_names(e->arena, &p->layers.at[p->peak_layer], 1));
    out_printf("\n%10s  %6s  %8s  %8s  %9s  %-9s  %s\n", "median us", "share", "MACs", "GFLOP/s",
               "in use", "kernel", "nodes");
    for (size_t i = 0; i < shown; i++)
        print_row(e->arena, p, &p->layers.at[order[i]]);
    for (size_t i = shown; i < n; i++)
        rest += share(p, &p->layers.at[order[i]]);
    if (shown < n)
        out_printf("%10s  %5.1f%%  in %zu more launches; -v shows all\n", "", 100 * rest,
                   n - shown);
}

/* ---- as a trace ---- */

static int add_text(const char *text, size_t n, void *to)
{
    str_addn(to, text, n);
    return 0;
}

/* Chrome's trace event format, which Perfetto reads: complete events ("X") for launches, a counter
 * ("C") for memory; times in microseconds. */
static Status write_trace(const Execution *e, const Profile *p, const char *path)
{
    Arena  *a = e->arena;
    json_t *events = json_array();
    json_array_append_new(events, json_pack("{s:s, s:s, s:i, s:{s:s}}", "ph", "M", "name",
                                            "process_name", "pid", 1, "args", "name",
                                            str_printable_in(a, e->path)));
    for (size_t i = 0; i < p->layers.len; i++) {
        const ProfileLayer *l = &p->layers.at[i];
        double begin = (double)l->start_ns / 1e3;
        json_t *args = json_pack("{s:s, s:o, s:f, s:s}", "kernel", str_printable_in(a, l->name),
                                 "macs", known(l->macs), "gflops", gflops(l), "nodes",
                                 node_names(a, l, SIZE_MAX));
        json_array_append_new(
            events, json_pack("{s:s, s:s, s:s, s:f, s:f, s:i, s:i, s:o}", "ph", "X", "name",
                              node_names(a, l, 1), "cat", l->skeleton, "ts", begin, "dur",
                              (double)(l->end_ns - l->start_ns) / 1e3, "pid", 1, "tid", 1, "args",
                              args));
        if (l->live_bytes >= 0)
            json_array_append_new(events,
                                  json_pack("{s:s, s:s, s:f, s:i, s:{s:I}}", "ph", "C", "name",
                                            "workspace in use", "ts", begin, "pid", 1, "args",
                                            "bytes", (json_int_t)l->live_bytes));
    }
    json_t *doc = json_pack("{s:s, s:o}", "displayTimeUnit", "ns", "traceEvents", events);
    Str     text = str_new(a);
    json_dump_callback(doc, add_text, &text, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    json_decref(doc);
    Status s = file_write(e->ctx, path, str_text(&text), text.len);
    if (s == MLC_OK)
        talk(e->cli, "wrote %s: open it in ui.perfetto.dev or chrome://tracing\n",
             str_printable_in(a, path));
    return s;
}

/* ---- the command ---- */

static Status layers_of(Execution *e, const Tensor *const *in, int64_t launches, Profile *p)
{
    if (!e->program)
        return profile_of_report(e->ctx, e->arena, e->path, launches, p);
    int64_t        *sym = NEW_ARRAY(e->arena, int64_t, ex_sym_count(e->program->pool) + 1);
    const int64_t **shape = NEW_ARRAY(e->arena, const int64_t *, e->info.inputs.len);
    for (size_t i = 0; i < e->info.inputs.len; i++)
        shape[i] = in[i]->dim;
    TRY(program_bind(e->program, shape, sym));
    profile_of_program(e->arena, e->program, sym, p);
    return MLC_OK;
}

static Status measure(Execution *e, Profile *p)
{
    Cli           *cli = e->cli;
    const Tensor **in = NEW_ARRAY(cli->arena, const Tensor *, e->info.inputs.len);
    const char    *dir = opt_text(cli, OPT_input_dir);
    int64_t        runs = opt_int(cli, OPT_runs), min_ns = opt_int(cli, OPT_min_time);
    RunnerProfile  r;
    if (e->info.emulated)
        return diag_error(e->ctx, E0402, (Loc){.file = e->path}, MLC_USAGE,
                          "the artifact runs under an emulator here, whose times mean nothing");
    if (runs > 0 && !opt_given(cli, OPT_min_time))
        min_ns = 0;
    if (dir)
        TRY(input_read_set(e->ctx, cli->arena, dir, "input", e->info.inputs.at,
                           e->info.inputs.len, in));
    TRY(input_fill(e, (uint64_t)opt_int(cli, OPT_seed), in));
    TRY(runner_profile(e->runner, in, MAX(runs, 1), min_ns,
                       MIN(WARM_NS, MAX(min_ns, WARM_NS / 10)), &r));
    TRY(layers_of(e, in, r.stamps - 1, p));
    profile_times(cli->arena, &r, p);
    return MLC_OK;
}

/* Only compiled code that runs here has times that mean something. */
static Status check_target(Cli *cli)
{
    CompileOptions o;
    TRY(compile_options(cli, NULL, &o));
    if (elf_is(cli->arg[0]))
        return MLC_OK;
    if (o.target.kind != TARGET_OBJECT)
        return diag_error(cli->ctx, E0402, (Loc){0}, MLC_USAGE,
                          "target '%s' takes no time stamps: only compiled objects do",
                          o.target_names);
    if (!compile_runs_here(&o))
        return diag_error(cli->ctx, E0402, (Loc){0}, MLC_USAGE,
                          "programs for '%s' do not run on this machine without an emulator, "
                          "whose times mean nothing", o.target_names);
    if (o.ntargets > 1)
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "one target at a time can be profiled, not '%s'", o.target_names);
    return MLC_OK;
}

Status cmd_profile(Cli *cli)
{
    Execution        e;
    Profile          p;
    ExecutionOptions o = {.prefer_shared = true, .profile = true};
    const char      *trace = opt_text(cli, OPT_trace);
    TRY(check_target(cli));
    TRY(execution_open(cli, cli->arg[0], &o, &e));
    Status s = measure(&e, &p);
    if (s == MLC_OK && trace)
        s = write_trace(&e, &p, trace);
    if (s == MLC_OK)
        opt_flag(cli, OPT_json) ? print_json(&e, &p) : print_text(&e, &p);
    execution_close(&e);
    return s;
}
