#include "test/codegen/emit/llvm/model.h"

#include "codegen/emit/c/emit_c.h"
#include "ir/base/file.h"
#include "ir/base/str.h"
#include "runtime/mlc_abi.h"

#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char codegen_path[512];

void model_find_codegen(const char *argv0)
{
    const char *at = strstr(argv0, "/test/codegen/");

    snprintf(codegen_path, sizeof codegen_path, "%.*s/mlc-codegen",
             at != NULL ? (int)(at - argv0) : 5, at != NULL ? argv0 : "build");
}

void model_open(Model *m, const char *name)
{
    memset(m, 0, sizeof *m);
    ctx_init(&m->ctx);
    m->arena = arena_new(&m->ctx);
    m->pool = ex_pool_new(m->arena);
    m->program = NEW(m->arena, Program);
    m->program->ctx = &m->ctx;
    m->program->arena = m->arena;
    m->program->pool = m->pool;
    m->program->name = name;
    strcpy(m->dir, "/tmp/mlc-llvm-test-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
}

void model_close(Model *m)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", m->dir);
    assert_int_equal(system(command), 0);
    for (int i = 0; i < MAX_IO; i++) {
        free(m->in[i]);
        free(m->out[i]);
        free(m->expected[i]);
    }
    ctx_free(&m->ctx);
}

Kernel *model_kernel(Model *m, const char *name)
{
    Kernel *k = NEW(m->arena, Kernel);
    Step s = {.kind = STEP_LAUNCH, .kernel = k};

    k->id = (int)m->program->kernels.len;
    k->name = name;
    k->skeleton = "test";
    k->pool = m->pool;
    k->macs = ex_int(m->pool, 1);
    vec_push(m->arena, &m->program->kernels, k);
    vec_push(m->arena, &m->program->steps, s);
    return m->kernel = k;
}

static Step *step(Model *m)
{
    return &m->program->steps.at[m->program->steps.len - 1];
}

static Buf *new_buf(Model *m, const char *name, Elem e, BufSpace space, Ex size)
{
    return buf_new(m->arena, m->pool, m->nbuf++, name, e, space, 1, &size);
}

static MemObj *new_object(Model *m, const Buf *b)
{
    MemObj *o = NEW(m->arena, MemObj);
    Ex size = b->size;

    o->id = (int)m->program->mem.len;
    o->space = b->space;
    o->name = b->name;
    o->elem = b->elem;
    if (elem_bits[b->elem] < 8)
        size = ex_ceil_div(m->pool, size, ex_int(m->pool, 8 / elem_bits[b->elem]));
    else
        size = ex_mul(m->pool, size, ex_int(m->pool, elem_bits[b->elem] / 8));
    o->size_bytes = size;
    o->first = o->last = (int)m->program->steps.len - 1;
    o->offset = -1;
    vec_push(m->arena, &m->program->mem, o);
    return o;
}

static Buf *add_param(Model *m, Buf *b, MemObj *o)
{
    o->last = (int)m->program->steps.len - 1;
    vec_push(m->arena, &m->kernel->params, b);
    vec_push(m->arena, &step(m)->args, o);
    return b;
}

static ProgramIo new_io(Buf *b, MemObj *o)
{
    ProgramIo io = {.name = b->name, .elem = b->elem, .rank = 1, .obj = o};

    io.dim[0] = b->dim[0];
    return io;
}

Buf *model_input(Model *m, const char *name, Elem e, Ex size)
{
    Buf *b = new_buf(m, name, e, SPACE_INPUT, size);
    MemObj *o = new_object(m, b);

    o->io = (int)m->program->inputs.len;
    assert_true(o->io < MAX_IO);
    vec_push(m->arena, &m->program->inputs, new_io(b, o));
    return add_param(m, b, o);
}

Buf *model_output(Model *m, const char *name, Elem e, Ex size)
{
    Buf *b = new_buf(m, name, e, SPACE_OUTPUT, size);
    MemObj *o = new_object(m, b);

    o->io = (int)m->program->outputs.len;
    assert_true(o->io < MAX_IO);
    vec_push(m->arena, &m->program->outputs, new_io(b, o));
    return add_param(m, b, o);
}

