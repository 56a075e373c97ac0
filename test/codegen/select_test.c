/* Operators that choose: which elements, and how many, their data decide. Whole programs run in the
 * interpreter; the expected results were worked out by hand. */
#include "test/codegen/run_text.h"

/* ---- TopK ---- */

#define TOP(type, k, attrs)                                                                       \
    "in %x : " type " const %k : i64[1] = {" k "} %v, %i = TopK(%x, %k) " attrs " out %v out %i"

static void top_k_orders(void **state)
{
    (void)state;
    expect(TOP("f32[6]", "3", ""), "1 5 -2 5 4 0", "3: 5 5 4 | 3: 1 3 4");
    expect(TOP("f32[6]", "4", "{largest=0}"), "1 5 -2 5 1 0", "4: -2 0 1 1 | 4: 2 5 0 4");
    expect(TOP("i8[4]", "4", ""), "-128 127 0 -1", "4: 127 0 -1 -128 | 4: 1 2 3 0");
    expect(TOP("u64[3]", "2", ""), "3 9223372036854775808 7", "2: 9.22337e+18 7 | 2: 1 2");
    expect(TOP("f16[4]", "2", "{largest=0}"), "0.5 -0 0 -2", "2: -2 -0 | 2: 3 1");
    expect(TOP("f64[3]", "0", ""), "1 2 3", "0: | 0:");
}

static void nan_is_above_every_number(void **state)
{
    (void)state;
    expect(TOP("f32[4]", "2", ""), "1 nan inf -inf", "2: nan inf | 2: 1 2");
    expect(TOP("f32[4]", "4", "{largest=0}"), "nan 1 inf -inf", "4: -inf 1 inf nan | 4: 3 1 2 0");
}

static void top_k_along_any_dimension(void **state)
{
    (void)state;
    expect(TOP("f32[2,3,2]", "2", "{axis=1}"), "1 2 3 4 5 0   9 8 7 6 8 8",
           "2x2x2: 5 4 3 2 9 8 8 8 | 2x2x2: 2 1 1 0 0 0 2 2");
    expect(TOP("f32[3,2]", "1", "{axis=-2, largest=0}"), "1 2 0 4 5 -1", "1x2: 0 -1 | 1x2: 1 2");
}

/* A k that the run finds out goes by sorting, a constant one by a heap: both are one order. */
static void both_ways_agree(void **state)
{
    (void)state;
    char x[4096] = "";
    Str sorted, heap;
    for (int i = 0; i < 300; i++)
        sprintf(x + strlen(x), "%d ", i * 7919 % 101);
    for (int largest = 0; largest < 2; largest++) {
        Ctx c;
        ctx_init(&c);
        char with[4200];
        strcat(strcpy(with, x), "| 57");
        const char *dynamic = largest ? "in %x : f32[300] in %k : i64[1] %v, %i = TopK(%x, %k) out %i"
                                      : "in %x : f32[300] in %k : i64[1]"
                                        " %v, %i = TopK(%x, %k) {largest=0} out %i";
        const char *fixed = largest ? "in %x : f32[300] const %k : i64[1] = {57}"
                                      " %v, %i = TopK(%x, %k) out %i"
                                    : "in %x : f32[300] const %k : i64[1] = {57}"
                                      " %v, %i = TopK(%x, %k) {largest=0} out %i";
        assert_int_equal(run(&c, dynamic, with, INTERP_EXACT, &sorted), MLC_OK);
        assert_int_equal(run(&c, fixed, x, INTERP_EXACT, &heap), MLC_OK);
        assert_int_equal(strncmp(str_text(&heap), "57: ", 4), 0);
        assert_string_equal(str_text(&sorted), str_text(&heap));
        ctx_free(&c);
    }
}

static void k_must_fit(void **state)
{
    (void)state;
    const char *body = "in %x : f32[3] in %k : i64[1] %v, %i = TopK(%x, %k) out %v";
    expect(body, "3 1 2 | 2", "2: 3 2");
    expect_failure(body, "3 1 2 | 4");
    expect_failure(body, "3 1 2 | -1");
}

/* ---- NonZero, Compress ---- */

