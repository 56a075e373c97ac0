/* Einsum: a sum of products named by letters, "bij,bjk->bik". Each letter is an axis: of the output
 * where the output names it, else of the reduction; "..." stands for leading batch dimensions. */
#include "ir/ops/check.h"

#define EINSUM_ATTRS(A, S) A(S, str, equation, NULL, "ij,jk->ik: inputs and output by letters")
ATTRS(EinsumAttrs, EINSUM_ATTRS);

enum { MAX_TERMS = 8, ELLIPSIS = 64 }; /* labels: letters, and ELLIPSIS + k for the batch */

typedef struct Term {
    int rank;  /* labels, the batch's not counted; then all of them */
    int label[MAX_RANK];
    int ellipsis; /* place of "..." among the labels, or -1 */
} Term;

typedef struct Equation {
    int  nterms; /* inputs */
    Term term[MAX_TERMS], out;
    bool explicit_out;
} Equation;

/* One term up to ',', '-' or the end. */
static Status parse_term(const Node *n, const char **text, Term *term)
{
    const char *s = *text;
    *term = (Term){.ellipsis = -1};
    for (; *s && *s != ',' && *s != '-'; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
        if (*s == ' ')
            continue;
        if (s[0] == '.' && s[1] == '.' && s[2] == '.' && term->ellipsis < 0) {
            term->ellipsis = term->rank;
            s += 2;
        } else if (letter && term->rank < MAX_RANK) {
            term->label[term->rank++] = *s & 63;
        } else {
            return node_error(n, E0203, "attribute 'equation' has '%c' at an impossible place", *s);
        }
    }
    *text = s;
    return MLC_OK;
}

/* Writes the batch labels into the place of "...": `batch` of them, right aligned to `most`. */
static Status open_ellipsis(const Node *n, Term *term, int batch, int most)
{
    if (term->ellipsis < 0)
        batch = 0;
    if (batch < 0 || term->rank + batch > MAX_RANK)
        return node_error(n, E0302, "the equation has more letters than an input dimensions");
    int at = MAX(term->ellipsis, 0);
    memmove(&term->label[at + batch], &term->label[at], (size_t)(term->rank - at) * sizeof(int));
    for (int k = 0; k < batch; k++)
        term->label[at + k] = ELLIPSIS + most - batch + k;
    term->rank += batch;
    return MLC_OK;
}

/* Without "->": the batch, then the letters that occur once, in alphabetical order. */
static void implicit_output(Equation *e, int most)
{
    int seen[ELLIPSIS] = {0};
    for (int i = 0; i < e->nterms; i++)
        for (int k = 0; k < e->term[i].rank; k++)
            if (e->term[i].label[k] < ELLIPSIS)
                seen[e->term[i].label[k]]++;
    e->out = (Term){.ellipsis = most ? 0 : -1};
    for (int c = 0; c < ELLIPSIS && e->out.rank < MAX_RANK; c++)
        if (seen[c] == 1)
            e->out.label[e->out.rank++] = c;
}

static Status parse(const Node *n, Equation *e)
{
    const char *s = ((const EinsumAttrs *)n->attrs)->equation;
    *e = (Equation){0};
    do {
        if (e->nterms == MAX_TERMS)
            return node_error(n, E0205, "Einsum of more than %d inputs", MAX_TERMS);
        TRY(parse_term(n, &s, &e->term[e->nterms++]));
    } while (*s++ == ',');
    e->explicit_out = s[-1] == '-';
    if (e->explicit_out) {
        if (*s++ != '>')
            return node_error(n, E0203, "attribute 'equation' has '-' without '>'");
        TRY(parse_term(n, &s, &e->out));
        if (*s)
            return node_error(n, E0203, "attribute 'equation' goes on after the output");
    }
    if (e->nterms != n->nin)
        return node_error(n, E0203, "the equation has %d terms for %d inputs", e->nterms, n->nin);
    int most = 0;
    for (int i = 0; i < n->nin; i++) {
        int rank = n->in[i]->type.rank, batch = rank - e->term[i].rank;
        if (e->term[i].ellipsis < 0 ? batch != 0 : batch < 0)
            return node_error(n, E0302, "term %d of the equation has %d letters for rank %d", i,
                              e->term[i].rank, rank);
        most = MAX(most, batch);
    }
    for (int i = 0; i < n->nin; i++)
        TRY(open_ellipsis(n, &e->term[i], n->in[i]->type.rank - e->term[i].rank, most));
    if (!e->explicit_out)
        implicit_output(e, most);
    return open_ellipsis(n, &e->out, most, most);
}

/* The extent of a label by broadcasting over all terms; NULL: in none, or a contradiction. */
static Ex extent_of(Graph *g, const Node *n, const Equation *e, int label)
{
    Ex extent = NULL;
    for (int i = 0; i < e->nterms; i++)
        for (int k = 0; k < e->term[i].rank; k++) {
            Ex dim = n->in[i]->type.dim[k];
            if (e->term[i].label[k] != label)
                continue;
            extent = extent ? broadcast_dim(g, extent, dim) : dim;
            if (!extent)
                return NULL;
        }
    return extent;
}

static Status infer(Graph *g, Node *n)
{
    Equation e;
    for (int i = 0; i < n->nin; i++) {
        TRY(node_need_rank(n, i, 0, MAX_RANK));
        TRY(node_need_elem(n, i, IS_NUMBER));
        TRY(node_need_same_elem(n, 0, i));
    }
    TRY(parse(n, &e));
    for (int i = 0; i < e.nterms; i++)
        for (int k = 0; k < e.term[i].rank; k++)
            if (!extent_of(g, n, &e, e.term[i].label[k]))
                return node_error(n, E0301, "dimensions of one letter differ (input %d, dimension "
                                  "%d)", i, k);
    Type out = {.kind = TYPE_TENSOR, .elem = n->in[0]->type.elem, .rank = e.out.rank};
    for (int i = 0; i < out.rank; i++) {
        for (int k = 0; k < i; k++)
            if (e.out.label[k] == e.out.label[i])
                return node_error(n, E0203, "the output of the equation repeats a letter");
        out.dim[i] = extent_of(g, n, &e, e.out.label[i]);
        if (!out.dim[i])
            return node_error(n, E0203, "the output of the equation has a letter of no input");
    }
    node_set_type(n, 0, out);
    return MLC_OK;
}

static void define(Te *t, const Node *n)
{
    Equation e;
    Status st = parse(n, &e);
    assert(st == MLC_OK);
    (void)st;
    Ex axis[2 * ELLIPSIS] = {0}, product = NULL;
    te_stage(t, te_out(t, 0));
    for (int i = 0; i < e.out.rank; i++)
        axis[e.out.label[i]] = te_axis(t, i);
    for (int i = 0; i < e.nterms; i++) {
        Ex index[MAX_RANK];
        Tx x = te_in(t, i);
        for (int k = 0; k < e.term[i].rank; k++) {
            int label = e.term[i].label[k];
            if (!axis[label])
                axis[label] = te_red(t, extent_of(n->graph, n, &e, label));
            index[k] = te_bcast_index(t, x->dim[k], axis[label]);
        }
        Ex v = te_wide(t, te_load(t, x, index));
        product = product ? te_mul(t, product, v) : v;
    }
    te_yield(t, te_sum(t, product));
}

OP(einsum) = {
    .name = "Einsum", .since = {12, 28}, .min_in = 1, .max_in = VARIADIC, ATTRS_OF(EinsumAttrs),
    .infer = infer, .define = define, .doc = "a sum of products named by letters",
};
