/* The words every file uses: integers, status codes, the compile context.
 *
 * Status: everything that can fail on input returns one. The value is also mlc's exit code, so a
 * cause keeps its meaning from the deepest function to the shell. Programmer errors assert.
 *
 * Ctx: the one handle library code receives: where diagnostics go, how much memory may be used,
 * which rewrites are permitted. There are no globals. */
#ifndef MLC_BASE_H
#define MLC_BASE_H

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum Status {
    MLC_OK = 0,        /* done */
    MLC_NO = 1,        /* done, and the answer is no: outputs differ, a gate failed */
    MLC_USAGE = 2,     /* command line or configuration */
    MLC_INPUT = 3,     /* the model or the data cannot be processed */
    MLC_SYSTEM = 4,    /* file, memory, device or tool */
    MLC_BUG = 70,      /* a defect of mlc itself */
    MLC_SIGINT = 130,  /* interrupted */
    MLC_SIGTERM = 143, /* terminated */
} Status;

#define COUNT_OF(a) (sizeof(a) / sizeof *(a))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Returns from the calling function when `call` is not MLC_OK. */
#define TRY(call)                    \
    do {                             \
        Status try_status = (call);  \
        if (try_status != MLC_OK)    \
            return try_status;       \
    } while (0)

typedef struct Arena Arena;
typedef struct Ctx Ctx;

#endif
