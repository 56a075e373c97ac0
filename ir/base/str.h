/* Str: text being built in an arena; and small questions about C strings. */
#ifndef MLC_STR_H
#define MLC_STR_H

#include "ir/base/arena.h"

typedef struct Str {
    Arena *arena;
    char  *at;  /* always NUL-terminated once something was added; NULL before */
    size_t len; /* bytes without the NUL */
    size_t cap;
} Str;

static inline Str str_new(Arena *a) { return (Str){.arena = a}; }
void str_add(Str *s, const char *text);
void str_addn(Str *s, const char *text, size_t n);
void str_addc(Str *s, char c);
void str_printf(Str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The text so far ("" when nothing was added). */
const char *str_text(const Str *s);

static inline bool str_eq(const char *a, const char *b) { return strcmp(a, b) == 0; }
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Shell-style match with '*' and '?', linear in the text for each '*'. */
bool str_glob(const char *pattern, const char *text);

/* Levenshtein distance of at most 64-byte prefixes. */
int str_distance(const char *a, const char *b);
/* The closest of `n` names, or NULL when none is near enough for "did you mean". */
const char *str_nearest(const char *name, const char *const *names, size_t n);

/* A name from a file, fit for terminals and JSON: control characters and what is not UTF-8 become
 * \xNN. `out` holds STR_PRINTABLE_BYTES(text). */
#define STR_PRINTABLE_BYTES(text) (4 * strlen(text) + 1)
void str_printable(char *out, const char *text);
/* The next piece of it, without memory: the bytes of one character of *text, which it moves on, and
 * their number; 0 at the end. */
int str_printable_next(const char **text, char out[5]);
/* The same in an arena. */
const char *str_printable_in(Arena *a, const char *text);

/* "25.6 M", "1.2 MiB": three significant digits for people. `buf` holds 32 bytes; returns it. */
const char *str_count(char buf[32], double n);
const char *str_bytes(char buf[32], double bytes);

#endif
