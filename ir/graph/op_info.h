/* OpInfo: everything the compiler knows about one operator, in one record in one file of ir/ops.
 *
 * A record says: its name and versions; how older versions are rewritten into the newest meaning;
 * its arity; its attributes (one list gives struct, parser, printer, defaults and documentation);
 * how output types follow from input types; and exactly one of `define` (tensor expressions),
 * `expand` (text in simpler operators), `columns` (the same for what is no tensor) or `kernel` (a
 * runtime function). */
#ifndef MLC_OP_INFO_H
#define MLC_OP_INFO_H

#include "ir/graph/graph.h"

/* ---- attributes ---- */
typedef struct Ints {
    bool           set; /* given, even if empty */
    int            n;
    const int64_t *at;
} Ints;
typedef struct Floats {
    bool         set;
    int          n;
    const float *at;
} Floats;
typedef struct Strings {
    bool               set;
    int                n;
    const char *const *at;
} Strings;

typedef enum AttrKind {
    ATTR_int, ATTR_float, ATTR_str, ATTR_ints, ATTR_floats, ATTR_strs, ATTR_tensor, ATTR_graph,
} AttrKind;

typedef struct AttrDesc {
    const char *name;
    AttrKind    kind;
    size_t      offset;  /* in the operator's struct */
    const char *dflt;    /* text of the default: "1", "[1,1]", "NOTSET"; "" is empty or absent (int
                            attributes then hold ATTR_INT_ABSENT, float attributes NaN); NULL: the
                            attribute is required */
    const char *doc;
} AttrDesc;

#define ATTR_INT_ABSENT INT64_MIN

typedef int64_t       attr_int;
typedef float         attr_float;
typedef const char   *attr_str; /* NULL when absent */
typedef Ints          attr_ints;
typedef Floats        attr_floats;
typedef Strings       attr_strs;
typedef const Tensor *attr_tensor; /* NULL when absent */
typedef Graph        *attr_graph;

/* ATTRS(ConvAttrs, CONV_ATTRS) makes the struct and its table out of
 *     #define CONV_ATTRS(A, S)                                    \
 *         A(S, ints, strides, "", "step per spatial axis")        \
 *         A(S, int,  group,   "1", "number of groups")                */
#define ATTR_FIELD(S, kind, name, dflt, doc) attr_##kind name;
#define ATTR_DESC(S, kind, name, dflt, doc) {#name, ATTR_##kind, offsetof(S, name), dflt, doc},
#define ATTRS(S, LIST)                          \
    typedef struct S { LIST(ATTR_FIELD, S) } S; \
    static const AttrDesc S##_desc[] = {LIST(ATTR_DESC, S){0}}
/* In the record: `ATTRS_OF(ConvAttrs)`. */
#define ATTRS_OF(S) .attrs = S##_desc, .attrs_size = sizeof(S)

/* A new attribute struct with every default; required attributes are zero. */
void *attrs_default(Arena *a, const OpInfo *op);
/* Same values, float attributes bit by bit; sub-graphs are equal only to themselves. */
bool  attrs_equal(const OpInfo *op, const void *a, const void *b);
uint64_t attrs_hash(const OpInfo *op, const void *attrs);
/* Appends " {strides=[1,1], pads=[2,2]}": every attribute that differs from its default, in the
 * table's order; nothing when none does. `depth` is the nesting depth, for sub-graphs. */
void  attrs_print(Str *s, const OpInfo *op, const void *attrs, int depth);

/* One attribute of a struct: is it what `dflt`, a struct of attrs_default(), holds? Is it absent? A
 * required one is never its default. */
bool  attr_is_default(const AttrDesc *d, const void *attrs, const void *dflt);
bool  attr_is_absent(const AttrDesc *d, const void *attrs);

/* A node as the file has it, before its attributes were understood. */
typedef struct RawAttr {
    const char *name;
    AttrKind    kind;
    attr_int    i;
    attr_float  f;
    attr_str    s;
    Ints        ints;
    Floats      floats;
    Strings     strs;
    attr_tensor tensor;
    attr_graph  graph;
} RawAttr;

typedef struct RawNode {
    Graph      *graph;
    const char *op, *domain, *name;
    int         version; /* opset version of the domain, as the file imports it */
    VEC(Value *) in;     /* NULL entries: omitted */
    VEC(RawAttr) attrs;
    int         nout;
    const char *const *out_names; /* of the outputs; NULL entries: omitted; NULL: fresh names */
} RawNode;

Loc raw_loc(const RawNode *n);
/* Understands the attributes of a raw node that has the newest version: E0203. */
Status attrs_from_raw(const RawNode *n, const OpInfo *op, void **out);

/* Does it own sub-graphs? */
bool node_has_body(const Node *n);

/* Helpers for `upgrade`. */
RawAttr *raw_attr(RawNode *n, const char *name); /* NULL when absent */
void     raw_drop(RawNode *n, const char *name);
void     raw_set_int(RawNode *n, const char *name, int64_t v);
void     raw_set_str(RawNode *n, const char *name, const char *v);
/* Moves attribute `name` (int, ints, float, floats), if present, to constant input `index`; a
 * scalar attribute becomes a rank-0 tensor of the element type `e`. */
void     raw_attr_to_input(RawNode *n, const char *name, int index, Elem e);

