/* Scales of Resize as fractions: the convergents of the continued fraction
 *     p[k] = a[k] * p[k-1] + p[k-2],  q[k] likewise,  a[k] = floor(x[k]),  x[k+1] = 1 / (x[k] - a[k])
 * up to the first that is the scale when rounded to f32. At compile time in doubles, and as an
 * expression of the same steps where the run finds out the scales. */
#include "ir/ops/resize.h"

#include "runtime/mlc_abi.h"

void resize_rational(double v, int64_t *num, int64_t *den)
{
    double x = v;
    int64_t p0 = 0, q0 = 1, p1 = 1, q1 = 0; /* convergents of the continued fraction */
    for (int i = 0; i < 32; i++) {
        double whole = __builtin_floor(x);
        double p = whole * (double)p1 + (double)p0, q = whole * (double)q1 + (double)q0;
        if (p > 1e15 || q > 1e9)
            break;
        p0 = p1;
        q0 = q1;
        p1 = (int64_t)p;
        q1 = (int64_t)q;
        if ((float)(p / q) == (float)v || x == whole)
            break;
        x = 1 / (x - whole);
    }
    *num = p1;
    *den = q1 > 0 ? q1 : 1;
}

/* A quotient of terms below 2^12 and its f32 differ in that many steps at most. */
enum { MOST_STEPS = 20 };

typedef struct Convergent {
    Ex x, p0, q0, p1, q1, done;
} Convergent;

static void next_convergent(Te *t, Ex v, Convergent *c)
{
    Ex whole = te_floor(t, c->x), rest = te_sub(t, c->x, whole), one = te_like(t, v, 1);
    Ex p = te_add(t, te_mul(t, whole, c->p1), c->p0), q = te_add(t, te_mul(t, whole, c->q1), c->q0);
    Ex fits = te_and(t, te_le(t, p, te_like(t, v, 1e10)), te_le(t, q, te_like(t, v, 1e6)));
    Ex take = te_and(t, te_not(t, c->done), fits);
    c->p0 = te_select(t, take, c->p1, c->p0);
    c->q0 = te_select(t, take, c->q1, c->q0);
    c->p1 = te_select(t, take, p, c->p1);
    c->q1 = te_select(t, take, q, c->q1);
    Ex off = te_abs(t, te_sub(t, te_div(t, c->p1, te_max(t, c->q1, one)), v));
    Ex near = te_le(t, off, te_mul(t, v, te_like(t, v, 0x1p-24)));
    c->done = te_or(t, te_or(t, c->done, te_not(t, fits)), near);
    c->x = te_div(t, one, te_max(t, rest, te_like(t, v, 1e-12)));
}

/* Stores numerator, denominator and floor(in * scale) of every scale. */
static void store_fractions(Te *t, const ResizePlan *plan, Tx num, Tx den, Tx size)
{
    Tx scale = te_in(t, 2), x = te_in(t, 0);
    Ex in = te_int(t, 1);
    te_stage_axes(t, 1, num->dim);
    Ex i = te_axis(t, 0), v = te_cast(t, ELEM_F64, te_load(t, scale, &i));
    Ex one = te_const(t, ELEM_F64, 1), zero = te_const(t, ELEM_F64, 0);
    Ex ok = te_and(t, te_lt(t, te_like(t, v, RESIZE_LEAST_SCALE), v),
                   te_lt(t, v, te_like(t, v, RESIZE_MOST_SCALE)));
    te_check(t, ok, MLC_RUN_SHAPE);
    v = te_select(t, ok, v, one);
    for (int k = 0; k < plan->count; k++)
        in = te_select(t, te_eq(t, i, te_int(t, k)), x->dim[plan->listed[k]], in);
    Convergent c = {v, zero, one, one, zero, ex_bool(t->pool, false)};
    for (int k = 0; k < MOST_STEPS; k++)
        next_convergent(t, v, &c);
    Ex p = te_cast(t, ELEM_I64, c.p1), q = te_cast(t, ELEM_I64, te_max(t, c.q1, one));
    te_store(t, num, &i, p);
    te_store(t, den, &i, q);
    te_yield_at(t, size, &i, te_floor_div(t, te_mul(t, in, p), te_max(t, q, te_int(t, 1))));
}

void resize_scales_of_run(Te *t, ResizePlan *plan)
{
    const int64_t most = (int64_t)1 << 34;
    Ex count = te_int(t, plan->count);
    te_require_equal(t, te_in(t, 2)->dim[0], count);
    Tx num = te_temp(t, ELEM_I64, 1, &count), den = te_temp(t, ELEM_I64, 1, &count);
    Tx size = te_temp(t, ELEM_I64, 1, &count);
    store_fractions(t, plan, num, den, size);
    for (int k = 0; k < plan->count; k++) {
        int d = plan->listed[k];
        Ex at = te_int(t, k);
        plan->scale[d] = (Ratio){te_symbol(t, "scale", 1, most), te_symbol(t, "scale", 1, most)};
        te_set_element(t, plan->scale[d].num, num, at);
        te_set_element(t, plan->scale[d].den, den, at);
        te_set_element(t, plan->out[d], size, at);
    }
}
