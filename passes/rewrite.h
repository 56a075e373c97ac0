/* What the files of passes share: the list of passes, matching, and replacing with permission. */
#ifndef MLC_REWRITE_H
#define MLC_REWRITE_H

#include "ir/base/str.h"
#include "passes/pass.h"

/* Every row of the pipeline is a function in the file that bears its name. */
#define PASS(id, name, level, doc) Status pass_##id(Graph *g);
#define AGAIN(id, level)
#define REPEAT
#define UNTIL_STABLE
#include "passes/pipeline.def"
#undef PASS
#undef AGAIN
#undef REPEAT
#undef UNTIL_STABLE

/* ---- matching ---- */
/* Is it this operator of ai.onnx? NULL is none. */
bool node_is(const Node *n, const char *op);
/* The field of an attribute in an attribute struct of `op`; NULL when it has no such attribute. */
void *attr_field(const OpInfo *op, void *attrs, const char *name);
/* Attributes by name; `otherwise` when the operator has no such attribute or it is absent. */
int64_t node_attr_int(const Node *n, const char *name, int64_t otherwise);
double  node_attr_float(const Node *n, const char *name, double otherwise);
/* A list; `set` is false when it is absent. */
Ints    node_attr_ints(const Node *n, const char *name);
/* A copy of the node's attributes, to be changed through attr_field(). */
void   *node_attrs_copy(const Node *n);
/* The node that computes v when v has one use and is no graph output; NULL otherwise. */
Node   *sole_def(const Graph *g, const Value *v);
/* Outputs from the second on are omitted or dead. */
bool    only_first_output(const Graph *g, const Node *n);
/* A tensor of known rank. */
bool    is_ranked(const Value *v);
/* f32 or f64: where arithmetic on weights in double precision pays. */
bool    is_f32_or_f64(Elem e);
/* Every element of constant v (any shape, at most 4096 elements or a splat) has the same bits:
 * *out is that number. */
bool    value_uniform(const Value *v, double *out);

/* ---- rewriting ---- */
/* Would graph_replace(from, to) change anything? */
bool can_replace(const Graph *g, const Value *from, const Value *to);
/* With permission: the uses of from (an output of n) become uses of `to`; n goes when it is dead.
 * False: nothing changed. */
bool step_replace(Graph *g, Node *n, Value *from, Value *to);
/* After graph_replace(from, to): `to`, made to take the place of `from`, takes over the name that
 * `from` had, and `from` gets that of `to`. */
void  value_take_name(Graph *g, Value *from, Value *to, const char *name);
/* Puts the nodes of a body (op_body()) before `at`, with its origin. map[] holds, by the ids of the body,
 * what its inputs stand for, and then what its nodes became. */
Status insert_body(Graph *g, Node *at, const Graph *body, Value **map);
/* The value of the graph that stands for one of the body. */
Value *mapped_value(Graph *g, Value **map, Value *v);
/* Output v of node n is `to` from now on, under its name. What cannot take over the name of a graph
 * output (an input of the graph, another output) is passed through Identity. */
Status replace_output(Graph *g, Node *n, Value *v, Value *to);
/* A node with one output, types inferred, that stands before `before` and has its origin. `attrs`
 * NULL: defaults. NULL when inference fails (nothing is left behind). */
Node *insert_inferred(Graph *g, Node *before, const char *op, int nin, Value *const *in,
                      const void *attrs);
/* `fresh` (made by insert_inferred) takes the place of n's first output, with its name, if it has
 * the same type and permission is given; else `fresh` goes. */
bool  step_swap(Graph *g, Node *n, Node *fresh);

/* The nodes of `text` (items of the text form), inferred, before `at`: %0, %1 ... are in[], NULL where
 * omitted, and out[0 .. *nout - 1] are what its `out` items list. */
Status insert_text(Graph *g, Node *at, const char *text, int nin, Value *const *in, int *nout,
                   Value ***out);

#endif
