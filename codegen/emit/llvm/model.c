/* What a caller sees: P_model, P_bind, P_run, and the constants for the runtime behind them.
 * The structures are those of runtime/mlc_abi.h and runtime/rt.h, field by field. */
#include "codegen/emit/llvm/emit.h"

#include "runtime/rt.h"

static LLVMValueRef struct_of(Unit *u, LLVMValueRef *fields, unsigned n)
{
    return LLVMConstStructInContext(u->cx, fields, n, false);
}

static LLVMValueRef text(Unit *u, const char *s)
{
    LLVMValueRef g =
        LLVMAddGlobal(u->module, LLVMArrayType2(u->i8, strlen(s) + 1), unit_name(u, "text"));

    LLVMSetInitializer(g, LLVMConstStringInContext(u->cx, s, (unsigned)strlen(s), false));
    LLVMSetGlobalConstant(g, true);
    LLVMSetLinkage(g, LLVMPrivateLinkage);
    LLVMSetUnnamedAddress(g, LLVMGlobalUnnamedAddr);
    LLVMSetAlignment(g, 1);
    return g;
}

/* A constant array; NULL when it is empty. */
static LLVMValueRef array(Unit *u, const char *suffix, LLVMTypeRef t, LLVMValueRef *at, size_t n)
{
    return n == 0 ? LLVMConstNull(u->ptr) : unit_global(u, suffix, LLVMConstArray2(t, at, n), true);
}

static LLVMValueRef io_table(Unit *u, const char *suffix, const ProgramIo *io, size_t n)
{
    LLVMValueRef *at = NEW_ARRAY(u->arena, LLVMValueRef, n), f[4], dim[MAX_RANK];

    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < io[i].rank; k++) {
            int64_t d = -1;

            ex_is_int(io[i].dim[k], &d);
            dim[k] = unit_i64(u, d);
        }
        f[0] = text(u, io[i].name);
        f[1] = unit_i32(u, elem_to_onnx(io[i].elem));
        f[2] = unit_i32(u, io[i].rank);
        f[3] = array(u, "dim", u->i64, dim, (size_t)io[i].rank);
        at[i] = struct_of(u, f, 4);
    }
    return n == 0 ? LLVMConstNull(u->ptr) : array(u, suffix, LLVMTypeOf(at[0]), at, n);
}

static LLVMValueRef symbol_table(Unit *u)
{
    const Program *p = u->program;
    int n = ex_sym_count(p->pool);
    LLVMValueRef *at = NEW_ARRAY(u->arena, LLVMValueRef, n), f[5];

    for (int s = 0; s < n; s++) {
        int input = -1, axis = -1;

        for (size_t i = 0; i < p->inputs.len && input < 0; i++) {
            for (int k = 0; k < p->inputs.at[i].rank && input < 0; k++) {
                if (p->inputs.at[i].dim[k] == ex_sym_at(p->pool, s)) {
                    input = (int)i;
                    axis = k;
                }
            }
        }
        f[0] = text(u, ex_sym_name(p->pool, s));
        f[1] = unit_i64(u, ex_sym_min(p->pool, s));
        f[2] = unit_i64(u, ex_sym_max(p->pool, s));
        f[3] = unit_i32(u, input);
        f[4] = unit_i32(u, axis);
        at[s] = struct_of(u, f, 5);
    }
    return n == 0 ? LLVMConstNull(u->ptr) : array(u, "symbols", LLVMTypeOf(at[0]), at, (size_t)n);
}

/* ---- void P_eval(const int64_t *sym, int64_t *out) ---- */

static void put_size(Unit *u, LLVMValueRef fn, Ex e, int64_t *at)
{
    LLVMValueRef overflow, v = emit_size(u, e, LLVMGetParam(fn, 0), &overflow);
    LLVMValueRef index = unit_i64(u, (*at)++), to;

    v = LLVMBuildSelect(u->b, overflow, unit_i64(u, -1), v, "");
    to = LLVMBuildInBoundsGEP2(u->b, u->i64, LLVMGetParam(fn, 1), &index, 1, "");
    LLVMBuildStore(u->b, v, to);
}

static LLVMValueRef emit_eval(Unit *u, int64_t *ndim)
{
    const Program *p = u->program;
    LLVMTypeRef types[2] = {u->ptr, u->ptr};
    LLVMValueRef fn = LLVMAddFunction(u->module, unit_name(u, "eval"),
                                      LLVMFunctionType(u->none, types, 2, false));
    int64_t at = 0;

    LLVMSetLinkage(fn, LLVMInternalLinkage);
    unit_baseline(u, fn);
    LLVMPositionBuilderAtEnd(u->b, LLVMAppendBasicBlockInContext(u->cx, fn, "entry"));
    for (size_t i = 0; i < p->inputs.len + p->outputs.len; i++) {
        const ProgramIo *io =
            i < p->inputs.len ? &p->inputs.at[i] : &p->outputs.at[i - p->inputs.len];

        for (int k = 0; k < io->rank; k++)
            put_size(u, fn, io->dim[k], &at);
    }
    *ndim = at;
    for (size_t i = 0; i < p->mem.len; i++) {
        if (p->mem.at[i]->space == SPACE_TEMP)
            put_size(u, fn, p->mem.at[i]->size_bytes, &at);
    }
    LLVMBuildRetVoid(u->b);
    return fn;
}

