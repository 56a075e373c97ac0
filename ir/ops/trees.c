/* What an ensemble of trees means: a scan along the comparisons of a path,
 *     node' = child[node][feature(row) compared with value(node) ? 0 : 1]        at a leaf: node
 * for every row and tree, as often as the deepest tree needs; then a sum over the trees.
 *
 * Trees whose depths differ by more than a factor of two are walked apart, so that all steps together
 * are at most some twice what the rows' longest paths take. Tables have the narrowest integers. */
#include "ir/ops/trees.h"

#include "ir/ops/scores.h"

enum { SHALLOW = 4 }; /* trees up to this depth are walked together */

/* ---- the walk ---- */

typedef struct Walk {
    const Trees *trees;
    Tx           x, feature, value, how, child, leaf; /* leaf[rows, trees]: where each path ends */
    int          same_how; /* of all nodes, or -1 */
} Walk;

static Tx value_table(Te *t, const Trees *tr)
{
    Tensor *data = tensor_new(t->arena, tr->value_elem, 1, &tr->inner);
    for (int64_t i = 0; i < tr->inner; i++)
        elem_set_f64(data->elem, (void *)(uintptr_t)data->data, (size_t)i, tr->node[i].value);
    return te_table(t, data);
}

static void make_tables(Te *t, Walk *w)
{
    const Trees *tr = w->trees;
    int64_t n = tr->inner, *v = NEW_ARRAY(t->arena, int64_t, 2 * n);
    w->same_how = tr->node[0].how;
    for (int64_t i = 0; i < n; i++) {
        v[i] = tr->node[i].feature;
        w->same_how = tr->node[i].how == w->same_how ? w->same_how : -1;
    }
    w->feature = te_numbers(t, n, v);
    for (int64_t i = 0; i < n; i++)
        v[i] = tr->node[i].how;
    w->how = w->same_how < 0 ? te_numbers(t, n, v) : NULL;
    for (int64_t i = 0; i < 2 * n; i++)
        v[i] = tr->node[i / 2].child[i % 2];
    w->child = te_numbers(t, 2 * n, v);
    w->value = value_table(t, tr);
}

static Ex number_at(Te *t, Tx table, Ex i)
{
    return te_cast(t, ELEM_I64, te_load(t, table, &i));
}

/* Does the comparison of node `at` hold? */
static Ex holds(Te *t, const Walk *w, Ex at, Ex row)
{
    Ex x = te_feature(t, w->x, w->trees->value_elem, row, number_at(t, w->feature, at));
    Ex v = te_load(t, w->value, &at);
    Ex how = w->how ? number_at(t, w->how, at) : te_int(t, w->same_how);
    Ex kind = te_and(t, how, te_int(t, TREE_KIND));
    Ex is = te_select(t, te_eq(t, kind, te_int(t, TREE_EQ)), te_eq(t, x, v), te_le(t, x, v));
    is = te_select(t, te_eq(t, kind, te_int(t, TREE_LT)), te_lt(t, x, v), is);
    Ex nan = te_ne(t, te_and(t, how, te_int(t, TREE_NAN)), te_int(t, 0));
    return te_or(t, is, te_and(t, nan, te_ne(t, x, x)));
}

/* The trees in order[from, to), at most `depth` deep. */
static void walk_some(Te *t, Walk *w, const int64_t *order, int64_t from, int64_t to, int64_t depth)
{
    const Trees *tr = w->trees;
    int64_t n = to - from, *v = NEW_ARRAY(t->arena, int64_t, n);
    for (int64_t i = 0; i < n; i++)
        v[i] = tr->root[order[from + i]];
    Tx root = te_numbers(t, n, v);
    te_stage_axes(t, depth ? 3 : 2, (Ex[]){w->leaf->dim[0], te_int(t, n), te_int(t, depth)});
    Ex row = te_axis(t, 0), tree = te_axis(t, 1), begin = number_at(t, root, tree);
    Ex place[2] = {row, te_add(t, tree, te_int(t, from))};
    if (!depth) {
        te_yield_at(t, w->leaf, place, begin);
        return;
    }
    Ex inner = te_int(t, tr->inner), node = te_scan(t, begin);
    Ex at = te_min(t, node, te_int(t, tr->inner - 1)); /* leaves have no comparison */
    Ex side = te_cast(t, ELEM_I64, te_not(t, holds(t, w, at, row)));
    Ex next = number_at(t, w->child, te_add(t, te_mul(t, at, te_int(t, 2)), side));
    next = te_select(t, te_lt(t, node, inner), next, node);
    te_scan_step(t, next);
    te_yield_at(t, w->leaf, place, next);
}

/* Trees in descending order of their depths, by counting: depths are at most `inner`. */
static int64_t *by_depth(Arena *a, const Trees *tr)
{
    int64_t *at = NEW_ARRAY(a, int64_t, tr->inner + 2), *order = NEW_ARRAY(a, int64_t, tr->trees);
    for (int64_t i = 0; i < tr->trees; i++)
        at[tr->inner - tr->depth[i] + 1]++;
    for (int64_t i = 0; i <= tr->inner; i++)
        at[i + 1] += at[i];
    for (int64_t i = 0; i < tr->trees; i++)
        order[at[tr->inner - tr->depth[i]]++] = i;
    return order;
}

