/* Graph: a model as ONNX means it, in SSA form.
 *
 * Invariants (graph_verify checks them): nodes are in topological order; every use list is exact;
 * a value has one definition (a node, a graph input, or constant data); after inference every value
 * has a type. Mutation goes through the functions below and nothing else.
 *
 * All memory is the graph's arena; erased nodes simply become unreachable. */
#ifndef MLC_GRAPH_H
#define MLC_GRAPH_H

#include "ir/base/ctx.h"
#include "ir/base/map.h"
#include "ir/base/vec.h"
#include "ir/expr/expr.h"

typedef struct Graph Graph;
typedef struct Node Node;
typedef struct Value Value;
typedef struct OpInfo OpInfo;

typedef enum TypeKind { TYPE_NONE, TYPE_TENSOR, TYPE_SEQUENCE, TYPE_OPTIONAL, TYPE_MAP } TypeKind;

/* A tensor type: element type and shape; rank -1 when even the rank is unknown. Dimensions are i64
 * expressions over the symbols of the graph's pool (constants included). */
typedef struct Type {
    TypeKind           kind;
    Elem               elem; /* of a map: the key */
    int                rank;
    Ex                 dim[MAX_RANK];
    const struct Type *of; /* element of a sequence or optional, value of a map */
} Type;

/* What a run-time symbol stands for: element `index` of v, or, where v is NULL, the value of `size`,
 * an expression over other symbols. */
typedef struct SymDef {
    Ex     symbol;
    Value *v;
    int    index;
    Ex     size;
} SymDef;

typedef struct Use {
    Node *node;
    int   index; /* node->in[index] is the value */
} Use;

struct Value {
    uint32_t      id;   /* index into graph->values */
    const char   *name; /* ONNX name; unique in its graph */
    Type          type;
    Node         *def;       /* NULL for graph inputs and constants */
    int           def_index; /* def->out[def_index] is this */
    const Tensor *data;      /* constants only */
    const Ex     *content;   /* elements of a small tensor where known, constants or in
                                symbols; NULL otherwise. See value_content() */
    const Ex     *symbols;   /* run-time symbols for its elements, see value_symbols(); or NULL */
    Graph        *graph;
    bool          is_input;  /* of the graph */
    uint32_t      noutputs;  /* how often it is listed in the graph's outputs */
    bool          made_name; /* nobody asked for this name: it yields to who does */
    VEC(Use) uses;           /* by nodes; graph outputs are not listed here */
};

struct Node {
    uint32_t           id; /* unique, in order of creation */
    const OpInfo      *op;
    void              *attrs; /* the operator's attribute struct */
    const char        *name;  /* ONNX node name, or its first output's */
    const char *const *origin; /* names of the user's nodes that this one stands for, >= 1 */
    int                norigin;
    int                nin, nout;
    Value            **in;  /* NULL for an omitted optional input; in[nin .. op->max_in - 1] may be
                               read and are NULL, unless max_in is VARIADIC; out likewise */
    Value            **out; /* NULL for an omitted optional output */
    Node              *prev, *next;
    Graph             *graph;
};

struct Graph {
    Ctx        *ctx;
    Arena      *arena;
    ExPool     *pool;
    const char *file; /* where it came from, for messages */
    const char *name;
    int         opset; /* of ai.onnx, as read; nodes have the newest meaning */
    Node       *first, *last;
    uint32_t    node_count; /* nodes ever made */
    VEC(Value *) values;    /* by id; includes values no longer used */
    VEC(Value *) inputs;
    VEC(Value *) outputs;
    VEC(SymDef) sym_defs; /* in the outermost graph, for all bodies too */
    Graph      *parent; /* of the body of If, Loop, Scan; NULL otherwise */
    bool        compact;  /* it will be written as a model: constants shall not grow */
    uint64_t    rounds;   /* 1 << Elem: results of these half types are rounded to them at every
                             node; the others are kept in float32. Of the outermost graph */
    bool        unreached; /* a body that its node never runs, known by inference: it has no types */
    /* Of the outermost graph, while inference only tries what comes behind a node (ir/ops/trial.h). */
    enum { TRIAL_NONE, TRIAL_ON, TRIAL_ENDED } trial;
    int         captures; /* of a body: its last inputs that stand for values of the parent */
    Map         by_name; /* const char * -> Value * */
};

/* ---- building ---- */
/* A sub-graph shares its parent's arena and pool. */
Graph *graph_new(Ctx *c, const char *file, Graph *parent);
void   graph_free(Graph *g); /* with all its memory, unless it is a sub-graph */
/* Has somebody given this name to a value? Names that were made up do not count: they yield. */
bool   graph_has_name(const Graph *g, const char *name);
/* A value without definition yet. `name` NULL or taken: a fresh one is made from it. */
Value *graph_value(Graph *g, const char *name, Type type);
Value *graph_input(Graph *g, const char *name, Type type);
Value *graph_const(Graph *g, const char *name, const Tensor *t);
/* A constant vector of i64, or a scalar when n < 0. */
Value *graph_const_ints(Graph *g, const char *name, int n, const int64_t *v);
Value *graph_const_f32(Graph *g, const char *name, float v); /* scalar */
void   graph_output(Graph *g, Value *v);

