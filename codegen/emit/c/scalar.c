/* The operations of scalar.def as C: operators where they mean the same, else a helper. */
#include "codegen/emit/c/emit.h"

static Text binary(Walk *w, Ex e, const char *op, int prec)
{
    Text a = emit_value(w, e->arg[0]), b = emit_value(w, e->arg[1]);
    const char *left = within(w, a, prec), *right = within(w, b, prec - 1);

    return text_of(w, prec, "%s %s %s", left, op, right);
}

/* Operands of comparisons and logic are arithmetic or in parentheses: no precedence to know. */
static Text relation(Walk *w, Ex e, const char *op, int prec)
{
    Text a = emit_value(w, e->arg[0]), b = emit_value(w, e->arg[1]);
    int most = prec == PREC_AND || prec == PREC_OR ? PREC_EQUAL : PREC_ADD;
    const char *left = within(w, a, a.prec == prec && most == PREC_EQUAL ? prec : most);

    return text_of(w, prec, "%s %s %s", left, op,
                   within(w, b, b.prec == prec && most == PREC_EQUAL ? prec : most));
}

static Text call(Walk *w, Ex e, const char *name, Elem type)
{
    return call_text(w, helper(w->u, name, type), e->narg, e->arg);
}

static Text call_math(Walk *w, Ex e, const char *name)
{
    w->u->uses_math = true;
    return call_text(w, e->elem == ELEM_F32 ? arena_printf(w->arena, "%sf", name) : name, e->narg,
                     e->arg);
}

static Text minus(Walk *w, Ex e)
{
    return text_of(w, PREC_UNARY, "-%s", within(w, emit_value(w, e->arg[0]), PREC_PRIMARY));
}

/* Comparisons, of all types. */
static Text compare(Walk *w, Ex e)
{
    switch (e->op) {
    case EX_LT:
        return relation(w, e, "<", PREC_ORDER);
    case EX_LE:
        return relation(w, e, "<=", PREC_ORDER);
    case EX_EQ:
        return relation(w, e, "==", PREC_EQUAL);
    default:
        return relation(w, e, "!=", PREC_EQUAL);
    }
}

static Text float_op(Walk *w, Ex e)
{
    switch (e->op) {
    case EX_ADD:
        return binary(w, e, "+", PREC_ADD);
    case EX_SUB:
        return binary(w, e, "-", PREC_ADD);
    case EX_MUL:
        return binary(w, e, "*", PREC_MUL);
    case EX_DIV:
        return binary(w, e, "/", PREC_MUL);
    case EX_REM:
        return call_math(w, e, "fmod");
    case EX_FLOOR_DIV:
    case EX_FLOOR_MOD:
    case EX_MIN:
    case EX_MAX:
        return call(w, e, ex_op_name[e->op], (Elem)e->elem);
    case EX_NEG:
        return minus(w, e);
    case EX_ABS:
        return call_math(w, e, "fabs");
    case EX_SQRT:
    case EX_FLOOR:
    case EX_CEIL:
    case EX_TRUNC:
    case EX_FMA:
        return call_math(w, e, ex_op_name[e->op]);
    case EX_ROUND_EVEN:
        return call_math(w, e, "rint");
    default:
        return emit_failure(w, (Elem)e->elem, ex_op_name[e->op]);
    }
}

/* i64 / i64 for a >= 0 and b > 0, which C's operator does. */
static bool is_plain_division(Walk *w, Ex e)
{
    return e->elem == ELEM_I64 && !has_load(w, e) && ex_nonneg(w->pool, e->arg[0]) &&
           ex_proved_lt(w->pool, ex_int(w->pool, 0), e->arg[1]);
}

static Text division(Walk *w, Ex e)
{
    bool is_quotient = e->op == EX_DIV || e->op == EX_FLOOR_DIV;

    if (is_plain_division(w, e))
        return binary(w, e, is_quotient ? "/" : "%", PREC_MUL);
    return call(w, e, ex_op_name[e->op], compute_elem(w, e));
}

/* i64 arithmetic of plain operations: no overflow without loads. */
static Text wide_op(Walk *w, Ex e, const char *op, int prec)
{
    if (has_load(w, e))
        return call(w, e, ex_op_name[e->op], ELEM_I64);
    return text_of(w, prec, "(int64_t)%s %s %s", within(w, emit_value(w, e->arg[0]), PREC_UNARY),
                   op, within(w, emit_value(w, e->arg[1]), prec - 1));
}

