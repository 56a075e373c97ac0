/* C source as an artifact: writing it, and compiling it to run it here. None of them prints. */
#ifndef MLC_CLI_CSOURCE_H
#define MLC_CLI_CSOURCE_H

#include "cli/compile.h"

/* `model` is named in the source's first line; may be NULL. */
Status csource_write(Program *p, const CompileOptions *o, const char *model, const char *path);
/* The system's C compiler; E0004 and MLC_SYSTEM when there is none. */
Status csource_compiler(Ctx *c, Arena *a, const char **out);
/* Program -> C -> shared object. *source_bytes, unless NULL: the size of the source. */
Status csource_shared(Ctx *c, Program *p, const CompileOptions *o, const char *path,
                      int64_t *source_bytes);
/* The same as an object. */
Status csource_object(Ctx *c, Program *p, const CompileOptions *o, const char *path);

#endif