/* Makes a node before `before` (NULL: at the end) with fresh outputs (names made from `name`),
 * whose types are not inferred yet. `attrs` NULL gives the operator's defaults; `origin` NULL: none
 * but itself. */
Node *graph_insert(Graph *g, Node *before, const OpInfo *op, const char *name, int nin,
                   Value *const *in, int nout, const void *attrs, const Node *origin);
/* The same with names for the outputs, each not yet taken; an entry NULL omits the output. */
Node *graph_insert_named(Graph *g, Node *before, const OpInfo *op, const char *name, int nin,
                         Value *const *in, int nout, const char *const *out_names,
                         const void *attrs, const Node *origin);
/* Sets an input; beyond nin up to the operator's max_in it is a new optional one. Omitted inputs at
 * the end are dropped from nin. */
void  graph_set_input(Node *n, int index, Value *v);
/* Renames a value; false when another value has that name. */
bool  value_rename(Graph *g, Value *v, const char *name);
/* Every use of `from`, graph outputs included, becomes one of `to`. The name of a graph output
 * stays with the output: `to` takes it over (the two exchange names). Where that is impossible,
 * because `to` is itself a graph input or an output under its own name, the graph output stays
 * with `from`. Returns true when `from` is dead afterwards. */
bool graph_replace(Graph *g, Value *from, Value *to);
/* Removes a node whose outputs are all dead. */
void graph_erase(Graph *g, Node *n);
/* The origins of `n` then also name those of `from`. */
void graph_merge_origin(Node *n, const Node *from);

/* ---- questions ---- */
bool graph_is_output(const Graph *g, const Value *v);
int  graph_count(const Graph *g); /* nodes now */
/* No uses and no graph output. */
bool value_is_dead(const Graph *g, const Value *v);
/* The known elements of an integer or bool tensor of at most 4096 elements (f32 and f64: 64): *n of
 * them, from constant data or from symbolic evaluation. NULL when not known. */
const Ex *value_content(Graph *g, const Value *v, int *n);
/* The same, but elements that only the run finds out are run-time symbols, made on first demand. NULL
 * for what is no integer or bool tensor of constant shape with at most 64 elements. */
const Ex *value_symbols(Graph *g, Value *v, int *n);
/* A dimension that holds run-time symbols becomes a symbol of its own, at least 0; others stay. */
Ex graph_size_symbol(Graph *g, Ex size, const char *name);
Graph *graph_root(Graph *g);
/* The value as integer constants: true and *n elements in out (at most `max`). */
bool value_ints(Graph *g, const Value *v, int max, int64_t *out, int *n);
/* A constant holding one element (any shape), as double. */
bool value_scalar(const Value *v, double *out);

/* ---- types ---- */
Type type_tensor(Elem e, int rank, const Ex *dim);
Type type_tensor_const(ExPool *p, Elem e, int rank, const int64_t *dim);
bool type_is_static(const Type *t); /* known rank, all dimensions constant */
bool type_equal(const Type *a, const Type *b);
/* Number of elements as an expression. Rank must be known. */
Ex   type_count(ExPool *p, const Type *t);
void type_print(Str *s, const ExPool *p, const Type *t); /* f32[batch,3,224,224] */
/* Element type and constant shape of constant data. */
Type type_of_tensor(ExPool *p, const Tensor *t);

Loc node_loc(const Node *n);
/* Reports at the node; returns MLC_INPUT. */
Status node_error(const Node *n, DiagCode code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* ---- whole graphs ---- */
/* Checks the invariants; reports E0901 and returns MLC_BUG on the first that fails. */
Status graph_verify(Graph *g);
/* Infers the types (and known content) of a node's outputs from its inputs. */
Status graph_infer_node(Graph *g, Node *n);
/* The same as an attempt: false when it fails, and nothing is reported. */
bool graph_try_infer_node(Graph *g, Node *n);
/* Infers everything, front to back. A declared type that contradicts is W0101 and replaced. */
Status graph_infer(Graph *g);

/* The part of a graph between values: a new graph in the same arena, whose inputs are in[] and whose
 * outputs are out[], with their names and types; only the nodes that are needed. The bodies of its
 * nodes are shared with `g`, which is not to be used any more. E0502, MLC_USAGE for an output that
 * needs more than in[], naming what is missing. */
Status graph_cut(Graph *g, size_t nin, Value *const *in, size_t nout, Value *const *out,
                 Graph **cut);

/* The text form (text.h describes it): prints, and parses back to the identical graph. */
void   graph_print(Str *s, Graph *g);
Status graph_parse(Ctx *c, const char *text, const char *file, Graph **out);
/* Adds the items of `text` (what stands between the braces of a graph) to a graph that exists; it
 * may name the values and the symbols that are there. */
Status graph_parse_items(Graph *g, const char *text);
/* A type alone; it may name the symbols that are there. */
Status graph_parse_type(Graph *g, const char *text, Type *out);

#endif
