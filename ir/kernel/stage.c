/* Buffers and stages: layout arithmetic, the algebra of reductions, printing. */
#include "ir/kernel/stage.h"
#include "ir/base/str.h"

Ex buf_row_major(ExPool *p, int rank, const Ex *dim, Ex *stride)
{
    Ex count = ex_int(p, 1);
    for (int i = rank - 1; i >= 0; i--) {
        stride[i] = count;
        count = ex_mul(p, count, dim[i]);
    }
    return count;
}

Buf *buf_new(Arena *a, ExPool *p, int id, const char *name, Elem e, BufSpace space, int rank,
             const Ex *dim)
{
    Buf *b = NEW(a, Buf);
    b->id = id;
    b->name = name;
    b->elem = elem_stored(e);
    b->space = space;
    b->rank = rank;
    for (int i = 0; i < rank; i++)
        b->dim[i] = dim[i];
    b->offset = ex_int(p, 0);
    b->size = buf_row_major(p, rank, b->dim, b->stride);
    return b;
}

Ex buf_flat(ExPool *p, const Buf *b, const Ex *index)
{
    Ex at = b->offset;
    for (int i = 0; i < b->rank; i++)
        at = ex_add(p, at, ex_mul(p, index[i], b->stride[i]));
    return at;
}

/* The largest or least value of a type; infinities where it has them. */
static Ex extreme(ExPool *p, Elem e, bool largest)
{
    if (elem_is_float(e))
        return ex_const_f(p, e, largest ? __builtin_inf() : -__builtin_inf());
    if (e == ELEM_BOOL)
        return ex_bool(p, largest);
    if (elem_is_unsigned(e))
        return ex_const_i(p, e, largest ? -1 : 0);
    int64_t top = INT64_MAX >> (64 - elem_bits[e]);
    return ex_const_i(p, e, largest ? top : -top - 1);
}

Ex reduce_init(ExPool *p, ReduceOp op, Elem e)
{
    switch (op) {
    case REDUCE_SUM:
        return ex_const(p, e, 0);
    case REDUCE_PROD:
        return ex_const(p, e, 1);
    case REDUCE_MIN:
        return extreme(p, e, true);
    case REDUCE_MAX:
        return extreme(p, e, false);
    case REDUCE_GENERAL:
        break;
    }
    assert(!"a general reduction has its own start");
    return NULL;
}

Ex reduce_combine(ExPool *p, ReduceOp op, Ex a, Ex b)
{
    switch (op) {
    case REDUCE_SUM:
        return ex_add(p, a, b);
    case REDUCE_PROD:
        return ex_mul(p, a, b);
    case REDUCE_MIN:
        return ex_min(p, a, b);
    case REDUCE_MAX:
        return ex_max(p, a, b);
    case REDUCE_GENERAL:
        break;
    }
    assert(!"a general reduction has its own combination");
    return NULL;
}

static void print_axes(Str *s, const ExPool *p, int n, const Ex *axis)
{
    for (int i = 0; i < n; i++) {
        str_add(s, i ? ", " : "");
        ex_print(s, p, axis[i]);
        str_add(s, " < ");
        ex_print(s, p, ex_var_extent(p, axis[i]));
    }
}

static void print_acc(Str *s, const ExPool *p, const Stage *st, int i)
{
    static const char *const op_name[] = {"sum", "prod", "min", "max", "combine"};
    str_printf(s, "  acc%d = %s(", i, st->kind == STAGE_SCAN ? "scan" : op_name[st->op[i]]);
    ex_print(s, p, st->body[i]);
    str_add(s, ") from ");
    ex_print(s, p, st->init[i]);
    if (st->combine[i]) {
        str_add(s, " by ");
        ex_print(s, p, st->combine[i]);
    }
    str_addc(s, '\n');
}

void stage_print(Str *s, const ExPool *p, const Stage *st)
{
    static const char *const kind_name[] = {"map", "reduce", "scan", "scatter"};
    str_printf(s, "stage %d %s [", st->id, kind_name[st->kind]);
    print_axes(s, p, st->naxis, st->axis);
    str_addc(s, ']');
    if (st->nred) {
        str_add(s, " over [");
        print_axes(s, p, st->nred, st->red);
        str_addc(s, ']');
    }
    for (size_t i = 0; i < st->origin.len; i++)
        str_printf(s, "%s%s", i ? ", " : "  ; ", st->origin.at[i]);
    str_addc(s, '\n');
    for (size_t i = 0; i < st->checks.len; i++) {
        str_add(s, "  check ");
        ex_print(s, p, st->checks.at[i].cond);
        str_printf(s, " else %d\n", st->checks.at[i].code);
    }
    for (int i = 0; i < st->nacc; i++)
        print_acc(s, p, st, i);
    for (size_t i = 0; i < st->stores.len; i++) {
        const StageStore *o = &st->stores.at[i];
        str_printf(s, "  %s[", o->buf->name);
        for (int k = 0; k < o->buf->rank; k++) {
            str_add(s, k ? ", " : "");
            ex_print(s, p, o->index[k]);
        }
        str_add(s, "] = ");
        ex_print(s, p, o->value);
        str_addc(s, '\n');
    }
}
