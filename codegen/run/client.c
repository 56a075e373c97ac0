/* The client of serve.h's protocol: requests over one socket, tensors through files in a temporary
 * folder. What the runner answers is not trusted further than its words: counts are bounded, sizes
 * are computed here and compared with the files.
 *
 * A runner that ends without an answer is reaped and becomes E0603 with the signal's name. */
#include "codegen/run/client.h"

#include "codegen/run/launch.h"
#include "codegen/run/serve.h"
#include "codegen/run/strings.h"
#include "codegen/run/tempdir.h"
#include "ir/base/file.h"
#include "ir/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, MAX_IO = 1 << 16 };

struct Runner {
    Ctx          *ctx;
    Arena        *arena;
    const char   *artifact;
    const char   *dir;
    RunnerOptions options;
    Launched      process; /* pid 0: not running */
    RunnerInfo    info;
    char         *buf;     /* bytes received and not yet read as lines */
    size_t        len;
    int64_t       bound_workspace;
    RunnerProfile profile;
    RunnerBench   bench;   /* numbers of the newest bench */
    VEC(RunnerIo) bound;   /* outputs with the shapes of the newest bind */
    size_t        nfound;  /* outputs whose shapes the run has told */
};

const char *runner_status_text(int code)
{
    switch (code) {
    case MLC_RUN_SHAPE:
        return "a run-time shape contradicts the model";
    case MLC_RUN_INDEX:
        return "a run-time index is out of bounds";
    case MLC_RUN_DIVIDE:
        return "integer division by zero";
    case MLC_RUN_CPU:
        return "this CPU lacks instructions that the artifact needs";
    case MLC_RUN_MEMORY:
        return "memory was refused";
    case MLC_RUN_WEIGHTS:
        return "the weights file cannot be opened";
    case MLC_RUN_MISMATCH:
        return "the weights file is truncated, or of another build";
    case MLC_RUN_TEXT:
        return "a string that is to become a number is none";
    case MLC_RUN_IMAGE:
        return "data that is to be a picture is none, or of a kind that is not supported";
    case MLC_RUN_ARGUMENT:
        return "an argument is missing or malformed";
    default:
        return "the runner refused";
    }
}

static Status status_of(int code)
{
    switch (code) {
    case MLC_RUN_SHAPE:
    case MLC_RUN_INDEX:
    case MLC_RUN_DIVIDE:
    case MLC_RUN_MISMATCH:
    case MLC_RUN_TEXT:
    case MLC_RUN_IMAGE:
        return MLC_INPUT;
    case MLC_RUN_CPU:
    case MLC_RUN_MEMORY:
    case MLC_RUN_WEIGHTS:
    case SERVE_SYSTEM:
        return MLC_SYSTEM;
    default:
        return MLC_BUG;
    }
}

static Loc here(const Runner *r)
{
    return (Loc){.file = r->options.shown ? r->options.shown : r->artifact};
}

/* ---- the process ---- */

static void reap(Runner *r, int *status)
{
    if (r->process.pid <= 0)
        return;
    close(r->process.fd);
    while (waitpid(r->process.pid, status, 0) < 0 && errno == EINTR)
        ;
    r->process.pid = 0;
}

/* The runner ended by itself. */
static Status report_death(Runner *r)
{
    int status = 0;
    if (r->process.pid > 0)
        reap(r, &status);
    if (WIFSIGNALED(status)) {
        int sig = WTERMSIG(status);
        return diag_error(r->ctx, E0603, here(r), sig == SIGKILL ? MLC_SYSTEM : MLC_BUG,
                          "the model's process died: signal %d (%s)", sig, strsignal(sig));
    }
    if (WEXITSTATUS(status) == 127)
        return diag_error(r->ctx, E0004, here(r), MLC_SYSTEM, "the runner cannot be started");
    return diag_error(r->ctx, E0603, here(r), MLC_BUG, "the model's process ended with code %d",
                      WEXITSTATUS(status));
}

