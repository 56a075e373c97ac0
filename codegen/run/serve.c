/* The runner's loop: see serve.h for the protocol.
 *
 * The model is trusted as far as its own process: when it crashes, the client sees the end of the
 * pipe. Sizes come from bind() and are checked before they are multiplied. */
#include "codegen/run/serve.h"

#include "codegen/run/block.h"

#include "runtime/rt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

typedef struct Session {
    const mlc_model_v1 *model;
    PoolFn              pool;
    const char         *dir;
    int64_t             load_ns;
    int64_t            *sizes;  /* sizes_words words */
    Block              *block;  /* inputs, outputs, workspace */
    char              **text;   /* of inputs: what their strings point to, or NULL */
    const void        **io;     /* what run() receives */
    mlc_alloc_v1        alloc;
    int                 guard;
    int                 bound;
} Session;

static const mlc_io_v1 *io_at(const mlc_model_v1 *m, int i)
{
    return i < m->ninputs ? &m->inputs[i] : &m->outputs[i - m->ninputs];
}

int64_t serve_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void serve_die_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* ---- answers ---- */

static void print_error(int code, const char *fmt, va_list ap)
{
    printf("error %d ", code);
    vprintf(fmt, ap);
    printf("\n");
    fflush(stdout);
}

__attribute__((format(printf, 2, 3)))
static void answer_error(int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print_error(code, fmt, ap);
    va_end(ap);
}

static void answer_ok(void)
{
    printf("ok\n");
    fflush(stdout);
}

int serve_refuse(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print_error(SERVE_SYSTEM, fmt, ap);
    va_end(ap);
    return 1;
}

static void print_name(const char *s)
{
    for (; s && *s; s++)
        if ((unsigned char)*s < ' ' || *s == '%')
            printf("%%%02X", (unsigned char)*s);
        else
            putchar(*s);
    putchar('\n');
}

static void describe(const Session *s)
{
    const mlc_model_v1 *m = s->model;
    printf("target ");
    print_name(m->target);
    printf("selected ");
    print_name(m->selected ? m->selected() : m->target);
    printf("version ");
    print_name(m->mlc_version);
    printf("name ");
    print_name(m->name);
    printf("weights %s\n", m->load_weights ? "file" : "inside");
    printf("workspace %lld\nthreads %d\nload %lld\n", (long long)m->workspace_bytes,
           s->pool ? s->pool(2, NULL, NULL, 0, 0, 0) : 1, (long long)s->load_ns);
    for (int i = 0; i < m->ninputs + m->noutputs; i++) {
        const mlc_io_v1 *io = io_at(m, i);
        printf("%s %d %d ", i < m->ninputs ? "input" : "output", (int)io->elem, (int)io->rank);
        for (int k = 0; k < io->rank; k++)
            printf("%lld ", (long long)io->dim[k]);
        print_name(io->name);
    }
    for (int k = 0; k < m->nsymbols; k++) {
        const mlc_symbol_v1 *y = &m->symbols[k];
        printf("symbol %lld %lld %d %d ", (long long)y->min, (long long)y->max, (int)y->input,
               (int)y->axis);
        print_name(y->name);
    }
    answer_ok();
}

/* "a%0Ab" -> "a\nb", in place; the line's end is cut off. */
static void decode_name(char *s)
{
    char *to = s;
    for (; *s && *s != '\n'; s++) {
        char hex[3] = {0};
        if (*s == '%' && s[1] && s[2]) {
            memcpy(hex, s + 1, 2);
            s += 2;
        }
        *to++ = hex[0] ? (char)strtol(hex, NULL, 16) : *s;
    }
    *to = 0;
}

static void weights_request(const Session *s, char *path)
{
    decode_name(path);
    int code = s->model->load_weights ? s->model->load_weights(path) : MLC_RUN_ARGUMENT;
    if (code != MLC_RUN_OK)
        answer_error(code, "%s", path);
    else
        answer_ok();
}

/* ---- memory ---- */

/* ---- bind ---- */

