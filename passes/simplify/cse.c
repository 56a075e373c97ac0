/* Common subexpressions: two nodes of one operator with equal attributes and the same inputs give
 * the same results, so one is enough; equal constants become one first, so that their users can
 * meet. Random operators are never merged.
 *
 * One walk in topological order is complete: by the time a node is looked at, its inputs already
 * are the representatives of their classes. Candidates are found by hash and compared in order of
 * appearance, so the outcome never depends on hashing. */
#include "passes/rewrite.h"

/* Candidates of one hash that are compared at most: a bound for adversarial input. */
enum { MAX_CHAIN = 16 };

typedef struct Class {
    Node         *node;
    Value        *constant;
    struct Class *next; /* same key */
} Class;

typedef struct Classes {
    Arena *arena;
    Map    map; /* key -> newest Class; a chain */
} Classes;

static const char *hex_key(Arena *a, char kind, uint64_t hash)
{
    return arena_printf(a, "%c%016llx", kind, (unsigned long long)hash);
}

static void add_class(Classes *cs, const char *key, Class c)
{
    Class *made = NEW(cs->arena, Class);
    *made = c;
    Class *first = map_get(&cs->map, key), *at = first;
    int len = 1;
    for (; at && at->next; at = at->next)
        len++;
    if (!at)
        map_set(&cs->map, key, made);
    else if (len < MAX_CHAIN)
        at->next = made;
}

/* ---- constants ---- */

static void merge_constant(Graph *g, Classes *cs, Node *n, int index)
{
    Value *v = n->in[index];
    const char *key = hex_key(cs->arena, 'c', tensor_hash(v->data));
    for (Class *c = map_get(&cs->map, key); c; c = c->next) {
        if (c->constant == v)
            return;
        if (tensor_equal(c->constant->data, v->data)) {
            if (pass_step(g))
                graph_set_input(n, index, c->constant);
            return;
        }
    }
    add_class(cs, key, (Class){.constant = v});
}

/* A class or NULL for every constant seen, by value id: a weight is hashed once. */
typedef struct Seen {
    bool  *at;
    size_t len;
} Seen;

static void merge_constants(Graph *g, Classes *cs, Node *n, Seen *seen)
{
    for (int i = 0; i < n->nin; i++) {
        const Value *v = n->in[i];
        if (!v || !v->data || v->id >= seen->len || seen->at[v->id])
            continue;
        merge_constant(g, cs, n, i);
        if (n->in[i] == v)
            seen->at[v->id] = true;
    }
}

/* ---- nodes ---- */

static bool same_computation(const Node *a, const Node *b)
{
    if (a->op != b->op || a->nin != b->nin || a->nout != b->nout)
        return false;
    for (int i = 0; i < a->nin; i++) {
        if (a->in[i] != b->in[i])
            return false;
    }
    for (int i = 0; i < a->nout; i++) {
        if (!a->out[i] != !b->out[i])
            return false;
        if (a->out[i] && !type_equal(&a->out[i]->type, &b->out[i]->type))
            return false;
    }
    return attrs_equal(a->op, a->attrs, b->attrs);
}

static const char *node_key(Arena *a, const Node *n)
{
    uint64_t h = hash_bytes(n->op->name, strlen(n->op->name), attrs_hash(n->op, n->attrs));
    for (int i = 0; i < n->nin; i++) {
        uint32_t id = n->in[i] ? n->in[i]->id : UINT32_MAX;
        h = hash_bytes(&id, sizeof id, h);
    }
    return hex_key(a, 'n', h);
}

static void merge_node(Graph *g, Classes *cs, Node *n)
{
    const char *key = node_key(cs->arena, n);
    for (const Class *c = map_get(&cs->map, key); c; c = c->next) {
        if (!same_computation(c->node, n))
            continue;
        bool useful = false;
        for (int i = 0; i < n->nout; i++)
            useful |= n->out[i] && can_replace(g, n->out[i], c->node->out[i]);
        if (!useful || !pass_step(g))
            return;
        bool dead = true;
        for (int i = 0; i < n->nout; i++) {
            if (n->out[i])
                dead &= graph_replace(g, n->out[i], c->node->out[i]);
        }
        graph_merge_origin(c->node, n);
        if (dead)
            graph_erase(g, n);
        return;
    }
    add_class(cs, key, (Class){.node = n});
}

Status pass_cse(Graph *g)
{
    Arena *scratch = arena_new(g->ctx);
    Classes cs = {.arena = scratch, .map = map_new(scratch)};
    Seen seen = {.at = NEW_ARRAY(scratch, bool, g->values.len), .len = g->values.len};
    for (Node *n = g->first, *next; n; n = next) {
        next = n->next;
        merge_constants(g, &cs, n, &seen);
        if (!(n->op->traits & OP_RANDOM))
            merge_node(g, &cs, n);
    }
    arena_free(scratch);
    return MLC_OK;
}