Buf *model_register(Model *m, const char *name, Elem e, int64_t size)
{
    Buf *b = new_buf(m, name, e, SPACE_REG, ex_int(m->pool, size));

    vec_push(m->arena, &m->kernel->regs, b);
    return b;
}

Buf *model_temp(Model *m, const char *name, Elem e, Ex size)
{
    Buf *b = new_buf(m, name, e, SPACE_TEMP, size);

    return add_param(m, b, new_object(m, b));
}

Buf *model_const(Model *m, const char *name, Tensor *t)
{
    Buf *b = new_buf(m, name, t->elem, SPACE_CONST, ex_int(m->pool, tensor_count(t)));
    MemObj *o = new_object(m, b);

    b->data = o->data = t;
    return add_param(m, b, o);
}

MemObj *model_object(Model *m, const Buf *b)
{
    for (size_t i = 0; i < m->kernel->params.len; i++) {
        if (m->kernel->params.at[i] == b)
            return step(m)->args.at[i];
    }
    return NULL;
}

Buf *model_bind(Model *m, MemObj *obj)
{
    int bits = elem_bits[obj->elem];
    Ex size = ex_floor_div(m->pool, ex_mul(m->pool, obj->size_bytes, ex_int(m->pool, 8)),
                           ex_int(m->pool, bits));

    return add_param(m, new_buf(m, obj->name, obj->elem, obj->space, size), obj);
}

/* ---- memory ---- */

static uint64_t next_random(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static void fill(Elem e, void *data, size_t n, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t r = next_random(seed);
        double v = (double)(int64_t)(r >> 40) * 0x1p-21 - 4;

        if (e == ELEM_BOOL)
            elem_set_i64(e, data, i, (int64_t)(r & 1));
        else if (!elem_is_float(e))
            elem_set_i64(e, data, i,
                         r % 16 == 0 ? (int64_t)next_random(seed) : (int64_t)(r % 41) - 20);
        else
            elem_set_f64(e, data, i,
                         r % 64 == 0   ? (double)NAN
                         : r % 64 == 1 ? (double)INFINITY
                         : r % 64 == 2 ? -0.0
                         : r % 64 == 3 ? 1e9 * v
                                       : v);
    }
}

static size_t bytes_of(Model *m, const MemObj *o)
{
    return (size_t)ex_eval_size(o->size_bytes, m->sym);
}

void model_fill(Model *m, uint64_t seed)
{
    Program *p = m->program;

    for (size_t i = 0; i < p->inputs.len; i++) {
        const MemObj *o = p->inputs.at[i].obj;

        m->in_bytes[i] = bytes_of(m, o);
        m->in[i] = calloc(1, m->in_bytes[i] + 64);
        fill(o->elem, m->in[i], m->in_bytes[i] * 8 / elem_bits[o->elem], &seed);
    }
    for (size_t i = 0; i < p->outputs.len; i++) {
        m->out_bytes[i] = bytes_of(m, p->outputs.at[i].obj);
        m->out[i] = calloc(1, m->out_bytes[i] + 64);
        m->expected[i] = calloc(1, m->out_bytes[i] + 64);
    }
}

/* ---- compiling ---- */

static int shell(const char *command)
{
    int rc = system(command);

    return WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
}

/* By the C emitter and the system's compiler, without a single warning. */
static int emit_by_c(Model *m, const char *path)
{
    CInfo info = {.prefix = "P", .target = "c99", .mlc_version = "test", .sha256 = ""};
    char command[1024], source[128];

    program_plan_memory(m->program);
    assert_int_equal(program_verify(m->program), MLC_OK);
    snprintf(source, sizeof source, "%s/model.c", m->dir);
    assert_int_equal(c_emit_file(m->program, &info, source), MLC_OK);
    snprintf(command, sizeof command,
             "cc -std=c99 -O1 -Wall -Wextra -Wpedantic -Werror -fPIC -c -o %s %s", path, source);
    return shell(command);
}

