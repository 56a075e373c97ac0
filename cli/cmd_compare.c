/* mlc compare: two models or artifacts, or one model under two sets of options: do they compute the
 * same, and which is faster and smaller?
 *
 * Speed is measured in rounds that alternate between the two, so that what disturbs the machine
 * disturbs both. The interval of the ratio leaves out the smallest and the largest of 11 rounds: it
 * holds the median with a probability of 1 - 2 (1 + 11) / 2^11 = 98.8 %. */
#include "cli/difference.h"
#include "cli/inputs.h"
#include "cli/verify_case.h"
#include "cli/words.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 11, WARM_NS = 20000000 };

typedef struct Side {
    Cli         cli; /* its options */
    Execution   e;
    bool        open;
    const char *label;      /* "m.onnx -O3" */
    double      median_ns[ROUNDS];
    int64_t     workspace_bytes;
    double      reference_error; /* worst, against output_N.pb */
    bool        reference_equal;
} Side;

typedef struct Output {
    Difference  d;
    bool        equal;
    const char *reason; /* of the first data set in which they are not */
} Output;

typedef struct Compare {
    Cli       *cli;
    Side       a, b;
    Tolerance  tolerance;
    Output    *out; /* one for each output */
    size_t     nout;
    const char **sets; /* folders of data, NULL: random inputs */
    size_t     nset, references;
    bool       timed;
    double     ratio, low, high; /* time of a / time of b */
} Compare;

/* ---- what is compared ---- */

static Status open_side(Cli *cli, Side *s, const char *path, const char *options)
{
    ExecutionOptions o = {.prefer_shared = true};
    TRY(words_reparse(cli, options ? options : "", &s->cli));
    s->label = options ? arena_printf(cli->arena, "%s %s", path, options) : path;
    s->reference_equal = true;
    TRY(execution_open(&s->cli, path, &o, &s->e));
    s->open = true;
    return MLC_OK;
}

static bool same_signature(const RunnerIo *a, size_t na, const RunnerIo *b, size_t nb)
{
    bool same = na == nb;
    for (size_t i = 0; same && i < na; i++)
        same = a[i].elem == b[i].elem && a[i].rank == b[i].rank;
    return same;
}

/* Inputs must have the same types; outputs must be as many. */
static Status check_sides(Compare *c)
{
    const RunnerInfo *a = &c->a.e.info, *b = &c->b.e.info;
    bool in = same_signature(a->inputs.at, a->inputs.len, b->inputs.at, b->inputs.len);
    c->nout = a->outputs.len;
    c->out = NEW_ARRAY(c->cli->arena, Output, c->nout);
    for (size_t i = 0; i < c->nout; i++)
        c->out[i].equal = true;
    if (in && c->nout == b->outputs.len)
        return MLC_OK;
    return diag_error(c->cli->ctx, E0601, (Loc){.file = c->b.e.path}, MLC_INPUT,
                      "%s differ in number, type or rank from those of '%s'",
                      in ? "its outputs" : "its inputs", c->a.e.path);
}

static Status find_data(Compare *c)
{
    Arena      *a = c->cli->arena;
    const char *dir = opt_text(c->cli, OPT_compare_data);
    c->nset = 1;
    if (!dir)
        return MLC_OK;
    TRY(list_folders(c->cli->ctx, a, dir, "test_data_set_", &c->sets, &c->nset));
    for (size_t i = 0; i < c->nset; i++)
        c->sets[i] = arena_printf(a, "%s/%s", dir, c->sets[i]);
    if (c->nset)
        return MLC_OK;
    c->sets = NEW_ARRAY(a, const char *, 1);
    c->sets[0] = dir;
    c->nset = 1;
    if (access(arena_printf(a, "%s/input_0.pb", dir), F_OK) == 0)
        return MLC_OK;
    return diag_error(c->cli->ctx, E0602, (Loc){.file = dir}, MLC_INPUT,
                      "there is neither input_0.pb nor test_data_set_* in '%s'", dir);
}

/* ---- errors ---- */

static Status run_side(Compare *c, Side *s, const Tensor **in, const Tensor *const *want,
                       const Tensor **got)
{
    TRY(execution_run(&s->e, in, got));
    for (size_t i = 0; i < c->nout; i++) {
        if (!want[i])
            continue;
        Comparison r = tensor_compare(c->cli->arena, got[i], want[i], &c->tolerance, 0);
        s->reference_error = fmax(s->reference_error, r.max_error);
        s->reference_equal &= r.equal;
    }
    return MLC_OK;
}

static bool same_shape(const Tensor *a, const Tensor *b)
{
    bool same = a->rank == b->rank;
    for (int k = 0; same && k < a->rank; k++)
        same = a->dim[k] == b->dim[k];
    return same;
}

