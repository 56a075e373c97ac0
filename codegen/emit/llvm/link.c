/* The runtime inside the artifact: its bitcode is linked into the module, and everything that is
 * not public becomes internal, so that an artifact's only names are PREFIX_* and the weak pool. */
#include "codegen/emit/llvm/emit.h"

#include "ir/base/str.h"

#include <llvm-c/BitReader.h>
#include <llvm-c/Linker.h>

extern const unsigned char mlc_runtime_x86_64_bc[], mlc_runtime_aarch64_bc[];
extern const size_t mlc_runtime_x86_64_bc_size, mlc_runtime_aarch64_bc_size;

static bool is_public(Unit *u, const char *name)
{
    size_t n = strlen(u->opt->prefix);

    if (str_eq(name, "mlc_pool_v1"))
        return true;
    return strncmp(name, u->opt->prefix, n) == 0 &&
           (str_eq(name + n, "_model") || str_eq(name + n, "_bind") || str_eq(name + n, "_run") ||
            str_eq(name + n, "_load_weights"));
}

static void make_internal(Unit *u, LLVMValueRef v)
{
    LLVMLinkage linkage = LLVMGetLinkage(v);
    size_t n;

    if (linkage == LLVMPrivateLinkage || linkage == LLVMInternalLinkage ||
        linkage == LLVMAppendingLinkage)
        return;
    if (!LLVMIsDeclaration(v) && !is_public(u, LLVMGetValueName2(v, &n)))
        LLVMSetLinkage(v, LLVMInternalLinkage);
}

/* The runtime keeps the baseline features that clang gave it: what checks the CPU must run on any,
 * and the pool may serve artifacts for other CPUs. */
Status unit_link_runtime(Unit *u)
{
    const unsigned char *at = u->is_arm64 ? mlc_runtime_aarch64_bc : mlc_runtime_x86_64_bc;
    size_t size = u->is_arm64 ? mlc_runtime_aarch64_bc_size : mlc_runtime_x86_64_bc_size;
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRange((const char *)at, size, "runtime", true);
    LLVMModuleRef runtime;
    bool bad = LLVMParseBitcodeInContext2(u->cx, buffer, &runtime);

    LLVMDisposeMemoryBuffer(buffer);
    if (!bad) {
        LLVMSetDataLayout(runtime, LLVMGetDataLayoutStr(u->module));
        LLVMSetTarget(runtime, u->opt->triple);
        bad = LLVMLinkModules2(u->module, runtime);
    }
    if (bad)
        return diag_error(u->ctx, E0403, (Loc){0}, MLC_BUG, "the runtime's bitcode does not link");
    for (LLVMValueRef f = LLVMGetFirstFunction(u->module); f != NULL; f = LLVMGetNextFunction(f))
        make_internal(u, f);
    for (LLVMValueRef g = LLVMGetFirstGlobal(u->module); g != NULL; g = LLVMGetNextGlobal(g))
        make_internal(u, g);
    return MLC_OK;
}
