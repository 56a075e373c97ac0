/* RUNNER DIR: the runner with its artifact linked in, for machines that an emulator plays. A line of
 * C beside the artifact sets mlc_linked_model to PREFIX_model (launch.c writes it). */
#include "codegen/run/serve.h"

#include <stdio.h>

extern const mlc_model_v1 *const mlc_linked_model;

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    serve_die_with_parent();
    return serve(mlc_linked_model, mlc_pool_v1, argv[1], 0);
}
