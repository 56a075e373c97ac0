/* The kernel interpreter against a naive one on random kernels, and its promises one by one. */
#include "test/ir/kernel/naive.h"

#include "ir/base/ctx.h"
#include "ir/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static Ctx ctx;
static Arena *arena;
static ExPool *pool;
static uint64_t seed;

static int setup(void **state)
{
    (void)state;
    ctx_init(&ctx);
    arena = arena_new(&ctx);
    pool = ex_pool_new(arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ctx_free(&ctx);
    return 0;
}

static Ex num(int64_t v)
{
    return ex_int(pool, v);
}
static Ex f32(double v)
{
    return ex_const_f(pool, ELEM_F32, v);
}

static Buf *buffer(Elem e, BufSpace space, int64_t n)
{
    Ex dim = num(n);
    static int id;
    id++;
    return buf_new(arena, pool, id, arena_printf(arena, "b%d", id), e, space, 1, &dim);
}

static Ex load(const Buf *b, Ex index)
{
    return ex_load(pool, b, b->elem, 1, &index);
}

static Kernel *kernel(Stmt *body)
{
    Kernel *k = NEW(arena, Kernel);
    k->name = "test";
    k->skeleton = "reference";
    k->pool = pool;
    k->macs = num(0);
    k->body = body;
    return k;
}

static void param(Kernel *k, Buf *b)
{
    vec_push(arena, &k->params, b);
}
static void reg(Kernel *k, Buf *b)
{
    vec_push(arena, &k->regs, b);
}

/* ---- random kernels ---- */

static int64_t below(int64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((seed >> 33) % (uint64_t)n);
}

enum { MAX_LOOPS = 6, BUF_ELEMS = 6000 };

typedef struct Gen {
    Kernel *k;
    int n; /* enclosing loops */
    Ex var[MAX_LOOPS];
    Buf *in[4], *out[3], *acc;
    Elem elem; /* of arithmetic */
} Gen;

static const Elem arith[] = {ELEM_F32, ELEM_F64, ELEM_I32, ELEM_I8,
                             ELEM_U8,  ELEM_I64, ELEM_U32, ELEM_I16};

/* An affine index with values in [lo, hi]. */
static Ex affine(Gen *g, int64_t *lo, int64_t *hi)
{
    int64_t c = below(20);
    Ex e = num(c);
    *lo = *hi = c;
    for (int k = 0; k < g->n; k++) {
        if (below(3) == 0)
            continue;
        int64_t extent = 41, coef = below(4) == 0 ? below(50) - 5 : below(3);
        ex_is_int(ex_var_extent(pool, g->var[k]), &extent);
        extent = extent < 1 ? 1 : extent;
        e = ex_add(pool, e, ex_mul(pool, g->var[k], num(coef)));
        *(coef < 0 ? lo : hi) += coef * (extent - 1);
    }
    return e;
}

/* An index in [0, BUF_ELEMS). */
static Ex any_index(Gen *g)
{
    int64_t lo, hi;
    Ex e = affine(g, &lo, &hi);
    if (below(3) == 0) {
        int64_t l2, h2;
        Ex f = affine(g, &l2, &h2), d = num(1 + below(7));
        e = ex_add(pool, ex_floor_div(pool, e, d), ex_floor_mod(pool, f, num(1 + below(30))));
        return ex_floor_mod(pool, e, num(BUF_ELEMS));
    }
    if (below(6) == 0) {
        Ex at = ex_floor_mod(pool, e, num(BUF_ELEMS));
        e = ex_cast(pool, ELEM_I64, load(g->in[2], at)); /* indirect: u8 */
        return ex_mul(pool, e, num(below(20)));
    }
    if (lo < 0)
        e = ex_add(pool, e, num(-lo));
    if (hi - lo >= BUF_ELEMS || hi >= BUF_ELEMS)
        e = ex_floor_mod(pool, e, num(BUF_ELEMS));
    return e;
}

static Ex predicate(Gen *g, int depth);

static Ex leaf(Gen *g)
{
    switch (below(4)) {
    case 0:
        return ex_const(pool, g->elem, (double)below(9) - (elem_is_unsigned(g->elem) ? 0 : 4));
    case 1:
        if (g->n)
            return ex_cast(pool, g->elem, g->var[below(g->n)]);
        return ex_const(pool, g->elem, 1);
    default:
        return ex_cast(pool, g->elem, load(g->in[below(4)], any_index(g)));
    }
}

static Ex value(Gen *g, int depth)
{
    static const ExOp both[] = {EX_ADD, EX_SUB, EX_MUL, EX_MIN, EX_MAX};
    static const ExOp ints[] = {EX_AND,       EX_OR,        EX_XOR, EX_SHL, EX_SHR,
                                EX_FLOOR_DIV, EX_FLOOR_MOD, EX_DIV, EX_REM};
    if (depth == 0)
        return leaf(g);
    Ex a = value(g, depth - 1);
    switch (below(8)) {
    case 0:
        return a;
    case 1:
        return ex_select(pool, predicate(g, depth - 1), a, value(g, depth - 1));
    case 2: { /* a guarded load that is out of bounds where the guard does not hold */
        int64_t lo, hi, cut = 5 + below(60);
        Ex at = affine(g, &lo, &hi);
        Buf *b = buffer(g->elem, SPACE_INPUT, cut);
        Ex in = ex_and(pool, ex_le(pool, num(0), at), ex_lt(pool, at, num(cut)));
        param(g->k, b);
        return ex_guard(pool, in, load(b, at), a);
    }
    case 3:
        if (!elem_is_float(g->elem))
            return ex_op(pool, ints[below(9)], 2, (Ex[]){a, value(g, depth - 1)});
        return ex_fma(pool, a, value(g, depth - 1), leaf(g));
    default:
        return ex_op(pool, both[below(5)], 2, (Ex[]){a, value(g, depth - 1)});
    }
}

static Ex predicate(Gen *g, int depth)
{
    static const ExOp cmp[] = {EX_LT, EX_LE, EX_EQ, EX_NE};
    int64_t lo, hi;
    if (below(2) && g->n) {
        Ex a = affine(g, &lo, &hi);
        return ex_op(pool, cmp[below(4)], 2, (Ex[]){a, num(lo + below(hi - lo + 2))});
    }
    return ex_op(pool, cmp[below(4)], 2, (Ex[]){value(g, depth), leaf(g)});
}

static Ex loop_var(Gen *g, int64_t most)
{
    return g->var[g->n++] = ex_var(pool, num(1 + below(most)));
}

/* A loop that may be empty, or whose extent varies from lane to lane. */
static Ex reduction_var(Gen *g)
{
    int64_t extent;
    if (below(4) || g->n == 0)
        return loop_var(g, 30);
    Ex v = g->var[below(g->n)];
    if (!ex_is_int(ex_var_extent(pool, v), &extent) || extent > 40)
        return g->var[g->n++] = ex_var(pool, num(below(2)));
    return g->var[g->n++] = ex_var(pool, below(2) ? v : ex_add(pool, v, num(1)));
}

/* Parallel loops; out[p..] row-major in them, so that iterations write different elements. */
static Stmt *body(Gen *g, int npar)
{
    Ex at = num(0);
    int64_t extent;
    for (int k = 0; k < npar; k++) {
        ex_is_int(ex_var_extent(pool, g->var[k]), &extent);
        at = ex_add(pool, ex_mul(pool, at, num(extent)), g->var[k]);
    }
    Stmt *s = NULL;
    int outer = g->n;
    if (below(2)) { /* a reduction into a register */
        Ex zero = num(0), acc = load(g->acc, zero);
        s = stmt_store(arena, g->acc, zero, leaf(g), NULL);
        int nred = 1 + (int)below(2);
        Ex red[2];
        for (int k = 0; k < nred; k++)
            red[k] = reduction_var(g);
        static const ExOp op[] = {EX_ADD, EX_MAX, EX_MIN, EX_SUB};
        Ex v = value(g, 2);
        v = ex_op(pool, op[below(4)], 2, below(4) ? (Ex[]){acc, v} : (Ex[]){v, acc});
        Stmt *in = stmt_store(arena, g->acc, zero, v, below(4) ? NULL : predicate(g, 1));
        if (below(4) == 0)
            in = stmt_if(arena, predicate(g, 1), in, NULL);
        while (nred-- > 0)
            in = stmt_loop(arena, red[nred], LOOP_SERIAL, in);
        g->n = outer;
        s = stmt_seq(s, in);
        s = stmt_seq(s, stmt_store(arena, g->out[0], at, ex_add(pool, acc, leaf(g)), NULL));
    }
    if (below(3) == 0) { /* lanes inside */
        static const LoopKind kind[] = {LOOP_VECTOR, LOOP_UNROLLED, LOOP_SERIAL};
        Ex j = loop_var(g, 8);
        Ex in = ex_add(pool, ex_mul(pool, at, num(8)), j);
        Stmt *st = stmt_store(arena, g->out[1], in, value(g, 2), below(2) ? NULL : predicate(g, 1));
        if (below(2))
            st = stmt_seq(st, stmt_store(arena, g->out[2], in, value(g, 1), NULL));
        s = stmt_seq(s, stmt_loop(arena, j, kind[below(3)], st));
        g->n = outer;
    } else {
        Stmt *st = stmt_store(arena, g->out[1], at, value(g, 3), below(3) ? NULL : predicate(g, 1));
        if (below(3) == 0)
            st = stmt_if(arena, predicate(g, 1), st,
                         below(2) ? stmt_store(arena, g->out[1], at, value(g, 1), NULL) : NULL);
        s = stmt_seq(s, st);
    }
    return s;
}

static Kernel *random_kernel(Gen *g)
{
    static const int64_t most[] = {1500, 60, 20, 8};
    *g = (Gen){.k = kernel(NULL), .elem = arith[below(COUNT_OF(arith))]};
    int npar = (int)below(5);
    Ex par[4];
    for (int k = 0; k < npar; k++)
        par[k] = loop_var(g, most[npar - 1]);
    int64_t total = 1, extent;
    for (int k = 0; k < npar; k++) {
        ex_is_int(ex_var_extent(pool, par[k]), &extent);
        total *= extent;
    }
    Elem in[] = {g->elem, ELEM_F32, ELEM_U8, ELEM_I16};
    for (int i = 0; i < 4; i++)
        param(g->k, g->in[i] = buffer(in[i], SPACE_INPUT, BUF_ELEMS));
    for (int i = 0; i < 3; i++)
        param(g->k, g->out[i] = buffer(g->elem, SPACE_OUTPUT, total * 8));
    reg(g->k, g->acc = buffer(g->elem, SPACE_REG, 1));
    Stmt *s = body(g, npar);
    while (npar-- > 0)
        s = stmt_loop(arena, par[npar], LOOP_PARALLEL, s);
    g->k->body = s;
    return g->k;
}

static void *random_data(Elem e, int64_t n)
{
    char *d = calloc((size_t)n, 8);
    for (int64_t i = 0; i < n; i++)
        elem_set_f64(e, d, (size_t)i, (double)below(200) - (elem_is_unsigned(e) ? 0 : 100));
    return d;
}

/* Floats may differ in the sign and payload of NaN. */
static bool same(Elem e, const void *a, const void *b, int64_t n)
{
    if (memcmp(a, b, elem_size_bytes(e, (size_t)n)) == 0)
        return true;
    for (int64_t i = 0; i < n; i++) {
        double x = elem_get_f64(e, a, (size_t)i), y = elem_get_f64(e, b, (size_t)i);
        if (x != y && !(isnan(x) && isnan(y)))
            return false;
        if (!elem_is_float(e) && elem_get_i64(e, a, (size_t)i) != elem_get_i64(e, b, (size_t)i))
            return false;
    }
    return true;
}

static void compare(const Kernel *k)
{
    InterpArg fast[64], slow[64], regs[8];
    Naive *n = calloc(1, sizeof *n);
    assert_true(k->params.len <= 64 && k->regs.len <= 8);
    for (size_t i = 0; i < k->params.len; i++) {
        const Buf *b = k->params.at[i];
        int64_t count = ex_eval_size(b->size, NULL);
        fast[i] = (InterpArg){.data = random_data(b->elem, count), .count = count};
        slow[i] = fast[i];
        slow[i].data = memcpy(malloc((size_t)count * 8), fast[i].data, (size_t)count * 8);
    }
    for (size_t i = 0; i < k->regs.len; i++)
        regs[i] = (InterpArg){.data = calloc((size_t)ex_eval_size(k->regs.at[i]->size, NULL), 8),
                              .count = ex_eval_size(k->regs.at[i]->size, NULL)};
    n->k = k;
    n->args = slow;
    n->regs = regs;
    naive_stmts(n, k->body);
    int code;
    Status s = kernel_interp(&ctx, k, INTERP_EXACT, fast, NULL, &code);
    bool ok = n->out_of_bounds ? s == MLC_BUG : s == MLC_OK && code == n->code;
    for (size_t i = 0; i < k->params.len && ok && !n->code && !n->out_of_bounds; i++)
        ok = same(k->params.at[i]->elem, fast[i].data, slow[i].data, fast[i].count);
    if (!ok) {
        Str text = str_new(arena);
        kernel_print(&text, k);
        fprintf(stderr, "seed %llu, status %d (%s), code %d, naive %d %d:\n%s",
                (unsigned long long)seed, s, ctx.diags.last ? ctx.diags.last->message : "", code,
                n->out_of_bounds, n->code, str_text(&text));
        fail();
    }
    for (size_t i = 0; i < k->params.len; i++) {
        free(fast[i].data);
        free(slow[i].data);
    }
    for (size_t i = 0; i < k->regs.len; i++)
        free(regs[i].data);
    free(n);
}

/* More than the usual rounds: INTERP_ROUNDS=100000. */
static void test_random(void **state)
{
    const char *more = getenv("INTERP_ROUNDS");
    int rounds = more ? atoi(more) : 1500;
    for (int i = 0; i < rounds; i++) {
        if (i % 100 == 0) {
            teardown(state);
            setup(state);
        }
        seed = (uint64_t)i * 977 + 13;
        Gen g;
        Kernel *k = random_kernel(&g);
        assert_int_equal(kernel_verify(&ctx, k), MLC_OK);
        compare(k);
    }
}

/* ---- schedules of one matrix product ---- */

enum { M = 13, N = 24, K = 19 };

static Stmt *matmul_reference(Kernel *k, Buf *a, Buf *b, Buf *c)
{
    Buf *acc = buffer(ELEM_F32, SPACE_REG, 1);
    reg(k, acc);
    Ex i = ex_var(pool, num(M)), j = ex_var(pool, num(N)), r = ex_var(pool, num(K));
    Ex product = ex_mul(pool, load(a, ex_add(pool, ex_mul(pool, i, num(K)), r)),
                        load(b, ex_add(pool, ex_mul(pool, r, num(N)), j)));
    Stmt *s = stmt_store(arena, acc, num(0), f32(0), NULL);
    s = stmt_seq(s, stmt_loop(arena, r, LOOP_SERIAL,
                              stmt_store(arena, acc, num(0),
                                         ex_add(pool, load(acc, num(0)), product), NULL)));
    s = stmt_seq(
        s, stmt_store(arena, c, ex_add(pool, ex_mul(pool, i, num(N)), j), load(acc, num(0)), NULL));
    return stmt_loop(arena, i, LOOP_PARALLEL, stmt_loop(arena, j, LOOP_PARALLEL, s));
}

/* Rows in tiles of four with a guarded tail, eight columns in vector lanes, a tile of registers. */
static Stmt *matmul_tiled(Kernel *k, Buf *a, Buf *b, Buf *c)
{
    Buf *acc = buffer(ELEM_F32, SPACE_REG, 32);
    reg(k, acc);
    Ex io = ex_var(pool, num((M + 3) / 4)), jo = ex_var(pool, num(N / 8)), r = ex_var(pool, num(K));
    Ex ii[3], ji[3], at[3], row[3];
    for (int x = 0; x < 3; x++) {
        ii[x] = ex_var(pool, num(4));
        ji[x] = ex_var(pool, num(8));
        at[x] = ex_add(pool, ex_mul(pool, ii[x], num(8)), ji[x]);
        row[x] = ex_add(pool, ex_mul(pool, io, num(4)), ii[x]);
    }
    Stmt *in[3];
    in[0] = stmt_store(arena, acc, at[0], f32(0), NULL);
    Ex lhs = ex_guard(pool, ex_lt(pool, row[1], num(M)),
                      load(a, ex_add(pool, ex_mul(pool, row[1], num(K)), r)), f32(0));
    Ex col = ex_add(pool, ex_mul(pool, jo, num(8)), ji[1]);
    Ex rhs = load(b, ex_add(pool, ex_mul(pool, r, num(N)), col));
    in[1] =
        stmt_store(arena, acc, at[1], ex_add(pool, load(acc, at[1]), ex_mul(pool, lhs, rhs)), NULL);
    Ex out =
        ex_add(pool, ex_mul(pool, row[2], num(N)), ex_add(pool, ex_mul(pool, jo, num(8)), ji[2]));
    in[2] = stmt_store(arena, c, out, load(acc, at[2]), ex_lt(pool, row[2], num(M)));
    for (int x = 0; x < 3; x++)
        in[x] = stmt_loop(arena, ii[x], LOOP_UNROLLED, stmt_loop(arena, ji[x], LOOP_VECTOR, in[x]));
    Stmt *s = stmt_seq(in[0], stmt_loop(arena, r, LOOP_SERIAL, in[1]));
    s = stmt_loop(arena, jo, LOOP_SERIAL, stmt_seq(s, in[2]));
    return stmt_loop(arena, io, LOOP_PARALLEL, s);
}

static void test_schedules(void **state)
{
    (void)state;
    float *x = random_data(ELEM_F32, M * K), *y = random_data(ELEM_F32, K * N), got[2][M * N],
          want[M * N];
    for (int i = 0; i < M * K; i++)
        x[i] *= 0.37f;
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            volatile float sum = 0;
            for (int r = 0; r < K; r++) {
                volatile float p = x[i * K + r] * y[r * N + j];
                sum = sum + p;
            }
            want[i * N + j] = sum;
        }
    for (int v = 0; v < 2; v++) {
        Kernel *k = kernel(NULL);
        Buf *a = buffer(ELEM_F32, SPACE_INPUT, M * K), *b = buffer(ELEM_F32, SPACE_INPUT, K * N);
        Buf *c = buffer(ELEM_F32, SPACE_OUTPUT, M * N);
        param(k, a);
        param(k, b);
        param(k, c);
        k->body = (v ? matmul_tiled : matmul_reference)(k, a, b, c);
        assert_int_equal(kernel_verify(&ctx, k), MLC_OK);
        InterpArg args[] = {{.data = x, .count = M * K},
                            {.data = y, .count = K * N},
                            {.data = got[v], .count = M * N}};
        int code;
        assert_int_equal(kernel_interp(&ctx, k, INTERP_EXACT, args, NULL, &code), MLC_OK);
        assert_memory_equal(got[v], want, sizeof want);
        compare(k);
        InterpPlan *plan; /* prepared once, run twice */
        assert_int_equal(interp_prepare(&ctx, k, INTERP_EXACT, NULL, &plan), MLC_OK);
        for (int again = 0; again < 2; again++) {
            memset(got[v], 0, sizeof want);
            assert_int_equal(interp_run(plan, args, &code), MLC_OK);
            assert_memory_equal(got[v], want, sizeof want);
        }
        interp_free(plan);
    }
    free(x);
    free(y);
}

