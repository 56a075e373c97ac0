/* Evaluates one node: te_define -> stages -> kernel_from_stage -> kernel_interp.
 *
 * Invariant: everything but the results and the interned expressions lives in a scratch arena that
 * goes when the node is done. A splat input is read through strides of zero, never written out. What
 * gives a splat is computed once, at no cost in size: a definition whose value is constant when loads
 * of splats are (ConstantOfShape, Expand of a scalar), and an elementwise node on splats alone. */
#include "passes/simplify/evaluate.h"

#include "ir/kernel/kernel.h"
#include "ir/ops/te.h"

typedef struct Evaluation {
    Graph      *graph;
    Arena      *scratch;
    const Node *node;
    StageList   stages;
    int         nbufs; /* of the node's values */
    Map         by_id; /* value id as text -> Buf */
    bool        splat; /* every input holds one element */
} Evaluation;

static bool is_evaluable(const Node *n)
{
    if (!n->op->define || (n->op->traits & (OP_RANDOM | OP_CONTROL)) || n->nin == 0)
        return false;
    for (int i = 0; i < n->nin; i++) {
        if (n->in[i] && (!n->in[i]->data || n->in[i]->data->elem == ELEM_STRING))
            return false;
    }
    for (int i = 0; i < n->nout; i++) {
        const Value *v = n->out[i];
        if (v && (!type_is_static(&v->type) || v->type.elem == ELEM_STRING))
            return false;
    }
    return true;
}

/* Bytes of a static tensor type; -1 when they do not fit 63 bits. */
static int64_t type_bytes(const Type *t)
{
    int64_t n = 1, dim;
    for (int i = 0; i < t->rank; i++) {
        if (!ex_is_int(t->dim[i], &dim) || __builtin_mul_overflow(n, dim, &n))
            return -1;
    }
    return __builtin_mul_overflow(n, (int64_t)(elem_bits[t->elem] + 7) / 8, &dim) ? -1 : dim;
}

/* Elementwise on inputs of one element each: all elements of the result are equal. */
static bool is_scalar_work(const Node *n)
{
    if (!(n->op->traits & OP_ELEMENTWISE) || n->nout != 1 || elem_bits[n->out[0]->type.elem] < 8)
        return false;
    for (int i = 0; i < n->nin; i++) {
        if (n->in[i] && !n->in[i]->data->splat && tensor_count(n->in[i]->data) != 1)
            return false;
    }
    return true;
}

/* Bytes of all outputs, or -1 when they are too many for what the inputs hold. */
static int64_t affordable_bytes(const Node *n, const EvaluateBudget *budget)
{
    int64_t in = 0, out = 0;
    for (int i = 0; i < n->nin; i++)
        in += n->in[i] ? MAX(type_bytes(&n->in[i]->type), 0) : 0;
    for (int i = 0; i < n->nout; i++) {
        int64_t bytes = n->out[i] ? type_bytes(&n->out[i]->type) : 0;
        if (bytes < 0 || __builtin_add_overflow(out, bytes, &out))
            return -1;
    }
    bool fits = out <= EVALUATE_FREE_BYTES || out / EVALUATE_GROWTH <= in;
    return fits && out <= budget->bytes ? out : -1;
}

/* ---- buffers ---- */

static Buf *buf_of_value(void *arg, const Value *v)
{
    Evaluation *e = arg;
    const char *key = arena_printf(e->scratch, "%u", v->id);
    Buf *b = map_get(&e->by_id, key);
    if (b)
        return b;
    BufSpace space = v->data ? SPACE_CONST : SPACE_OUTPUT;
    ExPool *p = e->graph->pool;
    b = buf_new(e->graph->arena, p, e->nbufs++, v->name, v->type.elem, space, v->type.rank,
                v->type.dim);
    b->data = v->data;
    if (v->data && v->data->splat) {
        for (int i = 0; i < b->rank; i++)
            b->stride[i] = ex_int(p, 0);
        b->size = ex_int(p, 1);
    }
    map_set(&e->by_id, key, b);
    return b;
}

/* Where a kernel's parameter lies: constant data, or memory made on first sight, which Buf.user
 * then holds. */
static bool find_memory(Evaluation *e, Buf *b, InterpArg *out)
{
    int64_t count;
    if (!ex_is_int(b->size, &count))
        return false;
    if (b->data) {
        *out = (InterpArg){(void *)b->data->data, count};
        return true;
    }
    if (!b->user)
        b->user = arena_alloc(e->scratch, elem_size_bytes(b->elem, (size_t)count), 64);
    *out = (InterpArg){b->user, count};
    return true;
}

