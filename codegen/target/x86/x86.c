/* x86-64, by the levels of its psABI: every CPU (SSE2), since 2013 (AVX2 and FMA: x86-64-v3), and
 * with AVX-512 (x86-64-v4).
 *
 * cpu_bits is what artifacts check at run time before they use an instruction beyond the baseline.
 * Cache sizes are those of small current cores, so that blocks fit everywhere; x86-native takes the
 * sizes of this machine. Registers of 512 bits are used wherever they exist: no attribute asks for
 * narrower ones, which would split every register tile. */
#include "codegen/target/target.h"

#include "runtime/rt.h"

#include <unistd.h>

#define X86 .kind = TARGET_OBJECT, .arch = "x86_64", .triple = "x86_64-unknown-linux-gnu"
#define V3 "+avx2,+fma,+f16c,+bmi,+bmi2"
#define V4 V3 ",+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl"

#define SSE2                                                                                 \
    X86, .cpu = "x86-64", .features = "", .cpu_bits = 0, .vector_bits = 128,                 \
    .vector_regs = 16, .has_fma = false, .l1_bytes = 32 << 10, .l2_bytes = 256 << 10,        \
    .l3_bytes = 4 << 20
#define AVX2                                                                                 \
    X86, .cpu = "x86-64-v3", .features = V3, .cpu_bits = MLC_CPU_AVX2_FMA,                   \
    .vector_bits = 256, .vector_regs = 16, .has_fma = true, .has_f16 = true,             \
    .l1_bytes = 32 << 10, .l2_bytes = 512 << 10, .l3_bytes = 8 << 20
#define AVX512                                                                               \
    X86, .cpu = "x86-64-v4", .features = V4, .cpu_bits = MLC_CPU_AVX2_FMA | MLC_CPU_AVX512,  \
    .vector_bits = 512, .vector_regs = 32, .has_fma = true, .has_f16 = true,             \
    .l1_bytes = 32 << 10, .l2_bytes = 1 << 20, .l3_bytes = 16 << 20

/* Does this machine have what the bits of an artifact say? */
static bool has(uint32_t bits)
{
#if defined(__x86_64__)
    return mlc_rt_cpu_missing(bits) == 0;
#else
    (void)bits;
    return false;
#endif
}

static bool sse2_runs_here(void) { return has(0); }
static bool avx2_runs_here(void) { return has(MLC_CPU_AVX2_FMA); }
static bool avx512_runs_here(void) { return has(MLC_CPU_AVX2_FMA | MLC_CPU_AVX512); }

TARGET(x86_sse2) = {
    .desc = {.name = "x86-sse2", .doc = "any x86-64", SSE2},
    .runs_here = sse2_runs_here,
    .rank = 10,
};

TARGET(x86_avx2) = {
    .desc = {.name = "x86-avx2", .doc = "x86-64 with AVX2 and FMA", AVX2},
    .runs_here = avx2_runs_here,
    .rank = 20,
};

TARGET(x86_avx512) = {
    .desc = {.name = "x86-avx512", .doc = "x86-64 with AVX-512 (F, BW, CD, DQ, VL)", AVX512},
    .runs_here = avx512_runs_here,
    .rank = 30,
};

static int64_t cache_bytes(int name, int64_t otherwise)
{
    long v = sysconf(name);
    return v > 0 ? v : otherwise;
}

/* The widest vectors and the caches of this machine, under the name of the target. */
static bool adapt_to_machine(TargetDesc *t)
{
    static const TargetDesc avx512 = {AVX512}, avx2 = {AVX2}, sse2 = {SSE2};
    const char *name = t->name, *doc = t->doc;
    *t = avx512_runs_here() ? avx512 : avx2_runs_here() ? avx2 : sse2;
    t->name = name;
    t->doc = doc;
    t->l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, t->l1_bytes);
    t->l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, t->l2_bytes);
    t->l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, t->l3_bytes);
    return sse2_runs_here();
}

TARGET(x86_native) = {
    .desc = {.name = "x86-native", .doc = "the widest vectors and the caches of this machine",
             SSE2},
    .runs_here = sse2_runs_here,
    .adapt = adapt_to_machine,
};
