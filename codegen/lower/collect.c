/* Collect: every node of the graph says its stages; values become buffers. */
#include "codegen/lower/lowering.h"

Buf *lower_buf(Lowering *l, const char *name, Elem e, BufSpace space, int rank, const Ex *dim)
{
    Buf *b = buf_new(l->arena, l->pool, (int)l->bufs.len, name, e, space, rank, dim);
    BufInfo *info = NEW(l->arena, BufInfo);
    info->buf = b;
    b->user = info;
    vec_push(l->arena, &l->bufs, b);
    return b;
}

static Graph *body_of(const Node *n, const AttrDesc *d)
{
    return d->kind == ATTR_graph ? *(Graph **)((char *)n->attrs + d->offset) : NULL;
}

static Status check_types(const Graph *g)
{
    for (Node *n = g->first; n; n = n->next) {
        for (int i = 0; i < n->nout; i++) {
            const Value *v = n->out[i];
            if (v && (v->type.kind != TYPE_TENSOR || v->type.rank < 0))
                return node_error(n, E0303, "the shape of output '%s' is not known", v->name);
        }
        for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
            if (body_of(n, d) && !body_of(n, d)->unreached)
                TRY(check_types(body_of(n, d)));
    }
    return MLC_OK;
}

/* No expression computes complex numbers. */
static bool has_elem(Elem e)
{
    return elem_is_float(e) || elem_is_int(e) || e == ELEM_BOOL || e == ELEM_STRING;
}

static Status check_elem(const Lowering *l, const Node *n, const Value *v)
{
    if (!v || v->type.kind != TYPE_TENSOR || has_elem(v->type.elem))
        return MLC_OK;
    return node_error(n, E0204, "value '%s' has element type %s, which target %s does not have",
                      v->name, elem_name[v->type.elem], l->target->name);
}

/* Every operator without stages is reported at once, and every type without arithmetic. */
static Status check_definitions(const Lowering *l, const Graph *g)
{
    Status s = MLC_OK;
    for (Node *n = g->first; n; n = n->next) {
        for (const AttrDesc *d = n->op->attrs; d && d->name; d++)
            if (body_of(n, d) && !body_of(n, d)->unreached &&
                check_definitions(l, body_of(n, d)) != MLC_OK)
                s = MLC_INPUT;
        for (int i = 0; i < n->nout; i++)
            if (check_elem(l, n, n->out[i]) != MLC_OK)
                s = MLC_INPUT;
        if (!n->op->define) {
            s = node_error(n, E0201, "operator '%s' has no kernel for target %s", n->op->name,
                           l->target->name);
            diag_help(l->ctx, "see 'mlc list ops'");
        }
    }
    return s;
}

/* A graph output is computed in place where a node defines it alone; a copy stage serves outputs
 * that are inputs, constants, or listed twice. */
static void make_outputs(Lowering *l, Te *te)
{
    Program *p = l->program;
    for (size_t i = 0; i < l->graph->outputs.len; i++) {
        Value *v = l->graph->outputs.at[i];
        Buf *b = lower_value_buf(l, v);
        if (v->type.elem == ELEM_STRING) {
            b = lower_text_output(l, te, arena_printf(l->arena, "out%zu", i), b);
        } else if (b->space != SPACE_TEMP) {
            Buf *out = lower_buf(l, arena_printf(l->arena, "out%zu", i), b->elem, SPACE_OUTPUT,
                                 b->rank, b->dim);
            te_stage(te, out);
            te_yield(te, te_load(te, b, te->stage->axis));
            b = out;
        }
        b->space = SPACE_OUTPUT;
        buf_info(b)->row_major = true;
        ProgramIo io = {.name = v->name, .elem = v->type.elem, .rank = b->rank};
        memcpy(io.dim, b->dim, sizeof io.dim);
        io.obj = (MemObj *)b; /* replaced by the object when the program is written */
        vec_push(l->arena, &p->outputs, io);
    }
}

/* A constant that holds one element, or one many times, is a number. */
static Ex literal(void *arg, ExPool *p, Ex built, Ex original)
{
    (void)original;
    (void)arg;
    if (built->op != EX_LOAD || built->buf->space != SPACE_CONST || !built->buf->data)
        return NULL;
    const Tensor *t = built->buf->data;
    if ((!t->splat && tensor_count(t) != 1) || !elem_is_native(t->elem))
        return NULL;
    if (elem_is_float(t->elem))
        return ex_const_f(p, t->elem, tensor_get_f64(t, 0));
    return ex_const_i(p, t->elem, tensor_get_i64(t, 0));
}

/* A buffer that a definition made becomes one of ours. */
static void adopt_buf(Lowering *l, Buf *b)
{
    if (b->user)
        return;
    BufInfo *info = NEW(l->arena, BufInfo);
    info->buf = b;
    b->user = info;
    b->id = (int)l->bufs.len;
    vec_push(l->arena, &l->bufs, b);
}

static void bind_value(void *arg, const Value *v, Buf *b)
{
    lower_scope(arg, v->graph)->buf_of[v->id] = b;
}

static void adopt_load(void *arg, Ex load) { adopt_buf(arg, (Buf *)load->buf); }

Status lower_collect(Lowering *l)
{
    Graph *g = l->graph;
    TRY(check_types(g));
    TRY(check_definitions(l, g));
    if (l->target->kind == TARGET_C && graph_has_strings(g))
        return diag_error(l->ctx, E0204, (Loc){.file = g->file}, MLC_INPUT,
                          "the model has tensors of strings, for which target %s has no memory",
                          l->target->name);
    for (size_t i = 0; i < g->inputs.len; i++) {
        Value *v = g->inputs.at[i];
        if (v->type.kind != TYPE_TENSOR || v->type.rank < 0)
            return diag_error(l->ctx, E0303, (Loc){.file = g->file}, MLC_INPUT,
                              "the rank of input '%s' is not known", v->name);
        if (!has_elem(v->type.elem))
            return diag_error(l->ctx, E0204, (Loc){.file = g->file}, MLC_INPUT,
                              "input '%s' has element type %s, which target %s does not have",
                              v->name, elem_name[v->type.elem], l->target->name);
        Buf *b = lower_value_buf(l, v);
        b->space = SPACE_INPUT;
        buf_info(b)->row_major = true;
        ProgramIo io = {.name = v->name, .elem = v->type.elem, .rank = b->rank};
        memcpy(io.dim, b->dim, sizeof io.dim);
        io.obj = (MemObj *)b;
        vec_push(l->arena, &l->program->inputs, io);
    }
    Te te = {.pool = l->pool, .arena = l->arena, .stages = &l->stages,
             .buf_of = lower_value_buf, .buf_arg = l, .bind = bind_value, .graph = collect_graph};
    if (graph_has_strings(g))
        lower_text_open(l, &te);
    collect_graph(l, &te, g);
    make_outputs(l, &te);
    for (size_t i = 0; i < l->stages.len; i++)
        stage_rewrite(l->pool, l->stages.at[i], literal, NULL);
    for (size_t i = 0; i < l->stages.len; i++) { /* temporaries and tables that definitions made */
        Stage *st = l->stages.at[i];
        for (size_t k = 0; k < st->stores.len; k++)
            adopt_buf(l, st->stores.at[k].buf);
        stage_each_load(l->pool, st, adopt_load, l);
        for (size_t k = 0; k < st->args.len; k++) {
            adopt_buf(l, st->args.at[k]);
            buf_info(st->args.at[k])->pinned = buf_info(st->args.at[k])->row_major = true;
        }
    }
    return te.text ? lower_text_close(l, &te) : MLC_OK;
}
