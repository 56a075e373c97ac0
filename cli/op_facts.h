/* What this build can say about an operator beyond its record: found out by trying. */
#ifndef MLC_CLI_OP_FACTS_H
#define MLC_CLI_OP_FACTS_H

#include "ir/graph/op_info.h"

typedef struct OpFacts {
    /* "composite": text in simpler operators; "expression": tensor expressions; "runtime": calls a
     * function of the runtime; "control": has bodies; "replaced": becomes another operator. */
    const char *kind;
    uint64_t    elems;   /* 1 << Elem: types that compile for machine code; 0: not found out */
    uint64_t    targets; /* 1 << index in target_table; 0: not found out */
} OpFacts;

OpFacts op_facts(const OpInfo *op);

#endif
