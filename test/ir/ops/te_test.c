/* Definitions: what their stages look like (guards only where bounds are not proved, checks, axes),
 * and the values they give when every stage runs as plain loops in the interpreter. */
#include "runtime/mlc_abi.h"
#include "test/ir/ops/values.h"

/* ---- the form of stages ---- */

static const Stage *only_stage(World *w, const char *body)
{
    define(w, body);
    assert_int_equal(w->stages.len, 1);
    return w->stages.at[0];
}

static void proved_bounds_cost_nothing(void **state)
{
    const Stage *s = only_stage(*state, "in %x : f32[n,8,h,20] in %w : f32[16,8,3,3]"
                                        " %y = Conv(%x, %w) {strides=[2,2]}");
    assert_int_equal(s->kind, STAGE_REDUCE);
    assert_int_equal(s->naxis, 4);
    assert_int_equal(s->nred, 3); /* channels, then the window */
    assert_true(ex_is(ex_var_extent(((World *)*state)->g->pool, s->red[0]), 8));
    assert_false(ex_uses_op(s->body[0], EX_GUARD));
}

static void padding_is_guarded(void **state)
{
    World *w = *state;
    const Stage *s = only_stage(w, "in %x : f32[n,8,h,20] in %w : f32[16,8,3,3]"
                                   " %y = Conv(%x, %w) {pads=[1,0,0,0]}");
    Ex guard = s->body[0]->arg[0];
    assert_int_equal(guard->op, EX_GUARD);
    /* one bound only: the row is not above the input */
    assert_int_equal(guard->arg[0]->op, EX_LE);
    assert_true(ex_is(guard->arg[0]->arg[0], 0));
    assert_false(ex_uses(guard->arg[0], s->axis[3]));
}

static void depthwise_has_no_channel_sum(void **state)
{
    const Stage *s = only_stage(*state, "in %x : f32[n,8,h,20] in %w : f32[8,1,3,3]"
                                        " %y = Conv(%x, %w) {group=8}");
    assert_int_equal(s->nred, 2);
    Ex load = s->body[0]->arg[0];
    assert_int_equal(load->op, EX_LOAD);
    assert_ptr_equal(load->arg[1], s->axis[1]);
}

static void pointwise_is_a_product(void **state)
{
    const Stage *s = only_stage(*state, "in %x : f32[n,8,h,20] in %w : f32[16,8,1,1]"
                                        " in %b : f32[16] %y = Conv(%x, %w, %b)");
    assert_int_equal(s->nred, 1);
    assert_false(ex_uses_op(s->body[0], EX_GUARD));
    assert_true(ex_uses_op(s->stores.at[0].value, EX_LOAD)); /* the bias */
}

static void f16_sums_in_f32(void **state)
{
    const Stage *s = only_stage(*state, "in %a : f16[3,4] in %b : f16[4,5] %y = MatMul(%a, %b)");
    assert_int_equal(s->body[0]->elem, ELEM_F32);
    assert_int_equal(s->stores.at[0].value->elem, ELEM_F16);
}

static void unknown_broadcast_is_checked(void **state)
{
    World *w = *state;
    define(w, "in %a : f32[n,4] in %b : f32[h,4] %y = Add(%a, %b)");
    Stage *last = w->stages.at[w->stages.len - 1];
    assert_true(w->stages.len >= 2);
    assert_int_equal(w->stages.at[0]->naxis, 0);
    assert_int_equal(w->stages.at[0]->checks.at[0].code, MLC_RUN_SHAPE);
    assert_true(ex_uses_op(last->stores.at[0].value, EX_SELECT));
}

static void constant_one_repeats(void **state)
{
    const Stage *s = only_stage(*state, "in %a : f32[n,4] in %b : f32[1,4] %y = Mul(%a, %b)");
    Ex b = s->stores.at[0].value->arg[1];
    assert_int_equal(b->op, EX_LOAD);
    assert_true(ex_is(b->arg[0], 0));
    assert_ptr_equal(b->arg[1], s->axis[1]);
}

static void views_keep_plain_indices(void **state)
{
    World *w = *state;
    const Stage *s = only_stage(w, "in %x : f32[n,h,768] const %s : i64[4] = {0,0,12,64}"
                                   " %y = Reshape(%x, %s)");
    Ex load = s->stores.at[0].value;
    assert_ptr_equal(load->arg[0], s->axis[0]);
    assert_ptr_equal(load->arg[1], s->axis[1]);
    assert_false(ex_uses_op(load, EX_FLOOR_DIV));
    assert_false(ex_uses_op(load, EX_FLOOR_MOD));
}

static void concat_stores_slices(void **state)
{
    World *w = *state;
    define(w, "in %a : f32[n,3] in %b : f32[n,5] %y = Concat(%a, %b) {axis=1}");
    assert_int_equal(w->stages.len, 2);
    const Stage *s = w->stages.at[1];
    Ex want = ex_add(w->g->pool, s->axis[1], ex_int(w->g->pool, 3));
    assert_ptr_equal(s->stores.at[0].index[1], want);
}

