/* Weights: one read-only section, 64-byte aligned, every constant at its offset.
 *
 * Up to INLINE_BYTES they are an ordinary LLVM constant. More would cost seconds and gigabytes
 * there, so the assembler copies the bytes itself: `.incbin` of the model file, by descriptor, or
 * of a memory file for constants that lie in no file. The bytes of the object do not depend on
 * which way they came. Assembly, IR and bitcode outputs declare large weights without their bytes.
 *
 * Weights in a file of their own: an mlc_rt_weights (runtime/rt.h), which the runtime fills in. */
#include "codegen/emit/llvm/emit.h"

#include "ir/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { INLINE_BYTES = 1 << 16 };

typedef struct Piece {
    const MemObj *obj;
    int64_t bytes;
    int variant; /* whose program the object is of */
} Piece;

static int by_offset(const void *a, const void *b)
{
    const Piece *x = a, *y = b;

    if (x->obj->offset != y->obj->offset)
        return x->obj->offset < y->obj->offset ? -1 : 1;
    if (x->variant != y->variant)
        return x->variant < y->variant ? -1 : 1;
    return (x->obj->id > y->obj->id) - (x->obj->id < y->obj->id);
}

static Status unreadable(Unit *u, const MemObj *o)
{
    return diag_error(u->ctx, E0002, (Loc){0}, MLC_SYSTEM,
                      "the bytes of constant %s cannot be read", o->name);
}

/* The descriptor of a file that holds the constant, at *offset, or -1: the model's file, or that of
 * the serialized program itself. */
static int file_of(Unit *u, const Piece *p, int64_t *offset)
{
    const Tensor *t = p->obj->data;
    const Variant *v = &u->opt->variant[p->variant];
    const FileMap *input = &u->input[p->variant];
    const uint8_t *data = t->data, *start = input->data;

    *offset = t->offset;
    if (data == NULL)
        return t->fd >= 0 && t->fd < v->nfd ? v->fd[t->fd] : -1;
    if (input->fd < 0 || data < start || data - start > (ptrdiff_t)(input->size - t->size_bytes))
        return -1;
    *offset = data - start;
    return input->fd;
}

static Status read_all(Unit *u, int fd, int64_t offset, char *to, int64_t n)
{
    while (n > 0) {
        ssize_t k = pread(fd, to, (size_t)n, offset);

        if (k <= 0)
            return diag_error(u->ctx, E0002, (Loc){0}, MLC_SYSTEM, "the model file got shorter");
        to += k;
        n -= k;
        offset += k;
    }
    return MLC_OK;
}

static void repeat(char *to, int64_t n, const char *one, int64_t size)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = one[i % size];
}

/* The bytes in memory: what is given, or read, or repeated. */
static Status bytes_of(Unit *u, const Piece *p, const char **out)
{
    const Tensor *t = p->obj->data;
    int64_t have = (int64_t)t->size_bytes;
    const char *data = t->data;
    char *copy;
    int64_t from;
    int fd = file_of(u, p, &from);

    if (data == NULL && fd < 0)
        return unreadable(u, p->obj);
    if (data == NULL) {
        copy = arena_alloc(u->arena, t->size_bytes, 64);
        TRY(read_all(u, fd, from, copy, have));
        data = copy;
    }
    if (have < p->bytes) {
        if (have == 0 || !t->splat)
            return unreadable(u, p->obj);
        copy = arena_alloc(u->arena, (size_t)p->bytes, 64);
        repeat(copy, p->bytes, data, have);
        data = copy;
    }
    *out = data;
    return MLC_OK;
}

/* ---- small: a constant ---- */

static Status inline_weights(Unit *u, const Piece *p, size_t n, int64_t total, LLVMValueRef *out)
{
    char *all = arena_alloc(u->arena, (size_t)MAX(total, 1), 64);

    for (size_t i = 0; i < n; i++) {
        const char *data = NULL;

        TRY(bytes_of(u, &p[i], &data));
        memcpy(all + p[i].obj->offset, data, (size_t)p[i].bytes);
    }
    *out = unit_global(u, "weights",
                       LLVMConstStringInContext(u->cx, all, (unsigned)MAX(total, 1), true), true);
    LLVMSetAlignment(*out, 64);
    return MLC_OK;
}

/* ---- large: by the assembler ---- */

typedef struct Side {
    FILE *f; /* memory file of what lies in no file */
    int64_t size;
} Side;

static Status open_side(Unit *u, Side *s)
{
    int fd = memfd_create("weights", 0);

    s->f = fd >= 0 ? fdopen(fd, "w+") : NULL;
    if (s->f == NULL)
        return diag_error(u->ctx, E0003, (Loc){0}, MLC_SYSTEM, "no memory file for weights");
    return MLC_OK;
}

