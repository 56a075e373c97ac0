/* The thread pool: every index exactly once, whoever calls, however often, also after fork. */
#include "runtime/rt.h"

#include <fenv.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { RUN = 0, LIMIT = 1, NUMBER = 2 };

typedef struct Count {
    uint8_t *seen;
    int64_t  n, grain;
    int      short_pieces; /* pieces below the grain */
    int      bad;
} Count;

static void count_task(void *arg, int64_t begin, int64_t end)
{
    Count *c = arg;
    if (begin < 0 || end > c->n || begin >= end) {
        __atomic_store_n(&c->bad, 1, __ATOMIC_RELAXED);
        return;
    }
    if (end - begin < c->grain)
        __atomic_fetch_add(&c->short_pieces, 1, __ATOMIC_RELAXED);
    for (int64_t i = begin; i < end; i++)
        __atomic_fetch_add(&c->seen[i], 1, __ATOMIC_RELAXED);
}

/* True when [0, n) was covered exactly once. */
static int covers(int64_t n, int64_t grain, int threads)
{
    Count c = {.seen = calloc((size_t)n + 1, 1), .n = n, .grain = grain};
    int   good = 1;
    mlc_pool_v1(RUN, count_task, &c, n, grain, threads);
    for (int64_t i = 0; i < n; i++)
        good &= c.seen[i] == 1;
    good &= !c.bad && c.short_pieces <= 1; /* only the last piece may be short */
    free(c.seen);
    return good;
}

static void covers_exactly_once(void **state)
{
    static const int64_t ns[] = {0, 1, 2, 3, 7, 8, 63, 64, 65, 100, 1000, 4097, 100000};
    static const int64_t grains[] = {0, 1, 2, 5, 64, 1000, 1 << 20};
    (void)state;
    for (int limit = 1; limit <= 9; limit += 2) {
        assert_int_equal(mlc_pool_v1(LIMIT, NULL, NULL, limit, 0, 0), limit);
        for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
            for (size_t k = 0; k < sizeof grains / sizeof *grains; k++)
                for (int threads = 0; threads <= 5; threads++)
                    assert_true(covers(ns[i], grains[k], threads));
    }
    mlc_pool_v1(LIMIT, NULL, NULL, 0, 0, 0);
}

static void limits_are_kept(void **state)
{
    (void)state;
    int cores = mlc_rt_cores();
    assert_true(cores >= 1);
    assert_int_equal(mlc_pool_v1(NUMBER, NULL, NULL, 0, 0, 0), cores > 256 ? 256 : cores);
    assert_int_equal(mlc_pool_v1(LIMIT, NULL, NULL, 3, 0, 0), 3);
    assert_int_equal(mlc_pool_v1(NUMBER, NULL, NULL, 0, 0, 0), 3);
    assert_int_equal(mlc_pool_v1(LIMIT, NULL, NULL, 1 << 20, 0, 0), 256);
    assert_int_equal(mlc_pool_v1(LIMIT, NULL, NULL, 0, 0, 0), cores > 256 ? 256 : cores);
    assert_int_equal(mlc_pool_v1(7, NULL, NULL, 0, 0, 0), -1);
}

typedef struct Threads {
    pthread_t id[64];
    int       n;
    pthread_mutex_t lock;
} Threads;

static void who_task(void *arg, int64_t begin, int64_t end)
{
    Threads *t = arg;
    (void)begin, (void)end;
    pthread_mutex_lock(&t->lock);
    int i = 0;
    while (i < t->n && !pthread_equal(t->id[i], pthread_self()))
        i++;
    if (i == t->n)
        t->id[t->n++] = pthread_self();
    pthread_mutex_unlock(&t->lock);
    nanosleep(&(struct timespec){.tv_nsec = 4000000}, NULL);
}

static int distinct_threads(int64_t n, int threads)
{
    Threads t = {.lock = PTHREAD_MUTEX_INITIALIZER};
    mlc_pool_v1(RUN, who_task, &t, n, 1, threads);
    return t.n;
}

