/* Prints the AVX2 FMA peak of one thread in GFLOP/s: twelve independent chains, the best of many. */
#include <immintrin.h>
#include <stdio.h>
#include <time.h>

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(void)
{
    enum { CHAINS = 12, STEPS = 1000000 };
    double best = 0;
    volatile float sink = 0;
    for (int round = 0; round < 40; round++) {
        __m256 acc[CHAINS], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
        for (int i = 0; i < CHAINS; i++)
            acc[i] = _mm256_set1_ps((float)i);
        double start = now_s();
        for (int k = 0; k < STEPS; k++) {
#pragma GCC unroll 12
            for (int i = 0; i < CHAINS; i++)
                acc[i] = _mm256_fmadd_ps(acc[i], x, y);
            __asm__ volatile("" ::"x"(acc[0]), "x"(acc[CHAINS - 1]));
        }
        double rate = (double)STEPS * CHAINS * 16 / (now_s() - start) * 1e-9;
        best = rate > best ? rate : best;
        for (int i = 0; i < CHAINS; i++)
            sink = sink + acc[i][0];
    }
    printf("%.1f\n", best);
    return 0;
}
