/* C source: any machine with a C99 compiler and IEEE floats. Scalar code in plain loops, which the
 * C compiler may vectorize; cache sizes are those of small current cores. */
#include "codegen/target/target.h"

TARGET(c99) = {
    .desc =
        {
            .name = "c99",
            .doc = "C99 source code, for any C compiler",
            .kind = TARGET_C,
            .arch = "",
            .triple = "",
            .cpu = "",
            .features = "",
            .l1_bytes = 32 << 10,
            .l2_bytes = 512 << 10,
            .l3_bytes = 8 << 20,
        },
};
