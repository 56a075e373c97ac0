/* Tensors of strings on their way between mlc and a runner, as serve.h describes them. */
#ifndef MLC_CODEGEN_RUN_STRINGS_H
#define MLC_CODEGEN_RUN_STRINGS_H

#include "ir/base/str.h"
#include "ir/expr/tensor.h"

void   strings_encode(Str *out, const Tensor *t);
/* Fills t, whose type and shape are set, with copies in the arena. False: `data` is malformed. */
bool   strings_decode(Arena *a, const void *data, size_t bytes, Tensor *t);
/* The same to and from a file; E0603 where it is malformed. */
Status strings_write(Ctx *c, Arena *a, const char *path, const Tensor *t);
Status strings_read(Ctx *c, Arena *a, const char *path, Tensor *t);

#endif
