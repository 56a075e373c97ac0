/* Expressions -> LLVM values: the memo and its scopes, constants, sums, guards.
 *
 * Invariant: a value found in the memo dominates the builder's position. */
#include "codegen/emit/llvm/emit.h"

enum { FACT_KNOWN = 1, FACT_LOADS = 2, FACT_FLEETING = 4 };

/* ---- shapes of values ---- */

bool is_vector(LLVMValueRef v)
{
    return LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind;
}

LLVMTypeRef shaped(Walk *w, LLVMTypeRef scalar, LLVMValueRef like)
{
    return is_vector(like) ? LLVMVectorType(scalar, w->width) : scalar;
}

LLVMValueRef splat(Walk *w, LLVMValueRef v)
{
    LLVMTypeRef t;
    LLVMValueRef one;

    if (is_vector(v))
        return v;
    t = LLVMVectorType(LLVMTypeOf(v), w->width);
    one = LLVMBuildInsertElement(w->b, LLVMGetPoison(t), v, unit_i64(w->u, 0), "");
    return LLVMBuildShuffleVector(w->b, one, LLVMGetPoison(t),
                                  LLVMConstNull(LLVMVectorType(w->u->i32, w->width)), "");
}

void same_shape(Walk *w, LLVMValueRef *a, LLVMValueRef *b)
{
    if (is_vector(*a) != is_vector(*b)) {
        *a = splat(w, *a);
        *b = splat(w, *b);
    }
}

LLVMValueRef const_of(LLVMTypeRef t, int64_t v)
{
    LLVMTypeRef one;
    LLVMValueRef at[64], c;
    unsigned n, bits;

    if (LLVMGetTypeKind(t) != LLVMVectorTypeKind) {
        bits = LLVMGetIntTypeWidth(t);
        return LLVMConstInt(t, bits < 64 ? (uint64_t)v & ((1ull << bits) - 1) : (uint64_t)v, false);
    }
    one = LLVMGetElementType(t);
    n = LLVMGetVectorSize(t);
    c = const_of(one, v);
    for (unsigned i = 0; i < n && i < COUNT_OF(at); i++)
        at[i] = c;
    return LLVMConstVector(at, n);
}

LLVMBasicBlockRef new_block(Walk *w, const char *name)
{
    return LLVMAppendBasicBlockInContext(w->u->cx, w->fn, name);
}

LLVMValueRef any_lane(Walk *w, LLVMValueRef mask)
{
    LLVMTypeRef t = LLVMTypeOf(mask);

    return unit_call(w->u, w->b, "llvm.vector.reduce.or", &t, 1, &mask, 1);
}

LLVMValueRef emit_failure(Walk *w, Elem e, const char *what)
{
    if (w->error == MLC_OK)
        w->error = diag_error(w->u->ctx, E0402, (Loc){.node = w->k->name}, MLC_INPUT,
                              "kernel %s: %s (%s) cannot be compiled for %s", w->k->name, what,
                              elem_name[e], w->u->variant->target_name);
    return LLVMGetPoison(unit_type(w->u, e));
}

/* ---- the memo ---- */

Scope scope_open(const Walk *w)
{
    return (Scope){w->kept.len, w->fleet.len};
}

void scope_close(Walk *w, Scope s)
{
    while (w->kept.len > s.kept)
        w->memo.at[vec_pop(&w->kept)] = NULL;
    while (w->fleet.len > s.fleet)
        w->memo.at[vec_pop(&w->fleet)] = NULL;
}

void scope_end_statement(Walk *w)
{
    while (w->fleet.len > 0)
        w->memo.at[vec_pop(&w->fleet)] = NULL;
}

static void reserve_id(Walk *w, uint32_t id)
{
    while (w->memo.len <= id) {
        vec_push(w->u->arena, &w->memo, NULL);
        vec_push(w->u->arena, &w->facts, 0);
    }
}

bool is_bound(const Walk *w, Ex e)
{
    return e->id < w->memo.len && w->memo.at[e->id] != NULL;
}

