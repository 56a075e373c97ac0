/* Static libraries: an object in an `ar` archive with a symbol table, ready for `cc -l`. */
#ifndef MLC_CODEGEN_EMIT_OBJECT_ARCHIVE_H
#define MLC_CODEGEN_EMIT_OBJECT_ARCHIVE_H

#include "ir/base/arena.h"
#include "ir/base/file.h"

/* Writes the archive that `ar rcsD` would make of the 64-bit ELF object at path `object`, as the
 * only member, named `member`. No times, no owners: same object, same bytes. E0403 and MLC_BUG when
 * it is no object; E0003 when it cannot be written, or is too large for an archive (4 GiB). */
Status archive_write(Ctx *c, Arena *a, const char *object, const char *member, FileOut *out);
/* Does the file begin like an archive? False also when it cannot be read. */
bool archive_is(const char *path);

#endif
