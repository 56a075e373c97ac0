/* What the files of codegen/lower share: the state of one lowering. */
#ifndef MLC_LOWERING_H
#define MLC_LOWERING_H

#include "codegen/lower/lower.h"
#include "ir/ops/te.h"

/* What lowering knows about a buffer; Buf.user points here. */
typedef struct BufInfo {
    Buf     *buf;
    int      loads, stores;   /* stages that load it, that store to it */
    Buf     *alias;           /* shares this buffer's memory, element for element; NULL: its own */
    bool     pinned;          /* control stages name it: it exists, under its own name */
    bool     row_major;       /* somebody depends on the row-major order */
    int64_t  halo[MAX_RANK];  /* zero margin on both sides of each dimension */
    MemObj  *obj;             /* set when the program is written */
} BufInfo;

typedef VEC(Buf *) BufList;

/* The buffers of a graph's values, and the symbols that its nodes' stages have set. */
typedef struct Scope {
    const Graph *graph;
    Buf        **buf_of; /* by Value id */
    VEC(Ex)      set;
} Scope;

typedef struct Lowering {
    Graph              *graph;
    Ctx                *ctx;
    Arena              *arena;
    ExPool             *pool;
    const TargetDesc   *target;
    const LowerOptions *options;
    StageList           stages; /* in the order in which they run */
    BufList             bufs;   /* by id */
    VEC(Scope)          scopes; /* one per graph: the model's, and those of bodies */
    const Graph        *graph_now; /* whose nodes are being collected */
    Program            *program;
    Map                 kernel_by_key;
    int                 lanes;  /* f32 elements of a vector register; 1: scalar target */
} Lowering;

static inline BufInfo *buf_info(const Buf *b) { return b->user; }

/* A fresh buffer. */
Buf *lower_buf(Lowering *l, const char *name, Elem e, BufSpace space, int rank, const Ex *dim);

Scope *lower_scope(Lowering *l, const Graph *g);
/* The buffer of a value. */
Buf   *lower_value_buf(void *lowering, const Value *v);
Status lower_collect(Lowering *l);
/* The strings of a program (strings.c). */
bool   graph_has_strings(const Graph *g);
void   lower_text_open(Lowering *l, Te *t);
/* A new output that holds the strings of b. */
Buf   *lower_text_output(Lowering *l, Te *t, const char *name, Buf *b);
/* After the last stage: constants become references into the pool. */
Status lower_text_close(Lowering *l, Te *t);
/* Appends all stages of a graph's nodes (collect_graph.c). */
void   collect_graph(void *lowering, Te *t, const Graph *g);
void   lower_fuse(Lowering *l);
void   lower_separate(Lowering *l);
void   lower_layout(Lowering *l);
Status lower_schedule(Lowering *l);

/* ---- stages as data (stages.c) ---- */
/* Calls fn for every distinct load below e. */
void  ex_each_load(ExPool *p, Ex e, void (*fn)(void *arg, Ex load), void *arg);
/* Every expression of a stage is rewritten by fn. */
void  stage_rewrite(ExPool *p, Stage *s, ExRewrite fn, void *arg);
/* Axes and reduction axes `from` become `to` everywhere. */
void  stage_subst(ExPool *p, Stage *s, int n, const Ex *from, const Ex *to);
/* Calls fn for every distinct load of the stage. */
void  stage_each_load(ExPool *p, const Stage *s, void (*fn)(void *arg, Ex load), void *arg);
/* Distinct loads of one buffer: their number, and the first. */
int   stage_loads_of(ExPool *p, const Stage *s, const Buf *b, Ex *first);
Stage *stage_copy(Arena *a, const Stage *s);
/* Product of the extents of the axes (with_red: of the reduction axes too). */
Ex    stage_points(ExPool *p, const Stage *s, bool with_red);
/* Is the index exactly the stage's axes in order? */
bool  index_is_axes(const Stage *s, int n, const Ex *index);
/* The load below a conversion of constant data; any other expression is itself. */
Ex    stored_constant(Ex e);
/* A constant extent, or -1. */
int64_t extent_of(const ExPool *p, Ex var);

/* ---- kernels out of stages (schedule.c and skeleton/) ---- */
/* A stage whose loads and stores are flat, ready to be scheduled. */
typedef struct Flat {
    Stage *s;
    Ex     store_index[MAX_ACC]; /* flat index of each store */
} Flat;

/* Adds a finished loop nest as a launch. `name` is a hint; `macs` may be NULL. */
Status lower_emit(Lowering *l, const Stage *s, const char *skeleton, const char *name, Stmt *body,
                  Ex macs);
/* A register file of `count` elements for the kernel being built. */
Buf   *lower_reg(Lowering *l, Elem e, int64_t count);
/* reg[index] */
Ex     reg_load(ExPool *p, const Buf *reg, Ex index);

/* A control stage becomes a step (place_control.c). */
void   lower_control(Lowering *l, const Stage *s);

/* A skeleton: MLC_NO when the stage does not fit it, else it emitted kernels (or failed). */
typedef Status (*Skeleton)(Lowering *l, Stage *s);
Status skeleton_winograd(Lowering *l, Stage *s);
Status skeleton_gemm(Lowering *l, Stage *s);
Status skeleton_reduce_rows(Lowering *l, Stage *s);
Status skeleton_vector(Lowering *l, Stage *s);
Status skeleton_reference(Lowering *l, Stage *s);

#endif
