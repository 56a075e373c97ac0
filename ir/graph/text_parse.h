/* The inside of the text parser: what text_lex.c, text_type.c, text_data.c and text_parse.c share.
 */
#ifndef MLC_TEXT_PARSE_H
#define MLC_TEXT_PARSE_H

#include "ir/graph/text.h"

typedef enum TokKind {
    TOK_END,
    TOK_WORD,   /* keyword, symbol, unsigned number: letters, digits, '_', '.' */
    TOK_VALUE,  /* %name, without the % */
    TOK_STRING, /* decoded */
    TOK_PUNCT,  /* one character, or "::" and ">=" */
} TokKind;

typedef struct Parser {
    Ctx *ctx;
    Arena *arena; /* of the graph being made */
    ExPool *pool;
    Map symbols; /* name -> its leaf */
    const char *file;
    const char *at; /* what follows the current token */
    const char *end;
    int line;
    int depth;
    TokKind kind;     /* the current token */
    const char *text; /* of it, NUL-terminated */
    size_t len;
} Parser;

/* ---- tokens ---- */
Status parse_error(Parser *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
Status parse_next(Parser *p);
bool parse_is(const Parser *p, const char *word_or_punct);
/* Takes the token if it is that one. */
Status parse_accept(Parser *p, const char *word_or_punct, bool *taken);
Status parse_expect(Parser *p, const char *word_or_punct);
Status parse_string(Parser *p, const char **out);
/* A signed 64-bit integer; an unsigned one above INT64_MAX keeps its bits. */
Status parse_int(Parser *p, int64_t *out);
Status parse_float(Parser *p, double *out);
/* Counts one more level of nesting; parse_leave() goes back. */
Status parse_enter(Parser *p);
void parse_leave(Parser *p);

/* ---- pieces ---- */
Status parse_dim(Parser *p, Ex *out);
Status parse_type(Parser *p, Type *out);
/* An element of type e, stored at `i` of data. */
Status parse_element(Parser *p, Elem e, void *data, size_t i);
Status parse_data(Parser *p, const Type *type, Tensor **out);

#endif