void bind_variable(Walk *w, Ex var, LLVMValueRef v)
{
    reserve_id(w, var->id);
    w->memo.at[var->id] = v;
    vec_push(w->u->arena, &w->kept, var->id);
}

static unsigned facts_of(Walk *w, Ex e)
{
    unsigned f = FACT_KNOWN;

    reserve_id(w, e->id);
    if (w->facts.at[e->id] != 0)
        return w->facts.at[e->id];
    for (int i = 0; i < e->narg; i++)
        f |= facts_of(w, e->arg[i]);
    if (e->op == EX_LOAD) {
        int n = buffer_number(w, e->buf);

        f |= FACT_LOADS | (n < 0 || w->written[n] ? FACT_FLEETING : 0);
    }
    reserve_id(w, e->id);
    w->facts.at[e->id] = (uint8_t)f;
    return f;
}

bool has_load(Walk *w, Ex e)
{
    return (facts_of(w, e) & FACT_LOADS) != 0;
}

/* ---- leaves and sums ---- */

static LLVMValueRef emit_const(Walk *w, Ex e)
{
    LLVMTypeRef t = unit_type(w->u, e->elem);
    uint64_t bits = 0;

    if (e->elem == ELEM_F32 || e->elem == ELEM_F64)
        return LLVMConstReal(t, e->f);
    if (!elem_is_float(e->elem))
        return const_of(t, e->i);
    elem_set_f64(e->elem, &bits, 0, e->f);
    return const_of(t, (int64_t)bits);
}

static LLVMValueRef emit_symbol(Walk *w, Ex e)
{
    Unit *u = w->u;
    LLVMValueRef at, index, *v = &w->sym_value[e->i];

    if (*v == NULL) {
        index = unit_i64(u, e->i);
        at = LLVMBuildInBoundsGEP2(w->entry, u->i64, w->sym, &index, 1, "");
        *v = LLVMBuildLoad2(w->entry, u->i64, at, ex_sym_name(w->pool, (int)e->i));
    }
    return *v;
}

typedef LLVMValueRef Build2(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *);

/* acc op v, where the first operand may still be missing. */
static LLVMValueRef chain(Walk *w, LLVMValueRef acc, LLVMValueRef v, Build2 *build)
{
    if (acc == NULL)
        return v;
    same_shape(w, &acc, &v);
    return build(w->b, acc, v, "");
}

/* Uniform terms first, so that they are added as scalars. Index arithmetic does not overflow
 * (sizes fit 63 bits); arithmetic on the user's data wraps. */
static LLVMValueRef emit_sum(Walk *w, Ex e)
{
    bool wraps = has_load(w, e);
    Build2 *add = wraps ? LLVMBuildAdd : LLVMBuildNSWAdd;
    Build2 *mul = wraps ? LLVMBuildMul : LLVMBuildNSWMul;
    LLVMValueRef sum[2] = {e->i != 0 ? unit_i64(w->u, e->i) : NULL, NULL};

    for (int i = 0; i < e->narg; i++) {
        LLVMValueRef v = emit_value(w, e->arg[i]);
        int wide = is_vector(v);

        if (e->coef[i] != 1)
            v = mul(w->b, v, const_of(LLVMTypeOf(v), e->coef[i]), "");
        sum[wide] = chain(w, sum[wide], v, add);
    }
    if (sum[0] != NULL && sum[1] != NULL)
        return chain(w, sum[1], sum[0], add);
    if (sum[0] != NULL || sum[1] != NULL)
        return sum[0] != NULL ? sum[0] : sum[1];
    return unit_i64(w->u, 0);
}

static LLVMValueRef emit_product(Walk *w, Ex e)
{
    Build2 *mul = has_load(w, e) ? LLVMBuildMul : LLVMBuildNSWMul;
    LLVMValueRef p[2] = {NULL, NULL};

    for (int i = 0; i < e->narg; i++) {
        LLVMValueRef v = emit_value(w, e->arg[i]);

        p[is_vector(v)] = chain(w, p[is_vector(v)], v, mul);
    }
    return p[0] != NULL && p[1] != NULL ? chain(w, p[1], p[0], mul) : p[0] != NULL ? p[0] : p[1];
}

/* ---- guards ---- */

