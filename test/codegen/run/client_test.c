/* Running artifacts: results, shapes, refusals, crashes, hangs. The artifact is written here in C,
 * against the ABI alone, and compiled by the system's compiler; the test is skipped without one. */
#include "codegen/run/client.h"

#include "codegen/run/serve.h"
#include "codegen/run/tempdir.h"
#include "ir/base/file.h"
#include "ir/base/str.h"

#include <dirent.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* y[n, 2] = x[n, 2] + b[2]; x[0] selects a misbehaviour. */
static const char source[] =
    "#include \"runtime/rt.h\"\n"
    "static const int64_t dx[] = {-1, 2}, db[] = {2};\n"
    "static const mlc_io_v1 in[] = {{\"x%\\ny\", 1, 2, dx}, {\"b\", 1, 1, db}};\n"
    "static const mlc_io_v1 out[] = {{\"y\", 1, 2, dx}};\n"
    "static const mlc_symbol_v1 sym[] = {{\"batch\", 1, 1000, 0, 0}};\n"
    "static const int32_t first[] = {0}, last[] = {0};\n"
    "extern const mlc_model_v1 t_model;\n"
    "static void eval(const int64_t *s, int64_t *o)\n"
    "{ o[0] = s[0]; o[1] = 2; o[2] = 2; o[3] = s[0]; o[4] = 2; o[5] = s[0] * 8; }\n"
    "static int exec(const mlc_rt_run *r)\n"
    "{\n"
    "    const float *x = r->io[0], *b = r->io[1]; float *y = (float *)r->io[2];\n"
    "    float *w = (float *)(r->workspace + r->offset[0]);\n"
    "    int64_t n = r->sym[0];\n"
    "    if (x[0] == 100) *(volatile int *)8 = 1;\n"
    "    if (x[0] == 101) for (;;) ;\n"
    "    if (x[0] == 102) return MLC_RUN_INDEX;\n"
    "    if (x[0] == 103) return (int)((volatile const float *)x)[2 * n];\n"
    "    if (x[0] == 104) ((volatile float *)y)[2 * n] = 1;\n"
    "    for (int64_t i = 0; i < 2 * n; i++) w[i] = x[i] + b[i % 2];\n"
    "    for (int64_t i = 0; i < 2 * n; i++) y[i] = w[i];\n"
    "    return MLC_RUN_OK;\n"
    "}\n"
    "static const mlc_rt_model rt = {&t_model, 1, 5, 0, 0, first, last, 0, eval, exec};\n"
    "int t_bind(const int64_t *d, mlc_sizes_v1 *s) { return mlc_rt_bind(&rt, d, s); }\n"
    "int t_run(const void *const *io, void *w) { return mlc_rt_run_model(&rt, io, w); }\n"
    "const mlc_model_v1 t_model = {1, sizeof(mlc_model_v1), \"toy\", \"x86-sse2\", \"0\", \"\", "
    "2,\n"
    "    1, 1, MLC_RT_SIZES_WORDS(1, 5, 1), in, out, sym, -1, t_bind, t_run};\n";

static Ctx           ctx;
static const char   *dir, *object, *shared;
static Arena        *arena;
static RunnerOptions options;
static bool          have_tools;

static int run_command(const char *fmt, ...) PRINTF_LIKE(1, 2);

static int run_command(const char *fmt, ...)
{
    char    text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return system(text);
}

/* The artifact: `c` and the runtime in one object. */
static int compile(const char *cc, const char *c, const char *out)
{
    return run_command("printf '#include \"%%s\"\\n' runtime/cores.c runtime/cpu.c runtime/plan.c "
                       "runtime/pool.c runtime/rt.c '%s' | %s -std=gnu11 -D_GNU_SOURCE -O1 -fPIC "
                       "-I. -c -x c - -o '%s'",
                       c, cc, out);
}

