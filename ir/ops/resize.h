/* Resize: what its inference and its definition share. */
#ifndef MLC_OPS_RESIZE_H
#define MLC_OPS_RESIZE_H

#include "ir/ops/control.h"

#define RESIZE_ATTRS(A, S)                                                                      \
    A(S, int, antialias, "0", "1: the kernel is stretched when shrinking")                      \
    A(S, ints, axes, "", "dimensions that scales, sizes and roi speak of; default all")         \
    A(S, str, coordinate_transformation_mode, "half_pixel", "output to input coordinates")      \
    A(S, float, cubic_coeff_a, "-0.75", "coefficient of the cubic kernel")                      \
    A(S, int, exclude_outside, "0", "1: taps outside weigh nothing")                            \
    A(S, float, extrapolation_value, "0", "tf_crop_and_resize: value outside")                  \
    A(S, str, keep_aspect_ratio_policy, "stretch", "stretch, not_larger or not_smaller")        \
    A(S, str, mode, "nearest", "nearest, linear or cubic")                                      \
    A(S, str, nearest_mode, "round_prefer_floor",                                               \
      "round_prefer_floor, round_prefer_ceil, floor or ceil")
/* The table of the attributes lies with the record, in resize.c. */
typedef struct ResizeAttrs {
    RESIZE_ATTRS(ATTR_FIELD, S)
} ResizeAttrs;

typedef enum ResizeMode { RESIZE_NEAREST, RESIZE_LINEAR, RESIZE_CUBIC, RESIZE_MODES } ResizeMode;
typedef enum ResizeRound {
    ROUND_PREFER_FLOOR, ROUND_PREFER_CEIL, ROUND_FLOOR, ROUND_CEIL,
    ROUND_BY_SCALE, /* floor when growing, ceil when shrinking: opset 10, no name in ONNX */
    RESIZE_ROUNDS,
} ResizeRound;
typedef enum ResizeCoord {
    COORD_HALF_PIXEL, COORD_ASYMMETRIC, COORD_ALIGN_CORNERS, COORD_PYTORCH, COORD_SYMMETRIC,
    COORD_TF_CROP, COORD_TF_HALF_PIXEL, RESIZE_COORDS,
} ResizeCoord;

/* A non-negative rational number; both parts are i64 expressions, den > 0. */
typedef struct Ratio {
    Ex num, den;
} Ratio;

/* Everything about one Resize, out of its inputs and attributes. Arrays are by dimension of x. */
typedef struct ResizePlan {
    ResizeMode  mode;
    ResizeRound round;
    ResizeCoord coord;
    Ex          out[MAX_RANK];
    Ratio       scale[MAX_RANK];
    bool        same[MAX_RANK];      /* y's coordinate is x's */
    double      roi[MAX_RANK][2];    /* begin and end, in parts of the dimension */
    int         listed[MAX_RANK];    /* the dimensions that scales, sizes and roi speak of */
    int         count;               /* of them */
    bool        run_scales, run_roi; /* the run finds out input 2 / 1: scale and roi do not hold */
} ResizePlan;

Status resize_plan(Graph *g, const Node *n, ResizePlan *plan);
/* Scales lie between these, exclusively. */
#define RESIZE_LEAST_SCALE 1e-4
#define RESIZE_MOST_SCALE 1e4
/* The fraction with the least denominator that is v when rounded to f32; v > 0. */
void   resize_rational(double v, int64_t *num, int64_t *den);
/* Where the run finds out the scales: stages that make fractions of them, as resize_rational() does,
 * and set the dimensions of the output. The plan's scales are then symbols. */
void   resize_scales_of_run(Te *t, ResizePlan *plan);
void   resize_define(Te *t, const Node *n);

#endif
