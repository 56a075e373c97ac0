/* Reading the serialized form of a program; serial.h describes it.
 *
 * Nothing is believed: counts are bounded by the bytes that are left, numbers of expressions refer
 * to earlier ones, types are checked before a constructor that asserts them, and the result passes
 * program_verify(). After the first fault every reader returns zeros, which are refused quickly. */
#include "ir/program/serial_read.h"

#include "ir/base/ctx.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

void fault(Reader *r, const char *what)
{
    if (r->status == MLC_OK)
        r->status = diag_error(r->ctx, E0602, (Loc){0}, MLC_INPUT, "malformed program: %s", what);
    r->at = r->end;
}

/* ---- words ---- */

uint64_t r_u(Reader *r)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (r->at == r->end) {
            fault(r, "it ends early");
            return 0;
        }
        uint8_t b = *r->at++;
        v |= (uint64_t)(b & 127) << shift;
        if (!(b & 128))
            return v;
    }
    fault(r, "a number has too many bytes");
    return 0;
}

int64_t r_i(Reader *r)
{
    uint64_t v = r_u(r);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

size_t r_below(Reader *r, size_t n, const char *what)
{
    uint64_t v = r_u(r);
    if (v < n)
        return (size_t)v;
    fault(r, what);
    return 0;
}

/* How many things follow, each of at least one byte. */
static size_t r_count(Reader *r)
{
    uint64_t v = r_u(r);
    if (v <= (uint64_t)(r->end - r->at))
        return (size_t)v;
    fault(r, "a count is larger than what follows");
    return 0;
}

static int r_int(Reader *r)
{
    int64_t v = r_i(r);
    if (v >= INT32_MIN && v <= INT32_MAX)
        return (int)v;
    fault(r, "a number is too large");
    return 0;
}

static const char *r_text(Reader *r)
{
    size_t n = r_count(r);
    if (n && memchr(r->at, 0, n)) {
        fault(r, "a name holds a zero byte");
        return "";
    }
    const char *s = arena_strndup(r->arena, (const char *)r->at, n);
    r->at += n;
    return s;
}

uint64_t word_at(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static Elem r_io_elem(Reader *r)
{
    size_t e = r_below(r, ELEM_COUNT, "an element type is unknown");
    if (e == ELEM_NONE || e == ELEM_C64 || e == ELEM_C128) {
        fault(r, "an element type has no arithmetic");
        return ELEM_F32;
    }
    return (Elem)e;
}

Elem r_elem(Reader *r)
{
    Elem e = r_io_elem(r);
    if (e == ELEM_STRING)
        fault(r, "strings are only inputs and outputs");
    return e == ELEM_STRING ? ELEM_U64 : e;
}

Ex r_size(Reader *r)
{
    size_t k = r_below(r, r->nexpr, "an expression refers to a later one");
    if (r->status == MLC_OK && r->expr[k]->elem != ELEM_I64)
        fault(r, "a size is not of type i64");
    return r->status == MLC_OK ? r->expr[k] : ex_int(r->pool, 0);
}

static Ex r_expr(Reader *r)
{
    size_t k = r_below(r, r->nexpr, "an expression refers to a later one");
    return r->status == MLC_OK ? r->expr[k] : ex_int(r->pool, 0);
}

Buf *r_buf(Reader *r)
{
    size_t k = r_below(r, r->nbuf, "there is no such buffer");
    return r->status == MLC_OK ? r->buf[k] : NULL;
}

static const Tensor *r_tensor_ref(Reader *r)
{
    size_t k = r_below(r, r->ntensor + 1, "there is no such constant");
    return k ? &r->tensor[k - 1] : NULL;
}

/* ---- sections ---- */

static void r_symbols(Reader *r)
{
    size_t n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++) {
        const char *name = r_text(r);
        int64_t min = r_i(r), max = r_i(r);
        if (r->status != MLC_OK)
            return;
        bool run_time = r_below(r, 2, "a symbol is neither bound nor set") == 1;
        if (run_time && max < 0)
            fault(r, "a run-time symbol has no bounds");
        if (r->status != MLC_OK)
            return;
        if (run_time)
            ex_sym_run_time(r->pool, name, min, max);
        else
            ex_sym(r->pool, name, min);
        if ((size_t)ex_sym_count(r->pool) != i + 1 || !*name)
            fault(r, "two symbols have one name");
        else if (max >= 0 && !run_time)
            ex_sym_bound(r->pool, (int)i, min, max, 0);
    }
}

static void r_tensor(Reader *r, Tensor *t)
{
    t->elem = r_elem(r);
    t->rank = (int)r_below(r, MAX_RANK + 1, "a constant has too many dimensions");
    int64_t count = 1;
    for (int k = 0; k < t->rank; k++) {
        uint64_t d = r_u(r);
        if (d > INT64_MAX / 16 || __builtin_mul_overflow(count, (int64_t)d, &count) ||
            count > INT64_MAX / 16)
            fault(r, "a constant is too large");
        t->dim[k] = (int64_t)d;
    }
    t->splat = r_below(r, 2, "a flag is neither 0 nor 1");
    t->size_bytes = (size_t)r_u(r);
    bool in_file = r_below(r, 2, "a flag is neither 0 nor 1");
    size_t file = in_file ? r_below(r, 256, "a file number is too large") : 0;
    uint64_t offset = r_u(r);
    t->fd = in_file ? (int)file : -1;
    if (r->status != MLC_OK)
        return;
    if (t->size_bytes != elem_size_bytes(t->elem, t->splat ? 1 : (size_t)count)) {
        fault(r, "a constant has not the bytes of its shape");
    } else if (in_file) {
        if (offset > INT64_MAX - t->size_bytes)
            fault(r, "a constant lies beyond its file");
        t->offset = (int64_t)offset;
    } else if (offset > r->data_bytes || t->size_bytes > r->data_bytes - offset) {
        fault(r, "a constant lies outside of the data");
    } else {
        t->data = r->data + offset;
        if ((uintptr_t)t->data % 16 != 0) /* the caller's memory is not aligned: a copy is */
            t->data = memcpy(arena_alloc(r->arena, t->size_bytes, 64), t->data, t->size_bytes);
    }
}

static Buf *r_buf_head(Reader *r)
{
    Buf *b = NEW(r->arena, Buf);
    b->id = (int)r_below(r, INT32_MAX, "a buffer's number is too large");
    b->name = r_text(r);
    b->elem = r_elem(r);
    b->space = (BufSpace)r_below(r, SPACE_REG + 1, "a memory space is unknown");
    b->rank = (int)r_below(r, MAX_RANK + 1, "a buffer has too many dimensions");
    return b;
}

static void r_buf_shape(Reader *r, Buf *b)
{
    for (int k = 0; k < b->rank; k++) {
        b->dim[k] = r_size(r);
        b->stride[k] = r_size(r);
    }
    b->offset = r_size(r);
    b->size = r_size(r);
    b->data = r_tensor_ref(r);
}

/* ---- kernels ---- */

static Stmt *r_stmts(Reader *r, int depth);

static Stmt *r_stmt(Reader *r, size_t kind, int depth)
{
    Stmt *s = NEW(r->arena, Stmt);
    s->kind = (StmtKind)kind;
    switch (s->kind) {
    case STMT_LOOP:
        s->loop.kind = (LoopKind)r_below(r, LOOP_UNROLLED + 1, "a loop's kind is unknown");
        s->loop.var = r_expr(r);
        if (s->loop.var->op != EX_VAR)
            fault(r, "a loop has no variable");
        s->loop.body = r_stmts(r, depth + 1);
        break;
    case STMT_STORE:
        s->store.buf = r_buf(r);
        s->store.index = r_expr(r);
        s->store.value = r_expr(r);
        s->store.guard = r_below(r, 2, "a flag is neither 0 nor 1") ? r_expr(r) : NULL;
        break;
    case STMT_IF:
        s->cond.cond = r_expr(r);
        s->cond.then = r_stmts(r, depth + 1);
        s->cond.otherwise = r_stmts(r, depth + 1);
        break;
    case STMT_CHECK:
        s->check.cond = r_expr(r);
        s->check.code = r_int(r);
        break;
    }
    return s;
}

static Stmt *r_stmts(Reader *r, int depth)
{
    Stmt *first = NULL, **tail = &first;
    if (depth > SERIAL_STMT_DEPTH)
        fault(r, "statements are nested too deeply");
    while (r->status == MLC_OK) {
        uint64_t kind = r_u(r);
        if (kind == STMT_END)
            break;
        if (kind > STMT_CHECK) {
            fault(r, "a statement is unknown");
            break;
        }
        *tail = r_stmt(r, (size_t)kind, depth);
        tail = &(*tail)->next;
    }
    return first;
}

static Kernel *r_kernel(Reader *r)
{
    Kernel *k = NEW(r->arena, Kernel);
    k->pool = r->pool;
    k->id = r_int(r);
    k->name = r_text(r);
    k->skeleton = r_text(r);
    size_t n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &k->params, r_buf(r));
    n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &k->regs, r_buf(r));
    k->macs = r_below(r, 2, "a flag is neither 0 nor 1") ? r_size(r) : NULL;
    n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &k->origin, r_text(r));
    k->body = r_stmts(r, 0);
    return k;
}

