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

/* Does bind() give it its place in the workspace? */
static bool is_planned(const Program *p, const MemObj *o)
{
    return o->space == SPACE_TEMP && !memobj_is_dynamic(p, o);
}

static LLVMValueRef io_table(Unit *u, const char *suffix, const ProgramIo *io, size_t n)
{
    LLVMValueRef *at = NEW_ARRAY(u->arena, LLVMValueRef, n), f[4], dim[MAX_RANK];

    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < io[i].rank; k++) {
            int64_t d = ex_is_run_time(u->program->pool, io[i].dim[k]) ? MLC_DIM_FOUND : -1;

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
    int n = ex_sym_bound_count(p->pool);
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
    LLVMValueRef overflow, v, index = unit_i64(u, (*at)++), to;

    if (ex_is_run_time(u->program->pool, e)) {
        v = unit_i64(u, MLC_DIM_FOUND);
    } else {
        v = emit_size(u, e, LLVMGetParam(fn, 0), &overflow);
        v = LLVMBuildSelect(u->b, overflow, unit_i64(u, -1), v, "");
    }
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
        if (is_planned(p, p->mem.at[i]))
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
    bool is_static = ex_sym_bound_count(p->pool) == 0;

    for (int i = 0; i < 3; i++)
        at[i] = NEW_ARRAY(u->arena, LLVMValueRef, p->mem.len);
    for (size_t i = 0; i < p->mem.len; i++) {
        const MemObj *o = p->mem.at[i];

        if (!is_planned(p, o))
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

LLVMValueRef emit_rt_model(Unit *u, LLVMValueRef model, LLVMValueRef exec, LLVMValueRef next)
{
    LLVMValueRef f[13];
    int64_t ndim;

    f[0] = model;
    f[8] = emit_eval(u, &ndim);
    f[1] = unit_i32(u, plan_tables(u, &f[5], &f[6], &f[7]));
    f[2] = unit_i32(u, ndim);
    f[3] = unit_i32(u, u->variant->cpu_bits);
    f[4] = unit_i32(u, u->opt->threads);
    f[9] = exec;
    f[10] = text(u, u->variant->target_name);
    f[11] = next;
    f[12] = u->opt->weights_identity != NULL ? u->weights : LLVMConstNull(u->ptr);
    return unit_global(u, "rt", struct_of(u, f, 13), true);
}

/* ---- what a caller sees ---- */

/* result P_suffix(a, b) = runtime(first, a, b), with `nargs` arguments of the caller */
static LLVMValueRef entry_point(Unit *u, const char *suffix, const char *runtime, LLVMValueRef first,
                                LLVMTypeRef result, unsigned nargs)
{
    LLVMTypeRef types[3] = {u->ptr, u->ptr, u->ptr};
    LLVMTypeRef inner = LLVMFunctionType(result, types, 1 + nargs, false);
    LLVMValueRef callee = LLVMAddFunction(u->module, runtime, inner), args[3];
    LLVMValueRef fn =
        LLVMAddFunction(u->module, unit_name(u, suffix), LLVMFunctionType(result, types, nargs, false));

    unit_baseline(u, fn);
    LLVMPositionBuilderAtEnd(u->b, LLVMAppendBasicBlockInContext(u->cx, fn, "entry"));
    args[0] = first;
    for (unsigned i = 0; i < nargs; i++)
        args[1 + i] = LLVMGetParam(fn, i);
    LLVMBuildRet(u->b, LLVMBuildCall2(u->b, inner, callee, args, 1 + nargs, ""));
    return fn;
}

/* Those of mlc_model_v1; a profiled one has two more. */
enum { MODEL_FIELDS = 20, PROFILED_FIELDS = MODEL_FIELDS + 2 };

static unsigned model_fields(const Unit *u)
{
    return u->opt->profile ? PROFILED_FIELDS : MODEL_FIELDS;
}

LLVMValueRef declare_model(Unit *u)
{
    LLVMTypeRef types[PROFILED_FIELDS];

    for (int i = 0; i < PROFILED_FIELDS; i++)
        types[i] = i < 2 || (i >= 6 && i < 10) || i == 18 || i == 19 ? u->i32
                   : i == 13 || i == 21                                    ? u->i64
                                                                           : u->ptr;
    return LLVMAddGlobal(u->module, LLVMStructTypeInContext(u->cx, types, model_fields(u), false),
                         unit_name(u, "model"));
}

/* "x86-avx512,x86-avx2". */
static const char *target_names(Unit *u)
{
    const char *all = u->opt->variant[0].target_name;

    for (int k = 1; k < u->opt->nvariant; k++)
        all = arena_printf(u->arena, "%s,%s", all, u->opt->variant[k].target_name);
    return all;
}

/* What every variant fits in: words of the sizes, bytes of the workspace (-1: symbols decide). */
static int64_t most_words(Unit *u)
{
    int64_t most = 0;

    for (int k = 0; k < u->opt->nvariant; k++) {
        const Program *p = u->programs[k];
        int64_t ndim = 0, ntemp = 0;

        for (size_t i = 0; i < p->inputs.len; i++)
            ndim += p->inputs.at[i].rank;
        for (size_t i = 0; i < p->outputs.len; i++)
            ndim += p->outputs.at[i].rank;
        for (size_t i = 0; i < p->mem.len; i++)
            ntemp += is_planned(p, p->mem.at[i]);
        most = MAX(most, MLC_RT_SIZES_WORDS(ex_sym_bound_count(p->pool), ndim, ntemp));
    }
    return most;
}

static int64_t most_workspace(Unit *u)
{
    int64_t most = -1;

    for (int k = 0; k < u->opt->nvariant; k++)
        most = MAX(most, u->programs[k]->workspace_bytes);
    return ex_sym_bound_count(u->program->pool) > 0 ? -1 : most;
}

static bool allocates(Unit *u)
{
    for (int k = 0; k < u->opt->nvariant; k++)
        if (program_allocates(u->programs[k]))
            return true;
    return false;
}

void emit_model(Unit *u, LLVMValueRef model, LLVMValueRef rt)
{
    const Program *p = u->program;
    LLVMValueRef f[PROFILED_FIELDS];

    f[0] = unit_i32(u, 1);
    f[1] = unit_i32(u, u->opt->profile ? (int64_t)sizeof(mlc_rt_profiled)
                                       : (int64_t)sizeof(mlc_model_v1));
    f[2] = text(u, p->name);
    f[3] = text(u, target_names(u));
    f[4] = text(u, MLC_VERSION);
    f[5] = text(u, u->opt->sha256);
    f[6] = unit_i32(u, (int64_t)p->inputs.len);
    f[7] = unit_i32(u, (int64_t)p->outputs.len);
    f[8] = unit_i32(u, ex_sym_bound_count(p->pool));
    f[9] = unit_i32(u, most_words(u));
    f[10] = io_table(u, "inputs", p->inputs.at, p->inputs.len);
    f[11] = io_table(u, "outputs", p->outputs.at, p->outputs.len);
    f[12] = symbol_table(u);
    f[13] = unit_i64(u, most_workspace(u));
    f[14] = entry_point(u, "bind", "mlc_rt_bind", rt, u->i32, 2);
    f[15] = entry_point(u, "run", "mlc_rt_run_model", rt, u->i32, 2);
    f[16] = entry_point(u, "selected", "mlc_rt_selected", rt, u->ptr, 0);
    f[17] = u->opt->weights_identity != NULL
                ? entry_point(u, "load_weights", "mlc_rt_load_weights", u->weights, u->i32, 1)
                : LLVMConstNull(u->ptr);
    f[18] = unit_i32(u, allocates(u));
    f[19] = unit_i32(u, 0);
    f[20] = u->stamps;
    f[21] = unit_i64(u, u->nstamp);
    LLVMSetInitializer(model, struct_of(u, f, model_fields(u)));
    LLVMSetGlobalConstant(model, true);
}