/* ---- stages ---- */

static Ex axis(Stage *s, Ex extent)
{
    return s->axis[s->naxis++] = ex_var(pool, extent);
}

static void yield(Stage *s, Buf *b, Ex index, Ex v)
{
    StageStore o = {.buf = b, .value = v};
    o.index[0] = index;
    vec_push(arena, &s->stores, o);
}

static void run(const Stage *s, const int64_t *sym, int n, InterpArg *args)
{
    Kernel *k = kernel_from_stage(arena, pool, s, "stage");
    int code;
    assert_int_equal(kernel_verify(&ctx, k), MLC_OK);
    assert_int_equal(k->params.len, n);
    assert_int_equal(kernel_interp(&ctx, k, INTERP_EXACT, args, sym, &code), MLC_OK);
    assert_int_equal(code, 0);
}

/* arg max with the first index winning: two accumulators that depend on each other. */
static void test_arg_max(void **state)
{
    (void)state;
    enum { ROWS = 3, LEN = 50 };
    Ex n = ex_sym(pool, "n", 0), dims[2] = {num(ROWS), n};
    Buf *x = buf_new(arena, pool, 0, "x", ELEM_F32, SPACE_INPUT, 2, dims),
        *y = buffer(ELEM_I64, SPACE_OUTPUT, ROWS);
    Stage *s = NEW(arena, Stage);
    s->kind = STAGE_REDUCE;
    Ex i = axis(s, num(ROWS)), r = s->red[s->nred++] = ex_var(pool, n);
    s->nacc = 2;
    s->op[0] = s->op[1] = REDUCE_GENERAL;
    s->init[0] = f32(-INFINITY);
    s->init[1] = num(-1);
    s->body[0] = ex_load(pool, x, ELEM_F32, 2, (Ex[]){i, r});
    s->body[1] = r;
    Ex better = ex_lt(pool, ex_acc(pool, ELEM_F32, 0), ex_rhs(pool, ELEM_F32, 0));
    s->combine[0] = ex_select(pool, better, ex_rhs(pool, ELEM_F32, 0), ex_acc(pool, ELEM_F32, 0));
    s->combine[1] = ex_select(pool, better, ex_rhs(pool, ELEM_I64, 1), ex_acc(pool, ELEM_I64, 1));
    yield(s, y, i, ex_acc(pool, ELEM_I64, 1));
    float *data = random_data(ELEM_F32, ROWS * LEN);
    int64_t got[ROWS];
    data[7] = data[9] = 1000;
    data[LEN] = 2000;
    data[3 * LEN - 1] = 3000;
    run(s, (int64_t[]){LEN}, 2, (InterpArg[]){{data, ROWS * LEN, false}, {got, ROWS, false}});
    assert_int_equal(got[0], 7);
    assert_int_equal(got[1], 0);
    assert_int_equal(got[2], LEN - 1);
    run(s, (int64_t[]){0}, 2, (InterpArg[]){{data, 0, false}, {got, ROWS, false}});
    assert_int_equal(got[1], -1);
    free(data);
}

