/* SequenceProto, OptionalProto and MapProto files, read as columns (ir/ops/columns.h lists them). The
 * schema that Debian packages has none of these messages, so their few fields are walked here; what
 * they hold in tensors goes the way of every tensor. SequenceProto and OptionalProto have one layout:
 *     1 name  2 kind  3 tensor...  5 sequence...  6 map...        MapProto: 3 keys  4 string keys
 *                                                                           5 values, a sequence */
#include "frontend/data/data_file.h"
#include "frontend/onnx/wire.h"
#include "ir/base/vec.h"

#include <string.h>

enum { NAME = 1, TENSORS = 3, SEQUENCES = 5, MAPS = 6, MAP_KEYS = 3, MAP_STRINGS = 4, MAP_VALUES = 5 };
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

typedef struct Span {
    const uint8_t *data;
    size_t         size;
} Span;

typedef struct File {
    Ctx              *ctx;
    Arena            *arena;
    const char       *path;
    const DataLimits *limits;
    VEC(const Tensor *) tensors;
    VEC(int64_t) keys;
    VEC(const char *) strings;
    size_t nsequences, nmaps;
} File;

static Status malformed(const File *f)
{
    return data_error(f->ctx, f->path, "not a sequence, an optional or a map of ONNX");
}

/* The next field; *at == size ends. A varint's value is in *number. False: malformed. */
static bool next_field(Span s, size_t *at, int *field, Span *value, uint64_t *number)
{
    uint64_t key, len;
    *value = (Span){0};
    if (!wire_varint(s.data, s.size, at, &key))
        return false;
    *field = (int)MIN(key >> 3, (uint64_t)INT32_MAX);
    if ((key & 7) == VARINT)
        return wire_varint(s.data, s.size, at, number);
    if ((key & 7) == FIXED64 || (key & 7) == FIXED32)
        len = (key & 7) == FIXED64 ? 8 : 4;
    else if ((key & 7) != BYTES || !wire_varint(s.data, s.size, at, &len))
        return false;
    if (len > s.size - *at)
        return false;
    *value = (Span){s.data + *at, (size_t)len};
    *at += (size_t)len;
    return true;
}

static Status read_tensor(File *f, Span s)
{
    const Tensor *t;
    if ((int64_t)f->tensors.len >= f->limits->max_entries)
        return data_error(f->ctx, f->path, "more than %d tensors", f->limits->max_entries);
    TRY(tensor_parse_pb(f->ctx, f->arena, f->path, s.data, s.size, f->limits, &t, NULL));
    vec_push(f->arena, &f->tensors, t);
    return MLC_OK;
}

static Status read_key(File *f, int field, Span v, uint64_t number)
{
    size_t at = 0;
    if (field == MAP_STRINGS) {
        vec_push(f->arena, &f->strings, arena_strndup(f->arena, (const char *)v.data, v.size));
    } else if (!v.data) {
        vec_push(f->arena, &f->keys, (int64_t)number);
    } else {
        while (at < v.size) {
            if (!wire_varint(v.data, v.size, &at, &number))
                return malformed(f);
            vec_push(f->arena, &f->keys, (int64_t)number);
        }
    }
    return MLC_OK;
}

static Status read_list(File *f, Span s, int depth, const char **name);

/* The keys of the first map stand for all. */
static Status read_map(File *f, Span s)
{
    bool first = f->nmaps++ == 0;
    for (size_t at = 0; at < s.size;) {
        int      field;
        Span     v;
        uint64_t number = 0;
        if (!next_field(s, &at, &field, &v, &number))
            return malformed(f);
        if ((field == MAP_KEYS || field == MAP_STRINGS) && first)
            TRY(read_key(f, field, v, number));
        else if (field == MAP_VALUES)
            TRY(read_list(f, v, 1, NULL));
    }
    return MLC_OK;
}

static Status read_list(File *f, Span s, int depth, const char **name)
{
    for (size_t at = 0; at < s.size;) {
        int      field;
        Span     v;
        uint64_t number = 0;
        if (!next_field(s, &at, &field, &v, &number))
            return malformed(f);
        if (field == NAME && name)
            *name = arena_strndup(f->arena, (const char *)v.data, v.size);
        else if (field == TENSORS)
            TRY(read_tensor(f, v));
        else if (field == MAPS && depth == 0)
            TRY(read_map(f, v));
        else if (field == SEQUENCES && depth == 0) {
            f->nsequences++;
            TRY(read_list(f, v, 1, NULL));
        } else if (field >= TENSORS)
            return data_error(f->ctx, f->path, "values in values in values are not supported");
    }
    return MLC_OK;
}

/* ---- columns ---- */

static const Tensor *flag(File *f, bool v)
{
    Tensor *t = tensor_new(f->arena, ELEM_BOOL, 1, (int64_t[]){1});
    elem_set_i64(ELEM_BOOL, (void *)t->data, 0, v);
    return t;
}

