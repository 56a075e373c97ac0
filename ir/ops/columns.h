/* Sequences, optionals and maps as columns of tensors.
 *
 * A target knows tensors alone, so a value of another type becomes a few tensors, its columns, in the
 * way of column stores (Apache Arrow lays out lists likewise):
 *
 *     seq(tensor), optional(tensor)  shapes i64[n,9]: the rank and, padded with ones, the dimensions
 *                                    of each element; data T[total]: the elements one behind another.
 *                                    An optional is a sequence of one element or none.
 *     optional(seq(tensor))          has bool[1], and the columns of the sequence
 *     map(K, tensor)                 keys K[n], values V[n]
 *     seq(map(K, tensor))            keys K[c], values V[n,c]: all maps have the same keys
 *
 * passes/columns.c replaces the values; an operator on them says in OpInfo.columns, as text of simpler
 * operators, what it does with columns. Inputs and outputs of a model that are not tensors are known
 * outside by the names of their columns: NAME.shapes, NAME.data and so on. */
#ifndef MLC_OPS_COLUMNS_H
#define MLC_OPS_COLUMNS_H

#include "ir/base/str.h"
#include "ir/ops/check.h"

enum { COLUMNS_MAX = 3, COLUMNS_RANK = 8, COLUMNS_WIDTH = 1 + COLUMNS_RANK };

/* The rank of the elements of a sequence that has none yet: any other rank goes over it. */
enum { RANK_NONE = -2 };

bool        type_is_composite(const Type *t);
/* Number of columns: 1 for a tensor. 0: a type that has none (a sequence of sequences). */
int         column_count(const Type *t);
const char *column_name(const Type *t, int k);
/* The type of column k. Its sizes are symbols named after `name`, those of the outermost graph's inputs
 * (`outer`) set by the caller, others fresh ones that the run sets. */
Type        column_type(Graph *g, const Type *t, int k, const char *name, bool outer);

/* seq(tensor) of v: with the dimensions that v's type has where elem and rank are the same. `of` NULL:
 * an element type alone, RANK_NONE. */
Type        sequence_of(Graph *g, Elem e, const Type *of);
/* The type that both are values of: a dimension in which they differ is found by the run, an optional
 * takes in what it may hold. False: there is none. */
bool        type_join(Graph *g, const Type *a, const Type *b, Type *out);

/* Fails with E0206 unless input i is of the kind; *of is its element. */
Status      node_need_sequence(const Node *n, int i, const Type **of);

/* ---- for OpInfo.columns ---- */
/* SequenceAt and OptionalGetElement: the type of output 0, an element of type `of`; and the text for
 * the element at the position that column `position` holds, the first one where that is -1. NULL:
 * the rank is not known. */
Status      infer_element(Graph *g, Node *n, const Type *of);
const char *element_text(Graph *g, const Node *n, int position);
/* The text of the sequence whose elements are the inputs, all tensors. */
const char *construct_text(Graph *g, const Node *n);

#endif
