/* What a caller sees: P_model, P_bind, P_run; and P_exec, which calls the kernels in order. The
 * structures are those of runtime/mlc_abi.h and runtime/rt.h. */
#include "codegen/emit/c/emit.h"

#include "runtime/rt.h"

static bool has_symbols(const Unit *u)
{
    return ex_sym_count(u->program->pool) > 0;
}

/* ---- int P_exec(const mlc_rt_run *r) ---- */

static int position(const Program *p, const MemObj *o)
{
    int id = o->id;

    if (id >= 0 && (size_t)id < p->mem.len && p->mem.at[id] == o)
        return id;
    for (size_t i = 0; i < p->mem.len; i++)
        if (p->mem.at[i] == o)
            return (int)i;
    return -1;
}

static const char *object_name(Unit *u, const MemObj *o)
{
    int at = position(u->program, o);

    switch (o->space) {
    case SPACE_INPUT:
        return arena_printf(u->arena, "in%d", o->io);
    case SPACE_OUTPUT:
        return arena_printf(u->arena, "out%d", o->io);
    case SPACE_CONST:
        return weights_name(u, (size_t)at);
    default:
        return arena_printf(u->arena, "t%d", at);
    }
}

static void add_pointer(Unit *u, Str *s, size_t at)
{
    const MemObj *o = u->program->mem.at[at];
    const char *type = type_memory(o->elem), *name = object_name(u, o);

    if (o->space == SPACE_INPUT)
        str_printf(s, "    const %s *%s = (const %s *)r->io[%d];", type, name, type, o->io);
    else if (o->space == SPACE_OUTPUT)
        str_printf(s, "    %s *%s = (%s *)r->io[%zu];", type, name, type,
                   (size_t)o->io + u->program->inputs.len);
    else if (has_symbols(u))
        str_printf(s, "    %s *%s = (%s *)(void *)(r->workspace + r->offset[%d]);", type, name,
                   type, u->number[at]);
    else
        str_printf(s, "    %s *%s = (%s *)(void *)(r->workspace + %lld);", type, name, type,
                   (long long)o->offset);
    str_add(s, " /* ");
    comment_add(s, o->name);
    str_add(s, " */\n");
}

static size_t kernel_position(const Program *p, const Kernel *k)
{
    size_t i = 0;

    while (i < p->kernels.len && p->kernels.at[i] != k)
        i++;
    return i;
}

static void add_launch(Unit *u, Str *s, const Step *step)
{
    size_t at = kernel_position(u->program, step->kernel);
    bool returns = u->returns[at], first = true;

    str_printf(s, "    %s%s(", returns ? "status = " : "", u->function[at]);
    if (u->needs_sym[at]) {
        str_add(s, "r->sym");
        first = false;
    }
    for (size_t i = 0; i < step->args.len; i++) {
        const MemObj *o = step->args.at[i];
        const Buf *b = step->kernel->params.at[i];
        bool read_only = o->space == SPACE_INPUT || o->space == SPACE_CONST;

        str_add(s, first ? "" : ", ");
        first = false;
        if (!str_eq(type_memory(b->elem), type_memory(o->elem)))
            str_printf(s, "(%s%s *)(%svoid *)", read_only ? "const " : "", type_memory(b->elem),
                       read_only ? "const " : "");
        str_add(s, object_name(u, o));
    }
    str_add(s, returns ? ");\n    if (status != 0)\n        return status;\n" : ");\n");
}

/* A function of the user's: runtime/mlc_custom.h. */
static void add_user_call(Unit *u, Str *s, const Step *step)
{
    size_t n = step->args.len, nout = (size_t)step->nwritten;

    str_printf(s, "    {\n        mlc_tensor_v1 t[%zu];\n        memset(t, 0, sizeof t);\n", MAX(n, 1));
    for (size_t i = 0; i < n; i++) {
        const MemObj *o = step->args.at[i];
        const StepShape *shape = &step->shapes.at[i];

        str_printf(s, "        t[%zu].data = (void *)(uintptr_t)%s;\n", i, object_name(u, o));
        str_printf(s, "        t[%zu].elem = %d;\n        t[%zu].rank = %d;\n", i,
                   elem_to_onnx(o->elem), i, shape->rank);
        for (int k = 0; k < shape->rank; k++)
            str_printf(s, "        t[%zu].dim[%d] = %s;\n", i, k, size_text(u, shape->dim[k]));
    }
    str_printf(s, "        status = %s(t + %zu, %zu, t, %zu);\n    }\n", step_user_call(step), nout,
               n - nout, nout);
    str_add(s, "    if (status != 0)\n        return status;\n");
}

