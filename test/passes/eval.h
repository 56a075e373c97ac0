/* Runs a whole graph in the interpreter, node by node from the operators' definitions: the reference
 * against which rewritten graphs are compared. Every float is a double (INTERP_F64), so that a
 * rewrite that is right differs by little more than the rounding of its constants.
 *
 * Inputs are filled by their name, not their number; every symbol gets the same small value. */
#ifndef MLC_TEST_PASSES_EVAL_H
#define MLC_TEST_PASSES_EVAL_H

#include "ir/kernel/kernel.h"
#include "ir/ops/te.h"

#include <math.h>

enum { EVAL_SYMBOL = 3 };

typedef struct Eval {
    Graph     *g;
    Arena     *a;
    Buf      **buf; /* by value id */
    StageList  stages;
    int64_t    sym[64];
} Eval;

static Buf *eval_buf(void *arg, const Value *v)
{
    Eval *e = arg;
    if (!e->buf[v->id])
        e->buf[v->id] = buf_new(e->a, e->g->pool, (int)v->id, v->name, v->type.elem,
                                v->data ? SPACE_CONST : SPACE_TEMP, v->type.rank, v->type.dim);
    return e->buf[v->id];
}

static int64_t eval_count(const Eval *e, const Buf *b)
{
    return ex_eval_size(b->size, e->sym);
}

/* A float of the interpreter's F64 mode is a double; other types are as they are. */
static void eval_set(Elem elem, void *data, int64_t i, double v)
{
    if (elem_is_float(elem))
        ((double *)data)[i] = v;
    else
        elem_set_f64(elem, data, (size_t)i, v);
}

static double eval_get(Elem elem, const void *data, int64_t i)
{
    return elem_is_float(elem) ? ((const double *)data)[i] : elem_get_f64(elem, data, (size_t)i);
}

static void *eval_memory(Eval *e, Buf *b)
{
    if (!b->user)
        b->user = arena_alloc(e->a, (size_t)eval_count(e, b) * 8, 64);
    return b->user;
}

static void eval_fill_const(Eval *e, Buf *b, const Tensor *t)
{
    b->user = NULL;
    void *data = eval_memory(e, b);
    for (int64_t i = 0; i < tensor_count(t); i++)
        eval_set(t->elem, data, i, tensor_get_f64(t, i));
}

/* Numbers in [-2, 2] with zeros of both signs among them; small indices for integers. */
static void eval_fill_input(Eval *e, const Value *v)
{
    Buf *b = eval_buf(e, v);
    uint64_t seed = hash_bytes(v->name, strlen(v->name), 1);
    void *data = eval_memory(e, b);
    for (int64_t i = 0; i < eval_count(e, b); i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double r = (double)(seed >> 33) / 1073741824.0 * 2 - 2;
        if (!elem_is_float(v->type.elem))
            r = (double)(seed >> 33 & 1);
        else if (i % 7 == 3)
            r = i & 1 ? -0.0 : 0.0;
        eval_set(v->type.elem, data, i, r);
    }
}

static Status eval_stage(Eval *e, const Stage *s)
{
    Kernel *k = kernel_from_stage(e->a, e->g->pool, s, "test");
    InterpArg *args = NEW_ARRAY(e->a, InterpArg, k->params.len);
    for (size_t i = 0; i < k->params.len; i++) {
        Buf *b = k->params.at[i];
        if (b->data && !b->user)
            eval_fill_const(e, b, b->data); /* a table of a definition */
        args[i] = (InterpArg){eval_memory(e, b), eval_count(e, b)};
    }
    int failed = 0;
    TRY(kernel_interp(e->g->ctx, k, INTERP_F64, args, e->sym, &failed));
    return failed ? MLC_NO : MLC_OK;
}

/* Can the graph be run: tensors of known rank, operators with a definition? */
static bool eval_can(const Graph *g)
{
    for (const Node *n = g->first; n; n = n->next) {
        if (!n->op->define || (n->op->traits & OP_RANDOM))
            return false;
        for (int i = 0; i < n->nout; i++) {
            if (n->out[i] && (n->out[i]->type.kind != TYPE_TENSOR || n->out[i]->type.rank < 0))
                return false;
        }
    }
    return ex_sym_count(g->pool) <= 64;
}

/* Every output's elements as doubles, one after another. MLC_NO when a run-time check failed. */
static Status eval_graph(Graph *g, double **out, int64_t *n)
{
    Eval e = {.g = g, .a = g->arena};
    e.buf = NEW_ARRAY(e.a, Buf *, g->values.len);
    for (int i = 0; i < 64; i++)
        e.sym[i] = EVAL_SYMBOL;
    for (size_t i = 0; i < g->inputs.len; i++)
        eval_fill_input(&e, g->inputs.at[i]);
    for (size_t i = 0; i < g->values.len; i++) {
        const Value *v = g->values.at[i];
        if (v->data && (v->uses.len || v->noutputs))
            eval_fill_const(&e, eval_buf(&e, v), v->data);
    }
    Te te = {.pool = g->pool, .arena = e.a, .stages = &e.stages, .buf_of = eval_buf, .buf_arg = &e};
    for (Node *node = g->first; node; node = node->next) {
        te.node = node;
        te_define(&te, node);
    }
    for (size_t i = 0; i < e.stages.len; i++)
        TRY(eval_stage(&e, e.stages.at[i]));
    *n = 0;
    for (size_t i = 0; i < g->outputs.len; i++)
        *n += eval_count(&e, eval_buf(&e, g->outputs.at[i]));
    *out = NEW_ARRAY(e.a, double, *n);
    double *to = *out;
    for (size_t i = 0; i < g->outputs.len; i++) {
        Buf *b = eval_buf(&e, g->outputs.at[i]);
        for (int64_t k = 0; k < eval_count(&e, b); k++)
            *to++ = eval_get(b->elem, eval_memory(&e, b), k);
    }
    return MLC_OK;
}

#endif
