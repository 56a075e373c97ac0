/* Nodes that change nothing disappear, and chains of two become one. Every rule is exact: the same
 * bits for every input, signed zeros and NaN included.
 *
 *     x + 0 is not exact (-0 + 0 is +0), x - 0 is; so x + (-0) and x - (+0) go, the others stay.
 *     x * 1, x / 1 go; x * 0 stays (NaN, infinity, -0).
 *     Reshape of a reshape, Transpose of a Transpose, Cast of a lossless Cast, Relu of Relu.
 *
 * A rule returns the value that n's first output equals, or NULL; a rule that makes a node of its
 * own returns through step_swap(). */
#include "passes/rewrite.h"

#include <math.h>

/* ---- nodes that are their input ---- */

static Value *same_type_input(const Node *n)
{
    return n->in[0] && type_equal(&n->in[0]->type, &n->out[0]->type) ? n->in[0] : NULL;
}

/* Reshape, Flatten, Squeeze, Unsqueeze, Cast, Expand, Tile: equal types say it all. */
static Value *is_same(Graph *g, Node *n)
{
    (void)g;
    return is_ranked(n->out[0]) ? same_type_input(n) : NULL;
}

static Value *is_same_transpose(Graph *g, Node *n)
{
    (void)g;
    Ints perm = node_attr_ints(n, "perm");
    int rank = is_ranked(n->in[0]) ? n->in[0]->type.rank : -1;
    if (rank < 0 || (perm.set ? perm.n != rank : rank > 1))
        return NULL;
    for (int i = 0; i < perm.n; i++) {
        if (perm.at[i] != i)
            return NULL;
    }
    return n->in[0];
}

static Value *is_same_pad(Graph *g, Node *n)
{
    int64_t pads[2 * MAX_RANK];
    int count;
    if (n->nin < 2 || !value_ints(g, n->in[1], COUNT_OF(pads), pads, &count))
        return NULL;
    for (int i = 0; i < count; i++) {
        if (pads[i] != 0)
            return NULL;
    }
    return same_type_input(n);
}

/* With positive steps, as many elements as there are means all of them in order. */
static Value *is_same_slice(Graph *g, Node *n)
{
    int64_t steps[MAX_RANK];
    int count = 0;
    if (n->nin > 4 && n->in[4] && !value_ints(g, n->in[4], MAX_RANK, steps, &count))
        return NULL;
    for (int i = 0; i < count; i++) {
        if (steps[i] < 1)
            return NULL;
    }
    return same_type_input(n);
}

static Value *is_same_concat(Graph *g, Node *n)
{
    (void)g;
    return n->nin == 1 ? n->in[0] : NULL;
}

/* ---- arithmetic with neutral elements ---- */

/* The operand beside a constant that is exactly `neutral` everywhere. Sign included. */
static Value *beside(const Node *n, int constant, double neutral)
{
    double c;
    Value *x = n->in[!constant];
    if (!value_uniform(n->in[constant], &c) || c != neutral || !signbit(c) != !signbit(neutral))
        return NULL;
    return type_equal(&x->type, &n->out[0]->type) ? x : NULL;
}

static Value *either_beside(const Node *n, double neutral)
{
    Value *x = beside(n, 1, neutral);
    return x ? x : beside(n, 0, neutral);
}

static Value *is_mul_1(Graph *g, Node *n)
{
    (void)g;
    return either_beside(n, 1);
}

static Value *is_div_1(Graph *g, Node *n)
{
    (void)g;
    return beside(n, 1, 1);
}

static Value *is_add_0(Graph *g, Node *n)
{
    (void)g;
    return either_beside(n, elem_is_float(n->out[0]->type.elem) ? -0.0 : 0.0);
}

static Value *is_sub_0(Graph *g, Node *n)
{
    (void)g;
    return beside(n, 1, 0);
}

/* ---- chains ---- */

static Value *is_repeated(Graph *g, Node *n)
{
    (void)g;
    const Node *inner = n->in[0]->def;
    return inner && inner->op == n->op ? n->in[0] : NULL;
}

static bool is_view(const Node *n)
{
    return node_is(n, "Reshape") || node_is(n, "Flatten") || node_is(n, "Squeeze") ||
           node_is(n, "Unsqueeze");
}

/* The constant shape of a Reshape with this result: its constants, and -1 for the only unknown. */
static bool reshape_shape(const Type *t, int64_t *shape)
{
    bool inferred = false;
    for (int i = 0; i < t->rank; i++) {
        if (ex_is_int(t->dim[i], &shape[i]) && shape[i] != 0)
            continue;
        if (inferred || ex_is_int(t->dim[i], NULL))
            return false;
        inferred = true;
        shape[i] = -1;
    }
    return true;
}

/* view(view(x)) = Reshape(x) */
static Value *merge_views(Graph *g, Node *n)
{
    const Node *inner = n->in[0]->def;
    const Type *t = &n->out[0]->type;
    int64_t shape[MAX_RANK];
    if (!inner || !is_view(inner) || !is_ranked(n->out[0]))
        return NULL;
    if (type_equal(&inner->in[0]->type, t))
        return inner->in[0];
    if (!reshape_shape(t, shape))
        return NULL;
    Value *target = graph_const_ints(g, arena_printf(g->arena, "%s.shape", n->out[0]->name),
                                     t->rank, shape);
    step_swap(g, n, insert_inferred(g, n, "Reshape", 2, (Value *[]){inner->in[0], target}, NULL));
    return NULL;
}

