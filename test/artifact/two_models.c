/* Two artifacts of one model in one program: `one` with a dynamic batch, `two` fixed to batch 3. Both
 * must give the same bits. */
#include "one.h"
#include "two.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 3, PIXELS = 784, CLASSES = 10 };

static void make_input(const char *path)
{
    FILE *f = fopen(path, "wb");
    unsigned state = 1;
    int i;
    for (i = 0; i < BATCH * PIXELS; i++) {
        float v;
        state = state * 1664525u + 1013904223u;
        v = (float)(state >> 24);
        fwrite(&v, sizeof v, 1, f);
    }
    fclose(f);
}

static void *workspace_of(size_t bytes)
{
    void *p = NULL;
    return posix_memalign(&p, 64, bytes ? bytes : 64) == 0 ? p : NULL;
}

int main(int argc, char **argv)
{
    static float image[BATCH * PIXELS], a[BATCH * CLASSES], b[BATCH * CLASSES];
    mlc_sizes_v1 sizes[one_SIZES_WORDS];
    int64_t batch = BATCH;
    one_io io1;
    two_io io2;
    FILE *f;
    if (argc == 3 && strcmp(argv[1], "input") == 0) {
        make_input(argv[2]);
        return 0;
    }
    if (argc != 4)
        return 2;
    f = fopen(argv[2], "rb");
    if (!f || fread(image, sizeof image, 1, f) != 1)
        return 3;
    fclose(f);
    if (one_bind(&batch, sizes) != MLC_RUN_OK)
        return 4;
    io1.sizes = sizes;
    io1.image = image;
    io1.logits = a;
    io2.image = image;
    io2.logits = b;
    if (one_run(&io1, workspace_of((size_t)sizes[0])) != MLC_RUN_OK)
        return 5;
    if (two_run(&io2, workspace_of(two_WORKSPACE_BYTES)) != MLC_RUN_OK)
        return 6;
    if (memcmp(a, b, sizeof a) != 0)
        return 7;
    f = fopen(argv[3], "wb");
    fwrite(a, sizeof a, 1, f);
    return fclose(f);
}
