/* The side of the artifact: one loaded model, driven by lines on stdin, answering on stdout.
 *
 * Tensors travel as raw files in a directory that both sides know: DIR/inK.bin, DIR/outK.bin. One of
 * strings is an offset of 64 bits for each, from the end of the offsets, then the strings.
 * A request is one line of words; the answer is any number of lines, then `ok` or `error CODE TEXT`
 * (CODE: MLC_RUN_*, or 100 for what the system refused).
 *
 *     describe           target T, selected T (empty: none fits this CPU), version V, name N,
 *                        weights file|inside, workspace BYTES, threads N, load NS,
 *                        input ELEM RANK DIM... NAME, output ..., symbol MIN MAX INPUT AXIS NAME
 *     weights PATH       loads the weights file
 *     threads N          at most N threads
 *     symbols VALUE...   the shapes that these values give: input RANK DIM..., output RANK DIM...
 *     bind GUARD RANK DIM...
 *                        the shapes of all inputs; output RANK DIM... for each, workspace BYTES.
 *                        GUARD 1: each buffer ends at an unmapped page and starts as 0xff bytes
 *     run                reads the inputs, runs once, writes the outputs; found RANK DIM... for every
 *                        output whose shape bind did not know and for every output of strings
 *     bench RUNS MIN_NS WARM_NS
 *                        warms up, runs at least RUNS times and MIN_NS; times COUNT
 *                        (DIR/out-times0.bin holds int64 nanoseconds), rss BYTES
 *     profile RUNS MIN_NS WARM_NS
 *                        the same for an artifact that takes time stamps, with fewer runs where they
 *                        would be too many; stamps PER_RUN RUNS (DIR/out-stamps0.bin)
 *     quit
 *
 * Names are last in their line; bytes below space and '%' are written %XX. Plain C and nothing but
 * the C library, because it is also compiled for the machines that an emulator plays. */
#ifndef MLC_CODEGEN_RUN_SERVE_H
#define MLC_CODEGEN_RUN_SERVE_H

#include "runtime/mlc_abi.h"

/* SERVE_FUNCTION + n: a function of a custom operator returned n. */
enum { SERVE_SYSTEM = 100, SERVE_FUNCTION = 1000, SERVE_MAX_RUNS = 1 << 22, SERVE_MAX_STAMPS = 1 << 23 };

typedef int (*PoolFn)(int op, mlc_task_v1 fn, void *arg, int64_t n, int64_t grain, int threads);

/* Answers requests until `quit` or the end of input. `pool` may be NULL. Returns the exit code. */
int serve(const mlc_model_v1 *model, PoolFn pool, const char *dir, int64_t load_ns);
/* Answers the first request with an error: the artifact could not be loaded. Returns 1. */
int serve_refuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* This process dies with its parent. */
void serve_die_with_parent(void);
int64_t serve_clock_ns(void);

#endif