static Tx walk(Te *t, const Trees *tr, Tx x)
{
    Walk w = {.trees = tr, .x = x, .leaf = te_scores(t, x, ELEM_I32, tr->trees)};
    const int64_t *order = by_depth(t->arena, tr);
    if (tr->inner)
        make_tables(t, &w);
    for (int64_t from = 0, to; from < tr->trees; from = to) {
        int64_t depth = tr->depth[order[from]], least = depth <= SHALLOW ? 0 : depth / 2;
        for (to = from + 1; to < tr->trees && tr->depth[order[to]] > least; to++)
            ;
        if (depth <= SHALLOW)
            to = tr->trees;
        walk_some(t, &w, order, from, to, depth);
    }
    return w.leaf;
}

/* ---- the sum ---- */

/* value[leaf * targets + target] where every leaf has exactly one weight for each target; else NULL. */
static double *dense_weights(Arena *a, const Trees *tr)
{
    if (tr->nweights % tr->targets || tr->nweights / tr->targets != tr->leaves)
        return NULL;
    double *value = NEW_ARRAY(a, double, tr->nweights);
    bool *there = NEW_ARRAY(a, bool, tr->nweights);
    for (int64_t i = 0; i < tr->nweights; i++) {
        const TreeWeight *w = &tr->weight[i];
        int64_t at = w->leaf * tr->targets + w->target;
        if (there[at])
            return NULL;
        there[at] = true;
        value[at] = w->value;
    }
    return value;
}

static Tx weight_table(Te *t, const Trees *tr, const double *value)
{
    int64_t n = MAX(tr->nweights, 1);
    Tensor *data = tensor_new(t->arena, tr->weight_elem, 1, &n);
    for (int64_t i = 0; i < tr->nweights; i++)
        elem_set_f64(data->elem, (void *)(uintptr_t)data->data, (size_t)i,
                     value ? value[i] : tr->weight[i].value);
    return te_table(t, data);
}

static const ReduceOp reduce_by[] = {REDUCE_SUM, REDUCE_SUM, REDUCE_MIN, REDUCE_MAX};

static Ex leaf_at(Te *t, const Trees *tr, Tx leaf, Ex tree)
{
    Ex at = te_cast(t, ELEM_I64, te_load(t, leaf, (Ex[]){te_axis(t, 0), tree}));
    return te_sub(t, at, te_int(t, tr->inner));
}

/* Of the open stage's target, every leaf having its weight. */
static Ex sum_dense(Te *t, const Trees *tr, Tx leaf, Aggregate how, Tx weights, Elem e)
{
    Ex at = leaf_at(t, tr, leaf, te_red(t, te_int(t, tr->trees)));
    at = te_add(t, te_mul(t, at, te_int(t, tr->targets)), te_axis(t, 1));
    Ex w = te_cast(t, e, te_load(t, weights, &at)), out;
    te_reduce_many(t, 1, &reduce_by[how], &w, &out);
    return out;
}

/* Likewise where leaves have some weights each: those of leaf i stand at first[i] .. first[i + 1]. */
static Ex sum_sparse(Te *t, const Trees *tr, Tx leaf, Aggregate how, Tx weights, Elem e)
{
    int64_t n = tr->nweights, most = 0, *v = NEW_ARRAY(t->arena, int64_t, MAX(n, tr->leaves) + 1);
    for (int64_t i = 0; i < n; i++)
        v[tr->weight[i].leaf + 1]++;
    for (int64_t i = 0; i < tr->leaves; i++) {
        most = MAX(most, v[i + 1]);
        v[i + 1] += v[i];
    }
    Tx first = te_numbers(t, tr->leaves + 1, v);
    for (int64_t i = 0; i < n; i++)
        v[i] = tr->weight[i].target;
    Tx target = te_numbers(t, MAX(n, 1), v);
    Ex i = leaf_at(t, tr, leaf, te_red(t, te_int(t, tr->trees)));
    Ex at = te_add(t, number_at(t, first, i), te_red(t, te_int(t, MAX(most, 1))));
    Ex end = number_at(t, first, te_add(t, i, te_int(t, 1)));
    Ex in = te_min(t, at, te_int(t, MAX(n, 1) - 1));
    Ex hit = te_and(t, te_lt(t, at, end), te_eq(t, number_at(t, target, in), te_axis(t, 1)));
    Ex none = reduce_init(t->pool, reduce_by[how], e);
    Ex w = te_select(t, hit, te_cast(t, e, te_load(t, weights, &in)), none), out[2];
    ReduceOp op[2] = {reduce_by[how], REDUCE_MAX};
    te_reduce_many(t, 2, op, (Ex[]){w, te_cast(t, ELEM_I32, hit)}, out);
    return te_select(t, te_eq(t, out[1], te_const(t, ELEM_I32, 0)), te_like(t, out[0], 0), out[0]);
}

void te_trees(Te *t, const Trees *tr, Tx x, Aggregate how, Tx scores)
{
    te_require(t, ex_le(t->pool, te_int(t, trees_features(tr)), features_of(x->rank, x->dim)));
    Tx leaf = walk(t, tr, x);
    double *dense = dense_weights(t->arena, tr);
    Tx weights = weight_table(t, tr, dense);
    te_stage(t, scores);
    Ex y = (dense ? sum_dense : sum_sparse)(t, tr, leaf, how, weights, scores->elem);
    if (how == AGGREGATE_AVERAGE)
        y = te_mul(t, y, te_like(t, y, 1.0 / (double)tr->trees));
    te_yield(t, y);
}