/* ---- the host side ---- */

static MemObj *r_object(Reader *r, size_t id)
{
    MemObj *m = NEW(r->arena, MemObj);
    m->id = (int)id;
    m->name = r_text(r);
    m->space = (BufSpace)r_below(r, SPACE_REG, "a memory space is unknown");
    m->elem = r_elem(r);
    m->size_bytes = r_size(r);
    m->data = r_tensor_ref(r);
    m->io = r_int(r);
    m->first = r_int(r);
    m->last = r_int(r);
    m->offset = r_i(r);
    m->moved = r_below(r, 2, "a flag is neither 0 nor 1") == 1;
    return m;
}

static MemObj *r_object_ref(Reader *r)
{
    size_t k = r_below(r, r->p->mem.len, "there is no such memory object");
    return r->status == MLC_OK ? r->p->mem.at[k] : NULL;
}

static ProgramIo r_io(Reader *r)
{
    ProgramIo io = {.name = r_text(r)};
    io.elem = r_io_elem(r);
    io.rank = (int)r_below(r, MAX_RANK + 1, "an input or output has too many dimensions");
    for (int k = 0; k < io.rank; k++)
        io.dim[k] = r_size(r);
    io.obj = r_object_ref(r);
    return io;
}

static void r_control(Reader *r, Step *st)
{
    if (r_below(r, 2, "a step is malformed"))
        st->value = r_size(r);
    st->symbol = (int)r_below(r, (size_t)ex_sym_count(r->pool) + 1, "there is no such symbol");
    st->call = r_text(r);
    st->nwritten = (int)r_below(r, 128, "a call has too many results");
    size_t n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++) {
        StepShape s = {.rank = (int)r_below(r, MAX_RANK + 1, "an argument has too many dimensions")};
        for (int k = 0; k < s.rank; k++)
            s.dim[k] = r_size(r);
        vec_push(r->arena, &st->shapes, s);
    }
    n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &st->params, r_size(r));
}

