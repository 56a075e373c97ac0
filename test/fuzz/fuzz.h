/* What the fuzz targets share. A target is one function of bytes, LLVMFuzzerTestOneInput(), which
 * libFuzzer calls (make fuzz) and so does replay.c, over the corpus (make fuzz-replay).
 *
 * Beyond crashes, undefined behaviour and leaks, a target aborts when mlc breaks a promise:
 *   - a refusal without an error message, or success with one;
 *   - MLC_BUG: a verifier found something wrong after reading or after a pass;
 *   - more memory than 4 times the input + 200 MB. */
#ifndef MLC_FUZZ_H
#define MLC_FUZZ_H

#include "ir/base/arena.h"
#include "ir/base/ctx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct FuzzInput {
    Ctx *ctx;
    Arena *arena;
    const uint8_t *data;
    size_t size;
} FuzzInput;

/* Runs `body` in a fresh context and checks what is promised above. Returns 0 for libFuzzer. */
int fuzz_run(const uint8_t *data, size_t size, Status (*body)(FuzzInput *in));

/* Inputs so far for which `body` returned MLC_OK. */
extern int fuzz_accepted;

/* The path of a file with these bytes. It lies in a directory of its own, beside `w.bin`, 64 bytes
 * that external data may refer to. There is one such file: the next call replaces it. */
const char *fuzz_file(const uint8_t *data, size_t size, const char *name);

/* Stops with a message when a promise is broken. */
void fuzz_check(bool holds, const char *promise);

#endif
