/* Where the inputs of a run come from: files, a test data set, or a seeded generator. */
#ifndef MLC_CLI_INPUTS_H
#define MLC_CLI_INPUTS_H

#include "cli/execute.h"

/* A tensor of a .pb or .npy file, by its content. *name as in the file or "". */
Status input_read(Ctx *c, Arena *a, const char *path, const Tensor **out, const char **name);
/* DIR/KIND_0.pb, DIR/KIND_1.pb, ... ("input", "output"): each goes to the io whose name it carries,
 * else to the one of its number. out[i] stays NULL when there is no file for it. */
Status input_read_set(Ctx *c, Arena *a, const char *dir, const char *kind, const RunnerIo *io,
                      size_t n, const Tensor **out);
/* Random numbers, the same for the same seed, type and shape: floats in [-1, 1), bool, 8-bit
 * integers of any value, other integers in [0, 4). */
const Tensor *input_random(Arena *a, const RunnerIo *io, uint64_t seed);
/* Fills every in[i] that is NULL with random numbers of the shapes of execution_shapes(). */
Status input_fill(Execution *e, uint64_t seed, const Tensor **in);

#endif
