/* Random operators: the generator against its published answer and a plain C version of it, the
 * distributions by their range, mean, variance and frequencies, and what a seed promises. */
#include "test/ir/ops/values.h"

enum { MANY = 20000 };

/* Philox4x32-10 with counter {i, 0, 0, 0} and key {k, 0}, as the paper writes it. */
static void philox(uint32_t i, uint32_t k, uint32_t out[4])
{
    uint32_t c[4] = {i, 0, 0, 0}, key[2] = {k, 0};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53 * c[0], b = (uint64_t)0xCD9E8D57 * c[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ key[0], (uint32_t)b,
                            (uint32_t)(a >> 32) ^ c[3] ^ key[1], (uint32_t)a};
        memcpy(c, next, sizeof c);
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    memcpy(out, c, sizeof c);
}

/* Runs the graph; the n values of %y. */
static const double *draw(World *w, const char *body, int n)
{
    define(w, body);
    assert_int_equal(run(w), 0);
    Buf *y = buf_of(w, w->g->outputs.at[0]);
    assert_int_equal(ex_eval_size(y->size, w->sym), n);
    double *v = NEW_ARRAY(w->g->arena, double, n);
    for (int i = 0; i < n; i++)
        v[i] = elem_get_f64(y->elem, memory_of(w, y), (size_t)i);
    return v;
}

/* The same in a world of its own, compared element by element. */
static int differences(const char *a, const char *b, int n)
{
    World first = {0}, second = {0};
    int count = 0;
    ctx_init(&first.ctx);
    ctx_init(&second.ctx);
    const double *x = draw(&first, a, n), *y = draw(&second, b, n);
    for (int i = 0; i < n; i++)
        count += x[i] != y[i];
    ctx_free(&first.ctx);
    ctx_free(&second.ctx);
    return count;
}

static double mean(const double *v, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++)
        s += v[i];
    return s / n;
}

static double variance(const double *v, int n)
{
    double s = 0, m = mean(v, n);
    for (int i = 0; i < n; i++)
        s += (v[i] - m) * (v[i] - m);
    return s / n;
}

static void expect_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%g, want %g +- %g", got, want, tolerance);
}

/* The answer that the authors publish for a counter and a key of 0. */
static void generator_gives_the_published_words(void **state)
{
    (void)state;
    uint32_t word[4];
    philox(0, 0, word);
    assert_int_equal(word[0], 0x6627e8d5);
    assert_int_equal(word[1], 0xe169c58d);
    assert_int_equal(word[2], 0xbc57ac4c);
    assert_int_equal(word[3], 0x9b00dbd8);
}

static void uniform_is_the_generator(void **state)
{
    const double *v = draw(*state, "%y = RandomUniform() {seed=0x0p+0, shape=[7,11]}", 77);
    for (uint32_t i = 0; i < 77; i++) {
        uint32_t word[4];
        philox(i, 0, word);
        assert_true(v[i] == (word[0] >> 8) * 0x1p-24);
    }
}

static void double_takes_53_bits(void **state)
{
    float seed = 3;
    uint32_t key;
    memcpy(&key, &seed, sizeof key);
    const double *v =
        draw(*state, "%y = RandomUniform() {dtype=11, seed=0x1.8p+1, shape=[5]}", 5);
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t word[4];
        philox(i, key, word);
        assert_true(v[i] == ((word[0] >> 5) * 0x1p26 + (word[1] >> 6)) * 0x1p-53);
    }
}

static void uniform_fills_its_range(void **state)
{
    const double *v = draw(*state, "%y = RandomUniform() {low=-0x1p+0, high=0x1.8p+1, "
                                   "seed=0x1p+0, shape=[20000]}", MANY);
    double least = 9, most = -9;
    for (int i = 0; i < MANY; i++) {
        least = fmin(least, v[i]);
        most = fmax(most, v[i]);
    }
    assert_true(least >= -1 && least < -0.99 && most < 3 && most > 2.99);
    expect_near(mean(v, MANY), 1, 0.05);
    expect_near(variance(v, MANY), 16.0 / 12, 0.05);
}

static void normal_has_its_moments(void **state)
{
    const double *v = draw(*state, "%y = RandomNormal() {mean=0x1p+1, scale=0x1.8p+1, "
                                   "seed=0x1p+0, shape=[200,100]}", MANY);
    int within = 0;
    for (int i = 0; i < MANY; i++)
        within += fabs(v[i] - 2) < 3;
    expect_near(mean(v, MANY), 2, 0.1);
    expect_near(variance(v, MANY), 9, 0.4);
    expect_near((double)within / MANY, 0.6827, 0.02); /* one standard deviation */
}

static void like_takes_shape_and_type(void **state)
{
    World *w = *state;
    draw(w, "const %x : f64[2,3] = {0.0,0.0,0.0,0.0,0.0,0.0} %y = RandomNormalLike(%x)", 6);
    assert_int_equal(w->g->outputs.at[0]->type.elem, ELEM_F64);
    assert_int_equal(w->g->outputs.at[0]->type.rank, 2);
}

