/* The C emitter: the text of a small kernel; every operation and every cast against the
 * interpreter; weights of all kinds; C++; the same bytes twice. (Random kernels, symbols, checks
 * and tails are tested together with the LLVM emitter, whose harness is used here as well.) */
#include "test/codegen/emit/llvm/model.h"

#include "codegen/emit/c/emit_c.h"
#include "ir/base/str.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N = 64 };

static const Elem native[] = {ELEM_F32, ELEM_F64, ELEM_I8,  ELEM_I16, ELEM_I32, ELEM_I64,
                              ELEM_U8,  ELEM_U16, ELEM_U32, ELEM_U64, ELEM_BOOL};

static Status to_str(void *arg, const void *data, size_t size)
{
    str_addn(arg, data, size);
    return MLC_OK;
}

static Status emit(Model *m, Str *out)
{
    CInfo info = {
        .prefix = "P", .target = "c99", .mlc_version = "test", .source = "net.onnx", .sha256 = ""};
    CSink sink = {to_str, out};

    *out = str_new(m->arena);
    program_plan_memory(m->program);
    assert_int_equal(program_verify(m->program), MLC_OK);
    return c_emit(m->program, &info, &sink);
}

static void run_and_compare(Model *m)
{
    model_fill(m, 4711);
    assert_int_equal(model_interp(m), MLC_OK);
    assert_int_equal(model_run(m, "c99"), 0);
    model_compare(m);
}

static Ex load(Model *m, const Buf *b, Ex i)
{
    return ex_load(m->pool, b, b->elem, 1, &i);
}

/* ---- the text ---- */

/* y[i] = relu(sum_k x[k] * w[4*k + i]) */
static void small_kernel(Model *m)
{
    ExPool *p = m->pool;
    int64_t shape[1] = {12};
    Tensor *t = tensor_new(m->arena, ELEM_F32, 1, shape);
    Kernel *k = model_kernel(m, "k0_dense");
    Buf *x = model_input(m, "image.1", ELEM_F32, ex_int(p, 3));
    Buf *w, *y, *acc;
    Ex i = ex_var(p, ex_int(p, 4)), r = ex_var(p, ex_int(p, 3)), zero = ex_int(p, 0), at;
    Stmt *s;

    for (int n = 0; n < 12; n++)
        ((float *)(uintptr_t)t->data)[n] = (float)n * 0.125f - 0.5f;
    w = model_const(m, "dense/kernel", t);
    y = model_output(m, "y", ELEM_F32, ex_int(p, 4));
    acc = model_register(m, "acc", ELEM_F32, 1);
    vec_push(m->arena, &k->origin, "/dense/MatMul");
    vec_push(m->arena, &k->origin, "/dense/Relu */ x");
    at = ex_add(p, ex_mul(p, r, ex_int(p, 4)), i);
    s = stmt_store(m->arena, acc, zero,
                   ex_add(p, load(m, acc, zero), ex_mul(p, load(m, x, r), load(m, w, at))), NULL);
    s = stmt_seq(stmt_store(m->arena, acc, zero, ex_const_f(p, ELEM_F32, 0), NULL),
                 stmt_loop(m->arena, r, LOOP_SERIAL, s));
    s = stmt_seq(s, stmt_store(m->arena, y, i,
                               ex_max(p, load(m, acc, zero), ex_const_f(p, ELEM_F32, 0)), NULL));
    k->body = stmt_loop(m->arena, i, LOOP_PARALLEL, s);
}

static const char *const golden =
    "static float P_max_f32(float a, float b)\n"
    "{\n"
    "    return a != a ? a : b != b ? b : a > b ? a : b;\n"
    "}\n"
    "\n"
    "/* dense/kernel */\n"
    "static const float P_w1[12] = {\n"
    "    -0x1p-1f, -0x1.8p-2f, -0x1p-2f, -0x1p-3f, 0.0f, 0x1p-3f, 0x1p-2f, 0x1.8p-2f, "
    "0x1p-1f,\n"
    "    0x1.4p-1f, 0x1.8p-1f, 0x1.cp-1f,\n"
    "};\n"
    "\n"
    "/* test: /dense/MatMul, /dense/Relu *_ x */\n"
    "static void P_k0_dense(const float *P_RESTRICT image_1, const float *P_RESTRICT "
    "dense_kernel,\n"
    "    float *P_RESTRICT y)\n"
    "{\n"
    "    for (int32_t i0 = 0; i0 < 4; i0++) {\n"
    "        float acc;\n"
    "        acc = 0.0f;\n"
    "        for (int32_t k1 = 0; k1 < 3; k1++) {\n"
    "            acc = acc + image_1[k1] * dense_kernel[4 * k1 + i0];\n"
    "        }\n"
    "        y[i0] = P_max_f32(acc, 0.0f);\n"
    "    }\n"
    "}\n"
    "\n"
    "static int P_exec(const mlc_rt_run *r)\n"
    "{\n"
    "    const float *in0 = (const float *)r->io[0]; /* image.1 */\n"
    "    float *out0 = (float *)r->io[1]; /* y */\n"
    "\n"
    "    P_k0_dense(in0, P_w1, out0);\n"
    "    return 0;\n"
    "}\n";

