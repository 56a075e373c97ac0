/* For each string its offset from the end of the offsets, then the strings with their zero bytes. */
#include "codegen/run/strings.h"

#include "ir/base/ctx.h"
#include "ir/base/file.h"

void strings_encode(Str *out, const Tensor *t)
{
    const char *const *text = t->data;
    int64_t n = tensor_count(t), at = 0, distinct = t->splat ? MIN(n, 1) : n;
    for (int64_t i = 0; i < n; i++) {
        str_addn(out, (const char *)&at, sizeof at);
        at += t->splat ? 0 : (int64_t)strlen(text[i]) + 1;
    }
    for (int64_t i = 0; i < distinct; i++)
        str_addn(out, text[i], strlen(text[i]) + 1);
}

bool strings_decode(Arena *a, const void *data, size_t bytes, Tensor *t)
{
    size_t n = (size_t)tensor_count(t);
    const char **text = (const char **)(uintptr_t)t->data;
    if (bytes / 8 < n)
        return false;
    size_t rest = bytes - n * 8;
    char *copy = arena_alloc(a, rest + 1, 8); /* ends with a zero byte whatever came */
    if (rest)
        memcpy(copy, (const char *)data + n * 8, rest);
    for (size_t i = 0; i < n; i++) {
        uint64_t at = elem_get_bits(ELEM_U64, data, i);
        if (at >= rest)
            return false;
        text[i] = copy + at;
    }
    return true;
}

Status strings_write(Ctx *c, Arena *a, const char *path, const Tensor *t)
{
    Str s = str_new(a);
    strings_encode(&s, t);
    return file_write(c, path, s.at ? s.at : "", s.len);
}

Status strings_read(Ctx *c, Arena *a, const char *path, Tensor *t)
{
    FileMap m;
    TRY(file_map(c, path, &m));
    bool good = strings_decode(a, m.data, m.size, t);
    file_unmap(&m);
    return good ? MLC_OK : diag_error(c, E0603, (Loc){.file = path}, MLC_BUG, "it holds no strings");
}
