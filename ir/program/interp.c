/* Running a program in the kernel interpreter, step by step. Workspace objects are filled with ones
 * (NaN, -1) when their life begins, so that reading before writing shows, and freed when it ends.
 */
#include "ir/program/program.h"

#include "ir/base/ctx.h"
#include "runtime/calls.h"

typedef struct ProgramRun {
    Program *p;
    InterpMode mode;
    int64_t *sym;   /* all symbols of the pool */
    InterpArg *arg; /* by memory object */
    Arena **arena;  /* of each, or NULL */
    ProgramResult *result; /* by output; NULL: no output has a size that the run finds out */
} ProgramRun;

static bool as_double(const ProgramRun *r, Elem e)
{
    return r->mode == INTERP_F64 && elem_is_float(e);
}

/* Elements that the object holds. */
static int64_t element_count(const ProgramRun *r, const MemObj *m)
{
    int64_t bytes = ex_eval_size(m->size_bytes, r->sym);
    int bits = elem_bits[m->elem];
    return bits >= 8 ? bytes / (bits / 8) : bytes * (8 / bits);
}

static void *allocate(ProgramRun *r, const MemObj *m)
{
    int64_t n = element_count(r, m);
    size_t bytes = as_double(r, m->elem) ? (size_t)n * sizeof(double)
                                         : (size_t)ex_eval_size(m->size_bytes, r->sym);
    r->arena[m->id] = arena_new(r->p->ctx);
    return arena_alloc(r->arena[m->id], bytes, 64);
}

static void release(ProgramRun *r, const MemObj *m)
{
    arena_free(r->arena[m->id]);
    r->arena[m->id] = NULL;
}

/* `n` elements of a float type as doubles, in the object's own memory. */
static void *doubles(ProgramRun *r, const MemObj *m, const void *data, int64_t n)
{
    r->arena[m->id] = arena_new(r->p->ctx);
    double *d = NEW_ARRAY(r->arena[m->id], double, n);
    for (int64_t i = 0; i < n; i++)
        d[i] = elem_get_f64(m->elem, data, (size_t)i);
    return d;
}

static Status begin_constant(ProgramRun *r, const MemObj *m)
{
    const Tensor *t = m->data;
    InterpArg *a = &r->arg[m->id];
    if (!t->data)
        return diag_error(r->p->ctx, E0901, (Loc){0}, MLC_BUG, "constant '%s' has no bytes",
                          m->name);
    a->splat = t->splat;
    a->data = as_double(r, m->elem) ? doubles(r, m, t->data, t->splat ? 1 : a->count)
                                    : (void *)(uintptr_t)t->data;
    return MLC_OK;
}

/* Bytes of `count` elements as this run holds them. */
static size_t object_bytes(const ProgramRun *r, const MemObj *m, int64_t count)
{
    return as_double(r, m->elem) ? (size_t)count * sizeof(double)
                                 : elem_size_bytes(m->elem, (size_t)count);
}

static void begin_temp(ProgramRun *r, const MemObj *m)
{
    InterpArg *a = &r->arg[m->id];
    a->data = allocate(r, m);
    memset(a->data, 0xff, object_bytes(r, m, a->count));
}

/* Inputs, outputs and constants; workspace objects follow at their first step. */
static Status begin(ProgramRun *r, const void *const *in, void *const *out)
{
    for (size_t i = 0; i < r->p->mem.len; i++) {
        const MemObj *m = r->p->mem.at[i];
        InterpArg *a = &r->arg[i];
        if (ex_is_run_time(r->p->pool, m->size_bytes))
            continue;
        a->count = element_count(r, m);
        if (a->count < 0)
            return diag_error(r->p->ctx, E0304, (Loc){0}, MLC_INPUT, "'%s' is too large", m->name);
        if (m->space == SPACE_INPUT)
            a->data = as_double(r, m->elem) ? doubles(r, m, in[m->io], a->count)
                                            : (void *)(uintptr_t)in[m->io];
        if (m->space == SPACE_OUTPUT)
            a->data = as_double(r, m->elem) ? allocate(r, m) : out[m->io];
        if (m->space == SPACE_CONST)
            TRY(begin_constant(r, m));
    }
    return MLC_OK;
}

