/* SPDX-License-Identifier: 0BSD
 *
 * Which instructions this CPU has and its operating system saves. cpuid traps in virtual machines
 * (tens of microseconds), so the answer is kept. Compiled for the baseline of the architecture, as
 * everything that runs before the answer is known. */
#include "runtime/rt.h"

#if defined(__x86_64__)

static void cpuid(uint32_t leaf, uint32_t r[4])
{
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

/* Register state that the operating system saves (XCR0). */
static uint32_t saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return low;
}

/* All of x86-64-v3, then all of x86-64-v4: compilers use the whole of a level. */
static uint32_t detect(void)
{
    enum { SSE3 = 1u << 0, SSSE3 = 1u << 9, FMA = 1u << 12, CX16 = 1u << 13, SSE41 = 1u << 19 };
    enum { SSE42 = 1u << 20, MOVBE = 1u << 22, POPCNT = 1u << 23, OSXSAVE = 1u << 27 };
    enum { AVX = 1u << 28, F16C = 1u << 29, LAHF = 1u << 0, LZCNT = 1u << 5 };
    enum { BMI1 = 1u << 3, AVX2 = 1u << 5, BMI2 = 1u << 8 };
    enum { AVX512F = 1u << 16, AVX512DQ = 1u << 17, AVX512CD = 1u << 28, AVX512BW = 1u << 30 };
    const uint32_t avx512vl = 1u << 31;
    const uint32_t v2 = SSE3 | SSSE3 | CX16 | SSE41 | SSE42 | POPCNT;
    const uint32_t leaf1 = v2 | FMA | MOVBE | OSXSAVE | AVX | F16C, leaf7 = BMI1 | AVX2 | BMI2;
    const uint32_t v4 = AVX512F | AVX512DQ | AVX512CD | AVX512BW | avx512vl;
    uint32_t r[4];
    cpuid(0, r);
    if (r[0] < 7)
        return 0;
    cpuid(0x80000000, r);
    if (r[0] < 0x80000001)
        return 0;
    cpuid(0x80000001, r);
    if ((r[2] & (LAHF | LZCNT)) != (LAHF | LZCNT))
        return 0;
    cpuid(1, r);
    if ((r[2] & leaf1) != leaf1)
        return 0;
    uint32_t state = saved_state();
    cpuid(7, r);
    if ((state & 0x6) != 0x6 || (r[1] & leaf7) != leaf7)
        return 0;
    uint32_t have = MLC_CPU_AVX2_FMA;
    if ((state & 0xe6) == 0xe6 && (r[1] & v4) == v4)
        have |= MLC_CPU_AVX512;
    return have;
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

static uint32_t detect(void)
{
    const unsigned long asimddp = 1ul << 20; /* HWCAP_ASIMDDP: dot products of bytes */
    return getauxval(AT_HWCAP) & asimddp ? MLC_CPU_DOTPROD : 0;
}

#else

static uint32_t detect(void)
{
    return 0;
}

#endif

uint32_t mlc_rt_cpu_missing(uint32_t needed)
{
    static uint32_t known; /* features | 1 << 31 */
    if (needed == 0)
        return 0;
    uint32_t have = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (have == 0) {
        have = detect() | 1u << 31;
        __atomic_store_n(&known, have, __ATOMIC_RELAXED);
    }
    return needed & ~have;
}

const mlc_rt_model *mlc_rt_fitting(const mlc_rt_model *m)
{
    while (m && mlc_rt_cpu_missing(m->cpu_features))
        m = m->next;
    return m;
}

const char *mlc_rt_selected(const mlc_rt_model *m)
{
    m = mlc_rt_fitting(m);
    return m ? m->target : NULL;
}
