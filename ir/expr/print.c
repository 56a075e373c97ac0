/* Expressions as text, for people and for the text forms. */
#include "ir/expr/pool.h"

#include "ir/expr/buf.h"

static void print_args(Str *s, const ExPool *p, Ex e)
{
    for (int i = 0; i < e->narg; i++) {
        if (i)
            str_add(s, ", ");
        ex_print(s, p, e->arg[i]);
    }
}

static void print_const(Str *s, Ex e)
{
    if (elem_is_float((Elem)e->elem))
        str_printf(s, "%a", e->f);
    else if (elem_is_unsigned((Elem)e->elem))
        str_printf(s, "%llu", (unsigned long long)e->i);
    else
        str_printf(s, "%lld", (long long)e->i);
    if (e->elem != ELEM_I64)
        str_printf(s, ":%s", elem_name[e->elem]);
}

static void print_lin(Str *s, const ExPool *p, Ex e)
{
    const char *sep = "";
    for (int i = 0; i < e->narg; i++) {
        int64_t c = e->coef[i];
        str_add(s, c < 0 ? (i ? " - " : "-") : sep);
        uint64_t magnitude = c < 0 ? 0 - (uint64_t)c : (uint64_t)c;
        if (magnitude != 1)
            str_printf(s, "%llu*", (unsigned long long)magnitude);
        ex_print(s, p, e->arg[i]);
        sep = " + ";
    }
    if (e->i)
        str_printf(s, e->i < 0 ? " - %llu" : " + %llu",
                   (unsigned long long)(e->i < 0 ? 0 - (uint64_t)e->i : (uint64_t)e->i));
}

void ex_print(Str *s, const ExPool *p, Ex e)
{
    switch (e->op) {
    case EX_CONST: print_const(s, e); return;
    case EX_SYM: str_add(s, ex_sym_name(p, (int)e->i)); return;
    case EX_VAR: str_printf(s, "i%lld", (long long)e->i); return;
    case EX_ACC: str_printf(s, "acc%lld", (long long)e->i); return;
    case EX_RHS: str_printf(s, "rhs%lld", (long long)e->i); return;
    case EX_LOAD:
        str_printf(s, "%s[", e->buf->name ? e->buf->name : "?");
        print_args(s, p, e);
        str_addc(s, ']');
        return;
    case EX_LIN: print_lin(s, p, e); return;
    case EX_PROD:
        for (int i = 0; i < e->narg; i++) {
            str_add(s, i ? "*" : "");
            ex_print(s, p, e->arg[i]);
        }
        return;
    case EX_CAST:
    case EX_BITS:
        str_printf(s, "%s_%s(", e->op == EX_BITS ? "bits" : e->i ? "sat" : "cast", elem_name[e->elem]);
        break;
    default: str_printf(s, "%s(", ex_op_name[e->op]); break;
    }
    print_args(s, p, e);
    str_addc(s, ')');
}
