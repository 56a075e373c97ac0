/* What the files of the LLVM emitter share.
 *
 * Unit: one LLVM module being built. Walk: one kernel being walked.
 *
 * Values: an expression of element type e is an LLVM value of type unit_type(e), or, inside a
 * vector loop of W lanes, a vector <W x that type> when it differs from lane to lane. A value that
 * is the same in all lanes stays scalar until an operation needs it wide. Booleans are i1 as values
 * and i8 (0 or 1) in memory; f16, bf16, f8 and sub-byte types are their bits as integers. */
#ifndef MLC_EMIT_LLVM_H
#define MLC_EMIT_LLVM_H

#include "codegen/emit/llvm/options.h"
#include "ir/base/file.h"
#include "ir/program/program.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

typedef struct Unit {
    Ctx *ctx;
    Arena *arena;
    const CodegenOptions *opt;
    Program *programs[MAX_VARIANTS];
    const FileMap *input;   /* what each was read from */
    const Variant *variant; /* the one being emitted, and its program */
    Program *program;
    const char *infix; /* of its names: "" or "x86_avx2_" */
    LLVMValueRef weights; /* address of the weights section, or of the mlc_rt_weights of its file */
    LLVMValueRef stamps;  /* address of the time stamps, NULL: there are none */
    int64_t nstamp;
    LLVMContextRef cx;
    LLVMModuleRef module;
    LLVMTargetMachineRef machine;
    LLVMBuilderRef b, entry; /* see Walk */
    bool is_arm64;
    bool has_f16c; /* f16 <-> f32 in hardware */
    bool has_avx, has_avx512;
    bool has_fma, has_round; /* fused multiply-add; floor, ceil, trunc, roundeven */
    LLVMTypeRef i1, i8, i16, i32, i64, f32, f64, ptr, none;
} Unit;

/* One kernel body. The memo holds the value of every expression that was emitted and whose code
 * dominates the present position, by Ex id; loop variables are bound there too. Entries made inside
 * a loop or branch are removed when it ends (scope_open, scope_close). Expressions that load from a
 * buffer which the kernel also writes live for one statement only. */
typedef struct Walk {
    Unit *u;
    const Kernel *k;
    ExPool *pool;
    LLVMBuilderRef b;     /* where code goes now */
    LLVMBuilderRef entry; /* before the end of the entry block: allocas, symbols */
    LLVMValueRef fn;
    LLVMValueRef status;       /* address of the frame's status */
    LLVMValueRef sym;          /* address of the symbols */
    LLVMBasicBlockRef done;    /* returns */
    LLVMValueRef *base;        /* address of each buffer: params, then regs */
    bool *written;             /* params, then regs: the kernel stores there */
    LLVMValueRef *sym_value;   /* loaded once, at entry */
    VEC(LLVMValueRef) memo;    /* by Ex id */
    VEC(uint8_t) facts;        /* by Ex id, see value.c */
    VEC(uint32_t) kept, fleet; /* ids in the memo, in order: for a scope, for a statement */
    Ex lane;                   /* variable of the vector loop, NULL outside */
    unsigned width;            /* its lanes, 0 outside */
    LLVMValueRef mask;         /* <width x i1>: lanes that are active; NULL: all */
    Status error;              /* the first failure; emission goes on with poison */
} Walk;

typedef struct Scope {
    size_t kept, fleet;
} Scope;

/* ---- unit.c ---- */
Status unit_open(Unit *u);
/* What is emitted from now on belongs to variant number k; -1: to the whole artifact. */
void unit_select(Unit *u, int k);
void unit_close(Unit *u);
LLVMTypeRef unit_type(const Unit *u, Elem e);   /* of a value */
LLVMTypeRef unit_memory(const Unit *u, Elem e); /* of an element in memory */
LLVMValueRef unit_i64(const Unit *u, int64_t v);
LLVMValueRef unit_i32(const Unit *u, int64_t v);
/* The declaration of an intrinsic for these overloaded types. */
LLVMValueRef unit_intrinsic(Unit *u, const char *name, LLVMTypeRef *types, size_t n);
/* Calls it. */
LLVMValueRef unit_call(Unit *u, LLVMBuilderRef b, const char *name, LLVMTypeRef *types, size_t nt,
                       LLVMValueRef *args, unsigned n);
/* Gives `fn` the baseline of the architecture, as the runtime has it: for what runs before the CPU
 * is checked. */
void unit_baseline(Unit *u, LLVMValueRef fn);
/* Gives `fn` the target's CPU and features and marks it as not unwinding. */
void unit_attributes(Unit *u, LLVMValueRef fn);
void unit_attr(Unit *u, LLVMValueRef fn, unsigned at, const char *name, uint64_t v);
Status unit_optimize(Unit *u);
Status unit_write(Unit *u);
/* Links the runtime and makes everything but the public names internal. */
Status unit_link_runtime(Unit *u);

