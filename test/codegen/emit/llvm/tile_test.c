/* Register tiles in the instructions of every target: the loop over k of an MR x NV tile holds
 * MR * NV fused multiply-adds of whole registers, and nothing is spilled. The tiles are those that
 * the rule MR * NV + NV + 1 <= registers admits. And what baseline x86 has no instruction for
 * becomes other instructions, never a call for every lane. */
#include "test/codegen/emit/llvm/model.h"

#include "codegen/target/target.h"
#include "ir/base/file.h"
#include "ir/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DEPTH = 768, TILES = 4 };

typedef struct Tile {
    const char *target;
    int mr, nv;
    const char *fma;    /* the instruction, and the registers it must work on */
    const char *wide;
    const char *branch; /* ends the loop */
} Tile;

static const Tile tiles[] = {
    {"x86-avx2", 6, 2, "vfmadd231ps", "%ymm", "\tj"},
    {"x86-avx2", 4, 3, "vfmadd231ps", "%ymm", "\tj"},
    {"x86-avx512", 14, 2, "vfmadd231ps", "%zmm", "\tj"},
    {"x86-avx512", 12, 2, "vfmadd231ps", "%zmm", "\tj"},
    {"x86-avx512", 9, 3, "vfmadd231ps", "%zmm", "\tj"},
    {"x86-avx512", 6, 4, "vfmadd231ps", "%zmm", "\tj"},
    {"arm64-neon", 8, 3, "\tfmla\t", ".4s", "\tb."},
    {"arm64-neon", 12, 2, "\tfmla\t", ".4s", "\tb."},
    {"arm64-dotprod", 8, 3, "\tfmla\t", ".4s", "\tb."},
};

typedef struct Builder {
    Model m;
    TargetDesc target;
    int mr, nv, vl;
} Builder;

static Ex num(Builder *b, int64_t v)
{
    return ex_int(b->m.pool, v);
}

static Ex sum(Builder *b, Ex x, Ex y)
{
    return ex_add(b->m.pool, x, y);
}

static Ex scaled(Builder *b, Ex x, int64_t v)
{
    return ex_mul(b->m.pool, x, num(b, v));
}

static Ex load(Builder *b, const Buf *buf, Ex at)
{
    return ex_load(b->m.pool, buf, buf->elem, 1, &at);
}

/* Row, vector and lane of a tile as new variables, and the loops over them. */
typedef struct Lanes {
    Ex row, vec, lane, slot;
} Lanes;

static Lanes lanes_new(Builder *b)
{
    Lanes v = {ex_var(b->m.pool, num(b, b->mr)), ex_var(b->m.pool, num(b, b->nv)),
               ex_var(b->m.pool, num(b, b->vl)), NULL};

    v.slot = sum(b, scaled(b, sum(b, scaled(b, v.row, b->nv), v.vec), b->vl), v.lane);
    return v;
}

static Stmt *over(Builder *b, const Lanes *v, Buf *to, Ex at, Ex value)
{
    Arena *a = b->m.arena;
    Stmt *s = stmt_store(a, to, at, value, NULL);

    s = stmt_loop(a, v->lane, LOOP_VECTOR, s);
    return stmt_loop(a, v->row, LOOP_UNROLLED, stmt_loop(a, v->vec, LOOP_UNROLLED, s));
}

/* c[TILES * mr, nv * vl] = a[TILES * mr, DEPTH] * w[DEPTH, nv * vl] */
static void build(Builder *b)
{
    Model *m = &b->m;
    int width = b->nv * b->vl;
    Kernel *k = model_kernel(m, "tile");
    Buf *a = model_input(m, "a", ELEM_F32, num(b, TILES * b->mr * DEPTH));
    Buf *w = model_input(m, "w", ELEM_F32, num(b, DEPTH * width));
    Buf *c = model_output(m, "c", ELEM_F32, num(b, TILES * b->mr * width));
    Buf *acc = model_register(m, "acc", ELEM_F32, b->mr * width);
    Ex tile = ex_var(m->pool, num(b, TILES)), kk = ex_var(m->pool, num(b, DEPTH)), x, y, next;
    Lanes v = lanes_new(b), u = lanes_new(b), o = lanes_new(b);
    Stmt *init = over(b, &v, acc, v.slot, ex_const_f(m->pool, ELEM_F32, 0)), *body, *out;

    x = load(b, a, sum(b, scaled(b, sum(b, scaled(b, tile, b->mr), u.row), DEPTH), kk));
    y = load(b, w, sum(b, scaled(b, kk, width), sum(b, scaled(b, u.vec, b->vl), u.lane)));
    next = b->target.has_fma ? ex_fma(m->pool, x, y, load(b, acc, u.slot))
                             : sum(b, load(b, acc, u.slot), ex_mul(m->pool, x, y));
    body = stmt_loop(m->arena, kk, LOOP_SERIAL, over(b, &u, acc, u.slot, next));
    out = over(b, &o, c,
               sum(b, scaled(b, sum(b, scaled(b, tile, b->mr), o.row), width),
                   sum(b, scaled(b, o.vec, b->vl), o.lane)),
               load(b, acc, o.slot));
    k->body = stmt_loop(m->arena, tile, LOOP_PARALLEL, stmt_seq(init, stmt_seq(body, out)));
}

static void open_for(Builder *b, const char *target)
{
    model_open(&b->m, "test");
    assert_int_equal(target_find(&b->m.ctx, target, &b->target), MLC_OK);
    b->vl = b->target.vector_bits / 32;
}

