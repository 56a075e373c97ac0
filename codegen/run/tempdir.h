/* Temporary folders that disappear with the process, interrupted or not. */
#ifndef MLC_CODEGEN_RUN_TEMPDIR_H
#define MLC_CODEGEN_RUN_TEMPDIR_H

#include "ir/base/arena.h"
#include "ir/base/ctx.h"

/* A new private folder in $TMPDIR or /tmp, its path in `a`. E0003 and MLC_SYSTEM. */
Status temp_dir_make(Ctx *c, Arena *a, const char **path);
/* The same in folder `base`: what is made there can be renamed into place. */
Status temp_dir_make_in(Ctx *c, Arena *a, const char *base, const char **path);
/* Removes a folder of temp_dir_make() with everything inside. */
void   temp_dir_remove(const char *path);
/* Async-signal-safe: removes every folder that this process made (not its parent's) and that is
 * still there. */
void   temp_dir_remove_all(void);

#endif
