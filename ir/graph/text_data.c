/* Constant data of the text form: elements, bytes in hexadecimal, bytes of a file beside the text.
 */
#include "ir/graph/text_parse.h"

#include "ir/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- elements ---- */

static Status parse_nan_bits(Parser *p, Elem e, void *data, size_t i)
{
    int64_t bits;
    TRY(parse_expect(p, "("));
    TRY(parse_int(p, &bits));
    elem_set_bits(e, data, i, (uint64_t)bits);
    return parse_expect(p, ")");
}

static Status parse_float_element(Parser *p, Elem e, void *data, size_t i)
{
    bool is_nan;
    TRY(parse_accept(p, "nan", &is_nan));
    if (is_nan && parse_is(p, "("))
        return parse_nan_bits(p, e, data, i);
    double v = __builtin_nan("");
    if (!is_nan)
        TRY(parse_float(p, &v));
    elem_set_f64(e, data, i, v);
    return MLC_OK;
}

Status parse_element(Parser *p, Elem e, void *data, size_t i)
{
    if (e == ELEM_STRING)
        return parse_string(p, &((const char **)data)[i]);
    if (elem_is_float(e))
        return parse_float_element(p, e, data, i);
    int64_t v;
    bool minus = parse_is(p, "-");
    TRY(parse_int(p, &v));
    bool wide = v && (e == ELEM_U64 ? minus : (v < 0) != minus); /* from 2^63 on it is u64 only */
    elem_set_bits(e, data, i, (uint64_t)v);
    if (wide || (e != ELEM_U64 && elem_get_i64(e, data, i) != v))
        return parse_error(p, "an element does not fit %s", elem_name[e]);
    return MLC_OK;
}

/* ---- files ---- */

/* Opens `path` below `dir`, one component after the other, following no link. -1: refused. */
static int open_below(const char *dir, const char *path)
{
    int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0) {
        size_t n = strcspn(path, "/");
        char part[256];
        if (n == 0 || n >= sizeof part || (n == 2 && path[0] == '.' && path[1] == '.'))
            break;
        memcpy(part, path, n);
        part[n] = 0;
        bool last = !path[n];
        int flags = last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY;
        int next = openat(at, part, flags | O_NOFOLLOW | O_CLOEXEC);
        close(at);
        at = next;
        if (last)
            return at;
        path += n;
        path += strspn(path, "/");
    }
    if (at >= 0)
        close(at);
    return -1;
}

static bool read_all(int fd, int64_t offset, char *to, size_t size)
{
    while (size) {
        ssize_t n = pread(fd, to, size, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to += n;
        offset += n;
        size -= (size_t)n;
    }
    return true;
}

/* `size` bytes at `offset` of a file beside the text. */
static Status read_ref(Parser *p, const char *path, int64_t offset, size_t size, void **out)
{
    int fd = p->file ? open_below(path_dir(p->arena, p->file), path) : -1;
    struct stat st;
    Status status = MLC_OK;
    if (fd < 0)
        return parse_error(p, "'%s' cannot be opened beside the text", path);
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || offset < 0 || offset > st.st_size ||
        size > (uint64_t)(st.st_size - offset)) {
        status =
            parse_error(p, "'%s' has no %zu bytes at offset %lld", path, size, (long long)offset);
    } else {
        *out = arena_alloc(p->arena, size, 64);
        if (!read_all(fd, offset, *out, size))
            status = parse_error(p, "'%s' cannot be read", path);
    }
    close(fd);
    return status;
}

static Status parse_ref(Parser *p, Tensor *t)
{
    int64_t size;
    void *data = NULL;
    TRY(parse_string(p, &t->path));
    TRY(parse_expect(p, "offset"));
    TRY(parse_int(p, &t->offset));
    TRY(parse_expect(p, "size"));
    TRY(parse_int(p, &size));
    if (size < 0 || (size_t)size != t->size_bytes)
        return parse_error(p, "the data has %lld bytes, its type needs %zu", (long long)size,
                           t->size_bytes);
    TRY(read_ref(p, t->path, t->offset, t->size_bytes, &data));
    t->data = data;
    return MLC_OK;
}

/* ---- tensors ---- */

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static Status parse_hex(Parser *p, Tensor *t)
{
    if (p->kind != TOK_STRING || p->len != 2 * t->size_bytes)
        return parse_error(p, "%zu hexadecimal digits are expected", 2 * t->size_bytes);
    uint8_t *data = arena_alloc(p->arena, t->size_bytes, 64);
    for (size_t i = 0; i < t->size_bytes; i++) {
        int hi = nibble(p->text[2 * i]), lo = nibble(p->text[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return parse_error(p, "a character is no hexadecimal digit");
        data[i] = (uint8_t)(hi << 4 | lo);
    }
    t->data = data;
    return parse_next(p);
}

static Status parse_elements(Parser *p, Tensor *t, int64_t count)
{
    TRY(parse_expect(p, "{"));
    if (count > p->end - p->at) /* each takes a character: nothing is allocated for a false claim */
        return parse_error(p, "%lld elements are expected", (long long)count);
    void *data = arena_alloc(p->arena, t->size_bytes, 64);
    for (int64_t i = 0; i < count; i++) {
        if (i)
            TRY(parse_expect(p, ","));
        TRY(parse_element(p, t->elem, data, (size_t)i));
    }
    t->data = data;
    return parse_expect(p, "}");
}

static Status count_elements(Parser *p, const Type *type, Tensor *t)
{
    int64_t bytes = MAX(elem_bits[t->elem] / 8, 1);
    for (int i = 0; i < t->rank; i++) {
        if (!ex_is_int(type->dim[i], &t->dim[i]))
            return parse_error(p, "a constant has a dimension that is not constant");
        if (__builtin_mul_overflow(bytes, MAX(t->dim[i], 1), &bytes) || bytes > INT64_MAX / 2)
            return parse_error(p, "a constant is too large");
    }
    return MLC_OK;
}

Status parse_data(Parser *p, const Type *type, Tensor **out)
{
    if (type->kind != TYPE_TENSOR || type->rank < 0 || type->elem == ELEM_NONE)
        return parse_error(p, "a constant needs a type with known shape");
    Tensor *t = NEW(p->arena, Tensor);
    *t = (Tensor){.elem = type->elem, .rank = type->rank, .fd = -1};
    TRY(count_elements(p, type, t));
    TRY(parse_accept(p, "splat", &t->splat));
    int64_t count = t->splat ? 1 : tensor_count(t);
    t->size_bytes = elem_size_bytes(t->elem, (size_t)count);
    bool hex, ref, complex_ = t->elem == ELEM_C64 || t->elem == ELEM_C128;
    TRY(parse_accept(p, "hex", &hex));
    TRY(parse_accept(p, "ref", &ref));
    if ((hex || ref) ? t->elem == ELEM_STRING : complex_)
        return parse_error(p, "%s data is not written so", elem_name[t->elem]);
    *out = t;
    return ref ? parse_ref(p, t) : hex ? parse_hex(p, t) : parse_elements(p, t, count);
}
