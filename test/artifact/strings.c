/* Strings through the ABI: inputs are arrays of pointers; an output is one piece of memory that holds its
 * strings also when inputs, workspace and artifact's heap are gone; refused memory leaks nothing. */
#include "greet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int live, refuse_at;

static void *take(void *context, size_t bytes)
{
    (void)context;
    if (refuse_at && --refuse_at == 0)
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

static const mlc_alloc_v1 heap = {NULL, take, give};

static int run(const char *const *names, int64_t n, mlc_result_v1 *text, mlc_result_v1 *number)
{
    mlc_sizes_v1 sizes[greet_SIZES_WORDS];
    int status = greet_bind(&n, sizes);
    if (status != MLC_RUN_OK)
        return status;
    void *workspace = aligned_alloc(64, (size_t)sizes[0] + 64);
    greet_io io = {.alloc = &heap, .sizes = sizes, .names = names, .text = text, .number = number};
    status = greet_run(&io, workspace);
    free(workspace);
    return status;
}

static int fail(const char *what)
{
    printf("FAIL: %s\n", what);
    return 1;
}

int main(void)
{
    mlc_result_v1 text = {0}, number = {0};
    char name[] = "Ada";
    const char *names[3] = {name, NULL, "\xff"};
    if (run(names, 3, &text, &number) != MLC_RUN_OK)
        return fail("run");
    memset(name, 'x', 3);
    const char *const *t = text.data;
    if (text.dim[0] != 3 || strcmp(t[0], "Hello, Ada") || strcmp(t[1], "Hello, ") ||
        strcmp(t[2], "Hello, \xff"))
        return fail("strings");
    for (int i = 0; i < 3; i++)
        if (t[i] < (const char *)text.data ||
            t[i] + strlen(t[i]) >= (const char *)text.data + text.bytes)
            return fail("a string lies outside of the result");
    if (live != 2 || number.dim[0] != 2 || strcmp(*(const char *const *)number.data, "0.5"))
        return fail("numbers, or memory that is not given back");
    give(NULL, text.data);
    give(NULL, number.data);
    for (int k = 1;; k++) { /* every allocation refused once */
        mlc_result_v1 r[2] = {{0}, {0}};
        refuse_at = k;
        int status = run(names, 3, &r[0], &r[1]);
        for (int i = 0; i < 2; i++)
            if (r[i].data)
                give(NULL, r[i].data);
        if (live != 0)
            return fail("memory is lost where an allocation is refused");
        if (status == MLC_RUN_OK)
            break;
        if (status != MLC_RUN_MEMORY)
            return fail("status of a refused allocation");
    }
    puts("strings: in and out of an artifact, also where memory is refused");
    return 0;
}
