/* Constants as arrays of their element type, floats in hex.
 *
 * Written through a buffer of fixed size and by formatters of their own: as fast as the file
 * system, whatever the size. Objects at one place of the weights (equal bytes) share one array. */
#include "codegen/emit/c/emit.h"

#include <stdlib.h>

enum { BUFFER = 1 << 16, MOST_ELEMENT = 40, LINE = 92 };

typedef struct Writer {
    Unit *u;
    char *at; /* BUFFER bytes */
    size_t len, line;
    Status status;
} Writer;

/* ---- numbers ---- */

static char *put_text(char *p, const char *s)
{
    while (*s)
        *p++ = *s++;
    return p;
}

static char *put_decimal(char *p, uint64_t v)
{
    char digit[20];
    int n = 0;

    do
        digit[n++] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    while (n > 0)
        *p++ = digit[--n];
    return p;
}

/* 0x1.8p+1, as printf's %a, of any finite double. */
static char *put_hex_float(char *p, double v)
{
    uint64_t bits, man;
    int exp;

    memcpy(&bits, &v, sizeof bits);
    man = bits & (((uint64_t)1 << 52) - 1);
    exp = (int)(bits >> 52 & 2047);
    if (bits >> 63)
        *p++ = '-';
    if (exp == 0 && man == 0)
        return put_text(p, "0.0");
    p = put_text(p, exp == 0 ? "0x0" : "0x1");
    if (man != 0)
        *p++ = '.';
    for (; man != 0; man = (man << 4) & (((uint64_t)1 << 52) - 1))
        *p++ = "0123456789abcdef"[man >> 48];
    *p++ = 'p';
    exp = exp == 0 ? -1022 : exp - 1023;
    if (exp < 0)
        *p++ = '-';
    return put_decimal(p, (uint64_t)(exp < 0 ? -exp : exp));
}

static char *put_float(char *p, Elem e, double v)
{
    if (v != v)
        return put_text(p, e == ELEM_F64 ? "(double)NAN" : "NAN");
    if (v - v != 0)
        return put_text(p, v < 0 ? (e == ELEM_F64 ? "-(double)INFINITY" : "-INFINITY")
                                 : (e == ELEM_F64 ? "(double)INFINITY" : "INFINITY"));
    p = put_hex_float(p, v);
    if (e == ELEM_F32)
        *p++ = 'f';
    return p;
}

static char *put_int(char *p, Elem e, int64_t v)
{
    if (v == INT64_MIN && e == ELEM_I64)
        return put_text(p, "INT64_MIN");
    if (v == INT32_MIN && e != ELEM_U64)
        return put_text(p, e == ELEM_I64 ? "(int64_t)INT32_MIN" : "INT32_MIN");
    if (e == ELEM_U64) {
        p = put_decimal(p, (uint64_t)v);
        return put_text(p, (uint64_t)v > INT32_MAX ? "ULL" : "");
    }
    if (v < 0)
        *p++ = '-';
    p = put_decimal(p, v < 0 ? (uint64_t)-v : (uint64_t)v);
    return put_text(p, v > INT32_MAX || v < INT32_MIN ? (e == ELEM_U32 ? "u" : "LL") : "");
}

/* Storage floats and packed types are their bytes or words. */
static Elem stored_as(Elem e)
{
    if (elem_is_native(e) && e != ELEM_BOOL)
        return e;
    return elem_bits[e] == 16 ? ELEM_U16 : ELEM_U8;
}

static char *put_element(char *p, Elem e, const char *data, size_t i)
{
    if (e == ELEM_F32)
        return put_float(p, e, (double)((const float *)(const void *)data)[i]);
    if (e == ELEM_F64)
        return put_float(p, e, ((const double *)(const void *)data)[i]);
    return put_int(p, e, elem_get_i64(e, data, i));
}

/* ---- the buffer ---- */

static void flush(Writer *w)
{
    if (w->status == MLC_OK && w->len > 0)
        w->status = w->u->sink->write(w->u->sink->arg, w->at, w->len);
    w->len = 0;
}

static void add_text(Writer *w, const char *s)
{
    for (; *s; s++) {
        if (w->len == BUFFER)
            flush(w);
        w->at[w->len++] = *s;
    }
}