void emit_exec(Unit *u, Str *s)
{
    const Program *p = u->program;
    bool returns = false, zeroes = false, any = false;

    for (size_t i = 0; i < p->steps.len; i++) {
        const Step *step = &p->steps.at[i];

        returns =
            returns || (step->kind == STEP_LAUNCH && u->returns[kernel_position(p, step->kernel)]);
        returns = returns || step->kind == STEP_CALL;
        zeroes = zeroes || (step->kind != STEP_LAUNCH && has_symbols(u));
    }
    str_printf(s, "static int %s(const mlc_rt_run *r)\n{\n", unit_name(u, "exec"));
    for (size_t i = 0; i < p->mem.len; i++)
        if (u->used[i] && p->mem.at[i]->space != SPACE_CONST) {
            add_pointer(u, s, i);
            any = true;
        }
    if (zeroes)
        str_add(s, "    const int64_t *sym = r->sym;\n    int bad = 0;\n");
    if (returns)
        str_add(s, "    int status;\n");
    if (zeroes)
        str_add(s, "    (void)sym;\n    (void)bad;\n");
    if (!any)
        str_add(s, "    (void)r;\n");
    str_addc(s, '\n');
    for (size_t i = 0; i < p->steps.len; i++) {
        const Step *step = &p->steps.at[i];

        if (step->kind == STEP_LAUNCH)
            add_launch(u, s, step);
        else if (step->kind == STEP_CALL)
            add_user_call(u, s, step);
        else
            str_printf(s, "    memset(%s, 0, (size_t)%s);\n", object_name(u, step->args.at[0]),
                       size_text(u, step->args.at[0]->size_bytes));
    }
    str_add(s, "    return 0;\n}\n\n");
}

/* ---- void P_eval(const int64_t *sym, int64_t *out) ---- */

static const ProgramIo *io_at(const Program *p, size_t i)
{
    return i < p->inputs.len ? &p->inputs.at[i] : &p->outputs.at[i - p->inputs.len];
}

static int count_dims(const Program *p)
{
    int n = 0;

    for (size_t i = 0; i < p->inputs.len + p->outputs.len; i++)
        n += io_at(p, i)->rank;
    return n;
}

static void add_size(Unit *u, Str *s, Ex e, int at)
{
    int64_t v;

    if (ex_is_int(e, &v)) {
        str_printf(s, "    out[%d] = %s;\n", at, size_text(u, e));
        return;
    }
    str_printf(s, "    bad = 0;\n    out[%d] = %s;\n    if (bad)\n        out[%d] = -1;\n", at,
               size_text(u, e), at);
}

static void emit_eval(Unit *u, Str *s)
{
    const Program *p = u->program;
    int at = 0;

    str_printf(
        s,
        "/* Dimensions of inputs and outputs, then bytes of workspace objects; -1: too large. "
        "*/\nstatic void %s(const int64_t *sym, int64_t *out)\n{\n"
        "    int bad = 0;\n    (void)sym;\n    (void)bad;\n",
        unit_name(u, "eval"));
    for (size_t i = 0; i < p->inputs.len + p->outputs.len; i++)
        for (int k = 0; k < io_at(p, i)->rank; k++)
            add_size(u, s, io_at(p, i)->dim[k], at++);
    for (size_t i = 0; i < p->mem.len; i++)
        if (p->mem.at[i]->space == SPACE_TEMP)
            add_size(u, s, p->mem.at[i]->size_bytes, at++);
    str_add(s, "}\n\n");
}

/* ---- the descriptor ---- */

static void add_io_table(Unit *u, Str *s, const char *what, const ProgramIo *io, size_t n)
{
    const char *prefix = u->info->prefix;

    for (size_t i = 0; i < n; i++) {
        if (io[i].rank == 0)
            continue;
        str_printf(s, "static const int64_t %s_%s%zu_dim[] = {", prefix, what, i);
        for (int k = 0; k < io[i].rank; k++) {
            int64_t d = -1;

            ex_is_int(io[i].dim[k], &d);
            str_printf(s, "%s%s", k ? ", " : "", literal_int(u->arena, ELEM_I64, d));
        }
        str_add(s, "};\n");
    }
    if (n == 0)
        return;
    str_printf(s, "static const mlc_io_v1 %s_%sputs[] = {\n", prefix, what);
    for (size_t i = 0; i < n; i++) {
        str_add(s, "    {");
        literal_string(s, io[i].name);
        str_printf(s, ", %d, %d, ", elem_to_onnx(io[i].elem), io[i].rank);
        if (io[i].rank == 0)
            str_add(s, "NULL},\n");
        else
            str_printf(s, "%s_%s%zu_dim},\n", prefix, what, i);
    }
    str_add(s, "};\n");
}

/* The dimension of an input that has the symbol's value. */
static void find_symbol(const Program *p, int number, int *input, int *axis)
{
    *input = *axis = -1;
    for (size_t i = 0; i < p->inputs.len; i++)
        for (int k = 0; k < p->inputs.at[i].rank; k++)
            if (p->inputs.at[i].dim[k] == ex_sym_at(p->pool, number)) {
                *input = (int)i;
                *axis = k;
                return;
            }
}

