/* Inference of single operators: result types, constant and symbolic, and what is refused. */
#include "ir/base/str.h"
#include "ir/graph/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct Case {
    const char *body; /* of a graph with symbols n, h >= 1; the result is %y */
    const char *want; /* its type, or the code of the error */
} Case;

#define X "in %x : f32[n,8,h,20] "
#define IMG "in %x : f32[2,8,9,20] "

static const Case cases[] = {
    /* windows */
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w)", "f32[n,16,h - 2,18]"},
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w) {pads=[1,1,1,1]}", "f32[n,16,h,20]"},
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w) {pads=[1,1,1,1], strides=[2,2]}",
     "f32[n,16,floor_div(h + 1, 2),10]"},
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w) {auto_pad=\"SAME_UPPER\", strides=[2,3]}",
     "f32[n,16,floor_div(h + 1, 2),7]"},
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w) {dilations=[2,2], auto_pad=\"VALID\"}",
     "f32[n,16,h - 4,16]"},
    {X "in %w : f32[8,1,3,3] %y = Conv(%x, %w) {group=8, pads=[1,1,1,1]}", "f32[n,8,h,20]"},
    {X "in %w : f32[16,7,3,3] %y = Conv(%x, %w)", "E0301"},
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w) {strides=[0,1]}", "E0203"},
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w) {strides=[1]}", "E0203"},
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w) {dilations=[1,9223372036854775807]}", "E0203"},
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w) {pads=[-1,0,0,0]}", "E0203"},
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w) {group=0}", "E0203"},
    {X "in %w : f32[16,8,3,3] %y = Conv(%x, %w) {auto_pad=\"SAME\"}", "E0203"},
    {X "in %w : f32[16,8,3,30] %y = Conv(%x, %w)", "E0301"},
    {X "in %w : f32[16,8,3] %y = Conv(%x, %w)", "E0302"},
    {X "in %w : f64[16,8,3,3] %y = Conv(%x, %w)", "E0206"},
    {IMG "%y = MaxPool(%x) {kernel_shape=[3,3], strides=[2,2], ceil_mode=1}", "f32[2,8,4,10]"},
    {IMG "%y = MaxPool(%x) {kernel_shape=[3,3], strides=[2,2]}", "f32[2,8,4,9]"},
    /* a window that would start in the padding at the end is none */
    {IMG "%y = AveragePool(%x) {kernel_shape=[1,3], strides=[2,2], pads=[0,0,1,1], ceil_mode=1}",
     "f32[2,8,5,10]"},
    {X "%y = MaxPool(%x) {kernel_shape=[2]}", "E0203"},
    {X "%y = GlobalAveragePool(%x)", "f32[n,8,1,1]"},
    {X "in %w : f32[8,4,3,3] %y = ConvTranspose(%x, %w) {strides=[2,2]}", "f32[n,4,2*h + 1,41]"},
    {X "in %w : f32[8,4,3,3] %y = ConvTranspose(%x, %w) {strides=[2,2], pads=[1,1,1,1],"
       " output_padding=[1,1]}", "f32[n,4,2*h,40]"},
    {X "in %w : f32[8,4,3,3] %y = ConvTranspose(%x, %w) {strides=[2,2], auto_pad=\"SAME_UPPER\"}",
     "f32[n,4,2*h,40]"},
    /* products */
    {"in %a : f32[n,1,3,4] in %b : f32[5,4,h] %y = MatMul(%a, %b)", "f32[n,5,3,h]"},
    {"in %a : f32[4] in %b : f32[5,4,h] %y = MatMul(%a, %b)", "f32[5,h]"},
    {"in %a : f32[n,4] in %b : f32[4] %y = MatMul(%a, %b)", "f32[n]"},
    {"in %a : f32[4] in %b : f32[4] %y = MatMul(%a, %b)", "f32[]"},
    {"in %a : f32[3,4] in %b : f32[3,4] %y = MatMul(%a, %b)", "E0301"},
    {"in %a : f32[4,n] in %b : f32[h,4] %y = Gemm(%a, %b) {transA=1, transB=1}", "f32[n,h]"},
    {"in %a : f32[n,4] in %b : f32[4,6] in %c : f32[5] %y = Gemm(%a, %b, %c)", "E0301"},
    {"in %a : f32[2,3,n] in %b : f32[n,h] %y = Einsum(%a, %b) {equation=\"...k,kj->...j\"}",
     "f32[2,3,h]"},
    {"in %a : f32[n,h] %y = Einsum(%a) {equation=\"ij->ji\"}", "f32[h,n]"},
    {"in %a : f32[n,h] %y = Einsum(%a) {equation=\"ij->ik\"}", "E0203"},
    /* shapes */
    {"in %x : f32[n,h,768] const %s : i64[4] = {0,-1,12,64} %y = Reshape(%x, %s)",
     "f32[n,h,12,64]"},
    {"in %x : f32[n,h,768] const %s : i64[2] = {-1,768} %y = Reshape(%x, %s)", "f32[h*n,768]"},
    {"in %x : f32[6,4] const %s : i64[2] = {5,-1} %y = Reshape(%x, %s)", "E0301"},
    {"in %x : f32[6,4] const %s : i64[2] = {-1,-1} %y = Reshape(%x, %s)", "E0301"},
    {"in %x : f32[6,4] const %s : i64[2] = {0,0} %y = Reshape(%x, %s) {allowzero=1}", "E0301"},
    {"in %x : f32[6,4] const %s : i64[3] = {4611686018427387904,4,6} %y = Reshape(%x, %s)",
     "E0301"},
    {"in %x : f32[6,4] in %s : i64[2] %y = Reshape(%x, %s)", "f32[y.0,y.1]"},
    {X "%y = Flatten(%x) {axis=2}", "f32[8*n,20*h]"},
    {"in %x : f32[n,1,h] %y = Squeeze(%x)", "f32[n,h]"},
    {"in %x : f32[n,2,h] const %a : i64[1] = {1} %y = Squeeze(%x, %a)", "E0301"},
    {"in %x : f32[n,h] const %a : i64[2] = {-1,0} %y = Unsqueeze(%x, %a)", "f32[1,n,h,1]"},
    {"in %x : f32[n,h] const %a : i64[2] = {1,-3} %y = Unsqueeze(%x, %a)", "E0302"},
    {X "%y = Transpose(%x) {perm=[0,2,3,1]}", "f32[n,h,20,8]"},
    {X "%y = Transpose(%x) {perm=[0,2,3,3]}", "E0302"},
    {X "%y = Transpose(%x) {perm=[0,1,2,4]}", "E0302"},
    {"in %a : f32[n,2] in %b : f32[n,h] %y = Concat(%a, %b) {axis=-1}", "f32[n,h + 2]"},
    {"in %a : f32[3,2] in %b : f32[4,2] %y = Concat(%a, %b) {axis=1}", "E0301"},
    {"in %x : f32[7,n] %y, %z, %u = Split(%x) {num_outputs=3}", "f32[3,n]"},
    {"in %x : f32[7] const %s : i64[2] = {3,5} %y, %z = Split(%x, %s)", "E0301"},
    {"in %x : f32[n,9] const %r : i64[2] = {2,3} %y = Tile(%x, %r)", "f32[2*n,27]"},
    {"in %x : f32[n,1] const %s : i64[3] = {4,1,6} %y = Expand(%x, %s)", "f32[4,n,6]"},
    /* slices */
    {"in %x : f32[n] const %s : i64[1] = {-1} const %e : i64[1] = {9223372036854775807}"
     " %y = Slice(%x, %s, %e)", "f32[1]"},
    {"in %x : f32[n] const %s : i64[1] = {1} const %e : i64[1] = {2147483647}"
     " %y = Slice(%x, %s, %e)", "f32[n - 1]"},
    {"in %x : f32[10] const %s : i64[1] = {20} const %e : i64[1] = {-20} const %a : i64[1] = {0}"
     " const %t : i64[1] = {-3} %y = Slice(%x, %s, %e, %a, %t)", "f32[4]"},
    {"in %x : f32[n] const %s : i64[1] = {-1} const %e : i64[1] = {-9223372036854775808}"
     " const %a : i64[1] = {0} const %t : i64[1] = {-1} %y = Slice(%x, %s, %e, %a, %t)", "f32[n]"},
    {"in %x : f32[10] const %s : i64[1] = {2} const %e : i64[1] = {5} const %a : i64[1] = {0}"
     " const %t : i64[1] = {0} %y = Slice(%x, %s, %e, %a, %t)", "E0301"},
    /* gathers */
    {"in %x : f32[5,n,6] in %i : i64[h,2] %y = Gather(%x, %i) {axis=1}", "f32[5,h,2,6]"},
    {"in %x : f32[5] const %i : i64[1] = {-6} %y = Gather(%x, %i)", "E0301"},
    {"in %x : f32[5,6,7] in %i : i64[n,2] %y = GatherND(%x, %i)", "f32[n,7]"},
    {"in %x : f32[5,6,7] in %i : i64[n,4] %y = GatherND(%x, %i)", "E0301"},
    /* the rest */
    {"in %x : f32[n,3,h] const %a : i64[1] = {-1} %y = ReduceMean(%x, %a) {keepdims=0}",
     "f32[n,3]"},
    {"in %x : f32[n,3,h] %y = ReduceMax(%x)", "f32[1,1,1]"},
    {"in %x : f32[n,3,h] const %a : i64[2] = {0,-3} %y = ReduceSum(%x, %a)", "E0302"},
    {"in %x : f32[n,3] %y = ArgMax(%x) {axis=1, keepdims=0}", "i64[n]"},
    {X "%y = DepthToSpace(%x) {blocksize=2}", "f32[n,2,2*h,40]"},
    {X "%y = DepthToSpace(%x) {blocksize=3}", "E0301"},
    {X "%y = DepthToSpace(%x) {blocksize=0}", "E0203"},
    {X "const %s : f32[4] = {1.0, 1.0, 2.0, 0.5} %y = Resize(%x, _, %s)", "f32[n,8,2*h,10]"},
    {X "const %s : i64[2] = {7, 9} %y = Resize(%x, _, _, %s) {axes=[2,3]}", "f32[n,8,7,9]"},
    {X "const %s : f32[4] = {1.0, 1.0, 0.0, 0.5} %y = Resize(%x, _, %s)", "E0301"},
    {X "const %p : i64[8] = {0,0,1,1,0,0,2,-3} %y = Pad(%x, %p)", "f32[n,8,h + 3,18]"},
    {X "const %p : i64[8] = {0,0,1,1,0,0,2,-30} %y = Pad(%x, %p)", "E0301"},
    {X "const %p : i64[6] = {0,0,1,1,0,0} %y = Pad(%x, %p)", "E0301"},
    {"in %i : i64[n] const %d : i64[] = {5} in %v : f32[2] %y = OneHot(%i, %d, %v)", "f32[n,5]"},
    {"const %a : i64[] = {3} const %b : i64[] = {-8} const %d : i64[] = {-3}"
     " %y = Range(%a, %b, %d)", "i64[4]"},
    {"const %a : i64[] = {3} const %b : i64[] = {8} const %d : i64[] = {0} %y = Range(%a, %b, %d)",
     "E0301"},
    {"in %x : f32[n] %y = Cast(%x) {to=10}", "f16[n]"},
    {"in %x : f32[n] %y = Cast(%x) {to=77}", "E0204"},
    {"in %x : i64[n] %y = Exp(%x)", "E0204"},
    {"in %x : f32[n,6] %y = Softmax(%x) {axis=2}", "E0302"},
    {X "in %c : f32[7] %y = BatchNormalization(%x, %c, %c, %c, %c)", "E0301"},
    {X "in %c : f32[8] %y = GroupNormalization(%x, %c, %c) {num_groups=3}", "E0301"},
};

/* The printed type, or the code of the first error. */
static const char *result(Ctx *c, const char *body)
{
    Graph *g;
    Arena *a = arena_new(c);
    const char *text = arena_printf(
        a, "graph \"\" opset 22 { sym n >= 1 sym h >= 1 %s out %%y }", body);
    if (graph_parse(c, text, NULL, &g) != MLC_OK || graph_infer(g) != MLC_OK)
        return diag_code_name[c->diags.first->code];
    assert_int_equal(graph_verify(g), MLC_OK);
    Str s = str_new(g->arena);
    type_print(&s, g->pool, &g->outputs.at[0]->type);
    return str_text(&s);
}

static void types(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Ctx c;
        ctx_init(&c);
        const char *got = result(&c, cases[i].body);
        if (!str_eq(got, cases[i].want)) {
            print_error("%s\n  is   %s\n  want %s\n", cases[i].body, got, cases[i].want);
            wrong++;
        }
        ctx_free(&c);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(types)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
