/* The program: every kernel once, and P_exec, which runs the steps in order.
 *
 *     int P_exec(const mlc_rt_run *r)      r: {sym, offset, io, workspace}
 *
 * One frame on the stack serves all steps: status, symbols, buffers (runtime/rt.h). Work that is
 * surely small is called directly, without asking the thread pool. */
#include "codegen/emit/llvm/exec.h"

#include "ir/base/str.h"

enum { SMALL_NS = 20000, FRAME_HEAD = 16 };

const char *unit_name(Unit *u, const char *suffix)
{
    return arena_printf(u->arena, "%s_%s%s", u->opt->prefix, u->infix, suffix);
}

LLVMValueRef unit_global(Unit *u, const char *suffix, LLVMValueRef init, bool is_constant)
{
    LLVMValueRef g = LLVMAddGlobal(u->module, LLVMTypeOf(init), unit_name(u, suffix));

    LLVMSetInitializer(g, init);
    LLVMSetGlobalConstant(g, is_constant);
    LLVMSetLinkage(g, LLVMInternalLinkage);
    return g;
}

LLVMValueRef exec_field(Unit *u, LLVMValueRef base, int64_t bytes)
{
    LLVMValueRef at = unit_i64(u, bytes);

    return LLVMBuildInBoundsGEP2(u->b, u->i8, base, &at, 1, "");
}

LLVMValueRef exec_load(Unit *u, LLVMTypeRef t, LLVMValueRef base, int64_t bytes)
{
    return LLVMBuildLoad2(u->b, t, exec_field(u, base, bytes), "");
}

LLVMValueRef exec_address(Exec *x, const MemObj *o)
{
    Unit *u = x->u;
    LLVMValueRef at;
    int64_t io = o->io;

    switch (o->space) {
    case SPACE_INPUT:
        return exec_load(u, u->ptr, x->io, 8 * io);
    case SPACE_OUTPUT:
        if (memobj_is_dynamic(u->program, o))
            return exec_load(u, u->ptr, x->dyn, 16 * x->number[o->id]);
        return exec_load(u, u->ptr, x->io, 8 * (io + (int64_t)u->program->inputs.len));
    case SPACE_CONST:
        return exec_field(u, x->weights, o->offset);
    default:
        break;
    }
    if (memobj_is_dynamic(u->program, o))
        return exec_load(u, u->ptr, x->dyn, 16 * x->number[o->id]);
    if (ex_sym_bound_count(u->program->pool) == 0)
        return exec_field(u, x->workspace, o->offset);
    at = exec_load(u, u->i64, x->offset, 8 * (int64_t)x->number[o->id]);
    return LLVMBuildInBoundsGEP2(u->b, u->i8, x->workspace, &at, 1, "");
}

LLVMBasicBlockRef exec_block(Exec *x, const char *name)
{
    return LLVMAppendBasicBlockInContext(x->u->cx, x->fn, name);
}

LLVMValueRef exec_call(Unit *u, const char *name, LLVMTypeRef result, LLVMValueRef *args, unsigned n)
{
    LLVMTypeRef types[8], type;
    LLVMValueRef fn = LLVMGetNamedFunction(u->module, name);

    for (unsigned i = 0; i < n; i++)
        types[i] = LLVMTypeOf(args[i]);
    type = LLVMFunctionType(result, types, n, false);
    if (fn == NULL)
        fn = LLVMAddFunction(u->module, name, type);
    return LLVMBuildCall2(u->b, type, fn, args, n, "");
}

void exec_check(Exec *x, LLVMValueRef status)
{
    Unit *u = x->u;
    LLVMBasicBlockRef bad = exec_block(x, "failed"), ok = exec_block(x, "next");

    LLVMBuildCondBr(u->b, LLVMBuildICmp(u->b, LLVMIntEQ, status, unit_i32(u, 0), ""), ok, bad);
    LLVMPositionBuilderAtEnd(u->b, bad);
    if (x->leave) {
        LLVMBuildStore(u->b, status, x->result);
        LLVMBuildBr(u->b, x->leave);
    } else {
        LLVMBuildRet(u->b, status);
    }
    LLVMPositionBuilderAtEnd(u->b, ok);
}

