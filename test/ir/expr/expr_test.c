/* The normal form of sizes and indices, and what can be proved about them. */
#include "ir/base/ctx.h"
#include "ir/base/str.h"
#include "ir/expr/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct Fixture {
    Ctx     ctx;
    Arena  *arena;
    ExPool *p;
    Ex      n; /* symbol, >= 1 */
} Fixture;

static int setup(void **state)
{
    static Fixture f;
    ctx_init(&f.ctx);
    f.arena = arena_new(&f.ctx);
    f.p = ex_pool_new(f.arena);
    f.n = ex_sym(f.p, "n", 1);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    ctx_free(&((Fixture *)*state)->ctx);
    return 0;
}

#define I(v) ex_int(f->p, v)
#define VAR(extent) ex_var(f->p, extent)

static void assert_text(Fixture *f, Ex e, const char *want)
{
    Str s = str_new(f->arena);
    ex_print(&s, f->p, e);
    assert_string_equal(str_text(&s), want);
}

static void sums_are_canonical(void **state)
{
    Fixture *f = *state;
    Ex i = VAR(I(4)), j = VAR(I(5));
    Ex a = ex_add(f->p, ex_mul(f->p, i, I(5)), j);
    Ex b = ex_add(f->p, j, ex_mul(f->p, I(5), i));
    assert_ptr_equal(a, b);
    assert_ptr_equal(ex_sub(f->p, a, j), ex_mul(f->p, i, I(5)));
    assert_ptr_equal(ex_sub(f->p, ex_mul(f->p, ex_add(f->p, i, I(1)), f->n), f->n), ex_mul(f->p, i, f->n));
    assert_text(f, ex_add(f->p, a, I(-3)), "5*i0 + i1 - 3");
}

static void division_cancels(void **state)
{
    Fixture *f = *state;
    Ex i = VAR(f->n), j = VAR(I(5)), k = VAR(f->n);
    Ex flat = ex_add(f->p, ex_mul(f->p, i, I(5)), j);
    assert_ptr_equal(ex_floor_div(f->p, flat, I(5)), i);
    assert_ptr_equal(ex_floor_mod(f->p, flat, I(5)), j);
    Ex sym = ex_add(f->p, ex_mul(f->p, j, f->n), k); /* j*n + k, k < n */
    assert_ptr_equal(ex_floor_div(f->p, sym, f->n), j);
    assert_ptr_equal(ex_floor_mod(f->p, sym, f->n), k);
    Ex h = ex_add(f->p, f->n, I(2)); /* a dimension of two terms: (n + 2) * 7 */
    Ex y = VAR(h), x = VAR(I(7)), b = VAR(I(3));
    Ex hw = ex_mul(f->p, h, I(7));
    Ex image = ex_add(f->p, ex_add(f->p, ex_mul(f->p, b, hw), ex_mul(f->p, y, I(7))), x);
    assert_ptr_equal(ex_floor_div(f->p, image, hw), b);
    assert_ptr_equal(ex_floor_mod(f->p, image, hw), ex_add(f->p, ex_mul(f->p, y, I(7)), x));
}

static void quotient_and_remainder_rejoin(void **state)
{
    Fixture *f = *state;
    Ex m = VAR(I(35));
    Ex q = ex_floor_div(f->p, m, I(7)), r = ex_floor_mod(f->p, m, I(7));
    assert_ptr_equal(ex_add(f->p, ex_mul(f->p, q, I(7)), r), m);
    Ex s = ex_var(f->p, ex_mul(f->p, f->n, f->n));
    Ex qs = ex_floor_div(f->p, s, f->n), rs = ex_floor_mod(f->p, s, f->n);
    assert_ptr_equal(ex_add(f->p, ex_mul(f->p, qs, f->n), rs), s);
}

