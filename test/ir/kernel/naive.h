/* A second interpreter of kernels, for tests: one iteration, one node at a time, nothing shared
 * with the first. Slow and obvious. Float types f32 and f64, integers and bool; no MATH operations.
 */
#ifndef TEST_NAIVE_H
#define TEST_NAIVE_H

#include "ir/kernel/kernel.h"

#include <math.h>
#include <stdlib.h>

enum { NAIVE_VARS = 4096 };

typedef union NaiveValue {
    double f;  /* floats, rounded to their type */
    int64_t i; /* integers, wrapped to their type */
} NaiveValue;

typedef struct Naive {
    const Kernel *k;
    const InterpArg *args;
    InterpArg *regs; /* zeroed by the caller */
    const int64_t *sym;
    int64_t var[NAIVE_VARS];
    bool out_of_bounds;
    int code;
} Naive;

static const InterpArg *naive_mem(Naive *n, const Buf *b)
{
    for (size_t i = 0; i < n->k->params.len; i++)
        if (n->k->params.at[i] == b)
            return &n->args[i];
    for (size_t i = 0; i < n->k->regs.len; i++)
        if (n->k->regs.at[i] == b)
            return &n->regs[i];
    abort();
}

static int64_t naive_wrap(Elem e, uint64_t v)
{
    int bits = e == ELEM_BOOL ? 1 : elem_bits[e];
    if (bits == 64)
        return (int64_t)v;
    v <<= 64 - bits;
    return elem_is_signed(e) ? (int64_t)v >> (64 - bits) : (int64_t)(v >> (64 - bits));
}

static int64_t naive_floor_div(int64_t a, int64_t b)
{
    return b == 0    ? 0
           : b == -1 ? (int64_t)(0 - (uint64_t)a)
                     : a / b - (a % b && (a % b < 0) != (b < 0));
}

static int64_t naive_int(ExOp op, Elem e, int64_t a, int64_t b)
{
    bool u = elem_is_unsigned(e);
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    unsigned shift = (unsigned)(y % elem_bits[e]);
    switch (op) {
    case EX_ADD:
        return e == ELEM_BOOL ? a | b : (int64_t)(x + y);
    case EX_SUB:
        return (int64_t)(x - y);
    case EX_MUL:
        return (int64_t)(x * y);
    case EX_DIV:
        return b == 0 ? 0 : u ? (int64_t)(x / y) : b == -1 ? (int64_t)(0 - x) : a / b;
    case EX_REM:
        return b == 0 || (!u && b == -1) ? 0 : u ? (int64_t)(x % y) : a % b;
    case EX_FLOOR_DIV:
        return u ? (b ? (int64_t)(x / y) : 0) : naive_floor_div(a, b);
    case EX_FLOOR_MOD:
        return u        ? (b ? (int64_t)(x % y) : 0)
               : b == 0 ? 0
                        : (int64_t)(x - (uint64_t)naive_floor_div(a, b) * y);
    case EX_MIN:
        return (u ? x < y : a < b) ? a : b;
    case EX_MAX:
        return (u ? x > y : a > b) ? a : b;
    case EX_NEG:
        return (int64_t)(0 - x);
    case EX_ABS:
        return a < 0 && !u ? (int64_t)(0 - x) : a;
    case EX_AND:
        return a & b;
    case EX_OR:
        return a | b;
    case EX_XOR:
        return a ^ b;
    case EX_NOT:
        return e == ELEM_BOOL ? !a : ~a;
    case EX_SHL:
        return (int64_t)(x << shift);
    case EX_SHR:
        return u ? (int64_t)(x >> shift) : a >> shift;
    case EX_LT:
        return u ? x < y : a < b;
    case EX_LE:
        return u ? x <= y : a <= b;
    case EX_EQ:
        return a == b;
    case EX_NE:
        return a != b;
    default:
        abort();
    }
}

static NaiveValue naive_float(ExOp op, Elem e, double a, double b, double c)
{
    NaiveValue r;
    switch (op) {
    case EX_ADD:
        r.f = a + b;
        break;
    case EX_SUB:
        r.f = a - b;
        break;
    case EX_MUL:
        r.f = a * b;
        break;
    case EX_DIV:
        r.f = a / b;
        break;
    case EX_MIN:
        r.f = isnan(a) ? a : isnan(b) ? b : a < b ? a : b;
        break;
    case EX_MAX:
        r.f = isnan(a) ? a : isnan(b) ? b : a > b ? a : b;
        break;
    case EX_NEG:
        r.f = -a;
        break;
    case EX_ABS:
        r.f = fabs(a);
        break;
    case EX_SQRT:
        r.f = sqrt(a);
        break;
    case EX_FLOOR:
        r.f = floor(a);
        break;
    case EX_CEIL:
        r.f = ceil(a);
        break;
    case EX_TRUNC:
        r.f = trunc(a);
        break;
    case EX_ROUND_EVEN:
        r.f = rint(a);
        break;
    case EX_FMA:
        r.f = e == ELEM_F32 ? fmaf((float)a, (float)b, (float)c) : fma(a, b, c);
        break;
    case EX_LT:
        r.i = a < b;
        return r;
    case EX_LE:
        r.i = a <= b;
        return r;
    case EX_EQ:
        r.i = a == b;
        return r;
    case EX_NE:
        r.i = a != b;
        return r;
    default:
        abort();
    }
    if (e == ELEM_F32)
        r.f = (float)r.f;
    return r;
}

