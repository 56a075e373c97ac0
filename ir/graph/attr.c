/* Attribute structs, seen through their tables: defaults, equality, hash, text.
 *
 * What an operator's file states once (ATTRS) is iterated here; nothing knows any operator. */
#include "ir/graph/op_info.h"

#include "ir/base/str.h"
#include "ir/graph/text.h"

#include <math.h>
#include <stdlib.h>

static void *field(const AttrDesc *d, const void *attrs)
{
    return (char *)attrs + d->offset;
}

/* ---- defaults ---- */

/* "[1,2]" -> its comma separated parts. */
static const char **split_list(Arena *a, const char *text, int *n)
{
    assert(*text == '[');
    const char **part = NEW_ARRAY(a, const char *, strlen(text));
    *n = 0;
    for (const char *at = text + 1; *at && *at != ']';) {
        size_t len = strcspn(at, ",]");
        part[(*n)++] = arena_strndup(a, at, len);
        at += len + (at[len] == ',');
    }
    return part;
}

static void set_list_default(Arena *a, const AttrDesc *d, void *to)
{
    int n;
    const char **part = split_list(a, d->dflt, &n);
    if (d->kind == ATTR_ints) {
        int64_t *v = NEW_ARRAY(a, int64_t, n);
        for (int i = 0; i < n; i++)
            v[i] = strtoll(part[i], NULL, 10);
        *(Ints *)to = (Ints){true, n, v};
    } else if (d->kind == ATTR_floats) {
        float *v = NEW_ARRAY(a, float, n);
        for (int i = 0; i < n; i++)
            v[i] = strtof(part[i], NULL);
        *(Floats *)to = (Floats){true, n, v};
    } else {
        *(Strings *)to = (Strings){true, n, part};
    }
}

static void set_default(Arena *a, const AttrDesc *d, void *to)
{
    const char *text = d->dflt ? d->dflt : "";
    switch (d->kind) {
    case ATTR_int:
        *(attr_int *)to = *text ? strtoll(text, NULL, 10) : ATTR_INT_ABSENT;
        break;
    case ATTR_float:
        *(attr_float *)to = *text ? strtof(text, NULL) : NAN;
        break;
    case ATTR_str:
        *(attr_str *)to = *text ? text : NULL;
        break;
    case ATTR_ints:
    case ATTR_floats:
    case ATTR_strs:
        if (*text)
            set_list_default(a, d, to);
        break;
    case ATTR_tensor:
    case ATTR_graph:
        assert(!*text);
        break;
    }
}

void *attrs_default(Arena *a, const OpInfo *op)
{
    if (!op->attrs_size)
        return NULL;
    void *attrs = arena_alloc(a, op->attrs_size, _Alignof(max_align_t));
    for (const AttrDesc *d = op->attrs; d->name; d++)
        set_default(a, d, field(d, attrs));
    return attrs;
}

/* ---- equality and hash ---- */

static bool strings_equal(const Strings *a, const Strings *b)
{
    if (a->set != b->set || a->n != b->n)
        return false;
    for (int i = 0; i < a->n; i++) {
        if (!str_eq(a->at[i], b->at[i]))
            return false;
    }
    return true;
}

static bool field_equal(AttrKind kind, const void *a, const void *b)
{
    switch (kind) {
    case ATTR_int:
        return *(const attr_int *)a == *(const attr_int *)b;
    case ATTR_float:
        return memcmp(a, b, sizeof(attr_float)) == 0;
    case ATTR_str: {
        attr_str x = *(const attr_str *)a, y = *(const attr_str *)b;
        return x == y || (x && y && str_eq(x, y));
    }
    case ATTR_ints: {
        const Ints *x = a, *y = b;
        return x->set == y->set && x->n == y->n &&
               (!x->n || !memcmp(x->at, y->at, (size_t)x->n * sizeof *x->at));
    }
    case ATTR_floats: {
        const Floats *x = a, *y = b;
        return x->set == y->set && x->n == y->n &&
               (!x->n || !memcmp(x->at, y->at, (size_t)x->n * sizeof *x->at));
    }
    case ATTR_strs:
        return strings_equal(a, b);
    case ATTR_tensor: {
        attr_tensor x = *(const attr_tensor *)a, y = *(const attr_tensor *)b;
        return x == y || (x && y && tensor_equal(x, y));
    }
    case ATTR_graph:
        return *(const attr_graph *)a == *(const attr_graph *)b;
    }
    return false;
}

bool attrs_equal(const OpInfo *op, const void *a, const void *b)
{
    if (!op->attrs_size || a == b)
        return true;
    for (const AttrDesc *d = op->attrs; d->name; d++) {
        if (!field_equal(d->kind, field(d, a), field(d, b)))
            return false;
    }
    return true;
}

