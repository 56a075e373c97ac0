/* Reading expressions: each node is checked against what its constructor asserts, then built by it,
 * so that normal forms hold whatever the bytes say. */
#include "ir/program/serial_read.h"

enum { MAX_ARGS = 250 };

static bool all_are(int n, const Ex *arg, Elem e)
{
    for (int i = 0; i < n; i++)
        if (arg[i]->elem != e)
            return false;
    return true;
}

static Ex r_const(Reader *r, Elem e)
{
    if (!elem_is_float(e))
        return ex_const_i(r->pool, e, r_i(r));
    if (r->end - r->at < 8) {
        fault(r, "it ends early");
        return ex_int(r->pool, 0);
    }
    uint64_t bits = word_at(r->at);
    double f;
    r->at += 8;
    memcpy(&f, &bits, sizeof f);
    return ex_const_f(r->pool, e, f);
}

static Ex r_var(Reader *r)
{
    size_t most = MIN((size_t)SERIAL_VARS, SERIAL_VARS_FREE + SERIAL_VARS_RATIO * r->size);
    size_t number = r_below(r, most, "a variable's number is too large");
    Ex extent = r_size(r);
    if (r->status == MLC_OK && (int)number < ex_var_count(r->pool))
        fault(r, "variables are out of order");
    if (r->status != MLC_OK)
        return extent;
    while (ex_var_count(r->pool) < (int)number) /* unused, so that numbers stay */
        ex_var(r->pool, ex_int(r->pool, 1));
    return ex_var(r->pool, extent);
}

static Ex r_sum(Reader *r, int n, const Ex *arg)
{
    Ex sum = ex_int(r->pool, r_i(r));
    for (int i = 0; i < n; i++)
        sum = ex_add(r->pool, sum, ex_mul(r->pool, arg[i], ex_int(r->pool, r_i(r))));
    return sum;
}

static Ex r_scalar(Reader *r, ExOp op, int n, const Ex *arg)
{
    bool select = op == EX_SELECT, shift = op == EX_SHL || op == EX_SHR;
    if (n != ex_op_arity[op] || (select && arg[0]->elem != ELEM_BOOL) ||
        (!all_are(n - select, arg + select, (Elem)arg[select]->elem) && !shift)) {
        fault(r, "an operation has arguments of wrong number or type");
        return ex_int(r->pool, 0);
    }
    if (shift && arg[0]->elem != arg[1]->elem) {
        fault(r, "a shift by another type");
        return ex_int(r->pool, 0);
    }
    return ex_op(r->pool, op, n, arg);
}

/* The node itself: op, type and arguments are read. NULL: they do not fit. */
static Ex r_built(Reader *r, ExOp op, Elem e, int n, const Ex *arg)
{
    ExPool *p = r->pool;
    Ex x;
    size_t k;
    switch (op) {
    case EX_CONST:
        return n == 0 ? r_const(r, e) : NULL;
    case EX_SYM:
        k = r_below(r, (size_t)ex_sym_count(p), "there is no such symbol");
        return n == 0 && r->status == MLC_OK ? ex_sym_at(p, (int)k) : NULL;
    case EX_VAR:
        return n == 0 ? r_var(r) : NULL;
    case EX_LOAD: {
        Buf *b = r_buf(r);
        return b && b->elem == e && n <= MAX_RANK && all_are(n, arg, ELEM_I64)
                   ? ex_load(p, b, e, n, arg)
                   : NULL;
    }
    case EX_GUARD:
        return n == 3 && arg[0]->elem == ELEM_BOOL && arg[1]->elem == arg[2]->elem
                   ? ex_guard(p, arg[0], arg[1], arg[2])
                   : NULL;
    case EX_CAST:
        k = r_below(r, 2, "a flag is neither 0 nor 1");
        return n != 1 ? NULL : k ? ex_cast_saturating(p, e, arg[0]) : ex_cast(p, e, arg[0]);
    case EX_BITS:
        return n == 1 && elem_bits[e] == elem_bits[arg[0]->elem] ? ex_bits(p, e, arg[0]) : NULL;
    case EX_LIN:
        return all_are(n, arg, ELEM_I64) ? r_sum(r, n, arg) : NULL;
    case EX_PROD:
        if (n < 2 || !all_are(n, arg, ELEM_I64))
            return NULL;
        x = arg[0];
        for (int i = 1; i < n; i++)
            x = ex_mul(p, x, arg[i]);
        return x;
    default:
        return ex_op_is_scalar(op) && op < EX_OP_COUNT ? r_scalar(r, op, n, arg) : NULL;
    }
}

void r_node(Reader *r)
{
    Ex arg[MAX_ARGS];
    int deepest = 0;
    ExOp op = (ExOp)r_below(r, EX_OP_COUNT, "an operation is unknown");
    Elem e = r_elem(r);
    int n = (int)r_below(r, MAX_ARGS + 1, "an operation has too many arguments");
    for (int i = 0; i < n && r->status == MLC_OK; i++) {
        size_t k = r_below(r, r->nexpr, "an expression refers to a later one");
        if (r->status == MLC_OK) {
            arg[i] = r->expr[k];
            deepest = MAX(deepest, r->depth[k]);
        }
    }
    if (r->status == MLC_OK && deepest >= SERIAL_DEPTH)
        fault(r, "an expression is nested too deeply");
    if (r->status != MLC_OK)
        return;
    Ex x = r_built(r, op, e, n, arg);
    if (r->status == MLC_OK && (!x || x->elem != e))
        fault(r, "an expression has arguments of wrong number or type");
    if (r->status != MLC_OK)
        return;
    r->expr[r->nexpr] = x;
    r->depth[r->nexpr++] = (uint16_t)(deepest + 1);
}
