/* The inside of the kernel interpreter: a kernel prepared for blocks of lanes.
 *
 * Lanes.  Iterations that may run in lock step become lanes. A scope is a box of lanes: scope 0 has
 * one lane (uniform values); the parallel loops of a nest open a scope of up to LANE_BLOCK lanes,
 * of which the last loops are whole and one outer loop may be cut in chunks; loops inside may open
 * a further scope, whose lanes multiply (the inner index is the fastest). A value lives in the
 * innermost scope that one of its leaves depends on and is widened where it meets a wider one.
 *
 * Regions.  A region is a list of items that is executed once per iteration of a serial loop, per
 * chunk of lanes, or per branch taken. Each item stands in the outermost region in which all that
 * it depends on is known, so whatever is invariant in a loop is computed before it. Loads from
 * memory that the kernel writes stay beside their statement, and no load leaves a branch, a loop
 * that may be empty, or overtakes a check.
 *
 * Indices.  An i64 sum is split into a scalar part, a pattern (affine in the lanes, the same for
 * every chunk, hence computed once) and arrays of whatever is not affine. A pattern that is
 * contiguous over all lanes makes a load a pointer. */
#ifndef MLC_INTERP_H
#define MLC_INTERP_H

#include "ir/base/ctx.h"
#include "ir/kernel/interp_lanes.h"
#include "ir/kernel/kernel.h"

enum { LANE_BLOCK = 1024, SCOPE_DIMS = 64 };

typedef struct Region Region;
typedef struct Item Item;

typedef struct Scope {
    struct Scope *parent; /* NULL: the uniform scope */
    int           depth;
    Region       *home;   /* outermost region in which its lanes mean something */
    int           ndim, first; /* dimensions first..ndim-1 are its own; the others its parent's */
    int64_t       dim[SCOPE_DIMS];
    int64_t       n, nmax; /* lanes now, and at most */
    uint32_t      gen;     /* changes with dim */
} Scope;

struct Region {
    Region *parent;
    int     depth;
    bool    open; /* being built: contains the statement that is being prepared */
    VEC(Item *) items;
};

/* A loop variable: a scalar, or lanes of a scope (plus a scalar base when cut in chunks). */
typedef struct Var {
    Ex       var;
    Region  *region; /* in which its scalar part is known */
    int64_t  value;
    const void *at; /* &value */
    Scope   *scope;
    int      dim;
    bool     has_base;
} Var;

/* Offsets of the lanes of a scope: sum coef[k] * position in dimension k. */
typedef struct Pattern {
    Scope   *scope;
    int64_t  coef[SCOPE_DIMS];
    bool     synced;
    uint32_t gen;
    int64_t  lo, hi;
    int64_t  run, stride; /* blocks of `run` lanes, `stride` apart from lane to lane */
    int64_t *off;         /* filled on demand */
    uint32_t off_gen;
    bool     off_filled;
} Pattern;

typedef struct ScalarTerm {
    int64_t            coef;
    const void *const *at; /* points at the pointer to the i64 */
} ScalarTerm;

typedef struct LaneTerm {
    int64_t coef;
    Item   *item;
} LaneTerm;

/* constant + scalars + pattern + lanes. */
typedef struct Lin {
    int64_t constant;
    VEC(ScalarTerm) scalars;
    int64_t  coef[SCOPE_DIMS];
    VEC(LaneTerm) lanes;
    Region  *region; /* of scalars and lanes */
    Region  *lane_region; /* of lanes alone */
    Scope   *scope;
    Pattern *pattern; /* after lin_finish() */
} Lin;

/* Memory behind a buffer. */
typedef struct Mem {
    const Buf *buf;
    Elem       elem; /* of a lane: F64 for every float in INTERP_F64 */
    int        log2; /* of the bytes of a lane */
    int        packed_bits; /* 2 or 4 when elements share bytes, else 0 */
    bool       written, is_reg, splat;
    int        arg; /* number of the parameter, -1 for registers */
    char      *data;
    int64_t    count;
} Mem;

typedef enum ItemKind {
    /* values */
    ITEM_FIXED, /* p never changes; not in a region */
    ITEM_SCALAR, /* lin, uniform */
    ITEM_LIN,
    ITEM_OP,
    ITEM_CONVERT, /* casts from or to storage types */
    ITEM_WIDEN,
    ITEM_LOAD,
    ITEM_SELECT,
    ITEM_AND,      /* of masks */
    ITEM_AT_LEAST, /* lin >= bound */
    /* statements */
    ITEM_STORE,
    ITEM_FOLD,
    ITEM_CHECK,
    ITEM_LOOP,
    ITEM_LANES,
    ITEM_IF,
    ITEM_COPY,
} ItemKind;

typedef struct CopyDim {
    int64_t extent, dst, src;
} CopyDim;

typedef struct Copy {
    int      n;
    CopyDim *dim; /* outermost first */
    Mem     *dst, *src;
    int64_t  dst_base, src_base;
} Copy;

