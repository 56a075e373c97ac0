/* Starting the process that holds an artifact. */
#ifndef MLC_CODEGEN_RUN_LAUNCH_H
#define MLC_CODEGEN_RUN_LAUNCH_H

#include "codegen/run/client.h"

#include <sys/types.h>

typedef struct Launched {
    pid_t pid;
    int   fd;       /* its stdin and stdout, one socket */
    bool  emulated;
} Launched;

/* Starts the runner that fits the artifact, with `dir` for tensors. E0004: a tool is absent. */
Status launch_runner(Ctx *c, Arena *a, const char *artifact, const ElfInfo *elf,
                     const RunnerOptions *o, const char *dir, Launched *out);

#endif