static void half_types_round(void **state)
{
    const double *v = draw(*state, "const %x : i32[3] = {1,2,3}"
                                   " %y = RandomUniformLike(%x) {dtype=10}", 3);
    for (int i = 0; i < 3; i++)
        assert_true(v[i] >= 0 && v[i] <= 1 && v[i] * 0x1p24 == floor(v[i] * 0x1p24));
}

static void a_seed_repeats(void **state)
{
    (void)state;
    const char *one = "%y = RandomNormal() {seed=0x1p+0, shape=[100]} name \"a\"";
    const char *same = "%y = RandomNormal() {seed=0x1p+0, shape=[100]} name \"b\"";
    const char *other = "%y = RandomNormal() {seed=0x1p+1, shape=[100]} name \"a\"";
    assert_int_equal(differences(one, same, 100), 0);
    assert_true(differences(one, other, 100) > 95);
}

static void without_a_seed_the_name_counts(void **state)
{
    (void)state;
    const char *one = "%y = RandomUniform() {shape=[100]} name \"a\"";
    const char *other = "%y = RandomUniform() {shape=[100]} name \"b\"";
    assert_int_equal(differences(one, one, 100), 0);
    assert_true(differences(one, other, 100) > 95);
}

static void bernoulli_counts(void **state)
{
    const double *v =
        draw(*state, "const %p : f32[4] = {0.0,1.0,0.25,0.5} const %s : i64[2] = {5000,4}"
                     " %x = Expand(%p, %s) %y = Bernoulli(%x) {dtype=7, seed=0x1p+0}", MANY);
    int count[4] = {0};
    for (int i = 0; i < MANY; i++) {
        assert_true(v[i] == 0 || v[i] == 1);
        count[i % 4] += v[i] == 1;
    }
    assert_int_equal(count[0], 0);
    assert_int_equal(count[1], MANY / 4);
    expect_near(count[2] / 5000.0, 0.25, 0.03);
    expect_near(count[3] / 5000.0, 0.5, 0.03);
}

/* Row 0: log(1), log(3), nothing, log(4); row 1: the last class only. */
static void multinomial_counts(void **state)
{
    const double *v =
        draw(*state, "const %x : f32[2,4] = {0.0,1.0986123,-inf,1.3862944,-inf,-inf,-inf,9.0}"
                     " %y = Multinomial(%x) {sample_size=10000, seed=0x1p+0}", MANY);
    int count[4] = {0};
    for (int i = 0; i < 10000; i++) {
        assert_true(v[i] >= 0 && v[i] < 4);
        count[(int)v[i]]++;
        assert_true(v[10000 + i] == 3);
    }
    assert_int_equal(count[2], 0);
    expect_near(count[0] / 10000.0, 0.125, 0.02);
    expect_near(count[1] / 10000.0, 0.375, 0.02);
    expect_near(count[3] / 10000.0, 0.5, 0.02);
}

#define TRAINING                                                                   \
    "const %p : f32[1] = {3.0} const %s : i64[1] = {20000} %x = Expand(%p, %s)"    \
    " const %r : f32[] = {0.25} const %t : bool[] = {1}"

/* What is kept grows by 1 / (1 - ratio), so that the mean stays. */
static void dropout_in_training(void **state)
{
    const double *v = draw(*state, TRAINING "%y = Dropout(%x, %r, %t) {seed=5}", MANY);
    int dropped = 0;
    for (int i = 0; i < MANY; i++) {
        assert_true(v[i] == 0 || v[i] == 4);
        dropped += v[i] == 0;
    }
    expect_near((double)dropped / MANY, 0.25, 0.02);
}

static void dropout_mask_is_what_was_kept(void **state)
{
    const double *v = draw(*state, TRAINING "%d, %m = Dropout(%x, %r, %t) {seed=5}"
                                            " const %z : f32[] = {0.0} %k = Greater(%d, %z)"
                                            " %y = Equal(%k, %m)", MANY);
    assert_true(mean(v, MANY) == 1);
}

EXPECT(dropout_at_inference_keeps,
       "const %x : f32[3] = {1.0,2.0,3.0} const %r : f32[] = {0.5} in %t : bool[]"
       " %y = Dropout(%x, %r, %t)", 1, 2, 3)

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(generator_gives_the_published_words), T(uniform_is_the_generator),
        T(double_takes_53_bits), T(uniform_fills_its_range), T(normal_has_its_moments),
        T(like_takes_shape_and_type), T(half_types_round), T(a_seed_repeats),
        T(without_a_seed_the_name_counts), T(bernoulli_counts), T(multinomial_counts),
        T(dropout_in_training), T(dropout_mask_is_what_was_kept),
        T(dropout_at_inference_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
