/* Packing: an operand copied into panels [batch axes][panel][k][column], zero where a column does not
 * exist. A stage like any other: run at compile time when the operand is constant. */
#ifndef MLC_PACK_H
#define MLC_PACK_H

#include "codegen/lower/schedule.h"

typedef struct PackSpec {
    Ex      operand;            /* flat load, perhaps guarded */
    Ex      n_axis;             /* its column axis */
    int64_t n0, panels, width, limit; /* columns [n0, n0 + panels * width), existing below limit */
    Ex      panel_var, column_var;    /* result: what stands for panel and column in *packed */
} PackSpec;

/* *packed: the load that replaces the operand, in terms of the stage's axes and reduction axes and of
 * panel_var and column_var. */
Status pack_operand(Lowering *l, const Stage *s, PackSpec *spec, Ex *packed);

/* Evaluates a flat map stage whose loads are all constant into a new constant buffer that replaces
 * the one it stores to. */
Status fold_stage(Lowering *l, const Stage *s, Buf *out);

#endif