static Status ask(Runner *r, const char *request, size_t n)
{
    if (r->process.pid <= 0)
        return diag_error(r->ctx, E0603, here(r), MLC_BUG, "the model's process has ended");
    while (n > 0) {
        ssize_t sent = send(r->process.fd, request, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return report_death(r);
        request += sent;
        n -= (size_t)sent;
    }
    return MLC_OK;
}

/* Waits for more bytes. `deadline` 0: for ever. */
static Status receive(Runner *r, int64_t deadline)
{
    struct pollfd p = {.fd = r->process.fd, .events = POLLIN};
    for (;;) {
        int64_t left = deadline ? (deadline - clock_ns()) / 1000000 : -1;
        if (deadline && left <= 0) {
            kill(r->process.pid, SIGKILL);
            reap(r, &(int){0});
            return diag_error(r->ctx, E0005, here(r), MLC_SYSTEM,
                              "the run took more than %.0f s and was stopped",
                              (double)r->options.timeout_ns / 1e9);
        }
        int n = poll(&p, 1, left > 1000000 ? 1000000 : (int)left);
        if (n > 0)
            break;
    }
    if (r->len == BUFFER)
        return diag_error(r->ctx, E0603, here(r), MLC_BUG, "the runner's answer is malformed");
    ssize_t n = recv(r->process.fd, r->buf + r->len, BUFFER - r->len, 0);
    if (n <= 0)
        return report_death(r);
    r->len += (size_t)n;
    return MLC_OK;
}

/* The next line of the answer, in the arena. */
static Status next_line(Runner *r, int64_t deadline, char **line)
{
    char *end;
    while (!(end = memchr(r->buf, '\n', r->len)))
        TRY(receive(r, deadline));
    *line = arena_strndup(r->arena, r->buf, (size_t)(end - r->buf));
    r->len -= (size_t)(end + 1 - r->buf);
    memmove(r->buf, end + 1, r->len);
    return MLC_OK;
}

/* ---- answers ---- */

/* Splits off the first word. */
static char *take_word(char **line)
{
    char *word = *line;
    *line += strcspn(*line, " ");
    if (**line)
        *(*line)++ = 0;
    return word;
}

static int64_t take_number(char **line)
{
    return strtoll(take_word(line), NULL, 10);
}

/* "a%0Ab" -> "a\nb", in place. */
static const char *decode_name(char *s)
{
    char *to = s;
    for (char *p = s; *p; p++) {
        char hex[3] = {p[0] == '%' && p[1] ? p[1] : 0, p[0] == '%' && p[1] ? p[2] : 0, 0};
        *to++ = hex[0] && hex[1] ? (char)strtol(hex, NULL, 16) : *p;
        if (hex[0] && hex[1])
            p += 2;
    }
    *to = 0;
    return s;
}

static bool take_dims(char **line, RunnerIo *io)
{
    int64_t rank = take_number(line);
    if (rank < 0 || rank > MAX_RANK)
        return false;
    io->rank = (int)rank;
    for (int k = 0; k < io->rank; k++)
        io->dim[k] = take_number(line);
    return true;
}

typedef bool (*LineFn)(Runner *r, const char *key, char *rest);

/* Sends a request and hands each line of the answer to fn, which says whether it is well formed. */
static Status request(Runner *r, LineFn fn, const char *text)
{
    int64_t deadline = r->options.timeout_ns ? clock_ns() + r->options.timeout_ns : 0;
    TRY(ask(r, text, strlen(text)));
    for (;;) {
        char *line;
        TRY(next_line(r, deadline, &line));
        const char *key = take_word(&line);
        if (str_eq(key, "ok"))
            return MLC_OK;
        if (str_eq(key, "error")) {
            int code = (int)take_number(&line);
            if (code >= SERVE_FUNCTION)
                return diag_error(r->ctx, E0603, here(r), MLC_INPUT,
                                  "the function of a custom operator returned %d",
                                  code - SERVE_FUNCTION);
            return diag_error(r->ctx, E0603, here(r), status_of(code), "%s%s%s",
                              code == SERVE_SYSTEM ? "" : runner_status_text(code),
                              code == SERVE_SYSTEM || !*line ? "" : ": ", line);
        }
        if (!fn || !fn(r, key, line))
            return diag_error(r->ctx, E0603, here(r), MLC_BUG, "the runner's answer is malformed");
    }
}

static bool on_describe(Runner *r, const char *key, char *rest)
{
    RunnerInfo *i = &r->info;
    if (str_eq(key, "target"))
        i->target = decode_name(rest);
    else if (str_eq(key, "selected"))
        i->selected = decode_name(rest);
    else if (str_eq(key, "version"))
        i->version = decode_name(rest);
    else if (str_eq(key, "name"))
        i->name = decode_name(rest);
    else if (str_eq(key, "workspace"))
        i->workspace_bytes = take_number(&rest);
    else if (str_eq(key, "weights"))
        i->weights_in_file = str_eq(rest, "file");
    else if (str_eq(key, "threads"))
        i->threads = (int)take_number(&rest);
    else if (str_eq(key, "load"))
        i->load_ns = take_number(&rest);
    else if (str_eq(key, "symbol")) {
        RunnerSymbol s = {.min = take_number(&rest)};
        s.max = take_number(&rest);
        s.input = (int)take_number(&rest);
        s.axis = (int)take_number(&rest);
        s.name = decode_name(rest);
        vec_push(r->arena, &i->symbols, s);
        return i->symbols.len < MAX_IO;
    } else {
        RunnerIo io = {.elem = elem_from_onnx((int)take_number(&rest))};
        bool     good = take_dims(&rest, &io) && io.elem != ELEM_NONE;
        io.name = decode_name(rest);
        if (str_eq(key, "input"))
            vec_push(r->arena, &i->inputs, io);
        else
            vec_push(r->arena, &i->outputs, io);
        return good && i->inputs.len < MAX_IO && i->outputs.len < MAX_IO;
    }
    return true;
}

/* ---- open, close ---- */

const RunnerInfo *runner_info(const Runner *r)
{
    return &r->info;
}

void runner_close(Runner *r)
{
    if (!r || !r->dir)
        return;
    if (r->process.pid > 0) {
        /* Nothing that it still does matters: its results were read. */
        kill(r->process.pid, SIGKILL);
        reap(r, &(int){0});
    }
    temp_dir_remove(r->dir);
    r->dir = NULL;
}

static void close_with_arena(void *r)
{
    runner_close(r);
}

/* "m.o" -> "m.weights". */
static const char *weights_beside(Arena *a, const char *artifact)
{
    const char *dot = strrchr(path_base(artifact), '.');
    return arena_printf(a, "%.*s.weights", (int)(dot ? dot - artifact : (ptrdiff_t)strlen(artifact)),
                        artifact);
}

static Status load_weights(Runner *r)
{
    const char *path = r->options.weights;
    Str words = str_new(r->arena);
    if (!path)
        path = weights_beside(r->arena, r->artifact);
    str_add(&words, "weights ");
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p < ' ' || *p == '%')
            str_printf(&words, "%%%02X", (unsigned char)*p);
        else
            str_addc(&words, *p);
    str_addc(&words, '\n');
    return request(r, NULL, str_text(&words));
}