static void compare_output(Compare *c, Output *o, const char *set, const Tensor *a, const Tensor *b)
{
    Comparison r = {.reason = "the shapes differ"};
    if (same_shape(a, b))
        r = tensor_compare(c->cli->arena, b, a, &c->tolerance, 0);
    if (!r.equal && o->equal)
        o->reason = set ? arena_printf(c->cli->arena, "%s: %s", set, r.reason) : r.reason;
    o->equal &= r.equal;
    if (same_shape(a, b) && a->elem != ELEM_STRING && b->elem != ELEM_STRING)
        difference_add(&o->d, a, b);
}

static Status run_set(Compare *c, size_t k, const Tensor **in)
{
    Arena         *a = c->cli->arena;
    size_t         nin = c->a.e.info.inputs.len;
    const Tensor **want = NEW_ARRAY(a, const Tensor *, c->nout);
    const Tensor **got_a = NEW_ARRAY(a, const Tensor *, c->nout);
    const Tensor **got_b = NEW_ARRAY(a, const Tensor *, c->nout);
    const char    *set = c->sets ? c->sets[k] : NULL;
    if (set) {
        TRY(input_read_set(c->cli->ctx, a, set, "input", c->a.e.info.inputs.at, nin, in));
        TRY(input_read_set(c->cli->ctx, a, set, "output", c->a.e.info.outputs.at, c->nout, want));
    }
    TRY(input_fill(&c->a.e, (uint64_t)opt_int(c->cli, OPT_seed), in));
    for (size_t i = 0; i < c->nout; i++)
        c->references += want[i] != NULL;
    TRY(run_side(c, &c->a, in, want, got_a));
    TRY(run_side(c, &c->b, in, want, got_b));
    for (size_t i = 0; i < c->nout; i++)
        compare_output(c, &c->out[i], set, got_a[i], got_b[i]);
    return MLC_OK;
}

/* ---- speed ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static Status time_side(Side *s, const Tensor **in, int64_t min_ns, int round)
{
    RunnerBench b;
    TRY(execution_bench(&s->e, in, 1, min_ns, round ? 0 : MIN(WARM_NS, min_ns), &b));
    qsort(b.ns, (size_t)b.runs, sizeof *b.ns, by_time);
    s->median_ns[round] = (double)b.ns[(b.runs - 1) / 2];
    s->workspace_bytes = b.workspace_bytes;
    return MLC_OK;
}

static Status measure(Compare *c, const Tensor **in)
{
    double  ratio[ROUNDS];
    int64_t each = opt_int(c->cli, OPT_min_time) / (2 * ROUNDS);
    c->timed = !c->a.e.info.emulated && !c->b.e.info.emulated;
    for (int k = 0; c->timed && k < ROUNDS; k++) {
        progress(c->cli, "measuring: round %d of %d", k + 1, ROUNDS);
        TRY(time_side(&c->a, in, each, k));
        TRY(time_side(&c->b, in, each, k));
        ratio[k] = c->a.median_ns[k] / fmax(c->b.median_ns[k], 1);
    }
    progress_clear();
    if (!c->timed)
        return MLC_OK;
    qsort(ratio, ROUNDS, sizeof *ratio, by_value);
    qsort(c->a.median_ns, ROUNDS, sizeof *ratio, by_value);
    qsort(c->b.median_ns, ROUNDS, sizeof *ratio, by_value);
    c->ratio = ratio[ROUNDS / 2];
    c->low = ratio[1];
    c->high = ratio[ROUNDS - 2];
    return MLC_OK;
}

static const char *speed_verdict(const Compare *c)
{
    return !c->timed ? "not measured" : c->low > 1 ? "faster" : c->high < 1 ? "slower" : "undecided";
}

/* ---- the answer ---- */

static bool outputs_agree(const Compare *c)
{
    bool agree = true;
    for (size_t i = 0; i < c->nout; i++)
        agree &= c->out[i].equal;
    return agree;
}

static json_t *number(double v) { return isfinite(v) ? json_real(v) : json_null(); }

static json_t *json_side(const Compare *c, const Side *s)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "what", str_printable_in(c->cli->arena, s->label),
                          "target", s->e.info.target, "backend", s->e.backend, "artifact_bytes",
                          (json_int_t)s->e.artifact_bytes);
    json_object_set_new(o, "workspace_bytes",
                        c->timed ? json_integer(s->workspace_bytes) : json_null());
    json_object_set_new(o, "latency_us",
                        c->timed ? json_real(s->median_ns[ROUNDS / 2] / 1e3) : json_null());
    json_object_set_new(o, "reference",
                        c->references ? json_pack("{s:o, s:b}", "max_error",
                                                  number(s->reference_error), "agrees",
                                                  s->reference_equal)
                                      : json_null());
    return o;
}