static NaiveValue naive_eval(Naive *n, Ex e);

static NaiveValue naive_load(Naive *n, Ex e)
{
    NaiveValue r = {.i = 0};
    const InterpArg *m = naive_mem(n, e->buf);
    int64_t at = naive_eval(n, e->arg[0]).i;
    if (at < 0 || at >= m->count) {
        n->out_of_bounds = true;
        return r;
    }
    size_t k = m->splat ? 0 : (size_t)at;
    if (elem_is_float((Elem)e->elem))
        r.f = elem_get_f64((Elem)e->elem, m->data, k);
    else
        r.i = elem_get_i64((Elem)e->elem, m->data, k);
    return r;
}

static NaiveValue naive_cast(Naive *n, Ex e)
{
    Elem to = (Elem)e->elem, from = (Elem)e->arg[0]->elem;
    NaiveValue v = naive_eval(n, e->arg[0]), r;
    uint64_t word = 0;
    if (elem_is_float(to)) {
        if (elem_is_float(from))
            elem_set_f64(to, &word, 0, v.f);
        else if (from == ELEM_U64)
            elem_set_f64(to, &word, 0,
                         to == ELEM_F32 ? (float)(uint64_t)v.i : (double)(uint64_t)v.i);
        else
            elem_set_i64(to, &word, 0, v.i);
        r.f = elem_get_f64(to, &word, 0);
    } else if (to == ELEM_BOOL) {
        r.i = elem_is_float(from) ? v.f != 0 : v.i != 0;
    } else {
        r.i = naive_wrap(to, (uint64_t)(elem_is_float(from) ? (int64_t)v.f : v.i));
    }
    return r;
}

static NaiveValue naive_eval(Naive *n, Ex e)
{
    NaiveValue r = {.i = 0}, a[3] = {{0}};
    switch (e->op) {
    case EX_CONST:
        if (elem_is_float((Elem)e->elem))
            r.f = e->f;
        else
            r.i = e->i;
        return r;
    case EX_SYM:
        r.i = n->sym[e->i];
        return r;
    case EX_VAR:
        r.i = n->var[e->i];
        return r;
    case EX_LOAD:
        return naive_load(n, e);
    case EX_GUARD:
    case EX_SELECT:
        return naive_eval(n, e->arg[naive_eval(n, e->arg[0]).i ? 1 : 2]);
    case EX_CAST:
        return naive_cast(n, e);
    case EX_LIN:
        r.i = e->i;
        for (int k = 0; k < e->narg; k++)
            r.i = (int64_t)((uint64_t)r.i +
                            (uint64_t)e->coef[k] * (uint64_t)naive_eval(n, e->arg[k]).i);
        return r;
    case EX_PROD:
        r.i = 1;
        for (int k = 0; k < e->narg; k++)
            r.i = (int64_t)((uint64_t)r.i * (uint64_t)naive_eval(n, e->arg[k]).i);
        return r;
    default:
        break;
    }
    for (int k = 0; k < e->narg; k++)
        a[k] = naive_eval(n, e->arg[k]);
    Elem t = (Elem)e->arg[0]->elem;
    if (elem_is_float(t))
        return naive_float((ExOp)e->op, t, a[0].f, a[1].f, a[2].f);
    r.i = naive_wrap((Elem)e->elem, (uint64_t)naive_int((ExOp)e->op, t, a[0].i, a[1].i));
    return r;
}

static void naive_stmts(Naive *n, const Stmt *s);

static void naive_store(Naive *n, const Stmt *s)
{
    if (s->store.guard && !naive_eval(n, s->store.guard).i)
        return;
    const InterpArg *m = naive_mem(n, s->store.buf);
    int64_t at = naive_eval(n, s->store.index).i;
    NaiveValue v = naive_eval(n, s->store.value);
    if (at < 0 || at >= m->count)
        n->out_of_bounds = true;
    else if (elem_is_float(s->store.buf->elem))
        elem_set_f64(s->store.buf->elem, m->data, (size_t)at, v.f);
    else
        elem_set_i64(s->store.buf->elem, m->data, (size_t)at, v.i);
}

static void naive_stmts(Naive *n, const Stmt *s)
{
    for (; s && !n->out_of_bounds && !n->code; s = s->next) {
        switch (s->kind) {
        case STMT_LOOP: {
            int64_t extent = naive_eval(n, ex_var_extent(n->k->pool, s->loop.var)).i;
            int64_t *v = &n->var[s->loop.var->i];
            for (*v = 0; *v < extent && !n->out_of_bounds && !n->code; ++*v)
                naive_stmts(n, s->loop.body);
            break;
        }
        case STMT_STORE:
            naive_store(n, s);
            break;
        case STMT_IF:
            naive_stmts(n, naive_eval(n, s->cond.cond).i ? s->cond.then : s->cond.otherwise);
            break;
        case STMT_CHECK:
            if (!naive_eval(n, s->check.cond).i)
                n->code = s->check.code;
            break;
        }
    }
}

#endif
