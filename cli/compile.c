/* The driver's first half: options -> what to compile, model file -> graph -> program. */
#include "cli/compile.h"

#include "cli/cli.h"
#include "cli/custom_op.h"
#include "codegen/lower/lower.h"
#include "frontend/onnx/onnx.h"
#include "ir/base/file.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- options ---- */

static bool parse_positive(const char *text, const char *end, int64_t *out)
{
    int64_t v = 0;
    if (text == end)
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9' || v > (INT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (*text - '0');
    }
    *out = v;
    return true;
}

/* "SYM=MIN..MAX" or "SYM=MIN..MAX:TYPICAL". */
static Status parse_range(Ctx *c, const char *text, const char *eq, CompileOptions *o)
{
    const char *dots = strstr(eq, ".."), *colon = strchr(dots, ':');
    const char *end = text + strlen(text);
    DimRange d = {.name = arena_strndup(o->arena, text, (size_t)(eq - text))};
    bool ok = parse_positive(eq + 1, dots, &d.min) &&
              parse_positive(dots + 2, colon ? colon : end, &d.max) &&
              (!colon || parse_positive(colon + 1, end, &d.typical));
    if (!ok)
        return diag_error(c, E0502, (Loc){0}, MLC_USAGE,
                          "--dim is '%s', which is not of the form SYM=MIN..MAX:TYPICAL", text);
    if (d.max < d.min || d.max < 1 || (colon && (d.typical < d.min || d.typical > d.max)))
        return diag_error(c, E0502, (Loc){0}, MLC_USAGE, "--dim is '%s', whose bounds hold nothing%s",
                          text, d.max < d.min || d.max < 1 ? "" : " like the typical value");
    vec_push(o->arena, &o->ranges, d);
    return MLC_OK;
}

static Status parse_dim(Ctx *c, const char *text, CompileOptions *o)
{
    const char *eq = strrchr(text, '=');
    if (eq && eq != text && strstr(eq, ".."))
        return parse_range(c, text, eq, o);
    DimFix d;
    if (!eq || eq == text || !parse_positive(eq + 1, eq + strlen(eq), &d.value))
        return diag_error(c, E0502, (Loc){0}, MLC_USAGE,
                          "--dim is '%s', which is not of the form SYM=N", text);
    d.name = arena_strndup(o->arena, text, (size_t)(eq - text));
    vec_push(o->arena, &o->dims, d);
    return MLC_OK;
}

static Status parse_shape(Ctx *c, const char *text, CompileOptions *o)
{
    const char *eq = strrchr(text, '=');
    ShapeFix s = {0};
    bool ok = eq && eq != text;
    for (const char *at = ok ? eq + 1 : ""; *at && ok;) {
        size_t n = strcspn(at, "x");
        ok = s.rank < MAX_RANK;
        if (ok && n == 1 && *at == '?')
            s.dim[s.rank++] = -1;
        else
            ok = ok && parse_positive(at, at + n, &s.dim[s.rank++]);
        at += n;
        if (*at == 'x')
            ok = ok && *++at;
    }
    if (!ok) {
        diag_report(c, E0502, (Loc){0}, "--shape is '%s', which is not of the form N=DxDxD", text);
        diag_help(c, "--shape input=1x3x224x224");
        return MLC_USAGE;
    }
    s.input = arena_strndup(o->arena, text, (size_t)(eq - text));
    vec_push(o->arena, &o->shapes, s);
    return MLC_OK;
}

Status compile_defaults(Ctx *c, Arena *a, const char *target, CompileOptions *o)
{
    *o = (CompileOptions){
        .arena = a, .target_asked = target, .level = 2, .prefix = "model", .sha256 = "",
    };
    TRY(target_find_all(c, a, target, o->targets, &o->ntargets));
    o->target = o->targets[0];
    o->target_names = o->target.name;
    for (int k = 1; k < o->ntargets; k++)
        o->target_names = arena_printf(a, "%s,%s", o->target_names, o->targets[k].name);
    if (o->ntargets > 1)
        o->target_asked = o->target_names;
    return MLC_OK;
}

bool compile_runs_here(const CompileOptions *o)
{
    for (int k = 0; k < o->ntargets; k++)
        if (target_runs_here(&o->targets[k]))
            return true;
    return false;
}

