/* The interpreter as a target: plain scalar kernels, run by mlc itself. For comparison only; no
 * other target ever falls back to it. */
#include "codegen/target/target.h"

TARGET(interp) = {
    .desc = {
        .name = "interp", .doc = "the interpreter (no artifact)", .kind = TARGET_INTERP,
        .arch = "", .triple = "", .cpu = "", .features = "",
        .l1_bytes = 32 << 10, .l2_bytes = 512 << 10, .l3_bytes = 8 << 20,
    },
};
