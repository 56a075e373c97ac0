/* The generated header m.h: C99, also C++, without warnings under -pedantic.
 *
 *     the ABI           runtime/mlc_abi.h as it stands, guarded, so that headers combine
 *     constants         m_NINPUTS, m_WORKSPACE_BYTES or m_SIZES_WORDS, m_image_BYTES, ...
 *     m_io              pointers in the order that run() expects, with C types and names
 *     m_bind, m_run, m_model
 *
 * m_io is passed where the ABI wants an array of pointers: a struct of nothing but object pointers
 * has the same layout on every target. Names that come from the model appear only as identifiers
 * and in comments, where "*" "/" cannot meet. */
#include "codegen/emit/header/header.h"

#include "runtime/rt.h"

/* runtime/mlc_abi.h; made by make/runtime.mk. */
extern const unsigned char mlc_abi_h[];
extern const size_t        mlc_abi_h_size;

typedef struct Emit {
    const Program     *p; /* the first of `all` */
    const Program *const *all;
    int                nall;
    const char        *prefix;
    const HeaderInfo  *info;
    Str               *out;
    const char *const *name; /* of inputs, then outputs */
    size_t             nio;
    bool               dynamic;
    bool               allocates; /* one of the programs does */
} Emit;

static const ProgramIo *io_at(const Emit *e, size_t i)
{
    return i < e->p->inputs.len ? &e->p->inputs.at[i] : &e->p->outputs.at[i - e->p->inputs.len];
}

static const char *c_type(Elem elem)
{
    switch (elem) {
#define X(id, text, onnx, bits, cls, ctype) \
    case ELEM_##id:                         \
        return #ctype;
#include "ir/expr/elem.def"
#undef X
    default:
        return "void";
    }
}

/* Text of the model inside a comment: printable ASCII, no end of comment. */
static void add_comment_text(Str *s, const char *text)
{
    for (; *text; text++) {
        bool plain = *text >= ' ' && *text <= '~' && *text != '\\' && *text != '?';
        bool ends = *text == '/' && s->len > 0 && s->at[s->len - 1] == '*';
        bool opens = *text == '*' && s->len > 0 && s->at[s->len - 1] == '/';
        str_addc(s, plain && !ends && !opens ? *text : '_');
    }
}

/* "f32[1,3,224,224]". */
static void add_type(Emit *e, const ProgramIo *io)
{
    Str text = str_new(e->out->arena);
    str_printf(&text, "%s[", elem_name[io->elem]);
    for (int k = 0; k < io->rank; k++) {
        if (k)
            str_addc(&text, ',');
        ex_print(&text, e->p->pool, io->dim[k]);
    }
    str_addc(&text, ']');
    add_comment_text(e->out, str_text(&text));
}

/* Constant elements of an input or output: true and their number. */
static bool constant_count(const ProgramIo *io, int64_t *count)
{
    *count = 1;
    for (int k = 0; k < io->rank; k++) {
        int64_t d;
        if (!ex_is_int(io->dim[k], &d))
            return false;
        *count *= d;
    }
    return true;
}

/* The most bytes within the bounds of the symbols, where they have some. */
static void add_io_most(Emit *e, size_t i)
{
    const ProgramIo *io = io_at(e, i);
    int64_t          lo, hi, count = 1;
    for (int k = 0; k < io->rank; k++) {
        ex_range(e->p->pool, io->dim[k], &lo, &hi);
        if (hi == INT64_MAX || __builtin_mul_overflow(count, MAX(hi, 0), &count))
            return;
    }
    if (count < INT64_MAX / 32)
        str_printf(e->out, "#define %s_%s_BYTES_MAX %lld\n", e->prefix, e->name[i],
                   (long long)elem_size_bytes(io->elem, (size_t)count));
}

static void add_io_constants(Emit *e, size_t i)
{
    const ProgramIo *io = io_at(e, i);
    const char      *p = e->prefix, *n = e->name[i];
    int64_t          count;
    str_printf(e->out, "/* %s %zu: \"", i < e->p->inputs.len ? "input" : "output",
               i < e->p->inputs.len ? i : i - e->p->inputs.len);
    add_comment_text(e->out, io->name);
    str_add(e->out, "\", ");
    add_type(e, io);
    str_printf(e->out, " */\n#define %s_%s_RANK %d\n", p, n, io->rank);
    if (!constant_count(io, &count)) {
        add_io_most(e, i);
        return;
    }
    for (int k = 0; k < io->rank; k++) {
        int64_t d;
        ex_is_int(io->dim[k], &d);
        str_printf(e->out, "#define %s_%s_DIM%d %lld\n", p, n, k, (long long)d);
    }
    str_printf(e->out, "#define %s_%s_COUNT %lld\n", p, n, (long long)count);
    str_printf(e->out, "#define %s_%s_BYTES %lld\n", p, n,
               (long long)elem_size_bytes(io->elem, (size_t)count));
}

