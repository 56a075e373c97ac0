/* One LLVM module: types, intrinsics, attributes; then the way out: passes and files. */
#include "codegen/emit/llvm/emit.h"

#include "ir/base/file.h"
#include "ir/base/str.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include <stdlib.h>

static Status failed(Unit *u, const char *what, const char *why)
{
    return diag_error(u->ctx, E0403, (Loc){0}, MLC_BUG, "%s: %s", what, why);
}

/* Only these two: linking all targets in would cost every start. */
static void initialize_target(bool is_arm64)
{
    if (is_arm64) {
        LLVMInitializeAArch64TargetInfo();
        LLVMInitializeAArch64Target();
        LLVMInitializeAArch64TargetMC();
        LLVMInitializeAArch64AsmPrinter();
        LLVMInitializeAArch64AsmParser();
    } else {
        LLVMInitializeX86TargetInfo();
        LLVMInitializeX86Target();
        LLVMInitializeX86TargetMC();
        LLVMInitializeX86AsmPrinter();
        LLVMInitializeX86AsmParser();
    }
}

static LLVMCodeGenOptLevel level(int n)
{
    return n == 0   ? LLVMCodeGenLevelNone
           : n == 1 ? LLVMCodeGenLevelLess
           : n == 2 ? LLVMCodeGenLevelDefault
                    : LLVMCodeGenLevelAggressive;
}

static Status open_machine(Unit *u)
{
    const CodegenOptions *o = u->opt;
    const Variant *least = &o->variant[o->nvariant - 1]; /* functions say more for themselves */
    LLVMTargetRef target;
    char *why = NULL;

    u->is_arm64 = str_starts(o->triple, "aarch64") || str_starts(o->triple, "arm64");
    if (!u->is_arm64 && !str_starts(o->triple, "x86_64"))
        return diag_error(u->ctx, E0401, (Loc){0}, MLC_USAGE,
                          "triple '%s' is neither x86_64 nor "
                          "aarch64",
                          o->triple);
    initialize_target(u->is_arm64);
    if (LLVMGetTargetFromTriple(o->triple, &target, &why)) {
        diag_report(u->ctx, E0401, (Loc){0}, "%s", why);
        LLVMDisposeMessage(why);
        return MLC_SYSTEM;
    }
    u->machine = LLVMCreateTargetMachine(target, o->triple, least->cpu, least->features,
                                         level(o->level), LLVMRelocPIC, LLVMCodeModelDefault);
    return u->machine != NULL ? MLC_OK : failed(u, "target machine", o->triple);
}

/* "x86-avx2" -> "x86_avx2_". */
static const char *infix_of(Unit *u, const Variant *v)
{
    char *s = arena_printf(u->arena, "%s_", v->target_name);

    for (char *p = s; *p != '\0'; p++) {
        if (*p == '-')
            *p = '_';
    }
    return s;
}

void unit_select(Unit *u, int k)
{
    const Variant *v = &u->opt->variant[MAX(k, 0)];
    const char *f = v->features;

    u->variant = v;
    u->program = u->programs[MAX(k, 0)];
    u->infix = k < 0 || u->opt->nvariant == 1 ? "" : infix_of(u, v);
    u->has_avx512 = strstr(f, "+avx512f") != NULL;
    u->has_avx = u->has_avx512 || strstr(f, "+avx") != NULL;
    u->has_f16c = u->is_arm64 || u->has_avx512 || strstr(f, "+f16c") != NULL;
    u->has_fma = u->is_arm64 || u->has_avx512 || strstr(f, "+fma") != NULL;
    u->has_round = u->is_arm64 || u->has_avx || strstr(f, "+sse4") != NULL;
}

Status unit_open(Unit *u)
{
    LLVMTargetDataRef layout;

    TRY(open_machine(u));
    u->cx = LLVMContextCreate();
    u->module = LLVMModuleCreateWithNameInContext(u->opt->prefix, u->cx);
    layout = LLVMCreateTargetDataLayout(u->machine);
    LLVMSetModuleDataLayout(u->module, layout);
    LLVMDisposeTargetData(layout);
    LLVMSetTarget(u->module, u->opt->triple);
    u->b = LLVMCreateBuilderInContext(u->cx);
    u->entry = LLVMCreateBuilderInContext(u->cx);
    u->i1 = LLVMInt1TypeInContext(u->cx);
    u->i8 = LLVMInt8TypeInContext(u->cx);
    u->i16 = LLVMInt16TypeInContext(u->cx);
    u->i32 = LLVMInt32TypeInContext(u->cx);
    u->i64 = LLVMInt64TypeInContext(u->cx);
    u->f32 = LLVMFloatTypeInContext(u->cx);
    u->f64 = LLVMDoubleTypeInContext(u->cx);
    u->ptr = LLVMPointerTypeInContext(u->cx, 0);
    u->none = LLVMVoidTypeInContext(u->cx);
    unit_select(u, -1);
    return MLC_OK;
}

void unit_close(Unit *u)
{
    if (u->b)
        LLVMDisposeBuilder(u->b);
    if (u->entry)
        LLVMDisposeBuilder(u->entry);
    if (u->module)
        LLVMDisposeModule(u->module);
    if (u->cx)
        LLVMContextDispose(u->cx);
    if (u->machine)
        LLVMDisposeTargetMachine(u->machine);
}

LLVMTypeRef unit_memory(const Unit *u, Elem e)
{
    if (e == ELEM_F32)
        return u->f32;
    if (e == ELEM_F64)
        return u->f64;
    switch (elem_bits[e]) {
    case 16:
        return u->i16;
    case 32:
        return u->i32;
    case 64:
        return u->i64;
    default:
        return u->i8; /* sub-byte types: one or the byte that holds them */
    }
}