static void add_element(Writer *w, Elem e, const char *data, size_t i)
{
    char *start, *end;

    if (w->len + MOST_ELEMENT > BUFFER)
        flush(w);
    start = end = w->at + w->len;
    if (w->line == 0)
        end = put_text(end, "   ");
    *end++ = ' ';
    end = put_element(end, e, data, i);
    *end++ = ',';
    w->line += (size_t)(end - start);
    if (w->line > LINE - 12) {
        *end++ = '\n';
        w->line = 0;
    }
    w->len += (size_t)(end - start);
}

/* ---- constants ---- */

const char *weights_name(Unit *u, size_t at)
{
    return unit_name(u, arena_printf(u->arena, "w%d", u->same_as[at]));
}

static int64_t bytes_of(const MemObj *o)
{
    int64_t n = 0;

    ex_is_int(o->size_bytes, &n);
    return n;
}

static bool is_zero(const char *data, size_t n)
{
    return n == 0 || (data[0] == 0 && memcmp(data, data + 1, n - 1) == 0);
}

static Status check(Unit *u, const MemObj *o)
{
    const Tensor *t = o->data;
    int64_t n = bytes_of(o);

    if (t == NULL || (t->data == NULL && n > 0) || n < 0 ||
        ((int64_t)t->size_bytes < n && (!t->splat || t->size_bytes == 0)))
        return diag_error(u->ctx, E0002, (Loc){0}, MLC_SYSTEM,
                          "the bytes of constant %s cannot be read", o->name);
    if (type_memory(o->elem) == NULL)
        return diag_error(u->ctx, E0402, (Loc){0}, MLC_INPUT,
                          "constant %s (%s) cannot be compiled for %s", o->name, elem_name[o->elem],
                          u->info->target);
    return MLC_OK;
}

static void write_array(Writer *w, size_t at)
{
    Unit *u = w->u;
    const MemObj *o = u->program->mem.at[at];
    Elem e = stored_as(o->elem);
    size_t size = elem_bits[e] / 8, n = (size_t)bytes_of(o) / size;
    size_t have = o->data->size_bytes / size;
    const char *data = o->data->data;
    Str s = str_new(u->arena);

    str_add(&s, "/* ");
    comment_add(&s, o->name);
    str_printf(&s, " */\nstatic const %s %s[%zu] = {", type_memory(o->elem), weights_name(u, at),
               MAX(n, (size_t)1));
    add_text(w, str_text(&s));
    if (n == 0 || is_zero(data, MIN(have, n) * size)) {
        add_text(w, "0};\n\n");
        return;
    }
    add_text(w, "\n");
    w->line = 0;
    for (size_t i = 0; i < n && w->status == MLC_OK; i++)
        add_element(w, e, data, have >= n ? i : i % have);
    add_text(w, w->line ? "\n};\n\n" : "};\n\n");
}

Status weights_write(Unit *u)
{
    Program *p = u->program;
    Writer w = {.u = u, .at = arena_alloc(u->arena, BUFFER, 64)};

    for (size_t i = 0; i < p->mem.len; i++) {
        if (p->mem.at[i]->space != SPACE_CONST || !u->used[i])
            continue;
        if (u->same_as[i] != (int)i)
            continue;
        TRY(check(u, p->mem.at[i]));
        write_array(&w, i);
    }
    flush(&w);
    return w.status;
}

static bool has_special(const MemObj *o)
{
    const Tensor *t = o->data;

    if (t == NULL || t->data == NULL || (o->elem != ELEM_F32 && o->elem != ELEM_F64))
        return false;
    for (size_t i = 0; i < t->size_bytes / (elem_bits[o->elem] / 8); i++) {
        double v = o->elem == ELEM_F32 ? (double)((const float *)t->data)[i]
                                       : ((const double *)t->data)[i];

        if (v - v != 0)
            return true;
    }
    return false;
}

bool weights_use_math(Unit *u)
{
    for (size_t i = 0; i < u->program->mem.len; i++)
        if (u->used[i] && u->program->mem.at[i]->space == SPACE_CONST &&
            has_special(u->program->mem.at[i]))
            return true;
    return false;
}
