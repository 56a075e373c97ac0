/* mlc run: one run on given or seeded inputs; prints the outputs, says who computed them. */
#include "cli/inputs.h"

#include "frontend/data/data.h"
#include "ir/base/file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PREVIEW = 8, JSON_VALUES = 4096 };

/* ---- inputs ---- */

/* "N=FILE", or "FILE" alone for a model with one input. N is a name or a number. */
static Status given_input(Execution *e, const char *text, const Tensor **in)
{
    size_t      n = e->info.inputs.len, at = n;
    const char *file = text, *name;
    for (const char *eq = strchr(text, '='); eq && at == n; eq = strchr(eq + 1, '=')) {
        const char *key = arena_strndup(e->arena, text, (size_t)(eq - text));
        for (size_t i = 0; i < n; i++)
            if (str_eq(key, e->info.inputs.at[i].name))
                at = i;
        char *end;
        long  number = strtol(key, &end, 10);
        if (at == n && *key && !*end && number >= 0 && (size_t)number < n)
            at = (size_t)number;
        if (at < n)
            file = eq + 1;
    }
    if (at == n && n == 1 && !strchr(text, '='))
        at = 0;
    if (at == n) {
        const char **known = NEW_ARRAY(e->arena, const char *, n);
        for (size_t i = 0; i < n; i++)
            known[i] = e->info.inputs.at[i].name;
        const char *key = arena_strndup(e->arena, text, strcspn(text, "="));
        return unknown_word(e->ctx, "input", key, known, n, "--input NAME=FILE");
    }
    return input_read(e->ctx, e->arena, file, &in[at], &name);
}

/* ---- output ---- */

static double number_at(const Tensor *t, int64_t i)
{
    return elem_is_float(t->elem) ? tensor_get_f64(t, i) : (double)tensor_get_i64(t, i);
}

static void add_value(Str *s, const Tensor *t, int64_t i)
{
    if (t->elem == ELEM_STRING)
        str_printf(s, "'%s'", ((const char *const *)t->data)[t->splat ? 0 : i]);
    else if (elem_is_float(t->elem))
        str_printf(s, "%.6g", tensor_get_f64(t, i));
    else if (elem_is_unsigned(t->elem))
        str_printf(s, "%llu", (unsigned long long)tensor_get_i64(t, i));
    else
        str_printf(s, "%lld", (long long)tensor_get_i64(t, i));
}

/* The `k` largest elements, largest first, the first of equals first: k passes, k is small. */
static void add_top(Str *s, Arena *a, const Tensor *t, int64_t k)
{
    int64_t n = tensor_count(t);
    bool   *taken = NEW_ARRAY(a, bool, n);
    for (int64_t r = 0; r < k && r < n; r++) {
        int64_t best = -1;
        for (int64_t i = 0; i < n; i++)
            if (!taken[i] && (best < 0 || number_at(t, i) > number_at(t, best)))
                best = i;
        taken[best] = true;
        str_printf(s, "\n  %6lld  ", (long long)best);
        add_value(s, t, best);
    }
}

static void print_output(Execution *e, size_t i, const Tensor *t, int64_t top)
{
    Str     s = str_new(e->arena);
    int64_t n = tensor_count(t);
    str_printf(&s, "%s: %s[", e->info.outputs.at[i].name, elem_name[t->elem]);
    for (int k = 0; k < t->rank; k++)
        str_printf(&s, "%s%lld", k ? "," : "", (long long)t->dim[k]);
    str_add(&s, "]");
    if (top > 0 && t->elem != ELEM_STRING) {
        add_top(&s, e->arena, t, MIN(top, 1000));
    } else {
        for (int64_t k = 0; k < MIN(n, PREVIEW); k++) {
            str_add(&s, k ? " " : "  ");
            add_value(&s, t, k);
        }
        str_add(&s, n > PREVIEW ? " ..." : "");
    }
    out_printf("%s\n", str_text(&s));
}

