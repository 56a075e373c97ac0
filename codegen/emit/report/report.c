/* The report: see report.h. Sizes that depend on symbols are written as text: "4*batch*seq". */
#include "codegen/emit/report/report.h"

#include "ir/base/ctx.h"

#include <jansson.h>

static json_t *text(Arena *a, const char *s)
{
    return s ? json_string(str_printable_in(a, s)) : json_null();
}

static json_t *number(int64_t v) { return v < 0 ? json_null() : json_integer(v); }

static void set(json_t *o, const char *key, json_t *v) { json_object_set_new(o, key, v); }

static json_t *size(Arena *a, const ExPool *p, Ex e)
{
    int64_t v;
    if (!e)
        return json_null();
    if (ex_is_int(e, &v))
        return json_integer(v);
    Str s = str_new(a);
    ex_print(&s, p, e);
    return text(a, str_text(&s));
}

static json_t *words(Arena *a, const char *const *at, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, text(a, at[i]));
    return list;
}

static json_t *model(Arena *a, const ReportInfo *r)
{
    json_t *o = json_object();
    set(o, "file", text(a, r->model));
    set(o, "sha256", *r->sha256 ? json_string(r->sha256) : json_null());
    set(o, "bytes", json_integer(r->model_bytes));
    set(o, "opset", json_integer(r->opset));
    set(o, "nodes", json_integer(r->nodes_before));
    set(o, "params", json_integer(r->params));
    set(o, "param_bytes", json_integer(r->param_bytes));
    set(o, "macs", json_integer(r->macs));
    return o;
}

static json_t *target(const ReportInfo *r)
{
    const TargetDesc *t = r->targets[0].desc;
    json_t *o = json_object();
    set(o, "name", json_string(r->target_names));
    set(o, "triple", json_string(t->triple));
    set(o, "cpu", json_string(t->cpu));
    set(o, "features", json_string(t->features));
    return o;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Bytes of the weights section that a program uses: objects with equal bytes share an offset. */
static int64_t weights_used(Arena *a, const Program *p)
{
    int64_t *offset = NEW_ARRAY(a, int64_t, p->mem.len + 1), total = 0, bytes;
    int64_t *ends = NEW_ARRAY(a, int64_t, p->mem.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < p->mem.len; i++) {
        const MemObj *m = p->mem.at[i];
        if (m->space != SPACE_CONST || !ex_is_int(m->size_bytes, &bytes))
            continue;
        offset[n] = m->offset;
        ends[n++] = m->offset + (bytes + 63) / 64 * 64;
    }
    qsort(offset, n, sizeof *offset, by_value);
    qsort(ends, n, sizeof *ends, by_value);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || offset[i] != offset[i - 1])
            total += ends[i] - offset[i];
    return total;
}