static void constant_indices_need_no_check(void **state)
{
    const Stage *s = only_stage(*state, "in %x : f32[5,n] const %i : i64[] = {-1}"
                                        " %y = Gather(%x, %i)");
    assert_true(ex_is(s->stores.at[0].value->arg[0], 4));
    assert_int_equal(s->checks.len, 0);
}

static void softmax_is_three_stages(void **state)
{
    World *w = *state;
    define(w, "in %x : f32[n,7] %y = Softmax(%x)");
    assert_int_equal(w->stages.len, 3);
    assert_int_equal(w->stages.at[0]->op[0], REDUCE_MAX);
    assert_int_equal(w->stages.at[0]->naxis, 1);
    assert_int_equal(w->stages.at[1]->op[0], REDUCE_SUM);
    assert_int_equal(w->stages.at[2]->kind, STAGE_MAP);
}

static void stages_print(void **state)
{
    World *w = *state;
    const Stage *s = only_stage(w, "in %x : f32[3,4] %y = ReduceSum(%x)");
    Str text = str_new(w->g->arena);
    stage_print(&text, w->g->pool, s);
    assert_true(str_starts(str_text(&text), "stage 0 reduce ["));
    assert_non_null(strstr(str_text(&text), "acc0 = sum(x["));
}

/* ---- values ---- */

EXPECT(softmax_of_old_is_flat,
       "const %x : f32[1,2,2] = {0.0,0.0,0.0,0.0} %y = Softmax(%x) {axis=1, coerce=1}", .25, .25,
       .25, .25)
EXPECT(sum_runs_backwards,
       "const %x : f32[4] = {1.0,2.0,3.0,4.0} const %a : i64[] = {0}"
       " %y = CumSum(%x, %a) {exclusive=1, reverse=1}", 9, 7, 4, 0)
EXPECT(last_of_equals,
       "const %x : f32[4] = {1.0,3.0,3.0,2.0} %y = ArgMax(%x) {select_last_index=1}", 2)
EXPECT(nan_is_largest, "const %x : f32[4] = {1.0,nan(0x7fc00000),3.0,nan(0x7fc00000)}"
                       " %y = ArgMax(%x)", 1)
EXPECT(least_of_all, "const %x : i32[4] = {5,-2,-2,7} %y = ArgMin(%x)", 1)
EXPECT(average_counts_taps,
       "const %x : f32[1,1,3] = {1.0,2.0,3.0} %y = AveragePool(%x) {kernel_shape=[3], pads=[1,1]}",
       1.5, 2, 2.5)
EXPECT(average_counts_padding,
       "const %x : f32[1,1,3] = {1.0,2.0,3.0} %y = AveragePool(%x) {kernel_shape=[3], pads=[1,1],"
       " count_include_pad=1}", 1, 2, 5.0 / 3)
EXPECT(transposed_convolution,
       "const %x : f32[1,1,3] = {1.0,2.0,3.0} const %w : f32[1,1,3] = {1.0,10.0,100.0}"
       " %y = ConvTranspose(%x, %w) {strides=[2]}", 1, 10, 102, 20, 203, 30, 300)
EXPECT(reflects_more_than_once,
       "const %x : f32[3] = {1.0,2.0,3.0} const %p : i64[2] = {5,1}"
       " %y = Pad(%x, %p) {mode=\"reflect\"}", 2, 1, 2, 3, 2, 1, 2, 3, 2)
EXPECT(pads_crop, "const %x : f32[3] = {1.0,2.0,3.0} const %p : i64[2] = {-1,2}"
                  " const %v : f32[] = {9.0} %y = Pad(%x, %p, %v)", 2, 3, 9, 9)
EXPECT(modulus_has_the_divisors_sign,
       "const %a : i32[4] = {7,-7,7,-7} const %b : i32[4] = {3,3,-3,-3} %y = Mod(%a, %b)", 1, 2,
       -2, -1)
EXPECT(division_truncates,
       "const %a : i32[2] = {7,-7} const %b : i32[] = {2} %y = Div(%a, %b)", 3, -3)
EXPECT(shift_by_all_bits, "const %a : u8[2] = {255,255} const %b : u8[2] = {8,1}"
                          " %y = BitShift(%a, %b) {direction=\"LEFT\"}", 0, 254)
EXPECT(integer_powers, "const %a : i32[3] = {9,-2,2} const %b : i32[3] = {3,3,-1}"
                       " %y = Pow(%a, %b)", 729, -8, 0)
EXPECT(slices_backwards,
       "const %x : i32[5] = {0,1,2,3,4} const %s : i64[1] = {-2} const %e : i64[1] = {-100}"
       " const %a : i64[1] = {0} const %t : i64[1] = {-2} %y = Slice(%x, %s, %e, %a, %t)", 3, 1)
EXPECT(linear_between_pixels,
       "const %x : f32[1,1,2] = {0.0,4.0} const %s : f32[3] = {1.0,1.0,2.0}"
       " %y = Resize(%x, _, %s) {mode=\"linear\"}", 0, 1, 3, 4)
