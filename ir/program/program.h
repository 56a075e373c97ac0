/* Programs: the host side of a compiled model: which kernel runs on which memory in which order.
 *
 * Memory objects are inputs, outputs, constants and pieces of the workspace. Sizes may depend on
 * symbols; symbols are bound from the input shapes when a shape is first seen (bind). */
#ifndef MLC_PROGRAM_H
#define MLC_PROGRAM_H

#include "ir/kernel/kernel.h"

typedef struct MemObj {
    int           id;
    BufSpace      space;      /* not SPACE_REG */
    const char   *name;
    Elem          elem;
    Ex            size_bytes;
    const Tensor *data;       /* SPACE_CONST */
    int           io;         /* SPACE_INPUT / SPACE_OUTPUT: number of it */
    int           first, last; /* SPACE_TEMP: first and last step that uses it */
    bool          moved;      /* its memory comes from a MOVE or GROW, not from its first use */
    int64_t       offset;     /* SPACE_TEMP: in the workspace when all sizes are constant, else -1;
                                 SPACE_CONST: in the weights section. Multiples of 64. */
} MemObj;

typedef struct ProgramIo {
    const char *name;
    Elem        elem; /* ELEM_STRING: an array of `const char *`; its obj holds u64 */
    int         rank;
    Ex          dim[MAX_RANK];
    MemObj     *obj;
} ProgramIo;

typedef enum StepKind {
    STEP_LAUNCH, /* args.at[i] is bound to kernel->params.at[i] */
    STEP_ZERO,   /* args.at[0] is filled with zero bytes */
    /* The control stages of ir/kernel/stage.h: */
    STEP_SET,  /* symbol := element `value` of args.at[0], or value; MLC_RUN_SHAPE outside its bounds */
    STEP_IF,   /* value != 0: the steps to `match`, its ELSE or END; else those after match */
    STEP_ELSE, /* goes on after match, its END */
    STEP_LOOP, /* value != 0: the steps to match, its END, and here again; else after match */
    STEP_END,  /* match: its LOOP, or -1 */
    STEP_MOVE, /* args.at[0] := args.at[1], `value` bytes */
    STEP_GROW, /* args.at[0] has room for `value` bytes */
    STEP_CALL, /* runtime function */
} StepKind;

/* An argument of STEP_CALL as the function sees it. */
typedef struct StepShape {
    int rank;
    Ex  dim[MAX_RANK];
} StepShape;

typedef struct Step {
    StepKind  kind;
    Kernel   *kernel;
    VEC(MemObj *) args;
    VEC(const char *) origin;
    Ex          value;
    int         symbol; /* STEP_SET */
    int         match;  /* see above; program_match() finds them */
    const char *call;
    int         nwritten; /* STEP_CALL: the first args are results */
    VEC(StepShape) shapes; /* STEP_CALL: of args */
    VEC(Ex)     params;
} Step;

typedef struct Program {
    Ctx        *ctx;
    Arena      *arena;
    ExPool     *pool; /* symbols 0..ex_sym_count-1 */
    const char *name;
    VEC(ProgramIo) inputs;
    VEC(ProgramIo) outputs;
    VEC(MemObj *) mem;
    VEC(Kernel *) kernels;
    VEC(Step) steps;
    int64_t     workspace_bytes; /* -1: depends on symbols */
    int64_t     weights_bytes;   /* all SPACE_CONST objects at their offsets */
    bool        without_constants; /* their bytes are not handed on: program_write() */
} Program;

/* Does the size of the object, or a dimension of the output that it is, depend on run-time symbols? Such memory is allocated by the run, at
 * the object's first step, and freed after its last; all other workspace is planned. */
bool memobj_is_dynamic(const Program *p, const MemObj *m);
/* Does the host do more than launch kernels: control flow, symbols of the run, calls? */
bool program_has_control(const Program *p);
/* The C name of a function of the user's that STEP_CALL calls; NULL: it is one of the runtime. */
const char *step_user_call(const Step *s);
/* Does the host do nothing but launch kernels and call functions of the user's? */
bool program_only_calls_user(const Program *p);
/* Does the run need an allocator: memory or an output whose size it finds out? */
bool program_allocates(const Program *p);
/* Fills in Step.match. E0901 where IF, LOOP and END do not nest. */
Status program_match(Program *p);
Status program_verify(Program *p);
void   program_print(Str *s, const Program *p);
/* Assigns offsets: constants always, workspace when sizes are constant. */
void   program_plan_memory(Program *p);
/* The two halves of it. Programs of one artifact share a weights section: equal bytes lie in it
 * once, whichever programs they are of, and weights_bytes of each is that of the section. */
void   program_plan_workspace(Program *p);
void   program_plan_weights(Ctx *c, Program *const *p, int n);
/* Workspace bytes for given symbols, and the offset of every SPACE_TEMP object (by MemObj id). The
 * same function that artifacts call at bind time: lifetimes -> offsets, first fit by size. -1: a
 * size does not fit 63 bits. */
int64_t program_plan(const Program *p, const int64_t *sym, int64_t *offset);

/* The most that program_plan() asks for within the bounds of the symbols, found by trying all their
 * values: a plan for smaller sizes is not always smaller. -1: a symbol is unbounded, there are more
 * than 16,384 combinations, or a size overflows. */
int64_t program_workspace_max(const Program *p);

/* Symbol values from concrete input shapes: shape[i] has inputs.at[i].rank entries. E0601 when a
 * dimension contradicts. */
Status program_bind(const Program *p, const int64_t *const *shape, int64_t *sym);
/* Runs every step in the interpreter. in[i] / out[i]: row-major data of the io's element type. */
Status program_interp(Program *p, InterpMode mode, const int64_t *sym, const void *const *in,
                      void *const *out);

/* An output whose size the run finds out; also one of strings, whose bytes stand behind the pointers. */
typedef struct ProgramResult {
    void   *data;
    int64_t bytes;
    int64_t dim[MAX_RANK];
} ProgramResult;
/* Is there one? */
bool program_has_results(const Program *p);
/* program_interp() for all programs: out[i] of such an output is not used, result[i] gets memory of
 * `keep`. */
Status program_interp_results(Program *p, InterpMode mode, const int64_t *sym,
                              const void *const *in, void *const *out, Arena *keep,
                              ProgramResult *result);

/* The form in which mlc hands a program to its code generator: little-endian, versioned, checked
 * when read. Constants that lie in a mapped file are written as (file number, offset); with
 * without_constants all are, as if in file 0, which nobody then reads. *out is replaced. */
Status program_write(Program *p, Str *out);
/* Descriptors of the files that constants lie in, by their numbers in program_write(): the distinct
 * Tensor.fd of SPACE_CONST objects in order of appearance. At most `max`; returns how many. */
int    program_files(const Program *p, int *fd, int max);
/* Reads what program_write() wrote; the program has an arena of its own, which the caller frees.
 * Constants in memory point into `data`, which must stay. Constants in files have no data; their
 * Tensor.fd is the file's number. Malformed: E0602, MLC_INPUT; it never crashes. */
Status program_read(Ctx *c, const void *data, size_t size, Program **out);
/* The same, with the files mapped: fd[k] is file number k. */
Status program_read_mapped(Ctx *c, const void *data, size_t size, int nfd, const int *fd,
                           Program **out);

#endif
