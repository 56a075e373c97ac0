/* Sums and products of i64. Index arithmetic does not overflow (sizes fit 63 bits) and is plain;
 * arithmetic on what was loaded wraps, so it is unsigned. */
#include "codegen/emit/c/emit.h"

/* ---- does it fit 32 bits? ---- */

/* Bounds of magnitudes beyond this are as good as none. */
static const double limit = 2147483647.0;

static double magnitude(Walk *w, Ex e)
{
    int64_t lo, hi;

    if (ex_is_int(e, &lo))
        return lo < 0 ? -(double)lo : (double)lo;
    if (e->op == EX_VAR) {
        ex_range(w->pool, ex_var_extent(w->pool, e), &lo, &hi);
        return hi == INT64_MAX ? 2 * limit : (double)hi;
    }
    ex_range(w->pool, e, &lo, &hi);
    return MAX(lo < 0 ? -(double)lo : (double)lo, hi < 0 ? -(double)hi : (double)hi);
}

bool fits_narrow(Walk *w, Ex e)
{
    double n = 0;

    switch (e->op) {
    case EX_CONST:
    case EX_VAR:
        return magnitude(w, e) <= limit;
    case EX_LIN:
        n = e->i < 0 ? -(double)e->i : (double)e->i;
        for (int i = 0; i < e->narg; i++)
            n += (e->coef[i] < 0 ? -(double)e->coef[i] : (double)e->coef[i]) *
                 magnitude(w, e->arg[i]);
        return n <= limit;
    case EX_PROD:
        n = 1;
        for (int i = 0; i < e->narg; i++)
            n *= MAX(magnitude(w, e->arg[i]), 1);
        return n <= limit;
    case EX_DIV:
    case EX_REM:
    case EX_FLOOR_DIV:
    case EX_FLOOR_MOD:
    case EX_MIN:
    case EX_MAX:
    case EX_GUARD:
    case EX_SELECT:
        return magnitude(w, e) <= limit;
    default:
        return false;
    }
}

/* ---- texts ---- */

/* How the terms of a sum or product are computed: their own type where all are of one type, the
 * wide one where some are narrow, the unsigned one where it wraps. */
static const char *term(Walk *w, Ex whole, Ex e, int most)
{
    Text t = emit_value(w, e);

    if (has_load(w, whole))
        return arena_printf(w->arena, "(uint64_t)%s", within(w, t, PREC_UNARY));
    if (!is_narrow(w, whole) && is_narrow(w, e) && e->op != EX_CONST)
        return arena_printf(w->arena, "(int64_t)%s", within(w, t, PREC_UNARY));
    return within(w, t, most);
}

static Text as_value(Walk *w, Ex e, Text t)
{
    if (!has_load(w, e))
        return t;
    return text_of(w, PREC_UNARY, "(int64_t)(%s)", t.s);
}

static const char *whole_number(Walk *w, Ex e, int64_t v)
{
    if (has_load(w, e))
        return arena_printf(w->arena, "%lluu", (unsigned long long)(uint64_t)v);
    return literal_int(w->arena, ELEM_I64, v);
}

/* Coefficients of large magnitude first, as people write row-major indices; a negative term never
 * comes first unless all are negative. */
static int order_terms(Ex e, int *order)
{
    int n = 0;

    for (int sign = 0; sign < 2; sign++) {
        int start = n;

        for (int i = 0; i < e->narg; i++) {
            int at = n;

            if ((e->coef[i] < 0) != sign)
                continue;
            while (at > start &&
                   (e->coef[order[at - 1]] < 0 ? e->coef[order[at - 1]] > e->coef[i]
                                               : e->coef[order[at - 1]] < e->coef[i])) {
                order[at] = order[at - 1];
                at--;
            }
            order[at] = i;
            n++;
        }
    }
    return n;
}

static const char *scaled(Walk *w, Ex e, int i, int64_t coef)
{
    if (coef == 1)
        return term(w, e, e->arg[i], PREC_ADD - 1);
    return arena_printf(w->arena, "%s * %s", whole_number(w, e, coef),
                        term(w, e, e->arg[i], PREC_MUL - 1));
}

/* Negative coefficients become subtractions; that of the smallest number stays as it is. */
Text emit_sum(Walk *w, Ex e)
{
    Str s = str_new(w->arena);
    int *order = NEW_ARRAY(w->arena, int, e->narg), n = order_terms(e, order);
    bool leads = n > 0 && e->coef[order[0]] < 0 && e->i != 0; /* the constant goes first */

    if (leads)
        str_add(&s, whole_number(w, e, e->i));
    for (int k = 0; k < n; k++) {
        int64_t c = e->coef[order[k]];
        bool minus = c < 0 && c != INT64_MIN && s.len > 0;
        const char *t = scaled(w, e, order[k], minus ? -c : c);

        str_printf(&s, "%s%s", s.len == 0 ? "" : minus ? " - " : " + ", t);
    }
    if (!leads && e->i != 0) {
        bool minus = e->i < 0 && e->i != INT64_MIN && s.len > 0;

        str_printf(&s, "%s%s",
                   s.len == 0 ? ""
                   : minus    ? " - "
                              : " + ",
                   whole_number(w, e, minus ? -e->i : e->i));
    }
    return as_value(w, e, (Text){str_text(&s), PREC_ADD});
}

Text emit_product(Walk *w, Ex e)
{
    Str s = str_new(w->arena);

    for (int i = 0; i < e->narg; i++)
        str_printf(&s, "%s%s", i ? " * " : "", term(w, e, e->arg[i], i ? PREC_MUL - 1 : PREC_MUL));
    return as_value(w, e, (Text){str_text(&s), PREC_MUL});
}
