/* .npy: "\x93NUMPY", version, length of the header, a Python dictionary as text, then the bytes.
 *
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
 *
 * Only literals of these three kinds are understood; nothing is evaluated. Strings ('<U5') are rows of
 * code points of 32 bits, filled up with zeros. */
#include "frontend/data/data_file.h"

#include "frontend/data/npy_text.h"
#include "ir/base/arena.h"
#include "ir/base/str.h"

typedef struct Header {
    Elem elem;
    size_t width; /* bytes that are swapped as one: half an element for complex types */
    bool big_endian, fortran;
    int rank;
    int64_t dim[MAX_RANK];
    size_t data; /* offset of the data */
    size_t points; /* code points of a string */
} Header;

typedef struct Text {
    Ctx *ctx;
    const char *where;
    const char *at, *end;
} Text;

static const struct {
    const char *descr;
    uint8_t elem;
    uint8_t width;
} kinds[] = {
    {"f4", ELEM_F32, 4}, {"f8", ELEM_F64, 8},   {"f2", ELEM_F16, 2}, {"i1", ELEM_I8, 1},
    {"i2", ELEM_I16, 2}, {"i4", ELEM_I32, 4},   {"i8", ELEM_I64, 8}, {"u1", ELEM_U8, 1},
    {"u2", ELEM_U16, 2}, {"u4", ELEM_U32, 4},   {"u8", ELEM_U64, 8}, {"b1", ELEM_BOOL, 1},
    {"c8", ELEM_C64, 4}, {"c16", ELEM_C128, 8},
};

/* ---- the dictionary ---- */
static bool skip(Text *t, char c)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n' || *t->at == '\t'))
        t->at++;
    if (t->at == t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

static bool word(Text *t, const char *w)
{
    size_t n = strlen(w);
    skip(t, '\0');
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, w, n) != 0)
        return false;
    t->at += n;
    return true;
}

/* A quoted string of at most 31 bytes. */
static bool quoted(Text *t, char out[32])
{
    size_t n = 0;
    char quote = skip(t, '\'') ? '\'' : '"';
    if (quote == '"' && !skip(t, '"'))
        return false;
    while (t->at < t->end && *t->at != quote && n < 31)
        out[n++] = *t->at++;
    out[n] = '\0';
    return t->at < t->end && *t->at++ == quote;
}

static bool number(Text *t, int64_t *out)
{
    skip(t, '\0');
    const char *start = t->at;
    for (*out = 0; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++)
        if (__builtin_mul_overflow(*out, (int64_t)10, out) ||
            __builtin_add_overflow(*out, (int64_t)(*t->at - '0'), out))
            return false;
    bool any = t->at > start;
    if (t->at < t->end && *t->at == 'L') /* as Python 2 wrote long integers */
        t->at++;
    return any;
}

static Status read_shape(Text *t, Header *h)
{
    if (!skip(t, '('))
        return data_error(t->ctx, t->where, "the shape is not a tuple");
    for (h->rank = 0; !skip(t, ')'); h->rank++) {
        if (h->rank == MAX_RANK)
            return data_error(t->ctx, t->where, "more than %d dimensions", MAX_RANK);
        if (!number(t, &h->dim[h->rank]))
            return data_error(t->ctx, t->where, "dimension %d is not a number", h->rank);
        if (!skip(t, ',')) {
            h->rank++;
            if (skip(t, ')'))
                return MLC_OK;
            return data_error(t->ctx, t->where, "the shape does not end");
        }
    }
    return MLC_OK;
}

/* "12": at most six digits. */
static bool read_width(const char *digits, size_t *out)
{
    size_t n = strspn(digits, "0123456789");
    *out = 0;
    for (size_t i = 0; i < n && n <= 6; i++)
        *out = *out * 10 + (size_t)(digits[i] - '0');
    return n > 0 && n <= 6 && !digits[n];
}

static Status read_descr(Text *t, Header *h)
{
    char descr[32];
    if (!quoted(t, descr))
        return data_error(t->ctx, t->where, "structured arrays are not supported");
    bool order = descr[0] == '<' || descr[0] == '>' || descr[0] == '|' || descr[0] == '=';
    if (descr[order] == 'U' && read_width(descr + order + 1, &h->points)) {
        h->elem = ELEM_STRING;
        h->big_endian = descr[0] == '>';
        return MLC_OK;
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_eq(descr + order, kinds[i].descr)) {
            h->elem = (Elem)kinds[i].elem;
            h->width = kinds[i].width;
            h->big_endian = descr[0] == '>';
            return MLC_OK;
        }
    if (descr[order] == 'O')
        return data_error(t->ctx, t->where, "the array holds pickled Python objects");
    return data_error(t->ctx, t->where, "arrays of type '%s' are not supported", descr);
}

