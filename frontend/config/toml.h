/* TOML 1.0, read into a flat list: what options need of it, in full.
 *
 *     strict = true                     {"strict"}                   bool
 *     [optimize]
 *     target = "x86-avx2"               {"optimize", "target"}       string
 *     dim = ["batch=1", "seq=128"]      {"optimize", "dim"}          list of strings
 *     bench.runs = 10                   {"optimize", "bench", "runs"} integer
 *     run = {top = 5}                   {"optimize", "run", "top"}   integer
 *
 * Valid TOML that has no place in a list of options is refused by name: dates, arrays of tables, and
 * arrays within arrays or holding tables. */
#ifndef MLC_TOML_H
#define MLC_TOML_H

#include "ir/base/ctx.h"
#include "ir/base/vec.h"

typedef enum TomlKind { TOML_STRING, TOML_INTEGER, TOML_FLOAT, TOML_BOOL } TomlKind;

enum { TOML_MAX_PATH = 8 };

typedef struct TomlValue {
    TomlKind    kind;
    const char *text; /* NUL-terminated; numbers in decimal without '_', "true" or "false" */
} TomlValue;

typedef struct TomlEntry {
    const char *path[TOML_MAX_PATH]; /* names of tables, then the key */
    int         npath;
    bool        is_list;
    VEC(TomlValue) values; /* one, unless it is a list */
    int         line;
} TomlEntry;

typedef struct TomlTable {
    const char *path[TOML_MAX_PATH];
    int         npath;
    int         line;
} TomlTable;

typedef struct TomlDoc {
    VEC(TomlEntry) entries; /* in the order of the file; no path twice */
    VEC(TomlTable) tables;  /* every [header], also of tables that are empty */
} TomlDoc;

/* Reads `size` bytes. Everything lives in `a`. E0504 with file and line, MLC_USAGE. `file` is for
 * messages. */
Status toml_read(Ctx *c, Arena *a, const char *file, const void *data, size_t size, TomlDoc *out);

#endif