static void non_zero_lists_indices(void **state)
{
    (void)state;
    expect("in %x : f32[2,3] %y = NonZero(%x) out %y", "0 1 0 -0 2 nan", "2x3: 0 1 1 1 1 2");
    expect("in %x : bool[4] %y = NonZero(%x) out %y", "0 0 0 0", "1x0:");
    expect("in %x : i64[3] %y = NonZero(%x) out %y", "4 5 6", "1x3: 0 1 2");
    expect("const %x : i64[2,2] = {0, 3, 0, 1} %y = NonZero(%x) out %y", "", "2x2: 0 1 1 1");
}

static void what_follows_knows_the_size(void **state)
{
    (void)state;
    expect("in %x : f32[5] %p = NonZero(%x) %t = Transpose(%p) %v = GatherND(%x, %t)"
           " %s = ReduceSum(%v) {keepdims=0} out %v out %s",
           "0 2 0 3 4", "3: 2 3 4 | : 9");
}

static void compress_keeps_slices(void **state)
{
    (void)state;
    expect("in %x : i32[3,2] in %c : bool[3] %y = Compress(%x, %c) {axis=0} out %y",
           "1 2 3 4 5 6 | 0 1 1", "2x2: 3 4 5 6");
    expect("in %x : i32[2,3] in %c : bool[2] %y = Compress(%x, %c) {axis=-1} out %y",
           "1 2 3 4 5 6 | 0 1", "2x1: 2 5");
    expect("in %x : f32[2,2] in %c : bool[4] %y = Compress(%x, %c) out %y", "1 2 3 4 | 1 0 0 1",
           "2: 1 4");
    expect("in %x : f32[2,2] const %c : bool[2] = {1, 0} %y = Compress(%x, %c) {axis=1} out %y",
           "1 2 3 4", "2x1: 1 3");
}

/* ---- Unique ---- */

#define UNIQUE(type, attrs)                                                               \
    "in %x : " type " %y, %f, %i, %c = Unique(%x) " attrs " out %y out %f out %i out %c"

static void unique_elements(void **state)
{
    (void)state;
    expect(UNIQUE("f32[2,3]", ""), "2 1 1 3 4 3", "4: 1 2 3 4 | 4: 1 0 3 4 | 6: 1 0 0 2 3 2 | 4: 2 1 2 1");
    expect(UNIQUE("f32[6]", "{sorted=0}"), "2 1 1 3 4 3",
           "4: 2 1 3 4 | 4: 0 1 3 4 | 6: 0 1 1 2 3 2 | 4: 1 2 2 1");
    expect(UNIQUE("f32[4]", ""), "nan 0 -0 nan", "2: 0 nan | 2: 1 0 | 4: 1 0 0 1 | 2: 2 2");
    expect(UNIQUE("i64[0]", ""), "", "0: | 0: | 0: | 0:");
    expect("in %x : u8[4] %y, _, %i = Unique(%x) out %i out %y", "9 1 9 0",
           "4: 2 1 2 0 | 3: 0 1 9");
}

static void unique_slices(void **state)
{
    (void)state;
    expect(UNIQUE("i32[3,3]", "{axis=0}"), "1 0 0 1 0 0 0 3 4",
           "2x3: 0 3 4 1 0 0 | 2: 2 0 | 3: 1 1 0 | 2: 1 2");
    expect(UNIQUE("i32[2,4]", "{axis=-1}"), "2 1 2 1 0 5 0 4",
           "2x3: 1 1 2 4 5 0 | 3: 3 1 0 | 4: 2 1 2 0 | 3: 1 1 2");
    expect(UNIQUE("i32[2,2,2]", "{axis=1, sorted=0}"), "5 5 1 1 5 5 1 1",
           "2x2x2: 5 5 1 1 5 5 1 1 | 2: 0 1 | 2: 0 1 | 2: 1 1");
}

/* Enough for several rounds of merging; equal keys keep their order, or `first` would be wrong. */
static void many_elements(void **state)
{
    (void)state;
    Ctx c;
    Str s;
    char x[4096] = "";
    for (int i = 0; i < 500; i++)
        sprintf(x + strlen(x), "%d ", (499 - i) % 5);
    ctx_init(&c);
    assert_int_equal(run(&c, "in %x : i32[500] %y, %f, _, %c = Unique(%x) out %y out %f out %c", x,
                         INTERP_EXACT, &s), MLC_OK);
    assert_string_equal(str_text(&s), "5: 0 1 2 3 4 | 5: 4 3 2 1 0 | 5: 100 100 100 100 100");
    ctx_free(&c);
}

/* ---- NonMaxSuppression ---- */