/* Sums with few lanes are folded in order: bit for bit the serial sum. */
static void test_fold_order(void **state)
{
    (void)state;
    enum { LEN = 5000 };
    float *data = random_data(ELEM_F32, LEN), want[2] = {0, -INFINITY}, got[2];
    for (int i = 0; i < LEN; i++) {
        data[i] = data[i] * 0.1f + 1e-3f * (float)i;
        want[0] += data[i];
        want[1] = data[i] > want[1] ? data[i] : want[1];
    }
    Buf *x = buffer(ELEM_F32, SPACE_INPUT, LEN), *y = buffer(ELEM_F32, SPACE_OUTPUT, 2);
    Stage *s = NEW(arena, Stage);
    s->kind = STAGE_REDUCE;
    Ex r = s->red[s->nred++] = ex_var(pool, num(LEN));
    s->nacc = 2;
    s->op[0] = REDUCE_SUM;
    s->op[1] = REDUCE_MAX;
    for (int i = 0; i < 2; i++) {
        s->init[i] = reduce_init(pool, s->op[i], ELEM_F32);
        s->body[i] = load(x, r);
        yield(s, y, num(i), ex_acc(pool, ELEM_F32, i));
    }
    run(s, NULL, 2, (InterpArg[]){{data, LEN, false}, {got, 2, false}});
    assert_memory_equal(got, want, sizeof want);
    data[100] = NAN;
    run(s, NULL, 2, (InterpArg[]){{data, LEN, false}, {got, 2, false}});
    assert_true(isnan(got[0]) && isnan(got[1]));
    free(data);
}