/* The next number of the line; 0 when there is none. */
static int next_number(char **at, int64_t *v)
{
    char *end;
    errno = 0;
    *v = strtoll(*at, &end, 10);
    int good = end != *at && errno == 0;
    *at = end;
    return good;
}

/* Reads the shapes of all inputs into `dim` (in order, one after another). */
static int read_shapes(const Session *s, char *at, int64_t *dim)
{
    const mlc_model_v1 *m = s->model;
    for (int i = 0; i < m->ninputs; i++) {
        int64_t rank;
        if (!next_number(&at, &rank) || rank != m->inputs[i].rank) {
            answer_error(MLC_RUN_ARGUMENT, "input '%s' has rank %d", m->inputs[i].name,
                         (int)m->inputs[i].rank);
            return 0;
        }
        for (int k = 0; k < rank; k++)
            if (!next_number(&at, dim++)) {
                answer_error(MLC_RUN_ARGUMENT, "too few dimensions");
                return 0;
            }
    }
    return 1;
}

/* Calls the model's bind() with the values that the shapes give the symbols. */
static int bind_symbols(Session *s, const int64_t *dim)
{
    const mlc_model_v1 *m = s->model;
    int64_t *value = calloc((size_t)m->nsymbols + 1, sizeof *value);
    if (!value)
        return MLC_RUN_MEMORY;
    for (int k = 0; k < m->nsymbols; k++) {
        const mlc_symbol_v1 *y = &m->symbols[k];
        value[k] = y->min;
        if (y->input < 0 || y->input >= m->ninputs || y->axis >= m->inputs[y->input].rank)
            continue;
        int at = 0;
        for (int i = 0; i < y->input; i++)
            at += m->inputs[i].rank;
        value[k] = dim[at + y->axis];
    }
    int code = m->bind(value, s->sizes);
    free(value);
    return code;
}

/* Do the shapes agree with what bind() made of the symbols? Answers the error. */
static int shapes_agree(const Session *s, const int64_t *dim)
{
    const mlc_model_v1 *m = s->model;
    const int64_t      *want = s->sizes + 1 + m->nsymbols;
    for (int i = 0; i < m->ninputs; i++)
        for (int k = 0; k < m->inputs[i].rank; k++, want++, dim++)
            if (*want != *dim) {
                answer_error(MLC_RUN_SHAPE, "input '%s' has dimension %d of %lld against %lld",
                             m->inputs[i].name, k, (long long)*dim, (long long)*want);
                return 0;
            }
    return 1;
}

/* The dimensions of inputs or outputs number [from, to) as bind() computed them. */
static void print_shapes(const Session *s, const char *key, int from, int to)
{
    const mlc_model_v1 *m = s->model;
    const int64_t      *d = s->sizes + 1 + m->nsymbols;
    for (int i = 0; i < to; i++) {
        if (i >= from)
            printf("%s %d", key, (int)io_at(m, i)->rank);
        for (int k = 0; k < io_at(m, i)->rank; k++, d++)
            if (i >= from)
                printf(" %lld", (long long)*d);
        if (i >= from)
            printf("\n");
    }
}

static void symbols_request(Session *s, char *words)
{
    const mlc_model_v1 *m = s->model;
    int64_t            *value = calloc((size_t)m->nsymbols + 1, sizeof *value);
    int                 have = 0;
    s->bound = 0;
    if (!value) {
        answer_error(SERVE_SYSTEM, "out of memory");
        return;
    }
    while (have < m->nsymbols && next_number(&words, &value[have]))
        have++;
    int code = have < m->nsymbols ? MLC_RUN_ARGUMENT : m->bind(value, s->sizes);
    free(value);
    if (code != MLC_RUN_OK) {
        answer_error(code, "bind refuses these dimensions");
        return;
    }
    print_shapes(s, "input", 0, m->ninputs);
    print_shapes(s, "output", m->ninputs, m->ninputs + m->noutputs);
    answer_ok();
}

/* ---- what the run finds out ---- */

/* Does run() want an mlc_result_v1 for it? */
static int is_result(const mlc_model_v1 *m, int i)
{
    return i >= m->ninputs && (block_is_text(io_at(m, i)) || block_is_found(io_at(m, i)));
}