Status runner_open(Ctx *c, Arena *a, const char *artifact, const RunnerOptions *o, Runner **out)
{
    ElfInfo elf;
    Runner *r = NEW(a, Runner);
    *r = (Runner){.ctx = c, .arena = a, .artifact = artifact, .options = *o};
    TRY(elf_info(c, a, artifact, &elf));
    r->buf = NEW_ARRAY(a, char, BUFFER);
    arena_at_free(a, close_with_arena, r); /* a refused allocation leaves no process either */
    TRY(temp_dir_make(c, a, &r->dir));
    Status s = launch_runner(c, a, artifact, &elf, o, r->dir, &r->process);
    r->info.emulated = r->process.emulated;
    if (s == MLC_OK)
        s = request(r, on_describe, "describe\n");
    if (s == MLC_OK && r->info.weights_in_file)
        s = load_weights(r);
    if (s == MLC_OK && r->info.outputs.len == 0)
        s = diag_error(c, E0603, here(r), MLC_BUG, "the artifact has no outputs");
    if (s != MLC_OK) {
        runner_close(r);
        return s;
    }
    *out = r;
    return MLC_OK;
}

static bool on_threads(Runner *r, const char *key, char *rest)
{
    r->info.threads = (int)take_number(&rest);
    return str_eq(key, "threads");
}

Status runner_threads(Runner *r, int n)
{
    return request(r, on_threads, arena_printf(r->arena, "threads %d\n", n));
}

/* ---- run ---- */

static bool on_bind(Runner *r, const char *key, char *rest)
{
    if (str_eq(key, "workspace")) {
        r->bound_workspace = take_number(&rest);
        return true;
    }
    if (!str_eq(key, "output") || r->bound.len >= r->info.outputs.len)
        return false;
    RunnerIo io = r->info.outputs.at[r->bound.len];
    if (!take_dims(&rest, &io))
        return false;
    vec_push(r->arena, &r->bound, io);
    return true;
}

