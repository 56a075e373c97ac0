/* SPDX-License-Identifier: 0BSD
 *
 * Time, for artifacts that are compiled to be profiled; others do not contain this. */
#include "runtime/rt.h"

#include <time.h>

int64_t mlc_rt_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
