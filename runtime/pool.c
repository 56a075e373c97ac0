/* SPDX-License-Identifier: 0BSD
 *
 * The thread pool that all artifacts of a program share (mlc_pool_v1, weak).
 *
 * A job is [0, n) in chunks. Chunk ranges are dealt out statically, the same range to the same
 * thread every time (its cache stays warm); who has finished its own takes chunks of the others, so
 * a worker that sleeps or was preempted delays nobody. The caller takes part.
 *
 * `state` is the whole protocol: number of the job, OPEN, and how many workers are inside.
 * Invariant: the job's fields change only while state is closed with nobody inside; a worker reads
 * them only after it entered by compare-and-swap on an open state. The caller closes the job when
 * no chunk is left and waits for those inside. A worker that never comes is never waited for, which
 * is what makes thread creation failures, fork and late wake-ups harmless.
 *
 * `owner` is a try-lock that holds the process id: a second caller, a nested call and a call after
 * the destructor run on their own thread alone. After fork the child sees a foreign id, forgets the
 * parent's workers and starts its own.
 *
 * Idle workers spin for SPIN_NS, soon giving way to others, and then sleep on a futex. Nothing here depends on who computes
 * which chunk: workers take over the caller's floating-point control word. */
#include "runtime/rt.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 256, SPIN_NS = 30000, POLITE_NS = 3000, CHUNKS_PER_THREAD = 4 };
enum { INSIDE_MASK = 0x3ff, OPEN = 0x400, JOB_STEP = 0x800 };
enum { POOL_RUN = 0, POOL_LIMIT = 1, POOL_COUNT = 2 };

/* One per thread, on its own cache lines; number 0 is the caller's. */
typedef struct Slot {
    _Alignas(128) int64_t next; /* chunk that is dealt out next */
    int64_t   end;
    uint32_t  sleeping; /* futex: 1 while the worker sleeps */
    pthread_t thread;
} Slot;

static struct {
    uint32_t state;
    uint32_t caller_sleeps;
    int32_t  owner;       /* process id of the caller that has the pool; 0: free */
    int32_t  pid;         /* process that the workers belong to */
    int32_t  limit;       /* op 1; 0: the default */
    int32_t  cores;       /* default number of threads; 0: not asked yet */
    int32_t  nworkers;    /* slots 1..nworkers have a thread */
    uint32_t stop;
    /* the job */
    mlc_task_v1 fn;
    void       *arg;
    int64_t     n, chunk;
    int32_t     nslots;
    uint64_t    fp_control;
} pool;

static Slot slots[MAX_THREADS];

/* ---- what the machine gives ---- */

static void futex_wait(uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#if defined(__x86_64__)

static void pause_cpu(void)
{
    __asm__ volatile("pause");
}

/* MXCSR without its status flags. */
static uint64_t fp_control_get(void)
{
    uint32_t v;
    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v & ~0x3fu;
}

static void fp_control_set(uint64_t control)
{
    uint32_t v = (uint32_t)control;
    __asm__ volatile("ldmxcsr %0" : : "m"(v));
}

#elif defined(__aarch64__)

static void pause_cpu(void)
{
    __asm__ volatile("isb" : : : "memory");
}

static uint64_t fp_control_get(void)
{
    uint64_t v;
    __asm__ volatile("mrs %0, fpcr" : "=r"(v));
    return v;
}

static void fp_control_set(uint64_t control)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(control));
}

#else
#error "the thread pool knows x86-64 and aarch64"
#endif

/* Spins until *word is no longer `value`, at most SPIN_NS. True: it changed. Who is waited for may
 * be queued behind this thread on the same core: after POLITE_NS it gets the core. */
static int spin_while(const uint32_t *word, uint32_t value)
{
    int64_t start = now_ns(), spent = 0;
    while (spent < SPIN_NS) {
        for (int i = 0; i < 32; i++) {
            if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
                return 1;
            pause_cpu();
        }
        if (spent > POLITE_NS)
            sched_yield();
        spent = now_ns() - start;
    }
    return 0;
}

/* ---- a job, seen from one thread ---- */

static void run_chunks(int me)
{
    for (int k = 0; k < pool.nslots; k++) {
        int   at = me + k < pool.nslots ? me + k : me + k - pool.nslots;
        Slot *s = &slots[at];
        while (__atomic_load_n(&s->next, __ATOMIC_RELAXED) < s->end) {
            int64_t c = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED);
            if (c >= s->end)
                break;
            int64_t begin = c * pool.chunk;
            int64_t end = pool.n - begin > pool.chunk ? begin + pool.chunk : pool.n;
            pool.fn(pool.arg, begin, end);
        }
    }
}