/* Results go straight into tensors of the graph, unless they may turn out to be splats. */
static void make_results(Evaluation *e, Tensor **made)
{
    for (int i = 0; i < e->node->nout; i++) {
        const Value *v = e->node->out[i];
        if (!v)
            continue;
        int64_t dim[MAX_RANK];
        for (int k = 0; k < v->type.rank; k++)
            ex_is_int(v->type.dim[k], &dim[k]);
        Arena *where = e->splat ? e->scratch : e->graph->arena;
        made[i] = tensor_new(where, v->type.elem, v->type.rank, dim);
        buf_of_value(e, v)->user = (void *)made[i]->data;
    }
}

/* ---- running ---- */

/* Points of all stages' loop nests, or -1 when they are not constant or too many to count. */
static int64_t count_points(const ExPool *p, const StageList *stages)
{
    int64_t sum = 0;
    for (size_t i = 0; i < stages->len; i++) {
        const Stage *s = stages->at[i];
        int64_t points = 1, extent;
        if (stage_is_control(s))
            return -1;
        for (int k = 0; k < s->naxis + s->nred; k++) {
            Ex var = k < s->naxis ? s->axis[k] : s->red[k - s->naxis];
            if (!ex_is_int(ex_var_extent(p, var), &extent) ||
                __builtin_mul_overflow(points, extent, &points))
                return -1;
        }
        if (__builtin_add_overflow(sum, points, &sum))
            return -1;
    }
    return sum;
}

static Status run_stage(Evaluation *e, const Stage *s)
{
    Graph *g = e->graph;
    Kernel *k = kernel_from_stage(e->scratch, g->pool, s, "fold");
    InterpArg *args = NEW_ARRAY(e->scratch, InterpArg, k->params.len);
    for (size_t i = 0; i < k->params.len; i++) {
        if (!find_memory(e, k->params.at[i], &args[i]))
            return MLC_NO;
    }
    int64_t *sym = NEW_ARRAY(e->scratch, int64_t, ex_sym_count(g->pool));
    int failed = 0;
    TRY(kernel_interp(g->ctx, k, INTERP_EXACT, args, sym, &failed));
    return failed ? MLC_NO : MLC_OK;
}

static const Tensor *keep_result(Evaluation *e, const Tensor *t)
{
    Arena *a = e->graph->arena;
    int64_t n = tensor_count(t);
    size_t unit = elem_bits[t->elem] / 8;
    bool same = unit && n > 1;
    for (int64_t i = 1; i < n && same; i++)
        same = memcmp((const char *)t->data + (size_t)i * unit, t->data, unit) == 0;
    Tensor *kept = NEW(a, Tensor);
    *kept = *t;
    kept->splat = same;
    kept->size_bytes = same ? unit : t->size_bytes;
    kept->data = memcpy(arena_alloc(a, kept->size_bytes, 64), t->data, kept->size_bytes);
    return kept;
}

static void define(Evaluation *e)
{
    Graph *g = e->graph;
    Te te = {.pool = g->pool, .arena = g->arena, .stages = &e->stages, .node = e->node,
             .buf_of = buf_of_value, .buf_arg = e, .next_id = 1 << 20};
    te_define(&te, e->node);
}

static Status evaluate(Evaluation *e, EvaluateBudget *budget, const Tensor **out)
{
    Graph *g = e->graph;
    int64_t points = count_points(g->pool, &e->stages);
    if (points < 0 || points > EVALUATE_NODE_POINTS || points > budget->points)
        return MLC_NO;
    Tensor **made = NEW_ARRAY(e->scratch, Tensor *, e->node->nout);
    make_results(e, made);
    for (size_t i = 0; i < e->stages.len; i++)
        TRY(run_stage(e, e->stages.at[i]));
    for (int i = 0; i < e->node->nout; i++)
        out[i] = made[i] && e->splat ? keep_result(e, made[i]) : made[i];
    budget->points -= points;
    return MLC_OK;
}

/* A copy of v without dimensions. */
static Value *scalar_of(Arena *a, const Value *v)
{
    Value *s = NEW(a, Value);
    *s = *v;
    s->type.rank = 0;
    if (v->data) {
        Tensor *t = NEW(a, Tensor);
        *t = *v->data;
        t->rank = 0;
        t->splat = false;
        s->data = t;
    }
    return s;
}

