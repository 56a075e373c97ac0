/* Writing the serialized form of a program; serial.h describes it. */
#include "ir/program/serial.h"

#include "ir/base/ctx.h"
#include "ir/base/str.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Pointers already numbered: open addressing over addresses, which decide no order. */
typedef struct Numbers {
    Arena *arena;
    const void **key;
    uint32_t *number;
    size_t len, cap;
} Numbers;

typedef struct Writer {
    Program *p;
    Arena *arena;
    Str *out;
    Status status;
    Numbers exprs, bufs, tensors;
    VEC(Ex) expr; /* by number, once sorted */
    VEC(const Buf *) buf;
    VEC(const Tensor *) tensor;
    int fd[256], nfd;
} Writer;

/* ---- numbering ---- */

static size_t slot_of(const Numbers *n, const void *p)
{
    size_t s = ((size_t)(uintptr_t)p >> 3) * 0x9e3779b97f4a7c15u >> 20 & (n->cap - 1);
    while (n->key[s] && n->key[s] != p)
        s = (s + 1) & (n->cap - 1);
    return s;
}

static bool find(const Numbers *n, const void *p, uint32_t *number)
{
    if (!n->cap)
        return false;
    size_t s = slot_of(n, p);
    *number = n->number[s];
    return n->key[s] != NULL;
}

static void put(Numbers *n, const void *p, uint32_t number)
{
    if (n->len * 2 >= n->cap) {
        Numbers old = *n;
        n->cap = old.cap ? old.cap * 2 : 1024;
        n->key = NEW_ARRAY(n->arena, const void *, n->cap);
        n->number = NEW_ARRAY(n->arena, uint32_t, n->cap);
        n->len = 0;
        for (size_t i = 0; i < old.cap; i++)
            if (old.key[i])
                put(n, old.key[i], old.number[i]);
    }
    size_t s = slot_of(n, p);
    n->len += n->key[s] == NULL;
    n->key[s] = p;
    n->number[s] = number;
}

/* ---- collecting what is reachable ---- */

static void fail(Writer *w, const char *what)
{
    if (w->status == MLC_OK)
        w->status = diag_error(w->p->ctx, E0901, (Loc){0}, MLC_BUG,
                               "program '%s' cannot be handed on: %s", w->p->name, what);
}

static void take_tensor(Writer *w, const Tensor *t)
{
    uint32_t n;
    if (!t || find(&w->tensors, t, &n))
        return;
    put(&w->tensors, t, (uint32_t)w->tensor.len);
    vec_push(w->arena, &w->tensor, t);
    if (t->elem == ELEM_STRING)
        fail(w, "a constant holds strings");
}

static void take_buf(Writer *w, const Buf *b);

/* Depth of the expression, with all below it noted. */
static int take_expr(Writer *w, Ex e)
{
    uint32_t depth;
    if (find(&w->exprs, e, &depth))
        return (int)depth;
    int below = e->op == EX_VAR ? take_expr(w, ex_var_extent(w->p->pool, e)) : 0;
    for (int i = 0; i < e->narg; i++)
        below = MAX(below, take_expr(w, e->arg[i]));
    if (below >= SERIAL_DEPTH)
        fail(w, "an expression is nested too deeply");
    put(&w->exprs, e, (uint32_t)below + 1);
    vec_push(w->arena, &w->expr, e);
    if (e->op == EX_LOAD)
        take_buf(w, e->buf);
    return below + 1;
}

static void take_buf(Writer *w, const Buf *b)
{
    uint32_t n;
    if (find(&w->bufs, b, &n))
        return;
    put(&w->bufs, b, (uint32_t)w->buf.len);
    vec_push(w->arena, &w->buf, b);
    for (int k = 0; k < b->rank; k++) {
        take_expr(w, b->dim[k]);
        take_expr(w, b->stride[k]);
    }
    take_expr(w, b->offset);
    take_expr(w, b->size);
    take_tensor(w, b->data);
}

static void take_stmts(Writer *w, const Stmt *s, int depth)
{
    if (s && depth > SERIAL_STMT_DEPTH) {
        fail(w, "statements are nested too deeply");
        return;
    }
    for (; s; s = s->next) {
        switch (s->kind) {
        case STMT_LOOP:
            take_expr(w, s->loop.var);
            take_stmts(w, s->loop.body, depth + 1);
            break;
        case STMT_STORE:
            take_buf(w, s->store.buf);
            take_expr(w, s->store.index);
            take_expr(w, s->store.value);
            if (s->store.guard)
                take_expr(w, s->store.guard);
            break;
        case STMT_IF:
            take_expr(w, s->cond.cond);
            take_stmts(w, s->cond.then, depth + 1);
            take_stmts(w, s->cond.otherwise, depth + 1);
            break;
        case STMT_CHECK:
            take_expr(w, s->check.cond);
            break;
        }
    }
}

