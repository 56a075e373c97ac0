/* A model fed with what contradicts it, between guard pages: whatever it is given, it returns a
 * status of the ABI and touches nothing but its buffers.
 *
 *     guard LIB PREFIX [dims=D,D...] [INPUT=V,V...]...     one run: prints "bind N" or "run N"
 *     guard LIB PREFIX trials=N                            N runs with random dimensions and data
 *
 * Every buffer ends where an unreadable page begins; in every second trial it begins where one ends.
 * So do the workspace and what the model's allocator gives; it gives at most LIMIT bytes. A run that is
 * killed, hangs, writes an input or loses memory of the allocator is a failure. */
#include "runtime/mlc_abi.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_IO = 16, LIMIT = 1 << 26, PAGE = 4096, SECONDS = 20 };

typedef struct Piece {
    char  *data;
    size_t bytes;
    char  *map;
    size_t map_bytes;
} Piece;

/* At the end of its pages, or at their start. The contents are all ones. */
static int piece_make(Piece *p, size_t bytes, int at_start)
{
    size_t body = (bytes + PAGE - 1) / PAGE * PAGE;
    p->bytes = bytes;
    p->map_bytes = body + 2 * PAGE;
    p->map = mmap(NULL, p->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p->map == MAP_FAILED || (body && mprotect(p->map + PAGE, body, PROT_READ | PROT_WRITE)))
        return 0;
    p->data = p->map + PAGE + (at_start ? 0 : body - bytes);
    memset(p->data, 0xff, bytes);
    return 1;
}

/* ---- the allocator ---- */

static struct {
    Piece  piece[256];
    size_t total;
    int    live, at_start;
} heap;

static void *heap_alloc(void *context, size_t bytes)
{
    (void)context;
    size_t rounded = (bytes + 63) & ~(size_t)63; /* the end of the data stays aligned */
    if (bytes > LIMIT || heap.total + rounded > LIMIT)
        return NULL;
    for (int i = 0; i < 256; i++)
        if (!heap.piece[i].map) {
            if (!piece_make(&heap.piece[i], rounded, heap.at_start))
                return NULL;
            heap.total += rounded;
            heap.live++;
            return heap.piece[i].data;
        }
    return NULL;
}

static void heap_release(void *context, void *data)
{
    (void)context;
    for (int i = 0; i < 256; i++)
        if (heap.piece[i].map && heap.piece[i].data == data) {
            heap.total -= heap.piece[i].bytes;
            munmap(heap.piece[i].map, heap.piece[i].map_bytes);
            heap.piece[i].map = NULL;
            heap.live--;
            return;
        }
    abort(); /* not ours */
}

/* ---- one run ---- */

typedef struct Job {
    const mlc_model_v1 *model;
    int64_t             dims[MAX_IO];
    const char         *values[MAX_IO]; /* of the inputs; NULL: ones */
    unsigned long long  seed;           /* not 0: random values */
    int                 at_start;
} Job;

static unsigned long long below(Job *j, unsigned long long n)
{
    j->seed = j->seed * 6364136223846793005u + 1442695040888963407u;
    return (j->seed >> 33) % n;
}

static size_t elem_bytes(int elem)
{
    static const char bytes[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8};
    if (elem < 1 || elem >= (int)sizeof bytes || !bytes[elem])
        abort();
    return (size_t)bytes[elem];
}

/* Bytes of a tensor; SIZE_MAX when there are too many. */
static size_t tensor_bytes(const mlc_io_v1 *io, const int64_t *dim)
{
    size_t n = elem_bytes(io->elem);
    for (int k = 0; k < io->rank; k++)
        if (dim[k] == 0)
            return 0;
    for (int k = 0; k < io->rank; k++)
        if (dim[k] < 0 || __builtin_mul_overflow(n, (size_t)dim[k], &n) || n > LIMIT)
            return SIZE_MAX;
    return n;
}

static int64_t hostile(Job *j)
{
    static const int64_t far[] = {INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX, 1ll << 62, 1ll << 40, -1000};
    return below(j, 6) ? (int64_t)below(j, 12) - 4 : far[below(j, 7)];
}

static void fill(Job *j, int input, const Piece *p, int elem)
{
    const char *text = j->values[input];
    size_t      size = elem_bytes(elem);
    int         mild = j->seed && below(j, 2);
    for (size_t i = 0; i < p->bytes / size; i++) {
        int64_t v = 1;
        if (text) {
            v = strtoll(text, (char **)&text, 10);
            text += *text == ',';
        } else if (j->seed) {
            v = mild ? (int64_t)below(j, 4) : hostile(j);
        }
        float  f = j->seed && below(j, 9) == 0 ? (below(j, 2) ? __builtin_nanf("") : -__builtin_inff()) : (float)v;
        double d = f;
        if (elem == 9)
            v = v & 1;
        memcpy(p->data + i * size, elem == 1 ? (void *)&f : elem == 11 ? (void *)&d : (void *)&v, size);
    }
}

