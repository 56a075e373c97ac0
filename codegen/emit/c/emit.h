/* What the files of the C emitter share.
 *
 * Unit: one source file being built. Walk: one kernel being walked.
 *
 * An expression becomes a text with a precedence. A node that is used twice in a statement, or
 * whose text is long, becomes a local constant first; so texts are bounded and emission is linear.
 *
 * Values: bool is an int that is 0 or 1 (a byte in memory); f16, bf16, f8 and f4 are their bits; 4-
 * and 2-bit integers are int8_t or uint8_t. i64 arithmetic on loop variables and constants that
 * fits 32 bits at every step ("narrow") is int32_t. */
#ifndef MLC_EMIT_C_INSIDE_H
#define MLC_EMIT_C_INSIDE_H

#include "codegen/emit/c/emit_c.h"
#include "ir/base/ctx.h"
#include "ir/base/map.h"
#include "ir/base/str.h"

/* What is known of an expression, and its place in the statement being written; by Ex id. */
typedef struct Slot {
    uint8_t facts;
    uint32_t count_stamp; /* `uses` counts for this statement */
    uint32_t uses;
    uint32_t text_stamp; /* `text` holds in this statement */
    const char *text;
} Slot;

typedef struct Unit {
    Ctx *ctx;
    Arena *arena;
    Program *program;
    ExPool *pool;
    const CInfo *info;
    const CSink *sink;
    Str helpers;      /* definitions, each after those that it uses */
    Map helper_names; /* that are in `helpers` */
    Str code;         /* kernels */
    Map kernel_names; /* of C functions */
    Slot *slots;
    size_t nslots;
    uint32_t stamp; /* number of the statement, over all kernels */
    bool uses_math;
    bool *used;    /* objects that a step uses, by position in program->mem */
    int *number;   /* of each SPACE_TEMP object among them, by position */
    int *same_as;  /* SPACE_CONST: position of the object whose array it shares */
    bool *returns; /* kernels that return a status, by position */
    bool *needs_sym;
    const char **function; /* names of the kernels' functions, by position */
} Unit;

enum {
    PREC_PRIMARY,
    PREC_UNARY,
    PREC_MUL,
    PREC_ADD,
    PREC_SHIFT,
    PREC_ORDER,
    PREC_EQUAL,
    PREC_BITS,
    PREC_AND,
    PREC_OR,
    PREC_CHOICE,
};

typedef struct Text {
    const char *s;
    int prec;
} Text;

typedef struct Local {
    const char *name;
    bool is_scalar; /* a register of one element */
    bool is_read;
    bool is_used;
    bool is_shared; /* a launch binds its memory twice */
    Elem elem;
} Local;

typedef struct Walk {
    Unit *u;
    const Kernel *k;
    ExPool *pool;
    Arena *arena; /* of this kernel */
    Str *out;
    int depth;
    Map names;        /* taken by parameters, symbols, registers */
    Local *buf;       /* params, then regs */
    const char **sym; /* names of the symbols that are used, by number */
    int nvars, ntemps;
    bool has_check;
    bool regs_declared;
    VEC(Ex) var; /* of the enclosing loops */
    VEC(const char *) var_name;
    VEC(uint32_t) kept; /* ids with a text, in order */
    Status error;
} Walk;

/* ---- names.c ---- */
/* A C identifier made of `text`, new in `taken`, which keeps it. */
const char *name_unique(Arena *a, Map *taken, const char *text);
/* Printable text of a model inside a comment. */
void comment_add(Str *s, const char *text);
/* A C string literal. */
void literal_string(Str *s, const char *text);
const char *unit_name(Unit *u, const char *suffix); /* PREFIX_suffix */

/* ---- literal.c ---- */
const char *type_memory(Elem e); /* "uint16_t" for f16; NULL: C has none */
const char *type_value(Elem e);
/* A constant of type e; *is_math becomes true when it needs <math.h>. */
const char *literal_int(Arena *a, Elem e, int64_t v);
const char *literal_float(Arena *a, Elem e, double v, bool *is_math);
bool is_negative_text(const char *s);

/* ---- routines.c ---- */
/* The name of a helper function for type e; its definition is added to the file. */
const char *helper(Unit *u, const char *name, Elem e);
const char *helper_bits(Unit *u, Elem from, Elem to);
/* An array of the values of all codes of a float of at most 8 bits. */
const char *helper_table(Unit *u, Elem e);
const char *helper_encode(Unit *u, Elem e);

/* ---- weights.c ---- */
/* Is there a constant of the program that needs <math.h>? */
bool weights_use_math(Unit *u);
Status weights_write(Unit *u);
const char *weights_name(Unit *u, size_t at);

/* ---- kernel.c, statement.c ---- */
Status emit_kernel(Unit *u, size_t at);
void emit_stmts(Walk *w, const Stmt *s);
void line(Walk *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- value.c ---- */
void count_uses(Walk *w, Ex e);
Text emit_value(Walk *w, Ex e);
/* The value of a whole statement: it may be long. */
Text emit_whole(Walk *w, Ex e);
void statement_begin(Walk *w);
size_t scope_open(const Walk *w);
void scope_close(Walk *w, size_t scope);
bool is_narrow(Walk *w, Ex e);
bool has_load(Walk *w, Ex e);
const char *type_of(Walk *w, Ex e);
/* The type whose helpers compute e: i32 for narrow i64. */
Elem compute_elem(Walk *w, Ex e);
Local *local_of(Walk *w, const Buf *b);
/* buf[index] */
const char *emit_place(Walk *w, const Buf *b, Ex index);
Text text_of(Walk *w, int prec, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The text in parentheses unless it binds at least as tightly as `most`. */
const char *within(Walk *w, Text t, int most);
Text call_text(Walk *w, const char *fn, int n, const Ex *arg);
Text emit_failure(Walk *w, Elem e, const char *what);
bool is_packed(Elem e); /* under 8 bits */

/* ---- index.c ---- */
Text emit_sum(Walk *w, Ex e);
Text emit_product(Walk *w, Ex e);
/* Does every step of this node fit 32 bits, given that its arguments do? */
bool fits_narrow(Walk *w, Ex e);

/* ---- scalar.c, convert.c ---- */
Text emit_scalar(Walk *w, Ex e);
Text emit_cast(Walk *w, Ex e);
Text emit_bits(Walk *w, Ex e);

/* ---- size.c, model.c ---- */
/* An i64 expression of symbols as C, with `sym` and `bad` in scope. */
const char *size_text(Unit *u, Ex e);
void emit_exec(Unit *u, Str *s);
void emit_model(Unit *u, Str *s);

#endif
