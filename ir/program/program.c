/* Programs: verifying, printing, the files behind constants. */
#include "ir/program/program.h"

#include "ir/base/ctx.h"
#include "ir/base/map.h"
#include "ir/base/str.h"

#include <stdio.h>

static Status broken(Program *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static Status broken(Program *p, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return diag_error(p->ctx, E0901, (Loc){0}, MLC_BUG, "program '%s': %s", p->name ? p->name : "?",
                      text);
}

/* Symbols and arithmetic alone. */
static bool is_size(Ex e)
{
    static const ExOp outside[] = {EX_VAR, EX_LOAD, EX_ACC, EX_RHS};
    if (e->elem != ELEM_I64)
        return false;
    for (size_t i = 0; i < COUNT_OF(outside); i++)
        if (ex_uses_op(e, outside[i]))
            return false;
    return true;
}

static Status verify_object(Program *p, const MemObj *m, int id)
{
    int64_t bytes;
    const char *name = m->name ? m->name : "?";
    if (m->id != id)
        return broken(p, "memory object %d has number %d", id, m->id);
    if (m->space == SPACE_REG || !is_size(m->size_bytes))
        return broken(p, "memory object %d '%s' is a register or has no size", id, name);
    bool is_static = ex_is_int(m->size_bytes, &bytes);
    if (is_static && bytes < 0)
        return broken(p, "memory object '%s' has %lld bytes", name, (long long)bytes);
    if (m->offset != -1 && (m->offset < 0 || m->offset % 64 != 0))
        return broken(p, "memory object '%s' lies at %lld", name, (long long)m->offset);
    if (m->space == SPACE_CONST) {
        if (!m->data || !is_static)
            return broken(p, "constant '%s' has no data or no constant size", name);
        if (m->data->elem != m->elem)
            return broken(p, "constant '%s' of %s has data of %s", name, elem_name[m->elem],
                          elem_name[m->data->elem]);
        if ((int64_t)elem_size_bytes(m->elem, (size_t)tensor_count(m->data)) < bytes)
            return broken(p, "constant '%s' of %lld bytes has data of fewer", name,
                          (long long)bytes);
        if (m->offset >= 0 &&
            (m->offset > p->weights_bytes || bytes > p->weights_bytes - m->offset))
            return broken(p, "constant '%s' lies outside of the weights", name);
    }
    if (m->space == SPACE_TEMP && m->offset >= 0 && is_static &&
        (m->offset > p->workspace_bytes || bytes > p->workspace_bytes - m->offset))
        return broken(p, "memory object '%s' lies outside of the workspace", name);
    if (m->space == SPACE_TEMP && m->first > m->last)
        return broken(p, "memory object '%s' ends before it begins", name);
    return MLC_OK;
}

static Status verify_io(Program *p, const ProgramIo *io, int number, BufSpace space)
{
    const char *name = io->name ? io->name : "?";
    if (!io->obj || io->obj->space != space || io->obj->io != number || io->obj->elem != elem_stored(io->elem))
        return broken(p, "input or output '%s' has no memory object of its own", name);
    if ((size_t)io->obj->id >= p->mem.len || p->mem.at[io->obj->id] != io->obj)
        return broken(p, "the memory of '%s' is not the program's", name);
    if (io->rank < 0 || io->rank > MAX_RANK)
        return broken(p, "input or output '%s' has rank %d", name, io->rank);
    for (int k = 0; k < io->rank; k++)
        if (!is_size(io->dim[k]))
            return broken(p, "dimension %d of '%s' is not a size", k, name);
    return MLC_OK;
}

static bool is_stored(const Stmt *s, const Buf *b)
{
    for (; s; s = s->next) {
        if (s->kind == STMT_STORE && s->store.buf == b)
            return true;
        if (s->kind == STMT_LOOP && is_stored(s->loop.body, b))
            return true;
        if (s->kind == STMT_IF && (is_stored(s->cond.then, b) || is_stored(s->cond.otherwise, b)))
            return true;
    }
    return false;
}

static bool writes(const Step *st, size_t arg)
{
    switch (st->kind) {
    case STEP_LAUNCH:
        return is_stored(st->kernel->body, st->kernel->params.at[arg]);
    case STEP_CALL:
        return (int)arg < st->nwritten;
    default:
        return arg == 0 && st->kind != STEP_SET;
    }
}

/* Argument `arg` of a step. `b` is what the kernel calls it, NULL for all but launches. */
static Status verify_arg(Program *p, const Step *st, int step, size_t arg, const Buf *b)
{
    const MemObj *m = st->args.at[arg];
    if (!m || (size_t)m->id >= p->mem.len || p->mem.at[m->id] != m)
        return broken(p, "step %d has an argument that is not the program's memory", step);
    if (writes(st, arg) && (m->space == SPACE_INPUT || m->space == SPACE_CONST))
        return broken(p, "step %d writes '%s', which is read only", step, m->name);
    if (b && b->elem != m->elem)
        return broken(p, "step %d takes '%s' of %s as %s", step, m->name, elem_name[m->elem],
                      elem_name[b->elem]);
    if (m->space == SPACE_TEMP && (step < m->first || step > m->last))
        return broken(p, "step %d uses '%s', which lives from %d to %d", step, m->name, m->first,
                      m->last);
    int64_t have, want;
    if (b && ex_is_int(m->size_bytes, &have) && ex_is_int(b->size, &want) &&
        (want < 0 || want > INT64_MAX / 16 ||
         (int64_t)elem_size_bytes(b->elem, (size_t)want) > have))
        return broken(p, "step %d needs %lld elements of '%s', which has %lld bytes", step,
                      (long long)want, m->name, (long long)have);
    return MLC_OK;
}

bool memobj_is_dynamic(const Program *p, const MemObj *m)
{
    if (m->space != SPACE_TEMP && m->space != SPACE_OUTPUT)
        return false;
    bool dynamic = ex_is_run_time(p->pool, m->size_bytes);
    if (m->space == SPACE_OUTPUT && m->io >= 0 && (size_t)m->io < p->outputs.len)
        /* n x 0 elements take no bytes, and yet only the run knows n */
        for (int k = 0; k < p->outputs.at[m->io].rank; k++)
            dynamic |= ex_is_run_time(p->pool, p->outputs.at[m->io].dim[k]);
    return dynamic;
}

bool program_has_control(const Program *p)
{
    for (size_t i = 0; i < p->steps.len; i++)
        if (p->steps.at[i].kind > STEP_ZERO)
            return true;
    return false;
}

const char *step_user_call(const Step *s)
{
    static const char prefix[] = STAGE_USER_CALL;
    return s->kind == STEP_CALL && str_starts(s->call, prefix) ? s->call + strlen(prefix) : NULL;
}

bool program_only_calls_user(const Program *p)
{
    for (size_t i = 0; i < p->steps.len; i++) {
        const Step *s = &p->steps.at[i];
        if (s->kind != STEP_LAUNCH && s->kind != STEP_ZERO && !step_user_call(s))
            return false;
    }
    return !program_allocates(p) && ex_sym_count(p->pool) == ex_sym_bound_count(p->pool);
}

bool program_allocates(const Program *p)
{
    for (size_t i = 0; i < p->mem.len; i++)
        if (memobj_is_dynamic(p, p->mem.at[i]))
            return true;
    return false;
}

Status program_match(Program *p)
{
    VEC(int) open = {0};
    for (size_t i = 0; i < p->steps.len; i++) {
        Step *st = &p->steps.at[i];
        st->match = -1;
        if (st->kind == STEP_IF || st->kind == STEP_LOOP)
            vec_push(p->arena, &open, (int)i);
        if (st->kind != STEP_ELSE && st->kind != STEP_END)
            continue;
        if (open.len == 0)
            return broken(p, "step %zu ends what did not begin", i);
        Step *begin = &p->steps.at[open.at[open.len - 1]];
        bool is_else = st->kind == STEP_ELSE;
        if (is_else && begin->kind != STEP_IF)
            return broken(p, "step %zu is an ELSE without IF", i);
        begin->match = (int)i;
        if (begin->kind == STEP_LOOP)
            st->match = open.at[open.len - 1];
        open.len--;
        if (is_else)
            vec_push(p->arena, &open, (int)i);
    }
    return open.len ? broken(p, "step %d has no END", open.at[open.len - 1]) : MLC_OK;
}

/* Steps of the host: their memory and their numbers. */
static Status verify_control(Program *p, const Step *st, int step)
{
    static const struct {
        int8_t min, max;
        bool   value;
    } form[] = {[STEP_ZERO] = {1, 1, false}, [STEP_SET] = {0, 1, true},   [STEP_IF] = {0, 0, true},
                [STEP_ELSE] = {0, 0, false}, [STEP_LOOP] = {0, 0, true},  [STEP_END] = {0, 0, false},
                [STEP_MOVE] = {2, 2, true},  [STEP_GROW] = {1, 1, true},  [STEP_CALL] = {0, 127, false}};
    if ((int)st->args.len < form[st->kind].min || (int)st->args.len > form[st->kind].max)
        return broken(p, "step %d has %zu arguments", step, st->args.len);
    if (form[st->kind].value != !!st->value || (st->value && !is_size(st->value)))
        return broken(p, "step %d has no number, or one that is none", step);
    if (st->kind == STEP_SET && (st->symbol < ex_sym_bound_count(p->pool) ||
                                 st->symbol >= ex_sym_count(p->pool)))
        return broken(p, "step %d sets symbol %d", step, st->symbol);
    if (st->kind == STEP_CALL &&
        (!st->call || st->nwritten < 0 || st->nwritten > (int)st->args.len ||
         st->shapes.len != st->args.len))
        return broken(p, "step %d calls nothing", step);
    for (size_t i = 0; i < st->args.len; i++)
        TRY(verify_arg(p, st, step, i, NULL));
    return MLC_OK;
}

static Status verify_step(Program *p, const Step *st, int step)
{
    if (st->kind != STEP_LAUNCH)
        return verify_control(p, st, step);
    bool known = false;
    for (size_t i = 0; i < p->kernels.len; i++)
        known = known || p->kernels.at[i] == st->kernel;
    if (!known)
        return broken(p, "step %d launches a kernel that is not the program's", step);
    if (st->args.len != st->kernel->params.len)
        return broken(p, "step %d gives %zu arguments to kernel '%s', which takes %zu", step,
                      st->args.len, st->kernel->name, st->kernel->params.len);
    for (size_t i = 0; i < st->args.len; i++)
        TRY(verify_arg(p, st, step, i, st->kernel->params.at[i]));
    return MLC_OK;
}

Status program_verify(Program *p)
{
    for (size_t i = 0; i < p->mem.len; i++)
        TRY(verify_object(p, p->mem.at[i], (int)i));
    for (size_t i = 0; i < p->inputs.len; i++)
        TRY(verify_io(p, &p->inputs.at[i], (int)i, SPACE_INPUT));
    for (size_t i = 0; i < p->outputs.len; i++)
        TRY(verify_io(p, &p->outputs.at[i], (int)i, SPACE_OUTPUT));
    Arena *scratch = arena_new(p->ctx);
    Map names = map_new(scratch);
    Status s = MLC_OK;
    for (size_t i = 0; i < p->kernels.len && s == MLC_OK; i++) {
        Kernel *k = p->kernels.at[i];
        s = k->pool != p->pool ? broken(p, "kernel %zu has another pool", i)
                               : kernel_verify(p->ctx, k);
        if (s == MLC_OK && map_set(&names, k->name, k))
            s = broken(p, "two kernels are called '%s'", k->name);
    }
    arena_free(scratch);
    TRY(s);
    TRY(program_match(p));
    for (size_t i = 0; i < p->steps.len; i++)
        TRY(verify_step(p, &p->steps.at[i], (int)i));
    return MLC_OK;
}

/* ---- files ---- */

int program_files(const Program *p, int *fd, int max)
{
    int n = 0;
    for (size_t i = 0; i < p->mem.len && !p->without_constants; i++) {
        const Tensor *t = p->mem.at[i]->data;
        if (p->mem.at[i]->space != SPACE_CONST || !t || t->fd < 0)
            continue;
        bool known = false;
        for (int k = 0; k < n; k++)
            known = known || fd[k] == t->fd;
        if (!known && n < max)
            fd[n++] = t->fd;
    }
    return n;
}

/* ---- printing ---- */

static void print_io(Str *s, const Program *p, const char *what, const ProgramIo *io)
{
    str_printf(s, "%s %s %s[", what, io->name, elem_name[io->elem]);
    for (int k = 0; k < io->rank; k++) {
        str_add(s, k ? "," : "");
        ex_print(s, p->pool, io->dim[k]);
    }
    str_printf(s, "] m%d\n", io->obj->id);
}

static void print_object(Str *s, const Program *p, const MemObj *m)
{
    static const char *const space[] = {"input", "output", "const", "temp", "reg"};
    str_printf(s, "m%d %s %s %s ", m->id, space[m->space], elem_name[m->elem],
               m->name ? m->name : "");
    ex_print(s, p->pool, m->size_bytes);
    str_add(s, " bytes");
    if (m->offset >= 0)
        str_printf(s, " at %lld", (long long)m->offset);
    if (m->space == SPACE_TEMP)
        str_printf(s, " steps %d..%d", m->first, m->last);
    str_addc(s, '\n');
}

static void print_step(Str *s, const Program *p, const Step *st, int number)
{
    static const char *const name[] = {
        [STEP_ZERO] = "zero", [STEP_SET] = "set",   [STEP_IF] = "if",     [STEP_ELSE] = "else",
        [STEP_LOOP] = "loop", [STEP_END] = "end",   [STEP_MOVE] = "move", [STEP_GROW] = "grow",
    };
    str_printf(s, "step %d: %s", number,
               st->kind == STEP_LAUNCH ? st->kernel->name
               : st->kind == STEP_CALL ? st->call
                                       : name[st->kind]);
    if (st->kind == STEP_SET)
        str_printf(s, " %s", ex_sym_name(p->pool, st->symbol));
    if (st->value) {
        str_addc(s, ' ');
        ex_print(s, p->pool, st->value);
    }
    str_addc(s, '(');
    for (size_t i = 0; i < st->args.len; i++)
        str_printf(s, "%sm%d", i ? ", " : "", st->args.at[i]->id);
    str_addc(s, ')');
    for (size_t i = 0; i < st->origin.len; i++)
        str_printf(s, "%s%s", i ? ", " : "  ; ", st->origin.at[i]);
    str_addc(s, '\n');
}

void program_print(Str *s, const Program *p)
{
    str_printf(s, "program %s workspace %lld weights %lld\n", p->name ? p->name : "",
               (long long)p->workspace_bytes, (long long)p->weights_bytes);
    for (int i = 0; i < ex_sym_count(p->pool); i++) {
        str_printf(s, "symbol %s >= %lld", ex_sym_name(p->pool, i),
                   (long long)ex_sym_min(p->pool, i));
        if (ex_sym_max(p->pool, i) >= 0)
            str_printf(s, " max %lld", (long long)ex_sym_max(p->pool, i));
        str_addc(s, '\n');
    }
    for (size_t i = 0; i < p->inputs.len; i++)
        print_io(s, p, "input", &p->inputs.at[i]);
    for (size_t i = 0; i < p->outputs.len; i++)
        print_io(s, p, "output", &p->outputs.at[i]);
    for (size_t i = 0; i < p->mem.len; i++)
        print_object(s, p, p->mem.at[i]);
    for (size_t i = 0; i < p->steps.len; i++)
        print_step(s, p, &p->steps.at[i], (int)i);
    for (size_t i = 0; i < p->kernels.len; i++)
        kernel_print(s, p->kernels.at[i]);
}
