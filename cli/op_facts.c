/* What an operator takes, found out by trying: graphs of one node, until one is compiled (the
 * witness); then the witness with every other element type, and for every target.
 *
 * The search draws inputs at random, then draws again the one that the diagnostic names.
 *
 * Nothing is stated twice this way: the answer is what `infer`, the passes and the lowering do.
 * Element types are those of the inputs that vary most: of x and y of Where, of the data of Gather.
 * The search is seeded by the operator's name, so that the answer is the same every time. */
#include "cli/op_facts.h"

#include "codegen/lower/lower.h"
#include "codegen/target/target.h"
#include "ir/base/str.h"
#include "passes/pass.h"

#include <stdio.h>

enum { MAX_PROBED = 12, STARTS = 400, FEWER_STARTS = 100, STEPS = 200, MEMORY_LIMIT = 1 << 26 };

typedef struct ProbeInput {
    bool    given, constant;
    Elem    elem;
    int     rank;
    int64_t dim[MAX_RANK];
    int64_t value; /* of every element, where constant */
} ProbeInput;

typedef struct Probe {
    const OpInfo     *op;
    int               nin;
    ProbeInput        in[MAX_PROBED];
    int64_t           number; /* what attributes are made of */
    unsigned          given;  /* bit i: attribute i is given though its default is none or 0 */
    enum { BRANCH, ROUND, STEP } body; /* the form of a body, see make_body() */
    const TargetDesc *target; /* NULL: only inference */
    bool              calls;  /* set: the program calls the runtime */
} Probe;

/* ---- one graph ---- */

static Value *input_value(Graph *g, const ProbeInput *p, int i)
{
    if (!p->given)
        return NULL;
    const char *name = arena_printf(g->arena, "x%d", i);
    if (!p->constant)
        return graph_input(g, name, type_tensor_const(g->pool, p->elem, p->rank, p->dim));
    Tensor *t = tensor_new(g->arena, p->elem, p->rank, p->dim);
    for (size_t k = 0; k < (size_t)tensor_count(t); k++)
        elem_set_i64(p->elem, (void *)t->data, k, p->value + elem_is_float(p->elem));
    return graph_const(g, name, t);
}

/* A branch gives a constant; a round gives what it took, but for its first input; a step takes and
 * gives slices along the first dimension. */
static Graph *make_body(Graph *g, const Probe *p)
{
    Graph *body = graph_new(g->ctx, "probe", g);
    if (p->body == BRANCH) {
        graph_output(body, graph_const_f32(body, "branch", 1));
        return body;
    }
    for (int i = 0; i < p->nin; i++) {
        const ProbeInput *x = &p->in[i];
        int cut = p->body == STEP && x->rank > 0;
        Type t = type_tensor_const(g->pool, x->elem, x->rank - cut, x->dim + cut);
        graph_input(body, arena_printf(g->arena, "b%d", i), t);
    }
    for (int i = p->body == ROUND; i < p->nin; i++)
        graph_output(body, body->inputs.at[i]);
    return body;
}

/* Where words are the values, the documentation begins with one of them. */
static void set_attr(Graph *g, const AttrDesc *d, void *attrs, const Probe *p)
{
    Arena *a = g->arena;
    void *at = (char *)attrs + d->offset;
    if (d->kind == ATTR_int) {
        *(attr_int *)at = p->number;
    } else if (d->kind == ATTR_float) {
        *(attr_float *)at = 1;
    } else if (d->kind == ATTR_str) {
        *(attr_str *)at = arena_strndup(a, d->doc, strcspn(d->doc, " :"));
    } else if (d->kind == ATTR_graph) {
        *(attr_graph *)at = make_body(g, p);
    } else if (d->kind == ATTR_ints) {
        int n = MAX(1, p->in[0].rank - 2);
        int64_t *v = NEW_ARRAY(a, int64_t, n);
        for (int i = 0; i < n; i++)
            v[i] = 1;
        *(Ints *)at = (Ints){true, n, v};
    }
}

static Status compile(Graph *g, Probe *p)
{
    PipelineOptions passes = {.level = 1};
    Program *program;
    TRY(pipeline_run(g, &passes, NULL));
    TRY(lower_graph(g, p->target, NULL, &program));
    for (size_t i = 0; i < program->steps.len; i++)
        p->calls |= program->steps.at[i].kind == STEP_CALL;
    return MLC_OK;
}

