/* mlc-codegen: a serialized Program in, an object file out.
 *
 *     mlc-codegen --emit obj|asm|llvm-ir|bc --triple T --prefix P --sha256 HEX --threads N -O N
 *                 [--memory-limit BYTES] [--cpu-limit SECONDS] -o OUT VARIANT [--next VARIANT]...
 *     VARIANT:    [INPUT] --cpu NAME --features "+avx2,+fma" --target-name x86-avx2 --cpu-bits N
 *                 [--fd N]...
 *     mlc-codegen --version
 *
 * Several variants, best-fitting first, are the programs of several targets for one artifact.
 *
 * It runs as a child of mlc, under limits; what it has to say are JSON lines {"code","message"} on
 * descriptor 3 when that is open, else on stderr. The exit code is a Status. */
#include "codegen/emit/llvm/emit.h"

#include "ir/base/ctx.h"
#include "ir/base/file.h"
#include "ir/base/str.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct Job {
    Ctx *ctx;
    CodegenOptions opt;
    FileMap map[MAX_VARIANTS];
} Job;

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

static void report(const Ctx *c, bool has_channel)
{
    FILE *f = has_channel ? fdopen(3, "w") : NULL;

    if (f == NULL)
        f = stderr;
    for (const Diag *d = c->diags.first; d != NULL; d = d->next) {
        fprintf(f, "{\"code\":\"%s\",\"message\":\"", diag_code_name[d->code]);
        print_json_text(f, d->message);
        fputs("\"}\n", f);
    }
    fflush(f);
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
    bool has_channel = fcntl(3, F_GETFL) >= 0; /* before anything else may open as 3 */
    Status st;

    if (argc == 2 && str_eq(argv[1], "--version"))
        return print_version();
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
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
    report(&c, has_channel);
    ctx_free(&c);
    return (int)st;
}