static LLVMValueRef kernel_function(Exec *x, const Kernel *k)
{
    const Program *p = x->u->program;

    for (size_t i = 0; i < p->kernels.len; i++) {
        if (p->kernels.at[i] == k)
            return x->kernel[i];
    }
    return NULL;
}

static void launch(Exec *x, const Step *s)
{
    Unit *u = x->u;
    const Kernel *k = s->kernel;
    Ex work = kernel_work(k->pool, k), n = kernel_iterations(k->pool, k);
    LLVMValueRef fn = kernel_function(x, k), args[5];
    int64_t ns = INT64_MAX, count = -1;

    for (size_t i = 0; i < s->args.len; i++)
        LLVMBuildStore(u->b, exec_address(x, s->args.at[i]),
                       exec_field(u, x->frame, FRAME_HEAD + 8 * (int64_t)i));
    args[0] = x->frame;
    args[1] = unit_i64(u, 0);
    args[2] = emit_size(u, n, x->sym, NULL);
    if ((ex_is_int(work, &ns) && ns < SMALL_NS) || (ex_is_int(n, &count) && count <= 1) ||
        u->opt->threads == 1) {
        LLVMBuildCall2(u->b, LLVMGlobalGetValueType(fn), fn, args, 3, "");
        if (kernel_has_check(k->body))
            exec_check(x, exec_load(u, u->i32, x->frame, 0));
        return;
    }
    args[0] = fn;
    args[1] = x->frame;
    args[3] = emit_size(u, work, x->sym, NULL);
    args[4] = unit_i32(u, u->opt->threads);
    exec_check(x, exec_call(u, "mlc_rt_launch", u->i32, args, 5));
}

static void zero(Exec *x, const Step *s)
{
    Unit *u = x->u;
    const MemObj *o = s->args.at[0];

    LLVMBuildMemSet(u->b, exec_address(x, o), LLVMConstInt(u->i8, 0, false),
                    emit_size(u, o->size_bytes, x->sym, NULL), 1);
}

static void open_exec(Exec *x)
{
    Unit *u = x->u;
    const Program *p = u->program;
    size_t most = 1;
    LLVMValueRef r;

    x->fn = LLVMAddFunction(u->module, unit_name(u, "exec"),
                            LLVMFunctionType(u->i32, &u->ptr, 1, false));
    LLVMSetLinkage(x->fn, LLVMInternalLinkage);
    unit_attributes(u, x->fn);
    LLVMPositionBuilderAtEnd(u->b, LLVMAppendBasicBlockInContext(u->cx, x->fn, "entry"));
    for (size_t i = 0; i < p->steps.len; i++)
        most = MAX(most, p->steps.at[i].args.len);
    x->frame = LLVMBuildAlloca(u->b, LLVMArrayType2(u->i64, FRAME_HEAD / 8 + most), "frame");
    LLVMSetAlignment(x->frame, 16);
    r = LLVMGetParam(x->fn, 0);
    x->sym = exec_load(u, u->ptr, r, 0);
    x->offset = exec_load(u, u->ptr, r, 8);
    x->io = exec_load(u, u->ptr, r, 16);
    x->workspace = exec_load(u, u->ptr, r, 24);
    x->weights = u->opt->weights_identity != NULL ? exec_load(u, u->ptr, r, 32) : u->weights;
    control_open(x, r);
    LLVMBuildStore(u->b, unit_i64(u, 0), x->frame);
    LLVMBuildStore(u->b, x->sym, exec_field(u, x->frame, 8));
}

/* ---- time stamps (mlc_rt_profiled) ---- */

