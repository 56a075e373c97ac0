/* Writing the program down. */
#ifndef MLC_PLACE_H
#define MLC_PLACE_H

#include "codegen/lower/lowering.h"

/* Gives every input and output its memory object. Call once, before the first launch. */
void place_io(Lowering *l);

/* Symbols that the program does not mention (fixed by --dim, say) leave the pool. Call last. */
void place_symbols(Lowering *l);

#endif
