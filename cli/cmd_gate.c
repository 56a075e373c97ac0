/* mlc gate: a new report against the one of a baseline: has anything become worse than allowed?
 *
 * A limit is relative, 5%, or absolute, 64K or 2ms: what the new value may exceed the old one by. */
#include "cli/cli.h"

#include "ir/base/file.h"
#include "ir/base/vec.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

typedef enum Unit { UNIT_bytes, UNIT_count, UNIT_us, UNIT_ms } Unit;

typedef struct Metric {
    const char *name, *schema, *path;
    Unit        unit;
    const char *dflt; /* limit when nothing is asked for; NULL: it is not looked at then */
} Metric;

static const Metric metrics[] = {
#define METRIC(name, schema, path, unit, dflt) {name, schema, path, UNIT_##unit, dflt},
#include "cli/metrics.def"
#undef METRIC
};

/* One metric of two reports. */
typedef struct Check {
    const Metric *m;
    const char   *limit;    /* as written */
    double        allowed;  /* by how much it may grow, in the metric's unit */
    double        was, is;  /* NAN: the report does not have it */
    bool          asked;    /* by --max-regress */
    bool          passed;
} Check;

typedef struct Gate {
    Cli        *cli;
    const char *new_path, *old_path;
    json_t     *new_doc, *old_doc;
    const char *schema;
    VEC(Check)  checks;
} Gate;

/* ---- reports ---- */

static Status read_report(Cli *cli, const char *path, json_t **out, const char **schema)
{
    FileMap      map;
    json_error_t error;
    TRY(file_map(cli->ctx, path, &map));
    *out = json_loadb((const char *)map.data, map.size, 0, &error);
    file_unmap(&map);
    const json_t *s = json_object_get(*out, "schema");
    *schema = json_is_string(s) ? arena_strdup(cli->arena, json_string_value(s)) : NULL;
    for (size_t i = 0; *schema && i < COUNT_OF(metrics); i++)
        if (str_eq(*schema, metrics[i].schema))
            return MLC_OK;
    if (!*out)
        return diag_error(cli->ctx, E0602, (Loc){.file = path, .line = error.line}, MLC_INPUT,
                          "this is no JSON: %s", error.text);
    diag_report(cli->ctx, E0602, (Loc){.file = path}, "this is no report: its schema is %s%s%s",
                *schema ? "'" : "", *schema ? *schema : "missing", *schema ? "'" : "");
    diag_help(cli->ctx, "the report of 'mlc optimize' and what 'mlc bench --json' prints are");
    return MLC_INPUT;
}

/* A number at "a.b", NAN when there is none. */
static double number_at(Arena *a, const json_t *o, const char *path)
{
    char *save;
    for (char *w = strtok_r(arena_strdup(a, path), ".", &save); w; w = strtok_r(NULL, ".", &save))
        o = json_object_get(o, w);
    return json_is_number(o) ? json_number_value(o) : NAN;
}

/* The sum of the paths of a metric. */
static double value_of(Arena *a, const json_t *doc, const Metric *m)
{
    double sum = 0;
    char  *save;
    for (char *w = strtok_r(arena_strdup(a, m->path), " +", &save); w;
         w = strtok_r(NULL, " +", &save))
        sum += number_at(a, doc, w);
    return sum;
}

/* ---- limits ---- */

static bool parse_limit(const Metric *m, const char *text, double was, double *allowed)
{
    char   *end;
    int64_t n;
    double  v = strtod(text, &end);
    if (*text >= '0' && *text <= '9' && str_eq(end, "%")) {
        *allowed = was * v / 100;
        return isfinite(v);
    }
    bool is_time = m->unit == UNIT_us || m->unit == UNIT_ms;
    if (!(is_time ? parse_time(text, &n) : parse_size(text, &n)))
        return false;
    *allowed = (double)n / (m->unit == UNIT_us ? 1e3 : m->unit == UNIT_ms ? 1e6 : 1);
    return true;
}

static Status add(Gate *g, const Metric *m, const char *limit, bool asked)
{
    Check c = {.m = m, .limit = limit, .asked = asked};
    c.was = value_of(g->cli->arena, g->old_doc, m);
    c.is = value_of(g->cli->arena, g->new_doc, m);
    if (isnan(c.was) || isnan(c.is)) {
        if (!asked)
            return MLC_OK;
        return diag_error(g->cli->ctx, E0502, (Loc){.file = isnan(c.is) ? g->new_path : g->old_path},
                          MLC_USAGE, "the report does not tell the metric '%s'", m->name);
    }
    if (!parse_limit(m, limit, c.was, &c.allowed))
        return diag_error(g->cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "--max-regress of '%s' is '%s', which is neither 5%% nor %s", m->name,
                          limit, m->unit == UNIT_us || m->unit == UNIT_ms ? "a time" : "a size");
    /* Half a unit of the last digit of a double, so that 0.1 + 0.2 is no regression. */
    c.passed = c.is - c.was <= c.allowed + 1e-12 * fabs(c.was);
    vec_push(g->cli->arena, &g->checks, c);
    return MLC_OK;
}

