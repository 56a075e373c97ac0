/* TargetDesc: what the compiler knows about a machine, as plain data.
 *
 * Lowering and schedules read these numbers and never ask for a target by name. The records live in
 * codegen/target, one folder each. */
#ifndef MLC_TARGET_H
#define MLC_TARGET_H

#include "ir/base/base.h"

typedef enum TargetKind {
    TARGET_OBJECT, /* machine code by the code generator */
    TARGET_INTERP, /* the interpreter: a program, never an artifact */
    TARGET_C,      /* C source */
} TargetKind;

typedef struct TargetDesc {
    const char *name;         /* "x86-avx2" */
    const char *doc;          /* one line */
    TargetKind  kind;
    const char *arch;         /* "x86_64"; "" when any */
    const char *triple;       /* for the code generator: "x86_64-unknown-linux-gnu" */
    const char *cpu;          /* "x86-64-v3" */
    const char *features;     /* "+avx2,+fma" */
    uint32_t    cpu_bits;     /* MLC_CPU_* of runtime/rt.h that the artifact needs */
    int         vector_bits;  /* widest register; 0: scalar */
    int         vector_regs;
    int64_t     l1_bytes;     /* data caches of one core; 0: none */
    int64_t     l2_bytes;
    int64_t     l3_bytes;     /* shared */
    bool        has_fma;
    bool        has_f16;      /* converts float16 to float32 and back in one instruction */
    const char *emulator;     /* command that runs its programs elsewhere; NULL: none */
} TargetDesc;

#endif
