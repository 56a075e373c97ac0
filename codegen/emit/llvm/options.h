/* The command line of mlc-codegen. */
#ifndef MLC_EMIT_LLVM_OPTIONS_H
#define MLC_EMIT_LLVM_OPTIONS_H

#include "ir/base/ctx.h"

typedef enum EmitKind { EMIT_OBJ, EMIT_ASM, EMIT_LLVM_IR, EMIT_BC } EmitKind;

enum { MAX_FILES = 256 }; /* as many as program_write() numbers */

typedef struct CodegenOptions {
    EmitKind kind;
    const char *input; /* serialized Program; "-": stdin */
    const char *output;
    const char *cpu, *features, *triple;
    const char *prefix;      /* of every public name */
    const char *target_name; /* "x86-avx2" */
    const char *sha256;      /* of the model file, hex; "" unknown */
    unsigned cpu_bits;       /* MLC_CPU_* that the CPU must have */
    int threads;             /* 0: no limit of its own */
    int level;               /* -O */
    int fd[MAX_FILES];       /* file number k of the Program's constants */
    int nfd;
    int64_t memory_limit, cpu_limit; /* bytes, seconds; 0: none */
    bool no_runtime;                 /* leave the runtime's functions undefined (tests) */
} CodegenOptions;

/* Fills *o. E0501, E0502, E0503, MLC_USAGE. */
Status options_parse(Ctx *c, int argc, char **argv, CodegenOptions *o);

#endif
