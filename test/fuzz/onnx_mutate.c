/* Mutations for the ONNX target that keep the protobuf framing whole: libFuzzer's own change a byte,
 * which mostly breaks a length and with it the message.
 *
 * An input is walked into a list of fields, sub-messages entered by the table below. One field is
 * deleted, doubled, moved, overwritten by another of its kind, or gets another number, string or
 * name; then the lengths of the messages around it are written anew. One mutation in eight is
 * libFuzzer's own, so that broken framing is tried too. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t na, const uint8_t *b, size_t nb,
                                 uint8_t *out, size_t max_size, unsigned seed);

typedef enum Kind {
    NONE, MODEL, GRAPH, NODE, ATTR, TENSOR, SPARSE, VALUE, TYPE, TENSOR_TYPE, SHAPE, DIM, SEQ, MAP,
    ENTRY, OPSET, FUNCTION,
} Kind;

static const struct {
    Kind in;
    unsigned field;
    Kind message;
} schema[] = {
    {MODEL, 7, GRAPH},      {MODEL, 8, OPSET},   {MODEL, 14, ENTRY},  {MODEL, 25, FUNCTION},
    {GRAPH, 1, NODE},       {GRAPH, 5, TENSOR},  {GRAPH, 11, VALUE},  {GRAPH, 12, VALUE},
    {GRAPH, 13, VALUE},     {GRAPH, 15, SPARSE}, {NODE, 5, ATTR},     {ATTR, 5, TENSOR},
    {ATTR, 6, GRAPH},       {ATTR, 10, TENSOR},  {ATTR, 11, GRAPH},   {ATTR, 14, TYPE},
    {ATTR, 15, TYPE},       {ATTR, 22, SPARSE},  {ATTR, 23, SPARSE},  {TENSOR, 13, ENTRY},
    {SPARSE, 1, TENSOR},    {SPARSE, 2, TENSOR}, {VALUE, 2, TYPE},    {TYPE, 1, TENSOR_TYPE},
    {TYPE, 4, SEQ},         {TYPE, 5, MAP},      {TYPE, 8, TENSOR_TYPE}, {TYPE, 9, SEQ},
    {TENSOR_TYPE, 2, SHAPE}, {SHAPE, 1, DIM},    {SEQ, 1, TYPE},      {MAP, 2, TYPE},
    {FUNCTION, 7, NODE},    {FUNCTION, 9, OPSET}, {FUNCTION, 11, ATTR},
};

typedef struct Field {
    Kind in, message; /* message NONE: a number, a string or bytes */
    unsigned number, wire;
    int parent;              /* index of the field that is the message around it, or -1 */
    size_t start, body, end; /* tag, payload */
} Field;

enum { MOST_FIELDS = 4096, MOST_DEPTH = 64, MOST_BYTES = 1 << 20 };

typedef struct Tree {
    const uint8_t *in;
    Field at[MOST_FIELDS];
    int n;
} Tree;

/* ---- reading ---- */
static bool varint(const uint8_t *p, size_t end, size_t *at, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t b = p[(*at)++];
        *v |= (uint64_t)(b & 127) << shift;
        if (!(b & 128))
            return true;
    }
    return false;
}

static Kind message_of(Kind in, unsigned field, unsigned wire)
{
    for (size_t i = 0; wire == 2 && i < sizeof schema / sizeof *schema; i++)
        if (schema[i].in == in && schema[i].field == field)
            return schema[i].message;
    return NONE;
}

static void walk(Tree *t, Kind in, int parent, size_t at, size_t end, int depth)
{
    while (at < end && t->n < MOST_FIELDS && depth < MOST_DEPTH) {
        Field f = {.in = in, .parent = parent, .start = at};
        uint64_t tag, v;
        if (!varint(t->in, end, &at, &tag))
            return;
        f.number = (unsigned)(tag >> 3);
        f.wire = tag & 7;
        f.body = at;
        size_t n = f.wire == 1 ? 8 : f.wire == 5 ? 4 : 0;
        if ((f.wire == 0 || f.wire == 2) && !varint(t->in, end, &at, &v))
            return;
        if (f.wire == 2) {
            f.body = at;
            n = v <= end - at ? (size_t)v : end - at + 1;
        }
        if (n > end - at || f.wire == 3 || f.wire == 4 || f.wire > 5)
            return;
        f.end = at += n;
        f.message = message_of(in, f.number, f.wire);
        int index = t->n++;
        t->at[index] = f;
        if (f.message != NONE)
            walk(t, f.message, index, f.body, f.end, depth + 1);
    }
}

static void parse(Tree *t, const uint8_t *data, size_t size)
{
    t->in = data;
    t->n = 0;
    walk(t, MODEL, -1, 0, size, 0);
}

/* ---- writing ---- */
typedef struct Bytes {
    uint8_t at[MOST_BYTES];
    size_t n;
} Bytes;

static void put(Bytes *b, const uint8_t *p, size_t n)
{
    if (n > MOST_BYTES - b->n)
        n = MOST_BYTES - b->n;
    memmove(b->at + b->n, p, n);
    b->n += n;
}

static void put_varint(Bytes *b, uint64_t v)
{
    uint8_t one;
    do {
        one = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
        put(b, &one, 1);
        v >>= 7;
    } while (v);
}

