/* Errors of the expanded MATH operations against the C library in higher precision, in units in the
 * last place. The bounds are those that ir/expr/math.c states. */
#include "ir/base/arena.h"
#include "ir/base/ctx.h"
#include "ir/expr/expr.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LANES = 512, MAX_NODES = 1024 };

/* ---- a small evaluator: every node for LANES arguments at once ---- */

typedef union Lane {
    float f;
    double d;
    int32_t i;
    int64_t l;
    bool b;
} Lane;

typedef struct Eval {
    Ex node[MAX_NODES];
    Lane *value[MAX_NODES];
    int n;
} Eval;

static int find(const Eval *v, Ex e)
{
    for (int i = 0; i < v->n; i++) {
        if (v->node[i] == e)
            return i;
    }
    return -1;
}

static void collect(Eval *v, Arena *a, Ex e)
{
    if (find(v, e) >= 0)
        return;
    for (int i = 0; i < e->narg; i++)
        collect(v, a, e->arg[i]);
    assert_true(v->n < MAX_NODES);
    v->value[v->n] = NEW_ARRAY(a, Lane, LANES);
    v->node[v->n++] = e;
}

#define EACH(expr)                                                                                 \
    for (int i = 0; i < LANES; i++) {                                                              \
        expr;                                                                                      \
    }                                                                                              \
    return

static void float_lanes(ExOp op, Lane *r, const Lane *x, const Lane *y, const Lane *z)
{
    switch (op) {
    case EX_ADD:
        EACH(r[i].f = x[i].f + y[i].f);
    case EX_SUB:
        EACH(r[i].f = x[i].f - y[i].f);
    case EX_MUL:
        EACH(r[i].f = x[i].f * y[i].f);
    case EX_DIV:
        EACH(r[i].f = x[i].f / y[i].f);
    case EX_MIN:
        EACH(r[i].f = x[i].f != x[i].f || x[i].f < y[i].f ? x[i].f : y[i].f);
    case EX_MAX:
        EACH(r[i].f = x[i].f != x[i].f || x[i].f > y[i].f ? x[i].f : y[i].f);
    case EX_NEG:
        EACH(r[i].f = -x[i].f);
    case EX_ABS:
        EACH(r[i].f = fabsf(x[i].f));
    case EX_SQRT:
        EACH(r[i].f = sqrtf(x[i].f));
    case EX_FLOOR:
        EACH(r[i].f = floorf(x[i].f));
    case EX_TRUNC:
        EACH(r[i].f = truncf(x[i].f));
    case EX_ROUND_EVEN:
        EACH(r[i].f = rintf(x[i].f));
    case EX_FMA:
        EACH(r[i].f = fmaf(x[i].f, y[i].f, z[i].f));
    case EX_LT:
        EACH(r[i].b = x[i].f < y[i].f);
    case EX_LE:
        EACH(r[i].b = x[i].f <= y[i].f);
    case EX_EQ:
        EACH(r[i].b = x[i].f == y[i].f);
    case EX_NE:
        EACH(r[i].b = x[i].f != y[i].f);
    default:
        fail_msg("f32 operation %s", ex_op_name[op]);
    }
}

