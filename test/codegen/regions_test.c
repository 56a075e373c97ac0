/* Regions of images, and operators of old converters. Expected results were worked out by hand. */
#include "test/codegen/run_text.h"

/* ---- RoiAlign with as many points as a bin has elements ---- */

static void points_by_size(void **state)
{
    (void)state;
    const char *align =
        "in %x : f32[1,1,4,4] in %r : f32[2,4] const %b : i64[2] = {0, 0} "
        "%y = RoiAlign(%x, %r, %b) {coordinate_transformation_mode=\"output_half_pixel\"} out %y";
    const char *image = "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15";
    char inputs[128];
    snprintf(inputs, sizeof inputs, "%s | 0 0 1 1 0 0 2 2", image);
    expect(align, inputs, "2x1x1x1: 2.5 5"); /* one point; the mean of four */
    snprintf(inputs, sizeof inputs, "%s | 1 1 1 1 9 9 12 12", image);
    expect(align, inputs, "2x1x1x1: 7.5 0"); /* at least one wide; all outside */
    const char *half =
        "in %x : f32[1,1,4,4] in %r : f32[2,4] const %b : i64[2] = {0, 0} "
        "%y = RoiAlign(%x, %r, %b) {mode=\"max\"} out %y";
    snprintf(inputs, sizeof inputs, "%s | 2 2 1 1 0.5 0.5 1.5 1.5", image);
    expect(half, inputs, "2x1x1x1: 0 1.25"); /* no point; the greatest weighted neighbour */
}

/* ---- MaxRoiPool ---- */

static void maxima_of_bins(void **state)
{
    (void)state;
    const char *pool = "in %x : f32[2,1,2,3] in %r : f32[1,5] "
                       "%y = MaxRoiPool(%x, %r) {pooled_shape=[1,2]} out %y";
    expect(pool, "1 2 3 4 5 6 -1 -2 -3 -4 -5 -6 | 0 0 0 2 1", "1x1x1x2: 5 6");
    expect(pool, "1 2 3 4 5 6 -1 -2 -3 -4 -5 -6 | 1 0 0 2 1", "1x1x1x2: -1 -2");
    expect(pool, "1 2 3 4 5 6 -1 -2 -3 -4 -5 -6 | 0 1 0 1 0", "1x1x1x2: 2 2");
    expect(pool, "1 2 3 4 5 6 -1 -2 -3 -4 -5 -6 | 0 8 8 9 9", "1x1x1x2: 0 0");
    expect_failure(pool, "1 2 3 4 5 6 -1 -2 -3 -4 -5 -6 | 2 0 0 2 1");
    expect_failure(pool, "1 2 3 4 5 6 -1 -2 -3 -4 -5 -6 | nan 0 0 2 1");
}

/* ---- experimental operators ---- */

static void maps(void **state)
{
    (void)state;
    expect("in %x : f32[2] %y = Affine(%x) {alpha=0x1p1, beta=-0x1p0} out %y", "1 3", "2: 1 5");
    expect("in %x : f32[2] %y = Scale(%x) {scale=0x1p1} out %y", "1 3", "2: 2 6");
    expect("in %x : f32[2] %y = ScaledTanh(%x) {alpha=0x1p1} out %y", "0 100", "2: 0 2");
    expect("in %x : f32[3] %y = ParametricSoftplus(%x) {alpha=0x1p1, beta=0x1p1} out %y", "0 500 -500",
           "3: 1.38629 2000 0");
}

static void images(void **state)
{
    (void)state;
    expect("in %x : f32[1,2,1,1] %y = ImageScaler(%x) {scale=0x1p1, bias=[0x1p0, 0x1p3]} out %y", "1 3",
           "1x2x1x1: 3 14");
    const char *crop = "in %x : f32[1,1,3,3] %y = Crop(%x) {border=[1,0,0,2]} out %y";
    expect(crop, "1 2 3 4 5 6 7 8 9", "1x1x1x2: 2 3");
    const char *sized = "in %x : f32[1,1,3,3] %y = Crop(%x) {border=[1,1,0,0], scale=[2,1]} out %y";
    expect(sized, "1 2 3 4 5 6 7 8 9", "1x1x2x1: 5 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_by_size),
        cmocka_unit_test(maxima_of_bins),
        cmocka_unit_test(maps),
        cmocka_unit_test(images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