/* Inclusive sums: the state before the point plus the element. */
static void test_scan(void **state)
{
    (void)state;
    enum { ROWS = 4, LEN = 9 };
    Ex dims[2] = {num(ROWS), num(LEN)};
    Buf *x = buf_new(arena, pool, 0, "x", ELEM_I32, SPACE_INPUT, 2, dims);
    Buf *y = buf_new(arena, pool, 1, "y", ELEM_I32, SPACE_OUTPUT, 2, dims);
    Stage *s = NEW(arena, Stage);
    s->kind = STAGE_SCAN;
    Ex i = axis(s, dims[0]), j = axis(s, dims[1]);
    s->nacc = 1;
    s->op[0] = REDUCE_GENERAL;
    s->init[0] = ex_const_i(pool, ELEM_I32, 0);
    s->body[0] =
        ex_add(pool, ex_acc(pool, ELEM_I32, 0), ex_load(pool, x, ELEM_I32, 2, (Ex[]){i, j}));
    StageStore o = {.buf = y, .index = {i, j}, .value = s->body[0]};
    vec_push(arena, &s->stores, o);
    int32_t in[ROWS * LEN], got[ROWS * LEN], sum = 0;
    for (int k = 0; k < ROWS * LEN; k++)
        in[k] = k * k - 40;
    run(s, NULL, 2, (InterpArg[]){{in, ROWS * LEN, false}, {got, ROWS * LEN, false}});
    for (int k = 0; k < ROWS * LEN; k++) {
        sum = k % LEN ? sum + in[k] : in[k];
        assert_int_equal(got[k], sum);
    }
}

