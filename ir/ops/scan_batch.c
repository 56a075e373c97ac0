/* Scan of version 8: (sequence_lens, states, sequences), all with a batch at axis 0.
 *
 *     for each b: states[b], y[b] = Scan9(states[b], x[b][0 .. sequence_lens[b]))
 *
 * The outer Scan has no states; its body holds the inner one. Where lengths are given, sequences are
 * cut to them before it, and what it stacks is filled up with zeros to the longest. */
#include "ir/ops/scan.h"

#include "ir/base/str.h"
#include "ir/graph/text.h"

typedef struct Batch {
    RawNode *raw;
    Graph   *body, *outer;
    size_t   formal;  /* states and sequences */
    size_t   scans, captures;
    Value   *length;  /* of this sequence, or NULL */
} Batch;

static Status read_form(RawNode *raw, Batch *b)
{
    RawAttr *body = raw_attr(raw, "body"), *scans = raw_attr(raw, "num_scan_inputs");
    if (!body || body->kind != ATTR_graph || !scans || scans->kind != ATTR_int)
        return MLC_OK; /* left in place, where the attribute table will refuse it */
    size_t captures = (size_t)body->graph->captures;
    if (raw->in.len < 1 + captures || scans->i < 1 ||
        (uint64_t)scans->i > raw->in.len - 1 - captures)
        return diag_error(raw->graph->ctx, E0202, raw_loc(raw), MLC_INPUT,
                          "%lld of %zu inputs are scanned", (long long)scans->i,
                          raw->in.len - captures);
    *b = (Batch){.raw = raw, .body = body->graph, .captures = captures, .scans = (size_t)scans->i,
                 .formal = raw->in.len - 1 - captures};
    return MLC_OK;
}

/* Inputs: one sample of each state and sequence, its length, and what the inner body captures. */
static void open_outer(Batch *b)
{
    Graph *g = b->raw->graph;
    b->outer = graph_new(g->ctx, g->file, g);
    b->outer->name = b->body->name;
    b->outer->opset = b->body->opset;
    b->body->parent = b->outer;
    for (size_t i = 0; i < b->formal; i++)
        graph_input(b->outer, arena_printf(g->arena, "sample%zu", i), (Type){0});
    if (b->raw->in.at[0])
        b->length = graph_input(b->outer, "length", (Type){0});
    for (size_t i = 0; i < b->captures; i++)
        graph_input(b->outer, arena_printf(g->arena, "captured%zu", i), (Type){0});
    b->outer->captures = (int)b->captures;
}

/* Replaces in[] of the sequences by their first elements. %rest is what is missing behind them, as
 * pads of dimension 0. */
static Status cut_sequences(Batch *b, Value **in)
{
    Arena *arena = b->outer->arena;
    size_t first = b->formal - b->scans;
    Str s = str_new(arena);
    str_add(&s, "const %zero : i64[1] = {0} %whole = Shape(%");
    text_quote(&s, in[first]->name);
    str_add(&s, ") %most = Gather(%whole, %zero) %one_length = Unsqueeze(%length, %zero)"
                " %fewer = Sub(%most, %one_length) %rest = Concat(%zero, %fewer) {axis=0}");
    for (size_t i = first; i < b->formal; i++) {
        str_printf(&s, " %%short%zu = Slice(%%", i);
        text_quote(&s, in[i]->name);
        str_add(&s, ", %zero, %one_length, %zero)");
    }
    TRY(graph_parse_items(b->outer, str_text(&s)));
    Node *n = b->outer->last;
    for (size_t i = b->formal; i-- > first; n = n->prev)
        in[i] = n->out[0];
    return MLC_OK;
}

/* y with zeros up to the longest sequence. */
static Status fill_up(Batch *b, Value **y)
{
    Str s = str_new(b->outer->arena);
    str_printf(&s, "%%filled%u = Pad(%%", (*y)->id);
    text_quote(&s, (*y)->name);
    str_add(&s, ", %rest, _, %zero)");
    TRY(graph_parse_items(b->outer, str_text(&s)));
    *y = b->outer->last->out[0];
    return MLC_OK;
}

static Status fill_outer(Batch *b)
{
    Graph *outer = b->outer;
    size_t count = b->formal + b->captures, states = b->formal - b->scans;
    Value **in = NEW_ARRAY(outer->arena, Value *, count);
    for (size_t i = 0; i < count; i++)
        in[i] = outer->inputs.at[i + (b->length && i >= b->formal)];
    if (b->length)
        TRY(cut_sequences(b, in));
    const OpInfo *scan = op_find(NULL, "Scan");
    ScanAttrs *a = attrs_default(outer->arena, scan);
    const RawAttr *directions = raw_attr(b->raw, "directions");
    a->body = b->body;
    a->num_scan_inputs = (int64_t)b->scans;
    if (directions && directions->kind == ATTR_ints)
        a->scan_input_directions = (Ints){true, directions->ints.n, directions->ints.at};
    Node *n = graph_insert(outer, NULL, scan, "sequence", (int)count, in, b->raw->nout, a, NULL);
    for (int i = 0; i < n->nout; i++) {
        Value *y = n->out[i];
        if (b->length && (size_t)i >= states)
            TRY(fill_up(b, &y));
        graph_output(outer, y);
    }
    return MLC_OK;
}

Status scan_upgrade(RawNode *raw)
{
    Batch b = {0};
    if (raw->version >= 9)
        return MLC_OK;
    TRY(read_form(raw, &b));
    if (!b.raw || b.body->inputs.len != b.formal + b.captures)
        return MLC_OK;
    open_outer(&b);
    TRY(fill_outer(&b));
    Value *length = raw->in.at[0];
    memmove(raw->in.at, raw->in.at + 1, b.formal * sizeof *raw->in.at);
    raw->in.at[b.formal] = length;
    if (!length) {
        memmove(raw->in.at + b.formal, raw->in.at + b.formal + 1,
                b.captures * sizeof *raw->in.at);
        raw->in.len--;
    }
    raw_attr(raw, "body")->graph = b.outer;
    raw_set_int(raw, "num_scan_inputs", (int64_t)(b.formal + (b.length != NULL)));
    raw_drop(raw, "directions");
    return MLC_OK;
}