static LLVMValueRef in_scope(Walk *w, Ex e)
{
    Scope s = scope_open(w);
    LLVMValueRef v = emit_value(w, e);

    scope_close(w, s);
    return v;
}

/* A branch around the guarded loads. */
static LLVMValueRef guard_branch(Walk *w, LLVMValueRef pred, Ex e)
{
    LLVMBasicBlockRef yes = new_block(w, "guarded"), no = new_block(w, "otherwise");
    LLVMBasicBlockRef join = new_block(w, "join"), from[2];
    LLVMValueRef v[2], phi;

    LLVMBuildCondBr(w->b, pred, yes, no);
    LLVMPositionBuilderAtEnd(w->b, yes);
    v[0] = in_scope(w, e->arg[1]);
    from[0] = LLVMGetInsertBlock(w->b);
    LLVMPositionBuilderAtEnd(w->b, no);
    v[1] = in_scope(w, e->arg[2]);
    from[1] = LLVMGetInsertBlock(w->b);
    for (int i = 0; i < 2; i++) {
        LLVMPositionBuilderAtEnd(w->b, from[i]);
        if (is_vector(v[!i]))
            v[i] = splat(w, v[i]);
        LLVMBuildBr(w->b, join);
    }
    LLVMPositionBuilderAtEnd(w->b, join);
    phi = LLVMBuildPhi(w->b, LLVMTypeOf(v[0]), "");
    LLVMAddIncoming(phi, v, from, 2);
    return phi;
}

static LLVMValueRef guard_mask(Walk *w, LLVMValueRef pred, Ex e)
{
    LLVMValueRef outer = w->mask, yes, no;

    w->mask = outer != NULL ? LLVMBuildAnd(w->b, outer, pred, "") : pred;
    yes = splat(w, in_scope(w, e->arg[1]));
    w->mask = outer;
    no = splat(w, emit_value(w, e->arg[2]));
    return LLVMBuildSelect(w->b, pred, yes, no, "");
}

LLVMValueRef emit_guard(Walk *w, Ex e)
{
    LLVMValueRef pred = emit_value(w, e->arg[0]), yes, no;

    if (LLVMIsAConstantInt(pred) != NULL)
        return emit_value(w, e->arg[LLVMConstIntGetZExtValue(pred) != 0 ? 1 : 2]);
    if (has_load(w, e->arg[1]))
        return is_vector(pred) ? guard_mask(w, pred, e) : guard_branch(w, pred, e);
    yes = emit_value(w, e->arg[1]);
    no = emit_value(w, e->arg[2]);
    same_shape(w, &yes, &no);
    if (is_vector(pred)) {
        yes = splat(w, yes);
        no = splat(w, no);
    }
    return LLVMBuildSelect(w->b, pred, yes, no, "");
}

/* ---- all ---- */

static LLVMValueRef emit_new(Walk *w, Ex e)
{
    switch (e->op) {
    case EX_CONST:
        return emit_const(w, e);
    case EX_SYM:
        return emit_symbol(w, e);
    case EX_LOAD:
        return emit_load(w, e);
    case EX_GUARD:
        return emit_guard(w, e);
    case EX_CAST:
        return emit_cast(w, e);
    case EX_BITS:
        return emit_bits(w, e);
    case EX_LIN:
        return emit_sum(w, e);
    case EX_PROD:
        return emit_product(w, e);
    case EX_VAR:
    case EX_ACC:
    case EX_RHS:
        return emit_failure(w, e->elem, "a variable outside of its loop");
    default:
        return emit_scalar(w, e);
    }
}

LLVMValueRef emit_value(Walk *w, Ex e)
{
    LLVMValueRef v;
    bool fleeting = (facts_of(w, e) & FACT_FLEETING) != 0;

    if (w->memo.at[e->id] != NULL)
        return w->memo.at[e->id];
    v = emit_new(w, e);
    reserve_id(w, e->id);
    w->memo.at[e->id] = v;
    if (fleeting)
        vec_push(w->u->arena, &w->fleet, e->id);
    else
        vec_push(w->u->arena, &w->kept, e->id);
    return v;
}
