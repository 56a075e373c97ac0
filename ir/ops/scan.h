/* Scan: its attributes, and the older form over a batch. */
#ifndef MLC_OPS_SCAN_H
#define MLC_OPS_SCAN_H

#include "ir/ops/control.h"

#define SCAN_ATTRS(A, S)                                                         \
    A(S, graph, body, NULL, "one step")                                          \
    A(S, int, num_scan_inputs, NULL, "how many inputs, the last ones, are scanned") \
    A(S, ints, scan_input_axes, "", "the axis of each that is scanned")          \
    A(S, ints, scan_input_directions, "", "1: from the end")                     \
    A(S, ints, scan_output_axes, "", "where the steps are stacked")              \
    A(S, ints, scan_output_directions, "", "1: the last step first")
ATTRS(ScanAttrs, SCAN_ATTRS);

/* Version 8 has a batch at axis 0, scans along axis 1 and may know the length of each sequence:
 * a Scan over the batch whose body is a Scan over one sequence. */
Status scan_upgrade(RawNode *raw);

#endif
