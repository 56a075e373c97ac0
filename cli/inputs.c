/* Inputs from files and from a generator: splitmix64 (Steele, Lea, Flood: Fast splittable
 * pseudorandom number generators, 2014), seeded by --seed and the input's number, so that one input
 * does not depend on the shapes of the others. Strings are one of 64 words. */
#include "cli/inputs.h"

#include "frontend/data/data.h"
#include "ir/base/file.h"

#include <stdio.h>
#include <unistd.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

const Tensor *input_random(Arena *a, const RunnerIo *io, uint64_t seed)
{
    Tensor *t = tensor_new(a, io->elem, io->rank, io->dim);
    void   *data = (void *)(uintptr_t)t->data;
    int64_t n = tensor_count(t);
    bool    bytes = io->elem == ELEM_U8 || io->elem == ELEM_I8;
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = splitmix64(&seed);
        if (io->elem == ELEM_STRING)
            ((const char **)data)[i] = arena_printf(a, "word%d", (int)(r >> 58));
        else if (elem_is_float(io->elem))
            elem_set_f64(io->elem, data, (size_t)i, (double)(int64_t)(r >> 40) * 0x1p-23 - 1);
        else if (io->elem == ELEM_BOOL)
            elem_set_i64(io->elem, data, (size_t)i, (int64_t)(r >> 63));
        else if (elem_is_int(io->elem))
            elem_set_i64(io->elem, data, (size_t)i,
                         bytes ? (int64_t)(r >> 56) - (io->elem == ELEM_I8 ? 128 : 0)
                               : (int64_t)(r >> 62));
    }
    return t;
}

Status input_fill(Execution *e, uint64_t seed, const Tensor **in)
{
    size_t    n = e->info.inputs.len;
    RunnerIo *io = NEW_ARRAY(e->arena, RunnerIo, n);
    bool      needed = false;
    for (size_t i = 0; i < n; i++)
        needed |= !in[i];
    if (!needed)
        return MLC_OK;
    TRY(execution_shapes(e, io));
    for (size_t i = 0; i < n; i++) {
        if (in[i])
            continue;
        uint64_t state = seed;
        for (size_t k = 0; k <= i; k++)
            splitmix64(&state);
        in[i] = input_random(e->arena, &io[i], splitmix64(&state));
    }
    return MLC_OK;
}

Status input_read(Ctx *c, Arena *a, const char *path, const Tensor **out, const char **name)
{
    FileMap m;
    TRY(file_map(c, path, &m));
    DataKind kind = data_kind(m.data, m.size);
    file_unmap(&m);
    *name = "";
    switch (kind) {
    case DATA_NPY:
        return npy_read(c, a, path, NULL, out);
    case DATA_IDX:
    case DATA_GZIP:
        return idx_read(c, a, path, NULL, out);
    case DATA_NPZ:
        return diag_error(c, E0602, (Loc){.file = path}, MLC_INPUT,
                          "an archive holds several arrays; give one .npy or .pb file an input");
    default:
        return tensor_read_pb(c, a, path, NULL, out, name);
    }
}

/* Data that the model declares as bf16 may have been written as u16: NumPy has no bfloat16, and the
 * test data of ONNX up to 1.12 holds its bits in an array of uint16. The bits are the same, so they
 * are read as what the model says. */
static const Tensor *as_declared(Arena *a, const Tensor *t, Elem declared)
{
    bool same_bits = (declared == ELEM_BF16 && t->elem == ELEM_U16) ||
                     (declared == ELEM_U16 && t->elem == ELEM_BF16);
    if (!same_bits)
        return t;
    Tensor *as = NEW(a, Tensor);
    *as = *t;
    as->elem = declared;
    return as;
}

/* What the files call one input or output may be several: the columns of a sequence, an optional or a
 * map, which follow one another with names NAME.shapes, NAME.data. */
typedef struct IoGroup {
    size_t      first, n;
    const char *name;
    ColumnForm  form; /* where n is not 1 */
} IoGroup;

static bool has_columns(const RunnerIo *io, size_t left, const char *const *suffix, size_t n,
                        Arena *a, const char **base)
{
    if (left < n || !str_ends(io->name, suffix[0]))
        return false;
    *base = arena_strndup(a, io->name, strlen(io->name) - strlen(suffix[0]));
    for (size_t k = 0; k < n; k++)
        if (!str_eq(io[k].name, arena_printf(a, "%s%s", *base, suffix[k])))
            return false;
    return true;
}

static IoGroup group_at(Arena *a, const RunnerIo *io, size_t n, size_t i)
{
    static const struct {
        ColumnForm  form;
        size_t      n;
        const char *suffix[3];
    } forms[] = {{COLUMNS_LIST, 2, {".shapes", ".data"}},
                 {COLUMNS_MAYBE_LIST, 3, {".has", ".shapes", ".data"}},
                 {COLUMNS_MAPS, 2, {".keys", ".values"}}};
    IoGroup g = {.first = i, .n = 1, .name = io[i].name};
    for (size_t k = 0; k < COUNT_OF(forms); k++)
        if (has_columns(io + i, n - i, forms[k].suffix, forms[k].n, a, &g.name))
            return (IoGroup){i, forms[k].n, g.name, forms[k].form};
    g.name = io[i].name;
    return g;
}

static Status read_group(Ctx *c, Arena *a, const char *path, const RunnerIo *io, const IoGroup *g,
                         const Tensor **out)
{
    const char *name;
    if (g->n > 1)
        return columns_read_pb(c, a, path, NULL, g->form, io[g->first + g->n - 1].elem,
                               out + g->first, &name);
    TRY(tensor_read_pb(c, a, path, NULL, &out[g->first], &name));
    out[g->first] = as_declared(a, out[g->first], io[g->first].elem);
    return MLC_OK;
}

/* The group that a file's name stands for: the one that it carries, else the one of its number. */
static size_t group_for(const IoGroup *g, size_t n, size_t number, const char *name)
{
    for (size_t k = 0; k < n && *name; k++)
        if (str_eq(name, g[k].name))
            return k;
    return number;
}

Status input_read_set(Ctx *c, Arena *a, const char *dir, const char *kind, const RunnerIo *io,
                      size_t n, const Tensor **out)
{
    IoGroup *group = NEW_ARRAY(a, IoGroup, n);
    size_t   ngroups = 0;
    for (size_t i = 0; i < n; i += group[ngroups++].n)
        group[ngroups] = group_at(a, io, n, i);
    for (size_t i = 0;; i++) {
        const char *path = arena_printf(a, "%s/%s_%zu.pb", dir, kind, i), *name;
        if (access(path, F_OK) != 0)
            return MLC_OK;
        TRY(data_name_pb(c, a, path, &name));
        size_t at = group_for(group, ngroups, i, name);
        if (at < ngroups)
            TRY(read_group(c, a, path, io, &group[at], out));
    }
}
