/* Inference of one node: types by the operator's rule, then known content.
 *
 * Small integer tensors that only describe shapes (Shape, Gather, Concat, Mul ...) are evaluated at
 * compile time: the definition's stages run point by point over expressions, so that an element may
 * be `2*seq + 1` as well as 7. The definition that is compiled is the one evaluated here; no
 * operator says its meaning twice. */
#include "ir/ops/op.h"

#include "ir/base/str.h"

enum {
    MOST_ELEMENTS = 1024, /* of a result */
    MOST_POINTS = 16384,  /* of all stages together, reductions included */
    MOST_TREE = 256,      /* size of one element as a tree: bounds printing and later rewrites */
    MOST_DIM_TREE = 4096, /* the same for a dimension */
};

/* ---- types ---- */

/* Sizes must fit 62 bits in bytes: all later index arithmetic counts on it. */
static Status check_tensor(const Node *n, const Value *v)
{
    const Type *t = &v->type;
    int64_t bytes = MAX(elem_bits[t->elem] / 8, 1), dim;
    bool empty = false;
    for (int i = 0; i < t->rank; i++) {
        if (ex_tree_size(t->dim[i], MOST_DIM_TREE) > MOST_DIM_TREE)
            return node_error(n, E0304, "dimension %d of '%s' is too large an expression", i,
                              v->name);
        if (!ex_is_int(t->dim[i], &dim))
            continue;
        if (dim < 0)
            return node_error(n, E0301, "dimension %d of '%s' is %lld", i, v->name, (long long)dim);
        empty = empty || dim == 0;
        if (__builtin_mul_overflow(bytes, MAX(dim, 1), &bytes) || bytes > INT64_MAX / 2)
            return node_error(n, E0304, "'%s' has more elements than fit into memory", v->name);
    }
    return MLC_OK;
}

static Status check_outputs(const Node *n)
{
    for (int i = 0; i < n->nout; i++) {
        const Value *v = n->out[i];
        if (!v)
            continue;
        if (v->type.kind == TYPE_NONE)
            return node_error(n, E0303, "the type of '%s' cannot be inferred", v->name);
        if (v->type.kind == TYPE_TENSOR)
            TRY(check_tensor(n, v));
    }
    return MLC_OK;
}

/* ---- content ---- */

typedef struct Known {
    Buf *buf;
    Ex *at; /* row-major; NULL where nothing was stored yet */
    int count;
} Known;

typedef struct Eval {
    Graph *g;
    Arena *scratch;
    const Node *node;
    VEC(Known) known;
    int64_t points; /* still allowed */
} Eval;

static int64_t static_count(int rank, const Ex *dim)
{
    int64_t n = 1, d;
    for (int i = 0; i < rank; i++) {
        if (!ex_is_int(dim[i], &d) || d < 0 || __builtin_mul_overflow(n, d, &n))
            return -1;
    }
    return n;
}

static bool holds_content(const Type *t)
{
    if (t->kind != TYPE_TENSOR || t->rank < 0 || !elem_is_native(t->elem))
        return false;
    int64_t n = static_count(t->rank, t->dim);
    return n >= 0 && n <= (elem_is_float(t->elem) ? 64 : MOST_ELEMENTS);
}

static Known *find_known(Eval *ev, const Buf *b)
{
    for (size_t i = 0; i < ev->known.len; i++) {
        if (ev->known.at[i].buf == b)
            return &ev->known.at[i];
    }
    return NULL;
}

/* The elements of b: those of constant data, else unknown when it is new. NULL: not of a small
 * constant size. */
static Known *known_of(Eval *ev, Buf *b)
{
    Known *k = find_known(ev, b);
    if (k)
        return k;
    int64_t n = static_count(b->rank, b->dim);
    if (n < 0 || n > MOST_POINTS || !elem_is_native(b->elem))
        return NULL;
    Ex *at = NEW_ARRAY(ev->scratch, Ex, n);
    for (int64_t i = 0; i < n && b->data; i++) {
        at[i] = elem_is_float(b->elem)
                    ? ex_const_f(ev->g->pool, b->elem, tensor_get_f64(b->data, i))
                    : ex_const_i(ev->g->pool, b->elem, tensor_get_i64(b->data, i));
    }
    vec_push(ev->scratch, &ev->known, (Known){b, at, (int)n});
    return &vec_last(&ev->known);
}

static Tx buf_of(void *arg, const Value *v)
{
    Eval *ev = arg;
    for (size_t i = 0; i < ev->known.len; i++) {
        if (ev->known.at[i].buf->user == v)
            return ev->known.at[i].buf;
    }
    Buf *b = buf_new(ev->g->arena, ev->g->pool, (int)ev->known.len, v->name, v->type.elem,
                     v->def == ev->node ? SPACE_OUTPUT : SPACE_INPUT, v->type.rank, v->type.dim);
    b->user = (void *)v;
    Known *k = known_of(ev, b);
    int n = 0;
    const Ex *content = v->def == ev->node ? NULL : value_content(ev->g, v, &n);
    for (int i = 0; k && i < MIN(n, k->count); i++)
        k->at[i] = content[i];
    return b;
}

