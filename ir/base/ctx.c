#include "ir/base/ctx.h"

#include "ir/base/arena_impl.h"

#include <stdlib.h>

enum { INPUT_BASE = 160 << 20, INPUT_RATIO = 3 };

void ctx_init(Ctx *c)
{
    *c = (Ctx){.rewrite_limit = -1};
    c->diags.tail = &c->diags.first;
}

void ctx_free(Ctx *c)
{
    while (c->arenas)
        arena_free(c->arenas);
    diag_sink_free(&c->diags);
}

Status ctx_protect(Ctx *c, Status (*fn)(void *), void *arg)
{
    jmp_buf here;
    jmp_buf *outer = c->unwind;
    Arena *oldest_kept = c->arenas;
    int muted = c->diags.muted;
    c->unwind = &here;
    Status s = setjmp(here) == 0 ? fn(arg) : MLC_SYSTEM;
    if (s == MLC_SYSTEM && c->unwind == NULL)
        while (c->arenas != oldest_kept)
            arena_free(c->arenas);
    c->unwind = outer;
    c->diags.muted = muted;
    return s;
}

_Noreturn void ctx_out_of_memory(Ctx *c, size_t bytes)
{
    jmp_buf *to = c->unwind;
    c->unwind = NULL; /* tells ctx_protect() that it was unwound, not returned to */
    c->diags.muted = 0;
    diag_report(c, E0001, (Loc){0}, "out of memory: %zu more bytes were asked for, %zu are in use",
                bytes, c->memory_used);
    if (c->memory_per_input)
        diag_help(c, "the limit is %zu bytes for a model of this size; raise it: -X memory-limit=SIZE",
                  c->memory_limit);
    if (!to)
        abort();
    longjmp(*to, 1);
}

void ctx_limit_by_input(Ctx *c)
{
    if (c->memory_limit)
        return;
    c->memory_limit = c->memory_used + INPUT_BASE;
    c->memory_per_input = INPUT_RATIO;
}

void ctx_add_input(Ctx *c, size_t bytes)
{
    size_t more;
    if (c->memory_per_input && (__builtin_mul_overflow(bytes, c->memory_per_input, &more) ||
                                __builtin_add_overflow(c->memory_limit, more, &c->memory_limit)))
        c->memory_limit = SIZE_MAX;
}

void ctx_charge(Ctx *c, size_t bytes)
{
    c->allocs++;
    bool hooked = c->fail_alloc_at > 0 && --c->fail_alloc_at == 0;
    bool over = c->memory_limit && c->memory_used + bytes > c->memory_limit;
    if (hooked || over)
        ctx_out_of_memory(c, bytes);
}