static void uses_the_threads_it_may(void **state)
{
    (void)state;
    mlc_pool_v1(LIMIT, NULL, NULL, 4, 0, 0);
    assert_int_equal(distinct_threads(256, 0), 4);
    assert_in_range(distinct_threads(256, 2), 1, 2);
    assert_int_equal(distinct_threads(256, 1), 1);
    mlc_pool_v1(LIMIT, NULL, NULL, 1, 0, 0);
    assert_int_equal(distinct_threads(64, 0), 1);
    mlc_pool_v1(LIMIT, NULL, NULL, 0, 0, 0);
}

static void nested_task(void *arg, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++)
        if (!covers(100, 1, 0))
            __atomic_store_n((int *)arg, 1, __ATOMIC_RELAXED);
}

static void nested_calls_run(void **state)
{
    int bad = 0;
    (void)state;
    mlc_pool_v1(LIMIT, NULL, NULL, 4, 0, 0);
    mlc_pool_v1(RUN, nested_task, &bad, 50, 1, 0);
    assert_int_equal(bad, 0);
    mlc_pool_v1(LIMIT, NULL, NULL, 0, 0, 0);
}

static void *caller(void *arg)
{
    int *bad = arg;
    for (int i = 0; i < 500; i++)
        if (!covers(1 + i * 7 % 300, 1 + i % 3, i % 6))
            *bad = 1;
    return NULL;
}

static void concurrent_callers(void **state)
{
    pthread_t id[4];
    int       bad[4] = {0};
    (void)state;
    mlc_pool_v1(LIMIT, NULL, NULL, 4, 0, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&id[i], NULL, caller, &bad[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(id[i], NULL);
        assert_int_equal(bad[i], 0);
    }
    mlc_pool_v1(LIMIT, NULL, NULL, 0, 0, 0);
}

static void fork_gives_the_child_its_own_pool(void **state)
{
    (void)state;
    mlc_pool_v1(LIMIT, NULL, NULL, 3, 0, 0);
    assert_true(covers(1000, 1, 0));
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(20);
            int good = 1;
            for (int k = 0; k < 20; k++)
                good &= covers(500 + k, 1, 0);
            good &= distinct_threads(64, 0) == 3;
            exit(good ? 0 : 1); /* with the destructor */
        }
        assert_true(pid > 0);
        assert_true(covers(1000, 1, 0));
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    mlc_pool_v1(LIMIT, NULL, NULL, 0, 0, 0);
}

static void fork_during_a_job_of_another_thread(void **state)
{
    pthread_t id[2];
    int       bad[2] = {0};
    (void)state;
    mlc_pool_v1(LIMIT, NULL, NULL, 3, 0, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&id[i], NULL, caller, &bad[i]), 0);
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            static uint8_t seen[512]; /* malloc's locks may be held by a thread that is gone */
            Count          c = {.seen = seen, .n = 512, .grain = 1};
            alarm(20);
            mlc_pool_v1(RUN, count_task, &c, 512, 1, 0);
            for (int k = 0; k < 512; k++)
                c.bad |= seen[k] != 1;
            _exit(c.bad);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(id[i], NULL);
    assert_int_equal(bad[0] | bad[1], 0);
    mlc_pool_v1(LIMIT, NULL, NULL, 0, 0, 0);
}

static void environment_sets_the_default(void **state)
{
    static const struct {
        const char *text;
        int         threads; /* 0: the number of cores */
    } rows[] = {{"1", 1},    {"5", 5},  {"0", 0},  {"", 0},
                {"many", 0}, {"3x", 0}, {"-2", 0}, {"9999", 256}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int pipe_fd[2], got = -1, want = rows[i].threads ? rows[i].threads : mlc_rt_cores();
        assert_int_equal(pipe(pipe_fd), 0);
        pid_t pid = fork();
        if (pid == 0) {
            dup2(pipe_fd[1], 1);
            setenv("MLC_NUM_THREADS", rows[i].text, 1);
            execl("/proc/self/exe", "pool_test", "--threads", (char *)NULL);
            _exit(1);
        }
        close(pipe_fd[1]);
        assert_int_equal(read(pipe_fd[0], &got, sizeof got), sizeof got);
        close(pipe_fd[0]);
        waitpid(pid, NULL, 0);
        assert_int_equal(got, want);
    }
}

