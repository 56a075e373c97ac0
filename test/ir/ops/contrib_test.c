/* Attention and its relatives of com.microsoft, against loops written here. */
#include "test/ir/ops/values.h"

#include <stdio.h>

/* ---- attention by loops: q [N][S][H], k and v [K][T][H], y [S][N][H] ---- */

enum { N = 2, H = 2, MOST = 64 };

/* Key j counts for query i where allowed[i][j]; otherwise `penalty` is added (-INFINITY: never). */
static void attend(int s, int total, int kv_heads, const double *q, const double *k, const double *v,
                   const bool *allowed, double penalty, double *y)
{
    for (int n = 0; n < N; n++)
        for (int i = 0; i < s; i++) {
            const double *kn = k + n * kv_heads / N * total * H, *vn = v + n * kv_heads / N * total * H;
            double p[MOST], sum = 0;
            for (int j = 0; j < total; j++) {
                double dot = 0;
                for (int d = 0; d < H; d++)
                    dot += q[(n * s + i) * H + d] * kn[j * H + d];
                p[j] = exp(dot / sqrt(H) + (allowed[i * total + j] ? 0 : penalty));
                sum += p[j];
            }
            for (int d = 0; d < H; d++) {
                double a = 0;
                for (int j = 0; j < total; j++)
                    a += p[j] / sum * vn[j * H + d];
                y[(i * N + n) * H + d] = a;
            }
        }
}

static void fill(double *x, int n, int step)
{
    for (int i = 0; i < n; i++)
        x[i] = ((i * step + 3) % 17 - 8) / 8.0;
}

/* [heads][length][H] from [length][heads][H]. */
static void by_head(int heads, int length, const double *from, double *to)
{
    for (int n = 0; n < heads; n++)
        for (int i = 0; i < length; i++)
            for (int d = 0; d < H; d++)
                to[(n * length + i) * H + d] = from[(i * heads + n) * H + d];
}

/* past [heads][before][H], then now [heads][length][H]. */
static void behind(int heads, int before, const double *past, int length, const double *now, double *to)
{
    for (int n = 0; n < heads; n++)
        for (int i = 0; i < before + length; i++)
            for (int d = 0; d < H; d++)
                to[(n * (before + length) + i) * H + d] =
                    i < before ? past[(n * before + i) * H + d]
                               : now[(n * length + i - before) * H + d];
}

static char body[3800];
static size_t used;

static void say(const char *text)
{
    used += (size_t)sprintf(body + used, "%s ", text);
}

static void constant(const char *name, const char *type, int n, const double *x)
{
    used += (size_t)sprintf(body + used, "const %%%s : %s = {", name, type);
    for (int i = 0; i < n; i++)
        used += (size_t)sprintf(body + used, "%s%.6f", i ? "," : "", x[i]);
    say("}");
}

typedef struct Parts {
    double q[12], k[12], v[12];       /* [3][N][H] as the node has them */
    double qh[12], kh[12], vh[12];    /* by head */
} Parts;

/* Constants %q, %k and %v: [1,3,4], or [1,3,2] with one head of k and v. */
static Parts parts(int kv_heads)
{
    Parts p;
    used = 0;
    fill(p.q, 12, 5);
    fill(p.k, 12, 7);
    fill(p.v, 12, 11);
    by_head(N, 3, p.q, p.qh);
    by_head(kv_heads, 3, p.k, p.kh);
    by_head(kv_heads, 3, p.v, p.vh);
    constant("q", "f32[1,3,4]", 12, p.q);
    constant("k", kv_heads == N ? "f32[1,3,4]" : "f32[1,3,2]", 6 * kv_heads, p.k);
    constant("v", kv_heads == N ? "f32[1,3,4]" : "f32[1,3,2]", 6 * kv_heads, p.v);
    return p;
}

#define MHA "com.microsoft::MultiHeadAttention"

