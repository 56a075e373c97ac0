/* Prints what bind and run of an artifact return, the sum of its outputs when it ran, and the target
 * whose code ran. */
#include "model.h"

#include <stdio.h>

static float image[784], logits[10];
static _Alignas(64) char workspace[1 << 20];

int main(void)
{
    const void *io[] = {image, logits};
    mlc_sizes_v1 sizes[64];
    const mlc_model_v1 *model = &model_model;
    int bound, ran;
    double sum = 0;

    if (model->nsymbols || model->sizes_words > 64 || model->workspace_bytes > 1 << 20)
        return 2;
    for (int i = 0; i < 784; i++)
        image[i] = (float)(i * 7 % 255);
    bound = model->bind(NULL, sizes);
    ran = model->run(io, workspace);
    for (int i = 0; i < 10; i++)
        sum += logits[i];
    printf("%d %d %.3f %s\n", bound, ran, sum, model->selected() ? model->selected() : "none");
    return 0;
}
