/* Dimensions that an operator takes as an input: constants, or numbers that the run finds out. Where
 * they are constant every expression made here folds to a constant or to what was given. */
#ifndef MLC_OPS_AXES_H
#define MLC_OPS_AXES_H

#include "ir/ops/check.h"

typedef struct Axes {
    int  rank, count; /* count: how many are given */
    Ex   axis[MAX_RANK]; /* from the front, as given */
    Ex   on[MAX_RANK];   /* of every dimension, bool: is it given? */
} Axes;

/* Input i as dimensions of a tensor of `rank`. An omitted one gives none. E0302 for constants that are
 * no dimensions or one twice, E0303 where not even their number is known. */
Status axes_read(Graph *g, const Node *n, int i, int rank, Axes *out);
/* Every dimension is given. */
void   axes_all(ExPool *p, Axes *a);
/* How many dimensions before `i` are not given. */
Ex     axes_kept_before(ExPool *p, const Axes *a, int i);
/* dim[] without those that are given: rank - count of them. */
void   axes_drop(ExPool *p, const Axes *a, const Ex *dim, Ex *out);
/* from[k] where k, an expression, is 0, 1 ... below n; `otherwise` elsewhere. */
Ex     axes_pick(ExPool *p, Ex k, int n, const Ex *from, Ex otherwise);
/* In define: what axes_read() could not check. */
void   te_require_axes(Te *t, const Axes *a);

#endif
