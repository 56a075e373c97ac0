/* Trials (trial.h): every value is kept before a trial infers it, and put back after. Symbols of the
 * run that were made for such values go with them. Trials do not nest, so that their number is that of
 * the nodes that ask for one. */
#include "ir/ops/trial.h"

#include "ir/base/vec.h"

typedef struct Kept {
    Value    *v;
    Type      type;
    const Ex *content, *symbols;
} Kept;

typedef struct KeptBody {
    Graph *body;
    bool   unreached;
} KeptBody;

typedef struct Trial {
    Arena *scratch;
    VEC(Kept) values;
    VEC(KeptBody) bodies;
    size_t defs; /* symbols defined before */
} Trial;

static void keep_value(Trial *t, Value *v)
{
    if (v)
        vec_push(t->scratch, &t->values, (Kept){v, v->type, v->content, v->symbols});
}

static void keep_body(Trial *t, Graph *body);

static void keep_node(Trial *t, const Node *n)
{
    for (int i = 0; i < n->nout; i++)
        keep_value(t, n->out[i]);
    for (const AttrDesc *d = n->op->attrs; d && d->name; d++) {
        Graph *body = d->kind == ATTR_graph ? *(Graph **)((char *)n->attrs + d->offset) : NULL;
        if (body)
            keep_body(t, body);
    }
}

static void keep_body(Trial *t, Graph *body)
{
    vec_push(t->scratch, &t->bodies, (KeptBody){body, body->unreached});
    for (size_t i = 0; i < body->inputs.len; i++)
        keep_value(t, body->inputs.at[i]);
    for (const Node *n = body->first; n; n = n->next)
        keep_node(t, n);
}

/* Those of values that have none again; and sizes, which were of such values. */
static void drop_symbols(const Trial *t, Graph *root)
{
    size_t len = t->defs;
    for (size_t i = t->defs; i < root->sym_defs.len; i++) {
        const SymDef *d = &root->sym_defs.at[i];
        if (d->v && d->v->symbols)
            root->sym_defs.at[len++] = *d;
    }
    root->sym_defs.len = len;
}

static void put_back(Trial *t, Graph *root)
{
    for (size_t i = t->values.len; i-- > 0;) {
        const Kept *k = &t->values.at[i];
        k->v->type = k->type;
        k->v->content = k->content;
        k->v->symbols = k->symbols;
    }
    for (size_t i = t->bodies.len; i-- > 0;)
        t->bodies.at[i].body->unreached = t->bodies.at[i].unreached;
    drop_symbols(t, root);
    arena_free(t->scratch);
}

bool trial_goes_on(Graph *g, const Node *n)
{
    Graph *root = graph_root(g);
    Trial t = {.scratch = arena_new(g->ctx), .defs = root->sym_defs.len};
    bool ok = true;
    root->trial = TRIAL_ON;
    for (Node *m = n->next; m && ok; m = m->next) {
        keep_node(&t, m);
        ok = graph_try_infer_node(g, m);
    }
    ok = ok || root->trial == TRIAL_ENDED;
    root->trial = TRIAL_NONE;
    put_back(&t, root);
    return ok;
}

bool trial_ends(Graph *g)
{
    Graph *root = graph_root(g);
    if (root->trial == TRIAL_NONE)
        return false;
    root->trial = TRIAL_ENDED;
    return true;
}
