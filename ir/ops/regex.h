/* Regular expressions in the syntax of RE2, as trees. */
#ifndef MLC_OPS_REGEX_H
#define MLC_OPS_REGEX_H

#include "ir/ops/check.h"

/* Conditions, as runtime/text_match.c numbers them. */
enum { AT_BEGIN, AT_END, AT_LINE_BEGIN, AT_LINE_END, AT_WORD, AT_NO_WORD };

typedef struct Range {
    int32_t first, last;
} Range;
typedef VEC(Range) Ranges;

/* An expression: a tree, because what repeats is written more than once. */
typedef enum ReKind { RE_EMPTY, RE_RANGES, RE_ASSERT, RE_SEQ, RE_OR, RE_REPEAT } ReKind;
typedef struct Re Re;
struct Re {
    ReKind  kind;
    Ranges  ranges;    /* ascending, apart */
    int32_t condition;
    Re     *a, *b;
    int     min, max;  /* REPEAT; max -1: any number */
};

typedef struct Regex {
    Arena      *arena;
    const char *at;
    int         flags, depth;
    bool        quoted; /* between \Q and \E */
    const char *wrong; /* what it holds that cannot be used; NULL: nothing so far */
} Regex;

/* The tree, in r->arena; r->wrong is set where there is none. Classes of Unicode properties (\p{..}) and
 * the byte \C are not supported; case folding (?i) only of ASCII letters. */
Re *regex_parse(Regex *r, const char *pattern);

#endif
