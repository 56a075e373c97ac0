/* Runs flow.o with an allocator that counts and, in turn, refuses each request. */
#include "flow.h"

#include <stdio.h>
#include <stdlib.h>

static int live, requests, refuse;

static void *take(void *context, size_t bytes)
{
    (void)context;
    if (++requests == refuse)
        return NULL;
    live++;
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void give(void *context, void *data)
{
    (void)context;
    live--;
    free(data);
}

static int once(mlc_result_v1 *y, mlc_result_v1 *each)
{
    static const float x[3] = {1, 2, 3};
    static const int64_t count = 2, shape[2] = {6, 2}, n = 3;
    static _Alignas(64) unsigned char workspace[4096];
    mlc_alloc_v1 heap = {NULL, take, give};
    mlc_sizes_v1 sizes[flow_SIZES_WORDS];
    flow_io io = {&heap, sizes, x, &count, shape, y, each};
    if (flow_bind(&n, sizes) != MLC_RUN_OK || sizes[0] > (int64_t)sizeof workspace)
        return -1;
    requests = 0;
    return flow_run(&io, workspace);
}

int main(void)
{
    mlc_result_v1 y = {0}, each = {0};
    int code = once(&y, &each), all = requests;
    printf("%d: y[%d,%d] of %d bytes, y[1] = %g, each[1] = %g, %d live\n", code, (int)y.dim[0],
           (int)y.dim[1], (int)y.bytes, ((float *)y.data)[1], ((float *)each.data)[1], live);
    give(NULL, y.data);
    give(NULL, each.data);
    for (refuse = 1; refuse <= all; refuse++) {
        mlc_result_v1 none[2] = {{0}, {0}};
        code = once(&none[0], &none[1]);
        if (code != MLC_RUN_MEMORY || live != 0)
            printf("request %d refused: %d, %d live\n", refuse, code, live);
    }
    printf("%s requests refused in turn\n", all > 3 ? "more than 3" : "few");
    return 0;
}
