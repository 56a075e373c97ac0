/* x86-64: AVX2 with FMA, as every desktop and server since 2013 (Intel) and 2015 (AMD) has it.
 *
 * x86-64-v3 is the set of instructions; cpu_bits is what artifacts check at run time before they
 * use it. Cache sizes are those of small current cores, so that blocks fit everywhere; x86-native
 * takes the sizes of this machine. */
#include "codegen/target/target.h"

#include "runtime/rt.h"

#include <unistd.h>

static bool avx2_runs_here(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

static int64_t cache_bytes(int name, int64_t otherwise)
{
    long v = sysconf(name);
    return v > 0 ? v : otherwise;
}

static bool measure_caches(TargetDesc *t)
{
    t->l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, t->l1_bytes);
    t->l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, t->l2_bytes);
    t->l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, t->l3_bytes);
    return avx2_runs_here();
}

#define AVX2                                                                              \
    .kind = TARGET_OBJECT, .arch = "x86_64", .triple = "x86_64-unknown-linux-gnu",        \
    .cpu = "x86-64-v3", .features = "+avx2,+fma,+f16c,+bmi,+bmi2",                        \
    .cpu_bits = MLC_CPU_AVX2_FMA, .vector_bits = 256, .vector_regs = 16, .has_fma = true, \
    .l1_bytes = 32 << 10, .l2_bytes = 512 << 10, .l3_bytes = 8 << 20

TARGET(x86_avx2) = {
    .desc = {.name = "x86-avx2", .doc = "x86-64 with AVX2 and FMA", AVX2},
    .runs_here = avx2_runs_here,
    .rank = 20,
};

TARGET(x86_native) = {
    .desc = {.name = "x86-native", .doc = "x86-avx2 with the cache sizes of this machine", AVX2},
    .runs_here = avx2_runs_here,
    .adapt = measure_caches,
};
