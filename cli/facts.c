/* Counts of a graph. Multiply-accumulates come from the operators' definitions: a reduction of
 * products costs one at each point of its axes. */
#include "cli/facts.h"

#include "ir/ops/te.h"

#include <stdlib.h>

int64_t *example_symbols(Arena *a, const ExPool *p)
{
    int n = ex_sym_count(p);
    int64_t *sym = NEW_ARRAY(a, int64_t, n + 1);
    for (int i = 0; i < n; i++)
        sym[i] = ex_sym_typical(p, i);
    return sym;
}

bool symbol_is_used(const Graph *g, int sym)
{
    Ex leaf = ex_sym_at(g->pool, sym);
    for (size_t i = 0; i < g->values.len; i++) {
        const Type *t = &g->values.at[i]->type;
        for (int k = 0; t->kind == TYPE_TENSOR && k < t->rank; k++)
            if (!ex_is_int(t->dim[k], NULL) && ex_uses(t->dim[k], leaf))
                return true;
    }
    return false;
}

const char *example_text(Graph *g)
{
    Str s = str_new(g->arena);
    for (int i = 0; i < ex_sym_count(g->pool); i++)
        if (symbol_is_used(g, i))
            str_printf(&s, "%s%s=%lld", s.len ? ", " : "",
                       str_printable_in(g->arena, ex_sym_name(g->pool, i)),
                       (long long)ex_sym_typical(g->pool, i));
    return str_text(&s);
}

/* ---- multiply-accumulates ---- */

typedef struct Bufs {
    Graph *g;
    Arena *arena;
    Buf  **of; /* by Value id */
} Bufs;

static Buf *buf_of_value(void *arg, const Value *v)
{
    Bufs *b = arg;
    if (!b->of[v->id])
        b->of[v->id] = buf_new(b->arena, b->g->pool, (int)v->id, v->name, v->type.elem,
                               v->data ? SPACE_CONST : SPACE_TEMP, v->type.rank, v->type.dim);
    return b->of[v->id];
}

static bool is_defined(const Node *n)
{
    if (!n->op->define || (n->op->traits & OP_CONTROL))
        return false;
    for (int i = 0; i < n->nin; i++)
        if (n->in[i] && (n->in[i]->type.kind != TYPE_TENSOR || n->in[i]->type.rank < 0))
            return false;
    for (int i = 0; i < n->nout; i++)
        if (n->out[i] && (n->out[i]->type.kind != TYPE_TENSOR || n->out[i]->type.rank < 0))
            return false;
    return true;
}

static double stage_macs(const ExPool *p, const Stage *s, const int64_t *sym)
{
    if (!s->nacc || s->kind != STAGE_REDUCE || s->body[0]->op != EX_MUL)
        return 0;
    double n = 1;
    for (int i = 0; i < s->naxis; i++)
        n *= (double)ex_eval_size(ex_var_extent(p, s->axis[i]), sym);
    for (int i = 0; i < s->nred; i++)
        n *= (double)ex_eval_size(ex_var_extent(p, s->red[i]), sym);
    return n;
}

static int64_t clamp_count(double n) { return n < 9e18 ? (int64_t)n : INT64_MAX; }

int64_t facts_macs(Graph *g)
{
    Arena *a = g->arena; /* expressions of the pool keep pointing to the buffers */
    Bufs bufs = {.g = g, .arena = a, .of = NEW_ARRAY(a, Buf *, g->values.len + 1)};
    double total = 0;
    const int64_t *sym = NULL;
    for (Node *n = g->first; n; n = n->next) {
        StageList stages = {0};
        Te te = {.pool = g->pool, .arena = a, .stages = &stages, .node = n,
                 .buf_of = buf_of_value, .buf_arg = &bufs};
        for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
            if (d->kind == ATTR_graph && !attr_is_absent(d, n->attrs)) /* one round of its body */
                total += (double)facts_macs(*(Graph **)((char *)n->attrs + d->offset));
        if (!is_defined(n))
            continue;
        int symbols = ex_sym_count(g->pool);
        te_define(&te, n);
        if (!sym || symbols != ex_sym_count(g->pool))
            sym = example_symbols(a, g->pool);
        for (size_t i = 0; i < stages.len; i++)
            total += stage_macs(g->pool, stages.at[i], sym);
    }
    return clamp_count(total);
}

