/* What the files of the reader share: the state of one onnx_read(), and scopes of names. */
#ifndef MLC_ONNX_READER_H
#define MLC_ONNX_READER_H

#include "frontend/onnx/onnx.h"
#include "frontend/onnx/tensor.h"
#include "ir/base/str.h"
#include "ir/graph/op_info.h"

typedef struct Opset {
    const char *domain; /* "" is ai.onnx */
    int64_t version;
} Opset;
typedef VEC(Opset) OpsetList;

/* A model-local function. */
typedef struct Function {
    const Onnx__FunctionProto *proto;
    OpsetList opsets;
    VEC(const Onnx__AttributeProto *) defaults;
} Function;

/* An operator that mlc does not have, or (`op` NULL) a domain that the model does not import,
 * however many nodes are concerned. */
typedef struct NodeCause {
    const char *domain, *op;
    int64_t version;
    Loc first;
    int nodes;
} NodeCause;

typedef struct Reader {
    Ctx *ctx;
    const char *path;
    OnnxLimits limits; /* defaults filled in */
    Arena *scratch;    /* freed when onnx_read() returns */
    Arena *arena;      /* the graph's */
    ExPool *pool;
    TensorSource tensors;
    const Onnx__ModelProto *model;
    Map functions; /* function_key() -> Function * */
    Map nonempty;  /* names of dimensions that are 1 or more */
    Map symbols;   /* names of dimensions so far */
    Map causes;    /* "domain op version" -> NodeCause * */
    int64_t nodes; /* read so far, functions expanded */
    size_t memory_before; /* in use when reading began */
    int node_errors;
} Reader;

/* A value of an enclosing graph and the body's input that stands for it. */
typedef struct Capture {
    Value *outer, *inner;
} Capture;
typedef VEC(Capture) CaptureList;

typedef VEC(RawAttr) AttrList;

/* The names that nodes of one graph, or of one expanded function, may use. */
typedef struct Scope {
    struct Scope *outer; /* of the enclosing graph; NULL for the model and for functions */
    Graph *graph;
    const OpsetList *opsets;
    Map names;            /* ONNX name -> Value *, or &omitted_value */
    CaptureList captures; /* from `outer` */
    const char *prefix;   /* of names in the graph: "" or "call/" */
    Map renamed;          /* outputs of a function -> their names at the call */
    const AttrList *call; /* attributes of the call; NULL outside of functions */
    const Function *function;
    int calls; /* depth of function calls */
} Scope;

/* Stands for an input of a function that the call omits. */
extern Value omitted_value;

/* ---- reader.c ---- */
/* "" for ai.onnx, the domain's name otherwise. */
const char *domain_of(const char *proto_domain);
Status opsets_read(Reader *r, Onnx__OperatorSetIdProto **protos, size_t n, OpsetList *out);
/* The imported version of a domain, or 0. */
int64_t opset_of(const OpsetList *l, const char *domain);
Status well_formed_error(Reader *r, const char *node, const char *op, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* ---- types.c ---- */
/* A declared type. Unnamed unknown dimensions become symbols named after the value and axis.
 * `loose`: only a wholly constant shape counts; for bodies and for elements of sequences, where
 * one dimension takes several values in one run. */
Status type_read(Reader *r, const Onnx__TypeProto *p, const char *value, bool loose, Type *out);
/* Leaves a wholly constant declared tensor type on a value that has no type yet. */
void type_hint(Reader *r, Value *v, const Onnx__TypeProto *p);
/* Finds the named dimensions that cannot be empty. */
void type_symbols(Reader *r, const Onnx__GraphProto *g);

/* ---- order.c ---- */
/* A topological order of the nodes, the file's own where that is one; captures of bodies count as
 * inputs. E0107 for cycles and for names that are defined twice. */
Status order_nodes(Reader *r, Onnx__NodeProto *const *nodes, size_t n, const uint32_t **order);
/* What messages call a node. */
const char *node_label(const Onnx__NodeProto *n);

/* ---- scope.c ---- */
/* The value called `name`, captured from enclosing graphs where necessary; NULL if there is none.
 */
Value *scope_find(Reader *r, Scope *s, const char *name);
Status scope_define(Reader *r, Scope *s, const char *name, Value *v, const char *node);
/* What a value of this scope is called in the graph. */
const char *scope_graph_name(Reader *r, const Scope *s, const char *name);
/* Gives all bodies of one node the same captures, in one order, and appends them to its inputs. */
void scope_join_captures(Reader *r, RawNode *raw, Scope *const *bodies, size_t n);

/* ---- nodes.c ---- */
Status graph_body_read(Reader *r, Scope *s, const Onnx__GraphProto *p);
Status nodes_read(Reader *r, Scope *s, Onnx__NodeProto *const *nodes, size_t n);

/* ---- attrs.c ---- */
typedef VEC(Scope *) ScopeList;
/* Understands a node's attributes; sub-graphs are read, and their scopes appended to `bodies`. */
Status attrs_read(Reader *r, Scope *s, const Onnx__NodeProto *p, RawNode *raw, ScopeList *bodies);
Status attr_read(Reader *r, Scope *s, const Onnx__AttributeProto *p, RawAttr *out,
                 ScopeList *bodies);
/* The data of a `Constant` node. */
Status attr_constant(Reader *r, const RawNode *raw, const Tensor **out);

/* ---- function.c ---- */
Status functions_read(Reader *r);
const Function *function_find(Reader *r, const Onnx__NodeProto *p);
Status function_expand(Reader *r, Scope *s, const Function *f, const RawNode *raw,
                       const Onnx__NodeProto *p);

#endif
