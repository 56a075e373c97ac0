/* What RNN, GRU and LSTM share: attributes, shapes, and the run along a sequence.
 *
 *     x [seq, batch, in] (layout 1: [batch, seq, in]), W [dirs, gates * hidden, in],
 *     R [dirs, gates * hidden, hidden], B [dirs, 2 * gates * hidden] (of W, then of R)
 *
 * Each direction is a loop of its own. Before it, one contraction makes x W' + b of all steps; a step
 * is then the contraction h R' and what the cell does with the sum. A sequence of one step has no
 * loop. The reverse direction walks from the last step to the first; a step behind the length of a
 * sequence leaves its states as they are, which reverses it within its length. */
#ifndef MLC_OPS_RECURRENT_H
#define MLC_OPS_RECURRENT_H

#include "ir/ops/check.h"
#include "ir/ops/gate.h"

/* Every operator's attributes begin with these. */
#define RECURRENT_ATTRS(A, S)                                                              \
    A(S, strs, activations, "", "functions of the gates, for each direction")              \
    A(S, floats, activation_alpha, "", "their first parameters")                           \
    A(S, floats, activation_beta, "", "their second parameters")                           \
    A(S, float, clip, "", "what an activation of a gate is given stays within +-clip")     \
    A(S, str, direction, "forward", "forward, reverse or bidirectional")                   \
    A(S, int, hidden_size, "", "size of the state")                                        \
    A(S, int, layout, "0", "1: the batch is the first dimension")
typedef struct RecurrentAttrs {
    RECURRENT_ATTRS(ATTR_FIELD, RecurrentAttrs)
} RecurrentAttrs;

enum { IN_X, IN_W, IN_R, IN_B, IN_LENS, IN_H, IN_C, IN_P };
enum { OUT_SEQUENCE, OUT_H, OUT_C };

typedef struct Recurrence Recurrence;

/* What one operator is. */
typedef struct Cell {
    int                gates;      /* rows of W for each element of the state */
    int                states;     /* 1: h, 2: h and c */
    int                nact;       /* activations of one direction, at most 3 */
    const char *const *activations; /* their defaults */
    bool               own_bias;   /* the bias of R is added to h R' by itself */
    /* Adds the stages of one step; ends with recurrent_yield(). */
    void             (*step)(Recurrence *r);
} Cell;

/* One direction of a node. */
struct Recurrence {
    Te                   *t;
    const Cell           *cell;
    const RecurrentAttrs *attrs;
    Gate                  act[3];
    Ex                    seq, batch, in, hidden;
    int                   dir, dirs;
    bool                  reverse;
    Elem                  elem;     /* of the arithmetic */
    Tx                    lens;     /* NULL: all sequences have all steps */
    Tx                    input;    /* x W' + b: [seq, batch, gates * hidden] */
    Ex                    at;       /* the position of this step in the sequence */
    Tx                    state[2]; /* [batch, hidden]; NULL: 0 */
    Tx                    next[2];  /* NULL: there is one step only */
};

Status recurrent_infer(Graph *g, Node *n, const Cell *cell);
void   recurrent_define(Te *t, const Node *n, const Cell *cell);
/* Before version 7 an attribute said whether output 0 is wanted. */
Status recurrent_upgrade(RawNode *raw);

/* For `step`. v R' of gates [first, first + count) as [batch, count * hidden]; v NULL: 0. What is
 * added: the input's part, or with own_bias the bias of R. */
Tx   recurrent_product(Recurrence *r, Tx v, int first, int count);
/* In an open stage over [batch, hidden]: gate k of what recurrent_product() gave, state i, gate k of
 * the input's part, activation k of x. */
Ex   recurrent_gate(Recurrence *r, Tx product, int k);
Ex   recurrent_state(Recurrence *r, int i);
Ex   recurrent_input(Recurrence *r, int k);
Ex   recurrent_act(Recurrence *r, int k, Ex x);
/* Opens that stage. */
void recurrent_stage(Recurrence *r);
/* Closes it: the states after the step. c is NULL where there is none. */
void recurrent_yield(Recurrence *r, Ex h, Ex c);

#endif
