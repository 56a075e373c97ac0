/* Slice: y[i] = x[start + i * step] along the given axes. Starts and ends count from the end where
 * negative and are clamped to the tensor; steps may be negative, never 0. All of them may be computed;
 * axes and steps mostly are constant, and then there is less to choose from. */
#include "ir/ops/axes.h"

typedef struct Cut {
    Ex start[MAX_RANK], step[MAX_RANK], count[MAX_RANK];
} Cut;

/* bound + dim where bound is negative; what is neither proved counts as non-negative. */
static Ex from_end(ExPool *p, Ex bound, Ex dim)
{
    int64_t v;
    bool negative = ex_is_int(bound, &v) ? v < 0 : ex_proved_lt(p, bound, ex_int(p, 0));
    if (negative)
        return ex_add(p, bound, dim);
    if (ex_is_int(bound, NULL) || ex_nonneg(p, bound))
        return bound;
    return ex_select(p, ex_lt(p, bound, ex_int(p, 0)), ex_add(p, bound, dim), bound);
}

/* min(max(v, low), high), leaving out what is proved. */
static Ex clamp(ExPool *p, Ex v, Ex low, Ex high)
{
    bool below = ex_proved_le(p, v, high) && ex_proved_le(p, low, high);
    if (!ex_proved_le(p, low, v))
        v = ex_max(p, v, low);
    return below ? v : ex_min(p, v, high);
}

/* A bound as exporters write "to the end" (INT32_MAX, INT64_MAX) is `high` where the dimension is
 * not constant; others are limited so that sums with a dimension stay in range. */
static Ex bounded(ExPool *p, Ex v, Ex high)
{
    const int64_t most = INT64_MAX / 4;
    int64_t i;
    if (!ex_is_int(v, &i))
        return v;
    if (i >= INT32_MAX && !ex_is_int(high, NULL))
        return high;
    return ex_int(p, i > most ? most : i < -most ? -most : i);
}

static void cut_axis(ExPool *p, Ex dim, Ex start, Ex end, int64_t step, int i, Cut *c)
{
    Ex zero = ex_int(p, 0), one = ex_int(p, 1), span;
    Ex low = step > 0 ? zero : ex_int(p, -1), high = step > 0 ? dim : ex_sub(p, dim, one);
    int64_t e;
    bool to_begin = step < 0 && ex_is_int(end, &e) && e <= INT32_MIN;
    Ex asked = from_end(p, bounded(p, start, high), dim);
    start = clamp(p, asked, low, high);
    if (to_begin && !ex_is_int(dim, NULL))
        end = low;
    else
        end = clamp(p, from_end(p, bounded(p, end, high), dim), low, high);
    span = step > 0 ? ex_sub(p, end, start) : ex_sub(p, start, end);
    if (step > 0 && end == dim && !ex_is_int(dim, NULL) && start == ex_max(p, asked, zero))
        span = ex_min(p, ex_sub(p, dim, asked), dim); /* the same, and easier to prove things of */
    c->start[i] = start;
    c->step[i] = ex_int(p, step);
    Ex count = ex_ceil_div(p, span, ex_int(p, step > 0 ? step : -step));
    c->count[i] = ex_nonneg(p, count) ? count : ex_max(p, count, zero);
}

/* The cut along dimension i where the run finds out the axes or the steps: that of the axis that is i,
 * and everything where there is none. */
static void cut_any(ExPool *p, const Axes *axes, Ex dim, const Ex *starts, const Ex *ends,
                    const Ex *steps, int i, Cut *c)
{
    Ex zero = ex_int(p, 0), one = ex_int(p, 1), start = zero, end = dim, step = one;
    for (int k = 0; k < axes->count; k++) {
        Ex here = ex_eq(p, axes->axis[k], ex_int(p, i));
        start = ex_select(p, here, bounded(p, starts[k], dim), start);
        end = ex_select(p, here, bounded(p, ends[k], dim), end);
        step = steps ? ex_select(p, here, steps[k], step) : one;
    }
    Ex up = ex_lt(p, zero, step), low = ex_select(p, up, zero, ex_int(p, -1));
    Ex high = ex_select(p, up, dim, ex_sub(p, dim, one));
    start = clamp(p, from_end(p, start, dim), low, high);
    end = clamp(p, from_end(p, end, dim), low, high);
    Ex span = ex_select(p, up, ex_sub(p, end, start), ex_sub(p, start, end));
    Ex size = ex_max(p, ex_select(p, up, step, ex_sub(p, zero, step)), one);
    c->start[i] = start;
    c->step[i] = step;
    c->count[i] = ex_max(p, ex_ceil_div(p, span, size), zero);
}

