/* The C header of an artifact: the public ABI, the model's constants, a typed run function. */
#ifndef MLC_CODEGEN_EMIT_HEADER_H
#define MLC_CODEGEN_EMIT_HEADER_H

#include "ir/base/str.h"
#include "ir/program/program.h"

typedef struct HeaderInfo {
    const char *target;      /* "x86-avx2" */
    const char *mlc_version; /* "0.1.0" */
    const char *source;      /* name of the model file, NULL: unknown */
    bool        weights_in_file;
} HeaderInfo;

/* Appends the text of `prefix`.h. The prefix is a C identifier. p[0..n-1] are the programs of the
 * artifact, one for each target: sizes are those in which all of them fit. */
Status header_emit(const Program *const *p, int n, const char *prefix, const HeaderInfo *info,
                   Str *out);

/* The C identifiers of the program's inputs and outputs, in this order: made from the ONNX names,
 * unique, no keywords of C or C++. In the arena of `out`. */
const char *const *header_io_names(const Program *p, Arena *a);

#endif
