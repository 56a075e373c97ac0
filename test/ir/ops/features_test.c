/* What makes rows of features ready (ai.onnx.ml), against values worked out by hand. */
#include "test/ir/ops/values.h"

#include <stdio.h>

#define ML "%y = ai.onnx.ml::"
#define X "const %x : f32[2,3] = {1,-2,4,0,0,0} "

EXPECT(scaled_by_feature, X ML "Scaler(%x) {offset=[1,0,2], scale=[2,3,-1]}", 0, -6, -2, -2, 0, 2)
EXPECT(scaled_by_one, X ML "Scaler(%x) {offset=[1], scale=[2,3,-1]}", 0, -9, -3, -2, -3, 1)
EXPECT(scaled_ints, "const %x : i64[2] = {3,5} " ML "Scaler(%x) {scale=[0.5]}", 1.5, 2.5)

EXPECT(divided_by_largest, X ML "Normalizer(%x)", 0.25, -0.5, 1, 0, 0, 0)
EXPECT(divided_by_sum, X ML "Normalizer(%x) {norm=\"L1\"}", 1.0 / 7, -2.0 / 7, 4.0 / 7, 0, 0, 0)
EXPECT(divided_by_length, "const %x : f32[2] = {3,-4} " ML "Normalizer(%x) {norm=\"L2\"}", 0.6, -0.8)

EXPECT(binarized, "const %x : f32[5] = {0.5,1,1.5,inf,nan} " ML "Binarizer(%x) {threshold=1}", 0, 0, 1, 1, 0)
EXPECT(binarized_ints, "const %x : i64[3] = {1,2,3} " ML "Binarizer(%x) {threshold=1.5}", 0, 1, 1)

EXPECT(imputed_nan, "const %x : f32[2,2] = {nan,1,2,nan} " ML
                    "Imputer(%x) {imputed_value_floats=[7,8], replaced_value_float=nan}", 7, 1, 2, 8)
EXPECT(imputed_zero, X ML "Imputer(%x) {imputed_value_floats=[9]}", 1, -2, 4, 9, 9, 9)
EXPECT(imputed_ints, "const %x : i32[2,2] = {1,2,3,1} " ML
                     "Imputer(%x) {imputed_value_int64s=[7,8], replaced_value_int64=1}", 7, 2, 3, 8)

EXPECT(features_by_number, X "const %i : i64[2,1] = {2,0} " ML "ArrayFeatureExtractor(%x, %i)", 4, 1, 0, 0)
EXPECT(features_from_the_end, X "const %i : i64[1] = {-2} " ML "ArrayFeatureExtractor(%x, %i)", -2, 0)
EXPECT(feature_of_a_row, "const %x : i64[3] = {5,6,7} const %i : i64[2] = {1,1} " ML
                         "ArrayFeatureExtractor(%x, %i)", 6, 6)

EXPECT(rows_behind_one_another, X "const %z : f32[2,1] = {8,9} " ML
       "FeatureVectorizer(%x, %z) {inputdimensions=[2,3]}", 1, -2, 8, 0, 0, 0, 0, 9, 0, 0)
EXPECT(whole_rows, X "const %z : f32[2,1] = {8,9} " ML "FeatureVectorizer(%z, %x)", 8, 1, -2, 4, 9, 0, 0, 0)

static void wrong_numbers_are_errors(void **state)
{
    static const char *const bad[][2] = {
        {X ML "Scaler(%x) {offset=[1,2]}", "3 against 2"},
        {X ML "Normalizer(%x) {norm=\"L3\"}", "'L3'"},
        {"const %x : f32[1,1,1] = {1} " ML "Normalizer(%x)", "rank"},
        {X ML "Imputer(%x)", "'imputed_value_floats' is not given"},
        {X ML "Imputer(%x) {imputed_value_floats=[1,2]}", "3 against 2"},
        {X "const %i : i64[1] = {3} " ML "ArrayFeatureExtractor(%x, %i)", "index 3"},
        {X ML "FeatureVectorizer(%x) {inputdimensions=[1,2]}", "2 entries for 1"},
        {X ML "FeatureVectorizer(%x) {inputdimensions=[-1]}", "inputdimensions"},
        {X "const %z : f32[3,1] = {7,8,9} " ML "FeatureVectorizer(%x, %z)", "2 against 3"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        World *w;
        char text[1000];
        teardown(state);
        setup(state);
        w = *state;
        snprintf(text, sizeof text, "graph \"\" opset 22 { %s out %%y }", bad[i][0]);
        assert_int_equal(graph_parse(&w->ctx, text, NULL, &w->g), MLC_OK);
        assert_int_equal(graph_infer(w->g), MLC_INPUT);
        if (!strstr(w->ctx.diags.first->message, bad[i][1]))
            fail_msg("%s: not '%s'", w->ctx.diags.first->message, bad[i][1]);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(scaled_by_feature), T(scaled_by_one), T(scaled_ints), T(divided_by_largest),
        T(divided_by_sum), T(divided_by_length), T(binarized), T(binarized_ints), T(imputed_nan),
        T(imputed_zero), T(imputed_ints), T(features_by_number), T(features_from_the_end),
        T(feature_of_a_row), T(rows_behind_one_another), T(whole_rows), T(wrong_numbers_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