/* What each target has for itself; what two of them use is counted in both. */
static json_t *targets(Arena *a, const ReportInfo *r)
{
    json_t *list = json_array();
    for (int k = 0; k < r->ntargets; k++) {
        const ReportTarget *t = &r->targets[k];
        json_t *o = json_object();
        set(o, "name", json_string(t->desc->name));
        set(o, "cpu", json_string(t->desc->cpu));
        set(o, "features", json_string(t->desc->features));
        set(o, "code", number(t->code_bytes));
        set(o, "weights", json_integer(weights_used(a, t->program)));
        set(o, "workspace", number(t->program->workspace_bytes));
        set(o, "kernels", json_integer((json_int_t)t->program->kernels.len));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *io(Arena *a, const Program *p, const ProgramIo *at, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object(), *dims = json_array();
        for (int k = 0; k < at[i].rank; k++)
            json_array_append_new(dims, size(a, p->pool, at[i].dim[k]));
        set(o, "name", text(a, at[i].name));
        set(o, "type", json_string(elem_name[at[i].elem]));
        set(o, "shape", dims);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *layers(Arena *a, const Program *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->steps.len; i++) {
        const Step *s = &p->steps.at[i];
        const Kernel *kernel = s->kernel;
        if (s->kind != STEP_LAUNCH && s->kind != STEP_CALL)
            continue;
        Ex bytes = ex_int(p->pool, 0);
        for (size_t k = 0; k < s->args.len; k++)
            bytes = ex_add(p->pool, bytes, s->args.at[k]->size_bytes);
        json_t *o = json_object();
        set(o, "step", json_integer((json_int_t)i));
        set(o, "name", text(a, kernel ? kernel->name : s->call));
        set(o, "kernel", text(a, kernel ? kernel->skeleton : "call"));
        set(o, "nodes", words(a, s->origin.at, s->origin.len));
        set(o, "macs", !kernel          ? json_null()
                       : kernel->macs ? size(a, p->pool, kernel->macs)
                                      : json_integer(0));
        set(o, "bytes", size(a, p->pool, bytes));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *memory_plan(Arena *a, const Program *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->mem.len; i++) {
        const MemObj *m = p->mem.at[i];
        if (m->space != SPACE_TEMP)
            continue;
        json_t *o = json_object();
        set(o, "name", text(a, m->name));
        set(o, "bytes", size(a, p->pool, m->size_bytes));
        set(o, "offset", number(m->offset));
        set(o, "first", json_integer(m->first));
        set(o, "last", json_integer(m->last));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *gates(const ReportInfo *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->ngates; i++)
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:s}", "name", r->gates[i].name,
                                              "limit", (json_int_t)r->gates[i].limit, "value",
                                              (json_int_t)r->gates[i].value, "verdict",
                                              r->gates[i].passed ? "pass" : "fail"));
    return list;
}

static json_t *passes(const ReportInfo *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->npasses; i++) {
        const ReportPass *s = &r->passes[i];
        json_t *o = json_object();
        set(o, "name", json_string(s->name));
        set(o, "rewrites", json_integer(s->rewrites));
        set(o, "nodes_before", json_integer(s->nodes_before));
        set(o, "nodes_after", json_integer(s->nodes_after));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *diagnostics(Arena *a, const Ctx *c)
{
    static const char *const name[] = {"remark", "warning", "error"};
    json_t *list = json_array();
    for (const Diag *d = c->diags.first; d; d = d->next) {
        json_t *o = json_object();
        set(o, "code", json_string(diag_code_name[d->code]));
        set(o, "severity", json_string(name[d->severity]));
        set(o, "message", text(a, d->message));
        set(o, "node", text(a, d->loc.node));
        set(o, "count", json_integer(d->count));
        json_array_append_new(list, o);
    }
    return list;
}

static int add_to(const char *text, size_t n, void *out)
{
    str_addn(out, text, n);
    return 0;
}

void report_emit(const Program *p, const ReportInfo *r, Str *out)
{
    Arena *a = arena_new(p->ctx);
    json_t *doc = json_object(), *bytes = json_object(), *ram = json_object();
    bool fixed = p->workspace_bytes >= 0;
    int64_t workspace = -1; /* all targets fit in it */
    for (int k = 0; k < r->ntargets; k++)
        workspace = MAX(workspace, r->targets[k].program->workspace_bytes);
    set(bytes, "code", number(r->code_bytes));
    set(bytes, "weights", json_integer(p->weights_bytes));
    set(bytes, "rodata", number(r->rodata_bytes));
    set(bytes, "artifact", number(r->artifact_bytes));
    set(ram, "workspace", fixed ? json_integer(workspace) : json_null());
    if (!fixed) {
        set(ram, "example", text(a, r->example));
        set(ram, "example_workspace", number(r->example_workspace_bytes));
    }
    set(ram, "stack", json_null()); /* not measured */

    set(doc, "schema", json_string("mlc-report/1"));
    set(doc, "tool", json_pack("{s:s, s:s}", "name", "mlc", "version", r->version));
    set(doc, "command", words(a, r->command, (size_t)r->ncommand));
    set(doc, "model", model(a, r));
    set(doc, "target", target(r));
    set(doc, "targets", targets(a, r));
    set(doc, "prefix", text(a, r->prefix));
    set(doc, "inputs", io(a, p, p->inputs.at, p->inputs.len));
    set(doc, "outputs", io(a, p, p->outputs.at, p->outputs.len));
    set(doc, "size", bytes);
    set(doc, "weights_file", r->weights_file ? json_pack("{s:o, s:s}", "name",
                                                         text(a, r->weights_file), "identity",
                                                         r->weights_identity)
                                             : json_null());
    set(doc, "ram", ram);
    set(doc, "gates", gates(r));
    set(doc, "nodes_after_passes", json_integer(r->nodes_after));
    set(doc, "kernels", json_integer((json_int_t)p->kernels.len));
    set(doc, "layers", layers(a, p));
    set(doc, "memory", memory_plan(a, p));
    set(doc, "passes", passes(r));
    set(doc, "diagnostics", diagnostics(a, p->ctx));

    if (json_dump_callback(doc, add_to, out, JSON_INDENT(1)) != 0)
        ctx_out_of_memory(p->ctx, 1);
    str_addc(out, '\n');
    json_decref(doc);
    arena_free(a);
}
