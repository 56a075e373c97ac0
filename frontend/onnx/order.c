/* Topological order: a depth-first walk from each node in file order to what it needs, with an
 * explicit stack. Files that are in order, as they should be, keep their order. */
#include "frontend/onnx/reader.h"

typedef struct Needs {
    Reader *r;
    Arena *arena;         /* of this walk: bodies are looked at again at each level around them */
    Map producer;         /* value name -> index of its node + 1 */
    VEC(uint32_t) needed; /* producers, node after node */
    uint32_t *first;      /* first[i] .. first[i + 1]: those of node i */
} Needs;

/* Names that a body defines hide those outside. */
typedef struct Hidden {
    Map names;
    const struct Hidden *outer;
} Hidden;

const char *node_label(const Onnx__NodeProto *n)
{
    if (n->name && *n->name)
        return n->name;
    for (size_t i = 0; i < n->n_output; i++)
        if (*n->output[i])
            return n->output[i];
    return "";
}

static void need(Needs *k, const char *name, const Hidden *hidden)
{
    for (; hidden; hidden = hidden->outer)
        if (map_has(&hidden->names, name))
            return;
    uintptr_t at = (uintptr_t)map_get(&k->producer, name);
    if (at)
        vec_push(k->arena, &k->needed, (uint32_t)(at - 1));
}

static void need_graph(Needs *k, const Onnx__GraphProto *g, const Hidden *outer);

static void need_node(Needs *k, const Onnx__NodeProto *n, const Hidden *hidden)
{
    for (size_t i = 0; i < n->n_input; i++)
        need(k, n->input[i], hidden);
    for (size_t i = 0; i < n->n_attribute; i++) {
        const Onnx__AttributeProto *a = n->attribute[i];
        if (a->g)
            need_graph(k, a->g, hidden);
        for (size_t j = 0; j < a->n_graphs; j++)
            need_graph(k, a->graphs[j], hidden);
    }
}

/* Recurses as deep as bodies nest, which wire.c limits. */
static void need_graph(Needs *k, const Onnx__GraphProto *g, const Hidden *outer)
{
    Hidden h = {map_new(k->arena), outer};
    for (size_t i = 0; i < g->n_initializer; i++)
        map_set(&h.names, g->initializer[i]->name ? g->initializer[i]->name : "", &h);
    for (size_t i = 0; i < g->n_input; i++)
        map_set(&h.names, g->input[i]->name ? g->input[i]->name : "", &h);
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t j = 0; j < g->node[i]->n_output; j++)
            map_set(&h.names, g->node[i]->output[j], &h);
    for (size_t i = 0; i < g->n_node; i++)
        need_node(k, g->node[i], &h);
    for (size_t i = 0; i < g->n_output; i++)
        need(k, g->output[i]->name ? g->output[i]->name : "", &h);
}

static Status find_producers(Needs *k, Onnx__NodeProto *const *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < nodes[i]->n_output; j++) {
            const char *name = nodes[i]->output[j];
            if (!*name)
                continue;
            uintptr_t at = (uintptr_t)map_set(&k->producer, name, (void *)(uintptr_t)(i + 1));
            if (at)
                return well_formed_error(k->r, node_label(nodes[i]), nodes[i]->op_type,
                                         "value '%s' is already defined by node '%s'", name,
                                         node_label(nodes[at - 1]));
        }
    return MLC_OK;
}

typedef struct Step {
    uint32_t node, next; /* next: position in `needed` */
} Step;

static Status cycle_error(Needs *k, Onnx__NodeProto *const *nodes, const Step *stack, size_t depth)
{
    enum { SHOWN = 5 };
    uint32_t back = k->needed.at[stack[depth - 1].next - 1];
    size_t at = depth - 1;
    while (stack[at].node != back)
        at--;
    Str s = str_new(k->r->scratch);
    for (size_t i = depth; i-- > at;) {
        if (depth - i > SHOWN) {
            str_printf(&s, "... (%zu nodes)", depth - at);
            break;
        }
        str_printf(&s, "'%s' <- ", node_label(nodes[stack[i].node]));
    }
    return well_formed_error(k->r, node_label(nodes[back]), nodes[back]->op_type,
                             "nodes need each other in a cycle: %s'%s'", str_text(&s),
                             node_label(nodes[stack[depth - 1].node]));
}

static Status walk(Needs *k, Onnx__NodeProto *const *nodes, size_t n, uint32_t *order)
{
    enum { NEW_NODE, OPEN, DONE };
    Arena *a = k->arena;
    uint8_t *state = NEW_ARRAY(a, uint8_t, n);
    Step *stack = NEW_ARRAY(a, Step, n + 1);
    size_t done = 0;
    for (uint32_t root = 0; root < n; root++) {
        size_t depth = 0;
        if (state[root] == NEW_NODE) {
            state[root] = OPEN;
            stack[depth++] = (Step){root, k->first[root]};
        }
        while (depth) {
            Step *top = &stack[depth - 1];
            if (top->next == k->first[top->node + 1]) {
                state[top->node] = DONE;
                order[done++] = top->node;
                depth--;
                continue;
            }
            uint32_t to = k->needed.at[top->next++];
            if (state[to] == OPEN)
                return cycle_error(k, nodes, stack, depth);
            if (state[to] == NEW_NODE) {
                state[to] = OPEN;
                stack[depth++] = (Step){to, k->first[to]};
            }
        }
    }
    return MLC_OK;
}

static Status find_needs(Needs *k, Onnx__NodeProto *const *nodes, size_t n)
{
    TRY(find_producers(k, nodes, n));
    k->first = NEW_ARRAY(k->arena, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        need_node(k, nodes[i], NULL);
        k->first[i + 1] = (uint32_t)k->needed.len;
    }
    return MLC_OK;
}

Status order_nodes(Reader *r, Onnx__NodeProto *const *nodes, size_t n, const uint32_t **order)
{
    uint32_t *result = NEW_ARRAY(r->scratch, uint32_t, n);
    Arena *a = arena_new(r->ctx);
    Needs k = {.r = r, .arena = a, .producer = map_new(a)};
    Status s = find_needs(&k, nodes, n);
    if (s == MLC_OK)
        s = walk(&k, nodes, n, result);
    arena_free(a);
    *order = result;
    return s;
}
