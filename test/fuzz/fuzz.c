#include "test/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MEMORY_RATIO = 4, MEMORY_BASE = 200 << 20 };

int fuzz_accepted;

typedef struct Run {
    FuzzInput in;
    Status (*body)(FuzzInput *in);
} Run;

static void print_diags(const Ctx *c)
{
    for (const Diag *d = c->diags.first; d; d = d->next)
        fprintf(stderr, "%s: %s\n", diag_code_name[d->code], d->message);
}

void fuzz_check(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "broken promise: %s\n", promise);
    abort();
}

static Status run_body(void *arg)
{
    Run *r = arg;
    r->in.arena = arena_new(r->in.ctx);
    return r->body(&r->in);
}

static bool reports(const Ctx *c, DiagCode code)
{
    for (const Diag *d = c->diags.first; d; d = d->next)
        if (d->code == code)
            return true;
    return false;
}

int fuzz_run(const uint8_t *data, size_t size, Status (*body)(FuzzInput *in))
{
    Ctx c;
    ctx_init(&c);
    c.memory_limit = MEMORY_RATIO * size + MEMORY_BASE;
    c.verify_each = true;
    Run r = {{&c, NULL, data, size}, body};
    Status s = ctx_protect(&c, run_body, &r);
    bool kept = s != MLC_BUG && !reports(&c, E0001) && (s == MLC_OK) == (c.diags.errors == 0);
    if (!kept)
        print_diags(&c);
    fuzz_check(s != MLC_BUG, "the verifier finds nothing wrong");
    fuzz_check(!reports(&c, E0001), "memory stays below 4 times the input + 200 MB");
    fuzz_check(kept, "a refusal has an error message, success has none");
    fuzz_accepted += s == MLC_OK;
    ctx_free(&c);
    return 0;
}

/* ---- files ---- */
static char dir[64], file[160], beside[160];

static void put(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    if (!f || (size && fwrite(data, 1, size, f) != size) || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static void remove_files(void)
{
    unlink(file);
    unlink(beside);
    rmdir(dir);
}

static void make_dir(void)
{
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 8 == 0);
    /* In memory where that is possible: a run takes microseconds. */
    snprintf(dir, sizeof dir, "%s/mlc-fuzz-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(dir)) {
        perror(dir);
        exit(1);
    }
    snprintf(beside, sizeof beside, "%s/w.bin", dir);
    put(beside, bytes, sizeof bytes);
    atexit(remove_files);
}

const char *fuzz_file(const uint8_t *data, size_t size, const char *name)
{
    if (!*dir)
        make_dir();
    snprintf(file, sizeof file, "%s/%s", dir, name);
    put(file, data, size);
    return file;
}