int model_emit(Model *m, const char *options, const char *suffix, char path[128])
{
    char command[2048], input[128];
    Str text = str_new(m->arena);

    if (strncmp(options, "c99", 3) == 0) {
        snprintf(path, 128, "%s/model%s", m->dir, suffix);
        return emit_by_c(m, path);
    }
    program_plan_memory(m->program);
    assert_int_equal(program_verify(m->program), MLC_OK);
    assert_int_equal(program_write(m->program, &text), MLC_OK);
    snprintf(input, sizeof input, "%s/program", m->dir);
    snprintf(path, 128, "%s/model%s", m->dir, suffix);
    assert_int_equal(file_write(&m->ctx, input, text.at, text.len), MLC_OK);
    snprintf(command, sizeof command, "%s %s --prefix P --target-name test %s -o %s", codegen_path,
             input, options, path);
    return shell(command);
}

int model_run(Model *m, const char *target)
{
    const mlc_model_v1 *model;
    const void *io[2 * MAX_IO + 1];
    char path[128], command[512];
    void *lib, *workspace;
    int n = 0, status;
    int64_t *sizes;

    assert_int_equal(model_emit(m, target, ".o", path), 0);
    snprintf(command, sizeof command, "cc -shared -o %s/model.so %s -lm -lpthread", m->dir, path);
    assert_int_equal(shell(command), 0);
    snprintf(command, sizeof command, "%s/model.so", m->dir);
    lib = dlopen(command, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(lib);
    model = dlsym(lib, "P_model");
    assert_non_null(model);
    assert_int_equal(model->ninputs, m->program->inputs.len);
    sizes = calloc((size_t)model->sizes_words, sizeof *sizes);
    assert_int_equal(model->bind(m->sym, sizes), 0);
    workspace = aligned_alloc(64, (size_t)sizes[0] + 64);
    if (model->nsymbols > 0)
        io[n++] = sizes;
    for (size_t i = 0; i < m->program->inputs.len; i++)
        io[n++] = m->in[i];
    for (size_t i = 0; i < m->program->outputs.len; i++)
        io[n++] = m->out[i];
    status = model->run(io, workspace);
    free(workspace);
    free(sizes);
    dlclose(lib);
    return status;
}

Status model_interp(Model *m)
{
    return program_interp(m->program, INTERP_EXACT, m->sym, (const void *const *)m->in,
                          (void *const *)m->expected);
}

static bool same(Elem e, const void *a, const void *b, size_t i)
{
    if (elem_is_float(e)) {
        double x = elem_get_f64(e, a, i), y = elem_get_f64(e, b, i);

        return x == y || (x != x && y != y);
    }
    return elem_get_i64(e, a, i) == elem_get_i64(e, b, i);
}

/* The kernel that writes o, for whoever must find out what went wrong. */
static void print_step(Model *m, const MemObj *o)
{
    Str text = str_new(m->arena);

    for (size_t i = 0; i < m->program->steps.len; i++) {
        const Step *s = &m->program->steps.at[i];

        for (size_t k = 0; k < s->args.len; k++) {
            if (s->args.at[k] == o)
                kernel_print(&text, s->kernel);
        }
    }
    print_message("%s", str_text(&text));
}

void model_compare(Model *m)
{
    for (size_t i = 0; i < m->program->outputs.len; i++) {
        Elem e = m->program->outputs.at[i].elem;
        size_t n = m->out_bytes[i] * 8 / elem_bits[e];

        for (size_t k = 0; k < n; k++) {
            if (!same(e, m->out[i], m->expected[i], k)) {
                print_step(m, m->program->outputs.at[i].obj);
                fail_msg("output %s[%zu] (%s): %.9g, expected %.9g", m->program->outputs.at[i].name,
                         k, elem_name[e], elem_get_f64(e, m->out[i], k),
                         elem_get_f64(e, m->expected[i], k));
            }
        }
    }
}

#define SSE2 "--cpu x86-64 "
#define SSE4 "--cpu x86-64 --features +sse4.2 "
#define AVX2 "--cpu haswell --features +avx2,+fma,+f16c,+bmi,+bmi2 --cpu-bits 1 "
#define AVX512                                                                                     \
    "--cpu skylake-avx512 --features "                                                             \
    "+avx2,+fma,+f16c,+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512cd "                           \
    "--cpu-bits 3 "

const char *const *model_targets(void)
{
    static const char *targets[6];
    int n = 0;

    targets[n++] = SSE2;
    targets[n++] = SSE4;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        targets[n++] = AVX2;
    if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        targets[n++] = AVX512;
    targets[n++] = "c99 +fma";
    return targets;
}
