/* mlc-runner-jit OBJECT SYMBOL DIR: loads an object file through LLVM's LLJIT and serves it
 * (serve.h). For machines without a linker; what the object does not define comes from this
 * process: the C library. */
#include "codegen/run/serve.h"

#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Target.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Prints the message of `e` as the answer. */
static int refuse(LLVMErrorRef e)
{
    char *text = LLVMGetErrorMessage(e);
    for (char *p = text; *p; p++)
        if (*p == '\n')
            *p = ' ';
    int code = serve_refuse("%s", text);
    LLVMDisposeErrorMessage(text);
    return code;
}

static LLVMErrorRef load(LLVMOrcLLJITRef jit, const char *path)
{
    LLVMMemoryBufferRef object;
    LLVMOrcJITDylibRef  lib = LLVMOrcLLJITGetMainJITDylib(jit);
    char               *text = NULL;
    if (LLVMCreateMemoryBufferWithContentsOfFile(path, &object, &text))
        return LLVMCreateStringError(text);
    LLVMErrorRef e = LLVMOrcLLJITAddObjectFile(jit, lib, object);
    if (e)
        return e;
    LLVMOrcDefinitionGeneratorRef process;
    e = LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
        &process, LLVMOrcLLJITGetGlobalPrefix(jit), NULL, NULL);
    if (!e)
        LLVMOrcJITDylibAddGenerator(lib, process);
    return e;
}

static int print_version(void)
{
    unsigned major, minor, patch;
    LLVMGetVersion(&major, &minor, &patch);
    return printf("mlc-runner-jit %s, LLVM %u.%u.%u\n", MLC_VERSION, major, minor, patch) < 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return print_version();
    if (argc != 4) {
        fprintf(stderr, "usage: mlc-runner-jit OBJECT SYMBOL DIR\n");
        return 2;
    }
    serve_die_with_parent();
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
    int64_t         start = serve_clock_ns();
    LLVMOrcLLJITRef jit;
    LLVMErrorRef    e = LLVMOrcCreateLLJIT(&jit, NULL);
    if (e || (e = load(jit, argv[1])))
        return refuse(e);
    LLVMOrcExecutorAddress model = 0, pool = 0;
    if ((e = LLVMOrcLLJITLookup(jit, &model, argv[2])))
        return refuse(e);
    if ((e = LLVMOrcLLJITLookup(jit, &pool, "mlc_pool_v1")))
        LLVMConsumeError(e);
    int code = serve((const mlc_model_v1 *)(uintptr_t)model, (PoolFn)(uintptr_t)pool, argv[3],
                     serve_clock_ns() - start);
    /* The workers of the pool still run code of the JIT: leave without unloading it. */
    fflush(stdout);
    _exit(code);
}
