/* Gates: the activation functions that recurrent cells take by name. */
#ifndef MLC_OPS_GATE_H
#define MLC_OPS_GATE_H

#include "ir/ops/op.h"

/* One activation with its parameters. */
typedef struct Gate {
    const struct GateFunction *fn;
    double                     alpha, beta;
} Gate;

/* The `count` activations of a node: `names`, or `dflt` over and over where none are given. Elements
 * of alpha and beta are taken in order by those activations that have such a parameter; one that
 * finds none left has its default. E0203 for a wrong number of names or an unknown one. */
Status gates_read(const Node *n, const Strings *names, const Floats *alpha, const Floats *beta,
                  int ndflt, const char *const *dflt, int count, Gate *out);
/* gate(x), x first limited to [-clip, clip]; NaN: not limited. */
Ex     gate_apply(Te *t, const Gate *g, double clip, Ex x);

#endif