static bool on_symbols(Runner *r, const char *key, char *rest)
{
    if (str_eq(key, "output"))
        return true;
    if (!str_eq(key, "input") || r->bound.len >= r->info.inputs.len)
        return false;
    RunnerIo io = r->info.inputs.at[r->bound.len];
    if (!take_dims(&rest, &io))
        return false;
    vec_push(r->arena, &r->bound, io);
    return true;
}

Status runner_shapes(Runner *r, const int64_t *value, RunnerIo *inputs)
{
    Str words = str_new(r->arena);
    str_add(&words, "symbols");
    for (size_t k = 0; k < r->info.symbols.len; k++)
        str_printf(&words, " %lld", (long long)value[k]);
    str_addc(&words, '\n');
    r->bound.len = 0;
    TRY(request(r, on_symbols, str_text(&words)));
    for (size_t i = 0; i < r->bound.len; i++)
        inputs[i] = r->bound.at[i];
    if (r->bound.len != r->info.inputs.len)
        return diag_error(r->ctx, E0603, here(r), MLC_BUG, "the runner's answer is malformed");
    return MLC_OK;
}

/* A tensor's bytes in full. */
static const void *full_data(Runner *r, const Tensor *t)
{
    if (!t->splat)
        return t->data;
    size_t  one = elem_size_bytes(t->elem, 1);
    int64_t n = tensor_count(t);
    if (elem_bits[t->elem] < 8) {
        char *packed = arena_alloc(r->arena, elem_size_bytes(t->elem, (size_t)n), 8);
        for (int64_t i = 0; i < n; i++)
            elem_set_i64(t->elem, packed, (size_t)i, elem_get_i64(t->elem, t->data, 0));
        return packed;
    }
    char *all = arena_array(r->arena, (size_t)n, one, 64);
    for (int64_t i = 0; i < n; i++)
        memcpy(all + (size_t)i * one, t->data, one);
    return all;
}

static Status check_input(Runner *r, size_t i, const Tensor *t)
{
    const RunnerIo *io = &r->info.inputs.at[i];
    Loc             loc = {.file = here(r).file, .node = io->name};
    if (t->elem != io->elem)
        return diag_error(r->ctx, E0601, loc, MLC_INPUT, "input '%s' is %s, and the data is %s",
                          io->name, elem_name[io->elem], elem_name[t->elem]);
    if (t->rank != io->rank)
        return diag_error(r->ctx, E0601, loc, MLC_INPUT, "input '%s' has rank %d, and the data %d",
                          io->name, io->rank, t->rank);
    for (int k = 0; k < t->rank; k++)
        if (io->dim[k] >= 0 && t->dim[k] != io->dim[k])
            return diag_error(r->ctx, E0601, loc, MLC_INPUT,
                              "dimension %d of input '%s' is %lld, and the data has %lld", k,
                              io->name, (long long)io->dim[k], (long long)t->dim[k]);
    return MLC_OK;
}

/* Writes the inputs and binds their shapes. */
static Status send_inputs(Runner *r, const Tensor *const *in, bool guard)
{
    Str words = str_new(r->arena);
    str_printf(&words, "bind %d", guard);
    for (size_t i = 0; i < r->info.inputs.len; i++) {
        TRY(check_input(r, i, in[i]));
        str_printf(&words, " %d", in[i]->rank);
        for (int k = 0; k < in[i]->rank; k++)
            str_printf(&words, " %lld", (long long)in[i]->dim[k]);
        const char *path = arena_printf(r->arena, "%s/in%zu.bin", r->dir, i);
        TRY(in[i]->elem == ELEM_STRING
                ? strings_write(r->ctx, r->arena, path, in[i])
                : file_write(r->ctx, path, full_data(r, in[i]),
                             elem_size_bytes(in[i]->elem, (size_t)tensor_count(in[i]))));
    }
    str_addc(&words, '\n');
    r->bound.len = 0;
    TRY(request(r, on_bind, str_text(&words)));
    if (r->bound.len != r->info.outputs.len)
        return diag_error(r->ctx, E0603, here(r), MLC_BUG, "the runner's answer is malformed");
    return MLC_OK;
}

/* Copies DIR/outK.bin of exactly `bytes`. */
static Status read_back(Runner *r, const char *name, void *data, size_t bytes)
{
    FileMap m;
    TRY(file_map(r->ctx, arena_printf(r->arena, "%s/%s", r->dir, name), &m));
    bool fits = m.size == bytes;
    if (fits && bytes > 0)
        memcpy(data, m.data, bytes);
    file_unmap(&m);
    if (!fits)
        return diag_error(r->ctx, E0603, here(r), MLC_BUG, "'%s' has the wrong size", name);
    return MLC_OK;
}