static int count_dims(const Emit *e)
{
    int n = 0;
    for (size_t i = 0; i < e->nio; i++)
        n += io_at(e, i)->rank;
    return n;
}

static int most_temps(const Emit *e)
{
    int most = 0;
    for (int k = 0; k < e->nall; k++) {
        int n = 0;
        for (size_t i = 0; i < e->all[k]->mem.len; i++)
            n += e->all[k]->mem.at[i]->space == SPACE_TEMP &&
                 !memobj_is_dynamic(e->all[k], e->all[k]->mem.at[i]);
        most = MAX(most, n);
    }
    return most;
}

/* The largest that `bytes` says of a program; -1 where it says so of one. */
static int64_t most_bytes(const Emit *e, int64_t (*bytes)(const Program *p))
{
    int64_t most = 0;
    for (int k = 0; k < e->nall && most >= 0; k++) {
        int64_t b = bytes(e->all[k]);
        most = b < 0 ? -1 : MAX(most, b);
    }
    return most;
}

static int64_t workspace_of(const Program *p) { return p->workspace_bytes; }

static void add_constants(Emit *e)
{
    const Program *p = e->p;
    int            nsym = ex_sym_bound_count(p->pool), at = 1 + nsym;
    str_printf(e->out, "#define %s_NINPUTS %zu\n#define %s_NOUTPUTS %zu\n", e->prefix,
               p->inputs.len, e->prefix, p->outputs.len);
    str_printf(e->out, "#define %s_NSYMBOLS %d\n", e->prefix, nsym);
    str_printf(e->out, "#define %s_SIZES_WORDS %d /* int64 words of the sizes of %s_bind() */\n",
               e->prefix, MLC_RT_SIZES_WORDS(nsym, count_dims(e), most_temps(e)), e->prefix);
    if (e->dynamic) {
        str_add(e->out, "/* Symbols: index into the dims of bind(). */\n");
        for (int k = 0; k < nsym; k++) {
            str_printf(e->out, "/*   %d: ", k);
            add_comment_text(e->out, ex_sym_name(p->pool, k));
            if (ex_sym_max(p->pool, k) >= 0)
                str_printf(e->out, ", %lld to %lld", (long long)ex_sym_min(p->pool, k),
                           (long long)ex_sym_max(p->pool, k));
            str_add(e->out, " */\n");
        }
        int64_t most = most_bytes(e, program_workspace_max);
        if (most >= 0)
            str_printf(e->out, "#define %s_WORKSPACE_BYTES_MAX %lld /* for all of them */\n",
                       e->prefix, (long long)most);
        str_add(e->out, "/* Where the dimensions of a tensor begin in the sizes. */\n");
        for (size_t i = 0; i < e->nio; i++) {
            str_printf(e->out, "#define %s_%s_SIZES_DIMS %d\n", e->prefix, e->name[i], at);
            at += io_at(e, i)->rank;
        }
    } else {
        str_printf(e->out, "#define %s_WORKSPACE_BYTES %lld /* aligned to 64 */\n", e->prefix,
                   (long long)most_bytes(e, workspace_of));
    }
    str_addc(e->out, '\n');
    for (size_t i = 0; i < e->nio; i++)
        add_io_constants(e, i);
}

/* Does the run find out its size? */
static bool is_found(const Emit *e, const ProgramIo *io)
{
    if (io->obj->space == SPACE_OUTPUT && io->elem == ELEM_STRING)
        return true;
    for (int k = 0; k < io->rank; k++)
        if (ex_is_run_time(e->p->pool, io->dim[k]))
            return true;
    return false;
}

/* "const float *image": the declaration of a pointer to the data of an input or output. */
static void add_pointer(Emit *e, size_t i)
{
    bool input = i < e->p->inputs.len;
    if (is_found(e, io_at(e, i))) {
        str_printf(e->out, "mlc_result_v1 *%s", e->name[i]);
        return;
    }
    const char *type = c_type(io_at(e, i)->elem);
    if (io_at(e, i)->elem == ELEM_STRING)
        str_printf(e->out, "%sconst *%s", type, e->name[i]);
    else
        str_printf(e->out, "%s%s *%s", input ? "const " : "", type, e->name[i]);
}

static void add_struct(Emit *e)
{
    str_printf(e->out,
               "\n/* Row-major tensors; in and out must not overlap. */\ntypedef struct %s_io {\n",
               e->prefix);
    if (e->allocates)
        str_add(e->out, "    const mlc_alloc_v1 *alloc; /* for what only the run can size */\n");
    if (e->dynamic)
        str_printf(e->out, "    const mlc_sizes_v1 *sizes; /* of %s_bind() */\n", e->prefix);
    for (size_t i = 0; i < e->nio; i++) {
        str_add(e->out, "    ");
        add_pointer(e, i);
        str_add(e->out, "; /* ");
        add_type(e, io_at(e, i));
        str_add(e->out, " */\n");
    }
    str_printf(e->out, "} %s_io;\n\n", e->prefix);
}

