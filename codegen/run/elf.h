/* What an ELF file is for: which machine, object or shared object, and which model it holds. */
#ifndef MLC_CODEGEN_RUN_ELF_H
#define MLC_CODEGEN_RUN_ELF_H

#include "ir/base/arena.h"
#include "ir/base/ctx.h"

typedef enum ElfMachine { MACHINE_X86_64, MACHINE_AARCH64 } ElfMachine;

typedef struct ElfInfo {
    ElfMachine  machine;
    bool        shared; /* a shared object; else a relocatable object */
    const char *symbol; /* the model's descriptor, "PREFIX_model" */
} ElfInfo;

/* Does the file begin like ELF? False also when it cannot be read. */
bool   elf_is(const char *path);
/* E0602 and MLC_INPUT: not an artifact, malformed, or for a machine that is not known. */
Status elf_info(Ctx *c, Arena *a, const char *path, ElfInfo *out);

#endif
