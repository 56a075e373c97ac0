/* Ensembles of decision trees out of attributes, which nobody has checked before: wrong lengths, nodes
 * that are not there, cycles and features that no row has are errors. Everything here takes time and
 * memory in proportion to the attributes (and sorting). */
#include "ir/ops/trees.h"

#include "ir/base/str.h"

#include <math.h>
#include <stdlib.h>

/* Comparisons for one row, all trees together. */
#define MAX_STEPS ((int64_t)1 << 30)

/* ---- numbers ---- */

int64_t reals_count(const Reals *r)
{
    return r->tensor ? tensor_count(r->tensor) : r->list->n;
}

double reals_at(const Reals *r, int64_t i)
{
    return r->tensor ? tensor_get_f64(r->tensor, i) : (double)r->list->at[i];
}

Elem reals_elem(const Reals *r)
{
    return r->tensor && r->tensor->elem == ELEM_F64 ? ELEM_F64 : ELEM_F32;
}

Status reals_check(const Node *n, const char *name, const Reals *r)
{
    if (r->tensor && r->list && r->list->n > 0)
        return node_error(n, E0203, "attributes '%s' and '%s_as_tensor' are both given", name, name);
    if (r->tensor && !elem_is_float(r->tensor->elem))
        return node_error(n, E0203, "the numbers of '%s' have element type %s", name,
                          elem_name[r->tensor->elem]);
    return MLC_OK;
}

static Status need_count(const Node *n, const char *name, int64_t count, int64_t want)
{
    if (count != want)
        return node_error(n, E0203, "attribute '%s' has %lld entries, must have %lld", name,
                          (long long)count, (long long)want);
    return MLC_OK;
}

/* ---- what both forms share ---- */

/* Depth-first, by a stack of our own: the height of a node is known when both children have one. */
typedef struct Heights {
    int64_t *height, *stack;
    uint8_t *seen; /* children looked at, and whether it is on the stack or done */
} Heights;

enum { ON_STACK = 4, DONE = 8 };

static Status measure_from(const Node *n, const Trees *tr, Heights *h, int64_t root)
{
    int64_t top = 0;
    h->stack[top++] = root;
    h->seen[root] = ON_STACK;
    while (top) {
        int64_t v = h->stack[top - 1], below = 0;
        int k = h->seen[v] & 3;
        if (k == 2) {
            h->seen[v] = DONE;
            top--;
            continue;
        }
        int64_t c = tr->node[v].child[k];
        if (c < tr->inner && !(h->seen[c] & DONE)) {
            if (h->seen[c] & ON_STACK)
                return node_error(n, E0203, "the nodes form a cycle: a path comes back to entry %lld",
                                  (long long)tr->node[c].entry);
            h->stack[top++] = c;
            h->seen[c] = ON_STACK;
            continue;
        }
        below = c < tr->inner ? h->height[c] : 0;
        h->height[v] = MAX(h->height[v], below + 1);
        h->seen[v]++;
    }
    return MLC_OK;
}

static Status measure(Arena *a, const Node *n, Trees *tr)
{
    Heights h = {NEW_ARRAY(a, int64_t, tr->inner), NEW_ARRAY(a, int64_t, tr->inner),
                 NEW_ARRAY(a, uint8_t, tr->inner)};
    int64_t steps = 0;
    tr->depth = NEW_ARRAY(a, int64_t, tr->trees);
    for (int64_t i = 0; i < tr->trees; i++) {
        int64_t root = tr->root[i];
        if (root < tr->inner && !h.seen[root])
            TRY(measure_from(n, tr, &h, root));
        tr->depth[i] = root < tr->inner ? h.height[root] : 0;
        steps += tr->depth[i]; /* at most 2^31 of at most 2^31 */
        if (steps > MAX_STEPS)
            return node_error(n, E0205, "a row takes more than %lld comparisons",
                              (long long)MAX_STEPS);
    }
    return MLC_OK;
}

