/* Buf: what a load reads from and a store writes to: a shaped region of memory and its layout. */
#ifndef MLC_BUF_H
#define MLC_BUF_H

#include "ir/expr/expr.h"

typedef enum BufSpace {
    SPACE_INPUT,  /* the caller's, read only */
    SPACE_OUTPUT, /* the caller's, written */
    SPACE_CONST,  /* data of the artifact */
    SPACE_TEMP,   /* workspace */
    SPACE_REG,    /* registers or stack of one kernel, per iteration of its parallel loop */
} BufSpace;

/* A buffer. Element [i0, i1, ...] lies at offset + sum i_k * stride[k] (in elements): that is the
 * layout. Row-major without padding unless somebody decided otherwise. */
struct Buf {
    int           id; /* unique in its list */
    const char   *name;
    Elem          elem;
    BufSpace      space;
    int           rank;
    Ex            dim[MAX_RANK];
    Ex            stride[MAX_RANK];
    Ex            offset;
    Ex            size; /* elements to reserve, padding included; at least what dim and stride need */
    const Tensor *data; /* SPACE_CONST */
    void         *user; /* the owner's (a Value, a plan record); passes of codegen/lower */
};

#endif