LLVMTypeRef unit_type(const Unit *u, Elem e)
{
    return e == ELEM_BOOL ? u->i1 : unit_memory(u, e);
}

LLVMValueRef unit_i64(const Unit *u, int64_t v)
{
    return LLVMConstInt(u->i64, (uint64_t)v, true);
}
LLVMValueRef unit_i32(const Unit *u, int64_t v)
{
    return LLVMConstInt(u->i32, (uint64_t)(uint32_t)v, false);
}

LLVMValueRef unit_intrinsic(Unit *u, const char *name, LLVMTypeRef *types, size_t n)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));

    assert(id != 0);
    return LLVMGetIntrinsicDeclaration(u->module, id, types, n);
}

LLVMValueRef unit_call(Unit *u, LLVMBuilderRef b, const char *name, LLVMTypeRef *types, size_t nt,
                       LLVMValueRef *args, unsigned n)
{
    LLVMValueRef fn = unit_intrinsic(u, name, types, nt);

    return LLVMBuildCall2(b, LLVMGlobalGetValueType(fn), fn, args, n, "");
}

void unit_attr(Unit *u, LLVMValueRef fn, unsigned at, const char *name, uint64_t v)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

    LLVMAddAttributeAtIndex(fn, at, LLVMCreateEnumAttribute(u->cx, kind, v));
}

static void attr_text(Unit *u, LLVMValueRef fn, const char *name, const char *value)
{
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(u->cx, name, (unsigned)strlen(name), value,
                                                      (unsigned)strlen(value)));
}

void unit_attributes(Unit *u, LLVMValueRef fn)
{
    attr_text(u, fn, "target-cpu", u->variant->cpu);
    attr_text(u, fn, "target-features", u->variant->features);
    if (*u->infix != '\0')
        LLVMSetSection(fn, arena_printf(u->arena, ".text.%s", u->variant->target_name));
    unit_attr(u, fn, (unsigned)LLVMAttributeFunctionIndex, "nounwind", 0);
}

void unit_baseline(Unit *u, LLVMValueRef fn)
{
    attr_text(u, fn, "target-cpu", u->is_arm64 ? "generic" : "x86-64");
    attr_text(u, fn, "target-features", u->is_arm64 ? "+neon" : "+sse2");
}

/* ---- the way out ---- */

/* Kernels are already in the shape that they shall have: no vectorizing of loops that a schedule
 * left scalar for a reason, little unrolling. Registers of kernels become SSA in the first sroa,
 * which needs to see constant addresses: hence instcombine only after it. */
static const char *const passes[] = {
    "default<O0>",
    "function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg),globaldce",
    "cgscc(inline),"
    "function(sroa<modify-cfg>,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,"
    "loop-simplify,lcssa,loop-mssa(licm<allowspeculation>),early-cse<memssa>,gvn,"
    "instcombine<no-verify-fixpoint>,loop-mssa(loop-rotate,licm<allowspeculation>),"
    "loop(loop-idiom,indvars,loop-deletion),infer-alignment,dse,adce,"
    "simplifycfg<bonus-inst-threshold=1;forward-switch-cond;switch-range-to-icmp;"
    "switch-to-lookup;no-keep-loops;hoist-common-insts;sink-common-insts>,"
    "instcombine<no-verify-fixpoint>),globaldce",
};

static Status verify(Unit *u)
{
    char *why = NULL;
    Status st = MLC_OK;

    if (LLVMVerifyModule(u->module, LLVMReturnStatusAction, &why))
        st = failed(u, "invalid LLVM IR", why);
    LLVMDisposeMessage(why);
    return st;
}

Status unit_optimize(Unit *u)
{
    LLVMPassBuilderOptionsRef opt;
    LLVMErrorRef error;

    TRY(verify(u));
    opt = LLVMCreatePassBuilderOptions();
    error = LLVMRunPasses(u->module, passes[MIN(u->opt->level, 2)], u->machine, opt);
    LLVMDisposePassBuilderOptions(opt);
    if (error != NULL) {
        char *why = LLVMGetErrorMessage(error);
        Status st = failed(u, "passes", why);

        LLVMDisposeErrorMessage(why);
        return st;
    }
    return MLC_OK;
}

static Status machine_code(Unit *u, LLVMMemoryBufferRef *out)
{
    char *why = NULL;

    if (LLVMTargetMachineEmitToMemoryBuffer(
            u->machine, u->module, u->opt->kind == EMIT_OBJ ? LLVMObjectFile : LLVMAssemblyFile,
            &why, out)) {
        Status st = failed(u, "emission", why);

        LLVMDisposeMessage(why);
        return st;
    }
    return MLC_OK;
}

/* The text or bytes of the output, handed to `out`. */
static Status write_to(Unit *u, FileOut *out)
{
    LLVMMemoryBufferRef buffer;
    Status st;

    if (u->opt->kind == EMIT_LLVM_IR) {
        char *text = LLVMPrintModuleToString(u->module);

        st = file_out_write(u->ctx, out, text, strlen(text));
        LLVMDisposeMessage(text);
        return st;
    }
    if (u->opt->kind == EMIT_BC)
        buffer = LLVMWriteBitcodeToMemoryBuffer(u->module);
    else
        TRY(machine_code(u, &buffer));
    st = file_out_write(u->ctx, out, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
    LLVMDisposeMemoryBuffer(buffer);
    return st;
}

Status unit_write(Unit *u)
{
    FileOut out;

    TRY(file_out_open(u->ctx, u->opt->output, &out));
    Status st = write_to(u, &out);
    if (st == MLC_OK)
        return file_out_commit(u->ctx, &out);
    file_out_abort(&out);
    return st;
}
