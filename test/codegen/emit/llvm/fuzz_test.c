/* Random kernels through mlc-codegen and the C emitter against the interpreter: expressions over all element types,
 * strided, reversed, gathered and guarded loads, guarded stores, in scalar, unrolled and vector
 * loops. */
#include "test/codegen/emit/llvm/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SIZE = 4096, ROUNDS = 40, KERNELS = 12 };

static uint64_t seed;
/* The target rounds a fused multiply-add once. Without the instruction the emitter's substitute may
 * round twice (soften.c), so nothing that holds one can be compared bit for bit. */
static bool has_fma;

static unsigned roll(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

static const Elem native[] = {ELEM_F32, ELEM_F32, ELEM_F32, ELEM_F64, ELEM_I8,  ELEM_U8,  ELEM_I16,
                              ELEM_U16, ELEM_I32, ELEM_U32, ELEM_I64, ELEM_U64, ELEM_BOOL};
static const Elem stored[] = {ELEM_F16,    ELEM_BF16,       ELEM_F8E4M3FN,
                              ELEM_F8E5M2, ELEM_F8E4M3FNUZ, ELEM_F8E5M2FNUZ,
                              ELEM_U4,     ELEM_I4,         ELEM_F4E2M1};

typedef struct Gen {
    Model *m;
    Buf *in[3];
    Ex outer, inner; /* loop variables: 0 <= outer < 8, 0 <= inner < lanes */
    int lanes;
} Gen;

static Ex gen(Gen *g, Elem e, int depth);

/* An index below SIZE: affine in the loops, or through floor_mod. */
static Ex gen_index(Gen *g)
{
    static const int steps[] = {0, 1, 1, 1, 2, 3, -1, 64};
    ExPool *p = g->m->pool;
    int step = steps[roll(COUNT_OF(steps))];
    Ex i = ex_mul(p, g->outer, ex_int(p, roll(64)));

    i = ex_add(p, i, ex_mul(p, g->inner, ex_int(p, step)));
    i = ex_add(p, i, ex_int(p, (step < 0 ? g->lanes : 0) + (int)roll(16)));
    if (roll(6) == 0) {
        i = ex_mul(p, i, ex_int(p, 1 + (int)roll(9)));
        i = roll(2) ? ex_floor_mod(p, i, ex_int(p, 64 + (int)roll(64)))
                    : ex_floor_div(p, i, ex_int(p, 10 + (int)roll(9)));
    }
    return i;
}

static Ex gen_load(Gen *g)
{
    Buf *b = g->in[roll(3)];
    Ex i = gen_index(g), v;
    ExPool *p = g->m->pool;

    v = ex_load(p, b, b->elem, 1, &i);
    if (roll(3) == 0) { /* shifted out of the buffer on both sides, guarded */
        Ex shifted = ex_sub(p, ex_mul(p, i, ex_int(p, 1 + (int)roll(3))), ex_int(p, (int)roll(40)));
        Ex inside = ex_and(p, ex_le(p, ex_int(p, 0), shifted),
                           ex_lt(p, shifted, ex_int(p, roll(2) ? SIZE / 64 : SIZE)));

        v = ex_guard(p, inside, ex_load(p, b, b->elem, 1, &shifted), ex_const(p, b->elem, 0));
    }
    return v;
}

static Ex gen_const(Gen *g, Elem e)
{
    ExPool *p = g->m->pool;

    if (elem_is_float(e))
        return ex_const_f(p, e, ((int)roll(33) - 16) * 0.375);
    return ex_const_i(p, e, e == ELEM_BOOL ? (int)roll(2) : (int)roll(16));
}

static Ex gen_bool(Gen *g, int depth)
{
    static const ExOp compare[] = {EX_LT, EX_LE, EX_EQ, EX_NE};
    static const ExOp logic[] = {EX_AND, EX_OR, EX_XOR};
    Elem e = native[roll(COUNT_OF(native))];
    Ex v[2];

    if (roll(3) == 0) {
        v[0] = gen(g, ELEM_BOOL, depth - 1);
        v[1] = gen(g, ELEM_BOOL, depth - 1);
        return roll(4) == 0 ? ex_not(g->m->pool, v[0]) : ex_op(g->m->pool, logic[roll(3)], 2, v);
    }
    if (e == ELEM_BOOL)
        e = ELEM_F32;
    v[0] = gen(g, e, depth - 1);
    v[1] = gen(g, e, depth - 1);
    return ex_op(g->m->pool, compare[roll(4)], 2, v);
}

static Ex gen_float(Gen *g, Elem e, int depth)
{
    static const ExOp two[] = {EX_ADD, EX_SUB,       EX_MUL, EX_DIV,      EX_MIN,
                               EX_MAX, EX_FLOOR_DIV, EX_REM, EX_FLOOR_MOD};
    static const ExOp one[] = {EX_NEG,   EX_ABS,        EX_SQRT, EX_FLOOR, EX_CEIL,
                               EX_TRUNC, EX_ROUND_EVEN, EX_EXP,  EX_TANH,  EX_LOG,
                               EX_ERF,   EX_SIGMOID,    EX_SIN};
    unsigned rounded_once = 7; /* those from EX_EXP on hold fused multiply-adds */
    Ex v[3];

    for (int i = 0; i < 3; i++)
        v[i] = gen(g, e, depth - 1);
    switch (roll(8)) {
    case 0:
        return ex_op(g->m->pool, one[roll(has_fma ? COUNT_OF(one) : rounded_once)], 1, v);
    case 1:
        return has_fma ? ex_fma(g->m->pool, v[0], v[1], v[2])
                       : ex_add(g->m->pool, ex_mul(g->m->pool, v[0], v[1]), v[2]);
    case 2:
        return ex_max(g->m->pool, v[0], gen_const(g, e));
    case 3:
        return ex_min(g->m->pool, gen_const(g, e), v[0]);
    default:
        return ex_op(g->m->pool, two[roll(COUNT_OF(two))], 2, v);
    }
}

static Ex gen_int(Gen *g, Elem e, int depth)
{
    static const ExOp two[] = {EX_ADD, EX_SUB, EX_MUL, EX_DIV, EX_REM, EX_FLOOR_DIV, EX_FLOOR_MOD,
                               EX_MIN, EX_MAX, EX_AND, EX_OR,  EX_XOR, EX_SHL,       EX_SHR};
    static const ExOp one[] = {EX_NEG, EX_ABS, EX_NOT};
    Ex v[2] = {gen(g, e, depth - 1), NULL};
    ExOp op = two[roll(COUNT_OF(two))];

    if (roll(5) == 0)
        return ex_op(g->m->pool, one[roll(3)], 1, v);
    v[1] = gen(g, e, depth - 1);
    if (op == EX_DIV || op == EX_REM || op == EX_FLOOR_DIV || op == EX_FLOOR_MOD)
        v[1] = roll(2) ? ex_op(g->m->pool, EX_OR, 2, (Ex[]){v[1], ex_const_i(g->m->pool, e, 1)})
                       : ex_const_i(g->m->pool, e, 1 + (int)roll(12));
    return ex_op(g->m->pool, op, 2, v);
}

/* A random expression of type e. */
static Ex gen(Gen *g, Elem e, int depth)
{
    ExPool *p = g->m->pool;
    Elem from;
    Ex v;

    if (depth <= 0 || roll(8) == 0) {
        if (roll(5) == 0)
            return gen_const(g, e);
        if (e == ELEM_I64 && roll(3) == 0)
            return ex_add(p, g->inner, g->outer);
        return ex_cast(p, e, gen_load(g));
    }
    if (roll(6) == 0) {
        from = roll(3) ? native[roll(COUNT_OF(native))] : stored[roll(COUNT_OF(stored))];
        v = ex_cast(p, from, gen(g, elem_is_native(from) ? from : ELEM_F32, depth - 1));
        return ex_cast(p, e, v);
    }
    if (roll(8) == 0)
        return ex_select(p, gen_bool(g, depth - 1), gen(g, e, depth - 1), gen(g, e, depth - 1));
    if (e == ELEM_BOOL)
        return gen_bool(g, depth);
    return elem_is_float(e) ? gen_float(g, e, depth) : gen_int(g, e, depth);
}

static Elem any_elem(void)
{
    return roll(3) ? native[roll(COUNT_OF(native))] : stored[roll(COUNT_OF(stored))];
}

/* out[outer * stride + inner * step] = random expression, under a tail guard at times. */
static void add_kernel(Model *m, int number)
{
    static const int widths[] = {4, 8, 16, 5, 32};
    static const LoopKind kinds[] = {LOOP_VECTOR, LOOP_VECTOR, LOOP_SERIAL, LOOP_UNROLLED};
    ExPool *p = m->pool;
    Gen g = {.m = m, .lanes = widths[roll(COUNT_OF(widths))]};
    Elem e = native[roll(COUNT_OF(native))], to = any_elem();
    Buf *out;
    int step = 1 + (roll(4) == 0), stride = g.lanes * step;
    Ex index, value, guard = NULL;
    Stmt *s;

    model_kernel(m, arena_printf(m->arena, "k%d_fuzz", number));
    for (int i = 0; i < 3; i++) {
        if (number > 0 && roll(2)) {
            g.in[i] =
                model_bind(m, m->program->inputs.at[roll((unsigned)m->program->inputs.len)].obj);
            continue;
        }
        if (m->program->inputs.len == MAX_IO)
            g.in[i] = model_bind(m, m->program->inputs.at[0].obj);
        else
            g.in[i] = model_input(m, arena_printf(m->arena, "x%d_%d", number, i), any_elem(),
                                  ex_int(p, SIZE));
    }
    out = model_output(m, arena_printf(m->arena, "y%d", number), to, ex_int(p, 8 * stride));
    g.outer = ex_var(p, ex_int(p, 8));
    g.inner = ex_var(p, ex_int(p, g.lanes));
    if (elem_bits[to] < 8)
        step = 1;
    index = ex_add(p, ex_mul(p, g.outer, ex_int(p, stride)), ex_mul(p, g.inner, ex_int(p, step)));
    value = ex_cast(p, to, gen(&g, e, 4));
    if (roll(2))
        guard = ex_lt(p, ex_add(p, ex_mul(p, g.outer, ex_int(p, g.lanes)), g.inner),
                      ex_int(p, 8 * g.lanes - 1 - (int)roll(20)));
    s = stmt_store(m->arena, out, index, value, guard);
    if (roll(4) == 0) /* accumulate on top of what was stored */
        s = stmt_seq(
            s, stmt_store(m->arena, out, index,
                          ex_cast(p, to,
                                  ex_add(p, ex_cast(p, ELEM_F32, ex_load(p, out, to, 1, &index)),
                                         ex_const_f(p, ELEM_F32, 1))),
                          guard));
    s = stmt_loop(m->arena, g.inner, kinds[roll(COUNT_OF(kinds))], s);
    m->kernel->body = stmt_loop(m->arena, g.outer, roll(2) ? LOOP_PARALLEL : LOOP_SERIAL, s);
}

static void random_kernels(void **state)
{
    const char *const *target = model_targets();

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        for (int t = 0; target[t] != NULL; t++) {
            Model m;

            if (round % 4 != 0 && strncmp(target[t], "c99", 3) == 0)
                continue; /* C takes its time to compile */
            seed = 0x9e3779b97f4a7c15u * (uint64_t)(round + 1);
            has_fma = strstr(target[t], "+fma") != NULL;
            model_open(&m, "fuzz");
            for (int k = 0; k < KERNELS; k++)
                add_kernel(&m, k);
            model_fill(&m, seed);
            assert_int_equal(model_interp(&m), MLC_OK);
            assert_int_equal(model_run(&m, target[t]), 0);
            print_message("round %d, target %d\n", round, t);
            model_compare(&m);
            model_close(&m);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_kernels)};

    (void)argc;
    model_find_codegen(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