static Status add_piece(Unit *u, Str *text, Side *s, const Piece *p)
{
    const Tensor *t = p->obj->data;
    int64_t from;
    int fd = file_of(u, p, &from);
    const char *data;

    if (p->bytes == 0)
        return MLC_OK;
    if (fd < 0 || (int64_t)t->size_bytes < p->bytes) {
        TRY(bytes_of(u, p, &data));
        if (fwrite(data, 1, (size_t)p->bytes, s->f) != (size_t)p->bytes)
            return diag_error(u->ctx, E0003, (Loc){0}, MLC_SYSTEM, "no memory for weights");
        fd = fileno(s->f);
        from = s->size;
        s->size += p->bytes;
    }
    str_printf(text, ".incbin \"/proc/self/fd/%d\",%lld,%lld\n", fd, (long long)from,
               (long long)p->bytes);
    return MLC_OK;
}

static Status section_weights(Unit *u, const Piece *p, size_t n, int64_t total)
{
    Str text = str_new(u->arena);
    Side side = {NULL, 0};
    int64_t at = 0;
    const char *name = unit_name(u, "weights");

    TRY(open_side(u, &side));
    str_printf(&text, ".section .rodata.mlc_weights,\"a\",%%progbits\n.p2align 6\n%s:\n", name);
    for (size_t i = 0; i < n; i++) {
        if (p[i].obj->offset > at)
            str_printf(&text, ".zero %lld\n", (long long)(p[i].obj->offset - at));
        TRY(add_piece(u, &text, &side, &p[i]));
        at = p[i].obj->offset + p[i].bytes;
    }
    str_printf(&text, ".zero %lld\n.size %s,%lld\n.type %s,%%object\n.text\n",
               (long long)(total - at), name, (long long)total, name);
    if (fflush(side.f) != 0)
        return diag_error(u->ctx, E0003, (Loc){0}, MLC_SYSTEM, "no memory for weights");
    LLVMAppendModuleInlineAsm(u->module, str_text(&text), text.len);
    return MLC_OK;
}

/* Drops objects that share the place of the one before them (equal bytes), and checks the rest. */
static Status check_layout(Unit *u, Piece *p, size_t *n, int64_t *total)
{
    int64_t end = 0;
    size_t k = 0;

    for (size_t i = 0; i < *n; i++) {
        const MemObj *o = p[i].obj;

        if (k > 0 && o->offset == p[k - 1].obj->offset && p[i].bytes == p[k - 1].bytes)
            continue;
        if (o->data == NULL || p[i].bytes < 0 || o->offset < end || o->offset % 64 != 0 ||
            o->offset > INT64_MAX - p[i].bytes)
            return diag_error(u->ctx, E0901, (Loc){0}, MLC_BUG, "constant %s is not laid out",
                              o->name);
        end = o->offset + p[i].bytes;
        p[k++] = p[i];
    }
    *n = k;
    *total = MAX(u->program->weights_bytes, end);
    return MLC_OK;
}

/* The constants of all programs. */
static size_t collect(Unit *u, Piece **out)
{
    size_t n = 0, most = 0;
    Piece *piece;

    for (int k = 0; k < u->opt->nvariant; k++)
        most += u->programs[k]->mem.len;
    *out = piece = NEW_ARRAY(u->arena, Piece, most);
    for (int k = 0; k < u->opt->nvariant; k++) {
        const Program *p = u->programs[k];

        for (size_t i = 0; i < p->mem.len; i++) {
            const MemObj *o = p->mem.at[i];

            if (o->space != SPACE_CONST)
                continue;
            piece[n] = (Piece){o, -1, k};
            ex_is_int(o->size_bytes, &piece[n++].bytes);
        }
    }
    return n;
}

static uint64_t hex_word(const char *digits)
{
    char text[17] = {0};

    memcpy(text, digits, 16);
    return strtoull(text, NULL, 16);
}

/* mlc_rt_weights: not loaded. The digits are those of the identity's bytes in order. */
static void declare_file(Unit *u, LLVMValueRef *address)
{
    const char *id = u->opt->weights_identity;
    LLVMValueRef f[4] = {LLVMConstNull(u->ptr), unit_i64(u, u->program->weights_bytes),
                         unit_i64(u, (int64_t)__builtin_bswap64(hex_word(id))),
                         unit_i64(u, (int64_t)__builtin_bswap64(hex_word(id + 16)))};

    *address = unit_global(u, "weights", LLVMConstStructInContext(u->cx, f, 4, false), false);
}

Status emit_weights(Unit *u, LLVMValueRef *address)
{
    if (u->opt->weights_identity != NULL) {
        declare_file(u, address);
        return MLC_OK;
    }
    Piece *piece;
    size_t n = collect(u, &piece);
    int64_t total = 0;

    qsort(piece, n, sizeof *piece, by_offset);
    TRY(check_layout(u, piece, &n, &total));
    if (n == 0) {
        *address = LLVMConstNull(u->ptr);
        return MLC_OK;
    }
    if (total <= INLINE_BYTES)
        return inline_weights(u, piece, n, total, address);
    *address =
        LLVMAddGlobal(u->module, LLVMArrayType2(u->i8, (uint64_t)total), unit_name(u, "weights"));
    LLVMSetVisibility(*address, LLVMHiddenVisibility);
    LLVMSetGlobalConstant(*address, true);
    LLVMSetAlignment(*address, 64);
    return u->opt->kind == EMIT_OBJ ? section_weights(u, piece, n, total) : MLC_OK;
}
