/* The command line of mlc-codegen. */
#ifndef MLC_EMIT_LLVM_OPTIONS_H
#define MLC_EMIT_LLVM_OPTIONS_H

#include "ir/base/ctx.h"

typedef enum EmitKind { EMIT_OBJ, EMIT_ASM, EMIT_LLVM_IR, EMIT_BC } EmitKind;

/* MAX_FILES: as many as program_write() numbers. */
enum { MAX_FILES = 256, MAX_VARIANTS = 8 };

/* The program for one target. */
typedef struct Variant {
    const char *input; /* serialized Program; "-": stdin */
    const char *cpu, *features;
    const char *target_name; /* "x86-avx2" */
    unsigned cpu_bits;       /* MLC_CPU_* that the CPU must have */
    int fd[MAX_FILES];       /* file number k of the Program's constants */
    int nfd;
} Variant;

typedef struct CodegenOptions {
    EmitKind kind;
    const char *output;
    const char *triple;
    const char *prefix; /* of every public name */
    const char *sha256; /* of the model file, hex; "" unknown */
    int threads;        /* 0: no limit of its own */
    int level;          /* -O */
    const char *weights_identity; /* 32 hex digits: the weights are in that file; NULL: inside */
    Variant variant[MAX_VARIANTS]; /* best-fitting first */
    int nvariant;
    int64_t memory_limit, cpu_limit; /* bytes, seconds; 0: none */
    bool profile;                    /* with time stamps: one variant only */
    bool no_runtime;                 /* leave the runtime's functions undefined (tests) */
} CodegenOptions;

/* Fills *o. E0501, E0502, E0503, MLC_USAGE. */
Status options_parse(Ctx *c, int argc, char **argv, CodegenOptions *o);

#endif
