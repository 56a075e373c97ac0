/* The steps of control in P_exec: symbols of the run live in an array on its stack, memory whose size
 * they decide in a table of (pointer, bytes) that runtime/dynamic.c fills. Every failure leaves
 * through one block that releases the table. */
#include "codegen/emit/llvm/exec.h"

#include "runtime/calls.h"
#include "runtime/rt.h"

static bool is_dynamic(const Exec *x, const MemObj *o)
{
    return memobj_is_dynamic(x->u->program, o);
}

static LLVMValueRef slot(Exec *x, const MemObj *o)
{
    return exec_field(x->u, x->dyn, (int64_t)sizeof(mlc_rt_dyn) * x->number[o->id]);
}

/* An i64 expression; the run fails where it overflows. */
static LLVMValueRef number(Exec *x, Ex e)
{
    Unit *u = x->u;
    LLVMValueRef overflow, v = emit_size(u, e, x->sym, &overflow);

    if (!LLVMIsConstant(overflow))
        exec_check(x, LLVMBuildSelect(u->b, overflow, unit_i32(u, MLC_RUN_SHAPE), unit_i32(u, 0), ""));
    return v;
}

void control_open(Exec *x, LLVMValueRef r)
{
    Unit *u = x->u;
    const Program *p = u->program;
    int bound = ex_sym_bound_count(p->pool), all = ex_sym_count(p->pool);
    LLVMValueRef own;

    if (all > bound) {
        own = LLVMBuildAlloca(u->b, LLVMArrayType2(u->i64, (uint64_t)all), "sym");
        LLVMSetAlignment(own, 16);
        LLVMBuildMemSet(u->b, own, LLVMConstInt(u->i8, 0, false), unit_i64(u, 8 * all), 16);
        if (bound > 0)
            LLVMBuildMemCpy(u->b, own, 16, x->sym, 8, unit_i64(u, 8 * bound));
        x->sym = own;
    }
    for (size_t i = 0; i < p->mem.len; i++)
        if (is_dynamic(x, p->mem.at[i]))
            x->number[i] = x->ndyn++;
    if (!program_allocates(p))
        return;
    x->alloc = exec_load(u, u->ptr, r, offsetof(mlc_rt_run, alloc));
    x->dyn = LLVMBuildAlloca(u->b, LLVMArrayType2(u->i64, 2 * (uint64_t)MAX(x->ndyn, 1)), "dyn");
    LLVMSetAlignment(x->dyn, 16);
    LLVMBuildMemSet(u->b, x->dyn, LLVMConstInt(u->i8, 0, false), unit_i64(u, 16 * x->ndyn), 16);
    x->result = LLVMBuildAlloca(u->b, u->i32, "result");
    x->leave = exec_block(x, "leave");
}

static void reserve(Exec *x, const char *how, const MemObj *o, LLVMValueRef bytes)
{
    Unit *u = x->u;
    LLVMValueRef args[3] = {x->alloc, slot(x, o), bytes};

    exec_check(x, exec_call(u, how, u->i32, args, 3));
}

void control_begin(Exec *x, const Step *s, int at)
{
    for (size_t i = 0; i < s->args.len; i++) {
        const MemObj *o = s->args.at[i];
        bool seen = false;

        for (size_t k = 0; k < i; k++)
            seen = seen || s->args.at[k] == o;
        if (!seen && is_dynamic(x, o) && !o->moved && o->first == at)
            reserve(x, "mlc_rt_reserve", o, number(x, o->size_bytes));
    }
}

void control_end(Exec *x, const Step *s, int at)
{
    const Program *p = x->u->program;
    LLVMValueRef args[2] = {x->alloc};

    if (x->dyn == NULL || s->kind == STEP_ELSE || s->kind == STEP_IF || s->kind == STEP_LOOP)
        return;
    for (size_t i = 0; i < p->mem.len; i++) {
        const MemObj *o = p->mem.at[i];

        if (o->space != SPACE_TEMP || !is_dynamic(x, o) || o->last != at)
            continue;
        args[1] = slot(x, o);
        exec_call(x->u, "mlc_rt_release", x->u->none, args, 2);
    }
}

/* ---- steps ---- */

