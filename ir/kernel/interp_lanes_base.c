/* Lane functions for the CPU that mlc was compiled for. */
#include "ir/kernel/interp_lanes.h"

#include <math.h>

#pragma GCC optimize("O3", "no-trapping-math", "fp-contract=off")

#define LANES_TABLE lanes_base
#include "ir/kernel/interp_lanes.inc"