/* Does the shape describe something that memory can hold? */
static bool is_possible(const RunnerIo *io)
{
    int64_t n = 16;
    for (int k = 0; k < io->rank; k++)
        if (io->dim[k] < 0 || __builtin_mul_overflow(n, io->dim[k], &n))
            return false;
    return true;
}

/* The shape of the next output that bind could not know, or of strings. */
static bool on_run(Runner *r, const char *key, char *rest)
{
    if (!str_eq(key, "found"))
        return false;
    while (r->nfound < r->bound.len) {
        RunnerIo *io = &r->bound.at[r->nfound++];
        bool found = io->elem == ELEM_STRING;
        for (int k = 0; k < io->rank; k++)
            found |= io->dim[k] == MLC_DIM_FOUND;
        if (found)
            return take_dims(&rest, io);
    }
    return false;
}

Status runner_run(Runner *r, const Tensor *const *in, const Tensor **out)
{
    TRY(send_inputs(r, in, true));
    r->nfound = 0;
    TRY(request(r, on_run, "run\n"));
    for (size_t i = 0; i < r->bound.len; i++) {
        const RunnerIo *io = &r->bound.at[i];
        if (!is_possible(io))
            return diag_error(r->ctx, E0603, here(r), MLC_BUG, "output '%s' is too large",
                              io->name);
        Tensor *t = tensor_new(r->arena, io->elem, io->rank, io->dim);
        const char *name = arena_printf(r->arena, "out%zu.bin", i);
        TRY(io->elem == ELEM_STRING
                ? strings_read(r->ctx, r->arena, arena_printf(r->arena, "%s/%s", r->dir, name), t)
                : read_back(r, name, (void *)(uintptr_t)t->data, t->size_bytes));
        out[i] = t;
    }
    return MLC_OK;
}

/* ---- bench ---- */

static bool on_bench(Runner *r, const char *key, char *rest)
{
    if (str_eq(key, "times"))
        r->bench.runs = take_number(&rest);
    else if (str_eq(key, "rss"))
        r->bench.peak_rss_bytes = take_number(&rest);
    else
        return false;
    return true;
}

Status runner_bench(Runner *r, const Tensor *const *in, int64_t runs, int64_t min_ns,
                    int64_t warm_ns, RunnerBench *out)
{
    TRY(send_inputs(r, in, false));
    TRY(request(r, on_bench, arena_printf(r->arena, "bench %lld %lld %lld\n", (long long)runs,
                                          (long long)min_ns, (long long)warm_ns)));
    if (r->bench.runs < 1 || r->bench.runs > SERVE_MAX_RUNS)
        return diag_error(r->ctx, E0603, here(r), MLC_BUG, "the runner's answer is malformed");
    *out = r->bench;
    out->workspace_bytes = r->bound_workspace;
    out->ns = NEW_ARRAY(r->arena, int64_t, out->runs);
    return read_back(r, "out-times0.bin", out->ns, (size_t)out->runs * sizeof *out->ns);
}

/* ---- profile ---- */

static bool on_profile(Runner *r, const char *key, char *rest)
{
    r->profile.stamps = take_number(&rest);
    r->profile.runs = take_number(&rest);
    return str_eq(key, "stamps");
}

Status runner_profile(Runner *r, const Tensor *const *in, int64_t runs, int64_t min_ns,
                      int64_t warm_ns, RunnerProfile *out)
{
    TRY(send_inputs(r, in, false));
    TRY(request(r, on_profile, arena_printf(r->arena, "profile %lld %lld %lld\n", (long long)runs,
                                            (long long)min_ns, (long long)warm_ns)));
    *out = r->profile;
    if (out->stamps == 0) {
        diag_report(r->ctx, E0402, here(r), "the artifact takes no time stamps");
        diag_help(r->ctx, "compile it with 'mlc optimize -X profile', or profile the model");
        return MLC_INPUT;
    }
    if (out->runs < 1 || out->stamps < 1 || out->runs > SERVE_MAX_STAMPS / out->stamps)
        return diag_error(r->ctx, E0603, here(r), MLC_BUG, "the runner's answer is malformed");
    out->at = NEW_ARRAY(r->arena, int64_t, out->runs * out->stamps);
    return read_back(r, "out-stamps0.bin", out->at,
                     (size_t)(out->runs * out->stamps) * sizeof *out->at);
}
