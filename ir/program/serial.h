/* The serialized form of a program, shared by its writer and its reader.
 *
 *     "MLCPROG1" | version | bytes of all | XXH3 of what follows | start of data | body | data
 *
 * The header's numbers are 8-byte little-endian words.
 * The body is a sequence of variable-length integers (LEB128; signed ones zigzag), strings (length,
 * bytes) and 8-byte little-endian words, in this order:
 *     name
 *     symbols         n, n * {name, min}
 *     tensors         n, n * {elem, rank, dims, splat, size, where, ...}
 *                     where 0: offset from the start of data; 1: file number, offset
 *     buffers         n, n * {id, name, elem, space, rank}
 *     expressions     n, in order of creation; arguments are numbers of earlier expressions
 *     buffer shapes   n * {dims, strides, offset, size, tensor + 1}
 *     objects         n, n * {name, space, elem, size, tensor + 1, io, first, last, offset}
 *     inputs, outputs n, n * {name, elem, rank, dims, object}
 *     kernels         n, n * {id, name, skeleton, params, registers, macs, origin, body}
 *     steps           n, n * {kind, kernel + 1, args, origin}
 *     workspace, weights bytes
 * The data are the bytes of constants that lie in no file, each at a multiple of 64. The reader
 * rebuilds every expression by the constructors of the pool, after it has checked what they
 * assert. */
#ifndef MLC_SERIAL_H
#define MLC_SERIAL_H

#include "ir/program/program.h"

#define SERIAL_MAGIC "MLCPROG1"
enum {
    SERIAL_VERSION = 3,
    SERIAL_HASHED = 32,     /* the hash covers everything from here */
    SERIAL_HEADER = 40,     /* bytes before the body */
    SERIAL_ALIGN = 64,
    SERIAL_DEPTH = 2000,    /* nesting of expressions */
    SERIAL_STMT_DEPTH = 64, /* nesting of statements */
    SERIAL_VARS = 1 << 22,  /* loop variables, used or not; in a form of n bytes at most
                               SERIAL_VARS_FREE + SERIAL_VARS_RATIO * n of them */
    SERIAL_VARS_FREE = 1 << 18,
    SERIAL_VARS_RATIO = 16,
};

enum { STMT_END = 255 }; /* in place of a statement's kind: the list ends */

#endif
