/* What a file of ir/ops includes: the record, and the language of definitions (te.h). */
#ifndef MLC_OP_H
#define MLC_OP_H

#include "ir/graph/op_info.h"
#include "ir/ops/te.h"

/* The build finds records by this macro at the start of a line: OP(hard_swish) = { ... }; */
#define OP(id)                   \
    extern const OpInfo op_##id; \
    const OpInfo op_##id

#endif