/* The last of equal indices wins; an additive scatter sees what was written before it. */
static void test_scatter(void **state)
{
    (void)state;
    enum { LEN = 3000, OUT = 10 };
    Buf *idx = buffer(ELEM_I64, SPACE_INPUT, LEN), *v = buffer(ELEM_F32, SPACE_INPUT, LEN);
    Buf *y = buffer(ELEM_F32, SPACE_OUTPUT, OUT);
    int64_t at[LEN];
    float in[LEN], got[OUT] = {0}, want[OUT] = {0};
    for (int i = 0; i < LEN; i++) {
        at[i] = (int64_t)i * 7919 % 31 % OUT;
        in[i] = (float)i * 0.3f;
    }
    for (int add = 0; add < 2; add++) {
        Stage *s = NEW(arena, Stage);
        s->kind = STAGE_SCATTER;
        Ex i = axis(s, num(LEN)), to = load(idx, i), u = load(v, i);
        yield(s, y, to, add ? ex_add(pool, load(y, to), u) : u);
        for (int k = 0; k < LEN; k++)
            want[at[k]] = add ? want[at[k]] + in[k] : in[k];
        Kernel *k = kernel_from_stage(arena, pool, s, "scatter");
        InterpArg args[3];
        for (int p = 0; p < 3; p++)
            args[p] = k->params.at[p] == idx ? (InterpArg){at, LEN, false}
                      : k->params.at[p] == v ? (InterpArg){in, LEN, false}
                                             : (InterpArg){got, OUT, false};
        int code;
        assert_int_equal(kernel_interp(&ctx, k, INTERP_EXACT, args, NULL, &code), MLC_OK);
        assert_memory_equal(got, want, sizeof want);
    }
}