static void double_lanes(ExOp op, Lane *r, const Lane *x, const Lane *y, const Lane *z)
{
    switch (op) {
    case EX_ADD:
        EACH(r[i].d = x[i].d + y[i].d);
    case EX_SUB:
        EACH(r[i].d = x[i].d - y[i].d);
    case EX_MUL:
        EACH(r[i].d = x[i].d * y[i].d);
    case EX_DIV:
        EACH(r[i].d = x[i].d / y[i].d);
    case EX_MIN:
        EACH(r[i].d = x[i].d != x[i].d || x[i].d < y[i].d ? x[i].d : y[i].d);
    case EX_MAX:
        EACH(r[i].d = x[i].d != x[i].d || x[i].d > y[i].d ? x[i].d : y[i].d);
    case EX_NEG:
        EACH(r[i].d = -x[i].d);
    case EX_ABS:
        EACH(r[i].d = fabs(x[i].d));
    case EX_SQRT:
        EACH(r[i].d = sqrt(x[i].d));
    case EX_FLOOR:
        EACH(r[i].d = floor(x[i].d));
    case EX_TRUNC:
        EACH(r[i].d = trunc(x[i].d));
    case EX_ROUND_EVEN:
        EACH(r[i].d = rint(x[i].d));
    case EX_FMA:
        EACH(r[i].d = fma(x[i].d, y[i].d, z[i].d));
    case EX_LT:
        EACH(r[i].b = x[i].d < y[i].d);
    case EX_LE:
        EACH(r[i].b = x[i].d <= y[i].d);
    case EX_EQ:
        EACH(r[i].b = x[i].d == y[i].d);
    case EX_NE:
        EACH(r[i].b = x[i].d != y[i].d);
    default:
        fail_msg("f64 operation %s", ex_op_name[op]);
    }
}

static int64_t wrap(Elem e, int64_t v)
{
    return e == ELEM_I32 ? (int32_t)v : v;
}
static int64_t get_int(Elem e, Lane v)
{
    return e == ELEM_I32 ? v.i : e == ELEM_BOOL ? v.b : v.l;
}

static void put_int(Elem e, Lane *v, int64_t x)
{
    if (e == ELEM_I32)
        v->i = (int32_t)x;
    else if (e == ELEM_BOOL)
        v->b = x & 1;
    else
        v->l = x;
}

static int64_t int_op(ExOp op, Elem e, int64_t x, int64_t y)
{
    int bits = e == ELEM_I32 ? 31 : 63;

    switch (op) {
    case EX_ADD:
        return wrap(e, (int64_t)((uint64_t)x + (uint64_t)y));
    case EX_SUB:
        return wrap(e, (int64_t)((uint64_t)x - (uint64_t)y));
    case EX_MUL:
        return wrap(e, (int64_t)((uint64_t)x * (uint64_t)y));
    case EX_MIN:
        return x < y ? x : y;
    case EX_AND:
        return x & y;
    case EX_OR:
        return x | y;
    case EX_XOR:
        return x ^ y;
    case EX_NOT:
        return ~x;
    case EX_SHL:
        return wrap(e, (int64_t)((uint64_t)x << (y & bits)));
    case EX_SHR:
        return x >> (y & bits);
    default:
        fail_msg("integer operation %s", ex_op_name[op]);
        return 0;
    }
}

/* i64 sums come in normal form. */
static void sum_lanes(const Eval *v, Ex e, Lane *r)
{
    for (int i = 0; i < LANES; i++) {
        uint64_t s = (uint64_t)e->i;

        for (int k = 0; k < e->narg; k++)
            s += (uint64_t)e->coef[k] * (uint64_t)v->value[find(v, e->arg[k])][i].l;
        r[i].l = (int64_t)s;
    }
}

static void cast_lanes(Ex e, Lane *r, const Lane *x)
{
    if (e->elem == ELEM_F64 && e->arg[0]->elem == ELEM_F32) {
        EACH(r[i].d = x[i].f);
    } else if (e->elem == ELEM_F32 && e->arg[0]->elem == ELEM_F64) {
        EACH(r[i].f = (float)x[i].d);
    }
    assert_int_equal(e->elem, e->arg[0]->elem);
    EACH(r[i] = x[i]);
}

