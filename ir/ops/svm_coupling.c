/* Pairwise coupling: T.-F. Wu, C.-J. Lin, R. C. Weng, "Probability estimates for multi-class classification
 * by pairwise coupling", JMLR 5 (2004), algorithm 2, with the stopping rule of libsvm: minimize p^T Q p
 * over the probabilities, Q[t,t] = sum r[j,t]^2, Q[t,u] = -r[u,t] r[t,u], by
 *
 *     until max over t of |(Qp)[t] - pQp| < 0.005 / k, at most max(100, k) times:
 *         for every t:  d = (pQp - (Qp)[t]) / Q[t,t];  p[t] += d;  p /= 1 + d
 *
 * The division is put off: q = c p, where c is the product of all 1 + d, hence the sum of q, is what
 * memory holds. One scan does it all: its points are rounds x phases x t x u, where u < k adds
 * Q[t,u] q[u] to a sum, and u = k uses it; phase 0 makes pQp, phase 1 looks whether it is enough, phase
 * 2 moves p[t]. */
#include "ir/ops/svm.h"

static Tx make_q(Te *t, Tx r)
{
    Ex k = r->dim[1];
    Tx q = te_temp(t, r->elem, 3, r->dim), diagonal = te_temp(t, r->elem, 2, r->dim);
    te_stage(t, diagonal);
    Ex row = te_axis(t, 0), c = te_axis(t, 1), j = te_red(t, k);
    Ex v = te_load(t, r, (Ex[]){row, j, c});
    v = te_select(t, te_eq(t, j, c), te_like(t, v, 0), v);
    te_yield(t, te_sum(t, te_mul(t, v, v)));
    te_stage(t, q);
    Ex a = te_axis(t, 1), b = te_axis(t, 2);
    row = te_axis(t, 0);
    Ex other = te_mul(t, te_load(t, r, (Ex[]){row, b, a}), te_load(t, r, (Ex[]){row, a, b}));
    te_yield(t, te_select(t, te_eq(t, a, b), te_load(t, diagonal, (Ex[]){row, a}), te_neg(t, other)));
    return q;
}

enum { SUM, PQP, SCALE, WORST, STATES }; /* WORST: -1 once it was small enough */
enum { MEASURE, JUDGE, MOVE, PHASES };

static void minimize(Te *t, Tx q, Tx p, int64_t k)
{
    Elem e = p->elem;
    int64_t rounds = MAX(100, k), turn = k * (k + 1);
    te_stage_axes(t, 2, (Ex[]){p->dim[0], te_int(t, rounds * PHASES * turn)});
    Ex row = te_axis(t, 0), s = te_axis(t, 1);
    Ex phase = te_floor_mod(t, te_floor_div(t, s, te_int(t, turn)), te_int(t, PHASES));
    Ex at = te_floor_mod(t, te_floor_div(t, s, te_int(t, k + 1)), te_int(t, k));
    Ex u = te_floor_mod(t, s, te_int(t, k + 1)), in = te_min(t, u, te_int(t, k - 1));
    Ex zero = te_const(t, e, 0), one = te_const(t, e, 1), state[STATES];
    te_scan_many(t, STATES, (Ex[]){zero, zero, one, zero}, state);

    Ex adds = te_lt(t, u, te_int(t, k)), first = te_eq(t, at, te_int(t, 0));
    Ex uses = te_and(t, te_not(t, adds), te_le(t, zero, state[WORST]));
    Ex measures = te_and(t, uses, te_eq(t, phase, te_int(t, MEASURE)));
    Ex judges = te_and(t, uses, te_eq(t, phase, te_int(t, JUDGE)));
    Ex moves = te_and(t, uses, te_eq(t, phase, te_int(t, MOVE)));

    Ex here = te_load(t, p, (Ex[]){row, at}), qtt = te_load(t, q, (Ex[]){row, at, at});
    Ex product = te_mul(t, te_load(t, q, (Ex[]){row, at, in}), te_load(t, p, (Ex[]){row, in}));
    Ex sum = te_add(t, te_select(t, te_eq(t, u, te_int(t, 0)), zero, state[SUM]), product);
    Ex qp = te_div(t, state[SUM], state[SCALE]);
    Ex d = te_div(t, te_sub(t, state[PQP], qp), qtt), grows = te_add(t, one, d);
    Ex measured = te_add(t, te_select(t, first, zero, state[PQP]),
                         te_mul(t, te_div(t, here, state[SCALE]), qp));
    Ex moved = te_mul(t, d, te_add(t, te_mul(t, d, qtt), te_mul(t, te_const(t, e, 2), qp)));
    moved = te_div(t, te_add(t, state[PQP], moved), te_mul(t, grows, grows));
    Ex error = te_max(t, te_select(t, first, zero, state[WORST]), te_abs(t, te_sub(t, qp, state[PQP])));
    Ex enough = te_and(t, te_eq(t, at, te_int(t, k - 1)),
                       te_lt(t, error, te_const(t, e, 0.005 / (double)k)));

    Ex next[STATES];
    next[SUM] = te_select(t, adds, sum, state[SUM]);
    next[PQP] = te_select(t, measures, measured, te_select(t, moves, moved, state[PQP]));
    next[SCALE] = te_select(t, moves, te_mul(t, state[SCALE], grows), state[SCALE]);
    next[WORST] = te_select(t, judges, te_select(t, enough, te_const(t, e, -1), error), state[WORST]);
    te_scan_step_many(t, STATES, next);
    Ex to = te_add(t, here, te_mul(t, d, state[SCALE]));
    te_yield_at(t, p, (Ex[]){row, at}, te_select(t, moves, to, here));
}

void te_couple(Te *t, Tx y, Tx r)
{
    int64_t k = 2;
    bool known = ex_is_int(r->dim[1], &k);
    assert(known);
    (void)known;
    Tx q = make_q(t, r), p = te_temp(t, r->elem, 2, r->dim), sum = te_temp(t, r->elem, 1, r->dim);
    te_stage(t, p);
    te_yield(t, te_const(t, r->elem, 1 / (double)k));
    minimize(t, q, p, k);
    te_stage(t, sum);
    te_yield(t, te_sum(t, te_load(t, p, (Ex[]){te_axis(t, 0), te_red(t, r->dim[1])})));
    te_stage(t, y);
    Ex row = te_axis(t, 0);
    te_yield(t, te_div(t, te_load(t, p, t->stage->axis), te_load(t, sum, &row)));
}
