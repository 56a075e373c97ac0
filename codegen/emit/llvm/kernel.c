/* A kernel as two functions:
 *     void P_kN(frame, begin, end)        what the runtime launches: takes the frame apart
 *     void P_kN_body(frame, symbols, begin, end, noalias buffer...)
 * Buffers as noalias parameters is how LLVM learns that stores do not touch other buffers.
 *
 * A chain of perfectly nested parallel loops is one range of iterations, the innermost variable
 * fastest: [begin, end) is walked in rows of the innermost loop, so that the variables are taken
 * apart by division once a row. */
#include "codegen/emit/llvm/emit.h"

#include "ir/base/str.h"

enum { MAX_PARALLEL = 24, FIRST_BUFFER = 4 };

typedef struct Nest {
    Ex var[MAX_PARALLEL];
    int n;
    const Stmt *body;
} Nest;

static Nest parallel_nest(const Kernel *k)
{
    Nest t = {.body = k->body};
    const Stmt *s = k->body;

    while (s != NULL && s->kind == STMT_LOOP && s->next == NULL && t.n < MAX_PARALLEL &&
           s->loop.kind == LOOP_PARALLEL) {
        t.var[t.n++] = s->loop.var;
        s = t.body = s->loop.body;
    }
    return t;
}

Ex kernel_iterations(ExPool *p, const Kernel *k)
{
    Nest t = parallel_nest(k);
    Ex n = ex_int(p, 1);

    for (int i = 0; i < t.n; i++)
        n = ex_mul(p, n, ex_var_extent(p, t.var[i]));
    return n;
}

/* ---- the range of iterations ---- */

typedef struct Loop {
    LLVMBasicBlockRef body, after;
    LLVMValueRef phi;
} Loop;

/* for (phi = from; phi < to; ) ...: the body is entered only if from < to. */
static Loop loop_open(Walk *w, LLVMValueRef from, LLVMValueRef to)
{
    Loop l = {new_block(w, "loop"), new_block(w, "end"), NULL};
    LLVMBasicBlockRef before;

    LLVMBuildCondBr(w->b, LLVMBuildICmp(w->b, LLVMIntSLT, from, to, ""), l.body, l.after);
    before = LLVMGetInsertBlock(w->b);
    LLVMPositionBuilderAtEnd(w->b, l.body);
    l.phi = LLVMBuildPhi(w->b, w->u->i64, "");
    LLVMAddIncoming(l.phi, &from, &before, 1);
    return l;
}

static void loop_close(Walk *w, const Loop *l, LLVMValueRef next, LLVMValueRef to)
{
    LLVMBasicBlockRef last = LLVMGetInsertBlock(w->b);

    LLVMBuildCondBr(w->b, LLVMBuildICmp(w->b, LLVMIntSLT, next, to, ""), l->body, l->after);
    LLVMAddIncoming(l->phi, &next, &last, 1);
    LLVMPositionBuilderAtEnd(w->b, l->after);
}

static void walk_body(Walk *w, const Nest *t, LLVMValueRef from, LLVMValueRef to)
{
    Scope s = scope_open(w);
    Loop l = loop_open(w, from, to);

    bind_variable(w, t->var[t->n - 1], l.phi);
    emit_stmts(w, t->body);
    loop_close(w, &l, LLVMBuildNSWAdd(w->b, l.phi, unit_i64(w->u, 1), ""), to);
    scope_close(w, s);
}

/* Rows of the innermost loop: at = outer * n + inner. */
static void walk_rows(Walk *w, const Nest *t, LLVMValueRef begin, LLVMValueRef end)
{
    Unit *u = w->u;
    Scope s = scope_open(w);
    LLVMValueRef n = emit_value(w, ex_var_extent(w->pool, t->var[t->n - 1]));
    LLVMValueRef outer, inner, stop, left, args[2];
    Loop l = loop_open(w, begin, end);

    outer = LLVMBuildUDiv(w->b, l.phi, n, "");
    inner = LLVMBuildNSWSub(w->b, l.phi, LLVMBuildNSWMul(w->b, outer, n, ""), "");
    left = LLVMBuildNSWSub(w->b, end, l.phi, "");
    args[0] = n;
    args[1] = LLVMBuildNSWAdd(w->b, inner, left, "");
    stop = unit_call(u, w->b, "llvm.smin", &u->i64, 1, args, 2);
    for (int i = t->n - 2; i > 0; i--) {
        LLVMValueRef extent = emit_value(w, ex_var_extent(w->pool, t->var[i]));
        LLVMValueRef q = LLVMBuildUDiv(w->b, outer, extent, "");

        bind_variable(w, t->var[i],
                      LLVMBuildNSWSub(w->b, outer, LLVMBuildNSWMul(w->b, q, extent, ""), ""));
        outer = q;
    }
    bind_variable(w, t->var[0], outer);
    walk_body(w, t, inner, stop);
    loop_close(w, &l, LLVMBuildNSWAdd(w->b, l.phi, LLVMBuildNSWSub(w->b, stop, inner, ""), ""),
               end);
    scope_close(w, s);
}

