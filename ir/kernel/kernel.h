/* Kernels: how it is computed.  A loop nest over flat buffers.
 *
 * Meaning, said once: statements run in order; a loop runs its body for var = 0 .. extent-1, in
 * order, whatever its binding; a store writes the (already converted) value to one element. The
 * bindings are permissions and instructions to a back end, never a change of meaning:
 *   LOOP_PARALLEL  iterations touch different memory: any order, any thread (registers are private)
 *   LOOP_VECTOR    constant extent: iterations may run in lock step in vector lanes
 *   LOOP_UNROLLED  constant extent: the body is repeated
 *   LOOP_SERIAL    a loop
 * Every buffer is flat here: loads have one index, in elements. Registers (SPACE_REG) are zeroed
 * by nobody: a kernel stores before it loads.
 * A load or store outside its buffer is a defect, which the interpreter reports. */
#ifndef MLC_KERNEL_H
#define MLC_KERNEL_H

#include "ir/kernel/stage.h"

typedef enum LoopKind { LOOP_SERIAL, LOOP_PARALLEL, LOOP_VECTOR, LOOP_UNROLLED } LoopKind;
typedef enum StmtKind { STMT_LOOP, STMT_STORE, STMT_IF, STMT_CHECK } StmtKind;

typedef struct Stmt Stmt;
struct Stmt {
    StmtKind kind;
    Stmt    *next; /* the statement after this one, or NULL */
    union {
        struct {
            Ex       var; /* EX_VAR; its extent is the loop's */
            LoopKind kind;
            Stmt    *body;
        } loop;
        struct {
            Buf *buf;
            Ex   index; /* flat, in elements */
            Ex   value;
            Ex   guard; /* bool: store only where it holds; NULL: always */
        } store;
        struct {
            Ex    cond;
            Stmt *then, *otherwise; /* otherwise may be NULL */
        } cond;
        struct {
            Ex  cond; /* when false the run ends with `code` */
            int code;
        } check;
    };
};

typedef struct Kernel {
    int         id;
    const char *name;     /* unique, a C identifier: k3_conv */
    const char *skeleton; /* which way of computing was chosen: "gemm", "map", "reference" */
    VEC(Buf *) params;    /* not SPACE_REG; the launch binds memory to each */
    VEC(Buf *) regs;
    Stmt       *body;     /* LOOP_PARALLEL only as the outermost loops of the body: one chain of
                             perfectly nested ones */
    ExPool     *pool;
    Ex          macs;     /* multiply-accumulates, as an expression of symbols */
    VEC(const char *) origin;
} Kernel;

/* ---- building ---- */
Stmt *stmt_loop(Arena *a, Ex var, LoopKind kind, Stmt *body);
Stmt *stmt_store(Arena *a, Buf *b, Ex index, Ex value, Ex guard);
Stmt *stmt_if(Arena *a, Ex cond, Stmt *then, Stmt *otherwise);
/* The run ends with `code` unless cond holds. */
static inline Stmt *stmt_check(Arena *a, Ex cond, int code)
{
    Stmt *s = NEW(a, Stmt);
    s->kind = STMT_CHECK;
    s->check.cond = cond;
    s->check.code = code;
    return s;
}
/* first; second (either may be NULL). Returns the head. */
Stmt *stmt_seq(Stmt *first, Stmt *second);

/* A stage as plain loops, the reference schedule: parallel over the axes, serial reductions. */
Kernel *kernel_from_stage(Arena *a, ExPool *p, const Stage *s, const char *name);

/* Checks structure, types and the rules above. E0901, MLC_BUG. */
Status kernel_verify(Ctx *c, const Kernel *k);
void   kernel_print(Str *s, const Kernel *k);

/* ---- interpreting: the oracle ---- */
typedef enum InterpMode {
    INTERP_EXACT, /* every value in its own type, bit for bit what a back end must give */
    INTERP_F64,   /* every float as double, MATH operations by the C library: the error reference.
                     Buffers of float types then hold doubles */
} InterpMode;

typedef struct InterpArg {
    void   *data;
    int64_t count; /* elements */
    bool    splat; /* `data` holds one element, which stands for all of them; read only */
} InterpArg;

/* Runs the kernel. args[i] is params.at[i]'s memory; sym[k] the value of symbol k of the pool.
 * *check_code gets the code of a failed check, 0 otherwise. An out of bounds access is E0901. */
Status kernel_interp(Ctx *c, const Kernel *k, InterpMode mode, const InterpArg *args,
                     const int64_t *sym, int *check_code);
/* The same in two steps, for a kernel that runs more than once with the same symbols, which must
 * outlive the plan. */
typedef struct InterpPlan InterpPlan;
Status interp_prepare(Ctx *c, const Kernel *k, InterpMode mode, const int64_t *sym,
                      InterpPlan **out);
Status interp_run(InterpPlan *p, const InterpArg *args, int *check_code);
void   interp_free(InterpPlan *p);
/* Expression nodes evaluated so far by kernel_interp(), for the speed test. */
int64_t interp_evals(void);

#endif