static int setup(void **state)
{
    (void)state;
    ctx_init(&ctx);
    arena = arena_new(&ctx);
    /* BUILD/test/codegen/run/client_test -> BUILD/mlc-runner */
    char    self[2048];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    const char *build = arena_printf(arena, "%s/../../..", path_dir(arena, self));
    options.runner = arena_printf(arena, "%s/mlc-runner", build);
    options.runner_jit = arena_printf(arena, "%s/mlc-runner-jit", build);
    assert_int_equal(temp_dir_make(&ctx, arena, &dir), MLC_OK);
    object = arena_printf(arena, "%s/t.o", dir);
    shared = arena_printf(arena, "%s/t.so", dir);
    const char *c = arena_printf(arena, "%s/t.c", dir);
    assert_int_equal(file_write(&ctx, c, source, sizeof source - 1), MLC_OK);
    have_tools = run_command("cc --version > /dev/null 2>&1") == 0;
    if (!have_tools)
        return 0;
    assert_int_equal(compile("cc", c, object), 0);
    assert_int_equal(run_command("cc -shared '%s' -lpthread -o '%s'", object, shared), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    assert_int_not_equal(access(dir, F_OK), 0);
    ctx_free(&ctx);
    return 0;
}

static const Tensor *floats(int rank, int64_t d0, int64_t d1, const float *v)
{
    Tensor *t = tensor_new(arena, ELEM_F32, rank, (int64_t[]){d0, d1});
    memcpy((void *)(uintptr_t)t->data, v, t->size_bytes);
    return t;
}

/* Runs the artifact with x[0] = `command`. */
static Status run_with(Runner *r, float command, const Tensor **out)
{
    const float   x[] = {command, 1, 2, 3, 4, 5}, b[] = {10, 20};
    const Tensor *in[] = {floats(2, 3, 2, x), floats(1, 2, 0, b)};
    return runner_run(r, in, out);
}

static void check_artifact(const char *path)
{
    Runner       *r;
    const Tensor *out = NULL;
    assert_int_equal(runner_open(&ctx, arena, path, &options, &r), MLC_OK);
    const RunnerInfo *i = runner_info(r);
    assert_string_equal(i->name, "toy");
    assert_string_equal(i->inputs.at[0].name, "x%\ny");
    assert_int_equal(i->inputs.len, 2);
    assert_int_equal(i->outputs.len, 1);
    assert_int_equal(i->inputs.at[0].dim[0], -1);
    assert_string_equal(i->symbols.at[0].name, "batch");
    assert_int_equal(i->symbols.at[0].max, 1000);

    assert_int_equal(run_with(r, 0, &out), MLC_OK);
    assert_int_equal(out->rank, 2);
    assert_int_equal(out->dim[0], 3);
    for (int k = 0; k < 6; k++)
        assert_true(tensor_get_f64(out, k) == (k ? k : 0) + (k % 2 ? 20 : 10));

    RunnerIo shapes[2];
    assert_int_equal(runner_shapes(r, (int64_t[]){7}, shapes), MLC_OK);
    assert_int_equal(shapes[0].dim[0], 7);
    assert_int_equal(shapes[1].dim[0], 2);
    assert_int_equal(runner_threads(r, 2), MLC_OK);
    assert_int_equal(runner_info(r)->threads, 2);

    RunnerBench   b;
    const float   v[] = {0, 1, 10, 20};
    const Tensor *in[] = {floats(2, 1, 2, v), floats(1, 2, 0, v + 2)};
    assert_int_equal(runner_bench(r, in, 10, 0, 0, &b), MLC_OK);
    assert_int_equal(b.runs, 10);
    assert_true(b.ns[0] >= 0 && b.peak_rss_bytes > 0);
    assert_int_equal(b.workspace_bytes, 64);
    runner_close(r);
}

static void shared_object_runs(void **state)
{
    (void)state;
    have_tools ? check_artifact(shared) : skip();
}

static void object_runs(void **state)
{
    (void)state;
    have_tools ? check_artifact(object) : skip();
}

static void emulated_artifact_runs(void **state)
{
    const char *c = arena_printf(arena, "%s/t.c", dir), *arm = arena_printf(arena, "%s/a.o", dir);
    (void)state;
    if (run_command("aarch64-linux-gnu-gcc --version > /dev/null 2>&1") != 0 ||
        run_command("qemu-aarch64 --version > /dev/null 2>&1") != 0)
        skip();
    assert_int_equal(compile("aarch64-linux-gnu-gcc", c, arm), 0);
    check_artifact(arm);
    const char *so = arena_printf(arena, "%s/a.so", dir);
    assert_int_equal(run_command("aarch64-linux-gnu-gcc -shared '%s' -o '%s'", arm, so), 0);
    check_artifact(so);
    Runner       *r;
    const Tensor *out;
    assert_int_equal(runner_open(&ctx, arena, arm, &options, &r), MLC_OK);
    assert_true(runner_info(r)->emulated);
    assert_int_equal(run_with(r, 100, &out), MLC_BUG);
    assert_int_equal(ctx.diags.last->code, E0603);
    runner_close(r);
}

static void idle_task(void *arg, int64_t begin, int64_t end)
{
    (void)arg, (void)begin, (void)end;
    usleep(2000);
}

static size_t thread_count(void)
{
    DIR   *d = opendir("/proc/self/task");
    size_t n = 0;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* dlclose() joins the workers of the library's pool; loaded again, it starts anew. */
static void unloading_ends_the_workers(void **state)
{
    (void)state;
    if (!have_tools)
        skip();
    size_t before = thread_count();
    for (int i = 0; i < 3; i++) {
        void  *lib = dlopen(shared, RTLD_NOW | RTLD_LOCAL);
        PoolFn pool;
        assert_non_null(lib);
        *(void **)&pool = dlsym(lib, "mlc_pool_v1");
        pool(1, NULL, NULL, 4, 0, 0);
        pool(0, idle_task, NULL, 64, 1, 0);
        assert_int_equal(thread_count(), before + 3);
        assert_int_equal(dlclose(lib), 0);
        assert_int_equal(thread_count(), before);
    }
}

/* The newest diagnostic has the code. */
static void assert_reported(DiagCode code, const char *text)
{
    assert_non_null(ctx.diags.last);
    assert_int_equal(ctx.diags.last->code, code);
    assert_non_null(strstr(ctx.diags.last->message, text));
}

static void misfits_are_refused(void **state)
{
    Runner       *r;
    const Tensor *out;
    const float   v[4096] = {0};
    (void)state;
    if (!have_tools)
        skip();
    assert_int_equal(runner_open(&ctx, arena, shared, &options, &r), MLC_OK);
    const Tensor *b = floats(1, 2, 0, v), *x = floats(2, 1, 2, v);
    assert_int_equal(runner_run(r, (const Tensor *[]){b, b}, &out), MLC_INPUT);
    assert_reported(E0601, "rank");
    assert_int_equal(runner_run(r, (const Tensor *[]){floats(2, 2, 1, v), b}, &out), MLC_INPUT);
    assert_reported(E0601, "dimension 1");
    Tensor *ints = tensor_new(arena, ELEM_I32, 1, (int64_t[]){2});
    assert_int_equal(runner_run(r, (const Tensor *[]){x, ints}, &out), MLC_INPUT);
    assert_reported(E0601, "i32");
    assert_int_equal(runner_run(r, (const Tensor *[]){floats(2, 1001, 2, v), b}, &out), MLC_INPUT);
    assert_reported(E0603, "shape"); /* above the symbol's maximum */
    assert_int_equal(run_with(r, 102, &out), MLC_INPUT);
    assert_reported(E0603, "index");
    assert_int_equal(runner_run(r, (const Tensor *[]){x, b}, &out), MLC_OK); /* still alive */
    runner_close(r);
}

static void crashes_are_diagnostics(void **state)
{
    static const float commands[] = {100, 103, 104}; /* wild store; read, write behind a buffer */
    Runner            *r;
    const Tensor      *out;
    (void)state;
    if (!have_tools)
        skip();
#ifdef __SANITIZE_ADDRESS__
    skip(); /* the sanitizer of the runner turns the signal into an exit */
#endif
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        assert_int_equal(runner_open(&ctx, arena, i ? shared : object, &options, &r), MLC_OK);
        assert_int_equal(run_with(r, commands[i], &out), MLC_BUG);
        assert_reported(E0603, "signal 11");
        assert_int_equal(run_with(r, 0, &out), MLC_BUG);
        assert_reported(E0603, "ended");
        runner_close(r);
    }
}

static void hanging_run_is_stopped(void **state)
{
    Runner       *r;
    const Tensor *out;
    RunnerOptions o = options;
    (void)state;
    if (!have_tools)
        skip();
    o.timeout_ns = 1500000000;
    assert_int_equal(runner_open(&ctx, arena, shared, &o, &r), MLC_OK);
    assert_int_equal(run_with(r, 101, &out), MLC_SYSTEM);
    assert_reported(E0005, "stopped");
    runner_close(r);
}

static void other_files_are_refused(void **state)
{
    Runner     *r;
    FileMap     m;
    const char *bad = arena_printf(arena, "%s/bad", dir);
    (void)state;
    assert_int_equal(runner_open(&ctx, arena, "Makefile", &options, &r), MLC_INPUT);
    assert_reported(E0602, "not an object file");
    assert_int_equal(runner_open(&ctx, arena, "/proc/self/exe", &options, &r), MLC_INPUT);
    assert_int_equal(runner_open(&ctx, arena, "/no/such/file", &options, &r), MLC_SYSTEM);
    if (!have_tools)
        skip();
    /* Cut anywhere, or with any header byte changed: refused or found, never a crash. */
    assert_int_equal(file_map(&ctx, object, &m), MLC_OK);
    char *copy = malloc(m.size);
    for (size_t at = 0; at < 64; at++) {
        ElfInfo info;
        memcpy(copy, m.data, m.size);
        copy[at] = (char)~copy[at];
        assert_int_equal(file_write(&ctx, bad, copy, m.size), MLC_OK);
        elf_info(&ctx, arena, bad, &info);
        assert_int_equal(file_write(&ctx, bad, m.data, m.size * at / 64), MLC_OK);
        assert_int_equal(elf_info(&ctx, arena, bad, &info), MLC_INPUT);
    }
    free(copy);
    file_unmap(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_object_runs),     cmocka_unit_test(object_runs),
        cmocka_unit_test(misfits_are_refused),    cmocka_unit_test(crashes_are_diagnostics),
        cmocka_unit_test(hanging_run_is_stopped), cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(emulated_artifact_runs), cmocka_unit_test(unloading_ends_the_workers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
