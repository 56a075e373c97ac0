/* What ctx.c and arena.c share: the list of live arenas. */
#ifndef MLC_ARENA_IMPL_H
#define MLC_ARENA_IMPL_H

#include "ir/base/arena.h"

typedef struct ArenaBlock {
    struct ArenaBlock *next;
    size_t             size; /* usable bytes after the header */
} ArenaBlock;

typedef struct ArenaHook {
    struct ArenaHook *next;
    void            (*fn)(void *);
    void             *arg;
} ArenaHook;

struct Arena {
    Ctx        *ctx;
    Arena      *next, *prev; /* list of live arenas, newest first */
    ArenaBlock *blocks;      /* newest first */
    char       *at, *end;    /* free part of the newest block */
    size_t      held;        /* bytes of all blocks */
    ArenaHook  *hooks;       /* of arena_at_free(), newest first */
};

#endif
