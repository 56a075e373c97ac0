/* What many operators share when they check a node, name its result or upgrade it. */
#ifndef MLC_OPS_CHECK_H
#define MLC_OPS_CHECK_H

#include "ir/ops/op.h"

/* Sizes in attributes (strides, pads, kernels, block sizes) stay below this, so that the product
 * of two of them cannot overflow. */
#define MAX_ATTR_SIZE ((int64_t)INT32_MAX)

/* IS_ANY: for what only moves elements. */
enum { IS_FLOAT = 1, IS_INT = 2, IS_BOOL = 4, IS_STRING = 8, IS_NUMBER = IS_FLOAT | IS_INT,
    IS_DATA = 7, IS_ANY = 15 };

/* Fails with E0204 unless input i is a tensor of one of the classes. An omitted one passes. */
Status node_need_elem(const Node *n, int i, unsigned classes);
/* Is input i there? */
bool   node_has(const Node *n, int i);
/* Sets the type of output i unless it is omitted. */
void   node_set_type(Node *n, int i, Type type);
/* The dimensions of a tensor type, each marked in on[] where one of the axes names it. Axes may be
 * negative; a repeated one is E0302. */
Status node_axes(const Node *n, int rank, int count, const int64_t *axes, bool on[MAX_RANK]);
/* Input i as integer constants, at most `max`. E0303 when it is computed at run time, E0301 when
 * there are more. An omitted input gives *count = 0 and *given false; `given` may be NULL. */
Status node_const_ints(Graph *g, const Node *n, int i, int max, int64_t *out, int *count,
                       bool *given);
/* Input i as integers, constant or symbolic: at most `max`. The same errors. */
Status node_known_ints(Graph *g, const Node *n, int i, int max, const Ex **out, int *count);
/* Fails with E0301 when a and b are different constants. */
Status node_need_equal(const Node *n, Ex a, Ex b, const char *what);
/* Fails with E0203 unless min <= v <= MAX_ATTR_SIZE. */
Status node_need_size(const Node *n, const char *attr, int64_t v, int64_t min);

/* infer: output 0 has input 0's type, which is a float / a number. */
Status infer_float(Graph *g, Node *n);
Status infer_number(Graph *g, Node *n);

/* upgrade: drops what only version 1 had (consumed_inputs). */
Status upgrade_plain(RawNode *raw);
/* upgrade: `broadcast` and `axis` of operators before version 7. */
Status upgrade_broadcast(RawNode *raw);
/* Input i gets `count` trailing dimensions of 1. */
Status raw_trailing_ones(RawNode *raw, int i, int count);
/* The rank of input i, inferring what comes before where needed; -1 when unknown. */
int    raw_rank(RawNode *raw, int i);

/* The elements that an input has along every dimension in on[] (their product). */
Ex     dims_product(ExPool *p, int rank, const Ex *dim, const bool on[MAX_RANK]);
/* x's elements at the row-major position `flat` of its dimensions [first, last). */
void   unflatten(ExPool *p, Ex flat, int first, int last, const Ex *dim, Ex *index);
/* The index into `from` of the element that stands at `axis` of a tensor with dimensions `to`, both
 * read in row-major order. */
void   reshape_index(ExPool *p, int nfrom, const Ex *from, int nto, const Ex *to, const Ex *axis,
                     Ex *index);

/* An expression of axes and symbols as a float. */
Ex     te_float_of(Te *t, Elem e, Ex i);
/* idx[at...], the data of value v, as an index into a dimension: any integer type; negative counts
 * from the end. */
Ex     te_load_index(Te *t, Tx idx, const Value *v, const Ex *at, Ex dim);
/* Adds a stage that checks -dim <= idx < dim for every element of idx, unless it is constant data
 * known to fit (infer refuses constants that do not). */
void   te_check_index(Te *t, Tx idx, const Value *v, Ex dim);
/* Fails with E0301 when input i is constant and an element is outside [-dim, dim). */
Status node_check_index(const Node *n, int i, Ex dim);

#endif