static Step r_step(Reader *r)
{
    Step st = {.kind = (StepKind)r_below(r, STEP_CALL + 1, "a step is unknown")};
    size_t kernel = r_below(r, r->p->kernels.len + 1, "there is no such kernel");
    st.kernel = kernel ? r->p->kernels.at[kernel - 1] : NULL;
    size_t n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &st.args, r_object_ref(r));
    n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &st.origin, r_text(r));
    if (st.kind > STEP_ZERO)
        r_control(r, &st);
    else if ((st.kind == STEP_LAUNCH) != !!st.kernel)
        fault(r, "a step has no kernel");
    return st;
}

static void r_exprs(Reader *r)
{
    r->nbuf = r_count(r);
    r->buf = NEW_ARRAY(r->arena, Buf *, r->nbuf);
    for (size_t i = 0; i < r->nbuf && r->status == MLC_OK; i++)
        r->buf[i] = r_buf_head(r);
    size_t n = r_count(r);
    r->expr = NEW_ARRAY(r->arena, Ex, n);
    r->depth = NEW_ARRAY(r->arena, uint16_t, n);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        r_node(r);
    for (size_t i = 0; i < r->nbuf && r->status == MLC_OK; i++)
        r_buf_shape(r, r->buf[i]);
}

static void r_body(Reader *r)
{
    Program *p = r->p;
    p->name = r_text(r);
    r_symbols(r);
    r->ntensor = r_count(r);
    r->tensor = NEW_ARRAY(r->arena, Tensor, r->ntensor);
    for (size_t i = 0; i < r->ntensor && r->status == MLC_OK; i++)
        r_tensor(r, &r->tensor[i]);
    r_exprs(r);
    size_t n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &p->mem, r_object(r, i));
    n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &p->inputs, r_io(r));
    n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &p->outputs, r_io(r));
    n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &p->kernels, r_kernel(r));
    n = r_count(r);
    for (size_t i = 0; i < n && r->status == MLC_OK; i++)
        vec_push(r->arena, &p->steps, r_step(r));
    p->workspace_bytes = r_i(r);
    p->weights_bytes = r_i(r);
    if (r->status == MLC_OK && (p->workspace_bytes < -1 || p->weights_bytes < 0))
        fault(r, "the sizes of workspace or weights are negative");
}

