/* The strings of a program (runtime/text.h): constants become references into one pool, results of the
 * model leave with their bytes.
 *
 * An output is an array of pointers with the bytes behind it, one piece of memory that the caller
 * releases: its size is that of the pointers and a symbol, which a call finds out. */
#include "codegen/lower/lowering.h"

#include "ir/base/str.h"

static bool is_text(const Value *v)
{
    return v && v->type.kind == TYPE_TENSOR && v->type.elem == ELEM_STRING;
}

bool graph_has_strings(const Graph *g)
{
    for (size_t i = 0; i < g->values.len; i++)
        if (is_text(g->values.at[i]))
            return true;
    for (const Node *n = g->first; n; n = n->next)
        for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
            if (d->kind == ATTR_graph && !attr_is_absent(d, n->attrs) &&
                graph_has_strings(*(Graph **)((char *)n->attrs + d->offset)))
                return true;
    return false;
}

static Tx bytes_buf(Lowering *l, const char *name, BufSpace space)
{
    Ex none = ex_int(l->pool, 0);
    Buf *b = lower_buf(l, name, ELEM_U8, space, 1, &none);
    buf_info(b)->pinned = buf_info(b)->row_major = true;
    return b;
}

/* The heap begins to live before everything, so that no loop takes it for its own. */
void lower_text_open(Lowering *l, Te *t)
{
    t->text = NEW(l->arena, TeText);
    t->text->pool = bytes_buf(l, "strings", SPACE_CONST);
    t->text->heap = bytes_buf(l, "heap", SPACE_TEMP);
    te_grow(t, t->text->heap, ex_int(l->pool, 0));
}

Buf *lower_text_output(Lowering *l, Te *t, const char *name, Buf *b)
{
    ExPool *p = l->pool;
    Ex one = ex_int(p, 1), bytes = te_symbol(t, "bytes", 0, INT64_MAX / 2);
    Buf *sum = te_temp(t, ELEM_I64, 1, &one);
    te_call(t, "text_bytes", 1, &sum, 3, (Tx[]){b, t->text->pool, t->text->heap}, 0, NULL);
    te_set_element(t, bytes, sum, ex_int(p, 0));
    Buf *out = lower_buf(l, name, ELEM_STRING, SPACE_OUTPUT, b->rank, b->dim);
    out->size = ex_add(p, out->size, ex_ceil_div(p, bytes, ex_int(p, 8)));
    te_call(t, "text_output", 1, &out, 3, (Tx[]){b, t->text->pool, t->text->heap}, 0, NULL);
    return out;
}

/* ---- the pool ---- */

typedef struct Pool {
    Arena *arena;
    Str    bytes;
    Map    offset; /* of each text, plus one */
} Pool;

static uint64_t pooled(Pool *p, const char *text)
{
    uintptr_t at = (uintptr_t)map_get(&p->offset, text);
    if (!at) {
        at = p->bytes.len + 1;
        map_set(&p->offset, text, (void *)at);
        str_addn(&p->bytes, text, strlen(text) + 1);
    }
    return at == 1 ? 0 : TE_TEXT_POOL + at - 1; /* the first one is "" */
}

static const Tensor *references(Pool *p, const Tensor *t)
{
    const char *const *text = t->data;
    Tensor *r = tensor_new(p->arena, ELEM_U64, t->rank, t->dim);
    if (t->splat) {
        r = tensor_over(p->arena, ELEM_U64, t->rank, t->dim, arena_alloc(p->arena, 8, 8));
        r->splat = true;
        r->size_bytes = 8;
    }
    for (int64_t i = 0; i < (t->splat ? 1 : tensor_count(t)); i++)
        elem_set_bits(ELEM_U64, (void *)(uintptr_t)r->data, (size_t)i, pooled(p, text[i]));
    return r;
}

/* Where nothing is made there is no heap: who reads it reads the pool. */
static void drop_heap(Lowering *l, const TeText *text)
{
    StageList *s = &l->stages;
    for (size_t i = 0; i < s->len; i++)
        for (size_t k = 0; k < s->at[i]->args.len; k++)
            if (s->at[i]->args.at[k] == text->heap && s->at[i]->kind == STAGE_CALL)
                s->at[i]->args.at[k] = text->pool;
    memmove(s->at, s->at + 1, --s->len * sizeof *s->at);
}

Status lower_text_close(Lowering *l, Te *t)
{
    enum { MOST_BYTES = 1u << 31 };
    Buf *to = t->text->pool;
    Pool p = {l->arena, str_new(l->arena), map_new(l->arena)};
    pooled(&p, "");
    for (size_t i = 0; i < l->bufs.len; i++)
        if (l->bufs.at[i]->data && l->bufs.at[i]->data->elem == ELEM_STRING)
            l->bufs.at[i]->data = references(&p, l->bufs.at[i]->data);
    if (p.bytes.len > MOST_BYTES)
        return diag_error(l->ctx, E0304, (Loc){.file = l->graph->file}, MLC_INPUT,
                          "%zu bytes of constant strings", p.bytes.len);
    int64_t dim = (int64_t)p.bytes.len;
    to->data = tensor_over(l->arena, ELEM_U8, 1, &dim, p.bytes.at);
    to->dim[0] = to->size = ex_int(l->pool, dim);
    if (!t->text->room)
        drop_heap(l, t->text);
    return MLC_OK;
}
