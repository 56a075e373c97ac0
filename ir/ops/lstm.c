/* LSTM: long short-term memory. With x W' + h R' + b in parts si, so, sf, sc:
 *     i = f(si + Pi * c),  f = f(sf + Pf * c)  (input_forget: 1 - i),  c~ = g(sc)
 *     c = f * c + i * c~,  o = f(so + Po * c),  h = o * h(c)
 * `clip` limits what f and g are given; the cell itself is not limited before h(c), as in ONNX
 * Runtime. */
#include "ir/ops/recurrent.h"

#include <math.h>

#define LSTM_ATTRS(A, S)  \
    RECURRENT_ATTRS(A, S) \
    A(S, int, input_forget, "0", "1: the forget gate is 1 - the input gate")
ATTRS(LstmAttrs, LSTM_ATTRS);

enum { GATE_I, GATE_O, GATE_F, GATE_C };
enum { ACT_F, ACT_G, ACT_H };

/* sum of gate k + P * c; the gates stand in P as they do in W. */
static Ex peephole(Recurrence *r, Tx sum, int k, Ex c)
{
    Te *t = r->t;
    Tx weight = te_in(t, IN_P);
    Ex s = recurrent_gate(r, sum, k);
    if (!weight)
        return s;
    Ex row = te_add(t, te_mul(t, te_int(t, k), r->hidden), te_axis(t, 1));
    Ex w = te_wide(t, te_load(t, weight, (Ex[]){te_int(t, r->dir), row}));
    return te_add(t, s, te_mul(t, w, c));
}

static void step(Recurrence *r)
{
    Te *t = r->t;
    const LstmAttrs *a = t->node->attrs;
    Tx sum = recurrent_product(r, r->state[0], GATE_I, 4);
    recurrent_stage(r);
    Ex old = recurrent_state(r, 1);
    Ex in = recurrent_act(r, ACT_F, peephole(r, sum, GATE_I, old));
    Ex forget = a->input_forget ? te_sub(t, te_like(t, in, 1), in)
                                : recurrent_act(r, ACT_F, peephole(r, sum, GATE_F, old));
    Ex candidate = recurrent_act(r, ACT_G, recurrent_gate(r, sum, GATE_C));
    Ex c = te_add(t, te_mul(t, forget, old), te_mul(t, in, candidate));
    Ex out = recurrent_act(r, ACT_F, peephole(r, sum, GATE_O, c));
    recurrent_yield(r, te_mul(t, out, gate_apply(t, &r->act[ACT_H], NAN, c)), c);
}

static const char *const activations[] = {"Sigmoid", "Tanh", "Tanh"};
static const Cell cell = {.gates = 4, .states = 2, .nact = 3, .activations = activations,
                          .step = step};

static Status infer(Graph *g, Node *n) { return recurrent_infer(g, n, &cell); }
static void define(Te *t, const Node *n) { recurrent_define(t, n, &cell); }

OP(lstm) = {
    .name = "LSTM", .since = {1, 7, 14, 22}, .min_in = 3, .max_in = 8, .max_out = 3,
    .traits = OP_CONTROL, ATTRS_OF(LstmAttrs), .upgrade = recurrent_upgrade, .infer = infer,
    .define = define, .doc = "long short-term memory along a sequence",
};
