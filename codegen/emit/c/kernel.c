/* A kernel as one function:
 *
 *     static void P_conv(const int64_t *sym, const float *restrict x, ..., float *restrict y)
 *
 * `sym` only where symbols are used; int instead of void, the status, where there are checks. The
 * nodes of the model that it computes stand above it. */
#include "codegen/emit/c/emit.h"

enum { MOST_LINE = 98 };

static void find_written(const Kernel *k, const Stmt *s, bool *written)
{
    for (; s != NULL; s = s->next) {
        for (size_t i = 0; s->kind == STMT_STORE && i < k->params.len; i++)
            written[i] = written[i] || k->params.at[i] == s->store.buf;
        if (s->kind == STMT_LOOP)
            find_written(k, s->loop.body, written);
        if (s->kind == STMT_IF) {
            find_written(k, s->cond.then, written);
            find_written(k, s->cond.otherwise, written);
        }
    }
}

/* One memory bound to two parameters in some launch: neither may be restrict. */
static void find_shared(Walk *w)
{
    const Program *p = w->u->program;

    for (size_t i = 0; i < p->steps.len; i++) {
        const Step *s = &p->steps.at[i];

        for (size_t a = 0; s->kind == STEP_LAUNCH && s->kernel == w->k && a < s->args.len; a++)
            for (size_t b = 0; b < s->args.len; b++)
                if (a != b && s->args.at[a] == s->args.at[b])
                    w->buf[a].is_shared = true;
    }
}

static Status name_buffers(Walk *w)
{
    const Kernel *k = w->k;
    size_t n = k->params.len + k->regs.len;

    w->buf = NEW_ARRAY(w->arena, Local, n);
    for (size_t i = 0; i < n; i++) {
        const Buf *b = i < k->params.len ? k->params.at[i] : k->regs.at[i - k->params.len];
        int64_t size = 0;

        w->buf[i].name = name_unique(w->arena, &w->names, b->name != NULL ? b->name : "");
        w->buf[i].elem = b->elem;
        w->buf[i].is_scalar = i >= k->params.len && ex_is_int(b->size, &size) && size == 1;
        if (i >= k->params.len && (!ex_is_int(b->size, &size) || size < 0 || size > 1 << 24))
            return diag_error(w->u->ctx, E0402, (Loc){.node = k->name}, MLC_INPUT,
                              "kernel %s: register buffer %s has no constant size", k->name,
                              b->name);
        if (type_memory(b->elem) == NULL)
            return diag_error(w->u->ctx, E0402, (Loc){.node = k->name}, MLC_INPUT,
                              "kernel %s: %s cannot be compiled for %s", k->name,
                              elem_name[b->elem], w->u->info->target);
    }
    find_shared(w);
    return MLC_OK;
}

/* The nodes, cut where there are many. */
static void add_origin(Walk *w, Str *s)
{
    enum { MOST = 6 };
    const Kernel *k = w->k;

    str_add(s, "/* ");
    comment_add(s, k->skeleton != NULL ? k->skeleton : "kernel");
    for (size_t i = 0; i < k->origin.len && i < MOST; i++) {
        str_add(s, i ? ", " : ": ");
        comment_add(s, k->origin.at[i]);
    }
    if (k->origin.len > MOST)
        str_printf(s, " and %zu more", k->origin.len - MOST);
    str_add(s, " */\n");
}

static void add_signature(Walk *w, Str *s, const char *name, bool needs_sym)
{
    const Kernel *k = w->k;
    bool *written = NEW_ARRAY(w->arena, bool, k->params.len);
    size_t line = s->len;
    const char *text;

    find_written(k, k->body, written);
    str_printf(s, "static %s %s(%s", w->has_check ? "int" : "void", name,
               needs_sym            ? "const int64_t *sym"
               : k->params.len == 0 ? "void"
                                    : "");
    for (size_t i = 0; i < k->params.len; i++) {
        text = arena_printf(
            w->arena, "%s%s *%s%s", written[i] ? "" : "const ", type_memory(w->buf[i].elem),
            w->buf[i].is_shared ? "" : unit_name(w->u, "RESTRICT "), w->buf[i].name);
        if (i > 0 || needs_sym)
            str_addc(s, ',');
        if (s->len - line + strlen(text) > MOST_LINE && (i > 0 || needs_sym)) {
            str_add(s, "\n   ");
            line = s->len - 3;
        }
        str_printf(s, "%s%s", i > 0 || needs_sym ? " " : "", text);
    }
    str_add(s, ")\n{\n");
}

static void add_symbols(Walk *w, Str *s)
{
    for (int i = 0; i < ex_sym_count(w->pool); i++)
        if (w->sym[i] != NULL)
            str_printf(s, "    const int64_t %s = sym[%d];\n", w->sym[i], i);
}

/* Registers that nobody reads would be warned of. */
static void add_unused(Walk *w, Str *s)
{
    size_t nparams = w->k->params.len;

    for (size_t i = 0; i < nparams + w->k->regs.len; i++) {
        const Local *l = &w->buf[i];

        if (i < nparams && !l->is_used)
            str_printf(s, "    (void)%s;\n", l->name);
    }
}

static Status emit_body(Walk *w, Str *s, size_t at)
{
    Str body = str_new(w->arena);
    Unit *u = w->u;
    bool needs_sym = false;
    const char *name;

    TRY(name_buffers(w));
    w->sym = NEW_ARRAY(w->arena, const char *, ex_sym_count(w->pool));
    w->out = &body;
    emit_stmts(w, w->k->body);
    TRY(w->error);
    for (int i = 0; i < ex_sym_count(w->pool); i++)
        needs_sym = needs_sym || w->sym[i] != NULL;
    name = unit_name(u, name_unique(u->arena, &u->kernel_names, w->k->name));
    u->function[at] = name;
    u->returns[at] = w->has_check;
    u->needs_sym[at] = needs_sym;
    add_origin(w, s);
    add_signature(w, s, name, needs_sym);
    add_symbols(w, s);
    add_unused(w, s);
    str_add(s, str_text(&body));
    str_add(s, w->has_check ? "    return 0;\n}\n\n" : "}\n\n");
    return MLC_OK;
}

Status emit_kernel(Unit *u, size_t at)
{
    const Kernel *k = u->program->kernels.at[at];
    Arena *a = arena_new(u->ctx);
    Walk w = {.u = u, .k = k, .pool = k->pool, .arena = a, .names = map_new(a)};
    Status s = emit_body(&w, &u->code, at);

    arena_free(a);
    return s;
}
