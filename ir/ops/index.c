/* The index of operators, generated from the files of ir/ops in the order of operator names, so
 * that nothing is sorted at run time and lookups need no lock. */
#include "ir/ops/op.h"

#include "ir/base/str.h"

#define X(id) extern const OpInfo op_##id;
#include "ops.inc"
#undef X

const OpInfo *const op_table[] = {
#define X(id) &op_##id,
#include "ops.inc"
#undef X
    NULL,
};
const size_t op_count = COUNT_OF(op_table) - 1;

/* NULL, "" and "ai.onnx" are one domain. */
static const char *domain_of(const char *domain)
{
    return !domain || str_eq(domain, "ai.onnx") ? "" : domain;
}

/* First row whose name is not below `name`. */
static size_t lower_bound(const char *name)
{
    size_t lo = 0, hi = op_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(op_table[mid]->name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const OpInfo *op_find(const char *domain, const char *name)
{
    for (size_t i = lower_bound(name); i < op_count && str_eq(op_table[i]->name, name); i++) {
        if (str_eq(domain_of(op_table[i]->domain), domain_of(domain)))
            return op_table[i];
    }
    return NULL;
}

typedef struct Registered {
    const OpInfo            *op;
    const struct Registered *next;
} Registered;

void op_register(Ctx *c, Arena *a, const OpInfo *op)
{
    Registered *r = NEW(a, Registered);
    *r = (Registered){op, c->operators};
    c->operators = r;
}

const OpInfo *op_find_for(const Ctx *c, const char *domain, const char *name)
{
    for (const Registered *r = c->operators; r; r = r->next) {
        if (str_eq(r->op->name, name) && str_eq(domain_of(r->op->domain), domain_of(domain)))
            return r->op;
    }
    return op_find(domain, name);
}

Status op_unknown(Graph *g, const char *domain, const char *name, int version, Loc loc, int nodes)
{
    const char *in = domain_of(domain);
    const char *full = *in ? arena_printf(g->arena, "%s::%s", in, name) : name;
    const OpInfo *op = op_find(domain, name);
    Status st;
    if (op)
        st = diag_error(g->ctx, E0201, loc, MLC_INPUT,
                        "operator '%s' of opset %d is not supported, only since opset %d", full,
                        version, op->since[0]);
    else
        st = diag_error(g->ctx, E0201, loc, MLC_INPUT, "operator '%s' (opset %d) is not supported",
                        full, version);
    if (g->ctx->diags.last)
        g->ctx->diags.last->count = nodes;
    const char **names = NEW_ARRAY(g->arena, const char *, op_count);
    for (size_t i = 0; i < op_count; i++)
        names[i] = op_table[i]->name;
    const char *near = op ? NULL : str_nearest(name, names, op_count);
    bool foreign = *in;
    for (size_t i = 0; i < op_count; i++)
        foreign = foreign && !str_eq(domain_of(op_table[i]->domain), in);
    if (foreign)
        diag_help(g->ctx, "--custom-op %s=HEADER:SYMBOL makes it a C function of yours", full);
    else if (near)
        diag_help(g->ctx, "did you mean '%s'?", near);
    else
        diag_help(g->ctx, "'mlc list ops' lists what is supported");
    return st;
}