static Status parse_switches(Cli *cli, CompileOptions *o)
{
    const char *limit = opt_x(cli, "codegen-memory"), *rewrites = opt_x(cli, "rewrite-limit");
    if (limit && !parse_size(limit, &o->memory_limit))
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "-X codegen-memory is '%s', which is not a size", limit);
    int64_t n;
    if (rewrites && !parse_positive(rewrites, rewrites + strlen(rewrites), &n))
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "-X rewrite-limit is '%s', which is not a number", rewrites);
    if (rewrites)
        cli->ctx->rewrite_limit = n;
    o->verify_each = opt_x(cli, "verify-each") != NULL;
    o->profile = opt_x(cli, "profile") != NULL;
    if (o->profile && o->ntargets > 1)
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE,
                          "one target at a time can be profiled, not '%s'", o->target_names);
    return MLC_OK;
}

/* The half types that stay what they are between nodes. */
static uint64_t rounded_types(const Cli *cli)
{
    const char *type = opt_text(cli, OPT_precision);
    bool strict = opt_flag(cli, OPT_strict);
    return (uint64_t)(strict || str_eq(type, "fp16")) << ELEM_F16 |
           (uint64_t)(strict || str_eq(type, "bf16")) << ELEM_BF16;
}

Status compile_options(Cli *cli, const char *target, CompileOptions *o)
{
    const char *asked = target ? target : opt_text(cli, OPT_target);
    TRY(compile_defaults(cli->ctx, cli->arena, asked ? asked : "host", o));
    const char *level = opt_text(cli, OPT_level);
    if (level)
        o->level = *level == 's' ? 4 : *level - '0';
    o->strict = opt_flag(cli, OPT_strict);
    o->rounds = rounded_types(cli);
    o->threads = (int)opt_int(cli, OPT_threads);
    if (o->threads > 4096)
        return diag_error(cli->ctx, E0502, (Loc){0}, MLC_USAGE, "--threads is %d, more than 4096",
                          o->threads);
    for (int i = 0; i < cli->opt[OPT_dim].nlist; i++)
        TRY(parse_dim(cli->ctx, cli->opt[OPT_dim].list[i], o));
    TRY(custom_ops_register(cli, o));
    for (int i = 0; i < cli->opt[OPT_shape].nlist; i++)
        TRY(parse_shape(cli->ctx, cli->opt[OPT_shape].list[i], o));
    return parse_switches(cli, o);
}

/* ---- shapes ---- */

/* Symbols and the constants that replace them. */
typedef struct Fixes {
    Graph *g;
    const CompileOptions *options;
    VEC(Ex) from;
    VEC(Ex) to;
} Fixes;

static Status fix_symbol(Fixes *f, Ex sym, int64_t value)
{
    ExPool *p = f->g->pool;
    int number = (int)sym->i;
    Loc loc = {.file = f->g->file};
    if (value < ex_sym_min(p, number))
        return diag_error(f->g->ctx, E0502, loc, MLC_USAGE,
                          "dimension '%s' cannot be %lld: it is at least %lld",
                          ex_sym_name(p, number), (long long)value,
                          (long long)ex_sym_min(p, number));
    for (size_t i = 0; i < f->from.len; i++) {
        int64_t before = 0;
        if (f->from.at[i] != sym)
            continue;
        ex_is_int(f->to.at[i], &before);
        if (before == value)
            return MLC_OK;
        return diag_error(f->g->ctx, E0502, loc, MLC_USAGE,
                          "dimension '%s' is fixed to %lld and to %lld", ex_sym_name(p, number),
                          (long long)before, (long long)value);
    }
    vec_push(f->g->arena, &f->from, sym);
    vec_push(f->g->arena, &f->to, ex_int(p, value));
    return MLC_OK;
}

static Status find_symbol(Graph *g, const char *name, Ex *out)
{
    ExPool *p = g->pool;
    int n = ex_sym_count(p);
    const char **known = NEW_ARRAY(g->arena, const char *, n);
    for (int i = 0; i < n; i++) {
        known[i] = ex_sym_name(p, i);
        if (str_eq(known[i], name)) {
            *out = ex_sym_at(p, i);
            return MLC_OK;
        }
    }
    return unknown_word(g->ctx, "dimension", name, known, (size_t)n,
                        n ? "'mlc inspect' shows the dynamic dimensions"
                          : "the model has no dynamic dimensions");
}

static Status fix_dim(Fixes *f, const DimFix *d)
{
    Ex sym;
    TRY(find_symbol(f->g, d->name, &sym));
    return fix_symbol(f, sym, d->value);
}

