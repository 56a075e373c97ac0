/* The logits of one made-up image, by the model with a dynamic batch. */
#include "fashion.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    static float image[784], logits[10];
    for (int i = 0; i < 784; i++)
        image[i] = (float)(i * 37 % 256);
    mlc_sizes_v1 sizes[fashion_SIZES_WORDS];
    int64_t batch = 1;
    if (fashion_bind(&batch, sizes) != MLC_RUN_OK)
        return 1;
    void *workspace = aligned_alloc(64, (size_t)sizes[0] + 64);
    fashion_io io = {.sizes = sizes, .image = image, .logits = logits};
    if (fashion_run(&io, workspace) != MLC_RUN_OK)
        return 2;
    for (int i = 0; i < 10; i++)
        printf("%a\n", logits[i]);
    free(workspace);
    return 0;
}
