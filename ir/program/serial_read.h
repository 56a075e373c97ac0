/* The inside of the reader of serialized programs, for serial_read.c and serial_read_expr.c. */
#ifndef MLC_SERIAL_READ_H
#define MLC_SERIAL_READ_H

#include "ir/program/serial.h"

typedef struct Reader {
    Ctx           *ctx;
    Arena         *arena;
    ExPool        *pool;
    Program       *p;
    const uint8_t *at, *end;
    const uint8_t *data; /* section */
    size_t         data_bytes;
    size_t         size;  /* of the whole form */
    Status         status;
    Tensor        *tensor;
    Buf          **buf;
    Ex            *expr;
    uint16_t      *depth; /* of each expression */
    size_t         ntensor, nbuf, nexpr;
} Reader;

/* Reports the first fault and moves to the end. */
void     fault(Reader *r, const char *what);
uint64_t r_u(Reader *r);
int64_t  r_i(Reader *r);
/* A number below `n`. */
size_t r_below(Reader *r, size_t n, const char *what);
Elem   r_elem(Reader *r);
/* An expression of type i64; after a fault some constant. */
Ex   r_size(Reader *r);
Buf *r_buf(Reader *r);
/* The eight bytes at `p`. */
uint64_t word_at(const uint8_t *p);

/* One expression, appended to r->expr. */
void r_node(Reader *r);

#endif