static Status read_dictionary(Text *t, Header *h)
{
    bool has_descr = false, has_order = false, has_shape = false;
    if (!skip(t, '{'))
        return data_error(t->ctx, t->where, "the header is not a dictionary");
    while (!skip(t, '}')) {
        char key[32];
        if (!quoted(t, key) || !skip(t, ':'))
            return data_error(t->ctx, t->where, "the header is damaged");
        if (str_eq(key, "descr")) {
            TRY(read_descr(t, h));
            has_descr = true;
        } else if (str_eq(key, "shape")) {
            TRY(read_shape(t, h));
            has_shape = true;
        } else if (str_eq(key, "fortran_order")) {
            h->fortran = word(t, "True");
            has_order = h->fortran || word(t, "False");
        } else {
            return data_error(t->ctx, t->where, "the header has the unknown key '%s'", key);
        }
        if (!skip(t, ',') && (t->at == t->end || *t->at != '}'))
            return data_error(t->ctx, t->where, "the header is damaged");
    }
    if (!has_descr || !has_order || !has_shape)
        return data_error(t->ctx, t->where, "the header lacks type, order or shape");
    return MLC_OK;
}

static Status read_header(Ctx *c, const char *where, const uint8_t *data, size_t size, Header *h)
{
    if (size < 10 || memcmp(data, "\x93NUMPY", 6) != 0)
        return data_error(c, where, "not an .npy file");
    int major = data[6];
    size_t start = major == 1 ? 10 : 12;
    if (major < 1 || major > 3 || size < start)
        return data_error(c, where, "version %d of .npy is unknown", major);
    size_t len = (size_t)data[8] | (size_t)data[9] << 8;
    if (major > 1)
        len |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (len > size - start)
        return data_error(c, where, "the header claims %zu bytes, %zu remain", len, size - start);
    Text t = {c, where, (const char *)data + start, (const char *)data + start + len};
    h->data = start + len;
    return read_dictionary(&t, h);
}

/* ---- data ---- */
/* Column-major to row-major. */
static void transpose(uint8_t *to, const uint8_t *from, const Header *h, int64_t count,
                      size_t width)
{
    int64_t at[MAX_RANK] = {0}, stride[MAX_RANK], step = 1, pos = 0;
    for (int i = 0; i < h->rank; i++) {
        stride[i] = step;
        step *= h->dim[i];
    }
    for (int64_t i = 0; i < count; i++) {
        memcpy(to + (size_t)i * width, from + (size_t)pos * width, width);
        for (int k = h->rank - 1; k >= 0; k--) {
            pos += stride[k];
            if (++at[k] < h->dim[k])
                break;
            pos -= stride[k] * h->dim[k];
            at[k] = 0;
        }
    }
}

/* The strings of an array whose shape is checked. */
static Status parse_strings(Ctx *c, Arena *a, const char *where, const Header *h, const uint8_t *from,
                            size_t size, int64_t count, Tensor **out)
{
    size_t bytes;
    if (h->fortran && h->rank > 1)
        return data_error(c, where, "strings in Fortran order are not supported");
    if (__builtin_mul_overflow((size_t)count, 4 * h->points, &bytes) || size < bytes)
        return data_error(c, where, "type and shape take %zu strings of %zu bytes, %zu remain",
                          (size_t)count, 4 * h->points, size);
    const char **text = npy_text_read(a, from, (size_t)count, h->points, h->big_endian);
    if (!text)
        return data_error(c, where, "a string holds what is no character of Unicode");
    *out = tensor_over(a, ELEM_STRING, h->rank, h->dim, text);
    return MLC_OK;
}

Status npy_parse(Ctx *c, Arena *a, const char *where, const uint8_t *data, size_t size, bool keep,
                 const DataLimits *limits, Tensor **out)
{
    Header h = {0};
    int64_t count;
    size_t bytes;
    TRY(read_header(c, where, data, size, &h));
    TRY(data_shape(c, where, h.elem, h.rank, h.dim, limits, &count, &bytes));
    if (h.elem == ELEM_STRING)
        return parse_strings(c, a, where, &h, data + h.data, size - h.data, count, out);
    if (size - h.data < bytes)
        return data_error(c, where, "type and shape take %zu bytes, %zu remain", bytes,
                          size - h.data);
    const uint8_t *from = data + h.data;
    size_t width = elem_bits[h.elem] / 8;
    Tensor *t = NEW(a, Tensor);
    *t = (Tensor){.elem = h.elem, .rank = h.rank, .fd = -1, .size_bytes = bytes, .data = from};
    memcpy(t->dim, h.dim, sizeof t->dim);
    *out = t;
    keep = keep && bytes;
    bool same = !h.big_endian && (!h.fortran || h.rank < 2) && h.elem != ELEM_BOOL;
    if (keep && same && (uintptr_t)from % MIN(width, 8u) == 0)
        return MLC_OK;
    uint8_t *to = arena_alloc(a, bytes, 64);
    t->data = to;
    if (h.fortran && h.rank > 1)
        transpose(to, from, &h, count, width);
    else
        memcpy(to, from, bytes);
    if (h.big_endian)
        data_swap(to, bytes / h.width, h.width);
    for (size_t i = 0; h.elem == ELEM_BOOL && i < bytes; i++)
        to[i] = to[i] != 0;
    return MLC_OK;
}

