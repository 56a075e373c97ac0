/* Facts about this machine that the kernel tells. Nothing here decides what runs: that are
 * target_runs_here() and the runtime, which ask the processor itself. */
#ifndef MLC_CLI_MACHINE_H
#define MLC_CLI_MACHINE_H

#include "ir/base/arena.h"

typedef struct MachineCaches {
    int64_t l1, l2, l3; /* bytes of data caches that one core sees; 0: none or unknown */
} MachineCaches;

typedef struct MachineCores {
    int online;   /* cores of the machine */
    int affinity; /* this process may be scheduled on */
    int usable;   /* artifacts use: affinity, cut by the CPU quota */
} MachineCores;

typedef struct MachineGpu {
    const char *driver; /* version of NVIDIA's kernel driver, NULL: not loaded */
    bool        library; /* libcuda.so.1 can be loaded */
} MachineGpu;

/* "Intel(R) Xeon(R) ...", or the architecture when the kernel names no model. */
const char *machine_cpu(Arena *a);
/* The instruction sets that matter to neural networks, by the kernel's names; a fixed order. */
const char *const *machine_features(Arena *a, size_t *n);
MachineCaches machine_caches(Arena *a);
MachineCores  machine_cores(void);
MachineGpu    machine_gpu(Arena *a);

#endif