static const Tensor *shapes(File *f)
{
    int64_t dim[2] = {(int64_t)f->tensors.len, COLUMN_WIDTH};
    Tensor *s = tensor_new(f->arena, ELEM_I64, 2, dim);
    int64_t *row = (int64_t *)(uintptr_t)s->data;
    for (size_t i = 0; i < f->tensors.len; i++, row += COLUMN_WIDTH) {
        const Tensor *t = f->tensors.at[i];
        row[0] = t->rank;
        for (int k = 1; k < COLUMN_WIDTH; k++)
            row[k] = k <= t->rank ? t->dim[k - 1] : 1;
    }
    return s;
}

static Status joined(File *f, Elem e, const int64_t *dim, int rank, const Tensor **out)
{
    Tensor *all = tensor_new(f->arena, e, rank, dim);
    size_t  at = 0;
    for (size_t i = 0; i < f->tensors.len; i++) {
        const Tensor *t = f->tensors.at[i];
        size_t        n = (size_t)tensor_count(t), width = elem_bits[e] / 8;
        if (t->elem != e)
            return data_error(f->ctx, f->path, "element %zu is %s, must be %s", i,
                              elem_name[t->elem], elem_name[e]);
        for (size_t k = 0; k < (t->splat ? n : 1) && n; k++) /* a splat repeats its one element */
            memcpy((char *)(uintptr_t)all->data + (at + k) * width, t->data,
                   (t->splat ? 1 : n) * width);
        at += n;
    }
    *out = all;
    return MLC_OK;
}

static Status data_column(File *f, Elem e, const Tensor **out)
{
    int64_t total = 0;
    if (elem_bits[e] < 8)
        return data_error(f->ctx, f->path, "sequences of %s are not supported", elem_name[e]);
    for (size_t i = 0; i < f->tensors.len; i++) {
        if (f->tensors.at[i]->rank >= COLUMN_WIDTH)
            return data_error(f->ctx, f->path, "element %zu has rank %d, at most %d is supported", i,
                              f->tensors.at[i]->rank, COLUMN_WIDTH - 1);
        total += tensor_count(f->tensors.at[i]);
    }
    return joined(f, e, &total, 1, out);
}

static Status map_columns(File *f, Elem e, const Tensor **out)
{
    size_t  n = f->strings.len ? f->strings.len : f->keys.len;
    int64_t dim[2] = {(int64_t)f->nmaps, (int64_t)n}, *key;
    Tensor *keys = tensor_new(f->arena, f->strings.len ? ELEM_STRING : ELEM_I64, 1, dim + 1);
    int64_t total = 0;
    key = (int64_t *)(uintptr_t)keys->data;
    for (size_t i = 0; i < n && !f->strings.len; i++)
        key[i] = f->keys.at[i];
    for (size_t i = 0; i < f->strings.len; i++)
        ((const char **)(uintptr_t)keys->data)[i] = f->strings.at[i];
    for (size_t i = 0; i < f->tensors.len; i++)
        total += tensor_count(f->tensors.at[i]);
    if (total != dim[0] * dim[1])
        return data_error(f->ctx, f->path, "maps with different keys are not supported");
    out[0] = keys;
    return joined(f, e, dim, 2, &out[1]);
}

static Status to_columns(File *f, ColumnForm form, Elem e, const Tensor **out)
{
    switch (form) {
    case COLUMNS_MAPS:
        return map_columns(f, e, out);
    case COLUMNS_MAYBE_LIST:
        out[0] = flag(f, f->nsequences || f->tensors.len);
        out++;
        break;
    case COLUMNS_LIST:
        break;
    }
    out[0] = shapes(f);
    return data_column(f, e, &out[1]);
}

/* A name is field 1 of all these messages, as bytes, and field 8 of a tensor, whose field 1 is never
 * text that could be one. */
Status data_name_pb(Ctx *c, Arena *a, const char *path, const char **name)
{
    enum { TENSOR_NAME = 8 };
    DataLimits l = data_limits(NULL);
    FileMap   *m;
    TRY(data_map(c, a, path, &l, &m));
    Span s = {m->data, m->size};
    const char *first = "", *eighth = NULL;
    for (size_t at = 0; at < s.size;) {
        int      field;
        Span     v;
        uint64_t number;
        if (!next_field(s, &at, &field, &v, &number))
            break;
        if (field == NAME && v.data)
            first = arena_strndup(a, (const char *)v.data, v.size);
        else if (field == TENSOR_NAME && v.data)
            eighth = arena_strndup(a, (const char *)v.data, v.size);
    }
    *name = eighth ? eighth : first;
    file_unmap(m);
    return MLC_OK;
}

Status columns_read_pb(Ctx *c, Arena *a, const char *path, const DataLimits *limits, ColumnForm form,
                       Elem elem, const Tensor **out, const char **name)
{
    DataLimits l = data_limits(limits);
    FileMap   *m;
    File       f = {.ctx = c, .arena = a, .path = path, .limits = &l};
    TRY(data_map(c, a, path, &l, &m));
    *name = "";
    TRY(read_list(&f, (Span){m->data, m->size}, 0, name));
    TRY(to_columns(&f, form, elem, out));
    file_unmap(m);
    return MLC_OK;
}
