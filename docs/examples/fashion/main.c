/* Classifies Debian's 10,000 Fashion-MNIST test images with the compiled model and prints accuracy
 * and latency. Everything needed from mlc is fashion.h and fashion.o.
 *
 *     mlc optimize fashion.onnx -t host -o fashion
 *     cc -O2 main.c fashion.o -lz -lm -lpthread -o demo && ./demo /usr/share/datasets/fashion-mnist
 *
 * (zlib reads the data set; the model itself needs libc, libm and libpthread.) */
#include "fashion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { IMAGES = 10000, PIXELS = 28 * 28, CLASSES = 10, BATCH = 64 };

/* An idx file: big-endian header, then bytes. Returns `size` bytes after a header of `skip`. */
static unsigned char *read_idx(const char *dir, const char *name, size_t skip, size_t size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    unsigned char *data = malloc(skip + size);
    gzFile f = gzopen(path, "rb");
    if (!data || !f || gzread(f, data, (unsigned)(skip + size)) != (int)(skip + size)) {
        fprintf(stderr, "demo: cannot read %s (package dataset-fashion-mnist)\n", path);
        exit(4);
    }
    gzclose(f);
    memmove(data, data + skip, size);
    return data;
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A model bound to one batch size, with its workspace. */
typedef struct Bound {
    mlc_sizes_v1 sizes[fashion_SIZES_WORDS];
    void        *workspace;
} Bound;

static void bind(Bound *b, int64_t batch)
{
    int status = fashion_bind(&batch, b->sizes);
    b->workspace = status == MLC_RUN_OK ? aligned_alloc(64, (size_t)(b->sizes[0] + 63) / 64 * 64 + 64) : NULL;
    if (!b->workspace) {
        fprintf(stderr, "demo: cannot bind batch %lld (status %d)\n", (long long)batch, status);
        exit(4);
    }
}

static void run(const Bound *b, const float *image, float *logits)
{
    fashion_io io = {.sizes = b->sizes, .image = image, .logits = logits};
    int status = fashion_run(&io, b->workspace);
    if (status != MLC_RUN_OK) {
        fprintf(stderr, "demo: run failed with status %d\n", status);
        exit(4);
    }
}

static int arg_max(const float *v)
{
    int best = 0;
    for (int i = 1; i < CLASSES; i++)
        best = v[i] > v[best] ? i : best;
    return best;
}

int main(int argc, char **argv)
{
    const char *dir = argc > 1 ? argv[1] : "/usr/share/datasets/fashion-mnist";
    unsigned char *pixels = read_idx(dir, "t10k-images-idx3-ubyte.gz", 16, (size_t)IMAGES * PIXELS);
    unsigned char *labels = read_idx(dir, "t10k-labels-idx1-ubyte.gz", 8, IMAGES);
    static float images[IMAGES * PIXELS], logits[IMAGES][CLASSES], one[CLASSES];
    static double us[IMAGES];
    for (size_t i = 0; i < (size_t)IMAGES * PIXELS; i++)
        images[i] = pixels[i];

    Bound single, batch;
    bind(&single, 1);
    bind(&batch, BATCH);
    int right = 0, same = 0;
    for (int i = 0; i < IMAGES; i++) {
        double start = now_us();
        run(&single, images + i * PIXELS, logits[i]);
        us[i] = now_us() - start;
        right += arg_max(logits[i]) == labels[i];
    }
    qsort(us, IMAGES, sizeof *us, ascending);

    double start = now_us();
    static float many[BATCH][CLASSES];
    int done = 0;
    for (; done + BATCH <= IMAGES; done += BATCH) {
        run(&batch, images + done * PIXELS, many[0]);
        same += memcmp(many, logits[done], sizeof many) == 0;
    }
    double per_image = (now_us() - start) / done;
    run(&single, images, one);

    printf("accuracy    %.2f %% of %d test images\n", 100.0 * right / IMAGES, IMAGES);
    printf("latency     median %.1f us, p90 %.1f us, p99 %.1f us (one image a run)\n", us[IMAGES / 2],
           us[IMAGES * 9 / 10], us[IMAGES * 99 / 100]);
    printf("throughput  %.0f images/s (batches of %d; %d of %d give the bits of the single runs)\n",
           1e6 / per_image, BATCH, same, done / BATCH);
    printf("workspace   %lld bytes\n", (long long)single.sizes[0]);
    return memcmp(one, logits[0], sizeof one) == 0 ? 0 : 1;
}