/* A tensor of one element becomes one of that type, all elements equal. */
static void repeat(Tensor *t, const Type *type)
{
    t->rank = type->rank;
    for (int k = 0; k < type->rank; k++)
        ex_is_int(type->dim[k], &t->dim[k]);
    t->splat = tensor_count(t) != 1;
}

/* The node on scalars, and its result repeated. */
static Status evaluate_scalar(Evaluation *e, EvaluateBudget *budget, const Tensor **out)
{
    const Node *real = e->node;
    Arena *a = e->graph->arena; /* interned expressions name what the definition makes */
    Node n = *real;
    n.in = NEW_ARRAY(a, Value *, MAX(n.nin, n.op->max_in));
    n.out = NEW_ARRAY(a, Value *, 1);
    for (int i = 0; i < n.nin; i++)
        n.in[i] = real->in[i] ? scalar_of(a, real->in[i]) : NULL;
    n.out[0] = scalar_of(a, real->out[0]);
    e->node = &n;
    e->splat = false;
    define(e);
    TRY(evaluate(e, budget, out));
    repeat((Tensor *)out[0], &real->out[0]->type);
    return MLC_OK;
}

/* ---- results that are constant by definition ---- */

static bool covers(const ExPool *p, const Stage *s, const StageStore *o)
{
    for (int i = 0; i < o->buf->rank; i++) {
        if (i >= s->naxis || o->index[i] != s->axis[i] ||
            ex_var_extent(p, s->axis[i]) != o->buf->dim[i])
            return false;
    }
    return s->naxis == o->buf->rank;
}

/* A load of a constant with one element is that element. */
static Ex load_uniform(void *arg, ExPool *p, Ex rebuilt, Ex original)
{
    (void)arg;
    const Tensor *t = original->op == EX_LOAD ? original->buf->data : NULL;
    if (!t || (!t->splat && tensor_count(t) != 1) || !elem_is_native(t->elem))
        return rebuilt;
    return elem_is_float(t->elem) ? ex_const_f(p, t->elem, tensor_get_f64(t, 0))
                                  : ex_const_i(p, t->elem, tensor_get_i64(t, 0));
}

/* The splat that the definition amounts to; NULL when it is none. */
static Tensor *uniform_result(const Evaluation *e)
{
    ExPool *p = e->graph->pool;
    const Stage *s = e->stages.len == 1 ? e->stages.at[0] : NULL;
    if (!s || e->node->nout != 1 || s->kind != STAGE_MAP || s->nred || s->checks.len ||
        s->stores.len != 1 || !covers(p, s, &s->stores.at[0]))
        return NULL;
    const Type *type = &e->node->out[0]->type;
    Ex v = ex_rewrite(p, s->stores.at[0].value, load_uniform, NULL);
    if (v->op != EX_CONST || elem_bits[type->elem] < 8)
        return NULL;
    Tensor *t = tensor_new(e->graph->arena, type->elem, 0, NULL);
    if (elem_is_float(type->elem))
        elem_set_f64(type->elem, (void *)t->data, 0, v->f);
    else
        elem_set_i64(type->elem, (void *)t->data, 0, v->i);
    repeat(t, type);
    return t;
}

/* ---- a node ---- */

static Status evaluate_any(Evaluation *e, EvaluateBudget *budget, const Tensor **out)
{
    const Node *n = e->node;
    if (is_scalar_work(n))
        return evaluate_scalar(e, budget, out);
    define(e);
    out[0] = uniform_result(e);
    if (out[0])
        return MLC_OK;
    int64_t bytes = affordable_bytes(n, budget);
    if (bytes < 0)
        return MLC_NO;
    TRY(evaluate(e, budget, out));
    budget->bytes -= bytes;
    return MLC_OK;
}

Status evaluate_node(Graph *g, const Node *n, EvaluateBudget *budget, const Tensor **out)
{
    if (!is_evaluable(n))
        return MLC_NO;
    Evaluation e = {.graph = g, .scratch = arena_new(g->ctx), .node = n, .splat = true};
    e.by_id = map_new(e.scratch);
    for (int i = 0; i < n->nin; i++)
        e.splat &= !n->in[i] || n->in[i]->data->splat || tensor_count(n->in[i]->data) == 1;
    Status s = evaluate_any(&e, budget, out);
    arena_free(e.scratch);
    return s;
}
