/* Prints what bind and run of an artifact return, the sum of its first outputs when it ran, and the
 * target whose code ran. The model has one input and one output of constant shape. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t count(const mlc_io_v1 *io)
{
    int64_t n = 1;

    for (int k = 0; k < io->rank; k++)
        n *= io->dim[k];
    return n;
}

int main(void)
{
    const mlc_model_v1 *model = &model_model;
    mlc_sizes_v1 sizes[64];
    int64_t n = count(model->inputs);
    float *in = calloc((size_t)n, sizeof *in), *out = calloc((size_t)count(model->outputs), sizeof *out);
    const void *io[] = {in, out};
    void *workspace = aligned_alloc(64, (size_t)model->workspace_bytes + 64);
    int bound, ran;
    double sum = 0;

    if (!in || !out || !workspace || model->nsymbols || model->sizes_words > 64)
        return 2;
    for (int64_t i = 0; i < n; i++)
        in[i] = (float)(i * 7 % 255);
    bound = model->bind(NULL, sizes);
    ran = model->run(io, workspace);
    for (int i = 0; i < 10; i++)
        sum += out[i];
    printf("%d %d %.3f %s\n", bound, ran, sum, model->selected() ? model->selected() : "none");
    return 0;
}