static uint64_t field_hash(AttrKind kind, const void *v, uint64_t h)
{
    switch (kind) {
    case ATTR_int:
        return hash_bytes(v, sizeof(attr_int), h);
    case ATTR_float:
        return hash_bytes(v, sizeof(attr_float), h);
    case ATTR_str: {
        attr_str s = *(const attr_str *)v;
        return s ? hash_bytes(s, strlen(s), h) : h;
    }
    case ATTR_ints:
        return hash_bytes(((const Ints *)v)->at, (size_t)((const Ints *)v)->n * sizeof(int64_t), h);
    case ATTR_floats:
        return hash_bytes(((const Floats *)v)->at, (size_t)((const Floats *)v)->n * sizeof(float),
                          h);
    case ATTR_strs: {
        const Strings *s = v;
        for (int i = 0; i < s->n; i++)
            h = hash_bytes(s->at[i], strlen(s->at[i]) + 1, h);
        return h;
    }
    case ATTR_tensor: {
        attr_tensor t = *(const attr_tensor *)v;
        uint64_t of = t ? tensor_hash(t) : 0;
        return hash_bytes(&of, sizeof of, h);
    }
    case ATTR_graph: /* by identity, which must not enter a hash */
        break;
    }
    return h;
}

uint64_t attrs_hash(const OpInfo *op, const void *attrs)
{
    uint64_t h = hash_bytes(op->name, strlen(op->name), 0);
    if (!op->attrs_size)
        return h;
    for (const AttrDesc *d = op->attrs; d->name; d++)
        h = field_hash(d->kind, field(d, attrs), h);
    return h;
}

/* ---- text ---- */

static void print_f32(Str *s, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    text_print_float(s, ELEM_F32, bits);
}

static void print_list(Str *s, AttrKind kind, const void *v, int n)
{
    str_addc(s, '[');
    for (int i = 0; i < n; i++) {
        str_add(s, i ? "," : "");
        if (kind == ATTR_ints)
            str_printf(s, "%lld", (long long)((const Ints *)v)->at[i]);
        else if (kind == ATTR_floats)
            print_f32(s, ((const Floats *)v)->at[i]);
        else
            text_quote(s, ((const Strings *)v)->at[i]);
    }
    str_addc(s, ']');
}

static bool is_absent(AttrKind kind, const void *v)
{
    switch (kind) {
    case ATTR_int:
        return *(const attr_int *)v == ATTR_INT_ABSENT;
    case ATTR_float:
        return false; /* prints as the NaN that it is */
    case ATTR_str:
        return !*(const attr_str *)v;
    case ATTR_ints:
        return !((const Ints *)v)->set;
    case ATTR_floats:
        return !((const Floats *)v)->set;
    case ATTR_strs:
        return !((const Strings *)v)->set;
    case ATTR_tensor:
        return !*(const attr_tensor *)v;
    case ATTR_graph:
        return !*(const attr_graph *)v;
    }
    return true;
}

static void print_field(Str *s, AttrKind kind, const void *v, int depth)
{
    if (is_absent(kind, v)) {
        str_add(s, "none");
        return;
    }
    switch (kind) {
    case ATTR_int:
        str_printf(s, "%lld", (long long)*(const attr_int *)v);
        break;
    case ATTR_float:
        print_f32(s, *(const attr_float *)v);
        break;
    case ATTR_str:
        text_quote(s, *(const attr_str *)v);
        break;
    case ATTR_ints:
        print_list(s, kind, v, ((const Ints *)v)->n);
        break;
    case ATTR_floats:
        print_list(s, kind, v, ((const Floats *)v)->n);
        break;
    case ATTR_strs:
        print_list(s, kind, v, ((const Strings *)v)->n);
        break;
    case ATTR_tensor:
        text_print_tensor(s, *(const attr_tensor *)v);
        break;
    case ATTR_graph:
        text_print_graph(s, *(const attr_graph *)v, depth + 1);
        break;
    }
}

bool attr_is_default(const AttrDesc *d, const void *attrs, const void *dflt)
{
    return d->dflt ? field_equal(d->kind, field(d, attrs), field(d, dflt)) : false;
}

bool attr_is_absent(const AttrDesc *d, const void *attrs)
{
    return is_absent(d->kind, field(d, attrs));
}

void attrs_print(Str *s, const OpInfo *op, const void *attrs, int depth)
{
    if (!op->attrs_size)
        return;
    const void *dflt = attrs_default(s->arena, op);
    const char *sep = " {";
    for (const AttrDesc *d = op->attrs; d->name; d++) {
        const void *v = field(d, attrs);
        if (d->dflt ? field_equal(d->kind, v, field(d, dflt)) : is_absent(d->kind, v))
            continue;
        str_printf(s, "%s%s=", sep, d->name);
        print_field(s, d->kind, v, depth);
        sep = ", ";
    }
    if (sep[0] == ',')
        str_addc(s, '}');
}

bool node_has_body(const Node *n)
{
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++) {
        if (d->kind == ATTR_graph && *(Graph **)((char *)n->attrs + d->offset))
            return true;
    }
    return false;
}