/* Everything that the graph takes is freed with its context. */
typedef struct Attempt {
    Ctx   *ctx;
    Probe *probe;
} Attempt;

static Status attempt(void *arg)
{
    Attempt *at = arg;
    Probe *p = at->probe;
    Graph *g = graph_new(at->ctx, "probe", NULL);
    Value *in[MAX_PROBED];
    for (int i = 0; i < p->nin; i++)
        in[i] = input_value(g, &p->in[i], i);
    void *attrs = attrs_default(g->arena, p->op);
    for (const AttrDesc *d = p->op->attrs; d && d->name; d++)
        if (!d->dflt || (d->kind <= ATTR_float && (!*d->dflt || str_eq(d->dflt, "0")) &&
                         p->given >> (d - p->op->attrs) & 1))
            set_attr(g, d, attrs, p);
    int nout = MAX(1, p->op->min_out);
    Node *n = graph_insert(g, NULL, p->op, "y", p->nin, in, nout, attrs, NULL);
    TRY(graph_infer_node(g, n));
    for (int i = 0; i < nout; i++)
        graph_output(g, n->out[i]);
    return p->target ? compile(g, p) : MLC_OK;
}

/* What the first error says about inputs. */
typedef struct Fault {
    int  input;    /* -1: none is named */
    int  rank;     /* that it must have; -1: not said */
    bool constant; /* it must be */
} Fault;

static Fault fault_of(const Diag *d)
{
    Fault f = {-1, -1, false};
    const char *input = d ? strstr(d->message, "input ") : NULL;
    const char *rank = d ? strstr(d->message, "must have rank ") : NULL;
    if (input)
        sscanf(input, "input %d", &f.input);
    if (rank)
        sscanf(rank, "must have rank %d", &f.rank);
    f.constant = d && strstr(d->message, "not constant");
    return f;
}

/* Is the probe accepted? Otherwise *fault, which may be NULL, says why not. */
static bool holds(Probe *p, Fault *fault)
{
    Ctx c;
    ctx_init(&c);
    c.memory_limit = MEMORY_LIMIT;
    bool ok = ctx_protect(&c, attempt, &(Attempt){&c, p}) == MLC_OK;
    if (fault)
        *fault = fault_of(c.diags.first);
    ctx_free(&c);
    return ok;
}

/* ---- the search ---- */

typedef struct Random {
    uint64_t state;
} Random;

static uint64_t below(Random *r, uint64_t n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (r->state >> 33) % n;
}

static void draw_dims(Random *r, ProbeInput *x, bool ones)
{
    static const int64_t dims[] = {1, 1, 1, 2, 3, 4};
    for (int d = 0; d < x->rank; d++)
        x->dim[d] = ones ? 1 : dims[below(r, COUNT_OF(dims))];
}

static void draw_input(Random *r, Probe *p, int i, bool ones)
{
    static const Elem first[] = {ELEM_F32, ELEM_F32, ELEM_F32, ELEM_I64, ELEM_U8, ELEM_I8, ELEM_BOOL,
                                 ELEM_I32, ELEM_STRING};
    static const Elem other[] = {ELEM_F32, ELEM_F32, ELEM_I64, ELEM_I64, ELEM_U8, ELEM_I8,
                                 ELEM_BOOL, ELEM_I32};
    ProbeInput *x = &p->in[i];
    *x = (ProbeInput){.given = true};
    x->elem = i == 0 ? first[below(r, COUNT_OF(first))]
              : below(r, 2) ? p->in[below(r, (uint64_t)i)].elem : other[below(r, COUNT_OF(other))];
    x->rank = i && below(r, 2) ? p->in[0].rank : (int)below(r, 5);
    draw_dims(r, x, ones);
    x->constant = i > 0 ? x->elem != ELEM_STRING && below(r, 3) == 0
                        : elem_is_int(x->elem) && !(p->op->traits & OP_CONTROL) && below(r, 3) == 0;
    x->value = (int64_t)below(r, 3);
}

static void draw_probe(Random *r, Probe *p, const OpInfo *op, bool ones)
{
    *p = (Probe){.op = op, .number = 1 + (int64_t)(below(r, 3) == 0), .body = below(r, 3)};
    p->given = below(r, 2) ? (unsigned)below(r, 1u << 31) : 0;
    int extra = op->max_in == VARIADIC ? 2 : op->max_in - op->min_in;
    p->nin = op->min_in + (int)(below(r, 2) * below(r, (uint64_t)MIN(extra, 3) + 1));
    p->nin = MIN(p->nin, MAX_PROBED);
    for (int i = 0; i < p->nin; i++)
        draw_input(r, p, i, ones);
}