/* Launches and calls: what takes time of its own. */
static bool is_timed(const Step *s)
{
    return s->kind == STEP_LAUNCH || s->kind == STEP_CALL;
}

static LLVMValueRef now(Unit *u)
{
    LLVMTypeRef type = LLVMFunctionType(u->i64, NULL, 0, false);
    LLVMValueRef fn = LLVMGetNamedFunction(u->module, "mlc_rt_now");

    if (fn == NULL)
        fn = LLVMAddFunction(u->module, "mlc_rt_now", type);
    return LLVMBuildCall2(u->b, type, fn, NULL, 0, "");
}

static void open_stamps(Unit *u)
{
    u->nstamp = 1;
    for (size_t i = 0; i < u->program->steps.len; i++)
        u->nstamp += is_timed(&u->program->steps.at[i]);
    u->stamps = unit_global(u, "stamps",
                            LLVMConstNull(LLVMArrayType2(u->i64, (uint64_t)u->nstamp)), false);
    LLVMBuildMemSet(u->b, u->stamps, LLVMConstInt(u->i8, 0, false), unit_i64(u, 8 * u->nstamp), 8);
    LLVMBuildStore(u->b, now(u), u->stamps);
}

/* The time since the newest stamp is number i's: a loop adds up, a branch not taken adds nothing. */
static void stamp(Unit *u, int64_t i)
{
    LLVMValueRef at = exec_field(u, u->stamps, 8 * i), t = now(u);
    LLVMValueRef spent = LLVMBuildSub(u->b, t, LLVMBuildLoad2(u->b, u->i64, u->stamps, ""), "");

    LLVMBuildStore(u->b, LLVMBuildAdd(u->b, LLVMBuildLoad2(u->b, u->i64, at, ""), spent, ""), at);
    LLVMBuildStore(u->b, t, u->stamps);
}

static void emit_exec(Exec *x)
{
    const Program *p = x->u->program;
    int64_t timed = 0;

    open_exec(x);
    if (x->u->opt->profile)
        open_stamps(x->u);
    for (size_t i = 0; i < p->steps.len; i++) {
        const Step *st = &p->steps.at[i];

        control_begin(x, st, (int)i);
        if (st->kind == STEP_LAUNCH)
            launch(x, st);
        else if (st->kind == STEP_ZERO)
            zero(x, st);
        else
            control_step(x, st, (int)i);
        if (x->u->opt->profile && is_timed(st))
            stamp(x->u, ++timed);
        control_end(x, st, (int)i);
    }
    control_close(x);
}

/* The present variant: its kernels and its P_exec. */
static Status emit_program(Unit *u, LLVMValueRef *exec)
{
    const Program *p = u->program;
    Exec x = {.u = u};
    int n = 0;
    Status worst = MLC_OK;

    x.kernel = NEW_ARRAY(u->arena, LLVMValueRef, p->kernels.len);
    x.number = NEW_ARRAY(u->arena, int, p->mem.len);
    for (size_t i = 0; i < p->mem.len; i++) {
        if (p->mem.at[i]->space == SPACE_TEMP && !memobj_is_dynamic(p, p->mem.at[i]))
            x.number[i] = n++;
    }
    for (size_t i = 0; i < p->kernels.len; i++) {
        Status st = emit_kernel(u, p->kernels.at[i], &x.kernel[i]);

        worst = MAX(worst, st);
    }
    TRY(worst);
    emit_exec(&x);
    *exec = x.fn;
    return MLC_OK;
}

Status emit_artifact(Unit *u)
{
    LLVMValueRef exec, model, rt = LLVMConstNull(u->ptr);

    TRY(emit_weights(u, &u->weights));
    model = declare_model(u);
    for (int k = u->opt->nvariant - 1; k >= 0; k--) {
        unit_select(u, k);
        TRY(emit_program(u, &exec));
        rt = emit_rt_model(u, model, exec, rt);
    }
    unit_select(u, -1);
    emit_model(u, model, rt);
    return MLC_OK;
}