static void print_json(const Compare *c)
{
    json_t *outputs = json_array();
    for (size_t i = 0; i < c->nout; i++) {
        const Difference *d = &c->out[i].d;
        json_array_append_new(
            outputs,
            json_pack("{s:s, s:b, s:o, s:f, s:f, s:f}", "name",
                      str_printable_in(c->cli->arena, c->a.e.info.outputs.at[i].name), "agrees",
                      c->out[i].equal, "max_abs", number(d->max_abs), "rms", difference_rms(d),
                      "cosine", difference_cosine(d), "same_argmax",
                      d->rows ? (double)d->same_argmax / (double)d->rows : 1.0));
    }
    json_t *speed = c->timed ? json_pack("{s:f, s:f, s:f, s:s}", "ratio", c->ratio, "low", c->low,
                                         "high", c->high, "verdict", speed_verdict(c))
                             : json_null();
    json_t *o = json_pack("{s:s, s:o, s:o, s:I, s:o, s:o, s:s}", "schema", "mlc-compare/1", "a",
                          json_side(c, &c->a), "b", json_side(c, &c->b), "data_sets",
                          (json_int_t)c->nset, "outputs", outputs, "speed", speed, "verdict",
                          outputs_agree(c) ? "same" : "different");
    out_json(o, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(o);
}

static void print_side(const Compare *c, char letter, const Side *s)
{
    char size[32], workspace[32];
    out_printf("%c: %s\n   %s", letter, str_printable_in(c->cli->arena, s->label), s->e.info.target);
    if (s->e.artifact_bytes)
        out_printf(", artifact %s", str_bytes(size, (double)s->e.artifact_bytes));
    if (c->timed)
        out_printf(", workspace %s, median %.1f us",
                   str_bytes(workspace, (double)s->workspace_bytes), s->median_ns[ROUNDS / 2] / 1e3);
    if (c->references)
        out_printf(", worst error %.1e against the reference: %s", s->reference_error,
                   s->reference_equal ? "right" : "wrong");
    out_printf("\n");
}

static void print_text(const Compare *c)
{
    print_side(c, 'a', &c->a);
    print_side(c, 'b', &c->b);
    out_printf("%-24s %10s %10s %10s %8s\n", "output", "max |a-b|", "rms", "cosine", "arg max");
    for (size_t i = 0; i < c->nout; i++) {
        const Difference *d = &c->out[i].d;
        out_printf("%-24s %10.2e %10.2e %10.7f %7.2f%%%s%s\n",
                   str_printable_in(c->cli->arena, c->a.e.info.outputs.at[i].name), d->max_abs,
                   difference_rms(d), difference_cosine(d),
                   d->rows ? 100.0 * (double)d->same_argmax / (double)d->rows : 100.0,
                   c->out[i].equal ? "" : "  ", c->out[i].equal ? "" : c->out[i].reason);
    }
    out_printf("outputs  %s over %zu %s\n", outputs_agree(c) ? "agree" : "differ", c->nset,
               c->sets ? c->nset == 1 ? "data set" : "data sets" : "random input");
    if (c->timed)
        out_printf("speed    b is %.3f times as fast as a (%.3f to %.3f): %s\n", c->ratio, c->low,
                   c->high, speed_verdict(c));
    if (c->a.e.artifact_bytes && c->b.e.artifact_bytes)
        out_printf("size     b is %+.2f%% of a\n",
                   100.0 * (double)(c->b.e.artifact_bytes - c->a.e.artifact_bytes) /
                       (double)c->a.e.artifact_bytes);
}

/* ---- the command ---- */

static Status run(Compare *c)
{
    Cli          *cli = c->cli;
    const char   *first = cli->arg[0], *second = cli->nargs > 1 ? cli->arg[1] : cli->arg[0];
    const Tensor **in = NULL;
    TRY(open_side(cli, &c->a, first, opt_text(cli, OPT_a)));
    TRY(open_side(cli, &c->b, second, opt_text(cli, OPT_b)));
    TRY(check_sides(c));
    TRY(find_data(c));
    for (size_t k = c->nset; k-- > 0;) { /* the first set is what speed is measured with */
        in = NEW_ARRAY(cli->arena, const Tensor *, c->a.e.info.inputs.len);
        TRY(run_set(c, k, in));
    }
    TRY(measure(c, in));
    opt_flag(cli, OPT_json) ? print_json(c) : print_text(c);
    return outputs_agree(c) ? MLC_OK : MLC_NO;
}

Status cmd_compare(Cli *cli)
{
    Compare c = {.cli = cli, .tolerance = TOLERANCE_DEFAULT};
    if (cli->nargs == 1 && !opt_given(cli, OPT_a) && !opt_given(cli, OPT_b)) {
        diag_report(cli->ctx, E0503, (Loc){0}, "there is one model and no --a or --b to tell apart");
        diag_help(cli->ctx, "mlc compare model.onnx --a '-O2' --b '-O3 -t x86-avx512'");
        return MLC_USAGE;
    }
    c.tolerance.rtol = opt_float(cli, OPT_rtol);
    c.tolerance.atol = opt_float(cli, OPT_atol);
    Status s = run(&c);
    if (c.a.open)
        execution_close(&c.a.e);
    if (c.b.open)
        execution_close(&c.b.e);
    return s;
}