static void add_prototypes(Emit *e)
{
    const char *p = e->prefix;
    str_printf(e->out, "/* %s %s_SIZES_WORDS words. */\n",
               e->dynamic ? "Once per shape: checks the values of the symbols and fills"
                          : "Not needed before run; dims may be NULL. Fills",
               p);
    str_printf(e->out, "int %s_bind(const int64_t *dims, mlc_sizes_v1 *sizes);\n", p);
    if (e->info->weights_in_file)
        str_printf(e->out,
                   "/* Maps the weights file (%lld bytes behind a head of 64), before the first run:\n"
                   " * MLC_RUN_OK, MLC_RUN_WEIGHTS (cannot be opened), MLC_RUN_MISMATCH (truncated, or of\n"
                   " * another build) or MLC_RUN_MEMORY. Once for the whole program; NULL unmaps it. */\n"
                   "int %s_load_weights(const char *path);\n",
                   (long long)e->p->weights_bytes, p);
    str_printf(e->out, "/* Runs once. Returns MLC_RUN_OK or what is wrong. */\n"
                       "int %s_run(const %s_io *io, void *workspace);\n"
                       "extern const mlc_model_v1 %s_model;\n", p, p, p);
}

/* An example that compiles when it is pasted below `#include "m.h"`. */
static void add_usage(Emit *e)
{
    const char *p = e->prefix;
    Str        *s = e->out;
    str_printf(s, " * Usage:\n *\n *     #include \"%s.h\"\n *     #include <stdlib.h>\n *\n", p);
    str_printf(s, " *     int infer(%s%s", e->allocates ? "const mlc_alloc_v1 *alloc, " : "",
               e->dynamic ? "const int64_t *dims, " : "");
    for (size_t i = 0; i < e->nio; i++) {
        str_add(s, i ? ", " : "");
        add_pointer(e, i);
    }
    str_add(s, ")\n *     {\n");
    if (e->info->weights_in_file)
        str_printf(s, " *         if (%s_load_weights(\"%s.weights\") != MLC_RUN_OK)\n"
                      " *             return MLC_RUN_WEIGHTS;\n", p, p);
    if (e->dynamic)
        str_printf(s,
                   " *         mlc_sizes_v1 sizes[%s_SIZES_WORDS];\n"
                   " *         int status = %s_bind(dims, sizes);\n"
                   " *         if (status != MLC_RUN_OK)\n *             return status;\n",
                   p, p);
    str_printf(s, " *         %s_io io;\n", p);
    if (e->allocates)
        str_add(s, " *         io.alloc = alloc;\n");
    if (e->dynamic)
        str_add(s, " *         io.sizes = sizes;\n");
    for (size_t i = 0; i < e->nio; i++)
        str_printf(s, " *         io.%s = %s;\n", e->name[i], e->name[i]);
    if (e->dynamic)
        str_add(s, " *         void *workspace = aligned_alloc(64, (size_t)sizes[0]);\n");
    else
        str_printf(s, " *         void *workspace = aligned_alloc(64, %s_WORKSPACE_BYTES);\n", p);
    str_printf(s, " *         %s%s_run(&io, workspace);\n *         free(workspace);\n"
                  " *         return status;\n *     }\n",
               e->dynamic ? "status = " : "int status = ", p);
}

Status header_emit(const Program *const *all, int nall, const char *prefix, const HeaderInfo *info,
                   Str *out)
{
    const Program *p = all[0];
    Emit e = {
        .p = p,
        .all = all,
        .nall = nall,
        .prefix = prefix,
        .info = info,
        .out = out,
        .name = header_io_names(p, out->arena),
        .nio = p->inputs.len + p->outputs.len,
        .dynamic = ex_sym_bound_count(p->pool) > 0,
    };
    for (int k = 0; k < nall; k++)
        e.allocates = e.allocates || program_allocates(all[k]);
    str_printf(out, "/* %s.h: ", prefix);
    add_comment_text(out, info->source ? info->source : p->name);
    str_printf(out,
               " compiled for %s by mlc %s. Do not edit.\n"
               " * SPDX-License-Identifier: 0BSD\n *\n",
               info->target, info->mlc_version);
    add_usage(&e);
    str_add(out, " */\n\n");
    str_addn(out, (const char *)mlc_abi_h, mlc_abi_h_size);
    str_printf(out, "\n#ifndef %s_MLC_H\n#define %s_MLC_H\n\n", prefix, prefix);
    add_constants(&e);
    str_add(out, "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    add_struct(&e);
    add_prototypes(&e);
    str_add(out, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
    return MLC_OK;
}
