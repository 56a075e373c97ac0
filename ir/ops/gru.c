/* GRU: gated recurrent unit. With x W' + b in parts xz, xr, xn and R in parts Rz, Rr, Rn:
 *     z = f(xz + h Rz'),  r = f(xr + h Rr'),  n = g(xn + (r * h) Rn')
 *     h = (1 - z) * n + z * h
 * With linear_before_reset: n = g(xn + r * (h Rn' + bn)), bn the bias of R. */
#include "ir/ops/recurrent.h"

#define GRU_ATTRS(A, S)   \
    RECURRENT_ATTRS(A, S) \
    A(S, int, linear_before_reset, "0", "1: r multiplies h Rn' + bn")
ATTRS(GruAttrs, GRU_ATTRS);

enum { GATE_Z, GATE_R, GATE_N };
enum { ACT_F, ACT_G };

/* In the last stage of a step. */
static void yield(Recurrence *r, Ex z, Ex n)
{
    Te *t = r->t;
    Ex keep = te_mul(t, z, recurrent_state(r, 0));
    recurrent_yield(r, te_add(t, te_mul(t, te_sub(t, te_like(t, z, 1), z), n), keep), NULL);
}

static void step(Recurrence *r)
{
    Te *t = r->t;
    Tx zr = recurrent_product(r, r->state[0], GATE_Z, 2), reset = NULL;
    if (r->state[0]) {
        reset = te_temp(t, r->elem, 2, (Ex[]){r->batch, r->hidden});
        te_stage(t, reset);
        Ex gate = recurrent_act(r, ACT_F, recurrent_gate(r, zr, GATE_R));
        te_yield(t, te_mul(t, gate, recurrent_state(r, 0)));
    }
    Tx candidate = recurrent_product(r, reset, GATE_N, 1);
    recurrent_stage(r);
    yield(r, recurrent_act(r, ACT_F, recurrent_gate(r, zr, GATE_Z)),
          recurrent_act(r, ACT_G, recurrent_gate(r, candidate, 0)));
}

static void step_linear(Recurrence *r)
{
    Te *t = r->t;
    Tx hr = recurrent_product(r, r->state[0], GATE_Z, 3);
    Ex part[3];
    recurrent_stage(r);
    for (int k = GATE_Z; k <= GATE_R; k++)
        part[k] = recurrent_act(r, ACT_F, te_add(t, recurrent_input(r, k),
                                                 recurrent_gate(r, hr, k)));
    Ex n = te_mul(t, part[GATE_R], recurrent_gate(r, hr, GATE_N));
    yield(r, part[GATE_Z], recurrent_act(r, ACT_G, te_add(t, recurrent_input(r, GATE_N), n)));
}

static const char *const activations[] = {"Sigmoid", "Tanh"};
static const Cell cell = {.gates = 3, .states = 1, .nact = 2, .activations = activations,
                          .step = step};
static const Cell cell_linear = {.gates = 3, .states = 1, .nact = 2, .activations = activations,
                                 .own_bias = true, .step = step_linear};

static const Cell *cell_of(const Node *n)
{
    return ((const GruAttrs *)n->attrs)->linear_before_reset ? &cell_linear : &cell;
}

static Status infer(Graph *g, Node *n) { return recurrent_infer(g, n, cell_of(n)); }
static void define(Te *t, const Node *n) { recurrent_define(t, n, cell_of(n)); }

OP(gru) = {
    .name = "GRU", .since = {1, 3, 7, 14, 22}, .min_in = 3, .max_in = 6, .max_out = 2,
    .traits = OP_CONTROL, ATTRS_OF(GruAttrs), .upgrade = recurrent_upgrade, .infer = infer,
    .define = define, .doc = "gated recurrent unit along a sequence",
};