/* The results of the run before. */
static void drop_found(const Session *s)
{
    const mlc_model_v1 *m = s->model;
    for (int i = m->ninputs; i < m->ninputs + m->noutputs; i++) {
        mlc_result_v1 *r = s->block[i].data;
        if (!is_result(m, i) || !r)
            continue;
        free(r->data);
        memset(r, 0, sizeof *r);
    }
}

static int make_blocks(Session *s)
{
    const mlc_model_v1 *m = s->model;
    const int64_t      *dim = s->sizes + 1 + m->nsymbols;
    int                 n = m->ninputs + m->noutputs;
    drop_found(s);
    for (int i = 0; i <= n; i++)
        block_free(&s->block[i]);
    for (int i = 0; i < n; i++) {
        int64_t bytes = is_result(m, i) ? (int64_t)sizeof(mlc_result_v1)
                                              : block_tensor_bytes(io_at(m, i), dim);
        if (bytes < 0 || !block_make(&s->block[i], bytes, s->guard)) {
            answer_error(SERVE_SYSTEM, "no memory for '%s'", io_at(m, i)->name);
            return 0;
        }
        dim += io_at(m, i)->rank;
    }
    if (!block_make(&s->block[n], s->sizes[0], s->guard)) {
        answer_error(SERVE_SYSTEM, "no memory for the workspace of %lld bytes",
                     (long long)s->sizes[0]);
        return 0;
    }
    for (int i = 0; i < n; i++)
        if (is_result(m, i))
            memset(s->block[i].data, 0, sizeof(mlc_result_v1));
    int at = 0;
    if (m->allocates)
        s->io[at++] = &s->alloc;
    if (m->nsymbols > 0)
        s->io[at++] = s->sizes;
    for (int i = 0; i < n; i++)
        s->io[at++] = s->block[i].data;
    return 1;
}

static void bind_request(Session *s, char *words)
{
    const mlc_model_v1 *m = s->model;
    int64_t             guard;
    int                 total = 0;
    for (int i = 0; i < m->ninputs; i++)
        total += m->inputs[i].rank;
    s->bound = 0;
    if (!next_number(&words, &guard)) {
        answer_error(MLC_RUN_ARGUMENT, "bind without shapes");
        return;
    }
    s->guard = guard != 0;
    int64_t *dim = calloc((size_t)total + 1, sizeof *dim);
    if (!dim) {
        answer_error(SERVE_SYSTEM, "out of memory");
        return;
    }
    if (read_shapes(s, words, dim)) {
        int code = bind_symbols(s, dim);
        if (code != MLC_RUN_OK)
            answer_error(code, "bind refuses these shapes");
        else if (shapes_agree(s, dim) && make_blocks(s))
            s->bound = 1;
    }
    free(dim);
    if (!s->bound)
        return;
    print_shapes(s, "output", m->ninputs, m->ninputs + m->noutputs);
    printf("workspace %lld\n", (long long)s->sizes[0]);
    answer_ok();
}

/* ---- run and bench ---- */

/* Moves block `b` from or to DIR/KIND<number>.bin; `text`: it holds strings, which come there. */
static int transfer(const Session *s, const Block *b, char **text, const char *kind, int number)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%d.bin", s->dir, kind, number);
    if (text ? block_read_strings(b, text, path) : block_transfer(b, path, kind[0] == 'o'))
        return 1;
    answer_error(SERVE_SYSTEM, "%s: not there, of the wrong size, or the disk is full", path);
    return 0;
}

static int read_inputs(const Session *s)
{
    for (int i = 0; i < s->model->ninputs; i++)
        if (!transfer(s, &s->block[i], block_is_text(&s->model->inputs[i]) ? &s->text[i] : NULL,
                      "in", i))
            return 0;
    return 1;
}

/* Runs once. Returns the model's status. */
static int run_once(const Session *s)
{
    const mlc_model_v1 *m = s->model;
    drop_found(s);
    int code = m->run(s->io, s->block[m->ninputs + m->noutputs].data);
    if (code >= 0 && code <= MLC_RUN_IMAGE)
        return code;
    return SERVE_FUNCTION + (code > 0 && code < SERVE_FUNCTION ? code : 0);
}

