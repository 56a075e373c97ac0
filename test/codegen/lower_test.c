/* Lowering keeps the meaning: every case is lowered twice, without any fusion or schedule (level 0)
 * and for a machine with 8 lanes, and both programs are interpreted on the same random input. Sums may
 * be reassociated, so results agree within a few rounding errors. */
#include "codegen/lower/lower.h"
#include "ir/base/str.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const TargetDesc avx2_like = {.name = "test", .kind = TARGET_OBJECT, .vector_bits = 256,
                                     .vector_regs = 16, .has_fma = true, .l2_bytes = 512 << 10,
                                     .l3_bytes = 8 << 20};

typedef struct Case {
    const char *name;
    const char *text;     /* $W(shape) stands for a constant with random data, $H(shape) for one
                             of float16, $B(shape) of bfloat16 */
    const char *skeleton; /* the kernel that must be there, or NULL */
    int64_t     batch;    /* value of the symbol */
} Case;

#define HEAD "graph \"g\" opset 13 { sym n >= 1 "

static const Case cases[] = {
    {"conv3x3", HEAD "in %x : f32[1,3,9,11] const %w : $W(16,3,3,3) const %b : $W(16)"
     "%y : f32[1,16,9,11] = Conv(%x, %w, %b) {pads=[1,1,1,1]} %r : f32[1,16,9,11] = Relu(%y) out %r }", "gemm", 1},
    {"conv_chain", HEAD "in %x : f32[n,3,12,12] const %w : $W(20,3,3,3) const %v : $W(9,20,3,3)"
     "%y : f32[n,20,12,12] = Conv(%x, %w) {pads=[1,1,1,1]} %r : f32[n,20,12,12] = Relu(%y)"
     "%z : f32[n,9,6,6] = Conv(%r, %v) {pads=[1,1,1,1], strides=[2,2]} out %z }", "gemm", 3},
    {"conv_residual", HEAD "in %x : f32[1,16,8,8] const %w : $W(16,16,1,1)"
     "%y : f32[1,16,8,8] = Conv(%x, %w) %z : f32[1,16,8,8] = Add(%y, %x) %r : f32[1,16,8,8] = Relu(%z) out %r }", "gemm", 1},
    {"winograd", HEAD "in %x : f32[1,16,16,16] const %w : $W(24,16,3,3) const %b : $W(24)"
     "%y = Conv(%x, %w, %b) {pads=[1,1,1,1]} %r = Relu(%y) %m = MaxPool(%r) {kernel_shape=[2,2]} out %m }", "winograd", 1},
    {"winograd_edges", HEAD "in %x : f32[2,32,11,18] const %w : $W(16,32,3,3) const %v : $W(16,16,3,3) const %b : $W(16)"
     "%y = Conv(%x, %w, %b) %z = Conv(%y, %v, %b) {pads=[1,1,1,1]} %s = Sigmoid(%z) %r = Add(%s, %y)"
     "%m = MaxPool(%r) {kernel_shape=[2,2]} out %m }", "winograd", 1},
    {"winograd_large", HEAD "in %x : f32[1,64,41,37] const %w : $W(64,64,3,3)"
     "%y = Conv(%x, %w) {pads=[0,1,1,0]} %m = MaxPool(%y) {kernel_shape=[2,2]} out %m }", "winograd", 1},
    {"winograd_run", HEAD "in %x : f32[1,16,n,n] const %w : $W(24,16,3,3)"
     "%y = Conv(%x, %w) {pads=[1,1,1,1]} %m = MaxPool(%y) {kernel_shape=[2,2]} out %m }", "winograd", 21},
    {"winograd_batch", HEAD "in %x : f32[n,24,9,7] const %w : $W(16,24,3,3)"
     "%y = Conv(%x, %w) {pads=[1,1,1,1]} %m = MaxPool(%y) {kernel_shape=[2,2]} out %m }", "winograd", 5},
    {"depthwise", HEAD "in %x : f32[2,24,10,10] const %w : $W(24,1,3,3) const %b : $W(24)"
     "%y : f32[2,24,10,10] = Conv(%x, %w, %b) {pads=[1,1,1,1], group=24} out %y }", "vector", 1},
    {"grouped", HEAD "in %x : f32[1,16,6,6] const %w : $W(32,4,3,3)"
     "%y : f32[1,32,4,4] = Conv(%x, %w) {group=4} out %y }", "gemm", 1},
    {"dilated", HEAD "in %x : f32[1,5,13,13] const %w : $W(10,5,3,3)"
     "%y : f32[1,10,9,9] = Conv(%x, %w) {dilations=[2,2]} out %y }", "gemm", 1},
    {"conv1d", HEAD "in %x : f32[1,6,40] const %w : $W(12,6,5)"
     "%y : f32[1,12,40] = Conv(%x, %w) {pads=[2,2]} out %y }", "gemm", 1},
    {"matmul", HEAD "in %x : f32[n,33] const %w : $W(33,21) const %b : $W(21)"
     "%y : f32[n,21] = MatMul(%x, %w) %z : f32[n,21] = Add(%y, %b) out %z }", "gemm", 7},
    {"matmul_row", HEAD "in %x : f32[1,64] const %w : $W(64,40) %y : f32[1,40] = MatMul(%x, %w) out %y }", "gemm", 1},
    {"matmul_two_inputs", HEAD "in %x : f32[30,18] in %w : f32[18,50] %y : f32[30,50] = MatMul(%x, %w) out %y }", "gemm", 1},
    {"matmul_batched", HEAD "in %x : f32[n,2,5,7] in %w : f32[n,2,7,9] %y : f32[n,2,5,9] = MatMul(%x, %w) out %y }", "gemm", 2},
    {"gemm_transposed", HEAD "in %x : f32[n,20] const %w : $W(17,20) const %b : $W(17)"
     "%y : f32[n,17] = Gemm(%x, %w, %b) {transB=1} %z : f32[n,17] = Sigmoid(%y) out %z }", "gemm", 5},
    {"elementwise", HEAD "in %x : f32[n,3,7] in %v : f32[7] %y : f32[n,3,7] = Mul(%x, %v)"
     "%z : f32[n,3,7] = Tanh(%y) %s : f32[n,3,7] = Sub(%z, %x) out %s }", "vector", 4},
    {"maxpool", HEAD "in %x : f32[1,19,9,9] const %w : $W(19,19,1,1) %y : f32[1,19,9,9] = Conv(%x, %w)"
     "%z : f32[1,19,5,5] = MaxPool(%y) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]} out %z }", "gemm", 1},
    {"softmax", HEAD "in %x : f32[n,50] %y : f32[n,50] = Softmax(%x) {axis=1} out %y }", "rows", 3},
    {"concat", HEAD "in %x : f32[1,8,5,5] const %w : $W(8,8,1,1) const %v : $W(12,8,3,3)"
     "%a : f32[1,8,5,5] = Conv(%x, %w) %b : f32[1,12,5,5] = Conv(%x, %v) {pads=[1,1,1,1]}"
     "%c : f32[1,20,5,5] = Concat(%a, %b) {axis=1} %r : f32[1,20,5,5] = Relu(%c) out %r }", "gemm", 1},
    {"flatten", HEAD "in %x : f32[n,3,6,6] const %w : $W(10,3,3,3) const %v : $W(160,12)"
     "%a : f32[n,10,4,4] = Conv(%x, %w) %f : f32[n,160] = Flatten(%a) {axis=1} %y : f32[n,12] = MatMul(%f, %v) out %y }", "gemm", 2},
    {"arg_max", HEAD "in %x : f32[3,5,17] %y : i64[3,17] = ArgMax(%x) {axis=1, keepdims=0}"
     "%z : f32[3,17] = Cast(%y) {to=1} out %z }", "vector", 1},
    {"up_4x2", HEAD "in %x : f32[n,6,7,5] const %w : $W(6,16,4,4) const %b : $W(16)"
     "%y = ConvTranspose(%x, %w, %b) {strides=[2,2], pads=[1,1,1,1]} %r = Relu(%y) out %r }", "gemm", 2},
    {"up_3x2", HEAD "in %x : f32[1,6,7,5] const %w : $W(6,16,3,3)"
     "%y = ConvTranspose(%x, %w) {strides=[2,2], pads=[1,1,0,0]} %r = Relu(%y) out %r }", "gemm", 1},
    {"up_grouped", HEAD "in %x : f32[1,8,9] const %w : $W(8,4,5)"
     "%y = ConvTranspose(%x, %w) {strides=[3], group=2, output_padding=[2]} out %y }", NULL, 1},
    {"up_dilated", HEAD "in %x : f32[1,3,6,6] const %w : $W(3,8,3,2)"
     "%y = ConvTranspose(%x, %w) {strides=[2,3], dilations=[2,1], pads=[1,0,2,1]} out %y }", NULL, 1},
    {"pool_flatten", HEAD "in %x : f32[1,1,21,21] const %w : $W(32,1,2,2)"
     "%y = Conv(%x, %w) %r = Relu(%y) %p = MaxPool(%r) {kernel_shape=[4,4], strides=[4,4]}"
     "%f = Flatten(%p) {axis=1} out %f }", "vector", 1},
    {"pool_wide", HEAD "in %x : f32[n,3,14,13] const %w : $W(19,3,1,1) %y = Conv(%x, %w)"
     "%z = MaxPool(%y) {kernel_shape=[7,5], strides=[2,1], pads=[3,2,3,1]} out %z }", "vector", 2},
    {"turned", HEAD "in %x : f32[1,3,20,44] const %w : $W(8,6,3,3) const %b : i64[1] = {0} const %c : i64[1] = {1}"
     "const %e : i64[1] = {44} const %a : i64[1] = {3} const %s : i64[1] = {2} %p = Slice(%x, %b, %e, %a, %s)"
     "%q = Slice(%x, %c, %e, %a, %s) %d = Concat(%p, %q) {axis=1} %y = Conv(%d, %w) {pads=[1,1,1,1]} out %y }", "vector", 1},
    {"one_channel", HEAD "in %x : f32[n,3,9,12] const %w : $W(8,3,1,1) const %v : $W(1,8,5,5)"
     "%y = Conv(%x, %w) %z = Conv(%y, %v) {pads=[2,2,2,2]} %s = Sigmoid(%z) out %s }", "rows", 2},
    {"padded_slice", HEAD "in %x : f32[1,8,11,30] const %w : $W(8,8,1,1) const %v : $W(16,8,3,5)"
     "const %b : i64[1] = {0} const %e : i64[1] = {21} const %a : i64[1] = {3} %y = Conv(%x, %w) %s = Slice(%y, %b, %e, %a)"
     "%z = Conv(%s, %v) {pads=[1,2,1,2]} out %z }", "gemm", 1},
    {"sizes_of_the_run", HEAD "in %x : f32[1,3,n,n] const %w : $W(8,3,3,3) const %v : $W(16,8,2,2)"
     "%a = Conv(%x, %w) {pads=[1,1,1,1], strides=[2,2]} %b = Relu(%a)"
     "%d = Conv(%b, %v) {pads=[1,0,1,1], strides=[3,2]} out %d }", "gemm", 14},
    {"depthwise_run", HEAD "in %x : f32[1,24,n,n] const %w : $W(24,1,5,5) const %v : $W(24,24,1,1)"
     "%a = Conv(%x, %v) %b = Conv(%a, %w) {pads=[2,2,2,2], group=24, strides=[2,1]} out %b }", "vector", 11},
    {"half_conv", HEAD "in %h : f16[1,5,9,11] const %w : $H(16,5,3,3) const %b : $W(16)"
     "%x : f32[1,5,9,11] = Cast(%h) {to=1} %v : f32[16,5,3,3] = Cast(%w) {to=1}"
     "%y : f32[1,16,9,11] = Conv(%x, %v, %b) {pads=[1,1,1,1]} out %y }", "gemm", 1},
    {"half_matmul", HEAD "in %x : f32[n,33] const %w : $B(21,33)"
     "%v : f32[21,33] = Cast(%w) {to=1} %t : f32[33,21] = Transpose(%v) %y : f32[n,21] = MatMul(%x, %t) out %y }", "gemm", 7},
    {"half_left", HEAD "const %w : $H(21,33) in %x : f32[33,40]"
     "%v : f32[21,33] = Cast(%w) {to=1} %y : f32[21,40] = MatMul(%v, %x) out %y }", "gemm", 7},
    {"transpose", HEAD "in %x : f32[n,4,6,10] %t : f32[n,6,10,4] = Transpose(%x) {perm=[0,2,3,1]}"
     "%y : f32[n,6,10,4] = Exp(%t) out %y }", NULL, 2},
};

