#include "ir/base/arena.h"

#include "ir/base/arena_impl.h"
#include "ir/base/ctx.h"
#include "ir/base/vec.h"

#include <stdio.h>
#include <stdlib.h>

/* Under AddressSanitizer, what was not asked for may not be touched: allocations stand apart. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define APART 16
#endif
#endif
#if defined __SANITIZE_ADDRESS__ && !defined APART
#define APART 16
#endif
#ifdef APART
#include <sanitizer/asan_interface.h>
#else
#define APART 0
#define ASAN_POISON_MEMORY_REGION(at, bytes)   ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)0)
#endif

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20, BLOCK_ALIGN = 64 };

Arena *arena_new(Ctx *c)
{
    ctx_charge(c, sizeof(Arena));
    Arena *a = calloc(1, sizeof *a);
    if (!a)
        ctx_out_of_memory(c, sizeof *a);
    a->ctx = c;
    a->next = c->arenas;
    if (a->next)
        a->next->prev = a;
    c->arenas = a;
    return a;
}

void arena_free(Arena *a)
{
    if (!a)
        return;
    for (ArenaHook *h = a->hooks; h; h = h->next)
        h->fn(h->arg);
    for (ArenaBlock *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *(a->prev ? &a->prev->next : &a->ctx->arenas) = a->next;
    if (a->next)
        a->next->prev = a->prev;
    a->ctx->memory_used -= a->held;
    free(a);
}

Ctx *arena_ctx(const Arena *a) { return a->ctx; }

void arena_at_free(Arena *a, void (*fn)(void *), void *arg)
{
    ArenaHook *h = NEW(a, ArenaHook);
    *h = (ArenaHook){a->hooks, fn, arg};
    a->hooks = h;
}

/* Adds a block that holds at least `bytes` after alignment. */
static void add_block(Arena *a, size_t bytes)
{
    size_t size = a->blocks ? MIN(a->blocks->size * 2, (size_t)LARGEST_BLOCK) : FIRST_BLOCK;
    size = MAX(size, bytes + BLOCK_ALIGN);
    ctx_charge(a->ctx, size);
    ArenaBlock *b = calloc(1, sizeof *b + size);
    if (!b)
        ctx_out_of_memory(a->ctx, size);
    b->size = size;
    b->next = a->blocks;
    a->blocks = b;
    a->at = (char *)(b + 1);
    a->end = a->at + size;
    ASAN_POISON_MEMORY_REGION(a->at, size);
    a->held += size;
    a->ctx->memory_used += size;
}

void *arena_alloc(Arena *a, size_t bytes, size_t align)
{
    assert(align && (align & (align - 1)) == 0 && align <= BLOCK_ALIGN);
    if (bytes > SIZE_MAX / 4)
        ctx_out_of_memory(a->ctx, bytes);
    if (a->ctx->fail_alloc_at)
        ctx_charge(a->ctx, 0); /* the sweep counts every request, not only those for new blocks */
    size_t need = (bytes ? bytes : 1) + APART;
    align = APART ? MAX(align, 8) : align; /* the sanitizer's granule */
    uintptr_t p = ((uintptr_t)a->at + align - 1) & ~(uintptr_t)(align - 1);
    if (!a->at || p + need > (uintptr_t)a->end) {
        add_block(a, need);
        p = ((uintptr_t)a->at + align - 1) & ~(uintptr_t)(align - 1);
    }
    a->at = (char *)(p + need);
    ASAN_UNPOISON_MEMORY_REGION((char *)p, need - APART);
    return (void *)p;
}

void *arena_array(Arena *a, size_t count, size_t size, size_t align)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        ctx_out_of_memory(a->ctx, SIZE_MAX);
    return arena_alloc(a, bytes, align);
}

void *arena_grow(Arena *a, void *old, size_t old_bytes, size_t new_bytes, size_t align)
{
    void *p = arena_alloc(a, new_bytes, align);
    if (old_bytes)
        memcpy(p, old, MIN(old_bytes, new_bytes));
    return p;
}

char *arena_strndup(Arena *a, const char *s, size_t n)
{
    char *p = arena_alloc(a, n + 1, 1);
    memcpy(p, s, n);
    return p;
}

char *arena_strdup(Arena *a, const char *s) { return arena_strndup(a, s, strlen(s)); }

char *arena_vprintf(Arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    assert(n >= 0);
    char *p = arena_alloc(a, (size_t)n + 1, 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

char *arena_printf(Arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}

void *vec_grown(Arena *a, void *at, size_t *cap, size_t len, size_t need, size_t size)
{
    enum { FIRST = 8, FIRST_BYTES = 512 }; /* most vectors of large items hold one */
    size_t n = MAX(need, *cap ? *cap * 2 : MIN(FIRST, FIRST_BYTES / size + 1));
    void *p = arena_array(a, n, size, 16);
    if (len)
        memcpy(p, at, len * size);
    *cap = n;
    return p;
}
