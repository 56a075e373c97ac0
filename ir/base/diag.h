/* Diagnostics are data: code, place, cause, help. Library code reports; only cli/ prints.
 *
 * Style: lowercase, what *is*, with numbers, in the user's terms (ONNX node, tensor, attribute).
 *
 *     return diag_error(c, E0301, loc, MLC_INPUT, "cannot broadcast dimension %d: %lld against %lld", ...);
 *     diag_help(c, "run 'mlc list ops'");      attaches to the newest diagnostic */
#ifndef MLC_DIAG_H
#define MLC_DIAG_H

#include "ir/base/base.h"

typedef enum DiagCode {
#define X(code, severity, title) code,
#include "ir/base/diag.def"
#undef X
    DIAG_CODE_COUNT
} DiagCode;

typedef enum Severity { REMARK, WARNING, ERROR } Severity;

/* Where in the user's world: a file, and a node, tensor or option inside it. Any may be NULL. */
typedef struct Loc {
    const char *file;
    const char *node; /* ONNX node name, or the name of its first output */
    const char *op;   /* operator of that node */
    int         line; /* for text files; 0 otherwise */
} Loc;

typedef struct Diag {
    DiagCode     code;
    Severity     severity;
    Loc          loc;
    const char  *message;
    const char  *help;  /* NULL or a hint that works when pasted */
    int          count; /* how many places share this cause */
    struct Diag *next;
} Diag;

typedef struct DiagSink {
    Diag  *first, **tail, *last;
    size_t errors, warnings;
    int    muted; /* above 0: what is reported is dropped */
    Diag   lost; /* stands for those that there was no memory for; code and message are set by then */
    void (*hook)(void *arg, const Diag *d); /* called for each new diagnostic; may be NULL */
    void  *hook_arg;
} DiagSink;

extern const char *const diag_code_name[DIAG_CODE_COUNT];  /* "E0201" */
extern const char *const diag_code_title[DIAG_CODE_COUNT]; /* "unsupported operator" */
extern const Severity    diag_code_severity[DIAG_CODE_COUNT];

/* Records a diagnostic with the severity of its code. Strings are copied. */
Diag *diag_report(Ctx *c, DiagCode code, Loc loc, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The same, returning `status`: for `return diag_error(...)`. */
Status diag_error(Ctx *c, DiagCode code, Loc loc, Status status, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/* Between the two, reports and help are dropped: for attempts whose failure is not the user's. They
 * nest. Out of memory is reported all the same. */
void diag_mute(Ctx *c);
void diag_unmute(Ctx *c);
/* Frees every record. */
void diag_sink_free(DiagSink *s);
/* Sets the help of the newest diagnostic. */
void diag_help(Ctx *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