/* ---- sizes ---- */

static double value_bytes(const Value *v, const int64_t *sym)
{
    if (v->type.kind != TYPE_TENSOR || v->type.rank < 0)
        return 0;
    double n = elem_bits[v->type.elem] / 8.0;
    for (int k = 0; k < v->type.rank; k++)
        n *= (double)MAX(ex_eval_size(v->type.dim[k], sym), 0);
    return n;
}

/* Weights are what arithmetic works on; 32- and 64-bit integers are shapes and indices. */
static bool is_weight(const Value *v)
{
    Elem e = v->type.elem;
    return v->data && v->uses.len && (elem_is_float(e) || (elem_is_int(e) && elem_bits[e] <= 16));
}

/* Bytes alive while each node runs: a value lives from its node to its last user. */
static double peak(Graph *g, const int64_t *sym)
{
    Arena *a = arena_new(g->ctx);
    const Node **last = NEW_ARRAY(a, const Node *, g->values.len + 1);
    for (Node *n = g->first; n; n = n->next)
        for (int i = 0; i < n->nin; i++)
            if (n->in[i] && n->in[i]->def)
                last[n->in[i]->id] = n;
    for (size_t i = 0; i < g->outputs.len; i++)
        last[g->outputs.at[i]->id] = NULL; /* to the end */
    double now = 0, most = 0;
    for (Node *n = g->first; n; n = n->next) {
        for (int i = 0; i < n->nout; i++)
            now += n->out[i] ? value_bytes(n->out[i], sym) : 0;
        most = MAX(most, now);
        for (int i = 0; i < n->nin; i++)
            if (n->in[i] && last[n->in[i]->id] == n) {
                now -= value_bytes(n->in[i], sym);
                last[n->in[i]->id] = NULL; /* counted once, however often it is listed */
            }
    }
    arena_free(a);
    return most;
}

static int by_count(const void *a, const void *b)
{
    const OpCount *x = a, *y = b;
    return x->count != y->count ? y->count - x->count : strcmp(x->op->name, y->op->name);
}

static void count_ops(Graph *g, ModelFacts *f)
{
    for (Node *n = g->first; n; n = n->next) {
        size_t i = 0;
        while (i < f->ops.len && f->ops.at[i].op != n->op)
            i++;
        if (i == f->ops.len)
            vec_push(g->arena, &f->ops, (OpCount){.op = n->op});
        f->ops.at[i].count++;
    }
    if (f->ops.len)
        qsort(f->ops.at, f->ops.len, sizeof *f->ops.at, by_count);
}

void facts_of(Graph *g, ModelFacts *out)
{
    *out = (ModelFacts){.nodes = graph_count(g)};
    const int64_t *sym = example_symbols(g->arena, g->pool);
    double tensors = 0;
    for (size_t i = 0; i < g->values.len; i++) {
        const Value *v = g->values.at[i];
        if (is_weight(v)) {
            out->params += tensor_count(v->data);
            out->param_bytes += (int64_t)elem_size_bytes(v->data->elem,
                                                         (size_t)tensor_count(v->data));
        }
    }
    for (Node *n = g->first; n; n = n->next)
        for (int i = 0; i < n->nout; i++)
            tensors += n->out[i] ? value_bytes(n->out[i], sym) : 0;
    out->tensor_bytes = clamp_count(tensors);
    out->peak_bytes = clamp_count(peak(g, sym));
    out->macs = facts_macs(g);
    count_ops(g, out);
}