/* ---- bounds, checks, splats ---- */

static void test_bounds(void **state)
{
    (void)state;
    Buf *x = buffer(ELEM_F32, SPACE_INPUT, 100), *y = buffer(ELEM_F32, SPACE_OUTPUT, 200);
    float in[100] = {0}, out[200];
    InterpArg args[] = {{in, 100, false}, {out, 200, false}};
    for (int v = 0; v < 6; v++) {
        Ex i = ex_var(pool, num(101));
        Ex at = v == 1   ? ex_floor_mod(pool, ex_mul(pool, i, i), num(101))
                : v == 2 ? ex_sub(pool, i, num(1))
                         : i;
        Ex val = load(x, at);
        if (v == 3) /* the guard lets one bad lane through */
            val = ex_guard(pool, ex_ne(pool, i, num(7)), val, f32(0));
        if (v == 5) /* excluded by its guard */
            val = ex_guard(pool, ex_lt(pool, i, num(100)), val, f32(0));
        Ex to = v == 4 ? ex_mul(pool, i, num(2)) : i;
        Kernel *k = kernel(stmt_loop(arena, i, LOOP_PARALLEL,
                                     stmt_store(arena, y, to, v == 4 ? f32(1) : val, NULL)));
        param(k, x);
        param(k, y);
        int code;
        size_t before = ctx.diags.errors;
        Status s = kernel_interp(&ctx, k, INTERP_EXACT, args, NULL, &code);
        assert_int_equal(s, v == 5 ? MLC_OK : MLC_BUG);
        assert_int_equal(ctx.diags.errors - before, v != 5);
    }
    assert_non_null(strstr(ctx.diags.last->message, "element 200"));
}

