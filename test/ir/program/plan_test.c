/* Programs: memory planning, binding of symbols, running, verifying. */
#include "test/ir/program/sample.h"

#include "ir/base/str.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static Ctx ctx;

static int setup(void **state)
{
    (void)state;
    ctx_init(&ctx);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ctx_free(&ctx);
    return 0;
}

static void test_offsets(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, false);
    assert_int_equal(program_verify(p), MLC_OK);
    int64_t size = 4 * SAMPLE_N * 4;
    MemObj *t = p->mem.at[4], *u = p->mem.at[5];
    assert_true(t->offset % 64 == 0 && u->offset % 64 == 0); /* both live in step 1 */
    assert_true(t->offset + size <= u->offset || u->offset + size <= t->offset);
    assert_int_equal(p->workspace_bytes, 2 * ((size + 63) / 64 * 64));
    t->last = 0;
    program_plan_memory(p);
    assert_int_equal(p->workspace_bytes, (size + 63) / 64 * 64);
    assert_int_equal(t->offset, u->offset);
}

static void test_weights(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, false);
    int64_t before = p->weights_bytes;
    MemObj *w = p->mem.at[1], *again = NEW(p->arena, MemObj), *other = NEW(p->arena, MemObj);
    *again = *other = *w;
    again->id = (int)p->mem.len;
    other->id = again->id + 1;
    again->data = memcpy(NEW(p->arena, Tensor), w->data, sizeof *w->data);
    Tensor *t = tensor_new(p->arena, w->elem, 1, w->data->dim);
    t->fd = -1;
    other->data = t;
    vec_push(p->arena, &p->mem, again);
    vec_push(p->arena, &p->mem, other);
    program_plan_memory(p);
    assert_int_equal(again->offset, w->offset); /* equal bytes are kept once */
    assert_int_equal(other->offset, before);
    assert_int_equal(p->weights_bytes, before + (SAMPLE_K * SAMPLE_N * 4 + 63) / 64 * 64);
    for (size_t i = 0; i < p->mem.len; i++)
        if (p->mem.at[i]->space == SPACE_CONST)
            assert_int_equal(p->mem.at[i]->offset % 64, 0);
    assert_int_equal(program_verify(p), MLC_OK);
}

static void test_shared_weights(void **state)
{
    (void)state;
    Program *p[2] = {sample_program(&ctx, false), sample_program(&ctx, false)};
    int64_t alone = p[0]->weights_bytes, size = (SAMPLE_K * SAMPLE_N * 4 + 63) / 64 * 64;
    program_plan_weights(&ctx, p, 2);
    assert_int_equal(p[0]->weights_bytes, alone); /* all of the second is there already */
    assert_int_equal(p[1]->weights_bytes, alone);
    assert_int_equal(p[1]->mem.at[1]->offset, p[0]->mem.at[1]->offset);
    Tensor *t = tensor_new(p[1]->arena, ELEM_F32, 1, (int64_t[]){SAMPLE_K * SAMPLE_N});
    t->fd = -1;
    p[1]->mem.at[1]->data = t;
    program_plan_weights(&ctx, p, 2);
    assert_int_equal(p[1]->mem.at[1]->offset, alone); /* behind everything of the first */
    assert_int_equal(p[0]->weights_bytes, alone + size);
    assert_int_equal(p[1]->weights_bytes, alone + size);
    assert_int_equal(program_verify(p[0]), MLC_OK);
    assert_int_equal(program_verify(p[1]), MLC_OK);
}

static void test_symbolic(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, true);
    assert_int_equal(program_verify(p), MLC_OK);
    assert_int_equal(p->workspace_bytes, -1);
    assert_int_equal(p->mem.at[4]->offset, -1);
    int64_t offset[16], sym[1] = {100}, size = 100 * SAMPLE_N * 4;
    int64_t total = program_plan(p, sym, offset);
    assert_int_equal(total, 2 * ((size + 63) / 64 * 64));
    assert_int_equal(llabs(offset[4] - offset[5]), (size + 63) / 64 * 64);
    sym[0] = INT64_MAX / 8;
    assert_int_equal(program_plan(p, sym, offset), -1);
}

static void test_bounds(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, true);
    assert_int_equal(program_workspace_max(p), -1);
    ex_sym_bound(p->pool, 0, 2, 10, 5);
    int64_t offset[16], sym[1] = {10};
    assert_int_equal(program_workspace_max(p), program_plan(p, sym, offset));
    ex_sym_bound(p->pool, 0, 2, 1 << 20, 0);
    assert_int_equal(program_workspace_max(p), -1); /* too many to try */
    ex_sym_bound(p->pool, 0, INT64_MAX / 8 - 1, INT64_MAX / 8, 0);
    assert_int_equal(program_workspace_max(p), -1);

    ex_sym_bound(p->pool, 0, 2, 10, 5);
    int64_t shape[2] = {10, SAMPLE_K};
    const int64_t *shapes[1] = {shape};
    assert_int_equal(program_bind(p, shapes, sym), MLC_OK);
    shape[0] = 11;
    assert_int_equal(program_bind(p, shapes, sym), MLC_INPUT);
    shape[0] = 1;
    assert_int_equal(program_bind(p, shapes, sym), MLC_INPUT);
}