/* Row-major position of constant indices, or -1. */
static int flat_index(const Buf *b, const Ex *index)
{
    int64_t flat = 0, i, d;
    for (int k = 0; k < b->rank; k++) {
        if (!ex_is_int(index[k], &i) || !ex_is_int(b->dim[k], &d) || i < 0 || i >= d)
            return -1;
        flat = flat * d + i;
    }
    return (int)flat;
}

/* A load of a known element becomes the element. Others stay: a guard around them may go away. */
static Ex replace_load(void *arg, ExPool *p, Ex rebuilt, Ex original)
{
    (void)p;
    (void)original;
    if (rebuilt->op != EX_LOAD)
        return NULL;
    const Known *k = known_of(arg, (Buf *)rebuilt->buf);
    int at = k ? flat_index(rebuilt->buf, rebuilt->arg) : -1;
    return at >= 0 && at < k->count ? k->at[at] : NULL;
}

/* e at the point where the `n` variables have the given values; NULL when it is not known there. */
static Ex at_point(Eval *ev, Ex e, int n, const Ex *var, const Ex *val)
{
    ExPool *p = ev->g->pool;
    e = ex_rewrite(p, ex_subst(p, e, n, var, val), replace_load, ev);
    if (ex_tree_size(e, MOST_TREE) > MOST_TREE || ex_uses_op(e, EX_LOAD) || ex_uses_op(e, EX_VAR))
        return NULL;
    return e;
}

typedef struct Point {
    int n;
    Ex var[2 * MAX_AXES + MAX_ACC], val[2 * MAX_AXES + MAX_ACC];
    int64_t extent[2 * MAX_AXES], at[2 * MAX_AXES];
} Point;

/* Adds `n` variables, all at zero. Returns the number of points, -1 when that is not constant. */
static int64_t add_vars(Eval *ev, Point *pt, int n, const Ex *var)
{
    int64_t points = 1;
    for (int i = 0; i < n; i++) {
        int64_t extent;
        if (!ex_is_int(ex_var_extent(ev->g->pool, var[i]), &extent) || extent < 0 ||
            __builtin_mul_overflow(points, extent, &points))
            return -1;
        pt->var[pt->n] = var[i];
        pt->val[pt->n] = ex_int(ev->g->pool, 0);
        pt->extent[pt->n] = extent;
        pt->at[pt->n++] = 0;
    }
    return points;
}

/* The next point of variables [first, last), the last running fastest; wraps to zero at the end. */
static void step(Eval *ev, Point *pt, int first, int last)
{
    for (int i = last; i-- > first;) {
        pt->at[i] = pt->at[i] + 1 < pt->extent[i] ? pt->at[i] + 1 : 0;
        pt->val[i] = ex_int(ev->g->pool, pt->at[i]);
        if (pt->at[i])
            return;
    }
}

static bool reduce_point(Eval *ev, const Stage *st, Point *pt, int64_t nred)
{
    ExPool *p = ev->g->pool;
    int first = st->naxis, last = st->naxis + st->nred;
    Ex acc[MAX_ACC];
    for (int a = 0; a < st->nacc; a++) {
        if (st->op[a] == REDUCE_GENERAL ||
            !(acc[a] = at_point(ev, st->init[a], first, pt->var, pt->val)))
            return false;
    }
    for (int64_t r = 0; r < nred; r++) {
        for (int a = 0; a < st->nacc; a++) {
            Ex x = at_point(ev, st->body[a], last, pt->var, pt->val);
            if (!x)
                return false;
            acc[a] = reduce_combine(p, st->op[a], acc[a], x);
            if (ex_tree_size(acc[a], MOST_TREE) > MOST_TREE)
                return false;
        }
        step(ev, pt, first, last);
    }
    for (int a = 0; a < st->nacc; a++) {
        pt->var[last + a] = ex_acc(p, (Elem)acc[a]->elem, a);
        pt->val[last + a] = acc[a];
    }
    return true;
}

static bool store_point(Eval *ev, const Stage *st, const Point *pt, int nvar)
{
    for (size_t i = 0; i < st->checks.len; i++) {
        Ex cond = at_point(ev, st->checks.at[i].cond, nvar, pt->var, pt->val);
        if (!cond || !ex_is(cond, 1))
            return false;
    }
    for (size_t i = 0; i < st->stores.len; i++) {
        const StageStore *s = &st->stores.at[i];
        Ex index[MAX_RANK];
        for (int k = 0; k < s->buf->rank; k++) {
            index[k] = at_point(ev, s->index[k], nvar, pt->var, pt->val);
            if (!index[k])
                return false;
        }
        Ex value = at_point(ev, s->value, nvar, pt->var, pt->val);
        Known *known = known_of(ev, s->buf);
        int at = known ? flat_index(s->buf, index) : -1;
        if (!value || at < 0)
            return false;
        known->at[at] = value;
    }
    return true;
}