/* "size=1%". */
static Status add_asked(Gate *g, const char *word)
{
    const char *eq = strchr(word, '='), *known[COUNT_OF(metrics)];
    size_t      n = 0;
    if (!eq || eq == word || !eq[1])
        return diag_error(g->cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "--max-regress is '%s', which is not of the form METRIC=LIMIT", word);
    const char *name = arena_strndup(g->cli->arena, word, (size_t)(eq - word));
    for (size_t i = 0; i < COUNT_OF(metrics); i++) {
        if (!str_eq(metrics[i].schema, g->schema))
            continue;
        if (str_eq(metrics[i].name, name))
            return add(g, &metrics[i], eq + 1, true);
        known[n++] = metrics[i].name;
    }
    Str list = str_new(g->cli->arena);
    for (size_t i = 0; i < n; i++)
        str_printf(&list, "%s%s", i ? ", " : "", known[i]);
    return unknown_word(g->cli->ctx, arena_printf(g->cli->arena, "metric of %s", g->schema), name,
                        known, n, arena_printf(g->cli->arena, "it has %s", str_text(&list)));
}

static Status add_checks(Gate *g)
{
    const OptionValue *v = &g->cli->opt[OPT_max_regress];
    for (int i = 0; i < v->nlist; i++) {
        char *save;
        for (char *w = strtok_r(arena_strdup(g->cli->arena, v->list[i]), ",", &save); w;
             w = strtok_r(NULL, ",", &save))
            TRY(add_asked(g, w));
    }
    for (size_t i = 0; !v->nlist && i < COUNT_OF(metrics); i++)
        if (str_eq(metrics[i].schema, g->schema) && metrics[i].dflt)
            TRY(add(g, &metrics[i], metrics[i].dflt, false));
    return MLC_OK;
}

/* ---- the answer ---- */

static const char *shown(char buf[32], const Metric *m, double v)
{
    switch (m->unit) {
    case UNIT_bytes:
        return str_bytes(buf, v);
    case UNIT_count:
        return str_count(buf, v);
    case UNIT_us:
        snprintf(buf, 32, "%.1f us", v);
        break;
    case UNIT_ms:
        snprintf(buf, 32, "%.1f ms", v);
        break;
    }
    return buf;
}

static int print_text(const Gate *g)
{
    int failed = 0;
    out_printf("%-10s %12s %12s %10s %10s\n", "metric", "baseline", "new", "change", "allowed");
    for (size_t i = 0; i < g->checks.len; i++) {
        const Check *c = &g->checks.at[i];
        char was[32], is[32], change[32] = "-";
        if (c->was != 0)
            snprintf(change, sizeof change, "%+.2f%%", 100 * (c->is - c->was) / c->was);
        out_printf("%-10s %12s %12s %10s %10s  %s\n", c->m->name, shown(was, c->m, c->was),
                   shown(is, c->m, c->is), change, c->limit, c->passed ? "pass" : "FAIL");
        failed += !c->passed;
    }
    return failed;
}

static int print_json(const Gate *g)
{
    json_t *list = json_array();
    int     failed = 0;
    for (size_t i = 0; i < g->checks.len; i++) {
        const Check *c = &g->checks.at[i];
        json_array_append_new(
            list, json_pack("{s:s, s:f, s:f, s:o, s:s, s:s}", "name", c->m->name, "baseline",
                            c->was, "new", c->is, "change",
                            c->was != 0 ? json_real((c->is - c->was) / c->was) : json_null(),
                            "allowed", c->limit, "verdict", c->passed ? "pass" : "fail"));
        failed += !c->passed;
    }
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "schema", "mlc-gate/1", "new",
                          str_printable_in(g->cli->arena, g->new_path), "baseline",
                          str_printable_in(g->cli->arena, g->old_path), "compared", g->schema,
                          "verdict", failed ? "fail" : "pass", "metrics", list);
    out_json(o, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(o);
    return failed;
}

static Status run(Gate *g)
{
    const char *old_schema;
    TRY(read_report(g->cli, g->new_path, &g->new_doc, &g->schema));
    TRY(read_report(g->cli, g->old_path, &g->old_doc, &old_schema));
    if (!str_eq(g->schema, old_schema))
        return diag_error(g->cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "'%s' is of schema %s, and '%s' of %s", g->new_path, g->schema,
                          g->old_path, old_schema);
    TRY(add_checks(g));
    if (!g->checks.len)
        return diag_error(g->cli->ctx, E0602, (Loc){.file = g->new_path}, MLC_INPUT,
                          "the two reports have nothing in common that can be compared");
    int failed = opt_flag(g->cli, OPT_json) ? print_json(g) : print_text(g);
    return failed ? MLC_NO : MLC_OK;
}

Status cmd_gate(Cli *cli)
{
    Gate g = {.cli = cli, .new_path = cli->arg[0], .old_path = opt_text(cli, OPT_baseline)};
    if (!g.old_path) {
        diag_report(cli->ctx, E0503, (Loc){0}, "--baseline must name the report to compare with");
        diag_help(cli->ctx, "mlc gate new.json --baseline old.json --max-regress size=1%%");
        return MLC_USAGE;
    }
    Status s = run(&g);
    json_decref(g.new_doc);
    json_decref(g.old_doc);
    return s;
}
