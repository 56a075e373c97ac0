/* The C emitter: a program as one C99 source file that stands alone.
 *
 * It has the ABI of runtime/mlc_abi.h (P_bind, P_run, P_model), no threads, no allocation, and
 * needs nothing but <stdint.h>, <stddef.h>, <string.h> and, where something is used of it,
 * <math.h>. Its floats are those of the interpreter bit for bit: nothing is reordered or
 * contracted. */
#ifndef MLC_CODEGEN_EMIT_C_H
#define MLC_CODEGEN_EMIT_C_H

#include "ir/program/program.h"

typedef struct CInfo {
    const char *prefix;      /* a C identifier: PREFIX_run, ... */
    const char *target;      /* "c99" */
    const char *mlc_version; /* "0.1.0" */
    const char *source;      /* name of the model file, NULL: unknown */
    const char *sha256;      /* hex, of the model file; "" unknown */
    const char *const *header; /* of custom operators, to include */
    int         nheader;
} CInfo;

/* Where the text goes, piece by piece. */
typedef struct CSink {
    Status (*write)(void *arg, const void *data, size_t size);
    void *arg;
} CSink;

/* Writes the source. The program has been verified and its memory planned; its pool gets new
 * expressions. E0402 for what C cannot say (strings, complex numbers). */
Status c_emit(Program *p, const CInfo *info, const CSink *sink);
/* The same into a file, which appears whole or not at all. */
Status c_emit_file(Program *p, const CInfo *info, const char *path);

#endif
