/* The normal form of i64 expressions: sums of monomials, and division that cancels.
 *
 * Division by b is polynomial: whatever multiple of b the dividend visibly contains is taken out,
 * floor((q*b + r) / b) = q + floor(r / b), and floor(r / b) is 0 once 0 <= r < b is proved. */
#include "ir/expr/pool.h"

typedef struct Sum {
    int64_t constant;
    int     n;
    Ex      mono[EX_MAX_ARGS];
    int64_t coef[EX_MAX_ARGS];
} Sum;

static int64_t wrap_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static int64_t wrap_mul(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

static int64_t div_floor(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b != 0 && (a % b < 0) != (b < 0));
}

Terms ex_terms(Ex e, TermsOne *one)
{
    if (e->op == EX_LIN)
        return (Terms){e->i, e->narg, e->arg, e->coef};
    if (e->op == EX_CONST)
        return (Terms){e->i, 0, NULL, NULL};
    *one = (TermsOne){e, 1};
    return (Terms){0, 1, &one->mono, &one->coef};
}

int ex_atoms(const Ex *mono, const Ex **atoms)
{
    if ((*mono)->op == EX_PROD) {
        *atoms = (*mono)->arg;
        return (*mono)->narg;
    }
    *atoms = mono;
    return 1;
}

/* s += scale * e. False when there are too many terms. */
static bool sum_add(Sum *s, Ex e, int64_t scale)
{
    TermsOne one;
    Terms t = ex_terms(e, &one);
    s->constant = wrap_add(s->constant, wrap_mul(t.constant, scale));
    Sum r = {.constant = s->constant};
    int i = 0, j = 0;
    while (i < s->n || j < t.n) {
        if (r.n == EX_MAX_ARGS)
            return false;
        bool left = j >= t.n || (i < s->n && s->mono[i]->id <= t.mono[j]->id);
        bool right = i >= s->n || (j < t.n && t.mono[j]->id <= s->mono[i]->id);
        r.mono[r.n] = left ? s->mono[i] : t.mono[j];
        int64_t c = left ? s->coef[i] : 0;
        if (right)
            c = wrap_add(c, wrap_mul(t.coef[j], scale));
        i += left;
        j += right;
        if (c) {
            r.coef[r.n] = c;
            r.n++;
        }
    }
    s->n = r.n;
    memcpy(s->mono, r.mono, (size_t)r.n * sizeof *r.mono);
    memcpy(s->coef, r.coef, (size_t)r.n * sizeof *r.coef);
    return true;
}

static Ex sum_build(ExPool *p, const Sum *s)
{
    if (s->n == 0)
        return ex_int(p, s->constant);
    if (s->n == 1 && s->constant == 0 && s->coef[0] == 1)
        return s->mono[0];
    return ex_intern(
        p, &(Expr){.op = EX_LIN, .elem = ELEM_I64, .narg = (uint8_t)s->n, .i = s->constant},
        s->mono, s->coef);
}

/* A product that is not multiplied out: one form for either order. */
static Ex raw_mul(ExPool *p, Ex a, Ex b)
{
    return ex_raw(p, EX_MUL, ELEM_I64, 2, a->id <= b->id ? (Ex[]){a, b} : (Ex[]){b, a});
}

static Ex mono_mul(ExPool *p, Ex a, Ex b)
{
    const Ex *x, *y;
    Ex all[EX_MAX_ARGS];
    int nx = ex_atoms(&a, &x), ny = ex_atoms(&b, &y), n = 0;
    if (nx + ny > 16)
        return raw_mul(p, a, b);
    for (int i = 0, j = 0; i < nx || j < ny;)
        all[n++] = j >= ny || (i < nx && x[i]->id <= y[j]->id) ? x[i++] : y[j++];
    return ex_raw(p, EX_PROD, ELEM_I64, n, all);
}

/* `mono` without atom number k; NULL stands for 1. */
static Ex mono_without(ExPool *p, Ex mono, int k)
{
    const Ex *atoms;
    Ex rest[EX_MAX_ARGS];
    int n = ex_atoms(&mono, &atoms), m = 0;
    for (int i = 0; i < n; i++)
        if (i != k)
            rest[m++] = atoms[i];
    return m == 0 ? NULL : m == 1 ? rest[0] : ex_raw(p, EX_PROD, ELEM_I64, m, rest);
}

/* mono / by, when it divides: the quotient, NULL standing for 1; *ok tells. */
static Ex mono_div(ExPool *p, Ex mono, Ex by, bool *ok)
{
    const Ex *want;
    int n = ex_atoms(&by, &want);
    for (int i = 0; i < n; i++) {
        const Ex *have;
        int k = 0, m = mono ? ex_atoms(&mono, &have) : 0;
        while (k < m && have[k] != want[i])
            k++;
        if (k == m) {
            *ok = false;
            return NULL;
        }
        mono = mono_without(p, mono, k);
    }
    *ok = true;
    return mono;
}

static int sum_find(const Sum *s, Ex mono)
{
    for (int i = 0; i < s->n; i++)
        if (s->mono[i] == mono)
            return i;
    return -1;
}