/* ---- the function around it ---- */

static void mark_written(Walk *w, const Stmt *s)
{
    for (; s != NULL; s = s->next) {
        int n = s->kind == STMT_STORE ? buffer_number(w, s->store.buf) : -1;

        if (n >= 0)
            w->written[n] = true;
        if (s->kind == STMT_LOOP)
            mark_written(w, s->loop.body);
        if (s->kind == STMT_IF) {
            mark_written(w, s->cond.then);
            mark_written(w, s->cond.otherwise);
        }
    }
}

/* The same memory bound to two parameters in some launch: neither may be noalias. */
static bool is_shared(Unit *u, const Kernel *k, size_t param)
{
    for (size_t i = 0; i < u->program->steps.len; i++) {
        const Step *s = &u->program->steps.at[i];

        for (size_t j = 0; s->kind == STEP_LAUNCH && s->kernel == k && j < s->args.len; j++) {
            if (j != param && s->args.at[j] == s->args.at[param])
                return true;
        }
    }
    return false;
}

/* Workspace and weights are aligned to 64; the caller's tensors to their elements. */
static unsigned param_align(Unit *u, const Kernel *k, size_t param)
{
    for (size_t i = 0; i < u->program->steps.len; i++) {
        const Step *s = &u->program->steps.at[i];

        if (s->kind == STEP_LAUNCH && s->kernel == k && s->args.at[param]->space != SPACE_TEMP &&
            s->args.at[param]->space != SPACE_CONST)
            return MAX(1u, elem_bits[k->params.at[param]->elem] / 8u);
    }
    return 64;
}

static LLVMValueRef add_function(Unit *u, const char *name, LLVMTypeRef *types, unsigned n)
{
    LLVMValueRef fn = LLVMAddFunction(u->module, name, LLVMFunctionType(u->none, types, n, false));

    LLVMSetLinkage(fn, LLVMInternalLinkage);
    unit_attributes(u, fn);
    return fn;
}

static LLVMValueRef body_function(Unit *u, const Kernel *k, const char *name)
{
    unsigned n = FIRST_BUFFER + (unsigned)k->params.len;
    LLVMTypeRef *types = NEW_ARRAY(u->arena, LLVMTypeRef, n);
    LLVMValueRef fn;

    types[2] = types[3] = u->i64;
    for (unsigned i = 0; i < n; i++)
        types[i] = i == 2 || i == 3 ? u->i64 : u->ptr;
    fn = add_function(u, name, types, n);
    unit_attr(u, fn, (unsigned)LLVMAttributeFunctionIndex, "noinline", 0);
    unit_attr(u, fn, 1, "noalias", 0);
    unit_attr(u, fn, 2, "noalias", 0);
    unit_attr(u, fn, 2, "readonly", 0);
    for (unsigned i = 0; i < k->params.len; i++) {
        if (!is_shared(u, k, i))
            unit_attr(u, fn, FIRST_BUFFER + i + 1, "noalias", 0);
        unit_attr(u, fn, FIRST_BUFFER + i + 1, "align", param_align(u, k, i));
    }
    return fn;
}

