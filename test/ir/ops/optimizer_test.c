/* Adagrad, Adam, Momentum: one step computed by hand. */
#include "test/ir/ops/values.h"

#define TRAIN "ai.onnx.preview.training::"
#define STATE                                                                       \
    "const %r : f32[] = {0.5} const %t : i64[] = {1} const %t0 : i64[] = {0}"       \
    " const %x : f32[2] = {2.0,-1.0} const %g : f32[2] = {3.0,4.0}"                 \
    " const %v : f32[2] = {1.0,0.0} const %h : f32[2] = {16.0,9.0} "

/* r = 0.5 / (1 + 1 * 1) = 0.25; h' = 16 + 9, 9 + 16; x' = 2 - 0.25 * 3/5, -1 - 0.25 * 4/5 */
EXPECT(adagrad_moves, STATE "%y, %n = " TRAIN "Adagrad(%r, %t, %x, %g, %h)"
                            " {decay_factor=0x1p+0, epsilon=0x0p+0}", 1.85, -1.2)
EXPECT(adagrad_accumulates, STATE "%n, %y = " TRAIN "Adagrad(%r, %t, %x, %g, %h)", 25, 25)
/* g + 2 x = 7, 2 */
EXPECT(adagrad_regularizes, STATE "%n, %y = " TRAIN "Adagrad(%r, %t, %x, %g, %h)"
                                  " {norm_coefficient=0x1p+1}", 65, 13)

/* alpha 1/2, beta 3/4: v' = 2, 2; h' = 12 + 9/4, 27/4 + 4; T 0 leaves the rate */
EXPECT(adam_averages_gradients, STATE "%n, %y, %m = " TRAIN "Adam(%r, %t0, %x, %g, %v, %h)"
                                      " {alpha=0x1p-1, beta=0x1.8p-1}", 2, 2)
EXPECT(adam_averages_squares, STATE "%n, %m, %y = " TRAIN "Adam(%r, %t0, %x, %g, %v, %h)"
                                    " {alpha=0x1p-1, beta=0x1.8p-1}", 14.25, 10.75)
/* x' = 2 - 0.5 * 2 / sqrt(14.25), -1 - 0.5 * 2 / sqrt(10.75) */
EXPECT(adam_moves, STATE "%y, %n, %m = " TRAIN "Adam(%r, %t0, %x, %g, %v, %h)"
                         " {alpha=0x1p-1, beta=0x1.8p-1, epsilon=0x0p+0}",
       2 - 1 / 3.77491722, -1 - 1 / 3.27871926)
/* T 1: r = 0.5 * sqrt(1/4) / (1/2) = 0.5, and half of x' is left */
EXPECT(adam_corrects_bias, STATE "%y, %n, %m = " TRAIN "Adam(%r, %t, %x, %g, %v, %h) {alpha=0x1p-1,"
                                 " beta=0x1.8p-1, epsilon=0x0p+0, norm_coefficient_post=0x1p-1}",
       1 - 0.5 / 3.77491722, -0.5 - 0.5 / 3.27871926)

#define MOMENTUM(mode) \
    " {alpha=0x1p-1, beta=0x1p+1, norm_coefficient=0x0p+0, mode=\"" mode "\"}"
/* v' = 0.5 v + 2 g */
EXPECT(momentum_accumulates,
       STATE "%n, %y = " TRAIN "Momentum(%r, %t, %x, %g, %v)" MOMENTUM("standard"), 6.5, 8)
EXPECT(momentum_moves,
       STATE "%y, %n = " TRAIN "Momentum(%r, %t, %x, %g, %v)" MOMENTUM("standard"), -1.25, -5)
/* the first update takes beta as 1 */
EXPECT(momentum_begins,
       STATE "%n, %y = " TRAIN "Momentum(%r, %t0, %x, %g, %v)" MOMENTUM("standard"), 3.5, 4)
/* x - 0.5 (g + 0.5 v') */
EXPECT(nesterov_looks_ahead,
       STATE "%y, %n = " TRAIN "Momentum(%r, %t, %x, %g, %v)" MOMENTUM("nesterov"), -1.125, -5)
/* tensors of two shapes: the second one's state */
EXPECT(several_tensors,
       STATE "const %z : f64[1,1] = {1.0} const %k : f64[1,1] = {2.0}"
             " %a, %b, %c, %y = " TRAIN "Momentum(%r, %t, %x, %z, %g, %k, %v, %k)"
             MOMENTUM("standard"), 5)

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(adagrad_moves), T(adagrad_accumulates), T(adagrad_regularizes),
        T(adam_averages_gradients), T(adam_averages_squares), T(adam_moves),
        T(adam_corrects_bias), T(momentum_accumulates), T(momentum_moves), T(momentum_begins),
        T(nesterov_looks_ahead), T(several_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