/* What bind (as 100 + status) or run returns; -1: too large to try. */
static int once(Job *j)
{
    const mlc_model_v1 *m = j->model;
    static mlc_sizes_v1 sizes[1024];
    static mlc_result_v1 result[MAX_IO];
    Piece       piece[MAX_IO], space;
    const void *io[MAX_IO + 2];
    int         n = 0;
    if (m->sizes_words > 1024 || m->ninputs + m->noutputs > MAX_IO)
        abort();
    memset(sizes, 0, sizeof sizes);
    int code = m->bind(j->dims, sizes);
    if (code)
        return 100 + code;
    const int64_t *dim = sizes + 1 + m->nsymbols;
    mlc_alloc_v1   alloc = {NULL, heap_alloc, heap_release};
    heap.at_start = j->at_start;
    if (m->allocates)
        io[n++] = &alloc;
    if (m->nsymbols)
        io[n++] = sizes;
    for (int i = 0; i < m->ninputs + m->noutputs; i++) {
        const mlc_io_v1 *t = i < m->ninputs ? &m->inputs[i] : &m->outputs[i - m->ninputs];
        int found = 0;
        for (int k = 0; k < t->rank; k++)
            found |= t->dim[k] == MLC_DIM_FOUND;
        if (found) {
            io[n++] = &result[i];
        } else {
            size_t bytes = tensor_bytes(t, dim);
            if (bytes == SIZE_MAX || !piece_make(&piece[i], bytes, j->at_start))
                return -1;
            if (i < m->ninputs)
                fill(j, i, &piece[i], t->elem);
            io[n++] = piece[i].data;
        }
        dim += t->rank;
    }
    if (sizes[0] < 0 || sizes[0] > LIMIT || !piece_make(&space, (size_t)sizes[0], j->at_start))
        return -1;
    /* Inputs are never written. */
    for (int i = 0; i < m->ninputs; i++)
        if (mprotect(piece[i].map + PAGE, piece[i].map_bytes - 2 * PAGE, PROT_READ))
            abort();
    code = m->run(io, space.data);
    for (int i = 0; i < MAX_IO; i++)
        if (result[i].data)
            heap_release(NULL, result[i].data);
    if (heap.live) {
        printf("%d pieces of memory are lost\n", heap.live);
        abort();
    }
    return code;
}

/* ---- many ---- */

static int trial(const mlc_model_v1 *m, unsigned long long number)
{
    Job j = {.model = m, .seed = number * 2 + 1, .at_start = (int)(number & 1)};
    below(&j, 2);
    int64_t same = (int64_t)below(&j, 7);
    for (int i = 0; i < m->nsymbols; i++)
        j.dims[i] = below(&j, 12) == 0 ? hostile(&j) : below(&j, 2) ? same : (int64_t)below(&j, 20);
    alarm(SECONDS);
    return once(&j);
}

/* A process for each: what kills one leaves the others. */
static int many(const mlc_model_v1 *m, int trials)
{
    enum { LARGE, DONE, REFUSED, UNKNOWN };
    int *count = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int  bad = 0;
    for (int number = 0; number < trials && bad < 5; number++) {
        int   status;
        pid_t pid = fork();
        if (pid == 0) {
            int code = trial(m, (unsigned long long)number);
            code = code >= 100 ? code - 100 : code;
            count[code < 0 ? LARGE : code == 0 ? DONE : code <= MLC_RUN_MEMORY ? REFUSED : UNKNOWN]++;
            _exit(0);
        }
        waitpid(pid, &status, 0);
        if (!WIFEXITED(status)) {
            printf("FAIL: trial %d is ended by signal %d\n", number, WTERMSIG(status));
            fflush(stdout);
            bad++;
        }
    }
    printf("%d done, %d refused, %d too large to try\n", count[DONE], count[REFUSED], count[LARGE]);
    return bad || count[UNKNOWN] || !count[DONE] || !count[REFUSED];
}

int main(int argc, char **argv)
{
    char  name[256];
    void *lib = argc > 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    snprintf(name, sizeof name, "%s_model", argc > 2 ? argv[2] : "");
    Job j = {.model = lib ? dlsym(lib, name) : NULL};
    if (!j.model) {
        fprintf(stderr, "guard: no model: %s\n", dlerror());
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        *value++ = '\0';
        if (!strcmp(argv[i], "trials"))
            return many(j.model, atoi(value));
        for (int k = 0; !strcmp(argv[i], "dims") && k < MAX_IO; k++) {
            j.dims[k] = strtoll(value, &value, 10);
            value += *value == ',';
        }
        for (int k = 0; k < j.model->ninputs; k++)
            if (!strcmp(argv[i], j.model->inputs[k].name))
                j.values[k] = value;
    }
    int code = once(&j);
    printf("%s %d\n", code >= 100 ? "bind" : "run", code >= 100 ? code - 100 : code);
    return 0;
}
