/* Range: y[i] = start + i * delta, max(ceil((limit - start) / delta), 0) of them. Integers are counted
 * in expressions of sizes; floats in doubles, at compile time where they are constant, by a stage of the
 * definition where they are not. */
#include "ir/base/str.h"
#include "ir/ops/control.h"

#include "runtime/mlc_abi.h"

/* No more elements than this, of floats. */
#define MOST_COUNT 0x1p40

/* The three numbers as doubles: false where one is not constant. */
static bool constant_floats(Graph *g, const Node *n, double v[3])
{
    for (int i = 0, k; i < 3; i++) {
        const Ex *at = value_content(g, n->in[i], &k);
        if (!value_scalar(n->in[i], &v[i]) && (!at || k != 1 || !ex_is_float(at[0], &v[i])))
            return false;
    }
    return true;
}

static Status count_floats(Graph *g, const Node *n, Ex *count)
{
    double v[3];
    if (!constant_floats(g, n, v)) {
        *count = assigned_dim(g, n->out[0], 0);
        return MLC_OK;
    }
    double c = v[2] == 0 ? 0 : __builtin_ceil((v[1] - v[0]) / v[2]);
    if (v[2] == 0 || !(c < MOST_COUNT))
        return node_error(n, E0301, "a range from %g to %g by %g", v[0], v[1], v[2]);
    *count = ex_int(g->pool, c > 0 ? (int64_t)c : 0);
    return MLC_OK;
}

/* Start, limit and delta of integers. */
static Status known_ints(Graph *g, const Node *n, Ex v[3])
{
    for (int i = 0, k; i < 3; i++) {
        const Ex *at;
        TRY(node_known_ints(g, n, i, 1, &at, &k));
        if (k != 1)
            return node_error(n, E0301, "input %d is not a scalar", i);
        v[i] = ex_cast(g->pool, ELEM_I64, at[0]);
    }
    return MLC_OK;
}

static Status count_ints(Graph *g, const Node *n, Ex *count)
{
    ExPool *p = g->pool;
    Ex v[3], zero = ex_int(p, 0);
    int64_t delta, c;
    TRY(known_ints(g, n, v));
    if (ex_is_int(v[2], &delta) &&
        (delta == 0 || delta < -MAX_ATTR_SIZE || delta > MAX_ATTR_SIZE))
        return node_error(n, E0301, "delta is %lld", (long long)delta);
    Ex up = ex_lt(p, zero, v[2]), size = ex_select(p, up, v[2], ex_sub(p, zero, v[2]));
    if (!ex_is_int(size, NULL))
        size = ex_max(p, size, ex_int(p, 1));
    Ex span = ex_select(p, up, ex_sub(p, v[1], v[0]), ex_sub(p, v[0], v[1]));
    Ex steps = ex_ceil_div(p, span, size);
    if (ex_is_int(steps, &c))
        steps = ex_int(p, MAX(c, 0));
    *count = ex_nonneg(p, steps) ? steps : ex_max(p, steps, zero);
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    Ex count;
    TRY(node_need_elem(n, 0, IS_NUMBER));
    for (int i = 0; i < 3; i++) {
        TRY(node_need_rank(n, i, 0, 1));
        TRY(node_need_same_elem(n, 0, i));
    }
    Elem e = n->in[0]->type.elem;
    TRY(elem_is_float(e) ? count_floats(g, n, &count) : count_ints(g, n, &count));
    node_set_type(n, 0, type_tensor(e, 1, &count));
    return MLC_OK;
}

/* Sets the dimension of y to the number of elements. */
static void count_of_run(Te *t, Tx y)
{
    Ex zero = te_int(t, 0), one = te_int(t, 1), v[3];
    Tx count = te_temp(t, ELEM_I64, 1, &one);
    te_stage(t, count);
    for (int i = 0; i < 3; i++)
        v[i] = te_cast(t, ELEM_F64, te_load(t, te_in(t, i), &zero));
    Ex none = te_const(t, ELEM_F64, 0), most = te_const(t, ELEM_F64, MOST_COUNT);
    Ex steps = te_div(t, te_sub(t, v[1], v[0]), v[2]);
    Ex ok = te_and(t, te_ne(t, v[2], none), te_lt(t, steps, most));
    te_check(t, ok, MLC_RUN_SHAPE);
    te_yield(t, te_cast(t, ELEM_I64, te_ceil(t, te_select(t, te_and(t, ok, te_lt(t, none, steps)),
                                                          steps, none))));
    te_set_element(t, y->dim[0], count, zero);
}

static void define(Te *t, const Node *n)
{
    Tx start = te_in(t, 0), delta = te_in(t, 2), y = te_out(t, 0);
    Ex zero = te_int(t, 0), v[3];
    double known[3];
    if (!elem_is_float(y->elem)) {
        Status st = known_ints(n->graph, n, v);
        assert(st == MLC_OK);
        (void)st;
        te_require(t, ex_ne(t->pool, v[2], zero));
    } else if (!constant_floats(n->graph, n, known)) {
        count_of_run(t, y);
    }
    te_stage(t, y);
    Ex s = te_wide(t, te_load(t, start, &zero)), d = te_wide(t, te_load(t, delta, &zero));
    te_yield(t, te_add(t, s, te_mul(t, te_cast(t, (Elem)s->elem, te_axis(t, 0)), d)));
}

OP(range) = {
    .name = "Range", .since = {11, 27}, .min_in = 3, .max_in = 3, .later = {{"f16", 27}},
    .infer = infer, .define = define, .doc = "y[i] = start + i * delta",
};

/* Scalars may have rank 1 in com.microsoft, and the step may be left out. */
static void compose_range(Str *s, const Node *n)
{
    str_add(s, "const %one : i64[] = {1} %start = Squeeze(%0) %limit = Squeeze(%1) ");
    str_add(s, node_has(n, 2) ? "%step = Squeeze(%2)" : "%step = CastLike(%one, %0)");
    str_add(s, " %y = Range(%start, %limit, %step) out %y");
}

OP(ms_range) = {
    .name = "Range", .domain = "com.microsoft", .since = {1}, .min_in = 2, .max_in = 3,
    .infer = infer_composite, .compose = compose_range, .doc = "y[i] = start + i * delta",
};
