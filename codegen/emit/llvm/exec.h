/* What program.c and control.c share: P_exec being written. */
#ifndef MLC_EMIT_LLVM_EXEC_H
#define MLC_EMIT_LLVM_EXEC_H

#include "codegen/emit/llvm/emit.h"

/* An IF or LOOP that is open. */
typedef struct OpenBlock {
    LLVMBasicBlockRef head, otherwise, end;
} OpenBlock;

typedef struct Exec {
    Unit *u;
    LLVMValueRef fn, frame, weights;
    LLVMValueRef sym, offset, io, workspace;
    LLVMValueRef *kernel; /* by position in program->kernels */
    int *number;          /* of each planned workspace object among them, by position in program->mem;
                             of an object with memory of its own among those */
    /* Programs with memory of their own; else NULL. */
    LLVMValueRef alloc, dyn, result;
    LLVMBasicBlockRef leave; /* releases, and returns *result */
    int ndyn;
    VEC(OpenBlock) open;
} Exec;

LLVMValueRef exec_field(Unit *u, LLVMValueRef base, int64_t bytes);
LLVMValueRef exec_load(Unit *u, LLVMTypeRef t, LLVMValueRef base, int64_t bytes);
LLVMValueRef exec_address(Exec *x, const MemObj *o);
LLVMBasicBlockRef exec_block(Exec *x, const char *name);
/* Leaves with the status when it is not 0. */
void exec_check(Exec *x, LLVMValueRef status);
/* A function of the runtime; calls it. */
LLVMValueRef exec_call(Unit *u, const char *name, LLVMTypeRef result, LLVMValueRef *args, unsigned n);

/* ---- control.c ---- */
/* Symbols and objects of the run, in the entry block. `r` is P_exec's argument. */
void control_open(Exec *x, LLVMValueRef r);
/* Memory that begins with this step, or ends with it. */
void control_begin(Exec *x, const Step *s, int at);
void control_end(Exec *x, const Step *s, int at);
void control_step(Exec *x, const Step *s, int at);
/* Hands over what was found, releases the rest, returns. */
void control_close(Exec *x);

#endif
