/* Statements: loops by their binding, stores, branches and checks.
 *
 * In a vector loop a condition that differs between lanes becomes a mask; nothing branches on it
 * but to skip work that no lane needs. */
#include "codegen/emit/llvm/emit.h"

enum { MAX_LANES = 64, MAX_UNROLL = 4096 };

/* for (var = 0; var < extent; var++), tested at the end. */
static void serial_loop(Walk *w, const Stmt *s)
{
    Scope scope = scope_open(w);
    LLVMValueRef n = emit_value(w, ex_var_extent(w->pool, s->loop.var)), v[2], phi, more;
    LLVMBasicBlockRef body = new_block(w, "loop"), after = new_block(w, "end"), from[2];
    LLVMValueRef zero = unit_i64(w->u, 0);

    more = LLVMBuildICmp(w->b, LLVMIntSGT, n, zero, "");
    from[0] = LLVMGetInsertBlock(w->b);
    LLVMBuildCondBr(w->b, more, body, after);
    LLVMPositionBuilderAtEnd(w->b, body);
    phi = LLVMBuildPhi(w->b, w->u->i64, "");
    bind_variable(w, s->loop.var, phi);
    emit_stmts(w, s->loop.body);
    v[0] = zero;
    v[1] = LLVMBuildNUWAdd(w->b, phi, unit_i64(w->u, 1), "");
    LLVMSetNSW(v[1], true);
    from[1] = LLVMGetInsertBlock(w->b);
    LLVMBuildCondBr(w->b, LLVMBuildICmp(w->b, LLVMIntSLT, v[1], n, ""), body, after);
    LLVMAddIncoming(phi, v, from, 2);
    LLVMPositionBuilderAtEnd(w->b, after);
    scope_close(w, scope);
}

static void unrolled_loop(Walk *w, const Stmt *s, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        Scope scope = scope_open(w);

        bind_variable(w, s->loop.var, unit_i64(w->u, i));
        emit_stmts(w, s->loop.body);
        scope_close(w, scope);
    }
}

static LLVMValueRef lane_numbers(Walk *w)
{
    LLVMValueRef at[MAX_LANES];

    for (unsigned i = 0; i < w->width; i++)
        at[i] = unit_i64(w->u, i);
    return LLVMConstVector(at, w->width);
}

static void lanes_in_scope(Walk *w, const Stmt *body, int n, const Ex *holds)
{
    Scope scope = scope_open(w);

    for (int i = 0; i < n; i++)
        bind_variable(w, holds[i], LLVMConstInt(w->u->i1, 1, false));
    emit_stmts(w, body);
    scope_close(w, scope);
}

/* With tails, the body comes twice: without masks for full iterations, and with. */
static void vector_loop(Walk *w, const Stmt *s, int64_t n)
{
    Scope scope = scope_open(w);
    Ex leaf[MAX_LEAVES];
    LLVMValueRef all;
    LLVMBasicBlockRef full, part, after;
    int nleaf;

    w->lane = s->loop.var;
    w->width = (unsigned)n;
    bind_variable(w, s->loop.var, lane_numbers(w));
    nleaf = emit_full_lanes(w, s->loop.body, leaf, &all);
    if (nleaf == 0 || (LLVMIsAConstantInt(all) != NULL && LLVMConstIntGetZExtValue(all) == 0)) {
        lanes_in_scope(w, s->loop.body, 0, NULL);
    } else if (LLVMIsAConstantInt(all) != NULL) {
        lanes_in_scope(w, s->loop.body, nleaf, leaf);
    } else {
        full = new_block(w, "full");
        part = new_block(w, "part");
        after = new_block(w, "after");
        LLVMBuildCondBr(w->b, all, full, part);
        LLVMPositionBuilderAtEnd(w->b, full);
        lanes_in_scope(w, s->loop.body, nleaf, leaf);
        LLVMBuildBr(w->b, after);
        LLVMPositionBuilderAtEnd(w->b, part);
        lanes_in_scope(w, s->loop.body, 0, NULL);
        leave(w, after);
    }
    w->lane = NULL;
    w->width = 0;
    scope_close(w, scope);
}