/* Element `index` of an integer or bool object, as i64. */
static LLVMValueRef element(Exec *x, const MemObj *o, LLVMValueRef index)
{
    Unit *u = x->u;
    LLVMTypeRef t = unit_memory(u, o->elem);
    LLVMValueRef at = LLVMBuildInBoundsGEP2(u->b, t, exec_address(x, o), &index, 1, "");
    LLVMValueRef v = LLVMBuildLoad2(u->b, t, at, "");
    bool is_signed = elem_is_signed(o->elem);

    LLVMSetAlignment(v, 1);
    return LLVMBuildIntCast2(u->b, v, u->i64, is_signed, "");
}

static void set(Exec *x, const Step *s)
{
    Unit *u = x->u;
    const ExPool *p = u->program->pool;
    LLVMValueRef v = number(x, s->value), low, high, bad;
    int64_t lo = ex_sym_min(p, s->symbol), hi = ex_sym_max(p, s->symbol);

    if (s->args.len)
        v = element(x, s->args.at[0], v);
    v = LLVMBuildIntCast2(u->b, v, u->i64, elem_is_signed((Elem)s->value->elem), "");
    low = LLVMBuildICmp(u->b, LLVMIntSLT, v, unit_i64(u, lo), "");
    high = LLVMBuildICmp(u->b, LLVMIntSGT, v, unit_i64(u, hi), "");
    bad = LLVMBuildOr(u->b, low, high, "");
    if (lo != INT64_MIN || hi != INT64_MAX)
        exec_check(x, LLVMBuildSelect(u->b, bad, unit_i32(u, MLC_RUN_SHAPE), unit_i32(u, 0), ""));
    LLVMBuildStore(u->b, v, exec_field(u, x->sym, 8 * (int64_t)s->symbol));
}

static LLVMValueRef condition(Exec *x, Ex e)
{
    LLVMValueRef v = number(x, e);

    return LLVMBuildICmp(x->u->b, LLVMIntNE, v, LLVMConstNull(LLVMTypeOf(v)), "");
}

static void open_if(Exec *x, const Step *s)
{
    Unit *u = x->u;
    LLVMBasicBlockRef then;
    LLVMValueRef c = condition(x, s->value);
    OpenBlock o = {NULL, exec_block(x, "else"), exec_block(x, "end")};

    then = exec_block(x, "then");
    LLVMBuildCondBr(u->b, c, then, o.otherwise);
    LLVMPositionBuilderAtEnd(u->b, then);
    vec_push(u->arena, &x->open, o);
}

static void open_loop(Exec *x, const Step *s)
{
    Unit *u = x->u;
    LLVMBasicBlockRef body;
    LLVMValueRef c;
    OpenBlock o = {exec_block(x, "loop"), NULL, exec_block(x, "end")};

    LLVMBuildBr(u->b, o.head);
    LLVMPositionBuilderAtEnd(u->b, o.head);
    c = condition(x, s->value);
    body = exec_block(x, "body");
    LLVMBuildCondBr(u->b, c, body, o.end);
    LLVMPositionBuilderAtEnd(u->b, body);
    vec_push(u->arena, &x->open, o);
}

static void close_block(Exec *x)
{
    Unit *u = x->u;
    OpenBlock o = x->open.at[--x->open.len];

    LLVMBuildBr(u->b, o.head ? o.head : o.end);
    if (o.otherwise) {
        LLVMPositionBuilderAtEnd(u->b, o.otherwise);
        LLVMBuildBr(u->b, o.end);
    }
    LLVMPositionBuilderAtEnd(u->b, o.end);
}

static void otherwise(Exec *x)
{
    OpenBlock *o = &x->open.at[x->open.len - 1];

    LLVMBuildBr(x->u->b, o->end);
    LLVMPositionBuilderAtEnd(x->u->b, o->otherwise);
    o->otherwise = NULL;
}

/* Memory that nobody reads after this step changes hands; all other is copied. */
static void move(Exec *x, const Step *s, int at)
{
    Unit *u = x->u;
    const MemObj *to = s->args.at[0], *from = s->args.at[1];
    LLVMValueRef bytes, args[2];

    if (to->moved && is_dynamic(x, from) && from->space == SPACE_TEMP && from->last == at) {
        args[0] = slot(x, to);
        args[1] = slot(x, from);
        exec_call(u, "mlc_rt_swap", u->none, args, 2);
        return;
    }
    bytes = number(x, s->value);
    if (to->moved)
        reserve(x, "mlc_rt_reserve", to, bytes);
    LLVMBuildMemCpy(u->b, exec_address(x, to), 1, exec_address(x, from), 1, bytes);
}

