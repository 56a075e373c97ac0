/* An artifact with its weights in a file: `prog FILE OTHER...` wants MLC_RUN_MISMATCH of every
 * OTHER, then runs with FILE and prints the outputs. */
#include "model.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static float image[784], logits[10];
static _Alignas(64) char workspace[model_WORKSPACE_BYTES];
static const char *file;

static int run(void)
{
    model_io io = {image, logits};

    return model_run(&io, workspace);
}

static void *load(void *status)
{
    *(int *)status = model_load_weights(file);
    return NULL;
}

/* Several threads at once: all succeed, one mapping stays. */
static int load_together(void)
{
    enum { THREADS = 8 };
    pthread_t thread[THREADS];
    int status[THREADS], worst = 0;

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, load, &status[i]) != 0)
            return -1;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        worst = status[i] > worst ? status[i] : worst;
    }
    return worst;
}

static int mappings(void)
{
    char line[4096];
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "r");

    while (f && fgets(line, sizeof line, f))
        n += strstr(line, file) != NULL;
    if (f)
        fclose(f);
    return n;
}

int main(int argc, char **argv)
{
    mlc_sizes_v1 sizes[model_SIZES_WORDS];

    if (argc < 2)
        return 2;
    file = argv[1];
    for (int i = 0; i < 784; i++)
        image[i] = (float)(i * 7 % 255);
    if (model_model.load_weights != model_load_weights)
        return 3;
    if (model_bind(NULL, sizes) != MLC_RUN_OK || run() != MLC_RUN_WEIGHTS)
        return 4;
    if (model_load_weights("/nonexistent") != MLC_RUN_WEIGHTS || model_load_weights("/") != MLC_RUN_WEIGHTS)
        return 5;
    for (int i = 2; i < argc; i++)
        if (model_load_weights(argv[i]) != MLC_RUN_MISMATCH || run() != MLC_RUN_WEIGHTS) {
            printf("%s is not refused\n", argv[i]);
            return 6;
        }
    if (load_together() != MLC_RUN_OK || mappings() != 1 || run() != MLC_RUN_OK)
        return 7;
    if (model_load_weights(NULL) != MLC_RUN_OK || mappings() != 0 || run() != MLC_RUN_WEIGHTS)
        return 8;
    if (model_load_weights(NULL) != MLC_RUN_OK || model_load_weights(file) != MLC_RUN_OK || run() != MLC_RUN_OK ||
        model_load_weights("/nonexistent") != MLC_RUN_OK)
        return 9;
    for (int i = 0; i < 10; i++)
        printf("%a\n", (double)logits[i]);
    return 0;
}