static void bounds_are_proved(void **state)
{
    Fixture *f = *state;
    Ex h = ex_sym(f->p, "h", 1);
    /* a convolution without padding: out = (h - 3) / 2 + 1, index 2*y + k with k < 3 */
    Ex y = VAR(ex_add(f->p, ex_floor_div(f->p, ex_sub(f->p, h, I(3)), I(2)), I(1))), k = VAR(I(3));
    Ex index = ex_add(f->p, ex_mul(f->p, y, I(2)), k);
    assert_true(ex_nonneg(f->p, index));
    assert_true(ex_proved_lt(f->p, index, h));
    assert_false(ex_proved_lt(f->p, ex_add(f->p, index, I(1)), h));
    assert_false(ex_nonneg(f->p, ex_sub(f->p, index, I(1))));
    int64_t lo, hi;
    Ex v = VAR(I(10));
    ex_range(f->p, ex_sub(f->p, ex_mul(f->p, v, I(-2)), I(1)), &lo, &hi);
    assert_int_equal(lo, -19);
    assert_int_equal(hi, -1);
}

static void affine_parts(void **state)
{
    Fixture *f = *state;
    Ex i = VAR(I(8)), j = VAR(I(8)), rest;
    Ex e = ex_add(f->p, ex_mul(f->p, ex_add(f->p, f->n, I(2)), i), ex_mul(f->p, j, I(3)));
    assert_ptr_equal(ex_affine(f->p, e, i, &rest), ex_add(f->p, f->n, I(2)));
    assert_ptr_equal(rest, ex_mul(f->p, j, I(3)));
    assert_null(ex_affine(f->p, ex_floor_div(f->p, i, I(3)), i, NULL));
    assert_true(ex_is(ex_affine(f->p, e, VAR(I(2)), NULL), 0));
}

static void floats_keep_their_meaning(void **state)
{
    Fixture *f = *state;
    Ex a = ex_acc(f->p, ELEM_F32, 0);
    Ex zero = ex_const_f(f->p, ELEM_F32, 0), one = ex_const_f(f->p, ELEM_F32, 1);
    assert_ptr_not_equal(ex_add(f->p, a, zero), a); /* -0 + 0 is +0 */
    assert_ptr_equal(ex_mul(f->p, a, one), a);
    assert_ptr_equal(ex_add(f->p, a, ex_const_f(f->p, ELEM_F32, -0.0)), a);
    assert_ptr_not_equal(zero, ex_const_f(f->p, ELEM_F32, -0.0));
    Ex sum = ex_add(f->p, ex_const_f(f->p, ELEM_F32, 16777216), one);
    double v;
    assert_true(ex_is_float(sum, &v));
    assert_true(v == 16777216);
    Ex half = ex_cast(f->p, ELEM_F16, a); /* arithmetic on a storage type happens in f32 */
    Ex twice = ex_add(f->p, half, half);
    assert_int_equal(twice->op, EX_CAST);
    assert_int_equal(twice->arg[0]->elem, ELEM_F32);
}

static void sizes_evaluate(void **state)
{
    Fixture *f = *state;
    Ex e = ex_max(f->p, ex_floor_div(f->p, ex_sub(f->p, f->n, I(3)), I(2)), I(-7));
    assert_int_equal(ex_eval_size(e, (int64_t[]){10}), 3);
    assert_int_equal(ex_eval_size(e, (int64_t[]){2}), -1);
    assert_int_equal(ex_eval_size(ex_mul(f->p, f->n, ex_add(f->p, f->n, I(1))), (int64_t[]){6}), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_are_canonical, setup, teardown),
        cmocka_unit_test_setup_teardown(division_cancels, setup, teardown),
        cmocka_unit_test_setup_teardown(quotient_and_remainder_rejoin, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds_are_proved, setup, teardown),
        cmocka_unit_test_setup_teardown(affine_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(floats_keep_their_meaning, setup, teardown),
        cmocka_unit_test_setup_teardown(sizes_evaluate, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