struct Item {
    ItemKind  kind;
    Elem      elem;
    uint8_t   log2;      /* bytes of a lane */
    uint8_t   state;     /* MASK_*, of items with is_mask */
    bool      is_mask, want_range, saturate, executed;
    Scope    *scope;
    Region   *region;
    void     *p;         /* the value: own, or an alias of other memory */
    void     *own;
    int64_t   scalar;    /* own memory of uniform items */
    int64_t   lo, hi;    /* with want_range */
    int       uses;
    size_t    last_use;  /* position in the region's list; SIZE_MAX: used deeper inside */
    Item     *arg[3];
    LaneFn    fn;
    Lin      *lin;       /* index of loads and stores; value of SCALAR, LIN, AT_LEAST */
    Item     *offsets;   /* index lanes that are not a pattern */
    Item     *mask;      /* loads, stores, checks; may be NULL */
    Mem      *mem;
    Item     *into;      /* the store whose memory takes the value directly, or NULL */
    Item     *next_same; /* other instances of one expression */
    Item     *next_wide; /* widened forms of this item */
    Item     *next_and;  /* conjunctions of this mask with others, each in `under` */
    Ex        expr;
    int       seq;       /* of the statement, when it depends on written memory; else 0 */
    Item     *under;     /* the mask under which its loads happen */
    union {
        int64_t bound; /* AT_LEAST */
        struct {
            Var    *var;
            Item   *extent;
            Region *body;
        } loop;
        struct {
            Scope  *scope;
            Var    *chunked; /* NULL: the whole box at once */
            int64_t extent, chunk;
            Region *body;
        } lanes;
        struct {
            Region *then, *otherwise;
        } branch;
        struct {
            Scope *inner; /* of the body; its lanes per lane of `scope` are folded */
            int    op, side;
        } fold;
        int   code; /* CHECK */
        Copy *copy;
    };
};

/* What is known of a distinct expression. */
typedef struct ExprInfo {
    Ex      e;
    uint8_t flags; /* HAS_* */
    Item   *items;
} ExprInfo;

enum { HAS_LOAD = 1, HAS_WRITTEN = 2, HAS_MATH = 4, HAS_KNOWN = 128 };

struct InterpPlan {
    Ctx           *ctx;
    Arena         *arena;
    const Kernel  *kernel;
    ExPool        *pool;
    InterpMode     mode;
    const int64_t *sym;
    const Lanes   *fn;
    /* while preparing */
    Status    status;
    ExprInfo *info; /* open addressing by expression id */
    size_t    ninfo, info_cap;
    VEC(Mem *) mems;
    VEC(Var *) vars;
    VEC(Scope *) scopes;
    VEC(Pattern *) patterns;
    Region *root, *region, *load_floor;
    Scope  *uniform, *scope, *top; /* top: the scope of the parallel loops, or NULL */
    Item   *mask;
    int     seq, checks;
    int64_t reg_lanes; /* widest scope of parallel loops: registers are held once per lane */
    /* while running */
    int     check_code;
    int64_t evals;
};

/* ---- interp_expr.c: expressions -> items ---- */
/* Reports E0901 once and makes the plan fail. */
void  plan_fail(InterpPlan *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
Elem  plan_elem(const InterpPlan *p, Elem e);
Mem  *plan_mem(InterpPlan *p, const Buf *b);
uint8_t expr_flags(InterpPlan *p, Ex e);
/* The expression as it is computed: MATH operations expanded in exact mode. */
Ex    plan_expr(InterpPlan *p, Ex e);
Item *plan_value(InterpPlan *p, Ex e);
Item *plan_widen(InterpPlan *p, Item *it, Scope *s);
Item *plan_mask_and(InterpPlan *p, Item *a, Item *b);
Item *item_new(InterpPlan *p, ItemKind kind, Elem elem, Scope *s, Region *r);
void  item_place(Item *it, InterpPlan *p);
void  item_use(Item *user, Item *used);
/* Sets index, offsets and mask of a load or store in at least scope `s`. */
void  plan_address(InterpPlan *p, Item *it, Ex index, Scope *s);
bool  plan_constant(InterpPlan *p, Ex e, int64_t *v);
/* e as constant + sum coef[k] * var[k]; false when it depends on the variables otherwise. Terms
 * free of them are left out, but *rest tells whether there are any that are not constant. */
bool  plan_affine(InterpPlan *p, Ex e, int n, const Ex *var, int64_t *coef, int64_t *constant,
                  bool *rest);
Var  *plan_var(InterpPlan *p, Ex var);

/* ---- interp_lin.c: sums and patterns ---- */
Lin  *lin_new(InterpPlan *p);
void  lin_add(InterpPlan *p, Lin *l, Ex e, int64_t scale);
void  lin_finish(InterpPlan *p, Lin *l, Scope *s);
int64_t lin_scalar(const Lin *l);
void  pattern_sync(Pattern *t);
const int64_t *pattern_offsets(InterpPlan *p, Pattern *t);
bool  pattern_is_contiguous(const Pattern *t);
static inline Region *region_deeper(Region *a, Region *b) { return b->depth > a->depth ? b : a; }
static inline Scope *scope_deeper(Scope *a, Scope *b) { return b->depth > a->depth ? b : a; }

/* ---- interp_nest.c: statements -> items ---- */
void plan_body(InterpPlan *p, Stmt *s);

/* ---- interp_copy.c ---- */
/* The nest is a pure copy: places an ITEM_COPY and returns true. */
bool plan_copy(InterpPlan *p, int n, const Ex *var, const int64_t *extent, const Stmt *store);
bool run_copy(InterpPlan *p, const Item *it);

/* ---- interp_mem.c ---- */
bool run_load(InterpPlan *p, Item *it);
bool run_store(InterpPlan *p, Item *it);
bool run_fold(InterpPlan *p, Item *it);
/* Where the store would write its contiguous lanes; NULL when out of bounds (reported). */
void *store_target(InterpPlan *p, Item *store);
/* Reports an access outside `m`. Returns false. */
bool run_out_of_bounds(InterpPlan *p, const Mem *m, int64_t at);

/* ---- interp_run.c ---- */
/* False: stopped, by a failed check or an error (p->status). */
bool run_region(InterpPlan *p, Region *r);

#endif
