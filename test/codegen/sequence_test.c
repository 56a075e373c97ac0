/* Sequences, optionals and maps: whole programs in the interpreter, results worked out by hand. An
 * output that is a sequence shows its columns: the shapes (rank and eight dimensions each) and the data. */
#include "test/codegen/run_text.h"

#define X "in %x : f32[2,3] "

static void splits_at_sizes_of_the_run(void **state)
{
    (void)state;
    const char *data = X "in %s : i64[2] %q = SplitToSequence(%x, %s) {axis=1} out %q";
    expect(data, "1 2 3 4 5 6 | 1 2",
           "2x9: 2 2 1 1 1 1 1 1 1 2 2 2 1 1 1 1 1 1 | 6: 1 4 2 3 5 6");
    expect(data, "1 2 3 4 5 6 | 0 3",
           "2x9: 2 2 0 1 1 1 1 1 1 2 2 3 1 1 1 1 1 1 | 6: 1 2 3 4 5 6");
    expect_failure(data, "1 2 3 4 5 6 | 1 1");
}

static void splits_into_equal_parts(void **state)
{
    (void)state;
    expect("in %x : f32[5] in %n : i64[] %q = SplitToSequence(%x, %n) out %q", "1 2 3 4 5 | 2",
           "3x9: 1 2 1 1 1 1 1 1 1 1 2 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 | 5: 1 2 3 4 5");
    expect(X "%q = SplitToSequence(%x) {axis=1, keepdims=0} const %i : i64[] = {-1} "
             "%y = SequenceAt(%q, %i) out %y", "1 2 3 4 5 6", "2: 3 6");
}

static void joins_along_an_axis(void **state)
{
    (void)state;
    const char *both = "in %a : f32[2,1] in %b : f32[2,2] %q = SequenceConstruct(%a, %b, %a) "
                       "%y = ConcatFromSequence(%q) {axis=1} out %y";
    expect(both, "1 2 | 3 4 5 6", "2x4: 1 3 4 1 2 5 6 2");
    const char *middle = "in %a : f32[2,2] in %b : f32[2,2] %q = SequenceConstruct(%a, %b) "
                         "%y = ConcatFromSequence(%q) {axis=-2, new_axis=1} out %y";
    expect(middle, "1 2 3 4 | 5 6 7 8", "2x2x2: 1 2 5 6 3 4 7 8");
    expect(X "in %s : i64[3] %q = SplitToSequence(%x, %s) {axis=1} "
             "%y = ConcatFromSequence(%q) {axis=1} out %y", "1 2 3 4 5 6 | 2 0 1", "2x3: 1 2 3 4 5 6");
}

static void inserts_and_erases(void **state)
{
    (void)state;
    const char *insert = "in %a : f32[1] in %b : f32[2] in %p : i64[] "
                         "%e = SequenceEmpty() {dtype=1} %q = SequenceInsert(%e, %a) "
                         "%r = SequenceInsert(%q, %b) %s = SequenceInsert(%r, %a, %p) out %s";
    expect(insert, "9 | 1 2 | -1",
           "3x9: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 2 1 1 1 1 1 1 1 | 4: 9 9 1 2");
    expect(insert, "9 | 1 2 | 2",
           "3x9: 1 1 1 1 1 1 1 1 1 1 2 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 | 4: 9 1 2 9");
    expect_failure(insert, "9 | 1 2 | 3");
    const char *erase = "in %a : f32[1] in %b : f32[2] in %p : i64[] %q = SequenceConstruct(%a, %b) "
                        "%r = SequenceErase(%q, %p) %n = SequenceLength(%r) out %r out %n";
    expect(erase, "9 | 1 2 | 0", "1x9: 1 2 1 1 1 1 1 1 1 | 2: 1 2 | : 1");
    expect(erase, "9 | 1 2 | -1", "1x9: 1 1 1 1 1 1 1 1 1 | 1: 9 | : 1");
    expect_failure(erase, "9 | 1 2 | 2");
}

/* Element i is x + 0 + ... + i, of rank 1, in a loop that the sequence goes through. */
static void a_loop_carries_a_sequence(void **state)
{
    (void)state;
    expect("in %n : i64[] in %x : i64[1] %e = SequenceEmpty() {dtype=7} "
           "%q, %l = Loop(%n, _, %e, %x) {body=graph \"b\" opset 18 { in %i : i64[] in %c : bool[] "
           "in %s : seq(i64[*]) in %v : i64[*] %w = Add(%v, %i) %t = SequenceInsert(%s, %w) "
           "%k = Concat(%v, %w) {axis=0} out %c out %t out %k }} out %q",
           "2 | 5", "2x9: 1 1 1 1 1 1 1 1 1 1 2 1 1 1 1 1 1 1 | 3: 5 6 6");
}

static void maps_each_element(void **state)
{
    (void)state;
    expect("in %a : f32[1] in %b : f32[2] in %f : f32[] %q = SequenceConstruct(%a, %b) "
           "%r = SequenceMap(%q, %f) {body=graph \"b\" opset 18 { in %e : f32[*] in %g : f32[*] "
           "%y = Mul(%e, %g) out %y }} out %r",
           "1 | 2 3 | 10", "2x9: 1 1 1 1 1 1 1 1 1 1 2 1 1 1 1 1 1 1 | 3: 10 20 30");
}

static void optionals_of_branches(void **state)
{
    (void)state;
    const char *has = "in %c : bool[] in %x : f32[2] "
                      "%o = If(%c, %x) {then_branch=graph \"t\" opset 18 { capture %x : f32[2] "
                      "%y = Optional(%x) out %y }, else_branch=graph \"e\" opset 18 { "
                      "capture %x : f32[2] %y = Optional() {type=\"f32[2]\"} out %y }} "
                      "%h = OptionalHasElement(%o) out %h";
    expect(has, "1 | 3 4", ": 1");
    expect(has, "0 | 3 4", ": 0");
    char get[1024];
    strcpy(get, has);
    strcpy(strstr(get, "%h ="), "%y = OptionalGetElement(%o) out %y");
    expect(get, "1 | 3 4", "2: 3 4");
    expect_failure(get, "0 | 3 4");
}

static void maps_as_columns(void **state)
{
    (void)state;
    expect("in %x : f32[2,2] %y = ai.onnx.ml::ZipMap(%x) {classlabels_int64s=[7,9]} out %y",
           "1 2 3 4", "2: 7 9 | 2x2: 1 2 3 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_at_sizes_of_the_run),
        cmocka_unit_test(splits_into_equal_parts),
        cmocka_unit_test(joins_along_an_axis),
        cmocka_unit_test(inserts_and_erases),
        cmocka_unit_test(a_loop_carries_a_sequence),
        cmocka_unit_test(maps_each_element),
        cmocka_unit_test(optionals_of_branches),
        cmocka_unit_test(maps_as_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