static void run_request(const Session *s)
{
    const mlc_model_v1 *m = s->model;
    if (!read_inputs(s))
        return;
    drop_found(s);
    for (int i = m->ninputs; s->guard && i <= m->ninputs + m->noutputs; i++)
        if (i == m->ninputs + m->noutputs || !is_result(m, i))
            memset(s->block[i].data, 0xff, (size_t)s->block[i].bytes);
    int code = run_once(s);
    if (code != MLC_RUN_OK) {
        answer_error(code, "run");
        return;
    }
    for (int i = 0; i < m->noutputs; i++) {
        Block b = s->block[m->ninputs + i];
        if (is_result(m, m->ninputs + i)) {
            const mlc_result_v1 *r = b.data;
            if (block_is_text(&m->outputs[i]))
                block_strings_to_offsets(r, m->outputs[i].rank);
            b = (Block){.data = r->data, .bytes = r->bytes};
            printf("found %d", (int)m->outputs[i].rank);
            for (int k = 0; k < m->outputs[i].rank; k++)
                printf(" %lld", (long long)r->dim[k]);
            printf("\n");
        }
        if (!transfer(s, &b, NULL, "out", i))
            return;
    }
    answer_ok();
}

/* Warms up for warm_ns, then measures into `times`; returns how many, or -status. */
static int64_t measure(const Session *s, int64_t runs, int64_t min_ns, int64_t warm_ns,
                       int64_t *times)
{
    int64_t start = serve_clock_ns(), n = 0;
    do {
        int code = run_once(s);
        if (code != MLC_RUN_OK)
            return -code;
    } while (serve_clock_ns() - start < warm_ns);
    start = serve_clock_ns();
    for (int64_t t = start; n < SERVE_MAX_RUNS && (n < runs || t - start < min_ns);) {
        int code = run_once(s);
        if (code != MLC_RUN_OK)
            return -code;
        int64_t end = serve_clock_ns();
        times[n++] = end - t;
        t = end;
    }
    return n;
}

