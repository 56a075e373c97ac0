/* Running a program in the kernel interpreter, step by step. Workspace objects are filled with ones
 * (NaN, -1) when their life begins, so that reading before writing shows, and freed when it ends.
 */
#include "ir/program/program.h"

#include "ir/base/ctx.h"
#include "runtime/mlc_abi.h"

typedef struct ProgramRun {
    Program *p;
    InterpMode mode;
    const int64_t *sym;
    InterpArg *arg; /* by memory object */
    Arena **arena;  /* of each, or NULL */
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

static void begin_temp(ProgramRun *r, const MemObj *m)
{
    InterpArg *a = &r->arg[m->id];
    a->data = allocate(r, m);
    memset(a->data, 0xff,
           as_double(r, m->elem) ? (size_t)a->count * sizeof(double)
                                 : elem_size_bytes(m->elem, (size_t)a->count));
}

/* Inputs, outputs and constants; workspace objects follow at their first step. */
static Status begin(ProgramRun *r, const void *const *in, void *const *out)
{
    for (size_t i = 0; i < r->p->mem.len; i++) {
        const MemObj *m = r->p->mem.at[i];
        InterpArg *a = &r->arg[i];
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
                                               : "a check failed";
    return diag_error(r->p->ctx, E0603, (Loc){.node = st->origin.len ? st->origin.at[0] : NULL},
                      MLC_INPUT, "%s (code %d)", why, code);
}

static Status run_step(ProgramRun *r, const Step *st)
{
    if (st->kind == STEP_ZERO) {
        const MemObj *m = st->args.at[0];
        size_t bytes = as_double(r, m->elem)
                           ? (size_t)r->arg[m->id].count * sizeof(double)
                           : elem_size_bytes(m->elem, (size_t)r->arg[m->id].count);
        memset(r->arg[m->id].data, 0, bytes);
        return MLC_OK;
    }
    Arena *scratch = arena_new(r->p->ctx);
    InterpArg *args = NEW_ARRAY(scratch, InterpArg, st->args.len);
    for (size_t i = 0; i < st->args.len; i++)
        args[i] = r->arg[st->args.at[i]->id];
    int code = 0;
    Status s = kernel_interp(r->p->ctx, st->kernel, r->mode, args, r->sym, &code);
    arena_free(scratch);
    return s == MLC_OK && code ? check_failed(r, st, code) : s;
}

static Status run_steps(ProgramRun *r)
{
    Program *p = r->p;
    for (size_t i = 0; i < p->steps.len; i++) {
        const Step *st = &p->steps.at[i];
        for (size_t k = 0; k < st->args.len; k++) {
            const MemObj *m = st->args.at[k];
            if (m->space == SPACE_TEMP && !r->arena[m->id])
                begin_temp(r, m);
        }
        TRY(run_step(r, st));
        for (size_t k = 0; k < st->args.len; k++) {
            const MemObj *m = st->args.at[k];
            if (m->space == SPACE_TEMP && m->last <= (int)i)
                release(r, m);
        }
    }
    return MLC_OK;
}

Status program_interp(Program *p, InterpMode mode, const int64_t *sym, const void *const *in,
                      void *const *out)
{
    Arena *a = arena_new(p->ctx);
    ProgramRun r = {p, mode, sym, NEW_ARRAY(a, InterpArg, p->mem.len),
                    NEW_ARRAY(a, Arena *, p->mem.len)};
    Status s = begin(&r, in, out);
    if (s == MLC_OK)
        s = run_steps(&r);
    for (size_t i = 0; i < p->outputs.len && s == MLC_OK; i++) {
        const MemObj *m = p->outputs.at[i].obj;
        const double *d = r.arg[m->id].data;
        for (int64_t k = 0; as_double(&r, m->elem) && k < r.arg[m->id].count; k++)
            elem_set_f64(m->elem, out[i], (size_t)k, d[k]);
    }
    for (size_t i = 0; i < p->mem.len; i++)
        release(&r, p->mem.at[i]);
    arena_free(a);
    return s;
}