EXPECT(nearest_by_size,
       "const %x : f32[1,1,2] = {0.0,4.0} const %s : i64[3] = {1,1,5}"
       " %y = Resize(%x, _, _, %s) {coordinate_transformation_mode=\"asymmetric\","
       " nearest_mode=\"floor\"}", 0, 0, 0, 4, 4)
EXPECT(log_sum_of_nothing, "const %x : f32[2] = {-inf,-inf} %y = ReduceLogSumExp(%x)", -INFINITY)
EXPECT(repeated_letter, "const %x : i32[2,2] = {1,2,3,4} %y = Einsum(%x) {equation=\"ii\"}", 5)
EXPECT(scatter_in_order,
       "const %x : f32[3] = {1.0,1.0,1.0} const %i : i64[4] = {0,2,0,-1}"
       " const %u : f32[4] = {1.0,2.0,3.0,4.0} %y = ScatterElements(%x, %i, %u)"
       " {reduction=\"add\"}", 5, 1, 7)
EXPECT(swish_gates, "const %a : f32[3] = {0.0,1.0,-2.0} const %b : f32[3] = {5.0,2.0,1.0}"
                    " %y = SwiGLU(%a, %b) {alpha=0x1p+1}", 0, 1.76159416, -0.0359724)
EXPECT(groups_of_channels,
       "const %x : f32[1,4,1] = {1.0,3.0,5.0,9.0} const %s : f32[4] = {1.0,1.0,1.0,2.0}"
       " const %b : f32[4] = {0.0,0.0,0.0,1.0}"
       " %y = GroupNormalization(%x, %s, %b) {num_groups=2, epsilon=0x0p+0}", -1, 1, -1, 3)

/* The position counts through the whole tensor; the first of equal elements is taken. */
static void pool_positions(void **state)
{
    World *w = *state;
    define(w, "const %x : f32[1,2,4] = {1.0,5.0,5.0,2.0,0.0,-1.0,-3.0,-2.0}"
              " %v, %y = MaxPool(%x) {kernel_shape=[2], strides=[2]}");
    assert_int_equal(run(w), 0);
    const int64_t *at = memory_of(w, buf_of(w, w->g->outputs.at[0]));
    assert_int_equal(at[0], 1);
    assert_int_equal(at[1], 2);
    assert_int_equal(at[2], 4);
    assert_int_equal(at[3], 7);
}

static void wrong_index_ends_the_run(void **state)
{
    World *w = *state;
    define(w, "in %x : f32[3] in %i : i64[2] %y = Gather(%x, %i)");
    int64_t *i = memory_of(w, buf_of(w, w->g->inputs.at[1]));
    i[0] = -3;
    i[1] = 2;
    assert_int_equal(run(w), 0);
    i[1] = 3;
    assert_int_equal(run(w), MLC_RUN_INDEX);
    i[1] = -4;
    assert_int_equal(run(w), MLC_RUN_INDEX);
}

static void zero_divisor_ends_the_run(void **state)
{
    World *w = *state;
    define(w, "in %a : i32[2] in %b : i32[] %y = Div(%a, %b)");
    assert_int_equal(run(w), MLC_RUN_DIVIDE);
}

/* 1 is below the threshold, and -3 + 0.5 is cut to -2. */
EXPECT(thresholds_are_no_integers,
       "const %x : i32[4] = {-3,1,2,-1} %y = Shrink(%x) {bias=0x1p-1, lambd=0x1.4p0}", -2, 0, 1, 0)
EXPECT(nothing_unsigned_is_below_zero,
       "const %x : u8[3] = {1,2,200} %y = Shrink(%x) {lambd=0x1.4p0}", 0, 2, 200)
EXPECT(one_symmetric_sample, "const %n : i64[] = {1} %y = HannWindow(%n) {periodic=0}", NAN)

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(proved_bounds_cost_nothing), T(padding_is_guarded), T(depthwise_has_no_channel_sum),
        T(pointwise_is_a_product), T(f16_sums_in_f32), T(unknown_broadcast_is_checked),
        T(constant_one_repeats), T(views_keep_plain_indices), T(concat_stores_slices),
        T(constant_indices_need_no_check), T(softmax_is_three_stages), T(stages_print),
        T(softmax_of_old_is_flat), T(sum_runs_backwards), T(last_of_equals), T(nan_is_largest),
        T(least_of_all), T(average_counts_taps), T(average_counts_padding),
        T(transposed_convolution), T(reflects_more_than_once), T(pads_crop),
        T(modulus_has_the_divisors_sign), T(division_truncates), T(shift_by_all_bits),
        T(integer_powers), T(slices_backwards), T(linear_between_pixels), T(nearest_by_size),
        T(log_sum_of_nothing), T(repeated_letter), T(scatter_in_order), T(groups_of_channels),
        T(pool_positions), T(wrong_index_ends_the_run), T(zero_divisor_ends_the_run),
        T(swish_gates), T(thresholds_are_no_integers), T(nothing_unsigned_is_below_zero),
        T(one_symmetric_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