/* Registers: fixed stack slots, which the passes turn into SSA values. */
static Status make_registers(Walk *w)
{
    const Kernel *k = w->k;

    for (size_t i = 0; i < k->regs.len; i++) {
        const Buf *b = k->regs.at[i];
        int64_t n = 0;
        LLVMValueRef slot;

        if (!ex_is_int(b->size, &n) || n < 0 || n > (1 << 24))
            return diag_error(w->u->ctx, E0402, (Loc){.node = k->name}, MLC_INPUT,
                              "kernel %s: register buffer %s has no constant size", k->name,
                              b->name);
        n = (int64_t)elem_size_bytes(b->elem, (size_t)n) * 8 / MAX(elem_bits[b->elem], 8);
        slot = LLVMBuildAlloca(
            w->entry, LLVMArrayType2(unit_memory(w->u, b->elem), (uint64_t)MAX(n, 1)), b->name);
        LLVMSetAlignment(slot, 64);
        w->base[k->params.len + i] = slot;
    }
    return MLC_OK;
}

static void walk_all(Walk *w)
{
    Nest t = parallel_nest(w->k);
    LLVMValueRef begin = LLVMGetParam(w->fn, 2), end = LLVMGetParam(w->fn, 3);

    if (t.n == 0)
        emit_stmts(w, t.body);
    else if (t.n == 1)
        walk_body(w, &t, begin, end);
    else
        walk_rows(w, &t, begin, end);
    LLVMBuildBr(w->b, w->done);
}

static Status emit_body(Walk *w)
{
    LLVMBasicBlockRef entry = new_block(w, "entry"), start = new_block(w, "start");

    w->done = new_block(w, "done");
    w->entry = w->u->entry;
    LLVMPositionBuilderAtEnd(w->b, entry);
    LLVMPositionBuilderBefore(w->entry, LLVMBuildBr(w->b, start));
    LLVMPositionBuilderAtEnd(w->b, w->done);
    LLVMBuildRetVoid(w->b);
    LLVMPositionBuilderAtEnd(w->b, start);
    TRY(make_registers(w));
    walk_all(w);
    return w->error;
}

/* frame: {i32 status, i32, ptr sym, ptr buf[]} */
static LLVMValueRef wrapper(Unit *u, const Kernel *k, LLVMValueRef body, const char *name)
{
    LLVMTypeRef types[3] = {u->ptr, u->i64, u->i64};
    LLVMValueRef fn = add_function(u, name, types, 3), frame = LLVMGetParam(fn, 0);
    unsigned n = FIRST_BUFFER + (unsigned)k->params.len;
    LLVMValueRef *args = NEW_ARRAY(u->arena, LLVMValueRef, n);

    LLVMPositionBuilderAtEnd(u->b, LLVMAppendBasicBlockInContext(u->cx, fn, "entry"));
    args[0] = frame;
    args[2] = LLVMGetParam(fn, 1);
    args[3] = LLVMGetParam(fn, 2);
    for (unsigned i = 0; i < n; i++) {
        LLVMValueRef at = unit_i64(u, i == 1 ? 8 : 16 + 8 * ((int64_t)i - FIRST_BUFFER));

        if (i == 1 || i >= FIRST_BUFFER)
            args[i] = LLVMBuildLoad2(u->b, u->ptr,
                                     LLVMBuildInBoundsGEP2(u->b, u->i8, frame, &at, 1, ""), "");
    }
    LLVMBuildCall2(u->b, LLVMGlobalGetValueType(body), body, args, n, "");
    LLVMBuildRetVoid(u->b);
    return fn;
}

Status emit_kernel(Unit *u, const Kernel *k, LLVMValueRef *fn)
{
    size_t n = k->params.len + k->regs.len;
    const char *name = unit_name(u, arena_printf(u->arena, "k%d", k->id));
    Walk w = {.u = u, .k = k, .pool = k->pool, .b = u->b};

    w.base = NEW_ARRAY(u->arena, LLVMValueRef, n);
    w.written = NEW_ARRAY(u->arena, bool, n);
    w.sym_value = NEW_ARRAY(u->arena, LLVMValueRef, ex_sym_count(k->pool));
    w.fn = body_function(u, k, arena_printf(u->arena, "%s_%s", name, k->name));
    w.status = LLVMGetParam(w.fn, 0);
    w.sym = LLVMGetParam(w.fn, 1);
    for (unsigned i = 0; i < k->params.len; i++)
        w.base[i] = LLVMGetParam(w.fn, FIRST_BUFFER + i);
    mark_written(&w, k->body);
    TRY(emit_body(&w));
    *fn = wrapper(u, k, w.fn, name);
    return MLC_OK;
}
