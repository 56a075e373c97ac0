/* Lane functions for x86 with AVX2, FMA and F16C: the same operations, eight at a time. */
#include "ir/kernel/interp_lanes.h"

#if defined __x86_64__
#include <math.h>

#pragma GCC optimize("O3", "no-trapping-math", "fp-contract=off")
#pragma GCC target("avx2,fma,f16c,bmi,bmi2")

#define LANES_TABLE lanes_avx2
#include "ir/kernel/interp_lanes.inc"
#endif
