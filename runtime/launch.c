/* SPDX-License-Identifier: 0BSD
 *
 * The launch of one kernel: how much work goes to how many threads. */
#include "runtime/rt.h"

enum {
    SERIAL_NS = 50000,     /* below this much work a kernel stays on the caller */
    PER_THREAD_NS = 25000, /* each thread gets at least this much */
    PER_PIECE_NS = 5000    /* and each piece */
};

typedef struct Launch {
    void (*fn)(mlc_rt_frame *, int64_t, int64_t);
    mlc_rt_frame *frame;
} Launch;

static void launch_piece(void *arg, int64_t begin, int64_t end)
{
    const Launch *l = arg;
    l->fn(l->frame, begin, end);
}

int mlc_rt_launch(void (*fn)(mlc_rt_frame *, int64_t, int64_t), mlc_rt_frame *f, int64_t n,
                  int64_t work_ns, int max_threads)
{
    if (n > 1 && work_ns >= SERIAL_NS && max_threads != 1) {
        Launch l = {fn, f};
        int64_t threads = work_ns / PER_THREAD_NS;
        int64_t pieces = work_ns / PER_PIECE_NS;
        if (max_threads > 0 && threads > max_threads)
            threads = max_threads;
        mlc_pool_v1(0, launch_piece, &l, n, pieces < n ? n / pieces : 1,
                    threads > 1024 ? 1024 : (int)threads);
    } else if (n > 0) {
        fn(f, 0, n);
    }
    return __atomic_load_n(&f->status, __ATOMIC_RELAXED);
}