#define NMS(inputs, attrs)                                                                         \
    "in %b : f32[1,4,4] in %s : f32[1,2,4] " inputs " %y = NonMaxSuppression(%b, %s, %m, %o, %t) " \
    attrs " out %y"
/* Boxes 0 and 1 share 9 of 11 parts, 0 and 3 are equal with corners exchanged, 2 is apart. */
#define CORNERS "0 0 1 1  0 0.1 1 1.1  0 5 1 6  1 1 0 0 "
#define SCORES "| 0.5 0.9 0.3 0.5   0.1 0.1 0.8 0.2 "

static void suppresses_by_class(void **state)
{
    (void)state;
    expect(NMS("in %m : i64[1] in %o : f32[1] in %t : f32[]", ""), CORNERS SCORES "| 4 | 0.5 | 0",
           "4x3: 0 0 1 0 0 2 0 1 2 0 1 3");
    expect(NMS("in %m : i64[1] in %o : f32[1] in %t : f32[1]", ""), CORNERS SCORES "| 1 | 0.5 | 0",
           "2x3: 0 0 1 0 1 2");
    expect(NMS("in %m : i64[1] in %o : f32[1] in %t : f32[1]", ""), CORNERS SCORES "| 4 | 0.9 | 0.4",
           "3x3: 0 0 1 0 0 0 0 1 2");
    expect(NMS("const %m : i64[] = {2} const %o : f32[] = {1.0} const %t : f32[] = {0.0}", ""),
           CORNERS SCORES, "4x3: 0 0 1 0 0 0 0 1 2 0 1 3");
}

static void boxes_by_centre(void **state)
{
    (void)state;
    expect(NMS("in %m : i64[1] in %o : f32[1] in %t : f32[1]", "{center_point_box=1}"),
           "0.5 0.5 1 1  0.5 0.6 1 1  0.5 5.5 1 1  0.5 0.5 1 1 " SCORES "| 4 | 0.5 | 0",
           "4x3: 0 0 1 0 0 2 0 1 2 0 1 3");
}

static void defaults_select_nothing(void **state)
{
    (void)state;
    expect("in %b : f32[1,4,4] in %s : f32[1,2,4] %y = NonMaxSuppression(%b, %s) out %y",
           CORNERS SCORES, "0x3:");
}

/* ---- Reshape, OneHot ---- */

static void a_shape_of_the_run(void **state)
{
    (void)state;
    const char *body = "in %x : f32[2,3] in %s : i64[2] %y = Reshape(%x, %s) out %y";
    expect(body, "1 2 3 4 5 6 | 3 2", "3x2: 1 2 3 4 5 6");
    expect(body, "1 2 3 4 5 6 | -1 1", "6x1: 1 2 3 4 5 6");
    expect(body, "1 2 3 4 5 6 | 0 -1", "2x3: 1 2 3 4 5 6");
    expect(body, "1 2 3 4 5 6 | -1 0", "2x3: 1 2 3 4 5 6");
    expect_failure(body, "1 2 3 4 5 6 | -1 4");
    expect_failure(body, "1 2 3 4 5 6 | -1 -1");
    expect_failure(body, "1 2 3 4 5 6 | -2 -3");
    expect_failure("in %x : f32[2,3] in %s : i64[2] %y = Reshape(%x, %s) {allowzero=1} out %y",
                   "1 2 3 4 5 6 | 0 3");
}

static void a_depth_of_the_run(void **state)
{
    (void)state;
    const char *body = "in %i : i64[2] in %d : f32[1] in %v : f32[2] %y = OneHot(%i, %d, %v) out %y";
    expect(body, "1 -1 | 3 | 7 8", "2x3: 7 8 7 7 7 8");
    expect(body, "1 -1 | 2 | 7 8", "2x2: 7 8 7 8");
    expect_failure(body, "1 -1 | -2 | 7 8");
}

/* ---- axes ---- */