static void take_io(Writer *w, const ProgramIo *io)
{
    for (int k = 0; k < io->rank; k++)
        take_expr(w, io->dim[k]);
}

static void take_step(Writer *w, const Step *st)
{
    if (st->value)
        take_expr(w, st->value);
    for (size_t i = 0; i < st->shapes.len; i++)
        for (int k = 0; k < st->shapes.at[i].rank; k++)
            take_expr(w, st->shapes.at[i].dim[k]);
    for (size_t i = 0; i < st->params.len; i++)
        take_expr(w, st->params.at[i]);
}

static void take_program(Writer *w)
{
    const Program *p = w->p;
    for (size_t i = 0; i < p->mem.len; i++) {
        take_expr(w, p->mem.at[i]->size_bytes);
        take_tensor(w, p->mem.at[i]->data);
    }
    for (size_t i = 0; i < p->inputs.len; i++)
        take_io(w, &p->inputs.at[i]);
    for (size_t i = 0; i < p->outputs.len; i++)
        take_io(w, &p->outputs.at[i]);
    for (size_t i = 0; i < p->kernels.len; i++) {
        const Kernel *k = p->kernels.at[i];
        for (size_t b = 0; b < k->params.len; b++)
            take_buf(w, k->params.at[b]);
        for (size_t b = 0; b < k->regs.len; b++)
            take_buf(w, k->regs.at[b]);
        if (k->macs)
            take_expr(w, k->macs);
        take_stmts(w, k->body, 0);
    }
    for (size_t i = 0; i < p->steps.len; i++)
        take_step(w, &p->steps.at[i]);
}

