/* Child processes: started with limits, reported when they die, killed when mlc is interrupted. */
#ifndef MLC_CLI_PROCESS_H
#define MLC_CLI_PROCESS_H

#include "ir/base/arena.h"
#include "ir/base/ctx.h"

typedef struct ProcessOptions {
    int        in, out, err;   /* descriptors to use as 0, 1, 2; -1: inherited */
    int        report;         /* descriptor to use as 3; -1: none */
    const int *keep;           /* further descriptors that stay open under their numbers */
    int        nkeep;
    int64_t    memory_bytes;   /* RLIMIT_AS; 0: none */
    int64_t    cpu_seconds;    /* RLIMIT_CPU; 0: none */
    bool       core;           /* leave a core file (off: RLIMIT_CORE 0) */
    bool       group;          /* leads a process group: it is killed with what it started */
} ProcessOptions;

#define PROCESS_DEFAULT {.in = -1, .out = -1, .err = -1, .report = -1}

/* Starts argv[0] (searched in PATH unless it has a slash). Every descriptor but 0, 1, 2, 3 (report)
 * and `keep` is closed in the child; those must be above 3. E0004 and MLC_SYSTEM when it cannot be
 * started. */
Status process_start(Ctx *c, char *const argv[], const ProcessOptions *o, int *pid);
/* Waits. *code: exit code, or 256 + signal. */
Status process_wait(Ctx *c, int pid, int *code);
/* Both. */
Status process_run(Ctx *c, char *const argv[], const ProcessOptions *o, int *code);
/* Waits for at most timeout_ns; then the child, or its group, is killed, and *code is
 * PROCESS_TIMED_OUT. */
enum { PROCESS_TIMED_OUT = 1000 };
Status process_wait_for(Ctx *c, int pid, int64_t timeout_ns, int *code);
/* Async-signal-safe: kills every child that is still alive. */
void process_kill_all(void);

/* The path of a program that belongs to mlc, in `a`: beside mlc (the build folder), else in
 * ../libexec/mlc (make/install.mk). `env` names a variable that overrides it. NULL: not there. */
const char *process_beside(Arena *a, const char *program, const char *env);
/* The first of the names that is an executable in PATH, or NULL. */
const char *process_in_path(Arena *a, const char *const *names, size_t n);

#endif