static void axes_of_the_run(void **state)
{
    (void)state;
    const char *sum = "in %x : f32[2,3] in %a : i64[1] %y = ReduceSum(%x, %a) {keepdims=0} out %y";
    expect(sum, "1 2 3 4 5 6 | 0", "3: 5 7 9");
    expect(sum, "1 2 3 4 5 6 | -1", "2: 6 15");
    expect_failure(sum, "1 2 3 4 5 6 | 2");
    const char *mean = "in %x : f32[2,2,2] in %a : i64[2] %y = ReduceMean(%x, %a) out %y";
    expect(mean, "1 2 3 4 5 6 7 8 | 0 2", "1x2x1: 3.5 5.5");
    expect_failure(mean, "1 2 3 4 5 6 7 8 | 1 -2");
    expect("in %x : f32[2,2] in %a : i64[0] %y = ReduceMax(%x, %a) out %y", "1 2 3 4", "1x1: 4");
    const char *cum = "in %x : f32[2,3] in %a : i64[] %y = CumSum(%x, %a) {reverse=1} out %y";
    expect(cum, "1 2 3 4 5 6 | 0", "2x3: 5 7 9 4 5 6");
    expect(cum, "1 2 3 4 5 6 | -1", "2x3: 6 5 3 15 11 6");
}

static void dimensions_of_size_one(void **state)
{
    (void)state;
    const char *squeeze = "in %x : f32[1,2,1,3] in %a : i64[1] %y = Squeeze(%x, %a) out %y";
    expect(squeeze, "1 2 3 4 5 6 | 0", "2x1x3: 1 2 3 4 5 6");
    expect(squeeze, "1 2 3 4 5 6 | -2", "1x2x3: 1 2 3 4 5 6");
    expect_failure(squeeze, "1 2 3 4 5 6 | 1");
    const char *two = "in %x : f32[2,3] in %a : i64[2] %y = Unsqueeze(%x, %a) out %y";
    expect(two, "1 2 3 4 5 6 | 0 3", "1x2x3x1: 1 2 3 4 5 6");
    expect(two, "1 2 3 4 5 6 | -2 1", "2x1x1x3: 1 2 3 4 5 6");
    expect_failure(two, "1 2 3 4 5 6 | 1 1");
}

static void slices_of_the_run(void **state)
{
    (void)state;
    const char *any = "in %x : f32[2,4] in %s : i64[1] in %e : i64[1] in %a : i64[1] in %t : i64[1]"
                      " %y = Slice(%x, %s, %e, %a, %t) out %y";
    expect(any, "1 2 3 4 5 6 7 8 | 1 | 3 | 1 | 1", "2x2: 2 3 6 7");
    expect(any, "1 2 3 4 5 6 7 8 | 0 | 1 | 0 | 1", "1x4: 1 2 3 4");
    expect(any, "1 2 3 4 5 6 7 8 | -1 | -9 | -1 | -3", "2x2: 4 1 8 5");
    expect(any, "1 2 3 4 5 6 7 8 | 3 | 1 | 1 | 1", "2x0:");
    expect(any, "1 2 3 4 5 6 7 8 | 0 | 100 | 1 | 2", "2x2: 1 3 5 7");
    expect_failure(any, "1 2 3 4 5 6 7 8 | 0 | 1 | 1 | 0");
    expect("in %x : f32[2,2] in %p : i64[2] in %a : i64[1] %y = Pad(%x, %p, _, %a) out %y",
           "1 2 3 4 | 1 0 | -1", "2x3: 0 1 2 0 3 4");
}

/* ---- Resize ---- */

static void scales_of_the_run(void **state)
{
    (void)state;
    const char *nearest = "in %x : f32[2,3] in %s : f32[2] %y = Resize(%x, _, %s) out %y";
    expect(nearest, "1 2 3 4 5 6 | 1 2", "2x6: 1 1 2 2 3 3 4 4 5 5 6 6");
    expect(nearest, "1 2 3 4 5 6 | 0.5 0.6666667", "1x2: 1 3");
    expect_failure(nearest, "1 2 3 4 5 6 | 1 0");
    expect_failure(nearest, "1 2 3 4 5 6 | 1 nan");
    const char *axis = "in %x : f32[1,5] in %s : f32[1] %y = Resize(%x, _, %s) "
                       "{axes=[-1], mode=\"linear\", coordinate_transformation_mode=\"asymmetric\"} out %y";
    expect(axis, "0 3 6 9 12 | 0.6", "1x3: 0 5 10");
    expect(axis, "0 3 6 9 12 | 2", "1x10: 0 1.5 3 4.5 6 7.5 9 10.5 12 12");
    const char *old = "in %x : f32[4] in %s : f32[1] %y = Resize(%x, _, %s) "
                      "{nearest_mode=\"floor_or_ceil\", coordinate_transformation_mode=\"asymmetric\"} "
                      "out %y";
    expect(old, "1 2 3 4 | 0.75", "3: 1 3 4");
    expect(old, "1 2 3 4 | 1.5", "6: 1 1 2 3 3 4");
}