static void text_of_a_kernel(void **state)
{
    Model m;
    Str text, again;

    (void)state;
    model_open(&m, "dense");
    small_kernel(&m);
    assert_int_equal(emit(&m, &text), MLC_OK);
    if (strstr(str_text(&text), golden) == NULL)
        fail_msg("another text:\n%s", strstr(str_text(&text), "static float P_max") != NULL
                                          ? strstr(str_text(&text), "static float P_max")
                                          : str_text(&text));
    assert_non_null(strstr(str_text(&text), "/* P.c: net.onnx as C by mlc test. Do not edit.\n"));
    assert_null(strstr(str_text(&text), "<math.h>"));
    assert_null(strstr(str_text(&text), "malloc"));
    assert_int_equal(emit(&m, &again), MLC_OK);
    assert_string_equal(str_text(&text), str_text(&again));
    run_and_compare(&m);
    model_close(&m);
}

static void compiles_as_cxx(void **state)
{
    Model m;
    char command[512];

    (void)state;
    if (system("command -v g++ >/dev/null") != 0)
        skip();
    model_open(&m, "dense");
    small_kernel(&m);
    run_and_compare(&m);
    snprintf(command, sizeof command,
             "g++ -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -c -o %s/cxx.o %s/model.c && "
             "nm -g %s/cxx.o | grep -q ' P_run$'",
             m.dir, m.dir, m.dir);
    assert_int_equal(system(command), 0);
    model_close(&m);
}

/* ---- operations ---- */

static bool has_meaning(ExOp op, Elem e)
{
    bool bits = op >= EX_AND && op <= EX_SHR, compare = op >= EX_LT && op <= EX_NE;

    if (op == EX_MIN || op == EX_MAX || op == EX_SELECT || compare)
        return true;
    if (e == ELEM_BOOL)
        return op == EX_ADD || op == EX_MUL || (bits && op < EX_SHL);
    return elem_is_float(e) ? !bits : op != EX_SQRT && op < EX_EXP;
}

/* y = op(a, b, c) */
static void add_operation(Model *m, ExOp op, Elem e, bool is_first)
{
    static Buf *in[3];
    ExPool *p = m->pool;
    Ex i = ex_var(p, ex_int(p, N)), arg[3], v;
    Kernel *k = model_kernel(m, arena_printf(m->arena, "k_%s", ex_op_name[op]));
    Buf *y;

    for (int n = 0; n < 3; n++)
        in[n] = is_first ? model_input(m, arena_printf(m->arena, "x%d", n), e, ex_int(p, N))
                         : model_bind(m, m->program->inputs.at[n].obj);
    for (int n = 0; n < 3; n++)
        arg[n] = load(m, in[n], i);
    if (op == EX_SELECT)
        arg[0] = ex_lt(p, arg[0], arg[1]);
    v = ex_op(p, op, ex_op_arity[op], arg);
    y = model_output(m, arena_printf(m->arena, "y_%s", ex_op_name[op]), (Elem)v->elem,
                     ex_int(p, N));
    k->body = stmt_loop(m->arena, i, LOOP_PARALLEL, stmt_store(m->arena, y, i, v, NULL));
}

static void operations(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(native); t++)
        for (int from = EX_ADD; from <= EX_SIGMOID; from += MAX_IO / 2) {
            Model m;
            bool first = true;

            model_open(&m, "operations");
            for (int op = from; op < from + MAX_IO / 2 && op <= EX_SIGMOID; op++)
                if (has_meaning((ExOp)op, native[t])) {
                    add_operation(&m, (ExOp)op, native[t], first);
                    first = false;
                }
            if (!first)
                run_and_compare(&m);
            model_close(&m);
        }
}

/* ---- casts ---- */

static const Elem castable[] = {
    ELEM_F32,    ELEM_F64,    ELEM_F16,    ELEM_BF16,       ELEM_I8,        ELEM_I16,
    ELEM_I32,    ELEM_I64,    ELEM_U8,     ELEM_U16,        ELEM_U32,       ELEM_U64,
    ELEM_BOOL,   ELEM_I4,     ELEM_U4,     ELEM_I2,         ELEM_U2,        ELEM_F8E4M3FN,
    ELEM_F8E5M2, ELEM_F4E2M1, ELEM_F8E8M0, ELEM_F8E4M3FNUZ, ELEM_F8E5M2FNUZ};

static void add_cast(Model *m, Elem from, Elem to, bool saturates, bool is_first)
{
    ExPool *p = m->pool;
    Ex i = ex_var(p, ex_int(p, N)), v;
    Kernel *k = model_kernel(m, arena_printf(m->arena, "k_%s%d", elem_name[to], saturates));
    Buf *x = is_first ? model_input(m, "x", from, ex_int(p, N))
                      : model_bind(m, m->program->inputs.at[0].obj);
    Buf *y = model_output(m, elem_name[to], to, ex_int(p, N));

    v = load(m, x, i);
    v = saturates ? ex_cast_saturating(p, to, v) : ex_cast(p, to, v);
    k->body = stmt_loop(m->arena, i, LOOP_PARALLEL, stmt_store(m->arena, y, i, v, NULL));
}

