/* Memory: offsets of constants in the weights section and of objects in the workspace. The
 * workspace is planned by runtime/plan.c, the very function that artifacts with symbols call at
 * bind. */
#include "ir/program/program.h"

#include "ir/base/ctx.h"
#include "runtime/rt.h"

enum { ALIGN = 64 };

typedef struct Objects {
    int n;
    int *id; /* number of the memory object */
    int64_t *size, *offset;
    int32_t *first, *last;
} Objects;

/* The workspace objects; a size that needs symbols is -1 when `sym` is NULL. */
static Objects workspace_objects(Arena *a, const Program *p, const int64_t *sym)
{
    size_t most = p->mem.len;
    Objects o = {0,
                 NEW_ARRAY(a, int, most),
                 NEW_ARRAY(a, int64_t, most),
                 NEW_ARRAY(a, int64_t, most),
                 NEW_ARRAY(a, int32_t, most),
                 NEW_ARRAY(a, int32_t, most)};
    for (size_t i = 0; i < p->mem.len; i++) {
        const MemObj *m = p->mem.at[i];
        if (m->space != SPACE_TEMP || memobj_is_dynamic(p, m))
            continue;
        o.id[o.n] = m->id;
        o.first[o.n] = m->first;
        o.last[o.n] = m->last;
        if (!ex_is_int(m->size_bytes, &o.size[o.n]))
            o.size[o.n] = sym ? ex_eval_size(m->size_bytes, sym) : -1;
        o.n++;
    }
    return o;
}

int64_t program_plan(const Program *p, const int64_t *sym, int64_t *offset)
{
    Arena *a = arena_new(p->ctx);
    Objects o = workspace_objects(a, p, sym);
    int64_t total = mlc_rt_plan(o.n, o.size, o.first, o.last, o.offset);
    for (int i = 0; i < o.n; i++)
        offset[o.id[i]] = total < 0 ? -1 : o.offset[i];
    arena_free(a);
    return total;
}

/* ---- weights ---- */

static uint64_t hash_of(const Tensor *t)
{
    return t->data ? tensor_hash(t) : 0;
}

/* The two may be of different pools. */
static bool same_size(const MemObj *a, const MemObj *b)
{
    int64_t x, y;
    return ex_is_int(a->size_bytes, &x) && ex_is_int(b->size_bytes, &y) && x == y;
}

/* The object placed before with the same bytes, or NULL. `slots` is open addressing by hash. */
static MemObj *placed_before(MemObj **slots, size_t nslots, MemObj *m)
{
    if (!m->data->data)
        return NULL;
    size_t s = hash_of(m->data) & (nslots - 1);
    for (; slots[s]; s = (s + 1) & (nslots - 1))
        if (same_size(slots[s], m) && tensor_equal(slots[s]->data, m->data))
            return slots[s];
    slots[s] = m;
    return NULL;
}

void program_plan_weights(Ctx *c, Program *const *p, int n)
{
    Arena *a = arena_new(c);
    size_t nslots = 64, count = 0;
    for (int k = 0; k < n; k++)
        count += p[k]->mem.len;
    while (nslots < count * 2)
        nslots *= 2;
    MemObj **slots = NEW_ARRAY(a, MemObj *, nslots);
    int64_t at = 0, bytes;
    for (int k = 0; k < n; k++)
        for (size_t i = 0; i < p[k]->mem.len; i++) {
            MemObj *m = p[k]->mem.at[i];
            if (m->space != SPACE_CONST || !m->data || !ex_is_int(m->size_bytes, &bytes))
                continue;
            const MemObj *same = placed_before(slots, nslots, m);
            m->offset = same ? same->offset : at;
            if (!same)
                at += (bytes + ALIGN - 1) / ALIGN * ALIGN;
        }
    for (int k = 0; k < n; k++)
        p[k]->weights_bytes = at;
    arena_free(a);
}

void program_plan_workspace(Program *p)
{
    int64_t *offset = NEW_ARRAY(p->arena, int64_t, p->mem.len);
    p->workspace_bytes = program_plan(p, NULL, offset);
    for (size_t i = 0; i < p->mem.len; i++)
        if (p->mem.at[i]->space == SPACE_TEMP)
            p->mem.at[i]->offset = p->workspace_bytes < 0 || memobj_is_dynamic(p, p->mem.at[i])
                                       ? -1
                                       : offset[i];
}

void program_plan_memory(Program *p)
{
    program_plan_weights(p->ctx, &p, 1);
    program_plan_workspace(p);
}

/* The next combination of values, or false after the last. */
static bool next_values(const ExPool *p, int64_t *sym)
{
    for (int k = 0; k < ex_sym_bound_count(p); k++) {
        if (sym[k]++ < ex_sym_max(p, k))
            return true;
        sym[k] = ex_sym_min(p, k);
    }
    return false;
}

int64_t program_workspace_max(const Program *p)
{
    enum { MOST_COMBINATIONS = 16384 };
    int n = ex_sym_bound_count(p->pool);
    int64_t combinations = 1, most = 0;
    for (int k = 0; k < n; k++) {
        int64_t max = ex_sym_max(p->pool, k), values = max - ex_sym_min(p->pool, k) + 1;
        if (max < 0 || values > MOST_COMBINATIONS)
            return -1;
        combinations *= values;
        if (combinations > MOST_COMBINATIONS)
            return -1;
    }
    Arena *a = arena_new(p->ctx);
    int64_t *sym = NEW_ARRAY(a, int64_t, n + 1), *offset = NEW_ARRAY(a, int64_t, p->mem.len + 1);
    for (int k = 0; k < n; k++)
        sym[k] = ex_sym_min(p->pool, k);
    do {
        int64_t bytes = program_plan(p, sym, offset);
        most = bytes < 0 ? -1 : MAX(most, bytes);
    } while (most >= 0 && next_values(p->pool, sym));
    arena_free(a);
    return most;
}