static void sum_drop(Sum *s, int k)
{
    memmove(s->mono + k, s->mono + k + 1, (size_t)(s->n - k - 1) * sizeof *s->mono);
    memmove(s->coef + k, s->coef + k + 1, (size_t)(s->n - k - 1) * sizeof *s->coef);
    s->n--;
}

/* c*r*(x mod d) + c*d*r*(x div d) is c*r*x. Returns true when it found one such pair. */
static bool join_div_mod(ExPool *p, Sum *s)
{
    for (int i = 0; i < s->n; i++) {
        const Ex *atoms;
        int n = ex_atoms(&s->mono[i], &atoms);
        for (int k = 0; k < n; k++) {
            if (atoms[k]->op != EX_FLOOR_MOD)
                continue;
            Ex x = atoms[k]->arg[0], d = atoms[k]->arg[1];
            Ex rest = mono_without(p, s->mono[i], k);
            Ex q = ex_raw(p, EX_FLOOR_DIV, ELEM_I64, 2, (Ex[]){x, d});
            TermsOne one;
            Terms dt = ex_terms(d, &one);
            int64_t dc = dt.n ? dt.coef[0] : dt.constant;
            if (dt.n > 1 || (dt.n && dt.constant))
                continue; /* a divisor of several terms was spread over several monomials */
            Ex mono = dt.n ? mono_mul(p, q, dt.mono[0]) : q;
            if (rest)
                mono = mono_mul(p, mono, rest);
            int j = sum_find(s, mono);
            int64_t c = s->coef[i];
            if (j < 0 || s->coef[j] != wrap_mul(c, dc))
                continue;
            sum_drop(s, MAX(i, j));
            sum_drop(s, MIN(i, j));
            return sum_add(s, rest ? ex_int_mul(p, rest, x) : x, c);
        }
    }
    return false;
}

Ex ex_int_add(ExPool *p, Ex a, Ex b, int64_t scale_b)
{
    int64_t va, vb;
    if (ex_is_int(a, &va) && ex_is_int(b, &vb))
        return ex_int(p, wrap_add(va, wrap_mul(vb, scale_b)));
    Sum s = {0};
    if (!sum_add(&s, a, 1) || !sum_add(&s, b, scale_b)) {
        Ex scaled = scale_b == 1 ? b : ex_raw(p, EX_MUL, ELEM_I64, 2, (Ex[]){b, ex_int(p, scale_b)});
        return ex_raw(p, EX_ADD, ELEM_I64, 2, (Ex[]){a, scaled});
    }
    while (join_div_mod(p, &s))
        ;
    return sum_build(p, &s);
}

Ex ex_int_mul(ExPool *p, Ex a, Ex b)
{
    int64_t k;
    if (ex_is_int(a, &k))
        return ex_int_add(p, ex_int(p, 0), b, k);
    if (ex_is_int(b, &k))
        return ex_int_add(p, ex_int(p, 0), a, k);
    TermsOne oa, ob;
    Terms x = ex_terms(a, &oa), y = ex_terms(b, &ob);
    if ((x.n + 1) * (y.n + 1) > 64)
        return raw_mul(p, a, b);
    Ex r = ex_int(p, wrap_mul(x.constant, y.constant));
    for (int i = 0; i < x.n; i++) {
        r = ex_int_add(p, r, x.mono[i], wrap_mul(x.coef[i], y.constant));
        for (int j = 0; j < y.n; j++)
            r = ex_int_add(p, r, mono_mul(p, x.mono[i], y.mono[j]), wrap_mul(x.coef[i], y.coef[j]));
    }
    for (int j = 0; j < y.n; j++)
        r = ex_int_add(p, r, y.mono[j], wrap_mul(x.constant, y.coef[j]));
    return r;
}

static int term_count(Ex e)
{
    TermsOne one;
    Terms t = ex_terms(e, &one);
    return t.n + (t.constant != 0);
}

/* a = q * b + r with as much as possible in q. */
static Ex split_multiple(ExPool *p, Ex a, Ex b, Ex *r)
{
    Ex q = ex_int(p, 0);
    TermsOne ob, oa;
    Terms d = ex_terms(b, &ob);
    for (bool again = d.n > 0; again;) {
        again = false;
        Terms t = ex_terms(a, &oa);
        for (int i = 0; i < t.n && !again; i++) {
            bool ok;
            Ex m = mono_div(p, t.mono[i], d.mono[0], &ok);
            if (!ok || t.coef[i] % d.coef[0] != 0)
                continue;
            Ex part = ex_int_add(p, ex_int(p, 0), m ? m : ex_int(p, 1), t.coef[i] / d.coef[0]);
            Ex less = ex_int_add(p, a, ex_int_mul(p, part, b), -1);
            if (term_count(less) >= term_count(a))
                continue;
            a = less;
            q = ex_int_add(p, q, part, 1);
            again = true;
        }
    }
    if (d.n == 0 && d.constant > 0) { /* a constant divisor takes multiples out of each term */
        Terms t = ex_terms(a, &oa);
        Ex rest = ex_int(p, t.constant - div_floor(t.constant, d.constant) * d.constant);
        q = ex_int(p, div_floor(t.constant, d.constant));
        for (int i = 0; i < t.n; i++) {
            bool whole = t.coef[i] % d.constant == 0;
            if (whole)
                q = ex_int_add(p, q, t.mono[i], t.coef[i] / d.constant);
            else
                rest = ex_int_add(p, rest, t.mono[i], t.coef[i]);
        }
        a = rest;
    }
    *r = a;
    return q;
}