static Status check_failed(const ProgramRun *r, const Step *st, int code)
{
    const char *why = code == MLC_RUN_SHAPE    ? "a shape contradicts the model"
                      : code == MLC_RUN_INDEX  ? "an index is out of bounds"
                      : code == MLC_RUN_DIVIDE ? "an integer is divided by zero"
                      : code == MLC_RUN_MEMORY ? "not enough memory"
                      : code == MLC_RUN_TEXT   ? "a string is no number"
                      : code == MLC_RUN_IMAGE  ? "data is no picture of a supported kind"
                                               : "a check failed";
    return diag_error(r->p->ctx, E0603, (Loc){.node = st->origin.len ? st->origin.at[0] : NULL},
                      MLC_INPUT, "%s (code %d)", why, code);
}

/* ---- steps that compute ---- */

static Status zero(ProgramRun *r, const MemObj *m)
{
    memset(r->arg[m->id].data, 0, object_bytes(r, m, r->arg[m->id].count));
    return MLC_OK;
}

static Status launch(ProgramRun *r, const Step *st)
{
    Arena *scratch = arena_new(r->p->ctx);
    InterpArg *args = NEW_ARRAY(scratch, InterpArg, st->args.len);
    for (size_t i = 0; i < st->args.len; i++)
        args[i] = r->arg[st->args.at[i]->id];
    int code = 0;
    Status s = kernel_interp(r->p->ctx, st->kernel, r->mode, args, r->sym, &code);
    arena_free(scratch);
    return s == MLC_OK && code ? check_failed(r, st, code) : s;
}

/* All elements of the object in memory, also where one stands for all. */
static void *spread(const ProgramRun *r, const MemObj *m, Arena *a)
{
    const InterpArg *arg = &r->arg[m->id];
    if (!arg->splat)
        return arg->data;
    size_t unit = object_bytes(r, m, 1);
    char *all = arena_alloc(a, object_bytes(r, m, arg->count), 64);
    for (int64_t i = 0; i < arg->count; i++)
        memcpy(all + (size_t)i * unit, arg->data, unit);
    return all;
}

static Status call(ProgramRun *r, const Step *st)
{
    mlc_rt_call_fn fn = mlc_rt_call_find(st->call);
    if (step_user_call(st))
        return diag_error(r->p->ctx, E0402, (Loc){.node = st->origin.len ? st->origin.at[0] : NULL},
                          MLC_INPUT, "function '%s' of a custom operator runs in compiled code only",
                          step_user_call(st));
    if (!fn)
        return diag_error(r->p->ctx, E0901, (Loc){0}, MLC_BUG, "no runtime function '%s'", st->call);
    Arena *scratch = arena_new(r->p->ctx);
    mlc_rt_arg *args = NEW_ARRAY(scratch, mlc_rt_arg, st->args.len);
    int64_t *param = NEW_ARRAY(scratch, int64_t, st->params.len);
    for (size_t i = 0; i < st->args.len; i++) {
        const MemObj *m = st->args.at[i];
        args[i].data = spread(r, m, scratch);
        args[i].elem = elem_to_onnx(as_double(r, m->elem) ? ELEM_F64 : m->elem);
        args[i].rank = st->shapes.at[i].rank;
        for (int k = 0; k < args[i].rank; k++)
            args[i].dim[k] = ex_eval_size(st->shapes.at[i].dim[k], r->sym);
    }
    for (size_t i = 0; i < st->params.len; i++)
        param[i] = ex_eval_size(st->params.at[i], r->sym);
    int code = fn(args, param);
    arena_free(scratch);
    return code ? check_failed(r, st, code) : MLC_OK;
}

/* ---- steps of control ---- */

static Status set(ProgramRun *r, const Step *st)
{
    const ExPool *p = r->p->pool;
    int64_t v = ex_eval_size(st->value, r->sym);
    if (st->args.len) {
        const MemObj *m = st->args.at[0];
        const InterpArg *a = &r->arg[m->id];
        if (v < 0 || v >= a->count)
            return check_failed(r, st, MLC_RUN_SHAPE);
        v = elem_get_i64(m->elem, a->data, a->splat ? 0 : (size_t)v);
    }
    if (v < ex_sym_min(p, st->symbol) || v > ex_sym_max(p, st->symbol))
        return check_failed(r, st, MLC_RUN_SHAPE);
    r->sym[st->symbol] = v;
    return MLC_OK;
}

