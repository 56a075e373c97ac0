/* mlc-runner SHARED-OBJECT SYMBOL DIR: loads an artifact and serves it (serve.h).
 *
 * Its own program, so that a defect of the artifact ends this process and not mlc, and so that its
 * memory is the model's. SYMBOL is the descriptor, PREFIX_model. */
#include "codegen/run/serve.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("mlc-runner " MLC_VERSION) < 0;
    if (argc != 4) {
        fprintf(stderr, "usage: mlc-runner SHARED-OBJECT SYMBOL DIR\n");
        return 2;
    }
    serve_die_with_parent();
    int64_t start = serve_clock_ns();
    void   *lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!lib)
        return serve_refuse("%s", dlerror());
    const mlc_model_v1 *model = dlsym(lib, argv[2]);
    if (!model)
        return serve_refuse("%s has no symbol %s", argv[1], argv[2]);
    PoolFn pool;
    *(void **)&pool = dlsym(lib, "mlc_pool_v1");
    int code = serve(model, pool, argv[3], serve_clock_ns() - start);
    dlclose(lib);
    return code;
}