static bool run_stage(Eval *ev, const Stage *st)
{
    if (st->kind == STAGE_SCAN || stage_is_control(st))
        return false;
    Point pt = {0};
    int64_t points = add_vars(ev, &pt, st->naxis, st->axis);
    int64_t nred = add_vars(ev, &pt, st->nred, st->red), all;
    if (points < 0 || nred < 0 || __builtin_mul_overflow(points, MAX(nred, 1), &all) ||
        all > ev->points)
        return false;
    ev->points -= all;
    for (int64_t i = 0; i < points; i++) {
        if (st->nacc && !reduce_point(ev, st, &pt, nred))
            return false;
        if (!store_point(ev, st, &pt, st->naxis + st->nred + st->nacc))
            return false;
        step(ev, &pt, 0, st->naxis);
    }
    return true;
}

static bool wanted(Graph *g, const Node *n)
{
    if (!n->op->define || (n->op->traits & (OP_RANDOM | OP_CONTROL)))
        return false;
    for (int i = 0; i < n->nout; i++) {
        if (n->out[i] && (n->out[i]->content || !holds_content(&n->out[i]->type)))
            return false;
    }
    if (n->op->traits & OP_SHAPE_ONLY)
        return true;
    for (int i = 0; i < n->nin; i++) {
        int count;
        if (n->in[i] && !value_content(g, n->in[i], &count))
            return false;
    }
    return true;
}

static void set_content(Eval *ev, Value *v)
{
    Known *k = known_of(ev, buf_of(ev, v));
    Ex *content = NEW_ARRAY(ev->g->arena, Ex, k->count);
    for (int i = 0; i < k->count; i++) {
        if (!k->at[i] || k->at[i]->elem != v->type.elem)
            return;
        content[i] = k->at[i];
    }
    v->content = content;
}

static void infer_content(Graph *g, Node *n)
{
    Eval ev = {.g = g, .scratch = arena_new(g->ctx), .node = n, .points = MOST_POINTS};
    StageList stages = {0};
    /* Expressions that name a buffer outlive the evaluation inside the pool: buffers and stages
     * belong into the graph's arena, working space does not. */
    Te t = {.pool = g->pool,
            .arena = g->arena,
            .stages = &stages,
            .node = n,
            .buf_of = buf_of,
            .buf_arg = &ev};
    te_define(&t, n);
    bool ok = true;
    for (size_t i = 0; i < stages.len && ok; i++)
        ok = run_stage(&ev, stages.at[i]);
    for (int i = 0; i < n->nout && ok; i++) {
        if (n->out[i])
            set_content(&ev, n->out[i]);
    }
    arena_free(ev.scratch);
}

/* Dimensions that hold symbols of the run become symbols of their own, which are at least 0. */
static void name_sizes(Graph *g, Node *n)
{
    for (int i = 0; i < n->nout; i++) {
        Value *v = n->out[i];
        for (int k = 0; v && v->type.kind == TYPE_TENSOR && k < v->type.rank; k++)
            v->type.dim[k] = graph_size_symbol(g, v->type.dim[k],
                                               arena_printf(g->arena, "%s.%d", v->name, k));
    }
}

/* Integers alone: what a float decides is better read where it has become an integer. */
static bool is_shape_arithmetic(const Node *n)
{
    if (!n || !n->op->define || (n->op->traits & (OP_RANDOM | OP_CONTROL)) || n->nin == 0)
        return false;
    for (int i = 0; i < n->nin + n->nout; i++) {
        const Value *v = i < n->nin ? n->in[i] : n->out[i - n->nin];
        if (v && (!holds_content(&v->type) || elem_is_float(v->type.elem)))
            return false;
    }
    return true;
}

static const Ex *demand(Graph *g, Value *v, int *n, int depth)
{
    enum { DEEPEST = 16 };
    const Ex *known = value_content(g, v, n);
    if (known)
        return known;
    Node *def = v->def;
    if (depth < DEEPEST && is_shape_arithmetic(def)) {
        bool all = true;
        for (int i = 0; i < def->nin && all; i++) {
            int count;
            all = !def->in[i] || demand(g, def->in[i], &count, depth + 1);
        }
        if (all)
            infer_content(g, def);
        known = value_content(g, v, n);
    }
    return known ? known : value_symbols(g, v, n);
}

const Ex *value_demand(Graph *g, Value *v, int *n) { return demand(g, v, n, 0); }

bool graph_try_infer_node(Graph *g, Node *n)
{
    diag_mute(g->ctx);
    bool ok = graph_infer_node(g, n) == MLC_OK;
    diag_unmute(g->ctx);
    return ok;
}

Status graph_infer_node(Graph *g, Node *n)
{
    for (int i = 0; i < n->nin; i++) {
        if (n->in[i] && n->in[i]->type.kind == TYPE_NONE)
            return node_error(n, E0303, "the type of input '%s' is not known", n->in[i]->name);
    }
    for (int i = 0; i < n->nout; i++) {
        if (n->out[i])
            n->out[i]->content = NULL;
    }
    if (n->op->infer)
        TRY(n->op->infer(g, n));
    name_sizes(g, n);
    TRY(check_outputs(n));
    if (wanted(g, n))
        infer_content(g, n);
    return MLC_OK;
}