static void mend(Random *r, Probe *p, const Fault *f, bool ones)
{
    if (f->input < 0 || f->input >= p->nin || below(r, 16) == 0) {
        int i = (int)below(r, (uint64_t)p->nin);
        below(r, 32) ? draw_dims(r, &p->in[i], ones) : draw_input(r, p, i, ones);
        return;
    }
    ProbeInput *x = &p->in[f->input];
    draw_input(r, p, f->input, ones);
    if (f->rank >= 0 && f->rank <= MAX_RANK) {
        x->rank = f->rank;
        draw_dims(r, x, ones);
    }
    x->constant |= f->constant && x->elem != ELEM_STRING;
}

static bool find_witness(const OpInfo *op, const TargetDesc *target, int starts, Probe *p)
{
    Random r = {.state = 1};
    for (const char *s = op->name; *s; s++)
        r.state = r.state * 31 + (unsigned char)*s;
    for (int start = 0; start < starts; start++) {
        bool ones = below(&r, 3) == 0;
        draw_probe(&r, p, op, ones);
        for (int step = 0; step < STEPS; step++) {
            Fault fault;
            if (holds(p, &fault)) {
                p->target = target;
                if (holds(p, NULL))
                    return true;
                break;
            }
            if (p->nin == 0)
                break;
            mend(&r, p, &fault, ones);
        }
    }
    return false;
}

/* ---- what varies ---- */

/* The types that the inputs of `group` may all have. */
static uint64_t types_of(const Probe *witness, unsigned group)
{
    uint64_t found = 0;
    for (Elem e = 1; e < ELEM_COUNT; e++) {
        Probe p = *witness;
        bool possible = true;
        for (int i = 0; i < p.nin; i++)
            if (group >> i & 1) {
                possible &= !p.in[i].constant || (e != ELEM_STRING && elem_bits[e] <= 64);
                p.in[i].elem = e;
            }
        if (possible && holds(&p, NULL))
            found |= (uint64_t)1 << e;
    }
    return found;
}

/* Of the groups of inputs that may change their type together: those of the one with the most types,
 * where a further input in the group is worth two, and the first input, the data as a rule, twelve.
 * Of many inputs, each alone and all that are alike. */
static uint64_t most_types(const Probe *witness)
{
    uint64_t most = 0;
    int best = 0, n = witness->nin;
    for (unsigned group = 1; group < 1u << n; group++) {
        unsigned same = 0, size = (unsigned)__builtin_popcount(group);
        for (int i = 0; i < n; i++)
            same |= (unsigned)(witness->in[i].elem == witness->in[__builtin_ctz(group)].elem) << i;
        if (n > 5 && size > 1 && group != same)
            continue;
        uint64_t types = types_of(witness, group);
        int score = __builtin_popcountll(types) + 2 * (int)size + 12 * (int)(group & 1);
        if (types && score > best) {
            best = score;
            most = types;
        }
    }
    return most;
}

static const TargetDesc *target_of(TargetKind kind)
{
    for (size_t i = 0; i < target_count; i++)
        if (target_table[i]->desc.kind == kind)
            return &target_table[i]->desc;
    return NULL;
}

OpFacts op_facts(const OpInfo *op)
{
    OpFacts f = {.kind = "expression"};
    for (size_t k = 0; k < COUNT_OF(op->since); k++)
        if (op->since[k] == SINCE_REPLACED)
            return (OpFacts){.kind = "replaced"};
    const TargetDesc *machine = target_of(TARGET_OBJECT), *source = target_of(TARGET_C);
    Probe p;
    /* A witness that C takes is one with sizes that are known before the run. */
    if (find_witness(op, source, FEWER_STARTS, &p) || find_witness(op, machine, STARTS, &p)) {
        f.elems = most_types(&p);
        for (size_t i = 0; i < target_count; i++) {
            p.target = &target_table[i]->desc;
            if (holds(&p, NULL))
                f.targets |= (uint64_t)1 << i;
        }
    }
    if (!op->define)
        f.kind = "composite";
    else if (p.calls)
        f.kind = "runtime";
    for (const AttrDesc *d = op->attrs; d && d->name; d++)
        if (d->kind == ATTR_graph)
            f.kind = "control";
    return f;
}