static void r_header(Reader *r, const uint8_t *at, size_t size)
{
    if (size < SERIAL_HEADER || memcmp(at, SERIAL_MAGIC, 8) != 0)
        fault(r, "it does not begin with its mark");
    else if (word_at(at + 8) != SERIAL_VERSION)
        fault(r, "its version is another");
    else if (word_at(at + 16) != size)
        fault(r, "its length is another");
    else if (word_at(at + 24) != XXH3_64bits(at + SERIAL_HASHED, size - SERIAL_HASHED))
        fault(r, "its checksum is another");
    else if (word_at(at + 32) < SERIAL_HEADER || word_at(at + 32) > size)
        fault(r, "its data lie outside");
    if (r->status != MLC_OK)
        return;
    size_t data_at = (size_t)word_at(at + 32);
    r->at = at + SERIAL_HEADER;
    r->end = r->data = at + data_at;
    r->data_bytes = size - data_at;
    r->size = size;
}

/* ---- files ---- */

typedef struct Mapping {
    void *at;
    size_t size;
} Mapping;

static void unmap(void *arg)
{
    Mapping *m = arg;
    if (m->size)
        munmap(m->at, m->size);
}

static void map_file(Reader *r, int fd, Mapping *m)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size < 0) {
        fault(r, "a file of constants cannot be read");
        return;
    }
    m->size = (size_t)st.st_size;
    if (!m->size)
        return;
    m->at = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (m->at == MAP_FAILED) {
        m->size = 0;
        fault(r, "a file of constants cannot be mapped");
    }
    arena_at_free(r->arena, unmap, m);
}

static void map_files(Reader *r, int nfd, const int *fd)
{
    Mapping *m = NEW_ARRAY(r->arena, Mapping, nfd);
    bool *mapped = NEW_ARRAY(r->arena, bool, nfd);
    for (size_t i = 0; i < r->ntensor && r->status == MLC_OK; i++) {
        Tensor *t = &r->tensor[i];
        int k = t->fd;
        if (k < 0)
            continue;
        if (k >= nfd) {
            fault(r, "a constant lies in a file that was not handed over");
            return;
        }
        if (!mapped[k])
            map_file(r, fd[k], &m[k]);
        mapped[k] = true;
        if ((uint64_t)t->offset > m[k].size || t->size_bytes > m[k].size - (size_t)t->offset) {
            fault(r, "a constant lies beyond its file");
            return;
        }
        t->fd = fd[k];
        t->data = (const char *)m[k].at + t->offset;
    }
}

/* `nfd` < 0: constants in files stay there, Tensor.fd being the file's number. */
static Status read_program(Ctx *c, const void *data, size_t size, int nfd, const int *fd,
                           Program **out)
{
    Arena *a = arena_new(c);
    Reader r = {.ctx = c, .arena = a, .pool = ex_pool_new(a)};
    r.p = NEW(a, Program);
    r.p->ctx = c;
    r.p->arena = a;
    r.p->pool = r.pool;
    r_header(&r, data, size);
    if (r.status == MLC_OK)
        r_body(&r);
    if (r.status == MLC_OK && nfd >= 0)
        map_files(&r, nfd, fd);
    if (r.status == MLC_OK)
        r.status = program_verify(r.p);
    if (r.status != MLC_OK)
        arena_free(a);
    else
        *out = r.p;
    return r.status;
}

Status program_read(Ctx *c, const void *data, size_t size, Program **out)
{
    return read_program(c, data, size, -1, NULL, out);
}

Status program_read_mapped(Ctx *c, const void *data, size_t size, int nfd, const int *fd,
                           Program **out)
{
    return read_program(c, data, size, nfd, fd, out);
}