static void test_checks(void **state)
{
    (void)state;
    Buf *x = buffer(ELEM_I64, SPACE_INPUT, 8), *y = buffer(ELEM_I64, SPACE_OUTPUT, 8),
        *z = buffer(ELEM_I64, SPACE_INPUT, 4);
    Ex i = ex_var(pool, num(8)), at = load(x, i);
    Stmt *s = stmt_check(arena, ex_lt(pool, at, num(4)), 2);
    s = stmt_seq(s, stmt_store(arena, y, i, load(z, at), NULL));
    Kernel *k = kernel(stmt_loop(arena, i, LOOP_PARALLEL, s));
    param(k, x);
    param(k, y);
    param(k, z);
    int64_t in[8] = {0, 1, 2, 3, 3, 2, 1, 0}, out[8], table[4] = {10, 11, 12, 13};
    InterpArg args[] = {{in, 8, false}, {out, 8, false}, {table, 4, false}};
    int code;
    assert_int_equal(kernel_interp(&ctx, k, INTERP_EXACT, args, NULL, &code), MLC_OK);
    assert_int_equal(code, 0);
    assert_int_equal(out[4], 13);
    in[5] = 4;
    assert_int_equal(kernel_interp(&ctx, k, INTERP_EXACT, args, NULL, &code), MLC_OK);
    assert_int_equal(code, 2);
    args[2] = (InterpArg){table, 1000, true};
    in[5] = 3;
    assert_int_equal(kernel_interp(&ctx, k, INTERP_EXACT, args, NULL, &code), MLC_OK);
    assert_int_equal(out[4], 10);
}

/* ---- storage types ---- */

