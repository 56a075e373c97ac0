/* Statements: loops whatever their binding, stores, branches, checks. */
#include "codegen/emit/c/emit.h"

#include <stdio.h>

void line(Walk *w, const char *fmt, ...)
{
    va_list ap;

    for (int i = 0; i <= w->depth; i++)
        str_add(w->out, "    ");
    va_start(ap, fmt);
    str_add(w->out, arena_vprintf(w->arena, fmt, ap));
    va_end(ap);
    str_addc(w->out, '\n');
}

/* MATH operations as polynomials. */
static Ex plain(Walk *w, Ex e)
{
    return ex_expand_math(w->pool, e);
}

static void begin(Walk *w, int n, const Ex *e)
{
    statement_begin(w);
    for (int i = 0; i < n; i++)
        count_uses(w, e[i]);
}

/* ---- registers: private to an iteration of the parallel loops ---- */

static void declare_registers(Walk *w)
{
    const Kernel *k = w->k;

    w->regs_declared = true;
    for (size_t i = 0; i < k->regs.len; i++) {
        const Buf *b = k->regs.at[i];
        Local *l = &w->buf[k->params.len + i];
        int64_t n = 1;

        ex_is_int(b->size, &n);
        if (l->is_scalar)
            line(w, "%s %s;", type_value(b->elem), l->name);
        else
            line(w, "%s %s[%lld];", type_value(b->elem), l->name, (long long)MAX(n, 1));
    }
}

/* ---- loops ---- */

static void emit_loop(Walk *w, const Stmt *s)
{
    Ex extent = plain(w, ex_var_extent(w->pool, s->loop.var));
    const char *type = type_of(w, s->loop.var), *name;
    int64_t n;
    Text limit;

    if (ex_is_int(extent, &n) && n <= 0)
        return;
    begin(w, 1, &extent);
    limit = emit_value(w, extent);
    name = arena_printf(w->arena, "%c%d", s->loop.kind == LOOP_SERIAL ? 'k' : 'i', w->nvars);
    line(w, "for (%s %s = 0; %s < %s; %s++) {", type, name, name, within(w, limit, PREC_ADD), name);
    vec_push(w->arena, &w->var, s->loop.var);
    vec_push(w->arena, &w->var_name, name);
    w->nvars++;
    w->depth++;
    emit_stmts(w, s->loop.body);
    w->depth--;
    w->nvars--;
    (void)vec_pop(&w->var);
    (void)vec_pop(&w->var_name);
    line(w, "}");
}

/* ---- stores ---- */

static void put(Walk *w, const Buf *b, Ex index, Ex value)
{
    const char *v = emit_whole(w, value).s;
    Local *l = local_of(w, b);

    if (l == NULL || type_memory(b->elem) == NULL) {
        emit_failure(w, b->elem, "a store");
        return;
    }
    if (is_packed(b->elem) && b->space != SPACE_REG) {
        l->is_used = true;
        line(w, "%s(%s, %s, %s);", helper(w->u, "store", b->elem), l->name, emit_value(w, index).s,
             v);
        return;
    }
    line(w, "%s = %s;", emit_place(w, b, index), v);
}

static void emit_store(Walk *w, const Stmt *s)
{
    Ex e[3] = {s->store.index, plain(w, s->store.value), s->store.guard};

    if (e[2] != NULL)
        e[2] = plain(w, e[2]);
    begin(w, e[2] != NULL ? 3 : 2, e);
    if (e[2] != NULL) {
        line(w, "if (%s) {", emit_value(w, e[2]).s);
        w->depth++;
    }
    put(w, s->store.buf, e[0], e[1]);
    if (e[2] != NULL) {
        w->depth--;
        line(w, "}");
    }
}

static void emit_if(Walk *w, const Stmt *s)
{
    Ex cond = plain(w, s->cond.cond);

    begin(w, 1, &cond);
    line(w, "if (%s) {", emit_value(w, cond).s);
    w->depth++;
    emit_stmts(w, s->cond.then);
    w->depth--;
    if (s->cond.otherwise != NULL) {
        line(w, "} else {");
        w->depth++;
        emit_stmts(w, s->cond.otherwise);
        w->depth--;
    }
    line(w, "}");
}

static void emit_check(Walk *w, const Stmt *s)
{
    Ex cond = plain(w, s->check.cond);

    begin(w, 1, &cond);
    w->has_check = true;
    line(w, "if (!%s)", within(w, emit_value(w, cond), PREC_PRIMARY));
    line(w, "    return %d;", s->check.code);
}

static bool is_parallel(const Stmt *s)
{
    return s->kind == STMT_LOOP && s->loop.kind == LOOP_PARALLEL;
}

void emit_stmts(Walk *w, const Stmt *s)
{
    if (!w->regs_declared && s != NULL && !is_parallel(s))
        declare_registers(w);
    for (; s != NULL && w->error == MLC_OK; s = s->next) {
        switch (s->kind) {
        case STMT_LOOP:
            emit_loop(w, s);
            break;
        case STMT_STORE:
            emit_store(w, s);
            break;
        case STMT_IF:
            emit_if(w, s);
            break;
        case STMT_CHECK:
            emit_check(w, s);
            break;
        }
    }
}
