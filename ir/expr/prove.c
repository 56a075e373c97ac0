/* What can be proved about i64 expressions: intervals, and signs of polynomials.
 *
 * nonneg(e): every variable is replaced by the end of its range that makes e smallest (its
 * coefficient's sign must be proved first); what remains is a polynomial in symbols, which is
 * nonnegative if, written in (symbol - minimum), it has no negative coefficient. */
#include "ir/expr/pool.h"

enum { PROOF_DEPTH = 6 };

static int64_t sat_add(int64_t a, int64_t b)
{
    int64_t r;
    if (a == INT64_MIN || b == INT64_MIN)
        return INT64_MIN;
    if (a == INT64_MAX || b == INT64_MAX)
        return INT64_MAX;
    return __builtin_add_overflow(a, b, &r) ? (a < 0 ? INT64_MIN : INT64_MAX) : r;
}

static int64_t sat_mul(int64_t a, int64_t b)
{
    int64_t r;
    if (a == 0 || b == 0)
        return 0;
    return __builtin_mul_overflow(a, b, &r) ? ((a < 0) == (b < 0) ? INT64_MAX : INT64_MIN) : r;
}

typedef struct Interval {
    int64_t lo, hi;
} Interval;

static const Interval everything = {INT64_MIN, INT64_MAX};

static Interval range(ExPool *p, Ex e, int depth);

static Interval times(Interval a, Interval b)
{
    int64_t v[4] = {sat_mul(a.lo, b.lo), sat_mul(a.lo, b.hi), sat_mul(a.hi, b.lo),
                    sat_mul(a.hi, b.hi)};
    Interval r = {v[0], v[0]};
    for (int i = 1; i < 4; i++) {
        r.lo = MIN(r.lo, v[i]);
        r.hi = MAX(r.hi, v[i]);
    }
    return r;
}

static Interval range_lin(ExPool *p, Ex e, int depth)
{
    Interval r = {e->i, e->i};
    for (int k = 0; k < e->narg; k++) {
        Interval t = times(range(p, e->arg[k], depth), (Interval){e->coef[k], e->coef[k]});
        r.lo = r.lo == INT64_MIN || t.lo == INT64_MIN ? INT64_MIN : sat_add(r.lo, t.lo);
        r.hi = r.hi == INT64_MAX || t.hi == INT64_MAX ? INT64_MAX : sat_add(r.hi, t.hi);
    }
    return r;
}

static int64_t floor_quotient(int64_t a, int64_t b)
{
    if (a == INT64_MIN || a == INT64_MAX)
        return a;
    return a / b - (a % b < 0);
}

static Interval range(ExPool *p, Ex e, int depth)
{
    if (depth > 40)
        return everything;
    depth++;
    Interval a = everything, b = everything;
    switch (e->op) {
    case EX_CONST:
        return elem_is_float((Elem)e->elem) ? everything : (Interval){e->i, e->i};
    case EX_SYM:
        a.lo = p->syms.at[e->i].min;
        a.hi = p->syms.at[e->i].max < 0 ? INT64_MAX : p->syms.at[e->i].max;
        return a;
    case EX_VAR: {
        int64_t hi = range(p, p->var_extent.at[e->i], depth).hi;
        return (Interval){0, hi == INT64_MAX ? hi : MAX(hi - 1, 0)};
    }
    case EX_LIN:
        return range_lin(p, e, depth);
    case EX_PROD:
        a = range(p, e->arg[0], depth);
        for (int k = 1; k < e->narg; k++)
            a = times(a, range(p, e->arg[k], depth));
        return a;
    case EX_SELECT:
        a = range(p, e->arg[1], depth);
        b = range(p, e->arg[2], depth);
        return (Interval){MIN(a.lo, b.lo), MAX(a.hi, b.hi)};
    case EX_CAST:
        if (e->arg[0]->elem == ELEM_BOOL)
            return (Interval){0, 1};
        if (elem_is_unsigned((Elem)e->arg[0]->elem) && elem_bits[e->arg[0]->elem] < 64)
            return (Interval){0, ((int64_t)1 << elem_bits[e->arg[0]->elem]) - 1};
        return e->arg[0]->elem == ELEM_I32 ? (Interval){INT32_MIN, INT32_MAX} : everything;
    case EX_MIN:
    case EX_MAX:
    case EX_FLOOR_DIV:
    case EX_FLOOR_MOD:
        a = range(p, e->arg[0], depth);
        b = range(p, e->arg[1], depth);
        break;
    default:
        return everything;
    }
    if (e->op == EX_MIN)
        return (Interval){MIN(a.lo, b.lo), MIN(a.hi, b.hi)};
    if (e->op == EX_MAX)
        return (Interval){MAX(a.lo, b.lo), MAX(a.hi, b.hi)};
    if (b.lo <= 0)
        return everything;
    if (e->op == EX_FLOOR_MOD)
        return (Interval){0, b.hi == INT64_MAX ? INT64_MAX : b.hi - 1};
    return (Interval){floor_quotient(a.lo, a.lo >= 0 ? (b.hi == INT64_MAX ? INT64_MAX : b.hi) : b.lo),
                      floor_quotient(a.hi, a.hi >= 0 ? b.lo : (b.hi == INT64_MAX ? 1 : b.hi))};
}