Status npy_read(Ctx *c, Arena *a, const char *path, const DataLimits *limits, const Tensor **out)
{
    enum { SMALL = 1 << 20 }; /* bytes: not worth a descriptor that stays open */
    DataLimits l = data_limits(limits);
    FileMap *m;
    Tensor *t;
    TRY(data_map(c, a, path, &l, &m));
    bool keep = m->size > SMALL;
    TRY(npy_parse(c, a, path, m->data, m->size, keep, &l, &t));
    const uint8_t *p = t->data;
    if (m->size && p >= m->data && p < m->data + m->size) {
        t->fd = m->fd;
        t->offset = p - m->data;
        t->path = m->path;
    } else {
        file_unmap(m);
    }
    *out = t;
    return MLC_OK;
}

/* ---- writing ---- */
static const char *descr_of(Elem e)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].elem == e)
            return kinds[i].descr;
    return elem_bits[e] == 16 ? "u2" : elem_is_signed(e) ? "i1" : "u1";
}

/* The bytes as .npy has them: splats repeated, types under 8 bits one a byte. */
static const void *flat(Arena *a, const Tensor *t, size_t count, size_t *bytes)
{
    bool packed = elem_bits[t->elem] < 8;
    size_t width = packed ? 1 : elem_bits[t->elem] / 8;
    *bytes = count * width;
    if (!packed && !t->splat)
        return t->data;
    uint8_t *to = arena_alloc(a, *bytes, 64);
    for (size_t i = 0; i < count; i++) {
        size_t from = t->splat ? 0 : i;
        if (!packed)
            memcpy(to + i * width, t->data, width);
        else if (elem_is_float(t->elem))
            to[i] = (uint8_t)elem_get_bits(t->elem, t->data, from);
        else
            to[i] = (uint8_t)elem_get_i64(t->elem, t->data, from);
    }
    return to;
}

static Status write_parts(Ctx *c, FileOut *out, const Str *header, const void *data, size_t bytes)
{
    TRY(file_out_write(c, out, header->at, header->len));
    return file_out_write(c, out, data, bytes);
}

Status npy_write(Ctx *c, const char *path, const Tensor *t)
{
    enum { PREFIX = 10, ALIGN = 64 };
    Arena *a = arena_new(c);
    Str s = str_new(a);
    size_t bytes, points;
    bool is_text = t->elem == ELEM_STRING;
    int64_t bad = -1;
    const void *data = is_text ? npy_text_write(a, t, &points, &bad)
                               : flat(a, t, (size_t)tensor_count(t), &bytes);
    const char *descr = is_text ? arena_printf(a, "U%zu", bad < 0 ? points : 0) : descr_of(t->elem);
    if (is_text && bad < 0)
        bytes = (size_t)tensor_count(t) * points * 4;
    if (bad >= 0) {
        arena_free(a);
        return data_error(c, path, "string %lld is not UTF-8, which .npy would need",
                          (long long)bad);
    }
    str_addn(&s, "\x93NUMPY\1\0\0\0", PREFIX);
    str_printf(&s, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
               descr[1] == '1' && !descr[2] && !is_text ? '|' : '<', descr);
    for (int i = 0; i < t->rank; i++)
        str_printf(&s, t->rank == 1 ? "%lld," : i ? ", %lld" : "%lld", (long long)t->dim[i]);
    str_add(&s, "), }");
    while ((s.len + 1) % ALIGN)
        str_addc(&s, ' ');
    str_addc(&s, '\n');
    s.at[8] = (char)((s.len - PREFIX) & 0xff);
    s.at[9] = (char)((s.len - PREFIX) >> 8);
    FileOut out;
    Status st = file_out_open(c, path, &out);
    if (st == MLC_OK) {
        st = write_parts(c, &out, &s, data, bytes);
        if (st == MLC_OK)
            st = file_out_commit(c, &out);
        else
            file_out_abort(&out);
    }
    arena_free(a);
    return st;
}