/* ---- the text, with random constants ---- */

static uint64_t rng;

static float next_random(void)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(rng >> 40) / (1 << 23) - 1.0);
}

static void add_random(Str *s, Elem e)
{
    uint8_t b[4];
    elem_set_f64(e, b, 0, (double)next_random());
    for (size_t i = 0; i < elem_size_bytes(e, 1); i++)
        str_printf(s, "%02x", b[i]);
}

static const char *expand_text(Arena *a, const char *text)
{
    Str s = str_new(a);
    while (*text) {
        Elem e = str_starts(text, "$W(")   ? ELEM_F32
                 : str_starts(text, "$H(") ? ELEM_F16
                 : str_starts(text, "$B(") ? ELEM_BF16
                                           : ELEM_NONE;
        if (!e) {
            str_addc(&s, *text++);
            continue;
        }
        const char *close = strchr(text, ')');
        int64_t count = 1;
        for (const char *p = text + 3; p < close; p++) {
            count *= strtoll(p, (char **)&p, 10);
        }
        str_printf(&s, "%s[", elem_name[e]);
        str_addn(&s, text + 3, (size_t)(close - text - 3));
        str_add(&s, "] = hex \"");
        for (int64_t i = 0; i < count; i++)
            add_random(&s, e);
        str_addc(&s, '"');
        text = close + 1;
    }
    return str_text(&s);
}

