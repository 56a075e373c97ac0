/* The section is laid out already; objects come in the order in which offsets were given, so that
 * one with a lower offset than the end of what is written shares the place of an earlier one. The
 * head follows last, when the hash is known. */
#include "codegen/emit/object/weights_file.h"

#include "ir/base/arena.h"
#include "ir/base/ctx.h"
#include "runtime/rt.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { BLOCK = 1 << 16 };

typedef struct Section {
    Ctx          *ctx;
    FileOut      *out;
    XXH3_state_t *hash;
    int64_t       at; /* bytes written */
} Section;

static Status put(Section *s, const void *data, size_t n)
{
    XXH3_128bits_update(s->hash, data, n);
    s->at += (int64_t)n;
    return file_out_write(s->ctx, s->out, data, n);
}

static Status put_zeros(Section *s, int64_t n)
{
    static const char zeros[BLOCK];
    for (int64_t k; n > 0; n -= k) {
        k = MIN(n, BLOCK);
        TRY(put(s, zeros, (size_t)k));
    }
    return MLC_OK;
}

/* One element, again and again. */
static Status put_splat(Section *s, const Tensor *t, int64_t n)
{
    char   block[BLOCK];
    size_t one = t->size_bytes, filled = 0;
    for (; filled + one <= BLOCK; filled += one)
        memcpy(block + filled, t->data, one);
    for (int64_t k; n > 0; n -= k) {
        k = MIN(n, (int64_t)filled);
        TRY(put(s, block, (size_t)k));
    }
    return MLC_OK;
}

static Status put_object(Section *s, const MemObj *m)
{
    const Tensor *t = m->data;
    int64_t       bytes;
    if (m->space != SPACE_CONST || !t || !ex_is_int(m->size_bytes, &bytes) || m->offset < s->at)
        return MLC_OK;
    TRY(put_zeros(s, m->offset - s->at));
    if ((int64_t)t->size_bytes >= bytes)
        return put(s, t->data, (size_t)bytes);
    if (t->splat && t->size_bytes > 0 && t->size_bytes <= BLOCK)
        return put_splat(s, t, bytes);
    return diag_error(s->ctx, E0901, (Loc){0}, MLC_BUG, "constant %s has %zu of %lld bytes", m->name,
                      t->size_bytes, (long long)bytes);
}

static Status put_section(Section *s, Program *const *p, int n)
{
    for (int k = 0; k < n; k++)
        for (size_t i = 0; i < p[k]->mem.len; i++)
            TRY(put_object(s, p[k]->mem.at[i]));
    return put_zeros(s, p[0]->weights_bytes - s->at);
}

/* The head, over the zeros that were its place. */
static Status put_head(const Section *s, char *identity)
{
    mlc_rt_weights_head head = {.magic = MLC_RT_WEIGHTS_MAGIC, .bytes = s->at};
    XXH128_canonical_t  canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(s->hash));
    memcpy(head.identity, canonical.digest, sizeof head.identity);
    for (size_t i = 0; i < sizeof head.identity; i++)
        snprintf(identity + 2 * i, 3, "%02x", head.identity[i]);
    if (pwrite(s->out->fd, &head, sizeof head, 0) == sizeof head)
        return MLC_OK;
    return diag_error(s->ctx, E0003, (Loc){.file = s->out->path}, MLC_SYSTEM, "cannot write '%s': %s",
                      s->out->path, strerror(errno));
}

Status weights_file_write(Ctx *c, Program *const *p, int n, FileOut *out,
                          char identity[WEIGHTS_IDENTITY_DIGITS + 1])
{
    static const char head[sizeof(mlc_rt_weights_head)];
    Arena            *a = arena_new(c);
    Section           s = {.ctx = c, .out = out, .hash = arena_alloc(a, sizeof(XXH3_state_t), 64)};
    XXH3_128bits_reset(s.hash);
    Status st = file_out_write(c, out, head, sizeof head);
    if (st == MLC_OK)
        st = put_section(&s, p, n);
    if (st == MLC_OK)
        st = put_head(&s, identity);
    arena_free(a);
    return st;
}