/* `bytes` in the object's own type become room for so many elements; `kept` of them stay. */
static void resize(ProgramRun *r, const MemObj *m, int64_t bytes, const void *from, int64_t kept)
{
    int bits = elem_bits[m->elem];
    int64_t count = bits >= 8 ? bytes / (bits / 8) : bytes * (8 / bits);
    Arena *a = arena_new(r->p->ctx);
    size_t size = object_bytes(r, m, count);
    void *data = arena_alloc(a, size, 64);
    memset(data, 0xff, size);
    if (kept)
        memcpy(data, from, object_bytes(r, m, MIN(kept, count)));
    release(r, m);
    r->arena[m->id] = a;
    r->arg[m->id].data = data;
    r->arg[m->id].count = count;
}

static Status move(ProgramRun *r, const Step *st)
{
    const MemObj *to = st->args.at[0], *from = st->args.at[1];
    InterpArg *a = &r->arg[to->id], *b = &r->arg[from->id];
    int64_t bytes = ex_eval_size(st->value, r->sym);
    if (bytes < 0)
        return check_failed(r, st, MLC_RUN_MEMORY);
    int bits = elem_bits[to->elem];
    int64_t count = bits >= 8 ? bytes / (bits / 8) : bytes * (8 / bits);
    if (count > b->count)
        return diag_error(r->p->ctx, E0901, (Loc){0}, MLC_BUG, "a move leaves its source");
    if (b->splat) {
        if (to->moved)
            resize(r, to, bytes, NULL, 0);
        size_t unit = object_bytes(r, to, 1);
        for (int64_t i = 0; i < count; i++)
            memcpy((char *)a->data + (size_t)i * unit, b->data, unit);
        return MLC_OK;
    }
    if (to->moved)
        resize(r, to, bytes, b->data, count);
    else
        memcpy(a->data, b->data, object_bytes(r, to, count));
    return MLC_OK;
}

static Status grow(ProgramRun *r, const Step *st)
{
    const MemObj *m = st->args.at[0];
    int64_t bytes = ex_eval_size(st->value, r->sym), have = r->arg[m->id].count;
    if (bytes < 0 || bytes > INT64_MAX / 16)
        return check_failed(r, st, MLC_RUN_MEMORY);
    if (r->arena[m->id] && bytes <= (int64_t)elem_size_bytes(m->elem, (size_t)have))
        return MLC_OK;
    if (r->arena[m->id])
        bytes = MAX(bytes, 2 * (int64_t)elem_size_bytes(m->elem, (size_t)have));
    resize(r, m, bytes, r->arg[m->id].data, r->arg[m->id].count);
    return MLC_OK;
}

/* Runs the step; *next is the one after it. */
static Status run_step(ProgramRun *r, const Step *st, int *next)
{
    switch (st->kind) {
    case STEP_LAUNCH:
        return launch(r, st);
    case STEP_ZERO:
        return zero(r, st->args.at[0]);
    case STEP_SET:
        return set(r, st);
    case STEP_IF:
    case STEP_LOOP:
        if (!ex_eval_size(st->value, r->sym))
            *next = st->match + 1;
        return MLC_OK;
    case STEP_ELSE:
        *next = st->match + 1;
        return MLC_OK;
    case STEP_END:
        if (st->match >= 0)
            *next = st->match;
        return MLC_OK;
    case STEP_MOVE:
        return move(r, st);
    case STEP_GROW:
        return grow(r, st);
    default:
        return call(r, st);
    }
}

static Status begin_args(ProgramRun *r, const Step *st, int at)
{
    for (size_t k = 0; k < st->args.len; k++) {
        const MemObj *m = st->args.at[k];
        bool fresh = m->space == SPACE_TEMP || memobj_is_dynamic(r->p, m);
        if (!fresh || m->moved || (r->arena[m->id] && m->first != at))
            continue;
        r->arg[m->id].count = element_count(r, m);
        if (r->arg[m->id].count < 0)
            return check_failed(r, st, MLC_RUN_MEMORY);
        if (r->arena[m->id])
            release(r, m);
        begin_temp(r, m);
    }
    return MLC_OK;
}