/* ---- the runtime's constants ---- */

static int64_t plan_tables(Unit *u, LLVMValueRef *first, LLVMValueRef *last, LLVMValueRef *offset)
{
    const Program *p = u->program;
    LLVMValueRef *at[3];
    size_t n = 0;
    bool is_static = ex_sym_count(p->pool) == 0;

    for (int i = 0; i < 3; i++)
        at[i] = NEW_ARRAY(u->arena, LLVMValueRef, p->mem.len);
    for (size_t i = 0; i < p->mem.len; i++) {
        const MemObj *o = p->mem.at[i];

        if (o->space != SPACE_TEMP)
            continue;
        at[0][n] = unit_i32(u, o->first);
        at[1][n] = unit_i32(u, o->last);
        at[2][n++] = unit_i64(u, o->offset);
    }
    *first = array(u, "first", u->i32, at[0], n);
    *last = array(u, "last", u->i32, at[1], n);
    *offset = is_static ? array(u, "offset", u->i64, at[2], n) : LLVMConstNull(u->ptr);
    return (int64_t)n;
}

/* int P_suffix(a, b) = runtime(&P_rt, a, b) */
static LLVMValueRef entry_point(Unit *u, const char *suffix, const char *runtime, LLVMValueRef rt)
{
    LLVMTypeRef types[3] = {u->ptr, u->ptr, u->ptr};
    LLVMTypeRef inner = LLVMFunctionType(u->i32, types, 3, false);
    LLVMValueRef callee = LLVMAddFunction(u->module, runtime, inner), args[3];
    LLVMValueRef fn =
        LLVMAddFunction(u->module, unit_name(u, suffix), LLVMFunctionType(u->i32, types, 2, false));

    unit_baseline(u, fn);
    LLVMPositionBuilderAtEnd(u->b, LLVMAppendBasicBlockInContext(u->cx, fn, "entry"));
    args[0] = rt;
    args[1] = LLVMGetParam(fn, 0);
    args[2] = LLVMGetParam(fn, 1);
    LLVMBuildRet(u->b, LLVMBuildCall2(u->b, inner, callee, args, 3, ""));
    return fn;
}

static LLVMValueRef rt_constants(Unit *u, LLVMValueRef model, LLVMValueRef eval, int64_t ndim,
                                 LLVMValueRef exec, int64_t *ntemp)
{
    LLVMValueRef f[10];

    f[0] = model;
    *ntemp = plan_tables(u, &f[5], &f[6], &f[7]);
    f[1] = unit_i32(u, *ntemp);
    f[2] = unit_i32(u, ndim);
    f[3] = unit_i32(u, u->opt->cpu_bits);
    f[4] = unit_i32(u, u->opt->threads);
    f[8] = eval;
    f[9] = exec;
    return unit_global(u, "rt", struct_of(u, f, 10), true);
}

void emit_model(Unit *u, LLVMValueRef exec)
{
    const Program *p = u->program;
    int nsym = ex_sym_count(p->pool);
    int64_t ndim, ntemp;
    LLVMTypeRef types[16];
    LLVMValueRef f[16], model, rt, eval = emit_eval(u, &ndim);
    LLVMTypeRef shape;

    for (int i = 0; i < 16; i++)
        types[i] = i < 2 || (i >= 6 && i < 10) ? u->i32 : i == 13 ? u->i64 : u->ptr;
    shape = LLVMStructTypeInContext(u->cx, types, 16, false);
    model = LLVMAddGlobal(u->module, shape, unit_name(u, "model"));
    rt = rt_constants(u, model, eval, ndim, exec, &ntemp);
    f[0] = unit_i32(u, 1);
    f[1] = unit_i32(u, (int64_t)sizeof(mlc_model_v1));
    f[2] = text(u, p->name);
    f[3] = text(u, u->opt->target_name);
    f[4] = text(u, MLC_VERSION);
    f[5] = text(u, u->opt->sha256);
    f[6] = unit_i32(u, (int64_t)p->inputs.len);
    f[7] = unit_i32(u, (int64_t)p->outputs.len);
    f[8] = unit_i32(u, nsym);
    f[9] = unit_i32(u, MLC_RT_SIZES_WORDS(nsym, ndim, ntemp));
    f[10] = io_table(u, "inputs", p->inputs.at, p->inputs.len);
    f[11] = io_table(u, "outputs", p->outputs.at, p->outputs.len);
    f[12] = symbol_table(u);
    f[13] = unit_i64(u, nsym > 0 ? -1 : p->workspace_bytes);
    f[14] = entry_point(u, "bind", "mlc_rt_bind", rt);
    f[15] = entry_point(u, "run", "mlc_rt_run_model", rt);
    LLVMSetInitializer(model, struct_of(u, f, 16));
    LLVMSetGlobalConstant(model, true);
}