static void test_storage(void **state)
{
    (void)state;
    static const Elem types[] = {ELEM_F16,    ELEM_BF16,       ELEM_F8E4M3FN,
                                 ELEM_F8E5M2, ELEM_F8E4M3FNUZ, ELEM_F4E2M1,
                                 ELEM_I4,     ELEM_U4,         ELEM_I2};
    enum { LEN = 256 };
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        Elem e = types[t];
        Buf *x = buffer(e, SPACE_INPUT, LEN), *y = buffer(e, SPACE_OUTPUT, LEN),
            *z = buffer(ELEM_F32, SPACE_OUTPUT, LEN);
        Ex i = ex_var(pool, num(LEN)), back = ex_sub(pool, num(LEN - 1), i);
        Ex wide = ex_cast(pool, ELEM_F32, load(x, i));
        Ex twice = elem_is_float(e) ? ex_cast_saturating(pool, e, ex_mul(pool, wide, f32(0.5)))
                                    : load(x, i);
        Stmt *s =
            stmt_seq(stmt_store(arena, y, back, twice, NULL), stmt_store(arena, z, i, wide, NULL));
        Kernel *k = kernel(stmt_loop(arena, i, LOOP_PARALLEL, s));
        param(k, x);
        param(k, y);
        param(k, z);
        uint8_t in[2 * LEN], out[2 * LEN];
        float f[LEN];
        for (int n = 0; n < 2 * LEN; n++)
            in[n] = (uint8_t)(n * 37);
        int code;
        InterpArg args[] = {{in, LEN, false}, {out, LEN, false}, {f, LEN, false}};
        assert_int_equal(kernel_interp(&ctx, k, INTERP_EXACT, args, NULL, &code), MLC_OK);
        for (size_t n = 0; n < LEN; n++) {
            double v = elem_get_f64(e, in, n), w = elem_get_f64(e, out, LEN - 1 - n);
            assert_true(isnan(v) ? isnan(f[n]) : f[n] == v);
            uint8_t half[2] = {0};
            elem_set_f64(e, half, 0, elem_is_float(e) ? v / 2 : v);
            v = elem_get_f64(e, half, 0);
            assert_true(isnan(v) ? isnan(w) : w == v);
        }
    }
}

static void test_f64_mode(void **state)
{
    (void)state;
    enum { LEN = 2000 };
    Buf *x = buffer(ELEM_F32, SPACE_INPUT, LEN), *y = buffer(ELEM_F16, SPACE_OUTPUT, LEN);
    Ex i = ex_var(pool, num(LEN)), v = load(x, i);
    Ex r = ex_op(pool, EX_TANH, 1, &v);
    r = ex_cast(pool, ELEM_F16, ex_add(pool, r, ex_cast(pool, ELEM_F32, i)));
    Kernel *k = kernel(stmt_loop(arena, i, LOOP_PARALLEL, stmt_store(arena, y, i, r, NULL)));
    param(k, x);
    param(k, y);
    double in[LEN], out[LEN];
    for (int n = 0; n < LEN; n++)
        in[n] = n * 1e-3 - 1;
    InterpArg args[] = {{in, LEN, false}, {out, LEN, false}};
    int code;
    assert_int_equal(kernel_interp(&ctx, k, INTERP_F64, args, NULL, &code), MLC_OK);
    for (int n = 0; n < LEN; n++)
        assert_true(out[n] == tanh(in[n]) + n);
}

/* ---- copies ---- */

static void test_permute(void **state)
{
    (void)state;
    static const Elem types[] = {ELEM_U8, ELEM_I16, ELEM_F32, ELEM_F64};
    for (int round = 0; round < 200; round++) {
        seed = (uint64_t)round + 1;
        int rank = 1 + (int)below(4), perm[4] = {0, 1, 2, 3};
        int64_t dim[4], count = 1;
        Ex var[4], from = num(0), to = num(0);
        for (int k = 0; k < rank; k++) {
            int p = (int)below(rank), swap = perm[k];
            perm[k] = perm[p];
            perm[p] = swap;
        }
        for (int k = 0; k < rank; k++) {
            var[k] = ex_var(pool, num(dim[k] = 1 + below(rank == 1 ? 3000 : rank == 2 ? 150 : 17)));
            from = ex_add(pool, ex_mul(pool, from, num(dim[k])), var[k]);
            count *= dim[k];
        }
        bool flip = below(4) == 0;
        if (flip)
            from = ex_sub(pool, num(count - 1), from);
        for (int k = 0; k < rank; k++)
            to = ex_add(pool, ex_mul(pool, to, num(dim[perm[k]])), var[perm[k]]);
        Elem e = types[below(4)];
        Buf *x = buffer(e, SPACE_INPUT, count), *y = buffer(e, SPACE_OUTPUT, count);
        Stmt *s = stmt_store(arena, y, to, load(x, from), NULL);
        for (int k = rank; k-- > 0;)
            s = stmt_loop(arena, var[k], below(2) ? LOOP_PARALLEL : LOOP_SERIAL, s);
        Kernel *k = kernel(s);
        param(k, x);
        param(k, y);
        compare(k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        cmocka_unit_test_setup_teardown(test_schedules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arg_max, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fold_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scan, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scatter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_checks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_storage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_f64_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(test_permute, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
