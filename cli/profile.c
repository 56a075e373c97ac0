/* Launches and their times: see profile.h. */
#include "cli/profile.h"

#include "ir/base/file.h"

#include <jansson.h>
#include <stdlib.h>

static void find_peak(Profile *p)
{
    p->peak_bytes = -1;
    for (size_t i = 0; i < p->layers.len; i++)
        if (p->layers.at[i].live_bytes > p->peak_bytes) {
            p->peak_bytes = p->layers.at[i].live_bytes;
            p->peak_layer = i;
        }
}

/* ---- from a program ---- */

static int64_t live_at(const Program *p, int step, const int64_t *sym)
{
    int64_t sum = 0;
    for (size_t i = 0; i < p->mem.len; i++) {
        const MemObj *m = p->mem.at[i];
        if (m->space == SPACE_TEMP && !memobj_is_dynamic(p, m) && m->first <= step && step <= m->last)
            sum += ex_eval_size(m->size_bytes, sym);
    }
    return sum;
}

/* -1 where it depends on symbols that the run finds out. */
static int64_t macs_of(const Program *p, const Kernel *k, const int64_t *sym)
{
    for (int y = ex_sym_bound_count(p->pool); y < ex_sym_count(p->pool); y++)
        if (ex_uses(k->macs, ex_sym_at(p->pool, y)))
            return -1;
    return ex_eval_size(k->macs, sym);
}

void profile_of_program(Arena *a, Program *p, const int64_t *sym, Profile *out)
{
    *out = (Profile){.workspace_bytes = p->workspace_bytes};
    for (size_t i = 0; i < p->steps.len; i++) {
        const Step *s = &p->steps.at[i];
        const Kernel *k = s->kernel;
        if (s->kind != STEP_LAUNCH && s->kind != STEP_CALL)
            continue;
        vec_push(a, &out->layers,
                 (ProfileLayer){
                     .name = k ? k->name : s->call, .skeleton = k ? k->skeleton : "call",
                     .node = s->origin.at, .nnode = s->origin.len,
                     .macs = k && k->macs ? macs_of(p, k, sym) : k ? 0 : -1,
                     .live_bytes = live_at(p, (int)i, sym),
                 });
    }
    if (p->workspace_bytes < 0)
        out->workspace_bytes = program_plan(p, sym, NEW_ARRAY(a, int64_t, p->mem.len + 1));
    find_peak(out);
}

/* ---- from a report ---- */

static int64_t number_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) && json_integer_value(v) >= 0 ? json_integer_value(v) : -1;
}

static const char *text_of(Arena *a, const json_t *v)
{
    return arena_strdup(a, json_is_string(v) ? json_string_value(v) : "?");
}

/* From the objects of the report's memory plan. */
static int64_t live_in_plan(const json_t *plan, int64_t step)
{
    int64_t sum = 0;
    size_t  k;
    json_t *o;
    if (step < 0)
        return -1;
    json_array_foreach(plan, k, o)
    {
        int64_t bytes = number_of(o, "bytes");
        if (number_of(o, "first") > step || number_of(o, "last") < step)
            continue;
        if (bytes < 0 || __builtin_add_overflow(sum, bytes, &sum))
            return -1;
    }
    return sum;
}

static void add_layer(Arena *a, const json_t *o, const json_t *plan, Profile *out)
{
    const json_t *nodes = json_object_get(o, "nodes");
    ProfileLayer  l = {
        .name = text_of(a, json_object_get(o, "name")),
        .skeleton = text_of(a, json_object_get(o, "kernel")),
        .nnode = json_array_size(nodes),
        .macs = number_of(o, "macs"),
        .live_bytes = live_in_plan(plan, number_of(o, "step")),
    };
    l.node = NEW_ARRAY(a, const char *, l.nnode);
    for (size_t i = 0; i < l.nnode; i++)
        l.node[i] = text_of(a, json_array_get(nodes, i));
    vec_push(a, &out->layers, l);
}

Status profile_of_report(Ctx *c, Arena *a, const char *artifact, int64_t launches, Profile *out)
{
    const char *path =
        arena_printf(a, "%s/%s.json", path_dir(a, artifact), path_stem(a, artifact));
    FileMap      map;
    json_error_t error;
    *out = (Profile){.workspace_bytes = -1};
    if (file_map(c, path, &map) != MLC_OK) {
        diag_help(c, "the names of the launches are in the report that 'mlc optimize' writes "
                     "beside the artifact");
        return MLC_INPUT;
    }
    json_t *doc = json_loadb((const char *)map.data, map.size, 0, &error);
    file_unmap(&map);
    const json_t *layers = json_object_get(doc, "layers"), *o;
    const json_t *schema = json_object_get(doc, "schema");
    bool ok = json_is_string(schema) && str_eq(json_string_value(schema), "mlc-report/1") &&
              (int64_t)json_array_size(layers) == launches;
    for (size_t i = 0; ok && i < json_array_size(layers) && (o = json_array_get(layers, i)); i++)
        add_layer(a, o, json_object_get(doc, "memory"), out);
    out->workspace_bytes = number_of(json_object_get(doc, "ram"), "workspace");
    json_decref(doc);
    find_peak(out);
    return ok ? MLC_OK
              : diag_error(c, E0602, (Loc){.file = path}, MLC_INPUT,
                           "'%s' is not the report of '%s': it must list %lld launches", path,
                           artifact, (long long)launches);
}

/* ---- times ---- */

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Mean, median and least of n times, which it sorts. */
static void summarize(int64_t *t, int64_t n, double *mean, double *median, double *least)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)t[i];
    qsort(t, (size_t)n, sizeof *t, by_time);
    *mean = sum / (double)n;
    *median = ((double)t[(n - 1) / 2] + (double)t[n / 2]) / 2;
    *least = (double)t[0];
}

static int64_t run_time(const RunnerProfile *r, int64_t run)
{
    int64_t sum = 0;
    for (int64_t i = 1; i < r->stamps; i++)
        sum += r->at[run * r->stamps + i];
    return sum;
}

void profile_times(Arena *a, const RunnerProfile *r, Profile *p)
{
    int64_t *time = NEW_ARRAY(a, int64_t, r->runs), typical = 0, at = 0;
    p->runs = r->runs;
    for (int64_t k = 0; k < r->runs; k++)
        time[k] = run_time(r, k);
    summarize(time, r->runs, &p->mean_ns, &p->median_ns, &p->min_ns);
    int64_t middle = time[(r->runs - 1) / 2];
    while (run_time(r, typical) != middle)
        typical++;
    for (size_t i = 0; i < p->layers.len && (int64_t)i + 1 < r->stamps; i++) {
        ProfileLayer *l = &p->layers.at[i];
        for (int64_t k = 0; k < r->runs; k++)
            time[k] = r->at[k * r->stamps + 1 + (int64_t)i];
        summarize(time, r->runs, &l->mean_ns, &l->median_ns, &l->min_ns);
        l->start_ns = at;
        l->end_ns = at += r->at[typical * r->stamps + 1 + (int64_t)i];
    }
}