static void heads_attend(void **state)
{
    Parts p = parts(N);
    const bool all[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    double y[12];
    attend(3, 3, N, p.qh, p.kh, p.vh, all, 0, y);
    say("%y = " MHA "(%q, %k, %v) {num_heads=2}");
    expect_values(state, body, 12, y);
}

static void padding_is_penalized(void **state)
{
    Parts p = parts(N);
    const bool two[9] = {1, 0, 1, 1, 0, 1, 1, 0, 1};
    double y[12];
    attend(3, 3, N, p.qh, p.kh, p.vh, two, -2, y);
    say("const %m : i32[1,3] = {1,0,1}"
        " %y = " MHA "(%q, %k, %v, _, %m) {num_heads=2, mask_filter_value=-0x1p+1}");
    expect_values(state, body, 12, y);
}

static void number_of_keys_is_a_mask(void **state)
{
    Parts p = parts(N);
    const bool two[9] = {1, 1, 0, 1, 1, 0, 1, 1, 0};
    double y[12];
    attend(3, 3, N, p.qh, p.kh, p.vh, two, -INFINITY, y);
    say("const %m : i32[1] = {2} %y = " MHA "(%q, %k, %v, _, %m) {num_heads=2}");
    expect_values(state, body, 12, y);
}

static void causal_behind_a_past(void **state)
{
    Parts p = parts(N);
    const bool seen[12] = {1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1};
    double past[4], k[16], v[16], y[12];
    fill(past, 4, 13);
    behind(N, 1, past, 3, p.kh, k);
    behind(N, 1, past, 3, p.vh, v);
    attend(3, 4, N, p.qh, k, v, seen, -INFINITY, y);
    constant("p", "f32[1,2,1,2]", 4, past);
    say("%y, %a, %b = " MHA "(%q, %k, %v, _, _, _, %p, %p) {num_heads=2, unidirectional=1}");
    expect_values(state, body, 12, y);
}

/* [batch, length, heads, 3, size] holds what three inputs would. */
static void one_packed_input(void **state)
{
    Parts p = parts(N);
    const bool all[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    double packed[36], y[12];
    for (int i = 0; i < 36; i++) {
        const double *from = i / H % 3 == 0 ? p.q : i / H % 3 == 1 ? p.k : p.v;
        packed[i] = from[i / (3 * H) * H + i % H];
    }
    attend(3, 3, N, p.qh, p.kh, p.vh, all, 0, y);
    used = 0;
    constant("x", "f32[1,3,2,3,2]", 36, packed);
    say("%y = " MHA "(%x) {num_heads=2}");
    expect_values(state, body, 12, y);
}

/* q, k and v are columns of x W + bias with W = (1 0 1 0 | 0 1 0 1 ...): here x itself, twice. */
static void one_product_gives_all(void **state)
{
    double x[6], w[24] = {0}, b[12] = {0}, all[12], h[12], y[12];
    const bool seen[9] = {1, 0, 0, 1, 1, 0, 1, 1, 1};
    fill(x, 6, 5);
    for (int i = 0; i < 2; i++)
        for (int c = i; c < 12; c += 2)
            w[i * 12 + c] = 1;
    for (int i = 0; i < 12; i++)
        all[i] = x[i / 4 * 2 + i % 2];
    by_head(N, 3, all, h);
    attend(3, 3, N, h, h, h, seen, -INFINITY, y);
    used = 0;
    constant("x", "f32[1,3,2]", 6, x);
    constant("w", "f32[2,12]", 24, w);
    constant("b", "f32[12]", 12, b);
    say("%y = com.microsoft::Attention(%x, %w, %b) {num_heads=2, unidirectional=1}");
    expect_values(state, body, 12, y);
}

/* ---- GroupQueryAttention: one head of keys for two of queries ---- */

#define GQA "com.microsoft::GroupQueryAttention"

static void first_call_is_causal(void **state)
{
    Parts p = parts(1);
    const bool seen[9] = {1, 0, 0, 1, 1, 0, 1, 1, 1};
    double y[12];
    attend(3, 3, 1, p.qh, p.kh, p.vh, seen, -INFINITY, y);
    say("const %l : i32[1] = {2} const %t : i32[] = {3}"
        " %y = " GQA "(%q, %k, %v, _, _, %l, %t) {num_heads=2, kv_num_heads=1}");
    expect_values(state, body, 12, y);
}

/* A cache of 4 holds 2 keys; 3 are new, 5 in all; a window of 2. */
#define CACHED "const %l : i32[1] = {4} const %t : i32[] = {5} "
static void later_call_sees_the_cache(void **state)
{
    Parts p = parts(1);
    const bool seen[15] = {0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1};
    double past[8], k[10], v[10], y[12];
    fill(past, 8, 13);
    behind(1, 2, past, 3, p.kh, k);
    behind(1, 2, past, 3, p.vh, v);
    attend(3, 5, 1, p.qh, k, v, seen, -INFINITY, y);
    constant("p", "f32[1,1,4,2]", 8, past);
    say(CACHED "%y = " GQA "(%q, %k, %v, %p, %p, %l, %t)"
               " {num_heads=2, kv_num_heads=1, local_window_size=2}");
    expect_values(state, body, 12, y);
}

static void new_keys_stand_behind_the_past(void **state)
{
    Parts p = parts(1);
    double past[8], k[10];
    fill(past, 8, 13);
    behind(1, 2, past, 3, p.kh, k);
    constant("p", "f32[1,1,4,2]", 8, past);
    say(CACHED "%a, %y, %b = " GQA "(%q, %k, %v, %p, %p, %l, %t) {num_heads=2, kv_num_heads=1}");
    expect_values(state, body, 10, k);
}

/* ---- the others ---- */

/* Position 1 of a table whose angle there is a right one: (a, b) becomes (-b, a). */
EXPECT(rotary_offset, "const %x : f32[1,1,4] = {1.0,2.0,3.0,4.0} const %p : i64[1] = {1}"
                      " const %c : f32[2,1] = {1.0,0.0} const %s : f32[2,1] = {0.0,1.0}"
                      " %y = com.microsoft::RotaryEmbedding(%x, %p, %c, %s)", -2, 1, -4, 3)

#define EMBED                                                                           \
    "const %i : i32[1,2] = {1,0} const %w : f32[2,2] = {1.0,2.0,3.0,5.0}"               \
    " const %p : f32[2,2] = {1.0,0.0,0.0,1.0} const %s : f32[1,2] = {2.0,2.0}"          \
    " const %z : i32[1,2] = {0,0} const %g : f32[2] = {1.0,2.0} const %b : f32[2] = {0.5,0.0}" \
    " const %m : i32[1,2] = {1,0} "
/* sums: 3 + 1 + 2, 5 + 0 + 2 | 1 + 0 + 2, 2 + 1 + 2; normalized -1, 1 */
EXPECT(embeddings_add_up, EMBED "%a, %c, %y = com.microsoft::EmbedLayerNormalization"
                                "(%i, %z, %w, %p, %s, %g, %b, %m)", 6, 7, 3, 5)
EXPECT(embeddings_are_normalized, EMBED "%y = com.microsoft::EmbedLayerNormalization"
                                        "(%i, %z, %w, %p, %s, %g, %b)", -0.5, 2, -0.5, 2)
EXPECT(mask_counts, EMBED "%a, %y = com.microsoft::EmbedLayerNormalization"
                          "(%i, %z, %w, %p, %s, %g, %b, %m)", 1)

EXPECT(channels_last, "const %x : i8[1,2,2,2] = {1,-1,2,-2,3,-3,4,-4}"
                      " %y = com.microsoft::NhwcMaxPool(%x) {kernel_shape=[2,2]}", 4, -1)
EXPECT(range_without_step, "const %a : i64[] = {2} const %b : i64[1] = {5}"
                           " %y = com.microsoft::Range(%a, %b)", 2, 3, 4)

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(heads_attend), T(padding_is_penalized), T(number_of_keys_is_a_mask),
        T(causal_behind_a_past), T(one_packed_input), T(one_product_gives_all),
        T(first_call_is_causal), T(later_call_sees_the_cache), T(new_keys_stand_behind_the_past),
        T(rotary_offset), T(embeddings_add_up), T(embeddings_are_normalized), T(mask_counts),
        T(channels_last), T(range_without_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