void ex_range(ExPool *p, Ex e, int64_t *lo, int64_t *hi)
{
    Interval r = e->elem == ELEM_I64 ? range(p, e, 0) : everything;
    *lo = r.lo;
    *hi = r.hi;
}

/* First atom of `e` that is not a symbol, so that it must be bounded away; NULL when none. */
static Ex first_opaque(Ex e)
{
    TermsOne one;
    Terms t = ex_terms(e, &one);
    Ex found = NULL;
    for (int i = 0; i < t.n; i++) {
        const Ex *atoms;
        int n = ex_atoms(&t.mono[i], &atoms);
        for (int k = 0; k < n; k++) {
            if (atoms[k]->op == EX_VAR)
                return atoms[k]; /* variables first: their bounds may hold other atoms */
            if (atoms[k]->op != EX_SYM && !found)
                found = atoms[k];
        }
    }
    return found;
}

/* Coefficients of e, as a polynomial in (symbol - min): all nonnegative? */
static bool nonneg_in_symbols(ExPool *p, Ex e)
{
    int n = ex_sym_count(p);
    for (int k = 0; k < n; k++) {
        int64_t min = p->syms.at[k].min;
        Ex s = p->syms.at[k].leaf;
        if (min && ex_uses(e, s))
            e = ex_subst(p, e, 1, &s, (Ex[]){ex_int_add(p, s, ex_int(p, min), 1)});
    }
    TermsOne one;
    Terms t = ex_terms(e, &one);
    if (t.constant < 0)
        return false;
    for (int i = 0; i < t.n; i++)
        if (t.coef[i] < 0)
            return false;
    return true;
}

static bool nonneg(ExPool *p, Ex e);

/* e with c * floor(x / d), c < 0 constant, bounded below by c * x / d: d * (e - c*q) + c * x. */
static Ex clear_quotient(ExPool *p, Ex e, Ex q, Ex coef)
{
    int64_t c, d;
    if (!ex_is_int(coef, &c) || !ex_is_int(q->arg[1], &d) || d <= 0)
        return NULL;
    Ex rest = ex_int_add(p, e, q, -c);
    return ex_int_add(p, ex_int_add(p, ex_int(p, 0), rest, d), q->arg[0], c);
}

/* A lower bound of e in which `atom` no longer occurs, or NULL. */
static Ex bound_away(ExPool *p, Ex e, Ex atom)
{
    Ex rest, coef = ex_affine(p, e, atom, &rest);
    if (!coef)
        return NULL;
    Interval r = range(p, atom, 0);
    Ex lo = r.lo == INT64_MIN ? NULL : ex_int(p, r.lo), hi = r.hi == INT64_MAX ? NULL : ex_int(p, r.hi);
    if (atom->op == EX_VAR)
        hi = ex_int_add(p, ex_var_extent(p, atom), ex_int(p, -1), 1);
    else if (atom->op == EX_FLOOR_MOD)
        hi = ex_int_add(p, atom->arg[1], ex_int(p, -1), 1);
    else if (atom->op == EX_MIN && !hi)
        hi = atom->arg[0];
    else if (atom->op == EX_MAX && !lo)
        lo = atom->arg[0];
    if (nonneg(p, coef))
        return lo ? ex_int_add(p, rest, ex_int_mul(p, coef, lo), 1) : NULL;
    if (!nonneg(p, ex_int_add(p, ex_int(p, 0), coef, -1)))
        return NULL;
    if (atom->op == EX_FLOOR_DIV) {
        Ex cleared = clear_quotient(p, e, atom, coef);
        if (cleared)
            return cleared;
    }
    return hi ? ex_int_add(p, rest, ex_int_mul(p, coef, hi), 1) : NULL;
}

static bool nonneg(ExPool *p, Ex e)
{
    if (range(p, e, 0).lo >= 0)
        return true;
    if (e->op == EX_CONST || p->proof_depth >= PROOF_DEPTH)
        return false;
    p->proof_depth++;
    bool ok = true;
    for (int step = 0; ok; step++) {
        Ex atom = first_opaque(e);
        if (!atom) {
            ok = nonneg_in_symbols(p, e);
            break;
        }
        Ex less = step < 24 ? bound_away(p, e, atom) : NULL;
        ok = less != NULL;
        if (ok)
            e = less;
    }
    p->proof_depth--;
    return ok;
}

bool ex_nonneg(ExPool *p, Ex e) { return e->elem == ELEM_I64 && nonneg(p, e); }

bool ex_proved_le(ExPool *p, Ex a, Ex b)
{
    return a == b || ex_nonneg(p, ex_int_add(p, b, a, -1));
}

bool ex_proved_lt(ExPool *p, Ex a, Ex b)
{
    Ex gap = ex_int_add(p, b, a, -1);
    return ex_nonneg(p, ex_int_add(p, gap, ex_int(p, -1), 1));
}
