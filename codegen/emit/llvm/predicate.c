/* Conditions in vector loops.
 *
 * A comparison that is affine in the lane, c*lane + r > 0, is a comparison of the lane number with
 * a uniform threshold; it is done in 32 bits, because 64-bit lanes would cost twice the registers.
 * Loop tails: where all such guards of a body hold for the first and the last lane they hold for
 * all between, so the body is emitted twice, once without masks. */
#include "codegen/emit/llvm/emit.h"

static LLVMValueRef lane_numbers(Walk *w)
{
    LLVMValueRef at[64];

    for (unsigned i = 0; i < w->width; i++)
        at[i] = unit_i32(w->u, i);
    return LLVMConstVector(at, w->width);
}

/* A uniform i64 value clamped to [-1, width] as a splat of i32. */
static LLVMValueRef threshold(Walk *w, Ex e)
{
    Unit *u = w->u;
    LLVMValueRef args[2] = {emit_value(w, e), unit_i64(u, -1)};

    args[0] = unit_call(u, w->b, "llvm.smax", &u->i64, 1, args, 2);
    args[1] = unit_i64(u, w->width);
    args[0] = unit_call(u, w->b, "llvm.smin", &u->i64, 1, args, 2);
    return splat(w, LLVMBuildTrunc(w->b, args[0], u->i32, ""));
}

LLVMValueRef emit_lane_compare(Walk *w, Ex e)
{
    ExPool *p = w->pool;
    Ex diff, rest, coef;
    int64_t c;

    if (w->lane == NULL || (e->op != EX_LT && e->op != EX_LE) || e->arg[0]->elem != ELEM_I64 ||
        has_load(w, e) || !ex_uses(e, w->lane))
        return NULL;
    /* a < b is b - a > 0; a <= b is b - a + 1 > 0 */
    diff = ex_sub(p, e->arg[1], e->arg[0]);
    if (e->op == EX_LE)
        diff = ex_add(p, diff, ex_int(p, 1));
    coef = ex_affine(p, diff, w->lane, &rest);
    if (coef == NULL || !ex_is_int(coef, &c) || c == 0)
        return NULL;
    if (c < 0) /* lane < ceil(rest / -c) */
        return LLVMBuildICmp(w->b, LLVMIntSLT, lane_numbers(w),
                             threshold(w, ex_ceil_div(p, rest, ex_int(p, -c))), "");
    /* lane > floor(-rest / c) */
    return LLVMBuildICmp(w->b, LLVMIntSGT, lane_numbers(w),
                         threshold(w, ex_floor_div(p, ex_neg(p, rest), ex_int(p, c))), "");
}

/* ---- bodies without tails ---- */

typedef struct Leaves {
    Walk *w;
    Ex at[MAX_LEAVES];
    int n; /* more than MAX_LEAVES: too many */
} Leaves;

/* Every variable and load that the expression needs is known before the loop body. */
static bool is_known_here(Walk *w, Ex e)
{
    if (is_bound(w, e))
        return true;
    if (e->op == EX_VAR || e->op == EX_LOAD || e->op == EX_ACC || e->op == EX_RHS)
        return false;
    for (int i = 0; i < e->narg; i++) {
        if (!is_known_here(w, e->arg[i]))
            return false;
    }
    return true;
}

static void add_leaf(Leaves *l, Ex e)
{
    Ex coef;

    if (e->op == EX_AND) {
        add_leaf(l, e->arg[0]);
        add_leaf(l, e->arg[1]);
        return;
    }
    if ((e->op != EX_LT && e->op != EX_LE) || e->arg[0]->elem != ELEM_I64 ||
        !ex_uses(e, l->w->lane) || !is_known_here(l->w, e))
        return;
    coef = ex_affine(l->w->pool, ex_sub(l->w->pool, e->arg[1], e->arg[0]), l->w->lane, NULL);
    if (coef == NULL || !ex_is_int(coef, NULL))
        return;
    for (int i = 0; i < l->n && i < MAX_LEAVES; i++) {
        if (l->at[i] == e)
            return;
    }
    if (l->n < MAX_LEAVES)
        l->at[l->n] = e;
    l->n++;
}

static void leaves_of_value(Leaves *l, Ex e, int depth)
{
    if (depth > 64)
        return;
    if (e->op == EX_GUARD)
        add_leaf(l, e->arg[0]);
    for (int i = 0; i < e->narg && l->n <= MAX_LEAVES; i++) {
        if (e->arg[i]->narg > 0 && !is_bound(l->w, e->arg[i]))
            leaves_of_value(l, e->arg[i], depth + 1);
    }
}

/* The number of statements; those inside serial loops are what counts for speed. */
static int collect(Leaves *l, const Stmt *s)
{
    int n = 0;

    for (; s != NULL; s = s->next, n++) {
        switch (s->kind) {
        case STMT_LOOP:
            n += collect(l, s->loop.body);
            break;
        case STMT_STORE:
            if (s->store.guard != NULL)
                add_leaf(l, s->store.guard);
            leaves_of_value(l, s->store.value, 0);
            break;
        case STMT_IF:
            add_leaf(l, s->cond.cond);
            n += collect(l, s->cond.then) + collect(l, s->cond.otherwise);
            break;
        case STMT_CHECK:
            break;
        }
    }
    return n;
}

int emit_full_lanes(Walk *w, const Stmt *body, Ex leaf[MAX_LEAVES], LLVMValueRef *all)
{
    Leaves l = {.w = w};
    Ex end[2] = {ex_int(w->pool, 0), ex_int(w->pool, (int64_t)w->width - 1)};

    *all = NULL;
    if (collect(&l, body) > 32 || l.n > MAX_LEAVES)
        return 0;
    for (int i = 0; i < l.n; i++) {
        leaf[i] = l.at[i];
        for (int k = 0; k < 2; k++) {
            LLVMValueRef v = emit_value(w, ex_subst(w->pool, leaf[i], 1, &w->lane, &end[k]));

            *all = *all == NULL ? v : LLVMBuildAnd(w->b, *all, v, "");
        }
    }
    return l.n;
}
