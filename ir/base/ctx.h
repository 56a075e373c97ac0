/* Ctx: the handle of one compilation: diagnostics, memory budget, permissions.
 *
 * An allocation failure unwinds to the nearest ctx_protect(), as in Lua: arena_alloc() never
 * returns NULL, so code between carries no checks for it. */
#ifndef MLC_CTX_H
#define MLC_CTX_H

#include "ir/base/base.h"
#include "ir/base/diag.h"

#include <setjmp.h>

struct Ctx {
    DiagSink  diags;            /* everything reported so far */
    size_t    memory_used;      /* bytes held by all arenas */
    size_t    memory_limit;     /* 0: no limit */
    size_t    memory_per_input; /* what each byte of input adds to memory_limit; 0: nothing */
    int64_t   fail_alloc_at;    /* test hook: the n-th request from now fails (1 = next); 0: off */
    int64_t   allocs;           /* requests so far, arena requests included */
    int64_t   rewrites;         /* rewrites asked for so far, see pass_step() */
    int64_t   rewrite_limit;    /* rewrites after this many are refused; -1: no limit */
    bool      rewrites_required; /* the limit does not hold for the pass that runs */
    const void *operators;      /* further ones, see op_register() */
    bool      verify_each;      /* run the verifier after every pass */
    jmp_buf  *unwind;           /* innermost ctx_protect() */
    Arena    *arenas;           /* every live arena, newest first */
};

/* Fills *c with defaults. */
void ctx_init(Ctx *c);
/* Frees every arena that is still alive and the diagnostics. */
void ctx_free(Ctx *c);

/* Runs fn(arg). A failed allocation below it is reported once, the arenas created below it are
 * freed, and MLC_SYSTEM is returned. Nests. */
Status ctx_protect(Ctx *c, Status (*fn)(void *), void *arg);

/* Reports out of memory and unwinds. `bytes` is what was asked for. Does not return. */
_Noreturn void ctx_out_of_memory(Ctx *c, size_t bytes);

/* Untrusted input may ask for 160 MiB from now on and for 3 times its own size, unless there is a
 * limit already. Together with the mapped input and the program that is 4 times the input + 200 MB. */
void ctx_limit_by_input(Ctx *c);
/* `bytes` of input were mapped. */
void ctx_add_input(Ctx *c, size_t bytes);

/* Counts an allocation request of `bytes` against budget and test hook; unwinds when refused. */
void ctx_charge(Ctx *c, size_t bytes);

#endif