static void eval_node(Eval *v, int at)
{
    Ex e = v->node[at];
    Lane *r = v->value[at];
    const Lane *arg[3] = {NULL, NULL, NULL};
    Elem of;

    if (e->op == EX_LIN) {
        sum_lanes(v, e, r);
        return;
    }
    for (int i = 0; i < e->narg && i < 3; i++)
        arg[i] = v->value[find(v, e->arg[i])];
    of = e->narg > 0 ? (Elem)e->arg[0]->elem : ELEM_NONE;
    if (e->op == EX_ACC) {
        return; /* the argument: already there */
    } else if (e->op == EX_CONST) {
        for (int i = 0; i < LANES; i++) {
            if (e->elem == ELEM_F32)
                r[i].f = (float)e->f;
            else if (e->elem == ELEM_F64)
                r[i].d = e->f;
            else
                put_int((Elem)e->elem, &r[i], e->i);
        }
    } else if (e->op == EX_BITS) {
        EACH(r[i] = arg[0][i]);
    } else if (e->op == EX_CAST) {
        cast_lanes(e, r, arg[0]);
    } else if (e->op == EX_SELECT) {
        EACH(r[i] = arg[0][i].b ? arg[1][i] : arg[2][i]);
    } else if (of == ELEM_F32) {
        float_lanes((ExOp)e->op, r, arg[0], arg[1], arg[2]);
    } else if (of == ELEM_F64) {
        double_lanes((ExOp)e->op, r, arg[0], arg[1], arg[2]);
    } else {
        EACH(put_int((Elem)e->elem, &r[i],
                     int_op((ExOp)e->op, of, get_int(of, arg[0][i]),
                            arg[1] != NULL ? get_int(of, arg[1][i]) : 0)));
    }
}

/* ---- arguments ---- */

static uint64_t seed = 88172645463325252u;

static uint64_t random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static double uniform(double lo, double hi)
{
    return lo + (hi - lo) * ((double)(random_bits() >> 11) * 0x1p-53);
}

static const double special[] = {0.0,
                                 -0.0,
                                 1.0,
                                 -1.0,
                                 0.5,
                                 -0.5,
                                 2.0,
                                 -2.0,
                                 3.0,
                                 -3.0,
                                 INFINITY,
                                 -INFINITY,
                                 NAN,
                                 0x1p-149,
                                 -0x1p-149,
                                 0x1p-1074,
                                 0x1.fffffep127,
                                 1e-40,
                                 0x1p-126,
                                 0x1p-1022,
                                 88.72283,
                                 88.72284,
                                 -103.97,
                                 -87.3,
                                 709.78,
                                 -745.1,
                                 0x1.fffffep-1,
                                 0x1.000002p+0,
                                 1e30,
                                 0x1p24,
                                 16777217.0,
                                 1e-8,
                                 1e-20,
                                 -1e-20,
                                 100.0,
                                 -100.0};

/* Special values, the interval of interest, and all exponents, in turn. */
static double sample(int64_t k, double lo, double hi, bool is_double)
{
    uint64_t bits = random_bits();
    double d;
    float f;
    uint32_t half = (uint32_t)bits;

    if (k < (int64_t)COUNT_OF(special))
        return special[k];
    if (k % 4 != 0)
        return uniform(lo, hi);
    memcpy(&d, &bits, sizeof d);
    memcpy(&f, &half, sizeof f);
    return is_double ? d : (double)f;
}

/* ---- errors ---- */

typedef long double Reference(long double);

static long double sigmoid_ref(long double x)
{
    return 1 / (1 + expl(-x));
}

static long double ulp(long double ref, bool is_double)
{
    int e;

    frexpl(ref, &e);
    return is_double ? ldexpl(1, e - 53 < -1074 ? -1074 : e - 53)
                     : ldexpl(1, e - 24 < -149 ? -149 : e - 24);
}

static long double error_of(double got, long double ref, bool is_double)
{
    long double largest = is_double ? 0x1.fffffffffffffp1023L : 0x1.fffffep127L;

    if (isnan(ref))
        return isnan(got) ? 0 : INFINITY;
    if (isinf(ref))
        return got == (double)ref ? 0 : INFINITY;
    if (isinf(got) && fabsl(ref) > largest * (1 - 0x1p-22L) && (got > 0) == (ref > 0))
        return fabsl(ref) > largest ? 0 : (largest - fabsl(ref)) / ulp(largest, is_double);
    if (fabsl(ref) > largest)
        ref = ref > 0 ? largest : -largest;
    if (ref == 0 && got == 0)
        return 0;
    return fabsl((long double)got - ref) / ulp(ref, is_double);
}

