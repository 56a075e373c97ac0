/* The kernel verifier: structure, element types, scopes of variables, placement of loops. */
#include "ir/kernel/kernel.h"

#include "ir/base/ctx.h"

#include <stdio.h>

typedef struct Check {
    Ctx *ctx;
    const Kernel *k;
    Arena *arena;
    Status status;
    VEC(Ex) vars;  /* of the enclosing loops */
    uint8_t *seen; /* by expression id: verified under `seen_stamp` */
    size_t seen_cap;
    uint8_t stamp;
} Check;

static void fail(Check *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void fail(Check *c, const char *fmt, ...)
{
    if (c->status != MLC_OK)
        return;
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->status = diag_error(c->ctx, E0901, (Loc){0}, MLC_BUG, "kernel '%s': %s",
                           c->k->name ? c->k->name : "?", text);
}

static bool has_buf(const Check *c, const Buf *b)
{
    for (size_t i = 0; i < c->k->params.len; i++)
        if (c->k->params.at[i] == b)
            return true;
    for (size_t i = 0; i < c->k->regs.len; i++)
        if (c->k->regs.at[i] == b)
            return true;
    return false;
}

static bool has_var(const Check *c, Ex v)
{
    for (size_t i = 0; i < c->vars.len; i++)
        if (c->vars.at[i] == v)
            return true;
    return false;
}

/* Was the node verified in the present scope? Marks it. */
static bool seen(Check *c, Ex e)
{
    if (e->id >= c->seen_cap) {
        size_t cap = MAX((size_t)e->id + 1, MAX(c->seen_cap * 2, (size_t)1024));
        c->seen = arena_grow(c->arena, c->seen, c->seen_cap, cap, 1);
        c->seen_cap = cap;
    }
    if (c->seen[e->id] == c->stamp)
        return true;
    c->seen[e->id] = c->stamp;
    return false;
}

/* The variables in scope changed: everything is to be looked at again. */
static void scope_changed(Check *c)
{
    if (++c->stamp == 0) {
        if (c->seen_cap)
            memset(c->seen, 0, c->seen_cap);
        c->stamp = 1;
    }
}

static void check_leaf(Check *c, Ex e)
{
    switch (e->op) {
    case EX_VAR:
        if (!has_var(c, e))
            fail(c, "variable i%lld is used outside its loop", (long long)e->i);
        break;
    case EX_ACC:
    case EX_RHS:
        fail(c, "%s is left in an expression", ex_op_name[e->op]);
        break;
    case EX_LOAD:
        if (!has_buf(c, e->buf))
            fail(c, "load from '%s', which is neither parameter nor register", e->buf->name);
        else if (e->narg != 1 || e->arg[0]->elem != ELEM_I64)
            fail(c, "load from '%s' has not one i64 index", e->buf->name);
        else if (e->elem != e->buf->elem)
            fail(c, "load of %s from '%s' of %s", elem_name[e->elem], e->buf->name,
                 elem_name[e->buf->elem]);
        break;
    default:
        break;
    }
}

static void check_types(Check *c, Ex e)
{
    if (!ex_op_is_scalar((ExOp)e->op))
        return;
    bool select = e->op == EX_SELECT, shift = e->op == EX_SHL || e->op == EX_SHR;
    bool compare = e->op == EX_LT || e->op == EX_LE || e->op == EX_EQ || e->op == EX_NE;
    if (e->narg != ex_op_arity[e->op])
        fail(c, "%s with %d arguments", ex_op_name[e->op], e->narg);
    else if (select && e->arg[0]->elem != ELEM_BOOL)
        fail(c, "select by %s", elem_name[e->arg[0]->elem]);
    for (int i = 1 + select; i < e->narg && !shift && c->status == MLC_OK; i++)
        if (e->arg[i]->elem != e->arg[select]->elem)
            fail(c, "%s of %s and %s", ex_op_name[e->op], elem_name[e->arg[select]->elem],
                 elem_name[e->arg[i]->elem]);
    if (c->status == MLC_OK && e->elem != (compare ? ELEM_BOOL : e->arg[select]->elem))
        fail(c, "%s of %s gives %s", ex_op_name[e->op], elem_name[e->arg[select]->elem],
             elem_name[e->elem]);
    if (c->status == MLC_OK && !select && !elem_is_native((Elem)e->arg[0]->elem))
        fail(c, "%s of the storage type %s", ex_op_name[e->op], elem_name[e->arg[0]->elem]);
}

/* Has the operation a meaning for the type? */
static bool has_meaning(ExOp op, Elem e)
{
    if (op == EX_SELECT || op == EX_MIN || op == EX_MAX || op == EX_LT || op == EX_LE ||
        op == EX_EQ || op == EX_NE)
        return true;
    bool is_bit_op = op >= EX_AND && op <= EX_SHR;
    if (e == ELEM_BOOL)
        return (is_bit_op && op != EX_SHL && op != EX_SHR) || op == EX_ADD || op == EX_MUL;
    if (elem_is_float(e))
        return !is_bit_op;
    return op != EX_SQRT && op < EX_EXP;
}

static void check_expr(Check *c, Ex e)
{
    if (c->status != MLC_OK || seen(c, e))
        return;
    check_leaf(c, e);
    check_types(c, e);
    if (c->status == MLC_OK && ex_op_is_scalar((ExOp)e->op) &&
        !has_meaning((ExOp)e->op, (Elem)e->arg[0]->elem))
        fail(c, "%s of %s has no meaning", ex_op_name[e->op], elem_name[e->arg[0]->elem]);
    for (int i = 0; i < e->narg; i++)
        check_expr(c, e->arg[i]);
}

static void check_bool(Check *c, Ex e, const char *what)
{
    if (e->elem != ELEM_BOOL)
        fail(c, "%s is %s, not bool", what, elem_name[e->elem]);
    check_expr(c, e);
}

static void check_store(Check *c, const Stmt *s)
{
    const Buf *b = s->store.buf;
    if (!has_buf(c, b))
        fail(c, "store to '%s', which is neither parameter nor register", b->name);
    else if (b->space == SPACE_INPUT || b->space == SPACE_CONST)
        fail(c, "store to '%s', which is read only", b->name);
    else if (s->store.index->elem != ELEM_I64)
        fail(c, "the index of a store to '%s' is %s", b->name, elem_name[s->store.index->elem]);
    else if (s->store.value->elem != b->elem)
        fail(c, "store of %s to '%s' of %s", elem_name[s->store.value->elem], b->name,
             elem_name[b->elem]);
    check_expr(c, s->store.index);
    check_expr(c, s->store.value);
    if (s->store.guard)
        check_bool(c, s->store.guard, "the guard of a store");
}

static void check_list(Check *c, const Stmt *s, bool may_be_parallel);

static void check_loop(Check *c, const Stmt *s, bool may_be_parallel)
{
    Ex v = s->loop.var;
    if (v->op != EX_VAR) {
        fail(c, "a loop without variable");
        return;
    }
    Ex extent = ex_var_extent(c->k->pool, v);
    if (has_var(c, v))
        fail(c, "two nested loops have variable i%lld", (long long)v->i);
    if (s->loop.kind == LOOP_PARALLEL && !may_be_parallel)
        fail(c, "a parallel loop inside the body of the kernel");
    if ((s->loop.kind == LOOP_VECTOR || s->loop.kind == LOOP_UNROLLED) && !ex_is_int(extent, NULL))
        fail(c, "the extent of a vector or unrolled loop is not constant");
    check_expr(c, extent);
    vec_push(c->arena, &c->vars, v);
    scope_changed(c);
    bool perfect = s->loop.kind == LOOP_PARALLEL && s->loop.body && !s->loop.body->next;
    check_list(c, s->loop.body, perfect);
    (void)vec_pop(&c->vars);
    scope_changed(c);
}

static void check_list(Check *c, const Stmt *s, bool may_be_parallel)
{
    for (; s && c->status == MLC_OK; s = s->next) {
        switch (s->kind) {
        case STMT_LOOP:
            check_loop(c, s, may_be_parallel);
            break;
        case STMT_STORE:
            check_store(c, s);
            break;
        case STMT_IF:
            check_bool(c, s->cond.cond, "a condition");
            check_list(c, s->cond.then, false);
            check_list(c, s->cond.otherwise, false);
            break;
        case STMT_CHECK:
            check_bool(c, s->check.cond, "the condition of a check");
            if (s->check.code <= 0)
                fail(c, "a check with code %d", s->check.code);
            break;
        }
    }
}

static bool is_identifier(const char *s)
{
    if (!s || !*s || (*s >= '0' && *s <= '9'))
        return false;
    for (; *s; s++)
        if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') && !(*s >= '0' && *s <= '9') &&
            *s != '_')
            return false;
    return true;
}

Status kernel_verify(Ctx *ctx, const Kernel *k)
{
    Check c = {.ctx = ctx, .k = k, .arena = arena_new(ctx), .stamp = 1};
    if (!is_identifier(k->name))
        fail(&c, "its name is no identifier");
    for (size_t i = 0; i < k->params.len; i++)
        if (k->params.at[i]->space == SPACE_REG)
            fail(&c, "register '%s' is a parameter", k->params.at[i]->name);
    for (size_t i = 0; i < k->regs.len; i++) {
        if (k->regs.at[i]->space != SPACE_REG)
            fail(&c, "'%s' among the registers is none", k->regs.at[i]->name);
        if (!ex_is_int(k->regs.at[i]->size, NULL))
            fail(&c, "the size of register '%s' is not constant", k->regs.at[i]->name);
    }
    check_list(&c, k->body, true);
    arena_free(c.arena);
    return c.status;
}
