/* Writing the program down. */
#ifndef MLC_PLACE_H
#define MLC_PLACE_H

#include "codegen/lower/lowering.h"

/* Gives every input and output its memory object. Call once, before the first launch. */
void place_io(Lowering *l);

/* Symbols that no program of the pool mentions (fixed by --dim, say) leave it. Call last. */
void place_symbols(Arena *a, ExPool *pool, Program *const *programs, int n);

/* The memory object of a buffer, made on first sight. */
MemObj *place_object(Lowering *l, Buf *b);
/* The next step uses it. */
void    place_touch(Lowering *l, MemObj *m);

#endif
