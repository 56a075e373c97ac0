/* An artifact says of every dimension a number, or that symbols decide, and of every symbol where it
 * can be read. A dimension that several symbols make up is left to bind(). */
#include "cli/artifact_shapes.h"

static const RunnerSymbol *find_symbol(const Execution *e, const char *name, size_t *n,
                                       const char **known)
{
    for (*n = 0; *n < e->info.symbols.len; (*n)++) {
        known[*n] = e->info.symbols.at[*n].name;
        if (str_eq(known[*n], name))
            return &e->info.symbols.at[*n];
    }
    return NULL;
}

static Status check_symbol(Execution *e, const char *name, int64_t least, int64_t most)
{
    const char **known = NEW_ARRAY(e->arena, const char *, e->info.symbols.len + 1);
    size_t n;
    const RunnerSymbol *s = find_symbol(e, name, &n, known);
    Loc loc = {.file = e->path};
    if (!s)
        return unknown_word(e->ctx, "dimension", name, known, n,
                            n ? "the artifact has others" : "the artifact has no dynamic dimensions");
    if (least < s->min)
        return diag_error(e->ctx, E0502, loc, MLC_USAGE,
                          "dimension '%s' cannot be %lld: it is at least %lld", name,
                          (long long)least, (long long)s->min);
    if (s->max >= 0 && most > s->max)
        return diag_error(e->ctx, E0502, loc, MLC_USAGE,
                          "dimension '%s' cannot be %lld: it is at most %lld", name,
                          (long long)most, (long long)s->max);
    return MLC_OK;
}

/* Notes a value, which must be that of every other option. */
static Status fix(Execution *e, const char *name, int64_t value)
{
    for (size_t i = 0; i < e->options.dims.len; i++) {
        const DimFix *d = &e->options.dims.at[i];
        if (str_eq(d->name, name) && d->value != value)
            return diag_error(e->ctx, E0502, (Loc){.file = e->path}, MLC_USAGE,
                              "dimension '%s' is fixed to %lld and to %lld", name,
                              (long long)d->value, (long long)value);
    }
    vec_push(e->arena, &e->options.dims, (DimFix){name, value});
    return check_symbol(e, name, value, value);
}

static Status apply_shape(Execution *e, const ShapeFix *s)
{
    const char **known = NEW_ARRAY(e->arena, const char *, e->info.inputs.len + 1);
    size_t n = 0;
    while (n < e->info.inputs.len && !str_eq(e->info.inputs.at[n].name, s->input)) {
        known[n] = e->info.inputs.at[n].name;
        n++;
    }
    if (n == e->info.inputs.len)
        return unknown_word(e->ctx, "input", s->input, known, n, "the artifact has others");
    const RunnerIo *io = &e->info.inputs.at[n];
    Loc loc = {.file = e->path, .node = io->name};
    if (io->rank != s->rank)
        return diag_error(e->ctx, E0502, loc, MLC_USAGE,
                          "--shape gives input '%s' %d dimension%s, the artifact has %d", io->name,
                          s->rank, s->rank == 1 ? "" : "s", io->rank);
    for (int k = 0; k < s->rank; k++) {
        if (s->dim[k] >= 0 && io->dim[k] >= 0 && s->dim[k] != io->dim[k])
            return diag_error(e->ctx, E0502, loc, MLC_USAGE,
                              "--shape makes dimension %d of input '%s' %lld, the artifact fixes it "
                              "to %lld",
                              k, io->name, (long long)s->dim[k], (long long)io->dim[k]);
        for (size_t i = 0; s->dim[k] >= 0 && i < e->info.symbols.len; i++)
            if (e->info.symbols.at[i].input == (int)n && e->info.symbols.at[i].axis == k)
                TRY(fix(e, e->info.symbols.at[i].name, s->dim[k]));
    }
    return MLC_OK;
}

Status artifact_shapes(Execution *e)
{
    size_t given = e->options.dims.len;
    for (size_t i = 0; i < given; i++)
        TRY(fix(e, e->options.dims.at[i].name, e->options.dims.at[i].value));
    for (size_t i = 0; i < e->options.ranges.len; i++)
        TRY(check_symbol(e, e->options.ranges.at[i].name, e->options.ranges.at[i].min,
                         e->options.ranges.at[i].max));
    for (size_t i = 0; i < e->options.shapes.len; i++)
        TRY(apply_shape(e, &e->options.shapes.at[i]));
    return MLC_OK;
}
