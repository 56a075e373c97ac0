/* 64-bit Arm under Linux. NEON is part of the architecture: arm64-neon needs no check at run time.
 * On other machines programs run under qemu-aarch64, which knows all of these instructions. */
#include "codegen/target/target.h"

#include "runtime/rt.h"

#define ARM64                                                                                \
    .kind = TARGET_OBJECT, .arch = "aarch64", .triple = "aarch64-unknown-linux-gnu",         \
    .cpu = "generic", .vector_bits = 128, .vector_regs = 32, .has_fma = true,                \
    .has_f16 = true, .l1_bytes = 32 << 10, .l2_bytes = 256 << 10, .l3_bytes = 2 << 20,       \
    .emulator = "qemu-aarch64"

static bool has(uint32_t bits)
{
#if defined(__aarch64__)
    return mlc_rt_cpu_missing(bits) == 0;
#else
    (void)bits;
    return false;
#endif
}

static bool neon_runs_here(void) { return has(0); }
static bool dotprod_runs_here(void) { return has(MLC_CPU_DOTPROD); }

TARGET(arm64_neon) = {
    .desc = {.name = "arm64-neon", .doc = "any 64-bit Arm", .features = "+neon", ARM64},
    .runs_here = neon_runs_here,
    .rank = 10,
};

TARGET(arm64_dotprod) = {
    .desc = {.name = "arm64-dotprod", .doc = "64-bit Arm with dot products of bytes (Armv8.2)",
             .features = "+neon,+dotprod", .cpu_bits = MLC_CPU_DOTPROD, ARM64},
    .runs_here = dotprod_runs_here,
    .rank = 20,
};