static int by_id(const void *a, const void *b)
{
    Ex x = *(const Ex *)a, y = *(const Ex *)b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Numbers by order of creation, so that arguments come before their users. */
static void sort_exprs(Writer *w)
{
    if (w->expr.len)
        qsort(w->expr.at, w->expr.len, sizeof *w->expr.at, by_id);
    for (size_t i = 0; i < w->expr.len; i++)
        put(&w->exprs, w->expr.at[i], (uint32_t)i);
}

/* ---- writing ---- */

static void w_u(Writer *w, uint64_t v)
{
    for (; v >= 128; v >>= 7)
        str_addc(w->out, (char)(v | 128));
    str_addc(w->out, (char)v);
}

static void w_i(Writer *w, int64_t v)
{
    w_u(w, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

static void w_text(Writer *w, const char *s)
{
    size_t n = s ? strlen(s) : 0;
    w_u(w, n);
    str_addn(w->out, s ? s : "", n);
}

static void w_word(Str *s, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        str_addc(s, (char)(v >> (8 * i)));
}

static void w_number(Writer *w, const Numbers *n, const void *p)
{
    uint32_t number = 0;
    bool known = find(n, p, &number);
    assert(known);
    (void)known;
    w_u(w, number);
}

static void w_expr(Writer *w, Ex e)
{
    w_number(w, &w->exprs, e);
}
static void w_buf(Writer *w, const Buf *b)
{
    w_number(w, &w->bufs, b);
}

static void w_tensor_ref(Writer *w, const Tensor *t)
{
    uint32_t n = 0;
    if (t)
        find(&w->tensors, t, &n);
    w_u(w, t ? n + 1u : 0);
}

static void w_texts(Writer *w, const char *const *at, size_t n)
{
    w_u(w, n);
    for (size_t i = 0; i < n; i++)
        w_text(w, at[i]);
}

static int file_number(const Writer *w, const Tensor *t)
{
    if (w->p->without_constants)
        return 0;
    for (int i = 0; i < w->nfd; i++)
        if (t->fd >= 0 && w->fd[i] == t->fd)
            return i;
    return -1;
}

static size_t align_up(size_t n)
{
    return (n + SERIAL_ALIGN - 1) / SERIAL_ALIGN * SERIAL_ALIGN;
}

/* `offset` is where the next bytes of the data section go. */
static void w_tensor(Writer *w, const Tensor *t, size_t *offset)
{
    w_u(w, t->elem);
    w_u(w, (uint64_t)t->rank);
    for (int k = 0; k < t->rank; k++)
        w_u(w, (uint64_t)t->dim[k]);
    w_u(w, t->splat);
    w_u(w, t->size_bytes);
    int file = file_number(w, t);
    w_u(w, file >= 0);
    if (file >= 0) {
        w_u(w, (uint64_t)file);
        w_u(w, w->p->without_constants ? 0 : (uint64_t)t->offset);
        return;
    }
    if (!t->data)
        fail(w, "a constant has no bytes");
    w_u(w, *offset);
    *offset = align_up(*offset + t->size_bytes);
}

static void w_node(Writer *w, Ex e)
{
    w_u(w, e->op);
    w_u(w, e->elem);
    w_u(w, e->narg);
    for (int i = 0; i < e->narg; i++)
        w_expr(w, e->arg[i]);
    switch (e->op) {
    case EX_CONST:
        if (elem_is_float((Elem)e->elem)) {
            uint64_t bits;
            memcpy(&bits, &e->f, sizeof bits);
            w_word(w->out, bits);
            break;
        }
        w_i(w, e->i);
        break;
    case EX_LIN:
        w_i(w, e->i);
        for (int i = 0; i < e->narg; i++)
            w_i(w, e->coef[i]);
        break;
    case EX_VAR:
        w_u(w, (uint64_t)e->i);
        w_expr(w, ex_var_extent(w->p->pool, e));
        break;
    case EX_LOAD:
        w_buf(w, e->buf);
        break;
    case EX_SYM:
    case EX_CAST:
        w_u(w, (uint64_t)e->i);
        break;
    case EX_ACC:
    case EX_RHS:
        fail(w, "a kernel holds a result of a stage");
        break;
    default:
        break;
    }
}

static void w_buf_head(Writer *w, const Buf *b)
{
    w_u(w, (uint64_t)b->id);
    w_text(w, b->name);
    w_u(w, b->elem);
    w_u(w, b->space);
    w_u(w, (uint64_t)b->rank);
}

static void w_buf_shape(Writer *w, const Buf *b)
{
    for (int k = 0; k < b->rank; k++) {
        w_expr(w, b->dim[k]);
        w_expr(w, b->stride[k]);
    }
    w_expr(w, b->offset);
    w_expr(w, b->size);
    w_tensor_ref(w, b->data);
}

static void w_object(Writer *w, const MemObj *m)
{
    w_text(w, m->name);
    w_u(w, m->space);
    w_u(w, m->elem);
    w_expr(w, m->size_bytes);
    w_tensor_ref(w, m->data);
    w_i(w, m->io);
    w_i(w, m->first);
    w_i(w, m->last);
    w_i(w, m->offset);
    w_u(w, m->moved);
}

static void w_io(Writer *w, const ProgramIo *io)
{
    w_text(w, io->name);
    w_u(w, io->elem);
    w_u(w, (uint64_t)io->rank);
    for (int k = 0; k < io->rank; k++)
        w_expr(w, io->dim[k]);
    w_u(w, (uint64_t)io->obj->id);
}

static void w_stmts(Writer *w, const Stmt *s)
{
    for (; s; s = s->next) {
        w_u(w, s->kind);
        switch (s->kind) {
        case STMT_LOOP:
            w_u(w, s->loop.kind);
            w_expr(w, s->loop.var);
            w_stmts(w, s->loop.body);
            break;
        case STMT_STORE:
            w_buf(w, s->store.buf);
            w_expr(w, s->store.index);
            w_expr(w, s->store.value);
            w_u(w, s->store.guard != NULL);
            if (s->store.guard)
                w_expr(w, s->store.guard);
            break;
        case STMT_IF:
            w_expr(w, s->cond.cond);
            w_stmts(w, s->cond.then);
            w_stmts(w, s->cond.otherwise);
            break;
        case STMT_CHECK:
            w_expr(w, s->check.cond);
            w_i(w, s->check.code);
            break;
        }
    }
    w_u(w, STMT_END);
}

static void w_kernel(Writer *w, const Kernel *k)
{
    w_i(w, k->id);
    w_text(w, k->name);
    w_text(w, k->skeleton);
    w_u(w, k->params.len);
    for (size_t i = 0; i < k->params.len; i++)
        w_buf(w, k->params.at[i]);
    w_u(w, k->regs.len);
    for (size_t i = 0; i < k->regs.len; i++)
        w_buf(w, k->regs.at[i]);
    w_u(w, k->macs != NULL);
    if (k->macs)
        w_expr(w, k->macs);
    w_texts(w, k->origin.at, k->origin.len);
    w_stmts(w, k->body);
}

static void w_step(Writer *w, const Step *st)
{
    w_u(w, st->kind);
    uint64_t kernel = 0;
    for (size_t i = 0; i < w->p->kernels.len; i++)
        if (w->p->kernels.at[i] == st->kernel)
            kernel = i + 1;
    w_u(w, st->kind == STEP_LAUNCH ? kernel : 0);
    w_u(w, st->args.len);
    for (size_t i = 0; i < st->args.len; i++)
        w_u(w, (uint64_t)st->args.at[i]->id);
    w_texts(w, st->origin.at, st->origin.len);
    if (st->kind <= STEP_ZERO)
        return;
    w_u(w, st->value != NULL);
    if (st->value)
        w_expr(w, st->value);
    w_u(w, (uint64_t)st->symbol);
    w_text(w, st->call ? st->call : "");
    w_u(w, (uint64_t)st->nwritten);
    w_u(w, st->shapes.len);
    for (size_t i = 0; i < st->shapes.len; i++) {
        w_u(w, (uint64_t)st->shapes.at[i].rank);
        for (int k = 0; k < st->shapes.at[i].rank; k++)
            w_expr(w, st->shapes.at[i].dim[k]);
    }
    w_u(w, st->params.len);
    for (size_t i = 0; i < st->params.len; i++)
        w_expr(w, st->params.at[i]);
}

/* Everything but the bytes of constants. */
static void w_body(Writer *w, size_t data_at)
{
    const Program *p = w->p;
    w_text(w, p->name);
    w_u(w, (uint64_t)ex_sym_count(p->pool));
    for (int i = 0; i < ex_sym_count(p->pool); i++) {
        w_text(w, ex_sym_name(p->pool, i));
        w_i(w, ex_sym_min(p->pool, i));
        w_i(w, ex_sym_max(p->pool, i));
        w_u(w, ex_sym_is_run_time(p->pool, i));
    }
    w_u(w, w->tensor.len);
    for (size_t i = 0; i < w->tensor.len; i++)
        w_tensor(w, w->tensor.at[i], &data_at);
    w_u(w, w->buf.len);
    for (size_t i = 0; i < w->buf.len; i++)
        w_buf_head(w, w->buf.at[i]);
    w_u(w, w->expr.len);
    for (size_t i = 0; i < w->expr.len; i++)
        w_node(w, w->expr.at[i]);
    for (size_t i = 0; i < w->buf.len; i++)
        w_buf_shape(w, w->buf.at[i]);
    w_u(w, p->mem.len);
    for (size_t i = 0; i < p->mem.len; i++)
        w_object(w, p->mem.at[i]);
    w_u(w, p->inputs.len);
    for (size_t i = 0; i < p->inputs.len; i++)
        w_io(w, &p->inputs.at[i]);
    w_u(w, p->outputs.len);
    for (size_t i = 0; i < p->outputs.len; i++)
        w_io(w, &p->outputs.at[i]);
    w_u(w, p->kernels.len);
    for (size_t i = 0; i < p->kernels.len; i++)
        w_kernel(w, p->kernels.at[i]);
    w_u(w, p->steps.len);
    for (size_t i = 0; i < p->steps.len; i++)
        w_step(w, &p->steps.at[i]);
    w_i(w, p->workspace_bytes);
    w_i(w, p->weights_bytes);
}

static void pad_to(Str *s, size_t at)
{
    static const char zero[SERIAL_ALIGN];
    while (s->len < at)
        str_addn(s, zero, MIN(at - s->len, sizeof zero));
}

static void w_all(Writer *w, Str *out)
{
    /* The offsets of the data depend on the length of the body, which depends on them: the body is
     * written with offsets from the start of the data, which begins at the next multiple of 64. */
    Str body = str_new(w->arena);
    w->out = &body;
    w_body(w, 0);
    size_t data_at = align_up(SERIAL_HEADER + body.len), size = data_at;
    for (size_t i = 0; i < w->tensor.len; i++)
        if (file_number(w, w->tensor.at[i]) < 0)
            size = align_up(size + w->tensor.at[i]->size_bytes);
    if (w->status != MLC_OK)
        return;
    Str all = str_new(out->arena);
    all.at = arena_alloc(out->arena, size + 1, SERIAL_ALIGN);
    all.cap = size + 1;
    str_addn(&all, SERIAL_MAGIC, 8);
    w_word(&all, SERIAL_VERSION);
    w_word(&all, size);
    w_word(&all, 0);
    w_word(&all, data_at);
    str_addn(&all, body.at, body.len);
    pad_to(&all, data_at);
    for (size_t i = 0; i < w->tensor.len; i++) {
        const Tensor *t = w->tensor.at[i];
        if (file_number(w, t) >= 0)
            continue;
        str_addn(&all, t->data, t->size_bytes);
        pad_to(&all, align_up(all.len));
    }
    uint64_t hash = XXH3_64bits(all.at + SERIAL_HASHED, all.len - SERIAL_HASHED);
    for (int i = 0; i < 8; i++)
        all.at[SERIAL_HASHED - 8 + i] = (char)(hash >> (8 * i));
    *out = all;
}

Status program_write(Program *p, Str *out)
{
    Arena *a = arena_new(p->ctx);
    Writer w = {.p = p, .arena = a};
    w.exprs.arena = w.bufs.arena = w.tensors.arena = a;
    w.nfd = program_files(p, w.fd, COUNT_OF(w.fd));
    take_program(&w);
    sort_exprs(&w);
    w_all(&w, out);
    Status s = w.status;
    arena_free(a);
    return s;
}