typedef enum Part { PART_NONE, PART_SPECTATOR, PART_WORKED } Part;

/* Enters the open job `state`, works, leaves. NONE: somebody else changed the state first.
 * SPECTATOR: the job has fewer threads than the pool. */
static Part take_part(int me, uint32_t state)
{
    Part part = PART_SPECTATOR;
    if (!__atomic_compare_exchange_n(&pool.state, &state, state + 1, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return PART_NONE;
    if (me < pool.nslots) {
        if (fp_control_get() != pool.fp_control)
            fp_control_set(pool.fp_control);
        run_chunks(me);
        part = PART_WORKED;
    }
    uint32_t left = __atomic_sub_fetch(&pool.state, 1, __ATOMIC_SEQ_CST);
    if (!(left & (OPEN | INSIDE_MASK)) && __atomic_load_n(&pool.caller_sleeps, __ATOMIC_SEQ_CST))
        futex_wake(&pool.state);
    return part;
}

/* Sleeps until wake(). A job that opens meanwhile is missed only if `any_job` is false. */
static void sleep_worker(Slot *s, uint32_t state, int any_job)
{
    __atomic_store_n(&s->sleeping, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&pool.stop, __ATOMIC_SEQ_CST) &&
        (!any_job || __atomic_load_n(&pool.state, __ATOMIC_SEQ_CST) == state))
        futex_wait(&s->sleeping, 1);
    __atomic_store_n(&s->sleeping, 0, __ATOMIC_SEQ_CST);
}

static void *worker(void *arg)
{
    int      me = (int)(intptr_t)arg;
    uint32_t seen = 0; /* the job that was entered last */
    while (!__atomic_load_n(&pool.stop, __ATOMIC_ACQUIRE)) {
        uint32_t state = __atomic_load_n(&pool.state, __ATOMIC_ACQUIRE);
        uint32_t job = state & ~(uint32_t)INSIDE_MASK;
        if ((job & OPEN) && job != seen) {
            Part part = take_part(me, state);
            if (part != PART_NONE)
                seen = job;
            if (part == PART_SPECTATOR)
                sleep_worker(&slots[me], state, 0);
        } else if (!spin_while(&pool.state, state)) {
            sleep_worker(&slots[me], state, 1);
        }
    }
    return NULL;
}

static void wake(Slot *s)
{
    if (__atomic_load_n(&s->sleeping, __ATOMIC_SEQ_CST) &&
        __atomic_exchange_n(&s->sleeping, 0, __ATOMIC_SEQ_CST))
        futex_wake(&s->sleeping);
}

/* ---- the caller's side ---- */

/* Digits of MLC_NUM_THREADS, or 0. */
static int threads_from_env(void)
{
    const char *s = getenv("MLC_NUM_THREADS");
    int         v = 0;
    for (; s && *s >= '0' && *s <= '9' && v < MAX_THREADS; s++)
        v = v * 10 + (*s - '0');
    return s && *s && v < MAX_THREADS ? 0 : v;
}

static int thread_limit(void)
{
    int n = __atomic_load_n(&pool.limit, __ATOMIC_RELAXED);
    if (n == 0)
        n = __atomic_load_n(&pool.cores, __ATOMIC_RELAXED);
    if (n == 0) {
        n = threads_from_env();
        if (n == 0)
            n = mlc_rt_cores();
        if (n > MAX_THREADS)
            n = MAX_THREADS;
        __atomic_store_n(&pool.cores, n, __ATOMIC_RELAXED);
    }
    return n;
}

/* Takes the pool, or says that it is taken. A holder of another process id was left by fork. */
static int take_pool(void)
{
    int32_t me = (int32_t)getpid();
    int32_t owner = 0;
    if (__atomic_load_n(&pool.stop, __ATOMIC_ACQUIRE))
        return 0;
    if (!__atomic_compare_exchange_n(&pool.owner, &owner, me, 0, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED) &&
        (owner == me || !__atomic_compare_exchange_n(&pool.owner, &owner, me, 0, __ATOMIC_ACQUIRE,
                                                     __ATOMIC_RELAXED)))
        return 0;
    if (pool.pid != me) {
        pool.pid = me;
        pool.nworkers = 0;
        __atomic_store_n(&pool.caller_sleeps, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&pool.state, pool.state & ~(uint32_t)(JOB_STEP - 1), __ATOMIC_RELEASE);
    }
    return 1;
}

static void release_pool(void)
{
    __atomic_store_n(&pool.owner, 0, __ATOMIC_RELEASE);
}

/* Starts workers until there are `want`, or as many as the system gives. They take no signals
 * meant for the program. */
static void make_workers(int want)
{
    sigset_t block, old;
    if (pool.nworkers >= want)
        return;
    sigfillset(&block);
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&block, own[i]);
    pthread_sigmask(SIG_SETMASK, &block, &old);
    while (pool.nworkers < want) {
        int   i = pool.nworkers + 1;
        Slot *s = &slots[i];
        __atomic_store_n(&s->sleeping, 0, __ATOMIC_RELAXED);
        if (pthread_create(&s->thread, NULL, worker, (void *)(intptr_t)i) != 0)
            break;
        pool.nworkers = i;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Waits until no worker is inside the closed job. */
static void wait_for_workers(void)
{
    uint32_t s = __atomic_and_fetch(&pool.state, ~(uint32_t)OPEN, __ATOMIC_SEQ_CST);
    while (s & INSIDE_MASK) {
        if (!spin_while(&pool.state, s)) {
            __atomic_store_n(&pool.caller_sleeps, 1, __ATOMIC_SEQ_CST);
            s = __atomic_load_n(&pool.state, __ATOMIC_SEQ_CST);
            if (s & INSIDE_MASK)
                futex_wait(&pool.state, s);
            __atomic_store_n(&pool.caller_sleeps, 0, __ATOMIC_SEQ_CST);
        }
        s = __atomic_load_n(&pool.state, __ATOMIC_ACQUIRE);
    }
}

/* The job, by `threads` threads at most. The pool is ours. */
static void run_job(mlc_task_v1 fn, void *arg, int64_t n, int64_t grain, int threads)
{
    int64_t pieces = n / grain + (n % grain != 0);
    if (pieces < threads)
        threads = (int)pieces;
    make_workers(threads - 1);
    if (pool.nworkers + 1 < threads)
        threads = pool.nworkers + 1;
    int64_t share = n / ((int64_t)threads * CHUNKS_PER_THREAD);
    pool.fn = fn;
    pool.arg = arg;
    pool.n = n;
    pool.chunk = share > grain ? share : grain;
    pool.nslots = threads;
    pool.fp_control = fp_control_get();
    int64_t chunks = n / pool.chunk + (n % pool.chunk != 0);
    int64_t each = chunks / threads, extra = chunks % threads, at = 0;
    for (int i = 0; i < threads; i++) {
        __atomic_store_n(&slots[i].next, at, __ATOMIC_RELAXED);
        at += each + (i < extra);
        slots[i].end = at;
    }
    uint32_t state = __atomic_load_n(&pool.state, __ATOMIC_RELAXED);
    __atomic_store_n(&pool.state, (state + JOB_STEP) | OPEN, __ATOMIC_SEQ_CST);
    for (int i = 1; i < threads; i++)
        wake(&slots[i]);
    run_chunks(0);
    wait_for_workers();
}

__attribute__((weak)) int mlc_pool_v1(int op, mlc_task_v1 fn, void *arg, int64_t n, int64_t grain,
                                      int threads)
{
    int limit;
    switch (op) {
    case POOL_LIMIT:
        __atomic_store_n(&pool.limit, n < 0 ? 0 : n > MAX_THREADS ? MAX_THREADS : (int32_t)n,
                         __ATOMIC_RELAXED);
        return thread_limit();
    case POOL_COUNT:
        return thread_limit();
    case POOL_RUN:
        if (n <= 0)
            return 0;
        if (grain < 1)
            grain = 1;
        limit = thread_limit();
        if (threads <= 0 || threads > limit)
            threads = limit;
        if (threads == 1 || n <= grain || !take_pool()) {
            fn(arg, 0, n);
            return 0;
        }
        run_job(fn, arg, n, grain, threads);
        release_pool();
        return 0;
    default:
        return -1;
    }
}

/* The library is unloaded, or the program ends: workers must not outlive their code. */
__attribute__((destructor)) static void stop_workers(void)
{
    __atomic_store_n(&pool.stop, 1, __ATOMIC_SEQ_CST);
    if (pool.nworkers == 0 || pool.pid != (int32_t)getpid())
        return;
    for (int i = 1; i <= pool.nworkers; i++)
        wake(&slots[i]);
    for (int i = 1; i <= pool.nworkers; i++)
        if (!pthread_equal(slots[i].thread, pthread_self()))
            pthread_join(slots[i].thread, NULL);
    pool.nworkers = 0;
}
