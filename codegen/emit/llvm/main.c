/* mlc-codegen: a serialized Program in, an object file out.
 *
 *     mlc-codegen --emit obj|asm|llvm-ir|bc --triple T --prefix P --sha256 HEX --threads N -O N
 *                 [--weights-identity HEX] [--profile] [--memory-limit BYTES] [--cpu-limit SECONDS]
 *                 -o OUT VARIANT [--next VARIANT]...
 *     VARIANT:    [INPUT] --cpu NAME --features "+avx2,+fma" --target-name x86-avx2 --cpu-bits N
 *                 [--fd N]...
 *     mlc-codegen --version
 *
 * With --weights-identity the weights are not in the artifact but in a file that has this hash.
 * Several variants, best-fitting first, are the programs of several targets for one artifact.
 *
 * It runs as a child of mlc, under limits; what it has to say are JSON lines {"code","message"} on
 * descriptor 3 when that is open, else on stderr, and none of it takes memory. The first line is
 * {}: it has started. The exit code is a Status. */
#include "codegen/emit/llvm/emit.h"

#include "ir/base/ctx.h"
#include "ir/base/file.h"
#include "ir/base/str.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct Job {
    Ctx *ctx;
    CodegenOptions opt;
    FileMap map[MAX_VARIANTS];
} Job;

static int channel = STDERR_FILENO; /* where diagnostics go */

static void print_json_text(FILE *f, const char *s)
{
    for (; *s != '\0'; s++) {
        unsigned char ch = (unsigned char)*s;

        if (ch == '"' || ch == '\\')
            fprintf(f, "\\%c", ch);
        else if (ch < 0x20)
            fprintf(f, "\\u%04x", ch);
        else
            fputc(ch, f);
    }
}

/* The channel becomes stderr, which takes no memory; LLVM has said by then what it had to say. */
static void report(const Ctx *c)
{
    static char buffer[4096];
    FILE *f = stderr;

    if (channel != STDERR_FILENO && dup2(channel, STDERR_FILENO) < 0)
        return;
    setvbuf(f, buffer, _IOFBF, sizeof buffer);
    for (const Diag *d = c->diags.first; d != NULL; d = d->next) {
        fprintf(f, "{\"code\":\"%s\",\"message\":\"", diag_code_name[d->code]);
        print_json_text(f, d->message);
        fputs("\"}\n", f);
    }
    fflush(f);
}

/* A whole line; async-signal-safe. */
static void say(const char *line)
{
    ssize_t n = write(channel, line, strlen(line));

    (void)n;
}

static void limit(int what, int64_t value)
{
    struct rlimit r = {(rlim_t)value, (rlim_t)value};

    if (value > 0)
        setrlimit(what, &r);
}

static void close_with_arena(void *u)
{
    unit_close(u);
}

static Status compile(void *arg)
{
    Job *j = arg;
    Arena *a = arena_new(j->ctx);
    Unit *u = NEW(a, Unit);

    *u = (Unit){.ctx = j->ctx, .opt = &j->opt, .input = j->map};
    arena_at_free(a, close_with_arena, u); /* also where a refused allocation unwinds */
    for (int i = 0; i < j->opt.nvariant; i++)
        TRY(program_read(j->ctx, j->map[i].data, j->map[i].size, &u->programs[i]));
    u->arena = u->programs[0]->arena;
    TRY(unit_open(u));
    TRY(emit_artifact(u));
    if (!j->opt.no_runtime)
        TRY(unit_link_runtime(u));
    TRY(unit_optimize(u));
    return unit_write(u);
}

static void on_signal(int sig)
{
    file_out_abort_all();
    _exit(128 + sig);
}

/* Is the address space used up? Deaths of a small request, or of a stack that cannot grow, come
 * within this many bytes of the limit; larger requests LLVM and the C++ library report. */
static bool is_memory_gone(void)
{
    enum { NEAR = 16 << 20 };
    void *p = mmap(NULL, NEAR, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p != MAP_FAILED)
        munmap(p, NEAR);
    return p == MAP_FAILED;
}

static void on_crash(int sig)
{
    file_out_abort_all();
    if (is_memory_gone()) {
        say("{\"code\":\"E0001\",\"message\":\"out of memory\"}\n");
        _exit(MLC_SYSTEM);
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

static void install_handlers(void)
{
    static char stack[1 << 16]; /* the stack may be what could not grow */
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction a = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER};

    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    sigaltstack(&alternate, NULL);
    sigaction(SIGABRT, &a, NULL);
#ifndef __SANITIZE_ADDRESS__ /* its own reports say more */
    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGBUS, &a, NULL);
#endif
}

static int print_version(void)
{
    unsigned major, minor, patch;

    LLVMGetVersion(&major, &minor, &patch);
    return printf("mlc-codegen %s, LLVM %u.%u.%u\n", MLC_VERSION, major, minor, patch) < 0;
}

int main(int argc, char **argv)
{
    Ctx c;
    Job j = {.ctx = &c};
    Status st;

    if (fcntl(3, F_GETFL) >= 0) /* before anything else may open as 3 */
        channel = 3;

    if (argc == 2 && str_eq(argv[1], "--version"))
        return print_version();
    if (channel == 3)
        say("{}\n");
    install_handlers();
    ctx_init(&c);
    st = options_parse(&c, argc, argv, &j.opt);
    if (st == MLC_OK) {
        limit(RLIMIT_AS, j.opt.memory_limit);
        limit(RLIMIT_CPU, j.opt.cpu_limit);
        for (int i = 0; i < j.opt.nvariant && st == MLC_OK; i++)
            st = file_map(&c, j.opt.variant[i].input, &j.map[i]);
    }
    if (st == MLC_OK)
        st = ctx_protect(&c, compile, &j);
    for (int i = 0; i < j.opt.nvariant; i++)
        file_unmap(&j.map[i]);
    report(&c);
    ctx_free(&c);
    return (int)st;
}
