/* Arenas: memory with one clear lifetime. Nothing inside is freed singly; the whole is.
 * Memory is zeroed. Requests never fail for the caller: see ctx_protect(). */
#ifndef MLC_ARENA_H
#define MLC_ARENA_H

#include "ir/base/base.h"

Arena *arena_new(Ctx *c);
void   arena_free(Arena *a); /* NULL is fine */
Ctx   *arena_ctx(const Arena *a);
/* Calls fn(arg) when the arena is freed, newest first, while its memory is still there: for what
 * lives as long as the arena without being memory, such as mapped files. */
void   arena_at_free(Arena *a, void (*fn)(void *), void *arg);

/* `bytes` zeroed bytes aligned to `align` (a power of two, at most 64). 0 bytes gives a unique
 * non-NULL pointer. */
void *arena_alloc(Arena *a, size_t bytes, size_t align);
/* count * size with overflow check. */
void *arena_array(Arena *a, size_t count, size_t size, size_t align);
/* A grown copy of `old`; the old bytes stay valid. */
void *arena_grow(Arena *a, void *old, size_t old_bytes, size_t new_bytes, size_t align);

char *arena_strdup(Arena *a, const char *s);
char *arena_strndup(Arena *a, const char *s, size_t n);
char *arena_printf(Arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(Arena *a, const char *fmt, va_list ap);

#define NEW(a, T) ((T *)arena_alloc((a), sizeof(T), _Alignof(T)))
#define NEW_ARRAY(a, T, n) ((T *)arena_array((a), (size_t)(n), sizeof(T), _Alignof(T)))

#endif
