/* The characters of a TOML document: blanks, comments, strings, numbers. */
#ifndef MLC_TOML_VALUE_H
#define MLC_TOML_VALUE_H

#include "frontend/config/toml.h"
#include "ir/base/str.h"

typedef struct TomlText {
    Ctx        *ctx;
    Arena      *arena;
    const char *file, *at, *end;
    int         line;
} TomlText;

/* Refuses what is not UTF-8. A byte order mark is skipped. */
Status toml_text(Ctx *c, Arena *a, const char *file, const void *data, size_t size, TomlText *t);
Loc    toml_loc(const TomlText *t);
/* E0504 at the present line. */
Status toml_malformed(const TomlText *t, const char *what);

static inline bool toml_at(const TomlText *t, char c) { return t->at < t->end && *t->at == c; }
bool   toml_eat(TomlText *t, char c);
void   toml_skip_blanks(TomlText *t);
/* Blanks, comments and line ends. */
Status toml_skip_lines(TomlText *t);
/* Blanks, a comment, and the end of the line or the file. */
Status toml_line_end(TomlText *t);
/* A string of one line in " or '. */
Status toml_string(TomlText *t, const char **out);
/* Any string, number or boolean. */
Status toml_scalar(TomlText *t, TomlValue *out);

#endif