static void emit_loop(Walk *w, const Stmt *s)
{
    int64_t n = -1;
    bool is_const = ex_is_int(ex_var_extent(w->pool, s->loop.var), &n);

    if (is_const && n <= 0)
        return;
    if (is_const && (n == 1 || (s->loop.kind == LOOP_UNROLLED && n <= MAX_UNROLL)))
        unrolled_loop(w, s, n);
    else if (is_const && s->loop.kind == LOOP_VECTOR && w->lane == NULL && n <= MAX_LANES)
        vector_loop(w, s, n);
    else
        serial_loop(w, s);
}

/* Runs fn under a condition: by a branch where it is uniform, else under a mask. */
static void conditionally(Walk *w, LLVMValueRef cond, void (*fn)(Walk *, const Stmt *),
                          const Stmt *s)
{
    Scope scope;
    LLVMValueRef outer = w->mask;
    LLVMBasicBlockRef after = NULL;

    if (LLVMIsAConstantInt(cond) != NULL && LLVMConstIntGetZExtValue(cond) == 0)
        return;
    if (LLVMIsAConstantInt(cond) != NULL) {
        fn(w, s);
        return;
    }
    if (is_vector(cond))
        w->mask = outer != NULL ? LLVMBuildAnd(w->b, outer, cond, "") : cond;
    else
        after = when(w, cond);
    scope = scope_open(w);
    fn(w, s);
    scope_close(w, scope);
    w->mask = outer;
    if (after != NULL)
        leave(w, after);
}

static void store_value(Walk *w, const Stmt *s)
{
    emit_store(w, s->store.buf, s->store.index, emit_value(w, s->store.value));
}

static void emit_if(Walk *w, const Stmt *s)
{
    LLVMValueRef cond = emit_value(w, s->cond.cond);

    scope_end_statement(w);
    conditionally(w, cond, emit_stmts, s->cond.then);
    if (s->cond.otherwise != NULL)
        conditionally(w, LLVMBuildNot(w->b, cond, ""), emit_stmts, s->cond.otherwise);
}

/* A failed check stores its code in the frame and leaves the kernel. */
static void emit_check(Walk *w, const Stmt *s)
{
    LLVMValueRef ok = emit_value(w, s->check.cond), store;
    LLVMBasicBlockRef bad, go_on;
    LLVMTypeRef t;

    if (is_vector(ok) || w->mask != NULL) {
        ok = splat(w, ok);
        if (w->mask != NULL)
            ok = LLVMBuildOr(w->b, ok, LLVMBuildNot(w->b, w->mask, ""), "");
        t = LLVMTypeOf(ok);
        ok = unit_call(w->u, w->b, "llvm.vector.reduce.and", &t, 1, &ok, 1);
    }
    bad = new_block(w, "failed");
    go_on = new_block(w, "checked");
    LLVMBuildCondBr(w->b, ok, go_on, bad);
    LLVMPositionBuilderAtEnd(w->b, bad);
    store = LLVMBuildStore(w->b, unit_i32(w->u, s->check.code), w->status);
    LLVMSetOrdering(store, LLVMAtomicOrderingMonotonic);
    LLVMSetAlignment(store, 4);
    LLVMBuildBr(w->b, w->done);
    LLVMPositionBuilderAtEnd(w->b, go_on);
}

void emit_stmts(Walk *w, const Stmt *s)
{
    for (; s != NULL && w->error == MLC_OK; s = s->next) {
        switch (s->kind) {
        case STMT_LOOP:
            emit_loop(w, s);
            break;
        case STMT_STORE:
            if (s->store.guard != NULL)
                conditionally(w, emit_value(w, s->store.guard), store_value, s);
            else
                store_value(w, s);
            break;
        case STMT_IF:
            emit_if(w, s);
            break;
        case STMT_CHECK:
            emit_check(w, s);
            break;
        }
        scope_end_statement(w);
    }
}