static void a_region_of_the_run(void **state)
{
    (void)state;
    const char *crop = "in %x : f32[5] in %r : f32[2] const %n : i64[1] = {3} %y = Resize(%x, %r, _, %n) "
                       "{mode=\"linear\", coordinate_transformation_mode=\"tf_crop_and_resize\", "
                       "extrapolation_value=0x1.2p3} out %y";
    expect(crop, "0 10 20 30 40 | 0.25 0.75", "3: 10 20 30");
    expect(crop, "0 10 20 30 40 | 1 0", "3: 40 20 0");
    expect(crop, "0 10 20 30 40 | 0.5 1.25", "3: 20 35 9");
}

static void sizes_of_the_run(void **state)
{
    (void)state;
    const char *aspect = "in %x : f32[2,4] in %n : i64[2] %y = Resize(%x, _, _, %n) "
                         "{keep_aspect_ratio_policy=\"not_larger\"} out %y";
    expect(aspect, "1 2 3 4 5 6 7 8 | 4 4", "2x4: 1 2 3 4 5 6 7 8");
    expect(aspect, "1 2 3 4 5 6 7 8 | 1 4", "1x2: 1 3");
    const char *smooth = "in %x : f32[4] in %n : i64[1] %y = Resize(%x, _, _, %n) "
                         "{antialias=1, mode=\"linear\"} out %y";
    expect(smooth, "0 8 16 24 | 2", "2: 5 19");
    expect(smooth, "0 8 16 24 | 4", "4: 0 8 16 24");
}

/* ---- counts and lengths ---- */

static void ranges_of_the_run(void **state)
{
    (void)state;
    const char *floats = "in %a : f32[] in %b : f32[] in %c : f32[] %y = Range(%a, %b, %c) out %y";
    expect(floats, "1 | 2 | 0.25", "4: 1 1.25 1.5 1.75");
    expect(floats, "3 | 0 | -1", "3: 3 2 1");
    expect(floats, "3 | 0 | 1", "0:");
    expect_failure(floats, "3 | 0 | 0");
    expect_failure(floats, "0 | inf | 1");
    expect_failure(floats, "0 | nan | 1");
    const char *ints = "in %a : i32[] in %b : i32[] in %c : i32[] %y = Range(%a, %b, %c) out %y";
    expect(ints, "10 | 4 | -3", "2: 10 7");
    expect(ints, "1 | 6 | 2", "3: 1 3 5");
    expect_failure(ints, "1 | 6 | 0");
}

static void transforms_of_the_run(void **state)
{
    (void)state;
    const char *dft = "in %x : f32[2,2,1] in %a : i64[] %y = DFT(%x, _, %a) out %y";
    expect(dft, "1 2 3 5 | 0", "2x2x2: 4 0 7 0 -2 0 -3 0");
    expect(dft, "1 2 3 5 | -2", "2x2x2: 3 0 -1 0 8 0 -2 0");
    expect_failure(dft, "1 2 3 5 | 2");
    const char *back = "in %x : f32[1,3,2] in %n : i64[] const %a : i64[] = {1} "
                       "%y = DFT(%x, %n, %a) {inverse=1, onesided=1} out %y";
    expect(back, "10 0 -2 2 -2 0 | 4", "1x4x1: 1 2 3 4");
    expect(back, "6 0 -3 0 0 0 | 2", "1x2x1: 1.5 4.5");
    const char *stft = "in %x : f32[1,5] in %s : i64[] in %n : i64[] %y = STFT(%x, %s, _, %n) out %y";
    expect(stft, "1 2 3 4 5 | 2 | 2", "1x2x2x2: 3 0 -1 0 7 0 -1 0");
    expect_failure(stft, "1 2 3 4 5 | 0 | 2");
    expect_failure(stft, "1 2 3 4 5 | 1 | 6");
    const char *image = "in %x : f32[1,2,2] in %i : i64[1] in %b : i64[1] %y = Col2Im(%x, %i, %b) out %y";
    expect(image, "1 2 3 4 | 3 | 2", "1x1x3: 1 5 4");
    expect(image, "1 2 3 4 | 2 | 1", "1x2x2: 1 2 3 4");
    expect_failure(image, "1 2 3 4 | 4 | 2");
}

