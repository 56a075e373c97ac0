/* Every contraction of the real models is computed by a skeleton made for it: kernels that multiply
 * and add must not be the reference loops. There is no exception today. */
#include "codegen/lower/lower.h"
#include "frontend/onnx/onnx.h"
#include "ir/base/str.h"
#include "passes/pass.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const TargetDesc avx2_like = {.name = "test", .kind = TARGET_OBJECT, .vector_bits = 256,
                                     .vector_regs = 16, .has_fma = true};

static const char *const models[] = {
    "mnist_cntk8", "cifar10_resnet2b", "cifar10_pt_cnn", "mnistfc_256x6", "hand_keypoint_mlp",
    "super_resolution_10", "squeezenet_fp16", "squeezenet_fp32_upcast", "ultraface_rfb320", "retinaface_mnet25",
    "vit_cifar10_pgd", "mcu/ic01_resnet8", "mcu/kws01_dscnn_bn", "mcu/vww01_mobilenet_v1_025",
};

/* Multiply-accumulates, symbols at 64. */
static int64_t macs_of(const Kernel *k)
{
    int64_t sym[16];
    for (size_t i = 0; i < COUNT_OF(sym); i++)
        sym[i] = 64;
    return ex_eval_size(k->macs, sym);
}

static void check_model(const char *name, const char *path)
{
    Ctx c;
    Graph *g;
    Program *p;
    ctx_init(&c);
    PipelineOptions passes = {.level = 2};
    LowerOptions lower = {.level = 2};
    assert_int_equal(onnx_read(&c, path, NULL, &g), MLC_OK);
    assert_int_equal(graph_infer(g), MLC_OK);
    assert_int_equal(pipeline_run(g, &passes, NULL), MLC_OK);
    assert_int_equal(lower_graph(g, &avx2_like, &lower, &p), MLC_OK);
    int contractions = 0;
    for (size_t i = 0; i < p->kernels.len; i++) {
        const Kernel *k = p->kernels.at[i];
        if (macs_of(k) == 0)
            continue;
        contractions++;
        if (str_eq(k->skeleton, "reference"))
            fail_msg("%s: contraction '%s' (%s) is left to the reference loops", name, k->name,
                     k->origin.len ? k->origin.at[0] : "?");
    }
    printf("%-28s %3d contraction kernels of %zu, %zu launches\n", name, contractions, p->kernels.len, p->steps.len);
    ctx_free(&c);
}

static void real_models(void **state)
{
    (void)state;
    const char *shared = getenv("MLC_SHARED") ? getenv("MLC_SHARED") : "../shared";
    int seen = 0;
    for (size_t i = 0; i < COUNT_OF(models); i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/models/%s/model.onnx", shared, models[i]);
        if (access(path, R_OK) != 0)
            continue;
        check_model(models[i], path);
        seen++;
    }
    if (!seen)
        printf("SKIP: no real models at %s/models (set MLC_SHARED)\n", shared);
}

static void demo_model(void **state)
{
    (void)state;
    check_model("fashion", "docs/examples/fashion/fashion.onnx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(demo_model), cmocka_unit_test(real_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