/* Bounds contain the value that is fixed, and are given once. */
static Status check_bounds(const Fixes *f, Ex sym, const DimRange *d)
{
    Loc loc = {.file = f->g->file};
    for (const DimRange *r = f->options->ranges.at; r < d; r++)
        if (str_eq(r->name, d->name) &&
            (r->min != d->min || r->max != d->max || r->typical != d->typical))
            return diag_error(f->g->ctx, E0502, loc, MLC_USAGE,
                              "dimension '%s' is bounded twice, by %lld..%lld and by %lld..%lld",
                              d->name, (long long)r->min, (long long)r->max, (long long)d->min,
                              (long long)d->max);
    for (size_t i = 0; i < f->from.len; i++) {
        int64_t value = 0;
        if (f->from.at[i] == sym && ex_is_int(f->to.at[i], &value) &&
            (value < d->min || value > d->max))
            return diag_error(f->g->ctx, E0502, loc, MLC_USAGE,
                              "dimension '%s' is fixed to %lld, outside of its bounds %lld..%lld",
                              d->name, (long long)value, (long long)d->min, (long long)d->max);
    }
    return MLC_OK;
}

static Status bound_dim(Fixes *f, const DimRange *d)
{
    Ex sym;
    TRY(find_symbol(f->g, d->name, &sym));
    int64_t least = ex_sym_min(f->g->pool, (int)sym->i);
    TRY(check_bounds(f, sym, d));
    if (d->min == d->max)
        return fix_symbol(f, sym, d->min);
    if (d->min < least)
        return diag_error(f->g->ctx, E0502, (Loc){.file = f->g->file}, MLC_USAGE,
                          "dimension '%s' cannot be %lld: it is at least %lld", d->name,
                          (long long)d->min, (long long)least);
    ex_sym_bound(f->g->pool, (int)sym->i, d->min, d->max, d->typical);
    return MLC_OK;
}

/* A dimension as the options before have fixed it. */
static Ex fixed_dim(const Fixes *f, const Value *v, int k)
{
    return ex_subst(f->g->pool, v->type.dim[k], (int)f->from.len, f->from.at, f->to.at);
}

static Status not_this(const Fixes *f, const Value *v, int k, int64_t wanted)
{
    Graph *g = f->g;
    Str s = str_new(g->arena);
    int64_t now;
    Ex dim = fixed_dim(f, v, k);
    bool fixed = ex_is_int(dim, &now);
    ex_print(&s, g->pool, dim);
    diag_report(g->ctx, E0502, (Loc){.file = g->file, .node = v->name},
                "--shape makes dimension %d of input '%s' %lld, the model %s %s", k, v->name,
                (long long)wanted, fixed ? "fixes it to" : "computes it as", str_text(&s));
    if (!fixed)
        diag_help(g->ctx, "--dim fixes what it is computed from");
    return MLC_USAGE;
}

static Status fix_shape(Fixes *f, const ShapeFix *s)
{
    Graph *g = f->g;
    const char **known = NEW_ARRAY(g->arena, const char *, g->inputs.len);
    Value *v = NULL;
    for (size_t i = 0; i < g->inputs.len && !v; i++) {
        known[i] = g->inputs.at[i]->name;
        if (str_eq(known[i], s->input))
            v = g->inputs.at[i];
    }
    if (!v)
        return unknown_word(g->ctx, "input", s->input, known, g->inputs.len,
                            "'mlc inspect' shows the inputs");
    Loc loc = {.file = g->file, .node = v->name};
    if (v->type.kind != TYPE_TENSOR || (v->type.rank >= 0 && v->type.rank != s->rank))
        return diag_error(g->ctx, E0502, loc, MLC_USAGE,
                          "--shape gives input '%s' %d dimension%s, the model has %d", v->name,
                          s->rank, s->rank == 1 ? "" : "s", v->type.rank);
    bool unknown_rank = v->type.rank < 0;
    for (int k = 0; k < s->rank; k++) {
        if (unknown_rank)
            v->type.dim[k] = s->dim[k] < 0
                                 ? ex_sym(g->pool, arena_printf(g->arena, "%s_%d", v->name, k), 0)
                                 : ex_int(g->pool, s->dim[k]);
        else if (s->dim[k] < 0 || ex_is(fixed_dim(f, v, k), s->dim[k]))
            continue;
        else if (v->type.dim[k]->op == EX_SYM)
            TRY(fix_symbol(f, v->type.dim[k], s->dim[k]));
        else
            return not_this(f, v, k, s->dim[k]);
    }
    if (unknown_rank)
        v->type.rank = s->rank;
    return MLC_OK;
}

static void substitute(const Fixes *f, Graph *g)
{
    for (size_t i = 0; i < g->values.len; i++) {
        Type *t = &g->values.at[i]->type;
        for (int k = 0; t->kind == TYPE_TENSOR && k < t->rank; k++)
            t->dim[k] = ex_subst(g->pool, t->dim[k], (int)f->from.len, f->from.at, f->to.at);
    }
    for (Node *n = g->first; n; n = n->next)
        for (const AttrDesc *d = n->op->attrs; d && d->name; d++) {
            Graph *body = d->kind == ATTR_graph ? *(Graph **)((char *)n->attrs + d->offset) : NULL;
            if (body)
                substitute(f, body);
        }
}