/* ---- both programs ---- */

static Program *lowered_for(Ctx *c, const char *text, int level, const TargetDesc *target)
{
    Graph *g;
    Program *p;
    LowerOptions o = {.level = level};
    assert_int_equal(graph_parse(c, text, "case", &g), MLC_OK);
    assert_int_equal(graph_infer(g), MLC_OK);
    assert_int_equal(lower_graph(g, target, &o, &p), MLC_OK);
    return p;
}

static Program *lowered(Ctx *c, const char *text, int level)
{
    return lowered_for(c, text, level, &avx2_like);
}

static int64_t io_count(const ProgramIo *io, const int64_t *sym)
{
    int64_t n = 1;
    for (int i = 0; i < io->rank; i++)
        n *= ex_eval_size(io->dim[i], sym);
    return n;
}

static float *run(Program *p, int64_t batch, uint64_t seed, int64_t *count)
{
    const void *in[4];
    int64_t sym[8];
    for (int i = 0; i < 8; i++)
        sym[i] = batch;
    rng = seed;
    for (size_t i = 0; i < p->inputs.len; i++) {
        int64_t n = io_count(&p->inputs.at[i], sym);
        Elem e = p->inputs.at[i].elem;
        void *data = arena_alloc(p->arena, elem_size_bytes(e, (size_t)n), 64);
        for (int64_t k = 0; k < n; k++)
            elem_set_f64(e, data, (size_t)k, (double)next_random());
        in[i] = data;
    }
    *count = io_count(&p->outputs.at[0], sym);
    void *out = NEW_ARRAY(p->arena, float, *count);
    assert_int_equal(program_interp(p, INTERP_EXACT, sym, in, &out), MLC_OK);
    return out;
}