static Status run_steps(ProgramRun *r)
{
    Program *p = r->p;
    for (int i = 0, next; i < (int)p->steps.len; i = next) {
        const Step *st = &p->steps.at[i];
        next = i + 1;
        TRY(begin_args(r, st, i));
        TRY(run_step(r, st, &next));
        for (size_t k = 0; k < st->args.len; k++) {
            const MemObj *m = st->args.at[k];
            if (m->space == SPACE_TEMP && m->last <= i)
                release(r, m);
        }
    }
    return MLC_OK;
}

/* The object holds pointers and the bytes they point to, which moved to `to`. */
static void move_strings(Arena *keep, ProgramResult *res, const InterpArg *a, int64_t count)
{
    uint64_t *to = arena_alloc(keep, (size_t)a->count * sizeof *to, 64);
    memcpy(to, a->data, (size_t)a->count * sizeof *to);
    for (int64_t i = 0; i < count; i++)
        to[i] += (uint64_t)(uintptr_t)to - (uint64_t)(uintptr_t)a->data;
    res->bytes = a->count * (int64_t)sizeof *to;
    res->data = to;
}

/* Outputs whose size the run found out are handed over in memory of the results' arena. */
static Status finish_output(ProgramRun *r, Arena *keep, size_t i, void *const *out)
{
    const ProgramIo *io = &r->p->outputs.at[i];
    const MemObj *m = io->obj;
    InterpArg *a = &r->arg[m->id];
    void *to = out[i];
    if (memobj_is_dynamic(r->p, m)) {
        ProgramResult *res = &r->result[i];
        int64_t count = 1;
        for (int k = 0; k < io->rank; k++)
            count *= res->dim[k] = ex_eval_size(io->dim[k], r->sym);
        if (count < 0 || count > a->count)
            return diag_error(r->p->ctx, E0901, (Loc){0}, MLC_BUG, "output '%s' has no memory",
                              io->name);
        if (io->elem == ELEM_STRING) {
            move_strings(keep, res, a, count);
            return MLC_OK;
        }
        a->count = count;
        res->bytes = (int64_t)elem_size_bytes(m->elem, (size_t)count);
        to = res->data = arena_alloc(keep, (size_t)res->bytes + 1, 64);
        if (!as_double(r, m->elem))
            memcpy(to, a->data, (size_t)res->bytes);
    }
    const double *d = a->data;
    for (int64_t k = 0; as_double(r, m->elem) && k < a->count; k++)
        elem_set_f64(m->elem, to, (size_t)k, d[k]);
    return MLC_OK;
}

bool program_has_results(const Program *p)
{
    for (size_t i = 0; i < p->outputs.len; i++)
        if (memobj_is_dynamic(p, p->outputs.at[i].obj))
            return true;
    return false;
}

Status program_interp_results(Program *p, InterpMode mode, const int64_t *sym,
                              const void *const *in, void *const *out, Arena *keep,
                              ProgramResult *result)
{
    Arena *a = arena_new(p->ctx);
    ProgramRun r = {.p = p, .mode = mode, .sym = NEW_ARRAY(a, int64_t, ex_sym_count(p->pool) + 1),
                    .arg = NEW_ARRAY(a, InterpArg, p->mem.len),
                    .arena = NEW_ARRAY(a, Arena *, p->mem.len), .result = result};
    for (int k = 0; k < ex_sym_bound_count(p->pool); k++)
        r.sym[k] = sym[k];
    Status s = begin(&r, in, out);
    if (s == MLC_OK)
        s = run_steps(&r);
    for (size_t i = 0; i < p->outputs.len && s == MLC_OK; i++)
        s = finish_output(&r, keep, i, out);
    for (size_t i = 0; i < p->mem.len; i++)
        release(&r, p->mem.at[i]);
    arena_free(a);
    return s;
}

Status program_interp(Program *p, InterpMode mode, const int64_t *sym, const void *const *in,
                      void *const *out)
{
    if (program_has_results(p))
        return diag_error(p->ctx, E0901, (Loc){0}, MLC_BUG, "outputs have no sizes yet");
    return program_interp_results(p, mode, sym, in, out, NULL, NULL);
}
