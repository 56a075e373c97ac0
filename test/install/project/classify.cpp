// The logits of the same image, by the model whose batch is fixed.
#include "fixed.h"

#include <cstdio>
#include <cstring>
#include <mlc/mlc_abi.h>

alignas(64) static unsigned char workspace[fixed_WORKSPACE_BYTES + 64];

int main()
{
    static float image[784], logits[10];
    for (int i = 0; i < 784; i++)
        image[i] = float(i * 37 % 256);
    const mlc_model_v1 *model = &fixed_model;
    fixed_io io{};
    io.image = image;
    io.logits = logits;
    if (fixed_run(&io, workspace) != MLC_RUN_OK || model->inputs[0].name == nullptr ||
        std::strcmp(model->inputs[0].name, "image") != 0)
        return 1;
    for (float v : logits)
        std::printf("%a\n", v);
    return 0;
}