/* ---- program.c ---- */
/* All variants, and what a caller sees of them. */
Status emit_artifact(Unit *u);
/* model.c: the runtime's constants of the present variant. `exec` is its P_exec; `next` the constants
 * of the variant for lesser CPUs, or null. */
LLVMValueRef emit_rt_model(Unit *u, LLVMValueRef model, LLVMValueRef exec, LLVMValueRef next);
LLVMValueRef declare_model(Unit *u);
/* The descriptor, P_bind, P_run; `rt` are the constants of the first variant. */
void emit_model(Unit *u, LLVMValueRef model, LLVMValueRef rt);
const char *unit_name(Unit *u, const char *suffix); /* PREFIX_suffix; PREFIX_x86_avx2_suffix */
LLVMValueRef unit_global(Unit *u, const char *suffix, LLVMValueRef init, bool is_constant);
/* size.c: an i64 expression of symbols, with code at u->b; `sym` is the address of the symbols.
 * *overflow, unless NULL, becomes (i1) whether it does not fit 63 bits. */
LLVMValueRef emit_size(Unit *u, Ex e, LLVMValueRef sym, LLVMValueRef *overflow);
/* weights.c: the read-only section, or the mlc_rt_weights of a file; returns its address. */
Status emit_weights(Unit *u, LLVMValueRef *address);

/* ---- kernel.c ---- */
/* void P_kN(frame, begin, end) */
Status emit_kernel(Unit *u, const Kernel *k, LLVMValueRef *fn);
/* Iterations of the parallel loop: 1 without one. */
Ex kernel_iterations(ExPool *p, const Kernel *k);
/* Estimated nanoseconds of all iterations on one thread, an expression of symbols. */
Ex kernel_work(ExPool *p, const Kernel *k);
bool kernel_has_check(const Stmt *s);
void emit_stmts(Walk *w, const Stmt *s);

/* ---- value.c ---- */
LLVMValueRef emit_value(Walk *w, Ex e);
Scope scope_open(const Walk *w);
void scope_close(Walk *w, Scope s);
void scope_end_statement(Walk *w);
void bind_variable(Walk *w, Ex var, LLVMValueRef v);
bool is_vector(LLVMValueRef v);
LLVMValueRef splat(Walk *w, LLVMValueRef v); /* to w->width lanes, if it is not wide yet */
void same_shape(Walk *w, LLVMValueRef *a, LLVMValueRef *b);
LLVMTypeRef shaped(Walk *w, LLVMTypeRef scalar, LLVMValueRef like);
LLVMValueRef const_of(LLVMTypeRef t, int64_t v); /* integer type or vector of it, splat */
LLVMValueRef emit_failure(Walk *w, Elem e, const char *what);
LLVMBasicBlockRef new_block(Walk *w, const char *name);
/* Does e contain a load? */
bool has_load(Walk *w, Ex e);
/* Is the variable or expression in the memo now? */
bool is_bound(const Walk *w, Ex e);
/* The condition that some lane is active under `mask` (<W x i1>). */
LLVMValueRef any_lane(Walk *w, LLVMValueRef mask);

/* ---- predicate.c: conditions in vector loops ---- */
/* `lane-affine < rest` comparisons as narrow integer comparisons; NULL: not of that form. */
LLVMValueRef emit_lane_compare(Walk *w, Ex e);
LLVMValueRef emit_guard(Walk *w, Ex e);
/* Guards of a vector loop's body that are affine in the lane, at most MAX_LEAVES; *all is the
 * uniform condition under which all of them hold in all lanes. 0: none, or too many. */
enum { MAX_LEAVES = 6 };
int emit_full_lanes(Walk *w, const Stmt *body, Ex leaf[MAX_LEAVES], LLVMValueRef *all);

/* ---- access.c ---- */
LLVMValueRef emit_load(Walk *w, Ex e);
void emit_store(Walk *w, const Buf *b, Ex index, LLVMValueRef value);
/* A block that is entered only if cond holds; position in it. Returns the block after it, which
 * leave() enters. */
LLVMBasicBlockRef when(Walk *w, LLVMValueRef cond);
void leave(Walk *w, LLVMBasicBlockRef after);
int buffer_number(const Walk *w, const Buf *b);

/* ---- soften.c: what the target has no instruction for ---- */
LLVMValueRef soften_fma(Walk *w, Elem e, LLVMValueRef *v);
/* op: EX_FLOOR, EX_CEIL, EX_TRUNC or EX_ROUND_EVEN */
LLVMValueRef soften_round(Walk *w, ExOp op, LLVMValueRef x);

/* ---- scalar.c, convert.c, truncate.c ---- */
LLVMValueRef emit_scalar(Walk *w, Ex e);
LLVMValueRef emit_cast(Walk *w, Ex e);
LLVMValueRef emit_bits(Walk *w, Ex e);
LLVMValueRef emit_truncate(Walk *w, LLVMValueRef v, Elem from, Elem to);

#endif