/* A branch that is known says more than two that are joined. */
static void branches_of_known_conditions(void **state)
{
    (void)state;
    const char *known =
        "const %c : bool[] = {1} in %x : f32[2,1] "
        "%n = If(%c) {then_branch=graph \"t\" opset 18 { const %n : i64[2] = {2, 3} out %n }, "
        "else_branch=graph \"e\" opset 18 { const %n : i64[2] = {2, 3} "
        "%a, %b, %d = Split(%n) {num_outputs=3} out %a }} %z = Expand(%x, %n) out %z";
    expect(known, "4 5", "2x3: 4 4 4 5 5 5");
    const char *captured =
        "const %c : bool[] = {1} in %s : i64[2] "
        "%y, %n = If(%c, %s) {then_branch=graph \"t\" opset 18 { capture %s : i64[2] "
        "%y = ConstantOfShape(%s) const %n : i64[1] = {3} out %y out %n }, "
        "else_branch=graph \"e\" opset 18 { capture %s : i64[2] "
        "%y, %n, %d = Split(%s) {num_outputs=3} out %y out %n }} %z = Expand(%y, %n) out %z";
    expect(captured, "2 3", "2x3: 0 0 0 0 0 0");
    expect(captured, "2 1", "2x3: 0 0 0 0 0 0");
    expect_failure(captured, "2 2");
    const char *ranks = "in %c : bool[] in %x : f32[2] "
                        "%y = If(%c) {then_branch=graph \"t\" opset 18 { const %a : f32[] = {2} out %a }, "
                        "else_branch=graph \"e\" opset 18 { const %b : f32[1] = {3} out %b }} "
                        "%z = Mul(%x, %y) out %z";
    expect(ranks, "1 | 1 2", "2: 2 4");
    expect(ranks, "0 | 1 2", "2: 3 6");
}

static void attention_with_bodies(void **state)
{
    (void)state;
    const char *flex =
        "in %q : f32[1,2,1,1] in %k : f32[1,1,2,1] in %v : f32[1,1,2,1] "
        "%y = ai.onnx.preview::FlexAttention(%q, %k, %v) "
        "{scale=0x1p0, score_mod=graph \"s\" opset 18 { in %s : f32[1,2,1,2] %z = Sub(%s, %s) out %z }, "
        "prob_mod=graph \"p\" opset 18 { in %p : f32[1,2,1,2] %r = Add(%p, %p) out %r }} out %y";
    expect(flex, "1 7 | 2 3 | 10 30", "1x2x1x1: 40 40");
}

/* No elements, so no bytes; only the run knows the other dimension. */
static void sizes_beside_an_empty_dimension(void **state)
{
    (void)state;
    expect("in %x : f32[3,0] in %n : i64[2] %y = Tile(%x, %n) out %y", "2 1", "6x0:");
    expect("in %x : f32[] %y = NonZero(%x) out %y", "3", "0x1:");
    expect("in %x : f32[] %y = NonZero(%x) out %y", "0", "0x0:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_k_orders),
        cmocka_unit_test(nan_is_above_every_number),
        cmocka_unit_test(top_k_along_any_dimension),
        cmocka_unit_test(both_ways_agree),
        cmocka_unit_test(k_must_fit),
        cmocka_unit_test(non_zero_lists_indices),
        cmocka_unit_test(what_follows_knows_the_size),
        cmocka_unit_test(compress_keeps_slices),
        cmocka_unit_test(unique_elements),
        cmocka_unit_test(unique_slices),
        cmocka_unit_test(many_elements),
        cmocka_unit_test(suppresses_by_class),
        cmocka_unit_test(boxes_by_centre),
        cmocka_unit_test(defaults_select_nothing),
        cmocka_unit_test(a_shape_of_the_run),
        cmocka_unit_test(a_depth_of_the_run),
        cmocka_unit_test(axes_of_the_run),
        cmocka_unit_test(dimensions_of_size_one),
        cmocka_unit_test(slices_of_the_run),
        cmocka_unit_test(scales_of_the_run),
        cmocka_unit_test(ranges_of_the_run),
        cmocka_unit_test(transforms_of_the_run),
        cmocka_unit_test(branches_of_known_conditions),
        cmocka_unit_test(attention_with_bodies),
        cmocka_unit_test(a_region_of_the_run),
        cmocka_unit_test(sizes_of_the_run),
        cmocka_unit_test(sizes_beside_an_empty_dimension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
