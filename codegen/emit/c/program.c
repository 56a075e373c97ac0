/* The source file as a whole, from top to bottom:
 *
 *     headers, pragmas     what is needed of the C library; no contraction of floats
 *     the ABI              runtime/mlc_abi.h
 *     the runtime          runtime/rt.h, plan.c, rt.c without their threads
 *     helpers, weights, kernels, P_exec, descriptor, P_bind, P_run
 *
 * Kernels are written first in memory, because they say which helpers there must be. */
#include "codegen/emit/c/emit.h"

#include "ir/base/file.h"

#include <stdlib.h>

/* runtime/mlc_abi.h, and the runtime without threads; made by make/runtime.mk. */
extern const unsigned char mlc_abi_h[], mlc_runtime_c[], mlc_custom_h[];
extern const size_t mlc_abi_h_size, mlc_runtime_c_size, mlc_custom_h_size;

static Status put(Unit *u, const char *text, size_t n)
{
    return n == 0 ? MLC_OK : u->sink->write(u->sink->arg, text, n);
}

static Status put_str(Unit *u, const Str *s)
{
    return put(u, str_text(s), s->len);
}

/* ---- objects ---- */

static int by_place(const void *a, const void *b)
{
    const MemObj *x = *(const MemObj *const *)a, *y = *(const MemObj *const *)b;

    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static bool is_same(const MemObj *a, const MemObj *b)
{
    return a->offset == b->offset && a->offset >= 0 && a->elem == b->elem &&
           a->size_bytes == b->size_bytes;
}

/* Constants at one place with one type are one array: that of the first. */
static void share_constants(Unit *u)
{
    const Program *p = u->program;
    const MemObj **sorted = NEW_ARRAY(u->arena, const MemObj *, p->mem.len);
    int *at = NEW_ARRAY(u->arena, int, p->mem.len);
    size_t n = 0;

    for (size_t i = 0; i < p->mem.len; i++) {
        u->same_as[i] = (int)i;
        if (p->mem.at[i]->space == SPACE_CONST && p->mem.at[i]->id == (int)i)
            sorted[n++] = p->mem.at[i];
    }
    qsort(sorted, n, sizeof *sorted, by_place);
    for (size_t i = 0; i < n; i++) {
        at[i] = sorted[i]->id;
        if (i > 0 && is_same(sorted[i], sorted[i - 1]))
            at[i] = at[i - 1];
        u->same_as[sorted[i]->id] = at[i];
    }
}

static void find_used(Unit *u)
{
    Program *p = u->program;
    int n = 0;

    for (size_t i = 0; i < p->mem.len; i++)
        if (p->mem.at[i]->space == SPACE_TEMP)
            u->number[i] = n++;
    for (size_t i = 0; i < p->steps.len; i++)
        for (size_t k = 0; k < p->steps.at[i].args.len; k++) {
            const MemObj *o = p->steps.at[i].args.at[k];
            size_t at = (size_t)o->id;

            if (at >= p->mem.len || p->mem.at[at] != o)
                for (at = 0; at < p->mem.len && p->mem.at[at] != o; at++)
                    ;
            u->used[at] = true;
            u->used[u->same_as[at]] = true;
        }
}

static void open_unit(Unit *u)
{
    const Program *p = u->program;

    u->helpers = str_new(u->arena);
    u->code = str_new(u->arena);
    u->helper_names = map_new(u->arena);
    u->kernel_names = map_new(u->arena);
    u->used = NEW_ARRAY(u->arena, bool, p->mem.len);
    u->number = NEW_ARRAY(u->arena, int, p->mem.len);
    u->same_as = NEW_ARRAY(u->arena, int, p->mem.len);
    u->returns = NEW_ARRAY(u->arena, bool, p->kernels.len);
    u->needs_sym = NEW_ARRAY(u->arena, bool, p->kernels.len);
    u->function = NEW_ARRAY(u->arena, const char *, p->kernels.len);
    share_constants(u);
    find_used(u);
}

/* ---- the top ---- */

static void add_title(Unit *u, Str *s)
{
    const CInfo *i = u->info;

    str_printf(s, "/* %s.c: ", i->prefix);
    comment_add(s, i->source != NULL ? i->source : u->program->name);
    str_printf(s, " as C by mlc %s. Do not edit.\n", i->mlc_version);
    str_add(
        s,
        " * SPDX-License-Identifier: 0BSD\n *\n"
        " * C99, also C++. Floats are computed exactly as written: compile without -ffast-math.\n"
        " * The declarations for callers are in the header of the same name. */\n");
}

static void add_top(Unit *u, Str *s, bool math)
{
    const char *p = u->info->prefix;

    add_title(u, s);
    str_printf(s, "%s#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n\n",
               math ? "#include <math.h>\n" : "");
    str_add(s, "#if defined(__clang__) || !defined(__GNUC__)\n"
               "#pragma STDC FP_CONTRACT OFF\n"
               "#else\n"
               "#pragma GCC optimize(\"fp-contract=off\")\n"
               "#endif\n\n");
    str_addn(s, (const char *)mlc_abi_h, mlc_abi_h_size);
    str_add(s, "\n/* ---- the runtime ---- */\n\n");
    str_addn(s, (const char *)mlc_runtime_c, mlc_runtime_c_size);
    str_printf(s,
               "\n#ifdef __cplusplus\n#define %s_RESTRICT __restrict\nextern \"C\" {\n#else\n"
               "#define %s_RESTRICT restrict\n#endif\n"
               "extern const mlc_model_v1 %s_model;\n"
               "int %s_bind(const int64_t *dims, mlc_sizes_v1 *sizes);\n"
               "int %s_run(const void *const *io, void *workspace);\n"
               "#ifdef __cplusplus\n}\n#endif\n\n",
               p, p, p, p, p);
}

/* The functions of custom operators, declared by their headers. */
static void add_user_headers(Unit *u, Str *s)
{
    if (u->info->nheader == 0)
        return;
    str_add(s, "/* ---- custom operators ---- */\n\n");
    str_addn(s, (const char *)mlc_custom_h, mlc_custom_h_size);
    for (int i = 0; i < u->info->nheader; i++)
        str_printf(s, "#include \"%s\"\n", u->info->header[i]);
    str_addc(s, '\n');
}

static Status emit_all(Unit *u)
{
    const Program *p = u->program;
    Str top = str_new(u->arena), end = str_new(u->arena);
    Status worst = MLC_OK;

    open_unit(u);
    for (size_t i = 0; i < p->kernels.len; i++) {
        Status s = emit_kernel(u, i);

        worst = MAX(worst, s);
    }
    TRY(worst);
    emit_exec(u, &end);
    emit_model(u, &end);
    add_top(u, &top, u->uses_math || weights_use_math(u));
    add_user_headers(u, &top);
    TRY(put_str(u, &top));
    TRY(put_str(u, &u->helpers));
    TRY(weights_write(u));
    TRY(put_str(u, &u->code));
    return put_str(u, &end);
}

Status c_emit(Program *p, const CInfo *info, const CSink *sink)
{
    Arena *a = arena_new(p->ctx);
    Unit u = {.ctx = p->ctx, .arena = a, .program = p, .pool = p->pool, .info = info, .sink = sink};
    Status s = emit_all(&u);

    arena_free(a);
    return s;
}

/* ---- files ---- */

typedef struct File {
    Ctx *ctx;
    FileOut out;
} File;

static Status write_file(void *arg, const void *data, size_t size)
{
    File *f = arg;

    return file_out_write(f->ctx, &f->out, data, size);
}

Status c_emit_file(Program *p, const CInfo *info, const char *path)
{
    File f = {.ctx = p->ctx};
    CSink sink = {write_file, &f};
    Status s = file_out_open(p->ctx, path, &f.out);

    if (s != MLC_OK)
        return s;
    s = c_emit(p, info, &sink);
    if (s == MLC_OK)
        s = file_out_commit(p->ctx, &f.out);
    else
        file_out_abort(&f.out);
    return s;
}