static void add_symbols(Unit *u, Str *s)
{
    const Program *p = u->program;
    int input, axis;

    if (!has_symbols(u))
        return;
    str_printf(s, "static const mlc_symbol_v1 %s_symbols[] = {\n", u->info->prefix);
    for (int k = 0; k < ex_sym_count(p->pool); k++) {
        find_symbol(p, k, &input, &axis);
        str_add(s, "    {");
        literal_string(s, ex_sym_name(p->pool, k));
        str_printf(s, ", %s, %s, %d, %d},\n",
                   literal_int(u->arena, ELEM_I64, ex_sym_min(p->pool, k)),
                   literal_int(u->arena, ELEM_I64, ex_sym_max(p->pool, k)), input, axis);
    }
    str_add(s, "};\n");
}

/* Lifetimes and offsets of workspace objects; returns how many. */
static int add_plan(Unit *u, Str *s)
{
    static const char *const name[] = {"first", "last", "offset"};
    const Program *p = u->program;
    int n = 0;

    for (size_t i = 0; i < p->mem.len; i++)
        n += p->mem.at[i]->space == SPACE_TEMP;
    for (int t = 0; t < (has_symbols(u) ? 2 : 3) && n > 0; t++) {
        int column = 0;

        str_printf(s, "static const %s %s_%s[%d] = {", t == 2 ? "int64_t" : "int32_t",
                   u->info->prefix, name[t], n);
        for (size_t i = 0; i < p->mem.len; i++) {
            const MemObj *o = p->mem.at[i];

            if (o->space != SPACE_TEMP)
                continue;
            str_add(s, column++ % 12 == 0 ? "\n    " : " ");
            str_printf(s, "%s,",
                       literal_int(u->arena, ELEM_I64,
                                   t == 0   ? o->first
                                   : t == 1 ? o->last
                                            : o->offset));
        }
        str_add(s, "\n};\n");
    }
    return n;
}

static const char *table_or_null(Unit *u, const char *name, bool exists)
{
    return exists ? unit_name(u, name) : "NULL";
}

static void add_model(Unit *u, Str *s, int ntemp)
{
    const Program *p = u->program;
    int nsym = ex_sym_count(p->pool), ndim = count_dims(p);
    const char *q = u->info->prefix;

    str_printf(s, "static const mlc_rt_model %s_rt = {\n    &%s_model, %d, %d, 0, 1,\n", q, q,
               ntemp, ndim);
    str_printf(s, "    %s, %s, %s,\n    %s, %s_exec,\n};\n\n", table_or_null(u, "first", ntemp > 0),
               table_or_null(u, "last", ntemp > 0),
               table_or_null(u, "offset", ntemp > 0 && nsym == 0),
               table_or_null(u, "eval", nsym > 0), q);
    str_printf(s,
               "int %s_bind(const int64_t *dims, mlc_sizes_v1 *sizes)\n{\n"
               "    return mlc_rt_bind(&%s_rt, dims, sizes);\n}\n\n",
               q, q);
    str_printf(s,
               "int %s_run(const void *const *io, void *workspace)\n{\n"
               "    return mlc_rt_run_model(&%s_rt, io, workspace);\n}\n\n",
               q, q);
    str_printf(s, "static const char *%s_selected(void)\n{\n    return %s_model.target;\n}\n\n", q,
               q);
    str_printf(s, "const mlc_model_v1 %s_model = {\n    1, sizeof(mlc_model_v1), ", q);
    literal_string(s, p->name != NULL ? p->name : "");
    str_add(s, ",\n    ");
    literal_string(s, u->info->target);
    str_add(s, ", ");
    literal_string(s, u->info->mlc_version);
    str_add(s, ",\n    ");
    literal_string(s, u->info->sha256);
    str_printf(s, ",\n    %zu, %zu, %d, %d,\n", p->inputs.len, p->outputs.len, nsym,
               MLC_RT_SIZES_WORDS(nsym, ndim, ntemp));
    str_printf(s, "    %s, %s, %s,\n", table_or_null(u, "inputs", p->inputs.len > 0),
               table_or_null(u, "outputs", p->outputs.len > 0),
               table_or_null(u, "symbols", nsym > 0));
    str_printf(s, "    %s, %s_bind, %s_run, %s_selected, NULL, 0, 0,\n};\n",
               literal_int(u->arena, ELEM_I64, nsym > 0 ? -1 : p->workspace_bytes), q, q, q);
}

void emit_model(Unit *u, Str *s)
{
    if (has_symbols(u))
        emit_eval(u, s);
    add_io_table(u, s, "in", u->program->inputs.at, u->program->inputs.len);
    add_io_table(u, s, "out", u->program->outputs.at, u->program->outputs.len);
    add_symbols(u, s);
    add_model(u, s, add_plan(u, s));
}