/* The input with [from, to), which lies directly in the message `parent`, replaced. */
static size_t splice(const Tree *t, size_t size, int parent, size_t from, size_t to,
                     const Bytes *with, uint8_t *out, size_t max)
{
    static Bytes inner, outer;
    inner.n = 0;
    put(&inner, with->at, with->n);
    for (;;) {
        size_t begin = parent < 0 ? 0 : t->at[parent].body;
        size_t end = parent < 0 ? size : t->at[parent].end;
        outer.n = 0;
        put(&outer, t->in + begin, from - begin);
        put(&outer, inner.at, inner.n);
        put(&outer, t->in + to, end - to);
        if (parent < 0)
            break;
        const Field *f = &t->at[parent];
        inner.n = 0;
        put_varint(&inner, (uint64_t)f->number << 3 | 2);
        put_varint(&inner, outer.n);
        put(&inner, outer.at, outer.n);
        from = f->start;
        to = f->end;
        parent = f->parent;
    }
    if (outer.n > max)
        return 0;
    memcpy(out, outer.at, outer.n);
    return outer.n;
}

/* ---- choosing ---- */
static uint64_t state;

static uint32_t below(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return n ? (uint32_t)(state >> 33) % n : 0;
}

/* A field of `from` that could stand where `like` stands: in the same kind of message, with
 * `same_number` the same field. -1: none. */
static int find_like(const Tree *from, const Field *like, bool same_number)
{
    int first = (int)below((uint32_t)from->n);
    for (int k = 0; k < from->n; k++) {
        int i = (first + k) % from->n;
        const Field *f = &from->at[i];
        if (f->in == like->in && (!same_number || f->number == like->number))
            return i;
    }
    return -1;
}

static void copy_field(Bytes *b, const Tree *t, int i)
{
    put(b, t->in + t->at[i].start, t->at[i].end - t->at[i].start);
}

static void put_number(Bytes *b, const Field *f)
{
    static const uint64_t odd[] = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 22, 64, 127, 128, 255, 1000, 65535,
        1u << 20, INT32_MAX, 1u << 31, UINT32_MAX, 1ull << 32, 1ull << 40, 1ull << 61, 1ull << 62,
        INT64_MAX, 1ull << 63, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 4,
    };
    uint8_t bytes[8];
    put_varint(b, (uint64_t)f->number << 3 | f->wire);
    if (f->wire == 0) {
        put_varint(b, below(8) ? odd[below(sizeof odd / sizeof *odd)] : below(1000));
        return;
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = below(3) ? (uint8_t)below(256) : below(2) ? 255 : 0;
    put(b, bytes, f->wire == 1 ? 8 : 4);
}

/* A string or bytes: those of another field of any kind, or changed by libFuzzer. */
static void put_text(Bytes *b, const Tree *t, const Field *f)
{
    static uint8_t text[1 << 16];
    const Field *from = f;
    for (int tries = 0; below(2) && tries < 20; tries++) {
        const Field *g = &t->at[below((uint32_t)t->n)];
        if (g->wire == 2 && g->message == NONE)
            from = g;
    }
    size_t n = from->end - from->body;
    n = n > sizeof text / 2 ? sizeof text / 2 : n;
    memcpy(text, t->in + from->body, n);
    if (from == f)
        n = LLVMFuzzerMutate(text, n, n + 64);
    put_varint(b, (uint64_t)f->number << 3 | 2);
    put_varint(b, n);
    put(b, text, n);
}

static size_t mutate(const Tree *t, const Tree *donor, size_t size, uint8_t *out, size_t max)
{
    static Bytes with;
    int i = (int)below((uint32_t)t->n), other;
    const Field *f = &t->at[i];
    size_t from = f->start, to = f->end;
    with.n = 0;
    switch (donor == t ? below(8) : 4 + below(2)) {
    case 0: /* deleted */
        break;
    case 1: /* doubled */
        copy_field(&with, t, i);
        copy_field(&with, t, i);
        break;
    case 2: /* before another field of the same message: order changed, or a copy elsewhere */
        copy_field(&with, t, i);
        other = find_like(t, f, false);
        f = &t->at[other];
        from = to = f->start;
        break;
    case 3:
    case 4: /* replaced by one of its kind */
        other = find_like(donor, f, true);
        if (other < 0)
            return 0;
        copy_field(&with, donor, other);
        break;
    case 5: /* joined by any of the same message */
        other = find_like(donor, f, false);
        if (other < 0)
            return 0;
        copy_field(&with, donor, other);
        to = from;
        break;
    default: /* another value */
        if (f->message != NONE)
            return 0;
        if (f->wire == 2)
            put_text(&with, t, f);
        else
            put_number(&with, f);
    }
    return splice(t, size, f->parent, from, to, &with, out, max);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static Tree t;
    static Bytes in;
    state = seed;
    for (int times = 1 + (int)below(3), done = 0, tries = 0; tries < 20; tries++) {
        in.n = 0;
        put(&in, data, size);
        parse(&t, in.at, in.n);
        if (!t.n || !below(8))
            break;
        size_t n = mutate(&t, &t, size, data, max_size);
        if (!n)
            continue;
        size = n;
        if (++done == times)
            return size;
    }
    return LLVMFuzzerMutate(data, size, max_size);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t na, const uint8_t *b, size_t nb,
                                 uint8_t *out, size_t max_size, unsigned seed)
{
    static Tree to, donor;
    state = seed;
    parse(&to, a, na);
    parse(&donor, b, nb);
    for (int tries = 0; to.n && donor.n && tries < 10; tries++) {
        size_t n = mutate(&to, &donor, na, out, max_size);
        if (n)
            return n;
    }
    size_t n = na < max_size ? na : max_size;
    memcpy(out, a, n);
    return n;
}