static bool all_constant(int n, const Ex *e)
{
    for (int i = 0; i < n; i++)
        if (!ex_is_int(e[i], NULL))
            return false;
    return true;
}

/* The cut along every dimension of x, out of the inputs. */
static Status make_cut(Graph *g, const Node *n, const Type *x, Axes *axes, Cut *c)
{
    ExPool *p = g->pool;
    const Ex *starts, *ends, *steps;
    int count, nends, nsteps;
    bool has_axes = node_has(n, 3), has_steps = node_has(n, 4);
    TRY(node_known_ints(g, n, 1, MAX_RANK, &starts, &count));
    TRY(node_known_ints(g, n, 2, MAX_RANK, &ends, &nends));
    TRY(axes_read(g, n, 3, x->rank, axes));
    TRY(node_known_ints(g, n, 4, MAX_RANK, &steps, &nsteps));
    if (nends != count || (has_axes && axes->count != count) || (has_steps && nsteps != count))
        return node_error(n, E0301, "%d starts, %d ends, %d axes, %d steps", count, nends,
                          has_axes ? axes->count : count, has_steps ? nsteps : count);
    if (count > x->rank)
        return node_error(n, E0302, "axis %d of %d dimensions", count - 1, x->rank);
    for (int i = 0; i < count && !has_axes; i++)
        axes->axis[i] = ex_int(p, i);
    axes->count = count;
    for (int i = 0; i < count; i++)
        if (has_steps && ex_is(steps[i], 0))
            return node_error(n, E0301, "steps[%d] is 0", i);
    if (!all_constant(count, axes->axis) || (has_steps && !all_constant(count, steps))) {
        for (int i = 0; i < x->rank; i++)
            cut_any(p, axes, x->dim[i], starts, ends, has_steps ? steps : NULL, i, c);
        return MLC_OK;
    }
    for (int i = 0; i < x->rank; i++) {
        c->start[i] = ex_int(p, 0);
        c->step[i] = ex_int(p, 1);
        c->count[i] = x->dim[i];
    }
    for (int i = 0; i < count; i++) {
        int64_t axis = 0, step = 1;
        ex_is_int(axes->axis[i], &axis);
        if (has_steps)
            ex_is_int(steps[i], &step);
        step = MAX(-MAX_ATTR_SIZE, MIN(MAX_ATTR_SIZE, step));
        cut_axis(p, x->dim[axis], starts[i], ends[i], step, (int)axis, c);
    }
    return MLC_OK;
}

static Status infer(Graph *g, Node *n)
{
    TRY(node_need_rank(n, 0, 0, MAX_RANK));
    Type out = n->in[0]->type;
    Axes axes;
    Cut c;
    TRY(make_cut(g, n, &n->in[0]->type, &axes, &c));
    memcpy(out.dim, c.count, (size_t)out.rank * sizeof(Ex));
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    Tx x = te_in(t, 0);
    Axes axes;
    Cut c;
    Status st = make_cut(n->graph, n, &n->in[0]->type, &axes, &c);
    assert(st == MLC_OK);
    (void)st;
    te_require_axes(t, &axes);
    for (int i = 0; i < x->rank; i++)
        if (!ex_is_int(c.step[i], NULL))
            te_require(t, ex_ne(t->pool, c.step[i], te_int(t, 0)));
    te_stage(t, te_out(t, 0));
    Ex index[MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        index[i] = te_add(t, c.start[i], te_mul(t, te_axis(t, i), c.step[i]));
    te_yield(t, te_load(t, x, index));
}

/* Everything but the data was an attribute before 10. */
static Status upgrade(RawNode *raw)
{
    if (raw->version < 10) {
        raw_attr_to_input(raw, "starts", 1, ELEM_I64);
        raw_attr_to_input(raw, "ends", 2, ELEM_I64);
        raw_attr_to_input(raw, "axes", 3, ELEM_I64);
    }
    return MLC_OK;
}

OP(slice) = {
    .name = "Slice", .since = {1, 10, 11, 13}, .min_in = 3, .max_in = 5, .upgrade = upgrade,
    .infer = infer, .define = define, .doc = "y[i] = x[start + i * step]",
};

/* DynamicSlice, an experiment of the time before Slice took its bounds as inputs: it is always rewritten,
 * as its newest version is beyond all. */
static Status upgrade_dynamic(RawNode *raw)
{
    raw->op = "Slice";
    raw->version = 13;
    return MLC_OK;
}

OP(dynamic_slice) = {
    .name = "DynamicSlice", .since = {1, SINCE_REPLACED}, .min_in = 3, .max_in = 4,
    .upgrade = upgrade_dynamic, .infer = infer, .define = define,
    .doc = "an experimental form of Slice",
};
