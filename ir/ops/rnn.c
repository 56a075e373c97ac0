/* RNN: h = f(x W' + h R' + b). */
#include "ir/ops/recurrent.h"

ATTRS(RnnAttrs, RECURRENT_ATTRS);

static void step(Recurrence *r)
{
    Tx sum = recurrent_product(r, r->state[0], 0, 1);
    recurrent_stage(r);
    recurrent_yield(r, recurrent_act(r, 0, recurrent_gate(r, sum, 0)), NULL);
}

static const char *const activations[] = {"Tanh"};
static const Cell cell = {.gates = 1, .states = 1, .nact = 1, .activations = activations,
                          .step = step};

static Status infer(Graph *g, Node *n) { return recurrent_infer(g, n, &cell); }
static void define(Te *t, const Node *n) { recurrent_define(t, n, &cell); }

OP(rnn) = {
    .name = "RNN", .since = {1, 7, 14, 22}, .min_in = 3, .max_in = 6, .max_out = 2,
    .traits = OP_CONTROL, ATTRS_OF(RnnAttrs), .upgrade = recurrent_upgrade, .infer = infer,
    .define = define, .doc = "h = f(x W' + h R' + b) along a sequence",
};