static void casts(void **state)
{
    (void)state;
    for (size_t f = 0; f < COUNT_OF(castable); f++)
        for (int saturates = 0; saturates < 2; saturates++) {
            Model m;

            model_open(&m, "casts");
            for (size_t t = 0; t < COUNT_OF(castable); t++)
                add_cast(&m, castable[f], castable[t], saturates, t == 0);
            run_and_compare(&m);
            model_close(&m);
        }
}

/* ---- weights ---- */

static void set_specials(Tensor *t, int64_t n)
{
    static const double special[] = {0,     -0.0,           INFINITY, -INFINITY, NAN,
                                     1e-45, 0x1.fffffep127, -1,       5e-324,    255};

    for (int64_t i = 0; i < n; i++)
        elem_set_f64(t->elem, (void *)(uintptr_t)t->data, (size_t)i,
                     special[i % (int64_t)COUNT_OF(special)]);
    if (t->elem == ELEM_I64 || t->elem == ELEM_I32 || t->elem == ELEM_U64)
        elem_set_i64(t->elem, (void *)(uintptr_t)t->data, 3, INT64_MIN + (t->elem == ELEM_U64));
    if (t->elem == ELEM_I32)
        elem_set_i64(t->elem, (void *)(uintptr_t)t->data, 4, INT32_MIN);
}

/* Arrays of every type, with all that is hard to write; a splat; zeros. */
static void weights(void **state)
{
    Model m;

    (void)state;
    model_open(&m, "weights");
    for (size_t e = 0; e < COUNT_OF(castable); e++) {
        ExPool *p = m.pool;
        int64_t shape[1] = {40};
        Tensor *t = tensor_new(m.arena, castable[e], 1, shape);
        Ex i = ex_var(p, ex_int(p, 40));
        Kernel *k = model_kernel(&m, arena_printf(m.arena, "k%zu", e));
        Buf *w, *y;

        set_specials(t, 40);
        if (e == 0 || e == 7) {
            elem_set_f64(castable[e], (void *)(uintptr_t)t->data, 0, e == 0 ? 1.5 : 0);
            t->splat = true;
            t->size_bytes = elem_size_bytes(castable[e], 1);
        }
        w = model_const(&m,
                        "w */ ?"
                        "?/",
                        t);
        y = model_output(&m, elem_name[castable[e]], castable[e], ex_int(p, 40));
        k->body =
            stmt_loop(m.arena, i, LOOP_PARALLEL, stmt_store(m.arena, y, i, load(&m, w, i), NULL));
    }
    run_and_compare(&m);
    model_close(&m);
}

/* Equal constants at one place are one array. */
static void shared_weights(void **state)
{
    Model m;
    Str text;

    (void)state;
    model_open(&m, "shared");
    for (int n = 0; n < 2; n++) {
        ExPool *p = m.pool;
        int64_t shape[1] = {40};
        Tensor *t = tensor_new(m.arena, ELEM_F32, 1, shape);
        Ex i = ex_var(p, ex_int(p, 40));
        Kernel *k = model_kernel(&m, n ? "k1" : "k0");
        Buf *w, *y;

        elem_set_f64(ELEM_F32, (void *)(uintptr_t)t->data, 5, 3);
        w = model_const(&m, "w", t);
        y = model_output(&m, n ? "y1" : "y0", ELEM_F32, ex_int(p, 40));
        k->body =
            stmt_loop(m.arena, i, LOOP_PARALLEL, stmt_store(m.arena, y, i, load(&m, w, i), NULL));
    }
    assert_int_equal(emit(&m, &text), MLC_OK);
    assert_non_null(strstr(str_text(&text), "static const float P_w0[40]"));
    assert_null(strstr(str_text(&text), "static const float P_w2[40]"));
    run_and_compare(&m);
    model_close(&m);
}

/* ---- what C cannot say ---- */

static void refused(void **state)
{
    Model m;
    Str text;
    ExPool *p;
    Ex i;
    Kernel *k;
    Buf *x, *y;

    (void)state;
    model_open(&m, "strings");
    p = m.pool;
    i = ex_var(p, ex_int(p, 4));
    k = model_kernel(&m, "k0");
    x = model_input(&m, "x", ELEM_C64, ex_int(p, 4));
    y = model_output(&m, "y", ELEM_C64, ex_int(p, 4));
    k->body = stmt_loop(m.arena, i, LOOP_PARALLEL, stmt_store(m.arena, y, i, load(&m, x, i), NULL));
    assert_int_equal(emit(&m, &text), MLC_INPUT);
    assert_non_null(strstr(m.ctx.diags.first->message, "c64 cannot be compiled for c99"));
    model_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_a_kernel), cmocka_unit_test(compiles_as_cxx),
        cmocka_unit_test(operations),       cmocka_unit_test(casts),
        cmocka_unit_test(weights),          cmocka_unit_test(shared_weights),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