typedef struct Function {
    ExOp op;
    Reference *ref;
    double lo, hi; /* where most samples are */
    double reach;  /* |x| beyond is not checked */
    double max[2]; /* f32, f64 */
} Function;

static const Function functions[] = {
    {EX_EXP, expl, -110, 95, INFINITY, {1.1, 1.1}},
    {EX_EXPM1, expm1l, -3, 3, INFINITY, {1.6, 2.0}},
    {EX_LOG, logl, 0.3, 3, INFINITY, {1.0, 1.0}},
    {EX_LOG1P, log1pl, -0.9, 3, INFINITY, {1.6, 1.1}},
    {EX_SIN, sinl, -20, 20, 0x1p45, {1.6, 1.6}},
    {EX_COS, cosl, -20, 20, 0x1p45, {1.6, 1.6}},
    {EX_TAN, tanl, -20, 20, 0x1p45, {3.2, 3.2}},
    {EX_ASIN, asinl, -1, 1, INFINITY, {2.2, 2.4}},
    {EX_ACOS, acosl, -1, 1, INFINITY, {1.5, 1.5}},
    {EX_ATAN, atanl, -4, 4, INFINITY, {2.0, 2.0}},
    {EX_SINH, sinhl, -4, 4, INFINITY, {1.8, 1.8}},
    {EX_COSH, coshl, -4, 4, INFINITY, {1.6, 1.6}},
    {EX_TANH, tanhl, -4, 4, INFINITY, {1.6, 1.6}},
    {EX_ASINH, asinhl, -4, 4, INFINITY, {2.5, 2.5}},
    {EX_ACOSH, acoshl, 1, 4, INFINITY, {2.5, 2.5}},
    {EX_ATANH, atanhl, -1, 1, INFINITY, {2.5, 2.5}},
    {EX_ERF, erfl, -4, 4, INFINITY, {1.2, 1.2}},
    {EX_SIGMOID, sigmoid_ref, -20, 20, INFINITY, {2.3, 2.3}},
};

typedef struct Bench {
    Ctx ctx;
    Arena *arena;
    Eval eval;
    Lane *x, *y; /* arguments */
    int result;
} Bench;

static void bench_open(Bench *b, ExOp op, int nargs, Elem e)
{
    ExPool *p;
    Ex arg[2], r;

    ctx_init(&b->ctx);
    b->arena = arena_new(&b->ctx);
    p = ex_pool_new(b->arena);
    arg[0] = ex_acc(p, e, 0);
    arg[1] = ex_acc(p, e, 1);
    r = ex_expand_math(p, ex_op(p, op, nargs, arg));
    for (ExOp k = EX_EXP; k < EX_OP_COUNT; k++)
        assert_false(ex_uses_op(r, k));
    collect(&b->eval, b->arena, r);
    if (nargs == 2)
        collect(&b->eval, b->arena, arg[1]);
    b->x = b->eval.value[find(&b->eval, arg[0])];
    b->y = nargs == 2 ? b->eval.value[find(&b->eval, arg[1])] : NULL;
    b->result = find(&b->eval, r);
}

static void put(Lane *v, double x, bool is_double)
{
    if (is_double)
        v->d = x;
    else
        v->f = (float)x;
}

static double get(Lane v, bool is_double)
{
    return is_double ? v.d : (double)v.f;
}

static void run(Bench *b)
{
    for (int i = 0; i < b->eval.n; i++)
        eval_node(&b->eval, i);
}