/* By leaf, stable. */
static void sort_weights(Arena *a, Trees *tr)
{
    int64_t *at = NEW_ARRAY(a, int64_t, tr->leaves + 1);
    TreeWeight *sorted = NEW_ARRAY(a, TreeWeight, tr->nweights);
    for (int64_t i = 0; i < tr->nweights; i++)
        at[tr->weight[i].leaf + 1]++;
    for (int64_t i = 0; i < tr->leaves; i++)
        at[i + 1] += at[i];
    for (int64_t i = 0; i < tr->nweights; i++)
        sorted[at[tr->weight[i].leaf]++] = tr->weight[i];
    tr->weight = sorted;
}

static Status need_target(const Node *n, const Trees *tr, int64_t target)
{
    if (target < 0 || target >= tr->targets)
        return node_error(n, E0203, "a weight is for target %lld of %lld", (long long)target,
                          (long long)tr->targets);
    return MLC_OK;
}

static Status need_feature(const Node *n, int64_t feature)
{
    return node_need_size(n, "nodes_featureids", feature, 0);
}

/* BRANCH_LEQ, LT, GTE, GT, EQ, NEQ in the numbering of TreeEnsemble. */
enum { MODE_LEQ, MODE_LT, MODE_GTE, MODE_GT, MODE_EQ, MODE_NEQ, MODE_MEMBER, MODE_LEAF, MODE_COUNT };

/* x >= v is not x < v, and so on: then NaN, for which every comparison but != is false, must be told
 * where to go. */
static void set_mode(TreeNode *v, int mode, bool missing)
{
    static const uint8_t kind[] = {TREE_LE, TREE_LT, TREE_LT, TREE_LE, TREE_EQ, TREE_EQ};
    bool exchanged = mode == MODE_GTE || mode == MODE_GT || mode == MODE_NEQ;
    bool nan_holds = missing || mode == MODE_NEQ;
    v->how = kind[mode] | (nan_holds != exchanged ? TREE_NAN : 0);
    if (exchanged) {
        int64_t yes = v->child[0];
        v->child[0] = v->child[1];
        v->child[1] = yes;
    }
}

int64_t trees_features(const Trees *tr)
{
    int64_t most = 0;
    for (int64_t i = 0; i < tr->inner; i++)
        most = MAX(most, tr->node[i].feature + 1);
    return most;
}

/* ---- TreeEnsembleRegressor, TreeEnsembleClassifier ---- */

typedef struct Key {
    int64_t tree, id, entry;
} Key;