/* ---- the record ---- */
enum {
    OP_ELEMENTWISE = 1,  /* inputs broadcast to the output's shape, element by element */
    OP_COMMUTES = 2,     /* the two inputs may be exchanged */
    OP_SHAPE_ONLY = 4,   /* reads the shape of its inputs, never their data */
    OP_RANDOM = 8,       /* two equal nodes give different results: no folding, no merging */
    OP_IDENTITY = 16,    /* output 0 is input 0 */
    OP_CONTROL = 64,     /* `define` says control flow: nothing is evaluated at compile time */
    OP_GAPS = 32,        /* any input may be omitted, also below min_in (Loop) or where variadic */
    OP_CUSTOM = 256,     /* a function of the user's: ONNX alone does not say what it means */
    OP_ELEM_TYPE = 128,  /* the element types of its inputs are part of its meaning: none is widened */
};
enum { VARIADIC = 255 };
enum { SINCE_REPLACED = 1000 }; /* the last of `since` where every version becomes another operator */

typedef struct Te Te;

struct OpInfo {
    const char     *name;
    const char     *domain;   /* NULL: ai.onnx */
    int             since[10]; /* opset versions at which it changed, ascending; the last one's
                                  meaning is what this record says */
    /* What it takes since a version after 18, the oldest opset that is written: an attribute
     * ("saturate"), a value of one ("mode=wrap") or an element type ("bool"). */
    struct {
        const char *what;
        int         since;
    } later[8];
    uint8_t         min_in, max_in;   /* VARIADIC: any number */
    uint8_t         min_out, max_out; /* 0, 0 stands for 1, 1 */
    unsigned        traits;
    const AttrDesc *attrs;
    size_t          attrs_size;
    /* Rewrites a node of an older version in place. Called only when raw->version < last since.
     * May set raw->op (and version) to those of the operator that took its place. */
    Status        (*upgrade)(RawNode *raw);
    /* Checks inputs and attributes, sets out[i]->type (and content where it is more than
     * `define` evaluated symbolically would give). Reports through node_error(). */
    Status        (*infer)(Graph *g, Node *n);
    void          (*define)(Te *t, const Node *n);
    const char     *expand;   /* items of the text form (text.h): %0, %1 ... are the inputs (_ where
                                 omitted), $name is the value of an attribute, `out` lists the
                                 outputs in order. passes/expand.c puts them in the node's place */
    const char     *expand_if; /* name of a private attribute, one that ONNX does not have: `expand`
                                 is for the nodes where it is set. NULL: for all */
    /* The same text where it depends on which inputs are there, or on their types: what stands in
     * place of `expand`, after `infer` found the node in order. */
    void          (*compose)(Str *text, const Node *n);
    /* Text again: the gradients of the inputs, in order, out of the inputs, the output %y and its
     * gradient %d. Sums over repeated dimensions are not its business (passes/gradient.c). NULL: it
     * has no derivative, or none is known. */
    const char     *grad;
    const char     *kernel;   /* name of a runtime function */
    /* The text of a node on sequences, optionals or maps: %0, %1 ... are the columns of the inputs
     * (ir/ops/columns.h), `out` lists those of the outputs. NULL: not without more being known. */
    const char   *(*columns)(Graph *g, const Node *n);
    const char     *doc;      /* one line: the formula */
};

/* The index, generated from the files of ir/ops, sorted by name. */
extern const OpInfo *const op_table[];
extern const size_t        op_count;
const OpInfo *op_find(const char *domain, const char *name);
/* Adds an operator for one context, before those of the table; `op` and the list's memory in `a` must
 * live as long as the context is used. */
void op_register(Ctx *c, Arena *a, const OpInfo *op);
/* op_find() among those and the table. */
const OpInfo *op_find_for(const Ctx *c, const char *domain, const char *name);
/* Reports an unsupported operator (E0201) with a near name. Returns MLC_INPUT. */
Status op_unknown(Graph *g, const char *domain, const char *name, int version, Loc loc, int nodes);

/* Makes a node from a raw one: upgrades it, understands the attributes, checks the arity. */
Status op_make(RawNode *raw, Node **out);

/* The elements of an integer or bool value for `infer`: constants, sizes, or symbols of the run, which
 * stand as near to their source as can be. NULL as value_symbols(). */
const Ex *value_demand(Graph *g, Value *v, int *n);

/* What a composite node stands for: a new graph whose inputs are those of the node. */
Status op_body(Graph *g, const Node *n, Graph **out);
/* OpInfo.grad of a node: two more inputs, its first output and the gradient of that. */
Status op_grad_body(Graph *g, const Node *n, Graph **out);

/* Shared pieces of infer. */
Status infer_composite(Graph *g, Node *n); /* the outputs of op_body() */
Status infer_same(Graph *g, Node *n);      /* output 0 has input 0's type */
Status infer_broadcast(Graph *g, Node *n); /* numpy broadcasting of all inputs; their common type */
Status infer_compare(Graph *g, Node *n);   /* broadcasting, result bool */
/* A dimension that both are, by broadcasting: NULL when they contradict. Symbols that are not
 * proved equal unify by numpy's rule: a constant other than 1 wins. */
Ex     broadcast_dim(Graph *g, Ex a, Ex b);
Status broadcast_shapes(Graph *g, const Node *n, const Type *a, const Type *b, Type *out);
/* Normalizes `axis` in [-rank, rank). Reports E0302. */
Status node_axis(const Node *n, int64_t axis, int rank, int *out);
/* Fails with E0303 unless input i is a tensor of known rank (>= min_rank, <= max_rank). */
Status node_need_rank(const Node *n, int i, int min_rank, int max_rank);
/* Fails with E0206 unless inputs i and j have one element type. */
Status node_need_same_elem(const Node *n, int i, int j);

#endif
