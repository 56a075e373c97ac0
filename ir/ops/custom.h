/* Operators that are a C function of the user's: see runtime/mlc_custom.h for its interface. */
#ifndef MLC_OPS_CUSTOM_H
#define MLC_OPS_CUSTOM_H

#include "ir/graph/op_info.h"

/* From now on `domain`::`name` is this function, in the graphs of context c; it goes before an
 * operator of the table. The record lies in `a`, which must live as long. `symbol` is a C name. */
void op_register_custom(Ctx *c, Arena *a, const char *domain, const char *name, const char *symbol);

#endif