/* a op b, converted back to the type, to which C's int promotion added bits. */
static Text bitwise(Walk *w, Ex e, const char *op)
{
    Text a = emit_value(w, e->arg[0]), b = emit_value(w, e->arg[1]);
    const char *left = within(w, a, PREC_UNARY), *right = within(w, b, PREC_UNARY);

    if (elem_bits[e->elem] >= 32)
        return text_of(w, PREC_BITS, "%s %s %s", left, op, right);
    return text_of(w, PREC_UNARY, "(%s)(%s %s %s)", type_value((Elem)e->elem), left, op, right);
}

/* By a helper where ~ would leave the range of the type, of which compilers warn in comparisons. */
static Text complement(Walk *w, Ex e)
{
    if (elem_is_unsigned((Elem)e->elem) && elem_bits[e->elem] < 32)
        return call(w, e, "not", (Elem)e->elem);
    return text_of(w, PREC_UNARY, "(%s)~%s", type_value((Elem)e->elem),
                   within(w, emit_value(w, e->arg[0]), PREC_UNARY));
}

static Text int_op(Walk *w, Ex e)
{
    Elem type = compute_elem(w, e);

    switch (e->op) {
    case EX_ADD:
        return e->elem == ELEM_I64 ? wide_op(w, e, "+", PREC_ADD) : call(w, e, "add", type);
    case EX_SUB:
        return e->elem == ELEM_I64 ? wide_op(w, e, "-", PREC_ADD) : call(w, e, "sub", type);
    case EX_MUL:
        return e->elem == ELEM_I64 ? wide_op(w, e, "*", PREC_MUL) : call(w, e, "mul", type);
    case EX_DIV:
    case EX_REM:
    case EX_FLOOR_DIV:
    case EX_FLOOR_MOD:
        return division(w, e);
    case EX_MIN:
    case EX_MAX:
    case EX_NEG:
    case EX_ABS:
    case EX_FMA:
    case EX_SHL:
    case EX_SHR:
        return call(w, e, ex_op_name[e->op], type);
    case EX_AND:
        return bitwise(w, e, "&");
    case EX_OR:
        return bitwise(w, e, "|");
    case EX_XOR:
        return bitwise(w, e, "^");
    case EX_NOT:
        return complement(w, e);
    case EX_FLOOR:
    case EX_CEIL:
    case EX_TRUNC:
    case EX_ROUND_EVEN:
        return emit_value(w, e->arg[0]);
    default:
        return emit_failure(w, (Elem)e->elem, ex_op_name[e->op]);
    }
}

static Text bool_op(Walk *w, Ex e)
{
    switch (e->op) {
    case EX_ADD:
    case EX_MAX:
    case EX_OR:
        return relation(w, e, "||", PREC_OR);
    case EX_MUL:
    case EX_MIN:
    case EX_AND:
        return relation(w, e, "&&", PREC_AND);
    case EX_XOR:
        return relation(w, e, "!=", PREC_EQUAL);
    case EX_NOT:
        return text_of(w, PREC_UNARY, "!%s", within(w, emit_value(w, e->arg[0]), PREC_PRIMARY));
    default:
        return emit_failure(w, ELEM_BOOL, ex_op_name[e->op]);
    }
}

/* The least or largest number of an integer type of at most 32 bits? */
static bool is_extreme(Ex e, bool largest)
{
    int bits = elem_bits[e->elem];
    bool is_signed = elem_is_signed((Elem)e->elem);

    if (e->op != EX_CONST || !elem_is_int((Elem)e->elem) || bits > 32)
        return false;
    int64_t top = ((int64_t)1 << (is_signed ? bits - 1 : bits)) - 1;
    return e->i == (largest ? top : is_signed ? -top - 1 : 0);
}

/* Comparisons that a type's range decides, of which compilers warn: "1", "0" or NULL. */
static const char *decided(Ex e)
{
    Ex a = e->arg[0], b = e->arg[1];

    if (e->op == EX_LE && (is_extreme(a, false) || is_extreme(b, true)))
        return "1";
    if (e->op == EX_LT && (is_extreme(a, true) || is_extreme(b, false)))
        return "0";
    return NULL;
}

Text emit_scalar(Walk *w, Ex e)
{
    Elem of = (Elem)e->arg[0]->elem;

    if (e->op >= EX_LT && e->op <= EX_NE) {
        const char *known = decided(e);

        return known != NULL ? (Text){known, PREC_PRIMARY} : compare(w, e);
    }
    if (e->op < EX_EXP && (of == ELEM_F32 || of == ELEM_F64))
        return float_op(w, e);
    if (of == ELEM_BOOL)
        return bool_op(w, e);
    if (elem_is_int(of) && !is_packed(of))
        return int_op(w, e);
    return emit_failure(w, of, ex_op_name[e->op]);
}