static bool is_proper_remainder(ExPool *p, Ex r, Ex b)
{
    return ex_nonneg(p, r) && ex_proved_lt(p, r, b);
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a < 0 ? -a : a;
}

/* (g*x + rest) over g*k, 0 <= rest < g: the part `rest` cannot carry. Finds such a g > 1 that divides
 * the constant k; *x and *rest are the parts of a. 0: none. */
static int64_t split_carry(ExPool *p, Ex a, int64_t k, Ex *x, Ex *rest)
{
    TermsOne one;
    Terms t = ex_terms(a, &one);
    for (int i = 0; i < t.n; i++) {
        int64_t g = gcd(k, t.coef[i]);
        if (g <= 1 || g >= k)
            continue;
        *x = ex_int(p, div_floor(t.constant, g));
        *rest = ex_int(p, t.constant - div_floor(t.constant, g) * g);
        for (int j = 0; j < t.n; j++)
            if (t.coef[j] % g == 0)
                *x = ex_int_add(p, *x, t.mono[j], t.coef[j] / g);
            else
                *rest = ex_int_add(p, *rest, t.mono[j], t.coef[j]);
        if (is_proper_remainder(p, *rest, ex_int(p, g)))
            return g;
    }
    return 0;
}

/* floor(r / b) with common constant factors taken out of both. */
static Ex reduced_div(ExPool *p, Ex r, Ex b)
{
    int64_t k;
    TermsOne one;
    Terms t = ex_terms(r, &one);
    if (ex_is_int(b, &k) && k > 1) {
        int64_t g = k;
        for (int i = 0; i < t.n; i++)
            g = gcd(g, t.coef[i]);
        if (g > 1) {
            Ex less = ex_int(p, div_floor(t.constant, g));
            for (int i = 0; i < t.n; i++)
                less = ex_int_add(p, less, t.mono[i], t.coef[i] / g);
            return ex_int_floor_div(p, less, ex_int(p, k / g));
        }
    }
    Ex x, rest;
    int64_t g = ex_is_int(b, &k) && k > 1 ? split_carry(p, r, k, &x, &rest) : 0;
    if (g)
        return ex_int_floor_div(p, x, ex_int(p, k / g));
    if (r->op == EX_FLOOR_DIV && ex_is_int(b, &k) && k > 0 && ex_is_int(r->arg[1], &k) && k > 0)
        return ex_int_floor_div(p, r->arg[0], ex_int_mul(p, r->arg[1], b));
    return ex_raw(p, EX_FLOOR_DIV, ELEM_I64, 2, (Ex[]){r, b});
}

Ex ex_int_floor_div(ExPool *p, Ex a, Ex b)
{
    int64_t va, vb;
    if (ex_is(b, 1))
        return a;
    if (ex_is_int(b, &vb) && (vb == 0 || ex_is_int(a, &va)))
        return vb == 0 || vb == -1
                   ? ex_raw(p, EX_FLOOR_DIV, ELEM_I64, 2, (Ex[]){a, b})
                   : ex_int(p, div_floor(va, vb));
    if (ex_is_int(b, &vb) && vb < 0)
        return ex_raw(p, EX_FLOOR_DIV, ELEM_I64, 2, (Ex[]){a, b});
    Ex r, q = split_multiple(p, a, b, &r);
    if (is_proper_remainder(p, r, b))
        return q;
    return ex_int_add(p, q, reduced_div(p, r, b), 1);
}

Ex ex_int_floor_mod(ExPool *p, Ex a, Ex b)
{
    int64_t va, vb;
    if (ex_is(b, 1))
        return ex_int(p, 0);
    if (ex_is_int(b, &vb) && vb <= 0)
        return ex_raw(p, EX_FLOOR_MOD, ELEM_I64, 2, (Ex[]){a, b});
    if (ex_is_int(b, &vb) && ex_is_int(a, &va))
        return ex_int(p, va - div_floor(va, vb) * vb);
    Ex r;
    split_multiple(p, a, b, &r);
    if (is_proper_remainder(p, r, b))
        return r;
    Ex x, rest;
    int64_t g = ex_is_int(b, &vb) ? split_carry(p, r, vb, &x, &rest) : 0;
    if (g)
        return ex_int_add(p, rest, ex_int_floor_mod(p, x, ex_int(p, vb / g)), g);
    return ex_raw(p, EX_FLOOR_MOD, ELEM_I64, 2, (Ex[]){r, b});
}