static int64_t perm_at(const Node *n, int rank, int i)
{
    Ints perm = node_attr_ints(n, "perm");
    return perm.set ? perm.at[i] : rank - 1 - i;
}

/* Transpose(Transpose(x, p), q) = Transpose(x, p[q]) */
static Value *merge_transposes(Graph *g, Node *n)
{
    const Node *inner = n->in[0]->def;
    if (!inner || inner->op != n->op || !is_ranked(inner->in[0]))
        return NULL;
    int rank = inner->in[0]->type.rank;
    int64_t *perm = NEW_ARRAY(g->arena, int64_t, rank);
    bool same = true;
    for (int i = 0; i < rank; i++) {
        perm[i] = perm_at(inner, rank, (int)perm_at(n, rank, i));
        same &= perm[i] == i;
    }
    if (same)
        return inner->in[0];
    void *attrs = node_attrs_copy(n);
    Ints *field = attr_field(n->op, attrs, "perm");
    *field = (Ints){.set = true, .n = rank, .at = perm};
    step_swap(g, n, insert_inferred(g, n, n->op->name, 1, inner->in, attrs));
    return NULL;
}

/* Bits of integers that a type holds exactly, sign aside. */
static int integer_bits(Elem e)
{
    switch (e) {
    case ELEM_F64:
        return 53;
    case ELEM_F32:
        return 24;
    case ELEM_F16:
        return 11;
    case ELEM_BF16:
        return 8;
    case ELEM_BOOL:
        return 1;
    default:
        return elem_is_int(e) ? elem_bits[e] - elem_is_signed(e) : 0;
    }
}

static bool is_bool_or_int(Elem e)
{
    return e == ELEM_BOOL || elem_is_int(e);
}

/* Does b hold every value of a? */
static bool is_lossless(Elem a, Elem b)
{
    if (a == b)
        return true;
    if (elem_is_float(a))
        return b == ELEM_F64 ? is_f32_or_f64(a) || a == ELEM_F16 || a == ELEM_BF16
                             : b == ELEM_F32 && (a == ELEM_F16 || a == ELEM_BF16);
    if (!is_bool_or_int(a) || b == ELEM_BOOL)
        return false;
    if (elem_is_signed(a) && elem_is_unsigned(b))
        return false;
    /* The least negative number is a power of two, which every float type holds. */
    return integer_bits(a) <= integer_bits(b);
}

/* Cast(Cast(x, a -> b), b -> c) = Cast(x, a -> c) when a -> b loses nothing. Integer to float to
 * integer stays: what does not fit wraps in one way and not in the other. */
static Value *merge_casts(Graph *g, Node *n)
{
    const Node *inner = n->in[0]->def;
    if (!inner || inner->op != n->op)
        return NULL;
    Elem a = inner->in[0]->type.elem, b = n->in[0]->type.elem, c = n->out[0]->type.elem;
    bool detour = elem_is_int(a) && elem_is_float(b) && elem_is_int(c) && a != c;
    if (!is_lossless(a, b) || detour)
        return NULL;
    if (a == c)
        return inner->in[0];
    step_swap(g, n, insert_inferred(g, n, n->op->name, 1, inner->in, n->attrs));
    return NULL;
}

/* Dropout without training, or with a ratio of 0. */
static Value *is_inference(Graph *g, Node *n)
{
    double ratio, training;
    (void)g;
    if (n->nin > 1 && n->in[1] && value_scalar(n->in[1], &ratio) && ratio == 0)
        return n->in[0];
    if (n->nin > 2 && n->in[2] && !(value_scalar(n->in[2], &training) && training == 0))
        return NULL;
    return n->in[0];
}

/* Rules are tried in order, until one says what the node is or has replaced it. */
static const struct {
    const char *op;
    Value    *(*rule)(Graph *g, Node *n);
} rules[] = {
    {"Reshape", is_same},     {"Flatten", is_same},     {"Squeeze", is_same},
    {"Unsqueeze", is_same},   {"Cast", is_same},        {"Expand", is_same},
    {"Tile", is_same},        {"Transpose", is_same_transpose},
    {"Pad", is_same_pad},     {"Slice", is_same_slice}, {"Concat", is_same_concat},
    {"Mul", is_mul_1},        {"Div", is_div_1},        {"Add", is_add_0},
    {"Sub", is_sub_0},        {"Relu", is_repeated},    {"Abs", is_repeated},
    {"Ceil", is_repeated},    {"Floor", is_repeated},   {"Round", is_repeated},
    {"Reshape", merge_views}, {"Flatten", merge_views}, {"Squeeze", merge_views},
    {"Unsqueeze", merge_views}, {"Transpose", merge_transposes}, {"Cast", merge_casts},
    {"Dropout", is_inference},
};

static void simplify(Graph *g, Node *n)
{
    if ((n->op->traits & OP_IDENTITY) && same_type_input(n)) {
        step_replace(g, n, n->out[0], n->in[0]);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(rules) && n->graph; i++) {
        Value *same = node_is(n, rules[i].op) ? rules[i].rule(g, n) : NULL;
        if (same && step_replace(g, n, n->out[0], same))
            return;
    }
}

Status pass_identity(Graph *g)
{
    for (Node *n = g->first, *next; n; n = next) {
        next = n->next;
        if (n->nin > 0 && n->in[0] && only_first_output(g, n))
            simplify(g, n);
    }
    return MLC_OK;
}