static void check_function(const Function *f, bool is_double)
{
    Bench *b = calloc(1, sizeof *b);
    long double worst = 0;
    double at = 0;
    int64_t count = 400;

    bench_open(b, f->op, 1, is_double ? ELEM_F64 : ELEM_F32);
    for (int64_t k = 0; k < count; k++) {
        for (int i = 0; i < LANES; i++)
            put(&b->x[i], sample(k * LANES + i, f->lo, f->hi, is_double), is_double);
        run(b);
        for (int i = 0; i < LANES; i++) {
            double x = get(b->x[i], is_double);
            double got = get(b->eval.value[b->result][i], is_double);
            long double e;

            if (fabs(x) > f->reach && !isinf(x)) {
                assert_true(isfinite(got));
                continue;
            }
            e = error_of(got, f->ref(x), is_double);
            if (e > worst) {
                worst = e;
                at = x;
            }
        }
    }
    print_message("%-8s %s  %.2Lf ULP at %a\n", ex_op_name[f->op], is_double ? "f64" : "f32", worst,
                  at);
    ctx_free(&b->ctx);
    free(b);
    assert_true(worst <= (long double)f->max[is_double]);
}

static void errors_f32(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        check_function(&functions[i], false);
}

static void errors_f64(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        check_function(&functions[i], true);
}

/* Signs of zero that the C library keeps. */
static void zeros(void **state)
{
    static const ExOp odd[] = {EX_SIN,   EX_TAN,   EX_ASIN, EX_ATAN,  EX_SINH, EX_TANH,
                               EX_ASINH, EX_ATANH, EX_ERF,  EX_EXPM1, EX_LOG1P};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        Bench *b = calloc(1, sizeof *b);

        bench_open(b, odd[i], 1, ELEM_F32);
        b->x[0].f = -0.0f;
        b->x[1].f = 0.0f;
        run(b);
        assert_true(b->eval.value[b->result][0].f == 0 && signbit(b->eval.value[b->result][0].f));
        assert_true(b->eval.value[b->result][1].f == 0 && !signbit(b->eval.value[b->result][1].f));
        ctx_free(&b->ctx);
        free(b);
    }
}

/* ---- pow ---- */

static double pow_sample(int64_t k, bool is_exponent, bool is_double)
{
    int64_t n = (int64_t)COUNT_OF(special);

    if (k < n * n)
        return special[is_exponent ? k % n : k / n];
    if (k % 4 == 0)
        return sample(n + 4, 0, 1, is_double);
    if (k % 4 == 1)
        return is_exponent ? uniform(-8, 8) : uniform(0, 10);
    if (k % 4 == 2)
        return is_exponent ? rint(uniform(-30, 30)) : uniform(-10, 10);
    return is_exponent ? uniform(-3000, 3000) : uniform(0.8, 1.25);
}

static void check_pow(bool is_double, double bound)
{
    Bench *b = calloc(1, sizeof *b);
    long double worst = 0;
    double at[2] = {0, 0};

    bench_open(b, EX_POW, 2, is_double ? ELEM_F64 : ELEM_F32);
    for (int64_t k = 0; k < 400; k++) {
        for (int i = 0; i < LANES; i++) {
            put(&b->x[i], pow_sample(k * LANES + i, false, is_double), is_double);
            put(&b->y[i], pow_sample(k * LANES + i, true, is_double), is_double);
        }
        run(b);
        for (int i = 0; i < LANES; i++) {
            double x = get(b->x[i], is_double), y = get(b->y[i], is_double);
            double got = get(b->eval.value[b->result][i], is_double);
            long double ref = powl(x, y), e = error_of(got, ref, is_double);

            if (ref == 0 && got == 0)
                assert_int_equal(signbit(got) != 0, signbit(ref) != 0);
            if (e > worst) {
                worst = e;
                at[0] = x;
                at[1] = y;
            }
        }
    }
    print_message("pow      %s  %.2Lf ULP at %a, %a\n", is_double ? "f64" : "f32", worst, at[0],
                  at[1]);
    ctx_free(&b->ctx);
    free(b);
    assert_true(worst <= (long double)bound);
}

static void errors_pow(void **state)
{
    (void)state;
    check_pow(false, 0.6);
    check_pow(true, 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_f32),
        cmocka_unit_test(errors_f64),
        cmocka_unit_test(zeros),
        cmocka_unit_test(errors_pow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
