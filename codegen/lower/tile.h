/* Register tiles: MR rows by NV vectors of accumulators, and what they cost.
 *
 * FMAs and loads at two a cycle; no more accumulators than registers: MR * NV + NV + 1 <= registers. */
#ifndef MLC_TILE_H
#define MLC_TILE_H

#include "codegen/lower/lowering.h"

/* Estimated cycles of one step of the sum for a tile. */
double tile_cycles(int mr, int nv);
/* Estimated cycles per step for `rows` by one panel of nv vectors, with the best MR in *mr. Addresses
 * of rows are affine within row_width of them, 0: in all: a tile that does not divide the width needs one
 * pointer per row. */
double tile_panel_cycles(const Lowering *l, int64_t row_width, int64_t rows, int nv, int *mr);
/* The vectors per panel that cover `columns` best, and the rows per tile that go with it. */
void   tile_choose(const Lowering *l, int64_t row_width, int64_t rows, int64_t columns, int *mr, int *nv);

#endif