static int compare_keys(const void *a, const void *b)
{
    const Key *x = a, *y = b;
    if (x->tree != y->tree)
        return x->tree < y->tree ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

typedef struct ReadLists {
    const Node      *n;
    const TreeLists *l;
    Trees           *out;
    int64_t          count;
    Key             *key;    /* sorted */
    int64_t         *number; /* of each entry: inner nodes, then leaves */
    uint8_t         *mode;
} ReadLists;

static Status check_lists(const ReadLists *r)
{
    const TreeLists *l = r->l;
    TRY(need_count(r->n, "nodes_nodeids", l->ids->n, r->count));
    TRY(need_count(r->n, "nodes_featureids", l->features->n, r->count));
    TRY(need_count(r->n, "nodes_modes", l->modes->n, r->count));
    TRY(need_count(r->n, "nodes_truenodeids", l->yes->n, r->count));
    TRY(need_count(r->n, "nodes_falsenodeids", l->no->n, r->count));
    TRY(reals_check(r->n, "nodes_values", &l->values));
    TRY(need_count(r->n, "nodes_values", reals_count(&l->values), r->count));
    if (l->missing->n > 0)
        TRY(need_count(r->n, "nodes_missing_value_tracks_true", l->missing->n, r->count));
    return r->count ? MLC_OK : node_error(r->n, E0203, "there are no nodes");
}

static Status read_modes(ReadLists *r)
{
    static const char *const name[MODE_COUNT] = {
        "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "", "LEAF",
    };
    Trees *tr = r->out;
    for (int64_t i = 0; i < r->count; i++) {
        const char *s = r->l->modes->at[i];
        int m = 0;
        while (m < MODE_COUNT && (m == MODE_MEMBER || !str_eq(s, name[m])))
            m++;
        if (m == MODE_COUNT)
            return node_error(r->n, E0203, "entry %lld of 'nodes_modes' is '%s'", (long long)i, s);
        r->mode[i] = (uint8_t)m;
        tr->inner += m != MODE_LEAF;
    }
    int64_t inner = 0;
    for (int64_t i = 0; i < r->count; i++)
        r->number[i] = r->mode[i] == MODE_LEAF ? tr->inner + tr->leaves++ : inner++;
    return MLC_OK;
}

/* The entry of a node, or -1. */
static int64_t find_node(const ReadLists *r, int64_t tree, int64_t id)
{
    for (int64_t low = 0, high = r->count; low < high;) {
        int64_t middle = low + (high - low) / 2;
        const Key *k = &r->key[middle];
        if (k->tree == tree && k->id == id)
            return k->entry;
        if (k->tree < tree || (k->tree == tree && k->id < id))
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* Trees in ascending order of their ids; the root is the first node of its tree in the file. */
static Status read_keys(ReadLists *r, Arena *a)
{
    Trees *tr = r->out;
    for (int64_t i = 0; i < r->count; i++)
        r->key[i] = (Key){r->l->trees->at[i], r->l->ids->at[i], i};
    qsort(r->key, (size_t)r->count, sizeof *r->key, compare_keys);
    for (int64_t i = 0; i < r->count; i++) {
        bool first = i == 0 || r->key[i].tree != r->key[i - 1].tree;
        if (!first && r->key[i].id == r->key[i - 1].id)
            return node_error(r->n, E0203, "tree %lld has two nodes %lld", (long long)r->key[i].tree,
                              (long long)r->key[i].id);
        tr->trees += first;
    }
    tr->root = NEW_ARRAY(a, int64_t, tr->trees);
    int64_t tree = -1, root = 0;
    for (int64_t i = 0; i < r->count; i++) {
        if (i == 0 || r->key[i].tree != r->key[i - 1].tree)
            root = r->key[i].entry, tree++;
        root = MIN(root, r->key[i].entry);
        tr->root[tree] = r->number[root];
    }
    return MLC_OK;
}

static Status read_child(const ReadLists *r, int64_t i, int64_t id, int64_t *child)
{
    int64_t tree = r->l->trees->at[i], entry = find_node(r, tree, id);
    if (entry < 0)
        return node_error(r->n, E0203, "node %lld of tree %lld goes to node %lld, which is not there",
                          (long long)r->l->ids->at[i], (long long)tree, (long long)id);
    *child = r->number[entry];
    return MLC_OK;
}

static Status read_inner(ReadLists *r, Arena *a)
{
    const TreeLists *l = r->l;
    r->out->node = NEW_ARRAY(a, TreeNode, r->out->inner);
    for (int64_t i = 0; i < r->count; i++) {
        if (r->mode[i] == MODE_LEAF)
            continue;
        TreeNode *v = &r->out->node[r->number[i]];
        *v = (TreeNode){.feature = l->features->at[i], .value = reals_at(&l->values, i), .entry = i};
        TRY(need_feature(r->n, v->feature));
        TRY(read_child(r, i, l->yes->at[i], &v->child[0]));
        TRY(read_child(r, i, l->no->at[i], &v->child[1]));
        set_mode(v, r->mode[i], l->missing->n > 0 && l->missing->at[i] != 0);
    }
    return MLC_OK;
}

/* Weights of inner nodes mean nothing. */
static Status read_weights(ReadLists *r, Arena *a)
{
    const TreeLists *l = r->l;
    Trees *tr = r->out;
    int64_t count = l->weight_trees->n;
    TRY(reals_check(r->n, "weights", &l->weights));
    if (l->weight_ids->n != count || l->weight_targets->n != count || reals_count(&l->weights) != count)
        return node_error(r->n, E0203, "%lld weights for %d trees, %d nodes and %d targets",
                          (long long)reals_count(&l->weights), l->weight_trees->n, l->weight_ids->n,
                          l->weight_targets->n);
    tr->weight = NEW_ARRAY(a, TreeWeight, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t entry = find_node(r, l->weight_trees->at[i], l->weight_ids->at[i]);
        if (entry < 0)
            return node_error(r->n, E0203, "a weight is for node %lld of tree %lld, which is not there",
                              (long long)l->weight_ids->at[i], (long long)l->weight_trees->at[i]);
        TRY(need_target(r->n, tr, l->weight_targets->at[i]));
        if (r->mode[entry] == MODE_LEAF)
            tr->weight[tr->nweights++] = (TreeWeight){r->number[entry] - tr->inner,
                                                      l->weight_targets->at[i],
                                                      reals_at(&l->weights, i)};
    }
    return MLC_OK;
}

Status trees_from_lists(Arena *a, const Node *n, const TreeLists *l, Trees *out)
{
    ReadLists r = {.n = n, .l = l, .out = out, .count = l->trees->n};
    *out = (Trees){.targets = l->targets, .value_elem = reals_elem(&l->values),
                   .weight_elem = reals_elem(&l->weights)};
    TRY(check_lists(&r));
    r.key = NEW_ARRAY(a, Key, r.count);
    r.number = NEW_ARRAY(a, int64_t, r.count);
    r.mode = NEW_ARRAY(a, uint8_t, r.count);
    TRY(read_modes(&r));
    TRY(read_keys(&r, a));
    TRY(read_inner(&r, a));
    TRY(read_weights(&r, a));
    sort_weights(a, out);
    return measure(a, n, out);
}

/* ---- TreeEnsemble ---- */

typedef struct ReadArrays {
    const Node       *n;
    const TreeArrays *l;
    Trees            *out;
    int64_t           count, used; /* nodes that the attributes have; made so far */
    int64_t           member;      /* of the next set */
} ReadArrays;

static Status check_arrays(const ReadArrays *r)
{
    const TreeArrays *l = r->l;
    const Node *n = r->n;
    TRY(need_count(n, "nodes_modes", tensor_count(l->modes), r->count));
    TRY(need_count(n, "nodes_splits", tensor_count(l->splits), r->count));
    TRY(need_count(n, "nodes_truenodeids", l->yes->n, r->count));
    TRY(need_count(n, "nodes_falsenodeids", l->no->n, r->count));
    TRY(need_count(n, "nodes_trueleafs", l->yes_is_leaf->n, r->count));
    TRY(need_count(n, "nodes_falseleafs", l->no_is_leaf->n, r->count));
    TRY(need_count(n, "leaf_weights", tensor_count(l->leaf_weights), l->leaf_targets->n));
    if (l->missing->n > 0)
        TRY(need_count(n, "nodes_missing_value_tracks_true", l->missing->n, r->count));
    if (!elem_is_int(l->modes->elem))
        return node_error(n, E0203, "the modes have element type %s", elem_name[l->modes->elem]);
    const Tensor *reals[] = {l->splits, l->leaf_weights, l->members};
    for (int i = 0; i < 3; i++)
        if (reals[i] && !elem_is_float(reals[i]->elem))
            return node_error(n, E0203, "numbers of trees have element type %s",
                              elem_name[reals[i]->elem]);
    return r->count && l->roots->n ? MLC_OK : node_error(n, E0203, "there are no nodes or no roots");
}

static Status read_branch(const ReadArrays *r, int64_t i, const Ints *to, const Ints *is_leaf,
                          int64_t *child)
{
    int64_t at = to->at[i], count = is_leaf->at[i] ? r->out->leaves : r->count;
    if (at < 0 || at >= count)
        return node_error(r->n, E0203, "entry %lld goes to %s %lld of %lld", (long long)i,
                          is_leaf->at[i] ? "leaf" : "node", (long long)at, (long long)count);
    *child = is_leaf->at[i] ? r->out->inner + at : at;
    return MLC_OK;
}

/* Is x among the members? A chain of comparisons; the first one is the node itself. Of an empty set
 * there is one with NaN, which nothing equals. */
static Status read_members(ReadArrays *r, TreeNode v)
{
    const Tensor *m = r->l->members;
    int64_t count = m ? tensor_count(m) : 0, at = v.entry, first = r->member;
    v.value = NAN;
    for (;; r->member++) {
        if (r->member >= count)
            return node_error(r->n, E0203, "'membership_values' has no end for entry %lld",
                              (long long)v.entry);
        double value = tensor_get_f64(m, r->member);
        if (isnan(value))
            break;
        if (r->member > first) {
            r->out->node[at] = v;
            r->out->node[at].child[1] = r->used;
            at = r->used++;
        }
        v.value = value;
    }
    r->member++;
    r->out->node[at] = v;
    return MLC_OK;
}

static Status read_array_nodes(ReadArrays *r)
{
    const TreeArrays *l = r->l;
    for (int64_t i = 0; i < r->count; i++) {
        int64_t mode = tensor_get_i64(l->modes, i);
        TreeNode v = {.feature = l->features->at[i], .value = tensor_get_f64(l->splits, i), .entry = i};
        if (mode < 0 || mode > MODE_MEMBER)
            return node_error(r->n, E0203, "entry %lld of 'nodes_modes' is %lld", (long long)i,
                              (long long)mode);
        TRY(need_feature(r->n, v.feature));
        TRY(read_branch(r, i, l->yes, l->yes_is_leaf, &v.child[0]));
        TRY(read_branch(r, i, l->no, l->no_is_leaf, &v.child[1]));
        set_mode(&v, mode == MODE_MEMBER ? MODE_EQ : (int)mode, l->missing->n > 0 && l->missing->at[i]);
        if (mode == MODE_MEMBER)
            TRY(read_members(r, v));
        else
            r->out->node[i] = v;
    }
    r->out->inner = r->used;
    return MLC_OK;
}

/* A tree of one leaf is a node with that leaf on both sides, whose comparison means nothing. */
static Status read_roots(const ReadArrays *r, Arena *a)
{
    Trees *tr = r->out;
    tr->trees = r->l->roots->n;
    tr->root = NEW_ARRAY(a, int64_t, tr->trees);
    for (int64_t i = 0; i < tr->trees; i++) {
        int64_t at = r->l->roots->at[i];
        if (at < 0 || at >= r->count)
            return node_error(r->n, E0203, "tree %lld begins at node %lld of %lld", (long long)i,
                              (long long)at, (long long)r->count);
        const TreeNode *v = &tr->node[at];
        bool is_leaf = v->child[0] >= tr->inner && v->child[0] == v->child[1];
        tr->root[i] = is_leaf ? v->child[0] : at;
    }
    return MLC_OK;
}

static Status read_leaves(const ReadArrays *r, Arena *a)
{
    Trees *tr = r->out;
    tr->nweights = tr->leaves;
    tr->weight = NEW_ARRAY(a, TreeWeight, tr->leaves);
    for (int64_t i = 0; i < tr->leaves; i++) {
        tr->weight[i] = (TreeWeight){i, r->l->leaf_targets->at[i],
                                     tensor_get_f64(r->l->leaf_weights, i)};
        TRY(need_target(r->n, tr, tr->weight[i].target));
    }
    return MLC_OK;
}

Status trees_from_arrays(Arena *a, const Node *n, const TreeArrays *l, Trees *out)
{
    ReadArrays r = {.n = n, .l = l, .out = out, .count = l->features->n};
    if (!l->modes || !l->splits || !l->leaf_weights)
        return node_error(n, E0203, "an attribute of the nodes or leaves is not given");
    bool wide = l->splits->elem == ELEM_F64;
    *out = (Trees){.targets = l->targets, .leaves = l->leaf_targets->n,
                   .value_elem = wide ? ELEM_F64 : ELEM_F32, .weight_elem = wide ? ELEM_F64 : ELEM_F32};
    TRY(check_arrays(&r));
    /* Nodes that members need stand behind those of the attributes: at most one for each member. */
    int64_t most = r.count + (l->members ? tensor_count(l->members) : 0);
    out->node = NEW_ARRAY(a, TreeNode, most);
    out->inner = most; /* until it is known, leaves begin here */
    r.used = r.count;
    TRY(read_array_nodes(&r));
    for (int64_t i = 0; i < out->inner; i++)
        for (int k = 0; k < 2; k++)
            if (out->node[i].child[k] >= most)
                out->node[i].child[k] += out->inner - most;
    TRY(read_roots(&r, a));
    TRY(read_leaves(&r, a));
    return measure(a, n, out);
}
