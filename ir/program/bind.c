/* Binding symbols to concrete shapes. */
#include "ir/program/program.h"

#include "ir/base/ctx.h"
#include "ir/base/str.h"

typedef struct Bind {
    const Program *p;
    const int64_t *const *shape;
    int64_t *sym;
    bool *known;
} Bind;

static const char *dim_text(Arena *a, const Program *p, Ex e)
{
    Str s = str_new(a);
    ex_print(&s, p->pool, e);
    return str_text(&s);
}

static bool is_known(const Bind *b, Ex e)
{
    for (int k = 0; k < ex_sym_count(b->p->pool); k++)
        if (!b->known[k] && ex_uses(e, ex_sym_at(b->p->pool, k)))
            return false;
    return true;
}

/* e = c * s + rest with one unknown symbol s: solves for it. True when that was possible. */
static bool solve(Bind *b, Ex e, int64_t value)
{
    ExPool *pool = b->p->pool;
    int unknown = -1;
    for (int k = 0; k < ex_sym_count(pool); k++)
        if (!b->known[k] && ex_uses(e, ex_sym_at(pool, k))) {
            if (unknown >= 0)
                return false;
            unknown = k;
        }
    if (unknown < 0)
        return false;
    Ex rest, coef = ex_affine(pool, e, ex_sym_at(pool, unknown), &rest);
    if (!coef || !is_known(b, coef) || !is_known(b, rest))
        return false;
    int64_t c = ex_eval_size(coef, b->sym), r = ex_eval_size(rest, b->sym), d;
    if (c <= 0 || __builtin_sub_overflow(value, r, &d) || d % c != 0)
        return false;
    b->sym[unknown] = d / c;
    b->known[unknown] = true;
    return true;
}

static void solve_all(Bind *b)
{
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < b->p->inputs.len; i++)
            for (int k = 0; k < b->p->inputs.at[i].rank; k++)
                again = solve(b, b->p->inputs.at[i].dim[k], b->shape[i][k]) || again;
    }
}

/* Every input has the shape that the symbols give it. */
static Status check_inputs(const Bind *b, Arena *a)
{
    for (size_t i = 0; i < b->p->inputs.len; i++) {
        const ProgramIo *io = &b->p->inputs.at[i];
        for (int k = 0; k < io->rank; k++) {
            int64_t want = ex_eval_size(io->dim[k], b->sym);
            if (!is_known(b, io->dim[k]) || want != b->shape[i][k] || want < 0)
                return diag_error(b->p->ctx, E0601, (Loc){.node = io->name}, MLC_INPUT,
                                  "dimension %d of input '%s' is %lld, the model has %s%s", k,
                                  io->name, (long long)b->shape[i][k],
                                  dim_text(a, b->p, io->dim[k]),
                                  io->dim[k]->op == EX_CONST ? "" : " there");
        }
    }
    return MLC_OK;
}

/* Is the symbol in the size of anything the program touches? */
static bool is_used(const Program *p, Ex sym)
{
    for (size_t i = 0; i < p->mem.len; i++)
        if (ex_uses(p->mem.at[i]->size_bytes, sym))
            return true;
    for (size_t i = 0; i < p->outputs.len; i++)
        for (int k = 0; k < p->outputs.at[i].rank; k++)
            if (ex_uses(p->outputs.at[i].dim[k], sym))
                return true;
    return false;
}

static Status check_symbols(const Bind *b)
{
    const ExPool *pool = b->p->pool;
    for (int k = 0; k < ex_sym_bound_count(pool); k++) {
        const char *name = ex_sym_name(pool, k);
        if (!b->known[k] && is_used(b->p, ex_sym_at(b->p->pool, k)))
            return diag_error(b->p->ctx, E0601, (Loc){0}, MLC_INPUT,
                              "dimension '%s' does not follow from the shapes of the inputs", name);
        if (!b->known[k])
            b->sym[k] = ex_sym_min(pool, k);
        if (b->sym[k] < ex_sym_min(pool, k))
            return diag_error(b->p->ctx, E0601, (Loc){0}, MLC_INPUT,
                              "dimension '%s' is %lld, the least that the model allows is %lld",
                              name, (long long)b->sym[k], (long long)ex_sym_min(pool, k));
        if (ex_sym_max(pool, k) >= 0 && b->sym[k] > ex_sym_max(pool, k))
            return diag_error(b->p->ctx, E0601, (Loc){0}, MLC_INPUT,
                              "dimension '%s' is %lld, the most that --dim allows is %lld", name,
                              (long long)b->sym[k], (long long)ex_sym_max(pool, k));
    }
    return MLC_OK;
}

Status program_bind(const Program *p, const int64_t *const *shape, int64_t *sym)
{
    Arena *a = arena_new(p->ctx);
    int n = ex_sym_count(p->pool);
    Bind b = {p, shape, sym, NEW_ARRAY(a, bool, n)};
    for (int k = 0; k < n; k++)
        sym[k] = ex_sym_min(p->pool, k);
    solve_all(&b);
    Status s = check_inputs(&b, a);
    if (s == MLC_OK)
        s = check_symbols(&b);
    arena_free(a);
    return s;
}
