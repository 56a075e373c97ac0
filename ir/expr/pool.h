/* The inside of the expression pool, for the files of ir/expr alone. */
#ifndef MLC_EXPR_POOL_H
#define MLC_EXPR_POOL_H

#include "ir/base/map.h"
#include "ir/base/str.h"
#include "ir/base/vec.h"
#include "ir/expr/expr.h"

enum { EX_MAX_ARGS = 250 };

typedef struct SymInfo {
    const char *name;
    int64_t     min, max; /* max -1: unbounded */
    int64_t     typical;  /* 0: nobody said */
    Ex          leaf;
    bool        run_time; /* a step of the program sets it */
} SymInfo;

/* Results of one running ex_rewrite(), by node id; a result counts when its stamp is current. */
typedef struct Memo {
    uint32_t  stamp;
    uint32_t *stamps;
    Ex       *results;
    size_t    cap;
} Memo;

struct ExPool {
    Arena   *arena;
    Expr   **slots; /* open addressing, nslots a power of two */
    size_t   nslots, count;
    uint32_t next_id;
    VEC(SymInfo) syms;
    VEC(Ex) var_extent; /* by variable number */
    VEC(Ex) var_leaf;
    Map      sym_by_name; /* name -> SymInfo's leaf */
    VEC(Memo *) memos;    /* by nesting depth of rewrites */
    int      rewrite_depth;
    int      proof_depth; /* proofs build expressions, which ask for proofs: bounded */
};

/* The one node equal to `want` (its id is ignored); makes it when new. */
Ex ex_intern(ExPool *p, const Expr *want, const Ex *args, const int64_t *coef);

/* i64 normal form, normal.c */
Ex ex_int_add(ExPool *p, Ex a, Ex b, int64_t scale_b); /* a + scale_b * b */
Ex ex_int_mul(ExPool *p, Ex a, Ex b);
Ex ex_int_floor_div(ExPool *p, Ex a, Ex b);
Ex ex_int_floor_mod(ExPool *p, Ex a, Ex b);

/* A sum seen as terms: constant and `n` monomials. A plain atom is one term with coefficient 1. */
typedef struct Terms {
    int64_t        constant;
    int            n;
    const Ex      *mono;
    const int64_t *coef;
} Terms;
typedef struct TermsOne { /* storage for the one-term view */
    Ex      mono;
    int64_t coef;
} TermsOne;
Terms ex_terms(Ex e, TermsOne *one);
/* Atoms of a monomial: of EX_PROD its arguments, else the thing itself. */
int ex_atoms(const Ex *mono, const Ex **atoms);

/* A new node of an operation as it stands, without simplification. */
Ex ex_raw(ExPool *p, ExOp op, Elem elem, int n, const Ex *args);

/* Value of an operation on constants of type `e`: true and *out when it can be folded. */
bool ex_fold(ExOp op, Elem e, int n, const Ex *args, ExPool *p, Ex *out);

#endif