static void round_task(void *arg, int64_t begin, int64_t end)
{
    float *out = arg;
    volatile float one = 1, tiny = 0x1p-30f, least = 0x1p-126f, half = 0.5f;
    for (int64_t i = begin; i < end; i++)
        out[i] = one + tiny + least * half;
    nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

/* Workers round as their caller does. */
static void rounding_mode_travels(void **state)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_TONEAREST, FE_DOWNWARD, FE_TONEAREST};
    static float     out[256];
    (void)state;
    mlc_pool_v1(LIMIT, NULL, NULL, 4, 0, 0);
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        float want;
        fesetround(modes[m]);
        mlc_pool_v1(RUN, round_task, out, 256, 1, 0);
        round_task(&want, 0, 1);
        fesetround(FE_TONEAREST);
        for (int i = 0; i < 256; i++)
            assert_memory_equal(&out[i], &want, sizeof want);
        assert_true((want > 1) == (modes[m] == FE_UPWARD));
    }
    mlc_pool_v1(LIMIT, NULL, NULL, 0, 0, 0);
}

static void stress(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        if (i % 100 == 0)
            mlc_pool_v1(LIMIT, NULL, NULL, 1 + i / 100 % 6, 0, 0);
        if (i % 1000 == 999)
            nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL); /* let the workers sleep */
        assert_true(covers(1 + i % 97, 1 + i % 4, i % 7));
    }
    mlc_pool_v1(LIMIT, NULL, NULL, 0, 0, 0);
}

/* ---- mlc_rt_launch ---- */

typedef struct Frame {
    mlc_rt_frame head;
    void        *rest[1];
} Frame;

static void frame_kernel(mlc_rt_frame *f, int64_t begin, int64_t end)
{
    Count *c = f->buf[0];
    count_task(c, begin, end);
    if (begin <= 5 && 5 < end)
        __atomic_store_n(&f->status, MLC_RUN_INDEX, __ATOMIC_RELAXED);
}

static void launch_covers_and_returns_the_status(void **state)
{
    static const int64_t work[] = {0, 49999, 50000, 1000000, INT64_MAX};
    static uint8_t       seen[1000];
    (void)state;
    mlc_pool_v1(LIMIT, NULL, NULL, 4, 0, 0);
    for (size_t w = 0; w < sizeof work / sizeof *work; w++)
        for (int64_t n = 0; n <= 1000; n += n < 10 ? 1 : 330) {
            Count c = {.seen = seen, .n = n};
            Frame f = {.head.buf[0] = &c};
            memset(seen, 0, sizeof seen);
            int status = mlc_rt_launch(frame_kernel, &f.head, n, work[w], (int)w % 3);
            for (int64_t i = 0; i < n; i++)
                assert_int_equal(seen[i], 1);
            assert_int_equal(c.bad, 0);
            assert_int_equal(status, n > 5 ? MLC_RUN_INDEX : MLC_RUN_OK);
        }
    mlc_pool_v1(LIMIT, NULL, NULL, 0, 0, 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--threads") == 0) {
        int n = mlc_pool_v1(NUMBER, NULL, NULL, 0, 0, 0);
        return write(1, &n, sizeof n) == sizeof n ? 0 : 1;
    }
    unsetenv("MLC_NUM_THREADS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(covers_exactly_once),
        cmocka_unit_test(uses_the_threads_it_may),
        cmocka_unit_test(nested_calls_run),
        cmocka_unit_test(concurrent_callers),
        cmocka_unit_test(fork_gives_the_child_its_own_pool),
        cmocka_unit_test(fork_during_a_job_of_another_thread),
        cmocka_unit_test(environment_sets_the_default),
        cmocka_unit_test(rounding_mode_travels),
        cmocka_unit_test(launch_covers_and_returns_the_status),
        cmocka_unit_test(stress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