static void bench_request(const Session *s, char *words)
{
    int64_t runs, min_ns, warm_ns;
    if (!next_number(&words, &runs) || !next_number(&words, &min_ns) ||
        !next_number(&words, &warm_ns)) {
        answer_error(MLC_RUN_ARGUMENT, "bench RUNS MIN_NS WARM_NS");
        return;
    }
    if (!read_inputs(s))
        return;
    int64_t *times = mmap(NULL, SERVE_MAX_RUNS * sizeof *times, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (times == MAP_FAILED) {
        answer_error(SERVE_SYSTEM, "out of memory");
        return;
    }
    int64_t n = measure(s, runs, min_ns, warm_ns, times);
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    Block b = {.data = times, .bytes = n * (int64_t)sizeof *times};
    if (n < 0) {
        answer_error((int)-n, "run");
    } else if (transfer(s, &b, NULL, "out-times", 0)) {
        printf("times %lld\nrss %lld\n", (long long)n, (long long)use.ru_maxrss * 1024);
        answer_ok();
    }
    munmap(times, SERVE_MAX_RUNS * sizeof *times);
}

/* ---- profile ---- */

/* As measure(), with the stamps of every run in `out`: room for `most` runs. */
static int64_t measure_stamps(const Session *s, const mlc_rt_profiled *p, int64_t runs,
                              int64_t min_ns, int64_t warm_ns, int64_t most, int64_t *out)
{
    int64_t start = serve_clock_ns(), n = 0;
    do {
        int code = run_once(s);
        if (code != MLC_RUN_OK)
            return -code;
    } while (serve_clock_ns() - start < warm_ns);
    for (start = serve_clock_ns(); n < most && (n < runs || serve_clock_ns() - start < min_ns); n++) {
        int code = run_once(s);
        if (code != MLC_RUN_OK)
            return -code;
        memcpy(out + n * p->nstamp, p->stamp, (size_t)p->nstamp * sizeof *out);
    }
    return n;
}

static void profile_request(Session *s, char *words)
{
    const mlc_rt_profiled *p = (const mlc_rt_profiled *)(const void *)s->model;
    int64_t runs, min_ns, warm_ns;
    if (!next_number(&words, &runs) || !next_number(&words, &min_ns) ||
        !next_number(&words, &warm_ns)) {
        answer_error(MLC_RUN_ARGUMENT, "profile RUNS MIN_NS WARM_NS");
        return;
    }
    if (s->model->struct_bytes != sizeof *p || p->nstamp < 1) {
        printf("stamps 0 0\n");
        answer_ok();
        return;
    }
    if (!read_inputs(s))
        return;
    int64_t most = SERVE_MAX_STAMPS / p->nstamp;
    int64_t *stamps = calloc((size_t)(most * p->nstamp) + 1, sizeof *stamps);
    if (!stamps || most < 1) {
        answer_error(SERVE_SYSTEM, "out of memory");
        free(stamps);
        return;
    }
    int64_t n = measure_stamps(s, p, runs, min_ns, warm_ns, most, stamps);
    Block b = {.data = stamps, .bytes = n * p->nstamp * (int64_t)sizeof *stamps};
    if (n < 0) {
        answer_error((int)-n, "run");
    } else if (transfer(s, &b, NULL, "out-stamps", 0)) {
        printf("stamps %lld %lld\n", (long long)p->nstamp, (long long)n);
        answer_ok();
    }
    free(stamps);
}

/* ---- the loop ---- */

static void set_threads(const Session *s, char *words)
{
    int64_t n;
    if (!next_number(&words, &n)) {
        answer_error(MLC_RUN_ARGUMENT, "threads N");
        return;
    }
    printf("threads %d\n", s->pool ? s->pool(1, NULL, NULL, n, 0, 0) : 1);
    answer_ok();
}

/* Answers one request; 0: quit. */
static int answer(Session *s, char *line)
{
    char *words = line + strcspn(line, " \n");
    if (*words)
        *words++ = 0;
    if (strcmp(line, "quit") == 0)
        return 0;
    if (strcmp(line, "describe") == 0)
        describe(s);
    else if (strcmp(line, "threads") == 0)
        set_threads(s, words);
    else if (strcmp(line, "weights") == 0)
        weights_request(s, words);
    else if (strcmp(line, "symbols") == 0)
        symbols_request(s, words);
    else if (strcmp(line, "bind") == 0)
        bind_request(s, words);
    else if (strcmp(line, "run") == 0 && s->bound)
        run_request(s);
    else if (strcmp(line, "bench") == 0 && s->bound)
        bench_request(s, words);
    else if (strcmp(line, "profile") == 0 && s->bound)
        profile_request(s, words);
    else
        answer_error(MLC_RUN_ARGUMENT, "unknown request, or no shapes yet");
    return 1;
}

int serve(const mlc_model_v1 *model, PoolFn pool, const char *dir, int64_t load_ns)
{
    if (model->abi != 1 || model->ninputs < 0 || model->noutputs < 0 || model->sizes_words < 1)
        return serve_refuse("the artifact has ABI version %u", model->abi);
    int     n = model->ninputs + model->noutputs;
    Session s = {.model = model, .pool = pool, .dir = dir, .load_ns = load_ns,
                 .alloc = {NULL, block_alloc, block_release}};
    s.sizes = calloc((size_t)model->sizes_words, sizeof *s.sizes);
    s.block = calloc((size_t)n + 1, sizeof *s.block);
    s.io = calloc((size_t)n + 2, sizeof *s.io);
    s.text = calloc((size_t)n + 1, sizeof *s.text);
    if (!s.sizes || !s.block || !s.io || !s.text)
        return serve_refuse("out of memory");
    char  *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0 && answer(&s, line))
        ;
    free(line);
    drop_found(&s);
    for (int i = 0; i <= n; i++) {
        block_free(&s.block[i]);
        free(s.text[i]);
    }
    free(s.text);
    free(s.sizes);
    free(s.block);
    free(s.io);
    return 0;
}