/* The options of mlc-codegen that mean the target. */
static const char *options_of(Builder *b, const char *emit)
{
    const TargetDesc *t = &b->target;

    return arena_printf(b->m.arena, "--emit %s --triple %s --cpu %s --features '%s' --cpu-bits %u",
                        emit, t->triple, t->cpu, t->features, t->cpu_bits);
}

/* The text of the model's first kernel: [*at, *end). */
static void assemble(Builder *b, const char **at, const char **end)
{
    char path[128];
    FileMap map;

    assert_int_equal(model_emit(&b->m, options_of(b, "asm"), ".s", path), 0);
    assert_int_equal(file_map(&b->m.ctx, path, &map), MLC_OK);
    *at = arena_strndup(b->m.arena, (const char *)map.data, map.size);
    file_unmap(&map);
    *at = strstr(*at, "\nP_k0_tile:");
    assert_non_null(*at);
    *end = strstr(*at, ".Lfunc_end");
    assert_non_null(*end);
}

static int occurrences(const char *at, const char *end, const char *word)
{
    int n = 0;

    for (const char *p = strstr(at, word); p != NULL && p < end; p = strstr(p + 1, word))
        n++;
    return n;
}

/* Of the lines with `word`, those that have `also` too. */
static int lines_with(const char *at, const char *end, const char *word, const char *also)
{
    int n = 0;

    for (const char *p = strstr(at, word); p != NULL && p < end; p = strstr(p + 1, word)) {
        const char *found = strstr(p, also), *line = strchr(p, '\n');

        n += found != NULL && found < line;
    }
    return n;
}

static void tile_instructions(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(tiles); i++) {
        const Tile *t = &tiles[i];
        Builder b = {.mr = t->mr, .nv = t->nv};
        const char *text, *end, *at, *back;
        int fmas = t->mr * t->nv, loads = t->mr + t->nv;

        open_for(&b, t->target);
        assert_true(fmas + t->nv + 1 <= b.target.vector_regs);
        build(&b);
        assemble(&b, &text, &end);
        assert_int_equal(occurrences(text, end, "call"), 0);
        at = back = strstr(text, t->fma);
        assert_non_null(at);
        while (*back != ':')
            back--;
        end = strstr(at, t->branch);
        assert_non_null(end);
        assert_int_equal(lines_with(back, end, t->fma, t->wide), fmas);
        assert_int_equal(occurrences(back, end, "Spill"), 0);
        assert_int_equal(occurrences(back, end, "Reload"), 0);
        print_message("%s %dx%d: %d instructions, %d fma\n", t->target, t->mr, t->nv * b.vl,
                      occurrences(back, end, "\n"), fmas);
        assert_true(occurrences(back, end, "\n") <= fmas + loads + loads / 2 + 4);
        model_close(&b.m);
    }
}

/* ---- what SSE2 lacks ---- */

static const ExOp rounding[] = {EX_FLOOR, EX_CEIL, EX_TRUNC, EX_ROUND_EVEN};

static void build_softened(Builder *b, Elem e)
{
    enum { N = 256 };
    Model *m = &b->m;
    Kernel *k = model_kernel(m, "tile");
    Buf *x = model_input(m, "x", e, num(b, N)), *y = model_input(m, "y", e, num(b, N));
    Ex i = ex_var(m->pool, num(b, N / 8)), lane = ex_var(m->pool, num(b, 8));
    Ex at = sum(b, scaled(b, i, 8), lane), u = load(b, x, at), v = load(b, y, at);
    Stmt *body = NULL;

    for (size_t op = 0; op <= COUNT_OF(rounding) + 1; op++) {
        Buf *out = model_output(m, arena_printf(m->arena, "o%zu", op), e, num(b, N));
        Ex r = op < COUNT_OF(rounding)    ? ex_op(m->pool, rounding[op], 1, &u)
               : op == COUNT_OF(rounding) ? ex_fma(m->pool, u, v, ex_op(m->pool, EX_NEG, 1, &u))
                                          : ex_op(m->pool, EX_EXP, 1, &v);
        Stmt *s = stmt_store(m->arena, out, at, r, NULL);

        body = body == NULL ? s : stmt_seq(body, s);
    }
    k->body = stmt_loop(m->arena, i, LOOP_SERIAL, stmt_loop(m->arena, lane, LOOP_VECTOR, body));
}

static void softened(void **state)
{
    static const Elem elems[] = {ELEM_F32, ELEM_F64};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(elems); i++) {
        Builder b = {.mr = 1};
        const char *text, *end;

        open_for(&b, "x86-sse2");
        build_softened(&b, elems[i]);
        assemble(&b, &text, &end);
        assert_int_equal(occurrences(text, end, "call"), 0);
        assert_int_equal(occurrences(text, end, "%ymm"), 0);
        assert_int_equal(occurrences(text, end, "\tv"), 0);
#if defined(__x86_64__)
        for (uint64_t seed = 1; seed <= 8; seed++) {
            Model *m = &b.m;

            model_fill(m, seed);
            assert_int_equal(model_interp(m), MLC_OK);
            assert_int_equal(model_run(m, options_of(&b, "obj")), 0);
            model_compare(m);
            for (int k = 0; k < MAX_IO; k++) {
                free(m->in[k]);
                free(m->out[k]);
                free(m->expected[k]);
                m->in[k] = m->out[k] = m->expected[k] = NULL;
            }
        }
#endif
        model_close(&b.m);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tile_instructions),
        cmocka_unit_test(softened),
    };

    (void)argc;
    model_find_codegen(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
