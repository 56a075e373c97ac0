/* Sizes: i64 expressions of symbols, for the host side. Sums and products are checked, because the
 * values come from the caller: `bad` becomes 1 where one does not fit 63 bits. */
#include "codegen/emit/c/emit.h"

static const char *call(Unit *u, const char *name, const char *a, const char *b, bool checked)
{
    return arena_printf(u->arena, "%s(%s, %s%s)", helper(u, name, ELEM_I64), a, b,
                        checked ? ", &bad" : "");
}

static const char *operation(Unit *u, Ex e)
{
    const char *v[3] = {"0", "0", "0"};
    const char *op = NULL;

    for (int i = 0; i < e->narg && i < 3; i++)
        v[i] = size_text(u, e->arg[i]);
    switch (e->op) {
    case EX_ADD:
        return call(u, "size_add", v[0], v[1], true);
    case EX_MUL:
        return call(u, "size_mul", v[0], v[1], true);
    case EX_DIV:
    case EX_FLOOR_DIV:
        return call(u, "size_div", v[0], v[1], false);
    case EX_REM:
    case EX_FLOOR_MOD:
        return call(u, "size_mod", v[0], v[1], false);
    case EX_MIN:
        return call(u, "min", v[0], v[1], false);
    case EX_MAX:
        return call(u, "max", v[0], v[1], false);
    case EX_AND:
        op = e->elem == ELEM_BOOL ? "&&" : "&";
        break;
    case EX_OR:
        op = e->elem == ELEM_BOOL ? "||" : "|";
        break;
    case EX_LT:
        op = "<";
        break;
    case EX_LE:
        op = "<=";
        break;
    case EX_EQ:
        op = "==";
        break;
    case EX_NE:
        op = "!=";
        break;
    case EX_NOT:
        return arena_printf(u->arena, "%s(%s)", e->elem == ELEM_BOOL ? "!" : "~", v[0]);
    case EX_CAST:
        return e->elem == ELEM_BOOL
                   ? arena_printf(u->arena, "((%s) != 0)", v[0])
                   : arena_printf(u->arena, "(%s)(%s)", type_value((Elem)e->elem), v[0]);
    case EX_GUARD:
    case EX_SELECT:
        return arena_printf(u->arena, "(%s ? %s : %s)", v[0], v[1], v[2]);
    default:
        return "(bad = 1, (int64_t)0)";
    }
    return arena_printf(u->arena, "(%s %s %s)", v[0], op, v[1]);
}

const char *size_text(Unit *u, Ex e)
{
    const char *s = NULL, *t;

    switch (e->op) {
    case EX_CONST:
        return literal_int(u->arena, (Elem)e->elem, e->i);
    case EX_SYM:
        return arena_printf(u->arena, "sym[%lld]", (long long)e->i);
    case EX_LIN:
        for (int i = 0; i < e->narg; i++) {
            t = size_text(u, e->arg[i]);
            if (e->coef[i] != 1)
                t = call(u, "size_mul", t, literal_int(u->arena, ELEM_I64, e->coef[i]), true);
            s = s == NULL ? t : call(u, "size_add", s, t, true);
        }
        t = literal_int(u->arena, ELEM_I64, e->i);
        return s == NULL ? t : e->i == 0 ? s : call(u, "size_add", s, t, true);
    case EX_PROD:
        for (int i = 0; i < e->narg; i++) {
            t = size_text(u, e->arg[i]);
            s = s == NULL ? t : call(u, "size_mul", s, t, true);
        }
        return s;
    default:
        return operation(u, e);
    }
}
