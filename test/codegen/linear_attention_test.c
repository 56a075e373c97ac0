/* LinearAttention, two positions worked out by hand: q = (1 2) (3 4), k = (1 0) (1 1), v = 5, 7. */
#include "test/codegen/run_text.h"

#define INPUTS "in %q : f32[1,2,2] in %k : f32[1,2,2] in %v : f32[1,2,1] "
#define HEADS "q_num_heads=1, kv_num_heads=1, scale=0x1p0"
#define DATA "1 2 3 4 | 1 0 1 1 | 5 7"

/* S = (5 0), (12 7) */
static void states_add_up(void **state)
{
    (void)state;
    expect(INPUTS "%y, %s = LinearAttention(%q, %k, %v) {" HEADS ", update_rule=\"linear\"} out %y out %s",
           DATA, "1x2x1: 5 64 | 1x1x2x1: 12 7");
    expect(INPUTS "in %p : f32[1,1,2,1] %y = LinearAttention(%q, %k, %v, %p) {" HEADS
                  ", update_rule=\"linear\"} out %y", DATA " | 1 1", "1x2x1: 8 71");
}

/* half of the state stays: S = (5 0), (9.5 7); by element of the key: (5 0), (9.5 7), where the
 * second element does not fade */
static void gates_fade(void **state)
{
    (void)state;
    const char *gated = INPUTS "in %g : f32[1,2,1] %y = LinearAttention(%q, %k, %v, _, %g) {" HEADS
                               ", update_rule=\"gated\"} out %y";
    expect(gated, DATA " | -0.69314718 -0.69314718", "1x2x1: 5 56.5");
    const char *each = INPUTS "in %p : f32[1,1,2,1] in %g : f32[1,2,2] "
                              "%y = LinearAttention(%q, %k, %v, %p, %g) {" HEADS
                              ", update_rule=\"gated\"} out %y";
    expect(each, DATA " | 0 1 | -0.69314718 0 -0.69314718 0", "1x2x1: 7 60.5");
}

/* what the state says of a key already is taken off: S = (2.5 0), (4.75 2.25) */
static void delta_corrects(void **state)
{
    (void)state;
    expect(INPUTS "in %b : f32[1,2,1] %y = LinearAttention(%q, %k, %v, _, _, %b) {" HEADS
                  ", update_rule=\"delta\"} out %y", DATA " | 0.5 0.5", "1x2x1: 2.5 23.25");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_add_up), cmocka_unit_test(gates_fade), cmocka_unit_test(delta_corrects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