static void test_bind(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, true);
    int64_t sym[1];
    int64_t shape[2] = {9, SAMPLE_K};
    const int64_t *shapes[1] = {shape};
    assert_int_equal(program_bind(p, shapes, sym), MLC_OK);
    assert_int_equal(sym[0], 9);
    shape[1]++;
    assert_int_equal(program_bind(p, shapes, sym), MLC_INPUT);
    assert_int_equal(ctx.diags.last->code, E0601);
    shape[1]--;
    shape[0] = 0; /* below the symbol's least value */
    assert_int_equal(program_bind(p, shapes, sym), MLC_INPUT);
    Ex n = ex_sym_at(p->pool, 0); /* a dimension 2n + 1 determines n */
    p->inputs.at[0].dim[0] =
        ex_add(p->pool, ex_mul(p->pool, n, ex_int(p->pool, 2)), ex_int(p->pool, 1));
    shape[0] = 15;
    assert_int_equal(program_bind(p, shapes, sym), MLC_OK);
    assert_int_equal(sym[0], 7);
    shape[0] = 16;
    assert_int_equal(program_bind(p, shapes, sym), MLC_INPUT);
}

static void test_run(void **state)
{
    (void)state;
    enum { ROWS = 300 };
    static float x[ROWS * SAMPLE_K], y[ROWS * SAMPLE_N], want[ROWS * SAMPLE_N];
    Program *p = sample_program(&ctx, true);
    int64_t sym[1] = {ROWS};
    for (int i = 0; i < ROWS * SAMPLE_K; i++)
        x[i] = (float)(i * 37 % 100) * 0.01f - 0.4f;
    sample_reference(p, ROWS, x, want);
    const void *in[] = {x};
    void *out[] = {y};
    size_t used = ctx.memory_used;
    assert_int_equal(program_interp(p, INTERP_EXACT, sym, in, out), MLC_OK);
    assert_memory_equal(y, want, sizeof y);
    memset(y, 0, sizeof y);
    assert_int_equal(program_interp(p, INTERP_F64, sym, in, out), MLC_OK);
    for (int i = 0; i < ROWS * SAMPLE_N; i++)
        assert_true(fabsf(y[i] - want[i]) < 1e-6f);
    assert_int_equal(ctx.memory_used, used);
    x[5] = 1e9f; /* the check of the second step */
    x[6] = 0;
    assert_int_equal(program_interp(p, INTERP_EXACT, sym, in, out), MLC_INPUT);
    assert_int_equal(ctx.diags.last->code, E0603);
    assert_string_equal(ctx.diags.last->loc.node, "bias");
}

static void test_zero_step(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, false);
    Step zero = {.kind = STEP_ZERO};
    vec_push(p->arena, &zero.args, p->mem.at[6]);
    vec_push(p->arena, &p->steps, zero);
    assert_int_equal(program_verify(p), MLC_OK);
    float x[4 * SAMPLE_K] = {1, 2, 3}, y[4 * SAMPLE_N];
    const void *in[] = {x};
    void *out[] = {y};
    assert_int_equal(program_interp(p, INTERP_EXACT, NULL, in, out), MLC_OK);
    for (int i = 0; i < 4 * SAMPLE_N; i++)
        assert_true(y[i] == 0);
}

static void refused(Program *p, const char *word)
{
    assert_int_equal(program_verify(p), MLC_BUG);
    assert_non_null(strstr(ctx.diags.last->message, word));
}

static void test_verify(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, false);
    p->steps.at[1].args.len--;
    refused(p, "arguments");
    p = sample_program(&ctx, false);
    p->mem.at[4]->last = 0;
    refused(p, "lives from");
    p = sample_program(&ctx, false);
    p->mem.at[4]->size_bytes = ex_int(p->pool, 8);
    refused(p, "elements of");
    p = sample_program(&ctx, false);
    p->mem.at[5]->space = SPACE_INPUT;
    refused(p, "read only");
    p = sample_program(&ctx, false);
    p->kernels.at[2]->name = p->kernels.at[0]->name;
    refused(p, "two kernels");
    p = sample_program(&ctx, false);
    p->mem.at[1]->offset = 1 << 20;
    refused(p, "outside of the weights");
    p = sample_program(&ctx, false);
    p->kernels.at[2]->body->loop.kind = LOOP_SERIAL;
    refused(p, "parallel loop inside");
    p = sample_program(&ctx, false);
    Stmt *s = p->kernels.at[2]->body->loop.body->loop.body;
    s->store.value = ex_int(p->pool, 1);
    refused(p, "store of i64");
    p = sample_program(&ctx, false);
    p->kernels.at[2]->body = p->kernels.at[2]->body->loop.body;
    refused(p, "outside its loop");
}

static void test_print(void **state)
{
    (void)state;
    Program *p = sample_program(&ctx, true);
    Str s = str_new(p->arena);
    program_print(&s, p);
    assert_non_null(strstr(str_text(&s), "input x f32[rows,5] m0"));
    assert_non_null(strstr(str_text(&s), "step 1: bias("));
    assert_non_null(strstr(str_text(&s), "parallel i0 < rows:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_offsets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_weights, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_weights, setup, teardown),
        cmocka_unit_test_setup_teardown(test_symbolic, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zero_step, setup, teardown),
        cmocka_unit_test_setup_teardown(test_verify, setup, teardown),
        cmocka_unit_test_setup_teardown(test_print, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
