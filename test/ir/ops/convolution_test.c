/* Convolutions with a meaning of their own, by loops written here: CausalConvWithState sees the past
 * only, the taps of DeformConv are moved by offsets. */
#include "test/ir/ops/values.h"

#include <stdio.h>

/* x = 1 2 3 | 4 5 6 (two channels), w = 1 10 100 | 2 0 -1 */
#define CAUSAL                                                                        \
    "const %x : f32[1,2,3] = {1.0,2.0,3.0,4.0,5.0,6.0}"                               \
    " const %w : f32[2,1,3] = {1.0,10.0,100.0,2.0,0.0,-1.0} const %b : f32[2] = {0.5,-0.5}" \
    " const %p : f32[1,2,2] = {7.0,8.0,9.0,-9.0} "

EXPECT(zeros_come_before, CAUSAL "%y, %s = CausalConvWithState(%x, %w)", 100, 210, 321, -4, -5, 2)
EXPECT(past_comes_before, CAUSAL "%y, %s = CausalConvWithState(%x, %w, %b, %p)",
       187.5, 218.5, 321.5, 13.5, -23.5, 1.5)
EXPECT(state_is_the_end, CAUSAL "%s, %y = CausalConvWithState(%x, %w)", 2, 3, 5, 6)
EXPECT(state_keeps_some_of_the_past,
       CAUSAL "const %z : f32[1,2,1] = {1.0,2.0} %s, %y = CausalConvWithState(%z, %w, _, %p)",
       8, 1, -9, 2)

static void silu_follows(void **state)
{
    const double sum[] = {187.5, 218.5, 321.5, 13.5, -23.5, 1.5};
    double want[6];
    for (int i = 0; i < 6; i++)
        want[i] = sum[i] / (1 + exp(-sum[i]));
    expect_values(state, CAUSAL "%y, %s = CausalConvWithState(%x, %w, %b, %p)"
                                " {activation=\"silu\"}", 6, want);
}

/* ---- DeformConv on one axis: x[n][C][L], w[M][C / groups][K], offset[n][OG * K][O] ---- */
enum { C = 4, L = 5, M = 2, K = 2, O = 5, OG = 2, PAD = 1, DILATION = 2 };

static double sample(const double *x, double at)
{
    int i = (int)floor(at);
    double share = at - i, a = i >= 0 && i < L ? x[i] : 0, b = i >= -1 && i < L - 1 ? x[i + 1] : 0;
    return (1 - share) * a + share * b;
}

static const char *numbers(char *to, const double *x, int n)
{
    size_t len = 0;
    for (int i = 0; i < n; i++)
        len += (size_t)sprintf(to + len, "%s%.6f", i ? "," : "", x[i]);
    return to;
}

static void taps_are_moved(void **state)
{
    double x[C * L], w[M * 2 * K], off[OG * K * O], mask[OG * K * O], want[M * O];
    char tx[512], tw[128], to[512], tm[512], body[1900];
    for (int i = 0; i < C * L; i++)
        x[i] = (i * 7 % 11) - 4;
    for (int i = 0; i < M * 2 * K; i++)
        w[i] = (i * 5 % 7) - 3;
    for (int i = 0; i < OG * K * O; i++) {
        off[i] = (i * 9 % 13 - 6) / 4.0; /* some leave the input on either side */
        mask[i] = (i % 4) / 2.0;
    }
    for (int m = 0; m < M; m++)
        for (int o = 0; o < O; o++) {
            double sum = m + 1;
            for (int c = 0; c < 2; c++)
                for (int k = 0; k < K; k++) {
                    int channel = m * 2 + c, at = (channel / 2 * K + k) * O + o;
                    sum += w[(m * 2 + c) * K + k] * mask[at] *
                           sample(&x[channel * L], o - PAD + k * DILATION + off[at]);
                }
            want[m * O + o] = sum;
        }
    sprintf(body,
            "const %%x : f32[1,4,5] = {%s} const %%w : f32[2,2,2] = {%s}"
            " const %%o : f32[1,4,5] = {%s} const %%m : f32[1,4,5] = {%s}"
            " const %%b : f32[2] = {1.0,2.0} %%y = DeformConv(%%x, %%w, %%o, %%b, %%m)"
            " {dilations=[2], group=2, offset_group=2, pads=[1,1]}",
            numbers(tx, x, C * L), numbers(tw, w, M * 2 * K), numbers(to, off, OG * K * O),
            numbers(tm, mask, OG * K * O));
    expect_values(state, body, M * O, want);
}

/* Offsets of 0 make it a convolution: 1 + 4, 2 + 5 ... of a 3 x 3 image by a diagonal. */
EXPECT(no_offset_is_a_convolution,
       "const %x : f32[1,1,3,3] = {1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,9.0}"
       " const %w : f32[1,1,2,2] = {1.0,0.0,0.0,1.0}"
       " const %o : f32[1,8,2,2] = splat {0.0} %y = DeformConv(%x, %w, %o)", 6, 8, 12, 14)

/* ---- TfIdfVectorizer: bigrams 1 2, 2 1 and unigrams 1, 3 ---- */
#define GRAMS(mode, skip, min)                                                              \
    "const %x : i64[6] = {1,2,1,3,2,1} %y = TfIdfVectorizer(%x) {max_gram_length=2,"        \
    " max_skip_count=" skip ", min_gram_length=" min ", mode=\"" mode "\", ngram_counts=[0,2],"   \
    " ngram_indexes=[3,1,0,2], pool_int64s=[1,3,1,2,2,1],"                                  \
    " weights=[0x1p+1,0x1p-1,0x1p+2,0x1p+3]}"
EXPECT(bigrams_are_counted, GRAMS("TF", "0", "2"), 1, 0, 2, 0)
EXPECT(shorter_ones_too, GRAMS("TF", "0", "1"), 1, 1, 2, 3)
/* 1 . 2 occurs from element 2 to element 4 */
EXPECT(elements_may_be_skipped, GRAMS("TF", "2", "1"), 2, 1, 2, 3)
EXPECT(counts_are_weighted, GRAMS("TFIDF", "0", "1"), 2, 0.5, 8, 24)
EXPECT(presence_is_weighted, GRAMS("IDF", "0", "1"), 2, 0.5, 4, 8)

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(zeros_come_before), T(past_comes_before), T(state_is_the_end),
        T(state_keeps_some_of_the_past), T(silu_follows), T(taps_are_moved),
        T(no_offset_is_a_convolution), T(bigrams_are_counted), T(shorter_ones_too),
        T(elements_may_be_skipped), T(counts_are_weighted), T(presence_is_weighted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