static bool has_skeleton(const Program *p, const char *name)
{
    for (size_t i = 0; i < p->kernels.len; i++)
        if (str_eq(p->kernels.at[i]->skeleton, name))
            return true;
    return false;
}

static void check_case(void **state)
{
    const Case *k = *state;
    Ctx c;
    ctx_init(&c);
    Arena *a = arena_new(&c);
    rng = 42;
    const char *text = expand_text(a, k->text);
    Program *plain = lowered(&c, text, 0), *fast = lowered(&c, text, 2);
    if (k->skeleton)
        assert_true(has_skeleton(fast, k->skeleton));
    float error = has_skeleton(fast, "winograd") ? 2e-4f : 1e-5f; /* sums of 144 to 576 products */
    for (uint64_t seed = 1; seed <= 2; seed++) {
        int64_t n, m;
        float *want = run(plain, k->batch, seed, &n), *got = run(fast, k->batch, seed, &m);
        assert_int_equal(n, m);
        for (int64_t i = 0; i < n; i++)
            if (!(fabsf(want[i] - got[i]) <= error + 1e-5f * fabsf(want[i])))
                fail_msg("%s: element %lld is %a, not %a", k->name, (long long)i, (double)got[i], (double)want[i]);
    }
    ctx_free(&c);
}