static json_t *json_value(const Tensor *t, int64_t i)
{
    if (t->elem == ELEM_STRING)
        return json_string(((const char *const *)t->data)[t->splat ? 0 : i]);
    if (!elem_is_float(t->elem))
        return json_integer(tensor_get_i64(t, i));
    double v = tensor_get_f64(t, i);
    return v - v == 0 ? json_real(v) : json_string(v != v ? "nan" : v > 0 ? "inf" : "-inf");
}

static json_t *json_output(const RunnerIo *io, const Tensor *t)
{
    json_t *shape = json_array(), *values = json_array();
    int64_t n = tensor_count(t);
    for (int k = 0; k < t->rank; k++)
        json_array_append_new(shape, json_integer(t->dim[k]));
    for (int64_t i = 0; i < MIN(n, JSON_VALUES); i++)
        json_array_append_new(values, json_value(t, i));
    json_t *o = json_pack("{s:s, s:s, s:o, s:o}", "name", io->name, "type", elem_name[t->elem],
                          "shape", shape, "values", values);
    if (n > JSON_VALUES)
        json_object_set_new(o, "truncated", json_true());
    return o;
}

static void print_json(Execution *e, const Tensor **out)
{
    json_t *outputs = json_array();
    for (size_t i = 0; i < e->info.outputs.len; i++)
        json_array_append_new(outputs, json_output(&e->info.outputs.at[i], out[i]));
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "schema", "mlc-run/1", "model", e->path,
                          "target", e->info.target, "backend", e->backend, "threads",
                          e->info.threads, "kernels_extern", 0);
    json_object_set_new(o, "selected", json_string(e->info.selected));
    json_object_set_new(o, "kernels_compiled",
                        e->program ? json_integer((json_int_t)e->program->kernels.len)
                                   : json_null());
    json_object_set_new(o, "workspace_bytes", json_integer(e->info.workspace_bytes));
    json_object_set_new(o, "outputs", outputs);
    out_json(o, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(o);
}

/* DIR/output_N.pb. */
static Status write_outputs(Execution *e, const char *dir, const Tensor **out)
{
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return diag_error(e->ctx, E0003, (Loc){.file = dir}, MLC_SYSTEM, "cannot make '%s': %s",
                          dir, strerror(errno));
    for (size_t i = 0; i < e->info.outputs.len; i++)
        TRY(tensor_write_pb(e->ctx, arena_printf(e->arena, "%s/output_%zu.pb", dir, i),
                            e->info.outputs.at[i].name, out[i]));
    return MLC_OK;
}

static Status run(Execution *e, Cli *cli)
{
    const Tensor **in = NEW_ARRAY(cli->arena, const Tensor *, e->info.inputs.len);
    const Tensor **out = NEW_ARRAY(cli->arena, const Tensor *, e->info.outputs.len);
    for (int i = 0; i < cli->opt[OPT_input].nlist; i++)
        TRY(given_input(e, cli->opt[OPT_input].list[i], in));
    TRY(input_fill(e, (uint64_t)opt_int(cli, OPT_seed), in));
    TRY(execution_run(e, in, out));
    if (opt_text(cli, OPT_run_output))
        TRY(write_outputs(e, opt_text(cli, OPT_run_output), out));
    if (opt_flag(cli, OPT_json)) {
        print_json(e, out);
        return MLC_OK;
    }
    talk_more(cli, "%s: target %s, %s, %d threads\n", e->path, e->info.selected, e->backend,
              e->info.threads);
    for (size_t i = 0; i < e->info.outputs.len; i++)
        print_output(e, i, out[i], opt_int(cli, OPT_top));
    return MLC_OK;
}

Status cmd_run(Cli *cli)
{
    Execution        e;
    ExecutionOptions o = {0};
    TRY(execution_open(cli, cli->arg[0], &o, &e));
    Status s = run(&e, cli);
    execution_close(&e);
    return s;
}
