/* Weights in a file of their own, beside the artifact; runtime/weights.c maps it. */
#ifndef MLC_CODEGEN_EMIT_OBJECT_WEIGHTS_FILE_H
#define MLC_CODEGEN_EMIT_OBJECT_WEIGHTS_FILE_H

#include "ir/base/file.h"
#include "ir/program/program.h"

enum { WEIGHTS_IDENTITY_DIGITS = 32 };

/* Writes the weights section that the programs share (program_plan_weights()) behind a head; see
 * runtime/rt.h. `identity` becomes the head's in hex, NUL-terminated. Constants are read once, in
 * order, and nothing is copied. E0003 when it cannot be written. */
Status weights_file_write(Ctx *c, Program *const *p, int n, FileOut *out,
                          char identity[WEIGHTS_IDENTITY_DIGITS + 1]);

#endif