/* Half weights stay halves in the artifact where the target converts them as it loads, or where small
 * size is asked for; else they are packed as float32. */
static void half_weights_are_packed_as_they_are(void **state)
{
    (void)state;
    static const char *const model = HEAD "in %x : f32[64,96] const %w : $H(96,64)"
        "%v : f32[96,64] = Cast(%w) {to=1} %y : f32[64,64] = MatMul(%x, %v) out %y }";
    TargetDesc with_f16 = avx2_like;
    with_f16.has_f16 = true;
    Ctx c;
    ctx_init(&c);
    const char *text = expand_text(arena_new(&c), model);
    const int64_t half = 96 * 64 * 2;
    Program *kept = lowered_for(&c, text, 2, &with_f16);
    assert_true(has_skeleton(kept, "gemm"));
    assert_int_equal(kept->weights_bytes, half);
    assert_int_equal(lowered_for(&c, text, 4, &avx2_like)->weights_bytes, half);
    assert_int_equal(lowered_for(&c, text, 2, &avx2_like)->weights_bytes, 2 * half);
    ctx_free(&c);
}

/* Does a sum below `s` read under a condition? */
static bool sums_under_guard(const Stmt *s)
{
    for (; s; s = s->next) {
        if (s->kind == STMT_LOOP && sums_under_guard(s->loop.body))
            return true;
        if (s->kind == STMT_STORE && s->store.value->op == EX_FMA && ex_uses_op(s->store.value, EX_GUARD))
            return true;
    }
    return false;
}

/* Padding is a margin of zeros around what is read, even where that is part of a larger tensor or where
 * the run knows the size. */
static void padding_is_no_condition(void **state)
{
    (void)state;
    Ctx c;
    ctx_init(&c);
    int seen = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (!str_eq(cases[i].name, "padded_slice") && !str_eq(cases[i].name, "conv_chain") &&
            !str_eq(cases[i].name, "sizes_of_the_run"))
            continue;
        Program *p = lowered(&c, expand_text(arena_new(&c), cases[i].text), 2);
        for (size_t k = 0; k < p->kernels.len; k++)
            if (str_eq(p->kernels.at[k]->skeleton, "gemm")) {
                assert_false(sums_under_guard(p->kernels.at[k]->body));
                seen++;
            }
    }
    assert_true(seen >= 6);
    ctx_free(&c);
}

/* The largest value of a wide window is found line by line: no kernel runs over both directions. */
static void wide_windows_are_separated(void **state)
{
    (void)state;
    Ctx c;
    ctx_init(&c);
    const char *text = expand_text(arena_new(&c), HEAD "in %x : f32[1,24,26,26] %z = MaxPool(%x)"
                                   "{kernel_shape=[13,13], pads=[6,6,6,6]} out %z }");
    int64_t evals = interp_evals(), n;
    run(lowered(&c, text, 0), 1, 1, &n);
    int64_t plain = interp_evals() - evals;
    evals = interp_evals();
    run(lowered(&c, text, 2), 1, 1, &n);
    assert_true(interp_evals() - evals < plain / 3);
    ctx_free(&c);
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(cases) + 3];
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        tests[i] = (struct CMUnitTest){cases[i].name, check_case, NULL, NULL, (void *)&cases[i]};
    tests[COUNT_OF(cases)] = (struct CMUnitTest)cmocka_unit_test(half_weights_are_packed_as_they_are);
    tests[COUNT_OF(cases) + 1] = (struct CMUnitTest)cmocka_unit_test(padding_is_no_condition);
    tests[COUNT_OF(cases) + 2] = (struct CMUnitTest)cmocka_unit_test(wide_windows_are_separated);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