static void call(Exec *x, const Step *s)
{
    Unit *u = x->u;
    size_t n = s->args.len;
    LLVMValueRef args = LLVMBuildAlloca(u->b, LLVMArrayType2(u->i64, MAX(n, 1) * sizeof(mlc_rt_arg) / 8), "");
    LLVMValueRef param = LLVMBuildAlloca(u->b, LLVMArrayType2(u->i64, MAX(s->params.len, 1)), "");
    LLVMValueRef both[2] = {args, param};

    LLVMSetAlignment(args, 16);
    for (size_t i = 0; i < n; i++) {
        int64_t at = (int64_t)(i * sizeof(mlc_rt_arg));

        LLVMBuildStore(u->b, exec_address(x, s->args.at[i]), exec_field(u, args, at));
        LLVMBuildStore(u->b, unit_i32(u, elem_to_onnx(s->args.at[i]->elem)),
                       exec_field(u, args, at + (int64_t)offsetof(mlc_rt_arg, elem)));
        LLVMBuildStore(u->b, unit_i32(u, s->shapes.at[i].rank),
                       exec_field(u, args, at + (int64_t)offsetof(mlc_rt_arg, rank)));
        for (int k = 0; k < s->shapes.at[i].rank; k++)
            LLVMBuildStore(u->b, number(x, s->shapes.at[i].dim[k]),
                           exec_field(u, args, at + (int64_t)offsetof(mlc_rt_arg, dim) + 8 * k));
    }
    for (size_t i = 0; i < s->params.len; i++)
        LLVMBuildStore(u->b, number(x, s->params.at[i]), exec_field(u, param, 8 * (int64_t)i));
    const char *user = step_user_call(s);
    if (user != NULL) {
        int64_t nin = (int64_t)n - s->nwritten;
        LLVMValueRef of_user[4] = {exec_field(u, args, s->nwritten * (int64_t)sizeof(mlc_rt_arg)),
                                   unit_i32(u, nin), args, unit_i32(u, s->nwritten)};

        exec_check(x, exec_call(u, user, u->i32, of_user, 4));
        return;
    }
    exec_check(x, exec_call(u, arena_printf(u->arena, "mlc_rt_%s", s->call), u->i32, both, 2));
}

void control_step(Exec *x, const Step *s, int at)
{
    switch (s->kind) {
    case STEP_SET:
        set(x, s);
        break;
    case STEP_IF:
        open_if(x, s);
        break;
    case STEP_ELSE:
        otherwise(x);
        break;
    case STEP_LOOP:
        open_loop(x, s);
        break;
    case STEP_END:
        close_block(x);
        break;
    case STEP_MOVE:
        move(x, s, at);
        break;
    case STEP_GROW:
        reserve(x, "mlc_rt_grow", s->args.at[0], number(x, s->value));
        break;
    default:
        call(x, s);
    }
}

/* ---- the end ---- */

static void hand_over(Exec *x, const ProgramIo *io)
{
    Unit *u = x->u;
    int64_t at = 8 * (io->obj->io + (int64_t)u->program->inputs.len);
    LLVMValueRef to = exec_load(u, u->ptr, x->io, at), from = slot(x, io->obj);

    for (int k = 0; k < io->rank; k++)
        LLVMBuildStore(u->b, number(x, io->dim[k]),
                       exec_field(u, to, (int64_t)offsetof(mlc_result_v1, dim) + 8 * k));
    LLVMBuildStore(u->b, number(x, io->obj->size_bytes),
                   exec_field(u, to, offsetof(mlc_result_v1, bytes)));
    LLVMBuildStore(u->b, exec_load(u, u->ptr, from, 0), exec_field(u, to, 0));
    LLVMBuildStore(u->b, LLVMConstNull(u->ptr), from);
}

void control_close(Exec *x)
{
    Unit *u = x->u;
    const Program *p = u->program;
    LLVMValueRef args[3] = {x->alloc, x->dyn, unit_i32(u, x->ndyn)};

    if (x->leave == NULL) {
        LLVMBuildRet(u->b, unit_i32(u, 0));
        return;
    }
    for (size_t i = 0; i < p->outputs.len; i++)
        if (is_dynamic(x, p->outputs.at[i].obj))
            hand_over(x, &p->outputs.at[i]);
    LLVMBuildStore(u->b, unit_i32(u, 0), x->result);
    LLVMBuildBr(u->b, x->leave);
    LLVMPositionBuilderAtEnd(u->b, x->leave);
    exec_call(u, "mlc_rt_release_all", u->none, args, 3);
    LLVMBuildRet(u->b, LLVMBuildLoad2(u->b, u->i32, x->result, ""));
}