static Status fix_shapes(Graph *g, const CompileOptions *o)
{
    Fixes f = {.g = g, .options = o};
    for (size_t i = 0; i < o->dims.len; i++)
        TRY(fix_dim(&f, &o->dims.at[i]));
    for (size_t i = 0; i < o->shapes.len; i++)
        TRY(fix_shape(&f, &o->shapes.at[i]));
    for (size_t i = 0; i < o->ranges.len; i++)
        TRY(bound_dim(&f, &o->ranges.at[i]));
    if (f.from.len)
        substitute(&f, g);
    return MLC_OK;
}

/* ---- phases ---- */

static Status read_text(Ctx *c, const char *path, Graph **out)
{
    Arena *a = arena_new(c);
    FileMap map;
    Status s = file_map(c, path, &map);
    if (s == MLC_OK) {
        ctx_add_input(c, map.size);
        if (memchr(map.data, 0, map.size))
            s = diag_error(c, E0109, (Loc){.file = path}, MLC_INPUT, "there is a NUL byte in it");
        else
            s = graph_parse(c, arena_strndup(a, (const char *)map.data, map.size), path, out);
        file_unmap(&map);
    }
    arena_free(a);
    return s;
}

/* A pipe on stdin is replaced by a copy, so that it can be read again: for its sum, and to look
 * whether it is the text form. */
static Status keep_stdin(Ctx *c, bool *is_text)
{
    FileMap map;
    TRY(file_map(c, "-", &map));
    const char *at = (const char *)map.data, *end = at + map.size;
    while (at < end && (isspace((unsigned char)*at) || *at == '#')) {
        if (*at == '#')
            while (at < end && *at != '\n')
                at++;
        else
            at++;
    }
    *is_text = end - at > 5 && memcmp(at, "graph", 5) == 0;
    bool ok = dup2(map.fd, STDIN_FILENO) == STDIN_FILENO;
    file_unmap(&map);
    return ok ? MLC_OK
              : diag_error(c, E0002, (Loc){0}, MLC_SYSTEM, "cannot read standard input: %s",
                           strerror(errno));
}

static Status hash_model(Ctx *c, const char *path, CompileOptions *o)
{
    FileMap map;
    TRY(file_map(c, path, &map));
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, map.data, map.size);
    char *hex = arena_alloc(o->arena, 2 * sizeof digest + 1, 1);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    o->sha256 = hex;
    o->model_bytes = (int64_t)map.size;
    file_unmap(&map);
    return MLC_OK;
}

Status compile_read(Ctx *c, const char *model, CompileOptions *o, Graph **out)
{
    Graph *g = NULL;
    bool is_text = str_ends(model, ".mlc");
    if (str_eq(model, "-"))
        TRY(keep_stdin(c, &is_text));
    TRY(is_text ? read_text(c, model, &g) : onnx_read(c, model, NULL, &g));
    TRY(hash_model(c, model, o));
    TRY(fix_shapes(g, o));
    *out = g;
    return MLC_OK;
}

Status compile_load(Ctx *c, const char *model, CompileOptions *o, Graph **out)
{
    TRY(compile_read(c, model, o, out));
    return graph_infer(*out);
}

Status compile_passes(Graph *g, const CompileOptions *o, PipelineReport *report)
{
    PipelineOptions p = {.level = o->level, .only = o->passes, .after = o->after_pass,
                         .after_arg = o->after_arg, .compact = o->compact,
                         .rounds = o->rounds};
    bool before = g->ctx->verify_each;
    g->ctx->verify_each |= o->verify_each;
    Status s = pipeline_run(g, &p, report);
    g->ctx->verify_each = before;
    return s;
}

Status compile_lower(Graph *g, const CompileOptions *o, Program **out)
{
    LowerOptions l = {.strict = o->strict, .level = o->level};
    return lower_graph(g, &o->target, &l, out);
}

Status compile_lower_all(Graph *g, const CompileOptions *o, Programs *out)
{
    LowerOptions l = {.strict = o->strict, .level = o->level};
    out->n = o->ntargets;
    return lower_graph_for(g, o->targets, o->ntargets, &l, out->at);
}

/* ---- names ---- */

bool is_identifier(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '_')
            return false;
    return true;
}

const char *identifier_from(Arena *a, const char *text)
{
    bool needs_letter = !isalpha((unsigned char)*text) && *text != '_';
    char *out = arena_printf(a, "%s%s", needs_letter ? "m_" : "", text);
    for (char *p = out; *p; p++)
        if (!isalnum((unsigned char)*p))
            *p = '_';
    return out;
}
