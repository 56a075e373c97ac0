/* What If, Loop and Scan share: bodies and the values that go in and out. */
#ifndef MLC_OPS_CONTROL_H
#define MLC_OPS_CONTROL_H

#include "ir/ops/check.h"

/* Body input i stands for node input `outer`: it takes over type and known content. */
void   body_take(Graph *body, size_t i, const Value *outer);
/* The last inputs of the body, which stand for the node's last inputs. */
Status body_captures(const Node *n, Graph *body);
/* Body output i as a tensor of known rank. */
Status body_output(const Node *n, const Graph *body, size_t i, const Type **out);
/* A dimension of v whose value the definition sets with te_set(): the one it has from before, or a
 * new symbol. */
Ex     assigned_dim(Graph *g, const Value *v, int k);

/* In define: the captures of the body are what the node reads. */
void te_bind_captures(Te *t, const Node *n, const Graph *body);
/* The dimensions of `to` that are assigned take the values that `from` has. */
void te_set_dims(Te *t, const Type *to, const Type *from);
/* A copy of x, for what is moved while its source must stay. */
Tx   te_copy(Te *t, Tx x);
/* A scalar of `type` that holds v. */
Tx   te_scalar(Te *t, Elem e, int rank, Ex v);
/* y[i, ...] = x[...] with i at dimension `axis` of y. */
void te_store_slice(Te *t, Tx y, int axis, Ex i, Tx x);

/* Flag i of what `of` says. */
typedef Ex (*TeFlag)(Te *t, Tx of, Ex i);
/* The places of the `all` flags that are set, in ascending order, with room for one more than all.
 * `size`, where it is a symbol of the definition, takes their number. */
Tx   te_list_set(Te *t, Ex all, TeFlag flag, Tx of, Ex size);

#endif
